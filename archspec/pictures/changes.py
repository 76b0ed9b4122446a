"""Write the text of a picture of what differs between two networks, and choose its colours.

What is done to a layer is said three times: by a sign, by the line around it, and by a colour. What
is the same is quiet.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archspec.differences.changes import ChangeKind
from archspec.differences.difference import Difference
from archspec.differences.text import list_settings, list_totals
from archspec.pictures.cells import BoxCell, count_layers, describe_shapes, wrap_words
from archspec.pictures.labels import SLACK, Labels, lay_out_cell
from archspec.pictures.markup import Cell, Table, Text, write_label
from archspec.pictures.routes import break_title
from archspec.pictures.scene import Box, Edge, Frame, join_title
from archspec.pictures.style import LARGE, SIGNS, SMALL

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
    "removed": "removed",
    "changed": "changed",
    "moved": "moved to here",
    "left": "moved from here",
}


@dataclass(frozen=True)
class DifferenceLabels(Labels):
    """The labels of a picture of what differs between two networks.

    difference: that between them; None in the picture of one of them, which another says it for.
    """

    difference: Difference | None = None

    def find_kind(self, box: Box) -> ChangeKind:
        """Return what is done to all layers of a box; `changed` where it is not one thing."""
        kinds = self.picture.scene.find_kinds(box.represented)
        return kinds.pop() if len(kinds) == 1 else "changed"

    # --- boxes and frames

    def write_box(self, box: Box) -> str:
        """Return the label of a box."""
        rows = self._block_rows(box) if box.block else self._rows(box)
        kinds = self.picture.scene.find_kinds(box.represented)
        (kind,) = kinds if len(kinds) == 1 else ("changed" if box.block else "",)
        look: dict[str, object] = {"CELLPADDING": 3, **self._look(kind)}
        if box.calls > 1 and not kind:
            look["STYLE"] = "dashed"
        return write_label(Table(rows, look))

    def _look(self, kind: ChangeKind) -> dict[str, object]:
        """Return the attributes of the line around a box or a cell."""
        width, style = LINES[kind]
        return {"BORDER": width, "COLOR": self._line(kind), "STYLE": style}

    def _line(self, kind: ChangeKind) -> str:
        return self.theme.changes[kind][1] if kind else self.theme.frame_line

    def _write_cell(self, box: Box, cell: BoxCell) -> Cell:
        kinds = self.picture.scene.find_kinds(box.represented)
        kind = cell.change or (self.find_kind(box) if not cell.op else "")
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
        kind = self.find_kind(box)
        title = join_title(scene.list_title_lines(box.block))
        fill = self.theme.changes[kind][0] if kind else self.theme.plain
        ink = self.theme.ink if kind else self.theme.quiet
        sign = f"{SIGNS[kind]} " if kind else ""
        lines = [Text(line, size=SMALL) for line in describe_shapes(scene, box)]
        counts = Counter(each for node in box.represented for each in scene.find_kinds([node]))
        if len(counts) > 1:
            words = [f"{SIGNS[each]} {counts[each]}" for each in SIGNS if counts[each]]
            words += [f"of {len(box.represented)} layers"]
            lines.append(Text("  ".join(words), size=SMALL))
        elif kind:
            held = [f"{number} {name}" for (name, _), number in count_layers(scene, box).items()]
            lines += [Text(line, size=SMALL) for line in wrap_words(held)]
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

    # --- heading

    def write_heading(self) -> str:
        """Return the names of both networks, what differs in numbers, and the signs."""
        if self.difference is None:
            return super().write_heading()
        names = textwrap.wrap(" → ".join(self.difference.names), LINE // 2)
        rows = [Cell([Text(line, "Bold", LARGE)]) for line in names]
        lines = [*list_totals(self.difference), *list_settings(self.difference)]
        for line in lines:
            for part in textwrap.wrap(line.replace("->", "→"), LINE):
                rows.append(Cell([Text(part)], ink=self.theme.quiet))
        rows += self._legend()
        return write_label(Table([[row] for row in rows], {"CELLPADDING": 1}))

    def _legend(self) -> list[Cell]:
        """Return the signs in the picture with the number of layers of each; nothing if none is."""
        scene = self.picture.scene
        counts = Counter(kind for node in scene.graph for kind in scene.find_kinds([node]))
        ways = Counter(way for each in scene.changes.values() for way in each.ways)
        cells = []
        for kind, word in WORDS.items():
            fill, _ = self.theme.changes[kind]
            if counts[kind]:
                text = f"{SIGNS[kind]} {counts[kind]:,} {word}"
                cells.append(Cell([Text(text, size=SMALL)], fill, look=self._look(kind)))
        if not cells and not any(ways.values()):
            return []
        cells.append(Cell([Text("unchanged", size=SMALL)], self.theme.plain, self.theme.quiet))
        look = {"CELLSPACING": 4, "CELLPADDING": 3}
        return [Cell(Table([[SLACK, *cells, SLACK]], look))]
