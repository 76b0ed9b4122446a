"""Read the files that datasets with known names come in: IDX, and CIFAR's pickled batches.

Each reader takes a path and returns the parts that it has: images are numpy arrays (n, h, w) or (n,
h, w, c), labels int64 (n,). What cannot be read or trained on is a `UserError`.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from msgspec import Struct

from archspec.data.images import Array
from archspec.data.pickles import read_pickle
from archspec.data.values import check_numbers, read_class_numbers
from archspec.errors import UserError
from archspec.reading import kind_of, open_file, read_bytes, readable, reading

FETCH = "fetch the file again"
LARGEST = 2**30  # bytes of an IDX file or an archive, unpacked: EMNIST has 0.6 of it
BATCH = 2**28  # bytes of one batch of CIFAR: the largest has 0.6 of it
FILES = ("file", "special")  # a special file is refused when it is opened
TOO_LARGE = f"it holds more than {LARGEST:,} bytes"


# "train" and "test" -> images and labels.
ArrayParts = dict[str, tuple[Array, Array]]


def check_arrays(images: Array, labels: Array, where: str) -> tuple[Array, Array]:
    """Return images and labels of a dataset with a known name, the labels as int64 (n,).

    Raises `UserError` if they are unusable.
    """
    images = check_numbers(images, where)
    labels = read_class_numbers(labels, where)
    if len(images) != len(labels) or not len(labels):
        raise UserError(f"{readable(where)}: {len(images)} images but {len(labels)} labels")
    return images, labels


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
    return {
        part: check_arrays(_read_idx_file(images), _read_idx_file(labels), str(images))
        for part, (images, labels) in files.items()
    }


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
    return parts


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
