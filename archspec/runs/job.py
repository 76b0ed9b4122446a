"""Define a training as a value: network, recipe, images and folder, described for run.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.backends.spec_yaml import flat_name, to_spec
from archspec.data.binding import Dataset
from archspec.data.examples import count_by_class, hash_examples
from archspec.data.preparation import Part
from archspec.graph import Graph
from archspec.reading import path_of
from archspec.recipe import Recipe
from archspec.recipe.datasets import CLASSES
from archspec.runs.folder import RunFolder
from archspec.runs.own_layers import describe_files
from archspec.syntax.writer import write_yaml

Echo = Callable[[str], None]


class Cluster(Struct, frozen=True):
    """The processes that train together, as the user says it; None for what a launcher says.

    coordinator: host and port of the first process. processes: how many there are. process: the
    number of this one, from 0.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None


class RunOptions(Struct, frozen=True, eq=False):
    """Options that do not change what a run learns: device, progress, extra files.

    device: as `framework.on` takes it; by default the first GPU, else the CPU. quiet: show no
    progress. weights: write weights.txt, too. echo: takes each message, such as `print`. cluster:
    the processes that train together; by default this one trains alone.
    """

    device: str | None = None
    quiet: bool = False
    weights: bool = False
    echo: Echo = print
    cluster: Cluster | None = None


class Job(Struct, frozen=True, eq=False):
    """A training to be done: a network, its recipe, its images, and the folder for its files.

    parts: "train", "validation", "test" -> images. facts: the keys of run.json that are known
    before the training. initial: weights that were trained before, to begin with.
    """

    graph: Graph
    recipe: Recipe
    dataset: Dataset
    parts: Mapping[str, Part]
    folder: RunFolder
    facts: Mapping[str, Any]
    initial: Any = None


def count_steps_per_epoch(recipe: Recipe, images: int) -> int:
    """Return how many batches an epoch of so many images has; the last may be a smaller one."""
    return ceil(images / recipe.batch_size)


def count_epochs(recipe: Recipe, images: int) -> int:
    """Return how many epochs a recipe trains for; of a recipe in steps, the last may be partial."""
    return recipe.epochs or ceil((recipe.steps or 1) / count_steps_per_epoch(recipe, images))


def locate_data(recipe: Recipe) -> Recipe:
    """Return the recipe with the absolute path of its images, where they are a folder or a file.

    Raises `UserError` for a text that cannot be a path.
    """
    name = recipe.data.name
    if name is None or name in CLASSES:
        return recipe
    return replace(recipe, data=replace(recipe.data, name=str(path_of(name))))


def make_flat_spec(graph: Graph, recipe: Recipe) -> dict[str, Any]:
    """Return a spec of a graph without blocks, loops or params, as YAML has it, with its recipe in
    full."""
    return {**to_spec(graph), "train": recipe.mapping(flat_name)}


def format_resolved(graph: Graph, recipe: Recipe) -> str:
    """Return the text of resolved.yaml."""
    return write_yaml(make_flat_spec(graph, recipe))


def describe_job(
    graph: Graph,
    recipe: Recipe,
    dataset: Dataset,
    parts: Mapping[str, Part],
    data_dir: Path | None,
    limit: int | None,
) -> dict[str, Any]:
    """Return the keys of run.json about the spec and the images.

    data_dir, limit: as `train` takes them.
    """
    train = parts["train"].examples
    first = next(iter(dataset.inputs.values()))
    labels = dataset.list_labels(train)
    return {
        "name": graph.name,
        "params": dict(graph.params),
        **({"given": list(graph.origin.given)} if graph.origin and graph.origin.given else {}),
        "fingerprint": graph.fingerprint,
        "parameters": graph.total_params,
        "seed": recipe.seed,
        **describe_files(graph, recipe),
        "data": {
            "name": dataset.name,
            "classes": dataset.classes,
            "images": {name: len(part) for name, part in parts.items()},
            "balance": count_by_class(dataset.classes, labels) if dataset.classes else {},
            "range": first.range,
            "grey": first.grey,
            "inputs": {
                name: {
                    "column": each.column,
                    "range": each.range,
                    "grey": each.grey,
                    "scaled": each.scaled,
                }
                for name, each in dataset.inputs.items()
            },
            "outputs": {
                name: {"task": each.task, "column": each.column, "classes": each.classes}
                for name, each in dataset.targets.items()
            },
            "fingerprint": hash_examples({name: part.examples for name, part in parts.items()}),
            "data_dir": str(path_of(data_dir)) if data_dir else None,
            "found": str(found) if (found := dataset.source.folder) else None,
            "limit": limit,
        },
    }
