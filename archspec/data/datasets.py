"""Find and read datasets, and split them in a way that depends only on the split seed.

A word is a dataset (`mnist`), looked for where people keep them before it is downloaded; anything
with a slash or a suffix is an `.npz` file or a folder of images per class. Images stay as stored
until they are needed; `images` makes them fit a spec's input.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.data.folders import SORTED, TABLES, find_parts, suggest_for_one_class
from archspec.data.formats import (
    CIFAR,
    FILES,
    ArrayParts,
    check_arrays,
    find_cifar,
    find_idx_files,
    read_cifar,
    read_idx,
    read_npz,
)
from archspec.data.images import Array, Images, Photos, read_folder
from archspec.errors import UserError
from archspec.reading import kind_of, path_of, readable, reading
from archspec.recipe.datasets import CLASSES, is_path, suggest_dataset

DEBIAN = Path("/usr/share/datasets")  # where Debian's dataset packages install
DIGITS_FILE = "datasets/data/digits.csv.gz"
DIGITS_TEST = 0.2
MOST = 1000  # classes that are accepted even if there are fewer images


class Examples(Struct, frozen=True, eq=False):
    """Images and their labels: int64 (n,), the index of each image's class."""

    images: Images
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Array) -> Examples:
        """Return the examples at some indices."""
        return Examples(self.images[indices], self.labels[indices])


class Dataset(Struct, frozen=True, eq=False):
    """The training, validation and test images of a dataset, file or folder.

    classes: their names, in the order of the labels. range: the lowest and highest value that a
    stored pixel can have. validation, test: None if the dataset has no such part. skipped: image
    files that are broken. notes: lines about what is not used, and what is assumed. folder: the one
    that a dataset with a known name was found in.
    """

    name: str
    classes: tuple[str, ...]
    range: tuple[float, float]
    train: Examples
    validation: Examples | None
    test: Examples | None
    skipped: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    folder: Path | None = None


# --- finding -------------------------------------------------------------------------------------


def load_dataset(
    name: str,
    data_dir: Path | None = None,
    split_seed: int = 0,
    skip_broken: bool = False,
    found: Path | None = None,
) -> Dataset:
    """Return the dataset of a known name, or in a file or folder.

    data_dir: where to look first; found: where to look next, if that is still a folder. split_seed:
    chooses the fifth of `digits`, which has no test set of its own, that is its test set.
    skip_broken: leave out image files that cannot be read, which otherwise are an error. Raises
    `UserError` if the data is missing or cannot be read.
    """
    if data_dir is not None and kind_of(path_of(data_dir)) != "folder":
        shown = readable(data_dir)
        raise UserError(f"{shown} is not a folder", "--data-dir names one that holds datasets")
    if name == "digits":
        return _load_digits(split_seed)
    if name in CLASSES:
        return _make_known(name, _find_dataset(name, data_dir, found))
    path = path_of(name)
    kind, suffix = kind_of(path), path.suffix.lower()
    if not str(path).isprintable():
        shown = readable(path)
        raise UserError(f"{shown} has a name that no file of the run can hold", "rename it")
    if kind == "folder":
        return _load_folder(path, skip_broken)
    if suffix == ".npz" and kind in FILES:
        return _make_unknown(path.stem, read_npz(path))
    if kind is not None:
        hint = "give a folder per class of images, or an .npz"
        if suffix in TABLES:
            hint = f"tables are not read: {SORTED}"
        elif suffix == ".npy":
            hint = "it holds one array: numpy.savez(FILE, x_train=..., y_train=...) saves several"
        raise UserError(f"{readable(name)} is no dataset", hint)
    in_here = name == str(path) and path.parent == path_of(".")  # a run has the whole path
    word = path.name if in_here else name
    if is_path(word):
        raise UserError(f"there is no {readable(name)}", f"paths start from {path_of('.')}")
    raise UserError(f"there is no dataset or folder '{readable(word)}'", suggest_dataset(word))


def list_data_folders(data_dir: Path | None, found: Path | None = None) -> list[Path]:
    """Return the folders where datasets are looked for, in order."""
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    given = (
        data_dir,
        found,
        os.environ.get("ARCHSPEC_DATA"),
        Path(keras_home) / "datasets",
        DEBIAN,
    )
    return [path_of(each) for each in given if each]


def _find_dataset(name: str, data_dir: Path | None, found: Path | None) -> ArrayParts:
    """Return the arrays of a dataset with a known name, downloaded if no folder holds it."""
    for folder in list_data_folders(data_dir, found):
        if kind_of(folder) == "folder" and (parts := _read_from(name, folder)):
            return replace(parts, folder=folder)
    return _download(name, data_dir)


def _read_from(name: str, folder: Path) -> ArrayParts | None:
    """Return a dataset that a folder holds as `.npz`, IDX files, or CIFAR's batches or archive."""
    spellings = (name, name.replace("_", "-"))
    for spelling in spellings:
        if kind_of(file := folder / f"{spelling}.npz") in FILES:
            return read_npz(file)
    if name in CIFAR:
        found = find_cifar(CIFAR[name], folder)
        return read_cifar(CIFAR[name], found) if found else None
    # MNIST and Fashion-MNIST have files of the same names: the folder's name tells which it is.
    others = {each for each in CLASSES if each != name}
    here = () if folder.name.replace("-", "_") in others else (folder,)
    for inside in (*(folder / spelling for spelling in spellings), *here):
        if files := find_idx_files(inside):
            return read_idx(files)
    return None


def _download(name: str, data_dir: Path | None) -> ArrayParts:
    """Return a dataset as Keras downloads it. Raises `UserError` if it cannot be reached."""
    import keras

    try:
        (x, y), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception for an address it cannot reach
        looked = ", ".join(map(str, list_data_folders(data_dir)))
        raise UserError(
            f"{name} is not in {looked}, and cannot be downloaded: {error}",
            f"put {name}.npz or the dataset's own files in a folder and give it as --data-dir",
        ) from None
    return ArrayParts(
        {"train": check_arrays(x, y, name), "test": check_arrays(x_test, y_test, name)}
    )


# --- datasets ------------------------------------------------------------------------------------


def _make_known(name: str, parts: ArrayParts) -> Dataset:
    """Return a dataset with a known name. Raises `UserError` if the arrays are not its."""
    classes = CLASSES[name]
    last = max(int(labels.max()) for _, labels in parts.sets.values())
    if last >= len(classes):
        raise UserError(
            f"{name} has {len(classes)} classes, but a label is {last}",
            "the file is another dataset's, or broken",
        )
    if "test" not in parts.sets:
        raise UserError(f"the file of {name} holds no test set", "fetch the file again")
    return replace(_make_dataset(name, classes, parts), folder=parts.folder)


def _make_unknown(name: str, parts: ArrayParts) -> Dataset:
    """Return the dataset of arrays whose labels alone tell how many classes there are.

    Raises `UserError` for labels that do not number classes.
    """
    name = readable(name)
    everyone = np.concatenate([labels for _, labels in parts.sets.values()])
    last = int(everyone.max())
    if last == int(everyone.min()):
        raise UserError(f"{name} has one class only", "a classifier needs two or more")
    if everyone.min() > 0:
        raise UserError(
            f"{name}: the labels go from {everyone.min()} to {last}, and nothing is of class 0",
            f"number the classes from 0: y - {everyone.min()}",
        )
    if last >= max(MOST, len(everyone)):
        raise UserError(
            f"{name}: a label is {last:,}, but there are {len(everyone):,} images only",
            "number the classes from 0, without gaps; the runner trains classifiers so far",
        )
    return _make_dataset(name, tuple(map(str, range(last + 1))), parts)


def _make_dataset(name: str, classes: tuple[str, ...], parts: ArrayParts) -> Dataset:
    """Return the dataset of arrays, with notes about missing classes and unusual pixels."""
    notes = [f"not used: {', '.join(parts.unused)}"] if parts.unused else []
    counts = np.bincount(parts.sets["train"][1], minlength=len(classes))
    if lacking := [each for each, n in zip(classes, counts, strict=True) if not n]:
        more = ", ..." if len(lacking) > 10 else ""
        notes.append(f"no training image is of class {', '.join(lacking[:10])}{more}")
    pixels = parts.sets["train"][0]
    low, high = _find_range(pixels)
    for part, (images, _) in parts.sets.items():
        if (images.dtype == np.uint8) != (pixels.dtype == np.uint8):
            raise UserError(
                f"{name}: the pixels of {part} are {images.dtype.name}, those of train "
                f"{pixels.dtype.name}",
                "save them alike",
            )
        least, most = _find_range(images)
        if least < low or most > high:
            notes.append(
                f"pixels of {part} go from {least:g} to {most:g}, those of train, by which both "
                f"are scaled, from {low:g} to {high:g}"
            )
    if pixels.dtype != np.uint8:
        notes.append(f"pixels are {pixels.dtype.name} from {low:g} to {high:g}")
    sets = {part: Examples(images, labels) for part, (images, labels) in parts.sets.items()}
    others = sets.get("validation"), sets.get("test")
    return Dataset(name, classes, (low, high), sets["train"], *others, notes=tuple(notes))


def _find_range(pixels: Array) -> tuple[float, float]:
    """Return the lowest and highest value of pixels: of bytes the possible ones."""
    if pixels.dtype == np.uint8:
        return 0.0, 255.0
    return float(pixels.min()), float(pixels.max())


def _load_digits(split_seed: int) -> Dataset:
    """Return `digits`, read from scikit-learn's folder, because importing it would take a second.

    A row of its table has the 64 pixels of an image, and its label.
    """
    spec = find_spec("sklearn")
    path = Path(spec.origin).parent / DIGITS_FILE if spec and spec.origin else None
    if path is None or kind_of(path) != "file":
        raise UserError(
            "digits comes with scikit-learn, which is not installed here, or keeps it elsewhere",
            "pip install 'archspec-keras[run]'",
        )
    table = np.loadtxt(path, delimiter=",")
    everything = Examples(table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64))
    test, train = take_share(everything, DIGITS_TEST, split_seed)
    return Dataset("digits", CLASSES["digits"], (0.0, 16.0), train, None, test)


def _load_folder(folder: Path, skip_broken: bool) -> Dataset:
    """Return the dataset of a folder of images per class, or of train/ and test/ with these."""
    parts, notes = find_parts(folder)
    train = read_folder(parts["train"], (), skip_broken)
    if len(train.classes) < 2:
        raise UserError(
            f"{readable(parts['train'])} has one class only, {train.classes[0]}",
            suggest_for_one_class(parts["train"]),
        )
    found = {"train": train}
    for part, path in parts.items():
        if part != "train":
            found[part] = read_folder(path, tuple(train.classes), skip_broken)
    grey = all(each.photos.grey for each in found.values())
    if len({each.photos.deep for each in found.values()}) > 1:
        deep, other = sorted(found, key=lambda part: not found[part].photos.deep)[:2]
        raise UserError(
            f"the images of {deep} have 16 bits a pixel, those of {other} 8 bits a colour",
            "save all images with as many bits",
        )
    examples = {
        part: Examples(Photos(each.photos.paths, grey, each.photos.deep), each.labels)
        for part, each in found.items()
    }
    prefixes = {part: f"{part}: " if len(found) > 1 else "" for part in found}
    notes += [prefixes[part] + note for part, each in found.items() for note in each.notes]
    return Dataset(
        folder.name,
        tuple(train.classes),
        train.photos.range,
        examples["train"],
        examples.get("validation"),
        examples.get("test"),
        tuple(path for each in found.values() for path in each.skipped),
        tuple(notes),
    )


def count_by_class(classes: Sequence[str], labels: Array) -> dict[str, int]:
    """Return how many images each class has."""
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}


def hash_examples(parts: Mapping[str, Examples]) -> str:
    """Return a hash of the images and labels of some parts, in their order.

    For image files it is made of names and sizes, and of whether they are deep, because older
    versions read deep images with 8 bits.
    """
    hashed = sha256()
    for name, examples in parts.items():
        hashed.update(name.encode())
        hashed.update(np.ascontiguousarray(examples.labels).tobytes())
        if isinstance(examples.images, Photos):
            if examples.images.deep:
                hashed.update(b"deep")
            for path in examples.images.paths:
                with reading(path):
                    size = path.stat().st_size
                hashed.update(os.fsencode(f"{path.parent.name}/{path.name} {size}\n"))
        else:
            hashed.update(np.ascontiguousarray(examples.images).data)
    return hashed.hexdigest()[:16]


# --- splits --------------------------------------------------------------------------------------


def order_evenly(labels: Array, seed: int) -> Array:
    """Return a shuffled order in which every stretch has the classes in about their proportions.

    So the first tenth is a fair validation set, and the first N images are a fair small training
    set, whatever order a dataset is stored in.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    position = np.empty(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels[shuffled] == label)
        position[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return shuffled[np.argsort(position, kind="stable")]


def take_share(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Return a share of the examples, and the rest, both shuffled.

    The share has at least one example if it is not 0.
    """
    shuffled = order_evenly(examples.labels, seed)
    first = max(1, round(len(shuffled) * share)) if share else 0
    return examples.take(shuffled[:first]), examples.take(shuffled[first:])


def split_dataset(
    dataset: Dataset, share: float, seed: int, limit: int | None = None
) -> dict[str, Examples]:
    """Return the parts that a run uses: "train", and "validation" and "test" if there are such.

    share: that of the training set which becomes the validation set, unless the dataset has one.
    limit: the number of training images to keep after the split; a fifth as many of the others.
    """
    if dataset.validation is not None:
        train = dataset.train.take(order_evenly(dataset.train.labels, seed))
        parts = {"train": train, "validation": dataset.validation}
    else:
        validation, train = take_share(dataset.train, share, seed)
        parts = {"train": train, "validation": validation}
    if dataset.test is not None:
        parts["test"] = dataset.test.take(order_evenly(dataset.test.labels, seed))
    if limit is not None:
        for part, each in parts.items():
            count = limit if part == "train" else max(1, limit // 5)
            parts[part] = each.take(np.arange(min(count, len(each))))
    if not len(parts["train"]):
        raise UserError(f"{dataset.name} is too small to split", "lower train.data.validation")
    return {part: each for part, each in parts.items() if len(each)}
