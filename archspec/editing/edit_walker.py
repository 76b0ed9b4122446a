"""Match edits with the steps that they are for, and give these their new names."""

from __future__ import annotations

from msgspec.structs import replace

from archspec.editing.scopes import PatternFit, Place, StepName, StepScope, list_scopes
from archspec.editing.step_walker import StepWalker
from archspec.editing.values import one_or_several
from archspec.syntax.edits import VERBS
from archspec.syntax.source import Value


class EditWalker:
    """Walks edits, each after the steps of the network and the edits before it."""

    def __init__(self, steps: StepWalker) -> None:
        self.steps, self.marks, self.references = steps, steps.marks, steps.references

    def walk_edit(self, edit: Value, top: Place) -> None:
        """Walk an edit, which sees what the steps see that it is for."""
        if not isinstance(edit.data, dict):
            return
        file = replace(top, scope=top.scope)
        of = edit.get("of")
        label = ""
        if of is not None:
            only = next(iter(of.data), "") if isinstance(of.data, dict) else str(of.data)
            label = str(only)
            block = top.home.blocks.get(label)
            at = of.key_span(label) if isinstance(of.data, dict) else of.span
            if block is not None:
                self.marks.use("block", label, at, block.mark)
            if isinstance(of.data, dict) and isinstance(of.data[label], Value):
                self.steps.walk_arguments(of.data[label], block, file)
        patterns = edit.get("at")
        steps: list[StepName] = []
        for each in one_or_several(patterns):
            steps += self.match(each, top.scope)
        if patterns is None:
            steps = [step for scope in list_scopes(top.scope) for step in scope.steps]
        steps = [each for each in dict.fromkeys(steps) if not label or each.label == label]
        verb = next((key for key in edit.data if key in VERBS), None)
        if verb is None:
            return
        under = edit.data[verb]
        for step in steps:
            frames = (*step.place.frames, *top.frames)
            place = replace(step.place, home=top.home, frames=frames)
            self._make_edit(verb, under, step, place)
        if not steps:
            self.references.tie_names(under, file)

    def _make_edit(self, verb: str, under: Value, step: StepName, place: Place) -> None:
        """Enter what an edit makes of one of its steps."""
        if verb == "set":
            self.steps.walk_arguments(under, step.block, place)
        elif verb == "rename":
            self.references.tie_names(under, place)
            renamed = self.steps.enter(under, place, False, step.label)
            if renamed is not None:
                renamed.held = step.held
        elif verb == "replace" and not isinstance(under.data, tuple):
            made = self.steps.walk_step(under, place)
            if made is not None:
                step.held += made.held
        elif verb == "replace":
            scope = StepScope(place.scope)
            step.held.append(lambda: (scope,))
            self.steps.walk_body(under, replace(place, scope=scope))
        elif verb.startswith("insert"):
            for each in one_or_several(under):
                self.steps.walk_step(each, place)
        else:
            self.references.tie_names(under, place)

    def match(self, pattern: Value, top: StepScope) -> list[StepName]:
        """Return the steps that a pattern of an edit may fit, and tie its parts to their names."""
        parts = self.marks.split(pattern)
        fitting = PatternFit([mark.text for mark in parts], top)
        for number, steps in fitting.steps.items():
            if parts[number].text != "**":  # which fits whatever there is
                self.marks.tie_part(parts[number], list(steps.values()))
        return list(fitting.steps[len(parts) - 1].values())
