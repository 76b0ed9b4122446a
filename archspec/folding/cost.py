"""Measure how long a folded network is to read, for the choice between two ways of folding it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as ListOf
from typing import Any

from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    LoopItem,
    Sequence,
)
from archspec.folding.loops import Looped
from archspec.folding.values import MISSING

Defaults = Mapping[str, Mapping[str, Any]]  # of the params of each block
LINE = 85  # characters of a step that fit on one line


def count_cost(looped: Looped, defaults: Defaults) -> float:
    """Return about how many lines a network takes, with a little more for what is hard to read."""
    total = _cost_all(looped.main, defaults)
    for body in looped.blocks.values():
        params = len(body.params)
        total += 2 + (params > 0) + params**1.5 / 4 + _cost_all(body.items, defaults)
        if body.items and _is_shortcut(body.items[0]):
            total -= 2  # written as an Add of the input
    return total


def is_table(lists: ListOf[Any]) -> bool:
    """Return whether the lists of a loop are written as a table, with a line for each row."""
    return len(lists) > 2 or (len(lists) == 2 and len(lists[0]) > 6)


def _is_shortcut(item: Item) -> bool:
    return isinstance(item, BranchesItem) and any(not path.items for path in item.paths)


def _cost_all(items: Sequence, defaults: Defaults) -> float:
    total = 0.0
    place = 0
    while place < len(items):
        when, end = items[place].when, place + 1
        while when is not None and end < len(items) and items[end].when == when:
            end += 1
        lines = sum(_cost(item, defaults) for item in items[place:end])
        if when is not None:
            short = 1 < end - place < 5 and lines < end - place + 0.7
            lines = 2 + 0.3 * (end - place) if short else lines + 1 + (end - place > 1)
        total += lines
        place = end
    return total


def _cost(item: Item, defaults: Defaults) -> float:
    match item:
        case LayerItem():
            return _cost_step(item.op, item.arguments)
        case CallItem():
            own = defaults.get(item.block, {})
            given = {k: v for k, v in item.arguments.items() if own.get(k, MISSING) != v}
            return _cost_step(item.block, given) + 0.08 * len(given)
        case BranchesItem():
            paths = (
                1 + _cost_all(path.items, defaults) + (0.8 if path.when else 0)
                for path in item.paths
            )
            return 1.6 + sum(paths)
        case LoopItem():
            total = 1 + _cost_all(item.items, defaults)
            lists = [value for value in item.variables.values() if isinstance(value, list)]
            if item.variables:
                total += 1.2
            if is_table(lists):
                rows = len(lists[0])
                total += 1 + rows * (1 + 0.08 * len(lists))
            return total
    return 1


def _cost_step(op: str, arguments: Mapping[str, Any]) -> float:
    """Return the lines of a step, which has one for each argument where one is not enough."""
    length = len(op) + sum(len(name) + len(str(value)) + 4 for name, value in arguments.items())
    formulas = 0.06 * sum(isinstance(value, Formula) for value in arguments.values())
    many = length > LINE and len(arguments) > 1
    return 1 + (len(arguments) if many else 0.0) + formulas
