"""Evaluate loops and conditions: the iterations of a step, and whether it is included at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.arguments import show
from archspec.errors import Note, Span, did_you_mean
from archspec.expand.context import Context
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.names import enter
from archspec.expand.origins import SAME, Env, Origin, find_sources
from archspec.expand.scopes import Entry
from archspec.expand.values import check_variable, evaluate, try_fill
from archspec.graph import Iteration
from archspec.syntax import formulas
from archspec.syntax.source import Value
from archspec.syntax.steps import Repeat, Step, locate_variables, split_variables


class Repetition(Struct, frozen=True):
    """One iteration of a step.

    names: the values of the loop variables. number: of an iteration of `repeat`, from 0. index:
    which iteration it is, from 0; None without a loop. notes: the same, for errors in it. loop:
    where the loop is written. origins: where each variable was given its value.
    """

    names: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None
    notes: tuple[Note, ...] = ()
    index: int | None = None
    loop: Span | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def inside(self, context: Context) -> Context:
        """Return the context of a step in this iteration, whose number is `index`."""
        inside = context.with_names(self.names, self.origins).with_notes(*self.notes)
        if self.loop is None:
            return inside
        hidden = hides_index(context) or INDEX in self.names
        if not hidden:
            inside = inside.with_names({INDEX: TWO_LOOPS if context.num_loops else self.index})
        values = self.names or {INDEX: self.index}
        return replace(
            inside,
            num_loops=context.num_loops + 1,
            hides_index=hidden,
            iterations=(*context.iterations, Iteration(self.loop, values)),
        )


INDEX = "index"
TWO_LOOPS = formulas.NoValue(
    "`index` could be that of either loop around it",
    hint="give the loop that you mean one more variable: i: =range(N), N being its iterations",
)


def hides_index(context: Context) -> bool:
    """Return whether a param or a variable of an outer loop is called `index`."""
    return context.hides_index or (not context.num_loops and INDEX in context.env)


def find_iterations(
    step: Step, context: Context, out: Expansion
) -> tuple[list[Repetition], Errors]:
    """Return the iterations of a step, one if it has no loop, and the errors that stop none of
    them.

    Raises `Failed` where the iterations cannot be known.
    """
    if step.loop is None:
        return [Repetition()], ()
    # A block call that has a name says in its own note which iteration it is.
    noted = step.name is None or step.label not in context.home.blocks
    if isinstance(step.loop, Repeat):
        count = _evaluate_count(step.loop.count, context, out)
        _check_numbered(step, context, out)
        at = step.word_span("repeat")
        texts = [f"in iteration {number} of {count}, counted from 0" for number in range(count)]
        notes = [(Note(text, at),) if noted else () for text in texts]
        return [Repetition({}, number, each, number, at) for number, each in enumerate(notes)], ()
    rows = find_rows(step.loop.value, context, out)
    errors: list[int] = []
    taken = {
        name: value for name, value in context.env.items() if name != INDEX or context.hides_index
    }
    for name, span in locate_variables(step.loop.value).items() if rows else ():
        errors += check_variable(name, span, taken, out, context.home.params)
    if step.name is not None and "{" not in str(step.name.data):
        name = step.name.data
        variable = next(iter(rows[0]), "i") if rows else "i"
        message = f"every iteration would have the name '{name}'"
        hint = f"in a loop a name holds the loop variable: {name}{{{variable}}}"
        raise Failed(*errors, out.error("name", message, step.name.span, hint))
    at = step.word_span("for")
    notes = [(Note(_describe_iteration(row), at),) if noted else () for row in rows]
    iterations = [
        Repetition(
            row, None, each, index, at, _find_row_origins(step.loop.value, index, row, context.env)
        )
        for index, (row, each) in enumerate(zip(rows, notes, strict=True))
    ]
    return iterations, tuple(errors)


def _check_numbered(step: Step, context: Context, out: Expansion) -> None:
    """Refuse the number of the iteration in the name of a repeated step, which gets it twice.

    Raises `Failed`.
    """
    if step.name is None or hides_index(context):
        return
    text = str(step.name.data)
    if INDEX in formulas.words_in(text):
        message = f"`repeat` puts the number of each behind its name: '{text}' has it twice"
        plain = text.replace(f"{{{INDEX}}}", "")
        hint = f"write name: {plain}" if plain and "{" not in plain else "leave it out"
        raise out.fail("name", message, step.name.span, hint, context.trail)


def variables_of(iterations: Iterable[Repetition], context: Context) -> set[str]:
    """Return the names that tell the iterations of a loop apart, `index` among them."""
    names = {name for iteration in iterations for name in iteration.names}
    return names if hides_index(context) else {*names, INDEX}


def _find_row_origins(
    loop: Value, index: int, row: Mapping[str, Any], env: Env
) -> dict[str, Origin]:
    """Return where each variable of a `for` was given its value in one iteration."""
    written: dict[str, Value | None] = {}
    if isinstance(loop.data, dict):
        for key, items in loop.data.items():
            item = items.data[index] if isinstance(items.data, tuple) else None
            names = split_variables(key)
            cells = item.data if len(names) > 1 and item and isinstance(item.data, tuple) else ()
            for number, name in enumerate(names):
                written[name] = cells[number] if cells else item
        lists = {name: items for key, items in loop.data.items() for name in split_variables(key)}
    else:
        item = loop.data[index] if isinstance(loop.data, tuple) else None
        written = {name: item.get(name) if item else None for name in row}
        lists = dict.fromkeys(row, loop)
    # A list that a formula gives is named by the note on the iteration.
    return {
        name: Origin(
            name,
            value,
            None if (item := written[name]) is None else item.span,
            find_sources(item or lists[name], env),
        )
        for name, value in row.items()
    }


def _describe_iteration(row: Mapping[str, Any]) -> str:
    return f"in for {', '.join(f'{name}={show(value)}' for name, value in row.items())}"


def _evaluate_count(repeat: Value, context: Context, out: Expansion) -> int:
    """Return the number of iterations of a `repeat`. Raises `Failed`."""
    count = evaluate(repeat, context.env, context.trail, out, context.find_axes)
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        message = f"`repeat` must be an integer, at least 0, got {show(count)}"
        origins = find_sources(repeat, context.env)
        raise out.fail("loop", message, repeat.span, None, context.trail, origins)
    _check_bound(count, repeat, context, out)
    return count


def find_rows(loop: Value, context: Context, out: Expansion) -> list[dict[str, Any]]:
    """Return the values of the loop variables of a `for`, a mapping for each iteration.

    Raises `Failed`.
    """
    data = evaluate(loop, context.env, context.trail, out, context.find_axes)
    origins = find_sources(loop, context.env)
    rows = _walk_together(data, loop, context, out) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "`for` takes lists by variable, {name: list}, or a table, a list of mappings"
        raise out.fail("loop", message, loop.span, None, context.trail, origins)
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            first, other = (", ".join(each) or "nothing" for each in (rows[0], row))
            message = "the rows of a table must name the same variables"
            message += f": row 0 names {first}, row {number} {other}"
            raise out.fail("loop", message, loop.span, None, context.trail, origins)
    _check_bound(len(rows), loop, context, out)
    return rows


def _walk_together(
    lists: Mapping[str, Any], loop: Value, context: Context, out: Expansion
) -> list[dict[str, Any]]:
    """Return a mapping for each iteration from a list for each loop variable. Raises `Failed`."""
    for name, items in lists.items():
        if not isinstance(items, list):
            message = f"the loop variable '{name}' needs a list, got {show(items)}"
            hint = f"for: {{{name}: =range({items})}}" if isinstance(items, int) else None
            written = loop.data[name]
            others = [(key, each) for key, each in lists.items() if isinstance(each, list)]
            if others and not isinstance(items, dict):
                other, long = others[0]
                same = ", ".join([show(items)] * min(len(long), 3))
                listed = f"[{same}{', ...' if len(long) > 3 else ''}]"
                hint = f"write a list as long as '{other}': {name}: {listed}"
            if isinstance(items, str) and formulas.lacks_sign(items, context.env):
                hint = f"a formula begins with '=': ={items}"
            origins = find_sources(written, context.env)
            raise out.fail("loop", message, written.span, hint, context.trail, origins)
    lengths = {name: len(items) for name, items in lists.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        message = f"the lists of a `for` must be of one length: {counts}"
        origins = find_sources(loop, context.env)
        raise out.fail("loop", message, loop.span, None, context.trail, origins)
    names = [name for key in lists for name in split_variables(key)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        message = f"the loop names '{twice}' twice"
        raise out.fail("loop", message, loop.span, "rename one", context.trail)
    columns = [_name_columns(key, items, loop, context, out) for key, items in lists.items()]
    return [
        {name: value for part in parts for name, value in part.items()}
        for parts in zip(*columns, strict=True)
    ]


def _name_columns(
    key: str, items: list[Any], loop: Value, context: Context, out: Expansion
) -> list[dict[str, Any]]:
    """Return the values of the variables that one key of `for` names, iteration by iteration.

    Under `filters, strides` each item is a row, a list of one value for each name.
    """
    names = split_variables(key)
    if len(names) == 1:
        return [{key: item} for item in items]
    written = loop.data[key].data
    for number, row in enumerate(items):
        if not isinstance(row, list) or len(row) != len(names):
            at = written[number].span if isinstance(written, tuple) else loop.data[key].span
            message = f"a row under '{key}' has {len(names)} values, got {show(row)}"
            flat = not isinstance(row, list) and len(items) == len(names)
            hint = f"one row is a list in the list: [{show(items)}]" if flat else None
            origins = find_sources(loop.data[key], context.env)
            raise out.fail("loop", message, at, hint, context.trail, origins)
    return [dict(zip(names, row, strict=True)) for row in items]


def _check_bound(count: int, value: Value, context: Context, out: Expansion) -> None:
    """Raise `Failed` for a loop that is too long; the rest of the spec can still be checked."""
    if count > formulas.MAX_ITEMS:
        message = f"{count:,} iterations are over the limit of {formulas.MAX_ITEMS:,}"
        origins = find_sources(value, context.env)
        raise out.fail("too-large", message, value.span, None, context.trail, origins)


def is_included(step: Step, context: Context, out: Expansion) -> bool:
    """Return whether a step's `when` is true, or it has none. Raises `Failed`."""
    if step.condition is None:
        return True
    truth = evaluate(step.condition, context.env, context.trail, out, context.find_axes)
    if not _is_truth(truth):
        message = f"`when` must be true or false, got {show(truth)}"
        origins = find_sources(step.condition, context.env)
        hint = _suggest_truth(truth)
        raise out.fail("when", message, step.condition.span, hint, context.trail, origins)
    if step.alternative() is not None:  # of the two, each is seen where the condition lets it in
        seen, unseen = ("layers", "else") if truth else ("else", "layers")
        out.included.add(step.word_span(seen))
        out.skipped[step.word_span(unseen)] = None
    elif truth:
        out.included.add(step.span)
    else:
        out.skipped[step.span] = None
    return bool(truth)


def _is_truth(value: Any) -> bool:
    """Return whether a condition may have a value: true, false, or an integer, of which 0 is false.

    A list or a rate counts as true or false in Python, but here it is rarely meant.
    """
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _suggest_truth(value: Any) -> str:
    """Return what to write in place of a condition that is neither true nor false."""
    if isinstance(value, str):
        word = {"yes": "true", "on": "true", "true": "true"}.get(value.lower())
        word = word or {"no": "false", "off": "false", "false": "false"}.get(value.lower())
        if word:
            return f"write {word}, without quotes, where the value is given: '{value}' is text"
        return did_you_mean(value, ("true", "false")) or "compare it: = a == 'b'"
    if value is None:
        return "compare it: = a != null"
    return "compare it: =len(a) > 0" if isinstance(value, list) else "compare it: =a > 0"


def skip_step(step: Step, context: Context, number: int | None, out: Expansion) -> Errors:
    """Enter the name of a step whose `when` is false, for the errors of steps that refer to it."""
    # A skipped step is not checked, so a mistake in its name is no error either.
    text = None if step.name is None else try_fill(step.name, context)
    if text is None or step.condition is None:
        return ()
    entry = Entry(step.condition.span, skipped=True)
    name = text if number is None else f"{text}{number}"
    return enter(context.scope, entry, name, "", step.span, (), out)[1]


def report_mistakes(
    value: Value, context: Context, out: Expansion, key: str | None = None
) -> Errors:
    """Report the wrong formulas in what the schema refused, which is not expanded.

    So a misspelt key hides no other mistake. Of a loop only the first iteration is looked at; what
    is under a false `when` is not.
    """
    errors: list[int] = []
    if isinstance(value.data, tuple):
        for each in value.data:
            errors += report_mistakes(each, context, out)
    elif not isinstance(value.data, dict):
        # `==` takes the name that it stands at, which may be what is misspelt.
        is_formula = formulas.is_formula(value.data) and value.data != SAME
        if is_formula and not out.schema_errors(value):
            try:
                evaluate(value, context.env, context.trail, out, context.find_axes, key)
            except Failed as failed:
                errors += failed.errors
    else:
        loop, condition = value.get("for"), value.get("when")
        try:
            if loop is not None:
                rows = [] if out.schema_errors(loop) else find_rows(loop, context, out)
                if not rows:
                    return ()
                context = Repetition(rows[0], index=0, loop=loop.span).inside(context)
            if condition is not None:
                truth = evaluate(condition, context.env, context.trail, out, context.find_axes)
                if not truth and "else" not in value.data:
                    return ()
        except Failed as failed:
            return failed.errors
        for word, each in value.items():
            if word not in ("name", "from", "for", "when", "call", "reuse"):
                errors += report_mistakes(each, context, out, word)
    return tuple(errors)
