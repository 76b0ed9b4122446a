"""Replace values of a spec from outside, by `--set`, `--edit` or `load`."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from archspec.errors import Diagnostic, Source, Span, SpecError, UserError, did_you_mean
from archspec.recipe import RECIPE
from archspec.schema.validator import validator
from archspec.syntax.source import WORDS, Value, make_value, read_text


def parse_setting(text: str) -> tuple[str, Value]:
    """Return the path and the value of a setting such as `width=32`; the value is read as YAML.

    Raises `UserError` if it is not NAME=VALUE.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UserError(f"--set {text}: a setting is NAME=VALUE", "for example --set width=32")
    indent, name = " " * (len(path) + 1), f"--set {text}"
    if WORDS.get(value.strip(), text) is None:  # a document of null is refused as an empty file
        return path.strip(), replace(read_text(indent + "''", name, shown=text).root, data=None)
    return path.strip(), read_text(indent + value, name, shown=text).root


def parse_edit(text: str) -> Value:
    """Return an edit from its text, whose braces may be left out: `at: head, set: {units: 10}`.

    Raises `UserError` if it is empty, and `SpecError` if it is no YAML.
    """
    if not text.strip():
        raise UserError("--edit: the edit is empty", "for example --edit 'at: head, remove: true'")
    if text.lstrip().startswith("- "):
        message = f"--edit {text.strip()}: this is an item of a list, and TEXT is one edit"
        raise UserError(message, f"leave the dash out: --edit '{text.strip()[1:].strip()}'")
    end = "\n}" if "#" in text else "}"  # after a comment, on its own line
    braced = text if text.lstrip().startswith("{") else f"{{{text}{end}"
    try:
        return read_text(braced, f"--edit '{text}'", shown=braced).root
    except SpecError as error:
        if braced is text:
            raise
        raise SpecError([_without_brace(each) for each in error.diagnostics]) from None


def _without_brace(found: Diagnostic) -> Diagnostic:
    """Return what is wrong in an edit without a note on the brace that stands before it."""
    notes = tuple(each for each in found.notes if (each.span.line, each.span.column) != (1, 1))
    if len(notes) == len(found.notes):
        return found
    hint = "TEXT is what stands between the braces of one edit, with commas: at: head, remove: true"
    return replace(found, notes=notes, hint=hint)


def names_step(setting: str) -> bool:
    """Return whether a setting is for an argument of a step, `head.units`: it has dots, and its
    first part is no word of a file."""
    first, *rest = setting.split(".")
    return bool(rest) and first not in validator().schema["properties"]


def as_edit(setting: str, value: Any) -> Value:
    """Return the edit that sets one argument of the step with a whole name.

    Raises `UserError` for a pattern.
    """
    if "*" in setting:
        pattern, _, argument = setting.rpartition(".")
        message = f"'{setting}' is a pattern, and a setting is for one step, by its whole name"
        raise UserError(
            message, f"of several steps: --edit 'at: \"{pattern}\", set: {{{argument}: ...}}'"
        )
    new = value if isinstance(value, Value) else make_value(value, _argument_span(setting, value))
    name, _, argument = setting.rpartition(".")
    source = new.span.source
    at = Span(source, 1, 1, 1, len(name) + 1)
    key = Span(source, 1, len(name) + 2, 1, len(setting) + 1)
    whole = Span(source, 1, 1, new.span.end_line, new.span.end_column)
    given = Value({argument: new}, whole, {argument: key})
    return Value({"at": Value(name, at), "set": given}, whole, {"at": at, "set": key})


def apply_setting(root: Value, setting: str, value: Any) -> Value:
    """Return the root with one value replaced: a param by its name, or any by its dotted path.

    Raises `UserError` for a setting that the root has no place for.
    """
    new = value if isinstance(value, Value) else make_value(value, _argument_span(setting, value))
    params = root.get("params")
    path = setting.split(".")
    if len(path) == 1:
        path = ["params", *path]
    if path[0] == "params":
        name = path[1]
        known = list(params.data) if params else []
        if name not in known:
            hint = did_you_mean(name, known) or f"its params: {', '.join(known) or 'none'}"
            word = root.get(name)
            if word is not None and isinstance(word.data, dict | tuple):
                hint = f"set a part of it, such as {name}.{_first_part(word)}"
            elif word is not None or name in validator().schema["properties"]:
                hint = (
                    f"write `{name}` in the file: --set takes params and paths such as train.epochs"
                )
            if name in RECIPE:
                hint = f"the recipe's {name} is set by train.{name}"
            raise UserError(f"the spec has no param '{name}'", hint)
    elif path[0] != "train" and path[0] not in root.data:
        raise UserError(
            f"the spec has no '{path[0]}', which '{setting}' names",
            did_you_mean(path[0], root.data) or f"it has {', '.join(root.data)}",
        )
    return _replace_at(root, path, new, setting)


def _first_part(value: Value) -> str:
    """Return the first key or item of a value, as an example."""
    return next(iter(value.data), "") if isinstance(value.data, dict) else "0"


def _replace_at(value: Value, path: list[str], new: Value, setting: str) -> Value:
    """Return a value with `new` at a path inside it. setting: the whole path, for messages."""
    if not path:
        return new
    key = path[0]
    if isinstance(value.data, tuple):
        if not key.isdecimal() or int(key) >= len(value.data):
            known = f"its items are 0 to {len(value.data) - 1}" if value.data else "it is empty"
            raise UserError(f"the list has no item '{key}', which '{setting}' names", known)
        items = list(value.data)
        items[int(key)] = _replace_at(items[int(key)], path[1:], new, setting)
        return replace(value, data=tuple(items))
    old = value.data if isinstance(value.data, dict) else {}
    inside = old.get(key, Value(None, new.span))
    start = len(setting) - len(".".join(path))  # of the key, in a setting's text
    written = Span(new.span.source, 1, start + 1, 1, start + len(key) + 1)
    return replace(
        value,
        data={**old, key: _replace_at(inside, path[1:], new, setting)},
        keys={**value.keys, key: value.keys.get(key, written)},
    )


def _argument_span(setting: str, value: Any) -> Span:
    """Return a place for a value given to `load`, so that messages can quote it."""
    shown = f"{setting}={value!r}"
    return Span(Source(shown, (shown,), file=False), 1, len(setting) + 2, 1, len(shown) + 1)
