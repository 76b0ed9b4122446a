"""Write a page's details of layers and groups: their place in the spec, and the arithmetic of
`show`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache

from msgspec import Struct

from archspec import notation
from archspec.analysis.fields import find_fields
from archspec.arguments import show
from archspec.backends.layer_pages import find_users, list_sections, make_page
from archspec.errors import Source, Span
from archspec.graph import Graph, Node, Region
from archspec.loading.shipped import shipped_folder
from archspec.pictures.style import COSTS, sum_cost
from archspec.reading import path_of

MOST = 10**6  # columns: more than any line has
Section = list[int]  # the places of a heading and of its lines among the texts of the page
Place = tuple[int, int, int]  # the place of a file among those of the page, first and last line


class NodeDetails(Struct, frozen=True, omit_defaults=True):
    """A layer in the details of a box.

    costs: its parameters, MACs and bytes. place: where it is written. others: the same layer in
    other networks of the page, by their places and its names there.
    """

    name: str
    op: str
    costs: list[int | None]
    place: Place | None
    sections: list[Section]
    others: list[tuple[int, str]] = []


class SourceText(Struct, frozen=True):
    """A file that steps are written in."""

    name: str
    text: str


class Texts:
    """The texts of a page, each of which is in it once."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._sources: dict[tuple[str, tuple[str, ...]], int] = {}

    @property
    def lines(self) -> list[str]:
        return [*self._lines]

    @property
    def sources(self) -> list[SourceText]:
        return [SourceText(name, "\n".join(lines)) for name, lines in self._sources]

    def add_section(self, heading: str, lines: Iterable[str]) -> Section:
        texts = map(hide_folder, (heading, *lines))
        return [self._lines.setdefault(each, len(self._lines)) for each in texts]

    def add_place(self, span: Span) -> Place | None:
        """Return where a span is; None for one of a command, and for a file that is not text."""
        source: Source = span.source
        if not (source.file and source.lines):
            return None
        name = hide_folder(source.name)
        file = self._sources.setdefault((name, source.lines), len(self._sources))
        last, end = span.end_line, span.end_column
        # A step in YAML ends where the next one begins, lines later.
        lines = source.lines
        while last > span.line and not "".join(lines[last - 1 : last])[: end - 1].strip(" -"):
            last, end = last - 1, MOST
        return file, span.line, last


def hide_folder(text: str) -> str:
    """Return a text in which the specs that come with archspec are in `specs/`, not in a folder of
    this machine: whoever gets a page has no use for that."""
    for folder in _list_folders() if os.sep in text else ():
        text = text.replace(folder, f"specs{os.sep}")
    return text


@cache
def _list_folders() -> set[str]:
    """Return the folder of those specs, and what it is a link to if it is one."""
    folder = shipped_folder()
    return {f"{each}{os.sep}" for each in (folder, path_of(folder))}


def describe_nodes(graph: Graph, texts: Texts) -> list[NodeDetails]:
    """Return the details of all layers of a graph; of a broken one, those without arithmetic."""
    users = find_users(graph)
    whole = not graph.errors
    fields = find_fields(graph) if whole else {}
    found = []
    for node in graph:
        if whole:
            page = make_page(graph, node, fields[node.name], users[node.name])
            sections = [texts.add_section(*each) for each in list_sections(page)]
        else:
            sections = [texts.add_section(*each) for each in _describe_broken(node, users)]
        costs, place = list_costs([node]), texts.add_place(node.span)
        found.append(NodeDetails(node.name, node.op, costs, place, sections))
    return found


def list_costs(nodes: Sequence[Node]) -> list[int | None]:
    """Return each cost of some layers; none is known if one of them has failed."""
    known = all(node.facts for node in nodes)
    return [sum_cost(name, nodes) if known else None for name in COSTS]


def _describe_broken(node: Node, users: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    """Return what is known of a layer in a broken graph: its errors, and what it takes."""
    sections = [("error", str(each).splitlines()) for each in node.errors]
    if node.state == "following":
        sections.append(("unknown", ["its shape, since an error comes before it"]))
    sections += [("takes", [*node.inputs])] if node.inputs else []
    shape = [notation.write_shape(node.facts.shape)] if node.facts else []
    to = [f"to {', '.join(users[node.name])}"] if users[node.name] else []
    return [*sections, ("gives", [", ".join([*shape, *to])])] if shape or to else sections


def describe_group(
    region: Region, nodes: Sequence[Node], shapes: Sequence[str], texts: Texts
) -> tuple[Place | None, list[Section]]:
    """Return where a group is written, and what is known of it. nodes: all in it. shapes: what
    enters and leaves it."""
    first = nodes[0]
    calls = {note.text.rpartition(" ")[2]: note.span for note in first.trail}
    span = calls.get(region.path)
    if span is None:
        depth = len(region.path.split("."))
        loops = [each.loop for each in first.iterations]
        span = loops[min(depth, len(loops)) - 1] if region.kind == "iteration" and loops else None
    sections: list[tuple[str, list[str]]] = []
    if region.title:
        values = [f"{name}: {show(value)}" for name, value in region.params.items()]
        sections.append(("block", [region.title, *(f"  {each}" for each in values)]))
    sections.append(("layers", [f"{len(nodes):,}"]))
    if shapes:
        sections.append(("shapes", [*shapes]))
    place = texts.add_place(span or first.span)
    return place, [texts.add_section(*each) for each in sections]
