"""Files written beside the training: what they hold is copied, and it goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self


class Writer:
    """Does a job in a thread of its own.

    As a context manager it ends with the last job done, and what that raised is raised, unless it
    ends by another error.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "writer")
        self.job: Future[None] | None = None

    def __call__(self, job: Callable[[], None]) -> None:
        """Begin it; `wait` for the one before first."""
        self.job = self.pool.submit(job)

    def wait(self) -> None:
        """Until the last job is done; raises what it raised."""
        if self.job is not None:
            self.job.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self.pool.shutdown()
        if kind is None or not issubclass(kind, Exception):  # an interrupt is no error
            self.wait()
