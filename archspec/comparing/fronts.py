"""Find the networks that no other improves on. It needs no Matplotlib: pages mark them, too."""

from collections.abc import Sequence


def find_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the (cost, value) pairs that no other pair improves on, sorted by cost.

    >>> find_front([(1, 0.5), (2, 0.4), (3, 0.9)])
    [(1, 0.5), (3, 0.9)]
    """
    best: list[tuple[float, float]] = []
    for cost, value in sorted(set(points), key=lambda each: (each[0], -each[1])):
        if not best or value > best[-1][1]:
            best.append((cost, value))
    return best
