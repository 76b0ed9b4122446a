"""Find the scopes of a flat spec, such as a run's resolved.yaml, by the names of its steps.

There a step is called as the Keras layer is, `stage1-unit0-conv2d` for `stage1.unit0.conv2d`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from archspec.differences.scopes import DIGIT
from archspec.expand.scopes import snake_case
from archspec.graph import Graph, Node, Region
from archspec.recipe.of_graph import BY_NAME, BY_OUTPUT


def restore_scopes(graph: Graph) -> Graph:
    """Return a graph with the names and scopes that its flat names tell of; as it is if two names
    would become one.

    >>> import archspec
    >>> text = "archspec: 1\\ninput: [4]\\nlayers: [{Dense: 3, name: stage1-dense}]\\n"
    >>> node = restore_scopes(archspec.loads(text))["stage1.dense"]
    >>> [region.path for region in node.regions], node.named
    (['stage1'], False)
    """
    names = {node.name: node.name.replace("-", ".") for node in graph}
    if len(set(names.values())) < len(names) or any(node.regions for node in graph):
        return graph
    if set(names.values()) & {path for name in names.values() for path in _list_around(name)}:
        return graph
    return replace(
        graph,
        nodes=tuple(_restore(node, names) for node in graph),
        inputs=tuple(names[each] for each in graph.inputs),
        outputs=tuple(names[each] for each in graph.outputs),
        train=_rename_in_recipe(graph.train, names),
    )


def _rename_in_recipe(train: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a recipe with other names of outputs, inputs and frozen layers."""

    def rename(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {names.get(key, key): each for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [names.get(each, each) if isinstance(each, str) else each for each in value]
        return names.get(value, value) if isinstance(value, str) else value

    named = {key: rename(train[key]) for key in (*BY_OUTPUT, "freeze") if key in train}
    data = train.get("data")
    if isinstance(data, Mapping):
        named["data"] = {**data, **{key: rename(data[key]) for key in BY_NAME if key in data}}
    return {**train, **named}


def _restore(node: Node, names: dict[str, str]) -> Node:
    name = names[node.name]
    last = name.rpartition(".")[2]
    return replace(
        node,
        name=name,
        inputs=tuple(names[each] for each in node.inputs),
        reuses=None if node.reuses is None else names[node.reuses],
        regions=tuple(_make_region(path) for path in _list_around(name)),
        named=re.fullmatch(rf"{snake_case(node.op)}(_\d+)?", last) is None,
    )


def _list_around(name: str) -> list[str]:
    """Return the paths of the scopes around a name, outermost first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _make_region(path: str) -> Region:
    is_turn = DIGIT.search(path.rpartition(".")[2])
    return Region(path, kind="iteration" if is_turn else "group")
