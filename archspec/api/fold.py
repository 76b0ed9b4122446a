"""Fold a flat spec into a short one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archspec.api.arguments import Spec, graph_of

if TYPE_CHECKING:
    from archspec.folding import Folded


def fold(spec: Spec) -> Folded:
    """Return a short spec of a network, with blocks and loops for layers that repeat.

    spec: a file, the bare name of a spec that comes with archspec, or a graph. It may be a list of
        layers: repeats are found by connections, arguments and names.

    The result has the YAML as `text`, the `graph` that it means, which has the same fingerprint,
    and `renamed`, from the old names of layers to those that they have now, where these are others.
    Names are kept if that makes the spec at most a quarter longer; `archspec.resolve` always keeps
    them. The recipe is kept, but not the contracts under `require`.

    Raises `SpecError` for a broken spec.

        >>> import archspec
        >>> folded = archspec.fold("vgg16")
        >>> folded.graph.fingerprint == archspec.load("vgg16").fingerprint
        True
    """
    from archspec.folding.flat_specs import fold_flat

    return fold_flat(graph_of(spec, "fold"))
