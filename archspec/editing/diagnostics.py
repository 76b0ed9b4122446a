"""Give an editor the errors of a spec, and the changes that mend them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from archspec.editing.text import Range
from archspec.editing.workspace import SpecView
from archspec.errors import Diagnostic, in_a_line
from archspec.schema.validation import find_said_by_schema

UNUSED = "unused-"  # how the codes of what nothing uses begin


class Related(Struct, frozen=True):
    """A second place that belongs to a finding, in this file or another one."""

    path: Path
    range: Range
    text: str


class Finding(Struct, frozen=True):
    """One thing that is wrong, at a place of the file that is open.

    hint: how to mend it. is_unused: whether it is about what nothing uses. replaced, fix: the place
    and the text of a change that is sure to mend it.
    """

    range: Range
    severity: str
    code: str
    message: str
    hint: str | None = None
    related: tuple[Related, ...] = ()
    is_unused: bool = False
    replaced: Range | None = None
    fix: str = ""


def list_findings(view: SpecView, by_schema: bool = True) -> Iterator[Finding]:
    """Yield what is wrong with a spec.

    by_schema: whether what a validator of YAML says that has the schema, too, is among it.
    """
    said = set() if by_schema or view.document is None else find_said_by_schema(view.document)
    for found in view.found:
        if (found.span, found.code) not in said:
            yield _make(view, found)


def _make(view: SpecView, found: Diagnostic) -> Finding:
    reader, text = view.reader, view.text
    own = view.own(found)
    related = (
        Related(
            reader.path_of(note.span.source),
            reader.text_of(note.span.source).range(note.span),
            in_a_line(note.text),
        )
        for note in own.notes
        if note.span.source.file and note.span.source.lines
    )
    fix = found.fix if own.span is found.span else None
    return Finding(
        range=text.range(own.span),
        severity=own.severity,
        code=own.code,
        message=in_a_line(own.message),
        hint=None if own.hint is None else in_a_line(own.hint),
        related=tuple(related),
        is_unused=own.code.startswith(UNUSED),
        replaced=None if fix is None else text.range(fix.span),
        fix="" if fix is None else fix.text,
    )


class Action(Struct, frozen=True):
    """A change that mends a finding: a text in the place of another."""

    title: str
    finding: Finding
    range: Range
    text: str


def list_actions(view: SpecView, within: Range) -> Iterator[Action]:
    """Yield the changes that are sure to mend what is wrong in a range."""
    for each in list_findings(view):
        if each.replaced is not None and _meet(each.range, within):
            given = view.text.slice(each.replaced)
            title = f"Change '{given}' to '{each.fix}'"
            yield Action(title, each, each.replaced, each.fix)


def _meet(one: Range, other: Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def read_glob(pattern: str) -> re.Pattern[str]:
    r"""Return the regular expression of a pattern for files, as settings of editors have it.

    >>> [bool(read_glob("specs/**/*.yaml").search(f"/a/{each}.yaml")) for each in ("specs/b", "b")]
    [True, False]
    """
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    words = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("(?:^|/)" + "".join(words.get(each, re.escape(each)) for each in parts) + "$")
