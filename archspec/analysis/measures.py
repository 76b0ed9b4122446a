"""What a graph sees and what it costs to train, found without building it.

    fields(graph)["stage4.unit1.add"]  ->  Field(size=(171, 171), stride=(8, 8))
    depth(graph)                       ->  18
    peak_memory(graph, batch_size=32)  ->  Memory(weights=44_767_848, ..., total=...)

Each is one walk over the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from math import ceil, prod
from typing import Any

from archspec.errors import UserError
from archspec.graph import Graph, Node, fold, trainable_params
from archspec.layers import traits_of
from archspec.objects import named, read
from archspec.objects.optimizers import count_slots

# --- receptive field -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """What one value of a layer's output sees of the model's input, per spatial axis.

    size: rows of the input that can reach it, over the longest reach of all paths; more than the
        input has where padding is counted in, as the literature does.
    stride: rows of the input from one value to the next; below 1 after upsampling beyond it.
    """

    size: tuple[int, ...]
    stride: tuple[Fraction, ...]


Reach = tuple[tuple[Fraction, Fraction], ...] | None
ALONE = (Fraction(1), Fraction(1))


def fields(graph: Graph) -> dict[str, Field | None]:
    """The field of each node by name; None where a value sees the whole input."""
    return {
        name: reach
        if reach is None
        else Field(tuple(ceil(size) for size, _ in reach), tuple(stride for _, stride in reach))
        for name, reach in fold(graph, _reach).items()
    }


def receptive_field(graph: Graph) -> tuple[int, ...] | None:
    """The largest field in the network, axis by axis: that of the last layer before one that sees
    everything, such as global pooling. None if no layer of it looks at less than everything."""
    sizes = [field.size for field in fields(graph).values() if field is not None]
    return tuple(map(max, zip_longest(*sizes, fillvalue=0))) or None


def _reach(node: Node, inputs: list[Reach]) -> Reach:
    """(size, stride) per axis behind a node. A window of k at stride s over inputs of size r and
    stride j sees r + (k - 1) j, at stride j s; sizes stay fractions after upsampling."""
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


# --- depth and activations -----------------------------------------------------------------------


def depth(graph: Graph) -> int:
    """Layers with kernels (convolution, dense, attention) on the longest path: the 18 of
    ResNet-18, the 22 of GoogLeNet. Normalisation and embeddings are not counted, as in papers."""

    def step(node: Node, inputs: list[int]) -> int:
        # With an unknown axis the MACs of a kernel are unknown, which is not none.
        kernel = node.facts and node.facts.macs != 0 and node.facts.weights
        return max(inputs, default=0) + bool(kernel)

    return max(fold(graph, step).values(), default=0)


def elements(node: Node) -> int | None:
    """Values in the output of one sample; None if an axis is unknown."""
    if node.facts is None or None in node.facts.shape[1:]:
        return None
    return prod(size for size in node.facts.shape[1:] if size is not None)


# --- memory --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that training holds at its peak, at the turn from forward to backward pass.

    weights: every weight once, and a 16-bit copy where the precision is mixed.
    gradients: one value for each trainable weight.
    optimizer_state: its slots, such as Adam's two for each trainable weight.
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
        if self.activations is None or self.inputs is None:
            return None
        weights = self.weights + self.gradients + self.optimizer_state
        return weights + self.activations + self.inputs


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


def peak_memory(
    graph: Graph,
    batch_size: int = 32,
    precision: str = "float32",
    optimizer: Any = "Adam",
) -> Memory:
    """Memory that training needs.

    optimizer: as in a recipe: a name, or {name: its arguments}.
    """
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise UserError(f"there is no precision '{precision}'", f"one of {known}")
    normal = read("optimizer", optimizer)
    slots = count_slots(normal)
    weight, copy, activation = PRECISIONS[precision]
    kept = [elements(graph[each]) for each in _kept(graph)]
    inputs = [elements(graph[each]) for each in graph.inputs]
    total, trainable = graph.total_params, graph.trainable_params
    return Memory(
        weights=total * (weight + copy),
        gradients=trainable * weight,
        optimizer_state=trainable * weight * slots,
        activations=_times(kept, batch_size * activation),
        inputs=_times(inputs, batch_size * activation),
        batch_size=batch_size,
        precision=precision,
        optimizer=named(normal)[0],
        slots=slots,
    )


def _times(counts: list[int | None], size: int) -> int | None:
    return None if None in counts else size * sum(count for count in counts if count is not None)


def _kept(graph: Graph) -> dict[str, None]:
    """Names of the nodes whose outputs the backward pass reads; the inputs are not among them.

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
        learns[node.name] = trainable_params(owner) > 0 or any(learns[n] for n in node.inputs)
        if learns[node.name]:
            kept.update(dict.fromkeys(storage[each] for each in _needs(node)))
    return {name: None for name in kept if name not in graph.inputs}


def _needs(node: Node) -> list[str]:
    """Return the tensors that the gradient of one node reads: its inputs, its output, or neither.

    An activation inside a layer keeps a value as large as the output.
    """
    traits = traits_of(node.op)
    activation = traits.activation or node.arguments.get("activation")
    if isinstance(activation, Mapping):
        (activation,) = activation
    if traits.kind == "activation":
        return [node.name] if activation in FROM_OUTPUT else list(node.inputs)
    inputs = list(node.inputs) if traits.gradient_needs == "inputs" else []
    output = traits.gradient_needs == "output" or activation is not None
    return [*inputs, node.name] if output else inputs
