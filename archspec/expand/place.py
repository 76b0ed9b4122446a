"""What expansion works with: nodes in the making, and what a step sees from where it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archspec.errors import Note, Span
from archspec.files import Block, Home
from archspec.graph import Facts, Shape
from archspec.scopes import Scope
from archspec.syntax.source import Value


@dataclass(slots=True, eq=False)
class Draft:
    """A node before names are final.

    stand_in: it stands for a step that failed before it could be one. errors: what is wrong with
    it, as places in the expansion's list of diagnostics.
    """

    op: str
    arguments: Mapping[str, Any]
    inputs: tuple[Draft, ...]
    slots: tuple[str, ...]
    call: Mapping[str, Any]
    owner: Draft | None
    facts: Facts | None
    scope: Scope
    span: Span
    trail: tuple[Note, ...]
    used: bool = False
    name: str = ""
    stand_in: bool = False
    errors: tuple[int, ...] = ()

    @property
    def shape(self) -> Shape:
        assert self.facts is not None
        return self.facts.shape


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value to go on from, and why."""

    reason: str
    hint: str = "say `from`"


Flow = Draft | Nothing
Feed = Flow | list[Draft] | dict[str, Draft]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What a step sees from where it is written."""

    scope: Scope
    home: Home
    env: Mapping[str, Any]
    defaults: tuple[tuple[Value, Mapping[str, Any]], ...]
    inputs: Mapping[str, Flow]  # `input`, or the declared names, of the enclosing block
    trail: tuple[Note, ...] = ()
    calls: tuple[Block, ...] = ()
    owners: Iterator[Draft] | None = None  # of the layers to call again, inside `reuse`

    def with_names(self, names: Mapping[str, Any], note: Note | None = None) -> Place:
        trail = (*self.trail, note) if note else self.trail
        return replace(self, env={**self.env, **names}, trail=trail)


class Silent(Exception):
    """Something failed that has been reported already."""


class Halt(Exception):
    """A bound was reached and reported: whatever is left is not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A block call, kept for `reuse`: the block, its params' values, and its nodes."""

    block: Block
    env: Mapping[str, Any]
    nodes: tuple[Draft, ...]
