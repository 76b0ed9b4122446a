"""`archspec new`: a spec, with the files that it extends or imports, as files of one's own."""

from __future__ import annotations

from pathlib import Path

from archspec.errors import Span, UserError
from archspec.source import Document, read_file
from archspec.writing import writing


def copy(source: Path, target: Path) -> list[Path]:
    """Copy a spec to `target`, and every file it needs beside it; returns what was written.

    Nothing is overwritten: raises `UserError` if a file is there already with other contents.
    """
    if target.suffix not in (".yaml", ".yml"):
        raise UserError(f"{target}: a spec ends in .yaml", f"write {target.with_suffix('.yaml')}")
    if target.exists():
        raise UserError(f"{target}: the file exists", "choose another name")
    texts: dict[Path, str] = {}
    _gather(source, target, texts)
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise UserError(f"{path}: a file of that name exists, with other contents", "move it")
    for path, text in texts.items():
        with writing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [target, *(path for path in texts if path != target)]


def _gather(source: Path, target: Path, texts: dict[Path, str]) -> None:
    """Texts by the path they go to, the names of files in them made names beside `target`."""
    document = read_file(source)
    spans: list[tuple[Span, str]] = []
    for span, name in _named_files(document):
        beside = target.parent / Path(name).name
        spans.append((span, Path(name).name))
        if beside not in texts:
            _gather(source.parent / name, beside, texts)
    lines = list(document.source.lines)
    for span, name in sorted(spans, key=lambda each: (-each[0].line, -each[0].column)):
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + name + line[span.end_column - 1 :]
    texts[target] = "\n".join(lines)


def _named_files(document: Document) -> list[tuple[Span, str]]:
    extends, imports = document.root.get("extends"), document.root.get("import")
    values = [*([extends] if extends else []), *(imports.data if imports else ())]
    return [(value.span, str(value.data)) for value in values]
