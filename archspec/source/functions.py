"""Write a block as a function, and the model as one that calls them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from msgspec import Struct, field

from archspec.expand.drafts import Draft
from archspec.expand.references import is_channels_first
from archspec.graph import Graph, Node
from archspec.loading.files import Block, Home, Spec
from archspec.source.arguments import Decisions
from archspec.source.constants import Constants, write_new_object, write_value
from archspec.source.file import SourceFile
from archspec.source.flat import FreshNames, identifier, input_statement, model_call, write_nodes
from archspec.source.formulas import translate
from archspec.source.replay import BUILTINS, FROM_MATH
from archspec.source.rooms import DefaultArguments, Layered, Room
from archspec.source.scopes import Wanted, find_wanted
from archspec.source.statements import (
    Assign,
    Body,
    Function,
    IfElse,
    Remark,
    Return,
    Statement,
    call,
    constant,
    expressions,
    name,
    names_read,
    walk,
)
from archspec.source.steps import Cur, Steps
from archspec.source.trace import Trace, Visit
from archspec.source.values import Unwritable
from archspec.syntax import steps as spec_steps
from archspec.syntax.formulas import is_formula, words_in
from archspec.syntax.source import Value, iter_texts
from archspec.syntax.steps import BlockCall, Reuse, Step

RESERVED = frozenset({"keras", "layers", "x", "name", "make_divisible", *BUILTINS, *FROM_MATH})


class Restart(Exception):
    """Raised where the text must be begun again, since something was learnt."""


class Learnt(Struct, eq=False):
    """What is known from texts that were tried.

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


class TextWriter:
    """Writes the text of a spec.

    marks: the steps that statements of the model's function are of, by the statement.
    """

    def __init__(self, spec: Spec, graph: Graph, trace: Trace, learnt: Learnt) -> None:
        self.spec = spec
        self.graph = graph
        self.trace = trace
        self.learnt = learnt
        self.titles: dict[Block, str] = {}
        self.names = FreshNames(RESERVED)
        self.title = self.names.new(identifier(graph.name))
        for block in trace.blocks:
            self.titles[block] = self._name_block(block)
        self.constants = Constants(trace.out, self.names)
        self.functions: dict[Block, Made | Unwritable] = {}
        self.order: list[Function] = []
        self.marks: list[tuple[Statement, Step]] = []

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
        return FreshNames({*RESERVED, *titles})

    def write(self) -> SourceFile:
        """Return the file. Raises `Unwritable` and `Restart`."""
        main = _Main(self).write()
        functions = [*self.order, main]
        used = {name for each in functions for name in _names_in(each)}
        functions = [each for each in functions if each is main or each.name in used]
        constants = _used_constants(self.constants.list_statements(), functions)
        return SourceFile(main, constants=constants, functions=functions[:-1])

    def call_block(
        self,
        step: BlockCall,
        block: Block,
        inputs: list[ast.expr],
        title: ast.expr | None,
        given: Mapping[str, ast.expr],
    ) -> ast.expr:
        """Return the call of a block's function; its input, where the block does nothing."""
        if block.body is None or not block.body.steps:
            if len(inputs) == 1:
                return inputs[0]
            raise Unwritable("a block of several inputs does nothing")
        made = self.function_of(block)
        positional = [*inputs]
        named = {made.renamed[key]: each for key, each in given.items() if key in made.renamed}
        own = step.arguments
        needed = made.function.required[len(inputs) :]
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
        return call(name(self.titles[block]), positional, named)

    def function_of(self, block: Block) -> Made:
        """Return the function of a block. Raises `Unwritable`."""
        if block not in self.titles:
            raise Unwritable(f"the block {block.name} is never called")
        if block not in self.functions:
            try:
                _BlockFunction(self, block).write()
            except Unwritable as reason:
                self.functions[block] = reason
        found = self.functions[block]
        if isinstance(found, Unwritable):
            raise Unwritable(*found.args)
        return found

    def defaults_of(self, home: Home) -> tuple[DefaultArguments, ...]:
        """Return the arguments that layers start from in a file."""
        if home.defaults is None:
            return ()
        return (DefaultArguments(home.defaults, self.constants.env(home)),)


class _BlockFunction:
    def __init__(self, writer: TextWriter, block: Block) -> None:
        self.writer = writer
        self.block = block
        value = block.value
        values = [each for each in (value.get("defaults"), value.get("params")) if each]
        self.wanted = find_wanted(block.body, writer.trace, (), values)
        self.names = writer.names_for(block.body, block.home)
        self.function = Function(writer.titles[block])
        self.head: Body = []

    def write(self) -> None:
        writer, block, function = self.writer, self.block, self.function
        declared = block.value.get("inputs")
        names = [str(each.data) for each in declared.data] if declared else ["input"]
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
        writer.functions[block] = made
        file_env = writer.constants.env(block.home)
        whole = Layered(env, file_env)
        steps = Steps(
            writer.trace,
            writer.graph,
            self.wanted,
            inputs,
            self.names,
            writer.learnt.decisions,
            lambda step, given, title, named: writer.call_block(
                step, block.home.blocks[step.label], given, title, named
            ),
        )
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

    def _declare(
        self,
        params: Mapping[str, Value],
        renamed: Mapping[str, str],
        env: dict[str, ast.expr],
        file_env: Mapping[str, ast.expr],
        steps: Steps,
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
        head = _used_assigns(self.head, body)
        function.body = [*head, *body]
        if "name" in names_read(function.body):
            function.keyword = ["name"]


class _Main:
    """Writes the function of the model. What is unwritable is written flat, node by node."""

    def __init__(self, writer: TextWriter) -> None:
        self.writer = writer
        self.spec = writer.spec
        self.graph = writer.graph
        self.trace = writer.trace
        root = self.spec.root
        outputs = root.get("outputs")
        self.outputs = None if outputs is None else [str(each.data) for each in outputs.data]
        self.wanted: Wanted = find_wanted(self.spec.body, writer.trace, self.outputs or ())
        for step in writer.learnt.kept:
            self.wanted.keep(step)
        self.names = writer.names_for(self.spec.body, self.spec.home)
        self.function = Function(writer.title)
        self.known: dict[str, ast.expr] = {}
        self.asking: Step | None = None
        self.layers: dict[str, ast.expr] = {}

    def write(self) -> Function:
        writer, spec, graph = self.writer, self.spec, self.graph
        inputs = self._write_inputs()
        head: Body = []
        body: Body = []
        steps = _MainSteps(
            self,
            writer.trace,
            graph,
            self.wanted,
            inputs,
            self.names,
            writer.learnt.decisions,
            lambda step, given, title, named: writer.call_block(
                step, spec.home.blocks[step.label], given, title, named
            ),
        )
        room = Room(
            self.wanted.root,
            spec.home,
            writer.constants.env(spec.home),
            writer.defaults_of(spec.home),
            "x",
            body,
            ((head, frozenset()),),
            once=True,
        )
        first: Cur = next(iter(inputs.values())) if len(inputs) == 1 else None
        end = steps.body(spec.body, first, room)
        if self.outputs is None:
            if end is None:
                raise Unwritable("the model has no last value")
            ends = [end]
        else:
            ends = [
                self._output(each, place, steps, room) for place, each in enumerate(self.outputs)
            ]
        made = model_call([*inputs.values()], ends, keras_name(graph))
        body.append(Return(made))
        self.function.body += [*_used_assigns(head, body), *body]
        return self.function

    def _output(self, text: str, place: int, steps: Steps, room: Room) -> ast.expr:
        node = self.graph.outputs[place]
        if node in self.known and self._is_flat(node):
            return self.known[node]
        try:
            return steps.reference(text, None, room)
        except Unwritable as reason:
            self._flatten(node, str(reason))

    def _is_flat(self, node: str) -> bool:
        return any(node in self.trace.nodes_of(step) for step in self.writer.learnt.flat)

    def _write_inputs(self) -> dict[str, ast.expr]:
        root, env = self.spec.root, self.writer.constants.env(self.spec.home)
        inputs: dict[str, ast.expr] = {}
        for each in self.graph.inputs:
            variable = self.names.new("inputs" if self.graph.inputs == ("input",) else each)
            made = input_statement(self.graph[each], variable)
            several = root.get("inputs")
            written = root.get("input") if several is None else several.get(each)
            if written is not None and isinstance(written.data, dict):
                written = written.get("shape")
            assert isinstance(made.value, ast.Call)
            if written is not None:
                with suppress(Unwritable):  # the evaluated shape is there already
                    value = write_value(written, env)
                    if isinstance(value, ast.List):
                        made.value.args[0] = ast.Tuple(value.elts)
            self.function.body.append(made)
            inputs[each] = self.known[each] = name(variable)
        return inputs

    def write_flat(self, step: Step, reason: str, cur: Cur, room: Room) -> Cur:
        """Write the nodes of a step one after another, and return its value."""
        nodes = self.trace.nodes_of(step)
        made = [self.graph[each] for each in nodes]
        inside = set(nodes)
        known = dict(self.known)
        visits = self.trace.of(step)
        for text, before in _list_taken(visits[0]) if visits else ():
            if text == "previous" and cur is not None:
                known[before] = self._spare(before, cur, made, room)
        for node in made:
            for each in node.inputs:
                if each not in known and each not in inside:
                    self._keep(each)
            if node.reuses is not None and node.reuses not in self.layers | dict.fromkeys(inside):
                self._flatten(node.reuses, "its layers are called again")
        value = visits[-1].value if visits else None
        last = value.name if isinstance(value, Draft) else None
        if not made:
            if last is not None and last not in known:
                self._keep(last)
            return None if last is None else known[last]
        room.body.append(Remark(f"Written out layer by layer: {reason}."))
        kept = {
            each
            for node in self.graph
            if node.name not in inside
            for each in node.inputs
            if each in inside
        } | set(self.graph.outputs)
        if last is not None:
            kept.add(last)
        room.body.extend(
            write_nodes(made, self.graph, known, kept, self.names, room.flow, self.layers)
        )
        self.known |= {each: known[each] for each in inside & kept}
        return known[last] if last is not None else None

    def _spare(self, node: str, cur: ast.expr, made: Sequence[Node], room: Room) -> ast.expr:
        """Return the variable of a node that flat statements take; another one if these overwrite
        it before they take it for the last time."""
        takers = [place for place, each in enumerate(made) if node in each.inputs]
        if not isinstance(cur, ast.Name) or cur.id != room.flow or takers in ([], [0]):
            return cur
        variable = name(self.names.new(node))
        room.body.append(Assign(variable, cur))
        return variable

    def _keep(self, node: str) -> None:
        """Begin again with a variable for a node that stands before what is written flat."""
        for visit in self.trace.visits:
            value = visit.value
            if isinstance(value, Draft) and value.name == node and self._is_once(visit.way):
                if visit.step in self.writer.learnt.kept:
                    break
                self.writer.learnt.kept.add(visit.way[-1][0])
                raise Restart
        self._flatten(node, "a later step takes a value from within it")

    def _is_once(self, way: Sequence[tuple[Step, int]]) -> bool:
        return all(step.loop is None for step, _ in way) and not any(
            isinstance(step, BlockCall | Reuse) for step, _ in way[:-1]
        )

    def _flatten(self, node: str, reason: str) -> NoReturn:
        """Begin again with the step flat that makes a node."""
        for visit in self.trace.visits:
            start, stop = visit.drafts
            if any(each.name == node for each in self.trace.out.drafts[start:stop]):
                step = visit.way[-1][0]
                if len(visit.way) == 1 and step not in self.writer.learnt.flat:
                    self.writer.learnt.flat[step] = reason
                    raise Restart
        raise Unwritable(reason)


def keras_name(graph: Graph) -> str:
    """Return the name of a graph's model, which holds letters, digits, `_` and `-` alone."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in graph.name)


class _MainSteps(Steps):
    def __init__(self, main: _Main, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.main = main

    def step(self, step: Step, cur: Cur, room: Room) -> Cur:
        if not room.once:
            return super().step(step, cur, room)
        flat = self.main.writer.learnt.flat
        if step not in flat:
            length = len(room.body)
            self.main.asking = step
            try:
                value = super().step(step, cur, room)
            except Unwritable as reason:
                del room.body[length:]
                if not self.trace.of(step):
                    raise
                flat[step] = str(reason)
                raise Restart from None
        else:
            length = len(room.body)
            value = self.main.write_flat(step, flat[step], cur, room)
        self.main.writer.marks += [(each, step) for each in room.body[length:]]
        self._note(step, value)
        return value

    def _note(self, step: Step, value: Cur) -> None:
        """Note which node a variable holds that nothing else is put into."""
        visits = self.trace.of(step)
        made = visits[-1].value if visits else None
        stable = isinstance(value, ast.Name) and value.id in self.variables.values()
        if isinstance(made, Draft) and value is not None and stable:
            self.main.known[made.name] = value

    def reference(self, text: str, cur: Cur, room: Room) -> ast.expr:
        """Return the value that a name stands for, of a node that is written flat, too."""
        found = room.scope.find(text) if text not in ("previous", "input") else []
        flat = {
            each
            for step in self.main.writer.learnt.flat
            for each in spec_steps.Body((step,)).walk()
        }
        if not any(each.step in flat for each in found):
            return super().reference(text, cur, room)
        node = self._find_taken(text)
        if node is None or node not in self.main.known:
            raise Unwritable(f"'{text}' is within what is written out")
        return self.main.known[node]

    def _find_taken(self, text: str) -> str | None:
        """Return the node that the step which is being written takes by a name."""
        visits = self.trace.of(self.main.asking) if self.main.asking is not None else ()
        found = dict(_list_taken(visits[0])) if len(visits) == 1 else {}
        return found.get(text)


def _list_taken(visit: Visit) -> list[tuple[str, str]]:
    """Return what a step took: the names as they are written, and the nodes."""
    sources, taken = visit.way[-1][0].sources, visit.taken
    if sources is None:
        return [("previous", taken.name)] if isinstance(taken, Draft) else []
    texts = [str(each.data) for each in sources.names]
    several = [*taken.values()] if isinstance(taken, dict) else taken
    drafts = several if isinstance(several, list) else [several]
    if len(drafts) != len(texts):  # of a pattern
        return []
    pairs = zip(texts, drafts, strict=True)
    return [(text, each.name) for text, each in pairs if isinstance(each, Draft)]


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


def _used_assigns(head: Body, body: Body) -> Body:
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


def _names_in(function: Function) -> set[str]:
    parts = [part for each in walk(function.body) for part in expressions(each)]
    parts += function.optional.values()
    return {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}


def _used_constants(constants: list[Assign], functions: Sequence[Function]) -> list[Assign]:
    """Return the constants that functions, or other constants that are used, name."""
    used = {each for function in functions for each in _names_in(function)}
    kept: list[Assign] = []
    for each in reversed(constants):
        if isinstance(each.target, ast.Name) and each.target.id in used:
            kept.insert(0, each)
            used |= {node.id for node in ast.walk(each.value) if isinstance(node, ast.Name)}
    return kept
