"""`archspec new`: a spec, with the files that it extends or imports, as files of one's own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from archspec.errors import Span, UserError
from archspec.reading import kind_of, path_of, read_bytes
from archspec.schema import shipped
from archspec.syntax.source import MAX_BYTES, Document, read_file
from archspec.writing import writing

SCHEMA = "archspec.schema.json"  # beside the spec, so that it is moved and committed with it
FOR_EDITORS = f"# yaml-language-server: $schema={SCHEMA}\n"


def copy(source: Path, target: Path) -> list[Path]:
    """Copy a spec to `target`, and every file it needs beside it; returns what was written.

    The copies say in their first line where their schema is, and that is written beside them, or
    refreshed. Nothing else is overwritten: raises `UserError` if a file is there already with other
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
        elif _without_schema(_present(path)) != text:
            raise UserError(f"{path}: a file of that name exists, with other contents", "move it")
    schema = target.parent / SCHEMA
    if kind_of(schema) is None or _outdated(schema):
        texts[schema] = shipped()
    for path, text in texts.items():
        with writing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [target, *(path for path in texts if path != target)]


def _present(path: Path) -> str:
    """The text of what is there already, as far as it can be read."""
    try:
        return read_bytes(path, MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _outdated(schema: Path) -> bool:
    """Whether a file is the schema of another archspec; `UserError` if it is something else."""
    text = _present(schema)
    try:
        title = str(json.loads(text)["title"])
    except (ValueError, KeyError, TypeError):
        title = ""
    if not title.startswith("archspec "):
        raise UserError(f"{schema}: a file of that name exists, and is not archspec's", "move it")
    return text != shipped()


def _without_schema(text: str) -> str:
    """A spec's text without the line that says to editors where its schema is."""
    return re.sub(r"^#\s*yaml-language-server:.*\n", "", text, count=1, flags=re.M)


@dataclass
class _Copies:
    """The texts to write in a folder, the names of files in them made names in it.

    sources: where each comes from.
    """

    folder: Path
    texts: dict[Path, str] = field(default_factory=dict)
    sources: dict[Path, Path] = field(default_factory=dict)

    def gather(self, source: Path, target: Path) -> None:
        second = path_of(source)
        first = self.sources.setdefault(target, second)
        if first != second:
            message = f"{target}: two files would be copied here, {first} and {second}"
            raise UserError(message, "give one of them another name")
        if target in self.texts:
            return
        document = read_file(source)
        lines = list(document.source.lines)
        self.texts[target] = ""  # of a file that names itself, later
        named = sorted(_named_files(document), key=lambda each: (-each[0].line, -each[0].column))
        for span, name in named:
            line, beside = lines[span.line - 1], Path(name).name
            lines[span.line - 1] = line[: span.column - 1] + beside + line[span.end_column - 1 :]
            self.gather(source.parent / name, self.folder / beside)
        self.texts[target] = _without_schema("\n".join(lines))


def _named_files(document: Document) -> list[tuple[Span, str]]:
    extends, imports = document.root.get("extends"), document.root.get("import")
    values = [*([extends] if extends else []), *(imports.data if imports else ())]
    return [(value.span, str(value.data)) for value in values]
