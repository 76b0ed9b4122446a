"""Give layers and block calls the names that they have in the graph."""

from __future__ import annotations

import ast

from archspec.source.rooms import Pieces, Room
from archspec.source.statements import (
    Assign,
    constant,
    name,
)
from archspec.source.suffixes import Test, find_suffix
from archspec.source.wiring import ValueWiring
from archspec.syntax.steps import (
    Step,
)


class Naming(ValueWiring):
    """The names of steps that have none in the spec."""

    def label(self, step: Step, base: str, room: Room) -> Pieces:
        """Return the last part of the name of a layer or a block call."""
        if step.name is not None:
            return self.explicit(step, room)
        visits = self.trace.of(step)
        if not visits:
            return (self.unused_label(step, base, room),)
        tests = [Test(text, made) for text, made in self.tests.get(room.scope, ())]
        suffix = find_suffix(visits, base, room.counters, tests)
        if isinstance(suffix, ast.Constant):
            return (f"{base}{suffix.value!s}",)
        match suffix:
            case ast.JoinedStr():
                return (base, *_parts(suffix))
            case ast.IfExp(body=ast.Constant(value=str(one)), orelse=ast.Constant(value=str(two))):
                if one and two:
                    numbers = constant(int(one[1:])), constant(int(two[1:]))
                    return (base, "_", ast.IfExp(suffix.test, *numbers))
        return (base, self.suffix(suffix, room))

    def unused_label(self, step: Step, base: str, room: Room) -> str:
        """Return a name for a step that is never there, which no other one beside it has."""
        beside = [each.step for each in room.scope.names if each.text == base]
        taken = {visit.label for each in beside for visit in self.trace.of(each)}
        before = (
            sum(not self.trace.of(each) for each in beside[: beside.index(step)])
            if step in beside
            else 0
        )
        free = (
            label for label in (base, *(f"{base}_{n}" for n in range(1, 999))) if label not in taken
        )
        return [next(free) for _ in range(before + 1)][-1]

    def suffix(self, made: ast.expr, room: Room) -> ast.expr:
        """Return the variable of what stands behind the names of several steps."""
        used = {node.id for node in ast.walk(made) if isinstance(node, ast.Name)}
        head = next(
            (head for head, variables in reversed(room.heads) if variables & used), room.heads[0][0]
        )
        key = f"{id(head)} {ast.dump(made)}"
        if key not in self.suffixes:
            variable = self.names.new("suffix")
            self.suffixes[key] = head, variable
            head.append(Assign(name(variable), made))
        return name(self.suffixes[key][1])


def _parts(text: ast.JoinedStr) -> Pieces:
    """Return the texts and formulas of an f-string."""
    return tuple(
        each.value if isinstance(each, ast.FormattedValue) else each for each in text.values
    )
