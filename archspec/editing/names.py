"""Define the names in a spec and its files: where each is defined, and where it is used.

    params: {width: 8}                       width: a param of the file
    blocks:
      unit:                                  unit: a block
        params: {filters: null}              filters: a param of the block
        layers: [Conv2D: {filters: ==}]      which `==` uses
    layers:
      - unit: =width * i                     uses of unit, width and i
        for: {i: [1, 2]}                     i: a loop variable
        name: part{i}                        part{i}: a step

Names are followed as they are written, by the scopes of the language, and not as expansion meets
them: what is under a false `when`, in a block that nobody calls or in a library has names, too. All
occurrences of one name are tied together; one that two definitions could mean ties both.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Literal

from msgspec import Struct

from archspec.errors import Source, Span
from archspec.syntax.formulas import PLACEHOLDER

Kind = Literal["param", "variable", "block", "step", "file", "unknown"]
Form = Literal["plain", "same", "hidden"]
Key = tuple[int, int, int, int, str]  # source, line, column, end; of what is hidden there, what
OPAQUE = 0xE000  # from here on, characters stand for the `{...}` of a name


class Occurrence(Struct, frozen=True):
    """A place where a name is written.

    text: the name there; of a step with its `{...}`. form: "same" for `==`, "hidden" where the text
    cannot be followed, as behind an escape. defines: whether it is a definition.
    """

    kind: Kind
    span: Span
    text: str
    form: Form = "plain"
    defines: bool = False

    @property
    def key(self) -> Key:
        span, hidden = self.span, self.text if self.form == "hidden" else ""
        return id(span.source), span.line, span.column, span.end_column, hidden


class NameTable:
    """All names in a spec's files, tied to those of the same name.

    patterns: the patterns in references, each with the steps that it may fit. values: the `==` that
    stand at names of arguments, by the places of these.
    """

    def __init__(self) -> None:
        self.marks: dict[Key, Occurrence] = {}
        self.parents: dict[Key, Key] = {}
        self.patterns: list[tuple[Occurrence, tuple[Occurrence, ...]]] = []
        self.values: dict[Key, Occurrence] = {}

    def add(self, mark: Occurrence) -> Occurrence:
        """Add a mark; one at the same place stays, unless it was of an unknown kind."""
        known = self.marks.get(mark.key)
        if known is None or (known.kind == "unknown" and mark.kind != "unknown"):
            self.marks[mark.key] = mark
            return mark
        if mark.defines and not known.defines:
            self.marks[mark.key] = mark
            return mark
        return known

    def tie(self, first: Occurrence, second: Occurrence) -> None:
        """Take two marks for one name."""
        a, b = self.find_root(first.key), self.find_root(second.key)
        if a != b:
            self.parents[b] = a

    def find_root(self, key: Key) -> Key:
        while (parent := self.parents.get(key)) is not None:
            key = parent
        return key

    @cached_property
    def groups(self) -> Mapping[Key, list[Occurrence]]:
        """The marks of each name, in order."""
        found: dict[Key, list[Occurrence]] = defaultdict(list)
        for mark in self.ordered():
            found[self.find_root(mark.key)].append(mark)
        return found

    def ordered(self) -> list[Occurrence]:
        """Return the marks by file, line and column."""
        return sorted(self.marks.values(), key=_place)

    def list_same(self, mark: Occurrence) -> list[Occurrence]:
        """Return all marks of the name that a mark is of."""
        return self.groups.get(self.find_root(mark.key), [mark])

    def list_definitions(self, mark: Occurrence) -> list[Occurrence]:
        """Return the places where a name is defined."""
        return [each for each in self.list_same(mark) if each.defines]

    def list_patterns(self, mark: Occurrence) -> list[Occurrence]:
        """Return the patterns that may fit a step of this name."""
        same = {each.key for each in self.list_same(mark)}
        return [each for each, steps in self.patterns if any(step.key in same for step in steps)]

    def targets_of(self, mark: Occurrence) -> list[Occurrence]:
        """Return the definitions of a name, or of the steps that a pattern fits."""
        for each, steps in self.patterns:
            if each.key == mark.key:
                return list(steps)
        return self.list_definitions(mark)

    def at(self, source: Source, line: int, column: int) -> Occurrence | None:
        """Return the smallest mark at a place; its end is part of it, as for editors."""
        found = [
            mark
            for mark in self.in_line(source, line)
            if mark.span.column <= column <= mark.span.end_column
        ]
        return min(found, key=lambda mark: mark.span.end_column - mark.span.column, default=None)

    def in_line(self, source: Source, line: int) -> list[Occurrence]:
        return self.by_line.get((id(source), line), [])

    @cached_property
    def by_line(self) -> Mapping[tuple[int, int], list[Occurrence]]:
        """The marks that lie in one line, by source and line; patterns are among them."""
        found: dict[tuple[int, int], list[Occurrence]] = defaultdict(list)
        patterns = (mark for mark, _ in self.patterns)
        for mark in sorted({**self.marks, **{p.key: p for p in patterns}}.values(), key=_place):
            if mark.span.line == mark.span.end_line:
                found[id(mark.span.source), mark.span.line].append(mark)
        return found

    def of(self, source: Source) -> Iterator[Occurrence]:
        """Yield the marks in a file, in order."""
        for (number, _), marks in sorted(self.by_line.items()):
            if number == id(source):
                yield from marks


def _place(mark: Occurrence) -> tuple[str, int, int, int]:
    span = mark.span
    return span.source.name, span.line, span.column, span.end_column


# --- names with placeholders ---------------------------------------------------------------------


def hide(text: str) -> tuple[str, list[str]]:
    """Return a name with a character for each of its `{...}`, and these.

    >>> hide("stage{i}.x{j}")[1]
    ['{i}', '{j}']
    """
    held: list[str] = []

    def replace(match: re.Match[str]) -> str:
        held.append(match[0])
        return chr(OPAQUE + len(held) - 1)

    return PLACEHOLDER.sub(replace, text), held


class Template(Struct, frozen=True):
    """The name of a step as it is written, which stands for one name in each iteration.

    numbered: what is put behind it: "repeat" for the number of an iteration, "unnamed" for that
    among several of a kind, which the first lacks.
    """

    text: str
    numbered: Literal["", "repeat", "unnamed"] = ""

    @property
    def placeholders(self) -> list[str]:
        return hide(self.text)[1]

    def match(self, text: str) -> tuple[str, ...] | None:
        """Return what stands in a name for each `{...}` and for the number; None if it is no such
        name.

        >>> Template("stage{i}").match("stage{i - 1}"), Template("unit", "repeat").match("unit3")
        (('{i - 1}',), ('3',))
        """
        if text == self.text:
            return (*self.placeholders, *([""] if self.numbered else []))
        hidden, held = hide(text)
        found = _regex(self.text, self.numbered).fullmatch(hidden)
        if found is None:
            return None
        return tuple(show_again(group, held) for group in found.groups(""))

    def fill(self, groups: Iterable[str]) -> str:
        """Return the name with these in the places of its `{...}` and of its number."""
        groups = list(groups)
        shown = show_again(hide(self.text)[0], groups)
        return shown + (groups[-1] if self.numbered else "")

    def may_fit(self, pattern: str) -> bool:
        """Return whether a pattern with `*` may fit one of the names."""
        regex = ".*".join(re.escape(each) for each in hide(pattern)[0].split("*"))
        sample = hide(self.text)[0] + ("0" if self.numbered == "repeat" else "")
        return re.fullmatch(regex, sample) is not None or self.match(pattern) is not None


def show_again(text: str, held: list[str]) -> str:
    """Return a text with what its characters for `{...}` stand for."""
    return re.sub(
        "[\ue000-\uf8ff]",
        lambda match: held[ord(match[0]) - OPAQUE] if ord(match[0]) - OPAQUE < len(held) else "",
        text,
    )


@lru_cache(4096)
def _regex(text: str, numbered: str) -> re.Pattern[str]:
    """Return the regular expression of the names that a template stands for."""
    parts = (re.escape(part) for part in PLACEHOLDER.split(text)[::2])
    end = {"repeat": "([\\d*\ue000-\uf8ff]+)", "unnamed": r"(_[\d*]+)?"}.get(numbered, "")
    return re.compile("(.+)".join(parts) + end)
