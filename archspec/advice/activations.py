"""Advise on activations that are missing, or that follow another."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.advice.network import (
    Advice,
    Network,
    channel_axis,
    has_kernel,
    is_activated,
    is_never_negative,
    is_rectifier,
    softmax_axis,
)
from archspec.graph import Node
from archspec.layers import find_activation, traits_of


def find_lacking(network: Network) -> Iterator[Advice]:
    """Yield the layers with a kernel that the next kernel follows with nothing non-linear between.

    Two such kernels are one of a larger size, unless the pair is a factorization.
    """
    for second in network.calls():
        if not has_kernel(second):
            continue
        first = network.source(second)
        while first is not None and _is_linear(first) and network.is_taken_once(first):
            first = network.source(first)
        if first is None or not has_kernel(first) or not network.is_taken_once(first):
            continue
        if is_activated(first) or _is_factorization(first, second, network):
            continue
        message = f"nothing non-linear stands between this {first.op} and the {second.op} after it"
        hint = "give it an `activation`, or add one after it: two linear layers in a row are one"
        yield Advice(first, message, hint)


def _is_linear(node: Node) -> bool:
    """Return whether a layer without a kernel keeps what two kernels in a row can learn."""
    traits = traits_of(node.op)
    carries = traits.passes_values or traits.prepares or traits.batch_statistics or traits.linear
    return not is_activated(node) and (carries or traits.kind in ("activation", "dropout, noise"))


def _is_factorization(first: Node, second: Node, network: Network) -> bool:
    """Return whether two kernels in a row are meant as one that costs less.

    So are a depthwise or grouped convolution and a pointwise one, a row and a column, a linear
    bottleneck, and what enlarges before a convolution.
    """
    if any(_mixes_part(each) or traits_of(each.op).enlarges for each in (first, second)):
        return True
    if all(len(set(each.arguments.get("kernel_size", ()))) > 1 for each in (first, second)):
        return True
    between, after = (
        network.graph.shape(each.name)[channel_axis(each)] for each in (first, second)
    )
    before = network.input_shape(first)[channel_axis(first)]
    if before is None or between is None or after is None:
        return True
    pointwise = set(first.arguments.get("kernel_size", ())) == {1}
    return between < after and (between < before or (pointwise and between == before))


def _mixes_part(node: Node) -> bool:
    """Return whether each output of a convolution sees a part of the channels."""
    depthwise = "depth_multiplier" in node.arguments and "filters" not in node.arguments
    return depthwise or node.arguments.get("groups", 1) > 1


def find_doubled(network: Network) -> Iterator[Advice]:
    """Yield the activations of what an activation has passed. Of two softmaxes `check` warns."""
    for node in network.calls():
        source = network.source(node)
        if source is None or has_kernel(node) or not is_activated(node):
            continue
        source = _look_behind(source, network)
        if not is_activated(source) and is_rectifier(node):
            source = _find_never_negative(source, network) or source
        names = [find_activation(each) for each in (source, node)]
        if not is_activated(source) or names == ["softmax", "softmax"]:
            continue
        before, own = (name or each.op for name, each in zip(names, (source, node), strict=True))
        message = f"this {own} is given what has passed a {before} already"
        yield Advice(node, message, "remove one of the two activations")


def _look_behind(node: Node, network: Network) -> Node:
    """Return the layer whose values a layer hands on, as Flatten does; itself if it does not."""
    while traits_of(node.op).passes_values and node.inputs:
        node = network.graph[node.inputs[0]]
    return node


def _find_never_negative(node: Node, network: Network) -> Node | None:
    """Return the activation whose output is nowhere negative, and reaches the output of this layer
    by poolings and dropouts, which leave that so; None if there is none."""
    source: Node | None = node
    while source is not None and not is_never_negative(source):
        traits = traits_of(source.op)
        source = network.source(source) if traits.keeps_sign or traits.passes_values else None
    return source


def find_inner_softmaxes(network: Network) -> Iterator[Advice]:
    """Yield the softmaxes over the units of a layer with a kernel whose output goes to another such
    layer. One along another axis, or whose output is multiplied, may be an attention."""
    for second in network.calls():
        first = network.source(second) if has_kernel(second) else None
        while first is not None and _hands_on(first):
            first = network.source(first) if network.is_taken_once(first) else None
        if first is None or not network.is_taken_once(first) or not _is_softmax(first, network):
            continue
        message = f"this {first.op} gives the {second.op} after it a softmax, and is no last layer"
        hint = "take `relu` within the network; a softmax makes the probabilities of its output"
        yield Advice(first, message, hint)


def _hands_on(node: Node) -> bool:
    """Return whether a layer changes values little: neither a kernel nor an activation."""
    traits = traits_of(node.op)
    carries = traits.passes_values or traits.keeps_sign or traits.batch_statistics
    return carries and not has_kernel(node)


def _is_softmax(node: Node, network: Network) -> bool:
    """Return whether a layer is a softmax over the units of a layer with a kernel, or has one."""
    own = node if has_kernel(node) else network.source(node)
    of_units = own is not None and has_kernel(own) and not (own is not node and is_activated(own))
    return find_activation(node) == "softmax" and softmax_axis(node) == -1 and of_units
