"""Write the source of a network, and prove that it makes that network."""

from __future__ import annotations

import ast
from typing import Any

from archspec.folding.resolved import write_resolved
from archspec.graph import Graph
from archspec.layers.equivalents import find_taken_names
from archspec.loading.files import Spec
from archspec.pipeline import loads
from archspec.source.file import SourceFile
from archspec.source.flat import FreshNames, identifier, input_statement, model_call, write_nodes
from archspec.source.functions import RESERVED, Functions, Lessons
from archspec.source.layout import write_body
from archspec.source.model import Marks, Restart, keras_name, write_file
from archspec.source.own_classes import copy_classes
from archspec.source.replay import Mismatch, follow
from archspec.source.statements import Do, Function, Remark, Return, call, constant, dotted, name
from archspec.source.trace import Trace, trace
from archspec.source.values import Unwritable
from archspec.syntax.steps import Step

MAX_TRIES = 100
WORD = "archspec"  # which no line but the first has, so that nobody takes it for a need


def write_source(graph: Graph, flat: bool = False) -> str:
    """Return the source of a graph.

    flat: whether it has neither functions nor loops. Raises `UserError` for a layer of one's own
    whose class cannot be copied.
    """
    own = copy_classes(graph)
    file = _write_flat(graph, "") if flat else _write_folded(graph)
    file.origin = _describe_origin(graph)
    description = graph.description.strip()
    if description and WORD not in description.lower():
        file.main.doc = description
    if taken := find_taken_names(graph):
        counts = [name for name, count in taken.items() for _ in range(count)]
        file.main.body[:0] = [
            Remark("Keras calls an operation of a mask so, too, if it does not count these names."),
            *(Do(call(dotted("keras.backend.get_uid"), [constant(each)])) for each in counts),
        ]
    return file.write(own)


def _describe_origin(graph: Graph) -> str:
    """Return the first line of a text, which says where it is from."""
    path = graph.origin.path if isinstance(graph.origin, Spec) else None
    name = "" if path is None else f" from {path.name}"
    edited = ", its edits worked in" if name and graph.edits else ""
    return f"Written by archspec{name}{edited}: it needs Keras alone."


def _write_folded(graph: Graph) -> SourceFile:
    """Return the source with functions and loops, as far as there can be any."""
    spec = _find_spec(graph)
    found = trace(spec)
    lessons = Lessons()
    reason = "it takes too many tries"
    for _ in range(MAX_TRIES):
        try:
            file, marks = write_file(Functions(spec, graph, found, lessons))
        except Restart:
            continue
        except Unwritable as unwritable:
            reason = str(unwritable)
            break
        text = file.write()
        try:
            follow(text, file.main.name, graph, keras_name(graph))
            return file
        except Mismatch as mismatch:
            if not _learn(mismatch, _find_step(mismatch.line, text, file, marks), found, lessons):
                reason = "what its formulas give is another network in Python"
                break
    return _write_flat(graph, f"Written out layer by layer: {reason}.")


def _find_spec(graph: Graph) -> Spec:
    """Return the spec that a graph was expanded from; the resolved one, if it has edits."""
    spec: Any = graph.origin
    if not isinstance(spec, Spec) or spec.levels:
        spec = loads(write_resolved(graph), graph.name).origin
    assert isinstance(spec, Spec)
    return spec


def _learn(mismatch: Mismatch, step: Step | None, found: Trace, lessons: Lessons) -> bool:
    """Note what to change in the next try because of a mismatch; return whether that is new.

    step: that of the model's function in which it is.
    """
    node = mismatch.node
    maker = found.find_maker(node.name) if node is not None else None
    if maker is not None and mismatch.argument:
        place = maker.span, mismatch.argument
        decided = lessons.decisions.whole if mismatch.is_part else lessons.decisions.literal
        if place not in decided:
            decided.add(place)
            return True
    if step is None or step in lessons.flat:
        return False
    lessons.flat[step] = "what its formulas give is another network in Python"
    return True


def _find_step(line: int, text: str, file: SourceFile, marks: Marks) -> Step | None:
    """Return the step of the model's function that a line of the text was written for."""
    lines = text.split("\n")
    start = next(n for n, each in enumerate(lines, 1) if each.startswith(f"def {file.main.name}("))
    at = start + 1
    for statement in file.main.body:
        at += len(list(write_body([statement], 4)))
        if line < at:
            return next((step for each, step in marks if each is statement), None)
    return None


def _write_flat(graph: Graph, remark: str) -> SourceFile:
    """Return the source with a statement for each layer. remark: why, if it is not asked for."""
    function = Function(identifier(graph.name))
    names = FreshNames({*RESERVED, function.name})
    known: dict[str, ast.expr] = {}
    for each in graph.inputs:
        variable = names.new("inputs" if graph.inputs == ("input",) else each)
        known[each] = name(variable)
        function.body.append(input_statement(graph[each], variable))
    if remark:
        function.body.append(Remark(remark))
    nodes = [node for node in graph if node.op != "InputLayer"]
    function.body += write_nodes(nodes, graph, known, graph.outputs, names)
    made = model_call(
        [known[each] for each in graph.inputs],
        [known[each] for each in graph.outputs],
        keras_name(graph),
    )
    function.body.append(Return(made))
    file = SourceFile(function)
    follow(file.write(), function.name, graph, keras_name(graph))
    return file
