"""`archspec show`: tables of layers, and of several networks side by side."""

from __future__ import annotations

import click

from archspec.backends.tables import to_text
from archspec.cli.options import MANY, recipe_option, said_once, set_option, specs_argument
from archspec.cli.specs import load, warn


@click.command()
@specs_argument
@set_option
@click.option("--depth", type=MANY, help="Fold blocks nested deeper than this.")
@recipe_option("batch_size", "For the memory that training needs.")
@recipe_option("precision", "Likewise: float32, mixed_bfloat16, ...")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def show(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    depth: int | None,
    batch_size: int | None,
    precision: str | None,
    form: str,
) -> None:
    """Print each layer's shape and cost, and what the whole takes; several SPECs side by side."""
    said_once(settings, batch_size=batch_size, precision=precision)
    graphs = [load(spec, settings) for spec in specs]
    for graph in graphs:
        warn(graph)
    click.echo(to_text(graphs, depth, form, batch_size, precision).rstrip("\n"))
