"""Advice on layers beside a normalization by statistics of the batch."""

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
        users = network.users[node.name]
        if not has_kernel(node) or is_activated(node) or node.name in shared:
            continue
        if not users or node.name in network.graph.outputs:
            continue
        assert node.facts is not None
        bias, axis = node.facts.weights.get("bias"), channel_axis(node)
        rank = len(node.facts.shape)
        if bias is None or len(bias) != 1 or not node.arguments.get("trainable", True):
            continue
        if all(_takes_statistics(each) and each.arguments["axis"] % rank == axis for each in users):
            message = f"the {users[0].op} after this {node.op} takes its bias away"
            yield Advice(node, message, f"`use_bias: false` saves its {bias[0]:,} parameters")


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
