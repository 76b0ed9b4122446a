"""Find where a name is defined, and where it is used, in all files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from archspec.editing.dependents import find_dependents
from archspec.editing.names import Key, Occurrence
from archspec.editing.text import Position, Range
from archspec.editing.workspace import SpecView, Workspace
from archspec.errors import Span


class Location(Struct, frozen=True):
    """A range of a file."""

    path: Path
    range: Range


def find_definitions(workspace: Workspace, view: SpecView, position: Position) -> list[Location]:
    """Return where the name at a position is defined; of a word that names a file, that file."""
    if (mark := view.mark_at(position)) is not None:
        found = view.index.names.targets_of(mark)
        if found:
            return _locate(workspace, (each.span for each in found))
    line, column = view.text.place(position)
    return _locate(
        workspace,
        (
            Span(document.source, 1, 1, 1, 1)
            for span, document in view.index.links.items()
            if (span.source, span.line) == (view.source, line)
            if span.column <= column <= span.end_column
        ),
    )


def find_references(
    workspace: Workspace, view: SpecView, position: Position, with_definitions: bool = True
) -> list[Location]:
    """Return where the name at a position is written, patterns that may fit it among them, in the
    files that stand on its own as well."""
    mark = view.mark_at(position)
    if mark is None or mark.kind == "unknown":
        return []
    marks: dict[Key, Occurrence] = {}
    for each in view.index.names.targets_of(mark) or [mark]:
        for index in (view.index, *find_dependents(workspace, view, each)):
            names = index.names
            found = (*names.list_same(each), *names.list_patterns(each))
            marks |= {one.key: one for one in found}
    wanted = (each for each in marks.values() if with_definitions or not each.defines)
    return _locate(workspace, (each.span for each in wanted))


def find_in_file(view: SpecView, position: Position) -> Iterator[tuple[Range, bool]]:
    """Yield where the name at a position is written in its file, and where it is defined."""
    mark = view.mark_at(position)
    for each in view.index.names.list_same(mark) if mark is not None else ():
        if each.span.source is view.source:
            yield view.text.range(each.span), each.defines


def _locate(workspace: Workspace, spans: Iterable[Span]) -> list[Location]:
    reader = workspace.reader
    return [
        Location(reader.path_of(span.source), reader.text_of(span.source).range(span))
        for span in spans
    ]
