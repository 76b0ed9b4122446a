"""Write how a param goes through the stages of a loop: the same, doubled, or a list of its own."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from archspec.folding.items import CallItem, Formula
from archspec.folding.values import MISSING, are_alike, find_known, is_equal, quote


class CallValues(Struct, frozen=True):
    """How a param goes through stages.

    kind: `same` in all units of a stage; `first` or `last` is another in the first or last unit.
    values: one for each stage. others: those of the other units, MISSING for a stage of one.
    """

    kind: str
    values: list[Any]
    others: list[Any]

    @property
    def weight(self) -> float:
        """Return how much a reader has to take in."""
        return 0.0 if self.kind == "same" else 0.3

    def express(
        self, name: str, variables: dict[str, Any], count: int, first: int, depth: str
    ) -> Any:
        """Return the argument's value, and add the variable that it needs, if it needs one.

        count: the number of stages. first: that of the first one. depth: of a stage, as a formula.
        """
        if self.kind == "same":
            return express_list(name, self.values, variables, count, first)
        end = str(int(depth) - 1) if depth.isdigit() else f"{depth} - 1"
        at = "unit == 0" if self.kind == "first" else f"unit == {end}"
        others = [value for value in self.others if value is not MISSING]
        if not others:
            return express_list(name, self.values, variables, count, first)
        other = others[0]
        values = self.values
        given = [value for value in values if value is not MISSING]
        if all(is_equal(value, given[0]) for value in given):
            if isinstance(given[0], bool) and isinstance(other, bool):
                return Formula(f"={at}" if given[0] else f"={_negate(at)}")
            if self.kind == "first":
                return Formula(f"={quote(other)} if unit else {quote(given[0])}")
            return Formula(f"={quote(given[0])} if {at} else {quote(other)}")
        if (
            not first
            and self.kind == "first"
            and is_equal(values[0], other)
            and are_alike(values[1:])
        ):
            return Formula(f"={quote(values[1])} if stage and not unit else {quote(other)}")
        if (
            not first
            and self.kind == "last"
            and is_equal(values[-1], other)
            and are_alike(values[:-1])
        ):
            return Formula(
                f"={quote(values[0])} if {at} and stage < {count - 1} else {quote(other)}"
            )
        variables[name] = complete(values, other)
        if self.kind == "first":
            return Formula(f"={quote(other)} if unit else {name}")
        return Formula(f"={name} if {at} else {quote(other)}")


def express_list(
    name: str, values: list[Any], variables: dict[str, Any], count: int, first: int
) -> Any:
    """Return the value, or the formula, of an argument that has these values in stages.

    Adds a variable to those of the loop if it needs one. count, first: as in `CallValues.express`.
    """
    given = [value for value in values if value is not MISSING]
    if not given:
        return MISSING
    if all(is_equal(value, given[0]) for value in given):
        return given[0]
    whole = complete(values, given[0])
    if not first and all(isinstance(value, bool) for value in whole) and count > 2:
        if are_alike(whole[1:]):
            return Formula("=stage > 0" if whole[1] else "=stage == 0")
        if are_alike(whole[:-1]):
            return Formula(f"=stage < {count - 1}" if whole[0] else f"=stage == {count - 1}")
    doubles = (
        count > 2
        and not first
        and all(isinstance(value, int) and not isinstance(value, bool) for value in whole)
        and whole[0] > 0
        and is_doubling(whole)
    )
    if doubles:
        return Formula(f"={whole[0]} * 2**stage")
    variables[name] = whole + [None] * (count - len(whole))  # which the last one does not use
    return Formula(f"={name}")


def find_columns(groups: list[list[CallItem]], names: list[str]) -> dict[str, CallValues] | None:
    """Return how each param goes through stages; None if one of them follows no pattern."""
    columns = {}
    for name in names:
        column = _find_column([[c.arguments.get(name, MISSING) for c in group] for group in groups])
        if column is None:
            return None
        columns[name] = column
    return columns


def _find_column(groups: list[list[Any]]) -> CallValues | None:
    for kind, at in (("same", 0), ("first", 0), ("last", -1)):
        values, others = [], []
        for group in groups:
            special = group[:] if kind == "same" else [group[at]]
            rest = [] if kind == "same" else group[1:] if at == 0 else group[:-1]
            if not are_alike(special) or not are_alike(rest):
                break
            values.append(find_known(special))
            others.append(find_known(rest))
        else:
            if kind != "same" and not are_alike(others):
                continue  # two columns for one param are hard to read
            return CallValues(kind, values, others)
    return None


def complete(values: list[Any], other: Any) -> list[Any]:
    """Return values with another where one is missing, since nothing depends on it there."""
    return [other if value is MISSING else value for value in values]


def _negate(test: str) -> str:
    return test.replace("==", "!=")


def is_doubling(values: list[Any]) -> bool:
    """Return whether each of at least three numbers is twice the one before it."""
    return len(values) > 2 and all(v == values[0] * 2**place for place, v in enumerate(values))
