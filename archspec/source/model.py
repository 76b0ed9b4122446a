"""Write the function of the model. What is unwritable in it is written flat, node by node."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from archspec.expand.drafts import Draft
from archspec.graph import Graph, Node
from archspec.source.constants import write_value
from archspec.source.file import SourceFile
from archspec.source.flat import input_statement, model_call, write_nodes
from archspec.source.functions import Functions, used_assigns
from archspec.source.rooms import Room
from archspec.source.scopes import Wanted, find_wanted
from archspec.source.statements import (
    Assign,
    Body,
    Function,
    Remark,
    Return,
    Statement,
    expressions,
    name,
    walk,
)
from archspec.source.steps import StepWriter
from archspec.source.trace import Visit
from archspec.source.values import Unwritable
from archspec.source.wiring import Cur, Surroundings
from archspec.syntax import steps as spec_steps
from archspec.syntax.steps import BlockCall, Reuse, Step

Marks = list[tuple[Statement, Step]]


class Restart(Exception):
    """Raised where the text must be begun again, since something was lessons."""


def write_file(functions: Functions) -> tuple[SourceFile, Marks]:
    """Return the file, and the steps that statements of the model's function are of.

    Raises `Unwritable`, and `Restart` where something was lessons.
    """
    model = _Model(functions)
    main = model.write()
    whole = [*functions.order, main]
    used = {name for each in whole for name in _names_in(each)}
    whole = [each for each in whole if each is main or each.name in used]
    constants = _used_constants(functions.constants.list_statements(), whole)
    return SourceFile(main, constants=constants, functions=whole[:-1]), model.marks


class _Model:
    """The function of the model.

    known: the variables that hold nodes and are not overwritten. layers: those that are called
    again, by the node that made them. asking: the step that is being written. marks: the steps that
    statements are of.
    """

    def __init__(self, writer: Functions) -> None:
        self.writer = writer
        self.spec = writer.spec
        self.graph = writer.graph
        self.trace = writer.trace
        root = self.spec.root
        outputs = root.get("outputs")
        self.outputs = None if outputs is None else [str(each.data) for each in outputs.data]
        self.wanted: Wanted = find_wanted(self.spec.body, writer.trace, self.outputs or ())
        for step in writer.lessons.kept:
            self.wanted.keep(step)
        self.names = writer.names_for(self.spec.body, self.spec.home)
        self.function = Function(writer.title)
        self.known: dict[str, ast.expr] = {}
        self.asking: Step | None = None
        self.marks: Marks = []
        self.layers: dict[str, ast.expr] = {}

    def write(self) -> Function:
        writer, spec, graph = self.writer, self.spec, self.graph
        inputs = self._write_inputs()
        head: Body = []
        body: Body = []
        around = writer.surround(self.wanted, inputs, self.names, spec.home)
        steps = _ModelSteps(self, around)
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
        self.function.body += [*used_assigns(head, body), *body]
        return self.function

    def _output(self, text: str, place: int, steps: StepWriter, room: Room) -> ast.expr:
        node = self.graph.outputs[place]
        if node in self.known and self._is_flat(node):
            return self.known[node]
        try:
            return steps.reference(text, None, room)
        except Unwritable as reason:
            self._flatten(node, str(reason))

    def _is_flat(self, node: str) -> bool:
        return any(node in self.trace.nodes_of(step) for step in self.writer.lessons.flat)

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
                if visit.step in self.writer.lessons.kept:
                    break
                self.writer.lessons.kept.add(visit.way[-1][0])
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
                if len(visit.way) == 1 and step not in self.writer.lessons.flat:
                    self.writer.lessons.flat[step] = reason
                    raise Restart
        raise Unwritable(reason)


def keras_name(graph: Graph) -> str:
    """Return the name of a graph's model, which holds letters, digits, `_` and `-` alone."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in graph.name)


class _ModelSteps(StepWriter):
    def __init__(self, main: _Model, around: Surroundings) -> None:
        super().__init__(around)
        self.main = main

    def step(self, step: Step, cur: Cur, room: Room) -> Cur:
        if not room.once:
            return super().step(step, cur, room)
        flat = self.main.writer.lessons.flat
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
        self.main.marks += [(each, step) for each in room.body[length:]]
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
            for step in self.main.writer.lessons.flat
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
