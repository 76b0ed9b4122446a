"""Write the text under the mouse: a step in each iteration, the values of a name, the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from archspec import notation
from archspec.analysis.measures import MEASURES
from archspec.arguments import show
from archspec.editing.facts import Start, StepFacts, StepIteration, find_facts, write_shape
from archspec.editing.names import Occurrence
from archspec.editing.text import Position, Range, trim
from archspec.editing.workspace import SpecView
from archspec.errors import Span
from archspec.graph import Graph, sum_or_none

MAX_ROWS = 12  # of a table
MAX_VALUES = 8  # of a name
WHOLE = ("archspec", "layers", "extends")  # the words at which the whole network is shown


class Hover(Struct, frozen=True):
    """Markdown about what stands in a range."""

    range: Range
    markdown: str


def find_hover(view: SpecView, position: Position) -> Hover | None:
    """Return what there is to say at a position; None if there is nothing."""
    mark = view.mark_at(position)
    if mark is not None and mark.kind in ("param", "variable", "step"):
        told = _tell_step(view, mark) if mark.kind == "step" else _tell_values(view, mark)
        if told is not None:
            return Hover(view.text.range(mark.span), told)
    line, column = view.text.place(position)
    if (whole := _tell_whole(view, line, column)) is not None:
        return whole
    span = find_step(view, line, column)
    facts = None if span is None else find_facts(view).get((span.line, span.column))
    if span is None or facts is None:
        return None
    return Hover(view.text.range(_first_line(span)), write_table(facts))


def find_step(view: SpecView, line: int, column: int) -> Span | None:
    """Return the place of the innermost step at a place; None if there is none."""
    around = [
        span
        for span, _ in view.index.places
        if span.source is view.source
        and (span.line, span.column) <= (line, column)
        and (line, column) <= (trim(span).end_line, trim(span).end_column)
    ]
    return max(around, key=lambda span: (span.line, span.column), default=None)


def _first_line(span: Span) -> Span:
    return next((part for part, _ in trim(span).lines()), span)


def write_table(facts: StepFacts) -> str:
    """Return a table of the iterations of a step, which can also be read as plain text."""
    iterations = shown = facts.iterations
    if len(iterations) > MAX_ROWS:
        shown = *iterations[: MAX_ROWS - 1], iterations[-1]
    rows = [_write_iteration(each) for each in shown]
    if len(iterations) > MAX_ROWS:
        rows.insert(-1, [f"… {len(iterations) - MAX_ROWS} more", "", "", "", ""])
    if len(iterations) > 1:
        macs = sum_or_none(each.macs for each in iterations)
        counts = [notation.write_count(each) for each in (sum(i.params for i in iterations), macs)]
        rows.append([f"{len(iterations)} in all", "", *counts, ""])
    lines = list(_lay_out(["", "output", "params", "MACs", "field"], rows))
    if facts.is_old:
        lines = ["*as it was before the text was broken*", "", *lines]
    return "\n".join(lines)


def _write_iteration(each: StepIteration) -> list[str]:
    field = notation.write_axes(each.field.size) if each.field is not None else ""
    counts = (notation.write_count(each) for each in (each.params, each.macs))
    return [f"`{each.name}`", write_shape(each.shape), *counts, "all" if each.sees_all else field]


def _lay_out(head: list[str], rows: list[list[str]], left: int = 2) -> Iterator[str]:
    """Yield the lines of a table in Markdown. left: how many columns are words, not numbers."""
    widths = [max(3, *map(len, column)) for column in zip(head, *rows, strict=True)]
    for number, row in enumerate([head, *rows]):
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"| {' | '.join(cells)} |"
        if not number:
            rules = (
                "-" * width if column < left else f"{'-' * (width - 1)}:"
                for column, width in enumerate(widths)
            )
            yield f"| {' | '.join(rules)} |"


def _tell_step(view: SpecView, mark: Occurrence) -> str | None:
    """Return what is known of the steps that a name means."""
    facts = find_facts(view)
    starts: dict[Start, None] = {}
    for each in view.index.names.targets_of(mark):
        if each.span.source is view.source:
            span = each.span
            if (span.line, span.column) not in facts:  # a layer, which is known by its step
                span = find_step(view, span.line, span.column) or span
            starts[span.line, span.column] = None
    iterations = tuple(
        each for start in starts if start in facts for each in facts[start].iterations
    )
    old = any(facts[start].is_old for start in starts if start in facts)
    return write_table(StepFacts(iterations, old)) if iterations else None


def _tell_whole(view: SpecView, line: int, column: int) -> Hover | None:
    """Return the measures of the whole network, at a word of the file that stands for it."""
    sound = view if view.is_sound else view.last
    if view.document is None or view.document.rest is None or sound is None or not sound.graph:
        return None
    for word in WHOLE:
        span = view.document.rest.keys.get(word)
        if span is None or span.source is not view.source or span.line != line:
            continue
        if span.column <= column <= span.end_column:
            return Hover(view.text.range(span), _write_measures(sound.graph))
    return None


def _write_measures(graph: Graph) -> str:
    rows = []
    for measure in MEASURES:
        value = measure.compute(graph)
        text = measure.unit.if_none if value is None else measure.unit.write(value)
        rows.append([measure.name.replace("_", " "), text])
    return "\n".join(_lay_out([f"{graph.name}", ""], rows, left=1))


# --- values of names -----------------------------------------------------------------------------


def _tell_values(view: SpecView, mark: Occurrence) -> str | None:
    """Return the values that a param or a variable has in the network."""
    if view.graph is None:
        return None
    values = list(_find_values(view, mark, view.graph))
    if not values:
        return None
    different = list(dict.fromkeys(map(show, values)))
    shown = ", ".join(different[:MAX_VALUES]) + (", …" if len(different) > MAX_VALUES else "")
    what = "loop variable" if mark.kind == "variable" else "param"
    return f"{what} `{mark.text}`: {shown}"


def _find_values(view: SpecView, mark: Occurrence, graph: Graph) -> Iterable[Any]:
    names, home = view.index.names, view.index.home
    root = names.find_root(mark.key)
    own = home.params.get(mark.text)
    if own is not None and names.find_root(own.key) == root:
        return [graph.params[mark.text]] if mark.text in graph.params else []
    if mark.kind == "param":
        titles = {
            label
            for label, block in home.blocks.items()
            if mark.text in block.params and names.find_root(block.params[mark.text].key) == root
        }
        regions = (region for node in graph for region in node.regions)
        return [
            each.params[mark.text]
            for each in regions
            if each.title in titles and mark.text in each.params
        ]
    loops = {
        span
        for span, frame in view.index.loops.items()
        if mark.text in frame and names.find_root(frame[mark.text].key) == root
    }
    return [
        iteration.values[mark.text]
        for node in graph
        for iteration in node.iterations
        if iteration.loop in loops
    ]
