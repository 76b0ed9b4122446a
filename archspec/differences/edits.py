"""Find the edits that lead from one graph to another, once their nodes are paired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct, field

from archspec.arguments import leave_out_defaults
from archspec.differences.marks import freeze, is_any_order
from archspec.differences.matching import Matching, group_calls
from archspec.differences.scopes import is_named
from archspec.graph import Graph, Node, count_params
from archspec.layers import LAYERS

EditKind = Literal[
    "added", "removed", "moved", "changed", "replaced", "rewired", "renamed", "outputs"
]
EDIT_KINDS: tuple[EditKind, ...] = get_args(EditKind)
# Of several edits of one pair, the first of these has its costs.
BEARING: tuple[EditKind, ...] = ("replaced", "changed", "moved", "rewired")


class GraphEdit(Struct, frozen=True, eq=False):
    """One edit that leads from the first network to the second.

    kind: `added` and `removed`: a layer that one side alone has. `changed`: its arguments or its
    call. `replaced`: another class in the same place. `moved`: the same layer elsewhere. `rewired`:
    it takes another layer that both have. `renamed`: a name that the spec writes, of a layer or of
    a group. `outputs`: the network has other outputs.
    a, b: the name on each side; None where it is not there, and of `outputs`.
    op: the Keras class on each side; "" of a group.
    arguments: those that differ, with the value on each side; None where it is not there. Of
    another class, also those of its own that are not the default.
    inputs: the names that it takes on each side; of `outputs`, the outputs.
    params, macs: what the second network has more by this edit; macs None if unknown.
    """

    kind: EditKind
    a: str | None
    b: str | None
    op: tuple[str, str] = ("", "")
    arguments: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    inputs: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    params: int = 0
    macs: int | None = 0


class Follow(Struct, frozen=True, eq=False):
    """Layers without an edit of their own whose shapes or costs follow from the edits.

    names: on the second side. params, macs: what they have more; macs None if unknown.
    """

    names: tuple[str, ...] = ()
    params: int = 0
    macs: int | None = 0


def find_edits(a: Graph, b: Graph, matching: Matching) -> tuple[tuple[GraphEdit, ...], Follow]:
    """Return the edits in the order of the network, and what follows from them."""
    found = _EditFinder(a, b, matching)
    edits = [*found.iter_edits()]
    if matching.is_whole:  # which of several calls brings the weights is a matter of writing
        return tuple(edits), Follow()
    bearing = {each.b for each in edits if each.kind in BEARING}
    names, costs = [], []
    for y in b:
        x = found.find_partner(y)
        if x is None or y.name in bearing or x.facts is None or y.facts is None:
            continue
        shapes = (x.facts.shape, dict(x.facts.weights)), (y.facts.shape, dict(y.facts.weights))
        params, macs = _subtract(x, y)
        if shapes[0] != shapes[1] or params or macs:
            names.append(y.name)
            costs.append((params, macs))
    return tuple(edits), Follow(tuple(names), *_add(costs))


def list_reordered(a: Graph, b: Graph, pairs: Mapping[str, str]) -> tuple[str, ...]:
    """Return the merges, by their names in `b`, that take the same in another order, where the
    order means nothing but how a sum is rounded."""
    found = []
    for name, other in pairs.items():
        inputs = [pairs.get(each) for each in a[name].inputs]
        theirs = list(b[other].inputs)
        if is_any_order(a[name]) and inputs != theirs and Counter(inputs) == Counter(theirs):
            found.append(other)
    return tuple(found)


class _EditFinder:
    """Finds the edits of two graphs whose nodes are paired."""

    def __init__(self, a: Graph, b: Graph, matching: Matching) -> None:
        self.a, self.b, self.matching = a, b, matching
        self.back = {there: here for here, there in matching.pairs.items()}
        self.elsewhere = {matching.pairs[each] for each in matching.moved}
        self.calls_a = group_calls(a, matching.pairs)
        self.calls_b = group_calls(b, {name: name for name in self.back})
        # What each node stands for, by names of `b`: for itself where it has stayed.
        self.through_a = self.find_through(a, lambda name: matching.pairs.get(name))
        self.through_b = self.find_through(b, lambda name: name if name in self.back else None)

    def find_partner(self, y: Node) -> Node | None:
        name = self.back.get(y.name)
        return None if name is None else self.a[name]

    def find_through(self, graph: Graph, stay: Any) -> dict[str, frozenset[str]]:
        """Return for each node the stayed nodes whose values it hands on, if steps that were added,
        removed or moved only hand on what they take."""
        found: dict[str, frozenset[str]] = {}
        for node in graph:
            name = stay(node.name)
            if name is not None and name not in self.elsewhere:
                found[node.name] = frozenset([name])
            else:
                found[node.name] = frozenset().union(*(found[each] for each in node.inputs))
        return found

    def iter_edits(self) -> Iterator[GraphEdit]:
        """Yield the edits in the order of the second graph; what the first alone has stands after
        what was before it there."""
        gone: dict[str | None, list[Node]] = {}
        before: str | None = None
        for x in self.a:
            there = self.matching.pairs.get(x.name)
            if there is None:
                gone.setdefault(before, []).append(x)
            elif x.name not in self.matching.moved:
                before = there
        yield from self.iter_removed(gone.get(None, ()))
        for y in self.b:
            partner = self.find_partner(y)
            if partner is None:
                macs = y.facts.macs if y.facts else None
                inputs = ((), y.inputs)
                yield GraphEdit(
                    "added", None, y.name, ("", y.op), {}, inputs, count_params(y), macs
                )
            else:
                yield from self.iter_edits_of(partner, y)
            yield from self.iter_removed(gone.get(y.name, ()))
        yield from self.iter_renamed_scopes()
        yield from self.iter_outputs()

    def iter_removed(self, nodes: Sequence[Node]) -> Iterator[GraphEdit]:
        for x in nodes:
            macs = x.facts.macs if x.facts else None
            macs = None if macs is None else -macs
            inputs = (x.inputs, ())
            yield GraphEdit("removed", x.name, None, (x.op, ""), {}, inputs, -count_params(x), macs)

    def iter_edits_of(self, x: Node, y: Node) -> Iterator[GraphEdit]:
        """Yield the edits of a pair; the first of those that bear costs has them."""
        kinds: list[tuple[EditKind, Mapping[str, tuple[Any, Any]]]] = []
        differing = self.find_arguments(x, y)
        if x.op != y.op:
            kinds.append(("replaced", differing))
        elif differing:
            kinds.append(("changed", differing))
        if x.name in self.matching.moved:
            kinds.append(("moved", {}))
        elif self.is_rewired(x, y):
            kinds.append(("rewired", {}))
        costs = _subtract(x, y)
        for kind, arguments in kinds:
            yield GraphEdit(
                kind, x.name, y.name, (x.op, y.op), arguments, (x.inputs, y.inputs), *costs
            )
            costs = (0, 0)
        last = x.name.rpartition(".")[2], y.name.rpartition(".")[2]
        if last[0] != last[1] and is_named(x) and is_named(y):
            yield GraphEdit("renamed", x.name, y.name, (x.op, y.op))

    def find_arguments(self, x: Node, y: Node) -> dict[str, tuple[Any, Any]]:
        """Return the arguments that differ, those of the call and `reuse` among them; of two
        classes those that both have, and those of the new one that are not the default."""
        ours, theirs = self.a.normal_arguments(x), self.b.normal_arguments(y)
        names = dict.fromkeys((*ours, *theirs))
        if x.op != y.op:
            given = list_given(y)
            names = dict.fromkeys(each for each in theirs if each in ours or each in given)
        found = {
            name: (ours.get(name), theirs.get(name))
            for name in names
            if freeze(ours.get(name)) != freeze(theirs.get(name))
        }
        for name in dict.fromkeys((*x.call, *y.call)):
            values = x.call.get(name), y.call.get(name)
            if values[0] != values[1]:
                found[name] = values
        if x.slots != y.slots and x.op == y.op:
            found["from"] = (x.slots, y.slots)
        if (x.reuses or y.reuses) and self.calls_a[y.name] != self.calls_b[y.name]:
            found["reuse"] = (x.reuses, y.reuses)
        return found

    def is_rewired(self, x: Node, y: Node) -> bool:
        """Return whether an edge between two nodes that both have stayed is new or gone.

        An edge to what was added, removed or moved is explained by that.
        """
        if y.name in self.elsewhere:
            return False
        ours = [self.find_stayed(each, self.a) for each in x.inputs]
        theirs = [self.find_stayed(each, self.b) for each in y.inputs]
        if None not in ours and None not in theirs:
            same = ours == theirs
            return not (same or (is_any_order(y) and Counter(ours) == Counter(theirs)))
        before = frozenset().union(*(self.through_a[each] for each in x.inputs))
        after = frozenset().union(*(self.through_b[each] for each in y.inputs))
        new = {each for each in theirs if each is not None} - before
        gone = {each for each in ours if each is not None} - after
        return bool(new or gone)

    def find_stayed(self, name: str, graph: Graph) -> str | None:
        """Return the name in `b` of a node that has stayed; None for any other."""
        there = self.matching.pairs.get(name) if graph is self.a else name
        return there if there in self.back and there not in self.elsewhere else None

    def iter_renamed_scopes(self) -> Iterator[GraphEdit]:
        written = [
            {region.path: region for node in graph for region in node.regions}
            for graph in (self.a, self.b)
        ]
        for path, other in self.matching.scopes.items():
            last = path.rpartition(".")[2], other.rpartition(".")[2]
            if last[0] != last[1] and written[0][path].named and written[1][other].named:
                yield GraphEdit("renamed", path, other)

    def iter_outputs(self) -> Iterator[GraphEdit]:
        """Yield an edit if the outputs are others, and not because something was put behind them or
        taken from there."""
        a, b = self.a.outputs, self.b.outputs
        ours = [self.through_a[each] for each in a]
        theirs = [self.through_b[each] for each in b]
        if ours != theirs:
            yield GraphEdit("outputs", None, None, inputs=(a, b))


def list_given(node: Node) -> dict[str, Any]:
    """Return the arguments of a node that are not the default; all of a class that is unknown."""
    if node.op not in LAYERS:
        return dict(node.arguments)
    return leave_out_defaults(LAYERS[node.op].arguments, node.arguments)


def _subtract(x: Node, y: Node) -> tuple[int, int | None]:
    """Return the params and MACs that the second node has more; None for MACs that are unknown."""
    before, after = (each.facts.macs if each.facts else None for each in (x, y))
    macs = None if before is None or after is None else after - before
    return count_params(y) - count_params(x), macs


def _add(costs: Sequence[tuple[int, int | None]]) -> tuple[int, int | None]:
    """Return the sum of costs; None for MACs of which one is unknown."""
    macs = [each for _, each in costs]
    total = None if None in macs else sum(each for each in macs if each is not None)
    return sum(params for params, _ in costs), total
