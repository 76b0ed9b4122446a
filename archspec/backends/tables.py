"""A graph as a table: what each layer costs, and what the whole does.

    print(to_text([load("specs/lenet5.yaml")]))          one network, layer by layer
    print(to_text([lenet5, resnet18], form="markdown"))  several, side by side
    json.loads(to_text([lenet5], form="json"))           exact numbers

MACs are multiply-accumulates of one sample in convolutions, dense layers and attention; a shared
layer counts its parameters once and its MACs at each call. What depends on an axis that is unknown
(null) is unknown as well, and a cell says `?`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, TypeVar

from tabulate import SEPARATING_LINE, tabulate

from archspec import notation
from archspec.analysis.measures import (
    Field,
    Memory,
    depth,
    elements,
    fields,
    peak_memory,
    receptive_field,
)
from archspec.graph import Graph, Node, Shape, params, trainable_params

FLOAT = 4  # bytes of a float32
LONGEST = 40  # rows that a table has before blocks are folded
TRAINING = ("batch_size", "precision", "optimizer")
ALIKE = {"batch_size": 32, "precision": "float32", "optimizer": "Adam"}  # to compare networks by
STYLES = {"text": "simple", "markdown": "github"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or a block with all that is in it.

    op: the Keras class, or the block's title. said: what a paper says of it, `3×3, 64, /2`.
    shape: of the (last) output, batch axis first. macs, activation_bytes (float32, one sample):
    None if unknown. field: None if an output value sees all of the input. layers: how many.
    """

    name: str
    op: str
    said: str
    shape: Shape
    params: int
    trainable_params: int
    macs: int | None
    activation_bytes: int | None
    field: Field | None
    inputs: tuple[str, ...]
    reuses: str | None
    layers: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all layers; `depth`, `receptive_field`, `memory` as `analysis` defines them."""

    params: int
    trainable_params: int
    macs: int | None
    activation_bytes: int | None
    depth: int
    receptive_field: tuple[int, ...] | None
    memory: Memory

    @property
    def non_trainable_params(self) -> int:
        return self.params - self.trainable_params


@dataclass(frozen=True, slots=True)
class Summary:
    """A network in rows and totals."""

    name: str
    description: str
    fingerprint: str
    outputs: Mapping[str, Shape]
    rows: tuple[Row, ...]
    totals: Totals
    depth: int | None


def summary(graph: Graph, depth: int | None = None, **training: Any) -> Summary:
    """The rows of a graph: every layer, or, with a depth, blocks nested deeper in one row each.

    training: `batch_size`, `precision`, `optimizer` for the memory, if not as the recipe says.
    """
    seen = fields(graph)
    rows = [_row(node, seen[node.name]) for node in graph.nodes]
    if depth is not None:
        rows = _folded(graph, rows, depth)
    return Summary(
        name=graph.name,
        description=graph.description,
        fingerprint=graph.fingerprint,
        outputs={name: graph.shape(name) for name in graph.outputs},
        rows=tuple(rows),
        totals=totals(graph, **training),
        depth=depth,
    )


def totals(graph: Graph, **training: Any) -> Totals:
    """What the whole graph costs; its memory as its recipe trains it, but for what is given."""
    recipe = {name: graph.train[name] for name in TRAINING if name in graph.train}
    return Totals(
        params=graph.total_params,
        trainable_params=graph.trainable_params,
        macs=graph.macs,
        activation_bytes=_sum(_activation(node) for node in graph.nodes),
        depth=depth(graph),
        receptive_field=receptive_field(graph),
        memory=peak_memory(graph, **{**recipe, **training}),
    )


def to_text(
    graphs: Sequence[Graph],
    depth: int | None = None,
    form: str = "text",
    batch_size: int | None = None,
    precision: str | None = None,
) -> str:
    """The table of one graph, layer by layer, or of several, side by side.

    depth: fold blocks that are nested deeper than that; None folds only what a page cannot hold.
    form: "text", "markdown" or "json", which folds only to a given depth.
    batch_size, precision: for the memory; None for those of the recipe, or, of several graphs, for
        32 and float32 of each.
    """
    given = {"batch_size": batch_size, "precision": precision}
    training = {name: value for name, value in given.items() if value is not None}
    if form == "json":
        each = [to_json(summary(graph, depth, **training)) for graph in graphs]
        return json.dumps(each[0] if len(each) == 1 else each, indent=2, ensure_ascii=False) + "\n"
    if len(graphs) == 1:
        return _alone(summary(graphs[0], depth or fitting_depth(graphs[0]), **training), form)
    return _side_by_side(
        [(graph, totals(graph, **{**ALIKE, **training})) for graph in graphs], form
    )


def fitting_depth(graph: Graph) -> int | None:
    """The greatest depth whose rows fit a page; None if every layer does, 1 if nothing fits."""
    if len(graph.nodes) <= LONGEST:
        return None
    deepest = max(len(node.regions) for node in graph.nodes)
    fitting = [n for n in range(1, deepest) if len({_place(each, n) for each in graph}) <= LONGEST]
    return max(fitting, default=1)


# --- rows ----------------------------------------------------------------------------------------


def _row(node: Node, field: Field | None) -> Row:
    return Row(
        name=node.name,
        op=node.op,
        said=", ".join(
            filter(None, (*notation.write_details(node), notation.write_activation(node)))
        ),
        shape=node.facts.shape if node.facts else (),
        params=params(node),
        trainable_params=trainable_params(node),
        macs=node.facts.macs if node.facts else None,
        activation_bytes=_activation(node),
        field=field,
        inputs=node.inputs,
        reuses=node.reuses,
        layers=1,
    )


def _activation(node: Node) -> int | None:
    size = elements(node)
    return None if size is None else size * FLOAT


def _place(node: Node, depth: int) -> str:
    """The name of the row that a node is in: its own, or that of a block around it."""
    return node.regions[depth - 1].path if len(node.regions) >= depth else node.name


def _folded(graph: Graph, rows: Iterable[Row], depth: int) -> list[Row]:
    """One row for each block at that depth, in the place of its first layer."""
    blocks: dict[str, list[Row]] = {}
    for node, row in zip(graph.nodes, rows, strict=True):
        blocks.setdefault(_place(node, depth), []).append(row)
    titles = {region.path: region.title for node in graph for region in node.regions}
    return [
        inside[0] if len(inside) == 1 else _block(path, titles[path], inside)
        for path, inside in blocks.items()
    ]


def _block(path: str, title: str, inside: Sequence[Row]) -> Row:
    """The sums of the rows of a block; what it gives and sees is what its last layer does."""
    names = {row.name for row in inside}
    outer = dict.fromkeys(name for row in inside for name in row.inputs if name not in names)
    return Row(
        name=path,
        op=title,
        said=f"{len(inside)} layers",
        shape=inside[-1].shape,
        params=sum(row.params for row in inside),
        trainable_params=sum(row.trainable_params for row in inside),
        macs=_sum(row.macs for row in inside),
        activation_bytes=_sum(row.activation_bytes for row in inside),
        field=inside[-1].field,
        inputs=tuple(outer),
        reuses=None,
        layers=len(inside),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum, unknown if one of them is."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


# --- text ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: what it says of a row, and of all of them in the line of totals."""

    heading: str
    cells: tuple[str, ...]
    total: str = ""
    align: str = "right"


def _alone(it: Summary, form: str) -> str:
    """One network: its rows, then its totals in words."""
    total = it.totals
    columns = [
        _column("layer", it.rows, lambda row: row.name, "total", "left"),
        _column("op", it.rows, _said, align="left"),
        _column("output", it.rows, lambda row: notation.write_shape(row.shape)),
        _column(
            "params", it.rows, lambda row: _some(row.params), notation.write_count(total.params)
        ),
        _column("%", it.rows, lambda row: _share(row.params, total.params)),
        _column(
            "fixed",
            it.rows,
            lambda row: _some(row.params - row.trainable_params),
            _some(total.non_trainable_params),
        ),
        _column("MACs", it.rows, lambda row: _some(row.macs), notation.write_count(total.macs)),
        _column("%", it.rows, lambda row: _share(row.macs, total.macs)),
        _column(
            "activation",
            it.rows,
            lambda row: notation.write_size(row.activation_bytes),
            notation.write_size(total.activation_bytes),
        ),
        _column("field", it.rows, lambda row: _axes(row.field.size if row.field else None)),
        _column("stride", it.rows, lambda row: _axes(row.field.stride) if row.field else ""),
    ]
    title = ": ".join(filter(None, (it.name, it.description)))
    folded = f"Blocks are folded to depth {it.depth}.\n\n" if it.depth else ""
    return f"{title}\n\n{folded}{_table(columns, form)}\n\n{_facts(it, form)}\n"


def _side_by_side(rows: Sequence[tuple[Graph, Totals]], form: str) -> str:
    """Several networks, one a row. Memory is for the same batch, precision and optimizer."""
    columns = [
        _column("network", rows, lambda row: row[0].name, align="left"),
        _column("params", rows, lambda row: notation.write_count(row[1].params)),
        _column("fixed", rows, lambda row: _some(row[1].non_trainable_params)),
        _column("MACs", rows, lambda row: notation.write_count(row[1].macs)),
        _column("activation", rows, lambda row: notation.write_size(row[1].activation_bytes)),
        _column("memory", rows, lambda row: notation.write_size(row[1].memory.total)),
        _column("depth", rows, lambda row: str(row[1].depth)),
        _column("field", rows, lambda row: _axes(row[1].receptive_field)),
        _column("input", rows, lambda row: _shapes(row[0], row[0].inputs), align="left"),
        _column("output", rows, lambda row: _shapes(row[0], row[0].outputs), align="left"),
    ]
    memory = rows[0][1].memory
    note = (
        f"memory: of training at batch {memory.batch_size}, {memory.precision}, "
        f"{memory.optimizer}. depth: layers with kernels on the longest path. "
        "field: receptive field, before a layer sees everything."
    )
    return f"{_table(columns, form)}\n\n{note}\n"


def _facts(it: Summary, form: str) -> str:
    """The totals exactly, and what was counted."""
    total, memory = it.totals, it.totals.memory
    fixed = total.non_trainable_params
    keeps = f"{memory.slots} more for each" if memory.slots else "nothing"
    copy = ", and its 16-bit copy" if memory.precision.startswith("mixed") else ""
    facts = {
        "parameters": f"{total.params:,}, all trained"
        if not fixed
        else f"{total.params:,}: {total.trainable_params:,} trained, {fixed:,} fixed "
        "(moving statistics, frozen layers)",
        "MACs": "unknown" if total.macs is None else f"{total.macs:,} for one sample",
        "depth": f"{total.depth} layers with kernels on the longest path",
        "receptive field": f"{_axes(total.receptive_field)}, before a layer sees everything",
        "training memory": f"{_bytes(memory.total)} at batch {memory.batch_size}, "
        f"{memory.precision}, {memory.optimizer}",
        "= weights": f"{_bytes(memory.weights)}: each weight once{copy}",
        "+ gradients": f"{_bytes(memory.gradients)}: one for each trained weight",
        "+ optimizer": f"{_bytes(memory.optimizer_state)}: {memory.optimizer} keeps {keeps}",
        "+ activations": f"{_bytes(memory.activations)}: "
        "the outputs that the backward pass reads, for the whole batch",
        "+ batch": f"{_bytes(memory.inputs)}: its inputs",
        "not counted": "the framework, its workspaces, and values within a layer",
        "fingerprint": it.fingerprint,
    }
    if form == "text":
        return "\n".join(f"{name:16} {fact}" for name, fact in facts.items())
    lines = (f"- {name}: {fact}" for name, fact in facts.items())
    return "\n".join(re.sub(r"^- [=+] ", "  - ", line) for line in lines)


def _column(
    heading: str,
    rows: Sequence[T],
    say: Callable[[T], str],
    total: str = "",
    align: str = "right",
) -> Column:
    return Column(heading, tuple(map(say, rows)), total, align)


def _table(columns: Sequence[Column], form: str) -> str:
    """The columns that say something, and a last line if one of them has a total."""
    shown = [column for column in columns if any(column.cells)]
    rows: list[Any] = [list(row) for row in zip(*(column.cells for column in shown), strict=True)]
    if any(column.total for column in shown):
        rows += [SEPARATING_LINE] if form == "text" else []
        rows.append([column.total for column in shown])
    return tabulate(
        rows,
        headers=[column.heading for column in shown],
        colalign=[column.align for column in shown],
        tablefmt=STYLES[form],
        disable_numparse=True,
    )


def _said(row: Row) -> str:
    """`Conv2D 3×3, 64, /2`; `residual, 7 layers`."""
    if row.layers > 1:
        return ", ".join(filter(None, (row.op, row.said)))
    shared = f"(shared: {row.reuses})" if row.reuses else ""
    return " ".join(filter(None, (row.op, row.said, shared)))


def _bytes(value: int | None) -> str:
    return "unknown" if value is None else notation.write_size(value)


def _some(value: int | None) -> str:
    """A count, or nothing for none."""
    return "" if value == 0 else notation.write_count(value)


def _share(part: int | None, whole: int | None) -> str:
    """Percent; nothing for none, or where part or whole is unknown."""
    if not part or not whole:
        return ""
    percent = 100 * part / whole
    return f"{percent:.1f}" if percent >= 0.05 else "<0.1"


def _axes(values: Sequence[int | Fraction] | None) -> str:
    """One number where all axes agree, else 3×1; `all` for everything."""
    if values is None:
        return "all"
    return "×".join(map(str, values if len(set(values)) > 1 else values[:1]))


def _shapes(graph: Graph, names: Iterable[str]) -> str:
    return ", ".join(notation.write_shape(graph.shape(name)) for name in names)


# --- json ----------------------------------------------------------------------------------------


def to_json(it: Summary) -> dict[str, Any]:
    """A summary as data, all numbers exact; shapes without the batch axis."""
    total, memory = it.totals, it.totals.memory
    return {
        "name": it.name,
        "description": it.description,
        "fingerprint": it.fingerprint,
        "outputs": {name: list(shape[1:]) for name, shape in it.outputs.items()},
        "totals": {
            "params": total.params,
            "trainable_params": total.trainable_params,
            "non_trainable_params": total.non_trainable_params,
            "macs": total.macs,
            "activation_bytes": total.activation_bytes,
            "training_bytes": memory.total,
            "training_memory": asdict(memory),
            "receptive_field": total.receptive_field and list(total.receptive_field),
            "depth": total.depth,
        },
        "layers": [_row_to_json(row) for row in it.rows],
    }


def _row_to_json(row: Row) -> dict[str, Any]:
    field = row.field
    return {
        "name": row.name,
        "op": row.op,
        "shape": list(row.shape[1:]),
        "params": row.params,
        "trainable_params": row.trainable_params,
        "macs": row.macs,
        "activation_bytes": row.activation_bytes,
        "receptive_field": list(field.size) if field else None,
        "stride": [_number(each) for each in field.stride] if field else None,
        "inputs": list(row.inputs),
        "reuses": row.reuses,
        "layers": row.layers,
    }


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
