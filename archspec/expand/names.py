"""Give names to steps: in each iteration, in their scopes, and at the end to nodes."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from archspec.errors import Note, Refused, Span
from archspec.expand.context import Context
from archspec.expand.drafts import Draft
from archspec.expand.expansion import Errors, Expansion, Trail
from archspec.expand.scopes import Entry, Scope
from archspec.expand.values import fill
from archspec.graph import Kind
from archspec.syntax.steps import For, Step, locate_variables

CALLED = "in block"  # how the note on a call begins


def name_step(step: Step, context: Context, number: int | None, out: Expansion) -> str | None:
    """Return the explicit name of a step; iterations of `repeat` are numbered from 0."""
    if step.name is None:
        return None
    text = fill(step.name, context, out)
    return text if number is None else f"{text}{number}"


def enter(
    scope: Scope,
    entry: Entry,
    name: str | None,
    otherwise: str,
    span: Span,
    trail: Trail,
    out: Expansion,
) -> tuple[str, Errors]:
    """Enter a step in a scope under its name, or else as `otherwise`.

    Returns the name that it has there, and the errors. A name that is refused is reported, and the
    step is entered without it.
    """
    out.last_at[entry.place] = entry
    try:
        return scope.add(entry, name, otherwise), ()
    except Refused as refused:
        if (first := scope.named.get(name or "")) and refused.code == "duplicate-name":
            refused.hint = _hint_for_renamed(first, entry, out) or refused.hint
        errors = (out.refuse(refused, span, trail),)
        impossible = refused.code == "name" and otherwise
        return scope.add(entry, None, otherwise if impossible else name or otherwise), errors


def _hint_for_renamed(first: Entry, second: Entry, out: Expansion) -> str | None:
    """Return the hint for a name that one edit gives to two steps; None if none does."""
    keys = {place: key for key, place in out.places.items()}
    marks = {mark: edit for edit, mark in out.marks.items()} if first.span == second.span else {}
    ways = [_find_way(entry.place, keys) for entry in (first, second)]
    naming = [
        {each.edit for each in out.edits.get(entry.place, ()) if each.edit.verb == "rename"}
        | {marks[step] for step, _ in way if step in marks}
        for entry, way in zip((first, second), ways, strict=True)
    ]
    if not naming[0] & naming[1]:
        return None
    for (step, index), (other, another) in zip(*ways, strict=False):
        if step is not other:
            break
        if index != another:
            loop = step.loop
            named = locate_variables(loop.value) if isinstance(loop, For) else {}
            variable = next(iter(named), "index")
            return f"a name that tells them apart holds the loop variable, {{{variable}}}"
    return "names are unique in a group: write an edit for each, by `at` or `of`"


def _find_way(place: int, keys: Mapping[int, tuple[int, Step, int]]) -> list[tuple[Step, int]]:
    """Return the steps around a place, each with its iteration, from the outermost to its own."""
    way: list[tuple[Step, int]] = []
    while place:
        place, step, index = keys[place]
        way.insert(0, (step, index))
    return way


def make_entry(span: Span, context: Context, value: Draft | None = None) -> Entry:
    """Return the entry of a step that is written at `span`."""
    reused = context.owners is not None
    return Entry(span, value, place=context.place, level=context.level, reused=reused)


def open_group(
    name: str | None, kind: Kind, span: Span, context: Context, out: Expansion
) -> tuple[Context, Entry, Errors]:
    """Open the scope of a group or branch, if it has a name.

    Returns the context inside it, its entry, and the errors in its name.
    """
    entry = make_entry(span, context)
    if name is None:
        return context, entry, ()
    label, errors = enter(context.scope, entry, name, "group", span, context.trail, out)
    entry.scope = context.scope.open(label, kind, is_named=entry.named)
    return replace(context, scope=entry.scope), entry, errors


def make_call_note(scope: Scope, span: Span) -> Note:
    """Return the note for errors inside a block call; scope: that of the call."""
    return Note(f"{CALLED} '{scope.title}', as {scope.path}", span)


def settle_names(out: Expansion) -> None:
    """Give every node, and every note on a block call, its final name."""
    out.names = list(out.top.settle())
    for name, entry in out.names:
        if isinstance(entry.value, Draft) and entry.scope is None:
            entry.value.name, entry.value.named = name, entry.named
    final = {id(note): make_call_note(scope, note.span) for note, scope in out.call_notes}

    def renamed(notes: Trail) -> Trail:
        return tuple(final.get(id(note), note) for note in notes)

    out.findings[:] = [replace(each, notes=renamed(each.notes)) for each in out.findings]
    for draft in out.drafts:
        draft.trail = renamed(draft.trail)


def check_keras_names(out: Expansion) -> None:
    """Report nodes whose names are equal in Keras, which has '-' for each '.'."""
    seen: dict[str, Draft] = {}
    for draft in out.drafts:
        if draft.stand_in:
            continue
        other = seen.setdefault(draft.name.replace(".", "-"), draft)
        if other is not draft:
            message = f"'{draft.name}' and '{other.name}' would be one Keras name, with '-' for '.'"
            error = out.error("duplicate-name", message, draft.span, "rename one")
            draft.errors = (*draft.errors, error)
