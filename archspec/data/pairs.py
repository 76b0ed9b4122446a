"""Find images, and the masks that belong to them, in folders as people have them.

A mask has the name of its image, in a folder of masks (images/1.jpg, masks/1.png) or with a word
after it or before it (1.jpg, 1_mask.png; img_1.jpg, mask_1.png). Parts may be above these folders,
below them, or in their names: train/images, images/train, train_images.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, TypeVar

from archspec.data.folders import (
    MORE,
    PARTS,
    count_by_suffix,
    describe_other_files,
    find_part,
    is_image,
    iter_files,
)
from archspec.errors import UserError
from archspec.reading import readable

IMAGE, MASK = "image", "mask"
OF_IMAGES = "image images img imgs photo photos picture pictures input inputs frame frames x"
OF_MASKS = "mask masks label labels annotation annotations annot annots gt ground truth target"
OF_MASKS += " targets trimap trimaps segmentation segmentations y"
# What the words of a folder's name say of the images in it, and what a whole name does.
ROLES = dict.fromkeys(OF_IMAGES.split(), IMAGE) | dict.fromkeys(OF_MASKS.split(), MASK)
WHOLE = {"jpegimages": IMAGE, "groundtruth": MASK, "segmentationclass": MASK, "seg": MASK}
KNOWN = {*ROLES, *PARTS, *MORE, "set", "dataset"}
# What may come after the name that an image and its mask share, and before it.
WORD = "(?:(?P<mask>masks?|labels?|annotations?|seg|segmentation|gt|groundtruth)|image|img)"
AFTER = re.compile(rf"(?:(?P<stem>.+)[-_. ])?{WORD}", re.IGNORECASE)
BEFORE = re.compile(rf"{WORD}(?:[-_. ]+(?P<stem>.+)|(?P<number>\d.*))", re.IGNORECASE)
LAYOUT = "a mask has the name of its image: FOLDER/images/1.jpg and FOLDER/masks/1.png"
ELSEWHERE = f"{LAYOUT}; move the others elsewhere, or name the pairs in a table (.csv)"

Key = tuple[str, ...]
Held = TypeVar("Held")


class _Location(NamedTuple):
    """The part and the role of a file by the folders that it is in, and the rest of these."""

    part: str | None
    role: str | None
    rest: Key


def _read_place(names: Key) -> _Location:
    """Return what the names of folders say of the images in them.

    >>> _read_place(("seg_train", "JPEGImages", "street"))
    _Location(part='train', role='image', rest=('street',))
    >>> _read_place(("images2",))
    _Location(part=None, role='image', rest=('2',))
    """
    part: str | None = None
    roles: set[str] = set()
    rest: list[str] = []
    for name in names:
        words = {each.casefold() for each in re.findall(r"[A-Z]*[^\W\d_A-Z]+|[A-Z]+", name)}
        whole = WHOLE.get(re.sub(r"[\W\d_]", "", name).casefold())
        found = find_part(name)
        other = part is not None and found not in (None, part)
        if other or not (whole or (words and words <= KNOWN)):
            rest.append(name)
            continue
        part = found or part
        here = {whole} if whole else {ROLES[each] for each in words if each in ROLES}
        roles |= here
        if here and not found:
            rest += re.findall(r"\d+", name)  # images1/1.png is another than images2/1.png
    role = MASK if MASK in roles else IMAGE if roles else None
    return _Location(part, role, tuple(rest))


def _find_all(folder: Path) -> tuple[list[tuple[Path, _Location]], list[str]]:
    """Return the images in a folder, each with its place, and notes on what else is there."""
    files = sorted(iter_files(folder))
    places: dict[Path, _Location] = {}
    for path in files:
        if path.parent not in places:
            places[path.parent] = _read_place(path.parent.relative_to(folder).parts)
    images = [(path, places[path.parent]) for path in files if is_image(path)]
    if not images:
        only = count_by_suffix(files)
        raise UserError(f"{readable(folder)} holds no images{f', only {only}' if only else ''}")
    other = describe_other_files(path for path in files if not is_image(path))
    return images, [other] if other else []


def _choose_parts(
    folder: Path, parts: Collection[str | None], stray: bool
) -> dict[str | None, str]:
    """Return the part of the data that each part of a folder is.

    stray: whether images that are in none may be the training set, where no other is.
    """
    found: dict[str | None, str] = {part: part for part in parts if part is not None}
    if "train" not in found:
        if not stray:
            raise UserError(
                f"{readable(folder)} holds images for {' and '.join(sorted(found.values()))}, but "
                "no folder 'train'",
                "call the folder with the training images train",
            )
        found[None] = "train"
    return found


def _describe(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _note_unused(why: str, paths: list[Path]) -> str:
    return f"not used, because {why}: {_describe(len(paths), IMAGE)}, such as {readable(paths[0])}"


def _in_order(parts: dict[str, Held]) -> dict[str, Held]:
    return {part: parts[part] for part in ("train", "validation", "test") if part in parts}


def refuse_masks_as_classes(folder: Path, classes: Collection[str]) -> None:
    """Raise `UserError` where the folders are no classes, but one of images and one of masks."""
    roles = {_read_place((name,)).role for name in classes}
    if roles == {IMAGE, MASK}:
        names = " and ".join(sorted(map(readable, classes))[:2])
        raise UserError(
            f"{readable(folder)} holds {names}, and no folders of classes",
            "masks are learnt by a network whose output has a class for each place; to classify, "
            "put the images of each class in a folder of their own",
        )


def note_masks_among_images(paths: Collection[Path]) -> list[str]:
    """Return a note on files that are named as masks of others: 1_mask.png beside 1.png."""
    stems = {(path.parent, path.stem) for path in paths}
    masks = [
        path
        for path in paths
        if (after := AFTER.fullmatch(path.stem))
        and after["mask"]
        and (path.parent, after["stem"]) in stems
    ]
    if not masks:
        return []
    are = "is named as the mask" if len(masks) == 1 else "are named as masks"
    return [
        f"{_describe(len(masks), IMAGE)} {are} of others, such as {readable(masks[0])}, and taken "
        "for images of their class: move them elsewhere if they are masks"
    ]


# --- images and masks ----------------------------------------------------------------------------


def find_masks(folder: Path) -> tuple[dict[str, tuple[list[Path], list[Path]]], list[str]]:
    """Return the images of each part and their masks in the same order, and notes.

    A part without masks that is not the training set is left out, and said. Raises `UserError`
    where images have no mask, masks no image, or one has several.
    """
    found, notes = _find_all(folder)
    has_images = any(place.role == IMAGE for _, place in found)
    images: dict[str | None, dict[Key, Path]] = {}
    masks: dict[str | None, list[tuple[Path, Key, Key]]] = {}
    loose: list[Path] = []
    for path, (part, role, rest) in found:
        after, before = AFTER.fullmatch(path.stem), BEFORE.fullmatch(path.stem)
        whole = (*rest, path.stem)
        short = (*rest, after["stem"] or "") if after else whole
        says_mask = any(each is not None and each["mask"] for each in (after, before))
        if role == MASK or (role is None and says_mask):
            masks.setdefault(part, []).append((path, whole, short))
        elif role is None and has_images:
            loose.append(path)
        else:
            _put(images.setdefault(part, {}), whole if says_mask else short, path, "images")
    if not masks:
        count = _describe(len(found), IMAGE)
        raise UserError(f"{readable(folder)} holds {count}, and no masks", LAYOUT)
    chosen = _choose_parts(folder, {*images, *masks}, stray=None in masks)
    pairs = {}
    for part in sorted({*images, *masks}, key=str):
        name, mine, theirs = chosen.get(part), images.get(part, {}), masks.get(part, [])
        if name is None:
            loose += [*mine.values(), *(path for path, _, _ in theirs)]
        elif not theirs and name != "train":
            notes.append(_note_unused(f"{name} has no masks", [*mine.values()]))
        else:
            where = f"{readable(folder)}, {name}" if len(chosen) > 1 else readable(folder)
            pairs[name] = _pair(where, mine, theirs)
    if loose:
        notes.append(_note_unused("their folders say neither images nor masks", loose))
    return _in_order(pairs), notes


def _put(held: dict[Key, Path], key: Key, path: Path, noun: str) -> None:
    if key in held:
        raise UserError(
            f"{readable(held[key])} and {readable(path)} are two {noun} of one name",
            "rename one of them, or move it elsewhere",
        )
    held[key] = path


def _pair(
    where: str, images: dict[Key, Path], several: list[tuple[Path, Key, Key]]
) -> tuple[list[Path], list[Path]]:
    """Return the images and masks of a part, paired by their keys.

    several: each mask with the key of its whole name, and that without the word after it.
    """
    masks: dict[Key, Path] = {}
    for path, whole, short in several:
        _put(masks, whole if whole in images else short, path, "masks")
    if images.keys() != masks.keys():
        named = _leave_out_words(images), _leave_out_words(masks)
        if named[0].keys() == named[1].keys() and len(named[0]) == len(images) == len(masks):
            images, masks = named
    faults = []
    both = ((IMAGE, MASK, images, masks), (MASK, IMAGE, masks, images))
    for noun, other, mine, theirs in both:
        if lacking := [path for key, path in mine.items() if key not in theirs]:
            has = "has" if len(lacking) == 1 else "have"
            names = " and ".join(readable(path.name) for path in lacking[:2])
            faults.append(f"{_describe(len(lacking), noun)} {has} no {other}, such as {names}")
    if faults:
        raise UserError(f"{where}: {'; '.join(faults)}", ELSEWHERE)
    return list(images.values()), [masks[key] for key in images]


def _leave_out_words(held: dict[Key, Path]) -> dict[Key, Path]:
    """Return files by keys without the words before their names: 1 for img_1 and for mask_1."""
    found = {}
    for key, path in held.items():
        before = BEFORE.fullmatch(key[-1])
        name = (before["stem"] or before["number"]) if before else key[-1]
        found[(*key[:-1], name)] = path
    return found


# --- images alone --------------------------------------------------------------------------------


def find_images(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the images of each part, at any depth, and notes on what is left out.

    Folders of masks are left out where there are images besides. Raises `UserError` if there is no
    training set.
    """
    found, notes = _find_all(folder)
    masks = [path for path, place in found if place.role == MASK]
    if masks and len(masks) < len(found):
        notes.append(_note_unused("they are masks", masks))
        found = [(path, place) for path, place in found if place.role != MASK]
    parts = {place.part for _, place in found}
    chosen = _choose_parts(folder, parts, stray=None in parts)
    images: dict[str, list[Path]] = {}
    loose: list[Path] = []
    for path, place in found:
        part = chosen.get(place.part)
        (loose if part is None else images.setdefault(part, [])).append(path)
    if loose:
        notes.append(_note_unused("they are in no part", loose))
    return _in_order(images), notes
