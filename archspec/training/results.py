"""What a run came to, read from its folder: the values that runs are compared by."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import archspec
from archspec.errors import Refused, SpecError, UserError
from archspec.graph import Graph
from archspec.recipe import Recipe, named, recipe_of
from archspec.training.folder import RunFolder

# Metrics of which more is better, by their names; other ones are no ground to rank networks on.
GAINS = re.compile("accuracy|auc|iou|score|precision|recall|correlation|similarity", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One run.

    label: what its network is called. graph, recipe: as resolved.yaml has them. facts: run.json.
    part, measure, value: "test", or "validation" where the data has no test images; the name of
    what is measured on them; what it came to, None where the run has not ended or measures nothing.
    curve: the same by epoch, of validation images, or of training where none are held out.
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
    facts = RunFolder.existing(folder).facts()
    resolved = folder / "resolved.yaml"
    try:
        graph = archspec.load(resolved)
        recipe = recipe_of(graph)
    except SpecError as error:
        raise UserError(f"{resolved} is damaged:\n{error}", "train the spec anew") from None
    except Refused as refused:
        raise UserError(f"{resolved}: {refused}", refused.hint) from None
    metrics, rows = {}, []
    try:
        if facts["status"] == "finished":
            metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        if (folder / "history.csv").exists():
            with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        part = "test" if "test" in facts["data"]["images"] else "validation"
        measured = metrics.get(part) or {}
        measure = _measure(graph, recipe, measured or (rows[-1] if rows else {}))
        value = measured.get(measure)
        key = f"val_{measure}" if rows and f"val_{measure}" in rows[0] else measure
        curve = tuple(float(row[key]) for row in rows if row.get(key))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{folder} is damaged: {error}", "train the spec anew") from None
    return Result(
        folder=folder,
        label=label or str(facts.get("name", folder.name)),
        graph=graph,
        recipe=recipe,
        facts=facts,
        part=part,
        measure=measure,
        value=value,
        curve=curve,
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
    if not place.is_dir():
        raise UserError(f"there is no folder {place}", "name the folder of your runs with --dir")
    for path in sorted(place.rglob("run.json")):
        yield path.parent
