"""Collect the nodes and errors of one expansion, and pass failures on.

A function that finds a mistake reports it here and raises `Failed` with the number of the report.
The function that catches it adds a node in place of what failed, and gives that node the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archspec.errors import MAX_ERRORS, Diagnostic, Note, Refused, Span, enough
from archspec.expand.drafts import Draft, Previous
from archspec.expand.scopes import Scope
from archspec.loading.files import Block, Home, Spec
from archspec.syntax.formulas import Work
from archspec.syntax.source import Value
from archspec.syntax.steps import Step

MAX_PLACES = 8  # notes on further places of one mistake

Trail = tuple[Note, ...]
Errors = tuple[int, ...]  # indices in the findings
Handler = Callable[..., Previous]  # (step, name, context, taken, out)


class Failed(Exception):
    """Raised for something that failed and has been reported.

    errors: indices of the reports in the findings; none if the errors belong to another node.
    """

    def __init__(self, *errors: int) -> None:
        super().__init__(*errors)
        self.errors = errors


class Halt(Exception):
    """Raised when a limit is reached and has been reported: the rest of the spec is not looked at.

    errors: indices of the reports in the findings, until a node has been given them.
    """

    def __init__(self, *errors: int) -> None:
        super().__init__(*errors)
        self.errors = errors


@dataclass(slots=True, eq=False)
class Expansion:
    """The nodes and errors of one expansion so far.

    kinds: how a step of each type is expanded. top: the scope of the model. drafts: the nodes, in
    order. outputs: those that are the model's outputs. environments: the values of the params of
    each file.

    findings: all diagnostics so far. number_by_place: the index of a diagnostic by its place and
    code. number_by_message: the index of a message that is given only once. work: what formulas may
    still take.

    num_steps: how many steps have been expanded. called: the places of the blocks that are called.
    used_defaults: the places of the arguments that layers have, from `defaults` among them.
    is_trial: whether the expansion is only tried, and thrown away. is_first: whether constructs are
    read as in the first state of the language. changed: the places of those that were read in
    another way, each with how they were and a remedy.
    circles: the blocks that have been reported to call themselves. skipped, included: the places of
    steps whose `when` was false, or true; in a loop both. transforms: the conditions of branches
    that gave another shape than they took. bypassed: those of branches that were left out where
    their input could have been added. call_notes: the notes on block calls,
    whose names are final only when the whole spec is known.
    """

    spec: Spec
    kinds: Mapping[type[Step], Handler]
    top: Scope = field(default_factory=Scope)
    drafts: list[Draft] = field(default_factory=list)
    outputs: list[Draft] = field(default_factory=list)
    environments: dict[Home, dict[str, Any]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)
    number_by_place: dict[tuple[Span, str], int] = field(default_factory=dict)
    number_by_message: dict[str, int] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    num_steps: int = 0
    is_trial: bool = False
    is_first: bool = False
    changed: dict[Span, tuple[str, str]] = field(default_factory=dict)
    called: set[Span] = field(default_factory=set)
    used_defaults: set[Span] = field(default_factory=set)
    circles: set[Block] = field(default_factory=set)
    skipped: dict[Span, None] = field(default_factory=dict)
    included: set[Span] = field(default_factory=set)
    transforms: set[Span] = field(default_factory=set)
    bypassed: dict[Span, Trail] = field(default_factory=dict)
    call_notes: list[tuple[Note, Scope]] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> int:
        """Add a diagnostic to the findings, and return its index there.

        A diagnostic with the same place and code, from another iteration or call, is not added
        again. Raises `Halt` if there are too many.
        """
        number = self.number_by_place.setdefault(
            (diagnostic.span, diagnostic.code), len(self.findings)
        )
        if number < len(self.findings):
            return number
        self.findings.append(diagnostic)
        if len(self.number_by_place) >= MAX_ERRORS:
            self.findings.append(enough(diagnostic.span))
            raise Halt(number)
        return number

    def error(
        self, code: str, message: str, span: Span, hint: str | None = None, trail: Trail = ()
    ) -> int:
        """Report an error, and return its index in the findings."""
        return self.add(Diagnostic(code, message, span, hint, tuple(reversed(trail))))

    def warn(
        self, code: str, message: str, span: Span, hint: str | None = None, trail: Trail = ()
    ) -> None:
        """Report what is not an error, but hardly intended."""
        self.add(Diagnostic(code, message, span, hint, tuple(reversed(trail)), "warning"))

    def fail(
        self, code: str, message: str, span: Span, hint: str | None = None, trail: Trail = ()
    ) -> Failed:
        """Report an error, and return the exception to raise."""
        return Failed(self.error(code, message, span, hint, trail))

    def refuse(self, refused: Refused, span: Span, trail: Trail, once: bool = False) -> int:
        """Report what a rule refused, and return its index in the findings.

        once: report the same message once for the whole spec, and add a note for each further
        place. Raises `Halt` for what is too large.
        """
        if once and refused.message in self.number_by_message:
            number = self.number_by_message[refused.message]
            found = self.findings[number]
            places = {found.span, *(note.span for note in found.notes)}
            if span not in places and len(found.notes) < MAX_PLACES:
                notes = (*found.notes, Note("and here", span))
                self.findings[number] = replace(found, notes=notes)
            return number
        notes = (*refused.notes, *reversed(trail))
        before = len(self.findings)
        number = self.add(Diagnostic(refused.code, refused.message, span, refused.hint, notes))
        if once and number == before:
            self.number_by_message[refused.message] = number
        if refused.code == "too-large":
            raise Halt(number)
        return number

    def is_refused(self, value: Value) -> bool:
        """Return whether the schema refused a value."""
        return value.span in self.spec.broken

    def schema_errors(self, value: Value) -> Errors:
        """Return the indices of the schema's errors in a value and in all that it holds."""
        numbered = enumerate(self.spec.diagnostics)
        return tuple(number for number, each in numbered if value.span.holds(each.span))

    def has_failed(self) -> bool:
        """Return whether an error has been reported."""
        return any(each.severity == "error" for each in self.findings)

    def blame_first(self, start: int, errors: Errors) -> None:
        """Add errors of a step that has no node of its own to the first node since `start`."""
        for draft in self.drafts[start : start + 1]:
            draft.errors = (*errors, *draft.errors)
