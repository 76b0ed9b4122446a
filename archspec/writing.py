"""Write files whole or not at all: under a temporary name, which is then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archspec.errors import UserError
from archspec.reading import reason


@contextmanager
def writing(path: Path, hint: str = "name another file") -> Iterator[Path]:
    """Give a temporary path beside `path`, which is renamed to `path` if nothing goes wrong.

    It is for a file, or for a folder, to which an empty one gives way. The folders above it are
    made, and the suffix is kept. Raises `UserError`, with the hint, for what the file system
    refuses.
    """
    # The end of the name has the suffix; all of it may be as long as a name can be.
    temporary = path.with_name(f".{os.getpid()}.{path.name[-40:]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if isinstance(error, IsADirectoryError | FileExistsError):
            hint = "move away what is there"
        raise UserError(f"cannot write {path}: {reason(error)}", hint) from None
    finally:
        with suppress(OSError):  # there may be no folder to look in
            temporary.unlink(missing_ok=True)
        if temporary.is_dir():
            import shutil  # it takes 2 ms, which commands that write nothing would pay for

            shutil.rmtree(temporary, ignore_errors=True)
