"""What a picture is made of, as values that do not change: boxes in frames, edges, and marks.

A scene refers to its parts by name, as a graph does to its nodes: an edge has the names of its
ends, and `scene.parts[name]` is the box or mark of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType

from archspec import notation
from archspec.graph import Graph, Node, State

WORST_FIRST: tuple[State, ...] = ("failed", "following")


@dataclass(frozen=True, eq=False, slots=True)
class Box:
    """Layers drawn as one: the first takes the inputs, each other takes the one before it alone.

    nodes: the layers that the box shows.
    stands: those and all others that it is drawn for: later turns of a repeat, later calls of a
        shared layer.
    frames: the paths of the frames around it, outermost first.
    block: the path of the block that is folded into it, else "".
    rank: the number of boxes on the longest way to it.
    """

    nodes: tuple[Node, ...]
    stands: tuple[Node, ...]
    frames: tuple[str, ...] = ()
    block: str = ""
    rank: int = 0

    @property
    def name(self) -> str:
        return self.block or self.nodes[0].name

    @property
    def state(self) -> State:
        """Failed if a layer of it did, else following if one follows from an error."""
        states = {node.state for node in self.stands}
        return next((state for state in WORST_FIRST if state in states), "sound")

    @property
    def calls(self) -> int:
        """The number of calls of a shared layer; 1 for any other."""
        return 1 + sum(node.reuses == self.nodes[0].name for node in self.stands)


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """A point that is no layer.

    kind: "output", whose text is the node's name; "link" to another column; "passage" of a value,
        whose text says it; "end" of a block that is drawn by itself; "bend" of a skip connection.
    frames: the paths of the frames around it, outermost first.
    room: the number of letters that must fit beside it, for the titles of the frames that begin
        above it.
    beside: for a bend, the names of the boxes that are skipped.
    """

    name: str
    kind: str
    text: str = ""
    frames: tuple[str, ...] = ()
    room: int = 0
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """A value on its way from a box or mark to another.

    tail, head: names. value: the node that gives it. label: what the head takes it for.
    skip: whether it also reaches the head by a longer way. back: whether the head comes before the
        tail, being a shared layer that is called again.
    """

    tail: str
    head: str
    value: Node
    label: str = ""
    skip: bool = False
    back: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """A named group or block and what is in it, in order; a column has no path and depth 0.

    continued: whether it began in an earlier column.
    """

    path: str
    title: str
    depth: int
    continued: bool = False
    parts: tuple[Frame | Box | Mark, ...] = ()

    @property
    def name(self) -> str:
        return self.path

    @property
    def boxes(self) -> list[Box]:
        """All boxes in it and in its frames."""
        return [box for part in self.parts for box in list_boxes(part)]

    @property
    def frames(self) -> list[Frame]:
        """The frame itself and all frames in it."""
        inner = [part.frames for part in self.parts if isinstance(part, Frame)]
        return [self, *(frame for frames in inner for frame in frames)]


def list_boxes(part: Frame | Box | Mark) -> list[Box]:
    """Return the boxes that are in a frame, or the box itself."""
    return part.boxes if isinstance(part, Frame) else [part] if isinstance(part, Box) else []


def nest_boxes(
    boxes: Iterable[Box], titles: Mapping[str, str], seen: Iterable[str] = (), path: str = ""
) -> Frame:
    """Return the frame at a path with the boxes in it, those of inner frames within these.

    seen: the paths of the frames that began in an earlier column.
    """
    boxes = list(boxes)
    depth = boxes[0].frames.index(path) + 1 if path else 0
    groups: dict[Box | tuple[str, ...], list[Box]] = {}
    for box in boxes:
        groups.setdefault(box.frames[depth : depth + 1] or box, []).append(box)
    parts = tuple(
        inner if isinstance(inner, Box) else nest_boxes(group, titles, seen, *inner)
        for inner, group in groups.items()
    )
    return Frame(path, titles[path] if path else "", depth, path in seen, parts)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Turns of one structure, each taking the one before, of which the first is drawn.

    last: the path of the last turn's frame, or its box's name.
    ends: the nodes whose values the first and the last turn give.
    """

    times: int
    last: str
    ends: tuple[Node, Node]

    def describe_changes(self) -> list[str]:
        """Return in words the shapes that the first and the last turn give, where they differ."""
        first, last = map(write_output_shape, self.ends)
        return [] if first == last else [f"first out {first}", f"last out {last}"]


@dataclass(frozen=True, slots=True)
class Scene:
    """The part of a graph that is shown: boxes and edges in graph order.

    marks: the outputs of the network, or the ends of a block that is drawn by itself.
    titles: of frames, by their paths. repeats: by the name of the turn that is drawn.
    parts: boxes and marks by name.
    """

    graph: Graph
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    marks: tuple[Mark, ...]
    titles: Mapping[str, str]
    repeats: Mapping[str, Repeat] = field(default_factory=dict)
    parts: Mapping[str, Box | Mark] = field(init=False)

    def __post_init__(self) -> None:
        parts: list[Box | Mark] = [*self.marks, *self.boxes]
        by_name = {part.name: part for part in parts}
        object.__setattr__(self, "parts", MappingProxyType(by_name))

    def first_turn(self, box: Box) -> Sequence[Node]:
        """Return what a box stands for in the first turn of the repeats around it."""
        turns = prod(self.repeats[path].times for path in box.frames if path in self.repeats)
        return box.stands[: len(box.stands) // turns]

    def frame_name(self, path: str) -> str:
        """Return the name of a frame, for all turns of a repeat together: `unit1-4`."""
        name, repeat = path.rpartition(".")[2], self.repeats.get(path)
        if repeat is None:
            return name
        last = repeat.last.rpartition(".")[2]
        shared = re.match(r"\D*", name)
        return f"{name}-{last.removeprefix(shared[0] if shared else '')}"

    def frame_title(self, path: str) -> list[str]:
        """Return the name of a frame, how often it repeats, and its block: `unit1-4 ×4`,
        `residual`."""
        name, title, repeat = self.frame_name(path), self.titles[path], self.repeats.get(path)
        titles = [] if not title or name.startswith(title) else [title]
        return [f"{name} ×{repeat.times}" if repeat else name, *titles]

    def frame_lines(self, path: str) -> list[str]:
        """Return the title of a frame and, of a repeat, the shapes that its turns give."""
        repeat = self.repeats.get(path)
        return [*self.frame_title(path), *(repeat.describe_changes() if repeat else [])]


def write_output_shape(node: Node) -> str:
    """Return the shape of a node's output, as pictures write it."""
    return notation.write_shape(node.facts.shape) if node.facts else notation.UNKNOWN


def join_title(lines: Sequence[str]) -> str:
    """Return the lines of a title as one: `unit1-4 ×4: residual`."""
    name, *more = lines
    return f"{name}: {', '.join(more)}" if more else name
