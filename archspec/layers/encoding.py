"""Define layers that encode integers and numbers as vectors of zeros and ones, or of counts."""

from __future__ import annotations

from typing import Annotated as A

from archspec.arguments import NUMBER, POSITIVE, Type, choice, optional
from archspec.errors import Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import DTYPE_ONLY, entry
from archspec.layers.traits import Traits


def _read_boundaries(value: list[float]) -> tuple[float, ...]:
    boundaries = tuple(map(NUMBER.normal, value))
    if list(boundaries) != sorted(set(boundaries)):
        raise Refused("expects its boundaries in increasing order")
    return boundaries


BOUNDARIES = Type(
    "a list of numbers in increasing order",
    {"type": "array", "items": {"type": "number"}, "minItems": 1},
    _read_boundaries,
)


def _encode(x: Shape, output_mode: str, depth: int) -> Facts:
    """Return the facts of vectors of length `depth`.

    one_hot makes one of each value, multi_hot and count one of all values along axis 1.
    """
    if output_mode == "one_hot":
        if x[-1] is None and len(x) > 1:
            raise Refused(f"needs to know whether the last axis has length 1, unknown in {x}")
        return Facts((*(x[:-1] if x[-1] == 1 else x), depth))
    if len(x) < 2:
        raise Refused(f"expects an input of at least 2 axes (batch, values), got {x}")
    return Facts((None, *x[2:], depth), window=None)


def category_encoding(
    x: Shape,
    *,
    num_tokens: A[
        int | None, optional(POSITIVE), "Integers to tell apart: they are 0 to num_tokens - 1."
    ] = None,
    output_mode: A[
        str,
        choice("multi_hot", "count", "one_hot"),
        "one_hot: a vector for each value; multi_hot: one for a sample, with 1 for whatever it "
        "holds; count: how often it holds it.",
    ] = "multi_hot",
) -> Facts:
    """The layer turns integers from 0 to num_tokens - 1 into vectors of length num_tokens: one_hot
    makes a vector of each integer, multi_hot and count one of each sample, which holds several.

    Shape: (num_tokens,) by multi_hot and count; by one_hot that of the input and num_tokens, in
        place of a last axis of length 1.
    """
    if num_tokens is None:
        raise Refused("needs the argument 'num_tokens'", code="missing-argument")
    if output_mode != "one_hot" and len(x) != 2:  # Keras says one shape and makes another
        raise Refused(f"expects an input of 2 axes (batch, values) for {output_mode}, got {x}")
    return _encode(x, output_mode, num_tokens)


def discretization(
    x: Shape,
    *,
    bin_boundaries: A[
        tuple[float, ...] | None,
        optional(BOUNDARIES),
        "Numbers at which one bin ends and the next begins, in increasing order.",
    ] = None,
    output_mode: A[
        str,
        choice("int", "one_hot", "multi_hot", "count"),
        "int: the number of the bin; one_hot, multi_hot, count: that number encoded, as by "
        "CategoryEncoding.",
    ] = "int",
) -> Facts:
    """The layer returns the number of the bin that each value is in: bin 0 ends below the first
    boundary, and each boundary begins the next. `int` gives these integers, for an Embedding; the
    others encode them as CategoryEncoding does.

    Shape: by int that of the input; by one_hot that and the number of bins, in place of a last
        axis of length 1; by multi_hot and count the bins in place of the first axis, put last.
    """
    if bin_boundaries is None:
        raise Refused("needs the argument 'bin_boundaries'", code="missing-argument")
    return Facts(x) if output_mode == "int" else _encode(x, output_mode, len(bin_boundaries) + 1)


# fmt: off
FAMILY = (
    entry("CategoryEncoding", category_encoding, Traits(), "Turn integers into zeros and ones.",
          "{num_tokens: 10, output_mode: one_hot}", (1,)),
    entry("Discretization", discretization, Traits(), "Sort numbers into bins.",
          "{bin_boundaries: [0, 18, 65], output_mode: one_hot}", (1,), common=DTYPE_ONLY),
)
# fmt: on
