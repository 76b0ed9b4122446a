"""Define `archspec evaluate`, which measures how good the model of a run is."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.use import PARTS
from archspec.api.use import evaluate as evaluate_run
from archspec.backends import framework
from archspec.cli.options import data_dir_option, device_option, layers_option, run_argument


@click.command()
@run_argument
@layers_option
@click.option(
    "--part", type=click.Choice(PARTS), help="The images to use; by default those for test."
)
@click.option("--data", help="Other images of the same classes, as `train` takes them.")
@data_dir_option
@device_option
def evaluate(
    run: Path, part: str | None, data: str | None, data_dir: Path | None, device: str | None
) -> None:
    """Measure how good the model of a RUN is.

    Print the loss, the metrics and a table of the classes, and write them to RUN/evaluation, with
    pictures.
    """
    framework.own_process()
    found = evaluate_run(run, part=part, data=data, data_dir=data_dir, device=device)
    click.echo(str(found))
    click.echo(f"\nwrote {run / 'evaluation'}")
