"""Build the variables of a model's loss and metrics, which Keras makes in the first step."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def build_metrics(trainer: keras.Model, targets: Any) -> None:
    """Make the variables of a compiled model's loss and metrics, unless they are there.

    targets: a structure of arrays or of specs, each with a shape (n, ...) and a dtype.
    """
    if all(getattr(each, "built", True) for each in trainer.metrics):
        return

    def zeros(each: Any) -> Any:
        shape = [1 if n is None else n for n in (1, *each.shape[1:])]
        dtype = keras.backend.standardize_dtype(each.dtype)
        return keras.ops.convert_to_tensor(np.zeros(shape, dtype))  # of 64 bits, on JAX of 32

    outputs = keras.tree.map_structure(zeros, trainer.output)
    targets = keras.tree.map_structure(zeros, targets)
    trainer.compute_loss(None, targets, outputs)
    trainer.compute_metrics(None, targets, outputs)
    trainer.reset_metrics()
