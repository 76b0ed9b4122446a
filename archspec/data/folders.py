"""Folders of images as people have them: parts, classes, what is no data, what is left out.

A folder holds one folder for each class, or parts (training, validation, test) that do. Where it is
unclear which of them a folder is, that is an error: nobody should train on the classes "Testing"
and "Training".
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from PIL import Image

from archspec.errors import UserError
from archspec.reading import readable, reading

# What systems leave in folders; names that begin with a dot are hidden.
NO_DATA = {"@eadir", "__macosx", "#recycle", "$recycle.bin", "system volume information"}
NO_DATA |= {"lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "validate", "val", "valid", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tests", "eval", "evaluation"), "test"),
}
# Words that make no other thing of a part's name: seg_test is a test set, test_tube is not.
MORE = {"data", "imgs", "img", "photos", "pictures", "seg"}
UNLABELLED = {"pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "unsup"}
TABLES = {".csv", ".tsv", ".json", ".xlsx", ".parquet"}
SORTED = "put the images of each class in a folder of their own: FOLDER/cat/1.jpg"

# Pillow tells these from others and decodes none of them, but EPS, which it has Ghostscript run.
NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}


@cache
def suffixes() -> dict[str, str]:
    """Suffixes of files that the installed Pillow decodes, each with the name of its format."""
    known = Image.registered_extensions()
    opened = {*Image.OPEN, "MPO"} - NOT_DECODED  # MPO is opened as a JPEG
    return {suffix: name for suffix, name in known.items() if name in opened}


@cache
def formats() -> tuple[str, ...]:
    """The formats that files are taken for, whatever their suffix says."""
    return tuple(sorted({*suffixes().values()} & {*Image.OPEN}))


# --- what a folder holds -------------------------------------------------------------------------


def visible(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files in a folder, in alphabetical order, without what is no data.

    Raises `UserError` for a folder that cannot be looked into.
    """
    folders: list[Path] = []
    files: list[Path] = []
    with reading(folder), os.scandir(folder) as found:
        for each in sorted(found, key=lambda entry: entry.name):
            if each.name[0] != "." and each.name.casefold() not in NO_DATA:
                (folders if _is_folder(each) else files).append(folder / each.name)
    return folders, files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def files_under(folder: Path) -> Iterator[Path]:
    """The files at any depth. Raises `UserError` where links lead to a folder twice."""
    left, seen = [folder], set()
    while left:
        place = left.pop()
        with reading(place):
            found = os.stat(place)
        if (found.st_dev, found.st_ino) in seen:
            raise UserError(
                f"links in {readable(folder)} lead to {readable(place)} a second time",
                "remove the link",
            )
        seen.add((found.st_dev, found.st_ino))
        folders, files = visible(place)
        left += folders
        yield from files


def is_image(path: Path) -> bool:
    return path.suffix.lower() in suffixes()


def holds_images(folder: Path) -> bool:
    return any(map(is_image, files_under(folder)))


def left_out(files: Iterable[Path]) -> str | None:
    """A line that counts files that are no images, or None for none."""
    counts = Counter(readable(path.suffix.lower()) or "without a suffix" for path in files)
    several = [f"{count:,} {suffix}" for suffix, count in sorted(counts.items())]
    more = f" and {sum(counts.values()):,} in all" if len(several) > 8 else ""
    return f"left out, as no images: {', '.join(several[:8])}{more}" if several else None


# --- parts ---------------------------------------------------------------------------------------


def parts_of(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The folders of "train", "validation" and "test"; or the folder itself as "train", where it
    holds the classes. And lines that say what is left aside.

    Raises `UserError` where it is unclear.
    """
    folders, files = visible(folder)
    named: dict[str, list[Path]] = {}
    for path in folders:
        if (part := _part(path.name)) and holds_images(path):
            named.setdefault(part, []).append(path)
    others = [path for path in folders if not _part(path.name) and holds_images(path)]
    labelled = {
        part: [each for each in map(_inner, paths) if any(map(holds_images, visible(each)[0]))]
        for part, paths in named.items()
    }
    if not any(labelled.values()):
        return _only_classes(folder, named, others)
    if not labelled.get("train"):
        there = ", ".join(each.name for paths in named.values() for each in paths)
        raise UserError(
            f"{readable(folder)} holds {readable(there)}, but no folder 'train' of classes",
            "call the folder with the training images train",
        )
    notes = []
    aside = [path for path in others if _words(path.name) & UNLABELLED]
    if unclear := [path for path in others if path not in aside]:
        raise UserError(
            f"is {readable(unclear[0])} a class, or beside the parts of a dataset as "
            f"{readable(labelled['train'][0])} is?",
            "move one of them elsewhere, or give the folder that holds the classes alone as --data",
        )
    found = {}
    for part, paths in named.items():
        if len(labelled[part]) > 1 or (labelled[part] and len(paths) > 1):
            names = " and ".join(readable(path.name) for path in paths)
            raise UserError(
                f"{readable(folder)} holds {names}, each of which may be the {part} set",
                "move all but one of them elsewhere",
            )
        if labelled[part]:
            found[part] = labelled[part][0]
        else:
            aside += paths
    for path in aside:
        count = sum(map(is_image, files_under(path)))
        notes.append(f"left aside, as no folders say their classes: {count:,} images in "
                     f"{readable(path)}")  # fmt: skip
    empty = [path for path in folders if path not in others and not holds_images(path)]
    loose = [*files, *(each for path in empty for each in files_under(path))]
    return found, [*notes, *filter(None, [_loose(loose), left_out(_no_images(loose))])]


def _only_classes(
    folder: Path, named: dict[str, list[Path]], others: list[Path]
) -> tuple[dict[str, Path], list[str]]:
    """The folder as one of classes, though some of them (a train, a test tube) are called as parts
    are. `named`: those; `others`: the other folders of images."""
    parts = [path for paths in named.values() for path in paths]
    if parts and not others:
        raise UserError(f"{readable(parts[0])} holds images but no folders of classes", SORTED)
    unclear = [path for path in parts if _words(path.name) <= {*PARTS, *MORE}]
    if unclear := [path for path in unclear if _part(path.name) != "train"]:
        raise UserError(
            f"is {readable(unclear[0])} a class, or images whose classes nobody says?",
            "rename it if it is a class, else move it elsewhere",
        )
    return {"train": folder}, []


def _words(name: str) -> set[str]:
    """The words of a name: those of `seg_train`, `TestSet`, `trainset` and `val2017` are seg and
    train, test, train, val."""
    words = re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])", name)
    return {re.sub(r"(set|data|images?)$", "", word.casefold()) for word in words} - {""}


def _part(name: str) -> str | None:
    """The part that a folder's name speaks of; None for none, or for several."""
    found = {PARTS[word] for word in _words(name) if word in PARTS}
    return found.pop() if len(found) == 1 else None


def _inner(folder: Path) -> Path:
    """The folder of classes of a part: seg_train/seg_train holds them where that is all there is.

    A part has no class of its own name.
    """
    folders, files = visible(folder)
    if len(folders) == 1 and not any(map(is_image, files)):
        (only,) = folders
        if only.name.casefold() == folder.name.casefold() or _part(only.name) == _part(folder.name):
            return _inner(only)
    return folder


def _loose(files: list[Path]) -> str | None:
    count = sum(map(is_image, files))
    return f"left aside, as in no folder of a class: {count:,} images" if count else None


def _no_images(files: Iterable[Path]) -> list[Path]:
    return [path for path in files if not is_image(path)]


# --- classes -------------------------------------------------------------------------------------


def classes_of(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The images of each class, by the class's name as it can be read, and what is left out.

    Raises `UserError` where there are none, and for a class that has none.
    """
    folders, files = visible(folder)
    under = {path: list(files_under(path)) for path in folders}
    if not any(is_image(each) for several in under.values() for each in several):
        raise _no_classes(folder, files)
    _refuse_parts_of_classes(folder, folders)
    found: dict[str, list[Path]] = {}
    for path, several in under.items():
        images = sorted(filter(is_image, several))
        if not images:
            said = left_out(several)
            raise UserError(
                f"{readable(path)} holds no images{f': {said}' if said else ''}",
                "add images of that class, or remove its folder",
            )
        found.setdefault(readable(path.name), []).extend(images)
    others = [each for several in under.values() for each in several if not is_image(each)]
    notes = [_loose(files), left_out([*others, *_no_images(files)])]
    return found, [each for each in notes if each]


def _no_classes(folder: Path, files: list[Path]) -> UserError:
    table = _table(files)
    hint = f"{table} is not read: {SORTED}" if table else SORTED
    if any(map(is_image, files)):
        return UserError(f"{readable(folder)} holds images but no folders of classes", hint)
    said = left_out(files)
    return UserError(f"{readable(folder)} holds no images{f': {said}' if said else ''}", hint)


def _refuse_parts_of_classes(folder: Path, folders: list[Path]) -> None:
    """Raise `UserError` where each class seems to hold its own parts, or the classes again."""
    inside = {}
    for path in folders:
        deeper, files = visible(path)
        if any(map(is_image, files)):
            return
        inside[path] = [each.name for each in deeper]
    first = readable(folders[0])
    for path, names in inside.items():
        strict = {_part(name) for name in names if _words(name) <= {*PARTS, *MORE}}
        if "train" in strict and len(strict - {None}) > 1:
            hint = "put the parts first: FOLDER/train/cat/1.jpg"
            if len(folders) == 1:
                hint = f"give {readable(path)} as --data"
            raise UserError(f"{readable(path)} holds parts of a dataset: {_some(names)}", hint)
    again = inside[folders[0]]
    if len(folders) > 1 and len(again) > 1 and all(each == again for each in inside.values()):
        raise UserError(
            f"the folders in {readable(folder)} hold the same folders: {_some(again)}",
            f"give one of them as --data, such as {first}, or put the images of each class in one "
            "folder",
        )


def _some(names: list[str]) -> str:
    return readable(", ".join(names[:4])) + (", ..." if len(names) > 4 else "")


def one_class_hint(folder: Path) -> str:
    """What to do about a folder of one class: its only folder may hold several."""
    folders, files = visible(folder)
    if table := _table(files):
        return f"{table} is not read: {SORTED}"
    while len(folders) == 1:
        folder = folders[0]
        folders = [path for path in visible(folder)[0] if holds_images(path)]
    return f"give {readable(folder)} as --data" if len(folders) > 1 else "add a second folder"


def _table(files: list[Path]) -> str | None:
    found = [readable(path.name) for path in files if path.suffix.lower() in TABLES]
    return found[0] if found else None
