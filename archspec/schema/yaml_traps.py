"""Report what YAML reads without an error, but not as its writer meant it.

A line that lacks its indentation or its dash puts two steps into one mapping; one that is indented
too far continues the text above it; a comma ends a formula within brackets. The schema would call
some key or value wrong, which leads astray, so these are looked for first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from msgspec.structs import replace

from archspec import foreign
from archspec.arguments import show
from archspec.errors import Note, Span, Suggestion, closest, did_you_mean
from archspec.layers import LAYERS
from archspec.schema.check_result import CheckResult, Path, find_head, find_values, is_step
from archspec.schema.validator import list_arguments
from archspec.syntax.formulas import is_formula, is_unbalanced
from archspec.syntax.source import Value
from archspec.syntax.words import BESIDE, MODIFIERS, WORDS
from archspec.syntax.yaml_errors import QUOTE

ONE_LINE = ("name", "data", "from", "reuse", "extends")  # the words whose value is a name


def report_traps(result: CheckResult) -> Iterator[Span]:
    """Report every trap in a document, and yield the places of the values that this explains."""
    stack: list[tuple[Value, Path]] = [(result.root, [])]
    while stack:
        value, path = stack.pop()
        if (line := _find_continuation(value, path)) is not None:
            _report_continuation(line, value, result)
            result.mark_broken(path)
            yield value.span
            continue
        inside: list[tuple[Any, Value]] = []
        if isinstance(value.data, dict):
            inside = list(value.data.items())
        elif isinstance(value.data, tuple):
            inside = list(enumerate(value.data))
        torn = next((each for _, each in inside if _is_torn(each)), None)
        if torn is not None:
            _report_torn(torn, result)
        else:
            stack += [(each, [*path, key]) for key, each in inside]
            if not (isinstance(value.data, dict) and is_step(path)):
                continue
            if _is_one_step(value, _find_next(path, result), result):
                continue
        result.mark_broken(path)
        yield value.span


def _find_continuation(value: Value, path: Path) -> Span | None:
    """Return the place of the line that continues a text which should end in its own line.

    YAML takes a line that is indented deeper for more of the text: `name: a` and `- ReLU` under it
    are the name "a - ReLU". A formula may have several lines, in which a step would be an unknown
    name, and a description those that are no steps.
    """
    span = value.span
    if not isinstance(value.data, str) or span.end_line == span.line or is_formula(value.data):
        return None
    if not value.is_plain and not (path[-1] in ONE_LINE and value.data.endswith("\n")):
        return None
    several = path[-1] == "description"
    for number in range(span.line + 1, span.end_line + 1):
        line = span.source.lines[number - 1]
        written = line.strip()
        step = re.match(r"-\s+(\w+)", written)
        if written and (not several or (step and step[1] in LAYERS)):
            column = len(line) - len(line.lstrip()) + 1
            return Span(span.source, number, column, number, column + len(written))
    return None


def _report_continuation(line: Span, value: Value, result: CheckResult) -> None:
    written = line.source.lines[line.line - 1].strip()
    first = line.source.lines[value.span.line - 1][value.span.column - 1 :]
    for text, span in ((first, value.span), (written, line)):
        if slip := re.match(r"-([A-Za-z]\w*)", text):
            meant = f"- {slip[1]}"
            remedy = Suggestion(f"write `{meant}`", slip[0], meant)
            at = replace(span, end_line=span.line, end_column=span.column + len(slip[0]))
            result.error("yaml", "a space is missing after the '-'", at, remedy)
            return
    hint = "indent it as its neighbours, or write the whole value in one line"
    if not value.is_plain:
        hint = "write the whole value in one line"
    elif written.startswith("-"):
        hint = "a step is indented as the steps before it"
    message = f"this line continues the value above it: {show(value.data)}"
    note = Note("the value begins here", value.span)
    result.error("yaml", message, line, hint, (note,))


def _is_torn(value: Value) -> bool:
    """Return whether YAML cut a formula or tuple inside {...} or [...] at its own comma."""
    if not (value.is_plain and isinstance(value.data, str) and value.data[:1] in ("=", "(")):
        return False
    if not is_unbalanced(value.data):
        return False
    span = value.span
    return span.source.lines[span.end_line - 1][span.end_column - 1 :].lstrip()[:1] == ","


def _report_torn(torn: Value, result: CheckResult) -> None:
    if is_formula(torn.data):
        message = f"the formula '{torn.data}' ends inside a bracket: YAML cut it at a comma"
        result.error("torn-formula", message, torn.span, QUOTE)
    else:
        message = f"the tuple '{torn.data}' ends at its comma"
        result.error("yaml", message, torn.span, "a list has square brackets: [3, 3]")


def _find_next(path: Path, result: CheckResult) -> Value | None:
    """Return the step on a line below the one at a path, in the same list."""
    *_, steps, step = find_values(result.root, path)
    if not isinstance(path[-1], int) or path[-1] + 1 >= len(steps.data):
        return None
    below: Value = steps.data[path[-1] + 1]
    return below if below.span.line > step.span.line else None


def _is_one_step(value: Value, below: Value | None, result: CheckResult) -> bool:
    """Return whether a mapping is one step; report it if it is none, or several.

    below: the step on a line below it.
    """
    ops = [key for key in value.data if key not in BESIDE]
    if "else" in value.data and not {"when", "layers"} <= value.data.keys():
        _report_else(ops, value, result)
    elif len(ops) > 1:
        _report_several_steps(ops, value, result)
    elif "merge" in value.data and "branches" not in value.data:
        message = "`merge` joins `branches`, and there are none here"
        hint = "write it beside `branches`"
        if "from" in value.data and isinstance(value.data["merge"].data, str):
            hint = f"write `- {value.data['merge'].data}:` with that `from`"
        result.error("merge", message, value.key_span("merge"), hint)
    elif _has_merge_as_branch(value):
        message = "`merge` stands among the branches"
        hint = "write it beside `branches`, indented less"
        result.error("merge", message, value.data["branches"].key_span("merge"), hint)
    elif not ops and "from" not in value.data:
        message = "this step names no layer, block, branches, layers, reuse or from"
        hint = None
        if below is not None:
            hint = "if it belongs to the step below, remove the '-' of that line"
        elif "when" in value.data:
            hint = "write what is there then as `layers: [...]`; a branch: {when: ..., layers: []}"
        result.error("no-step", message, find_head(value), hint)
    elif "for" in value.data and "repeat" in value.data:
        message = "a step takes `for` or `repeat`, not both"
        note = Note("the other is given here", value.key_span("for"))
        result.error("loop", message, value.key_span("repeat"), None, (note,))
    else:
        return True
    return False


def _has_merge_as_branch(value: Value) -> bool:
    """Return whether `merge` is a key of the branches, and its value a layer and no branch."""
    branches = value.get("branches")
    merge = None if branches is None or "merge" in value.data else branches.get("merge")
    if merge is None or isinstance(merge.data, tuple):
        return False
    return not isinstance(merge.data, dict) or not {"layers", "from", "when"} & merge.data.keys()


def _report_else(ops: list[str], value: Value, result: CheckResult) -> None:
    """Report an `else` that stands beside no group with a `when`."""
    span = value.key_span("else")
    if len(value.data) == 1:
        message = "`else` is no step of its own"
        hint = "write it under the `when`, without '-', beside `layers`"
        result.error("no-step", message, span, hint)
        return
    step = ops[0] if ops else "..."
    message = "`else` stands beside `when` and `layers`, and nowhere else"
    hint = f"make it a group: {{when: ..., layers: [{step}: ...], else: [...]}}"
    result.error("else", message, span, hint)


def _report_several_steps(ops: list[str], value: Value, result: CheckResult) -> None:
    """Report arguments that are not indented, a misspelt word, or a second step.

    ops: the keys that are not words which may stand beside a layer.
    """
    kind = next((key for key in ops if key in foreign.KINDS), None)
    if kind is not None and isinstance(value.data[kind].data, str):
        layer = value.data[kind].data
        hint = f"a step begins with its layer: `- {layer}: {{...}}`"
        result.error("unknown-word", f"a step has no word '{kind}'", value.key_span(kind), hint)
        return
    first = next((key for key in ops if key in LAYERS or key in WORDS), ops[0])
    arguments = LAYERS[first].arguments if first in LAYERS else _list_params(first, result)
    others = [key for key in ops if key != first]
    outside = [key for key in others if key in arguments]
    if outside:  # with the misspelt ones among them
        outside = [key for key in others if key in arguments or did_you_mean(key, arguments)]
        listed = " and ".join(map(repr, outside))
        what = "argument" if first in LAYERS else "param"
        are = (
            f"is {'an' if first in LAYERS else 'a'} {what}" if len(outside) == 1 else f"are {what}s"
        )
        message = f"{listed} {are} of {first}, not of a step"
        hint = _where_arguments_stand(outside, first, value)
        result.error("indent", message, value.key_span(outside[0]), hint)
    for key in others:
        if key not in outside:
            _report_second_key(key, first, value, result)


def _is_imported(word: str, result: CheckResult) -> bool:
    """Return whether a word may call a block that the file has from another one."""
    elsewhere = any(result.root.get(key) is not None for key in ("import", "extends"))
    return elsewhere and word[:1].islower() and word not in (*WORDS, *result.known_blocks())


def _list_params(block: str, result: CheckResult) -> Collection[str]:
    """Return the params of a block of the file; none for a word that is no block of it."""
    declared = next(
        (each for name, _, each in result.root.entries_of("blocks") if name == block), None
    )
    return [] if declared is None else [name for name, _, _ in declared.entries_of("params")]


def _where_arguments_stand(names: list[str], first: str, step: Value) -> str:
    """Return the hint for arguments that stand beside their layer: where to write them."""
    given, them = step.data[first], "it" if len(names) == 1 else "them"
    known = list_arguments(first)
    meant = {name: name if name in known else closest(name, known) for name in names}
    more = ", ".join(f"{meant[name]}: {_written(step.data[name])}" for name in names)
    written = _written(given)
    if written.startswith("{"):
        inside = ", ".join(filter(None, [written[1:-1].strip(), more]))
        return f"put {them} inside the braces: {{{inside}}}"
    if given.data is None or isinstance(given.data, dict):
        return f"indent {them} under '{first}:'"
    return f"write {first}: {{{known[0]}: {written}, {more}}}"


def _written(value: Value) -> str:
    """Return a value as it is written; `...` if it takes several lines."""
    span = value.span
    if span.line != span.end_line:
        return "..."
    return span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]


def _report_second_key(key: str, first: str, value: Value, result: CheckResult) -> None:
    """Report a key beside the step's first layer or block that is not an argument of it."""
    arguments = LAYERS[first].arguments if first in LAYERS else _list_params(first, result)
    word = foreign.STEP.get(key.replace("_", "").casefold()) or did_you_mean(key, MODIFIERS)
    alone = value.data[first].data is None
    argument = did_you_mean(key, arguments) if alone or not word else None
    if argument and key not in result.known_blocks():  # `Dense:` and `unit: 3` under it
        code, message = "indent", f"a step has no word '{key}'"
        hint = f"{_where_arguments_stand([key], first, value)}; {argument}"
    elif word:
        code, message, hint = "unknown-word", f"a step has no word '{key}'", word
    elif _is_imported(first, result) and key[:1].islower() and key not in result.known_blocks():
        code, message = "indent", f"a step has no word '{key}'"
        hint = f"a param of the block stands inside it: `{first}: {{{key}: ...}}`"
    else:
        code = "several-steps"
        message = f"a step holds one layer or block, and here are '{first}' and '{key}'"
        hint = f"start a new line with `- {key}:`"
    result.error(code, message, value.key_span(key), hint)
