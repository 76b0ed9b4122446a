"""Mark in a graph how its nodes differ from those of another graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from archspec.graph import Graph

ChangeKind = Literal["", "added", "removed", "changed", "moved", "left"]
WayKind = Literal["", "added", "removed"]


class Change(Struct, frozen=True):
    """How a node, and the connections into it, differ between two networks.

    kind: `moved` for a layer in its new place, `left` for its old one; "" for one that is the same.
    words: what a layer was and is, in the place of what pictures say of it: `conv 3×3 → 5×5, 64`.
    notes: further lines. says_activation: whether the words have the layer's activation. ways: for
    each of its inputs, whether the connection is added or removed; () if none is.
    """

    kind: ChangeKind = ""
    words: str = ""
    notes: tuple[str, ...] = ()
    ways: tuple[WayKind, ...] = ()
    says_activation: bool = False


class ChangedGraph(Struct, frozen=True, eq=False):
    """A graph, and what of it differs from another.

    changes: by the names of nodes; none for one that is the same and taken alike. outputs: those
    that are added or removed, by name. lost: how many connections that are gone are left out.
    second: of a merged graph, the network whose shapes folded blocks have. gone: of one, the names
    that the layers of the first network alone have there.
    """

    graph: Graph
    changes: Mapping[str, Change]
    outputs: Mapping[str, WayKind] = field(default_factory=dict)
    lost: int = 0
    second: Graph | None = None
    gone: Mapping[str, str] = field(default_factory=dict)
