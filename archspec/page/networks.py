"""Turn networks into the data that a page's script reads."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from archspec.analysis.measures import MEASURES
from archspec.differences.changes import ChangedGraph
from archspec.graph import Graph
from archspec.layers import KINDS
from archspec.notation import write_count
from archspec.page.details import NodeDetails, SourceText, Texts, describe_nodes, hide_folder
from archspec.page.layouts import Layout, Layouts
from archspec.page.parts import Connection, PagePart, list_parts, write_class
from archspec.pictures.boxes import View, build_open_scene
from archspec.pictures.style import COSTS, Heat, choose_ink, find_kind

STEPS = 40  # colours of the scale of heat


class PageError(Struct, frozen=True):
    """An error of a network, in words. node: the place of the layer, or -1."""

    text: str
    node: int


class ChangeRow(Struct, frozen=True):
    """A row of what differs. kind: what is done. where, what, cost: in words. names: of the layers
    that it is about."""

    kind: str
    where: str
    what: str
    cost: str
    names: list[str]


class NetworkData(Struct, frozen=True, omit_defaults=True):
    """A network in a page.

    said: its cost, in words. facts: its measures, each with its title. kinds: what colours mean, a
    class and the word for it. closed: the places of the groups that are closed at first. notes: on
    what differs, with its rows.
    """

    name: str
    description: str
    said: str
    facts: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    parts: list[PagePart]
    connections: list[Connection]
    nodes: list[NodeDetails]
    closed: list[int]
    errors: list[PageError] = []
    notes: list[str] = []
    rows: list[ChangeRow] = []


class RunData(Struct, frozen=True):
    """A row of a comparison.

    network: its place among those of the page. cells: what the table
    has. keys: numbers that these are sorted by. value, deviation: what was measured. curve: of
    each epoch, the mean over the seeds and its deviation. costs: the seconds and the parameters.
    front: whether it is on the Pareto front of each of those. alike: whether its conditions are the
    usual ones.
    """

    name: str
    network: int
    cells: list[str]
    keys: list[float | None]
    value: float | None
    deviation: float
    curve: list[tuple[float, float]]
    costs: tuple[float | None, float]
    front: tuple[bool, bool]
    alike: bool


class ComparisonData(Struct, frozen=True):
    """A comparison in a page.

    title: what was trained on, in words. measured: the measure; less: whether less of it is better.
    curved: what curves show. columns: of the table. notes: below it.
    """

    title: str
    measured: str
    less: bool
    curved: str
    columns: list[str]
    rows: list[RunData]
    notes: list[str]


class PageData(Struct, frozen=True, omit_defaults=True):
    """All that a page shows.

    lines: the texts of its details. costs: what heat shows, with its title and its unit. palette:
    colours from nothing to the most, each with its ink. heat: what is shown at first. comparison:
    of the networks, once they are trained.
    """

    networks: list[NetworkData]
    layouts: list[Layout]
    lines: list[str]
    sources: list[SourceText]
    costs: list[tuple[str, str, str]]
    palette: list[tuple[str, str]]
    heat: str = ""
    comparison: ComparisonData | None = None


class Collector:
    """Collects the networks of a page, and the texts and layouts that they share."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.texts, self.layouts = Texts(), Layouts()
        self.networks: list[NetworkData] = []

    def add(
        self,
        graph: Graph | ChangedGraph,
        nodes: list[NodeDetails] | None = None,
        name: str = "",
        kinds: Sequence[tuple[str, str]] = (),
        notes: Sequence[str] = (),
        rows: Sequence[ChangeRow] = (),
    ) -> None:
        """Add a network. nodes: the details of its layers, if they are known already. name: what it
        is called, if it is not by its own name. kinds: by default those of its layers."""
        scene, collapsed = build_open_scene(graph, self.view)
        parts, connections = list_parts(scene, self.texts, self.layouts)
        network = scene.graph
        order = {node.name: index for index, node in enumerate(network)}
        failed = {id(error): node.name for node in network for error in node.errors}
        present = {find_kind(node.op) for node in network if node.op != "InputLayer"}
        whole = isinstance(graph, Graph)
        self.networks.append(
            NetworkData(
                name or network.name,
                network.description,
                _write_costs(network) if whole else "",
                _list_facts(network) if whole else [],
                [*kinds] or [(write_class(kind), kind) for kind in KINDS if kind in present],
                parts,
                connections,
                nodes or describe_nodes(network, self.texts),
                [
                    place
                    for place, part in enumerate(parts)
                    if part.parts and part.name in collapsed
                ],
                [
                    PageError(hide_folder(str(error)), order.get(failed.get(id(error), ""), -1))
                    for error in network.errors
                ],
                [*notes, *(_tell_given(network) if whole else [])],
                [*rows],
            )
        )

    def gather(self, heat: str = "", comparison: ComparisonData | None = None) -> PageData:
        """Return all that the page shows. heat: the cost that colours show at first."""
        scale = Heat("params", STEPS)
        fills = [scale.choose_colour(step) for step in range(STEPS + 1)]
        return PageData(
            self.networks,
            self.layouts.made,
            self.texts.lines,
            self.texts.sources,
            [(name, measure.heading, measure.unit.name) for name, measure in COSTS.items()],
            [(fill, choose_ink(fill)) for fill in fills],
            heat,
            comparison,
        )


def _list_facts(graph: Graph) -> list[tuple[str, str]]:
    """Return the measures of a network, without that of training; none of a broken one."""
    if graph.errors:
        return []
    found = []
    for measure in MEASURES:
        if not measure.per_batch:
            value, unit = measure.compute(graph), measure.unit
            text = unit.if_none if value is None else unit.write_in_full(value)
            found.append((measure.name.replace("_", " ").replace("macs", "MACs"), text))
    return found


def _tell_given(graph: Graph) -> list[str]:
    """Return what was given from outside beside the spec: its text alone is another network."""
    given = graph.origin.given if graph.origin else ()
    return [f"with {', '.join(given)}"] if given else []


def _write_costs(graph: Graph) -> str:
    if graph.errors:
        return f"{len(graph.errors)} error{'s' * (len(graph.errors) > 1)}"
    macs = "unknown" if graph.macs is None else write_count(graph.macs)
    return f"{write_count(graph.total_params)} parameters, {macs} MACs"
