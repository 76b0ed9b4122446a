"""Write files in a thread beside the training, from copies of what they hold."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Self


class Writer:
    """A queue of jobs and the thread that does them, when `begin` is called.

    They do not begin by themselves: while the thread works, copying for the next job waits for the
    interpreter's lock.

    As a context manager it ends when all jobs are done, and raises what one of them raised, unless
    another error ends it:

        with Writer() as writer:
            writer.add(write_state)
            writer.begin()
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "writer")
        self.jobs: list[Callable[[], None]] = []
        self.work: Future[None] | None = None

    def add(self, job: Callable[[], None]) -> None:
        """Put a job at the end of the queue."""
        self.jobs.append(job)

    def begin(self) -> None:
        """Do the jobs of the queue in the thread, up to one that raises.

        Call `wait` before: it raises what an earlier job raised.
        """
        jobs, self.jobs = self.jobs, []

        def work() -> None:
            for job in jobs:
                job()

        self.work = self.pool.submit(work)

    def wait(self) -> None:
        """Wait until the jobs that were begun are done. Raises what one of them raised."""
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
            self._finish()  # the jobs are done after a first Ctrl-C, but not after a second one
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
