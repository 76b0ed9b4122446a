"""Compare the values of arguments, of which some may be missing, and write them into formulas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from archspec.folding.items import Formula

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
Values = Sequence[Any]


def is_number(value: Any) -> bool:
    """Return whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(one: Any, other: Any) -> bool:
    """Return whether a layer takes two values for one, as 1 and 1.0; true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def is_equal(one: Any, other: Any) -> bool:
    """Return whether two values are written the same."""
    return type(one) is type(other) and bool(one == other)


def are_alike(values: Values) -> bool:
    """Return whether all values that are there are written the same."""
    first = find_known(values)
    return all(value is MISSING or is_equal(value, first) for value in values)


def find_known(values: Values) -> Any:
    """Return the first value that is there; MISSING if none is."""
    return next((value for value in values if value is not MISSING), MISSING)


def holds_formula(value: Any) -> bool:
    """Return whether a value is a formula, or holds one."""
    if isinstance(value, list):
        return any(map(holds_formula, value))
    if isinstance(value, dict):
        return any(map(holds_formula, value.values()))
    return isinstance(value, Formula)


def quote(value: Any) -> str:
    """Return a value as a formula has it.

    >>> quote("same"), quote(True), quote([1, None])
    ("'same'", 'true', '[1, null]')
    """
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(quote, value))}]"
    return str(value)


def make_unique(name: str, taken: Collection[str]) -> str:
    """Return a name with a number behind it if it is taken.

    >>> make_unique("residual", ["residual", "residual_2"])
    'residual_3'
    """
    base, number = name, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name
