"""Decode JPEG files by simplejpeg: it gives Pillow's pixels in less time.

Both stand on libjpeg-turbo. Pillow reads a file's header in Python, which for a small photo takes
longer than all the rest. What is not a plain JPEG file is left to Pillow: one that is to be turned,
that has other colours than grey or YCbCr, or that is damaged.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from archspec.reading import open_file, read_bytes

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
ORIENTATION = 0x0112
MARKS = (b"Exif", b"rientation")  # what a file with an orientation has in it, in EXIF or in XMP
COLOURS = {"Gray", "YCbCr"}
START = 2**16  # bytes of a file: those of its header, if it is not a long one
LARGE = 2**24  # pixels: larger images are decoded one at a time, by Pillow, to save memory
SCALES = (8, 4, 2, 1)

Array = np.ndarray[Any, Any]


@cache
def _load() -> Any:
    return import_module("simplejpeg")


class Header(NamedTuple):
    grey: bool
    width: int
    height: int


def read_header(path: Path) -> Header | None:
    """Return what the header of a JPEG file says; None if Pillow must read it."""
    if not str(path).lower().endswith(SUFFIXES):
        return None
    try:
        simplejpeg = _load()
        with open_file(path) as file:
            content = file.read(START)
        if any(each in content for each in MARKS):
            return None
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    except Exception:  # Pillow finds words for it, or reads it all the same
        return None
    if colours not in COLOURS or height * width > LARGE:
        return None
    return Header(colours == "Gray", width, height)


def decode(path: Path, grey: bool, least: tuple[int, int] | None = None) -> Array | None:
    """Return the pixels of a JPEG file, (h, w) if grey, else (h, w, 3); None if Pillow must decode
    it.

    least: the least height and width. The image is decoded at the half, the quarter or the eighth
    of its size that has them, as by `Image.draft`.
    """
    if not str(path).lower().endswith(SUFFIXES):
        return None
    try:
        simplejpeg = _load()
        content = read_bytes(path)
        if any(each in content for each in MARKS) and _is_turned(content):
            return None
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in COLOURS or height * width > LARGE:
            return None
        bounds = {}
        if least is not None:
            scale = _choose_scale((height, width), least)
            bounds = {"min_height": -(-height // scale), "min_width": -(-width // scale)}
        to = "GRAY" if grey and colours == "Gray" else "RGB"
        pixels: Array = simplejpeg.decode_jpeg(content, to, **bounds)
    except Exception:  # Pillow finds words for it, or reads it all the same
        return None
    if to == "GRAY":
        return pixels[..., 0]
    # The luminance in the file is another one than that of the colours, which Pillow takes.
    return np.asarray(Image.fromarray(pixels).convert("L")) if grey else pixels


def _is_turned(content: bytes) -> bool:
    with Image.open(BytesIO(content)) as image:
        return bool(image.getexif().get(ORIENTATION, 1) != 1)


def _choose_scale(size: tuple[int, int], least: tuple[int, int]) -> int:
    most = min(has // wanted for has, wanted in zip(size, least, strict=True))
    return next(scale for scale in SCALES if scale <= max(most, 1))
