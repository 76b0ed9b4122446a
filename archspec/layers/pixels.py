"""Define Keras's layers that change the values of pixels: colour, contrast, sharpness, noise.

As in `images`, what is random happens in training only, so no receptive field counts it.
"""

from __future__ import annotations

from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    BOOLEAN,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_NUMBER,
    UNIT_INTERVAL,
    Sizes,
    Type,
    integer,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.images import RANGE, SHARE, SHIFT, Chance, Interpolation, ValueRange
from archspec.layers.layer import TRAINING, entry
from archspec.layers.shapes import require_channels, split_channels
from archspec.layers.shared import DataFormat, Seed
from archspec.layers.traits import Traits

_BIT_COUNT = {"type": "integer", "minimum": 1, "maximum": 8}
BITS = Type(
    "an integer from 1 to 8, or [lower, upper]",
    {"anyOf": [_BIT_COUNT, {"type": "array", "items": _BIT_COUNT, "minItems": 2, "maxItems": 2}]},
    lambda value: tuple(map(int, value)) if isinstance(value, list | tuple) else int(value),
)
TILES = Type(
    "a list of 2 positive integers",
    {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2},
    lambda value: tuple(map(int, value)),
)
_ODD = {"type": "integer", "minimum": 1, "maximum": 999, "not": {"multipleOf": 2}}
ODD_SIZES = Type(
    "an odd integer from 1 to 999 or a list of 2",
    {"anyOf": [_ODD, {"type": "array", "items": _ODD, "minItems": 2, "maxItems": 2}]},
    lambda value: tuple(map(int, value)) if isinstance(value, list | tuple) else (int(value),) * 2,
)

TIMES = integer("an integer from 1 to 100", minimum=1, maximum=100)  # Keras builds as many


def _keep_image(x: Shape, data_format: str = "channels_last", **more: Any) -> Facts:
    """Return the facts of a layer that takes any image and keeps its shape."""
    split_channels(x, 2, data_format)
    return Facts(x, **more)


def _keep_colours(x: Shape, data_format: str = "channels_last", grey: bool = False) -> Facts:
    """Return the facts of a layer that takes RGB images and keeps their shape.

    grey: whether it takes images of one channel, too.
    """
    _, channels = split_channels(x, 2, data_format)
    if require_channels(channels) not in ((1, 3) if grey else (3,)):
        wanted = "1 channel (grey) or 3 (RGB)" if grey else "3 channels (RGB)"
        raise Refused(f"expects images of {wanted}, got {x}")
    return Facts(x)


# --- brightness and contrast ---------------------------------------------------------------------


def random_contrast(
    x: Shape,
    *,
    factor: A[Any, SHARE, "Contrast is multiplied by 1 - factor to 1 + factor; or [lower, upper]."],
    value_range: ValueRange = (0.0, 255.0),
    seed: Seed = None,
) -> Facts:
    """(x - mean) * contrast + mean, kept within value_range, with each channel's mean and one
    contrast for each image, drawn evenly from 1 - lower to 1 + upper, which are both factor where
    it is one number. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x)


def random_brightness(
    x: Shape,
    *,
    factor: A[Any, SHIFT, "Shift of the pixels as a share of value_range; or [lower, upper]."],
    value_range: ValueRange = (0.0, 255.0),
    seed: Seed = None,
) -> Facts:
    """x + shift, one shift for each image, drawn evenly from the range that factor gives; the
    result is kept within value_range. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x)


def auto_contrast(x: Shape, *, value_range: ValueRange = (0.0, 255.0)) -> Facts:
    """(x - lowest) / (highest - lowest) in each channel of each image, spread over value_range; a
    channel of one value stays. It works at inference as in training.

    Shape: that of the input.
    """
    return _keep_image(x, window=None)


def equalization(
    x: Shape,
    *,
    value_range: ValueRange = (0.0, 255.0),
    bins: A[int, POSITIVE, "Levels that values are told apart by."] = 256,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """A value becomes the share of pixels that have less, in each channel over the whole batch. It
    is for `train.augment` alone: Keras leaves it out of a model.

    Shape: that of the input.
    """
    return _keep_image(x, data_format)


def contrast_limited_adaptive_histogram_equalization(
    x: Shape,
    *,
    value_range: ValueRange = (0.0, 255.0),
    clip_limit: A[
        float,
        NON_NEGATIVE,
        "How much more frequent than the average a value may count; 0 for no limit.",
    ] = 4.0,
    tile_grid_size: A[Sizes, TILES, "Tiles in a column and in a row, [rows, columns]."] = (8, 8),
    data_format: DataFormat = "channels_last",
) -> Facts:
    """CLAHE: in each tile and channel, values are spread to be equally frequent, as far as
    clip_limit allows; between tiles the results are interpolated. It works at inference as in
    training.

    Shape: that of the input.
    """
    spatial, _ = split_channels(x, 2, data_format)
    for n, tiles in zip(spatial, tile_grid_size, strict=True):
        if n is not None and -n % tiles > n:  # Keras fills the last tile with the mirrored image
            raise Refused(f"cannot cut {n} rows in {tiles} tiles", AtArgument("tile_grid_size"))
    return Facts(x, window=None)


def solarization(
    x: Shape,
    *,
    addition_factor: A[
        Any,
        SHARE,
        "Share of value_range that is added to an image, drawn from 0 to the number given; of "
        "[lower, upper] Keras takes lower / 255.",
    ] = 0.0,
    threshold_factor: A[
        Any,
        SHARE,
        "Share of value_range above which pixels are inverted, drawn from 0 to the number given; "
        "of [lower, upper] Keras takes lower / 255.",
    ] = 0.0,
    value_range: ValueRange = (0.0, 255.0),
    seed: Seed = None,
) -> Facts:
    """x + addition, then highest - x wherever that is not below the threshold, both drawn for each
    image. By default every pixel is inverted. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x)


def random_invert(
    x: Shape,
    *,
    factor: Chance = 1.0,
    value_range: ValueRange = (0.0, 255.0),
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """highest - x for some of the images, where highest is that of value_range. At inference
    nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x, data_format)


def random_posterization(
    x: Shape,
    *,
    factor: A[
        Any,
        BITS,
        "Bits that values keep: from 1 up to but not including the number given, or [lower, "
        "upper], upper left out; [4, 4] for 4.",
    ],
    value_range: ValueRange = (0.0, 255.0),
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """Values are rounded down to 2**bits levels, with as many bits for each image as are drawn. At
    inference nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x, data_format)


# --- colour --------------------------------------------------------------------------------------


def random_grayscale(
    x: Shape,
    *,
    factor: A[float, UNIT_INTERVAL, "Chance of each image to become grey."] = 0.5,
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """0.2989 red + 0.587 green + 0.114 blue in all three channels, for some of the images. At
    inference nothing happens.

    Shape: that of the input.
    """
    return _keep_colours(x, data_format, grey=True)


def random_color_degeneration(
    x: Shape,
    *,
    factor: A[
        Any,
        SHIFT,
        "Share of the way to grey: [0, 1] fades only; one number f means [-f, f], and below 0 "
        "colours grow.",
    ],
    value_range: ValueRange = (0.0, 255.0),
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """x + share * (grey - x), with a share for each image: 1 is grey, and below 0 the colours are
    stronger. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_colours(x, data_format)


def random_hue(
    x: Shape,
    *,
    factor: A[
        Any,
        SHARE,
        "Share of half the colour circle, from 0 to the number given; or [lower, upper].",
    ],
    value_range: ValueRange = (0.0, 255.0),
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """The hue of each image is turned by its own angle, to one side or the other: 1 is half of the
    colour circle. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_colours(x, data_format)


def random_saturation(
    x: Shape,
    *,
    factor: A[
        Any,
        SHIFT,
        "0 is grey, 0.5 leaves images alone, 1 is full colour: [lower, upper]; one number f means "
        "[-f, f], and below 0 is grey too.",
    ],
    value_range: A[
        tuple[float, float],
        RANGE,
        "Bounds of the saturation, which is 0 to 1 whatever the pixels: [0, 1] keeps colours from "
        "overflowing.",
    ] = (0.0, 255.0),
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """The saturation of each image is multiplied by s / (1 - s), with an s of its own: 0 is grey,
    0.5 changes nothing, 1 is full colour. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_colours(x, data_format)


def random_color_jitter(
    x: Shape,
    *,
    value_range: ValueRange = (0.0, 255.0),
    brightness_factor: A[
        Any,
        optional(SHIFT),
        "Shift of the pixels as a share of value_range, or [lower, upper]; null for none.",
    ] = None,
    contrast_factor: A[
        Any,
        optional(SHARE),
        "Contrast is multiplied by 1 - factor to 1 + factor, or [lower, upper]; null for no "
        "change.",
    ] = None,
    saturation_factor: A[
        Any,
        optional(SHIFT),
        "Saturation as in RandomSaturation, 0.5 leaving images alone: [lower, upper]; null for no "
        "change.",
    ] = None,
    hue_factor: A[
        Any,
        optional(SHARE),
        "Share of half the colour circle that hues are turned by, or [lower, upper]; null for "
        "none.",
    ] = None,
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """RandomBrightness, RandomContrast, RandomSaturation and RandomHue in turn, those that have a
    factor. At inference nothing happens.

    Shape: that of the input.
    """
    if data_format == "channels_first":  # its four layers are not told
        raise Refused(
            "works on channels_last alone, whatever Keras's signature says",
            AtArgument("data_format"),
        )
    return _keep_image(x) if saturation_factor is None and hue_factor is None else _keep_colours(x)


# --- sharpness and noise -------------------------------------------------------------------------


def random_sharpness(
    x: Shape,
    *,
    factor: A[
        Any,
        SHARE,
        "0 is blurred, 0.5 leaves images alone, 1 is sharpest: from 0 to the number given, or "
        "[lower, upper].",
    ],
    value_range: ValueRange = (0.0, 255.0),
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """x + (1 - 2 * sharpness) * (smoothed - x), with a sharpness for each image: 0 is the 3x3 mean,
    0.5 changes nothing, 1 is sharpest. At inference nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x, data_format)


def random_gaussian_blur(
    x: Shape,
    *,
    factor: Chance = 1.0,
    kernel_size: A[
        Sizes,
        ODD_SIZES,
        "Rows and columns that the blur reaches over: an odd number, or one for each.",
    ] = (3, 3),
    sigma: A[
        Any,
        SHARE,
        "Deviation of the blur in pixels, drawn from 0 to the number given; or [lower, upper].",
    ] = 1.0,
    value_range: ValueRange = (0.0, 255.0),
    data_format: DataFormat = "channels_last",
    seed: Seed = None,
) -> Facts:
    """Some of the images are blurred, all of a batch by Gaussians of the same deviations. At
    inference nothing happens.

    Shape: that of the input.
    """
    return _keep_image(x, data_format)


# --- several of these at once --------------------------------------------------------------------


Strength = A[
    Any,
    SHARE,
    "Strength of the operations, as a share of the most that each can do; or [lower, upper].",
]


def rand_augment(
    x: Shape,
    *,
    value_range: ValueRange = (0.0, 255.0),
    num_ops: A[int, TIMES, "Operations applied to a batch, one after another."] = 2,
    factor: Strength = 0.5,
    interpolation: Interpolation = "bilinear",
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """num_ops operations, drawn for each batch from eleven: shear, translation, rotation,
    brightness, colour degeneration, contrast, sharpness, posterization, solarization, AutoContrast
    and Equalization. At inference nothing happens. Keras does not compile a training step with this
    layer, which makes it slow on JAX.

    Shape: that of the input.
    """
    return _keep_colours(x, data_format, grey=True)


def aug_mix(
    x: Shape,
    *,
    value_range: ValueRange = (0.0, 255.0),
    num_chains: A[int, TIMES, "Chains that are mixed."] = 3,
    chain_depth: A[int, TIMES, "Largest number of operations in a chain."] = 3,
    factor: Strength = 0.3,
    alpha: A[
        float,
        POSITIVE_NUMBER,
        "Shape of the distribution of the weights: 1 makes all mixtures as likely, less favours "
        "single chains.",
    ] = 1.0,
    all_ops: A[
        bool,
        BOOLEAN,
        "Whether brightness, colour degeneration, contrast and sharpness are among the operations.",
    ] = True,
    interpolation: Interpolation = "bilinear",
    seed: Seed = None,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """Chains of up to chain_depth operations, those of RandAugment, are mixed with random weights,
    and their mixture with the image. At inference nothing happens. On TensorFlow, fit keeps the
    operations drawn in its first step, and only their strengths and weights change; on JAX, Keras
    does not compile a training step with this layer, which makes it slow.

    Shape: that of the input.
    """
    return _keep_colours(x, data_format, grey=True) if all_ops else _keep_image(x, data_format)


RANDOM = Traits(kind="dropout, noise")

# fmt: off
FAMILY = (
    entry("RandomBrightness", random_brightness, RANDOM,
          "Vary the brightness at random in training.",
          "{factor: 0.2, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomContrast", random_contrast, RANDOM, "Vary the contrast at random in training.",
          "{factor: 0.2, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomSaturation", random_saturation, replace(RANDOM, takes_unit_range=True),
          "Vary the strength of the colours at random in training.",
          "{factor: [0.4, 0.6], value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomHue", random_hue, RANDOM, "Vary the hue at random in training.",
          "{factor: 0.1, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomColorJitter", random_color_jitter, RANDOM,
          "Vary brightness, contrast, saturation and hue at random in training.",
          "{value_range: [0, 1], brightness_factor: 0.2, contrast_factor: 0.2}", (32, 32, 3),
          TRAINING),
    entry("RandomColorDegeneration", random_color_degeneration, RANDOM,
          "Fade or strengthen the colours at random in training.",
          "{factor: 0.5, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomGrayscale", random_grayscale, RANDOM,
          "Take the colours out of some images in training.",
          "0.2", (32, 32, 3), TRAINING),
    entry("RandomInvert", random_invert, RANDOM, "Invert some images in training.",
          "{factor: 0.2, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomPosterization", random_posterization, RANDOM,
          "Round the values of pixels to few levels in training.",
          "{factor: [4, 8], value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("Solarization", solarization, RANDOM, "Invert pixels above a threshold in training.",
          "{threshold_factor: 0.8, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomSharpness", random_sharpness, RANDOM,
          "Blur or sharpen images at random in training.",
          "{factor: [0.3, 0.7], value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("RandomGaussianBlur", random_gaussian_blur, RANDOM, "Blur some images in training.",
          "{factor: 0.5, kernel_size: 3, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("AutoContrast", auto_contrast, Traits(),
          "Spread each channel's values over the whole range.",
          "{value_range: [0, 1]}", (32, 32, 3)),
    entry("Equalization", equalization, Traits(augments_only="Keras leaves it out of a model"),
          "Make each channel's values about equally frequent in training.",
          "{value_range: [0, 1]}", (32, 32, 3), TRAINING),
    entry("ContrastLimitedAdaptiveHistogramEqualization",
          contrast_limited_adaptive_histogram_equalization, Traits(),
          "Make values about equally frequent within each part of an image.",
          "{value_range: [0, 1], tile_grid_size: [4, 4]}", (32, 32, 3)),
    entry("RandAugment", rand_augment, RANDOM, "Apply a few of eleven augmentations in training.",
          "{value_range: [0, 1], num_ops: 2, factor: 0.3}", (32, 32, 3), TRAINING),
    entry("AugMix", aug_mix, RANDOM, "Mix images with augmented forms of themselves in training.",
          "{value_range: [0, 1]}", (32, 32, 3), TRAINING),
)
# fmt: on
