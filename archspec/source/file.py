"""Put the parts of a source file together: where it is from, imports, constants, functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from itertools import chain

from msgspec import Struct, field

from archspec.source.layout import write_body, write_function
from archspec.source.replay import FROM_MATH
from archspec.source.statements import Assign, Function, Statement, expressions, walk

MAKE_DIVISIBLE = '''\
def make_divisible(value, divisor=8):
    """Return the multiple of `divisor` nearest to `value`, and at least 0.9 of it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
'''


class OwnClasses(Struct, eq=False):
    """The code that makes the classes of the user's own layers: imports and other statements, as
    the user wrote them, and the function that makes each class, by the layer.
    """

    imports: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    makers: dict[str, str] = field(default_factory=dict)


class SourceFile(Struct, eq=False):
    """A source file in the making.

    main: the function of the model. origin: what the first line says. constants, functions: in
    their order.
    """

    main: Function
    origin: str = ""
    constants: list[Assign] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)

    def write(self, own: OwnClasses | None = None) -> str:
        """Return the text.

        own: what makes the classes of layers of one's own; without it they are only named.
        """
        own = own or OwnClasses()
        functions = [*self.functions, self.main]
        called = _names_called(self.constants, functions)
        lines = [f"# {self.origin}", ""]
        from_math = sorted(called & FROM_MATH.keys())
        imports = {f"from math import {', '.join(from_math)}"} if from_math else set()
        imports |= set(own.imports)
        if imports:
            lines += [*sorted(imports), ""]
        lines += ["import keras", "from keras import layers", ""]
        parts = [[*write_body(self.constants), ""]] if self.constants else []
        if "make_divisible" in called:
            parts.append(["", *MAKE_DIVISIBLE.split("\n")])
        if "make_divisible" in _names_called(self.constants, ()):
            parts = [parts[1], [""], parts[0]]
        lines += chain.from_iterable(parts)
        for text in own.texts:
            lines += ["", *text.split("\n"), ""]
        if own.makers:
            lines += ["", *(f"{name} = {maker}()" for name, maker in own.makers.items()), ""]
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
