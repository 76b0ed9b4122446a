"""Define `archspec explain`, which explains an error, with a wrong and a right spec."""

from __future__ import annotations

import shutil

import click

from archspec.api.explain import explain as explain_codes


@click.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def explain(codes: tuple[str, ...], form: str) -> None:
    """Explain an error by its CODE, or list all codes.

    CODE stands in brackets at the end of a message, such as [shape]. Its page says what the error
    means, and has a spec with it and a sound one.
    """
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))
    click.echo(explain_codes(*codes, width=width).to_text(form), nl=False)
