"""Expand a spec once more, and keep what a graph forgets: the way to every step, and its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.expand import KINDS, expand_by
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Previous, Taken
from archspec.expand.expansion import Expansion, Handler
from archspec.expand.scopes import Entry
from archspec.loading.files import Block, EditLevel, Spec
from archspec.syntax.steps import BlockCall, Body, LayerCall, Step

Way = tuple[tuple[Step, int], ...]  # the steps around a step, each with its iteration, and itself


class Visit(Struct, eq=False):
    """One time that a step was expanded.

    way: from the top of the file on. context: what the step saw. taken, value: the nodes that it
    took and gave. label: the last part of its name; "" for a step that has none. drafts: where
    those that it made begin and end among all.
    """

    step: Step
    way: Way
    context: Context
    taken: Taken
    value: Previous | None = None
    label: str = ""
    drafts: tuple[int, int] = (0, 0)

    @property
    def inner(self) -> Way:
        """The way from the beginning of the block that the step is written in."""
        way = self.way
        for place in range(len(way) - 2, -1, -1):
            if self._is_call(way[place][0]):
                return way[place + 1 :]
        return way

    def _is_call(self, step: Step) -> bool:
        return isinstance(step, BlockCall) or step.label == "reuse"


class Trace(Struct, eq=False):
    """All visits of an expansion.

    out: the expansion. by_step: the visits of each step. live: the steps that were ever there.
    blocks: the visits of the calls of each block.
    """

    out: Expansion
    visits: list[Visit] = field(default_factory=list)
    by_step: dict[Step, list[Visit]] = field(default_factory=dict)
    live: set[Step] = field(default_factory=set)
    blocks: dict[Block, list[Visit]] = field(default_factory=dict)

    def of(self, step: Step) -> Sequence[Visit]:
        """Return the visits of a step."""
        return self.by_step.get(step, ())

    def nodes_of(self, step: Step) -> list[str]:
        """Return the names of the nodes that a step makes, in all of its visits."""
        made = (self.out.drafts[slice(*each.drafts)] for each in self.of(step))
        return [draft.name for drafts in made for draft in drafts]

    def find_maker(self, node: str) -> Step | None:
        """Return the step of a layer that makes a node."""
        for each in self.visits:
            made = each.value if isinstance(each.step, LayerCall) else None
            if isinstance(made, Draft) and made.name == node:
                return each.step
        return None

    def is_live(self, body: Body | None) -> bool:
        """Return whether a body is empty, or one of its steps was ever there."""
        return body is None or not body.steps or any(step in self.live for step in body.walk())


def trace(spec: Spec) -> Trace:
    """Return what the expansion of a sound spec without edits visits."""
    found: dict[int, tuple[Visit, Entry | None]] = {}
    order: list[Visit] = []

    def watched(handler: Handler) -> Handler:
        def visit(
            step: Step, name: str | None, context: Context, taken: Taken, out: Expansion
        ) -> Previous:
            if out.is_trial:
                return handler(step, name, context, taken, out)
            each = Visit(step, (), context, taken)
            order.append(each)
            same = context.scope.unnamed.get(step.label, [])
            number, start = len(same), len(out.drafts)
            each.value = handler(step, name, context, taken, out)
            each.drafts = start, len(out.drafts)
            entry = None
            if name is not None:
                entry = context.scope.named.get(name)
            elif step.label in context.home.blocks:
                entry = context.scope.unnamed[step.label][number]
            found[id(each)] = each, entry
            return each.value

        return visit

    # With a level of edits, even of none, expansion keeps the way to each step.
    watching = replace(spec, levels=(EditLevel((), None, ""),))
    out = expand_by(watching, {kind: watched(handler) for kind, handler in KINDS.items()})
    return _collect(out, order, found)


def _collect(
    out: Expansion, order: list[Visit], found: Mapping[int, tuple[Visit, Entry | None]]
) -> Trace:
    names = {id(entry): name for name, entry in out.names}
    keys = {place: key for key, place in out.places.items()}
    ways: dict[int, Way] = {0: ()}

    def way_to(place: int) -> Way:
        if place not in ways:
            above, step, index = keys[place]
            ways[place] = (*way_to(above), (step, index))
        return ways[place]

    result = Trace(out)
    for each in order:
        _, entry = found[id(each)]
        each.way = way_to(each.context.place)
        if entry is not None:
            each.label = names[id(entry)].rpartition(".")[2]
        elif isinstance(each.value, Draft) and isinstance(each.step, LayerCall):
            each.label = each.value.name.rpartition(".")[2]
        result.visits.append(each)
        result.by_step.setdefault(each.way[-1][0], []).append(each)
        result.live |= {step for step, _ in each.way}
        block = each.context.home.blocks.get(each.step.label)
        if isinstance(each.step, BlockCall) and block is not None:
            result.blocks.setdefault(block, []).append(each)
    return result
