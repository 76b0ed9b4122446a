"""Resume a run: with the same result as without the stop, or for longer than was planned.

A run with an unchanged recipe continues in its own folder, unless another is given. A run with a
changed length, batch size, patience or save_every continues in a new folder, and the old one is not
changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from archspec.backends import framework
from archspec.data.binding import Dataset
from archspec.data.preparation import Part, describe_data, prepare
from archspec.differences.difference import compare_graphs
from archspec.differences.flat import restore_scopes
from archspec.differences.text import write_text
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.pipeline import loads
from archspec.reading import kind_of
from archspec.recipe import Recipe, recipe_of
from archspec.recipe.datasets import CLASSES
from archspec.runs.contents import REMEDY, limit_size
from archspec.runs.failure import record_failure
from archspec.runs.folder import Nowhere, RunFolder
from archspec.runs.job import (
    Echo,
    Job,
    RunOptions,
    count_epochs,
    describe_job,
    locate_data,
    make_flat_spec,
)
from archspec.syntax.writer import write_yaml
from archspec.training.run import joined, start_training

if TYPE_CHECKING:
    from archspec.runs.outcome import Run
    from archspec.training.state import State

LENGTH = ("epochs", "steps", "batch_size", "save_every")


def resume(
    run: Path,
    settings: Mapping[str, Any] | None = None,
    options: RunOptions | None = None,
    *,
    data: str | None = None,
    data_dir: Path | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    run_dir: Path | None = None,
) -> Run | None:
    """Resume the run in a folder; return None where nothing is left to do.

        >>> resume(Path("runs/lenet5-1"))  # doctest: +SKIP
        >>> resume(Path("runs/lenet5-1"), epochs=20)  # doctest: +SKIP

    A finished run whose best.keras is lost gets it written again.

    settings: as `--set`, of the recipe. data, data_dir: where the images are now, if they moved.
    epochs, steps, batch_size: another length. run_dir: the folder to continue in, by default the
    run's own or, where its recipe is changed, the next free `runs/NAME-N`.

    Raises `UserError` for a folder that holds no run, for other images than before, for a change of
    anything but length, batch size, patience and save_every, for a state of a newer version of
    archspec, and as `train` does.
    """
    options = options or RunOptions()
    echo = options.echo
    folder = RunFolder.open(run)
    facts = folder.read_facts()
    if folder.is_spec_edited(facts):
        raise UserError(
            f"{run / 'spec.yaml'} was edited, but a run is resumed from its resolved.yaml",
            "change the recipe there or by options, and put spec.yaml back",
        )
    graph, recipe = folder.read_spec(
        settings, data=data, epochs=epochs, steps=steps, batch_size=batch_size
    )
    recipe = locate_data(recipe)
    now = make_flat_spec(graph, recipe)
    state, is_changed = _load_state(folder, now, limit_size(graph.total_params), echo)
    is_finished = facts["status"] == "finished" and not is_changed
    if is_finished and _has_best(folder, graph, state, echo):
        echo(f"{run} is finished, after {recipe.length}: --epochs N makes it longer")
        return None
    dataset, parts, now_facts = _prepare(folder, facts, graph, recipe, data, data_dir, echo)
    text = write_yaml(now)
    if state is None and "init" in facts:
        raise UserError(
            f"{run} was stopped before it had the weights that it was to begin with",
            f"train the spec anew, with --init-from {facts['init']['from']}",
        )
    num_epochs = count_epochs(recipe, len(parts["train"]))
    if is_changed and state is not None and num_epochs <= state.epochs:
        raise UserError(
            f"{run} has done {state.epochs} epochs already", f"give more than {state.epochs}"
        )
    with joined(options) as (team, options):
        is_new = is_changed or run_dir is not None
        if is_new and state is not None:
            state = replace(state, resolved=text)
        if team is not None and not team.leads:
            folder = Nowhere(folder)
        elif is_new:
            new = RunFolder(graph.name, run_dir)
            now_facts["resumed_from"] = str(run)
            _fill_new_folder(folder, new, now_facts, state, text, limit_size(graph.total_params))
            folder = new
        elif data is not None:
            folder.write_text("resolved.yaml", text)
        options.echo(_say_start(state))
        job = Job(graph, recipe, dataset, parts, folder, now_facts)
        return start_training(job, options, state, team)


def _load_state(
    folder: RunFolder, now: Mapping[str, Any], max_bytes: int, echo: Echo
) -> tuple[State | None, bool]:
    """Return the state to continue from, and whether the recipe is another than it was trained
    with.

    With another recipe the state is one that ends with a whole epoch. Raises `UserError` for a
    change that a resumed run may not have, and as `load_state` does.
    """
    framework.start()
    from archspec.training.state import load_state

    run = folder.path
    state = load_state(run, echo, max_bytes=max_bytes)
    before = _make_spec(state.resolved) if state else make_flat_spec(*folder.read_spec())
    changes = _find_changes(before, now)
    if not changes:
        return state, False
    echo(_format_difference(before, now))
    # The warnings of damaged files were given when the states were read before.
    state = load_state(run, lambda warning: None, only_whole=True, max_bytes=max_bytes)
    if state and "patience" in changes:
        state = replace(state, stopped=False)
    return state, True


def _has_best(folder: RunFolder, graph: Graph, state: State | None, echo: Echo) -> bool:
    """Return whether a finished run has a sound best.keras.

    Raises `UserError` where it has none, and no state to write it from.
    """
    try:
        folder.read_best_epoch(graph.total_params)
    except UserError as lost:
        if state is None:
            raise UserError(str(lost.args[0]), REMEDY) from None
        echo(f"{lost.args[0]}: writing it again from the state")
        return False
    return True


def _prepare(
    folder: RunFolder,
    facts: Mapping[str, Any],
    graph: Graph,
    recipe: Recipe,
    data: str | None,
    data_dir: Path | None,
    echo: Echo,
) -> tuple[Dataset, Mapping[str, Part], dict[str, Any]]:
    """Return the images of a run, and the keys of run.json for the resumed run.

    facts: of run.json. data, data_dir: as `resume` takes them.
    Raises `UserError` where the images are missing or are not those that the run began with.
    """
    if recipe.data.name not in CLASSES and kind_of(Path(str(recipe.data.name))) is None:
        raise UserError(f"there is no {recipe.data.name}", "--data says where the images are now")
    before = facts["data"]
    limit = before.get("limit")
    if data is None and data_dir is None and before.get("data_dir"):
        data_dir = Path(before["data_dir"])
    found = Path(before["found"]) if before.get("found") else None
    dataset, parts = prepare(
        graph, recipe, data_dir, limit, found, only_classes="outputs" not in before
    )
    echo(describe_data(dataset, parts))
    now_facts = describe_job(graph, recipe, dataset, parts, data_dir, limit)
    kept = ("params", "given", "spec", "threads", "device", "init")
    now_facts |= {key: facts[key] for key in kept if key in facts}
    if now_facts["data"]["fingerprint"] != before["fingerprint"]:
        raise UserError(
            f"the images of {dataset.name} are not those that {folder.path} began with",
            "put the old ones back, give the folder that has them as --data, or train anew",
        )
    return dataset, parts, now_facts


def _say_start(state: State | None) -> str:
    """Return the message that says at which epoch and step a run continues."""
    if state is not None and not (state.epochs or state.step):
        return "resuming before the first epoch"
    if state is None:
        return "there is no state to resume from: starting from the beginning"
    if state.step:
        return f"resuming after step {state.step} of epoch {state.epochs + 1}"
    return f"resuming after epoch {state.epochs}"


def _fill_new_folder(
    old: RunFolder,
    new: RunFolder,
    facts: Mapping[str, Any],
    state: State | None,
    resolved: str,
    max_bytes: int,
) -> None:
    """Write into a new folder what a run needs to continue there; resolved.yaml comes last: with
    it, the folder is a run's.
    """
    from archspec.training.state import copy_states

    with record_failure(new):
        for name in ("spec.yaml", "init.json"):
            if kind_of(old.path / name) == "file":
                new.write(name, partial(shutil.copyfile, old.path / name))
        new.write_json("run.json", {**facts, "status": "running"})
        if state is not None:
            copy_states(state, old, new, max_bytes)
        new.write_text("resolved.yaml", resolved)


# --- changes -------------------------------------------------------------------------------------


def _find_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """Return the keys of the recipe that differ between two flat specs.

    The place of the images is no change: the images themselves are compared. Raises `UserError`,
    with the difference, where something else than length, batch size, patience and save_every
    changed.
    """
    old, new = _list_compared(before), _list_compared(now)
    found = {key for key in old | new if old.get(key) != new.get(key)}
    if wrong := sorted(found - {*LENGTH, "patience"}):
        raise UserError(
            f"a run can be resumed with another length, batch size, patience or save_every only, "
            f"but {', '.join(wrong)} changed:\n{_format_difference(before, now)}",
            "train the changed spec anew",
        )
    return found


def _make_spec(text: str) -> dict[str, Any]:
    """Return the flat spec of the text of a resolved.yaml.

    Keys and arguments that came after the version which wrote it have their defaults.
    """
    graph = loads(text, "resolved.yaml")
    return make_flat_spec(graph, recipe_of(graph))


def _list_compared(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared of a flat spec: the network, each key of the recipe, the patience."""
    recipe = dict(spec["train"])
    recipe["data"] = {key: each for key, each in recipe["data"].items() if key != "name"}
    callbacks = [
        (name, dict(each)) for callback in recipe["callbacks"] for name, each in callback.items()
    ]
    recipe["patience"] = [each.pop("patience", None) for _, each in callbacks]
    recipe["callbacks"] = callbacks
    network = {key: spec.get(key) for key in ("input", "inputs", "layers", "outputs")}
    return {"the network": network, **recipe}


def _format_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what differs between two flat specs, as `archspec diff` says it."""
    was, now_is = (restore_scopes(loads(write_yaml(each))) for each in (before, now))
    return write_text(compare_graphs(was, now_is, ("as it was", "as it is"))).rstrip("\n")
