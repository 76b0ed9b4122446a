"""Write the table of a graph, or of several side by side, as text, Markdown or JSON.

    print(to_text([load("specs/lenet5.yaml")]))          one network, layer by layer
    print(to_text([lenet5, resnet18], form="markdown"))  several, side by side
    json.loads(to_text([lenet5], form="json"))           exact numbers

The numbers are those of `analysis.summary`; a cell is `?` where one is unknown, and empty for 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict
from tabulate import SEPARATING_LINE, tabulate

from archspec import notation
from archspec.analysis.batches import BatchFit, write_limit
from archspec.analysis.measures import BYTES, LAYER_MEASURES, MEASURES, ROWS, Measure, Unit
from archspec.analysis.summary import (
    LayerRow,
    Summary,
    Totals,
    compute_totals,
    find_fitting_depth,
    summarize,
)
from archspec.display import TABLE_STYLES
from archspec.graph import Graph

# How networks are trained that are compared, whatever their recipes are.
ALIKE = {"batch_size": 32, "precision": "float32", "optimizer": "Adam"}
GATES = "which see the whole input and scale a value; depth and field are those of paths without"
T = TypeVar("T")


def to_text(
    graphs: Sequence[Graph],
    depth: int | None = None,
    form: str = "text",
    batch_size: int | None = None,
    precision: str | None = None,
    inputs: bool = False,
    limit: int | None = None,
) -> str:
    """Return the table of one graph, layer by layer, or of several, side by side.

    depth: fold blocks that are nested deeper than that; None folds only what a page cannot hold.
    form: "text", "markdown" or "json"; JSON folds only to a given depth.
    batch_size, precision: for the memory; None for those of the recipe, or, with several graphs,
        for 32 and float32.
    inputs: whether the rows of one graph say what they take that is not the row above.
    limit: bytes of a memory, to tell the largest batch whose training fits in it.
    """
    given = {"batch_size": batch_size, "precision": precision}
    training = {name: value for name, value in given.items() if value is not None}
    if form == "json":
        each = [to_json(summarize(graph, depth, limit, **training)) for graph in graphs]
        return json.dumps(each[0] if len(each) == 1 else each, indent=2, ensure_ascii=False) + "\n"
    if len(graphs) == 1:
        depth = depth or find_fitting_depth(graphs[0])
        return _lay_out_one(summarize(graphs[0], depth, limit, **training), form, inputs)
    return _lay_out_several(
        [(graph, compute_totals(graph, limit, **{**ALIKE, **training})) for graph in graphs], form
    )


# --- text ----------------------------------------------------------------------------------------


class Column(Struct, frozen=True):
    """A column of a table. total: its cell in the line of totals."""

    heading: str
    cells: tuple[str, ...]
    total: str = ""
    align: str = "right"


def _make_column(
    heading: str,
    rows: Sequence[T],
    write: Callable[[T], str],
    total: str = "",
    align: str = "right",
) -> Column:
    return Column(heading, tuple(map(write, rows)), total, align)


def _lay_out_one(summary: Summary, form: str, inputs: bool) -> str:
    """Return the text of one network: its rows, then its totals in words."""
    rows = summary.rows
    columns = [
        _make_column("layer", rows, lambda row: row.name, "total", "left"),
        _make_column("op", rows, _describe, align="left"),
        _make_column("output", rows, lambda row: notation.write_shape(row.shape)),
    ]
    for measure in LAYER_MEASURES:
        if measure.heading:
            columns += _make_columns(measure, rows, summary.totals.values[measure.name])
    columns += [
        _make_column("field", rows, lambda row: ROWS.write(row.field and row.field.size)),
        _make_column("stride", rows, lambda row: ROWS.write(row.field.stride) if row.field else ""),
    ]
    if inputs:
        taken = tuple(_list_other_inputs(summary))
        columns.append(Column("inputs", taken, align="left"))
    title = ": ".join(filter(None, (summary.name, summary.description)))
    folded = f"Blocks are folded to depth {summary.depth}.\n\n" if summary.depth else ""
    return f"{title}\n\n{folded}{_tabulate(columns, form)}\n\n{_list_facts(summary, form)}\n"


def _list_other_inputs(summary: Summary) -> Iterator[str]:
    """Yield what each row takes, or "" where that is the row above it alone.

    The names are as a `from` beside the row would have them: without the groups around both.
    """
    above = ""
    for row in summary.rows:
        in_above = [each == above or each.startswith(f"{above}.") for each in row.inputs]
        names = (notation.name_from(row.name, each) for each in row.inputs)
        yield "" if in_above == [True] else ", ".join(names)
        above = row.name


def _make_columns(
    measure: Measure, rows: Sequence[LayerRow], total: int | None
) -> Iterator[Column]:
    """Yield the column of a measure, and that of each layer's share if the measure has one."""
    name, unit = measure.name, measure.unit
    yield _make_column(
        measure.heading, rows, lambda row: _write_cell(unit, row.costs[name]), unit.write(total)
    )
    if measure.share:
        yield _make_column("%", rows, lambda row: _write_share(row.costs[name], total))


def _lay_out_several(rows: Sequence[tuple[Graph, Totals]], form: str) -> str:
    """Return the text of several networks, one a row, all trained alike."""
    shown = [measure for measure in MEASURES if measure.heading_beside]
    columns = [_make_column("network", rows, lambda row: row[0].name, align="left")]
    for measure in shown:
        cells = [_write_cell(measure.unit, total.values[measure.name]) for _, total in rows]
        columns.append(Column(measure.heading_beside, tuple(cells)))
    columns += [
        _make_column("input", rows, lambda row: _write_shapes(row[0], row[0].inputs), align="left"),
        _make_column(
            "output", rows, lambda row: _write_shapes(row[0], row[0].outputs), align="left"
        ),
    ]
    training = asdict(rows[0][1].memory)
    legends = [
        f"{measure.heading_beside}: {measure.legend.format(**training)}"
        for measure in shown
        if measure.legend
    ]
    batches = [total.batch for _, total in rows if total.batch is not None]
    if batches:
        largest = (
            notation.UNKNOWN if each.batch_size is None else str(each.batch_size or "none")
            for each in batches
        )
        columns.insert(-2, Column("batch", tuple(largest)))
        legends.append(
            f"batch: the largest that fits in {write_limit(batches[0].limit)}, as computed"
        )
    legends += [f"gates: {GATES}"] if any(total.gates for _, total in rows) else []
    return f"{_tabulate(columns, form)}\n\n{'. '.join(legends)}.\n"


def _list_facts(summary: Summary, form: str) -> str:
    """Return the totals exactly, and what was counted, one a line."""
    totals, memory, batch = summary.totals.values, summary.totals.memory, summary.totals.batch
    params, fixed = totals["params"], totals["non_trainable_params"]
    keeps = f"{memory.slots} more for each" if memory.slots else "nothing"
    copy = ", and its 16-bit copy" if memory.precision.startswith("mixed") else ""
    facts = {
        "parameters": f"{params:,}, all trained"
        if not fixed
        else f"{params:,}: {totals['trainable_params']:,} trained, {fixed:,} fixed "
        "(moving statistics, frozen layers)",
        **(
            {"frozen": f"{frozen:,} of them, by train.freeze; the memory below is that without it"}
            if (frozen := summary.totals.frozen)
            else {}
        ),
        **{
            measure.fact[0]: _write_fact(measure.unit, totals[measure.name], measure.fact[1])
            for measure in MEASURES
            if measure.fact
        },
        **({"gates": f"{summary.totals.gates}, {GATES}"} if summary.totals.gates else {}),
        "training memory": _write_fact(
            BYTES,
            memory.total,
            f"{{}} at batch {memory.batch_size}, {memory.precision}, {memory.optimizer}",
        ),
        "= weights": f"{notation.write_size(memory.weights)}: each weight once{copy}",
        "+ gradients": f"{notation.write_size(memory.gradients)}: one for each trained weight",
        "+ optimizer": f"{notation.write_size(memory.optimizer_state)}: "
        f"{memory.optimizer} keeps {keeps}",
        "+ activations": _write_fact(
            BYTES,
            memory.activations,
            "{}: the values that the backward pass reads, for the whole batch",
        ),
        "+ backward": _write_fact(
            BYTES, memory.backward, "{}: gradients of two outputs as large as the largest"
        ),
        "+ batch": _write_fact(BYTES, memory.inputs, "{}: its inputs"),
        "not counted": "the framework, its workspaces, and values that are gone at once",
        **({"largest batch": _write_batch(batch)} if batch else {}),
        "fingerprint": summary.fingerprint,
    }
    if form == "text":
        return "\n".join(f"{name:16} {fact}" for name, fact in facts.items())
    lines = (f"- {name}: {fact}" for name, fact in facts.items())
    return "\n".join(re.sub(r"^- [=+] ", "  - ", line) for line in lines)


def _write_batch(batch: BatchFit) -> str:
    """Return the largest batch that fits in a memory, and how sure that is."""
    limit = write_limit(batch.limit)
    if batch.batch_size is None:
        return "unknown, as an axis is unknown (null)"
    if batch.batch_size == 0:
        return f"none: the training of one sample does not fit in {limit}"
    return (
        f"{batch.batch_size:,} in {limit} as computed, the framework left out; {batch.cautious:,} "
        f"if a sample takes {batch.factor:g} times as much, about the most that was measured"
    )


def _write_fact(unit: Unit, value: Any, text: str) -> str:
    """Return a text with a value for its {}; a value that is None has no text around it."""
    return unit.if_none if value is None else text.format(unit.write_in_full(value))


def _tabulate(columns: Sequence[Column], form: str) -> str:
    """Return the columns that are not empty, and a last line if one of them has a total."""
    shown = [column for column in columns if any(column.cells)]
    rows: list[Any] = [list(row) for row in zip(*(column.cells for column in shown), strict=True)]
    if any(column.total for column in shown):
        rows += [SEPARATING_LINE] if form == "text" else []
        rows.append([column.total for column in shown])
    return tabulate(
        rows,
        headers=[column.heading for column in shown],
        colalign=[column.align for column in shown],
        tablefmt=TABLE_STYLES[form],
        disable_numparse=True,
    )


def _describe(row: LayerRow) -> str:
    """Return what a row is: `Conv2D 3×3, 64, /2`; `residual, 7 layers`."""
    if row.layers > 1:
        return ", ".join(filter(None, (row.op, row.details)))
    shared = f"(shared: {row.reuses})" if row.reuses else ""
    return " ".join(filter(None, (row.op, row.details, shared)))


def _write_cell(unit: Unit, value: Any) -> str:
    """Return a value in three digits; nothing for 0."""
    return "" if value == 0 else unit.write(value)


def _write_share(part: int | None, whole: int | None) -> str:
    """Return percent; nothing for 0, or where part or whole is unknown."""
    if not part or not whole:
        return ""
    percent = 100 * part / whole
    return f"{percent:.1f}" if percent >= 0.05 else "<0.1"


def _write_shapes(graph: Graph, names: Iterable[str]) -> str:
    return ", ".join(notation.write_shape(graph.shape(name)) for name in names)


# --- json ----------------------------------------------------------------------------------------


def to_json(summary: Summary) -> dict[str, Any]:
    """Return a summary as data, all numbers exact; shapes without the batch axis."""
    return {
        "name": summary.name,
        "description": summary.description,
        "fingerprint": summary.fingerprint,
        "outputs": {name: list(shape[1:]) for name, shape in summary.outputs.items()},
        "totals": {
            **summary.totals.values,
            "training_memory": asdict(summary.totals.memory),
            **({"largest_batch": asdict(batch)} if (batch := summary.totals.batch) else {}),
        },
        "layers": [_row_to_json(row) for row in summary.rows],
    }


def _row_to_json(row: LayerRow) -> dict[str, Any]:
    field = row.field
    return {
        "name": row.name,
        "op": row.op,
        "shape": list(row.shape[1:]),
        **row.costs,
        "receptive_field": list(field.size) if field else None,
        "stride": [_to_number(each) for each in field.stride] if field else None,
        "inputs": list(row.inputs),
        "reuses": row.reuses,
        "layers": row.layers,
    }


def _to_number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
