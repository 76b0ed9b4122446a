"""Convert places of a text to those of editors: lines from 0, columns in UTF-16 units.

Spans count lines from 1 and characters, and take more characters for line ends than the Language
Server Protocol does.

>>> text = EditorText("a: 𝄞b\\r\\nc: 1\\n")
>>> text.position(text.find(1, 5)), text.offset(Position(0, 5))
(Position(line=0, character=5), 4)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from msgspec import Struct

from archspec.errors import Span
from archspec.silencing import find_comment
from archspec.syntax.yaml_errors import LINE_END

LINE_FEED = re.compile("\r\n|\r|\n")


class Position(Struct, frozen=True, order=True):
    """A place between two characters, as the protocol has it."""

    line: int
    character: int


class Range(Struct, frozen=True, order=True):
    """The text between two positions."""

    start: Position
    end: Position


class EditorText:
    """A text, and where its lines begin."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line's beginning, as spans count lines."""
        return [0, *(match.end() for match in LINE_END.finditer(self.text))]

    @cached_property
    def rows(self) -> list[int]:
        """The offset of each line's beginning, as the protocol counts lines."""
        return [0, *(match.end() for match in LINE_FEED.finditer(self.text))]

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return LINE_END.split(self.text)

    def find(self, line: int, column: int) -> int:
        """Return how many characters stand before a place of a span, within the text."""
        if line > len(self.starts):
            return len(self.text)
        return min(self.starts[line - 1] + column - 1, len(self.text))

    def position(self, offset: int) -> Position:
        """Return the position after so many characters."""
        row = bisect_right(self.rows, offset) - 1
        return Position(row, count_units(self.text[self.rows[row] : offset]))

    def offset(self, position: Position) -> int:
        """Return how many characters stand before a position; one beyond its line is its end."""
        if position.line >= len(self.rows):
            return len(self.text)
        start = self.rows[position.line]
        following = self.rows[position.line + 1 : position.line + 2]
        line = self.text[start : following[0] if following else None].rstrip("\r\n")
        units = 0
        for number, char in enumerate(line):
            if units >= position.character:
                return start + number
            units += 2 if ord(char) > 0xFFFF else 1
        return start + len(line)

    def row(self, line: int) -> int:
        """Return the line of the protocol in which a line of spans begins."""
        return self.position(self.find(line, 1)).line

    def place(self, position: Position) -> tuple[int, int]:
        """Return the line and the column of a position, as spans count them."""
        offset = self.offset(position)
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def bounds(self, span: Span) -> tuple[int, int]:
        """Return where a span begins and ends."""
        start = self.find(span.line, span.column)
        return start, max(start, self.find(span.end_line, span.end_column))

    def slice(self, place: Range) -> str:
        """Return what stands in a range."""
        return self.text[self.offset(place.start) : self.offset(place.end)]

    def range(self, span: Span) -> Range:
        """Return the range of a span; one that ends at the next value ends at its last word."""
        start, end = self.bounds(trim(span))
        return Range(self.position(start), self.position(end))


def count_units(text: str) -> int:
    """Return the length of a text in units of UTF-16."""
    return len(text) + sum(ord(char) > 0xFFFF for char in text)


def trim(span: Span) -> Span:
    """Return a span without what follows its last word: one of YAML ends where the next begins.

    Lines of comments at its end, and the comment after its last word, are no part of it.
    """
    if span.end_line == span.line:
        return span
    lines = span.source.lines
    for number in range(min(span.end_line, len(lines)), span.line, -1):
        text = lines[number - 1]
        if number == span.end_line:
            text = text[: span.end_column - 1]
        words = _without_comment(text)
        if words:
            return Span(span.source, span.line, span.column, number, len(words) + 1)
    words = _without_comment(lines[span.line - 1]) if span.line <= len(lines) else ""
    end = max(len(words) + 1, span.column)
    return Span(span.source, span.line, span.column, span.line, end)


def _without_comment(line: str) -> str:
    """Return a line without its comment and the spaces before it."""
    return line[: find_comment(line)].rstrip()
