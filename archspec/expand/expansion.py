"""Collect the nodes and errors of one expansion, and pass failures on.

A function that finds a mistake reports it here and raises `Failed` with the number of the report.
The function that catches it adds a node in place of what failed, and gives that node the errors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.errors import MAX_ERRORS, Diagnostic, Note, Refused, Span, enough
from archspec.expand.drafts import Draft, Previous
from archspec.expand.origins import Env, Origin, list_notes
from archspec.expand.scopes import Entry, Scope
from archspec.graph import Graph
from archspec.loading.files import Block, Home, Spec
from archspec.syntax.edits import Edit
from archspec.syntax.formulas import Work, words_in
from archspec.syntax.source import Value, iter_texts
from archspec.syntax.steps import Step

MAX_EDITS = 3  # notes on edits that may have brought an error about
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


class Numbered(Struct, frozen=True, eq=False):
    """A part of a step's name that an unnamed step has by its number among others of its kind.

    name: that of the unnamed step. depth: how many parts are before it. span: where it is written.
    is_first: whether it is the first of them, which has no number.
    """

    name: str
    depth: int
    span: Span
    is_first: bool


class Matched(Struct, frozen=True, eq=False):
    """An edit at one of the steps that it is for.

    level: how many files with edits there are up to that of the edit. index: of the edit in its
    file. name: of the step before it. numbered: the parts of that name that are only numbers.
    """

    edit: Edit
    level: int
    name: str
    index: int = 0
    numbered: tuple[Numbered, ...] = ()

    @property
    def order(self) -> tuple[int, int]:
        """The place of the edit among all of them: the later wins."""
        return self.level, self.index


class Expansion(Struct, eq=False):
    """The nodes and errors of one expansion so far.

    kinds: how a step of each type is expanded. top: the scope of the model. drafts: the nodes, in
    order. outputs: those that are the model's outputs. environments: the values of the params of
    each file.

    findings: all diagnostics so far. number_by_place: the index of a diagnostic by its place and
    code, or by the place and severity of a value that was given. number_by_message: the index of a
    message that is given only once. work: what formulas may still take.

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

    places: the number of each place by the place around it, the step and its iteration. edits: the
    edits of the steps at some places. met: the places whose edits have been made. passed_on: the
    values that steps take in place of one that an edit removes, with notes on the edit. marks:
    what stands for an edit in places. names: every step by its final name. last_at: the entry of
    the step expanded last at a place. base: the graph before the edits of the last file. known: the
    places of the steps in it. names_in: the params of the file that the formulas of an edit name;
    shown, hidden: those that they mean somewhere, and those that the step calls something else,
    with an edit. kept_frozen: the layers that are to be trained by an edit, and are frozen by an
    argument of their own.
    """

    spec: Spec
    kinds: Mapping[type[Step], Handler]
    top: Scope = field(default_factory=Scope)
    drafts: list[Draft] = field(default_factory=list)
    outputs: list[Draft] = field(default_factory=list)
    environments: dict[Home, Env] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)
    number_by_place: dict[tuple[object, ...], int] = field(default_factory=dict)
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
    places: dict[tuple[int, Step, int], int] = field(default_factory=dict)
    edits: dict[int, list[Matched]] = field(default_factory=dict)
    met: set[int] = field(default_factory=set)
    passed_on: dict[Draft, tuple[Note, ...]] = field(default_factory=dict)
    marks: dict[Edit, Step] = field(default_factory=dict)
    names: list[tuple[str, Entry]] = field(default_factory=list)
    last_at: dict[int, Entry] = field(default_factory=dict)
    base: Graph | None = None
    known: frozenset[int] = frozenset()
    names_in: dict[Edit, set[str]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    hidden: dict[str, Edit] = field(default_factory=dict)
    kept_frozen: dict[Edit, list[Draft]] = field(default_factory=dict)

    @property
    def has_edits(self) -> bool:
        """Whether the spec has edits, for which places are kept."""
        return bool(self.spec.levels)

    def add(self, diagnostic: Diagnostic, origins: Iterable[Origin] = ()) -> int:
        """Add a diagnostic to the findings, and return its index there.

        A diagnostic with the same place and code, from another iteration or call, is not added
        again, nor is a second one of a value that was given. origins: of the names whose values are
        wrong. Raises `Halt` if there are too many.
        """
        diagnostic, key = self.place(diagnostic, origins)
        number = self.number_by_place.setdefault(key, len(self.findings))
        if number < len(self.findings):
            return number
        self.findings.append(diagnostic)
        if len(self.number_by_place) >= MAX_ERRORS:
            self.findings.append(enough(diagnostic.span))
            raise Halt(number)
        return number

    def place(
        self, diagnostic: Diagnostic, origins: Iterable[Origin] = ()
    ) -> tuple[Diagnostic, tuple[object, ...]]:
        """Return a diagnostic at the place where its user mends it, with a note on the place where
        it was found, and what tells it from others. origins: as `add` takes them."""
        given = [*itertools.islice(list_notes(origins), MAX_PLACES)]
        diagnostic = self._with_edits(diagnostic)
        place, key = self._find_mendable(diagnostic, given)
        diagnostic = replace(diagnostic, notes=(*given, *diagnostic.notes))
        if place is not None:
            found = Note("it was found here", diagnostic.span)
            others = tuple(note for note in diagnostic.notes if note is not place)
            diagnostic = replace(diagnostic, span=place.span, notes=(found, *others))
        return diagnostic, key

    def _with_edits(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return an error that no edit is named in with notes on those of the last file: without
        them the network is sound."""
        if diagnostic.severity != "error" or not self.edits:
            return diagnostic
        matched = [each for edits in self.edits.values() for each in edits]
        last = max(each.level for each in matched)
        found = {each.edit.span: None for each in matched if each.level == last}
        named = (diagnostic.span, *(note.span for note in diagnostic.notes))
        telling = found
        if diagnostic.code == "edit-no-match":  # which names the edit that did it, of any file
            telling = {each.edit.span: None for each in matched}
        if any(edit.holds(span) for edit in telling for span in named):
            return diagnostic
        notes = tuple(Note("the network is edited here", span) for span in [*found][:MAX_EDITS])
        return replace(diagnostic, notes=(*diagnostic.notes, *notes))

    def _find_mendable(
        self, diagnostic: Diagnostic, given: Sequence[Note]
    ) -> tuple[Note | None, tuple[object, ...]]:
        """Return the place where a user mends a mistake that was found elsewhere, if there is one,
        and what tells the mistake from others.

        A wrong value is mended where it was given: in the file that is checked or a setting, not in
        the base or the library whose layer refuses it. Nobody edits what comes with archspec, so a
        mistake there is one of the call or of the file that extends it. given: notes on the places
        where values were given.
        """
        spec, span = self.spec, diagnostic.span
        order = {source: number for number, source in enumerate(spec.files, 1)}
        own, here = (diagnostic.span, diagnostic.code), order.get(span.source, 0)
        for note in given:
            source = note.span.source
            if source not in spec.shipped and order.get(source, 0) < here:
                return note, (note.span, diagnostic.severity)
        for note in diagnostic.notes:  # of an edit or a setting beside the files
            if span.source in order and note.span.source not in order:
                return note, (note.span, *own)
        if span.source not in spec.shipped:
            return None, own
        extends = spec.root.get("extends")
        changed = self._find_changed_input()
        last = [] if extends is None else [Note("extended here", changed or extends.span)]
        for note in (*diagnostic.notes, *last):
            if note.span.source not in spec.shipped:
                return note, (note.span, *own)
        return None, own

    def _find_changed_input(self) -> Span | None:
        """Return the place of an input that is not the base's own, if it is all that is changed of
        a base that comes with archspec, so that what is wrong there comes of it."""
        root, shipped = self.spec.root, self.spec.shipped
        inputs = root.get("input") or root.get("inputs")
        if inputs is None or root.span.source in shipped or self.edits:
            return None
        named = {word for text in iter_texts(inputs) for word in words_in(text)}
        given = [inputs.span] if inputs.span.source not in shipped else []
        for name, _, value in root.entries_of("params"):
            if value.span.source not in shipped and name not in named:
                return None
            given += [value.span] if value.span.source not in shipped else []
        changes = [root.get("layers"), root.get("defaults"), *self._iter_overrides()]
        if any(each is not None and each.span.source not in shipped for each in changes):
            return None
        return given[0] if given else None

    def _iter_overrides(self) -> Iterator[Value]:
        """Yield the blocks that replace those of a base."""
        for block in self.spec.home.blocks.values():
            if block.overrides is not None:
                yield block.value

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        trail: Trail = (),
        origins: Iterable[Origin] = (),
    ) -> int:
        """Report an error, and return its index in the findings."""
        return self.add(Diagnostic(code, message, span, hint, tuple(reversed(trail))), origins)

    def warn(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        trail: Trail = (),
        origins: Iterable[Origin] = (),
    ) -> None:
        """Report what is not an error, but hardly intended."""
        notes = tuple(reversed(trail))
        self.add(Diagnostic(code, message, span, hint, notes, "warning"), origins)

    def fail(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        trail: Trail = (),
        origins: Iterable[Origin] = (),
    ) -> Failed:
        """Report an error, and return the exception to raise."""
        return Failed(self.error(code, message, span, hint, trail, origins))

    def refuse(
        self,
        refused: Refused,
        span: Span,
        trail: Trail,
        once: bool = False,
        origins: Iterable[Origin] = (),
    ) -> int:
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
        found = Diagnostic(refused.code, refused.message, span, refused.hint, notes)
        number = self.add(found, origins)
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
