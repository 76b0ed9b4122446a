"""Write a pair of arguments' values, old and new, as a reader would say them."""

from __future__ import annotations

from typing import Any

from archspec import notation
from archspec.arguments import show
from archspec.graph import Node

DIGITS = 4  # of a number; more where it takes more to tell two apart
MOST_DIGITS = 17  # tell any two numbers apart
# Arguments whose lists are lengths, one for each axis: `3×1`. Other lists are lists.
LENGTHS = ("strides", "dilation_rate", "padding", "cropping", "output_padding")


def write_value(value: Any, name: str = "", digits: int = DIGITS) -> str:
    """Return the value of an argument as a reader would say it. name: of the argument.

    >>> write_value((3, 3), "kernel_size"), write_value((2, 1), "strides"), write_value((-2, -1))
    ('3', '2×1', '[-2, -1]')
    >>> write_value(True), write_value(None), write_value("same"), write_value(("query", "key"))
    ('true', 'none', 'same', 'query, key')
    """
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, tuple) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    is_length = name in LENGTHS or name.endswith(("size", "shape"))
    if is_length and isinstance(value, tuple) and all(isinstance(each, int) for each in value):
        same = len(set(value)) == 1 and not name.endswith("shape")
        return str(value[0]) if same else notation.write_shape((None, *value))
    return show(value)


def write_pair(before: Any, after: Any, name: str = "") -> tuple[str, str]:
    """Return two values of an argument, in as many digits as tell them apart.

    >>> write_pair(0.1, 0.2), write_pair(1000000.0, 1000001.0)
    (('0.1', '0.2'), ('1000000', '1000001'))
    """
    for digits in range(DIGITS, MOST_DIGITS + 1):
        texts = write_value(before, name, digits), write_value(after, name, digits)
        if texts[0] != texts[1]:
            return texts
    return repr(before), repr(after)  # a text that looks like a number; a list that is cut


def find_effective(name: str, value: Any, node: Node) -> Any:
    """Return the value of an argument that takes effect: a pool without strides has its window."""
    return node.arguments.get("pool_size") if name == "strides" and value is None else value
