"""Summarize a graph in rows and totals: the costs of each layer and of the whole network.

    >>> import archspec
    >>> summary = summarize(archspec.load("lenet5"))
    >>> row = summary.rows[1]
    >>> row.name, row.op, row.details, row.costs["params"]
    ('conv2d', 'Conv2D', '5×5, 6, sigmoid', 156)
    >>> summary.totals.values["params"], summary.totals.values["depth"]
    (44426, 5)

MACs are multiply-accumulates of one sample in convolutions, dense layers and attention. A shared
layer counts its parameters once and its MACs at each call. What depends on an axis that is unknown
(null) is unknown as well, and is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from archspec import notation
from archspec.analysis.batches import BatchFit, find_largest_batch
from archspec.analysis.fields import Field, find_fields, find_gates
from archspec.analysis.measures import LAYER_MEASURES, MEASURES
from archspec.analysis.memory import Memory, estimate_peak_memory
from archspec.errors import Refused
from archspec.graph import Graph, Node, Shape, sum_or_none
from archspec.recipe.freezing import count_trained, list_frozen

MAX_ROWS = 40  # what a page holds, before blocks are folded
TRAINING = ("batch_size", "precision", "optimizer")  # the keys of a recipe that memory depends on


class LayerRow(Struct, frozen=True):
    """A layer, or a block with all that is in it.

    op: the Keras class, or the block's title. details: what a paper writes beside it, `3×3, 64,
    /2`, or how many layers a block has. shape: of the (last) output, batch axis first. costs: the
    value of each measure of layers, by the measure's name. field: None if an output value sees all
    of the input. inputs: names of the layers whose outputs it takes. layers: how many.
    """

    name: str
    op: str
    details: str
    shape: Shape
    costs: Mapping[str, int | None]
    field: Field | None
    inputs: tuple[str, ...]
    reuses: str | None
    layers: int


class Totals(Struct, frozen=True):
    """The measures of a whole network.

    values: by the measure's name. memory: its parts. gates: how many field and depth leave out.
    frozen: how many parameters the recipe freezes, which are counted as trained all the same.
    batch: the largest that fits in a memory, if one is asked about.
    """

    values: Mapping[str, Any]
    memory: Memory
    gates: int
    frozen: int = 0
    batch: BatchFit | None = None


class Summary(Struct, frozen=True):
    """A network in rows and totals. depth: the one that blocks are folded to, or None."""

    name: str
    description: str
    fingerprint: str
    outputs: Mapping[str, Shape]
    rows: tuple[LayerRow, ...]
    totals: Totals
    depth: int | None


def summarize(
    graph: Graph, depth: int | None = None, limit: int | None = None, **training: Any
) -> Summary:
    """Return the rows and totals of a graph.

    depth: make one row of each block that is nested deeper; by default each layer has a row.
    limit: bytes of the memory that a batch is to fit in.
    training: `batch_size`, `precision`, `optimizer` for the memory, where not as in the recipe.
    """
    fields = find_fields(graph)
    rows = [_make_row(node, fields[node.name]) for node in graph.nodes]
    if depth is not None:
        rows = _fold(graph, rows, depth)
    return Summary(
        name=graph.name,
        description=graph.description,
        fingerprint=graph.fingerprint,
        outputs={name: graph.shape(name) for name in graph.outputs},
        rows=tuple(rows),
        totals=compute_totals(graph, limit, **training),
        depth=depth,
    )


def compute_totals(graph: Graph, limit: int | None = None, **training: Any) -> Totals:
    """Return the measures of a whole network. limit, training: as for `summarize`."""
    recipe = {name: graph.train[name] for name in TRAINING if name in graph.train}
    given = {**recipe, **training}
    values = {measure.name: measure.compute(graph, given) for measure in MEASURES}
    batch = None if limit is None else find_largest_batch(graph, limit, **given)
    memory = estimate_peak_memory(graph, **given)
    return Totals(values, memory, len(find_gates(graph)), _count_frozen(graph), batch)


def _count_frozen(graph: Graph) -> int:
    """Return how many trainable parameters the recipe freezes; 0 where it is wrong."""
    try:
        return graph.trainable_params - count_trained(graph, list_frozen(graph))
    except Refused:  # which `check` says
        return 0


def find_fitting_depth(graph: Graph) -> int | None:
    """Return the greatest depth whose rows fit a page.

    None if every layer fits without folding, 1 if no depth fits.
    """
    if len(graph.nodes) <= MAX_ROWS:
        return None
    deepest = max(len(node.regions) for node in graph.nodes)
    fitting = [
        depth
        for depth in range(1, deepest)
        if len({_find_row(node, depth) for node in graph}) <= MAX_ROWS
    ]
    return max(fitting, default=1)


def _make_row(node: Node, field: Field | None) -> LayerRow:
    details = (*notation.write_details(node), notation.write_activation(node))
    return LayerRow(
        name=node.name,
        op=node.op,
        details=", ".join(filter(None, details)),
        shape=node.facts.shape if node.facts else (),
        costs={each.name: each.of_layer(node) for each in LAYER_MEASURES if each.of_layer},
        field=field,
        inputs=node.inputs,
        reuses=node.reuses,
        layers=1,
    )


def _find_row(node: Node, depth: int) -> str:
    """Return the name of the row that a node is in: its own, or that of a block around it."""
    return node.regions[depth - 1].path if len(node.regions) >= depth else node.name


def _fold(graph: Graph, rows: Iterable[LayerRow], depth: int) -> list[LayerRow]:
    """Return the rows, those of each block at that depth as one, in the place of its first."""
    blocks: dict[str, list[LayerRow]] = {}
    for node, row in zip(graph.nodes, rows, strict=True):
        blocks.setdefault(_find_row(node, depth), []).append(row)
    titles = {region.path: region.title for node in graph for region in node.regions}
    return [
        inside[0] if len(inside) == 1 else _add_up(path, titles[path], inside)
        for path, inside in blocks.items()
    ]


def _add_up(path: str, title: str, inside: Sequence[LayerRow]) -> LayerRow:
    """Return the row of a block: the sums of its rows, with shape and field of the last one."""
    names = {row.name for row in inside}
    outer = dict.fromkeys(name for row in inside for name in row.inputs if name not in names)
    return LayerRow(
        name=path,
        op=title,
        details=f"{len(inside)} layers",
        shape=inside[-1].shape,
        costs={name: sum_or_none(row.costs[name] for row in inside) for name in inside[0].costs},
        field=inside[-1].field,
        inputs=tuple(outer),
        reuses=None,
        layers=len(inside),
    )
