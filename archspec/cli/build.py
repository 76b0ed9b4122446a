"""`archspec build`: a Keras model, or the resolved spec, in a file."""

from __future__ import annotations

from pathlib import Path

import click

from archspec.api.build import build as build_model
from archspec.api.resolve import resolve
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
from archspec.cli.specs import BUILD, YAML, check_new_files, load_and_warn, write_spec
from archspec.errors import UserError


@click.command()
@click.argument("spec", callback=files)
@set_option
@edit_option
@layers_option
@output_option("The file to write, which ends in .keras or .yaml.")
@recipe_option("seed", "Seed of the initial weights; 0 by default.")
@click.option("--flat", is_flag=True, help="Write a .yaml file without blocks and loops.")
def build(
    spec: str,
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    flat: bool,
) -> None:
    """Build a SPEC as a Keras model, in a .keras file, or write its resolved spec.

    The file is build/NAME.keras, unless -o names another one. If that ends in .yaml, it is the spec
    with all that it extends, imports and edits worked in, and with the values of --set. Every layer
    keeps its name. This needs no Keras, and overwrites no file.
    """
    is_spec = output is not None and output.suffix in YAML
    if output is not None and not is_spec and output.suffix != ".keras":
        hint = f"write {output.with_suffix('.keras')} or {output.with_suffix('.yaml')}"
        raise UserError(f"{output}: a Keras model ends in .keras, a resolved spec in .yaml", hint)
    if flat and not is_spec:
        raise click.UsageError("--flat is for a resolved spec: -o FILE.yaml")
    if seed is not None and is_spec:
        raise click.UsageError("--seed is for a Keras model: a spec has no weights")
    if output is not None and is_spec:
        check_new_files(output)
        graph = load_and_warn(spec, settings, edits)
        write_spec(output, resolve(graph, flat=flat), graph)
        return
    graph = load_and_warn(spec, settings, edits)
    path = output or BUILD / f"{graph.name}.keras"
    click.echo(show(graph).to_text())
    framework.own_process()
    build_model(graph, path, seed=seed or 0)
    click.echo(f"built {path}: {graph.total_params:,} parameters, fingerprint {graph.fingerprint}")
