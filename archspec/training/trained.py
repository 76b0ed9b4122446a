"""A run whose model is used: loaded from its folder, and asked for probabilities."""

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
from archspec.runs.contents import USED, check, report_damage
from archspec.runs.folder import BEST, RunFolder
from archspec.training.compiling import use_precision


class TrainedRun(Struct, frozen=True, eq=False):
    """A run with a model. model: with the weights of the best epoch. facts: of run.json."""

    folder: RunFolder
    graph: Graph
    recipe: Recipe
    model: keras.Model
    facts: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the model's units."""
        return [str(name) for name in self.facts["data"]["classes"]]

    def compute_probabilities(self, outputs: Any) -> Array:
        """Return probabilities (n, classes) of what the model returns; each row adds up to 1.

        outputs: as Keras's `predict` returns them. Of several the first is taken. Logits become
        probabilities; units without a class are left out.
        """
        first = self.graph.outputs[0]
        values: Array = np.asarray(
            outputs[first] if isinstance(outputs, dict) else outputs, np.float64
        )
        are_probabilities = gives_probabilities(self.graph, first)
        if values.shape[1] == 1:  # the probability of the second of two classes, or its logit
            second = values if are_probabilities else 1 / (1 + np.exp(-values))
            return np.hstack([1 - second, second])
        values = values[:, : len(self.classes)]
        if not are_probabilities:
            values = np.exp(values - values.max(axis=1, keepdims=True))
        sums = values.sum(axis=1, keepdims=True)
        shares: Array = values / np.maximum(sums, np.finfo(np.float64).tiny)
        return shares


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
        hint = f"archspec train --resume {run} goes on with it"
        raise UserError(f"{run} has no model yet: its status is {facts['status']}", hint)
    folder.read_best_epoch(graph.total_params)  # before memory is taken for a network of any size
    with use_precision(recipe.precision):
        model = to_keras(graph, recipe.seed)
    folder.load_best(model)
    return TrainedRun(folder, graph, recipe, model, facts)
