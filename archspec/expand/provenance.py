"""Find the source of each argument of a node.

>>> import archspec
>>> graph = archspec.load("resnet18")
>>> for given in list_given(graph["stage1.unit0.main.conv2d"])[:3]:
...     print(given.name, given.value, given.source, given.text)
filters 128 step ==
kernel_size (3, 3) step 3
strides (2, 2) step ==
>>> [(name.name, name.value) for name in list_given(graph["stage1.unit0.main.conv2d"])[0].names]
[('filters', 128), ('width', 64), ('stage', 1), ('depths', [2, 2, 2, 2])]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct

from archspec.errors import Span
from archspec.expand.origins import EDITED, Account, Origin, find_sources
from archspec.graph import Node

Source = Literal["step", "defaults", "edit", "default"]


class GivenName(Struct, frozen=True):
    """A name in a formula, its value, and where it was given.

    span, text: None and "" for a name of the language, and for the variable of a loop over a
    formula.
    """

    name: str
    value: Any
    span: Span | None
    text: str


class Given(Struct, frozen=True):
    """An argument of a node and where its value is from.

    source: `step` where the step itself says it, `defaults`, `edit` where an edit or a setting of
    it does, or `default` for Keras's own. span, text: where and what is written; None and "" for
    Keras's default. names: those in its formula, and in the formulas that gave these.
    """

    name: str
    value: Any
    source: Source
    span: Span | None = None
    text: str = ""
    names: tuple[GivenName, ...] = ()


def list_given(node: Node) -> list[Given]:
    """Return every argument of a node with where its value is from.

    Of a node that calls a layer again the arguments are those of the first call: ask for that one.
    """
    account = node.account
    if not isinstance(account, Account):
        return [Given(name, value, "default") for name, value in node.arguments.items()]
    edits = find_edits(node)
    return [_find(name, value, account, edits) for name, value in node.arguments.items()]


def find_edits(node: Node) -> list[Span]:
    """Return the edits that a node is in, in the order in which they were made."""
    return list(dict.fromkeys(note.span for note in node.trail if note.text == EDITED))


def _find(name: str, value: Any, account: Account, edits: Iterable[Span]) -> Given:
    if name == "trainable" and account.frozen is not None:
        return Given(name, value, "edit", account.frozen, quote(account.frozen))
    if name not in account.written:
        return Given(name, value, "default")
    written = account.written[name]
    span = written.value.span
    edited = any(edit.holds(span) for edit in edits)
    source: Source = "edit" if edited else "defaults" if written.in_defaults else "step"
    origins = find_sources(written.value, written.env, written.key)
    return Given(name, value, source, span, quote(span), tuple(_list_names(origins)))


def _list_names(origins: Iterable[Origin]) -> Iterator[GivenName]:
    """Yield each name that a value comes from once, the nearest first."""
    queue = deque(dict.fromkeys(origins))
    seen = set(queue)
    while queue:
        each = queue.popleft()
        yield GivenName(each.name, each.value, each.span, quote(each.span) if each.span else "")
        for source in each.sources:
            if source not in seen:
                seen.add(source)
                queue.append(source)


def quote(span: Span) -> str:
    """Return the text at a place: of several lines, without what they all begin with."""
    lines = list(span.source.lines[span.line - 1 : span.end_line])
    if not lines:
        return ""
    if span.end_line == span.line:
        return lines[0][span.column - 1 : span.end_column - 1].strip()
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = " " * (span.column - 1) + lines[0][span.column - 1 :]
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    margin = min((len(each) - len(each.lstrip()) for each in lines if each.strip()), default=0)
    return "\n".join(each[margin:].rstrip() for each in lines)
