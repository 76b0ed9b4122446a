"""Find repeats: neighbours of one structure, each taking the output of the one before.

Two parts have one structure when their layers, arguments and wiring are the same; names and shapes
may differ. The inputs of a repetition come from the one before, or from elsewhere and are then the
same for all (the memory that each layer of a decoder attends to); only the next repetition takes
its output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from archspec.graph import Node
from archspec.pictures.scene import Box, Edge, Frame, Mark, ScenePart, list_boxes

# Where each input of each box comes from: ("here" or "before", the index of a box in
# that repetition), or ("elsewhere", the name of the box).
Links = list[list[tuple[str, int | str]]]


def describe_structure(part: ScenePart) -> list[Any]:
    """Return layers, arguments and blocks of a part; equal for repetitions of one structure."""
    if isinstance(part, Mark):
        return []
    if isinstance(part, Frame):
        return [part.title, [describe_structure(inner) for inner in part.parts]]
    return [
        (node.op, node.arguments, node.call, node.slots, node.state, node.errors)
        for node in part.nodes
    ]


class Wiring:
    """The edges of a scene by the names of their ends."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.into: dict[str, list[Edge]] = defaultdict(list)
        self.out_of: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            self.into[edge.head].append(edge)
            self.out_of[edge.tail].append(edge)

    def find_repeats(self, frame: Frame) -> Iterator[list[ScenePart]]:
        """Yield each run of two or more repetitions in a frame, then those inside the parts drawn.

        Of a run, the first repetition is drawn.
        """
        repetitions: list[ScenePart] = []
        for part in [*frame.parts, None]:
            if repetitions and (part is None or not self._continues(repetitions, part)):
                yield from self._split(repetitions)
                repetitions = []
            if part is not None:
                repetitions.append(part)

    def _split(self, repetitions: list[ScenePart]) -> Iterator[list[ScenePart]]:
        """Yield the repeat that some neighbours make, then those inside the parts drawn."""
        whole = len(repetitions) == 1 or self._is_last_complete(repetitions)
        kept, apart = (repetitions, []) if whole else (repetitions[:-1], repetitions[-1:])
        if len(kept) > 1:
            yield kept
        for part in (kept[0], *apart):
            if isinstance(part, Frame):
                yield from self.find_repeats(part)

    def _continues(self, repetitions: list[ScenePart], part: ScenePart) -> bool:
        """Return whether a part is one more repetition."""
        before = repetitions[-1]
        if describe_structure(part) != describe_structure(before):
            return False
        inside = {**_number_boxes(before), **_number_boxes(part)}
        if any(
            edge.head not in inside for name in _number_boxes(before) for edge in self.out_of[name]
        ):
            return False
        links = self.find_links(part, before)
        if len(repetitions) == 1:
            return _same_start(self.find_links(before), links)
        return links == self.find_links(before, repetitions[-2])

    def _is_last_complete(self, repetitions: Sequence[ScenePart]) -> bool:
        """Return whether the last part gives others only what each part gives to the next."""
        links = self.find_links(repetitions[-1], repetitions[-2])
        given = {index for box in links for kind, index in box if kind == "before"}
        here = _number_boxes(repetitions[-1])
        return all(
            edge.head in here or index in given
            for name, index in here.items()
            for edge in self.out_of[name]
        )

    def find_given(self, boxes: Sequence[Box]) -> Node:
        """Return the node of a repetition whose value others take."""
        names = {box.name for box in boxes}
        edges = [edge for box in reversed(boxes) for edge in self.out_of[box.name]]
        return next((edge.value for edge in edges if edge.head not in names), boxes[-1].nodes[-1])

    def find_links(self, part: ScenePart, before: ScenePart | None = None) -> Links:
        """Return where the inputs of each box of a part come from."""
        here = _number_boxes(part)
        there = _number_boxes(before) if before else {}

        def link(tail: str) -> tuple[str, int | str]:
            if tail in here:
                return "here", here[tail]
            return ("before", there[tail]) if tail in there else ("elsewhere", tail)

        return [[link(edge.tail) for edge in self.into[name]] for name in here]


def _number_boxes(part: ScenePart) -> dict[str, int]:
    """Return the index of each box of a part, by its name."""
    return {box.name: index for index, box in enumerate(list_boxes(part))}


def _same_start(first: Links, second: Links) -> bool:
    """Return whether the first repetition takes from elsewhere what the second takes from it.

    Everything else must be as in the second.
    """
    carried: dict[int | str, int | str] = {}
    for one, other in zip(first, second, strict=True):
        if len(one) != len(other):
            return False
        for link, (kind, index) in zip(one, other, strict=True):
            if kind != "before":
                if link != (kind, index):
                    return False
            elif link[0] != "elsewhere" or carried.setdefault(index, link[1]) != link[1]:
                return False
    return bool(carried)
