"""Mark the runs of a network that become calls of one block, and take marks away."""

from __future__ import annotations

from msgspec.structs import replace

from archspec.folding.items import (
    BranchesItem,
    Item,
    MarkedRun,
    PathItem,
    Sequence,
    input_channels,
    name_of,
    with_name,
)


def mark(sequence: Sequence, starts: dict[int, dict[int, int]], name: str) -> Sequence:
    """Return a network with runs marked as calls of a block.

    starts: of each sequence, by its id, where a run starts to where it ends. name: of the block.
    """
    result: list[Item] = []
    here = starts.get(id(sequence), {})
    place = 0
    while place < len(sequence):
        if place in here:
            items = sequence[place : here[place]]
            last = name_of(items[-1])
            items = (*items[:-1], with_name(items[-1], None))
            inner = tuple(_mark_inside(each, starts, name) for each in items)
            channels = input_channels(items)
            result.append(MarkedRun(block=name, items=inner, channels=channels, name=last))
            place = here[place]
        else:
            result.append(_mark_inside(sequence[place], starts, name))
            place += 1
    return tuple(result)


def _mark_inside(item: Item, starts: dict[int, dict[int, int]], name: str) -> Item:
    if isinstance(item, BranchesItem):
        paths = tuple(PathItem(mark(path.items, starts, name), path.when) for path in item.paths)
        return replace(item, paths=paths)
    if isinstance(item, MarkedRun):
        return replace(item, items=mark(item.items, starts, name))
    return item


def unmark(sequence: Sequence, name: str) -> Sequence:
    """Return a network without the marks of one block."""
    result: list[Item] = []
    for item in sequence:
        if isinstance(item, MarkedRun):
            items = unmark(item.items, name)
            if item.block == name:
                result += items[:-1]
                result.append(with_name(items[-1], item.name))
            else:
                result.append(replace(item, items=items))
        elif isinstance(item, BranchesItem):
            paths = tuple(PathItem(unmark(path.items, name), path.when) for path in item.paths)
            result.append(replace(item, paths=paths))
        else:
            result.append(item)
    return tuple(result)


def rename(sequence: Sequence, old: str, new: str) -> Sequence:
    """Return a network in which the runs of one block are marked as those of another."""
    result: list[Item] = []
    for item in sequence:
        if isinstance(item, MarkedRun):
            block = new if item.block == old else item.block
            result.append(replace(item, block=block, items=rename(item.items, old, new)))
        elif isinstance(item, BranchesItem):
            paths = tuple(PathItem(rename(path.items, old, new), path.when) for path in item.paths)
            result.append(replace(item, paths=paths))
        else:
            result.append(item)
    return tuple(result)
