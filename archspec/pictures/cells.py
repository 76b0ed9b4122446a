"""List the text in a box, as data for any way of drawing it.

A box reads like a line of a paper's table, a cell for each layer: `conv 3×3, 64, /2`, `BN`, `ReLU`.
A folded block has its name, the shapes that enter and leave it, its parameters and its layers.

    list_cells(scene, box)[0]  ->  BoxCell("Conv2D", "conv", ("3×3", "64", "/2"), "Bold")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from archspec import notation
from archspec.differences.changes import ChangeKind
from archspec.graph import Graph, Node, count_params, count_trainable_params
from archspec.notation import Symbol
from archspec.pictures.boxes import count_side_by_side, only_pads
from archspec.pictures.scene import Box, Scene, join_title, write_output_shape
from archspec.pictures.style import SIGNS, Face, Heat, sum_cost

MISTAKES = 2  # errors of a failed layer that are shown
LETTER, PADDING, LINE = 6.3, 6, 22  # points of a letter, around text, of a line
SMALL_LETTER = 6  # points of a letter of a title
LONG_LINE = 30  # letters in a line of names or values
WIDEST = 1000  # points: more than any box has
LONG_ALONE, LONG_BESIDE = 203, 110  # points from which a box has two lines

Symbols = Mapping[str, Mapping[str, Symbol]]  # by the names of nodes and arguments


class BoxCell(Struct, frozen=True):
    """The text in a box about one layer, or about the box itself.

    op: the Keras class of the layer; "" for text about the whole box. details: a `Symbol` among
    them stands for a value that differs between the uses of a block. change: what
    is done to the layer, in a picture of what differs between two networks. notes: further lines
    about that.
    """

    op: str
    title: str
    details: tuple[str, ...] = ()
    face: Face = ""
    change: ChangeKind = ""
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"{self.title} {', '.join(self.details)}".strip()


Rows = Sequence[Sequence[BoxCell]]


def list_cells(scene: Scene, box: Box, symbols: Symbols, heat: Heat | None = None) -> list[BoxCell]:
    """Return the cells of a box: one for each layer and activation, then those of the whole box.

    These are how often the box repeats, how often it is called, and its share of the network's cost
    if there is heat. symbols: those that stand for arguments, by node and argument.
    """
    main = next((node for node in box.nodes if not only_pads(node)), box.nodes[0])
    cells: list[BoxCell] = []
    shown = [
        node
        for node in box.nodes
        if symbols.get(node.name) or scene.find_kind(node.name) or not notation.has_no_effect(node)
    ]
    kinds = scene.find_kinds(box.nodes)
    for node in shown or [main]:
        if node.name in scene.changes:
            signed = not cells or len(kinds) > 1 or kinds == {"changed"}
            cells += _list_changed(scene, node, "Bold" if node is main else "", signed)
            continue
        named = symbols.get(node.name, {})
        activation = named.get("activation") or notation.write_activation(node)
        face: Face = "Bold" if node is main else ""
        if node.op == "Activation" and "activation" in named:
            cells.append(BoxCell(node.op, "", (named["activation"],), face))
            continue
        details = notation.write_details(node, named, titled=True)
        title = name_layer(node) if scene.compares else notation.write_title(node, named)
        cells.append(BoxCell(node.op, title, tuple(details), face))
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


def name_layer(node: Node) -> str:
    """Return what a layer is called beside signs: a sum is not `+`, the sign of what is added."""
    title = notation.write_title(node)
    return "add" if title == SIGNS["added"] else title


def _list_changed(scene: Scene, node: Node, face: Face, signed: bool) -> list[BoxCell]:
    """Return the cells of a layer that differs from another network's.

    signed: whether its sign is written; all layers of a box may share one.
    """
    change = scene.changes[node.name]
    title = name_layer(node)
    details = tuple(notation.write_details(node, titled=True))
    words = change.words or f"{title} {', '.join(details)}".strip()
    text = f"{SIGNS[change.kind]} {words}" if change.kind and signed else words
    cells = [BoxCell(node.op, text, (), face, change.kind, change.notes)]
    activation = notation.write_activation(node)
    if activation and activation != title and not change.says_activation:
        cells.append(BoxCell("Activation", "", (activation,), "", change.kind))
    return cells


def describe_share(scene: Scene, box: Box, heat: Heat) -> str:
    """Return the share of the network's cost that a box has, such as "12%"."""
    here, total = (sum_cost(heat.what, nodes) for nodes in (box.represented, scene.graph.nodes))
    return notation.UNKNOWN if here is None or total is None else f"{here / max(total, 1):.0%}"


def describe_mistakes(graph: Graph, node: Node) -> list[str]:
    """Return the messages about a node that failed, and its input shapes if they name none."""
    taken = [graph[name] for name in node.inputs]
    got = [write_output_shape(each) for each in taken if each.facts]
    lines = [notation.write_message(each) for each in node.errors[:MISTAKES]]
    if any(shape not in " ".join(lines) for shape in got):
        lines.append(f"got {', '.join(got)}")
    return lines


# --- rows ----------------------------------------------------------------------------------------


def arrange_cells(
    scene: Scene, symbols: Symbols, across: bool, heat: Heat | None = None
) -> dict[str, Rows]:
    """Return the rows of cells of each box, by its name; none for a folded block.

    All cells are in one row, or the first is in a row by itself if a box is long, or one beside it
    is. In a picture that runs across the page each cell has a row, so that boxes are rather high
    than wide.
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

    Graphviz's sizes are not known here, and differ with the font.
    """
    widths = [
        sum(round(LETTER * max(map(len, (cell.text, *cell.notes)))) + PADDING for cell in row)
        for row in rows
    ]
    lines = sum(1 + max(len(cell.notes) for cell in row) for row in rows)
    return max(widths), LINE * lines


def measure_title(letters: int) -> int:
    """Return about how wide a frame's title of some letters is, with space beside it, in points."""
    return SMALL_LETTER * (letters + 1)


# --- folded blocks -------------------------------------------------------------------------------


def describe_shapes(scene: Scene, box: Box) -> list[str]:
    """Return the shapes that enter and leave a folded block.

    For a repeat, they are those of each repetition, or what enters the first and leaves the last.
    """
    if scene.second is None or scene.is_gone(box):
        ends = (
            [edge.value for edge in scene.edges if edge.head == box.name],
            [edge.value for edge in scene.edges if edge.tail == box.name],
        )
    else:
        ends = _find_ends(scene.second, scene.first_repetition(box))
    taken, given = (", ".join(dict.fromkeys(map(write_output_shape, values))) for values in ends)
    repeat = scene.repeats.get(box.name)
    if repeat is None:
        return [f"{taken} → {given}"]
    if taken == given and not repeat.describe_changes():
        return [f"each {taken} → {given}"]
    return [f"first in {taken}", f"last out {given}"]


def _find_ends(graph: Graph, nodes: Iterable[Node]) -> tuple[list[Node], list[Node]]:
    """Return the values that enter and leave some nodes, those of them that are in a graph."""
    inside = {node.name for node in nodes if node.name in graph.by_name}
    taken = [graph[i] for node in graph if node.name in inside for i in node.inputs]
    outside = {i for node in graph if node.name not in inside for i in node.inputs}
    given = [node for node in graph if node.name in inside & {*outside, *graph.outputs}]
    return [node for node in taken if node.name not in inside], given


def describe_ranges(box: Box) -> list[str]:
    """Return what differs between the repetitions of a folded block: `drop_path 0 to 0.2`.

    A value is called by the block's param that has it, if there is one.
    """
    found: dict[str, None] = {}
    for node in box.nodes:
        params = {
            value: name
            for region in node.regions
            for name, value in region.params.items()
            if isinstance(value, Symbol)
        }
        for name, value in node.arguments.items():
            if isinstance(value, Symbol):
                found[f"{params.get(value, f'{notation.write_title(node)} {name}')} {value}"] = None
    return [*found]


def describe_params(scene: Scene, box: Box) -> str:
    """Return the number of parameters of a folded block; for a repeat that of all and of each.

    As papers do, it counts those that are trained, and besides those of frozen layers.
    """
    parts = list_repetitions(scene, box)
    each = [sum(map(count_trainable_params, nodes)) for nodes in parts]
    frozen = sum(
        count_params(node) for nodes in parts for node in nodes if not count_trainable_params(node)
    )
    text = f"{notation.write_count(sum(each))} parameters"
    if len(each) > 1:
        ends = dict.fromkeys(notation.write_count(end) for end in (min(each), max(each)))
        text += f", {' to '.join(ends)} each"
    return f"{text}, {notation.write_count(frozen)} frozen" if frozen else text


def count_layers(scene: Scene, box: Box) -> Counter[tuple[str, str]]:
    """Return how many layers of each title and Keras class a folded block holds.

    A block inside is one thing, of no class. For a repeat, they are those of one repetition.
    """
    depth = [region.path for region in box.nodes[0].regions].index(box.block) + 1
    things: dict[str, tuple[str, str]] = {}
    for node in list_repetitions(scene, box)[0]:
        if notation.has_no_effect(node):
            continue
        block = next((region for region in node.regions[depth:] if region.title), None)
        if block:
            things[block.path] = block.title, ""
        else:
            things[node.name] = notation.write_title(node), node.op
    ops = {title: op for title, op in things.values()}
    count = Counter(title for title, _ in things.values())
    return Counter({(title, ops[title]): number for title, number in count.items()})


def describe_done(scene: Scene, box: Box) -> list[str]:
    """Return what is done inside a folded block, in lines: `+ 2  ~ 1  of 9 layers`."""
    nodes, kind = list_repetitions(scene, box)[0], scene.find_done(box)
    counts = Counter(each for node in nodes for each in scene.find_kinds([node]))
    if len(counts) > 1:
        words = [f"{SIGNS[each]} {counts[each]}" for each in SIGNS if counts[each]]
        return ["  ".join([*words, f"of {len(nodes)} layers"])]
    if kind == "changed" and "" in counts:
        return ["other connections"]
    held = [f"{number} {name}" for (name, _), number in count_layers(scene, box).items()]
    return wrap_words(held) if kind else []


def wrap_use(use: Mapping[str, str]) -> list[str]:
    """Return the values of a use of a block in lines: `filters=64, strides=2`."""
    return wrap_words(f"{name}={value}" for name, value in use.items())


def wrap_words(words: Iterable[str]) -> list[str]:
    """Return words in lines that are not long, with commas."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) <= LONG_LINE:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines


def list_repetitions(scene: Scene, box: Box) -> list[Sequence[Node]]:
    """Return the nodes of each repetition of a box, in the first repetition of those around it."""
    nodes, repeat = scene.first_repetition(box), scene.repeats.get(box.name)
    length = len(nodes) // (repeat.times if repeat else 1)
    return [nodes[start : start + length] for start in range(0, len(nodes), length)]


# --- tooltips ------------------------------------------------------------------------------------


def describe_box(scene: Scene, box: Box) -> list[str]:
    """Return a line for each layer of a box: name, shape, costs, inputs, and where written."""
    first, last = box.nodes[0], box.represented[-1]
    if box.block:
        title = join_title(scene.list_title_lines(box.block))
        shapes = ", ".join(describe_shapes(scene, box))
        facts = _list_facts(title, f"{len(box.represented)} layers", box.represented, shapes)
        return [", ".join([*facts, _write_location(first)])]
    lines = []
    for node in box.nodes:
        kind = scene.find_kind(node.name)
        name = f"{kind}: {node.name}" if kind in ("added", "changed", "moved") else node.name
        facts = _list_facts(name, node.op, [node], write_output_shape(node))
        facts += [f"takes {' and '.join(node.inputs)}"] if node.inputs else []
        lines.append(", ".join([*facts, _write_location(node)]))
    others = len(box.represented) - len(box.nodes)
    return [*lines, f"and {others} more like this, to {last.name}"] if others else lines


def _list_facts(name: str, kind: str, nodes: Sequence[Node], shape: str) -> list[str]:
    """Return name, kind, shape and costs of some layers together."""
    weights, macs = sum_cost("params", nodes), sum_cost("macs", nodes)
    facts = [name, kind, shape]
    facts += [f"{weights:,} parameters"] if weights else []
    facts += [f"{macs:,} MACs"] if macs else []
    return facts


def _write_location(node: Node) -> str:
    """Return where a node is written, such as "resnet18.yaml:31"."""
    return f"{Path(node.span.source.name).name}:{node.span.line}"
