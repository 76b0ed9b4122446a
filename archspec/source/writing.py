"""Write the source of a network, and prove that it makes that network."""

from __future__ import annotations

import keyword

from archspec.graph import Graph
from archspec.source.file import SourceFile
from archspec.source.flat import FreshNames, identifier, input_statement, model_call, write_nodes
from archspec.source.replay import Mismatch, follow
from archspec.source.statements import Function, Return, name


def write_source(graph: Graph, flat: bool = False) -> str:
    """Return the source of a graph.

    flat: whether it has neither functions nor loops.
    """
    file = _write_flat(graph)
    text = file.write()
    follow(text, file.main.name, graph, keras_name(graph))
    return text


def keras_name(graph: Graph) -> str:
    """Return the name of a graph's model, which holds letters, digits, `_` and `-` alone."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in graph.name)


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
    return SourceFile("Written by archspec", function)
