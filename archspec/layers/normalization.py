"""Define normalisation of activations, and the scaling of inputs by constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    AXES,
    BOOLEAN,
    INTEGER,
    NON_NEGATIVE,
    NUMBERS,
    UNIT_INTERVAL,
    Sizes,
    integer,
    optional,
    show,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import TRAINING, entry
from archspec.layers.shapes import Axes, find_axes, require_length_on
from archspec.layers.traits import Traits, keep_one
from archspec.layers.weights import weights


def _name_weights(size: Sizes, scale: bool, center: bool) -> dict[str, Sizes]:
    """Return the learnt weights that are wanted, each with its shape."""
    names = (("gamma", scale), ("beta", center))
    return {name: size for name, wanted in names if wanted}


def _find_window(x: Shape, places: Sequence[int]) -> tuple[()] | None:
    """Return the window of `Facts`: () where a layer looks along the channels alone, else None."""
    return () if set(places) <= {len(x) - 1} else None


ChannelAxis = A[
    int,
    INTEGER,
    "Axis of the channels, or the features: -1 is the last, 1 the one after the batch, as with "
    "channels_first.",
]
Epsilon = A[
    float, NON_NEGATIVE, "Small number added to the variance, so that nothing is divided by 0."
]
Center = A[bool, BOOLEAN, "Whether to add a learnt shift (beta)."]
Scale = A[
    bool,
    BOOLEAN,
    "Whether to multiply by a learnt scale (gamma); needless where the next layer multiplies by "
    "weights of its own.",
]


def batch_normalization(
    x: Shape,
    *,
    axis: ChannelAxis = -1,
    momentum: A[
        float,
        UNIT_INTERVAL,
        "Share of the moving averages that each training step keeps; torch calls the rest "
        "momentum: 0.9 here is 0.1 there.",
    ] = 0.99,
    epsilon: Epsilon = 0.001,
    center: Center = True,
    scale: Scale = True,
    synchronized: A[
        bool,
        BOOLEAN,
        "Whether the devices of a distributed run share their batch statistics; on TensorFlow "
        "only.",
    ] = False,
    **_: A[
        Any,
        weights("beta", "gamma", moving=("moving_mean", "moving_variance"), before="synchronized"),
    ],
) -> Facts:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of each
    channel: those of the batch in training, else moving averages of them, which training keeps:
    average = momentum * average + (1 - momentum) * batch's. Frozen (trainable: false) it uses
    the averages in training too. Of its parameters, the averages are not trained.

    Shape: that of the input.
    Params: 2 * length + (length if scale else 0) + (length if center else 0)
    """
    size = (require_length_on(x, axis),)
    moving = ("moving_mean", "moving_variance")
    weights = {**_name_weights(size, scale, center), **dict.fromkeys(moving, size)}
    return Facts(x, weights, fixed=moving)


def layer_normalization(
    x: Shape,
    *,
    axis: A[
        Axes,
        AXES,
        "Axis or axes to normalise along, each position on them with a scale and a shift of its "
        "own; -1 is the last.",
    ] = -1,
    epsilon: Epsilon = 0.001,
    center: Center = True,
    scale: Scale = True,
    **_: A[Any, weights("beta", "gamma")],
) -> Facts:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of each sample
    along axis: the same in training and inference, whatever the batch.

    Shape: that of the input.
    Params: (length if scale else 0) + (length if center else 0)
    """
    places = find_axes(x, axis)
    weights = {}
    if scale or center:
        axes = sorted(axis) if isinstance(axis, tuple) else [axis]
        weights = _name_weights(tuple(require_length_on(x, each) for each in axes), scale, center)
    return Facts(x, weights, window=_find_window(x, places))


def group_normalization(
    x: Shape,
    *,
    groups: A[
        int,
        integer("a positive integer, or -1 for one channel a group", minimum=-1),
        "Parts that the channels are split in, each normalised on its own; it must divide them; "
        "-1 for one channel each.",
    ] = 32,
    axis: ChannelAxis = -1,
    epsilon: Epsilon = 0.001,
    center: Center = True,
    scale: Scale = True,
    **_: A[Any, weights("beta", "gamma")],
) -> Facts:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of each sample
    over a group of channels and all positions. groups: 1 takes all channels together, groups:
    -1 each alone (instance normalisation).

    Shape: that of the input.
    Params: (length if scale else 0) + (length if center else 0)
    """
    channels = require_length_on(x, axis)
    if groups == 0:
        raise Refused(
            "expects a positive number of groups, or -1 for one channel a group",
            AtArgument("groups"),
        )
    if channels % (channels if groups == -1 else groups):
        raise Refused(
            f"cannot share {channels} channels evenly among {groups} groups", AtArgument("groups")
        )
    return Facts(x, _name_weights((channels,), scale, center), window=None)


def rms_normalization(
    x: Shape,
    *,
    axis: A[Axes, AXES, "Axis or axes to normalise along; -1 is the last."] = -1,
    epsilon: A[
        float,
        NON_NEGATIVE,
        "Small number added to the mean square, so that nothing is divided by 0.",
    ] = 1e-6,
) -> Facts:
    """scale * x / sqrt(mean(x ** 2) + epsilon) along axis, of each sample: layer normalisation
    without the mean and the shift, as language models have it.

    Shape: that of the input.
    Params: length
    """
    places = find_axes(x, axis)
    axes = sorted(axis) if isinstance(axis, tuple) else [axis]
    size = tuple(require_length_on(x, each) for each in axes)
    last = list(range(len(x) - len(axes), len(x)))
    if [each % len(x) for each in axes] != last:
        raise Refused(  # Keras multiplies by the scale without laying it along the axes
            f"works along the last axes only, {last} of {x} here, got {show(axis)}",
            AtArgument("axis"),
        )
    return Facts(x, {"scale": size}, window=_find_window(x, places))


def unit_normalization(
    x: Shape,
    *,
    axis: A[Axes, AXES, "Axis or axes along which the length becomes 1; -1 is the last."] = -1,
) -> Facts:
    """x / sqrt(sum(x ** 2)) along axis: every vector comes out with length 1.

    Shape: that of the input.
    """
    return Facts(x, window=_find_window(x, find_axes(x, axis)))


def normalization(
    x: Shape,
    *,
    axis: A[
        Axes | None,
        optional(AXES),
        "Axes with a mean and variance for each position; null for one of each.",
    ] = -1,
    mean: A[
        Any,
        optional(NUMBERS),
        "Mean to subtract, one number or one for each position on axis; null to learn it from "
        "data beforehand.",
    ] = None,
    variance: A[Any, optional(NUMBERS), "Variance to divide by, given together with mean."] = None,
    invert: A[
        bool,
        BOOLEAN,
        "Whether to undo the normalisation instead: multiply by the deviation, add the mean.",
    ] = False,
) -> Facts:
    """(x - mean) / sqrt(variance), with constants: either mean and variance are given, or they are
    weights that the layer's `adapt` sets from data before training; training changes neither.

    Shape: that of the input.
    Params: 2 * length + 1 if mean is None else 0
    """
    axes = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    size = tuple(require_length_on(x, place) for place in sorted(find_axes(x, axes)))
    if (mean is None) != (variance is None):
        raise Refused(
            "takes mean and variance together",
            AtArgument("mean" if variance is None else "variance"),
        )
    if mean is None:
        fixed = ("mean", "variance", "count")
        return Facts(x, {"mean": size, "variance": size, "count": ()}, fixed)
    for name, value in (("mean", mean), ("variance", variance)):
        _check_broadcast(value, size, name)
    if _count_numbers(mean) != _count_numbers(variance):
        raise Refused("takes a mean and a variance of the same length", AtArgument("variance"))
    return Facts(x)


def rescaling(
    x: Shape,
    *,
    scale: A[Any, NUMBERS, "Number to multiply by, or one for each channel, such as =1 / 255."],
    offset: A[Any, NUMBERS, "Number to add after multiplying, or one for each channel."] = 0.0,
) -> Facts:
    """x * scale + offset. Pixels from 0 to 255 become 0 to 1 with scale =1 / 255, and -1 to 1 with
    scale =1 / 127.5 and offset -1.

    Shape: that of the input.
    """
    for name, value in (("scale", scale), ("offset", offset)):
        _check_broadcast(
            value, x[-1:] if x[-1] is not None else (_count_numbers(value) or 1,), name
        )
    return Facts(x)


def _count_numbers(value: Any) -> int | None:
    """Return the length of a list of numbers; None for one number."""
    return len(value) if isinstance(value, tuple) else None


def _check_broadcast(value: Any, size: Shape, argument: str) -> None:
    """Refuse a list of numbers that is not as long as the axes that it is for."""
    length = _count_numbers(value)
    if length is not None and (not size or length not in (1, size[-1])):
        what = f"{size[-1]} numbers" if size else "one number"
        raise Refused(f"expects {what} for its input, got {length}", AtArgument(argument))


def _factor_of_scale(arguments: Mapping[str, Any]) -> float:
    """Return the largest number that a Rescaling multiplies by, whatever its sign."""
    scale = arguments["scale"]
    return max(abs(float(each)) for each in (scale if isinstance(scale, tuple) else (scale,)))


def _factor_of_variance(arguments: Mapping[str, Any]) -> float:
    """Return the largest number that a Normalization multiplies by; 1 if it has no variance."""
    variance = arguments["variance"]
    if variance is None:
        return 1.0
    numbers = variance if isinstance(variance, tuple) else (variance,)
    deviations = [sqrt(max(each, 1e-14)) for each in numbers]  # as Keras, which divides by no 0
    return max(deviations) if arguments["invert"] else 1 / min(deviations)


NORMALIZATION = Traits(kind="normalization", shares_box=True, changes_range=True, mask=masks.carry)

# fmt: off
FAMILY = (
    entry("BatchNormalization", batch_normalization,
          replace(NORMALIZATION, title="BN", batch_statistics=True, fixed_rank=True,
                  mask=masks.carry_if_exact),
          "Normalise each channel over the batch; at inference by averages kept in training.",
          "{momentum: 0.9, epsilon: 1.001e-5}", (56, 56, 64), TRAINING),
    entry("LayerNormalization", layer_normalization,
          replace(NORMALIZATION, title="LN", keeps=keep_one),
          "Normalise the features of each sample and position.",
          "{epsilon: 1.0e-6}", (197, 768)),
    entry("GroupNormalization", group_normalization,
          replace(NORMALIZATION, title="GN", fixed_rank=True),
          "Normalise groups of channels of each sample.",
          "{groups: 32}", (56, 56, 256)),
    entry("RMSNormalization", rms_normalization,
          replace(NORMALIZATION, title="RMS norm", mask=masks.end, keeps=keep_one),
          "Divide the features of each sample and position by their root mean square.",
          "{epsilon: 1.0e-5}", (128, 2048)),
    entry("UnitNormalization", unit_normalization, NORMALIZATION, "Scale vectors to length 1.",
          "", (128,)),
    entry("Normalization", normalization,
          replace(NORMALIZATION, gradient_needs="nothing", fixed_rank=True,
                  factor=_factor_of_variance, adapted="mean"),
          "Subtract a constant mean and divide by a constant deviation.",
          "{mean: [0.485, 0.456, 0.406], variance: [0.0524, 0.0502, 0.0506]}", (224, 224, 3)),
    entry("Rescaling", rescaling,
          Traits(gradient_needs="nothing", linear=True, changes_range=True, mask=masks.carry,
                 factor=_factor_of_scale),
          "Multiply by a constant and add another.",
          "{scale: =1 / 127.5, offset: -1}", (224, 224, 3)),
)
# fmt: on
