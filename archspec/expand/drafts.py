"""Define nodes in the making, and the values that steps take from each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from archspec.errors import Note, Span
from archspec.expand.origins import Account
from archspec.expand.scopes import Scope
from archspec.graph import Facts, Iteration, Shape


class Draft(Struct, eq=False):
    """A node whose name is not final yet.

    owner: the node whose weights it uses, in `reuse`. mask: the number of axes of the mask that its
    value has, if it has one. masked_by: the node that made this mask. stand_in: whether it stands
    for a step that failed before it could be a node. errors: what is wrong with it, as indices in
    the findings. edited: notes on the edit that it is inside, or else on one of a node before it.
    named: whether its name is explicit. iterations: those of the loops that it is inside, outermost
    first. account: how its arguments came to their values.
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
    mask: int | None = None
    masked_by: Draft | None = None
    used: bool = False
    name: str = ""
    stand_in: bool = False
    errors: tuple[int, ...] = ()
    edited: tuple[Note, ...] = ()
    named: bool = False
    iterations: tuple[Iteration, ...] = ()
    account: Account | None = None

    @property
    def shape(self) -> Shape:
        assert self.facts is not None
        return self.facts.shape


class Nothing(Struct, frozen=True):
    """The absence of a value to take, and the reason."""

    reason: str
    hint: str = "name a step: from: NAME"


Previous = Draft | Nothing  # the output of a step, which the next one takes
Taken = Previous | list[Draft] | dict[str, Draft]  # the inputs of a step: one, several, or by name
