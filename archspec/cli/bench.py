"""Define `archspec bench`, which times networks on this machine."""

from __future__ import annotations

import sys

import click

from archspec.backends import framework
from archspec.cli.options import (
    MANY,
    WholeNumber,
    device_option,
    edit_option,
    files,
    format_option,
    layers_option,
    recipe_option,
    set_option,
)
from archspec.cli.specs import load_and_warn
from archspec.runs.interrupt import INTERRUPT


@click.command()
@click.argument("specs", nargs=-1, required=True, callback=files)
@set_option
@edit_option
@layers_option
@recipe_option("batch_size", "Samples in a batch.", default=32, show_default=True)
@recipe_option(
    "precision",
    "Type that layers compute in, as `train` takes it.",
    default="float32",
    show_default=True,
)
@click.option(
    "--burn-in",
    type=WholeNumber(),
    default=10,
    show_default=True,
    help="Batches that are run first, and not timed.",
)
@click.option("--runs", type=MANY, default=100, show_default=True, help="Batches that are timed.")
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="The longest that forward, or training, of one network may take.",
)
@device_option
@format_option("json")
def bench(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    batch_size: int,
    precision: str,
    burn_in: int,
    runs: int,
    seconds: float,
    device: str | None,
    form: str,
) -> None:
    """Measure how fast SPECs are on this machine.

    A batch is timed forward and in training, and so are products of large matrices, to compare
    with. If a network fails, the others are timed all the same; the exit status is then 1.
    """
    from archspec.api.bench import bench as measure

    graphs = [load_and_warn(spec, settings, edits) for spec in specs]
    INTERRUPT.install()
    framework.own_process()
    done = measure(
        *graphs,
        batch_size=batch_size,
        precision=precision,
        burn_in=burn_in,
        runs=runs,
        seconds=seconds,
        device=device,
    )
    click.echo(done.to_text(form), nl=False)
    if done.interrupted:
        click.echo("interrupted: what was measured so far is above", err=True)
        sys.exit(INTERRUPT.status)
    if done.failed:
        sys.exit(1)
