"""Define layers that move, repeat, pad or drop values and compute nothing."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    POSITIVE,
    Sizes,
    Type,
    choice,
    listing,
    margins,
    sizes,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import entry
from archspec.layers.shapes import Rule, join_channels, multiply, split_channels
from archspec.layers.shared import BETWEEN_PIXELS, DataFormat
from archspec.layers.traits import Traits

MARGIN = {
    1: "Steps of zeros at both ends, or [before, after].",
    2: "Rows of zeros: one number, or one or [before, after] for each spatial axis.",
}
TIMES_REPEATED = (
    "Times that each row and column is repeated: one number, or one for each spatial axis."
)


def flatten(x: Shape, *, data_format: DataFormat = "channels_last") -> Facts:
    """The layer usually stands between the feature maps of a convolution and a dense layer.

    Shape: one axis, as long as the product of all but the batch.
    """
    return Facts((None, multiply(*x[1:])), window=None)


LENGTH = Type(
    "a positive integer or -1",
    {"anyOf": [{"type": "integer", "minimum": 1}, {"const": -1}]},
    int,
)
TARGET = listing(LENGTH, "a list of positive integers, one of which may be -1")


def reshape(
    x: Shape,
    *,
    target_shape: A[
        Sizes,
        TARGET,
        "Lengths of the new axes but the batch; -1 for the one that follows from the others.",
    ],
) -> Facts:
    """The values keep their order, the last axis running fastest; there must be as many as before.

    Shape: target_shape, in which -1 becomes what is left: the number of values divided by the
        product of the other axes.
    """
    if target_shape.count(-1) > 1:
        raise Refused(f"can work out one -1, got {list(target_shape)}", AtArgument("target_shape"))
    have = multiply(*x[1:])
    given = multiply(*(n for n in target_shape if n != -1)) or 1
    if have is None:
        free = None
    elif have % given or (have != given and -1 not in target_shape):
        sign = "not a multiple of" if -1 in target_shape else "not"
        raise Refused(
            f"cannot lay {have} values ({_write_product(x[1:])}) out as {list(target_shape)}: "
            f"{have} is {sign} {given} ({_write_product(n for n in target_shape if n != -1)})",
            AtArgument("target_shape"),
        )
    else:
        free = have // given
    out = (None, *(free if n == -1 else n for n in target_shape))
    return Facts(out, window=() if out[:-1] == x[:-1] else None, axes=_match_axes(x[1:], out[1:]))


def _match_axes(x: Shape, out: Shape) -> tuple[int | None, ...]:
    """Return which axis of the input each axis of the output is: as long, after as many values."""
    places = {place: index for index, place in enumerate(_place_axes(x))}
    return tuple(places.get(place) for place in _place_axes(out))


def _place_axes(shape: Shape) -> Iterator[tuple[int, int, int | None]]:
    """Yield the length of each axis and what is before it: values, and axes of unknown length."""
    before, unknown = 1, 0
    for n in shape:
        yield before, unknown, n
        before, unknown = before * (n or 1), unknown + (n is None)


def _write_product(lengths: Any) -> str:
    return " * ".join(map(str, lengths)) or "1"


PERMUTATION = listing(POSITIVE, "a list of the axes 1, 2, ... in their new order", minimum=1)


def permute(
    x: Shape,
    *,
    dims: A[
        Sizes, PERMUTATION, "The input's axes in their new order; the first after the batch is 1."
    ],
) -> Facts:
    """Axis i of the output is axis dims[i] of the input; the batch stays first. [2, 1] turns
    (length, channels) into (channels, length).

    Shape: the input's axes in the order of dims.
    """
    axes = range(1, len(x))
    if sorted(dims) != list(axes):
        raise Refused(
            f"expects the axes {list(axes)} of {x} in a new order, got {list(dims)}",
            AtArgument("dims"),
        )
    return Facts(
        (None, *(x[axis] for axis in dims)),
        window=() if dims == tuple(axes) else None,
        axes=tuple(axis - 1 for axis in dims),
    )


def repeat_vector(x: Shape, *, n: A[int, POSITIVE, "Times that the vector is repeated."]) -> Facts:
    """The layer gives one vector to each of n steps, such as an encoder's result to a decoder.

    Shape: (features) becomes (n, features).
    """
    if len(x) != 2:
        raise Refused(f"expects an input of 2 axes (batch, features), got {x}")
    return Facts((None, n, x[1]), window=None)


# --- margins -------------------------------------------------------------------------------------


def _list_margins(rank: int, value: Any) -> tuple[tuple[int, int], ...]:
    return (value,) if rank == 1 else value


def _pad(spatial: Shape, padding: tuple[tuple[int, int], ...]) -> Shape:
    return tuple(
        None if n is None else n + before + after
        for n, (before, after) in zip(spatial, padding, strict=True)
    )


def _crop(spatial: Shape, cropping: tuple[tuple[int, int], ...]) -> Shape:
    for n, (before, after) in zip(spatial, cropping, strict=True):
        if n is not None and before + after >= n:
            raise Refused(f"leaves nothing: {n} - {before} - {after} < 1", AtArgument("cropping"))
    return _pad(spatial, tuple((-before, -after) for before, after in cropping))


def zero_padding(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    one = ((1, 1),) * rank

    def rule(
        x: Shape,
        *,
        padding: A[Any, margins(rank), MARGIN[min(rank, 2)]] = one[0] if rank == 1 else one,
        data_format: DataFormat = "channels_last",
    ) -> Facts:
        """The layer pads by a given number, on one side if wanted; the convolution after it then
        has padding valid. Where strides are over 1, PyTorch's padding=1 is this layer with 1, since
        Keras's padding same may pad the end alone.

        Shape: each spatial axis n becomes before + n + after; the channels stay.
        """
        spatial, channels = split_channels(x, rank, data_format)
        return Facts(
            join_channels(_pad(spatial, _list_margins(rank, padding)), channels, data_format)
        )

    return rule


def cropping_1d(
    x: Shape,
    *,
    cropping: A[Any, margins(1), "Steps to drop at both ends, or [before, after]."] = (1, 1),
) -> Facts:
    """The layer makes lengths equal again, such as those of two branches.

    Shape: the length n becomes n - before - after; the channels stay.
    """
    spatial, channels = split_channels(x, 1, "channels_last")
    return Facts(join_channels(_crop(spatial, (cropping,)), channels, "channels_last"))


def cropping(rank: int, default: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        cropping: A[
            Any,
            margins(rank),
            "Rows to drop: one number, or one or [before, after] for each spatial axis.",
        ] = ((default, default),) * rank,
        data_format: DataFormat = "channels_last",
    ) -> Facts:
        """The layer makes sizes equal again, such as those of a U-Net's two sides.

        Shape: each spatial axis n becomes n - before - after; the channels stay.
        """
        spatial, channels = split_channels(x, rank, data_format)
        return Facts(join_channels(_crop(spatial, cropping), channels, data_format))

    return rule


# --- upsampling ----------------------------------------------------------------------------------


def _enlarge(x: Shape, size: Sizes, data_format: str, reach: int = 1) -> Facts:
    """Return the facts of an input whose spatial axes become `size` times as long.

    reach: rows of the input that a row of the output is mixed from.
    """
    spatial, channels = split_channels(x, len(size), data_format)
    out = tuple(None if n is None else n * by for n, by in zip(spatial, size, strict=True))
    window = tuple((reach, Fraction(1, by)) for by in size)
    return Facts(join_channels(out, channels, data_format), window=window)


def up_sampling_1d(
    x: Shape, *, size: A[int, POSITIVE, "Times that each step is repeated."] = 2
) -> Facts:
    """The layer has no weights; Conv1DTranspose enlarges with learnt kernels.

    Shape: the length n becomes n * size; the channels stay.
    """
    return _enlarge(x, (size,), "channels_last")


# Input rows that one output row is mixed from, when the image grows.
REACH = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


def up_sampling_2d(
    x: Shape,
    *,
    size: A[Sizes, sizes(2), TIMES_REPEATED] = (2, 2),
    data_format: DataFormat = "channels_last",
    interpolation: A[str, choice(*REACH), BETWEEN_PIXELS] = "nearest",
) -> Facts:
    """The layer has no weights; Conv2DTranspose enlarges with learnt kernels. nearest repeats rows
    and columns; the other interpolations compute values between them.

    Shape: each spatial axis n becomes n * size; the channels stay.
    """
    return _enlarge(x, size, data_format, REACH[interpolation])


def up_sampling_3d(
    x: Shape,
    *,
    size: A[Sizes, sizes(3), TIMES_REPEATED] = (2, 2, 2),
    data_format: DataFormat = "channels_last",
) -> Facts:
    """The layer has no weights; Conv3DTranspose enlarges with learnt kernels.

    Shape: each spatial axis n becomes n * size; the channels stay.
    """
    return _enlarge(x, size, data_format)


MOVING = Traits(gradient_needs="nothing")
RESHAPING = replace(MOVING, passes_values=True)
PADDING = replace(MOVING, prepares=True, keeps_sign=True)
ENLARGING = replace(MOVING, title="upsample")

# fmt: off
FAMILY = (
    entry("Flatten", flatten, RESHAPING, "Lay all axes but the batch out in one.",
          "", (5, 5, 16)),
    entry("Reshape", reshape, RESHAPING, "Lay the values out in another shape.",
          "[-1, 768]", (14, 14, 768)),
    entry("Permute", permute, MOVING, "Change the order of the axes.",
          "[2, 1]", (196, 512)),
    entry("RepeatVector", repeat_vector, MOVING, "Repeat a vector along a new axis.",
          "20", (128,)),
    entry("ZeroPadding1D", zero_padding(1), PADDING, "Add steps of zeros at the ends.",
          "[2, 0]", (128, 64)),
    entry("ZeroPadding2D", zero_padding(2), PADDING, "Add rows and columns of zeros at the edges.",
          "3", (224, 224, 3)),
    entry("ZeroPadding3D", zero_padding(3), PADDING, "Add zeros around a volume.",
          "1", (16, 56, 56, 3)),
    entry("Cropping1D", cropping_1d, MOVING, "Drop steps at the ends.",
          "[1, 1]", (128, 64)),
    entry("Cropping2D", cropping(2, 0), MOVING, "Drop rows and columns at the edges.",
          "4", (64, 64, 512)),
    entry("Cropping3D", cropping(3, 1), MOVING, "Drop the outer layers of a volume.",
          "2", (16, 56, 56, 64)),
    entry("UpSampling1D", up_sampling_1d, ENLARGING, "Repeat each step.",
          "2", (64, 128)),
    entry("UpSampling2D", up_sampling_2d, ENLARGING,
          "Enlarge an image by repetition or interpolation.",
          "{size: 2, interpolation: bilinear}", (28, 28, 1024)),
    entry("UpSampling3D", up_sampling_3d, ENLARGING, "Enlarge a volume by repetition.",
          "2", (8, 16, 16, 128)),
)
# fmt: on
