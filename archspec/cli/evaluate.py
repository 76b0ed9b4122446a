"""`archspec evaluate`: how good the model of a run is."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.backends import framework
from archspec.cli.options import data_dir_option, device_option, run_argument


@click.command()
@run_argument
@click.option("--part", type=click.Choice(["test", "validation", "train"]), help="By default test.")
@click.option("--data", help="Other images of the same classes, as `train` takes them.")
@data_dir_option
@device_option
def evaluate(
    run: Path, part: str | None, data: str | None, data_dir: Path | None, device: str | None
) -> None:
    """Judge the model of a RUN: loss, metrics, each class; pictures land in RUN/evaluation."""
    framework.start()
    from archspec.training.evaluating import evaluate as judge

    click.echo(str(judge(run, part=part, data=data, data_dir=data_dir, device=device)))
    click.echo(f"\nwrote {run / 'evaluation'}")
