"""Define `archspec draw`, which draws networks, and the sound part of broken ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from archspec.api.draw import draw as make_drawing
from archspec.cli.messages import say
from archspec.cli.options import (
    MANY,
    STDIN,
    edit_option,
    layers_option,
    output_option,
    set_option,
    specs_argument,
)
from archspec.cli.pictures import picture_options
from archspec.cli.specs import BUILD, load_and_warn
from archspec.errors import SpecError
from archspec.graph import Graph
from archspec.pictures.style import COSTS


@click.command()
@specs_argument
@set_option
@edit_option
@layers_option
@output_option(
    "The file to write; its suffix is the format: .svg, .png, .pdf, .dot, or .html for a page."
)
@click.option("--depth", type=MANY, help="Fold blocks that are nested so deep into a box each.")
@click.option("--blocks", is_flag=True, help="Draw an overview, and each block once beside it.")
@click.option("--heat", type=click.Choice(list(COSTS)), help="Shade boxes by their cost.")
@picture_options
def draw(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    output: Path | None,
    depth: int | None,
    no_fold: bool,
    blocks: bool,
    heat: str | None,
    theme: str,
    direction: str,
    dpi: int | None,
) -> None:
    """Draw a SPEC, or several side by side.

    The picture is build/NAME.svg, unless -o names another file; a .html is a page in which blocks
    open and close, with the details of each layer. If a SPEC is broken, the layers
    that could be reached are drawn: those that failed in red, those that follow in grey. The exit
    status is then 1.
    """
    if output is None and STDIN in specs:
        raise click.UsageError("a picture of standard input has no name: give -o FILE")
    if blocks and (len(specs) > 1 or depth):
        raise click.UsageError("--blocks takes one SPEC, and no --depth")
    graphs = [_load(spec, settings, edits) for spec in specs]
    drawing = make_drawing(
        *graphs,
        depth=depth,
        fold=not no_fold,
        blocks=blocks,
        heat=heat,
        theme=theme,
        direction=direction,
    )
    path = output or BUILD / f"{'-'.join(graph.name for graph in graphs)}.svg"
    drawing.save(path, dpi=dpi)
    if any(graph.errors for graph in graphs):
        click.echo(f"drew {path}: what failed is red, what follows from it is grey")
        sys.exit(1)
    click.echo(f"drew {path}")


def _load(spec: str, settings: Sequence[str], edits: Sequence[str]) -> Graph:
    """Return the graph of a spec; of a broken one, print its errors and return what is left."""
    try:
        return load_and_warn(spec, settings, edits)
    except SpecError as error:
        say(error)
        if error.graph is None:
            click.echo("nothing is drawn: no layer could be reached", err=True)
            sys.exit(1)
        graph: Graph = error.graph
        return graph
