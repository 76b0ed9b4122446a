"""Expand the steps of a body one after another, and stand in for those that fail.

How a step of each kind is expanded is in the table `out.kinds`.
"""

from __future__ import annotations

from collections.abc import Iterable

from archspec.errors import Refused
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Previous, Taken
from archspec.expand.expansion import Errors, Expansion, Failed, Halt
from archspec.expand.loops import find_iterations, is_included, report_mistakes, skip_step
from archspec.expand.names import name_step
from archspec.expand.references import find_known_sources, resolve_sources
from archspec.expand.scopes import Entry, snake_case
from archspec.expand.values import try_fill
from archspec.syntax.steps import Body, Broken, Repeat, Sources, Step

MAX_STEPS = 20_000


def expand_body(
    body: Body | None, context: Context, previous: Previous, out: Expansion
) -> Previous:
    """Expand steps one after another, and return the value of the last one."""
    if body is None:
        return previous
    context = context.with_notes(*body.notes())
    for step in body.steps:
        previous = _expand_step(step, context, previous, out)
    return previous


def expand_as(
    step: Step, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Expand a step by the function for its kind, and return its value. Raises `Failed`."""
    return out.kinds[type(step)](step, name, context, taken, out)


def _expand_step(step: Step, context: Context, previous: Previous, out: Expansion) -> Previous:
    """Expand a step in all its iterations, and return the value that the next step takes."""
    context = context.with_notes(*step.notes())
    try:
        if isinstance(step, Broken):
            errors = (*out.schema_errors(step.value), *report_mistakes(step.value, context, out))
            raise Failed(*errors)
        iterations, errors = find_iterations(step, context, out)
    except Failed as failed:
        near = find_known_sources(step.sources, context, previous)
        return add_stand_in(step, context, near, failed.errors, out)
    start = len(out.drafts)
    sources = step.sources
    for iteration in iterations:
        _count_step(step, out)
        inside = iteration.inside(context)
        try:
            if not is_included(step, inside, out):
                errors = (*errors, *skip_step(step, inside, iteration.number, out))
                continue
        except Failed as failed:
            near = find_known_sources(sources, inside, previous)
            previous = add_stand_in(step, inside, near, failed.errors, out, iteration.number)
            continue
        previous = _expand_once(step, sources, inside, previous, iteration.number, out)
        sources = None  # the next iteration takes the output of this one
    out.blame_first(start, errors)
    return previous


def _expand_once(
    step: Step,
    sources: Sources | None,
    context: Context,
    previous: Previous,
    number: int | None,
    out: Expansion,
) -> Previous:
    """Expand a step in one iteration, and return its value."""
    start = len(out.drafts)
    try:
        taken = previous if sources is None else resolve_sources(sources, context, previous, out)
        return expand_as(step, name_step(step, context, number, out), context, taken, out)
    except Failed as failed:
        near = out.drafts[start:][-1:] or find_known_sources(sources, context, previous)
        return add_stand_in(step, context, near, failed.errors, out, number)
    except Halt as halt:
        if halt.errors:  # no node inside has the errors yet
            near = find_known_sources(sources, context, previous)
            add_stand_in(step, context, near, halt.errors, out, number)
        raise Halt from None


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
    out.drafts.append(draft)
    if context.owners is not None:
        next(context.owners, None)
    entry = Entry(step.span, draft, broken=True)
    # The step is reported already, and its loop may not have been walked.
    name = None if step.name is None else try_fill(step.name, context.env)
    repeats = isinstance(step.loop, Repeat)
    if name is not None and repeats:
        name = None if number is None else f"{name}{number}"
    if step.name is not None and name is None:
        context.scope.add_failed(entry, str(step.name.data), numbered=repeats)
        return draft
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
