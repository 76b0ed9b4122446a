"""Groups, and branches with the step that joins them."""

from __future__ import annotations

from archspec.expand.loops import is_there, leave_out
from archspec.expand.names import enter, name_step, open_group
from archspec.expand.out import Errors, Expansion, Failed
from archspec.expand.place import Draft, Nothing, Place, Previous, Taken
from archspec.expand.references import find_quietly, need_node, need_one, take
from archspec.expand.scopes import Entry
from archspec.expand.values import fill
from archspec.expand.walk import expand_as, expand_body, lay_stand_in, refuse_call
from archspec.syntax.steps import Body, Branch, Branches, Broken, From, Group, Step


def expand_group(
    step: Group, name: str | None, place: Place, taken: Taken, out: Expansion
) -> Previous:
    """Expand the steps of a group."""
    refuse_call(step, place, out)
    value = need_one(taken, step, "a group", place, out)
    return _expand_inside(step, step.body, name, place, value, out)


def expand_from(
    step: From, name: str | None, place: Place, taken: Taken, out: Expansion
) -> Previous:
    """Hand on the value of a bare `from`; with a name it is as an empty group."""
    refuse_call(step, place, out)
    value = need_one(taken, step, "a `from`", place, out)
    return _expand_inside(step, None, name, place, value, out)


def _expand_inside(
    step: Step, body: Body | None, name: str | None, place: Place, value: Previous, out: Expansion
) -> Previous:
    inside, entry, errors = open_group(name, step.name_span, place, out)
    start = len(out.drafts)
    entry.value = expand_body(body, inside, value, out)
    out.blame_first(start, errors)
    return entry.value  # type: ignore[no-any-return]


def expand_branches(
    step: Branches, name: str | None, place: Place, taken: Taken, out: Expansion
) -> Previous:
    """Expand branches side by side, and the step that joins them."""
    refuse_call(step, place, out)
    value = need_one(taken, step, "a step of branches", place, out)
    inside, entry, errors = open_group(name, step.name_span, place, out)
    start = len(out.drafts)
    ends: list[Previous] = []
    end: Previous
    for branch in step.branches:
        try:
            if not is_there(branch, inside, out):
                errors = (*errors, *leave_out(branch, inside, None, out))
                entered = Entry(branch.word_span("when"), skipped=True)
                errors = (*errors, *_enter_key(branch, entered, inside, out))
                continue
        except Failed as failed:
            near = find_quietly(None, inside, value)
            end = lay_stand_in(branch, inside, near, failed.errors, out)
            entered = Entry(branch.key_span, end, broken=True)
            errors = (*errors, *_enter_key(branch, entered, inside, out))
        else:
            end = _expand_branch(branch, inside, value, out)
        ends.append(end)
    out.blame_first(start, errors)
    entry.value = _merge(step, ends, inside, out)
    return entry.value  # type: ignore[no-any-return]


def _enter_key(branch: Branch, entry: Entry, place: Place, out: Expansion) -> Errors:
    """Enter a branch that is not expanded under its key, if it has one."""
    if branch.key is None:
        return ()
    return enter(place.scope, entry, branch.key, "", branch.key_span, place.trail, out)[1]


def _expand_branch(branch: Branch, place: Place, value: Previous, out: Expansion) -> Previous:
    """Expand the steps of a branch, and return its end."""
    name, span = branch.key, branch.key_span
    if branch.name is not None:
        name, span = fill(branch.name, place, out), branch.name.span
    inside, entry, errors = open_group(name, span, place, out)
    start = len(out.drafts)
    end: Previous
    try:
        if branch.refused is not None:
            raise Failed(*out.schema_errors(branch.refused))
        first = value
        if branch.sources is not None:
            taken = take(branch.sources, inside, value, out)
            first = need_one(taken, branch, "a branch", inside, out)
        end = expand_body(branch.body, inside, first, out)
    except Failed as failed:
        near = find_quietly(branch.sources, inside, value)
        end = lay_stand_in(branch, inside, near, failed.errors, out)
    out.blame_first(start, errors)
    entry.value, entry.broken = end, isinstance(end, Draft) and end.stand_in
    return end


def _merge(step: Branches, ends: list[Previous], place: Place, out: Expansion) -> Previous:
    """Join the ends of branches, and return the value of that."""
    merge = step.merge
    if merge is None:
        return Nothing(
            "the branches before it are not merged, so there is no previous value",
            "give the branches a `merge`, or this step a `from`",
        )
    if not ends:
        message = "no branch is left to merge"
        raise out.fail("branches", message, step.word_span("branches"), None, place.trail)
    values = [need_node(end, merge.span, place, out) for end in ends]
    if len(values) == 1:
        return values[0]
    try:
        if isinstance(merge, Broken):
            raise Failed(*out.schema_errors(merge.value))
        return expand_as(merge, name_step(merge, place, None, out), place, values, out)
    except Failed as failed:
        return lay_stand_in(merge, place, values, failed.errors, out)
