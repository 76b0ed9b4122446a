"""Find the nodes that `from` and other references name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec.structs import replace

from archspec.errors import AtName, Note, Refused, Span
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Nothing, Previous, Taken
from archspec.expand.expansion import Expansion, Failed
from archspec.expand.values import fill, try_fill
from archspec.syntax import formulas
from archspec.syntax.formulas import Axes, Reported
from archspec.syntax.source import Value
from archspec.syntax.steps import Body, Sources, Step


def resolve_sources(
    sources: Sources, context: Context, previous: Previous, out: Expansion
) -> Taken:
    """Return the nodes that `from` names.

    Raises `Failed`, after reporting all that cannot be found.
    """
    found: list[Draft] = []
    errors: list[int] = []
    has_failed = False
    for each in sources.names:
        try:
            if is_pattern(each) and not sources.slots:
                found += _find_all(each, context, out)
            else:
                found.append(find_node(each, context, previous, out))
        except Failed as failed:
            has_failed = True
            errors += failed.errors
    if has_failed:
        raise Failed(*errors)
    if sources.slots:
        return dict(zip(sources.slots, found, strict=True))
    return found[0] if sources.single and not is_pattern(sources.names[0]) else found


def is_pattern(reference: Value) -> bool:
    """Return whether a reference is a pattern, `level*`, which stands for all that it fits."""
    return "*" in str(reference.data)


def _find_all(value: Value, context: Context, out: Expansion) -> list[Draft]:
    """Return the nodes whose names a pattern fits, in their order. Raises `Failed`."""
    pattern = fill(value, context, out)
    try:
        entries = context.scope.find_all(pattern, context.level)
    except Refused as refused:
        raise Failed(out.refuse(refused, value.span, context.trail)) from None
    if any(entry.broken for entry in entries):
        raise Failed
    found = [require_node(entry.output, value.span, context, out) for entry in entries]
    return list(dict.fromkeys(found))


def find_node(value: Value, context: Context, previous: Previous, out: Expansion) -> Draft:
    """Return the node that a reference names. Raises `Failed`."""
    name = fill(value, context, out)
    if name == "input":
        _warn_of_input(value, context, out)
    try:
        found = _look_up(name, context, previous)
    except Refused as refused:
        explained = explain_unknown(refused, context, out)
        raise Failed(out.refuse(explained, value.span, context.trail)) from None
    return require_node(found, value.span, context, out)


def find_known_sources(
    sources: Sources | None, context: Context, previous: Previous
) -> list[Draft]:
    """Return the nodes that a failed step takes, as far as they can be found; report nothing."""
    found = [previous] if sources is None else []
    for each in sources.names if sources is not None else ():
        name = try_fill(each, context)
        try:
            if name is not None and "*" in name:
                found += [entry.output for entry in context.scope.find_all(name, context.level)]
            else:
                found += [] if name is None else [_look_up(name, context, previous)]
        except Refused:
            continue
    return [each for each in found if isinstance(each, Draft)]


def _warn_of_input(value: Value, context: Context, out: Expansion) -> None:
    """Warn of `input` in a group that was fed something else: of a group it is not the input."""
    outside = context.calls or context.fed is None or len(context.inputs) != 1
    if outside or context.fed is first_input(context.inputs):
        return
    message = "`input` is the network's input here; only a block has an input of its own"
    hint = "make the group a block, or give the network's input a name: inputs: {image: [...]}"
    out.warn("input-group", message, value.span, hint, context.trail)


def with_previous(context: Context, previous: Previous) -> Context:
    """Return the context of a step as its formulas see it: with the axes of the steps before it."""
    return replace(context, find_axes=partial(_find_axes, context, previous))


def find_input_axes(context: Context, name: str) -> Axes:
    """Return the axes of an input of the enclosing block: all that its defaults and params see.

    Raises `Refused` for any other name.
    """
    if name not in (*context.inputs, "input"):
        message = f"the shape of '{name}' is not known here: params and defaults see no steps"
        raise Refused(message, code="formula", hint="write it at the layer that needs it")
    return _find_axes(context, Nothing("here is no step before"), name)


def _find_axes(context: Context, previous: Previous, name: str) -> Axes:
    """Return the axes of the value that a name stands for. Raises `Refused` if there is none."""
    found = _look_up(name, context, previous)
    if isinstance(found, Nothing):
        raise Refused(found.reason, code="no-value", hint="name a step: stem.height")
    if found.facts is None:
        raise Reported
    return Axes(found.shape[1:], is_channels_first(context))


def is_channels_first(context: Context) -> bool:
    """Return whether a default in force says that channels are the first axis after the batch."""
    for defaults in context.defaults:
        for _, layer in defaults.value.items():
            form = layer.get("data_format")
            try:
                if form is not None and formulas.is_formula(form.data):
                    found = formulas.evaluate(form.data[1:], defaults.env)
                else:
                    found = form.data if form is not None else None
            except (Refused, Reported):  # reported where a layer uses it
                continue
            if found == "channels_first":
                return True
    return False


def _look_up(name: str, context: Context, previous: Previous) -> Previous:
    """Return the value that a name refers to. Raises `Refused` if there is none, or several."""
    if name == "previous":
        return previous
    if name == "input" and len(context.inputs) == 1:
        return first_input(context.inputs)
    if name == "input":
        hint = f"name one: {', '.join(context.inputs)}"
        raise Refused("there are several inputs here", code="unknown-name", hint=hint)
    found: Previous | None = context.scope.find(name, context.level).output
    if found is None:
        message = f"'{name}' is the group this step stands in, which has no value yet"
        raise Refused(message, code="unknown-name")
    return found


def first_input(inputs: Mapping[str, Previous]) -> Previous:
    """Return what the first step of a file or block takes: the input, if there is only one."""
    if len(inputs) == 1:
        return next(iter(inputs.values()))
    return Nothing(
        "with several inputs the first step must name its input",
        f"write from: {next(iter(inputs), 'NAME')}, or from: [{', '.join(inputs)}] to merge them",
    )


def require_node(value: Previous, span: Span, context: Context, out: Expansion) -> Draft:
    """Return the value if it is a node. Raises `Failed` if there is none."""
    if isinstance(value, Draft):
        return value
    raise out.fail("no-value", value.reason, span, value.hint, context.trail)


def require_single(
    value: Taken,
    step: Step,
    what: str,
    context: Context,
    out: Expansion,
    hint: str = "name one step",
) -> Previous:
    """Return the value that a group, branches or a bare `from` takes.

    what: what messages call the step. Raises `Failed` if there are several values.
    """
    if isinstance(value, list | dict):
        span = step.span if step.sources is None else step.sources.span
        raise out.fail("inputs", f"{what} takes one value", span, hint, context.trail)
    return value


def explain_unknown(refused: Refused, context: Context, out: Expansion) -> Refused:
    """Return a refused name's error, with a note if a step of that name is later or elsewhere."""
    if not isinstance(refused.at, AtName):
        return refused
    spec, first = out.spec, refused.at.name
    everywhere = [*(block.body for block in spec.home.blocks.values()), spec.body]
    written = _find_last_named(first, [context.calls[-1].body] if context.calls else everywhere)
    hint = "a step can name only steps before it, and those in a named group by path, GROUP.STEP"
    if written is None:
        written = _find_last_named(first, everywhere)
        hint = "a block can use only its own steps: pass the value by its `inputs`"
    if written is None:
        return refused
    note = Note(f"a step called '{first}' is written here, later or elsewhere", written.span)
    return Refused(refused.message, refused.at, refused.code, hint, (note,))


def _find_last_named(name: str, bodies: Iterable[Body | None]) -> Value | None:
    """Return the name of the last step in the bodies that has this name."""
    names = (each for body in bodies if body is not None for each in body.iter_names())
    found = [each for each in names if each.data == name]
    return found[-1] if found else None
