"""Define pooling: the largest or the mean over windows, a given number of them, or all."""

from math import ceil
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import BOOLEAN, REQUIRED, Sizes, choice, optional, sizes
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import entry
from archspec.layers.shapes import Rule, join_channels, slide, split_channels
from archspec.layers.shared import DataFormat
from archspec.layers.traits import Traits

# Rank -> a sentence.
POOL_SIZE = {
    1: "Steps that the window covers.",
    2: "Rows and columns that the window covers: 2 is 2x2, [1, 2] two in a row.",
    3: "Length of the window along each spatial axis: 2 is 2x2x2.",
}


def pool(rank: int, size: Any) -> Rule:
    """Return the rule of pooling over a sliding window.

    size: the default window, which Keras gives MaxPooling and not AveragePooling.
    """

    def rule(
        x: Shape,
        *,
        pool_size: A[Sizes, sizes(rank), POOL_SIZE[rank]] = size,
        strides: A[
            Sizes | None,
            optional(sizes(rank)),
            "How far the window moves from one output to the next; null for pool_size, so that "
            "each value is looked at once.",
        ] = None,
        padding: A[
            str,
            choice("valid", "same"),
            "valid keeps the window inside the input and drops what is left over at the end; same "
            "lets it reach over the edges, where nothing counts.",
        ] = "valid",
        data_format: DataFormat = "channels_last",
    ) -> Facts:
        """Each channel is pooled by itself. With padding same the window reaches beyond the edge,
        where nothing counts: a maximum or mean is taken of the values that are there.

        Shape: each spatial axis n becomes ceil(n / strides) with padding same and floor((n -
            pool_size) / strides) + 1 with valid, where strides is pool_size if it is null; the
            channels stay.
        """
        spatial, channels = split_channels(x, rank, data_format)
        strides = strides or pool_size
        out = slide(spatial, pool_size, strides, padding, (1,) * rank, "pool_size")
        window = tuple(zip(pool_size, strides, strict=True))
        return Facts(join_channels(out, channels, data_format), window=window)

    return rule


def max_pool(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    return pool(rank, (2,) * rank)


def average_pool(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    return pool(rank, REQUIRED)


def global_pool(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        data_format: DataFormat = "channels_last",
        keepdims: A[
            bool,
            BOOLEAN,
            "Whether the pooled axes stay, with length 1, so that the result can scale the input.",
        ] = False,
    ) -> Facts:
        """The layer gives one number for each channel, whatever the size of the input. It leads
        from feature maps to the dense head of a classifier, without the weights that Flatten would
        cost there.

        Shape: the channels alone; with keepdims each spatial axis stays, as 1.
        """
        _, channels = split_channels(x, rank, data_format)
        ones = (1,) * rank if keepdims else ()
        return Facts(join_channels(ones, channels, data_format), window=None)

    return rule


def adaptive_pool(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        output_size: A[
            Sizes,
            sizes(rank),
            "Windows, and so outputs, along each spatial axis: one number, or one for each.",
        ],
        data_format: DataFormat = "channels_last",
    ) -> Facts:
        """Each axis is covered by output_size windows, as even as they can be, so that the output
        has that size whatever the input's is; windows overlap where they must.

        Shape: the spatial axes become output_size; the channels stay.
        """
        spatial, channels = split_channels(x, rank, data_format)
        for n, size in zip(spatial, output_size, strict=True):
            if n is None:
                raise Refused(f"needs to know the spatial axes of its input, unknown in {x}")
            reach = ceil(n / size) + 1  # Keras slides windows of this and of one less
            if reach > n:
                raise Refused(
                    f"cannot make {size} of {n} rows, for which TensorFlow has no windows: take a "
                    "global pooling layer, or an ordinary one with a pool_size of all rows",
                    AtArgument("output_size"),
                )
        return Facts(join_channels(output_size, channels, data_format), window=None)

    return rule


MAX = Traits(kind="pooling", keeps_sign=True)
MEAN = replace(MAX, gradient_needs="nothing", linear=True)
FOLLOWS = {"strides": "pool_size"}
SLIDING_MAX = replace(MAX, gradient_needs="both", follows=FOLLOWS)
SLIDING_MEAN = replace(MEAN, follows=FOLLOWS)

# fmt: off
FAMILY = (
    entry("MaxPooling1D", max_pool(1), SLIDING_MAX,
          "Take the largest value in a sliding window of steps.",
          "{pool_size: 2}", (128, 64)),
    entry("MaxPooling2D", max_pool(2), SLIDING_MAX, "Take the largest value in a sliding window.",
          "{pool_size: 3, strides: 2, padding: same}", (112, 112, 64)),
    entry("MaxPooling3D", max_pool(3), SLIDING_MAX, "Take the largest value in a sliding window.",
          "{pool_size: [1, 2, 2]}", (16, 112, 112, 64)),
    entry("AveragePooling1D", average_pool(1), SLIDING_MEAN,
          "Take the mean of a sliding window of steps.",
          "{pool_size: 4}", (128, 64)),
    entry("AveragePooling2D", average_pool(2), SLIDING_MEAN, "Take the mean of a sliding window.",
          "{pool_size: 2, strides: 2}", (28, 28, 6)),
    entry("AveragePooling3D", average_pool(3), SLIDING_MEAN, "Take the mean of a sliding window.",
          "{pool_size: 2}", (16, 56, 56, 64)),
    entry("GlobalMaxPooling1D", global_pool(1), MAX, "Take each channel's largest value.",
          "", (128, 64)),
    entry("GlobalMaxPooling2D", global_pool(2), MAX, "Take each channel's largest value.",
          "", (7, 7, 512)),
    entry("GlobalMaxPooling3D", global_pool(3), MAX, "Take each channel's largest value.",
          "", (2, 7, 7, 512)),
    entry("GlobalAveragePooling1D", global_pool(1), MEAN, "Take each channel's mean.",
          "", (128, 64)),
    entry("GlobalAveragePooling2D", global_pool(2), MEAN, "Take each channel's mean.",
          "", (7, 7, 512)),
    entry("GlobalAveragePooling3D", global_pool(3), MEAN, "Take each channel's mean.",
          "", (2, 7, 7, 512)),
    entry("AdaptiveMaxPooling1D", adaptive_pool(1), MAX, "Take maxima, to a given length.",
          "{output_size: 16}", (100, 64)),
    entry("AdaptiveMaxPooling2D", adaptive_pool(2), MAX, "Take maxima, to a given size.",
          "{output_size: 7}", (10, 13, 512)),
    entry("AdaptiveMaxPooling3D", adaptive_pool(3), MAX, "Take maxima, to a given size.",
          "{output_size: [2, 7, 7]}", (4, 10, 10, 512)),
    entry("AdaptiveAveragePooling1D", adaptive_pool(1), MEAN, "Take means, to a given length.",
          "{output_size: 16}", (100, 64)),
    entry("AdaptiveAveragePooling2D", adaptive_pool(2), MEAN, "Take means, to a given size.",
          "{output_size: 6}", (13, 13, 256)),
    entry("AdaptiveAveragePooling3D", adaptive_pool(3), MEAN, "Take means, to a given size.",
          "{output_size: [2, 7, 7]}", (4, 10, 10, 512)),
)
# fmt: on
