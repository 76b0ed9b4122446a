"""Name the values that differ between the uses of a block: `filters`, `4·filters`, `h/2`.

A value that differs is written as the block's param that equals it in every use, or as a fraction
or multiple of that; otherwise as the name of its argument. Each use lists the values of these
names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, count
from typing import Any

from msgspec import Struct

from archspec import notation
from archspec.graph import Node, Shape
from archspec.notation import Symbol

# Letters for the axes of a shape without the batch, by the number of axes.
AXES = {1: "n", 2: "nc", 3: "hwc", 4: "dhwc"}
MOST = 6  # summands that are tried
WIDTHS = ("filters", "units")  # arguments that channels follow

Values = tuple[Any, ...]  # the value of an argument in each use


class Variables(Struct, frozen=True):
    """The names of what differs between the uses of a block.

    symbols: by node and argument. uses: for each use, the names and their values in words. names:
    for each argument, the name of its values in all uses.
    """

    symbols: Mapping[str, Mapping[str, Symbol]]
    uses: Sequence[Mapping[str, str]]
    names: Mapping[str, Mapping[Values, str]]


def name_variables(
    params: Sequence[Mapping[str, Any]], peers: Mapping[str, Sequence[Node]]
) -> Variables:
    """Return the names of what differs between the uses of a block.

    params: those of the block, by use. peers: the nodes at the same position in all uses, by the
    name of one.
    """
    wanted = [
        (name, argument, tuple(_read_value(argument, node) for node in nodes))
        for name, nodes in peers.items()
        for argument in notation.find_differing(nodes)
    ]
    given = dict(_list_given(params))
    found: dict[tuple[str, Values], str] = {}
    for _, argument, values in wanted:
        exact = [name for name, each in given.items() if each == values]
        if exact:
            found[argument, values] = argument if argument in exact else exact[0]
    own: dict[str, Values] = {}
    for _, argument, values in wanted:
        if (argument, values) not in found:
            bases = {each: name for (what, each), name in found.items() if what == argument}
            if all(isinstance(each, int) for each in given.get(argument, [None])):
                bases.setdefault(given[argument], argument)
            written = _write_multiple(values, bases)
            if not written:
                numbered = (f"{argument}_{number}" for number in count(1))
                taken = {*own, *(name for use in params for name in use)}
                written = next(name for name in chain([argument], numbered) if name not in taken)
                own[written] = values
            found[argument, values] = written
    symbols: dict[str, dict[str, Symbol]] = {}
    for name, argument, values in wanted:
        symbols.setdefault(name, {})[argument] = Symbol(found[argument, values])
    uses = [
        {
            **{
                name: _write_value(value)
                for name, value in use.items()
                if any(_is_made_of(written, name) for written in found.values())
            },
            **{name: _write_value(values[index]) for name, values in own.items()},
        }
        for index, use in enumerate(params)
    ]
    names: dict[str, dict[Values, str]] = {}
    for (argument, values), written in found.items():
        names.setdefault(argument, {})[values] = written
    return Variables(symbols, uses, names)


def _read_value(argument: str, node: Node) -> Any:
    """Return the value of an argument: one number if all axes agree, an activation by its name."""
    value = node.arguments[argument]
    if argument == "activation":
        return value if isinstance(value, str) else notation.write_activation(node)
    if argument == "strides" and value is None:
        value = node.arguments.get("pool_size")
    return _merge_axes(tuple(value) if isinstance(value, list) else value)


def _merge_axes(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(set(map(str, value))) == 1 else value


def _list_given(params: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Values]]:
    """Yield the values of each param, and of each item of a param that is a list."""
    for name in params[0]:
        values = [use.get(name) for use in params]
        if any(isinstance(value, bool) for value in values):
            continue  # a switch, which would count as 0 or 1
        lists = [value for value in values if isinstance(value, list)]
        if len(lists) < len(values):
            yield name, tuple(values)
            continue
        yield name, tuple(_merge_axes(tuple(value)) for value in lists)
        for index in range(min(map(len, lists))):
            yield f"{name}[{index}]", tuple(value[index] for value in lists)


def _is_made_of(written: str, name: str) -> bool:
    """Return whether a name is made of a param.

    >>> _is_made_of("4·filters", "filters"), _is_made_of("filters[1]", "filters")
    (True, True)
    """
    return written.rpartition("·")[2].partition("/")[0].partition("[")[0] == name


def _write_multiple(values: Values, bases: Mapping[Values, str]) -> str:
    """Return values as `4·filters` or `filters/4`, the same in each use; "" if they are neither.

    A name that is a multiple itself is no base.
    """
    for base, name in bases.items():
        if "·" in name or "/" in name:
            continue
        for ratio, text in (
            (_find_ratio(values, base), "{0}·{1}"),
            (_find_ratio(base, values), "{1}/{0}"),
        ):
            if ratio:
                return text.format(ratio, name)
    return ""


def _find_ratio(values: Values, base: Values) -> int:
    """Return the whole number that each value is of the base; 0 if there is none."""
    if not all(isinstance(each, int) and each > 0 for each in (*values, *base)):
        return 0
    ratio = values[0] // base[0]
    same = all(value == ratio * each for value, each in zip(values, base, strict=True))
    return ratio if same else 0


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "×".join(map(_write_value, value))
    if isinstance(value, list):
        return f"[{', '.join(map(_write_value, value))}]"
    return str(value)


# --- shapes --------------------------------------------------------------------------------------


def describe_ends(
    taken: Sequence[Sequence[Shape]],
    given: Sequence[Sequence[Shape]],
    names: Mapping[str, Mapping[Values, str]],
) -> tuple[list[str], list[str]]:
    """Return what enters a block and what leaves it: `h × w × c`, then `h/2 × w/2 × filters`.

    An axis is a number where all uses agree. taken, given: the shapes of each value, by use. names:
    those of `Variables`.
    """
    axes = _Axes(names, _split_axes(taken[0]) if taken else [])
    entering = [axes.write_shape(shapes) for shapes in taken]
    return entering, [axes.write_shape(shapes, related=True) for shapes in given]


def _split_axes(shapes: Sequence[Shape]) -> list[Values]:
    """Return the lengths of each axis by use; none if uses have other axes."""
    if len(set(map(len, shapes))) > 1 or len(shapes[0]) - 1 not in AXES:
        return []
    return list(zip(*shapes, strict=True))[1:]


class _Axes:
    """Writes axes as letters, each given to the values that have it first.

    base: the axes of what enters.
    """

    def __init__(self, names: Mapping[str, Mapping[Values, str]], base: Sequence[Values]) -> None:
        widths = [names[name] for name in WIDTHS if name in names]
        self.widths = {values: written for each in widths for values, written in each.items()}
        self.strides = names.get("strides", {})
        self.base = base
        self.letters: dict[tuple[str, Values], str] = {}

    def write_shape(self, shapes: Sequence[Shape], related: bool = False) -> str:
        """Return the shape of a value in words; related: whether it follows from what enters."""
        axes = _split_axes(shapes)
        if len(set(shapes)) == 1 or not axes:
            return notation.write_shape(shapes[0]) if len(set(shapes)) == 1 else notation.UNKNOWN
        written = []
        for index, (letter, values) in enumerate(zip(AXES[len(axes)], axes, strict=True)):
            channels = index == len(axes) - 1
            known = self._find_known(letter, values, channels)
            if related and channels:
                known = known or _write_multiple(values, self.widths)
                known = known or _write_sum(values, self.widths)
            if related and len(axes) == len(self.base):
                known = known or self._write_related(letter, values, self.base[index])
            written.append(known or self._add_letter(letter, values))
        return " × ".join(written)

    def _find_known(self, letter: str, values: Values, channels: bool) -> str:
        if None in values or len(set(values)) == 1:
            return notation.UNKNOWN if None in values else str(values[0])
        return (channels and self.widths.get(values)) or self.letters.get((letter, values), "")

    def _add_letter(self, letter: str, values: Values) -> str:
        written = letter
        while written in self.letters.values():
            written += "'"
        self.letters[letter, values] = written
        return written

    def _write_related(self, letter: str, values: Values, base: Values) -> str:
        """Return an axis by the axis that enters: `h/2`, rounded up or down; `h/strides`; `2·h`;
        `c+64`.

        Returns "" if uses disagree.
        """
        written = self._find_known(letter, base, channels=False)
        if not written or written == notation.UNKNOWN:
            return ""
        smaller, larger = sorted((values[0], base[0]))
        for ratio in (larger // smaller, -(-larger // smaller)):
            same = (ratio,) * len(base)
            if _shrinks(values, base, same):
                return f"{written}/{ratio}"
            if _find_ratio(values, base) == ratio:
                return f"{ratio}·{written}"
        for strides, symbol in self.strides.items():
            if _shrinks(values, base, strides):
                return f"{written}/{symbol}"
        steps = {one - other for one, other in zip(values, base, strict=True)}
        return f"{written}{steps.pop():+}" if len(steps) == 1 else ""


def _shrinks(values: Values, base: Values, by: Values) -> bool:
    """Return whether each value is its base divided and rounded up or down."""
    each = zip(values, base, by, strict=True)
    return all(isinstance(n, int) and one in (other // n, -(-other // n)) for one, other, n in each)


def _write_sum(values: Values, widths: Mapping[Values, str]) -> str:
    """Return values as `c1+c3+c5`, or as `pool+224` with the same rest in each use; else ""."""
    for number in range(1, 1 + min(len(widths), MOST)):
        for parts in combinations(widths, number):
            rest = {value - sum(each) for value, *each in zip(values, *parts, strict=True)}
            if rest == {0} or (len(rest) == 1 and number == 1):
                written = "+".join(widths[part] for part in parts)
                return written if rest == {0} else f"{written}{rest.pop():+}"
    return ""
