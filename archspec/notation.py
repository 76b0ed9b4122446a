"""How pictures and tables say a layer, a shape and a number.

title(node), details(node)   ->  "conv", ["3×3", "64", "/2"]
shape((None, 28, 28, 64))    ->  "28×28×64"
message(diagnostic)          ->  "Add cannot merge inputs of shapes 26×26×8 and 26×26×16: ..."
count(11_182_410)            ->  "11.2 M"
size(44_729_640)             ->  "42.7 MiB"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archspec.errors import Diagnostic
from archspec.graph import Node, Shape

UNKNOWN = "?"

# Names that are not the class's own words in lower case.
TITLES = {
    "Add": "+",
    "Multiply": "\N{MULTIPLICATION SIGN}",
    "Subtract": "\N{MINUS SIGN}",
    "Concatenate": "concat",
    "BatchNormalization": "BN",
    "LayerNormalization": "LN",
    "GroupNormalization": "GN",
    "InputLayer": "input",
    "MultiHeadAttention": "attention",
    "GroupQueryAttention": "attention",
    "UpSampling": "upsample",
    "RMSNormalization": "RMS norm",
}
# An activation's name in a spec -> as papers write it.
ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", "selu": "SELU", "gelu": "GELU"}
ACTIVATIONS |= {
    "leaky_relu": "leaky ReLU",
    "silu": "SiLU",
    "swish": "SiLU",
    "hard_silu": "hard SiLU",
}
SHORTER = {"pooling": "pool", "average": "avg", "normalization": "norm", "padding": "pad"}


def title(node: Node) -> str:
    """What a paper calls the layer: `conv`, `max pool`, `BN`, `ReLU`."""
    if node.op == "Activation":
        return activation(node) or "linear"
    stem = re.sub(r"\dD", "", node.op)
    if stem in TITLES:
        return TITLES[stem]
    if re.fullmatch(r"[A-Z]+|[A-Z]?[a-z]*R?eLU", node.op):  # LSTM, ReLU, PReLU
        return node.op
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|\d+", stem)
    return " ".join(SHORTER.get(word.lower(), word.lower()) for word in words) or node.op


def activation(node: Node) -> str | None:
    """The activation function of a layer that has one, as papers write it."""
    value = node.arguments.get("activation")
    if isinstance(value, Mapping):
        (value,) = value
    return None if value is None else ACTIVATIONS.get(value, str(value).replace("_", " "))


class Symbol(str):
    """A name in the place of a value that differs between the uses of a block."""

    __slots__ = ()


def details(node: Node, symbols: Mapping[str, Symbol] | None = None) -> list[str]:
    """What a paper's table says of the layer besides its name: kernel, filters, stride, and
    whatever else is not the usual value. symbols: of arguments, by their names; what is said of
    them is a `Symbol` too."""
    said: list[str] = []
    for name, say in SAYINGS:
        if symbols and name in symbols:
            said.append(Symbol(say(symbols[name], node)))
        elif name in node.arguments:
            said.append(say(node.arguments[name], node))
    return [each for each in said if each]


def differing(nodes: Sequence[Node]) -> list[str]:
    """The arguments that `details`, or their activations, say otherwise of some of the nodes."""
    return [
        name
        for name, say in [*SAYINGS, ("activation", lambda _, node: activation(node))]
        if all(name in node.arguments for node in nodes)
        and len({say(node.arguments[name], node) for node in nodes}) > 1
    ]


def _by(value: Any) -> str:
    """3×3; 1×7; 3 for one axis."""
    return "×".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _each(value: Any) -> str:
    """The one number where all axes agree, else 2×1."""
    return str(value[0]) if isinstance(value, list | tuple) and len(set(value)) == 1 else _by(value)


def _always(text: str) -> Callable[[Any, Node], str]:
    """Says the value in `text`."""
    return lambda value, node: text.format(value)


def _number(value: Any, node: Node) -> str:
    """Six digits at most."""
    return value if isinstance(value, Symbol) else f"{value:g}"


def _over(usual: Any, text: str) -> Callable[[Any, Node], str]:
    """Says the value in `text` where it is not the usual one on every axis."""

    def say(value: Any, node: Node) -> str:
        plain = set(value) == {usual} if isinstance(value, tuple) else value in (usual, None)
        return "" if plain else text.format(_each(value))

    return say


def _stride(value: Any, node: Node) -> str:
    """A pool's stride is its window where none is given; /2 stands for both axes."""
    value = node.arguments.get("pool_size") if value is None else value
    return _over(1, "×{}" if "Transpose" in node.op else "/{}")(value, node)


def _margins(value: Any, node: Node) -> str:
    """Rows and columns added or cut; a word such as 'same' shows in the shape."""
    if not isinstance(value, tuple):
        return value if isinstance(value, Symbol) else ""
    pairs = value if all(isinstance(pair, tuple) for pair in value) else (value,)  # of one axis
    sides = {side for pair in pairs for side in pair}
    return str(*sides) if len(sides) == 1 else " ".join(f"{a},{b}" for a, b in pairs)


# Argument -> how it is said, in the order in which it is said.
SAYINGS: list[tuple[str, Callable[[Any, Node], str]]] = [
    ("kernel_size", lambda value, node: _by(value)),
    ("pool_size", lambda value, node: _by(value)),
    ("size", _over(1, "×{}")),
    ("filters", _always("{}")),
    ("units", _always("{}")),
    ("input_dim", _always("{}")),
    ("output_dim", _always("{}")),
    ("num_heads", _always("{} heads")),
    ("key_dim", _always("{} wide")),
    ("strides", _stride),
    ("dilation_rate", _over(1, "dilation {}")),
    ("groups", _over(1, "{} groups")),
    ("depth_multiplier", _over(1, "×{}")),
    ("rate", _number),
    ("padding", _margins),
    ("cropping", _margins),
    ("max_value", _over(None, "at most {}")),
    ("negative_slope", _over(0.0, "{}")),
]


def shape(value: Shape) -> str:
    """28×28×64: without the batch axis, ? for an unknown one; a scalar is 1."""
    return "×".join(UNKNOWN if n is None else str(n) for n in value[1:]) or "1"


def message(diagnostic: Diagnostic) -> str:
    """What is said of a mistake, its shapes as pictures say them."""

    def short(found: re.Match[str]) -> str:
        axes = re.findall(r"None|\d+", found[0])
        return shape(tuple(None if axis == "None" else int(axis) for axis in axes))

    return re.sub(r"\(None(, (None|\d+))*,?\)", short, diagnostic.message)


def count(value: int | None) -> str:
    """Three digits and K, M, G, T, powers of 1000."""
    return _scaled(value, 1000, ("", " K", " M", " G", " T"))


def size(value: int | None) -> str:
    """Bytes in three digits and KiB to TiB, powers of 1024."""
    return _scaled(value, 1024, (" B", " KiB", " MiB", " GiB", " TiB"))


def _scaled(value: int | None, base: int, units: Sequence[str]) -> str:
    if value is None:
        return UNKNOWN
    scaled, power = float(value), 0
    # 999.5 would read 1000: three digits of the next unit are 1.00
    while scaled >= (999.5 if power else base) and power + 1 < len(units):
        scaled, power = scaled / base, power + 1
    if not power:
        return f"{value}{units[0]}"
    places = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{places}f}{units[power]}"
