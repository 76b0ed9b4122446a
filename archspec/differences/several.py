"""Compare more than two networks: a column for each of those that differ from the first."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from tabulate import tabulate

from archspec import notation
from archspec.differences.difference import Difference
from archspec.differences.rows import make_rows
from archspec.differences.text import SIGNS, list_settings, write_but
from archspec.display import TABLE_STYLES

WIDTH = 30  # of a column, where text is not Markdown


def write_table(
    differences: Sequence[Difference],
    depth: int | None = None,
    full: bool = False,
    form: str = "text",
) -> str:
    """Return a table of differences from one network: a row for each place, a column for each of
    the others. depth, full: as `make_rows` takes them. form: a name of `TABLE_STYLES`."""
    first = differences[0]
    cells: dict[str, dict[int, list[str]]] = {}
    for column, difference in enumerate(differences):
        for line in list_settings(difference):
            title, _, words = line.partition(": ")
            cells.setdefault(title, {}).setdefault(column, []).append(words)
    for column, difference in enumerate(differences):
        for place, words in _list_changes(difference, depth, full):
            cells.setdefault(place, {}).setdefault(column, []).append(words)
    rows = [
        [place, "", *(", ".join(by_column.get(column, ())) for column in range(len(differences)))]
        for place, by_column in cells.items()
    ]
    rows += [
        [
            "params",
            f"{first.a.total_params:,}",
            *(f"{each.b.total_params:,}" for each in differences),
        ],
        [
            "MACs",
            *map(notation.write_count, (first.a.macs, *(each.b.macs for each in differences))),
        ],
        ["fingerprint", first.a.fingerprint, *(each.b.fingerprint for each in differences)],
    ]
    headers = ["", first.names[0], *(each.names[1] for each in differences)]
    if form != "markdown":
        rows = [
            [
                "\n".join(wrap(cell, WIDTH, break_long_words=False, break_on_hyphens=False))
                for cell in row
            ]
            for row in rows
        ]
    return f"{tabulate(rows, headers, TABLE_STYLES[form], disable_numparse=True)}\n"


def _list_changes(difference: Difference, depth: int | None, full: bool) -> list[tuple[str, str]]:
    """Return the place and the words of each row; of several patterns each has a place."""
    if difference.is_same:
        return [("", f"the same network{write_but(difference)}")]
    if not difference.is_alike:
        return [("", "little in common")]
    found = []
    for row in make_rows(difference, depth, full):
        times = f", {row.times} times" if row.times > 1 and len(row.where) == 1 else ""
        words = f"{SIGNS[row.kind]} {row.what}{times}"
        found += [(place, words) for place in row.where or ("",)]
    return found
