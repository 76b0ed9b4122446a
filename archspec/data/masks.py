"""Masks: images whose values are classes, in files beside those of the images.

`images/` beside `masks/`, at the top or within parts, or `cat_mask.png` beside `cat.jpg`: image and
mask have the same name but for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from archspec.data.folders import find_part, is_image, iter_files, list_visible
from archspec.data.images import Array, find_size, make_path_array, open_image, turn_upright
from archspec.errors import UserError
from archspec.reading import readable

IMAGES = {"images", "image", "imgs", "img", "photos", "inputs", "x", "jpegimages", "pictures"}
MASKS = {"masks", "mask", "labels", "label", "annotations", "annotation", "gt", "groundtruth"}
MASKS |= {"targets", "target", "segmentationclass", "segmentations", "segmentation", "y", "masked"}
ENDS = r"(?i)[_-](mask|masks|seg|segmentation|label|labels|gt|annotation)$"
BESIDE = "put the images in images/ and the masks, under the same names, in masks/"


class Masks(Struct, frozen=True, eq=False):
    """Mask files, decoded when iterated: each uint8 or uint16 (h, w), the values as stored."""

    paths: Array  # of Path

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, places: Any) -> Masks:
        return Masks(self.paths[places])

    def __iter__(self) -> Iterator[Array]:
        return map(self.read, self.paths)

    def read(self, path: Path) -> Array:
        """Decode one of the files.

        Raises `UserError` if it is broken, or if its values number no classes.
        """
        with open_image(path) as image:
            image = turn_upright(image)
            values = np.asarray(image)
            if image.mode == "1":
                values = values.astype(np.uint8)
            if values.ndim == 3:  # colours: only greys that were saved as such
                colours = values[..., :3]
                if image.mode not in ("RGB", "RGBA") or (colours != colours[..., :1]).any():
                    raise ValueError(
                        "its classes are written as colours; save the number of the class at each "
                        "place, as a grey image"
                    )
                values = colours[..., 0]
            if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
                raise ValueError("its values number no classes: save greys of 8 or 16 bits")
            if image.format == "JPEG" and not np.isin(values, (0, 255)).all():
                raise ValueError("JPEG blurs the classes of a mask: save it as PNG")
            return values.astype(np.uint16 if values.max() > 255 else np.uint8)


def find_values(masks: Masks) -> Mapping[int, str]:
    """Return the values that occur in masks, each with a file that has it."""
    found: dict[int, str] = {}
    with ThreadPoolExecutor() as pool:
        for path, values in zip(
            masks.paths,
            pool.map(lambda path: np.unique(masks.read(path)), masks.paths),
            strict=True,
        ):
            for value in values:
                found.setdefault(int(value), readable(path))
    return found


def check_sizes(photos: Any, masks: Masks) -> None:
    """Raise `UserError` for a mask of another size than its image."""
    with ThreadPoolExecutor() as pool:
        sizes = pool.map(find_size, photos)
        for photo, mask, one, other in zip(
            photos, masks.paths, sizes, pool.map(find_size, masks.paths), strict=True
        ):
            if one != other:
                raise UserError(
                    f"{readable(mask)} is {other[1]}x{other[0]}, its image {readable(photo)} "
                    f"{one[1]}x{one[0]}",
                    "save the mask in the size of its image",
                )


# --- folders -------------------------------------------------------------------------------------


def find_pairs(folder: Path) -> tuple[dict[str, list[tuple[Path, Path]]], list[str]]:
    """Return the images of each part, each with its mask, and notes on what is left out.

    Raises `UserError` for a folder in which images have no masks.
    """
    folders, _ = list_visible(folder)
    images, masks = _find_sides(folders)
    parts: dict[str, Path] = {}
    for path in folders:
        if (part := find_part(path.name)) is not None and path not in (images, masks):
            parts.setdefault(part, path)
    if images is not None and masks is not None:
        inner = {part: path for path in list_visible(images)[0] if (part := find_part(path.name))}
        if "train" in inner:  # images/train beside masks/train
            others = {find_part(path.name): path for path in list_visible(masks)[0]}
            pairs, notes = {}, []
            for part, path in inner.items():
                if part in others:
                    pairs[part] = _pair(path, others[part])
                else:
                    notes.append(f"not used, because they have no masks: {readable(path)}")
            return pairs, notes
        return {"train": _pair(images, masks)}, _list_others(folders, images, masks)
    if "train" in parts:
        pairs, notes = {}, []
        for part, path in parts.items():
            inside = _find_sides(list_visible(path)[0])
            if inside[0] is not None and inside[1] is not None:
                pairs[part] = _pair(inside[0], inside[1])
            elif beside := _pair_beside(path):
                pairs[part] = beside
            elif part != "train":
                notes.append(f"not used, because they have no masks: {readable(path)}")
        if "train" in pairs:
            return pairs, notes
        folder = parts["train"]
    if beside := _pair_beside(folder):
        return {"train": beside}, []
    raise UserError(f"{readable(folder)} holds no images with masks", BESIDE)


def _list_others(folders: list[Path], *used: Path) -> list[str]:
    others = [readable(path.name) for path in folders if path not in used]
    return [f"not used: {', '.join(others)}"] if others else []


def _find_sides(folders: list[Path]) -> tuple[Path | None, Path | None]:
    """Return the folder of the images and that of the masks among some."""
    by_name = {re.sub(r"[\s_-]", "", path.name).casefold(): path for path in folders}
    images = next((by_name[name] for name in by_name if name in IMAGES), None)
    masks = next((by_name[name] for name in by_name if name in MASKS), None)
    return images, masks


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(filter(is_image, iter_files(folder))):
        key = (path.parent / re.sub(ENDS, "", path.stem)).relative_to(folder).as_posix()
        if key in found:
            raise UserError(
                f"{readable(found[key])} and {readable(path)} have one name, but for the suffix",
                "remove one of them",
            )
        found[key] = path
    return found


def _pair(images: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Return the images of a folder with the masks of another."""
    ones, others = _by_stem(images), _by_stem(masks)
    for here, there, what, place in (
        (ones, others, "mask", masks), (others, ones, "image", images)
    ):  # fmt: skip
        if lacking := [path for key, path in here.items() if key not in there]:
            more = f", and {len(lacking) - 1:,} more have none" if len(lacking) > 1 else ""
            raise UserError(
                f"{readable(lacking[0])} has no {what} of its name in {readable(place)}{more}",
                "add what is missing, or remove the others",
            )
    if not ones:
        raise UserError(f"{readable(images)} holds no images", BESIDE)
    return [(ones[key], others[key]) for key in ones]


def _pair_beside(folder: Path) -> list[tuple[Path, Path]]:
    """Return the images of a folder with the masks that stand beside them: cat_mask.png."""
    files = sorted(filter(is_image, iter_files(folder)))
    masks: dict[Path, Path] = {}
    for path in files:
        if (stem := re.sub(ENDS, "", path.stem)) != path.stem:
            masks[path.parent / stem] = path
    if not masks:
        return []
    images = {path.parent / path.stem: path for path in files if path not in masks.values()}
    if lacking := [path for key, path in images.items() if key not in masks]:
        raise UserError(f"{readable(lacking[0])} has no mask beside it", BESIDE)
    if lacking := [path for key, path in masks.items() if key not in images]:
        raise UserError(f"{readable(lacking[0])} has no image beside it", BESIDE)
    return [(images[key], masks[key]) for key in images]


def find_images(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the images of each part at any depth, whatever their folders say, and notes."""
    folders, _ = list_visible(folder)
    parts = {part: path for path in folders if (part := find_part(path.name)) is not None}
    if "train" not in parts:
        parts = {"train": folder}
    found = {}
    for part, path in parts.items():
        found[part] = sorted(filter(is_image, iter_files(path)))
        if not found[part]:
            raise UserError(f"{readable(path)} holds no images")
    return found, []


def list_paths(paths: list[Path]) -> Masks:
    """Return mask files as masks."""
    return Masks(make_path_array(paths))
