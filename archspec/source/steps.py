"""Write the steps of a body, one after another, as the statements that a person would write.

`Steps` has a method for each kind of step. `cur` is always the value that the next step takes, a
variable; None where there is none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from archspec.expand.references import is_channels_first
from archspec.expand.scopes import snake_case
from archspec.graph import Graph
from archspec.layers import LAYERS, traits_of
from archspec.source.arguments import (
    Decisions,
    nodes_of,
    write_arguments,
    write_call_params,
)
from archspec.source.flat import FreshNames, identifier
from archspec.source.formulas import FindAxis, translate
from archspec.source.loops import Columns, read_columns
from archspec.source.rooms import Layered, Pieces, Room, join
from archspec.source.scopes import Wanted, WrittenName, WrittenScope, branch_text
from archspec.source.statements import (
    Assign,
    Body,
    Do,
    IfElse,
    call,
    constant,
    name,
    same,
)
from archspec.source.suffixes import Counter, Test, find_suffix
from archspec.source.trace import Trace
from archspec.source.values import Unwritable, call_layer, forgets_freezing, make_layer
from archspec.syntax import steps as spec_steps
from archspec.syntax.formulas import PLACEHOLDER, SPATIAL, is_formula
from archspec.syntax.source import Value, to_plain
from archspec.syntax.steps import (
    BlockCall,
    Branch,
    Branches,
    For,
    From,
    Group,
    LayerCall,
    Repeat,
    Reuse,
    Sources,
    Step,
)

Cur = ast.expr | None
Taken = ast.expr | list[ast.expr] | dict[str, ast.expr] | None
WriteCall = Callable[[BlockCall, list[ast.expr], ast.expr | None, Mapping[str, ast.expr]], ast.expr]


class Steps:
    """Writes the steps of one body: of a block, or of the model.

    inputs: the variables of the inputs by their names. call_block: returns the call of a block's
    function, or the value itself where the block does nothing.
    """

    def __init__(
        self,
        trace: Trace,
        graph: Graph,
        wanted: Wanted,
        inputs: Mapping[str, ast.expr],
        names: FreshNames,
        decisions: Decisions,
        call_block: WriteCall,
    ) -> None:
        self.trace = trace
        self.graph = graph
        self.wanted = wanted
        self.inputs = inputs
        self.names = names
        self.decisions = decisions
        self.call_block = call_block
        self.variables: dict[tuple[WrittenScope | None, str], str] = {}
        self.tables: dict[str, Body] = {}
        self.paths: dict[WrittenScope, Pieces] = {wanted.root: ()}
        self.layers: dict[Step, ast.expr] = {}
        self.branch_flows: dict[str, list[str]] = {}
        self.active_flows: list[str] = []
        self.tests: dict[WrittenScope, list[tuple[str, ast.expr]]] = {}
        self.suffixes: dict[str, tuple[Body, str]] = {}
        self.loop_names: dict[str, list[str]] = {}

    def body(self, body: spec_steps.Body | None, cur: Cur, room: Room) -> Cur:
        """Write steps, and return the value of the last one."""
        for step in body.steps if body is not None else ():
            cur = self.step(step, cur, room)
        return cur

    def step(self, step: Step, cur: Cur, room: Room) -> Cur:
        """Write a step, and return its value."""
        if step in self.trace.live:
            return self.live_step(step, cur, room)
        # What is never there is written if that is easy: a param may be changed in the text.
        return self.attempt(room, lambda inner: self.live_step(step, cur, inner), cur)

    def attempt(self, room: Room, write: Callable[[Room], Cur], otherwise: Cur) -> Cur:
        """Write what is not needed; nothing if it is unwritable."""
        tried: Body = []
        try:
            value = write(replace(room, body=tried, once=False))
        except Unwritable:
            return otherwise
        room.body.extend(tried)
        return value

    def live_step(self, step: Step, cur: Cur, room: Room) -> Cur:
        if step.loop is not None:
            return self.loop(step, cur, room)
        return self.conditional(step, step.sources, cur, room)

    # --- conditions ------------------------------------------------------------------------------

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
        if may_pass and cur is not None and not _is_same(cur, flow):
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
        if all(_is_same(value, cur) for _, value in ends) and not any(body for body, _ in ends):
            return cur
        flow = name(room.flow)
        values = [value for _, value in ends]
        if None in values:
            raise Unwritable("a step under `when` gives no value")
        (first, one), (second, two) = ends
        assert one is not None
        assert two is not None
        if not second and _is_same(two, cur) and not _is_same(cur, flow):
            room.body.append(Assign(flow, two))
        elif not _is_same(two, flow):
            _settle(second, two, flow)
        if not _is_same(one, flow):
            _settle(first, one, flow)
        if not first and not second:
            return flow
        if not first:
            test, first, second = ast.UnaryOp(ast.Not(), test), second, first
        room.body.append(IfElse(test, first, second))
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

    # --- loops -----------------------------------------------------------------------------------

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
        head: Body = []
        inner: Body = []
        counter = Counter(step, columns.index, columns.variables)
        inside = replace(
            room,
            env=Layered(columns.env, room.env),
            body=inner,
            heads=(*room.heads, (head, frozenset(columns.names))),
            counters=(*room.counters, counter),
            once=False,
        )
        value = self.conditional(step, sources, cur, inside)
        if chained and value is not None and not _is_same(value, flow):
            _settle(inner, value, flow)
        room.body.extend(columns.close([*head, *inner], self.names.new))
        return flow if chained or value is None else value

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
            text = word or "i"
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

    # --- steps of each kind ----------------------------------------------------------------------

    def once(self, step: Step, sources: Sources | None, cur: Cur, room: Room) -> Cur:
        """Write a step that is there, in one iteration."""
        start = len(room.body)
        value: Cur
        match step:
            case LayerCall() | BlockCall() | Reuse():
                taken = self.take(sources, cur, room)
                value = self.apply(step, taken, cur, room)
            case Branches():
                value = self.branches(step, self.single(sources, cur, room), room)
            case Group():
                fed = self.single(sources, cur, room)
                value = self.body(step.body, fed, self.open(step, room))
            case _:
                value = self.single(sources, cur, room)
        return self.bind(step, value, room, start)

    def open(self, step: Step, room: Room) -> Room:
        """Return the room inside a group, which has names of its own if it has one."""
        if step.name is None:
            return room
        label = self.explicit(step, room)
        scope = next(
            each.scope for each in room.scope.names if each.step in (step, *_same(step, room))
        )
        assert scope is not None
        inside = room.inside(label, scope)
        self.paths[scope] = inside.path
        return inside

    def explicit(self, step: Step, room: Room) -> Pieces:
        """Return the written name of a step."""
        assert step.name is not None
        pieces = self.fill(str(step.name.data), room)
        if isinstance(step.loop, Repeat):
            pieces = (*pieces, room.counters[-1].index)
        return pieces

    def fill(self, text: str, room: Room) -> Pieces:
        """Return a text with formulas in its `{...}`."""
        found: list[str | ast.expr] = []
        last = 0
        for match in PLACEHOLDER.finditer(text):
            found.append(text[last : match.start()])
            found.append(translate(match[1].strip(), room.env, self.find_axis(None, room)))
            last = match.end()
        return tuple(each for each in (*found, text[last:]) if each != "")

    def label(self, step: Step, base: str, room: Room) -> Pieces:
        """Return the last part of the name of a layer or a block call."""
        if step.name is not None:
            return self.explicit(step, room)
        visits = self.trace.of(step)
        if not visits:
            return (self.unused_label(step, base, room),)
        tests = [Test(text, made) for text, made in self.tests.get(room.scope, ())]
        suffix = find_suffix(visits, base, room.counters, tests)
        if isinstance(suffix, ast.Constant):
            return (f"{base}{suffix.value!s}",)
        match suffix:
            case ast.JoinedStr():
                return (base, *_parts(suffix))
            case ast.IfExp(body=ast.Constant(value=str(one)), orelse=ast.Constant(value=str(two))):
                if one and two:
                    numbers = constant(int(one[1:])), constant(int(two[1:]))
                    return (base, "_", ast.IfExp(suffix.test, *numbers))
        return (base, self.suffix(suffix, room))

    def unused_label(self, step: Step, base: str, room: Room) -> str:
        """Return a name for a step that is never there, which no other one beside it has."""
        beside = [each.step for each in room.scope.names if each.text == base]
        taken = {visit.label for each in beside for visit in self.trace.of(each)}
        before = (
            sum(not self.trace.of(each) for each in beside[: beside.index(step)])
            if step in beside
            else 0
        )
        free = (
            label for label in (base, *(f"{base}_{n}" for n in range(1, 999))) if label not in taken
        )
        return [next(free) for _ in range(before + 1)][-1]

    def suffix(self, made: ast.expr, room: Room) -> ast.expr:
        """Return the variable of what stands behind the names of several steps."""
        used = {node.id for node in ast.walk(made) if isinstance(node, ast.Name)}
        head = next(
            (head for head, variables in reversed(room.heads) if variables & used), room.heads[0][0]
        )
        key = f"{id(head)} {ast.dump(made)}"
        if key not in self.suffixes:
            variable = self.names.new("suffix")
            self.suffixes[key] = head, variable
            head.append(Assign(name(variable), made))
        return name(self.suffixes[key][1])

    def apply(self, step: Step, taken: Taken, cur: Cur, room: Room) -> ast.expr:
        """Write the call of a layer or a block on what it takes, and return its value."""
        flow = name(room.flow)
        match step:
            case LayerCall():
                made = self.layer(step, cur, room)
                slots, inputs = _by_slots(taken)
                value = call_layer(made, step.label, inputs, slots, self.constants(step))
                nodes = nodes_of(self.trace, self.graph, step)
                freezes = any(forgets_freezing(each) for each in nodes)
                room.body.append(Assign(flow, value))
                if freezes:
                    room.body.append(Assign(ast.Attribute(made, "trainable"), constant(False)))
                return flow
            case BlockCall():
                slots, inputs = _by_slots(taken)
                block = room.home.blocks[step.label]
                declared = block.value.get("inputs")
                if slots and declared is not None:
                    by_slot = dict(zip(slots, inputs, strict=True))
                    inputs = [by_slot[str(each.data)] for each in declared.data]
                params = block.value.get("params")
                given = write_call_params(
                    step, params.data if params else {}, room, self.find_axis(cur, room)
                )
                title = join((*room.prefix, *self.label(step, block.name, room)))
                value = self.call_block(step, inputs, title, given)
                if isinstance(value, ast.Name):
                    return value
                room.body.append(Assign(flow, value))
                return flow
            case Reuse():
                return self.reuse(step, taken, room)
        raise Unwritable(f"a {step.label} joins no values")

    def constants(self, step: Step) -> Mapping[str, object]:
        if step.call is None:
            return {}
        plain = to_plain(step.call)
        if any(is_formula(each) for each in plain.values()):
            raise Unwritable("an argument of a call is a formula")
        return dict(plain)

    def layer(self, step: LayerCall, cur: Cur, room: Room) -> ast.expr:
        """Return what makes a layer; its variable, if it is called again or frozen."""
        if step.label not in LAYERS:
            raise Unwritable(f"no layer is called {step.label}")
        nodes = nodes_of(self.trace, self.graph, step)
        given = write_arguments(step, room, self.find_axis(cur, room), nodes, self.decisions)
        title = join((*room.prefix, *self.label(step, snake_case(step.label), room)))
        if any(forgets_freezing(each) for each in nodes):
            given.pop("trainable", None)
        made: ast.expr = make_layer(step.label, given, title)
        again = step in self.wanted.again
        if again or any(forgets_freezing(each) for each in nodes):
            if again and room.counters:
                raise Unwritable("a layer of a loop is called again")
            text = str(step.name.data) if step.name is not None else snake_case(step.label)
            variable = name(self.names.new(f"{identifier(PLACEHOLDER.sub('', text))}_layer"))
            room.body.append(Assign(variable, made))
            self.layers[step] = made = variable
        return made

    def reuse(self, step: Reuse, taken: Taken, room: Room) -> ast.expr:
        text = str(step.target.data)
        found = [each.step for each in room.scope.find(text)]
        owners = [each for each in found if each in self.layers]
        if len(found) != 1 or not owners or room.counters:
            raise Unwritable("what is called again is more than one layer")
        owner = owners[0]
        slots, inputs = _by_slots(taken)
        value = call_layer(self.layers[owner], owner.label, inputs, slots, self.constants(step))
        room.body.append(Assign(name(room.flow), value))
        return name(room.flow)

    # --- branches --------------------------------------------------------------------------------

    def branches(self, step: Branches, cur: ast.expr, room: Room) -> Cur:
        inside = self.open(step, room)
        merge = step.merge
        num_active = len(self.active_flows)
        self.active_flows.append(room.flow)
        try:
            loops = any(each.loop is not None for each in step.branches)
            optional = [
                each
                for each in step.branches
                if each.condition is not None and each.otherwise is None
            ]
            if merge is None:
                for each in step.branches:
                    self.branch(each, cur, inside)
                return None
            if not loops and not optional:
                ends = [self.branch(each, cur, inside) for each in step.branches]
                return self.merge(merge, ends, inside)
            if not loops and len(optional) == 1 and len(step.branches) == 2:
                return self.shortcut(step, optional[0], cur, inside)
            return self.collect(step, cur, inside)
        finally:
            del self.active_flows[num_active:]

    def merge(self, merge: Step, ends: Sequence[ast.expr], room: Room) -> ast.expr:
        if len(ends) == 1:
            return ends[0]
        start = len(room.body)
        value = self.apply(merge, [*ends], None, room)
        return self.bind(merge, value, room, start) or value

    def branch(self, branch: Branch, cur: ast.expr, room: Room) -> ast.expr:
        """Write a branch that is there, and return its value."""
        start = len(room.body)
        plain = branch.condition is None and branch.loop is None and branch.otherwise is None
        if plain and (branch.body is None or not branch.body.steps):
            return self.bind(branch, self.single(branch.sources, cur, room), room, start) or cur
        flow = self.branch_flow(branch, room)
        self.active_flows.append(flow)
        inside = replace(self.open_branch(branch, room), flow=flow)
        end = self.conditional_branch(branch, cur, inside)
        return self.bind(branch, end, inside, start) or end

    def conditional_branch(self, branch: Branch, cur: ast.expr, room: Room) -> ast.expr:
        value: Cur
        if branch.condition is None or branch.otherwise is None:
            value = self.branch_body(branch.body, branch, cur, room)
        else:
            test = self.test(branch.condition, cur, room)
            written: list[tuple[Body, Cur]] = []
            for body in (branch.body, branch.otherwise):
                inner: Body = []
                inside = replace(room, body=inner, once=False)
                written.append((inner, self.branch_body(body, branch, cur, inside)))
            if isinstance(test, ast.Constant):
                taken, value = written[0 if test.value else 1]
                room.body.extend(taken)
            else:
                value = self.choose(test, written, cur, room)
        if value is None:
            raise Unwritable("a branch gives no value")
        return value

    def branch_body(
        self, body: spec_steps.Body | None, branch: Branch, cur: ast.expr, room: Room
    ) -> Cur:
        return self.body(body, self.single(branch.sources, cur, room), room)

    def branch_flow(self, branch: Branch, room: Room) -> str:
        """Return the variable of a branch: its name, where no branch around it has that."""
        text = PLACEHOLDER.sub("", branch_text(branch) or "").strip("_-")
        base = identifier(text) if text[:1].isalpha() else f"branch_{text}" if text else "branch"
        base = identifier(base)
        if self.wanted.uses.get(branch) == "variable":
            return self.variable(next(e for e in room.scope.names if e.step is branch), room)
        if base in self.names.taken and base not in self.branch_flows:
            base = f"{base}_branch"
        if self.wanted.uses.get(branch) is not None:
            return self.names.new(base)
        known = self.branch_flows.setdefault(base, [])
        for each in known:
            if each not in self.active_flows:
                return each
        known.append(self.names.new(base))
        return known[-1]

    def open_branch(self, branch: Branch, room: Room) -> Room:
        text = branch_text(branch)
        if text is None:
            return room
        scope = next(each.scope for each in room.scope.names if each.step is branch)
        assert scope is not None
        inside = room.inside(self.fill(text, room), scope)
        self.paths[scope] = inside.path
        return inside

    def shortcut(self, step: Branches, optional: Branch, cur: ast.expr, room: Room) -> ast.expr:
        """Write two branches of which one may be missing: then the other's value is taken."""
        assert optional.condition is not None
        assert step.merge is not None
        fixed = next(each for each in step.branches if each is not optional)
        flow = name(room.flow)
        test = self.test(optional.condition, cur, room)
        end = self.branch(fixed, cur, room)
        inner: Body = []
        inside = replace(room, body=inner, once=False)
        self.active_flows.append(room.flow)
        try:
            other = self.branch(optional, cur, inside)
            ends = [other, end] if step.branches[0] is optional else [end, other]
            value = self.merge(step.merge, ends, inside)
        except Unwritable:
            if step.merge in self.trace.live:
                raise
            return end
        if isinstance(test, ast.Constant):
            room.body.extend(inner if test.value else ())
            return value if test.value else end
        otherwise: Body = []
        if not _is_same(value, flow):
            _settle(inner, value, flow)
        if not _is_same(end, flow):
            otherwise.append(Assign(flow, end))
        room.body.append(IfElse(test, inner, otherwise))
        return flow

    def collect(self, step: Branches, cur: ast.expr, room: Room) -> ast.expr:
        """Write branches into a list, of those that are there."""
        assert step.merge is not None
        paths = name(self.names.new("paths"))
        room.body.append(Assign(paths, ast.List([])))
        sure = 0
        for branch in step.branches:
            if branch.loop is not None:
                columns = self.read_loop(branch, cur, room)
                head: Body = []
                inner: Body = []
                counter = Counter(branch, columns.index, columns.variables)
                inside = replace(
                    room,
                    env=Layered(columns.env, room.env),
                    body=inner,
                    heads=(*room.heads, (head, frozenset(columns.names))),
                    counters=(*room.counters, counter),
                    once=False,
                )
                self.optional(branch, cur, paths, inside)
                room.body.extend(columns.close([*head, *inner], self.names.new))
            else:
                self.optional(branch, cur, paths, room)
                sure += branch.condition is None or branch.otherwise is not None
        flow = name(room.flow)
        merge = step.merge
        aside: Body = []
        self.apply(merge, [ast.Starred(paths)], None, replace(room, body=aside))
        made = aside[-1] if len(aside) == 1 else None
        if not isinstance(made, Assign):
            raise Unwritable("what joins branches is more than one call")
        if sure < 2 and isinstance(merge, LayerCall) and traits_of(merge.label).joins_any:
            several = ast.Compare(call(name("len"), [paths]), [ast.Gt()], [constant(1)])
            made.value = ast.IfExp(several, made.value, ast.Subscript(paths, constant(0)))
        room.body.append(made)
        return flow

    def optional(self, branch: Branch, cur: ast.expr, paths: ast.expr, room: Room) -> None:
        """Write a branch that may be missing, which puts its value into a list."""
        append = ast.Attribute(paths, "append")
        if branch.condition is None or branch.otherwise is not None:
            end = self.branch(branch, cur, room)
            room.body.append(Do(call(append, [end])))
            return
        test = self.test(branch.condition, cur, room)
        inner: Body = []
        end = self.branch(branch, cur, replace(room, body=inner, once=False))
        inner.append(Do(call(append, [end])))
        if not isinstance(test, ast.Constant):
            room.body.append(IfElse(test, inner, []))
        elif test.value:
            room.body.extend(inner)

    # --- what steps take -------------------------------------------------------------------------

    def take(self, sources: Sources | None, cur: Cur, room: Room) -> Taken:
        """Return what a step takes."""
        if sources is None:
            return cur
        if sources.slots:
            values = [self.reference(str(each.data), cur, room) for each in sources.names]
            return dict(zip(sources.slots, values, strict=True))
        found: list[ast.expr] = []
        for each in sources.names:
            text = str(each.data)
            found += self.pattern(text, room) if "*" in text else [self.reference(text, cur, room)]
        return found[0] if sources.single and "*" not in str(sources.names[0].data) else found

    def single(self, sources: Sources | None, cur: Cur, room: Room) -> ast.expr:
        """Return the one value that a step takes."""
        taken = self.take(sources, cur, room)
        if not isinstance(taken, ast.expr):
            raise Unwritable("a step takes no value, or several")
        return taken

    def reference(self, text: str, cur: Cur, room: Room) -> ast.expr:
        """Return the value that a name stands for."""
        if text == "previous" and cur is not None:
            return cur
        if text == "input" and len(self.inputs) == 1:
            return next(iter(self.inputs.values()))
        origin, found = room.scope.find_from(text)
        if text in self.wanted.into_calls:
            raise Unwritable("a step inside a block is named from outside")
        if not found and text in self.inputs:
            return self.inputs[text]
        uses = {self.wanted.uses.get(each.step) for each in found}
        variables = {self.variable(each, room) for each in found if uses == {"variable"}}
        if len(variables) == 1:
            return name(variables.pop())
        if uses != {"table"}:
            raise Unwritable(f"'{text}' may be one of several steps")
        if origin not in self.paths:
            raise Unwritable("a step is named from outside of what it stands in")
        key = join((*self.paths[origin], *self.fill(text, room)))
        return ast.Subscript(self.table("named", room), key)

    def pattern(self, text: str, room: Room) -> list[ast.expr]:
        """Return the values of all steps that a pattern fits."""
        found = room.scope.find(text)
        if any(text in [each for each, _ in self.wanted.lists.get(one.step, ())] for one in found):
            return [ast.Starred(self.table(f"{identifier(text.replace('*', ''))}s", room, True))]
        return [name(self.variable(each, room)) for each in found]

    def variable(self, written: WrittenName, room: Room) -> str:
        """Return the variable of a step that is referred to."""
        key = self.wanted.scopes[written.step], written.text
        if key not in self.variables:
            text = PLACEHOLDER.sub("", written.text).strip("_-") or "value"
            text = text if text[0].isalpha() else f"step_{text}"
            around = key[0].text if key[0] is not None else ""
            if identifier(text) in self.names.taken and around:
                text = f"{PLACEHOLDER.sub('', around).strip('_-')}_{text}"
            self.variables[key] = self.names.new(text)
        return self.variables[key]

    def table(self, title: str, room: Room, is_list: bool = False) -> ast.expr:
        """Return the variable of values that are kept by their names, or in a list."""
        key = f"{title} list" if is_list else title
        if key not in self.tables:
            variable = self.names.new(title)
            empty = ast.List([]) if is_list else ast.Dict([], [])
            self.tables[key] = [Assign(name(variable), empty)]
            room.heads[0][0].insert(0, self.tables[key][0])
        made = self.tables[key][0]
        assert isinstance(made, Assign)
        return made.target

    def bind(self, step: Step, value: Cur, room: Room, start: int) -> Cur:
        """Keep the value of a step that is referred to, and return it.

        start: how many statements stood before the step.
        """
        if value is None:
            return None
        scope = self.wanted.scopes.get(step)
        scope = scope if scope is not None else room.scope
        for written in [each for each in scope.names if each.step in (step, *_same(step, room))]:
            for text, _ in self.wanted.lists.get(written.step, ()):
                title = f"{identifier(text.replace('*', ''))}s"
                listed = self.table(title, room, True)
                room.body.append(Do(call(ast.Attribute(listed, "append"), [value])))
            use = self.wanted.uses.get(written.step)
            if use == "variable":
                value = self.keep(name(self.variable(written, room)), value, room, start)
            elif use == "table":
                label = self.name_of(step, written, room)
                key = join((*self.paths[scope], *label))
                room.body.append(Assign(ast.Subscript(self.table("named", room), key), value))
        return value

    def name_of(self, step: Step, written: WrittenName, room: Room) -> Pieces:
        if isinstance(step, Branch):
            return self.fill(written.text, room)
        return self.explicit(step, room) if step.name is not None else (written.text,)

    def keep(self, variable: ast.Name, value: ast.expr, room: Room, start: int) -> ast.expr:
        """Put a value into a variable of its own: where it is made, if that is right before."""
        last = room.body[-1] if len(room.body) > start else None
        if (
            isinstance(last, Assign)
            and isinstance(last.target, ast.Name)
            and _is_same(last.target, value)
            and last.target.id == room.flow
        ):
            last.target = variable
        elif not _is_same(variable, value):
            room.body.append(Assign(variable, value))
        return variable

    def settle(self, cur: ast.expr, room: Room) -> None:
        """Put a value into the variable that takes the output of each step."""
        if not _is_same(cur, name(room.flow)):
            _settle(room.body, cur, name(room.flow))

    # --- axes ------------------------------------------------------------------------------------

    def find_axis(self, cur: Cur, room: Room) -> FindAxis:
        """Return the function that gives formulas the axes of a step."""
        return partial(self.axis, cur, room)

    def axis(self, cur: Cur, room: Room, step: str, attr: str) -> ast.expr:
        shape = ast.Attribute(self.reference(step, cur, room), "shape")
        if attr == "shape":
            return shape
        if attr == "channels":
            return ast.Subscript(shape, constant(1) if self.is_channels_first() else _last())
        return ast.Subscript(shape, constant(self.position(attr)))

    def is_channels_first(self) -> bool:
        return any(is_channels_first(each.context) for each in self.trace.visits[:1])

    def position(self, attr: str) -> int:
        """Return where an axis is in a shape with the batch, as networks on volumes have it, or all
        others."""
        if self.is_channels_first():
            raise Unwritable("channels are the first axis")
        is_volume = any(len(self.graph.shape(each)) == 5 for each in self.graph.inputs)
        names = SPATIAL[4] if is_volume else SPATIAL[2] if attr == "length" else SPATIAL[3]
        if attr not in names:
            raise Unwritable(f"a step has no {attr}")
        return names.index(attr) + 1


def _parts(text: ast.JoinedStr) -> Pieces:
    """Return the texts and formulas of an f-string."""
    return tuple(
        each.value if isinstance(each, ast.FormattedValue) else each for each in text.values
    )


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


def _last() -> ast.expr:
    return ast.UnaryOp(ast.USub(), constant(1))


def _same(step: Step, room: Room) -> list[Step]:
    """Return the written steps of which a step is the alternative under `else`."""
    return [each.step for each in room.scope.names if each.step.span == step.span]


def _is_same(one: Cur, other: Cur) -> bool:
    return same(one, other)


def _settle(body: Body, value: ast.expr, flow: ast.Name) -> None:
    """Put a value into a variable at the end of a body."""
    body.append(Assign(flow, value))


def _by_slots(taken: Taken) -> tuple[tuple[str, ...], list[ast.expr]]:
    if isinstance(taken, dict):
        return tuple(taken), list(taken.values())
    if isinstance(taken, list):
        return (), taken
    if taken is None:
        raise Unwritable("a step takes no value")
    return (), [taken]
