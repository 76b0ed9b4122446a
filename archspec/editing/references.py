"""Find what is referred to: steps by their paths, and names in formulas by their scopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from archspec.editing.marks import MarkMaker
from archspec.editing.names import Occurrence
from archspec.editing.parts import FormulaPart, find_parts, split_path
from archspec.editing.scopes import Place, StepScope, look_up, select
from archspec.errors import Span
from archspec.expand.defaults import CHANNELS
from archspec.expand.loops import INDEX
from archspec.expand.origins import SAME
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Value
from archspec.syntax.words import RESERVED

GIVEN = (CHANNELS, INDEX)  # names that the language gives


class StepPath(Struct, frozen=True, eq=False):
    """A path to a step: its parts, each with its mark."""

    parts: tuple[Occurrence, ...]
    place: Place


class References:
    """References to steps, which are looked for when all steps are known, and the names in
    formulas, which stand before them."""

    def __init__(self, marks: MarkMaker) -> None:
        self.marks = marks
        self.waiting: list[StepPath] = []

    def resolve_all(self) -> None:
        """Tie every reference to the steps that it means."""
        for each in self.waiting:
            self._resolve(each)

    def refer(self, value: Value, place: Place, known_only: bool = False) -> None:
        """Keep a reference to a step, to be looked for when all steps are known.

        known_only: whether it may be something else, so that it is a mark only if it is found.
        """
        if value.data is None or isinstance(value.data, dict | tuple):
            return
        text = str(value.data)
        self.tie_names(value, place)
        if text in RESERVED or is_formula(text):
            return
        parts = tuple(self.marks.split(value))
        if not known_only:
            parts = tuple(
                part if "*" in part.text else self.marks.names.add(replace(part, kind="unknown"))
                for part in parts
            )
        self.waiting.append(StepPath(parts, place))

    def refer_measure(self, value: Value, top: Place) -> None:
        """Keep the output that a measure is of, as in `val_head_loss`."""
        text = str(value.data)
        start = len(text) - len(text.removeprefix("val_"))
        for name in sorted(top.home.outputs, key=len, reverse=True):
            if text.startswith(f"{name}_", start):
                part = self.marks.part("step", name, text, value.span, start)
                self.waiting.append(StepPath((part,), top))
                return

    def _resolve(self, reference: StepPath) -> None:
        """Tie the parts of a reference to the steps that they mean."""
        place = reference.place
        first, *rest = reference.parts
        steps = look_up(first.text, place)
        for part in (first, *rest):
            if part is not first:
                scopes = [scope for step in steps for scope in step.scopes()]
                steps = select(part.text, [step for scope in scopes for step in scope.steps])
            if not steps:
                return
            self.marks.tie_part(replace(part, kind="step"), steps)

    def scopes_of(self, target: Value, place: Place) -> Iterator[StepScope]:
        """Yield the scopes inside the step that `reuse` names."""
        first, *rest = (part for _, part in split_path(str(target.data)))
        steps = [each for each in look_up(first, place) if each.place is not place]
        for part in rest:
            inside = (step for each in steps for scope in each.scopes() for step in scope.steps)
            steps = select(part, list(inside))
        for step in steps:
            yield from step.scopes()

    # --- formulas --------------------------------------------------------------------------------

    def tie_names(self, value: Value, place: Place, key: tuple[str, Span] | None = None) -> None:
        """Tie the names in the formulas of a value. key: that it stands at, for `==`."""
        if isinstance(value.data, dict):
            for name, span, each in value.entries():
                self.tie_names(each, place, (name, span))
        elif isinstance(value.data, tuple):
            for each in value.data:
                self.tie_names(each, place)
        elif value.data == SAME:
            found = place.find(key[0]) if key is not None else None
            if found is not None and key is not None:
                mark = self.marks.names.add(Occurrence(found.kind, value.span, key[0], "same"))
                self.marks.names.tie(found, mark)
                self.marks.names.values[self.marks.make("unknown", *key).key] = mark
        elif isinstance(value.data, str) and ("{" in value.data or is_formula(value.data)):
            self._walk_formula(value.data, value.span, place)

    def _walk_formula(self, text: str, span: Span, place: Place) -> None:
        path: list[Occurrence] = []
        for part in find_parts(text):
            if part.kind == "name":
                self._use_name(part, text, span, place)
            if part.kind == "step" and part.path == 0:
                self._refer_path(path, place)
                path = []
            if part.kind == "step":
                path.append(self.marks.part("step", part.text, text, span, part.start))
        self._refer_path(path, place)

    def _refer_path(self, path: Sequence[Occurrence], place: Place) -> None:
        if path and path[0].text not in RESERVED:
            parts = (self.marks.names.add(replace(part, kind="unknown")) for part in path)
            self.waiting.append(StepPath(tuple(parts), place))

    def _use_name(self, part: FormulaPart, text: str, span: Span, place: Place) -> None:
        mark = self.marks.part("unknown", part.text, text, span, part.start)
        found = place.find(part.text)
        if found is None:
            if part.text not in GIVEN:
                self.marks.names.add(mark)
        else:
            self.marks.names.tie(found, self.marks.names.add(replace(mark, kind=found.kind)))
