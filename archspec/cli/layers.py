"""`archspec layers`: the layers that a spec may have, and a page for each."""

from __future__ import annotations

import shutil

import click

from archspec.backends.reference import to_reference


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def layers(names: tuple[str, ...], form: str) -> None:
    """List the layers that a spec may have, or print the page of each NAME, such as Conv2D."""
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))
    click.echo(to_reference(names, form, width).rstrip("\n"))
