"""Read the files that datasets come in: `.npz`, IDX, and CIFAR's pickled batches.

Each reader takes a path and returns the parts that it has: images are numpy arrays (n, h, w) or (n,
h, w, c), labels int64 (n,). What cannot be read or trained on is a `UserError`.
"""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from msgspec import Struct

from archspec.data.images import Array
from archspec.data.pickles import read_pickle
from archspec.errors import UserError
from archspec.reading import kind_of, open_file, read_bytes, readable, reading

FETCH = "fetch the file again"
LARGEST = 2**30  # bytes of an IDX file or an archive, unpacked: EMNIST has 0.6 of it
BATCH = 2**28  # bytes of one batch of CIFAR: the largest has 0.6 of it
FILES = ("file", "special")  # a special file is refused when it is opened
TOO_LARGE = f"it holds more than {LARGEST:,} bytes"


class ArrayParts(Struct, frozen=True, eq=False):
    """The arrays of a dataset: {"train": (images, labels), "test": ...}.

    unused: names of other arrays in its file. folder: the one it was found in, if it was looked
    for.
    """

    sets: dict[str, tuple[Array, Array]]
    unused: tuple[str, ...] = ()
    folder: Path | None = None


# --- .npz ----------------------------------------------------------------------------------------

NPZ_KEYS = {
    "train": [("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")],
    "validation": [
        *((f"x_{name}", f"y_{name}") for name in ("val", "valid", "validation")),
        *((f"{name}_images", f"{name}_labels") for name in ("val", "valid", "validation")),
    ],
    "test": [("x_test", "y_test"), ("test_images", "test_labels")],
}
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: Path) -> ArrayParts:
    """Read arrays called as Keras (`x_train`, `y_train`, ...) or MedMNIST does, or x and y."""
    hint = "fetch the file again, or write it with numpy.savez"
    with reading(path, hint), open_file(path, sys.maxsize) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no whole .npz file")
        with zipfile.ZipFile(file) as archive:
            members = {each.filename.removesuffix(".npy"): each for each in archive.infolist()}
            if len(members) < len(archive.infolist()):
                raise ValueError("two of its arrays have the same name")
            chosen = {
                part: next((pair for pair in pairs if members.keys() >= set(pair)), None)
                for part, pairs in NPZ_KEYS.items()
            }
            if chosen["train"] is None:
                keys = ", ".join(map(readable, members)) or "nothing"
                raise UserError(
                    f"{readable(path)} holds no training set: it has {keys}",
                    "name the arrays x_train and y_train, and x_test and y_test if there is a "
                    "test set",
                )
            sets = {
                part: tuple(_read_array(archive, members[name], path) for name in pair)
                for part, pair in chosen.items()
                if pair is not None
            }
    used = {name for pair in chosen.values() if pair is not None for name in pair}
    unused = tuple(readable(name) for name in members if name not in used)
    return ArrayParts(
        {part: check_arrays(x, y, f"{path}, {part}") for part, (x, y) in sets.items()}, unused
    )


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Array:
    """Return one array of an `.npz`, once its header has been compared with the member's size."""
    name = member.filename.removesuffix(".npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed in a way that numpy.savez does not know")
    with archive.open(member) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of headers that Python 2 wrote
        try:
            header = HEADERS[np.lib.format.read_magic(file)]
            shape, by_columns, dtype = header(file)
        except Exception as error:  # numpy parses the header as Python, which can raise anything
            raise ValueError(f"its member '{name}' is no array: {error}") from None
        if dtype.hasobject:
            raise UserError(
                f"cannot read {readable(path)}: {name} holds Python objects",
                "save numbers: lists of one length, and none of them None",
            )
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


def check_arrays(images: Array, labels: Array, where: str) -> tuple[Array, Array]:
    """Return images and labels, the labels as int64 (n,).

    Raises `UserError` if they are unusable.
    """
    where = readable(where)
    labels = _read_class_numbers(labels, where)
    if images.ndim < 2 or images.dtype.kind not in "buif" or not prod(images.shape[1:]):
        raise UserError(
            f"{where}: images must be numbers, (n, height, width) or more axes, got "
            f"{images.dtype} of shape {images.shape}"
        )
    if len(images) != len(labels) or not len(labels):
        raise UserError(f"{where}: {len(images)} images but {len(labels)} labels")
    if images.dtype.kind == "f":
        # Training computes in float32, where larger values are infinite.
        most = np.finfo(np.float32).max
        if not (np.isfinite(images).all() and -most <= images.min() and images.max() <= most):
            raise UserError(f"{where}: some pixels are not finite numbers", "clean the data first")
    return images, labels


def _read_class_numbers(labels: Array, where: str) -> Array:
    """Return labels as int64 (n,). Raises `UserError` if they are not numbers of classes."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    kind, hint = labels.dtype.kind, "number the classes from 0"
    found = f"{labels.dtype} of shape {labels.shape}"
    if kind in "US":
        found = (
            f"text, such as {readable(repr(labels.flat[0].item()))[:40]}" if labels.size else "text"
        )
        hint = "number the classes: names, y = np.unique(y, return_inverse=True)"
    elif kind in "buif" and labels.ndim == 2 and _is_one_hot(labels):
        found, hint = f"one-hot rows of {labels.shape[1]}", "save np.argmax(y, axis=1)"
    elif kind in "buif" and labels.ndim == 1:
        whole = kind != "f" or (np.isfinite(labels) & (labels == np.floor(labels))).all()
        if whole and labels.size and labels.min() < 0:
            raise UserError(f"{where}: label {labels.min()} is out of range", hint)
        if whole and labels.size and int(labels.max()) >= 2**31:
            raise UserError(f"{where}: label {labels.max()} is out of range", hint)
        if whole:
            return labels.astype(np.int64)
        found = f"{labels.dtype}, not all of them whole"
    if hint.endswith("from 0"):
        hint = f"the runner trains classifiers so far: {hint}"
    raise UserError(f"{where}: labels must be one integer for each image, got {found}", hint)


def _is_one_hot(labels: Array) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


# --- IDX -----------------------------------------------------------------------------------------

IDX_NAMES = {"train": "train", "test": "t10k"}


def find_idx_files(folder: Path) -> dict[str, tuple[Path, Path]] | None:
    """Return MNIST's four files in a folder, gzipped or not: {"train": (images, labels), ...}.

    None if one is missing.
    """
    found = {}
    for part, prefix in IDX_NAMES.items():
        pair = []
        for stem in (f"{prefix}-images%sidx3-ubyte", f"{prefix}-labels%sidx1-ubyte"):
            names = [stem % dot + end for dot in "-." for end in (".gz", "")]
            pair += [folder / name for name in names if kind_of(folder / name) in FILES][:1]
        if len(pair) != 2:
            return None
        found[part] = (pair[0], pair[1])
    return found


def read_idx(files: dict[str, tuple[Path, Path]]) -> ArrayParts:
    """Read pairs of IDX files with images and labels."""
    return ArrayParts(
        {
            part: check_arrays(_read_idx_file(images), _read_idx_file(labels), str(images))
            for part, (images, labels) in files.items()
        }
    )


def _read_idx_file(path: Path) -> Array:
    """Return an array of bytes: IDX has 00 00 08, the number of axes, their lengths, the values."""
    with reading(path, FETCH), open_file(path, LARGEST) as raw:
        file = _unzip(raw)
        head = file.read(4)
        lengths = file.read(4 * head[3]) if head[:3] == b"\0\0\x08" and len(head) == 4 else b""
        if not lengths or len(lengths) != 4 * head[3]:
            raise ValueError("it is no IDX file of bytes")
        shape = tuple(map(int, np.frombuffer(lengths, ">u4")))
        if prod(shape) > LARGEST:
            raise ValueError(TOO_LARGE)
        values = file.read(prod(shape) + 1)
        if len(values) != prod(shape):
            fewer = "fewer" if len(values) < prod(shape) else "more"
            raise ValueError(
                f"it holds {fewer} than the {prod(shape):,} values that its header announces"
            )
        return np.frombuffer(values, np.uint8).reshape(shape)


def _unzip(file: BinaryIO) -> BinaryIO:
    """Return a stream of a file's contents, whether it is gzipped or not."""
    zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if zipped else file


# --- CIFAR ---------------------------------------------------------------------------------------


class Cifar(Struct, frozen=True):
    """The files of CIFAR-10 or CIFAR-100: folder, names of archives, batches, key of the labels."""

    folder: str
    archives: tuple[str, ...]
    batches: Mapping[str, tuple[str, ...]]
    key: str


CIFAR = {
    "cifar10": Cifar(
        "cifar-10-batches-py",
        ("cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"),
        {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)},
        "labels",
    ),
    "cifar100": Cifar(
        "cifar-100-python",
        ("cifar-100-python.tar.gz",),
        {"train": ("train",), "test": ("test",)},
        "fine_labels",
    ),
}


def find_cifar(cifar: Cifar, folder: Path) -> Path | None:
    """Return the folder of batches, or the archive, that a folder is or holds; None if neither."""
    target = f"{cifar.folder}-target"  # Keras's cache
    for path in (folder, folder / cifar.folder, folder / target / cifar.folder):
        if path.name == cifar.folder and kind_of(path) == "folder":
            return path
    names = (*cifar.archives, f"{target}_archive")
    return next((folder / name for name in names if kind_of(folder / name) in FILES), None)


def read_cifar(cifar: Cifar, path: Path) -> ArrayParts:
    """Read a folder of batches, or its archive without unpacking it to the disk."""
    names = [name for several in cifar.batches.values() for name in several]
    packed = kind_of(path) != "folder"
    if packed:
        with reading(path, FETCH), open_file(path, LARGEST) as file:
            found = _read_members(file, {f"{cifar.folder}/{name}": name for name in names})
    batches = {}
    for name in names:
        with reading(path / name, FETCH):
            content = found.pop(name) if packed else read_bytes(path / name, BATCH)
            batches[name] = _read_batch(content, cifar.key)
    parts = {}
    for part, several in cifar.batches.items():
        images, labels = zip(*(batches[name] for name in several), strict=True)
        both = np.concatenate(images), np.concatenate(labels)
        parts[part] = check_arrays(*both, f"{path}, {part}")
    return ArrayParts(parts)


def _read_batch(content: bytes, key: str) -> tuple[Array, Array]:
    """Return images (n, 32, 32, 3) and labels (n,) of a batch, which stores all of red first."""
    held = {
        name.decode("latin-1") if isinstance(name, bytes) else name: each
        for name, each in read_pickle(content).items()
    }
    data, labels = held.get("data"), held.get(key)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
        raise ValueError("it holds no 'data' of bytes")
    if data.shape[1:] not in [(3072,), (3, 32, 32)]:
        raise ValueError(f"its 'data' has the shape {data.shape}, not (images, 3072)")
    if isinstance(labels, list) and all(type(each) is int for each in labels):
        labels = np.array(labels, np.int64)
    if not isinstance(labels, np.ndarray) or labels.shape != data.shape[:1]:
        raise ValueError(f"its '{key}' must be a list of a number for each of {len(data):,} images")
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _read_members(file: BinaryIO, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """Return the contents of files in a tar archive, gzipped or not.

    wanted: for each name in the archive the key of the result.
    """
    found = {}
    with tarfile.open(fileobj=_Bounded(_unzip(file)), mode="r:") as archive:  # type: ignore
        for member in archive:
            name = wanted.get(member.name.removeprefix("./"))
            if name is None or not member.isfile():
                continue
            if member.size > BATCH:
                raise ValueError(f"{member.name} has {member.size:,} bytes, too many for a batch")
            held = archive.extractfile(member)
            found[name] = held.read() if held else b""
    if lacking := [at for at, name in wanted.items() if name not in found]:
        raise ValueError(f"it does not hold {lacking[0]}")
    return found


class _Bounded:
    """A file that can be read up to `LARGEST`, and only in pieces up to `BATCH`.

    A few bytes of an archive can announce, or unpack to, a terabyte.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= BATCH or self.file.tell() + size > LARGEST + tarfile.RECORDSIZE:
            raise ValueError(TOO_LARGE)
        return self.file.read(size)

    def seek(self, position: int) -> int:
        if position > LARGEST:
            raise ValueError(TOO_LARGE)
        return self.file.seek(position)

    def tell(self) -> int:
        return self.file.tell()
