"""Files that datasets come in: `.npz`, IDX, and CIFAR's pickled batches.

Each reader takes a place and gives {"train": (images, labels), "test": ...}; images are numpy
arrays (n, h, w) or (n, h, w, c), labels int64 (n,). What cannot be read is a `UserError`.
"""

from __future__ import annotations

import codecs
import gzip
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archspec.errors import UserError
from archspec.training.images import Array

Parts = dict[str, tuple[Array, Array]]

NPZ_KEYS = {
    "train": [("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")],
    "validation": [("x_val", "y_val"), ("val_images", "val_labels")],
    "test": [("x_test", "y_test"), ("test_images", "test_labels")],
}
UNREADABLE = (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile)
BROKEN_PICKLE = (pickle.UnpicklingError, tarfile.TarError, AttributeError, TypeError, IndexError)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (*UNREADABLE, *BROKEN_PICKLE) as error:
        raise UserError(f"cannot read {path}: {error}", "fetch the file again") from None


# --- .npz ----------------------------------------------------------------------------------------


def read_npz(path: Path) -> Parts:
    """Arrays by Keras's names (`x_train`, `y_train`, ...), MedMNIST's (`train_images`) or x, y."""
    parts = {}
    if path.is_file() and not zipfile.is_zipfile(path):  # numpy would take it for a pickle
        message = f"cannot read {path}: it is no whole .npz file"
        raise UserError(message, "fetch the file again, or write it with numpy.savez")
    with _reading(path), np.load(path, allow_pickle=False) as file:
        if not hasattr(file, "files"):
            raise ValueError("it holds one array, not named ones")
        keys = file.files
        for part, pairs in NPZ_KEYS.items():
            for x, y in pairs:
                if x in keys and y in keys:
                    parts[part] = (file[x], file[y])
                    break
    if "train" not in parts:
        raise UserError(
            f"{path} holds no training set: it has {', '.join(keys) or 'nothing'}",
            "name the arrays x_train and y_train, and x_test and y_test if there is a test set",
        )
    return {part: checked(x, y, f"{path}, {part}") for part, (x, y) in parts.items()}


def checked(images: Array, labels: Array, where: str) -> tuple[Array, Array]:
    """The same, labels as int64 (n,). Raises `UserError` where they cannot be trained on."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not (
        np.issubdtype(labels.dtype, np.integer) or np.all(np.equal(np.mod(labels, 1), 0))
    ):
        raise UserError(
            f"{where}: labels must be one integer for each image, got {labels.dtype} of shape "
            f"{labels.shape}",
            "number the classes from 0",
        )
    if images.ndim < 2 or images.dtype.kind not in "buif":
        raise UserError(f"{where}: images must be numbers, (n, height, width) or more axes")
    if len(images) != len(labels) or not len(labels):
        raise UserError(f"{where}: {len(images)} images but {len(labels)} labels")
    if labels.min() < 0:
        raise UserError(f"{where}: label {labels.min()} is out of range", "number them from 0")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise UserError(f"{where}: some pixels are not finite numbers", "clean the data first")
    return images, labels.astype(np.int64)


# --- IDX -----------------------------------------------------------------------------------------

IDX_NAMES = {"train": "train", "test": "t10k"}


def idx_files(folder: Path) -> dict[str, tuple[Path, Path]] | None:
    """MNIST's four files in a folder, gzipped or not: {"train": (images, labels), "test": ...}."""
    found = {}
    for part, prefix in IDX_NAMES.items():
        pair = []
        for stem in (f"{prefix}-images%sidx3-ubyte", f"{prefix}-labels%sidx1-ubyte"):
            names = [stem % dot + end for dot in "-." for end in (".gz", "")]
            pair += [folder / name for name in names if (folder / name).is_file()][:1]
        if len(pair) != 2:
            return None
        found[part] = (pair[0], pair[1])
    return found


def read_idx(files: dict[str, tuple[Path, Path]]) -> Parts:
    return {
        part: checked(_idx(images), _idx(labels), str(images))
        for part, (images, labels) in files.items()
    }


def _idx(path: Path) -> Array:
    """IDX of bytes: 00 00 08, the number of axes, their lengths (big-endian), the values."""
    with _reading(path):
        opened: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rb") as file:
            content = file.read()
        if content[:3] != b"\0\0\x08" or len(content) < 8:
            raise ValueError("it is no IDX file of bytes")
        axes = content[3]
        shape = np.frombuffer(content, ">u4", axes, 4).astype(int)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


# --- CIFAR ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cifar:
    """How one of the two is packed: folder, names of archives, batches, key of the labels."""

    folder: str
    archives: tuple[str, ...]
    batches: Mapping[str, tuple[str, ...]]
    key: bytes


CIFAR = {
    "cifar10": Cifar(
        "cifar-10-batches-py",
        ("cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"),
        {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)},
        b"labels",
    ),
    "cifar100": Cifar(
        "cifar-100-python",
        ("cifar-100-python.tar.gz",),
        {"train": ("train",), "test": ("test",)},
        b"fine_labels",
    ),
}


HARMLESS: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: np.ndarray((0,), "b"),  # numpy's own does
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,  # how Python 3 writes bytes for Python 2
}


class _Arrays(pickle.Unpickler):
    """Unpickles arrays, lists and text: a file from the net gets to call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        found = HARMLESS.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return found


def cifar_place(cifar: Cifar, folder: Path) -> Path | None:
    """The folder of batches, or the archive of one, that a folder is or holds; None if neither."""
    target = f"{cifar.folder}-target"  # Keras's cache
    for place in (folder, folder / cifar.folder, folder / target / cifar.folder):
        if place.name == cifar.folder and place.is_dir():
            return place
    names = (*cifar.archives, f"{target}_archive")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_cifar(cifar: Cifar, place: Path) -> Parts:
    """From a folder of batches, or from its archive, which is read without being unpacked."""
    parts = {}
    with _reading(place), ExitStack() as stack:
        archive = None if place.is_dir() else stack.enter_context(tarfile.open(place))
        for part, names in cifar.batches.items():
            batches = []
            for name in names:
                file: Any = (
                    stack.enter_context((place / name).open("rb"))
                    if archive is None
                    else archive.extractfile(f"{cifar.folder}/{name}")
                )
                batches.append(_Arrays(file, encoding="bytes").load())
            planes = np.concatenate([batch[b"data"] for batch in batches])
            images = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            parts[part] = (images, np.concatenate([batch[cifar.key] for batch in batches]))
    return {part: checked(*each, f"{place}, {part}") for part, each in parts.items()}
