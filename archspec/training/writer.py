"""Files written beside the training: what they hold is copied, and it goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self


class Writer:
    """Does one job after the other in a thread of its own.

    As a context manager it ends with the last of them done, and an error in one of them is raised,
    unless it ends by another.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "writer")
        self.jobs: list[Future[None]] = []

    def __call__(self, job: Callable[[], None]) -> None:
        """Do this after what is yet to be done."""
        self.jobs.append(self.pool.submit(job))

    def wait(self) -> None:
        """Until all is done; raises what one of the jobs raised."""
        while self.jobs:
            self.jobs[0].result()
            del self.jobs[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self.pool.shutdown()
        if kind is None or not issubclass(kind, Exception):  # an interrupt is no error
            self.wait()
