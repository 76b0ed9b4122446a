"""Define `archspec lsp`, which runs the language server for editors."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout

import click

from archspec.cli.options import layers_option
from archspec.errors import UserError


@click.command()
@layers_option
def lsp() -> None:
    """Run the language server that an editor starts.

    It speaks the Language Server Protocol on standard input and output; docs/editors.md says how an
    editor starts it. It shows shapes and costs beside the steps, errors with their fixes, and where
    names are used, and it renames them. `pip install 'archspec-keras[lsp]'` installs what it needs.
    """
    try:
        from archspec.language_server import server
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in ("lsprotocol", "pygls"):
            raise
        raise UserError(
            f"this needs {error.name}, which is not installed", "pip install 'archspec-keras[lsp]'"
        ) from None
    # Both are closed at the end; whatever else is printed is for the editor's log.
    taken, given = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with redirect_stdout(sys.stderr):
        server.start_io(taken, given)
