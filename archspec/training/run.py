"""The runner: a graph and its recipe in, a trained model and a folder that tells all of it out.

A run's folder holds

    spec.yaml       the text as given               history.csv  one row an epoch
    resolved.yaml   the spec and recipe in full     best.keras   the epoch of least validation loss
    run.json        versions, devices, times        curves.png   loss and metrics by epoch
    metrics.json    on test and validation images   last/        the state, to go on from

`train` starts one; `resume`, in `archspec.training.resume`, takes one up again.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import archspec
from archspec.data.preparation import describe_data, prepare, refuse_other_targets
from archspec.graph import Graph
from archspec.recipe import Recipe, ended_early, recipe_of
from archspec.runs.failure import told
from archspec.runs.folder import RunFolder, fingerprint
from archspec.runs.job import Job, RunOptions, described, located, resolved

if TYPE_CHECKING:
    from archspec.training.fitting import Run
    from archspec.training.state import State


def train(
    graph: Graph,
    recipe: Recipe,
    options: RunOptions | None = None,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    limit: int | None = None,
    text: str | None = None,
) -> Run:
    """Train a graph by its recipe, and write the run's folder.

    run_dir: an empty or new folder; by default the next free `runs/NAME-N`. data_dir: where
    datasets are looked for first. limit: train on so many images. text: the spec as given.

    Ctrl-C ends the run with what it has: the `Run` says `interrupted`. Raises `UserError` for
    data that is not there or does not fit, and for a loss that is no number any more.
    """
    options = options or RunOptions()
    for warning in recipe.warnings:
        options.echo(f"warning: {warning}")
    refuse_other_targets(recipe)
    recipe = located(recipe)
    dataset, parts = prepare(graph, recipe, data_dir, limit)
    options.echo(describe_data(dataset, parts))
    if early := ended_early(recipe, ceil(len(parts["train"]) / recipe.batch_size)):
        options.echo(f"warning: {early}")
    folder = RunFolder(graph.name, run_dir)
    flat = resolved(graph, recipe)
    facts = described(graph, recipe, dataset, parts, data_dir, limit)
    if text is not None:
        facts["spec"] = fingerprint(text.encode())
        folder.text("spec.yaml", text)
    with told(folder):
        folder.json("run.json", {**facts, "status": "running"})
        folder.text("resolved.yaml", flat)  # with it, the folder is a run's, and can be resumed
        # What resolved.yaml says is trained, so that outputs are called the same when it goes on.
        graph = archspec.loads(flat, "resolved.yaml")
        return started(Job(graph, recipe_of(graph), dataset, parts, folder, facts), options)


def started(job: Job, options: RunOptions, state: State | None = None) -> Run:
    """Train in a folder that is made, from the beginning or from a state."""
    from archspec.backends import framework

    # Keras takes seconds to come in: what can be refused without it has been by now.
    framework.start()
    from archspec.runs.machine import THREADS, threads
    from archspec.training.fitting import learn

    wanted = job.facts.get("threads")
    taken = threads(wanted)  # before the backend begins to work
    if wanted not in (None, taken):
        variable = THREADS[framework.chosen()]
        options.echo(
            f"warning: the run began with {wanted} threads and goes on with {taken}: it will not "
            f"end in the same digits, as it does with {variable}={wanted} in the environment"
        )
    job = replace(job, facts={**job.facts, "threads": taken})
    with job.folder.held(), told(job.folder), framework.on(options.device) as device:
        options.echo(f"on {device} in {job.recipe.precision}, writing to {job.folder.path}")
        return learn(job, options, device, state)
