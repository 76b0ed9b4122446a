"""A file with what it extends and imports -> one `Spec`.

`extends` lays a file over its base, key by key where the language says so; `import` brings in the
blocks of other files, each of which keeps seeing its own file's params, defaults and blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archspec.errors import (
    Diagnostic,
    Note,
    Source,
    Span,
    SpecError,
    UserError,
    did_you_mean,
)
from archspec.reading import from_here, kind_of, path_of
from archspec.recipe import RECIPE
from archspec.schema.checked import Checked
from archspec.schema.validation import check
from archspec.syntax.source import WORDS, Document, Value, make_value, read_file, read_text
from archspec.syntax.steps import Body, read_body

NOT_INHERITED = ("name", "require", "extends", "import")
DEEP = {"params": 1, "inputs": 1, "train": 1, "defaults": 2, "blocks": 2}
KEEPS_NULL = ("params",)
MAX_FILES = 100


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """What a block sees of the file it was written in."""

    params: Value | None
    defaults: Value | None
    blocks: Mapping[str, Block]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block's definition and the file it belongs to. body: None if the schema refused it."""

    name: str
    value: Value
    body: Body | None
    span: Span
    home: Home


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """A file, its bases laid under it and its imports found.

    body: its steps. broken: the places of what the schema refused, which expansion marks and steps
    over. diagnostics: what the schema said of them.
    """

    root: Value
    body: Body | None
    home: Home
    path: Path | None
    broken: frozenset[Span]
    diagnostics: tuple[Diagnostic, ...]


def open_spec(document: Document, settings: Mapping[str, Any] | None = None) -> Spec:
    """The spec of a document. Raises `SpecError` for what makes it unreadable as a whole.

    settings: dotted places to values, as `--set` and `load(path, **params)` give them.
    """
    reader = _Reader()
    root, home = reader.read(document, ())
    for place, value in (settings or {}).items():
        root = _set(root, place, value)
    if settings:
        reader.check(Document(root, document.source, document.path))
        home = reader.home(root, home.blocks, home)
    if root.get("layers") is None and root.get("blocks"):
        message = "this is a block library: it has no layers of its own"
        library = Diagnostic("library", message, root.key_span("blocks"), "`import` it in a spec")
        raise SpecError(reader.diagnostics or [library])
    body = read_body(root.get("layers"), reader.broken)
    broken, diagnostics = frozenset(reader.broken), tuple(reader.diagnostics)
    return Spec(root, body, home, document.path, broken, diagnostics)


def setting(text: str) -> tuple[str, Value]:
    """`--set width=32` as a place and a value, which is read as YAML."""
    place, equals, value = text.partition("=")
    if not equals or not place.strip():
        raise UserError(f"--set {text}: a setting is NAME=VALUE", "for example --set width=32")
    indent, name = " " * (len(place) + 1), f"--set {text}"
    if WORDS.get(value.strip(), text) is None:  # which as a file would be an empty one
        return place.strip(), replace(read_text(indent + "''", name, shown=text).root, data=None)
    return place.strip(), read_text(indent + value, name, shown=text).root


class _Reader:
    def __init__(self) -> None:
        self.documents: dict[Path, Document] = {}
        self.libraries: dict[Path, Home] = {}
        self.broken: set[Span] = set()
        self.diagnostics: list[Diagnostic] = []
        self.way: list[Note] = []  # from the file that is opened to the one that is read

    def check(self, document: Document) -> Checked:
        checked = check(document)
        self.broken |= checked.broken
        self.report(checked.diagnostics)
        if checked.fatal:
            raise SpecError(self.diagnostics)
        return checked

    def report(self, diagnostics: Iterable[Diagnostic]) -> None:
        way = tuple(reversed(self.way))
        self.diagnostics += [replace(each, notes=(*each.notes, *way)) for each in diagnostics]

    def read(self, document: Document, above: tuple[Path, ...]) -> tuple[Value, Home]:
        """A document's value with its bases under it, and the home of its blocks."""
        self.check(document)
        root = document.root
        here = _resolved(document.path)
        chain = (*above, here) if here else above
        blocks: dict[str, Block] = {}
        base_root: Value | None = None
        base_home: Home | None = None
        extends = root.get("extends")
        if extends is not None:
            base = self.find(extends, document, chain)
            self.way.append(Note("extended here", extends.span))
            base_root, base_home = self.read(base, chain)
            self.way.pop()
            blocks |= base_home.blocks
        own = {name: value for name, _, value in root.entries_of("blocks")}
        for name, value in own.items():
            if value.data is None:
                blocks.pop(name, None)
        imports = root.get("import")
        brought: dict[str, Span] = {}
        missing: list[Diagnostic] = []
        for each in imports.data if imports else ():
            try:
                found = self.find(each, document, chain)
            except SpecError as error:
                missing += error.diagnostics
                continue
            self.way.append(Note("imported here", each.span))
            library = self.library(found, chain)
            self.way.pop()
            for name, block in library.blocks.items():
                known = blocks.get(name, block)
                if known is not block:
                    self.report([_twice(name, each.span, brought.get(name, known.span))])
                brought[name] = each.span
                blocks[name] = block
        for name, span, value in root.entries_of("blocks"):
            if name in brought and value.data is not None:
                self.report([_twice(name, span, brought[name])])
        if missing:  # whatever calls their blocks would be blamed for it
            raise SpecError([*self.diagnostics, *missing])
        root = _laid_over(base_root, root)
        return root, self.home(root, blocks, base_home)

    def home(self, root: Value, known: Mapping[str, Block], before: Home | None) -> Home:
        """The home of a file's own blocks, which sees the known ones too.

        before: of a file that this one is laid over. Both are one file in effect, so that blocks
        which lived there live here now.
        """
        blocks = dict(known)
        home = Home(root.get("params"), root.get("defaults"), blocks)
        for name, block in known.items():
            if block.home is before:
                blocks[name] = replace(block, home=home)
        for name, span, value in root.entries_of("blocks"):
            if name not in blocks or blocks[name].value is not value:
                refused = value.span in self.broken
                body = None if refused else read_body(value.get("layers"), self.broken)
                blocks[name] = Block(name, value, body, span, home)
        return home

    def library(self, document: Document, chain: tuple[Path, ...]) -> Home:
        path = _resolved(document.path)
        assert path is not None, "a library is always a file"
        if path not in self.libraries:
            _, self.libraries[path] = self.read(document, chain)
        return self.libraries[path]

    def find(self, value: Value, document: Document, chain: tuple[Path, ...]) -> Document:
        """The document that a file names, relative to itself."""
        name = str(value.data)

        def fail(message: str, hint: str | None = None) -> SpecError:
            self.report([Diagnostic("file", message, value.span, hint)])
            return SpecError(self.diagnostics)

        if document.path is None:
            raise fail("a spec given as text cannot name other files")
        if Path(name).is_absolute():
            raise fail(
                f"'{name}' is an absolute path",
                "name it relative to this file, so that it can move",
            )
        path = document.path.parent / name
        kind = kind_of(path)
        if kind == "folder":
            raise fail(f"'{name}' is a folder, not a spec", "name a file in it")
        if kind is None:
            hint: str | None = f"looked for {path}"
            if kind_of(path.parent) == "folder":
                near = [each.name for each in path.parent.glob("*.yaml")]
                hint = did_you_mean(path.name, near) or hint
            raise fail(f"there is no file '{name}'", hint)
        resolved = path.resolve()
        if resolved in chain:
            names = " -> ".join(each.name for each in (*chain[chain.index(resolved) :], resolved))
            raise fail(f"the files name each other in a circle: {names}")
        if resolved not in self.documents:
            if len(self.documents) >= MAX_FILES:
                raise fail(f"more than {MAX_FILES} files in all")
            try:
                self.documents[resolved] = read_file(path, _short(path))
            except UserError as error:
                raise fail(str(error.args[0]), error.hint) from None
            except SpecError as error:
                self.way.append(Note("named here", value.span))
                self.report(error.diagnostics)
                self.way.pop()
                raise SpecError(self.diagnostics) from None
        return self.documents[resolved]


def _resolved(path: Path | None) -> Path | None:
    return None if path is None else path_of(path)


def _short(path: Path) -> str:
    """The path as its reader would write it: relative, without `specs/../`."""
    return str(from_here(path.resolve()))


def _twice(name: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "duplicate-block",
        f"the block '{name}' comes from two files",
        span,
        "rename one of them",
        (Note("it is brought in here too", first),),
    )


def _laid_over(base: Value | None, top: Value) -> Value:
    """The derived file's value over its base's, by the rules of `extends`; without its nulls."""
    data = {key: value for key, value in base.items() if key not in NOT_INHERITED} if base else {}
    keys = {key: base.key_span(key) for key in data} if base else {}
    for key, other in (("input", "inputs"), ("inputs", "input")):
        if top.get(key) is not None and other in data:
            del data[other], keys[other]
    for key, value in top.items():
        _lay(data, keys, key, value, top.key_span(key), DEEP.get(key, 0), key in KEEPS_NULL)
    return replace(top, data=data, keys=keys)


def _lay(
    data: dict[str, Value],
    keys: dict[str, Span],
    key: str,
    value: Value,
    span: Span,
    depth: int,
    keeps_null: bool,
) -> None:
    old = data.get(key)
    if value.data is None and not (keeps_null and depth == 0):
        data.pop(key, None)
        keys[key] = span  # where to say that it is missing
    elif depth and isinstance(value.data, dict):
        below = old is not None and isinstance(old.data, dict)
        inside, places = (dict(old.data), dict(old.keys)) if old and below else ({}, {})
        deepest = depth == 1 and (keeps_null or key not in ("train", "inputs"))
        for name, each in value.items():
            _lay(inside, places, name, each, value.key_span(name), depth - 1, deepest)
        data[key], keys[key] = replace(value, data=inside, keys=places), span
    else:
        data[key], keys[key] = value, span


def _set(root: Value, place: str, value: Any) -> Value:
    """The root with one place set: a param by its name, or any dotted place by its path."""
    new = value if isinstance(value, Value) else make_value(value, _argument(place, value))
    params = root.get("params")
    path = place.split(".")
    if len(path) == 1:
        path = ["params", *path]
    if path[0] == "params":
        name = path[1]
        known = list(params.data) if params else []
        if name not in known:
            hint = did_you_mean(name, known) or f"its params: {', '.join(known) or 'none'}"
            word = root.get(name)
            if word is not None and isinstance(word.data, dict | tuple):
                hint = f"a place in it can be set, such as {name}.{_inside(word)}"
            elif word is not None:
                hint = (
                    f"write `{name}` in the file: --set is for params, and places as train.epochs"
                )
            if name in RECIPE:
                hint = f"the recipe's own is train.{name}"
            raise UserError(f"the spec has no param '{name}'", hint)
    elif path[0] != "train" and path[0] not in root.data:
        raise UserError(
            f"the spec has no '{path[0]}' for '{place}'",
            did_you_mean(path[0], root.data) or f"it has {', '.join(root.data)}",
        )
    return _put(root, path, new, place)


def _inside(value: Value) -> str:
    """The first key or item of a value, as an example."""
    return next(iter(value.data), "") if isinstance(value.data, dict) else "0"


def _put(value: Value, path: list[str], new: Value, place: str) -> Value:
    if not path:
        return new
    key = path[0]
    if isinstance(value.data, tuple):
        if not key.isdecimal() or int(key) >= len(value.data):
            known = f"its items are 0 to {len(value.data) - 1}" if value.data else "it is empty"
            raise UserError(f"the list has no item '{key}' for '{place}'", known)
        items = list(value.data)
        items[int(key)] = _put(items[int(key)], path[1:], new, place)
        return replace(value, data=tuple(items))
    old = value.data if isinstance(value.data, dict) else {}
    inside = old.get(key, Value(None, new.span))
    start = len(place) - len(".".join(path))  # of the key, in a setting's text
    written = Span(new.span.source, 1, start + 1, 1, start + len(key) + 1)
    return replace(
        value,
        data={**old, key: _put(inside, path[1:], new, place)},
        keys={**value.keys, key: value.keys.get(key, written)},
    )


def _argument(place: str, value: Any) -> Span:
    """The place of a value that a caller of `load` gave."""
    shown = f"{place}={value!r}"
    return Span(Source(shown, (shown,)), 1, len(place) + 2, 1, len(shown) + 1)
