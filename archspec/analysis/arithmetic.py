"""Derive the shape, the parameters and the MACs of one layer from its arguments and its input, with
the numbers in place.

    >>> import archspec
    >>> graph = archspec.load("googlenet")
    >>> arithmetic = find_arithmetic(graph, graph["conv2d"])
    >>> for sum in arithmetic.axes:
    ...     print(sum.name, sum.formula, "=", sum.numbers, "=", sum.value)
    height ceil(height/strides) = ceil(224/2) = 112
    width ceil(width/strides) = ceil(224/2) = 112
    channels filters = 64 = 64

The layer's own rule is run with integers that remember how they were computed, so the arithmetic is
that of the rule, whatever the layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import ceil, prod
from typing import Any

from msgspec import Struct

from archspec.analysis.traced import NO_NAMES, Term, term_of, trace, write_term
from archspec.errors import Refused
from archspec.graph import Facts, Graph, Node, Shape
from archspec.infer import infer_facts
from archspec.layers import LAYERS, traits_of
from archspec.layers.shapes import AXES_OF_RANK

MAX_ROWS = 10**6  # of an axis whose rows are looked at one by one


class Calculation(Struct, frozen=True):
    """How one number was computed.

    name: what it is: `height`, `kernel`. formula: in the words of the layer, and numbers: with the
    numbers in place, which is Python with `floor` and `ceil`; "" for both where the value is not
    known. value: None where an axis is unknown. kept: whether it is the input's own, unchanged.
    """

    name: str
    formula: str
    numbers: str
    value: int | None
    kept: bool = False


class Unread(Struct, frozen=True):
    """Rows of the input that no window reads.

    axis: `height`, as in the shape. rows: how many of them. out_of: how many there are. last: how
    many of them are at the end, after the last window.
    """

    axis: str
    rows: int
    out_of: int
    last: int


class Arithmetic(Struct, frozen=True):
    """How the facts of a layer were computed.

    axes: of the output, without the batch. weights: the number of values in each, by its name.
    params: their sum. macs: for one sample. unread: rows of the input that no window reads, by
    axis.
    """

    axes: tuple[Calculation, ...]
    weights: tuple[Calculation, ...]
    params: Calculation
    macs: Calculation
    unread: tuple[Unread, ...] = ()


def find_arithmetic(graph: Graph, node: Node) -> Arithmetic:
    """Return the arithmetic of a layer of a graph, or of an input, which has none to be told."""
    shapes = [graph.shape(name) for name in node.inputs]
    names = list(node.slots) or _shorten(node.inputs)
    return calculate(node, shapes, names)


def calculate(node: Node, shapes: Sequence[Shape], names: Sequence[str] = ()) -> Arithmetic:
    """Return the arithmetic of a node that takes inputs of those shapes.

    names: what the inputs are called in formulas, where they are several.
    """
    assert node.facts is not None
    given = tuple(_trace_shape(node, shape, _prefix(names, i)) for i, shape in enumerate(shapes))
    facts = _trace(node, given) or node.facts
    labels = name_axes(node, facts.shape, shapes[0] if shapes else None)
    own = [[None if n is None else term_of(n) for n in lengths] for lengths in zip_longest(*given)]
    axes = tuple(
        _calculate(label, n, kept=index < len(own) and (n and term_of(n)) in own[index])
        for index, (label, n) in enumerate(zip(labels, facts.shape[1:], strict=True), 1)
    )
    names_of_axes = {
        term_of(n): f"output.{label}"
        for label, n in zip(labels, facts.shape[1:], strict=True)
        if n is not None and term_of(n).operation
    }
    weights = tuple(
        _calculate(name, prod(shape), exact=True) for name, shape in facts.weights.items()
    )
    total = sum(prod(shape) for shape in facts.weights.values())
    return Arithmetic(
        axes,
        weights,
        _calculate("params", total, exact=True),
        _calculate("MACs", facts.macs, exact=True, names=names_of_axes),
        find_unread(node, shapes[0]) if shapes and not node.slots else (),
    )


def _prefix(names: Sequence[str], index: int) -> str:
    return f"{names[index]}." if len(names) > 1 else ""


def _calculate(
    name: str,
    value: int | None,
    exact: bool = False,
    names: Mapping[Term, str] = NO_NAMES,
    kept: bool = False,
) -> Calculation:
    """Return how a number was computed. exact, names: as `write_term` takes them."""
    if value is None:
        return Calculation(name, "", "", None)
    formula = write_term(value, False, exact, names)
    numbers = write_term(value, True, exact, names)
    return Calculation(name, formula, numbers, int(value), kept)


def _trace(node: Node, shapes: Sequence[Shape]) -> Facts | None:
    """Return the facts of a node, of integers that remember how they were computed.

    shapes: of its inputs, of such integers. None for an input, and for a layer of one's own whose
    rule takes plain integers alone or gives other facts each time.
    """
    layer = LAYERS.get(node.op)
    if layer is None:
        return None
    arguments = {
        name: _trace_argument(name, value, layer.arguments[name].default)
        for name, value in node.arguments.items()
    }
    fed = dict(zip(node.slots, shapes, strict=True)) if node.slots else list(shapes)
    try:
        facts = infer_facts(node.op, arguments, fed, node.call)
    except Refused:
        assert layer.file is not None, f"the rule of {node.op} refuses traced integers"
        return None
    if facts == node.facts:
        return facts
    assert layer.file is not None, f"the rule of {node.op} gives other facts when it is asked again"
    return None


def _trace_shape(node: Node, shape: Shape, prefix: str) -> Shape:
    labels = name_axes(node, shape)
    lengths = zip(shape[1:], labels, strict=True)
    return (None, *(n if n is None else trace(n, prefix + label) for n, label in lengths))


def _trace_argument(name: str, value: Any, default: Any) -> Any:
    """Return an argument whose integers remember its name, those in lists too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return trace(value, name, neutral=value == default)
    if not isinstance(value, tuple):
        return value
    alike = len(set(value)) == 1
    neutral = isinstance(default, tuple) and len(default) == len(value)
    return tuple(
        _trace_argument(
            name if alike else f"{name}[{index}]", each, default[index] if neutral else None
        )
        for index, each in enumerate(value)
    )


def name_axes(node: Node, shape: Shape, like: Shape | None = None) -> list[str]:
    """Return what the axes of a shape are called, without the batch: height, width, channels.

    like: the layer's input, where the shape is that of its output: an output with other axes has
    them numbered.
    """
    rank = len(shape) - 1
    is_moved = node.facts is not None and node.facts.axes and like is not None
    if is_moved or (like is not None and len(like) != len(shape) and rank > 1):
        return [f"axis {number}" for number in range(1, rank + 1)]
    if rank == 1:
        return ["features"]
    if rank - 1 not in AXES_OF_RANK:
        return [f"axis {number}" for number in range(1, rank + 1)]
    spatial = list(AXES_OF_RANK[rank - 1])
    slides = "data_format" in node.arguments
    channels = "channels" if slides or rank > 2 else "features"
    first = node.arguments.get("data_format") == "channels_first"
    return [channels, *spatial] if first else [*spatial, channels]


def _shorten(names: Sequence[str]) -> list[str]:
    """Return dotted names without the parts that they all begin with.

    >>> _shorten(["a.b.conv2d", "a.c.conv2d"])
    ['b.conv2d', 'c.conv2d']
    """
    parts = [name.split(".") for name in names]
    while len(parts) > 1 and all(len(each) > 1 and each[0] == parts[0][0] for each in parts):
        parts = [each[1:] for each in parts]
    return [".".join(each) for each in parts]


# --- what no window reads ------------------------------------------------------------------------


def find_unread(node: Node, shape: Shape) -> tuple[Unread, ...]:
    """Return the rows of an input that none of the windows of a sliding layer reads, by axis.

    >>> import archspec
    >>> text = "archspec: 1\\ninput: [7, 8, 1]\\nlayers: [MaxPooling2D: 2]\\n"
    >>> graph = archspec.loads(text)
    >>> find_unread(graph["max_pooling2d"], graph.shape("input"))
    (Unread(axis='height', rows=1, out_of=7, last=1),)
    """
    window = node.facts.window if node.facts is not None else None
    padding = node.arguments.get("padding")
    if not window or not isinstance(padding, str) or traits_of(node.op).enlarges:
        return ()
    if any(step != int(step) for _, step in window):
        return ()
    labels = name_axes(node, shape)
    axes = [(label, n) for label, n in zip(labels, shape[1:], strict=True) if label in SLIDING]
    dilation = node.arguments.get("dilation_rate") or (1,) * len(window)
    found = [
        _look_along(label, n, reach, int(stride), rate, padding)
        for (label, n), (reach, stride), rate in zip(axes, window, dilation, strict=False)
        if n is not None and n <= MAX_ROWS
    ]
    return tuple(each for each in found if each.rows)


SLIDING = {name for names in AXES_OF_RANK.values() for name in names}


def _look_along(axis: str, length: int, reach: int, stride: int, rate: int, padding: str) -> Unread:
    """Return what windows leave out along an axis.

    Padding same lays half of the missing rows before the first one, as TensorFlow does; causal
    lays all of them there.
    """
    out = (length - reach) // stride + 1 if padding == "valid" else ceil(length / stride)
    missing = max((out - 1) * stride + reach - length, 0)
    before = {"valid": 0, "same": missing // 2}.get(padding, reach - 1)
    starts = range(-before, out * stride - before, stride)
    if rate == 1 and stride <= reach:  # then the windows leave nothing out between them
        last = max(length - (starts[-1] + reach), 0)
        return Unread(axis, last, length, last)
    read = {row for start in starts for row in range(start, start + reach, rate)}
    unread = [row for row in range(length) if row not in read]
    last = 0
    while last < len(unread) and unread[-1 - last] == length - 1 - last:
        last += 1
    return Unread(axis, len(unread), length, last)
