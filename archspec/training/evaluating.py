"""Evaluation: how good the model of a run is, on all images and on each class.

`evaluate` writes into the run's folder, under evaluation/:

    report.json      loss, metrics and the report      confusion.png    rows are the true classes
    confusion.csv    the same counts                   mistakes.png     images that were mistaken
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from archspec.backends import framework
from archspec.data.binding import Dataset
from archspec.data.images import Array
from archspec.data.preparation import Part, prepare
from archspec.errors import UserError
from archspec.runs.outcome import Evaluation
from archspec.training import figures
from archspec.training.compiling import compile_trainer
from archspec.training.feed import Feed
from archspec.training.measuring import measure
from archspec.training.trained import TrainedRun, load_trained

FOLDER = "evaluation"
SHOWN = 32  # mistakes in the picture


def evaluate(
    run: Path,
    *,
    part: str | None = None,
    data: str | None = None,
    data_dir: Path | None = None,
    device: str | None = None,
) -> Evaluation:
    """Evaluate the model of a run, and write reports and pictures into its folder.

        >>> evaluate(Path("runs/lenet5-1")).values["accuracy"]  # doctest: +SKIP
        0.9192

    part: "test", "validation" or "train"; by default the test images, or those of validation where
    there are no others. data, data_dir: other images of the same classes, as `train` takes them.
    device: as `framework.on` takes it. Of a model with several outputs the first is reported.

    Raises `UserError` for a run without a model, for images of other classes or that are missing,
    and for files that cannot be written.
    """
    with framework.on(device) as device_name:
        trained = load_trained(run)
        dataset, parts = _prepare(trained, data, data_dir)
        name = part or ("test" if "test" in parts else "validation")
        if name not in parts:
            hint = f"--part takes {' or '.join(parts)}"
            raise UserError(f"{dataset.name} has no {name} images", hint)
        found, probabilities = _evaluate(trained, name, parts[name], device_name)
        _write_report(trained, found)
        _draw_mistakes(trained, found, parts[name], probabilities)
        return found


def _prepare(
    trained: TrainedRun, data: str | None, data_dir: Path | None
) -> tuple[Dataset, dict[str, Part]]:
    """Return the images of the run, or others. Raises `UserError` for those of other classes."""
    facts, recipe = trained.facts["data"], trained.recipe
    if data is not None:
        recipe = replace(recipe, data=replace(recipe.data, name=data))
    data_dir = data_dir or (Path(facts["data_dir"]) if facts["data_dir"] else None)
    found = Path(facts["found"]) if facts.get("found") else None
    limit = None if data else facts["limit"]
    dataset, parts = prepare(
        trained.graph, recipe, data_dir, limit, found, only_classes="outputs" not in facts
    )
    if list(dataset.classes) != trained.classes:
        raise UserError(
            f"{dataset.name} has the classes {', '.join(dataset.classes[:5])}, ..., "
            f"the run {', '.join(trained.classes[:5])}, ...",
            "evaluate on images of the run's own classes",
        )
    return dataset, parts


def _evaluate(trained: TrainedRun, name: str, part: Part, device: str) -> tuple[Evaluation, Array]:
    """Return the evaluation of a part, and the probabilities of its images (n, classes)."""
    from sklearn.metrics import classification_report, confusion_matrix

    graph, recipe, batch_size = trained.graph, trained.recipe, trained.recipe.batch_size
    feed = Feed(part, batch_size)
    trainer = compile_trainer(trained.model, graph, replace(recipe, augment=()), 1, device)
    values = measure(trainer, feed, batch_size)
    outputs = trainer.predict(feed.x, batch_size=batch_size, verbose=0)
    probabilities = trained.compute_probabilities(outputs)
    truth, guess = _list_labels(trained, part), probabilities.argmax(axis=1)
    labels = range(len(trained.classes))
    report = classification_report(
        truth, guess, labels=labels, target_names=trained.classes, output_dict=True, zero_division=0
    )
    matrix = confusion_matrix(truth, guess, labels=labels)
    return Evaluation(name, values, report, matrix), probabilities


def _list_labels(trained: TrainedRun, part: Part) -> Array:
    return np.asarray(part.examples.targets[trained.graph.outputs[0]])


def _write_report(trained: TrainedRun, found: Evaluation) -> None:
    """Write report.json, confusion.csv and confusion.png."""
    folder, classes = trained.folder, trained.classes
    folder.write_json(
        f"{FOLDER}/report.json", {"part": found.part, **found.values, "report": found.report}
    )
    rows = [
        {"true class": name, **dict(zip(classes, map(int, row), strict=True))}
        for name, row in zip(classes, found.confusion, strict=True)
    ]
    folder.write_csv(f"{FOLDER}/confusion.csv", rows)
    draw = partial(figures.draw_confusion, found.confusion, classes, _make_title(trained, found))
    folder.write(f"{FOLDER}/confusion.png", draw)


def _draw_mistakes(
    trained: TrainedRun, found: Evaluation, part: Part, probabilities: Array
) -> None:
    """Draw mistakes.png: mistaken images, those with the greatest probabilities first.

    There is no picture where no image was mistaken, or where the images are none that can be seen.
    """
    truth, guess = _list_labels(trained, part), probabilities.argmax(axis=1)
    wrong = np.flatnonzero(truth != guess)
    surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:SHOWN]
    if not len(surest):
        return
    inputs = part.fit_inputs(part.examples.take(surest)).values()
    images = next(filter(figures.are_images, inputs), None)
    if images is None:
        return
    classes = trained.classes
    captions = [
        f"{classes[truth[i]]}\nas {classes[guess[i]]} {probabilities[i].max():.0%}" for i in surest
    ]
    count = f"{len(wrong):,} of {len(truth):,} mistaken, the surest first"
    title = f"{_make_title(trained, found)}: {count}"
    draw = partial(figures.draw_samples, images, captions, {}, title)
    trained.folder.write(f"{FOLDER}/mistakes.png", draw)


def _make_title(trained: TrainedRun, found: Evaluation) -> str:
    return f"{trained.graph.name} on {trained.facts['data']['name']}, {found.part} images"
