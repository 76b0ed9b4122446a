"""Find the distinct blocks of a network, each to be drawn once beside an overview, as papers do.

Two blocks are the same when their layers and wiring are; arguments may differ, such as the filters
of each stage, and are then written by names. A block with a failed layer equals no other.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import prod
from string import ascii_uppercase
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.graph import Node, Shape
from archspec.notation import Symbol
from archspec.pictures.repeats import Wiring
from archspec.pictures.scene import Box, Edge, Frame, Mark, Scene, nest_boxes
from archspec.pictures.variables import Values, describe_ends, name_variables

WAYS = ("input", "output")  # into and out of a block


class DistinctBlock(Struct, frozen=True):
    """A block that is drawn once for all its uses.

    title: `residual`, or `residual A` if another block has that name too. scene: the inside of the
    first use. symbols: those that stand for arguments that differ, by node and argument. uses: the
    values of the symbols in each use, by the path of its frame.
    """

    title: str
    scene: Scene
    symbols: Mapping[str, Mapping[str, Symbol]]
    uses: Mapping[str, Mapping[str, str]]


def find_blocks(scene: Scene) -> list[DistinctBlock]:
    """Return the distinct blocks in the order of their first frames.

    What is used once, and holds blocks or has several inputs or outputs, is opened: the overview
    shows what is in it. If each block is used once there is none to draw beside an overview.

    scene: that of a whole graph, with nothing folded into boxes.
    """
    wiring = Wiring(scene.edges, scene.changes)
    whole = nest_boxes(scene.boxes, scene.titles)
    opened: set[str] = set()
    while True:
        alike = _group_alike(_find_outermost(whole, opened), scene, wiring)
        often = {
            frame.title
            for frames in alike
            for frame in frames
            if len(frames) > 1 or frame.path in scene.repeats
        }
        once = {
            frame.path
            for frame, *others in alike
            if not others
            and frame.path not in scene.repeats
            and (
                frame.title not in often and _holds_title(frame)
                if frame.title
                else any(len(values) > 1 for values in _find_values(frame, scene, wiring))
            )
        }
        if not once:
            break
        opened |= once
    if all(len(frames) == 1 and frames[0].path not in scene.repeats for frames in alike):
        return []
    names = [frames[0].title or _name_groups(frames, scene) for frames in alike]
    seen: Counter[str] = Counter()
    found = []
    for name, frames in zip(names, alike, strict=True):
        letter = f" {ascii_uppercase[seen[name] % 26]}" if names.count(name) > 1 else ""
        seen[name] += 1
        found.append(_make_block(name + letter, frames, scene, wiring))
    return found


def _group_alike(frames: Iterable[Frame], scene: Scene, wiring: Wiring) -> list[list[Frame]]:
    """Return frames in groups of one structure."""
    alike: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        links = tuple(
            tuple(link if link[0] == "here" else link[0] for link in box)
            for box in wiring.find_links(frame)
        )
        ops = tuple(
            (
                tuple((node.op, node.state) for node in box.nodes),
                _count_repeats(box, frame.depth, scene),
            )
            for box in frame.boxes
        )
        alike[frame.title, ops, links].append(frame)
    return [*alike.values()]


def _find_outermost(frame: Frame, opened: Container[str]) -> Iterator[Frame]:
    """Yield the outermost blocks in a frame: those with a title, and groups that hold none.

    opened: the paths of blocks that count as groups.
    """
    for part in frame.parts:
        if isinstance(part, Frame):
            if part.path not in opened and (part.title or not _holds_title(part)):
                yield part
            else:
                yield from _find_outermost(part, opened)


def _holds_title(frame: Frame) -> bool:
    _, *inner = frame.frames
    return any(each.title for each in inner)


def _name_groups(frames: Sequence[Frame], scene: Scene) -> str:
    """Return the common beginning of the names of groups: `stage` for `stage0` and `stage1`."""
    names = [scene.write_frame_name(frame.path) for frame in frames]
    starts = {re.split(r"[\d_-]", name)[0] for name in names}
    if len(names) == 1:
        return names[0]
    return starts.pop() if len(starts) == 1 and starts != {""} else f"{names[0]} to {names[-1]}"


def _count_repeats(box: Box, depth: int, scene: Scene) -> int:
    """Return how many times a box repeats inside its frame at `depth`.

    This is the product of the repeats around it.
    """
    names = [*box.frames[depth:], box.name]
    return prod(scene.repeats[name].times for name in names if name in scene.repeats)


def _make_block(title: str, frames: Sequence[Frame], scene: Scene, wiring: Wiring) -> DistinctBlock:
    # A use may take one value for two inputs, which another tells apart.
    frames = sorted(frames, key=lambda each: -len(_find_values(each, scene, wiring)[0]))
    first = frames[0]
    peers: dict[str, list[Node]] = defaultdict(list)
    for frame in frames:
        for box, other in zip(first.boxes, frame.boxes, strict=True):
            for node, peer in zip(box.nodes, other.nodes, strict=True):
                peers[node.name].append(peer)
    found = name_variables([_find_params(frame) for frame in frames], peers)
    uses = {frame.path: use for frame, use in zip(frames, found.uses, strict=True)}
    inside = _build_inside(frames, scene, wiring, found.names)
    return DistinctBlock(title, inside, found.symbols, uses)


def _find_params(frame: Frame) -> Mapping[str, Any]:
    """Return the arguments of a block call; nothing for a group."""
    regions = frame.boxes[0].nodes[0].regions
    return next(region.params for region in regions if region.path == frame.path)


def _build_inside(
    frames: Sequence[Frame],
    scene: Scene,
    wiring: Wiring,
    meant: Mapping[str, Mapping[Values, str]],
) -> Scene:
    """Return the scene of the first frame, with marks where values enter and leave it.

    The text of a mark is the shape in all of the frames.
    """
    depth = frames[0].depth
    boxes = tuple(replace(box, frames=box.frames[depth:]) for box in frames[0].boxes)
    ways = [_find_values(frame, scene, wiring) for frame in frames]
    taken, given = (_list_shapes(each) for each in zip(*ways, strict=True))
    ends: dict[tuple[str, str], Mark] = {}
    for way, values, shapes in zip(WAYS, ways[0], describe_ends(taken, given, meant), strict=True):
        for name, shape in zip_longest(values, shapes, fillvalue=""):
            ends[way, name] = Mark(f"{name} {way}", "end", f"{way} {shape}".strip())
    inside = {box.name for box in boxes}
    edges: dict[object, Edge] = {}  # one for each value that leaves
    for index, edge in enumerate(scene.edges):
        if edge.tail in inside:
            if edge.head in inside:
                edges[index] = edge
            else:
                end = ends["output", edge.value.name].name
                edges.setdefault(end, replace(edge, head=end))
        elif edge.head in inside:
            edges[index] = replace(edge, tail=ends["input", edge.value.name].name)
    repeats = scene.repeats
    if len(frames) > 1:  # whose shapes differ, so that a repeat says none
        repeats = {
            name: replace(each, ends=(each.ends[0], each.ends[0])) for name, each in repeats.items()
        }
    return replace(
        scene,
        boxes=boxes,
        edges=tuple(edges.values()),
        marks=tuple(ends.values()),
        repeats=repeats,
    )


def _find_values(
    frame: Frame, scene: Scene, wiring: Wiring
) -> tuple[dict[str, Node], dict[str, Node]]:
    """Return the values that enter a frame, and those that leave it, by name.

    For a repeat, they are those of its first repetition.
    """
    names = dict.fromkeys(box.name for box in frame.boxes)
    into = [edge for name in names for edge in wiring.into[name] if edge.tail not in names]
    out_of = [edge for name in names for edge in wiring.out_of[name] if edge.head not in names]
    repeat = scene.repeats.get(frame.path)
    return (
        {edge.value.name: edge.value for edge in into},
        {edge.value.name: repeat.ends[0] if repeat else edge.value for edge in out_of},
    )


def _list_shapes(uses: Sequence[Mapping[str, Node]]) -> list[list[Shape]]:
    """Return the shapes of each value by use; none if one is unknown or uses have other values."""
    values = list(zip(*(use.values() for use in uses), strict=False))
    known = [[node.facts.shape for node in each if node.facts] for each in values]
    alike = {len(use) for use in uses} == {len(known)}
    return known if alike and all(len(each) == len(uses) for each in known) else []
