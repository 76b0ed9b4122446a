"""Advise on the sizes of layers and windows, and on how much of the input they see."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archspec.advice.network import Advice, Network, channel_axis, has_kernel, places_of
from archspec.analysis.fields import find_fields, find_gates
from archspec.graph import Node, count_params
from archspec.layers import traits_of
from archspec.notation import write_axes

HEAVY = 1_000_000  # parameters below which a layer is not called heavy
MULTIPLE = 8  # of channels, that the matrix units of a GPU work in


def find_heavy_dense(network: Network) -> Iterator[Advice]:
    """Yield the dense layer after a flattened map that has most of a network's parameters."""
    total = network.graph.total_params
    for node in network.calls():
        own = count_params(node)
        if not has_kernel(node) or own < HEAVY or 2 * own <= total:
            continue
        source = network.source(node)
        while source is not None and traits_of(source.op).passes_values:
            taken = network.input_shape(source)
            source = network.source(source)
            if source is None or len(taken) < 3:
                continue
            channels = taken[channel_axis(source)]
            places = prod(n for n in taken[1:] if n is not None) // (channels or 1)
            if places > 1:
                share = f"{own:,} of the network's {total:,} parameters ({own / total:.0%})"
                message = f"this {node.op} has {share}"
                hint = f"pooled globally, its input is {places} times smaller, and so is its kernel"
                yield Advice(node, message, hint)
                break


def find_dropped_rows(network: Network) -> Iterator[Advice]:
    """Yield the layers whose windows do not reach the last rows or columns of their input."""
    for node in network.calls():
        if node.arguments.get("padding") != "valid" or traits_of(node.op).enlarges:
            continue
        if traits_of(node.op).kind not in ("pooling", "convolution"):
            continue
        dropped = _count_dropped(node, network)
        if not any(dropped):
            continue
        size, rows = write_axes(places_of(network.input_shape(node), node)), max(dropped)
        message = f"the windows of this {node.op} do not reach the last {_rows(rows)} of {size}"
        hint = "`padding: same` reaches them, or choose a size of the input that the strides divide"
        yield Advice(node, message, hint)


def _rows(count: int) -> str:
    return "row or column" if count == 1 else f"{count} rows or columns"


def _count_dropped(node: Node, network: Network) -> list[int]:
    """Return how many rows at the end of each spatial axis no window reaches.

    Rows that a window skips between two others count as little as those of padding.
    """
    assert node.facts is not None
    shape = places_of(network.input_shape(node), node)
    source = network.source(node)
    padded = [0] * len(shape)
    if source is not None and traits_of(source.op).prepares:
        before = places_of(network.input_shape(source), node)
        padded = [(a or 0) - (b or 0) for a, b in zip(shape, before, strict=True)]
    return [
        max(0, (n - size) % step - max(0, step - size) - more) if n is not None else 0
        for n, (size, step), more in zip(shape, node.facts.window or (), padded, strict=True)
    ]


def find_small_fields(network: Network) -> Iterator[Advice]:
    """Yield the global pooling of a head whose input sees a part of the image at each place."""
    if len(network.graph.inputs) != 1:
        return
    fields = find_fields(network.graph)
    for node in _find_path(network):
        if traits_of(node.op).kind != "pooling" or fields[node.name] is not None:
            continue
        seen = fields[node.inputs[0]]
        image = places_of(network.graph.shape(network.graph.inputs[0]), node)
        if seen is None or len(seen.size) != len(image):
            continue
        if set(seen.size) == {1}:  # a network of points, which only the pooling brings together
            continue
        pairs = zip(seen.size, image, strict=True)
        if any(whole is not None and own < whole for own, whole in pairs):
            message = (
                f"no value before this {node.op} sees more than {write_axes(seen.size)} of the "
                f"input, which is {write_axes(image)}"
            )
            hint = "add layers or strides before it, so that what is far apart is seen together"
            yield Advice(node, message, hint)


def _find_path(network: Network) -> list[Node]:
    """Return the layers from which a way that is no gate leads to an output."""
    gates = find_gates(network.graph)
    reached = set(network.graph.outputs)
    for node in reversed(network.graph.nodes):
        if node.name in reached:
            reached |= set(node.inputs) - set(gates.get(node.name, ()))
    return [node for node in network.calls() if node.name in reached]


def find_odd_channels(network: Network) -> Iterator[Advice]:
    """Yield the layers whose channels GPUs pad in mixed precision; the last before an output may
    have any number."""
    recipe = network.recipe
    if recipe is None or "16" not in recipe.precision:
        return
    heads = set(network.graph.outputs)
    for node in reversed(network.graph.nodes):
        if node.name in heads and not has_kernel(node):
            heads |= set(node.inputs)
    for node in network.calls():
        count = node.arguments.get("filters", node.arguments.get("units"))
        if count is None or not has_kernel(node) or node.name in heads or count % MULTIPLE == 0:
            continue
        message = f"{count} channels are no multiple of {MULTIPLE}"
        more = -(-count // MULTIPLE) * MULTIPLE
        hint = f"in {recipe.precision} a GPU computes {more} as fast, or faster"
        yield Advice(node, message, hint)
