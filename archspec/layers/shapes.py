"""Compute shapes for the rules of several families, and refuse what all of them refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, isqrt, prod

from archspec.arguments import Sizes
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape

Rule = Callable[..., Facts]
Axes = int | tuple[int, ...]

MAX_REACH = 2**16  # rows from end to end of a window; Keras pads the input by as many
AXES_OF_RANK = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}


def split_channels(x: Shape, rank: int, data_format: str) -> tuple[Shape, int | None]:
    """Return the spatial axes and the channels of an input with `rank` spatial axes.

    Raises `Refused` for an input of another number of axes.
    """
    if len(x) != rank + 2:
        axes = AXES_OF_RANK[rank]
        axes = (*axes, "channels") if data_format == "channels_last" else ("channels", *axes)
        message = f"expects an input of {rank + 2} axes (batch, {', '.join(axes)}), got {x}"
        raise Refused(message, hint=_suggest_rank(x, rank, data_format))
    return (x[1:-1], x[-1]) if data_format == "channels_last" else (x[2:], x[1])


def _suggest_rank(x: Shape, rank: int, data_format: str) -> str | None:
    """Return a hint for an input of another number of axes than a layer takes."""
    if rank == 1 and len(x) == 4:
        return "take its 2D form for images"
    if data_format != "channels_last" or len(x) < 2 or None in x[1:]:
        return None
    side = isqrt(x[1] or 0)
    if len(x) == rank + 1 and rank < 3:
        shape = (*x[1:], 1)
    elif len(x) == 2 and rank == 2 and side**2 == x[1]:
        shape = (side, side, 1)
    else:
        return None
    return f"put `- Reshape: {list(shape)}` before it, or give the network such an input"


def join_channels(spatial: Shape, channels: int | None, data_format: str) -> Shape:
    """Return the shape with these spatial axes and channels; the reverse of `split_channels`."""
    if data_format == "channels_last":
        return (None, *spatial, channels)
    return (None, channels, *spatial)


def require_channels(channels: int | None) -> int:
    """Return channels that a weight's shape depends on. Raises `Refused` for an unknown number."""
    if channels is None:
        raise Refused("needs to know the channels of its input, which are unknown (null)")
    return channels


def find_axis(x: Shape, axis: int, argument: str = "axis") -> int:
    """Return `axis` counted from 0. Raises `Refused` for one that `x` lacks."""
    if not -len(x) <= axis < len(x):
        raise Refused(f"has no axis {axis} in an input of {len(x)} axes, {x}", AtArgument(argument))
    return axis % len(x)


def find_axes(x: Shape, axis: Axes, argument: str = "axis") -> list[int]:
    """Return one axis or several, counted from 0. Raises `Refused` for one that is named twice."""
    places = [
        find_axis(x, each, argument) for each in (axis if isinstance(axis, tuple) else (axis,))
    ]
    if len(set(places)) < len(places):
        raise Refused(f"names an axis of {x} twice", AtArgument(argument))
    return places


def require_length_on(x: Shape, axis: int, argument: str = "axis") -> int:
    """Return the length of an axis, which a weight's shape depends on.

    Raises `Refused` for the batch axis and for an unknown length.
    """
    place = find_axis(x, axis, argument)
    length = x[place]
    if place == 0:
        raise Refused(
            f"cannot work along axis {axis} of {x}, which is the batch axis", AtArgument(argument)
        )
    if length is None:
        raise Refused(
            f"needs to know the length of axis {axis} of its input, unknown in {x}",
            AtArgument(argument),
        )
    return length


def slide(
    spatial: Shape, kernel: Sizes, strides: Sizes, padding: str, dilation: Sizes, argument: str
) -> Shape:
    """Return the lengths of the output of a sliding window, axis by axis.

    They are ceil(n / s) for same and causal padding, and floor((n - k) / s) + 1 for valid, with
    k = (size - 1) * dilation + 1. argument: the one to blame for a window that does not fit.
    """
    out: list[int | None] = []
    for n, size, stride, rate in zip(spatial, kernel, strides, dilation, strict=True):
        reach = (size - 1) * rate + 1
        unit = "columns" if len(spatial) == 2 and len(out) == 1 else "rows"
        if reach > MAX_REACH:
            raise Refused(
                f"has a window over {reach:,} {unit}, over the limit of {MAX_REACH:,}",
                AtArgument(argument),
            )
        if n is None:
            out.append(None)
        elif padding != "valid":
            out.append(ceil(n / stride))
        elif n < reach:
            what = f"{size}" if rate == 1 else f"{reach} (= ({size} - 1) * {rate} + 1)"
            raise Refused(
                f"does not fit: a window of {what} on {n} {unit} with padding 'valid' leaves "
                f"nothing: ({n} - {reach})/{stride} + 1 < 1",
                AtArgument(argument),
            )
        else:
            out.append((n - reach) // stride + 1)
    return tuple(out)


def multiply(*sizes: int | None) -> int | None:
    """Return the product of lengths; None if one is unknown."""
    return None if None in sizes else prod(size for size in sizes if size is not None)


def list_shapes(shapes: Iterable[Shape]) -> str:
    """Return shapes as errors name them: "(None, 2) and (None, 3)"."""
    return " and ".join(map(str, shapes))
