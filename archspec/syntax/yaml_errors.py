"""What PyYAML stopped at, in words: one diagnostic, with the remedy for the usual causes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

import yaml

from archspec.errors import Diagnostic, Note, Source, Span

MAX_DEPTH = 60
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
CLOSES = {"[": "]", "{": "}"}
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
QUOTE = "quote the formula or give it a line of its own"


def explain(error: yaml.MarkedYAMLError, source: Source, text: str) -> Diagnostic:
    """What PyYAML's scanner or parser stopped at, with the remedy for the usual causes."""
    mark: Any = error.problem_mark or error.context_mark
    span = _mark_span(mark, source)
    if "nesting depth" in (error.problem or ""):  # libyaml's limit, met looking ahead
        return Diagnostic("too-deep", TOO_DEEP, span)
    line = source.lines[span.line - 1]
    indent = len(line) - len(line.lstrip())
    char = line[mark.column : mark.column + 1] if span.line == mark.line + 1 else ""
    above = (each.split(" #")[0].rstrip() for each in reversed(source.lines[: span.line - 1]))
    before = next((each for each in above if each.strip() and each.lstrip()[0] != "#"), "")
    context, problem = error.context or "", error.problem or ""
    opener = re.fullmatch(r"(\s*)-\s+([A-Za-z]\w*)", before)
    word = re.match(r"\s*([\w-]+)\s*:", line)
    if opener and len(opener[1]) >= indent:
        opener = None
    glued = re.match(r"[\s-]*([A-Za-z]\w*)\s*\{\s*\w+\s*:", line)
    stray = "mapping values are not allowed" in problem
    notes: tuple[Note, ...] = ()

    if "quoted scalar" in context and error.context_mark:
        span = _mark_span(error.context_mark, source)
        message, hint = "this quote is never closed", "close it, or leave it out"
    elif char == "\t" or "\t" in line[:indent]:
        message, hint = "a tab stands where YAML wants spaces", "replace it by spaces"
    elif char in ("@", "`", "%") and char:
        message, hint = f"a value cannot begin with '{char}'", "quote it"
    elif re.search("an (alias|anchor)", context) and error.context_mark:
        span = _mark_span(error.context_mark, source)
        sign = line[span.column - 1]
        message, hint = f"'{sign}' begins an alias or anchor, and no name follows it", "quote it"
    elif opener and word and (stray or "'-' indicator" in problem or "<block end>" in problem):
        span = replace(span, column=word.start(1) + 1, end_column=word.end(1) + 1)
        message = f"'{word[1]}' cannot follow '- {opener[2]}'"
        hint = f"a colon is missing: write `- {opener[2]}:`, and indent what belongs to it"
    elif stray and glued:
        span = replace(span, column=glued.start(1) + 1, end_column=glued.end(1) + 1)
        message = f"'{glued[1]}' is not followed by a colon"
        hint = f"a colon is missing: write `{glued[1]}: {{...}}`"
    elif stray:
        message = "a second ': ' on a line that already is a value"
        hint = "quote the text, or indent the key under its parent"
    elif "{" in line + before and re.search(r"=[^,{}]*[\[\](),]", line[: span.column]):
        message, hint = "a formula with brackets or commas ends the flow value here", QUOTE
    elif "flow" in context and not char and (unclosed := _unclosed(text)):  # at the file's end
        (bracket, opened), *outer = unclosed
        span = _mark_span(opened, source)
        missing = "".join(CLOSES[each] for each, _ in unclosed)
        message, hint = f"this '{bracket}' is never closed", f"a '{missing}' is missing"
        if outer:
            hint = f"'{missing}' is missing at the end"
        if len(missing) > MAX_DEPTH:
            hint = f"{len(missing):,} brackets are open at the end"
        notes = tuple(
            Note(f"nor is this '{each}'", _mark_span(mark, source)) for each, mark in outer[:3]
        )
    elif "flow" in context and error.context_mark:
        close = "]" if "sequence" in context else "}"
        message = f"a ',' or '{close}' is missing before this"
        hint = "close the bracket, or put a comma between the values"
        notes = (Note("the bracket opens here", _mark_span(error.context_mark, source)),)
    elif char in ("]", "}") and char:
        message, hint = f"this '{char}' closes nothing", "remove it"
    elif "simple key" in context and error.context_mark:
        span = _mark_span(error.context_mark, source)
        span = replace(span, end_column=max(span.end_column, len(source.lines[span.line - 1]) + 1))
        message = "this is neither a step nor a key"
        hint = "a step begins with '- ', a key ends with ':'"
    elif "block" in context and mark.column == indent:
        message = "this line's indentation fits nothing above it"
        hint = "indent it as its neighbours"
    elif "block" in context:
        message, hint = "this cannot follow what stands before it", "quote the whole value"
    else:
        message = f"this is not YAML: {problem.replace('did not find', 'expected')}"
        message, hint = message.replace("expected expected", "expected"), None
    return Diagnostic("yaml", message, span, hint, notes)


def _unclosed(text: str) -> list[tuple[str, Any]]:
    """The brackets of flow values that are open at the end of a text, the innermost first."""
    found: list[tuple[str, Any]] = []
    with suppress(yaml.YAMLError):
        for token in yaml.scan(text, Loader=Loader):
            if isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
                sequence = isinstance(token, yaml.FlowSequenceStartToken)
                found.append(("[" if sequence else "{", token.start_mark))
            elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken) and found:
                found.pop()
    return found[::-1]


def _mark_span(mark: Any, source: Source) -> Span:
    """One character; at the end of a file, the last one that there is."""
    if mark.line >= len(source.lines) or not source.lines[mark.line].strip():
        last = max((n for n, line in enumerate(source.lines, 1) if line.strip()), default=1)
        if last <= mark.line:
            width = max(len(source.lines[last - 1]), 1)
            return Span(source, last, width, last, width + 1)
    return Span(source, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
