"""Keep the recipe of a network that is written in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from archspec.folding import Folded, fold_graph
from archspec.graph import Graph
from archspec.pipeline import loads
from archspec.recipe.of_graph import BY_OUTPUT
from archspec.syntax.layout import lay_out


def add_recipe(text: str, recipe: Mapping[str, Any]) -> str:
    """Return a spec with a recipe at its end; as it is if there is none."""
    return f"{text}\n{lay_out({'train': to_plain(recipe)})}" if recipe else text


def to_plain(value: Any) -> Any:
    """Return a recipe as YAML writes it."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    return [to_plain(each) for each in value] if isinstance(value, list | tuple) else value


def fold_with_recipe(graph: Graph) -> Folded:
    """Return a short spec of a network with its recipe, in which outputs have their new names."""
    folded = fold_graph(graph)
    recipe = dict(graph.train)
    for word in BY_OUTPUT:
        given = recipe.get(word)
        if isinstance(given, Mapping) and len(graph.outputs) > 1:
            recipe[word] = {_rename(key, graph, folded.graph): each for key, each in given.items()}
    text = add_recipe(folded.text, recipe)
    return replace(folded, text=text, graph=loads(text, graph.name))


def _rename(name: str, graph: Graph, folded: Graph) -> str:
    """Return what an output is called now; the name if it is that of none."""
    for old, new in zip(graph.outputs, folded.outputs, strict=True):
        if f"{old}.".startswith(f"{name}."):  # the name of a group stands for its last value
            return new
    return name
