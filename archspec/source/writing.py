"""Write the source of a network, and prove that it makes that network."""

from __future__ import annotations

from archspec.graph import Graph
from archspec.loading.files import Spec
from archspec.pipeline import loads
from archspec.source.file import SourceFile
from archspec.source.flat import FreshNames, identifier, input_statement, model_call, write_nodes
from archspec.source.functions import Learnt, Restart, TextWriter, keras_name
from archspec.source.layout import write_body
from archspec.source.replay import Mismatch, follow
from archspec.source.statements import Function, Return, Statement, name
from archspec.source.trace import trace
from archspec.source.values import Unwritable
from archspec.syntax.steps import Step

MAX_TRIES = 60


def write_source(graph: Graph, flat: bool = False) -> str:
    """Return the source of a graph.

    flat: whether it has neither functions nor loops.
    """
    if not flat:
        text = _write_folded(graph)
        if text is not None:
            return text
    file = _write_flat(graph)
    file.origin = _origin(graph)
    text = file.write()
    follow(text, file.main.name, graph, keras_name(graph))
    return text


def _origin(graph: Graph) -> str:
    return "Written by archspec."


def _write_folded(graph: Graph) -> str | None:
    """Return the source with functions and loops, as far as there can be any; None if none."""
    spec = graph.origin
    if not isinstance(spec, Spec) or spec.levels:
        from archspec.folding.resolved import write_resolved

        spec = loads(write_resolved(graph), graph.name).origin
    found = trace(spec)
    learnt = Learnt()
    for _ in range(MAX_TRIES):
        writer = TextWriter(spec, graph, found, learnt)
        try:
            file = writer.write()
        except Restart:
            continue
        except Unwritable:
            return None
        file.origin = _origin(graph)
        text = file.write()
        try:
            follow(text, file.main.name, graph, keras_name(graph))
            return text
        except Mismatch as mismatch:
            if not _learn(mismatch, text, file, writer):
                return None
    return None


def _learn(mismatch: Mismatch, text: str, file: SourceFile, writer: TextWriter) -> bool:
    """Note what a mismatch says of the next try; return whether there is anything new."""
    learnt, node = writer.learnt, mismatch.node
    maker = writer.trace.find_maker(node.name) if node is not None else None
    if maker is not None and mismatch.argument:
        place = maker.span, mismatch.argument
        decided = learnt.decisions.whole if mismatch.is_part else learnt.decisions.literal
        if place not in decided:
            decided.add(place)
            return True
    step = _find_step(mismatch.line, text, file, writer.marks)
    if step is None or step in learnt.flat:
        return False
    learnt.flat[step] = "its names or values follow no rule that Python has"
    return True


def _find_step(
    line: int, text: str, file: SourceFile, marks: list[tuple[Statement, Step]]
) -> Step | None:
    """Return the step of the model's function that a line of the text was written for."""
    lines = text.split("\n")
    start = next(n for n, each in enumerate(lines, 1) if each.startswith(f"def {file.main.name}("))
    at = start + 1
    for statement in file.main.body:
        at += len(list(write_body([statement], 4)))
        if line < at:
            found = [step for each, step in marks if each is statement]
            return found[0] if found else None
    return None


def _write_flat(graph: Graph) -> SourceFile:
    function = Function(identifier(graph.name))
    names = FreshNames(["x", "keras", "layers", function.name])
    known = {}
    for each in graph.inputs:
        variable = names.new("inputs" if graph.inputs == ("input",) else each)
        known[each] = name(variable)
        function.body.append(input_statement(graph[each], variable))
    nodes = [node for node in graph if node.op != "InputLayer"]
    function.body += write_nodes(nodes, graph, known, graph.outputs, names)
    made = model_call(
        [known[each] for each in graph.inputs],
        [known[each] for each in graph.outputs],
        keras_name(graph),
    )
    function.body.append(Return(made))
    return SourceFile("", function)
