"""Train the members of a comparison, each in a process of its own.

So a member's peak memory is its own, and what ends it, even a lack of memory, ends no other member.
All that a training writes is also in a log beside its folder, NAME-sSEED.log.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from archspec.comparing.members import Member, Terms, has_only_begun, is_begun
from archspec.comparing.table import Missing
from archspec.errors import UserError
from archspec.reading import kind_of
from archspec.runs.interrupt import INTERRUPT
from archspec.runs.own_layers import find_files
from archspec.runs.results import Result, read_result

Echo = Callable[[str], None]


def train_member(member: Member, terms: Terms, title: str, echo: Echo) -> Result | Missing:
    """Train a member, or resume its training, if it is not finished. Return what came of it.

    title: the line to announce it with. echo: a function that takes each line of output.
    """
    if isinstance(done := read_member(member), Result):
        echo(f"{title}: trained already")
        return done
    echo(title)
    if has_only_begun(member.folder):
        shutil.rmtree(member.folder)
    # With `-P` Python does not import modules from the working folder, unless we did.
    safe = [] if str(Path.cwd()) in sys.path else ["-P"]
    command = [sys.executable, *safe, "-m", "archspec", *_make_words(member, terms)]
    code, lines = _run_command(command, member.log, echo)
    done = read_member(member)
    if isinstance(done, Result):
        return done
    return member.make_missing("failed", _explain_failure(code, lines))


def read_member(member: Member) -> Result | Missing:
    """Return the result of a member, or the reason why it has none."""
    if not is_begun(member.folder):
        return member.make_missing("not trained")
    try:
        result = read_result(member.folder, member.label)
    except UserError as error:
        return member.make_missing("failed", get_first_line(error))
    return result if result.status == "finished" else member.make_missing(result.status)


def get_first_line(error: UserError) -> str:
    """Return the first line of an error's message, without the lines of a file that may follow."""
    return str(error.args[0]).partition("\n")[0].removesuffix(":")


def make_jobs(members: Sequence[Member], terms: Terms, echo: Echo) -> list[str]:
    """Return a line for a shell for each member that is not finished: it trains or resumes it.

    echo: a function that takes a line about each member that is left out.
    """
    lines = []
    for member in members:
        if isinstance(read_member(member), Result):
            echo(f"{member.folder}: trained already")
        elif has_only_begun(member.folder):
            echo(
                f"left out: a training has just begun in {member.folder}; "
                "if none is at work there, remove the folder"
            )
        else:
            words = ["archspec", *_make_words(member, terms)]
            lines.append(f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join(words)}")
    return lines


def _make_words(member: Member, terms: Terms) -> list[str]:
    """Return the words after `archspec` of the command that trains or resumes a member."""
    train = ["train"]
    for file in find_files(member.graph, member.recipe):
        train += ["--layers", str(file.path)]
    if is_begun(member.folder):
        device = ["--device", terms.device] if terms.device else []
        return [*train, "--resume", str(member.folder), *device]
    seeded = ["--seed", str(member.seed), "--run-dir", str(member.folder)]
    return [*train, member.spec, *terms.options, *seeded]


def _run_command(command: Sequence[str], log: Path, echo: Echo) -> tuple[int, list[str]]:
    """Run a command, copying its output to a log and to `echo`; return its status and last lines.

    It gets Ctrl-C only from this process, once, so that it can end properly; a second kills it.
    """
    lines: deque[str] = deque(maxlen=100)
    with (
        _open_log(log) as kept,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):

        def listen() -> Iterator[None]:
            for line in process.stdout or ():
                kept.write(line)
                kept.flush()
                lines.append(line.rstrip())
                echo(lines[-1])
                yield
            process.wait()

        try:
            for _ in listen():
                INTERRUPT.raise_if_lost()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            deque(listen(), 0)
            raise
        finally:
            if process.poll() is None:
                process.kill()
    return process.returncode, list(lines)


@contextmanager
def _open_log(log: Path) -> Iterator[IO[str]]:
    """Open the log of a member to append to it. Raises `UserError` if that is impossible."""
    if kind_of(log) not in (None, "file"):  # a pipe would wait for a reader
        raise UserError(f"cannot write {log}: it is no file", "move it away")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"cannot write {log}: {why}", "name another folder with --dir") from None


def _explain_failure(code: int, lines: Sequence[str]) -> str:
    """Return why a training failed, in one line.

    code: the exit status of its process. lines: the last lines of its output.
    """
    if code < 0:
        name = signal.Signals(-code).name
        return f"ended by {name}" + (
            ", perhaps because memory ran out" if name == "SIGKILL" else ""
        )
    for start in ("error: ", "internal error: "):
        for line in reversed(lines):
            if line.startswith(start):
                return line.removeprefix("error: ")
    return next((line for line in reversed(lines) if line), f"exit status {code}")
