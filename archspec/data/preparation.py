"""Find the data of a run and check that it fits the network, before Keras is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archspec.data import datasets as data
from archspec.data.datasets import Dataset, Examples
from archspec.data.fitting import Fitting, make_fitting
from archspec.data.images import Array
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.objects import named
from archspec.reading import readable
from archspec.recipe import OF_CLASSES, Recipe, is_sparse
from archspec.recipe.datasets import CLASSES

NAMED = 10  # classes whose names are shown


@dataclass(frozen=True, slots=True, eq=False)
class Part:
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
    _check_fits(graph, recipe, dataset)
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
    for output, loss in recipe.loss.items():
        name = named(loss)[0]
        if name not in OF_CLASSES:
            raise UserError(
                f"output '{output}' has the loss {name}, whose target is no class: the runner "
                "trains classifiers so far",
                "leave the loss out for one of classes, or build the model and train it with Keras",
            )


def _check_fits(graph: Graph, recipe: Recipe, dataset: Dataset) -> None:
    """Raise `UserError` unless the graph has one input, and outputs with a unit for each class."""
    if len(graph.inputs) != 1:
        raise UserError(
            f"the runner trains specs with one input, {graph.name} has {len(graph.inputs)}",
            "build the model with `archspec build` and train it with Keras",
        )
    needed = len(dataset.classes)
    for output in graph.outputs:
        shape = graph.shape(output)
        if len(shape) != 2 or shape[1] is None:
            raise UserError(
                f"output '{output}' has shape {shape}, but a classifier's is (None, classes)",
                "flatten or pool what comes before it",
            )
        sparse = is_sparse(named(recipe.loss[output])[0])
        if shape[1] < needed and not (shape[1] == 1 and needed == 2 and not sparse):
            param = _find_param_behind(graph, output, shape[1])
            raise UserError(
                f"{dataset.name} has {needed} classes, but output '{output}' has {shape[1]} units",
                f"--set {param}={needed}" if param else f"give it {needed} units in the spec",
            )


def _find_param_behind(graph: Graph, output: str, units: int) -> str | None:
    """Return the param that most likely sets the number of units of an output, or None.

    It has that value, and best the layer before the output mentions it, or its name has "class" in
    it.
    """
    having = [name for name, value in graph.params.items() if type(value) is int and value == units]
    node = graph[output]
    while node.inputs and not (node.facts and node.facts.weights):
        node = graph[node.inputs[0]]
    span = node.span
    written = "\n".join(span.source.lines[span.line - 1 : span.end_line])

    def likelihood(name: str) -> tuple[bool, bool]:
        return f"={name}" in written.replace(" ", ""), "class" in name

    return max(having, key=likelihood, default=None)


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
