"""Do the same to many files in the threads of one pool, which lasts as long as the process.

Pillow lets other threads run while it decodes and resizes, which of a small image is the least of
the work: a plain loop reads small files two to three times as fast. Of larger ones, a thread takes
several at a time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
SHORT = 1e-3  # seconds: what reads a file faster does so in a loop
TASKS = 4  # for each thread: the last ones are not waited for long


def map_files(call: Callable[[Any], T], files: Sequence[Any]) -> list[T]:
    """Return what a function gives for each file, in their order.

    The first error, in that order, is raised.
    """
    started = time.perf_counter()
    found = [call(each) for each in files[:1]]
    rest, workers = files[1:], os.cpu_count() or 1
    if workers == 1 or time.perf_counter() - started < SHORT:
        return found + [call(each) for each in rest]
    size = max(1, -(-len(rest) // (workers * TASKS)))
    pieces = [rest[start : start + size] for start in range(0, len(rest), size)]
    done = _pool(os.getpid()).map(lambda piece: [call(each) for each in piece], pieces)
    return found + [each for piece in done for each in piece]


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the pool of a process: threads do not live on in one that is forked from it."""
    return ThreadPoolExecutor(os.cpu_count(), "files")
