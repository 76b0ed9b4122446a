"""`archspec new`: a file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.new import new as copy_spec
from archspec.cli.options import path_type


@click.command()
@click.argument("file", type=path_type)
@click.option("--from", "source", default="lenet5", show_default=True, help="The spec to copy.")
def new(file: Path, source: str) -> None:
    """Start a new FILE as a copy of a SPEC.

    The files that the SPEC needs are copied too, and the JSON Schema is written beside them, for
    editors.
    """
    for path in copy_spec(file, source):
        click.echo(f"wrote {path}")
    click.echo(f"check it: archspec check {file}")
