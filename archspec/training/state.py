"""Save and load the state of a run at the end of an epoch, or within one.

    last/0003.npz        after the third epoch
    last/0003-500.npz    after 500 steps of the fourth
    last/0000.npz        before the first, of a run that began with weights that were trained before

A file holds every variable (weights, seed generators, the optimizer's), what the callbacks
remember, and the history; within an epoch the metrics so far, too. The best model is part of the
state: its weights are those of the state of the best epoch. So the two newest states at the end of
an epoch are kept, and those of their best epochs. A state within an epoch is deleted with the next.

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
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.data.images import Array
from archspec.errors import UserError
from archspec.reading import GIB, open_file, reason
from archspec.runs.contents import (
    CALLBACK_MEMORY,
    RECORDER_MEMORY,
    STATE,
    STATE_VERSION,
    check,
    parse_json,
    record,
)
from archspec.runs.folder import BEST, RunFolder
from archspec.syntax.source import read_text, to_plain

PLACE = "last"
FACTS = "facts.npy"
NAME = re.compile("([0-9]{4,9})(?:-([1-9][0-9]{0,17}))?[.]npz", re.ASCII)


class NewerStateError(UserError):
    """A state that a newer version of archspec wrote."""


class State(Struct, frozen=True):
    """The content of one file.

    epochs: how many are done. step: how many steps of the next one are, too. seconds: those that
    these steps took. stopped: whether a callback ended training with the last of the epochs.
    whole: False where that one was cut short by a number of steps. resolved: the text of the
    resolved.yaml that the state belongs to. memories: of the recorder, then of each callback of the
    recipe. kept: the epochs whose states are kept with this one. arrays: every variable, by name.
    best: the arrays of the best epoch; None where there is none yet, or where only best.keras has
    its weights.
    """

    epochs: int
    stopped: bool
    whole: bool
    resolved: str
    memories: Sequence[Mapping[str, Any]]
    kept: Collection[int]
    arrays: Mapping[str, Array]
    best: Mapping[str, Array] | None = None
    step: int = 0
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether it ends with an epoch that has all of its steps."""
        return self.whole and not self.step

    @property
    def best_epoch(self) -> int:
        """The number of the best epoch, from 1; 0 where there is none yet."""
        return int(self.memories[0]["best_epoch"])


# --- writing -------------------------------------------------------------------------------------


def copy_state(
    trainer: keras.Model,
    memories: Sequence[Mapping[str, Any]],
    before: State | None,
    *,
    epochs: int,
    resolved: str,
    stopped: bool = False,
    whole: bool = True,
    step: int = 0,
    seconds: float = 0.0,
) -> State:
    """Return a copy of the state, which the rest of the training does not change.

    before: the state before it. Its file is kept beside the new one; the memory of its arrays is
    used again, so that it must have been written. The others: see `State`.
    """
    old = before.arrays if before else {}
    variables = {f"variable.{i}": each for i, each in enumerate(_list_variables(trainer))}
    if step:
        variables |= {f"metric.{i}": each for i, each in enumerate(trainer.metrics_variables)}
    arrays = {name: _copy_array(each.value, old.get(name)) for name, each in variables.items()}
    kept = {epochs, memories[0]["best_epoch"]}
    kept |= {before.epochs, before.best_epoch} if before else set()
    return State(
        epochs=epochs,
        stopped=stopped,
        whole=whole,
        resolved=resolved,
        memories=memories,
        kept=sorted(kept - {0}),
        arrays=arrays,
        step=step,
        seconds=seconds,
    )


def write_state(folder: RunFolder, state: State) -> None:
    """Write a state into the folder of a run. Raises `UserError` where it cannot be written."""
    facts = {
        "version": STATE_VERSION,
        "epochs": state.epochs,
        "stopped": state.stopped,
        "whole": state.whole,
        "resolved": state.resolved,
        "memories": state.memories,
        "kept": state.kept,
    }
    if state.step:
        facts |= {"step": state.step, "seconds": state.seconds}

    def save(path: Path) -> None:
        # NumPy 1.26 would take `allow_pickle` for the name of an array.
        arrays: dict[str, Any] = dict(state.arrays)
        np.savez(path, **arrays)
        with zipfile.ZipFile(path, "a") as archive:
            sums = {each.filename: each.CRC for each in archive.infolist()}
            text = np.frombuffer(json.dumps({**facts, "sums": sums}).encode(), np.uint8)
            with archive.open(FACTS, "w") as member:
                np.lib.format.write_array(member, text)

    folder.write(_name_file(state.epochs, state.step), save)


def drop_other_states(run: Path, state: State) -> None:
    """Delete all states of a run but this one and those that are kept with it."""
    kept = {(state.epochs, state.step), *((epochs, 0) for epochs in state.kept)}
    for path in _list_states(run):
        if _read_name(path) not in kept:
            path.unlink(missing_ok=True)


def copy_states(state: State, old: RunFolder, new: RunFolder, max_bytes: int) -> None:
    """Write a state of one run into the folder of another, with the states that are kept with it.

    Those get the `resolved` of `state`; a damaged one is left out. max_bytes: as for `load_state`.
    """
    for epochs in state.kept:
        if (epochs, 0) != (state.epochs, state.step):
            try:
                other = _read_state(old.path / _name_file(epochs), max_bytes)
            except Exception:  # a library may raise anything for a damaged file
                continue
            write_state(new, replace(other, resolved=state.resolved))
    if state.best is None and state.best_epoch:
        new.write(BEST, lambda path: shutil.copyfile(old.path / BEST, path))
    write_state(new, state)


def _name_file(epochs: int, step: int = 0) -> str:
    return f"{PLACE}/{epochs:04}{f'-{step}' if step else ''}.npz"


def _read_name(path: Path) -> tuple[int, int]:
    """Return the epochs and the steps of the next one that the name of a state says."""
    found = NAME.fullmatch(path.name)
    assert found is not None
    return int(found[1]), int(found[2] or 0)


def _copy_array(value: Any, to: Array | None) -> Array:
    """Return a copy that an .npz file can hold: bfloat16 becomes float32, which is exact.

    to: an array to copy into, where it fits: fresh memory costs more than the copying.
    """
    held = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(value))
    dtype = np.float32 if held.dtype.kind == "V" else held.dtype
    if to is None or (to.shape, to.dtype) != (held.shape, dtype):
        to = np.empty(held.shape, dtype)
    to[...] = held
    return to


# --- reading -------------------------------------------------------------------------------------


def load_state(
    run: Path, echo: Callable[[str], None], only_whole: bool = False, max_bytes: int = 64 * GIB
) -> State | None:
    """Return the newest state of a run that can be read, or None where there is none.

    echo: gets a warning for each file that is damaged or is no state. only_whole: pass over states
    that end within an epoch. max_bytes: the largest file that is read.

    Raises `NewerStateError` for a state of a newer version, and `UserError` where the folder of the
    states cannot be looked into.
    """
    for path in _list_strays(run):
        echo(f"warning: {path} is no state of this run: passing it over")
    for path in _list_states(run):
        try:
            state = _read_state(path, max_bytes)
            if state.is_whole or not only_whole:
                return replace(state, best=_load_best(run, state, max_bytes, echo))
        except NewerStateError:  # the state before it would lose what that version trained
            raise
        except Exception as error:  # a library may raise anything for a damaged file
            echo(f"warning: {path} is damaged ({reason(error)}): taking the one before it")
    return None


def _list_states(run: Path) -> list[Path]:
    """Return the files of the states, the newest first."""
    found = [path for path in _list_folder(run) if NAME.fullmatch(path.name)]
    return sorted(found, key=_read_name, reverse=True)


def _list_strays(run: Path) -> list[Path]:
    """Return the files with the suffix of a state and another name.

    A name that begins with a dot is that of a file which a killed process had begun to write.
    """
    return [
        path
        for path in _list_folder(run)
        if path.suffix == ".npz" and path.name[0] != "." and not NAME.fullmatch(path.name)
    ]


def _list_folder(run: Path) -> list[Path]:
    """Return what is in the folder of the states, nothing where there is no such folder.

    Raises `UserError` for a folder that cannot be looked into: its states are there, and starting
    from the beginning would lose them.
    """
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


def _read_state(path: Path, max_bytes: int) -> State:
    """Return the state in a file, without `best`. Raises `NewerStateError`, and any exception for a
    damaged file."""
    with open_file(path, max_bytes) as file:
        sums = _read_sums(file, max_bytes)
        file.seek(0)
        with _renaming("an array in it cannot be read"), np.load(file, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
            text = arrays.pop("facts").tobytes()
    facts = parse_json(text, {})
    _refuse_newer(path, facts)
    check(facts, STATE)
    if facts.get("sums", sums) != sums:  # older runs have none
        raise ValueError("its arrays are not those that it was written with")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise ValueError(f"{name} is no array of numbers")
    epochs, step = facts["epochs"], facts.get("step", 0)
    if path.name != Path(_name_file(epochs, step)).name:
        raise ValueError(f"it is of epoch {epochs}{f' and step {step}' if step else ''}")
    memories = _check_memories(facts["resolved"], facts["memories"])
    _check_history(memories[0], epochs)
    return State(
        epochs=epochs,
        stopped=facts["stopped"],
        whole=facts["whole"],
        resolved=facts["resolved"],
        memories=memories,
        kept=facts.get("kept")
        or ([] if step else list(range(1, epochs + 1))),  # older runs lack it
        arrays=arrays,
        step=step,
        seconds=facts.get("seconds", 0.0),
    )


def _read_sums(file: BinaryIO, max_bytes: int) -> dict[str, int]:
    """Return the check sum of each array of a state, by its name in the archive.

    Raises `ValueError` for a wrong check sum, and for an archive that unpacks to too many bytes.
    """
    with _renaming("it cannot be unpacked"), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        size = sum(each.file_size for each in members)
        bad = archive.testzip() if size <= max_bytes else None
    if size > max_bytes:
        raise ValueError(f"it unpacks to more than {max_bytes:,} bytes")
    if bad is not None:
        raise ValueError(f"the check sum of {bad} is wrong")
    return {each.filename: each.CRC for each in members if each.filename != FACTS}


def _refuse_newer(path: Path, facts: Any) -> None:
    """Raise `NewerStateError` for the facts of a newer version, whatever else they hold."""
    version = facts.get("version") if isinstance(facts, dict) else None
    if isinstance(version, int) and version > STATE_VERSION:
        raise NewerStateError(
            f"{path} was written by a newer version of archspec: it has version {version} of a "
            f"state, and this archspec reads up to version {STATE_VERSION}",
            "update archspec to resume this run",
        )


@contextmanager
def _renaming(message: str) -> Iterator[None]:
    """Raise a `ValueError` with this message for any exception: those of libraries are about their
    own code."""
    try:
        yield
    except Exception:
        raise ValueError(message) from None


def _check_memories(resolved: str, memories: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the memories of the recorder and of the callbacks of a resolved.yaml.

    Keys and callbacks that older runs wrote in addition are left out. Raises `ValueError` where a
    memory is missing or is not as it must be.
    """
    callbacks = to_plain(read_text(resolved, "resolved.yaml").root)["train"]["callbacks"]
    schemas = [RECORDER_MEMORY]
    for name in (name for each in callbacks for name in each):
        schemas.append(record(" ".join(CALLBACK_MEMORY[name]), **CALLBACK_MEMORY[name]))
    if len(memories) < len(schemas):
        raise ValueError("it lacks what a callback remembers")
    first, *others = memories
    first = {"by_loss": True, **first}  # older runs did, whatever their callbacks watched
    return [
        check({key: each for key, each in memory.items() if key in schema["properties"]}, schema)
        for schema, memory in zip(schemas, [first, *others], strict=False)
    ]


def _check_history(memory: Mapping[str, Any], epochs: int) -> None:
    """Raise `ValueError` where the recorder's history is not that of so many epochs."""
    rows = memory["rows"]
    if len(rows) != epochs or memory["best_epoch"] > epochs:
        raise ValueError("its history is not of so many epochs")
    if any(row["epoch"] != number for number, row in enumerate(rows, 1)):
        raise ValueError("its history is not of the epochs from 1 on")
    if any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError("the epochs of its history do not have the same columns")


def _load_best(
    run: Path, state: State, max_bytes: int, echo: Callable[[str], None]
) -> Mapping[str, Array] | None:
    """Return the arrays of the best epoch: see `State.best`.

    Raises `ValueError` where the weights are neither in a state nor in best.keras.
    """
    if state.best_epoch == 0:
        return None
    if (state.best_epoch, 0) == (state.epochs, state.step):
        return state.arrays
    path = run / _name_file(state.best_epoch)
    try:
        return _read_state(path, max_bytes).arrays
    except NewerStateError:
        raise
    except Exception as error:
        with suppress(UserError):  # older runs do not say in best.keras which epoch it is of
            if RunFolder.open(run).read_best_epoch() in (state.best_epoch, None):
                if os.path.lexists(path):  # older runs have no such state
                    echo(f"warning: {path} is damaged ({reason(error)}): taking {BEST} for it")
                return None
        raise ValueError(
            f"the model of its best epoch, {state.best_epoch}, is lost: {reason(error)}"
        ) from None


# --- resuming ------------------------------------------------------------------------------------


def restore_variables(arrays: Mapping[str, Array], trainer: keras.Model) -> None:
    """Set every variable of a compiled model to its value in a state.

    Raises `UserError` where the arrays do not fit the model.
    """
    _assign(arrays, "variable", list(_list_variables(trainer)))


def restore_weights(arrays: Mapping[str, Array], trainer: keras.Model) -> None:
    """Set every variable of a model but those of its optimizer to its value in a state.

    Raises `UserError` where the arrays do not fit the model.
    """
    _assign(arrays, "variable", trainer.variables)


def restore_metrics(arrays: Mapping[str, Array], trainer: keras.Model) -> None:
    """Set every variable of a model's metrics, which are built, to its value in a state.

    Raises `UserError` where the arrays do not fit the metrics.
    """
    _assign(arrays, "metric", trainer.metrics_variables)


def _assign(arrays: Mapping[str, Array], kind: str, variables: Sequence[keras.Variable]) -> None:
    values = [arrays.get(f"{kind}.{i}") for i in range(len(variables))]
    for variable, value in zip(variables, values, strict=True):
        if value is None or value.shape != tuple(variable.shape):
            raise UserError(
                f"the saved state is of another network: it does not fit {variable.path}",
                "train the spec anew",
            )
        variable.assign(value)


def _list_variables(trainer: keras.Model) -> Iterator[keras.Variable]:
    """Return the model's variables, seed generators' included, then the optimizer's."""
    if not trainer.optimizer.built:
        trainer.optimizer.build(trainer.trainable_variables)
    yield from trainer.variables
    yield from trainer.optimizer.variables
