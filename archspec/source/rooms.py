"""Hold what a step sees while it is written: names, defaults, the loops around it, and the body
that its statements are put into.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from archspec.loading.files import Home
from archspec.source.scopes import WrittenScope
from archspec.source.statements import Body, constant
from archspec.source.suffixes import Counter
from archspec.syntax.source import Value

Pieces = tuple[str | ast.expr, ...]  # of a name: texts, and formulas that stand in braces


class DefaultArguments(Struct, frozen=True, eq=False):
    """Arguments that layers start from, and the names in their formulas."""

    value: Value
    env: Mapping[str, ast.expr]


class Room(Struct, frozen=True, eq=False):
    """The surroundings of a step while it is written.

    prefix: the text before the step's name. path: the same from the beginning of the body, with
    dots. flow: the variable that takes the output of each step. body: where statements go. heads:
    for the function and each loop around, what stands at its beginning, with the variables that are
    there. once: whether the step is in the model's own function, and in no loop and condition of
    it.
    """

    scope: WrittenScope
    home: Home
    env: Mapping[str, ast.expr]
    defaults: tuple[DefaultArguments, ...]
    flow: str
    body: Body
    heads: tuple[tuple[Body, frozenset[str]], ...]
    prefix: Pieces = ()
    path: Pieces = ()
    counters: tuple[Counter, ...] = ()
    once: bool = False

    def inside(self, label: Pieces, scope: WrittenScope) -> Room:
        """Return what the steps in a named group see."""
        return replace(
            self,
            scope=scope,
            prefix=(*self.prefix, *label, "-"),
            path=(*self.path, *label, "."),
        )


def join(pieces: Sequence[str | ast.expr]) -> ast.expr:
    """Return a text that is made of pieces: an f-string, or a constant."""
    values: list[ast.expr] = []
    for each in pieces:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            each = each.value
        last = values[-1] if values else None
        if not isinstance(each, str):
            values.append(ast.FormattedValue(each, -1))
        elif isinstance(last, ast.Constant):
            values[-1] = constant(f"{last.value!s}{each}")
        elif each:
            values.append(constant(each))
    if not values:
        return constant("")
    if len(values) == 1 and isinstance(values[0], ast.Constant):
        return values[0]
    return ast.JoinedStr(values)


class Layered(Mapping[str, ast.expr]):
    """Names in formulas over those of the place around."""

    def __init__(self, own: Mapping[str, ast.expr], outer: Mapping[str, ast.expr]) -> None:
        self.own = own
        self.outer = outer

    def __getitem__(self, word: str) -> ast.expr:
        return self.own[word] if word in self.own else self.outer[word]

    def __contains__(self, word: object) -> bool:
        return word in self.own or word in self.outer

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self.own), **dict.fromkeys(self.outer)})

    def __len__(self) -> int:
        return len([*self])
