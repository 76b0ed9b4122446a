"""`archspec compare`: train what is not trained yet, and put it side by side."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archspec.cli.ending import ENDING
from archspec.cli.options import files, output_option, path_type, recipe_options, said_once
from archspec.errors import UserError

if TYPE_CHECKING:
    from archspec.runs.results import Result


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SPEC | RUN]...", callback=files)
@recipe_options
@click.option("--seeds", type=click.IntRange(1, 1000), default=1, help="So many of each SPEC.")
@click.option(
    "--dir",
    "place",
    type=path_type,
    help="The folder of the runs: by default runs/compare, or runs for the list.",
)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "csv"]), default="text")
@output_option("The picture, a .png; by default comparison.png in --dir.")
@click.option("--quiet", is_flag=True, help="Without what the trainings say.")
def compare(
    arguments: tuple[str, ...],
    place: Path | None,
    seeds: int,
    form: str,
    output: Path | None,
    quiet: bool,
    **terms: Any,
) -> None:
    """Train each SPEC that is not trained yet, and compare; a RUN is the folder of one that is.

    Interrupted, the same command goes on; a training that fails stops no other, and a RUN that is
    damaged is left out: the exit status is then 1. Without arguments, list the runs in --dir.
    """
    said_once(**terms)  # wrong usage is known without what trains
    from archspec.comparing import compare as comparing
    from archspec.comparing.members import Terms
    from archspec.comparing.table import list_runs
    from archspec.runs.folder import RUNS

    said = Terms(**terms)
    if all(map(comparing.is_run, arguments)) and (said.options or seeds > 1):
        option = next(iter(said.options), "--seeds")
        raise click.UsageError(f"{option} is of a training: give a SPEC to train")
    if output is not None and (not arguments or output.suffix not in comparing.PICTURES):
        raise click.UsageError(
            f"the picture is of SPECs or RUNs, and ends in {' or '.join(comparing.PICTURES)}"
        )
    if not arguments:
        click.echo(list_runs(_readable(place or RUNS), form), nl=False)
        return
    ENDING.heard()
    place = place or comparing.FOLDER
    found = comparing.compare(
        arguments,
        said,
        seeds=seeds,
        folder=place,
        echo=(lambda said: None) if quiet else partial(click.echo, err=True),
    )
    written = comparing.publish(found, place, output)
    click.echo(found.to_text(form), nl=False)
    click.echo(f"wrote {', '.join(map(str, written))}", err=True)
    if found.stopped:
        click.echo("interrupted: the same command goes on", err=True)
        sys.exit(ENDING.status)
    if found.missing or found.left_out:
        sys.exit(1)


def _readable(place: Path) -> list[Result]:
    """Return the runs in a folder; those that are damaged are named."""
    from archspec.runs.results import find_runs, read_result

    found = []
    for folder in find_runs(place):
        try:
            found.append(read_result(folder))
        except UserError as error:
            click.echo(f"left out: {error.args[0]}", err=True)
    if not found:
        raise UserError(f"there are no runs in {place}", "name the folder of your runs with --dir")
    return found
