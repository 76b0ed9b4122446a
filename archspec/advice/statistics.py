"""Advise on layers beside a normalization by statistics of the batch."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.advice.network import (
    Advice,
    Network,
    channel_axis,
    has_kernel,
    is_activated,
    is_dropout,
)
from archspec.graph import Node
from archspec.layers import traits_of


def _takes_statistics(node: Node) -> bool:
    """Return whether a layer takes mean and variance of the batch in training."""
    frozen = not node.arguments.get("trainable", True) or node.call.get("training") is False
    return traits_of(node.op).batch_statistics and not frozen


def find_useless_biases(network: Network) -> Iterator[Advice]:
    """Yield the layers whose bias is a part of the mean that a normalization takes away."""
    shared = {node.reuses for node in network.graph}
    for node in network.calls():
        users = _list_users(node, network)
        if not has_kernel(node) or is_activated(node) or node.name in shared or not users:
            continue
        assert node.facts is not None
        bias = node.facts.weights.get("bias")
        if bias is None or len(bias) != 1 or not node.arguments.get("trainable", True):
            continue
        if all(_takes_statistics(user) and _is_of_channels(user, source) for user, source in users):
            message = f"the {users[0][0].op} after this {node.op} takes its bias away"
            yield Advice(node, message, f"`use_bias: false` saves its {bias[0]:,} parameters")


def find_second_normalizations(network: Network) -> Iterator[Advice]:
    """Yield the normalizations by the batch of what another has just normalized."""
    for node in network.calls():
        source = network.source(node)
        if source is None or not (_takes_statistics(node) and _takes_statistics(source)):
            continue
        if network.is_taken_once(source) and source.arguments["axis"] == node.arguments["axis"]:
            message = f"this {node.op} takes what a {source.op} has normalized already"
            yield Advice(node, message, "remove one of the two")


def find_second_dropouts(network: Network) -> Iterator[Advice]:
    """Yield the dropouts of what another of their kind has just thinned out."""
    for node in network.calls():
        source = network.source(node)
        while source is not None and traits_of(source.op).passes_values:
            source = network.source(source)
        if source is None or not _drops_alike(node, source) or not network.is_taken_once(source):
            continue
        rates = [each.arguments["rate"] for each in (source, node)]
        both = round(1 - (1 - rates[0]) * (1 - rates[1]), 4)
        message = f"this {node.op} takes what a {source.op} has thinned out already"
        yield Advice(
            node, message, f"the two are one `{node.op}: {both:g}`: write that, or remove one"
        )


def _drops_alike(node: Node, source: Node) -> bool:
    """Return whether two layers set a share of the same values to 0."""
    same = node.op == source.op and is_dropout(node) and is_dropout(source)
    return same and traits_of(node.op).keeps_sign


def _list_users(node: Node, network: Network) -> list[tuple[Node, Node]]:
    """Return the layers that take the output of a layer, each with the layer that it takes; a
    pooling, which keeps what is added to a whole channel, stands for its users. None for an output
    of the network."""
    found, left = [], [node]
    while left:
        source = left.pop()
        users = network.users[source.name]
        if not users or source.name in network.graph.outputs:
            return []
        for user in users:
            if traits_of(user.op).kind == "pooling" and _keep_channels(user, node):
                left.append(user)
            else:
                found.append((user, source))
    return found


def _keep_channels(pooling: Node, node: Node) -> bool:
    """Return whether a pooling takes for channels what a layer before it does."""
    first, own = (each.arguments.get("data_format") == "channels_first" for each in (pooling, node))
    return first == own


def _is_of_channels(normalization: Node, source: Node) -> bool:
    """Return whether a normalization takes statistics of each channel of the layer before it."""
    assert source.facts is not None
    axis: int = normalization.arguments["axis"]
    return axis % len(source.facts.shape) == channel_axis(source)


def find_early_dropout(network: Network) -> Iterator[Advice]:
    """Yield the dropouts whose output a normalization takes, at most one kernel later."""
    for node in network.calls():
        if not _takes_statistics(node):
            continue
        source, kernels = network.source(node), 0
        while source is not None and source.inputs and not is_dropout(source):
            kernels += has_kernel(source)
            if kernels > 1 or not (has_kernel(source) or _carries(source)):
                break
            source = network.source(source)
        if source is not None and is_dropout(source):
            message = (
                f"the {node.op} after this {source.op} learns the variance of training, which is "
                "larger than that of inference, where nothing is dropped"
            )
            hint = "drop values after the last normalization, as before the last Dense"
            yield Advice(source, message, hint)


def _carries(node: Node) -> bool:
    """Return whether a layer hands on the variance of its input, changed or not."""
    traits = traits_of(node.op)
    return traits.passes_values or traits.prepares or traits.kind == "activation"
