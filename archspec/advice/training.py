"""Advise on the recipe of a network."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.advice.network import Advice, Network
from archspec.recipe import find_rectified


def find_idle_heads(network: Network) -> Iterator[Advice]:
    """Yield the outputs whose loss has the weight 0, so that nothing is learnt from it."""
    if network.recipe is None or len(network.graph.outputs) < 2:
        return
    for name, weight in network.recipe.loss_weights.items():
        if weight == 0:
            message = f"the loss of output '{name}' has the weight 0, so that its head is idle"
            hint = "give it a weight under `train.loss_weights`, or remove the head"
            yield Advice(network.graph[name], message, hint)


def find_rectified_heads(network: Network) -> Iterator[Advice]:
    """Yield the outputs whose logits a ReLU cuts off. Of a loss that takes probabilities there
    `check` warns, and a network without a recipe may be one that others train."""
    if network.recipe is None or not network.graph.train:
        return
    for name, loss in network.recipe.loss.items():
        if last := find_rectified(network.graph, name, loss):
            message = (
                f"the {last} at the end of output '{name}' sets logits to 0, and no gradient "
                "comes back from there"
            )
            hint = "remove it, or end the output in a softmax, or in a sigmoid for one unit"
            yield Advice(network.graph[name], message, hint)
