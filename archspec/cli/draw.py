"""`archspec draw`: pictures of networks, and of what is left of broken ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from archspec.cli.messages import say
from archspec.cli.options import MANY, STDIN, output_option, set_option, specs_argument
from archspec.cli.specs import BUILD, load_and_warn
from archspec.errors import SpecError
from archspec.graph import Graph
from archspec.pictures.boxes import View
from archspec.pictures.dot import side_by_side, to_blocks, to_dot
from archspec.pictures.render import render
from archspec.pictures.style import COSTS, DIRECTIONS, THEMES, Style


@click.command()
@specs_argument
@set_option
@output_option("Where to; its suffix is the format: .svg, .png, .pdf or .dot.")
@click.option("--depth", type=MANY, help="Fold blocks so deep into a box each.")
@click.option("--no-fold", is_flag=True, help="Draw every turn of a repeat.")
@click.option("--blocks", is_flag=True, help="An overview, and each block drawn once beside it.")
@click.option("--heat", type=click.Choice(list(COSTS)), help="Shade boxes by what they cost.")
@click.option("--theme", type=click.Choice(list(THEMES)), default="light")
@click.option("--direction", type=click.Choice(DIRECTIONS), default="TB", help="Down, or across.")
@click.option("--dpi", type=click.IntRange(36, 1200), help="Pixels of an inch of a .png.")
def draw(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    output: Path | None,
    depth: int | None,
    no_fold: bool,
    blocks: bool,
    heat: str | None,
    theme: str,
    direction: str,
    dpi: int | None,
) -> None:
    """Draw SPEC, by default to build/NAME.svg; several SPECS in one picture, side by side.

    Of a broken one what is left is drawn, what failed in red and what follows in grey; the exit
    status is 1.
    """
    if output is None and STDIN in specs:
        raise click.UsageError("a picture of standard input has no name of its own: give -o FILE")
    if blocks and (len(specs) > 1 or depth):
        raise click.UsageError("--blocks is of one SPEC, and folds as it needs")
    graphs = [_left(spec, settings) for spec in specs]
    path = output or BUILD / f"{'-'.join(graph.name for graph in graphs)}.svg"
    view, style = View(depth, not no_fold), Style(theme, direction, heat)
    if blocks:
        dot = to_blocks(graphs[0], view.fold, style)
    elif len(graphs) > 1:
        dot = side_by_side(graphs, view, style)
    else:
        dot = to_dot(graphs[0], view, style)
    render(dot, path, dpi)
    if any(graph.errors for graph in graphs):
        click.echo(f"drew {path}: what is sound, what failed in red, what follows from it in grey")
        sys.exit(1)
    click.echo(f"drew {path}")


def _left(spec: str, settings: Sequence[str]) -> Graph:
    """Return the graph of a spec, or what is left of a broken one; what is wrong is said."""
    try:
        return load_and_warn(spec, settings)
    except SpecError as error:
        say(error)
        if error.graph is None:
            click.echo("nothing is drawn: no layer could be reached", err=True)
            sys.exit(1)
        graph: Graph = error.graph
        return graph
