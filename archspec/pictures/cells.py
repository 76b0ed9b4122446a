"""What a box says, as data, whoever draws it.

A box reads like a line of the paper's table, a cell for each layer: `conv 3×3, 64, /2`, `BN`,
`ReLU`. A folded block says its name, the shapes that enter and leave, its parameters and what it
holds.

    list_cells(scene, box)[0]  ->  BoxCell("Conv2D", "conv", ("3×3", "64", "/2"), "Bold")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archspec import notation
from archspec.graph import Graph, Node, params
from archspec.notation import Symbol
from archspec.pictures.boxes import count_side_by_side, only_pads
from archspec.pictures.scene import Box, Scene, join_title, write_output_shape
from archspec.pictures.style import Face, Heat, sum_cost

MISTAKES = 2  # of what failed, how many are told
LETTER, PADDING, LINE = 6.3, 6, 22  # points that a cell takes for a letter, beside text, for a line
SMALL_LETTER = 6  # points that a letter of a title takes
WIDEST = 1000  # points, for what is wider than any other box
LONG_ALONE, LONG_BESIDE = 203, 110  # points of a box in one line, from which on it takes two

Symbols = Mapping[str, Mapping[str, Symbol]]  # what stands for arguments, by the names of nodes


@dataclass(frozen=True, slots=True)
class BoxCell:
    """What a box says of one layer, or of itself.

    op: the Keras class of the layer; "" for what is said of the whole box.
    details: of these a `Symbol` stands for a value that differs between the uses of a block.
    """

    op: str
    title: str
    details: tuple[str, ...] = ()
    face: Face = ""

    @property
    def text(self) -> str:
        return f"{self.title} {', '.join(self.details)}".strip()


Rows = Sequence[Sequence[BoxCell]]


def list_cells(scene: Scene, box: Box, symbols: Symbols, heat: Heat | None = None) -> list[BoxCell]:
    """Return a cell for each layer of a box and each activation, then how often the box repeats and
    is called, and its share of the network's cost if there is heat."""
    main = next((node for node in box.nodes if not only_pads(node)), box.nodes[0])
    cells = []
    for node in box.nodes:
        named = symbols.get(node.name, {})
        activation = named.get("activation") or notation.write_activation(node)
        face: Face = "Bold" if node is main else ""
        if node.op == "Activation" and "activation" in named:
            cells.append(BoxCell(node.op, "", (named["activation"],), face))
            continue
        details = notation.write_details(node, named)
        cells.append(BoxCell(node.op, notation.write_title(node), tuple(details), face))
        if activation and node.op != "Activation":
            cells.append(BoxCell("Activation", "", (activation,)))
    if repeat := scene.repeats.get(box.name):
        text = ", ".join([f"×{repeat.times}", *repeat.describe_changes()])
        cells.append(BoxCell("", text, face="Bold"))
    if box.calls > 1:
        cells.append(BoxCell("", f"shared, {box.calls} calls", face="Oblique"))
    if heat:
        cells.append(BoxCell("", describe_share(scene, box, heat)))
    return cells


def describe_share(scene: Scene, box: Box, heat: Heat) -> str:
    """Return the share of the network's cost that a box has: `12%`."""
    here, total = (sum_cost(heat.what, nodes) for nodes in (box.stands, scene.graph.nodes))
    return notation.UNKNOWN if here is None or total is None else f"{here / max(total, 1):.0%}"


def describe_mistakes(graph: Graph, node: Node) -> list[str]:
    """Return what is said of a node that failed, and the shapes that it got where that does not
    say."""
    taken = [graph[name] for name in node.inputs]
    got = [write_output_shape(each) for each in taken if each.facts]
    said = [notation.write_message(each) for each in node.errors[:MISTAKES]]
    if any(shape not in " ".join(said) for shape in got):
        said.append(f"got {', '.join(got)}")
    return said


# --- rows ----------------------------------------------------------------------------------------


def arrange_cells(
    scene: Scene, symbols: Symbols, across: bool, heat: Heat | None = None
) -> dict[str, Rows]:
    """Return the rows of cells of each box, by its name; none for a folded block.

    All cells stand in one row, or the first by itself where a box is long, or one beside it is. In
    a picture that runs across the page each cell has a row, so that boxes are rather high than
    wide.
    """
    beside = count_side_by_side(scene)
    cells = {box: list_cells(scene, box, symbols, heat) for box in scene.boxes if not box.block}
    long = {
        box.rank
        for box, each in cells.items()
        if len(each) > 1
        and measure_rows([each])[0] > (LONG_ALONE if beside[box.rank] == 1 else LONG_BESIDE)
    }

    def arrange(box: Box, cells: list[BoxCell]) -> Rows:
        if across:
            return [[cell] for cell in cells]
        return [cells[:1], cells[1:]] if box.rank in long and len(cells) > 1 else [cells]

    return {box.name: arrange(box, each) for box, each in cells.items()}


def measure_rows(rows: Rows) -> tuple[int, int]:
    """Return about how wide and how high rows of cells are, in points.

    What Graphviz will make of them is not known here, nor the same with every font.
    """
    widths = [sum(round(LETTER * len(cell.text)) + PADDING for cell in row) for row in rows]
    return max(widths), LINE * len(rows)


def measure_title(letters: int) -> int:
    """Return about how wide a frame's title of some letters is, with room beside it, in points."""
    return SMALL_LETTER * (letters + 1)


# --- folded blocks -------------------------------------------------------------------------------


def describe_shapes(scene: Scene, box: Box) -> list[str]:
    """Return the shapes that enter and leave a folded block: of a repeat those of each turn, or
    what enters the first and leaves the last."""
    ways = (
        [edge for edge in scene.edges if edge.head == box.name],
        [edge for edge in scene.edges if edge.tail == box.name],
    )
    taken, given = (
        ", ".join(dict.fromkeys(write_output_shape(edge.value) for edge in way)) for way in ways
    )
    repeat = scene.repeats.get(box.name)
    if repeat is None:
        return [f"{taken} → {given}"]
    if taken == given and not repeat.describe_changes():
        return [f"each {taken} → {given}"]
    return [f"first in {taken}", f"last out {given}"]


def describe_params(scene: Scene, box: Box) -> str:
    """Return the parameters of a folded block: of a repeat those of all turns and of each."""
    each = [sum(map(params, nodes)) for nodes in _list_turns(scene, box)]
    said = f"{notation.write_count(sum(each))} parameters"
    if len(each) > 1:
        ends = dict.fromkeys(notation.write_count(end) for end in (min(each), max(each)))
        said += f", {' to '.join(ends)} each"
    return said


def count_layers(scene: Scene, box: Box) -> Counter[tuple[str, str]]:
    """Return how many layers of each title and Keras class one turn of a folded block holds."""
    held = _list_turns(scene, box)[0]
    ops = {notation.write_title(node): node.op for node in held}
    count = Counter(notation.write_title(node) for node in held)
    return Counter({(title, ops[title]): number for title, number in count.items()})


def _list_turns(scene: Scene, box: Box) -> list[Sequence[Node]]:
    """Return what each turn of a box holds, in one turn of the repeats around it."""
    nodes, repeat = scene.first_turn(box), scene.repeats.get(box.name)
    length = len(nodes) // (repeat.times if repeat else 1)
    return [nodes[start : start + length] for start in range(0, len(nodes), length)]


# --- tooltips ------------------------------------------------------------------------------------


def describe_box(scene: Scene, box: Box) -> list[str]:
    """Return a line for each layer that a box shows: its shape, its costs, what it takes, and where
    it is written."""
    first, last = box.nodes[0], box.stands[-1]
    if box.block:
        title = join_title(scene.frame_title(box.block))
        shapes = ", ".join(describe_shapes(scene, box))
        facts = _list_facts(title, f"{len(box.stands)} layers", box.stands, shapes)
        return [", ".join([*facts, _write_place(first)])]
    lines = []
    for node in box.nodes:
        facts = _list_facts(node.name, node.op, [node], write_output_shape(node))
        facts += [f"takes {' and '.join(node.inputs)}"] if node.inputs else []
        lines.append(", ".join([*facts, _write_place(node)]))
    others = len(box.stands) - len(box.nodes)
    return [*lines, f"and {others} more like this, to {last.name}"] if others else lines


def _list_facts(name: str, kind: str, nodes: Sequence[Node], shape: str) -> list[str]:
    """Return what is known of layers together: name, kind, shape and costs."""
    weights, macs = sum_cost("params", nodes), sum_cost("macs", nodes)
    facts = [name, kind, shape]
    facts += [f"{weights:,} parameters"] if weights else []
    facts += [f"{macs:,} MACs"] if macs else []
    return facts


def _write_place(node: Node) -> str:
    """Return where a node is written: `resnet18.yaml:31`."""
    return f"{Path(node.span.source.name).name}:{node.span.line}"
