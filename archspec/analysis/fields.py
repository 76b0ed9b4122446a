"""Compute the receptive field of each layer: how much of the model's input one output value sees.

    >>> import archspec
    >>> graph = archspec.load("vgg16_imagenet")
    >>> find_fields(graph)["stage4.max_pooling2d"].size
    (212, 212)
    >>> find_largest_field(graph)
    (212, 212)

A gate sees the whole input, and what it scales would, too: the squeeze-and-excitation that pools
globally and multiplies, the statistics of a group normalization. As in papers, the field is that of
the path without gates.

Source: Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from math import ceil
from typing import Any

from msgspec import Struct

from archspec.graph import Graph, Node, fold
from archspec.layers import traits_of


class Field(Struct, frozen=True):
    """The receptive field of a layer, with one entry for each spatial axis.

    size: rows of the input that can reach one value of the output, over the longest reach of all
        paths. Padding is counted in, as the literature does, so it may be more than the input has.
    stride: rows of the input from one value to the next; below 1 after upsampling beyond the input.
    """

    size: tuple[int, ...]
    stride: tuple[Fraction, ...]


# (size, stride) for each axis but the batch and the channels; None for one that has no rows.
Reach = tuple[tuple[Fraction, Fraction] | None, ...] | None
ALONE = (Fraction(1), Fraction(1))


def find_fields(graph: Graph) -> dict[str, Field | None]:
    """Return the receptive field of each layer by name; None where a value sees the whole input."""
    return {
        name: reach
        if reach is None
        else Field(
            tuple(ceil(axis[0]) for axis in reach if axis), tuple(axis[1] for axis in reach if axis)
        )
        for name, reach in _find_reaches(graph).items()
    }


def find_gates(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Return the layers at which a gate is left out, each with its inputs that are gates.

    Of a normalization, whose gate is in the layer, there are none.
    """
    reaches = _find_reaches(graph)
    found = {}
    for node in graph.nodes:
        gates = [name for name in node.inputs if reaches[name] is None]
        if gates and reaches[node.name] is not None:
            found[node.name] = tuple(gates)
        elif _takes_statistics(node) and reaches[node.name] is not None:
            found[node.name] = ()
    return found


def _find_reaches(graph: Graph) -> dict[str, Reach]:
    return fold(
        graph, lambda node, inputs: _reach(node, [graph[name] for name in node.inputs], inputs)
    )


def _takes_statistics(node: Node) -> bool:
    """Return whether a layer scales each place by statistics of all places."""
    normalizes = traits_of(node.op).kind == "normalization"
    return normalizes and node.facts is not None and node.facts.window is None


def _is_same_everywhere(node: Node) -> bool:
    """Return whether a value is one number, or one for each channel, whatever the place."""
    return node.facts is not None and sum(n != 1 for n in node.facts.shape[1:]) <= 1


def find_largest_field(graph: Graph) -> tuple[int, ...] | None:
    """Return the size of the largest receptive field in the network, axis by axis.

    That is the field of the last layer before one that sees everything, such as global pooling.
    None if every layer sees everything.
    """
    sizes = [field.size for field in find_fields(graph).values() if field is not None]
    return tuple(map(max, zip_longest(*sizes, fillvalue=0))) or None


def _reach(node: Node, taken: Sequence[Node], inputs: list[Reach]) -> Reach:
    """Return size and stride of a node's field on each axis, from those of its inputs.

    A window of k at stride s over inputs of size r and stride j sees r + (k - 1) j, at stride j s.
    Sizes stay fractions after upsampling. taken: the nodes whose outputs it takes.
    """
    assert node.facts is not None
    window = () if _takes_statistics(node) else node.facts.window
    if not inputs:
        return (ALONE,) * max(len(node.facts.shape) - 2, 0)
    if traits_of(node.op).scales and any(inputs):
        pairs = zip(taken, inputs, strict=True)
        inputs = [reach for each, reach in pairs if reach or not _is_same_everywhere(each)]
    known = [reach for reach in inputs if reach is not None]
    if len(known) < len(inputs):
        return None
    if node.facts.axes:
        return _move_axes(node.facts.axes, known[0])
    if window is None:
        return None
    # An axis that the input lacks (a sequence of tokens, a reshaped vector) starts at the window.
    widest = [_join(axis) for axis in zip_longest(*known, fillvalue=ALONE)]
    return tuple(
        _widen(axis, step or (1, 1))
        for axis, step in zip_longest(
            widest + [ALONE] * (len(window) - len(widest)), window, fillvalue=None
        )
    )


def _join(axes: Sequence[tuple[Fraction, Fraction] | None]) -> tuple[Fraction, Fraction] | None:
    """Return the largest size and stride of an axis."""
    found = [axis for axis in axes if axis]
    return (max(size for size, _ in found), max(by for _, by in found)) if found else None


def _widen(
    axis: tuple[Fraction, Fraction] | None, step: tuple[int, Any]
) -> tuple[Fraction, Fraction] | None:
    """Return an axis as seen through a window."""
    if axis is None:
        return None
    (size, stride), (span, jump) = axis, step
    return size + (span - 1) * stride, stride * jump


def _move_axes(
    axes: Sequence[int | None], reach: Sequence[tuple[Fraction, Fraction] | None]
) -> Reach:
    """Return the axes in their new order; None if rows of the input became channels or are mixed.

    Channels that became an axis have no rows. A vector has none either, and each value that is made
    of it sees all of it.
    """
    places = {index for index, axis in enumerate(reach) if axis}
    if not places or not places <= {*axes[:-1]}:
        return None
    return tuple(reach[index] if index in places else None for index in axes[:-1])
