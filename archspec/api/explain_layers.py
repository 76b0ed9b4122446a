"""Explain layers of a spec: the line that made each, its arguments, its arithmetic."""

from __future__ import annotations

from archspec.api.arguments import Spec, graph_of
from archspec.api.reports import Report


def explain_layers(spec: Spec, *patterns: str) -> Report:
    """Explain layers of a spec: the line of each, its arguments and why, its arithmetic.

    The arithmetic is that of the shape, the parameters and the MACs, with the numbers in place.

    spec: a file, the bare name of a spec that comes with archspec, or a graph.
    patterns: names of layers or of blocks, which stand for all layers in them; `*` stands for any
        letters of one part of a name, `**` for any number of parts, as under `at` of an edit.

    `print` shows the report as text, a notebook as Markdown, and `report.data` is a list with a
    dict for each layer (docs/checking.md).

    Raises `SpecError` for a broken spec, `UserError` for a file that is not there and for a pattern
    that fits no layer, with the closest name, and `TypeError` without a pattern.

        >>> import archspec
        >>> (page,) = archspec.explain_layers("googlenet", "conv2d").data
        >>> page["params"]["numbers"], page["params"]["value"]
        ('7*7*3*64 + 64', 9472)
    """
    from archspec.backends.layer_pages import find_layers, to_pages

    if not patterns:
        raise TypeError("explain_layers() takes at least one name of a layer")
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"explain_layers() takes names of layers, not {type(pattern).__name__}")
    graph = graph_of(spec, "explain_layers")
    find_layers(graph, patterns)
    return Report(lambda form: to_pages(graph, patterns, form))
