"""Define `archspec import`, which writes a Keras model as a spec."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.from_keras import from_keras
from archspec.cli.messages import say_note
from archspec.cli.options import layers_option, path_type
from archspec.cli.specs import check_new_files, describe_renamed, write_names, write_spec


@click.command()
@click.argument("model")
@click.option(
    "-o", "--output", type=path_type, help="The file to write; by default standard output."
)
@click.option("--flat", is_flag=True, help="Write each layer as a step, without blocks and loops.")
@click.option("--names", type=path_type, help="A JSON file to write: old names to new ones.")
@layers_option
def import_(model: str, output: Path | None, flat: bool, names: Path | None) -> None:
    """Write the spec of a Keras MODEL.

    MODEL is a .keras file, a JSON file with a model's config, or keras.applications.NAME. Nothing
    in a file is run, and no file is overwritten. The weights are not in the spec.
    """
    check_new_files(output, names)
    imported = from_keras(model, flat=flat)
    for note in imported.notes:
        say_note(note)
    if names is not None:
        write_names(names, imported.names)
    if output is None:
        click.echo(imported.text, nl=False)
        return
    write_spec(output, imported.text, imported.graph)
    if imported.renamed and names is None:
        click.echo(describe_renamed(imported.renamed))


import_.name = "import"  # a word of Python, which no function can be called
