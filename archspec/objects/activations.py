"""Define activations: functions that a layer applies to its output."""

from __future__ import annotations

from typing import Annotated as A

from archspec.arguments import INTEGER, NON_NEGATIVE, NUMBER, optional
from archspec.objects.kinds import Kind, entries, nothing

# The layers ReLU, LeakyReLU and ELU have these arguments, too.
Alpha = A[float, NUMBER, "Limit that large negative inputs come to, as -alpha."]
MaxValue = A[
    float | None, optional(NON_NEGATIVE), "Largest output; null for no limit, 6 for ReLU6."
]
NegativeSlope = A[
    float, NON_NEGATIVE, "Slope for values below 0, or below the threshold where there is one."
]
Threshold = A[float, NON_NEGATIVE, "Value above which the input is passed through."]


def relu(
    *, negative_slope: NegativeSlope = 0.0, max_value: MaxValue = None, threshold: Threshold = 0.0
) -> None: ...


def leaky_relu(*, negative_slope: NegativeSlope = 0.2) -> None: ...


def elu(*, alpha: Alpha = 1.0) -> None: ...


def softmax(
    *, axis: A[int, INTEGER, "Axis along which the outputs sum to 1; -1 is the last."] = -1
) -> None: ...


ACTIVATIONS = Kind(
    "activation",
    "an activation",
    {
        **entries(elu, "elu"),
        **entries(leaky_relu, "leaky_relu"),
        **entries(relu, "relu"),
        **entries(softmax, "softmax"),
        **entries(nothing, "celu", "exponential", "gelu", "hard_shrink", "hard_sigmoid"),
        **entries(nothing, "hard_silu", "hard_tanh", "linear", "log_sigmoid", "log_softmax"),
        **entries(nothing, "mish", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus"),
        **entries(nothing, "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax"),
        **entries(nothing, "squareplus", "tanh", "tanh_shrink"),
    },
    {"swish": "silu", "hard_swish": "hard_silu"},
)

# An activation with arguments is this layer in Keras, which it takes as an activation and saves.
ACTIVATION_LAYERS = {"elu": "ELU", "leaky_relu": "LeakyReLU", "relu": "ReLU", "softmax": "Softmax"}
