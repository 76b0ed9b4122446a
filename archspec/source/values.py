"""Write values in normal form, and objects such as regularizers, as a person does in Python."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from archspec.arguments import REQUIRED, Argument
from archspec.graph import Node
from archspec.layers import COMMON, LAYERS
from archspec.objects import ACTIVATION_LAYERS, KINDS, TABLES, named, snake_case
from archspec.source.statements import call, constant, dotted

MODULES = {
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
}
# First arguments that need no name, although a layer has a default for them.
PLAIN = frozenset({"pool_size", "size", "padding", "cropping", "rate", "activation"})


class Unwritable(Exception):
    """Raised for what cannot be written as the spec has it. The text is the reason, in words."""


def plain(value: Any) -> ast.expr:
    """Return a value of numbers, texts, lists and mappings."""
    if isinstance(value, Mapping):
        keys: list[ast.expr | None] = [constant(key) for key in value]
        return ast.Dict(keys, [plain(each) for each in value.values()])
    if isinstance(value, list | tuple):
        return ast.Tuple([plain(each) for each in value])
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), constant(-value))
    return constant(value)


def normal_value(argument: Argument, value: Any) -> ast.expr:
    """Return the value of an argument in normal form: 3 for (3, 3), objects as calls."""
    kind = argument.type.kind
    if kind is not None and value is not None:
        return object_call(kind, *named(value))
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], tuple):
        value = value[0]
    short = value
    while isinstance(short, tuple) and short and all(each == short[0] for each in short):
        short = short[0]
        if not isinstance(short, tuple) and _means(argument, short, value):
            return plain(short)
    return plain(value)


def _means(argument: Argument, short: Any, value: Any) -> bool:
    try:
        return bool(argument.type.read(short) == value)
    except Exception:  # of any type that takes no single number
        return False


def object_call(kind: str, name: str, arguments: Mapping[str, Any]) -> ast.expr:
    """Return an initializer, regularizer, constraint or activation with values in normal form."""
    return object_of(kind, name, {key: plain(each) for key, each in arguments.items()})


def object_of(
    kind: str, name: str, arguments: Mapping[str, ast.expr], lone: bool = False
) -> ast.expr:
    """Return an initializer, regularizer, constraint or activation.

    name: as the table has it. lone: whether its only argument stands without a name.
    """
    if kind == "activation":
        if not arguments:
            return constant(name)
        layer = dotted(f"layers.{ACTIVATION_LAYERS[name]}")
        return call(layer, [], arguments)
    if kind == "initializer" and not arguments:
        return constant(snake_case(name))
    first = next(iter(TABLES[kind][name]), "")
    positional = [arguments[first]] if first in arguments and (lone or len(arguments) == 1) else []
    rest = {key: each for key, each in arguments.items() if not (positional and key == first)}
    return call(dotted(f"{MODULES[kind]}.{name}"), positional, rest)


def is_random(kind: str, name: str) -> bool:
    """Return whether an object draws numbers, which it draws again and again."""
    return "seed" in TABLES[kind][name]


def find_kind(value: Any) -> tuple[str, str, Any] | None:
    """Return kind, name and arguments of an object that is given as a mapping; None for others."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((word, given),) = value.items()
    for kind in (*MODULES, "activation"):
        name = KINDS[kind].canonical(word) if isinstance(word, str) else None
        if name is not None:
            return kind, name, given
    return None


# --- layers --------------------------------------------------------------------------------------


def layer_class(op: str) -> ast.expr:
    """Return the class of a layer."""
    return dotted(f"layers.{op}" if LAYERS[op].file is None else op)


def must_be_given(op: str, argument: str) -> bool:
    """Return whether an argument is given even where it has its default: the class of a layer of
    one's own may have another."""
    return LAYERS[op].file is not None and argument not in COMMON


def make_layer(op: str, arguments: Mapping[str, ast.expr], name: ast.expr) -> ast.Call:
    """Return the call that makes a layer."""
    table = LAYERS[op].arguments
    positional: list[ast.expr] = []
    rest = {key: arguments[key] for key in table if key in arguments}
    for place, key in enumerate(table):
        needed = table[key].default is REQUIRED or (place == 0 and key in PLAIN)
        if key not in rest or not needed or LAYERS[op].file is not None:
            break
        positional.append(rest.pop(key))
    return call(layer_class(op), positional, {**rest, "name": name})


def call_layer(
    layer: ast.expr,
    op: str,
    inputs: list[ast.expr],
    slots: tuple[str, ...],
    constants: Mapping[str, Any],
) -> ast.expr:
    """Return the call of a layer on values. slots: the names that they are given by, if any."""
    flags = {key: constant(each) for key, each in constants.items()}
    if slots:
        return call(layer, [], {**dict(zip(slots, inputs, strict=True)), **flags})
    if LAYERS[op].takes == "list":
        match inputs:
            case [ast.Starred(value=listed)]:
                return call(layer, [listed], flags)
        return call(layer, [ast.List(inputs)], flags)
    return call(layer, inputs[:1], flags)


def node_arguments(node: Node) -> dict[str, ast.expr]:
    """Return the arguments of a node's layer that are not the defaults of its class."""
    table = LAYERS[node.op].arguments
    return {
        key: normal_value(table[key], value)
        for key, value in node.arguments.items()
        if (value != table[key].default or must_be_given(node.op, key))
        and not (key == "trainable" and forgets_freezing(node))
    }


def forgets_freezing(node: Node) -> bool:
    """Return whether Keras would train the layers within a layer that is frozen.

    Those of a layer that is made frozen are made trainable, and nothing is done where it is frozen
    again: so it is frozen once, when these layers are there.
    """
    frozen = node.arguments.get("trainable", True) is False
    return frozen and node.facts is not None and any("/" in name for name in node.facts.weights)
