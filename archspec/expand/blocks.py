"""Expand block calls, and call layers and blocks again with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from msgspec.structs import replace

from archspec.arguments import show
from archspec.errors import Note, Refused, Span, did_you_mean, listed
from archspec.expand.context import Call, Context
from archspec.expand.defaults import with_block_defaults, with_channels, with_file_defaults
from archspec.expand.drafts import Draft, Nothing, Previous, Taken
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.layers import add_layer, expand_layer
from archspec.expand.names import enter, make_call_note, make_entry
from archspec.expand.origins import SAME, Env, Origin, find_sources
from archspec.expand.references import explain_unknown, find_input_axes, first_input, require_node
from archspec.expand.scopes import Entry, Scope
from archspec.expand.values import check_variable, evaluate, fill, find_params
from archspec.expand.walk import expand_body, refuse_call
from archspec.loading.files import Block
from archspec.syntax.source import Value
from archspec.syntax.steps import BlockCall, Reuse
from archspec.syntax.words import MODIFIERS

MAX_RECURSION = 32  # calls of one block within itself


def expand_block(
    step: BlockCall, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Expand a call of a block; report it if there is no such block."""
    block = context.home.blocks.get(step.label)
    if block is None:
        return expand_layer(step, name, context, taken, out)
    refuse_call(step, context, out)
    out.called.add(block.span)
    if out.is_refused(block.value):
        raise Failed(*out.schema_errors(block.value))
    _check_depth(block, step, context, out)
    params = _evaluate_call_params(step, block, context, out)
    return _call_block(step, block, params, name, context, taken, out)


def _check_depth(block: Block, step: BlockCall, context: Context, out: Expansion) -> None:
    """Raise `Failed` for a block that calls itself without end."""
    if block not in context.calls:
        return
    if block in out.circles:  # a circle is one mistake, wherever one enters it
        raise Failed
    if context.calls.count(block) < MAX_RECURSION:
        return
    since = len(context.calls) - 1 - context.calls[::-1].index(block)
    circle = (*context.calls[since:], block)
    out.circles.update(circle)
    last = [scope for scope in context.scope.chain_of_blocks() if scope.title == block.name][:2]
    values = [
        ", ".join(f"{name} = {show(value)}" for name, value in scope.params.items())
        for scope in reversed(last)
    ]
    message = f"a block calls itself without end: {' -> '.join(each.name for each in circle)}"
    if all(values):
        message += f", with {values[0]}, then {values[-1]}"
    hint = "a `when` must end it: - when: =depth > 0"
    if block.overrides is not None:
        hint = "a block that replaces its base's calls itself by its name, never the base's"
    span = step.word_span(block.name)
    notes = (*context.trail[:1], _make_declared_note(block))
    raise out.fail("recursive-block", message, span, hint, notes)


def _make_declared_note(block: Block) -> Note:
    return Note(f"the block '{block.name}' is declared here", block.span)


def _call_block(
    step: BlockCall | Reuse,
    block: Block,
    params: Env,
    name: str | None,
    context: Context,
    taken: Taken,
    out: Expansion,
    owners: Iterator[Draft] | None = None,
    first: Context | None = None,
) -> Previous:
    """Expand the steps of a block, and return their value.

    params: the values of those that the call gives. In `reuse`, owners: the layers to call again;
    first: the context of the first call, whose edits are made again.
    """
    span = step.word_span(block.name)
    inputs = _name_inputs(block, taken, step, span, context, out)
    entry = make_entry(span if name is None else step.name_span, context)
    label, errors = enter(context.scope, entry, name, block.name, entry.span, context.trail, out)
    scope = context.scope.open(label, "block", block.name, entry.named)
    entry.scope = scope
    note = make_call_note(scope, span)
    out.call_notes.append((note, scope))
    home = block.home
    env, wrong = find_params(home, out)
    errors = (*errors, *wrong)
    inside = Context(
        scope,
        home,
        env,
        (),
        inputs,
        (*context.trail, note),
        (*context.calls, block),
        owners if context.owners is None else context.owners,
        depth=context.depth + 1,
        place=(first or context).place,
        level=context.level,
        iterations=context.iterations,
        edited=(first or context).edited,
        freeze=(first or context).freeze,
    )
    inside = with_channels(with_file_defaults(inside), inputs)
    try:
        inside, wrong = _bind_params(block, params, inside, out)
    except Failed as failed:
        raise Failed(*errors, *failed.errors) from None
    inside = with_block_defaults(inside, block.value.get("defaults"), inputs)
    errors = (*errors, *wrong, *_enter_inputs(block, inside, out))
    start = len(out.drafts)
    last = expand_body(block.body, inside, first_input(inputs), out)
    out.blame_first(start, errors)
    entry.value = last
    entry.block = Call(block, params, tuple(out.drafts[start:]), context)
    is_empty = block.body is None or not block.body.steps
    if isinstance(last, Nothing) and block.value.get("inputs") and is_empty:
        raise out.fail("no-value", last.reason, span, last.hint, context.trail)
    return last


def _bind_params(
    block: Block, given: Env, context: Context, out: Expansion
) -> tuple[Context, Errors]:
    """Return the context with the block's own params, and the errors in their names."""
    env = Env(context.env, context.env.origins)
    errors: list[int] = []
    find_axes = partial(find_input_axes, context)
    for name, span, default in block.value.entries_of("params"):
        errors += check_variable(name, span, {}, out)
        try:
            if name in given:
                env.bind(name, given[name], given.origins.get(name))
            else:
                value = evaluate(default, env, context.trail, out, find_axes, name)
                sources = find_sources(default, env, name)
                env.bind(name, value, Origin(name, value, default.span, sources))
        except Failed as failed:
            raise Failed(*errors, *failed.errors) from None
    context.scope.params = {name: env[name] for name, _, _ in block.value.entries_of("params")}
    return replace(context, env=env), tuple(errors)


def _enter_inputs(block: Block, context: Context, out: Expansion) -> Errors:
    """Enter the declared inputs of a block in its scope, as empty groups."""
    declared = block.value.get("inputs")
    errors: list[int] = []
    for each in declared.data if declared else ():
        name = str(each.data)
        entry = Entry(each.span, context.inputs[name], Scope(context.scope))
        errors += enter(context.scope, entry, name, "", each.span, context.trail, out)[1]
    return tuple(errors)


def _evaluate_call_params(step: BlockCall, block: Block, context: Context, out: Expansion) -> Env:
    """Return the values of the params that a call gives.

    Raises `Failed` if one is unknown, missing or cannot be evaluated.
    """
    declared = block.value.get("params")
    names = list(declared.data) if declared else []
    trail = (*context.trail, _make_declared_note(block))
    own = step.arguments
    if own is not None and own.first is not None and not names:
        message = f"the block '{block.name}' has no params"
        raise out.fail("unknown-argument", message, own.span, None, trail)
    given = own.by_name(next(iter(names), "")) if own is not None else {}
    errors: list[int] = []
    values = Env()
    misspelt = set()
    for name in given:
        if name not in names and own is not None:
            near = did_you_mean(name, names, declared=True)
            misspelt.add(near)
            message = f"the block '{block.name}' has no param '{name}'"
            hint = near or f"its params: {', '.join(names) or 'none'}"
            if name in MODIFIERS:
                hint = f"'{name}' stands beside '{block.name}', not inside it"
            errors.append(out.error("unknown-argument", message, own.key_span(name), hint, trail))
    lone = None if own is None else own.first
    for name, value in given.items():
        key = None if value is lone else name
        if name not in names and value.data == SAME:  # the name is reported already
            continue
        try:
            result = evaluate(value, context.env, context.trail, out, context.find_axes, key)
            sources = find_sources(value, context.env, key)
            values.bind(name, result, Origin(name, result, value.span, sources))
        except Failed as failed:
            errors += failed.errors
    missing = [
        name
        for name, _, default in block.value.entries_of("params")
        if name not in given
        and default.data is None
        # A misspelt one has been reported already.
        and did_you_mean(name, [name]) not in misspelt
    ]
    if missing and declared is not None:
        errors.append(_report_missing(missing, declared, step, block, context, out))
    if errors or len(values) < len(given):
        raise Failed(*errors)
    return values


def _report_missing(
    missing: list[str],
    declared: Value,
    step: BlockCall,
    block: Block,
    context: Context,
    out: Expansion,
) -> int:
    message = f"the block '{block.name}' needs the {listed('param', missing)}"
    notes = (
        Note(f"'{name}' is declared here, without a default", declared.key_span(name))
        for name in reversed(missing)
    )
    span = step.word_span(block.name)
    return out.error("missing-argument", message, span, None, (*context.trail, *notes))


def _name_inputs(
    block: Block,
    taken: Taken,
    step: BlockCall | Reuse,
    span: Span,
    context: Context,
    out: Expansion,
) -> dict[str, Previous]:
    """Return the values that a call takes, by the names of the block's inputs. Raises `Failed`."""
    declared = block.value.get("inputs")
    where = span if step.sources is None else step.sources.span
    trail = (*context.trail, _make_declared_note(block))
    if declared is None:
        if isinstance(taken, list | dict):
            message = f"the block '{block.name}' takes one value, got {len(taken)}"
            hint = "declare the inputs in the block: inputs: [a, b]"
            raise out.fail("inputs", message, where, hint, trail)
        return {"input": require_node(taken, span, context, out)}
    names = [str(each.data) for each in declared.data]
    if isinstance(taken, Draft | Nothing):
        taken = [require_node(taken, span, context, out)]
    unknown = isinstance(taken, dict) and not taken.keys() <= set(names)
    if unknown or len(taken) != len(names):
        message = f"the block '{block.name}' takes {len(names)} inputs: {', '.join(names)}"
        hint = f"from: [{', '.join(names)}], with names of your steps"
        raise out.fail("inputs", message, where, hint, trail)
    if isinstance(taken, dict):
        return {name: taken[name] for name in names}
    return dict(zip(names, taken, strict=True))


# --- reuse ---------------------------------------------------------------------------------------


def expand_reuse(
    step: Reuse, name: str | None, context: Context, taken: Taken, out: Expansion
) -> Previous:
    """Call a layer or block again with the same weights, and return its value."""
    text = fill(step.target, context, out)
    try:
        if text in ("input", "previous"):
            message = f"'{text}' is a value, and `reuse` names a layer or a block"
            raise Refused(message, code="reuse", hint="give it a name, and reuse that")
        entry = context.scope.find(text, context.level)
    except Refused as refused:
        explained = explain_unknown(refused, context, out)
        raise Failed(out.refuse(explained, step.target.span, context.trail)) from None
    if isinstance(entry.block, Call):
        refuse_call(step, context, out)
        return _call_again(step, text, entry, entry.block, name, context, taken, out)
    owner = entry.value
    if entry.broken:
        raise Failed
    if entry.scope is not None or not isinstance(owner, Draft) or owner.op == "InputLayer":
        message = f"'{text}' is neither a layer nor a block, and only these can be reused"
        if entry.edited is None:
            hint = "make the group a block, and call that" if entry.scope is not None else None
            raise out.fail("reuse", message, step.target.span, hint, context.trail)
        hint = "replace it by one layer or block"
        trail = (*context.trail, Note("replaced here", entry.edited))
        raise out.fail("reuse", message, step.target.span, hint, trail)
    if owner.facts is None:
        raise Failed
    return add_layer(step, owner.op, name, context, taken, out, owner)


def _call_again(
    step: Reuse,
    text: str,
    entry: Entry,
    call: Call,
    name: str | None,
    context: Context,
    taken: Taken,
    out: Expansion,
) -> Previous:
    """Call a block again, each of its layers with the weights of its counterpart."""
    if any(each.facts is None for each in call.nodes):
        raise Failed
    start = len(out.drafts)
    owners = iter(call.nodes)
    block, env, first = call.block, call.env, call.context
    last = _call_block(step, block, env, name, context, taken, out, owners, first)
    new = out.drafts[start:]
    if len(new) != len(call.nodes) and all(each.facts is not None for each in new):
        message = f"'{text}' has other layers on this input than first, so its weights do not fit"
        note = Note(f"'{text}' is first called here", entry.span)
        raise out.fail("reuse", message, step.target.span, None, (*context.trail, note))
    return last
