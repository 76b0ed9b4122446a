"""Mark where names are written, and which of them are one name."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from archspec.editing.names import Kind, NameTable, Occurrence
from archspec.editing.parts import locate, split_path
from archspec.editing.scopes import StepName
from archspec.errors import Span
from archspec.syntax.source import Value


class MarkMaker:
    """The marks of names in all files of an index, in its table."""

    def __init__(self) -> None:
        self.names = NameTable()

    def make(self, kind: Kind, text: str, span: Span, defines: bool = False) -> Occurrence:
        return replace(self.part(kind, text, text, span, 0), defines=defines)

    def part(self, kind: Kind, part: str, text: str, span: Span, start: int) -> Occurrence:
        """Return the mark of a part of a scalar."""
        at = locate(text, span, start, start + len(part))
        return Occurrence(kind, at or span, part, "plain" if at is not None else "hidden")

    def split(self, path: Value) -> list[Occurrence]:
        """Return the marks of the parts of a path to a step."""
        text = str(path.data)
        return [self.part("step", part, text, path.span, at) for at, part in split_path(text)]

    def mark(self, kind: Kind, text: str, span: Span, defines: bool = False) -> Occurrence:
        return self.names.add(self.make(kind, text, span, defines))

    def use(self, kind: Kind, text: str, span: Span, defined: Occurrence) -> Occurrence:
        mark = self.mark(kind, text, span)
        self.names.tie(defined, mark)
        return mark

    def define(
        self, kind: Kind, text: str, span: Span, known: dict[str, Occurrence], hidden: bool = False
    ) -> None:
        """Enter a definition; one that is known is another of the same name."""
        mark = self.make(kind, text, span, defines=True)
        mark = self.names.add(replace(mark, form="hidden") if hidden else mark)
        if text in known:
            self.names.tie(known[text], mark)
        known[text] = mark

    def tie_part(self, part: Occurrence, steps: Sequence[StepName]) -> None:
        if "*" in part.text:
            self.names.patterns.append((part, tuple(step.mark for step in steps)))
            return
        part = self.names.add(part)
        for step in steps:
            self.names.tie(step.mark, part)
