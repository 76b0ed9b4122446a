"""Expand groups, and branches with the step that joins them."""

from __future__ import annotations

from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Nothing, Previous, Taken
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.loops import is_included, skip_step
from archspec.expand.names import enter, name_step, open_group
from archspec.expand.references import (
    find_known_sources,
    require_node,
    require_single,
    resolve_sources,
)
from archspec.expand.scopes import Entry
from archspec.expand.values import fill
from archspec.expand.walk import add_stand_in, expand_as, expand_body, refuse_call
from archspec.syntax.steps import Body, Branch, Branches, Broken, From, Group, Step


def expand_group(
    step: Group, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Expand the steps of a group, and return the value of the last one."""
    refuse_call(step, context, out)
    value = require_single(taken, step, "a group", context, out)
    return _expand_inside(step, step.body, name, context, value, out)


def expand_from(
    step: From, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Return the value that a bare `from` names, and enter the step's name for it."""
    refuse_call(step, context, out)
    value = require_single(taken, step, "a `from`", context, out)
    return _expand_inside(step, None, name, context, value, out)


def _expand_inside(
    step: Step,
    body: Body | None,
    name: str | None,
    context: Context,
    value: Previous,
    out: Expansion,
) -> Previous:
    """Expand a body in a scope of its own if it has a name."""
    inside, entry, errors = open_group(name, step.name_span, context, out)
    start = len(out.drafts)
    entry.value = expand_body(body, inside, value, out)
    out.blame_first(start, errors)
    return entry.value  # type: ignore[no-any-return]


def expand_branches(
    step: Branches, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Expand branches side by side and the step that joins them, and return its value."""
    refuse_call(step, context, out)
    value = require_single(taken, step, "a step of branches", context, out)
    inside, entry, errors = open_group(name, step.name_span, context, out)
    start = len(out.drafts)
    ends: list[Previous] = []
    end: Previous
    for branch in step.branches:
        try:
            if not is_included(branch, inside, out):
                errors = (*errors, *skip_step(branch, inside, None, out))
                entered = Entry(branch.word_span("when"), skipped=True)
                errors = (*errors, *_enter_key(branch, entered, inside, out))
                continue
        except Failed as failed:
            near = find_known_sources(None, inside, value)
            end = add_stand_in(branch, inside, near, failed.errors, out)
            entered = Entry(branch.key_span, end, broken=True)
            errors = (*errors, *_enter_key(branch, entered, inside, out))
        else:
            end = _expand_branch(branch, inside, value, out)
        ends.append(end)
    out.blame_first(start, errors)
    entry.value = _merge(step, ends, inside, out)
    return entry.value  # type: ignore[no-any-return]


def _enter_key(branch: Branch, entry: Entry, context: Context, out: Expansion) -> Errors:
    """Enter a branch that is not expanded under its key, if it has one."""
    if branch.key is None:
        return ()
    return enter(context.scope, entry, branch.key, "", branch.key_span, context.trail, out)[1]


def _expand_branch(branch: Branch, context: Context, value: Previous, out: Expansion) -> Previous:
    """Expand the steps of a branch, and return its value."""
    name, span = branch.key, branch.key_span
    if branch.name is not None:
        name, span = fill(branch.name, context, out), branch.name.span
    inside, entry, errors = open_group(name, span, context, out)
    start = len(out.drafts)
    end: Previous
    try:
        if branch.refused is not None:
            raise Failed(*out.schema_errors(branch.refused))
        first = value
        if branch.sources is not None:
            taken = resolve_sources(branch.sources, inside, value, out)
            first = require_single(taken, branch, "a branch", inside, out)
        end = expand_body(branch.body, inside, first, out)
    except Failed as failed:
        near = find_known_sources(branch.sources, inside, value)
        end = add_stand_in(branch, inside, near, failed.errors, out)
    out.blame_first(start, errors)
    entry.value, entry.broken = end, isinstance(end, Draft) and end.stand_in
    return end


def _merge(step: Branches, ends: list[Previous], context: Context, out: Expansion) -> Previous:
    """Add the step that joins the values of branches, and return its value."""
    merge = step.merge
    if merge is None:
        return Nothing(
            "the branches before it are not merged, so there is no previous value",
            "give the branches a `merge`, or this step a `from`",
        )
    if not ends:
        message = "no branch is left to merge"
        raise out.fail("branches", message, step.word_span("branches"), None, context.trail)
    values = [require_node(end, merge.span, context, out) for end in ends]
    if len(values) == 1:
        return values[0]
    try:
        if isinstance(merge, Broken):
            raise Failed(*out.schema_errors(merge.value))
        return expand_as(merge, name_step(merge, context, None, out), context, values, out)
    except Failed as failed:
        return add_stand_in(merge, context, values, failed.errors, out)
