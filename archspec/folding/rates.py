"""Find the params that grow with the number of the call, as the rates of drop paths do."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from archspec.folding.items import CallItem, Formula
from archspec.folding.solving import Solved
from archspec.folding.values import MISSING


class Rate(Struct, frozen=True):
    """A param that grows with the number of the call, as the rate of a drop path does.

    It is `largest * (number + start) / (count - less)`. count: of all calls.
    """

    largest: float
    start: int
    less: int
    count: int

    def compute(self, number: int) -> float:
        """Return the value in one call."""
        return self.largest * (number + self.start) / (self.count - self.less)

    def write_alone(self) -> Formula:
        """Return the formula in a loop over all calls."""
        number = f"(unit + {self.start})" if self.start else "unit"
        return Formula(f"={self.largest} * {number} / {self.count - self.less}")

    def write(self) -> Formula:
        """Return the formula in a loop over the units of a stage, which has its `depths`."""
        number = "sum(depths[:stage]) + unit" + (f" + {self.start}" if self.start else "")
        if self.less == 0:
            count = "sum(depths)"
        elif self.less == -self.start:
            count = f"(sum(depths) + {self.start})"
        else:
            count = "(sum(depths) - 1)" if self.less == 1 else str(self.count - self.less)
        return Formula(f"={self.largest} * ({number}) / {count}")


def find_rates(solved: Solved) -> dict[str, Rate]:
    """Return the params that grow with the number of the call, bit for bit."""
    names = {name for body in solved.blocks.values() for name in body.params}
    rates: dict[str, Rate] = {}
    for name in sorted(names):
        calls = [
            call
            for call in solved.main
            if isinstance(call, CallItem)
            and call.block in solved.blocks
            and name in solved.blocks[call.block].params
        ]
        values = [call.arguments.get(name, MISSING) for call in calls]
        given = [value for value in values if value is not MISSING]
        if len({*map(repr, given)}) < 3 or not all(isinstance(v, float) for v in given):
            continue
        offers = (
            fit_rate(values, start, less)
            for start in range(5)
            for less in (0, 1, -start, *range(2, len(values)), *range(-8, 0))
        )
        if rate := next(filter(None, offers), None):
            rates[name] = rate
    return rates


def fit_rate(values: list[Any], start: int, less: int) -> Rate | None:
    """Return the rate that values follow; None if they do not."""
    count = len(values)
    place, last = max((p, v) for p, v in enumerate(values) if v is not MISSING)
    if not last or place + start == 0 or count <= less:
        return None
    rate = Rate(round(last * (count - less) / (place + start), 9), start, less, count)
    if len(str(rate.largest)) > 5:
        return None
    right = all(v is MISSING or v == rate.compute(p) for p, v in enumerate(values))
    return rate if right else None
