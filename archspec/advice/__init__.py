"""Advise on a sound network: what could be better in it.

    >>> import archspec
    >>> [each.code for each in advise(archspec.load("vgg16_imagenet"))]
    ['heavy-dense']

A rule is a function that yields an `Advice` for each layer that it is about. It is in the file of
its subject and in `RULES`, with its code; a step that makes many layers is advised once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from archspec.advice.activations import find_doubled, find_inner_softmaxes, find_lacking
from archspec.advice.network import Advice, Network, make_network
from archspec.advice.sizes import (
    find_dropped_rows,
    find_heavy_dense,
    find_odd_channels,
    find_small_fields,
)
from archspec.advice.statistics import (
    find_early_dropout,
    find_second_dropouts,
    find_second_normalizations,
    find_useless_biases,
)
from archspec.advice.training import find_idle_heads, find_rectified_heads
from archspec.errors import Diagnostic, Note, Span, in_order
from archspec.graph import Graph
from archspec.silencing import find_idle, heard

Rule = Callable[[Network], Iterator[Advice]]

RULES: Mapping[str, Rule] = {
    "activation-twice": find_doubled,
    "dropout-before-normalization": find_early_dropout,
    "dropout-twice": find_second_dropouts,
    "dropped-rows": find_dropped_rows,
    "heavy-dense": find_heavy_dense,
    "idle-head": find_idle_heads,
    "no-activation": find_lacking,
    "normalization-twice": find_second_normalizations,
    "odd-channels": find_odd_channels,
    "relu-head": find_rectified_heads,
    "small-field": find_small_fields,
    "softmax-inside": find_inner_softmaxes,
    "useless-bias": find_useless_biases,
}


def advise(graph: Graph) -> tuple[Diagnostic, ...]:
    """Return the advice on a sound graph, each a `Diagnostic` with the severity "advice", sorted by
    place. That which a comment silences is left out, and a comment that silences none is named."""
    network = make_network(graph)
    found = [
        _with_base(each, graph)
        for code, rule in RULES.items()
        for each in _join_calls(code, list(rule(network)))
    ]
    return heard(in_order([*found, *find_idle(graph.silencers, RULES, found, "advice")]))


def _with_base(found: Diagnostic, graph: Graph) -> Diagnostic:
    """Return advice on a step of a base with a note on the place that names the base."""
    base, places = graph.extends, (found.span, *(note.span for note in found.notes))
    if base is None or any(place.source is base.source for place in places):
        return found
    return replace(found, notes=(*found.notes, Note("extended here", base)))


def _join_calls(code: str, found: list[Advice]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each step, however many layers a loop or a block makes of it."""
    by_step: dict[Span, list[Advice]] = {}
    for each in found:
        by_step.setdefault(each.node.span, []).append(each)
    for span, same in by_step.items():
        first, count = same[0], len(same)
        message = first.message
        if count > 1:
            message += f", and so in {count - 1} other layer{'s' * (count > 2)} of this step"
        notes = tuple(reversed(first.node.trail))
        yield Diagnostic(code, message, span, first.hint, notes, "advice")
