"""The parts of a network while it is folded: layers, branches, and the runs that become blocks.

A sequence is a tuple of items, each of which takes the output of the one before it. Values are
frozen: each step of folding returns new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

Sequence = tuple["Item", ...]


class Formula(str):
    """The text of a formula, with its `=`, among values that are no formulas."""


class Layer(Struct, frozen=True, eq=False, kw_only=True):
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


class Path(Struct, frozen=True, eq=False):
    """One of several branches. when: the condition under which it is there."""

    items: Sequence
    when: Formula | None = None
    key: str | None = None


class Branches(Struct, frozen=True, eq=False, kw_only=True):
    """Paths that take the same value, and the layer that joins them.

    sources: what is written under `from`, if anything is.
    """

    paths: tuple[Path, ...]
    merge: Layer
    channels: int | None = None
    sources: Any = None
    when: Formula | None = None


class Group(Struct, frozen=True, eq=False, kw_only=True):
    """A run of items that becomes a call of a block. block: the block's name."""

    block: str
    items: Sequence
    channels: int | None = None
    when: Formula | None = None
    name: str | None = None


class Call(Struct, frozen=True, eq=False, kw_only=True):
    """A call of a block. arguments: of its params, without those that the call does not need."""

    block: str
    arguments: Mapping[str, Any]
    channels: int | None = None
    nodes: tuple[str, ...] = ()
    when: Formula | None = None
    name: str | None = None


class Loop(Struct, frozen=True, eq=False, kw_only=True):
    """Items that are there several times, one after the other.

    variables: the lists that `for` walks, by the name of the variable; {} for a plain `repeat`.
    count: how often, a number or a formula. name: of each iteration.
    """

    items: Sequence
    count: Any
    variables: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    when: Formula | None = None


Item = Layer | Branches | Group | Call | Loop


def list_nodes(item: Item) -> Iterator[str]:
    """Yield the names of the nodes that an item stands for."""
    match item:
        case Layer() | Call():
            yield from item.nodes
        case Group() | Loop():
            for each in item.items:
                yield from list_nodes(each)
        case Branches():
            for path in item.paths:
                for each in path.items:
                    yield from list_nodes(each)
            yield from item.merge.nodes


def walk_sequences(sequence: Sequence) -> Iterator[Sequence]:
    """Yield a sequence and every sequence inside it."""
    yield sequence
    for item in sequence:
        if isinstance(item, Branches):
            for path in item.paths:
                yield from walk_sequences(path.items)
        elif isinstance(item, Group | Loop):
            yield from walk_sequences(item.items)


def change_sequences(sequence: Sequence, change: Callable[[Sequence], Sequence]) -> Sequence:
    """Return a sequence with every sequence inside it, the innermost first, changed."""
    return change(tuple(_change_item(item, change) for item in sequence))


def _change_item(item: Item, change: Callable[[Sequence], Sequence]) -> Item:
    from msgspec.structs import replace

    if isinstance(item, Branches):
        paths = tuple(
            replace(path, items=change_sequences(path.items, change)) for path in item.paths
        )
        return replace(item, paths=paths)
    if isinstance(item, Group | Loop):
        return replace(item, items=change_sequences(item.items, change))
    return item


def measure(item: Item) -> float:
    """Return about how many lines an item takes in a spec."""
    match item:
        case Branches():
            return 2 + sum(1 + measure_all(path.items) for path in item.paths)
        case Loop():
            return 1 + measure_all(item.items)
    return 1


def measure_all(sequence: Sequence) -> float:
    """Return about how many lines a sequence takes in a spec."""
    return sum(measure(item) for item in sequence)


def is_bound(layer: Layer) -> bool:
    """Return whether others refer to a layer by its name, or it to others by theirs."""
    if layer.op == "from":
        return False
    sources = layer.sources
    names = sources.values() if isinstance(sources, dict) else sources
    others = isinstance(sources, str) or any(each != "previous" for each in names or ())
    return bool(layer.name or layer.reuses) or others


_numbers: dict[Any, int] = {}


def shape_of(item: Item) -> int:
    """Return a number that is the same for items of one shape: the same layers and branches.

    Arguments make no difference, but for activations.
    """
    what: Any
    match item:
        case Layer(op="from"):
            what = "from"
        case Layer() if is_bound(item):
            what = ("named", item.nodes, item.op)
        case Layer():
            activation = str(item.arguments.get("activation"))
            what = ("layer", item.op, activation, repr(item.sources), repr(item.call))
        case Branches() if item.sources is not None or item.merge.name:
            what = ("named", item.merge.nodes)
        case Branches():
            paths = tuple(tuple(shape_of(each) for each in path.items) for path in item.paths)
            what = ("branches", item.merge.op, paths)
        case Group() | Call():
            what = ("block", item.block)
        case Loop():
            what = ("loop", id(item))
    return _numbers.setdefault(what, len(_numbers))
