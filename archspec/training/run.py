"""The runner: a graph and its recipe in, a trained model and a folder that tells all of it out.

A run's folder holds

    spec.yaml       the text as given               history.csv  one row an epoch
    resolved.yaml   the spec and recipe in full     best.keras   the epoch of least validation loss
    run.json        versions, devices, times        curves.png   loss and metrics by epoch
    metrics.json    on test and validation images, of the best epoch
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before Keras brings in TensorFlow

import keras
import numpy as np

from archspec.backends.flat import flat_name, to_spec
from archspec.backends.keras import to_keras
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.recipe import Object, Recipe, is_sparse, named
from archspec.training import curves, data
from archspec.training.data import Dataset, Examples
from archspec.training.feed import Feed, feed
from archspec.training.folder import RunFolder
from archspec.training.images import Array, fitting
from archspec.training.recorder import Recorder, Steps, numbers
from archspec.training.surroundings import surroundings


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came of a run.

    model: with the weights of the best epoch, or of the last step if it was interrupted.
    history: one dict an epoch, as in history.csv. metrics: "test" and "validation" to the values
    that Keras reports, by name; None for a part that the data lacks or the run did not reach.
    """

    folder: Path
    model: keras.Model
    history: list[dict[str, Any]]
    metrics: Mapping[str, Mapping[str, float] | None]
    interrupted: bool


def train(
    graph: Graph,
    recipe: Recipe,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    limit: int | None = None,
    text: str | None = None,
    echo: Callable[[str], None] = print,
    verbose: int | None = None,
) -> Run:
    """Train a graph by its recipe, and write the run's folder.

    run_dir: an empty or new folder; by default the next free `runs/NAME-N`. data_dir: where
    datasets are looked for first. limit: train on so many images. text: the spec as given.
    echo: says what is going on. verbose: as Keras's `fit`; by default a progress bar, or a line an
    epoch if no one is watching.

    Ctrl-C ends the run with what it has: the `Run` says `interrupted`. Raises `UserError` for
    data that is not there or does not fit, and for a loss that is no number any more.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    if recipe.data.name is None:
        known = ", ".join(data.CLASSES)
        raise UserError("nothing to train on", f"give --data: {known}, a folder or an .npz file")
    for warning in recipe.warnings:
        echo(f"warning: {warning}")
    dataset = data.load(recipe.data.name, data_dir, recipe.data.split_seed)
    _check(graph, recipe, dataset)
    parts = data.split(dataset, recipe.data.validation, recipe.data.split_seed, limit)
    echo(_about(dataset, parts))
    feeds = _feeds(graph, recipe, dataset, parts)

    with _precision(recipe.precision):
        keras.utils.set_random_seed(recipe.seed)
        model = to_keras(graph, seed=recipe.seed)
        trainer = _trainer(model, graph, recipe)
    per_epoch = ceil(len(parts["train"]) / recipe.batch_size)
    epochs = recipe.epochs or ceil((recipe.steps or 1) / per_epoch)
    _compile(trainer, graph, recipe, per_epoch)

    folder = RunFolder(graph.name, run_dir)
    if text is not None:
        folder.text("spec.yaml", text)
    folder.yaml("resolved.yaml", {**to_spec(graph), "train": recipe.mapping(flat_name)})
    facts = {
        "name": graph.name,
        "params": dict(graph.params),
        "status": "running",
        "fingerprint": graph.fingerprint,
        "parameters": model.count_params(),
        "seed": recipe.seed,
        "data": {
            "name": dataset.name,
            "classes": dataset.classes,
            "images": {part: len(each) for part, each in parts.items()},
        },
        **surroundings(),
        "started": started.isoformat(timespec="seconds"),
    }
    folder.json("run.json", facts)
    echo(f"writing to {folder.path}")

    recorder = Recorder(folder, model)
    metrics: dict[str, dict[str, float] | None] = {"test": None, "validation": None}
    status = "failed"
    try:
        trainer.fit(
            feeds["train"].x,
            feeds["train"].y,
            batch_size=recipe.batch_size,
            epochs=epochs,
            verbose=(1 if sys.stdout.isatty() else 2) if verbose is None else verbose,
            shuffle=feeds["train"].y is not None,
            validation_data=feeds["validation"].pair if "validation" in feeds else None,
            callbacks=[
                *(built(keras.callbacks, each) for each in recipe.callbacks),
                keras.callbacks.TerminateOnNaN(),
                *([Steps(recipe.steps, per_epoch)] if recipe.steps else []),
                recorder,
            ],
        )
        recorder.check()
        model.load_weights(folder.path / "best.keras")
        for part in metrics:
            if part in feeds:
                metrics[part] = _evaluate(trainer, feeds[part], recipe.batch_size)
        folder.json("metrics.json", {**metrics, "best_epoch": recorder.best_epoch})
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
    except Exception:
        if failure := next(filter(None, (each.failure for each in feeds.values())), None):
            raise failure from None
        raise
    finally:
        # Where a run failed, it is its own error that counts, not one that comes of the last files.
        with suppress(UserError) if status == "failed" else nullcontext():
            if recorder.rows:
                folder.save(
                    "curves.png",
                    lambda path: curves.draw(recorder.rows, graph.name, graph.outputs, path),
                )
            times = {
                "seconds": round(time.perf_counter() - clock, 2),
                "training_seconds": round(sum(row["seconds"] for row in recorder.rows), 2),
            }
            folder.json("run.json", facts | {"status": status} | times)
    echo(_outcome(folder.path, status, metrics, recorder, epochs))
    return Run(folder.path, model, recorder.rows, metrics, status == "interrupted")


# --- before the first step -----------------------------------------------------------------------


def _check(graph: Graph, recipe: Recipe, dataset: Dataset) -> None:
    """One image in, one label out, and a unit for each class."""
    if len(graph.inputs) != 1:
        raise UserError(
            f"the runner trains specs with one input, {graph.name} has {len(graph.inputs)}",
            "build the model with `archspec build` and train it with Keras",
        )
    needed = len(dataset.classes)
    for output in graph.outputs:
        shape = graph.shape(output)
        if len(shape) != 2 or shape[1] is None:
            raise UserError(
                f"output '{output}' has shape {shape}, but a classifier's is (None, classes)",
                "flatten or pool what comes before it",
            )
        sparse = is_sparse(named(recipe.losses[output])[0])
        if shape[1] < needed and not (shape[1] == 1 and needed == 2 and not sparse):
            param = _param_behind(graph, output, shape[1])
            raise UserError(
                f"{dataset.name} has {needed} classes, but output '{output}' has {shape[1]} units",
                f"--set {param}={needed}" if param else f"give it {needed} units in the spec",
            )


def _param_behind(graph: Graph, output: str, units: int) -> str | None:
    """The param that most likely says how many units an output has: one of that value, best one
    that the text of a layer before the output mentions, or that speaks of classes."""
    having = [name for name, value in graph.params.items() if type(value) is int and value == units]
    node = graph[output]
    while node.inputs and not (node.facts and node.facts.weights):
        node = graph[node.inputs[0]]
    span = node.span
    written = "\n".join(span.source.lines[span.line - 1 : span.end_line])

    def likelihood(name: str) -> tuple[bool, bool]:
        return f"={name}" in written.replace(" ", ""), "class" in name

    return max(having, key=likelihood, default=None)


def _feeds(
    graph: Graph, recipe: Recipe, dataset: Dataset, parts: Mapping[str, Examples]
) -> dict[str, Feed]:
    def targets(labels: Array) -> Any:
        each = {name: _target(graph, recipe, name, labels) for name in graph.outputs}
        return each if len(each) > 1 else each[graph.outputs[0]]

    wanted, said = graph.shape(graph.inputs[0])[1:], recipe.data
    feeds = {}
    for part, examples in parts.items():
        fit = fitting(
            examples.images, wanted, dataset.range, said.scale, said.resize, said.channels
        )
        seed = recipe.seed if part == "train" else None
        feeds[part] = feed(examples, fit, targets, recipe.batch_size, seed)
    return feeds


def _target(graph: Graph, recipe: Recipe, output: str, labels: Array) -> Array:
    """Class numbers for a sparse loss or a single unit, else one-hot rows."""
    units = graph.shape(output)[-1] or 1
    if units == 1 or is_sparse(named(recipe.losses[output])[0]):
        return labels
    return np.eye(units, dtype=np.float32)[labels]


def _about(dataset: Dataset, parts: Mapping[str, Examples]) -> str:
    counts = ", ".join(f"{len(each):,} {part}" for part, each in parts.items())
    return f"{dataset.name}, {len(dataset.classes)} classes, images: {counts}"


# --- the model to train --------------------------------------------------------------------------


@contextmanager
def _precision(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class _Augment(keras.layers.Layer):  # type: ignore[misc]
    """Layers that act in the training step alone: some (RandomCrop) change images elsewhere too."""

    def __init__(self, layers: list[keras.layers.Layer]) -> None:
        super().__init__(dtype="float32")
        self.layers = layers

    def build(self, shape: Any) -> None:
        """Its layers have no weights; Keras wants to see that said."""

    def call(self, images: Any, training: bool = False) -> Any:
        for layer in self.layers if training else ():
            images = layer(images, training=True)
        return images


def _trainer(model: keras.Model, graph: Graph, recipe: Recipe) -> keras.Model:
    """A model that shares the weights of `model`, with augmentation in front and its outputs keyed
    by their names in the spec: what is compiled is never what is saved."""
    (images,), outputs = model.inputs, model.outputs
    if recipe.augment:
        images = keras.Input(batch_shape=images.shape, dtype=images.dtype)
        layers = [built(keras.layers, step) for step in recipe.augment]
        outputs = model(_Augment(layers)(images))
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    single = len(outputs) == 1
    return keras.Model(
        images, outputs[0] if single else dict(zip(graph.outputs, outputs, strict=True))
    )


def _compile(trainer: keras.Model, graph: Graph, recipe: Recipe, per_epoch: int) -> None:
    losses = {name: built(keras.losses, each) for name, each in recipe.losses.items()}
    metrics = {
        name: [each if named(each)[0].islower() else built(keras.metrics, each) for each in several]
        for name, several in recipe.metrics.items()
    }
    only = graph.outputs[0] if len(graph.outputs) == 1 else None
    trainer.compile(
        optimizer=built(keras.optimizers, recipe.optimizer),
        loss=losses[only] if only else losses,
        metrics=metrics[only] if only else metrics,
        loss_weights=None if only else dict(recipe.loss_weights),
        steps_per_execution=steps_per_execution(graph, recipe, per_epoch),
    )


def built(module: Any, value: Object) -> Any:
    """The Keras object that a recipe names, from `keras.optimizers`, `keras.losses`, ..."""
    name, arguments = named(value)
    rate = arguments.get("learning_rate")
    if isinstance(rate, str | dict):
        arguments = {**arguments, "learning_rate": built(keras.optimizers.schedules, rate)}
    return getattr(module, name)(**arguments)


def steps_per_execution(graph: Graph, recipe: Recipe, per_epoch: int) -> int:
    """How many steps TensorFlow takes at a time: the maths are the same, small nets train 1.5 times
    as fast. About half a second's worth, so that progress is seen and Ctrl-C heard."""
    if keras.backend.backend() != "tensorflow":
        return 1
    seconds = 1e-3 + 6 * (graph.macs or 1e9) * recipe.batch_size / 5e10  # forward, backward twice
    steps = 1
    while steps < 128 and 2 * steps <= per_epoch and 2 * steps * seconds <= 0.5:
        steps *= 2
    if recipe.steps is None:
        return ceil(per_epoch / ceil(per_epoch / steps))  # about evenly shared out
    while recipe.steps % per_epoch % steps:  # such a run ends at that very step
        steps //= 2
    return steps


def _evaluate(trainer: keras.Model, fed: Feed, batch_size: int) -> dict[str, float]:
    values = trainer.evaluate(fed.x, fed.y, batch_size=batch_size, verbose=0, return_dict=True)
    return numbers(values)


# --- what is told --------------------------------------------------------------------------------


def _outcome(
    folder: Path,
    status: str,
    metrics: Mapping[str, Mapping[str, float] | None],
    recorder: Recorder,
    epochs: int,
) -> str:
    done = f"{len(recorder.rows)} of {epochs} epochs"
    if status == "interrupted":
        kept = (
            f"{folder} has the history and best.keras of epoch {recorder.best_epoch}"
            if recorder.best_epoch
            else f"{folder} has no model"
        )
        return f"interrupted after {done}: {kept}"
    lines = [f"stopped early, after {done}"] if len(recorder.rows) < epochs else []
    for part, values in metrics.items():
        each = ", ".join(f"{name} {value:.4f}" for name, value in (values or {}).items())
        lines.append(f"{part}: {each}" if each else f"{part}: the data has no such images")
    return "\n".join([*lines, f"best epoch {recorder.best_epoch}, in {folder / 'best.keras'}"])
