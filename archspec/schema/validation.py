"""Check a `Document` by the schema, and report its errors in words where they were written.

Each error of the validator becomes one diagnostic, or one for each key that a mapping may not have.
The schema's `x-archspec` says what the part is that refuses the value, which chooses the handler;
its `$comment` says what was wanted; the path in the data finds the place. Traps of YAML are looked
for first, and what they explain is not reported again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from archspec import foreign
from archspec.arguments import show
from archspec.errors import MAX_ERRORS, Note, Span, enough
from archspec.schema import unknown_words, wrong_values
from archspec.schema.check_result import CheckResult, find_head, find_values
from archspec.schema.validator import Fault, editor_validator, quick_check, validator
from archspec.schema.yaml_traps import report_traps
from archspec.syntax.source import Document, Value, is_yaml, to_plain


class Handler(Struct, frozen=True):
    """The functions that report an unknown key and a wrong value in one part of the schema."""

    unknown_key: Callable[[str, Fault, CheckResult], None] = unknown_words.report_word
    wrong_value: Callable[[Fault, CheckResult], None] = wrong_values.report_value


HANDLERS: Mapping[str, Handler] = {  # by the part's role in the schema
    "": Handler(),
    "arguments": Handler(unknown_words.report_argument, wrong_values.report_arguments),
    "blocks": Handler(unknown_words.report_block_name, wrong_values.report_blocks),
    "branch": Handler(unknown_words.report_in_branch, wrong_values.report_branch),
    "call": Handler(wrong_value=wrong_values.report_lone_value),
    "comparison": Handler(),
    "contracts": Handler(unknown_words.report_contract),
    "defaults": Handler(unknown_words.report_in_defaults),
    "edit": Handler(unknown_words.report_in_edit),
    "file": Handler(unknown_words.report_word_of_file, wrong_values.report_file),
    "input": Handler(wrong_value=wrong_values.report_input),
    "merge": Handler(unknown_words.report_in_merge),
    "object": Handler(unknown_words.report_object, wrong_values.report_object),
    "pattern": Handler(wrong_value=wrong_values.report_pattern),
    "step": Handler(unknown_words.report_in_step, wrong_values.report_step),
    "version": Handler(wrong_value=wrong_values.report_version),
}

SAID_OF_TEXT = ("yaml", "duplicate-key", "alias", "tag")  # the codes of what is no YAML
LACKING = ("required", "minItems", "minProperties")  # refuse a value for what is not in it


def check(document: Document) -> CheckResult:
    """Return the errors that the schema and a search for YAML's traps find in a document."""
    if document.errors:
        return _check_rest(document)
    root = document.root
    result = CheckResult(root)
    if not isinstance(root.data, dict):
        what = "a list" if isinstance(root.data, tuple) else show(root.data)
        hint = "begin with `archspec: 1` and give its layers under `layers:`"
        result.error("schema", f"a spec must be a mapping, got {what}", root.span, hint)
        result.fatal = True
        return result
    if other := foreign.recognize_mapping(root.data, root.span.source.name):
        what, hint = other
        result.error("foreign", f"this is {what}, not a spec", find_head(root), hint)
        result.fatal = True
        return result
    if root.get("input") is not None and root.get("inputs") is not None:
        message = "a spec has `input` or `inputs`, not both"
        note = Note("the other is given here", root.key_span("input"))
        result.error(
            "input", message, root.key_span("inputs"), "name them all in `inputs`", (note,)
        )
        result.fatal = True
    trapped = set(report_traps(result))
    if (several := _report_inputs_as_input(root, result)) is not None:
        trapped.add(several)
    data = to_plain(root)
    for error in () if quick_check()(data) else validator().iter_errors(data):
        _report(error, result, trapped)
        if len(result.diagnostics) >= MAX_ERRORS:
            result.diagnostics.append(enough(result.diagnostics[-1].span))
            result.fatal = True
            break
    return result


def find_said_by_schema(document: Document) -> set[tuple[Span, str]]:
    """Return the place and the code of each error of this file that a server of YAML says, too, if
    it has the schema: what is no YAML, and what lies where the schema refuses a value.

    It says nothing of two words that may stand alone but not together, and of keys without values.
    """
    found = check(document).diagnostics
    said = {(each.span, each.code) for each in document.errors if each.code in SAID_OF_TEXT}
    if is_yaml("\n".join(document.source.lines)):  # what follows the grammar, and no spec may have
        said = {each for each in said if each[1] != "yaml"}
    root = document.rest
    if root is None or not isinstance(root.data, dict):
        return said | {(each.span, each.code) for each in found}
    errors = editor_validator().iter_errors(to_plain(root))
    refused = [find_values(root, each.absolute_path)[-1].span for each in errors]
    blank = {span for span, _ in _iter_blank(root)}
    return said | {
        (each.span, each.code)
        for each in found
        if each not in document.errors and each.span not in blank
        if any(place.holds(each.span) or each.span.holds(place) for place in refused)
    }


def _iter_blank(value: Value) -> Iterator[tuple[Span, Value]]:
    """Yield the places of keys without a value."""
    for _, span, each in value.entries():
        if each.is_blank:
            yield span, each
        yield from _iter_blank(each)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _iter_blank(each)


def _report_inputs_as_input(root: Value, result: CheckResult) -> Span | None:
    """Report shapes by name under `input`, and return their place; None if there are none."""
    shapes = root.get("input")
    if shapes is None or not isinstance(shapes.data, dict):
        return None
    if not shapes.data or not all(isinstance(each.data, tuple) for each in shapes.data.values()):
        return None
    if "shape" in shapes.data:
        return None
    names = ", ".join(f"{name}: {show(to_plain(each))}" for name, each in shapes.items())
    message = "`input` is one shape, and here are shapes by name"
    result.error("input", message, root.key_span("input"), f"write `inputs: {{{names}}}`")
    result.fatal = True
    return shapes.span


def _check_rest(document: Document) -> CheckResult:
    """Return the mistakes of YAML in a document, and the errors of the schema in what is readable.

    What is not there may stand in the part that is not: so nothing is reported as missing, and
    nothing more is made of the document.
    """
    rest = document.rest
    if rest is None or not isinstance(rest.data, dict):
        nothing = Value({}, Span(document.source, 1, 1, 1, 1))
        return CheckResult(nothing, list(document.errors), fatal=True)
    result = CheckResult(rest, list(document.errors), fatal=True)
    trapped = set(report_traps(result))
    result.diagnostics = [each for each in result.diagnostics if each.code != "no-step"]
    for error in validator().iter_errors(to_plain(rest)):
        lacks_words = not error.absolute_path and error.validator == "anyOf"  # as `layers`
        if error.instance is not None and error.validator not in LACKING and not lacks_words:
            _report(error, result, trapped)
        if len(result.diagnostics) >= MAX_ERRORS:
            break
    places = [each.span for each in document.errors]  # `- Dense:10` is told of once
    result.diagnostics = [
        each
        for each in result.diagnostics
        if each.code != "unknown-layer" or not any(each.span.holds(place) for place in places)
    ]
    return result


def _report(error: Any, result: CheckResult, trapped: set[Span]) -> None:
    """Report an error of the validator. trapped: the places of values that a trap explains."""
    path = list(error.absolute_path)
    values = find_values(result.root, path)
    result.mark_broken(path)
    if any(value.span in trapped for value in values):
        return
    notes = tuple(note for each in reversed(values) for note in each.notes())
    fault = Fault(error, path, values[-1], notes, result.root)
    handler = HANDLERS[fault.role]
    if fault.keyword == "additionalProperties":
        for key in fault.unknown_keys():
            handler.unknown_key(key, fault, result)
    else:
        handler.wrong_value(fault, result)
