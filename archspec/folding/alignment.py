"""Lay sequences side by side: which items of several stand for the same step of one block."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf

from msgspec import Struct, field

from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Item,
    LayerItem,
    MarkedRun,
    PathItem,
    Sequence,
    shape_of,
    walk_sequences,
)
from archspec.layers.table import traits_of

Pairs = list[tuple[int | None, int | None]]
Compare = Callable[[Item, Item], float]


class Slot(Struct):
    """One step of several sequences. found: the item of each sequence, None where it lacks one.

    paths: of branches, the slots of each path.
    """

    item: Item
    found: list[Item | None] = field(default_factory=list)
    paths: list[list[Slot]] = field(default_factory=list)


def align(one: Sequence, other: Sequence, score_items: Compare | None = None) -> Pairs:
    """Return the pairs of places at which two sequences are alike, None where one lacks the step.

    It is the longest common subsequence, weighted by how much items have in common. score_items:
    returns how much that is, below 0 if they cannot be one step; by default `compare`.
    """
    score_items = score_items or compare
    if score_items is compare and [shape_of(each) for each in one] == [
        shape_of(each) for each in other
    ]:
        return [(place, place) for place in range(len(one))]
    scores = [[score_items(left, right) for right in other] for left in one]
    height, width = len(one), len(other)
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for i in range(height - 1, -1, -1):
        row, below, score = best[i], best[i + 1], scores[i]
        for j in range(width - 1, -1, -1):
            both = score[j] + below[j + 1] if score[j] > 0 else -1.0
            row[j] = max(below[j], row[j + 1], both)
    pairs: Pairs = []
    i = j = 0
    while i < height and j < width:
        if scores[i][j] > 0 and best[i][j] == scores[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return [*pairs, *((k, None) for k in range(i, height)), *((None, k) for k in range(j, width))]


def compare(one: Item, other: Item) -> float:
    """Return how much two items have in common; -1 if they cannot stand for one step."""
    match one, other:
        case LayerItem(), LayerItem():
            if one.op == other.op == "from":
                return 1
            if (one.op, one.call, one.sources) != (other.op, other.call, other.sources):
                return -1
            if one.reuses or other.reuses or one.name != other.name:
                return -1
            names = {*one.arguments, *other.arguments}
            same = sum(one.arguments.get(name) == other.arguments.get(name) for name in names)
            kernels = one.arguments.get("kernel_size") == other.arguments.get("kernel_size")
            return 1 + (same / len(names) if names else 1) - (0 if kernels else 0.6)
        case ((CallItem() | MarkedRun()), (CallItem() | MarkedRun())):
            same = (one.block, one.sources, one.name) == (other.block, other.sources, other.name)
            return 2 if same else -1
        case BranchesItem(), BranchesItem():
            if one.merge.op != other.merge.op or len(one.paths) != len(other.paths):
                return -1
            if (one.sources, one.merge.name) != (other.sources, other.merge.name):
                return -1
            if any(map(_do_other_work, one.paths, other.paths)):
                return -1
            return 1 + sum(
                count_alike(left.items, right.items) / 2
                for left, right in zip(one.paths, other.paths, strict=True)
            )
    return -1


def _do_other_work(one: PathItem, other: PathItem) -> bool:
    """Return whether two paths have no kind of layer in common that does the work of a path, as
    attention and a feed-forward net have none: what is around them makes them no variants."""
    mine, others = (
        {
            item.op if isinstance(item, LayerItem) else item.block
            for sequence in walk_sequences(path.items)
            for item in sequence
            if isinstance(item, CallItem | MarkedRun)
            or (isinstance(item, LayerItem) and item.op != "from" and _works(item.op))
        }
        for path in (one, other)
    )
    return bool(mine and others) and mine.isdisjoint(others)


def _works(op: str) -> bool:
    return traits_of(op).kind in ("convolution", "dense", "attention")


def count_alike(one: Sequence, other: Sequence) -> float:
    """Return about how many lines two sequences share."""
    total = 0.0
    for i, j in align(one, other):
        if i is None or j is None:
            continue
        left, right = one[i], other[j]
        if isinstance(left, BranchesItem) and isinstance(right, BranchesItem):
            pairs = zip(left.paths, right.paths, strict=True)
            total += 2 + sum(1 + count_alike(a.items, b.items) for a, b in pairs)
        else:
            total += 1
    return total


def lay_side_by_side(
    sequences: SequenceOf[Sequence], score_items: Compare | None = None
) -> list[Slot]:
    """Return the steps of several sequences, each with the items that stand for it.

    score_items: as `align` takes it.
    """
    count = len(sequences)
    # The longest first: a step that others lack then keeps its place.
    order = sorted(range(count), key=lambda place: -len(sequences[place]))
    slots: list[Slot] = []
    for rank, place in enumerate(order):
        slots = _add(slots, sequences[place], place, count, rank == 0, score_items)
    return slots


def _add(
    slots: list[Slot],
    items: Sequence,
    place: int,
    count: int,
    first: bool,
    score_items: Compare | None,
) -> list[Slot]:
    if first:
        return [_start(item, place, count) for item in items]
    result = []
    for i, j in align(tuple(slot.item for slot in slots), items, score_items):
        if i is None:
            assert j is not None
            result.append(_start(items[j], place, count))
            continue
        slot = slots[i]
        if j is not None:
            item = items[j]
            slot.found[place] = item
            if isinstance(item, BranchesItem):
                slot.paths = [
                    _add(known, path.items, place, count, False, score_items)
                    for known, path in zip(slot.paths, item.paths, strict=True)
                ]
        result.append(slot)
    return result


def _start(item: Item, place: int, count: int) -> Slot:
    slot = Slot(item, [None] * count)
    slot.found[place] = item
    if isinstance(item, BranchesItem):
        slot.paths = [[_start(each, place, count) for each in path.items] for path in item.paths]
    return slot
