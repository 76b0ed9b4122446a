"""Training itself: Keras's `fit` on what has been prepared, watched over and written down."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import keras

from archspec.backends.keras import to_keras
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.recipe import Recipe
from archspec.training import curves
from archspec.training.data import Dataset
from archspec.training.feed import Feed, feed
from archspec.training.folder import RunFolder
from archspec.training.preparation import Part, targets
from archspec.training.recorder import Recorder, Steps, numbers
from archspec.training.surroundings import surroundings
from archspec.training.trainer import built, precision, trainer_of

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


def learn(
    graph: Graph,
    recipe: Recipe,
    dataset: Dataset,
    parts: Mapping[str, Part],
    folder: RunFolder,
    echo: Callable[[str], None],
    verbose: int | None = None,
) -> Run:
    """Build, train and evaluate, into the folder; see `run.train`."""
    started, clock = datetime.now(UTC), time.perf_counter()
    per_epoch = ceil(len(parts["train"]) / recipe.batch_size)
    epochs = recipe.epochs or ceil((recipe.steps or 1) / per_epoch)
    with precision(recipe.precision):
        keras.utils.set_random_seed(recipe.seed)
        model = to_keras(graph, recipe.seed)
        trainer = trainer_of(model, graph, recipe, per_epoch)
    facts = {
        "name": graph.name,
        "params": dict(graph.params),
        "status": "running",
        "fingerprint": graph.fingerprint,
        "parameters": graph.total_params,
        "seed": recipe.seed,
        "data": {
            "name": dataset.name,
            "classes": dataset.classes,
            "images": {name: len(part) for name, part in parts.items()},
        },
        **surroundings(),
        "started": started.isoformat(timespec="seconds"),
    }
    folder.json("run.json", facts)
    recorder = Recorder(folder, model)
    feeds: dict[str, Feed] = {}
    metrics: Metrics = {"test": None, "validation": None}
    status = "failed"
    try:
        for name, part in parts.items():
            seed = recipe.seed if name == "train" else None
            labels = partial(targets, graph, recipe)
            feeds[name] = feed(part.examples, part.fit, labels, recipe.batch_size, seed)
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
        for name in metrics:
            if name in feeds:
                metrics[name] = _evaluate(trainer, feeds[name], recipe.batch_size)
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
                picture = partial(curves.draw, recorder.rows, graph.name, graph.outputs)
                folder.save("curves.png", picture)
            times = {
                "seconds": round(time.perf_counter() - clock, 2),
                "training_seconds": round(sum(row["seconds"] for row in recorder.rows), 2),
            }
            folder.json("run.json", facts | {"status": status} | times)
    echo(_outcome(folder.path, status, metrics, recorder, epochs))
    return Run(folder.path, model, recorder.rows, metrics, status == "interrupted")


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
