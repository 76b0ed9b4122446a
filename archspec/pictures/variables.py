"""What differs between the uses of a block, by names: `filters`, `4·filters`, `h/2`.

A value that differs stands in the picture of the block by the name of the block's param that has it
in every use, or is a fraction or multiple of it; else by the name of its argument. Each use says
what the names stand for there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, count
from typing import Any

from archspec import notation
from archspec.graph import Node, Shape
from archspec.notation import Symbol

# Letters of the axes of a shape, without that of the batch, by their number.
AXES = {1: "n", 2: "nc", 3: "hwc", 4: "dhwc"}
MOST = 6  # summands
WIDTHS = ("filters", "units")  # arguments that channels follow

Values = tuple[Any, ...]  # one for each use


@dataclass(frozen=True, slots=True)
class Variables:
    """symbols: by the names of nodes and of their arguments. uses: of each use, the names and what
    they stand for, in words. meant: what stands for the values of each argument."""

    symbols: Mapping[str, Mapping[str, Symbol]]
    uses: Sequence[Mapping[str, str]]
    meant: Mapping[str, Mapping[Values, str]]


def name_variables(
    params: Sequence[Mapping[str, Any]], peers: Mapping[str, Sequence[Node]]
) -> Variables:
    """Return the names of what differs between the uses of a block.

    params: of the block, by use. peers: the nodes of all uses that are at the place of a node,
    by the name of one."""
    wanted = [
        (name, argument, tuple(_value(argument, node) for node in nodes))
        for name, nodes in peers.items()
        for argument in notation.differing(nodes)
    ]
    given = dict(_given(params))
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
            said = _multiple(values, bases)
            if not said:
                numbered = (f"{argument}_{number}" for number in count(1))
                taken = {*own, *(name for use in params for name in use)}
                said = next(name for name in chain([argument], numbered) if name not in taken)
                own[said] = values
            found[argument, values] = said
    symbols: dict[str, dict[str, Symbol]] = {}
    for name, argument, values in wanted:
        symbols.setdefault(name, {})[argument] = Symbol(found[argument, values])
    uses = []
    for place, use in enumerate(params):
        named = [name for name in use if any(_holds(said, name) for said in found.values())]
        uses.append(
            {
                **{name: _said(use[name]) for name in named},
                **{name: _said(values[place]) for name, values in own.items()},
            }
        )
    meant: dict[str, dict[Values, str]] = {}
    for (argument, values), said in found.items():
        meant.setdefault(argument, {})[values] = said
    return Variables(symbols, uses, meant)


def _value(argument: str, node: Node) -> Any:
    """One number where all axes agree; of an activation its name."""
    value = node.arguments[argument]
    if argument == "activation":
        return value if isinstance(value, str) else notation.activation(node)
    if argument == "strides" and value is None:
        value = node.arguments.get("pool_size")
    return _one(tuple(value) if isinstance(value, list) else value)


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(set(map(str, value))) == 1 else value


def _given(params: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Values]]:
    """The values of each param, and of each item of a param that is a list."""
    for name in params[0]:
        values = [use.get(name) for use in params]
        if any(isinstance(value, bool) for value in values):
            continue  # which tells what to do, and would be 0 or 1
        lists = [value for value in values if isinstance(value, list)]
        if len(lists) < len(values):
            yield name, tuple(values)
            continue
        yield name, tuple(_one(tuple(value)) for value in lists)
        for place in range(min(map(len, lists))):
            yield f"{name}[{place}]", tuple(value[place] for value in lists)


def _holds(said: str, name: str) -> bool:
    """Whether `4·filters`, `filters/4` or `filters[1]` is of `filters`."""
    return said.rpartition("·")[2].partition("/")[0].partition("[")[0] == name


def _multiple(values: Values, bases: Mapping[Values, str]) -> str:
    """`4·filters` or `filters/4`, the same in each use; "" if they are of none."""
    for base, name in bases.items():
        for ratio, text in ((_ratio(values, base), "{0}·{1}"), (_ratio(base, values), "{1}/{0}")):
            if ratio:
                return text.format(ratio, name)
    return ""


def _ratio(values: Values, base: Values) -> int:
    """How many times the base each value is, if that is one whole number; else 0."""
    if not all(isinstance(each, int) and each > 0 for each in (*values, *base)):
        return 0
    ratio = values[0] // base[0]
    same = all(value == ratio * each for value, each in zip(values, base, strict=True))
    return ratio if same else 0


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "×".join(map(_said, value))
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return str(value)


# --- shapes --------------------------------------------------------------------------------------


def describe_shapes(
    taken: Sequence[Sequence[Shape]],
    given: Sequence[Sequence[Shape]],
    meant: Mapping[str, Mapping[Values, str]],
) -> tuple[list[str], list[str]]:
    """What enters a block and what leaves it: `h × w × c`, then `h/2 × w/2 × filters`; a number
    where all uses agree. taken, given: of each value its shapes by use. meant: of `Variables`."""
    axes = _Axes(meant, _by_axis(taken[0]) if taken else [])
    return [axes.shape(shapes) for shapes in taken], [axes.shape(shapes, True) for shapes in given]


def _by_axis(shapes: Sequence[Shape]) -> list[Values]:
    """The lengths of each axis by use; none where uses have other axes."""
    if len(set(map(len, shapes))) > 1 or len(shapes[0]) - 1 not in AXES:
        return []
    return list(zip(*shapes, strict=True))[1:]


class _Axes:
    """Axes by letters, each given to the values that have it first. base: what enters, by axis."""

    def __init__(self, meant: Mapping[str, Mapping[Values, str]], base: Sequence[Values]) -> None:
        widths = [meant[name] for name in WIDTHS if name in meant]
        self.widths = {values: said for each in widths for values, said in each.items()}
        self.strides = meant.get("strides", {})
        self.base = base
        self.letters: dict[tuple[str, Values], str] = {}

    def shape(self, shapes: Sequence[Shape], related: bool = False) -> str:
        """related: whether it follows from what enters."""
        axes = _by_axis(shapes)
        if len(set(shapes)) == 1 or not axes:
            return notation.shape(shapes[0]) if len(set(shapes)) == 1 else notation.UNKNOWN
        said = []
        for place, (letter, values) in enumerate(zip(AXES[len(axes)], axes, strict=True)):
            channels = place == len(axes) - 1
            known = self._known(letter, values, channels)
            if related and channels:
                known = known or _multiple(values, self.widths) or _sum(values, self.widths)
            if related and len(axes) == len(self.base):
                known = known or self._related(letter, values, self.base[place])
            said.append(known or self._new(letter, values))
        return " × ".join(said)

    def _known(self, letter: str, values: Values, channels: bool) -> str:
        if None in values or len(set(values)) == 1:
            return notation.UNKNOWN if None in values else str(values[0])
        return (channels and self.widths.get(values)) or self.letters.get((letter, values), "")

    def _new(self, letter: str, values: Values) -> str:
        said = letter
        while said in self.letters.values():
            said += "'"
        self.letters[letter, values] = said
        return said

    def _related(self, letter: str, values: Values, base: Values) -> str:
        """`h/2`, rounded up or down; `h/strides`; `2·h`; `c+64`; "" where uses disagree."""
        said = self._known(letter, base, channels=False)
        if not said or said == notation.UNKNOWN:
            return ""
        smaller, larger = sorted((values[0], base[0]))
        for ratio in (larger // smaller, -(-larger // smaller)):
            same = (ratio,) * len(base)
            if _shrinks(values, base, same):
                return f"{said}/{ratio}"
            if _ratio(values, base) == ratio:
                return f"{ratio}·{said}"
        for strides, symbol in self.strides.items():
            if _shrinks(values, base, strides):
                return f"{said}/{symbol}"
        steps = {one - other for one, other in zip(values, base, strict=True)}
        return f"{said}{steps.pop():+}" if len(steps) == 1 else ""


def _shrinks(values: Values, base: Values, by: Values) -> bool:
    """Whether each is its base divided and rounded up or down."""
    each = zip(values, base, by, strict=True)
    return all(isinstance(n, int) and one in (other // n, -(-other // n)) for one, other, n in each)


def _sum(values: Values, widths: Mapping[Values, str]) -> str:
    """`c1+c3+c5`, or `pool+224` with the rest that is the same in each use; "" if there is none."""
    for number in range(1, 1 + min(len(widths), MOST)):
        for parts in combinations(widths, number):
            rest = {value - sum(each) for value, *each in zip(values, *parts, strict=True)}
            if rest == {0} or (len(rest) == 1 and number == 1):
                said = "+".join(widths[part] for part in parts)
                return said if rest == {0} else f"{said}{rest.pop():+}"
    return ""
