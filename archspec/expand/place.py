"""What expansion works with: nodes in the making, and what a step sees from where it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archspec.errors import Note, Span
from archspec.expand.scopes import Scope
from archspec.graph import Facts, Shape
from archspec.loading.files import Block, Home
from archspec.syntax.source import Value


@dataclass(slots=True, eq=False)
class Draft:
    """A node before names are final.

    stand_in: it stands for a step that failed before it could be one. errors: what is wrong with
    it, as places in the findings of the expansion.
    """

    op: str
    inputs: tuple[Draft, ...]
    scope: Scope
    span: Span
    trail: tuple[Note, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    slots: tuple[str, ...] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    owner: Draft | None = None
    facts: Facts | None = None
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


Previous = Draft | Nothing  # what a step hands on to the next one
Taken = Previous | list[Draft] | dict[str, Draft]  # what a step takes: one, several, or by name


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What a step sees from where it is written.

    defaults: those in force, each with the names that its formulas see. inputs: `input`, or the
    declared names, of the enclosing block. calls: the blocks whose calls it stands in. owners: of
    the layers to call again, inside `reuse`.
    """

    scope: Scope
    home: Home
    env: Mapping[str, Any]
    defaults: tuple[tuple[Value, Mapping[str, Any]], ...]
    inputs: Mapping[str, Previous]
    trail: tuple[Note, ...] = ()
    calls: tuple[Block, ...] = ()
    owners: Iterator[Draft] | None = None

    def with_notes(self, *notes: Note) -> Place:
        """Return the place with further notes on how one got here."""
        return replace(self, trail=(*self.trail, *notes)) if notes else self

    def with_names(self, names: Mapping[str, Any]) -> Place:
        """Return the place with further names for formulas."""
        return replace(self, env={**self.env, **names}) if names else self


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A block call, kept for `reuse`: the block, its params' values, and its nodes."""

    block: Block
    env: Mapping[str, Any]
    nodes: tuple[Draft, ...]
