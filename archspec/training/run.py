"""Train a graph by its recipe, and write the trained model and all results into a folder.

A run's folder holds

    spec.yaml       the text as given               history.csv  one row for each epoch
    resolved.yaml   the spec and recipe in full     best.keras   the epoch of least validation loss
    run.json        versions, devices, times        curves.png   loss and metrics by epoch
    metrics.json    on test and validation images   last/        the state, to resume from
    samples.png     images as the model takes them
    init.json       the weights that it began with, if they were trained before

`train` starts a run; `resume`, in `archspec.training.resume`, continues one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from archspec.backends.spec_yaml import flat_name
from archspec.data.preparation import describe_data, prepare, refuse_misfit, rename, warn_of_units
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.objects import named
from archspec.pipeline import loads
from archspec.recipe import Recipe, ended_early, recipe_of, settle_schedule
from archspec.runs.failure import record_failure
from archspec.runs.folder import Nowhere, RunFolder, hash_content
from archspec.runs.job import (
    Job,
    RunOptions,
    count_steps_per_epoch,
    describe_job,
    format_resolved,
    locate_data,
)
from archspec.weights.reports import describe_plan

if TYPE_CHECKING:
    from archspec.runs.outcome import Run
    from archspec.training.cluster import Team
    from archspec.training.state import State
    from archspec.weights.initial import Initial


def train(
    graph: Graph,
    recipe: Recipe,
    options: RunOptions | None = None,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    limit: int | None = None,
    text: str | None = None,
    initial: Initial | None = None,
) -> Run:
    """Train a graph by its recipe, and write the run's folder.

        >>> graph = archspec.load("lenet5_mnist")  # doctest: +SKIP
        >>> run = train(graph, recipe_of(graph, epochs=2))  # doctest: +SKIP
        >>> run.metrics["test"]["accuracy"], run.folder  # doctest: +SKIP

    run_dir: an empty or new folder; by default the next free `runs/NAME-N`. data_dir: the folder
    where datasets are looked for first. limit: train on so many images. text: the spec as given,
    for spec.yaml. initial: weights to begin with.

    Ctrl-C ends the run with what it has: `interrupted` of the `Run` is then true.

    Raises `UserError` for images that are missing or do not fit, for a folder that cannot be
    written, for an error in Keras, and for a loss that is not finite.
    """
    options = options or RunOptions()
    said = {each.message for each in graph.warnings}
    for warning in recipe.warnings:
        if warning not in said:
            options.echo(f"warning: {warning}")
    refuse_misfit(graph, recipe)
    _refuse_tensorboard(recipe)
    recipe = locate_data(recipe)
    dataset, parts = prepare(graph, recipe, data_dir, limit)
    options.echo(describe_data(dataset, parts))
    for spare in warn_of_units(graph, recipe, dataset):
        options.echo(f"warning: {spare.message}; {spare.hint}")
    per_epoch = count_steps_per_epoch(recipe, len(parts["train"]))
    recipe = settle_schedule(recipe, per_epoch)
    if early := ended_early(recipe, per_epoch):
        options.echo(f"warning: {early}")
    dataset, parts = rename(dataset, parts, flat_name)
    resolved = format_resolved(graph, recipe)
    facts = describe_job(graph, recipe, dataset, parts, data_dir, limit)
    if initial is not None:
        facts["init"] = initial.to_facts()
    with joined(options) as (team, options):
        folder = RunFolder(graph.name, run_dir) if team is None or team.leads else Nowhere()
        if text is not None:
            facts["spec"] = hash_content(text.encode())
            folder.write_text("spec.yaml", text)
        with record_failure(folder):
            folder.write_json("run.json", {**facts, "status": "running"})
            if initial is not None:
                folder.write_json("init.json", {**facts["init"], **describe_plan(initial.plan)})
            folder.write_text("resolved.yaml", resolved)  # with it, the folder is a run's
            # The graph of resolved.yaml is trained, so that its outputs have the same names when
            # the run is resumed.
            graph = loads(resolved, "resolved.yaml")
            job = Job(graph, recipe_of(graph), dataset, parts, folder, facts, initial)
            return start_training(job, options, team=team)


@contextmanager
def joined(options: RunOptions) -> Iterator[tuple[Team | None, RunOptions]]:
    """Join the other processes of a training, if the options ask for it: see `cluster.join`.

    Gives the team, or None, and the options as this process takes them.
    """
    if options.cluster is None:
        yield None, options
        return
    from archspec.backends import framework

    backend = framework.chosen()
    if backend != "jax":
        raise UserError(
            f"--distribute: several processes train together on JAX only, and this is {backend}",
            "pip install 'archspec-keras[jax]', and set KERAS_BACKEND=jax in the environment",
        )
    framework.start()
    from archspec.training.cluster import join

    with join(options) as found:
        yield found


def _refuse_tensorboard(recipe: Recipe) -> None:
    """Raise `UserError` where a recipe asks for TensorBoard and its packages are not here."""
    if any(named(each)[0] == "TensorBoard" for each in recipe.callbacks):
        for package in ("tensorflow", "tensorboard"):
            if find_spec(package) is None:
                raise UserError(
                    f"train.callbacks: TensorBoard needs {package}, which is not installed",
                    "pip install 'archspec-keras[tensorboard]'",
                )


def start_training(
    job: Job, options: RunOptions, state: State | None = None, team: Team | None = None
) -> Run:
    """Train in a folder that was made, from a state or from the beginning.

    team: the processes that train together. Raises `UserError` as `train` does, and where another
    process trains in the folder.
    """
    from archspec.backends import framework

    # Importing Keras takes seconds: what can be refused without it has been refused by now.
    framework.start()
    from archspec.training.devices import count_devices, work_on
    from archspec.training.fitting import learn

    job = _set_threads(job, options)
    with (
        job.folder.lock(),
        record_failure(job.folder),
        work_on(job, options, team) as (device, sharing),
    ):
        if team is not None:
            team.begin(job, state)
        if (before := job.facts.get("device")) and count_devices(before) != count_devices(device):
            options.echo(
                f"warning: it began on {count_devices(before)} devices, and continues on "
                f"{count_devices(device)}: the last digits will differ"
            )
        options.echo(f"on {device} in {job.recipe.precision}, writing to {job.folder.path}")
        return learn(job, options, device, state, sharing, team)


def _set_threads(job: Job, options: RunOptions) -> Job:
    """Give the backend the number of threads that the run began with, and record it in the job.

    A run that begins in a process of its own, on a CPU, gets the number that suits its steps. It
    must be done before the backend begins to work; where it is too late, a warning says so.
    """
    from archspec.backends import framework
    from archspec.runs.threads import THREADS, choose_threads, set_threads

    variable = THREADS[framework.chosen()]
    wanted, chosen = job.facts.get("threads"), None
    is_on_cpu = (options.device or "").startswith("cpu") or not framework.count_gpus()
    if wanted is None and is_on_cpu and framework.is_own_process():
        chosen = choose_threads(job.graph, job.recipe.batch_size)
    taken = set_threads(wanted or chosen)
    if chosen is not None:
        options.echo(
            f"threads for an operation: {chosen}, since small ones stand side by side; "
            f"{variable}=N in the environment takes another number"
        )
    if wanted not in (None, taken):
        options.echo(
            f"warning: the run began with {_count_threads(wanted)} and continues with "
            f"{_count_threads(taken)}: it will not end in the same digits, as it does with "
            f"{variable}={wanted} in the environment"
        )
    return replace(job, facts={**job.facts, "threads": taken})


def _count_threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"
