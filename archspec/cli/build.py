"""`archspec build`: a Keras model in a file."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.build import build as build_model
from archspec.api.show import show
from archspec.backends import framework
from archspec.cli.options import (
    edit_option,
    files,
    layers_option,
    output_option,
    recipe_option,
    set_option,
)
from archspec.cli.specs import BUILD, load_and_warn


@click.command()
@click.argument("spec", callback=files)
@set_option
@edit_option
@layers_option
@output_option("The file to write, which ends in .keras.")
@recipe_option("seed", "Seed of the initial weights.", default=0, show_default=True)
def build(
    spec: str, settings: tuple[str, ...], edits: tuple[str, ...], output: Path | None, seed: int
) -> None:
    """Build a SPEC as a Keras model, in a .keras file.

    The file is build/NAME.keras, unless -o names another one.
    """
    graph = load_and_warn(spec, settings, edits)
    path = output or BUILD / f"{graph.name}.keras"
    click.echo(show(graph).to_text())
    framework.own_process()
    build_model(graph, path, seed=seed)
    click.echo(f"built {path}: {graph.total_params:,} parameters, fingerprint {graph.fingerprint}")
