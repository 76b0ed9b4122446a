"""Define `archspec schema`, which prints the JSON Schema of a spec."""

from __future__ import annotations

import click

from archspec.cli.options import layers_option
from archspec.schema import current_text


@click.command()
@layers_option
def schema() -> None:
    """Print the JSON Schema of a spec, for editors and other tools."""
    click.echo(current_text(), nl=False)
