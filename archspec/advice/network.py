"""Give the rules of advice their view of a network, and of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from archspec.errors import Refused
from archspec.graph import Graph, Node, Shape
from archspec.layers import find_activation, traits_of
from archspec.objects.kinds import named
from archspec.recipe import Recipe, recipe_of

NEVER_NEGATIVE = ("exponential", "hard_sigmoid", "relu6", "sigmoid", "softmax", "softplus")


class Advice(Struct, frozen=True):
    """A piece of advice: what to do in another way, and at which layer."""

    node: Node
    message: str
    hint: str


class Network(Struct, frozen=True):
    """A graph with what the rules ask of it.

    users: the layers that take the output of each layer, by its name. recipe: how it is trained;
    None if its recipe cannot train it.
    """

    graph: Graph
    users: Mapping[str, tuple[Node, ...]]
    recipe: Recipe | None

    def source(self, node: Node) -> Node | None:
        """Return the layer whose output a layer takes; None for an input and for a merge."""
        return self.graph[node.inputs[0]] if len(node.inputs) == 1 else None

    def is_taken_once(self, node: Node) -> bool:
        """Return whether one layer takes the output of a layer, and nothing else does."""
        return len(self.users[node.name]) == 1 and node.name not in self.graph.outputs

    def input_shape(self, node: Node) -> Shape:
        """Return the shape of a layer's first input, the batch axis first."""
        return self.graph.shape(node.inputs[0])

    def calls(self) -> Iterator[Node]:
        """Yield the layers, without inputs and without further calls of a shared layer."""
        return (node for node in self.graph if node.inputs and node.reuses is None)


def make_network(graph: Graph) -> Network:
    """Return a sound graph with what the rules ask of it."""
    users: dict[str, list[Node]] = {node.name: [] for node in graph}
    for node in graph:
        for name in dict.fromkeys(node.inputs):
            users[name].append(node)
    try:
        recipe = recipe_of(graph)
    except Refused:  # a spec that `train` cannot train may be sound
        recipe = None
    return Network(graph, {name: tuple(each) for name, each in users.items()}, recipe)


def has_kernel(node: Node) -> bool:
    """Return whether a layer multiplies by a learnt kernel: a convolution or a dense layer."""
    kernel = traits_of(node.op).kind in ("convolution", "dense")
    return kernel and node.facts is not None and node.facts.macs != 0


def is_activated(node: Node) -> bool:
    """Return whether a layer is an activation, or has one that is not linear."""
    name = find_activation(node)
    if name is None:
        return traits_of(node.op).kind == "activation" and "activation" not in node.arguments
    slope = _read_activation(node).get("negative_slope")
    return name != "linear" and slope != 1


def is_rectifier(node: Node) -> bool:
    """Return whether a layer is a ReLU of its own that keeps all that is not negative."""
    given = _read_activation(node)
    kept = given.get("max_value") is None and not given.get("threshold")
    return find_activation(node) == "relu" and kept and not has_kernel(node)


def is_never_negative(node: Node) -> bool:
    """Return whether a layer ends in an activation whose values are never negative."""
    name, slope = find_activation(node), _read_activation(node).get("negative_slope")
    return name in NEVER_NEGATIVE or (name == "relu" and not slope)


def softmax_axis(node: Node) -> Any:
    """Return the axis of the softmax that a layer is or has."""
    return _read_activation(node).get("axis", -1)


def _read_activation(node: Node) -> Mapping[str, Any]:
    """Return the arguments of the activation that a layer is or has."""
    if traits_of(node.op).kind == "activation" and "activation" not in node.arguments:
        return node.arguments
    given = node.arguments.get("activation")
    return {} if given is None else named(given)[1]


def is_dropout(node: Node) -> bool:
    """Return whether a layer drops values or adds noise to them; a rate of 0 does neither."""
    rate = node.arguments.get("rate")
    return traits_of(node.op).kind == "dropout, noise" and rate is not None and rate > 0


def places_of(shape: Shape, node: Node) -> Shape:
    """Return the spatial axes of a shape that a layer takes, without the batch and the channels."""
    first = node.arguments.get("data_format") == "channels_first"
    return shape[2:] if first else shape[1:-1]


def channel_axis(node: Node) -> int:
    """Return the axis of a layer's channels, counted with the batch."""
    assert node.facts is not None
    first = node.arguments.get("data_format") == "channels_first"
    return 1 if first else len(node.facts.shape) - 1
