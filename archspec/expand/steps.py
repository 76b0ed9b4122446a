"""The steps of a spec, walked as they are written: groups, branches, block calls, reuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import Note, Refused, Span
from archspec.expand.calls import Calls
from archspec.expand.place import Call, Draft, Feed, Flow, Halt, Nothing, Place, Silent
from archspec.files import Block, Spec
from archspec.schema import MODIFIERS
from archspec.scopes import Entry, Scope, snake_case
from archspec.syntax import formulas
from archspec.syntax.source import Value

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

    def sequence(self, steps: Value, place: Place, previous: Flow) -> Flow:
        if steps.alias:
            place = replace(place, trail=(*place.trail, *steps.notes()))
        for step in steps.data:
            previous = self.step(step, place, previous)
        return previous

    def step(self, step: Value, place: Place, previous: Flow) -> Flow:
        """A step with its loops and conditions; the value that the next step takes."""
        if step.alias:
            place = replace(place, trail=(*place.trail, *step.notes()))
        self.fresh.clear()
        feed = step.get("from")
        if self.refused(step):
            self.look_at(step, place)
            return self.poison(step, place, self.within_reach(feed, place, previous))
        if not isinstance(step.data, dict):
            self.count(step)
            return self.turn(step, str(step.data), None, place, previous, None)
        op = next((key for key in step.data if key not in MODIFIERS), None)
        turns = self.turns(step, place)
        if turns is None:
            return self.poison(step, place, self.within_reach(feed, place, previous))
        for number, (names, note) in enumerate(turns):
            self.count(step)
            inside = place.with_names(names, note) if names or note else place
            try:
                if self.skipped(step, inside, number if "repeat" in step.data else None):
                    continue
            except Silent:
                near = self.within_reach(feed, inside, previous)
                previous = self.poison(step, inside, near, number)
                continue
            previous = self.turn(
                step, op, feed, inside, previous, number if "repeat" in step.data else None
            )
            feed = None
        return previous

    def count(self, step: Value) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            message = f"the spec expands to more than {MAX_STEPS:,} steps"
            self.error("too-large", message, step.span)
            raise Halt

    def turn(
        self,
        step: Value,
        op: str | None,
        feed: Value | None,
        place: Place,
        previous: Flow,
        number: int | None,
    ) -> Flow:
        """One turn: a layer, a block call, a group, branches, a reuse or a bare `from`."""
        start = len(self.drafts)
        try:
            value: Feed = previous if feed is None else self.fed(feed, place, previous)
            name = self.name(step, place, number) if isinstance(step.data, dict) else None
            if op in (None, "layers", "branches") or op in place.home.blocks:
                self.no_call(step, place)
            if op is None:  # named, it is as an empty group
                return self.group(step, name, place, self.single(value, step, "a `from`", place))
            if op == "layers":
                return self.group(step, name, place, self.single(value, step, "a group", place))
            if op == "branches":
                fork = self.single(value, step, "a step of branches", place)
                return self.branches(step, name, place, fork)
            if op == "reuse":
                return self.reuse(step, name, place, value)
            if op in place.home.blocks:
                return self.block(step, op, name, place, value)
            return self.layer(step, op, name, place, value)
        except Silent:
            near = self.drafts[start:][-1:] or self.within_reach(feed, place, previous)
            return self.poison(step, place, near, number)
        except Halt:
            if self.fresh:  # else it was a step inside
                self.poison(step, place, self.within_reach(feed, place, previous), number)
            raise

    def no_call(self, step: Value, place: Place) -> None:
        if step.get("call") is not None:
            message = "`call` gives call arguments to a layer, and this step is none"
            self.error("call", message, step.key("call"), "write it on the layer", place.trail)
            raise Silent

    def poison(
        self, step: Value, place: Place, inputs: Iterable[Draft], number: int | None = None
    ) -> Draft:
        """What stands for a step that failed and was reported; under its name, so that nobody
        misses it. number: of the turn, where that is known."""
        op, taken = _written(step), tuple(inputs)
        draft = Draft(op, {}, taken, (), {}, None, None, place.scope, step.span, place.trail)
        draft.used = draft.stand_in = True
        draft.errors = self.blamed()
        self.drafts.append(draft)
        if place.owners is not None:
            next(place.owners, None)
        name = step.get("name")
        try:
            text = formulas.fill(str(name.data), place.env) if name is not None else None
        except Refused:  # the step is reported already, and its loop may not have been walked
            text = None
        loop = isinstance(step.data, dict) and "repeat" in step.data
        if text is not None and loop:
            text = None if number is None else f"{text}{number}"
        otherwise = op if op in place.home.blocks else snake_case(op) or "step"
        if name is not None and text is None:
            entry = Entry(step.span, draft, broken=True)
            place.scope.fail(entry, str(name.data), numbered=loop)
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

    def group(self, step: Value, name: str | None, place: Place, value: Flow) -> Flow:
        steps = step.get("layers")
        inside, entry = self.named(name, self.name_span(step), place)
        start, errors = len(self.drafts), self.blamed()
        last = self.sequence(steps, inside, value) if steps is not None else value
        self.blame_first(start, errors)
        entry.value = last
        return last

    def branches(self, step: Value, name: str | None, place: Place, value: Flow) -> Flow:
        inside, entry = self.named(name, self.name_span(step), place)
        given = step.data["branches"]
        written = given.items() if isinstance(given.data, dict) else ((None, b) for b in given.data)
        ends: list[Flow] = []
        for key, branch in written:
            try:
                left_out = isinstance(branch.data, dict) and self.skipped(branch, inside, None)
            except Silent:
                failed = self.poison(branch, inside, self.within_reach(None, inside, value))
                ends.append(failed)
                if key is not None:
                    broken = Entry(given.key(key), failed, broken=True)
                    self.enter(inside.scope, broken, key, "", broken.span, place.trail)
                continue
            if left_out:
                if key is not None:
                    skipped = Entry(branch.key("when"), skipped=True)
                    self.enter(inside.scope, skipped, key, "", given.key(key), place.trail)
                continue
            ends.append(self.branch(key, branch, given, inside, value))
        last = self.merged(step, ends, inside)
        entry.value = last
        return last

    def branch(
        self, key: str | None, branch: Value, given: Value, place: Place, value: Flow
    ) -> Flow:
        own = branch.get("name")
        name = self.text(own, place) if own is not None else key
        span = own.span if own is not None else given.key(key or "")
        place, entry = self.named(name, span, place)
        started, errors = len(self.drafts), self.blamed()
        steps = branch.get("layers") if isinstance(branch.data, dict) else branch
        start = value
        feed = branch.get("from")
        try:
            if self.refused(branch):
                raise Silent
            if feed is not None:
                start = self.single(self.fed(feed, place, value), branch, "a branch", place)
            if steps is None or steps.data is None:
                end = start
            else:
                end = self.sequence(steps, place, start)
        except Silent:
            end = self.poison(branch, place, self.within_reach(feed, place, value))
        self.blame_first(started, errors)
        entry.value, entry.broken = end, isinstance(end, Draft) and end.stand_in
        return end

    def merged(self, step: Value, ends: list[Flow], place: Place) -> Flow:
        merge = step.get("merge")
        if merge is None:
            return Nothing(
                "the branches before it are not merged, so there is no previous value",
                "give the branches a `merge`, or this step a `from`",
            )
        if not ends:
            message = "no branch is left to merge"
            self.error("branches", message, step.key("branches"), None, place.trail)
            raise Silent
        values = [self.there(end, merge.span, place) for end in ends]
        if len(values) == 1:
            return values[0]
        try:
            self.fresh.clear()
            if self.refused(merge):
                raise Silent
            op = str(merge.data)
            name = None
            if isinstance(merge.data, dict):
                op = next(key for key in merge.data if key not in MODIFIERS)
                name = self.name(merge, place, None)
            if op == "reuse":
                return self.reuse(merge, name, place, values)
            if op in place.home.blocks:
                self.no_call(merge, place)
                return self.block(merge, op, name, place, values)
            return self.layer(merge, op, name, place, values)
        except Silent:
            return self.poison(merge, place, values)

    def block(self, step: Value, op: str, name: str | None, place: Place, value: Feed) -> Flow:
        block = place.home.blocks[op]
        span = step.keys.get(op, step.span)
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
        step: Value,
        block: Block,
        given: Mapping[str, Any],
        name: str | None,
        place: Place,
        value: Feed,
        owners: Iterator[Draft] | None = None,
    ) -> Flow:
        span = step.keys.get(block.name, step.span)
        inputs = self.block_inputs(block, value, step, span, place)
        entry = Entry(span if name is None else self.name_span(step))
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
        layers = block.value.get("layers")
        last = self.sequence(layers, inside, first) if layers is not None else first
        self.blame_first(start, errors)
        entry.value = last
        entry.block = Call(block, given, tuple(self.drafts[start:]))
        if isinstance(last, Nothing) and declared_inputs and not (layers and layers.data):
            self.error("no-value", last.reason, span, last.hint, place.trail)
            raise Silent
        return last

    def reuse(self, step: Value, name: str | None, place: Place, value: Feed) -> Flow:
        target = step.data["reuse"]
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


def _written(step: Value) -> str:
    """What a step is, as far as it says: a layer, a block, or the word that it has."""
    said = step.data
    if isinstance(said, dict):
        words = (key for key in said if key not in MODIFIERS)
        said = next(words, next(iter(said), "?"))
    return said if isinstance(said, str) and said.strip() else "?"
