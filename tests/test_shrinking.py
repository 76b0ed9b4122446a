"""What fails is shown as small as it can be, and what is tried is not always the same."""

import random

import pytest
from shrinking import try_out


def numbers(source: random.Random) -> list[int]:
    return [source.randrange(50) for _ in range(source.randrange(20))]


@pytest.mark.thorough
def test_the_smallest_that_fails_is_shown() -> None:
    seen = []

    def check(drawn: list[int]) -> None:
        seen.append(drawn)
        assert sum(drawn) < 100

    with pytest.raises(AssertionError):
        try_out(check, numbers, 20)
    assert len(seen[-1]) == 3
    assert sum(seen[-1]) == 100


@pytest.mark.thorough
def test_each_of_those_tried_is_another() -> None:
    seen: set[tuple[int, ...]] = set()
    try_out(lambda drawn: seen.add(tuple(drawn)), numbers, 20)
    assert len(seen) > 15
