"""What of a graph a picture shows: layers as boxes, shared ones once, repeats once, blocks folded.

A box is a layer with those that only dress its output: convolution, normalisation, activation read
as one line of a paper's table. Boxes lie in frames, the named groups and blocks. Repeats stand
once, and a frame that lies deeper than wanted is one box. Nothing is lost: each node of the graph
is in the `stands` of one box.

    see(graph, View(depth=2)).boxes  ->  [Box(input), Box(stem), Box(stage0.unit0), ...]
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from archspec.graph import Graph, Node
from archspec.pictures.repeats import Wiring
from archspec.pictures.scene import Box, Edge, Mark, Run, Sight, boxes_of, nest

# Layers that dress the output of another and share its box.
DRESS = re.compile(r"Normalization|ReLU|ELU|Activation|Softmax|Dropout")
LED = re.compile(r"Conv|Pool")  # those that take what a padding prepares
READABLE = 40  # boxes on a page


@dataclass(frozen=True, slots=True)
class View:
    """How much of a graph is shown.

    depth: of the frames that are folded into a box each; None for the greatest that leaves no more
        boxes than are `readable`. fold: whether repeats stand once.
    """

    depth: int | None = None
    fold: bool = True
    readable: int = READABLE


def see(graph: Graph, view: View) -> Sight:
    """The boxes and edges of a view, all in graph order."""
    sight = unfolded(graph, view.fold)
    return folded(sight, _deep(sight.boxes, view))


def unfolded(graph: Graph, fold: bool = True) -> Sight:
    """Every layer in a box. fold: repeats stand once."""
    holder = _boxes(graph)
    boxes = list(dict.fromkeys(holder.values()))
    sight = _ranked(Sight(graph, boxes, _edges(graph, holder), {}))
    sight = replace(sight, titles=_choose_frames(sight))
    return _once(sight) if fold else sight


def folded(sight: Sight, paths: Collection[str]) -> Sight:
    """The same, each of the frames at the paths as one box."""
    boxes: dict[Box | str, Box] = {}
    holder: dict[Box | Mark, Box] = {}
    for box in sight.boxes:
        path = next((path for path in box.frames if path in paths), None)
        if path is None:
            holder[box] = boxes[box] = box
            continue
        frames = box.frames[: box.frames.index(path)]
        whole = boxes.setdefault(path, Box([], [], frames, path))
        whole.nodes += box.nodes
        whole.stands += box.stands
        holder[box] = whole
    edges: dict[object, Edge] = {}  # a value enters a block once
    for place, edge in enumerate(sight.edges):
        tail, head = holder[edge.tail], holder.get(edge.head, edge.head)
        if tail is not head or edge.tail is edge.head:
            inside = isinstance(head, Box) and head.block
            key = (edge.value.name, head) if inside else place
            label = "" if inside else edge.label
            edges.setdefault(key, replace(edge, tail=tail, head=head, label=label))
    order = {node.name: place for place, node in enumerate(sight.graph)}
    for box in boxes.values():
        box.stands.sort(key=lambda node: order[node.name])
    return _ranked(replace(sight, boxes=list(boxes.values()), edges=list(edges.values())))


def _deep(boxes: Sequence[Box], view: View) -> set[str]:
    """Paths of the frames at a depth, but for those where something failed; by default the greatest
    depth that leaves a readable number of boxes."""
    deepest = max(len(box.frames) for box in boxes)
    depth = view.depth
    if depth is None:
        for depth in range(deepest + 1, 1, -1):
            if len({box.frames[depth - 1 : depth] or box for box in boxes}) <= view.readable:
                break
        else:
            depth = 1
    failed = {path for box in boxes if box.state == "failed" for path in box.frames}
    return {box.frames[depth - 1] for box in boxes if len(box.frames) >= depth} - failed


# --- boxes and edges -----------------------------------------------------------------------------


def _boxes(graph: Graph) -> dict[str, Box]:
    """The box of each node: the nodes in their order, each with those that dress it; all calls of
    a shared layer are in one."""
    heads: dict[str, set[str]] = defaultdict(set)  # by the layers' first calls
    tails: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes:
        for name in node.inputs:
            heads[_first(graph[name])].add(_first(node))
            tails[_first(node)].add(_first(graph[name]))
    for name in graph.outputs:
        heads[_first(graph[name])].add("")
    holder: dict[str, Box] = {}
    for node in graph.nodes:
        box = holder[node.reuses] if node.reuses else None
        if box is None and len(node.inputs) == 1 and _dresses(node, holder[node.inputs[0]]):
            before = holder[node.inputs[0]].nodes[-1].name
            if tails[node.name] == {before} and heads[before] == {node.name}:
                box = holder[node.inputs[0]]
                box.nodes.append(node)
        if box is None:
            box = Box([node], [])
        box.stands.append(node)
        holder[node.name] = box
    return holder


def _first(node: Node) -> str:
    """The first call of its layer."""
    return node.reuses or node.name


def _dresses(node: Node, box: Box) -> bool:
    """Whether a node is of a kind to share the box of the one before it."""
    before = box.nodes[-1]
    return (
        before.op != "InputLayer"
        and bool(DRESS.search(node.op) or (leads(before) and LED.search(node.op)))
        and node.regions == before.regions
        and node.state == before.state != "failed"  # which is drawn by itself
    )


def leads(node: Node) -> bool:
    """Whether it only prepares the input of the layer after it."""
    return node.op.startswith("ZeroPadding")


def _edges(graph: Graph, holder: Mapping[str, Box]) -> list[Edge]:
    """From box to box, and to the marks of the outputs."""
    calls = _calls(graph)
    found: dict[tuple[Box, Box, str, int], list[Node]] = {}  # every call that takes this way
    for node in graph.nodes:
        box = holder[node.name]
        if _first(node) == box.nodes[0].name:
            for place, (name, slots) in enumerate(_feeds(node)):
                found.setdefault((holder[name], box, slots, place), []).append(node)
    edges = []
    for (tail, head, slots, place), users in found.items():
        value = graph[_feeds(users[0])[place][0]]
        said = [slots] if slots else []
        if len(users) < head.calls:
            said.append(_which([calls[user.name] for user in users]))
        elif head.calls == 1 < tail.calls:
            said.append(_which([calls[value.name]]))
        edges.append(Edge(tail, head, value, ", ".join(said)))
    for name in graph.outputs:
        label = _which([calls[name]]) if holder[name].calls > 1 else ""
        mark = Mark(f"{name} output", "output", name)
        edges.append(Edge(holder[name], mark, graph[name], label))
    return edges


def _feeds(node: Node) -> list[tuple[str, str]]:
    """The inputs of a node, and what each is for: one for a tensor that is query and value."""
    if len(node.slots) < 2:
        return [(name, "") for name in node.inputs]
    return [
        (name, ", ".join(s for i, s in zip(node.inputs, node.slots, strict=True) if i == name))
        for name in dict.fromkeys(node.inputs)
    ]


def _calls(graph: Graph) -> dict[str, int]:
    """Which call of its layer each node is, from 1."""
    count: Counter[str] = Counter()
    calls = {}
    for node in graph.nodes:
        count[_first(node)] += 1
        calls[node.name] = count[_first(node)]
    return calls


def _which(calls: Sequence[int]) -> str:
    return f"call{'s' * (len(calls) > 1)} {', '.join(map(str, calls))}"


# --- frames and repeats --------------------------------------------------------------------------


def _choose_frames(sight: Sight) -> dict[str, str]:
    """Give each box the frames around it that are drawn: neither one around a single box, nor a
    branch that shows as one by its edges, nor two around the same. The titles of all, by path."""
    titles = {each.path: each.title for box in sight.boxes for each in box.nodes[0].regions}
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in sight.boxes:
        for path in _paths(box):
            inside[path].append(box)
    several = {path for path in titles if len(inside[path]) > 1}
    exits: dict[str, set[Box | Mark]] = defaultdict(set)
    for edge in sight.edges:
        for path in _paths(edge.tail) - _paths(edge.head):
            exits[path].add(edge.head)
    same: dict[tuple[Box, ...], list[str]] = defaultdict(list)
    for path, title in titles.items():
        branch = all(_merges(box, path, several) for box in exits[path]) and exits[path]
        if path in several and not (branch and (not title or breadth(inside[path]) == 1)):
            same[tuple(inside[path])].append(path)
    drawn = {next((path for path in paths if titles[path]), paths[0]) for paths in same.values()}
    for box in sight.boxes:
        box.frames = tuple(each.path for each in box.nodes[0].regions if each.path in drawn)
    return titles


def _paths(part: Box | Mark) -> set[str]:
    """Of all scopes around it, drawn or not."""
    return {each.path for each in part.nodes[0].regions} if isinstance(part, Box) else set()


def _merges(part: Box | Mark, path: str, several: Collection[str]) -> bool:
    """Whether it joins what leaves a group with other values, and does so in the groups around
    that one; a group of its own does not count."""
    return (
        isinstance(part, Box)
        and len(part.nodes[0].inputs) > 1
        and all(path.startswith(f"{around}.") for around in _paths(part) & set(several))
    )


def _once(sight: Sight) -> Sight:
    """The first turn of each repeat, for all of them."""
    wiring = Wiring(sight.edges)
    later: dict[Box, Box] = {}
    runs = {}
    for turns in wiring.repeats(nest(sight.boxes, sight.titles)):
        first, last = boxes_of(turns[0]), boxes_of(turns[-1])
        for turn in turns[1:]:
            later.update(zip(boxes_of(turn), first, strict=True))
        ends = (wiring.gives(first), wiring.gives(last))
        runs[turns[0].name] = Run(len(turns), turns[-1].name, ends)

    def drawn(part: Box | Mark) -> Box | Mark:
        while isinstance(part, Box) and part in later:
            part = later[part]
        return part

    for box in later:
        once = drawn(box)
        assert isinstance(once, Box)
        once.stands += box.stands
    boxes = [box for box in sight.boxes if box not in later]
    edges = [replace(edge, tail=drawn(edge.tail)) for edge in sight.edges if edge.head not in later]
    return replace(sight, boxes=boxes, edges=edges, runs=runs)


# --- ranks ---------------------------------------------------------------------------------------


def _ranked(sight: Sight) -> Sight:
    """With the ranks of boxes; an edge is a skip if its tail also lies behind another input of its
    head: sets of boxes are bits of an integer."""
    order: dict[Box | Mark, int] = {box: place for place, box in enumerate(sight.boxes)}

    def goes_back(edge: Edge) -> bool:
        return order.get(edge.head, len(order)) <= order[edge.tail]

    into: dict[Box | Mark, list[Box]] = defaultdict(list)
    for edge in sight.edges:
        if isinstance(edge.tail, Box) and not goes_back(edge):
            into[edge.head].append(edge.tail)
    behind: dict[Box | Mark, int] = {}
    longer: dict[Box | Mark, int] = defaultdict(int)
    for box in sight.boxes:
        box.rank = max((tail.rank + 1 for tail in into[box]), default=0)
        longer[box] = reduce(or_, (behind[tail] for tail in into[box]), 0)
        behind[box] = reduce(or_, (1 << order[tail] for tail in into[box]), longer[box])
    edges = [
        replace(
            edge,
            back=goes_back(edge),
            skip=not goes_back(edge) and bool(longer[edge.head] >> order[edge.tail] & 1),
        )
        for edge in sight.edges
    ]
    return replace(sight, edges=edges)


def abreast(sight: Sight) -> Counter[int]:
    """How many boxes, and lines that pass by boxes, stand side by side at each rank."""
    found = Counter(box.rank for box in sight.boxes)
    for edge in sight.edges:
        if isinstance(edge.tail, Box) and isinstance(edge.head, Box) and not edge.skip:
            found.update(range(edge.tail.rank + 1, edge.head.rank))
    return found


def breadth(boxes: Iterable[Box]) -> int:
    """The most boxes side by side."""
    return max(Counter(box.rank for box in boxes).values())
