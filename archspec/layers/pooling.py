"""Pooling: the largest or the mean over windows, over a given number of them, or over all."""

from typing import Annotated as A
from typing import Any

from archspec.arguments import BOOLEAN, DATA_FORMAT, REQUIRED, Sizes, choice, optional, sizes
from archspec.errors import Refused
from archspec.graph import Facts, Shape
from archspec.layers.shapes import Rule, joined, slide, spatial_axes


def pool(rank: int, size: Any) -> Rule:
    """`size`: the default window, which Keras gives MaxPooling and not AveragePooling."""

    def rule(
        x: Shape,
        *,
        pool_size: A[Sizes, sizes(rank)] = size,
        strides: A[Sizes | None, optional(sizes(rank))] = None,
        padding: A[str, choice("valid", "same")] = "valid",
        data_format: A[str, DATA_FORMAT] = "channels_last",
    ) -> Facts:
        spatial, channels = spatial_axes(x, rank, data_format)
        strides = strides or pool_size
        out = slide(spatial, pool_size, strides, padding, (1,) * rank, "pool_size")
        window = tuple(zip(pool_size, strides, strict=True))
        return Facts(joined(out, channels, data_format), window=window)

    return rule


def max_pool(rank: int) -> Rule:
    return pool(rank, (2,) * rank)


def average_pool(rank: int) -> Rule:
    return pool(rank, REQUIRED)


def global_pool(rank: int) -> Rule:
    def rule(
        x: Shape,
        *,
        data_format: A[str, DATA_FORMAT] = "channels_last",
        keepdims: A[bool, BOOLEAN] = False,
    ) -> Facts:
        _, channels = spatial_axes(x, rank, data_format)
        ones = (1,) * rank if keepdims else ()
        return Facts(joined(ones, channels, data_format), window=None)

    return rule


def adaptive_pool(rank: int) -> Rule:
    def rule(
        x: Shape,
        *,
        output_size: A[Sizes, sizes(rank)],
        data_format: A[str, DATA_FORMAT] = "channels_last",
    ) -> Facts:
        spatial, channels = spatial_axes(x, rank, data_format)
        for n, size in zip(spatial, output_size, strict=True):
            if n is None:
                raise Refused(f"needs to know the spatial axes of its input, unknown in {x}")
            if n < size:
                raise Refused(f"cannot make {size} rows of {n}", "output_size")
        return Facts(joined(output_size, channels, data_format), window=None)

    return rule
