"""What a finished run is good for: judging its model, and asking it what pictures show.

`evaluate` writes into the run's folder, under evaluation/:

    report.json      loss, metrics and the report      confusion.png    rows are the true classes
    confusion.csv    the counts, likewise              mistakes.png     images that were mistaken
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tabulate import tabulate

from archspec.backends import framework
from archspec.backends.keras import to_keras
from archspec.data.images import Array, make_fitting, read_files
from archspec.data.preparation import Part, make_targets, prepare
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.reading import kind_of
from archspec.recipe import Recipe, gives_probabilities
from archspec.runs.contents import USED, checked, sound
from archspec.runs.folder import BEST, RunFolder
from archspec.training import figures as pictures
from archspec.training.compiling import precision, trainer_of
from archspec.training.feed import Feed
from archspec.training.recorder import numbers

SHOWN = 32  # mistakes on their sheet
WIDTH = 20  # of a class's name in the table of a terminal


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A run as it can be used: the graph, the recipe, the model of the best epoch, what run.json
    says."""

    folder: RunFolder
    graph: Graph
    recipe: Recipe
    model: keras.Model
    facts: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        return [str(name) for name in self.facts["data"]["classes"]]


def trained(run: Path) -> Trained:
    """The run in a folder. Raises `UserError` for one that has no model, or a damaged one."""
    folder = RunFolder.existing(run)
    facts = folder.facts()
    with sound(run / "run.json"):
        checked(facts, USED)
    graph, recipe = folder.spec()
    folder.warn_of_another(graph, facts)
    if kind_of(run / BEST) is None and facts["status"] != "finished":
        hint = f"archspec train --resume {run} goes on with it"
        raise UserError(f"{run} has no model yet: its status is {facts['status']}", hint)
    folder.best_epoch(graph.total_params)  # before memory is taken for a network of any size
    with precision(recipe.precision):
        model = to_keras(graph, recipe.seed)
    folder.take_best(model)
    return Trained(folder, graph, recipe, model, facts)


# --- evaluate ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What `evaluate` finds.

    values: loss and metrics, as Keras names them. report: by class, and its averages, as
    scikit-learn gives it. confusion: counts (classes, classes), rows are the true classes.
    """

    part: str
    values: dict[str, float]
    report: dict[str, Any]
    confusion: Array

    def __str__(self) -> str:
        columns = ["precision", "recall", "f1-score", "support"]
        rows = [
            [name if len(name) <= WIDTH else name[: WIDTH - 3] + "...", *map(each.get, columns)]
            for name, each in self.report.items()
            if isinstance(each, dict)
        ]
        table = tabulate(rows, ["", *columns], floatfmt=("", ".4f", ".4f", ".4f", ".0f"))
        said = ", ".join(f"{name} {value:.4f}" for name, value in self.values.items())
        return f"{self.part}: {said}\n\n{table}"


def evaluate(
    run: Path,
    *,
    part: str | None = None,
    data: str | None = None,
    data_dir: Path | None = None,
    device: str | None = None,
) -> Evaluation:
    """Judge the model of a run on its test images, or those of validation where it has no others.

    part: "test", "validation" or "train". data, data_dir: other images of the same classes.
    device: as `framework.on` takes it.
    Of a model with several outputs the report is of the first.
    """
    with framework.on(device) as name:
        return _judged(trained(run), part, data, data_dir, name)


def _judged(
    it: Trained, part: str | None, data: str | None, data_dir: Path | None, device: str
) -> Evaluation:
    from sklearn.metrics import classification_report, confusion_matrix

    said = it.facts["data"]
    recipe = it.recipe
    if data is not None:
        recipe = replace(recipe, data=replace(recipe.data, name=data))
    data_dir = data_dir or (Path(said["data_dir"]) if said["data_dir"] else None)
    place = Path(said["found"]) if said.get("found") else None
    dataset, parts = prepare(it.graph, recipe, data_dir, None if data else said["limit"], place)
    if list(dataset.classes) != it.classes:
        raise UserError(
            f"{dataset.name} has the classes {', '.join(dataset.classes[:5])}, ..., "
            f"the run {', '.join(it.classes[:5])}, ...",
            "evaluate on images of the run's own classes",
        )
    name = part or ("test" if "test" in parts else "validation")
    if name not in parts:
        hint = f"--part takes {' or '.join(parts)}"
        raise UserError(f"{dataset.name} has no {name} images", hint)
    chosen = parts[name]
    fed = Feed(
        chosen.examples, chosen.fit, partial(make_targets, it.graph, recipe), recipe.batch_size
    )
    trainer = trainer_of(it.model, it.graph, replace(recipe, augment=()), 1, device)
    values = trainer.evaluate(
        fed.x, fed.y, batch_size=recipe.batch_size, verbose=0, return_dict=True
    )
    chances = probabilities(it, trainer.predict(fed.x, batch_size=recipe.batch_size, verbose=0))
    truth, guess = chosen.examples.labels, chances.argmax(axis=1)
    labels = range(len(it.classes))
    report = classification_report(
        truth, guess, labels=labels, target_names=it.classes, output_dict=True, zero_division=0
    )
    matrix = confusion_matrix(truth, guess, labels=labels)
    found = Evaluation(name, numbers(values), report, matrix)
    _write(it, found, chosen, chances)
    return found


def _write(it: Trained, found: Evaluation, part: Part, chances: Array) -> None:
    title = f"{it.graph.name} on {it.facts['data']['name']}, {found.part} images"
    place = "evaluation"
    it.folder.json(
        f"{place}/report.json", {"part": found.part, **found.values, "report": found.report}
    )
    rows = [
        {"true class": name, **dict(zip(it.classes, map(int, row), strict=True))}
        for name, row in zip(it.classes, found.confusion, strict=True)
    ]
    it.folder.csv(f"{place}/confusion.csv", rows)
    draw = partial(pictures.confusion, found.confusion, it.classes, title)
    it.folder.save(f"{place}/confusion.png", draw)
    truth, guess = part.examples.labels, chances.argmax(axis=1)
    wrong = np.flatnonzero(truth != guess)
    surest = wrong[np.argsort(-chances[wrong].max(axis=1), kind="stable")][:SHOWN]
    images = part.fit(part.examples.take(surest).images) if len(surest) else np.empty((0,))
    if images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3)):
        captions = [
            f"{it.classes[truth[i]]}\nas {it.classes[guess[i]]} {chances[i].max():.0%}"
            for i in surest
        ]
        title = f"{title}: {len(wrong):,} of {len(truth):,} mistaken, the surest first"
        draw = partial(pictures.samples, images, captions, {}, title)
        it.folder.save(f"{place}/mistakes.png", draw)


def probabilities(it: Trained, outputs: Any) -> Array:
    """What a model says of the classes, (n, classes), each row adding up to 1; of several outputs
    the first says it."""
    first = it.graph.outputs[0]
    values: Array = np.asarray(outputs[first] if isinstance(outputs, dict) else outputs, np.float64)
    sure = gives_probabilities(it.graph, first)
    if values.shape[1] == 1:  # the second of two classes
        yes = values if sure else 1 / (1 + np.exp(-values))
        return np.hstack([1 - yes, yes])
    values = values[:, : len(it.classes)]  # units that no class has
    if not sure:
        values = np.exp(values - values.max(axis=1, keepdims=True))
    sums = values.sum(axis=1, keepdims=True)
    shares: Array = values / np.maximum(sums, np.finfo(np.float64).tiny)
    return shares


# --- predict -------------------------------------------------------------------------------------


def predict(
    run: Path,
    files: Sequence[Path],
    top: int = 5,
    resize: bool = False,
    device: str | None = None,
) -> list[dict[str, Any]]:
    """What the model of a run takes images for: for each file a dict of its "file" and "classes",
    name -> probability, the likeliest first.

    The images are prepared as in training; resize: adapt size and channels, if that did not.
    device: as `framework.on` takes it.
    Raises `UserError` for one that is broken or not there.
    """
    with framework.on(device):
        return _guessed(trained(run), files, top, resize)


def _guessed(it: Trained, files: Sequence[Path], top: int, resize: bool) -> list[dict[str, Any]]:
    said, ours = it.facts["data"], it.recipe.data
    wanted = it.graph.shape(it.graph.inputs[0])[1:]
    scale = ours.scale or tuple(said["range"])  # a file has its own range, whatever the data had
    found = []
    for path, photo in zip(files, read_files(files, said["grey"]), strict=True):
        adapt = resize or ours.resize, resize or ours.channels
        fit = make_fitting(photo, wanted, photo.range, scale, *adapt)
        outputs = it.model.predict(fit(photo), verbose=0)
        values = outputs[0] if isinstance(outputs, list | tuple) else outputs
        chances = probabilities(it, values)[0]
        order = np.argsort(-chances, kind="stable")[:top]
        classes = {it.classes[i]: float(f"{chances[i]:.6g}") for i in order}
        found.append({"file": str(path), "classes": classes})
    return found
