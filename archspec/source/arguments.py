"""Write arguments of layers and of block calls as expressions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from archspec.arguments import Argument
from archspec.errors import Refused, Span
from archspec.expand.drafts import Draft
from archspec.expand.origins import SAME
from archspec.graph import Graph, Node
from archspec.layers import LAYERS
from archspec.objects import KINDS, TABLES
from archspec.source.constants import write_object
from archspec.source.formulas import FindAxis, translate
from archspec.source.replay import is_exact
from archspec.source.rooms import Room
from archspec.source.statements import call, constant, name
from archspec.source.trace import Trace
from archspec.source.values import (
    PLAIN,
    Unwritable,
    find_kind,
    must_be_given,
    normal_value,
    object_of,
)
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Value, iter_texts, to_plain
from archspec.syntax.steps import BlockCall, LayerCall


class Decisions(Struct, eq=False):
    """Decisions made after a written text was followed: which arguments, by the place of their
    step, need `int` or are written as numbers; and which steps are written flat, with the reason.
    """

    whole: set[tuple[Span, str]] = field(default_factory=set)
    literal: set[tuple[Span, str]] = field(default_factory=set)


def write_arguments(
    step: LayerCall, room: Room, find_axis: FindAxis, nodes: Sequence[Node], decisions: Decisions
) -> dict[str, ast.expr]:
    """Return the arguments of a layer: its own over the defaults in force.

    nodes: those that the step makes. Raises `Unwritable`.
    """
    op = step.label
    table = LAYERS[op].arguments
    given: dict[str, tuple[Value, Mapping[str, ast.expr], str | None]] = {}
    for defaults in room.defaults:
        layer = defaults.value.get(op)
        for key, value in layer.items() if layer is not None else ():
            given[key] = value, defaults.env, key
    if step.arguments is not None:
        for key, value in step.arguments.by_name(next(iter(table))).items():
            own_key = None if value is step.arguments.first else key
            given[key] = value, room.env, own_key
    written: dict[str, ast.expr] = {}
    for key, (value, env, own_key) in given.items():
        place = step.span, key
        try:
            if place in decisions.literal:
                raise Unwritable("it is another value in Python")
            made = write_argument(table[key], value, env, own_key, find_axis)
        except Unwritable:
            made = _write_literal(table[key], key, nodes)
        if made is not None and place in decisions.whole:
            made = call(name("int"), [made])
        if made is not None or must_be_given(op, key):
            written[key] = (
                made if made is not None else normal_value(table[key], table[key].default)
            )
    for key, argument in table.items():
        if key not in written and must_be_given(op, key):
            written[key] = normal_value(argument, argument.default)
    return written


def _write_literal(argument: Argument, key: str, nodes: Sequence[Node]) -> ast.expr | None:
    """Return the value that an argument has in all nodes. Raises `Unwritable` if it differs."""
    values = [each.arguments[key] for each in nodes]
    if not values or any(each != values[0] for each in values):
        raise Unwritable(f"'{key}' of a layer differs by no formula of Python")
    return None if values[0] == argument.default else normal_value(argument, values[0])


def write_argument(
    argument: Argument,
    value: Value,
    env: Mapping[str, ast.expr],
    key: str | None,
    find_axis: FindAxis,
) -> ast.expr | None:
    """Return an argument of a layer; None if it is sure to have its default.

    key: what `==` stands for. Raises `Unwritable`.
    """
    kind = argument.type.kind
    if not any(map(is_formula, iter_texts(value))):
        try:
            normal = argument.type.read(to_plain(value))
        except Refused as refused:
            raise Unwritable(refused.message) from None
        if normal == argument.default and argument.name not in PLAIN:
            return None
        if kind is None and is_exact(to_plain(value), normal) and to_plain(value) is not None:
            return _write_plain(value, env, find_axis)
        if kind is None or not isinstance(value.data, dict):
            return normal_value(argument, normal)
    if kind is not None and isinstance(value.data, dict):
        return _write_kind(kind, value, env, find_axis)
    if isinstance(value.data, str):
        made = translate(key or "" if value.data == SAME else value.data[1:], env, find_axis)
        return ast.Tuple(made.elts) if isinstance(made, ast.List) else made
    return _write_plain(value, env, find_axis)


def _write_plain(value: Value, env: Mapping[str, ast.expr], find_axis: FindAxis) -> ast.expr:
    data = value.data
    if isinstance(data, tuple):
        return ast.Tuple([_write_plain(each, env, find_axis) for each in data])
    if is_formula(data):
        return translate(data[1:], env, find_axis)
    if isinstance(data, dict):
        raise Unwritable("a mapping is no value of an argument")
    if isinstance(data, int | float) and not isinstance(data, bool) and data < 0:
        return ast.UnaryOp(ast.USub(), constant(-data))
    return constant(data)


def _write_kind(
    kind: str, value: Value, env: Mapping[str, ast.expr], find_axis: FindAxis
) -> ast.expr:
    """Return an object that is written as `{Name: {arguments}}` or `{Name: value}`."""
    ((word, under),) = value.items()
    name_ = KINDS[kind].canonical(word)
    if name_ is None:
        raise Unwritable(f"{word} is no {kind}")
    table = TABLES[kind][name_]
    if isinstance(under.data, dict):
        named = {
            key: _write_part(table[key], each, env, key, find_axis) for key, each in under.items()
        }
        return object_of(kind, name_, named)
    if under.data is None:
        return object_of(kind, name_, {})
    first = next(iter(table))
    return object_of(
        kind, name_, {first: _write_part(table[first], under, env, None, find_axis)}, lone=True
    )


def _write_part(
    argument: Argument,
    value: Value,
    env: Mapping[str, ast.expr],
    key: str | None,
    find_axis: FindAxis,
) -> ast.expr:
    made = write_argument(argument, value, env, key, find_axis)
    return normal_value(argument, argument.default) if made is None else made


def write_call_params(
    step: BlockCall, params: Mapping[str, Any], room: Room, find_axis: FindAxis
) -> dict[str, ast.expr]:
    """Return the params that a call of a block gives, by name. Raises `Unwritable`."""
    own = step.arguments
    if own is None:
        return {}
    written = {}
    for key, value in own.by_name(next(iter(params), "")).items():
        own_key = None if value is own.first else key
        if isinstance(value.data, dict):
            if find_kind(to_plain(value)) is None:
                raise Unwritable("a mapping is no object of Keras")
            written[key] = write_object(value, room.env)
        elif value.data == SAME:
            written[key] = translate(own_key or "", room.env, find_axis)
        else:
            made = _write_plain(value, room.env, find_axis)
            written[key] = ast.Tuple(made.elts) if isinstance(made, ast.List) else made
    return written


def nodes_of(trace: Trace, graph: Graph, step: LayerCall) -> list[Node]:
    """Return the nodes that a layer's step makes."""
    return [graph[each.value.name] for each in trace.of(step) if isinstance(each.value, Draft)]
