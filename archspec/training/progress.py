"""Print the progress of a training: a line for each epoch, and a bar on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from math import ceil
from typing import Any

import keras
from tqdm import tqdm

from archspec.training.measuring import round_values
from archspec.training.recorder import Recorder

INTERVAL = 0.2  # seconds between two updates of the bar


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Print a line after each epoch: loss, metrics, seconds and images per second.

    On a terminal a bar below shows epoch, step, loss and metrics so far, and the time left.
    """

    def __init__(self, epochs: int, recorder: Recorder) -> None:
        """Show the progress of so many epochs. recorder: that of the run, an earlier callback."""
        super().__init__()
        self.epochs, self.recorder = epochs, recorder
        self.images = recorder.images
        self.bar: tqdm[Any] | None = None
        self.shown = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch
        if self.bar is None and sys.stdout.isatty():
            whole, done = self.epochs * self.images, epoch * self.images
            self.bar = tqdm(
                desc=f"epoch {epoch + 1}/{self.epochs}",
                total=whole,
                initial=done,
                file=sys.stdout,
                unit=" images",
                dynamic_ncols=True,
                leave=False,
                bar_format="{desc} |{bar:20}| {rate_fmt}, {remaining} left{postfix}",
            )

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        now = time.monotonic()
        if self.bar is None or now < self.shown + INTERVAL:
            return
        self.shown = now
        steps = ceil(self.images / self.recorder.batch_size)
        step = f"epoch {self.epoch + 1}/{self.epochs}, step {min(batch + 1, steps)}/{steps}"
        self.bar.set_description_str(step, refresh=False)
        self.bar.set_postfix_str(_format_values(round_values(logs or {})), refresh=False)
        self.bar.update(self.epoch * self.images + self.recorder.seen - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        row = self.recorder.rows[-1]
        line = f"epoch {epoch + 1}/{self.epochs}: {_format_values(round_values(logs or {}))}"
        line += f" ({row['seconds']:.1f} s, {row['images_per_second']:,.0f} images/s)"
        if self.bar is None:
            print(line, flush=True)
            return
        self.bar.update((epoch + 1) * self.images - self.bar.n)
        tqdm.write(line, file=sys.stdout)

    def close(self) -> None:
        """Remove the bar, where there is one."""
        if self.bar is not None:
            self.bar.close()


def _format_values(values: Mapping[str, float]) -> str:
    """Return the values in words: training, then validation, each with its loss first."""

    def place(name: str) -> tuple[bool, bool]:
        return name.startswith("val_"), name.removeprefix("val_") != "loss"

    return ", ".join(f"{name} {values[name]:.4g}" for name in sorted(values, key=place))
