"""Write a graph as a spec without blocks, loops, formulas or defaults.

    >>> import archspec
    >>> from archspec.syntax.writer import write_yaml
    >>> graph = archspec.load("resnet18")
    >>> archspec.loads(write_yaml(to_spec(graph))).fingerprint == graph.fingerprint
    True

Steps are called as the Keras layers are, with `-` where the graph's names have dots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    steps = [_step(node) for node in graph.nodes if node.op != "InputLayer"]
    outputs = [flat_name(name) for name in graph.outputs]
    return {**spec, **input_of(inputs), "layers": steps, "outputs": outputs}


def input_of(inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return `input` or `inputs` of a spec. inputs: shape and dtype of each by its name."""
    if list(inputs) != ["input"]:
        return {"inputs": {name: _input(arguments) for name, arguments in inputs.items()}}
    only = inputs["input"]
    return {"input": list(only["shape"]) if only["dtype"] == "float32" else _input(only)}


def flat_name(name: str) -> str:
    """Return a node's name in Keras and in a spec without groups: `stage1-conv2d`."""
    return name.replace(".", "-")


def spell_arguments(op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer as a spec writes them, without those that have their default.

    arguments: all of them, in normal form.
    """
    differing = leave_out_defaults(LAYERS[op].arguments, arguments)
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
    return flat_step(
        node.op,
        spell_arguments(node.op, node.arguments),
        flat_name(node.name),
        [flat_name(name) for name in node.inputs],
        node.slots,
        node.call,
        flat_name(node.reuses) if node.reuses else None,
    )


def flat_step(
    op: str,
    arguments: Any,
    name: str | None,
    inputs: Sequence[str] | None,
    slots: Sequence[str],
    call: Mapping[str, Any],
    reuses: str | None,
) -> dict[str, Any]:
    """Return a step of a spec without blocks as plain data.

    arguments: as a spec writes them. name: None for a step without one. inputs: the names of the
    steps that it takes; None for the step before it. slots, call, reuses: as a `Node` has them.
    """
    written = None if arguments == {} else arguments
    step: dict[str, Any] = {"reuse": reuses} if reuses else {op: written}
    if name is not None:
        step["name"] = name
    if inputs is not None and slots:
        step["from"] = dict(zip(slots, inputs, strict=True))
    elif inputs is not None:
        step["from"] = list(inputs) if LAYERS[op].takes == "list" else inputs[0]
    return {**step, **({"call": dict(call)} if call else {})}
