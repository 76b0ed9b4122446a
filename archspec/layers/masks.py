"""Compute the mask of a layer's output; a mask tells later layers which steps of a sequence to
skip.

Masking and Embedding make one, most layers end it, others hand it on with their output. A mask has
an axis less than the value that it belongs to, the last, and Keras adds it where a layer needs it;
a layer that does not add it lays the axes of the mask over the wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archspec.errors import Refused
from archspec.graph import Shape

# (arguments and call arguments, inputs, the number of axes of the mask of each, None for no mask)
# -> the number of axes of the output's mask. Raises `Refused` for a mask that stops the layer.
MaskRule = Callable[[Mapping[str, Any], Sequence[Shape], Sequence[int | None]], int | None]

WITHOUT = "take the mask away, or end it before: Flatten, Reshape and convolutions end one"


def end(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return no mask."""
    return None


def carry(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of the first input, which of attention is the query."""
    return masks[0]


def make(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of `Masking`, which looks at all features of a step."""
    return len(inputs[0]) - 1


def make_of_zeros(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of an embedding, in which 0 may stand for a step to skip."""
    skips = arguments["mask_zero"] and not arguments.get("reverse", False)
    return len(inputs[0]) if skips else None


def join(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of a sum: a step is skipped where all inputs skip it."""
    known = [each for each in masks if each is not None]
    if len(known) < len(masks):
        return None
    if len(set(known)) > 1:
        raise _refuse(f"joins masks of {min(known)} and of {max(known)} axes")
    return known[0]


def concatenate(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of inputs in a row, where one without a mask skips nothing."""
    return None if set(masks) == {None} else len(inputs[0]) - 1


def carry_if_exact(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of the input for a layer that adds the last axis, and looks at no other."""
    if masks[0] not in (None, len(inputs[0]) - 1):
        raise _refuse(f"expects a mask of an axis less than its input {inputs[0]}, got {masks[0]}")
    return masks[0]


def carry_unless_used(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of the input for Softmax, which adds no axis to it."""
    activation = arguments.get("activation", "softmax")
    is_layer = "activation" not in arguments or isinstance(activation, Mapping)
    if is_layer and "softmax" in activation and masks[0] not in (None, len(inputs[0])):
        hint = f"`Activation: softmax` takes no mask; or {WITHOUT}"
        message = f"lays a mask of {masks[0]} axes over the last axes of its input {inputs[0]}"
        raise _refuse(message, hint)
    return masks[0]


def carry_to_scores(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of the query for attention without projections, whose mask of the value has
    no axis for the queries but in a sequence."""
    is_added = len(inputs[0]) == 3 or arguments.get("use_causal_mask", False)
    if masks[1] is not None and not is_added:
        raise _refuse(f"takes a masked value of 3 axes (batch, length, features), got {inputs[1]}")
    return masks[0]


def carry_to_heads(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], masks: Sequence[int | None]
) -> int | None:
    """Return the mask of the query for attention with heads, whose masks are of one axis."""
    rank = len(inputs[0]) - 1
    axes = arguments.get("attention_axes")
    last = axes in (rank - 1, -2, (rank - 1,), (-2,)) or rank == 2
    if not last and set(masks) != {None}:
        message = f"attends with a mask along the axis before the features only, got {inputs[0]}"
        raise _refuse(message, f"attention_axes: {rank - 1}; or {WITHOUT}")
    return masks[0]


def _refuse(message: str, hint: str = WITHOUT) -> Refused:
    return Refused(message, code="mask", hint=hint)
