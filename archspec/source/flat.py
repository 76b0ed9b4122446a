"""Write nodes of a graph one after another, without functions and loops."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Sequence
from keyword import iskeyword

from archspec.backends.spec_yaml import flat_name
from archspec.graph import Graph, Node
from archspec.source.statements import Assign, Body, call, constant, dotted, name
from archspec.source.values import (
    call_layer,
    forgets_freezing,
    make_layer,
    node_arguments,
    plain,
)


class FreshNames:
    """FreshNames of variables that no other has. taken: those that are not to be given."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)

    def new(self, text: str) -> str:
        """Return an identifier that is made of a text, and take it."""
        base = identifier(text)
        found, number = base, 1
        while found in self.taken:
            number += 1
            found = f"{base}_{number}"
        self.taken.add(found)
        return found


def identifier(text: str) -> str:
    """Return a text as a name of Python.

    >>> identifier("1x1"), identifier("stage1.unit0"), identifier("lambda")
    ('_1x1', 'stage1_unit0', 'lambda_')
    """
    found = re.sub(r"\W", "_", text) or "_"
    found = f"_{found}" if found[0].isdigit() else found
    return f"{found}_" if iskeyword(found) or found in ("l", "O", "I", "_") else found


def input_statement(node: Node, variable: str) -> Assign:
    """Return the statement that makes an input."""
    shape, dtype = node.arguments["shape"], node.arguments["dtype"]
    named = {} if dtype == "float32" else {"dtype": constant(dtype)}
    made = call(dotted("keras.Input"), [plain(shape)], {**named, "name": constant(node.name)})
    return Assign(name(variable), made)


def write_nodes(
    nodes: Sequence[Node],
    graph: Graph,
    known: dict[str, ast.expr],
    kept: Collection[str],
    names: FreshNames,
    flow: str = "x",
    layers: dict[str, ast.expr] | None = None,
) -> Body:
    """Return the statements that make nodes.

    known: the variable of each node that there is before them; theirs are added. kept: nodes that
    need a variable of their own, since they are used later. flow: the variable of a value that the
    next statement alone takes. layers: those that are called again, by the node that made them.
    """
    body: Body = []
    layers = {} if layers is None else layers
    again = {node.reuses for node in graph if node.reuses is not None}
    users: dict[str, list[str]] = {}
    for node in graph:
        for each in node.inputs:
            users.setdefault(each, []).append(node.name)
    for number, node in enumerate(nodes):
        following = nodes[number + 1].name if number + 1 < len(nodes) else None
        passes_on = set(users.get(node.name, ())) == {following} and node.name not in kept
        inputs = [known[each] for each in node.inputs]
        if node.reuses is not None:
            layer = layers[node.reuses]
        else:
            text = constant(flat_name(node.name))
            layer = make_layer(node.op, node_arguments(node), text)
            if node.name in again or forgets_freezing(node):
                variable = name(names.new(f"{node.name}_layer"))
                body.append(Assign(variable, layer))
                layers[node.name] = layer = variable
        target = name(flow if passes_on else names.new(node.name))
        body.append(Assign(target, call_layer(layer, node.op, inputs, node.slots, node.call)))
        if node.reuses is None and forgets_freezing(node):
            body.append(Assign(ast.Attribute(layer, "trainable"), constant(False)))
        known[node.name] = target
    return body


def model_call(inputs: Sequence[ast.expr], outputs: Sequence[ast.expr], title: str) -> ast.expr:
    """Return the call that makes the model."""
    values = [each[0] if len(each) == 1 else ast.List([*each]) for each in (inputs, outputs)]
    return call(dotted("keras.Model"), values, {"name": constant(title)})
