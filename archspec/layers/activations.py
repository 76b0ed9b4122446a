"""Define layers that apply an activation function to each value."""

from __future__ import annotations

from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import AXES, optional
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import entry
from archspec.layers.shapes import Axes, find_axes, require_length_on
from archspec.layers.traits import Traits
from archspec.layers.weights import weights
from archspec.objects import ACTIVATION
from archspec.objects.activations import Alpha, MaxValue, NegativeSlope, Threshold


def activation(
    x: Shape, *, activation: A[Any, ACTIVATION, "Function applied to each value, such as relu."]
) -> Facts:
    """The layer does what the argument `activation` of another layer does, as a step of its own.
    Use it where a layer such as BatchNormalization stands before the activation.

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
    shared_axes: A[
        Axes | None,
        optional(AXES),
        "Axes along which one slope serves all positions, 1 being the first after the batch.",
    ] = None,
    **_: A[Any, weights("alpha", before="shared_axes")],
) -> Facts:
    """x above 0, alpha * x below, where alpha is learnt, one for each position and channel. Along
    shared_axes there is only one: [1, 2] leaves one for each channel of an image.

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
        1 if axis in ones else require_length_on(x, axis, "shared_axes")
        for axis in range(1, len(x))
    )
    return Facts(x, {"alpha": size})


def softmax(
    x: Shape,
    *,
    axis: A[Axes, AXES, "Axis or axes along which the outputs sum to 1; -1 is the last."] = -1,
) -> Facts:
    """exp(x) / sum(exp(x)) along axis: positive numbers that sum to 1. A classifier's last layer
    more often has it as its activation.

    Shape: that of the input.
    """
    if axis == ():
        raise Refused("expects at least one axis, got []", AtArgument("axis"))
    return Facts(x, window=() if set(find_axes(x, axis)) <= {len(x) - 1} else None)


ACTIVATION_LAYER = Traits(kind="activation", shares_box=True, changes_range=True, mask=masks.carry)

# fmt: off
FAMILY = (
    entry("Activation", activation, replace(ACTIVATION_LAYER, mask=masks.carry_unless_used),
          "Apply an activation function to each value.",
          "relu", (56, 56, 64)),
    entry("ReLU", re_lu, replace(ACTIVATION_LAYER, title="ReLU", activation="relu"),
          "Set negative values to 0: the rectified linear unit.",
          "{max_value: 6}", (112, 112, 32)),
    entry("LeakyReLU", leaky_re_lu,
          replace(ACTIVATION_LAYER, title="LeakyReLU", activation="leaky_relu"),
          "Scale negative values down instead of dropping them.",
          "{negative_slope: 0.2}", (32, 32, 64)),
    entry("PReLU", p_re_lu, replace(ACTIVATION_LAYER, title="PReLU"),
          "Scale negative values by a learnt factor.",
          "{shared_axes: [1, 2]}", (56, 56, 64)),
    entry("ELU", elu, replace(ACTIVATION_LAYER, title="ELU", activation="elu"),
          "Bend negative values to a limit: the exponential linear unit.",
          "{alpha: 1.0}", (32, 32, 64)),
    entry("Softmax", softmax,
          replace(ACTIVATION_LAYER, activation="softmax", mask=masks.carry_unless_used),
          "Turn values into probabilities.",
          "", (10,)),
)
# fmt: on
