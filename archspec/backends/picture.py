"""What a picture of a graph shows, before anyone says how it looks.

A `Box` is a layer with those that only dress its output: convolution, normalisation, activation
read as one line of a paper's table. Boxes lie in `Frame`s, the named groups and blocks. A value
that several parts of a frame take enters the frame once and forks there, so that skip connections
stay within the block they belong to. A long chain is cut into columns, joined by numbered links, so
that a deep network fills a page and not a strip of paper.

    plan(graph).columns[0].parts  ->  [Box(stem), Frame(stage0, [Frame(stage0.unit0, ...)]), ...]
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from archspec.graph import Graph, Node

# Layers that dress the output of another and share its box.
DRESS = re.compile(r"Normalization|ReLU|ELU|Activation|Softmax|Dropout")

# A printed page is so much higher than wide. Where no more than so many boxes stand side by side,
# each says all in one line. A row of boxes is then so high and wide, in points; else so high, and
# so wide for each box.
PAGE = 1.4
SIDE_BY_SIDE = 1
ROW, WIDTH = 28, 230
COMPACT_ROW, COMPACT_WIDTH = 44, 115
MOST_COLUMNS = 8
FRAME_COST = 5  # rows that a column may be longer so that a frame stays whole


@dataclass(eq=False, slots=True)
class Box:
    """Layers drawn as one: the first takes the inputs, each other takes the one before it alone.

    rank: boxes on the longest way to it. frames: paths of those around it, outermost first.
    """

    nodes: list[Node]
    rank: int
    frames: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.nodes[0].name


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that is no layer. kind: "fork", "output", or "link" to another column."""

    name: str
    kind: str
    text: str = ""
    frames: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class Frame:
    """A named group or block and what is in it, in order; a column has no path and depth 0.

    continued: whether it began in an earlier column.
    """

    path: str
    title: str
    depth: int
    continued: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def boxes(self) -> list[Box]:
        """All boxes in it and in its frames."""
        inside = [part.boxes if isinstance(part, Frame) else [part] for part in self.parts]
        return [box for part in inside for box in part if isinstance(box, Box)]

    @property
    def breadth(self) -> int:
        """The most boxes that stand side by side in it."""
        return _breadth(self.boxes)


Part = Frame | Box | Mark


@dataclass(frozen=True, slots=True)
class Edge:
    """skip: its value also reaches `head` by a longer way. label: the argument that it feeds."""

    tail: Box | Mark
    head: Box | Mark
    skip: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """columns: left to right. compact: whether boxes stand so close that text takes two lines."""

    graph: Graph
    columns: tuple[Frame, ...]
    edges: tuple[Edge, ...]
    compact: bool


def plan(graph: Graph) -> Picture:
    """Boxes, frames, columns and edges of a graph, all in graph order."""
    boxes = _boxes(graph)
    edges = _edges(graph, boxes)
    _choose_frames(boxes, edges)
    compact = _breadth(boxes) > SIDE_BY_SIDE
    columns = _columns(boxes, edges, compact)
    return Picture(graph, tuple(columns), tuple(_route(columns, edges)), compact)


# --- boxes and edges -----------------------------------------------------------------------------


def _boxes(graph: Graph) -> list[Box]:
    """The nodes in their order, each with those that dress it."""
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    readers.update(graph.outputs)
    boxes: list[Box] = []
    holder: dict[str, Box] = {}
    for node in graph.nodes:
        box = holder.get(node.inputs[0]) if len(node.inputs) == 1 else None
        if box and readers[node.inputs[0]] == 1 and _dresses(node, box.nodes[-1]):
            box.nodes.append(node)
        else:
            rank = max((holder[name].rank + 1 for name in node.inputs), default=0)
            box = Box([node], rank)
            boxes.append(box)
        holder[node.name] = box
    return boxes


def _dresses(node: Node, before: Node) -> bool:
    """Whether a node may share the box of the one before it, which nobody else reads."""
    return (
        DRESS.search(node.op) is not None
        and before.op != "InputLayer"
        and node.scopes == before.scopes
        and node.reuses is before.reuses is None
        and None not in (node.facts, before.facts)  # what is broken is drawn by itself
    )


def _edges(graph: Graph, boxes: Sequence[Box]) -> list[Edge]:
    """From box to box, and to the marks of the outputs. An edge is a skip if its tail also lies
    behind another input of its head: sets of boxes are bits of an integer."""
    holder = {node.name: box for box in boxes for node in box.nodes}
    bit = {box: 1 << place for place, box in enumerate(boxes)}
    behind: dict[Box, int] = {}
    edges = []
    for box in boxes:
        first = box.nodes[0]
        tails = [holder[name] for name in first.inputs]
        before = 0
        for tail in tails:
            before |= behind[tail]
        behind[box] = before | sum(bit[tail] for tail in set(tails))
        feeds = [(tail, "") for tail in tails]
        if len(first.slots) > 1:  # one edge for a tensor that is query and value
            slots = list(zip(tails, first.slots, strict=True))
            feeds = [
                (tail, ", ".join(slot for other, slot in slots if other is tail))
                for tail in dict.fromkeys(tails)
            ]
        for tail, label in feeds:
            edges.append(Edge(tail, box, bool(before & bit[tail]), label))
    for name in graph.outputs:
        edges.append(Edge(holder[name], Mark(f"{name} output", "output", name)))
    return edges


# --- frames --------------------------------------------------------------------------------------


def _choose_frames(boxes: Sequence[Box], edges: Iterable[Edge]) -> None:
    """Give each box the frames around it that are drawn: neither one around a single box, nor a
    branch that shows as one by its edges."""
    exits: dict[str, set[Box | Mark]] = defaultdict(set)
    for edge in edges:
        for path in _paths(edge.tail) - _paths(edge.head):
            exits[path].add(edge.head)
    titles = {path: title for box in boxes for path, title in box.nodes[0].scopes}
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        for path in _paths(box):
            inside[path].append(box)
    drawn = {
        path
        for path, title in titles.items()
        if len(inside[path]) > 1
        and not (_is_branch(path, exits[path]) and (not title or _breadth(inside[path]) == 1))
    }
    for box in boxes:
        box.frames = tuple(path for path, _ in box.nodes[0].scopes if path in drawn)


def _paths(part: Box | Mark) -> set[str]:
    """Of all scopes around it, drawn or not."""
    return {path for path, _ in part.nodes[0].scopes} if isinstance(part, Box) else set()


def _is_branch(path: str, exits: set[Box | Mark]) -> bool:
    """Whether all that leaves a group goes into merges of the groups around it."""
    return bool(exits) and all(
        isinstance(box, Box)
        and len(box.nodes[0].inputs) > 1
        and all(path.startswith(f"{around}.") for around in _paths(box))
        for box in exits
    )


def _breadth(boxes: Iterable[Box]) -> int:
    """The most boxes side by side."""
    return max(Counter(box.rank for box in boxes).values())


# --- columns -------------------------------------------------------------------------------------


def _columns(boxes: Sequence[Box], edges: Iterable[Edge], compact: bool) -> list[Frame]:
    """The boxes in their frames, cut into columns: no more than make the picture larger on a page,
    each cut where a single value crosses, near an even share and rather between frames."""
    ranks = max(box.rank for box in boxes) + 1
    aspect = COMPACT_ROW / (COMPACT_WIDTH * _breadth(boxes)) if compact else ROW / WIDTH
    pages = ranks * aspect / PAGE  # as wide as one column, that it would take
    wanted = max(range(1, MOST_COLUMNS + 1), key=lambda n: min(1 / n, n / pages))
    crossing = _crossings(boxes, edges)
    cuts = set()
    for column in range(1, wanted):

        def cost(cut: int, share: float = ranks * column / wanted) -> float:
            inside = set(boxes[cut - 1].frames) & set(boxes[cut].frames)
            return abs(crossing[cut].rank + 1 - share) + FRAME_COST * len(inside)

        cuts |= set(sorted(crossing, key=cost)[:1])
    seen: set[str] = set()
    return [_nest(boxes[a:b], seen) for a, b in pairwise(sorted({0, *cuts, len(boxes)}))]


def _crossings(boxes: Sequence[Box], edges: Iterable[Edge]) -> dict[int, Box]:
    """Each place between two boxes where one value crosses, and the box that it comes from."""
    place = {box: i for i, box in enumerate(boxes)}
    last: dict[Box, int] = {}
    for edge in edges:
        if isinstance(edge.tail, Box) and isinstance(edge.head, Box):
            last[edge.tail] = max(place[edge.head], last.get(edge.tail, 0))
    crossing = {}
    live: list[Box] = []
    for cut in range(1, len(boxes)):
        live = [box for box in (*live, boxes[cut - 1]) if last.get(box, 0) >= cut]
        if len(live) == 1:
            crossing[cut] = live[0]
    return crossing


def _nest(boxes: Iterable[Box], seen: set[str]) -> Frame:
    """A column of boxes in their frames. seen: paths of the frames in the columns before."""
    column = Frame("", "", 0)
    frames = {"": column}
    for box in boxes:
        titles = dict(box.nodes[0].scopes)
        frame = column
        for path in box.frames:
            if path not in frames:
                frames[path] = Frame(path, titles[path], frame.depth + 1, path in seen)
                frame.parts.append(frames[path])
            frame = frames[path]
        frame.parts.append(box)
    seen.update(frames)
    return column


# --- routes --------------------------------------------------------------------------------------


def _route(columns: Sequence[Frame], edges: Iterable[Edge]) -> list[Edge]:
    """The edges as drawn: by links from column to column, and by forks within frames. Puts the
    marks into the frames."""
    column_of = {box: i for i, column in enumerate(columns) for box in column.boxes}
    frames = [{frame.path: frame for frame in _frames(column)} for column in columns]
    by_tail: dict[Box, list[Edge]] = defaultdict(list)
    for edge in edges:
        assert isinstance(edge.tail, Box)
        by_tail[edge.tail].append(edge)
    routed: list[Edge] = []
    links = 0
    for tail, group in by_tail.items():
        by_column: dict[int, list[Edge]] = defaultdict(list)
        for edge in group:
            home = column_of[edge.head if isinstance(edge.head, Box) else tail]
            by_column[home].append(edge)
        here = column_of[tail]
        if by_column.keys() - {here}:
            links += 1
            away = Mark(f"{tail.name} link", "link", str(links))
            columns[here].parts.append(away)
            by_column[here].append(Edge(tail, away))
        for home, near in by_column.items():
            start: Box | Mark = tail
            if home != here:
                start = Mark(f"{tail.name} link {home}", "link", str(links))
                columns[home].parts.insert(0, start)
            columns[home].parts += [e.head for e in near if getattr(e.head, "kind", "") == "output"]
            routed += _forked(start, [replace(edge, tail=start) for edge in near], frames[home])
    return routed


def _forked(tail: Box | Mark, edges: list[Edge], frames: Mapping[str, Frame]) -> list[Edge]:
    """Edges of one tail, those into one frame by way of a fork in it."""
    groups: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        around = [path for path in edge.head.frames if path not in tail.frames]
        groups[around[0] if around else ""].append(edge)
    routed = groups.pop("", [])
    for group in groups.values():
        if len(group) == 1:
            routed += group
            continue
        shared = [
            path for path in group[0].head.frames if all(path in edge.head.frames for edge in group)
        ]
        fork = Mark(f"{tail.name} fork {shared[-1]}", "fork", frames=tuple(shared))
        frames[shared[-1]].parts.insert(0, fork)
        routed.append(Edge(tail, fork))
        routed += _forked(fork, [replace(edge, tail=fork) for edge in group], frames)
    return routed


def _frames(frame: Frame) -> Iterable[Frame]:
    yield frame
    for part in frame.parts:
        if isinstance(part, Frame):
            yield from _frames(part)
