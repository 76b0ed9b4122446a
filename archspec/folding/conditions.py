"""Find a condition over the params of a block that says where a step is there.

A condition is offered only where a person would write it: strides decide over paddings, poolings
and shortcuts, and the widths decide whether a shortcut needs a projection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archspec.folding.items import BranchesItem, Formula, Item, LayerItem, is_sum
from archspec.folding.values import MISSING, Values, is_number
from archspec.layers.table import traits_of


def fits(wanted: Values, offered: Values) -> bool:
    """Return whether values agree wherever they are wanted."""
    return all(
        left is MISSING or (right is not MISSING and left == right and _kind(left) == _kind(right))
        for left, right in zip(wanted, offered, strict=True)
    )


def _kind(value: Any) -> str:
    return "number" if is_number(value) else type(value).__name__


def list_conditions(
    params: dict[str, list[Any]], widths: dict[str, list[Any]], channels: Values
) -> Iterator[tuple[str, list[Any]]]:
    """Yield conditions, the plainest first, with their values in each call.

    params: the values of each param. widths: those of the formulas that give the number of channels
    of a layer. channels: of each call's input.
    """
    for name, values in params.items():
        if all(value is MISSING or isinstance(value, bool) for value in values):
            yield name, list(values)
            yield f"not {name}", [v if v is MISSING else not v for v in values]
    strides = {
        name: values
        for name, values in params.items()
        if name.startswith("strides") and None not in values  # of a pooling: its window
    }
    for name, values in strides.items():
        yield f"{name} > 1", _each(values, lambda v: _largest(v) > 1)
        yield f"{name} == 1", _each(values, lambda v: _largest(v) == 1)
    if any(each is None for each in channels):
        return
    for width, values in widths.items():
        equal = [MISSING if v is MISSING else v == c for v, c in zip(values, channels, strict=True)]
        differ = [v if v is MISSING else not v for v in equal]
        yield f"channels == {width}", equal
        yield f"channels != {width}", differ
        for name, each in strides.items():
            larger = _each(each, lambda v: _largest(v) > 1)
            yield f"{name} == 1 and channels == {width}", _both(larger, equal, _fits_alone)
            yield f"{name} > 1 or channels != {width}", _both(larger, differ, _needs_projection)


def _largest(value: Any) -> Any:
    return max(value) if isinstance(value, list) else value


def _each(values: Values, test: Any) -> list[Any]:
    return [MISSING if value is MISSING else test(value) for value in values]


def _both(one: Values, other: Values, join: Any) -> list[Any]:
    return [MISSING if MISSING in (a, b) else join(a, b) for a, b in zip(one, other, strict=True)]


def _fits_alone(larger: bool, equal: bool) -> bool:
    return not larger and equal


def _needs_projection(larger: bool, differ: bool) -> bool:
    return larger or differ


def follows_shapes(item: Item | None) -> bool:
    """Return whether a step is one whose presence follows from strides and widths.

    None stands for a whole branch.
    """
    if item is None or isinstance(item, BranchesItem):
        return True
    if not isinstance(item, LayerItem):
        return False
    moves = any(part in item.op for part in ("Padding", "Cropping"))
    kind = None if item.op == "from" else traits_of(item.op).kind
    return kind in (None, "convolution", "pooling") or moves or is_sum(item.op)


def find_condition(
    wanted: Values,
    item: Item | None,
    params: dict[str, list[Any]],
    widths: dict[str, list[Any]],
    channels: Values,
) -> Formula | None:
    """Return the condition that is true where a step is wanted; None if there is none."""
    there = [value for value in wanted if value is not MISSING]
    few = min(there.count(True), there.count(False)) < 2 or len(there) < 4
    for text, values in list_conditions(params, widths, channels):
        plain = text in params or text.removeprefix("not ") in params
        if few and not plain and not follows_shapes(item):
            continue
        if fits(wanted, values):
            return Formula(f"={text}")
    return None
