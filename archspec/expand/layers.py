"""One call of a layer: its arguments over the defaults in force, and the node that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from archspec import foreign
from archspec.arguments import show
from archspec.errors import AtArgument, Note, Refused, did_you_mean
from archspec.expand.loops import find_mistakes
from archspec.expand.names import enter
from archspec.expand.out import Errors, Expansion, Failed, Trail
from archspec.expand.place import Draft, Place, Taken
from archspec.expand.references import need_node
from archspec.expand.scopes import Entry, snake_case
from archspec.expand.values import evaluate
from archspec.graph import Facts
from archspec.infer import again, lookup, meant, normal
from archspec.layers import LAYERS, traits_of
from archspec.syntax.source import Value
from archspec.syntax.steps import BlockCall, LayerCall, Reuse

Written = Mapping[str, tuple[Value, Trail]]  # where each argument is written, and how it got here


def expand_layer(
    step: LayerCall | BlockCall, name: str | None, place: Place, taken: Taken, out: Expansion
) -> Draft:
    """Lay down the node of a layer, or what is left of it if there is no such layer."""
    return lay_layer(step, step.label, name, place, taken, out)


def lay_layer(
    step: LayerCall | BlockCall | Reuse,
    op: str,
    name: str | None,
    place: Place,
    taken: Taken,
    out: Expansion,
    owner: Draft | None = None,
) -> Draft:
    """Lay down the node of a layer. Raises `Failed` if it has no inputs.

    A node whose arguments or inputs are wrong is there all the same, without facts.
    owner: the node whose weights it has, in `reuse`.
    """
    span = step.word_span(op)
    slots: tuple[str, ...] = ()
    if isinstance(taken, dict):
        taken = _in_order(op, taken)
        slots, inputs = tuple(taken), tuple(taken.values())
    elif isinstance(taken, list):
        inputs = tuple(taken)
    else:
        inputs = (need_node(taken, span, place, out),)
    draft = Draft(op, inputs, place.scope, step.span, place.trail, slots=slots, owner=owner)
    entry = Entry(span if name is None else step.name_span, draft)
    written: Written = {}
    errors: Errors = ()
    try:
        layer = lookup(op)
        if why := layer.traits.augments_only:
            message = f"{op} works under `train.augment` alone: {why}"
            raise Refused(message, code="refused-layer")
        if place.owners is not None:  # each layer here has its counterpart there
            counterpart = next(place.owners, None)
            draft.owner = draft.owner or counterpart
        if draft.owner is not None:
            draft.owner = draft.owner.owner or draft.owner  # the first call, not another reuse
        known = all(each.facts is not None for each in inputs)
        if isinstance(step, Reuse):
            assert draft.owner is not None
            draft.arguments = dict(draft.owner.arguments)
            draft.call = _evaluate_call(step, op, layer.call, place, out)
        else:
            given, written = _evaluate_arguments(step, op, layer.arguments, place, out)
            draft.call = _evaluate_call(step, op, layer.call, place, out)
            draft.arguments = _normalize(op, given, known)
        if known:
            draft.facts = _infer_facts(draft)
    except Refused as refused:
        errors = (_report_layer(refused, step, op, place, written, out),)
        entry.broken = op not in LAYERS  # a block misspelt has steps inside
    except Failed as failed:
        errors = failed.errors
    _, wrong = enter(place.scope, entry, name, snake_case(op), entry.span, place.trail, out)
    draft.errors = (*errors, *wrong)
    out.drafts.append(draft)
    return draft


def _in_order(op: str, taken: dict[str, Draft]) -> dict[str, Draft]:
    """Return inputs by name in the order of the layer's call, however they were written."""
    takes = LAYERS[op].takes if op in LAYERS else ()
    order = [name for name in takes if name in taken] if isinstance(takes, tuple) else []
    return {name: taken[name] for name in (*order, *(n for n in taken if n not in order))}


def _report_layer(
    refused: Refused,
    step: LayerCall | BlockCall | Reuse,
    op: str,
    place: Place,
    written: Written,
    out: Expansion,
) -> int:
    """Report what a rule refused, at the argument that is to blame if there is one."""
    if isinstance(step, BlockCall):
        unknown = Refused(f"no layer or block is called {show(op)}", code=refused.code)
        unknown.hint = _hint_for_unknown(step, place)
        return out.refuse(unknown, step.word_span(op), place.trail, once=True)
    at = refused.at
    if not isinstance(at, AtArgument) or at.name not in written:
        return out.refuse(refused, step.word_span(op), place.trail)
    value, notes = written[at.name]
    return out.refuse(refused, value.find(at.inside).span, (*place.trail, *notes))


def _hint_for_unknown(step: BlockCall, place: Place) -> str:
    """Return what a word in lower case that names no block was most likely meant for."""
    word, blocks = step.label, place.home.blocks
    first = step.arguments.first if step.arguments else None
    if word in foreign.KINDS and first is not None and str(first.data) in LAYERS:
        return f"a step begins with its layer: `- {first.data}`"  # as `type: Flatten` has it
    hint = did_you_mean(word, blocks) or meant(word) or did_you_mean(word, [*blocks, *LAYERS])
    known = f"the blocks here: {', '.join(blocks)}" if blocks else "the spec has no blocks"
    return hint or known


# --- arguments -----------------------------------------------------------------------------------


def _evaluate_arguments(
    step: LayerCall | BlockCall,
    op: str,
    contract: Mapping[str, Any],
    place: Place,
    out: Expansion,
) -> tuple[dict[str, Any], Written]:
    """Return a layer's evaluated arguments, defaults under its own, and where each is written."""
    given: dict[str, tuple[Value, Mapping[str, Any], Trail]] = {}
    used = Note(f"first used here, by {op}", step.word_span(op))
    for defaults, env in place.defaults:
        layer = defaults.get(op)
        refused = next((each for each in (defaults, layer) if each and out.is_refused(each)), None)
        if refused is not None:  # what the layer would start from is not known
            mistakes = find_mistakes(layer or defaults, replace(place, env=env), out)
            raise Failed(*out.schema_errors(refused), *mistakes)
        for key, value in layer.items() if layer else ():
            given[key] = (value, env, (used,))
    if (own := step.arguments) is not None:
        for key, value in own.by_name(next(iter(contract))).items():
            given[key] = (value, place.env, own.notes())
    evaluated: dict[str, Any] = {}
    written: dict[str, tuple[Value, Trail]] = {}
    errors: list[int] = []
    for key, (value, env, notes) in given.items():
        written[key] = value, (*notes, *value.notes())
        try:
            evaluated[key] = evaluate(value, env, (*place.trail, *notes), out)
        except Failed as failed:
            errors += failed.errors
    if len(evaluated) < len(given):
        raise Failed(*errors)
    return evaluated, written


def _normalize(op: str, given: Mapping[str, Any], known: bool) -> dict[str, Any]:
    """Return the arguments in normal form. known: whether the inputs are.

    If they are not, a value is let pass, since what made them unknown may be what is wrong with it,
    and there is no normal form.
    """
    try:
        return normal(op, given)
    except Refused as refused:
        if known or refused.code == "missing-argument":
            raise
        return {}


def _evaluate_call(
    step: LayerCall | BlockCall | Reuse,
    op: str,
    known: Mapping[str, str],
    place: Place,
    out: Expansion,
) -> dict[str, Any]:
    """Return the constant call arguments of a layer. known: those that it takes."""
    value = step.call
    if value is None:
        return {}
    given = evaluate(value, place.env, place.trail, out)
    for name, each in given.items():
        if name not in known:
            message = f"{op} has no call argument '{name}'"
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            hint = did_you_mean(name, known) or takes
            raise out.fail("unknown-argument", message, value.key_span(name), hint)
        if not isinstance(each, bool):
            message = f"the call argument '{name}' must be true or false"
            span = value.data[name].span
            raise out.fail("argument-value", message, span, None, place.trail)
    if "training" in given:
        _warn_of_training(op, given["training"], value, place, out)
    return dict(given)


def _warn_of_training(op: str, training: bool, value: Value, place: Place, out: Expansion) -> None:
    message = f"Keras ignores `training: {show(training)}` on a {op} inside fit"
    hint = "fit and predict say themselves whether they train"
    if traits_of(op).batch_statistics and not training:
        hint = "freeze it with `trainable: false` among its arguments"
    out.warn("training-ignored", message, value.span, hint, place.trail)


# --- facts ---------------------------------------------------------------------------------------


def _infer_facts(draft: Draft) -> Facts:
    """Return the facts of a node whose inputs are known. Raises `Refused`."""
    shapes = [each.shape for each in draft.inputs]
    fed = dict(zip(draft.slots, shapes, strict=True)) if draft.slots else shapes
    facts = again(draft.op, draft.arguments, fed, draft.call)
    if draft.owner is not None:
        _check_same_weights(draft, facts, draft.owner)
    return facts


def _check_same_weights(draft: Draft, facts: Facts, owner: Draft) -> None:
    """Refuse a call that the layer of another node cannot do."""
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
        message = f"{op} was first called on inputs of one number of axes, and aligns no others"
        raise Refused(message, code="reuse", notes=note)
    axes, before = (len(each.inputs[0].shape) for each in (draft, owner))
    if traits.fixed_rank and axes != before:
        message = f"{op} is tied to the {before} axes of its first input, this one has {axes}"
        raise Refused(message, code="reuse", notes=note)


def _num_ranks(inputs: Iterable[Draft]) -> int:
    """Return how many numbers of axes the inputs have."""
    return len({len(each.shape) for each in inputs})
