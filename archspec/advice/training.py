"""Advice on what the recipe makes of the network."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.advice.network import Advice, Network


def find_idle_heads(network: Network) -> Iterator[Advice]:
    """Yield the outputs whose loss has the weight 0, so that nothing is learnt from it."""
    if network.recipe is None or len(network.graph.outputs) < 2:
        return
    for name, weight in network.recipe.loss_weights.items():
        if weight == 0:
            message = f"the loss of output '{name}' has the weight 0, so that its head is idle"
            hint = "give it a weight under `train.loss_weights`, or remove the head"
            yield Advice(network.graph[name], message, hint)
