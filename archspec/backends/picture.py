"""What a picture of a graph shows, before anyone says how it looks.

What is seen of a graph is cut into columns, joined by numbered links, so that a deep network fills
a page and not a strip of paper. A value that several parts of a frame take enters the frame once
and forks there, so that skip connections stay within the block they belong to.

    plan(graph).columns[0].parts  ->  [Box(stem), Frame(stage0, [Frame(stage0.unit0, ...)]), ...]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from archspec.backends import words
from archspec.backends.parts import Box, Edge, Frame, Mark, Sight, nest
from archspec.backends.view import View, breadth, see
from archspec.graph import Graph, Shape

# A printed page is so much higher than wide, and so high in points. A box that stands alone is so
# wide and high, one beside others so, a folded block so; a row of text or the top of a frame so.
PAGE, SHEET = 1.4, 760
ALONE, BESIDE, BLOCK = (200, 32), (125, 44), (200, 84)
TEXT = 20
NARROW = 2  # boxes side by side in a frame whose title could meet a line
SHORT = 7  # letters of a title that meets none
MOST_COLUMNS = 8
FRAME_COST = 140  # points that a column may be longer so that a frame stays whole


@dataclass(frozen=True, slots=True)
class Picture:
    """columns: left to right. beside: how many boxes stand side by side at each rank."""

    graph: Graph
    sight: Sight
    columns: tuple[Frame, ...]
    edges: tuple[Edge, ...]
    beside: Mapping[int, int]


def plan(graph: Graph, view: View) -> Picture:
    """Boxes, frames, columns and edges of a graph, all in graph order."""
    sight = see(graph, view)
    beside = Counter(box.rank for box in sight.boxes)
    columns = _columns(sight, beside)
    edges = _spelled(columns, _route(columns, sight), sight)
    return Picture(graph, sight, tuple(columns), tuple(edges), beside)


# --- columns -------------------------------------------------------------------------------------


def _columns(sight: Sight, beside: Mapping[int, int]) -> list[Frame]:
    """The boxes in their frames, cut into columns: no more than make the picture larger on a page,
    each cut where a single value crosses, near an even share and rather between frames."""
    boxes = sight.boxes
    sizes = list(_sizes(boxes, beside))
    tops = _tops(sizes)
    pages = tops[-1] / _width(sizes) / PAGE  # as wide as one column, that it would take
    wanted = max(range(1, MOST_COLUMNS + 1), key=lambda n: min(1 / n, n / pages))
    if tops[-1] <= SHEET:
        wanted = 1
    crossing = _crossings(boxes, sight.edges)
    cuts = set()
    for column in range(1, wanted):

        def cost(cut: int, share: float = tops[-1] * column / wanted) -> float:
            inside = set(boxes[cut - 1].frames) & set(boxes[cut].frames)
            return abs(tops[crossing[cut].rank + 1] - share) + FRAME_COST * len(inside)

        cuts |= set(sorted(crossing, key=cost)[:1])
    seen: set[str] = set()
    columns = []
    for start, end in pairwise(sorted({0, *cuts, len(boxes)})):
        columns.append(nest(boxes[start:end], sight.titles, seen))
        seen.update(path for box in boxes[start:end] for path in box.frames)
    return columns


def _sizes(boxes: Iterable[Box], beside: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """Of each box, about: its rank, width, and height with the text and the frames that begin."""
    seen: set[str] = set()
    for box in boxes:
        opened = set(box.frames) - seen
        seen |= opened
        width, height = BLOCK if box.block else ALONE if beside[box.rank] == 1 else BESIDE
        yield box.rank, width, height + TEXT * (len(opened) + 1)


def _width(sizes: Iterable[tuple[int, int, int]]) -> int:
    """Of the widest rank."""
    widths: Counter[int] = Counter()
    for rank, width, _ in sizes:
        widths[rank] += width
    return max(widths.values())


def _tops(sizes: Sequence[tuple[int, int, int]]) -> list[int]:
    """How far down each rank begins, and where the last one ends."""
    heights = [0] * (max(rank for rank, _, _ in sizes) + 1)
    for rank, _, height in sizes:
        heights[rank] = max(heights[rank], height)
    return [0, *accumulate(heights)]


def _crossings(boxes: Sequence[Box], edges: Iterable[Edge]) -> dict[int, Box]:
    """Each place between two boxes where one value crosses, and the box that it comes from."""
    place = {box: i for i, box in enumerate(boxes)}
    last: dict[Box, int] = {}
    for edge in edges:
        if isinstance(edge.tail, Box) and isinstance(edge.head, Box):
            last[edge.tail] = max(place[edge.head], last.get(edge.tail, 0))
            if edge.back:  # it stays in a column
                last[edge.head] = max(place[edge.tail], last.get(edge.head, 0))
    crossing = {}
    live: list[Box] = []
    for cut in range(1, len(boxes)):
        live = [box for box in (*live, boxes[cut - 1]) if last.get(box, 0) >= cut]
        if len(live) == 1:
            crossing[cut] = live[0]
    return crossing


# --- routes --------------------------------------------------------------------------------------


def _route(columns: Sequence[Frame], sight: Sight) -> list[Edge]:
    """The edges as drawn: by links from column to column, and by forks within frames. Puts the
    marks into the frames."""
    column_of: dict[Box | Mark, int] = {
        box: i for i, column in enumerate(columns) for box in column.boxes
    }
    frames = [{frame.path: frame for frame in _frames(column)} for column in columns]
    by_value: dict[str, list[Edge]] = defaultdict(list)
    for edge in sight.edges:
        by_value[edge.value.name].append(edge)
    routed: list[Edge] = []
    links = 0
    for value, group in by_value.items():
        tail = group[0].tail
        by_column: dict[int, list[Edge]] = defaultdict(list)
        for edge in group:
            home = column_of.get(edge.head, column_of[tail])
            by_column[home].append(edge)
        here = column_of[tail]
        if by_column.keys() - {here}:
            links += 1
            away = Mark(f"{value} link", "link", str(links))
            columns[here].parts.append(away)
            by_column[here].append(replace(group[0], tail=tail, head=away, label="", skip=False))
        for home, near in by_column.items():
            start: Box | Mark = tail
            if home != here:
                start = Mark(f"{value} link {home}", "link", str(links))
                columns[home].parts.insert(0, start)
            columns[home].parts += [e.head for e in near if getattr(e.head, "kind", "") == "output"]
            routed += _forked(
                start, [replace(edge, tail=start) for edge in near], frames[home], sight
            )
    return routed


def _forked(
    tail: Box | Mark, edges: list[Edge], frames: Mapping[str, Frame], sight: Sight
) -> list[Edge]:
    """Edges of one tail, those into one frame by way of a passage in it, and so too a single one
    where the frame's title is long."""
    groups: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        around = [path for path in edge.head.frames if path not in tail.frames]
        groups[around[0] if around else ""].append(edge)
    routed = groups.pop("", [])
    for group in groups.values():
        heads = [edge.head.frames for edge in group]
        shared = [path for path in heads[0] if all(path in other for other in heads)]
        entered = [frames[path] for path in shared if path not in tail.frames]
        room = max(_letters(frame, sight) for frame in entered)
        if len(group) == 1 and room <= SHORT:
            routed += group
            continue
        name = f"{group[0].value.name} into {shared[-1]}"
        passage = Mark(name, "passage", frames=tuple(shared), room=room)
        frames[shared[-1]].parts.insert(0, passage)
        routed.append(replace(group[0], tail=tail, head=passage, label="", skip=False))
        inner = [replace(edge, tail=passage) for edge in group]
        routed += _forked(passage, inner, frames, sight)
    return routed


def _letters(frame: Frame, sight: Sight) -> int:
    """Of the longest line of a title; 0 for a frame that is wide enough for any."""
    return max(map(len, sight.said(frame.path))) if breadth(frame.boxes) <= NARROW else 0


# --- what edges say ------------------------------------------------------------------------------


def _spelled(columns: Sequence[Frame], edges: Iterable[Edge], sight: Sight) -> Iterator[Edge]:
    """The edges, those that say something by way of a mark that says it: what a value is for, and
    its shape, at one edge from each box that changes it."""
    entering: dict[Box | Mark, set[Shape]] = defaultdict(set)
    for edge in sight.edges:
        entering[edge.head].add(_shape(edge))
    frames = [{frame.path: frame for frame in _frames(column)} for column in columns]
    home = {part: place for place, column in enumerate(columns) for part in _inside(column)}
    said = set()
    for edge in edges:
        lines = [edge.label] if edge.label else []
        key = (edge.tail, _shape(edge))
        if (
            not edge.skip
            and edge.value.facts
            and key not in said
            and entering[edge.tail] - {_shape(edge)}
            and not (isinstance(edge.head, Mark) and edge.head.kind == "output")
        ):
            said.add(key)
            lines.append(words.shape(_shape(edge)))
        if not lines:
            yield edge
        elif isinstance(edge.head, Mark) and edge.head.kind == "passage":
            edge.head.text = "\n".join(lines)
            yield edge
        else:
            shared = [path for path in edge.tail.frames if path in edge.head.frames]
            name = f"{edge.value.name} to {edge.head.name}"
            mark = Mark(name, "passage", "\n".join(lines), tuple(shared))
            frames[home[edge.tail]][shared[-1] if shared else ""].parts.append(mark)
            yield replace(edge, head=mark)
            yield replace(edge, tail=mark)


def _shape(edge: Edge) -> Shape:
    return edge.value.facts.shape if edge.value.facts else ()


def _inside(frame: Frame) -> Iterator[Box | Mark]:
    for part in frame.parts:
        yield from _inside(part) if isinstance(part, Frame) else [part]


def _frames(frame: Frame) -> Iterable[Frame]:
    yield frame
    for part in frame.parts:
        if isinstance(part, Frame):
            yield from _frames(part)
