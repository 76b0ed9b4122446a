"""Define `archspec new`, which starts a file."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.new import new as start_spec
from archspec.cli.options import path_type


@click.command()
@click.argument("file", type=path_type)
@click.option(
    "--from", "source", default="lenet5", show_default=True, help="The spec to start from."
)
@click.option("--copy", is_flag=True, help="Copy the whole spec, with the files that it needs.")
def new(file: Path, source: str, copy: bool) -> None:
    """Start a new FILE that extends a SPEC.

    The FILE shows the params of the SPEC as a comment, to change them. The JSON Schema is written
    beside it, for editors.
    """
    for path in start_spec(file, source, copy=copy):
        click.echo(f"wrote {path}")
    click.echo(f"check it: archspec check {file}")
