"""Keep the names in a body as they are written, and which of them steps refer to.

This is done before the body is written, since a value that is referred to needs a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct, field

from archspec.expand.scopes import snake_case
from archspec.source.formulas import list_steps, list_steps_in
from archspec.source.trace import Trace
from archspec.syntax.formulas import PLACEHOLDER
from archspec.syntax.source import Value
from archspec.syntax.steps import (
    Arguments,
    BlockCall,
    Body,
    Branch,
    Branches,
    For,
    From,
    Group,
    LayerCall,
    Repeat,
    Reuse,
    Step,
)

Use = Literal["variable", "table", "list"]


class WrittenName(Struct, eq=False):
    """A name in a body: its text, with `{...}`; where it leads to; the loops around it, with its
    own. explicit: whether it is written. is_call: whether what is inside is in a block. labels: the
    names that it was given, if that is known."""

    text: str
    step: Step
    scope: WrittenScope | None
    loops: tuple[Step, ...]
    explicit: bool
    is_call: bool = False
    labels: frozenset[str] = frozenset()

    def fits(self, reference: str) -> bool:
        """Return whether a part of a reference may be this name."""
        if reference == self.text:
            return True
        if "{" not in reference and "*" not in reference:
            if self.labels:
                return reference in self.labels
            return re.fullmatch(_pattern(self.text), reference) is not None
        sample = PLACEHOLDER.sub("0", self.text)
        return re.fullmatch(_pattern(reference), sample) is not None


class WrittenScope(Struct, eq=False):
    """The names in a group, a branch or a whole body. text: its name. loops: those around it."""

    parent: WrittenScope | None = None
    text: str = ""
    names: list[WrittenName] = field(default_factory=list)
    loops: tuple[Step, ...] = ()

    def find(self, reference: str) -> list[WrittenName]:
        """Return the names that a reference may be, those of the nearest scope."""
        return self.find_from(reference)[1]

    def find_from(self, reference: str) -> tuple[WrittenScope, list[WrittenName]]:
        """Return the scope that a reference leads from, and the names that it may be."""
        first, *rest = reference.split(".")
        scope: WrittenScope | None = self
        while scope is not None:
            found = scope._find_here(first)
            for part in rest:
                inside = [each.scope for each in found if each.scope is not None]
                calls = [each for each in found if each.is_call]
                found = [*calls, *(name for each in inside for name in each._find_here(part))]
            if found:
                return scope, found
            scope = scope.parent
        return self, []

    def _find_here(self, part: str) -> list[WrittenName]:
        exact = [each for each in self.names if each.text == part]
        if "*" in part:
            return [each for each in self.names if each.explicit and each.fits(part)]
        exact = [
            each for each in exact if each.explicit
        ] or exact  # past which unnamed steps are numbered
        return exact or [each for each in self.names if each.fits(part)]


def _pattern(text: str) -> str:
    """Return the regular expression of a text with `{...}` and `*`."""
    parts = re.split(r"\{[^{}]*\}|\*", text)
    return ".*".join(map(re.escape, parts))


class Reference(Struct, eq=False):
    """A place that refers to a step: the text, and where it stands. again: by `reuse`."""

    text: str
    scope: WrittenScope
    loops: tuple[Step, ...]
    again: bool = False


class Wanted(Struct, eq=False):
    """The names and steps that a body refers to.

    root: its scope. scopes: the scope that each step stands in. uses: how a step's value is kept.
    again: the steps whose layer is called again. shared: the names that `input` stands for.
    lists: the patterns that a step in a loop fits, by step.
    """

    root: WrittenScope
    scopes: dict[Step, WrittenScope] = field(default_factory=dict)
    uses: dict[Step, Use] = field(default_factory=dict)
    again: set[Step] = field(default_factory=set)
    lists: dict[Step, list[tuple[str, WrittenScope]]] = field(default_factory=dict)
    uses_input: bool = False
    into_calls: set[str] = field(default_factory=set)

    def keep(self, step: Step) -> None:
        """Keep the value of a step in a variable."""
        self.uses.setdefault(step, "variable")


def find_wanted(
    body: Body | None, trace: Trace, outputs: Sequence[str] = (), values: Iterable[Value] = ()
) -> Wanted:
    """Return what a body refers to.

    outputs: the names that are used after it. values: others with formulas, such as defaults.
    """
    finder = _ReferenceFinder(trace)
    if body is not None:
        finder.read_body(body, finder.wanted.root, ())
    for each in outputs:
        finder.add(each, finder.wanted.root, ())
    for value in values:
        finder.add_formulas(value, finder.wanted.root, ())
    finder.resolve()
    return finder.wanted


class _ReferenceFinder:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.wanted = Wanted(WrittenScope())
        self.references: list[Reference] = []

    def add(
        self, text: str, scope: WrittenScope, loops: tuple[Step, ...], again: bool = False
    ) -> None:
        if text == "input":
            self.wanted.uses_input = True
        elif text != "previous":
            self.references.append(Reference(text, scope, loops, again))

    def add_formulas(
        self, value: Value | None, scope: WrittenScope, loops: tuple[Step, ...]
    ) -> None:
        for each in list_steps(value) if value is not None else ():
            self.add(each, scope, loops)

    def add_text(self, value: Value | None, scope: WrittenScope, loops: tuple[Step, ...]) -> None:
        """Add the steps in the `{...}` of a name."""
        for part in PLACEHOLDER.findall(str(value.data)) if value is not None else ():
            for each in list_steps_in(part):
                self.add(each, scope, loops)

    def read_body(self, body: Body | None, scope: WrittenScope, loops: tuple[Step, ...]) -> None:
        for step in body.steps if body is not None else ():
            self.read(step, scope, loops)

    def read(self, step: Step, scope: WrittenScope, loops: tuple[Step, ...]) -> None:
        self.wanted.scopes[step] = scope
        self.add_formulas(_looped(step), scope, loops)
        inner = (*loops, step) if step.loop is not None else loops
        self.add_formulas(step.condition, scope, inner)
        self.add_text(step.name, scope, inner)
        for each in step.sources.names if step.sources is not None else ():
            self.add(str(each.data), scope, inner)
            self.add_text(each, scope, inner)
        text = None if step.name is None else str(step.name.data)
        if text is not None and isinstance(step.loop, Repeat):
            text += "{}"
        match step:
            case LayerCall() | BlockCall():
                for value in _values(step.arguments):
                    self.add_formulas(value, scope, inner)
                is_call = isinstance(step, BlockCall)
                base = step.label if is_call else snake_case(step.label)
                self.enter(text, base, step, scope, None, inner, is_call)
            case Reuse():
                self.add(str(step.target.data), scope, inner, again=True)
                self.add_text(step.target, scope, inner)
                self.enter(text, "", step, scope, None, inner)
            case Branches():
                inside = self.open(text, step, scope, inner)
                for branch in step.branches:
                    self.read_branch(branch, inside, inner)
                if step.merge is not None:
                    self.read(step.merge, inside, inner)
            case Group() | Branch():
                inside = self.open(text, step, scope, inner)
                self.read_body(step.body, inside, inner)
                self.read_body(step.otherwise, inside, inner)
            case From():
                self.open(text, step, scope, inner)

    def read_branch(self, branch: Branch, scope: WrittenScope, loops: tuple[Step, ...]) -> None:
        self.wanted.scopes[branch] = scope
        self.add_formulas(_looped(branch), scope, loops)
        inner = (*loops, branch) if branch.loop is not None else loops
        self.add_formulas(branch.condition, scope, inner)
        text = branch_text(branch)
        inside = self.open(text, branch, scope, inner)
        for each in branch.sources.names if branch.sources is not None else ():
            self.add(str(each.data), inside, inner)
        self.read_body(branch.body, inside, inner)
        self.read_body(branch.otherwise, inside, inner)

    def open(
        self, text: str | None, step: Step, scope: WrittenScope, loops: tuple[Step, ...]
    ) -> WrittenScope:
        """Return the scope inside a group; its own if it has a name."""
        if text is None:
            return scope
        inside = WrittenScope(scope, text, loops=loops)
        self.enter(text, "", step, scope, inside, loops)
        return inside

    def enter(
        self,
        text: str | None,
        base: str,
        step: Step,
        scope: WrittenScope,
        inside: WrittenScope | None,
        loops: tuple[Step, ...],
        is_call: bool = False,
    ) -> None:
        written = WrittenName(
            text or base, step, inside, loops, text is not None, is_call, self.labels_of(step)
        )
        if written.text:
            scope.names.append(written)

    def labels_of(self, step: Step) -> frozenset[str]:
        return frozenset(each.label for each in self.trace.of(step) if each.label)

    def resolve(self) -> None:
        """Decide how each value is kept that something refers to."""
        wanted = self.wanted
        for reference in self.references:
            found = reference.scope.find(reference.text)
            depth = reference.text.count(".")
            for each in found:
                if each.is_call and depth and not each.fits(reference.text.rpartition(".")[2]):
                    wanted.into_calls.add(reference.text)
                    continue
                if reference.again:
                    wanted.again.add(each.step)
                    continue
                outside = [loop for loop in each.loops if loop not in reference.loops]
                if "*" in reference.text and any(
                    loop not in reference.loops for one in found for loop in one.loops
                ):
                    lists = wanted.lists.setdefault(each.step, [])
                    if all(text != reference.text for text, _ in lists):
                        lists.append((reference.text, reference.scope))
                elif outside or wanted.uses.get(each.step) == "table":
                    wanted.uses[each.step] = "table"
                else:
                    wanted.uses[each.step] = "variable"


def branch_text(branch: Branch) -> str | None:
    """Return the name of a branch as it is written."""
    return str(branch.name.data) if branch.name is not None else branch.key


def _looped(step: Step) -> Value | None:
    match step.loop:
        case For(value=value):
            return value
        case Repeat(count=count):
            return count
    return None


def _values(arguments: Arguments | None) -> Iterator[Value]:
    if arguments is not None:
        yield from arguments.by_name("").values()
