"""Read the results of runs from their folders: the values that runs are compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from archspec.errors import SpecError, UserError
from archspec.graph import Graph
from archspec.objects import named
from archspec.reading import kind_of
from archspec.recipe import Recipe
from archspec.recipe.callbacks import GAINS
from archspec.recipe.tasks import CLASSES, find_task
from archspec.runs.contents import METRICS, read_history, read_json
from archspec.runs.folder import RunFolder


class Result(Struct, frozen=True, eq=False):
    """The result of one run.

    label: the name of its network in a comparison. graph, recipe: of resolved.yaml. facts: the
    mapping of run.json. part: "test", or "validation" where the data has no test images. measure,
    value: the metric that is compared, on these images; None where the run has not finished, or has
    no such metric. curve: the metric by epoch, on validation images, or on those of training where
    there are no others. monitor: the column of the history that the best epoch is judged by.
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
        """The status in run.json, but for "running", which may have been killed."""
        status = str(self.facts["status"])
        return "not finished" if status == "running" else status

    @property
    def is_loss(self) -> bool:
        """Whether less of the measure is better."""
        return GAINS.search(self.measure) is None

    @property
    def length(self) -> str:
        """How long the recipe trains, such as `5 epochs`."""
        return self.recipe.length

    @property
    def conditions(self) -> dict[str, str]:
        """Return, in words, what must be equal for runs to be compared; unknown values are left
        out.

        "fingerprint" tells other images apart, of the same name and number.
        """
        data = self.facts["data"]
        machine = self.facts.get("machine")
        values = {
            "data": data["name"],
            "images": _format_counts(data["images"]),
            "fingerprint": data["fingerprint"],
            "trained": self.length,
            "begun": _describe_beginning(self.facts.get("init")),
            "device": self.facts.get("device"),
            "machine": name_device(machine, str(self.facts.get("device"))) if machine else None,
            "backend": self.facts.get("backend"),
            "measured": f"{self.part} {self.measure}",
        }
        return {key: str(value) for key, value in values.items() if value is not None}

    def is_same_but_for_the_seed(self, other: Result) -> bool:
        """Return whether two runs differ in their seeds alone: samples of the same training."""
        alike = self.label == other.label and self.graph.fingerprint == other.graph.fingerprint
        return (
            alike
            and self.conditions == other.conditions
            and _drop_seed(self.recipe) == _drop_seed(other.recipe)
        )


def _describe_beginning(init: Mapping[str, Any] | None) -> str:
    """Return which weights a run began with. init: as run.json has it."""
    if init is None:
        return "new weights"
    apart = ", ".join([*init["partial"], init.get("sha256", init["fingerprint"])[:8]])
    return f"the weights of {init['from']} ({apart})"


def _drop_seed(recipe: Recipe) -> dict[str, Any]:
    values = recipe.mapping()
    values.pop("seed")
    return values


def _format_counts(counts: Mapping[str, int]) -> str:
    uses = {"train": "to train on", "validation": "for validation", "test": "for test"}
    return ", ".join(f"{counts[part]:,} {use}" for part, use in uses.items() if part in counts)


def name_device(machine: Mapping[str, Any], device: str) -> str:
    """Return the name of a device, such as `gpu:1`, or of several, such as `gpus:4`.

    machine: the "machine" of a run.json.
    """
    kind, _, number = device.partition(":")
    if kind == "gpus":
        return " + ".join(f"{count} × {name}" for name, count in Counter(machine["gpus"]).items())
    if kind == "gpu" and int(number) < len(machine["gpus"]):
        return str(machine["gpus"][int(number)])
    return f"{machine['cpu']}, {machine['cores']} core{'s' * (machine['cores'] != 1)}"


# --- reading -------------------------------------------------------------------------------------


def read_result(folder: Path, label: str | None = None) -> Result:
    """Return the result of the run in a folder.

    label: by default the name of the network in run.json.
    Raises `UserError` for a folder that holds no run, or a damaged one.
    """
    run = RunFolder.open(folder)
    facts = run.read_facts()
    try:
        graph, recipe = run.read_spec()
    except SpecError as error:
        message = f"{folder / 'resolved.yaml'} is damaged:\n{error}"
        raise UserError(message, "train the spec anew") from None
    run.warn_of_other_network(graph, facts)
    metrics: Mapping[str, Any] = {}
    rows: Sequence[Mapping[str, float]] = ()
    if facts["status"] == "finished":
        metrics = read_json(folder / "metrics.json", METRICS)
    if kind_of(folder / "history.csv") is not None:
        rows = read_history(folder / "history.csv")
    part = "test" if "test" in facts["data"]["images"] else "validation"
    measured = metrics.get(part) or {}
    measure = _find_measure(graph, recipe, measured or (rows[-1] if rows else {}))
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


def _find_measure(graph: Graph, recipe: Recipe, measured: Mapping[str, Any]) -> str:
    """Return Keras's name of the accuracy of the first output, or of its first other metric of
    which more is better; where there is none, "accuracy" of classes, and of other outputs another
    metric or the loss.

    Keras names a metric after its class, in snake case: not always with the same underscores.
    """
    first = graph.outputs[0]
    prefix = f"{first}_" if len(graph.outputs) > 1 else ""
    several = sorted(
        map(named, recipe.metrics[first]),
        key=lambda each: (each[0] != "accuracy", GAINS.search(each[0]) is None),
    )
    task = find_task(graph, first, recipe.loss[first], recipe.data.targets.get(first))
    for name, arguments in several:
        if task == CLASSES and not GAINS.search(name):
            continue
        wanted = arguments.get("name") or name
        for key in measured:
            if key.startswith(prefix) and _fold_name(key[len(prefix) :]) == _fold_name(wanted):
                return key
    return f"{prefix}{'accuracy' if task == CLASSES else 'loss'}"


def _fold_name(name: str) -> str:
    return name.replace("_", "").lower()


def find_runs(place: Path) -> Iterator[Path]:
    """Yield every folder below a place that has a run.json. Raises `UserError` for no folder."""
    if kind_of(place) != "folder":
        raise UserError(f"there is no folder {place}", "name the folder of your runs with --dir")
    for path in sorted(place.rglob("run.json")):
        yield path.parent
