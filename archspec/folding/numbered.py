"""Write the arguments of numbered steps: one value for all, another at an end, a list or a rate.

A row of steps `unit0`, `unit1`, ... becomes a loop. Each param of its body has a column of values,
one for each step, which is written as a formula over the number of the step where it can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.folding.items import BranchesItem, Formula, Item, LoopItem, Sequence, walk_sequences
from archspec.folding.rates import Rate, fit_rate
from archspec.folding.substitution import put_values, write_value
from archspec.folding.values import MISSING, are_alike, find_known

MOST_BEFORE = 40  # steps before those of a loop that a rate may count


class _Listed(Struct):
    """Values that a loop takes one by one: a list, or the formula of one."""

    values: Any


class WrittenColumns(Struct):
    """The columns of a row of numbered steps, as what its loop and its body need.

    values: of params, for the body. variables: of the loop, beside the number of the step. rates:
    by param, with the variable of what is before the inner loops that take their values.
    """

    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, tuple[Rate, str, set[int]]] = field(default_factory=dict)

    def put_into(self, items: Sequence) -> Sequence:
        """Return the body with these values in the place of its params."""
        return put_values(_put_rates(items, self.rates), self.values)


def find_kind(columns: list[list[Any]]) -> str:
    """Return how a param goes through numbered steps: the same in all, another in the first or in
    the last, or a list."""
    if all(map(are_alike, columns)):
        return "same"
    if max(map(len, columns)) > 2 or len(columns) > 1:
        if all(are_alike(column[1:]) for column in columns):
            return "first"
        if all(are_alike(column[:-1]) for column in columns):
            return "last"
    return "list"


def describe(name: str, kind: str, column: list[Any]) -> dict[str, Any]:
    """Return the arguments that state a column of this kind; MISSING where nothing is known."""
    if kind == "same":
        return {name: find_known(column)}
    if kind == "first":
        return {name: column[0], f"{name}_rest": find_known(column[1:])}
    if kind == "last":
        return {name: column[-1], f"{name}_rest": find_known(column[:-1])}
    known = find_known(column)
    # As a tuple it is one value; a list would be compared item by item.
    return {name: tuple(known if value is MISSING else value for value in column)}


def to_lists(value: Any) -> Any:
    """Return a value of `describe` with lists for its tuples, at any depth."""
    return [to_lists(each) for each in value] if isinstance(value, list | tuple) else value


def write_columns(
    kinds: Mapping[str, str],
    arguments: Mapping[str, Any],
    body: Sequence,
    variable: str,
    number: int,
    first: int,
    times: Any,
) -> WrittenColumns:
    """Return the columns of all params, by what `describe` made of them.

    kinds: of `find_kind`, by param. variable: the number of the step in formulas, from `first` on.
    number: of this loop among all, for names of variables. times: how many steps there are.
    """
    written = WrittenColumns()
    for name, kind in kinds.items():
        value = _write_column(name, kind, arguments, variable, first, times)
        if isinstance(value, _Listed):
            rate = _find_rate(value.values)
            if rate is not None and first == 0 and not _is_nested(value.values):
                value = _write_rate(rate, variable)
            elif rate is not None and (loops := _find_loops(body, name)):
                before = f"before__{number}"
                lengths = [len(each) for each in value.values]
                written.variables[before] = [sum(lengths[:place]) for place in range(len(lengths))]
                written.rates[name] = rate, before, loops
                continue
            else:
                own = f"{name}__{number}"
                written.variables[own] = value.values
                value = Formula(f"={own}")
        if value is not MISSING:
            written.values[name] = value
    return written


def _write_column(
    name: str, kind: str, arguments: Mapping[str, Any], variable: str, first: int, times: Any
) -> Any:
    value = arguments.get(name, MISSING)
    if kind == "same":
        return value
    if kind == "list":
        if value is MISSING:
            return value
        return _write_list(value, variable, first) if isinstance(value, list) else _Listed(value)
    rest = arguments.get(f"{name}_rest", MISSING)
    if MISSING in (value, rest) or (type(value) is type(rest) and value == rest):
        return rest if value is MISSING else value
    if kind == "last":
        end = times + first - 1 if isinstance(times, int) else f"{write_value(times)} + {first - 1}"
        test = f"{variable} == {str(end).replace(' + -', ' - ')}"
        other = test.replace("==", "!=")
    else:
        test = f"{variable} == {first}"
        other = variable if first == 0 else f"{variable} > {first}"
        if value is False and rest is True:
            return Formula(f"={variable} > {first}")
    if isinstance(value, bool) and isinstance(rest, bool):
        return Formula(f"={test if value else other}")
    if kind == "first" and first == 0:
        return Formula(f"={write_value(rest)} if {variable} else {write_value(value)}")
    return Formula(f"={write_value(value)} if {test} else {write_value(rest)}")


def _write_list(values: list[Any], variable: str, first: int) -> Any:
    """Return a formula over the number of the step for values that follow it, else the list."""
    if all(isinstance(value, bool) for value in values) and len(values) > 2:
        last = first + len(values) - 1
        if are_alike(values[1:]):
            return Formula(f"={variable} {'==' if values[0] else '>'} {first}")
        if are_alike(values[:-1]):
            return Formula(f"={variable} {'==' if values[-1] else '<'} {last}")
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    doubles = whole and all(value == values[0] * 2**at for at, value in enumerate(values))
    if doubles and first == 0 and len(values) > 2 and values[0] > 0:
        return Formula(f"={values[0]} * 2**{variable}")
    return _Listed(values)


# --- rates that grow with the number of the step -------------------------------------------------


def _is_nested(values: Any) -> bool:
    return all(isinstance(value, list) for value in values)


def _find_rate(values: Any) -> Rate | None:
    """Return the rate that the values of numbered steps follow, as a drop path does: of the steps
    of one loop, or of loops in a loop. None if there is none."""
    if not isinstance(values, list):
        return None
    flat = [each for value in values for each in value] if _is_nested(values) else values
    if len({*map(repr, flat)}) < 3 or not all(isinstance(value, float) for value in flat):
        return None
    for start in range(MOST_BEFORE):
        every = (fit_rate(flat, start, less) for less in range(-MOST_BEFORE, len(flat)))
        if found := [rate for rate in every if rate is not None]:
            return min(found, key=lambda rate: (len(_write_rate(rate, "")), rate.count - rate.less))
    return None


def _write_rate(rate: Rate, number: str) -> Formula:
    """Return the formula of a rate. number: that of the step."""
    if rate.start:
        number += f" + {rate.start}"
    number = f"({number})" if " " in number else number
    return Formula(f"={rate.largest} * {number} / {rate.count - rate.less}")


def _find_loops(items: Sequence, name: str) -> set[int]:
    """Return the loops of steps, numbered from 0, that walk the values of a param."""
    return {
        id(item)
        for sequence in walk_sequences(items)
        for item in sequence
        if isinstance(item, LoopItem) and f"={name}" in item.variables.values()
    }


def _put_rates(items: Sequence, rates: Mapping[str, tuple[Rate, str, set[int]]]) -> Sequence:
    """Return steps with formulas of rates in the place of the variables that walk their values."""
    return tuple(_put_rates_in(item, rates) for item in items) if rates else items


def _put_rates_in(item: Item, rates: Mapping[str, tuple[Rate, str, set[int]]]) -> Item:
    if isinstance(item, BranchesItem):
        paths = tuple(replace(path, items=_put_rates(path.items, rates)) for path in item.paths)
        return replace(item, paths=paths)
    if not isinstance(item, LoopItem):
        return item
    number = next(iter(item.variables), "")
    values: dict[str, Any] = {}
    kept = dict(item.variables)
    for name, (rate, before, loops) in rates.items():
        for variable, value in item.variables.items():
            if id(item) in loops and value == f"={name}":
                values[variable] = _write_rate(rate, f"{before} + {number}")
                del kept[variable]
    return replace(item, items=put_values(_put_rates(item.items, rates), values), variables=kept)
