"""Find the step that a name refers to, and the final name of every node.

A named group or loop iteration, a branch's key and a block call each open a scope. Explicit names
are unique in their scope; unnamed steps are named as Keras would name them (`conv2d`) and numbered
where there are several, so final names are given only when a scope is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from archspec.errors import AtName, Note, Refused, Span, did_you_mean
from archspec.graph import Kind
from archspec.syntax.words import RESERVED

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
MAX_NAME = 200
MAX_LEVEL = 10**6  # of edits: sees the steps of all of them


class Entry(Struct, eq=False):
    """The step that a name stands for.

    value: the node whose output it is, once that is known. scope: that of a group or block, for
    paths into it. span: where it is written. skipped: its `when` was false. block: the call, for
    `reuse`. broken: it failed and was reported, so that a path into it is no second error.

    place: that of the step, by which edits find it; 0 for what no edit can reach. level: how many
    files had edits before the one whose edit wrote it; 0 for what no edit wrote. named: whether its
    name is explicit. reused: whether its layers are those of an earlier call. after: the value that
    its name stands for, if an edit put steps after it. edited: where an edit is written that
    replaced or removed it. removed: whether nothing is in its place.
    """

    span: Span
    value: Any = None
    scope: Scope | None = None
    skipped: bool = False
    block: Any = None
    broken: bool = False
    place: int = 0
    level: int = 0
    named: bool = False
    reused: bool = False
    after: Any = None
    edited: Span | None = None
    removed: bool = False

    def gave_way_to(self, other: Entry) -> bool:
        """Return whether it keeps only the number of a step that another has replaced."""
        return self.removed and self.edited is not None and self.edited == other.edited

    @property
    def output(self) -> Any:
        """The value that references to the step take."""
        return self.value if self.after is None else self.after


class Renamed(Struct, frozen=True, eq=False):
    """A step that has another name after an edit, and the level of the edit.

    named: whether the name before it was explicit.
    """

    entry: Entry
    level: int
    named: bool


class Scope(Struct, eq=False):
    """The names in a named group, a branch, a block call or the model.

    parent: the scope around it. kind: what it is; references stop at a block. title, params: the
    name of a block, and the values of its own params. is_named: whether its name is explicit.
    renamed: steps by the names that they had before an edit, with its level. failed: patterns for
    the names of steps that failed before their names were known.
    """

    parent: Scope | None = None
    kind: Kind = "block"
    title: str = ""
    is_named: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)
    named: dict[str, Entry] = field(default_factory=dict)
    unnamed: dict[str, list[Entry]] = field(default_factory=dict)
    renamed: dict[str, Renamed] = field(default_factory=dict)
    failed: list[tuple[re.Pattern[str], Entry]] = field(default_factory=list)
    path: str = ""  # provisional until `settle`, because a later explicit name takes precedence

    def add(self, entry: Entry, name: str | None, otherwise: str) -> str:
        """Enter a step under its explicit name, or under the name that Keras would give it.

        Returns its provisional name. Raises `Refused` for a name that is taken, reserved or
        malformed.
        """
        if name is None:
            same = self.unnamed.setdefault(otherwise, [])
            same.append(entry)
            return otherwise if len(same) == 1 else f"{otherwise}_{len(same) - 1}"
        _check_name(name)
        entry.named = True
        first = self.named.get(name)
        if first is not None and not (first.skipped or first.removed or entry.skipped):
            raise Refused(
                f"the name '{name}' is taken",
                code="duplicate-name",
                hint=(
                    "in a loop a name holds the loop variable, `conv{i}`, or the loop is named"
                    if str(first.span) == str(entry.span)
                    else "names are unique in a group: a `name` on the step around makes one"
                ),
                notes=(Note("first used here", first.span),),
            )
        if first is None or not entry.skipped:
            self.named[name] = entry
        return name

    def add_failed(self, entry: Entry, name: str, numbered: bool) -> None:
        """Enter a step that failed before its `{...}`, or its number in a `repeat`, was known."""
        parts = [re.escape(part) for part in re.split(r"\{[^{}]*\}", name)]
        pattern = ".*".join(parts) + (r"\d+" if numbered else "")
        self.failed.append((re.compile(pattern), entry))

    def open(self, name: str, kind: Kind, title: str = "", is_named: bool = True) -> Scope:
        """Return a scope inside this one, under a provisional name."""
        return Scope(self, kind, title, is_named, path=self.join(name))

    def join(self, name: str) -> str:
        """Return the path of a name in this scope."""
        return f"{self.path}.{name}" if self.path else name

    def iter_outward(self) -> Iterator[Scope]:
        """Yield this scope and those around it, up to the scope of the enclosing block."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = None if scope.kind == "block" else scope.parent

    def chain_of_blocks(self) -> Iterator[Scope]:
        """Yield the scopes of the block calls around, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            if scope.title:
                yield scope
            scope = scope.parent

    def find(self, reference: str, level: int = 0) -> Entry:
        """Return the entry of a dotted path.

        level: how many files had edits before the one that refers to it, whose steps it can name.
        Raises `Refused` if there is none, or more than one.
        """
        first, *rest = reference.split(".")
        entry, walked = self.find_nearest(first, reference, level), first
        for part in rest:
            if entry.broken:
                return entry
            _check_there(entry, walked)
            held = entry.scope
            inside = (held.find_here(part, level) or held.find_failed(part)) if held else None
            if inside is None and entry.edited is not None:
                raise Refused(
                    f"'{walked}' holds no step '{part}' since it was replaced",
                    code="edit-inside",
                    hint=f"give a step of the replacement that name, or replace steps in {walked}",
                    notes=(Note("replaced here", entry.edited),),
                )
            if inside is None:
                if entry.scope:
                    entry.scope.explain_absence(part)
                known = entry.scope.list_known() if entry.scope else []
                what = (
                    f"holds no step '{part}'" if entry.scope else "is a layer, with no steps inside"
                )
                raise Refused(
                    f"'{walked}' {what}",
                    code="unknown-name",
                    hint=did_you_mean(part, known, declared=True) or _listed(known),
                    notes=(Note(f"'{walked}' is written here", entry.span),),
                )
            entry, walked = inside, f"{walked}.{part}"
        _check_there(entry, walked)
        return entry

    def find_all(self, pattern: str, level: int = 0) -> list[Entry]:
        """Return the entries whose explicit names a pattern fits, in the order of the names.

        `*` stands for any letters of one name: `level*`, `stage*.conv`. They are of the nearest
        scope that has any. level: as in `find`.
        Raises `Refused` if none has, or if more than one has.
        """
        first, *rest = (_translate(part) for part in pattern.split("."))
        fitting = []
        for scope in self.iter_outward():
            entries = scope._fit(first, level)
            for part in rest:
                inside = (entry.scope for entry in entries if entry.scope is not None)
                entries = [each for held in inside for each in held._fit(part, level)]
            if entries:
                fitting.append(entries)
        if len(fitting) > 1:
            raise Refused(
                f"'{pattern}' fits steps here and in the group around",
                code="ambiguous-name",
                hint="name the steps one by one, or give those of one group other names",
                notes=tuple(Note("it fits this one", each[0].span) for each in fitting),
            )
        if not fitting:
            raise Refused(
                f"no step up to here has a name that fits '{pattern}'",
                code="unknown-name",
                hint="a pattern finds names that are written in the spec: give the steps a `name`",
            )
        return fitting[0]

    def _fit(self, pattern: re.Pattern[str], level: int) -> list[Entry]:
        """Return the entries of this very scope whose explicit names a pattern fits.

        They are the names before the edits that are above the level, and none that these wrote.
        """
        before = {
            id(each.entry): name if each.named else ""
            for name, each in reversed(self.renamed.items())
            if level < each.level
        }
        fitting = [
            entry
            for name, entry in self.named.items()
            if pattern.fullmatch(before.get(id(entry), name))
            and (entry.level <= level or entry.edited is not None)
            and not (entry.skipped or entry.removed)
            and entry.value is not None
        ]
        lost = [entry for failed, entry in self.failed if pattern.pattern == failed.pattern]
        return [*fitting, *lost]

    def find_nearest(self, name: str, reference: str, level: int = 0) -> Entry:
        """Return the entry of a name in the nearest scope that has one.

        An unnamed step must be the only one of its name up to the enclosing block, so that a layer
        inserted nearer does not change what a reference means. reference: the whole path, for
        messages.
        """
        scopes = list(self.iter_outward())
        for position, scope in enumerate(scopes, 1):
            entry = scope.find_here(name, level)
            if entry is None:
                continue
            others = [each for outer in scopes[position:] for each in outer.entries_of(name, level)]
            if others and scope.named.get(name) is not entry:
                raise _ambiguous(name, [entry, *others])
            return entry
        for scope in scopes:
            lost = scope.find_failed(name)
            if lost is not None:
                return lost
        for scope in scopes:
            scope.explain_absence(name)
        for scope in scopes:
            if name in scope.renamed:
                raise scope.make_renamed(name)
        raise self.make_unknown(name, reference)

    def make_renamed(self, name: str) -> Refused:
        """Return the error of a step that has another name after an edit."""
        entry = self.renamed[name].entry
        now = next((new for new, each in self.named.items() if each is entry), None)
        message = f"'{name}' has another name after an edit"
        hint = f"it is called '{now}'" if now else "name the step that is in its place"
        note = Note("this is its place now", entry.span)
        return Refused(message, code="unknown-name", hint=hint, notes=(note,))

    def entries_of(self, name: str, level: int = MAX_LEVEL) -> list[Entry]:
        """Return the entries of a name in this very scope, the explicit one first.

        Unnamed steps that an edit of a higher level wrote are not among them, so that they make no
        reference ambiguous.
        """
        entry = self.named.get(name)
        named = [] if entry is None or entry.skipped else [entry]
        unnamed = self.unnamed.get(name, [])
        return [*named, *(each for each in unnamed if each.level <= level)]

    def find_here(self, name: str, level: int = MAX_LEVEL) -> Entry | None:
        """Return the entry of a name in this very scope, or None.

        Raises `Refused` if there are several.
        """
        before = self.renamed.get(name)
        if before is not None and before.named and level < before.level:
            return before.entry  # whatever has the name now
        known = self.entries_of(name, level)
        found = [each for each in known if not each.removed]
        if len(found) > 1 and found[0] is not self.named.get(name):
            raise _ambiguous(name, found)
        if not found and name in self.renamed and level < self.renamed[name].level:
            return self.renamed[name].entry
        return next(iter(found or known), None)

    def find_failed(self, name: str) -> Entry | None:
        """Return the entry of a failed step that may have had this name."""
        return next((entry for pattern, entry in self.failed if pattern.fullmatch(name)), None)

    def explain_absence(self, name: str) -> None:
        """Raise `Refused` if this scope knows why it has no such name."""
        entry = self.named.get(name)
        if entry is not None:
            raise Refused(
                f"the step '{name}' is not there: its `when` is false",
                code="skipped-name",
                hint="name another step, or make that one a group with `else: []`",
                notes=(Note(f"'{name}' is skipped here", entry.span),),
            )
        base, _, number = name.rpartition("_")
        if number.isdigit() and len(self.unnamed.get(base, [])) > 1:
            raise Refused(
                f"'{name}' is the number of an unnamed step, which changes when steps are inserted",
                code="ambiguous-name",
                hint="give that step a name",
            )

    def walk(self) -> Iterator[Scope]:
        """Yield this scope and all those inside it."""
        yield self
        unnamed = (entry for same in self.unnamed.values() for entry in same)
        for entry in (*self.named.values(), *unnamed):
            if entry.scope is not None:
                yield from entry.scope.walk()

    def list_known(self) -> list[str]:
        """Return the names that may be referred to in this scope."""
        named = [name for name, entry in self.named.items() if not entry.skipped]
        # What failed before it was a node has no name that could be relied on.
        sure = [n for n, same in self.unnamed.items() if len(same) == 1 and not same[0].broken]
        return [*named, *sure]

    def make_unknown(self, first: str, reference: str) -> Refused:
        """Return the error for a name that no scope has."""
        known = [*(name for scope in self.iter_outward() for name in scope.list_known()), *RESERVED]
        if reference.startswith("="):
            message = "a reference is the name of a step, and no formula"
            hint = "a name takes formulas in braces: level{i - 1}"
            return Refused(message, None, "unknown-name", hint)
        numbered = [name for name in known if re.fullmatch(re.escape(first) + r"\d+", name)]
        if numbered:
            hint = f"there are '{numbered[0]}' to '{numbered[-1]}', and \"{first}*\" is all of them"
            if len(numbered) == 1:
                hint = f"did you mean '{numbered[0]}'?"
            return Refused(f"no step is called '{reference}'", None, "unknown-name", hint)
        several = re.split(r"\s*[,;+&]\s*|\s+(?:and\s+)?", reference.strip())
        if len(several) > 1:
            hint = f"several steps are a list: [{', '.join(several)}]"
            return Refused(f"no step is called '{reference}'", None, "unknown-name", hint)
        return Refused(
            f"no step is called '{reference}' up to here",
            AtName(first),
            "unknown-name",
            did_you_mean(first, known, declared=True) or _listed(known),
        )

    def settle(self, path: str = "") -> Iterator[tuple[str, Entry]]:
        """Yield every entry with its final dotted name, and make the path of every scope final."""
        self.path = path
        names = {
            name: entry
            for name, entry in self.named.items()
            if not (entry.skipped or entry.removed)
        }
        for base, same in self.unnamed.items():
            number = 0
            # What an edit wrote comes last, so that the others keep their numbers.
            for entry in sorted(same, key=lambda entry: entry.level):
                name = base if number == 0 else f"{base}_{number}"
                while name in names and not entry.gave_way_to(names[name]):
                    number += 1
                    name = f"{base}_{number}"
                if not entry.removed:
                    names[name] = entry
                number += 1
        for name, entry in names.items():
            full = self.join(name)
            yield full, entry
            if entry.scope is not None:
                yield from entry.scope.settle(full)


def _check_there(entry: Entry, name: str) -> None:
    """Raise `Refused` for a step that an edit removed."""
    if entry.removed and entry.edited is not None:
        raise Refused(
            f"'{name}' is not there: an edit removes it",
            code="edit-removed",
            hint=f"edit what takes it as well, let that take another step, or keep '{name}'",
            notes=(Note("removed here", entry.edited),),
        )


def _check_name(name: str) -> None:
    """Raise `Refused` if no step may have this name."""
    if not NAME.fullmatch(name):
        hint = "names hold letters from a to z, digits, '_' and '-', no dots or slashes"
        raise Refused(f"the name '{name}' is not possible", code="name", hint=hint)
    if len(name) > MAX_NAME:
        message = f"a name of {len(name)} characters is too long"
        raise Refused(message, code="name", hint=f"names have at most {MAX_NAME} characters")
    if name in RESERVED:
        raise Refused(f"the name '{name}' is reserved", code="name", hint="choose another")


def _translate(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a part of a pattern."""
    return re.compile(".*".join(re.escape(each) for each in pattern.split("*")))


def _ambiguous(name: str, entries: list[Entry]) -> Refused:
    """Return the error for a name that several unnamed steps share."""
    return Refused(
        f"'{name}' could be any of {len(entries)} steps",
        code="ambiguous-name",
        hint="give the one you mean a name of its own",
        notes=tuple(Note("it could be this one", each.span) for each in entries[:3]),
    )


def _listed(known: list[str]) -> str | None:
    names = list(dict.fromkeys(known))
    if not names:
        return None
    return "names known here: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def snake_case(name: str) -> str:
    """Return Keras's name for an unnamed layer of a class.

    >>> snake_case("ReLU"), snake_case("Conv2D")
    ('re_lu', 'conv2d')
    """
    spaced = re.sub(r"\W+", "", name)
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", spaced)
    return re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
