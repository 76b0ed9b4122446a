"""Find repeats: neighbours of one structure, each taking the output of the one before.

Two parts have one structure when their layers, arguments and wiring are the same; names and shapes
may differ. So may one fraction, such as the rate of a dropout, if it grows by equal steps: it is
then shown as a range, `0 to 0.2`. The inputs of a repetition come from the one before, or from
elsewhere and are then the same for all (the memory that each layer of a decoder attends to); only
the next repetition takes its output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import Any

from msgspec.structs import replace

from archspec import notation
from archspec.differences.changes import Change
from archspec.graph import Node
from archspec.notation import Symbol
from archspec.pictures.scene import Box, Edge, Frame, Mark, ScenePart, list_boxes

# Where each input of each box comes from: ("here" or "before", the index of a box in
# that repetition), or ("elsewhere", the name of the box).
Links = list[list[tuple[str, int | str]]]

EQUAL = 1e-6  # how much steps of a number may differ, as a share, to count as equal


def _is_same_layer(before: Node, node: Node, pairs: set[tuple[float, float]]) -> bool:
    """Return whether two layers are the same but for fractions that pictures write."""
    if _describe(before) != _describe(node) or before.arguments.keys() != node.arguments.keys():
        return False
    differing = {name for name, value in before.arguments.items() if value != node.arguments[name]}
    for name in differing:
        pair = (before.arguments[name], node.arguments[name])
        # Whole numbers, such as filters, are what a reader wants to see one by one.
        if not all(map(_is_number, pair)) or not any(isinstance(each, float) for each in pair):
            return False
        pairs.add(pair)
    return not differing or differing <= {*notation.find_differing([before, node])}


def _describe(node: Node) -> tuple[Any, ...]:
    return node.op, node.call, node.slots, node.state, node.errors


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def merge_ends(first: Node, last: Node) -> Node:
    """Return the node of a first repetition, with a range for each number that differs in the last.

    These are arguments, and the params of the blocks around it.
    """
    # A group of one layer has no frame, so that the last may have other groups around it.
    others = last.regions if len(last.regions) == len(first.regions) else first.regions
    regions = tuple(
        replace(one, params=_write_ranges(one.params, other.params))
        for one, other in zip(first.regions, others, strict=True)
    )
    return replace(
        first,
        arguments=_write_ranges(first.arguments, last.arguments),
        regions=regions,
    )


def _write_ranges(first: Mapping[str, Any], last: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first values, as `0 to 0.2` where they are numbers and the last ones differ."""
    return {
        name: Symbol(f"{value:.4g} to {last[name]:.4g}")
        if _is_number(value) and _is_number(last.get(name)) and value != last[name]
        else value
        for name, value in first.items()
    }


class Wiring:
    """The edges of a scene by the names of their ends.

    changes: what differs from another network, which parts of one structure have alike.
    """

    def __init__(self, edges: Sequence[Edge], changes: Mapping[str, Change]) -> None:
        self.changes = changes
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
        step = self._find_step(before, part)
        if step is None:
            return False
        if len(repetitions) > 1:
            usual = self._find_step(repetitions[-2], before)
            if usual is None or not isclose(step, usual, rel_tol=EQUAL):
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

    def _find_step(self, before: ScenePart, part: ScenePart) -> float | None:
        """Return by how much the one number that differs grows from a part to the next.

        0 if none differs; None if the structures differ, or more than one number does.
        """
        pairs: set[tuple[float, float]] = set()
        if not self._is_alike(before, part, pairs) or len(pairs) > 1:
            return None
        return sum(second - first for first, second in pairs)

    def _is_alike(
        self, before: ScenePart, part: ScenePart, pairs: set[tuple[float, float]]
    ) -> bool:
        """Return whether two parts have one structure; add the numbers that differ to `pairs`."""
        if isinstance(before, Frame) and isinstance(part, Frame):
            return (
                before.title == part.title
                and len(before.parts) == len(part.parts)
                and all(
                    self._is_alike(one, other, pairs)
                    for one, other in zip(before.parts, part.parts, strict=True)
                )
            )
        if isinstance(before, Box) and isinstance(part, Box):
            return len(before.nodes) == len(part.nodes) and all(
                self.changes.get(one.name) == self.changes.get(other.name)
                and _is_same_layer(one, other, pairs)
                for one, other in zip(before.nodes, part.nodes, strict=True)
            )
        return isinstance(before, Mark) and isinstance(part, Mark)

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
