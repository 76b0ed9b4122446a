"""Find the keys around a place in a text that may be broken there, as it is while one writes.

>>> find_way("layers:\\n  - Conv2D: {filters: 3, ker", 1, 28)
Way(keys=('layers', 'Conv2D'), word='ker', is_key=True, value='ker')
>>> find_way("layers:\\n  - Dense: 3\\n    from: [a, st", 2, 16)
Way(keys=('layers', 'from'), word='st', is_key=False, value='st')
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

ENTRY = re.compile(
    r"""
    (?P<indent>[ ]*) (?P<dashes>(?:-[ ]+|-$)*)
    (?:(?P<key>[^\s\#'"\[{][^:\#\[{]*?|"[^"]*"|'[^']*')\s*:(?=\s|$))?
    """,
    re.VERBOSE,
)
WORD = re.compile(r"[\w./*{}-]*$")
OPEN, CLOSE = "[{", "]}"


class Way(Struct, frozen=True):
    """The words that a place stands under, the outermost first.

    word: what has been written of the word there. is_key: whether it may be a key: it begins an
    item or a line, or stands in braces before a colon. value: the whole value up to the place.
    """

    keys: tuple[str, ...]
    word: str
    is_key: bool
    value: str


def find_way(text: str, row: int, column: int) -> Way:
    """Return the words around a place. row, column: in characters, from 0."""
    lines = text.split("\n")
    line = lines[row][:column] if row < len(lines) else ""
    found = ENTRY.match(line)
    assert found is not None
    outer = list(_list_outer(lines, row, len(found["indent"]), bool(found["dashes"]), line))[::-1]
    rest = line[found.end() :]
    keys = [*outer, *([_plain(found["key"])] if found["key"] is not None else [])]
    stack: list[str] = []
    value = start = ""
    is_key = found["key"] is None
    opened: list[tuple[str, bool]] = []
    quote = ""
    for char in rest:
        if quote:
            quote = "" if char == quote else quote
            value += char
        elif char in "'\"" and not value.strip():
            quote = char
            value += char
        elif char in OPEN and not value.strip():
            opened.append((char, bool(start)))
            stack += [start] if start else []
            start, value, is_key = "", "", char == "{"
        elif char in CLOSE and opened and not _is_open(value):
            _, pushed = opened.pop()
            if pushed:
                stack.pop()
            start, value, is_key = "", "", False
        elif char == "," and opened and not _is_open(value):
            start, value, is_key = "", "", opened[-1][0] == "{"
        elif char == ":" and value.strip() and not value.strip().startswith("="):
            start, value, is_key = _plain(value), "", False
        else:
            value += char
    inside = [*stack, *([start] if start else [])]
    if not opened and not rest.strip():
        value, is_key = "", found["key"] is None
    written = value.lstrip()
    if found["key"] is None and not opened and not start:
        is_key = True
    match = WORD.search(written)
    return Way((*keys, *inside), match[0] if match else "", is_key, written)


def _is_open(value: str) -> bool:
    """Return whether a bracket of a formula, or a brace of a name, is open."""
    return any(value.count(a) > value.count(b) for a, b in ("()", "[]", "{}"))


def _plain(key: str) -> str:
    return key.strip().strip("'\"")


def _list_outer(lines: list[str], row: int, indent: int, dashed: bool, line: str) -> Iterator[str]:
    """Yield the keys that a line stands under, the innermost first."""
    limit = indent if line.strip() else len(line)
    for number in range(row - 1, -1, -1):
        text = lines[number]
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        found = ENTRY.match(text)
        if found is None:
            continue
        at = len(found["indent"])
        inner = at + len(found["dashes"])
        key = found["key"]
        if key is not None and (inner < limit or (dashed and inner == limit and inner == at)):
            yield _plain(key)
            limit, dashed = inner, False
        if at < limit:
            limit, dashed = at, bool(found["dashes"])
        if limit == 0 and not dashed:
            return
