"""Make the callbacks of a recipe, which are Keras's own, and save and restore their memory.

Keras writes no state of a callback. What each remembers from one epoch to the next are attributes,
which `CALLBACK_MEMORY` of `archspec.runs.contents` lists by class.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from archspec.objects import Object, named
from archspec.runs.contents import CALLBACK_MEMORY
from archspec.training.compiling import build_object


def build_callback(value: Object, folder: Path) -> keras.callbacks.Callback:
    """Build the Keras callback that a recipe names. folder: that of the run.

    A TensorBoard writes into it. An EarlyStopping never restores the best weights by itself: the
    run keeps and restores them.
    """
    name, arguments = named(value)
    if name == "EarlyStopping":
        arguments = {**arguments, "restore_best_weights": False}
    if name == "TensorBoard":
        arguments = {**arguments, "log_dir": str(folder / arguments.get("log_dir", "logs"))}
    return build_object(keras.callbacks, {name: arguments})


def read_memory(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return what a callback remembers, by attribute, as values that JSON has."""
    values = {name: getattr(callback, name) for name in _list_attributes(callback)}
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in values.items()
    }


def restore_memory(callback: keras.callbacks.Callback, memory: Mapping[str, Any]) -> None:
    """Set the attributes of a callback to what `read_memory` returned of one like it."""
    for name in _list_attributes(callback):
        setattr(callback, name, memory[name])


def _list_attributes(callback: keras.callbacks.Callback) -> list[str]:
    return list(CALLBACK_MEMORY[type(callback).__name__])
