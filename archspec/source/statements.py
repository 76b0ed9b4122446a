"""Define statements of a Python file in the making; expressions are nodes of Python's own `ast`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

Body = list["Statement"]


class Assign(Struct, eq=False):
    """`target = value`."""

    target: ast.expr
    value: ast.expr


class Do(Struct, eq=False):
    """An expression that stands alone, such as a call of `append`."""

    value: ast.expr


class Loop(Struct, eq=False):
    """`for target in items:`"""

    target: ast.expr
    items: ast.expr
    body: Body


class IfElse(Struct, eq=False):
    """`if test:`, and `else:` where there is something to do."""

    test: ast.expr
    body: Body
    otherwise: Body


class Return(Struct, eq=False):
    """`return value`."""

    value: ast.expr


class Remark(Struct, eq=False):
    """A comment on lines of its own."""

    text: str


class Function(Struct, eq=False):
    """`def name(required, optional=default, *, name): ...`

    required: the names of parameters without a default. optional: those with one. keyword: those
    that are given by name alone. doc: the docstring, if it has one.
    """

    name: str
    required: list[str] = field(default_factory=list)
    optional: dict[str, ast.expr] = field(default_factory=dict)
    keyword: list[str] = field(default_factory=list)
    body: Body = field(default_factory=list)
    doc: str = ""


Statement = Assign | Do | Loop | IfElse | Return | Remark


def walk(body: Iterable[Statement]) -> Iterator[Statement]:
    """Yield every statement, and those inside it after it."""
    for each in body:
        yield each
        if isinstance(each, Loop):
            yield from walk(each.body)
        elif isinstance(each, IfElse):
            yield from walk(each.body)
            yield from walk(each.otherwise)


def expressions(statement: Statement) -> tuple[ast.expr, ...]:
    """Return the expressions of a statement, without those of the statements inside it."""
    match statement:
        case Assign(target=target, value=value):
            return target, value
        case Do(value=value) | Return(value=value):
            return (value,)
        case Loop(target=target, items=items):
            return target, items
        case IfElse(test=test):
            return (test,)
        case _:
            return ()


def names_read(body: Iterable[Statement]) -> set[str]:
    """Return the names of variables whose value is taken somewhere in a body."""
    found = set()
    for statement in walk(body):
        parts = expressions(statement)
        if isinstance(statement, Assign | Loop) and isinstance(parts[0], ast.Name | ast.Tuple):
            parts = parts[1:]
        found |= {
            node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)
        }
    return found


# --- expressions ---------------------------------------------------------------------------------


def name(text: str) -> ast.Name:
    """Return a variable."""
    return ast.Name(text)


def constant(value: Any) -> ast.Constant:
    """Return a number, a text, True, False or None."""
    return ast.Constant(value)


def dotted(text: str) -> ast.expr:
    """Return a dotted name, `keras.regularizers.L2`."""
    first, *others = text.split(".")
    found: ast.expr = ast.Name(first)
    for each in others:
        found = ast.Attribute(found, each)
    return found


def call(
    function: ast.expr, positional: Iterable[ast.expr], named: Mapping[str, ast.expr] | None = None
) -> ast.Call:
    """Return a call."""
    keywords = [ast.keyword(key, value) for key, value in (named or {}).items()]
    return ast.Call(function, list(positional), keywords)


def same(one: ast.expr | None, other: ast.expr | None) -> bool:
    """Return whether two expressions are written alike."""
    if one is None or other is None:
        return one is other
    return ast.dump(one) == ast.dump(other)
