"""Find the parts of formulas and of names with placeholders, and their places in the file.

>>> [(part.kind, part.text) for part in find_parts("=max(width, stem.height) * 2")]
[('function', 'max'), ('name', 'width'), ('step', 'stem'), ('axis', 'height'), ('number', '2')]
>>> [(part.kind, part.text, part.start) for part in find_parts("stage{i - 1}")]
[('name', 'i', 6), ('number', '1', 10)]
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from archspec.errors import Refused, Span
from archspec.syntax.formulas import AXES, PLACEHOLDER, WORDS, is_formula, parse

Kind = Literal["name", "step", "axis", "function", "number", "text", "word"]
WORD = re.compile(r"[^\W\d]\w*")
ESCAPED = {"'": ("''",), '"': (r"\"", r"\\", r"\/")}  # of a character that is as it is written
BEFORE_SCALAR = re.compile(r"(?:[&!]\S*\s+)*")  # anchors and tags


class FormulaPart(Struct, frozen=True):
    """A part of a formula: a name, a part of a step's path, its axis, a function or a constant.

    start, end: in the whole text. path: of a part of a step's path, which it is, from 0.
    """

    kind: Kind
    start: int
    end: int
    text: str
    path: int = 0


@lru_cache(4096)
def find_parts(text: str) -> tuple[FormulaPart, ...]:
    """Return the parts of a formula, or of the `{...}` in a name, in their order.

    Of what cannot be read, as while it is being written, each word counts as a name.
    """
    if is_formula(text):
        return tuple(_find(text[1:], 1))
    return tuple(part for match in PLACEHOLDER.finditer(text) for part in _find(*_inside(match)))


def _inside(match: re.Match[str]) -> tuple[str, int]:
    return match[1], match.start(1)


def _find(formula: str, at: int) -> Iterator[FormulaPart]:
    start = at + len(formula) - len(formula.lstrip())
    try:
        node = parse(formula)
    except Refused:
        node = None
    if node is None or "\n" in formula.strip():
        for match in WORD.finditer(formula):
            kind: Kind = "word" if match[0] in WORDS else "name"
            yield FormulaPart(kind, at + match.start(), at + match.end(), match[0])
        return
    text = formula.strip()
    found = sorted(_walk(node, text), key=lambda part: part.start)
    for part in found:
        yield FormulaPart(part.kind, start + part.start, start + part.end, part.text, part.path)


def _walk(node: ast.AST, text: str) -> Iterator[FormulaPart]:
    if isinstance(node, ast.Attribute):
        yield from _walk_path(node, text)
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield _make("function", node.func, text)
        for each in node.args:
            yield from _walk(each, text)
        return
    if isinstance(node, ast.Name):
        yield _make("word" if node.id in WORDS else "name", node, text)
    elif isinstance(node, ast.Constant):
        yield _make("text" if isinstance(node.value, str) else "number", node, text)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, text)


def _make(kind: Kind, node: ast.expr, text: str, path: int = 0) -> FormulaPart:
    start, end = _column(node.col_offset, text), _column(node.end_col_offset or 0, text)
    return FormulaPart(kind, start, end, text[start:end], path)


def _column(offset: int, text: str) -> int:
    """Return a column in characters; Python counts bytes."""
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


def _walk_path(node: ast.Attribute, text: str) -> Iterator[FormulaPart]:
    """Yield the parts of `stage1.unit0.height`."""
    owners: list[ast.expr] = [node]
    while isinstance(owners[-1], ast.Attribute):
        owners.append(owners[-1].value)
    if not isinstance(owners[-1], ast.Name):
        yield from _walk(owners[-1], text)
        return
    for path, each in enumerate(reversed(owners)):
        if isinstance(each, ast.Attribute):
            end = _column(each.end_col_offset or 0, text)
            start = end - len(each.attr)
            if text[start:end] != each.attr:  # written with spaces, which nobody does
                return
            last = each is node and each.attr in AXES
            yield FormulaPart("axis" if last else "step", start, end, each.attr, path)
        else:
            yield _make("step", each, text, path)


def split_path(text: str) -> list[tuple[int, str]]:
    """Return the parts of a reference between its dots, each with where it starts.

    >>> split_path("stage{i}.unit{a.channels}")
    [(0, 'stage{i}'), (9, 'unit{a.channels}')]
    """
    found, start, depth = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if char == "." and depth <= 0:
            found.append((start, text[start:at]))
            start = at + 1
    return [*found, (start, text[start:])]


def locate(text: str, span: Span, start: int, end: int) -> Span | None:
    """Return where a part of a scalar is written; None if its text cannot be followed in the file.

    text: the scalar as it is read. span: its place, with quotes and over several lines.
    """
    lines = span.source.lines[span.line - 1 : span.end_line]
    if not lines:
        return None
    if span.line == span.end_line:
        raw = lines[0][span.column - 1 : span.end_column - 1]
        lead = 0 if raw == text else 1 if raw[1:-1] == text and raw[:1] in ("'", '"') else None
        if lead is not None:
            first = span.column + lead
            return Span(span.source, span.line, first + start, span.line, first + end)
    places = _align(text, span, lines)
    if places is None:
        return None
    (line, column), (end_line, end_column) = places[start], places[end - 1] if end else places[0]
    if line != end_line:
        return None
    return Span(span.source, line, column, line, end_column + (end > start))


def _align(text: str, span: Span, lines: tuple[str, ...]) -> list[tuple[int, int]] | None:
    """Return the place of each character of a scalar, and that after the last; None if unclear."""
    chars = [
        (char, (span.line + row, column))
        for row, line in enumerate(lines)
        for column, char in enumerate(f"{line}\n", 1)
        if (row, column) >= (0, span.column if row == 0 else 1)
        if row < len(lines) - 1 or column < span.end_column
    ]
    raw = "".join(char for char, _ in chars)
    match = BEFORE_SCALAR.match(raw)
    at = match.end() if match else 0
    quote = raw[at : at + 1] if raw[at : at + 1] in ("'", '"') else ""
    at += len(quote)
    places: list[tuple[int, int]] = []
    for char in text:
        at += raw[at : at + 2] in ESCAPED.get(quote, ())
        if at >= len(raw):
            return None
        if raw[at] == char and not (char == " " and _folds(raw, at)):
            places.append(chars[at][1])
            at += 1
        elif char == " " and raw[at].isspace():
            places.append(chars[at][1])
            while at < len(raw) and raw[at].isspace():
                at += 1
        else:
            return None
    return [*places, chars[at][1] if at < len(chars) else (span.end_line, span.end_column)]


def _folds(raw: str, at: int) -> bool:
    """Return whether the space at a place belongs to the end of a line, all of which is a space."""
    rest = raw[at:]
    return "\n" in rest[: len(rest) - len(rest.lstrip())]
