"""Define `archspec compare`, which trains networks and puts them side by side."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from archspec.cli.options import (
    WholeNumber,
    check_given_once,
    files,
    format_option,
    layers_option,
    output_option,
    path_type,
    recipe_options,
)
from archspec.runs.interrupt import INTERRUPT


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SPEC | RUN]...", callback=files)
@recipe_options
@layers_option
@click.option(
    "--seeds", type=WholeNumber(1, 1000), default=1, help="How many times each SPEC is trained."
)
@click.option(
    "--dir",
    type=path_type,
    help="The folder of the runs: by default runs/compare, or runs for the list.",
)
@format_option("csv")
@output_option(
    "The chart, a .png, .svg or .pdf; by default comparison.png in --dir. Or a page, a .html."
)
@click.option("--quiet", is_flag=True, help="Do not show what the trainings print.")
@click.option("--jobs", is_flag=True, help="Print the trainings as commands, for a queue.")
def compare(
    arguments: tuple[str, ...],
    settings: tuple[str, ...],
    dir: Path | None,
    seeds: int,
    form: str,
    output: Path | None,
    quiet: bool,
    jobs: bool,
    **options: Any,
) -> None:
    """Train several SPECs, and compare them in a table and a chart.

    A SPEC that is trained already is not trained again, and a RUN is only read. After Ctrl-C, the
    same command continues. If a training fails, the others still run, and a damaged RUN is left
    out; the exit status is then 1. Without arguments, list the runs in --dir.

    --jobs prints a command for each training that is left to do, one a line. When a cluster has
    done them, the same command without --jobs compares their runs.
    """
    check_given_once(settings, **options)  # wrong usage is known without what trains
    from archspec.api.compare import compare as compare_specs
    from archspec.api.compare import list_jobs, list_runs
    from archspec.comparing.compare import PAGE, PICTURES, is_run
    from archspec.comparing.members import Terms

    given = Terms(settings=settings, **options).options
    if all(map(is_run, arguments)) and (given or seeds > 1):
        option = next(iter(given), "--seeds")
        raise click.UsageError(f"{option} is for training: give a SPEC to train")
    suffixes = (*PICTURES, PAGE)
    if output is not None and (not arguments or output.suffix not in suffixes):
        raise click.UsageError(
            f"--output needs SPECs or RUNs, and a file that ends in {' or '.join(suffixes)}"
        )
    if jobs:
        if not arguments or output is not None or form != "text":
            raise click.UsageError("--jobs takes SPECs, and prints neither table nor chart")
        note = partial(click.echo, err=True)
        for line in list_jobs(
            *arguments, settings=settings, seeds=seeds, dir=dir, echo=note, **options
        ):
            click.echo(line)
        return
    if not arguments:
        listed = list_runs(dir)
        for each in listed.left_out:
            click.echo(f"left out: {each}", err=True)
        click.echo(listed.to_text(form), nl=False)
        return
    INTERRUPT.install()
    found = compare_specs(
        *arguments,
        settings=settings,
        seeds=seeds,
        dir=dir,
        output=output,
        quiet=quiet,
        echo=partial(click.echo, err=True),
        **options,
    )
    click.echo(found.to_text(form), nl=False)
    if found.stopped:
        click.echo("interrupted: the same command continues", err=True)
        sys.exit(INTERRUPT.status)
    if found.missing or found.left_out:
        sys.exit(1)
