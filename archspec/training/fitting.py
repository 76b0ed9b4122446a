"""Train a job's network on its images by Keras's `fit`, and write the results to the folder."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from msgspec import Struct

from archspec.backends.keras import to_keras
from archspec.differences.flat import restore_scopes
from archspec.differences.patterns import Names, write_names
from archspec.errors import UserError
from archspec.reading import kind_of
from archspec.recipe import count_trained, find_followed, find_restoring, split_augment
from archspec.recipe.freezing import list_frozen
from archspec.runs.failure import is_interrupt
from archspec.runs.folder import BEST
from archspec.runs.interrupt import INTERRUPT
from archspec.runs.job import (
    Job,
    RunOptions,
    count_epochs,
    count_steps_per_epoch,
    format_resolved,
)
from archspec.runs.machine import describe_environment, measure_peak_memory
from archspec.runs.outcome import Metrics, Run
from archspec.training import figures
from archspec.training.augmenting import JointAugmentation
from archspec.training.callbacks import build_callback
from archspec.training.compiling import compile_by, compile_trainer, unfreeze, use_precision
from archspec.training.feed import Feed
from archspec.training.measuring import measure
from archspec.training.progress import Progress
from archspec.training.recorder import BestModel, Keeper, OneTraining, Recorder, Steps
from archspec.training.sharing import Sharing
from archspec.training.state import State, restore_variables
from archspec.training.writer import Writer
from archspec.weights.assigning import assign

if TYPE_CHECKING:
    from archspec.training.cluster import Team

SAMPLES = "samples.png"
MANY = 32  # images in it
SHOWN = 4  # names of frozen layers in a message


def learn(
    job: Job,
    options: RunOptions,
    device: str,
    state: State | None = None,
    sharing: Sharing | None = None,
    team: Team | None = None,
) -> Run:
    """Build, train and evaluate the network of a job, into its folder; see `run.train`.

    device: the one in use, such as `gpu:0`. state: to resume from, if any. sharing: of each batch
    among several devices. team: the processes that train together.

    Raises `UserError` for images that cannot be read, for files that cannot be written and for a
    loss that is not finite; whatever Keras raises passes through.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    with sharing.scope() if sharing else nullcontext():
        model, trainer = _build_models(job, device, sharing)
    if job.initial is not None and state is None:
        assign(model, job.initial.plan, job.initial.source)
        options.echo(f"{job.initial.to_text()}\n")
    facts = {
        **job.facts,
        "device": device,
        "processes": team.count if team else 1,
        **describe_environment(),
        "started": started.isoformat(timespec="seconds"),
    }
    job.folder.write_json("run.json", facts | {"status": "running"})
    training = _Training(job, model, trainer, device, sharing)
    if job.recipe.freeze:
        options.echo(_describe_frozen(job))
    status = "failed"
    try:
        training.make_feeds()
        training.draw_samples()
        training.fit(state, options.quiet)
        training.evaluate()
        training.write_results(options.weights)
        INTERRUPT.raise_if_lost()
        status = "finished"
    except (Exception, KeyboardInterrupt) as error:
        if not is_interrupt(error) and not (team and INTERRUPT.pending):
            if team:
                team.look_for_loss(error)
            training.raise_failure_of_feeds()
            raise
        if team:
            team.peers.leave("it was interrupted")
        INTERRUPT.confirm()
        status = "interrupted"
    finally:
        training.progress.close()
        # Of a run that failed its own error is raised, not one of its last files.
        with suppress(UserError) if status == "failed" else nullcontext():
            training.draw_curves()
            times = training.measure_times(time.perf_counter() - clock, device)
            job.folder.write_json("run.json", facts | {"status": status} | times)
    options.echo(training.describe_outcome(status))
    history, metrics = training.recorder.rows, training.metrics
    return Run(job.folder.path, model, history, metrics, status == "interrupted")


def _build_model(job: Job) -> keras.Model:
    with use_precision(job.recipe.precision):
        return to_keras(job.graph, job.recipe.seed)


def _build_models(
    job: Job, device: str, sharing: Sharing | None
) -> tuple[keras.Model, keras.Model]:
    """Return the model that is saved, and the trainer around it."""
    recipe = job.recipe
    keras.utils.set_random_seed(recipe.seed)
    model = _build_model(job)
    per_epoch = count_steps_per_epoch(recipe, len(job.parts["train"]))
    with use_precision(recipe.precision):
        return model, compile_trainer(model, job.graph, recipe, per_epoch, device, sharing)


def _describe_frozen(job: Job) -> str:
    """Return how many parameters are trained while layers are frozen, and how long."""
    trained = count_trained(job.graph, job.recipe.freeze)
    text = f"{trained:,} of {job.graph.trainable_params:,} parameters are trained"
    if (unfreeze := job.recipe.unfreeze) is not None:
        text = f"{text} before epoch {unfreeze['epoch']}, all from then on"
    graph = restore_scopes(job.graph)  # whose names the user knows
    names = write_names(list_frozen(graph), Names.of(graph))
    frozen = ", ".join(names) if len(names) <= SHOWN else f"{len(job.recipe.freeze)} layers"
    new = "" if "init" in job.facts else ", with new weights"
    return f"{text}; frozen{new}: {frozen}"


class _Part(Struct, frozen=True):
    """A call of `fit`: the epochs after `first` up to `last`, the first of them after some steps.

    unfreezes: whether frozen layers begin to learn with it.
    """

    first: int
    last: int
    step: int = 0
    unfreezes: bool = False


class _Training:
    """A training in progress: its models, data and callbacks, and its metrics so far.

    The methods are called in the order in which they stand.
    """

    def __init__(
        self,
        job: Job,
        model: keras.Model,
        trainer: keras.Model,
        device: str,
        sharing: Sharing | None,
    ) -> None:
        """Make the callbacks. Nothing is read and nothing written."""
        self.job, self.model, self.trainer = job, model, trainer
        self.device, self.sharing = device, sharing
        recipe, images = job.recipe, len(job.parts["train"])
        self.epochs = count_epochs(recipe, images)
        per_epoch = count_steps_per_epoch(recipe, images)
        self.others = [build_callback(each, job.folder.path) for each in recipe.callbacks]
        self.writer = Writer()
        self.best = BestModel(model, partial(_build_model, job))
        restoring = find_restoring(recipe.callbacks)
        self.recorder = Recorder(
            job.folder,
            self.writer,
            self.others,
            restoring,
            recipe.best,
            images,
            recipe.batch_size,
        )
        self.steps = Steps(recipe.steps, per_epoch) if recipe.steps else None
        self.progress = Progress(self.epochs, self.recorder)
        self.feeds: dict[str, Feed] = {}
        self.done = 0  # epochs before this training was started or resumed
        self.metrics: Metrics = {"test": None, "validation": None}

    def make_feeds(self) -> None:
        """Make the feed of each part of the images: those in memory are prepared now."""
        recipe, at_once = self.job.recipe, self.trainer.steps_per_execution
        for name, part in self.job.parts.items():
            seed = recipe.seed if name == "train" else None
            augment = self._make_augmentation() if name == "train" else None
            needed = None
            if name == "train" and recipe.steps:
                needed = recipe.steps * recipe.batch_size
            self.feeds[name] = Feed(
                part, recipe.batch_size, seed, at_once, augment, needed, self.sharing
            )

    def _make_augmentation(self) -> JointAugmentation | None:
        """Return what moves the pixels of images and of their targets; None if nothing does."""
        graph, recipe = self.job.graph, self.job.recipe
        followed, moving = find_followed(graph, recipe), split_augment(recipe.augment)[0]
        if not followed or not moving:
            return None
        tasks = {output: self.job.dataset.targets[output].task for output in followed}
        return JointAugmentation(moving, tasks, recipe.seed)

    def raise_failure_of_feeds(self) -> None:
        """Raise the error of a batch that could not be read, which Keras hides in its own."""
        for feed in self.feeds.values():
            if feed.failure is not None:
                raise feed.failure from None

    def draw_samples(self) -> None:
        """Draw samples.png, unless it is there: the first images of the first epoch as the model
        takes them, where they can be seen, and the number of images in each class."""
        folder, part = self.job.folder, self.job.parts["train"]
        if kind_of(folder.path / SAMPLES) is not None:  # a run that is resumed here has drawn them
            return
        batch = part.examples.take(self.feeds["train"].draw_order()[:MANY])
        shown = filter(figures.are_images, part.fit_inputs(batch).values())
        if (images := next(shown, None)) is not None:
            classes = self.job.dataset.classes
            captions = [
                classes[at] if classes else "" for at in self.job.dataset.list_labels(batch)
            ]
            data = self.job.facts["data"]
            title = f"{data['name']}, training images"
            draw = partial(figures.draw_samples, images, captions, data["balance"], title)
            folder.write(SAMPLES, draw)

    def fit(self, state: State | None, quiet: bool) -> None:
        """Train from the state, or from the beginning, to the last epoch.

        The model then has the weights of the best epoch. Raises `UserError` for a loss that is not
        finite.
        """
        recipe, feeds = self.job.recipe, self.feeds
        self.done = state.epochs if state else 0
        parts = self._list_parts(state)
        keeper = Keeper(
            self.recorder,
            self.best,
            self.steps,
            feeds["train"],
            format_resolved(self.job.graph, recipe),
            state,
            recipe.save_every,
            count_steps_per_epoch(recipe, len(self.job.parts["train"])),
            keeps_first=self.job.initial is not None,
        )
        callbacks: Any = [
            self.recorder,
            *self.others,
            keras.callbacks.TerminateOnNaN(),
            *([self.steps] if self.steps else []),
            keeper,
            *([] if quiet else [self.progress]),
        ]
        fit = partial(
            self.trainer.fit,
            verbose=0,
            shuffle=False,  # the feed does, by seed and epoch
            validation_data=feeds["validation"].pair if "validation" in feeds else None,
            validation_batch_size=recipe.batch_size,
        )
        one = OneTraining(callbacks, self.trainer, len(parts))
        if self.sharing is not None:
            self.sharing.prepare(self.trainer, feeds["train"].read_targets())
        with self.writer:
            for part in parts:
                if one.is_begun:
                    assert keeper.state is not None
                    # At its end `fit` puts the averages of an optimizer in place of the weights.
                    restore_variables(keeper.state.arrays, self.trainer)
                if part.unfreezes:
                    self._unfreeze()
                one.first = part.step
                feed = feeds["train"]
                fit(
                    feed.skip(part.step) if part.step else feed.x,
                    steps_per_epoch=feed.steps and feed.steps - part.step,
                    epochs=part.last,
                    initial_epoch=part.first,
                    callbacks=one,
                )
                if self.trainer.stop_training:
                    break
        self.recorder.check_losses()
        self.best.restore()

    def _list_parts(self, state: State | None) -> list[_Part]:
        """Return the calls of `fit` that the training takes: the rest of an epoch, where the state
        is within one, and the epochs before and after frozen layers begin to learn."""
        unfreeze = self.job.recipe.unfreeze
        frozen = unfreeze["epoch"] - 1 if unfreeze else self.epochs
        done, step = (state.epochs, state.step) if state else (0, 0)
        last = done if state and state.stopped else self.epochs
        learning = (done, step) > (frozen, 0)  # in the state already
        parts = []
        if step:
            parts.append(_Part(done, done + 1, step, unfreezes=learning))
            done += 1
        if learning or frozen >= last:
            return [*parts, _Part(done, last, unfreezes=learning and not parts)]
        if done < frozen or not parts:  # of no epoch, too: the state is of this call's optimizer
            parts.append(_Part(done, frozen))
        return [*parts, _Part(frozen, last, unfreezes=True)]

    def _unfreeze(self) -> None:
        """Let frozen layers learn from now on, by a new optimizer."""
        job, images = self.job, len(self.job.parts["train"])
        recipe = unfreeze(self.model, job.graph, job.recipe)
        per_epoch = count_steps_per_epoch(recipe, images)
        sharing = self.sharing
        with use_precision(recipe.precision), sharing.scope() if sharing else nullcontext():
            compile_by(recipe, self.trainer, job.graph, per_epoch, self.device, sharing)
        if sharing is not None:
            sharing.prepare(self.trainer, self.feeds["train"].read_targets())

    def evaluate(self) -> None:
        """Measure the best model on the images of test and validation."""
        for name in self.metrics:
            if name in self.feeds:
                feed = self.feeds[name]
                self.metrics[name] = measure(self.trainer, feed, self.job.recipe.batch_size)

    def write_results(self, weights: bool) -> None:
        """Write metrics.json. weights: write weights.txt, too."""
        if weights:
            self.job.folder.write("weights.txt", partial(write_weights, self.model))
        self.job.folder.write_json("metrics.json", {**self.metrics, **self.recorder.facts})

    def draw_curves(self) -> None:
        """Draw curves.png, where an epoch has ended."""
        if rows := self.recorder.rows:
            graph = self.job.graph
            draw = partial(figures.draw_curves, rows, graph.name, graph.outputs)
            self.job.folder.write("curves.png", draw)

    def measure_times(self, seconds: float, device: str) -> dict[str, Any]:
        """Return the keys of run.json about time and memory. seconds: those of all that was done
        since the training was started or resumed."""
        return {
            "seconds": round(seconds, 2),
            "training_seconds": round(self._count_seconds(), 2),
            "waiting": self._find_waiting(),
            "images_per_second": self.recorder.images_per_second,
            "peak_memory": measure_peak_memory(device),
        }

    def _count_seconds(self, first: int = 0) -> float:
        return float(sum(row["seconds"] for row in self.recorder.rows[first:]))

    def _find_waiting(self) -> float | None:
        """Return the share of the training, since it was started or resumed, in which steps waited
        for data; None where all of it was in memory."""
        feed, seconds = self.feeds.get("train"), self._count_seconds(self.done)
        if feed is None or not feed.is_streamed or not seconds:
            return None
        return round(min(feed.waited / seconds, 1.0), 3)

    def describe_outcome(self, status: str) -> str:
        """Return the message at the end: the metrics, or how to resume."""
        folder, recorder = self.job.folder.path, self.recorder
        done = f"{len(recorder.rows)} of {self.epochs} epochs"
        if status == "interrupted":
            return f"interrupted after {done}: archspec train --resume {folder} continues it"
        lines = [f"stopped early, after {done}"] if len(recorder.rows) < self.epochs else []
        unfreeze = self.job.recipe.unfreeze
        if lines and unfreeze and len(recorder.rows) < unfreeze["epoch"]:
            lines.append(
                f"warning: that was before epoch {unfreeze['epoch']}: frozen layers have not learnt"
            )
        for part, values in self.metrics.items():
            each = ", ".join(f"{name} {value:.4f}" for name, value in (values or {}).items())
            lines.append(f"{part}: {each}" if each else f"{part}: the data has no such samples")
        if (waiting := self._find_waiting()) is not None:
            lines.append(f"steps waited for data {waiting:.0%} of the time")
        best = f"best epoch {recorder.best_epoch}, by {recorder.monitor}"
        return "\n".join([*lines, f"{best}, in {folder / BEST}"])


def write_weights(model: keras.Model, path: Path) -> None:
    """Write a text file with the name, the shape and all values of every weight of a model."""
    with path.open("w", encoding="utf-8") as file:
        for each in model.weights:
            values = keras.ops.convert_to_numpy(each)
            text = np.array2string(values, threshold=sys.maxsize)
            file.write(f"{each.path}\n{tuple(each.shape)}\n{text}\n")
