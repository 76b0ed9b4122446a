"""Warn of what was written as a name and is read as a number: `5e1` is 50, `0x10` is 16."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.expand.expansion import Expansion
from archspec.syntax.formulas import is_formula, words_in
from archspec.syntax.source import FLOAT, INTEGER, Value


def warn_of_numbers_in_names(out: Expansion) -> None:
    """Warn of numbers that a `{...}` in a name takes, and that are written in another way."""
    root = out.spec.root
    taken = set(_list_taken(root))
    lists = {word for value in _list_values(root, taken) for word in _find_list(value)}
    for value in _list_values(root, taken | lists):
        if isinstance(value.data, bool) or not isinstance(value.data, int | float):
            continue
        span = value.span
        written = span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]
        number = str(int(value.data))
        is_scalar = FLOAT.fullmatch(written) or INTEGER.fullmatch(written)  # no list from Python
        if is_scalar and value.data == int(value.data) and written != number:
            message = f"YAML reads '{written}' as the number {number}, and a name takes it"
            hint = f"if text is meant, quote it: '{written}'; if not, write {number}"
            out.warn("number-in-name", message, span, hint)


def _list_taken(value: Value) -> Iterator[str]:
    """Yield the words in the `{...}` of all names and references, keys of branches among them."""
    if isinstance(value.data, str) and not is_formula(value.data):
        yield from words_in(value.data)
    for key, each in value.items():
        yield from words_in(key)
        yield from _list_taken(each)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _list_taken(each)


def _list_values(value: Value, names: set[str]) -> Iterator[Value]:
    """Yield each value that a variable or a param of these names is given, items of lists alone."""
    for key, each in value.items():
        columns = [name.strip() for name in key.split(",")]
        if len(columns) > 1:  # a table, whose rows have a value for each of them
            rows = each.data if isinstance(each.data, tuple) else ()
            cells = [zip(columns, row.data, strict=False) for row in rows if _is_list(row)]
            yield from (cell for row in cells for name, cell in row if name in names)
        elif key in names:
            yield from each.data if _is_list(each) else (each,)
        if not key[:1].isupper():  # arguments of a layer are numbers
            yield from _list_values(each, names)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _list_values(each, names)


def _is_list(value: Value) -> bool:
    return isinstance(value.data, tuple)


def _find_list(value: Value) -> set[str]:
    """Return the param that a loop walks, `=kinds`, if its list is a param's."""
    is_name = isinstance(value.data, str) and value.data[1:].strip().isidentifier()
    return words_in(value.data) if is_name and is_formula(value.data) else set()
