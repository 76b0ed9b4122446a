"""A `Spec` -> the `Graph` that it means.

Expansion walks the steps as they are written, lays one node down after another and asks the layer
table for its facts at once, because formulas may say `channels`. A node whose facts failed is there
all the same, without facts: whatever follows from it stays silent, so one mistake gives one error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from archspec import formulas
from archspec.contracts import broken_contracts
from archspec.errors import Diagnostic, Note, Refused, Span, SpecError, did_you_mean
from archspec.files import Block, Home, Spec
from archspec.graph import Facts, Graph, Node, Shape
from archspec.infer import again, infer, lookup
from archspec.schema import MODIFIERS
from archspec.scopes import Entry, Scope, snake_case
from archspec.source import Value, plain

MAX_STEPS = 50_000
MAX_BLOCKS = 40


@dataclass(slots=True, eq=False)
class Draft:
    """A node before names are final."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A block call, kept for `reuse`: the block, its params' values, and its nodes."""

    block: Block
    env: Mapping[str, Any]
    nodes: tuple[Draft, ...]


def expand(spec: Spec) -> Graph:
    """The graph of a spec. Raises `SpecError` with everything that is wrong with it."""
    return _Expansion(spec).graph()


class _Expansion:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.diagnostics = list(spec.diagnostics)
        self.drafts: list[Draft] = []
        self.steps = 0
        self.called: set[int] = set()
        self.unchecked: list[Span] = []

    # --- the whole ---------------------------------------------------------------------------

    def graph(self) -> Graph:
        root = self.spec.root
        home = self.spec.home
        top = Scope()
        try:
            home.env = self.params(home.params, {}, ())
            inputs = self.model_inputs(root, top, home.env)
            place = Place(top, home, home.env, (), inputs)
            place = self.entered(place, home.defaults, inputs)
            first: Flow = inputs.get("input") or Nothing(
                "with several inputs the first step must say where it comes from",
                f"write from: {next(iter(inputs), 'NAME')}",
            )
            layers = root.get("layers")
            if layers is None or not layers.data:
                self.error("layers", "the spec has no layers", root.key("layers"))
                raise Silent
            last = self.sequence(layers, place, first)
            outputs = self.outputs(root, place, last)
        except Silent:
            raise SpecError(self.diagnostics) from None
        self.settle(top)
        if not self.failed():
            self.unused(outputs, inputs)
        train = self.train(root, home.env)
        if self.failed():
            raise SpecError(self.diagnostics)
        stem = self.spec.path.stem if self.spec.path else "model"
        text = {key: root.get(key) for key in ("name", "description")}
        graph = Graph(
            name=str(text["name"].data) if text["name"] else stem,
            description=str(text["description"].data) if text["description"] else "",
            params={k: v for k, v in home.env.items() if k != "channels"},
            nodes=tuple(self.node(draft) for draft in self.drafts),
            inputs=tuple(draft.name for draft in inputs.values() if isinstance(draft, Draft)),
            outputs=tuple(draft.name for draft in outputs),
            train=train,
            warnings=tuple(self.diagnostics),
            unchecked=self.not_checked(),
        )
        contracts = tuple(broken_contracts(graph, root.get("require")))
        return replace(graph, warnings=(*graph.warnings, *contracts))

    def params(
        self, declared: Value | None, names: Mapping[str, Any], trail: tuple[Note, ...]
    ) -> dict[str, Any]:
        """Params by name, each default evaluated over those before it."""
        env: dict[str, Any] = dict(names)
        for name, value in declared.items() if declared else ():
            self.free(name, declared.key(name), {})  # type: ignore[union-attr]
            env[name] = self.evaluate(value, env, trail)
        return env

    def free(self, name: str, span: Span, taken: Mapping[str, Any]) -> None:
        """A param or loop variable may not be called as a word, a function or `channels`."""
        if not name.isidentifier():
            self.error("name", f"'{name}' cannot be a name in formulas", span, "letters, digits and _")
        elif name in formulas.FUNCTIONS or name in formulas.WORDS or name in ("channels", *KEYWORDS):
            self.error("name", f"'{name}' already means something in formulas", span, "rename it")
        elif name in taken:
            self.error("name", f"the loop variable '{name}' hides a param or variable", span, "rename it")

    def model_inputs(self, root: Value, top: Scope, env: Mapping[str, Any]) -> dict[str, Flow]:
        declared = root.get("inputs")
        single = root.get("input")
        if declared is None and single is None:
            self.error(
                "input", "the spec has no input", root.span.within(0, 1), "input: [28, 28, 1]"
            )
            raise Silent
        given = dict(declared.items()) if declared is not None else {"input": single}
        drafts: dict[str, Flow] = {}
        for name, value in given.items():
            assert value is not None
            key = declared.key(name) if declared else root.key("input")
            shape, dtype = value, "float32"
            if isinstance(value.data, dict):
                shape = value.data["shape"]
                dtype = str(plain(value.data["dtype"])) if "dtype" in value.data else dtype
            facts = None
            size: tuple[int | None, ...] = ()
            try:
                size = self.input_shape(shape, env)
                facts = Facts((None, *size))
            except Silent:
                pass
            arguments = {"shape": size, "dtype": dtype}
            draft = Draft("InputLayer", arguments, (), (), {}, None, facts, top, key, ())
            self.drafts.append(draft)
            drafts[name] = draft
            if name != "input":
                self.enter(top, Entry(key, draft), name, "", key, ())
            draft.name = name
        return drafts

    def input_shape(self, value: Value, env: Mapping[str, Any]) -> tuple[int | None, ...]:
        axes = []
        data = self.evaluate(value, env, ())
        items = value.data if isinstance(value.data, tuple) else (value,) * len(data or ())
        if not isinstance(data, list) or not data:
            self.error("input", "an input is a list of its axes, as [28, 28, 1]", value.span)
            raise Silent
        for axis, each in zip(data, items, strict=True):
            if isinstance(axis, float) and axis.is_integer():
                axis = int(axis)
            if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int) or axis < 1):
                message = f"an axis of the input must be a positive integer or null, got {axis}"
                self.error("input", message, each.span)
                raise Silent
            axes.append(axis)
        return tuple(axes)

    def outputs(self, root: Value, place: Place, last: Flow) -> list[Draft]:
        declared = root.get("outputs")
        if declared is None:
            if isinstance(last, Nothing):
                self.error("outputs", f"the model has no output: {last.reason}", root.key("layers"))
                raise Silent
            last.used = True
            return [last]
        drafts = []
        for each in declared.data:
            draft = self.reference(str(each.data), each, place, Nothing("outputs name steps"))
            if draft.used and draft in drafts:
                self.error("outputs", f"'{each.data}' is listed twice", each.span)
            draft.used = True
            drafts.append(draft)
        return drafts

    def settle(self, top: Scope) -> None:
        """Give every node its final name, and see that they stay apart as Keras names."""
        for name, entry in top.settle():
            if isinstance(entry.value, Draft) and entry.scope is None:
                entry.value.name = name
        seen: dict[str, Draft] = {}
        for draft in self.drafts:
            other = seen.setdefault(draft.name.replace(".", "-"), draft)
            if other is not draft:
                self.error(
                    "duplicate-name",
                    f"'{draft.name}' and '{other.name}' would be one Keras name, with '-' for '.'",
                    draft.span,
                    "rename one",
                )

    def unused(self, outputs: list[Draft], inputs: Mapping[str, Flow]) -> None:
        for draft in chain(*(d.inputs for d in self.drafts), outputs):
            draft.used = True
        for draft in self.drafts:
            if draft.used:
                continue
            if draft.op == "InputLayer":
                self.error("unused-input", f"no step uses the input '{draft.name}'", draft.span)
            else:
                self.error(
                    "unused-step",
                    f"nobody uses the value of '{draft.name}'",
                    draft.span,
                    "give it to a later step by `from`, list it in `outputs`, or remove it",
                    draft.trail,
                )

    def train(self, root: Value, env: Mapping[str, Any]) -> Mapping[str, Any]:
        value = root.get("train")
        if value is None:
            return {}
        try:
            return dict(self.evaluate(value, env, ()))
        except Silent:
            return {}

    def not_checked(self) -> tuple[Span, ...]:
        """Steps under a false `when` and blocks nobody calls: only the schema has seen them."""
        blocks = self.spec.home.blocks.values()
        idle = [block.span for block in blocks if id(block.value) not in self.called]
        return tuple(dict.fromkeys((*self.unchecked, *idle)))

    def node(self, draft: Draft) -> Node:
        scopes: list[tuple[str, str]] = []
        scope: Scope | None = draft.scope
        while scope is not None and scope.parent is not None:
            scopes.append((scope.path, scope.title))
            scope = scope.parent
        return Node(
            name=draft.name,
            op=draft.op,
            arguments=draft.arguments,
            inputs=tuple(each.name for each in draft.inputs),
            slots=draft.slots,
            call=draft.call,
            reuses=draft.owner.name if draft.owner else None,
            facts=draft.facts,
            scopes=tuple(reversed(scopes)),
            span=draft.span,
            trail=draft.trail,
        )

    # --- errors ------------------------------------------------------------------------------

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
        severity: str = "error",
    ) -> None:
        self.diagnostics.append(
            Diagnostic(code, message, span, hint, tuple(reversed(notes)), severity)
        )

    def report(self, refused: Refused, span: Span, trail: tuple[Note, ...]) -> None:
        notes = (*refused.notes, *reversed(trail))
        self.diagnostics.append(Diagnostic(refused.code, refused.message, span, refused.hint, notes))

    def failed(self) -> bool:
        return any(each.severity == "error" for each in self.diagnostics)

    # --- values ------------------------------------------------------------------------------

    def evaluate(self, value: Value, env: Mapping[str, Any], trail: tuple[Note, ...]) -> Any:
        """The plain data of a value with its formulas evaluated. Raises `Silent` after reporting."""
        if isinstance(value.data, dict):
            return {key: self.evaluate(each, env, trail) for key, each in value.data.items()}
        if isinstance(value.data, tuple):
            return [self.evaluate(each, env, trail) for each in value.data]
        if not formulas.is_formula(value.data):
            return value.data
        try:
            return formulas.evaluate(value.data[1:], env)
        except Refused as refused:
            if refused.code == "silent":
                raise Silent from None
            start, _, length = (refused.argument or "").partition(":")
            span = value.span
            if value.plain and length:
                lead = len(value.data[1:]) - len(value.data[1:].lstrip())
                span = span.within(1 + lead + int(start), int(length))
            self.report(refused, span, (*trail, *value.notes()))
            raise Silent from None

    def text(self, value: Value, place: Place) -> str:
        """A name or reference with its `{...}` filled in."""
        try:
            return formulas.fill(str(value.data), place.env)
        except Refused as refused:
            if refused.code != "silent":
                self.report(refused, value.span, place.trail)
            raise Silent from None

    def entered(self, place: Place, defaults: Value | None, inputs: Mapping[str, Flow]) -> Place:
        """The place inside a file or block: with its defaults, and `channels` of its input."""
        added = (*place.defaults, (defaults, place.env)) if defaults is not None else place.defaults
        place = replace(place, defaults=added, inputs=inputs)
        channels = self.channels(inputs, place)
        env = {**place.env, "channels": channels}
        if defaults is not None:
            place = replace(place, defaults=(*place.defaults[:-1], (defaults, env)))
        return replace(place, env=env)

    def channels(self, inputs: Mapping[str, Flow], place: Place) -> Any:
        if len(inputs) != 1:
            return Refused("`channels` needs one input, and here there are several")
        (value,) = inputs.values()
        if not isinstance(value, Draft) or value.facts is None:
            return Refused("", code="silent")
        first = any(
            plain(layer).get("data_format") == "channels_first"
            for defaults, _ in place.defaults
            for _, layer in defaults.items()
            if isinstance(layer.data, dict)
        )
        axis = value.shape[1 if first else -1]
        return Refused("`channels` is unknown (null) here") if axis is None else axis

    # --- steps -------------------------------------------------------------------------------

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
        if id(step) in self.spec.broken or (step.alias and self.spec.broken & _inside(step)):
            return self.poison(step, place)
        if not isinstance(step.data, dict):
            return self.turn(step, str(step.data), None, place, previous, None)
        op = next((key for key in step.data if key not in MODIFIERS), None)
        turns = self.turns(step, place)
        if turns is None:
            return self.poison(step, place)
        feed = step.get("from")
        for number, (names, note) in enumerate(turns):
            self.steps += 1
            if self.steps > MAX_STEPS:
                self.error("too-large", f"the spec expands to more than {MAX_STEPS:,} steps", step.span)
                raise Silent
            inside = place.with_names(names, note) if names else place
            if self.skipped(step, inside, number if "repeat" in step.data else None):
                continue
            previous = self.turn(
                step, op, feed, inside, previous, number if "repeat" in step.data else None
            )
            feed = None
        return previous

    def turns(self, step: Value, place: Place) -> list[tuple[dict[str, Any], Note | None]] | None:
        """The turns of a step: the loop variables' values and the note of each; one for no loop."""
        loop, repeat = step.get("for"), step.get("repeat")
        try:
            if repeat is not None:
                count = self.evaluate(repeat, place.env, place.trail)
                if isinstance(count, float) and count.is_integer():
                    count = int(count)
                if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                    self.error(
                        "loop", f"`repeat` counts turns, got {count}", repeat.span, None, place.trail
                    )
                    return None
                self.bound(count, repeat)
                return [({}, None)] * count
            if loop is None:
                return [({}, None)]
            rows = self.table(loop, place)
        except Silent:
            return None
        for name in rows[0] if rows else ():
            self.free(name, loop.key(name), place.env)
        name = step.get("name")
        if name is not None and "{" not in str(name.data):
            variable = next(iter(rows[0]), "i") if rows else "i"
            self.error(
                "name",
                f"the name '{name.data}' would be that of every turn",
                name.span,
                f"in a loop a name holds the loop variable: {name.data}{{{variable}}}",
            )
            return None
        called = next((key for key in step.data if key not in MODIFIERS), "")
        named_call = name is not None and called in place.home.blocks
        return [
            (row, None if named_call else Note(f"in for {_assignments(row)}", step.key("for")))
            for row in rows
        ]

    def table(self, loop: Value, place: Place) -> list[dict[str, Any]]:
        """`for`, as a list of loop variables' values."""
        data = self.evaluate(loop, place.env, place.trail)
        if isinstance(data, dict):
            for name, items in data.items():
                if not isinstance(items, list):
                    value = loop.data[name]
                    message = f"'{name}' walks a list, got {items}"
                    hint = f"for: {{{name}: =range({items})}}" if isinstance(items, int) else None
                    self.error("loop", message, value.span, hint, place.trail)
                    raise Silent
            lengths = {name: len(items) for name, items in data.items()}
            if len(set(lengths.values())) > 1:
                counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
                message = f"lists walked together must be of one length: {counts}"
                self.error("loop", message, loop.span, None, place.trail)
                raise Silent
            rows = [dict(zip(data, turn, strict=True)) for turn in zip(*data.values(), strict=True)]
        else:
            rows = data if isinstance(data, list) else [None]
            if any(not isinstance(row, dict) or row.keys() != rows[0].keys() for row in rows):
                message = "`for` walks lists, {name: list}, or a table, a list of mappings of one form"
                self.error("loop", message, loop.span, None, place.trail)
                raise Silent
        self.bound(len(rows), loop)
        return rows

    def bound(self, count: int, value: Value) -> None:
        if count > formulas.MAX_ITEMS:
            message = f"{count:,} turns are more than {formulas.MAX_ITEMS:,}"
            self.error("too-large", message, value.span)
            raise Silent

    def skipped(self, step: Value, place: Place, number: int | None) -> bool:
        condition = step.get("when")
        if condition is None:
            return False
        try:
            truth = self.evaluate(condition, place.env, place.trail)
        except Silent:
            return True
        if isinstance(truth, str):
            message = f"`when` must be true or false, got '{truth}'"
            self.error("when", message, condition.span, "compare it: = a == 'b'", place.trail)
            return True
        if truth:
            return False
        self.unchecked.append(step.span)
        name = self.name(step, place, number)
        if name is not None:
            self.enter(place.scope, Entry(condition.span, skipped=True), name, "", step.span, ())
        return True

    def name(self, step: Value, place: Place, number: int | None) -> str | None:
        """The explicit name of a step in this turn; turns of `repeat` are numbered from 0."""
        value = step.get("name")
        if value is None:
            return None
        text = self.text(value, place)
        return text if number is None else f"{text}{number}"

    def enter(
        self,
        scope: Scope,
        entry: Entry,
        name: str | None,
        otherwise: str,
        span: Span,
        trail: tuple[Note, ...],
    ) -> str:
        try:
            return scope.add(entry, name, otherwise)
        except Refused as refused:
            self.report(refused, span, trail)
            return scope.add(entry, None, name or otherwise)

    def turn(
        self,
        step: Value,
        op: str | None,
        feed: Value | None,
        place: Place,
        previous: Flow,
        number: int | None,
    ) -> Flow:
        """One turn of a step: a layer, a block call, a group, branches, a reuse or a bare `from`."""
        try:
            value: Feed = previous if feed is None else self.fed(feed, place, previous)
            name = self.name(step, place, number) if isinstance(step.data, dict) else None
            if op is None:
                return self.single(value, step, place)
            if op == "layers":
                return self.group(step, name, place, self.single(value, step, place))
            if op == "branches":
                return self.branches(step, name, place, self.single(value, step, place))
            if op == "reuse":
                return self.reuse(step, name, place, value)
            if op in place.home.blocks:
                return self.block(step, op, name, place, value)
            return self.layer(step, op, name, place, value)
        except Silent:
            return self.poison(step, place)

    def poison(self, step: Value, place: Place) -> Draft:
        """A node that failed and was reported; under its name, so that nobody misses it."""
        draft = Draft("?", {}, (), (), {}, None, None, place.scope, step.span, place.trail)
        draft.used = True
        self.drafts.append(draft)
        name = step.get("name")
        try:
            text = self.text(name, place) if name is not None else None
            place.scope.add(Entry(step.span, draft, Scope(place.scope)), text, "?")
        except (Silent, Refused):
            place.scope.add(Entry(step.span, draft), None, "?")
        return draft

    # --- where a step takes its input from -----------------------------------------------------

    def fed(self, feed: Value, place: Place, previous: Flow) -> Feed:
        if isinstance(feed.data, tuple):
            return [self.reference(str(v.data), v, place, previous) for v in feed.data]
        if isinstance(feed.data, dict):
            return {k: self.reference(str(v.data), v, place, previous) for k, v in feed.items()}
        return self.reference(str(feed.data), feed, place, previous)

    def reference(self, text: str, value: Value, place: Place, previous: Flow) -> Draft:
        """The node that a reference names. Raises `Silent` after reporting."""
        name = self.text(value, place)
        if name == "previous":
            return self.there(previous, value.span, place)
        if name in place.inputs:
            return self.there(place.inputs[name], value.span, place)
        try:
            if name == "input":
                raise Refused(
                    "there are several inputs here",
                    code="unknown-name",
                    hint=f"name one: {', '.join(place.inputs)}",
                )
            entry = place.scope.find(name)
        except Refused as refused:
            start = max(name.find(refused.argument or ""), 0)
            whole = "{" in str(value.data) or not value.plain
            span = value.span if whole else value.span.within(start, len(name) - start)
            if refused.code == "unknown-name":
                refused = self.later(refused, name, place)
            self.report(refused, span, place.trail)
            raise Silent from None
        flow = entry.value
        if flow is None:
            self.error(
                "unknown-name",
                f"'{name}' is the group this step stands in, which has no value yet",
                value.span,
                None,
                place.trail,
            )
            raise Silent
        return self.there(flow, value.span, place)

    def later(self, refused: Refused, name: str, place: Place) -> Refused:
        """The same refusal, saying so if the name is written further down."""
        body = place.calls[-1].value if place.calls else self.spec.root
        for each in _named(body, name.partition(".")[0]):
            note = Note(f"a step called '{each.data}' is written here, later or elsewhere", each.span)
            hint = "a step can only take what was written before it, in its own block"
            return Refused(refused.message, None, refused.code, refused.hint or hint, (note,))
        return refused

    def there(self, flow: Flow, span: Span, place: Place) -> Draft:
        if isinstance(flow, Draft):
            return flow
        self.error("no-value", flow.reason, span, flow.hint, place.trail)
        raise Silent

    def single(self, value: Feed, step: Value, place: Place) -> Draft:
        """The one value that a group, branches or a bare `from` goes on with."""
        if isinstance(value, list | dict):
            span = step.data["from"].span
            self.error("inputs", "a group takes one value here", span, "name one step", place.trail)
            raise Silent
        return self.there(value, step.span, place)

    # --- kinds of step -------------------------------------------------------------------------

    def group(self, step: Value, name: str | None, place: Place, value: Draft) -> Flow:
        steps = step.get("layers")
        inside = place
        entry = None
        if name is not None:
            entry = Entry(step.key("name"))
            label = self.enter(place.scope, entry, name, "group", entry.span, place.trail)
            entry.scope = place.scope.open(label, block=False)
            inside = replace(place, scope=entry.scope)
        last = self.sequence(steps, inside, value) if steps is not None else value
        if entry is not None:
            entry.value = last
        return last

    def branches(self, step: Value, name: str | None, place: Place, value: Draft) -> Flow:
        inside = place
        entry = None
        if name is not None:
            entry = Entry(step.key("name"))
            label = self.enter(place.scope, entry, name, "branches", entry.span, place.trail)
            entry.scope = place.scope.open(label, block=False)
            inside = replace(place, scope=entry.scope)
        given = step.data["branches"]
        written = given.items() if isinstance(given.data, dict) else ((None, b) for b in given.data)
        ends: list[Flow] = []
        for key, branch in written:
            if isinstance(branch.data, dict) and self.skipped(branch, inside, None):
                if key is not None:
                    skipped = Entry(branch.key("when"), skipped=True)
                    self.enter(inside.scope, skipped, key, "", given.key(key), place.trail)
                continue
            ends.append(self.branch(key, branch, given, inside, value))
        last = self.merged(step, ends, inside)
        if entry is not None:
            entry.value = last
        return last

    def branch(
        self, key: str | None, branch: Value, given: Value, place: Place, value: Draft
    ) -> Flow:
        own = branch.get("name")
        entry = None
        if key is not None or own is not None:
            name = key if key is not None else self.text(own, place)  # type: ignore[arg-type]
            entry = Entry(given.key(key) if key is not None else own.span)  # type: ignore[union-attr]
            label = self.enter(place.scope, entry, name, "branch", entry.span, place.trail)
            entry.scope = place.scope.open(label, block=False)
            place = replace(place, scope=entry.scope)
        steps = branch.get("layers") if isinstance(branch.data, dict) else branch
        start: Flow = value
        feed = branch.get("from")
        try:
            if feed is not None:
                start = self.single(self.fed(feed, place, value), branch, place)
            end = start if steps is None or steps.data is None else self.sequence(steps, place, start)
        except Silent:
            end = self.poison(branch, place)
        if entry is not None:
            entry.value = end
        return end

    def merged(self, step: Value, ends: list[Flow], place: Place) -> Flow:
        merge = step.get("merge")
        if merge is None:
            return Nothing("the branches before it are not merged, so there is no previous value")
        if not ends:
            self.error("branches", "no branch is left to merge", step.key("branches"), None, place.trail)
            raise Silent
        values = [self.there(end, merge.span, place) for end in ends]
        if len(values) == 1:
            return values[0]
        op = str(merge.data)
        name = None
        if isinstance(merge.data, dict):
            op = next(key for key in merge.data if key not in MODIFIERS)
            name = self.name(merge, place, None)
        if id(merge) in self.spec.broken:
            raise Silent
        if op in place.home.blocks:
            return self.block(merge, op, name, place, values)
        return self.layer(merge, op, name, place, values)

    def layer(
        self, step: Value, op: str, name: str | None, place: Place, value: Feed, owner: Draft | None = None
    ) -> Draft:
        span = step.keys.get(op, step.span)
        place_note = place.trail
        inputs: list[Draft]
        if isinstance(value, dict):
            inputs = list(value.values())
        elif isinstance(value, list):
            inputs = value
        else:
            inputs = [self.there(value, span, place)]
        entry = Entry(span)
        slots = tuple(value) if isinstance(value, dict) else ()
        call: dict[str, Any] = {}
        arguments: dict[str, Any] = {}
        places: dict[str, tuple[Span, bool]] = {}
        facts = None
        try:
            layer = lookup(op)
            if owner is None and place.owners is not None:
                owner = next(place.owners, None)
            if step.get("reuse") is None:
                arguments, places = self.arguments(step, op, layer.arguments, place)
            else:
                assert owner is not None
                arguments = dict(owner.arguments)
            call = self.call(step, op, layer.call, place)
            if all(each.facts is not None for each in inputs):
                shapes = [each.shape for each in inputs]
                fed = dict(zip(slots, shapes, strict=True)) if slots else shapes
                if step.get("reuse") is None:
                    arguments, facts = infer(op, arguments, fed)
                else:
                    facts = again(op, arguments, fed)
                if owner is not None:
                    _same_weights(op, arguments, facts, owner)
        except Refused as refused:
            where, is_default = places.get(refused.argument or "", (span, False))
            notes = (Note(f"first used here, by {op}", span),) if is_default else ()
            self.report(refused, where, (*place_note, *notes))
            facts = None
        except Silent:
            pass
        draft = Draft(
            op,
            arguments,
            tuple(inputs),
            slots,
            call,
            (owner.owner or owner) if owner else None,
            facts,
            place.scope,
            step.span,
            place.trail,
        )
        entry.value = draft
        self.enter(place.scope, entry, name, snake_case(op), step.key("name"), place.trail)
        self.drafts.append(draft)
        return draft

    def arguments(
        self, step: Value, op: str, contract: Mapping[str, Any], place: Place
    ) -> tuple[dict[str, Any], dict[str, tuple[Span, bool]]]:
        """The evaluated arguments of a layer, defaults under its own, and where each was written."""
        given: dict[str, tuple[Value, Mapping[str, Any], Span, bool]] = {}
        for defaults, env in place.defaults:
            layer = defaults.get(op)
            for key, value in layer.items() if layer else ():
                given[key] = (value, env, layer.key(key), True)  # type: ignore[union-attr]
        own = step.data[op] if isinstance(step.data, dict) else None
        if own is not None and isinstance(own.data, dict):
            for key, value in own.items():
                given[key] = (value, place.env, own.key(key), False)
        elif own is not None and own.data is not None:
            first = next(iter(contract))
            given[first] = (own, place.env, own.span, False)
        evaluated: dict[str, Any] = {}
        places: dict[str, tuple[Span, bool]] = {}
        failed = False
        for key, (value, env, span, is_default) in given.items():
            known = key in contract
            places[key] = (value.span if known and isinstance(value.span, Span) else span, is_default)
            try:
                evaluated[key] = self.evaluate(value, env, place.trail)
            except Silent:
                failed = True
        if failed:
            raise Silent
        return evaluated, places

    def call(self, step: Value, op: str, known: tuple[str, ...], place: Place) -> dict[str, Any]:
        value = step.get("call")
        if value is None:
            return {}
        given = self.evaluate(value, place.env, place.trail)
        for name, each in given.items():
            if name not in known:
                what = f"it takes {', '.join(known)}" if known else "it takes none"
                raise_at = value.key(name)
                message = f"{op} has no call argument '{name}'"
                self.error("unknown-argument", message, raise_at, did_you_mean(name, known) or what)
                raise Silent
            if not isinstance(each, bool):
                message = f"the call argument '{name}' must be true or false"
                self.error("argument-value", message, value.data[name].span, None, place.trail)
                raise Silent
        if op == "BatchNormalization" and given.get("training") is False:
            self.error(
                "training-ignored",
                "Keras ignores `training: false` on a BatchNormalization inside fit",
                value.span,
                "freeze it with `trainable: false` among its arguments",
                place.trail,
                "warning",
            )
        return dict(given)

    def block(self, step: Value, op: str, name: str | None, place: Place, value: Feed) -> Flow:
        block = place.home.blocks[op]
        span = step.keys.get(op, step.span)
        if block in place.calls or len(place.calls) >= MAX_BLOCKS:
            names = " -> ".join(each.name for each in (*place.calls, block))
            note = Note(f"the block '{op}' is declared here", block.span)
            self.error("recursive-block", f"a block calls itself: {names}", span, None, (note,))
            raise Silent
        env = self.block_params(step, block, place)
        return self.call_block(step, block, env, name, place, value)

    def block_params(self, step: Value, block: Block, place: Place) -> dict[str, Any]:
        """The values of a block's own params: as given by the call, else their defaults."""
        declared = block.value.get("params")
        names = list(declared.data) if declared else []
        own = step.data[block.name] if isinstance(step.data, dict) else None
        span = step.keys.get(block.name, step.span)
        note = Note(f"the block '{block.name}' is declared here", block.span)
        given: dict[str, Value] = {}
        if own is not None and isinstance(own.data, dict):
            given = own.data
        elif own is not None and own.data is not None:
            if not names:
                message = f"the block '{block.name}' has no params"
                self.error("unknown-argument", message, own.span, None, (*place.trail, note))
                raise Silent
            given = {names[0]: own}
        failed = False
        for key in given:
            if key not in names:
                message = f"the block '{block.name}' has no param '{key}'"
                hint = did_you_mean(key, names) or f"its params: {', '.join(names) or 'none'}"
                if own is not None and key in MODIFIERS:
                    hint = f"'{key}' stands beside '{block.name}', not inside it"
                where = own.key(key) if own is not None else span
                self.error("unknown-argument", message, where, hint, (*place.trail, note))
                failed = True
        values: dict[str, Any] = {}
        for key, each in given.items():
            try:
                values[key] = self.evaluate(each, place.env, place.trail)
            except Silent:
                failed = True
        for key in names:
            if key not in given and declared is not None and declared.data[key].data is None:
                missing = Note(f"'{key}' is declared here, without a default", declared.key(key))
                message = f"the block '{block.name}' needs the param '{key}'"
                self.error("missing-argument", message, span, None, (*place.trail, missing))
                failed = True
        if failed:
            raise Silent
        return values

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
        entry = Entry(span if name is None else step.key("name"))
        label = self.enter(place.scope, entry, name, block.name, entry.span, place.trail)
        scope = place.scope.open(label, block=True, title=block.name)
        entry.scope = scope
        self.called.add(id(block.value))
        note = Note(f"in block '{block.name}', as {scope.path}", span)
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
            owners or place.owners,
        )
        inside = replace(inside, env={**home.env, "channels": self.channels(inputs, inside)})
        env = dict(inside.env)
        declared = block.value.get("params")
        for key, default in declared.items() if declared else ():
            self.free(key, declared.key(key), {})  # type: ignore[union-attr]
            if key in given:
                env[key] = given[key]
            else:
                env[key] = self.evaluate(default, env, inside.trail)
        inside = self.entered(replace(inside, env=env), block.value.get("defaults"), inputs)
        start = len(self.drafts)
        first: Flow = inputs.get("input") or Nothing(
            "with several inputs the first step must say where it comes from",
            f"write from: {next(iter(inputs))}",
        )
        layers = block.value.get("layers")
        last = self.sequence(layers, inside, first) if layers is not None else first
        entry.value = last
        entry.block = Call(block, given, tuple(self.drafts[start:]))
        if isinstance(last, Nothing) and block.value.get("inputs") and not (layers and layers.data):
            self.error("no-value", last.reason, span, last.hint, place.trail)
            raise Silent
        return last

    def block_inputs(
        self, block: Block, value: Feed, step: Value, span: Span, place: Place
    ) -> dict[str, Flow]:
        declared = block.value.get("inputs")
        where = step.get("from").span if step.get("from") else span  # type: ignore[union-attr]
        note = Note(f"the block '{block.name}' is declared here", block.span)
        if declared is None:
            if isinstance(value, list | dict):
                self.error(
                    "inputs",
                    f"the block '{block.name}' takes one value, got {len(value)}",
                    where,
                    "declare them in the block: inputs: [a, b]",
                    (*place.trail, note),
                )
                raise Silent
            return {"input": self.there(value, span, place)}
        names = [str(each.data) for each in declared.data]
        if isinstance(value, Draft | Nothing):
            value = [self.there(value, span, place)]
        if isinstance(value, dict):
            unknown = [key for key in value if key not in names]
            wrong = bool(unknown) or len(value) != len(names)
        else:
            wrong = len(value) != len(names)
        if wrong:
            message = f"the block '{block.name}' takes {len(names)} inputs: {', '.join(names)}"
            hint = f"from: [{', '.join(names)}], with the steps of yours"
            self.error("inputs", message, where, hint, (*place.trail, note))
            raise Silent
        if isinstance(value, dict):
            return {name: value[name] for name in names}
        return dict(zip(names, value, strict=True))

    def reuse(self, step: Value, name: str | None, place: Place, value: Feed) -> Flow:
        target = step.data["reuse"]
        text = self.text(target, place)
        try:
            entry = place.scope.find(text)
        except Refused as refused:
            self.report(self.later(refused, text, place), target.span, place.trail)
            raise Silent from None
        if isinstance(entry.block, Call):
            call = entry.block
            owners = iter(call.nodes)
            start = len(self.drafts)
            last = self.call_block(step, call.block, call.env, name, place, value, owners)
            if len(self.drafts) - start != len(call.nodes):
                message = f"'{text}' has other layers on this input, so its weights do not fit"
                note = Note(f"'{text}' is first called here", entry.span)
                self.error("reuse", message, target.span, None, (*place.trail, note))
                raise Silent
            return last
        owner = entry.value
        if entry.scope is not None or not isinstance(owner, Draft) or owner.op == "InputLayer":
            what = "an input" if isinstance(owner, Draft) and entry.scope is None else "a group"
            self.error("reuse", f"'{text}' is {what}: a layer or block can be reused", target.span)
            raise Silent
        if owner.facts is None:
            raise Silent
        return self.layer(step, owner.op, name, place, value, owner)


KEYWORDS = ("and", "or", "not", "if", "else", "in", "is", "for", "lambda")


def _assignments(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())


def _same_weights(op: str, arguments: Mapping[str, Any], facts: Facts, owner: Draft) -> None:
    note = (Note("its first call is here", owner.span),)
    if op != owner.op or dict(arguments) != dict(owner.arguments):
        raise Refused(f"reused as {op}, but it was {owner.op} with other arguments", code="reuse", notes=note)
    if owner.facts is not None and facts.weights != owner.facts.weights:
        now = ", ".join(f"{name} {shape}" for name, shape in facts.weights.items())
        was = ", ".join(f"{name} {shape}" for name, shape in owner.facts.weights.items())
        message = f"{op} cannot reuse its weights here: this input needs {now}, it has {was}"
        raise Refused(message, code="reuse", notes=note)


def _inside(value: Value) -> set[int]:
    """The identities of a value and everything in it."""
    found, stack = set(), [value]
    while stack:
        each = stack.pop()
        found.add(id(each))
        stack += each.data.values() if isinstance(each.data, dict) else ()
        stack += each.data if isinstance(each.data, tuple) else ()
    return found


def _named(value: Value, name: str) -> Iterator[Value]:
    """The `name` values under a value that spell a name."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each.data, dict):
            own = each.data.get("name")
            if own is not None and own.data == name:
                yield own
            stack += each.data.values()
        elif isinstance(each.data, tuple):
            stack += each.data

