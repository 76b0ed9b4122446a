"""Define the holes of a block: values that differ between the runs that it stands for."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from archspec.folding.alignment import Slot
from archspec.folding.items import Formula


class Hole(Struct, eq=False):
    """An argument, or the presence of a step, that differs between runs.

    argument: "" for the presence. index: of an element within a list. values: in each run.
    """

    slot: Slot | None
    argument: str
    values: list[Any]
    index: tuple[int, ...] = ()
    name: str = ""
    formula: Formula | None = None
