"""Explain where PyYAML stopped: one diagnostic, with the remedy for the usual causes."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from archspec.errors import Diagnostic, Note, Source, Span, Suggestion
from archspec.syntax.words import BESIDE

MAX_DEPTH = 60
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what PyYAML counts as a line end
CLOSES = {"[": "]", "{": "}"}
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
QUOTE = "quote the formula or give it a line of its own"


class Stop(Struct, frozen=True):
    """The place where PyYAML stopped in a text, and its words for the reason, as it has no codes.

    mark: the place, in lines and columns from 0. span: the same; at the end of a file, the last
    character. context, problem: what PyYAML was reading, and what it met. begin: where what it was
    reading begins, if PyYAML says so.
    """

    source: Source
    text: str
    mark: Any
    span: Span
    context: str
    problem: str
    begin: Span | None

    @property
    def line(self) -> str:
        return self.source.lines[self.span.line - 1]

    @property
    def indent(self) -> int:
        return _indent(self.line)

    @property
    def char(self) -> str:
        """The character at the place; "" at the end of a line or of the file."""
        column = self.mark.column
        return self.line[column : column + 1] if self.span.line == self.mark.line + 1 else ""

    @property
    def line_before(self) -> str:
        """The line above that is neither empty nor a comment; "" if there is none."""
        return self.lines_before[0][1] if self.lines_before else ""

    @property
    def lines_before(self) -> list[tuple[int, str]]:
        """The lines above that are neither empty nor comments, with their numbers, upward."""
        numbers = range(self.span.line - 1, 0, -1)
        lines = ((each, self.source.lines[each - 1].split(" #")[0].rstrip()) for each in numbers)
        return [(n, each) for n, each in lines if each.strip() and each.lstrip()[0] != "#"]

    @property
    def commented_key(self) -> str | None:
        """The lone key in the comments right above the line: `params:` of `# params:`."""
        above = reversed(self.source.lines[: self.mark.line])
        comments = takewhile(lambda line: line.startswith("#"), above)
        keys = (line for line in comments if re.fullmatch(r"#\s*\w+:\s*", line))
        return next((line.lstrip("# ").rstrip() for line in keys), None)

    @property
    def begins_line(self) -> bool:
        """Whether PyYAML stopped at the first word of the line, or at the colon after it."""
        return re.fullmatch(r"\s*(- +)?[\w.-]*", self.line[: self.mark.column]) is not None

    @property
    def is_badly_indented(self) -> bool:
        return "block" in self.context and self.mark.column == self.indent

    @property
    def is_second_colon(self) -> bool:
        return "mapping values are not allowed" in self.problem

    def diagnose(
        self,
        message: str,
        hint: str | None,
        span: Span | None = None,
        notes: tuple[Note, ...] = (),
    ) -> Diagnostic:
        """Return the diagnostic of this stop; span: the place to blame, by default this one."""
        return Diagnostic("yaml", message, span or self.span, hint, notes)

    def word_at(self, match: re.Match[str]) -> Span:
        """Return the place of the first group of a match in the line."""
        return replace(self.span, column=match.start(1) + 1, end_column=match.end(1) + 1)


def explain(error: yaml.MarkedYAMLError, source: Source, text: str) -> Diagnostic:
    """Return the diagnostic for an error of PyYAML, with a remedy for the usual causes."""
    mark: Any = error.problem_mark or error.context_mark
    begin = _mark_span(error.context_mark, source) if error.context_mark else None
    context, problem = error.context or "", error.problem or ""
    stop = Stop(source, text, mark, _mark_span(mark, source), context, problem, begin)
    if "nesting depth" in problem:  # libyaml's limit, met looking ahead
        return Diagnostic("too-deep", TOO_DEEP, stop.span)
    return next(filter(None, (rule(stop) for rule in RULES)), None) or _unexplained(stop)


# --- one rule a cause ----------------------------------------------------------------------------


def _backslash(stop: Stop) -> Diagnostic | None:
    """Catch `data: "C:\\data"`."""
    if not ("escape" in stop.problem and stop.begin):
        return None
    quoted = re.match(r'"([^"]*)"', stop.source.lines[stop.begin.line - 1][stop.begin.column - 1 :])
    hint = "use single quotes, in which a backslash is only itself"
    if quoted and "'" not in quoted[1]:
        hint += f": '{quoted[1]}'"
    return stop.diagnose("in double quotes a backslash begins an escape, and this is none", hint)


def _open_quote(stop: Stop) -> Diagnostic | None:
    """Catch `name: "head`."""
    if not ("quoted scalar" in stop.context and stop.begin):
        return None
    return stop.diagnose("this quote is never closed", "close it, or leave it out", stop.begin)


def _tab(stop: Stop) -> Diagnostic | None:
    if stop.char != "\t" and "\t" not in stop.line[: stop.indent]:
        return None
    return stop.diagnose("a tab stands where YAML expects spaces", "replace it by spaces")


def _reserved_sign(stop: Stop) -> Diagnostic | None:
    """Catch `name: @head`."""
    if stop.char not in ("@", "`", "%"):
        return None
    return stop.diagnose(f"a value cannot begin with '{stop.char}'", "quote it")


def _sign_of_alias(stop: Stop) -> Diagnostic | None:
    """Catch `memory: * 2`."""
    if not (re.search("an (alias|anchor)", stop.context) and stop.begin):
        return None
    sign = stop.source.lines[stop.begin.line - 1][stop.begin.column - 1]
    message = f"'{sign}' begins an alias or anchor, and no name follows it"
    return stop.diagnose(message, "quote it", stop.begin)


def _lacking_space(stop: Stop) -> Diagnostic | None:
    """Catch `filters:32`, `-Flatten` and `archspec = 1`, and the line under one of these."""
    places = [(stop.span.line, stop.line)] if stop.is_badly_indented else []
    if "simple key" in stop.context and stop.begin:
        places.append((stop.begin.line, stop.source.lines[stop.begin.line - 1]))
    if stop.begins_line:
        places += stop.lines_before[:1]
        # A step without its space takes the lines after it in, whatever these are.
        column = _indent(stop.line)
        block = takewhile(lambda each: _indent(each[1]) >= column, stop.lines_before)
        dashes = [each for each in block if re.match(r"\s*-[A-Za-z]", each[1])]
        places = [*dashes[-1:], *places]
    for number, line in places:
        for pattern, message, hint, is_space in LACKING:
            if slip := re.fullmatch(pattern, line.split(" #")[0].rstrip()):
                column = slip.start(2) + 1
                end = slip.end(2) + 1
                span = replace(stop.span, line=number, column=column, end_line=number)
                span = replace(span, end_column=end)
                remedy = f"write `{slip.expand(hint)}`"
                if is_space:
                    remedy = Suggestion(remedy, slip[2], f"{slip[2]} ")
                return stop.diagnose(message, remedy, span)
    return None


# A line, whose second group is to blame; what is wrong with it; what to write; whether that is a
# space after the group.
LACKING = (
    (r"(\s*)(-)([A-Za-z].*)", "a space is missing after the '-'", r"- \3", True),
    (
        r"([\s-]*\b)([A-Za-z]\w*:)([^\s:/\\].*)",
        "a space is missing after the colon",
        r"\2 \3",
        True,
    ),
    (
        r"([\s-]*\b)([A-Za-z]\w*)\s*=\s*([^=].*)",
        "a key is followed by a colon, not '='",
        r"\2: \3",
        False,
    ),
)


def _lacking_dash(stop: Stop) -> Diagnostic | None:
    """Catch `Dense: 10` and `ReLU` where a step begins with its dash."""
    places = [(stop.span.line, stop.line)] if stop.is_badly_indented else []
    if "simple key" in stop.context and stop.begin:
        places.append((stop.begin.line, stop.source.lines[stop.begin.line - 1]))
    if stop.is_second_colon and stop.begins_line:
        places += [each for each in stop.lines_before[:1] if "-" not in each[1]]
        places.append((stop.span.line, stop.line))
    for number, line in places:
        step = re.fullmatch(r"\s+(([A-Z]\w*)(:.*)?)", line.split(" #")[0].rstrip())
        if step:
            first, end = step.start(2) + 1, step.end(2) + 1
            span = replace(stop.span, line=number, column=first, end_line=number, end_column=end)
            message = f"'{step[2]}' begins no step here: its '- ' is missing"
            hint = f"write `- {step[1]}`, in the column of the other steps"
            return stop.diagnose(message, hint, span)
    return None


def _word_beside_dash(stop: Stop) -> Diagnostic | None:
    """Catch `name: head` in the column of the dash above."""
    above = next((line for _, line in stop.lines_before if _indent(line) <= stop.indent), "")
    step = re.match(r"(\s*-\s+)([A-Za-z]\w*)(:?)", above)
    word = re.match(r"\s*(\w+):", stop.line)
    if not (stop.is_badly_indented and step and word and word[1] in BESIDE):
        return None
    if _indent(above) != stop.indent:
        return None
    message = f"'{word[1]}' stands in the column of the '-' above, not beside '{step[2]}'"
    hint = f"begin it in the column of '{step[2]}'"
    if not step[3]:
        hint = f"write `- {step[2]}:`, and begin '{word[1]}' in the column of '{step[2]}'"
    return stop.diagnose(message, hint, stop.word_at(word))


def _steps_without_layers(stop: Stop) -> Diagnostic | None:
    """Catch `- for: {i: [1, 2]}` with `- Dense: 3` under it."""
    above = re.match(r"\s*(-\s+)?(\w+):", stop.line_before)
    if not (stop.is_badly_indented and above and above[2] in BESIDE):
        return None
    if not (stop.line.lstrip().startswith("- ") and _indent(stop.line_before) < stop.indent):
        return None
    message = f"steps cannot stand under `{above[2]}`"
    return stop.diagnose(message, "write `layers:` above them, beside `for` or `name`")


def _two_keys_in_line(stop: Stop) -> Diagnostic | None:
    """Catch `layers: Dense: 3` and `optimizer: Adam: {learning_rate: 0.1}`."""
    keys = re.match(r"\s*(?:-\s+)?([A-Za-z]\w*):\s+(([A-Za-z_]\w*):\s.*)", stop.line)
    if not (keys and stop.is_second_colon and stop.mark.column == keys.end(3)):
        return None
    outer, inner = keys[1], keys[2].split(" #")[0].rstrip()
    if outer in ("name", "description"):
        return None
    around = next((line for _, line in stop.lines_before if _indent(line) < stop.indent), "")
    in_list = outer in LISTS or re.match(r"[\s-]*branches:", around)
    open_, close = "[]" if in_list else "{}"
    message = f"'{keys[3]}:' cannot follow '{outer}:' in one line"
    hint = f"write {outer}: {open_}{inner}{close}"
    span = replace(stop.span, column=keys.start(3) + 1, end_column=keys.end(3) + 1)
    return stop.diagnose(message, hint, span)


LISTS = ("layers", "else", "augment", "metrics", "callbacks")  # words whose value is a list


def _two_keys_in_braces(stop: Stop) -> Diagnostic | None:
    """Catch `{at: head, replace: Dense: 3}`."""
    keys = re.search(r"([A-Za-z_]\w*):\s+([A-Za-z_]\w*)$", stop.line[: stop.mark.column])
    if not ("flow mapping" in stop.context and stop.char == ":" and keys):
        return None
    rest = stop.line[stop.mark.column :]
    value = re.match(r":\s*([^,(){}\[\]#\s]+|\{[^{}]*\}|\[[^\[\]]*\])\s*[,}]", rest)
    hint = f"write {keys[1]}: {{{keys[2]}: {value[1] if value else '...'}}}"
    span = replace(stop.span, column=keys.start(2) + 1, end_column=keys.end(2) + 2)
    return stop.diagnose(f"'{keys[2]}:' cannot follow '{keys[1]}:' in one line", hint, span)


def _key_under_value(stop: Stop) -> Diagnostic | None:
    """Catch `- Dense: 10` with a deeper `units: 3` or `name: head` under it."""
    above = re.fullmatch(r"(\s*(?:-\s+)?)([A-Za-z]\w*):\s+(\S.*)", stop.line_before)
    word = re.match(r"\s*(\w+):\s*(.*)", stop.line)
    if not (above and word and len(above[1]) < stop.indent and stop.begins_line):
        return None
    if stop.commented_key or not (stop.is_second_colon or stop.is_badly_indented):
        return None
    owner, value, given = above[2], above[3], f"{word[1]}: {word[2].split(' #')[0].rstrip()}"
    message = f"'{word[1]}' cannot stand under '{owner}: {value}', which has a value already"
    if word[1] in BESIDE:
        hint = f"begin it in the column of '{owner}'"
    elif value[0] == "{" and value[-1] == "}":
        hint = f"put it inside the braces: {', '.join(filter(None, [value[:-1], given]))}}}"
    elif "-" in above[1]:
        hint = f"give {value} its name too, in place of NAME: {owner}: {{NAME: {value}, {given}}}"
    else:
        hint = f"begin it in the column of '{owner}', if it belongs beside it"
    return stop.diagnose(message, hint, stop.word_at(word))


def _no_colon_above(stop: Stop) -> Diagnostic | None:
    """Catch `- Dense` with `units: 3` under it."""
    opener = re.fullmatch(r"(\s*)-\s+([A-Za-z]\w*)", stop.line_before)
    word = re.match(r"\s*([\w-]+)\s*:", stop.line)
    if not (opener and word and len(opener[1]) < stop.indent):
        return None
    if not (stop.is_second_colon or re.search("'-' indicator|<block end>", stop.problem)):
        return None
    message = f"'{word[1]}' cannot follow '- {opener[2]}'"
    hint = f"a colon is missing: write `- {opener[2]}:`"
    if word[1] not in BESIDE:
        hint += ", and indent what belongs to it"
    return stop.diagnose(message, hint, stop.word_at(word))


def _no_colon_before_brace(stop: Stop) -> Diagnostic | None:
    """Catch `- Dense {units: 3}`."""
    glued = re.match(r"[\s-]*([A-Za-z]\w*)\s*\{\s*\w+\s*:", stop.line)
    if not (glued and stop.is_second_colon):
        return None
    message = f"'{glued[1]}' is not followed by a colon"
    return stop.diagnose(
        message, f"a colon is missing: write `{glued[1]}: {{...}}`", stop.word_at(glued)
    )


def _arguments_without_braces(stop: Stop) -> Diagnostic | None:
    """Catch `- Dense: 10, activation: relu`."""
    line = stop.line.split(" #")[0].rstrip()
    step = re.fullmatch(r"\s*- +([A-Za-z]\w*): +(?:\w+: +)?[^\s,:]+((?:, *\w+: +[^,:]+)+)", line)
    if not (step and stop.is_second_colon):
        return None
    hint = f"several arguments stand in braces, each with its name: {step[1]}: {{...{step[2]}}}"
    return stop.diagnose("a ': ' cannot stand inside a value", hint)


def _second_colon(stop: Stop) -> Diagnostic | None:
    """Catch `description: a net: small`."""
    if not stop.is_second_colon:
        return None
    message = "a ': ' cannot stand inside a value"
    return stop.diagnose(message, "quote the text, or indent the key under its parent")


def _torn_formula(stop: Stop) -> Diagnostic | None:
    """Catch `{units: =min(a, b), use_bias: false}`."""
    in_braces = "{" in stop.line + stop.line_before
    if not (in_braces and re.search(r"=[^,{}]*[\[\](),]", stop.line[: stop.span.column])):
        return None
    return stop.diagnose("inside {...} YAML ends a formula at its brackets and commas", QUOTE)


def _empty_item(stop: Stop) -> Diagnostic | None:
    """Catch `[Dense: 3,, ReLU]`."""
    before = stop.line[: stop.mark.column].rstrip()
    if stop.char != "," or before[-1:] not in (",", "[", "{"):
        return None
    return stop.diagnose("nothing stands before this comma", "there is one comma too many")


def _open_bracket(stop: Stop) -> Diagnostic | None:
    """Catch a `[` or `{` that is not closed up to the end of the file."""
    if "flow" not in stop.context or stop.char or not (unclosed := _unclosed(stop.text)):
        return None
    (bracket, opened), *outer = unclosed
    missing = "".join(CLOSES[each] for each, _ in unclosed)
    hint = f"a '{missing}' is missing"
    if outer:
        hint = f"'{missing}' is missing at the end"
    if len(missing) > MAX_DEPTH:
        hint = f"{len(missing):,} brackets are open at the end"
    notes = tuple(
        Note(f"this '{each}' is not closed either", _mark_span(mark, stop.source))
        for each, mark in outer[:3]
    )
    span = _mark_span(opened, stop.source)
    return stop.diagnose(f"this '{bracket}' is never closed", hint, span, notes)


def _name_in_brackets(stop: Stop) -> Diagnostic | None:
    """Catch `from: [previous, level{i}]`, where YAML reads a mapping behind the name."""
    named = re.search(r"([\w.-]*\w\{[^{}\[\],]*\}[\w.-]*)", stop.line)
    if not ("flow" in stop.context and named and stop.char == "{"):
        return None
    hint = f'quote it: "{named[1]}"'
    return stop.diagnose("inside [...] a name with {...} needs quotes", hint, stop.word_at(named))


def _no_comma(stop: Stop) -> Diagnostic | None:
    """Catch `[3 3: 4]`, and a bracket that is not closed before the next line."""
    if not ("flow" in stop.context and stop.begin):
        return None
    close = "]" if "sequence" in stop.context else "}"
    hint = "close the bracket, or put a comma between the values"
    notes = (Note("the bracket opens here", stop.begin),)
    return stop.diagnose(f"a ',' or '{close}' is missing before this", hint, notes=notes)


def _stray_bracket(stop: Stop) -> Diagnostic | None:
    """Catch `units: 3]`."""
    if stop.char not in ("]", "}"):
        return None
    return stop.diagnose(f"this '{stop.char}' closes nothing", "remove it")


def _no_key(stop: Stop) -> Diagnostic | None:
    """Catch a line without a dash or a colon."""
    if not ("simple key" in stop.context and stop.begin):
        return None
    end = len(stop.source.lines[stop.begin.line - 1]) + 1
    span = replace(stop.begin, end_column=max(stop.begin.end_column, end))
    hint = "a step begins with '- ', a key ends with ':'"
    return stop.diagnose("this is neither a step nor a key", hint, span)


def _indentation(stop: Stop) -> Diagnostic | None:
    if not stop.is_badly_indented:
        return None
    message = "this line's indentation fits nothing above it"
    hint = "indent it as its neighbours"
    if stop.commented_key:
        hint = f"uncomment `{stop.commented_key}` above it as well"
    return stop.diagnose(message, hint)


def _text_after_value(stop: Stop) -> Diagnostic | None:
    """Catch `name: "head" of it`."""
    if "block" not in stop.context:
        return None
    return stop.diagnose("this cannot follow what stands before it", "quote the whole value")


def _unexplained(stop: Stop) -> Diagnostic:
    expected = stop.problem.replace("did not find", "expected")
    expected = expected.replace("expected expected", "expected")
    return stop.diagnose(f"this is not YAML: {expected}", None)


# PyYAML has the same words for several causes. The first rule that knows the cause is used, so a
# specific rule comes before a general one: a missing colon before any second colon, for example.
RULES: tuple[Callable[[Stop], Diagnostic | None], ...] = (
    _backslash,
    _open_quote,
    _tab,
    _reserved_sign,
    _sign_of_alias,
    _lacking_space,
    _word_beside_dash,
    _steps_without_layers,
    _two_keys_in_line,
    _key_under_value,
    _lacking_dash,
    _no_colon_above,
    _no_colon_before_brace,
    _arguments_without_braces,
    _second_colon,
    _empty_item,
    _torn_formula,
    _open_bracket,
    _name_in_brackets,
    _two_keys_in_braces,
    _no_comma,
    _stray_bracket,
    _no_key,
    _indentation,
    _text_after_value,
)


# --- places --------------------------------------------------------------------------------------


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _unclosed(text: str) -> list[tuple[str, Any]]:
    """Return the brackets that are open at the end of a text, the innermost first."""
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
    """Return the place of one character; at the end of a file, of its last character."""
    if mark.line >= len(source.lines) or not source.lines[mark.line].strip():
        last = max((n for n, line in enumerate(source.lines, 1) if line.strip()), default=1)
        if last <= mark.line:
            width = max(len(source.lines[last - 1]), 1)
            return Span(source, last, width, last, width + 1)
    return Span(source, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
