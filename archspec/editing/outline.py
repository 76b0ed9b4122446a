"""List the outline of a file, and the parts of it that can be folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from archspec.editing.facts import Start, StepFacts, find_facts, write_shapes
from archspec.editing.text import EditorText, Range, trim
from archspec.editing.workspace import SpecView
from archspec.errors import Span
from archspec.syntax.source import Value
from archspec.syntax.words import BESIDE

SymbolKind = Literal["part", "param", "block", "step", "branch", "input"]
LISTED: Mapping[str, SymbolKind] = {"params": "param", "inputs": "input"}


class OutlineItem(Struct, frozen=True):
    """A part of a file by its name. detail: the shape of a step. place: where its name stands."""

    name: str
    kind: SymbolKind
    detail: str
    range: Range
    place: Range
    inside: tuple[OutlineItem, ...] = ()


def list_symbols(view: SpecView) -> list[OutlineItem]:
    """Return the outline of a file, as far as it can be read."""
    if view.document is None or view.document.rest is None:
        return []
    return list(_Outline(view).list_parts(view.document.rest))


class _Outline:
    def __init__(self, view: SpecView) -> None:
        self.text: EditorText = view.text
        self.facts: Mapping[Start, StepFacts] = find_facts(view)

    def list_parts(self, root: Value) -> Iterator[OutlineItem]:
        for word, span, value in root.entries():
            inside: Iterable[OutlineItem] = ()
            if word in LISTED:
                inside = (
                    self.make(name, LISTED[word], at, each.span)
                    for name, at, each in value.entries()
                )
            elif word == "blocks":
                inside = (
                    self.make(name, "block", at, each.span, inside=self.list_steps(each))
                    for name, at, each in value.entries()
                )
            elif word == "layers":
                inside = self.list_items(value)
            yield self.make(word, "part", span, value.span, inside=inside)

    def make(
        self,
        name: str,
        kind: SymbolKind,
        at: Span,
        whole: Span,
        detail: str = "",
        inside: Iterable[OutlineItem] = (),
    ) -> OutlineItem:
        place, rest = self.text.range(at), self.text.range(whole)
        around = Range(min(place.start, rest.start), max(place.end, rest.end))
        return OutlineItem(name or "?", kind, detail, around, place, tuple(inside))

    def list_steps(self, value: Value) -> Iterator[OutlineItem]:
        for word in ("layers", "else"):
            if (body := value.get(word)) is not None:
                yield from self.list_items(body)

    def list_items(self, body: Value) -> Iterator[OutlineItem]:
        for each in body.data if isinstance(body.data, tuple) else ():
            yield from self.list_step(each)

    def list_step(self, step: Value) -> Iterator[OutlineItem]:
        facts = self.facts.get((step.span.line, step.span.column))
        detail = "" if facts is None or facts.is_old else write_shapes(facts)
        if not isinstance(step.data, dict):
            yield self.make(str(step.data), "step", step.span, step.span, detail)
            return
        name = step.get("name")
        label = next((key for key in step.data if key not in BESIDE), "from")
        text = label if name is None else f"{name.data}"
        if name is not None and label not in ("layers", "branches"):
            detail = f"{label} {detail}".strip()
        at = step.key_span(label) if name is None else name.span
        inside = [*self.list_steps(step), *self.list_branches(step.get("branches"))]
        yield self.make(text, "step", at, step.span, detail, inside)

    def list_branches(self, branches: Value | None) -> Iterator[OutlineItem]:
        for name, at, each in branches.entries() if branches is not None else ():
            body = self.list_items(each) if isinstance(each.data, tuple) else self.list_steps(each)
            yield self.make(name, "branch", at, each.span, inside=body)


# --- folding -------------------------------------------------------------------------------------


class Fold(Struct, frozen=True, order=True):
    """Lines that can be folded into the first of them, counted from 0."""

    first: int
    last: int
    is_comment: bool = False


def list_folds(view: SpecView) -> list[Fold]:
    """Return what can be folded: values below their words, items of lists, and comments."""
    found: set[Fold] = set(_fold_comments(view.text.lines))
    if view.document is not None and view.document.rest is not None:
        for _, at, each in view.document.rest.entries():
            found |= set(_fold_value(each, at))
    return sorted(
        Fold(view.text.row(each.first + 1), view.text.row(each.last + 1), each.is_comment)
        for each in found
    )


def _fold_value(value: Value, key: Span | None) -> Iterator[Fold]:
    if value.alias is not None:
        return
    span = trim(value.span)
    first = span.line if key is None else key.line
    if span.end_line > first and (key is not None or isinstance(value.data, dict | tuple)):
        yield Fold(first - 1, span.end_line - 1)
    for _, at, each in value.entries():
        yield from _fold_value(each, at)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _fold_value(each, None)


def _fold_comments(lines: list[str]) -> Iterator[Fold]:
    first: int | None = None
    for number, line in enumerate([*lines, ""]):
        if line.lstrip().startswith("#"):
            first = number if first is None else first
        elif first is not None:
            if number - 1 > first:
                yield Fold(first, number - 1, is_comment=True)
            first = None
