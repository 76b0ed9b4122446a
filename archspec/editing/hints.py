"""List the shapes that stand at the ends of lines."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from archspec.editing.facts import StepFacts, find_facts, write_shapes
from archspec.editing.text import Position, Range
from archspec.editing.workspace import SpecView
from archspec.silencing import find_comment


class Hint(Struct, frozen=True):
    """A text that an editor shows in a line. tooltip: what it says where the mouse is on it."""

    position: Position
    label: str
    tooltip: str


def list_hints(view: SpecView, within: Range | None = None) -> Iterator[Hint]:
    """Yield the shape of the last step of each line, before its comment."""
    last: dict[int, StepFacts] = {}
    for (line, _), facts in sorted(find_facts(view).items(), key=lambda each: each[0]):
        last[line] = facts
    text = view.text
    for line, facts in last.items():
        words = text.lines[line - 1]
        words = words[: find_comment(words)].rstrip()
        position = text.position(text.find(line, len(words) + 1))
        if within is None or within.start.line <= position.line <= within.end.line:
            label = f"→ {write_shapes(facts)}"
            tooltip = "the shape of the output, without the batch"
            if facts.is_old:
                label, tooltip = f"({label})", "as it was before the text was broken"
            yield Hint(position, label, tooltip)
