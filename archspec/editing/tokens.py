"""Classify the words of a file, so that an editor can colour names by their meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from archspec.editing.parts import find_parts, locate
from archspec.editing.text import Position
from archspec.editing.workspace import SpecView
from archspec.errors import Span
from archspec.expand.defaults import CHANNELS
from archspec.expand.loops import INDEX
from archspec.layers import LAYERS
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Value

TokenKind = Literal[
    "param", "variable", "block", "step", "layer", "function", "number", "text", "word"
]
OF_FORMULA: dict[str, TokenKind] = {
    "axis": "word",
    "function": "function",
    "number": "number",
    "text": "text",
    "word": "word",
}


class Token(Struct, frozen=True, order=True):
    """A word and what it is; length: in units of UTF-16. defines: whether it is a definition."""

    position: Position
    length: int
    kind: TokenKind
    defines: bool = False


def list_tokens(view: SpecView) -> list[Token]:
    """Return the names, the layers and the parts of formulas in a file, in order, none twice."""
    source, text = view.source, view.text
    if source is None or view.document is None or view.document.rest is None:
        return []
    spans: dict[tuple[int, int], tuple[Span, TokenKind, bool]] = {}

    def add(span: Span, kind: TokenKind, defines: bool = False) -> None:
        if span.source is source and span.line == span.end_line:
            spans.setdefault((span.line, span.column), (span, kind, defines))

    for mark in view.index.names.of(source):
        if mark.form == "plain" and mark.kind in ("param", "variable", "block", "step"):
            if "{" not in mark.text:
                add(mark.span, mark.kind, mark.defines)
            else:  # what stands in the braces is something else
                literal = mark.text.index("{")
                if literal:
                    add(mark.span.within(0, literal), "step", mark.defines)
        elif mark.form == "same":
            add(mark.span, mark.kind)  # type: ignore[arg-type]
    for span, kind in _walk(view.document.rest):
        add(span, kind)
    tokens = []
    end = Position(0, 0)
    for _, (span, kind, defines) in sorted(spans.items()):
        place = text.range(span)
        if place.start >= end and place.end > place.start:  # one in another is left out
            length = place.end.character - place.start.character
            tokens.append(Token(place.start, length, kind, defines))
            end = place.end
    return tokens


def _walk(value: Value) -> Iterator[tuple[Span, TokenKind]]:
    """Yield the layers and the parts of formulas in a value."""
    if value.alias is not None:
        return
    if isinstance(value.data, str):
        yield from _read(value.data, value.span)
    for key, span, each in value.entries():
        yield from _read(key, span)
        yield from _walk(each)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _walk(each)


def _read(text: str, span: Span) -> Iterator[tuple[Span, TokenKind]]:
    if text in LAYERS:
        if (at := locate(text, span, 0, len(text))) is not None:
            yield at, "layer"
    elif is_formula(text) or "{" in text:
        for part in find_parts(text):
            kind = OF_FORMULA.get(part.kind)
            if part.text in (CHANNELS, INDEX) and part.kind == "name":
                kind = "word"
            at = locate(text, span, part.start, part.end)
            if kind is not None and at is not None:
                yield at, kind
