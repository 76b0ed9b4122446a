"""Layers that keep the shape: activations, noise and dropout, penalties."""

from typing import Annotated as A
from typing import Any

from archspec.arguments import (
    AXES,
    DATA_FORMAT,
    NON_NEGATIVE,
    NUMBER,
    POSITIVE,
    SEED,
    UNIT_INTERVAL,
    listing,
    number,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.shapes import Axes, Rule, known_on_axis, on_axes, spatial_axes
from archspec.layers.weights import weights
from archspec.objects import ACTIVATION
from archspec.objects.activations import Alpha, MaxValue, NegativeSlope, Threshold


def identity(x: Shape) -> Facts:
    """Gives a value a name, or stands where a variant has a layer.

    Shape: that of the input.
    """
    return Facts(x)


def masking(x: Shape, *, mask_value: A[float, NUMBER] = 0.0) -> Facts:
    """Marks the steps all of whose features are mask_value; attention, and what else knows masks,
    passes over them. It changes no value.

    Shape: that of the input.
    """
    return Facts(x)


# --- activations ---------------------------------------------------------------------------------


def activation(x: Shape, *, activation: A[Any, ACTIVATION]) -> Facts:
    """The same as the argument `activation` of the layer before it, as a step of its own: where
    something comes between the two, such as BatchNormalization.

    Shape: that of the input.
    """
    return Facts(x)


def re_lu(
    x: Shape,
    *,
    max_value: MaxValue = None,
    negative_slope: NegativeSlope = 0.0,
    threshold: Threshold = 0.0,
) -> Facts:
    """x above threshold, but no more than max_value, and negative_slope * (x - threshold)
    below.

    Shape: that of the input.
    """
    return Facts(x)


def leaky_re_lu(x: Shape, *, negative_slope: NegativeSlope = 0.3) -> Facts:
    """x above 0, negative_slope * x below, so that no unit is ever dead. PyTorch's slope is 0.01
    by default, Keras's 0.3.

    Shape: that of the input.
    """
    return Facts(x)


def elu(x: Shape, *, alpha: Alpha = 1.0) -> Facts:
    """x above 0, alpha * (exp(x) - 1) below: smooth, and with a mean nearer 0 than ReLU's.

    Shape: that of the input.
    """
    return Facts(x)


def p_re_lu(
    x: Shape,
    *,
    shared_axes: A[Axes | None, optional(AXES)] = None,
    **_: A[Any, weights("alpha", before="shared_axes")],
) -> Facts:
    """x above 0, alpha * x below, where alpha is learnt, for each position and channel unless
    shared_axes says where one serves all: [1, 2] leaves one for each channel of an image.

    Shape: that of the input.
    Params: the product of the input's axes but the batch, those of shared_axes counting 1.
    """
    shared = shared_axes if isinstance(shared_axes, tuple) else (shared_axes,)
    ones = [axis for axis in shared if axis is not None]
    if any(not 1 <= axis < len(x) for axis in ones):
        raise Refused(
            f"shares axes from 1 to {len(x) - 1} of {x}, got {ones}", AtArgument("shared_axes")
        )
    size = tuple(
        1 if axis in ones else known_on_axis(x, axis, "shared_axes") for axis in range(1, len(x))
    )
    return Facts(x, {"alpha": size})


def softmax(x: Shape, *, axis: A[Axes, AXES] = -1) -> Facts:
    """exp(x) / sum(exp(x)) along axis: positive numbers that sum to 1. A classifier's last layer
    more often has it as its activation.

    Shape: that of the input.
    """
    if axis == ():
        raise Refused("wants at least one axis, got []", AtArgument("axis"))
    return Facts(x, window=() if set(on_axes(x, axis)) <= {len(x) - 1} else None)


# --- noise ---------------------------------------------------------------------------------------

NOISE_SHAPE = listing(
    optional(POSITIVE), "a list with a positive integer or null for each axis, the batch included"
)


# Keras takes a rate of 1 here and divides by 0 in training.
BELOW_ONE = number("a number from 0 to 1, 1 left out", minimum=0, exclusiveMaximum=1)


def dropout(
    x: Shape,
    *,
    rate: A[float, UNIT_INTERVAL],
    noise_shape: A[tuple[int | None, ...] | None, optional(NOISE_SHAPE)] = None,
    seed: A[int | None, SEED] = None,
) -> Facts:
    """In training, each value becomes 0 with probability rate, and the others are divided by 1 -
    rate, so that the sum stays the same on average. At inference it does nothing.

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


def spatial_dropout_1d(
    x: Shape, *, rate: A[float, UNIT_INTERVAL], seed: A[int | None, SEED] = None
) -> Facts:
    """Dropout of whole channels: for features whose neighbouring steps are much alike, of which
    one would tell what another's 0 hides.

    Shape: that of the input.
    """
    spatial_axes(x, 1, "channels_last")
    return Facts(x)


def spatial_dropout(rank: int) -> Rule:
    def rule(
        x: Shape,
        *,
        rate: A[float, UNIT_INTERVAL],
        data_format: A[str, DATA_FORMAT] = "channels_last",
        seed: A[int | None, SEED] = None,
    ) -> Facts:
        """Dropout of whole feature maps: for images whose neighbouring pixels are much alike, of
        which one would tell what another's 0 hides.

        Shape: that of the input.
        """
        spatial_axes(x, rank, data_format)
        return Facts(x)

    return rule


def alpha_dropout(
    x: Shape,
    *,
    rate: A[float, BELOW_ONE],
    noise_shape: A[tuple[int | None, ...] | None, optional(NOISE_SHAPE)] = None,
    seed: A[int | None, SEED] = None,
) -> Facts:
    """The dropout that goes with the activation selu: dropped values become selu's lower limit,
    and the whole is scaled so that mean and variance stay. At inference it does nothing.

    Shape: that of the input.
    """
    return dropout(x, rate=rate, noise_shape=noise_shape)


def gaussian_dropout(
    x: Shape, *, rate: A[float, BELOW_ONE], seed: A[int | None, SEED] = None
) -> Facts:
    """In training, each value is multiplied by a random number with mean 1 and standard deviation
    sqrt(rate / (1 - rate)). At inference it does nothing.

    Shape: that of the input.
    """
    return Facts(x)


def gaussian_noise(
    x: Shape, *, stddev: A[float, UNIT_INTERVAL], seed: A[int | None, SEED] = None
) -> Facts:
    """In training, a random number with mean 0 is added to each value. At inference it does
    nothing.

    Shape: that of the input.
    """
    return Facts(x)


def activity_regularization(
    x: Shape, *, l1: A[float, NON_NEGATIVE] = 0.0, l2: A[float, NON_NEGATIVE] = 0.0
) -> Facts:
    """Hands the input on; l1 * sum(abs(x)) + l2 * sum(x ** 2), divided by the batch's length, is
    added to the loss, which keeps the values small or makes most of them 0.

    Shape: that of the input.
    """
    return Facts(x)
