"""`archspec new`: a file to start from."""

from __future__ import annotations

from pathlib import Path

import click

import archspec
from archspec.cli.options import path_type
from archspec.loading.copying import copy_spec


@click.command()
@click.argument("file", type=path_type)
@click.option("--from", "source", default="lenet5", help="The spec to start from.")
def new(file: Path, source: str) -> None:
    """Start FILE as a copy of a spec, with the files that it needs and the schema beside it."""
    for path in copy_spec(archspec.find(source), file):
        click.echo(f"wrote {path}")
    click.echo(f"check it: archspec check {file}")
