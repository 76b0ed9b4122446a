"""Record how integers were computed, so that running a rule gives its arithmetic.

>>> height, kernel = trace(224, "height"), trace(7, "kernel_size")
>>> out = (height - kernel) // trace(2, "strides") + 1
>>> out, write_term(out), write_term(out, numbers=True)
(109, 'floor((height - kernel_size)/strides) + 1', 'floor((224 - 7)/2) + 1')
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from msgspec import Struct

ATOM, PRODUCT, SUM = 3, 2, 1  # how tightly a term holds together
BINDING = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "%": PRODUCT}


class Term(Struct, frozen=True, eq=False):
    """A number and how it came to be.

    operation: "" for a number that was given, else one of + - * / // % ceil neg, of `parts`.
    label: the word for a number that was given; "" for a constant.
    neutral: whether a 1 that was given says no more than a constant 1, as the default of `strides`.
    """

    value: float
    operation: str = ""
    parts: tuple[Term, ...] = ()
    label: str = ""
    neutral: bool = False

    def is_constant(self, value: int) -> bool:
        """Return whether this is a constant of that value, or says no more than one."""
        given = not self.operation and (not self.label or self.neutral or value == 0)
        return given and self.value == value


class Traced(int):
    """An integer with the term that it was computed by."""

    term: Term

    def __add__(self, other: Any) -> Any:
        return _combine("+", self, other, int.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return _combine("+", other, self, int.__radd__(self, other))

    def __sub__(self, other: Any) -> Any:
        return _combine("-", self, other, int.__sub__(self, other))

    def __rsub__(self, other: Any) -> Any:
        return _combine("-", other, self, int.__rsub__(self, other))

    def __neg__(self) -> Any:
        return _with_term(Traced(int.__neg__(self)), Term(-int(self), "neg", (self.term,)))

    def __mul__(self, other: Any) -> Any:
        return _combine("*", self, other, int.__mul__(self, other))

    def __rmul__(self, other: Any) -> Any:
        return _combine("*", other, self, int.__rmul__(self, other))

    def __floordiv__(self, other: Any) -> Any:
        return _combine("//", self, other, int.__floordiv__(self, other))

    def __rfloordiv__(self, other: Any) -> Any:
        return _combine("//", other, self, int.__rfloordiv__(self, other))

    def __mod__(self, other: Any) -> Any:
        return _combine("%", self, other, int.__mod__(self, other))

    def __truediv__(self, other: Any) -> Any:
        return _combine("/", self, other, int.__truediv__(self, other))


class TracedRatio(float):
    """A quotient with the term that it was computed by; it is rounded up by `ceil`."""

    term: Term

    def __ceil__(self) -> Traced:
        up = ceil(float(self))
        divides = self.term.operation == "/"  # what is divided by a constant 1 is itself
        rounded: Traced = _with_term(
            Traced(up), Term(up, "ceil", (self.term,)) if divides else self.term
        )
        return rounded


def _with_term(number: Any, term: Term) -> Any:
    number.term = term
    return number


def trace(value: int, label: str = "", neutral: bool = False) -> Traced:
    """Return an integer that remembers what is computed from it. label, neutral: as in `Term`."""
    traced: Traced = _with_term(Traced(value), Term(value, label=label, neutral=neutral))
    return traced


def term_of(number: int) -> Term:
    """Return the term of an integer; that of a constant for one that has none."""
    return number.term if isinstance(number, Traced) else Term(number)


def _combine(operation: str, left: Any, right: Any, value: Any) -> Any:
    """Return the value of an operation on integers with its term, and that on others as it is."""
    if (
        not isinstance(value, int | float)
        or not isinstance(left, int)
        or not isinstance(right, int)
    ):
        return value
    term = _simplify(operation, term_of(left), term_of(right), value)
    return _with_term(TracedRatio(value) if isinstance(value, float) else Traced(value), term)


def _simplify(operation: str, left: Term, right: Term, value: float) -> Term:
    """Return the term of an operation, without what changes nothing: `* 1`, `+ 0`, `- 1 + 1`."""
    if operation in ("+", "*") and left.is_constant(operation == "*"):
        return right
    if operation in ("*", "/", "//") and right.is_constant(1):
        return left
    if operation in ("+", "-") and right.is_constant(0):
        return left
    if operation == "+" and right.operation == "neg":
        return _simplify("-", left, right.parts[0], value)
    undone = operation == "+" and left.operation == "-" and not right.label
    if undone and not right.operation and left.parts[1].is_constant(int(right.value)):
        return left.parts[0]
    return Term(value, operation, (left, right))


# --- in writing ----------------------------------------------------------------------------------

NO_NAMES: Mapping[Term, str] = {}


def write_term(
    number: int, numbers: bool = False, exact: bool = False, names: Mapping[Term, str] = NO_NAMES
) -> str:
    """Return how an integer was computed, as a formula or with the numbers in place.

    numbers: whether numbers stand for words. exact: whether a division that leaves nothing over is
    written without `floor`. names: words for what was computed elsewhere, by its term.
    """
    return _Writer(numbers, exact, names).write(term_of(number))[0]


class _Writer(Struct, frozen=True):
    """Writes terms. numbers, exact, names: as `write_term` takes them."""

    numbers: bool
    exact: bool
    names: Mapping[Term, str]

    def write(self, term: Term) -> tuple[str, int]:
        """Return the text of a term, and how tightly it holds together."""
        label = term.label or self.names.get(term, "")
        if not term.operation or label:
            return (label if label and not self.numbers else str(int(term.value))), ATOM
        parts = [self.write(each) for each in term.parts]
        if term.operation == "ceil":
            return f"ceil({parts[0][0]})", ATOM
        if term.operation == "neg":
            return f"-{_hold(*parts[0], ATOM)}", SUM
        operation = "/" if term.operation == "//" else term.operation
        binding = BINDING[operation]
        left = _hold(*parts[0], binding)
        right = _hold(*parts[1], binding + (operation in "-/%"))
        space = " " if binding == SUM or operation == "%" else ""
        text = f"{left}{space}{operation}{space}{right}"
        whole = self.exact and term.parts[0].value % term.parts[1].value == 0
        return (text, binding) if whole or term.operation != "//" else (f"floor({text})", ATOM)


def _hold(text: str, binding: int, wanted: int) -> str:
    return text if binding >= wanted else f"({text})"
