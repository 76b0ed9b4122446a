"""The receptive field of each layer: how much of the model's input one value of its output sees.

    >>> import archspec
    >>> graph = archspec.load("vgg16_imagenet")
    >>> find_fields(graph)["stage4.max_pooling2d"].size
    (212, 212)
    >>> find_largest_field(graph)
    (212, 212)

Source: Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from math import ceil

from archspec.graph import Graph, Node, fold


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field of a layer, with one entry for each spatial axis.

    size: rows of the input that can reach one value of the output, over the longest reach of all
        paths. Padding is counted in, as the literature does, so it may be more than the input has.
    stride: rows of the input from one value to the next; below 1 after upsampling beyond the input.
    """

    size: tuple[int, ...]
    stride: tuple[Fraction, ...]


Reach = tuple[tuple[Fraction, Fraction], ...] | None  # (size, stride) for each axis
ALONE = (Fraction(1), Fraction(1))


def find_fields(graph: Graph) -> dict[str, Field | None]:
    """Return the receptive field of each layer by name; None where a value sees the whole input."""
    return {
        name: reach
        if reach is None
        else Field(tuple(ceil(size) for size, _ in reach), tuple(stride for _, stride in reach))
        for name, reach in fold(graph, _reach).items()
    }


def find_largest_field(graph: Graph) -> tuple[int, ...] | None:
    """Return the size of the largest receptive field in the network, axis by axis.

    That is the field of the last layer before one that sees everything, such as global pooling.
    None if every layer sees everything.
    """
    sizes = [field.size for field in find_fields(graph).values() if field is not None]
    return tuple(map(max, zip_longest(*sizes, fillvalue=0))) or None


def _reach(node: Node, inputs: list[Reach]) -> Reach:
    """Return size and stride of a node's field on each axis, from those of its inputs.

    A window of k at stride s over inputs of size r and stride j sees r + (k - 1) j, at stride j s.
    Sizes stay fractions after upsampling.
    """
    assert node.facts is not None
    window = node.facts.window
    if not inputs:
        return (ALONE,) * max(len(node.facts.shape) - 2, 0)
    if window is None or None in inputs:
        return None
    known = [reach for reach in inputs if reach is not None]
    widest = [
        (max(size for size, _ in axis), max(stride for _, stride in axis))
        for axis in zip_longest(*known, fillvalue=ALONE)
    ]
    # An axis that the input lacks (a sequence of tokens, a reshaped vector) starts at the window.
    axes = zip_longest(widest, window, fillvalue=None)
    out = []
    for axis, step in axes:
        size, stride = axis or ALONE
        span, jump = step or (1, 1)
        out.append((size + (span - 1) * stride, stride * jump))
    return tuple(out)
