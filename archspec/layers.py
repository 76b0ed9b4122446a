"""The one table of layers: Keras's name -> its arguments and the rule of its facts.

A rule takes the shapes of its inputs (batch axis first, as None) and the layer's arguments in normal
form, and returns `Facts` or raises `Refused` for what Keras refuses too. Its keyword-only signature
is the layer's contract; families are functions of rank. To add a layer: write its rule, or take one
that fits, and add one line to the table at the end. Nothing outside the table is known.

MACs are counted in convolutions, dense layers, EinsumDense and attention products; other layers
count 0. A weight is named as Keras names its variable, `query/kernel` inside a sublayer.
"""

# No `from __future__ import annotations`: the annotations are the contract, and close over `rank`.
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod
from typing import Any

from archspec.arguments import (
    A,
    Argument,
    AXES,
    BOOLEAN,
    DATA_FORMAT,
    DTYPE,
    INTEGERS,
    NON_NEGATIVE,
    NUMBER,
    POSITIVE,
    SEED,
    Sizes,
    UNIT_INTERVAL,
    choice,
    contract,
    margins,
    optional,
    sizes,
)
from archspec.errors import Refused
from archspec.graph import Facts, Shape
from archspec.objects import ACTIVATION, CONSTRAINT, INITIALIZER, REGULARIZER

Rule = Callable[..., Facts]


def trainable(*, trainable: A[bool, BOOLEAN] = True, dtype: A[Any, DTYPE] = None) -> None:
    """What every Keras layer takes besides its own arguments."""


COMMON = contract(trainable)


@dataclass(frozen=True, eq=False)
class Layer:
    """An entry of the table.

    takes: "one" tensor, a "list" of them, or the names of its call arguments ("query", "value").
    optional: those of the named call arguments that may be left out.
    arguments: its own and those common to every layer, in Keras's order.
    call: the constant call arguments that a spec may give.
    """

    name: str
    rule: Rule
    doc: str
    takes: str | tuple[str, ...]
    optional: tuple[str, ...]
    arguments: Mapping[str, Argument]
    call: tuple[str, ...]

    def facts(self, inputs: list[Shape] | dict[str, Shape], arguments: Mapping[str, Any]) -> Facts:
        """The facts of one call; `inputs` is a dict where the layer takes named arguments."""
        own = {name: value for name, value in arguments.items() if name not in COMMON}
        if isinstance(inputs, dict):
            return self.rule(**inputs, **own)
        return self.rule(inputs if self.takes == "list" else inputs[0], **own)


def _entry(name: str, rule: Rule, doc: str, call: tuple[str, ...] = ()) -> Layer:
    inputs = [
        parameter
        for parameter in inspect.signature(rule).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    takes: str | tuple[str, ...] = {"x": "one", "xs": "list"}.get(inputs[0].name, "")
    takes = takes or tuple(each.name for each in inputs)
    spare = tuple(each.name for each in inputs if each.default is None)
    return Layer(name, rule, doc, takes, spare, {**contract(rule), **COMMON}, call)


# --- shared arithmetic ---------------------------------------------------------------------------


def _spatial(x: Shape, rank: int, data_format: str) -> tuple[Shape, int | None]:
    """Spatial axes and channels of an input that must have `rank` spatial axes."""
    if len(x) != rank + 2:
        axes = ("length",) if rank == 1 else ("height", "width") if rank == 2 else ()
        axes = axes or ("depth", "height", "width")
        axes = (*axes, "channels") if data_format == "channels_last" else ("channels", *axes)
        raise Refused(f"wants an input of {rank + 2} axes (batch, {', '.join(axes)}), got {x}")
    return (x[1:-1], x[-1]) if data_format == "channels_last" else (x[2:], x[1])


def _joined(spatial: Shape, channels: int | None, data_format: str) -> Shape:
    if data_format == "channels_last":
        return (None, *spatial, channels)
    return (None, channels, *spatial)


def _known(channels: int | None) -> int:
    if channels is None:
        raise Refused("needs to know the channels of its input, which are unknown (null)")
    return channels


def _slide(
    spatial: Shape, kernel: Sizes, strides: Sizes, padding: str, dilation: Sizes, argument: str
) -> Shape:
    """Output length of a sliding window, per axis: ceil(n / s) for same and causal padding,
    floor((n - k) / s) + 1 for valid, with k = (size - 1) * dilation + 1."""
    out: list[int | None] = []
    for n, size, stride, rate in zip(spatial, kernel, strides, dilation, strict=True):
        reach = (size - 1) * rate + 1
        if n is None:
            out.append(None)
        elif padding != "valid":
            out.append(ceil(n / stride))
        elif n < reach:
            what = f"{size}" if rate == 1 else f"{reach} (= ({size} - 1) * {rate} + 1)"
            raise Refused(
                f"does not fit: a window of {what} on {n} rows with padding 'valid' leaves nothing: "
                f"({n} - {reach})/{stride} + 1 < 1",
                argument,
            )
        else:
            out.append((n - reach) // stride + 1)
    return tuple(out)


def _product(*sizes: int | None) -> int | None:
    return None if None in sizes else prod(size for size in sizes if size is not None)


# --- convolution ---------------------------------------------------------------------------------


def conv(rank: int) -> Rule:
    paddings = choice("valid", "same", "causal") if rank == 1 else choice("valid", "same")

    def rule(
        x: Shape,
        *,
        filters: A[int, POSITIVE],
        kernel_size: A[Sizes, sizes(rank)],
        strides: A[Sizes, sizes(rank)] = (1,) * rank,
        padding: A[str, paddings] = "valid",
        data_format: A[str, DATA_FORMAT] = "channels_last",
        dilation_rate: A[Sizes, sizes(rank)] = (1,) * rank,
        groups: A[int, POSITIVE] = 1,
        activation: A[Any, ACTIVATION] = None,
        use_bias: A[bool, BOOLEAN] = True,
        kernel_initializer: A[Any, INITIALIZER] = "GlorotUniform",
        bias_initializer: A[Any, INITIALIZER] = "Zeros",
        kernel_regularizer: A[Any, REGULARIZER] = None,
        bias_regularizer: A[Any, REGULARIZER] = None,
        activity_regularizer: A[Any, REGULARIZER] = None,
        kernel_constraint: A[Any, CONSTRAINT] = None,
        bias_constraint: A[Any, CONSTRAINT] = None,
    ) -> Facts:
        spatial, channels = _spatial(x, rank, data_format)
        channels = _known(channels)
        if filters % groups:
            raise Refused(f"cannot share {filters} filters evenly among {groups} groups", "groups")
        if channels % groups:
            raise Refused(
                f"cannot share {channels} input channels evenly among {groups} groups", "groups"
            )
        if max(strides) > 1 and max(dilation_rate) > 1:
            raise Refused("takes strides or dilation_rate over 1, not both", "dilation_rate")
        out = _slide(spatial, kernel_size, strides, padding, dilation_rate, "kernel_size")
        weights = {"kernel": (*kernel_size, channels // groups, filters)}
        if use_bias:
            weights["bias"] = (filters,)
        window = zip(kernel_size, strides, dilation_rate, strict=True)
        return Facts(
            shape=_joined(out, filters, data_format),
            weights=weights,
            macs=_product(*out, *weights["kernel"]),
            window=tuple(((size - 1) * rate + 1, stride) for size, stride, rate in window),
        )

    return rule


def dense(
    x: Shape,
    *,
    units: A[int, POSITIVE],
    activation: A[Any, ACTIVATION] = None,
    use_bias: A[bool, BOOLEAN] = True,
    kernel_initializer: A[Any, INITIALIZER] = "GlorotUniform",
    bias_initializer: A[Any, INITIALIZER] = "Zeros",
    kernel_regularizer: A[Any, REGULARIZER] = None,
    bias_regularizer: A[Any, REGULARIZER] = None,
    activity_regularizer: A[Any, REGULARIZER] = None,
    kernel_constraint: A[Any, CONSTRAINT] = None,
    bias_constraint: A[Any, CONSTRAINT] = None,
) -> Facts:
    if len(x) < 2:
        raise Refused(f"wants an input of at least 2 axes (batch, features), got {x}")
    features = _known(x[-1])
    weights: dict[str, Sizes] = {"kernel": (features, units)}
    if use_bias:
        weights["bias"] = (units,)
    return Facts((*x[:-1], units), weights, macs=_product(*x[1:-1], features, units))


# --- pooling -------------------------------------------------------------------------------------


def pool(rank: int, size: Any = 2) -> Rule:
    def rule(
        x: Shape,
        *,
        pool_size: A[Sizes, sizes(rank)] = (2,) * rank,
        strides: A[Sizes | None, optional(sizes(rank))] = None,
        padding: A[str, choice("valid", "same")] = "valid",
        data_format: A[str, DATA_FORMAT] = "channels_last",
    ) -> Facts:
        spatial, channels = _spatial(x, rank, data_format)
        strides = strides or pool_size
        out = _slide(spatial, pool_size, strides, padding, (1,) * rank, "pool_size")
        window = tuple(zip(pool_size, strides, strict=True))
        return Facts(_joined(out, channels, data_format), window=window)

    return rule


def global_pool(rank: int) -> Rule:
    def rule(
        x: Shape,
        *,
        data_format: A[str, DATA_FORMAT] = "channels_last",
        keepdims: A[bool, BOOLEAN] = False,
    ) -> Facts:
        _, channels = _spatial(x, rank, data_format)
        ones = (1,) * rank if keepdims else ()
        return Facts(_joined(ones, channels, data_format), window=None)

    return rule


# --- normalisation and layers that keep the shape ------------------------------------------------


def batch_normalization(
    x: Shape,
    *,
    axis: A[int, AXES] = -1,
    momentum: A[float, UNIT_INTERVAL] = 0.99,
    epsilon: A[float, NON_NEGATIVE] = 0.001,
    center: A[bool, BOOLEAN] = True,
    scale: A[bool, BOOLEAN] = True,
    beta_initializer: A[Any, INITIALIZER] = "Zeros",
    gamma_initializer: A[Any, INITIALIZER] = "Ones",
    moving_mean_initializer: A[Any, INITIALIZER] = "Zeros",
    moving_variance_initializer: A[Any, INITIALIZER] = "Ones",
    beta_regularizer: A[Any, REGULARIZER] = None,
    gamma_regularizer: A[Any, REGULARIZER] = None,
    beta_constraint: A[Any, CONSTRAINT] = None,
    gamma_constraint: A[Any, CONSTRAINT] = None,
) -> Facts:
    if not -len(x) <= axis < len(x):
        raise Refused(f"has no axis {axis} to normalise in {x}", "axis")
    size = (_known(x[axis]),)
    weights = {"gamma": size} if scale else {}
    weights |= {"beta": size} if center else {}
    weights |= {"moving_mean": size, "moving_variance": size}
    return Facts(x, weights, fixed=("moving_mean", "moving_variance"))


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


def dropout(
    x: Shape,
    *,
    rate: A[float, UNIT_INTERVAL],
    noise_shape: A[Sizes | None, optional(INTEGERS)] = None,
    seed: A[int | None, SEED] = None,
) -> Facts:
    return Facts(x)


# --- reshaping -----------------------------------------------------------------------------------


def flatten(x: Shape, *, data_format: A[str, DATA_FORMAT] = "channels_last") -> Facts:
    return Facts((None, _product(*x[1:])), window=None)


def zero_padding(rank: int) -> Rule:
    def rule(
        x: Shape,
        *,
        padding: A[Any, margins(rank)] = ((1, 1),) * rank,
        data_format: A[str, DATA_FORMAT] = "channels_last",
    ) -> Facts:
        spatial, channels = _spatial(x, rank, data_format)
        out = tuple(
            None if n is None else n + before + after
            for n, (before, after) in zip(spatial, padding, strict=True)
        )
        return Facts(_joined(out, channels, data_format))

    return rule


# --- merging -------------------------------------------------------------------------------------


def merge(xs: list[Shape]) -> Facts:
    """Element by element, with numpy's broadcasting of all axes but the batch."""
    if len(xs) < 2:
        raise Refused(f"merges at least 2 inputs, got {len(xs)}: write `from: [a, b]`")
    out = xs[0]
    for x in xs[1:]:
        longer, shorter = (out, x) if len(out) >= len(x) else (x, out)
        head, tail = longer[1 : len(longer) - len(shorter) + 1], longer[len(longer) - len(shorter) + 1 :]
        joined: list[int | None] = []
        for a, b in zip(tail, shorter[1:], strict=True):
            if None not in (a, b) and a != b and 1 not in (a, b):
                raise Refused(f"cannot merge inputs of shapes {' and '.join(map(str, xs))}: {a} is not {b}")
            joined.append(b if a == 1 else a if b == 1 else None if None in (a, b) else a)
        out = (None, *head, *joined)
    return Facts(out)


def concatenate(xs: list[Shape], *, axis: A[int, AXES] = -1) -> Facts:
    if not xs:
        raise Refused("joins at least 1 input, got none")
    rank = len(xs[0])
    if any(len(x) != rank for x in xs) or not -rank <= axis < rank or axis % rank == 0:
        raise Refused(f"cannot join along axis {axis} inputs of shapes {' and '.join(map(str, xs))}", "axis")
    axis %= rank
    out: list[int | None] = []
    for place, lengths in enumerate(zip(*xs, strict=True)):
        known = {n for n in lengths if n is not None}
        if place == axis:
            out.append(None if None in lengths else sum(known_length for known_length in lengths))
        elif len(known) > 1:
            raise Refused(
                f"joins along axis {axis}, so the other axes must agree: axis {place} is "
                f"{' and '.join(map(str, lengths))} in {' and '.join(map(str, xs))}"
            )
        else:
            out.append(known.pop() if known else None)
    return Facts(tuple(out))


# --- the table -----------------------------------------------------------------------------------

TRAINING = ("training",)

LAYERS: dict[str, Layer] = {
    entry.name: entry
    for entry in (
        _entry("Activation", activation, "Apply an activation function."),
        _entry("Add", merge, "Add the inputs, element by element."),
        _entry("AveragePooling2D", pool(2), "Average over a sliding window."),
        _entry("BatchNormalization", batch_normalization, "Normalise each channel.", TRAINING),
        _entry("Concatenate", concatenate, "Join the inputs along an axis."),
        _entry("Conv2D", conv(2), "Convolve a sliding window with learnt kernels."),
        _entry("Dense", dense, "Multiply the last axis by a learnt matrix."),
        _entry("Dropout", dropout, "Set a share of the values to 0 in training.", TRAINING),
        _entry("Flatten", flatten, "Lay all axes but the batch out in one."),
        _entry("GlobalAveragePooling2D", global_pool(2), "Average over all spatial axes."),
        _entry("GlobalMaxPooling2D", global_pool(2), "Largest value over all spatial axes."),
        _entry("MaxPooling2D", pool(2), "Largest value in a sliding window."),
        _entry("ReLU", re_lu, "Rectified linear unit."),
        _entry("ZeroPadding2D", zero_padding(2), "Add rows and columns of zeros."),
    )
}
