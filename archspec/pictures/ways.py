"""Find the networks that contract and expand again, as a U-Net does, to draw them as a U.

Such a network goes down in resolution to a bottom and up again, and values cross from the way down
to the way up: those that leave first arrive last, so that they nest like brackets. The way up is
drawn upwards beside the way down, and what crosses goes straight to the side. It is found by shapes
and wiring; names and kinds of layers do not matter. A network may have several bottoms in a row.
Where sizes are unknown, nothing is found.

    find_ways(scene).edges[40].way  ->  "up"
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, pairwise
from math import inf, prod

from msgspec import Struct
from msgspec.structs import replace

from archspec.graph import Node
from archspec.pictures.scene import Box, Edge, Mark, Scene

LEVELS = 2  # of different resolution at which something crosses; a squeeze-and-excitation has one


class _Crossing(Struct, frozen=True):
    """A value on its way across, perhaps through boxes between, such as a cropping.

    size: of the value that leaves the way down, in pixels or steps.
    """

    tail: Box
    head: Box
    size: int
    between: tuple[str, ...] = ()


class _Bottom(Struct, frozen=True):
    """The end of a way down. behind: the boxes that it leads to, by name."""

    behind: frozenset[str]
    crossings: tuple[_Crossing, ...]

    @property
    def beside(self) -> set[str]:
        """The boxes between of a value that crosses in several ways, as one with a gate does."""
        tails = Counter(each.tail.name for each in self.crossings)
        return {
            name for each in self.crossings if tails[each.tail.name] > 1 for name in each.between
        }

    @property
    def levels(self) -> int:
        return len({each.size for each in self.crossings})

    @property
    def start(self) -> int:
        return min(each.tail.rank for each in self.crossings)

    @property
    def end(self) -> int:
        return max(each.head.rank for each in self.crossings)


def find_ways(scene: Scene, wide: bool = False) -> Scene:
    """Return the scene with the way of each edge: down, up, or level from one way to another.

    wide: whether a chain continues sideways after what crosses, until the next level.
    """
    bottoms: list[_Bottom] = []
    search = _Search(scene)
    for bottom in sorted(search.find_bottoms(), key=lambda each: -each.levels):
        if all(bottom.start > each.end or bottom.end < each.start for each in bottoms):
            bottoms.append(bottom)
    bottoms.sort(key=lambda bottom: bottom.start)
    # Between two of them one half goes up, and the other down.
    tops = [*((one.end + other.start) / 2 for one, other in pairwise(bottoms)), inf]
    up = {
        box.name
        for bottom, top in zip(bottoms, tops, strict=False)
        for box in scene.boxes
        if box.name in bottom.behind and box.rank <= top
    }
    up |= {name for bottom in bottoms for name in bottom.beside}
    aside = {
        end
        for bottom in bottoms
        for each in bottom.crossings
        for end in search.find_chain(each.head.name)
        if wide
    }
    between = {
        name for bottom in bottoms for each in bottom.crossings for name in each.between
    } - up

    def choose(edge: Edge) -> Edge:
        ends = [edge.tail, edge.head if edge.head in boxes else edge.tail]
        if edge.head in aside:
            return replace(edge, way="level")
        risen = [end in up for end in ends]
        if any(risen) != all(risen) or between.intersection(ends):
            return replace(edge, way="level")
        return replace(edge, way="up") if all(risen) else edge

    boxes = {box.name for box in scene.boxes}
    return replace(scene, edges=tuple(map(choose, scene.edges))) if bottoms else scene


class _Search:
    """Looks for bottoms; sets of boxes are the bits of an integer."""

    def __init__(self, scene: Scene) -> None:
        self.boxes = scene.boxes
        self.order = {box.name: index for index, box in enumerate(scene.boxes)}
        self.edges = [
            edge
            for edge in scene.edges
            if edge.tail in self.order and edge.head in self.order and not edge.back
        ]
        self.into: dict[str, list[Edge]] = defaultdict(list)
        self.out_of: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            self.into[edge.head].append(edge)
            self.out_of[edge.tail].append(edge)
        self.before: dict[str, int] = {}
        self.behind: dict[str, int] = {}
        for name in self.order:
            self.before[name] = self._join(name, (self.before[e.tail] for e in self.into[name]))
        for name in reversed(self.order):
            self.behind[name] = self._join(name, (self.behind[e.head] for e in self.out_of[name]))

    def _join(self, name: str, others: Iterable[int]) -> int:
        """Return a set of the box and all of other sets."""
        found = 1 << self.order[name]
        for other in others:
            found |= other
        return found

    def find_bottoms(self) -> Iterator[_Bottom]:
        """Yield the bottom before each box that expands what it takes, if values cross there."""
        for edge in self.edges:
            size = _measure(edge.value)
            if size and size < self._measure_given(edge.head):
                crossings = self._find_crossings(edge)
                if crossings is None:
                    continue
                bottom = _Bottom(frozenset(self._list(self.behind[edge.head])), tuple(crossings))
                smallest = min((each.size for each in crossings), default=0)
                if size < smallest and bottom.levels >= LEVELS and self._is_nested(bottom):
                    yield bottom

    def _find_crossings(self, turn: Edge) -> list[_Crossing] | None:
        """Return what crosses from before an edge to behind it; None if it takes several ways."""
        before, behind = self.before[turn.tail], self.behind[turn.head]
        parts: dict[str, list[str]] = {}  # the boxes between that hang together, by each of them
        for name in self.order:
            if not (before | behind) >> self.order[name] & 1:
                joined = [parts[edge.tail] for edge in self.into[name] if edge.tail in parts]
                # Each once: two of the edges may come from one part.
                part = [*dict.fromkeys(chain.from_iterable(joined)), name]
                parts.update(dict.fromkeys(part, part))
        found = []
        for edge in self.edges:
            crosses = before >> self.order[edge.tail] & behind >> self.order[edge.head] & 1
            if crosses and edge.tail != turn.tail:
                found.append(self._make_crossing(edge, edge, ()))
        for part in {id(part): part for part in parts.values()}.values():
            inside = set(part)
            into = [edge for name in part for edge in self.into[name] if edge.tail not in inside]
            out_of = [
                edge for name in part for edge in self.out_of[name] if edge.head not in inside
            ]
            if not into or not out_of:
                continue  # an input of its own, or a side head
            if len({edge.tail for edge in into}) > 1 or len({edge.head for edge in out_of}) > 1:
                return None
            is_chain = len(into) == len(out_of) == 1 and all(
                len(self.into[name]) == len(self.out_of[name]) == 1 for name in part
            )
            if into[0].tail != turn.tail:
                found.append(self._make_crossing(into[0], out_of[0], part if is_chain else ()))
        return found

    def _make_crossing(self, first: Edge, last: Edge, between: Sequence[str]) -> _Crossing:
        tail, head = (self.boxes[self.order[name]] for name in (first.tail, last.head))
        return _Crossing(tail, head, _measure(first.value), tuple(between))

    def _is_nested(self, bottom: _Bottom) -> bool:
        """Return whether what leaves first arrives last, and at growing sizes."""
        by_rank: dict[int, list[_Crossing]] = defaultdict(list)
        for each in bottom.crossings:
            by_rank[each.tail.rank].append(each)
        rows = [by_rank[rank] for rank in sorted(by_rank)]
        for outer, inner in pairwise(rows):
            if max(each.head.rank for each in inner) > min(each.head.rank for each in outer):
                return False
            if max(each.size for each in inner) > min(each.size for each in outer):
                return False
        heads = {each.size: self._measure_given(each.head.name) for each in bottom.crossings}
        given = [heads[size] for size in sorted(heads)]
        return all(one < other for one, other in pairwise(given))

    def find_chain(self, name: str) -> Iterator[str]:
        """Yield the boxes after one, as long as each takes only the one before, at its size."""
        while len(self.out_of[name]) == 1:
            (edge,) = self.out_of[name]
            here, after = (self.boxes[self.order[end]] for end in (name, edge.head))
            enters = not {*after.frames} <= {*here.frames}  # Graphviz may put it on any side
            grows = self._measure_given(edge.head) > _measure(edge.value)
            if len(self.into[edge.head]) > 1 or enters or grows:
                return
            name = edge.head
            yield name

    def _measure_given(self, name: str) -> int:
        """Return the largest size that a box gives."""
        given = [edge.value for edge in self.out_of[name]]
        return max(map(_measure, given or self.boxes[self.order[name]].nodes[-1:]))

    def _list(self, boxes: int) -> Iterator[str]:
        """Yield the names of a set of boxes."""
        return (name for name, index in self.order.items() if boxes >> index & 1)


def _measure(value: Node) -> int:
    """Return in how many places a value has channels, the features of a vector; 0 if unknown."""
    axes = value.facts.shape[1:] if value.facts else ()
    places = axes[:-1] or axes
    return prod(axis for axis in places if axis) if places and None not in places else 0


def split_ways(scene: Scene) -> tuple[list[Box], list[Box]]:
    """Return the boxes that stand on ways down, and those on ways up; not those between."""
    ends: dict[str, set[str]] = defaultdict(set)
    for edge in scene.edges:
        ends[edge.way] |= {edge.tail, edge.head}
    up = ends["up"] - ends["down"]
    between = ends["level"] - ends["up"] - ends["down"]
    along = [box for box in scene.boxes if box.name not in between]
    return [box for box in along if box.name not in up], [box for box in along if box.name in up]


def find_rows(edges: Sequence[Edge], parts: Mapping[str, Box | Mark]) -> set[int]:
    """Return the indices of the level edges whose ends can be in one row."""
    row = {end: end for edge in edges for end in (edge.tail, edge.head)}

    def leads(start: str, goal: str) -> bool:
        """Return whether a row is above another."""
        below: dict[str, list[str]] = defaultdict(list)
        for edge in edges:
            if edge.way != "level" and not edge.back:
                upper, lower = row[edge.tail], row[edge.head]
                below[upper if edge.way == "down" else lower].append(
                    lower if edge.way == "down" else upper
                )
        found, seen = [start], set[str]()
        while found:
            name = found.pop()
            if name not in seen:
                seen.add(name)
                found += below[name]
        return goal in seen - {start}

    def rate(index: int) -> tuple[float, bool]:
        """Return less for what says more by its row: the last box that a value goes to, a skip."""
        head = parts[edges[index].head]
        return -head.rank if isinstance(head, Box) else -inf, not edges[index].skip

    chosen = set()
    for index in sorted(range(len(edges)), key=rate):
        edge = edges[index]
        if edge.way == "level":
            one, other = row[edge.tail], row[edge.head]
            if one != other and (leads(one, other) or leads(other, one)):
                continue
            chosen.add(index)
            row = {end: one if each == other else each for end, each in row.items()}
    return chosen


def has_exchange(scene: Scene) -> bool:
    """Return whether two merges take the same two values, as between HRNet's resolutions."""
    into: dict[str, list[str]] = defaultdict(list)
    taken: Counter[str] = Counter()
    for edge in scene.edges:
        if not edge.back:
            into[edge.head].append(edge.tail)
            taken[edge.tail] += 1

    def find_source(name: str) -> str:
        """Return the last box before one, or itself, that several take or that takes several."""
        while taken[name] == 1 and len(into[name]) == 1:
            (name,) = into[name]
        return name

    seen: set[tuple[str, str]] = set()
    for box in scene.boxes:
        sources = sorted({find_source(name) for name in into[box.name]})
        pairs = set(combinations(sources, 2))
        if pairs & seen:
            return True
        seen |= pairs
    return False
