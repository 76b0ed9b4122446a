"""A `Document` -> what the schema says of it, in words, at the places where things were written.

Each error of the validator becomes one diagnostic, or one for each key that a mapping may not have.
The schema's `x-archspec` says what the part is that refuses the value, which chooses the handler;
its `$comment` says what was wanted; the path in the data finds the place. Before that, the traps
that YAML itself lays are looked for, and what they explain is not reported again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from archspec import foreign
from archspec.arguments import show
from archspec.errors import MAX_ERRORS, Note, Span, enough
from archspec.schema import unknown, wrong
from archspec.schema.checked import Checked, find_head, find_values
from archspec.schema.faults import Fault, quick_check, validator
from archspec.schema.traps import report_traps
from archspec.syntax.source import Document, to_plain


@dataclass(frozen=True, slots=True)
class Handler:
    """What reports a key that a part of the schema does not know, and a wrong value there."""

    unknown_key: Callable[[str, Fault, Checked], None] = unknown.report_word
    wrong_value: Callable[[Fault, Checked], None] = wrong.report_value


HANDLERS: Mapping[str, Handler] = {  # by the part's role in the schema
    "": Handler(),
    "arguments": Handler(unknown.report_argument, wrong.report_arguments),
    "blocks": Handler(unknown.report_block_name, wrong.report_blocks),
    "branch": Handler(unknown.report_in_branch, wrong.report_branch),
    "call": Handler(wrong_value=wrong.report_lone_value),
    "comparison": Handler(),
    "contracts": Handler(unknown.report_contract),
    "defaults": Handler(unknown.report_in_defaults),
    "file": Handler(unknown.report_word_of_file, wrong.report_file),
    "input": Handler(wrong_value=wrong.report_input),
    "merge": Handler(unknown.report_in_merge),
    "object": Handler(unknown.report_object, wrong.report_object),
    "step": Handler(unknown.report_in_step, wrong.report_step),
    "version": Handler(wrong_value=wrong.report_version),
}


def check(document: Document) -> Checked:
    """Return every error that the schema, and a look for YAML's traps, can find in a document."""
    root = document.root
    checked = Checked(root)
    if not isinstance(root.data, dict):
        what = "a list" if isinstance(root.data, tuple) else show(root.data)
        hint = "begin with `archspec: 1` and give its layers under `layers:`"
        checked.error("schema", f"a spec is a mapping of words, got {what}", root.span, hint)
        checked.fatal = True
        return checked
    if other := foreign.mapping_of(root.data):
        what, hint = other
        checked.error("foreign", f"this is {what}, not a spec", find_head(root), hint)
        checked.fatal = True
        return checked
    if root.get("input") is not None and root.get("inputs") is not None:
        message = "a spec has `input` or `inputs`, not both"
        note = Note("the other is given here", root.key_span("input"))
        checked.error(
            "input", message, root.key_span("inputs"), "name them all in `inputs`", (note,)
        )
        checked.fatal = True
    trapped = set(report_traps(checked))
    data = to_plain(root)
    for error in () if quick_check()(data) else validator().iter_errors(data):
        _report(error, checked, trapped)
        if len(checked.diagnostics) >= MAX_ERRORS:
            checked.diagnostics.append(enough(checked.diagnostics[-1].span))
            checked.fatal = True
            break
    return checked


def _report(error: Any, checked: Checked, trapped: set[Span]) -> None:
    """Report an error of the validator. trapped: the places of values that a trap explains."""
    path = list(error.absolute_path)
    values = find_values(checked.root, path)
    checked.mark_broken(path)
    if any(value.span in trapped for value in values):
        return
    notes = tuple(note for each in reversed(values) for note in each.notes())
    fault = Fault(error, path, values[-1], notes, checked.root)
    handler = HANDLERS[fault.role]
    if fault.keyword == "additionalProperties":
        for key in fault.unknown_keys():
            handler.unknown_key(key, fault, checked)
    else:
        handler.wrong_value(fault, checked)
