"""The memory that training a network needs, estimated without building it.

>>> import archspec
>>> memory = estimate_peak_memory(archspec.load("lenet5"), batch_size=32)
>>> memory.weights, memory.optimizer_state  # Adam keeps two float32 for each weight
(177704, 355408)
>>> memory.total > memory.weights + memory.gradients + memory.optimizer_state
True
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from archspec.errors import UserError
from archspec.graph import Graph, Node, count_trainable_params, sum_or_none
from archspec.layers import find_activation, traits_of
from archspec.objects import named, read
from archspec.objects.optimizers import count_slots


@dataclass(frozen=True, slots=True)
class Memory:
    """The bytes that training holds at its peak, where the forward pass ends and the backward pass
    begins.

    weights: every weight once, and a 16-bit copy where the precision is mixed.
    gradients: one value for each trainable weight.
    optimizer_state: the optimizer's slots, such as Adam's two for each trainable weight.
    activations: the outputs that the backward pass needs again, for the whole batch.
    inputs: the batch itself. Both are None if the graph has an unknown axis.
    Not counted: the framework, its workspaces, and temporary values within a layer.
    """

    weights: int
    gradients: int
    optimizer_state: int
    activations: int | None
    inputs: int | None
    batch_size: int
    precision: str
    optimizer: str
    slots: int

    @property
    def total(self) -> int | None:
        """Return the sum of all parts; None if the graph has an unknown axis."""
        weights = self.weights + self.gradients + self.optimizer_state
        return sum_or_none([weights, self.activations, self.inputs])


# precision -> bytes of a weight, of its working copy, and of an activation
PRECISIONS = {
    "float64": (8, 0, 8),
    "float32": (4, 0, 4),
    "float16": (2, 0, 2),
    "bfloat16": (2, 0, 2),
    "mixed_float16": (4, 2, 2),
    "mixed_bfloat16": (4, 2, 2),
}

# Activations whose gradient needs their output only.
FROM_OUTPUT = frozenset(("relu", "sigmoid", "tanh", "softmax", "elu", "selu"))


def estimate_peak_memory(
    graph: Graph,
    batch_size: int = 32,
    precision: str = "float32",
    optimizer: Any = "Adam",
) -> Memory:
    """Estimate the memory that a training step needs.

    optimizer: as in a recipe: a name, or {name: its arguments}.
    Raises `UserError` for a precision that Keras lacks, and `Refused` for such an optimizer.
    """
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise UserError(f"there is no precision '{precision}'", f"one of {known}")
    normal = read("optimizer", optimizer)
    slots = count_slots(normal)
    weight, copy, activation = PRECISIONS[precision]
    total, trainable = graph.total_params, graph.trainable_params
    return Memory(
        weights=total * (weight + copy),
        gradients=trainable * weight,
        optimizer_state=trainable * weight * slots,
        activations=_sum_bytes(graph, _find_kept(graph), batch_size * activation),
        inputs=_sum_bytes(graph, graph.inputs, batch_size * activation),
        batch_size=batch_size,
        precision=precision,
        optimizer=named(normal)[0],
        slots=slots,
    )


def count_elements(node: Node) -> int | None:
    """Return the number of values in a node's output for one sample; None if an axis is unknown."""
    if node.facts is None or None in node.facts.shape[1:]:
        return None
    return prod(size for size in node.facts.shape[1:] if size is not None)


def _sum_bytes(graph: Graph, names: Iterable[str], size: int) -> int | None:
    """Return the bytes of the outputs of nodes. size: bytes of one value, times the batch."""
    total = sum_or_none(count_elements(graph[name]) for name in names)
    return None if total is None else total * size


def _find_kept(graph: Graph) -> list[str]:
    """Return the names of the nodes whose outputs the backward pass reads, without the inputs.

    A frozen layer with nothing to train before it has no backward pass and keeps nothing. A
    flattened or reshaped tensor is the same storage as the one it was made from.
    """
    storage: dict[str, str] = {}
    learns: dict[str, bool] = {}
    kept: dict[str, None] = {}
    for node in graph.nodes:
        alias = traits_of(node.op).passes_values and len(node.inputs) == 1
        storage[node.name] = storage[node.inputs[0]] if alias else node.name
        owner = node if node.reuses is None else graph[node.reuses]
        learns[node.name] = count_trainable_params(owner) > 0 or any(
            learns[name] for name in node.inputs
        )
        if learns[node.name]:
            kept.update(dict.fromkeys(storage[name] for name in _find_needed(node)))
    return [name for name in kept if name not in graph.inputs]


def _find_needed(node: Node) -> list[str]:
    """Return the tensors that the gradient of one node reads: its inputs, its output, or neither.

    An activation inside a layer keeps a value as large as the output.
    """
    traits, activation = traits_of(node.op), find_activation(node)
    if traits.kind == "activation":
        return [node.name] if activation in FROM_OUTPUT else list(node.inputs)
    inputs = list(node.inputs) if traits.gradient_needs == "inputs" else []
    output = traits.gradient_needs == "output" or activation is not None
    return [*inputs, node.name] if output else inputs
