"""Repeats: neighbours of one structure, each taking the one before.

Two turns have one structure when their layers, arguments and wiring are the same; names and shapes
may differ. What a turn takes is from the turn before, or from elsewhere and then the same for all
(the memory that each layer of a decoder attends to); what it gives, only the next turn takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from archspec.graph import Node
from archspec.pictures.scene import Box, Edge, Frame, Mark, list_boxes

Turn = Frame | Box | Mark  # a part of a frame that may be repeated, which a mark never is

# Of each box of a turn, where each input comes from: ("here" or "before", the place of a box in
# that turn), or ("elsewhere", the name of the box).
Links = list[list[tuple[str, int | str]]]


def describe_structure(part: Turn) -> list[Any]:
    """Return layers, arguments and blocks of a part, equal for parts that may be turns."""
    if isinstance(part, Mark):
        return []
    if isinstance(part, Frame):
        return [part.title, [describe_structure(inner) for inner in part.parts]]
    return [
        (node.op, node.arguments, node.call, node.slots, node.state, node.errors)
        for node in part.nodes
    ]


class Wiring:
    """Edges by the names of their ends, and the repeats that they make of parts."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.into: dict[str, list[Edge]] = defaultdict(list)
        self.out_of: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            self.into[edge.head].append(edge)
            self.out_of[edge.tail].append(edge)

    def find_repeats(self, frame: Frame) -> Iterator[list[Turn]]:
        """Find each run of two turns or more in a frame; then those in the parts of it that are
        drawn, which of a run is its first turn."""
        turns: list[Turn] = []
        for part in [*frame.parts, None]:
            if turns and (part is None or not self._goes_on(turns, part)):
                yield from self._split(turns)
                turns = []
            if part is not None:
                turns.append(part)

    def _split(self, turns: list[Turn]) -> Iterator[list[Turn]]:
        """Find the repeats of some turns, and within the parts of them that are drawn."""
        whole = len(turns) == 1 or self._ends_well(turns)
        kept, apart = (turns, []) if whole else (turns[:-1], turns[-1:])
        if len(kept) > 1:
            yield kept
        for part in (kept[0], *apart):
            if isinstance(part, Frame):
                yield from self.find_repeats(part)

    def _goes_on(self, turns: list[Turn], part: Turn) -> bool:
        """Return whether a part is one more turn."""
        before = turns[-1]
        if describe_structure(part) != describe_structure(before):
            return False
        inside = {**_number_boxes(before), **_number_boxes(part)}
        if any(
            edge.head not in inside for name in _number_boxes(before) for edge in self.out_of[name]
        ):
            return False
        links = self.links(part, before)
        if len(turns) == 1:
            return _same_start(self.links(before), links)
        return links == self.links(before, turns[-2])

    def _ends_well(self, turns: Sequence[Turn]) -> bool:
        """Return whether the last turn gives to others only what each turn gives to the next."""
        links = self.links(turns[-1], turns[-2])
        given = {place for box in links for kind, place in box if kind == "before"}
        here = _number_boxes(turns[-1])
        return all(
            edge.head in here or place in given
            for name, place in here.items()
            for edge in self.out_of[name]
        )

    def given_by(self, boxes: Sequence[Box]) -> Node:
        """Return the node of a turn whose value others take."""
        names = {box.name for box in boxes}
        edges = [edge for box in reversed(boxes) for edge in self.out_of[box.name]]
        return next((edge.value for edge in edges if edge.head not in names), boxes[-1].nodes[-1])

    def links(self, part: Turn, before: Turn | None = None) -> Links:
        """Return where the inputs of each box of a part come from."""
        here = _number_boxes(part)
        there = _number_boxes(before) if before else {}

        def link(tail: str) -> tuple[str, int | str]:
            if tail in here:
                return "here", here[tail]
            return ("before", there[tail]) if tail in there else ("elsewhere", tail)

        return [[link(edge.tail) for edge in self.into[name]] for name in here]


def _number_boxes(part: Turn) -> dict[str, int]:
    """Return the place of each box of a turn, by its name."""
    return {box.name: place for place, box in enumerate(list_boxes(part))}


def _same_start(first: Links, second: Links) -> bool:
    """Return whether a first turn takes from elsewhere what the second takes from the first, and
    all else as the second does."""
    carried: dict[int | str, int | str] = {}
    for one, other in zip(first, second, strict=True):
        if len(one) != len(other):
            return False
        for link, (kind, place) in zip(one, other, strict=True):
            if kind != "before":
                if link != (kind, place):
                    return False
            elif link[0] != "elsewhere" or carried.setdefault(place, link[1]) != link[1]:
                return False
    return bool(carried)
