"""Processes of `archspec` that start at once: each is forked from one that has imported Keras and
has done nothing with it. They draw no pictures, which would take a quarter of their time."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Self, TypeVar

from archspec.cli import run
from archspec.comparing import trainings

T = TypeVar("T")
AT_ONCE = 3  # processes: a little more than the cores that there are at the least
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["archspec.training.fitting"])


class Archspec(ForkServerProcess):
    """`archspec` with these words, started; to be waited for as a `subprocess.Popen` is.

    log: a file for all that it says, which else is nowhere but for its errors. out: one for what it
    prints apart from them. environment: what is added to that of this process. folder: where it
    works.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        out: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.members, self.out, self.folder = 0, out, folder
        self.words, self.log, self.environment = list(words), log, environment or {}
        self.start()

    def run(self) -> None:
        from archspec.training import figures as pictures  # it imports Keras, which is here already

        threads = list(Path(f"/proc/{os.getppid()}/task").iterdir())
        assert len(threads) == 1, "a fork has only one of them"
        gc.freeze()  # as `framework.start` does
        if self.log is not None:
            os.dup2(_opened(self.log), 2)
        os.dup2(2 if self.log and not self.out else _opened(self.out or os.devnull), 1)
        if self.folder is not None:
            os.chdir(self.folder)
        os.environ.update(self.environment)
        pictures.draw_curves = pictures.draw_samples = lambda *drawn: drawn[-1].touch()
        if self.words[0] == "compare":
            names = ("DEVNULL", "PIPE", "STDOUT")
            places = {name: getattr(subprocess, name) for name in names}
            trainings.subprocess = SimpleNamespace(Popen=self.member, **places)  # type: ignore
        else:
            self.prepare()
        sys.argv = ["archspec", *self.words]
        sys.exit(run())

    def member(self, command: Sequence[str], **_: object) -> Member:
        """As `subprocess.Popen`: start a member of a comparison."""
        self.members += 1
        words = command[command.index("archspec") + 1 :]
        return Member(words, self.prepare if self.members == 1 else None)

    def prepare(self) -> None:
        """What a test has the process do before it trains, or the first member of a comparison."""

    def poll(self) -> int | None:
        return self.exitcode

    def ended(self) -> bool:
        """Whether it has; to be asked again and again until it has."""
        return not self.is_alive()

    def wait(self) -> int:
        self.join()
        assert self.exitcode is not None
        return self.exitcode


def _opened(path: Path | str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)


class Member:
    """`archspec` with these words, forked from the process of a comparison, to which it is what a
    `subprocess.Popen` would be."""

    def __init__(self, words: Sequence[str], prepare: Callable[[], None] | None) -> None:
        reading, writing = os.pipe()

        def begin() -> None:
            os.setsid()
            os.close(reading)
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            if prepare is not None:
                prepare()
            sys.argv = ["archspec", *words]
            sys.exit(run())

        self.process = get_context("fork").Process(target=begin)
        self.process.start()
        os.close(writing)
        self.stdout = open(reading, errors="replace")  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.wait()

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> None:
        self.process.join()

    def kill(self) -> None:
        self.process.kill()

    def send_signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


Job = Generator[Archspec, int | None, T]


class Ended(Archspec):
    """`archspec`, which gets a signal at a moment of its training.

    moment: of which (what, number) is the signal before or after the what's renaming to its name
    for that time, or at a batch of an epoch: ("before", "best.keras", 2), ("batch", 2, 5). Or
    ("passed over", 2, 5), at that batch in a destructor, whose errors Python passes over.

    comparison: whether it is for the process of the comparison, whose first member is at that
    moment, and waits for what it is told.
    """

    def __init__(
        self,
        words: Sequence[str],
        number: int,
        moment: tuple[str, object, int],
        log: Path | None = None,
        comparison: bool = False,
    ) -> None:
        self.number, self.moment, self.comparison = number, moment, comparison
        super().__init__(words, log)

    def prepare(self) -> None:
        from archspec.training.recorder import Recorder

        when, what, count = self.moment
        times = 0
        replace, seen = os.replace, Recorder.on_train_batch_end

        def at_batch(recorder: Recorder, batch: int, logs: object = None) -> None:
            seen(recorder, batch, logs)
            nonlocal times
            if len(recorder.rows) + 1 == what and batch >= count and not times:
                times += 1
                recorder.writer.wait()  # the state of the epoch before
                _Destroyed(self.end) if when == "passed over" else self.end()

        def renamed(source: str, target: Path) -> None:
            nonlocal times
            ours = str(target).endswith(str(what))
            times += ours
            if ours and times == count and when == "before":
                self.end()
            replace(source, target)
            if ours and times == count and when == "after":
                self.end()

        if when in ("batch", "passed over"):
            Recorder.on_train_batch_end = at_batch  # type: ignore[method-assign]
        else:
            os.replace = renamed  # type: ignore[assignment]

    def end(self) -> None:
        """Send the signal; what cannot be heard any more stops the process first."""
        if self.comparison:
            comparison = os.getppid()
            os.kill(comparison, self.number)
            while os.getppid() == comparison:
                time.sleep(0.002)
            return
        os.kill(os.getpid(), self.number)
        if self.number == signal.SIGSTOP:
            signal.pause()  # which it does not come back from

    def ended(self) -> bool:
        """Kill as well what the signal has only stopped."""
        if self.number == signal.SIGSTOP:
            for process in (self.pid, *_children(self.pid)):
                if _state(process) == "T":
                    os.kill(process, signal.SIGKILL)
        return super().ended()


class _Destroyed:
    """Calls something in its destructor, and waits there until what comes of it has come."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call

    def __del__(self) -> None:
        self.call()
        time.sleep(1)


def together(jobs: Iterable[Job[T]]) -> list[T]:
    """What jobs return, a few of which go on at a time.

    A job is a generator: it gives a process to be waited for, and gets its exit status.
    """
    left, going, done = list(jobs), deque[tuple[int, Job[T], Archspec]](), {}

    def step(number: int, job: Job[T], status: int | None) -> None:
        try:
            going.append((number, job, job.send(status)))
        except StopIteration as end:
            done[number] = end.value

    starting = iter(enumerate(left))
    while len(done) < len(left):
        while len(going) < AT_ONCE and (next_one := next(starting, None)):
            step(*next_one, None)
        number, job, process = going.popleft()
        if process.ended():
            step(number, job, process.wait())
        else:
            going.append((number, job, process))
            time.sleep(0.002)
    return [done[number] for number in range(len(left))]


def _children(process: int | None) -> list[int]:
    try:
        return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _state(process: int | None) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
