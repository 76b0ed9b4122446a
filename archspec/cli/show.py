"""`archspec show`: tables of layers, and of several networks side by side."""

from __future__ import annotations

import click

from archspec.api.show import show as make_report
from archspec.cli.options import (
    MANY,
    check_given_once,
    edit_option,
    format_option,
    layers_option,
    recipe_option,
    set_option,
    specs_argument,
)
from archspec.cli.specs import load, warn


@click.command()
@specs_argument
@set_option
@edit_option
@layers_option
@click.option("--depth", type=MANY, help="Fold blocks that are nested deeper than this.")
@click.option("--inputs", is_flag=True, help="Say what a row takes that is not the row above.")
@recipe_option("batch_size", "Batch size for the memory of training.")
@recipe_option("precision", "Precision for it: float32, mixed_bfloat16, ...")
@format_option("json")
def show(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    depth: int | None,
    inputs: bool,
    batch_size: int | None,
    precision: str | None,
    form: str,
) -> None:
    """Print the layers of a SPEC and their cost, or compare SPECs.

    For one SPEC: the shape, the parameters and the work of each layer, and the totals. For several:
    a line for each.
    """
    check_given_once(settings, batch_size=batch_size, precision=precision)
    graphs = [load(spec, settings, edits) for spec in specs]
    for graph in graphs:
        warn(graph)
    report = make_report(
        *graphs, depth=depth, inputs=inputs, batch_size=batch_size, precision=precision
    )
    click.echo(report.to_text(form), nl=False)
