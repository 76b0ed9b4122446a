"""Read YAML text into a `Document`: values, each with the place where it is written.

PyYAML finds the tokens; everything after that is ours, because its reader takes `1e-4` for text,
`no` for false, `012` for 10 and the last of two equal keys. Scalars follow YAML 1.2's core schema.
A mistake of YAML is one diagnostic, and what `damage` leaves of the text is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from msgspec import Struct, field
from msgspec.structs import replace

from archspec import foreign
from archspec.errors import Diagnostic, Note, Source, Span, SpecError, Suggestion, UserError
from archspec.reading import open_file, reason
from archspec.syntax.yaml_errors import LINE_END, MAX_DEPTH, TOO_DEEP, Loader, explain

MAX_BYTES = 2 * 1024 * 1024
MAX_VALUES = 120_000
MAX_NUMBER = 40
MAX_MISTAKES = 5  # before each of which the whole text is read again
PASSABLE = ("yaml", "tag", "alias", "duplicate-key")  # mistakes after which reading continues

INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null")}
COLLECTIONS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!", None}


class Value(Struct, frozen=True, eq=False):
    """A YAML value and its place.

    data: None, bool, int, float, str, a tuple of Values, or a dict of text to Value.
    keys: the places of a mapping's keys. alias: where `*name` is written, if the value came by one.
    is_plain: whether it is a scalar without quotes, which is where YAML's traps lie.
    """

    data: Any
    span: Span
    keys: Mapping[str, Span] = field(default_factory=dict)
    alias: Span | None = None
    is_plain: bool = True

    @property
    def is_blank(self) -> bool:
        """Whether nothing at all is written: `params:`, and not `params: null`."""
        start, end = (self.span.line, self.span.column), (self.span.end_line, self.span.end_column)
        return self.data is None and start == end

    def get(self, key: str) -> Value | None:
        """Return the value of a key; None if it is missing or null, or if this is no mapping."""
        value = self.data.get(key) if isinstance(self.data, dict) else None
        return value if value is not None and value.data is not None else None

    def items(self) -> Iterator[tuple[str, Value]]:
        """Yield the keys and values of a mapping; nothing for other values."""
        return iter(self.data.items()) if isinstance(self.data, dict) else iter(())

    def entries(self) -> Iterator[tuple[str, Span, Value]]:
        """Yield the key, the key's place and the value of each entry of a mapping."""
        for name, value in self.items():
            yield name, self.key_span(name), value

    def entries_of(self, key: str) -> Iterator[tuple[str, Span, Value]]:
        """Yield the entries of the mapping under a key, if there is one."""
        inside = self.get(key)
        return inside.entries() if inside is not None else iter(())

    def find(self, path: Sequence[str]) -> Value:
        """Return the value at a path of arguments, or the last value on the way that is there.

        Names of objects are not in the path: `l2` leads to 3 in {l2: 3}, in {L2: {l2: 3}} and in
        {L2: 3}.
        """
        if not isinstance(self.data, dict) or not path:
            return self
        if path[0] in self.data:
            return self.data[path[0]].find(path[1:])  # type: ignore[no-any-return]
        if len(self.data) == 1:
            (only,) = self.data.values()
            return only.find(path)  # type: ignore[no-any-return]
        return self

    def key_span(self, name: str) -> Span:
        """Return the place of a key; of the whole value if it has no such key."""
        return self.keys.get(name, self.span)

    def notes(self) -> tuple[Note, ...]:
        """Return a note on the alias that the value came by, if it did."""
        return (Note("used here by its alias", self.alias),) if self.alias else ()


class Document(Struct, frozen=True, eq=False):
    """The value of a YAML file, and the file's path (None for text given in memory).

    errors: the mistakes that keep the text from being YAML. rest: the value without what they make
    unreadable; None if nothing is left that is certain.
    """

    rest: Value | None
    source: Source
    path: Path | None = None
    errors: tuple[Diagnostic, ...] = ()

    @property
    def root(self) -> Value:
        """The whole value. Raises `SpecError` if the text is not YAML."""
        if self.errors or self.rest is None:
            raise SpecError(self.errors)
        return self.rest


def to_plain(value: Value) -> Any:
    """Return a value as plain lists, dicts and scalars, without places."""
    if isinstance(value.data, dict):
        return {key: to_plain(each) for key, each in value.data.items()}
    if isinstance(value.data, tuple):
        return [to_plain(each) for each in value.data]
    return value.data


def iter_texts(value: Value) -> Iterator[str]:
    """Yield every text in a value, but for keys."""
    return (text for _, text in iter_keyed_texts(value))


def iter_keyed_texts(value: Value, key: str | None = None) -> Iterator[tuple[str | None, str]]:
    """Yield every text in a value with the key that it stands at, None in a list.

    key: that of the value itself.
    """
    stack = [(key, value)]
    while stack:
        at, each = stack.pop()
        if isinstance(each.data, str):
            yield at, each.data
        elif isinstance(each.data, dict):
            stack += each.data.items()
        elif isinstance(each.data, tuple):
            stack += ((None, item) for item in each.data)


def make_value(data: Any, span: Span) -> Value:
    """Return plain data as a Value, all of it at one place.

    Raises `UserError` for data that YAML cannot hold, such as NaN or a NumPy array.
    """
    if isinstance(data, Mapping):
        keys = {str(key): span for key in data}
        return Value({str(key): make_value(each, span) for key, each in data.items()}, span, keys)
    if isinstance(data, list | tuple):
        return Value(tuple(make_value(each, span) for each in data), span)
    finite = not isinstance(data, float) or isfinite(data)
    if data is None or (isinstance(data, bool | int | float | str) and finite):
        return Value(data, span)
    raise UserError(f"a param must be a number, text, a list or a mapping, got {data!r}")


def read_file(path: Path, name: str | None = None) -> Document:
    """Read the document in a file.

    name: what messages call the file; its path by default. Raises `UserError` if the file cannot be
    read.
    """
    try:
        with open_file(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot read the file: {reason(error)}") from error
    return read_text(decode(raw, str(path)), name or str(path), path)


def read_input(stream: BinaryIO, name: str) -> Document:
    """Read the document in a stream; paths in it start from the working folder.

    name: what messages call the stream, and the network if it has no name. Raises as `read_file`
    does.
    """
    try:
        raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{name}: cannot read it: {reason(error)}") from error
    return read_text(decode(raw, name), name, Path(name))


def decode(raw: bytes, name: str) -> str:
    """Return the text of a file from its bytes. Raises `UserError` for what is plainly no spec."""
    if other := foreign.recognize_file(raw, name):
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
    if other := foreign.recognize_text(text):
        what, hint = other
        raise UserError(f"{name}: this is {what}, not a spec", hint)
    return text


def read_text(text: str, name: str, path: Path | None = None, shown: str | None = None) -> Document:
    """Read the document in a text.

    shown: the part of a command that the text is from, which messages quote instead of it; its
    lines must be as long as the text's. The `root` of the document raises `SpecError` if the text
    is not YAML.
    """
    source = Source(name, tuple(LINE_END.split(text if shown is None else shown)), shown is None)
    if len(text) > MAX_BYTES:
        raise UserError(f"{name}: over the limit of {MAX_BYTES:,} characters")
    errors: list[Diagnostic] = []
    left: str | None = text
    for _ in range(MAX_MISTAKES):
        if left is None:
            break
        try:
            return Document(_compose(left, source), source, path, tuple(errors))
        except SpecError as error:
            (found,) = error.diagnostics
        # What is cut out may have had an anchor, or be all that there is: no mistake of its own.
        if not errors or found.code not in ("alias", "empty"):
            errors.append(found)
        if found.code not in PASSABLE:
            break
        from archspec.syntax.damage import cut_out  # a sound file needs none of it

        left = cut_out(left, found.span.line)
    return Document(None, source, path, tuple(errors))


def is_yaml(text: str) -> bool:
    """Return whether a text keeps to the grammar of YAML, whatever it says."""
    try:
        return all(True for _ in yaml.parse(text, Loader=Loader))
    except yaml.YAMLError:
        return False


def _compose(text: str, source: Source) -> Value:
    """Return the value of a text. Raises `SpecError` with the first mistake in it."""
    try:
        return _Composer(text, source).compose_document()
    except yaml.MarkedYAMLError as error:
        raise SpecError([explain(error, source, text)]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        lines = LINE_END.split(before)
        column = len(lines[-1]) + 1
        span = Span(source, len(lines), column, len(lines), column + 1)
        code = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"character U+{code:04X} cannot stand in YAML"
        raise SpecError([Diagnostic("yaml", message, span, "remove it")]) from None


# --- composing -----------------------------------------------------------------------------------


class _Composer:
    """Turn PyYAML's events into Values, with bounds on depth and size, counted through aliases."""

    def __init__(self, text: str, source: Source) -> None:
        self.events = yaml.parse(text, Loader=Loader)
        self.source = source
        self.anchors: dict[str, tuple[Value, int]] = {}  # with the number of values in each
        self.open_anchors: set[str] = set()
        self.count = 0

    def next_event(self) -> Any:
        return next(self.events)

    def compose_document(self) -> Value:
        next(self.events)  # the stream starts
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            self.fail_empty()
        value, _ = self.compose_value(next(self.events), 0)
        next(self.events)  # the document ends
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.fail("yaml", "a file holds one spec, and a second one begins here", event)
        if value.data is None:
            self.fail_empty()
        return value

    def compose_value(self, event: Any, depth: int) -> tuple[Value, int]:
        """Return a value and the number of values in it, aliases followed."""
        span = self.span(event)
        if isinstance(event, yaml.AliasEvent):
            return self.follow_alias(event, span)
        self.count_values(1, event)
        if depth > MAX_DEPTH:
            self.fail("too-deep", TOO_DEEP, event)
        if event.anchor:
            self.open_anchors.add(event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            value, size = self.read_scalar(event, span), 1
        else:
            if event.tag not in COLLECTIONS:
                self.refuse_tag(event)
            is_sequence = isinstance(event, yaml.SequenceStartEvent)
            compose = self.compose_sequence if is_sequence else self.compose_mapping
            value, size = compose(span, depth)
        if event.anchor:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = value, size
        return value, size

    def follow_alias(self, event: Any, span: Span) -> tuple[Value, int]:
        if event.anchor in self.open_anchors:
            self.fail("alias", f"the alias '*{event.anchor}' stands inside its own anchor", event)
        if event.anchor not in self.anchors:
            hint = f'a pattern is quoted, "*{event.anchor}"; a param is a formula, ={event.anchor}'
            self.fail("alias", f"the alias '*{event.anchor}' has no anchor before it", event, hint)
        value, size = self.anchors[event.anchor]
        self.count_values(size, event)
        return replace(value, alias=span), size

    def compose_sequence(self, span: Span, depth: int) -> tuple[Value, int]:
        items, size = [], 1
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            item, inside = self.compose_value(event, depth + 1)
            items.append(item)
            size += inside
        return Value(tuple(items), self.extend_to(span, event)), size

    def compose_mapping(self, span: Span, depth: int) -> tuple[Value, int]:
        data: dict[str, Value] = {}
        keys: dict[str, Span] = {}
        merged: list[Value] = []
        size = 1
        while not isinstance(event := self.next_event(), yaml.MappingEndEvent):
            key, key_span = self.read_key(event)
            value, inside = self.compose_value(next(self.events), depth + 1)
            size += inside
            if key == "<<" and event.implicit[0]:
                merged += value.data if isinstance(value.data, tuple) else [value]
                if not all(isinstance(each.data, dict) for each in merged):
                    message = "a merge key '<<' takes a mapping or a list of mappings"
                    self.fail("yaml", message, event)
                continue
            if key in data:
                raise _given_twice(key, key_span, keys[key])
            data[key], keys[key] = value, key_span
        for each in merged:  # the mapping's own keys win, then the earlier of several merged
            for key, value in each.items():
                if key not in data:
                    data[key] = replace(value, alias=each.alias)
                    keys[key] = each.key_span(key)
        return Value(data, self.extend_to(span, event), keys), size

    def read_key(self, event: Any) -> tuple[str, Span]:
        """Return the key of a mapping that an event begins, and where it is written."""
        if not isinstance(event, yaml.ScalarEvent):
            in_braces = isinstance(event, yaml.MappingStartEvent)
            hint = "a param is used by a formula: =width" if in_braces else None
            message = "a key must be a word, not a list, mapping or alias"
            self.fail("yaml", message, event, hint)
        key, span = event.value, self.span(event)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            self.refuse_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = Value(key, span), 1
        return key, span

    def read_scalar(self, event: Any, span: Span) -> Value:
        text, tag = event.value, event.tag
        is_unquoted = event.style is None or event.style == ""
        if tag is not None and tag not in TAGS and tag != "!":
            self.refuse_tag(event)
        if TAGS.get(tag, "str") == "str" and (tag in TAGS or tag == "!" or not is_unquoted):
            return Value(text, span, is_plain=False)
        data = self.resolve(text, event)
        wanted = TAGS.get(tag)
        kinds = {"int": int, "float": float, "bool": bool, "null": type(None)}
        if wanted and wanted != "str" and type(data) is not kinds[wanted]:
            if not (wanted == "float" and type(data) is int):
                self.fail("yaml", f"'{text}' is not what the tag !!{wanted} says", event)
            data = float(data)
        return Value(data, span)

    def resolve(self, text: str, event: Any) -> Any:
        """Return what a scalar without quotes means by YAML 1.2's core schema."""
        if text in WORDS:
            return WORDS[text]
        if INTEGER.fullmatch(text):
            self.check_length(text, event)
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:] if base != 10 else text, base)
        if FLOAT.fullmatch(text):
            self.check_length(text, event)
            number = float(text)
            if abs(number) == float("inf"):
                self.fail("yaml", f"the number {text} is too large", event)
            return number
        if text.lower().lstrip("+-") in (".inf", ".nan"):
            self.fail("yaml", f"{text} is not a number that a spec can use", event)
        return text

    def check_length(self, text: str, event: Any) -> None:
        """Refuse a number whose digits would take long to convert."""
        if len(text) > MAX_NUMBER:
            self.fail("yaml", f"a number of {len(text)} digits is too long", event)

    def count_values(self, size: int, event: Any) -> None:
        """Count `size` more values, and refuse a file that holds too many."""
        self.count += size
        if self.count > MAX_VALUES:
            self.fail(
                "too-large",
                f"the file holds more than {MAX_VALUES:,} values, aliases followed",
                event,
                "write repeated layers with `for` or `repeat`",
            )

    def refuse_tag(self, event: Any) -> None:
        written = event.tag.replace("tag:yaml.org,2002:", "!!")
        self.fail("tag", f"the tag '{written}' is not allowed", event, "a spec is plain YAML data")

    def fail_empty(self) -> None:
        hint = "start one: archspec new FILE --from lenet5"
        start = Span(self.source, 1, 1, 1, 2)
        raise SpecError([Diagnostic("empty", "the file holds nothing", start, hint)])

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def extend_to(self, span: Span, event: Any) -> Span:
        """Return a span that begins as `span` and ends with an event."""
        end = event.end_mark
        return replace(span, end_line=end.line + 1, end_column=end.column + 1)

    def fail(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        """Raise `SpecError` at the place of an event."""
        raise SpecError([Diagnostic(code, message, self.span(event), hint)])


def _given_twice(key: str, span: Span, first: Span) -> SpecError:
    """Return the error of a key that a mapping has already, at `first`."""
    hint = "keep one of them"
    if key[:1].isupper():  # `- Dense: 3` and `Dense: 4` under it: the second lacks its dash
        hint += ", or begin a new item with '- '"
    elif re.match("-[A-Za-z]", key):
        hint = Suggestion("a space is missing after the '-'", key, f"- {key[1:]}")
    notes = (Note("first given here", first),)
    return SpecError(
        [Diagnostic("duplicate-key", f"the key '{key}' is given twice", span, hint, notes)]
    )
