"""Write the text of a picture as Graphviz's tables: its boxes, frames, marks and heading.

`cells` has the text of a box; here it gets rows and colours, a cell for each layer in the colour of
its kind.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from archspec import notation
from archspec.errors import in_a_line
from archspec.expand.scopes import snake_case
from archspec.graph import Graph, Node
from archspec.notation import Symbol
from archspec.pictures.blocks import DistinctBlock
from archspec.pictures.cells import (
    WIDEST,
    BoxCell,
    Rows,
    Symbols,
    arrange_cells,
    count_layers,
    describe_mistakes,
    describe_params,
    describe_ranges,
    describe_shapes,
    describe_share,
    measure_rows,
    measure_title,
    wrap_use,
    wrap_words,
)
from archspec.pictures.markup import Cell, Table, Text, write_label
from archspec.pictures.plan import Picture
from archspec.pictures.routes import break_title
from archspec.pictures.scene import Box, Edge, Frame, Mark, join_title, write_output_shape
from archspec.pictures.style import (
    COSTS,
    LARGE,
    OTHER,
    SMALL,
    Face,
    Heat,
    Theme,
    choose_ink,
    find_kind,
    sum_cost,
)

T = TypeVar("T")

HELD = 36  # letters in a line of the layers of a folded block
LEGEND = 7  # kinds of layers in a line of the legend
STEPS = 4  # steps of the scale of heat
SLACK = Cell(span=9)  # takes nearly all space that texts beside it do not need
DIFFERS = 3  # points of the frame of a box that differs
THICK = 2  # of a skip connection, in points
MIDDLE = "middle"  # the part of a passage that edges go to
DESCRIPTION = 76  # letters in a line of the description
LINES, LINE = 5, 40  # lines of an error, and letters in each


class Labels(Struct, frozen=True, dict=True):
    """The labels of one picture.

    heat: the scale that boxes are shaded by, instead of by kind. drawn: the blocks that are drawn
    by themselves and their colours, by the path of their frames. symbols: in a picture of such a
    block, those that stand for arguments, by node and argument. differing: the boxes that differ
    from a picture beside it.
    """

    picture: Picture
    theme: Theme
    heat: Heat | None = None
    drawn: Mapping[str, tuple[DistinctBlock, str]] = field(default_factory=dict)
    symbols: Symbols = field(default_factory=dict)
    differing: frozenset[str] = frozenset()

    @cached_property
    def rows(self) -> Mapping[str, Rows]:
        """The rows of cells of each box, by name."""
        picture = self.picture
        return arrange_cells(picture.scene, self.symbols, picture.across, self.heat)

    # --- boxes

    def write_box(self, box: Box) -> str:
        """Return the label of a box."""
        failed, following = box.state == "failed", box.state == "following"
        lay_out = self._block_rows if box.block else self._mistake_rows if failed else self._rows
        look: dict[str, object] = {"BORDER": 2 if box.block or failed else 1, "CELLPADDING": 3}
        if box.block:
            look["BGCOLOR"] = self._choose_fill(box)
        look["COLOR"] = self.theme.wrong if failed else self.theme.quiet
        if box.block in self.drawn and not failed:
            look["COLOR"] = self.drawn[box.block][1]
        if box.name in self.differing and not failed:
            look |= {"BORDER": DIFFERS, "COLOR": self.theme.ink}
        if following or box.calls > 1:
            look["STYLE"] = "dotted" if following else "dashed"
        return write_label(Table(lay_out(box), look))

    def _mistake_rows(self, box: Box) -> list[list[Cell]]:
        """Return the name of what failed, and the messages about it."""
        (node,) = box.nodes
        repeat = self.picture.scene.repeats.get(box.name)
        title = _cut(node.op) + (f"  ×{repeat.times}" if repeat else "")
        texts = [Text(title, "Bold"), Text(f"  {_cut(node.name)}")]
        for message in describe_mistakes(self.picture.graph, node):
            for line in textwrap.wrap(
                in_a_line(message), LINE, max_lines=LINES, placeholder=" ..."
            ):
                texts += [Text("\n"), Text(line, size=SMALL)]
        return [[Cell(texts, self.theme.failed)]]

    def _rows(self, box: Box) -> list[list[Cell]]:
        """Return the cells of a box; one in a row by itself is as wide as all in the other row."""
        rows = self.rows[box.name]
        cells = [[self._write_cell(box, cell) for cell in row] for row in rows]
        if len(cells) == 2 and not self.picture.across:
            cells[0] = [replace(cells[0][0], span=len(cells[1]))]
        return cells

    def _write_cell(self, box: Box, cell: BoxCell) -> Cell:
        return self._color(box, lay_out_cell(cell), cell.op)

    def measure_beside(self, box: Box) -> int:
        """Return about how many points a box takes beside a skip connection."""
        if box.block or box.state == "failed":
            return WIDEST
        return measure_rows(self.rows[box.name])[self.picture.across]

    def _choose_fill(self, box: Box) -> str:
        """Return the colour of a box apart from the kinds of its layers."""
        if box.state == "following":
            return self.theme.idle
        if self.heat:
            return self.heat.choose_colour(sum_cost(self.heat.what, box.represented))
        return self.theme.plain

    def _color(self, box: Box, holds: Sequence[Text] | Table, op: str = "") -> Cell:
        """Return a cell of a box in the colour of a layer's kind, or in that of the box."""
        fill = self._choose_fill(box)
        if box.state == "following":
            return Cell(holds, fill, self.theme.quiet)
        if self.heat:
            return Cell(holds, fill, choose_ink(fill))
        return Cell(holds, self.theme.fills[find_kind(op)] if op else fill)

    # --- folded blocks

    def _block_rows(self, box: Box) -> list[list[Cell]]:
        """Return the rows of a folded block: name, shapes, parameters, and the layers in it.

        A block that is drawn by itself has the values of its symbols instead of its layers.
        """
        scene = self.picture.scene
        lines: list[Text] = []
        if box.state == "sound":
            texts = [*describe_shapes(scene, box), describe_params(scene, box)]
            texts += describe_ranges(box) if box.block not in self.drawn else []
            if self.heat:
                texts.append(f"{describe_share(scene, box, self.heat)} of {self.heat.what}")
            lines = [Text(line, size=SMALL) for line in texts]
        if box.block in self.drawn:
            block, fill = self.drawn[box.block]
            name, *_ = scene.list_title_lines(box.block)
            title = _make_badge(f"{block.title} {name.removeprefix(block.title)}".strip(), fill)
            if lines:
                used = wrap_use(block.uses[box.block])
                lines = [*(Text(line, "Oblique", SMALL) for line in used), *lines]
            return [[title], *self._line_rows(box, lines)]
        title = self._color(box, [Text(join_title(scene.list_title_lines(box.block)), "Bold")])
        held = [(f"{number} {name}", op) for (name, op), number in count_layers(scene, box).items()]
        if box.name in scene.repeats:
            held.insert(0, ("each", ""))
        cells = [self._color(box, [Text(text, size=SMALL)], op) for text, op in held]
        rows = -(-sum(len(text) for text, _ in held) // HELD)
        most = -(-len(cells) // max(rows, 1))
        inside = Table(_wrap(cells, most), {"CELLSPACING": 1, "CELLPADDING": 2})
        return [[title], *self._line_rows(box, lines), [Cell(inside)]]

    def _line_rows(self, box: Box, lines: Sequence[Text]) -> list[list[Cell]]:
        """Return the lines of a block, close together in one cell; no row if there are none."""
        rows = [[self._color(box, [line])] for line in lines]
        return [[Cell(Table(rows, {"CELLPADDING": 1}))]] if lines else []

    def write_block_title(self, block: DistinctBlock, fill: str) -> str:
        """Return the title of a block that is drawn by itself, and the names of what differs."""
        names = wrap_words(next(iter(block.uses.values())))
        lines = Table([[Cell([Text(line, "Oblique")], left=True)] for line in names])
        used = [Cell(lines)] if names else []
        return write_label(Table([[_make_badge(block.title, fill), *used]], {"CELLPADDING": 4}))

    # --- frames and marks

    def write_frame(self, frame: Frame) -> str:
        """Return the title of a frame, such as "unit0: residual"."""
        lines = break_title(self.picture.scene, frame)
        return write_label(Table([[Cell([Text(line, size=SMALL)], left=True)] for line in lines]))

    def write_bend(self, colour: str) -> str:
        """Return a short piece of a skip connection's line, in its colour.

        Graphviz leaves a point free around a middle port, which the piece fills.
        """
        cells = [Cell(fixed=2), Cell(fixed=2, port=MIDDLE), Cell(fixed=2)]
        rows = [cells] if self.picture.across else [[cell] for cell in cells]
        return write_label(Table(rows, {"BGCOLOR": colour}))

    def write_passage(self, mark: Mark, left: bool, right: bool) -> str:
        """Return a point, or a few words.

        left, right: on which side space is kept for the titles above; on both where branches part.
        """
        middle = Cell(fill=self.theme.quiet, fixed=2, port=MIDDLE)
        if mark.text:
            middle = Cell([Text(mark.text, size=SMALL)], port=MIDDLE)
        side = [Cell(width=measure_title(mark.title_letters))] if mark.title_letters else []
        return write_label(Table([[*side * left, middle, *side * right]]))

    def write_terminal(self, node: Node, part: str) -> str:
        """Return the label of an input or output of the network, such as "head  10".

        part: the name of its box or mark.
        """
        shape = [Text(f"  {write_output_shape(node)}")] if node.facts else []
        return write_label([Text(self._name_terminal(node), "Bold"), *shape])

    def _name_terminal(self, node: Node) -> str:
        """Return the name of an input or output; that of an only output, if nobody gave it one."""
        own = node.name.rpartition(".")[2]
        named = not re.fullmatch(rf"{snake_case(node.op)}(_\d+)?", own)
        alone = list(self.picture.graph.outputs) == [node.name]
        return "output" if alone and not named and node.op != "InputLayer" else node.name

    def write_end(self, mark: Mark) -> str:
        """Return the label where a value enters or leaves a block that is drawn by itself."""
        return write_label([Text(mark.text, size=SMALL)])

    # --- lines

    def style_edge(self, edge: Edge) -> dict[str, str]:
        """Return the look of a line, as far as it differs from that of most."""
        return {"color": self.theme.skip, "penwidth": str(THICK)} if edge.skip else {}

    def style_frame(self, frame: Frame) -> dict[str, str]:
        """Return the look of a frame, as far as it differs from that of most."""
        return {}

    def style_terminal(self, name: str) -> dict[str, str]:
        """Return the look of an input or output, as far as it differs from that of most."""
        return {"penwidth": str(DIFFERS)} if name in self.differing else {}

    # --- heading

    def write_heading(self) -> str:
        """Return name, description, totals and legend of the network."""
        graph = self.picture.graph
        rows = [Cell([Text(graph.name, "Bold", LARGE)])]
        rows += [Cell([Text(line)]) for line in textwrap.wrap(graph.description, DESCRIPTION)]
        if graph.errors:
            rows.append(Cell(self._count_errors()))
        else:
            rows.append(Cell([Text(_write_costs(graph))], ink=self.theme.quiet))
        rows += self._scale(self.heat) if self.heat else self._legend()
        if self.differing:
            rows.append(Cell([Text("thick frame: differs", size=SMALL)], ink=self.theme.quiet))
        return write_label(Table([[row] for row in rows], {"CELLPADDING": 1}))

    def _count_errors(self) -> Table:
        """Return the number of errors, and the colours of what failed and of what depends on it."""
        graph, states = self.picture.graph, {node.state for node in self.picture.graph}
        total = f"{len(graph.errors)} error{'s' * (len(graph.errors) > 1)}"
        cells = [Cell([Text(total, size=SMALL)])]
        if "failed" in states:
            cells.append(Cell([Text("failed", size=SMALL)], self.theme.failed))
        if "following" in states:
            cells.append(Cell([Text("follows from an error", size=SMALL)], self.theme.idle))
        return Table([cells], {"CELLSPACING": 3, "CELLPADDING": 2})

    def _legend(self) -> list[Cell]:
        """Return the kinds of layers in the picture, "other" last; nothing if there are none."""
        present: dict[str, None] = {}
        for box in self.picture.scene.boxes:
            for node in box.represented if box.state == "sound" else ():
                ops = [node.op, *(["Activation"] if notation.write_activation(node) else [])]
                present |= dict.fromkeys(find_kind(op) for op in ops if op != "InputLayer")
        names = sorted(present, key=lambda name: name == OTHER)
        cells = [Cell([Text(name, size=SMALL)], self.theme.fills[name]) for name in names]
        look = {
            "CELLBORDER": 1,
            "CELLSPACING": 3,
            "CELLPADDING": 2,
            "COLOR": self.theme.frame_line,
        }
        return [Cell(Table(_wrap(cells, LEGEND), look))] if cells else []

    def _scale(self, heat: Heat) -> list[Cell]:
        """Return the colours from nothing to the most costly box."""
        write = COSTS[heat.what].unit.write
        amounts: list[int | None] = [
            round(heat.largest * step / STEPS) for step in range(STEPS + 1)
        ]
        if any(sum_cost(heat.what, box.represented) is None for box in self.picture.scene.boxes):
            amounts.append(None)
        cells = [Cell([Text(f"{heat.what} of a box", size=SMALL)])]
        for amount in amounts:
            fill = heat.choose_colour(amount)
            text = "unknown" if amount is None else write(amount)
            cells.append(Cell([Text(text, size=SMALL)], fill, choose_ink(fill)))
        return [Cell(Table([cells], {"CELLPADDING": 4}))]


def lay_out_cell(cell: BoxCell) -> Sequence[Text] | Table:
    """Return the text of a cell, symbols in italics.

    Each face is in a cell of its own, because Graphviz raises some faces above others in one text.
    """
    if not any(isinstance(each, Symbol) for each in cell.details):
        return [Text(cell.text, cell.face)]
    texts = [Text(f"{cell.title} ", cell.face)] if cell.title else []
    for index, each in enumerate(cell.details):
        texts += [Text(", ", cell.face)] if index else []
        slanted: Face = "BoldOblique" if cell.face == "Bold" else "Oblique"
        texts.append(Text(each, slanted if isinstance(each, Symbol) else cell.face))
    return Table([[SLACK, *(Cell([text]) for text in texts), SLACK]])


def _write_costs(graph: Graph) -> str:
    """Return what a network costs: parameters as papers give them, and MACs."""
    trained, macs = graph.trainable_params, notation.write_count(graph.macs)
    fixed = graph.total_params - trained
    others = f" and {notation.write_count(fixed)} fixed" if fixed else ""
    return f"{notation.write_count(trained)} parameters{others}, {macs} MACs"


def _make_badge(text: str, fill: str) -> Cell:
    """Return a cell in the colour of a block."""
    return Cell([Text(text, "Bold")], fill, choose_ink(fill))


def _wrap(cells: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return cells in lines of about the same length, with at most `most` in each."""
    lines = -(-len(cells) // most)
    length = -(-len(cells) // max(lines, 1))
    return [cells[start : start + length] for start in range(0, len(cells), length or 1)]


def _cut(text: str) -> str:
    """Return a text of the user, shortened to fit a box."""
    return textwrap.shorten(in_a_line(text), LINE, placeholder="...")
