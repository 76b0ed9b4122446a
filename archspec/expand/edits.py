"""Apply edits to a step.

Edits of a file act while the network is expanded, at places that `edit_targets` found before. A
place is a number for the way that leads to a step: the written steps around it, each with its
iteration. It is the same in the next expansion, in which a step at such a place is changed before
it is expanded, so that shapes and conditions follow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from archspec.errors import Note, Span
from archspec.expand.context import Context
from archspec.expand.defaults import file_defaults
from archspec.expand.drafts import Draft, Previous
from archspec.expand.expansion import Expansion, Matched
from archspec.expand.names import make_entry
from archspec.expand.origins import EDITED, Env, names_of_formulas
from archspec.expand.scopes import Entry, Renamed, snake_case
from archspec.expand.values import fill, find_params
from archspec.layers import LAYERS
from archspec.syntax.edits import Edit
from archspec.syntax.formulas import Unseen
from archspec.syntax.source import Value
from archspec.syntax.steps import (
    Arguments,
    BlockCall,
    Body,
    Branch,
    Group,
    LayerCall,
    Step,
)


def find_place(context: Context, step: Step, index: int, out: Expansion) -> int:
    """Return the place of a step in an iteration, by which the next expansion finds it again."""
    return out.places.setdefault((context.place, step, index), len(out.places) + 1)


class Insertion(Struct, frozen=True, eq=False):
    """Steps that an edit puts before or after another, and the context that they are in."""

    body: Body
    context: Context

    @property
    def is_side_line(self) -> bool:
        """Whether the steps take another value than that of the step before them."""
        sources = self.body.steps[0].sources if self.body.steps else None
        return sources is not None and all(each.data != "previous" for each in sources.names)

    def within(self, context: Context) -> Insertion:
        """Return the same steps in the scope of a branch that they are put into."""
        inside = replace(
            self.context,
            scope=context.scope,
            fed=context.fed,
            depth=context.depth,
            freeze=context.freeze,
        )
        return replace(self, context=inside)


class OldName(Struct, frozen=True, eq=False):
    """A name that a step had before an edit of a level. named: whether it was explicit."""

    name: str
    level: int
    named: bool


class EditedStep(Struct, frozen=True, eq=False):
    """A step with its edits: what is expanded in its place.

    step: None if it is removed. context: that of the step. old_name: of the step before the edits.
    old_names: those that edits changed, under which the files below know it. replaced: whether
    another step is in its place, with the context `inside` of the file that has the edit. old:
    the step before the edits.
    """

    step: Step | None
    old: Step
    context: Context
    inside: Context
    edits: tuple[Matched, ...]
    old_name: str
    name: str | None
    before: tuple[Insertion, ...] = ()
    after: tuple[Insertion, ...] = ()
    replaced: Matched | None = None
    removed: Matched | None = None
    renamed: Matched | None = None
    old_names: tuple[OldName, ...] = ()

    def inside_of(self, context: Context) -> Context:
        """Return the context of the steps that replace those of a branch, in its scope."""
        return replace(self.inside, scope=context.scope, fed=context.fed, depth=context.depth)


def edit_step(step: Step, context: Context, name: str | None, out: Expansion) -> EditedStep:
    """Return a step with the edits at its place. Raises `Failed`.

    name: its explicit name, if it has one.
    """
    edits = out.edits[context.place]
    out.met.add(context.place)
    in_blocks = step.label in context.home.blocks
    old_name = name or (step.label if in_blocks else snake_case(step.label))
    outer = context.freeze  # what stands beside the step, or in its place, is not frozen with it
    plain, context = context, _with_edits(context, edits, step, out)
    of_step = [each for each in edits if each.edit.is_of_step]
    inside = context
    before: list[Insertion] = []
    after: list[Insertion] = []
    replaced = removed = renamed = None
    old_names: list[OldName] = []
    changed: Step | None = step
    for each in edits:
        edit = each.edit
        within = _context_of_edit(context, each, out)
        if edit.verb == "set":
            assert isinstance(changed, LayerCall | BlockCall)
            changed = _set_arguments(changed, _find_set(each, edits, outer, step), context)
            if "trainable" in edit.value.data:
                context = _with_freeze(context, each.order, None)
        elif edit.verb == "freeze":
            context = _with_freeze(context, each.order, bool(edit.value.data))
        elif edit.verb == "rename":
            old_names.append(OldName(name or old_name, each.level, name is not None))
            renamed, name = each, fill(edit.value, context, out)
            assert changed is not None
            changed = replace(changed, name=edit.value)  # where errors in the name are
        elif edit.verb == "remove":
            removed, changed = each, None
        elif edit.verb == "replace":
            assert edit.body is not None
            old_names.append(OldName(name or old_name, each.level, name is not None))
            replaced, inside, context = each, within, replace(context, freeze=outer)
            label = each.name.rpartition(".")[2]
            if edit.makes_group or isinstance(step, Branch):
                changed = Group(span=edit.span, body=edit.body)
                name = name or label
            else:
                (changed,) = edit.body.steps
        elif edit.body is not None:
            where = before if edit.verb == "insert_before" else after
            beside = _with_edits(replace(plain, freeze=outer), [*of_step, each], step, out)
            where.append(Insertion(edit.body, _context_of_edit(beside, each, out)))
    return EditedStep(
        changed,
        step,
        context,
        replace(inside, freeze=context.freeze),
        tuple(edits),
        old_name,
        name,
        tuple(before),
        tuple(after),
        replaced,
        removed,
        renamed,
        tuple(old_names),
    )


def _with_edits(context: Context, edits: Sequence[Matched], step: Step, out: Expansion) -> Context:
    """Return the context of an edited step: errors in it name the edits, and its formulas see the
    params of the file with them too."""
    notes = dict.fromkeys(note for each in edits for note in reversed(_notes_on(each, step)))
    changes = [_notes_on(each, step) for each in edits if each.edit.changes_values]
    own, _ = find_params(out.spec.home, out)
    _note_hidden(edits, own, context.env, out)
    env = own.extended(context.env, context.env.origins)
    for name in (name for each in context.iterations for name in each.values):
        if name not in env:
            message = f"the loop variable '{name}' is outside the block, which does not see it"
            hint = "give the block a param, set it at the calls by an edit, and name it here"
            env[name] = Unseen(message, "unknown-name", hint)
    inside = replace(context, env=env, edited=changes[-1] if changes else context.edited)
    return inside.with_notes(*notes)


def _note_hidden(edits: Sequence[Matched], own: Env, seen: Env, out: Expansion) -> None:
    """Note which params of the file the formulas of edits name, and which of these are hidden by
    what the step calls the same.

    own: the params of the file. seen: the names that the step sees.
    """
    for edit in [each.edit for each in edits] if own else ():
        if edit not in out.names_in:
            out.names_in[edit] = own.keys() & set(names_of_formulas(edit.value))
            if (of := edit.written.get("of")) is not None:  # which sees the file alone
                out.shown.update(names_of_formulas(of))
        for name in out.names_in[edit]:
            if name not in seen or seen.origins.get(name) is own.origins.get(name):
                out.shown.add(name)
            else:
                out.hidden.setdefault(name, edit)


def _notes_on(matched: Matched, step: Step) -> tuple[Note, Note]:
    """Return notes on an edit and on the step that it is for."""
    where = Note(f"'{matched.name}' is written here", step.span)
    return Note(EDITED, matched.edit.span), where


def _with_freeze(context: Context, order: tuple[int, int], frozen: bool | None) -> Context:
    """Return the context in which weights are frozen or not, unless a later edit says otherwise."""
    if context.freeze is not None and context.freeze[0] > order:
        return context
    return replace(context, freeze=(order, frozen))


def _context_of_edit(context: Context, matched: Matched, out: Expansion) -> Context:
    """Return the context of steps that an edit writes: that of the step which it edits, with the
    blocks and defaults of the file that has the edit."""
    home = out.spec.home
    env, _ = find_params(home, out)
    place = out.places.setdefault((context.place, _mark(matched.edit, out), 0), len(out.places) + 1)
    return replace(
        context, home=home, defaults=file_defaults(home, env), place=place, level=matched.level
    )


def _mark(edit: Edit, out: Expansion) -> Step:
    """Return what stands for an edit in the places of the steps that it writes."""
    return out.marks.setdefault(edit, Step(label=edit.verb, span=edit.span))


def _find_set(
    matched: Matched,
    edits: Sequence[Matched],
    outer: tuple[tuple[int, int], bool | None] | None,
    step: Step,
) -> Value:
    """Return what an edit sets: no `trainable: false` that a later `freeze: false` of its file
    takes back."""
    value = matched.edit.value
    if not (isinstance(step, LayerCall) and "trainable" in value.data):
        return value
    trained = [each.order for each in edits if each.edit.verb == "freeze"]
    trained += [outer[0]] if outer is not None and outer[1] is False else []
    later = any(matched.order < order < (matched.level + 1, 0) for order in trained)
    if not later or value.data["trainable"].data is not False:
        return value
    return replace(value, data={key: value.data[key] for key in value.data if key != "trainable"})


def _set_arguments(step: LayerCall | BlockCall, value: Value, context: Context) -> Step:
    """Return a call with other values for some of its arguments."""
    block = context.home.blocks.get(step.label)
    if block is not None:
        first = next((name for name, _, _ in block.value.entries_of("params")), "")
    else:
        first = next(iter(LAYERS[step.label].arguments), "")
    own = step.arguments
    named = {**(own.by_name(first) if own is not None else {}), **value.data}
    keys = {**(own.keys if own is not None else {}), **value.keys}
    return replace(step, arguments=Arguments(value.span, None, named, keys))


def enter_removed(edited: EditedStep, value: Previous, out: Expansion) -> None:
    """Enter the name of a step that an edit removes, for the errors of steps that refer to it.

    value: what the next step takes in its place.
    """
    assert edited.removed is not None
    if isinstance(value, Draft):
        out.passed_on[value] = _notes_on(edited.removed, edited.old)
    entry = make_entry(edited.removed.edit.span, edited.context)
    entry.removed, entry.edited, entry.value = True, edited.removed.edit.span, value
    scope = edited.context.scope
    if edited.name is None:
        scope.unnamed.setdefault(edited.old_name, []).append(entry)  # so that others keep numbers
    else:
        scope.named.setdefault(edited.name, entry)


def notes_on_removed(steps: Collection[Step], context: Context, out: Expansion) -> list[Note]:
    """Return a note on each edit that removes one of the steps in a context."""
    spans: dict[Span, None] = {}
    for step in steps:
        for index in count():
            place = out.places.get((context.place, step, index))
            if place is None:
                break
            edits = (each.edit for each in out.edits.get(place, ()))
            spans |= {each.span: None for each in edits if each.verb == "remove"}
    return [Note("removed here", span) for span in spans]


def enter_old_names(edited: EditedStep, out: Expansion) -> None:
    """Let the files below refer to an edited step by the names that it had before the edits."""
    entry = out.last_at.get(edited.context.place)
    if entry is None or not edited.old_names:
        return
    scope = edited.context.scope
    if edited.replaced is not None:
        entry.edited = edited.replaced.edit.span
    for each in edited.old_names:
        if scope.named.get(each.name) is not entry:
            scope.renamed[each.name] = Renamed(entry, each.level, each.named)
    first = edited.old_names[0]
    if first.named:
        return
    unnamed = scope.unnamed.setdefault(first.name, [])
    if entry in unnamed:
        entry.level = edited.context.level  # it keeps the number of the step that it replaces
    else:
        unnamed.append(Entry(entry.span, removed=True, edited=edited.edits[-1].edit.span))
