"""One layer and the shapes it takes -> its arguments in normal form and its facts."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from archspec import foreign
from archspec.arguments import bind
from archspec.errors import Refused, did_you_mean
from archspec.graph import Facts, Shape
from archspec.layers import ALIASES, LACKING, LAYERS, REFUSED, Layer
from archspec.objects import KINDS

MAX_AXIS = 2**31 - 1
MAX_WEIGHT = 10**12
CLOSED = "`archspec layers` lists all that there are"


def lookup(op: str) -> Layer:
    """The table's entry for a layer. Raises `Refused` for one that the table lacks."""
    if op in LAYERS:
        return LAYERS[op]
    hint = did_you_mean(op, LAYERS) or CLOSED
    raise known_to_keras(op) or Refused(
        f"no layer is called '{op}'", code="unknown-layer", hint=hint
    )


def known_to_keras(op: str) -> Refused | None:
    """What is to be said of a layer that the table does not have by that name, but Keras has, or
    others have."""
    if op in REFUSED:
        return Refused(f"the layer {op} is refused: {REFUSED[op]}", code="refused-layer")
    if op in LACKING:
        return Refused(f"the table of layers has no {op}: {LACKING[op]}", code="unknown-layer")
    if hint := meant(op):
        return Refused(f"no layer is called '{op}'", code="unknown-layer", hint=hint)
    return None


def meant(op: str) -> str | None:
    """The hint for what other libraries and papers call a layer; None for other words."""
    folded = op.replace("_", "").casefold()
    if op in ALIASES:
        return f"did you mean '{ALIASES[op]}'?"
    if folded in foreign.LAYERS:
        return foreign.LAYERS[folded]
    if op not in LAYERS and folded not in map(str.casefold, LAYERS):
        activation = KINDS["activation"].canonical(op)
        return f"write `Activation: {activation}`" if activation else None
    return None


def infer(
    op: str,
    arguments: Mapping[str, Any],
    inputs: list[Shape] | dict[str, Shape],
    call: Mapping[str, bool] | None = None,
) -> tuple[dict[str, Any], Facts]:
    """Arguments with every default filled in, and the facts of one call on inputs of those shapes.

    inputs: one shape, a list for a layer that takes a list, or call arguments to shapes.
    call: its constant call arguments.
    Raises `Refused` for whatever Keras refuses.
    """
    bound = normal(op, arguments)
    return bound, again(op, bound, inputs, call)


def normal(op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with every default filled in. Raises `Refused` for what no input could mend."""
    layer = lookup(op)
    bound = bind(op, layer.arguments, arguments)
    for name, other in layer.traits.follows.items():
        if bound[name] == bound[other]:
            bound[name] = layer.arguments[name].default
    return bound


def again(
    op: str,
    bound: Mapping[str, Any],
    inputs: list[Shape] | dict[str, Shape],
    call: Mapping[str, bool] | None = None,
) -> Facts:
    """The facts of a call whose arguments are in normal form already."""
    layer = lookup(op)
    try:
        return _bounded(layer.facts(_fit(layer, inputs), bound, call))
    except Refused as refused:
        refused.message = f"{op} {refused.message}"
        raise


def _bounded(facts: Facts) -> Facts:
    """The facts; `Refused` if no machine could hold what they speak of."""
    longest = max((axis for axis in facts.shape if axis is not None), default=0)
    if longest > MAX_AXIS:
        raise Refused(f"makes an axis of {longest:,}, over the limit of {MAX_AXIS:,}")
    for name, shape in facts.weights.items():
        if prod(shape) > MAX_WEIGHT:
            limit = f"over the limit of {MAX_WEIGHT:,} numbers"
            raise Refused(f"has a weight '{name}' of shape {shape}, {limit}")
    return facts


def _fit(layer: Layer, inputs: list[Shape] | dict[str, Shape]) -> list[Shape] | dict[str, Shape]:
    """The inputs as the layer takes them; `Refused` if it takes them otherwise."""
    if isinstance(layer.takes, tuple):
        example = ", ".join(
            f"{name}: {letter}" for name, letter in zip(layer.takes, "abcdef", strict=False)
        )
        if not isinstance(inputs, dict):
            raise Refused(
                "takes its inputs by name",
                code="inputs",
                hint=f"write from: {{{example}}}",
            )
        for name in inputs:
            if name not in layer.takes:
                raise Refused(
                    f"takes no input called '{name}'",
                    code="inputs",
                    hint=did_you_mean(name, layer.takes) or f"it takes {', '.join(layer.takes)}",
                )
        for name in layer.takes:
            if name not in inputs and name not in layer.optional:
                raise Refused(
                    f"needs an input called '{name}'", code="inputs", hint=f"from: {{{example}}}"
                )
        return inputs
    if isinstance(inputs, dict):
        what = "a list" if layer.takes == "list" else "one input"
        raise Refused(f"takes {what}, not inputs by name", code="inputs")
    if layer.takes == "one" and len(inputs) != 1:
        raise Refused(
            f"takes one input, got {len(inputs)}",
            code="inputs",
            hint="merge them first: Add, Concatenate, ...",
        )
    return inputs
