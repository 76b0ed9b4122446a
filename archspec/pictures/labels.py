"""What boxes, frames and headings of a picture say, as Graphviz's tables.

A box reads like a line of the paper's table, `conv 3×3, 64, /2 | BN | ReLU`, one cell for each
layer in the colour of its kind. A folded block says its name, the shapes that enter and leave, its
parameters and what it holds.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from archspec import notation
from archspec.errors import in_a_line
from archspec.graph import Node, params
from archspec.notation import Symbol
from archspec.pictures.blocks import Block
from archspec.pictures.boxes import leads
from archspec.pictures.routes import Picture, title
from archspec.pictures.scene import Box, Frame, Mark, in_line, shape_of
from archspec.pictures.style import (
    COSTS,
    FONT,
    LARGE,
    OTHER,
    SMALL,
    Heat,
    Theme,
    cost,
    ink_on,
    kind,
)

ONE_LINE, BESIDE = 28, 15  # letters that a box says in one line, alone and beside others
USED = 3  # values in a line of a block that is drawn by itself
HELD = 5  # kinds of layers in a line of a folded block
LEGEND = 7  # kinds of layers in a line of the legend
STEPS = 4  # of the scale
LETTER = 6  # points that a letter of small text is wide
SLACK = '<TD COLSPAN="9"></TD>'  # takes nearly all room that texts beside it do not need
MIDDLE = "middle"  # the part of a passage that edges go to
DESCRIPTION = 76  # letters in a line of it
MISTAKES, LINES, LINE = 2, 5, 40  # told of what failed: how many, in lines of so many letters

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Labels:
    """Of one picture. heat: the scale that boxes are shaded by, instead of by kind.

    drawn: the blocks that are drawn by themselves, and their colours, by the path of their frames.
    symbols: in a picture of such a block, what stands for arguments, by the names of their nodes.
    """

    picture: Picture
    theme: Theme
    heat: Heat | None = None
    drawn: Mapping[str, tuple[Block, str]] = field(default_factory=dict)
    symbols: Mapping[str, Mapping[str, Symbol]] = field(default_factory=dict)

    # --- boxes

    def box(self, box: Box) -> str:
        """The table of a box."""
        failed, following = box.state == "failed", box.state == "following"
        say = self._block if box.block else self._mistake if failed else self._strips
        line: dict[str, object] = {"BORDER": 2 if box.block or failed else 1}
        if box.block:
            line["BGCOLOR"] = self._fill(box)
        line["COLOR"] = self.theme.wrong if failed else self.theme.quiet
        if box.block in self.drawn and not failed:
            line["COLOR"] = self.drawn[box.block][1]
        if following or box.calls > 1:
            line["STYLE"] = "dotted" if following else "dashed"
        return f"<{_table(say(box), CELLPADDING=3, **line)}>"

    def _mistake(self, box: Box) -> list[Cells]:
        """What failed, what is said of it, and the shapes that it got where that does not say."""
        (node,) = box.nodes
        taken = [self.picture.graph[name] for name in node.inputs]
        got = [shape_of(each) for each in taken if each.facts]
        said = [notation.message(each) for each in node.errors[:MISTAKES]]
        if any(shape not in " ".join(said) for shape in got):
            said.append(f"got {', '.join(got)}")
        run = self.picture.sight.runs.get(box.name)
        title = _bold(_cut(node.op) + (f"  ×{run.times}" if run else ""))
        lines = [_small(escape(line)) for text in said for line in _lines(text)]
        text = "<BR/>".join([f"{title}  {escape(_cut(node.name))}", *lines])
        return [[_cell(text, self.theme.failed)]]

    def _strips(self, box: Box) -> list[Cells]:
        """A cell for each layer; then how often it stands or is called, and its cost. In a picture
        that runs across the page boxes are rather high than wide."""
        cells = [self._cell(box, markup, op) for op, _, markup in self._said(box)]
        if self.picture.across:
            return [[cell] for cell in cells]
        beside = [box]
        if self.picture.beside[box.rank] > 1:
            beside = [each for each in self.picture.sight.boxes if each.rank == box.rank]
        if len(cells) > 1 and any(map(self._is_long, beside)):
            return [[cells[0].replace("<TD", f'<TD COLSPAN="{len(cells) - 1}"', 1)], cells[1:]]
        return [cells]

    def _is_long(self, box: Box) -> bool:
        """Whether it takes two lines, and so those beside it too."""
        texts = [text for _, text, _ in self._said(box)]
        most = ONE_LINE if self.picture.beside[box.rank] == 1 else BESIDE
        return not box.block and len(texts) > 1 and sum(map(len, texts)) > most

    def wide(self, box: Box) -> int:
        """About how much of the room beside a skip connection a box takes, to compare boxes."""
        if box.block or box.state == "failed":
            return LINE
        each = [len(text) for _, text, _ in self._said(box)]
        if self.picture.across:
            return len(each)
        return max(each[0], sum(each[1:])) if self._is_long(box) else sum(each)

    def _said(self, box: Box) -> Iterator[tuple[str, str, str]]:
        """Op, text and that text as markup of each cell."""
        main = next((node for node in box.nodes if not leads(node)), box.nodes[0])
        for node in box.nodes:
            symbols = self.symbols.get(node.name, {})
            activation = symbols.get("activation") or notation.activation(node)
            details = notation.details(node, symbols)
            if node.op == "Activation" and "activation" in symbols:
                title, details = "", [symbols["activation"]]
            else:
                title = notation.title(node)
            text = f"{title} {', '.join(details)}".strip()
            yield node.op, text, _line(title, details, bold=node is main)
            if activation and node.op != "Activation":
                yield "Activation", activation, _line("", [activation], bold=False)
        if run := self.picture.sight.runs.get(box.name):
            text = ", ".join([f"×{run.times}", *run.changes()])
            yield "", text, _bold(text)
        if box.calls > 1:
            text = f"shared, {box.calls} calls"
            yield "", text, _italic(text)
        if self.heat:
            share = self._share(self.heat, box)
            yield "", share, share

    def _share(self, heat: Heat, box: Box) -> str:
        """Of the network's cost: `12%`."""
        here, total = (cost(heat.what, nodes) for nodes in (box.stands, self.picture.graph.nodes))
        return notation.UNKNOWN if here is None or total is None else f"{here / max(total, 1):.0%}"

    def _fill(self, box: Box) -> str:
        """The colour of a box, but for its kinds of layers."""
        if box.state == "following":
            return self.theme.idle
        return self.heat.colour(cost(self.heat.what, box.stands)) if self.heat else self.theme.plain

    def _cell(self, box: Box, markup: str, op: str) -> str:
        fill = self._fill(box)
        if box.state == "following":
            return _cell(f'<FONT COLOR="{self.theme.quiet}">{markup}</FONT>', fill)
        if self.heat:
            return _cell(f'<FONT COLOR="{ink_on(fill)}">{markup}</FONT>', fill)
        return _cell(markup, self.theme.fills[kind(op)] if op else fill)

    def _block(self, box: Box) -> list[Cells]:
        """Name, shapes and parameters of a folded block; then what it holds, or what it was called
        with where it is drawn by itself."""
        sight = self.picture.sight
        said = []
        if box.state == "sound":
            said = [escape(line) for line in (*self._passage(box), self._weight(box))]
            if self.heat:
                said.append(f"{self._share(self.heat, box)} of {self.heat.what}")
        if box.block in self.drawn:
            block, fill = self.drawn[box.block]
            name, *_ = sight.called(box.block)
            title = _badge(f"{block.title} {name.removeprefix(block.title)}".strip(), fill)
            use = [f"{symbol}={value}" for symbol, value in block.uses[box.block].items()]
            if said:
                said = [*(_italic(", ".join(each)) for each in _wrapped(use, USED)), *said]
            return [[title], *self._lines(box, said)]
        title = self._cell(box, _bold(in_line(sight.called(box.block))), "")
        run = sight.runs.get(box.name)
        nodes = self._turns(box)[0]
        held = Counter(notation.title(node) for node in nodes)
        ops = {notation.title(node): node.op for node in nodes}
        kinds = [
            self._cell(box, _small(f"{n} {escape(what)}"), ops[what]) for what, n in held.items()
        ]
        if run:
            kinds.insert(0, self._cell(box, _small("each"), ""))
        inside = _table(_wrapped(kinds, HELD + bool(run)), CELLSPACING=1, CELLPADDING=2)
        return [[title], *self._lines(box, said), [_cell(inside)]]

    def _lines(self, box: Box, said: Sequence[str]) -> list[Cells]:
        """Of a block, close together in one cell."""
        lines = [[self._cell(box, _small(line), "")] for line in said]
        return [[_cell(_table(lines, CELLPADDING=1))]] if lines else []

    def _turns(self, box: Box) -> list[Sequence[Node]]:
        """What each turn of a box holds, in one turn of the runs around it."""
        sight = self.picture.sight
        nodes, run = sight.turn(box), sight.runs.get(box.name)
        length = len(nodes) // (run.times if run else 1)
        return [nodes[start : start + length] for start in range(0, len(nodes), length)]

    def _passage(self, box: Box) -> list[str]:
        """The shapes that enter and leave a block: of a run those of each turn, or what enters the
        first and leaves the last."""
        sight = self.picture.sight
        ways = (
            [edge for edge in sight.edges if edge.head is box],
            [edge for edge in sight.edges if edge.tail is box],
        )
        taken, given = (
            ", ".join(dict.fromkeys(shape_of(edge.value) for edge in way)) for way in ways
        )
        if box.name not in sight.runs:
            return [f"{taken} → {given}"]
        if taken == given and not sight.runs[box.name].changes():
            return [f"each {taken} → {given}"]
        return [f"first in {taken}", f"last out {given}"]

    def _weight(self, box: Box) -> str:
        """Parameters of a block: of a run those of all turns and of each."""
        each = [sum(map(params, nodes)) for nodes in self._turns(box)]
        said = f"{notation.count(sum(each))} parameters"
        if len(each) > 1:
            ends = dict.fromkeys(notation.count(end) for end in (min(each), max(each)))
            said += f", {' to '.join(ends)} each"
        return said

    def facts(self, box: Box) -> list[str]:
        """In plain text, a line for each layer that is shown: its shape, its costs, what it takes,
        and where it is written."""
        first, last = box.nodes[0], box.stands[-1]
        if box.block:
            said = in_line(self.picture.sight.called(box.block))
            layers = f"{len(box.stands)} layers"
            facts = _facts(said, layers, box.stands, ", ".join(self._passage(box)))
            return [", ".join([*facts, _place(first)])]
        lines = []
        for node in box.nodes:
            facts = _facts(node.name, node.op, [node], shape_of(node))
            facts += [f"takes {' and '.join(node.inputs)}"] if node.inputs else []
            lines.append(", ".join([*facts, _place(node)]))
        others = len(box.stands) - len(box.nodes)
        return [*lines, f"and {others} more like this, to {last.name}"] if others else lines

    # --- frames and ends

    def frame(self, frame: Frame) -> str:
        """`unit0: residual`."""
        lines = title(self.picture.sight, frame)
        rows = [[f'<TD ALIGN="LEFT">{_small(escape(line))}</TD>'] for line in lines]
        return f"<{_table(rows)}>"

    def bend(self) -> str:
        """A piece of the line, as those that come to its middle leave a point free around it."""
        size = 'FIXEDSIZE="TRUE" WIDTH="2" HEIGHT="2"'
        cells = [f"<TD {size}></TD>", f'<TD PORT="{MIDDLE}" {size}></TD>', f"<TD {size}></TD>"]
        rows = [cells] if self.picture.across else [[cell] for cell in cells]
        return f"<{_table(rows, BGCOLOR=self.theme.skip)}>"

    def passage(self, mark: Mark, left: bool, right: bool) -> str:
        """A point, or a few words. left, right: whether the room is there that the titles above it
        need; on both sides where branches part."""
        said = "<BR/>".join(map(escape, mark.text.split("\n")))
        point = f' BGCOLOR="{self.theme.quiet}" FIXEDSIZE="TRUE" WIDTH="2" HEIGHT="2"'
        middle = f'<TD PORT="{MIDDLE}"{"" if said else point}>{_small(said) if said else ""}</TD>'
        side = f'<TD WIDTH="{(mark.room + 1) * LETTER}"></TD>' if mark.room else ""
        return f"<{_table([[side * left, middle, side * right]])}>"

    def terminal(self, node: Node) -> str:
        """`head  10`, at the ends of the network."""
        return f"<{_bold(node.name)}{f'  {shape_of(node)}' if node.facts else ''}>"

    def end(self, mark: Mark) -> str:
        """What enters or leaves a block that is drawn by itself."""
        return f"<{_small(escape(mark.text))}>"

    def block(self, block: Block, fill: str) -> str:
        """The title of a block that is drawn by itself, and what is not the same in all uses."""
        names = ", ".join(next(iter(block.uses.values())))
        cells = [_badge(block.title, fill), *([_cell(_italic(names))] if names else [])]
        return f"<{_table([cells], CELLPADDING=4)}>"

    # --- heading

    def heading(self) -> str:
        """Name, description, totals and legend of the network."""
        graph, quiet = self.picture.graph, self.theme.quiet
        lines = [f'<FONT POINT-SIZE="{LARGE}">{_bold(graph.name)}</FONT>']
        lines += [escape(line) for line in textwrap.wrap(graph.description, DESCRIPTION)]
        weights, macs = notation.count(graph.total_params), notation.count(graph.macs)
        totals = f'<FONT COLOR="{quiet}">{weights} parameters, {macs} MACs</FONT>'
        lines.append(self._states() if graph.errors else totals)
        lines.append(self._scale(self.heat) if self.heat else self._legend())
        return f"<{_table([[_cell(line)] for line in lines if line], CELLPADDING=1)}>"

    def _states(self) -> str:
        """How many errors there are, and how what failed and what follows from it look."""
        graph, states = self.picture.graph, {node.state for node in self.picture.graph}
        cells = [_cell(_small(f"{len(graph.errors)} error{'s' * (len(graph.errors) > 1)}"))]
        if "failed" in states:
            cells.append(_cell(_small("failed"), self.theme.failed))
        if "following" in states:
            cells.append(_cell(_small("follows from an error"), self.theme.idle))
        return _table([cells], CELLSPACING=3, CELLPADDING=2)

    def _legend(self) -> str:
        """The kinds of layers in the picture as they come, the others last."""
        present: dict[str, None] = {}
        for box in self.picture.sight.boxes:
            for node in box.stands if box.state == "sound" else ():
                ops = [node.op, *(["Activation"] if notation.activation(node) else [])]
                present |= dict.fromkeys(kind(op) for op in ops if op != "InputLayer")
        names = sorted(present, key=lambda name: name == OTHER)
        cells = [_cell(_small(name), self.theme.fills[name]) for name in names]
        look = {"CELLBORDER": 1, "COLOR": self.theme.frame_line}
        return (
            _table(_wrapped(cells, LEGEND), CELLSPACING=3, CELLPADDING=2, **look) if cells else ""
        )

    def _scale(self, heat: Heat) -> str:
        """Colours from nothing to the most costly box."""
        say = COSTS[heat.what][1]
        cells = [_cell(_small(f"{heat.what} of a box"))]
        for step in range(STEPS + 1):
            amount = round(heat.largest * step / STEPS)
            fill = heat.colour(amount)
            said = _small(escape(say(amount)))
            cells.append(_cell(f'<FONT COLOR="{ink_on(fill)}">{said}</FONT>', fill))
        if any(cost(heat.what, box.stands) is None for box in self.picture.sight.boxes):
            fill = heat.colour(None)
            said = f'<FONT COLOR="{ink_on(fill)}">{_small("unknown")}</FONT>'
            cells.append(_cell(said, fill))
        return _table([cells], CELLPADDING=4)


# --- facts in words ------------------------------------------------------------------------------


def _facts(name: str, what: str, nodes: Sequence[Node], shape: str) -> list[str]:
    """Of layers together: name, kind, shape and costs."""
    weights, macs = cost("params", nodes), cost("macs", nodes)
    facts = [name, what, shape]
    facts += [f"{weights:,} parameters"] if weights else []
    facts += [f"{macs:,} MACs"] if macs else []
    return facts


def _place(node: Node) -> str:
    """Where it is written."""
    return f"{Path(node.span.source.name).name}:{node.span.line}"


# --- tables --------------------------------------------------------------------------------------


def _table(rows: Iterable[Iterable[str]], **attributes: object) -> str:
    said = {"BORDER": 0, "CELLBORDER": 0, "CELLSPACING": 0, "CELLPADDING": 0, **attributes}
    head = " ".join(f'{key}="{value}"' for key, value in said.items())
    body = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    return f"<TABLE {head}>{body}</TABLE>"


def _badge(text: str, fill: str) -> str:
    """A cell in the colour of a block."""
    return _cell(f'<FONT COLOR="{ink_on(fill)}">{_bold(text)}</FONT>', fill)


def _line(title: str, details: Sequence[str], bold: bool) -> str:
    """What a layer is, symbols in italics: each face in a cell of its own, as within one Graphviz
    raises some above the others."""
    face = _bold if bold else escape
    if not any(isinstance(each, Symbol) for each in details):
        return face(f"{title} {', '.join(details)}".strip())
    symbol = _bold_italic if bold else _italic
    said = [face(f"{title} ")] if title else []
    for place, each in enumerate(details):
        said += [face(", ")] if place else []
        said.append(symbol(each) if isinstance(each, Symbol) else face(each))
    return _table([[SLACK, *map(_cell, said), SLACK]])


def _cell(markup: str, fill: str = "") -> str:
    return f'<TD BGCOLOR="{fill}">{markup}</TD>' if fill else f"<TD>{markup}</TD>"


def _wrapped(cells: Sequence[str], most: int) -> list[Sequence[str]]:
    """In lines of much the same length."""
    lines = -(-len(cells) // most)
    length = -(-len(cells) // max(lines, 1))
    return [cells[start : start + length] for start in range(0, len(cells), length or 1)]


def _cut(text: str) -> str:
    """As much of what somebody wrote as a box has room for."""
    return textwrap.shorten(in_a_line(text), LINE, placeholder="...")


def _lines(text: str) -> list[str]:
    return textwrap.wrap(in_a_line(text), LINE, max_lines=LINES, placeholder=" ...")


def _small(markup: str) -> str:
    return f'<FONT POINT-SIZE="{SMALL}">{markup}</FONT>'


def _bold(text: str) -> str:
    return _face(text, "Bold")


def _italic(text: str) -> str:
    return _face(text, "Oblique")


def _bold_italic(text: str) -> str:
    return _face(text, "BoldOblique")


def _face(text: str, name: str) -> str:
    """Markup by the face's name: Graphviz raises what is in <B> above the rest of its line."""
    return f'<FONT FACE="{FONT}-{name}">{escape(text)}</FONT>'
