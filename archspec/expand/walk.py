"""Expand the steps of a body one after another, and stand in for those that fail.

How a step of each kind is expanded is in the table `out.kinds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from archspec.errors import Note, Refused
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Nothing, Previous, Taken
from archspec.expand.edits import (
    EditedStep,
    Insertion,
    edit_step,
    enter_old_names,
    enter_removed,
    find_place,
)
from archspec.expand.expansion import Errors, Expansion, Failed, Halt
from archspec.expand.loops import (
    Repetition,
    find_iterations,
    is_included,
    report_mistakes,
    skip_step,
    variables_of,
)
from archspec.expand.names import name_step
from archspec.expand.references import (
    find_known_sources,
    is_pattern,
    resolve_sources,
    with_previous,
)
from archspec.expand.scopes import Entry, snake_case
from archspec.expand.values import try_fill
from archspec.syntax.formulas import words_in
from archspec.syntax.source import Value
from archspec.syntax.steps import (
    Body,
    Branch,
    Branches,
    Broken,
    From,
    Group,
    Repeat,
    Sources,
    Step,
)

MAX_STEPS = 20_000
MAX_DEPTH = 150  # steps within steps
FED_FIRST = (  # what `from` beside a loop was in the first state of the language, and a remedy
    "this `from` fed the first iteration, and each later one took the one before it",
    "for one after the other: `- from: NAME` as a step before the loop",
)
LEFT_OUT = (  # likewise, of `from` at a step that is left out
    "a step that is left out passed on the value before it, not what it would have taken",
    "to pass on the value before it: `from` at the step after it",
)


def expand_body(
    body: Body | None, context: Context, previous: Previous, out: Expansion
) -> Previous:
    """Expand steps one after another, and return the value of the last one."""
    if body is None:
        return previous
    context = context.with_notes(*body.notes())
    if context.depth > MAX_DEPTH and body.steps:
        message = f"steps stand within steps more than {MAX_DEPTH} deep"
        raise out.fail("too-deep", message, body.steps[0].span)
    for number, step in enumerate(body.steps):
        beside = (*body.steps[max(number - 1, 0) : number], *body.steps[number + 1 : number + 2])
        previous = _expand_step(step, beside, context, previous, out)
    return previous


def expand_as(
    step: Step, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Expand a step by the function for its kind, and return its value. Raises `Failed`."""
    return out.kinds[type(step)](step, name, context, taken, out)


def _expand_step(
    step: Step, beside: Sequence[Step], context: Context, previous: Previous, out: Expansion
) -> Previous:
    """Expand a step in all its iterations, and return the value that the next step takes.

    beside: the steps before and after it.
    """
    context = with_previous(context.with_notes(*step.notes()), previous)
    try:
        if isinstance(step, Broken):
            errors = (*out.schema_errors(step.value), *report_mistakes(step.value, context, out))
            raise Failed(*errors)
        iterations, errors = find_iterations(step, context, out)
        each_time = _is_fed_each_time(step, iterations, context, out)
    except Failed as failed:
        near = find_known_sources(step.sources, context, previous)
        return add_stand_in(step, context, near, failed.errors, out)
    start = len(out.drafts)
    sources = step.sources
    num_there = 0
    before = previous
    for iteration in iterations:
        _count_step(step, out)
        inside = with_previous(iteration.inside(context), previous)
        if out.has_edits:
            inside = replace(inside, place=find_place(context, step, iteration.index or 0, out))
        try:
            chosen = step if is_included(step, inside, out) else step.alternative()
            if chosen is None:
                errors = (*errors, *skip_step(step, inside, iteration.number, out))
                if isinstance(step, Branches) and _is_guard(step, beside, inside, previous, out):
                    _warn_of_guard(step, inside, out)
                continue
        except Failed as failed:
            near = find_known_sources(sources, inside, previous)
            previous = add_stand_in(step, inside, near, failed.errors, out, iteration.number)
            continue
        previous = _expand_once(chosen, sources, inside, previous, iteration.number, out)
        num_there += 1
        if not each_time:
            sources = None  # the next iteration takes the output of this one
    out.blame_first(start, errors)
    if num_there == 0 and previous is before:
        return _pass_on(step, context, previous, out)
    if each_time and num_there > 1 and sources is not None:
        if [each.data for each in sources.names] != ["previous"]:
            out.changed[sources.span] = FED_FIRST
        if not _takes_previous(sources):
            return Nothing(
                "the iterations before it are side by side, so there is no previous value",
                "say `from`: the name of an iteration, or a pattern that fits them all",
            )
    return previous


def _pass_on(step: Step, context: Context, previous: Previous, out: Expansion) -> Previous:
    """Return what the next step takes where a step is left out: what the step would have taken.

    Of several values that is the previous one, if it is among them. A lone `from` does nothing but
    take, so that nothing changes without it.
    """
    sources = step.sources
    if sources is None or isinstance(step, From) or _takes_previous(sources) or out.is_first:
        return previous
    out.changed[sources.span] = LEFT_OUT
    if sources.single and not is_pattern(sources.names[0]):
        for found in find_known_sources(sources, context, previous):
            return found
    return Nothing(
        "the step before it is left out, and it is unclear which value it passes on",
        "give this step a `from`, or make that one a group with `else: [from: NAME]`",
    )


def _is_fed_each_time(
    step: Step, iterations: Sequence[Repetition], context: Context, out: Expansion
) -> bool:
    """Return whether every iteration reads `from`; if not, the first alone does.

    Raises `Failed` where it cannot be told what is meant.
    """
    sources = step.sources
    if sources is None or step.loop is None or not iterations:
        return False
    named = {word for each in sources.names for word in words_in(str(each.data))}
    several = not sources.single or is_pattern(sources.names[0])
    if several or named & variables_of(iterations, context):
        return not out.is_first
    if isinstance(step.loop, Repeat) or sources.names[0].data == "previous":
        return False
    name = sources.names[0].data
    message = f"'{name}' could feed every iteration of this loop, or only the first"
    hint = (
        f"every one: `layers: [{{{step.label}: ..., from: {name}}}]` beside the `for`; "
        f"one after the other: a step `- from: {name}` before the loop"
    )
    raise out.fail("loop-from", message, sources.span, hint, context.trail)


def _is_guard(
    step: Branches, beside: Sequence[Step], context: Context, previous: Previous, out: Expansion
) -> bool:
    """Return whether the false `when` of branches seems meant for one of them alone.

    So it does where a branch is empty, a shortcut, and the step would not fit without its `when`;
    unless a step beside it is there instead.
    """
    empty = any(each.body is None or not each.body.steps for each in step.branches)
    if out.is_trial or step.merge is None or not empty:
        return False
    trial = Expansion(
        out.spec,
        out.kinds,
        environments=out.environments,
        work=out.work,
        is_trial=True,
        places=out.places,
        edits=out.edits,
        marks=out.marks,
    )
    if any(each.condition is not None and _is_true(each, context, trial) for each in beside):
        return False
    inside = replace(context, scope=context.scope.open("trial", "group"))
    try:
        taken = (
            previous
            if step.sources is None
            else resolve_sources(step.sources, inside, previous, trial)
        )
        expand_as(replace(step, condition=None), None, inside, taken, trial)
    except (Failed, Halt):
        return True
    return trial.has_failed()


def _is_true(step: Step, context: Context, trial: Expansion) -> bool:
    try:
        return is_included(step, context, trial)
    except Failed:
        return False


def _warn_of_guard(step: Branches, context: Context, out: Expansion) -> None:
    condition = step.condition
    assert condition is not None
    message = "this false `when` takes all of the step away, the branches and the `merge`"
    hint = f"for the shortcut alone: shortcut: {{when: {condition.data}}} under `branches`"
    out.warn("when-branches", message, condition.span, hint, context.trail)


def _takes_previous(sources: Sources) -> bool:
    return any(each.data == "previous" for each in sources.names)


def _expand_once(
    step: Step,
    sources: Sources | None,
    context: Context,
    previous: Previous,
    number: int | None,
    out: Expansion,
) -> Previous:
    """Expand a step in one iteration, with its edits, and return its value."""
    start = len(out.drafts)
    try:
        taken = _take(sources, context, previous, out)
        name = name_step(step, context, number, out)
        if context.place in out.edits:
            edited = edit_step(step, context, name, out)
            return expand_edited(edited, taken, previous, out)
        return expand_as(step, name, context, taken, out)
    except Failed as failed:
        near = out.drafts[start:][-1:] or find_known_sources(sources, context, previous)
        return add_stand_in(step, context, near, failed.errors, out, number)
    except Halt as halt:
        if halt.errors:  # no node inside has the errors yet
            near = find_known_sources(sources, context, previous)
            add_stand_in(step, context, near, halt.errors, out, number)
        raise Halt from None


def _take(sources: Sources | None, context: Context, previous: Previous, out: Expansion) -> Taken:
    """Return what a step takes. Raises `Failed`.

    A step that an edit removes needs no value: it may go together with what it takes.
    """
    if sources is None:
        return previous
    if not any(each.edit.verb == "remove" for each in out.edits.get(context.place, ())):
        return resolve_sources(sources, context, previous, out)
    known = find_known_sources(sources, context, previous)
    nothing = Nothing("the step before it is removed, with the step that it takes")
    return next(iter(known), nothing)


def expand_edited(edited: EditedStep, taken: Taken, previous: Previous, out: Expansion) -> Previous:
    """Expand a step with its edits, and return its value. Raises `Failed`.

    previous: the value of the step before it, which what replaces a step of several inputs can
    take.
    """
    if edited.before or edited.step is None:
        if isinstance(taken, list | dict):  # refused where the edit is
            raise Failed
        taken = insert_steps(edited.before, taken, out)
    if edited.step is None:
        assert not isinstance(taken, list | dict)
        enter_removed(edited, taken, out)
        return taken
    value = _expand_replacement(edited, taken, previous, out)
    enter_old_names(edited, out)
    return insert_after(edited, value, out)


def _expand_replacement(
    edited: EditedStep, taken: Taken, previous: Previous, out: Expansion
) -> Previous:
    """Expand the step in the place of an edited one, and return its value. Raises `Failed`."""
    step = edited.step
    assert step is not None
    if isinstance(step, Broken):
        raise Failed(*out.schema_errors(step.value))
    if edited.replaced is None:
        return expand_as(step, edited.name, edited.context, taken, out)
    inside = edited.inside
    name = edited.name if step.name is None else name_step(step, inside, None, out)
    if step.sources is not None:
        if isinstance(taken, list | dict):
            taken = previous
        taken = resolve_sources(step.sources, inside, taken, out)
    elif edited.old.sources is not None and isinstance(taken, list | dict):
        inside = inside.with_notes(Note("it keeps this `from`", edited.old.sources.span))
    return expand_as(step, name, replace(inside, place=edited.context.place), taken, out)


def insert_steps(insertions: Iterable[Insertion], value: Previous, out: Expansion) -> Previous:
    """Expand steps that edits put at a place, one after another, and return the last value."""
    for each in insertions:
        value = expand_body(each.body, each.context, value, out)
        if isinstance(value, Nothing) and not each.is_side_line:
            span = each.body.steps[-1].span
            raise out.fail("no-value", value.reason, span, value.hint, each.context.trail)
    return value


def insert_after(edited: EditedStep, value: Previous, out: Expansion) -> Previous:
    """Expand the steps that edits put after a step, whose name then stands for the new value."""
    for each in edited.after:
        new = insert_steps([each], value, out)
        if not each.is_side_line:
            value = new
            entry = out.last_at.get(edited.context.place)
            if entry is not None:
                entry.after = value
    return value


def _count_step(step: Step, out: Expansion) -> None:
    """Count one more step. Raises `Halt` beyond MAX_STEPS."""
    out.num_steps += 1
    if out.num_steps > MAX_STEPS:
        message = f"the spec expands to more than {MAX_STEPS:,} steps"
        raise Halt(out.error("too-large", message, step.span))


def refuse_call(step: Step, context: Context, out: Expansion) -> None:
    """Raise `Failed` if a step that is not a layer has `call`."""
    if step.call is not None:
        message = "`call` is for call arguments of a layer, and this step is not a layer"
        hint = "write it on the layer"
        raise out.fail("call", message, step.word_span("call"), hint, context.trail)


def add_stand_in(
    step: Step,
    context: Context,
    inputs: Iterable[Draft],
    errors: Errors,
    out: Expansion,
    number: int | None = None,
) -> Draft:
    """Add a node in place of a step that failed, under its name, so that references to it are
    found.

    number: of the iteration of a `repeat`, where it is known.
    """
    draft = Draft(step.label, tuple(inputs), context.scope, step.span, context.trail, errors=errors)
    draft.used = draft.stand_in = True
    draft.iterations = context.iterations
    out.drafts.append(draft)
    if context.owners is not None:
        next(context.owners, None)
    entry = Entry(step.span, draft, broken=True)
    # The step is reported already, and its loop may not have been walked.
    name = None if step.name is None else try_fill(step.name, context)
    repeats = isinstance(step.loop, Repeat)
    if name is not None and repeats:
        name = None if number is None else f"{name}{number}"
    if step.name is not None and name is None:
        context.scope.add_failed(entry, str(step.name.data), numbered=repeats)
        return draft
    if name is None:
        _enter_names_inside(step, draft, context)
    in_blocks = step.label in context.home.blocks
    otherwise = step.label if in_blocks else snake_case(step.label) or "step"
    started = context.scope.entries_of(name or otherwise)
    if started and started[-1].value is None:
        started[-1].value, started[-1].broken = draft, True
        return draft
    try:
        context.scope.add(entry, name, otherwise)
    except Refused:
        context.scope.add(entry, None, "?")
    return draft


def _enter_names_inside(step: Step, draft: Draft, context: Context) -> None:
    """Enter the names of the steps inside an unnamed step that failed, which are not expanded."""
    if isinstance(step, Group | Branch):
        inside: Iterable[Step] = step.body.steps if step.body is not None else ()
    elif isinstance(step, Branches):
        inside = (*step.branches, *([step.merge] if step.merge is not None else []))
    else:
        return
    for each in inside:
        key = Value(each.key, each.key_span) if isinstance(each, Branch) and each.key else None
        written = each.name or key
        if written is None:
            _enter_names_inside(each, draft, context)
            continue
        entry, name = Entry(written.span, draft, broken=True), try_fill(written, context)
        if name is None or each.loop is not None:
            context.scope.add_failed(entry, str(written.data), isinstance(each.loop, Repeat))
            continue
        with suppress(Refused):  # a name that is taken is reported, or will be
            context.scope.add(entry, name, "?")
