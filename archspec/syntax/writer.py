"""Typed steps, and plain data, as YAML that our reader reads back the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from archspec.syntax.source import FLOAT, INTEGER, plain
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
    """Return plain data as YAML; short lists and mappings stand on a line."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100)


class _Dumper(yaml.SafeDumper):
    """Quotes what PyYAML's reader takes for text and YAML 1.2 for a number; repeats, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    number = INTEGER.fullmatch(text) or FLOAT.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if number else None)


_Dumper.add_representer(str, _text)


# --- steps ---------------------------------------------------------------------------------------


def write_body(body: Body | None) -> list[Any] | None:
    """Return steps as plain data, each in its shortest form."""
    return None if body is None else [write_step(each) for each in body.steps]


def write_step(step: Step) -> Any:
    """Return a step as plain data: its name alone where it says no more.

    A layer or a block stands before what is said beside it, the steps of a group after it.
    """
    match step:
        case Broken(value=value):
            return plain(value)
        case LayerCall() | BlockCall():
            written = {step.label: _arguments(step.arguments), **_beside(step)}
            return step.label if written == {step.label: None} else written
        case Reuse(target=target):
            return {"reuse": plain(target), **_beside(step)}
        case Group(body=body):
            return {**_beside(step), "layers": write_body(body)}
        case Branches(merge=None):
            return {**_beside(step), "branches": _branches(step)}
        case Branches(merge=merge):
            assert merge is not None
            return {**_beside(step), "branches": _branches(step), "merge": write_step(merge)}
    return _beside(step)


def _beside(step: Step) -> dict[str, Any]:
    """The words beside what a step does, in the order in which they are read."""
    loop = step.loop
    written = {
        "from": _sources(step.feed),
        "for": plain(loop.value) if isinstance(loop, For) else None,
        "repeat": plain(loop.count) if loop is not None and not isinstance(loop, For) else None,
        "when": _plain(step.condition),
        "name": _plain(step.name),
        "call": _plain(step.call),
    }
    return {word: value for word, value in written.items() if value is not None}


def _plain(value: Any) -> Any:
    return None if value is None else plain(value)


def _sources(feed: Sources | None) -> Any:
    if feed is None:
        return None
    names = [plain(each) for each in feed.names]
    if feed.slots:
        return dict(zip(feed.slots, names, strict=True))
    return names[0] if feed.single else names


def _arguments(arguments: Arguments | None) -> Any:
    if arguments is None:
        return None
    if arguments.first is not None:
        return plain(arguments.first)
    return {name: plain(value) for name, value in arguments.named.items()}


def _branches(step: Branches) -> Any:
    if all(each.key is None for each in step.branches):
        return [_branch(each) for each in step.branches]
    return {each.key: _branch(each) for each in step.branches}


def _branch(branch: Branch) -> Any:
    if branch.refused is not None:
        return plain(branch.refused)
    if branch.is_list:
        return write_body(branch.body)
    body = {} if branch.body is None else {"layers": write_body(branch.body)}
    return {**_beside(branch), **body}
