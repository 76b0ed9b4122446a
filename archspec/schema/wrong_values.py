"""Report the values that the schema refuses."""

from __future__ import annotations

import re

from archspec.arguments import show
from archspec.errors import closest
from archspec.schema.check_result import CheckResult, find_head
from archspec.schema.remedies import find_remedy
from archspec.schema.unknown_words import report_layer, report_of
from archspec.schema.validator import Fault, name_argument, name_subject
from archspec.syntax.source import to_plain
from archspec.syntax.words import MODIFIERS, WORDS

EDITS = {
    "of": "write the layer or block that is meant, `of: Conv2D`, or leave it out",
    "replace": "write a step, `replace: ReLU`, or `remove: true`",
    "insert_before": "write a step, `insert_before: ReLU`",
    "insert_after": "write a step, `insert_after: ReLU`",
}
CODES = {  # by the word at the top of the file that a value is under
    "input": "input",
    "inputs": "input",
    "require": "contract",
    "train": "argument-value",
}


def report_value(fault: Fault, result: CheckResult) -> None:
    """Report a value by the words of its part of the schema."""
    path = fault.path
    code = CODES.get(path[0], "schema")
    if name_argument(path):
        code = "argument-value"
    elif code == "schema" and path[-1] == "name" and len(path) > 1:
        code = "name"
    _report(fault, result, name_subject(path), code)


def _report(fault: Fault, result: CheckResult, subject: str, code: str) -> None:
    """Report what a value must be, or what the one wrong item of it must be."""
    blamed = fault.item() or fault
    if blamed is not fault and "$comment" in blamed.wanted:
        subject, words, got = f"an item of {subject}", blamed.words, blamed.value
    else:
        words, got = fault.words, fault.value
    message = f"{subject} must be {words}, got {show(to_plain(got))}"
    result.error(code, message, blamed.value.span, find_remedy(blamed), fault.notes)


def report_object(fault: Fault, result: CheckResult) -> None:
    """Report what is not an initializer, optimizer or the like: `optimizer: {Adam: , SGD: }`."""
    subject = name_subject(fault.path)
    if fault.keyword not in ("minProperties", "maxProperties"):
        _report(fault, result, subject, "unknown-object")
        return
    got = ", ".join(fault.value.data) or "none"
    message = f"{subject} must be one name, {{Name: {{arguments}}}}, got {got}"
    result.error("unknown-object", message, fault.value.span, None, fault.notes)


def report_arguments(fault: Fault, result: CheckResult) -> None:
    """Report a value in place of a mapping of arguments: `defaults: {Dense: 3}`."""
    _report(fault, result, f"`{fault.path[-1]}`", CODES.get(fault.path[0], "schema"))


def report_lone_value(fault: Fault, result: CheckResult) -> None:
    """Report a value for a layer that has no argument to take it: `Add: 3`."""
    value, got = fault.value, show(to_plain(fault.value))
    message = f"{fault.path[-1]} has no argument whose value could stand alone, got {got}"
    hint = "write its arguments by name"
    if isinstance(value.data, tuple) and all(isinstance(each.data, str) for each in value.data):
        hint = f"its inputs are written beside it: `from: {got}`".replace("'", "")
    result.error("argument-value", message, value.span, hint, fault.notes)


def report_step(fault: Fault, result: CheckResult) -> None:
    """Report a list item that is not a step, is empty, or names an unknown layer."""
    value, notes = fault.value, fault.notes
    if fault.is_of and isinstance(value.data, tuple):
        message = f"`of` names one layer or block, got {show(to_plain(value))}"
        result.error("schema", message, value.span, "write an edit for each", notes)
    elif fault.is_of and isinstance(value.data, str) and value.data:
        report_of(value.data, value.span, notes, result)
    elif value.data in (*MODIFIERS, *WORDS):
        message = f"`{value.data}` needs a value"
        result.error("no-step", message, value.span, f"write `- {value.data}: ...`", notes)
    elif isinstance(value.data, str) and re.match(r"\w", value.data):
        report_layer(value.data, value.span, notes, result)
    elif value.data is None or value.data == "":
        message, remedy = "this step is empty", "remove the '-'"
        if fault.path[-1] == "merge":
            message, remedy = "this `merge` names no layer", "write `merge: Add`, or leave it out"
        elif fault.path[-1] in EDITS:
            word = fault.path[-1]
            message, remedy = f"this `{word}` names no step", EDITS[word]
        result.error("no-step", message, value.span, remedy, notes)
    else:
        nested = isinstance(value.data, tuple)
        hint = "steps inside a step are a group: `- layers: [...]`" if nested else None
        if nested and fault.path[-1] == "merge":
            hint = "`merge` is one layer or block; what follows it is a step after the branches"
            if len(value.data) == 1:
                hint = "leave the brackets out"
        message = f"a step must be {fault.words}, got {show(to_plain(value))}"
        result.error("no-step", message, value.span, hint, notes)


def report_pattern(fault: Fault, result: CheckResult) -> None:
    """Report the letters that no pattern of names has: `at: stage[0-2]`."""
    value = fault.value
    items = value.data if isinstance(value.data, tuple) else (value,)
    wrong = [
        (each, found[0])
        for each in items
        if isinstance(each.data, str) and (found := re.search(r"[^\w*.-]", each.data, re.ASCII))
    ]
    for each, letter in wrong:
        span = each.span
        start = span.source.lines[span.line - 1].find(letter, span.column - 1) - span.column + 1
        message = f"a pattern of names has no '{letter}': {show(each.data)}"
        hint = (
            "only letters, digits, _, -, * and **, with dots between names; several are a list: "
            "[stage0, stage1]"
        )
        if letter == "/":
            hint = f"write {each.data.strip('/').replace('/', '.')}"
        result.error("schema", message, span.within(max(start, 0), 1), hint, fault.notes)
    for each in () if wrong else items:
        text = each.data if isinstance(each.data, str) else ""
        part = next((part for part in text.split(".") if "**" in part and part != "**"), None)
        if part is not None:
            message = f"`**` stands for whole parts of a name, between dots, and here is '{part}'"
            hint = "within a part write one `*`"
            result.error("schema", message, each.span, hint, fault.notes)
            wrong.append((each, part))
    if not wrong:
        report_value(fault, result)


def report_branch(fault: Fault, result: CheckResult) -> None:
    """Report a branch that is neither a list nor a group."""
    value = fault.value
    as_list = f"make it a list: [{value.data}]" if isinstance(value.data, str) else None
    message = f"a branch is {fault.words}, got {show(to_plain(value))}"
    result.error("branch", message, value.span, as_list, fault.notes)


def report_blocks(fault: Fault, result: CheckResult) -> None:
    """Report what is wrong with `blocks`, without which no block call can be checked."""
    result.fatal = True
    report_value(fault, result)


def report_input(fault: Fault, result: CheckResult) -> None:
    """Report the mapping of an input that has no `shape`."""
    message = f"{name_subject(fault.path)} has no `shape`"
    hint = "{shape: [28, 28, 1], dtype: float32}"
    result.error("input", message, find_head(fault.value), hint)


def report_version(fault: Fault, result: CheckResult) -> None:
    """Report a version of the language that is not ours, or a file that has none."""
    value = fault.value
    if fault.keyword == "const":
        hint = "this archspec reads version 1: write `archspec: 1`"
        message = f"the version of the language must be 1, got {show(to_plain(value))}"
        result.error("version", message, value.span, hint)
    elif not any(closest(key, ["archspec"]) for key in value.data):
        message = "the file does not say which version of the language it is written in"
        result.error("version", message, find_head(value), "begin with `archspec: 1`")


def report_file(fault: Fault, result: CheckResult) -> None:
    """Report a file that has neither layers nor blocks, unless the word for them is misspelt."""
    result.fatal = True
    if not any(closest(key, ("layers", "extends", "blocks")) for key in fault.unknown_keys()):
        message = "the file has neither `layers` nor `extends` nor `blocks`"
        hint = "a network has layers, a derived one extends, a library has blocks"
        result.error("schema", message, find_head(fault.value), hint)
