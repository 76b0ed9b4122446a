"""What a run came to, read from its folder: the values that runs are compared by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archspec.errors import SpecError, UserError
from archspec.graph import Graph
from archspec.objects import named
from archspec.reading import kind_of
from archspec.recipe import Recipe
from archspec.runs.contents import METRICS, read_history, read_json
from archspec.runs.folder import RunFolder

# Metrics of which more is better, by their names; other ones are no ground to rank networks on.
GAINS = re.compile("accuracy|auc|iou|score|precision|recall|correlation|similarity", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One run.

    label: what its network is called. graph, recipe: as resolved.yaml has them. facts: run.json.
    part, measure, value: "test", or "validation" where the data has no test images; the name of
    what is measured on them; what it came to, None where the run has not ended or measures nothing.
    curve: the same by epoch, of validation images, or of training where none are held out.
    monitor: what its best epoch is the best by.
    """

    folder: Path
    label: str
    graph: Graph
    recipe: Recipe
    facts: Mapping[str, Any]
    part: str
    measure: str
    value: float | None
    curve: tuple[float, ...]
    monitor: str

    @property
    def status(self) -> str:
        said = str(self.facts["status"])
        return "not finished" if said == "running" else said  # or it runs at this moment

    @property
    def length(self) -> str:
        """How long it was to be trained."""
        number, unit = (self.recipe.epochs, "epoch") if self.recipe.epochs else (
            self.recipe.steps, "step",
        )  # fmt: skip
        return f"{number} {unit}{'s' * (number != 1)}"

    @property
    def conditions(self) -> dict[str, str]:
        """What must be the same for runs to be compared, in words; what is not known is left out.

        "fingerprint" tells images apart that are as many and go by the same name.
        """
        data = self.facts["data"]
        machine = self.facts.get("machine")
        said = {
            "data": data["name"],
            "images": _images(data["images"]),
            "fingerprint": data["fingerprint"],
            "trained": self.length,
            "device": self.facts.get("device"),
            "machine": device_name(machine, str(self.facts.get("device"))) if machine else None,
            "backend": self.facts.get("backend"),
            "measured": f"{self.part} {self.measure}",
        }
        return {key: str(value) for key, value in said.items() if value is not None}

    def same_but_for_the_seed(self, other: Result) -> bool:
        """Whether the two are samples of one thing."""
        alike = self.label == other.label and self.graph.fingerprint == other.graph.fingerprint
        return alike and self.conditions == other.conditions and _rest(self) == _rest(other)


def _rest(it: Result) -> dict[str, Any]:
    recipe = it.recipe.mapping()
    recipe.pop("seed")
    return recipe


def _images(counts: Mapping[str, int]) -> str:
    uses = {"train": "to train on", "validation": "for validation", "test": "for test"}
    return ", ".join(f"{counts[part]:,} {use}" for part, use in uses.items() if part in counts)


def device_name(said: Mapping[str, Any], device: str) -> str:
    """What a device, `gpu:1`, calls itself. said: the "machine" of a run.json."""
    kind, _, number = device.partition(":")
    if kind == "gpu" and int(number) < len(said["gpus"]):
        return str(said["gpus"][int(number)])
    return f"{said['cpu']}, {said['cores']} core{'s' * (said['cores'] != 1)}"


# --- reading -------------------------------------------------------------------------------------


def read(folder: Path, label: str | None = None) -> Result:
    """The run in a folder. label: what its network is called, by default the name in its run.json.

    Raises `UserError` for a folder that holds no run, or a damaged one.
    """
    run = RunFolder.existing(folder)
    facts = run.facts()
    try:
        graph, recipe = run.spec()
    except SpecError as error:
        said = f"{folder / 'resolved.yaml'} is damaged:\n{error}"
        raise UserError(said, "train the spec anew") from None
    run.warn_of_another(graph, facts)
    metrics: Mapping[str, Any] = {}
    rows: Sequence[Mapping[str, float]] = ()
    if facts["status"] == "finished":
        metrics = read_json(folder / "metrics.json", METRICS)
    if kind_of(folder / "history.csv") is not None:
        rows = read_history(folder / "history.csv")
    part = "test" if "test" in facts["data"]["images"] else "validation"
    measured = metrics.get(part) or {}
    measure = _measure(graph, recipe, measured or (rows[-1] if rows else {}))
    key = f"val_{measure}" if rows and f"val_{measure}" in rows[0] else measure
    return Result(
        folder=folder,
        label=label or str(facts.get("name", folder.name)),
        graph=graph,
        recipe=recipe,
        facts=facts,
        part=part,
        measure=measure,
        value=measured.get(measure),
        curve=tuple(row[key] for row in rows if key in row),
        monitor=metrics.get("monitor", "val_loss"),
    )


def _measure(graph: Graph, recipe: Recipe, said: Mapping[str, Any]) -> str:
    """What Keras calls the accuracy of the first output, or the first other metric of it that
    can rank networks; "accuracy" where none is.

    Keras gives a metric the name of its class in snake case, not always cut alike.
    """
    first = graph.outputs[0]
    prefix = f"{first}_" if len(graph.outputs) > 1 else ""
    several = sorted(map(named, recipe.metrics[first]), key=lambda each: each[0] != "accuracy")
    for name, arguments in several:
        if not GAINS.search(name):
            continue
        wanted = arguments.get("name") or name
        for key in said:
            if key.startswith(prefix) and _letters(key[len(prefix) :]) == _letters(wanted):
                return key
    return f"{prefix}accuracy"


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def folders(place: Path) -> Iterator[Path]:
    """Every folder below with a run.json. Raises `UserError` if there is no such place."""
    if kind_of(place) != "folder":
        raise UserError(f"there is no folder {place}", "name the folder of your runs with --dir")
    for path in sorted(place.rglob("run.json")):
        yield path.parent
