"""Edits that are planted in a graph, so that a diff has so many to find at most.

    changed, count = planted(random.Random(1), graph)

Each keeps all shapes: a layer put in, taken out or exchanged for one of its kind, or an argument
that is another. What is named as Keras would name it is numbered anew, as loading the changed spec
would.
"""

import random
from collections import Counter

from msgspec.structs import replace

from archspec.expand.scopes import snake_case
from archspec.graph import Facts, Graph, Node
from archspec.infer import bind_arguments
from archspec.layers import LAYERS, traits_of

INSERTED = {
    "Dropout": {"rate": 0.3125},
    "Activation": {"activation": "softsign"},
    "GaussianNoise": {"stddev": 0.3125},
}
KIN = {
    "activation": ("Activation", {"activation": "softsign"}),
    "dropout, noise": ("GaussianNoise", {"stddev": 0.4375}),
}
OTHER = {"rate": 0.40625, "epsilon": 0.40625, "momentum": 0.40625, "kernel_initializer": "HeNormal"}


def planted(source: random.Random, graph: Graph, most: int = 5) -> tuple[Graph, int]:
    """A graph with one to so many edits, each at a place of its own, and how many there are."""
    touched: set[str] = set()
    count = 0
    for _ in range(source.randint(1, most)):
        change = source.choice([_insert, _remove, _exchange, _change])
        nodes = [each for each in graph if _is_free(each, graph, touched)]
        if nodes:
            changed = change(source, graph, source.choice(nodes), touched)
            count += changed is not None
            graph = changed or graph
    return _number(graph), count


def _is_free(node: Node, graph: Graph, touched: set[str]) -> bool:
    """Whether an edit may be made here: not where another is, nor at a layer that is shared."""
    shared = {each.reuses for each in graph} | {each.name for each in graph if each.reuses}
    users = {each.name for each in graph if node.name in each.inputs}
    return not ({node.name, *node.inputs, *users} & touched or node.name in shared)


def _insert(source: random.Random, graph: Graph, node: Node, touched: set[str]) -> Graph | None:
    """Put a layer behind a node, for all that take it."""
    assert node.facts is not None
    op = source.choice([*INSERTED])
    name = f"{node.name.rpartition('.')[0]}.new{len(touched)}".removeprefix(".")
    arguments = bind_arguments(op, INSERTED[op])
    facts = Facts(node.facts.shape)
    new = replace(node, name=name, op=op, arguments=arguments, inputs=(node.name,), slots=(),
                  call={}, reuses=None, facts=facts, named=False)  # fmt: skip
    touched |= {node.name, name}
    nodes = []
    for each in graph:
        inputs = tuple(name if other == node.name else other for other in each.inputs)
        nodes.append(replace(each, inputs=inputs))
        nodes += [new] if each.name == node.name else []
    outputs = tuple(name if each == node.name else each for each in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def _remove(source: random.Random, graph: Graph, node: Node, touched: set[str]) -> Graph | None:
    """Take a layer out that hands on a tensor of the shape that it takes."""
    if len(node.inputs) != 1 or graph.shape(node.inputs[0]) != graph.shape(node.name):
        return None
    before = node.inputs[0]
    if node.name in graph.outputs and before in (*graph.inputs, *graph.outputs):
        return None
    touched |= {node.name, before, *(each.name for each in graph if node.name in each.inputs)}
    nodes = tuple(
        replace(
            each, inputs=tuple(before if other == node.name else other for other in each.inputs)
        )
        for each in graph
        if each is not node
    )
    outputs = tuple(before if each == node.name else each for each in graph.outputs)
    return replace(graph, nodes=nodes, outputs=outputs)


def _exchange(source: random.Random, graph: Graph, node: Node, touched: set[str]) -> Graph | None:
    """Put a layer of the same kind in the place of one without weights."""
    op, arguments = KIN.get(traits_of(node.op).kind, ("", {}))
    assert node.facts is not None
    if not op or op == node.op or node.facts.weights or len(node.inputs) != 1:
        return None
    touched.add(node.name)
    new = replace(node, op=op, arguments=bind_arguments(op, arguments), slots=(), call={})
    return replace(graph, nodes=tuple(new if each is node else each for each in graph))


def _change(source: random.Random, graph: Graph, node: Node, touched: set[str]) -> Graph | None:
    """Give one argument another value."""
    names = [each for each in OTHER if node.arguments.get(each) not in (None, OTHER[each])]
    if not names or node.op not in LAYERS:
        return None
    touched.add(node.name)
    name = source.choice(names)
    new = replace(node, arguments={**node.arguments, name: OTHER[name]})
    return replace(graph, nodes=tuple(new if each is node else each for each in graph))


def _number(graph: Graph) -> Graph:
    """The graph with its unnamed layers numbered in their order, scope by scope."""
    names: dict[str, str] = {}
    fixed = {each.name for each in graph if each.named or not each.inputs}
    taken = {*fixed}
    taken |= {region.path for each in graph for region in each.regions}
    counts: Counter[str] = Counter()
    for node in graph:
        if node.name in fixed:
            names[node.name] = node.name
            continue
        above = node.name.rpartition(".")[0]
        base = f"{above}.{snake_case(node.op)}".removeprefix(".")
        name = base
        while name in taken:
            counts[base] += 1
            name = f"{base}_{counts[base]}"
        taken.add(name)
        names[node.name] = name
    return replace(
        graph,
        nodes=tuple(
            replace(
                each,
                name=names[each.name],
                inputs=tuple(names[other] for other in each.inputs),
                reuses=None if each.reuses is None else names[each.reuses],
            )
            for each in graph
        ),
        outputs=tuple(names[each] for each in graph.outputs),
    )
