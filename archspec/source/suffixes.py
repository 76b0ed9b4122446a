"""Write the number behind the name of an unnamed step, as in `conv2d_1`, as a formula."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from msgspec import Struct

from archspec.errors import Refused
from archspec.source.statements import constant
from archspec.source.trace import Visit
from archspec.source.values import Unwritable
from archspec.syntax.formulas import Reported, evaluate
from archspec.syntax.steps import Step

MOST_ROWS = 12  # of a table of numbers


class Test(Struct, frozen=True, eq=False):
    """A condition that may decide a number: its formula without the `=`, and as Python."""

    text: str
    expression: ast.expr


class Counter(Struct, frozen=True, eq=False):
    """A loop around a step: its step, and what its number is called in the text. variables: of the
    loop, by their names in formulas."""

    step: Step
    index: ast.Name
    variables: Mapping[str, ast.Name]


def find_suffix(
    visits: Sequence[Visit], base: str, counters: Sequence[Counter], tests: Sequence[Test]
) -> ast.expr:
    """Return what stands behind the name of an unnamed step.

    base: its name without a number. Raises `Unwritable` where nothing decides the number.
    """
    numbers = [_number(each.label, base) for each in visits]
    if len(set(numbers)) == 1:
        return constant(_suffix(numbers[0]))
    places = [
        {step: index for step, index in each.inner if step.loop is not None} for each in visits
    ]
    rows = [[place[each.step] for each in counters if each.step in place] for place in places]
    known = [each for each in counters if each.step in places[0]]
    found = (
        _by_loops(rows, numbers, known)
        or _by_test(visits, numbers, tests)
        or _by_variable(visits, numbers, known)
    )
    if found is None:
        raise Unwritable(f"the numbers behind '{base}' in its names follow no rule")
    return found


def _number(label: str, base: str) -> int:
    rest = label[len(base) :]
    if rest and not rest[1:].isdigit():
        raise Unwritable(f"'{label}' is no name of a {base}")
    return int(rest[1:]) if rest else 0


def _suffix(number: int) -> str:
    return f"_{number}" if number else ""


def _by_loops(
    rows: Sequence[Sequence[int]], numbers: Sequence[int], counters: Sequence[Counter]
) -> ast.expr | None:
    """Return the number as a sum of the numbers of iterations, each with a factor."""
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        return None
    first = dict(zip(map(tuple, rows), numbers, strict=True))
    origin = tuple(min(column) for column in zip(*rows, strict=True))
    if origin not in first or any(origin):
        return None
    base = first[origin]
    factors = []
    for place in range(len(origin)):
        one = tuple(1 if each == place else 0 for each in range(len(origin)))
        factors.append(first.get(one, base) - base)
    for row, number in zip(rows, numbers, strict=True):
        if base + sum(f * i for f, i in zip(factors, row, strict=True)) != number:
            return None
    total: ast.expr | None = None
    for factor, counter in zip(factors, counters, strict=True):
        if factor:
            part: ast.expr = counter.index
            part = part if factor == 1 else ast.BinOp(constant(factor), ast.Mult(), part)
            total = part if total is None else ast.BinOp(total, ast.Add(), part)
    assert total is not None
    if base:
        return ast.JoinedStr(
            [constant("_"), ast.FormattedValue(ast.BinOp(total, ast.Add(), constant(base)), -1)]
        )
    text = ast.JoinedStr([constant("_"), ast.FormattedValue(total, -1)])
    return ast.IfExp(total, text, constant(""))


def _by_test(
    visits: Sequence[Visit], numbers: Sequence[int], tests: Sequence[Test]
) -> ast.expr | None:
    """Return the number as one of two, by a condition of a step before."""
    for test in tests:
        try:
            truths = [bool(evaluate(test.text, each.context.env)) for each in visits]
        except (Refused, Reported):
            continue
        there = {number for number, truth in zip(numbers, truths, strict=True) if truth}
        other = {number for number, truth in zip(numbers, truths, strict=True) if not truth}
        if len(there) == len(other) == 1:
            yes, no = constant(_suffix(there.pop())), constant(_suffix(other.pop()))
            return ast.IfExp(test.expression, yes, no)
    return None


def _by_variable(
    visits: Sequence[Visit], numbers: Sequence[int], counters: Sequence[Counter]
) -> ast.expr | None:
    """Return the number by a table of the values of one loop variable."""
    for counter in reversed(counters):
        for word, variable in counter.variables.items():
            values = [each.context.env.get(word) for each in visits]
            if not all(isinstance(each, int | str) for each in values):
                continue
            table = dict(zip(values, numbers, strict=True))
            if len(table) > MOST_ROWS or any(
                table[value] != number for value, number in zip(values, numbers, strict=True)
            ):
                continue
            keys: list[ast.expr | None] = [constant(each) for each in table]
            texts: list[ast.expr] = [constant(_suffix(each)) for each in table.values()]
            return ast.Subscript(ast.Dict(keys, texts), variable)
    return None
