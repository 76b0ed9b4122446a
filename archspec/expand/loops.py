"""Loops and conditions: in how many turns a step is there, and whether it is there at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archspec.arguments import show
from archspec.errors import Note
from archspec.expand.names import enter
from archspec.expand.out import Errors, Expansion, Failed
from archspec.expand.place import Place
from archspec.expand.scopes import Entry
from archspec.expand.values import check_variable, evaluate, fill_quietly
from archspec.syntax import formulas
from archspec.syntax.source import Value
from archspec.syntax.steps import Repeat, Step


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a step.

    names: the values of the loop variables. number: of a turn of `repeat`, from 0. notes: which
    turn it is, for what is wrong in it.
    """

    names: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None
    notes: tuple[Note, ...] = ()

    def inside(self, place: Place) -> Place:
        """Return the place as a step sees it in this turn."""
        return place.with_names(self.names).with_notes(*self.notes)


def find_turns(step: Step, place: Place, out: Expansion) -> tuple[list[Turn], Errors]:
    """Return the turns of a step, one if it has no loop, and the errors that stop none of them.

    Raises `Failed` where the turns cannot be known.
    """
    if step.loop is None:
        return [Turn()], ()
    # A block call that has a name says in its own note which turn it is.
    noted = step.name is None or step.label not in place.home.blocks
    if isinstance(step.loop, Repeat):
        count = _count_turns(step.loop.count, place, out)
        at = step.word_span("repeat")
        texts = [f"in turn {number} of {count}" for number in range(count)]
        notes = [(Note(text, at),) if noted else () for text in texts]
        return [Turn({}, number, each) for number, each in enumerate(notes)], ()
    rows = find_rows(step.loop.value, place, out)
    errors: list[int] = []
    for name in rows[0] if rows else ():
        errors += check_variable(name, step.loop.value.key_span(name), place.env, out)
    if step.name is not None and "{" not in str(step.name.data):
        name = step.name.data
        variable = next(iter(rows[0]), "i") if rows else "i"
        message = f"the name '{name}' would be that of every turn"
        hint = f"in a loop a name holds the loop variable: {name}{{{variable}}}"
        raise Failed(*errors, out.error("name", message, step.name.span, hint))
    at = step.word_span("for")
    turns = [Turn(row, None, (Note(_in_turn(row), at),) if noted else ()) for row in rows]
    return turns, tuple(errors)


def _in_turn(row: Mapping[str, Any]) -> str:
    return f"in for {', '.join(f'{name}={show(value)}' for name, value in row.items())}"


def _count_turns(repeat: Value, place: Place, out: Expansion) -> int:
    count = evaluate(repeat, place.env, place.trail, out)
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        message = f"`repeat` counts turns, got {show(count)}"
        raise out.fail("loop", message, repeat.span, None, place.trail)
    _check_bound(count, repeat, out)
    return count


def find_rows(loop: Value, place: Place, out: Expansion) -> list[dict[str, Any]]:
    """Return the values of the variables of a `for`, turn by turn. Raises `Failed`."""
    data = evaluate(loop, place.env, place.trail, out)
    rows = _walk_together(data, loop, place, out) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "`for` walks lists, {name: list}, or a table, a list of mappings"
        raise out.fail("loop", message, loop.span, None, place.trail)
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            first, other = (", ".join(each) or "nothing" for each in (rows[0], row))
            message = "the rows of a table must name the same variables"
            message += f": row 0 names {first}, row {number} {other}"
            raise out.fail("loop", message, loop.span, None, place.trail)
    _check_bound(len(rows), loop, out)
    return rows


def _walk_together(
    lists: Mapping[str, Any], loop: Value, place: Place, out: Expansion
) -> list[dict[str, Any]]:
    """Return the rows of lists that are walked together."""
    for name, items in lists.items():
        if not isinstance(items, list):
            message = f"'{name}' walks a list, got {show(items)}"
            hint = f"for: {{{name}: =range({items})}}" if isinstance(items, int) else None
            raise out.fail("loop", message, loop.data[name].span, hint, place.trail)
    lengths = {name: len(items) for name, items in lists.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        message = f"lists walked together must be of one length: {counts}"
        raise out.fail("loop", message, loop.span, None, place.trail)
    return [dict(zip(lists, turn, strict=True)) for turn in zip(*lists.values(), strict=True)]


def _check_bound(count: int, value: Value, out: Expansion) -> None:
    if count > formulas.MAX_ITEMS:  # the rest of the spec can be looked at
        message = f"{count:,} turns are more than {formulas.MAX_ITEMS:,}"
        raise out.fail("too-large", message, value.span)


def is_there(step: Step, place: Place, out: Expansion) -> bool:
    """Return whether a step's `when` is true, if it has one. Raises `Failed`."""
    if step.condition is None:
        return True
    truth = evaluate(step.condition, place.env, place.trail, out)
    if isinstance(truth, str):
        message = f"`when` must be true or false, got '{truth}'"
        hint = "compare it: = a == 'b'"
        raise out.fail("when", message, step.condition.span, hint, place.trail)
    if truth:
        out.let_in.add(step.span)
    else:
        out.left_out[step.span] = None
    return bool(truth)


def leave_out(step: Step, place: Place, number: int | None, out: Expansion) -> Errors:
    """Enter the name of a step whose `when` is false, so that who asks for it is told."""
    # Nothing of the step is read, so what is wrong with its name is no error either.
    text = None if step.name is None else fill_quietly(step.name, place.env)
    if text is None or step.condition is None:
        return ()
    entry = Entry(step.condition.span, skipped=True)
    name = text if number is None else f"{text}{number}"
    return enter(place.scope, entry, name, "", step.span, (), out)[1]


def find_mistakes(value: Value, place: Place, out: Expansion) -> Errors:
    """Report the wrong formulas in what the schema refused, and so is not expanded.

    So a misspelt key hides none. Of a loop the first turn is looked at, and nothing under a false
    `when`.
    """
    errors: list[int] = []
    if isinstance(value.data, tuple):
        for each in value.data:
            errors += find_mistakes(each, place, out)
    elif not isinstance(value.data, dict):
        if formulas.is_formula(value.data) and not out.schema_errors(value):
            try:
                evaluate(value, place.env, place.trail, out)
            except Failed as failed:
                errors += failed.errors
    else:
        loop, condition = value.get("for"), value.get("when")
        try:
            if loop is not None:
                rows = [] if out.schema_errors(loop) else find_rows(loop, place, out)
                if not rows:
                    return ()
                place = place.with_names(rows[0])
            if condition is not None and not evaluate(condition, place.env, place.trail, out):
                return ()
        except Failed as failed:
            return failed.errors
        for key, each in value.items():
            if key not in ("name", "from", "for", "when", "call", "reuse"):
                errors += find_mistakes(each, place, out)
    return tuple(errors)
