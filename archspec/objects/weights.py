"""Define initializers, regularizers and constraints: the start values and limits of weights."""

from __future__ import annotations

from typing import Annotated as A

from archspec.arguments import (
    AXES,
    NON_NEGATIVE,
    NUMBER,
    POSITIVE_NUMBER,
    SEED,
    UNIT_INTERVAL,
    Sizes,
    choice,
)
from archspec.errors import Refused
from archspec.objects.kinds import Kind, entries, nothing

# --- initializers --------------------------------------------------------------------------------

Seed = A[
    int | None, SEED, "Seed of its random numbers; null takes one that follows from the run's."
]


def seeded(*, seed: Seed = None) -> None: ...


def normal(
    *,
    mean: A[float, NUMBER, "Mean of the values."] = 0.0,
    stddev: A[float, NON_NEGATIVE, "Standard deviation of the values."] = 0.05,
    seed: Seed = None,
) -> None: ...


def uniform(
    *,
    minval: A[float, NUMBER, "Lowest value."] = -0.05,
    maxval: A[float, NUMBER, "Value that all are below."] = 0.05,
    seed: Seed = None,
) -> None: ...


FAN = choice("fan_in", "fan_out", "fan_avg")
DISTRIBUTION = choice("truncated_normal", "untruncated_normal", "uniform")


def variance_scaling(
    *,
    scale: A[
        float,
        POSITIVE_NUMBER,
        "Variance times the fan: 2 with fan_in is He's, 1 with fan_avg Glorot's.",
    ] = 1.0,
    mode: A[
        str, FAN, "Fan that the variance is divided by: inputs, outputs, or their mean."
    ] = "fan_in",
    distribution: A[
        str,
        DISTRIBUTION,
        "Shape of the distribution; the truncated one ends at 2 deviations.",
    ] = "truncated_normal",
    seed: Seed = None,
) -> None: ...


Gain = A[float, NUMBER, "Factor that the matrix is multiplied by."]


def orthogonal(*, gain: Gain = 1.0, seed: Seed = None) -> None: ...


def identity(*, gain: Gain = 1.0) -> None: ...


def constant(*, value: A[float, NUMBER, "Value of every weight."] = 0.0) -> None: ...


INITIALIZERS = Kind(
    "initializer",
    "an initializer",
    {
        **entries(constant, "Constant"),
        **entries(nothing, "Ones", "Zeros"),
        **entries(seeded, "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform"),
        **entries(seeded, "LecunNormal", "LecunUniform"),
        **entries(normal, "RandomNormal", "TruncatedNormal"),
        **entries(uniform, "RandomUniform"),
        **entries(variance_scaling, "VarianceScaling"),
        **entries(orthogonal, "Orthogonal"),
        **entries(identity, "Identity"),
    },
    {
        "normal": "RandomNormal",
        "uniform": "RandomUniform",
        "one": "Ones",
        "zero": "Zeros",
        "identity_initializer": "Identity",
        "orthogonal_initializer": "Orthogonal",
    },
)

# --- regularizers --------------------------------------------------------------------------------

L1 = A[float, NON_NEGATIVE, "Factor of the sum of absolute values in the loss."]
L2 = A[
    float,
    NON_NEGATIVE,
    "Factor of the sum of squares in the loss; torch's weight decay is twice it.",
]


def l1(*, l1: L1 = 0.01) -> None: ...


def l2(*, l2: L2 = 0.01) -> None: ...


def l1_l2(*, l1: L1 = 0.0, l2: L2 = 0.0) -> None: ...


def orthogonal_regularizer(
    *,
    factor: A[
        float, NON_NEGATIVE, "Factor of the mean product of different rows in the loss."
    ] = 0.01,
    mode: A[
        str, choice("rows", "columns"), "Whether rows or columns shall stand at right angles."
    ] = "rows",
) -> None: ...


REGULARIZERS = Kind(
    "regularizer",
    "a regularizer",
    {
        **entries(l1, "L1"),
        **entries(l2, "L2"),
        **entries(l1_l2, "L1L2"),
        **entries(orthogonal_regularizer, "OrthogonalRegularizer"),
    },
)

# --- constraints ---------------------------------------------------------------------------------

LARGEST = "Largest length of a weight vector."
Axis = A[
    int | Sizes,
    AXES,
    "Axis or axes along which lengths are measured: 0 for dense layers, [0, 1, 2] for 2D "
    "convolutions.",
]


def max_norm(*, max_value: A[float, POSITIVE_NUMBER, LARGEST] = 2.0, axis: Axis = 0) -> None: ...


def min_max_norm(
    *,
    min_value: A[float, NON_NEGATIVE, "Smallest length of a weight vector."] = 0.0,
    max_value: A[float, NON_NEGATIVE, LARGEST] = 1.0,
    rate: A[
        float,
        UNIT_INTERVAL,
        "Share of the way, from 0 to 1, to the allowed length taken at each step.",
    ] = 1.0,
    axis: Axis = 0,
) -> None:
    if min_value > max_value:
        raise Refused(f"expects min_value up to max_value, got {min_value:g} and {max_value:g}")


def unit_norm(*, axis: Axis = 0) -> None: ...


CONSTRAINTS = Kind(
    "constraint",
    "a constraint",
    {
        **entries(max_norm, "MaxNorm"),
        **entries(min_max_norm, "MinMaxNorm"),
        **entries(nothing, "NonNeg"),
        **entries(unit_norm, "UnitNorm"),
    },
)
