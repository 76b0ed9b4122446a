"""Write loops as `for`, and conditions as `if`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from archspec.source.formulas import negate, translate
from archspec.source.loops import Columns, read_columns
from archspec.source.naming import Naming
from archspec.source.rooms import Layered, Room
from archspec.source.statements import (
    Assign,
    Body,
    IfElse,
    constant,
    name,
)
from archspec.source.suffixes import Counter
from archspec.source.values import Unwritable
from archspec.source.wiring import Cur, is_same, settle
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Value, to_plain
from archspec.syntax.steps import (
    Branches,
    For,
    From,
    Group,
    Sources,
    Step,
)


class Flow(Naming):
    """Steps with a loop or a condition."""

    def once(self, step: Step, sources: Sources | None, cur: Cur, room: Room) -> Cur:
        """Write a step that is there, in one iteration."""
        raise NotImplementedError

    def conditional(self, step: Step, sources: Sources | None, cur: Cur, room: Room) -> Cur:
        if step.condition is None:
            return self.once(step, sources, cur, room)
        is_single = sources is not None and sources.single and "*" not in str(sources.names[0].data)
        if is_single and not isinstance(step, From):
            cur, sources = self.single(sources, cur, room), None
        other = step.alternative()
        test = self.test(step.condition, cur, room)
        flow = name(room.flow)
        may_pass = other is None and not isinstance(step, From | Branches)
        may_pass = may_pass and not isinstance(test, ast.Constant)
        if may_pass and cur is not None and not is_same(cur, flow):
            room.body.append(Assign(flow, cur))
            cur = flow
        first: list[Callable[[Room], Cur]] = [lambda inner: self.once(step, sources, cur, inner)]
        if other is not None:
            first.append(lambda inner: self.once(other, sources, cur, inner))
        there = [True]
        if isinstance(step, Group) and isinstance(other, Group):
            there = [self.trace.is_live(each.body) for each in (step, other)]
        if isinstance(test, ast.Constant):
            place = 0 if test.value else 1
            return first[place](room) if place < len(first) else cur
        written: list[tuple[Body, Cur] | None] = []
        for write, is_there in zip(first, there, strict=True):
            inner: Body = []
            inside = replace(room, body=inner, once=False)
            try:
                written.append((inner, write(inside)))
            except Unwritable:
                if is_there and step in self.trace.live:
                    raise
                written.append(None)
        if any(each is None for each in written):
            left = [write for write, each in zip(first, written, strict=True) if each is not None]
            if step not in self.trace.live or (other is None and not left):
                raise Unwritable("a step that is never there")
            return left[0](room) if left else cur
        return self.choose(test, written, cur, room)

    def choose(
        self, test: ast.expr, written: Sequence[tuple[Body, Cur] | None], cur: Cur, room: Room
    ) -> Cur:
        """Write `if` and `else`, after which the value is in the same variable."""
        ends = [each for each in written if each is not None]
        if len(ends) == 1:
            ends.append(([], cur))
        if all(is_same(value, cur) for _, value in ends) and not any(body for body, _ in ends):
            return cur
        flow = name(room.flow)
        values = [value for _, value in ends]
        if None in values:
            raise Unwritable("a step under `when` gives no value")
        (first, one), (second, two) = ends
        assert one is not None
        assert two is not None
        if not second and is_same(two, cur) and not is_same(cur, flow):
            room.body.append(Assign(flow, two))
        elif not is_same(two, flow):
            settle(second, two, flow)
        if not is_same(one, flow):
            settle(first, one, flow)
        if not first and not second:
            return flow
        if not first:
            test, first, second = negate(test), second, first
        room.body.append(_join_tests(IfElse(test, first, second)))
        return flow

    def test(self, condition: Value, cur: Cur, room: Room) -> ast.expr:
        """Return a condition as Python, and keep it: it may decide the numbers of later steps."""
        if not is_formula(condition.data):
            return constant(bool(to_plain(condition)))
        text = condition.data[1:]
        made = translate(text, room.env, self.find_axis(cur, room))
        if not any(isinstance(node, ast.Attribute) for node in ast.walk(made)):
            self.tests.setdefault(room.scope, []).append((text, made))
        return made

    def loop(self, step: Step, cur: Cur, room: Room) -> Cur:
        columns = self.read_loop(step, cur, room)
        sources = step.sources
        each_time = sources is not None and self.is_fed_each_time(sources, columns)
        if sources is not None and not each_time:
            cur, sources = self.single(sources, cur, room), None
        chained = sources is None or any(each.data == "previous" for each in sources.names)
        flow = name(room.flow)
        if chained and cur is not None:
            self.settle(cur, room)
            cur = flow
        with self.looping(step, columns, room) as inside:
            value = self.conditional(step, sources, cur, inside)
            if chained and value is not None and not is_same(value, flow):
                settle(inside.body, value, flow)
        return flow if chained or value is None else value

    @contextmanager
    def looping(self, step: Step, columns: Columns, room: Room) -> Iterator[Room]:
        """Give the room inside a loop, which is written when it is left."""
        head: Body = []
        inner: Body = []
        counter = Counter(step, columns.index, columns.variables)
        yield replace(
            room,
            env=Layered(columns.env, room.env),
            body=inner,
            heads=(*room.heads, (head, frozenset(columns.names))),
            counters=(*room.counters, counter),
            once=False,
        )
        room.body.extend(columns.close([*head, *inner], self.names.new))

    def read_loop(self, step: Step, cur: Cur, room: Room) -> Columns:
        rows = self.find_rows(step)
        active = {each.index.id for each in room.counters}
        active |= {each.id for one in room.counters for each in one.variables.values()}

        counting = _list_counting(step)

        def new(word: str) -> str:
            known = self.loop_names.setdefault(word, [])
            for each in known:
                if each not in active:
                    return each
            text = word or next((each for each in "ijk" if each not in self.names.taken), "i")
            if word in self.names.taken:
                text = f"{word}_index" if word in counting else f"{word}_value"
            known.append(self.names.new(text))
            return known[-1]

        find_axis = self.find_axis(cur, room)
        return read_columns(step, room.env, find_axis, new, rows)

    def find_rows(self, step: Step) -> list[Mapping[str, object]] | None:
        """Return the values of the variables of a loop that is the same every time, if it is."""
        found: dict[int, Mapping[str, object]] = {}
        for visit in self.trace.visits:
            iterations = iter(visit.context.iterations)
            for one, index in visit.way:
                if one.loop is None:
                    continue
                iteration = next(iterations, None)
                values = None if one is not step or iteration is None else iteration.values
                if values is not None and found.setdefault(index, values) != values:
                    return None
        return (
            [found[each] for each in sorted(found)]
            if sorted(found) == [*range(len(found))]
            else None
        )

    def is_fed_each_time(self, sources: Sources, columns: Columns) -> bool:
        """Return whether each iteration takes what `from` says, and not the first alone."""
        named = {word for each in sources.names for word in columns.words_in(str(each.data))}
        return not sources.single or "*" in str(sources.names[0].data) or bool(named)


def _join_tests(statement: IfElse) -> IfElse:
    """Return a condition in a condition as one of both."""
    inner = statement.body[0] if len(statement.body) == 1 else None
    if not isinstance(inner, IfElse) or inner.otherwise or statement.otherwise:
        return statement
    tests = [
        part
        for test in (statement.test, inner.test)
        for part in (
            test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        )
    ]
    return IfElse(ast.BoolOp(ast.And(), tests), inner.body, [])


def _list_counting(step: Step) -> set[str]:
    """Return the variables of a loop that go over a range."""
    loop = step.loop
    if not isinstance(loop, For) or not isinstance(loop.value.data, dict):
        return set()
    return {
        key
        for key, items in loop.value.data.items()
        if is_formula(items.data) and "range" in items.data
    }
