"""Text -> `Document`: YAML's values, each with the place it was written at.

PyYAML finds the tokens; everything after that is ours, because its reader takes `1e-4` for text,
`no` for false, `012` for 10 and the last of two equal keys. Scalars are YAML 1.2's core schema.
Whatever is wrong with the text is one diagnostic; nothing here knows what a spec is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from archspec import foreign
from archspec.errors import Diagnostic, Note, Source, Span, SpecError, UserError
from archspec.reading import open_file, reason
from archspec.syntax.yaml_errors import MAX_DEPTH, TOO_DEEP, Loader, explain

MAX_BYTES = 2 * 1024 * 1024
MAX_VALUES = 120_000
MAX_NUMBER = 40

INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what the parser counts as one
WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null")}
COLLECTIONS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!", None}


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A YAML value and its place.

    data: None, bool, int, float, str, a tuple of Values, or a dict of text to Value.
    keys: the places of a mapping's keys. alias: where `*name` was written, if it came by one.
    plain: a scalar without quotes, which is where YAML's traps lie.
    """

    data: Any
    span: Span
    keys: Mapping[str, Span] = field(default_factory=dict)
    alias: Span | None = None
    plain: bool = True

    def get(self, key: str) -> Value | None:
        """The value of a key, or None if this is no mapping or has none or null there."""
        value = self.data.get(key) if isinstance(self.data, dict) else None
        return value if value is not None and value.data is not None else None

    def items(self) -> Iterator[tuple[str, Value]]:
        return iter(self.data.items()) if isinstance(self.data, dict) else iter(())

    def members(self) -> Iterator[tuple[str, Span, Value]]:
        """The keys, their places and the values of a mapping."""
        for name, value in self.items():
            yield name, self.key(name), value

    def entries(self, key: str) -> Iterator[tuple[str, Span, Value]]:
        """The members of the mapping under a key, if there is one."""
        inside = self.get(key)
        return inside.members() if inside is not None else iter(())

    def inside(self, path: Sequence[str]) -> Value:
        """The value at a path of arguments, as far as it goes; names of objects are stepped over.

        `l2` leads to 3 in {l2: 3}, in {L2: {l2: 3}} and in {L2: 3}.
        """
        if not isinstance(self.data, dict) or not path:
            return self
        if path[0] in self.data:
            return self.data[path[0]].inside(path[1:])  # type: ignore[no-any-return]
        if len(self.data) == 1:
            (only,) = self.data.values()
            return only.inside(path)  # type: ignore[no-any-return]
        return self

    def key(self, name: str) -> Span:
        """The place of a key; of the whole value if it has no such key."""
        return self.keys.get(name, self.span)

    def notes(self) -> tuple[Note, ...]:
        return (Note("used here by its alias", self.alias),) if self.alias else ()


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A file's one value, and the file it came from (None for text given in memory)."""

    root: Value
    source: Source
    path: Path | None = None


def plain(value: Value) -> Any:
    """The data alone, as lists, dicts and scalars."""
    if isinstance(value.data, dict):
        return {key: plain(each) for key, each in value.data.items()}
    if isinstance(value.data, tuple):
        return [plain(each) for each in value.data]
    return value.data


def texts(value: Value) -> Iterator[str]:
    """Every text in a value, keys left out."""
    stack = [value]
    while stack:
        data = stack.pop().data
        if isinstance(data, str):
            yield data
        elif isinstance(data, dict | tuple):
            stack += data.values() if isinstance(data, dict) else data


def value_of(data: Any, span: Span) -> Value:
    """A Value made of plain data, all of it at one place."""
    if isinstance(data, Mapping):
        keys = {str(key): span for key in data}
        return Value({str(key): value_of(each, span) for key, each in data.items()}, span, keys)
    if isinstance(data, list | tuple):
        return Value(tuple(value_of(each, span) for each in data), span)
    finite = not isinstance(data, float) or isfinite(data)
    if data is None or (isinstance(data, bool | int | float | str) and finite):
        return Value(data, span)
    raise UserError(f"a param must be a number, text, a list or a mapping, got {data!r}")


def read_file(path: Path, name: str | None = None) -> Document:
    """The document in a file. Raises `UserError` if it cannot be read, `SpecError` if no YAML.

    name: what messages call the file; its path by default.
    """
    try:
        with open_file(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot read the file: {reason(error)}") from error
    return read_text(_text(raw, str(path)), name or str(path), path)


def read_input(stream: BinaryIO, name: str) -> Document:
    """The document in a stream, which names other files from the working folder.

    name: what messages call it, and the network if it has no name. Raises as `read_file` does.
    """
    try:
        raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{name}: cannot read it: {reason(error)}") from error
    return read_text(_text(raw, name), name, Path(name))


def _text(raw: bytes, name: str) -> str:
    if other := foreign.file_of(raw):
        what, hint = other
        raise UserError(f"{name}: this is {what}, not a spec", hint)
    if len(raw) > MAX_BYTES:
        raise UserError(
            f"{name}: the file is over the limit of {MAX_BYTES:,} bytes",
            "a spec this large is written by a loop (`for`), not by hand",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{name}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        ) from error
    if other := foreign.text_of(text):
        what, hint = other
        raise UserError(f"{name}: this is {what}, not a spec", hint)
    return text


def read_text(text: str, name: str, path: Path | None = None, shown: str | None = None) -> Document:
    """The document in a text. Raises `SpecError` if it is no YAML.

    shown: the part of a command that the text is from, which messages quote instead; its lines must
        be as long.
    """
    source = Source(name, tuple(LINE_END.split(text if shown is None else shown)), shown is None)
    if len(text) > MAX_BYTES:
        raise UserError(f"{name}: over the limit of {MAX_BYTES:,} characters")
    try:
        return Document(_Composer(text, source).document(), source, path)
    except yaml.MarkedYAMLError as error:
        raise SpecError([explain(error, source, text)]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        span = Span(source, line, column, line, column + 1)
        code = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"character U+{code:04X} cannot stand in YAML"
        raise SpecError([Diagnostic("yaml", message, span, "remove it")]) from None


# --- composing -----------------------------------------------------------------------------------


class _Composer:
    """Events -> Values, with bounds on depth and size, counted through aliases."""

    def __init__(self, text: str, source: Source) -> None:
        self.events = yaml.parse(text, Loader=Loader)
        self.source = source
        self.anchors: dict[str, tuple[Value, int]] = {}
        self.open_anchors: set[str] = set()
        self.count = 0

    def next(self) -> Any:
        return next(self.events)

    def document(self) -> Value:
        next(self.events)  # the stream starts
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            self.empty()
        value, _ = self.value(next(self.events), 0)
        next(self.events)  # the document ends
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.fail("yaml", "a file holds one spec, and a second one begins here", event)
        if value.data is None:
            self.empty()
        return value

    def value(self, event: Any, depth: int) -> tuple[Value, int]:
        """A value and the number of values in it, aliases followed."""
        span = self.span(event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, span)
        self.grow(1, event)
        if depth > MAX_DEPTH:
            self.fail("too-deep", TOO_DEEP, event)
        if event.anchor:
            self.open_anchors.add(event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            value, size = self.scalar(event, span), 1
        else:
            if event.tag not in COLLECTIONS:
                self.tag(event)
            read = self.sequence if isinstance(event, yaml.SequenceStartEvent) else self.mapping
            value, size = read(span, depth)
        if event.anchor:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = value, size
        return value, size

    def alias(self, event: Any, span: Span) -> tuple[Value, int]:
        if event.anchor in self.open_anchors:
            self.fail("alias", f"the alias '*{event.anchor}' stands inside its own anchor", event)
        if event.anchor not in self.anchors:
            self.fail("alias", f"the alias '*{event.anchor}' has no anchor before it", event)
        value, size = self.anchors[event.anchor]
        self.grow(size, event)
        return replace(value, alias=span), size

    def sequence(self, span: Span, depth: int) -> tuple[Value, int]:
        items, size = [], 1
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            item, inside = self.value(event, depth + 1)
            items.append(item)
            size += inside
        return Value(tuple(items), self.upto(span, event)), size

    def mapping(self, span: Span, depth: int) -> tuple[Value, int]:
        data: dict[str, Value] = {}
        keys: dict[str, Span] = {}
        merged: list[Value] = []
        size = 1
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                braces = isinstance(event, yaml.MappingStartEvent)
                hint = "a param is used by a formula: =width" if braces else None
                message = "a key must be a word, not a list, mapping or alias"
                self.fail("yaml", message, event, hint)
            key, place = event.value, self.span(event)
            if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
                self.tag(event)
            if event.anchor:
                self.anchors[event.anchor] = Value(key, place), 1
            value, inside = self.value(next(self.events), depth + 1)
            size += inside
            if key == "<<" and event.implicit[0]:
                merged += value.data if isinstance(value.data, tuple) else [value]
                if not all(isinstance(each.data, dict) for each in merged):
                    self.fail(
                        "yaml", "a merge key '<<' takes a mapping or a list of mappings", event
                    )
                continue
            if key in data:
                raise SpecError(
                    [
                        Diagnostic(
                            "duplicate-key",
                            f"the key '{key}' is given twice",
                            place,
                            # `- Dense: 3` and `Dense: 4` under it: the second lacks its dash
                            "keep one of them"
                            + (", or begin a new item with '- '" if key[:1].isupper() else ""),
                            (Note("first given here", keys[key]),),
                        )
                    ]
                )
            data[key], keys[key] = value, place
        for each in merged:  # the mapping's own keys win, then the earlier of several merged
            for key, value in each.items():
                if key not in data:
                    data[key], keys[key] = replace(value, alias=each.alias), each.key(key)
        return Value(data, self.upto(span, event), keys), size

    def scalar(self, event: Any, span: Span) -> Value:
        text, tag = event.value, event.tag
        unquoted = event.style is None or event.style == ""
        if tag is not None and tag not in TAGS and tag != "!":
            self.tag(event)
        if TAGS.get(tag, "str") == "str" and (tag in TAGS or tag == "!" or not unquoted):
            return Value(text, span, plain=False)
        data = self.resolve(text, event)
        wanted = TAGS.get(tag)
        kinds = {"int": int, "float": float, "bool": bool, "null": type(None)}
        if wanted and wanted != "str" and type(data) is not kinds[wanted]:
            if not (wanted == "float" and type(data) is int):
                self.fail("yaml", f"'{text}' is not what the tag !!{wanted} says", event)
            data = float(data)
        return Value(data, span)

    def resolve(self, text: str, event: Any) -> Any:
        if text in WORDS:
            return WORDS[text]
        if INTEGER.fullmatch(text):
            self.short(text, event)
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:] if base != 10 else text, base)
        if FLOAT.fullmatch(text):
            self.short(text, event)
            number = float(text)
            if abs(number) == float("inf"):
                self.fail("yaml", f"the number {text} is too large", event)
            return number
        if text.lower().lstrip("+-") in (".inf", ".nan"):
            self.fail("yaml", f"{text} is not a number that a spec can use", event)
        return text

    def short(self, text: str, event: Any) -> None:
        if len(text) > MAX_NUMBER:
            self.fail("yaml", f"a number of {len(text)} digits is too long", event)

    def grow(self, size: int, event: Any) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            self.fail(
                "too-large",
                f"the file holds more than {MAX_VALUES:,} values, aliases followed",
                event,
                "write repeated layers with `for` or `repeat`",
            )

    def tag(self, event: Any) -> None:
        written = event.tag.replace("tag:yaml.org,2002:", "!!")
        self.fail("tag", f"the tag '{written}' is not allowed", event, "a spec is plain YAML data")

    def empty(self) -> None:
        hint = "start one: archspec new FILE --from lenet5"
        start = Span(self.source, 1, 1, 1, 2)
        raise SpecError([Diagnostic("empty", "the file holds nothing", start, hint)])

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def upto(self, span: Span, event: Any) -> Span:
        end = event.end_mark
        return replace(span, end_line=end.line + 1, end_column=end.column + 1)

    def fail(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        raise SpecError([Diagnostic(code, message, self.span(event), hint)])
