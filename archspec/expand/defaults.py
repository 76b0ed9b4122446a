"""What holds inside a file or block: its defaults, and `channels` of its input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import Refused
from archspec.expand.place import Draft, Place, Previous
from archspec.syntax import formulas
from archspec.syntax.source import Value


def with_channels(place: Place, inputs: Mapping[str, Previous]) -> Place:
    """Return the place with the name `channels`, of the one input."""
    return replace(place, env={**place.env, "channels": _channels(place, inputs)})


def with_defaults(place: Place, defaults: Value | None, inputs: Mapping[str, Previous]) -> Place:
    """Return the place inside a file or block, with its inputs, defaults and `channels`."""
    place = replace(place, inputs=inputs)
    if defaults is None:
        return with_channels(place, inputs)
    added = (*place.defaults, (defaults, place.env))
    inside = with_channels(replace(place, defaults=added), inputs)
    return replace(inside, defaults=(*place.defaults, (defaults, inside.env)))


def _channels(place: Place, inputs: Mapping[str, Previous]) -> Any:
    if len(inputs) != 1:
        return formulas.NoValue("`channels` needs one input, and here there are several")
    (value,) = inputs.values()
    if not isinstance(value, Draft) or value.facts is None:
        return formulas.REPORTED
    axis = value.shape[1 if _is_channels_first(place) else -1]
    return formulas.NoValue("`channels` is unknown (null) here") if axis is None else axis


def _is_channels_first(place: Place) -> bool:
    """Return whether a default in force says that channels are the first axis after the batch."""
    for defaults, env in place.defaults:
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
