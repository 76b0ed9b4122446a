"""Taking up a run again: exactly as it would have gone on, or for longer than was planned.

A run whose recipe is the old one goes on in its own folder, unless another is given. One that is
changed in what may change (length, batch size, patience) goes on in a new folder, and the old one
stays as it is.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archspec
from archspec.backends import framework
from archspec.data.datasets import CLASSES
from archspec.data.preparation import describe_data, prepare
from archspec.errors import UserError
from archspec.reading import kind_of
from archspec.recipe import Recipe, recipe_of
from archspec.runs.contents import REMEDY, bound
from archspec.runs.failure import told
from archspec.runs.folder import RunFolder
from archspec.runs.job import Job, RunOptions, described, flat_spec, located
from archspec.syntax.writer import write_yaml
from archspec.training.run import started

if TYPE_CHECKING:
    from archspec.training.fitting import Run

LENGTH = ("epochs", "steps", "batch_size")
MOST = 40  # lines of a difference that are shown


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
    """Go on with the run in a folder; None where nothing is left to do. Of a finished run whose
    best.keras is lost, that is written again.

    settings: as `--set`, of the recipe. data, data_dir: where the images are now, if they moved.
    run_dir: a folder to go on in, by default the run's own or, where its recipe is changed, the
    next free `runs/NAME-N`.

    Raises `UserError` for a folder that holds no run, for images that are not what they were, and
    for a change of anything but length, batch size and patience.
    """
    options = options or RunOptions()
    echo = options.echo
    folder = RunFolder.existing(run)
    facts = folder.facts()
    if folder.edited(facts):
        raise UserError(
            f"{run / 'spec.yaml'} was edited, but a run goes on with its resolved.yaml",
            "change the recipe there or by options, and put spec.yaml back",
        )
    graph, recipe = folder.spec(
        settings, data=data, epochs=epochs, steps=steps, batch_size=batch_size
    )
    recipe = located(recipe)
    now = flat_spec(graph, recipe)

    framework.start()
    from archspec.training import state as states

    most = bound(graph.total_params)
    state = states.newest(run, echo, most=most)
    before = _load(state.resolved) if state else flat_spec(*folder.spec())
    changes = _changes(before, now)
    if changes:
        echo(_difference(before, now))
        state = states.newest(run, lambda said: None, whole=True, most=most)
        if state and "patience" in changes:
            state = replace(state, stopped=False)
    elif facts["status"] == "finished":
        try:
            folder.best_epoch(graph.total_params)
        except UserError as lost:
            if state is None:
                raise UserError(str(lost.args[0]), REMEDY) from None
            echo(f"{lost.args[0]}: writing it again from the state")
        else:
            echo(f"{run} is finished, after {_length(recipe)}: --epochs goes on for longer")
            return None

    if recipe.data.name not in CLASSES and kind_of(Path(str(recipe.data.name))) is None:
        raise UserError(f"there is no {recipe.data.name}", "--data says where the images are now")
    said = facts["data"]
    limit = said.get("limit")
    if data is None and data_dir is None and said.get("data_dir"):
        data_dir = Path(said["data_dir"])
    found = Path(said["found"]) if said.get("found") else None
    dataset, parts = prepare(graph, recipe, data_dir, limit, found)
    echo(describe_data(dataset, parts))
    now_facts = described(graph, recipe, dataset, parts, data_dir, limit)
    now_facts |= {key: facts[key] for key in ("params", "spec", "threads") if key in facts}
    if now_facts["data"]["fingerprint"] != said["fingerprint"]:
        raise UserError(
            f"the images of {dataset.name} are not those that {run} began with",
            "put the old ones back, give the folder that has them as --data, or train anew",
        )
    text = write_yaml(now)
    if changes or run_dir is not None:
        per_epoch = ceil(len(parts["train"]) / recipe.batch_size)
        wanted = recipe.epochs or ceil((recipe.steps or 1) / per_epoch)
        if changes and state is not None and wanted <= state.epochs:
            raise UserError(
                f"{run} has done {state.epochs} epochs already", f"give more than {state.epochs}"
            )
        new = RunFolder(graph.name, run_dir)
        now_facts["resumed_from"] = str(run)
        with told(new):
            if kind_of(run / "spec.yaml") == "file":
                new.save("spec.yaml", partial(shutil.copyfile, run / "spec.yaml"))
            new.json("run.json", {**now_facts, "status": "running"})
            if state is not None:
                state = replace(state, resolved=text)
                states.hand_on(state, folder, new, most)
            new.text("resolved.yaml", text)  # with it, the new folder is a run's
        folder = new
    elif data is not None:
        folder.text("resolved.yaml", text)
    echo(
        f"going on after epoch {state.epochs}"
        if state
        else "there is no state to go on from: starting from the beginning"
    )
    return started(Job(graph, recipe, dataset, parts, folder, now_facts), options, state)


# --- changes -------------------------------------------------------------------------------------


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """Return the keys of the recipe that differ between two flat specs.

    Where the images are is no change: what they are is compared. Raises `UserError`, with the
    difference, if something else than length, batch size and patience changed.
    """
    old, new = _compared(before), _compared(now)
    found = {key for key in old | new if old.get(key) != new.get(key)}
    if wrong := sorted(found - {*LENGTH, "patience"}):
        raise UserError(
            f"a run can go on with another length, batch size or patience only, but "
            f"{', '.join(wrong)} changed:\n{_difference(before, now)}",
            "train the changed spec anew",
        )
    return found


def _load(text: str) -> dict[str, Any]:
    """Return the flat spec of a text of resolved.yaml.

    Keys and arguments that this version has and an older one had not are there, by default.
    """
    graph = archspec.loads(text, "resolved.yaml")
    return flat_spec(graph, recipe_of(graph))


def _compared(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared of a flat spec: the network, each key of the recipe, and patience."""
    recipe = dict(spec["train"])
    recipe["data"] = {key: each for key, each in recipe["data"].items() if key != "name"}
    callbacks = [
        (name, dict(each)) for callback in recipe["callbacks"] for name, each in callback.items()
    ]
    recipe["patience"] = [each.pop("patience", None) for _, each in callbacks]
    recipe["callbacks"] = callbacks
    network = {key: spec.get(key) for key in ("input", "inputs", "layers", "outputs")}
    return {"the network": network, **recipe}


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the lines of resolved.yaml that differ between two flat specs."""
    old, new = write_yaml(before).splitlines(), write_yaml(now).splitlines()
    lines = difflib.unified_diff(old, new, "as it was", "as it is", n=0, lineterm="")
    shown = [line for line in lines if not line.startswith("@@")]
    more = [f"... and {len(shown) - MOST} lines more"] if len(shown) > MOST else []
    return "\n".join([*shown[:MOST], *more])


def _length(recipe: Recipe) -> str:
    return f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps} steps"
