"""The state of a run at the end of an epoch: all that the rest of it depends on.

    last/0003.npz    after the third epoch

A file holds every variable (weights, seed generators, the optimizer's), what the callbacks
remember, and the history. The best model is part of it: its weights are those of the state of the
best epoch. So the two newest states are kept, and those of their best epochs.

A file gets its name when it is whole. It is a zip archive with a CRC-32 of each array, and its
facts repeat them: a file that is damaged or was changed is passed over, and the one before it
taken.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from archspec.data.images import Array
from archspec.errors import UserError
from archspec.reading import GIB, open_file, reason
from archspec.runs.contents import MEMORY, STATE, checked, from_json, record
from archspec.runs.folder import BEST, RunFolder
from archspec.syntax.source import read_text, to_plain

PLACE = "last"
FACTS = "facts.npy"
NAME = re.compile("[0-9]{4,9}[.]npz", re.ASCII)


@dataclass(frozen=True, slots=True)
class State:
    """What one file holds.

    epochs: how many are done. stopped: whether a callback ended training with the last of them.
    whole: False where that one was cut short by a number of steps. resolved: the spec and recipe
    that it belongs to. memories: of the recorder, and of each callback of the recipe. kept: the
    epochs whose states are kept with it. arrays: by name. best: the arrays of the best epoch; None
    where there is none yet, or best.keras alone has its weights.
    """

    epochs: int
    stopped: bool
    whole: bool
    resolved: str
    memories: Sequence[dict[str, Any]]
    kept: Collection[int]
    arrays: Mapping[str, Array]
    best: Mapping[str, Array] | None = None

    @property
    def best_epoch(self) -> int:
        """The number of the best epoch, from 1; 0 where there is none yet."""
        return int(self.memories[0]["best_epoch"])


# --- writing -------------------------------------------------------------------------------------


def taken(
    trainer: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    before: State | None,
    *,
    epochs: int,
    stopped: bool,
    whole: bool,
    resolved: str,
) -> State:
    """Copy the state as it is now. callbacks: the recorder, and those of the recipe.

    before: the one before it. It is kept with this one, but for its arrays here, whose memory is
    used again.
    """
    room = before.arrays if before else {}
    values = {f"variable.{i}": each.value for i, each in enumerate(_variables(trainer))}
    arrays = {name: _copied(value, room.get(name)) for name, value in values.items()}
    memories = list(map(_memory, callbacks))
    kept = {epochs, memories[0]["best_epoch"]}
    kept |= {before.epochs, before.best_epoch} if before else set()
    return State(epochs, stopped, whole, resolved, memories, sorted(kept - {0}), arrays)


def put(folder: RunFolder, state: State) -> None:
    """Write a state into the folder of a run."""
    facts = {
        "epochs": state.epochs,
        "stopped": state.stopped,
        "whole": state.whole,
        "resolved": state.resolved,
        "memories": state.memories,
        "kept": state.kept,
    }

    def save(path: Path) -> None:
        # NumPy 1.26 would take `allow_pickle` for the name of an array.
        arrays: dict[str, Any] = dict(state.arrays)
        np.savez(path, **arrays)
        with zipfile.ZipFile(path, "a") as archive:
            sums = {each.filename: each.CRC for each in archive.infolist()}
            said = np.frombuffer(json.dumps({**facts, "sums": sums}).encode(), np.uint8)
            with archive.open(FACTS, "w") as member:
                np.lib.format.write_array(member, said)

    folder.save(_name(state.epochs), save)


def keep(run: Path, epochs: Collection[int]) -> None:
    """Drop all states but those of these epochs."""
    for path in _files(run):
        if int(path.stem) not in epochs:
            path.unlink(missing_ok=True)


def hand_on(state: State, old: RunFolder, new: RunFolder, most: int) -> None:
    """Write a state into the folder of another run, with those that are kept with it. most: bytes
    that a file may have."""
    for epochs in state.kept:
        if epochs != state.epochs:
            try:
                other = _read(old.path / _name(epochs), most)
            except Exception:  # what a damaged file raises has no end
                continue
            put(new, replace(other, resolved=state.resolved))
    if state.best is None and state.best_epoch:
        new.save(BEST, lambda path: shutil.copyfile(old.path / BEST, path))
    put(new, state)


def _name(epochs: int) -> str:
    return f"{PLACE}/{epochs:04}.npz"


def _copied(value: Any, to: Array | None) -> Array:
    """What an .npz file can hold of it: bfloat16 as float32, which is exact. In `to` where that
    fits: fresh memory costs more than the copying."""
    held = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(value))
    dtype = np.float32 if held.dtype.kind == "V" else held.dtype
    if to is None or (to.shape, to.dtype) != (held.shape, dtype):
        to = np.empty(held.shape, dtype)
    to[...] = held
    return to


def _memory(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """What a callback remembers, as JSON has it."""
    memory = {}
    for name in MEMORY[type(callback).__name__]:
        value = getattr(callback, name)
        if isinstance(value, list):
            value = list(value)  # which grows while this is written
        memory[name] = value.item() if isinstance(value, np.generic) else value
    return memory


# --- reading -------------------------------------------------------------------------------------


def newest(
    run: Path, echo: Callable[[str], None], whole: bool = False, most: int = 64 * GIB
) -> State | None:
    """The newest state that can be read, or None; what is damaged is said.

    whole: of those that end with a whole epoch. most: bytes that a file may have.
    """
    for path in _strays(run):
        echo(f"warning: {path} is no state of this run: passing it over")
    for path in _files(run):
        try:
            state = _read(path, most)
            if state.whole or not whole:
                return replace(state, best=_best(run, state, most, echo))
        except Exception as error:  # what a damaged file raises has no end
            echo(f"warning: {path} is damaged ({reason(error)}): taking the one before it")
    return None


def _files(run: Path) -> list[Path]:
    """The newest first."""
    found = [path for path in _listed(run) if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.stem), reverse=True)


def _strays(run: Path) -> list[Path]:
    """What has the suffix of a state, but no name of one; what begins with a dot is ours."""
    return [
        path
        for path in _listed(run)
        if path.suffix == ".npz" and path.name[0] != "." and not NAME.fullmatch(path.name)
    ]


def _listed(run: Path) -> list[Path]:
    """What is in the folder of the states. Raises `UserError` for one that cannot be looked into,
    since no state is another thing than none that can be seen."""
    place = run / PLACE
    if not os.path.lexists(place):
        return []
    try:
        return sorted(place.iterdir())
    except OSError as error:
        raise UserError(
            f"cannot look for the state in {place}: {reason(error)}",
            "put its folder back, or move this away to start from the beginning",
        ) from None


def _read(path: Path, most: int) -> State:
    """Raises anything for a damaged file."""
    with open_file(path, most) as file:
        with _called("it cannot be unpacked"), zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            size = sum(each.file_size for each in members)
            bad = archive.testzip() if size <= most else None
        if size > most:
            raise ValueError(f"it unpacks to more than {most:,} bytes")
        if bad is not None:
            raise ValueError(f"the check sum of {bad} is wrong")
        file.seek(0)
        with _called("an array in it cannot be read"), np.load(file, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
            said = arrays.pop("facts").tobytes()
    facts = from_json(said, STATE)
    sums = {each.filename: each.CRC for each in members if each.filename != FACTS}
    if facts.get("sums", sums) != sums:  # older runs have none
        raise ValueError("its arrays are not those that it was written with")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise ValueError(f"{name} is no array of numbers")
    if path.name != f"{facts['epochs']:04}.npz":
        raise ValueError(f"it is of epoch {facts['epochs']}")
    memories = _remembered(facts["resolved"], facts["memories"])
    rows, epochs = memories[0]["rows"], facts["epochs"]
    if len(rows) != epochs or memories[0]["best_epoch"] > epochs:
        raise ValueError("its history is not of so many epochs")
    if any(row["epoch"] != number for number, row in enumerate(rows, 1)):
        raise ValueError("its history is not of the epochs from 1 on")
    if any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError("the epochs of its history do not have the same columns")
    as_said = {name: facts[name] for name in ("epochs", "stopped", "whole", "resolved")}
    kept = facts.get("kept") or list(range(1, facts["epochs"] + 1))  # older runs do not say
    return State(**as_said, memories=memories, kept=kept, arrays=arrays)


@contextmanager
def _called(what: str) -> Iterator[None]:
    """Say this instead of whatever a library raises, which is about its own code."""
    try:
        yield
    except Exception:
        raise ValueError(what) from None


def _remembered(resolved: str, memories: Sequence[Any]) -> list[dict[str, Any]]:
    """Of the memories those that this run's callbacks may have. Older runs wrote more, of more
    callbacks, and followed the loss whatever their callbacks watched."""
    callbacks = to_plain(read_text(resolved, "resolved.yaml").root)["train"]["callbacks"]
    names = ["Recorder", *(name for each in callbacks for name in each)]
    if len(memories) < len(names):
        raise ValueError("it lacks what a callback remembers")
    found = []
    for name, memory in zip(names, memories, strict=False):
        memory = {"by_loss": True, **memory} if name == "Recorder" else memory
        known = {key: each for key, each in memory.items() if key in MEMORY[name]}
        found.append(checked(known, record(" ".join(MEMORY[name]), **MEMORY[name])))
    return found


def _best(
    run: Path, state: State, most: int, echo: Callable[[str], None]
) -> Mapping[str, Array] | None:
    """The arrays of the best epoch. Raises anything where its weights are nowhere."""
    if state.best_epoch in (0, state.epochs):
        return state.arrays if state.best_epoch else None
    path = run / _name(state.best_epoch)
    try:
        return _read(path, most).arrays
    except Exception as error:
        with suppress(UserError):  # older runs do not say in best.keras which epoch it is of
            if RunFolder.existing(run).best_epoch() in (state.best_epoch, None):
                if os.path.lexists(path):  # older runs have no such state
                    echo(f"warning: {path} is damaged ({reason(error)}): taking {BEST} for it")
                return None
        raise ValueError(
            f"the model of its best epoch, {state.best_epoch}, is lost: {reason(error)}"
        ) from None


# --- taking up again -----------------------------------------------------------------------------


def assign(arrays: Mapping[str, Array], trainer: keras.Model) -> None:
    """Give every variable what it had. Raises `UserError` where the arrays do not fit."""
    variables = list(_variables(trainer))
    values = [arrays.get(f"variable.{i}") for i in range(len(variables))]
    for variable, value in zip(variables, values, strict=True):
        if value is None or value.shape != tuple(variable.shape):
            raise UserError(
                f"the saved state is of another network: it does not fit {variable.path}",
                "train the spec anew",
            )
        variable.assign(value)


def remind(memories: Sequence[Mapping[str, Any]], callbacks: Sequence[Any]) -> None:
    """Let callbacks remember what `MEMORY` allows them."""
    for callback, memory in zip(callbacks, memories, strict=True):
        for name in MEMORY[type(callback).__name__]:
            setattr(callback, name, memory[name])


def _variables(trainer: keras.Model) -> Iterator[keras.Variable]:
    """The model's, seed generators' included, and the optimizer's."""
    if not trainer.optimizer.built:
        trainer.optimizer.build(trainer.trainable_variables)
    yield from trainer.variables
    yield from trainer.optimizer.variables
