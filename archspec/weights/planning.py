"""Decide which weights of one network another can begin with, with the reason for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterator, Mapping
from itertools import zip_longest
from math import prod

from msgspec import Struct
from msgspec.structs import replace

from archspec.arguments import show
from archspec.differences.marks import freeze, is_any_order
from archspec.differences.matching import match_graphs
from archspec.graph import Graph, Node
from archspec.layers import LAYERS, find_activation, traits_of

Sizes = tuple[int, ...]


class PlannedWeight(Struct, frozen=True):
    """The plan for one weight of the network: copied, sliced, averaged or new.

    layer, weight, shape: as the graph names and has them. how: copied, sliced, averaged or new.
    source: the layer that the values are of; None for new ones. there: the weight's shape in it.
    values: how many are not new. sizes: which numbers of channels differ, in words. why: what else
    is to be said of it, in words. Both may be "".
    """

    layer: str
    weight: str
    shape: Sizes
    how: str
    source: str | None = None
    there: Sizes | None = None
    values: int = 0
    sizes: str = ""
    why: str = ""


class WeightsPlan(Struct, frozen=True, eq=False):
    """The plan for each weight of a network that begins with the weights of another.

    network, source: the two graphs. unused: weights of the source that nothing takes, by layer and
    name, with their shapes.
    """

    network: Graph
    source: Graph
    parts: tuple[PlannedWeight, ...]
    unused: Mapping[tuple[str, str], Sizes]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many parameters are copied, sliced, averaged and new, and how many of the
        source are unused."""
        counts = dict.fromkeys(("copied", "sliced", "averaged", "new"), 0)
        for part in self.parts:
            counts[part.how] += part.values
            counts["new"] += prod(part.shape) - part.values
        return counts | {"unused": sum(map(prod, self.unused.values()))}


def plan_weights(source: Graph, network: Graph, partial: Collection[str] = ()) -> WeightsPlan:
    """Return what becomes of each weight of a network that begins with those of another.

    Layers are paired as `archspec.diff` pairs them. A weight that has the same name and shape in
    its partner is copied. partial: what becomes of others, too. "slice": where channels differ, as
    many as both have are copied. "mean": the first convolution takes the mean over the channels of
    the source's images, so that its sums stay as large. "classes": slices the units of the outputs,
    which are classes of the same order.
    """
    return _Planner(source, network, partial).plan()


class _Planner:
    def __init__(self, source: Graph, network: Graph, partial: Collection[str]) -> None:
        self.source, self.network, self.partial = source, network, partial
        self.partners: dict[str, str] = {}  # of a layer: that of its first paired call
        self.pairs = match_graphs(source, network).pairs
        for theirs, ours in self.pairs.items():
            owner = network[ours].reuses or ours
            there = source[theirs].reuses or theirs
            if owner == ours:
                self.partners[owner] = there
            else:
                self.partners.setdefault(owner, there)
        self.heads = set(_find_heads(network))

    def plan(self) -> WeightsPlan:
        parts = [
            self.decide(node, weight, shape)
            for node in self.network
            if node.reuses is None and node.facts
            for weight, shape in node.facts.weights.items()
        ]
        used = {(part.source, part.weight) for part in parts if part.how != "new"}
        unused = {
            (node.name, weight): shape
            for node in self.source
            if node.reuses is None and node.facts
            for weight, shape in node.facts.weights.items()
            if (node.name, weight) not in used
        }
        return WeightsPlan(self.network, self.source, tuple(parts), unused)

    def decide(self, node: Node, weight: str, shape: Sizes) -> PlannedWeight:
        """Return what becomes of one weight."""
        new = PlannedWeight(node.name, weight, shape, "new")
        if node.name not in self.partners:
            return replace(new, why="added")
        other = self.source[self.partners[node.name]]
        normalize = traits_of(node.op).kind == traits_of(other.op).kind == "normalization"
        if other.op != node.op and not normalize:
            return replace(new, why=f"it was a {other.op}")
        there = other.facts.weights.get(weight) if other.facts else None
        if there is None:
            return replace(new, why=f"the {other.op} before has no {weight}")
        taken = replace(new, source=other.name, there=there, values=prod(shape))
        if there == shape:
            if (mixed := self.find_mixed(node, other, weight)) is not None:
                return replace(new, why=mixed)
            return replace(taken, how="copied", why=self.describe_change(node, other))
        how, sizes, why = self.fit(node, other, weight, shape, there)
        if how == "new":
            return replace(new, sizes=sizes, why=why)
        if how == "sliced":
            taken = replace(taken, values=prod(map(min, shape, there)))
        return replace(taken, how=how, sizes=sizes, why=why)

    def fit(
        self, node: Node, other: Node, weight: str, shape: Sizes, there: Sizes
    ) -> tuple[str, str, str]:
        """Return what becomes of a weight of another shape, as `PlannedWeight` has it: `how`,
        `sizes` and `why`."""
        if len(shape) != len(there):
            return "new", "", f"its {weight} has {len(shape)} axes in place of {len(there)}"
        axes = [
            axis for axis, (new, old) in enumerate(zip(shape, there, strict=True)) if new != old
        ]
        said = " and ".join(f"{shape[axis]} in place of {there[axis]}" for axis in axes)
        is_kernel = _is_kernel(weight)
        is_convolution = is_kernel and traits_of(node.op).kind == "convolution"
        # The axes of the channels that a kernel takes and gives: a transposed one has them the
        # other way round.
        inside, outside = len(shape) - 2, len(shape) - 1
        if is_convolution and traits_of(node.op).enlarges:
            inside, outside = outside, inside
        if node.name in self.heads and outside in axes:
            units = "channels of the output" if is_convolution else "classes"
            classes = f"{shape[outside]} {units} in place of {there[outside]}"
            if "classes" not in self.partial:
                return "new", "", classes
            if axes == [outside]:
                return "sliced", "", classes
        if is_convolution and min(axes) < len(shape) - 2:
            sizes = ["×".join(map(str, each[:-2])) for each in (shape, there)]
            return "new", "", f"a kernel of {sizes[0]} in place of {sizes[1]}"
        for name in ("groups", "depth_multiplier"):  # the channels of each are side by side
            if node.arguments.get(name, 1) != other.arguments.get(name, 1):
                return "new", said, f"another {name}"
        # A kernel that has no axis for the filters is for each channel by itself.
        adds_up = is_convolution and shape[outside] == node.arguments.get("filters")
        is_first = adds_up and axes == [inside] and _takes_input(self.network, node)
        if is_first and "mean" in self.partial:
            return "averaged", said, ""
        if "slice" not in self.partial:
            return "new", said, ""
        if _takes_channels(node, weight) and (axes != [outside] or not is_kernel):
            for graph, layer in ((self.network, node), (self.source, other)):
                if (mixed := _find_mixer(graph, layer)) is not None:
                    return "new", said, f"a {mixed} before it puts them in another order"
        return "sliced", said, ""

    def find_mixed(self, node: Node, other: Node, weight: str) -> str | None:
        """Return why the channels that a weight is for come in another order than in the source;
        None where they do not, or where that is not known."""
        if not _takes_channels(node, weight):
            return None
        here, there = _find_mixers(self.network, node), _find_mixers(self.source, other)
        for ours, theirs in zip_longest(here, there):
            if ours is None or theirs is None or ours.op != theirs.op:
                if _follows_sum(self.network, node) or _follows_sum(self.source, other):
                    return None  # it may be of one summand alone, which is added elsewhere there
                return f"a {(ours or theirs).op} before it puts them in another order"
            if self.has_swapped_inputs(ours, theirs):
                return f"a {ours.op} before it has its inputs in another order"
            if _describe_mixing(self.network, ours) != _describe_mixing(self.source, theirs):
                return f"a {ours.op} before it puts them in another order"
        return None

    def has_swapped_inputs(self, node: Node, other: Node) -> bool:
        """Return whether an input of a layer is known to be another one in the source."""
        order = [_find_origin(self.network, name) for name in node.inputs]
        before = [
            _find_origin(self.network, self.pairs[name]) if name in self.pairs else None
            for name in (_find_origin(self.source, each) for each in other.inputs)
        ]
        return any(a != b for a, b in zip(order, before, strict=False) if b is not None)

    def describe_change(self, node: Node, other: Node) -> str:
        """Return what a layer does otherwise than its partner, whose weights it takes."""
        if node.op != other.op:
            return f"a {node.op} in place of a {other.op}"
        before = self.source.normal_arguments(other)
        table = LAYERS[node.op].arguments
        changes = [
            f"{name} {show(value)} in place of {show(before.get(name))}"
            for name, value in self.network.normal_arguments(node).items()
            if value != before.get(name) and _is_felt(name, table[name].type.kind)
        ]
        return ", ".join(changes[:2]) + (" ..." if len(changes) > 2 else "")


def _is_felt(name: str, kind: str | None) -> bool:
    """Return whether an argument changes what a layer computes with its weights."""
    return kind not in ("initializer", "regularizer", "constraint") and name not in (
        *("seed", "trainable", "dtype", "autocast", "name"),
    )


def _is_kernel(weight: str) -> bool:
    return weight.rpartition("/")[2].endswith("kernel")


def _has_kernel(node: Node) -> bool:
    return any(map(_is_kernel, node.facts.weights if node.facts else ()))


def _find_heads(graph: Graph) -> Iterator[str]:
    """Yield the layers whose units are classes: those before an output, with nothing between that
    normalizes, and no activation but one of classes. The channels of a backbone are none."""
    for output in graph.outputs:
        node, passed = graph[output], [graph[output]]
        while not _has_kernel(node) and len(node.inputs) == 1:
            node = graph[node.inputs[0]]
            passed.append(node)
        is_head = all(
            traits_of(each.op).kind != "normalization"
            and find_activation(each) in (None, "linear", "softmax", "log_softmax", "sigmoid")
            for each in passed
        )
        if _has_kernel(node) and is_head:
            yield node.reuses or node.name


def _takes_channels(node: Node, weight: str) -> bool:
    """Return whether a weight has an axis for the channels that its layer takes: a kernel has, and
    a scale; the bias beside a kernel of filters or units has not."""
    is_bias = weight.rpartition("/")[2] == "bias" and _has_kernel(node)
    return not is_bias or _is_by_channel(node)


def _find_mixers(graph: Graph, node: Node) -> list[Node]:
    """Return the layers that say in which order the channels come which a layer takes, the nearest
    first."""
    return [
        before
        for before in _walk_channels(graph, node)
        if not is_any_order(before) and (len(before.inputs) > 1 or _is_mixer(graph, before))
    ]


def _follows_sum(graph: Graph, node: Node) -> bool:
    """Return whether the channels that a layer takes are sums, or the like, of several values."""
    walk = _walk_channels(graph, node)
    return any(len(before.inputs) > 1 and is_any_order(before) for before in walk)


def _is_mixer(graph: Graph, node: Node) -> bool:
    """Return whether a layer gives other numbers of channels than it takes."""
    own = node.facts.shape[-1:] if node.facts else ()
    return any(graph.shape(each)[-1:] != own for each in node.inputs)


def _describe_mixing(graph: Graph, node: Node) -> Hashable:
    """Return what the order of the channels that a layer gives depends on."""
    shapes = [graph.shape(each) for each in (*node.inputs, node.name)]
    if len(node.inputs) > 1 or (node.facts and node.facts.weights):
        return tuple(each[-1] for each in shapes)
    return tuple(shapes), freeze(graph.normal_arguments(node))


def _find_origin(graph: Graph, name: str) -> str:
    """Return the layer that makes the channels of a value, or puts together those of several."""
    node = graph[name]
    while not _makes_channels(graph, node) and len(node.inputs) == 1:
        node = graph[node.inputs[0]]
    return node.name


def _makes_channels(graph: Graph, node: Node) -> bool:
    """Return whether each channel that a layer gives is made of all that it takes, or of none: one
    that has a kernel for each channel by itself makes no others."""
    has_weights = bool(node.facts and node.facts.weights)
    is_whole = _has_kernel(node) or (has_weights and _is_mixer(graph, node))
    return not node.inputs or (is_whole and not _is_by_channel(node))


def _is_by_channel(node: Node) -> bool:
    """Return whether a layer convolves each channel by itself."""
    return traits_of(node.op).kind == "convolution" and "filters" not in LAYERS[node.op].arguments


def _takes_input(graph: Graph, node: Node) -> bool:
    """Return whether nothing with a kernel comes before a layer."""
    while len(node.inputs) == 1:
        node = graph[node.inputs[0]]
        if _has_kernel(node):
            return False
    return not node.inputs


def _find_mixer(graph: Graph, node: Node) -> str | None:
    """Return the class of a layer that puts the channels which another takes into another order.

    The first channels of what a Flatten, Reshape or Concatenate gives are not the first channels of
    what it takes, where these have other numbers.
    """
    mixers = (each for each in _walk_channels(graph, node) if _is_mixer(graph, each))
    return next((each.op for each in mixers), None)


def _walk_channels(graph: Graph, node: Node) -> Iterator[Node]:
    """Yield the layers before one, the nearest first, up to those that make the channels."""
    left, seen = deque(node.inputs), set()
    while left:
        if (name := left.popleft()) in seen:
            continue
        seen.add(name)
        before = graph[name]
        if not _makes_channels(graph, before):
            yield before
            left += before.inputs
