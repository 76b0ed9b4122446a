"""Cut out of a YAML text what a mistake makes unreadable, so that the rest can be read.

    layers:
      - Conv2D: {filters: 8     the bracket is never closed: this step is cut out,
      - Dens: 3                 and this one is read, as it begins at the list's indentation

A cut begins at the list item, or at the key of the file, that the mistake lies in. It ends at the
next line where the structure is certain: a key in the first column, or an item of one of the lists
around. If what stands before a cut is not whole by itself, a quote or bracket is open in it, and
the cut begins there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from archspec.syntax.yaml_errors import LINE_END, Loader

ITEM = re.compile(r" *-(\s|$)")
KEY = re.compile(r"[A-Za-z_][\w-]*\s*:(\s|$)")
OURS = re.compile(r"^archspec\s*:", re.MULTILINE)
MAX_OPEN = 3  # quotes and brackets that may be open before a mistake


def cut_out(text: str, line: int) -> str | None:
    """Return a text without what a mistake on a line makes unreadable; None if that is unclear.

    line: counts from 1. All other lines keep their numbers.
    """
    if not OURS.search(text):  # it may be anything, so nothing in it is certain
        return None
    starts = [0, *(match.end() for match in LINE_END.finditer(text))]
    lines = [text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    number = min(line, len(lines)) - 1
    if lines[number].startswith(("---", "...")):  # another document would be laid into this one
        return None
    for _ in range(MAX_OPEN):
        around = list(_find_openers(lines, number))
        start = around[0][0] if around else number
        try:
            if not _is_mapping("".join(lines[:start])):
                return None
            break
        except yaml.MarkedYAMLError as error:
            opened = _where_opened(error)
            if opened is None or opened >= start:
                return None
            number = opened
    else:
        return None
    indents = {indent for _, indent in around}
    after = range(start + 1, len(lines))
    end = next((each for each in after if _is_certain(lines[each], indents)), len(lines))
    hole = LINE_END.findall("".join(lines[start:end]))
    return "".join((*lines[:start], *hole, *lines[end:]))


def _find_openers(lines: Sequence[str], number: int) -> Iterator[tuple[int, int]]:
    """Yield the lines that begin the items and the key of the file around a line, the innermost
    first, each with its indentation."""
    inside: int | None = None
    for each in range(number, -1, -1):
        words = lines[each].lstrip(" ")
        if not words.strip() or words[0] in "#\t":
            continue
        indent = len(lines[each]) - len(words)
        if inside is None or indent < inside:
            inside = indent
            if indent == 0 or ITEM.match(lines[each]):
                yield each, indent
        if indent == 0:
            return


def _is_certain(line: str, indents: set[int]) -> bool:
    """Return whether a line begins a key of the file, or an item of a list.

    indents: of the items of the lists that it may belong to.
    """
    if ITEM.match(line):
        return len(line) - len(line.lstrip(" ")) in indents
    return KEY.match(line) is not None


def _is_mapping(text: str) -> bool:
    """Return whether a text is a mapping, or nothing. Raises as PyYAML does if it is no YAML."""
    kinds = (yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.ScalarEvent, yaml.AliasEvent)
    values = [type(event) for event in yaml.parse(text, Loader=Loader) if isinstance(event, kinds)]
    return values[:1] in ([], [yaml.MappingStartEvent])


def _where_opened(error: yaml.MarkedYAMLError) -> int | None:
    """Return the line, from 0, of a quote, a bracket or a key that is still open where PyYAML
    stopped; None if it stopped for another reason."""
    is_open = re.search("flow|quoted|simple key", error.context or "")
    return int(error.context_mark.line) if is_open and error.context_mark else None
