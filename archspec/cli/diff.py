"""Define `archspec diff`, which prints the differences between networks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from archspec.api.diff import (
    DifferenceReport,
    Side,
    describe_changes,
    find_run,
    load_side,
    mark_changed,
)
from archspec.cli.messages import say_note, tint
from archspec.cli.options import (
    MANY,
    STDIN,
    edit_option,
    format_option,
    layers_option,
    output_option,
    set_option,
    specs_argument,
)
from archspec.cli.pictures import picture_options
from archspec.cli.specs import STDIN_NAME, load, warn

COLOURS = {
    "added": "green",
    "removed": "red",
    "changed": "yellow",
    "replaced": "yellow",
    "several": "yellow",
    "moved": "blue",
    "rewired": "blue",
    "outputs": "blue",
}


@click.command()
@specs_argument
@set_option
@edit_option
@layers_option
@click.option("--depth", type=MANY, help="One row for what differs in a block deeper than this.")
@click.option("--full", is_flag=True, help="Print a row for each edit; in JSON, every pair too.")
@click.option("--recipe", is_flag=True, help="Count another recipe as another network.")
@click.option("--git", is_flag=True, help="Take the arguments that git gives (docs/diff.md).")
@format_option("json", "github")
@output_option("Draw what differs, too: to a .svg, .png, .pdf or .dot, or to a page, a .html.")
@click.option("--side-by-side", is_flag=True, help="Draw each network by itself.")
@picture_options
def diff(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    depth: int | None,
    full: bool,
    recipe: bool,
    git: bool,
    form: str,
    output: Path | None,
    side_by_side: bool,
    no_fold: bool,
    theme: str,
    direction: str,
    dpi: int | None,
) -> None:
    """Compare the network of the first SPEC with those of the others.

    SPEC may be the folder of a run, too, or a Keras model: a .keras file, a JSON file with a
    model's config, or keras.applications.NAME. --set and --edit change every SPEC but the first, or
    the first where all others are Keras models; one SPEC alone is compared with itself as they
    change it. The exit status is 0 for the same network, 1
    for another one, and 2 for an error.
    """
    if full and depth is not None:
        raise click.UsageError("give --depth or --full, not both")
    if git and (settings or edits or recipe or form != "text" or output):
        raise click.UsageError("--git goes with --depth, --full and --layers alone")
    if output is None:
        _refuse_options(
            side_by_side=side_by_side,
            no_fold=no_fold,
            theme=theme != "light",
            direction=direction != "TB",
            dpi=dpi,
        )
    elif len(specs) > 2:
        raise click.UsageError("-o draws what differs between two specs, not more")
    if git:
        from archspec.cli.git_diff import compare_for_git

        compare_for_git(specs, partial(_print, depth=depth, full=full))
        return
    if len(specs) == 1:
        if not (settings or edits):
            raise click.UsageError("give two specs, or one with --set or --edit")
        if specs[0] == STDIN:
            raise click.UsageError("standard input can be read once: give a file to change")
    sides = [
        _load(spec, *((settings, edits) if is_changed else ()))
        for spec, is_changed in mark_changed(specs, bool(settings or edits))
    ]
    report = DifferenceReport(sides, depth, full, recipe)
    for note in report.notes:
        say_note(note)
    if output is not None:
        drawing = report.draw(
            side_by_side=side_by_side, fold=not no_fold, theme=theme, direction=direction
        )
        drawing.save(output, dpi=dpi)
    if form == "text" and len(sides) == 2:
        _print(report, depth, full)
    else:
        click.echo(report.to_text(form), nl=False)
    if output is not None:
        (difference,) = report.differences
        strangers = not (difference.is_same or difference.is_alike)
        why = ": side by side, since they have little in common" if strangers else ""
        click.echo(f"drew {output}{why}", err=True)
    if not report.is_same:
        sys.exit(1)


def _refuse_options(**given: object) -> None:
    """Raise `UsageError` for an option of a picture where none is drawn."""
    for name, value in given.items():
        if value:
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} is about a picture: give -o FILE")


def _load(spec: str, settings: Sequence[str] = (), edits: Sequence[str] = ()) -> Side:
    """Return the network of a spec, a run's folder, a model or standard input, and print what is
    noted of it."""
    if spec == STDIN:
        graph = load(spec, settings, edits)
        side = Side(graph, graph.name, STDIN_NAME, describe_changes(settings, edits))
    else:
        side = load_side(spec, settings, edits)
    if not side.is_model and (spec == STDIN or find_run(spec) is None):
        warn(side.graph)
    return side


def _print(report: DifferenceReport, depth: int | None, full: bool) -> None:
    """Print the difference of two networks, in colours on a terminal."""
    from archspec.differences.text import write_text

    def paint(text: str, kind: str) -> str:
        return tint(text, COLOURS[kind]) if text and kind in COLOURS else text

    click.echo(write_text(report.differences[0], depth, full, paint), nl=False)
