"""Mark what differs between networks that are drawn side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from archspec.pictures.labels import Labels


def mark_differences(drawn: Sequence[Labels]) -> list[Labels]:
    """Return the labels of pictures, with marks on the boxes that differ from the first picture's.

    In the first picture it is those that differ from any other's. Networks with little in common
    are not compared.
    """
    first, *others = drawn
    differing: set[str] = set()
    marked = []
    for other in others:
        here, there = _find_differing(first, other)
        differing |= here
        marked.append(replace(other, differing=frozenset(there)))
    return [replace(first, differing=frozenset(differing)), *marked]


def _find_differing(one: Labels, other: Labels) -> tuple[set[str], set[str]]:
    """Return the names of the boxes of both pictures that show a layer that an edit is about, or
    that stand for such a box of the other picture."""
    from archspec.differences.difference import compare_graphs  # of which most pictures have no use

    difference = compare_graphs(one.picture.graph, other.picture.graph)
    if not difference.is_alike:
        return set(), set()
    holders = [_find_holders(each) for each in (one, other)]
    here, there = (
        {holder[name] for name in names}
        for holder, names in zip(holders, difference.touched, strict=True)
    )
    pairs = [(holders[0][x], holders[1][y]) for x, y in difference.pairs.items()]
    return (
        here | {x for x, y in pairs if y in there},
        there | {y for x, y in pairs if x in here},
    )


def _find_holders(labels: Labels) -> Mapping[str, str]:
    """Return the name of the box that shows each node."""
    return {node.name: box.name for box in labels.picture.scene.boxes for node in box.represented}
