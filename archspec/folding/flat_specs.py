"""Fold a spec that somebody wrote as a list of layers, with its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.differences.patterns import Names, write_names
from archspec.folding import Folded, fold_graph
from archspec.folding.recipes import add_recipe
from archspec.folding.resolved import write_resolved
from archspec.graph import Graph
from archspec.pipeline import loads
from archspec.recipe.freezing import list_frozen
from archspec.recipe.of_graph import BY_OUTPUT

MOST = 1.25  # times as many lines as the shortest spec has, for names that are kept


def fold_flat(graph: Graph) -> Folded:
    """Return a short spec of a network, with its recipe.

    Where the names of the layers show the structure as well, or nothing repeats, they are kept.
    """
    folded = fold_graph(graph)
    text = add_recipe(folded.text, _rename_in_recipe(graph, folded))
    kept = write_resolved(graph)
    if kept.count("\n") <= MOST * text.count("\n"):
        return Folded(kept, loads(kept, graph.name), {})
    return Folded(text, loads(text, graph.name), folded.renamed)


def _rename_in_recipe(graph: Graph, folded: Folded) -> Mapping[str, Any]:
    """Return the recipe, in which outputs and frozen layers have the names that they have now."""
    recipe = dict(graph.train)
    for word in BY_OUTPUT:
        given = recipe.get(word)
        if isinstance(given, Mapping) and len(graph.outputs) > 1:
            recipe[word] = {_rename(key, graph, folded.graph): each for key, each in given.items()}
    if names := list_frozen(graph):
        frozen = [folded.renamed.get(name, name) for name in names]
        written = write_names(frozen, Names.of(folded.graph))
        in_braces = any("{" in each for each in written)  # which are for reading alone
        recipe["freeze"] = frozen if in_braces else written
    return recipe


def _rename(name: str, graph: Graph, folded: Graph) -> str:
    """Return what an output is called now; the name if it is that of none."""
    for old, new in zip(graph.outputs, folded.outputs, strict=True):
        if f"{old}.".startswith(f"{name}."):  # the name of a group stands for its last value
            return new
    return name
