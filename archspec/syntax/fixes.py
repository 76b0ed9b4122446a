"""Apply fixes to a text, which otherwise stays the same: comments, layout and line ends."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.errors import Fix
from archspec.syntax.yaml_errors import LINE_END


def apply_fixes(text: str, fixes: Iterable[Fix]) -> str:
    """Return a text with what each fix changes; of two that overlap the first is taken."""
    starts = [0, *(match.end() for match in LINE_END.finditer(text))]
    parts, done = [], 0
    for fix in sorted(set(fixes), key=lambda fix: (fix.span.line, fix.span.column)):
        begin = starts[fix.span.line - 1] + fix.span.column - 1
        if begin < done:
            continue
        parts += [text[done:begin], fix.text]
        done = starts[fix.span.end_line - 1] + fix.span.end_column - 1
    return "".join([*parts, text[done:]])
