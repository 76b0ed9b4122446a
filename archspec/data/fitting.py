"""Make stored images fit the input of a spec: size, channels, and the range of pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from PIL import Image

from archspec.data.images import Array, Images, Photos
from archspec.data.masks import Masks
from archspec.data.together import map_files
from archspec.errors import UserError
from archspec.graph import Shape
from archspec.reading import readable

Resize = bool | tuple[int, ...] | Mapping[str, Any]  # as in `recipe.Data`


class Fitting(Struct, frozen=True):
    """The conversion of stored images to a batch of the spec's input; `make_fitting` checks it.

    shape: that of one sample. size: the height and width to resize to, or None. channels: the
    number to convert to, or None. factor, offset: a pixel becomes pixel * factor + offset. aspect:
    "pad" or "crop" where images keep their proportions, else "".
    """

    shape: tuple[int, ...]
    size: tuple[int, int] | None
    channels: int | None
    factor: float
    offset: float
    aspect: str = ""

    def __call__(self, images: Images) -> Array:
        """Return images as a float32 batch of shape (n, *shape)."""
        if isinstance(images, Photos):
            images = np.stack(map_files(partial(self._read, images), [*images.paths]))
        elif self.size is not None and images.shape[1:3] != self.size:
            images = np.stack([_resize(image, self.size, self.aspect) for image in images])
        if self.channels is not None:
            images = _convert_channels(images, self.channels)
        batch = images.reshape(len(images), *self.shape).astype(np.float32)
        if (self.factor, self.offset) != (1.0, 0.0):
            batch *= np.float32(self.factor)
            batch += np.float32(self.offset)
        return batch

    def _read(self, photos: Photos, path: Path) -> Array:
        image = photos.read(path, None if self.aspect else self.size)
        if self.size is not None and image.shape[:2] != self.size:
            return _resize(image, self.size, self.aspect)
        if image.shape[:2] != self.shape[:2]:  # a batch of another shape would mix up rows
            found, before = _write_shape(image.shape[:2]), _write_shape(self.shape[:2])
            raise UserError(
                f"{readable(path)} is {found}, but was {before} when the run began",
                "the file has changed, or its header is wrong: save it again",
            )
        return image


def make_fitting(
    images: Images,
    wanted: Shape,
    range_: tuple[float, float],
    scale: tuple[float, float] | None,
    resize: Resize,
    channels: bool,
) -> Fitting:
    """Return the conversion from stored images to samples of shape `wanted`.

    wanted: without the batch axis; None is any length. range_, scale: the range of stored pixels,
    and the range that it is mapped to (None: pixels stay as stored). resize, channels: as in
    `recipe.Data`. Raises `UserError` for images that do not fit.
    """
    shapes: dict[tuple[int, ...], str] = (
        images.find_shapes() if isinstance(images, Photos) else {images.shape[1:]: "an image"}
    )
    fitted = [_fit_shape(shape, wanted, resize, channels, where) for shape, where in shapes.items()]
    if any(each != fitted[0] for each in fitted):
        sizes = [f"{path} is {_write_shape(shape)}" for shape, path in shapes.items()]
        raise UserError(
            f"images differ in size: {', '.join(sizes[:2])}",
            "give --resize, or `resize: [height, width]` under train.data",
        )
    shape, size, colours = fitted[0]
    low, high = range_
    to_low, to_high = scale or range_
    factor = (to_high - to_low) / (high - low) if high > low else 1.0
    return Fitting(shape, size, colours, factor, to_low - low * factor, find_aspect(resize))


def _fit_shape(
    shape: tuple[int, ...],
    wanted: Shape,
    resize: Resize,
    channels: bool,
    where: str,
) -> tuple[tuple[int, ...], tuple[int, int] | None, int | None]:
    """Return the sample's shape, the size to resize to, and the channels to convert to.

    shape: that of a stored image. where: what messages call it.
    """
    has, size, colours = list(shape), None, None
    image = len(shape) in (2, 3) and len(wanted) in (2, 3)
    if resize and image:
        to = resize["to"] if isinstance(resize, Mapping) else resize
        height, width = to if isinstance(to, tuple) else wanted[:2]
        if height is None or width is None:
            raise UserError(
                f"the spec's input {_write_shape(wanted)} has no size to resize to",
                "write `resize: [height, width]` under train.data",
            )
        size = (height, width)
        has[:2] = [height, width]
    if len(has) + 1 == len(wanted) and wanted[-1] == 1:
        has.append(1)  # the one channel of a sound, an image or a volume
    elif image and len(has) == 2 and len(wanted) == 3:
        has.append(1)
    elif len(has) == len(wanted) + 1 and has[-1] == 1:
        has.pop()
    if channels and len(has) == len(wanted) == 3 and {has[2], wanted[2]} == {1, 3}:
        has[2] = colours = 4 - has[2]
    fits = [b in (a, None) for a, b in zip(has, wanted, strict=False)]
    if len(has) != len(wanted) or not all(fits):
        raise UserError(
            f"{where} is {_write_shape(shape)}, the spec's input {_write_shape(wanted)}",
            _suggest(shape, wanted, "channels" if all(fits[:2]) else "resize"),
        )
    return tuple(has), size, colours


def _suggest(shape: tuple[int, ...], wanted: Shape, key: str) -> str:
    """Return a hint for images that do not fit the spec's input."""
    if len(shape) not in (2, 3) or len(wanted) not in (2, 3):
        if None not in wanted and prod(shape) == prod(n or 1 for n in wanted):
            return f"save x.reshape(-1, {', '.join(map(str, wanted))})"
        return "change the spec's input or the data"
    if len(shape) == len(wanted) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4):
        return "these have their channels first: save np.moveaxis(x, 1, -1)"
    return f"give --resize to adapt images, or write `{key}: true` under train.data"


def _write_shape(shape: Shape) -> str:
    return "x".join("any" if n is None else str(n) for n in shape)


def find_aspect(resize: Resize) -> str:
    """Return how images keep their proportions, "pad" or "crop"; "" if they do not."""
    return str(resize["keep_aspect"]) if isinstance(resize, Mapping) else ""


def _keep_aspect(
    image: Array, size: tuple[int, int], aspect: str, scale: Callable[[Array, Any], Array]
) -> Array:
    """Return an image at another size in its own proportions, in the middle.

    aspect: "pad" surrounds it with zeros, "crop" leaves out what does not fit. scale: resizes.
    """
    ratios = [wanted / has for wanted, has in zip(size, image.shape, strict=False)]
    ratio = min(ratios) if aspect == "pad" else max(ratios)
    inner = tuple(max(1, round(has * ratio)) for has in image.shape[:2])
    scaled = scale(image, inner)
    whole = np.zeros((*size, *image.shape[2:]), scaled.dtype)
    ours, theirs = [], []
    for wanted, has in zip(size, inner, strict=True):
        start, length = abs(wanted - has) // 2, min(wanted, has)
        inside, all_of_it = slice(start, start + length), slice(0, length)
        ours.append(inside if wanted > has else all_of_it)
        theirs.append(all_of_it if wanted > has else inside)
    whole[tuple(ours)] = scaled[tuple(theirs)]
    return whole


def _resize(image: Array, size: tuple[int, int], aspect: str = "") -> Array:
    """Return an image (h, w) or (h, w, c) at another (height, width), bilinear and antialiased."""
    if aspect:
        return _keep_aspect(image, size, aspect, _resize)
    target = (size[1], size[0])
    if image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3):
        return np.asarray(Image.fromarray(image).resize(target, Image.Resampling.BILINEAR))
    planes = np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0).astype(np.float32)
    resized = [
        np.asarray(Image.fromarray(plane).resize(target, Image.Resampling.BILINEAR))
        for plane in planes
    ]
    return np.stack(resized, axis=-1).reshape(*size, *image.shape[2:])


def _convert_channels(images: Array, channels: int) -> Array:
    """Return images as (n, h, w, channels).

    Grey is the luminance of RGB; RGB is grey three times.
    """
    if channels == 3:
        return np.repeat(images.reshape(*images.shape[:3], 1), 3, axis=-1)
    return images.astype(np.float32) @ np.array([[0.299], [0.587], [0.114]], np.float32)


def fit_masks(stored: Array | Masks, places: Shape, binary: bool, aspect: str = "") -> Array:
    """Return masks as int32 (n, *places), resized to the nearest value.

    binary: 255, as white has in images, is class 1. aspect: as in `Fitting`.
    """
    if isinstance(stored, Masks):
        size = None if None in places else tuple(places)
        stored = np.stack(map_files(partial(_read_mask, stored, size, aspect), [*stored.paths]))
    values = stored.astype(np.int32)
    return np.minimum(values, 1) if binary else values


def _read_mask(masks: Masks, size: Any, aspect: str, path: Path) -> Array:
    mask = masks.read(path)
    if size is None or mask.shape == size:
        return mask
    return _keep_aspect(mask, size, aspect, _take_nearest) if aspect else _take_nearest(mask, size)


def _take_nearest(mask: Array, size: Any) -> Array:
    return np.asarray(Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST))
