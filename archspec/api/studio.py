"""Open a studio: an editor beside the live picture of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archspec.api.arguments import check_count
from archspec.errors import UserError


def studio(
    spec: str | Path = ".",
    *,
    port: int | None = None,
    started: Callable[[str], object] = print,
) -> None:
    """Serve an editor beside the live picture of a spec, until Ctrl-C ends it.

    spec: a file, or a folder; the specs below the folder can be opened, and are written on Ctrl-S
        alone.
    port: to listen on, on this machine alone; by default a free one.
    started: takes the address for the browser, with the token that nobody else has.

    Raises `UserError` for what is no file and no folder, for a folder without specs, and for a port
    that is taken.

        >>> import archspec
        >>> archspec.studio("mine.yaml")  # doctest: +SKIP
        http://127.0.0.1:40231/?token=5uXKCYaDgWZvB1HkzcQ0bA
    """
    from archspec.studio_server.answers import Studio
    from archspec.studio_server.folder import SpecFolder
    from archspec.studio_server.server import StudioServer

    check_count("port", port)
    path = Path(spec)
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder", "write one: archspec new")
    folder = SpecFolder(path if path.is_dir() else path.parent)
    if path.is_file() and path.resolve() not in folder.paths:
        raise UserError(f"{path}: the studio opens .yaml files", "give the file that name")
    if not folder.paths:
        raise UserError(f"{path}: there is no .yaml file in this folder", "write one: archspec new")
    first = folder.paths.index(path.resolve()) if path.is_file() else 0
    server = StudioServer(Studio(folder, first), port or 0)
    started(server.address)
    try:
        server.serve_forever()
    finally:
        server.server_close()
