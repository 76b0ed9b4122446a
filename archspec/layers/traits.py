"""Define the traits of layers, which memory, pictures, recipes and reuse need besides the facts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct, field

from archspec.graph import Shape
from archspec.layers.masks import MaskRule, end
from archspec.layers.shapes import multiply

Kind = Literal[
    "normalization",
    "pooling",
    "convolution",
    "dense",
    "attention",
    "activation",
    "merge",
    "dropout, noise",
    "other",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


# (arguments, shapes of the inputs, shape of the output) -> values of one sample
Keeps = Callable[[Mapping[str, Any], Sequence[Shape], Shape], int | None]


def keep_nothing(arguments: Mapping[str, Any], inputs: Sequence[Shape], output: Shape) -> int:
    """Keep no values inside a layer."""
    return 0


def keep_one(arguments: Mapping[str, Any], inputs: Sequence[Shape], output: Shape) -> int | None:
    """Keep as many values inside a layer as its output has."""
    return multiply(*output[1:])


class Traits(Struct, frozen=True, eq=False):
    """The traits of a layer. A family's file states them once, and its entries what differs.

    kind: what pictures colour it by.
    title: what papers call it, where that is not its class's own words in lower case.
    shares_box: whether pictures draw it in the box of the layer whose output it takes, as they do
        a normalization after a convolution.
    prepares: whether it only prepares the input of the convolution or pooling after it, and is
        drawn in that one's box.
    enlarges: whether its strides enlarge the input.
    gradient_needs: what the backward pass reads again: the layer's inputs, its output (or something
        as large, such as a mask), both, or nothing that large. Of a layer with an activation, the
        activation decides what comes on top.
    keeps: gives the number of values of one sample that the layer keeps inside for the backward
        pass besides, from its arguments and the shapes of its inputs and output; None if an axis
        is unknown.
    follows: arguments that, left out, are what another one is, by that other's name; given or not,
        the layer is the same.
    activation: the activation function that it is, by its name in a spec.
    passes_values: whether it hands on the values of its input, at most in another shape.
    linear: whether its output is a fixed linear function of its input, but for a constant.
    keeps_sign: whether its output is nowhere negative if its input is not.
    changes_range: whether it may give pixels another range than its input's.
    factor: of a layer that changes the range by constants, the function that gives the largest
        number it multiplies by, from its arguments.
    adapted: the argument that, left out, only the layer's `adapt` gives; "" if there is none.
    takes_unit_range: whether a value_range of [0, 1] is right whatever the range of the pixels.
    batch_statistics: whether it works by statistics of the batch in training and by averages of
        them at inference.
    joins_any: whether it joins any number of inputs, and is nothing where there is one.
    any_order: whether the order of its inputs changes nothing but how the sum is rounded.
    scales: whether it scales an input by the others, so that one which is the same at every place
        is a gate.
    fixed_rank: whether Keras ties it to the number of axes of its first input, even where the
        weights fit.
    mask: what becomes of a mask that comes with its inputs, and whether the layer makes one.
    aligns: whether Keras settles at the first call that inputs of fewer axes are aligned.
    looks_up: the argument with the number of rows of a table that the input's numbers name; "" for
        a layer without one.
    moves_pixels: whether it moves pixels, which those of a mask must follow.
    augments_only: why it works in `train.augment` alone, where a layer acts in training only; ""
        for a layer that works anywhere.
    """

    kind: Kind = "other"
    title: str | None = None
    shares_box: bool = False
    prepares: bool = False
    enlarges: bool = False
    gradient_needs: Literal["inputs", "output", "both", "nothing"] = "inputs"
    keeps: Keeps = keep_nothing
    follows: Mapping[str, str] = field(default_factory=dict)
    activation: str | None = None
    passes_values: bool = False
    linear: bool = False
    keeps_sign: bool = False
    changes_range: bool = False
    factor: Callable[[Mapping[str, Any]], float] | None = None
    adapted: str = ""
    takes_unit_range: bool = False
    batch_statistics: bool = False
    joins_any: bool = False
    any_order: bool = False
    scales: bool = False
    fixed_rank: bool = False
    mask: MaskRule = end
    aligns: bool = False
    looks_up: str = ""
    moves_pixels: bool = False
    augments_only: str = ""
