"""Expand groups, and branches with the step that joins them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from archspec.errors import Span
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Nothing, Previous, Taken
from archspec.expand.edits import (
    EditedStep,
    Insertion,
    edit_step,
    enter_old_names,
    enter_removed,
    find_place,
    notes_on_removed,
)
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.loops import (
    Repetition,
    find_iterations,
    is_included,
    skip_step,
    variables_of,
)
from archspec.expand.names import enter, name_step, open_group
from archspec.expand.references import (
    find_known_sources,
    require_node,
    require_single,
    resolve_sources,
    with_previous,
)
from archspec.expand.scopes import Entry
from archspec.expand.values import fill
from archspec.expand.walk import (
    add_stand_in,
    expand_as,
    expand_body,
    expand_edited,
    insert_steps,
    refuse_call,
)
from archspec.graph import Kind
from archspec.layers import traits_of
from archspec.syntax.formulas import words_in
from archspec.syntax.source import Value
from archspec.syntax.steps import Body, Branch, Branches, Broken, From, Group, LayerCall, Step

NO_PREVIOUS = Nothing("a `merge` joins several values, so none is the previous one", "name a step")


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
    hint = "name one step; if it belongs to the step above, remove the '-' of this line"
    value = require_single(taken, step, "a `from`", context, out, hint)
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
    inside, entry, errors = open_group(name, _kind_of(step), step.name_span, context, out)
    inside = replace(inside, fed=value, depth=inside.depth + 1)
    start = len(out.drafts)
    last = entry.value = expand_body(body, inside, value, out)
    out.blame_first(start, errors)
    return last


def _kind_of(step: Step) -> Kind:
    return "group" if step.loop is None else "iteration"


def expand_branches(
    step: Branches, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Expand branches side by side and the step that joins them, and return its value."""
    refuse_call(step, context, out)
    value = require_single(taken, step, "a step of branches", context, out)
    inside, entry, errors = open_group(name, _kind_of(step), step.name_span, context, out)
    start = len(out.drafts)
    ends: list[Previous] = []
    left_out: list[Span] = []
    for branch in step.branches:
        more, wrong = _expand_iterations(branch, inside, value, out)
        if branch.condition is not None and _change_shape(value, more):
            out.transforms.add(branch.condition.span)
        if not more and branch.condition is not None and branch.body is not None:
            left_out.append(branch.condition.span)
        ends += more
        errors = (*errors, *wrong)
    out.blame_first(start, errors)
    if (
        _merges_by_element(step)
        and len(ends) == 1
        and ends[0] is not value
        and _change_shape(value, ends) is False
    ):
        out.bypassed.update({span: context.trail for span in left_out if span not in out.bypassed})
    joined = entry.value = _merge(step, ends, inside, out)
    return joined


def _merges_by_element(step: Branches) -> bool:
    """Return whether a step adds its branches, or the like, and drops that where one is left."""
    if not isinstance(step.merge, LayerCall):
        return False
    traits = traits_of(step.merge.label)
    return traits.joins_any and traits.aligns


def _change_shape(value: Previous, ends: Sequence[Previous]) -> bool | None:
    """Return whether a value has another shape at one of its ends; None if that is not known."""
    drafts = [each for each in (value, *ends) if isinstance(each, Draft) and each.facts is not None]
    if len(drafts) <= len(ends):
        return None
    return any(each.shape != drafts[0].shape for each in drafts[1:])


def _expand_iterations(
    branch: Branch, context: Context, value: Previous, out: Expansion
) -> tuple[list[Previous], Errors]:
    """Expand a branch, or one for each iteration of its loop; return the ends and the errors."""
    ends: list[Previous] = []
    errors: Errors = ()
    context = with_previous(context, value)
    if branch.refused is not None:
        end = _expand_branch(branch, context, value, out)
        return [] if end is None else [end], ()
    try:
        iterations, errors = find_iterations(branch, context, out)
        _check_told_apart(branch, iterations, context, out)
    except Failed as failed:
        near = find_known_sources(None, context, value)
        end = add_stand_in(branch, context, near, failed.errors, out)
        return [end], _enter_key(branch, Entry(branch.key_span, end, broken=True), context, out)
    for iteration in iterations:
        inside = with_previous(iteration.inside(context), value)
        if out.has_edits:
            inside = replace(inside, place=find_place(context, branch, iteration.index or 0, out))
        try:
            there = is_included(branch, inside, out)
        except Failed as failed:
            near = find_known_sources(None, inside, value)
            end = add_stand_in(branch, inside, near, failed.errors, out)
            entered = Entry(branch.key_span, end, broken=True)
            errors = (*errors, *_enter_key(branch, entered, inside, out))
            ends.append(end)
            continue
        chosen = branch if there else branch.alternative()
        if chosen is None:
            errors = (*errors, *skip_step(branch, inside, None, out))
            entered = Entry(branch.word_span("when"), skipped=True)
            errors = (*errors, *_enter_key(branch, entered, inside, out))
            continue
        if (end := _expand_branch(chosen, inside, value, out)) is not None:
            ends.append(end)
    return ends, errors


def _check_told_apart(
    branch: Branch, iterations: Sequence[Repetition], context: Context, out: Expansion
) -> None:
    """Raise `Failed` for a branch with a loop that no name of it tells apart.

    Everywhere else a loop means "one after the other", so that a branch which means "side by side"
    says so by its key, its `name` or its `from`.
    """
    if branch.loop is None:
        return
    names = [branch.name, *(branch.sources.names if branch.sources is not None else ())]
    texts = [branch.key or "", *(str(each.data) for each in names if each is not None)]
    words = {word for text in texts for word in words_in(text)}
    # Without an iteration the names of the variables may be unknown, as of `for: =rows`.
    if words & variables_of(iterations, context) or (words and not iterations):
        return
    variable = next(iter(iterations[0].names), "i") if iterations else "i"
    message = "this could mean a branch for each iteration, or all of them in one branch"
    hint = (
        f"a branch for each: name it by the variable, `path{{{variable}}}:`; "
        "one after the other: make it a list, `[{for: ..., layers: [...]}]`"
    )
    raise out.fail("branch-loop", message, branch.word_span("for"), hint, context.trail)


def _fill_key(branch: Branch, context: Context, out: Expansion) -> str | None:
    """Return the key of a branch with its `{...}` filled in. Raises `Failed`."""
    if branch.key is None or "{" not in branch.key:
        return branch.key
    return fill(Value(branch.key, branch.key_span), context, out)


def _enter_key(branch: Branch, entry: Entry, context: Context, out: Expansion) -> Errors:
    """Enter a branch that is not expanded under its key, if it has one."""
    try:
        key = _fill_key(branch, context, out)
    except Failed as failed:
        return failed.errors
    if key is None:
        return ()
    return enter(context.scope, entry, key, "", branch.key_span, context.trail, out)[1]


def _expand_branch(
    branch: Branch, context: Context, value: Previous, out: Expansion
) -> Previous | None:
    """Expand the steps of a branch with its edits, and return its value; None if it is removed."""
    span = branch.key_span
    edited = None
    try:
        name = _fill_key(branch, context, out)
        if branch.name is not None:
            name, span = fill(branch.name, context, out), branch.name.span
        if context.place in out.edits:
            edited = edit_step(branch, context, name, out)
            context, name = edited.context, edited.name
            if edited.renamed is not None:
                span = edited.renamed.edit.value.span
            if edited.step is None:
                enter_removed(edited, value, out)
                return None
    except Failed as failed:
        near = find_known_sources(branch.sources, context, value)
        return add_stand_in(branch, context, near, failed.errors, out)
    inside, entry, errors = open_group(name, "branch", span, context, out)
    inside = replace(inside, fed=value, depth=inside.depth + 1)
    start = len(out.drafts)
    end: Previous
    try:
        if branch.refused is not None:
            raise Failed(*out.schema_errors(branch.refused))
        first = value
        if branch.sources is not None:
            taken = resolve_sources(branch.sources, inside, value, out)
            first = require_single(taken, branch, "a branch", inside, out)
            inside = replace(inside, fed=first)
        if edited is None:
            end = expand_body(branch.body, inside, first, out)
        else:
            end = _expand_edited_branch(branch, edited, inside, first, out)
    except Failed as failed:
        near = find_known_sources(branch.sources, inside, value)
        end = add_stand_in(branch, inside, near, failed.errors, out)
    out.blame_first(start, errors)
    entry.value, entry.broken = end, isinstance(end, Draft) and end.stand_in
    return end


def _expand_edited_branch(
    branch: Branch, edited: EditedStep, context: Context, value: Previous, out: Expansion
) -> Previous:
    """Expand the steps of a branch with edits, inside its scope, and return its value."""

    def within(insertion: Insertion) -> Insertion:
        return insertion.within(context)

    value = insert_steps(map(within, edited.before), value, out)
    if edited.replaced is not None:
        assert isinstance(edited.step, Group)
        end = expand_body(edited.step.body, edited.inside_of(context), value, out)
    else:
        end = expand_body(branch.body, context, value, out)
    enter_old_names(edited, out)
    for each in map(within, edited.after):
        new = insert_steps([each], end, out)
        end = end if each.is_side_line else new
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
        trail = (*context.trail, *notes_on_removed(step.branches, context, out))
        hint = "keep one of the branches" if out.edits else None
        raise out.fail("branches", message, step.word_span("branches"), hint, trail)
    values = [require_node(end, merge.span, context, out) for end in ends]
    for note in notes_on_removed(step.branches, context, out):
        out.passed_on.setdefault(values[0], (note,))
    if len(values) == 1:
        return _drop_merge(step, merge, values[0], context, out)
    context = with_previous(context, NO_PREVIOUS)
    if out.has_edits:
        context = replace(context, place=find_place(context, merge, 0, out))
    try:
        if isinstance(merge, Broken):
            raise Failed(*out.schema_errors(merge.value))
        name = name_step(merge, context, None, out)
        if context.place in out.edits:
            edited = edit_step(merge, context, name, out)
            return expand_edited(edited, values, NO_PREVIOUS, out)
        return expand_as(merge, name, context, values, out)
    except Failed as failed:
        return add_stand_in(merge, context, values, failed.errors, out)


def _drop_merge(
    step: Branches, merge: Step, value: Draft, context: Context, out: Expansion
) -> Draft:
    """Return the value of the one branch that is left; its `merge` has nothing to join.

    Raises `Failed` for a `merge` that does more than join, such as a block.
    """
    if isinstance(merge, LayerCall) and traits_of(merge.label).joins_any:
        return value
    if isinstance(merge, Broken):
        raise Failed(*out.schema_errors(merge.value))
    message = f"one branch is left, so `merge: {merge.label}` has nothing to join it with"
    hint = "put the same `when` on the whole step, or write the steps without `branches`"
    trail = (*context.trail, *notes_on_removed(step.branches, context, out))
    raise out.fail("merge-one", message, merge.span, hint, trail)
