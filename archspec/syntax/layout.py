"""Lay out plain data as YAML as a person would: a step on a line of its own, arguments beside it.

PyYAML writes the scalars, with the quotes that they need; where lines end is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from archspec.syntax.writer import SpecDumper

WIDTH = 100
LARGE = ("params", "defaults", "blocks", "layers", "outputs")  # have an empty line before them
STEPS = ("layers", "else", "branches")
SHORT_STEPS = 60  # characters of a list of steps on one line


def lay_out(data: Mapping[str, Any]) -> str:
    """Return a spec as YAML, with an empty line before each of its large parts."""
    parts: list[str] = []
    for key, value in data.items():
        lines = list(_write_entry(key, value, 0))
        if parts and key in LARGE and len(lines) > 1:
            parts.append("")
        parts += lines
    return "\n".join(parts) + "\n"


def _write_entry(key: Any, value: Any, indent: int, is_step: bool = False) -> Iterator[str]:
    """Yield the lines of a key and its value. is_step: whether it is a layer or block."""
    pad, name = " " * indent, _write_scalar(key, in_flow=False)
    if value is None and is_step:
        yield f"{pad}{name}:"
        return
    if not isinstance(value, dict | list):
        yield f"{pad}{name}: {_write_scalar(value, in_flow=False)}"
        return
    line = f"{pad}{name}: {write_flow(value)}"
    if len(line) <= WIDTH and _fits_line(key, value, indent):
        yield line
        return
    yield f"{pad}{name}:"
    yield from _write_block(value, indent + 2)


def _write_block(value: Any, indent: int, are_steps: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _write_entry(key, each, indent, are_steps)
        return
    pad = " " * indent
    for each in value:
        if isinstance(each, dict) and each:
            first, *rest = _write_block(each, indent + 2, are_steps=True)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        elif isinstance(each, list) and not _is_row(each, indent):
            first, *rest = _write_block(each, indent + 2)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        elif isinstance(each, list):
            yield f"{pad}- {write_flow(each)}"
        else:
            yield f"{pad}- {_write_scalar(each, in_flow=False)}"


def _fits_line(key: Any, value: Any, indent: int) -> bool:
    """Return whether a person writes a value on the line of its key."""
    if key in ("blocks", "edit") or (key == "defaults" and indent == 0):
        return False
    if key in STEPS:
        return _are_short_steps(value) and not (key == "layers" and indent == 0)
    if key == "for" and isinstance(value, dict) and any(", " in str(name) for name in value):
        return False
    if isinstance(key, str) and ", " in key:
        return False  # the rows of a table
    if isinstance(value, dict) and any(word in value for word in ("layers", "merge", "branches")):
        return "layers" in value and not value["layers"]
    return True


def _is_row(value: list[Any], indent: int) -> bool:
    """Return whether a list in a list is written on one line: a row, or a branch of few steps."""
    if len(write_flow(value)) + indent + 2 > WIDTH:
        return False
    steps = any(isinstance(each, dict) for each in value) or any(map(_is_class, value))
    return _are_short_steps(value) if steps else True


def _is_class(value: Any) -> bool:
    return isinstance(value, str) and value[:1].isupper()


def _are_short_steps(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    if any(isinstance(each, list) for each in value):
        return False
    alone = all(not isinstance(each, dict) or len(each) == 1 for each in value)
    deep = any(
        isinstance(inner, dict) and any(isinstance(v, dict | list) for v in inner.values())
        for each in value
        if isinstance(each, dict)
        for inner in each.values()
    )
    return alone and not deep and len(value) < 5 and len(write_flow(value)) <= SHORT_STEPS


def write_flow(value: Any) -> str:
    """Return a value as YAML on one line.

    >>> write_flow({"filters": "=max(width, 8)", "kernel_size": [1, 3]})
    '{filters: "=max(width, 8)", kernel_size: [1, 3]}'
    >>> write_flow([{"Conv2D": 8}, "ReLU"])
    '[Conv2D: 8, ReLU]'
    """
    if isinstance(value, dict):
        pairs = (f"{_write_scalar(key)}: {write_flow(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_write_item, value))}]"
    return _write_scalar(value)


def _write_item(value: Any) -> str:
    """Return an item of a list on one line, in which a mapping of one key needs no braces."""
    if isinstance(value, dict) and len(value) == 1:
        return write_flow(value)[1:-1]
    return write_flow(value)


def _write_scalar(value: Any, in_flow: bool = True) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return write_float(value)
    return _dump_scalar(str(value) if isinstance(value, str) else value, in_flow)


def write_float(value: float) -> str:
    """Return a number as short as it can be written.

    >>> write_float(1e-06), write_float(1.001e-05), write_float(0.25)
    ('1e-6', '1.001e-5', '0.25')
    """
    text = repr(value)
    digits, e, exponent = text.partition("e")
    if not e:
        return text if value == value and abs(value) != float("inf") else _dump_scalar(value, True)
    return f"{digits}e{int(exponent)}"


@lru_cache(maxsize=10_000, typed=True)
def _dump_scalar(value: Any, in_flow: bool) -> str:
    data: Any = [value] if in_flow else value
    text = yaml.dump(data, Dumper=SpecDumper, default_flow_style=True, width=10_000)
    text = text.removesuffix("\n").removesuffix("\n...")
    text = text[1:-1] if in_flow else text
    if text.startswith("'") and "'" not in text[1:-1] and '"' not in text and "\\" not in text:
        return f'"{text[1:-1]}"'
    return text
