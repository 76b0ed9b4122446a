"""Loops, conditions and names: in how many turns a step is there, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from archspec.arguments import show
from archspec.errors import Note, Refused, Span
from archspec.expand.place import Place, Silent
from archspec.expand.reports import Reports
from archspec.files import Spec
from archspec.scopes import Entry, Scope
from archspec.syntax import formulas
from archspec.syntax.source import Value
from archspec.syntax.steps import Repeat, Step


class Loops(Reports):
    """`for`, `repeat`, `when` and `name`.

    left_out, let_in: the steps whose `when` was false, or true, by identity; in a loop it is both.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.left_out: dict[int, Span] = {}
        self.let_in: set[int] = set()

    def turns(self, step: Step, place: Place) -> list[tuple[dict[str, Any], Note | None]] | None:
        """The turns of a step: the loop variables' values and the note of each; one for no loop."""
        own = step.name
        named_call = own is not None and step.label in place.home.blocks  # its note names the turn

        def note(text: str, word: str) -> Note | None:
            return None if named_call else Note(text, step.place(word))

        try:
            if isinstance(step.loop, Repeat):
                repeat = step.loop.count
                count = self.evaluate(repeat, place.env, place.trail)
                if isinstance(count, float) and count.is_integer():
                    count = int(count)
                if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                    self.error(
                        "loop",
                        f"`repeat` counts turns, got {show(count)}",
                        repeat.span,
                        None,
                        place.trail,
                    )
                    return None
                self.bound(count, repeat)
                return [({}, note(f"in turn {n} of {count}", "repeat")) for n in range(count)]
            if step.loop is None:
                return [({}, None)]
            loop = step.loop.value
            rows = self.table(loop, place)
        except Silent:
            return None
        for name in rows[0] if rows else ():
            self.free(name, loop.key(name), place.env)
        if own is not None and "{" not in str(own.data):
            variable = next(iter(rows[0]), "i") if rows else "i"
            self.error(
                "name",
                f"the name '{own.data}' would be that of every turn",
                own.span,
                f"in a loop a name holds the loop variable: {own.data}{{{variable}}}",
            )
            return None
        return [(row, note(f"in for {_assignments(row)}", "for")) for row in rows]

    def table(self, loop: Value, place: Place) -> list[dict[str, Any]]:
        """`for`, as a list of loop variables' values."""
        data = self.evaluate(loop, place.env, place.trail)
        if isinstance(data, dict):
            for name, items in data.items():
                if not isinstance(items, list):
                    value = loop.data[name]
                    message = f"'{name}' walks a list, got {show(items)}"
                    hint = f"for: {{{name}: =range({items})}}" if isinstance(items, int) else None
                    self.error("loop", message, value.span, hint, place.trail)
                    raise Silent
            lengths = {name: len(items) for name, items in data.items()}
            if len(set(lengths.values())) > 1:
                counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
                message = f"lists walked together must be of one length: {counts}"
                self.error("loop", message, loop.span, None, place.trail)
                raise Silent
            rows = [dict(zip(data, turn, strict=True)) for turn in zip(*data.values(), strict=True)]
        else:
            rows = data if isinstance(data, list) else []
            if rows is not data or not all(isinstance(row, dict) for row in rows):
                message = "`for` walks lists, {name: list}, or a table, a list of mappings"
                self.error("loop", message, loop.span, None, place.trail)
                raise Silent
            for number, row in enumerate(rows):
                if row.keys() != rows[0].keys():
                    first, other = (", ".join(each) or "nothing" for each in (rows[0], row))
                    message = "the rows of a table must name the same variables"
                    message += f": row 0 names {first}, row {number} {other}"
                    self.error("loop", message, loop.span, None, place.trail)
                    raise Silent
        self.bound(len(rows), loop)
        return rows

    def bound(self, count: int, value: Value) -> None:
        if count > formulas.MAX_ITEMS:
            message = f"{count:,} turns are more than {formulas.MAX_ITEMS:,}"
            self.error("too-large", message, value.span)
            raise Silent  # the rest of the spec can be looked at

    def skipped(self, step: Step, place: Place, number: int | None) -> bool:
        """Whether a step's `when` is false. Raises `Silent` after reporting that it is neither."""
        condition = step.condition
        if condition is None:
            return False
        truth = self.evaluate(condition, place.env, place.trail)
        if isinstance(truth, str):
            message = f"`when` must be true or false, got '{truth}'"
            self.error("when", message, condition.span, "compare it: = a == 'b'", place.trail)
            raise Silent
        if truth:
            self.let_in.add(id(step))
            return False
        self.left_out[id(step)] = step.span
        name = step.name
        try:
            text = formulas.fill(str(name.data), place.env) if name is not None else None
        except Refused:  # nothing of the step is read, its name neither
            text = None
        if text is not None:
            text = text if number is None else f"{text}{number}"
            self.enter(place.scope, Entry(condition.span, skipped=True), text, "", step.span, ())
        return True

    def look_at(self, value: Value, place: Place) -> None:
        """Report the wrong formulas in what the schema refused, and so is not expanded: a misspelt
        key hides none. Of a loop the first turn is looked at, of what is left out nothing."""
        if isinstance(value.data, tuple):
            for each in value.data:
                self.look_at(each, place)
        elif not isinstance(value.data, dict):
            if formulas.is_formula(value.data) and not self.blamed_for(value):
                with suppress(Silent):
                    self.evaluate(value, place.env, place.trail)
        else:
            loop, condition = value.get("for"), value.get("when")
            with suppress(Silent):
                if loop is not None:
                    rows = [] if self.blamed_for(loop) else self.table(loop, place)
                    if not rows:
                        return
                    place = place.with_names(rows[0])
                if condition is not None and not self.evaluate(condition, place.env, place.trail):
                    return
                for key, each in value.items():
                    if key not in ("name", "from", "for", "when", "call", "reuse"):
                        self.look_at(each, place)

    def name(self, step: Step, place: Place, number: int | None) -> str | None:
        """The explicit name of a step in this turn; turns of `repeat` are numbered from 0."""
        value = step.name
        if value is None:
            return None
        text = self.text(value, place)
        return text if number is None else f"{text}{number}"

    def enter(
        self,
        scope: Scope,
        entry: Entry,
        name: str | None,
        otherwise: str,
        span: Span,
        trail: tuple[Note, ...],
    ) -> str:
        try:
            return scope.add(entry, name, otherwise)
        except Refused as refused:
            self.report(refused, span, trail)
            impossible = refused.code == "name" and otherwise
            return scope.add(entry, None, otherwise if impossible else name or otherwise)


def _assignments(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={show(value)}" for name, value in row.items())
