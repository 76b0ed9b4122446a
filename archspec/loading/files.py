"""Load a file, with the files that it extends and imports, as one `Spec`.

`extends` lays a file over its base, key by key where the language says so; `import` brings in the
blocks of other files, each of which keeps seeing its own file's params, defaults and blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.errors import Diagnostic, Note, Source, Span, SpecError, UserError, did_you_mean
from archspec.foreign import without_import
from archspec.loading.overlay import find_merged, overlay
from archspec.loading.settings import apply_setting, as_edit, names_step, parse_edit
from archspec.loading.shipped import (
    is_bare,
    list_libraries,
    list_networks,
    list_shipped,
    shipped_folder,
    suggest_shipped,
)
from archspec.reading import from_here, kind_of, path_of
from archspec.schema.check_result import CheckResult
from archspec.schema.validation import check
from archspec.syntax.edits import Edit, find_fault, read_edits
from archspec.syntax.source import Document, Value, read_file
from archspec.syntax.steps import Body, read_body

MAX_FILES = 100
Read = Callable[[Path, str], Document]  # (path, name in messages)


class Home(Struct, frozen=True, eq=False):
    """The params, defaults and blocks of a file, which its blocks can use."""

    params: Value | None
    defaults: Value | None
    blocks: Mapping[str, Block]


class Block(Struct, frozen=True, eq=False):
    """A block's definition and the file it belongs to.

    body: None if the schema refused it. overrides: where the block is written that it replaces.
    """

    name: str
    value: Value
    body: Body | None
    span: Span
    home: Home
    overrides: Span | None = None


class EditLevel(Struct, frozen=True, eq=False):
    """The edits of one file, for the network as the files below it mean it.

    outputs: what the files below say under `outputs`. name: what messages call these files. lacks:
    whether some of the edits are refused, so that the network is not what is meant.
    """

    edits: tuple[Edit, ...]
    outputs: Value | None
    name: str
    lacks: bool = False


class Spec(Struct, frozen=True, eq=False):
    """A file laid over its bases, with its imports.

    body: its steps. broken: the places of what the schema refused, which expansion skips.
    diagnostics: the errors and warnings found while loading. files: the sources of all files that
    were read, from the one that was opened on. shipped: those of them that come with archspec, but
    for the one that was opened: nobody edits these. merged: the places of params of blocks that are
    laid over those of a base. before: the spec as the first state of the language read it, without
    laying them over, if there are any. levels: the edits of each file
    that has some, the lowest file first. outputs_level: how many of them the `outputs` know. given:
    the settings and edits from outside, as messages call them.
    """

    root: Value
    body: Body | None
    home: Home
    path: Path | None
    broken: frozenset[Span]
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[Source, ...] = ()
    shipped: frozenset[Source] = frozenset()
    merged: tuple[Span, ...] = ()
    before: Spec | None = None
    levels: tuple[EditLevel, ...] = ()
    outputs_level: int = 0
    given: tuple[str, ...] = ()


def open_spec(
    document: Document,
    settings: Mapping[str, Any] | None = None,
    edits: Sequence[str] = (),
    read: Read = read_file,
) -> Spec:
    """Return the spec of a document, with some of its values replaced, and edits of its steps.

    settings: values by param or dotted path, as `--set` and `load(path, **params)` give them.
    edits: as `--edit` takes them. read: gives the documents of the files that it names.
    Raises `SpecError` if the document cannot be read as a whole, and `UserError` for a setting that
    it has no place for.
    """
    spec = _open(_Reader(read), document, settings, edits)
    if not spec.merged:
        return spec
    before = _Reader(read, lays_params=False)
    try:
        return replace(
            spec, before=replace(_open(before, document, settings, edits), merged=spec.merged)
        )
    except (SpecError, UserError):  # as for a setting of a param that it has not
        return spec


def _open(
    reader: _Reader,
    document: Document,
    settings: Mapping[str, Any] | None,
    edits: Sequence[str],
) -> Spec:
    root, home = reader.read(document, ())
    more = [parse_edit(each) for each in edits]
    of_steps = []
    for path, value in (settings or {}).items():
        if names_step(path):
            of_steps.append(as_edit(path, value))
        else:
            root = apply_setting(root, path, value)
    if settings:
        reader.check(Document(root, document.source, document.path))
        home = reader.make_home(root, home.blocks, home)
    if root.get("layers") is None and root.get("blocks"):
        message = "this is a block library: it has no layers of its own"
        library = Diagnostic("library", message, root.key_span("blocks"), "`import` it in a spec")
        raise SpecError(reader.diagnostics or [library])
    body = read_body(root.get("layers"), reader.broken)
    if more or of_steps:
        home = reader.edit(root, home, more, of_steps)
    broken, diagnostics = frozenset(reader.broken), tuple(reader.diagnostics)
    others = {path: each.source for path, each in reader.documents.items()}
    folder = path_of(shipped_folder())
    shipped = frozenset(each for path, each in others.items() if path.is_relative_to(folder))
    files = (document.source, *others.values())
    merged = tuple(reader.merged)
    return Spec(
        root,
        body,
        home,
        document.path,
        broken,
        diagnostics,
        files,
        shipped,
        merged,
        levels=tuple(reader.levels),
        outputs_level=reader.outputs_level,
        given=(
            *(
                value.span.source.name if isinstance(value, Value) else f"{path}={value!r}"
                for path, value in (settings or {}).items()
            ),
            *(each.span.source.name for each in more),
        ),
    )


class _Reader:
    """Reads files and the files that they name, each once, and collects their errors.

    read_document: reads a file. libraries: imported files by their paths. trail: notes on how the
    file being read was reached.
    lays_params: whether params of a block are laid over those of the block that it replaces.
    merged: the places of those that are.
    """

    def __init__(self, read: Read, lays_params: bool = True) -> None:
        self.read_document = read
        self.lays_params = lays_params
        self.merged: list[Span] = []
        self.documents: dict[Path, Document] = {}
        self.libraries: dict[Path, Home] = {}
        self.broken: set[Span] = set()
        self.diagnostics: list[Diagnostic] = []
        self.trail: list[Note] = []  # from the file that is opened to the one being read
        self.levels: list[EditLevel] = []
        self.outputs_level = 0

    def check(self, document: Document) -> CheckResult:
        """Check a document by the schema. Raises `SpecError` if nothing more can be made of it."""
        result = check(document)
        self.broken |= result.broken
        self.report(result.diagnostics)
        if result.fatal:
            raise SpecError(self.diagnostics)
        return result

    @contextmanager
    def noting(self, text: str, value: Value) -> Iterator[None]:
        """Note at each error how its file was reached: by a value that names it."""
        self.trail.append(Note(text, value.span))
        try:
            yield
        finally:
            self.trail.pop()

    def report(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add diagnostics, with notes on how their file was reached."""
        trail = tuple(reversed(self.trail))
        self.diagnostics += [replace(each, notes=(*each.notes, *trail)) for each in diagnostics]

    def read(self, document: Document, above: tuple[Path, ...]) -> tuple[Value, Home]:
        """Return a document's value laid over that of its base, and the home of its blocks.

        above: the files that lead to this one, by `extends` and `import`. Raises `SpecError` for a
        file that cannot be found or read.
        """
        self.check(document)
        root = document.root
        here = _resolve(document.path)
        chain = (*above, here) if here else above
        base_root: Value | None = None
        base_home: Home | None = None
        extends = root.get("extends")
        if extends is not None:
            base = self.find(extends, document, chain)
            with self.noting("extended here", extends):
                base_root, base_home = self.read(base, chain)
        blocks = dict(base_home.blocks) if base_home else {}
        for name, span, value in root.entries_of("blocks"):
            if value.data is None and blocks.pop(name, None) is None:
                message = f"the block '{name}' is empty, and there is none in a base to take away"
                hint = f"give it `layers`: {name}: {{layers: [...]}}"
                self.report([Diagnostic("schema", message, span, hint)])
        self.add_imports(blocks, document, chain)
        if base_home is not None and root.get("layers") is not None:
            self.warn_of_replaced_layers(root, base_home)
            self.drop_levels()  # they edit the steps that these `layers` replace
        elif "edit" in root.data and root.get("edit") is None and not root.data["edit"].is_blank:
            self.drop_levels()
        self.add_level(root, base_root)
        if base_root is not None:
            self.merged += find_merged(base_root, root)
        root = overlay(base_root, root, self.lays_params)
        return root, self.make_home(root, blocks, base_home)

    def edit(
        self, root: Value, home: Home, edits: Sequence[Value], settings: Sequence[Value]
    ) -> Home:
        """Add edits that are given from outside, over those of the files, and return the home with
        the shipped blocks that they call: such an edit has no place for an `import`.

        settings: those that are written as settings, `head.units=10`.
        """
        span = (*edits, *settings)[0].span
        start = Span(span.source, span.line, span.column, span.line, span.column + 1)
        words = {"archspec": Value(1, start), "extends": Value("the spec", start)}
        value = Value({**words, "edit": Value((*edits, *settings), span)}, span)
        known = len(self.diagnostics)
        self.check(Document(value, span.source, None))
        self.diagnostics[known:] = [
            replace(each, hint=without_import(each.hint)) for each in self.diagnostics[known:]
        ]
        before = len(self.levels)
        self.add_level(value, root)
        written = {each.span for each in settings}
        for level in self.levels[before:]:
            marked = (replace(each, is_setting=each.span in written) for each in level.edits)
            self.levels[-1] = replace(level, edits=tuple(marked))
        bodies = [each.body for level in self.levels[before:] for each in level.edits if each.body]
        called = dict.fromkeys(step.label for body in bodies for step in body.walk())
        shipped = [each for each in list_libraries() if each in called and each not in home.blocks]
        if not shipped:
            return home
        names = Value(tuple(Value(each, start) for each in shipped), start)
        blocks = dict(home.blocks)
        self.add_imports(blocks, Document(Value({"import": names}, start), span.source, None), ())
        return self.make_home(root, blocks, home)

    def drop_levels(self) -> None:
        """Drop the edits of the files below."""
        self.levels.clear()
        self.outputs_level = 0

    def add_level(self, root: Value, base: Value | None) -> None:
        """Add the edits of a file, and report those that do not say one thing."""
        edit = root.get("edit")
        wrong: set[Span] = set()
        if edit is not None and base is None and root.get("layers") is None:
            message = "`edit` changes steps, and this file has neither `layers` nor a base"
            hint = "write the change into the blocks, or edit the file that has the steps"
            self.report([Diagnostic("schema", message, root.key_span("edit"), hint)])
        for each in edit.data if edit is not None and edit.span not in self.broken else ():
            if each.span not in self.broken and (fault := find_fault(each)):
                self.report([Diagnostic("schema", fault[0], each.span, fault[1])])
                wrong.add(each.span)
        self.broken |= wrong
        own_layers = base is None or root.get("layers") is not None
        outputs = root.get("outputs") if own_layers else base.get("outputs") if base else None
        edits = read_edits(edit, self.broken)
        lacks = edit is not None and len(edits) < len(edit.data or ())
        if edits or lacks:
            name = root.span.source.name if own_layers or base is None else base.span.source.name
            self.levels.append(EditLevel(edits, outputs, name, lacks))
        if root.get("outputs") is not None:
            self.outputs_level = len(self.levels)

    def add_imports(
        self, blocks: dict[str, Block], document: Document, chain: tuple[Path, ...]
    ) -> None:
        """Add the blocks of the files that a document imports. Report names that are taken."""
        root = document.root
        imports = root.get("import")
        imported: dict[str, Span] = {}
        is_missing = False
        for each in imports.data if imports else ():
            try:
                found = self.find(each, document, chain)
                with self.noting("imported here", each):
                    library = self.read_library(found, chain)
            except SpecError:
                is_missing = True
                continue
            for name, block in self.select_blocks(library, each).items():
                known = blocks.get(name, block)
                if known is not block:
                    first = imported.get(name, known.span)
                    self.report([_make_duplicate_error(name, each.span, first)])
                imported[name] = each.span
                blocks[name] = block
        for name, span, value in root.entries_of("blocks"):
            if name in imported and value.data is not None:
                self.report([_make_duplicate_error(name, span, imported[name])])
        if is_missing:  # every call of its blocks would be one more error
            raise SpecError(self.diagnostics)

    def warn_of_replaced_layers(self, root: Value, base: Home) -> None:
        """Warn of `layers` that call no block of the base: they replace the whole list."""
        body = read_body(root.get("layers"), self.broken)
        if body is None or not base.blocks:
            return
        if any(step.label in base.blocks for step in body.walk()):
            return
        message = "`layers` replaces the whole list of the base, and calls none of its blocks"
        hint = "override a param or a block to change a part; if the whole is meant, extend nothing"
        span = root.key_span("layers")
        self.report([Diagnostic("replaced-layers", message, span, hint, (), "warning")])

    def select_blocks(self, library: Home, value: Value) -> Mapping[str, Block]:
        """Return the blocks that an import brings in: of a shipped library, the one of its name."""
        name = str(value.data)
        if not is_bare(name):
            return library.blocks
        if name not in library.blocks:
            known = ", ".join(library.blocks) or "none"
            remedy = f"its blocks: {known}; `new --copy` makes a file of it, which can be imported"
            message = f"the shipped '{name}' has no block of that name"
            self.report([Diagnostic("file", message, value.span, remedy)])
            return {}
        return {name: library.blocks[name]}

    def make_home(self, root: Value, known: Mapping[str, Block], before: Home | None) -> Home:
        """Return the home of a file's own blocks, which sees the known blocks too.

        before: the home of the base that the file is laid over. Both are one file in effect, so
        that the base's own blocks get the new home.
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
                old = known.get(name)
                overrides = None if old is None else old.span
                blocks[name] = Block(name, value, body, span, home, overrides)
        return home

    def read_library(self, document: Document, chain: tuple[Path, ...]) -> Home:
        """Return the home of an imported file, which is read once."""
        path = _resolve(document.path)
        assert path is not None, "a library is always a file"
        if path not in self.libraries:
            levels, outputs_level = list(self.levels), self.outputs_level
            _, self.libraries[path] = self.read(document, chain)
            self.levels, self.outputs_level = levels, outputs_level  # blocks alone are imported
        return self.libraries[path]

    def find(self, value: Value, document: Document, chain: tuple[Path, ...]) -> Document:
        """Return the document of a file that a document names, relative to itself.

        Raises `SpecError` if it is missing, unreadable or part of a circle.
        """
        name = str(value.data)
        extended = value is document.root.get("extends")

        def fail(message: str, hint: str | None = None) -> SpecError:
            self.report([Diagnostic("file", message, value.span, hint)])
            return SpecError(self.diagnostics)

        if document.path is None and not is_bare(name):
            raise fail(
                "a spec given as text cannot name other files",
                "it can name what comes with archspec, as resnet18",
            )
        if Path(name).is_absolute():
            raise fail(
                f"'{name}' is an absolute path",
                "name it relative to this file, so that it can move; a shipped spec by its name",
            )
        path = (document.path.parent if document.path else Path()) / name
        kind = None if document.path is None else kind_of(path)
        if kind in (None, "folder") and is_bare(name):
            beside = path.with_name(f"{name}.yaml")
            if document.path is not None and kind_of(beside) == "file":
                message = "a bare name is a shipped spec's, and "
                if _resolve(beside) == _resolve(document.path):
                    raise fail(message + "this file has it as well", "rename this file")
                message += f"'{name}.yaml' lies beside this file"
                raise fail(message, f"write {name}.yaml")
            if extended and name in list_libraries():
                message = f"'{name}' is a library of blocks, and `extends` takes a network"
                raise fail(message, f"write import: [{name}]")
            shipped = list_shipped().get(name)
            if shipped is not None:
                path, kind = shipped, "file"
        if kind == "folder":
            raise fail(f"'{name}' is a folder, not a spec", "name a file in it")
        if kind is None:
            hint: str | None = f"looked for {path}"
            if kind_of(path.parent) == "folder":
                near = [each.name for each in path.parent.glob("*.yaml")]
                hint = did_you_mean(path.name, near) or hint
            if path.suffix == ".yaml" and path.stem in list_shipped():
                hint = f"the one that comes with archspec is called {path.stem}"
            if is_bare(name):
                shipped_names = list_networks() if extended else list_libraries()
                hint = suggest_shipped(name, shipped_names) or hint
            raise fail(f"there is no file '{name}'", hint)
        resolved = path.resolve()
        if resolved in chain:
            names = " -> ".join(each.name for each in (*chain[chain.index(resolved) :], resolved))
            raise fail(f"the files name each other in a circle: {names}")
        if resolved not in self.documents:
            if len(self.documents) >= MAX_FILES:
                raise fail(f"more than {MAX_FILES} files in all")
            try:
                self.documents[resolved] = self.read_document(path, _relative_name(path))
            except UserError as error:
                raise fail(str(error.args[0]), error.hint) from None
        return self.documents[resolved]


def _resolve(path: Path | None) -> Path | None:
    return None if path is None else path_of(path)


def _relative_name(path: Path) -> str:
    """Return a path relative to the working folder, without `specs/../`."""
    return str(from_here(path.resolve()))


def _make_duplicate_error(name: str, span: Span, first: Span) -> Diagnostic:
    """Return the error of a block name that two files define."""
    return Diagnostic(
        "duplicate-block",
        f"the block '{name}' comes from two files",
        span,
        "rename one of them",
        (Note("it also comes from here", first),),
    )
