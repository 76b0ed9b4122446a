"""Write the pages of `archspec draw` and `archspec diff`: networks, and differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from archspec import notation
from archspec.differences.changes import ChangedGraph
from archspec.differences.difference import Difference
from archspec.differences.merged import mark_sides, merge_graphs
from archspec.differences.rows import Row, make_rows
from archspec.differences.text import list_settings, list_totals, write_verdict
from archspec.graph import Graph
from archspec.page.details import NodeDetails, Texts, describe_nodes
from archspec.page.html import write_html
from archspec.page.networks import ChangeRow, Collector, PageData
from archspec.pictures.boxes import View
from archspec.pictures.changes import describe_kinds
from archspec.pictures.style import SIGNS


def write_page(
    graphs: Sequence[Graph], view: View, picture: str, theme: str = "light", heat: str = ""
) -> str:
    """Return the page of some networks.

    view: which groups are closed at first. picture: the SVG that is printed. heat: the cost that
    colours show at first.
    """
    page = Collector(view)
    for graph in graphs:
        page.add(graph)
    data = msgspec.json.encode(page.gather(heat))
    return write_html(", ".join(graph.name for graph in graphs), data, picture, theme=theme)


def write_difference_page(
    difference: Difference,
    view: View,
    picture: str,
    theme: str = "light",
    depth: int | None = None,
    full: bool = False,
) -> str:
    """Return the page of what differs between two networks, and of both.

    depth, full: as `make_rows` takes them. Networks with little in common are shown without signs.
    """
    data = msgspec.json.encode(gather_difference(difference, view, depth, full))
    return write_html(" → ".join(difference.names), data, picture, theme=theme)


def gather_difference(
    difference: Difference, view: View, depth: int | None = None, full: bool = False
) -> PageData:
    """Return what the page of a difference shows; the arguments are those of its writer."""
    page = Collector(view)
    a, b = difference.a, difference.b
    nodes = [describe_nodes(a, page.texts), describe_nodes(b, page.texts)]
    said = write_verdict(difference), *list_totals(difference), *list_settings(difference)
    notes = [each.replace("->", "→") for each in said]
    title = " → ".join(difference.names)
    sides: Sequence[Graph | ChangedGraph] = a, b
    if difference.is_same or difference.is_alike:
        sides = mark_sides(difference)
        merged = merge_graphs(difference)
        rows = [
            _describe_row(difference, merged, row) for row in make_rows(difference, depth, full)
        ]
        both = [*_describe_merged(merged, nodes, page.texts)]
        both, *nodes = _link(difference, merged, both, *nodes)
        page.add(merged, both, f"What differs: {title}", _list_kinds(merged), notes, rows)
    for side, details, name in zip(sides, nodes, difference.names, strict=True):
        kinds = _list_kinds(side) if isinstance(side, ChangedGraph) else ()
        page.add(side, details, name, kinds, notes)
    return page.gather()


def _describe_merged(
    merged: ChangedGraph, nodes: Sequence[Sequence[NodeDetails]], texts: Texts
) -> Iterator[NodeDetails]:
    """Yield the details of the layers of a merged graph, those of each in its own network."""
    there, here = ({each.name: each for each in side} for side in nodes)
    for node in merged.graph:
        found = there[merged.gone[node.name]] if node.name in merged.gone else here[node.name]
        change = merged.changes.get(node.name)
        sections = found.sections
        if change and change.kind:
            words = [each for each in (change.words, *change.notes) if each]
            sections = [texts.add_section(change.kind, words or [""]), *sections]
        yield replace(found, name=node.name, sections=sections)


def _link(
    difference: Difference,
    merged: ChangedGraph,
    both: Sequence[NodeDetails],
    ours: Sequence[NodeDetails],
    theirs: Sequence[NodeDetails],
) -> list[list[NodeDetails]]:
    """Return the details of both networks in one, and of each, with where each layer is besides."""
    gone = {there: name for name, there in merged.gone.items()}
    back = {there: here for here, there in difference.pairs.items()}
    names: dict[tuple[int, str], tuple[str, ...]] = {}  # of a layer in all three; "" if it is not
    for node in difference.a:
        there = difference.pairs.get(node.name, "")
        names[1, node.name] = (gone.get(node.name, there), node.name, there)
        names[0, names[1, node.name][0]] = names[1, node.name]
    for node in difference.b:
        found = (node.name, back.get(node.name, ""), node.name)
        names[2, node.name] = names[0, node.name] = found

    def link(place: int, details: NodeDetails) -> NodeDetails:
        found = names[place, details.name]
        others = [(index, name) for index, name in enumerate(found) if name and index != place]
        return replace(details, others=others)

    return [
        [link(place, each) for each in details]
        for place, details in enumerate((both, ours, theirs))
    ]


def _describe_row(difference: Difference, merged: ChangedGraph, row: Row) -> ChangeRow:
    """Return a row of the table of differences, with the layers that it is about."""
    gone = {name: there for there, name in merged.gone.items()}
    edits = [difference.edits[index] for index in row.edits]
    names = [each.b or gone.get(each.a or "", each.a or "") for each in edits]
    macs = "?" if row.macs is None else notation.write_count(abs(row.macs))
    costs = [
        f"{'+' if count > 0 else SIGNS['removed']}{text} {what}"
        for count, text, what in (
            (row.params, notation.write_count(abs(row.params)), "params"),
            (row.macs, macs, "MACs"),
        )
        if count
    ]
    times = f"×{row.times}" if row.times > 1 else ""
    where = " ".join(filter(None, [", ".join(row.where), times]))
    known = [name for name in dict.fromkeys(names) if name in merged.graph.by_name]
    return ChangeRow(row.kind, where, row.what.replace("->", "→"), ", ".join(costs), known)


def _list_kinds(changed: ChangedGraph) -> list[tuple[str, str]]:
    """Return what the colours mean, each with the number of layers."""
    changes = changed.changes
    found = describe_kinds(
        [(node, changes[node.name].kind) for node in changed.graph if node.name in changes]
    )
    return [*found, ("same", "unchanged")]
