"""Follow a source text as Python would, without running it, and compare what it makes with a graph.

The text is parsed, and a walk over a closed list of nodes does what they say, with layers that only
know their arguments and values that only know their shapes. Whatever the text holds besides is an
error, so that nothing of a spec can be executed.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from archspec.backends.spec_yaml import flat_name
from archspec.errors import Refused
from archspec.graph import Graph, Node
from archspec.infer import bind_arguments
from archspec.layers import LAYERS
from archspec.objects import ACTIVATION_LAYERS, KINDS, TABLES
from archspec.source.values import MODULES, forgets_freezing
from archspec.syntax.formulas import BINARY, COMPARISONS

MAX_STATEMENTS = 1_000_000
MAX_CALLS = 200  # within each other
LOCALS = ""  # in the variables of a function, the key of the names that it assigns


class Mismatch(Exception):
    """Raised where a text does not make the graph.

    line: of the text. node: the node whose layer is another, with the argument that differs, if
    one does. is_part: whether a number with a point stands where a whole one is needed.
    """

    def __init__(
        self, reason: str, node: Node | None = None, argument: str = "", is_part: bool = False
    ) -> None:
        super().__init__(reason)
        self.node = node
        self.argument = argument
        self.is_part = is_part
        self.line = 0


class LayerValue(Struct, eq=False):
    """The value of a layer, or an input: a tensor of which the shape is known."""

    node: Node
    shape: tuple[int | None, ...]


class MadeLayer(Struct, eq=False):
    """A layer that was made and may be called. node: that of its first call."""

    op: str
    arguments: dict[str, Any]
    node: Node | None = None


class MadeObject(Struct, eq=False):
    """An initializer, a regularizer or a constraint, or a layer that is an activation."""

    kind: str
    name: str
    arguments: dict[str, Any]


class MadeModel(Struct, eq=False):
    """The model that the text returns."""

    inputs: list[str]
    outputs: list[str]
    name: str


class TextFunction(Struct, eq=False):
    """A function of the text. local: the names that it assigns, which are those of no other place
    within it."""

    definition: ast.FunctionDef
    defaults: dict[str, Any]
    local: frozenset[str]


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def follow(text: str, function: str, graph: Graph, title: str) -> None:
    """Raise `Mismatch` unless a function of a text makes a graph as a Keras model.

    title: the name of the model.
    """
    tree = ast.parse(text)
    _Follower(graph).follow(tree, function, title)


BUILTINS: Mapping[str, Callable[..., Any]] = {
    "range": range,
    "len": len,
    "zip": zip,
    "enumerate": enumerate,
    "list": list,
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
    "int": int,
    "round": round,
}
FROM_MATH: Mapping[str, Callable[..., Any]] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "log2": math.log2,
}
COMPARING: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    **COMPARISONS,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class _Follower:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.by_name = {
            node.name if node.op == "InputLayer" else flat_name(node.name): node
            for node in graph
            if node.reuses is None
        }
        self.again = [node for node in graph if node.reuses is not None]
        self.left = {node.name for node in graph}
        self.unfrozen: set[str] = set()  # nodes of layers that are to be frozen yet
        self.globals: dict[str, Any] = dict(BUILTINS)
        self.num_statements = 0
        self.depth = 0
        self.line = 0
        self.main_line = 0  # the line of the statement of the model's own function

    def follow(self, tree: ast.Module, function: str, title: str) -> None:
        try:
            self.run(tree.body, self.globals)
            made = self.call_function(self.globals.get(function), [], {})
            if not isinstance(made, MadeModel):
                raise Mismatch(f"{function} returns no model")
            self.compare_model(made, title)
        except Mismatch as mismatch:
            mismatch.line = self.main_line or self.line
            raise
        except _Returned:
            raise Mismatch("return outside of a function") from None
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            found = Mismatch(f"{type(error).__name__}: {error}")
            found.line = self.main_line or self.line
            raise found from None

    def compare_model(self, made: MadeModel, title: str) -> None:
        wanted = ([*self.graph.inputs], [*self.graph.outputs], title)
        if (made.inputs, made.outputs, made.name) != wanted:
            raise Mismatch(f"the model is {made}, not {wanted}")
        if self.unfrozen:
            raise Mismatch(f"{min(self.unfrozen)} is trained")
        if self.left:
            raise Mismatch(f"no statement makes {min(self.left)}")

    # --- statements ------------------------------------------------------------------------------

    def run(self, body: list[ast.stmt], scope: dict[str, Any]) -> None:
        for statement in body:
            self.num_statements += 1
            if self.num_statements > MAX_STATEMENTS:
                raise Mismatch("the text takes too many steps")
            self.line = statement.lineno
            if self.depth == 1:
                self.main_line = statement.lineno
            self.step(statement, scope)

    def step(self, statement: ast.stmt, scope: dict[str, Any]) -> None:
        match statement:
            case ast.Import(names=[ast.alias(name="keras")]):
                scope["keras"] = "keras"
            case ast.ImportFrom(module="keras", names=[ast.alias(name="layers")]):
                scope["layers"] = "keras.layers"
            case ast.ImportFrom(module="math", names=names):
                scope |= {each.name: FROM_MATH[each.name] for each in names}
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Expr(value=value):
                self.value(value, scope)
            case ast.Assign(targets=[target], value=value):
                self.assign(target, self.value(value, scope), scope)
            case ast.FunctionDef(name=name, args=arguments):
                optional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
                defaults = [self.value(each, scope) for each in arguments.defaults]
                given = dict(zip((each.arg for each in optional), defaults, strict=True))
                stored = {
                    each.id
                    for each in ast.walk(statement)
                    if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
                }
                scope[name] = TextFunction(statement, given, frozenset(stored))
            case ast.If(test=test, body=body, orelse=otherwise):
                self.run(body if self.value(test, scope) else otherwise, scope)
            case ast.For(target=target, iter=items, body=body, orelse=[]):
                for each in self.value(items, scope):
                    self.assign(target, each, scope)
                    self.run(body, scope)
            case ast.Return(value=value) if value is not None:
                raise _Returned(self.value(value, scope))
            case _:
                raise Mismatch(f"{type(statement).__name__} is no statement of such a text")

    def assign(self, target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = value
            case ast.Tuple(elts=items):
                for each, part in zip(items, value, strict=True):
                    self.assign(each, part, scope)
            case ast.Subscript(value=owner, slice=key):
                self.value(owner, scope)[self.value(key, scope)] = value
            case ast.Attribute(value=owner, attr="trainable"):
                layer = self.value(owner, scope)
                if not isinstance(layer, MadeLayer) or layer.node is None or value is not False:
                    raise Mismatch("`trainable` is set where it must not")
                self.unfrozen.discard(layer.node.name)
            case _:
                raise Mismatch(f"{type(target).__name__} takes no value")

    def call_function(self, function: Any, given: list[Any], named: dict[str, Any]) -> Any:
        if not isinstance(function, TextFunction):
            raise Mismatch("this is no function")
        arguments = function.definition.args
        names = [each.arg for each in arguments.args]
        if len(given) > len(names):
            raise Mismatch("a function is given too much")
        scope = {**function.defaults, **dict(zip(names, given, strict=False))}
        known = {*names, *(each.arg for each in arguments.kwonlyargs)}
        if not named.keys() <= known or named.keys() & set(names[: len(given)]):
            raise Mismatch(f"{function.definition.name} is given {sorted(named)}")
        scope |= named
        scope[LOCALS] = function.local
        if not known <= scope.keys():
            raise Mismatch(f"{function.definition.name} lacks {sorted(known - scope.keys())}")
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise Mismatch("functions call each other too deep")
        try:
            self.run(function.definition.body, scope)
        except _Returned as returned:
            return returned.value
        finally:
            self.depth -= 1
        raise Mismatch(f"{function.definition.name} returns nothing")

    # --- expressions -----------------------------------------------------------------------------

    def value(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name in scope:
                    return scope[name]
                if name in self.globals and name not in scope.get(LOCALS, ()):
                    return self.globals[name]
                if name in LAYERS and LAYERS[name].file is not None:
                    return f"own.{name}"
                raise Mismatch(f"nothing is called {name}")
            case ast.Attribute(value=owner, attr=attr):
                return self.attribute(self.value(owner, scope), attr)
            case ast.List(elts=items):
                return self.values(items, scope)
            case ast.Tuple(elts=items):
                return tuple(self.values(items, scope))
            case ast.Dict(keys=keys, values=values):
                return {
                    self.value(key, scope): self.value(each, scope)
                    for key, each in zip(keys, values, strict=True)
                    if key is not None
                }
            case ast.JoinedStr(values=parts):
                return "".join(str(self.value(each, scope)) for each in parts)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.value(value, scope)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return self.value(body if self.value(test, scope) else otherwise, scope)
            case ast.BoolOp(op=op, values=values):
                result = None
                for each in values:
                    result = self.value(each, scope)
                    if bool(result) is isinstance(op, ast.Or):
                        break
                return result
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand, scope)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand, scope)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return +self.value(operand, scope)
            case ast.BinOp(left=left, op=op, right=right):
                return BINARY[type(op)](self.value(left, scope), self.value(right, scope))
            case ast.Compare(left=left, ops=ops, comparators=others):
                one = self.value(left, scope)
                for op_, each in zip(ops, others, strict=True):
                    other = self.value(each, scope)
                    if not COMPARING[type(op_)](one, other):
                        return False
                    one = other
                return True
            case ast.Subscript(value=owner, slice=ast.Slice(lower=lower, upper=upper, step=step)):
                bounds = [None if b is None else self.value(b, scope) for b in (lower, upper, step)]
                return self.value(owner, scope)[slice(*bounds)]
            case ast.Subscript(value=owner, slice=part):
                return self.value(owner, scope)[self.value(part, scope)]
            case ast.Call(func=function, args=args, keywords=keywords):
                given = self.values(args, scope)
                named = {each.arg or "": self.value(each.value, scope) for each in keywords}
                if isinstance(function, ast.Attribute) and function.attr == "append":
                    return self.value(function.value, scope).append(*given)
                return self.call(self.value(function, scope), given, named)
        raise Mismatch(f"{type(node).__name__} is no expression of such a text")

    def values(self, items: list[ast.expr], scope: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        for each in items:
            if isinstance(each, ast.Starred):
                found += self.value(each.value, scope)
            else:
                found.append(self.value(each, scope))
        return found

    def attribute(self, owner: Any, attr: str) -> Any:
        if isinstance(owner, LayerValue) and attr == "shape":
            return owner.shape
        if isinstance(owner, str) and owner.startswith("keras"):
            return f"{owner}.{attr}"
        raise Mismatch(f"`.{attr}` of what has no such attribute")

    def call(self, function: Any, given: list[Any], named: dict[str, Any]) -> Any:
        if isinstance(function, TextFunction):
            return self.call_function(function, given, named)
        if isinstance(function, MadeLayer):
            return self.call_layer(function, given, named)
        if callable(function):
            return function(*given, **named)
        module, _, name = str(function).rpartition(".")
        if function == "keras.Input":
            return self.make_input(*given, **named)
        if function == "keras.Model":
            return self.make_model(*given, **named)
        if module in ("keras.layers", "own") and name in LAYERS:
            names = list(LAYERS[name].arguments)
            if len(given) > len(names) or set(names[: len(given)]) & named.keys():
                raise Mismatch(f"{name} is given an argument twice")
            return MadeLayer(name, {**dict(zip(names, given, strict=False)), **named})
        for kind, each in MODULES.items():
            if module == each and name in TABLES[kind]:
                names = list(TABLES[kind][name])
                return MadeObject(kind, name, {**dict(zip(names, given, strict=False)), **named})
        raise Mismatch(f"{function} is nothing to call")

    # --- what the text makes ---------------------------------------------------------------------

    def make_input(self, shape: Any, dtype: str = "float32", name: str = "") -> LayerValue:
        node = self.take(name)
        wanted = node.arguments
        if node.op != "InputLayer" or (tuple(shape), dtype) != (wanted["shape"], wanted["dtype"]):
            raise Mismatch(f"the input {name} is another", node)
        return LayerValue(node, _shape(node))

    def make_model(self, inputs: Any, outputs: Any, name: str = "") -> MadeModel:
        return MadeModel([*map(_name, _listed(inputs))], [*map(_name, _listed(outputs))], name)

    def take(self, name: Any) -> Node:
        node = self.by_name.get(name)
        if node is None or node.name not in self.left:
            raise Mismatch(f"a layer is called {name}, which the network lacks, or has once")
        self.left.discard(node.name)
        return node

    def call_layer(self, layer: MadeLayer, given: list[Any], named: dict[str, Any]) -> LayerValue:
        takes = LAYERS[layer.op].takes
        slots = tuple(key for key, each in named.items() if isinstance(each, LayerValue))
        constants = {key: each for key, each in named.items() if key not in slots}
        inputs = given[0] if given and takes == "list" else given
        inputs = [named[key] for key in slots] if slots else inputs
        if bool(given) is bool(slots) or not all(isinstance(each, LayerValue) for each in inputs):
            raise Mismatch(f"{layer.op} takes what is no value of a layer")
        names = tuple(_name(each) for each in inputs)
        if layer.node is None:
            node = self.take(layer.arguments.get("name"))
            self.compare(layer, node)
            layer.node = node
        else:
            node = self.find_again(layer.node, names)
        if (node.inputs, node.slots, dict(node.call)) != (names, slots, constants):
            raise Mismatch(f"{node.name} takes {names}, not {node.inputs}", node)
        return LayerValue(node, _shape(node))

    def find_again(self, owner: Node, names: tuple[str, ...]) -> Node:
        for node in self.again:
            if node.reuses == owner.name and node.inputs == names and node.name in self.left:
                self.left.discard(node.name)
                return node
        raise Mismatch(f"{owner.name} is called again with {names}", owner)

    def compare(self, layer: MadeLayer, node: Node) -> None:
        if layer.op != node.op:
            raise Mismatch(f"{node.name} is a {node.op}, not a {layer.op}", node)
        table = LAYERS[node.op].arguments
        given: dict[str, Any] = {}
        for key, raw in layer.arguments.items():
            if key == "name":
                continue
            if key not in table:
                raise Mismatch(f"{node.op} has no argument {key}", node, key)
            kind = table[key].type.kind
            given[key] = _listed_deep(raw) if kind is None else _read_object(kind, raw, node, key)
        try:
            bound = bind_arguments(node.op, given)
        except Refused as refused:
            key = getattr(refused.at, "name", "")
            is_part = isinstance(given.get(key), float)
            raise Mismatch(refused.message, node, key, is_part) from None
        if forgets_freezing(node):
            self.unfrozen.add(node.name)
            bound["trainable"] = "trainable" in given  # or else it would not be frozen later
        for key, wanted in node.arguments.items():
            if bound[key] != wanted:
                raise Mismatch(f"{node.name}: {key} is {bound[key]}, not {wanted}", node, key)
            if key in given and table[key].type.kind is None and not is_exact(given[key], wanted):
                raise Mismatch(f"{node.name}: {key} is {given[key]!r}", node, key, True)


def _listed_deep(value: Any) -> Any:
    """Return a value with lists for tuples, as a spec has them."""
    return [*map(_listed_deep, value)] if isinstance(value, tuple | list) else value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(value: Any) -> str:
    if not isinstance(value, LayerValue):
        raise Mismatch(f"{value} is no value of a layer")
    return value.node.name


def _shape(node: Node) -> tuple[int | None, ...]:
    assert node.facts is not None
    return node.facts.shape


def _read_object(kind: str, raw: Any, node: Node, argument: str) -> Any:
    """Return an object as the table reads it. Raises `Mismatch` for what Keras would not take."""
    if isinstance(raw, MadeObject):
        found: Any = raw.kind, raw.name, raw.arguments
    elif isinstance(raw, MadeLayer):
        names = [name for name, op in ACTIVATION_LAYERS.items() if op == raw.op]
        found = "activation", names[0] if names else "", raw.arguments
    elif isinstance(raw, dict) and raw.keys() == {"class_name", "config"}:
        found = kind, raw["class_name"], raw["config"]
    elif raw is None or (isinstance(raw, str) and raw in KINDS[kind].spellings):
        return raw
    else:
        raise Mismatch(f"{argument} is {raw!r}", node, argument)
    found_kind, name, arguments = found
    if found_kind != kind or name not in TABLES[kind]:
        raise Mismatch(f"{argument} is a {found_kind}", node, argument)
    return {name: {key: _listed_deep(each) for key, each in arguments.items()}}


def is_exact(raw: Any, wanted: Any) -> bool:
    """Return whether a value is whole wherever the normal form is: Keras takes no 3.0 for a 3."""
    if isinstance(wanted, tuple | list):
        items = raw if isinstance(raw, tuple | list) else [raw] * len(wanted)
        return len(items) != len(wanted) or all(map(is_exact, items, wanted))
    if isinstance(raw, tuple | list):
        return all(is_exact(each, wanted) for each in raw)
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return isinstance(raw, int) and not isinstance(raw, bool)
    return True
