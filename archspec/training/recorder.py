"""What goes on beside the training: the history and the best model, kept as epochs end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from statistics import median
from typing import Any

import keras

from archspec.errors import UserError
from archspec.training.feed import Feed
from archspec.training.folder import RunFolder
from archspec.training.images import Array
from archspec.training.state import State, restore, save
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
    """Writes best.keras: a second model takes the weights, and is saved while the first trains."""

    def __init__(
        self,
        folder: RunFolder,
        writer: Writer,
        model: keras.Model,
        another: Callable[[], keras.Model],
    ) -> None:
        """model: that trains. another: makes one like it."""
        self.folder, self.writer, self.model, self.another = folder, writer, model, another
        self.copy: keras.Model | None = None

    def keep(self) -> None:
        """Have it written as it is now."""
        with keras.device("cpu"):  # a GPU's memory is for the one that trains
            if self.copy is None:
                self.copy = self.another()
            _assign(self.copy, self.model)
        self.writer(partial(self.folder.save, "best.keras", self.copy.save))

    def take(self) -> None:
        """Give the model that trained its best weights."""
        if self.copy is None:  # they are of before the run was taken up again
            self.folder.take_best(self.model)
        else:
            _assign(self.model, self.copy)


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the history and the best model on disk after every epoch.

    It comes first of the callbacks: what the others watch is checked before they miss it, and the
    learning rate is that of the epoch.
    """

    def __init__(
        self,
        folder: RunFolder,
        writer: Writer,
        kept: BestModel,
        others: Sequence[keras.callbacks.Callback],
        images: int,
        batch_size: int,
    ) -> None:
        """images: in an epoch."""
        super().__init__()
        self.folder, self.writer, self.kept, self.others = folder, writer, kept, others
        self.images, self.batch_size = images, batch_size
        self.rows: list[dict[str, Any]] = []
        self.best, self.best_epoch = float("inf"), 0

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
        self.rows.append(row)
        self.writer.wait()  # what it writes from is about to take this epoch's values
        self.folder.csv("history.csv", self.rows)
        loss = row.get("val_loss", row["loss"])
        if loss < self.best:
            self.best, self.best_epoch = loss, epoch + 1
            self.kept.keep()

    @property
    def images_per_second(self) -> float | None:
        """Of training alone, in the median epoch; the first is slow and counts only by itself."""
        rates = [row["images_per_second"] for row in self.rows]
        return median(rates[1:] or rates) if rates else None

    def restored(self) -> None:
        """Write down the history that a state brought back."""
        if self.rows:
            self.folder.csv("history.csv", self.rows)

    def check(self) -> None:
        """Raise `UserError` if the loss went astray."""
        last = self.rows[-1]
        if not isfinite(last["loss"]) or not self.best_epoch:
            raise UserError(
                f"the loss became {last['loss']} in epoch {last['epoch']}",
                "lower the optimizer's learning rate, or look at train.data.scale",
            )


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the state of the run after every epoch, and gives back that of a run taken up again.

    It must come after the others: they have then done what they do in an epoch.
    """

    def __init__(
        self,
        folder: RunFolder,
        writer: Writer,
        others: Sequence[keras.callbacks.Callback],
        feed: Feed,
        resolved: str,
        state: State | None,
    ) -> None:
        super().__init__()
        self.folder, self.writer, self.others, self.feed = folder, writer, others, feed
        self.resolved, self.state = resolved, state
        self.saved: dict[str, Array] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        if self.state is not None:
            restore(self.state, self.model, self.others)
            for each in self.others:
                if isinstance(each, Recorder):
                    each.restored()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.feed.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if isfinite((logs or {})["loss"]):  # nobody wants to go on from another
            self._save(epoch)
        self.writer.begin()

    def _save(self, epoch: int) -> None:
        steps = next((each for each in self.others if isinstance(each, Steps)), None)
        ended = steps is not None and steps.left <= steps.per_epoch
        self.saved = save(
            self.folder,
            self.writer,
            self.model,
            self.others,
            self.saved,
            epochs=epoch + 1,
            stopped=self.model.stop_training and not ended,
            whole=steps is None or steps.left >= steps.per_epoch,
            resolved=self.resolved,
        )


def _assign(one: keras.Model, other: keras.Model) -> None:
    for variable, value in zip(one.variables, other.variables, strict=True):
        variable.assign(keras.ops.convert_to_numpy(value))


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Python's numbers, in the 7 digits that a float32 holds."""
    return {name: float(f"{float(value):.7g}") for name, value in values.items()}
