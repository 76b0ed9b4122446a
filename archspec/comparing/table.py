"""Runs side by side: networks in rows, the mean over their seeds, and what the numbers stand on."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isnan, nan
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tabulate import tabulate

from archspec import notation
from archspec.backends.tables import STYLES
from archspec.graph import Graph
from archspec.runs.results import Result

NOTHING = "-"


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """A member without a result. status: "failed", "interrupted", ... message: why, in a line.

    log: all that its training said, if it was begun.
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


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One network, trained with one seed or several.

    results: those that are finished. missing: the others. differs: in which conditions it is not
    as most rows are, in words.
    """

    name: str
    graph: Graph
    results: tuple[Result, ...]
    missing: tuple[Missing, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """Mean of what is measured; None where nothing is."""
        return _mean(each.value for each in self.results)

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the same, where there are several."""
        known = [each.value for each in self.results if each.value is not None]
        return spread(known) if len(known) > 1 else None

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
        return _mean(each.facts.get(key) for each in self.results)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return fmean(known) if known else None


def spread(values: Sequence[float]) -> float:
    """Return the standard deviation; NaN where one of them is none or infinite."""
    return stdev(values) if all(map(isfinite, values)) else nan


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Rows, the best first. usual: the conditions that most of them share. stopped: by Ctrl-C.
    left_out: what is wrong with each run that could not be read."""

    rows: tuple[Row, ...]
    usual: Mapping[str, str]
    stopped: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def missing(self) -> list[Missing]:
        return [each for row in self.rows for each in row.missing]

    @property
    def measured(self) -> str:
        """What is compared: "test accuracy"."""
        return self.usual.get("measured", "test accuracy")

    def to_text(self, form: str) -> str:
        """The table with its notes, as "text" or "markdown"; or "csv", the numbers in full."""
        if form == "csv":
            return _csv([_exact(row) for row in self.rows])
        notes = [f"- {note}" for note in _notes(self)] if form == "markdown" else _notes(self)
        return "\n".join([_table(self.rows, _columns(self), form), "", *notes, ""])


def compared(
    results: Sequence[Result], missing: Sequence[Missing] = (), stopped: bool = False
) -> Comparison:
    """Runs of one network that differ in their seeds alone are one row."""
    groups: list[list[Result]] = []
    for each in results:
        if each.status != "finished":
            seed = each.recipe.seed
            missing = [*missing, Missing(each.label, seed, each.graph, each.status)]
            continue
        alike = (group for group in groups if group[0].same_but_for_the_seed(each))
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
        rows.append(Row(name, first.graph, tuple(group), lacking))
    placed = [each for row in rows for each in row.missing]
    alone: dict[str, list[Missing]] = {}
    for absent in missing:
        if absent not in placed:
            alone.setdefault(absent.label, []).append(absent)
    rows += [Row(name, each[0].graph, (), tuple(each)) for name, each in alone.items()]
    usual = _usual([row.results[0].conditions for row in rows if row.results])
    rows = [replace(row, differs=_differences(row, usual)) for row in rows]
    rows.sort(key=_place)
    return Comparison(tuple(rows), usual, stopped)


def _place(row: Row) -> tuple[bool, float]:
    """The best first; last those without a value, or with one that is no number."""
    known = row.value is not None and not isnan(row.value)
    return not known, -(row.value or 0) if known else 0


# --- conditions ----------------------------------------------------------------------------------


def _usual(conditions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The most frequent of each; the first of those that are equally so."""
    keys = dict.fromkeys(key for each in conditions for key in each)
    return {
        key: Counter(each[key] for each in conditions if key in each).most_common(1)[0][0]
        for key in keys
    }


def _differences(row: Row, usual: Mapping[str, str]) -> tuple[str, ...]:
    """In words. That images are others is worth saying only where they are as many, and go by the
    same name."""
    if not row.results:
        return ()
    said = row.results[0].conditions
    differing = {key: each for key, each in said.items() if each != usual[key]}
    others = differing.pop("fingerprint", None) and not differing.keys() & {"data", "images"}
    found = [f"{each} instead of {usual[key]}" for key, each in differing.items()]
    return (*found, f"other images in {said['data']}") if others else tuple(found)


def _notes(it: Comparison) -> list[str]:
    """What the numbers mean and stand on, and what is missing."""
    results = [each for row in it.rows for each in row.results]
    notes = []
    if results:
        several = any(len(row.results) > 1 for row in it.rows)
        spread = "; mean ± standard deviation over the runs" if several else ""
        on_gpu = it.usual.get("device", "").startswith("gpu")
        notes = [
            f"{it.measured}: of {_best(each.monitor for each in results)}{spread}",
            "training time: with validation; images/s: of training, in the median epoch after the "
            f"first; peak memory: of the {'GPU' if on_gpu else 'process'}",
            f"data: {it.usual['data']}, {it.usual['images']}",
            f"trained: {it.usual['trained']}, in batches of "
            + _either(str(each.recipe.batch_size) for each in results),
            "machine: " + ", ".join(_machine(it.usual)),
            f"with {_versions(results)}",
            f"date: {_dates(results)}" + _commits(results),
        ]
    odd = [f"{row.name} ({'; '.join(row.differs)})" for row in it.rows if row.differs]
    if odd:
        notes.append(f"not the same conditions (*): {', '.join(odd)}")
    return [*notes, *map(str, it.missing), *(f"left out: {each}" for each in it.left_out)]


def _best(monitors: Iterable[str]) -> str:
    """Which epoch of a run it is whose model is judged."""
    words = {"val_loss": "the least validation loss", "loss": "the least loss"}
    return "the epoch with " + _either(words.get(each, f"the best {each}") for each in monitors)


def _machine(usual: Mapping[str, str]) -> list[str]:
    known = [usual.get("machine"), usual.get("device")]
    return [each for each in known if each] or ["not known"]


def _either(values: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(values))


def _versions(results: Sequence[Result]) -> str:
    found: dict[str, dict[str, None]] = {}
    for each in results:
        for package, version in each.facts.get("versions", {}).items():
            found.setdefault(package, {})[version] = None
    return ", ".join(f"{package} {_either(versions)}" for package, versions in found.items())


def _dates(results: Sequence[Result]) -> str:
    days = sorted({str(each.facts.get("started", "not known"))[:10] for each in results})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _commits(results: Sequence[Result]) -> str:
    known = [commit for each in results if (commit := each.facts.get("git_commit"))]
    return f", commit {_either(known)}" if known else ""


# --- tables --------------------------------------------------------------------------------------

Say = Callable[[Row], str]
COSTS: dict[str, Say] = {
    "training time": lambda row: _if_known(row.seconds, _time),
    "images/s": lambda row: _if_known(row.images_per_second, "{:,.0f}".format),
    "parameters": lambda row: notation.write_count(row.graph.total_params),
    "MACs": lambda row: _if_known(row.graph.macs, notation.write_count),
    "peak memory": lambda row: _if_known(row.peak_memory, notation.write_size),
}


def _columns(it: Comparison) -> dict[str, Say]:
    several = any(len(row.results) > 1 for row in it.rows)
    runs: dict[str, Say] = {"runs": lambda row: str(len(row.results))} if several else {}
    return {"network": called, it.measured: _value, **runs, **COSTS}


def called(row: Row) -> str:
    """Its name, with a star if its conditions are not those of the others."""
    return f"{row.name} *" if row.differs else row.name


def _value(row: Row) -> str:
    if row.value is None:
        return row.missing[0].status if row.missing else NOTHING
    spread = f" ± {row.deviation:.4f}" if row.deviation is not None else ""
    return f"{row.value:.4f}{spread}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


def _if_known(value: Any, say: Callable[[Any], str]) -> str:
    return NOTHING if value is None else say(value)


def _table(rows: Sequence[Row], columns: Mapping[str, Say], form: str, left: int = 1) -> str:
    """left: how many columns hold words; the others hold numbers."""
    return tabulate(
        [[say(row) for say in columns.values()] for row in rows],
        headers=list(columns),
        colalign=["left"] * left + ["right"] * (len(columns) - left),
        tablefmt=STYLES[form],
        disable_numparse=True,
    )


def _exact(row: Row) -> dict[str, Any]:
    return {
        "network": row.name,
        "measured": row.results[0].conditions["measured"] if row.results else "",
        "mean": row.value,
        "deviation": row.deviation,
        "runs": len(row.results),
        "training_seconds": row.seconds,
        "images_per_second": row.images_per_second,
        "parameters": row.graph.total_params,
        "macs": row.graph.macs,
        "peak_memory": row.peak_memory,
        "folders": " ".join(str(each.folder) for each in row.results),
        "differs": "; ".join(row.differs),
        "missing": "; ".join(map(str, row.missing)),
    }


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Floats in the 7 digits that a float32 holds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: f"{each:.7g}" if isinstance(each, float) else each for key, each in row.items()}
        )
    return text.getvalue()


# --- the runs of a folder ------------------------------------------------------------------------


def listing(results: Sequence[Result], form: str) -> str:
    """Runs one by one, the best first, whatever they were trained on."""
    rows = [_alone(each) for each in results]
    rows.sort(key=_place)
    if form == "csv":
        return _csv([_exact(row) for row in rows])
    columns: dict[str, Say] = {
        "run": lambda row: str(row.results[0].folder),
        "network": lambda row: row.name,
        "data": lambda row: row.results[0].conditions["data"],
        "accuracy": _listed,
        "trained": lambda row: row.results[0].length,
        "seed": lambda row: str(row.results[0].recipe.seed),
        **COSTS,
        "date": lambda row: _dates(row.results),
    }
    return _table(rows, columns, form, left=3) + "\n"


def _alone(it: Result) -> Row:
    return Row(it.label, it.graph, (it,))


def _listed(row: Row) -> str:
    """Its value, or why it has none; and what it is, where that is not the usual thing."""
    (it,) = row.results
    if it.value is None:
        return it.status if it.status != "finished" else NOTHING
    said = f"{it.value:.4f}"
    what = it.conditions["measured"].removeprefix("test ").removesuffix("accuracy").strip()
    return f"{said} ({what})" if what else said
