"""Write steps that follow each other, and are alike, as loops.

Calls of one block become stages of units where a few params stay the same over each stage, and a
table of units otherwise. What is left is searched for several steps that come again and again, as
the blocks and transitions of a DenseNet do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.folding.arguments import read_argument
from archspec.folding.columns import CallValues, complete, express_list, find_columns, is_doubling
from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    LoopItem,
    Sequence,
    completes,
    is_bound,
    measure_all,
    name_of,
    shape_of,
)
from archspec.folding.rates import Rate, find_rates
from archspec.folding.solving import Solved, Solver
from archspec.folding.unfolding import UnifiedBody
from archspec.folding.values import MISSING, are_alike, holds_formula, is_equal, make_unique

FEWEST_ROWS = 4  # calls that become a table
LONGEST_PERIOD = 8
HABITS = ("kernel_size", "padding", "use_bias", "pool_size")


class Looped(Struct, frozen=True):
    """A network with loops. depths: the list that its formulas need as a param; () if none does."""

    main: Sequence
    blocks: Mapping[str, UnifiedBody]
    depths: tuple[int, ...] = ()


def find_loops(solved: Solved, solver: Solver, with_periods: bool = True) -> Looped:
    """Return the network with its loops. with_periods: whether several steps may be repeated."""
    rates = find_rates(solved)
    finder = _LoopFinder(solved, solver, rates)
    main = finder.loop_main(solved.main, with_periods)
    if rates and (finder.has_failed or finder.open):
        finder = _LoopFinder(solved, solver, {})
        main = finder.loop_main(solved.main, with_periods)
    blocks = {
        name: UnifiedBody(finder.loop_inner(body.items), body.params)
        for name, body in solved.blocks.items()
    }
    return Looped(main, blocks, tuple(finder.depths) if finder.rates else ())


class _LoopFinder:
    def __init__(self, solved: Solved, solver: Solver, rates: Mapping[str, Rate]) -> None:
        self.solved = solved
        self.solver = solver
        self.rates = rates
        self.has_failed = False  # to write a rate as a formula
        self.stages = 0  # that have names so far
        self.tables = 0
        self.depths: list[int] = []
        # Units whose stage is not counted yet, with the place of their depth among all.
        self.open: dict[int, tuple[LoopItem, int]] = {}

    # --- runs of one step ---

    def loop_inner(self, items: Sequence) -> Sequence:
        """Return the steps of a block or branch, with plain repeats alone."""
        result: list[Item] = []
        for run in _list_runs(tuple(map(self._loop_paths, items)), self.solver):
            if len(run) > 2 or (len(run) == 2 and not _is_short(run[0])):
                result.append(LoopItem(items=(run[0],), count=len(run)))
            else:
                result += run
        return tuple(result)

    def _loop_paths(self, item: Item) -> Item:
        if not isinstance(item, BranchesItem):
            return item
        paths = tuple(replace(path, items=self.loop_inner(path.items)) for path in item.paths)
        return replace(item, paths=paths)

    def loop_main(self, items: Sequence, with_periods: bool) -> Sequence:
        """Return the steps of the network with stages, tables and repeats."""
        runs = list(_list_calls(tuple(map(self._loop_paths, items))))
        result: list[Item] = []
        for run in runs:
            if len(run) > 1 and _block_of(run[0]) is not None:
                result += self._loop_calls([call for call in run if isinstance(call, CallItem)])
            else:
                result += self.loop_inner(tuple(run))
        whole = tuple(result)
        return self._loop_periods(whole) if with_periods else whole

    # --- calls of one block ---

    def _loop_calls(self, calls: list[CallItem]) -> list[Item]:
        names = self._list_params(calls)
        has_rate = any(name in self.rates for name in names)
        if has_rate:
            stages = self._find_stages(calls, names)
            return [self._make_units(calls) if stages is None else stages]
        if all(_agree(calls[0], call) for call in calls):
            return (
                [LoopItem(items=(_join(calls),), count=len(calls))] if len(calls) > 1 else [*calls]
            )
        stages = self._find_stages(calls, names)
        if stages is not None:
            return [stages]
        if len(calls) >= FEWEST_ROWS:
            return [self._make_table(calls, names)]
        return list(self.loop_inner(tuple(calls)))

    def _make_units(self, calls: list[CallItem]) -> LoopItem:
        """Return a loop over calls that differ in their rates alone.

        Where the rate continues in other calls, the units are those of a stage, which a loop around
        them has to count.
        """
        call = _join([self._without_rates(call) for call in calls])
        count = len(calls)
        alone = len(self.depths) == 0 and all(
            rate.count == count for name, rate in self.rates.items() if name in calls[0].arguments
        )
        if not all(_agree(call, self._without_rates(each)) for each in calls):
            self.has_failed = True
        rates = {
            name: rate.write_alone() if alone else rate.write()
            for name, rate in self.rates.items()
            if any(name in each.arguments for each in calls)
        }
        inner = count if alone else Formula("=depths[stage]")
        unit = LoopItem(
            items=(replace(call, arguments={**call.arguments, **rates}),),
            count=count,
            variables={"unit": _range(inner)},
            name="unit{unit}",
        )
        if not alone:
            self.open[id(unit)] = (unit, len(self.depths))
            self.depths.append(count)
        return unit

    def _without_rates(self, call: CallItem) -> CallItem:
        arguments = {k: v for k, v in call.arguments.items() if k not in self.rates}
        return replace(call, arguments=arguments)

    def _list_params(self, calls: list[CallItem]) -> list[str]:
        """Return the params of the block that calls are of, or those that they give to one that
        comes with archspec."""
        block = self.solved.blocks.get(calls[0].block)
        if block is not None:
            return list(block.params)
        return list(dict.fromkeys(name for call in calls for name in call.arguments))

    def _find_stages(self, calls: list[CallItem], names: list[str]) -> LoopItem | None:
        """Return stages of units: a loop over the values that stay the same in each stage."""
        best: tuple[tuple[float, ...], list[list[CallItem]], dict[str, CallValues]] | None = None
        for size in (1, 2, 3):
            for keys in combinations(names, size):
                groups = list(_group(calls, keys))
                if len(groups) < 2 or len(calls) <= len(groups) + 1:
                    continue
                columns = find_columns(groups, [n for n in names if n not in self.rates])
                if columns is None:
                    continue
                rank = (len(groups) + sum(column.weight for column in columns.values()),)
                if best is None or rank < best[0]:
                    best = rank, groups, columns
            if best is not None:
                break
        return None if best is None else self._make_stages(best[1], best[2])

    def _make_stages(
        self, groups: list[list[CallItem]], columns: dict[str, CallValues]
    ) -> LoopItem:
        count = len(groups)
        first = len(self.depths) if self.rates else 0
        depths = [len(group) for group in groups]
        stages = f"range({first}, {first + count})" if first else f"range({count})"
        variables: dict[str, Any] = {"stage": Formula(f"={stages}")}
        if self.rates:
            self.depths += depths
            inner: Any = Formula("=depths[stage]")
        elif are_alike(depths):
            inner = depths[0]
        else:
            inner = Formula("=depth")
            variables["depth"] = depths
        depth = inner.removeprefix("=") if isinstance(inner, Formula) else str(inner)
        arguments: dict[str, Any] = {}
        for name in self._list_params([call for group in groups for call in group]):
            if name in self.rates:
                arguments[name] = self.rates[name].write()
                continue
            value = columns[name].express(name, variables, count, first, depth)
            if value is not MISSING:
                arguments[name] = value
        call = replace(_join([call for group in groups for call in group]), arguments=arguments)
        unit = LoopItem(
            items=(call,),
            count=inner,
            variables={"unit": _range(inner)},
            name="unit{unit}",
        )
        name = self._name_stage(first)
        self.stages += count
        return LoopItem(items=(unit,), count=count, variables=variables, name=name)

    def _name_stage(self, first: int) -> str:
        """Return the name of stages, which continue counting where the loop before ended."""
        offset = self.stages - first
        return f"stage{{stage + {offset}}}" if offset > 0 else "stage{stage}"

    def _make_table(self, calls: list[CallItem], names: list[str]) -> LoopItem:
        """Return a loop over the calls, whose values are the rows of a table."""
        variables: dict[str, Any] = {}
        arguments: dict[str, Any] = {}
        for name in names:
            values = [call.arguments.get(name, MISSING) for call in calls]
            given = [value for value in values if value is not MISSING]
            if not given:
                continue
            if all(is_equal(value, given[0]) for value in given):
                arguments[name] = given[0]
                continue
            variables[name] = complete(values, given[0])
            arguments[name] = Formula(f"={name}")
        self.tables += 1
        name = "unit{index}" if self.tables == 1 else f"part{self.tables}_unit{{index}}"
        call = replace(_join(calls), arguments=arguments)
        return LoopItem(items=(call,), count=len(calls), variables=variables, name=name)

    # --- several steps again and again ---

    def _loop_periods(self, items: Sequence) -> Sequence:
        """Return the steps with a loop over several that come again and again."""
        fitting = (
            each
            for each in _list_periods(items)
            if not _has_misfit(items, each)
            and not (each.start and completes(items[each.start], items[each.start - 1]))
        )
        best = max(fitting, key=lambda period: period.gain, default=None)
        if best is None or best.gain < 4:
            return items
        loop = self._make_periods(items, best)
        return (*items[: best.start], loop, *items[best.end :])

    def _make_periods(self, items: Sequence, period: _Period) -> LoopItem:
        count = period.count + (period.tail > 0)
        run = items[period.start : period.end]
        firsts = [self.open[id(item)][1] for item in run if id(item) in self.open]
        first = firsts[0] if firsts else 0
        stages = f"range({first}, {first + count})" if first else f"range({count})"
        variables: dict[str, Any] = {"stage": Formula(f"={stages}")}
        steps: list[Item] = []
        for place in range(period.length):
            here = items[period.start + place : period.end : period.length]
            step = self._join_steps(list(here), variables, count, first)
            if period.tail and place >= period.tail:
                step = replace(step, when=Formula(f"=stage < {first + period.count}"))
            steps.append(step)
        if len(variables) == 1 and not any(map(_uses_stage, steps)):
            return LoopItem(items=tuple(steps), count=count)
        name = self._name_stage(first)
        self.stages += count
        return LoopItem(items=tuple(steps), count=count, variables=variables, name=name)

    def _join_steps(
        self, steps: list[Item], variables: dict[str, Any], count: int, start: int
    ) -> Item:
        """Return one step for those at the same place in each iteration.

        start: the number of the first stage.
        """
        units = [self.open.pop(id(step), None) for step in steps]
        numbers = [each[1] for each in units if each is not None]
        if numbers and numbers != list(range(start, start + len(units))):
            self.has_failed = True
        plain = [step.items[0] if isinstance(step, LoopItem) else step for step in steps]
        first = plain[0]
        if isinstance(first, LayerItem | CallItem):
            arguments: dict[str, Any] = {}
            found: list[Any] = plain
            for name in dict.fromkeys(name for each in found for name in each.arguments):
                values = [read_argument(each, name) for each in found]
                if numbers and name in self.rates:
                    arguments[name] = values[0]
                    continue
                variable = make_unique(name, variables)
                value = _halve(name, values, found)
                if value is None:
                    value = express_list(variable, values, variables, count, start)
                if value is not MISSING:
                    arguments[name] = value
            first = replace(first, arguments=arguments, nodes=())
        if numbers and isinstance(steps[0], LoopItem):
            return replace(steps[0], items=(first,))
        if any(isinstance(step, LoopItem) for step in steps):
            counts = [step.count if isinstance(step, LoopItem) else 1 for step in steps]
            variable = make_unique("depth", variables)
            return LoopItem(
                items=(first,), count=express_list(variable, counts, variables, count, start)
            )
        return first


class _Period(Struct, frozen=True):
    """Steps that come again and again. tail: how many of them come once more at the end."""

    start: int
    length: int
    count: int
    tail: int
    gain: float

    @property
    def end(self) -> int:
        return self.start + self.length * self.count + self.tail


def _has_misfit(items: Sequence, period: _Period) -> bool:
    """Return whether a step of the first or last of many iterations has a kernel or the like that
    no other has: it is a step before or after the loop, which only looks like one of its own."""
    for place in range(period.length):
        steps = items[period.start + place : period.end : period.length]
        layers = [step for step in steps if isinstance(step, LayerItem)]
        if len(layers) < 4 or len(layers) < len(steps):
            continue
        for name in HABITS:
            values = [each.arguments.get(name) for each in layers]
            ends = (values[1:], values[0]), (values[:-1], values[-1])
            if any(are_alike(rest) and not is_equal(rest[0], end) for rest, end in ends):
                return True
    return False


def _uses_stage(step: Item) -> bool:
    """Return whether a step says something about the iteration that it is in."""
    if step.when is not None:
        return True
    if isinstance(step, LoopItem):
        return holds_formula(step.count) or any(map(_uses_stage, step.items))
    return isinstance(step, LayerItem | CallItem) and any(
        map(holds_formula, step.arguments.values())
    )


def _halve(name: str, values: list[Any], steps: list[Any]) -> Formula | None:
    """Return the formula of a width that is half of what comes in, as between dense blocks."""
    if name != "filters" or any(step.arguments.get("kernel_size") != 1 for step in steps):
        return None
    pairs = list(zip(values, (step.channels for step in steps), strict=True))
    if len({*map(repr, values)}) < 2 or not all(c and v == c // 2 for v, c in pairs):
        return None
    return None if is_doubling(values) else Formula("=previous.channels // 2")


def _list_periods(items: Sequence) -> Iterator[_Period]:
    """Yield the runs of steps that come again and again, with the lines that a loop saves."""
    keys = [_key(item) for item in items]
    for length in range(2, LONGEST_PERIOD + 1):
        for start in range(len(items) - 2 * length + 1):
            count, place = 1, start + length
            while keys[start : start + length] == keys[place : place + length]:
                count, place = count + 1, place + length
            if count < 2:
                continue
            tail = 0
            while (
                place + tail < len(keys)
                and tail < length
                and (keys[start + tail] == keys[place + tail])
            ):
                tail += 1
            lines = sum(_count_lines(item) for item in items[start : place + tail])
            kept = sum(_count_lines(item) for item in items[start : start + length])
            yield _Period(start, length, count, tail, lines - kept - 1)


def _key(item: Item) -> Any:
    """Return what steps at one place of several iterations have in common."""
    if isinstance(item, LoopItem):
        if list(item.variables) == ["unit"]:
            return ("units", _key(item.items[0]))
        return ("loop", id(item)) if item.variables else _key(item.items[0])
    if isinstance(item, BranchesItem):
        return ("branches", id(item))
    if item.when is not None or not _may_repeat(item):
        return ("once", id(item))
    return shape_of(item)


def _count_lines(item: Item) -> float:
    if isinstance(item, LoopItem) and list(item.variables) in ([], ["unit"]):
        return 2 + len(item.variables)
    return measure_all((item,))


def _range(count: Any) -> Formula:
    return Formula(f"=range({count[1:] if isinstance(count, Formula) else count})")


def _agree(one: CallItem, other: CallItem) -> bool:
    """Return whether two calls can be one: where both give a param, they give the same."""
    names = {*one.arguments, *other.arguments}
    return all(
        MISSING in (one.arguments.get(name, MISSING), other.arguments.get(name, MISSING))
        or is_equal(one.arguments[name], other.arguments[name])
        for name in names
    )


def _join(calls: list[CallItem]) -> CallItem:
    """Return one call with all that several give."""
    arguments: dict[str, Any] = {}
    for call in calls:
        for name, value in call.arguments.items():
            arguments.setdefault(name, value)
    nodes = tuple(node for call in calls for node in call.nodes)
    return replace(calls[0], arguments=arguments, nodes=nodes)


def _group(calls: list[CallItem], keys: tuple[str, ...]) -> Iterator[list[CallItem]]:
    """Yield the runs of calls in which the given params stay the same."""
    group: list[CallItem] = []
    values: list[Any] = []
    for call in calls:
        own = [call.arguments.get(key, MISSING) for key in keys]
        same = group and all(
            MISSING in (a, b) or is_equal(a, b) for a, b in zip(values, own, strict=True)
        )
        if group and not same:
            yield group
            group, values = [], []
        group.append(call)
        values = [
            b if a is MISSING else a
            for a, b in zip(values or [MISSING] * len(keys), own, strict=True)
        ]
    yield group


def _list_calls(items: Sequence) -> Iterator[list[Item]]:
    """Yield runs of calls of one block, and every other run of steps."""
    run: list[Item] = []
    for item in items:
        block = _block_of(item)
        if run and block != _block_of(run[-1]):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _block_of(item: Item) -> str | None:
    plain = isinstance(item, CallItem) and _may_repeat(item)
    return item.block if plain and isinstance(item, CallItem) else None


def _list_runs(items: Sequence, solver: Solver) -> Iterator[list[Item]]:
    """Yield runs of equal steps, each alone that cannot be repeated."""
    run: list[Item] = []
    for item in items:
        if run and not (_may_repeat(item) and solver.number(item) == solver.number(run[-1])):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _may_repeat(item: Item) -> bool:
    if item.when is not None:
        return False
    return not isinstance(item, LoopItem) and not is_bound(item) and not name_of(item)


def _is_short(item: Item) -> bool:
    return isinstance(item, CallItem | LayerItem) and len(item.arguments) == 0
