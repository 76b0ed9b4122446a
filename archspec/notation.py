"""Write a layer, a shape and a number as pictures, tables and charts have them.

>>> import archspec
>>> node = archspec.load("googlenet")["conv2d"]
>>> write_title(node), write_details(node), write_shape(node.facts.shape)
('conv', ['7×7', '64', '/2'], '112×112×64')
>>> write_count(11_182_410), write_size(44_729_640)
('11.2 M', '42.7 MiB')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from archspec.errors import Diagnostic
from archspec.graph import Node, Shape
from archspec.layers import traits_of
from archspec.objects import named

UNKNOWN = "?"

# An activation's name in a spec -> as papers write it.
ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", "selu": "SELU", "gelu": "GELU"}
ACTIVATIONS |= {
    "leaky_relu": "leaky ReLU",
    "silu": "SiLU",
    "swish": "SiLU",
    "hard_silu": "hard SiLU",
}
SHORTER = {"pooling": "pool", "average": "avg", "normalization": "norm", "padding": "pad"}


def write_title(node: Node, symbols: Container[str] = ()) -> str:
    """Return what a paper calls a layer: `conv`, `max pool`, `BN`, `ReLU`, `ReLU6`.

    symbols: the arguments in whose places names stand.
    """
    if node.op == "Activation":
        return write_activation(node) or "linear"
    if title := traits_of(node.op).title:
        return f"{title}{node.arguments['max_value']:g}" if _says_most(node, symbols) else title
    if node.op.isupper():  # LSTM
        return node.op
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|\d+", re.sub(r"\dD", "", node.op))
    return " ".join(SHORTER.get(word.lower(), word.lower()) for word in words) or node.op


def _says_most(node: Node, symbols: Container[str]) -> bool:
    """Return whether the title of a layer says its largest value, as in ReLU6."""
    most = node.arguments.get("max_value")
    return isinstance(most, int | float) and most == int(most) and "max_value" not in symbols


def name_from(row: str, name: str) -> str:
    """Return a dotted name as it is seen from another: without the groups around both.

    >>> name_from("stage0.unit1.add", "stage0.unit1.main.conv2d")
    'main.conv2d'
    """
    around, parts = row.split(".")[:-1], name.split(".")
    while around and len(parts) > 1 and around[0] == parts[0]:
        around, parts = around[1:], parts[1:]
    return ".".join(parts)


def has_no_effect(node: Node) -> bool:
    """Return whether a layer is a dropout of 0."""
    return traits_of(node.op).kind == "dropout, noise" and node.arguments.get("rate") == 0


def write_activation(node: Node) -> str | None:
    """Return the activation function of a layer that has one, as papers write it."""
    activation = node.arguments.get("activation")
    if activation is None:
        return None
    name, _ = named(activation)
    return ACTIVATIONS.get(name, name.replace("_", " "))


class Symbol(str):
    """A name in the place of a value that differs between the uses of a block."""

    __slots__ = ()


def write_details(
    node: Node, symbols: Mapping[str, Symbol] | None = None, titled: bool = False
) -> list[str]:
    """Return what a paper's table has beside the name of a layer: kernel, filters, stride, and
    other values that are not the usual ones.

    symbols: names that stand for values, by argument; the text of such a value is a `Symbol` too.
    titled: whether the layer's title stands before, which may say the largest value.
    """
    written: list[str] = []
    for name, write in WRITERS:
        if titled and name == "max_value" and _says_most(node, symbols or ()):
            continue
        if symbols and name in symbols:
            written.append(Symbol(write(symbols[name], node)))
        elif name in node.arguments:
            written.append(write(node.arguments[name], node))
    return [each for each in written if each]


def find_differing(nodes: Sequence[Node]) -> list[str]:
    """Return the arguments that `write_details` or `write_activation` does not write alike for all
    nodes."""
    return [
        name
        for name, write in [*WRITERS, ("activation", lambda _, node: write_activation(node))]
        if all(name in node.arguments for node in nodes)
        and len({write(node.arguments[name], node) for node in nodes}) > 1
    ]


def _join_axes(value: Any) -> str:
    """Return lengths as `3×3`, `1×7`, or `3` for one axis."""
    return "×".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def write_axes(value: Any) -> str:
    """Return the one number where all axes agree, else `2×1`."""
    agree = isinstance(value, list | tuple) and len(set(value)) == 1
    return str(value[0]) if agree else _join_axes(value)


def _write_into(text: str) -> Callable[[Any, Node], str]:
    """Return a function that writes the value into a text."""
    return lambda value, node: text.format(value)


def _write_number(value: Any, node: Node) -> str:
    """Return a number in six digits at most."""
    return value if isinstance(value, Symbol) else f"{value:g}"


def _write_unusual(usual: Any, text: str) -> Callable[[Any, Node], str]:
    """Return a function that writes the value into a text where it is not the usual one on every
    axis."""

    def write(value: Any, node: Node) -> str:
        plain = set(value) == {usual} if isinstance(value, tuple) else value in (usual, None)
        return "" if plain else text.format(write_axes(value))

    return write


def _write_stride(value: Any, node: Node) -> str:
    """Return a stride as `/2`; that of a pool is its window where none is given."""
    value = node.arguments.get("pool_size") if value is None else value
    return _write_unusual(1, "×{}" if traits_of(node.op).enlarges else "/{}")(value, node)


def _write_margins(value: Any, node: Node) -> str:
    """Return rows and columns that are added or cut; a word such as 'same' shows in the shape."""
    if not isinstance(value, tuple):
        return value if isinstance(value, Symbol) else ""
    pairs = value if all(isinstance(pair, tuple) for pair in value) else (value,)  # of one axis
    sides = {side for pair in pairs for side in pair}
    return str(*sides) if len(sides) == 1 else " ".join(f"{a},{b}" for a, b in pairs)


# Argument -> how it is written, in the order in which it is written.
WRITERS: list[tuple[str, Callable[[Any, Node], str]]] = [
    ("kernel_size", lambda value, node: _join_axes(value)),
    ("pool_size", lambda value, node: _join_axes(value)),
    ("size", _write_unusual(1, "×{}")),
    ("filters", _write_into("{}")),
    ("units", _write_into("{}")),
    ("input_dim", _write_into("{}")),
    ("output_dim", _write_into("{}")),
    ("num_heads", _write_into("{} heads")),
    ("key_dim", _write_into("{} wide")),
    ("strides", _write_stride),
    ("dilation_rate", _write_unusual(1, "dilation {}")),
    ("groups", _write_unusual(1, "{} groups")),
    ("depth_multiplier", _write_unusual(1, "×{}")),
    ("rate", _write_number),
    ("padding", _write_margins),
    ("cropping", _write_margins),
    ("max_value", _write_unusual(None, "at most {}")),
    ("negative_slope", _write_unusual(0.0, "{}")),
]


def write_shape(value: Shape) -> str:
    """Return a shape as `28×28×64`: without the batch axis, `?` for an unknown length; a scalar is
    1."""
    return "×".join(UNKNOWN if n is None else str(n) for n in value[1:]) or "1"


def write_message(diagnostic: Diagnostic) -> str:
    """Return the message of a diagnostic, with its shapes as pictures write them: `28×28×64`."""

    def short(found: re.Match[str]) -> str:
        axes = re.findall(r"None|\d+", found[0])
        return write_shape(tuple(None if axis == "None" else int(axis) for axis in axes))

    return re.sub(r"\(None(, (None|\d+))*,?\)", short, diagnostic.message)


def write_count(value: int | None) -> str:
    """Return a count in three digits and K, M, G or T, powers of 1000."""
    return _write_scaled(value, 1000, ("", " K", " M", " G", " T"))


def write_size(value: int | None) -> str:
    """Return bytes in three digits and KiB to TiB, powers of 1024."""
    return _write_scaled(value, 1024, (" B", " KiB", " MiB", " GiB", " TiB"))


def _write_scaled(value: int | None, base: int, units: Sequence[str]) -> str:
    if value is None:
        return UNKNOWN
    scaled, power = float(value), 0
    # 999.5 would read 1000: three digits of the next unit are 1.00
    while scaled >= (999.5 if power else base) and power + 1 < len(units):
        scaled, power = scaled / base, power + 1
    if not power:
        return f"{value}{units[0]}"
    return f"{scaled:.{count_places(scaled)}f}{units[power]}"


def count_places(value: float) -> int:
    """Return how many digits after the point give a number three digits: 2 for 1.23, 0 for 123."""
    return 2 if value < 9.995 else 1 if value < 99.95 else 0
