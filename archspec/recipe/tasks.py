"""Derive the task of each output from its loss and its shape: what its target must be."""

from __future__ import annotations

from archspec.graph import Graph
from archspec.objects import Object, named
from archspec.recipe.outputs import OF_CLASSES

# One class of a sample; several labels of 0 or 1; numbers; a class of each place; an image.
CLASSES, LABELS, NUMBERS, MASK, IMAGE = "classes", "labels", "numbers", "mask", "image"
OF_OVERLAP = ("Dice", "Tversky")  # losses of masks, which take the share of a class at each place
INPUT = "input"  # as a target: the input itself, as it was before augmentation

METRICS: dict[str, tuple[Object, ...]] = {
    CLASSES: ("accuracy",),
    LABELS: ("BinaryAccuracy",),
    NUMBERS: ("MeanAbsoluteError",),
    MASK: ("accuracy",),
    IMAGE: (),
}


def find_task(graph: Graph, output: str, loss: Object, target: object = None) -> str:
    """Return the task of an output under a loss.

    target: the column that the recipe names for it, if it names one.
    """
    name, shape = named(loss)[0], graph.shape(output)
    if target == INPUT:
        return IMAGE if len(shape) > 2 else NUMBERS
    if name not in OF_CLASSES:
        return IMAGE if len(shape) > 2 else NUMBERS
    if len(shape) > 2:
        return MASK
    if name.startswith("Binary") and shape[-1] != 1:
        return LABELS
    return CLASSES
