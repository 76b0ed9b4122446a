"""The arguments that git gives to a program that compares files for it, and what is printed.

Git gives the path in the work tree, then file, hash and mode of the old and of the new version,
and of a renamed file the new path and a text on how alike the two are; of a file that is not merged
the path alone. A version that is not there is /dev/null.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from msgspec.structs import replace

from archspec import pipeline
from archspec.api.diff import DifferenceReport, Side
from archspec.cli.messages import say
from archspec.errors import ArchspecError
from archspec.reading import read_bytes
from archspec.syntax.source import MAX_BYTES, read_file

NOTHING = "/dev/null"


def compare_for_git(words: Sequence[str], show: Callable[[DifferenceReport], None]) -> None:
    """Print the difference of two versions of a file. Nothing is raised for a version that is no
    sound spec: git would stop, so that the error is printed, and then the text that differs.

    words: as git gives them. show: prints a difference. Raises `UsageError` for other words.
    """
    if len(words) == 1:
        click.echo(f"{words[0]}: not merged yet")
        return
    if len(words) not in (7, 9):
        raise click.UsageError(
            "--git takes the 7 arguments that git gives: path, then file, hash and mode of both "
            "versions"
        )
    old_path, new_path = words[0], words[7] if len(words) == 9 else words[0]
    old, new = Path(words[1]), Path(words[4])
    names = f"a/{old_path}", f"b/{new_path}"
    sides = []
    for path, name, place in ((old, names[0], old_path), (new, names[1], new_path)):
        if str(path) == NOTHING:
            continue
        try:
            sides.append(_load(path, name, Path(place)))
        except ArchspecError as error:
            say(error, err=False)
            _print_text(old, new, names)
            return
    if len(sides) == 2:
        show(DifferenceReport(sides, None, False, False))
        return
    for side in sides:
        layers = sum(node.op != "InputLayer" for node in side.graph)
        what = "a new network" if str(old) == NOTHING else "this network is gone"
        costs = f"{layers} layers, {side.graph.total_params:,} parameters"
        click.echo(f"{side.name}: {what}: {costs}")


def _load(path: Path, name: str, place: Path) -> Side:
    """Return the network of one version of a file, whose bases lie beside its place in the work
    tree."""
    document = replace(read_file(path, name), path=place)
    return Side(pipeline.graph_of(document, {}), name, name)


def _print_text(old: Path, new: Path, names: tuple[str, str]) -> None:
    """Print the lines that differ, as `diff -u` does."""
    texts = [
        [] if str(each) == NOTHING else read_bytes(each, MAX_BYTES).decode(errors="replace")
        .splitlines() for each in (old, new)
    ]  # fmt: skip
    lines = difflib.unified_diff(texts[0], texts[1], *names, lineterm="")
    click.echo("".join(f"{line}{os.linesep}" for line in lines), nl=False)
