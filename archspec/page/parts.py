"""List the parts that a page draws of a network: the boxes of pictures, in groups that open and
close.

list_parts(scene, ...)[1]  ->  a PagePart, such as the box of `conv 3×3, 64`, `BN`, `ReLU`
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from unicodedata import east_asian_width

from msgspec import Struct, field

from archspec.errors import in_a_line
from archspec.graph import Node
from archspec.page.details import Place, Section, Texts, describe_group, list_costs
from archspec.page.layouts import Layouts, Shape
from archspec.pictures.boxes import collapse_frames
from archspec.pictures.cells import (
    BoxCell,
    arrange_cells,
    count_layers,
    describe_done,
    describe_mistakes,
    describe_params,
    describe_ranges,
    describe_shapes,
)
from archspec.pictures.scene import (
    Box,
    Frame,
    Mark,
    Scene,
    ScenePart,
    join_title,
    nest_boxes,
    write_output_shape,
)
from archspec.pictures.style import SIGNS, find_kind

LETTER, SMALL_LETTER, TITLE_LETTER = 6.3, 5.4, 5.8  # points of a letter, with room for other fonts
PADDING = 8  # points around the text of a cell
LAYERS, LINE, HELD = 20, 14, 16  # points of a row of layers, of a line, of what a group holds
BELOW = 4  # points below messages
HELD_LETTERS = 36  # letters in a row of those
LONGEST = 60  # letters of a line, of which messages have more
CLOSED = "\u25b8"  # before the name of a closed group
SHARE = 6  # letters of a share of the cost, which comes behind a shape
LEAST = 56  # points across of a box

Seen = tuple[int, int, int]  # the place of a connection, and the parts at its ends in a group
Look = str  # "bold", "small", the kind of a layer, what is done to it: classes of web/page.css
Row = tuple[int, list[tuple[str, Look]]]  # height and cells


class PagePart(Struct, omit_defaults=True, kw_only=True):
    """A box, a group, or an end of the network.

    up: the place of the group around it; the first part is the whole network. title: its name in
    the outline, with `said` behind it. rows: its text, for a group that of its box. look: "box",
    "group" or "end", and the state of what is broken. nodes: the places of the layers that it
    stands for, `turn` for each repetition. costs: the parameters, MACs and bytes of these.

    Of a group: heading, the title of its frame, and that in points; parts: the places of those in
    it; layout, the place of its own; lines: for each in the layout, the place of the connection;
    entering, leaving: the values that cross its border; place and sections, as layers have them.
    """

    name: str
    look: Look
    up: int = -1
    title: str = ""
    said: str = ""
    rows: list[Row] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    turn: int = 0
    costs: list[int | None] = field(default_factory=list)
    heading: str = ""
    wide: int = 0
    parts: list[int] = field(default_factory=list)
    layout: int = -1
    lines: list[int] = field(default_factory=list)
    entering: list[int] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)
    place: Place | None = None
    sections: list[Section] = field(default_factory=list)


class Connection(Struct, omit_defaults=True):
    """A value on its way from a box to another. tail, head: places of parts. value: that of the
    layer. look: "skip" and what is done to it."""

    tail: int
    head: int
    value: int
    label: str = ""
    look: Look = ""


def list_parts(
    scene: Scene, texts: Texts, layouts: Layouts
) -> tuple[list[PagePart], list[Connection]]:
    """Return the parts of a scene, each group before what is in it, and the connections."""
    return _Lister(scene, texts, layouts).list_all()


class _Lister:
    """Lists the parts of one scene."""

    def __init__(self, scene: Scene, texts: Texts, layouts: Layouts) -> None:
        self.scene, self.texts, self.layouts = scene, texts, layouts
        self.cells = arrange_cells(scene, {}, across=False)
        self.order = {node.name: index for index, node in enumerate(scene.graph)}
        self.regions = {
            each.path: each for box in scene.boxes for node in box.nodes for each in node.regions
        }
        self.closed = dict(self._close_groups())
        self.parts: list[PagePart] = []
        self.sizes: list[tuple[int, int]] = []
        self.places: dict[str, int] = {}  # of boxes and marks, by name

    def list_all(self) -> tuple[list[PagePart], list[Connection]]:
        """Return the parts and connections."""
        scene = self.scene
        root = nest_boxes(scene.boxes, scene.titles)
        self._add(Frame("", "", 0, parts=(*root.parts, *scene.marks)), -1)
        connections = [
            Connection(
                self.places[edge.tail],
                self.places[edge.head],
                self.order[edge.value.name],
                edge.label,
                join("skip" * edge.skip, edge.change),
            )
            for edge in scene.edges
        ]
        inside = self._share_out(connections)
        for place, part in enumerate(self.parts):
            if part.parts:
                self._lay_out(part, connections, inside[place])
        return self.parts, connections

    def _close_groups(self) -> Iterator[tuple[str, tuple[Scene, Box]]]:
        """Yield each group as the box that it is when closed, with the scene of that."""
        deepest = max((len(box.frames) for box in self.scene.boxes), default=0)
        for depth in range(deepest):
            paths = {box.frames[depth] for box in self.scene.boxes if len(box.frames) > depth}
            scene = collapse_frames(self.scene, paths)
            yield from ((box.block, (scene, box)) for box in scene.boxes if box.block)

    # --- parts

    def _add(self, part: ScenePart, up: int) -> int:
        """Add a part and what is in it, and return its place."""
        place = len(self.parts)
        if isinstance(part, Frame):
            made = self._make_group(part, up)
        elif isinstance(part, Mark):
            made = self._make_end(part, up)
        else:
            made = self._make_box(part, up)
        self.parts.append(made)
        self.sizes.append(measure(made.rows))
        if isinstance(part, Frame):
            made.parts = [self._add(each, place) for each in part.parts]
        else:
            self.places[part.name] = place
        return place

    def _make_box(self, box: Box, up: int) -> PagePart:
        scene, node = self.scene, box.nodes[0]
        title = node.name.rpartition(".")[2]
        shape = write_output_shape(box.nodes[-1])
        if node.op == "InputLayer" and node.state == "sound":
            rows: list[Row] = [(LAYERS, [(f"{title}  {shape}", "bold")])]
            look, said = join("end", self._find_done(box)), shape
        elif box.state == "failed":
            rows = self._list_mistakes(node)
            look, said = "box failed", next((cells[0][0] for _, cells in rows[1:] if cells), "")
        else:
            cells = self.cells[box.name]
            rows = [(LAYERS, [self._write_cell(box, cell) for cell in row]) for row in cells]
            for note in (note for row in cells for cell in row for note in cell.notes):
                rows.append((LINE, [(note, "small")]))
            rows.append((LINE, [(shape, "small shape")]))
            look = join("box", _state(box), "shared" * (box.calls > 1), self._find_done(box))
            said = " · ".join(cell.text for row in cells for cell in row)
        return PagePart(
            name=box.name,
            look=look,
            up=up,
            title=title,
            said=said,
            rows=rows,
            nodes=[self.order[each.name] for each in box.represented],
            turn=len(scene.first_repetition(box)),
            costs=list_costs(box.represented),
        )

    def _write_cell(self, box: Box, cell: BoxCell) -> tuple[str, Look]:
        if self.scene.compares:
            several = len(self.scene.find_kinds(box.nodes)) > 1
            return cell.text, join(cell.face.lower(), cell.change if several else "")
        kind = name_kind(cell.op) if cell.op and box.state == "sound" else ""
        return cell.text, join(cell.face.lower(), kind)

    def _find_done(self, box: Box) -> Look:
        """Return what is done to a box, in a picture of what differs; "same" for nothing."""
        if not self.scene.compares:
            return ""
        if len(self.scene.find_kinds(box.represented)) > 1 and not box.block:
            return "several"  # its cells say it
        return self.scene.find_done(box) or "same"

    def _list_mistakes(self, node: Node) -> list[Row]:
        rows: list[Row] = [(LAYERS, [(f"{node.op}  {node.name}", "bold")])]
        for message in describe_mistakes(self.scene.graph, node):
            rows += [(LINE, [(line, "small left")]) for line in wrap(in_a_line(message), LONGEST)]
        return [*rows, (BELOW, [])]

    def _make_end(self, mark: Mark, up: int) -> PagePart:
        node = self.scene.graph[mark.text]
        shape = write_output_shape(node) if node.facts else ""
        title = "output" if len(self.scene.marks) == 1 else mark.text
        done = self.scene.find_kind(mark.name) or "same"
        return PagePart(
            name=mark.name,
            look=join("end", done if self.scene.compares else ""),
            up=up,
            title=title,
            said=shape,
            rows=[(LAYERS, [(f"{title}  {shape}".strip(), "bold")])],
            nodes=[self.order[node.name]],
            turn=1,
        )

    def _make_group(self, frame: Frame, up: int) -> PagePart:
        if not frame.path:
            costs = list_costs(self.scene.graph.nodes)
            return PagePart(name=self.scene.graph.name, look="group", costs=costs)
        scene, box = self.closed[frame.path]
        name, *more = scene.list_title_lines(frame.path)
        kind = scene.find_done(box) if scene.compares else ""
        sign = f"{SIGNS[kind]} " if kind else ""
        rows: list[Row] = [(LAYERS, [(f"{CLOSED} {sign}{join_title([name, *more])}", "bold")])]
        rows += [(LINE, [(line, "small")]) for line in self._list_lines(scene, box)]
        rows += [(HELD, row) for row in _wrap(self._list_held(scene, box))]
        heading = sign * (kind != "changed") + join_title([name, *more])
        shapes = describe_shapes(scene, box) if box.state == "sound" else []
        region, nodes = self.regions[frame.path], box.represented
        place, sections = describe_group(region, nodes, shapes, self.texts)
        return PagePart(
            name=frame.path,
            look=join("group", _state(box), kind or ("same" if scene.compares else "")),
            up=up,
            title=name,
            said=", ".join([*more, f"{len(box.represented):,} layers"]),
            rows=rows,
            costs=list_costs(box.represented),
            heading=heading,
            wide=round(TITLE_LETTER * count_letters(f"{CLOSED} {heading}")) + 2 * PADDING,
            place=place,
            sections=sections,
        )

    def _list_lines(self, scene: Scene, box: Box) -> list[str]:
        """Return the lines below the name of a closed group."""
        if scene.compares:
            return [*describe_shapes(scene, box), *describe_done(scene, box)]
        if box.state != "sound":
            return []
        return [*describe_shapes(scene, box), describe_params(scene, box), *describe_ranges(box)]

    def _list_held(self, scene: Scene, box: Box) -> list[tuple[str, Look]]:
        """Return the layers that a closed group holds."""
        if scene.compares:
            return []
        sound = box.state == "sound"
        return [
            *([("each", "small")] if box.name in scene.repeats else []),
            *(
                (f"{number} {title}", join("small", name_kind(op) if op and sound else ""))
                for (title, op), number in count_layers(scene, box).items()
            ),
        ]

    # --- layouts

    def _lay_out(
        self, group: PagePart, connections: Sequence[Connection], inside: Sequence[Seen]
    ) -> None:
        """Give a group its layout. inside: the connections that are seen in it."""
        count = len(group.parts)
        places = {each: index for index, each in enumerate(group.parts)}
        entering: dict[int, int] = {}
        leaving: dict[int, int] = {}
        found: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for index, tail, head in inside:
            value = connections[index].value
            ends = places.get(tail, -1), places.get(head, -2)
            if ends[0] < 0:
                entering.setdefault(value, len(entering))
            if ends[1] < 0:
                leaving.setdefault(value, len(leaving))
            found[(*ends, value)].append(index)
        lines = []
        for (tail, head, value), several in found.items():
            # One line for all of them is a skip, or new, only if each is.
            first = min(several, key=lambda index: len(connections[index].look.split()))
            group.lines.append(first)
            start = tail if tail >= 0 else count + entering[value]
            end = head if head >= 0 else count + len(entering) + leaving[value]
            into_box = head >= 0 and not self.parts[group.parts[head]].parts
            label = connections[first].label if into_box else ""
            lines.append((start, end, count_letters(label), 0 <= head <= tail))
        group.entering, group.leaving = [*entering], [*leaving]
        sizes = tuple(self.sizes[each] for each in group.parts)
        shape = Shape(sizes, len(entering), len(leaving), tuple(lines))
        group.layout = self.layouts.find(shape)

    def _share_out(self, connections: Sequence[Connection]) -> Mapping[int, list[Seen]]:
        """Return for each group the connections that are seen in it, by its place."""
        found: dict[int, list[Seen]] = defaultdict(list)
        for index, each in enumerate(connections):
            tails, heads = self._list_around(each.tail), self._list_around(each.head)
            shared = 0
            while shared < min(len(tails), len(heads)) and tails[shared] == heads[shared]:
                shared += 1
            if shared == min(len(tails), len(heads)):
                shared -= 1  # a box that takes its own output
            found[tails[shared - 1]].append((index, tails[shared], heads[shared]))
            for depth in range(shared, len(tails) - 1):
                found[tails[depth]].append((index, tails[depth + 1], -2))
            for depth in range(shared, len(heads) - 1):
                found[heads[depth]].append((index, -1, heads[depth + 1]))
        return found

    def _list_around(self, place: int) -> list[int]:
        """Return the groups around a part from the outermost on, and the part."""
        found = [place]
        while self.parts[found[-1]].up >= 0:
            found.append(self.parts[found[-1]].up)
        return found[::-1]


def _state(box: Box) -> str:
    return "" if box.state == "sound" else box.state


def join(*words: str) -> Look:
    """Return classes of the page as one text, without those that are empty."""
    return " ".join(filter(None, words))


def name_kind(op: str) -> Look:
    """Return the kind of a layer as one word, which the page has colours for."""
    return write_class(find_kind(op))


def write_class(kind: str) -> Look:
    """Return the name of a kind of layers as one word.

    >>> write_class("dropout, noise")
    'dropout-noise'
    """
    return "-".join(re.findall(r"\w+", kind))


def count_letters(text: str) -> int:
    """Return how many letters wide a text is; those of East Asia are twice as wide as others."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)


def measure(rows: Sequence[Row]) -> tuple[int, int]:
    """Return how wide and high a box with some rows is, in points, both even."""
    width = LEAST
    for _, cells in rows:
        letters = [
            (SMALL_LETTER if "small" in look else LETTER)
            * (count_letters(text) + SHARE * ("shape" in look))
            + PADDING
            for text, look in cells
        ]
        width = max(width, round(sum(letters)))
    return width + width % 2, sum(height for height, _ in rows)


def _wrap(cells: Sequence[tuple[str, Look]]) -> list[list[tuple[str, Look]]]:
    """Return cells in rows of about the same length."""
    rows = -(-sum(len(text) for text, _ in cells) // HELD_LETTERS)
    most = -(-len(cells) // max(rows, 1))
    return [[*cells[start : start + most]] for start in range(0, len(cells), max(most, 1))]
