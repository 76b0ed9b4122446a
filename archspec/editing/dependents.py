"""Find the files of a workspace that extend or import others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from archspec.editing.index import Index
from archspec.editing.names import Occurrence
from archspec.editing.workspace import SpecView, Workspace
from archspec.errors import UserError
from archspec.reading import kind_of, path_of

SUFFIXES = (".yaml", ".yml")
LEFT_OUT = ("node_modules", "__pycache__")
MAX_FILES = 5000  # of the folders that are looked through


def find_dependents(workspace: Workspace, view: SpecView, mark: Occurrence) -> list[Index]:
    """Return the indices of other files that stand on those in which a name is written."""
    reader = workspace.reader
    same = view.index.names.list_same(mark)
    changed = {reader.path_of(each.span.source) for each in same}
    texts: dict[Path, str] = {}
    for path in _iter_files(workspace):
        text = reader.open.get(path) or _read(path)
        if "archspec" in text and ("extends" in text or "import" in text):
            texts[path] = text
    reached, grown = set(changed), True
    while grown:
        stems = {path.stem for path in reached}
        more = {path for path, text in texts.items() if any(stem in text for stem in stems)}
        grown = not more <= reached
        reached |= more
    found = []
    for path in sorted(reached - {view.path}):
        try:
            index = Index(reader.read(path), reader.follow)
        except UserError:
            continue
        if changed & {reader.path_of(mark.span.source) for mark in index.names.marks.values()}:
            found.append(index)
    return found


def _iter_files(workspace: Workspace) -> Iterable[Path]:
    """Yield the specs that may be in the folders of a workspace, and those that are open."""
    yield from workspace.open
    number = 0
    for folder in workspace.folders:
        for here, folders, files in os.walk(folder):
            folders[:] = sorted(
                each for each in folders if not each.startswith(".") and each not in LEFT_OUT
            )
            for name in sorted(files):
                if name.endswith(SUFFIXES):
                    number += 1
                    if number > MAX_FILES:
                        return
                    yield path_of(Path(here) / name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if kind_of(path) == "file" else ""
    except (OSError, ValueError):
        return ""
