"""Files appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archspec.errors import UserError


@contextmanager
def writing(path: Path, hint: str = "name another file with -o") -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; it becomes `path` if nothing goes wrong.

    Makes the folders above it. Raises `UserError`, with the hint, for what the file system refuses.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"cannot write {path}: {why}", hint) from None
    finally:
        with suppress(OSError):  # there may be no folder to look in
            temporary.unlink(missing_ok=True)
