"""Choose what a picture shows: layers as boxes, shared ones once, repeats once, blocks folded.

A box is a layer with those that only dress its output: convolution, normalisation, activation read
as one line of a paper's table. Boxes lie in frames, the named groups and blocks. Repeats are drawn
once, and a frame that lies deeper than wanted becomes one box. Nothing is lost: each node of the
graph is in the `represented` of one box.

    build_scene(graph, View(depth=2)).boxes  ->  (Box(input), Box(stem), Box(stage0.unit0), ...)
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from archspec.differences.changes import Change, ChangedGraph, ChangeKind, WayKind
from archspec.graph import Graph, Node
from archspec.layers import traits_of
from archspec.pictures.repeats import Wiring, merge_ends
from archspec.pictures.scene import Box, Edge, FoldedRepeat, Mark, Scene, list_boxes, nest_boxes
from archspec.pictures.style import SIGNS

PREPARED = ("convolution", "pooling")  # kinds of layer that a padding may prepare the input of
READABLE = 40  # boxes on a page that a reader can take in


class View(Struct, frozen=True):
    """How much of a graph is shown.

    depth: that of the frames which become a box each; None for the greatest that leaves no more
    boxes than are `readable`. fold: whether repeats are drawn once.
    """

    depth: int | None = None
    fold: bool = True
    readable: int = READABLE


def build_scene(graph: Graph | ChangedGraph, view: View) -> Scene:
    """Return the boxes and edges of a view, all in graph order."""
    return collapse_frames(*build_open_scene(graph, view))


def build_open_scene(graph: Graph | ChangedGraph, view: View) -> tuple[Scene, set[str]]:
    """Return the scene with every layer in a box, and the paths of the frames that a view collapses
    into one box each."""
    scene = _unframe(build_full_scene(graph, view.fold))
    return scene, _choose_collapsed(scene, view)


def build_full_scene(graph: Graph | ChangedGraph, fold: bool = True) -> Scene:
    """Return the scene with every layer in a box; fold: whether repeats are drawn once."""
    changed = graph if isinstance(graph, ChangedGraph) else ChangedGraph(graph, {})
    outputs = {name_output(name): Change(way, ways=(way,)) for name, way in changed.outputs.items()}
    scene = Scene(
        changed.graph,
        (),
        (),
        (),
        {},
        changes={**changed.changes, **outputs},
        compares=changed is graph,
        lost=changed.lost,
        second=changed.second,
    )
    boxes, holder = _group_layers(scene)
    edges, marks = _connect(scene, {box.name: box for box in boxes}, holder)
    scene = _choose_frames(_rank(replace(scene, boxes=boxes, edges=edges, marks=marks)))
    return _fold_repeats(scene) if fold else scene


def name_output(name: str) -> str:
    """Return the name of the mark of an output of the network."""
    return f"{name} output"


def collapse_frames(scene: Scene, paths: Collection[str]) -> Scene:
    """Return the scene with each frame in `paths` collapsed into one box."""
    groups: dict[str, list[Box]] = {}  # by the name of the box that they become
    for box in scene.boxes:
        path = next((path for path in box.frames if path in paths), box.name)
        groups.setdefault(path, []).append(box)
    holder = {box.name: name for name, group in groups.items() for box in group}
    order = {node.name: index for index, node in enumerate(scene.graph)}
    boxes = []
    for name, group in groups.items():
        stands = [node for box in group for node in box.represented]
        stands.sort(key=lambda node: order[node.name])
        box = replace(group[0], represented=tuple(stands))
        if name in paths:
            nodes = tuple(node for each in group for node in each.nodes)
            frames = box.frames[: box.frames.index(name)]
            box = Box(nodes, tuple(stands), frames, name)
        boxes.append(box)
    edges: dict[object, Edge] = {}  # one for each value that enters a block
    for index, edge in enumerate(scene.edges):
        tail, head = holder[edge.tail], holder.get(edge.head, edge.head)
        if tail != head or edge.tail == edge.head:
            inside = head in paths
            key = (edge.value.name, head) if inside else index
            label = "" if inside else edge.label
            known = edges.get(key, edge)
            change = join_ways([known, edge])
            edges[key] = replace(known, tail=tail, head=head, label=label, change=change)
    return _rank(replace(scene, boxes=tuple(boxes), edges=tuple(edges.values())))


def _choose_collapsed(scene: Scene, view: View) -> set[str]:
    """Return the paths of the frames at the depth of a view, without those where a layer failed.

    If the view has no depth, it is the greatest that leaves a readable number of boxes.
    """
    boxes = scene.boxes
    deepest = max(len(box.frames) for box in boxes)
    closed = _choose_closed(scene) if view.depth is None and scene.compares else set()
    depth = view.depth
    if depth is None:
        for depth in range(deepest + 1, 1, -1):
            if _count_boxes(boxes, closed, depth) <= view.readable:
                break
        else:
            depth = 1
        closed |= set() if scene.compares else _find_tools(boxes)
    failed = {path for box in boxes if box.state == "failed" for path in box.frames}
    found = {box.frames[depth - 1] for box in boxes if len(box.frames) >= depth}
    return (found | closed) - failed


def _choose_closed(scene: Scene) -> set[str]:
    """Return the paths of the frames in which nothing differs from another network; if many boxes
    are left, also of those that one network alone has."""
    found: dict[str, set[ChangeKind]] = defaultdict(set)
    for box in scene.boxes:
        kinds = scene.find_kinds(box.represented)
        for path in box.frames:
            found[path] |= {"changed"} if kinds == {""} and scene.differs(box) else kinds
    idle = {path for path, kinds in found.items() if kinds == {""}}
    if _count_boxes(scene.boxes, idle) <= READABLE:
        return idle
    return idle | {path for path, kinds in found.items() if kinds in ({"added"}, {"removed"})}


def _count_boxes(boxes: Iterable[Box], closed: Collection[str], depth: int = 0) -> int:
    """Return how many boxes are left with some frames collapsed, and all at a depth if not 0."""

    def find_home(box: Box) -> object:
        outer = next((path for path in box.frames if path in closed), None)
        inner = next(iter(box.frames[depth - 1 : depth]), None) if depth else None
        if outer and inner:
            return min(outer, inner, key=box.frames.index)
        return outer or inner or box

    return len({find_home(box) for box in boxes})


def _find_tools(boxes: Sequence[Box]) -> set[str]:
    """Return the paths of the frames of blocks from a file of their name that are used once.

    Such a block, `class_token` of class_token.yaml, says more by its name than by its layers.
    """
    regions = {
        region.path: (region, node)
        for box in boxes
        for node in box.represented
        for region in node.regions
    }
    used = Counter(region.title for region, _ in regions.values())
    return {
        region.path
        for region, node in regions.values()
        if used[region.title] == 1 and Path(node.span.source.name).stem == region.title
    }


# --- boxes and edges -----------------------------------------------------------------------------


def _group_layers(scene: Scene) -> tuple[tuple[Box, ...], dict[str, str]]:
    """Return the boxes in graph order, and the name of the box of each node.

    A box holds a node with those that dress it; all calls of a shared layer are in one box.
    """
    graph = scene.graph
    heads: dict[str, set[str]] = defaultdict(set)  # by the layers' first calls
    tails: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes:
        for name in node.inputs:
            heads[_first_call(graph[name])].add(_first_call(node))
            tails[_first_call(node)].add(_first_call(graph[name]))
    for name in graph.outputs:
        heads[_first_call(graph[name])].add("")
    holder: dict[str, str] = {}
    nodes: dict[str, list[Node]] = {}
    stands: dict[str, list[Node]] = {}
    for node in graph.nodes:
        home = holder[node.reuses] if node.reuses else None
        if home is None and len(node.inputs) == 1:
            before = nodes[holder[node.inputs[0]]][-1]
            alone = tails[node.name] == {before.name} and heads[before.name] == {node.name}
            if alone and _dresses(node, before) and _belongs(scene, node, before):
                home = holder[node.inputs[0]]
                nodes[home].append(node)
        if home is None:
            home = node.name
            nodes[home], stands[home] = [node], []
        stands[home].append(node)
        holder[node.name] = home
    return tuple(Box(tuple(nodes[name]), tuple(stands[name])) for name in nodes), holder


def _first_call(node: Node) -> str:
    """Return the name of the first call of a node's layer."""
    return node.reuses or node.name


def _dresses(node: Node, before: Node) -> bool:
    """Return whether a node is of a kind to share the box of the one before it."""
    traits = traits_of(node.op)
    return (
        before.op != "InputLayer"
        and (traits.shares_box or (only_pads(before) and traits.kind in PREPARED))
        and node.regions == before.regions
        and node.state == before.state != "failed"  # a failed layer has a box of its own
    )


def _belongs(scene: Scene, node: Node, before: Node) -> bool:
    """Return whether a node differs in a way to share the box of the one before it: what is gone
    is in boxes of its own."""
    kinds = scene.find_kind(before.name), scene.find_kind(node.name)
    if kinds[0] != kinds[1] and {*kinds} & {"removed", "left"}:
        return False
    return kinds[0] == kinds[1] != "" or not scene.find_way(node, before.name)


def only_pads(node: Node) -> bool:
    """Return whether a node only prepares the input of the layer after it."""
    return traits_of(node.op).prepares


def _connect(
    scene: Scene, boxes: Mapping[str, Box], holder: Mapping[str, str]
) -> tuple[tuple[Edge, ...], tuple[Mark, ...]]:
    """Return the edges from box to box and to the outputs, and the marks of the outputs."""
    graph = scene.graph
    calls = _number_calls(graph)
    found: dict[
        tuple[str, str, str, int], list[Node]
    ] = {}  # all calls with an edge from the same box
    for node in graph.nodes:
        head = holder[node.name]
        if _first_call(node) == boxes[head].nodes[0].name:
            for index, (name, slots) in enumerate(_list_feeds(node)):
                found.setdefault((holder[name], head, slots, index), []).append(node)
    edges = []
    for (tail, head, slots, index), users in found.items():
        value = graph[_list_feeds(users[0])[index][0]]
        words = [slots] if slots else []
        if len(users) < boxes[head].calls:
            words.append(_write_calls([calls[user.name] for user in users]))
        elif boxes[head].calls == 1 < boxes[tail].calls:
            words.append(_write_calls([calls[value.name]]))
        done = {scene.find_way(user, _list_feeds(user)[index][0]) for user in users}
        change = done.pop() if len(done) == 1 else ""
        if change and not any(map(scene.find_kind, (value.name, users[0].name))):
            words.append(SIGNS[change])
        edges.append(Edge(tail, head, value, ", ".join(words), change=change))
    marks = tuple(Mark(name_output(name), "output", name) for name in graph.outputs)
    for name, mark in zip(graph.outputs, marks, strict=True):
        tail = holder[name]
        label = _write_calls([calls[name]]) if boxes[tail].calls > 1 else ""
        ways = scene.changes.get(mark.name, Change()).ways
        edges.append(Edge(tail, mark.name, graph[name], label, change=ways[0] if ways else ""))
    return tuple(edges), marks


def join_ways(edges: Iterable[Edge]) -> WayKind:
    """Return what is done to connections that are drawn as one line: "" unless it is the same."""
    ways = {edge.change for edge in edges}
    return ways.pop() if len(ways) == 1 else ""


def _list_feeds(node: Node) -> list[tuple[str, str]]:
    """Return the inputs of a node, each with the call arguments that it is given to.

    A tensor that is both query and value is one input.
    """
    if len(node.slots) < 2:
        return [(name, "") for name in node.inputs]
    return [
        (name, ", ".join(s for i, s in zip(node.inputs, node.slots, strict=True) if i == name))
        for name in dict.fromkeys(node.inputs)
    ]


def _number_calls(graph: Graph) -> dict[str, int]:
    """Return the number of each node among the calls of its layer, from 1."""
    count: Counter[str] = Counter()
    calls = {}
    for node in graph.nodes:
        count[_first_call(node)] += 1
        calls[node.name] = count[_first_call(node)]
    return calls


def _write_calls(calls: Sequence[int]) -> str:
    return f"call{'s' * (len(calls) > 1)} {', '.join(map(str, calls))}"


# --- frames and repeats --------------------------------------------------------------------------


def _choose_frames(scene: Scene) -> Scene:
    """Return the scene with titles, and with the frames around each box that are to be drawn.

    No frame is drawn around a single box, around a branch that shows as one by its edges, or around
    the same boxes as another frame.
    """
    titles = {each.path: each.title for box in scene.boxes for each in box.nodes[0].regions}
    around = {box.name: {each.path for each in box.nodes[0].regions} for box in scene.boxes}
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in scene.boxes:
        for path in around[box.name]:
            inside[path].append(box)
    several = {path for path in titles if len(inside[path]) > 1}
    exits: dict[str, set[str]] = defaultdict(set)
    for edge in scene.edges:
        for path in around[edge.tail] - around.get(edge.head, set()):
            exits[path].add(edge.head)

    def merges(name: str, path: str) -> bool:
        """Return whether a box joins the output of a group with other values, in the groups around.

        A group that holds only the box does not count.
        """
        part = scene.parts[name]
        return (
            isinstance(part, Box)
            and len(part.nodes[0].inputs) > 1
            and all(path.startswith(f"{each}.") for each in around[name] & several)
        )

    skipped = {edge.head for edge in scene.edges if edge.skip}

    def is_chain(path: str) -> bool:
        """Return whether the boxes of a group are one after the other, without a skip."""
        boxes = inside[path]
        return measure_breadth(boxes) == 1 and not any(box.name in skipped for box in boxes)

    same: dict[tuple[Box, ...], list[str]] = defaultdict(list)
    for path, title in titles.items():
        branch = exits[path] and all(merges(name, path) for name in exits[path])
        if path in several and not (branch and (not title or is_chain(path))):
            same[tuple(inside[path])].append(path)
    chosen = {
        next((path for path in paths if titles[path]), paths[0]): paths[0]
        for paths in same.values()
    }
    names = {path: _name_frame(path, titles[path], outer) for path, outer in chosen.items()}
    boxes = tuple(
        replace(
            box, frames=tuple(each.path for each in box.nodes[0].regions if each.path in chosen)
        )
        for box in scene.boxes
    )
    return replace(scene, boxes=boxes, titles=titles, names=names)


def _name_frame(path: str, title: str, outer: str) -> str:
    """Return the name of a frame that is drawn for the groups around the same boxes as well.

    outer: the path of the outermost of them. What only repeats the block's title is left out.

    >>> _name_frame("stage0.unit0", "residual", "stage0")
    'stage0.unit0'
    >>> _name_frame("net.layer1.encoder", "encoder", "net.layer1")
    'layer1'
    """
    around = outer.rpartition(".")[0]
    names = path.removeprefix(f"{around}.").split(".")
    if len(names) > 1 and is_unnamed(names[-1], title):
        names.pop()
    return ".".join(names)


def _fold_repeats(scene: Scene) -> Scene:
    """Return the scene with only the first repetition of each repeat."""
    wiring = Wiring(scene.edges, scene.changes)
    earlier: dict[str, str] = {}  # the box of the first repetition, by the boxes of the others
    shown: dict[str, tuple[Node, ...]] = {}  # the nodes of boxes that stand for others too
    repeats = {}
    for repetitions in wiring.find_repeats(nest_boxes(scene.boxes, scene.titles)):
        first, last = list_boxes(repetitions[0]), list_boxes(repetitions[-1])
        for repetition in repetitions[1:]:
            names = zip(list_boxes(repetition), first, strict=True)
            earlier.update((box.name, once.name) for box, once in names)
        for one, other in zip(first, last, strict=True):
            nodes = zip(shown.get(one.name, one.nodes), other.nodes, strict=True)
            shown[one.name] = tuple(merge_ends(*pair) for pair in nodes)
        ends = (wiring.find_given(first), wiring.find_given(last))
        repeats[repetitions[0].name] = FoldedRepeat(len(repetitions), repetitions[-1].name, ends)

    def drawn(name: str) -> str:
        while name in earlier:
            name = earlier[name]
        return name

    stands = {box.name: box.represented for box in scene.boxes}
    for name in earlier:
        stands[drawn(name)] += stands[name]
    boxes = tuple(
        replace(box, nodes=shown.get(box.name, box.nodes), represented=stands[box.name])
        for box in scene.boxes
        if box.name not in earlier
    )
    edges = tuple(
        replace(edge, tail=drawn(edge.tail)) for edge in scene.edges if edge.head not in earlier
    )
    return replace(scene, boxes=boxes, edges=edges, repeats=repeats)


def _unframe(scene: Scene) -> Scene:
    """Return the scene without frames that only call one repeated box by the name of its block."""
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in scene.boxes:
        for path in box.frames:
            inside[path].append(box)
    idle = {
        path
        for path, (box, *others) in inside.items()
        if not others
        and len(box.frames) > 1
        and box.name in scene.repeats
        and path not in scene.repeats
        and is_unnamed(scene.names[path], scene.titles[path])
    }
    return replace(
        scene,
        boxes=tuple(
            replace(box, frames=tuple(path for path in box.frames if path not in idle))
            for box in scene.boxes
        ),
    )


def is_unnamed(name: str, title: str) -> bool:
    """Return whether a block call was given no name: it is called by the block's."""
    return bool(title) and bool(re.fullmatch(rf"{re.escape(title)}(_\d+)?", name))


# --- ranks ---------------------------------------------------------------------------------------


def _rank(scene: Scene) -> Scene:
    """Return the scene with the rank of each box, and with skip and back set for each edge.

    An edge is a skip if its tail also lies behind another input of its head; sets of boxes are the
    bits of an integer.
    """
    order = {box.name: index for index, box in enumerate(scene.boxes)}

    def goes_back(edge: Edge) -> bool:
        return order.get(edge.head, len(order)) <= order[edge.tail]

    into: dict[str, list[str]] = defaultdict(list)
    for edge in scene.edges:
        if not goes_back(edge):
            into[edge.head].append(edge.tail)
    rank: dict[str, int] = {}
    behind: dict[str, int] = {}
    longer: dict[str, int] = defaultdict(int)
    for name in order:
        rank[name] = max((rank[tail] + 1 for tail in into[name]), default=0)
        longer[name] = reduce(or_, (behind[tail] for tail in into[name]), 0)
        behind[name] = reduce(or_, (1 << order[tail] for tail in into[name]), longer[name])
    boxes = tuple(replace(box, rank=rank[box.name]) for box in scene.boxes)
    edges = tuple(
        replace(
            edge,
            back=goes_back(edge),
            skip=not goes_back(edge) and bool(longer[edge.head] >> order[edge.tail] & 1),
        )
        for edge in scene.edges
    )
    return replace(scene, boxes=boxes, edges=edges)


def count_side_by_side(scene: Scene) -> Counter[int]:
    """Return how many boxes, and lines that pass boxes, are side by side at each rank.

    Boxes and lines that run level between two ways are beside neither.
    """
    along = {end for edge in scene.edges if edge.way != "level" for end in (edge.tail, edge.head)}
    across = {end for edge in scene.edges if edge.way == "level" for end in (edge.tail, edge.head)}
    rank = {box.name: box.rank for box in scene.boxes if box.name not in across - along}
    found = Counter(rank.values())
    for edge in scene.edges:
        if edge.tail in rank and edge.head in rank and not edge.skip and edge.way != "level":
            found.update(range(rank[edge.tail] + 1, rank[edge.head]))
    return found


def measure_breadth(boxes: Iterable[Box]) -> int:
    """Return the largest number of boxes side by side."""
    return max(Counter(box.rank for box in boxes).values())
