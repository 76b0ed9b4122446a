"""Read files that somebody else may have written, safely.

Only regular files up to a size are opened: a pipe may wait for ever, and a device never ends. If a
library fails while it reads a file, the error is one sentence that names the file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from archspec.errors import ArchspecError, UserError

GIB = 2**30
# A pipe opened without O_NONBLOCK waits for whoever writes to it; Windows has O_BINARY instead.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def kind_of(path: Path) -> str | None:
    """Return what a path is: "file", "folder" or "special" (a pipe, device or socket).

    Links are followed. None if there is nothing, if the folder may not be read, or if the path
    cannot exist: it is too long, a circle of links, or has a NUL in it.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "special"


def path_of(text: str | Path) -> Path:
    """Return the absolute path of a user's text, with `~` and links resolved.

    Raises `UserError` for a user that does not exist, a circle of links, a name that is too long, a
    NUL, or where the working folder has been removed.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        message = f"'{text}' cannot be a path: that user has no known home folder"
        raise UserError(message, f"for a file of this name, write './{text}'") from None
    try:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.stat(path)
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"'{readable(text)}' cannot be a path: {reason(error)}") from None


def suggest_path(path: Path, suffix: str) -> Path:
    """Return a path with another suffix, for a hint; a folder, which has no name, gets a file.

    >>> str(suggest_path(Path("a/net.pt"), ".keras")), str(suggest_path(Path("."), ".svg"))
    ('a/net.keras', 'net.svg')
    """
    return path.with_suffix(suffix) if path.name else path / f"net{suffix}"


def from_here(path: Path) -> Path:
    """Return an absolute path relative to the working folder, if it is in it."""
    try:
        return path.relative_to(Path.cwd())
    except (OSError, ValueError):  # the working folder may have been removed
        return path


def open_file(path: Path, most: int = GIB) -> BinaryIO:
    """Open a regular file of at most `most` bytes for reading.

    Raises `OSError` with a reason in words for anything else, without reading from it or waiting
    for it.
    """
    try:
        descriptor = os.open(path, FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError("it is a socket or device, not a file") from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            folder = stat.S_ISDIR(found.st_mode)
            raise OSError(f"it is {'a folder' if folder else 'a pipe or device'}, not a file")
        if found.st_size > most:
            raise OSError(f"it has {found.st_size:,} bytes, and {most:,} are the limit")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, most: int = GIB) -> bytes:
    """Return the content of a regular file. Raises `OSError` as `open_file` does."""
    with open_file(path, most) as file:
        return file.read()


@contextmanager
def reading(path: Path, hint: str | None = None) -> Iterator[None]:
    """Raise one `UserError` that names the file for every error while `path` is read.

    Libraries raise many kinds for a damaged file: errors of zlib, LZMA and struct, MemoryError for
    a wrong length in the file, RecursionError. An `ArchspecError` passes through, and so does
    Ctrl-C.
    """
    try:
        yield
    except ArchspecError:
        raise
    except Exception as error:
        raise UserError(f"cannot read {readable(path)}: {reason(error)}", hint) from None


def reason(error: Exception) -> str:
    """Return the reason of an error, in a line that is short enough to read."""
    if isinstance(error, FileNotFoundError) and error.filename is None:
        if error.strerror and error.strerror != os.strerror(errno.ENOENT):
            return error.strerror.lower()  # in words of its own, as that of `tempfile`
        return "the folder that the command works in has been removed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = readable(" ".join(str(error).split()))
    return (text if len(text) <= 200 else f"{text[:197]}...") or type(error).__name__


def readable(text: str | Path) -> str:
    """Return a text or a path in letters that every terminal can print.

    Others become escapes, and so do the bytes of a name that is not UTF-8: `\\xff`.
    """
    return "".join(each if each.isprintable() else _escaped(each) for each in str(text))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
