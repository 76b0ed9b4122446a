"""Infer the output shape and the costs of one layer, without building it.

>>> arguments, facts = infer("Dense", {"units": 10}, [(None, 84)])
>>> facts.shape, dict(facts.weights)
((None, 10), {'kernel': (84, 10), 'bias': (10,)})
>>> arguments["kernel_initializer"]
'GlorotUniform'
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from math import prod
from typing import Any

from archspec import foreign
from archspec.arguments import bind
from archspec.errors import Refused, Suggestion, did_you_mean, one_of
from archspec.graph import Facts, Shape
from archspec.layers import ALIASES, LACKING, LAYERS, REFUSED, Layer
from archspec.objects import KINDS

MAX_AXIS = 2**31 - 1
MAX_WEIGHT = 10**12
CLOSED = "`archspec layers` lists all that there are"
OWN = "`--layers FILE` adds your own layers"
RANK = re.compile("[123][Dd]")
MEANT = re.compile(r"(?:^write|^did you mean| or|, and) [`'](?:merge: )?(\w+)")  # in a hint
CLASS = re.compile("[A-Z][A-Za-z0-9]*")


def find_layer(op: str) -> Layer:
    """Return the table's entry for a layer. Raises `Refused` for one that the table lacks."""
    if op in LAYERS:
        return LAYERS[op]
    hint = suggest_nearest(op, LAYERS)
    raise explain_lacking(op) or Refused(
        f"no layer is called '{op}'", code="unknown-layer", hint=hint
    )


def suggest_nearest(op: str, known: Iterable[str]) -> str:
    """Return the hint for a layer that does not exist: the nearest of the known words, and, unless
    only small letters and capitals differ, how one of one's own is brought."""
    near = did_you_mean(op, known)
    if not CLASS.fullmatch(op) or (near and f"'{op}'".casefold() in near.casefold()):
        return near or CLOSED
    more = f" ({OWN})"
    return near.followed_by(more) if isinstance(near, Suggestion) else f"{near or CLOSED}{more}"


def explain_lacking(op: str, rank: int | None = None) -> Refused | None:
    """Return the error for a layer that the table lacks, but Keras or another library has.

    rank: as `suggest_layer` takes it. None for a word that no library has.
    """
    if op in REFUSED:
        return Refused(f"the layer {op} is refused: {REFUSED[op]}", code="refused-layer")
    if op in LACKING:
        return Refused(f"the table of layers has no {op}: {LACKING[op]}", code="unknown-layer")
    if hint := suggest_layer(op, rank):
        return Refused(f"no layer is called '{op}'", code="unknown-layer", hint=hint)
    return None


def suggest_layer(op: str, rank: int | None = None) -> str | None:
    """Return the hint for what other libraries and papers call a layer; None for other words.

    rank: how many axes the images of the network have beside channels, if that is known: a `Conv`
    of volumes is a `Conv3D`.
    """
    folded = op.replace("_", "").casefold()
    if op in ALIASES:
        return Suggestion(one_of([ALIASES[op]]), op, ALIASES[op])
    if folded in foreign.LAYERS:
        known = foreign.LAYERS[folded]
        says_rank = rank not in (1, 2, 3) or RANK.search(op)
        return known if says_rank else known.replace("2D", f"{rank}D")
    names = {name: name for name in LAYERS} | dict(ALIASES)
    named = {names[name] for name in names if RANK.sub("", name).casefold() == folded}
    of_rank = sorted(name for name in named if RANK.search(name))
    if of_rank and folded not in map(str.casefold, LAYERS):
        fitting = [name for name in of_rank if f"{rank}D" in name] or of_rank
        return one_of(fitting)
    if op not in LAYERS and folded not in map(str.casefold, LAYERS):
        activation = KINDS["activation"].canonical(op)
        return f"write `Activation: {activation}`" if activation else None
    return None


def suggest_kind(word: str, known: Collection[str], rank: int | None = None) -> str | None:
    """Return what to write under `of` for a word of other libraries and papers; None for others.

    known: the layers and blocks that there are. rank: as for `suggest_layer`.

    >>> suggest_kind("BN", ["BatchNormalization"]), suggest_kind("relu", ["Activation"])
    ('BatchNormalization', '{Activation: relu}')
    """
    same = next((each for each in known if each.casefold() == word.casefold()), None)
    meant = MEANT.findall(suggest_layer(word, rank) or "")
    op = same or next((each for each in meant if each in known), None)
    activation = KINDS["activation"].canonical(word)
    if op in (None, "Activation") and activation and "Activation" in known:
        return f"{{Activation: {activation}}}"
    return op


def infer(
    op: str,
    arguments: Mapping[str, Any],
    inputs: list[Shape] | dict[str, Shape],
    call: Mapping[str, bool] | None = None,
) -> tuple[dict[str, Any], Facts]:
    """Return a layer's arguments with every default filled in, and the facts of one call.

    inputs: shapes with the batch axis as None, in a list (of one, where the layer takes one tensor)
        or by the names of call arguments. call: constant call arguments, such as `training`.
    Raises `Refused` for whatever Keras refuses.
    """
    bound = bind_arguments(op, arguments)
    return bound, infer_facts(op, bound, inputs, call)


def bind_arguments(op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer's arguments in normal form, with every default filled in.

    Raises `Refused` for arguments that are wrong whatever the input is.
    """
    layer = find_layer(op)
    bound = bind(op, layer.arguments, arguments)
    for name, other in layer.traits.follows.items():
        if bound[name] == bound[other]:
            bound[name] = layer.arguments[name].default
    return bound


def infer_facts(
    op: str,
    bound: Mapping[str, Any],
    inputs: list[Shape] | dict[str, Shape],
    call: Mapping[str, bool] | None = None,
) -> Facts:
    """Return the facts of a call whose arguments are in normal form already.

    Raises `Refused` for inputs that Keras refuses.
    """
    layer = find_layer(op)
    try:
        return _bounded(layer.facts(_fit(layer, inputs), bound, call))
    except Refused as refused:
        refused.message = f"{op} {refused.message}"
        raise


def _bounded(facts: Facts) -> Facts:
    """Return the facts. Raises `Refused` if no machine could hold such tensors."""
    longest = max((axis for axis in facts.shape if axis is not None), default=0)
    if longest > MAX_AXIS:
        raise Refused(f"makes an axis of {longest:,}, over the limit of {MAX_AXIS:,}")
    for name, shape in facts.weights.items():
        if prod(shape) > MAX_WEIGHT:
            limit = f"over the limit of {MAX_WEIGHT:,} numbers"
            raise Refused(f"has a weight '{name}' of shape {shape}, {limit}")
    return facts


def _fit(layer: Layer, inputs: list[Shape] | dict[str, Shape]) -> list[Shape] | dict[str, Shape]:
    """Return the inputs. Raises `Refused` if the layer takes a list, one tensor or other names."""
    if isinstance(layer.takes, tuple):
        example = ", ".join(
            f"{name}: {letter}" for name, letter in zip(layer.takes, "abcdef", strict=False)
        )
        if not isinstance(inputs, dict):
            needed = [name for name in layer.takes if name not in layer.optional]
            itself = ", ".join(f"{name}: previous" for name in needed)
            hint = f"write from: {{{example}}}"
            if len(inputs) == 1:
                hint = (
                    f"of one value to itself: from: {{{itself}}}; of several: from: {{{example}}}"
                )
            raise Refused("takes its inputs by name", code="inputs", hint=hint)
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
        what, hint = "one input", "write `from: previous` beside it, or the name of a step"
        if layer.takes == "list":
            what, hint = "a list", "write `from: [NAME, NAME]` beside it"
        raise Refused(f"takes {what}, not inputs by name", code="inputs", hint=hint)
    if layer.takes == "one" and len(inputs) != 1:
        raise Refused(
            f"takes one input, got {len(inputs)}",
            code="inputs",
            hint="merge them first: Add, Concatenate, ...",
        )
    return inputs
