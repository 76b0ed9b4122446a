"""Build the table of a comparison: networks in rows, means over their seeds, and notes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isfinite, isnan, nan
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace
from tabulate import tabulate

from archspec import notation
from archspec.analysis.measures import MEASURES, Measure
from archspec.display import TABLE_STYLES
from archspec.graph import Graph

if TYPE_CHECKING:
    from archspec.runs.results import Result

NOTHING = "-"
COMPARED = [measure for measure in MEASURES if measure.compared]
(FIXED,) = (measure for measure in COMPARED if measure.name == "non_trainable_params")


class Missing(Struct, frozen=True, eq=False):
    """A member without a result.

    status: "failed", "interrupted", ... message: the reason, in one line. log: the file with the
    output of its training, if that was begun.
    """

    label: str
    seed: int
    graph: Graph
    status: str
    message: str = ""
    log: Path | None = None

    def __str__(self) -> str:
        why = f": {self.message}" if self.message else ""
        where = f" ({self.log})" if self.log else ""
        return f"{self.status}: {self.label}, seed {self.seed}{why}{where}"


class NetworkRow(Struct, frozen=True, eq=False):
    """One network, trained with one or more seeds.

    results: those that are finished. missing: the others. differs: the conditions in which it is
    not like most rows, in words.
    """

    name: str
    graph: Graph
    results: tuple[Result, ...]
    missing: tuple[Missing, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """The mean of the measure over its results; None if there is none."""
        return _average(each.value for each in self.results)

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the measure, if there are several results."""
        known = [each.value for each in self.results if each.value is not None]
        return measure_spread(known) if len(known) > 1 else None

    @property
    def cost(self) -> float:
        """The value as a number of which less is better."""
        return (self.value or 0) if self.is_loss else -(self.value or 0)

    @property
    def is_loss(self) -> bool:
        """Whether less of the measure is better."""
        return bool(self.results) and self.results[0].is_loss

    @property
    def seconds(self) -> float | None:
        return self._mean("training_seconds")

    @property
    def images_per_second(self) -> float | None:
        return self._mean("images_per_second")

    @property
    def peak_memory(self) -> int | None:
        known = [each.facts.get("peak_memory") for each in self.results]
        return max((each for each in known if each is not None), default=None)

    def _mean(self, key: str) -> float | None:
        return _average(each.facts.get(key) for each in self.results)


def _average(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return fmean(known) if known else None


def measure_spread(values: Sequence[float]) -> float:
    """Return the standard deviation of values; NaN if one of them is NaN or infinite."""
    return stdev(values) if all(map(isfinite, values)) else nan


class Comparison(Struct, frozen=True, eq=False):
    """Rows, the best first.

    usual: the conditions that most rows share. stopped: whether Ctrl-C ended it. left_out: what is
    wrong with each run that could not be read.
    """

    rows: tuple[NetworkRow, ...]
    usual: Mapping[str, str]
    stopped: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def missing(self) -> list[Missing]:
        return [each for row in self.rows for each in row.missing]

    @property
    def measured(self) -> str:
        """The name of the measure, such as "test accuracy"."""
        return self.usual.get("measured", "test accuracy")

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    __repr__ = __str__

    def to_text(self, form: str = "text") -> str:
        """Return the table with its notes as "text" or "markdown", or exact numbers as "csv"."""
        if form == "csv":
            return _write_csv([_list_exact(row) for row in self.rows])
        notes = (
            [f"- {note}" for note in list_notes(self)] if form == "markdown" else list_notes(self)
        )
        return "\n".join([_write_table(self.rows, choose_columns(self), form), "", *notes, ""])


def build_comparison(
    results: Sequence[Result], missing: Sequence[Missing] = (), stopped: bool = False
) -> Comparison:
    """Return the comparison of runs; those that differ only in their seeds are one row.

    missing: members without a result. Runs that are not finished are added to them.
    """
    groups: list[list[Result]] = []
    for each in results:
        if each.status != "finished":
            seed = each.recipe.seed
            missing = [*missing, Missing(each.label, seed, each.graph, each.status)]
            continue
        alike = (group for group in groups if group[0].is_same_but_for_the_seed(each))
        found = next(alike, None)
        if found is None:
            groups.append([each])
        else:
            found.append(each)
    times = Counter(group[0].label for group in groups)
    rows = []
    for group in groups:
        (first, *_) = group
        own = times[first.label] == 1
        name = first.label if own else f"{first.label} ({first.folder})"
        lacking = tuple(each for each in missing if own and each.label == first.label)
        rows.append(NetworkRow(name, first.graph, tuple(group), lacking))
    placed = [each for row in rows for each in row.missing]
    alone: dict[str, list[Missing]] = {}
    for absent in missing:
        if absent not in placed:
            alone.setdefault(absent.label, []).append(absent)
    rows += [NetworkRow(name, each[0].graph, (), tuple(each)) for name, each in alone.items()]
    usual = _find_usual([row.results[0].conditions for row in rows if row.results])
    rows = [replace(row, differs=_describe_differences(row, usual)) for row in rows]
    rows.sort(key=_sort_key)
    return Comparison(tuple(rows), usual, stopped)


def _sort_key(row: NetworkRow) -> tuple[bool, float]:
    """Return the key that sorts the best row first, and rows without a number last."""
    known = row.value is not None and not isnan(row.value)
    return not known, row.cost if known else 0


# --- conditions ----------------------------------------------------------------------------------


def _find_usual(conditions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the most frequent value of each condition; of equally frequent ones the first."""
    keys = dict.fromkeys(key for each in conditions for key in each)
    return {
        key: Counter(each[key] for each in conditions if key in each).most_common(1)[0][0]
        for key in keys
    }


def _describe_differences(row: NetworkRow, usual: Mapping[str, str]) -> tuple[str, ...]:
    """Return in words the conditions in which a row differs from the usual ones.

    Other images count only if they are as many, and of a dataset with the same name.
    """
    if not row.results:
        return ()
    conditions = row.results[0].conditions
    differing = {key: each for key, each in conditions.items() if each != usual[key]}
    others = differing.pop("fingerprint", None) and not differing.keys() & {"data", "images"}
    found = [f"{each} instead of {usual[key]}" for key, each in differing.items()]
    return (*found, f"other images in {conditions['data']}") if others else tuple(found)


def list_notes(comparison: Comparison) -> list[str]:
    """Return notes on what the numbers mean, on the conditions, and on what is missing."""
    results = [each for row in comparison.rows for each in row.results]
    notes = []
    if results:
        several = any(len(row.results) > 1 for row in comparison.rows)
        spread = "; mean ± standard deviation over the runs" if several else ""
        on_gpu = comparison.usual.get("device", "").startswith("gpu")
        notes = [
            f"{comparison.measured}: of "
            f"{_describe_epoch(each.monitor for each in results)}{spread}",
            "training time: with validation; images/s: of training, in the median epoch after the "
            f"first; peak memory: of the {'GPU' if on_gpu else 'process'}",
            f"data: {comparison.usual['data']}, {comparison.usual['images']}",
            f"trained: {comparison.usual['trained']}, in batches of "
            + _join_either(str(each.recipe.batch_size) for each in results),
            "machine: " + ", ".join(_describe_machine(comparison.usual)),
            f"with {_list_versions(results)}",
            f"date: {_write_dates(results)}" + _write_commits(results),
        ]
    odd = [f"{row.name} ({'; '.join(row.differs)})" for row in comparison.rows if row.differs]
    if odd:
        notes.append(f"not the same conditions (*): {', '.join(odd)}")
    return [
        *notes,
        *map(str, comparison.missing),
        *(f"left out: {each}" for each in comparison.left_out),
    ]


def _describe_epoch(monitors: Iterable[str]) -> str:
    """Return which epoch's model is measured, in words."""
    words = {"val_loss": "the least validation loss", "loss": "the least loss"}
    return "the epoch with " + _join_either(
        words.get(each, f"the best {each}") for each in monitors
    )


def _describe_machine(usual: Mapping[str, str]) -> list[str]:
    known = [usual.get("machine"), usual.get("device")]
    return [each for each in known if each] or ["not known"]


def _join_either(values: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(values))


def _list_versions(results: Sequence[Result]) -> str:
    found: dict[str, dict[str, None]] = {}
    for each in results:
        for package, version in each.facts.get("versions", {}).items():
            found.setdefault(package, {})[version] = None
    return ", ".join(f"{package} {_join_either(versions)}" for package, versions in found.items())


def _write_dates(results: Sequence[Result]) -> str:
    days = sorted({str(each.facts.get("started", "not known"))[:10] for each in results})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _write_commits(results: Sequence[Result]) -> str:
    known = [commit for each in results if (commit := each.facts.get("git_commit"))]
    return f", commit {_join_either(known)}" if known else ""


# --- tables --------------------------------------------------------------------------------------

Write = Callable[[NetworkRow], str]


def _write_measure(measure: Measure, row: NetworkRow) -> str:
    """Return the value of a measure of a row's network."""
    return _write_if_known(measure.compute(row.graph), measure.unit.write)


COSTS: dict[str, Write] = {
    "training time": lambda row: _write_if_known(row.seconds, _write_time),
    "images/s": lambda row: _write_if_known(row.images_per_second, "{:,.0f}".format),
    **{measure.compared: partial(_write_measure, measure) for measure in COMPARED},
    "peak memory": lambda row: _write_if_known(row.peak_memory, notation.write_size),
}


def choose_columns(comparison: Comparison) -> dict[str, Write]:
    """Return the columns of the table of a comparison, each with what writes its cells."""
    several = any(len(row.results) > 1 for row in comparison.rows)
    runs: dict[str, Write] = {"runs": lambda row: str(len(row.results))} if several else {}
    costs = dict(COSTS)
    if not any(map(FIXED.compute, (row.graph for row in comparison.rows))):
        del costs[FIXED.compared]
    return {"network": write_name, comparison.measured: _write_value, **runs, **costs}


def write_name(row: NetworkRow) -> str:
    """Return the name of a row, with a star if its conditions are not the usual ones."""
    return f"{row.name} *" if row.differs else row.name


def _write_value(row: NetworkRow) -> str:
    if row.value is None:
        return row.missing[0].status if row.missing else NOTHING
    spread = f" ± {row.deviation:.4f}" if row.deviation is not None else ""
    return f"{row.value:.4f}{spread}"


def _write_time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


def _write_if_known(value: Any, write: Callable[[Any], str]) -> str:
    return NOTHING if value is None else write(value)


def _write_table(
    rows: Sequence[NetworkRow], columns: Mapping[str, Write], form: str, left: int = 1
) -> str:
    """Return rows as a table; left: the number of columns with words, which the others are not."""
    return tabulate(
        [[write(row) for write in columns.values()] for row in rows],
        headers=list(columns),
        colalign=["left"] * left + ["right"] * (len(columns) - left),
        tablefmt=TABLE_STYLES[form],
        disable_numparse=True,
    )


def _list_exact(row: NetworkRow) -> dict[str, Any]:
    return {
        "network": row.name,
        "measured": row.results[0].conditions["measured"] if row.results else "",
        "mean": row.value,
        "deviation": row.deviation,
        "runs": len(row.results),
        "training_seconds": row.seconds,
        "images_per_second": row.images_per_second,
        **{measure.compared.lower(): measure.compute(row.graph) for measure in COMPARED},
        "peak_memory": row.peak_memory,
        "folders": " ".join(str(each.folder) for each in row.results),
        "differs": "; ".join(row.differs),
        "missing": "; ".join(map(str, row.missing)),
    }


def _write_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, floats with the 7 digits that a float32 holds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: f"{each:.7g}" if isinstance(each, float) else each for key, each in row.items()}
        )
    return text.getvalue()


# --- the runs of a folder ------------------------------------------------------------------------


def list_runs(results: Sequence[Result], form: str) -> str:
    """Return a table of runs, one in each row, the best first, whatever they were trained on."""
    rows = [_make_row(each) for each in results]
    rows.sort(key=_sort_key)
    if form == "csv":
        return _write_csv([_list_exact(row) for row in rows])
    columns: dict[str, Write] = {
        "run": lambda row: str(row.results[0].folder),
        "network": lambda row: row.name,
        "data": lambda row: row.results[0].conditions["data"],
        "result": _write_listed_value,
        "trained": lambda row: row.results[0].length,
        "seed": lambda row: str(row.results[0].recipe.seed),
        **COSTS,
        "date": lambda row: _write_dates(row.results),
    }
    return _write_table(rows, columns, form, left=3) + "\n"


def _make_row(result: Result) -> NetworkRow:
    return NetworkRow(result.label, result.graph, (result,))


def _write_listed_value(row: NetworkRow) -> str:
    """Return the value of a run with its measure if that is unusual, or why it has none."""
    (result,) = row.results
    if result.value is None:
        return result.status if result.status != "finished" else NOTHING
    value = f"{result.value:.4f}"
    what = result.conditions["measured"].removeprefix("test ").removesuffix("accuracy").strip()
    return f"{value} ({what})" if what else value
