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
from archspec.pictures.scene import Box, Edge, Frame, Mark, Part, boxes_of

# Of each box of a turn, where each input comes from: ("here" or "before", the place of a box in
# that turn), or ("elsewhere", the box).
Links = list[list[tuple[str, Any]]]


def structure(part: Part) -> list[Any]:
    """Layers, arguments and blocks of a part, in order; equal for parts that may be turns."""
    if isinstance(part, Mark):
        return []
    if isinstance(part, Frame):
        return [part.title, [structure(inner) for inner in part.parts]]
    return [
        (node.op, node.arguments, node.call, node.slots, node.state, node.errors)
        for node in part.nodes
    ]


class Wiring:
    """Edges by their ends, and the repeats that they make of parts."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.into: dict[object, list[Edge]] = defaultdict(list)
        self.out_of: dict[object, list[Edge]] = defaultdict(list)
        for edge in edges:
            self.into[edge.head].append(edge)
            self.out_of[edge.tail].append(edge)

    def repeats(self, frame: Frame) -> Iterator[list[Part]]:
        """Each run of two turns or more in a frame; then those in the parts of it that are drawn,
        which of a run is its first turn."""
        turns: list[Part] = []
        for part in [*frame.parts, None]:
            if turns and (part is None or not self._goes_on(turns, part)):
                yield from self._run(turns)
                turns = []
            if part is not None:
                turns.append(part)

    def _run(self, turns: list[Part]) -> Iterator[list[Part]]:
        apart = [] if len(turns) == 1 or self._ends_well(turns) else [turns.pop()]
        if len(turns) > 1:
            yield turns
        for part in (turns[0], *apart):
            if isinstance(part, Frame):
                yield from self.repeats(part)

    def _goes_on(self, turns: list[Part], part: Part) -> bool:
        """Whether a part is one more turn."""
        before = turns[-1]
        if structure(part) != structure(before):
            return False
        inside = {**_places(before), **_places(part)}
        if any(edge.head not in inside for box in _places(before) for edge in self.out_of[box]):
            return False
        links = self.links(part, before)
        if len(turns) == 1:
            return _same_start(self.links(before), links)
        return links == self.links(before, turns[-2])

    def _ends_well(self, turns: Sequence[Part]) -> bool:
        """Whether the last turn gives to others only what each turn gives to the next."""
        links = self.links(turns[-1], turns[-2])
        given = {place for box in links for kind, place in box if kind == "before"}
        here = _places(turns[-1])
        return all(
            edge.head in here or place in given
            for box, place in here.items()
            for edge in self.out_of[box]
        )

    def gives(self, boxes: Sequence[Box]) -> Node:
        """The node of a turn whose value others take."""
        edges = [edge for box in reversed(boxes) for edge in self.out_of[box]]
        return next((edge.value for edge in edges if edge.head not in boxes), boxes[-1].nodes[-1])

    def links(self, part: Part, before: Part | None = None) -> Links:
        """Where the inputs of each box of a part come from."""
        here, there = _places(part), _places(before)

        def link(tail: Box | Mark) -> tuple[str, Any]:
            if tail in here:
                return "here", here[tail]
            return ("before", there[tail]) if tail in there else ("elsewhere", tail)

        return [[link(edge.tail) for edge in self.into[box]] for box in here]


def _places(part: Part | None) -> dict[Box | Mark, int]:
    """The boxes of a turn, counted."""
    return {box: place for place, box in enumerate(boxes_of(part) if part else [])}


def _same_start(first: Links, second: Links) -> bool:
    """Whether a first turn takes from elsewhere what the second takes from the first, and all else
    as the second does."""
    carried: dict[int, Any] = {}
    for one, other in zip(first, second, strict=True):
        if len(one) != len(other):
            return False
        for link, (kind, place) in zip(one, other, strict=True):
            if kind != "before":
                if link != (kind, place):
                    return False
            elif link[0] != "elsewhere" or carried.setdefault(place, link[1]) is not link[1]:
                return False
    return bool(carried)
