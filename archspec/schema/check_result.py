"""Collect the errors of a document, and which part of the document each makes unusable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from archspec.errors import Diagnostic, Note, Span
from archspec.syntax.source import Value

HOLD_STEPS = ("replace", "insert_before", "insert_after")  # the words of an edit that have steps
Path = list[Any]  # the keys and indices that lead from the root of a file to a value
Notes = tuple[Note, ...]


class CheckResult(Struct):
    """The errors that the schema finds in a document.

    broken: the places of the values that it refused, which the later stages skip, so that they
    still find whatever else is wrong. fatal: whether the rest means nothing as a whole.
    """

    root: Value
    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: set[Span] = field(default_factory=set)
    fatal: bool = False

    def error(
        self, code: str, message: str, span: Span, hint: str | None = None, notes: Notes = ()
    ) -> None:
        """Add an error."""
        self.diagnostics.append(Diagnostic(code, message, span, hint, notes))

    def mark_broken(self, path: Path) -> None:
        """Mark the part that an error at a path makes unusable, as small as can be skipped."""
        word = path[0] if path else None
        end = _find_end_of_step(path)
        if end is not None:
            broken = path[:end]
        elif word in ("train", "require", "name", "description", "outputs", "input"):
            broken = path[:1]
        elif path == ["inputs"] and _is_shape(self.root.data["inputs"]):  # of one input, unnamed
            broken = path
        elif "defaults" in path[:3]:  # defaults.Conv2D.padding, blocks.unit.defaults.Conv2D
            broken = path[: path.index("defaults") + 2]
        elif word in ("inputs", "blocks", "edit") and len(path) > 1:
            broken = path[:2]
        else:
            self.fatal = self.fatal or word not in (None, "blocks")
            return
        self.broken.add(find_values(self.root, broken)[-1].span)

    def known_blocks(self) -> list[str]:
        """Return the names of the blocks that the file defines."""
        return [name for name, _, _ in self.root.entries_of("blocks")]


def find_rank(root: Value) -> int | None:
    """Return how many axes the input of a file has beside channels, if it is one list."""
    shape = root.get("input")
    return len(shape.data) - 1 if shape is not None and isinstance(shape.data, tuple) else None


def _is_shape(value: Value) -> bool:
    axes = value.data if isinstance(value.data, tuple) else ()
    return bool(axes) and all(isinstance(each.data, int) or each.data is None for each in axes)


def find_values(root: Value, path: Iterable[Any]) -> list[Value]:
    """Return the values on a path from the root, beginning with the root."""
    values = [root]
    for part in path:
        values.append(values[-1].data[part])
    return values


def is_step(path: Path) -> bool:
    """Return whether the value at a path is a step; a branch, which holds steps, is not."""
    if path[:1] == ["edit"] and len(path) == 3:  # alone, not in a list
        return path[2] in HOLD_STEPS
    return bool(path) and _find_end_of_step(path) == len(path) and not _is_branch(path)


def _find_end_of_step(path: Path) -> int | None:
    """Return how much of a path leads to its innermost step or branch, or None outside of steps.

    >>> _find_end_of_step(["layers", 3, "Dense", "units"])
    2
    """
    if not path or path[0] not in ("layers", "blocks", "edit"):
        return None
    for end in range(len(path), 1, -1):
        part, before = path[end - 1], path[end - 2]
        if part == "merge" or _is_branch(path[:end]):
            return end
        in_branch = end > 2 and path[end - 3] == "branches"
        in_edit = path[0] == "edit" and before in HOLD_STEPS and end == 4
        if isinstance(part, int) and (before == "layers" or in_branch or in_edit):
            return end
        if path[0] == "edit" and part in HOLD_STEPS and end == 3 and end < len(path):
            return end
    return None


def _is_branch(path: Path) -> bool:
    held = ("layers", "blocks", "edit")
    return len(path) > 1 and path[-2] == "branches" and path[0] in held


def find_head(value: Value) -> Span:
    """Return the place of a mapping's first key, or where the value begins."""
    return next(iter(value.keys.values()), value.span.within(0, 1))
