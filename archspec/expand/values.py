"""Evaluate the formulas in values, and the params that formulas name."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Mapping
from typing import Any

from archspec.errors import AtFormula, Note, Refused, Span, did_you_mean
from archspec.expand.context import Context
from archspec.expand.expansion import Errors, Expansion, Failed, Trail
from archspec.expand.origins import SAME, Env, Origin, find_origins, find_place, find_sources
from archspec.loading.files import Home
from archspec.schema.validator import list_arguments
from archspec.syntax import formulas
from archspec.syntax.formulas import FindAxes
from archspec.syntax.source import Value
from archspec.syntax.words import RESERVED as STEPS

RESERVED = (*formulas.FUNCTIONS, *formulas.WORDS, "channels", *STEPS)


def evaluate(
    value: Value,
    env: Mapping[str, Any],
    trail: Trail,
    out: Expansion,
    find_axes: FindAxes | None = None,
    name: str | None = None,
) -> Any:
    """Return the plain data of a value, with its formulas evaluated. Raises `Failed`.

    find_axes: gives the axes of a step. name: the key that the value stands at, for `==`.
    """
    if isinstance(value.data, dict | tuple):
        data = _evaluate_inside(value, env, trail, out, find_axes)
        if formulas.is_too_large(data):
            message = f"the value holds more than {formulas.MAX_ITEMS:,} items"
            raise out.fail("formula", message, value.span, None, (*trail, *value.notes()))
        return data
    if not formulas.is_formula(value.data):
        return value.data
    text = value.data[1:]
    if value.data == SAME:
        if name is None:
            hint = "write it at the name of an argument or a param: {filters: ==}"
            message = "`==` is the value of the name that it stands at, and here is none"
            raise out.fail("unknown-name", message, value.span, hint, trail)
        text = name
    try:
        if formulas.awaits(text, env):
            return f"={formulas.put_values(text, env)}"
        return formulas.evaluate(text, env, out.work, find_axes)
    except formulas.Reported:
        raise Failed from None
    except Refused as refused:
        span, at = value.span, refused.at
        if value.is_plain and isinstance(at, AtFormula) and value.data != SAME:
            lead = len(value.data[1:]) - len(value.data[1:].lstrip())
            span = span.within(1 + lead + at.start, at.length)
        once = refused.code == "unknown-name"
        names = at.names if isinstance(at, AtFormula) else ()
        origins = find_origins(names, env)
        trail = (*trail, *value.notes())
        raise Failed(out.refuse(refused, span, trail, once, origins)) from None


def _evaluate_inside(
    value: Value,
    env: Mapping[str, Any],
    trail: Trail,
    out: Expansion,
    find_axes: FindAxes | None,
) -> Any:
    """Evaluate everything in a list or mapping. Raises `Failed`, after reporting all that fails."""
    errors: list[int] = []
    data: dict[Any, Any] = {}
    for key, each in value.items() if isinstance(value.data, dict) else enumerate(value.data):
        try:
            name = key if isinstance(key, str) else None
            data[key] = evaluate(each, env, trail, out, find_axes, name)
        except Failed as failed:
            errors += failed.errors
    if len(data) < len(value.data):
        raise Failed(*errors)
    _name_null(value, data)
    return data if isinstance(value.data, dict) else list(data.values())


def _name_null(value: Value, data: dict[Any, Any]) -> None:
    """Give the null that a formula has in `{L2: =decay}` the name of its argument.

    `{L2: null}` is an L2 with its defaults, which nobody means who gives a param for it.
    """
    for owner, each in value.items() if len(data) == 1 else ():
        if data[owner] is None and formulas.is_formula(each.data):
            data[owner] = {name: None for name in list_arguments(owner)[:1]} or None


def fill(value: Value, context: Context, out: Expansion) -> str:
    """Return a name or reference with its `{...}` filled in. Raises `Failed`."""
    try:
        return formulas.fill(str(value.data), context.env, out.work, context.find_axes)
    except formulas.Reported:
        raise Failed from None
    except Refused as refused:
        once = refused.code == "unknown-name"
        origins = find_sources(value, context.env)
        raise Failed(out.refuse(refused, value.span, context.trail, once, origins)) from None


def try_fill(value: Value, context: Context) -> str | None:
    """Return a name or reference with its `{...}` filled in, or None where that fails."""
    try:
        return formulas.fill(str(value.data), context.env, find_axes=context.find_axes)
    except (Refused, formulas.Reported):
        return None


def evaluate_params(declared: Value | None, out: Expansion) -> tuple[Env, Errors]:
    """Return the params of a file by name, and the errors in them.

    The default of a param may name the params before it.
    """
    env = Env()
    errors: list[int] = []
    hint = "a default may name the params above it"
    for name in declared.data if declared else ():
        message = f"the param '{name}' is declared further down"
        env[name] = formulas.NoValue(message, "unknown-name", hint)
    for name, span, value in declared.entries() if declared else ():
        errors += check_variable(name, span, {}, out, declared)
        message = f"'{name}' is this param itself, which has no other value here"
        env[name] = formulas.NoValue(message, "unknown-name", "write its value")
        try:
            result = evaluate(value, env, (), out)
            env.bind(
                name, result, Origin(name, result, find_place(value), find_sources(value, env))
            )
        except Failed as failed:
            errors += failed.errors
            env[name] = formulas.REPORTED
    return env, tuple(errors)


def _list_others(name: str, span: Span, params: Value | None) -> list[str]:
    """Return the params that stand in other files than the one at `span`, which extends them."""
    entries = params.entries() if params is not None else ()
    return [each for each, at, _ in entries if each != name and at.source is not span.source]


def find_params(home: Home, out: Expansion) -> tuple[Env, Errors]:
    """Return the params of a file by name, and the errors in them at the first call."""
    if home in out.environments:
        return out.environments[home], ()
    out.environments[home], errors = evaluate_params(home.params, out)
    return out.environments[home], errors


def check_variable(
    name: str,
    span: Span,
    taken: Mapping[str, Any],
    out: Expansion,
    params: Value | None = None,
) -> Errors:
    """Report a param or loop variable whose name is malformed or already means something.

    params: those of the file, with which a param that a derived file adds may be confused.
    """
    is_taken = name in taken and not isinstance(taken[name], formulas.Unseen)
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        hint = "a name begins with a letter and holds letters, digits and _"
        return (out.error("name", f"'{name}' cannot be a name in formulas", span, hint),)
    if keyword.iskeyword(name) or name in RESERVED:
        message = f"'{name}' already means something in formulas"
        near = did_you_mean(name, _list_others(name, span, params)) or "rename it"
        return (out.error("name", message, span, near),)
    if is_taken and params is not None and name in params.data:
        given = params.key_span(name)
        if given.source is not span.source:  # a derived file adds it: its base is sound
            message = f"the param '{name}' has the name of a loop variable of the base"
            near = did_you_mean(name, _list_others(name, given, params)) or "rename it"
            return (out.error("name", message, given, near, (Note("the loop is here", span),)),)
    if is_taken:
        message = f"the loop variable '{name}' hides a param or variable"
        return (out.error("name", message, span, "rename it"),)
    return ()
