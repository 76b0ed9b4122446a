"""Read arrays of an `.npz` file, or of a folder of `.npy` files, as the columns of parts.

`x_train`, `y_test`, `train_images`, `box_val`: the name of an array says which column it is, and of
which part. Arrays are read when they are asked for, so that nothing is read that no network takes.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from archspec.data.columns import DataSource, PartColumns
from archspec.data.folders import count_by_suffix, iter_files
from archspec.data.images import Array
from archspec.errors import UserError
from archspec.reading import kind_of, open_file, readable, reading

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# The columns of the inputs and of the targets, under the names that Keras, MedMNIST and people use.
IMAGE, TARGET = "x", "y"
UNNAMED = "arr_0"  # what numpy.savez calls an array that was given no name
STEMS = {
    **dict.fromkeys(("x", "images", "image", "inputs", "features"), IMAGE),
    **dict.fromkeys(("y", "labels", "label", "targets", "target"), TARGET),
}
NAME_THEM = "name the arrays x_train and y_train, and x_test and y_test if there is a test set"
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def split_name(name: str) -> tuple[str, str | None]:
    """Return the column and the part that an array is called after.

    >>> split_name("x_train"), split_name("val_images"), split_name("box_test"), split_name("age")
    (('x', 'train'), ('x', 'validation'), ('box', 'test'), ('age', None))
    >>> split_name("trainX"), split_name("y-test"), split_name("contest")
    (('x', 'train'), ('y', 'test'), ('contest', None))
    """
    words, between = "|".join(PARTS), r"[-_./ ]"
    found = re.fullmatch(rf"(?i)(?:(.+){between}({words})|({words}){between}(.+))", name)
    if not found:  # without a sign between, the rest must be a known name
        stems = "|".join(STEMS)
        found = re.fullmatch(rf"(?i)(?:({stems})({words})|({words})({stems}))", name)
    stem, part = name, None
    if found:
        stem = found[1] or found[4]
        part = PARTS[(found[2] or found[3]).lower()]
    return STEMS.get(stem.lower(), stem), part


class StoredArrays(PartColumns):
    """The arrays of a part; each is read when it is asked for, and then kept."""

    def __init__(self, file: ArrayFile, names: Mapping[str, str]) -> None:
        super().__init__({}, readable(file.path))
        self.file, self.names = file, names
        self.read: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self.read:
            self.read[name] = self.file.read(self.names[name])
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def describe(self, name: str) -> str:
        return f"{self.where}: {self.name_of(name)}"

    def name_of(self, name: str) -> str:
        return readable(self.names.get(name, name))


class ArrayFile:
    """A file, or a folder, of arrays: their names, and how one of them is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def list_names(self) -> Iterable[str]:
        raise NotImplementedError

    def read(self, name: str) -> Array:
        raise NotImplementedError


class NpzFile(ArrayFile):
    """An `.npz` file. Raises `UserError` for one that is damaged."""

    HINT = "fetch the file again, or write it with numpy.savez"

    def list_names(self) -> Iterable[str]:
        with reading(self.path, self.HINT), open_file(self.path, sys.maxsize) as file:
            return list(_list_members(file))

    def read(self, name: str) -> Array:
        with reading(self.path, self.HINT), open_file(self.path, sys.maxsize) as file:
            member = _list_members(file)[name]
            with zipfile.ZipFile(file) as archive:
                return _read_member(archive, member, self.path)


def _list_members(file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no whole .npz file")
    with zipfile.ZipFile(file) as archive:
        members = {each.filename.removesuffix(".npy"): each for each in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("two of its arrays have the same name")
    return members


class NpyFolder(ArrayFile):
    """A folder of `.npy` files, which are mapped into memory: they may be larger than it."""

    def list_names(self) -> Iterable[str]:
        return sorted(path.stem for path in self.path.glob("*.npy"))

    def count_others(self) -> str:
        """Return how many other files there are of each suffix; "" for none."""
        arrays = {*self.path.glob("*.npy")}
        return count_by_suffix(each for each in iter_files(self.path) if each not in arrays)

    def read(self, name: str) -> Array:
        return NpyFile(self.path / f"{name}.npy").read(name)


class NpyFile(ArrayFile):
    """An `.npy` file, mapped into memory. Its array has the name that numpy.savez gives."""

    def list_names(self) -> Iterable[str]:
        return [UNNAMED]

    def read(self, name: str) -> Array:
        path = self.path
        with reading(path, "write it with numpy.save"):
            with open_file(path, sys.maxsize) as file:
                shape, _, dtype = _read_header(file, name)
                _refuse_objects(dtype, name, path)
                held = os.stat(path).st_size - file.tell()
            if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != held:
                raise ValueError(f"it says it is {dtype} of shape {shape}, which it does not hold")
            mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped


def _read_header(file: Any, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether it is stored by columns, and dtype, of an array."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of headers that Python 2 wrote
            shape, by_columns, dtype = HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # numpy parses the header as Python, which can raise anything
        raise ValueError(f"its member '{name}' is no array: {error}") from None
    return shape, by_columns, dtype


def _refuse_objects(dtype: np.dtype[Any], name: str, path: Path) -> None:
    if dtype.hasobject:
        raise UserError(
            f"cannot read {readable(path)}: {name} holds Python objects",
            "save numbers: lists of one length, and none of them None",
        )


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Array:
    """Return one array of an `.npz`, once its header has been compared with the member's size."""
    name = member.filename.removesuffix(".npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed in a way that numpy.savez does not know")
    with archive.open(member) as file:
        shape, by_columns, dtype = _read_header(file, name)
        _refuse_objects(dtype, name, path)
        size = prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or size != member.file_size - file.tell():
            raise ValueError(f"{name} says it is {dtype} of shape {shape}, which it does not hold")
        if size > _find_memory():
            raise ValueError(
                f"{name} needs {size / 2**30:,.0f} GiB of memory, and this machine has "
                f"{_find_memory() / 2**30:,.0f}"
            )
        held = file.read(size + 1)  # up to the end, where the checksum is verified
    if len(held) != size:
        raise ValueError(f"{name} ends too early")
    return np.frombuffer(held, dtype).reshape(shape, order="F" if by_columns else "C")


def _find_memory() -> int:
    """Return how many bytes of memory the machine has; sys.maxsize if that is unknown."""
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return sys.maxsize


def holds_arrays(folder: Path) -> bool:
    """Return whether a folder holds `.npy` files."""
    return kind_of(folder) == "folder" and next(iter(folder.glob("*.npy")), None) is not None


def read_arrays(path: Path, needs_training: bool = True) -> DataSource:
    """Return the columns of an `.npz` file, of an `.npy` file or of a folder of `.npy` files.

    Arrays whose name says no part are of the training set. Raises `UserError` if there is no such
    set.
    """
    file: ArrayFile = NpyFile(path) if path.suffix.lower() == ".npy" else NpzFile(path)
    if kind_of(path) == "folder":
        file = NpyFolder(path)
    names = list(file.list_names())
    split = {name: split_name(name) for name in names}
    parts: dict[str, dict[str, str]] = {}
    for name, (column, part) in sorted(split.items(), key=lambda item: item[1][1] is None):
        columns = parts.setdefault(part or "train", {})
        columns[name if column in columns else column] = name  # X_train beside x_train
    if not needs_training and (last := next(filter(parts.get, ("test", "validation")), None)):
        parts = {"train": parts[last]}
    if not parts.get("train"):
        keys = ", ".join(map(readable, names)) or "nothing"
        raise UserError(f"{readable(path)} holds no training set: it has {keys}", NAME_THEM)
    columns = parts["train"]
    notes = []
    if isinstance(file, NpyFolder) and (others := file.count_others()):
        notes.append(f"not used, because they are no arrays of {readable(path)}: {others}")
    return DataSource(
        path.name if isinstance(file, NpyFolder) else path.stem,
        {part: StoredArrays(file, parts[part]) for part in ("train", "validation", "test")
         if parts.get(part)},
        IMAGE if IMAGE in columns else None,
        TARGET if TARGET in columns else None,
        notes=tuple(notes),
    )  # fmt: skip
