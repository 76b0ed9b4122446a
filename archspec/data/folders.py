"""Find parts and classes in folders of images as people have them.

A folder holds one folder for each class, or parts (training, validation, test) that do. Where it is
unclear which of these a folder is, that is an error: nobody should train on the classes "Testing"
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

# Files and folders of operating systems; names that begin with a dot are hidden, too.
NO_DATA = {"@eadir", "__macosx", "#recycle", "$recycle.bin", "system volume information"}
NO_DATA |= {"lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "validate", "val", "valid", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tests", "eval", "evaluation"), "test"),
}
# Words that a part's name may have besides: seg_test is a test set, test_tube is not.
MORE = {"data", "imgs", "img", "photos", "pictures", "seg"}
UNLABELLED = {"pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "unsup"}
TABLES = {".csv", ".tsv", ".json", ".xlsx", ".parquet"}
SOUNDS = {".npy", ".wav", ".mp3", ".flac", ".ogg"}
SORTED = "put the images of each class in a folder of their own: FOLDER/cat/1.jpg"

# Formats that Pillow recognizes but cannot decode; for EPS it runs Ghostscript.
USUAL = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}


@cache
def list_suffixes() -> dict[str, str]:
    """Return the suffixes of files that the installed Pillow decodes, each with its format."""
    known = Image.registered_extensions()
    opened = {*Image.OPEN, "MPO"} - NOT_DECODED  # MPO is opened as a JPEG
    return {suffix: name for suffix, name in known.items() if name in opened}


@cache
def list_formats() -> tuple[str, ...]:
    """Return the formats that files may have, whatever their suffix says, the usual ones first:
    Pillow tries them in this order."""
    known = {*list_suffixes().values()} & {*Image.OPEN}
    return tuple(sorted(known, key=lambda name: (name not in USUAL, name)))


# --- what a folder holds -------------------------------------------------------------------------


def list_visible(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files in a folder, sorted by name, without those of the system.

    Raises `UserError` for a folder that cannot be read.
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


def iter_files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder at any depth.

    Raises `UserError` if links lead to a folder twice.
    """
    left, seen = [folder], set()
    while left:
        current = left.pop()
        with reading(current):
            found = os.stat(current)
        if (found.st_dev, found.st_ino) in seen:
            raise UserError(
                f"links in {readable(folder)} lead to {readable(current)} a second time",
                "remove the link",
            )
        seen.add((found.st_dev, found.st_ino))
        folders, files = list_visible(current)
        left += folders
        yield from files


def is_image(path: Path) -> bool:
    return path.suffix.lower() in list_suffixes()


def holds_images(folder: Path) -> bool:
    return any(map(is_image, iter_files(folder)))


def count_by_suffix(files: Iterable[Path]) -> str:
    """Return how many files there are of each suffix, such as "1 .csv, 2 .txt"; "" for none."""
    counts = Counter(readable(path.suffix.lower()) or "without a suffix" for path in files)
    several = [f"{count:,} {suffix}" for suffix, count in sorted(counts.items())]
    more = f" and {sum(counts.values()):,} in all" if len(several) > 8 else ""
    return f"{', '.join(several[:8])}{more}"


def describe_other_files(files: Iterable[Path]) -> str | None:
    """Return a note on files that are not images, or None if there are none."""
    counts = count_by_suffix(files)
    return f"not used, because they are not images: {counts}" if counts else None


# --- parts ---------------------------------------------------------------------------------------


def find_parts(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the folders of "train", "validation" and "test", and notes on what is left out.

    A folder that holds the classes itself is "train". Raises `UserError` where it is unclear.
    """
    folders, files = list_visible(folder)
    named: dict[str, list[Path]] = {}
    for path in folders:
        if (part := find_part(path.name)) and holds_images(path):
            named.setdefault(part, []).append(path)
    others = [path for path in folders if not find_part(path.name) and holds_images(path)]
    labelled = {
        part: [
            each
            for each in map(_find_class_folder, paths)
            if any(map(holds_images, list_visible(each)[0]))
        ]
        for part, paths in named.items()
    }
    if not any(labelled.values()):
        return _accept_only_classes(folder, named, others)
    if not labelled.get("train"):
        there = ", ".join(each.name for paths in named.values() for each in paths)
        raise UserError(
            f"{readable(folder)} holds {readable(there)}, but no folder 'train' of classes",
            "call the folder with the training images train",
        )
    notes = []
    aside = [path for path in others if _split_words(path.name) & UNLABELLED]
    if unclear := [path for path in others if path not in aside]:
        raise UserError(
            f"is {readable(unclear[0])} a class, or one more part of a dataset, like "
            f"{readable(labelled['train'][0])}?",
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
        count = sum(map(is_image, iter_files(path)))
        notes.append(f"not used, because no folders give their classes: {count:,} images in "
                     f"{readable(path)}")  # fmt: skip
    empty = [path for path in folders if path not in others and not holds_images(path)]
    loose = [*files, *(each for path in empty for each in iter_files(path))]
    return found, [
        *notes,
        *filter(None, [_describe_loose(loose), describe_other_files(_drop_images(loose))]),
    ]


def _accept_only_classes(
    folder: Path, named: dict[str, list[Path]], others: list[Path]
) -> tuple[dict[str, Path], list[str]]:
    """Return the folder as one of classes, some of which (a train, a test tube) may be named like
    parts.

    named: the latter. others: the other folders of images. Raises `UserError` where it is unclear.
    """
    parts = [path for paths in named.values() for path in paths]
    if parts and not others:
        hint = _suggest_table(list_visible(folder)[1]) or SORTED
        raise UserError(f"{readable(parts[0])} holds images but no folders of classes", hint)
    unclear = [path for path in parts if _split_words(path.name) <= {*PARTS, *MORE}]
    if unclear := [path for path in unclear if find_part(path.name) != "train"]:
        raise UserError(
            f"is {readable(unclear[0])} a class, or a set of images without classes?",
            "rename it if it is a class, else move it elsewhere",
        )
    return {"train": folder}, []


def _split_words(name: str) -> set[str]:
    """Return the words of a folder's name.

    >>> sorted(_split_words("seg_train")), _split_words("TestSet"), _split_words("val2017")
    (['seg', 'train'], {'test'}, {'val'})
    """
    words = re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])", name)
    return {re.sub(r"(set|data|images?)$", "", word.casefold()) for word in words} - {""}


def find_part(name: str) -> str | None:
    """Return the part that a folder is named after; None for none, or for several."""
    found = {PARTS[word] for word in _split_words(name) if word in PARTS}
    return found.pop() if len(found) == 1 else None


def _find_class_folder(folder: Path) -> Path:
    """Return the folder of classes of a part: seg_train/seg_train, if that is all there is.

    A part has no class of its own name.
    """
    folders, files = list_visible(folder)
    if len(folders) == 1 and not any(map(is_image, files)):
        (only,) = folders
        if only.name.casefold() == folder.name.casefold() or find_part(only.name) == find_part(
            folder.name
        ):
            return _find_class_folder(only)
    return folder


def _describe_loose(files: list[Path]) -> str | None:
    """Return a line with the number of images among files that are in no class's folder."""
    count = sum(map(is_image, files))
    return f"not used, because they are in no class's folder: {count:,} images" if count else None


def _drop_images(files: Iterable[Path]) -> list[Path]:
    return [path for path in files if not is_image(path)]


# --- classes -------------------------------------------------------------------------------------


def find_classes(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the images of each class, by its printable name, and notes on what is not used.

    Raises `UserError` if there are no classes, and for a class without images.
    """
    folders, files = list_visible(folder)
    under = {path: list(iter_files(path)) for path in folders}
    if not any(is_image(each) for several in under.values() for each in several):
        raise _explain_no_classes(folder, files)
    _refuse_parts_of_classes(folder, folders)
    found: dict[str, list[Path]] = {}
    for path, several in under.items():
        images = sorted(filter(is_image, several))
        if not images:
            only = count_by_suffix(several)
            raise UserError(
                f"{readable(path)} holds no images{f', only {only}' if only else ''}",
                "add images of that class, or remove its folder",
            )
        found.setdefault(readable(path.name), []).extend(images)
    others = [each for several in under.values() for each in several if not is_image(each)]
    notes = [_describe_loose(files), describe_other_files([*others, *_drop_images(files)])]
    return found, [each for each in notes if each]


def _explain_no_classes(folder: Path, files: list[Path]) -> UserError:
    """Return the error for a folder without folders of images."""
    hint = _suggest_table(files) or SORTED
    if any(map(is_image, files)):
        return UserError(f"{readable(folder)} holds images but no folders of classes", hint)
    everything = [*iter_files(folder)]
    if any(each.suffix.lower() in SOUNDS for each in everything):
        hint = (
            "save them as arrays: x_train.npy, with a row for each sample, and y_train.npy, or "
            "both in an .npz"
        )
    only = count_by_suffix(everything)
    return UserError(f"{readable(folder)} holds no images{f', only {only}' if only else ''}", hint)


def _refuse_parts_of_classes(folder: Path, folders: list[Path]) -> None:
    """Raise `UserError` if each class seems to hold its own parts, or the classes again."""
    inside = {}
    for path in folders:
        deeper, files = list_visible(path)
        if any(map(is_image, files)):
            return
        inside[path] = [each.name for each in deeper]
    first = readable(folders[0])
    for path, names in inside.items():
        strict = {find_part(name) for name in names if _split_words(name) <= {*PARTS, *MORE}}
        if "train" in strict and len(strict - {None}) > 1:
            hint = "put the parts first: FOLDER/train/cat/1.jpg"
            if len(folders) == 1:
                hint = f"give {readable(path)} as --data"
            raise UserError(f"{readable(path)} holds parts of a dataset: {_list_some(names)}", hint)
    again = inside[folders[0]]
    if len(folders) > 1 and len(again) > 1 and all(each == again for each in inside.values()):
        raise UserError(
            f"the folders in {readable(folder)} hold the same folders: {_list_some(again)}",
            f"give one of them as --data, such as {first}, or put the images of each class in one "
            "folder",
        )


def _list_some(names: list[str]) -> str:
    return readable(", ".join(names[:4])) + (", ..." if len(names) > 4 else "")


def suggest_for_one_class(folder: Path) -> str:
    """Return a hint for a folder of one class; its only folder may hold several."""
    folders, files = list_visible(folder)
    if hint := _suggest_table(files):
        return hint
    while len(folders) == 1:
        folder = folders[0]
        folders = [path for path in list_visible(folder)[0] if holds_images(path)]
    return f"give {readable(folder)} as --data" if len(folders) > 1 else "add a second folder"


def _suggest_table(files: list[Path]) -> str | None:
    """Return a hint for a table of labels among files; None if there is none."""
    tables = [path for path in files if path.suffix.lower() in TABLES]
    tables.sort(
        key=lambda path: not _split_words(path.stem) & {"train", "training", "labels", "label"}
    )
    for path in tables:
        if path.suffix.lower() in (".csv", ".tsv"):
            return f"if {readable(path.name)} says the classes, give {readable(path)} as --data"
    return f"{readable(tables[0].name)} is not read: {SORTED}" if tables else None
