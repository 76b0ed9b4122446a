"""Define errors, and lay them out for people: no other module does.

A `Span` is a place in a text, a `Diagnostic` states what is wrong there and how to mend it, and a
`SpecError` carries all the diagnostics of one spec. Rules deeper down raise `Refused`, which knows
*what* is wrong; the stage that called the rule knows *where*, and makes the diagnostic.

    specs/resnet18.yaml:14:27: error: Conv2D has no argument 'kernal_size' [unknown-argument]
       14 |   - Conv2D: {filters: 64, kernal_size: 3}
          |                           ^^^^^^^^^^^
    hint: did you mean 'kernel_size'?
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

MAX_ERRORS = 100
MAX_KNOWN = 1000  # names among which a misspelt one is sought
MAX_NEAR = 9  # words that are compared with the nearest
MAX_MESSAGE = 600
NEARLY = 0.8  # how alike they are, of 1, if one is more than the beginning of the other
MARGIN = 0.12  # by how much more alike it must be than the next word to be the one that is meant
Paint = Callable[[str, str], str]  # (part of a message, its severity) -> the same in colour
SURE = 0.9  # how alike two words are, of 1, for one to be the other misspelt


def _plain(text: str, severity: str) -> str:
    return text


class Source(Struct, frozen=True, eq=False):
    """A text and the name that messages call it by; `file` unless it is a part of a command."""

    name: str
    lines: tuple[str, ...]
    file: bool = True


class Span(Struct, frozen=True):
    """A place in a source: lines and columns count from 1, the end is exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.source.lines else ""  # else the whole file
        return f"{self.source.name}{place}"

    def holds(self, other: Span) -> bool:
        """Return whether another place lies in this one."""
        start, end = (self.line, self.column), (self.end_line, self.end_column)
        inside = start <= (other.line, other.column) and (other.end_line, other.end_column) <= end
        return self.source is other.source and inside

    def lines(self) -> Iterator[tuple[Span, str]]:
        """Yield the part of the place in each line, with its text."""
        for number in range(self.line, min(self.end_line, len(self.source.lines)) + 1):
            text = self.source.lines[number - 1]
            first = self.column if number == self.line else 1
            last = self.end_column if number == self.end_line else len(text) + 1
            yield Span(self.source, number, first, number, last), text[first - 1 : last - 1]

    def within(self, start: int, length: int) -> Span:
        """Return the part of a one-line span from its character `start` on, `length` long."""
        if self.end_line != self.line or self.column + start > self.end_column:
            return self
        first = self.column + start
        last = min(first + max(length, 1), max(self.end_column, first + 1))
        return Span(self.source, self.line, first, self.line, last)


class Note(Struct, frozen=True):
    """A second place that belongs to an error: a call, a declaration, an anchor."""

    text: str
    span: Span


class Fix(Struct, frozen=True):
    """A change that mends a text: `text` takes the place of what stands at `span`, in one line."""

    span: Span
    text: str

    @property
    def replaced(self) -> str:
        """The text at the span as it is."""
        return "\n".join(text for _, text in self.span.lines())


class Suggestion(str):
    """A hint which is sure of the words that are meant: `meant` instead of `given`.

    declared: whether specs declare such words, so that the declaration may be what is misspelt.
    """

    __slots__ = ("declared", "given", "meant")

    given: str
    meant: str
    declared: bool

    def __new__(cls, hint: str, given: str, meant: str, declared: bool = False) -> Suggestion:
        made = super().__new__(cls, hint)
        made.given, made.meant, made.declared = given, meant, declared
        return made

    def __reduce__(self) -> tuple[type, tuple[str, str, str, bool]]:  # for copies and processes
        return Suggestion, (str(self), self.given, self.meant, self.declared)

    def followed_by(self, more: str) -> Suggestion:
        """Return the hint with more words after it."""
        return Suggestion(f"{self}{more}", self.given, self.meant, self.declared)


class Diagnostic(Struct, frozen=True):
    """One thing that is wrong with a spec.

    code: what kind of fault it is, such as "unknown-argument"; it never changes.
    message: what is wrong. span: where. hint: how to mend it, if that is known.
    notes: other places that belong to it, such as the call of a block.
    severity: "error", "warning" for what does not break the spec, "advice" for what is reported on
        demand, or "note" for information.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None
    notes: tuple[Note, ...] = ()
    severity: str = "error"

    def __str__(self) -> str:
        return self.laid_out(_plain)

    @property
    def fix(self) -> Fix | None:
        """The change that the hint is sure of, where the text has the words once; else None."""
        if not isinstance(self.hint, Suggestion) or not self.span.source.file:
            return None
        given = re.compile(rf"(?<!\w){re.escape(self.hint.given)}(?!\w)")
        found = [
            replace(line, column=line.column + start, end_column=line.column + end)
            for line, text in self.span.lines()
            for start, end in (match.span() for match in given.finditer(text))
        ]
        return Fix(found[0], self.hint.meant) if len(found) == 1 else None

    def laid_out(self, paint: Paint) -> str:
        """Return the text for people. paint: colours the severity and the carets."""
        severity = paint(self.severity, self.severity)
        place = f"{self.span}: {severity}: {in_a_line(self.message)} [{self.code}]"
        lines = [place, *_excerpt(self.span, lambda carets: paint(carets, self.severity))]
        lines += [f"{note.span}: note: {note.text}" for note in self.notes]
        if self.hint:
            lines.append(f"hint: {in_a_line(self.hint)}")
        return "\n".join(lines)


class ArchspecError(Exception):
    """An error that the user can mend: the base of `SpecError` and `UserError`. Its text is
    complete: place, message and remedy.
    """

    def __str__(self) -> str:
        return self.laid_out(_plain)

    def laid_out(self, paint: Paint) -> str:
        """Return the text for people. paint: as `Diagnostic.laid_out` takes it."""
        raise NotImplementedError

    def _render_traceback_(self) -> list[str]:
        """Return the lines that a notebook shows instead of a traceback."""
        return str(self).split("\n")


class SpecError(ArchspecError):
    """A spec is broken.

    diagnostics: every error and warning, sorted by place.
    graph: the `Graph` of the layers that could be reached, which can be drawn; None if there are
        none.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], graph: Any = None) -> None:
        self.diagnostics = in_order(diagnostics)
        self.graph = graph
        super().__init__(self.laid_out(_plain))

    def laid_out(self, paint: Paint) -> str:
        return "\n".join(each.laid_out(paint) for each in self.diagnostics)


class AtArgument(Struct, frozen=True):
    """The argument that is wrong, and the path to the wrong part of its value.

    For {kernel_regularizer: {L2: {l2: -1}}} the argument is `kernel_regularizer`, and the path in
    it is `l2`: names of objects are left out.
    """

    name: str
    inside: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        return (self.name, *self.inside)


class AtFormula(Struct, frozen=True):
    """The wrong part of a formula: where it starts in the text, and its length.

    names: those in the part whose values are wrong; none where the formula itself is.
    """

    start: int
    length: int
    names: tuple[str, ...] = ()


class AtName(Struct, frozen=True):
    """A name in a reference that nothing has."""

    name: str


class Refused(Exception):
    """A rule refuses a value, and does not know its place in a file.

    at: the wrong part, if there is one, for the carets.
    """

    def __init__(
        self,
        message: str,
        at: AtArgument | AtFormula | AtName | None = None,
        code: str = "shape",
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.at, self.code, self.hint, self.notes = message, at, code, hint, notes


class Unfit(Refused):
    """A type refuses a value; the message follows the name of the value."""


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics sorted by file and place, each once."""
    unique: dict[object, Diagnostic] = {}
    for each in diagnostics:
        unique.setdefault((each.span, each.code, each.message), each)
    return tuple(sorted(unique.values(), key=_find_place))


def _find_place(diagnostic: Diagnostic) -> tuple[list[Any], int, int]:
    """Return what diagnostics are sorted by: file and place, where `layers[9]` is before
    `layers[10]`."""
    span = diagnostic.span
    name = [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", span.source.name[:1000])]
    return name, span.line, span.column


def enough(span: Span) -> Diagnostic:
    """Return the diagnostic that ends a list of too many errors."""
    message = f"more than {MAX_ERRORS} errors: the rest was not checked"
    return Diagnostic("too-many-errors", message, span, "mend the first ones and check again")


def listed(noun: str, names: list[str]) -> str:
    """Return a noun with names after it: `param 'a'`, `params 'a', 'b' and 'c'`."""
    *others, last = (f"'{name}'" for name in names)
    return f"{noun}s {', '.join(others)} and {last}" if others else f"{noun} {last}"


def one_of(names: Iterable[str]) -> str:
    """Return a hint that names words which may be meant: `did you mean 'a', 'b' or 'c'?`."""
    *others, last = (f"'{name}'" for name in names)
    listing = f"{', '.join(others)} or {last}" if others else last
    return f"did you mean {listing}?"


def did_you_mean(word: str, known: Iterable[str], declared: bool = False) -> str | None:
    """Return a hint that names the known word closest to a misspelt one, or None.

    It is a `Suggestion` if no other known word is nearly as close. declared: as there.
    """
    found, is_sure = _find_closest(word, known)
    if found is None:
        return None
    hint = one_of([found])
    return Suggestion(hint, word, found, declared) if is_sure else hint


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a misspelt one most likely is, or None.

    If no word is spelt like it, initials (`lr`), a part (`slope`) or a beginning (`BatchNorm`) will
    do.
    """
    return _find_closest(word, known)[0]


def _find_closest(word: str, known: Iterable[str]) -> tuple[str | None, bool]:
    """Return the known word closest to a misspelt one, and whether it alone can be meant."""
    import difflib  # which only errors need

    word = word[:100]
    folded = _folded(word)
    names = sorted(itertools.islice(dict.fromkeys(known), MAX_KNOWN), reverse=True)
    by_fold = {_folded(name): name for name in names}
    swapped = [name for name in names if name != word and sorted(name) == sorted(word)]
    if len(swapped) == 1:  # `form` is `from`, though `for` is spelt more like it
        return swapped[0], not _differ_in_digits(swapped[0], word)
    close = difflib.get_close_matches(folded, by_fold, MAX_NEAR, 0.7)
    # Of the others, those with other numbers are no rivals: `stage1` of a misspelt `stgae2`.
    close = close[:1] + [each for each in close[1:] if not _differ_in_digits(each, folded)]
    ratios = [difflib.SequenceMatcher(None, each, folded).ratio() for each in close]
    parts = [n for n in names if word.casefold() in n.casefold().split("_")]
    if len(parts) == 1 and not (close and ratios[0] >= SURE):
        return parts[0], False  # `bfloat16` is `mixed_bfloat16`, though spelt as `float64`
    begun = [n for n in names if len(folded) > 2 and _folded(n).startswith(folded)]
    if close:
        clear = len(close) == 1 or ratios[0] - ratios[1] > MARGIN
        begins = len(begun) > 1 and ratios[0] < NEARLY  # `kernel` begins several words
        alone = ratios[0] == 1 or (clear and not begins)
        return by_fold[close[0]], alone and not _differ_in_digits(close[0], folded)
    initials = [n for n in names if "_" in n and "".join(p[:1] for p in n.split("_")) == word]
    return next(((found[0], True) for found in (initials, begun) if len(found) == 1), (None, False))


def _differ_in_digits(a: str, b: str) -> bool:
    """Return whether two words have other numbers: `stage3` is no misspelt `stage2`."""
    return re.findall(r"\d+", a) != re.findall(r"\d+", b)


def _folded(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def _excerpt(span: Span, paint: Callable[[str], str]) -> list[str]:
    """Return the source line with its number, and carets under the span, coloured by `paint`."""
    if not 1 <= span.line <= len(span.source.lines):
        return []
    text = span.source.lines[span.line - 1]
    start = min(span.column - 1, len(text))
    end = span.end_column - 1 if span.end_line == span.line else len(text)
    end = max(min(end, len(text)), start + 1)
    if len(text) > 160:  # a long line: show the part around the place
        cut = max(0, start - 60)
        text, start, end = text[cut : cut + 160], start - cut, min(end - cut, 160)
        if cut:
            text = f"...{text[3:]}"
    indent = "".join("\t" if c == "\t" else " " * _width(c) for c in text[:start])
    carets = "^" * max(1, sum(_width(c) for c in text[start:end]))
    return [f"{span.line:5} | {_visible(text)}", f"      | {indent}{paint(carets)}"]


def _width(char: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def in_a_line(text: str) -> str:
    """Return a message as one line that is short enough to read, whatever it quotes."""
    line = _visible(text.replace("\n", "\\n").replace("\t", " "))
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE - 3]}..."


def _visible(text: str) -> str:
    return "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class UserError(ArchspecError):
    """A file, a folder, an option or an argument cannot be used.

    hint: how to mend it, if that is known.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)

    def laid_out(self, paint: Paint) -> str:
        message = f"{paint('error', 'error')}: {self.args[0]}"
        return f"{message}\nhint: {self.hint}" if self.hint else message


def name_missing(error: ModuleNotFoundError) -> UserError | None:
    """Return an error that says how to install a missing package; None for a part of archspec."""
    if str(error.name).partition(".")[0] == "archspec":
        return None
    return UserError(
        f"this needs {error.name}, which is not installed", "pip install 'archspec-keras[run]'"
    )
