"""Check augmentation against the input of a graph, and against the range of its pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archspec.errors import AtArgument, Refused
from archspec.graph import Graph
from archspec.layers import LAYERS
from archspec.objects import Object, named


def check_augment(
    graph: Graph,
    augment: tuple[Object, ...],
    tasks: Mapping[str, str],
    targets: Mapping[str, object],
) -> None:
    """Refuse augmentation that changes the shape of images, that learns, or that a target misses.

    tasks, targets: by output, the task and the column that the recipe names.
    """
    if not augment:
        return
    if len(graph.inputs) > 1:
        raise Refused("train.augment wants a spec with one input", AtArgument("augment"), "train")
    given = shape = graph.shape(graph.inputs[0])
    for step in augment:
        op, differing = named(step)
        layer = LAYERS[op]
        defaults = {name: argument.default for name, argument in layer.arguments.items()}
        if layer.takes != "one":
            raise Refused(
                f"train.augment cannot use {op}, which merges", AtArgument("augment"), "train"
            )
        try:
            facts = layer.facts([shape], defaults | differing)
        except Refused as refused:
            raise Refused(
                f"train.augment: {op} {refused}", AtArgument("augment"), "train"
            ) from None
        if facts.weights:
            raise Refused(
                f"train.augment cannot use {op}, which learns", AtArgument("augment"), "train"
            )
        shape = facts.shape
    if shape != given:
        raise Refused(
            f"train.augment makes {shape} of images of {given}", AtArgument("augment"), "train"
        )


def find_wrong_ranges(
    scale: tuple[float, float] | None, augment: tuple[Object, ...]
) -> Iterator[str]:
    """Yield a warning for a layer whose value_range is not that of the pixels at its place."""
    for step in augment:
        op, given = named(step)
        if scale is None or LAYERS[op].traits.changes_range:
            return  # what the pixels are from here on is not known
        argument = LAYERS[op].arguments.get("value_range")
        if argument is None:
            continue
        taken = given.get("value_range", argument.default)
        right = taken == scale or (LAYERS[op].traits.takes_unit_range and taken == (0.0, 1.0))
        if not right:
            is_, said = ([f"{each:g}" for each in pair] for pair in (scale, taken))
            yield (
                f"train.augment: {op} has the value_range [{', '.join(said)}], but "
                f"train.data.scale makes pixels of {' to '.join(is_)}: "
                f"say value_range: [{', '.join(is_)}]"
            )
