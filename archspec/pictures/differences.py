"""Find what differs between networks that are drawn side by side, by what their boxes say."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from msgspec.structs import replace

from archspec.pictures.labels import Labels
from archspec.pictures.scene import Box

ALIKE = 0.2  # the share of boxes that networks must have in common: else all would be marked


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
    """Return the names of the boxes of both pictures that the other does not have in that place."""
    pair = (one, other)
    texts = [[_write(labels, box) for box in labels.picture.scene.boxes] for labels in pair]
    matcher = SequenceMatcher(None, texts[0], texts[1], autojunk=False)
    if matcher.ratio() < ALIKE:
        return set(), set()
    names = [{box.name for box in labels.picture.scene.boxes} for labels in pair]
    for block in matcher.get_matching_blocks():
        for index in range(block.size):
            for side, start in enumerate((block.a, block.b)):
                names[side].discard(pair[side].picture.scene.boxes[start + index].name)
    return names[0], names[1]


def _write(labels: Labels, box: Box) -> str:
    """Return what a box says."""
    first = box.nodes[0]
    return labels.write_terminal(first) if first.op == "InputLayer" else labels.write_box(box)
