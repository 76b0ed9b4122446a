"""Define layers that multiply the last axes by a learnt matrix, and the lookup in one."""

from __future__ import annotations

import re
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    BOOLEAN,
    POSITIVE,
    POSITIVE_NUMBER,
    TEXT,
    Sizes,
    Type,
    choice,
    optional,
    show,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import entry
from archspec.layers.shapes import multiply, require_channels
from archspec.layers.shared import OutputActivation, UseBias
from archspec.layers.traits import Traits
from archspec.layers.weights import weights


def dense(
    x: Shape,
    *,
    units: A[int, POSITIVE, "Features of the output: columns of the learnt matrix."],
    activation: OutputActivation = None,
    use_bias: UseBias = True,
    **_: A[Any, weights("kernel", "bias", activity=True)],
) -> Facts:
    """activation(x @ kernel + bias), along the last axis alone: on (length, features) it works at
    each step, with the same weights. Flatten first to connect everything with everything.

    Shape: that of the input with units for the last axis.
    Params: channels * units + (units if use_bias else 0)
    MACs: prod(output) * channels
    """
    if len(x) < 2:
        raise Refused(f"expects an input of at least 2 axes (batch, features), got {x}")
    features = require_channels(x[-1])
    weights: dict[str, Sizes] = {"kernel": (features, units)}
    if use_bias:
        weights["bias"] = (units,)
    return Facts((*x[:-1], units), weights, macs=multiply(*x[1:-1], features, units))


OUTPUT_SHAPE = Type(
    "a positive integer, or a list of them and of null",
    {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {
                "type": "array",
                "items": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            },
        ]
    },
    lambda value: tuple(value) if isinstance(value, list | tuple) else (int(value),),
)
EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


def einsum_dense(
    x: Shape,
    *,
    equation: A[
        str,
        TEXT,
        "Axes of input, kernel and output, one letter each: 'abc,cd->abd'; `...` stands for axes "
        "left alone.",
    ],
    output_shape: A[
        Shape,
        OUTPUT_SHAPE,
        "Lengths of the output's axes but the batch and those behind `...`; null for an unknown "
        "one.",
    ],
    activation: OutputActivation = None,
    bias_axes: A[
        str | None,
        optional(TEXT),
        "Letters of the output's axes that the bias has, such as 'd'; null for no bias.",
    ] = None,
    **_: A[Any, weights("kernel", "bias")],
) -> Facts:
    """A letter of the equation names an axis; letters that input and kernel share and the output
    lacks are summed over. 'abc,cd->abd' is Dense: a is the batch, c the features. `...` stands
    for any axes, which are left alone: '...c,cd->...d'. output_shape gives the output's axes
    but the batch and those behind `...`; null keeps the input's length, which is then called
    unknown even where the input's is known, as Keras does.

    Shape: the batch and output_shape, with the axes behind `...` where the equation has them.
    Params: the product of the lengths of the kernel's letters, and of those of bias_axes.
    MACs: the product of the lengths of all letters, the batch's apart.
    """
    before, source, kernel, target, after = _parse_equation(equation)
    elided = len(x) - len(source)
    if elided < 0 or (elided and not before and not after):
        raise Refused(
            f"has {len(source)} input axes in '{equation}', got {x}", AtArgument("equation")
        )
    if elided and before:
        rest, inputs = x[1:elided], dict(zip(source, x[elided:], strict=True))
        if rest != rest[::-1]:
            raise Refused(
                f"mixes up the axes {rest} that '...' stands for, a fault of Keras: give each a "
                "letter",
                AtArgument("equation"),
            )
        shape = (None, *rest, *output_shape)
        named = shape[elided:]
    else:
        rest, inputs = x[len(source) :], dict(zip(source, x, strict=False))
        shape = (None, *output_shape, *rest)
        named = shape[: len(shape) - elided]
    if len(named) != len(target):
        raise Refused(
            f"has {len(target)} output axes in '{equation}', of which output_shape gives "
            f"{len(target) - len(named) + len(output_shape)}, got {list(output_shape)}",
            AtArgument("output_shape"),
        )
    outputs = dict(zip(target, named, strict=True))
    for letter, length in inputs.items():
        if outputs.get(letter) not in (None, length):
            raise Refused(
                f"keeps axis '{letter}' in '{equation}', which is {show(length)} in the input {x} "
                f"and {outputs[letter]} in output_shape",
                AtArgument("output_shape"),
            )
    for letter in [*target, *kernel]:
        if letter not in inputs and not (letter in outputs and letter in kernel):
            raise Refused(
                f"has an axis '{letter}' that stands alone in '{equation}'", AtArgument("equation")
            )
    weights: dict[str, Sizes] = {
        "kernel": _require_lengths(
            {letter: outputs.get(letter, inputs.get(letter)) for letter in kernel}
        )
    }
    if bias_axes is not None:
        if not bias_axes or not set(bias_axes) <= set(target):
            raise Refused(
                f"has no output axes '{bias_axes}' in '{equation}'", AtArgument("bias_axes")
            )
        first = min(target.find(letter) for letter in bias_axes)
        axes = {letter: outputs[letter] if letter in bias_axes else 1 for letter in target[first:]}
        weights["bias"] = (*_require_lengths(axes), *(1,) * (elided if after else 0))
    kept = [length for letter, length in inputs.items() if letter not in kernel]
    batch = 0 if elided and before else 1
    pointwise = {*source} & {*kernel} <= {source[-1]} and target.startswith(source[:-1])
    return Facts(
        shape,
        weights,
        macs=multiply(*weights["kernel"], *kept[batch:], *rest),
        window=() if pointwise and not after else None,
    )


def _parse_equation(equation: str) -> tuple[bool, str, str, str, bool]:
    """Return the axes of input, kernel and output, and whether `...` stands before or after them.

    "...c,cd->...d" gives (True, "c", "cd", "d", False).
    """
    match = EQUATION.fullmatch(equation)
    if match:
        before, source, after, kernel, out_before, target, out_after = match.groups()
        if before == out_before and after == out_after and not (before and after):
            return bool(before), source, kernel, target, bool(after)
    raise Refused(
        "expects an equation such as 'abc,cd->abd', '...b,bc->...c' or 'ab...,bc->ac...', "
        f"got '{equation}'",
        AtArgument("equation"),
    )


def _require_lengths(axes: dict[str, int | None]) -> Sizes:
    """Return the lengths of a weight's axes. Raises `Refused` for an unknown one."""
    for letter, length in axes.items():
        if length is None:
            raise Refused(
                f"needs to know the length of axis '{letter}' for its weights: output_shape may "
                "give it",
                AtArgument("output_shape"),
            )
    return tuple(length for length in axes.values() if length is not None)


InputDim = A[int, POSITIVE, "Integers to tell apart: they are 0 to input_dim - 1."]
OutputDim = A[int, POSITIVE, "Features of each vector."]
MaskZero = A[bool, BOOLEAN, "Whether 0 means 'nothing here' and later layers skip it."]


def embedding(
    x: Shape,
    *,
    input_dim: InputDim,
    output_dim: OutputDim,
    mask_zero: MaskZero = False,
    **_: A[Any, weights("embeddings", before="mask_zero")],
) -> Facts:
    """Row i of a learnt table stands for the integer i: the first layer of a network that reads
    words or categories. The input holds whole numbers from 0 to input_dim - 1.

    Shape: that of the input with output_dim as a new last axis.
    Params: input_dim * output_dim
    """
    return Facts((*x, output_dim), {"embeddings": (input_dim, output_dim)})


def reversible_embedding(
    x: Shape,
    reverse: bool = False,
    *,
    input_dim: InputDim,
    output_dim: OutputDim,
    tie_weights: A[
        bool,
        BOOLEAN,
        "Whether the scores use the table of vectors itself; false gives them a table of their "
        "own.",
    ] = True,
    mask_zero: MaskZero = False,
    reverse_dtype: A[
        str | None,
        choice(None, "float32", "float16", "bfloat16", "float64"),
        "Type that scores are computed in; null for the layer's.",
    ] = None,
    logit_soft_cap: A[
        float | None,
        optional(POSITIVE_NUMBER),
        "Limit that scores are bent to stay below in reverse, as cap * tanh(score / cap); null "
        "for none.",
    ] = None,
    **_: A[Any, weights("embeddings", before="mask_zero")],
) -> Facts:
    """An Embedding that can be called again to score its integers: `reuse` it with `call: {reverse:
    true}` as the last step of a language model, which takes vectors and gives vector @ table.T.

    Shape: the input's and output_dim; in reverse the input's with input_dim for its last axis.
    Params: input_dim * output_dim * (1 if tie_weights else 2)
    MACs: prod(input) * input_dim if reverse else 0
    """
    weights: dict[str, Sizes] = {"embeddings": (input_dim, output_dim)}
    if not tie_weights:
        weights["reverse_embeddings"] = (output_dim, input_dim)
    if not reverse:
        return Facts((*x, output_dim), weights)
    if len(x) < 2 or x[-1] not in (output_dim, None):
        raise Refused(f"takes vectors of {output_dim} numbers (output_dim) in reverse, got {x}")
    return Facts((*x[:-1], input_dim), weights, macs=multiply(*x[1:-1], output_dim, input_dim))


REVERSE = {
    "reverse": "Whether the layer takes vectors and scores all integers, instead of the reverse."
}
DENSE = Traits(kind="dense")

# fmt: off
FAMILY = (
    entry("Dense", dense, replace(DENSE, mask=masks.carry),
          "Multiply the last axis by a learnt matrix.",
          "{units: 10, activation: softmax}", (84,)),
    entry("EinsumDense", einsum_dense, replace(DENSE, fixed_rank=True),
          "Multiply by a learnt tensor, as an equation says.",
          "{equation: 'abc,cde->abde', output_shape: [null, 12, 64], bias_axes: de}", (197, 768)),
    entry("Embedding", embedding, replace(DENSE, mask=masks.make_of_zeros, looks_up="input_dim"),
          "Look up a learnt vector for each integer.",
          "{input_dim: 10000, output_dim: 128, mask_zero: true}", (80,)),
    entry("ReversibleEmbedding", reversible_embedding,
          replace(DENSE, mask=masks.make_of_zeros),
          "Look up a learnt vector for each integer, and score the integers by it in reverse.",
          "{input_dim: 10000, output_dim: 128}", (80,), REVERSE),
)
# fmt: on
