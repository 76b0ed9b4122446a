"""Find the variables of the values that steps take, and keep those that are taken later."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from archspec.expand.references import is_channels_first
from archspec.graph import Graph
from archspec.source.arguments import (
    Decisions,
)
from archspec.source.flat import FreshNames, identifier
from archspec.source.formulas import FindAxis, translate
from archspec.source.rooms import Pieces, Room, join
from archspec.source.scopes import Wanted, WrittenName, WrittenScope
from archspec.source.statements import (
    Assign,
    Body,
    Do,
    call,
    constant,
    name,
    same,
)
from archspec.source.trace import Trace
from archspec.source.values import Unwritable
from archspec.syntax.formulas import PLACEHOLDER, SPATIAL
from archspec.syntax.steps import (
    BlockCall,
    Branch,
    Repeat,
    Sources,
    Step,
)

Cur = ast.expr | None
Taken = ast.expr | list[ast.expr] | dict[str, ast.expr] | None


# (step, inputs, name, params, whether it is called again) -> the call
WriteCall = Callable[
    [BlockCall, list[ast.expr], ast.expr | None, Mapping[str, ast.expr], bool], ast.expr
]


class Surroundings(Struct, frozen=True, eq=False):
    """The surroundings of a body that is written: the network, and what the text around it defines.

    inputs: the variables of the inputs by their names. call_block: returns the call of a block's
    function, or the value itself where the block does nothing.
    """

    trace: Trace
    graph: Graph
    wanted: Wanted
    inputs: Mapping[str, ast.expr]
    names: FreshNames
    decisions: Decisions
    call_block: WriteCall


class ValueWiring:
    """The values and the names in one body: of a block, or of the model."""

    def __init__(self, around: Surroundings) -> None:
        self.trace = around.trace
        self.graph = around.graph
        self.wanted = wanted = around.wanted
        self.inputs = around.inputs
        self.names = around.names
        self.decisions = around.decisions
        self.call_block = around.call_block
        self.variables: dict[tuple[WrittenScope | None, str], str] = {}
        self.tables: dict[str, Body] = {}
        self.paths: dict[WrittenScope, Pieces] = {wanted.root: ()}
        self.layers: dict[Step, ast.expr] = {}
        self.branch_flows: dict[str, list[str]] = {}
        self.active_flows: list[str] = []
        self.tests: dict[WrittenScope, list[tuple[str, ast.expr]]] = {}
        self.suffixes: dict[str, tuple[Body, str]] = {}
        self.loop_names: dict[str, list[str]] = {}

    def fill(self, text: str, room: Room) -> Pieces:
        """Return a text with formulas in its `{...}`."""
        found: list[str | ast.expr] = []
        last = 0
        for match in PLACEHOLDER.finditer(text):
            found.append(text[last : match.start()])
            found.append(translate(match[1].strip(), room.env, self.find_axis(None, room)))
            last = match.end()
        return tuple(each for each in (*found, text[last:]) if each != "")

    def explicit(self, step: Step, room: Room) -> Pieces:
        """Return the written name of a step."""
        assert step.name is not None
        pieces = self.fill(str(step.name.data), room)
        if isinstance(step.loop, Repeat):
            pieces = (*pieces, room.counters[-1].index)
        return pieces

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

    # --- what is kept ----------------------------------------------------------------------------

    def bind(self, step: Step, value: Cur, room: Room, start: int) -> Cur:
        """Keep the value of a step that is referred to, and return it.

        start: how many statements stood before the step.
        """
        if value is None:
            return None
        scope = self.wanted.scopes.get(step)
        scope = scope if scope is not None else room.scope
        for written in [each for each in scope.names if each.step in find_written(step, scope)]:
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
            and is_same(last.target, value)
            and last.target.id == room.flow
        ):
            last.target = variable
        elif not is_same(variable, value):
            room.body.append(Assign(variable, value))
        return variable

    def settle(self, cur: ast.expr, room: Room) -> None:
        """Put a value into the variable that takes the output of each step."""
        if not is_same(cur, name(room.flow)):
            settle(room.body, cur, name(room.flow))

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


def _last() -> ast.expr:
    return ast.UnaryOp(ast.USub(), constant(1))


def find_written(step: Step, scope: WrittenScope) -> list[Step]:
    """Return a step as it is written, of which it may be the alternative under `else`."""
    return [each.step for each in scope.names if each.step.span == step.span]


def is_same(one: Cur, other: Cur) -> bool:
    return same(one, other)


def settle(body: Body, value: ast.expr, flow: ast.Name) -> None:
    """Put a value into a variable at the end of a body."""
    body.append(Assign(flow, value))


def by_slots(taken: Taken) -> tuple[tuple[str, ...], list[ast.expr]]:
    if isinstance(taken, dict):
        return tuple(taken), list(taken.values())
    if isinstance(taken, list):
        return (), taken
    if taken is None:
        raise Unwritable("a step takes no value")
    return (), [taken]
