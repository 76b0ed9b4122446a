"""What is drawn at random is drawn by Hypothesis: of what fails, a test shows the smallest found.

    try_out(check, draw, 60)    # check(draw(source)) of sixty, source being a `random.Random`

It is the same sixty each time, with one version of Hypothesis. `few_or_many(60, 1000)` are values
for a test's count: few, and more under the marker `slow`: a fifth of the thousand, and the thousand
where ARCHSPEC_TESTS=all asks for all that could be tried, as before a release.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import SearchStrategy, composite, integers

T = TypeVar("T")
ALL = os.environ.get("ARCHSPEC_TESTS") == "all"  # hours

# Hypothesis draws some numbers from those that stand in the modules loaded so far. What is drawn
# would depend on which tests ran before, and on whether the package is installed or a checkout.
providers.is_local_module_file = lambda path: False


class Source(random.Random):
    """Random numbers of Hypothesis.

    The simplest is the first of a choice, and the highest of `random()`: what has a chance is left
    out.
    """

    def __init__(self, draw: Callable[[SearchStrategy[int]], int]) -> None:
        super().__init__(0)
        self.draw = draw
        self.simplest = True

    def _randbelow(self, n: int) -> int:  # what all the others are made of
        number = self.draw(_up_to(n - 1))
        self.simplest &= number == 0
        return number

    def random(self) -> float:
        return (255 - self._randbelow(256)) / 256


@cache
def _up_to(most: int) -> SearchStrategy[int]:
    return integers(0, most)


def try_out(check: Callable[[T], None], make: Callable[[random.Random], T], count: int) -> None:
    """Check so many of what is made of random numbers."""

    @composite
    def made(draw: Any) -> T:
        source = Source(draw)
        value = make(source)
        assume(not source.simplest)  # which Hypothesis begins with
        return value

    # One at a time: of several, Hypothesis makes the second of parts of the first, and so on.
    one = settings(
        max_examples=1,
        database=None,
        deadline=None,  # a busy machine is no fault
        phases=[Phase.generate, Phase.shrink],  # to explain takes a trace of each
        suppress_health_check=list(HealthCheck),
    )
    tried = one(given(made())(check))
    for number in range(count):
        seed(number)(tried)()


def few_or_many(few: int, many: int) -> list[Any]:
    return [few, pytest.param(many if ALL else max(2 * few, many // 5), marks=pytest.mark.slow)]


def slow_but_first(values: Iterable[T], count: int = 1) -> list[Any]:
    """Return the values of a parameter, all but the first few under the marker `slow`."""
    return [
        value if place < count else pytest.param(value, marks=pytest.mark.slow)
        for place, value in enumerate(values)
    ]
