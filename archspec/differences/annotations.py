"""Write the difference between two networks as notes at the lines that changed."""

from __future__ import annotations

from archspec.differences.difference import Difference
from archspec.differences.rows import Row, make_rows
from archspec.differences.text import (
    list_ops,
    list_totals,
    write_signed,
    write_verdict,
    write_where,
)
from archspec.errors import Diagnostic, Source, Span

WHOLE = "diff"  # the title of the note on the whole


def list_notes(
    difference: Difference, depth: int | None = None, full: bool = False
) -> list[Diagnostic]:
    """Return a note on the whole, at the file of the second network, then one for each row, at the
    step that it is about. depth, full: as `make_rows` takes them."""
    side = 0 if difference.models[1] and not difference.models[0] else 1
    file = difference.files[side] or difference.names[side]
    whole = Span(Source(file, ()), 1, 1, 1, 1)
    said = [write_verdict(difference), *list_totals(difference)]
    lines = [f"{' -> '.join(difference.names)}: {'; '.join(said)}"]
    if not difference.is_same and not difference.is_alike:
        lines += list_ops(difference)
        return [Diagnostic(WHOLE, "; ".join(lines), whole, severity="note")]
    notes = [Diagnostic(WHOLE, lines[0], whole, severity="note")]
    for row in make_rows(difference, depth, full):
        if row.kind != "follow":
            span = _find_span(difference, row) or whole
            notes.append(Diagnostic(row.kind, _write(row), span, severity="note"))
    return notes


def _find_span(difference: Difference, row: Row) -> Span | None:
    """Return where the first layer of a row is written, in the second network if it is there; in a
    Keras model nothing is written."""
    first, second = difference.models
    for index in row.edits:
        edit = difference.edits[index]
        for graph, name, is_model in (
            (difference.b, edit.b, second),
            (difference.a, edit.a, first),
        ):
            if name in graph.by_name and not is_model:
                return graph[str(name)].span
    return None


def _write(row: Row) -> str:
    costs = [f"{write_signed(row.params)} params"] if row.params else []
    costs += [f"{write_signed(row.macs)} MACs"] if row.macs else []
    times = [f"{row.times} times"] if row.times > 1 else []
    begin = f"{write_where(row, full=True)}: " if row.where else ""
    return begin + ", ".join([f"{row.kind}: {row.what}", *costs, *times])
