"""Write the text of a picture of what differs between two networks, and choose its colours.

A sign, the line around a layer, and a colour each show what is done to it. What
is the same is quiet.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from archspec.differences.changes import Change, ChangeKind, WayKind
from archspec.differences.difference import Difference
from archspec.differences.rows import make_rows
from archspec.differences.text import list_settings, list_totals, write_verdict
from archspec.graph import Node
from archspec.pictures.cells import (
    BoxCell,
    describe_done,
    describe_shapes,
)
from archspec.pictures.labels import SLACK, Labels, lay_out_cell
from archspec.pictures.markup import Cell, Table, Text, write_label
from archspec.pictures.routes import break_title
from archspec.pictures.scene import Box, Edge, Frame, Scene, join_title, write_output_shape
from archspec.pictures.style import LARGE, SIGNS, SMALL, Theme

LINE = 84  # letters in a line of the heading
# The line around a layer, and that of a connection: its width in points, and its style.
LINES: dict[ChangeKind, tuple[int, str]] = {
    "": (1, "solid"),
    "added": (3, "solid"),
    "removed": (2, "dashed"),
    "changed": (2, "solid"),
    "moved": (2, "solid"),
    "left": (2, "dotted"),
}
WORDS: dict[ChangeKind, str] = {
    "added": "added",
    "removed": "removed (dashed)",
    "changed": "changed",
    "moved": "moved to here",
    "left": "moved from here (dotted)",
}
WAYS: dict[WayKind, str] = {"added": "new connection", "removed": "connection gone"}


class DifferenceLabels(Labels, frozen=True):
    """The labels of a picture of what differs between two networks."""

    # --- boxes and frames

    def write_box(self, box: Box) -> str:
        """Return the label of a box."""
        rows = self._block_rows(box) if box.block else self._rows(box)
        kinds = self.picture.scene.find_kinds(box.represented)
        kind = self.picture.scene.find_done(box) if box.block or len(kinds) == 1 else ""
        look: dict[str, object] = {"CELLPADDING": 3, **self._look(kind)}
        if box.calls > 1 and not kind:
            look["STYLE"] = "dashed"
        return write_label(Table(rows, look))

    def _look(self, kind: ChangeKind) -> dict[str, object]:
        """Return the attributes of the line around a box or a cell.

        A cell has no broken line: what Graphviz draws after one in a box reads freed memory.
        """
        width, style = LINES[kind]
        look: dict[str, object] = {"BORDER": width, "COLOR": self._line(kind)}
        return look if style == "solid" else look | {"STYLE": style}

    def _line(self, kind: ChangeKind) -> str:
        return self.theme.changes[kind][1] if kind else self.theme.frame_line

    def _write_cell(self, box: Box, cell: BoxCell) -> Cell:
        kinds = self.picture.scene.find_kinds(box.represented)
        kind = cell.change or (self.picture.scene.find_done(box) if not cell.op else "")
        holds = lay_out_cell(replace(cell, face=cell.face if kind else ""))
        if cell.notes and not isinstance(holds, Table):
            holds = [*holds, *(Text(f"\n{note}", size=SMALL) for note in cell.notes)]
        if not kind or (len(kinds) > 1 and not cell.change):
            return Cell(holds, self.theme.plain, self.theme.quiet)
        look = self._look(kind) if len(kinds) > 1 else {}
        return Cell(holds, self.theme.changes[kind][0], self.theme.ink, look=look)

    def _block_rows(self, box: Box) -> list[list[Cell]]:
        """Return the rows of a folded block: its name, its shapes, and what is done inside."""
        scene = self.picture.scene
        kind = self.picture.scene.find_done(box)
        title = join_title(scene.list_title_lines(box.block))
        fill = self.theme.changes[kind][0] if kind else self.theme.plain
        ink = self.theme.ink if kind else self.theme.quiet
        sign = f"{SIGNS[kind]} " if kind else ""
        said = [*describe_shapes(scene, box), *describe_done(scene, box)]
        lines = [Text(line, size=SMALL) for line in said]
        rows = [Cell([Text(f"{sign}{title}", "Bold" if kind else "")], fill, ink)]
        return [[row] for row in (*rows, *(Cell([line], fill, ink) for line in lines))]

    def write_frame(self, frame: Frame) -> str:
        """Return the title of a frame, with its sign if all in it is added or removed."""
        kind = self._find_kind(frame.boxes)
        first, *others = break_title(self.picture.scene, frame)
        lines = [f"{SIGNS[kind]} {first}" if kind else first, *others]
        return write_label(Table([[Cell([Text(line, size=SMALL)], left=True)] for line in lines]))

    def style_frame(self, frame: Frame) -> dict[str, str]:
        """Return the look of a frame; one in which all is added or removed has its line."""
        kind = self._find_kind(frame.boxes)
        if not kind:
            return {}
        width, style = LINES[kind]
        line = self._line(kind)
        return {"color": line, "fontcolor": line, "penwidth": str(width)} | (
            {"style": "rounded,filled,dashed"} if style != "solid" else {}
        )

    def _find_kind(self, boxes: Iterable[Box]) -> ChangeKind:
        """Return `added` or `removed` if that is done to all layers of boxes."""
        kinds = {kind for box in boxes for kind in self.picture.scene.find_kinds(box.represented)}
        return kinds.pop() if len(kinds) == 1 and kinds <= {"added", "removed"} else ""

    # --- lines and ends

    def style_edge(self, edge: Edge) -> dict[str, str]:
        """Return the look of a line."""
        if not edge.change:
            return {"color": self.theme.quiet} | ({"penwidth": "2"} if edge.skip else {})
        width, style = LINES[edge.change]
        return {"color": self._line(edge.change), "penwidth": str(width), "style": style}

    def style_terminal(self, name: str) -> dict[str, str]:
        """Return the look of an input or output of the network."""
        kind = self.picture.scene.find_kind(name)
        if not kind:
            return {"color": self.theme.quiet, "fontcolor": self.theme.quiet}
        width, style = LINES[kind]
        fill, line = self.theme.changes[kind]
        return {
            "color": line,
            "fillcolor": fill,
            "penwidth": str(width),
            "style": "rounded,filled" + (f",{style}" if style != "solid" else ""),
        }

    def write_terminal(self, node: Node, part: str) -> str:
        """Return the label of an input or output, with its sign and with the shape that it had."""
        change = self.picture.scene.changes.get(part, Change())
        name = self._name_terminal(node).partition(" (")[0]  # the sign says that it is gone
        shape = change.words or write_output_shape(node)
        sign = f"{SIGNS[change.kind]} " if change.kind else ""
        return write_label([Text(f"{sign}{name}", "Bold" if sign else ""), Text(f"  {shape}")])

    def write_heading(self) -> str:
        """Return the name of the network; what differs stands above the picture."""
        return write_label([Text(self.picture.graph.name, "Bold")])


def write_heading(difference: Difference, scenes: Sequence[Scene], theme: Theme) -> str:
    """Return the names of two networks, what differs in numbers, and the signs in their scenes."""
    names = textwrap.wrap(" → ".join(difference.names), LINE // 2)
    rows = [Cell([Text(line, "Bold", LARGE)]) for line in names]
    totals = write_verdict(difference), *list_totals(difference)
    lines = *_list_unmarked(difference, scenes), *totals
    for line in (*lines, *list_settings(difference)):
        for part in textwrap.wrap(line.replace("->", "→"), LINE):
            rows.append(Cell([Text(part)], ink=theme.quiet))
    lost = sum(scene.lost for scene in scenes)
    if lost:
        words = "connection that is gone leads" if lost == 1 else "connections that are gone lead"
        rows.append(Cell([Text(f"{lost} {words} back, and is not drawn")], ink=theme.quiet))
    if any(scene.changes for scene in scenes):
        signs = [SLACK, *_list_signs(scenes, theme), SLACK]
        rows.append(Cell(Table([signs], {"CELLSPACING": 4, "CELLPADDING": 3})))
    return write_label(Table([[row] for row in rows], {"CELLPADDING": 1}))


def _list_unmarked(difference: Difference, scenes: Sequence[Scene]) -> Iterator[str]:
    """Yield in words what differs without a sign in the scenes: orders of inputs and outputs."""
    marked = {name for scene in scenes for name in scene.changes}
    ends = {mark.name for scene in scenes for mark in scene.marks}
    for row in make_rows(difference):
        edits = [difference.edits[index] for index in row.edits]
        if row.kind == "outputs" and not marked & ends:
            yield row.what
        elif row.kind == "rewired" and not any(marked & {each.a, each.b} for each in edits):
            yield f"{', '.join(row.where)} {row.what}"


def describe_kinds(
    *sides: Sequence[tuple[Node, ChangeKind]],
) -> Iterator[tuple[ChangeKind, str]]:
    """Yield each kind of change with its sign and the number of layers, among which an input of the
    network is not. sides: all nodes of a picture; both of two sides have what is changed."""
    for kind, word in WORDS.items():
        found = [[node for node, done in side if done == kind] for side in sides]
        if any(found):
            count = max(sum(node.op != "InputLayer" for node in nodes) for nodes in found)
            yield kind, " ".join(filter(None, [SIGNS[kind], f"{count:,}" * (count > 0), word]))


def _list_signs(scenes: Sequence[Scene], theme: Theme) -> Iterator[Cell]:
    """Yield the signs of layers, with the number of these, and those of connections."""
    changed = ([(node, scene.find_kind(node.name)) for node in scene.graph] for scene in scenes)
    for kind, words in describe_kinds(*changed):
        fill, line = theme.changes[kind]
        width, _ = LINES[kind]
        text = Text(words, size=SMALL)
        yield Cell([text], fill, theme.ink, look={"BORDER": width, "COLOR": line})
    edges = [edge for scene in scenes for edge in scene.edges]
    for way, said in WAYS.items():
        if any(edge.change == way and SIGNS[way] in edge.label for edge in edges):
            yield Cell([Text(f"{SIGNS[way]} {said}", size=SMALL)], ink=theme.changes[way][1])
    yield Cell([Text("unchanged", size=SMALL)], theme.plain, theme.quiet)
