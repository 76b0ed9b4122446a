"""Keep the specs that are open in an editor, and read each again only when something changed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from archspec.editing.index import Index
from archspec.editing.names import Occurrence
from archspec.editing.reader import SpecReader
from archspec.editing.text import EditorText, Position
from archspec.errors import Diagnostic, Note, Source, Span, SpecError, UserError, in_order
from archspec.graph import Graph
from archspec.pipeline import graph_of
from archspec.syntax.source import Document


class SpecView:
    """An open spec as it is written now, with its network and its errors.

    document: None for what is no text of a spec, such as an image. graph: the network; of a broken
    spec what is left of it. found: all that is wrong, in this file and in others. last: the last
    view that had a whole network, for what a broken text does not say.
    """

    def __init__(
        self, path: Path, text: EditorText, reader: SpecReader, last: SpecView | None
    ) -> None:
        self.path = path
        self.text = text
        self.document: Document | None = None
        self.graph: Graph | None = None
        self.found: tuple[Diagnostic, ...] = ()
        self.is_library = False
        self.reader = reader
        self._files: dict[Path, Document | None] = {}
        self._look()
        self.last = None if self.is_sound else last

    @property
    def is_sound(self) -> bool:
        """Whether there is a network, or a library of blocks, without errors."""
        whole = self.graph is not None or self.is_library
        return whole and not any(each.severity == "error" for each in self.found)

    @property
    def source(self) -> Source | None:
        return None if self.document is None else self.document.source

    @cached_property
    def index(self) -> Index:
        """The names in this file and in those that it stands on."""
        document = self.document or Document(None, Source(str(self.path), ()), self.path)
        return Index(document, self.reader.follow)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the spec stands on, itself the first."""
        return self.path, *self._files

    def is_fresh(self) -> bool:
        """Return whether neither the text nor a file that it stands on has changed."""
        own = self._try_read(self.path)
        return own is self.document and all(
            self._try_read(path) is document for path, document in self._files.items()
        )

    def mark_at(self, position: Position) -> Occurrence | None:
        """Return the name at a position; None if there is none."""
        if self.source is None:
            return None
        line, column = self.text.place(position)
        return self.index.names.at(self.source, line, column)

    def own(self, found: Diagnostic) -> Diagnostic:
        """Return a diagnostic in this file: one of another file where this file leads to it."""
        source = self.source or found.span.source
        if found.span.source is source:
            return found
        here = next((note.span for note in found.notes if note.span.source is source), None)
        span = here or Span(source, 1, 1, 1, len(source.lines[0]) + 1 if source.lines else 1)
        message = f"{found.span}: {found.message}"
        return replace(
            found, message=message, span=span, notes=(Note("it is here", found.span), *found.notes)
        )

    def _look(self) -> None:
        try:
            self.document = self.reader.read(self.path)
            self.graph = graph_of(self.document, {}, (), self._read)
            misfit = (self.graph.misfit,) if self.graph.misfit else ()
            self.found = in_order((*self.graph.warnings, *misfit))
        except SpecError as error:
            self.graph, self.found = error.graph, error.diagnostics
            self.is_library = any(each.code == "library" for each in self.found)
            self.found = tuple(each for each in self.found if each.code != "library")
        except UserError as error:
            source = Source(str(self.path), tuple(self.text.text.splitlines()))
            start = Span(source, 1, 1, 1, 2)
            message = str(error.args[0]).removeprefix(f"{self.path.name}: ")
            self.found = (Diagnostic("file", message, start, error.hint),)
        self.found = tuple(
            replace(each, severity="error") if each.code == "contract" else each
            for each in self.found
        )

    def _read(self, path: Path, name: str) -> Document:
        try:
            document = self.reader.read(path, name)
        except UserError:
            self._files[path.resolve()] = None
            raise
        self._files[path.resolve()] = document
        return document

    def _try_read(self, path: Path) -> Document | None:
        try:
            return self.reader.read(path)
        except UserError:
            return None


class Workspace:
    """Open texts, and the views of them.

    folders: those in which other files may stand on an open one.
    """

    def __init__(self, folders: tuple[Path, ...] = ()) -> None:
        self.folders = folders
        self.reader = SpecReader()
        self._views: dict[Path, SpecView] = {}

    def write(self, path: Path, text: str) -> None:
        """Take a text for what a file holds."""
        self.reader.open[path] = text

    def close(self, path: Path) -> None:
        """Take what is on the disk for what a file holds again."""
        self.reader.open.pop(path, None)
        self._views.pop(path, None)

    @property
    def open(self) -> tuple[Path, ...]:
        return tuple(self.reader.open)

    def look(self, path: Path) -> SpecView:
        """Return the view of a file as it is now. Raises `UserError` if it cannot be read."""
        known = self._views.get(path)
        if known is not None and known.is_fresh():
            return known
        text = self.reader.open.get(path)
        if text is None:
            text = "\n".join(self.reader.read(path).source.lines)
        last = known if known is not None and known.is_sound else known and known.last
        view = self._views[path] = SpecView(path, EditorText(text), self.reader, last)
        return view
