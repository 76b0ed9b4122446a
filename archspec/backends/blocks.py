"""The distinct blocks of a network, each to be drawn once beside an overview, as papers do.

Two blocks are the same when their layers and wiring are; arguments may differ, such as the filters
of each stage, and then stand in the picture by their names. What failed is like nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from string import ascii_uppercase

from archspec.backends.parts import Box, Edge, Frame, Mark, Sight, nest
from archspec.backends.repeats import Wiring
from archspec.graph import Node


@dataclass(frozen=True, slots=True)
class Block:
    """title: `residual`, or `residual A` where another has that name too. paths: of its frames, in
    order. sight: the inside of the first. peers: the nodes of all that are at the place of a node
    of the first, by its name."""

    title: str
    paths: tuple[str, ...]
    sight: Sight
    peers: Mapping[str, Sequence[Node]]


def blocks(sight: Sight) -> list[Block]:
    """In the order of their first frames. sight: with nothing folded into boxes."""
    wiring = Wiring(sight.edges)
    alike: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in _outermost(nest(sight.boxes, sight.titles)):
        links = tuple(
            tuple(link if link[0] == "here" else link[0] for link in box)
            for box in wiring.links(frame)
        )
        ops = tuple(
            (tuple((node.op, node.state) for node in box.nodes), _times(box, frame.depth, sight))
            for box in frame.boxes
        )
        alike[frame.title, ops, links].append(frame)
    names = [frames[0].title or _names(frames, sight) for frames in alike.values()]
    seen: Counter[str] = Counter()
    found = []
    for name, frames in zip(names, alike.values(), strict=True):
        letter = f" {ascii_uppercase[seen[name] % 26]}" if names.count(name) > 1 else ""
        seen[name] += 1
        found.append(_block(name + letter, frames, sight))
    return found


def _outermost(frame: Frame) -> Iterator[Frame]:
    """The outermost blocks in a frame: those with a title, and groups without any."""
    for part in frame.parts:
        if isinstance(part, Frame):
            if part.title or not _titled(part):
                yield part
            else:
                yield from _outermost(part)


def _titled(frame: Frame) -> bool:
    inner = [part for part in frame.parts if isinstance(part, Frame)]
    return any(part.title or _titled(part) for part in inner)


def _names(frames: Sequence[Frame], sight: Sight) -> str:
    names = [sight.said(frame.path)[0] for frame in frames]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _times(box: Box, depth: int, sight: Sight) -> int:
    """How often it stands in a frame at a depth: in runs of its own and of frames within."""
    runs = [sight.runs[name] for name in (*box.frames[depth:], box.name) if name in sight.runs]
    return prod(run.times for run in runs)


def _block(title: str, frames: Sequence[Frame], sight: Sight) -> Block:
    first = frames[0]
    inside = dict.fromkeys(first.boxes)
    peers: dict[str, list[Node]] = defaultdict(list)
    for frame in frames:
        for box, other in zip(inside, frame.boxes, strict=True):
            for node, peer in zip(box.nodes, other.nodes, strict=True):
                peers[node.name].append(peer)
    alone: dict[Box | Mark, Box] = {
        box: replace(box, frames=box.frames[first.depth :]) for box in inside
    }
    edges = _cut_out(sight.edges, alone)
    paths = tuple(frame.path for frame in frames)
    return Block(title, paths, replace(sight, boxes=list(alone.values()), edges=edges), peers)


def _cut_out(edges: Sequence[Edge], boxes: Mapping[Box | Mark, Box]) -> list[Edge]:
    """The edges of some boxes; those from or to others have an end for each value."""
    ends: dict[str, Mark] = {}
    found: dict[object, Edge] = {}
    for place, edge in enumerate(edges):
        name = f"{edge.value.name} {'out' if edge.tail in boxes else 'in'}"
        tail, head = (boxes.get(part) for part in (edge.tail, edge.head))
        if tail or head:
            end = ends.setdefault(name, Mark(name, "end"))
            once = (name, tail) if head is None else place
            found.setdefault(once, replace(edge, tail=tail or end, head=head or end))
    return list(found.values())
