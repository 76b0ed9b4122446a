"""Read loss and metrics as numbers for files and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from archspec.training.feed import Feed


def measure(trainer: keras.Model, feed: Feed, batch_size: int) -> dict[str, float]:
    """Return the loss and the metrics of a compiled model on a feed, as Keras names them."""
    weights = {} if feed.weights is None else {"sample_weight": feed.weights}
    values = trainer.evaluate(
        feed.x, feed.y, batch_size=batch_size, verbose=0, return_dict=True, **weights
    )
    return round_values(values)


def round_values(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the values as Python's floats, in the 7 digits that a float32 holds."""
    return {name: float(f"{float(value):.7g}") for name, value in values.items()}
