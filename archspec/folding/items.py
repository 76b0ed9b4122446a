"""Define the parts of a network while it is folded: layers, branches, and runs that become blocks.

A sequence is a tuple of items, each of which takes the output of the one before it. Values are
frozen: each step of folding returns new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.layers.table import traits_of

Sequence = tuple["Item", ...]


class Formula(str):
    """The text of a formula, with its `=`, among values that are no formulas."""


class LayerItem(Struct, frozen=True, eq=False, kw_only=True):
    """One call of a layer.

    arguments: those that are not the default, as a spec writes them. channels: the last axis of
    its first input. nodes: the names of the nodes that it stands for. sources: what is written
    under `from`, if anything is. reuses: the name of the step whose layer it calls again.

    A layer called `from` is none: it begins a branch that takes the block's input, where the node
    under `sources` does.
    """

    op: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    channels: int | None = None
    nodes: tuple[str, ...] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    sources: Any = None
    reuses: str | None = None
    name: str | None = None
    when: Formula | None = None


class PathItem(Struct, frozen=True, eq=False):
    """One of several branches.

    when: the condition under which it is there. key: its name, if it is to keep one. is_there:
    false for a branch that a run lacks, and others have.
    """

    items: Sequence
    when: Formula | None = None
    key: str | None = None
    is_there: bool = True


class BranchesItem(Struct, frozen=True, eq=False, kw_only=True):
    """Paths that take the same value, and the layer that joins them.

    sources: what is written under `from`, if anything is.
    """

    paths: tuple[PathItem, ...]
    merge: LayerItem
    channels: int | None = None
    sources: Any = None
    when: Formula | None = None


class MarkedRun(Struct, frozen=True, eq=False, kw_only=True):
    """A run of items that becomes a call of a block.

    block: the block's name. sources: what is written under `from`; a list if the block has several
    inputs. shipped: the arguments of the call, if the block comes with archspec.
    """

    block: str
    items: Sequence
    channels: int | None = None
    sources: Any = None
    when: Formula | None = None
    name: str | None = None
    shipped: Mapping[str, Any] | None = None


class CallItem(Struct, frozen=True, eq=False, kw_only=True):
    """A call of a block. arguments: of its params, without those that the call does not need."""

    block: str
    arguments: Mapping[str, Any]
    channels: int | None = None
    nodes: tuple[str, ...] = ()
    sources: Any = None
    when: Formula | None = None
    name: str | None = None


class LoopItem(Struct, frozen=True, eq=False, kw_only=True):
    """Items that are there several times, one after the other.

    variables: the lists that `for` walks, by the name of the variable; {} for a plain `repeat`.
    count: how often, a number or a formula; None for a group, which is there once. name: of each
    iteration, or of the group. is_group: whether the name is that of a group around one step.
    """

    items: Sequence
    count: Any
    variables: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    when: Formula | None = None
    is_group: bool = False


Item = LayerItem | BranchesItem | MarkedRun | CallItem | LoopItem


def is_sum(op: str) -> bool:
    """Return whether a layer joins its inputs as a shortcut is joined: it adds, or the like."""
    traits = traits_of(op)
    return traits.any_order and not traits.scales


def is_concatenation(op: str) -> bool:
    """Return whether a layer puts its inputs beside each other."""
    traits = traits_of(op)
    return traits.joins_any and not traits.any_order


def completes(item: Item, before: Item) -> bool:
    """Return whether an item belongs to the one before it, as a normalization and an activation
    belong to a convolution, and an activation to a sum."""
    kind, last = traits_of(_op_of(item)).kind, traits_of(_op_of(before)).kind
    if kind == "activation":
        joins = is_sum(_op_of(before)) or is_concatenation(_op_of(before))
        return joins or last in ("convolution", "dense", "normalization")
    return kind == "normalization" and last in ("convolution", "dense")


def _op_of(item: Item) -> str:
    """Return the class of a layer, or of the layer that joins branches; "" for a block or loop."""
    layer = item.merge if isinstance(item, BranchesItem) else item
    return layer.op if isinstance(layer, LayerItem) else ""


def input_channels(sequence: Sequence) -> int | None:
    """Return the last axis of what a sequence takes; None if it is unknown."""
    first = sequence[0]
    return input_channels(first.items) if isinstance(first, LoopItem) else first.channels


def list_nodes(item: Item) -> Iterator[str]:
    """Yield the names of the nodes that an item stands for."""
    match item:
        case LayerItem() | CallItem():
            yield from item.nodes
        case MarkedRun() | LoopItem():
            for each in item.items:
                yield from list_nodes(each)
        case BranchesItem():
            for path in item.paths:
                for each in path.items:
                    yield from list_nodes(each)
            yield from item.merge.nodes


def walk_sequences(sequence: Sequence) -> Iterator[Sequence]:
    """Yield a sequence and every sequence inside it."""
    yield sequence
    for item in sequence:
        if isinstance(item, BranchesItem):
            for path in item.paths:
                yield from walk_sequences(path.items)
        elif isinstance(item, MarkedRun | LoopItem):
            yield from walk_sequences(item.items)


def change_sequences(sequence: Sequence, change: Callable[[Sequence], Sequence]) -> Sequence:
    """Return a sequence with every sequence inside it, the innermost first, changed."""
    return change(tuple(_change_item(item, change) for item in sequence))


def _change_item(item: Item, change: Callable[[Sequence], Sequence]) -> Item:
    if isinstance(item, BranchesItem):
        paths = tuple(
            replace(path, items=change_sequences(path.items, change)) for path in item.paths
        )
        return replace(item, paths=paths)
    if isinstance(item, MarkedRun | LoopItem):
        return replace(item, items=change_sequences(item.items, change))
    return item


def measure(item: Item) -> float:
    """Return about how many lines an item takes in a spec."""
    match item:
        case BranchesItem():
            return 2 + sum(1 + measure_all(path.items) for path in item.paths)
        case LoopItem():
            return 1 + measure_all(item.items)
    return 1


def measure_all(sequence: Sequence) -> float:
    """Return about how many lines a sequence takes in a spec."""
    return sum(measure(item) for item in sequence)


def is_bound(item: Item) -> bool:
    """Return whether an item refers to others by their names, so that it stays where it is."""
    if isinstance(item, BranchesItem):
        inner = (each for path in item.paths for each in path.items)
        if any(is_bound(each) or name_of(each) for each in inner):
            return True
    sources = sources_of(item)
    if isinstance(item, LayerItem) and item.op == "from":
        return False
    names = sources.values() if isinstance(sources, dict) else sources
    others = isinstance(sources, str) or any(each != "previous" for each in names or ())
    return others or (isinstance(item, LayerItem) and bool(item.reuses))


def sources_of(item: Item) -> Any:
    """Return what is written under `from` of an item; None if nothing is."""
    return None if isinstance(item, LoopItem) else item.sources


def with_sources(item: Item, sources: Any) -> Item:
    """Return an item with something else under `from`."""
    return item if isinstance(item, LoopItem) else replace(item, sources=sources)


def name_of(item: Item) -> str | None:
    """Return the name by which others refer to an item, if they do."""
    return item.merge.name if isinstance(item, BranchesItem) else item.name


def with_name(item: Item, name: str | None) -> Item:
    """Return an item with another name, or without one."""
    if isinstance(item, BranchesItem):
        return replace(item, merge=replace(item.merge, name=name))
    return replace(item, name=name)


_numbers: dict[Any, int] = {}


def shape_of(item: Item) -> int:
    """Return a number that is the same for items of one shape: the same layers and branches.

    Arguments make no difference, but for activations.
    """
    what: Any
    match item:
        case LayerItem(op="from"):
            what = "from"
        case LayerItem() if is_bound(item):
            what = ("named", item.nodes, item.op)
        case MarkedRun() | CallItem() if is_bound(item):
            what = ("named", id(item))
        case LayerItem():
            activation = str(item.arguments.get("activation"))
            what = ("layer", item.op, activation, repr(item.sources), repr(item.call))
        case BranchesItem() if is_bound(item):
            what = ("named", item.merge.nodes)
        case BranchesItem():
            paths = tuple(tuple(shape_of(each) for each in path.items) for path in item.paths)
            what = ("branches", item.merge.op, paths)
        case MarkedRun() | CallItem():
            what = ("block", item.block)
        case LoopItem():
            what = ("loop", id(item))
    return _numbers.setdefault(what, len(_numbers))
