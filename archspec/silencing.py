"""Find comments that silence messages, `# archspec: ignore CODE`, and mistakes in them.

    - MaxPooling2D: 2  # archspec: ignore dropped-rows

A comment that is nearly one would silence nothing, and nobody would notice: it gets a warning.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from archspec.errors import Diagnostic, Source, Span, did_you_mean
from archspec.graph import Graph, Silencer

SILENT_ON_DEMAND = ("warning", "advice")
CODE = r"[a-z]+(?:[-_][a-z]+)*"  # with `_` it is unknown, and the hint has it with `-`
WELL_FORMED = re.compile(rf"archspec:\s*ignore\s+({CODE}(?:\s*,\s*{CODE})*)")
NAME = r"\b(?:archspec|arch-spec|arch_spec|archpsec|arcspec|achspec)"
NEARLY = re.compile(
    rf"{NAME}(?:\W*ignore\b|\s*[:;=,]\s*(?:ig\w*|in?g\w*|disable\w*|silence\w*|noqa|skip)\b)",
    re.IGNORECASE,
)
SHARED = ("blocks", "edit")  # the parts of a spec that may work in another network


class Comment(Struct, frozen=True):
    """A part of a comment, from a `#` to the next, that is meant to silence.

    codes: what it silences, each with its place; none if it is not well-formed.
    """

    span: Span
    text: str
    codes: tuple[tuple[str, Span], ...] = ()


def heard(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics without the warnings and the advice that a comment silences.

    The comment `# archspec: ignore CODE` stands at the end of the line that a diagnostic is about,
    or of a line that one of its notes is about, such as the call of a block.
    """
    return tuple(each for each in diagnostics if not _is_silenced(each))


def _is_silenced(diagnostic: Diagnostic) -> bool:
    return _can_be_silenced(diagnostic) and any(
        diagnostic.code == code
        for span in _places(diagnostic)
        if span.source.file
        for comment in _read_line(span.source, span.line)[:1]
        for code, _ in comment.codes
    )


def _can_be_silenced(diagnostic: Diagnostic) -> bool:
    on_demand = diagnostic.severity in SILENT_ON_DEMAND
    return on_demand and diagnostic.code not in ("contract", "ignore")


def _places(diagnostic: Diagnostic) -> tuple[Span, ...]:
    return (diagnostic.span, *(note.span for note in diagnostic.notes))


def find_slips(source: Source) -> tuple[Diagnostic, ...]:
    """Return a warning for each comment of a file that is nearly one that silences, and for each
    code in one that nothing has."""
    return tuple(
        slip
        for number, text in enumerate(source.lines, 1)
        if _may_silence(text)
        for slip in _explain_line(_read_line(source, number))
    )


def find_silencers(
    source: Source, keys: Iterable[tuple[str, Span]], graph: Graph
) -> tuple[Silencer, ...]:
    """Return the codes in the comments of a file that must silence something, or are idle.

    keys: those of the whole file. What a spec does not reach, and the blocks that another file may
    import, may have a comment for another network.
    """
    lines = [number for number, text in enumerate(source.lines, 1) if _may_silence(text)]
    if not lines:
        return ()
    starts = sorted((span.line, name) for name, span in keys if span.source is source)
    left_out = [span for span in graph.unchecked if span.source is source]
    found = []
    for number in lines:
        part = max((each for each in starts if each[0] <= number), default=(0, ""))[1]
        alone = source.lines[number - 1].lstrip().startswith("#")
        shared = part in SHARED or (part == "layers" and bool(graph.edits))
        if alone or not (shared or any(_spans(each, number) for each in left_out)):
            comments = _read_line(source, number)[:1]
            found += [Silencer(*each) for comment in comments for each in comment.codes]
    return tuple(found)


def _spans(span: Span, line: int) -> bool:
    """Return whether some of a line is in a span; one of YAML ends where the next value begins."""
    return any(part.line == line and text.strip() for part, text in span.lines())


def find_idle(
    silencers: Iterable[Silencer],
    codes: Collection[str],
    found: Iterable[Diagnostic],
    severity: str,
) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each of these codes that silences nothing.

    codes: those that were looked for. found: what was found, silenced or not.
    """
    silenced = {
        (each.code, span.source.name, span.line)
        for each in found
        if _can_be_silenced(each)
        for span in _places(each)
    }
    return tuple(
        _explain_idle(each, severity)
        for each in silencers
        if each.code in codes
        if (each.code, each.span.source.name, each.span.line) not in silenced
    )


def _explain_idle(silencer: Silencer, severity: str) -> Diagnostic:
    message = f"this comment silences nothing: its line has no '{silencer.code}'"
    hint = "remove it, or put it at the end of the line that the message is about"
    if silencer.code == "contract":
        message = "this comment silences nothing: a broken contract is an error"
        hint = "remove it, and change the network or the contract"
    return Diagnostic("ignore", message, silencer.span, hint, (), severity)


def _may_silence(text: str) -> bool:
    """Return whether a line may have such a comment; most lines of most files have none."""
    return "#" in text and NEARLY.search(text) is not None


def _read_line(source: Source, number: int) -> list[Comment]:
    """Return the parts of a line's comment that are meant to silence."""
    lines = source.lines[number - 1 : number]
    if not lines or not _may_silence(lines[0]):
        return []
    line, start = lines[0], find_comment(lines[0])
    alone = not line[:start].strip()
    found = []
    for match in re.finditer(r"#+\s*(.*?)\s*(?=\s#|$)", line[start:]):
        first, text = start + match.start(1) + 1, match[1]
        near = NEARLY.search(text)
        # Alone on its line, a text that speaks of such a comment is one for the reader.
        if near is None or (alone and (near.start() or match.start())):
            continue
        exact, whole = WELL_FORMED.fullmatch(text), start + match.start() + 1
        codes = [
            (code[0], Span(source, number, at, number, at + len(code[0])))
            for code in (re.finditer(CODE, exact[1]) if exact else ())
            for at in [first + exact.start(1) + code.start() if exact else 0]
        ]
        span = Span(source, number, whole, number, first + len(text))
        found.append(Comment(span, text, tuple(codes)))
    return found


def find_comment(line: str) -> int:
    """Return where the comment of a line starts; the end of the line if it has none."""
    quote = ""
    for at, char in enumerate(line):
        before = line[at - 1] if at else " "
        if quote:
            quote = "" if char == quote and before != "\\" else quote
        elif char in "'\"" and before in " \t[{,:":
            quote = char
        elif char == "#" and before.isspace():
            return at
    return len(line)


def _explain_line(comments: list[Comment]) -> Iterator[Diagnostic]:
    for comment in comments[1:]:
        codes = ", ".join(code for each in comments for code, _ in each.codes)
        hint = f"write `# archspec: ignore {codes or 'CODE, CODE'}`"
        yield _warn("a line has one such comment, and this is the second", comment.span, hint)
    for comment in comments[:1]:
        if not comment.codes:
            yield _explain_form(comment)
        known = _list_codes() if comment.codes else ()
        for code, span in comment.codes:
            if code not in known:
                hint = did_you_mean(code, known) or "the code is in the brackets of the message"
                yield _warn(f"no message has the code '{code}'", span, hint)


def _explain_form(comment: Comment) -> Diagnostic:
    near = NEARLY.search(comment.text)
    assert near is not None
    words = re.findall(r"[a-z]+(?:-[a-z]+)*", comment.text[near.end() :].casefold())
    known = _list_codes()
    codes = ", ".join(word for word in words if word in known or "-" in word)
    hint = f"write `# archspec: ignore {codes or 'CODE'}`"
    hint += ", with a comma between codes" if "," in codes else ""
    hint += "; a text has its own `#`, as in `# why  # archspec: ignore CODE`" * (near.start() > 0)
    if not words:
        hint += ", with the code in the brackets of the message"
    return _warn("this comment silences nothing: it is not well-formed", comment.span, hint)


def _warn(message: str, span: Span, hint: str) -> Diagnostic:
    return Diagnostic("ignore", message, span, hint, (), "warning")


def _list_codes() -> Collection[str]:
    from archspec.error_formats import CODES

    return CODES
