"""Processes of `archspec` that start at once: each is forked from one that has imported Keras and
has done nothing with it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from archspec.cli import run

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
        sys.argv = ["archspec", *self.words]
        run()

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int:
        self.join()
        assert self.exitcode is not None
        return self.exitcode
