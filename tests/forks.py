"""Processes of `archspec` that start at once: each is forked from one that has imported Keras and
has done nothing with it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from archspec.cli import run
from archspec.training.recorder import Recorder

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["archspec.training.learning"])


class Archspec(ForkServerProcess):
    """`archspec` with these words, started; to be waited for as a `subprocess.Popen` is."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self.words = list(words)
        self.start()

    def run(self) -> None:
        threads = list(Path(f"/proc/{os.getppid()}/task").iterdir())
        assert len(threads) == 1, "a fork has only one of them"
        gc.freeze()  # as `framework.start` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        self.prepare()
        sys.argv = ["archspec", *self.words]
        sys.exit(run())

    def prepare(self) -> None:
        """What a test has the process do before it runs."""

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int:
        self.join()
        assert self.exitcode is not None
        return self.exitcode


class Ended(Archspec):
    """`archspec`, which gets a signal at a moment of its training.

    moment: of which (what, number) is the signal before or after the what's renaming to its name
    for that time, or at a batch of an epoch: ("before", "best.keras", 2), ("batch", 2, 5).
    """

    def __init__(self, words: Sequence[str], number: int, moment: tuple[str, object, int]) -> None:
        self.number, self.moment = number, moment
        super().__init__(words)

    def prepare(self) -> None:
        when, what, count = self.moment
        times = 0
        replace, seen = os.replace, Recorder.on_train_batch_end

        def at_batch(recorder: Recorder, batch: int, logs: object = None) -> None:
            seen(recorder, batch, logs)
            if len(recorder.rows) + 1 == what and batch >= count:
                self.end()

        def renamed(source: str, target: Path) -> None:
            nonlocal times
            ours = str(target).endswith(str(what))
            times += ours
            if ours and times == count and when == "before":
                self.end()
            replace(source, target)
            if ours and times == count and when == "after":
                self.end()

        if when == "batch":
            Recorder.on_train_batch_end = at_batch  # type: ignore[method-assign]
        else:
            os.replace = renamed  # type: ignore[assignment]

    def end(self) -> None:
        """Send the signal to this very process; what cannot be heard any more stops it first."""
        os.kill(os.getpid(), self.number)
        if self.number == signal.SIGSTOP:
            signal.pause()

    def wait(self) -> int:
        if self.number == signal.SIGSTOP:
            while self.is_alive() and _state(self.pid) != "T":
                time.sleep(0.01)
            self.kill()
        return super().wait()


def _state(process: int | None) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""
