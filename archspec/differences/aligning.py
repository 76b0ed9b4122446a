"""Align two sequences: pair as much as may be paired without crossing, by scores."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

Score = Callable[[int, int], float]
FULL = 160_000  # cells up to which every pair of places is tried
BAND = 64  # else how far from the diagonal


def align(count: int, other: int, score: Score) -> list[tuple[int, int]]:
    """Return the pairs of places, increasing in both sequences, with the largest sum of scores.

    score: of two places; 0 for a pair that cannot be. Long sequences are paired near the diagonal
    alone, which takes linear time.

    >>> align(3, 2, lambda i, j: float("abc"[i] == "ac"[j]))
    [(0, 0), (2, 1)]
    """
    if not count or not other:
        return []
    width = other
    if count * other > FULL:
        width = BAND + abs(other - count)
    first = [max(0, min(other, i * other // count - width)) for i in range(count)]
    last = [min(other, i * other // count + width + 1) for i in range(count)]
    best = [0.0] * (other + 2)  # of the places from the next row on
    takes: list[dict[int, bool]] = []  # by row: column -> whether the pair is taken, else skip row
    for i in range(count - 1, -1, -1):
        row = list(best)
        taken: dict[int, bool] = {}
        for j in range(last[i] - 1, first[i] - 1, -1):
            skip = best[j] if best[j] >= row[j + 1] else row[j + 1]
            value = score(i, j)
            if value > 0 and value + best[j + 1] > skip - 1e-9:
                row[j] = value + best[j + 1]
                taken[j] = True
            else:
                row[j] = skip
                if best[j] >= row[j + 1]:
                    taken[j] = False
        # Left of the band nothing is paired in this row: what comes first there is the band's.
        row[: first[i]] = [row[first[i]]] * first[i]
        best = row
        takes.append(taken)
    takes.reverse()
    pairs = []
    i = j = 0
    while i < count and j < other:
        if j < first[i]:
            j = first[i]
        elif j >= last[i]:
            i += 1
        else:
            take = takes[i].get(j)
            if take:
                pairs.append((i, j))
                i, j = i + 1, j + 1
            elif take is None:
                j += 1
            else:
                i += 1
    return pairs


def find_equal(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the pairs of equal items that surely belong together: equal ends, and in sequences too
    long to try every pair, items that are once in both, in the longest run that does not cross.

    >>> find_equal("axbcxd", "aybcyd")
    [(0, 0), (5, 5)]
    """
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    pairs = [(place, place) for place in range(start)]
    inner_a, inner_b = range(start, len(a) - end), range(start, len(b) - end)
    if len(inner_a) * len(inner_b) <= FULL:
        inner_a = inner_b = range(0)
    counts_a, counts_b = Counter(a[i] for i in inner_a), Counter(b[j] for j in inner_b)
    there = {b[j]: j for j in inner_b if counts_b[b[j]] == 1}
    once = [(i, there[a[i]]) for i in inner_a if counts_a[a[i]] == 1 and a[i] in there]
    pairs += [once[index] for index in find_increasing([j for _, j in once])]
    return pairs + [(len(a) - each, len(b) - each) for each in range(end, 0, -1)]


def find_increasing(values: Sequence[int]) -> list[int]:
    """Return the indexes of the longest increasing run of a sequence, first to last.

    >>> find_increasing([3, 0, 1, 2])
    [1, 2, 3]
    """
    tails: list[int] = []
    indexes: list[int] = []
    before: list[int | None] = []
    for index, value in enumerate(values):
        place = bisect_left(tails, value)
        if place == len(tails):
            tails.append(value)
            indexes.append(index)
        else:
            tails[place], indexes[place] = value, index
        before.append(indexes[place - 1] if place else None)
    found: list[int] = []
    at = indexes[-1] if indexes else None
    while at is not None:
        found.append(at)
        at = before[at]
    return found[::-1]
