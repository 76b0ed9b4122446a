"""Files written beside the training: what they hold is copied, and it goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Self


class Writer:
    """Does jobs in a thread of its own: those given since the last time, when told to begin.

    Not at once: while the thread works, copying for the next job waits for the interpreter's lock.
    As a context manager it ends with all of them done, and what one raised is raised, unless it
    ends by another error.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "writer")
        self.jobs: list[Callable[[], None]] = []
        self.work: Future[None] | None = None

    def __call__(self, job: Callable[[], None]) -> None:
        """Do this after the others, once `begin` is called."""
        self.jobs.append(job)

    def begin(self) -> None:
        """Go through the jobs, up to one that raises; `wait` for those before first."""
        jobs, self.jobs = self.jobs, []

        def work() -> None:
            for job in jobs:
                job()

        self.work = self.pool.submit(work)

    def wait(self) -> None:
        """Until what was begun is done; raises what it raised."""
        if self.work is not None:
            self.work.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if self.jobs:  # not else: what was begun may yet raise
            self.begin()
        try:
            self._finish()
        except KeyboardInterrupt:
            self._finish()  # what is begun is written, but for a second one
            raise
        finally:
            self.pool.shutdown(wait=False)
        if kind is None or not issubclass(kind, Exception):  # an interrupt is no error
            self.wait()

    def _finish(self) -> None:
        """Wait for the job, not for the thread: where Ctrl-C ends a wait for a thread, Python 3.11
        takes the thread for ended, and does not wait for it again."""
        if self.work is not None:
            wait([self.work])
