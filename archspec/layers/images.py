"""Define Keras's preprocessing of images, for first layers and for the recipe's augment.

What is random happens in training only, so no receptive field counts it.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    BOOLEAN,
    NUMBER,
    POSITIVE,
    UNIT_INTERVAL,
    Type,
    choice,
    interval,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import TRAINING, entry
from archspec.layers.shapes import join_channels, split_channels
from archspec.layers.shared import BETWEEN_PIXELS, DataFormat, Seed
from archspec.layers.traits import Traits

INTERPOLATIONS = choice("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")
REACH = {"nearest": 1, "area": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


def factor(low: float, high: float, above: bool = False) -> Type:
    """Return the type of a number within bounds, or [lower, upper].

    above: whether the lower bound is left out.
    """
    bound = {"exclusiveMinimum" if above else "minimum": low, "maximum": high}
    one = {"type": "number", **bound}
    pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
    words = f"a number {'above' if above else 'from'} {low} {'and up ' if above else ''}to {high}"

    def normal(value: Any) -> Any:
        several = isinstance(value, list | tuple)
        return tuple(map(NUMBER.normal, value)) if several else NUMBER.normal(value)

    return Type(f"{words}, or [lower, upper]", {"anyOf": [one, pair]}, normal)


SHIFT = factor(-1, 1)
ZOOM = factor(-1, 1, above=True)
SHARE = factor(0, 1)
FILL_MODE = choice("reflect", "wrap", "constant", "nearest")
WARP = choice("nearest", "bilinear")


def _read_shear(value: Any) -> tuple[float, ...]:
    """Return [lower, upper], since Keras cannot load what it saves of one number."""
    given = value if isinstance(value, list | tuple) else (0.0, value)
    return tuple(map(NUMBER.normal, given))


SHEAR = Type(SHARE.words, SHARE.schema, _read_shear)
RANGE = interval("a list [lowest, highest] of the pixels, the lowest being below the highest")


def _resize(
    x: Shape, height: int, width: int, data_format: str, reach: int = 2, whole: bool = False
) -> Facts:
    """Return the facts of images of a new size.

    reach: rows of the input that a row of the output is mixed from, at least. whole: whether a
        row may be mixed from any row, as where images are cropped, padded or blurred first.
    """
    spatial, channels = split_channels(x, 2, data_format)
    window: Any = None
    if None not in spatial and not whole:
        steps = [Fraction(n or 1, size) for n, size in zip(spatial, (height, width), strict=True)]
        window = tuple((max(reach, ceil(step)), step) for step in steps)
    return Facts(join_channels((height, width), channels, data_format), window=window)


Height = A[int, POSITIVE, "Rows of the output, in pixels."]
Width = A[int, POSITIVE, "Columns of the output, in pixels."]
FillValue = A[float, NUMBER, "Pixel value beyond the edges when fill_mode is constant."]


def resizing(
    x: Shape,
    *,
    height: Height,
    width: Width,
    interpolation: A[str, INTERPOLATIONS, BETWEEN_PIXELS] = "bilinear",
    crop_to_aspect_ratio: A[
        bool, BOOLEAN, "Whether to crop first, so that the picture is not distorted."
    ] = False,
    pad_to_aspect_ratio: A[
        bool, BOOLEAN, "Whether to pad first, so that the picture is not distorted."
    ] = False,
    fill_mode: A[
        str, choice("constant"), "What the margins of pad_to_aspect_ratio hold: fill_value."
    ] = "constant",
    fill_value: FillValue = 0.0,
    antialias: A[
        bool, BOOLEAN, "Blur before shrinking, so that fine patterns do not become coarse ones."
    ] = False,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Whatever the input's size, the output has this one. The picture is distorted unless one of
    the two aspect-ratio arguments is true.

    Shape: height x width; the channels stay.
    """
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise Refused(
            "crops or pads to the aspect ratio, not both", AtArgument("pad_to_aspect_ratio")
        )
    whole = crop_to_aspect_ratio or pad_to_aspect_ratio or antialias
    return _resize(x, height, width, data_format, REACH[interpolation], whole)


def center_crop(
    x: Shape,
    *,
    height: Height,
    width: Width,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """An image that is smaller than the crop is resized, so that the output always has this size.

    Shape: height x width; the channels stay.
    """
    (rows, columns), channels = split_channels(x, 2, data_format)
    if rows is not None and columns is not None and rows >= height and columns >= width:
        return Facts(join_channels((height, width), channels, data_format))
    return _resize(x, height, width, data_format, whole=True)


def random_crop(
    x: Shape,
    *,
    height: Height,
    width: Width,
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """One place is drawn for a whole batch; images that are not larger than the crop are resized.
    It is for `train.augment` alone: at inference Keras leaves the images as large as they are.

    Shape: height x width; the channels stay.
    """
    return center_crop(x, height=height, width=width, data_format=data_format)


def random_flip(
    x: Shape,
    *,
    mode: A[
        str,
        choice("horizontal", "vertical", "horizontal_and_vertical"),
        "Whether to mirror left to right, upside down, or each at random.",
    ] = "horizontal_and_vertical",
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Whether an image is mirrored is drawn for each image; at inference none is. Digits and
    letters change their meaning when mirrored.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


FillMode = A[
    str, FILL_MODE, "What lies beyond the edges: reflect, wrap, constant (fill_value) or nearest."
]
Interpolation = A[str, WARP, BETWEEN_PIXELS]


def random_rotation(
    x: Shape,
    *,
    factor: A[
        Any,
        SHIFT,
        "Angle as a share of a full turn: 0.1 is up to 36 degrees either way; or [lower, upper].",
    ],
    fill_mode: FillMode = "reflect",
    interpolation: Interpolation = "bilinear",
    seed: Seed = None,
    fill_value: FillValue = 0.0,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Each image is turned by its own angle, drawn evenly from the range that factor gives; at
    inference none is.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


def random_translation(
    x: Shape,
    *,
    height_factor: A[
        Any,
        SHIFT,
        "Furthest shift up or down, as a share of the height; or [lower, upper], negative being "
        "up.",
    ],
    width_factor: A[
        Any,
        SHIFT,
        "Furthest shift left or right, as a share of the width; or [lower, upper], negative being "
        "left.",
    ],
    fill_mode: FillMode = "reflect",
    interpolation: Interpolation = "bilinear",
    seed: Seed = None,
    fill_value: FillValue = 0.0,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Each image is moved by its own shift, drawn evenly from the ranges given; at inference none
    is.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


def random_zoom(
    x: Shape,
    *,
    height_factor: A[
        Any,
        ZOOM,
        "Zoom as a share of the height: positive shows more of the scene, negative less; or "
        "[lower, upper].",
    ],
    width_factor: A[
        Any, optional(ZOOM), "Zoom as a share of the width; null for the same as the height."
    ] = None,
    fill_mode: FillMode = "reflect",
    interpolation: Interpolation = "bilinear",
    seed: Seed = None,
    fill_value: FillValue = 0.0,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Each image is enlarged or shrunk by a share of its own, drawn evenly from the ranges given;
    at inference none is.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


def random_shear(
    x: Shape,
    *,
    x_factor: A[
        Any, SHEAR, "Furthest shift of the last row, as a share of the height; or [lower, upper]."
    ] = (0.0, 0.0),
    y_factor: A[
        Any, SHEAR, "Furthest shift of the last column, as a share of the width; or [lower, upper]."
    ] = (0.0, 0.0),
    interpolation: Interpolation = "bilinear",
    fill_mode: FillMode = "reflect",
    fill_value: FillValue = 0.0,
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """Rows of an image are shifted sideways, more the lower they are, and columns up or down, more
    the further right they are. At inference nothing happens. Keras does not compile a training step
    with this layer, which makes it slow on JAX.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


Chance = A[
    Any, SHARE, "Chance of each image, itself drawn from 0 to factor; [p, p] for the chance p."
]


def random_perspective(
    x: Shape,
    *,
    factor: Chance = 1.0,
    scale: A[
        float, UNIT_INTERVAL, "Furthest that a corner moves, as a share of twice the side."
    ] = 1.0,
    interpolation: Interpolation = "bilinear",
    fill_value: FillValue = 0.0,
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Some of the images are seen at an angle: all their corners but the upper left move, each by
    shares of its own of the height and width. At inference nothing happens. Keras does not compile
    a training step with this layer, which makes it slow on JAX.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


ValueRange = A[tuple[float, float], RANGE, "[lowest, highest] value that pixels can have."]


def random_erasing(
    x: Shape,
    *,
    factor: Chance = 1.0,
    scale: A[Any, SHARE, "Share of an image that a rectangle may cover, [lower, upper]."] = (
        0.02,
        0.33,
    ),
    fill_value: A[
        float | None, optional(NUMBER), "Pixel value of the rectangles; null for noise."
    ] = None,
    value_range: ValueRange = (0.0, 255.0),
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """A rectangle of some of the images is painted over, at a place and of a size of its own. At
    inference nothing happens.

    Shape: that of the input.
    """
    split_channels(x, 2, data_format)
    return Facts(x)


RESIZING = Traits(gradient_needs="nothing")
RANDOM = Traits(kind="dropout, noise", moves_pixels=True)
NOT_CROPPED = "at inference Keras does not crop, though it says that it does"

# fmt: off
FAMILY = (
    entry("Resizing", resizing, RESIZING, "Bring images to a given size.",
          "{height: 224, width: 224}", (480, 640, 3)),
    entry("CenterCrop", center_crop, RESIZING, "Cut the middle out of images.",
          "{height: 224, width: 224}", (256, 256, 3)),
    entry("RandomCrop", random_crop,
          replace(RANDOM, augments_only=NOT_CROPPED),
          "Cut a random part out of images in training.",
          "{height: 32, width: 32}", (40, 40, 3), TRAINING),
    entry("RandomFlip", random_flip, RANDOM, "Mirror images at random in training.",
          "horizontal", (32, 32, 3), TRAINING),
    entry("RandomRotation", random_rotation, RANDOM, "Turn images at random in training.",
          "0.05", (32, 32, 3), TRAINING),
    entry("RandomTranslation", random_translation, RANDOM, "Shift images at random in training.",
          "{height_factor: 0.1, width_factor: 0.1, fill_mode: constant}", (28, 28, 1), TRAINING),
    entry("RandomZoom", random_zoom, RANDOM, "Zoom images at random in training.",
          "{height_factor: [-0.2, 0.2]}", (32, 32, 3), TRAINING),
    entry("RandomShear", random_shear, RANDOM, "Slant images at random in training.",
          "{x_factor: 0.2, y_factor: 0.2}", (32, 32, 3), TRAINING),
    entry("RandomPerspective", random_perspective, RANDOM,
          "Tilt images at random in training, as if seen at an angle.",
          "{factor: 0.5, scale: 0.3}", (32, 32, 3), TRAINING),
    entry("RandomErasing", random_erasing, replace(RANDOM, moves_pixels=False),
          "Paint rectangles over images in training.",
          "{scale: [0.02, 0.2], value_range: [0, 1]}", (32, 32, 3), TRAINING),
)
# fmt: on
