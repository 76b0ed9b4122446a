"""Write the plan for the initial weights as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from tabulate import tabulate

from archspec.differences.patterns import Names, write_names
from archspec.display import TABLE_STYLES
from archspec.graph import Graph
from archspec.weights.planning import PlannedWeight, WeightsPlan

MOST = 3  # names in a row
OTHERS = "other numbers of channels"
FEW = 0.5  # the share of parameters below which a plan is warned of


def write_plan(plan: WeightsPlan) -> str:
    """Return a plan as a table, its equal rows as one, and a line with the sums."""
    rows: dict[tuple[str, bool, str], list[PlannedWeight]] = {}
    for part in plan.parts:
        rows.setdefault((part.how, bool(part.sizes), part.why), []).append(part)
    table = [
        (how, _write_layers(parts, plan.network), f"{sum(map(_count, parts)):,}", _explain(parts))
        for (how, *_), parts in sorted(rows.items(), key=lambda row: _place(row[0]))
    ]
    cut = [part for part in plan.parts if part.how == "sliced"]
    if rest := sum(prod(part.shape) - part.values for part in cut):
        table.append(("new", _write_layers(cut, plan.network), f"{rest:,}", "beyond the slices"))
    if plan.unused:
        names = [
            PlannedWeight(layer, weight, shape, "")
            for (layer, weight), shape in plan.unused.items()
        ]
        layers = _write_layers(names, plan.source)
        table.append(("unused", layers, f"{plan.counts['unused']:,}", "in the source alone"))
    text = tabulate(
        table,
        headers=("weights", "layers", "parameters", "why"),
        colalign=("left", "left", "right", "left"),
        tablefmt=TABLE_STYLES["text"],
        disable_numparse=True,
    )
    return f"{text}\n\n{write_sums(plan)}"


def write_sums(plan: WeightsPlan) -> str:
    """Return how many parameters are copied, sliced, averaged, new and unused."""
    counts, total = plan.counts, plan.network.total_params
    copied = counts.pop("copied")
    others = ", ".join(f"{number:,} {how}" for how, number in counts.items())
    return f"{copied:,} of {total:,} parameters ({copied / total:.2%}) copied, {others}"


def find_doubt(plan: WeightsPlan) -> str | None:
    """Return a warning where most of a network begins anew."""
    counts, total = plan.counts, plan.network.total_params
    if total - counts["new"] >= FEW * total:
        return None
    return (
        f"only {1 - counts['new'] / total:.1%} of the parameters begin with other weights: are "
        "these of another family, or are its layers called otherwise? `archspec diff` shows what "
        "is paired"
    )


def describe_plan(plan: WeightsPlan) -> dict[str, Any]:
    """Return a plan as JSON has it."""
    return {
        "parameters": plan.counts,
        "weights": [
            {
                "layer": part.layer,
                "weight": part.weight,
                "shape": part.shape,
                "how": part.how,
                "values": part.values,
                "from": part.source,
                "shape_there": part.there,
                "why": ", ".join(filter(None, (part.sizes, part.why))),
            }
            for part in plan.parts
        ],
        "unused": [
            {"layer": layer, "weight": weight, "shape": shape}
            for (layer, weight), shape in plan.unused.items()
        ],
    }


def _explain(parts: Sequence[PlannedWeight]) -> str:
    """Return the reason of parts that have one in common."""
    sizes = {part.sizes for part in parts}
    said = sizes.pop() if len(sizes) == 1 else OTHERS
    return ", ".join(filter(None, (said, parts[0].why)))


def _place(row: tuple[str, bool, str]) -> tuple[int, bool]:
    return ("copied", "sliced", "averaged", "new").index(row[0]), any(row[1:])


def _count(part: PlannedWeight) -> int:
    return part.values if part.how != "new" else prod(part.shape)


def _write_layers(parts: Iterable[PlannedWeight], graph: Graph) -> str:
    """Return the layers of a row: their names, with their weights where others are in other rows,
    or how many there are."""
    weights: dict[str, list[str]] = {}
    for part in parts:
        weights.setdefault(part.layer, []).append(part.weight)
    kinds: dict[str, list[str]] = {}  # of rows: the layers of which it has such weights
    for layer, found in weights.items():
        facts = graph[layer].facts
        is_whole = facts is not None and len(found) == len(facts.weights)
        kinds.setdefault("" if is_whole else f" ({', '.join(found)})", []).append(layer)
    known = Names.of(graph)
    names = [
        f"{name}{said}" for said, layers in kinds.items() for name in write_names(layers, known)
    ]
    return ", ".join(names) if len(names) <= MOST else f"{len(weights):,} layers"
