"""Route the lines of a picture whose boxes are in columns.

Columns are joined by numbered links. A value that several parts of a frame take enters the frame
once and forks there, so that skip connections stay within the block they belong to. The label of an
edge, above all a shape, is a mark in its way.

Routes are made in steps, each of which returns new edges and the marks that these go by: through
links and forks, past labels, beside what is skipped. At the end the marks are put into the frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count

from msgspec import Struct
from msgspec.structs import replace

from archspec import notation
from archspec.graph import Shape
from archspec.pictures.boxes import join_ways, measure_breadth
from archspec.pictures.cells import WIDEST, Symbols, arrange_cells, measure_rows, measure_title
from archspec.pictures.scene import Box, Edge, Frame, Mark, Scene, join_title

NARROW = 2  # boxes side by side in a frame whose title could meet a line
LONG = 16  # letters of a title in a narrow frame that is broken into lines

# --- routes --------------------------------------------------------------------------------------


class PlacedMark(Struct, frozen=True):
    """A mark in a column, at the beginning or the end of the innermost frame around it."""

    mark: Mark
    column: int
    first: bool = False


Routes = tuple[list[Edge], list[PlacedMark]]


def connect_columns(
    columns: Sequence[Frame],
    scene: Scene,
    across: bool,
    symbols: Symbols,
    marks: Iterable[PlacedMark] = (),
) -> Routes:
    """Return the edges with links from column to column and forks inside frames, and their marks.

    symbols: those that stand for arguments in a block that is drawn by itself. marks: those that
    are in the columns already.
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
            placed.append(PlacedMark(away, here))
            there = [edge for home, each in by_column.items() if home != here for edge in each]
            way = replace(group[0], label="", skip=False, change=join_ways(there))
            by_column[here].append(replace(way, tail=tail, head=away.name))
        for home, near in by_column.items():
            start = parts[tail]
            if home != here:
                start = Mark(f"{value} link {home}", "link", str(links))
                placed.append(PlacedMark(start, home, first=True))
            heads = [parts[edge.head] for edge in near]
            placed += [
                PlacedMark(head, home)
                for head in heads
                if isinstance(head, Mark) and head.kind == "output"
            ]
            leaving = [replace(edge, tail=start.name) for edge in near]
            edges, passages = _fork(start, leaving, parts, titles, widths)
            routed += edges
            placed += [PlacedMark(passage, home, first=True) for passage in passages]
    return routed, placed


def _fork(
    tail: Box | Mark,
    edges: Sequence[Edge],
    parts: Mapping[str, Box | Mark],
    titles: Mapping[str, int],
    widths: Mapping[str, int],
) -> tuple[list[Edge], list[Mark]]:
    """Return the edges of one tail, with a passage for those into one frame, and the passages.

    An edge alone also goes by a passage if the frame's title is long. titles: the number of letters
    of titles that lines could meet, by path. widths: those of the boxes in points, without folded
    blocks, which are wide enough for any title.
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
        letters = max(titles.get(path, 0) for path in shared if path not in tail.frames)
        half = widths[heads[0].name] / 2 if heads[0].name in widths else WIDEST
        if group[0].way == "level":  # which comes from the side, clear of titles
            letters = 0
        if len(group) == 1 and (not letters or half >= measure_title(letters)):
            routed += group
            continue
        name = f"{group[0].value.name} into {shared[-1]}"
        passage = Mark(name, "passage", frames=tuple(shared), title_letters=letters)
        way = replace(group[0], label="", skip=False, change=join_ways(group))
        routed.append(replace(way, tail=tail.name, head=name))
        inner = [replace(edge, tail=name) for edge in group]
        further, more = _fork(passage, inner, parts, titles, widths)
        routed += further
        passages += [passage, *more]
    return routed, passages


def _find_narrow_titles(columns: Iterable[Frame], scene: Scene) -> dict[str, int]:
    """Return the length of the longest line of each title in a narrow frame, by path.

    A wide frame has space for any title.
    """
    return {
        frame.path: max(map(len, break_title(scene, frame)))
        for column in columns
        for frame in column.frames
        if frame.path and measure_breadth(frame.boxes) <= NARROW
    }


def break_title(scene: Scene, frame: Frame) -> list[str]:
    """Return the lines of a frame's title; in a narrow frame, where lines enter, they are short."""
    lines, again = scene.list_frame_lines(frame.path), ["(continued)"] * frame.continued
    line = " ".join([join_title(lines), *again])
    short = len(line) <= LONG or measure_breadth(frame.boxes) > NARROW
    return [line] if short else [*lines, *again]


# --- what edges say ------------------------------------------------------------------------------


def label_edges(
    columns: Sequence[Frame], routes: Routes, scene: Scene, changing: Iterable[Edge]
) -> Routes:
    """Return the edges, those with a label by way of a mark, and all marks.

    The label is the call argument that a value is for, and its shape at one edge from each box that
    changes it. changing: the edges by which it is decided which boxes change a shape.
    """
    edges, marks = routes
    entering: dict[str, set[Shape]] = defaultdict(set)
    gone = {box.name for box in scene.boxes if scene.is_gone(box)}  # of another network
    for edge in changing:
        if edge.tail not in gone:
            entering[edge.head].add(_read_shape(edge))
    saying = {box.name for box in scene.boxes if box.block}  # what they give, in their labels
    saying |= gone
    saying |= {name for name, repeat in scene.repeats.items() if repeat.describe_changes()}
    parts = _name_parts(scene, marks)
    column_of = _find_columns(columns, marks)
    texts: dict[str, str] = {}  # by passage
    labelled_values = set()
    labelled: list[Edge] = []
    added: list[PlacedMark] = []
    for edge in edges:
        tail, head, shape = parts[edge.tail], parts[edge.head], _read_shape(edge)
        lines = [edge.label] if edge.label else []
        key = (edge.tail, shape)
        if (
            not edge.skip
            and edge.tail not in saying
            and edge.value.facts
            and key not in labelled_values
            and entering[edge.tail] - {shape}
            and not (isinstance(head, Mark) and head.kind == "output")
        ):
            labelled_values.add(key)
            lines.append(notation.write_shape(shape))
        if not lines:
            labelled.append(edge)
        elif isinstance(head, Mark) and head.kind == "passage":
            texts[head.name] = "\n".join(lines)
            labelled.append(edge)
        else:
            name = _choose_name(f"{edge.value.name} to {head.name}", parts)
            around = head.frames if edge.way == "level" else _share_frames(tail, head)
            mark = parts[name] = Mark(name, "passage", "\n".join(lines), around)
            added.append(PlacedMark(mark, column_of[tail.name]))
            labelled += [replace(edge, head=name), replace(edge, tail=name)]
    written = [
        replace(each, mark=replace(each.mark, text=texts.get(each.mark.name, each.mark.text)))
        for each in marks
    ]
    return labelled, [*written, *added]


def bend_skips(columns: Sequence[Frame], routes: Routes, scene: Scene) -> Routes:
    """Return the edges, skip connections by way of a point beside what they skip, and all marks.

    So the frame around them is wide enough for the line.
    """
    edges, marks = routes
    parts = _name_parts(scene, marks)
    column_of = _find_columns(columns, marks)
    frames = [{frame.path: frame for frame in column.frames} for column in columns]
    heads: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if not edge.skip and not edge.back and edge.way != "level":
            heads[edge.tail].append(edge.head)
    entered = {head for each in heads.values() for head in each}

    def find_rank(name: str) -> int:
        """Return the rank of a box, or that of the first box after a mark."""
        part = parts[name]
        return part.rank if isinstance(part, Box) else find_next_rank(name)

    def find_next_rank(name: str) -> int:
        return min(map(find_rank, heads[name]), default=0)

    bent: list[Edge] = []
    added: list[PlacedMark] = []
    for edge in edges:
        tail, head = parts[edge.tail], parts[edge.head]
        if not edge.skip or edge.way == "level" or isinstance(head, Mark):
            bent.append(edge)
            continue
        shared = _share_frames(tail, head)
        column = column_of[tail.name]
        frame = frames[column][shared[-1] if shared else ""]
        ranks = range(find_next_rank(tail.name), head.rank)
        skipped = [box.name for box in frame.boxes if box.rank in ranks and box.name in entered]
        name = _choose_name(f"{edge.value.name} past {head.name}", parts)
        bend = parts[name] = Mark(name, "bend", frames=shared, skipped=tuple(skipped))
        added.append(PlacedMark(bend, column))
        bent += [replace(edge, head=name), replace(edge, tail=name)]
    return bent, [*marks, *added]


def _choose_name(name: str, taken: Container[str]) -> str:
    """Return a name for a mark that is not taken: a layer may take one value twice."""
    numbered = (f"{name} {number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each not in taken)


def _share_frames(one: Box | Mark, other: Box | Mark) -> tuple[str, ...]:
    """Return the paths of the frames around both parts."""
    return tuple(path for path in one.frames if path in other.frames)


def _read_shape(edge: Edge) -> Shape:
    return edge.value.facts.shape if edge.value.facts else ()


# --- marks in frames -----------------------------------------------------------------------------


def _name_parts(scene: Scene, marks: Iterable[PlacedMark]) -> dict[str, Box | Mark]:
    """Return boxes and marks by name."""
    return {**scene.parts, **{each.mark.name: each.mark for each in marks}}


def _find_columns(columns: Sequence[Frame], marks: Iterable[PlacedMark]) -> dict[str, int]:
    """Return the column of each box and mark by name."""
    boxes = {box.name: index for index, column in enumerate(columns) for box in column.boxes}
    return boxes | {each.mark.name: each.column for each in marks}


def put_marks(
    frame: Frame, marks: Mapping[tuple[int, str], Sequence[PlacedMark]], column: int
) -> Frame:
    """Return a frame of a column with the marks in it and in the frames inside it.

    marks: by their column and the path of the innermost frame around them.
    """
    here = marks.get((column, frame.path), ())
    first = [each.mark for each in here if each.first]
    last = [each.mark for each in here if not each.first]
    parts = (
        put_marks(part, marks, column) if isinstance(part, Frame) else part for part in frame.parts
    )
    return replace(frame, parts=tuple(chain(reversed(first), parts, last)))


def list_parts(frame: Frame) -> Iterator[Box | Mark]:
    """Yield the boxes and marks in a frame and in the frames inside it, in order."""
    for part in frame.parts:
        if isinstance(part, Frame):
            yield from list_parts(part)
        else:
            yield part
