"""Define `archspec fold`, which shortens a flat spec."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.fold import fold as fold_spec
from archspec.cli.messages import say_note
from archspec.cli.options import files, layers_option, path_type
from archspec.cli.specs import (
    check_new_files,
    describe_renamed,
    load_and_warn,
    write_names,
    write_spec,
)


@click.command()
@click.argument("spec", callback=files)
@click.option(
    "-o", "--output", type=path_type, help="The file to write; by default standard output."
)
@click.option("--names", type=path_type, help="A JSON file to write: old names to new ones.")
@layers_option
def fold(spec: str, output: Path | None, names: Path | None) -> None:
    """Shorten a SPEC with blocks and loops.

    Layers that repeat become blocks and loops, which give layers other names. The network stays the
    same, and no file is overwritten.
    """
    check_new_files(output, names)
    folded = fold_spec(load_and_warn(spec, (), ()))
    if names is not None:
        write_names(names, folded.renamed)
    if output is None:
        click.echo(folded.text, nl=False)
    else:
        write_spec(output, folded.text, folded.graph)
    if folded.renamed and names is None:
        say_note(describe_renamed(folded.renamed))
