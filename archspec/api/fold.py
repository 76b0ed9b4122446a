"""Fold a flat spec into a short one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archspec.api.arguments import Spec, graph_of

if TYPE_CHECKING:
    from archspec.folding import Folded


def fold(spec: Spec) -> Folded:
    """Return a short spec of a network, with blocks and loops for what repeats.

    spec: a file, the bare name of a spec that comes with archspec, or a graph. It may be a list of
        layers: what repeats is found by their wiring and arguments, and by names that count.

    The result has the YAML as `text`, the `graph` that it means, which has the same fingerprint,
    and `renamed`, from the names of layers to those that they have now, where these are others. The
    recipe is kept. `archspec.resolve` keeps the names of all layers.

    Raises `SpecError` for a broken spec.

        >>> import archspec
        >>> folded = archspec.fold("vgg16")
        >>> folded.graph.fingerprint == archspec.load("vgg16").fingerprint
        True
    """
    from archspec.folding.recipes import fold_with_recipe

    return fold_with_recipe(graph_of(spec, "fold"))
