"""Define `archspec train`, which trains a spec or resumes a run that was stopped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from archspec.api.train import resume as go_on
from archspec.api.train import train as train_spec
from archspec.backends import framework
from archspec.cli.options import (
    WholeNumber,
    check_given_once,
    check_init,
    files,
    init_options,
    layers_option,
    path_type,
    recipe_option,
    recipe_options,
)
from archspec.cli.specs import load, warn
from archspec.runs.interrupt import INTERRUPT

OF_RECIPE = ("recipe", "data", "batch_size", "epochs", "steps", "precision", "seed")
# Options that `--resume` does not have: they belong to the run.
OF_RUN = (
    *("recipe", "precision", "seed", "limit", "resize"),
    *("init_from", "init_spec", "init_partial"),
)


@click.command()
@click.argument("spec", required=False, callback=files)
@click.option("--resume", type=path_type, help="Resume the run in this folder.")
@recipe_options
@layers_option
@recipe_option("seed")
@init_options
@click.option("--run-dir", type=path_type, help="The run's folder; by default runs/NAME-N.")
@click.option("--weights", is_flag=True, help="Also write all weights, as text, to weights.txt.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--distribute", is_flag=True, help="Train together with processes elsewhere, on JAX.")
@click.option("--coordinator", metavar="HOST:PORT", help="The first process, without a launcher.")
@click.option("--processes", type=WholeNumber(1), help="How many train together.")
@click.option("--process", type=WholeNumber(0), help="The number of this one, from 0.")
def train(
    spec: str | None,
    resume: Path | None,
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    **options: Any,
) -> None:
    """Train a SPEC by its recipe, or resume a run.

    All of the run is written into a folder: weights, history, curves, metrics. With --resume, a run
    that was stopped ends exactly as if it had not been stopped; --epochs, --steps and --batch-size
    then change its length, in a new folder.

    With --distribute, several processes share each batch; each runs this command, and the launcher
    (SLURM, Open MPI, Kubernetes) says who they are, or --coordinator, --processes and --process.
    """
    INTERRUPT.install()
    if (spec is None) == (resume is None):
        raise click.UsageError("give a SPEC to train, or --resume RUN to resume a run")
    check_given_once(settings, **options)
    check_init(*(options[name] for name in ("init_from", "init_spec", "init_partial")))
    _check_processes(**options)
    framework.own_process()
    if spec is not None:
        graph = load(spec, settings, edits)
        if any(options[name] is not None for name in OF_RECIPE):
            # What is to be said of the recipe is said of the one that is trained.
            graph = replace(graph, warnings=tuple(w for w in graph.warnings if w.code != "train"))
        warn(graph)
        run = train_spec(graph, echo=click.echo, **options)
    else:
        assert resume is not None
        if edits:
            raise click.UsageError("--edit is for a SPEC: --resume cannot change a run's network")
        for name in OF_RUN:
            if options.pop(name) not in (None, False, ()):
                option = f"--{name.replace('_', '-')}"
                raise click.UsageError(f"{option} belongs to the run: --resume cannot change it")
        found = go_on(resume, settings=settings, echo=click.echo, **options)
        if found is None:
            return
        run = found
    if run.interrupted:
        sys.exit(INTERRUPT.status)


def _check_processes(
    distribute: bool,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    **_: Any,
) -> None:
    """Raise `UsageError` for options that say not which processes train together."""
    given = [each is not None for each in (coordinator, processes, process)]
    if any(given) and not (distribute and all(given)):
        raise click.UsageError(
            "--coordinator, --processes and --process go together, and with --distribute"
        )
