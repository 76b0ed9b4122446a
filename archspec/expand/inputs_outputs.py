"""Add the inputs of a model, and find its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from archspec.arguments import show
from archspec.errors import Note
from archspec.expand.context import Context
from archspec.expand.drafts import Draft, Nothing, Previous
from archspec.expand.expansion import Errors, Expansion, Failed
from archspec.expand.names import enter
from archspec.expand.origins import Account, Env, Written, find_sources
from archspec.expand.references import find_known_sources, find_node
from archspec.expand.scopes import Entry
from archspec.expand.values import evaluate
from archspec.graph import Facts
from archspec.infer import MAX_AXIS
from archspec.syntax.source import Value, iter_texts, to_plain
from archspec.syntax.steps import Sources


def add_inputs(env: Env, out: Expansion) -> dict[str, Previous]:
    """Add a node for each input of the spec, and return them by name.

    Raises `Failed` if the spec has no input.
    """
    root = out.spec.root
    declared, single = root.get("inputs"), root.get("input")
    refused = declared is not None and out.is_refused(declared)
    if single is None and not (declared is not None and declared.data) and not refused:
        hint = "input: [28, 28, 1]"
        raise out.fail("input", "the spec has no input", root.span.within(0, 1), hint)
    written = list(declared.entries()) if declared is not None else []
    if single is not None and declared is None:
        written = [("input", root.key_span("input"), single)]
    if declared is not None and refused:  # such as `inputs: [8]`, which may be meant as one
        written = [("input", root.key_span("inputs"), declared)]
    inputs: dict[str, Previous] = {}
    for name, span, value in written:
        draft = Draft("InputLayer", (), out.top, span, ())
        dtype = "float32"
        size: tuple[int | None, ...] = ()
        errors: Errors = ()
        try:
            if out.is_refused(value):
                raise Failed(*out.schema_errors(value))
            shape = value
            if isinstance(value.data, dict):
                shape = value.data["shape"]
                dtype = str(to_plain(value.data["dtype"])) if "dtype" in value.data else dtype
            size = _evaluate_shape(shape, env, out)
            draft.facts = Facts((None, *size))
            _warn_of_channels_first(size, shape, env, out)
        except Failed as failed:
            errors = failed.errors
        draft.arguments = {"shape": size, "dtype": dtype}
        given = value.data if isinstance(value.data, dict) else {"shape": value}
        draft.account = Account(
            {key: Written(each, env, None, None, ()) for key, each in given.items()}, imported=False
        )
        out.drafts.append(draft)
        inputs[name] = draft
        if len(written) > 1 or name != "input":
            _, wrong = enter(out.top, Entry(span, draft), name, "", span, (), out)
            errors = (*errors, *wrong)
        draft.name = name
        draft.errors = errors
    return inputs


def _warn_of_channels_first(
    size: Sequence[int | None], shape: Value, env: Env, out: Expansion
) -> None:
    """Warn of an image whose channels stand first, unless the spec says that they do."""
    if len(size) != 3 or size[0] not in (1, 3) or size[1] != size[2] or size[1] in (1, 2, 3):
        return
    if any("channels_first" in text for text in iter_texts(out.spec.root)):
        return
    channels, *rest = (show(axis) for axis in size)
    message = f"this is an image of {size[2] or 'unknown'} channels: Keras has the channels last"
    hint = f"write [{', '.join((*rest, channels))}]"
    out.warn("channels-first", message, shape.span, hint, (), find_sources(shape, env))


def _evaluate_shape(value: Value, env: Env, out: Expansion) -> tuple[int | None, ...]:
    """Return the shape of an input without the batch axis. Raises `Failed`."""
    data = evaluate(value, env, (), out)
    if not isinstance(data, list) or not data:
        message = "an input must be a list of its axes, such as [28, 28, 1]"
        raise out.fail("input", message, value.span, None, (), find_sources(value, env))
    written = value.data if isinstance(value.data, tuple) else (value,) * len(data)
    return tuple(
        _check_axis(axis, each, env, out) for axis, each in zip(data, written, strict=True)
    )


def _check_axis(axis: Any, written: Value, env: Env, out: Expansion) -> int | None:
    """Return the length of an axis; None if it is unknown. Raises `Failed`."""
    if axis is None:
        return None
    if isinstance(axis, float) and axis.is_integer():
        axis = int(axis)
    if isinstance(axis, bool) or not isinstance(axis, int) or axis < 1:
        message = f"an axis of the input must be a positive integer or null, got {show(axis)}"
        raise out.fail("input", message, written.span, None, (), find_sources(written, env))
    if axis > MAX_AXIS:
        message = f"an axis of the input is {axis:,}, over the limit of {MAX_AXIS:,}"
        raise out.fail("too-large", message, written.span, None, (), find_sources(written, env))
    return axis


def find_outputs(context: Context, last: Previous, out: Expansion) -> list[Draft]:
    """Return the nodes that are the outputs of the model.

    last: the value of the last step. Raises `Failed` if there is no output.
    """
    declared = out.spec.root.get("outputs")
    if declared is not None:
        return [] if out.is_refused(declared) else _find_named_outputs(declared, context, out)
    if isinstance(last, Draft):
        last.used = True
        return [last]
    message = f"the model has no output: {last.reason}"
    hint = "name the outputs: outputs: [NAME, ...]"
    error = out.error("outputs", message, out.spec.root.key_span("layers"), hint)
    taken = {each for draft in out.drafts for each in draft.inputs}
    for draft in out.drafts:
        if draft not in taken:
            draft.errors = (*draft.errors, error)
    raise Failed(error)


def find_known_outputs(declared: Value | None, context: Context, last: Previous) -> list[Draft]:
    """Return the outputs as far as they can be found, and report nothing.

    They are those of a network before the edits of a file, whose `outputs` may name later steps.
    """
    if declared is None:
        return [last] if isinstance(last, Draft) else []
    sources = Sources(declared.span, tuple(declared.data))
    return list(dict.fromkeys(find_known_sources(sources, context, last)))


def _explain_removed(failed: Failed, out: Expansion) -> None:
    """Let the error of a name that an edit removes speak of the output that it was."""
    for number in failed.errors:
        if out.findings[number].code == "edit-removed":
            hint = "give the outputs that are left: outputs: [NAME, ...]"
            changed = replace(out.findings[number], code="edit-outputs", hint=hint)
            out.findings[number] = changed


def _find_named_outputs(declared: Value, context: Context, out: Expansion) -> list[Draft]:
    """Return the nodes that `outputs` names."""
    unnamed = Nothing("`outputs` names steps, and 'previous' is no name", "name that step")
    found: dict[Draft, Value] = {}
    for each in declared.data:
        try:
            draft = find_node(each, context, unnamed, out)
        except Failed as failed:
            _explain_removed(failed, out)
            continue
        if draft in found and draft.facts is not None:
            message = f"the value of '{each.data}' is listed twice"
            notes = (Note("first listed here", found[draft].span),)
            error = out.error("outputs", message, each.span, "remove one", notes)
            draft.errors = (*draft.errors, error)
        draft.used = True
        found.setdefault(draft, each)
    return list(found)
