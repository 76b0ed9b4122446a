"""Define `archspec studio`, which serves an editor beside the live picture of a network."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from archspec.api.studio import studio as serve
from archspec.cli.options import WholeNumber, layers_option, path_type


@click.command()
@click.argument("spec", type=path_type, default=".")
@click.option("--port", type=WholeNumber(1, 65535), help="Listen here, instead of a free port.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@layers_option
def studio(spec: Path, port: int | None, no_browser: bool) -> None:
    """Edit a SPEC beside its live picture, in the browser.

    SPEC is a file or a folder, by default the working folder. What is typed is checked and drawn;
    Ctrl-S writes it, if nobody else has written the file in the meantime. A save in any other
    editor is drawn, too. Only this machine can open the address, and only with the token in it.
    Ctrl-C ends the studio.
    """

    def tell(address: str) -> None:
        click.echo(f"the studio is at {address}")
        if not no_browser:
            webbrowser.open(address)

    serve(spec, port=port, started=tell)
