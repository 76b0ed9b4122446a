"""The steps of a spec, walked as they are written: groups, branches, block calls, reuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import Note, Refused, Span
from archspec.expand.calls import Calls
from archspec.expand.place import Call, Draft, Feed, Flow, Halt, Nothing, Place, Silent
from archspec.files import Block, Spec
from archspec.scopes import Entry, Scope, snake_case
from archspec.syntax import formulas
from archspec.syntax.steps import (
    BlockCall,
    Body,
    Branch,
    Branches,
    Broken,
    From,
    Group,
    LayerCall,
    Repeat,
    Reuse,
    Sources,
    Step,
)

MAX_STEPS = 20_000
MAX_BLOCKS = 40


class Steps(Calls):
    """Each method takes the value that a step is given and returns the one that the next takes.

    called: the blocks that somebody calls. noted: the notes on block calls, whose names are not
    final before the whole spec is known.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.steps = 0
        self.called: set[int] = set()
        self.noted: list[tuple[Note, Scope]] = []
        self.circles: set[Block] = set()

    def sequence(self, body: Body, place: Place, previous: Flow) -> Flow:
        if body.alias:
            place = replace(place, trail=(*place.trail, *body.notes()))
        for step in body.steps:
            previous = self.step(step, place, previous)
        return previous

    def step(self, step: Step, place: Place, previous: Flow) -> Flow:
        """A step with its loops and conditions; the value that the next step takes."""
        if step.alias:
            place = replace(place, trail=(*place.trail, *step.notes()))
        self.fresh.clear()
        feed = step.feed
        if isinstance(step, Broken):
            self.refused(step.value)
            self.look_at(step.value, place)
            return self.poison(step, place, self.within_reach(feed, place, previous))
        repeats = isinstance(step.loop, Repeat)
        turns = self.turns(step, place)
        if turns is None:
            return self.poison(step, place, self.within_reach(feed, place, previous))
        for number, (names, note) in enumerate(turns):
            self.count(step)
            inside = place.with_names(names, note) if names or note else place
            try:
                if self.skipped(step, inside, number if repeats else None):
                    continue
            except Silent:
                near = self.within_reach(feed, inside, previous)
                previous = self.poison(step, inside, near, number)
                continue
            previous = self.turn(step, feed, inside, previous, number if repeats else None)
            feed = None
        return previous

    def count(self, step: Step) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            message = f"the spec expands to more than {MAX_STEPS:,} steps"
            self.error("too-large", message, step.span)
            raise Halt

    def turn(
        self,
        step: Step,
        feed: Sources | None,
        place: Place,
        previous: Flow,
        number: int | None,
    ) -> Flow:
        """One turn: a layer, a block call, a group, branches, a reuse or a bare `from`."""
        start = len(self.drafts)
        try:
            value: Feed = previous if feed is None else self.fed(feed, place, previous)
            name = self.name(step, place, number)
            return KINDS[type(step)](self, step, name, place, value)
        except Silent:
            near = self.drafts[start:][-1:] or self.within_reach(feed, place, previous)
            return self.poison(step, place, near, number)
        except Halt:
            if self.fresh:  # else it was a step inside
                self.poison(step, place, self.within_reach(feed, place, previous), number)
            raise

    def no_call(self, step: Step, place: Place) -> None:
        if step.call is not None:
            message = "`call` gives call arguments to a layer, and this step is none"
            self.error("call", message, step.place("call"), "write it on the layer", place.trail)
            raise Silent

    def poison(
        self, step: Step, place: Place, inputs: Iterable[Draft], number: int | None = None
    ) -> Draft:
        """What stands for a step that failed and was reported; under its name, so that nobody
        misses it. number: of the turn, where that is known."""
        op, taken = step.label, tuple(inputs)
        draft = Draft(op, {}, taken, (), {}, None, None, place.scope, step.span, place.trail)
        draft.used = draft.stand_in = True
        draft.errors = self.blamed()
        self.drafts.append(draft)
        if place.owners is not None:
            next(place.owners, None)
        name = step.name
        try:
            text = formulas.fill(str(name.data), place.env) if name is not None else None
        except Refused:  # the step is reported already, and its loop may not have been walked
            text = None
        repeats = isinstance(step.loop, Repeat)
        if text is not None and repeats:
            text = None if number is None else f"{text}{number}"
        otherwise = op if op in place.home.blocks else snake_case(op) or "step"
        if name is not None and text is None:
            entry = Entry(step.span, draft, broken=True)
            place.scope.fail(entry, str(name.data), numbered=repeats)
            return draft
        started = place.scope.all(text or otherwise)
        if started and started[-1].value is None:
            started[-1].value, started[-1].broken = draft, True
            return draft
        try:
            place.scope.add(Entry(step.span, draft, broken=True), text, otherwise)
        except Refused:
            place.scope.add(Entry(step.span, draft, broken=True), None, "?")
        return draft

    def named(self, name: str | None, span: Span, place: Place) -> tuple[Place, Entry]:
        """The place inside a group or branch, and its entry; without a name it opens no scope."""
        entry = Entry(span)
        if name is None:
            return place, entry
        label = self.enter(place.scope, entry, name, "group", span, place.trail)
        entry.scope = place.scope.open(label, block=False)
        return replace(place, scope=entry.scope), entry

    def blame_first(self, start: int, errors: tuple[int, ...]) -> None:
        """Let the first node that was laid down since stand for what is wrong with its group."""
        for draft in self.drafts[start : start + 1]:
            draft.errors = (*errors, *draft.errors)

    def layer_call(self, step: Step, name: str | None, place: Place, value: Feed) -> Flow:
        return self.layer(step, step.label, name, place, value)

    def hand_on(self, step: Step, name: str | None, place: Place, value: Feed) -> Flow:
        """A bare `from`: named, it is as an empty group."""
        self.no_call(step, place)
        return self.as_one(step, name, place, self.single(value, step, "a `from`", place))

    def group(self, step: Group, name: str | None, place: Place, value: Feed) -> Flow:
        self.no_call(step, place)
        return self.as_one(step, name, place, self.single(value, step, "a group", place))

    def as_one(self, step: Step, name: str | None, place: Place, value: Flow) -> Flow:
        body = step.body if isinstance(step, Group) else None
        inside, entry = self.named(name, step.name_span, place)
        start, errors = len(self.drafts), self.blamed()
        last = self.sequence(body, inside, value) if body is not None else value
        self.blame_first(start, errors)
        entry.value = last
        return last

    def branches(self, step: Branches, name: str | None, place: Place, fork: Feed) -> Flow:
        self.no_call(step, place)
        value = self.single(fork, step, "a step of branches", place)
        inside, entry = self.named(name, step.name_span, place)
        ends: list[Flow] = []
        for branch in step.branches:
            key = branch.key
            try:
                left_out = self.skipped(branch, inside, None)
            except Silent:
                failed = self.poison(branch, inside, self.within_reach(None, inside, value))
                ends.append(failed)
                if key is not None:
                    broken = Entry(branch.key_span, failed, broken=True)
                    self.enter(inside.scope, broken, key, "", broken.span, place.trail)
                continue
            if left_out:
                if key is not None:
                    skipped = Entry(branch.place("when"), skipped=True)
                    self.enter(inside.scope, skipped, key, "", branch.key_span, place.trail)
                continue
            ends.append(self.branch(branch, inside, value))
        last = self.merged(step, ends, inside)
        entry.value = last
        return last

    def branch(self, branch: Branch, place: Place, value: Flow) -> Flow:
        own = branch.name
        name = self.text(own, place) if own is not None else branch.key
        span = own.span if own is not None else branch.key_span
        place, entry = self.named(name, span, place)
        started, errors = len(self.drafts), self.blamed()
        start = value
        feed = branch.feed
        try:
            if branch.refused is not None:
                self.refused(branch.refused)
                raise Silent
            if feed is not None:
                start = self.single(self.fed(feed, place, value), branch, "a branch", place)
            end = start if branch.body is None else self.sequence(branch.body, place, start)
        except Silent:
            end = self.poison(branch, place, self.within_reach(feed, place, value))
        self.blame_first(started, errors)
        entry.value, entry.broken = end, isinstance(end, Draft) and end.stand_in
        return end

    def merged(self, step: Branches, ends: list[Flow], place: Place) -> Flow:
        merge = step.merge
        if merge is None:
            return Nothing(
                "the branches before it are not merged, so there is no previous value",
                "give the branches a `merge`, or this step a `from`",
            )
        if not ends:
            message = "no branch is left to merge"
            self.error("branches", message, step.place("branches"), None, place.trail)
            raise Silent
        values = [self.there(end, merge.span, place) for end in ends]
        if len(values) == 1:
            return values[0]
        try:
            self.fresh.clear()
            if isinstance(merge, Broken):
                self.refused(merge.value)
                raise Silent
            return KINDS[type(merge)](self, merge, self.name(merge, place, None), place, values)
        except Silent:
            return self.poison(merge, place, values)

    def block(self, step: BlockCall, name: str | None, place: Place, value: Feed) -> Flow:
        op = step.label
        if op not in place.home.blocks:
            return self.layer(step, op, name, place, value)
        self.no_call(step, place)
        block = place.home.blocks[op]
        span = step.place(op)
        self.called.add(id(block.value))
        if self.refused(block.value):
            raise Silent
        note = Note(f"the block '{op}' is declared here", block.span)
        if block in place.calls:
            circle = (*place.calls[place.calls.index(block) :], block)
            if not self.circles & set(circle):  # a circle is one mistake, wherever one enters it
                names = " -> ".join(each.name for each in circle)
                message = f"a block calls itself: {names}"
                self.error("recursive-block", message, span, None, (*place.trail, note))
            self.circles |= set(circle)
            raise Silent
        if len(place.calls) >= MAX_BLOCKS:
            message = f"blocks call each other more than {MAX_BLOCKS} deep"
            self.error("too-deep", message, span, None, (note,))
            raise Silent
        env = self.block_params(step, block, place)
        return self.call_block(step, block, env, name, place, value)

    def call_block(
        self,
        step: BlockCall | Reuse,
        block: Block,
        given: Mapping[str, Any],
        name: str | None,
        place: Place,
        value: Feed,
        owners: Iterator[Draft] | None = None,
    ) -> Flow:
        span = step.place(block.name)
        inputs = self.block_inputs(block, value, step, span, place)
        entry = Entry(span if name is None else step.name_span)
        label = self.enter(place.scope, entry, name, block.name, entry.span, place.trail)
        scope = place.scope.open(label, block=True, title=block.name)
        entry.scope = scope
        note = call_note(scope, span)
        self.noted.append((note, scope))
        home = block.home
        if home.env is None:
            home.env = self.params(home.params, {}, ())
        inside = Place(
            scope,
            home,
            home.env,
            ((home.defaults, home.env),) if home.defaults is not None else (),
            inputs,
            (*place.trail, note),
            (*place.calls, block),
            owners if place.owners is None else place.owners,
        )
        inside = replace(inside, env={**home.env, "channels": self.channels(inputs, inside)})
        env = dict(inside.env)
        declared_inputs = block.value.get("inputs")
        for key, at, default in block.value.entries("params"):
            self.free(key, at, {})
            if key in given:
                env[key] = given[key]
            else:
                env[key] = self.evaluate(default, env, inside.trail)
        scope.params = {key: env[key] for key, _, _ in block.value.entries("params")}
        inside = self.entered(replace(inside, env=env), block.value.get("defaults"), inputs)
        for each in declared_inputs.data if declared_inputs else ():  # as empty groups, seen inside
            taken = Entry(each.span, inputs[str(each.data)], Scope(scope))
            self.enter(scope, taken, str(each.data), "", each.span, (*place.trail, note))
        start, errors = len(self.drafts), self.blamed()
        first = self.first(inputs)
        body = block.body
        last = self.sequence(body, inside, first) if body is not None else first
        self.blame_first(start, errors)
        entry.value = last
        entry.block = Call(block, given, tuple(self.drafts[start:]))
        if isinstance(last, Nothing) and declared_inputs and not (body and body.steps):
            self.error("no-value", last.reason, span, last.hint, place.trail)
            raise Silent
        return last

    def reuse(self, step: Reuse, name: str | None, place: Place, value: Feed) -> Flow:
        target = step.target
        text = self.text(target, place)
        try:
            if text in ("input", "previous"):
                message = f"'{text}' is a value, and `reuse` names a layer or a block"
                raise Refused(message, code="reuse", hint="give it a name, and reuse that")
            entry = place.scope.find(text)
        except Refused as refused:
            self.report(self.later(refused, text, place), target.span, place.trail)
            raise Silent from None
        if isinstance(entry.block, Call):
            self.no_call(step, place)
            call = entry.block
            if any(each.facts is None for each in call.nodes):
                raise Silent
            owners = iter(call.nodes)
            start = len(self.drafts)
            last = self.call_block(step, call.block, call.env, name, place, value, owners)
            new = self.drafts[start:]
            if len(new) != len(call.nodes) and all(each.facts is not None for each in new):
                message = f"'{text}' has other layers on this input, so its weights do not fit"
                note = Note(f"'{text}' is first called here", entry.span)
                self.error("reuse", message, target.span, None, (*place.trail, note))
                raise Silent
            return last
        owner = entry.value
        if entry.broken:
            raise Silent
        if entry.scope is not None or not isinstance(owner, Draft) or owner.op == "InputLayer":
            message = f"'{text}' is neither a layer nor a block, and only these can be reused"
            self.error("reuse", message, target.span, None, place.trail)
            raise Silent
        if owner.facts is None:
            raise Silent
        return self.layer(step, owner.op, name, place, value, owner)


def call_note(scope: Scope, span: Span) -> Note:
    """What is noted of all that is wrong in a block call. scope: of the call."""
    return Note(f"in block '{scope.title}', as {scope.path}", span)


KINDS: dict[type[Step], Callable[..., Flow]] = {
    LayerCall: Steps.layer_call,
    BlockCall: Steps.block,
    Group: Steps.group,
    Branches: Steps.branches,
    Reuse: Steps.reuse,
    From: Steps.hand_on,
}
