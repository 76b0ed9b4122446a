"""Write blocks as functions, each when it is first called."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct, field

from archspec.expand.references import is_channels_first
from archspec.graph import Graph
from archspec.layers import LAYERS
from archspec.loading.files import Block, Home, Spec
from archspec.source.arguments import Decisions
from archspec.source.constants import Constants, write_new_object, write_value
from archspec.source.flat import FreshNames, identifier
from archspec.source.formulas import translate
from archspec.source.replay import BUILTINS, FROM_MATH
from archspec.source.rooms import DefaultArguments, Layered, Room
from archspec.source.scopes import Wanted, find_wanted
from archspec.source.statements import (
    Assign,
    Body,
    Function,
    IfElse,
    Return,
    call,
    constant,
    name,
    names_read,
)
from archspec.source.steps import StepWriter
from archspec.source.trace import Trace
from archspec.source.values import Unwritable
from archspec.source.wiring import Cur, Surroundings
from archspec.syntax import steps as spec_steps
from archspec.syntax.formulas import is_formula, words_in
from archspec.syntax.source import Value, iter_texts
from archspec.syntax.steps import BlockCall, LayerCall, Step

RESERVED = frozenset({"keras", "layers", "x", "name", "make_divisible", *BUILTINS, *FROM_MATH})


class Lessons(Struct, eq=False):
    """Facts learnt from texts that were tried.

    flat: the steps of the model's function that are written flat, with the reason. kept: steps
    whose value is taken by what is written flat.
    """

    decisions: Decisions = field(default_factory=Decisions)
    flat: dict[Step, str] = field(default_factory=dict)
    kept: set[Step] = field(default_factory=set)


class Made(Struct, eq=False):
    """A function that a block became. renamed: its parameters, by the names of the params."""

    function: Function
    renamed: dict[str, str]
    is_done: bool = False


class Functions:
    """The functions of a text, and its constants.

    title: the name of the model's function. titles: those of the blocks'. order: the functions in
    the order in which they are finished.
    """

    def __init__(self, spec: Spec, graph: Graph, trace: Trace, lessons: Lessons) -> None:
        self.spec = spec
        self.graph = graph
        self.trace = trace
        self.lessons = lessons
        self.titles: dict[Block, str] = {}
        self.names = FreshNames(RESERVED)
        self.title = self.names.new(identifier(graph.name))
        for block in trace.blocks:
            self.titles[block] = self._name_block(block)
        self.constants = Constants(trace.out, self.names)
        self.functions: dict[tuple[Block, bool], Made | Unwritable] = {}
        self.order: list[Function] = []

    def _name_block(self, block: Block) -> str:
        text = identifier(block.name)
        if text in self.names.taken:
            stem = block.span.source.name.rpartition("/")[2].partition(".")[0]
            text = identifier(f"{stem}_{block.name}")
        return self.names.new(text)

    def names_for(self, body: spec_steps.Body | None, home: Home) -> FreshNames:
        """Return names for the variables of a body, which are those of no function it calls."""
        called = {step.label for step in body.walk()} if body is not None else set()
        titles = {
            title
            for block, title in self.titles.items()
            if block.name in called and home.blocks.get(block.name) is block
        }
        return FreshNames({*RESERVED, *titles, *self.constants.taken})

    def surround(
        self, wanted: Wanted, inputs: Mapping[str, ast.expr], names: FreshNames, home: Home
    ) -> Surroundings:
        """Return what a body is written in. home: the file whose blocks it calls."""

        def call_block(
            step: BlockCall,
            given: list[ast.expr],
            title: ast.expr | None,
            params: Mapping[str, ast.expr],
            again: bool,
        ) -> ast.expr:
            block = home.blocks[step.label]
            return self.call_block(step, block, given, title, params, again)

        return Surroundings(
            self.trace, self.graph, wanted, inputs, names, self.lessons.decisions, call_block
        )

    def call_block(
        self,
        step: BlockCall,
        block: Block,
        inputs: list[ast.expr],
        title: ast.expr | None,
        given: Mapping[str, ast.expr],
        again: bool,
    ) -> ast.expr:
        """Return the call of a block's function; its input, where the block does nothing.

        again: whether the block is called again, so that the function gives its layers.
        """
        if block.body is None or not block.body.steps:
            if len(inputs) == 1:
                return inputs[0]
            raise Unwritable("a block of several inputs does nothing")
        made = self.function_of(block, again)
        positional = [] if again else [*inputs]
        named = {made.renamed[key]: each for key, each in given.items() if key in made.renamed}
        own = step.arguments
        needed = made.function.required[len(positional) :]
        lone = own is not None and own.first is not None
        if needed == [*named] and all(_is_name(each, key) for key, each in named.items()):
            positional += [named.pop(each) for each in needed]
        elif needed and needed[0] in named:
            positional.append(named.pop(needed[0]))
        elif lone and not needed and [*named] == [*made.function.optional][:1]:
            positional += [named.pop(each) for each in [*named]]
        if not made.is_done or made.function.keyword:
            assert title is not None
            named["name"] = title
        return call(name(made.function.name), positional, named)

    def function_of(self, block: Block, again: bool) -> Made:
        """Return the function of a block, or the one that gives its layers. Raises `Unwritable`."""
        if block not in self.titles:
            raise Unwritable(f"the block {block.name} is never called")
        if (block, again) not in self.functions:
            try:
                BlockFunction(self, block, again).write()
            except Unwritable as reason:
                self.functions[block, again] = reason
        found = self.functions[block, again]
        if isinstance(found, Unwritable):
            raise Unwritable(*found.args)
        return found

    def defaults_of(self, home: Home) -> tuple[DefaultArguments, ...]:
        """Return the arguments that layers start from in a file."""
        if home.defaults is None:
            return ()
        return (DefaultArguments(home.defaults, self.constants.env(home)),)


class BlockFunction:
    """The function of a block.

    again: whether it gives a list of the block's layers, which are called one after another, again
    and again. head: what stands at its beginning.
    """

    def __init__(self, writer: Functions, block: Block, again: bool) -> None:
        self.writer = writer
        self.block = block
        self.again = again
        value = block.value
        values = [each for each in (value.get("defaults"), value.get("params")) if each]
        self.wanted = find_wanted(block.body, writer.trace, (), values)
        self.names = writer.names_for(block.body, block.home)
        title = writer.titles[block]
        self.function = Function(writer.names.new(f"{title}_layers") if again else title)
        self.head: Body = []

    def write(self) -> None:
        writer, block, function = self.writer, self.block, self.function
        declared = block.value.get("inputs")
        names = [str(each.data) for each in declared.data] if declared else ["input"]
        names = [] if self.again else names
        flow = "x" if "x" not in names else self.names.new("out")
        inputs: dict[str, ast.expr] = {}
        for each in names:
            text = each
            if declared is None:
                text = "inputs" if self.wanted.uses_input else "x"
            variable = "x" if text == "x" else self.names.new(text)
            function.required.append(variable)
            inputs[each] = name(variable)
        env: dict[str, ast.expr] = {}
        params = {each: value for each, _, value in block.value.entries_of("params")}
        renamed = {each: self.names.new(each) for each in params}
        env |= {each: name(renamed[each]) for each in params}
        if len(inputs) == 1:
            env["channels"] = name(self.names.new("channels"))
        made = Made(function, dict(renamed))
        writer.functions[block, self.again] = made
        file_env = writer.constants.env(block.home)
        whole = Layered(env, file_env)
        steps = StepWriter(writer.surround(self.wanted, inputs, self.names, block.home))
        body: Body = []
        defaults = writer.defaults_of(block.home)
        own = block.value.get("defaults")
        if own is not None:
            defaults = (*defaults, DefaultArguments(own, whole))
        room = Room(
            self.wanted.root,
            block.home,
            whole,
            defaults,
            flow,
            body,
            ((self.head, frozenset()),),
            prefix=(name("name"), "-"),
        )
        first: Cur = next(iter(inputs.values())) if len(inputs) == 1 else None
        self._declare(params, renamed, env, file_env, steps, room)
        if self.again:
            body.append(Return(ast.List(self._list_layers(steps, room))))
        else:
            end = steps.body(block.body, first, room)
            if end is None:
                raise Unwritable(f"the block {block.name} gives no value")
            finish(body, end)
        self._finish(body, env, inputs)
        used = names_read(function.body)
        for param, variable in renamed.items():
            if variable not in used:  # what it was for is never there
                del made.renamed[param]
                function.required = [each for each in function.required if each != variable]
                function.optional.pop(variable, None)
        made.is_done = True
        writer.order.append(function)

    def _list_layers(self, steps: StepWriter, room: Room) -> list[ast.expr]:
        """Return the layers of a block that follow each other. Raises `Unwritable` for another."""
        found = []
        for step in self.block.body.steps if self.block.body is not None else ():
            beside = (step.sources, step.loop, step.condition, step.call)
            is_plain = isinstance(step, LayerCall) and all(each is None for each in beside)
            if not is_plain or LAYERS[step.label].takes != "one" or room.body:
                raise Unwritable("a block is called again that is more than layers in a row")
            assert isinstance(step, LayerCall)
            found.append(steps.layer(step, None, room))
        return found

    def _declare(
        self,
        params: Mapping[str, Value],
        renamed: Mapping[str, str],
        env: dict[str, ast.expr],
        file_env: Mapping[str, ast.expr],
        steps: StepWriter,
        room: Room,
    ) -> None:
        """Write the parameters of the function, and at its beginning what a default needs."""
        function = self.function
        visits = self.writer.trace.blocks[self.block]
        first = next(iter(params), "")
        given = {
            key
            for each in visits
            if isinstance(each.step, BlockCall) and each.step.arguments is not None
            for key in each.step.arguments.by_name(first)
        }
        for param, value in params.items():
            variable = renamed[param]
            if value.data is None:
                function.required.append(variable)
                continue
            if param not in given and isinstance(value.data, dict):
                env[param] = write_new_object(value, file_env)
                continue
            words = {word for text in iter_texts(value) for word in words_in(text)}
            own = words & env.keys() and value.data != "=="
            axes = steps.find_axis(next(iter(steps.inputs.values()), None), room)
            made: ast.expr | None = None
            if not own:
                with suppress(Unwritable):
                    made = write_value(value, file_env, param)
                if isinstance(made, ast.List) and all(
                    isinstance(each, ast.Constant) for each in made.elts
                ):
                    made = ast.Tuple(made.elts)
                if isinstance(made, ast.Constant | ast.Name | ast.Tuple | ast.UnaryOp):
                    function.optional[variable] = made
                    continue
            if is_formula(value.data) and value.data != "==":
                made = translate(value.data[1:], room.env, axes)
            if made is None:
                raise Unwritable(f"the default of {param} is no value of Python")
            if param not in given:
                self.head.append(Assign(name(variable), made))
                continue
            function.optional[variable] = constant(None)
            missing = ast.Compare(name(variable), [ast.Is()], [constant(None)])
            self.head.append(IfElse(missing, [Assign(name(variable), made)], []))

    def _finish(
        self, body: Body, env: Mapping[str, ast.expr], inputs: Mapping[str, ast.expr]
    ) -> None:
        function = self.function
        used = names_read([*self.head, *body])
        channels = env.get("channels")
        if isinstance(channels, ast.Name) and channels.id in used:
            (value,) = inputs.values()
            first = any(
                is_channels_first(each.context)
                for each in self.writer.trace.visits
                if each.context.calls[-1:] == (self.block,)
            )
            axis: ast.expr = constant(1) if first else ast.UnaryOp(ast.USub(), constant(1))
            shape = ast.Attribute(value, "shape")
            self.head.insert(0, Assign(channels, ast.Subscript(shape, axis)))
        head = used_assigns(self.head, body)
        function.body = [*head, *body]
        if "name" in names_read(function.body):
            function.keyword = ["name"]


def _is_name(value: ast.expr, text: str) -> bool:
    return isinstance(value, ast.Name) and value.id == text


def finish(body: Body, end: ast.expr) -> None:
    """End a function with the value that it returns."""
    last = body[-1] if body else None
    if (
        isinstance(last, Assign)
        and isinstance(last.target, ast.Name)
        and isinstance(end, ast.Name)
        and last.target.id == end.id
    ):
        body[-1] = Return(last.value)
    else:
        body.append(Return(end))


def used_assigns(head: Body, body: Body) -> Body:
    """Return the statements of a head without variables that nothing reads."""
    left = list(head)
    while True:
        used = names_read([*left, *body])
        kept = [
            each
            for each in left
            if not isinstance(each, Assign)
            or not isinstance(each.target, ast.Name)
            or each.target.id in used
        ]
        if len(kept) == len(left):
            return kept
        left = kept
