"""Make one body of several runs that hold groups and numbered steps, whose names are kept.

A group, or a row of steps called `unit0`, `unit1`, ..., is first made a body of its own, from all
runs, and stands in them as a call with its params. So `unify` sees plain steps, and what it finds
for the arguments of such a call is put into the body, which becomes a group or a loop again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count, groupby
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.folding.alignment import align, lay_side_by_side
from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    LoopItem,
    PathItem,
    Sequence,
    measure_all,
    name_of,
    sources_of,
    walk_sequences,
    with_name,
)
from archspec.folding.numbered import describe, find_kind, to_lists, write_columns
from archspec.folding.regions import ONLY, to_groups
from archspec.folding.substitution import WORDS, put_values, write_value
from archspec.folding.unfolding import UnifiedBody, is_right
from archspec.folding.unify import Filling
from archspec.folding.values import MISSING

NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]*)")
NO_VARIABLES = WORDS | {"channels", "input", "previous", "index"}
Run = Sequence


class Nest(Struct):
    """One place of several runs: a group, or numbered steps.

    base: the name, without its number. first: the number of the first step; None for a group.
    rows: the steps of each occurrence. body: of one of them. columns: how each param goes through
    the numbered steps. calls: the arguments of each occurrence. times: what the argument is called
    that says how many steps there are. is_group: whether a numbered step is a group.
    """

    base: str
    first: int | None
    rows: list[list[Item]] = field(default_factory=list)
    body: UnifiedBody | None = None
    columns: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    times: str = "depth"
    is_group: bool = False


class Nesting:
    """Makes bodies, and gives the variables in them names of their own until they are finished."""

    def __init__(self, with_loops: bool = True) -> None:
        self.with_loops = with_loops
        self.numbers = count()

    def unify(
        self,
        runs: list[Run],
        channels: list[int | None],
        offered: Mapping[str, list[Any]] | None = None,
    ) -> UnifiedBody | None:
        """Return the body that all runs are calls of; None if there is none.

        offered: params that it may have, with their values in each run.
        """
        offered = offered or {}
        unique: dict[Any, int] = {}
        places = []
        for place, run in enumerate(runs):
            values = [each[place] for each in offered.values()]
            what = (repr(run), channels[place], repr(values))
            places.append(unique.setdefault(what, len(unique)))
        firsts = [places.index(place) for place in range(len(unique))]
        one = [runs[place] for place in firsts]
        widths = [channels[place] for place in firsts]
        if not all(one):
            return None
        given = {name: [values[at] for at in firsts] for name, values in offered.items()}
        body = self._unify(complete_branches(one), widths, given)
        if body is None:
            return None
        params = {name: [values[place] for place in places] for name, values in body.params.items()}
        return UnifiedBody(body.items, params)

    def _unify(
        self, runs: list[Run], channels: list[int | None], offered: Mapping[str, list[Any]]
    ) -> UnifiedBody | None:
        nests: dict[str, Nest] = {}
        loose: set[Any] = set() if self.with_loops else {"all"}
        while True:
            nests.clear()
            marked = [self._mark(run, (), nests, loose) for run in runs]
            failed = next((key for key, nest in nests.items() if not self._settle(nest)), None)
            if failed is None:
                break
            if nests[failed].first is None:
                return None
            loose.add(failed)
        called = [_put_calls(run, nests) for run in marked]
        slots = lay_side_by_side(called, _score)
        filled = Filling(slots, channels, offered=offered)
        items = filled.build(slots)
        body = UnifiedBody(items, filled.params)
        for place, run in enumerate(called):
            plain = _leave_out_absent(run)
            if not plain:
                return None
            first: Any = replace(plain[0], channels=channels[place])
            if not is_right(body, place, (first, *plain[1:])):
                return None
        return UnifiedBody(self._expand(items, nests), filled.params)

    # --- what is nested ---

    def _mark(
        self, run: Run, trail: tuple[Any, ...], nests: dict[str, Nest], loose: set[Any]
    ) -> Run:
        """Return a run with a call in the place of each group, and of numbered steps."""
        result: list[Item] = []
        place, branches = 0, 0
        while place < len(run):
            item = run[place]
            base, first = _split_name(item)
            end = place + 1
            key = f"{(*trail, base, first)!r}"
            if base and key not in loose and "all" not in loose and _may_be_numbered(item):
                while end < len(run) and _follows(run[end], base, first + end - place, item):
                    end += 1
                result.append(_note(nests, key, base, first, list(run[place:end])))
            elif isinstance(item, LoopItem):
                key = f"{(*trail, item.name)!r}"
                result.append(_note(nests, key, item.name or "", None, [item]))
            elif isinstance(item, BranchesItem):
                paths = tuple(
                    replace(
                        path, items=self._mark(path.items, (*trail, branches, at), nests, loose)
                    )
                    for at, path in enumerate(item.paths)
                )
                result.append(replace(item, paths=paths))
                branches += 1
            else:
                result.append(item)
            place = end
        return tuple(result)

    def _settle(self, nest: Nest) -> bool:
        """Find the body of a nest and the arguments of its calls; return whether there is one."""
        if nest.first is not None and max(map(len, nest.rows)) < 2:
            return False
        every = [item for row in nest.rows for item in row]
        nest.is_group = isinstance(every[0], LoopItem)
        if any(isinstance(item, LoopItem) != nest.is_group for item in every):
            return False
        runs = [_list_steps(item) for item in every]
        body = self.unify(runs, [None] * len(runs))
        if body is None:
            return False
        if nest.first is not None:
            is_one = len(body.items) == 1 and body.items[0].when is None
            if _passes_on(body.items) or not (nest.is_group or is_one):  # a name is that of one
                return False
        nest.body = body
        rows: list[dict[str, Any]] = [
            {name: values[place] for name, values in body.params.items()}
            for place in range(len(every))
        ]
        if nest.first is None:
            nest.calls = [_leave_out_missing(row) for row in rows]
            return True
        parts = iter(rows)
        groups = [[next(parts) for _ in row] for row in nest.rows]
        while nest.times in body.params:
            nest.times += "_"
        nest.calls = [{nest.times: len(group)} for group in groups]
        for name in body.params:
            columns = [[row[name] for row in group] for group in groups]
            kind = nest.columns[name] = find_kind(columns)
            for call, column in zip(nest.calls, columns, strict=True):
                call |= _leave_out_missing(describe(name, kind, column))
        lists = sum(kind == "list" for kind in nest.columns.values())
        varying = sum(kind != "same" for kind in nest.columns.values())
        longest = max(map(len, nest.rows))
        size = measure_all(body.items) + 1  # with its name
        extra = 1 + (lists > 0) + (longest if lists > 2 else 0) + 0.3 * varying
        return longest * size > size + extra

    # --- groups and loops again ---

    def _expand(self, items: Sequence, nests: Mapping[str, Nest]) -> Sequence:
        result: list[Item] = []
        for item in items:
            if isinstance(item, BranchesItem):
                paths = tuple(
                    replace(path, items=self._expand(path.items, nests)) for path in item.paths
                )
                item = replace(item, paths=paths)
            elif isinstance(item, CallItem) and item.block in nests:
                item = self._expand_nest(nests[item.block], item.arguments, item.when)
            result.append(item)
        return tuple(result)

    def _expand_nest(
        self, nest: Nest, arguments: Mapping[str, Any], when: Formula | None
    ) -> LoopItem:
        assert nest.body is not None
        arguments = {name: to_lists(value) for name, value in arguments.items()}
        if nest.first is None:
            items = put_values(nest.body.items, arguments)
            return LoopItem(items=items, count=None, name=nest.base, when=when)
        number = next(self.numbers)
        word = re.sub(r"\W+", "_", nest.base).strip("_0123456789")
        if not word or word in NO_VARIABLES or not word.islower():
            word = "i"
        variable = f"{word}__{number}"
        times = arguments[nest.times]
        written = write_columns(
            nest.columns, arguments, nest.body.items, variable, number, nest.first, times
        )
        items, variables = written.put_into(nest.body.items), written.variables
        used = bool(variables) or variable in repr(items)
        if not used and nest.first == 0:
            return LoopItem(
                items=items, count=times, name=nest.base, when=when, is_group=nest.is_group
            )
        lists = [value for value in variables.values() if isinstance(value, list)]
        many = len(lists) > 2 or (len(lists) == 2 and len(lists[0]) > 6)
        if many and isinstance(times, int):
            numbers: Any = list(range(nest.first, nest.first + times))
        elif nest.first == 0:
            numbers = Formula(f"=range({write_value(times)})")
        else:
            counted = write_value(times)
            end = times + nest.first if isinstance(times, int) else f"{counted} + {nest.first}"
            numbers = Formula(f"=range({nest.first}, {end})")
        return LoopItem(
            items=items,
            count=times,
            variables={variable: numbers, **variables},
            name=f"{nest.base}{{{variable}}}",
            when=when,
            is_group=nest.is_group,
        )


def _note(
    nests: dict[str, Nest], key: str, base: str, first: int | None, items: list[Item]
) -> CallItem:
    nest = nests.setdefault(key, Nest(base, first))
    nest.rows.append(items)
    return CallItem(block=key, arguments={"#": len(nest.rows) - 1})


def _put_calls(run: Run, nests: Mapping[str, Nest]) -> Run:
    result: list[Item] = []
    for item in run:
        if isinstance(item, BranchesItem):
            paths = tuple(replace(path, items=_put_calls(path.items, nests)) for path in item.paths)
            item = replace(item, paths=paths)
        elif isinstance(item, CallItem) and item.block in nests:
            item = replace(item, arguments=nests[item.block].calls[item.arguments["#"]])
        result.append(item)
    return tuple(result)


def _split_name(item: Item) -> tuple[str, int]:
    """Return the name of a step without its number, and the number; "" if it has none."""
    name = None if isinstance(item, BranchesItem) else name_of(item)
    found = NUMBERED.fullmatch(name or "")
    return (found[1], int(found[2])) if found and found[1] else ("", 0)


def _may_be_numbered(item: Item) -> bool:
    if isinstance(item, LoopItem):
        return item.count is None
    if isinstance(item, LayerItem) and (item.reuses or item.op == "from"):
        return False
    return isinstance(item, LayerItem | CallItem) and item.sources is None


def _follows(item: Item, base: str, number: int, first: Item) -> bool:
    return (
        type(item) is type(first) and _may_be_numbered(item) and _split_name(item) == (base, number)
    )


def _passes_on(items: Sequence) -> bool:
    """Return whether a step with a condition takes something else than the step before it, so that
    it is hard to say what is passed on without it."""
    return any(
        item.when is not None and sources_of(item) is not None
        for sequence in walk_sequences(items)
        for item in sequence
    )


def _list_steps(item: Item) -> Sequence:
    return item.items if isinstance(item, LoopItem) else (with_name(item, None),)


def _leave_out_missing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not MISSING}


def _leave_out_absent(run: Run) -> Run:
    """Return a run in which a branch that is the only one left is its steps."""
    result: list[Item] = []
    for item in run:
        if isinstance(item, BranchesItem):
            there = [path for path in item.paths if path.is_there]
            if len(there) == 1 < len(item.paths):
                result += _leave_out_absent(there[0].items)
                continue
            paths = tuple(replace(each, items=_leave_out_absent(each.items)) for each in there)
            item = replace(item, paths=paths)
        result.append(item)
    return tuple(result)


def complete_branches(runs: list[Run]) -> list[Run]:
    """Return runs in which a branch that is the only one left stands beside those that others
    have, which are absent."""
    whole = [
        item
        for run in runs
        for item in run
        if isinstance(item, BranchesItem) and item.merge.op != ONLY
    ]

    def complete(item: Item) -> Item:
        if not isinstance(item, BranchesItem) or item.merge.op != ONLY:
            return item
        for other in whole:
            if any(path.key == item.paths[0].key for path in other.paths):
                paths = tuple(
                    item.paths[0]
                    if path.key == item.paths[0].key
                    else PathItem((), key=path.key, is_there=False)
                    for path in other.paths
                )
                return replace(other, paths=paths)
        return item

    completed = [tuple(map(complete, run)) for run in runs]
    only = next((item for item in whole if len(item.paths) == 2), None)
    if only is not None and not any(path.key for path in only.paths):
        empty = [not path.items for path in only.paths]
        alone = [len(run) == 1 and isinstance(run[0], BranchesItem) for run in completed]
        if any(empty) and any(alone) and not all(alone):
            completed = [
                run
                if is_alone or any(isinstance(item, BranchesItem) for item in run)
                else (
                    replace(
                        only,
                        paths=tuple(
                            PathItem((), is_there=False) if each else PathItem(run)
                            for each in empty
                        ),
                    ),
                )
                for run, is_alone in zip(completed, alone, strict=True)
            ]
    return [to_groups(run) for run in completed]


def _score(one: Item, other: Item) -> float:
    """Return how much two steps have in common; -1 if they cannot be one step of one name."""
    if name_of(one) != name_of(other):
        return -1
    match one, other:
        case LayerItem(), LayerItem():
            if (one.op, one.call, one.sources, one.reuses) != (
                other.op,
                other.call,
                other.sources,
                other.reuses,
            ):
                return -1
            names = {*one.arguments, *other.arguments}
            same = sum(one.arguments.get(name) == other.arguments.get(name) for name in names)
            kernels = one.arguments.get("kernel_size") == other.arguments.get("kernel_size")
            return 1 + (same / len(names) if names else 1) - (0 if kernels else 0.6)
        case CallItem(), CallItem():
            return 2 if (one.block, one.sources) == (other.block, other.sources) else -1
        case BranchesItem(), BranchesItem():
            if (one.merge.op, one.sources) != (other.merge.op, other.sources):
                return -1
            if [path.key for path in one.paths] != [path.key for path in other.paths]:
                return -1
            return 1 + sum(
                _count_alike(left.items, right.items) / 2
                for left, right in zip(one.paths, other.paths, strict=True)
            )
    return -1


def _count_alike(one: Sequence, other: Sequence) -> int:
    return sum(None not in pair for pair in align(one, other, _score))


def finish(items: Sequence, taken: frozenset[str]) -> Sequence:
    """Return steps whose variables have short names, which nothing around them has.

    taken: the names of params.
    """
    return _repeat(tuple(_finish_item(item, taken) for item in items))


def _repeat(items: Sequence) -> Sequence:
    """Return steps in which equal ones without names, that follow each other, are repeated."""
    result: list[Item] = []
    for _, run in groupby(items, key=repr):
        same = list(run)
        first = same[0]
        is_plain = isinstance(first, LayerItem | CallItem) and first.when is None
        if is_plain and len(same) > 2 and not name_of(first) and sources_of(first) is None:
            result.append(LoopItem(items=(first,), count=len(same)))
        else:
            result += same
    return tuple(result)


def _finish_item(item: Any, taken: frozenset[str]) -> Any:
    if isinstance(item, BranchesItem):
        paths = tuple(replace(path, items=finish(path.items, taken)) for path in item.paths)
        return replace(item, paths=paths)
    if not isinstance(item, LoopItem):
        return item
    names: dict[str, Any] = {}
    for old in item.variables:
        base = new = old.rpartition("__")[0]
        for number in count(2):
            if new not in taken:
                break
            new = f"{base}{number}"
        names[old] = Formula(f"={new}")
        taken |= {new}
    inner = finish(put_values(item.items, names), taken)
    variables = {str(names[old])[1:]: value for old, value in item.variables.items()}
    name = item.name
    for old, new in names.items():
        name = name and name.replace(f"{{{old}}}", f"{{{new[1:]}}}")
    return replace(item, items=inner, variables=variables, name=name)
