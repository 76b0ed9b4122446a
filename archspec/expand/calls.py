"""A call of a layer or block: where its inputs come from, and what its arguments are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from archspec import foreign
from archspec.arguments import show
from archspec.errors import Note, Refused, Span, did_you_mean, listed
from archspec.expand.loops import Loops
from archspec.expand.place import Draft, Feed, Flow, Nothing, Place, Silent
from archspec.files import Block, Spec
from archspec.graph import Facts
from archspec.infer import again, lookup, meant, normal
from archspec.layers import ALIGNING, AUGMENTING, LAYERS, TIED
from archspec.scopes import Entry, snake_case
from archspec.syntax import formulas
from archspec.syntax.source import Value
from archspec.syntax.steps import (
    MODIFIERS,
    BlockCall,
    Body,
    LayerCall,
    Sources,
    Step,
)


class Calls(Loops):
    """References, arguments and layers. drafts: the nodes so far, in order."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.drafts: list[Draft] = []

    def channels(self, inputs: Mapping[str, Flow], place: Place) -> Any:
        if len(inputs) != 1:
            message = "`channels` needs one input, and here there are several"
            return Refused(message, code="formula")
        (value,) = inputs.values()
        if not isinstance(value, Draft) or value.facts is None:
            return Refused("", code="silent")
        axis = value.shape[1 if _channels_first(place) else -1]
        unknown = Refused("`channels` is unknown (null) here", code="formula")
        return unknown if axis is None else axis

    def entered(self, place: Place, defaults: Value | None, inputs: Mapping[str, Flow]) -> Place:
        """The place inside a file or block: with its defaults, and `channels` of its input."""
        added = (*place.defaults, (defaults, place.env)) if defaults is not None else place.defaults
        place = replace(place, defaults=added, inputs=inputs)
        channels = self.channels(inputs, place)
        env = {**place.env, "channels": channels}
        if defaults is not None:
            place = replace(place, defaults=(*place.defaults[:-1], (defaults, env)))
        return replace(place, env=env)

    def first(self, inputs: Mapping[str, Flow]) -> Flow:
        """What the first step of a file or block takes: its input, if there is only one."""
        if len(inputs) == 1:
            return next(iter(inputs.values()))
        return Nothing(
            "with several inputs the first step must say where it comes from",
            f"write from: {next(iter(inputs), 'NAME')}",
        )

    def fed(self, feed: Sources, place: Place, previous: Flow) -> Feed:
        found: list[Draft] = []
        for each in feed.names:  # all that cannot be found are reported
            try:
                found.append(self.reference(str(each.data), each, place, previous))
            except Silent:
                continue
        if len(found) < len(feed.names):
            raise Silent
        if feed.slots:
            return dict(zip(feed.slots, found, strict=True))
        return found[0] if feed.single else found

    def reference(self, text: str, value: Value, place: Place, previous: Flow) -> Draft:
        """The node that a reference names. Raises `Silent` after reporting."""
        name = self.text(value, place)
        try:
            flow = self.meant(name, place, previous)
        except Refused as refused:
            start = max(name.find(refused.argument or ""), 0)
            whole = "{" in str(value.data) or not value.plain
            span = value.span if whole else value.span.within(start, len(name) - start)
            self.report(self.later(refused, name, place), span, place.trail)
            raise Silent from None
        return self.there(flow, value.span, place)

    def meant(self, name: str, place: Place, previous: Flow) -> Flow:
        """The value that a name stands for. Raises `Refused` if there is none, or several."""
        if name == "previous":
            return previous
        if name == "input" and len(place.inputs) == 1:
            return self.first(place.inputs)
        if name == "input":
            hint = f"name one: {', '.join(place.inputs)}"
            raise Refused("there are several inputs here", code="unknown-name", hint=hint)
        flow: Flow | None = place.scope.find(name).value
        if flow is None:
            message = f"'{name}' is the group this step stands in, which has no value yet"
            raise Refused(message, code="unknown-name")
        return flow

    def within_reach(self, feed: Sources | None, place: Place, previous: Flow) -> list[Draft]:
        """The nodes that a step which failed takes, those that are there; nothing is reported."""
        found = [previous]
        if feed is not None:
            found = []
            for each in feed.names:
                try:
                    name = formulas.fill(str(each.data), place.env)
                    found.append(self.meant(name, place, previous))
                except Refused:
                    continue
        return [flow for flow in found if isinstance(flow, Draft)]

    def later(self, refused: Refused, name: str, place: Place) -> Refused:
        """The same refusal, saying so if the name is written further down, or in another scope."""
        first = name.partition(".")[0]
        if refused.code != "unknown-name" or refused.argument != first:
            return refused
        everywhere = [*(each.body for each in self.spec.home.blocks.values()), self.spec.body]
        named = _named(first, [place.calls[-1].body] if place.calls else everywhere)
        hint = "a step takes what was written before it; of a named group, by its path"
        if named is None:
            named = _named(first, everywhere)
            hint = "a block sees only its own steps: hand the value in by its `inputs`"
        if named is not None:
            note = Note(f"a step called '{first}' is written here, later or elsewhere", named.span)
            return Refused(refused.message, first, refused.code, hint, (note,))
        return refused

    def there(self, flow: Flow, span: Span, place: Place) -> Draft:
        if isinstance(flow, Draft):
            return flow
        self.error("no-value", flow.reason, span, flow.hint, place.trail)
        raise Silent

    def single(self, value: Feed, step: Step, what: str, place: Place) -> Flow:
        """The one value that a group, branches or a bare `from` goes on with, if there is any."""
        if isinstance(value, list | dict):
            span = step.span if step.feed is None else step.feed.span
            self.error("inputs", f"{what} takes one value", span, "name one step", place.trail)
            raise Silent
        return value

    def layer(
        self,
        step: Step,
        op: str,
        name: str | None,
        place: Place,
        value: Feed,
        owner: Draft | None = None,
    ) -> Draft:
        span = step.place(op)
        place_note = place.trail
        inputs: list[Draft]
        if isinstance(value, dict):
            value = _in_order(op, value)
            inputs = list(value.values())
        elif isinstance(value, list):
            inputs = value
        else:
            inputs = [self.there(value, span, place)]
        entry = Entry(span if name is None else step.name_span)
        slots = tuple(value) if isinstance(value, dict) else ()
        call: dict[str, Any] = {}
        arguments: dict[str, Any] = {}
        places: dict[str, tuple[Value, tuple[Note, ...]]] = {}
        facts = None
        try:
            layer = lookup(op)
            if op in AUGMENTING:
                said = f"{op} works under `train.augment` alone: {AUGMENTING[op]}"
                raise Refused(said, code="refused-layer")
            if place.owners is not None:  # each layer here has its counterpart there
                counterpart = next(place.owners, None)
                owner = owner or counterpart
            if owner is not None:
                owner = owner.owner or owner  # the first call, not another reuse
            known = all(each.facts is not None for each in inputs)
            if isinstance(step, LayerCall | BlockCall):
                given, places = self.arguments(step, op, layer.arguments, place)
                call = self.call(step, op, layer.call, place)
                arguments = _normal(op, given, known)
            else:
                assert owner is not None
                arguments = dict(owner.arguments)
                call = self.call(step, op, layer.call, place)
            if known:
                shapes = [each.shape for each in inputs]
                fed = dict(zip(slots, shapes, strict=True)) if slots else shapes
                facts = again(op, arguments, fed, call)
                if op == "MultiHeadAttention" and call.get("use_causal_mask"):
                    _causal(inputs[0])
                if owner is not None:
                    _same_weights(op, arguments, inputs, facts, owner)
        except Refused as refused:
            blamed, *path = (refused.argument or "").split(".")
            written, notes = places.get(blamed, (None, ()))
            where = span if written is None else written.inside(path).span
            unknown_block = refused.code == "unknown-layer" and op[:1].islower()
            if unknown_block:
                refused.message = f"no layer or block is called {show(op)}"
                near = did_you_mean(op, place.home.blocks) or meant(op)
                near = near or did_you_mean(op, [*place.home.blocks, *LAYERS])
                assert isinstance(step, LayerCall | BlockCall)
                kind = step.arguments.first if step.arguments else None  # as `type: Flatten` has it
                if op in foreign.KINDS and kind is not None and str(kind.data) in LAYERS:
                    near = f"a step begins with its layer: `- {kind.data}`"
                refused.hint = near or _blocks(place)
            self.report(refused, where, (*place_note, *notes), once=unknown_block)
            entry.broken = op not in LAYERS  # a block misspelt has steps inside
            facts = None
        except Silent:
            pass
        draft = Draft(
            op,
            arguments,
            tuple(inputs),
            slots,
            call,
            owner,
            facts,
            place.scope,
            step.span,
            place.trail,
        )
        entry.value = draft
        self.enter(place.scope, entry, name, snake_case(op), entry.span, place.trail)
        draft.errors = self.blamed()
        self.drafts.append(draft)
        return draft

    def arguments(
        self, step: LayerCall | BlockCall, op: str, contract: Mapping[str, Any], place: Place
    ) -> tuple[dict[str, Any], dict[str, tuple[Value, tuple[Note, ...]]]]:
        """A layer's evaluated arguments, defaults under its own, and where each was written.

        A place comes with the notes on how it got here: as a default, or by an alias.
        """
        given: dict[str, tuple[Value, Mapping[str, Any], tuple[Note, ...]]] = {}
        used = Note(f"first used here, by {op}", step.place(op))
        for defaults, env in place.defaults:
            layer = defaults.get(op)
            if self.refused(defaults) or (layer and self.refused(layer)):
                self.look_at(layer or defaults, replace(place, env=env))
                raise Silent  # what it would start from is not known
            for key, value in layer.items() if layer else ():
                given[key] = (value, env, (used,))
        if (own := step.arguments) is not None:
            for key, value in own.by_name(next(iter(contract))).items():
                given[key] = (value, place.env, own.notes())
        evaluated: dict[str, Any] = {}
        places: dict[str, tuple[Value, tuple[Note, ...]]] = {}
        failed = False
        for key, (value, env, notes) in given.items():
            places[key] = value, (*notes, *value.notes())
            try:
                evaluated[key] = self.evaluate(value, env, (*place.trail, *notes))
            except Silent:
                failed = True
        if failed:
            raise Silent
        return evaluated, places

    def call(self, step: Step, op: str, known: tuple[str, ...], place: Place) -> dict[str, Any]:
        value = step.call
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
        if "training" in given:
            still = op == "BatchNormalization" and not given["training"]
            self.error(
                "training-ignored",
                f"Keras ignores `training: {show(given['training'])}` on a {op} inside fit",
                value.span,
                "freeze it with `trainable: false` among its arguments"
                if still
                else "fit and predict say themselves whether they train",
                place.trail,
                "warning",
            )
        return dict(given)

    def block_params(self, step: BlockCall, block: Block, place: Place) -> dict[str, Any]:
        """The values of a block's own params: as given by the call, else their defaults."""
        declared = block.value.get("params")
        names = list(declared.data) if declared else []
        own = step.arguments
        span = step.place(block.name)
        note = Note(f"the block '{block.name}' is declared here", block.span)
        given: Mapping[str, Value] = {}
        if own is not None:
            if own.first is not None and not names:
                message = f"the block '{block.name}' has no params"
                self.error("unknown-argument", message, own.span, None, (*place.trail, note))
                raise Silent
            given = own.by_name(next(iter(names), ""))
        failed = False
        meant = set()
        for key in given:
            if key not in names:
                meant.add(did_you_mean(key, names))
                message = f"the block '{block.name}' has no param '{key}'"
                hint = did_you_mean(key, names) or f"its params: {', '.join(names) or 'none'}"
                if own is not None and key in MODIFIERS:
                    hint = f"'{key}' stands beside '{block.name}', not inside it"
                where = own.place(key) if own is not None else span
                self.error("unknown-argument", message, where, hint, (*place.trail, note))
                failed = True
        values: dict[str, Any] = {}
        for key, each in given.items():
            try:
                values[key] = self.evaluate(each, place.env, place.trail)
            except Silent:
                failed = True
        missing = [
            key
            for key in names
            if key not in given
            and declared is not None
            and declared.data[key].data is None
            and did_you_mean(key, [key]) not in meant
        ]
        if missing:
            message = f"the block '{block.name}' needs the {listed('param', missing)}"
            notes = [
                Note(f"'{key}' is declared here, without a default", declared.key(key))
                for key in reversed(missing)
                if declared is not None
            ]
            self.error("missing-argument", message, span, None, (*place.trail, *notes))
            failed = True
        if failed:
            raise Silent
        return values

    def block_inputs(
        self, block: Block, value: Feed, step: Step, span: Span, place: Place
    ) -> dict[str, Flow]:
        declared = block.value.get("inputs")
        where = span if step.feed is None else step.feed.span
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


def _normal(op: str, given: Mapping[str, Any], known: bool) -> dict[str, Any]:
    """The arguments in normal form. known: whether the inputs are; if not, a value is let pass,
    since what made them unknown may be what is wrong with it, and there is no normal form."""
    try:
        return normal(op, given)
    except Refused as refused:
        if known or refused.code == "missing-argument":
            raise
        return {}


def _blocks(place: Place) -> str:
    names = ", ".join(place.home.blocks)
    return f"the blocks here: {names}" if names else "the spec has no blocks"


def _in_order(op: str, value: dict[str, Draft]) -> dict[str, Draft]:
    """Inputs by name in the order of the layer's call, however they were written."""
    takes = LAYERS[op].takes if op in LAYERS else ()
    order = [name for name in takes if name in value] if isinstance(takes, tuple) else []
    return {name: value[name] for name in (*order, *(n for n in value if n not in order))}


def _channels_first(place: Place) -> bool:
    """Whether a default in force says that channels are the first axis after the batch."""
    for defaults, env in place.defaults:
        for _, layer in defaults.items():
            form = layer.get("data_format")
            try:
                if form is not None and formulas.is_formula(form.data):
                    found = formulas.evaluate(form.data[1:], env)
                else:
                    found = form.data if form is not None else None
            except Refused:  # said where a layer uses it
                continue
            if found == "channels_first":
                return True
    return False


def _causal(query: Draft) -> None:
    """`Refused` for a query of more axes than Keras's causal mask has."""
    if len(query.shape) != 3:
        message = "MultiHeadAttention takes use_causal_mask on 3 axes (batch, length, features)"
        raise Refused(f"{message}, got {query.shape}", code="call")


def _same_weights(
    op: str, arguments: Mapping[str, Any], inputs: list[Draft], facts: Facts, owner: Draft
) -> None:
    """`Refused` if the layer of `owner` cannot be this call's."""
    note = (Note("its first call is here", owner.span),)
    if op != owner.op or dict(arguments) != dict(owner.arguments):
        raise Refused(
            f"reused as {op}, but it was {owner.op} with other arguments", code="reuse", notes=note
        )
    if owner.facts is not None and facts.weights != owner.facts.weights:
        now = ", ".join(f"{name} {shape}" for name, shape in facts.weights.items())
        was = ", ".join(f"{name} {shape}" for name, shape in owner.facts.weights.items())
        message = f"{op} cannot reuse its weights here: this input needs {now}, it has {was}"
        raise Refused(message, code="reuse", notes=note)
    settled = op in ALIGNING and owner.facts is not None
    if settled and _ranks(inputs) > 1 and _ranks(owner.inputs) == 1:
        message = f"{op} was first called on inputs of one number of axes, and aligns no others"
        raise Refused(message, code="reuse", notes=note)
    if op in TIED and owner.facts is not None:
        axes, before = (len(each[0].shape) for each in (inputs, owner.inputs))
        if axes != before:
            message = f"{op} is tied to the {before} axes of its first input, this one has {axes}"
            raise Refused(message, code="reuse", notes=note)


def _ranks(inputs: Iterable[Draft]) -> int:
    """How many numbers of axes the inputs have."""
    return len({len(each.shape) for each in inputs})


def _named(name: str, bodies: Iterable[Body | None]) -> Value | None:
    """The name of the last step in the bodies that is called so."""
    names = (each for body in bodies if body is not None for each in body.names())
    found = [each for each in names if each.data == name]
    return found[-1] if found else None
