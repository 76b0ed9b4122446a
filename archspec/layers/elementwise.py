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
from archspec.errors import Refused
from archspec.graph import Facts, Shape
from archspec.layers.shapes import Axes, Rule, known_on_axis, on_axes, spatial_axes
from archspec.objects import ACTIVATION, CONSTRAINT, INITIALIZER, REGULARIZER


def identity(x: Shape) -> Facts:
    return Facts(x)


def masking(x: Shape, *, mask_value: A[float, NUMBER] = 0.0) -> Facts:
    return Facts(x)


# --- activations ---------------------------------------------------------------------------------


def activation(x: Shape, *, activation: A[Any, ACTIVATION]) -> Facts:
    return Facts(x)


def re_lu(
    x: Shape,
    *,
    max_value: A[float | None, optional(NON_NEGATIVE)] = None,
    negative_slope: A[float, NON_NEGATIVE] = 0.0,
    threshold: A[float, NON_NEGATIVE] = 0.0,
) -> Facts:
    return Facts(x)


def leaky_re_lu(x: Shape, *, negative_slope: A[float, NON_NEGATIVE] = 0.3) -> Facts:
    return Facts(x)


def elu(x: Shape, *, alpha: A[float, NUMBER] = 1.0) -> Facts:
    return Facts(x)


def p_re_lu(
    x: Shape,
    *,
    alpha_initializer: A[Any, INITIALIZER] = "Zeros",
    alpha_regularizer: A[Any, REGULARIZER] = None,
    alpha_constraint: A[Any, CONSTRAINT] = None,
    shared_axes: A[Axes | None, optional(AXES)] = None,
) -> Facts:
    shared = shared_axes if isinstance(shared_axes, tuple) else (shared_axes,)
    ones = [axis for axis in shared if axis is not None]
    if any(not 1 <= axis < len(x) for axis in ones):
        raise Refused(f"shares axes from 1 to {len(x) - 1} of {x}, got {ones}", "shared_axes")
    size = tuple(
        1 if axis in ones else known_on_axis(x, axis, "shared_axes") for axis in range(1, len(x))
    )
    return Facts(x, {"alpha": size})


def softmax(x: Shape, *, axis: A[Axes, AXES] = -1) -> Facts:
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
    if noise_shape is not None:
        lengths = zip(noise_shape, x, strict=False)
        if len(noise_shape) != len(x) or any(
            a not in (None, 1, b) and b is not None for a, b in lengths
        ):
            raise Refused(
                f"takes a noise_shape of {len(x)} numbers, each 1, null or the length in {x}, "
                f"got {list(noise_shape)}",
                "noise_shape",
            )
    return Facts(x)


def spatial_dropout_1d(
    x: Shape, *, rate: A[float, UNIT_INTERVAL], seed: A[int | None, SEED] = None
) -> Facts:
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
    return dropout(x, rate=rate, noise_shape=noise_shape)


def gaussian_dropout(
    x: Shape, *, rate: A[float, BELOW_ONE], seed: A[int | None, SEED] = None
) -> Facts:
    return Facts(x)


def gaussian_noise(
    x: Shape, *, stddev: A[float, UNIT_INTERVAL], seed: A[int | None, SEED] = None
) -> Facts:
    return Facts(x)


def activity_regularization(
    x: Shape, *, l1: A[float, NON_NEGATIVE] = 0.0, l2: A[float, NON_NEGATIVE] = 0.0
) -> Facts:
    return Facts(x)
