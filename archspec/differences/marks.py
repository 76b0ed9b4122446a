"""Mark nodes with numbers that are equal where nodes of two graphs are alike in some respect.

Each mark is the number of a structure in a table that both graphs share, so that equal numbers mean
equal structures, without a doubt about hashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

from msgspec import Struct

from archspec.graph import Graph, Node
from archspec.layers import traits_of

PLAIN = frozenset([str, int, type(None)])


class Marks(Struct, frozen=True, eq=False):
    """The marks of the nodes of a graph, by name.

    own: op, arguments and call, and the name of an input that both graphs have. weights: op and
    shapes of weights. below: own of all that lead to it, as they are wired. above: own of all that
    it leads to. down: below, and its own. near: own, and those of its neighbours. users: the nodes
    that take its output, each once.
    """

    graph: Graph
    own: Mapping[str, int]
    weights: Mapping[str, int]
    below: Mapping[str, int]
    above: Mapping[str, int]
    down: Mapping[str, int]
    near: Mapping[str, int]
    users: Mapping[str, tuple[str, ...]]


def mark_graphs(*graphs: Graph) -> tuple[Marks, ...]:
    """Return the marks of graphs, which can be compared with each other.

    An input that all of them have by one name is no other: a model is fed by these names.
    """
    numbers: dict[Hashable, int] = {}
    inputs = frozenset.intersection(*(frozenset(graph.inputs) for graph in graphs))
    return tuple(_mark(graph, numbers, inputs) for graph in graphs)


def _mark(graph: Graph, numbers: dict[Hashable, int], inputs: frozenset[str]) -> Marks:
    def number(structure: Hashable) -> int:
        return numbers.setdefault(structure, len(numbers))

    own: dict[str, int] = {}
    weights: dict[str, int] = {}
    below: dict[str, int] = {}
    down: dict[str, int] = {}
    users: dict[str, dict[str, None]] = defaultdict(dict)
    for node in graph:
        meaning = (freeze(graph.normal_arguments(node)), freeze(node.call), node.slots)
        name = node.name if node.name in inputs else ""
        own[node.name] = number(("own", node.op, name, *meaning))
        shapes = freeze(node.facts.weights) if node.facts else None
        weights[node.name] = number(("weights", node.op, shapes))
        taken = tuple(down[each] for each in node.inputs)
        if is_any_order(node):
            taken = tuple(sorted(taken))
        below[node.name] = number(("below", taken, node.reuses is not None))
        down[node.name] = number(("down", own[node.name], below[node.name]))
        for each in node.inputs:
            users[each][node.name] = None
    above: dict[str, int] = {}
    up: dict[str, int] = {}
    near: dict[str, int] = {}
    places = {name: place for place, name in enumerate(graph.outputs)}
    for node in reversed(graph.nodes):
        name = node.name
        leads = []
        for user in users[name]:
            place = -1 if is_any_order(graph[user]) else graph[user].inputs.index(name)
            leads.append((up[user], place))
        above[name] = number(("above", tuple(sorted(leads)), places.get(name)))
        up[name] = number(("up", own[name], above[name]))
        around = tuple(sorted(own[each] for each in node.inputs))
        beyond = tuple(sorted(own[each] for each in users[name]))
        near[name] = number(("near", own[name], around, beyond))
    lists = {name: tuple(each) for name, each in users.items()}
    return Marks(graph, own, weights, below, above, down, near, lists)


def is_any_order(node: Node) -> bool:
    """Return whether the order of a node's inputs means nothing."""
    return traits_of(node.op).any_order


def freeze(value: Any) -> Hashable:
    """Return a value in normal form as one that can be a key; true and 1.0 are not 1."""
    if type(value) in PLAIN:  # as most are: whether one is a mapping takes longer to find out
        return value  # type: ignore[no-any-return]
    if isinstance(value, Mapping):
        return tuple((name, freeze(each)) for name, each in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(freeze, value))
    return (type(value).__name__, value) if isinstance(value, bool | float) else value
