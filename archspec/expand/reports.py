"""Values with their formulas evaluated, and everything that is found wrong on the way."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import MAX_ERRORS, Diagnostic, Note, Refused, Span, enough
from archspec.expand.place import Halt, Place, Silent
from archspec.files import Spec
from archspec.syntax import formulas
from archspec.syntax.source import Value

MAX_PLACES = 8  # noted of one mistake


class Reports:
    """The diagnostics of one expansion. What fails is reported once and raised as `Silent`.

    said, once: where in `diagnostics` a place and code, or a message, stands already.
    fresh: likewise, of the errors met since the step at hand began, said before or not.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.diagnostics = list(spec.diagnostics)
        self.said: dict[tuple[Span, str], int] = {}
        self.once: dict[str, int] = {}
        self.fresh: list[int] = []
        self.work = formulas.Work()

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
        severity: str = "error",
    ) -> None:
        self.add(Diagnostic(code, message, span, hint, tuple(reversed(notes)), severity))

    def report(
        self, refused: Refused, span: Span, trail: tuple[Note, ...], once: bool = False
    ) -> None:
        """once: what a word means is one mistake wherever it stands; further places are noted."""
        notes = (*refused.notes, *reversed(trail))
        first = self.once.get(refused.message) if once else None
        if first is not None:
            known = self.diagnostics[first]
            taken = {known.span, *(note.span for note in known.notes)}
            if span not in taken and len(known.notes) < MAX_PLACES:
                places = (*known.notes, Note("and here", span))
                self.diagnostics[first] = replace(known, notes=places)
            self.fresh.append(first)
            return
        said = len(self.diagnostics)
        self.add(Diagnostic(refused.code, refused.message, span, refused.hint, notes))
        if once and len(self.diagnostics) > said:
            self.once[refused.message] = said
        if refused.code == "too-large":
            raise Halt

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, unless another turn or call has said the same of this place."""
        new = len(self.diagnostics)
        known = self.said.setdefault((diagnostic.span, diagnostic.code), new)
        if diagnostic.severity == "error":
            self.fresh.append(known)
        if known < new:
            return
        self.diagnostics.append(diagnostic)
        if len(self.said) >= MAX_ERRORS:
            self.diagnostics.append(enough(diagnostic.span))
            raise Halt

    def blamed(self) -> tuple[int, ...]:
        """The fresh errors, for the node that is to blame for them."""
        fresh = tuple(dict.fromkeys(self.fresh))
        self.fresh.clear()
        return fresh

    def refused(self, value: Value) -> bool:
        """Whether the schema refused a value; then what it said there is fresh."""
        if value.span not in self.spec.broken:
            return False
        said = enumerate(self.spec.diagnostics)
        self.fresh += [number for number, each in said if value.span.holds(each.span)]
        return True

    def blamed_for(self, value: Value) -> bool:
        """Whether the schema said something of what is in a value."""
        return any(value.span.holds(each.span) for each in self.spec.diagnostics)

    def failed(self) -> bool:
        return any(each.severity == "error" for each in self.diagnostics)

    def evaluate(self, value: Value, env: Mapping[str, Any], trail: tuple[Note, ...]) -> Any:
        """The plain data of a value, its formulas evaluated. Raises `Silent` after reporting."""
        if isinstance(value.data, dict | tuple):
            data = self.inside(value, env, trail)
            if formulas.too_large(data):
                message = f"the value holds more than {formulas.MAX_ITEMS:,} items"
                self.error("formula", message, value.span, None, (*trail, *value.notes()))
                raise Silent
            return data
        if not formulas.is_formula(value.data):
            return value.data
        try:
            return formulas.evaluate(value.data[1:], env, self.work)
        except Refused as refused:
            if refused.code == "silent":
                raise Silent from None
            start, _, length = (refused.argument or "").partition(":")
            span = value.span
            if value.plain and length:
                lead = len(value.data[1:]) - len(value.data[1:].lstrip())
                span = span.within(1 + lead + int(start), int(length))
            once = refused.code == "unknown-name"
            self.report(refused, span, (*trail, *value.notes()), once)
            raise Silent from None

    def inside(self, value: Value, env: Mapping[str, Any], trail: tuple[Note, ...]) -> Any:
        """A list or mapping with everything in it evaluated: all that fails is reported."""
        failed = False
        data: dict[Any, Any] = {}
        for key, each in value.items() if isinstance(value.data, dict) else enumerate(value.data):
            try:
                data[key] = self.evaluate(each, env, trail)
            except Silent:
                failed = True
        if failed:
            raise Silent
        return data if isinstance(value.data, dict) else list(data.values())

    def text(self, value: Value, place: Place) -> str:
        """A name or reference with its `{...}` filled in."""
        try:
            return formulas.fill(str(value.data), place.env, self.work)
        except Refused as refused:
            if refused.code != "silent":
                once = refused.code == "unknown-name"
                self.report(refused, value.span, place.trail, once)
            raise Silent from None

    def params(
        self, declared: Value | None, names: Mapping[str, Any], trail: tuple[Note, ...]
    ) -> dict[str, Any]:
        """Params by name, each default evaluated over those before it."""
        env: dict[str, Any] = dict(names)
        hint = "a default may name the params above it"
        for name in declared.data if declared else ():
            message = f"the param '{name}' is declared further down"
            env.setdefault(name, Refused(message, None, "unknown-name", hint))
        for name, span, value in declared.members() if declared else ():
            self.free(name, span, {})
            try:
                env[name] = self.evaluate(value, env, trail)
            except Silent:
                env[name] = Refused("", code="silent")
        return env

    def free(self, name: str, span: Span, taken: Mapping[str, Any]) -> None:
        """A param or loop variable may not be called as a word, a function or `channels`."""
        if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
            hint = "a name begins with a letter and holds letters, digits and _"
            self.error("name", f"'{name}' cannot be a name in formulas", span, hint)
        elif keyword.iskeyword(name) or name in (
            *formulas.FUNCTIONS,
            *formulas.WORDS,
            "channels",
        ):
            self.error("name", f"'{name}' already means something in formulas", span, "rename it")
        elif name in taken:
            self.error(
                "name", f"the loop variable '{name}' hides a param or variable", span, "rename it"
            )
