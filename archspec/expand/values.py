"""Evaluate the formulas in values, and the params that formulas name."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Mapping
from typing import Any

from archspec.errors import AtFormula, Refused, Span
from archspec.expand.context import Context
from archspec.expand.expansion import Errors, Expansion, Failed, Trail
from archspec.loading.files import Home
from archspec.schema.validator import list_arguments
from archspec.syntax import formulas
from archspec.syntax.formulas import FindAxes
from archspec.syntax.source import Value
from archspec.syntax.words import RESERVED as STEPS

RESERVED = (*formulas.FUNCTIONS, *formulas.WORDS, "channels", *STEPS)
SAME = "=="  # as a value: the value of the name that it stands at


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
        return formulas.evaluate(text, env, out.work, find_axes)
    except formulas.Reported:
        raise Failed from None
    except Refused as refused:
        span, at = value.span, refused.at
        if value.is_plain and isinstance(at, AtFormula) and value.data != SAME:
            lead = len(value.data[1:]) - len(value.data[1:].lstrip())
            span = span.within(1 + lead + at.start, at.length)
        once = refused.code == "unknown-name"
        raise Failed(out.refuse(refused, span, (*trail, *value.notes()), once)) from None


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
        raise Failed(out.refuse(refused, value.span, context.trail, once)) from None


def try_fill(value: Value, context: Context) -> str | None:
    """Return a name or reference with its `{...}` filled in, or None where that fails."""
    try:
        return formulas.fill(str(value.data), context.env, find_axes=context.find_axes)
    except (Refused, formulas.Reported):
        return None


def evaluate_params(declared: Value | None, out: Expansion) -> tuple[dict[str, Any], Errors]:
    """Return the params of a file by name, and the errors in them.

    The default of a param may name the params before it.
    """
    env: dict[str, Any] = {}
    errors: list[int] = []
    hint = "a default may name the params above it"
    for name in declared.data if declared else ():
        message = f"the param '{name}' is declared further down"
        env[name] = formulas.NoValue(message, "unknown-name", hint)
    for name, span, value in declared.entries() if declared else ():
        errors += check_variable(name, span, {}, out)
        try:
            env[name] = evaluate(value, env, (), out)
        except Failed as failed:
            errors += failed.errors
            env[name] = formulas.REPORTED
    return env, tuple(errors)


def find_params(home: Home, out: Expansion) -> tuple[dict[str, Any], Errors]:
    """Return the params of a file by name, and the errors in them at the first call."""
    if home in out.environments:
        return out.environments[home], ()
    out.environments[home], errors = evaluate_params(home.params, out)
    return out.environments[home], errors


def check_variable(name: str, span: Span, taken: Mapping[str, Any], out: Expansion) -> Errors:
    """Report a param or loop variable whose name is malformed or already means something."""
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        hint = "a name begins with a letter and holds letters, digits and _"
        return (out.error("name", f"'{name}' cannot be a name in formulas", span, hint),)
    if keyword.iskeyword(name) or name in RESERVED:
        message = f"'{name}' already means something in formulas"
        return (out.error("name", message, span, "rename it"),)
    if name in taken:
        message = f"the loop variable '{name}' hides a param or variable"
        return (out.error("name", message, span, "rename it"),)
    return ()
