"""Define the scopes of a spec as written: the names usable at a place, and the steps they mean.

A scope holds the steps of a file, a block, a named group or a branch. A path leads from a step into
the scopes inside it; that of a block is one for all its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.editing.names import Occurrence, Template
from archspec.syntax.source import Value

Frame = Mapping[str, Occurrence]
LAST = 10**9  # the order of what may name every step


class Place(Struct, frozen=True, eq=False):
    """A place in a spec, and the names that can be used there.

    scope: of steps. frames: the names of formulas, the nearest first. order: of the step. loops:
    those around it.
    """

    scope: StepScope
    home: FileNames
    frames: tuple[Frame, ...]
    loops: tuple[int, ...] = ()
    order: int = 0

    def find(self, name: str) -> Occurrence | None:
        """Return the definition of a name in formulas."""
        return next((frame[name] for frame in self.frames if name in frame), None)

    def with_frame(self, frame: Frame) -> Place:
        return replace(self, frames=(frame, *self.frames)) if frame else self


class StepName(Struct, eq=False):
    """A step by its name. held: gives the scopes that a path leads into."""

    mark: Occurrence
    template: Template
    place: Place
    label: str = ""
    held: list[Callable[[], Iterable[StepScope]]] = field(default_factory=list)

    def scopes(self) -> Iterator[StepScope]:
        for each in self.held:
            yield from each()

    @property
    def block(self) -> BlockNames | None:
        """The block that the step calls."""
        return self.place.home.blocks.get(self.label)


class StepScope(Struct, eq=False):
    """The steps of a file, a block, a named group or a branch; parent: the scope around it."""

    parent: StepScope | None = None
    steps: list[StepName] = field(default_factory=list)

    def outward(self) -> Iterator[StepScope]:
        scope: StepScope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class BlockNames(Struct, eq=False):
    """The names of a block: its own, its params and its steps."""

    mark: Occurrence
    home: FileNames
    params: dict[str, Occurrence] = field(default_factory=dict)
    scope: StepScope = field(default_factory=StepScope)


class FileNames(Struct, eq=False):
    """The names of a file and its bases, which are one file in effect."""

    params: dict[str, Occurrence] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    blocks: dict[str, BlockNames] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    inputs: StepScope = field(default_factory=StepScope)
    top: StepScope = field(default_factory=StepScope)


# --- which steps a name means --------------------------------------------------------------------


def look_up(text: str, place: Place) -> list[StepName]:
    """Return the steps of the nearest scope that a name may mean."""
    later: list[StepName] = []
    for scope in place.scope.outward():
        fitting = select(text, scope.steps)
        there = [each for each in fitting if _is_before(each.place, place)]
        if there:
            return there
        later = later or fitting
    return later


def _is_before(step: Place, reference: Place) -> bool:
    """Return whether a step can be named: it is before the reference, or in one loop with it."""
    together = any(loop in reference.loops for loop in step.loops)
    return step.order <= reference.order or together


def select(text: str, steps: Iterable[StepName]) -> list[StepName]:
    """Return the steps that a part of a path may mean: those of the very name, if there are any."""
    if "*" in text:
        return [each for each in steps if each.template.may_fit(text)]
    steps = list(steps)
    same = [each for each in steps if each.template.text == text]
    return same or [each for each in steps if each.template.match(text) is not None]


def list_scopes(top: StepScope) -> Iterator[StepScope]:
    """Yield a scope and all those inside it, each once."""
    seen: set[int] = set()
    stack = [top]
    while stack:
        scope = stack.pop()
        if id(scope) not in seen:
            seen.add(id(scope))
            yield scope
            stack += [inside for step in scope.steps for inside in step.scopes()]


class PatternFit:
    """The steps that each part of a pattern of an edit fits, on the ways that fit it whole."""

    def __init__(self, parts: Sequence[str], top: StepScope) -> None:
        self.parts = parts
        self.steps: dict[int, dict[int, StepName]] = {number: {} for number in range(len(parts))}
        self._known: dict[tuple[int, int], bool] = {}
        self._fit(0, top)

    def _fit(self, at: int, scope: StepScope) -> bool:
        """Return whether the parts from one on fit steps in a scope, and keep these."""
        key = at, id(scope)
        if key not in self._known:
            self._known[key] = False  # a block that calls itself
            last = at == len(self.parts) - 1
            deep = self.parts[at] == "**"
            found = deep and not last and self._fit(at + 1, scope)
            for step in scope.steps if deep else select(self.parts[at], scope.steps):
                following = at if deep else at + 1
                scopes = step.scopes() if following < len(self.parts) else ()
                inside = [self._fit(following, each) for each in scopes]
                if last or any(inside):
                    found = True
                    self.steps[at][id(step)] = step
            self._known[key] = found
        return self._known[key]
