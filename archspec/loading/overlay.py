"""Lay the value of a file that extends another over that of its base, key by key."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from archspec.errors import Span
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Value

NOT_INHERITED = ("name", "extends", "import", "edit")
DEEP = {"params": 1, "inputs": 1, "train": 1, "require": 1, "defaults": 2, "blocks": 2}
KEEPS_NULL = ("params",)


def find_merged(base: Value, top: Value) -> Iterator[Span]:
    """Yield the places of the params of blocks that a file lays over those of its base."""
    blocks = base.get("blocks")
    for name, _, block in top.entries_of("blocks"):
        below = blocks.get(name) if blocks is not None else None
        if below is not None and below.get("params") and block.get("params"):
            yield block.key_span("params")


def overlay(base: Value | None, top: Value, lays_params: bool = True) -> Value:
    """Return a derived file's value over its base's, by the rules of `extends`, without nulls.

    lays_params: whether the params of a block are laid over those of the block that it replaces, as
    they were not in the first state of the language.
    """
    data = {key: value for key, value in base.items() if key not in NOT_INHERITED} if base else {}
    keys = {key: base.key_span(key) for key in data} if base else {}
    if (require := data.pop("require", None)) is not None:
        # A limit is of one network; a formula is of the params, and they are taken over.
        formulas = {key: value for key, value in require.items() if is_formula(key)}
        data |= {"require": replace(require, data=formulas)} if formulas else {}
    for key, other in (("input", "inputs"), ("inputs", "input")):
        if top.get(key) is not None and other in data:
            del data[other], keys[other]
    for key, value in top.items():
        place = (key,)
        _overlay_key(
            data,
            keys,
            place,
            value,
            top.key_span(key),
            DEEP.get(key, 0),
            key in KEEPS_NULL,
            lays_params,
        )
    return replace(top, data=data, keys=keys)


def _overlay_key(
    data: dict[str, Value],
    keys: dict[str, Span],
    place: tuple[str, ...],
    value: Value,
    span: Span,
    depth: int,
    keeps_null: bool,
    lays_params: bool,
) -> None:
    """Lay one value over what a mapping has under its key; a blank one changes nothing there.

    depth: how many levels of mappings are laid over key by key. keeps_null: whether null is a value
    at the lowest level, as of a param. lays_params: as in `overlay`.
    """
    key = place[-1]
    old = data.get(key)
    if lays_params and place[0] == "blocks" and place[2:] == ("params",):
        depth, keeps_null = 1, True  # a block's params, name by name, as those of the file
    if old is not None and value.is_blank:
        return
    if value.data is None and not (keeps_null and depth == 0):
        data.pop(key, None)
        keys[key] = span  # where its absence is reported
    elif depth and isinstance(value.data, dict):
        below = old is not None and isinstance(old.data, dict)
        inside, inside_keys = (dict(old.data), dict(old.keys)) if old and below else ({}, {})
        deepest = depth == 1 and (keeps_null or key not in ("train", "inputs"))
        for name, each in value.items():
            _overlay_key(
                inside,
                inside_keys,
                (*place, name),
                each,
                value.key_span(name),
                depth - 1,
                deepest,
                lays_params,
            )
        data[key], keys[key] = replace(value, data=inside, keys=inside_keys), span
    else:
        data[key], keys[key] = value, span
