"""The steps of a body, one after another, each with its turns; and what stands for one that failed.

How a step of each kind is expanded is in the table `out.kinds`.
"""

from __future__ import annotations

from collections.abc import Iterable

from archspec.errors import Refused
from archspec.expand.loops import find_mistakes, find_turns, is_there, leave_out
from archspec.expand.names import name_step
from archspec.expand.out import Errors, Expansion, Failed, Halt
from archspec.expand.place import Draft, Place, Previous, Taken
from archspec.expand.references import find_quietly, take
from archspec.expand.scopes import Entry, snake_case
from archspec.expand.values import fill_quietly
from archspec.syntax.steps import Body, Broken, Repeat, Sources, Step

MAX_STEPS = 20_000


def expand_body(body: Body | None, place: Place, previous: Previous, out: Expansion) -> Previous:
    """Expand steps one after another, and return what the last one hands on."""
    if body is None:
        return previous
    place = place.with_notes(*body.notes())
    for step in body.steps:
        previous = _expand_step(step, place, previous, out)
    return previous


def expand_as(step: Step, name: str | None, place: Place, taken: Taken, out: Expansion) -> Previous:
    """Expand a step as what it is, and return what it hands on. Raises `Failed`."""
    return out.kinds[type(step)](step, name, place, taken, out)


def _expand_step(step: Step, place: Place, previous: Previous, out: Expansion) -> Previous:
    """Expand a step in all its turns, and return what the next step takes."""
    place = place.with_notes(*step.notes())
    try:
        if isinstance(step, Broken):
            errors = (*out.schema_errors(step.value), *find_mistakes(step.value, place, out))
            raise Failed(*errors)
        turns, errors = find_turns(step, place, out)
    except Failed as failed:
        near = find_quietly(step.sources, place, previous)
        return lay_stand_in(step, place, near, failed.errors, out)
    start = len(out.drafts)
    sources = step.sources
    for turn in turns:
        _count_step(step, out)
        inside = turn.inside(place)
        try:
            if not is_there(step, inside, out):
                errors = (*errors, *leave_out(step, inside, turn.number, out))
                continue
        except Failed as failed:
            near = find_quietly(sources, inside, previous)
            previous = lay_stand_in(step, inside, near, failed.errors, out, turn.number)
            continue
        previous = _expand_turn(step, sources, inside, previous, turn.number, out)
        sources = None  # the next turn goes on from this one
    out.blame_first(start, errors)
    return previous


def _expand_turn(
    step: Step,
    sources: Sources | None,
    place: Place,
    previous: Previous,
    number: int | None,
    out: Expansion,
) -> Previous:
    """Expand a step in one turn, and return what it hands on."""
    start = len(out.drafts)
    try:
        taken = previous if sources is None else take(sources, place, previous, out)
        return expand_as(step, name_step(step, place, number, out), place, taken, out)
    except Failed as failed:
        near = out.drafts[start:][-1:] or find_quietly(sources, place, previous)
        return lay_stand_in(step, place, near, failed.errors, out, number)
    except Halt as halt:
        if halt.errors:  # nobody inside is blamed yet
            near = find_quietly(sources, place, previous)
            lay_stand_in(step, place, near, halt.errors, out, number)
        raise Halt from None


def _count_step(step: Step, out: Expansion) -> None:
    out.num_steps += 1
    if out.num_steps > MAX_STEPS:
        message = f"the spec expands to more than {MAX_STEPS:,} steps"
        raise Halt(out.error("too-large", message, step.span))


def refuse_call(step: Step, place: Place, out: Expansion) -> None:
    """Raise `Failed` if a step that is no layer has `call`."""
    if step.call is not None:
        message = "`call` gives call arguments to a layer, and this step is none"
        hint = "write it on the layer"
        raise out.fail("call", message, step.word_span("call"), hint, place.trail)


def lay_stand_in(
    step: Step,
    place: Place,
    inputs: Iterable[Draft],
    errors: Errors,
    out: Expansion,
    number: int | None = None,
) -> Draft:
    """Lay down what stands for a step that failed, under its name, so that nobody misses it.

    number: of the turn, where that is known.
    """
    draft = Draft(step.label, tuple(inputs), place.scope, step.span, place.trail, errors=errors)
    draft.used = draft.stand_in = True
    out.drafts.append(draft)
    if place.owners is not None:
        next(place.owners, None)
    entry = Entry(step.span, draft, broken=True)
    # The step is reported already, and its loop may not have been walked.
    name = None if step.name is None else fill_quietly(step.name, place.env)
    repeats = isinstance(step.loop, Repeat)
    if name is not None and repeats:
        name = None if number is None else f"{name}{number}"
    if step.name is not None and name is None:
        place.scope.fail(entry, str(step.name.data), numbered=repeats)
        return draft
    in_blocks = step.label in place.home.blocks
    otherwise = step.label if in_blocks else snake_case(step.label) or "step"
    started = place.scope.all(name or otherwise)
    if started and started[-1].value is None:
        started[-1].value, started[-1].broken = draft, True
        return draft
    try:
        place.scope.add(entry, name, otherwise)
    except Refused:
        place.scope.add(entry, None, "?")
    return draft
