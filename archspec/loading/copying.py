"""Start a spec from another, for `archspec new`: a file that extends it, or a copy of the whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from archspec.errors import Span, UserError
from archspec.loading.files import open_spec
from archspec.loading.settings import parse_edit
from archspec.loading.shipped import is_bare, list_shipped
from archspec.reading import from_here, kind_of, path_of, read_bytes, suggest_path
from archspec.schema import read_shipped
from archspec.syntax.source import MAX_BYTES, Document, read_file, to_plain
from archspec.syntax.writer import write_value
from archspec.writing import writing

SCHEMA = "archspec.schema.json"  # beside the spec, so that it is moved and committed with it
FOR_EDITORS = f"# yaml-language-server: $schema={SCHEMA}\n"


def extend_spec(source: Path, target: Path, edits: Sequence[str] = ()) -> list[Path]:
    """Write a spec to `target` that extends another; return the paths written.

    A shipped spec is named by its bare name, a file by its path from the new one. The edits follow,
    with an import of the shipped blocks that they call, or else the params of the source as a
    comment, with their values. The schema is written beside the spec.

    Raises `UserError` if `target` is there already or the source cannot be extended from there, and
    `SpecError` if the source cannot be read.
    """
    _require_new_spec(target)
    document = read_file(source, str(from_here(source)))
    spec = open_spec(document)
    called = open_spec(document, edits=edits).home.blocks if edits else {}
    imports = [each for each in called if each not in spec.home.blocks]
    name = _name_from(source, target, can_copy=not edits)
    params = spec.root.get("params")
    lines = [
        f"{FOR_EDITORS}archspec: 1",
        f"extends: {write_value(name)}",
        *([f"import: {write_value(imports)}"] if imports else []),
        *(["edit:"] if edits else []),
        *map(_write_edit, edits),
        *(_comment_params(to_plain(params)) if params and not edits else []),
    ]
    texts = {target: "\n".join(lines) + "\n", **_schema_beside(target)}
    return _write(texts)


def copy_spec(source: Path, target: Path) -> list[Path]:
    """Copy a spec to `target`, and every file that it needs beside it; return the paths written.

    The first line of each copy tells editors where the schema is, which is written beside them, or
    updated. No other file is overwritten: raises `UserError` if there is one already with other
    contents.
    """
    _require_new_spec(target)
    copies = _Copies(target.parent)
    copies.gather(source, target)
    texts: dict[Path, str] = {}
    for path, text in copies.texts.items():
        if kind_of(path) is None:
            texts[path] = FOR_EDITORS + text
        elif _without_schema(_read_existing(path)) != text:
            raise UserError(f"{path}: a file of that name exists, with other contents", "move it")
    first = {target: texts.pop(target)}
    return _write({**first, **texts, **_schema_beside(target)})


def _require_new_spec(target: Path) -> None:
    """Raise `UserError` if no spec can be started as a file of this name."""
    if target.suffix not in (".yaml", ".yml"):
        raise UserError(f"{target}: a spec ends in .yaml", f"write {suggest_path(target, '.yaml')}")
    if kind_of(target) is not None:
        raise UserError(f"{target}: the file exists", "choose another name")


def _name_from(source: Path, target: Path, can_copy: bool) -> str:
    """Return what a new spec calls the one that it extends.

    can_copy: whether the command could copy it. Raises `UserError` if the bare name of a shipped
    spec would be taken for a file beside it.
    """
    if list_shipped().get(source.stem) != source:
        return Path(os.path.relpath(source.resolve(), target.parent.resolve())).as_posix()
    beside = target.with_name(f"{source.stem}.yaml")
    if beside == target:
        message = f"{target}: a spec of that name cannot extend the shipped {source.stem}"
        copy = ", or copy the whole: --copy" if can_copy else ""
        raise UserError(message, f"choose another name{copy}")
    if kind_of(beside) == "file":
        message = f"{beside}: this file lies where `extends: {source.stem}` would look first"
        copy = ", or copy it: --copy" if can_copy else ""
        raise UserError(message, f"start from that file, in another folder{copy}")
    return source.stem


def _write_edit(text: str) -> str:
    """Return an edit as an item of the list under `edit`."""
    return f"  - {write_value(to_plain(parse_edit(text)))}".replace("\n", "\n    ")


def _comment_params(params: Mapping[str, Any]) -> list[str]:
    """Return the lines that show how a param of the base is changed."""
    if not params:
        return []
    written = "\n".join(f"{each}: {write_value(value)}" for each, value in params.items())
    return [
        "",
        "# To change a param, uncomment `params:` and its line. The values are those of the base.",
        "# params:",
        *(f"#   {line}" for line in written.splitlines()),
    ]


def _schema_beside(target: Path) -> dict[Path, str]:
    """Return the schema to write beside a spec, by its path, if it is not there or outdated."""
    schema = target.parent / SCHEMA
    return {schema: read_shipped()} if kind_of(schema) is None or _is_outdated(schema) else {}


def _write(texts: Mapping[Path, str]) -> list[Path]:
    """Write files; return their paths."""
    for path, text in texts.items():
        with writing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts)


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


class _Copies(Struct):
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
