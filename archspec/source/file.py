"""Put the parts of a source file together: where it is from, imports, constants, functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from archspec.source.layout import write_body, write_docstring, write_function
from archspec.source.replay import FROM_MATH
from archspec.source.statements import Assign, Function, Remark, Statement, expressions, walk

MAKE_DIVISIBLE = '''\
def make_divisible(value, divisor=8):
    """Return the multiple of `divisor` nearest to `value`, and at least 0.9 of it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
'''


class SourceFile(Struct, eq=False):
    """A source file in the making.

    origin: what the first line says. doc: its docstring. constants: in their order. functions: in
    their order, that of the model the last. own: the text that makes each layer of one's own.
    """

    origin: str
    main: Function
    doc: str = ""
    constants: list[Assign | Remark] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    own: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> str:
        """Return the text."""
        functions = [*self.functions, self.main]
        called = _names_called(self.constants, functions)
        lines = [f"# {self.origin}"]
        if self.doc:
            lines += [*write_docstring(self.doc, 0)]
        lines += [""]
        from_math = sorted(called & FROM_MATH.keys())
        if from_math:
            lines += [f"from math import {', '.join(from_math)}", ""]
        lines += ["import keras", "from keras import layers", ""]
        if self.constants:
            lines += [*write_body(self.constants), ""]
        if "make_divisible" in called:
            lines += ["", *MAKE_DIVISIBLE.split("\n")]
        for text in self.own.values():
            lines += ["", *text.rstrip("\n").split("\n"), ""]
        for each in functions:
            lines += ["", *write_function(each), ""]
        return "\n".join(lines).rstrip("\n") + "\n"


def _names_called(constants: Iterable[Statement], functions: Sequence[Function]) -> set[str]:
    """Return the names of all functions that are called by a name."""
    statements = [
        *constants,
        *(each for function in functions for each in walk(function.body)),
    ]
    parts = [part for each in statements for part in expressions(each)]
    parts += [each for function in functions for each in function.optional.values()]
    nodes = (node for part in parts for node in ast.walk(part))
    return {
        node.func.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
