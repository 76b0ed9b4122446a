"""Define layers that make one tensor of several."""

from __future__ import annotations

from typing import Annotated as A

from msgspec.structs import replace

from archspec.arguments import BOOLEAN, INTEGER, Type
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import entry
from archspec.layers.shapes import find_axis, list_shapes
from archspec.layers.traits import Traits


def merge(xs: list[Shape]) -> Facts:
    """The inputs have one shape, or axes of 1, which are repeated to match, as numpy does. Give
    them by `from: [a, b]`, or as the merge of branches.

    Shape: that of the inputs; where one has 1, the other's length.
    """
    if len(xs) < 2:
        raise Refused(f"merges at least 2 inputs, got {len(xs)}: write `from: [a, b]`")
    out = xs[0][1:]
    for x in xs[1:]:
        longer, shorter = sorted((out, x[1:]), key=len, reverse=True)
        start = len(longer) - len(shorter)
        merged: list[int | None] = []
        for a, b in zip(longer[start:], shorter, strict=True):
            if None not in (a, b) and a != b and 1 not in (a, b):
                raise Refused(f"cannot merge inputs of shapes {list_shapes(xs)}: {a} is not {b}")
            merged.append(None if None in (a, b) else b if a == 1 else a)
        out = (*longer[:start], *merged)
    return Facts((None, *out))


def subtract(xs: list[Shape]) -> Facts:
    """The inputs have one shape, or axes of 1, which are repeated to match, as numpy does. Give
    them by `from: [a, b]`: a - b.

    Shape: that of the inputs; where one has 1, the other's length.
    """
    if len(xs) != 2:
        raise Refused(f"takes 2 inputs, got {len(xs)}: write `from: [a, b]`")
    return merge(xs)


def concatenate(
    xs: list[Shape],
    *,
    axis: A[int, INTEGER, "Axis to join along; -1 is the last, the batch is 0."] = -1,
) -> Facts:
    """All other axes must agree. Joining the channels is how Inception's branches, DenseNet's
    layers and U-Net's skips come together.

    Shape: that of the inputs, with the sum of their lengths on axis.
    """
    if not xs:
        raise Refused("joins at least 1 input, got none")
    if len({len(x) for x in xs}) > 1:
        raise Refused(f"joins inputs with the same number of axes, got shapes {list_shapes(xs)}")
    along = find_axis(xs[0], axis)
    if along == 0:
        raise Refused(
            f"cannot join along axis {axis} of {xs[0]}, which is the batch axis", AtArgument("axis")
        )
    for place, lengths in enumerate(zip(*xs, strict=True)):
        if place != along and len({n for n in lengths if n is not None}) > 1:
            raise Refused(
                f"joins along axis {axis}, so the other axes must agree: axis {place} is "
                f"{' and '.join(map(str, lengths))} in {list_shapes(xs)}"
            )
    joined = [x[along] for x in xs]
    total = None if None in joined else sum(n for n in joined if n is not None)
    # Where the first input's length is unknown and another's is not, Keras leaves it unknown.
    return Facts((*xs[0][:along], total, *xs[0][along + 1 :]))


PAIR = Type(
    "an integer, or a list of 2",
    {
        "anyOf": [
            {"type": "integer"},
            {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        ]
    },
    lambda value: tuple(map(int, value)) if isinstance(value, list | tuple) else int(value),
)


def dot(
    xs: list[Shape],
    *,
    axes: A[
        int | tuple[int, int],
        PAIR,
        "Axis to sum along, or [axis of the first input, axis of the second].",
    ],
    normalize: A[
        bool, BOOLEAN, "Whether to scale both inputs to length 1 first, which gives the cosine."
    ] = False,
) -> Facts:
    """out = sum over k of a[..., k] * b[..., k], where k runs along axes. Two vectors give one
    number; with normalize it is the cosine of their angle.

    Shape: the first input's axes without the one that is summed, then the second's; 1 if none is
        left.
    """
    if len(xs) != 2:
        raise Refused(f"takes 2 inputs, got {len(xs)}: write `from: [a, b]`")
    along = axes if isinstance(axes, tuple) else (axes, axes)
    places = [find_axis(x, axis, "axes") for x, axis in zip(xs, along, strict=True)]
    if 0 in places:
        raise Refused(
            f"cannot work along the batch axis, got axes {list(along)}", AtArgument("axes")
        )
    a, b = (x[place] for x, place in zip(xs, places, strict=True))
    if a != b:
        raise Refused(
            f"sums along axes of one length, got axis {along[0]} of {xs[0]} and axis {along[1]} "
            f"of {xs[1]}: {a} is not {b}",
            AtArgument("axes"),
        )
    left, right = (
        [n for i, n in enumerate(x) if i not in (0, p)] for x, p in zip(xs, places, strict=True)
    )
    return Facts((None, *left, *right) if left or right else (None, 1), window=None)


MERGE = Traits(kind="merge", aligns=True, joins_any=True, mask=masks.join)
SUM = replace(MERGE, gradient_needs="nothing")
ADD, EVEN = replace(SUM, any_order=True), replace(MERGE, any_order=True)

# fmt: off
FAMILY = (
    entry("Add", merge, replace(ADD, title="+"), "Add the inputs, element by element.",
          "", [(56, 56, 64), (56, 56, 64)]),
    entry("Subtract", subtract, replace(SUM, title="\N{MINUS SIGN}", joins_any=False),
          "Subtract the second input from the first.",
          "", [(128,), (128,)]),
    entry("Multiply", merge, replace(EVEN, title="\N{MULTIPLICATION SIGN}", scales=True),
          "Multiply the inputs, element by element.",
          "", [(28, 28, 256), (1, 1, 256)]),
    entry("Average", merge, ADD, "Take the mean of the inputs, element by element.",
          "", [(10,), (10,), (10,)]),
    entry("Maximum", merge, EVEN, "Take the largest of the inputs, element by element.",
          "", [(32, 32, 48), (32, 32, 48)]),
    entry("Minimum", merge, EVEN, "Take the smallest of the inputs, element by element.",
          "", [(32, 32, 48), (32, 32, 48)]),
    entry("Concatenate", concatenate,
          replace(SUM, title="concat", aligns=False, mask=masks.concatenate),
          "Join the inputs along an axis.",
          "", [(28, 28, 64), (28, 28, 128), (28, 28, 32)]),
    entry("Dot", dot, replace(MERGE, aligns=False, joins_any=False, mask=masks.end),
          "Sum the products of two inputs along an axis of each.",
          "{axes: 1, normalize: true}", [(64,), (64,)]),
)
# fmt: on
