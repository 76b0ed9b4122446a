"""Define the context of a step: the names and defaults that it can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.errors import Note
from archspec.expand.drafts import Draft, Previous
from archspec.expand.origins import Env, Origin
from archspec.expand.scopes import Scope
from archspec.graph import Iteration
from archspec.loading.files import Block, Home
from archspec.syntax.formulas import FindAxes
from archspec.syntax.source import Value


class Defaults(Struct, frozen=True, eq=False):
    """Arguments that layers start from, and what the formulas in them see."""

    value: Value
    env: Env
    find_axes: FindAxes | None = None


class Context(Struct, frozen=True, eq=False):
    """The context of a step: names, defaults and inputs that it can use.

    env: the value of each name in formulas. defaults: those in force. inputs: `input`, or the
    declared names, of the enclosing block. trail: notes on how expansion got here. calls: the
    blocks whose calls it is inside. owners: the layers to call again, inside `reuse`.

    find_axes: gives formulas the axes of a step. fed: what the enclosing group, loop or branch
    takes; None outside of these. depth: how many groups, branches and calls it is inside.
    num_loops: how many loops of its block it is inside. hides_index: whether `index` is a param or
    a variable here. iterations: those of all loops that it is inside, outermost first.

    place: that of the step, by which edits find it. level: how many files with edits there are up
    to the one whose edit wrote it; 0 for what no edit wrote. edited: notes on the edit that it is
    inside. freeze: the order of the last edit that says whether the weights in here are trained,
    and what it says: true for frozen; None for what an argument `trainable` says.
    """

    scope: Scope
    home: Home
    env: Env
    defaults: tuple[Defaults, ...]
    inputs: Mapping[str, Previous]
    trail: tuple[Note, ...] = ()
    calls: tuple[Block, ...] = ()
    owners: Iterator[Draft] | None = None
    find_axes: FindAxes | None = None
    fed: Previous | None = None
    depth: int = 0
    num_loops: int = 0
    hides_index: bool = False
    iterations: tuple[Iteration, ...] = ()
    place: int = 0
    level: int = 0
    edited: tuple[Note, ...] = ()
    freeze: tuple[tuple[int, int], bool | None] | None = None

    def with_notes(self, *notes: Note) -> Context:
        """Return the context with further notes on how expansion got here."""
        return replace(self, trail=(*self.trail, *notes)) if notes else self

    def with_names(
        self, names: Mapping[str, Any], origins: Mapping[str, Origin] | None = None
    ) -> Context:
        """Return the context with further names for formulas. origins: where they have a value."""
        return replace(self, env=self.env.extended(names, origins)) if names else self


class Call(Struct, frozen=True, eq=False):
    """A block call, kept for `reuse`: the block, the values of its params, its nodes, and the
    context that it is in."""

    block: Block
    env: Env
    nodes: tuple[Draft, ...]
    context: Context
