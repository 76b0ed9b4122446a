"""Training itself: Keras's `fit` on what has been prepared, watched over and written down."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import keras
import numpy as np

from archspec.backends.keras import to_keras
from archspec.data.preparation import Part, make_targets
from archspec.errors import UserError
from archspec.objects import Object, named
from archspec.reading import kind_of
from archspec.recipe import find_restoring
from archspec.runs.failure import is_interrupt
from archspec.runs.folder import BEST, RunFolder
from archspec.runs.job import Job, RunOptions, resolved
from archspec.runs.machine import peak_memory, surroundings
from archspec.training import figures as pictures
from archspec.training.compiling import built, precision, trainer_of
from archspec.training.feed import Feed
from archspec.training.progress import Progress
from archspec.training.recorder import BestModel, Keeper, Recorder, Steps, numbers
from archspec.training.state import State
from archspec.training.writer import Writer

SAMPLES = "samples.png"
MANY = 32  # pictures on it

Metrics = dict[str, dict[str, float] | None]


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
    metrics: Metrics
    interrupted: bool


def learn(job: Job, options: RunOptions, device: str, state: State | None = None) -> Run:
    """Build, train and evaluate, into the folder; see `run.train`.

    device: that is worked on. state: to go on from.
    """
    graph, recipe, parts, folder = job.graph, job.recipe, job.parts, job.folder
    started, clock = datetime.now(UTC), time.perf_counter()
    per_epoch = ceil(len(parts["train"]) / recipe.batch_size)
    epochs = recipe.epochs or ceil((recipe.steps or 1) / per_epoch)

    def network() -> keras.Model:
        with precision(recipe.precision):
            return to_keras(graph, recipe.seed)

    keras.utils.set_random_seed(recipe.seed)
    model = network()
    with precision(recipe.precision):
        trainer = trainer_of(model, graph, recipe, per_epoch, device)
    facts = {
        **job.facts,
        "device": device,
        **surroundings(),
        "started": started.isoformat(timespec="seconds"),
    }
    folder.json("run.json", facts | {"status": "running"})
    others = [_watching(each) for each in recipe.callbacks]
    writer = Writer()
    best = BestModel(model, network)
    place = find_restoring(recipe.callbacks)
    recorder = Recorder(folder, writer, others, place, len(parts["train"]), recipe.batch_size)
    steps = Steps(recipe.steps, per_epoch) if recipe.steps else None
    callbacks = [recorder, *others, keras.callbacks.TerminateOnNaN(), *([steps] if steps else [])]
    progress = Progress(epochs, recorder)
    feeds: dict[str, Feed] = {}
    metrics: Metrics = {"test": None, "validation": None}
    status = "failed"
    try:
        for name, part in parts.items():
            seed = recipe.seed if name == "train" else None
            labels = partial(make_targets, graph, recipe)
            at_once = trainer.steps_per_execution
            feeds[name] = Feed(part.examples, part.fit, labels, recipe.batch_size, seed, at_once)
        done = state.epochs if state else 0
        if kind_of(folder.path / SAMPLES) is None:  # a run that goes on elsewhere shows them, too
            _show_samples(folder, feeds["train"], parts["train"], job.dataset.classes, facts)
        keeper = Keeper(recorder, best, steps, feeds["train"], resolved(graph, recipe), state)
        with writer:
            trainer.fit(
                feeds["train"].x,
                epochs=done if state and state.stopped else epochs,
                initial_epoch=done,
                verbose=0,
                shuffle=False,  # the feed does, by seed and epoch
                validation_data=feeds["validation"].pair if "validation" in feeds else None,
                validation_batch_size=recipe.batch_size,
                callbacks=[*callbacks, keeper, *([] if options.quiet else [progress])],
            )
        recorder.check()
        best.take()
        for name in metrics:
            if name in feeds:
                metrics[name] = _evaluate(trainer, feeds[name], recipe.batch_size)
        if options.weights:
            folder.save("weights.txt", partial(write_weights, model))
        folder.json("metrics.json", {**metrics, **recorder.facts})
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
    except Exception as error:
        if is_interrupt(error):
            status = "interrupted"
        elif failure := next(filter(None, (each.failure for each in feeds.values())), None):
            raise failure from None
        else:
            raise
    finally:
        progress.close()
        # Where a run failed, it is its own error that counts, not one that comes of the last files.
        with suppress(UserError) if status == "failed" else nullcontext():
            if recorder.rows:
                picture = partial(pictures.curves, recorder.rows, graph.name, graph.outputs)
                folder.save("curves.png", picture)
            times = {
                "seconds": round(time.perf_counter() - clock, 2),
                "training_seconds": round(sum(row["seconds"] for row in recorder.rows), 2),
                "images_per_second": recorder.images_per_second,
                "peak_memory": peak_memory(device),
            }
            folder.json("run.json", facts | {"status": status} | times)
    options.echo(_outcome(folder.path, status, metrics, recorder, epochs))
    return Run(folder.path, model, recorder.rows, metrics, status == "interrupted")


def _watching(value: Object) -> keras.callbacks.Callback:
    """A callback of the recipe. The best weights are ours to keep and to give back."""
    name, arguments = named(value)
    if name == "EarlyStopping":
        arguments = {**arguments, "restore_best_weights": False}
    return built(keras.callbacks, {name: arguments})


def _show_samples(
    folder: RunFolder, fed: Feed, part: Part, classes: Sequence[str], facts: Mapping[str, Any]
) -> None:
    """samples.png: the first images of the first epoch, as the model takes them, where they are
    pictures; and how many there are of each class."""
    batch = part.examples.take(fed.order()[:MANY])
    images = part.fit(batch.images)
    if images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3)):
        captions = [classes[label] for label in batch.labels]
        title = f"{facts['data']['name']}, training images"
        balance = facts["data"]["balance"]
        draw = partial(pictures.samples, images, captions, balance, title)
        folder.save(SAMPLES, draw)


def write_weights(model: keras.Model, path: Path) -> None:
    """A text with the name, the shape and all values of every weight."""
    with path.open("w", encoding="utf-8") as file:
        for each in model.weights:
            values = keras.ops.convert_to_numpy(each)
            text = np.array2string(values, threshold=sys.maxsize)
            file.write(f"{each.path}\n{tuple(each.shape)}\n{text}\n")


def _evaluate(trainer: keras.Model, fed: Feed, batch_size: int) -> dict[str, float]:
    values = trainer.evaluate(fed.x, fed.y, batch_size=batch_size, verbose=0, return_dict=True)
    return numbers(values)


def _outcome(
    folder: Path,
    status: str,
    metrics: Metrics,
    recorder: Recorder,
    epochs: int,
) -> str:
    done = f"{len(recorder.rows)} of {epochs} epochs"
    if status == "interrupted":
        return f"interrupted after {done}: archspec train --resume {folder} goes on"
    lines = [f"stopped early, after {done}"] if len(recorder.rows) < epochs else []
    for part, values in metrics.items():
        each = ", ".join(f"{name} {value:.4f}" for name, value in (values or {}).items())
        lines.append(f"{part}: {each}" if each else f"{part}: the data has no such images")
    by = f"best epoch {recorder.best_epoch}, by {recorder.monitor}"
    return "\n".join([*lines, f"{by}, in {folder / BEST}"])
