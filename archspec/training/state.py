"""The state of a run at the end of an epoch: all that the rest of it depends on.

    last/0003.npz    after the third epoch; the two newest are kept

A file holds every variable (weights, seed generators, the optimizer's), the callbacks' memory and
the history. It gets its name when it is whole, and is a zip archive, whose CRC-32 of each array
tells a damaged one: then the older one is taken.
"""

from __future__ import annotations

import inspect
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from archspec.errors import UserError
from archspec.training.folder import RunFolder
from archspec.training.images import Array
from archspec.training.writer import Writer

PLACE = "last"
KEPT = 2
DAMAGED = (
    *(OSError, EOFError, ValueError, TypeError, LookupError),
    *(zipfile.BadZipFile, NotImplementedError),
)


@dataclass(frozen=True, slots=True)
class State:
    """What one file holds.

    epochs: how many are done. stopped: whether a callback ended training with the last of them.
    whole: False where that one was cut short by a number of steps. resolved: the spec and recipe
    that it belongs to. memories: of each callback, by its place. arrays: by name.
    """

    epochs: int
    stopped: bool
    whole: bool
    resolved: str
    memories: Sequence[dict[str, Any]]
    arrays: dict[str, Array]


def save(
    folder: RunFolder,
    writer: Writer,
    trainer: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    before: Mapping[str, Array],
    *,
    epochs: int,
    stopped: bool,
    whole: bool,
    resolved: str,
) -> dict[str, Array]:
    """Have the state written as it is now, and all but the newest dropped.

    Returns the arrays that are written. before: those of the last time, written by now: their
    memory is used again.
    """
    values = {f"variable.{i}": each.value for i, each in enumerate(_variables(trainer))}
    memories = []
    for place, callback in enumerate(callbacks):
        memory, lists = _memory(callback)
        memories.append(memory)
        for name, several in lists.items():
            values |= {f"{place}.{name}.{i}": each for i, each in enumerate(several)}
    arrays = {name: _copied(value, before.get(name)) for name, value in values.items()}
    facts = {
        "epochs": epochs,
        "stopped": stopped,
        "whole": whole,
        "resolved": resolved,
        "memories": memories,
    }
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)

    def write() -> None:
        name = f"{PLACE}/{epochs:04}.npz"
        folder.save(name, lambda path: np.savez(path, allow_pickle=False, **arrays))
        for path in _files(folder.path)[KEPT:]:
            path.unlink(missing_ok=True)

    writer(write)
    return arrays


def newest(run: Path, echo: Callable[[str], None], whole: bool = False) -> State | None:
    """The newest state that can be read, or None; what is damaged is said.

    whole: of those that end with a whole epoch.
    """
    for path in _files(run):
        try:
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files}
            state = State(**json.loads(arrays.pop("facts").tobytes()), arrays=arrays)
        except DAMAGED as error:
            echo(f"warning: {path} is damaged ({error}): taking the one before it")
            continue
        if state.whole or not whole:
            return state
    return None


def restore(
    state: State, trainer: keras.Model, callbacks: Sequence[keras.callbacks.Callback]
) -> None:
    """Give every variable and every callback what it had."""
    variables = list(_variables(trainer))
    arrays = [state.arrays.get(f"variable.{i}") for i in range(len(variables))]
    for variable, value in zip(variables, arrays, strict=True):
        if value is None or value.shape != tuple(variable.shape):
            raise UserError(
                f"the saved state is of another network: it does not fit {variable.path}",
                "train the spec anew",
            )
        variable.assign(value)
    for place, (callback, memory) in enumerate(zip(callbacks, state.memories, strict=True)):
        vars(callback).update(memory)
        lists: dict[str, list[Array]] = {}
        for key, value in state.arrays.items():
            if key.startswith(f"{place}."):
                lists.setdefault(key.split(".")[1], []).append(value)
        vars(callback).update(lists)


def _files(run: Path) -> list[Path]:
    """The newest first."""
    return sorted((run / PLACE).glob("[0-9]*.npz"), key=lambda path: int(path.stem), reverse=True)


def _variables(trainer: keras.Model) -> Iterator[keras.Variable]:
    """The model's, seed generators' included, and the optimizer's."""
    if not trainer.optimizer.built:
        trainer.optimizer.build(trainer.trainable_variables)
    yield from trainer.variables
    yield from trainer.optimizer.variables


def _copied(value: Any, to: Array | None) -> Array:
    """What an .npz file can hold of it: bfloat16 as float32, which is exact. In `to` where that
    fits: fresh memory costs more than the copying."""
    held = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(value))
    dtype = np.float32 if held.dtype.kind == "V" else held.dtype
    if to is None or (to.shape, to.dtype) != (held.shape, dtype):
        to = np.empty(held.shape, dtype)
    to[...] = held
    return to


def _memory(
    callback: keras.callbacks.Callback,
) -> tuple[dict[str, Any], dict[str, Sequence[Array]]]:
    """What a callback remembers beyond its arguments: plain values, and lists of arrays."""
    given = inspect.signature(type(callback).__init__).parameters
    memory: dict[str, Any] = {}
    lists: dict[str, Sequence[Array]] = {}
    for name, value in vars(callback).items():
        if name in given or name.startswith("_") or name == "params":
            continue
        if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            lists[name] = value
        elif isinstance(value, np.generic):
            memory[name] = value.item()
        elif _is_plain(value):
            memory[name] = value
    return memory, lists


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
