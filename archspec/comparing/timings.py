"""Define what a bench measures and its results, and write their table, without Keras.

prepare_network(graph, plan)   a network that can be measured, or an error
bench.to_text("markdown")      the table that `archspec bench` prints
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import mean, median, stdev
from typing import Any

from msgspec import Struct
from tabulate import tabulate

from archspec import notation
from archspec.display import TABLE_STYLES
from archspec.errors import Refused, UserError
from archspec.graph import Graph
from archspec.recipe import Recipe, recipe_of

FORWARD, TRAINING = "forward", "training"
# Floating-point operations for each multiply-accumulate of the graph: the backward pass computes as
# much again for the gradients of the weights, and once more for those of the inputs.
FLOPS = {FORWARD: 2, TRAINING: 6}
UNKNOWN = "-"


class Plan(Struct, frozen=True):
    """The conditions of a measurement, the same for every network.

    burn_in: runs that do not count, before the `runs` that do. seconds: the limit for all runs of a
    phase; a run that would probably exceed it is not begun, except for the first.
    """

    batch_size: int = 32
    precision: str = "float32"
    burn_in: int = 10
    runs: int = 100
    seconds: float = 60.0


class BenchNetwork(Struct, frozen=True, eq=False):
    """A network to be measured; obstacle: why it cannot be trained, or None."""

    graph: Graph
    recipe: Recipe
    obstacle: str | None


def prepare_network(graph: Graph, plan: Plan) -> BenchNetwork:
    """Return a graph with its recipe, with the batch size and precision of the plan.

    Raises `UserError` for a graph whose input has an unknown axis, and for an invalid recipe.
    """
    for name in graph.inputs:
        if None in (shape := graph.shape(name))[1:]:
            size = notation.write_shape(shape)
            raise UserError(
                f"{graph.name}: input '{name}' is {size}, and only a known size can be measured",
                "give it in a spec that `extends` this one, or by --set of a param",
            )
    try:
        recipe = recipe_of(graph, batch_size=plan.batch_size, precision=plan.precision)
    except Refused as refused:
        raise UserError(f"{graph.name}: {refused.message}", refused.hint) from None
    return BenchNetwork(graph, recipe, _find_obstacle(graph))


def _find_obstacle(graph: Graph) -> str | None:
    """Return why no recipe can train a graph, or None.

    Recipes are for graphs with one image in and a class out.
    """
    if len(graph.inputs) > 1:
        return f"a recipe trains specs with one input, this has {len(graph.inputs)}"
    for name in graph.outputs:
        if len(shape := graph.shape(name)) != 2 or shape[1] is None:
            return f"a recipe trains classifiers, but output '{name}' has shape {shape}"
    return None


# --- findings ------------------------------------------------------------------------------------


class Timing(Struct, frozen=True):
    """The measurement of one phase of one network, in seconds and FLOPs of a batch.

    flops: None if unknown. first: the time of the first call, which compiles. burn_in: the number
    of runs that do not count. times: those of the runs that count, at least one.
    """

    network: str
    phase: str
    batch_size: int
    flops: int | None
    first: float
    burn_in: int
    times: tuple[float, ...]

    @property
    def mean(self) -> float:
        return mean(self.times)

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the runs; None if there is only one."""
        return stdev(self.times) if len(self.times) > 1 else None

    @property
    def images_per_second(self) -> float:
        return self.batch_size / self.mean

    @property
    def flops_per_second(self) -> float | None:
        return None if self.flops is None else self.flops / self.mean


class Unmeasured(Struct, frozen=True):
    """A phase without a measurement; failed: whether it went wrong, instead of being impossible."""

    network: str
    phase: str
    why: str
    failed: bool


class Product(Struct, frozen=True):
    """The speed at which the machine multiplies two square matrices.

    before, after: in FLOP/s, before and after the networks; after is None if the bench ended early.
    """

    side: int
    before: float
    after: float | None

    @property
    def best(self) -> float:
        return max(self.before, self.after or 0)


class Bench(Struct, frozen=True, eq=False):
    """All results of a bench; facts: those of the machine, as in a run's run.json."""

    plan: Plan
    device: str
    product: Product
    rows: tuple[Timing | Unmeasured, ...]
    interrupted: bool
    facts: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        return any(isinstance(row, Unmeasured) and row.failed for row in self.rows)

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    __repr__ = __str__

    def to_text(self, form: str = "text") -> str:
        """Return the table, with what its figures mean, as "text", "markdown" or "json"."""
        if form == "json":
            return json.dumps(_list_data(self), indent=2, ensure_ascii=False) + "\n"
        columns = ["network", "phase", "ms/batch", "runs", "images/s", "GFLOP/s", "of matmul"]
        columns.append("first call")
        table = tabulate(
            [_list_cells(row, self) for row in self.rows],
            columns,
            tablefmt=TABLE_STYLES[form],
            colalign=["left", "left", *["right"] * 6],
            disable_numparse=True,
        )
        bullet = "- " if form == "markdown" else ""
        reasons = [f"{bullet}{each}" for each in _list_reasons(self)]
        notes = [
            f"- {name}: {note}" if bullet else f"{name:11} {note}"
            for name, note in _list_notes(self).items()
        ]
        parts = [part for part in ([table], reasons, notes) if part]
        return "\n\n".join("\n".join(part) for part in parts) + "\n"


# --- telling -------------------------------------------------------------------------------------


def _list_cells(row: Timing | Unmeasured, bench: Bench) -> list[str]:
    if isinstance(row, Unmeasured):
        return [row.network, row.phase, *[UNKNOWN] * 6]
    done, wanted = len(row.times), bench.plan.runs
    rate = row.flops_per_second
    return [
        row.network,
        row.phase,
        _write_milliseconds(row),
        f"{done}" if done == wanted else f"{done} of {wanted}",
        _write_three_digits(row.images_per_second),
        UNKNOWN if rate is None else _write_three_digits(rate / 1e9),
        UNKNOWN if rate is None else f"{rate / bench.product.best:.0%}",
        f"{_write_three_digits(row.first)} s",
    ]


def _write_milliseconds(row: Timing) -> str:
    """Return mean and deviation with the same number of digits; only the mean of a single run."""
    decimals = notation.count_places(1e3 * row.mean)
    several = [row.mean] if row.deviation is None else [row.mean, row.deviation]
    return " ± ".join(f"{1e3 * each:,.{decimals}f}" for each in several)


def _write_three_digits(value: float) -> str:
    """Return a number to three digits, or to the last before the point."""
    return f"{value:,.{notation.count_places(value)}f}"


def _list_reasons(bench: Bench) -> list[str]:
    """Return why phases have no figures, in lines."""
    return [
        f"{row.network}, {row.phase}: {'failed' if row.failed else 'not measured'}: {row.why}"
        for row in bench.rows
        if isinstance(row, Unmeasured)
    ]


def _list_notes(bench: Bench) -> dict[str, str]:
    """Return what the columns mean, and the conditions of the measurement."""
    from archspec.runs.results import name_device  # which needs the extra `run`

    plan, product, facts = bench.plan, bench.product, bench.facts
    backend, versions = facts["backend"], facts["versions"]
    version = versions.get(backend) or versions.get(f"{backend}-cpu", "")
    after = "" if product.after is None else f", {_write_three_digits(product.after / 1e9)} after"
    device = name_device(facts["machine"], bench.device)
    return {
        "batch": f"{plan.batch_size} samples, {plan.precision}",
        "on": f"{bench.device} ({device}), {backend} {version}",
        "ms/batch": f"mean ± standard deviation of the runs, after a burn-in of up to "
        f"{plan.burn_in}; at most {plan.seconds:g} s for all",
        "GFLOP/s": "2 operations for a MAC forward, 6 in training; MACs of convolutions, dense "
        "layers and attention alone",
        "of matmul": f"of {_write_three_digits(product.best / 1e9)} GFLOP/s, the better product of "
        f"matrices {product.side}×{product.side}: "
        f"{_write_three_digits(product.before / 1e9)} before{after}",
        "first call": "the very first batch, and compiling for it",
    }


def _list_data(bench: Bench) -> dict[str, Any]:
    plan, product = bench.plan, bench.product
    return {
        "batch_size": plan.batch_size,
        "precision": plan.precision,
        "burn_in": plan.burn_in,
        "runs": plan.runs,
        "seconds": plan.seconds,
        "device": bench.device,
        **bench.facts,
        "interrupted": bench.interrupted,
        "matmul": {
            "side": product.side,
            "flops_per_second_before": product.before,
            "flops_per_second_after": product.after,
        },
        "timings": [_row_data(row, product.best) for row in bench.rows],
    }


def _row_data(row: Timing | Unmeasured, best: float) -> dict[str, Any]:
    where = {"network": row.network, "phase": row.phase}
    if isinstance(row, Unmeasured):
        return where | {"failed": row.failed, "why": row.why}
    rate = row.flops_per_second
    return where | {
        "runs": len(row.times),
        "burn_in": row.burn_in,
        "seconds": {
            "mean": row.mean,
            "deviation": row.deviation,
            "median": median(row.times),
            "min": min(row.times),
            "max": max(row.times),
        },
        "first_call": row.first,
        "images_per_second": row.images_per_second,
        "flops": row.flops,
        "flops_per_second": rate,
        "share_of_matmul": None if rate is None else rate / best,
    }
