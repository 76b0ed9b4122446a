"""Find the data of a run and check that it fits the network, before Keras is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from archspec.data import datasets as data
from archspec.data.datasets import Dataset, Examples
from archspec.data.fitting import Fitting, make_fitting
from archspec.data.images import Array
from archspec.errors import Refused, UserError
from archspec.graph import Graph
from archspec.objects import named
from archspec.reading import readable
from archspec.recipe import Recipe, check_outputs, check_targets, is_sparse
from archspec.recipe.datasets import CLASSES

NAMED = 10  # classes whose names are shown


class Part(Struct, frozen=True, eq=False):
    """Examples of one part of a dataset, and how their images become the graph's input."""

    examples: Examples
    fit: Fitting

    def __len__(self) -> int:
        return len(self.examples)


def prepare(
    graph: Graph,
    recipe: Recipe,
    data_dir: Path | None = None,
    limit: int | None = None,
    found: Path | None = None,
) -> tuple[Dataset, dict[str, Part]]:
    """Return the recipe's dataset, and its parts among "train", "validation" and "test".

    found: where a run found the dataset before, to be looked in after `data_dir`. Raises
    `UserError` if the data is missing, or does not fit the graph.
    """
    options = recipe.data
    if options.name is None:
        known = ", ".join(CLASSES)
        raise UserError("nothing to train on", f"give --data: {known}, a folder or an .npz file")
    dataset = data.load_dataset(
        options.name, data_dir, options.split_seed, options.skip_broken, found
    )
    with _refusing():
        check_outputs(graph, recipe, dataset.name, len(dataset.classes))
    wanted = graph.shape(graph.inputs[0])[1:]
    parts = {}
    for name, examples in data.split_dataset(
        dataset, options.validation, options.split_seed, limit
    ).items():
        images = examples.images
        fit = make_fitting(
            images, wanted, dataset.range, options.scale, options.resize, options.channels
        )
        parts[name] = Part(examples, fit)
    return dataset, parts


def refuse_other_targets(recipe: Recipe) -> None:
    """Raise `UserError` for a loss whose target is not a class: datasets have only classes."""
    with _refusing():
        check_targets(recipe)


@contextmanager
def _refusing() -> Iterator[None]:
    """Raise `UserError` for what a check of the recipe refuses."""
    try:
        yield
    except Refused as refused:
        raise UserError(refused.message, refused.hint) from None


def make_targets(graph: Graph, recipe: Recipe, labels: Array) -> Any:
    """Return labels (n,) as the losses take them; by name of the output if there are several."""
    each = {name: _make_target(graph, recipe, name, labels) for name in graph.outputs}
    return each if len(each) > 1 else each[graph.outputs[0]]


def _make_target(graph: Graph, recipe: Recipe, output: str, labels: Array) -> Array:
    """Return class numbers for a sparse loss, (n, 1) for a single unit, and else one-hot rows."""
    units = graph.shape(output)[-1] or 1
    if is_sparse(named(recipe.loss[output])[0]):
        return labels
    if units == 1:
        return labels[:, None]  # (n, 1) like the output: some metrics do not reshape
    return np.eye(units, dtype=np.float32)[labels]


def describe_data(dataset: Dataset, parts: Mapping[str, Part]) -> str:
    """Return lines about a dataset: classes, number of images in each part, and notes."""
    counts = ", ".join(f"{len(each):,} {name}" for name, each in parts.items())
    notes = list(dataset.notes)
    if dataset.skipped:
        names = ", ".join(map(readable, dataset.skipped[:3]))
        more = f" and {len(dataset.skipped) - 3} more" if len(dataset.skipped) > 3 else ""
        notes.append(f"skipped, because they are broken: {names}{more}")
    shape = "x".join(map(str, parts["train"].fit.shape))
    names = ", ".join(dataset.classes[:NAMED])
    names += ", ..." if len(dataset.classes) > NAMED else ""
    lines = [f"{dataset.name}, {len(dataset.classes)} classes: {names}"]
    return "\n".join([*lines, f"images of {shape}: {counts}", *notes])
