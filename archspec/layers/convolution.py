"""Define convolutions: plain, transposed, depthwise, separable.

A convolution's MACs are those of its kernel at every output position; a transposed one's at every
input position, since each input is multiplied by the whole kernel.
"""

# No `from __future__ import annotations` here, in pooling and in reshaping: annotations close over
# `rank`. In the other families they are read when a spec has the layer.
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    POSITIVE,
    Sizes,
    choice,
    optional,
    sizes,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import entry
from archspec.layers.shapes import (
    Rule,
    join_channels,
    multiply,
    require_channels,
    slide,
    split_channels,
)
from archspec.layers.shared import DataFormat, OutputActivation, UseBias
from archspec.layers.traits import Traits
from archspec.layers.weights import weights

# Rank -> a sentence; where there are two, the second is for 2 axes and for 3.
KERNEL_SIZE = {
    1: "Steps that the kernel covers.",
    2: "Rows and columns that the kernel covers: 3 is 3x3, [1, 7] one row of 7.",
    3: "Length of the kernel along each spatial axis: 3 is 3x3x3.",
}
STRIDES = {
    1: "Steps that the kernel moves from one output to the next: 2 halves the length.",
    2: "How far the kernel moves from one output to the next: 2 halves every spatial axis; "
    "a list has one number for each.",
}
GROWTH = {
    1: "Times that the length grows.",
    2: "Times that each spatial axis grows: one number, or one for each.",
}
PADDING = (
    "valid keeps the kernel inside the input, so that the output is smaller; same adds "
    "zeros around it, so that with strides 1 the size stays."
)
CAUSAL_PADDING = (
    "valid keeps the kernel inside the input, so that the output is shorter; same adds "
    "zeros at both ends, so that with strides 1 the length stays; causal adds them before "
    "the start only, so that no output sees a later input."
)


def _refuse_both(strides: Iterable[int], dilation_rate: Iterable[int]) -> None:
    if max(strides) > 1 and max(dilation_rate) > 1:
        raise Refused(
            "takes strides or dilation_rate over 1, not both", AtArgument("dilation_rate")
        )


def _find_window(kernel: Sizes, strides: Sizes, dilation: Sizes) -> tuple[tuple[int, int], ...]:
    axes = zip(kernel, strides, dilation, strict=True)
    return tuple(((size - 1) * rate + 1, stride) for size, stride, rate in axes)


Filters = A[int, POSITIVE, "Channels of the output, each with a learnt kernel of its own."]
SPREAD = (
    "Distance between the inputs that neighbouring kernel values meet: 2 leaves one out, so "
    "that a kernel of 3 spans 5."
)


def conv(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    paddings = choice("valid", "same", "causal") if rank == 1 else choice("valid", "same")

    def rule(
        x: Shape,
        *,
        filters: Filters,
        kernel_size: A[Sizes, sizes(rank), KERNEL_SIZE[rank]],
        strides: A[Sizes, sizes(rank), STRIDES[min(rank, 2)]] = (1,) * rank,
        padding: A[str, paddings, CAUSAL_PADDING if rank == 1 else PADDING] = "valid",
        data_format: DataFormat = "channels_last",
        dilation_rate: A[Sizes, sizes(rank), SPREAD] = (1,) * rank,
        groups: A[
            int,
            POSITIVE,
            "Parts that channels and filters are split in, each convolved on its own: it must "
            "divide both, and makes the kernel smaller by that factor.",
        ] = 1,
        activation: OutputActivation = None,
        use_bias: UseBias = True,
        **_: A[Any, weights("kernel", "bias", activity=True)],
    ) -> Facts:
        """The kernel slides over the input; at each place, the values under it times the kernel's
        are summed over all channels, once for each filter. With groups, each filter sees its
        part of the channels only; as many groups as channels make a depthwise convolution. Not
        both strides and dilation_rate may be over 1.

        Shape: each spatial axis n becomes floor((n - reach) / strides) + 1 with padding valid and
            ceil(n / strides) else, where reach = (kernel_size - 1) * dilation_rate + 1; the
            channels become filters.
        Params: prod(kernel_size) * channels / groups * filters + (filters if use_bias else 0)
        MACs: prod(output) * prod(kernel_size) * channels / groups
        """
        spatial, channels = split_channels(x, rank, data_format)
        channels = require_channels(channels)
        for count, what in ((filters, "filters"), (channels, "input channels")):
            if count % groups:
                raise Refused(
                    f"cannot share {count} {what} evenly among {groups} groups",
                    AtArgument("groups"),
                )
        _refuse_both(strides, dilation_rate)
        out = slide(spatial, kernel_size, strides, padding, dilation_rate, "kernel_size")
        weights = {"kernel": (*kernel_size, channels // groups, filters)}
        if use_bias:
            weights["bias"] = (filters,)
        return Facts(
            shape=join_channels(out, filters, data_format),
            weights=weights,
            macs=multiply(*out, *weights["kernel"]),
            window=_find_window(kernel_size, strides, dilation_rate),
        )

    return rule


def conv_transpose(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        filters: Filters,
        kernel_size: A[Sizes, sizes(rank), KERNEL_SIZE[rank]],
        strides: A[Sizes, sizes(rank), GROWTH[min(rank, 2)]] = (1,) * rank,
        padding: A[
            str,
            choice("valid", "same"),
            "same makes the output strides times as long as the input; valid keeps all that the "
            "kernel reaches.",
        ] = "valid",
        output_padding: A[
            Sizes | None,
            optional(sizes(rank, minimum=0)),
            "Rows added at the end of each spatial axis, fewer than its stride; null for what "
            "padding says.",
        ] = None,
        data_format: DataFormat = "channels_last",
        dilation_rate: A[Sizes, sizes(rank), SPREAD] = (1,) * rank,
        activation: OutputActivation = None,
        use_bias: UseBias = True,
        **_: A[Any, weights("kernel", "bias", activity=True)],
    ) -> Facts:
        """The layer is the reverse of a convolution, and enlarges its input: each input value is
        multiplied by the whole kernel and added to the output, strides rows further for each input
        row. Not both strides and dilation_rate may be over 1.

        Shape: each spatial axis n becomes n * strides with padding same and (n - 1) * strides +
            max(reach, strides) with valid, where reach = (kernel_size - 1) * dilation_rate + 1; if
            output_padding is given, (n - 1) * strides + reach % 2 + output_padding with same and
            (n - 1) * strides + reach + output_padding with valid; the channels become filters.
        Params: prod(kernel_size) * filters * channels + (filters if use_bias else 0)
        MACs: prod(input) * prod(kernel_size) * filters
        """
        spatial, channels = split_channels(x, rank, data_format)
        channels = require_channels(channels)
        _refuse_both(strides, dilation_rate)
        reach = [(k - 1) * d + 1 for k, d in zip(kernel_size, dilation_rate, strict=True)]
        out: list[int | None] = []
        for axis, (n, k, stride) in enumerate(zip(spatial, reach, strides, strict=True)):
            extra = output_padding[axis] if output_padding else None
            if extra is not None and extra >= stride:
                raise Refused(
                    f"takes an output_padding below its strides, got {extra} with strides {stride}",
                    AtArgument("output_padding"),
                )
            if padding == "same" and extra == 0 and k % 2 == 0:
                raise Refused(  # Keras makes it one row shorter, which TensorFlow cannot undo
                    "takes an output_padding of at least 1 for an even kernel with padding 'same', "
                    f"got 0 with a kernel of {k}",
                    AtArgument("output_padding"),
                )
            if n is None:
                out.append(None)
            elif padding == "valid":
                out.append((n - 1) * stride + (max(k, stride) if extra is None else k + extra))
            else:
                out.append(n * stride if extra is None else (n - 1) * stride + k % 2 + extra)
        weights = {"kernel": (*kernel_size, filters, channels)}
        if use_bias:
            weights["bias"] = (filters,)
        return Facts(
            shape=join_channels(tuple(out), filters, data_format),
            weights=weights,
            macs=multiply(*spatial, *weights["kernel"]),
            window=tuple(
                (ceil(k / stride), Fraction(1, stride))
                for k, stride in zip(reach, strides, strict=True)
            ),
        )

    return rule


Padding = A[str, choice("valid", "same"), PADDING]
DepthMultiplier = A[int, POSITIVE, "Kernels, and so outputs, that each input channel gets."]


def depthwise_conv(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        kernel_size: A[Sizes, sizes(rank), KERNEL_SIZE[rank]],
        strides: A[Sizes, sizes(rank), STRIDES[min(rank, 2)]] = (1,) * rank,
        padding: Padding = "valid",
        depth_multiplier: DepthMultiplier = 1,
        data_format: DataFormat = "channels_last",
        dilation_rate: A[Sizes, sizes(rank), SPREAD] = (1,) * rank,
        activation: OutputActivation = None,
        use_bias: UseBias = True,
        **_: A[Any, weights("depthwise", "bias", activity=True)],
    ) -> Facts:
        """Each channel is convolved with depth_multiplier kernels of its own, and no channel sees
        another: the first half of a separable convolution, at a small part of a convolution's
        cost.

        Shape: each spatial axis n becomes ceil(n / strides) with padding same and floor((n -
            reach) / strides) + 1 with valid, where reach = (kernel_size - 1) * dilation_rate + 1;
            the channels become channels * depth_multiplier.
        Params: prod(kernel_size) * channels * depth_multiplier + (channels * depth_multiplier if
            use_bias else 0)
        MACs: prod(output) * prod(kernel_size)
        """
        spatial, channels = split_channels(x, rank, data_format)
        channels = require_channels(channels)
        out = slide(spatial, kernel_size, strides, padding, dilation_rate, "kernel_size")
        weights = {"kernel": (*kernel_size, channels, depth_multiplier)}
        if use_bias:
            weights["bias"] = (channels * depth_multiplier,)
        return Facts(
            shape=join_channels(out, channels * depth_multiplier, data_format),
            weights=weights,
            macs=multiply(*out, *weights["kernel"]),
            window=_find_window(kernel_size, strides, dilation_rate),
        )

    return rule


def separable_conv(rank: int) -> Rule:
    """Return the rule for `rank` spatial axes."""

    def rule(
        x: Shape,
        *,
        filters: Filters,
        kernel_size: A[Sizes, sizes(rank), KERNEL_SIZE[rank]],
        strides: A[Sizes, sizes(rank), STRIDES[min(rank, 2)]] = (1,) * rank,
        padding: Padding = "valid",
        data_format: DataFormat = "channels_last",
        dilation_rate: A[Sizes, sizes(rank), SPREAD] = (1,) * rank,
        depth_multiplier: DepthMultiplier = 1,
        activation: OutputActivation = None,
        use_bias: UseBias = True,
        **_: A[Any, weights("depthwise", "pointwise", "bias", activity=True)],
    ) -> Facts:
        """A depthwise convolution works in each channel alone, and then a 1x1 convolution mixes the
        channels. Nothing stands between the two; the activation follows the second.

        Shape: each spatial axis n becomes ceil(n / strides) with padding same and floor((n -
            reach) / strides) + 1 with valid, where reach = (kernel_size - 1) * dilation_rate + 1;
            the channels become filters.
        Params: channels * depth_multiplier * (prod(kernel_size) + filters) + (filters if use_bias
            else 0)
        MACs: prod(output) / filters * channels * depth_multiplier * (prod(kernel_size) + filters)
        """
        spatial, channels = split_channels(x, rank, data_format)
        channels = require_channels(channels)
        out = slide(spatial, kernel_size, strides, padding, dilation_rate, "kernel_size")
        inner = channels * depth_multiplier
        weights = {
            "depthwise_kernel": (*kernel_size, channels, depth_multiplier),
            "pointwise_kernel": (*(1,) * rank, inner, filters),
        }
        macs = [multiply(*out, *kernel) for kernel in weights.values()]
        if use_bias:
            weights["bias"] = (filters,)
        return Facts(
            shape=join_channels(out, filters, data_format),
            weights=weights,
            macs=None if None in macs else sum(each for each in macs if each is not None),
            window=_find_window(kernel_size, strides, dilation_rate),
        )

    return rule


def _keep_channels_alone(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], output: Shape
) -> int | None:
    """Keep what comes between the two convolutions of a separable one."""
    first = arguments["data_format"] == "channels_first"
    channels = inputs[0][1 if first else -1]
    spatial = output[2:] if first else output[1:-1]
    return multiply(*spatial, channels, arguments["depth_multiplier"])


CONVOLUTION = Traits(kind="convolution")
SEPARABLE = replace(CONVOLUTION, keeps=_keep_channels_alone)
TRANSPOSED = replace(CONVOLUTION, enlarges=True)

# fmt: off
FAMILY = (
    entry("Conv1D", conv(1), CONVOLUTION, "Convolve a sequence with learnt kernels.",
          "{filters: 64, kernel_size: 5, padding: causal, activation: relu}", (128, 32)),
    entry("Conv2D", conv(2), CONVOLUTION, "Convolve an image with learnt kernels.",
          "{filters: 6, kernel_size: 5, activation: sigmoid}", (28, 28, 1)),
    entry("Conv3D", conv(3), CONVOLUTION, "Convolve a volume or a video with learnt kernels.",
          "{filters: 32, kernel_size: 3, padding: same}", (16, 112, 112, 3)),
    entry("Conv1DTranspose", conv_transpose(1), TRANSPOSED,
          "Enlarge a sequence with learnt kernels.",
          "{filters: 32, kernel_size: 4, strides: 2, padding: same}", (64, 64)),
    entry("Conv2DTranspose", conv_transpose(2), TRANSPOSED, "Enlarge an image with learnt kernels.",
          "{filters: 512, kernel_size: 2, strides: 2}", (28, 28, 1024)),
    entry("Conv3DTranspose", conv_transpose(3), TRANSPOSED, "Enlarge a volume with learnt kernels.",
          "{filters: 64, kernel_size: 2, strides: 2}", (8, 16, 16, 128)),
    entry("DepthwiseConv1D", depthwise_conv(1), CONVOLUTION,
          "Convolve each channel of a sequence alone.",
          "{kernel_size: 7, padding: same}", (128, 64)),
    entry("DepthwiseConv2D", depthwise_conv(2), CONVOLUTION,
          "Convolve each channel of an image alone.",
          "{kernel_size: 3, strides: 2, padding: same, use_bias: false}", (112, 112, 96)),
    entry("SeparableConv1D", separable_conv(1), SEPARABLE,
          "Convolve each channel of a sequence alone, then mix the channels.",
          "{filters: 64, kernel_size: 3, padding: same}", (128, 32)),
    entry("SeparableConv2D", separable_conv(2), SEPARABLE,
          "Convolve each channel of an image alone, then mix the channels.",
          "{filters: 728, kernel_size: 3, padding: same, use_bias: false}", (19, 19, 728)),
)
# fmt: on
