"""Define `archspec layers`, which lists the layers of the language and describes each."""

from __future__ import annotations

import shutil

import click

from archspec.api.layers import describe_layers
from archspec.cli.options import layers_option


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@layers_option
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def layers(names: tuple[str, ...], form: str) -> None:
    """List the layers of the language, or describe each NAME.

    NAME is a class of Keras, such as Conv2D. Its page has the arguments, the formulas for shape,
    parameters and MACs, and an example.
    """
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))
    click.echo(describe_layers(*names, width=width).to_text(form), nl=False)
