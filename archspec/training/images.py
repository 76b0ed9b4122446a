"""Images: a folder of them, and how each becomes what a spec's input wants.

`Photos` reads files as they are asked for; a numpy array of images has the same few operations
(`len`, `images[indices]`, iteration), so the rest of the runner does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from archspec.errors import UserError
from archspec.graph import Shape

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
BROKEN = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
ORIENTATION = 0x0112
LEAVE = "remove or replace what is broken, or say `skip_broken: true` under train.data"
GREY = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"}

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Photos:
    """Image files, decoded when iterated: each a uint8 array, (h, w) if `grey`, else (h, w, 3)."""

    paths: Array  # of Path
    grey: bool

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: Any) -> Photos:
        return Photos(self.paths[indices], self.grey)

    def __iter__(self) -> Iterator[Array]:
        return map(self.read, self.paths)

    def read(self, path: Path) -> Array:
        """Decode one of the files. Raises `UserError` if it is broken."""
        try:
            with Image.open(path) as image:
                return _pixels(image, self.grey)
        except BROKEN as error:
            raise _unreadable([path], error) from None

    def shapes(self) -> dict[tuple[int, ...], str]:
        """The shapes that occur, each with a file that has it; reads headers only."""
        found: dict[tuple[int, ...], str] = {}
        for path in self.paths:
            try:
                with Image.open(path) as image:
                    width, height = image.size
                    if _from_camera(image) and image.getexif().get(ORIENTATION, 1) >= 5:
                        width, height = height, width  # the camera was held upright
            except BROKEN as error:
                raise _unreadable([path], error) from None
            found.setdefault((height, width) if self.grey else (height, width, 3), str(path))
        return found


Images = Array | Photos


def grey(images: Images) -> bool:
    """Whether they have no colours."""
    return images.grey if isinstance(images, Photos) else images.ndim == 3 or images.shape[-1] == 1


def _from_camera(image: Image.Image) -> bool:
    """Whether to look for an orientation: in a PNG that would mean to decode it first."""
    return image.format in ("JPEG", "MPO", "TIFF", "WEBP")


def _pixels(image: Image.Image, grey: bool) -> Array:
    if _from_camera(image):
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits, of which Pillow's own conversion keeps the wrong 8
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    return np.asarray(image.convert("L" if grey else "RGB"))


def _unreadable(paths: list[Path], error: Exception | None = None, hint: str = LEAVE) -> UserError:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    names = ", ".join(str(path) for path in paths[:3])
    cause = f": {error}" if error and not isinstance(error, UnidentifiedImageError) else ""
    return UserError(
        f"cannot read {'these images' if len(paths) > 1 else 'the image'} {names}{more}{cause}",
        hint,
    )


def read_folder(
    folder: Path, classes: tuple[str, ...] = (), skip_broken: bool = False
) -> tuple[Photos, Array, list[str], list[Path]]:
    """The photos under a folder that has one sub-folder for each class, their labels (n,), the
    classes in alphabetical order, or `classes` where those are given, and the files left out
    because they are broken: if `skip_broken`, every image is decoded to find them.

    Raises `UserError` where there are no classes, no images, or broken ones (by their headers; a
    file cut short is found when it is decoded).
    """
    found = sorted(
        each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    by_class = {name: _files(folder / name) for name in found}
    by_class = {name: files for name, files in by_class.items() if files}
    if not by_class:
        loose = any(each.suffix.lower() in SUFFIXES for each in folder.iterdir())
        raise UserError(
            f"{folder} holds {'images but no folders of classes' if loose else 'no images'}",
            "put the images of each class in a folder of their own: FOLDER/cat/1.jpg",
        )
    if stray := sorted(set(by_class) - set(classes)) if classes else []:
        raise UserError(f"{folder / stray[0]} is no class of the training set", None)
    names = list(classes) or list(by_class)
    labelled = [(path, at) for at, name in enumerate(names) for path in by_class.get(name, ())]
    with ThreadPoolExecutor() as pool:
        modes = list(pool.map(lambda each: _mode(each[0], decode=skip_broken), labelled))
    broken = [path for (path, _), mode in zip(labelled, modes, strict=True) if mode is None]
    if broken and (not skip_broken or len(broken) == len(labelled)):
        raise _unreadable(broken)
    kept = [each for each, mode in zip(labelled, modes, strict=True) if mode is not None]
    paths, labels = [path for path, _ in kept], [label for _, label in kept]
    array = np.empty(len(paths), dtype=object)
    array[:] = paths
    # One photo in colour makes a folder of colour photos: a grey one among them is RGB too.
    photos = Photos(array, grey={mode for mode in modes if mode} <= GREY)
    return photos, np.array(labels, dtype=np.int64), names, broken


def read_files(files: Sequence[Path], grey: bool) -> Photos:
    """Photos of one's own. Raises `UserError` for what is not there, or no image."""
    for path in files:
        if not path.is_file():
            raise UserError(f"there is no image {path}")
        if _mode(path, decode=True) is None:
            raise _unreadable([path], hint="give images, such as PNG or JPEG files")
    array = np.empty(len(files), dtype=object)
    array[:] = files
    return Photos(array, grey)


def _mode(path: Path, decode: bool) -> str | None:
    """How an image file holds its colours; None if it is broken."""
    try:
        with Image.open(path) as image:
            if decode:
                image.load()
            return image.mode
    except BROKEN:
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


@dataclass(frozen=True, slots=True)
class Fitting:
    """How stored images become a batch of the spec's input; `fitting` makes one and checks it.

    shape: of one sample. size: height and width to resize to, or None. channels: to make of each
    image, or None to leave them. factor, offset: pixel * factor + offset.
    """

    shape: tuple[int, ...]
    size: tuple[int, int] | None
    channels: int | None
    factor: float
    offset: float

    def __call__(self, images: Images) -> Array:
        """A float32 batch of shape (n, *shape)."""
        if isinstance(images, Photos):
            with ThreadPoolExecutor() as pool:  # Pillow decodes and resizes beside other threads
                images = np.stack(list(pool.map(self._read, repeat(images), images.paths)))
        elif self.size is not None:
            images = np.stack([_resized(image, self.size) for image in images])
        if self.channels is not None:
            images = _in_channels(images, self.channels)
        batch = images.reshape(len(images), *self.shape).astype(np.float32)
        if (self.factor, self.offset) != (1.0, 0.0):
            batch *= np.float32(self.factor)
            batch += np.float32(self.offset)
        return batch

    def _read(self, photos: Photos, path: Path) -> Array:
        image = photos.read(path)
        return image if self.size is None else _resized(image, self.size)


def fitting(
    images: Images,
    wanted: Shape,
    range_: tuple[float, float],
    scale: tuple[float, float] | None,
    resize: bool | tuple[int, ...],
    channels: bool,
) -> Fitting:
    """The way from stored images to samples of shape `wanted` (no batch axis; None is any length).

    range_, scale: of the stored pixels, and what it is mapped to (None: pixels stay as stored).
    resize, channels: as in `recipe.Data`. Raises `UserError` for images that do not fit.
    """
    shapes: dict[tuple[int, ...], str] = (
        images.shapes() if isinstance(images, Photos) else {images.shape[1:]: "an image"}
    )
    fitted = {_fit(shape, wanted, resize, channels, where) for shape, where in shapes.items()}
    if len({each[0] for each in fitted}) > 1:
        (one, first), (two, second), *_ = shapes.items()
        raise UserError(
            f"images differ in size: {first} is {_times(one)}, {second} is {_times(two)}",
            "give --resize, or `resize: [height, width]` under train.data",
        )
    shape, size, colours = fitted.pop()
    low, high = range_
    to_low, to_high = scale or range_
    factor = (to_high - to_low) / (high - low) if high > low else 1.0
    return Fitting(shape, size, colours, factor, to_low - low * factor)


def _fit(
    shape: tuple[int, ...],
    wanted: Shape,
    resize: bool | tuple[int, ...],
    channels: bool,
    where: str,
) -> tuple[tuple[int, ...], tuple[int, int] | None, int | None]:
    """The sample's shape, the size to resize to and the channels to make, for one stored shape."""
    has, size, colours = list(shape), None, None
    image = len(shape) in (2, 3) and len(wanted) in (2, 3)
    if resize and image:
        height, width = wanted[:2] if isinstance(resize, bool) else resize
        if height is None or width is None:
            raise UserError(
                f"the spec's input {_times(wanted)} has no size to resize to",
                "say `resize: [height, width]` under train.data",
            )
        size = (height, width) if (height, width) != shape[:2] else None
        has[:2] = [height, width]
    if image and len(has) == 2 and len(wanted) == 3:
        has.append(1)
    elif image and len(wanted) == 2 and has[2:] == [1]:
        has.pop()
    if channels and len(has) == len(wanted) == 3 and {has[2], wanted[2]} == {1, 3}:
        has[2] = colours = 4 - has[2]
    fits = [b in (a, None) for a, b in zip(has, wanted, strict=False)]
    if len(has) != len(wanted) or not all(fits):
        key = "channels" if all(fits[:2]) else "resize"
        raise UserError(
            f"{where} is {_times(shape)}, the spec's input {_times(wanted)}",
            f"give --resize to adapt images, or say `{key}: true` under train.data"
            if image
            else "change the spec's input or the data",
        )
    return tuple(has), size, colours


def _times(shape: Shape) -> str:
    return "x".join("any" if n is None else str(n) for n in shape)


def _resized(image: Array, size: tuple[int, int]) -> Array:
    """An image (h, w) or (h, w, c) at another (height, width), bilinear, smoothed where smaller."""
    target = (size[1], size[0])
    if image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3):
        return np.asarray(Image.fromarray(image).resize(target, Image.Resampling.BILINEAR))
    planes = np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0).astype(np.float32)
    resized = [
        np.asarray(Image.fromarray(plane).resize(target, Image.Resampling.BILINEAR))
        for plane in planes
    ]
    return np.stack(resized, axis=-1).reshape(*size, *image.shape[2:])


def _in_channels(images: Array, channels: int) -> Array:
    """Images (n, h, w) or (n, h, w, c) as (n, h, w, channels): grey from RGB by luminance."""
    if channels == 3:
        return np.repeat(images.reshape(*images.shape[:3], 1), 3, axis=-1)
    return images.astype(np.float32) @ np.array([[0.299], [0.587], [0.114]], np.float32)
