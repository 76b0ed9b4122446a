"""Write typed steps, and plain data, as YAML that `source` reads back the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from archspec.syntax.source import FLOAT, INTEGER, to_plain
from archspec.syntax.steps import (
    Arguments,
    BlockCall,
    Body,
    Branch,
    Branches,
    Broken,
    For,
    Group,
    LayerCall,
    Reuse,
    Sources,
    Step,
)


def write_yaml(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML; short lists and mappings are written on one line."""
    return yaml.dump(data, Dumper=SpecDumper, sort_keys=False, default_flow_style=None, width=100)


def write_value(value: Any) -> str:
    """Return a value as YAML that can follow a key, on one line if it is not long."""
    text = yaml.dump(value, Dumper=SpecDumper, sort_keys=False, default_flow_style=True, width=90)
    return text.removesuffix("\n").removesuffix("\n...")


class SpecDumper(yaml.SafeDumper):
    """Writes repeated values out instead of using aliases, and quotes texts that look like numbers.

    PyYAML's own dumper leaves `1e-4` unquoted, which YAML 1.2 reads as a number.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    number = INTEGER.fullmatch(text) or FLOAT.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if number else None)


SpecDumper.add_representer(str, _represent_text)
SpecDumper.add_multi_representer(str, _represent_text)


# --- steps ---------------------------------------------------------------------------------------


def write_body(body: Body | None) -> list[Any] | None:
    """Return steps as plain data, each in its shortest form."""
    return None if body is None else [write_step(each) for each in body.steps]


def write_step(step: Step) -> Any:
    """Return a step as plain data; a layer without arguments is its name alone.

    A layer or block is written before the other words of its step, the steps of a group after them.
    """
    match step:
        case Broken(value=value):
            return to_plain(value)
        case LayerCall() | BlockCall():
            written = {step.label: _write_arguments(step.arguments), **_write_shared(step)}
            return step.label if written == {step.label: None} else written
        case Reuse(target=target):
            return {"reuse": to_plain(target), **_write_shared(step)}
        case Group(body=body, otherwise=otherwise):
            alternative = {} if otherwise is None else {"else": write_body(otherwise)}
            return {**_write_shared(step), "layers": write_body(body), **alternative}
        case Branches(merge=None):
            return {**_write_shared(step), "branches": _write_branches(step)}
        case Branches(merge=merge):
            assert merge is not None
            return {
                **_write_shared(step),
                "branches": _write_branches(step),
                "merge": write_step(merge),
            }
    return _write_shared(step)


def _write_shared(step: Step) -> dict[str, Any]:
    """Return the words that every step can have, in the order in which they are written."""
    loop = step.loop
    written = {
        "from": _write_sources(step.sources),
        "for": to_plain(loop.value) if isinstance(loop, For) else None,
        "repeat": to_plain(loop.count) if loop is not None and not isinstance(loop, For) else None,
        "when": _plain_or_none(step.condition),
        "name": _plain_or_none(step.name),
        "call": _plain_or_none(step.call),
    }
    return {word: value for word, value in written.items() if value is not None}


def _plain_or_none(value: Any) -> Any:
    return None if value is None else to_plain(value)


def _write_sources(sources: Sources | None) -> Any:
    if sources is None:
        return None
    names = [to_plain(each) for each in sources.names]
    if sources.slots:
        return dict(zip(sources.slots, names, strict=True))
    return names[0] if sources.single else names


def _write_arguments(arguments: Arguments | None) -> Any:
    if arguments is None:
        return None
    if arguments.first is not None:
        return to_plain(arguments.first)
    return {name: to_plain(value) for name, value in arguments.named.items()}


def _write_branches(step: Branches) -> Any:
    if all(each.key is None for each in step.branches):
        return [_write_branch(each) for each in step.branches]
    return {each.key: _write_branch(each) for each in step.branches}


def _write_branch(branch: Branch) -> Any:
    if branch.refused is not None:
        return to_plain(branch.refused)
    if branch.is_list:
        return write_body(branch.body)
    body = {} if branch.body is None else {"layers": write_body(branch.body)}
    alternative = {} if branch.otherwise is None else {"else": write_body(branch.otherwise)}
    return {**_write_shared(branch), **body, **alternative}
