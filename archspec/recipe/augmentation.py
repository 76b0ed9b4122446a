"""Check augmentation against the input of a graph, and against the range of its pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from archspec.errors import AtArgument, Refused
from archspec.graph import Graph
from archspec.layers import LAYERS
from archspec.objects import Object, named
from archspec.recipe.tasks import IMAGE, INPUT, MASK, NUMBERS

# Words in the names of targets that are places in an image, or directions.
PLACE = re.compile(
    "angle|b?box(es)?|bottom|cent(er|re)|coord(inate)?s?|corners?|c?[xy](min|max)?|direction|"
    "heading|(key)?points?|landmarks?|left|location|orientation|pose|position|right|rotation|"
    "steering|theta|top|yaw"
)


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
        raise Refused("train.augment expects a spec with one input", AtArgument("augment"), "train")
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
    if followed := list_followed(tasks, targets):
        _check_followed(graph, augment, followed)


def list_followed(tasks: Mapping[str, str], targets: Mapping[str, object]) -> list[str]:
    """Return the outputs whose targets must follow what moves pixels: masks, and other images."""
    return [
        output
        for output, task in tasks.items()
        if task in (MASK, IMAGE) and targets.get(output) != INPUT
    ]


def split_augment(augment: tuple[Object, ...]) -> tuple[tuple[Object, ...], tuple[Object, ...]]:
    """Return the layers at the beginning that move pixels, and the others."""
    moving = [LAYERS[named(step)[0]].traits.moves_pixels for step in augment]
    count = moving.index(False) if False in moving else len(moving)
    return augment[:count], augment[count:]


def _check_followed(graph: Graph, augment: tuple[Object, ...], followed: list[str]) -> None:
    """Refuse layers that move pixels where a target cannot follow them."""
    moving, others = split_augment(augment)
    at, size = AtArgument("augment"), graph.shape(graph.inputs[0])[1:3]
    for step in others:
        name = named(step)[0]
        if LAYERS[name].traits.moves_pixels:
            raise Refused(
                f"train.augment: {name} moves pixels, which the target of '{followed[0]}' must "
                f"follow, and comes after {named(others[0])[0]}",
                at,
                "train",
                f"put {name} first, or leave it out",
            )
    for output in followed if moving else ():
        shape = graph.shape(output)
        if len(shape) != 4 or shape[1:3] != size:
            raise Refused(
                f"train.augment: {named(moving[0])[0]} moves pixels of images {size}, and the "
                f"target of '{output}', {shape}, cannot follow",
                at,
                "train",
                "leave out what moves pixels",
            )


def find_places_left_behind(
    augment: tuple[Object, ...], tasks: Mapping[str, str], targets: Mapping[str, object]
) -> Iterator[str]:
    """Yield a warning for an output whose numbers seem to be places in the image, or angles, where
    augmentation moves the pixels and not the numbers."""
    moving = next((op for op, _ in map(named, augment) if LAYERS[op].traits.moves_pixels), None)
    for output, task in tasks.items() if moving else ():
        target = targets.get(output) or output
        names = (output, *([target] if isinstance(target, str) else map(str, target)))  # type: ignore
        words = {word for name in names for word in re.findall("[a-z]+", name.lower())}
        places = sorted(filter(PLACE.fullmatch, words))
        if task == NUMBERS and places and places != ["y"]:  # which is any target
            yield (
                f"train.augment: {moving} moves the pixels of images, and the numbers of "
                f"'{output}' stay as they are, which is wrong if '{places[0]}' is a place or an "
                "angle: leave out what moves pixels"
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
