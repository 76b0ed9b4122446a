"""Copy a spec, with the files that it extends or imports, for `archspec new`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from archspec.errors import Span, UserError
from archspec.loading.shipped import is_bare, list_shipped
from archspec.reading import kind_of, path_of, read_bytes
from archspec.schema import read_shipped
from archspec.syntax.source import MAX_BYTES, Document, read_file
from archspec.writing import writing

SCHEMA = "archspec.schema.json"  # beside the spec, so that it is moved and committed with it
FOR_EDITORS = f"# yaml-language-server: $schema={SCHEMA}\n"


def copy_spec(source: Path, target: Path) -> list[Path]:
    """Copy a spec to `target`, and every file that it needs beside it; return the paths written.

    The first line of each copy tells editors where the schema is, which is written beside them, or
    updated. No other file is overwritten: raises `UserError` if there is one already with other
    contents.
    """
    if target.suffix not in (".yaml", ".yml"):
        raise UserError(f"{target}: a spec ends in .yaml", f"write {target.with_suffix('.yaml')}")
    if kind_of(target) is not None:
        raise UserError(f"{target}: the file exists", "choose another name")
    copies = _Copies(target.parent)
    copies.gather(source, target)
    texts: dict[Path, str] = {}
    for path, text in copies.texts.items():
        if kind_of(path) is None:
            texts[path] = FOR_EDITORS + text
        elif _without_schema(_read_existing(path)) != text:
            raise UserError(f"{path}: a file of that name exists, with other contents", "move it")
    schema = target.parent / SCHEMA
    if kind_of(schema) is None or _is_outdated(schema):
        texts[schema] = read_shipped()
    for path, text in texts.items():
        with writing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [target, *(path for path in texts if path != target)]


def _read_existing(path: Path) -> str:
    """Return the text of a file that is there already; "" if it cannot be read."""
    try:
        return read_bytes(path, MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _is_outdated(schema: Path) -> bool:
    """Return whether a file is the schema of another version of archspec.

    Raises `UserError` if it is something else.
    """
    text = _read_existing(schema)
    try:
        title = str(json.loads(text)["title"])
    except (ValueError, KeyError, TypeError):
        title = ""
    if not title.startswith("archspec "):
        raise UserError(f"{schema}: a file of that name exists, and is not archspec's", "move it")
    return text != read_shipped()


def _without_schema(text: str) -> str:
    """Return a spec's text without the line that tells editors where its schema is."""
    return re.sub(r"^#\s*yaml-language-server:.*\n", "", text, count=1, flags=re.M)


@dataclass
class _Copies:
    """The texts to write into one folder, in which files name each other without folders.

    sources: the file that each text comes from.
    """

    folder: Path
    texts: dict[Path, str] = field(default_factory=dict)
    sources: dict[Path, Path] = field(default_factory=dict)

    def gather(self, source: Path, target: Path) -> None:
        """Add the text of a file and of all that it names.

        Raises `UserError` if two share a name.
        """
        second = path_of(source)
        first = self.sources.setdefault(target, second)
        if first != second:
            message = f"{target}: two files would be copied here, {first} and {second}"
            raise UserError(message, "give one of them another name")
        if target in self.texts:
            return
        document = read_file(source)
        lines = list(document.source.lines)
        self.texts[target] = ""  # set below: a file may name itself
        named = sorted(
            _find_named_files(document), key=lambda each: (-each[0].line, -each[0].column)
        )
        for span, name in named:
            named_file = _locate(name, source)
            line, beside = lines[span.line - 1], named_file.name
            lines[span.line - 1] = line[: span.column - 1] + beside + line[span.end_column - 1 :]
            self.gather(named_file, self.folder / beside)
        self.texts[target] = _without_schema("\n".join(lines))


def _locate(name: str, source: Path) -> Path:
    """Return the file that a spec names: beside it, or shipped if the name is bare."""
    beside = source.parent / name
    if is_bare(name) and kind_of(beside) != "file":
        return list_shipped().get(name, beside)
    return beside


def _find_named_files(document: Document) -> list[tuple[Span, str]]:
    """Return the files that a document extends or imports, with the places of their names."""
    extends, imports = document.root.get("extends"), document.root.get("import")
    values = [*([extends] if extends else []), *(imports.data if imports else ())]
    return [(value.span, str(value.data)) for value in values]
