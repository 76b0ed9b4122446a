"""What a picture of a graph shows, before anyone says how it looks.

What is seen of a graph stands in columns, joined by numbered links. A value that several parts of a
frame take enters the frame once and forks there, so that skip connections stay within the block
they belong to. What an edge says, the shape above all, stands in its way.

    plan(graph).columns[0].parts  ->  [Box(stem), Frame(stage0, [Frame(stage0.unit0, ...)]), ...]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archspec import notation
from archspec.graph import Graph, Shape
from archspec.pictures.blocks import Block, blocks
from archspec.pictures.boxes import View, abreast, breadth, folded, see, unfolded
from archspec.pictures.pages import Places, cut, flow, spread
from archspec.pictures.scene import Box, Edge, Frame, Mark, Sight, in_line, nest

NARROW = 2  # boxes side by side in a frame whose title could meet a line
LONG = 16  # letters of a title in a narrow frame that is broken into lines


@dataclass(frozen=True, slots=True)
class Picture:
    """columns: left to right, or rows, downwards, of a picture that runs `across` the page. beside:
    how many boxes, and lines that pass by boxes, stand side by side at each rank."""

    graph: Graph
    sight: Sight
    columns: tuple[Frame, ...]
    edges: tuple[Edge, ...]
    beside: Mapping[int, int]
    across: bool

    def last(self) -> list[Box | Mark]:
        """What nothing follows in the last column."""
        tails = {edge.tail for edge in self.edges}
        return [part for part in _inside(self.columns[-1]) if part not in tails]


def plan(graph: Graph, view: View, across: bool = False) -> Picture:
    """The picture of a network on a page."""
    sight = see(graph, view)
    return _picture(sight, cut(sight, flow(across)), across)


def plan_whole(graph: Graph, view: View, across: bool = False) -> Picture:
    """The picture of a network beside others, in one column."""
    sight = see(graph, view)
    return _picture(sight, [nest(sight.boxes, sight.titles)], across)


def plan_blocks(
    graph: Graph, fold: bool, across: bool = False
) -> tuple[Picture, list[tuple[Block, Picture]], Places]:
    """An overview, where each block is a box, and each distinct block by itself; which of these
    stand below the last column of the overview, and in each column beside it."""
    whole = unfolded(graph, fold)
    found = blocks(whole)
    sight = folded(whole, {path for block in found for path in block.uses})
    columns, places = spread(sight, found, flow(across))
    inside = [(block, _inside_of(block, across)) for block in found]
    return _picture(sight, columns, across), inside, places


def _picture(sight: Sight, columns: Sequence[Frame], across: bool) -> Picture:
    edges = _bent(columns, _spelled(columns, _route(columns, sight, across), sight.edges))
    return Picture(sight.graph, sight, tuple(columns), tuple(edges), abreast(sight), across)


def _inside_of(block: Block, across: bool) -> Picture:
    """From its ends to its ends; no shapes between, which are those of one of several blocks."""
    sight = block.sight
    column = nest(sight.boxes, sight.titles)
    tails = dict.fromkeys(edge.tail for edge in sight.edges if isinstance(edge.tail, Mark))
    heads = dict.fromkeys(edge.head for edge in sight.edges if isinstance(edge.head, Mark))
    column.parts = [*tails, *column.parts, *heads]
    edges = _bent([column], _spelled([column], _route([column], sight, across), ()))
    return Picture(sight.graph, sight, (column,), tuple(edges), abreast(sight), across)


# --- routes --------------------------------------------------------------------------------------


def _route(columns: Sequence[Frame], sight: Sight, across: bool) -> list[Edge]:
    """The edges as drawn: by links from column to column, and by forks within frames. Puts the
    marks into the frames."""
    column_of = {part: i for i, column in enumerate(columns) for part in _inside(column)}
    frames = [{frame.path: frame for frame in _frames(column)} for column in columns]
    by_value: dict[str, list[Edge]] = defaultdict(list)
    for edge in sight.edges:
        by_value[edge.value.name].append(edge)
    routed: list[Edge] = []
    letters = {} if across else _letters(columns, sight)
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
            heads = [edge.head for edge in near if isinstance(edge.head, Mark)]
            columns[home].parts += [mark for mark in heads if mark.kind == "output"]
            routed += _forked(
                start, [replace(edge, tail=start) for edge in near], frames[home], letters
            )
    return routed


def _forked(
    tail: Box | Mark,
    edges: list[Edge],
    frames: Mapping[str, Frame],
    letters: Mapping[str, int],
) -> list[Edge]:
    """Edges of one tail, those into one frame by way of a passage in it, and so too a single one
    where the frame's title is long. letters: of the titles that lines could meet, by path."""
    groups: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        around = [path for path in edge.head.frames if path not in tail.frames]
        groups[around[0] if around else ""].append(edge)
    routed = groups.pop("", [])
    for group in groups.values():
        heads = [edge.head.frames for edge in group]
        shared = [path for path in heads[0] if all(path in other for other in heads)]
        room = max(letters.get(path, 0) for path in shared if path not in tail.frames)
        if len(group) == 1 and _clears(group[0].head, room):
            routed += group
            continue
        name = f"{group[0].value.name} into {shared[-1]}"
        passage = Mark(name, "passage", frames=tuple(shared), room=room)
        frames[shared[-1]].parts.insert(0, passage)
        routed.append(replace(group[0], tail=tail, head=passage, label="", skip=False))
        inner = [replace(edge, tail=passage) for edge in group]
        routed += _forked(passage, inner, frames, letters)
    return routed


def _clears(head: Box | Mark, room: int) -> bool:
    """Whether a box is so wide that what enters it in the middle is clear of a title of so many
    letters, which are smaller than the box's."""
    if not isinstance(head, Box) or head.block or not room:
        return True
    said = [text for node in head.nodes for text in (notation.title(node), *notation.details(node))]
    return sum(map(len, said)) >= 1.75 * room + 4


def _letters(columns: Iterable[Frame], sight: Sight) -> dict[str, int]:
    """Of the longest line of each title; a frame that is wide enough has room for any."""
    return {
        frame.path: max(map(len, title(sight, frame)))
        for column in columns
        for frame in _frames(column)
        if frame.path and breadth(frame.boxes) <= NARROW
    }


def title(sight: Sight, frame: Frame) -> list[str]:
    """The lines of a frame's title, short in a narrow frame: what enters in the middle would run
    through a long one."""
    said, again = sight.said(frame.path), ["(continued)"] * frame.continued
    line = " ".join([in_line(said), *again])
    short = len(line) <= LONG or breadth(frame.boxes) > NARROW
    return [line] if short else [*said, *again]


# --- what edges say ------------------------------------------------------------------------------


def _spelled(
    columns: Sequence[Frame], edges: Iterable[Edge], seen: Iterable[Edge]
) -> Iterator[Edge]:
    """The edges, those that say something by way of a mark that says it: what a value is for, and
    its shape, at one edge from each box that changes it, as those that are seen tell."""
    entering: dict[Box | Mark, set[Shape]] = defaultdict(set)
    for edge in seen:
        entering[edge.head].add(_shape(edge))
    frames = [{frame.path: frame for frame in _frames(column)} for column in columns]
    home = {part: place for place, column in enumerate(columns) for part in _inside(column)}
    said = set()
    for edge in edges:
        lines = [edge.label] if edge.label else []
        key = (edge.tail, _shape(edge))
        if (
            not edge.skip
            and not (isinstance(edge.tail, Box) and edge.tail.block)  # which says it
            and edge.value.facts
            and key not in said
            and entering[edge.tail] - {_shape(edge)}
            and not (isinstance(edge.head, Mark) and edge.head.kind == "output")
        ):
            said.add(key)
            lines.append(notation.shape(_shape(edge)))
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


def _bent(columns: Sequence[Frame], edges: Iterable[Edge]) -> Iterator[Edge]:
    """The edges, skip connections by way of a point beside what they skip, so that the frame around
    them has room for it."""
    edges = list(edges)
    frames = [{frame.path: frame for frame in _frames(column)} for column in columns]
    home = {part: place for place, column in enumerate(columns) for part in _inside(column)}
    heads: dict[Box | Mark, list[Box | Mark]] = defaultdict(list)
    for edge in edges:
        if not edge.skip and not edge.back:
            heads[edge.tail].append(edge.head)
    entered = {head for each in heads.values() for head in each}

    def start(part: Box | Mark) -> int:
        """The rank that is reached next."""
        return min(
            (each.rank if isinstance(each, Box) else start(each) for each in heads[part]), default=0
        )

    for edge in edges:
        if not edge.skip or isinstance(edge.head, Mark):
            yield edge
            continue
        shared = [path for path in edge.tail.frames if path in edge.head.frames]
        frame = frames[home[edge.tail]][shared[-1] if shared else ""]
        ranks = range(start(edge.tail), edge.head.rank)
        skipped = tuple(box for box in frame.boxes if box.rank in ranks and box in entered)
        name = f"{edge.value.name} past {edge.head.name}"
        bend = Mark(name, "bend", frames=tuple(shared), beside=skipped)
        frame.parts.append(bend)
        yield replace(edge, head=bend)
        yield replace(edge, tail=bend)


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
