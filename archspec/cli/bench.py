"""`archspec bench`: how long networks take on this machine."""

from __future__ import annotations

import sys

import click

from archspec.arguments import MAX_INTEGER
from archspec.backends import framework
from archspec.cli.ending import ENDING
from archspec.cli.options import MANY, device_option, files, recipe_option, set_option
from archspec.cli.specs import load, warn


@click.command()
@click.argument("specs", nargs=-1, required=True, callback=files)
@set_option
@recipe_option("batch_size", default=32, show_default=True)
@recipe_option("precision", "As of train; for every network.", default="float32", show_default=True)
@click.option(
    "--burn-in",
    type=click.IntRange(0, MAX_INTEGER),
    default=10,
    show_default=True,
    help="Runs not counted.",
)
@click.option("--runs", type=MANY, default=100, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="At most, for the runs of one phase of one network.",
)
@device_option
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def bench(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    batch_size: int,
    precision: str,
    burn_in: int,
    runs: int,
    seconds: float,
    device: str | None,
    form: str,
) -> None:
    """Time each SPEC, forward and in training, beside the machine's matrix products.

    The exit status is 1 if a network fails; the others are measured all the same.
    """
    from archspec.comparing.timings import Plan, prepare_network, to_text

    plan = Plan(batch_size, precision, burn_in, runs, seconds)
    networks = [prepare_network(load(spec, settings), plan) for spec in specs]
    for each in networks:
        warn(each.graph)
    ENDING.heard()
    framework.start()
    from archspec.comparing.bench import measure_networks

    with framework.on(device) as name:
        done = measure_networks(networks, plan, name)
    click.echo(to_text(done, form).rstrip("\n"))
    if done.interrupted:
        click.echo("interrupted: what was measured so far is above", err=True)
        sys.exit(ENDING.status)
    if done.failed:
        sys.exit(1)
