"""Turn runs that are marked as blocks into blocks with params and calls with arguments."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Item,
    LayerItem,
    LoopItem,
    MarkedRun,
    Sequence,
    list_nodes,
    walk_sequences,
)
from archspec.folding.unfolding import UnifiedBody
from archspec.folding.unify import unify
from archspec.folding.values import MISSING, holds_formula


class Solved(Struct, frozen=True):
    """The steps of a network, in which calls stand for runs, and its blocks, inner ones first.

    defaults: of the params of each block, where they have one.
    """

    main: Sequence
    blocks: Mapping[str, UnifiedBody]
    defaults: Mapping[str, Mapping[str, Any]]


class Solver:
    """Makes blocks of marked runs, and remembers those that it has made."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, ...], UnifiedBody | None] = {}
        self.numbers: dict[Any, int] = {}
        self.seen: dict[int, tuple[Item, int]] = {}

    def solve(self, main: Sequence) -> Solved | None:
        """Return the network with a block for each mark; None if runs of one mark are no block."""
        blocks: dict[str, UnifiedBody] = {}
        while groups := list(list_groups(main)):
            outer = {group.block for group in groups if _holds_group(group)}
            calls: dict[int, CallItem] = {}
            ready = dict.fromkeys(group.block for group in groups if group.block not in outer)
            if not ready:
                return None  # a block would call itself
            for name in ready:
                runs = [group for group in groups if group.block == name]
                if not all(map(_begins_where_its_branches_do, runs)):
                    return None
                if runs[0].shipped is not None:
                    calls |= {id(each): _make_call(each, each.shipped or {}) for each in runs}
                    continue
                unique = {self.number_all(each.items, each.channels): each for each in runs}
                key = tuple(unique)
                if key not in self.known:
                    self.known[key] = unify([each.items for each in unique.values()])
                body = self.known[key]
                if body is None:
                    return None
                blocks[name] = body
                rows = {number: _row(body, place) for place, number in enumerate(unique)}
                for each in runs:
                    row = rows[self.number_all(each.items, each.channels)]
                    calls[id(each)] = _make_call(each, row)
            main = _put_calls(main, calls)
        if _reuses_call(main):
            return None  # to call the layer again would call the whole block again
        return Solved(main, blocks, find_param_defaults(main, blocks))

    def number(self, item: Item) -> int:
        """Return a number that is the same for items of the same content."""
        known = self.seen.get(id(item))
        if known is not None:
            return known[1]
        match item:
            case LayerItem():
                what: Any = (
                    item.op,
                    repr(item.arguments),
                    repr(item.call),
                    item.name,
                    "" if item.op == "from" else repr(item.sources),
                    item.reuses,
                )
            case CallItem() | MarkedRun():
                inner = item.items if isinstance(item, MarkedRun) else ()
                arguments = repr(item.arguments) if isinstance(item, CallItem) else ""
                wires = (item.name, repr(item.sources))
                what = (item.block, arguments, wires, self.number_all(inner, None))
            case BranchesItem():
                paths = tuple(self.number_all(path.items, None) for path in item.paths)
                what = (paths, self.number(item.merge), repr(item.sources))
            case LoopItem():
                what = ("loop", id(item))
        number = self.numbers.setdefault(what, len(self.numbers))
        self.seen[id(item)] = (item, number)
        return number

    def number_all(self, items: Sequence, channels: int | None) -> int:
        """Return a number that is the same for sequences of the same content and input."""
        what = ("all", channels, *(self.number(each) for each in items))
        return self.numbers.setdefault(what, len(self.numbers))


def _reuses_call(main: Sequence) -> bool:
    reused = {
        item.reuses
        for sequence in walk_sequences(main)
        for item in sequence
        if isinstance(item, LayerItem) and item.reuses
    }
    return any(isinstance(item, CallItem) and item.name in reused for item in main)


def list_groups(main: Sequence) -> Iterator[MarkedRun]:
    """Yield every run that is marked as a block."""
    for sequence in walk_sequences(main):
        for item in sequence:
            if isinstance(item, MarkedRun):
                yield item


def _holds_group(group: MarkedRun) -> bool:
    return any(
        isinstance(item, MarkedRun) for sequence in walk_sequences(group.items) for item in sequence
    )


def list_returns(items: Sequence) -> Iterator[LayerItem]:
    """Yield the steps that go back to the block's input."""
    for sequence in walk_sequences(items):
        for item in sequence:
            if isinstance(item, LayerItem) and item.op == "from":
                yield item


def _begins_where_its_branches_do(group: MarkedRun) -> bool:
    """Return whether what goes back to the block's input means the input of this run."""
    first = next(list_nodes(group), None)
    return all(each.sources == first for each in list_returns(group.items))


def _make_call(run: MarkedRun, arguments: Mapping[str, Any]) -> CallItem:
    return CallItem(
        block=run.block,
        arguments=arguments,
        channels=run.channels,
        nodes=tuple(list_nodes(run)),
        sources=run.sources,
        name=run.name,
    )


def _row(body: UnifiedBody, place: int) -> dict[str, Any]:
    row = {name: values[place] for name, values in body.params.items()}
    return {name: value for name, value in row.items() if value is not MISSING}


def list_calls(items: Sequence) -> Iterator[CallItem]:
    """Yield every call of a block in a sequence."""
    for sequence in walk_sequences(items):
        for item in sequence:
            if isinstance(item, CallItem):
                yield item


def find_param_defaults(
    main: Sequence, blocks: Mapping[str, UnifiedBody]
) -> dict[str, dict[str, Any]]:
    """Return what most calls of each block give to a param, but for its width.

    A param that a call leaves out has a default as well, since every param needs a value.
    """
    given: dict[str, list[CallItem]] = defaultdict(list)
    for items in (main, *(body.items for body in blocks.values())):
        for call in list_calls(items):
            given[call.block].append(call)
    defaults: dict[str, dict[str, Any]] = {}
    for name, body in blocks.items():
        calls = given[name]
        defaults[name] = {}
        for param in body.params:
            values = [call.arguments[param] for call in calls if param in call.arguments]
            constants = Counter(
                repr(value) for value in values if value is not None and not holds_formula(value)
            )
            left_out = len(values) < len(calls)
            if not constants:
                known = [value for value in body.params[param] if value is not MISSING]
                if left_out and known:
                    defaults[name][param] = known[0]
                continue
            text, count = constants.most_common(1)[0]
            is_width = param.startswith(("filters", "units", "reduce"))
            if left_out or (not is_width and count > 1 and 2 * count > len(calls)):
                defaults[name][param] = next(v for v in values if repr(v) == text)
    return defaults


def _put_calls(sequence: Sequence, calls: Mapping[int, CallItem]) -> Sequence:
    return tuple(_put_call(item, calls) for item in sequence)


def _put_call(item: Item, calls: Mapping[int, CallItem]) -> Item:
    if isinstance(item, MarkedRun):
        if id(item) in calls:
            return calls[id(item)]
        return replace(item, items=_put_calls(item.items, calls))
    if isinstance(item, BranchesItem):
        paths = tuple(replace(path, items=_put_calls(path.items, calls)) for path in item.paths)
        return replace(item, paths=paths)
    return item
