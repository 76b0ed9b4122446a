"""Find cells: parts of a network that refer to their own steps by names, and have a few inputs.

In the steps of a network that is no chain of layers and branches, as those of NASNet or of a
decoder with attention to an encoder, a cell is a run of steps of which only the last is used
outside. It comes several times with the same wiring, whatever the names are: within it, `@3` stands
for its step 3, and `@x`, `@y`, `@z` for its inputs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    MarkedRun,
    Sequence,
    name_of,
    shape_of,
    sources_of,
    with_name,
    with_sources,
)
from archspec.folding.naming import abbreviate
from archspec.folding.substitution import put_values

LONGEST_CELL = 80
INPUTS = ("x", "y", "z")


class CellRun(Struct, frozen=True, eq=False):
    """A run of steps with wiring of its own. inputs: what it takes, as written under `from`."""

    start: int
    end: int
    inputs: tuple[str, ...]


def find_cells(main: Sequence, outputs: Collection[str]) -> Iterator[tuple[int, list[CellRun]]]:
    """Yield runs with the same wiring, of which only the last step is used outside.

    outputs: the names of the steps that are outputs of the network. Yields a number for each
    wiring, and its runs.
    """
    wires = _Wires(main, outputs)
    found: dict[int, list[CellRun]] = defaultdict(list)
    numbers: dict[Any, int] = {}
    for start in range(len(main)):
        state, inputs, is_wired, last = 0, dict[int, int](), False, -1
        for place in range(start, min(len(main), start + LONGEST_CELL)):
            item = main[place]
            if isinstance(item, LayerItem) and item.reuses:
                break
            codes: list[Any] = []
            for source in wires.sources[place]:
                inside = source >= start
                code = source - place if inside else inputs.setdefault(source, len(inputs))
                codes.append((inside, code))
                is_wired |= inside and source != place - 1
            if len(inputs) > len(INPUTS):
                break
            is_wired |= len(inputs) > 1
            state = numbers.setdefault(
                (state, shape_of(_unwire(item)), tuple(codes), wires.slots[place]), len(numbers) + 1
            )
            if place > start:
                last = max(last, wires.last_use[place - 1])
            if is_wired and last <= place and place - start > 3:
                names = tuple(wires.write(source, start) for source in inputs)
                found[state].append(CellRun(start, place + 1, names))
    for state, cells in found.items():
        apart = list(_leave_out_overlaps(cells))
        if len(apart) > 1:
            yield state, apart


def cut_cell(main: Sequence, cell: CellRun) -> Sequence:
    """Return the steps of a cell, with `@3` for what its step 3 is called and `@x` for an input."""
    places = {name: place for place, item in enumerate(main) if (name := name_of(item))}
    known = {name: f"@{letter}" for name, letter in zip(cell.inputs, INPUTS, strict=False)}
    first = known.get("previous")

    def rename(name: str, place: int) -> str:
        if name == "previous":
            return first if place == cell.start and first is not None else name
        inner = places.get(name, -1)
        if inner == cell.start - 1 and first is not None:
            return first
        return f"@{inner - cell.start}" if inner >= cell.start else known[name]

    items = []
    for place in range(cell.start, cell.end):
        item = main[place]
        sources = sources_of(item)
        if sources is None and place == cell.start and first is not None:
            sources = "previous"
        if isinstance(sources, dict):
            sources = {slot: rename(name, place) for slot, name in sources.items()}
        elif isinstance(sources, list):
            sources = [rename(name, place) for name in sources]
        elif sources is not None:
            sources = rename(sources, place)
        if len(cell.inputs) == 1 and place == cell.start and sources == "@x":
            sources = None
        name = f"@{place - cell.start}" if name_of(item) and place + 1 < cell.end else None
        items.append(with_name(with_sources(item, sources), name))
    return tuple(items)


def is_wired(run: MarkedRun) -> bool:
    """Return whether steps of a run refer to others by what they are called in a cell."""
    return any(
        name.startswith("@") for item in run.items for name in list_sources(sources_of(item))
    )


def list_inputs(items: Sequence) -> list[str]:
    """Return the names of a cell's inputs; [] for a block that has one."""
    used = {name for item in items for name in list_sources(sources_of(item))}
    return [letter for letter in INPUTS if f"@{letter}" in used]


def name_wires(items: Sequence, inputs: list[str]) -> Sequence:
    """Return the steps of a block with names for `@3` and `@x`, and for `channels` those of the
    input that it begins with, where it has several."""
    names = {f"@{letter}": letter if len(inputs) > 1 else "input" for letter in INPUTS}
    counts: Counter[str] = Counter()
    for item in items:
        name = name_of(item)
        if name is not None:
            base = _describe(item)
            counts[base] += 1
            names[name] = f"{base}{counts[base]}"
    first = list_sources(sources_of(items[0]))
    return tuple(_name_item(item, names, first[0] if first else "") for item in items)


def _describe(item: Item) -> str:
    """Return a word for a step, to which a number is added."""
    if isinstance(item, CallItem | MarkedRun):
        return item.block if not item.block[-1].isdigit() else f"{item.block}_"
    layer = item.merge if isinstance(item, BranchesItem) else item
    word = abbreviate(layer) if isinstance(layer, LayerItem) else "step"
    return word if word.isalpha() else re.sub("[^a-z]", "", word)


def _name_item(item: Item, names: Mapping[str, str], first: str) -> Item:
    sources = sources_of(item)
    if isinstance(sources, dict):
        sources = {slot: names.get(name, name) for slot, name in sources.items()}
    elif isinstance(sources, list):
        sources = [names.get(name, name) for name in sources]
    elif sources is not None:
        sources = names.get(sources, sources)
    name = name_of(item)
    item = with_name(with_sources(item, sources), None if name is None else names[name])
    letter = names.get(first, "")
    if letter in ("", "input"):
        return item
    return put_values((item,), {"channels": Formula(f"={letter}.channels")})[0]


class _Wires:
    """Which steps the steps of a network take, by their places; below 0 for the inputs."""

    def __init__(self, main: Sequence, outputs: Collection[str]) -> None:
        self.places = {name: place for place, item in enumerate(main) if (name := name_of(item))}
        self.sources: list[list[int]] = []
        self.slots: list[Any] = []
        self.last_use = [-1] * len(main)
        for place, item in enumerate(main):
            sources = sources_of(item)
            self.slots.append(tuple(sources) if isinstance(sources, dict) else type(sources))
            listed = list_sources(sources) or ["previous"]
            found = [place - 1 if name == "previous" else self._find(name) for name in listed]
            self.sources.append(found)
            for source in found:
                if source >= 0:
                    self.last_use[source] = place
        for name in outputs:
            if self.places.get(name, -1) >= 0:
                self.last_use[self.places[name]] = len(main)
        self.names = {place: name for name, place in self.places.items()}

    def _find(self, name: str) -> int:
        """Return the place of a step; for an input of the network a number below 0."""
        return self.places.setdefault(name, -2 - len(self.places))

    def write(self, source: int, start: int) -> str:
        """Return what stands under `from` for a step before a cell."""
        return "previous" if source == start - 1 else self.names[source]


def _unwire(item: Item) -> Item:
    return with_name(with_sources(item, None), None)


def _leave_out_overlaps(cells: list[CellRun]) -> Iterator[CellRun]:
    end = 0
    for cell in cells:
        if cell.start >= end:
            yield cell
            end = cell.end


def list_sources(sources: Any) -> list[str]:
    """Return the names under a `from`, whatever its form."""
    if isinstance(sources, dict):
        return list(sources.values())
    return [] if sources is None else sources if isinstance(sources, list) else [sources]
