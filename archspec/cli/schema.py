"""`archspec schema`: the JSON Schema of a spec."""

from __future__ import annotations

import click

from archspec.cli.options import layers_option
from archspec.layers import list_own
from archspec.schema import make_text, read_shipped


@click.command()
@layers_option
def schema() -> None:
    """Print the JSON Schema of a spec, for editors and other tools."""
    click.echo(make_text() if list_own() else read_shipped(), nl=False)
