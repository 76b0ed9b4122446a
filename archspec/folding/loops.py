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

from archspec.folding.conditions import MISSING
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
from archspec.folding.solving import Solved, Solver, holds_formula
from archspec.folding.unify import UnifiedBody, read_argument

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
    rates = _find_rates(solved)
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


class Rate(Struct, frozen=True):
    """A param that grows with the number of the call, as the rate of a drop path does.

    It is `largest * (number + start) / (count - less)`. count: of all calls.
    """

    largest: float
    start: int
    less: int
    count: int

    def compute(self, number: int) -> float:
        """Return the value in one call."""
        return self.largest * (number + self.start) / (self.count - self.less)

    def write_alone(self) -> Formula:
        """Return the formula in a loop over all calls."""
        number = f"(unit + {self.start})" if self.start else "unit"
        return Formula(f"={self.largest} * {number} / {self.count - self.less}")

    def write(self) -> Formula:
        number = "sum(depths[:stage]) + unit" + (f" + {self.start}" if self.start else "")
        if self.less == 0:
            count = "sum(depths)"
        elif self.less == -self.start:
            count = f"(sum(depths) + {self.start})"
        else:
            count = "(sum(depths) - 1)" if self.less == 1 else str(self.count - self.less)
        return Formula(f"={self.largest} * ({number}) / {count}")


def _find_rates(solved: Solved) -> dict[str, Rate]:
    """Return the params that grow with the number of the call, bit for bit."""
    names = {name for body in solved.blocks.values() for name in body.params}
    rates: dict[str, Rate] = {}
    for name in sorted(names):
        calls = [
            call
            for call in solved.main
            if isinstance(call, CallItem)
            and call.block in solved.blocks
            and name in solved.blocks[call.block].params
        ]
        values = [call.arguments.get(name, MISSING) for call in calls]
        given = [value for value in values if value is not MISSING]
        if len({*map(repr, given)}) < 3 or not all(isinstance(v, float) for v in given):
            continue
        for start in range(5):
            for less in (0, 1, -start, *range(2, len(values)), *range(-8, 0)):
                if rate := fit_rate(values, start, less):
                    rates.setdefault(name, rate)
    return rates


def fit_rate(values: list[Any], start: int, less: int) -> Rate | None:
    """Return the rate that values follow; None if they do not."""
    count = len(values)
    place, last = max((p, v) for p, v in enumerate(values) if v is not MISSING)
    if not last or place + start == 0 or count <= less:
        return None
    rate = Rate(round(last * (count - less) / (place + start), 9), start, less, count)
    if len(str(rate.largest)) > 5:
        return None
    right = all(v is MISSING or v == rate.compute(p) for p, v in enumerate(values))
    return rate if right else None


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

        Where the rate goes on in other calls, the units are those of a stage, which a loop around
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
        best: tuple[tuple[float, ...], list[list[CallItem]], dict[str, _Column]] | None = None
        for size in (1, 2, 3):
            for keys in combinations(names, size):
                groups = list(_group(calls, keys))
                if len(groups) < 2 or len(calls) <= len(groups) + 1:
                    continue
                columns = _find_columns(groups, [n for n in names if n not in self.rates])
                if columns is None:
                    continue
                rank = (len(groups) + sum(column.weight for column in columns.values()),)
                if best is None or rank < best[0]:
                    best = rank, groups, columns
            if best is not None:
                break
        return None if best is None else self._make_stages(best[1], best[2])

    def _make_stages(self, groups: list[list[CallItem]], columns: dict[str, _Column]) -> LoopItem:
        count = len(groups)
        first = len(self.depths) if self.rates else 0
        depths = [len(group) for group in groups]
        stages = f"range({first}, {first + count})" if first else f"range({count})"
        variables: dict[str, Any] = {"stage": Formula(f"={stages}")}
        if self.rates:
            self.depths += depths
            inner: Any = Formula("=depths[stage]")
        elif _all_equal(depths):
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
        """Return the name of stages, which go on counting where the loop before ended."""
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
            if all(_equal(value, given[0]) for value in given):
                arguments[name] = given[0]
                continue
            variables[name] = _complete(values, given[0])
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
                variable = _name_variable(name, variables)
                value = _halve(name, values, found)
                if value is None:
                    value = _express_list(variable, values, variables, count, start)
                if value is not MISSING:
                    arguments[name] = value
            first = replace(first, arguments=arguments, nodes=())
        if numbers and isinstance(steps[0], LoopItem):
            return replace(steps[0], items=(first,))
        if any(isinstance(step, LoopItem) for step in steps):
            counts = [step.count if isinstance(step, LoopItem) else 1 for step in steps]
            variable = _name_variable("depth", variables)
            return LoopItem(
                items=(first,), count=_express_list(variable, counts, variables, count, start)
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
            if any(_all_equal(rest) and not _equal(rest[0], end) for rest, end in ends):
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
    return None if _is_doubling(values) else Formula("=previous.channels // 2")


def _is_doubling(values: list[Any]) -> bool:
    return len(values) > 2 and all(v == values[0] * 2**place for place, v in enumerate(values))


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


def _name_variable(name: str, variables: Mapping[str, Any]) -> str:
    base, number = name, 2
    while name in variables:
        name, number = f"{base}_{number}", number + 1
    return name


class _Column(Struct, frozen=True):
    """How a param goes through stages.

    kind: `same` in all units of a stage; `first` or `last` is another in the first or last unit.
    values: one for each stage. others: those of the other units, MISSING for a stage of one.
    """

    kind: str
    values: list[Any]
    others: list[Any]

    @property
    def weight(self) -> float:
        """Return how much a reader has to take in."""
        return 0.0 if self.kind == "same" else 0.3

    def express(
        self, name: str, variables: dict[str, Any], count: int, first: int, depth: str
    ) -> Any:
        """Return the argument's value, and add the variable that it needs, if it needs one.

        count: the number of stages. first: that of the first one. depth: of a stage, as a formula.
        """
        if self.kind == "same":
            return _express_list(name, self.values, variables, count, first)
        end = str(int(depth) - 1) if depth.isdigit() else f"{depth} - 1"
        at = "unit == 0" if self.kind == "first" else f"unit == {end}"
        others = [value for value in self.others if value is not MISSING]
        if not others:
            return _express_list(name, self.values, variables, count, first)
        other = others[0]
        values = self.values
        given = [value for value in values if value is not MISSING]
        if all(_equal(value, given[0]) for value in given):
            if isinstance(given[0], bool) and isinstance(other, bool):
                return Formula(f"={at}" if given[0] else f"={_negate(at)}")
            if self.kind == "first":
                return Formula(f"={_quote(other)} if unit else {_quote(given[0])}")
            return Formula(f"={_quote(given[0])} if {at} else {_quote(other)}")
        if (
            not first
            and self.kind == "first"
            and _equal(values[0], other)
            and _all_equal(values[1:])
        ):
            return Formula(f"={_quote(values[1])} if stage and not unit else {_quote(other)}")
        if (
            not first
            and self.kind == "last"
            and _equal(values[-1], other)
            and _all_equal(values[:-1])
        ):
            return Formula(
                f"={_quote(values[0])} if {at} and stage < {count - 1} else {_quote(other)}"
            )
        variables[name] = _complete(values, other)
        if self.kind == "first":
            return Formula(f"={_quote(other)} if unit else {name}")
        return Formula(f"={name} if {at} else {_quote(other)}")


def _express_list(
    name: str, values: list[Any], variables: dict[str, Any], count: int, first: int
) -> Any:
    given = [value for value in values if value is not MISSING]
    if not given:
        return MISSING
    if all(_equal(value, given[0]) for value in given):
        return given[0]
    whole = _complete(values, given[0])
    if not first and all(isinstance(value, bool) for value in whole) and count > 2:
        if _all_equal(whole[1:]):
            return Formula("=stage > 0" if whole[1] else "=stage == 0")
        if _all_equal(whole[:-1]):
            return Formula(f"=stage < {count - 1}" if whole[0] else f"=stage == {count - 1}")
    doubles = (
        count > 2
        and not first
        and all(isinstance(value, int) and not isinstance(value, bool) for value in whole)
        and whole[0] > 0
        and _is_doubling(whole)
    )
    if doubles:
        return Formula(f"={whole[0]} * 2**stage")
    variables[name] = whole + [None] * (count - len(whole))  # which the last one does not use
    return Formula(f"={name}")


def _find_columns(groups: list[list[CallItem]], names: list[str]) -> dict[str, _Column] | None:
    """Return how each param goes through stages; None if one of them follows no pattern."""
    columns = {}
    for name in names:
        column = _find_column([[c.arguments.get(name, MISSING) for c in group] for group in groups])
        if column is None:
            return None
        columns[name] = column
    return columns


def _find_column(groups: list[list[Any]]) -> _Column | None:
    for kind, at in (("same", 0), ("first", 0), ("last", -1)):
        values, others = [], []
        for group in groups:
            special = group[:] if kind == "same" else [group[at]]
            rest = [] if kind == "same" else group[1:] if at == 0 else group[:-1]
            if not _alike(special) or not _alike(rest):
                break
            values.append(_known(special))
            others.append(_known(rest))
        else:
            if kind != "same" and not _alike(others):
                continue  # two columns for one param are hard to read
            return _Column(kind, values, others)
    return None


def _complete(values: list[Any], other: Any) -> list[Any]:
    """Return values with another where one is missing, since nothing depends on it there."""
    return [other if value is MISSING else value for value in values]


def _alike(values: list[Any]) -> bool:
    given = [value for value in values if value is not MISSING]
    return all(_equal(value, given[0]) for value in given)


def _known(values: list[Any]) -> Any:
    return next((value for value in values if value is not MISSING), MISSING)


def _all_equal(values: list[Any]) -> bool:
    return all(_equal(value, values[0]) for value in values)


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _quote(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def _negate(test: str) -> str:
    return test.replace("==", "!=")


def _range(count: Any) -> Formula:
    return Formula(f"=range({count[1:] if isinstance(count, Formula) else count})")


def _agree(one: CallItem, other: CallItem) -> bool:
    """Return whether two calls can be one: where both give a param, they give the same."""
    names = {*one.arguments, *other.arguments}
    return all(
        MISSING in (one.arguments.get(name, MISSING), other.arguments.get(name, MISSING))
        or _equal(one.arguments[name], other.arguments[name])
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
            MISSING in (a, b) or _equal(a, b) for a, b in zip(values, own, strict=True)
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
