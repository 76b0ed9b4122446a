"""Evaluate loops and conditions: the iterations of a step, and whether it is included at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archspec.arguments import show
from archspec.errors import Note
from archspec.expand.context import Context
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.names import enter
from archspec.expand.scopes import Entry
from archspec.expand.values import check_variable, evaluate, try_fill
from archspec.syntax import formulas
from archspec.syntax.source import Value
from archspec.syntax.steps import Repeat, Step


@dataclass(frozen=True, slots=True)
class Iteration:
    """One iteration of a step.

    names: the values of the loop variables. number: of an iteration of `repeat`, from 0. notes:
    which iteration it is, for errors in it.
    """

    names: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None
    notes: tuple[Note, ...] = ()

    def inside(self, context: Context) -> Context:
        """Return the context of a step in this iteration."""
        return context.with_names(self.names).with_notes(*self.notes)


def find_iterations(step: Step, context: Context, out: Expansion) -> tuple[list[Iteration], Errors]:
    """Return the iterations of a step, one if it has no loop, and the errors that stop none of
    them.

    Raises `Failed` where the iterations cannot be known.
    """
    if step.loop is None:
        return [Iteration()], ()
    # A block call that has a name says in its own note which iteration it is.
    noted = step.name is None or step.label not in context.home.blocks
    if isinstance(step.loop, Repeat):
        count = _evaluate_count(step.loop.count, context, out)
        at = step.word_span("repeat")
        texts = [f"in iteration {number} of {count}, counted from 0" for number in range(count)]
        notes = [(Note(text, at),) if noted else () for text in texts]
        return [Iteration({}, number, each) for number, each in enumerate(notes)], ()
    rows = find_rows(step.loop.value, context, out)
    errors: list[int] = []
    for name in rows[0] if rows else ():
        errors += check_variable(name, step.loop.value.key_span(name), context.env, out)
    if step.name is not None and "{" not in str(step.name.data):
        name = step.name.data
        variable = next(iter(rows[0]), "i") if rows else "i"
        message = f"every iteration would have the name '{name}'"
        hint = f"in a loop a name holds the loop variable: {name}{{{variable}}}"
        raise Failed(*errors, out.error("name", message, step.name.span, hint))
    at = step.word_span("for")
    iterations = [
        Iteration(row, None, (Note(_describe_iteration(row), at),) if noted else ()) for row in rows
    ]
    return iterations, tuple(errors)


def _describe_iteration(row: Mapping[str, Any]) -> str:
    return f"in for {', '.join(f'{name}={show(value)}' for name, value in row.items())}"


def _evaluate_count(repeat: Value, context: Context, out: Expansion) -> int:
    """Return the number of iterations of a `repeat`. Raises `Failed`."""
    count = evaluate(repeat, context.env, context.trail, out)
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        message = f"`repeat` must be an integer, at least 0, got {show(count)}"
        raise out.fail("loop", message, repeat.span, None, context.trail)
    _check_bound(count, repeat, out)
    return count


def find_rows(loop: Value, context: Context, out: Expansion) -> list[dict[str, Any]]:
    """Return the values of the loop variables of a `for`, a mapping for each iteration.

    Raises `Failed`.
    """
    data = evaluate(loop, context.env, context.trail, out)
    rows = _walk_together(data, loop, context, out) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "`for` takes lists by variable, {name: list}, or a table, a list of mappings"
        raise out.fail("loop", message, loop.span, None, context.trail)
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            first, other = (", ".join(each) or "nothing" for each in (rows[0], row))
            message = "the rows of a table must name the same variables"
            message += f": row 0 names {first}, row {number} {other}"
            raise out.fail("loop", message, loop.span, None, context.trail)
    _check_bound(len(rows), loop, out)
    return rows


def _walk_together(
    lists: Mapping[str, Any], loop: Value, context: Context, out: Expansion
) -> list[dict[str, Any]]:
    """Return a mapping for each iteration from a list for each loop variable. Raises `Failed`."""
    for name, items in lists.items():
        if not isinstance(items, list):
            message = f"the loop variable '{name}' needs a list, got {show(items)}"
            hint = f"for: {{{name}: =range({items})}}" if isinstance(items, int) else None
            raise out.fail("loop", message, loop.data[name].span, hint, context.trail)
    lengths = {name: len(items) for name, items in lists.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        message = f"the lists of a `for` must be of one length: {counts}"
        raise out.fail("loop", message, loop.span, None, context.trail)
    return [
        dict(zip(lists, iteration, strict=True)) for iteration in zip(*lists.values(), strict=True)
    ]


def _check_bound(count: int, value: Value, out: Expansion) -> None:
    """Raise `Failed` for a loop that is too long; the rest of the spec can still be checked."""
    if count > formulas.MAX_ITEMS:  # the rest of the spec can still be checked
        message = f"{count:,} iterations are over the limit of {formulas.MAX_ITEMS:,}"
        raise out.fail("too-large", message, value.span)


def is_included(step: Step, context: Context, out: Expansion) -> bool:
    """Return whether a step's `when` is true, or it has none. Raises `Failed`."""
    if step.condition is None:
        return True
    truth = evaluate(step.condition, context.env, context.trail, out)
    if isinstance(truth, str):
        message = f"`when` must be true or false, got '{truth}'"
        hint = "compare it: = a == 'b'"
        raise out.fail("when", message, step.condition.span, hint, context.trail)
    if truth:
        out.included.add(step.span)
    else:
        out.skipped[step.span] = None
    return bool(truth)


def skip_step(step: Step, context: Context, number: int | None, out: Expansion) -> Errors:
    """Enter the name of a step whose `when` is false, for the errors of steps that refer to it."""
    # A skipped step is not checked, so a mistake in its name is no error either.
    text = None if step.name is None else try_fill(step.name, context.env)
    if text is None or step.condition is None:
        return ()
    entry = Entry(step.condition.span, skipped=True)
    name = text if number is None else f"{text}{number}"
    return enter(context.scope, entry, name, "", step.span, (), out)[1]


def report_mistakes(value: Value, context: Context, out: Expansion) -> Errors:
    """Report the wrong formulas in what the schema refused, which is not expanded.

    So a misspelt key hides no other mistake. Of a loop only the first iteration is looked at; what
    is under a false `when` is not.
    """
    errors: list[int] = []
    if isinstance(value.data, tuple):
        for each in value.data:
            errors += report_mistakes(each, context, out)
    elif not isinstance(value.data, dict):
        if formulas.is_formula(value.data) and not out.schema_errors(value):
            try:
                evaluate(value, context.env, context.trail, out)
            except Failed as failed:
                errors += failed.errors
    else:
        loop, condition = value.get("for"), value.get("when")
        try:
            if loop is not None:
                rows = [] if out.schema_errors(loop) else find_rows(loop, context, out)
                if not rows:
                    return ()
                context = context.with_names(rows[0])
            if condition is not None and not evaluate(condition, context.env, context.trail, out):
                return ()
        except Failed as failed:
            return failed.errors
        for key, each in value.items():
            if key not in ("name", "from", "for", "when", "call", "reuse"):
                errors += report_mistakes(each, context, out)
    return tuple(errors)
