"""`out`: what one expansion has found and laid down so far, and how a failure is told.

Whoever finds a mistake reports it here and raises `Failed`, which carries the places of what was
reported. Whoever catches it lays down a node that stands for what failed, and blames it for these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archspec.errors import MAX_ERRORS, Diagnostic, Note, Refused, Span, enough
from archspec.expand.place import Draft, Previous
from archspec.expand.scopes import Scope
from archspec.loading.files import Block, Home, Spec
from archspec.syntax.formulas import Work
from archspec.syntax.source import Value
from archspec.syntax.steps import Step

MAX_PLACES = 8  # noted of one mistake

Trail = tuple[Note, ...]
Errors = tuple[int, ...]  # places in the findings
Handler = Callable[..., Previous]  # (step, name, place, taken, out)


class Failed(Exception):
    """Something failed that has been reported.

    errors: where in the findings; none if it failed for what somebody else is blamed for.
    """

    def __init__(self, *errors: int) -> None:
        super().__init__(*errors)
        self.errors = errors


class Halt(Exception):
    """A bound was reached and reported: whatever is left is not looked at.

    errors: where in the findings, until a node is blamed for it.
    """

    def __init__(self, *errors: int) -> None:
        super().__init__(*errors)
        self.errors = errors


@dataclass(slots=True, eq=False)
class Expansion:
    """What one expansion has found and laid down so far.

    kinds: how a step of each type is expanded.
    top: the scope of the model. drafts: the nodes, in order. ends: those that are its outputs.
    environments: the values of the params of each file.
    findings: all that is reported. known: where in it a place and code stand. once: where a message
    stands that is said once. work: what formulas may still take.
    num_steps: how many steps have been expanded. called: the blocks that somebody calls.
    circles: the blocks that have been reported to call themselves. left_out, let_in: the places of
    steps whose `when` was false, or true; in a loop both. call_notes: the notes on block calls,
    whose names are not final before the whole spec is known.
    """

    spec: Spec
    kinds: Mapping[type[Step], Handler]
    top: Scope = field(default_factory=Scope)
    drafts: list[Draft] = field(default_factory=list)
    ends: list[Draft] = field(default_factory=list)
    environments: dict[Home, dict[str, Any]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)
    known: dict[tuple[Span, str], int] = field(default_factory=dict)
    once: dict[str, int] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    num_steps: int = 0
    called: set[Span] = field(default_factory=set)
    circles: set[Block] = field(default_factory=set)
    left_out: dict[Span, None] = field(default_factory=dict)
    let_in: set[Span] = field(default_factory=set)
    call_notes: list[tuple[Note, Scope]] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> int:
        """Keep a diagnostic, and return its place in the findings.

        Another turn or call may have said the same of that place: then it is kept once.
        """
        number = self.known.setdefault((diagnostic.span, diagnostic.code), len(self.findings))
        if number < len(self.findings):
            return number
        self.findings.append(diagnostic)
        if len(self.known) >= MAX_ERRORS:
            self.findings.append(enough(diagnostic.span))
            raise Halt(number)
        return number

    def error(
        self, code: str, message: str, span: Span, hint: str | None = None, trail: Trail = ()
    ) -> int:
        """Report an error, and return its place in the findings."""
        return self.add(Diagnostic(code, message, span, hint, tuple(reversed(trail))))

    def warn(
        self, code: str, message: str, span: Span, hint: str | None = None, trail: Trail = ()
    ) -> None:
        """Report what is no error, but was hardly meant so."""
        self.add(Diagnostic(code, message, span, hint, tuple(reversed(trail)), "warning"))

    def fail(
        self, code: str, message: str, span: Span, hint: str | None = None, trail: Trail = ()
    ) -> Failed:
        """Report an error, and return what is to be raised."""
        return Failed(self.error(code, message, span, hint, trail))

    def refuse(self, refused: Refused, span: Span, trail: Trail, once: bool = False) -> int:
        """Report what a rule refused, and return its place in the findings.

        once: what a word means is one mistake wherever it stands; further places are noted.
        """
        if once and refused.message in self.once:
            number = self.once[refused.message]
            found = self.findings[number]
            places = {found.span, *(note.span for note in found.notes)}
            if span not in places and len(found.notes) < MAX_PLACES:
                notes = (*found.notes, Note("and here", span))
                self.findings[number] = replace(found, notes=notes)
            return number
        notes = (*refused.notes, *reversed(trail))
        said = len(self.findings)
        number = self.add(Diagnostic(refused.code, refused.message, span, refused.hint, notes))
        if once and number == said:
            self.once[refused.message] = number
        if refused.code == "too-large":
            raise Halt(number)
        return number

    def is_refused(self, value: Value) -> bool:
        """Return whether the schema refused a value."""
        return value.span in self.spec.broken

    def schema_errors(self, value: Value) -> Errors:
        """Return what the schema said of a value and of all that is in it."""
        said = enumerate(self.spec.diagnostics)
        return tuple(number for number, each in said if value.span.holds(each.span))

    def has_failed(self) -> bool:
        return any(each.severity == "error" for each in self.findings)

    def blame_first(self, start: int, errors: Errors) -> None:
        """Let the first node since `start` stand for what is wrong with the step around it."""
        for draft in self.drafts[start : start + 1]:
            draft.errors = (*errors, *draft.errors)
