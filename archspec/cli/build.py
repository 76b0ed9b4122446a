"""Define `archspec build`, which writes a Keras model, a resolved spec or source code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archspec.api.arguments import initial_of
from archspec.api.build import begin
from archspec.api.build import build as build_model
from archspec.api.resolve import resolve
from archspec.api.show import show
from archspec.api.source import to_source
from archspec.backends import framework
from archspec.cli.options import (
    check_init,
    edit_option,
    files,
    init_options,
    layers_option,
    recipe_option,
    set_option,
    target_option,
)
from archspec.cli.specs import (
    BUILD,
    PYTHON,
    YAML,
    check_new_files,
    load_and_warn,
    write_source,
    write_spec,
)
from archspec.errors import UserError
from archspec.exporting.formats import FOLDER, FORMATS, check_export, export, find_format
from archspec.reading import suggest_path


@click.command()
@click.argument("spec", callback=files)
@set_option
@edit_option
@layers_option
@target_option("The file to write: .keras, .yaml, .py, .onnx, .tflite, .weights.h5, .json, FOLDER/")
@recipe_option("seed", "Seed of the initial weights; 0 by default.")
@init_options
@click.option("--flat", is_flag=True, help="Write a .yaml or .py file without blocks and loops.")
@click.option(
    "--verify/--no-verify", default=True, help="Whether an exported file is run and compared."
)
def build(
    spec: str,
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    target: str | None,
    seed: int | None,
    flat: bool,
    verify: bool,
    **init: Any,
) -> None:
    """Build a SPEC as a Keras model, and write it as a .keras file, or as another format.

    The file is build/NAME.keras, unless -o names another one. A name in .yaml writes a single spec,
    with all that SPEC extends, imports and edits worked in, and with the values of --set. A name in
    .py writes source code in plain Keras, which runs without archspec. Every layer keeps its name.
    These two are written without Keras, and overwrite no file.

    Files for other programs are ONNX (.onnx), LiteRT (.tflite), and a TensorFlow SavedModel (a
    folder, whose name ends in /): each is run on two random samples, and compared with Keras. A
    .weights.h5 file has the weights alone, a .json file the architecture as Keras writes it.

    --init-from takes weights that were trained before, layer by layer, where they fit.
    """
    check_init(**init)
    output = None if target is None else Path(target)
    if target is not None and (form := find_format(target)) is not None:
        if flat:
            raise click.UsageError("--flat is for a resolved spec or source code")
        if any(init.values()) and not form.has_weights:
            raise click.UsageError(f"--init-from is for weights, and {form.words} has none")
        check_export(target)
        graph = load_and_warn(spec, settings, edits)
        framework.own_process()
        initial = initial_of(graph, **init, caller="build")
        model = begin(graph, seed or 0, initial, click.echo)
        difference = export(model, graph, target, verify)
        compared = "" if difference is None else f", max difference {difference:.1e} from Keras"
        click.echo(f"wrote {target}, {form.words}: {graph.total_params:,} parameters{compared}")
        return
    if not verify:
        raise click.UsageError("--no-verify is for a file of another program, such as -o net.onnx")
    suffix = ".keras" if output is None else output.suffix
    is_text = suffix in YAML or suffix == PYTHON
    if output is not None and not is_text and suffix != ".keras":
        hint = f"write {suggest_path(output, '.keras')} or {suggest_path(output, '.yaml')}"
        message = f"{output}: a Keras model ends in .keras, a resolved spec in .yaml"
        others = ", ".join(end for end in FORMATS if end != FOLDER)
        message += f", source code in .py, a SavedModel's folder in /, others in {others}"
        raise UserError(message, hint)
    if flat and not is_text:
        raise click.UsageError("--flat is for a resolved spec or source code: -o FILE.yaml or .py")
    if any(init.values()) and is_text:
        raise click.UsageError("--init-from is for a Keras model: this file has no weights")
    if seed is not None and is_text:
        what = "source code draws them anew" if suffix == PYTHON else "a spec has no weights"
        raise click.UsageError(f"--seed is for the weights of a Keras model: {what}")
    if output is not None and is_text:
        check_new_files(output, suffixes=(*YAML, PYTHON))
        graph = load_and_warn(spec, settings, edits)
        if suffix == PYTHON:
            write_source(output, to_source(graph, flat=flat), graph)
        else:
            write_spec(output, resolve(graph, flat=flat), graph)
        return
    graph = load_and_warn(spec, settings, edits)
    path = output or BUILD / f"{graph.name}.keras"
    click.echo(show(graph).to_text())
    framework.own_process()
    build_model(graph, path, seed=seed or 0, **init, echo=click.echo)
    click.echo(f"built {path}: {graph.total_params:,} parameters, fingerprint {graph.fingerprint}")
