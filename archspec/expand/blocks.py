"""Block calls, and layers and blocks that are called again with the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import Note, Refused, Span, did_you_mean, listed
from archspec.expand.defaults import with_channels, with_defaults
from archspec.expand.layers import expand_layer, lay_layer
from archspec.expand.names import call_note, enter
from archspec.expand.out import Errors, Expansion, Failed
from archspec.expand.place import Call, Draft, Nothing, Place, Previous, Taken
from archspec.expand.references import first_input, need_node, tell_where
from archspec.expand.scopes import Entry, Scope
from archspec.expand.values import check_variable, evaluate, fill, params_of
from archspec.expand.walk import expand_body, refuse_call
from archspec.loading.files import Block
from archspec.syntax.source import Value
from archspec.syntax.steps import MODIFIERS, BlockCall, Reuse

MAX_BLOCKS = 40


def expand_block(
    step: BlockCall, name: str | None, place: Place, taken: Taken, out: Expansion
) -> Previous:
    """Expand a call of a block, or report that there is no such block."""
    block = place.home.blocks.get(step.label)
    if block is None:
        return expand_layer(step, name, place, taken, out)
    refuse_call(step, place, out)
    out.called.add(block.span)
    if out.is_refused(block.value):
        raise Failed(*out.schema_errors(block.value))
    _check_depth(block, step, place, out)
    params = _given_params(step, block, place, out)
    return _call_block(step, block, params, name, place, taken, out)


def _check_depth(block: Block, step: BlockCall, place: Place, out: Expansion) -> None:
    """Raise `Failed` for a block that calls itself, and for calls too deep in each other."""
    span, note = step.word_span(block.name), _declared(block)
    if block in place.calls:
        circle = (*place.calls[place.calls.index(block) :], block)
        known = not out.circles.isdisjoint(circle)
        out.circles.update(circle)
        if known:  # a circle is one mistake, wherever one enters it
            raise Failed
        message = f"a block calls itself: {' -> '.join(each.name for each in circle)}"
        raise out.fail("recursive-block", message, span, None, (*place.trail, note))
    if len(place.calls) >= MAX_BLOCKS:
        message = f"blocks call each other more than {MAX_BLOCKS} deep"
        raise out.fail("too-deep", message, span, None, (note,))


def _declared(block: Block) -> Note:
    return Note(f"the block '{block.name}' is declared here", block.span)


def _call_block(
    step: BlockCall | Reuse,
    block: Block,
    params: Mapping[str, Any],
    name: str | None,
    place: Place,
    taken: Taken,
    out: Expansion,
    owners: Iterator[Draft] | None = None,
) -> Previous:
    """Expand the steps of a block. params: the values of those that the call gives.

    owners: the layers that it calls again, in `reuse`.
    """
    span = step.word_span(block.name)
    inputs = _name_inputs(block, taken, step, span, place, out)
    entry = Entry(span if name is None else step.name_span)
    label, errors = enter(place.scope, entry, name, block.name, entry.span, place.trail, out)
    scope = place.scope.open(label, block=True, title=block.name)
    entry.scope = scope
    note = call_note(scope, span)
    out.call_notes.append((note, scope))
    home = block.home
    env, wrong = params_of(home, out)
    errors = (*errors, *wrong)
    inside = Place(
        scope,
        home,
        env,
        ((home.defaults, env),) if home.defaults is not None else (),
        inputs,
        (*place.trail, note),
        (*place.calls, block),
        owners if place.owners is None else place.owners,
    )
    inside = with_channels(inside, inputs)
    try:
        inside, wrong = _with_params(block, params, inside, out)
    except Failed as failed:
        raise Failed(*errors, *failed.errors) from None
    inside = with_defaults(inside, block.value.get("defaults"), inputs)
    errors = (*errors, *wrong, *_enter_inputs(block, inside, out))
    start = len(out.drafts)
    last = expand_body(block.body, inside, first_input(inputs), out)
    out.blame_first(start, errors)
    entry.value = last
    entry.block = Call(block, params, tuple(out.drafts[start:]))
    is_empty = block.body is None or not block.body.steps
    if isinstance(last, Nothing) and block.value.get("inputs") and is_empty:
        raise out.fail("no-value", last.reason, span, last.hint, place.trail)
    return last


def _with_params(
    block: Block, given: Mapping[str, Any], place: Place, out: Expansion
) -> tuple[Place, Errors]:
    """Return the place with the block's own params, and the errors in their names."""
    env = dict(place.env)
    errors: list[int] = []
    for name, span, default in block.value.entries_of("params"):
        errors += check_variable(name, span, {}, out)
        try:
            env[name] = given[name] if name in given else evaluate(default, env, place.trail, out)
        except Failed as failed:
            raise Failed(*errors, *failed.errors) from None
    place.scope.params = {name: env[name] for name, _, _ in block.value.entries_of("params")}
    return replace(place, env=env), tuple(errors)


def _enter_inputs(block: Block, place: Place, out: Expansion) -> Errors:
    """Enter the declared inputs of a block, as empty groups that are seen inside it."""
    declared = block.value.get("inputs")
    errors: list[int] = []
    for each in declared.data if declared else ():
        name = str(each.data)
        entry = Entry(each.span, place.inputs[name], Scope(place.scope))
        errors += enter(place.scope, entry, name, "", each.span, place.trail, out)[1]
    return tuple(errors)


def _given_params(step: BlockCall, block: Block, place: Place, out: Expansion) -> dict[str, Any]:
    """Return the values of the params that a call gives. Raises `Failed`, also for missing ones."""
    declared = block.value.get("params")
    names = list(declared.data) if declared else []
    trail = (*place.trail, _declared(block))
    own = step.arguments
    if own is not None and own.first is not None and not names:
        message = f"the block '{block.name}' has no params"
        raise out.fail("unknown-argument", message, own.span, None, trail)
    given = own.by_name(next(iter(names), "")) if own is not None else {}
    errors: list[int] = []
    values: dict[str, Any] = {}
    misspelt = set()
    for name in given:
        if name not in names and own is not None:
            near = did_you_mean(name, names)
            misspelt.add(near)
            message = f"the block '{block.name}' has no param '{name}'"
            hint = near or f"its params: {', '.join(names) or 'none'}"
            if name in MODIFIERS:
                hint = f"'{name}' stands beside '{block.name}', not inside it"
            errors.append(out.error("unknown-argument", message, own.key_span(name), hint, trail))
    for name, value in given.items():
        try:
            values[name] = evaluate(value, place.env, place.trail, out)
        except Failed as failed:
            errors += failed.errors
    missing = [
        name
        for name, _, default in block.value.entries_of("params")
        if name not in given
        and default.data is None
        # Whoever misspelt it has been told.
        and did_you_mean(name, [name]) not in misspelt
    ]
    if missing and declared is not None:
        errors.append(_report_missing(missing, declared, step, block, place, out))
    if errors or len(values) < len(given):
        raise Failed(*errors)
    return values


def _report_missing(
    missing: list[str], declared: Value, step: BlockCall, block: Block, place: Place, out: Expansion
) -> int:
    message = f"the block '{block.name}' needs the {listed('param', missing)}"
    notes = (
        Note(f"'{name}' is declared here, without a default", declared.key_span(name))
        for name in reversed(missing)
    )
    span = step.word_span(block.name)
    return out.error("missing-argument", message, span, None, (*place.trail, *notes))


def _name_inputs(
    block: Block,
    taken: Taken,
    step: BlockCall | Reuse,
    span: Span,
    place: Place,
    out: Expansion,
) -> dict[str, Previous]:
    """Return what a call takes, by the names of the block's inputs. Raises `Failed`."""
    declared = block.value.get("inputs")
    where = span if step.sources is None else step.sources.span
    trail = (*place.trail, _declared(block))
    if declared is None:
        if isinstance(taken, list | dict):
            message = f"the block '{block.name}' takes one value, got {len(taken)}"
            hint = "declare them in the block: inputs: [a, b]"
            raise out.fail("inputs", message, where, hint, trail)
        return {"input": need_node(taken, span, place, out)}
    names = [str(each.data) for each in declared.data]
    if isinstance(taken, Draft | Nothing):
        taken = [need_node(taken, span, place, out)]
    unknown = isinstance(taken, dict) and not taken.keys() <= set(names)
    if unknown or len(taken) != len(names):
        message = f"the block '{block.name}' takes {len(names)} inputs: {', '.join(names)}"
        hint = f"from: [{', '.join(names)}], with the steps of yours"
        raise out.fail("inputs", message, where, hint, trail)
    if isinstance(taken, dict):
        return {name: taken[name] for name in names}
    return dict(zip(names, taken, strict=True))


# --- reuse ---------------------------------------------------------------------------------------


def expand_reuse(
    step: Reuse, name: str | None, place: Place, taken: Taken, out: Expansion
) -> Previous:
    """Call a layer or block again."""
    text = fill(step.target, place, out)
    try:
        if text in ("input", "previous"):
            message = f"'{text}' is a value, and `reuse` names a layer or a block"
            raise Refused(message, code="reuse", hint="give it a name, and reuse that")
        entry = place.scope.find(text)
    except Refused as refused:
        told = tell_where(refused, place, out)
        raise Failed(out.refuse(told, step.target.span, place.trail)) from None
    if isinstance(entry.block, Call):
        refuse_call(step, place, out)
        return _call_again(step, text, entry, entry.block, name, place, taken, out)
    owner = entry.value
    if entry.broken:
        raise Failed
    if entry.scope is not None or not isinstance(owner, Draft) or owner.op == "InputLayer":
        message = f"'{text}' is neither a layer nor a block, and only these can be reused"
        raise out.fail("reuse", message, step.target.span, None, place.trail)
    if owner.facts is None:
        raise Failed
    return lay_layer(step, owner.op, name, place, taken, out, owner)


def _call_again(
    step: Reuse,
    text: str,
    entry: Entry,
    call: Call,
    name: str | None,
    place: Place,
    taken: Taken,
    out: Expansion,
) -> Previous:
    """Call a block again, each of its layers with the weights of its counterpart."""
    if any(each.facts is None for each in call.nodes):
        raise Failed
    start = len(out.drafts)
    owners = iter(call.nodes)
    last = _call_block(step, call.block, call.env, name, place, taken, out, owners)
    new = out.drafts[start:]
    if len(new) != len(call.nodes) and all(each.facts is not None for each in new):
        message = f"'{text}' has other layers on this input, so its weights do not fit"
        note = Note(f"'{text}' is first called here", entry.span)
        raise out.fail("reuse", message, step.target.span, None, (*place.trail, note))
    return last
