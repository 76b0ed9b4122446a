"""Read the files of a spec as an editor has them: open texts before what is on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from archspec.editing.text import EditorText
from archspec.errors import Source, UserError
from archspec.loading.shipped import is_bare, list_shipped
from archspec.reading import from_here, kind_of, path_of
from archspec.syntax.source import Document, Value, decode, read_text
from archspec.syntax.source import read_file as read_closed

Stamp = tuple[int, int, int]  # of a file on the disk: inode, size, time


class _Kept(Struct, frozen=True, eq=False):
    """A document as it was read, and what it was read from."""

    document: Document
    text: str | None
    stamp: Stamp | None


class _Written(Struct, frozen=True, eq=False):
    """A source, its file and its text as the file has it."""

    source: Source
    path: Path
    text: EditorText


class SpecReader:
    """Documents by their paths, each read again only when it has changed.

    open: the texts of files that are open in the editor, by their resolved paths.
    """

    def __init__(self) -> None:
        self.open: dict[Path, str] = {}
        self._kept: dict[Path, _Kept] = {}
        self._sources: dict[int, _Written] = {}

    def read(self, path: Path, name: str | None = None) -> Document:
        """Return the document of a file. name: what messages call it, by default its path.

        Raises `UserError` if it cannot be read.
        """
        resolved = path_of(path)
        text = self.open.get(resolved)
        stamp = None if text is not None else _stamp(resolved)
        kept = self._kept.get(resolved)
        if kept is not None and kept.text == text and kept.stamp == stamp:
            return kept.document
        name = name or str(from_here(resolved))
        if text is None:
            document = read_closed(path, name)
        else:
            document = read_text(decode(text.encode(errors="replace"), name), name, path)
        self._kept[resolved] = _Kept(document, text, stamp)
        whole = EditorText("\n".join(document.source.lines) if text is None else text)
        self._sources[id(document.source)] = _Written(document.source, resolved, whole)
        return document

    def text_of(self, source: Source) -> EditorText:
        """Return the text of a source."""
        known = self._sources.get(id(source))
        return known.text if known is not None else EditorText("\n".join(source.lines))

    def path_of(self, source: Source) -> Path:
        """Return the resolved path of a source."""
        known = self._sources.get(id(source))
        return known.path if known is not None else path_of(source.name)

    def follow(self, value: Value, document: Document) -> Document | None:
        """Return the document that a word of another names; None if it cannot be read."""
        name = str(value.data)
        path = (document.path.parent if document.path is not None else Path()) / name
        if is_bare(name) and (document.path is None or kind_of(path) != "file"):
            path = list_shipped().get(name, path)
        try:
            return self.read(path)
        except UserError:
            return None


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
