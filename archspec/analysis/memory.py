"""Estimate the memory that training a network needs, without building it.

>>> import archspec
>>> memory = estimate_peak_memory(archspec.load("lenet5"), batch_size=32)
>>> memory.weights, memory.optimizer_state  # Adam keeps two float32 for each weight
(177704, 355408)
>>> memory.total > memory.weights + memory.gradients + memory.optimizer_state
True
"""

from __future__ import annotations

from math import prod
from typing import Any

from msgspec import Struct

from archspec.errors import UserError
from archspec.graph import Graph, Node, count_trainable_params, sum_or_none
from archspec.layers import find_activation, traits_of
from archspec.objects import named, read
from archspec.objects.optimizers import count_slots


class Memory(Struct, frozen=True):
    """The bytes that training holds at its peak, where the forward pass ends and the backward pass
    begins.

    weights: every weight once, and a 16-bit copy where the precision is mixed.
    gradients: one value for each trainable weight.
    optimizer_state: the optimizer's slots, such as Adam's two for each trainable weight.
    activations: the values that the backward pass needs again, for the whole batch.
    backward: the gradients of two outputs, one that comes to a layer and one that leaves it, both
    as large as the largest output. inputs: the batch itself. These three are None if the graph has
    an unknown axis.
    Not counted: the framework, its workspaces, and temporary values within a layer.
    """

    weights: int
    gradients: int
    optimizer_state: int
    activations: int | None
    backward: int | None
    inputs: int | None
    batch_size: int
    precision: str
    optimizer: str
    slots: int

    @property
    def total(self) -> int | None:
        """Return the sum of all parts; None if the graph has an unknown axis."""
        weights = self.weights + self.gradients + self.optimizer_state
        return sum_or_none([weights, self.activations, self.backward, self.inputs])


# precision -> bytes of a weight, of its working copy, and of an activation
PRECISIONS = {
    "float64": (8, 0, 8),
    "float32": (4, 0, 4),
    "float16": (2, 0, 2),
    "bfloat16": (2, 0, 2),
    "mixed_float16": (4, 2, 2),
    "mixed_bfloat16": (4, 2, 2),
}


class Gradient(Struct, frozen=True):
    """The values that the gradient of an activation reads: its input, its output, and how many
    inside for each of the output."""

    input: bool = False
    output: bool = False
    inside: int = 0


# Counted in the graphs that TensorFlow makes of Keras's functions; of others it reads the input.
NOTHING, OF_INPUT, OF_OUTPUT = Gradient(), Gradient(input=True), Gradient(output=True)
GRADIENTS = {
    **dict.fromkeys(("relu", "relu6", "sigmoid", "tanh", "softmax", "log_softmax"), OF_OUTPUT),
    **dict.fromkeys(("elu", "selu", "exponential"), OF_OUTPUT),
    **dict.fromkeys(("hard_sigmoid", "tanh_shrink", "log_sigmoid"), Gradient(inside=1)),
    **dict.fromkeys(("soft_shrink", "hard_shrink"), Gradient(inside=1)),
    **dict.fromkeys(("mish", "hard_tanh"), Gradient(input=True, inside=1)),
    **dict.fromkeys(("hard_silu", "celu", "squareplus"), Gradient(input=True, inside=2)),
    **dict.fromkeys(("sparse_plus", "sparsemax"), Gradient(inside=2)),
    "gelu": Gradient(inside=3),
}


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
    kept, largest = _count_values(graph)
    return Memory(
        weights=total * (weight + copy),
        gradients=trainable * weight,
        optimizer_state=trainable * weight * slots,
        activations=_multiply(kept, batch_size * activation),
        backward=_multiply(largest, 2 * batch_size * activation),
        inputs=_multiply(
            sum_or_none(count_elements(graph[name]) for name in graph.inputs),
            batch_size * activation,
        ),
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


def _multiply(values: int | None, size: int) -> int | None:
    return None if values is None else values * size


def _count_values(graph: Graph) -> tuple[int | None, int | None]:
    """Return the number of values that the backward pass of one sample reads, without the inputs,
    and that of the largest output which it goes through.

    A frozen layer with nothing to train before it has no backward pass and keeps nothing. A
    flattened or reshaped tensor is the same storage as the one it was made from.
    """
    storage: dict[str, str] = {}
    learns: dict[str, bool] = {}
    kept: dict[str, None] = {}
    inside: list[int | None] = []
    outputs: list[int | None] = [0]
    for node in graph.nodes:
        alias = traits_of(node.op).passes_values and len(node.inputs) == 1
        storage[node.name] = storage[node.inputs[0]] if alias else node.name
        owner = node if node.reuses is None else graph[node.reuses]
        learns[node.name] = count_trainable_params(owner) > 0 or any(
            learns[name] for name in node.inputs
        )
        if learns[node.name]:
            kept.update(dict.fromkeys(storage[name] for name in _find_needed(node)))
            inside.append(_count_inside(graph, node))
            outputs.append(count_elements(node))
    outside = [count_elements(graph[name]) for name in kept if name not in graph.inputs]
    known = [count for count in outputs if count is not None]
    largest = max(known) if len(known) == len(outputs) else None
    return sum_or_none([*outside, *inside]), largest


def _find_needed(node: Node) -> list[str]:
    """Return the tensors around a node that its gradient reads: its inputs, its output, or both."""
    traits = traits_of(node.op)
    gradient = _find_gradient(node)
    if traits.kind == "activation" and gradient is not None:
        reads_inputs, reads_output = gradient.input, gradient.output
    else:
        reads_inputs = traits.gradient_needs in ("inputs", "both")
        reads_output = traits.gradient_needs in ("output", "both")
        reads_output = reads_output or (gradient is not None and gradient.output)
    return [*(node.inputs if reads_inputs else ()), *([node.name] if reads_output else ())]


def _count_inside(graph: Graph, node: Node) -> int | None:
    """Return the number of values inside a node that its gradient reads, for one sample.

    The input of an activation within a layer is inside the layer.
    """
    traits, gradient = traits_of(node.op), _find_gradient(node)
    shapes = [graph.shape(name) for name in node.inputs]
    kept = [traits.keeps(node.arguments, shapes, graph.shape(node.name))]
    if gradient is not None:
        within = gradient.input and traits.kind != "activation"
        if times := gradient.inside + within:
            kept.append(_multiply(count_elements(node), times))
    return sum_or_none(kept)


def _find_gradient(node: Node) -> Gradient | None:
    """Return what the gradient of a node's activation reads; None for a node without one."""
    activation = find_activation(node)
    if activation is not None:
        return GRADIENTS.get(activation, OF_INPUT)
    return NOTHING if node.op == "Activation" else None  # a linear one
