"""`archspec build`: a Keras model in a file."""

from __future__ import annotations

from pathlib import Path

import click

import archspec
from archspec.backends import framework
from archspec.backends.tables import to_text
from archspec.cli.options import files, output_option, recipe_option, set_option
from archspec.cli.specs import BUILD, load_and_warn
from archspec.errors import UserError
from archspec.writing import writing


@click.command()
@click.argument("spec", callback=files)
@set_option
@output_option("Where to, a .keras file.")
@recipe_option("seed", "Of the initial weights.", default=0)
def build(spec: str, settings: tuple[str, ...], output: Path | None, seed: int) -> None:
    """Build SPEC as a Keras model, by default to build/NAME.keras."""
    graph = load_and_warn(spec, settings)
    path = output or BUILD / f"{graph.name}.keras"
    if path.suffix != ".keras":
        hint = f"write '{path.with_suffix('.keras')}'"
        raise UserError(f"cannot write '{path}': Keras models end in .keras", hint)
    click.echo(to_text([graph]))
    framework.start()
    model = archspec.to_keras(graph, seed)
    with writing(path) as temporary:
        model.save(temporary)
    click.echo(f"built {path}: {graph.total_params:,} parameters, fingerprint {graph.fingerprint}")
