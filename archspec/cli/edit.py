"""Define `archspec edit`, which writes a variant of a spec."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from archspec.api.edit import edit as write_variant
from archspec.cli.options import edit_option, files, layers_option, path_type


@click.command()
@click.argument("spec", callback=files)
@edit_option
@layers_option
@click.option(
    "-o", "--output", type=path_type, required=True, help="The file to write, which ends in .yaml."
)
def edit(spec: str, edits: tuple[str, ...], output: Path) -> None:
    """Write a variant of a SPEC: a file that extends it, with edits.

    The edits are checked first, and no file is overwritten.
    """
    if not edits:
        raise click.UsageError("give an edit: --edit 'at: stage3, remove: true'")
    for path in write_variant(spec, edits, output):
        click.echo(f"wrote {path}")
    layers = click.get_current_context().meta["archspec.layers"]
    given = "".join(f" --layers {shlex.quote(str(each))}" for each in layers)
    click.echo(f"check it: archspec check -v {output}{given}")
