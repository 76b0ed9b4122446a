"""Give a name another one wherever it is written, in all files, or say why that cannot be.

What is to be written is found in the index of names. Then all files are read as they would be, and
nothing is changed unless each network is what it was: of the same layers, and with the same places
taken for the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from archspec.editing.dependents import find_dependents
from archspec.editing.index import Index
from archspec.editing.names import Key, NameTable, Occurrence, Template
from archspec.editing.reader import SpecReader
from archspec.editing.text import Position, Range
from archspec.editing.workspace import SpecView, Workspace
from archspec.errors import Span, SpecError, UserError
from archspec.graph import Graph
from archspec.loading.shipped import shipped_folder
from archspec.pipeline import graph_of
from archspec.reading import path_of

KINDS = {"param": "param", "variable": "loop variable", "block": "block", "step": "step"}


class Renamable(Struct, frozen=True):
    """A name at a place: where it stands there, and its text where it is defined."""

    range: Range
    text: str


def find_renamable(view: SpecView, position: Position) -> Renamable:
    """Return the name at a position. Raises `UserError` if there is none that can be changed."""
    mark, defined = _find(view, position)
    return Renamable(view.text.range(mark.span), defined.text)


def rename(
    workspace: Workspace, view: SpecView, position: Position, new: str
) -> dict[Path, list[tuple[Range, str]]]:
    """Return what to write where, by file, for a name to be another.

    Raises `UserError` if it cannot be, or if a network would not be what it was.
    """
    _, defined = _find(view, position)
    _check_form(defined, new.strip())
    indices = [view.index, *find_dependents(workspace, view, defined)]
    changes = _find_changes(defined, new.strip(), indices)
    found: dict[Path, list[tuple[Range, str]]] = {}
    for span, text in changes.items():
        path = workspace.reader.path_of(span.source)
        _check_writable(path, workspace, defined)
        text_of_file = workspace.reader.text_of(span.source)
        found.setdefault(path, []).append((text_of_file.range(span), text))
    _verify(workspace, indices, found)
    return found


# --- what is renamed -----------------------------------------------------------------------------


def _find(view: SpecView, position: Position) -> tuple[Occurrence, Occurrence]:
    """Return the mark at a position, and one that defines its name. Raises `UserError`."""
    if not view.is_sound:
        raise UserError("the spec has errors, so that nothing is sure", "mend them first")
    mark = view.mark_at(position)
    if mark is None or mark.kind not in KINDS:
        raise UserError("here is no name that can be changed")
    names = view.index.names
    targets = names.targets_of(mark)
    defined = [each for each in targets if each.form == "plain"]
    if len({names.find_root(each.key) for each in targets}) > 1:
        raise UserError(f"'{mark.text}' is a pattern of several names", "rename them one by one")
    if not defined:
        if mark.kind == "step":
            raise UserError(f"'{mark.text}' is what Keras calls the step", "give it a `name` first")
        raise UserError(f"'{mark.text}' is defined in a way that cannot be changed here")
    for each in defined:  # of several names of one step, the one that this place has
        if each.text == mark.text or each.key == mark.key:
            return mark, each
    return mark, defined[0]


def _check_form(defined: Occurrence, new: str) -> None:
    if not new:
        raise UserError("the new name is empty")
    held = Template(defined.text).placeholders
    if Template(new).placeholders != held:
        kept = " and ".join(held)
        raise UserError(
            f"'{new}' does not hold what '{defined.text}' does", f"keep {kept}" if held else None
        )


def _find_changes(defined: Occurrence, new: str, indices: Iterable[Index]) -> dict[Span, str]:
    """Return what to write at which place. Raises `UserError` for a place that cannot follow."""
    indices = list(indices)
    keys: dict[Key, Occurrence] = {defined.key: defined}
    grown = True
    while grown:
        before = len(keys)
        for index in indices:
            for mark in [each for key in keys if (each := index.names.marks.get(key))]:
                keys |= {each.key: each for each in index.names.list_same(mark)}
        grown = len(keys) > before
    changes: dict[Span, str] = {}
    for mark in keys.values():
        if mark.form == "hidden":
            if mark.defines and mark.kind == "step":  # a layer without a name
                continue
            raise UserError(f"{mark.span}: the name is written in a way that cannot be changed")
        changes[mark.span] = _rewrite(mark, defined, new)
    for index in indices:
        for key, value in index.names.values.items():
            if (key in keys) != (value.key in keys):  # of `filters: ==` one alone has a new name
                changes[value.span] = f"={new if value.key in keys else value.text}"
            else:
                changes.pop(value.span, None)
        for pattern, steps in index.names.patterns:
            changed = [each for each in steps if each.key in keys]
            if changed:
                _change_pattern(pattern, changed, len(steps), defined, new, changes)
    return {span: text for span, text in changes.items() if text != _written(span)}


def _rewrite(mark: Occurrence, defined: Occurrence, new: str) -> str:
    """Return the text of a mark for a new name of what it means. Raises `UserError`."""
    if mark.form == "same":
        return f"={new}"
    if mark.text == defined.text:
        return new
    for numbered in ("", "repeat", "unnamed"):
        groups = Template(defined.text, numbered).match(mark.text)
        if groups is not None:
            return Template(new, numbered).fill(groups)
    raise UserError(
        f"{mark.span}: '{mark.text}' may be '{defined.text}', and cannot be called like it",
        "give one of them another name by hand",
    )


def _change_pattern(
    pattern: Occurrence,
    changed: list[Occurrence],
    number: int,
    defined: Occurrence,
    new: str,
    changes: dict[Span, str],
) -> None:
    """Change a pattern if it does not fit any more, or raise `UserError`."""
    if all(Template(_rewrite(each, defined, new)).may_fit(pattern.text) for each in changed):
        return
    groups = Template(defined.text).match(pattern.text)
    groups = groups or Template(defined.text, "repeat").match(pattern.text)
    if groups is None or len(changed) < number:
        raise UserError(
            f"{pattern.span}: the pattern '{pattern.text}' would not fit '{new}'",
            "change the pattern by hand first",
        )
    changes[pattern.span] = _rewrite(pattern, defined, new)


def _written(span: Span) -> str:
    return "".join(text for _, text in span.lines())


# --- the networks as they would be ---------------------------------------------------------------


def _check_writable(path: Path, workspace: Workspace, defined: Occurrence) -> None:
    """Raise `UserError` for a file that comes with archspec, unless it is in the workspace."""
    shipped = path.is_relative_to(path_of(shipped_folder()))
    here = path in workspace.open or any(path.is_relative_to(each) for each in workspace.folders)
    if shipped and not here:
        raise UserError(
            f"'{defined.text}' is written in {path.name}, which comes with archspec",
            "`archspec new --copy` makes a file of it that is yours",
        )


def _verify(
    workspace: Workspace, indices: list[Index], changes: Mapping[Path, list[tuple[Range, str]]]
) -> None:
    """Raise `UserError` unless everything means what it meant."""
    before = workspace.reader
    after = SpecReader()
    after.open = dict(before.open)
    for path, edits in changes.items():
        text = before.text_of(before.read(path).source)
        after.open[path] = _apply(
            text.text,
            [(text.offset(place.start), text.offset(place.end), new) for place, new in edits],
        )
    for index in indices:
        was = _load(index, before)
        if was is None:
            continue
        new = Index(
            after.read(before.path_of(index.document.source), index.document.source.name),
            after.follow,
        )
        if was is not LIBRARY:
            _compare(was, _load_new(new, after))
        if _shape(index.names) != _shape(new.names):
            raise UserError("with this name something else would be meant", "choose another one")


def _apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


LIBRARY: Any = object()


def _load(index: Index, reader: SpecReader) -> Any:
    """Return the network of a file, LIBRARY of one that has none, None of a broken one."""
    try:
        return graph_of(index.document, {}, (), reader.read)
    except SpecError as error:
        return LIBRARY if [each.code for each in error.diagnostics] == ["library"] else None


def _load_new(index: Index, reader: SpecReader) -> Graph:
    try:
        return graph_of(index.document, {}, (), reader.read)
    except SpecError as error:
        first = error.diagnostics[0]
        raise UserError(f"with this name: {first.span}: {first.message}", first.hint) from None


def _compare(was: Graph, now: Graph) -> None:
    """Raise `UserError` unless two networks are one but for names."""
    same = was.fingerprint == now.fingerprint and len(was.nodes) == len(now.nodes)
    same = same and [*was.params.values()] == [*now.params.values()]
    same = same and _without_names(was.train) == _without_names(now.train)
    codes = [each.code for each in was.warnings]
    if not same or codes != [each.code for each in now.warnings]:
        raise UserError("with this name the network would be another", "choose another one")


def _without_names(value: Any) -> Any:
    """Return a recipe with its mappings as lists, so that names of outputs do not count."""
    if isinstance(value, Mapping):
        return [_without_names(each) for each in value.values()]
    return [_without_names(each) for each in value] if isinstance(value, list) else value


def _shape(names: NameTable) -> list[Any]:
    """Return which marks are of one name, by their order, and what patterns fit."""
    order = {mark.key: number for number, mark in enumerate(names.ordered())}
    roots: dict[Key, int] = {}
    same = [roots.setdefault(names.find_root(key), number) for key, number in order.items()]
    fits = sorted(sorted({order[each.key] for each in steps}) for _, steps in names.patterns)
    return [same, fits]
