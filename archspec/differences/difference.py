"""Define the difference between two networks, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields, replace

from archspec.differences.edits import Follow, GraphEdit, find_edits, list_reordered
from archspec.differences.matching import Matching, is_weighty, match_graphs
from archspec.errors import Refused
from archspec.graph import Graph, Node
from archspec.recipe import RECIPE, recipe_of
from archspec.recipe.of_graph import BY_OUTPUT

ALIKE = 0.25  # the share of merges and kernels in common, below which edits tell nothing
OF_ONE_SIZE = 0.5  # the same of those whose kernels are alike but for channels


class Difference(Struct, frozen=True, eq=False, dict=True):
    """The difference between two networks: what of both belongs together, and the edits.

    a, b: the two graphs. names: what they are called. files: where they were read; None for a graph
    that was given. matching: the nodes and scopes that belong
    together. edits: what leads from the first to the second, in the order of the network; none
    where `is_same`, but for `renamed`. follow: the layers whose shapes follow. reordered: the
    merges, by their names in `b`, that take the same in another order. models: whether each is a
    Keras model, whose names tell nothing beside those of a spec, and which has no recipe.
    """

    a: Graph
    b: Graph
    names: tuple[str, str]
    matching: Matching
    edits: tuple[GraphEdit, ...]
    follow: Follow = field(default_factory=Follow)
    reordered: tuple[str, ...] = ()
    files: tuple[str | None, str | None] = (None, None)
    models: tuple[bool, bool] = (False, False)

    @property
    def pairs(self) -> Mapping[str, str]:
        """The names of the paired nodes of the first graph, with those of the second."""
        return self.matching.pairs

    @property
    def inputs_reordered(self) -> bool:
        """Whether the networks have the same inputs in another order."""
        ours = [self.pairs.get(each) for each in self.a.inputs]
        theirs = list(self.b.inputs)
        return None not in ours and ours != theirs and {*ours} == {*theirs}

    @property
    def is_same(self) -> bool:
        """Whether the two are the same network; names, the orders of its inputs and of those of
        merges, params and the recipe may differ."""
        return self.matching.is_whole

    @cached_property
    def is_alike(self) -> bool:
        """Whether the two have so much in common that edits tell how they differ: of the merges and
        of the layers with a kernel, some are in both, unchanged, under one name or in one scope.
        Between a spec and a Keras model, which have no names in common, kernels of one size in many
        of them do as well."""
        pairs = self.pairs.items()
        inside = self.matching.scopes.keys() - {""}
        changed = {each.b for each in self.edits if each.kind in ("changed", "replaced")}
        kept = {
            x
            for x, y in pairs
            if y not in changed
            or _last(x) == _last(y)
            or any(region.path in inside for region in self.a[x].regions)
        }
        counts = [sum(map(is_weighty, graph)) for graph in (self.a, self.b)]
        if not any(counts):
            return len(kept) >= ALIKE * max(len(self.a.nodes), len(self.b.nodes))
        weighty = [(x, y) for x, y in pairs if is_weighty(self.a[x]) and is_weighty(self.b[y])]
        if sum(x in kept for x, _ in weighty) >= ALIKE * max(counts):
            return True
        of_one_size = sum(x in kept or _have_one_size(self.a[x], self.b[y]) for x, y in weighty)
        return self.is_across and of_one_size >= OF_ONE_SIZE * max(counts)

    @property
    def is_across(self) -> bool:
        """Whether one is a spec and the other a Keras model, whose names have nothing in common."""
        return self.models[0] != self.models[1]

    @cached_property
    def untouched(self) -> int:
        """How many layers are in both, without an edit of their own and with the same shapes; names
        and inputs of the network do not count."""
        touched = {each.b for each in self.edits if each.kind not in ("renamed", "outputs")}
        touched |= {*self.follow.names, *self.b.inputs}
        return sum(each not in touched for each in self.pairs.values())

    @cached_property
    def touched(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names of the layers of each network that an edit is about; names do not count."""
        edits = [each for each in self.edits if each.kind not in ("renamed", "outputs")]
        return (
            frozenset(each.a for each in edits if each.a),
            frozenset(each.b for each in edits if each.b),
        )

    @property
    def params(self) -> int:
        """How many parameters the second network has more."""
        return self.b.total_params - self.a.total_params

    @property
    def macs(self) -> int | None:
        """How many MACs the second network has more; None if one of both is unknown."""
        a, b = self.a.macs, self.b.macs
        return None if a is None or b is None else b - a

    @cached_property
    def spec_params(self) -> Mapping[str, tuple[Any, Any]]:
        """The params of the specs that differ; None where a spec has no such param."""
        return _find_differing(self.a.params, self.b.params)

    @cached_property
    def recipe(self) -> Mapping[str, tuple[Any, Any]]:
        """The keys of the recipes that differ, with dots, defaults filled in; {} where neither spec
        has a recipe, and beside a Keras model."""
        if any(self.models) or not (self.a.train or self.b.train):
            return {}
        return _find_differing(_list_recipe(self.a), _list_recipe(self.b))


def compare_graphs(
    a: Graph,
    b: Graph,
    names: tuple[str, str] | None = None,
    files: tuple[str | None, str | None] = (None, None),
    models: tuple[bool, bool] = (False, False),
) -> Difference:
    """Return the difference between two graphs.

    names: what they are called; by default their own. files: where they were read. models: whether
    each is a Keras model.

    >>> import archspec
    >>> changed = archspec.load("resnet18", edits=["at: head, insert_before: {Dropout: 0.5}"])
    >>> difference = compare_graphs(archspec.load("resnet18"), changed)
    >>> [(each.kind, each.b, each.params) for each in difference.edits]
    [('added', 'dropout', 0)]
    """
    ours, theirs = (a, b) if models[0] == models[1] else map(_leave_out_float32, (a, b))
    matching = match_graphs(ours, theirs)
    edits, follow = find_edits(ours, theirs, matching)
    if models[0] != models[1]:
        edits = tuple(each for each in edits if each.kind != "renamed")
    reordered = list_reordered(a, b, matching.pairs)
    names = names or (a.name, b.name)
    return Difference(a, b, names, matching, edits, follow, reordered, files, models)


def _leave_out_float32(graph: Graph) -> Graph:
    """Return a graph without the `dtype: float32` of layers: a Keras model, which has no recipe
    with another precision, does not tell it from none."""
    return replace(
        graph,
        nodes=tuple(
            replace(node, arguments={**node.arguments, "dtype": None})
            if node.inputs and node.arguments.get("dtype") == "float32"
            else node
            for node in graph
        ),
    )


def _have_one_size(x: Node, y: Node) -> bool:
    """Return whether two nodes are of one class, and their kernels alike but for channels."""
    if x.op != y.op or x.facts is None or y.facts is None:
        return False
    sizes = [
        {name: shape[:-2] for name, shape in each.facts.weights.items() if "kernel" in name}
        for each in (x, y)
        if each.facts
    ]
    return sizes[0] == sizes[1]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _find_differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys((*a, *b))
    return {name: (a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)}


def _list_recipe(graph: Graph) -> dict[str, Any]:
    """Return the keys of a recipe, in normal form and with their defaults; as they are written if
    the recipe does not fit the graph."""
    try:
        recipe = recipe_of(graph)
    except Refused:
        return dict(graph.train)
    found: dict[str, Any] = {}
    for key in RECIPE:
        value = getattr(recipe, key)
        if key == "data":
            found |= {f"data.{each.name}": getattr(value, each.name) for each in fields(value)}
        elif key in BY_OUTPUT and len(graph.outputs) == 1:
            found[key] = next(iter(value.values()))
        else:
            found[key] = value
    return found
