"""Put the params of a block into its steps, and see whether its calls give its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.errors import Refused
from archspec.folding.arguments import read_argument
from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    PathItem,
    Sequence,
    input_channels,
)
from archspec.folding.values import MISSING, is_same
from archspec.syntax.formulas import evaluate


class UnifiedBody(Struct, frozen=True):
    """The steps of a block, and its params with their values in each run."""

    items: Sequence
    params: Mapping[str, list[Any]]


def is_right(body: UnifiedBody, place: int, run: Sequence) -> bool:
    """Return whether the call of a block in one place is the run that it stands for."""
    env = {name: values[place] for name, values in body.params.items()}
    env = {name: value for name, value in env.items() if value is not MISSING}
    env["channels"] = input_channels(run)
    try:
        return _are_same(unfold(body.items, env), run)
    except (Refused, KeyError):
        return False


def unfold(items: Sequence, env: Mapping[str, Any]) -> Sequence:
    """Return the steps of a block with the values of its params put in.

    Raises `Refused` if a formula has no value.
    """
    result: list[Item] = []
    for item in items:
        if not _is_there(item.when, env):
            continue
        if isinstance(item, BranchesItem):
            paths = [
                PathItem(unfold(path.items, env))
                for path in item.paths
                if _is_there(path.when, env)
            ]
            if len(paths) == 1:
                result += paths[0].items
                continue
            merge = _fill_arguments(item.merge, env)
            result.append(replace(item, paths=tuple(paths), merge=merge, when=None))
        else:
            result.append(replace(_fill_arguments(item, env), when=None))
    return tuple(result)


def _is_there(when: Formula | None, env: Mapping[str, Any]) -> bool:
    return when is None or bool(evaluate(when[1:], env))


def _fill_arguments(item: Any, env: Mapping[str, Any]) -> Any:
    filled = {name: _fill_value(value, env) for name, value in item.arguments.items()}
    return replace(item, arguments=filled)


def _fill_value(value: Any, env: Mapping[str, Any]) -> Any:
    if isinstance(value, Formula):
        return evaluate(value[1:], env)
    if isinstance(value, list):
        return [_fill_value(each, env) for each in value]
    return value


def _are_same(one: Sequence, other: Sequence) -> bool:
    return len(one) == len(other) and all(map(_is_same, one, other))


def _is_same(one: Item, other: Item) -> bool:
    match one, other:
        case BranchesItem(), BranchesItem():
            return (
                len(one.paths) == len(other.paths)
                and all(
                    _are_same(a.items, b.items) for a, b in zip(one.paths, other.paths, strict=True)
                )
                and _is_same(one.merge, other.merge)
                and (one.sources, one.merge.name) == (other.sources, other.merge.name)
            )
        case LayerItem(), LayerItem():
            same = (one.op, one.call) == (other.op, other.call)
            if one.op == "from" or not same:
                return same
            wired = (one.sources, one.name) == (other.sources, other.name)
            return wired and _have_same(one, other)
        case CallItem(), CallItem():
            wired = (one.sources, one.name) == (other.sources, other.name)
            return (
                wired
                and one.block == other.block
                and all(
                    is_same(value, one.arguments.get(name, MISSING))
                    for name, value in other.arguments.items()
                )
            )
    return False


def _have_same(one: LayerItem, other: LayerItem) -> bool:
    names = {*one.arguments, *other.arguments}
    return all(is_same(read_argument(one, name), read_argument(other, name)) for name in names)
