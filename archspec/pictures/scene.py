"""What a picture is made of: boxes in frames, edges between them, and marks that are no layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from archspec import notation
from archspec.graph import Graph, Node, State

WORST_FIRST: tuple[State, ...] = ("failed", "following")


@dataclass(eq=False, slots=True)
class Box:
    """Layers drawn as one: the first takes the inputs, each other takes the one before it alone.

    nodes: what it shows. stands: those and all others that it is drawn for, in graph order: later
    turns of a repeat, later calls of a shared layer. frames: paths of those around it, outermost
    first. block: path of the block that is folded into it, else "". rank: boxes on the longest way
    to it.
    """

    nodes: list[Node]
    stands: list[Node]
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
        """How often a shared layer is called; 1 of any other."""
        return 1 + sum(node.reuses == self.nodes[0].name for node in self.stands)


@dataclass(eq=False, slots=True)
class Mark:
    """A point that is no layer.

    kind: "output", whose text is the node's name; "link" to another column; "passage" of a value,
    whose text says it; "end" of a block that is drawn by itself; "bend" of a skip connection. room:
    letters that must fit beside it, for the titles of the frames that begin above it. beside: of a
    bend, the boxes that are skipped.
    """

    name: str
    kind: str
    text: str = ""
    frames: tuple[str, ...] = ()
    room: int = 0
    beside: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """A value on its way. value: the node that gives it. label: what the head takes it for.
    skip: it also reaches `head` by a longer way. back: `head` comes before `tail`, being a shared
    layer that is called again.
    """

    tail: Box | Mark
    head: Box | Mark
    value: Node
    label: str = ""
    skip: bool = False
    back: bool = False


@dataclass(eq=False, slots=True)
class Frame:
    """A named group or block and what is in it, in order; a column has no path and depth 0.

    continued: whether it began in an earlier column.
    """

    path: str
    title: str
    depth: int
    continued: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path

    @property
    def boxes(self) -> list[Box]:
        """All boxes in it and in its frames."""
        return [box for part in self.parts for box in boxes_of(part)]


Part = Frame | Box | Mark


def boxes_of(part: Part) -> list[Box]:
    """The boxes that are in a part, or that it is."""
    return part.boxes if isinstance(part, Frame) else [part] if isinstance(part, Box) else []


@dataclass(frozen=True, slots=True)
class Run:
    """Turns of one structure, each taking the one before, of which the first is drawn. last: the
    path of the last one's frame, or its box's name. ends: what the first and the last turn give."""

    times: int
    last: str
    ends: tuple[Node, Node]

    def changes(self) -> list[str]:
        """The shapes that the first and the last turn give, where they differ."""
        first, last = map(shape_of, self.ends)
        return [] if first == last else [f"first out {first}", f"last out {last}"]


@dataclass(frozen=True, slots=True)
class Sight:
    """The part of a graph that is seen: boxes and edges in graph order. titles: of frames, by path.
    runs: by the name of the turn that is drawn."""

    graph: Graph
    boxes: Sequence[Box]
    edges: Sequence[Edge]
    titles: Mapping[str, str]
    runs: Mapping[str, Run] = field(default_factory=dict)

    def turn(self, box: Box) -> Sequence[Node]:
        """What a box stands for in the one turn of the runs around it that is drawn."""
        turns = prod(self.runs[path].times for path in box.frames if path in self.runs)
        return box.stands[: len(box.stands) // turns]

    def named(self, path: str) -> str:
        """What a frame is called, all turns of a run together: `unit1-4`."""
        name, run = path.rpartition(".")[2], self.runs.get(path)
        if run is None:
            return name
        last = run.last.rpartition(".")[2]
        shared = re.match(r"\D*", name)
        return f"{name}-{last.removeprefix(shared[0] if shared else '')}"

    def called(self, path: str) -> list[str]:
        """Of a frame its name, of a run how often, and its block: `unit1-4 ×4`, `residual`."""
        name, title, run = self.named(path), self.titles[path], self.runs.get(path)
        titles = [] if not title or name.startswith(title) else [title]
        return [f"{name} ×{run.times}" if run else name, *titles]

    def said(self, path: str) -> list[str]:
        """The same, and what the turns of a run give."""
        run = self.runs.get(path)
        return [*self.called(path), *(run.changes() if run else [])]


def nest(boxes: Iterable[Box], titles: Mapping[str, str], seen: Iterable[str] = ()) -> Frame:
    """The boxes in their frames. seen: paths of frames that began elsewhere."""
    column = Frame("", "", 0)
    frames = {"": column}
    for box in boxes:
        frame = column
        for path in box.frames:
            if path not in frames:
                frames[path] = Frame(path, titles[path], frame.depth + 1, path in seen)
                frame.parts.append(frames[path])
            frame = frames[path]
        frame.parts.append(box)
    return column


def shape_of(node: Node) -> str:
    """Of its output, as pictures say it."""
    return notation.shape(node.facts.shape) if node.facts else notation.UNKNOWN


def in_line(said: Sequence[str]) -> str:
    """The lines of a title as one: `unit1-4 ×4: residual`."""
    name, *more = said
    return f"{name}: {', '.join(more)}" if more else name
