"""Evaluate formulas such as `=width * 2**stage`, and names with placeholders such as
`stage{stage}`.

Python's parser reads them, and a walk over a closed list of node types evaluates them: nothing is
ever imported, called by name or executed. Length, depth, steps and the size of every value are
bounded, so that no formula can hang or fill the memory.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from archspec.arguments import show
from archspec.errors import AtFormula, Note, Refused, did_you_mean, one_of

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_ITEMS = 10_000
MAX_DIGITS = 40
MAX_WORK = 1_000_000  # parts of formulas evaluated; long lists count for more

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
WORDS = {"true": True, "false": False, "null": None}
AXES = ("channels", "height", "width", "depth", "length", "shape")  # after a step's name
SPATIAL = {1: (), 2: ("length",), 3: ("height", "width"), 4: ("depth", "height", "width")}


def is_formula(value: Any) -> bool:
    """Return whether a value is the text of a formula, which begins with `=`."""
    return isinstance(value, str) and value.startswith("=")


class NoValue(Struct, frozen=True, eq=False):
    """The reason why a name has no value: the error of a formula that uses the name."""

    message: str = ""
    code: str = "formula"
    hint: str | None = None


class Unseen(NoValue, frozen=True, eq=False):
    """The reason why a name of what is around a block has no value in it, and may be used anew."""


REPORTED = NoValue()  # the error of the name itself has been reported


class Axes(Struct, frozen=True):
    """The axes of a step's value without the batch, None where one is unknown."""

    shape: tuple[int | None, ...]
    channels_first: bool = False

    def find(self, name: str) -> int | None:
        """Return the position of an axis by its name; None for an axis that the value lacks.

        >>> Axes((28, 14, 64)).find("width")
        1
        """
        if name == "channels":
            return 0 if self.channels_first else len(self.shape) - 1
        spatial = SPATIAL.get(len(self.shape), ())
        return spatial.index(name) + self.channels_first if name in spatial else None


FindAxes = Callable[[str], Axes]  # of a step by its name; raises `Refused` where there is none


# Names that formulas of a schedule may have, and their value before a training begins.
COUNTED = ("epochs", "steps_per_epoch")
LATER = object()


class Reported(Exception):
    """Raised when a formula uses a name that has no value because of an error already reported."""


class Work(Struct):
    """The work that evaluating all formulas of one spec may still take, loops included."""

    left: int = field(default_factory=lambda: MAX_WORK)


def evaluate(
    text: str,
    names: Mapping[str, Any],
    work: Work | None = None,
    find_axes: FindAxes | None = None,
) -> Any:
    """Return the value of a formula without its `=`: a number, text, true, false, null or a list.

    names: the value of each name, a `NoValue` where it has none. work: what the formulas of the
    spec may still take; by default this one has a budget of its own. find_axes: gives the axes of a
    step, for `stem.height`. Raises `Refused` with the part to blame, and `Reported` if the formula
    needs a name whose own error has been reported.

    >>> evaluate("width * 2**stage", {"width": 64, "stage": 1})
    128
    """
    return _Evaluation(names, work or Work(), find_axes or _find_no_axes).value(parse(text), 0)


def _find_no_axes(name: str) -> Axes:
    message = f"the shape of '{name}' is not known here: params and defaults see no steps"
    raise Refused(message, code="formula", hint="write it at the layer that needs it")


def fill(
    text: str,
    names: Mapping[str, Any],
    work: Work | None = None,
    find_axes: FindAxes | None = None,
) -> str:
    """Return a name with each `{...}` replaced by its value. Raises as `evaluate` does.

    >>> fill("stage{stage}", {"stage": 2})
    'stage2'
    """

    def part(match: re.Match[str]) -> str:
        value = evaluate(match[1].strip(), names, work, find_axes)
        whole = _whole(value)
        if whole is None and not isinstance(value, str):
            message = f"'{match[0]}' in a name must be an integer or text, got {show(value)}"
            raise Refused(message, code="formula", hint="quote a value that is meant as text")
        return value if whole is None else str(whole)

    return PLACEHOLDER.sub(part, text)


def words_in(text: str) -> set[str]:
    """Return the words of a formula, or of the `{...}` in a name; some of them are names.

    >>> sorted(words_in("=max(width, 8)"))
    ['max', 'width']
    """
    parts = [text[1:]] if is_formula(text) else PLACEHOLDER.findall(text)
    return {word for part in parts for word in re.findall(r"[^\W\d]\w*", part)}


@lru_cache(4096)
def names_in(text: str) -> tuple[str, ...]:
    """Return the names of params and variables in a formula, or in the `{...}` of a name.

    Unlike `words_in`, it leaves out steps, and returns nothing for what cannot be read.

    >>> names_in("=max(width, stem.height)")
    ('max', 'width')
    """
    parts = [text[1:]] if is_formula(text) else PLACEHOLDER.findall(text)
    try:
        return tuple(name for part in parts for name in _names_of(parse(part)))
    except Refused:
        return ()


def lacks_sign(text: str, names: Collection[str]) -> bool:
    """Return whether a text would be a formula of some names if it began with `=`.

    A lone number is none, nor is a list in round brackets.

    >>> [lacks_sign(text, {"width"}) for text in ("2 * width", "range(3)", "relu", "(3, 3)")]
    [True, True, False, False]
    """
    try:
        node = parse(text)
    except Refused:
        return False
    parts = list(ast.walk(node))
    known = {*names, *FUNCTIONS}
    unknown = [part for part in parts if isinstance(part, ast.Name) and part.id not in known]
    return not unknown and isinstance(node, ast.Name | ast.BinOp | ast.Call | ast.Subscript)


def is_unbalanced(text: str) -> bool:
    """Return whether a formula's brackets do not match, as when YAML cut it at a comma."""
    closers, stack, quote = {")": "(", "]": "["}, [], ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            stack.append(char)
        elif char in ")]" and (not stack or stack.pop() != closers[char]):
            return True
    return bool(stack)


@lru_cache(4096)
def parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise Refused(f"the formula is longer than {MAX_LENGTH} characters", code="formula")
    if not text.strip():
        raise Refused("there is no formula after the '='", code="formula")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = getattr(error, "offset", None) or len(text.strip())  # 0: at the end
        what = getattr(error, "msg", str(error)).removesuffix(". Perhaps you forgot a comma?")
        what = what.removesuffix(" (detected at line 1)").replace("string literal", "text")
        detail = "" if what in ("invalid syntax", "") else f": {what}"
        foreign = re.search(r"&&|\|\||!(?!=)|<>|\?|(?<![=<>!])=(?!=)", text)
        hint = "write `and`, `or`, `not`, `==`, `!=`, `a if c else b`" if foreign else None
        if named := re.search(r"[\w.-]*\w\{[^{}]*\}[\w{}-]*\.(\w+)", text):
            step = named[0].rpartition(".")[0]
            detail = ": a name in a formula takes no {}"
            hint = f"write a step `- from: {step}` before it, and then previous.{named[1]}"
        message = f"the formula cannot be read here{detail}"
        raise Refused(message, AtFormula(at - 1, 1), "formula", hint) from None


def make_divisible(value: float, divisor: int = 8, minimum: int | None = None) -> int:
    """Return the multiple of `divisor` nearest to `value`, and at least 0.9 of it.

    minimum: the smallest result; by default `divisor`. Howard et al., MobileNets.

    >>> make_divisible(33), make_divisible(37)
    (32, 40)
    """
    floor = divisor if minimum is None else minimum
    rounded = max(floor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def _whole(value: Any) -> int | None:
    """Return 4 for 4 and for 4.0; None for what is no integer, and for booleans."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def _range(*bounds: Any) -> list[int]:
    whole = [_whole(each) for each in bounds]
    if None in whole:
        wrong = show(bounds[whole.index(None)])
        raise Refused(f"range expects integers, got {wrong}", code="formula")
    numbers = range(*(each for each in whole if each is not None))
    if len(numbers) > MAX_ITEMS:
        raise Refused(f"range gives more than {MAX_ITEMS:,} numbers", code="formula")
    return list(numbers)


def _sum(items: list[Any]) -> Any:
    if any(isinstance(each, list | str) for each in items):
        raise Refused("sum adds up numbers", code="formula")
    return sum(items)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "range": _range,
    "len": len,
    "min": min,
    "max": max,
    "sum": _sum,
    "abs": abs,
    "int": int,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "log2": math.log2,
    "make_divisible": make_divisible,
}

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


def awaits(text: str, names: Mapping[str, Any]) -> bool:
    """Return whether a formula without its `=` names something that is known `LATER`."""
    if not any(word in text for word in COUNTED):  # of most formulas no more need be known
        return False
    return any(names.get(name) is LATER for name in _names_of(parse(text)))


def put_values(text: str, names: Mapping[str, Any]) -> str:
    """Return a formula without its `=` in which names have become their values, but for those that
    are known `LATER`.

    >>> put_values("warm * steps_per_epoch", {"warm": 2, "steps_per_epoch": LATER})
    '2 * steps_per_epoch'
    """

    class Values(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            value = names.get(node.id, LATER)
            return ast.Constant(value) if isinstance(value, int | float | str) else node

    return ast.unparse(Values().visit(deepcopy(parse(text))))


class _Evaluation:
    """Evaluates one formula: a method for each kind of node that a formula may have."""

    def __init__(self, names: Mapping[str, Any], work: Work, find_axes: FindAxes) -> None:
        self.names = names
        self.work = work
        self.find_axes = find_axes

    def value(self, node: ast.expr, depth: int) -> Any:
        """Return the value of a node, and take its cost from the budget."""
        if depth > MAX_DEPTH:
            raise _refused(node, "the formula is nested too deep")
        result = self.walk(node, depth)
        self.work.left -= 1 + (len(result) // 4 if isinstance(result, list | str) else 0)
        if self.work.left < 0:
            message = "the formulas of this spec take too long to evaluate"
            hint = "put what a loop computes again and again in a param"
            raise _refused(node, message, hint, "too-large")
        return result

    def walk(self, node: ast.expr, depth: int) -> Any:
        match node:
            case ast.Constant(value=None | bool() as value):
                raise _refused(node, f"'{value}' is written {show(value)}")
            case ast.Constant(value=int() | float() | str() as value):
                return self.bounded(value, node)
            case ast.Name(id=name):
                return self.name(name, node)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return self.bounded([self.value(each, depth + 1) for each in items], node)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return self.value(body if self.value(test, depth + 1) else otherwise, depth + 1)
            case ast.BoolOp(op=op, values=values):
                stop = isinstance(op, ast.Or)
                for each in values:
                    result = self.value(each, depth + 1)
                    if bool(result) is stop:
                        break
                return result
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand, depth + 1)
            case ast.UnaryOp(op=op, operand=operand) if isinstance(op, ast.USub | ast.UAdd):
                number = self.number(self.value(operand, depth + 1), operand, operand)
                return -number if isinstance(op, ast.USub) else number
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                a, b = self.value(left, depth + 1), self.value(right, depth + 1)
                return self.bounded(self.arithmetic(op, a, b, node), node)
            case ast.Compare(left=left):
                return self.compare(self.value(left, depth + 1), node, depth)
            case ast.Subscript(value=ast.Attribute(attr="shape") as value, slice=part):
                axes = self.axis(value)
                return self.known(self.part(axes, part, node, depth), value)
            case ast.Subscript(value=value, slice=part):
                return self.part(self.value(value, depth + 1), part, node, depth)
            case ast.Attribute(attr=attr) if attr in AXES:
                return self.known(self.axis(node), node)
            case ast.Call(
                func=ast.Name(id="len"), args=[ast.Attribute(attr="shape") as shape], keywords=[]
            ):
                return len(self.axis(shape))  # known even if an axis is not
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, [self.value(each, depth + 1) for each in arguments], node)
            case ast.BinOp(op=ast.BitXor()):
                raise _refused(node, "this cannot stand in a formula", "a power is written **")
            case ast.Call(func=ast.Attribute(attr=name)) if name in FUNCTIONS:
                raise _refused(node, "this cannot stand in a formula", f"write {name}(...)")
            case ast.Attribute(attr=attr, value=owner) if self.may_be_step(_dotted(owner)):
                other = {"filters": "channels", "units": "channels"}.get(attr)
                near = one_of([other]) if other else did_you_mean(attr, AXES)
                message = f"the step '{_dotted(owner)}' has no axis '{attr}'"
                raise _refused(node, message, near or f"a step has {', '.join(AXES)}")
        raise _refused(
            node,
            "this cannot stand in a formula",
            "formulas know numbers, quoted text, lists, arithmetic, comparison, and or not, "
            "`a if c else b`, indexing, slices, `step.height` and " + " ".join(FUNCTIONS),
        )

    def name(self, name: str, node: ast.expr) -> Any:
        if name in WORDS:
            return WORDS[name]
        if name in self.names:
            value = self.names[name]
            if isinstance(value, NoValue):
                if value is REPORTED:
                    raise Reported
                raise _refused(node, value.message, value.hint, value.code)
            return value
        if name in FUNCTIONS:
            raise _refused(node, f"'{name}' is a function: write {name}(...)")
        if name in ("previous", "input"):
            axes = ", ".join(f"{name}.{each}" for each in AXES)
            raise _refused(node, f"'{name}' is a step, and a formula takes its axes", axes)
        sure = self.names.items()  # a param that failed is reported, and known all the same
        usable = [each for each, v in sure if v is REPORTED or not isinstance(v, NoValue)]
        hint = did_you_mean(name, [*usable, *WORDS], declared=True) or (
            f"names known here: {', '.join(usable) or 'none'}; text needs quotes"
        )
        raise _refused(node, f"no param or loop variable is called '{name}'", hint, "unknown-name")

    def may_be_step(self, name: str | None) -> bool:
        return name is not None and name.partition(".")[0] not in self.names

    def arithmetic(self, op: ast.operator, a: Any, b: Any, node: ast.BinOp) -> Any:
        if isinstance(op, ast.Add) and isinstance(a, list) and isinstance(b, list):
            return a + b
        if isinstance(op, ast.Add) and isinstance(a, str) and isinstance(b, str):
            return a + b
        if isinstance(op, ast.Mult) and isinstance(a, list) != isinstance(b, list):
            items, times = (a, _whole(b)) if isinstance(a, list) else (b, _whole(a))
            if times is not None:
                if len(items) * times > MAX_ITEMS:
                    raise _wrong_value(node, f"the result holds more than {MAX_ITEMS:,} items")
                return items * times
        for each, part in ((a, node.left), (b, node.right)):
            self.number(each, node, part)
        grows = isinstance(op, ast.Pow) and isinstance(a, int) and isinstance(b, int) and abs(a) > 1
        if grows and b * math.log10(abs(a)) > MAX_DIGITS + 1:
            raise _wrong_value(node, f"the result has more than {MAX_DIGITS} digits")
        try:
            result = BINARY[type(op)](a, b)
        except ZeroDivisionError:
            raise _wrong_value(node, "division by zero", node.right) from None
        except OverflowError:
            raise _wrong_value(node, "the result is too large") from None
        if isinstance(result, complex):
            raise _wrong_value(node, "a root of a negative number")
        return result

    def compare(self, left: Any, node: ast.Compare, depth: int) -> bool:
        for op, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other, depth + 1)
            if type(op) not in COMPARISONS:
                raise _refused(other, "write == to compare")
            try:
                if not COMPARISONS[type(op)](left, right):
                    return False
            except TypeError:
                raise _wrong_value(other, "these two cannot be compared", node) from None
            left = right
        return True

    def axis(self, node: ast.Attribute) -> Any:
        """Return the axis, or the shape, that `stem.height` names; None where it is unknown."""
        name = _dotted(node.value)
        if name is None:
            message = f"`.{node.attr}` stands after the name of a step"
            raise _refused(node, message, "for example previous.channels")
        try:
            axes = self.find_axes(name)
        except Refused as refused:
            message, code, notes = refused.message, refused.code, refused.notes
            raise _refused(node, message, refused.hint, code, notes=notes) from None
        if node.attr == "shape":
            return list(axes.shape)
        position = axes.find(node.attr)
        if position is None:
            message = f"'{name}' has no {node.attr}: its shape is {show(list(axes.shape))}"
            named = [each for each in AXES[:-1] if axes.find(each) is not None]
            raise _refused(node, message, f"it has {', '.join((*named, 'shape'))}")
        return axes.shape[position]

    def known(self, value: Any, node: ast.Attribute) -> Any:
        """Return an axis, or a list of axes, if all of it is known."""
        if value is None or (isinstance(value, list) and None in value):
            message = f"'{ast.unparse(node)}' is unknown (null) here"
            raise _refused(node, message, "give the input a size, or leave that axis out")
        return value

    def part(self, items: Any, part: ast.expr, node: ast.expr, depth: int) -> Any:
        """Return an item of a list, or a slice of it."""
        if not isinstance(part, ast.Slice):
            return self.index(items, self.value(part, depth + 1), node)
        if not isinstance(items, list | str):
            raise _wrong_value(node, "only a list can be sliced")
        bounds = []
        for bound in (part.lower, part.upper, part.step):
            value = None if bound is None else self.value(bound, depth + 1)
            whole = None if value is None else _whole(value)
            if bound is not None and (whole is None or (bound is part.step and whole == 0)):
                raise _wrong_value(bound, f"a slice is made of integers, got {show(value)}")
            bounds.append(whole)
        return items[slice(*bounds)]

    def index(self, items: Any, index: Any, node: ast.expr) -> Any:
        if not isinstance(items, list | str):
            raise _wrong_value(node, "only a list can be indexed")
        position = _whole(index)
        if position is None:
            raise _wrong_value(node, f"an index must be an integer, got {show(index)}")
        if not -len(items) <= position < len(items):
            raise _wrong_value(node, f"index {position} is outside a list of {len(items)}")
        return items[position]

    def call(self, name: str, arguments: list[Any], node: ast.expr) -> Any:
        if name not in FUNCTIONS:
            hint = did_you_mean(name, FUNCTIONS) or f"they have {', '.join(FUNCTIONS)}"
            hint = "a power is written **" if name == "pow" else hint
            raise _refused(node, f"formulas have no function '{name}'", hint)
        try:
            return self.bounded(FUNCTIONS[name](*arguments), node)
        except Refused as refused:
            raise _wrong_value(node, refused.message) from None
        except (TypeError, ValueError, OverflowError, ZeroDivisionError):
            what = ", ".join(map(show, arguments)) or "nothing"
            raise _wrong_value(node, f"{name} cannot take {what}") from None

    def number(self, value: Any, node: ast.expr, part: ast.expr) -> Any:
        """Return a value if it is a number. part: what in the node gave it."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            kind = "a list" if isinstance(value, list) else "null" if value is None else repr(value)
            raise _wrong_value(node, f"arithmetic expects numbers, got {str(kind).lower()}", part)
        return value

    def bounded(self, value: Any, node: ast.expr) -> Any:
        """Return a value, or refuse one that is too large."""
        if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
            raise _wrong_value(node, f"the result has more than {MAX_DIGITS} digits")
        if isinstance(value, float) and not math.isfinite(value):
            raise _wrong_value(node, "the result is not a finite number")
        if is_too_large(value):
            raise _wrong_value(node, f"the result holds more than {MAX_ITEMS:,} items")
        return value


def _dotted(node: ast.expr) -> str | None:
    """Return a name as it is written in a formula, `a` or `a.b`, or None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return None if inner is None else f"{inner}.{node.attr}"
    return None


def is_too_large(value: Any) -> bool:
    """Return whether a value holds more than MAX_ITEMS items or characters in all.

    Stops counting just past the limit.
    """
    if not isinstance(value, str | list | dict):
        return False
    count, stack = 0, [value]
    while stack and count <= MAX_ITEMS:
        each = stack.pop()
        count += len(each)
        if count <= MAX_ITEMS and not isinstance(each, str):
            inside = each.values() if isinstance(each, dict) else each
            stack += [item for item in inside if isinstance(item, str | list | dict)]
    return count > MAX_ITEMS


def _refused(
    node: ast.expr,
    message: str,
    hint: str | None = None,
    code: str = "formula",
    names: tuple[str, ...] = (),
    notes: tuple[Note, ...] = (),
) -> Refused:
    length = (node.end_col_offset or node.col_offset + 1) - node.col_offset
    return Refused(message, AtFormula(node.col_offset, length, names), code, hint, notes)


def _wrong_value(node: ast.expr, message: str, part: ast.expr | None = None) -> Refused:
    """Return the error of a part of a formula that is well written, with values that it refuses.

    part: the part that gave them; by default all of the node.
    """
    return _refused(node, message, names=tuple(_names_of(part or node)))


def _names_of(node: ast.AST) -> Iterator[str]:
    """Yield the names of params and variables in a node, as written; no step's in `stem.height`."""
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, ast.Name):
            yield each.id
        elif not isinstance(each, ast.Attribute):
            stack += reversed(list(ast.iter_child_nodes(each)))
