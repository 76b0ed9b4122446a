"""What becomes of a training that fails: a sentence, and the traceback in the run's folder."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from archspec.errors import Told, UserError, in_a_line
from archspec.runs.folder import RunFolder

ERROR = "error.txt"
NO_MEMORY = re.compile(r"MemoryError|out of memory|allocate|resource.?exhausted|\boom\b", re.I)
# Lines that come before what an error of Keras or TensorFlow has to say, and terminals' escapes.
HEADING = re.compile(r"Exception encountered|Graph execution error|Detected at node|<stack|$")
ESCAPE = re.compile(r"\x1b\[\d*m")


def cause(error: Exception) -> str:
    """Return what an error of whatever framework comes down to: a lack of memory, or a line."""
    name, said = type(error).__name__, ESCAPE.sub("", str(error))
    if NO_MEMORY.search(f"{name} {said}"):
        return "it does not fit in memory; a smaller --batch-size may"
    lines = (line.strip() for line in said.splitlines())
    return in_a_line(next((line for line in lines if not HEADING.match(line)), name))


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is a Ctrl-C, or what a framework made of one that came in its code.

    One that has words for people, such as a file that cannot be written after a Ctrl-C, is not.
    """
    while error is not None and not isinstance(error, Told):
        if isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def told(folder: RunFolder) -> Iterator[None]:
    """Leave no run that ends here "running", and turn what Keras raises into a `UserError`.

    run.json then says "failed", or "interrupted" where Ctrl-C ended it, unless the training has
    said so itself. An error that is in words already passes through.
    """
    with suppress(OSError):
        (folder.path / ERROR).unlink(missing_ok=True)  # of an earlier try
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        with suppress(UserError):
            facts = folder.facts()
            if facts["status"] == "running":
                status = "interrupted" if interrupted else "failed"
                folder.json("run.json", facts | {"status": status})
        if isinstance(error, Told) or not isinstance(error, Exception):
            raise
        hint = None
        with suppress(UserError):
            folder.text(ERROR, traceback.format_exc())
            hint = f"the whole traceback is in {folder.path / ERROR}"
        raise UserError(f"the training failed: {cause(error)}", hint) from error
