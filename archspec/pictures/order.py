"""Put what belongs to one input or one output alone in the order in which these are declared.

Graphviz keeps the order of its text where no lines cross, and a spec may write the layers of its
heads in another order than it declares their outputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from archspec.pictures.scene import Edge, Frame, Scene, ScenePart

T = TypeVar("T")


class Lane(Struct, frozen=True):
    """The way of an input or an output before it meets others.

    meets: the parts that it leads to, or comes from. index: of the input or output, as declared.
    """

    meets: frozenset[str]
    index: int


Lanes = Mapping[str, Lane]  # by the names of boxes and marks


def find_lanes(scene: Scene, edges: Iterable[Edge]) -> dict[str, Lane]:
    """Return the lane of each part that only one input leads to, or that leads to one output.

    edges: those of the picture, which go by marks.
    """
    forward = [(edge.tail, edge.head) for edge in edges if not edge.back]
    backward = [(head, tail) for tail, head in forward]
    inputs = [box.name for box in scene.boxes if box.nodes[0].op == "InputLayer"]
    outputs = [mark.name for mark in scene.marks if mark.kind == "output"]
    return {**_find_one_way(forward, inputs), **_find_one_way(backward, outputs)}


def _find_one_way(links: Iterable[tuple[str, str]], starts: Sequence[str]) -> dict[str, Lane]:
    """Return the lanes of parts that are reached from one start only."""
    following: dict[str, list[str]] = defaultdict(list)
    for one, other in links:
        following[one].append(other)
    reached: dict[str, set[int]] = defaultdict(set)
    for index, start in enumerate(starts):
        found = [start]
        while found:
            name = found.pop()
            if index not in reached[name]:
                reached[name].add(index)
                found += following[name]
    met: dict[int, set[str]] = defaultdict(set)
    for name, indices in reached.items():
        if len(indices) == 1:
            (index,) = indices
            met[index] |= {other for other in following[name] if len(reached[other]) > 1}
    return {
        name: Lane(frozenset(met[index]), index)
        for name, indices in reached.items()
        if len(indices) == 1
        for index in indices
        if met[index]
    }


def order_parts(frame: Frame, lanes: Lanes) -> Frame:
    """Return a frame with lanes that meet in one place in order, in it and in the frames inside."""

    def find_lane(part: ScenePart) -> Lane | None:
        if not isinstance(part, Frame):
            return lanes.get(part.name)
        found = {lanes.get(box.name) for box in part.boxes}
        return found.pop() if len(found) == 1 else None

    parts = [order_parts(part, lanes) if isinstance(part, Frame) else part for part in frame.parts]
    return replace(frame, parts=tuple(_order(parts, find_lane)))


def order_edges(edges: Sequence[Edge], lanes: Lanes) -> list[Edge]:
    """Return edges in the order of the lanes that they lie in."""
    return _order(edges, lambda edge: lanes.get(edge.head) or lanes.get(edge.tail))


def _order(items: Sequence[T], find_lane: Callable[[T], Lane | None]) -> list[T]:
    """Return items, those of lanes that meet in one place in order in the places that they have."""
    places: dict[frozenset[str], list[tuple[int, int]]] = defaultdict(list)
    for place, item in enumerate(items):
        lane = find_lane(item)
        if lane:
            places[lane.meets].append((lane.index, place))
    ordered = [*items]
    for found in places.values():
        targets = sorted(place for _, place in found)
        for target, (_, place) in zip(targets, sorted(found), strict=True):
            ordered[target] = items[place]
    return ordered
