"""The runner: a graph and its recipe in, a trained model and a folder that tells all of it out.

A run's folder holds

    spec.yaml       the text as given               history.csv  one row an epoch
    resolved.yaml   the spec and recipe in full     best.keras   the epoch of least validation loss
    run.json        versions, devices, times        curves.png   loss and metrics by epoch
    metrics.json    on test and validation images, of the best epoch
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.backends.flat import flat_name, to_spec, to_yaml
from archspec.graph import Graph
from archspec.recipe import Recipe
from archspec.training.folder import RunFolder
from archspec.training.preparation import about, prepare

if TYPE_CHECKING:
    from archspec.training.learning import Run


def train(
    graph: Graph,
    recipe: Recipe,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    limit: int | None = None,
    text: str | None = None,
    echo: Callable[[str], None] = print,
    verbose: int | None = None,
) -> Run:
    """Train a graph by its recipe, and write the run's folder.

    run_dir: an empty or new folder; by default the next free `runs/NAME-N`. data_dir: where
    datasets are looked for first. limit: train on so many images. text: the spec as given.
    echo: says what is going on. verbose: as Keras's `fit`; by default a progress bar, or a line an
    epoch if no one is watching.

    Ctrl-C ends the run with what it has: the `Run` says `interrupted`. Raises `UserError` for
    data that is not there or does not fit, and for a loss that is no number any more.
    """
    for warning in recipe.warnings:
        echo(f"warning: {warning}")
    dataset, parts = prepare(graph, recipe, data_dir, limit)
    echo(about(dataset, parts))
    folder = RunFolder(graph.name, run_dir)
    if text is not None:
        folder.text("spec.yaml", text)
    folder.text("resolved.yaml", to_yaml({**to_spec(graph), "train": recipe.mapping(flat_name)}))
    echo(f"writing to {folder.path}")

    # Keras takes seconds to come in: what can be refused without it has been by now.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from archspec.training.learning import learn

    return learn(graph, recipe, dataset, parts, folder, echo, verbose)
