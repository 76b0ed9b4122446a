"""Evaluate the model of a run: measure how good each of its outputs is.

`evaluate` writes into the run's folder, under evaluation/: report.json with loss, metrics and a
report on each output, and for an output of

    classes   confusion.csv, confusion.png (rows are the true classes), mistakes.png
    numbers   predicted.png: predicted against true
    masks     confusion.csv, confusion.png (of places), masks.png: image, truth and prediction
    images    images.png: input, target and output

With several outputs, the name of the output stands before each of these: `kind.confusion.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.backends import framework
from archspec.data.arrays import split_name
from archspec.data.binding import Dataset
from archspec.data.datasets import load_source
from archspec.data.images import Array
from archspec.data.preparation import Part, prepare
from archspec.errors import UserError
from archspec.objects import named
from archspec.recipe.record import Data
from archspec.recipe.tasks import CLASSES, IMAGE, LABELS, MASK
from archspec.runs.outcome import Evaluation, OutputReport
from archspec.training import figures
from archspec.training.compiling import compile_trainer
from archspec.training.feed import Feed
from archspec.training.measuring import measure
from archspec.training.reports import (
    count_places,
    report_classes,
    report_images,
    report_labels,
    report_numbers,
    report_places,
)
from archspec.training.trained import TrainedRun, load_trained

FOLDER = "evaluation"
SHOWN = 32  # mistakes in the picture
ROWS = 8  # samples in a picture of masks or images


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

    part: "test", "validation" or "train"; by default the test samples, or those of validation where
    there are no others. data, data_dir: other data of the same kind, as `train` takes it; all of it
    is judged where it has neither. device: as `framework.on` takes it.

    Raises `UserError` for a run without a model, for data of other classes or that is missing, and
    for files that cannot be written.
    """
    with framework.on(device) as device_name:
        trained = load_trained(run)
        dataset, parts = _prepare(trained, data, data_dir, part is None)
        choice = ("test", "validation", "train") if data else ("test", "validation")
        name = part or next(filter(parts.get, choice), "validation")
        if name not in parts:
            hint = f"--part takes {' or '.join(parts)}"
            raise UserError(f"{dataset.name} has no {name} images", hint)
        values, results = _predict(trained, parts[name], device_name)
        reports = {output: _report(trained, output, each) for output, each in results.items()}
        found = Evaluation(name, values, reports)
        _write_report(trained, found)
        for output, result in results.items():
            _Pictures(trained, found, output, result).write()
        return found


def _prepare(
    trained: TrainedRun, data: str | None, data_dir: Path | None, whole: bool
) -> tuple[Dataset, dict[str, Part]]:
    """Return the data of the run, or other data. Raises `UserError` for that of other classes.

    whole: whether other data that has one part only is not split.
    """
    facts, recipe = trained.facts["data"], trained.recipe
    if data is not None:
        other = _leave_out_columns(replace(recipe.data, name=data), data_dir)
        if whole:
            other = replace(other, validation=0.0, class_weight={})
        recipe = replace(recipe, data=other)
    data_dir = data_dir or (Path(facts["data_dir"]) if facts["data_dir"] else None)
    found = Path(facts["found"]) if facts.get("found") else None
    limit = None if data else facts["limit"]
    dataset, parts = prepare(
        trained.graph, recipe, data_dir, limit, found, only_classes="outputs" not in facts
    )
    for output, target in dataset.targets.items():
        classes = trained.outputs[output].classes
        if target.classes != classes:
            raise UserError(
                f"{dataset.name} has the classes {', '.join(target.classes[:5])}, ..., "
                f"the run {', '.join(classes[:5])}, ...",
                "evaluate on images of the run's own classes",
            )
    return dataset, parts


def _leave_out_columns(options: Data, data_dir: Path | None) -> Data:
    """Return the options of other data, without the columns of parts and weights that it lacks."""
    if options.name is None or (options.part is None and options.sample_weight is None):
        return options
    columns = load_source(options.name, data_dir).parts["train"]
    part, weight = options.part, options.sample_weight
    return replace(
        options,
        part=part if part in columns else None,
        sample_weight=weight if weight and {weight, split_name(weight)[0]} & {*columns} else None,
    )


# --- predicting a part ---------------------------------------------------------------------------


class _Result(Struct, eq=False):
    """The predictions of an output on a part.

    truth, values: of classes, labels and numbers, each sample in a row; values are probabilities of
    classes and labels. matrix: of masks, the places of each class that were taken for each.
    squared, absolute: of images, sums of errors, of so many values. samples: the places of a few,
    with what is shown of them: inputs, truth, prediction.
    """

    part: Part
    truth: list[Array]
    values: list[Array]
    matrix: Any = 0
    squared: float = 0.0
    absolute: float = 0.0
    count: int = 0
    samples: tuple[Any, ...] = ()


def _predict(
    trained: TrainedRun, part: Part, device: str
) -> tuple[dict[str, float], dict[str, _Result]]:
    """Return the loss and metrics of a part, and what each output predicts of it.

    Masks and images are judged batch by batch: all of them need not fit in memory.
    """
    graph, recipe, batch_size = trained.graph, trained.recipe, trained.recipe.batch_size
    trainer = compile_trainer(trained.model, graph, replace(recipe, augment=()), 1, device)
    values = measure(trainer, Feed(part, batch_size), batch_size)
    results = {output: _Result(part, [], []) for output in graph.outputs}
    for examples, x in _iter_batches(part, batch_size):
        outputs = trained.name_outputs(trainer.predict_on_batch(x))
        for output, result in results.items():
            target = part.targets[output]
            truth = part.make_target(output, examples, x)
            _add(result, trained, output, target.task, truth, outputs[output], x)
    return values, results


def _iter_batches(part: Part, size: int) -> Iterator[tuple[Any, Any]]:
    for start in range(0, len(part), size):
        examples = part.examples.take(np.arange(start, min(start + size, len(part))))
        yield examples, part.make_inputs(examples)


def _add(
    result: _Result,
    trained: TrainedRun,
    output: str,
    task: str,
    truth: Array,
    predicted: Array,
    x: Any,
) -> None:
    """Add a batch to the result of an output."""
    if task == CLASSES:
        result.truth.append(_to_numbers(truth))
        result.values.append(trained.compute_probabilities(predicted, output))
    elif task == LABELS:
        result.truth.append(truth)
        result.values.append(trained.compute_chances(predicted, output))
    elif task == MASK:
        units = predicted.shape[-1]
        guess = trained.compute_chances(predicted, output)[..., 0] >= 0.5
        guess = guess.astype(np.int64) if units == 1 else predicted.argmax(axis=-1)
        numbers = _to_numbers(truth) if truth.ndim == predicted.ndim else truth
        ignored = named(trained.recipe.loss[output])[1].get("ignore_class")
        result.matrix += count_places(numbers, guess, max(units, 2), ignored)
        _keep(result, x, numbers, guess)
    elif task == IMAGE:
        error = predicted.astype(np.float64) - truth
        result.squared += float((error**2).sum())
        result.absolute += float(np.abs(error).sum())
        result.count += error.size
        _keep(result, x, truth, predicted)
    else:
        result.truth.append(truth)
        result.values.append(predicted)


def _to_numbers(truth: Array) -> Array:
    """Return the numbers of classes of a target as the loss takes it."""
    if truth.ndim == 1:
        return truth
    return truth[..., 0] if truth.shape[-1] == 1 else truth.argmax(axis=-1)


def _keep(result: _Result, x: Any, truth: Array, predicted: Array) -> None:
    """Keep the first samples of a part for its picture."""
    if not result.samples:
        inputs = x if isinstance(x, dict) else {"input": x}
        images = next(filter(figures.are_images, inputs.values()), None)
        result.samples = (
            None if images is None else images[:ROWS], truth[:ROWS], predicted[:ROWS]
        )  # fmt: skip


def _report(trained: TrainedRun, output: str, result: _Result) -> OutputReport:
    target = result.part.targets[output]
    if target.task == MASK:
        return report_places(result.matrix, target.classes)
    if target.task == IMAGE:
        scale = trained.recipe.data.scale
        width = scale[1] - scale[0] if scale else None
        return report_images(result.squared / result.count, result.absolute / result.count, width)
    truth, values = np.concatenate(result.truth), np.concatenate(result.values)
    if target.task == CLASSES:
        return report_classes(truth, values, trained.outputs[output].classes)
    if target.task == LABELS:
        return report_labels(truth, values, target.classes)
    flat = truth.reshape(len(truth), -1)
    return report_numbers(flat, values.reshape(len(values), -1), target.name_numbers())


# --- files ---------------------------------------------------------------------------------------


def _write_report(trained: TrainedRun, found: Evaluation) -> None:
    """Write report.json: of a single output of classes as older versions did."""
    reports: Mapping[str, Any] = {"report": found.report}
    if len(found.outputs) > 1:
        reports = {
            "outputs": {
                name: {"task": each.task, "report": each.report}
                for name, each in found.outputs.items()
            }
        }
    trained.folder.write_json(
        f"{FOLDER}/report.json", {"part": found.part, **found.values, **reports}
    )


class _Pictures:
    """Writes the pictures and tables of one output."""

    def __init__(
        self, trained: TrainedRun, found: Evaluation, output: str, result: _Result
    ) -> None:
        self.trained, self.result = trained, result
        self.report = found.outputs[output]
        self.target = result.part.targets[output]
        self.classes = trained.outputs[output].classes
        several = len(found.outputs) > 1
        self.prefix = f"{FOLDER}/{output}." if several else f"{FOLDER}/"
        name = f"{trained.graph.name}, {output}" if several else trained.graph.name
        self.title = f"{name} on {trained.facts['data']['name']}, {found.part} images"

    def write(self) -> None:
        if self.report.confusion is not None:
            self.write_confusion()
        if self.target.task == CLASSES:
            self.draw_mistakes()
        elif self.target.task == "numbers":
            self.draw_predicted()
        elif self.result.samples:
            self.draw_samples()

    def draw(self, name: str, draw: Any, *arguments: Any) -> None:
        self.trained.folder.write(f"{self.prefix}{name}", partial(draw, *arguments))

    def write_confusion(self) -> None:
        """Write confusion.csv and confusion.png."""
        rows = [
            {"true class": name, **dict(zip(self.classes, map(int, row), strict=True))}
            for name, row in zip(self.classes, self.report.confusion, strict=True)
        ]
        self.trained.folder.write_csv(f"{self.prefix}confusion.csv", rows)
        self.draw(
            "confusion.png", figures.draw_confusion, self.report.confusion, self.classes, self.title
        )

    def draw_mistakes(self) -> None:
        """Draw mistakes.png: mistaken images, those with the greatest probabilities first.

        There is no picture where no image was mistaken, or where there are none that can be seen.
        """
        truth, chances = np.concatenate(self.result.truth), np.concatenate(self.result.values)
        guess = chances.argmax(axis=1)
        wrong = np.flatnonzero(truth != guess)
        surest = wrong[np.argsort(-chances[wrong].max(axis=1), kind="stable")][:SHOWN]
        if not len(surest):
            return
        part = self.result.part
        inputs = part.fit_inputs(part.examples.take(surest)).values()
        images = next(filter(figures.are_images, inputs), None)
        if images is None:
            return
        classes = self.classes
        captions = [
            f"{classes[truth[i]]}\nas {classes[guess[i]]} {chances[i].max():.0%}" for i in surest
        ]
        count = f"{len(wrong):,} of {len(truth):,} mistaken, the surest first"
        title = f"{self.title}: {count}"
        self.draw("mistakes.png", figures.draw_samples, images, captions, {}, title)

    def draw_predicted(self) -> None:
        """Draw predicted.png: each number as predicted against the true one."""
        truth, values = np.concatenate(self.result.truth), np.concatenate(self.result.values)
        names = self.target.name_numbers()
        flat = truth.reshape(len(truth), -1), values.reshape(len(values), -1)
        self.draw("predicted.png", figures.draw_predicted, *flat, names, self.title)

    def draw_samples(self) -> None:
        """Draw masks.png or images.png: a row for each of a few samples."""
        inputs, truth, predicted = self.result.samples
        if self.target.task == MASK:
            most = max(len(self.classes) - 1, 1)
            truth = np.clip(truth, 0, most) / most
            predicted = predicted / most
            names = ("image", "truth", "prediction")
        else:
            names = ("input", "target", "output")
        columns = [each for each in (inputs, truth, predicted) if each is not None]
        if not all(map(figures.are_images, columns)):
            return
        name = "masks.png" if self.target.task == MASK else "images.png"
        shown = names[-len(columns) :]
        self.draw(name, figures.draw_rows, columns, shown, self.title)
