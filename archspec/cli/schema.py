"""`archspec schema`: the JSON Schema of a spec."""

from __future__ import annotations

import click

from archspec.schema import read_shipped


@click.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors and other tools."""
    click.echo(read_shipped(), nl=False)
