"""Write diagnostics for other programs: JSON, annotations of GitHub, SARIF 2.1.0.

The text for people is made in `errors`; these forms hold the same for editors and CI.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archspec.errors import Diagnostic, Fix, Span, in_a_line
from archspec.reading import from_here

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"

# Every code that a diagnostic can have -> a sentence on what is wrong.
CODES = {
    "activation-twice": "An activation is given what has passed an activation already.",
    "alias": "A YAML alias has no anchor before it, or stands inside its own.",
    "ambiguous-name": "A name could mean several steps.",
    "argument-value": "An argument has a value of a type or a size that it cannot have.",
    "branch": "A branch is neither a list of steps nor a group.",
    "branch-loop": "A loop on a branch could mean several branches, or several iterations in one.",
    "branches": "No branch of a step is left to merge.",
    "broadcast": "A merge repeats one of its inputs to the size of another.",
    "call": "Call arguments are given to a step that is no layer, or that the layer does not take.",
    "changed-meaning": "A construct made another network in the first state of the language.",
    "channels-first": "An input looks as if its channels came first, and Keras has them last.",
    "contract": "The network breaks a contract that the spec states under `require`.",
    "data": "The recipe names a dataset that cannot train the network.",
    "dropout": "A rate of 1 drops every value.",
    "dropout-before-normalization": "A BatchNormalization takes what a Dropout has thinned out.",
    "dropout-twice": "A dropout takes what another has just thinned out.",
    "dropped-rows": "The windows of a layer do not reach the last rows of its input.",
    "duplicate-block": "Two blocks of one name are declared, or one of them is imported.",
    "duplicate-key": "A mapping has the same key twice.",
    "duplicate-name": "Two steps of one scope have the same name.",
    "edit-conflict": "An edit changes a step that another edit removes.",
    "edit-inputs": "An edit needs a step with one input, and this step has several.",
    "edit-inside": "A reference names a step inside one that an edit replaces.",
    "edit-no-match": "An edit matches no step.",
    "edit-numbered": "An edit names a step by its number among unnamed steps.",
    "edit-outputs": "An edit removes an output, or a recipe names an edited one twice.",
    "edit-removed": "A reference names a step that an edit removes.",
    "edit-reused": "An edit changes a step that shares the layers of another, by `reuse`.",
    "edit-set": "An edit sets an argument that the step does not have.",
    "edit-unmet": "An edit matches a step that only another edit of the same file creates.",
    "else": "An `else` stands beside a step that is no group with a `when`.",
    "empty": "A file holds nothing.",
    "file": "A file cannot be read, or a setting names nothing in it.",
    "foreign": "The file is one of another tool, and no spec.",
    "formula": "A formula cannot be read, or its value cannot be computed.",
    "freeze-no-match": "A name under `train.freeze` names no layer with weights.",
    "heavy-dense": "One dense layer after a flattened map has most of the parameters.",
    "idle-head": "The loss of an output has the weight 0.",
    "ignore": "A comment that is meant to silence a message silences nothing.",
    "import-argument": "A Keras model has a value that a spec cannot express.",
    "import-class": "A Keras model has a layer that the table of layers does not have.",
    "import-file": "A file does not hold the config of a Keras model.",
    "import-operation": "A Keras model computes something with an operation that is no layer.",
    "import-weights": "A Keras layer has values in its weights that a spec needs as arguments.",
    "indent": "Arguments of a layer are not indented under it.",
    "input": "The input of the network is missing, given twice, or has an impossible shape.",
    "input-group": "A group names `input`, which is the network's and not what the group takes.",
    "inputs": "A step gets other inputs than it takes.",
    "layers": "A spec has no layers.",
    "library": "A block library is used where a network is wanted.",
    "loop": "A loop iterates over something other than lists of the same length.",
    "loop-from": "A `from` beside a loop could be for every iteration, or for the first alone.",
    "mask": "A layer fails on the mask that it gets.",
    "merge": "A `merge` has no branches to join, or is no layer or block.",
    "merge-one": "Only one branch is left, and its `merge` does more than join.",
    "missing-argument": "An argument that has no default is not given.",
    "momentum": "A momentum looks like PyTorch's, which is 1 - Keras's.",
    "name": "A name cannot be used, or has another meaning already.",
    "no-activation": "Nothing non-linear stands between two layers with kernels.",
    "no-step": "A step names nothing to do.",
    "no-value": "A step needs the output of a step that has no single output.",
    "normalization-twice": "A BatchNormalization takes what another has just normalized.",
    "number-in-name": "A number in a name is written in a way that changes it.",
    "odd-channels": "Channels in mixed precision are no multiple of 8.",
    "outputs": "The outputs of the network are missing, or one is listed twice.",
    "own-layers": "One of your own layers, or its file, is wrong.",
    "recursive-block": "A block calls itself, directly or through others.",
    "refused-layer": "A layer is refused because it carries code, or does nothing in a spec.",
    "relu-head": "A ReLU cuts off the logits of an output.",
    "replaced-layers": "A file replaces the `layers` of its base, and calls none of its blocks.",
    "reuse": "A step reuses something that is no layer or block, or whose weights do not fit.",
    "same-input": "A merge takes the same value twice.",
    "scaled-twice": "A layer scales pixels that the recipe has scaled already.",
    "schema": "A value has a kind that the language does not allow in its place.",
    "several-steps": "One step holds several layers or blocks.",
    "shape": "A layer cannot work on an input of this shape.",
    "skipped-name": "A name means a step that is not there because its `when` is false.",
    "small-field": "No value before the global pooling sees the whole input.",
    "softmax": "A softmax is applied to a single value, or to another softmax.",
    "softmax-inside": "A softmax stands between two layers with kernels.",
    "tag": "A YAML tag asks for something other than plain data.",
    "too-deep": "Values, groups or blocks are nested too deep.",
    "too-large": "A file, or its network, exceeds a limit.",
    "too-many-errors": "A file has more errors than are listed.",
    "torn-formula": "YAML cut a formula at a comma because it is not quoted.",
    "train": "The recipe contradicts itself or the network, or hardly fits it.",
    "training-ignored": "Keras ignores this `training` argument when it trains.",
    "unadapted": "A Normalization has no mean and variance, and nothing adapts it to data.",
    "unknown-argument": "A layer, a block or an object has no argument of that name.",
    "unknown-data": "No dataset has that name, and no folder here.",
    "unknown-layer": "No layer of the table and no block has that name.",
    "unknown-name": "A formula or a reference names something that does not exist.",
    "unknown-object": "No initializer, optimizer or the like has that name.",
    "unknown-word": "The language has no such word in this place.",
    "unused-block": "No step calls a block of the file.",
    "unused-default": "No step takes an argument from `defaults`.",
    "unused-input": "No step uses an input.",
    "unused-param": "No formula names a param of the file, or of a block that is called.",
    "unused-step": "No step uses the output of a step.",
    "unused-variable": "Nothing in a loop names one of its variables.",
    "useless-bias": "A BatchNormalization cancels the bias of the layer before it.",
    "version": "The file is not written in version 1 of the language.",
    "when": "A condition is neither true nor false.",
    "when-branches": "A `when` removes the branches and their `merge`.",
    "yaml": "A file is not valid YAML.",
}


def to_json(found: Sequence[Diagnostic]) -> str:
    """Return diagnostics as a JSON list of mappings, with all that the text has.

    >>> import archspec
    >>> to_json(archspec.check("lenet5"))
    '[]'
    """
    return json.dumps([as_data(each) for each in found], indent=2)


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as a mapping; lines and columns count from 1, the end is exclusive."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": in_a_line(diagnostic.message),
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "hint": in_a_line(diagnostic.hint) if diagnostic.hint else None,
        "notes": [
            {
                "message": note.text,
                "file": note.span.source.name,
                "line": note.span.line,
                "column": note.span.column,
            }
            for note in diagnostic.notes
        ],
        "fix": _fix_as_data(diagnostic.fix),
    }


def _fix_as_data(fix: Fix | None) -> dict[str, Any] | None:
    """Return the change that mends a text as a mapping, with the place of what it replaces."""
    if fix is None:
        return None
    span = fix.span
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "text": fix.text,
    }


# --- GitHub --------------------------------------------------------------------------------------


def to_github(found: Sequence[Diagnostic]) -> str:
    """Return workflow commands, which GitHub Actions shows as annotations at the lines of a change.

    The message begins with the place because the log of a run shows nothing but the message.
    """
    return "\n".join(map(_command, found))


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties: dict[str, Any] = {}
    if span.source.file:
        properties["file"] = _path(span).as_posix()
    if span.source.file and span.source.lines:
        end = span.end_line - (span.end_column == 1 and span.end_line > span.line)
        properties |= {"line": span.line, "endLine": end}
        if end == span.line:  # GitHub takes columns within one line only, the last one included
            properties |= {"col": span.column, "endColumn": max(span.column, span.end_column - 1)}
    properties["title"] = diagnostic.code
    lines = [f"{span}: {in_a_line(diagnostic.message)}"]
    lines += [f"{note.span}: note: {note.text}" for note in diagnostic.notes]
    if diagnostic.hint:
        lines.append(f"hint: {in_a_line(diagnostic.hint)}")
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = _data("\n".join(lines))
    severity = diagnostic.severity
    level = severity if severity in ("error", "warning") else "notice"
    return f"::{level} {given}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# --- SARIF ---------------------------------------------------------------------------------------


def to_sarif(found: Sequence[Diagnostic]) -> str:
    """Return a log of SARIF 2.1.0, the format that code scanning reads, with one run."""
    used = sorted({each.code for each in found})
    rules = [{"id": code, "shortDescription": {"text": CODES[code]}} for code in used]
    driver = {"name": "archspec", **find_version(), "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, used.index(each.code)) for each in found],
    }
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def find_version() -> dict[str, str]:
    """Return the version of this package, if it is installed."""
    from importlib.metadata import PackageNotFoundError, version  # which takes a while to load

    try:
        return {"version": version("archspec-keras")}
    except PackageNotFoundError:  # run from a source tree that is not installed
        return {}


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    lines = [in_a_line(diagnostic.message)]
    if not diagnostic.span.source.file:
        lines[0] = f"{diagnostic.span.source.name}: {lines[0]}"
    if diagnostic.hint:
        lines.append(f"hint: {in_a_line(diagnostic.hint)}")
    result = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": "note" if diagnostic.severity == "advice" else diagnostic.severity,
        "message": {"text": "\n".join(lines)},
    }
    if diagnostic.span.source.file:
        result["locations"] = [_location(diagnostic.span)]
    if diagnostic.notes:
        result["relatedLocations"] = [
            {**_location(note.span), "message": {"text": note.text}} for note in diagnostic.notes
        ]
    if (fix := diagnostic.fix) is not None:
        place = _location(fix.span)["physicalLocation"]
        replacement = {"deletedRegion": place["region"], "insertedContent": {"text": fix.text}}
        change = {"artifactLocation": place["artifactLocation"], "replacements": [replacement]}
        result["fixes"] = [
            {"description": {"text": str(diagnostic.hint)}, "artifactChanges": [change]}
        ]
    return result


def _location(span: Span) -> dict[str, Any]:
    if not span.source.file:
        return {}
    path = _path(span)
    # Relative to where the command runs, as code scanning wants it; else the whole address.
    uri = path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def _path(span: Span) -> Path:
    """Return the file of a place, relative to the working folder if it is in it, else absolute."""
    path = Path(span.source.name)
    with suppress(OSError):  # the working folder may have been removed
        path = Path(os.path.abspath(path))
    return from_here(path)


FORMS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "json": to_json,
    "github": to_github,
    "sarif": to_sarif,
}
