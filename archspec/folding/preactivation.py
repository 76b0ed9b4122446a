"""Write the units of a pre-activation network in one way.

In such a network a unit that has a projection normalizes before its branches, and the others at the
start of their main branch, beside the raw input. With the shortcut written as a branch that begins
with `from: input`, all of them normalize first, and are calls of one block.
"""

from __future__ import annotations

from msgspec.structs import replace

from archspec.folding.items import (
    BranchesItem,
    LayerItem,
    PathItem,
    Sequence,
    is_sum,
    list_nodes,
    walk_sequences,
)
from archspec.layers.table import traits_of


def hoist(main: Sequence) -> Sequence | None:
    """Return the network with the first layers of main branches before the branches; None if no
    unit of it normalizes before branches."""
    before = {
        prefix
        for sequence in walk_sequences(main)
        for place, item in enumerate(sequence)
        if isinstance(item, BranchesItem) and place > 1
        if (prefix := _read_prefix(sequence[place - 2 : place])) is not None
    }
    changed = _hoist(main, before)
    return None if changed is main else changed


def _read_prefix(items: Sequence) -> tuple[str, ...] | None:
    """Return the classes of a normalization and an activation; None for other items."""
    ops = tuple(item.op for item in items if isinstance(item, LayerItem) and item.op != "from")
    kinds = [traits_of(op).kind for op in ops]
    return ops if kinds == ["normalization", "activation"] and len(items) == 2 else None


def _hoist(sequence: Sequence, before: set[tuple[str, ...]]) -> Sequence:
    result = []
    changed = False
    for item in sequence:
        if isinstance(item, BranchesItem) and len(item.paths) == 2 and is_sum(item.merge.op):
            place = max((0, 1), key=lambda place: len(item.paths[place].items))
            main = item.paths[place].items
            if len(main) > 2 and _read_prefix(main[:2]) in before:
                first = next(list_nodes(main[0]))
                other = item.paths[1 - place]
                back = LayerItem(op="from", sources=first, channels=item.channels)
                paths = [PathItem(main[2:]), PathItem((back, *other.items))]
                if place == 1:
                    paths.reverse()
                result += [*main[:2], replace(item, paths=tuple(paths))]
                changed = True
                continue
        result.append(item)
    return tuple(result) if changed else sequence
