"""Walk steps, and enter their names and the names they can use into scopes."""

from __future__ import annotations

from itertools import count

from msgspec.structs import replace

from archspec.editing.marks import MarkMaker
from archspec.editing.names import Occurrence, Template
from archspec.editing.parts import find_parts, locate
from archspec.editing.references import References
from archspec.editing.scopes import LAST, BlockNames, Frame, Place, StepName, StepScope
from archspec.editing.values import items_of, one_or_several
from archspec.errors import Span
from archspec.expand.scopes import snake_case
from archspec.layers import LAYERS
from archspec.syntax.source import Value
from archspec.syntax.words import BESIDE, WORDS


class StepWalker:
    """Walks steps in the order in which they are written.

    places: what is seen from each step, by its span. loops: the variables of each `for`, by the
    place of this word.
    """

    def __init__(self, marks: MarkMaker, references: References) -> None:
        self.marks, self.references = marks, references
        self.places: list[tuple[Span, Place]] = []
        self.loops: dict[Span, Frame] = {}
        self._count = count(1)

    def walk_body(self, body: Value, place: Place) -> None:
        for each in items_of(body):
            self.walk_step(each, place)

    def walk_step(self, value: Value, place: Place) -> StepName | None:
        """Walk a step, and enter its name. Return it, if it has one."""
        place = replace(place, order=next(self._count))
        if isinstance(value.data, str):
            self.places.append((value.span, place))
            return self._walk_call(value.data, value.span, None, None, place, False)
        if not isinstance(value.data, dict):
            return None
        place, repeats = self._walk_loop(value, place)
        self.places.append((value.span, place))
        for word in ("when", "call"):
            if word in value.data:
                self.references.tie_names(value.data[word], place)
        self._walk_sources(value, place)
        name = value.data.get("name")
        if name is not None:
            self.references.tie_names(name, place)
        label = next((key for key in value.data if key not in BESIDE), None)
        if label is None:
            return self.enter(name, place, repeats)
        if label not in WORDS:
            span = value.key_span(label)
            return self._walk_call(label, span, value.data[label], name, place, repeats)
        step = self.enter(name, place, repeats, label)
        if label == "reuse":
            self.references.refer(value.data[label], place)
            if step is not None:
                step.held.append(lambda: self.references.scopes_of(value.data[label], place))
            return step
        inside = place
        if step is not None:
            scope = StepScope(place.scope)
            step.held.append(lambda: (scope,))
            inside = replace(place, scope=scope)
        if label == "layers":
            for key in ("layers", "else"):
                if key in value.data:
                    self.walk_body(value.data[key], inside)
        else:
            self._walk_branches(value.data[label], inside)
            if (merge := value.get("merge")) is not None:
                self.walk_step(merge, inside)
        return step

    def _walk_branches(self, branches: Value, place: Place) -> None:
        if isinstance(branches.data, dict):
            for key, span, each in branches.entries():
                self._walk_branch(Value(key, span), each, place)
        for each in branches.data if isinstance(branches.data, tuple) else ():
            self._walk_branch(None, each, place)

    def _walk_branch(self, key: Value | None, branch: Value, place: Place) -> None:
        place = replace(place, order=next(self._count))
        place, _ = self._walk_loop(branch, place)
        name = branch.get("name") or key
        for each in (key, branch.get("name")):
            if each is not None:
                self.references.tie_names(each, place)
        step = self.enter(name, place, False)
        if step is not None:
            scope = StepScope(place.scope)
            step.held.append(lambda: (scope,))
            place = replace(place, scope=scope)
        self.places.append((branch.span, place))
        if (when := branch.get("when")) is not None:
            self.references.tie_names(when, place)
        self._walk_sources(branch, place)
        if isinstance(branch.data, tuple):
            self.walk_body(branch, place)
        for word in ("layers", "else"):
            if (body := branch.get(word)) is not None:
                self.walk_body(body, place)

    def _walk_loop(self, step: Value, place: Place) -> tuple[Place, bool]:
        """Return what a step sees in its loop, and whether its name is numbered."""
        repeats = isinstance(step.data, dict) and "repeat" in step.data
        if repeats:
            self.references.tie_names(step.data["repeat"], place)
        loop = step.get("for")
        if loop is not None:
            self.references.tie_names(loop, place)
            frame = self.loops[step.key_span("for")] = self._find_variables(loop, place)
            place = place.with_frame(frame)
        if loop is not None or repeats:
            place = replace(place, loops=(*place.loops, next(self._count)))
        return place, repeats

    def _find_variables(self, loop: Value, place: Place) -> Frame:
        """Return the variables of a `for`; of a formula that names a table, those of the table."""
        frame: dict[str, Occurrence] = {}
        if isinstance(loop.data, str):
            parts = find_parts(loop.data)
            table = None
            if len(parts) == 1 and parts[0].end - parts[0].start == len(loop.data[1:].strip()):
                found = place.find(parts[0].text)
                if found is place.home.params.get(parts[0].text):
                    table = place.home.values.get(parts[0].text)
            loop = table if table is not None else loop
        for row in loop.data if isinstance(loop.data, tuple) else (loop,):
            for key, span, _ in row.entries():
                start = 0
                for name in key.split(","):
                    lead = len(name) - len(name.lstrip())
                    variable = name.strip()
                    at = locate(key, span, start + lead, start + lead + len(variable))
                    start += len(name) + 1
                    if variable:
                        self.marks.define(
                            "variable", variable, at or span, frame, hidden=at is None
                        )
        return frame

    def _walk_sources(self, step: Value, place: Place) -> None:
        sources = step.get("from")
        if sources is None:
            return
        if isinstance(sources.data, dict):
            word = next((key for key in step.data if key not in BESIDE), "")
            block = place.home.blocks.get(word)
            for slot, span, each in sources.entries():
                self.references.refer(each, place)
                if block is not None:  # a slot is an input of the block
                    inside = Place(block.scope, place.home, (), order=LAST)
                    self.references.refer(Value(slot, span), inside, known_only=True)
            return
        for each in one_or_several(sources):
            self.references.refer(each, place)

    def _walk_call(
        self,
        label: str,
        span: Span,
        under: Value | None,
        name: Value | None,
        place: Place,
        repeats: bool,
    ) -> StepName | None:
        """Walk the call of a layer or of a block, and enter its name."""
        block = place.home.blocks.get(label)
        called: Occurrence | None = None
        if block is not None:
            called = self.marks.use("block", label, span, block.mark)
        elif label not in LAYERS and label[:1].islower():
            self.marks.names.add(self.marks.make("unknown", label, span))
        if under is not None:
            self.walk_arguments(under, block, place)
        if name is not None:
            step = self.enter(name, place, repeats, label)
        else:
            kind = label if block is not None else snake_case(label)
            mark = called or Occurrence("step", span, kind, "hidden", defines=True)
            if called is None:
                mark = self.marks.names.add(mark)
            step = StepName(mark, Template(kind, "unnamed"), place, label)
            place.scope.steps.append(step)
        if block is not None and step is not None:
            step.held.append(lambda: (block.scope,))
        return step

    def walk_arguments(self, under: Value, block: BlockNames | None, place: Place) -> None:
        self.references.tie_names(under, place)
        for name, span, _ in under.entries() if block is not None else ():
            if block is not None and name in block.params:
                self.marks.use("param", name, span, block.params[name])

    def enter(
        self, name: Value | None, place: Place, repeats: bool, label: str = ""
    ) -> StepName | None:
        """Enter a step by the name that is written; None if none is."""
        if name is None or isinstance(name.data, dict | tuple) or name.data is None:
            return None
        text = str(name.data)
        mark = self.marks.mark("step", text, name.span, defines=True)
        template = Template(text, "repeat" if repeats else "")
        step = StepName(mark, template, place, label)
        place.scope.steps.append(step)
        return step
