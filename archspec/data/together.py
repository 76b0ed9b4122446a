"""Call a function for many files in the threads of one pool, which lasts as long as the process.

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
from math import inf
from typing import Any, TypeVar

T = TypeVar("T")
FIRST = 3  # files, of which the quickest tells how long one takes: the first may be a slow start
SHORT = 1e-3  # seconds: what reads a file faster does so in a loop
TASKS = 4  # for each thread: the last ones are not waited for long


def map_files(call: Callable[[Any], T], files: Sequence[Any]) -> list[T]:
    """Return what a function gives for each file, in their order.

    The first error, in that order, is raised.
    """
    found, quickest = [], inf
    for each in files[:FIRST]:
        started = time.perf_counter()
        found.append(call(each))
        quickest = min(quickest, time.perf_counter() - started)
    rest, workers = files[FIRST:], os.cpu_count() or 1
    if workers == 1 or quickest < SHORT:
        return found + [call(each) for each in rest]
    size = max(1, -(-len(rest) // (workers * TASKS)))
    pieces = [rest[start : start + size] for start in range(0, len(rest), size)]
    done = _pool(os.getpid()).map(lambda piece: [call(each) for each in piece], pieces)
    return found + [each for piece in done for each in piece]


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the pool of a process: threads do not live on in one that is forked from it."""
    return ThreadPoolExecutor(os.cpu_count(), "files")
