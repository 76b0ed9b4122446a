"""What goes on beside the training: history, best model and state, kept as epochs end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from statistics import median
from typing import Any

import keras

from archspec.errors import UserError
from archspec.runs.folder import RunFolder
from archspec.training.feed import Feed
from archspec.training.state import State, assign, keep, put, remind, taken
from archspec.training.writer import Writer


class Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends training after so many steps, in the middle of an epoch if need be."""

    def __init__(self, steps: int, per_epoch: int) -> None:
        super().__init__()
        self.steps, self.per_epoch = steps, per_epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.left = self.steps - epoch * self.per_epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 >= self.left:
            self.model.stop_training = True


class BestModel:
    """The best weights so far, in a second model, which is saved while the first trains."""

    def __init__(self, model: keras.Model, another: Callable[[], keras.Model]) -> None:
        """model: that trains. another: makes one like it."""
        self.model, self.another = model, another
        self.copy: keras.Model | None = None

    def keep(self) -> keras.Model:
        """Copy the weights as they are now; returns the model that has them."""
        with keras.device("cpu"):  # a GPU's memory is for the one that trains
            if self.copy is None:
                self.copy = self.another()
            _assign(self.copy, self.model)
        return self.copy

    def take(self) -> None:
        """Give the model that trained its best weights."""
        if self.copy is not None:
            _assign(self.model, self.copy)


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the history on disk after every epoch, and judges which is the best.

    It comes first of the callbacks: what the others watch is checked before they miss it, and the
    learning rate is that of the epoch.

    The best epoch is the one whose weights an EarlyStopping with `restore_best_weights` would give
    back; without one, that of the least loss, of validation where there is any.
    """

    def __init__(
        self,
        folder: RunFolder,
        writer: Writer,
        others: Sequence[keras.callbacks.Callback],
        restoring: int | None,
        images: int,
        batch_size: int,
    ) -> None:
        """others: those of the recipe. restoring: the place among them of the EarlyStopping that
        the best epoch follows. images: in an epoch."""
        super().__init__()
        self.folder, self.writer, self.others, self.restoring = folder, writer, others, restoring
        self.images, self.batch_size = images, batch_size
        self.rows: list[dict[str, Any]] = []
        self.best, self.best_epoch = float("inf"), 0
        self.by_loss = restoring is None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()
        self.trained: float | None = None  # when validation began

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen = min((batch + 1) * self.batch_size, self.images)

    def on_test_begin(self, logs: Any = None) -> None:
        self.trained = self.trained or time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        for each in self.others:
            watched = getattr(each, "monitor", None)
            if watched is not None and watched not in (logs or {}):
                raise UserError(
                    f"{type(each).__name__} watches '{watched}', which is not measured",
                    f"its `monitor` takes {', '.join(logs or {})}",
                )
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        row = {"epoch": epoch + 1} | numbers({**(logs or {}), "learning_rate": rate})
        now = time.perf_counter()
        row["images_per_second"] = round(self.seen / ((self.trained or now) - self.started), 1)
        row["seconds"] = round(now - self.started, 3)
        if self.rows and row.keys() != self.rows[0].keys():  # of a state that is gone on from
            raise UserError(
                f"the epochs before have the columns {', '.join(self.rows[0])}, "
                f"and this one has {', '.join(row)}",
                "go on with the version of Keras that the run began with, or train the spec anew",
            )
        self.rows.append(row)
        self.writer.wait()  # what it writes from is about to take this epoch's values
        self.folder.csv("history.csv", self.rows)

    @property
    def monitor(self) -> str:
        """What the best epoch is the best by."""
        if self.restoring is None or self.by_loss:
            return "val_loss" if self.rows and "val_loss" in self.rows[0] else "loss"
        return str(self.others[self.restoring].monitor)

    @property
    def facts(self) -> dict[str, Any]:
        """What metrics.json says of the best epoch."""
        return {"best_epoch": self.best_epoch, "monitor": self.monitor}

    def judge(self) -> bool:
        """Whether the last epoch is the best so far; the others must be done with it."""
        row = self.rows[-1]
        value = row[self.monitor]
        if self.restoring is None or self.by_loss:
            better = bool(value < self.best)
        else:  # until it begins to watch, it would give back the last weights
            early = self.others[self.restoring]
            better = early.best is None or bool(early.best_epoch + 1 == row["epoch"])
        if better:
            self.best, self.best_epoch = value, int(row["epoch"])
        return better

    @property
    def images_per_second(self) -> float | None:
        """Of training alone, in the median epoch; the first is slow and counts only by itself."""
        rates = [row["images_per_second"] for row in self.rows]
        return median(rates[1:] or rates) if rates else None

    def check(self) -> None:
        """Raise `UserError` if the loss went astray."""
        last = self.rows[-1]
        astray = "loss" if not isfinite(last["loss"]) else self.monitor
        row = last if astray == "loss" or not self.best_epoch else self.rows[self.best_epoch - 1]
        if not isfinite(row[astray]):
            raise UserError(
                f"the {astray} became {row[astray]} in epoch {int(row['epoch'])}",
                "lower the optimizer's learning rate, or look at train.data.scale",
            )


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the state of the run and its best model after every epoch, and gives back those of a
    run taken up again.

    It must come after the others: they have then done what they do in an epoch.
    """

    def __init__(
        self,
        recorder: Recorder,
        best: BestModel,
        steps: Steps | None,
        feed: Feed,
        resolved: str,
        state: State | None,
    ) -> None:
        super().__init__()
        self.recorder, self.best, self.steps = recorder, best, steps
        self.feed, self.resolved, self.state = feed, resolved, state
        self.folder, self.writer = recorder.folder, recorder.writer

    @property
    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Those with a memory."""
        return [self.recorder, *self.recorder.others]

    def on_train_begin(self, logs: Any = None) -> None:
        state = self.state
        if state is None:
            return
        if state.best_epoch:
            if state.best is not None:
                assign(state.best, self.model)
            else:
                self.folder.take_best(self.best.model)
            self.folder.save_best(self.best.keep(), state.best_epoch)
        assign(state.arrays, self.model)
        remind(state.memories, self.callbacks)
        self.folder.csv("history.csv", self.recorder.rows)
        keep(self.folder.path, state.kept)  # it may have been killed before it had dropped others
        self.state = replace(state, best=None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.feed.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if isfinite((logs or {})["loss"]):  # nobody wants to go on from another
            self._keep(epoch + 1)
        self.writer.begin()

    def _keep(self, epochs: int) -> None:
        steps = self.steps
        better = self.recorder.judge()
        ended = steps is not None and steps.left <= steps.per_epoch
        self.state = state = taken(
            self.model,
            self.callbacks,
            self.state,
            epochs=epochs,
            stopped=self.model.stop_training and not ended,
            whole=steps is None or steps.left >= steps.per_epoch,
            resolved=self.resolved,
        )
        model = self.best.keep() if better else None

        def write() -> None:
            put(self.folder, state)
            if model is not None:  # after the state, which has these weights too
                self.folder.save_best(model, epochs)
            keep(self.folder.path, state.kept)

        self.writer(write)


def _assign(one: keras.Model, other: keras.Model) -> None:
    for variable, value in zip(one.variables, other.variables, strict=True):
        variable.assign(keras.ops.convert_to_numpy(value))


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Python's numbers, in the 7 digits that a float32 holds."""
    return {name: float(f"{float(value):.7g}") for name, value in values.items()}
