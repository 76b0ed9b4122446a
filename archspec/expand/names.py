"""What steps are called: the name of a turn, its entry in a scope, and the final names of nodes."""

from __future__ import annotations

from dataclasses import replace

from archspec.errors import Note, Refused, Span
from archspec.expand.out import Errors, Expansion, Trail
from archspec.expand.place import Draft, Place
from archspec.expand.scopes import Entry, Scope
from archspec.expand.values import fill
from archspec.syntax.steps import Step


def name_step(step: Step, place: Place, number: int | None, out: Expansion) -> str | None:
    """Return the explicit name of a step; turns of `repeat` are numbered from 0."""
    if step.name is None:
        return None
    text = fill(step.name, place, out)
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
    """Enter a step under its name, or as `otherwise`; return what it is called and the errors.

    A name that is refused is reported, and the step is entered without it.
    """
    try:
        return scope.add(entry, name, otherwise), ()
    except Refused as refused:
        errors = (out.refuse(refused, span, trail),)
        impossible = refused.code == "name" and otherwise
        return scope.add(entry, None, otherwise if impossible else name or otherwise), errors


def open_group(
    name: str | None, span: Span, place: Place, out: Expansion
) -> tuple[Place, Entry, Errors]:
    """Return the place inside a group or branch, its entry, and the errors in its name.

    Without a name it opens no scope.
    """
    entry = Entry(span)
    if name is None:
        return place, entry, ()
    label, errors = enter(place.scope, entry, name, "group", span, place.trail, out)
    entry.scope = place.scope.open(label, block=False)
    return replace(place, scope=entry.scope), entry, errors


def call_note(scope: Scope, span: Span) -> Note:
    """Return the note on all that is wrong in a block call. scope: of the call."""
    return Note(f"in block '{scope.title}', as {scope.path}", span)


def settle_names(out: Expansion) -> None:
    """Give every node its final name, and the notes on block calls theirs."""
    for name, entry in out.top.settle():
        if isinstance(entry.value, Draft) and entry.scope is None:
            entry.value.name = name
    final = {id(note): call_note(scope, note.span) for note, scope in out.call_notes}

    def renamed(notes: Trail) -> Trail:
        return tuple(final.get(id(note), note) for note in notes)

    out.findings[:] = [replace(each, notes=renamed(each.notes)) for each in out.findings]
    for draft in out.drafts:
        draft.trail = renamed(draft.trail)


def check_keras_names(out: Expansion) -> None:
    """See that the nodes' names stay apart as Keras names, which have '-' for '.'."""
    seen: dict[str, Draft] = {}
    for draft in out.drafts:
        if draft.stand_in:
            continue
        other = seen.setdefault(draft.name.replace(".", "-"), draft)
        if other is not draft:
            message = f"'{draft.name}' and '{other.name}' would be one Keras name, with '-' for '.'"
            error = out.error("duplicate-name", message, draft.span, "rename one")
            draft.errors = (*draft.errors, error)
