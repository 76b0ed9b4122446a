"""`archspec train`: train a spec, or go on with a run that was stopped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import archspec
from archspec.backends import framework
from archspec.cli.ending import ENDING
from archspec.cli.options import files, path_type, recipe_option, recipe_options, said_once
from archspec.cli.specs import load_and_warn
from archspec.errors import Refused, UserError
from archspec.graph import Graph
from archspec.loading.files import parse_setting
from archspec.recipe import Recipe, given_in, recipe_of

if TYPE_CHECKING:
    from archspec.runs.job import RunOptions
    from archspec.training.fitting import Run


@click.command()
@click.argument("spec", required=False, callback=files)
@click.option("--resume", type=path_type, help="Go on with the run in a folder.")
@recipe_options
@recipe_option("seed")
@click.option("--run-dir", type=path_type, help="By default runs/NAME-N.")
@click.option("--weights", is_flag=True, help="Write every weight's values to weights.txt too.")
@click.option("--quiet", is_flag=True, help="Without the progress.")
def train(spec: str | None, resume: Path | None, **options: Any) -> None:
    """Train SPEC by its recipe, into a folder that tells all of the run.

    With --resume, go on with a run that was stopped: exactly as if it had not been. Then --epochs,
    --steps and --batch-size change its length, in a new folder.
    """
    ENDING.heard()
    if (spec is None) == (resume is None):
        raise click.UsageError("give a SPEC to train, or --resume RUN to go on with a run")
    said_once(**options)
    if resume is not None:
        run = _resume(resume, **options)
    else:
        assert spec is not None
        run = _train(spec, **options)
    if run is not None and run.interrupted:
        sys.exit(ENDING.status)


def _train(
    spec: str,
    settings: tuple[str, ...],
    run_dir: Path | None,
    data_dir: Path | None,
    limit: int | None,
    device: str | None,
    weights: bool,
    quiet: bool,
    **terms: Any,
) -> Run:
    """Train a spec. terms: what the command line says of its recipe."""
    graph = load_and_warn(spec, settings)
    recipe = _recipe(graph, **terms)
    framework.chosen()
    from archspec.training.run import train as run

    return run(
        graph,
        recipe,
        _run_options(device, weights, quiet),
        run_dir=run_dir,
        data_dir=data_dir,
        limit=limit,
        text=archspec.find(spec).read_text(encoding="utf-8-sig"),
    )


def _recipe(graph: Graph, recipe: Path | None, **terms: Any) -> Recipe:
    """Return the recipe of a graph: of a file of its own, where there is one."""
    given = given_in(recipe) if recipe else None
    try:
        return recipe_of(graph, given, **terms)
    except Refused as refused:
        where = f"{recipe}: " if recipe else ""
        raise UserError(where + refused.message, refused.hint) from None


def _resume(
    run: Path,
    settings: tuple[str, ...],
    device: str | None,
    weights: bool,
    quiet: bool,
    data: str | None,
    data_dir: Path | None,
    epochs: int | None,
    steps: int | None,
    batch_size: int | None,
    run_dir: Path | None,
    **others: Any,
) -> Run | None:
    """Go on with a run. others: the options that --resume does not have."""
    for name, value in others.items():
        if value is not None and value is not False:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is of the run: it cannot be changed by --resume")
    framework.chosen()
    from archspec.training.resume import resume

    return resume(
        run,
        dict(map(parse_setting, settings)),
        _run_options(device, weights, quiet),
        data=data,
        data_dir=data_dir,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        run_dir=run_dir,
    )


def _run_options(device: str | None, weights: bool, quiet: bool) -> RunOptions:
    from archspec.runs.job import RunOptions

    return RunOptions(device, quiet, weights, click.echo)
