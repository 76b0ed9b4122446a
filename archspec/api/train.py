"""Train a spec by its recipe, and resume a run that was stopped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.api.arguments import (
    Spec,
    TrainedRun,
    check_count,
    folder_of,
    graph_of,
    initial_of,
    needs_run_extra,
    path_or_none,
)
from archspec.errors import Refused, UserError
from archspec.graph import Graph
from archspec.loading.settings import parse_setting
from archspec.recipe import Recipe, given_in, recipe_of
from archspec.runs.outcome import Run

if TYPE_CHECKING:
    from archspec.runs.job import Cluster

Echo = Callable[[str], None]


@needs_run_extra
def train(
    spec: Spec,
    *,
    recipe: str | Path | Mapping[str, Any] | None = None,
    data: str | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    precision: str | None = None,
    seed: int | None = None,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    resize: bool = False,
    device: str | None = None,
    run_dir: str | Path | None = None,
    init_from: TrainedRun | None = None,
    init_spec: Spec | None = None,
    init_partial: Sequence[str] = (),
    weights: bool = False,
    quiet: bool = False,
    distribute: bool = False,
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    echo: Echo = print,
) -> Run:
    """Train a spec by its recipe, and write all of the run into a folder.

    spec: a file, the bare name of a spec that comes with archspec, or a graph.
    recipe: a `train` mapping, or a file that holds one alone, instead of the spec's own.
    data, batch_size, epochs, steps, precision, seed: replace what the recipe says; epochs and steps
        replace each other.
    data_dir: where datasets are looked for first.
    limit: train on the first so many images only.
    resize: adapt the size and the channels of images to the spec's input.
    device: "cpu", "gpu", "gpu:1", or "gpus" for all, which share each batch; by default the first
        GPU, or the CPU where there is none.
    run_dir: a new or empty folder; by default the next free `runs/NAME-N`.
    init_from: weights to begin with: a run or its folder, a .keras or .weights.h5 file, or
        `keras.applications.NAME`. init_spec: the spec whose weights a .weights.h5 file has, if it
        is another one. init_partial: how weights of another shape are used in part: "slice",
        "mean", "classes" (docs/weights.md).
    weights: also write the values of all weights, as text.
    quiet: show no progress.
    distribute: train together with other processes, mostly on other machines, which make the same
        call. They find each other by the launcher, such as SLURM, or by coordinator, "HOST:PORT"
        of the first process, processes, their number, and process, the number of this one from 0.
    echo: takes each message for the user, such as the outcome; `print` by default.

    Ctrl-C ends the run with what it has, and `Run.interrupted` is then true.

    Raises `SpecError` for a broken spec; `UserError` for a recipe or data that does not fit, for a
    folder that is not empty, and for a loss that is no longer a number.

        >>> import archspec
        >>> run = archspec.train("lenet5_mnist", data="digits", resize=True)  # doctest: +SKIP
        >>> print(run.metrics["test"], run.folder)  # doctest: +SKIP
    """
    check_count("limit", limit)
    cluster = _check_cluster(distribute, coordinator, processes, process)
    graph = graph_of(spec, "train")
    changes = {
        "data": data,
        "batch_size": batch_size,
        "epochs": epochs,
        "steps": steps,
        "precision": precision,
        "seed": seed,
    }
    found = _recipe_of(graph, recipe, resize=resize, **changes)

    from archspec.backends import framework

    framework.chosen()
    from archspec.runs.job import RunOptions
    from archspec.training.run import train as run

    initial = initial_of(graph, init_from, init_spec, init_partial, "train")
    return run(
        graph,
        found,
        RunOptions(device, quiet, weights, echo, cluster),
        initial=initial,
        run_dir=path_or_none("run_dir", run_dir),
        data_dir=path_or_none("data_dir", data_dir),
        limit=limit,
        text=graph.text,
    )


def _check_cluster(
    distribute: bool, coordinator: str | None, processes: int | None, process: int | None
) -> Cluster | None:
    """Return the processes that train together. Raises `UserError` for what says not who they
    are."""
    given = (coordinator, processes, process)
    if not distribute:
        if any(each is not None for each in given):
            raise UserError("coordinator, processes and process go with distribute")
        return None
    from archspec.runs.job import Cluster  # which brings what reads data

    if coordinator is None or processes is None or process is None:
        if any(each is not None for each in given):
            raise UserError(
                "give coordinator, processes and process, or none of them",
                "without them the launcher says who they are",
            )
        return Cluster()
    if not re.fullmatch(r".+:[0-9]{1,5}", coordinator):
        raise UserError(f"coordinator '{coordinator}' is not HOST:PORT, such as node1:1234")
    if not 0 <= process < processes:
        raise UserError(f"process must be from 0 to {processes - 1}, and is {process}")
    return Cluster(coordinator, processes, process)


def _recipe_of(
    graph: Graph, recipe: str | Path | Mapping[str, Any] | None, **changes: Any
) -> Recipe:
    """Return the recipe of a graph, or the one that is given instead. Raises `UserError`."""
    if changes["epochs"] is not None and changes["steps"] is not None:
        raise UserError("give epochs or steps, not both")
    where = ""
    given: Mapping[str, Any] | None = None
    if isinstance(recipe, Mapping):
        given = recipe
    elif (file := path_or_none("recipe", recipe)) is not None:
        given, where = given_in(file), f"{file}: "
    try:
        return recipe_of(graph, given, **changes)
    except Refused as refused:
        raise UserError(where + refused.message, refused.hint) from None


@needs_run_extra
def resume(
    run: TrainedRun,
    *,
    settings: Sequence[str] = (),
    data: str | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    data_dir: str | Path | None = None,
    device: str | None = None,
    run_dir: str | Path | None = None,
    weights: bool = False,
    quiet: bool = False,
    distribute: bool = False,
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    echo: Echo = print,
) -> Run | None:
    """Resume a run that was stopped. It ends exactly as if it had not been stopped.

    run: a `Run`, or its folder.
    settings: changes of its recipe, as `--set` takes them:
        `["train.callbacks.0.EarlyStopping.patience=9"]`.
    data, data_dir: where the images are now, if they have moved.
    batch_size, epochs, steps: another length. A run that is changed continues in a new folder.
    run_dir: the folder to continue in; by default the run's own, or the next free `runs/NAME-N`.
    device, weights, quiet, distribute, coordinator, processes, process, echo: as `archspec.train`
        takes them.

    Returns None where the run is finished and nothing is left to do.

    Raises `UserError` for a folder that holds no run, for images that are not what they were, and
    for a change of anything but length, batch size, patience and save_every.

        >>> import archspec
        >>> run = archspec.resume("runs/lenet5-1", epochs=20)  # doctest: +SKIP
    """
    if isinstance(settings, str):
        raise TypeError("settings must be a list of texts such as 'train.epochs=9', not one text")
    if epochs is not None and steps is not None:
        raise UserError("give epochs or steps, not both")
    cluster = _check_cluster(distribute, coordinator, processes, process)
    folder = folder_of(run, "resume")
    changes = dict(map(parse_setting, settings))

    from archspec.backends import framework

    framework.chosen()
    from archspec.runs.job import RunOptions
    from archspec.training.resume import resume as go_on

    return go_on(
        folder,
        changes,
        RunOptions(device, quiet, weights, echo, cluster),
        data=data,
        data_dir=path_or_none("data_dir", data_dir),
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        run_dir=path_or_none("run_dir", run_dir),
    )
