"""Define callbacks that keep the history, the best model and the state of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf, isfinite
from statistics import median
from typing import Any

import keras
from msgspec.structs import replace

from archspec.backends import framework
from archspec.errors import UserError
from archspec.runs.folder import RunFolder
from archspec.runs.interrupt import INTERRUPT
from archspec.training.callbacks import read_memory, restore_memory
from archspec.training.feed import Feed
from archspec.training.measuring import round_values
from archspec.training.metrics import build_metrics
from archspec.training.state import (
    State,
    copy_state,
    drop_other_states,
    restore_metrics,
    restore_variables,
    restore_weights,
    write_state,
)
from archspec.training.writer import Writer


class Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """End training after a number of steps, within an epoch if need be."""

    def __init__(self, steps: int, per_epoch: int) -> None:
        super().__init__()
        self.steps, self.per_epoch = steps, per_epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.left = self.steps - epoch * self.per_epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 >= self.left:
            self.model.stop_training = True

    @property
    def is_end_reached(self) -> bool:
        """Whether this epoch has the last of the steps."""
        return self.left <= self.per_epoch

    @property
    def is_epoch_whole(self) -> bool:
        """Whether this epoch has all of its steps."""
        return self.left >= self.per_epoch


class BestModel:
    """The best weights so far, in a second model, which is saved while the first trains."""

    def __init__(self, model: keras.Model, build: Callable[[], keras.Model]) -> None:
        """Watch over `model`, which trains. build: returns another model like it."""
        self.model, self.build = model, build
        self.copy: keras.Model | None = None

    def keep(self) -> keras.Model:
        """Copy the weights as they are now, and return the model that has the copy."""
        with framework.on_host():
            if self.copy is None:
                self.copy = self.build()
            _assign_weights(self.copy, self.model)
        return self.copy

    def restore(self) -> None:
        """Give the model that trained its best weights."""
        if self.copy is not None:
            _assign_weights(self.model, self.copy)


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Write the history after every epoch, and judge which epoch is the best.

    It comes first of the callbacks: what the others watch is checked before they miss it, and the
    learning rate in the history is that of the epoch.

    The best epoch is the one whose weights an EarlyStopping with `restore_best_weights` would
    restore; without one, the best by `best` of the recipe, or that of the least loss, of validation
    where there is any.
    """

    def __init__(
        self,
        folder: RunFolder,
        writer: Writer,
        others: Sequence[keras.callbacks.Callback],
        restoring: int | None,
        best: Mapping[str, str] | None,
        images: int,
        batch_size: int,
    ) -> None:
        """Record into a folder.

        others: the callbacks of the recipe. restoring: the place among them of the EarlyStopping
        that the best epoch follows. best: the monitor and the mode of the best epoch, if the recipe
        says them. images: their number in an epoch.
        """
        super().__init__()
        self.judged_by = best if restoring is None else None
        self.folder, self.writer, self.others, self.restoring = folder, writer, others, restoring
        self.images, self.batch_size = images, batch_size
        self.rows: list[dict[str, Any]] = []
        self.best, self.best_epoch = inf, 0
        self.by_loss = restoring is None
        self.before = 0.0  # seconds that the steps took which the next epoch is resumed after

    def memory(self) -> dict[str, Any]:
        """Return what must be known to resume after this epoch, as values that JSON has."""
        return {
            "rows": list(self.rows),  # which grows while the state is written
            "best": self.best,
            "best_epoch": self.best_epoch,
            "by_loss": self.by_loss,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Continue from what `memory` returned."""
        self.rows = memory["rows"]
        self.best, self.best_epoch = memory["best"], memory["best_epoch"]
        self.by_loss = memory["by_loss"]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started, self.before = time.perf_counter() - self.before, 0.0
        self.trained: float | None = None  # when validation began

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen = min((batch + 1) * self.batch_size, self.images)
        INTERRUPT.raise_if_lost()

    def on_test_begin(self, logs: Any = None) -> None:
        self.trained = self.trained or time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._check_monitors(logs or {})
        row = self._make_row(epoch, logs or {})
        if self.rows and row.keys() != self.rows[0].keys():  # those of a state that is resumed
            raise UserError(
                f"the epochs before have the columns {', '.join(self.rows[0])}, "
                f"and this one has {', '.join(row)}",
                "resume with the version of Keras that the run began with, or train the spec anew",
            )
        self.rows.append(row)
        self.writer.wait()  # what it writes from is about to take this epoch's values
        self.folder.write_csv("history.csv", self.rows)

    def _check_monitors(self, logs: Mapping[str, Any]) -> None:
        """Raise `UserError` for a callback that watches what is not measured."""
        for each in self.others:
            watched = getattr(each, "monitor", None)
            if watched is not None and watched not in logs:
                raise UserError(
                    f"{type(each).__name__} watches '{watched}', which is not measured",
                    f"its `monitor` takes {', '.join(logs)}",
                )

    def _make_row(self, epoch: int, logs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of an epoch that has just ended. epoch: its number, from 0."""
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        row = {"epoch": epoch + 1} | round_values({**logs, "learning_rate": rate})
        if self.judged_by and self.judged_by["monitor"] not in row:
            raise UserError(
                f"train.best: '{self.judged_by['monitor']}' is not measured",
                f"`monitor` takes {', '.join(logs)}",
            )
        now = time.perf_counter()
        row["images_per_second"] = round(self.seen / ((self.trained or now) - self.started), 1)
        row["seconds"] = round(now - self.started, 3)
        return row

    @property
    def monitor(self) -> str:
        """The column of the history that the best epoch is judged by."""
        if self.judged_by is not None:
            return self.judged_by["monitor"]
        if self.restoring is None or self.by_loss:
            return "val_loss" if self.rows and "val_loss" in self.rows[0] else "loss"
        return str(self.others[self.restoring].monitor)

    @property
    def facts(self) -> dict[str, Any]:
        """The keys of metrics.json about the best epoch."""
        return {"best_epoch": self.best_epoch, "monitor": self.monitor}

    def judge_epoch(self) -> bool:
        """Return whether the last epoch is the best so far.

        The other callbacks must have ended it, since an EarlyStopping may say so.
        """
        row = self.rows[-1]
        value = row[self.monitor]
        if self.judged_by is not None and self.judged_by["mode"] == "max":
            value = -value
        if self.restoring is None or self.by_loss:
            better = bool(value < self.best)
        else:  # until it begins to watch, it would restore the last weights
            early = self.others[self.restoring]
            better = early.best is None or bool(early.best_epoch + 1 == row["epoch"])
        if better:
            self.best, self.best_epoch = value, int(row["epoch"])
        return better

    @property
    def images_per_second(self) -> float | None:
        """The images trained on per second, without validation, in the median epoch.

        The first epoch, which is slow, counts only where there is no other.
        """
        rates = [row["images_per_second"] for row in self.rows]
        return median(rates[1:] or rates) if rates else None

    def check_losses(self) -> None:
        """Raise `UserError` where the loss, or what the best epoch is judged by, is not finite."""
        last = self.rows[-1]
        astray = "loss" if not isfinite(last["loss"]) else self.monitor
        row = last if astray == "loss" or not self.best_epoch else self.rows[self.best_epoch - 1]
        if not isfinite(row[astray]):
            raise UserError(
                f"the {astray} became {row[astray]} in epoch {int(row['epoch'])}",
                "lower the optimizer's learning rate, or look at train.data.scale",
            )


class Interval:
    """Says when the state is saved within an epoch, as `save_every` of the recipe has it."""

    def __init__(self, every: Mapping[str, float] | None) -> None:
        self.steps = (every or {}).get("steps", inf)
        self.seconds = 60 * (every or {}).get("minutes", inf)
        self.start(0)

    def start(self, step: int) -> None:
        """Count from now on, after so many steps of an epoch."""
        self.step, self.time = step, time.perf_counter()

    def is_over(self, step: int) -> bool:
        return step - self.step >= self.steps or time.perf_counter() - self.time >= self.seconds


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keep the state of a run and its best model after every epoch, and restore those of a state.

    Within an epoch it keeps the state as often as `save_every` of the recipe says.

    It comes after the callbacks of the recipe: they have then ended the epoch, too.
    """

    def __init__(
        self,
        recorder: Recorder,
        best: BestModel,
        steps: Steps | None,
        feed: Feed,
        resolved: str,
        state: State | None,
        save_every: Mapping[str, float] | None,
        per_epoch: int,
        keeps_first: bool,
    ) -> None:
        """Keep what the recorder's folder needs. resolved: the text of its resolved.yaml. state: to
        resume from, or None to start from the beginning. per_epoch: steps in an epoch. keeps_first:
        whether to keep the state before the first epoch, which nothing else tells.
        """
        super().__init__()
        self.interval, self.per_epoch = Interval(save_every), per_epoch
        self.first = state.step if state else 0  # the step that the next epoch begins with
        self.recorder, self.best, self.steps = recorder, best, steps
        self.feed, self.resolved, self.state = feed, resolved, state
        self.folder, self.writer = recorder.folder, recorder.writer
        self.keeps_first = keeps_first

    def on_train_begin(self, logs: Any = None) -> None:
        if self.state is None and self.keeps_first:
            self.state = self._copy(0)
            write_state(self.folder, self.state)
        elif self.state is not None:
            self._restore(self.state)
            self.recorder.before = self.state.seconds
            self.state = replace(self.state, best=None)  # whose memory is needed no more

    def _restore(self, state: State) -> None:
        """Restore the run as it was at the end of the state's epoch."""
        if state.best_epoch:
            if state.best is not None:
                restore_weights(state.best, self.model)  # its optimizer may have been another
            else:
                self.folder.load_best(self.best.model)
            self.folder.save_best(self.best.keep(), state.best_epoch)
        restore_variables(state.arrays, self.model)
        first, *others = state.memories
        self.recorder.remember(first)
        for callback, memory in zip(self.recorder.others, others, strict=True):
            restore_memory(callback, memory)
        if self.recorder.rows:  # none in the first epoch
            self.folder.write_csv("history.csv", self.recorder.rows)
        # The run may have been killed before it had deleted the states before.
        drop_other_states(self.folder.path, state)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.feed.epoch = epoch
        step, self.first = self.first, 0
        if step and self.state is not None:  # Keras has reset the metrics
            build_metrics(self.model, self.feed.read_targets())
            restore_metrics(self.state.arrays, self.model)
        self.interval.start(step)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        step = batch + 1
        if self.interval.is_over(step) and step < self.per_epoch and not self.model.stop_training:
            self._keep_within(step)
            self.interval.start(step)

    def _keep_within(self, step: int) -> None:
        """Copy the state after so many steps of an epoch, to be written beside training."""
        self.writer.wait()  # what it writes from is about to take this step's values
        if keras.backend.backend() == "jax":  # the loop of `fit` has the values, not the variables
            self.model.jax_state_sync()
        seconds = time.perf_counter() - self.recorder.started
        self.state = state = self._copy(self.feed.epoch, step=step, seconds=round(seconds, 3))
        self.writer.add(partial(self._write, state))
        self.writer.begin()

    def _copy(self, epochs: int, **more: Any) -> State:
        """Return a copy of the state. more: as `copy_state` takes it."""
        recorder = self.recorder
        memories = [recorder.memory(), *map(read_memory, recorder.others)]
        return copy_state(
            self.model, memories, self.state, epochs=epochs, resolved=self.resolved, **more
        )

    def _write(self, state: State, best: keras.Model | None = None) -> None:
        """Write a state, and the best model where it is a new one."""
        write_state(self.folder, state)
        if best is not None:  # after the state, which has these weights, too
            self.folder.save_best(best, state.epochs)
        drop_other_states(self.folder.path, state)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if isfinite((logs or {})["loss"]):  # nobody wants to resume from another
            self._keep(epoch + 1)
        self.writer.begin()

    def _keep(self, epochs: int) -> None:
        """Copy the state and the best model after so many epochs, to be written beside training."""
        steps = self.steps
        is_best = self.recorder.judge_epoch()
        ended = steps is not None and steps.is_end_reached
        self.state = state = self._copy(
            epochs,
            stopped=self.model.stop_training and not ended,
            whole=steps is None or steps.is_epoch_whole,
        )
        self.writer.add(partial(self._write, state, self.best.keep() if is_best else None))


class OneTraining(keras.callbacks.CallbackList):  # type: ignore[misc]
    """Callbacks of a training that takes several calls of `fit`, and is one for the callbacks.

    A call may train the rest of an epoch: its steps then have the numbers that they would have had.
    """

    def __init__(
        self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model, calls: int
    ) -> None:
        """calls: how many calls of `fit` there will be."""
        super().__init__(callbacks, add_history=True, model=model)
        self.calls, self.is_begun = calls, False
        self.first = 0  # the step that the next epoch begins with

    def on_train_begin(self, logs: Any = None) -> None:
        if not self.is_begun:
            self.is_begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs: Any = None) -> None:
        self.calls -= 1
        if self.calls == 0 or self.model.stop_training:
            super().on_train_end(logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        super().on_train_batch_begin(self.first + batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        super().on_train_batch_end(self.first + batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        self.first = 0


def _assign_weights(to: keras.Model, model: keras.Model) -> None:
    for variable, value in zip(to.variables, model.variables, strict=True):
        variable.assign(keras.ops.convert_to_numpy(value))
