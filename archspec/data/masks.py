"""Read masks: images whose values are classes, and so are kept as they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from PIL import Image

from archspec.data.images import Array, find_size, open_image, turn_upright
from archspec.data.together import map_files
from archspec.errors import UserError
from archspec.reading import readable

LOSSY = {"JPEG", "MPO", "JPEG2000", "WEBP", "AVIF"}
SAVE = "save it as a PNG of greys, or with a palette, whose values are the numbers of the classes"
THRESHOLD = 'Image.open("1.jpg").convert("1", dither=0).save("1.png")'
# Modes of Pillow in which a mask may be stored: an index or grey, perhaps three times, and opaque.
GREYS = {"1", "L", "P", "LA", "PA", "RGB", "RGBA"}
STRETCHED = {"L;2": 85, "L;4": 17}  # greys of few bits, by which Pillow multiplies them


class Masks(Struct, frozen=True, eq=False):
    """Mask files, decoded when iterated: the stored values (h, w), uint8, or uint16 for 16 bits.

    A palette's indices are values, and so are greys; those of one bit are 0 and 1.
    """

    paths: Array  # of Path

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: Any) -> Masks:
        return Masks(self.paths[indices])

    def __iter__(self) -> Iterator[Array]:
        return map(self.read, self.paths)

    def read(self, path: Path) -> Array:
        """Decode one of the files. Raises `UserError` if it is broken, or its values are lost."""
        with open_image(path) as image:
            fault, hint = _find_fault(image)
            values = None if fault else _read_values(image)
        if values is None:
            fault = fault or "has colours or transparency, and they name no classes"
            raise UserError(f"the mask {readable(path)} {fault}", hint)
        return values

    def find_shapes(self) -> dict[tuple[int, ...], str]:
        """Return the shapes that occur, each with a file that has it."""
        found: dict[tuple[int, ...], str] = {}
        for path, size in zip(self.paths, map_files(find_size, [*self.paths]), strict=True):
            found.setdefault(size[::-1], readable(path))
        return found


def _find_fault(image: Image.Image) -> tuple[str | None, str]:
    """Return why the values of an open image are not those that were drawn, and what to do."""
    if image.format in LOSSY:
        return f"is a {image.format}, which changes the values of pixels", (
            f"{SAVE}; for one of two classes: {THRESHOLD}"
        )
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        kind = "floating-point numbers" if image.mode == "F" else "integers of 32 bits"
        return f"holds {kind}", SAVE
    if getattr(image, "n_frames", 1) > 1:
        return "has several frames", SAVE
    codec, arguments = _find_coding(image)
    if codec.startswith("ppm") and not {255, 65535, "1;I"} & {*arguments}:
        return "is a PGM with a largest value other than 255 or 65535", SAVE
    if not image.mode.startswith("I") and ";16" in str(arguments):
        return "has 16 bits a colour", SAVE
    return None, SAVE


def _find_coding(image: Image.Image) -> tuple[str, tuple[Any, ...]]:
    """Return the decoder of an image that is not yet decoded, and its arguments."""
    tiles: Any = getattr(image, "tile", None)
    if not tiles:
        return "", ()
    codec, _, _, arguments = tiles[0]
    return codec, arguments if isinstance(arguments, tuple) else (arguments,)


def _read_values(image: Image.Image) -> Array | None:
    """Return the stored values of an image; None for colours, or where some are transparent."""
    factor = max(STRETCHED.get(str(each)[:3], 1) for each in (*_find_coding(image)[1], ""))
    image = turn_upright(image)
    values = np.asarray(image)
    if image.mode.startswith("I"):
        return values.astype(np.uint16)
    if image.mode not in GREYS:
        return None
    if image.mode.endswith("A"):
        if (values[..., -1] != 255).any():
            return None
        values = values[..., :-1]
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            return None
        values = values[..., 0]
    return values.astype(np.uint8) // np.uint8(factor)


def find_values(masks: Masks) -> dict[int, str]:
    """Return the values that occur, each with the first file that has it. All are decoded."""
    found: dict[int, str] = {}

    def find(path: Path) -> Array:
        return np.flatnonzero(np.bincount(masks.read(path).ravel()))

    for path, values in zip(masks.paths, map_files(find, [*masks.paths]), strict=True):
        for value in values.tolist():
            found.setdefault(value, readable(path))
    return found


def check_sizes(photos: Sequence[Path] | Array, masks: Masks) -> None:
    """Raise `UserError` for a mask of another size than its image. photos: the image files."""
    sizes = map_files(find_size, [*photos]), map_files(find_size, [*masks.paths])
    for photo, mask, size, other in zip(photos, masks.paths, *sizes, strict=True):
        if size != other:
            raise UserError(
                f"the mask {readable(mask)} is {other[1]}x{other[0]}, its image "
                f"{readable(photo)} {size[1]}x{size[0]}",
                "save both in the same size",
            )
