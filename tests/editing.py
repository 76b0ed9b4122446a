"""Specs as an editor has them: texts with a cursor, and with places marked.

`‸` is the cursor, and `«...»` a marked place.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from archspec.editing.rename import rename
from archspec.editing.text import EditorText, Position, Range
from archspec.editing.workspace import SpecView, Workspace

CURSOR = "‸"
NET = "archspec: 1\ninput: [16, 16, 4]\n"


def write(folder: Path, text: str, name: str = "net.yaml") -> tuple[Workspace, SpecView, Position]:
    """Open a text in a workspace; return it with its view and the position of its cursor."""
    before, _, after = text.partition(CURSOR)
    workspace = Workspace((folder,))
    path = folder / name
    path.write_text(before + after, encoding="utf-8")
    workspace.write(path, before + after)
    rows = before.split("\n")
    return workspace, workspace.look(path), Position(len(rows) - 1, len(rows[-1]))


def read_marked(text: str) -> tuple[str, list[Range]]:
    """Return a text without its marks, and the ranges of these; its cursor stays."""
    plain, ranges = "", []
    for part in re.split("(«[^»]*»)", text):
        if part.startswith("«"):
            start = plain.replace(CURSOR, "")
            plain += part[1:-1]
            end = plain.replace(CURSOR, "")
            ranges.append(
                Range(EditorText(start).position(len(start)), EditorText(end).position(len(end)))
            )
        else:
            plain += part
    return plain, ranges


def apply(text: str, edits: Iterable[tuple[Range, str]]) -> str:
    """Return a text with what an editor writes into it."""
    places = EditorText(text)
    for place, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[: places.offset(place.start)] + new + text[places.offset(place.end) :]
    return text


def renamed(workspace: Workspace, view: SpecView, at: Position, new: str) -> Mapping[str, str]:
    """Return the texts that a renaming gives, by the names of their files."""
    changes = rename(workspace, view, at, new)
    reader = workspace.reader
    return {
        path.name: apply(reader.text_of(reader.read(path).source).text, edits)
        for path, edits in changes.items()
    }
