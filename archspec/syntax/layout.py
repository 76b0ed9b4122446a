"""Lay out plain data as YAML as a person would: a step on a line of its own, arguments beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from archspec.syntax.writer import SpecDumper

WIDTH = 100
LARGE = ("params", "defaults", "blocks", "layers", "outputs")  # have an empty line before them


def lay_out(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML in which each step is a line where it fits, with an empty line
    before each of the large parts."""
    parts = []
    for key, value in data.items():
        text = _dump({key: value})
        large = key in LARGE and "\n" in text[:-1]
        parts.append(("\n" if large and parts else "") + text)
    return "".join(parts)


def _dump(data: Any) -> str:
    node = _Layout("", sort_keys=False).represent_data(data)
    _choose_flow(node, 0)
    return yaml.serialize(node, Dumper=_Layout, width=10_000)


class _Layout(SpecDumper):
    """Indents the items of a list below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _choose_flow(node: yaml.Node, indent: int) -> None:
    """Write arguments, rows and short lists of steps on one line, all else line by line."""
    if isinstance(node, yaml.ScalarNode):
        return
    if isinstance(node, yaml.MappingNode):
        node.flow_style = False
        for key, value in node.value:
            fits = _measure(value) + len(str(key.value)) + indent + 2 <= WIDTH
            word = key.value if isinstance(key, yaml.ScalarNode) else ""
            if isinstance(value, yaml.ScalarNode):
                continue
            if fits and _is_inline(value, word):
                _set_flow(value)
            else:
                _choose_flow(value, indent + 2)
        return
    assert isinstance(node, yaml.SequenceNode)
    node.flow_style = False
    for value in node.value:
        if isinstance(value, yaml.SequenceNode) and _measure(value) + indent <= WIDTH - 2 and (
            _is_inline(value, "")
        ):
            _set_flow(value)
        else:
            _choose_flow(value, indent + 2)


def _is_inline(node: yaml.Node, word: str) -> bool:
    """Return whether a person would write a value on the line of its key."""
    if isinstance(node, yaml.SequenceNode):
        if not node.value:
            return True
        if word == "blocks":
            return False
        simple = all(isinstance(each, yaml.ScalarNode) for each in node.value)
        rows = all(isinstance(each, yaml.SequenceNode) for each in node.value)
        if simple:
            return True
        if rows:
            return "," not in word and _measure(node) < 40 and all(
                isinstance(cell, yaml.ScalarNode) for each in node.value for cell in each.value  # type: ignore[attr-defined]
            )
        return _measure(node) < 60 and len(node.value) < 4 and all(map(_is_plain_step, node.value))
    if isinstance(node, yaml.MappingNode):
        return word not in ("blocks", "defaults", "branches") and all(
            isinstance(value, yaml.ScalarNode)
            or (word != "" and _is_inline(value, "x") and "," not in str(key.value))
            for key, value in node.value
        ) and not any(key.value in ("layers", "when") for key, _ in node.value)
    return True


def _is_plain_step(node: yaml.Node) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return True
    return isinstance(node, yaml.MappingNode) and len(node.value) == 1 and (
        _is_inline(node.value[0][1], "step")
    )


def _set_flow(node: yaml.Node) -> None:
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = True
        for each in node.value:
            for part in each if isinstance(each, tuple) else (each,):
                _set_flow(part)


def _measure(node: yaml.Node) -> int:
    """Return about how many characters a value takes on one line."""
    if isinstance(node, yaml.ScalarNode):
        return len(node.value) + 2 * (node.style is not None)
    if isinstance(node, yaml.SequenceNode):
        return 2 + sum(_measure(each) + 2 for each in node.value)
    assert isinstance(node, yaml.MappingNode)
    return 2 + sum(_measure(key) + _measure(value) + 4 for key, value in node.value)
