"""Keep the standard streams open in every process, and remember when a write failed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any, TextIO


class _Output(io.FileIO):
    """Standard output that remembers why a write failed."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.lost = error
            raise


class _Messages(io.FileIO):
    """Standard error that drops what cannot be written: a training does not need its messages."""

    def write(self, data: Any, /) -> int:
        with suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes


def prepare() -> _Output:
    """Open and replace the standard streams of this process, and return standard output.

    A stream that was closed when the process began is opened on the null device; otherwise the next
    file would get its number, and what libraries print would be written into that file. A letter
    that the encoding lacks is printed as an escape.
    """
    flags = {"stdin": os.O_WRONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}
    for name, flag in flags.items():  # by number: a new file gets the lowest one
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(os.open(os.devnull, flag), mode, encoding="utf-8"))
    output = _Output(1, "wb", closefd=False)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(_Messages(2, "wb", closefd=False), sys.stderr)
    return output


def _text(raw: io.FileIO, old: TextIO) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        old.encoding,
        "backslashreplace",
        line_buffering=bool(old.line_buffering),
    )


def lost(output: _Output) -> OSError | None:
    """Return why standard output could not be written, or None; then drop what is left for it."""
    with suppress(OSError):
        sys.stdout.flush()
    if output.lost is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return output.lost


@contextmanager
def held_back(lines: list[bytes]) -> Iterator[None]:
    """Collect in `lines` what C libraries print on standard error, instead of showing it."""
    with _open_buffer() as kept, ExitStack() as after:
        if sys.stderr is not None:
            sys.stderr.flush()
            stderr = os.dup(2)
            after.callback(os.close, stderr)
            after.callback(lambda: lines.extend(kept.readlines()))
            after.callback(kept.seek, 0)
            after.callback(os.dup2, stderr, 2)
            os.dup2(kept.fileno(), 2)
        yield


def show(lines: Iterable[bytes]) -> None:
    """Print lines that were held back on standard error."""
    with suppress(OSError):
        os.write(2, b"".join(lines))


def _open_buffer() -> IO[bytes]:
    """Return a file in memory, if the system has such files: the temporary folder may be full."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("archspec"), "w+b")
    from tempfile import TemporaryFile  # which takes a while to load

    return TemporaryFile()
