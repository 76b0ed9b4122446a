"""Write the page of `archspec compare`: curves, Pareto fronts, a table, and the networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from statistics import fmean

import msgspec

from archspec.analysis.measures import MEASURES
from archspec.comparing.fronts import find_front
from archspec.comparing.table import (
    Comparison,
    NetworkRow,
    choose_columns,
    list_notes,
    measure_spread,
)
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.page.html import write_html
from archspec.page.networks import Collector, ComparisonData, RunData
from archspec.pictures.boxes import View
from archspec.pictures.render import to_svg

TITLE = "Comparison"


def write_comparison_page(comparison: Comparison) -> str:
    """Return the page of a comparison."""
    page = Collector(View())
    for row in comparison.rows:
        page.add(row.graph, name=row.name)
    usual, measured = comparison.usual, comparison.measured
    columns = choose_columns(comparison)
    fronts = [_find_front(comparison.rows, which) for which in (0, 1)]
    rows = [
        RunData(
            row.name,
            index,
            [write(row) for write in columns.values()],
            [_find_key(row, title, measured) for title in columns],
            _known(row.value),
            _known(row.deviation) or 0.0,
            [*_list_curve(row)],
            _list_costs(row),
            (row.name in fronts[0], row.name in fronts[1]),
            not row.differs,
        )
        for index, row in enumerate(comparison.rows)
    ]
    first = next((row.results[0] for row in comparison.rows if row.results), None)
    curved = ""
    if first is not None:
        part = "validation" if "validation" in first.facts["data"]["images"] else "training"
        curved = f"{part} {first.measure}"
    words = [usual[key] for key in ("data", "images", "trained") if key in usual]
    data = ComparisonData(
        ", ".join(words),
        measured,
        any(row.is_loss for row in comparison.rows),
        curved,
        [*columns],
        rows,
        list_notes(comparison),
    )
    pictures = (_draw(row.graph) for row in comparison.rows)
    return write_html(TITLE, msgspec.json.encode(page.gather(comparison=data)), *pictures)


def _draw(graph: Graph) -> str:
    """Return the picture that is printed of a network; none where there are no fonts: a page of
    what took days to train is written anyway."""
    try:
        return to_svg(graph)
    except UserError:
        return ""


def _list_curve(row: NetworkRow) -> Iterator[tuple[float, float]]:
    """Yield mean and deviation of each epoch that all runs had, until one is not finite."""
    for values in zip(*(each.curve for each in row.results), strict=False):
        mean, spread = fmean(values), measure_spread(values) if len(values) > 1 else 0.0
        if not (isfinite(mean) and isfinite(spread)):
            return
        yield mean, spread


def _list_costs(row: NetworkRow) -> tuple[float | None, float]:
    return _known(row.seconds), row.graph.total_params


def _find_front(rows: Sequence[NetworkRow], which: int) -> set[str]:
    """Return the names of the rows on a Pareto front, which have the usual conditions."""
    points = {
        row.name: (cost, -row.cost)
        for row in rows
        if (cost := _list_costs(row)[which]) and _known(row.value) is not None and not row.differs
    }
    front = find_front([*points.values()])
    return {name for name, point in points.items() if point in front}


def _find_key(row: NetworkRow, title: str, measured: str) -> float | None:
    """Return the number that a cell of the table is sorted by; None for words and unknown ones."""
    found: dict[str, float | None] = {
        measured: row.value,
        "runs": len(row.results),
        "training time": row.seconds,
        "images/s": row.images_per_second,
        "peak memory": row.peak_memory,
        **{each.compared: each.compute(row.graph) for each in MEASURES if each.compared},
    }
    return _known(found.get(title))


def _known(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
