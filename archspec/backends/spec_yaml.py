"""Write a graph as a spec without blocks, loops, formulas or defaults.

    >>> import archspec
    >>> from archspec.syntax.writer import write_yaml
    >>> graph = archspec.load("resnet18")
    >>> archspec.loads(write_yaml(to_spec(graph))).fingerprint == graph.fingerprint
    True

Steps are called as the Keras layers are, with `-` where the graph's names have dots.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.arguments import leave_out_defaults
from archspec.graph import Graph, Node
from archspec.layers import LAYERS


def to_spec(graph: Graph) -> dict[str, Any]:
    """Return the spec as plain YAML data: each layer with its name, inputs and arguments."""
    inputs = {name: graph[name].arguments for name in graph.inputs}
    spec: dict[str, Any] = {"archspec": 1, "name": graph.name}
    if graph.description:
        spec["description"] = graph.description
    if list(inputs) == ["input"]:
        only = inputs["input"]
        spec["input"] = list(only["shape"]) if only["dtype"] == "float32" else _input(only)
    else:
        spec["inputs"] = {name: _input(arguments) for name, arguments in inputs.items()}
    steps = [_step(node) for node in graph.nodes if node.op != "InputLayer"]
    return {**spec, "layers": steps, "outputs": [flat_name(name) for name in graph.outputs]}


def flat_name(name: str) -> str:
    """Return a node's name in Keras and in a spec without groups: `stage1-conv2d`."""
    return name.replace(".", "-")


def spell_arguments(node: Node) -> dict[str, Any]:
    """Return a node's arguments as a spec writes them, without those that have their default."""
    differing = leave_out_defaults(LAYERS[node.op].arguments, node.arguments)
    return {name: spell(value) for name, value in differing.items()}


def spell(value: Any) -> Any:
    """Return a value in normal form as YAML writes it, where margins of one axis are a pair."""
    if isinstance(value, Mapping):
        return {name: spell(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        nested = len(value) == 1 and isinstance(value[0], tuple)
        return spell(value[0]) if nested else [spell(each) for each in value]
    return value


def _input(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"shape": list(arguments["shape"]), "dtype": arguments["dtype"]}


def _step(node: Node) -> dict[str, Any]:
    names = [flat_name(name) for name in node.inputs]
    feed: Any = names[0]
    if node.slots:
        feed = dict(zip(node.slots, names, strict=True))
    elif LAYERS[node.op].takes == "list":
        feed = names
    what = (
        {"reuse": flat_name(node.reuses)}
        if node.reuses
        else {node.op: spell_arguments(node) or None}
    )
    call = {"call": dict(node.call)} if node.call else {}
    return {**what, "name": flat_name(node.name), "from": feed, **call}
