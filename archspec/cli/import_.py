"""`archspec import`: a Keras model as a spec."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archspec.api.from_keras import from_keras
from archspec.cli.messages import say_note
from archspec.cli.options import layers_option, path_type
from archspec.errors import UserError
from archspec.reading import kind_of
from archspec.writing import writing


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
    for path in filter(None, (output, names)):
        if kind_of(path) is not None:
            raise UserError(f"{path}: the file exists", "choose another name")
    if output is not None and output.suffix not in (".yaml", ".yml"):
        hint = f"write {output.with_suffix('.yaml')}"
        raise UserError(f"{output}: a spec ends in .yaml", hint)
    imported = from_keras(model, flat=flat)
    for note in imported.notes:
        say_note(note)
    if names is not None:
        with writing(names) as temporary:
            temporary.write_text(json.dumps(dict(imported.names), indent=2) + "\n", "utf-8")
    if output is None:
        click.echo(imported.text, nl=False)
        return
    with writing(output) as temporary:
        temporary.write_text(imported.text, "utf-8")
    graph, lines = imported.graph, imported.text.count("\n")
    layers = sum(node.op != "InputLayer" for node in graph)
    click.echo(
        f"wrote {output}: {layers:,} layers in {lines:,} lines, {graph.total_params:,} parameters, "
        f"fingerprint {graph.fingerprint}"
    )
    if imported.renamed and names is None:
        changed = len(imported.renamed)
        one = changed == 1
        click.echo(
            f"{changed} name{'' if one else 's'} of layers changed; "
            "--names FILE writes old -> new as JSON"
        )


import_.name = "import"  # a word of Python, which no function can be called
