"""Load a run with its model, and compute probabilities with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from msgspec import Struct

from archspec.backends.keras import to_keras
from archspec.data.images import Array
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.reading import kind_of
from archspec.recipe import Recipe, gives_probabilities
from archspec.recipe.tasks import CLASSES
from archspec.runs.contents import USED, check, report_damage
from archspec.runs.folder import BEST, RunFolder
from archspec.training.compiling import use_precision


class Learnt(Struct, frozen=True):
    """The target of an output: its task, the names of its classes or labels, its column."""

    task: str
    classes: tuple[str, ...]
    column: str


class TrainedRun(Struct, frozen=True, eq=False):
    """A run with a model. model: with the weights of the best epoch. facts: of run.json."""

    folder: RunFolder
    graph: Graph
    recipe: Recipe
    model: keras.Model
    facts: dict[str, Any]

    @property
    def outputs(self) -> dict[str, Learnt]:
        """The target of each output; in a run of an older version, the classes of its data."""
        data = self.facts["data"]
        if "outputs" in data:
            return {
                name: Learnt(each["task"], tuple(map(str, each["classes"])), each["column"])
                for name, each in data["outputs"].items()
            }
        classes = tuple(map(str, data["classes"]))
        return dict.fromkeys(self.graph.outputs, Learnt(CLASSES, classes, ""))

    def name_outputs(self, outputs: Any) -> dict[str, Array]:
        """Return what Keras's `predict` returns by the names of the outputs."""
        if isinstance(outputs, dict):
            return {name: np.asarray(outputs[name]) for name in self.graph.outputs}
        several = outputs if isinstance(outputs, list | tuple) else [outputs]
        return dict(zip(self.graph.outputs, map(np.asarray, several), strict=True))

    def compute_probabilities(self, values: Array, output: str | None = None) -> Array:
        """Return probabilities (n, classes) of the values of an output; each row adds up to 1.

        output: by default the first. Logits become probabilities; units without a class are left
        out.
        """
        output = output or self.graph.outputs[0]
        if values.shape[1] == 1:  # the probability of the second of two classes, or its logit
            second = self.compute_chances(values, output)
            return np.hstack([1 - second, second])
        values = values[:, : len(self.outputs[output].classes)].astype(np.float64)
        if not gives_probabilities(self.graph, output):
            values = np.exp(values - values.max(axis=1, keepdims=True))
        sums = values.sum(axis=1, keepdims=True)
        shares: Array = values / np.maximum(sums, np.finfo(np.float64).tiny)
        return shares

    def compute_chances(self, values: Array, output: str) -> Array:
        """Return the probability of each unit by itself, of logits by a sigmoid."""
        values = values.astype(np.float64)
        if gives_probabilities(self.graph, output):
            return values
        chances: Array = 0.5 * (1 + np.tanh(0.5 * values))  # a sigmoid that does not overflow
        return chances


def load_trained(run: Path) -> TrainedRun:
    """Load the run in a folder, with the model of its best epoch.

    Raises `UserError` for a folder that holds no run, a run that has no model yet, or a damaged
    file.
    """
    folder = RunFolder.open(run)
    facts = folder.read_facts()
    with report_damage(run / "run.json"):
        check(facts, USED)
    graph, recipe = folder.read_spec()
    folder.warn_of_other_network(graph, facts)
    if kind_of(run / BEST) is None and facts["status"] != "finished":
        hint = f"archspec train --resume {run} continues it"
        raise UserError(f"{run} has no model yet: its status is {facts['status']}", hint)
    folder.read_best_epoch(graph.total_params)  # before memory is taken for a network of any size
    with use_precision(recipe.precision):
        model = to_keras(graph, recipe.seed)
    folder.load_best(model)
    return TrainedRun(folder, graph, recipe, model, facts)
