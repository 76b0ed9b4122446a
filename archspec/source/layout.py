"""Lay out the text of a Python file: double quotes, lines of at most 100 characters, and breaks
where the formatters Black and Ruff put them.

An expression becomes a document of texts, groups and places for breaks, as in Wadler's "A prettier
printer": a group is on one line if it fits, up to the first break after it that is sure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from archspec.source.statements import (
    Assign,
    Do,
    Function,
    IfElse,
    Loop,
    Remark,
    Return,
    Statement,
)

WIDTH = 100
INDENT = 4


class Break(Struct, frozen=True):
    """A place for a break. flat: what stands there if there is none."""

    flat: str = ""


class IfBroken(Struct, frozen=True):
    """A text that is there only where the group around it is broken."""

    text: str


class DocPart(Struct, frozen=True):
    """A part of a document. group: whether it is broken by itself. indented: whether its breaks are
    deeper."""

    items: tuple[Doc, ...]
    group: bool = False
    indented: bool = False


Doc = str | Break | IfBroken | DocPart
SOFT, SPACE = Break(), Break(" ")


def _group(*items: Doc) -> DocPart:
    return DocPart(items, group=True)


def _indent(*items: Doc) -> DocPart:
    return DocPart(items, indented=True)


def _join(items: Sequence[Doc]) -> Doc:
    """Items after commas; where they are on lines of their own, the last has one, too."""
    parts: list[Doc] = []
    for number, each in enumerate(items):
        parts += [",", SPACE, each] if number else [each]
    return DocPart((*parts, IfBroken(",")))


def _enclose(opener: str, inside: Doc, closer: str) -> Doc:
    return _group(opener, _indent(SOFT, inside), SOFT, closer)


# --- printing ------------------------------------------------------------------------------------

Mode = Literal["flat", "broken"]
Left = list[tuple[int, Mode, Doc]]


def _print(doc: Doc, indent: int) -> str:
    """Return the lines of a document that begins at an indent."""
    out: list[str] = []
    column = indent
    left: Left = [(indent, "broken", doc)]
    while left:
        depth, mode, each = left.pop()
        if isinstance(each, str):
            out.append(each)
            column += len(each)
        elif isinstance(each, IfBroken):
            if mode == "broken":
                out.append(each.text)
                column += len(each.text)
        elif isinstance(each, Break):
            if mode == "flat":
                out.append(each.flat)
                column += len(each.flat)
            else:
                out.append("\n" + " " * depth)
                column = depth
        else:
            inner = depth + INDENT if each.indented else depth
            if each.group:
                mode = "flat" if _fits(inner, each, left, WIDTH - column) else "broken"
            left += [(inner, mode, item) for item in reversed(each.items)]
    return "".join(out)


def _fits(indent: int, group: DocPart, rest: Left, width: int) -> bool:
    """Return whether a group fits on the line, with what follows up to the first sure break."""
    left: Left = [(indent, "flat", item) for item in reversed(group.items)]
    after = len(rest)
    while width >= 0:
        if not left:
            if not after:
                return True
            after -= 1
            left.append(rest[after])
        depth, mode, each = left.pop()
        if isinstance(each, str):
            width -= len(each)
        elif isinstance(each, IfBroken):
            width -= len(each.text) if mode == "broken" else 0
        elif isinstance(each, Break):
            if mode == "broken":
                return True
            width -= len(each.flat)
        else:
            left += [(depth, mode, item) for item in reversed(each.items)]
    return False


# --- expressions ---------------------------------------------------------------------------------

POWERS: dict[type[ast.AST], int] = {
    ast.IfExp: 1,
    ast.Or: 2,
    ast.And: 3,
    ast.Not: 4,
    ast.Compare: 5,
    ast.Add: 9,
    ast.Sub: 9,
    ast.Mult: 10,
    ast.Div: 10,
    ast.FloorDiv: 10,
    ast.Mod: 10,
    ast.USub: 11,
    ast.UAdd: 11,
    ast.Pow: 12,
}
SIGNS: dict[type[ast.AST], str] = {
    ast.Or: "or",
    ast.And: "and",
    ast.Not: "not ",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
ATOM = 20


def _power(node: ast.expr) -> int:
    """Return how tightly the parts of an expression hold together."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp):
        return POWERS[type(node.op)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value < 0:
        return POWERS[ast.USub]
    return POWERS.get(type(node), ATOM)


def _doc(node: ast.expr, least: int = 0) -> Doc:
    """Return the document of an expression, in brackets if it holds together less than `least`."""
    inside = _inside(node)
    return _enclose("(", inside, ")") if _power(node) < least else inside


def _inside(node: ast.expr) -> Doc:
    match node:
        case ast.Constant(value=value):
            return literal(value)
        case ast.Name(id=text):
            return text
        case ast.Attribute(value=owner, attr=attr):
            return DocPart((_doc(owner, ATOM), f".{attr}"))
        case ast.JoinedStr():
            return _write_f_string(node)
        case ast.List(elts=items):
            return _enclose("[", _join([_doc(each) for each in items]), "]") if items else "[]"
        case ast.Tuple(elts=items):
            if len(items) == 1:
                return _group("(", _indent(SOFT, _doc(items[0]), ","), SOFT, ")")
            return _enclose("(", _join([_doc(each) for each in items]), ")") if items else "()"
        case ast.Dict(keys=keys, values=values):
            pairs: list[Doc] = [
                DocPart((_doc(key or node), ": ", _doc(value)))
                for key, value in zip(keys, values, strict=True)
            ]
            return _enclose("{", _join(pairs), "}") if pairs else "{}"
        case ast.Call(func=function, args=args, keywords=keywords):
            given: list[Doc] = [_doc(each) for each in args]
            given += [DocPart((f"{each.arg}=", _doc(each.value))) for each in keywords]
            callee = _doc(function, ATOM)
            if not given:
                return DocPart((callee, "()"))
            return DocPart((callee, _enclose("(", _group(_join(given)), ")")))
        case ast.Starred(value=value):
            return DocPart(("*", _doc(value, 6)))
        case ast.Subscript(value=owner, slice=part):
            index = _write_slice(part) if isinstance(part, ast.Slice) else _doc(part)
            return DocPart((_doc(owner, ATOM), _enclose("[", index, "]")))
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return _group(
                _doc(body, 2), SPACE, "if ", _doc(test, 2), SPACE, "else ", _doc(otherwise, 1)
            )
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            gap = "" if _is_simple(left) and _is_simple(right) else " "
            return DocPart((_doc(left, 13), f"{gap}**{gap}", _doc(right, 11)))
        case ast.BinOp(op=op, left=left, right=right):
            own = POWERS[type(op)]
            return _group(*_chain(left, own), SPACE, f"{SIGNS[type(op)]} ", _doc(right, own + 1))
        case ast.BoolOp(op=op, values=values):
            own = POWERS[type(op)]
            # Within `or`, brackets around `and` show what belongs together.
            least = ATOM if isinstance(op, ast.Or) else own + 1
            parts = [_doc(each, least if isinstance(each, ast.BoolOp) else own) for each in values]
            joined: list[Doc] = [parts[0]]
            for each in parts[1:]:
                joined += [SPACE, f"{SIGNS[type(op)]} ", each]
            return _group(*joined)
        case ast.Compare(left=left, ops=ops, comparators=others):
            compared: list[Doc] = [_doc(left, 6)]
            for op_, other in zip(ops, others, strict=True):
                compared += [SPACE, f"{SIGNS[type(op_)]} ", _doc(other, 6)]
            return _group(*compared)
        case ast.UnaryOp(op=op, operand=operand):
            return DocPart((SIGNS[type(op)], _doc(operand, POWERS[type(op)])))
    raise TypeError(f"no layout for {ast.dump(node)}")


def _chain(left: ast.expr, power: int) -> tuple[Doc, ...]:
    """Return the left side of an operator, in one group with others of its kind."""
    if isinstance(left, ast.BinOp) and not isinstance(left.op, ast.Pow):
        own = POWERS[type(left.op)]
        if own == power:
            sign = f"{SIGNS[type(left.op)]} "
            return (*_chain(left.left, own), SPACE, sign, _doc(left.right, own + 1))
    return (_doc(left, power),)


def _is_simple(node: ast.expr) -> bool:
    """Return whether `**` stands close to an operand."""
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        return _is_simple(node.operand)
    if isinstance(node, ast.Attribute):
        return _is_simple(node.value) and not isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Name) or (
        isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    )


def _write_slice(part: ast.Slice) -> Doc:
    """Return a slice, with spaces around `:` where a bound is more than a name or a number."""
    bounds = [each for each in (part.lower, part.upper, part.step) if each is not None]
    simple = all(isinstance(each, ast.Constant | ast.Name | ast.UnaryOp) for each in bounds)
    gap = "" if simple else " "
    items: list[Doc] = []
    if part.lower is not None:
        items += [_doc(part.lower), gap]
    items.append(":")
    if part.upper is not None:
        items += [gap, _doc(part.upper)]
    if part.step is not None:
        items += [gap if part.upper is not None else "", ":", gap, _doc(part.step)]
    return DocPart(tuple(items))


def literal(value: object) -> str:
    """Return a number, a text, True, False or None as Python has it.

    >>> literal(5e-05), literal("it's"), literal(-1.0)
    ('5e-5', '"it\\'s"', '-1.0')
    """
    if isinstance(value, str):
        return _quote(value)
    return re.sub(r"e([+-]?)0*(\d)", lambda found: f"e{found[1].strip('+')}{found[2]}", repr(value))


def _quote(text: str, within: str = "") -> str:
    """Return a text in double quotes, unless it has more of these than of single ones."""
    inside = repr(f"'{text}")[2:-1]  # with a single quote in it, repr takes double ones if it can
    if '"' not in text:
        return f'"{inside}"'
    if "'" not in text:
        return "'" + repr(f'"{text}')[2:-1] + "'"
    escaped = text.encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{escaped}"'


def _write_f_string(node: ast.JoinedStr) -> str:
    """Return an f-string. Texts in its braces have single quotes."""
    parts = []
    for each in node.values:
        if isinstance(each, ast.Constant):
            parts.append(str(each.value))
        elif isinstance(each, ast.FormattedValue):
            inside = _print_flat(_doc(each.value))
            parts.append("{" + inside.replace('"', "'") + "}")
    return f'f"{"".join(parts)}"'


def _print_flat(doc: Doc) -> str:
    if isinstance(doc, str):
        return doc
    if isinstance(doc, DocPart):
        return "".join(map(_print_flat, doc.items))
    return doc.flat if isinstance(doc, Break) else ""


def write_expression(node: ast.expr) -> str:
    """Return an expression on one line."""
    return _print_flat(_doc(node))


# --- statements ----------------------------------------------------------------------------------


def _bare(node: ast.expr) -> Doc:
    """Return an expression that stands in no brackets; in such if it needs several lines."""
    if _power(node) == ATOM:
        return _doc(node)
    return _group(IfBroken("("), _indent(SOFT, _doc(node)), SOFT, IfBroken(")"))


def _bare_target(node: ast.expr) -> Doc:
    """Return the target of a loop, which has brackets only where it needs several lines."""
    if not isinstance(node, ast.Tuple):
        return _doc(node)
    items = _join([_doc(each) for each in node.elts])
    return _group(IfBroken("("), _indent(SOFT, items), SOFT, IfBroken(")"))


def write_body(body: Iterable[Statement], indent: int = 0) -> Iterator[str]:
    """Yield the lines of statements."""
    for each in body:
        yield from _write(each, indent)


def _write(statement: Statement, indent: int) -> Iterator[str]:
    def lines(*docs: Doc) -> list[str]:
        return (" " * indent + _print(DocPart(docs), indent)).split("\n")

    match statement:
        case Assign(target=target, value=value):
            yield from lines(_doc(target), " = ", _bare(value))
        case Do(value=value):
            yield from lines(_bare(value))
        case Return(value=value):
            yield from lines("return ", _bare(value))
        case Remark(text=text):
            for line in _wrap(text, WIDTH - indent - 2):
                yield f"{' ' * indent}# {line}"
        case Loop(target=target, items=items, body=body):
            yield from lines("for ", _bare_target(target), " in ", _bare(items), ":")
            yield from write_body(body, indent + INDENT)
        case IfElse(test=test, body=body, otherwise=otherwise):
            yield from lines("if ", _bare(test), ":")
            yield from write_body(body, indent + INDENT)
            while len(otherwise) == 1 and isinstance(otherwise[0], IfElse):
                inner = otherwise[0]
                yield from lines("elif ", _bare(inner.test), ":")
                yield from write_body(inner.body, indent + INDENT)
                otherwise = inner.otherwise
            if otherwise:
                yield " " * indent + "else:"
                yield from write_body(otherwise, indent + INDENT)


def write_function(function: Function) -> Iterator[str]:
    """Yield the lines of a function."""
    parameters: list[Doc] = [*function.required]
    parameters += [DocPart((f"{each}=", _doc(value))) for each, value in function.optional.items()]
    parameters += ["*", *function.keyword] if function.keyword else []
    head = _enclose("(", _group(_join(parameters)), ")") if parameters else "()"
    yield from _print(DocPart((f"def {function.name}", head, ":")), 0).split("\n")
    if function.doc:
        yield from write_docstring(function.doc, INDENT)
    yield from write_body(function.body, INDENT)


def write_docstring(text: str, indent: int) -> Iterator[str]:
    """Yield the lines of a docstring."""
    lines = _wrap(text.replace("\\", "\\\\").replace('"""', "'''"), WIDTH - indent - 6)
    if lines and lines[-1].endswith('"'):
        lines[-1] += " "
    space = " " * indent
    if len(lines) == 1:
        yield f'{space}"""{lines[0]}"""'
    else:
        yield f'{space}"""{lines[0]}'
        yield from (f"{space}{each}" for each in lines[1:])
        yield f'{space}"""'


def _wrap(text: str, width: int) -> list[str]:
    """Return a text in lines of a width; a word that is longer has a line of its own."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines
