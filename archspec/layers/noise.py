"""Define dropout, random noise, and penalties on values: layers that act in training only."""

from __future__ import annotations

from typing import Annotated as A

from msgspec.structs import replace

from archspec.arguments import (
    NON_NEGATIVE,
    POSITIVE,
    UNIT_INTERVAL,
    listing,
    number,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import DTYPE_ONLY, TRAINING, entry
from archspec.layers.shapes import Rule, split_channels
from archspec.layers.shared import DataFormat, Seed
from archspec.layers.traits import Traits

NOISE_SHAPE = listing(
    optional(POSITIVE), "a list with a positive integer or null for each axis, the batch included"
)


# Keras takes a rate of 1 here and divides by 0 in training.
BELOW_ONE = number("a number from 0 to 1, 1 left out", minimum=0, exclusiveMaximum=1)


NoiseShape = A[
    tuple[int | None, ...] | None,
    optional(NOISE_SHAPE),
    "Shape of the pattern of zeros, the batch included: 1 drops along a whole axis, null takes "
    "the input's length.",
]


def dropout(
    x: Shape,
    *,
    rate: A[
        float,
        UNIT_INTERVAL,
        "Share of the values, from 0 to 1, set to 0; the others grow to keep the sum.",
    ],
    noise_shape: NoiseShape = None,
    seed: Seed = None,
) -> Facts:
    """The layer sets each value to 0 with probability rate in training, and divides the others by 1
    - rate, so that the sum stays the same on average. At inference it does nothing.

    Shape: that of the input.
    """
    if noise_shape is not None:
        lengths = zip(noise_shape, (1, *x[1:]), strict=False)  # batches differ in length
        if len(noise_shape) != len(x) or any(
            a not in (None, 1, b) and b is not None for a, b in lengths
        ):
            raise Refused(
                f"takes a noise_shape of {len(x)} numbers, each 1, null or the length in {x}, "
                f"got {list(noise_shape)}",
                AtArgument("noise_shape"),
            )
    return Facts(x)


ChannelRate = A[
    float,
    UNIT_INTERVAL,
    "Share of the channels, from 0 to 1, set to 0; the others grow to keep the sum.",
]


def spatial_dropout_1d(x: Shape, *, rate: ChannelRate, seed: Seed = None) -> Facts:
    """The layer drops whole channels. Where neighbouring steps are much alike, a single value that
    Dropout sets to 0 could be read off its neighbours.

    Shape: that of the input.
    """
    split_channels(x, 1, "channels_last")
    return Facts(x)


def spatial_dropout(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        rate: ChannelRate,
        data_format: DataFormat = "channels_last",
        seed: Seed = None,
    ) -> Facts:
        """The layer drops whole feature maps. Where neighbouring pixels are much alike, a single
        value that Dropout sets to 0 could be read off its neighbours.

        Shape: that of the input.
        """
        split_channels(x, rank, data_format)
        return Facts(x)

    return rule


def alpha_dropout(
    x: Shape,
    *,
    rate: A[float, BELOW_ONE, "Share of the values, from 0 to 1, dropped; mean and variance stay."],
    noise_shape: NoiseShape = None,
    seed: Seed = None,
) -> Facts:
    """The dropout that goes with the activation selu: dropped values become selu's lower limit,
    and the whole is scaled so that mean and variance stay. At inference it does nothing.

    Shape: that of the input.
    """
    return dropout(x, rate=rate, noise_shape=noise_shape)


def gaussian_dropout(
    x: Shape,
    *,
    rate: A[float, BELOW_ONE, "Strength of the noise, whose deviation is sqrt(rate / (1 - rate))."],
    seed: Seed = None,
) -> Facts:
    """The layer multiplies each value in training by a random number with mean 1 and standard
    deviation sqrt(rate / (1 - rate)). At inference it does nothing.

    Shape: that of the input.
    """
    return Facts(x)


def gaussian_noise(
    x: Shape,
    *,
    stddev: A[float, UNIT_INTERVAL, "Standard deviation of the noise, from 0 to 1."],
    seed: Seed = None,
) -> Facts:
    """The layer adds a random number with mean 0 to each value in training. At inference it does
    nothing.

    Shape: that of the input.
    """
    return Facts(x)


def activity_regularization(
    x: Shape,
    *,
    l1: A[float, NON_NEGATIVE, "Factor of the sum of absolute outputs in the loss."] = 0.0,
    l2: A[float, NON_NEGATIVE, "Factor of the sum of squared outputs in the loss."] = 0.0,
) -> Facts:
    """The layer returns its input unchanged, and adds l1 * sum(abs(x)) + l2 * sum(x ** 2), divided
    by the batch's length, to the loss. This keeps the values small or makes most of them 0.

    Shape: that of the input.
    """
    return Facts(x)


NOISE = Traits(kind="dropout, noise", shares_box=True, gradient_needs="output", mask=masks.carry)
DROPOUT = replace(NOISE, keeps_sign=True)
OF_CHANNELS = replace(DROPOUT, gradient_needs="nothing")  # the mask has one number a channel

# fmt: off
FAMILY = (
    entry("Dropout", dropout, DROPOUT, "Set a random share of the values to 0 in training.",
          "0.5", (4096,), TRAINING),
    entry("SpatialDropout1D", spatial_dropout_1d, OF_CHANNELS,
          "Set a random share of the channels to 0 in training.",
          "0.2", (128, 64), TRAINING, DTYPE_ONLY),
    entry("SpatialDropout2D", spatial_dropout(2), OF_CHANNELS,
          "Set a random share of the channels to 0 in training.",
          "0.2", (28, 28, 128), TRAINING, DTYPE_ONLY),
    entry("SpatialDropout3D", spatial_dropout(3), OF_CHANNELS,
          "Set a random share of the channels to 0 in training.",
          "0.2", (8, 28, 28, 128), TRAINING, DTYPE_ONLY),
    entry("AlphaDropout", alpha_dropout, NOISE,
          "Drop a random share of the values, keeping mean and variance.",
          "0.1", (256,), TRAINING),
    entry("GaussianDropout", gaussian_dropout, NOISE,
          "Multiply each value by random noise in training.",
          "0.3", (256,), TRAINING),
    entry("GaussianNoise", gaussian_noise,
          replace(NOISE, shares_box=False, gradient_needs="nothing"),
          "Add random noise to each value in training.",
          "0.1", (28, 28, 1), TRAINING),
    entry("ActivityRegularization", activity_regularization,
          Traits(passes_values=True, mask=masks.carry),
          "Add a penalty on the values to the loss.",
          "{l1: 1.0e-5}", (32,)),
)
# fmt: on
