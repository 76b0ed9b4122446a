"""Find the largest batch whose training fits in a memory.

>>> import archspec
>>> limit = parse_size("24GiB")
>>> limit
25769803776
>>> fit = find_largest_batch(archspec.load("resnet50v2"), limit)
>>> fit.batch_size > fit.cautious > 100
True
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from msgspec import Struct

from archspec import notation
from archspec.analysis.memory import estimate_peak_memory
from archspec.errors import UserError
from archspec.graph import Graph

UNITS = {
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)},
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", 1)},
}
MOST = 1000 * UNITS["TiB"]
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")
# What one more image took, as a multiple of what is computed, was 1.13 at the most of the networks
# that benchmarks/memory.py measured; in 16 bits 2, since a CPU computes much of it in 32.
WORST, WORST_IN_16_BITS = 1.15, 2.0


class BatchFit(Struct, frozen=True):
    """The largest batch whose training fits in a memory; 0 where that of one sample does not.

    limit: the memory in bytes. batch_size: by the estimate as it is. cautious: if each sample takes
    `factor` times what is computed, about the most that was measured. Both are None if an axis is
    unknown.
    """

    limit: int
    batch_size: int | None
    cautious: int | None
    factor: float


def parse_size(text: str) -> int:
    """Return the bytes of a size such as `24GiB` or `1.5 GB`.

    KiB to TiB are powers of 1024, KB to TB of 1000. Raises `UserError` for anything else.
    """
    found = SIZE.fullmatch(text.strip())
    if found is None or found[2] not in UNITS:
        raise UserError(f"a memory must be a size such as 24GiB, not '{text}'", _suggest(text))
    size = int(Fraction(found[1]) * UNITS[found[2]])
    if not 1 <= size <= MOST:
        raise UserError(f"a memory must be more than nothing and at most 1000TiB, not '{text}'")
    return size


def write_limit(size: int) -> str:
    """Return a memory in the unit that it was probably given in: 16 GB, and not 14.9 GiB.

    >>> write_limit(16 * 10**9), write_limit(24 * 2**30), write_limit(123456789)
    ('16 GB', '24 GiB', '118 MiB')
    """
    for name, unit in sorted(UNITS.items(), key=lambda each: -each[1]):
        if unit <= size < 1000 * unit and size * 1000 % unit == 0:
            return f"{size / unit:g} {name}"
    return notation.write_size(size)


def _suggest(text: str) -> str:
    """Return the hint for a size that is none: the two units that a letter may stand for."""
    found = re.fullmatch(r"\s*([0-9]*)(\.[0-9]+)?\.?\s*([kmgt])(i?b)?\s*", text, re.IGNORECASE)
    units = "KiB, MiB, GiB, TiB are powers of 1024, KB, MB, GB, TB of 1000"
    if found is None or not (found[1] or found[2]):
        return units
    number, letter = f"{found[1] or 0}{found[2] or ''}", found[3].upper()
    if found[4] and f"{letter}{found[4]}" in UNITS:  # the number alone was wrong
        return f"write {number}{letter}{found[4]}: {units}"
    return f"write {number}{letter}iB or {number}{letter}B: {units}"


def find_largest_batch(graph: Graph, limit: int, **training: Any) -> BatchFit:
    """Return the largest batch whose training fits in `limit` bytes.

    training: `precision` and `optimizer`, as `estimate_peak_memory` takes them.
    """
    none, one = (
        estimate_peak_memory(graph, **{**training, "batch_size": size}).total for size in (0, 1)
    )
    in_full = training.get("precision", "float32") in ("float32", "float64")
    factor = WORST if in_full else WORST_IN_16_BITS
    if none is None or one is None:
        return BatchFit(limit, None, None, factor)
    left, each = limit - none, one - none
    cautious = int(left / (each * Fraction(factor)))
    return BatchFit(limit, max(left // each, 0), max(cautious, 0), factor)
