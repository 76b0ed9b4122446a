"""Write formulas of a spec as expressions of Python, whose grammar they mostly share."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

from archspec.errors import Refused
from archspec.source.statements import call, constant, name
from archspec.source.values import Unwritable
from archspec.syntax.formulas import (
    AXES,
    BINARY,
    COMPARISONS,
    FUNCTIONS,
    WORDS,
    evaluate,
    is_formula,
    parse,
)
from archspec.syntax.source import Value, iter_texts

# (name of a step, "height") -> its length; for "shape" all axes
FindAxis = Callable[[str, str], ast.expr]
OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ITERATES = ("len", "sum", "min", "max", "range")


def translate(
    text: str,
    env: Mapping[str, ast.expr],
    find_axis: FindAxis,
    iterates: bool = False,
) -> ast.expr:
    """Return a formula without its `=` as Python.

    env: what each name is called in the text. find_axis: gives the axis of a step. iterates:
    whether the value is only gone through, so that a range may stay one. Raises `Unwritable`.
    """
    try:
        return _Translation(env, find_axis).whole(parse(text), iterates)
    except Refused as refused:
        raise Unwritable(refused.message) from None


class _Translation:
    def __init__(self, env: Mapping[str, ast.expr], find_axis: FindAxis) -> None:
        self.env = env
        self.find_axis = find_axis

    def whole(self, node: ast.expr, iterates: bool = False) -> ast.expr:
        match node:
            case ast.Constant(value=int() | float() | str() as value):
                return constant(value)
            case ast.Name(id=word) if word in WORDS:
                return constant(WORDS[word])
            case ast.Name(id=word):
                if word not in self.env:
                    raise Unwritable(f"nothing is called {word} where it stands")
                return self.env[word]
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return ast.List([self.whole(each) for each in items])
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return ast.IfExp(self.whole(test), self.whole(body), self.whole(otherwise))
            case ast.BoolOp(op=op, values=values):
                return _join(op, [self.whole(each) for each in values])
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd() as op, operand=operand):
                inside = self.whole(operand)
                return negate(inside) if isinstance(op, ast.Not) else ast.UnaryOp(op, inside)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return ast.BinOp(self.whole(left), op, self.whole(right))
            case ast.Compare(left=left, ops=ops, comparators=others):
                if all(type(each) in COMPARISONS for each in ops):
                    return self.compare(left, ops, others)
            case ast.Subscript(value=ast.Attribute(attr="shape", value=owner), slice=part):
                return self.axis_at(_dotted(owner), part)
            case ast.Subscript(value=owner, slice=ast.Slice(lower=low, upper=high, step=step)):
                bounds = [None if each is None else self.whole(each) for each in (low, high, step)]
                return ast.Subscript(self.whole(owner), ast.Slice(*bounds))
            case ast.Subscript(value=owner, slice=part):
                return ast.Subscript(self.whole(owner), self.whole(part))
            case ast.Attribute(value=owner, attr=attr) if attr in AXES:
                axes = self.find_axis(_dotted(owner), attr)
                return axes if attr != "shape" else call(name("list"), [_without_batch(axes)])
            case ast.Call(func=ast.Name(id="len"), args=[ast.Attribute(attr="shape", value=owner)]):
                axes = self.find_axis(_dotted(owner), "shape")
                return ast.BinOp(call(name("len"), [axes]), ast.Sub(), constant(1))
            case ast.Call(func=ast.Name(id=word), args=args, keywords=[]) if word in FUNCTIONS:
                if word == "make_divisible" and len(args) > 2:
                    raise Unwritable("make_divisible is given a minimum")
                inner = word in ITERATES and len(args) == 1
                given = [self.whole(each, inner) for each in args]
                made = call(name(word), given)
                return made if word != "range" or iterates else call(name("list"), [made])
        raise Unwritable("a formula has a part that Python writes in another way")

    def compare(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> ast.expr:
        right = [
            self.whole(each, isinstance(op, ast.In | ast.NotIn))
            for op, each in zip(ops, others, strict=True)
        ]
        one = self.whole(left)
        if all(isinstance(each, ast.Constant) for each in (one, *right)):
            return constant(evaluate(ast.unparse(ast.Compare(left, ops, others)), {}))
        match ops, right:
            case [ast.Eq()], [ast.Constant(value=None)]:
                ops = [ast.Is()]
            case [ast.NotEq()], [ast.Constant(value=None)]:
                ops = [ast.IsNot()]
        return ast.Compare(one, ops, right)

    def axis_at(self, step: str, part: ast.expr) -> ast.expr:
        """Return an axis of a shape by its number; Python's shape has the batch before them."""
        axes = self.find_axis(step, "shape")
        match part:
            case ast.Constant(value=int() as number):
                return ast.Subscript(axes, constant(number + 1))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
                return ast.Subscript(axes, part)
            case ast.Slice(lower=low, upper=high, step=step_):
                bounds = [None if each is None else self.whole(each) for each in (low, high, step_)]
                listed = call(name("list"), [_without_batch(axes)])
                return ast.Subscript(listed, ast.Slice(*bounds))
        return ast.Subscript(_without_batch(axes), self.whole(part))


def negate(test: ast.expr) -> ast.expr:
    """Return a condition that is true where another one is false."""
    match test:
        case ast.Constant(value=value):
            return constant(not value)
        case ast.Compare(left=left, ops=[op], comparators=others) if type(op) in OPPOSITES:
            return ast.Compare(left, [OPPOSITES[type(op)]()], others)
    return ast.UnaryOp(ast.Not(), test)


def _join(op: ast.boolop, values: list[ast.expr]) -> ast.expr:
    """Return `a and b`, or `a or b`, without the values at the front that decide nothing."""
    while len(values) > 1 and isinstance(values[0], ast.Constant):
        if bool(values[0].value) is isinstance(op, ast.Or):
            return values[0]
        values = values[1:]
    return values[0] if len(values) == 1 else ast.BoolOp(op, values)


def _without_batch(axes: ast.expr) -> ast.expr:
    return ast.Subscript(axes, ast.Slice(constant(1), None, None))


def _dotted(node: ast.expr) -> str:
    """Return the name of a step as it is written in a formula, `a` or `a.b`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise Unwritable("a formula has an axis of what is no step")


def list_steps(value: Value) -> Iterator[str]:
    """Yield the names of the steps whose axes the formulas of a value take."""
    for text in iter_texts(value):
        if is_formula(text):
            yield from list_steps_in(text[1:])


def list_steps_in(text: str) -> Iterator[str]:
    """Yield the names of the steps whose axes a formula takes."""
    try:
        tree = parse(text)
    except Refused:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in AXES:
            try:
                yield _dotted(node.value)
            except Unwritable:
                continue
