"""The standard streams: open whoever started the process, and what cannot be written is known."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any, TextIO


class _Output(io.FileIO):
    """Standard output remembers why it could not be written."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.lost = error
            raise


class _Messages(io.FileIO):
    """Standard error drops what it has no room for: a training goes on without its messages."""

    def write(self, data: Any, /) -> int:
        with suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes


def prepare() -> _Output:
    """Make the streams of this process ones that a command can rely on; returns standard output.

    One that was closed when the process began is opened, so that it can be neither read nor written
    (what is meant for standard error is dropped): else the next file would get its number, and what
    libraries print would land in it. A letter that the encoding lacks is printed as its escape.
    """
    ways = {"stdin": os.O_WRONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}
    for name, way in ways.items():  # in the order of their numbers, the lowest of which is taken
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(os.open(os.devnull, way), mode, encoding="utf-8"))
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
    """Return why standard output could not be written, if so; what is left for it is dropped."""
    with suppress(OSError):
        sys.stdout.flush()
    if output.lost is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return output.lost


@contextmanager
def held_back(lines: list[bytes]) -> Iterator[None]:
    """Keep what libraries of C print on standard error from being shown; in the end it is in
    `lines`."""
    with _room() as kept, ExitStack() as after:
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
    """Print on standard error what was held back."""
    with suppress(OSError):
        os.write(2, b"".join(lines))


def _room() -> IO[bytes]:
    """Return a file in memory where the system has such, since the temporary folder may be full."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("archspec"), "w+b")
    from tempfile import TemporaryFile  # which takes a while to load

    return TemporaryFile()
