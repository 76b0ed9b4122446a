"""Write the steps of a body, one after another, as the statements that a person would write.

`StepWriter` has a method for each kind of step; those of the classes that it is made of are in
files of their own. `cur` is always the value that the next step takes; None where there is none.

    wiring     variables, and what steps take      flow       loops and conditions
    naming     the names of layers and calls       branching  branches and groups
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from archspec.expand.scopes import snake_case
from archspec.layers import LAYERS
from archspec.source.arguments import (
    nodes_of,
    write_arguments,
    write_call_params,
)
from archspec.source.branching import Branching
from archspec.source.flat import identifier
from archspec.source.rooms import Room, join
from archspec.source.statements import (
    Assign,
    Body,
    Loop,
    call,
    constant,
    name,
)
from archspec.source.values import Unwritable, call_layer, forgets_freezing, make_layer
from archspec.source.wiring import Cur, Surroundings, Taken, by_slots, is_same
from archspec.syntax import steps as spec_steps
from archspec.syntax.formulas import PLACEHOLDER, is_formula
from archspec.syntax.source import to_plain
from archspec.syntax.steps import (
    BlockCall,
    Branches,
    Group,
    LayerCall,
    Reuse,
    Sources,
    Step,
)


class StepWriter(Branching):
    """Writes the steps of one body."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.owners: dict[Step, Step] = {}  # what a `reuse` calls in the end

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

    def apply(self, step: Step, taken: Taken, cur: Cur, room: Room) -> ast.expr:
        """Write the call of a layer or a block on what it takes, and return its value."""
        flow = name(room.flow)
        match step:
            case LayerCall():
                made = self.layer(step, cur, room)
                slots, inputs = by_slots(taken)
                value = call_layer(made, step.label, inputs, slots, self.constants(step))
                nodes = nodes_of(self.trace, self.graph, step)
                freezes = any(forgets_freezing(each) for each in nodes)
                room.body.append(Assign(flow, value))
                if freezes:
                    room.body.append(Assign(ast.Attribute(made, "trainable"), constant(False)))
                return flow
            case BlockCall():
                slots, inputs = by_slots(taken)
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
                again = step in self.wanted.again
                value = self.call_block(step, inputs, title, given, again)
                if again:
                    if room.counters:
                        raise Unwritable("a block of a loop is called again")
                    text = str(step.name.data) if step.name is not None else block.name
                    variable = name(self.names.new(f"{identifier(text)}_layers"))
                    room.body.append(Assign(variable, value))
                    self.layers[step] = variable
                    return self.call_in_a_row(step, variable, inputs[0], room)
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
        owner = self.owners.get(owners[0], owners[0])
        self.layers[step], self.owners[step] = self.layers[owner], owner
        slots, inputs = by_slots(taken)
        if isinstance(owner, BlockCall):
            return self.call_in_a_row(step, self.layers[owner], inputs[0], room)
        value = call_layer(self.layers[owner], owner.label, inputs, slots, self.constants(step))
        room.body.append(Assign(name(room.flow), value))
        return name(room.flow)

    def call_in_a_row(self, step: Step, layers: ast.expr, value: ast.expr, room: Room) -> ast.expr:
        """Write the calls of a list of layers, one after another, and return the value."""
        target = name(room.flow)
        for written in room.scope.names:
            if written.step is step and self.wanted.uses.get(step) == "variable":
                target = name(self.variable(written, room))
        if not is_same(target, value):
            room.body.append(Assign(target, value))
        layer = name("layer" if "layer" not in self.names.taken else "each_layer")
        room.body.append(Loop(layer, layers, [Assign(target, call(layer, [target]))]))
        return target
