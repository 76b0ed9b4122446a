"""Write the heads of loops: `for stage, depth in enumerate(DEPTHS):`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from archspec.source.constants import write_data
from archspec.source.formulas import FindAxis, translate
from archspec.source.statements import Assign, Body, Loop, call, constant, name, names_read, same
from archspec.source.values import Unwritable
from archspec.syntax.formulas import is_formula, words_in
from archspec.syntax.source import Value
from archspec.syntax.steps import For, Repeat, Step, split_variables

Rows = Sequence[Mapping[str, Any]]
INDEX = "index"  # in formulas the number of the iteration


class LoopColumn(Struct, eq=False):
    """The values that one or several variables of a loop take."""

    variables: tuple[str, ...]
    items: ast.expr


class Columns(Struct, eq=False):
    """The head of a loop.

    index: the number of the iteration. counter: its variable, if no variable of the loop is that.
    variables: those of the loop, by their names in formulas. env: these, and `index`.
    """

    columns: list[LoopColumn]
    index: ast.Name
    counter: ast.Name | None
    variables: dict[str, ast.Name]
    env: dict[str, ast.expr]

    @property
    def names(self) -> set[str]:
        """Return the variables of the text."""
        return {self.index.id, *(each.id for each in self.variables.values())}

    def words_in(self, text: str) -> set[str]:
        """Return the names of this loop that the `{...}` of a text has."""
        return words_in(text) & self.env.keys()

    def close(self, body: Body, new: Callable[[str], str]) -> list[Assign | Loop]:
        """Return the loop around a body, in which a variable that nothing reads begins with `_`.

        new: gives the variable of a name, for a table that stands before the loop.
        """
        if not body:
            return []
        used = names_read(body)
        counts = self.counter is not None and self.counter.id in used
        columns = _join_lists(self.columns)
        counted = None if counts else _find_counted(columns)
        if counted is not None and len(columns) > 1:
            columns.remove(counted)
        target = self._target(columns, used)
        items = columns[0].items
        if len(columns) > 1:
            items = call(name("zip"), [each.items for each in columns], {"strict": constant(True)})
        numbers: ast.expr | None = self.counter if counts else None
        if counted is not None:
            numbers = self._variable(counted.variables[0], used)
        if numbers is None:
            return [Loop(target, items, body)]
        before: list[Assign | Loop] = []
        if isinstance(items, ast.List) and len(items.elts) > 3:
            rows = name(new("rows"))
            before, items = [Assign(rows, items)], rows
        counting = call(name("enumerate"), [items])
        return [*before, Loop(ast.Tuple([numbers, target]), counting, body)]

    def _target(self, columns: Sequence[LoopColumn], used: set[str]) -> ast.expr:
        parts: list[ast.expr] = []
        for each in columns:
            variables = [self._variable(word, used) for word in each.variables]
            parts.append(variables[0] if len(variables) == 1 else ast.Tuple([*variables]))
        if len(parts) == 1:
            return parts[0]
        return ast.Tuple(parts)

    def _variable(self, word: str, used: set[str]) -> ast.expr:
        variable = self.variables[word]
        if variable.id in used:
            return variable
        return name("_" if word == INDEX and len(self.variables) == 1 else f"_{variable.id}")


def _join_lists(columns: Sequence[LoopColumn]) -> list[LoopColumn]:
    """Return columns with lists of one length, each of one variable, as one of rows."""
    lists = [each.items.elts for each in columns if isinstance(each.items, ast.List)]
    plain = len(lists) == len(columns) > 1 and all(len(each.variables) == 1 for each in columns)
    if not plain or len({len(each) for each in lists}) > 1:
        return [*columns]
    rows: list[ast.expr] = [ast.Tuple([*row]) for row in zip(*lists, strict=True)]
    return [LoopColumn(tuple(each.variables[0] for each in columns), ast.List(rows))]


def _find_counted(columns: Sequence[LoopColumn]) -> LoopColumn | None:
    """Return the column that only numbers the items of another one."""
    for each in columns:
        match each.items:
            case ast.Call(
                func=ast.Name(id="range"),
                args=[ast.Call(func=ast.Name(id="len"), args=[counted])],
            ) if any(same(counted, other.items) for other in columns if other is not each):
                return each
    return None


def read_columns(
    step: Step,
    env: Mapping[str, ast.expr],
    find_axis: FindAxis,
    new: Callable[[str], str],
    rows: Rows | None,
) -> Columns:
    """Return the head of a loop.

    new: gives the variable of a name, and of "" one for the number. rows: the values of the
    variables, if they are the same every time. Raises `Unwritable`.
    """
    if isinstance(step.loop, Repeat):
        count = step.loop.count
        times: ast.expr = constant(count.data)
        if is_formula(count.data):
            times = translate(count.data[1:], env, find_axis)
        index = name(new(""))
        columns = [LoopColumn((INDEX,), call(name("range"), [times]))]
        return Columns(columns, index, None, {INDEX: index}, {INDEX: index})
    assert isinstance(step.loop, For)
    try:
        columns = _read(step.loop.value, env, find_axis)
    except Unwritable:
        if not rows:
            raise
        columns = [_from_rows(rows)]
    variables = {word: name(new(word)) for each in columns for word in each.variables}
    counted = next((variables[each.variables[0]] for each in columns if _counts(each)), None)
    counter = None if counted is not None else name(new(""))
    index = counted or counter or name("")
    return Columns(columns, index, counter, variables, {INDEX: index, **variables})


def _counts(column: LoopColumn) -> bool:
    """Return whether a column is 0, 1, 2 and so on."""
    match column.items:
        case ast.Call(func=ast.Name(id="range"), args=[_]):
            return True
        case ast.List(elts=items) if len(column.variables) == 1:
            return [getattr(item, "value", None) for item in items] == [*range(len(items))]
    return False


def _read(value: Value, env: Mapping[str, ast.expr], find_axis: FindAxis) -> list[LoopColumn]:
    data = value.data
    if isinstance(data, tuple):
        if not data or not all(isinstance(row.data, dict) for row in data):
            raise Unwritable("the rows of a loop are no mappings")
        words = tuple(data[0].data)
        rows: list[ast.expr] = []
        for row in data:
            cells = [_write(row.data[word], env, find_axis, word) for word in words]
            rows.append(cells[0] if len(cells) == 1 else ast.Tuple(cells))
        return [LoopColumn(words, ast.List(rows))]
    if not isinstance(data, dict):
        raise Unwritable("a loop goes over a formula that gives mappings")
    columns = []
    for key, items in data.items():
        words = tuple(split_variables(key))
        if is_formula(items.data):
            made = translate(key if items.data == "==" else items.data[1:], env, find_axis, True)
        else:
            made = ast.List([_write_row(each, env, find_axis, len(words)) for each in items.data])
        columns.append(LoopColumn(words, made))
    return columns


def _write_row(
    value: Value, env: Mapping[str, ast.expr], find_axis: FindAxis, width: int
) -> ast.expr:
    if width > 1 and isinstance(value.data, tuple):
        return ast.Tuple([_write(each, env, find_axis) for each in value.data])
    return _write(value, env, find_axis)


def _write(
    value: Value, env: Mapping[str, ast.expr], find_axis: FindAxis, key: str = ""
) -> ast.expr:
    if is_formula(value.data):
        return translate(key if value.data == "==" else value.data[1:], env, find_axis)
    if isinstance(value.data, tuple):
        return ast.List([_write(each, env, find_axis) for each in value.data])
    return write_data(value.data)


def _from_rows(rows: Rows) -> LoopColumn:
    words = tuple(rows[0])
    made = [[write_data(row[word]) for word in words] for row in rows]
    return LoopColumn(words, ast.List([c[0] if len(words) == 1 else ast.Tuple(c) for c in made]))
