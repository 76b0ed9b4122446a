"""Read the arguments of layers as a person writes them."""

from __future__ import annotations

from typing import Any

from archspec.arguments import leave_out_defaults
from archspec.backends.spec_yaml import spell
from archspec.folding.items import CallItem, LayerItem
from archspec.folding.values import MISSING
from archspec.graph import Graph, Node
from archspec.layers import LAYERS

ONE_NUMBER = ("kernel_size", "strides", "pool_size", "dilation_rate", "size")


def read_arguments(graph: Graph, node: Node, is_reused: bool = False) -> dict[str, Any]:
    """Return a node's arguments as a person writes them: without defaults, 3 for [3, 3].

    is_reused: whether its layer is called again, maybe with another number of axes, so that they
    are counted from the first.
    """
    arguments = node.arguments if is_reused else graph.normal_arguments(node)
    differing = leave_out_defaults(LAYERS[node.op].arguments, arguments)
    return {name: shorten(name, spell(value)) for name, value in differing.items()}


def shorten(name: str, value: Any) -> Any:
    """Return one number for a list of equal ones, where the argument takes both, and 6 for 6.0.

    >>> shorten("kernel_size", [3, 3]), shorten("max_value", 6.0)
    (3, 6)
    """
    if isinstance(value, list) and value and all(each == value[0] for each in value):
        return value[0] if name in ONE_NUMBER else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, dict):
        return {key: shorten(key, each) for key, each in value.items()}
    return value


def read_argument(item: LayerItem | CallItem, name: str) -> Any:
    """Return an argument of a layer or call, its default where it is left out."""
    if name in item.arguments:
        return item.arguments[name]
    if isinstance(item, CallItem):
        return MISSING
    return shorten(name, spell(LAYERS[item.op].arguments[name].default))
