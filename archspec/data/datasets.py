"""Find and read datasets, files and folders: the columns of their parts, as they are stored.

A word is a dataset (`mnist`), looked for where people keep them before it is downloaded; anything
with a slash or a suffix is a file of arrays, a table, or a folder of images. Images stay as stored
until they are needed.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from archspec.data.arrays import IMAGE, NAME_THEM, TARGET, holds_arrays, read_arrays
from archspec.data.columns import ClassLabels, Column, DataSource, PartColumns
from archspec.data.folders import TABLES, find_parts, suggest_for_one_class
from archspec.data.formats import (
    CIFAR,
    FILES,
    ArrayParts,
    check_arrays,
    find_cifar,
    find_idx_files,
    read_cifar,
    read_idx,
)
from archspec.data.images import make_path_array, match_photos, read_folder, read_photos
from archspec.data.masks import Masks
from archspec.data.pairs import (
    find_images,
    find_masks,
    note_masks_among_images,
    refuse_masks_as_classes,
)
from archspec.data.splits import take_share
from archspec.data.tables import SUFFIXES, find_table, load_table
from archspec.errors import UserError
from archspec.reading import kind_of, path_of, readable
from archspec.recipe.datasets import CLASSES, is_path, suggest_dataset

DEBIAN = Path("/usr/share/datasets")  # where Debian's dataset packages install
DIGITS_FILE = "datasets/data/digits.csv.gz"
DIGITS_TEST = 0.2
# What a folder of images is asked for: folders of classes, masks beside images, or images alone.
OF_CLASSES, WITH_MASKS, ALONE = "classes", "masks", "images"


# --- finding -------------------------------------------------------------------------------------


def load_source(
    name: str,
    data_dir: Path | None = None,
    split_seed: int = 0,
    skip_broken: bool = False,
    found: Path | None = None,
    kind: str = OF_CLASSES,
    part: str | None = None,
) -> DataSource:
    """Return the dataset of a known name, or what a file or folder holds.

    data_dir: where to look first; found: where to look next, if that is still a folder. split_seed:
    chooses the fifth of `digits`, which has no test set of its own, that is its test set.
    skip_broken: leave out image files that cannot be read, which otherwise are an error. kind: what
    a folder of images holds. part: the column of a table that says the part of a sample.

    Raises `UserError` if the data is missing or cannot be read.
    """
    if data_dir is not None and kind_of(path_of(data_dir)) != "folder":
        shown = readable(data_dir)
        raise UserError(f"{shown} is not a folder", "--data-dir names one that holds datasets")
    if name == "digits":
        return _load_digits(split_seed)
    if name in CLASSES:
        return _find_dataset(name, data_dir, found)
    path = path_of(name)
    there, suffix = kind_of(path), path.suffix.lower()
    if not str(path).isprintable():
        shown = readable(path)
        raise UserError(f"{shown} has a name that no file of the run can hold", "rename it")
    if there == "folder":
        if holds_arrays(path):
            return read_arrays(path)
        if kind == OF_CLASSES and (table := find_table(path)) is not None:
            return load_table(table, part)
        return read_folder_of(kind, path, skip_broken)
    if suffix == ".npz" and there in FILES:
        return read_arrays(path)
    if suffix in SUFFIXES and there in FILES:
        return load_table(path, part)
    if there is not None:
        hint = "give a folder of images, a table (.csv), or arrays (.npz)"
        if suffix in TABLES:
            hint = "save it as a table of text, .csv"
        elif suffix == ".npy":
            hint = "give its folder, if that holds x_train.npy and y_train.npy"
        raise UserError(f"{readable(name)} is no dataset", hint)
    in_here = name == str(path) and path.parent == path_of(".")  # a run has the whole path
    word = path.name if in_here else name
    if is_path(word):
        raise UserError(f"there is no {readable(name)}", f"paths start from {path_of('.')}")
    raise UserError(f"there is no dataset or folder '{readable(word)}'", suggest_dataset(word))


def read_samples(path: Path) -> DataSource:
    """Return a table or arrays that may lack what is to be predicted.

    Of arrays, those of the test set are taken where there are such.
    """
    if path.suffix.lower() in SUFFIXES:
        return load_table(path, None)
    return read_arrays(path, needs_training=False)


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


def _find_dataset(name: str, data_dir: Path | None, found: Path | None) -> DataSource:
    """Return a dataset with a known name, downloaded if no folder holds it."""
    for folder in list_data_folders(data_dir, found):
        if kind_of(folder) == "folder" and (parts := _read_from(name, folder)):
            return replace(_make_known(name, parts), folder=folder)
    return _make_known(name, _download(name, data_dir))


def _read_from(name: str, folder: Path) -> ArrayParts | None:
    """Return a dataset that a folder holds as `.npz`, IDX files, or CIFAR's batches or archive."""
    spellings = (name, name.replace("_", "-"))
    for spelling in spellings:
        if kind_of(file := folder / f"{spelling}.npz") in FILES:
            return _read_known_npz(file)
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


def _read_known_npz(file: Path) -> ArrayParts:
    parts = read_arrays(file).parts
    if lacking := [part for part, held in parts.items() if not {IMAGE, TARGET} <= held.keys()]:
        held = ", ".join(map(readable, parts[lacking[0]]))
        message = f"{readable(file)} holds no images and labels for {lacking[0]}: it has {held}"
        raise UserError(message, NAME_THEM)
    return {
        part: check_arrays(held[IMAGE], held[TARGET], f"{file}, {part}")  # type: ignore
        for part, held in parts.items()
    }


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
    return {"train": check_arrays(x, y, name), "test": check_arrays(x_test, y_test, name)}


# --- datasets ------------------------------------------------------------------------------------


def _make_known(name: str, parts: ArrayParts) -> DataSource:
    """Return a dataset with a known name. Raises `UserError` if the arrays are not its."""
    classes = CLASSES[name]
    last = max(int(labels.max()) for _, labels in parts.values())
    if last >= len(classes):
        raise UserError(
            f"{name} has {len(classes)} classes, but a label is {last}",
            "the file is another dataset's, or broken",
        )
    if "test" not in parts:
        raise UserError(f"the file of {name} holds no test set", "fetch the file again")
    columns = {
        part: PartColumns({IMAGE: images, TARGET: ClassLabels(labels, classes)}, f"{name}, {part}")
        for part, (images, labels) in parts.items()
    }
    return DataSource(name, columns, IMAGE, TARGET)


def _load_digits(split_seed: int) -> DataSource:
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
    images, labels = table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)
    test, train = take_share(labels, DIGITS_TEST, split_seed)
    classes = CLASSES["digits"]
    parts = {
        part: PartColumns(
            {IMAGE: images[at], TARGET: ClassLabels(labels[at], classes)}, f"digits, {part}"
        )
        for part, at in (("train", train), ("test", test))
    }
    return DataSource("digits", parts, IMAGE, TARGET)


# --- folders -------------------------------------------------------------------------------------


def read_folder_of(kind: str, folder: Path, skip_broken: bool) -> DataSource:
    """Return what a folder of images holds, which is of a kind that the network asks for."""
    if kind == OF_CLASSES:
        return _load_classes(folder, skip_broken)
    load = _load_masks if kind == WITH_MASKS else _load_images
    return load(folder, skip_broken)


def _load_masks(folder: Path, skip_broken: bool) -> DataSource:
    """Return a folder of images with masks."""
    pairs, notes = find_masks(folder)
    found = {part: read_photos(images, skip_broken) for part, (images, _) in pairs.items()}
    photos = match_photos({part: each.photos for part, each in found.items()})
    columns = {}
    for part, (_, paths) in pairs.items():
        masks = Masks(make_path_array(paths)[found[part].kept])
        held: dict[str, Column] = {"image": photos[part], "mask": masks}
        columns[part] = PartColumns(held, f"{readable(folder)}, {part}")
        notes += found[part].notes
    skipped = tuple(path for each in found.values() for path in each.broken)
    return DataSource(folder.name, columns, "image", "mask", skipped, tuple(notes))


def _load_images(folder: Path, skip_broken: bool) -> DataSource:
    """Return a folder of images, without classes or masks."""
    paths, notes = find_images(folder)
    found = {part: read_photos(each, skip_broken) for part, each in paths.items()}
    photos = match_photos({part: each.photos for part, each in found.items()})
    columns = {
        part: PartColumns({"image": each}, f"{readable(folder)}, {part}")
        for part, each in photos.items()
    }
    skipped = tuple(path for each in found.values() for path in each.broken)
    notes += [note for each in found.values() for note in each.notes]
    return DataSource(folder.name, columns, "image", None, skipped, tuple(notes))


def _load_classes(folder: Path, skip_broken: bool) -> DataSource:
    """Return a folder of images per class, or of train/ and test/ with these."""
    parts, notes = find_parts(folder)
    train = read_folder(parts["train"], (), skip_broken)
    refuse_masks_as_classes(parts["train"], train.classes)
    if len(train.classes) < 2:
        raise UserError(
            f"{readable(parts['train'])} has one class only, {train.classes[0]}",
            suggest_for_one_class(parts["train"]),
        )
    found = {"train": train}
    for part, path in parts.items():
        if part != "train":
            found[part] = read_folder(path, tuple(train.classes), skip_broken)
    photos = match_photos({part: each.photos for part, each in found.items()})
    classes = tuple(train.classes)
    columns = {
        part: PartColumns(
            {"image": photos[part], "class": ClassLabels(each.labels, classes)},
            readable(parts[part]),
        )
        for part, each in found.items()
    }
    prefixes = {part: f"{part}: " if len(found) > 1 else "" for part in found}
    notes += [prefixes[part] + note for part, each in found.items() for note in each.notes]
    notes += note_masks_among_images([path for each in photos.values() for path in each.paths])
    skipped = tuple(path for each in found.values() for path in each.skipped)
    return DataSource(folder.name, columns, "image", "class", skipped, tuple(notes))
