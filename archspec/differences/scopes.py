"""Read the scopes of a graph as a tree: groups and blocks, and the nodes in them."""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct, field

from archspec.graph import Graph, Node, Region

DIGIT = re.compile(r"\d")


class ScopeTree(Struct, eq=False):
    """A group or block, or the whole network.

    path: its dotted name, "" for the whole. region: None for the whole. kids: what is in it, in the
    order of their first nodes. nodes: all nodes below it.
    """

    path: str
    region: Region | None = None
    kids: list[ScopeTree | Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


Kid: TypeAlias = ScopeTree | Node


def read_scopes(graph: Graph) -> ScopeTree:
    """Return the scope of a whole graph, with those in it."""
    top = ScopeTree("")
    known: dict[str, ScopeTree] = {}
    for node in graph:
        around = top
        around.nodes.append(node)
        for region in node.regions:
            inner = known.get(region.path)
            if inner is None:
                inner = known[region.path] = ScopeTree(region.path, region)
                around.kids.append(inner)
            around = inner
            around.nodes.append(node)
        around.kids.append(node)
    return top


def last_part(kid: Kid) -> str:
    """Return the last part of a name: `conv2d` of `stage1.conv2d`."""
    name = kid.path if isinstance(kid, ScopeTree) else kid.name
    return name.rpartition(".")[2]


def is_named(kid: Kid) -> bool:
    """Return whether the last part of a name is written in the spec."""
    if isinstance(kid, ScopeTree):
        return kid.region is None or kid.region.named
    return kid.named or not kid.inputs


def is_anchor(kid: Kid) -> bool:
    """Return whether a name stands for itself: it is written, and no number of a turn is in it."""
    return is_named(kid) and not DIGIT.search(last_part(kid))
