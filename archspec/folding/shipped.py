"""Recognise the blocks that come with archspec, which a spec imports by their names.

What a block's params would be is read off the layers. Then the block is called with them on an
input of the same shape, and what it gives is compared with the layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from archspec.errors import ArchspecError
from archspec.folding.items import (
    BranchesItem,
    Item,
    LayerItem,
    MarkedRun,
    Sequence,
    change_sequences,
    is_bound,
    list_nodes,
    name_of,
    walk_sequences,
    with_name,
)
from archspec.folding.solving import Solver
from archspec.folding.tree import to_sequence
from archspec.folding.values import MISSING
from archspec.graph import Graph, Shape
from archspec.pipeline import loads, read
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import to_plain
from archspec.syntax.writer import write_yaml


class Known(Struct, frozen=True):
    """A shipped block whose layers tell its params.

    params: for each of them the argument that has its value, and in which of the layers that have
    one, counted from 0. layers: how many the block has.
    """

    layers: int
    params: Mapping[str, tuple[str, int]]


KNOWN = {
    "squeeze_excite": Known(
        4,
        {
            "filters": ("filters", 0),
            "activation": ("activation", 0),
            "gate": ("activation", 1),
            "kernel_initializer": ("kernel_initializer", 0),
        },
    ),
    "layer_scale": Known(1, {"initial": ("value", 0)}),
    "stochastic_depth": Known(1, {"rate": ("rate", 0)}),
}


def mark_shipped(main: Sequence, graph: Graph, solver: Solver) -> Sequence:
    """Return a network with the parts marked that are calls of shipped blocks."""
    finder = _ShippedFinder(graph, solver)
    return change_sequences(main, lambda sequence: tuple(map(finder.mark, sequence)))


class _ShippedFinder:
    def __init__(self, graph: Graph, solver: Solver) -> None:
        self.graph = graph
        self.solver = solver
        self.known: dict[Any, tuple[str, dict[str, Any]] | None] = {}

    def mark(self, item: Item) -> Item:
        """Return an item, marked if it is a call of a shipped block."""
        if not isinstance(item, LayerItem | BranchesItem) or is_bound(item):
            return item
        plain = with_name(item, None)
        layers = list(_list_layers(plain))
        if all(len(layers) != known.layers for known in KNOWN.values()):
            return item
        shape = self._find_input(plain)
        what = (self.solver.number(plain), shape)
        if what not in self.known:
            self.known[what] = self._recognise(plain, layers, shape)
        found = self.known[what]
        if found is None:
            return item
        block, arguments = found
        return MarkedRun(
            block=block,
            items=(plain,),
            channels=item.channels,
            name=name_of(item),
            shipped=arguments,
        )

    def _find_input(self, item: Item) -> Shape:
        first = self.graph[next(list_nodes(item))]
        return self.graph.shape(first.inputs[0])

    def _recognise(
        self, item: Item, layers: list[LayerItem], shape: Shape
    ) -> tuple[str, dict[str, Any]] | None:
        for block, known in KNOWN.items():
            if len(layers) != known.layers:
                continue
            arguments = {}
            for param, (argument, place) in known.params.items():
                values = [
                    v for layer in layers if (v := _find(layer.arguments, argument)) is not MISSING
                ]
                if place < len(values):
                    arguments[param] = values[place]
            spec = {
                "archspec": 1,
                "import": [block],
                "input": list(shape[1:]),
                "layers": [{block: arguments or None}],
            }
            try:
                sequence, _ = to_sequence(loads(write_yaml(spec)))
            except ArchspecError:
                continue
            if len(sequence) == 1 and self.solver.number(sequence[0]) == self.solver.number(item):
                return block, arguments
        return None


@cache
def list_defaults(block: str) -> Mapping[str, Any]:
    """Return the params of a shipped block that have a default, with it."""
    params = read(block).root.get("blocks").get(block).get("params")  # type: ignore[union-attr]
    plain = {} if params is None else to_plain(params)
    return {name: value for name, value in plain.items() if not is_formula(value)}


def _list_layers(item: Item) -> Iterator[LayerItem]:
    """Yield the layers of an item, the one that joins branches last."""
    for sequence in walk_sequences((item,)):
        yield from (each for each in sequence if isinstance(each, LayerItem))
    if isinstance(item, BranchesItem):
        yield item.merge


def _find(arguments: Any, name: str) -> Any:
    """Return the value of an argument, also within that of another; MISSING if there is none."""
    if not isinstance(arguments, Mapping):
        return MISSING
    if name in arguments:
        return arguments[name]
    for value in arguments.values():
        if (found := _find(value, name)) is not MISSING:
            return found
    return MISSING
