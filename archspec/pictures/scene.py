"""Define the parts of a picture, as frozen values: boxes in frames, edges, and marks.

A scene refers to its parts by name, as a graph does to its nodes: an edge has the names of its
ends, and `scene.parts[name]` is the box or mark of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from archspec import notation
from archspec.differences.changes import Change, ChangeKind, WayKind
from archspec.graph import Graph, Node, State

Way = Literal["down", "up", "level"]
WORST_FIRST: tuple[State, ...] = ("failed", "following")


class Box(Struct, frozen=True, eq=False):
    """One or more layers in a row, drawn as one box.

    The first layer takes the inputs, each other takes only the one before it.

    nodes: the layers that the box shows. represented: those, and all others that it is drawn for:
    later repetitions of a repeat, later calls     of a shared layer. frames: the paths of the
    frames around it, outermost first. block: the path of the block that is folded into it; "" for
    layers. rank: the number of boxes on the longest way to it.
    """

    nodes: tuple[Node, ...]
    represented: tuple[Node, ...]
    frames: tuple[str, ...] = ()
    block: str = ""
    rank: int = 0

    @property
    def name(self) -> str:
        return self.block or self.nodes[0].name

    @property
    def state(self) -> State:
        """The worst state of its layers: "failed", "following" or "sound"."""
        states = {node.state for node in self.represented}
        return next((state for state in WORST_FIRST if state in states), "sound")

    @property
    def calls(self) -> int:
        """The number of calls of a shared layer; 1 for any other."""
        return 1 + sum(node.reuses == self.nodes[0].name for node in self.represented)


class Mark(Struct, frozen=True, eq=False):
    """A point that is not a layer.

    kind: "output", whose text is the node's name; "link" to another column; "passage" of a value,
    with its label as text; "end" of a block that is drawn by itself; "bend" of a skip connection.
    frames: the paths of the frames around it, outermost first. title_letters: the number of letters
    that must fit beside it, for the titles of the frames that     begin above it. skipped: for a
    bend, the names of the boxes that are skipped.
    """

    name: str
    kind: str
    text: str = ""
    frames: tuple[str, ...] = ()
    title_letters: int = 0
    skipped: tuple[str, ...] = ()


class Edge(Struct, frozen=True):
    """A value on its way from a box or mark to another.

    tail, head: names of its ends. value: the node whose output it is. label: the call argument or
    the calls that it is for. skip: whether the value also reaches the head by a longer way. back:
    whether the head comes before the tail, being a shared layer that is called again. way: "up" in
    the part of a network that expands, if it stands beside the part that contracts, and "level"
    from one to the other; else "down". change: what is done to the connection, in a picture of what
    differs between two networks.
    """

    tail: str
    head: str
    value: Node
    label: str = ""
    skip: bool = False
    back: bool = False
    way: Way = "down"
    change: WayKind = ""


class Frame(Struct, frozen=True, eq=False):
    """A named group or block and what is in it, in order; a column has no path and depth 0.

    continued: whether it began in an earlier column.
    """

    path: str
    title: str
    depth: int
    continued: bool = False
    parts: tuple[ScenePart, ...] = ()

    @property
    def name(self) -> str:
        return self.path

    @property
    def boxes(self) -> list[Box]:
        """All boxes in it and in the frames inside it."""
        return [box for part in self.parts for box in list_boxes(part)]

    @property
    def frames(self) -> list[Frame]:
        """The frame itself and all frames inside it."""
        inner = [part.frames for part in self.parts if isinstance(part, Frame)]
        return [self, *(frame for frames in inner for frame in frames)]


ScenePart = Frame | Box | Mark  # what a frame may hold


def list_boxes(part: ScenePart) -> list[Box]:
    """Return the boxes in a frame, or the box itself."""
    return part.boxes if isinstance(part, Frame) else [part] if isinstance(part, Box) else []


def nest_boxes(
    boxes: Iterable[Box], titles: Mapping[str, str], seen: Iterable[str] = (), path: str = ""
) -> Frame:
    """Return the frame at a path with the boxes in it, inside the frames that are around them.

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


class FoldedRepeat(Struct, frozen=True):
    """Repetitions of one structure, each taking the one before, of which the first is drawn.

    last: the path of the last repetition's frame, or its box's name. ends: the nodes whose values
    the first and the last repetition give.
    """

    times: int
    last: str
    ends: tuple[Node, Node]

    def describe_changes(self) -> list[str]:
        """Return the output shapes of the first and the last repetition, where they differ."""
        first, last = map(write_output_shape, self.ends)
        return [] if first == last else [f"first out {first}", f"last out {last}"]


class Scene(Struct, frozen=True, dict=True):
    """The part of a graph that is shown: boxes and edges in graph order.

    marks: the outputs of the network, or the ends of a block that is drawn by itself. titles: those
    of frames, by path. names: those of frames that are drawn for groups around them too, by path.
    repeats: by the name of the repetition that is drawn. compares: whether it
    shows what differs from another network. changes: that, by the names of nodes and marks.
    lost: how many connections that are gone are left out. second: of two networks in one, the one
    whose shapes folded blocks have. parts: boxes and marks by name.
    """

    graph: Graph
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    marks: tuple[Mark, ...]
    titles: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)
    repeats: Mapping[str, FoldedRepeat] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    compares: bool = False
    lost: int = 0
    second: Graph | None = None

    @cached_property
    def parts(self) -> Mapping[str, Box | Mark]:
        """The boxes and marks by name."""
        parts: list[Box | Mark] = [*self.marks, *self.boxes]
        return MappingProxyType({part.name: part for part in parts})

    @property
    def has_ways_up(self) -> bool:
        """Whether a part that expands stands beside the part that contracts."""
        return any(edge.way == "up" for edge in self.edges)

    def find_kind(self, name: str) -> ChangeKind:
        """Return what is done to a node or a mark; "" for one that is the same."""
        return self.changes[name].kind if name in self.changes else ""

    def find_way(self, node: Node, taken: str) -> WayKind:
        """Return what is done to the connection by which a node takes another."""
        ways = self.changes[node.name].ways if node.name in self.changes else ()
        return ways[node.inputs.index(taken)] if ways else ""

    def find_kinds(self, nodes: Iterable[Node]) -> set[ChangeKind]:
        """Return all that is done to nodes, without what is done to connections."""
        return {self.find_kind(node.name) for node in nodes}

    def find_done(self, box: Box) -> ChangeKind:
        """Return what is done to all layers of a box; `changed` where it is not one thing, or where
        connections inside a folded block are others."""
        kinds = self.find_kinds(box.represented)
        if box.block and kinds == {""} and self.differs(box):
            return "changed"
        return kinds.pop() if len(kinds) == 1 else "changed"

    def differs(self, box: Box) -> bool:
        """Return whether something is done to a layer of a box, or to a connection into one."""
        return any(node.name in self.changes for node in box.represented)

    def is_gone(self, box: Box) -> bool:
        """Return whether no layer of a box is in the network, but was in another."""
        return self.find_kinds(box.represented) <= {"removed", "left"}

    def first_repetition(self, box: Box) -> Sequence[Node]:
        """Return the nodes of a box in the first repetition of the repeats around it."""
        repetitions = prod(self.repeats[path].times for path in box.frames if path in self.repeats)
        return box.represented[: len(box.represented) // repetitions]

    def write_frame_name(self, path: str) -> str:
        """Return the name of a frame, for all repetitions of a repeat together: `unit1-4`.

        Where nobody named them, `encoder` to `encoder_11`, it is the name that they share.
        """
        name, repeat = self._find_name(path), self.repeats.get(path)
        if repeat is None:
            return name
        last = self._find_name(repeat.last)
        if re.fullmatch(rf"{re.escape(name)}_\d+", last):
            return name
        shared = re.match(r".*\D(?=\d+$)", name) or re.match(r"\D*", name)
        return f"{name}-{last.removeprefix(shared[0] if shared else '')}"

    def _find_name(self, path: str) -> str:
        return self.names.get(path) or path.rpartition(".")[2]

    def list_title_lines(self, path: str) -> list[str]:
        """Return the name of a frame with its number of repetitions, and its block, each a line.

        For example ["unit1-4 ×4", "residual"].
        """
        name, title, repeat = self.write_frame_name(path), self.titles[path], self.repeats.get(path)
        said = not title or name.rpartition(".")[2].startswith(title)
        titles = [] if said else [title]
        return [f"{name} ×{repeat.times}" if repeat else name, *titles]

    def list_frame_lines(self, path: str) -> list[str]:
        """Return the title lines of a frame and, for a repeat, its first and last output shapes."""
        repeat = self.repeats.get(path)
        return [*self.list_title_lines(path), *(repeat.describe_changes() if repeat else [])]


def write_output_shape(node: Node) -> str:
    """Return the shape of a node's output, as pictures write it."""
    return notation.write_shape(node.facts.shape) if node.facts else notation.UNKNOWN


def join_title(lines: Sequence[str]) -> str:
    """Return the lines of a title as one line.

    >>> join_title(["unit1-4 ×4", "residual"])
    'unit1-4 ×4: residual'
    """
    name, *more = lines
    return f"{name}: {', '.join(more)}" if more else name
