"""Add the node of one layer call: its arguments over the defaults in force, and its facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from archspec import foreign
from archspec.arguments import show
from archspec.errors import AtArgument, Note, Refused, Span, did_you_mean
from archspec.expand.context import Context
from archspec.expand.doubts import warn_of_doubts
from archspec.expand.drafts import Draft, Taken
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.loops import report_mistakes
from archspec.expand.names import enter, make_entry
from archspec.expand.origins import Account, Written, find_sources
from archspec.expand.references import require_node
from archspec.expand.scopes import snake_case
from archspec.expand.values import evaluate
from archspec.graph import Facts, Shape
from archspec.infer import bind_arguments, find_layer, infer_facts, suggest_layer
from archspec.layers import LAYERS, traits_of
from archspec.loading.shipped import list_libraries
from archspec.schema.check_result import find_rank
from archspec.syntax.edits import Edit
from archspec.syntax.formulas import words_in
from archspec.syntax.source import Value, iter_texts
from archspec.syntax.steps import BlockCall, LayerCall, Reuse
from archspec.syntax.words import WORDS


def expand_layer(
    step: LayerCall | BlockCall, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Draft:
    """Add the node of a layer, without facts if there is no such layer."""
    return add_layer(step, step.label, name, context, taken, out)


def add_layer(
    step: LayerCall | BlockCall | Reuse,
    op: str,
    name: str | None,
    context: Context,
    taken: Taken,
    out: Expansion,
    owner: Draft | None = None,
) -> Draft:
    """Add the node of a layer. Raises `Failed` if it has no inputs.

    A node whose arguments or inputs are wrong is added all the same, without facts. owner: the node
    whose weights it uses, in `reuse`.
    """
    span = step.word_span(op)
    slots, inputs = _list_inputs(op, taken, span, context, out)
    draft = Draft(op, inputs, context.scope, step.span, context.trail, slots=slots, owner=owner)
    draft.iterations = context.iterations
    entry = make_entry(span if name is None else step.name_span, context, draft)
    edited_before = (out.passed_on.get(each) or each.edited for each in inputs)
    upstream = [each for each in edited_before if each]
    draft.edited = context.edited or next(iter(upstream), ())
    if not context.edited:  # for what is wrong here since these edits
        notes = dict.fromkeys(note for each in reversed(upstream) for note in reversed(each))
        context = context.with_notes(*notes)
    written: Mapping[str, Written] = {}
    errors: Errors = ()
    try:
        layer = find_layer(op)
        if why := layer.traits.augments_only:
            message = f"{op} works under `train.augment` alone: {why}"
            raise Refused(message, code="refused-layer")
        if context.owners is not None:  # inside `reuse` each layer has its counterpart
            counterpart = next(context.owners, None)
            draft.owner = draft.owner or counterpart
        if draft.owner is not None:
            draft.owner = draft.owner.owner or draft.owner  # the first call, not another reuse
        known = all(each.facts is not None for each in inputs)
        if isinstance(step, Reuse):
            assert draft.owner is not None
            draft.arguments = dict(draft.owner.arguments)
            draft.call = _evaluate_call(step, op, layer.call, context, out)
        else:
            given, written = _evaluate_arguments(step, op, layer.arguments, context, out)
            draft.call = _evaluate_call(step, op, layer.call, context, out)
            frozen = _find_freezing(step, context, out)
            if frozen is not None:
                given["trainable"] = False
            draft.account = Account(written, context.home is not out.spec.home, frozen)
            draft.arguments = _normalize(op, given, known, written)
        if known:
            draft.facts = _infer_facts(draft)
            _find_mask(draft)
            warn_of_doubts(draft, step, context, out)
            _note_kept_frozen(draft, context, out)
        if traits_of(op).batch_statistics and "momentum" in written:
            _warn_of_momentum(draft.arguments, written["momentum"], context, out)
        learnt = layer.traits.adapted
        if learnt and draft.owner is None and draft.arguments.get(learnt, 0) is None:
            _warn_of_unadapted(op, learnt, span, context, out)
    except Refused as refused:
        errors = (_report_layer(refused, step, op, context, written, out),)
        entry.broken = op not in LAYERS  # a block misspelt has steps inside
    except Failed as failed:
        errors = failed.errors
    _, wrong = enter(context.scope, entry, name, snake_case(op), entry.span, context.trail, out)
    draft.errors = (*errors, *wrong)
    out.drafts.append(draft)
    return draft


def _find_freezing(step: LayerCall | BlockCall, context: Context, out: Expansion) -> Span | None:
    """Return the edit that freezes a layer, if one does: none if one says `trainable` itself,
    later, or in a step that it writes."""
    if context.freeze is None or context.freeze[1] is not True:
        return None
    own = step.arguments.named if step.arguments is not None else {}
    if context.level and "trainable" in own:
        return None
    return _find_edit_of_freezing(context.freeze[0], out).span


def _note_kept_frozen(draft: Draft, context: Context, out: Expansion) -> None:
    """Note a layer that an edit is to train, and that its own arguments keep as it is."""
    if context.freeze is None or context.freeze[1] is not False or draft.owner is not None:
        return
    if draft.arguments.get("trainable") is False and draft.facts and draft.facts.weights:
        edit = _find_edit_of_freezing(context.freeze[0], out)
        out.kept_frozen.setdefault(edit, []).append(draft)


def _find_edit_of_freezing(order: tuple[int, int], out: Expansion) -> Edit:
    """Return the edit with an order among those of all files."""
    level, index = order
    return out.spec.levels[level - 1].edits[index]


def _list_inputs(
    op: str, taken: Taken, span: Span, context: Context, out: Expansion
) -> tuple[tuple[str, ...], tuple[Draft, ...]]:
    """Return the call arguments that inputs are given to, () if not by name, and the inputs.

    Inputs by name are in the order of the layer's call, however they were written. Raises `Failed`
    if there is no value to take.
    """
    if isinstance(taken, list):
        return (), tuple(taken)
    if not isinstance(taken, dict):
        return (), (require_node(taken, span, context, out),)
    takes = LAYERS[op].takes if op in LAYERS else ()
    order = [name for name in takes if name in taken] if isinstance(takes, tuple) else []
    slots = (*order, *(name for name in taken if name not in order))
    return slots, tuple(taken[name] for name in slots)


def _report_layer(
    refused: Refused,
    step: LayerCall | BlockCall | Reuse,
    op: str,
    context: Context,
    written: Mapping[str, Written],
    out: Expansion,
) -> int:
    """Report what a rule refused, at the argument to blame if there is one."""
    if isinstance(step, BlockCall):
        unknown = Refused(f"no layer or block is called {show(op)}", code=refused.code)
        unknown.hint = _hint_for_unknown(step, context, out)
        blocks = out.spec.root.get("blocks")
        if blocks is not None and context.home is out.spec.home and op in blocks.keys:
            unknown.notes = (Note(f"'{op}' is taken away here", blocks.keys[op]),)
        return out.refuse(unknown, step.word_span(op), context.trail, once=True)
    at = refused.at
    if not isinstance(at, AtArgument) or at.name not in written:
        return out.refuse(refused, step.word_span(op), context.trail)
    place = written[at.name]
    value = place.value.find(at.inside)
    refused.hint = refused.hint or _suggest_whole(refused.message, place.value)
    key = place.key if value is place.value else at.path[-1]
    trail = (*context.trail, *place.notes, *place.value.notes())
    origins = find_sources(value, place.env, key)
    return out.refuse(refused, value.span, trail, origins=origins)


def _suggest_whole(message: str, value: Value) -> str | None:
    """Return a hint for `=width / 2` that gives 1.5 where an integer is wanted; None for others.

    Of what is below 1 the whole number would be 0.
    """
    text = value.data if isinstance(value.data, str) else ""
    whole = re.sub(r"(?<!/)/(?!/)", "//", text)
    gives_part = "integer" in message and re.search(r"got [1-9]\d*\.\d+$", message)
    return f"`//` divides to a whole number: {whole}" if gives_part and whole != text else None


def _hint_for_unknown(step: BlockCall, context: Context, out: Expansion) -> str:
    """Return a hint for a word in lower case that is not the name of a block."""
    word, blocks = step.label, context.home.blocks
    first = step.arguments.first if step.arguments else None
    if word in foreign.KINDS and first is not None and str(first.data) in LAYERS:
        return f"a step begins with its layer: `- {first.data}`"  # as `type: Flatten` has it
    steps = first is not None and isinstance(first.data, tuple)
    steps = steps or (step.arguments is not None and "layers" in step.arguments.named)
    if steps and (near := did_you_mean(word, WORDS)):
        return near
    if steps and not did_you_mean(word, blocks):
        return f"a group has its name beside its steps: {{name: {word}, layers: [...]}}"
    is_outside = step.span.source not in out.spec.files  # an edit, which needs no `import`
    hint = (
        did_you_mean(word, [*blocks, *(list_libraries() if is_outside else ())], declared=True)
        or suggest_layer(word, find_rank(out.spec.root))
        or did_you_mean(word, [*blocks, *LAYERS])
    )
    known = f"the blocks here: {', '.join(blocks)}" if blocks else "the spec has no blocks"
    return (foreign.without_import(hint) if is_outside else hint) or known


# --- arguments -----------------------------------------------------------------------------------


def _evaluate_arguments(
    step: LayerCall | BlockCall,
    op: str,
    contract: Mapping[str, Any],
    context: Context,
    out: Expansion,
) -> tuple[dict[str, Any], Mapping[str, Written]]:
    """Return a layer's evaluated arguments over the defaults, and where each is written.

    Raises `Failed`.
    """
    given: dict[str, Written] = {}
    used = Note(f"first used here, by {op}", step.word_span(op))
    for held in context.defaults:
        defaults = held.value
        layer = defaults.get(op)
        refused = next((each for each in (defaults, layer) if each and out.is_refused(each)), None)
        if refused is not None:  # so the defaults of the layer are not known
            mistakes = report_mistakes(layer or defaults, replace(context, env=held.env), out)
            raise Failed(*out.schema_errors(refused), *mistakes)
        for key, value in layer.items() if layer else ():
            given[key] = Written(value, held.env, held.find_axes, key, (used,), in_defaults=True)
    if (own := step.arguments) is not None:
        for key, value in own.by_name(next(iter(contract))).items():
            name = None if value is own.first else key
            given[key] = Written(value, context.env, context.find_axes, name, own.notes())
    out.used_defaults.update(each.value.span for each in given.values())
    evaluated: dict[str, Any] = {}
    errors: list[int] = []
    for key, each in given.items():
        trail = (*context.trail, *each.notes)
        try:
            evaluated[key] = evaluate(each.value, each.env, trail, out, each.find_axes, each.key)
        except Failed as failed:
            errors += failed.errors
    if len(evaluated) < len(given):
        raise Failed(*errors)
    return evaluated, given


def _normalize(
    op: str, given: Mapping[str, Any], known: bool, written: Mapping[str, Written]
) -> dict[str, Any]:
    """Return the arguments in normal form; {} if they are refused and the inputs are unknown.

    known: whether the inputs are known. If not, the reason may be what is wrong with the arguments,
    so only a missing argument and a formula without names are reported. written: where they are.
    """
    try:
        return bind_arguments(op, given)
    except Refused as refused:
        if known or refused.code == "missing-argument":
            raise
        at = refused.at.name if isinstance(refused.at, AtArgument) else None
        if at and at in written and not any(map(words_in, iter_texts(written[at].value))):
            raise
        return {}


def _evaluate_call(
    step: LayerCall | BlockCall | Reuse,
    op: str,
    known: Mapping[str, str],
    context: Context,
    out: Expansion,
) -> dict[str, Any]:
    """Return the call arguments of a layer. known: those that it takes. Raises `Failed`."""
    value = step.call
    if value is None:
        return {}
    given = evaluate(value, context.env, context.trail, out, context.find_axes)
    for name, each in given.items():
        if name not in known:
            message = f"{op} has no call argument '{name}'"
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            hint = did_you_mean(name, known) or takes
            raise out.fail("unknown-argument", message, value.key_span(name), hint)
        if not isinstance(each, bool):
            message = f"the call argument '{name}' must be true or false"
            written = value.data[name]
            origins = find_sources(written, context.env, name)
            raise out.fail("argument-value", message, written.span, None, context.trail, origins)
    if "training" in given:
        _warn_of_training(op, given["training"], value, context, out)
    return dict(given)


def _warn_of_training(
    op: str, training: bool, value: Value, context: Context, out: Expansion
) -> None:
    """Warn that `fit` and `predict` override the call argument `training`."""
    message = f"Keras ignores `training: {show(training)}` on a {op} inside fit"
    hint = "fit and predict say themselves whether they train"
    if traits_of(op).batch_statistics and not training:
        hint = "freeze it with `trainable: false` among its arguments"
    out.warn("training-ignored", message, value.span, hint, context.trail)


def _warn_of_momentum(
    arguments: Mapping[str, Any], written: Written, context: Context, out: Expansion
) -> None:
    """Warn of a momentum as PyTorch has it, which is the share of the new batch."""
    momentum = arguments.get("momentum")
    if isinstance(momentum, int | float) and momentum < 0.5:
        message = f"a momentum of {momentum:g} keeps little of the averages so far"
        hint = f"PyTorch's {momentum:g} is momentum: {round(1 - momentum, 10):g} here"
        origins = find_sources(written.value, written.env, written.key)
        out.warn("momentum", message, written.value.span, hint, context.trail, origins)


def _warn_of_unadapted(op: str, learnt: str, span: Span, context: Context, out: Expansion) -> None:
    """Warn of a layer whose numbers are learnt from data by `adapt`, which no command calls."""
    message = f"this {op} has no {learnt}, and no command adapts it to data: it changes nothing"
    hint = "give it mean and variance, or call the Keras layer's `adapt` in Python"
    out.warn("unadapted", message, span, hint, context.trail)


# --- facts ---------------------------------------------------------------------------------------


def _infer_facts(draft: Draft) -> Facts:
    """Return the facts of a node whose inputs are known. Raises `Refused`."""
    shapes = [each.shape for each in draft.inputs]
    fed = dict(zip(draft.slots, shapes, strict=True)) if draft.slots else shapes
    try:
        facts = infer_facts(draft.op, draft.arguments, fed, draft.call)
    except Refused as refused:
        if refused.hint is None and len(shapes) == 1 and draft.inputs[0].op == "InputLayer":
            refused.hint = _suggest_input(draft, shapes[0])
        raise
    if draft.owner is not None:
        _check_same_weights(draft, facts, draft.owner)
    return facts


def _suggest_input(draft: Draft, shape: Shape) -> str | None:
    """Return a hint for an input with a batch axis, if it would fit without it."""
    try:
        infer_facts(draft.op, draft.arguments, [(None, *shape[2:])], draft.call)
    except Refused:
        return None
    return f"leave the batch axis out: input: {show(list(shape[2:]))}"


def _find_mask(draft: Draft) -> None:
    """Give a node the mask that its value has. Raises `Refused` for a mask that stops its layer."""
    find = partial(
        traits_of(draft.op).mask,
        {**draft.arguments, **draft.call},
        [each.shape for each in draft.inputs],
    )
    masks = [each.mask for each in draft.inputs]
    maker = next((each.masked_by for each in draft.inputs if each.masked_by is not None), None)
    try:
        draft.mask = find(masks)
    except Refused as refused:
        refused.message = f"{draft.op} {refused.message}"
        refused.notes = (Note("the mask is made here", maker.span),) if maker else ()
        raise
    if draft.mask is not None:
        draft.masked_by = draft if find([None] * len(masks)) is not None else maker


def _check_same_weights(draft: Draft, facts: Facts, owner: Draft) -> None:
    """Raise `Refused` for a call that the layer of `owner` cannot do with its weights."""
    op, traits, note = draft.op, traits_of(draft.op), (Note("its first call is here", owner.span),)
    if op != owner.op or dict(draft.arguments) != dict(owner.arguments):
        message = f"reused as {op}, but it was {owner.op} with other arguments"
        raise Refused(message, code="reuse", notes=note)
    if owner.facts is None:
        return
    if facts.weights != owner.facts.weights:
        now = ", ".join(f"{name} {shape}" for name, shape in facts.weights.items())
        was = ", ".join(f"{name} {shape}" for name, shape in owner.facts.weights.items())
        message = f"{op} cannot reuse its weights here: this input needs {now}, it has {was}"
        raise Refused(message, code="reuse", notes=note)
    if traits.aligns and _num_ranks(draft.inputs) > 1 and _num_ranks(owner.inputs) == 1:
        message = f"the first call of {op} had inputs of one number of axes, so it aligns no others"
        raise Refused(message, code="reuse", notes=note)
    axes, before = (len(each.inputs[0].shape) for each in (draft, owner))
    if traits.fixed_rank and axes != before:
        message = f"{op} is tied to the {before} axes of its first input, this one has {axes}"
        raise Refused(message, code="reuse", notes=note)


def _num_ranks(inputs: Iterable[Draft]) -> int:
    """Return how many different numbers of axes the inputs have."""
    return len({len(each.shape) for each in inputs})
