"""Read the steps of a graph by its groups and blocks, as the names of its nodes say them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from archspec.graph import Graph, Node, Region


class ScopePart(Struct, eq=False):
    """A step of a scope: a layer, or what has a scope of its own.

    parts: the steps in it; of a layer none. place: of its first layer among all.
    """

    name: str
    path: str
    parent: ScopePart | None = None
    node: Node | None = None
    region: Region | None = None
    parts: list[ScopePart] = field(default_factory=list)
    place: int = 0

    @property
    def output(self) -> str:
        """The name of the node whose value its name stands for."""
        return self.node.name if self.node is not None else self.parts[-1].output

    @property
    def first(self) -> Node:
        """The first layer in it."""
        return self.node if self.node is not None else self.parts[0].first

    @property
    def kind(self) -> str:
        """The kind of its region, or "layer"."""
        return self.region.kind if self.region is not None else "layer"

    def walk(self) -> Iterator[ScopePart]:
        """Yield it and every part inside it, the outer one first."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def list_nodes(self) -> list[Node]:
        """Return the layers in it."""
        return [part.node for part in self.walk() if part.node is not None]

    def is_inside(self, other: ScopePart) -> bool:
        """Return whether it is another part, or inside it."""
        part: ScopePart | None = self
        while part is not None and part is not other:
            part = part.parent
        return part is other


def read_parts(graph: Graph) -> ScopePart:
    """Return the steps of a graph by its groups and blocks."""
    root = ScopePart("", "")
    known: dict[str, ScopePart] = {"": root}
    for place, node in enumerate(graph):
        if node.op == "InputLayer":
            continue
        around = root
        for region in node.regions:
            part = known.get(region.path)
            if part is None:
                name = region.path.rpartition(".")[2]
                part = ScopePart(name, region.path, around, None, region, [], place)
                known[region.path] = part
                around.parts.append(part)
            assert around.parts[-1] is part, f"{part.path} is in pieces"
            around = part
        name = node.name.rpartition(".")[2]
        around.parts.append(ScopePart(name, node.name, around, node, None, [], place))
    return root
