"""A picture of a graph: its scene in columns, and the ways that its lines take.

What is seen of a graph stands in columns, joined by numbered links. A value that several parts of a
frame take enters the frame once and forks there, so that skip connections stay within the block
they belong to. What an edge says, the shape above all, stands in its way.

    plan_picture(graph, view).columns[0].parts  ->  (Box(stem), Frame(stage0), ...)

Routes are made in steps, each of which returns new edges, and the marks that these go by: through
links and forks, past what they say, beside what they skip. At the end the marks are put into the
frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from types import MappingProxyType

from archspec import notation
from archspec.graph import Graph, Shape
from archspec.pictures.blocks import DistinctBlock, find_blocks
from archspec.pictures.boxes import (
    View,
    build_full_scene,
    build_scene,
    collapse_frames,
    count_side_by_side,
    measure_breadth,
)
from archspec.pictures.cells import WIDEST, Symbols, arrange_cells, measure_rows, measure_title
from archspec.pictures.pages import Places, arrange_overview, choose_format, cut_into_columns
from archspec.pictures.scene import Box, Edge, Frame, Mark, Scene, join_title, nest_boxes

NARROW = 2  # boxes side by side in a frame whose title could meet a line
LONG = 16  # letters of a title in a narrow frame that is broken into lines


@dataclass(frozen=True, slots=True)
class Picture:
    """A scene that is laid out.

    columns: left to right, or rows, downwards, of a picture that runs `across` the page.
    edges: by way of marks that stand in the columns.
    beside: how many boxes, and lines that pass by boxes, stand side by side at each rank.
    parts: all boxes and marks in the columns by name.
    """

    scene: Scene
    columns: tuple[Frame, ...]
    edges: tuple[Edge, ...]
    beside: Mapping[int, int]
    across: bool
    parts: Mapping[str, Box | Mark] = field(init=False)

    def __post_init__(self) -> None:
        parts = {part.name: part for column in self.columns for part in _list_parts(column)}
        object.__setattr__(self, "parts", MappingProxyType(parts))

    @property
    def graph(self) -> Graph:
        return self.scene.graph

    def last_parts(self) -> list[Box | Mark]:
        """Return what nothing follows in the last column."""
        tails = {edge.tail for edge in self.edges}
        return [part for part in _list_parts(self.columns[-1]) if part.name not in tails]


def plan_picture(graph: Graph, view: View, across: bool = False) -> Picture:
    """Return the picture of a network on a page."""
    scene = build_scene(graph, view)
    return _plan(scene, cut_into_columns(scene, choose_format(across)), across)


def plan_in_one_column(graph: Graph, view: View, across: bool = False) -> Picture:
    """Return the picture of a network that stands beside others."""
    scene = build_scene(graph, view)
    return _plan(scene, [nest_boxes(scene.boxes, scene.titles)], across)


def plan_overview(
    graph: Graph, fold: bool, across: bool = False
) -> tuple[Picture, list[tuple[DistinctBlock, Picture]], Places]:
    """Return an overview, where each block is a box, and each distinct block by itself; and which
    of these stand below the last column of the overview, and in each column beside it."""
    whole = build_full_scene(graph, fold)
    blocks = find_blocks(whole)
    scene = collapse_frames(whole, {path for block in blocks for path in block.uses})
    columns, places = arrange_overview(scene, blocks, choose_format(across))
    inside = [(block, _plan_block(block, across)) for block in blocks]
    return _plan(scene, columns, across), inside, places


def _plan(scene: Scene, columns: Sequence[Frame], across: bool) -> Picture:
    """Return the picture of a scene in columns, with shapes between its boxes."""
    routes = _connect(columns, scene, across, {})
    routes = _label_edges(columns, routes, scene, scene.edges)
    return _finish(scene, columns, routes, across)


def _plan_block(block: DistinctBlock, across: bool) -> Picture:
    """Return the picture of a block from its ends to its ends, without shapes between, which are
    those of one of several uses."""
    scene = block.scene
    columns = [nest_boxes(scene.boxes, scene.titles)]
    ends = {mark.name: mark for mark in scene.marks}
    tails = dict.fromkeys(edge.tail for edge in scene.edges if edge.tail in ends)
    heads = dict.fromkeys(edge.head for edge in scene.edges if edge.head in ends)
    marks = [*(Placed(ends[name], 0, first=True) for name in reversed(tails))]
    marks += [Placed(ends[name], 0) for name in heads]
    routes = _connect(columns, scene, across, block.symbols, marks)
    return _finish(scene, columns, _label_edges(columns, routes, scene, ()), across)


def _finish(scene: Scene, columns: Sequence[Frame], routes: Routes, across: bool) -> Picture:
    """Return the picture with the bends of skip connections, and all marks in their frames."""
    edges, marks = _bend_skips(columns, routes, scene)
    by_frame: dict[tuple[int, str], list[Placed]] = defaultdict(list)
    for each in marks:
        path = each.mark.frames[-1] if each.mark.frames else ""
        by_frame[each.column, path].append(each)
    placed = tuple(_put_marks(column, by_frame, place) for place, column in enumerate(columns))
    return Picture(scene, placed, tuple(edges), count_side_by_side(scene), across)


# --- routes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark in a column, at the beginning or the end of the innermost frame around it."""

    mark: Mark
    column: int
    first: bool = False


Routes = tuple[list[Edge], list[Placed]]


def _connect(
    columns: Sequence[Frame],
    scene: Scene,
    across: bool,
    symbols: Symbols,
    marks: Iterable[Placed] = (),
) -> Routes:
    """Return the edges as drawn: by links from column to column, and by forks within frames.

    symbols: what stands for arguments in a block that is drawn by itself.
    marks: what stands in the columns before.
    """
    placed = list(marks)
    parts = dict(scene.parts)
    column_of = _find_columns(columns, placed)
    by_value: dict[str, list[Edge]] = defaultdict(list)
    for edge in scene.edges:
        by_value[edge.value.name].append(edge)
    routed: list[Edge] = []
    titles = {} if across else _find_narrow_titles(columns, scene)
    rows = arrange_cells(scene, symbols, across)
    widths = {name: measure_rows(each)[0] for name, each in rows.items()}
    links = 0
    for value, group in by_value.items():
        tail = group[0].tail
        here = column_of[tail]
        by_column: dict[int, list[Edge]] = defaultdict(list)
        for edge in group:
            by_column[column_of.get(edge.head, here)].append(edge)
        if by_column.keys() - {here}:
            links += 1
            away = Mark(f"{value} link", "link", str(links))
            parts[away.name] = away
            placed.append(Placed(away, here))
            by_column[here].append(
                replace(group[0], tail=tail, head=away.name, label="", skip=False)
            )
        for home, near in by_column.items():
            start = parts[tail]
            if home != here:
                start = Mark(f"{value} link {home}", "link", str(links))
                placed.append(Placed(start, home, first=True))
            heads = [parts[edge.head] for edge in near]
            placed += [
                Placed(head, home)
                for head in heads
                if isinstance(head, Mark) and head.kind == "output"
            ]
            leaving = [replace(edge, tail=start.name) for edge in near]
            edges, passages = _fork(start, leaving, parts, titles, widths)
            routed += edges
            placed += [Placed(passage, home, first=True) for passage in passages]
    return routed, placed


def _fork(
    tail: Box | Mark,
    edges: Sequence[Edge],
    parts: Mapping[str, Box | Mark],
    titles: Mapping[str, int],
    widths: Mapping[str, int],
) -> tuple[list[Edge], list[Mark]]:
    """Return edges of one tail, those into one frame by way of a passage in it, and so too a single
    one where the frame's title is long; and the passages.

    titles: how many letters those have that lines could meet, by path.
    widths: of the boxes, in points, but for folded blocks, which are wide enough for any title.
    """
    groups: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        around = [path for path in parts[edge.head].frames if path not in tail.frames]
        groups[around[0] if around else ""].append(edge)
    routed = groups.pop("", [])
    passages: list[Mark] = []
    for group in groups.values():
        heads = [parts[edge.head] for edge in group]
        shared = [path for path in heads[0].frames if all(path in each.frames for each in heads)]
        room = max(titles.get(path, 0) for path in shared if path not in tail.frames)
        half = widths[heads[0].name] / 2 if heads[0].name in widths else WIDEST
        if len(group) == 1 and (not room or half >= measure_title(room)):
            routed += group
            continue
        name = f"{group[0].value.name} into {shared[-1]}"
        passage = Mark(name, "passage", frames=tuple(shared), room=room)
        routed.append(replace(group[0], tail=tail.name, head=name, label="", skip=False))
        inner = [replace(edge, tail=name) for edge in group]
        further, more = _fork(passage, inner, parts, titles, widths)
        routed += further
        passages += [passage, *more]
    return routed, passages


def _find_narrow_titles(columns: Iterable[Frame], scene: Scene) -> dict[str, int]:
    """Return how many letters the longest line of each title has, by path; a frame that is wide
    enough has room for any."""
    return {
        frame.path: max(map(len, break_title(scene, frame)))
        for column in columns
        for frame in column.frames
        if frame.path and measure_breadth(frame.boxes) <= NARROW
    }


def break_title(scene: Scene, frame: Frame) -> list[str]:
    """Return the lines of a frame's title, short in a narrow frame: what enters in the middle would
    run through a long one."""
    said, again = scene.frame_lines(frame.path), ["(continued)"] * frame.continued
    line = " ".join([join_title(said), *again])
    short = len(line) <= LONG or measure_breadth(frame.boxes) > NARROW
    return [line] if short else [*said, *again]


# --- what edges say ------------------------------------------------------------------------------


def _label_edges(
    columns: Sequence[Frame], routes: Routes, scene: Scene, changing: Iterable[Edge]
) -> Routes:
    """Return the edges, those that say something by way of a mark that says it: what a value is
    for, and its shape, at one edge from each box that changes it.

    changing: the edges that tell which boxes change a shape.
    """
    edges, marks = routes
    entering: dict[str, set[Shape]] = defaultdict(set)
    for edge in changing:
        entering[edge.head].add(_read_shape(edge))
    parts = _name_parts(scene, marks)
    column_of = _find_columns(columns, marks)
    texts: dict[str, str] = {}  # of the passages that are there
    said = set()
    labelled: list[Edge] = []
    added: list[Placed] = []
    for edge in edges:
        tail, head, shape = parts[edge.tail], parts[edge.head], _read_shape(edge)
        lines = [edge.label] if edge.label else []
        key = (edge.tail, shape)
        if (
            not edge.skip
            and not (isinstance(tail, Box) and tail.block)  # which says it
            and edge.value.facts
            and key not in said
            and entering[edge.tail] - {shape}
            and not (isinstance(head, Mark) and head.kind == "output")
        ):
            said.add(key)
            lines.append(notation.write_shape(shape))
        if not lines:
            labelled.append(edge)
        elif isinstance(head, Mark) and head.kind == "passage":
            texts[head.name] = "\n".join(lines)
            labelled.append(edge)
        else:
            name = _choose_name(f"{edge.value.name} to {head.name}", parts)
            mark = parts[name] = Mark(name, "passage", "\n".join(lines), _share_frames(tail, head))
            added.append(Placed(mark, column_of[tail.name]))
            labelled += [replace(edge, head=name), replace(edge, tail=name)]
    written = [
        replace(each, mark=replace(each.mark, text=texts.get(each.mark.name, each.mark.text)))
        for each in marks
    ]
    return labelled, [*written, *added]


def _bend_skips(columns: Sequence[Frame], routes: Routes, scene: Scene) -> Routes:
    """Return the edges, skip connections by way of a point beside what they skip, so that the frame
    around them has room for it."""
    edges, marks = routes
    parts = _name_parts(scene, marks)
    column_of = _find_columns(columns, marks)
    frames = [{frame.path: frame for frame in column.frames} for column in columns]
    heads: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if not edge.skip and not edge.back:
            heads[edge.tail].append(edge.head)
    entered = {head for each in heads.values() for head in each}

    def find_rank(name: str) -> int:
        """Return the rank of a box, or that of the first box after a mark."""
        part = parts[name]
        return part.rank if isinstance(part, Box) else find_next_rank(name)

    def find_next_rank(name: str) -> int:
        return min(map(find_rank, heads[name]), default=0)

    bent: list[Edge] = []
    added: list[Placed] = []
    for edge in edges:
        tail, head = parts[edge.tail], parts[edge.head]
        if not edge.skip or isinstance(head, Mark):
            bent.append(edge)
            continue
        shared = _share_frames(tail, head)
        column = column_of[tail.name]
        frame = frames[column][shared[-1] if shared else ""]
        ranks = range(find_next_rank(tail.name), head.rank)
        skipped = [box.name for box in frame.boxes if box.rank in ranks and box.name in entered]
        name = _choose_name(f"{edge.value.name} past {head.name}", parts)
        bend = parts[name] = Mark(name, "bend", frames=shared, beside=tuple(skipped))
        added.append(Placed(bend, column))
        bent += [replace(edge, head=name), replace(edge, tail=name)]
    return bent, [*marks, *added]


def _choose_name(name: str, taken: Container[str]) -> str:
    """Return a name for a mark that no other has: a layer may take one value twice."""
    numbered = (f"{name} {number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each not in taken)


def _share_frames(one: Box | Mark, other: Box | Mark) -> tuple[str, ...]:
    """Return the paths of the frames around both."""
    return tuple(path for path in one.frames if path in other.frames)


def _read_shape(edge: Edge) -> Shape:
    return edge.value.facts.shape if edge.value.facts else ()


# --- marks in frames -----------------------------------------------------------------------------


def _name_parts(scene: Scene, marks: Iterable[Placed]) -> dict[str, Box | Mark]:
    """Return boxes and marks by name."""
    return {**scene.parts, **{each.mark.name: each.mark for each in marks}}


def _find_columns(columns: Sequence[Frame], marks: Iterable[Placed]) -> dict[str, int]:
    """Return the column of each box and mark by name."""
    boxes = {box.name: place for place, column in enumerate(columns) for box in column.boxes}
    return boxes | {each.mark.name: each.column for each in marks}


def _put_marks(
    frame: Frame, marks: Mapping[tuple[int, str], Sequence[Placed]], column: int
) -> Frame:
    """Return a frame of a column with the marks that stand in it and in the frames within.

    marks: by their column and the path of the innermost frame around them.
    """
    here = marks.get((column, frame.path), ())
    first = [each.mark for each in here if each.first]
    last = [each.mark for each in here if not each.first]
    parts = (
        _put_marks(part, marks, column) if isinstance(part, Frame) else part for part in frame.parts
    )
    return replace(frame, parts=tuple(chain(reversed(first), parts, last)))


def _list_parts(frame: Frame) -> Iterator[Box | Mark]:
    """List the boxes and marks in a frame and in the frames within, in order."""
    for part in frame.parts:
        if isinstance(part, Frame):
            yield from _list_parts(part)
        else:
            yield part
