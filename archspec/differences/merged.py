"""Merge two networks into one graph: the second, with the removed layers of the first in place.

A layer that is put into a connection leaves the connection as it is, and so does one that is taken
out of it. Only a way that is new, or gone, is a change of connections:

    conv -> relu  and  conv -> dropout -> relu     the dropout is added
    conv -> relu  and  conv -> relu, conv -> add   the connection to the addition is added
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from msgspec.structs import replace

from archspec.differences.changes import Change, ChangedGraph, ChangeKind, WayKind
from archspec.differences.difference import Difference
from archspec.differences.wording import describe_change
from archspec.graph import Graph, Node, Region

GONE, LEFT = "(removed)", "(moved)"  # behind the names of layers of the first network
Ways = Mapping[str, Sequence[str]]  # what each node takes


def merge_graphs(difference: Difference) -> ChangedGraph:
    """Return the second graph of a difference with the layers that the first alone has.

    These stand in the scopes that belong to theirs, and are called `conv2d (removed)`; a layer that
    has moved stands in both places, and is `conv2d (moved)` where it was.

    >>> import archspec
    >>> from archspec.differences.difference import compare_graphs
    >>> lenet = archspec.load("lenet5")
    >>> shorter = archspec.load("lenet5", edits=["at: max_pooling2d, remove: true"])
    >>> merged = merge_graphs(compare_graphs(lenet, shorter))
    >>> [name for name, each in merged.changes.items() if each.kind == "removed"]
    ['max_pooling2d (removed)']
    """
    return _Merger(difference).merge()


def mark_sides(difference: Difference) -> tuple[ChangedGraph, ChangedGraph]:
    """Return both graphs of a difference, each with what of it differs from the other."""
    merger = _Merger(difference)
    return merger.mark(difference.a), merger.mark(difference.b)


class _Merger:
    """Merges the graphs of one difference; nodes are called as in the merged graph."""

    def __init__(self, difference: Difference) -> None:
        self.difference = difference
        self.a, self.b = difference.a, difference.b
        matching = difference.matching
        self.stayed = {x: y for x, y in matching.pairs.items() if x not in matching.moved}
        self.moved = {matching.pairs[x] for x in matching.moved}
        self.partners = {y: self.a[x] for x, y in matching.pairs.items()}
        self.kept = set(self.stayed.values())
        self.edits = {
            each.b: each for each in difference.edits if each.kind in ("changed", "replaced")
        }
        self.index = {node.name: index for index, node in enumerate(self.b)}
        self.scopes = self._place_scopes()
        self.gone = [node for node in self.a if node.name not in self.stayed]
        self.names = {**self.stayed, **self._name_gone()}  # of the nodes of the first graph
        self.left = {self.names[x] for x in matching.moved}
        self.ours: Ways = {self.names[x.name]: [self.names[i] for i in x.inputs] for x in self.a}
        self.theirs: Ways = {y.name: y.inputs for y in self.b}
        self.places = self._place_nodes()
        # Connections that the other graph has by way of layers of its own, and those of such ways.
        self.hidden: set[tuple[str, str]] = set()
        self.through: set[tuple[str, str]] = set()
        for here, there in ((self.ours, self.theirs), (self.theirs, self.ours)):
            self._explain(here, there)
        self.outputs = dict(self._pair_outputs())

    # --- names and places ------------------------------------------------------------------------

    def _place_scopes(self) -> dict[str, tuple[Region, ...]]:
        """Return, for each scope of the first graph, the scopes of the merged one that are around
        what is in it."""
        around = {
            each.path: node.regions[: depth + 1]
            for node in self.b
            for depth, each in enumerate(node.regions)
        }
        taken = {*around, *self.index}
        found: dict[str, tuple[Region, ...]] = {}
        for node in self.a:
            outer: tuple[Region, ...] = ()
            for region in node.regions:
                if region.path not in found:
                    there = self.difference.matching.scopes.get(region.path, "")
                    path = _join(outer, region.path)
                    path += f" {GONE}" if path in taken else ""
                    alone = (*outer, replace(region, path=path))
                    found[region.path] = around.get(there, alone)
                outer = found[region.path]
        return found

    def _find_regions(self, node: Node) -> tuple[Region, ...]:
        return self.scopes[node.regions[-1].path] if node.regions else ()

    def _name_gone(self) -> dict[str, str]:
        taken = {*self.index, *(each.path for node in self.b for each in node.regions)}
        found = {}
        for node in self.gone:
            why = LEFT if node.name in self.difference.matching.moved else GONE
            base = name = f"{_join(self._find_regions(node), node.name)} {why}"
            number = 2
            while name in taken:
                name, number = f"{base} {number}", number + 1
            taken.add(name)
            found[node.name] = name
        return found

    def _place_nodes(self) -> dict[str, int]:
        """Return the place of each node in the second graph, or behind which node of it: where it
        was, but after what it takes and, if that can be, before what took it."""
        latest: dict[str, int] = defaultdict(lambda: len(self.index))
        for head in reversed([*self.ours]):
            limit = self.index[head] - 1 if head in self.kept else latest[head]
            for tail in self.ours[head]:
                latest[tail] = min(latest[tail], limit)
        places = dict(self.index)
        before = -1
        for node in self.a:
            name = self.names[node.name]
            if name in self.kept:
                before = self.index[name]
            else:
                owner = [self.names[node.reuses]] if node.reuses else []
                after = max((places[each] for each in [*self.ours[name], *owner]), default=-1)
                places[name] = max(after, min(before, latest[name]))
        return places

    # --- connections -----------------------------------------------------------------------------

    def _explain(self, here: Ways, there: Ways) -> None:
        """Find the connections of one graph that the other has by way of layers of its own."""
        sources = self._find_sources(there)
        for head in self.kept:
            for tail in self.kept.intersection(here[head]).difference(there[head]):
                ends = [each for each in there[head] if tail in sources.get(each, ())]
                if ends:
                    self.hidden.add((tail, head))
                for end in ends:
                    self.through |= {(end, head), *_trace(tail, end, there, sources)}

    def _find_sources(self, ways: Ways) -> dict[str, set[str]]:
        """Return, for each node that one graph alone has, the nodes of both that lead to it,
        directly or by way of others that one alone has."""
        found: dict[str, set[str]] = {}
        for name, inputs in ways.items():
            if name not in self.kept:
                reached = [{each} if each in self.kept else found[each] for each in inputs]
                found[name] = set().union(*reached)
        return found

    def _pair_outputs(self) -> Iterator[tuple[str, WayKind]]:
        """Yield the outputs of both graphs with what is done to each; where a layer is put behind
        an output or taken from there, it is one output still."""
        ours = [self.names[each] for each in self.a.outputs]
        theirs = [*self.b.outputs]
        gone = [each for each in ours if each not in theirs]
        new = [each for each in theirs if each not in ours]
        pairs = dict(zip(new, gone, strict=True)) if len(new) == len(gone) else {}
        explained: set[str] = set()
        for name in theirs:
            other = pairs.get(name, "")
            before, after = self._find_sources(self.ours), self._find_sources(self.theirs)
            if name in ours:
                yield name, ""
            elif name in before.get(other, ()):  # taken from behind it
                self.through |= {*_trace(name, other, self.ours, before)}
                explained.add(other)
                yield other, ""
            elif other in after.get(name, ()):  # put behind it
                self.through |= {*_trace(other, name, self.theirs, after)}
                explained.add(other)
                yield name, ""
            else:
                yield name, "added"
        for other in gone:
            if other not in explained:
                yield other, "removed"

    def _judge(self, tail: str, head: str) -> WayKind:
        """Return whether a connection is added or removed; "" if it is neither."""
        if (tail, head) in self.through or (tail, head) in self.hidden:
            return ""
        if tail not in self.ours.get(head, ()):
            return "added"
        return "" if tail in self.theirs.get(head, ()) else "removed"

    # --- the graphs ------------------------------------------------------------------------------

    def merge(self) -> ChangedGraph:
        """Return the merged graph."""
        placed: list[tuple[int, int, Node]] = []
        lost = 0
        for node in self.b:
            inputs, left_out = self._join_inputs(node)
            lost += left_out
            names, slots = zip(*inputs, strict=True) if inputs else ((), ())
            merged = replace(node, inputs=names, slots=slots if node.slots else ())
            placed.append((self.index[node.name], -1, merged))
        for order, node in enumerate(self.gone):
            name = self.names[node.name]
            merged = replace(
                node,
                name=name,
                inputs=tuple(self.ours[name]),
                reuses=self.names[node.reuses] if node.reuses else None,
                regions=self._find_regions(node),
            )
            placed.append((self.places[name], order, merged))
        nodes = [node for *_, node in sorted(placed, key=lambda each: each[:2])]
        ways = {node.name: tuple(self._judge(i, node.name) for i in node.inputs) for node in nodes}
        changes = self._list_changes(nodes, ways)
        # A box holds all calls of a layer, so those of another kind have one of their own.
        nodes = [
            replace(node, reuses=None) if self._is_apart(node, changes) else node for node in nodes
        ]
        both = [*self.b.inputs, *(self.names[each] for each in self.a.inputs)]
        graph = replace(
            self.b,
            name=" → ".join(self.difference.names),
            nodes=tuple(nodes),
            inputs=tuple(dict.fromkeys(both)),
            outputs=tuple(self.outputs),
            base=None,
            edits=(),
        )
        gone = {self.names[node.name]: node.name for node in self.gone}
        return ChangedGraph(graph, changes, _drop_same(self.outputs), lost, self.b, gone)

    def mark(self, graph: Graph) -> ChangedGraph:
        """Return one of both graphs with what of it differs from the other."""
        names = self.names if graph is self.a else {name: name for name in self.index}
        side: WayKind = "removed" if graph is self.a else "added"
        ways: dict[str, tuple[WayKind, ...]] = {}
        for node in graph:
            found = [self._judge(names[each], names[node.name]) for each in node.inputs]
            ways[node.name] = tuple(each if each == side else "" for each in found)
        nodes = [replace(node, name=names[node.name]) for node in graph]
        there = self._list_changes(nodes, {names[name]: each for name, each in ways.items()})
        outputs = {
            each: side for each in graph.outputs if self.outputs.get(names[each], "") == side
        }
        changes = {name: there[names[name]] for name in names if names[name] in there}
        if graph is self.a:
            changes = {name: Change(each.kind, ways=each.ways) for name, each in changes.items()}
        return ChangedGraph(graph, changes, outputs)

    def _join_inputs(self, node: Node) -> tuple[list[tuple[str, str]], int]:
        """Return what a node takes in both graphs, each with its slot, and how many connections of
        the first graph cannot be shown, as they would lead back."""
        theirs = zip_longest(node.inputs, node.slots, fillvalue="")
        found = [each for each in theirs if (each[0], node.name) not in self.hidden]
        if node.name not in self.kept:
            return found, 0
        partner = self.partners[node.name]
        before, lost = -1, 0
        for ours, slot in zip_longest(partner.inputs, partner.slots, fillvalue=""):
            name = self.names[ours]
            taken = [each for each, _ in found]
            if name in taken:
                before = taken.index(name)
            elif name in node.inputs or (name, node.name) in self.hidden:
                continue
            elif self.places[name] >= self.index[node.name]:
                lost += 1
            else:
                before += 1
                found.insert(before, (name, slot))
        return found, lost

    def _list_changes(
        self, nodes: Sequence[Node], ways: Mapping[str, tuple[WayKind, ...]]
    ) -> dict[str, Change]:
        """Return the changes of the nodes that differ, or that are taken otherwise."""
        found = {}
        for node in nodes:
            kind, change = self._find_kind(node.name), Change()
            if node.name in self.edits:
                partner, edit = self.partners[node.name], self.edits[node.name]
                change = describe_change(partner, self.b[node.name], edit)
            if kind and node.reuses and self._find_kind(node.reuses) != kind:
                note = f"shares {node.reuses.partition(' (')[0]}"
                change = replace(change, notes=(*change.notes, note))
            shown = ways[node.name] if any(ways[node.name]) else ()
            if kind or shown:
                found[node.name] = replace(change, kind=kind, ways=shown)
        return found

    def _find_kind(self, name: str) -> ChangeKind:
        if name not in self.index:
            return "left" if name in self.left else "removed"
        if name in self.moved:
            return "moved"
        if name not in self.kept:
            return "added"
        return "changed" if name in self.edits else ""

    def _is_apart(self, node: Node, changes: Mapping[str, Change]) -> bool:
        """Return whether a call differs otherwise than the layer that it calls."""
        if node.reuses is None:
            return False
        calls = [changes.get(each, Change()).kind for each in (node.name, node.reuses)]
        return calls[0] != calls[1]


def _join(outer: Sequence[Region], name: str) -> str:
    """Return the last part of a name behind the path of the scope around it."""
    last = name.rpartition(".")[2]
    return f"{outer[-1].path}.{last}" if outer else last


def _trace(
    start: str, end: str, ways: Ways, sources: Mapping[str, set[str]]
) -> Iterator[tuple[str, str]]:
    """Yield the connections from a node of both graphs to one that only one has."""
    left, seen = [end], {end}
    while left:
        head = left.pop()
        for tail in ways[head]:
            if tail == start or start in sources.get(tail, ()):
                yield tail, head
                if tail != start and tail not in seen:
                    seen.add(tail)
                    left.append(tail)


def _drop_same(outputs: Mapping[str, WayKind]) -> dict[str, WayKind]:
    return {name: kind for name, kind in outputs.items() if kind}
