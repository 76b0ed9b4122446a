"""Write the difference between two networks as text, for a terminal or as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from archspec import notation
from archspec.differences.data import to_plain
from archspec.differences.difference import Difference
from archspec.differences.patterns import Names, write_names
from archspec.differences.rows import Row, RowKind, make_rows
from archspec.differences.values import write_pair
from archspec.graph import Graph
from archspec.syntax.writer import write_value as write_flow

Paint = Callable[[str, RowKind], str]
SIGNS: Mapping[RowKind, str] = {
    "added": "+",
    "removed": "-",
    "changed": "~",
    "replaced": "~",
    "several": "~",
    "moved": "@",
    "rewired": ">",
    "renamed": "=",
    "outputs": ">",
    "follow": ".",
}
WIDTH = 100
WORDS = 36  # of the column of what an edit does, if the names leave no more
LONG = re.compile(r"\{((?:[^},]+,){2}[^},]+),[^}]*\}")  # numbers in braces, more than three
SHOWN = 3  # patterns of a row; the rest is counted


def plain(text: str, kind: RowKind) -> str:
    """Return a text without colour."""
    return text


def write_text(
    difference: Difference,
    depth: int | None = None,
    full: bool = False,
    paint: Paint = plain,
) -> str:
    """Return a difference as lines of a terminal. depth, full: as `make_rows` takes them.

    paint: colours a text by the kind of its row.
    """
    names, verdict = " -> ".join(difference.names), write_verdict(difference)
    is_long = len(f"{names}: {verdict}") > WIDTH
    lines = [f"{names}:", f"    {verdict}"] if is_long else [f"{names}: {verdict}"]
    for line in list_settings(difference):
        lines += wrap(line, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 12)
    if difference.is_same or difference.is_alike:
        rows = make_rows(difference, depth, full)
        lines += _lay_out([_list_cells(row, full) for row in rows], rows, paint)
        for line in list_looked_through(difference):
            lines += wrap(line, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    else:
        for line in list_ops(difference):
            lines += wrap(line, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    lines += [f"    {line}" for line in list_totals(difference)]
    return "\n".join(lines) + "\n"


def write_markdown(difference: Difference, depth: int | None = None, full: bool = False) -> str:
    """Return a difference as Markdown: a table of its rows, and lines of what else there is."""
    names = " → ".join(map(_escape, difference.names))
    lines = [f"**{names}**: {_escape(write_verdict(difference))}", ""]
    if difference.is_same or difference.is_alike:
        rows = make_rows(difference, depth, full)
        if rows:
            lines += ["| | where | what | params | MACs | times |", "|---|---|---|--:|--:|--:|"]
        for row in rows:
            where, what, *costs = _list_cells(row, full)
            names = f"`{where}`" if where else ""
            cells = [f"`{SIGNS[row.kind]}`", names, _escape(what), *costs]
            lines.append(f"| {' | '.join(cells)} |")
        lines += [""] * bool(rows)
        others = list_looked_through(difference)
    else:
        others = list_ops(difference)
    found = [*list_settings(difference), *others, *list_totals(difference)]
    return "\n".join([*lines, *(f"- {_escape(line)}" for line in found)]) + "\n"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def _list_cells(row: Row, full: bool) -> tuple[str, str, str, str, str]:
    """Return the cells of a row: where, what, params, MACs, times."""
    times = f"{row.times} times" if row.times > 1 and row.where else ""
    return (
        write_where(row, full),
        row.what,
        write_signed(row.params),
        write_signed(row.macs),
        times,
    )


def write_where(row: Row, full: bool) -> str:
    """Return where the edits of a row are, with the names of a Keras model behind those of a spec.

    full: whether all patterns are written, however many.
    """
    join = ", ".join if full else _join_some
    where = join(row.where)
    if row.there and row.there != row.where:
        first, *others = row.there if full else [LONG.sub(r"{\1,...}", each) for each in row.there]
        more = f" and {len(others)} more" if len(others) > 1 else ""
        where += f" ({', '.join([first, *others]) if full or not more else first + more})"
    return where


def _join_some(patterns: Sequence[str]) -> str:
    """Return patterns in a row, of many the first and the number of the rest."""
    if len(patterns) <= SHOWN:
        return ", ".join(patterns)
    return f"{', '.join(patterns[: SHOWN - 1])} and {len(patterns) - SHOWN + 1} more"


def write_signed(value: int | None) -> str:
    """Return a count with its sign; nothing for 0.

    >>> write_signed(102_400), write_signed(-3), write_signed(0), write_signed(None)
    ('+102 K', '-3', '', '?')
    """
    if value is None:
        return notation.UNKNOWN
    return f"{'-' if value < 0 else '+'}{notation.write_count(abs(value))}" if value else ""


def _lay_out(cells: Sequence[tuple[str, ...]], rows: Sequence[Row], paint: Paint) -> list[str]:
    """Return rows in columns, under headings of the columns of numbers."""
    if not rows:
        return []
    headings = ("", "", "params", "MACs", "")
    numbers = [
        max(len(text) for text in (heading, *column)) if any(column) else 0
        for heading, column in list(zip(headings, zip(*cells, strict=True), strict=True))[2:]
    ]
    right = sum(width + 2 for width in numbers if width)
    room = WIDTH - 6 - right
    words = min(max(len(what) for _, what, *_ in cells), WORDS)
    names = min(max(len(where) for where, *_ in cells), room - words)
    words = min(max(len(what) for _, what, *_ in cells), room - names)
    gap = "  " if names else ""  # outputs have no place
    lines = []
    for row, (where, what, *costs) in zip(rows, cells, strict=True):
        last = "".join(
            f"  {cost:>{width}}" for cost, width in zip(costs, numbers, strict=True) if width
        )
        at = wrap(where, max(names, 1), break_on_hyphens=False, break_long_words=False) or [""]
        said = wrap(what, max(words, 1), break_on_hyphens=False, break_long_words=False) or [""]
        overflows = any(len(each) > names for each in at)
        first = len(at) if overflows else 0
        said = [""] * first + said
        for line in range(max(len(at), len(said))):
            name = at[line] if line < len(at) else ""
            text = said[line] if line < len(said) else ""
            sign = SIGNS[row.kind] if not line else " "
            begin = f"  {paint(sign, row.kind)} {paint(name, row.kind)}"
            begin += " " * (names - len(name)) + gap
            costs_here = last if line == first else ""
            lines.append(f"{begin}{text:{words}}{costs_here}".rstrip())
    if any(numbers[:2]):
        head = "".join(
            f"  {heading:>{width}}"
            for heading, width in zip(headings[2:], numbers, strict=True)
            if width
        )
        lines.insert(0, f"{'':{4 + names + len(gap) + words}}{head}".rstrip())
    return lines


def list_settings(difference: Difference) -> list[str]:
    """Return lines on what differs in params and in the recipe, and in the order of the inputs."""
    both = {
        name: values
        for name, values in difference.spec_params.items()
        if name in difference.a.params and name in difference.b.params
    }
    lines = []
    for title, found in (("params", both), ("recipe", difference.recipe)):
        if found:
            words = ", ".join(
                f"{name} {' -> '.join(_write_settings(a, b))}" for name, (a, b) in found.items()
            )
            lines.append(f"{title}: {words}")
    if difference.inputs_reordered:
        orders = (", ".join(graph.inputs) for graph in (difference.a, difference.b))
        lines.append(f"order of the inputs: {' -> '.join(orders)}")
    return lines


def list_looked_through(difference: Difference) -> list[str]:
    """Return a line on the groups that one side alone has, around steps that both have; none beside
    a Keras model, which has no groups."""
    lines: list[str] = []
    if difference.is_across:
        return lines
    for graph, name, paths in zip(
        (difference.a, difference.b),
        difference.names,
        difference.matching.looked_through,
        strict=True,
    ):
        if paths:
            written = write_names(paths, Names.of(graph))
            groups = "a group" if len(paths) == 1 else "groups"
            lines.append(f"{_join_some(written)}: {groups} in {name} alone")
    return lines


def list_ops(difference: Difference) -> list[str]:
    """Return lines on the classes of layers of two networks that have little in common."""
    counts = [Counter(node.op for node in graph) for graph in (difference.a, difference.b)]
    words = [
        f"{op} {counts[0][op]} -> {counts[1][op]}"
        for op in dict.fromkeys((*counts[0], *counts[1]))
        if counts[0][op] != counts[1][op]
    ]
    return [", ".join(words)] if words else []


def write_verdict(difference: Difference) -> str:
    """Return whether two networks are the same, and if not how many of their layers are."""
    if difference.is_same:
        return f"the same network{write_but(difference)}"
    if not difference.is_alike:
        return "two networks that have little in common"
    a, b = difference.a, difference.b
    total, same = len(a.nodes) - len(a.inputs), difference.untouched
    follow = len(difference.follow.names)
    kept = sum(each not in a.inputs for each in difference.pairs)
    layers, are = "layer" if total == 1 else "layers", "is" if 1 in (same, total) else "are"
    words = [f"{same or 'none'} of {total:,} {layers} {are} the same"]
    counts = (
        (kept - same - follow, "differs", "differ"),
        (follow, "only in shape", "only in shape"),
        (total - kept, "is gone", "are gone"),
        (len(b.nodes) - len(b.inputs) - kept, "is added", "are added"),
    )
    words += [f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count]
    return ", ".join(words)


def list_totals(difference: Difference) -> list[str]:
    """Return a line on the costs of both networks; none if they are the same."""
    if difference.is_same:
        return []
    a, b = difference.a, difference.b
    costs = [_write_params(a.total_params, b.total_params), _write_macs(a.macs, b.macs)]
    shapes = [_write_outputs(graph) for graph in (a, b)]
    output = shapes[0] if shapes[0] == shapes[1] else " -> ".join(shapes)
    return [", ".join([*costs, f"output {output}"])]


def write_but(difference: Difference) -> str:
    """Return what differs all the same in one network: names, orders."""
    found = []
    if count := len(difference.reordered):
        merges = "a merge takes its" if count == 1 else f"{count} merges take their"
        found.append(f"the order in which {merges} inputs")
    if difference.inputs_reordered:
        found.append("the order of its inputs")
    if not difference.is_across and any(a != b for a, b in difference.pairs.items()):
        found.append("names")
    return f", but for {' and '.join(found)}" if found else ""


def _write_params(a: int, b: int) -> str:
    return f"{a:,} params" if a == b else f"{a:,} -> {b:,} params{_write_percent(a, b)}"


def _write_macs(a: int | None, b: int | None) -> str:
    """Return the MACs in three digits; exactly what there are more where these say nothing."""
    before, after = notation.write_count(a), notation.write_count(b)
    if before != after:
        return f"{before} -> {after} MACs{_write_percent(a, b)}"
    more = f" ({b - a:+,})" if a is not None and b is not None and a != b else ""
    return f"{before} MACs{more}"


def _write_percent(a: int | None, b: int | None) -> str:
    """Return by how much the second is more, in percent; nothing where that rounds to 0."""
    if not a or b is None:
        return ""
    percent = f"{100 * (b / a - 1):+.1f}%"
    return f" ({percent})" if percent.strip("+-0.%") else ""


def _write_outputs(graph: Graph) -> str:
    return ", ".join(notation.write_shape(graph.shape(name)) for name in graph.outputs)


def _write_settings(a: Any, b: Any) -> tuple[str, str]:
    """Return both values of a param or of a key of the recipe as a spec has them."""
    a, b = (
        write_flow(to_plain(each)) if isinstance(each, Mapping | list | tuple) else each
        for each in (a, b)
    )
    return write_pair(a, b)
