"""The distinct blocks of a network, each to be drawn once beside an overview, as papers do.

Two blocks are the same when their layers and wiring are; arguments may differ, such as the filters
of each stage, and then stand in the picture by names. What failed is like nothing else.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import prod
from string import ascii_uppercase
from typing import Any

from archspec.graph import Node, Shape
from archspec.notation import Symbol
from archspec.pictures.repeats import Wiring
from archspec.pictures.scene import Box, Edge, Frame, Mark, Sight, nest
from archspec.pictures.variables import Values, passage, variables

WAYS = ("input", "output")  # into and out of a block


@dataclass(frozen=True, slots=True)
class Block:
    """title: `residual`, or `residual A` where another has that name too. sight: the inside of the
    first. symbols: what stands for arguments that differ, by the names of nodes and arguments.
    uses: by the path of each frame, what the symbols stand for there."""

    title: str
    sight: Sight
    symbols: Mapping[str, Mapping[str, Symbol]]
    uses: Mapping[str, Mapping[str, str]]


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
        found.append(_block(name + letter, frames, sight, wiring))
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
    """Of groups alike what their names begin with: `stage` of `stage0` and `stage1`."""
    names = [sight.named(frame.path) for frame in frames]
    starts = {re.split(r"[\d_-]", name)[0] for name in names}
    if len(names) == 1:
        return names[0]
    return starts.pop() if len(starts) == 1 and starts != {""} else f"{names[0]} to {names[-1]}"


def _times(box: Box, depth: int, sight: Sight) -> int:
    """How often it stands in a frame at a depth: in runs of its own and of frames within."""
    runs = [sight.runs[name] for name in (*box.frames[depth:], box.name) if name in sight.runs]
    return prod(run.times for run in runs)


def _block(title: str, frames: Sequence[Frame], sight: Sight, wiring: Wiring) -> Block:
    first = frames[0]
    peers: dict[str, list[Node]] = defaultdict(list)
    for frame in frames:
        for box, other in zip(first.boxes, frame.boxes, strict=True):
            for node, peer in zip(box.nodes, other.nodes, strict=True):
                peers[node.name].append(peer)
    found = variables([_params(frame) for frame in frames], peers)
    uses = {frame.path: use for frame, use in zip(frames, found.uses, strict=True)}
    inside = _inside(frames, sight, wiring, found.meant)
    return Block(title, inside, found.symbols, uses)


def _params(frame: Frame) -> Mapping[str, Any]:
    """What a block was called with; nothing of a group."""
    regions = frame.boxes[0].nodes[0].regions
    return next(region.params for region in regions if region.path == frame.path)


def _inside(
    frames: Sequence[Frame],
    sight: Sight,
    wiring: Wiring,
    meant: Mapping[str, Mapping[Values, str]],
) -> Sight:
    """Of the first frame, between ends that say what enters and leaves any of them."""
    depth = frames[0].depth
    alone: dict[Box | Mark, Box] = {
        box: replace(box, frames=box.frames[depth:]) for box in frames[0].boxes
    }
    ways = [_ways(frame, sight, wiring) for frame in frames]
    taken, given = (_shapes(each) for each in zip(*ways, strict=True))
    ends: dict[tuple[str, str], Mark] = {}
    for way, values, said in zip(WAYS, ways[0], passage(taken, given, meant), strict=True):
        for name, shape in zip_longest(values, said, fillvalue=""):
            ends[way, name] = Mark(f"{name} {way}", "end", f"{way} {shape}".strip())
    edges: dict[object, Edge] = {}  # a value leaves once
    for place, edge in enumerate(sight.edges):
        tail, head = alone.get(edge.tail), alone.get(edge.head)
        if tail:
            end = head or ends["output", edge.value.name]
            edges.setdefault(place if head else end, replace(edge, tail=tail, head=end))
        elif head:
            edges[place] = replace(edge, tail=ends["input", edge.value.name], head=head)
    return replace(sight, boxes=list(alone.values()), edges=list(edges.values()))


def _ways(frame: Frame, sight: Sight, wiring: Wiring) -> tuple[dict[str, Node], dict[str, Node]]:
    """The values that enter a frame, and those that leave it: of a run, the first turn of it."""
    boxes = dict.fromkeys(frame.boxes)
    into = [edge for box in boxes for edge in wiring.into[box] if edge.tail not in boxes]
    out_of = [edge for box in boxes for edge in wiring.out_of[box] if edge.head not in boxes]
    run = sight.runs.get(frame.path)
    return (
        {edge.value.name: edge.value for edge in into},
        {edge.value.name: run.ends[0] if run else edge.value for edge in out_of},
    )


def _shapes(uses: Sequence[Mapping[str, Node]]) -> list[list[Shape]]:
    """Of each value its shapes by use; none where one is unknown or uses have other values."""
    values = list(zip(*(use.values() for use in uses), strict=False))
    known = [[node.facts.shape for node in each if node.facts] for each in values]
    alike = {len(use) for use in uses} == {len(known)}
    return known if alike and all(len(each) == len(uses) for each in known) else []
