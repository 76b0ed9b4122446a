"""Read the arguments that git gives to a program that compares files for it, and print for git.

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
from archspec.errors import ArchspecError, SpecError, in_a_line
from archspec.reading import read_bytes
from archspec.syntax.source import MAX_BYTES, read_file

NOTHING = "/dev/null"


def compare_for_git(words: Sequence[str], show: Callable[[DifferenceReport], None]) -> None:
    """Print the difference of two versions of a file.

    Git stops at any failure. So nothing is raised where the networks cannot be compared: the error
    is printed, and then the text that differs.

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
    try:
        _compare(old, new, names, (old_path, new_path), show)
        return
    except ArchspecError as error:
        if not _is_library(error):  # it has blocks alone, which is no fault
            say(error, err=False)
    except Exception as error:
        text = in_a_line(str(error))
        click.echo(f"{names[1]}: the networks cannot be compared: {type(error).__name__}: {text}")
    _print_text(old, new, names)


def _compare(
    old: Path,
    new: Path,
    names: tuple[str, str],
    places: tuple[str, str],
    show: Callable[[DifferenceReport], None],
) -> None:
    """Print the difference of two versions, or what the one network is."""
    versions = zip((old, new), names, places, strict=True)
    sides = [
        _load(path, name, Path(place)) for path, name, place in versions if str(path) != NOTHING
    ]
    if len(sides) == 2:
        show(DifferenceReport(sides, None, False, False))
        return
    for side in sides:
        layers = sum(node.op != "InputLayer" for node in side.graph)
        what = "a new network" if str(old) == NOTHING else "this network is gone"
        costs = f"{layers} layers, {side.graph.total_params:,} parameters"
        click.echo(f"{side.name}: {what}: {costs}")


def _is_library(error: ArchspecError) -> bool:
    return isinstance(error, SpecError) and error.diagnostics[0].code == "library"


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
