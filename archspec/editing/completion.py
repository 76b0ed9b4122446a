"""Complete what may be written at a place: the names that can be used there.

The words of the language, layers and arguments have their place in the schema, which the YAML
language server completes; names, files and what formulas know it cannot know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from archspec.arguments import show
from archspec.editing.index import Index
from archspec.editing.scopes import LAST, Place, StepName
from archspec.editing.text import Position, Range
from archspec.editing.way import Way, find_way
from archspec.editing.workspace import SpecView
from archspec.expand.defaults import CHANNELS
from archspec.expand.loops import INDEX
from archspec.graph import Graph
from archspec.loading.shipped import list_libraries, list_networks
from archspec.recipe.of_graph import BY_OUTPUT
from archspec.syntax.formulas import AXES, FUNCTIONS, WORDS
from archspec.syntax.source import Document, read_text
from archspec.syntax.words import RESERVED

Kind = Literal["param", "variable", "block", "step", "function", "word", "axis", "file"]
IN_FORMULA = re.compile(r"[^\W\d]\w*(?:\.\w*)*$")
HOLDS_STEPS = ("layers", "else", "merge", "replace", "insert_before", "insert_after")
REFERS = ("from", "reuse", "outputs")
MAX_NAMES = 500  # of a network, under `at`


class Completion(Struct, frozen=True):
    """A word that may stand in a range. detail: a word or two about it."""

    label: str
    kind: Kind
    range: Range
    detail: str = ""
    text: str = ""

    @property
    def written(self) -> str:
        """The text that replaces the range."""
        return self.text or self.label


def list_completions(view: SpecView, position: Position) -> list[Completion]:
    """Return what may stand at a position, none twice."""
    row = view.text.place(position)
    way = find_way("\n".join(view.text.lines), row[0] - 1, row[1] - 1)
    index, place = _find_place(view, row, way)
    word, offers = _offer(view, way, index, place)
    start = view.text.position(view.text.offset(position) - len(word))
    at = Range(start, position)
    once: dict[str, Completion] = {}
    for label, kind, detail, text in offers:
        once.setdefault(label, Completion(label, kind, at, detail, text))
    return list(once.values())


Offer = tuple[str, Kind, str, str]  # label, kind, detail, text if another one


def _offer(view: SpecView, way: Way, index: Index, place: Place) -> tuple[str, Iterable[Offer]]:
    """Return the word that is being written, and what it may become."""
    last = way.keys[-1] if way.keys else ""
    formula = way.value.lstrip("\"'")
    brace = re.search(r"\{([^{}]*)$", formula) if not formula.startswith("=") else None
    if formula.startswith("=") or (brace and last in ("name", *REFERS, "rename")):
        match = IN_FORMULA.search(brace[1] if brace else formula[1:])
        word = match[0] if match else ""
        path, dot, axis = word.rpartition(".")
        if dot:
            return axis, _offer_inside(path, place)
        return word, _offer_names(place, view.graph)
    if last == "extends":
        return way.word, _offer_files(view.path, list_networks())
    if last == "import":
        return way.word, _offer_files(view.path, list_libraries())
    if last in REFERS or (len(way.keys) > 1 and way.keys[-2] == "from"):
        path, dot, word = way.word.rpartition(".")
        if dot:
            return word, _offer_steps(_inside(path, place))
        return word, _offer_references(place, last == "outputs")
    if (way.keys[:1], last) in ((("edit",), "at"), (("train",), "freeze")):
        return way.word, _offer_network(view)
    if last in BY_OUTPUT and way.keys[0] == "train" and way.is_key:
        return way.word, ((each, "step", "an output", "") for each in _outputs(view))
    block = place.home.blocks.get(last)
    if block is not None and way.is_key:
        return way.word, ((each, "param", f"of {last}", f"{each}: ") for each in block.params)
    if last == "set" and "edit" in way.keys:
        params = {name for each in place.home.blocks.values() for name in each.params}
        return way.word, ((each, "param", "", f"{each}: ") for each in sorted(params))
    if last in (*HOLDS_STEPS, "of") or (len(way.keys) > 1 and way.keys[-2] == "branches"):
        return way.word, ((each, "block", "a block", "") for each in place.home.blocks)
    return way.word, ()


# --- where it is ---------------------------------------------------------------------------------


def _find_place(view: SpecView, at: tuple[int, int], way: Way) -> tuple[Index, Place]:
    """Return what is seen from a place: from the step that it is in, or from the one before it.

    The text is read with a word in the place of what is being written, since it may be no YAML yet.
    """
    index = _read_repaired(view, at, way) or view.index
    if not index.places and view.last is not None:
        index = view.last.index
    source = index.document.source
    best: tuple[tuple[int, int], Place] | None = None
    for span, place in index.places:
        start = span.line, span.column
        if span.source is source and start <= at and (best is None or start >= best[0]):
            best = start, place
    home = index.home
    if best is None or way.keys[:1] not in (("layers",), ("blocks",)):
        return index, Place(home.top, home, (home.params,), order=LAST)
    return index, best[1]


def _read_repaired(view: SpecView, at: tuple[int, int], way: Way) -> Index | None:
    """Return the names of a text that ends its line at a place, with what is open closed."""
    lines = list(view.text.lines)
    row, column = at[0] - 1, at[1] - 1
    if row >= len(lines):
        return None
    before = lines[row][:column]
    start = before[: len(before) - len(way.word)] if way.word else before
    for filler in (way.word or "x", "x", "x: x"):
        closed = start + filler + _list_open(start)
        text = "\n".join([*lines[:row], closed, *lines[row + 1 :]])
        document = read_text(text, str(view.path), view.path)
        if not document.errors:
            return Index(_with_path(document, view), view.reader.follow)
    return None


def _with_path(document: Document, view: SpecView) -> Document:
    path = view.document.path if view.document is not None else view.path
    return Document(document.rest, document.source, path, document.errors)


def _list_open(line: str) -> str:
    """Return what closes the quotes and brackets that are open at the end of a line.

    >>> _list_open('  - Conv2D: {filters: "=max(a, ')
    '"}'
    """
    closing, quote, before = [], "", " "
    for char in line:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and before in " [{,:":
            quote = char
        elif char in "[{" and before in " [{,:":
            closing.append({"[": "]", "{": "}"}[char])
        elif char in "]}" and closing and closing[-1] == char:
            closing.pop()
        before = char
    return quote + "".join(reversed(closing))


# --- what there is -------------------------------------------------------------------------------


def _offer_names(place: Place, graph: Graph | None) -> Iterator[Offer]:
    """Yield what may stand in a formula."""
    values = graph.params if graph is not None else {}
    for frame in place.frames:
        own = frame is place.home.params or frame is place.frames[-1]
        for name, mark in frame.items():
            detail = show(values[name]) if own and name in values else mark.kind
            yield name, "param" if mark.kind == "param" else "variable", detail[:60], ""
    if place.loops:
        yield INDEX, "variable", "of the iteration", ""
    if place.scope is not place.home.top:
        yield CHANNELS, "variable", "of the block's input", ""
    for name in FUNCTIONS:
        yield name, "function", "", f"{name}("
    for word in WORDS:
        yield word, "word", "", ""
    for name in RESERVED:
        yield name, "step", "a step", ""
    for name, kind, detail, _ in _offer_steps(_seen(place)):
        if name.isidentifier():
            yield name, kind, detail, ""


def _offer_inside(path: str, place: Place) -> Iterator[Offer]:
    """Yield what may stand behind the name of a step and a dot."""
    for axis in AXES:
        yield axis, "axis", f"of {path}", ""
    yield from _offer_steps(_inside(path, place))


def _seen(place: Place) -> Iterator[StepName]:
    for scope in place.scope.outward():
        yield from (step for step in scope.steps if step.place.order <= place.order)


def _inside(path: str, place: Place) -> Iterator[StepName]:
    """Yield the steps in the step that a path leads to."""
    first, *rest = path.split(".")
    steps = [step for step in _seen(place) if step.template.match(first) is not None]
    for part in rest:
        inside = [each for step in steps for scope in step.scopes() for each in scope.steps]
        steps = [each for each in inside if each.template.match(part) is not None]
    for step in steps:
        for scope in step.scopes():
            yield from scope.steps


def _offer_steps(steps: Iterable[StepName]) -> Iterator[Offer]:
    """Yield the names of steps; of several without a name none is sure."""
    known = list(steps)
    for step in known:
        text = step.template.text
        twice = step.template.numbered == "unnamed" and sum(
            each.template.text == text for each in known
        )
        if twice in (False, 1):
            if step.template.numbered == "repeat":
                text += "0"
            yield text, "step", step.label, ""


def _offer_references(place: Place, is_output: bool) -> Iterator[Offer]:
    for name in () if is_output else RESERVED:
        yield name, "step", "", ""
    yield from _offer_steps(_seen(place))


def _offer_network(view: SpecView) -> Iterator[Offer]:
    """Yield the names of all steps of the network, as an edit takes them: those before it."""
    sound = view if view.graph is not None else view.last
    graph = sound.graph if sound is not None else None
    graph = graph.base if graph is not None and graph.base is not None else graph
    if graph is None:
        return
    names: dict[str, str] = {}
    for node in graph:
        for region in node.regions:
            names.setdefault(region.path, region.title or region.kind)
        names.setdefault(node.name, node.op)
    for name, what in list(names.items())[:MAX_NAMES]:
        yield name, "step", what, ""


def _outputs(view: SpecView) -> Iterable[str]:
    sound = view if view.graph is not None else view.last
    return sound.graph.outputs if sound is not None and sound.graph is not None else ()


def _offer_files(path: Path, shipped: Iterable[str]) -> Iterator[Offer]:
    try:
        beside = sorted(each.name for each in path.parent.glob("*.yaml") if each != path)
    except OSError:
        beside = []
    for name in beside:
        yield name, "file", "a file beside this one", ""
    for name in shipped:
        yield name, "file", "comes with archspec", ""
