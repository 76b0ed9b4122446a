"""Collect the facts of each step of a file: its shape and cost in each iteration.

A step in a loop, or in a block that is called several times, has facts for each iteration or call.
Where a text is broken, steps without facts keep their last ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec import notation
from archspec.analysis.fields import Field, find_fields
from archspec.editing.workspace import SpecView
from archspec.errors import Span
from archspec.expand.names import CALLED
from archspec.graph import Graph, Node, count_params, sum_or_none

Start = tuple[int, int]  # the line and the column at which a step begins


class StepIteration(Struct, frozen=True):
    """A step in one iteration or call.

    name: its path; of a layer its name. op: of the layer whose output it passes on. shape: None
    where it is not known. field: what one value sees, None if it is not known or all. sees_all:
    whether it is all.
    """

    name: str
    op: str
    shape: tuple[int | None, ...] | None
    params: int
    macs: int | None
    field: Field | None = None
    sees_all: bool = False


class StepFacts(Struct, frozen=True):
    """The iterations of a step. is_old: whether they are those before the text was broken."""

    iterations: tuple[StepIteration, ...]
    is_old: bool = False

    @property
    def is_known(self) -> bool:
        return all(each.shape is not None for each in self.iterations)


def find_facts(view: SpecView) -> Mapping[Start, StepFacts]:
    """Return what is known of the steps of a file, by where they begin; of a named group and of a
    branch by where that name begins."""
    now = _collect(view)
    if view.last is None:
        return now
    old = {
        start: replace(facts, is_old=True)
        for start, facts in _move(_collect(view.last), view.last, view).items()
    }
    return {
        **old,
        **{start: facts for start, facts in now.items() if facts.is_known or start not in old},
    }


def _collect(view: SpecView) -> dict[Start, StepFacts]:
    graph = view.graph
    if graph is None:
        return {}
    fields = _find_fields(graph)
    found: dict[Start, dict[str, StepIteration]] = {}

    def add(span: Span, name: str, value: Node, nodes: Sequence[Node]) -> None:
        if span.source is view.source:
            iterations = found.setdefault((span.line, span.column), {})
            if name not in iterations:
                iterations[name] = _make_iteration(name, value, nodes, fields)

    values = {each.path: graph[each.node] for each in graph.values}
    inside: dict[str, list[Node]] = {}
    for node in graph:
        add(node.span, node.name, node, [node])
        for region in node.regions:
            inside.setdefault(region.path, []).append(node)
    for node in graph:
        for note in node.trail:
            path = note.text.rpartition(" ")[2] if note.text.startswith(CALLED) else None
            if path in values:
                add(note.span, path, values[path], inside[path])
    for each in graph.values:
        if each.kind != "block":  # which is known by its call
            add(each.span, each.path, values[each.path], inside.get(each.path, ()))
    return {start: StepFacts(tuple(iterations.values())) for start, iterations in found.items()}


def _find_fields(graph: Graph) -> Mapping[str, Field | None]:
    sound = not graph.errors and all(node.facts is not None for node in graph)
    return find_fields(graph) if sound else {}


def _make_iteration(
    name: str, value: Node, nodes: Sequence[Node], fields: Mapping[str, Field | None]
) -> StepIteration:
    return StepIteration(
        name=name,
        op=value.op,
        shape=value.facts.shape if value.facts is not None else None,
        params=sum(map(count_params, nodes)),
        macs=sum_or_none(node.facts.macs if node.facts is not None else None for node in nodes),
        field=fields.get(value.name),
        sees_all=value.name in fields and fields[value.name] is None,
    )


def _move(
    facts: Mapping[Start, StepFacts], before: SpecView, now: SpecView
) -> dict[Start, StepFacts]:
    """Return facts of an older text by where its steps stand now, as far as that is certain."""
    lines = match_lines(before.text.lines, now.text.lines)
    return {(lines[line], column): each for (line, column), each in facts.items() if line in lines}


def match_lines(before: list[str], now: list[str]) -> dict[int, int]:
    """Return where the lines of an older text are now, counted from 1.

    One that was changed in its place is the same line.

    >>> match_lines(["a", "b", "c"], ["a", "x", "y", "c"])
    {1: 1, 3: 4}
    >>> match_lines(["a", "b", "c"], ["a", "x", "c"])
    {1: 1, 3: 3, 2: 2}
    """
    shared = min(len(before), len(now))
    head = next((n for n in range(shared) if before[n] != now[n]), shared)
    left = shared - head
    tail = next((n for n in range(left) if before[-1 - n] != now[-1 - n]), left)
    found = {number: number for number in range(1, head + 1)}
    shift = len(now) - len(before)
    found |= {n: n + shift for n in range(len(before) - tail + 1, len(before) + 1)}
    middle = before[head : len(before) - tail], now[head : len(now) - tail]
    matcher = difflib.SequenceMatcher(None, *middle, autojunk=False)
    for what, a, after_a, b, after_b in matcher.get_opcodes():
        if what == "equal" or (what == "replace" and after_a - a == after_b - b):
            found |= {head + 1 + n: head + 1 + n + b - a for n in range(a, after_a)}
    return found


def write_shapes(facts: StepFacts) -> str:
    """Return the shapes of a step in a few words: the first, the last, and how many there are.

    >>> iterations = [StepIteration("a", "ReLU", (None, n, 8), 0, 0) for n in (32, 16, 8)]
    >>> write_shapes(StepFacts(tuple(iterations)))
    '32×8 … 8×8  ×3'
    """
    shapes = [write_shape(each.shape) for each in facts.iterations]
    each = list(dict.fromkeys(shapes))
    text = each[0] if len(each) == 1 else f"{each[0]} … {shapes[-1]}"
    return f"{text}  ×{len(shapes)}" if len(shapes) > 1 else text


def write_shape(shape: Any) -> str:
    """Return a shape as pictures write it, `?` where it is not known."""
    return notation.UNKNOWN if shape is None else notation.write_shape(shape)
