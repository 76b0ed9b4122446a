"""Give a file or block its defaults, and the name `channels` for its input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import Refused
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Previous
from archspec.syntax import formulas
from archspec.syntax.source import Value


def with_channels(context: Context, inputs: Mapping[str, Previous]) -> Context:
    """Return the context with `channels`, the number of channels of the only input."""
    return replace(context, env={**context.env, "channels": _channels(context, inputs)})


def with_defaults(
    context: Context, defaults: Value | None, inputs: Mapping[str, Previous]
) -> Context:
    """Return the context inside a file or block, with its inputs, defaults and `channels`."""
    context = replace(context, inputs=inputs)
    if defaults is None:
        return with_channels(context, inputs)
    added = (*context.defaults, (defaults, context.env))
    inside = with_channels(replace(context, defaults=added), inputs)
    return replace(inside, defaults=(*context.defaults, (defaults, inside.env)))


def _channels(context: Context, inputs: Mapping[str, Previous]) -> Any:
    """Return the value of `channels`, or the reason why it has none."""
    if len(inputs) != 1:
        return formulas.NoValue("`channels` needs one input, and here there are several")
    (value,) = inputs.values()
    if not isinstance(value, Draft) or value.facts is None:
        return formulas.REPORTED
    axis = value.shape[1 if _is_channels_first(context) else -1]
    return formulas.NoValue("`channels` is unknown (null) here") if axis is None else axis


def _is_channels_first(context: Context) -> bool:
    """Return whether the defaults in force put the channels before the spatial axes."""
    for defaults, env in context.defaults:
        for _, layer in defaults.items():
            form = layer.get("data_format")
            try:
                if form is not None and formulas.is_formula(form.data):
                    found = formulas.evaluate(form.data[1:], env)
                else:
                    found = form.data if form is not None else None
            except (Refused, formulas.Reported):  # reported where a layer uses it
                continue
            if found == "channels_first":
                return True
    return False
