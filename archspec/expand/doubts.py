"""Warn of layers that are sound, but hardly do what is meant."""

from __future__ import annotations

from archspec.arguments import show
from archspec.expand.context import Context
from archspec.expand.drafts import Draft
from archspec.expand.expansion import Expansion
from archspec.expand.references import is_channels_first
from archspec.graph import Shape
from archspec.layers import name_activation, traits_of
from archspec.syntax.steps import Step


def warn_of_doubts(draft: Draft, step: Step, context: Context, out: Expansion) -> None:
    """Warn of what a layer, whose facts are known, hardly should do."""
    if traits_of(draft.op).aligns:
        _warn_of_same_input(draft, step, context, out)
        _warn_of_broadcast(draft, step, context, out)
    _warn_of_softmax(draft, step, context, out)
    if traits_of(draft.op).kind == "dropout, noise" and draft.arguments.get("rate") == 1:
        message = f"{draft.op} with a rate of 1 makes every value 0 in training"
        hint = "the rate is the share of the values that are dropped, such as 0.5"
        out.warn("dropout", message, step.word_span(draft.op), hint, context.trail)


def _warn_of_same_input(draft: Draft, step: Step, context: Context, out: Expansion) -> None:
    """Warn of a merge that takes one value twice; multiplied, it is a square."""
    twice = len(set(draft.inputs)) < len(draft.inputs)
    if not twice or traits_of(draft.op).scales:
        return
    span = step.word_span(draft.op) if step.sources is None else step.sources.span
    message = f"{draft.op} takes the same value twice"
    hint = "name another step; `previous` is the step right before"
    out.warn("same-input", message, span, hint, context.trail)


def _warn_of_broadcast(draft: Draft, step: Step, context: Context, out: Expansion) -> None:
    """Warn of an input that a merge repeats along an axis, unless it is one vector for all places.

    What is multiplied may be a gate of any shape.
    """
    if traits_of(draft.op).scales:
        return
    channels_first = is_channels_first(context)
    whole = draft.shape[1:]
    for each in draft.inputs:
        shape = each.shape[1:]
        if len(whole) > 1 and channels_first:
            along, axes, places = shape[:1], whole[:1], (shape[1:], whole[1:])
        else:
            along, axes, places = shape[-1:], whole[-1:], (shape[:-1], whole[:-1])
        if along == (1,) and axes not in ((1,), (None,)):
            hint = f"give both inputs {axes[0]} channels, as a convolution of kernel_size 1 does"
        elif _repeats(*places) and any(length != 1 for length in places[0]):
            hint = "give both inputs one size"
        else:
            continue
        span = step.word_span(draft.op) if step.sources is None else step.sources.span
        message = f"{draft.op} repeats an input of shape {show(list(shape))} to {show(list(whole))}"
        out.warn("broadcast", message, span, hint, context.trail)
        return


def _repeats(places: Shape, whole: Shape) -> bool:
    """Return whether a shape of fewer or shorter axes is repeated to be the other one."""
    padded = (*[1] * (len(whole) - len(places)), *places)
    return any(a == 1 and b not in (1, None) for a, b in zip(padded, whole, strict=True))


def _warn_of_softmax(draft: Draft, step: Step, context: Context, out: Expansion) -> None:
    """Warn of a softmax of one value, which is always 1, and of the softmax of a softmax."""
    if name_activation(draft.op, draft.arguments) != "softmax":
        return
    assert draft.facts is not None
    span, axis = step.word_span(draft.op), draft.arguments.get("axis", -1)
    if isinstance(axis, int) and draft.shape[axis] == 1:
        message = "this softmax is of one value, so that it is always 1"
        hint = "for one unit take activation: sigmoid"
        out.warn("softmax", message, span, hint, context.trail)
    if draft.facts.weights:  # it is that of the layer's own output
        return
    source = draft.inputs[0]
    while traits_of(source.op).passes_values and source.inputs:
        source = source.inputs[0]
    if name_activation(source.op, source.arguments) == "softmax":
        message = "this is the softmax of a softmax, which is nearly the same for all classes"
        out.warn("softmax", message, span, "remove one of them", context.trail)
