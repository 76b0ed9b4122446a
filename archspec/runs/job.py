"""What is to be trained, in one value; and how the run's folder tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archspec.backends.spec_yaml import flat_name, to_spec
from archspec.data.datasets import CLASSES, Dataset, count_by_class, hash_examples
from archspec.data.images import are_grey
from archspec.data.preparation import Part
from archspec.graph import Graph
from archspec.reading import path_of
from archspec.recipe import Recipe
from archspec.runs.folder import RunFolder
from archspec.syntax.writer import write_yaml

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class RunOptions:
    """Options that do not change what a run learns: device, progress, extra files.

    device: as `framework.on` takes it; by default the first GPU, else the CPU. quiet: show no
    progress. weights: write weights.txt, too. echo: takes each message, such as `print`.
    """

    device: str | None = None
    quiet: bool = False
    weights: bool = False
    echo: Echo = print


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What is trained, by which recipe, on what and where; facts: what run.json says of it."""

    graph: Graph
    recipe: Recipe
    dataset: Dataset
    parts: Mapping[str, Part]
    folder: RunFolder
    facts: Mapping[str, Any]


def located(recipe: Recipe) -> Recipe:
    """The recipe with the whole path of a folder or file of images, whatever it is read from."""
    name = recipe.data.name
    if name is None or name in CLASSES:
        return recipe
    return replace(recipe, data=replace(recipe.data, name=str(path_of(name))))


def flat_spec(graph: Graph, recipe: Recipe) -> dict[str, Any]:
    """Return the flat spec of a graph, with its recipe in full."""
    return {**to_spec(graph), "train": recipe.mapping(flat_name)}


def resolved(graph: Graph, recipe: Recipe) -> str:
    """Return the text of resolved.yaml."""
    return write_yaml(flat_spec(graph, recipe))


def described(
    graph: Graph,
    recipe: Recipe,
    dataset: Dataset,
    parts: Mapping[str, Part],
    data_dir: Path | None,
    limit: int | None,
) -> dict[str, Any]:
    """What run.json says of spec and data."""
    return {
        "name": graph.name,
        "params": dict(graph.params),
        "fingerprint": graph.fingerprint,
        "parameters": graph.total_params,
        "seed": recipe.seed,
        "data": {
            "name": dataset.name,
            "classes": dataset.classes,
            "images": {name: len(part) for name, part in parts.items()},
            "balance": count_by_class(dataset.classes, parts["train"].examples.labels),
            "range": dataset.range,
            "grey": are_grey(parts["train"].examples.images),
            "fingerprint": hash_examples({name: part.examples for name, part in parts.items()}),
            "data_dir": str(path_of(data_dir)) if data_dir else None,
            "found": str(dataset.folder) if dataset.folder else None,
            "limit": limit,
        },
    }
