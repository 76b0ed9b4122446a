"""Turn a graph into sequences: paths that part at a node and join again become branches.

The immediate dominator of a node with several inputs is the last node that every path to it passes.
Where the nodes between the two are used nowhere else, and the paths share none, they are branches.
Everything else stays a list of steps, in which `from` names what a step takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from archspec.folding.arguments import read_arguments
from archspec.folding.items import BranchesItem, LayerItem, PathItem, Sequence
from archspec.graph import Graph, Node
from archspec.layers import LAYERS
from archspec.objects.kinds import snake_case

LONG_SKIP = 24  # lines that a skip connection may pass and still be drawn as a branch


def to_sequence(graph: Graph) -> tuple[Sequence, Mapping[str, str]]:
    """Return the steps of a graph, and the names of steps by those of their nodes."""
    return _Tree(graph).build()


class _Tree:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users: dict[str, list[str]] = {node.name: [] for node in graph}
        for node in graph:
            for name in node.inputs:
                self.users[name].append(node.name)
        # An output is used outside, and so is a layer that is called again.
        self.kept = set(graph.outputs)
        again = {name for node in graph if node.reuses for name in (node.name, node.reuses)}
        self.open = self.kept | again
        self.reused = {node.reuses for node in graph if node.reuses}
        self.depth: dict[str, int] = {}
        self.dominator: dict[str, str | None] = {}
        self.place = {node.name: place for place, node in enumerate(graph)}
        self.regions: dict[str, tuple[str, ...]] = {}  # of a merge, what lies between

    def build(self) -> tuple[Sequence, Mapping[str, str]]:
        for node in self.graph:
            self._find_dominator(node)
        self.merges = {node.name for node in self.graph if self._is_merge(node)}
        self._flatten_skips()
        return self._list_steps()

    def _find_dominator(self, node: Node) -> None:
        found: str | None = node.inputs[0] if node.inputs else None
        for name in node.inputs[1:]:
            found = self._meet(found, name)
        self.dominator[node.name] = found
        self.depth[node.name] = self.depth[found] + 1 if found is not None else 0

    def _meet(self, one: str | None, other: str | None) -> str | None:
        """Return the last node that is passed on every way to both nodes; None if there is none."""
        while one != other:
            if one is None or other is None:
                return None
            if self.depth[one] >= self.depth[other]:
                one = self.dominator[one]
            else:
                other = self.dominator[other]
        return one

    def _is_merge(self, node: Node) -> bool:
        """Return whether the ways from a node's dominator to it are branches."""
        start = self.dominator[node.name]
        if len({*node.inputs}) < 2 or start is None or node.slots or node.reuses or node.call:
            return False
        if LAYERS[node.op].takes != "list" or node.name in self.reused:
            return False
        ways = [self._walk_back(name, start) for name in node.inputs]
        region = set().union(*ways)
        if sum(map(len, ways)) != len(region) or region & self.open:
            return False
        inside = {*region, node.name}
        if any(user not in inside for name in region for user in self.users[name]):
            return False
        if any(len({*self.graph[name].inputs}) != 1 for name in region if name not in self.regions):
            return False  # a way that is no chain of layers and branches
        self.regions[node.name] = tuple(region)
        return True

    def _walk_back(self, name: str, start: str) -> set[str]:
        """Return the nodes on the ways from `start`, without it, to a node, with it."""
        seen: set[str] = set()
        left = [name]
        while left:
            each = left.pop()
            if each != start and each not in seen:
                seen.add(each)
                left += self.graph[each].inputs
        return seen

    def _flatten_skips(self) -> None:
        """Leave a long shortcut, or one past smaller maps as in a U-Net, a step with `from`."""
        level: dict[str, int] = {}
        for node in self.graph:
            level[node.name] = 1 + max((level[name] for name in node.inputs), default=0)
        for name in tuple(self.merges):
            start = self.dominator[name]
            assert start is not None
            skips = start in self.graph[name].inputs and level[name] - level[start] > LONG_SKIP
            if skips or self._passes_smaller_maps(name, start):
                self.merges.discard(name)
        for node in self.graph:  # what holds such a shortcut is no branch either
            inner = self.regions.get(node.name, ())
            if any(self._previous(name) is None for name in inner):
                self.merges.discard(node.name)

    def _passes_smaller_maps(self, name: str, start: str) -> bool:
        """Return whether a branch shrinks its maps and enlarges them again."""
        size = _product(self.graph.shape(start)[1:-1]) or 0
        smaller = larger = False
        for each in self.regions[name]:
            if len(self.graph[each].inputs) > 1:
                continue
            shape, before = self.graph.shape(each), self.graph.shape(self.graph[each].inputs[0])
            own = _product(shape[1:-1]) or 0
            smaller |= len(shape) == len(before) and 1 < own < size
            larger |= len(shape) == len(before) and own >= 2 * (_product(before[1:-1]) or own) > 2
        return smaller and larger

    def _previous(self, name: str) -> str | None:
        """Return the one value that a node takes: its input, or that of all its branches."""
        if name in self.merges:
            return self.dominator[name]
        inputs = {*self.graph[name].inputs}
        return inputs.pop() if len(inputs) == 1 else None

    def _chain(self, name: str, start: str) -> Sequence:
        """Return the items from `start`, without it, to a node, with it."""
        items = []
        while name != start:
            items.append(self._item(name))
            above = self._previous(name)
            assert above is not None
            name = above
        return tuple(reversed(items))

    def _item(self, name: str) -> LayerItem | BranchesItem:
        node = self.graph[name]
        if name not in self.merges:
            return self._layer(node)
        start = self.dominator[name]
        assert start is not None
        paths = tuple(PathItem(self._chain(each, start)) for each in node.inputs)
        return BranchesItem(paths=paths, merge=self._layer(node), channels=self._channels(start))

    def _layer(self, node: Node) -> LayerItem:
        return LayerItem(
            op=node.op,
            arguments=read_arguments(self.graph, node, node.name in self.reused),
            channels=self._channels(node.inputs[0]),
            nodes=(node.name,),
            call=dict(node.call),
            sources=_repeat_previous(node),
        )

    def _channels(self, name: str) -> int | None:
        shape = self.graph.shape(name)
        return shape[-1] if len(shape) > 1 else None

    def _list_steps(self) -> tuple[Sequence, Mapping[str, str]]:
        """Return the steps of the whole, each after what it takes, with `from` where that is not
        the one before it."""
        referred: set[str] = set(self.kept)
        last = self.graph.inputs[0] if len(self.graph.inputs) == 1 else None
        placed: list[tuple[str, Any, str | None]] = []
        for name in self._order():
            node = self.graph[name]
            if node.op == "InputLayer":
                continue
            only = self._previous(name)
            sources: Any = None if only == last else only
            if name not in self.merges and (only is None or (_repeat_previous(node) and sources)):
                sources = list(node.inputs)
                if node.slots:
                    sources = dict(zip(node.slots, node.inputs, strict=True))
            referred |= {each for each in _list_sources(sources) if each != last}
            placed.append((name, sources, last))
            last = name
        if self.graph.outputs == (last,) and not self._is_named(last):
            referred.discard(last)
        names = self._name(referred | self.reused)
        names |= {name: name for name in self.graph.inputs}
        if len(self.graph.inputs) == 1:
            names[self.graph.inputs[0]] = "input"
        return tuple(self._step(*each, names) for each in placed), names

    def _step(
        self, name: str, sources: Any, before: str | None, names: Mapping[str, str]
    ) -> LayerItem | BranchesItem:
        item = self._item(name)
        spelled = _spell_sources(sources, before, names)
        if isinstance(item, BranchesItem):
            return replace(item, merge=replace(item.merge, name=names.get(name)), sources=spelled)
        reused = self.graph[name].reuses
        reuses = None if reused is None else names[reused]
        sources = item.sources if spelled is None else spelled
        return replace(item, name=names.get(name), sources=sources, reuses=reuses)

    def _is_named(self, name: str | None) -> bool:
        """Return whether a node has a name of its own, not one that Keras gives."""
        if name is None or not self.graph[name].named:
            return False
        last = name.rpartition(".")[2]
        return re.fullmatch(rf"{snake_case(self.graph[name].op)}(_\d+)?", last) is None

    def _name(self, referred: Iterable[str]) -> dict[str, str]:
        """Return names for the steps that others refer to."""
        names: dict[str, str] = {}
        for node in sorted(referred, key=self.place.__getitem__):
            name = re.sub(r"[^A-Za-z0-9_]", "_", node)
            while name in names.values():
                name += "_"
            names[node] = name
        return names

    def _order(self) -> list[str]:
        """Return the steps in an order in which long chains, and cells, stay together.

        A step comes after all that it takes. What is used only on the way to one step comes right
        before it: first all that these steps take from elsewhere, then they themselves.
        """
        above = {name: self._list_above(name) for name in self._list_quotient()}
        spans = _number_ways(self._find_ends(above))
        done: dict[str, None] = {}
        stack = [(name, 0) for name in reversed(self.graph.outputs)]
        while stack:
            name, phase = stack.pop()
            if name in done:
                continue
            if phase == 0:
                stack.append((name, 1))
                if len(above[name]) > 1:
                    border = self._list_border(name, above, spans)
                    stack += [(each, 0) for each in reversed(border)]
            elif phase == 1:
                stack.append((name, 2))
                stack += [(each, 0) for each in reversed(above[name])]
            else:
                done[name] = None
        return list(done)

    def _list_quotient(self) -> list[str]:
        """Return the steps, those within branches left out, each after what it takes."""
        inside = {name for merge in self.merges for name in self.regions[merge]}
        return [node.name for node in self.graph if node.name not in inside]

    def _list_above(self, name: str) -> list[str]:
        node = self.graph[name]
        only = self._previous(name)
        above = [only] if only is not None else list(dict.fromkeys(node.inputs))
        return [node.reuses, *above] if node.reuses else above

    def _find_ends(self, above: Mapping[str, list[str]]) -> dict[str, str | None]:
        """Return, for each step, the next one that every way from it to an output passes."""
        users: dict[str, list[str]] = {name: [] for name in above}
        for name, sources in above.items():
            for source in sources:
                users[source].append(name)
        ends: dict[str, str | None] = {}
        depth: dict[str | None, int] = {None: 0}
        for name in reversed(list(above)):
            found: str | None = users[name][0] if users[name] else None
            if name in self.kept:
                found = None
            for other in users[name][1:]:
                one: str | None = other
                while found != one and found is not None and one is not None:
                    if depth[found] >= depth[one]:
                        found = ends[found]
                    else:
                        one = ends[one]
                found = found if found == one else None
            ends[name] = found
            depth[name] = depth[found] + 1
        return ends

    def _list_border(
        self,
        name: str,
        above: Mapping[str, list[str]],
        spans: Mapping[str, tuple[int, int]],
    ) -> list[str]:
        """Return what the steps that are used only on the way to one step take from elsewhere."""
        border: dict[str, None] = {}
        seen = {name}
        left = [name]
        while left:
            for source in above[left.pop()]:
                if source in seen or source in border:
                    continue
                if spans[name][0] <= spans[source][0] < spans[name][1]:
                    seen.add(source)
                    left.append(source)
                else:
                    border[source] = None
        return list(border)


def _number_ways(ends: Mapping[str, str | None]) -> dict[str, tuple[int, int]]:
    """Return a span of numbers for each step, which holds those of all that lead to it alone."""
    below: dict[str | None, list[str]] = {}
    for name, end in ends.items():
        below.setdefault(end, []).append(name)
    spans: dict[str, tuple[int, int]] = {}
    count = 0
    stack = [(name, False) for name in below.get(None, ())]
    starts: dict[str, int] = {}
    while stack:
        name, ready = stack.pop()
        if ready:
            spans[name] = starts[name], count
            continue
        starts[name] = count
        count += 1
        stack.append((name, True))
        stack += [(each, False) for each in below.get(name, ())]
    return spans


def _repeat_previous(node: Node) -> Any:
    """Return what stands under `from` of a layer that takes one value several times; None for a
    layer that takes one value alone."""
    if node.slots:
        return dict.fromkeys(node.slots, "previous")
    one = LAYERS[node.op].takes != "list" or len({*node.inputs}) > 1
    return None if one else ["previous"] * len(node.inputs)


def _list_sources(sources: Any) -> list[str]:
    if isinstance(sources, dict):
        return list(sources.values())
    return [] if sources is None else sources if isinstance(sources, list) else [sources]


def _spell_sources(sources: Any, before: str | None, names: Mapping[str, str]) -> Any:
    """Return what stands under `from`, where the step before is called `previous`."""

    def spell_one(name: str) -> str:
        return "previous" if name == before else names[name]

    if isinstance(sources, dict):
        return {slot: spell_one(name) for slot, name in sources.items()}
    if isinstance(sources, list):
        return [spell_one(name) for name in sources]
    return None if sources is None else names[sources]


def _product(axes: Iterable[int | None]) -> int | None:
    size = 1
    for axis in axes:
        if axis is None:
            return None
        size *= axis
    return size
