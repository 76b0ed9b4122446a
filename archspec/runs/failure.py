"""Report a training that fails: a message for the user, and the traceback in the run's folder."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from archspec.errors import ArchspecError, UserError, in_a_line
from archspec.reading import kind_of
from archspec.runs.folder import RunFolder

ERROR = "error.txt"
NO_MEMORY = re.compile(r"MemoryError|out of memory|allocate|resource.?exhausted|\boom\b", re.I)
# Lines before the message in an error of Keras or TensorFlow; and the escapes of terminals.
HEADING = re.compile(r"Exception encountered|Graph execution error|Detected at node|<stack|$")
ESCAPE = re.compile(r"\x1b\[\d*m")


def describe_cause(error: Exception) -> str:
    """Return one line that says why an error of any framework came: its first line with a message.

    Where memory ran out, whatever the framework calls that, the line says so and what may help.
    """
    name, text = type(error).__name__, ESCAPE.sub("", str(error))
    if NO_MEMORY.search(f"{name} {text}"):
        return "it does not fit in memory; a smaller --batch-size may"
    lines = (line.strip() for line in text.splitlines())
    return in_a_line(next((line for line in lines if not HEADING.match(line)), name))


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is a Ctrl-C, or what a framework made of one that came in its code.

    A message for the user is none, also after a Ctrl-C: a file that cannot be written, for example.
    """
    while error is not None and not isinstance(error, ArchspecError):
        if isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def record_failure(folder: RunFolder) -> Iterator[None]:
    """Record an error that ends a training in its folder, and turn it into a `UserError`.

    The status in run.json becomes "failed", or "interrupted" after Ctrl-C, where it is still
    "running". The traceback is written to error.txt. An error with a message for the user, and
    Ctrl-C, are raised as they are.
    """
    with suppress(OSError):
        (folder.path / ERROR).unlink(missing_ok=True)  # of an earlier try
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        with suppress(UserError):
            facts = folder.read_facts()
            if facts["status"] == "running":
                status = "interrupted" if interrupted else "failed"
                folder.write_json("run.json", facts | {"status": status})
        if isinstance(error, ArchspecError) or not isinstance(error, Exception):
            raise
        hint = None
        with suppress(UserError):
            folder.write_text(ERROR, traceback.format_exc())
            if kind_of(folder.path / ERROR) is not None:  # not every process of a team writes it
                hint = f"the whole traceback is in {folder.path / ERROR}"
        raise UserError(f"the training failed: {describe_cause(error)}", hint) from error
