"""Make one block of several runs of layers: what differs becomes params, formulas and conditions.

The runs are laid side by side. An argument that differs between them is a hole, and so is a step
that some of them lack. A hole is filled by the first of these that is right for every run: the
param of another hole, the channels of the input, a multiple or a part of one of them, a condition;
else it becomes a param of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from archspec.folding import items as parts
from archspec.folding.alignment import Slot, lay_side_by_side
from archspec.folding.arguments import read_argument
from archspec.folding.conditions import find_condition, fits
from archspec.folding.holes import Hole
from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    PathItem,
    input_channels,
)
from archspec.folding.naming import name_hole
from archspec.folding.unfolding import UnifiedBody, is_right
from archspec.folding.values import MISSING, Values, is_number, is_same, make_unique, quote
from archspec.syntax.formulas import make_divisible

SIZES = ("filters", "units", "target_shape", "output_shape", "key_dim", "value_dim", "groups")
WINDOWS = ("kernel_size", "pool_size", "size", "dilation_rate")
WIDTHS = ("filters", "units")
FACTORS = (2, 3, 4, 6, 8)
NO_PARAMS = ("channels", "index")
MOST_EXPANSION = 16


def unify(runs: Sequence[parts.Sequence]) -> UnifiedBody | None:
    """Return the block that all runs are calls of; None if there is none.

    A run may be a pair of branches of which one is the identity, while others lack the shortcut:
    it then gets a condition.
    """
    if any(not run or any(map(_has_name, run)) for run in runs):
        return None
    channels = [input_channels(run) for run in runs]
    pairs = [_split_shortcut(run) for run in runs]
    if any(shortcut is None for _, shortcut in pairs) and any(s is not None for _, s in pairs):
        return _unify_with_shortcut(pairs, channels)
    slots = lay_side_by_side(runs)
    filled = Filling(slots, channels)
    body = UnifiedBody(filled.build(slots), filled.params)
    return body if all(is_right(body, place, run) for place, run in enumerate(runs)) else None


def _has_name(item: Item) -> bool:
    """Return whether something outside of a block refers to an item within."""
    if isinstance(item, BranchesItem):
        inner = (each for path in item.paths for each in path.items)
        if any(map(_has_name, inner)):
            return True
    name = parts.name_of(item)
    return name is not None and not name.startswith("@")


def _split_shortcut(run: parts.Sequence) -> tuple[parts.Sequence, BranchesItem | None]:
    """Return the longer of two branches, and the branches; the run itself if it is no such pair."""
    only = run[0]
    if len(run) == 1 and isinstance(only, BranchesItem) and len(only.paths) == 2:
        sizes = [len(path.items) for path in only.paths]
        if 0 in sizes:
            return only.paths[sizes.index(max(sizes))].items, only
    return run, None


def _unify_with_shortcut(
    pairs: Sequence[tuple[parts.Sequence, BranchesItem | None]], channels: list[int | None]
) -> UnifiedBody | None:
    mains = [main for main, _ in pairs]
    outer = next(branches for _, branches in pairs if branches is not None)
    at = next(place for place, path in enumerate(outer.paths) if not path.items)
    if any(
        each is not None and (each.paths[at].items or each.merge.op != outer.merge.op)
        for _, each in pairs
    ):
        return None
    slots = lay_side_by_side(mains)
    there = Hole(None, "", [branches is not None for _, branches in pairs])
    filled = Filling(slots, channels, there)
    main = PathItem(filled.build(slots))
    shortcut = PathItem((), when=there.formula)
    paths = (shortcut, main) if at == 0 else (main, shortcut)
    merge = replace(outer.merge, nodes=())
    body = UnifiedBody((BranchesItem(paths=paths, merge=merge),), filled.params)
    runs = [main if each is None else (each,) for main, each in pairs]
    return body if all(is_right(body, place, run) for place, run in enumerate(runs)) else None


class Filling:
    """Finds the holes of slots and fills them.

    offered: params that the block may have, with their values in each run; those that fill no hole
    are left out.
    """

    def __init__(
        self,
        slots: list[Slot],
        channels: list[int | None],
        shortcut: Hole | None = None,
        offered: Mapping[str, list[Any]] | None = None,
    ) -> None:
        self.offered = offered or {}
        self.channels = channels
        self.count = len(channels)
        self.params: dict[str, list[Any]] = {}
        self.holes = list(self._find_holes(slots, [True] * self.count))
        if shortcut is not None:
            self.holes.append(shortcut)
        self.slots = slots
        self.widths: dict[str, list[Any]] = {}
        name_hole(self.holes, slots)
        self._take_offered()
        for hole in sorted(self.holes, key=_rank):
            hole.formula = Formula(f"={self._fill(hole)}")
        self._order_params()

    # --- finding holes ---

    def _find_holes(self, slots: list[Slot], around: list[bool]) -> Iterator[Hole]:
        for slot in slots:
            there = [item is not None for item in slot.found]
            if there != around:
                values = [
                    found if outer else MISSING for found, outer in zip(there, around, strict=True)
                ]
                yield Hole(slot, "", values)
            if isinstance(slot.item, BranchesItem):
                for place, path in enumerate(slot.paths):
                    inside = [each and each.paths[place].is_there for each in slot.found]  # type: ignore[union-attr]
                    if any(has and not inner for has, inner in zip(there, inside, strict=True)):
                        values = [
                            inner if has else MISSING
                            for has, inner in zip(there, inside, strict=True)
                        ]
                        yield Hole(slot, "", values, (place,))
                    yield from self._find_holes(path, [bool(each) for each in inside])
                merges = [item and item.merge for item in slot.found]  # type: ignore[union-attr]
                yield from self._find_differing(slot, merges)
            elif isinstance(slot.item, LayerItem | CallItem):
                yield from self._find_differing(slot, slot.found)

    def _find_differing(self, slot: Slot, found: Sequence[Any]) -> Iterator[Hole]:
        names = dict.fromkeys(name for each in found if each for name in each.arguments)
        for name in names:
            values = [MISSING if each is None else read_argument(each, name) for each in found]
            yield from _split_values(slot, name, values, ())

    # --- filling them ---

    def _fill(self, hole: Hole) -> str:
        if hole.formula is not None:
            return hole.formula[1:]
        text = self._express(hole)
        if text is not None:
            return text
        if hole.argument == "":
            text = self._fill_by_expansion(hole) or self._fill_by_rate(hole)
            if text is not None:
                return text
        name = self._add_param(hole.name, list(hole.values))
        if hole.argument in WIDTHS:
            self.widths[name] = self.params[name]
        return name

    def _take_offered(self) -> None:
        """Take the offered params that have the values of a hole, and fill the holes with them."""
        for hole in self.holes:
            for name in sorted(self.offered, key=lambda name: name != hole.argument):
                if name not in NO_PARAMS and fits(hole.values, self.offered[name]):
                    self.params.setdefault(name, list(self.offered[name]))
                    hole.formula = Formula(f"={name}")
                    if hole.argument in WIDTHS:
                        self.widths.setdefault(name, self.params[name])
                    break

    def _add_param(self, name: str, values: list[Any]) -> str:
        name = make_unique(name, self.params)
        self.params[name] = values
        return name

    def _express(self, hole: Hole) -> str | None:
        wanted = [value for value in hole.values if value is not MISSING]
        if hole.argument == "":
            for other in self.holes:
                known = other.argument == "" and other.formula is not None
                if known and fits(hole.values, other.values):
                    assert other.formula is not None
                    return other.formula[1:]
            found = find_condition(
                hole.values,
                None if hole.slot is None else hole.slot.item,
                self.params,
                self.widths,
                self.channels,
            )
            return None if found is None else found[1:]
        if all(is_number(value) for value in wanted):
            return self._express_number(hole)
        if name := self._find_same(hole):
            return name
        return self._express_choice(hole)

    def _find_same(self, hole: Hole) -> str | None:
        """Return a param that has the values of a hole, and is of the same kind."""
        for name, known in self.params.items():
            both = [
                (value, other)
                for value, other in zip(hole.values, known, strict=True)
                if value is not MISSING and other is not MISSING
            ]
            if not both or any(
                value != other or type(value) is not type(other) for value, other in both
            ):
                continue
            if self._family(name) != _family_of(hole.argument):
                continue
            if hole.name.rstrip("_0123456789") != name.rstrip("_0123456789"):
                several = len({str(value) for value, _ in both}) > 2
                if not several and not isinstance(both[0][0], bool):
                    continue
            self.params[name] = [
                value if other is MISSING else other
                for value, other in zip(hole.values, known, strict=True)
            ]
            return name
        return None

    def _family(self, param: str) -> str:
        holes = [hole for hole in self.holes if hole.formula == f"={param}"]
        return _family_of(holes[0].argument) if holes else "sizes" if param == "expansion" else ""

    def _express_number(self, hole: Hole) -> str | None:
        if name := self._find_same(hole):
            return name
        family = _family_of(hole.argument)
        if family == "sizes":
            found = self._express_size(hole.values)
            if found is None:
                return None
            if hole.argument in WIDTHS:
                self.widths.setdefault(*found)
            return found[0]
        if family == "margins":
            for name, values in self.params.items():
                if name.startswith("kernel_size") and all(isinstance(v, int) for v in values):
                    for text, offered in (
                        (f"{name} // 2", [value // 2 for value in values]),
                        (f"{name} // 2 - 1", [value // 2 - 1 for value in values]),
                    ):
                        if fits(hole.values, offered):
                            return text
        if family == "strides":
            return None
        return self._express_choice(hole)

    def _express_size(self, values: Values) -> tuple[str, list[Any]] | None:
        """Return the formula of a width, with its values."""
        for text, offered in self._list_sizes():
            if fits(values, offered):
                return text, offered
        # An expansion is of a width within a block; the first that is filled is the block's own.
        known = any(each.argument in WIDTHS and each.formula is not None for each in self.holes)
        return self._multiply_channels(values) if known else None

    def _list_sizes(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the formulas that a width may have, the plainest first, with their values."""
        own = {
            name: values
            for name, values in self.params.items()
            if self._family(name) == "sizes" and name != "expansion"
        }
        channels = [MISSING if each is None else each for each in self.channels]
        known = MISSING not in channels
        if known:
            yield "channels", channels
        for name, values in own.items():
            for factor in FACTORS:
                yield f"{factor} * {name}", _multiply(values, factor)
        for name, values in own.items():
            for factor in FACTORS:
                yield f"{name} // {factor}", _divide(values, factor)
        if not known:
            return
        for factor in range(2, MOST_EXPANSION + 1):
            yield f"{factor} * channels", _multiply(channels, factor)
        for factor in (*FACTORS, 12, 16, 24):
            yield f"channels // {factor}", _divide(channels, factor)
        for name, values in {"channels": channels, **own}.items():
            for factor in (2, 4, 8, 16):
                yield f"make_divisible({name} / {factor})", _divide_roughly(values, factor)

    def _multiply_channels(self, values: Values) -> tuple[str, list[Any]] | None:
        """Return `channels * expansion` where that has fewer values than the widths have."""
        ratios: list[Any] = []
        for value, width in zip(values, self.channels, strict=True):
            if value is MISSING:
                ratios.append(MISSING)
            elif width and value % width == 0 and 1 <= value // width <= MOST_EXPANSION:
                ratios.append(value // width)
            else:
                return None
        found = {ratio for ratio in ratios if ratio is not MISSING}
        widths = {value for value in values if value is not MISSING}
        if len(found) > 3 or len(found) >= len(widths) or max(found) == 1:
            return None
        return f"channels * {self._add_param('expansion', ratios)}", list(values)

    def _fill_by_expansion(self, hole: Hole) -> str | None:
        """Return `expansion > 1` for a step that widens, and make the expansion a param."""
        if hole.slot is None or not isinstance(hole.slot.item, LayerItem | CallItem):
            return None
        for other in self.holes:
            if other.slot is not hole.slot or other.argument not in WIDTHS:
                continue
            factor, _, rest = (other.formula or "=").removeprefix("=").partition(" * ")
            if rest == "channels" and factor.isdigit() and "expansion" not in self.params:
                ratios = [
                    value if value is MISSING else int(factor) if value else 1
                    for value in hole.values
                ]
                name = self._add_param("expansion", ratios)
                other.formula = Formula(f"=channels * {name}")
                return f"{name} > 1"
        return None

    def _fill_by_rate(self, hole: Hole) -> str | None:
        """Return `dropout > 0` for a layer that is left out where its rate would be 0."""
        for other in self.holes:
            if other.slot is not hole.slot or other.argument != "rate" or other.formula is None:
                continue
            name = other.formula.removeprefix("=")
            values = self.params.get(name, [])
            used = sum(each.formula == other.formula for each in self.holes)
            if used == 1 and values and all(v is MISSING or v > 0 for v in values):
                self.params[name] = [0.0 if value is MISSING else value for value in values]
                return f"{name} > 0"
        return None

    def _express_choice(self, hole: Hole) -> str | None:
        """Return `'valid' if strides > 1 else 'same'` for two values that follow from another."""
        distinct: list[Any] = []
        for value in hole.values:
            if value is not MISSING and value not in distinct:
                distinct.append(value)
        if len(distinct) != 2 or not all(isinstance(v, str | bool) for v in distinct):
            return None
        for name, known in self.params.items():
            if name.startswith("strides"):
                test, larger = f"{name} > 1", [_is_larger(value) for value in known]
            elif len(hole.values) > 2 and all(v is MISSING or isinstance(v, bool) for v in known):
                test, larger = name, known
            else:
                continue
            for yes, no in (distinct, distinct[::-1]):
                offered = [v if v is MISSING else yes if v else no for v in larger]
                if fits(hole.values, offered):
                    if isinstance(yes, bool):
                        return test if yes else f"not {test}" if test == name else f"{name} == 1"
                    return f"{quote(yes)} if {test} else {quote(no)}"
        return None

    def _order_params(self) -> None:
        """Put the width first, since a single value of a call is the first param, and call the only
        one by its argument alone."""
        for word in ("filters", "units"):
            words = (word, "reduce") if word == "filters" else (word,)
            widths = [name for name in self.params if name.partition("_")[0] in words]
            if len(widths) == 1 and widths[0] != word:
                self._rename(widths[0], word)
        offered = list(self.offered)
        order = sorted(
            self.params,
            key=lambda name: (
                not name.startswith(("filters", "units")),
                offered.index(name) if name in offered else len(offered),
            ),
        )
        self.params = {name: self.params[name] for name in order}

    def _rename(self, old: str, new: str) -> None:
        self.params[new] = self.params.pop(old)
        for hole in self.holes:
            if hole.formula is not None:
                hole.formula = Formula(re.sub(rf"\b{old}\b", new, hole.formula))

    # --- writing the steps ---

    def build(self, slots: list[Slot]) -> parts.Sequence:
        """Return the steps of slots, with formulas in the place of holes."""
        return tuple(self._build_item(slot) for slot in slots)

    def _build_item(self, slot: Slot) -> Item:
        item: Any = slot.item
        own = [hole for hole in self.holes if hole.slot is slot]
        presence = {hole.index: hole.formula for hole in own if hole.argument == ""}
        when = presence.get(())
        if isinstance(item, BranchesItem):
            paths = tuple(
                replace(path, items=self.build(slots), when=presence.get((place,)), is_there=True)
                for place, (path, slots) in enumerate(zip(item.paths, slot.paths, strict=True))
            )
            merges = [each.merge for each in slot.found if isinstance(each, BranchesItem)]
            merge = self._build_arguments(item.merge, merges, own)
            return replace(item, paths=paths, merge=merge, when=when)
        found = [each for each in slot.found if each is not None]
        step: Item = replace(self._build_arguments(item, found, own), when=when)
        return step

    def _build_arguments(self, item: Any, found: Sequence[Any], own: Sequence[Hole]) -> Any:
        arguments: dict[str, Any] = {}
        for name in dict.fromkeys(name for each in found for name in each.arguments):
            value = next(each.arguments[name] for each in found if name in each.arguments)
            holes = [hole for hole in own if hole.argument == name]
            for hole in holes:
                value = _put(value, hole.index, hole.formula)
            arguments[name] = value
        return replace(item, arguments=arguments, nodes=())


def _split_values(
    slot: Slot, name: str, values: list[Any], index: tuple[int, ...]
) -> Iterator[Hole]:
    """Yield a hole for values that differ; one for each element of lists of one length."""
    there = [value for value in values if value is not MISSING]
    if all(is_same(value, there[0]) for value in there):
        return
    if all(isinstance(value, list) and len(value) == len(there[0]) for value in there):
        for place in range(len(there[0])):
            inner = [MISSING if value is MISSING else value[place] for value in values]
            yield from _split_values(slot, name, inner, (*index, place))
        return
    yield Hole(slot, name, values, index)


def _put(value: Any, index: tuple[int, ...], formula: Any) -> Any:
    if not index:
        return formula
    copy = list(value)
    copy[index[0]] = _put(copy[index[0]], index[1:], formula)
    return copy


def _family_of(argument: str) -> str:
    base = argument.rstrip("_0123456789")
    if base.startswith(SIZES) or base in ("reduce", "expanded", "narrow"):
        return "sizes"
    if base.startswith(WINDOWS):
        return "windows"
    if base in ("padding", "cropping"):
        return "margins"
    return base


def _rank(hole: Hole) -> tuple[Any, ...]:
    """Return the order in which holes are filled: small widths of layers first, conditions last."""
    there = [value for value in hole.values if value is not MISSING]
    numbers = [value for value in there if is_number(value)]
    return (
        hole.argument == "",
        isinstance(there[0], str | bool),
        _family_of(hole.argument) == "margins",
        MISSING in hole.values,
        hole.slot is not None and isinstance(hole.slot.item, CallItem),
        sum(numbers) / len(numbers) if numbers else 0,
    )


def _is_larger(value: Any) -> Any:
    if value is MISSING:
        return MISSING
    return (max(value) if isinstance(value, list) else value) > 1


def _multiply(values: Values, factor: int) -> list[Any]:
    return [value * factor if is_number(value) else MISSING for value in values]


def _divide(values: Values, factor: int) -> list[Any]:
    return [
        value // factor if is_number(value) and value % factor == 0 else MISSING for value in values
    ]


def _divide_roughly(values: Values, factor: int) -> list[Any]:
    return [make_divisible(value / factor) if is_number(value) else MISSING for value in values]
