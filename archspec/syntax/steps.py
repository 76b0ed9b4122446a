"""Read the steps of a list under `layers`, each into the record of its kind.

    - Conv2D: {filters: 8}       LayerCall       - layers: [...]     Group
    - residual: 8                BlockCall       - branches: {...}   Branches
    - reuse: stem                Reuse           - from: stem        From

A record has the words of its step as typed fields. Where the language allows formulas, a field is a
`Value` that is not evaluated yet, since names have values only where the step is expanded. A step
that the schema refused is `Broken`, so that a mistake in it hides none in the others.

`writer` turns the records back into YAML.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.errors import Note, Span
from archspec.syntax.source import Value
from archspec.syntax.words import BESIDE


class Sources(Struct, frozen=True, eq=False):
    """The names under `from`: the steps that a step takes its inputs from.

    names: as they are written, with `{...}` not filled in. slots: the call arguments that they are
    given to, for `from: {query: a, value: b}`. single: whether one name stands without a list.
    """

    span: Span
    names: tuple[Value, ...]
    slots: tuple[str, ...] = ()
    single: bool = False


class For(Struct, frozen=True, eq=False):
    """`for`: lists by loop variable, a table of rows, or a formula that gives one of these."""

    value: Value


class Repeat(Struct, frozen=True, eq=False):
    """`repeat`: how often a step is repeated."""

    count: Value


class Arguments(Struct, frozen=True, eq=False):
    """The arguments of a layer or a block: by name, or the value of the first one alone."""

    span: Span
    first: Value | None = None
    named: Mapping[str, Value] = field(default_factory=dict)
    keys: Mapping[str, Span] = field(default_factory=dict)
    alias: Span | None = None

    def by_name(self, first_name: str) -> Mapping[str, Value]:
        """Return the arguments by name; a value given alone is under `first_name`."""
        return self.named if self.first is None else {first_name: self.first}

    def key_span(self, name: str) -> Span:
        """Return where an argument's name is written."""
        return self.keys.get(name, self.span)

    def notes(self) -> tuple[Note, ...]:
        """Return a note on the alias that arguments by name came by, if they did."""
        return _alias_notes(self.alias if self.first is None else None)


class Step(Struct, frozen=True, eq=False, kw_only=True):
    """The fields of every step.

    label: the step's own word: a layer, a block, `layers`, `branches`, `reuse` or `from`. span:
    where it is written. words: where each of its words is. alias: where `*alias` is written, if the
    step came by one. sources: its `from`. loop: its `for` or `repeat`. condition: its `when`.
    """

    label: str
    span: Span
    words: Mapping[str, Span] = field(default_factory=dict)
    alias: Span | None = None
    name: Value | None = None
    sources: Sources | None = None
    loop: For | Repeat | None = None
    condition: Value | None = None
    call: Value | None = None

    def word_span(self, word: str) -> Span:
        """Return where a word of the step is written; the whole step if it has no such word."""
        return self.words.get(word, self.span)

    def alternative(self) -> Step | None:
        """Return the step that is there where `when` is false; None without an `else`."""
        return None

    @property
    def name_span(self) -> Span:
        """The place of the name; of the whole step if it has none."""
        return self.span if self.name is None else self.name.span

    def notes(self) -> tuple[Note, ...]:
        """Return a note on the alias that the step came by, if it did."""
        return _alias_notes(self.alias)


class LayerCall(Step, frozen=True, eq=False, kw_only=True):
    """A layer of the table, `- Conv2D: {filters: 8}`, or a word that looks like one."""

    arguments: Arguments | None = None


class BlockCall(Step, frozen=True, eq=False, kw_only=True):
    """A block, `- residual: {filters: 8}`, or a word in lower case that no block is called by."""

    arguments: Arguments | None = None


class Group(Step, frozen=True, eq=False, kw_only=True):
    """Several steps in place of one, `- layers: [...]`; body: None for an empty group.

    otherwise: the steps under `else`, which are there where `when` is false.
    """

    body: Body | None
    otherwise: Body | None = None

    label: str = "layers"

    def alternative(self) -> Step | None:
        """Return the step with the steps under its `else` in place of its own."""
        return None if self.otherwise is None else replace(self, body=self.otherwise)


class Branch(Step, frozen=True, eq=False, kw_only=True):
    """One path of `branches`.

    key: its name in a mapping of branches, which is written at key_span. body: None for the
    identity. otherwise: its steps under `else`. is_list: whether it is written as a list alone.
    refused: the branch as written, if the schema refused it.
    """

    key: str | None
    key_span: Span
    body: Body | None
    otherwise: Body | None = None
    is_list: bool = False
    refused: Value | None = None

    label: str = "layers"

    def alternative(self) -> Branch | None:
        """Return the branch with the steps under its `else` in place of its own."""
        return None if self.otherwise is None else replace(self, body=self.otherwise)


class Branches(Step, frozen=True, eq=False, kw_only=True):
    """Paths side by side, `- branches: {...}`, and the step that joins them, if there is one."""

    branches: tuple[Branch, ...]
    merge: Step | None

    label: str = "branches"


class Reuse(Step, frozen=True, eq=False, kw_only=True):
    """A layer or block called again with the same weights, `- reuse: stem`."""

    target: Value

    label: str = "reuse"


class From(Step, frozen=True, eq=False, kw_only=True):
    """A step that hands on the value of another, `- from: stem`."""

    label: str = "from"


class Broken(Step, frozen=True, eq=False, kw_only=True):
    """A step that the schema refused. label: its first word, "?" if that is no text."""

    value: Value


class Body(Struct, frozen=True, eq=False):
    """The steps of a spec, block, group or branch, in their order."""

    steps: tuple[Step, ...]
    alias: Span | None = None

    def notes(self) -> tuple[Note, ...]:
        """Return a note on the alias that the steps came by, if they did."""
        return _alias_notes(self.alias)

    def walk(self) -> Iterator[Step]:
        """Yield every step, and those inside it after it."""
        for step in self.steps:
            yield from _walk(step)

    def iter_names(self) -> Iterator[Value]:
        """Yield the name of every step and branch, and every `name` inside arguments.

        Names inside arguments may be names of steps, indented too far. Outer names come first.
        """
        for step in self.steps:
            yield from _iter_names(step)


def _walk(step: Step) -> Iterator[Step]:
    yield step
    if isinstance(step, Group | Branch):
        for body in (step.body, step.otherwise):
            if body is not None:
                yield from body.walk()
    elif isinstance(step, Branches):
        for each in (*step.branches, step.merge):
            if each is not None:
                yield from _walk(each)


def _iter_names(step: Step) -> Iterator[Value]:
    refused = step.value if isinstance(step, Broken) else None
    refused = step.refused if isinstance(step, Branch) else refused
    if refused is not None:
        yield from _iter_written_names(refused)
        return
    if step.name is not None:
        yield step.name
    if isinstance(step, LayerCall | BlockCall) and step.arguments is not None:
        for name, value in step.arguments.by_name("").items():
            if name == "name":
                yield value
            yield from _iter_written_names(value)
    elif isinstance(step, Group | Branch):
        for body in (step.body, step.otherwise):
            if body is not None:
                yield from body.iter_names()
    elif isinstance(step, Branches):
        for each in (*step.branches, step.merge):
            if each is not None:
                yield from _iter_names(each)


def _iter_written_names(value: Value) -> Iterator[Value]:
    """Yield the values under `name` anywhere in a value."""
    if isinstance(value.data, dict):
        if "name" in value.data:
            yield value.data["name"]
        for each in value.data.values():
            yield from _iter_written_names(each)
    elif isinstance(value.data, tuple):
        for each in value.data:
            yield from _iter_written_names(each)


def _alias_notes(alias: Span | None) -> tuple[Note, ...]:
    return (Note("used here by its alias", alias),) if alias else ()


# --- reading -------------------------------------------------------------------------------------


def read_body(value: Value | None, broken: Collection[Span] = ()) -> Body | None:
    """Return the steps of a list, or None where there is no list.

    broken: the places that the schema refused; everything else must fit the schema.
    """
    if value is None or value.data is None:
        return None
    return Body(tuple(read_step(each, broken) for each in value.data), value.alias)


def read_step(value: Value, broken: Collection[Span] = ()) -> Step:
    """Return the record of one step, or of the step under `merge`."""
    shared = _shared_fields(value)
    if value.span in broken:
        return Broken(**shared, label=_first_word(value), value=value)
    if not isinstance(value.data, dict):
        return _read_call(str(value.data), None, shared)
    word = next((key for key in value.data if key not in BESIDE), None)
    if word is None:
        return From(**shared)
    under = value.data[word]
    if word == "layers":
        otherwise = read_body(value.get("else"), broken)
        return Group(**shared, body=read_body(under, broken), otherwise=otherwise)
    if word == "branches":
        merge = value.get("merge")
        joined = None if merge is None else read_step(merge, broken)
        return Branches(**shared, branches=_read_branches(under, broken), merge=joined)
    if word == "reuse":
        return Reuse(**shared, target=under)
    return _read_call(word, under, shared)


def _read_call(label: str, under: Value | None, shared: dict[str, Any]) -> Step:
    """Return the call of a block, whose name is in lower case, or of a layer."""
    kind = BlockCall if label[:1].islower() else LayerCall
    return kind(**shared, label=label, arguments=_read_arguments(under))


def _shared_fields(value: Value) -> dict[str, Any]:
    """Return the fields that every step has."""
    repeat, loop = value.get("repeat"), value.get("for")
    if isinstance(value.data, dict) and "repeat" in value.data:
        repeat = value.data["repeat"]  # even if it is null: the names of the step are numbered then
    return {
        "span": value.span,
        "words": value.keys,
        "alias": value.alias,
        "name": value.get("name"),
        "sources": _read_sources(value.get("from")),
        "loop": Repeat(repeat) if repeat is not None else None if loop is None else For(loop),
        "condition": value.get("when"),
        "call": value.get("call"),
    }


def _read_sources(value: Value | None) -> Sources | None:
    if value is None:
        return None
    if isinstance(value.data, dict):
        return Sources(value.span, tuple(value.data.values()), tuple(value.data))
    if isinstance(value.data, tuple):
        return Sources(value.span, value.data)
    return Sources(value.span, (value,), single=True)


def _read_arguments(value: Value | None) -> Arguments | None:
    if value is None or value.data is None or value.data == {}:
        return None
    if isinstance(value.data, dict):
        return Arguments(value.span, None, value.data, value.keys, value.alias)
    return Arguments(value.span, value)


def _read_branches(value: Value, broken: Collection[Span]) -> tuple[Branch, ...]:
    if isinstance(value.data, dict):
        return tuple(
            _read_branch(key, value.key_span(key), each, broken) for key, each in value.data.items()
        )
    return tuple(_read_branch(None, value.span, each, broken) for each in value.data)


def _read_branch(key: str | None, span: Span, value: Value, broken: Collection[Span]) -> Branch:
    refused = value.span in broken
    in_group = isinstance(value.data, dict)
    body = None if refused else read_body(value.get("layers") if in_group else value, broken)
    return Branch(
        **_shared_fields(value),
        label=_first_word(value) if refused else "layers",
        key=key,
        key_span=span,
        body=body,
        otherwise=None if refused else read_body(value.get("else"), broken),
        is_list=not in_group,
        refused=value if refused else None,
    )


def _first_word(value: Value) -> str:
    """Return the word that a refused step begins with, as far as it has one; "?" otherwise."""
    word = value.data
    if isinstance(word, dict):
        own_words = (key for key in word if key not in BESIDE)
        word = next(own_words, next(iter(word), "?"))
    return word if isinstance(word, str) and word.strip() else "?"


def locate_variables(loop: Value) -> dict[str, Span]:
    """Return where each variable of a `for` is written first."""
    keys: dict[str, Span] = {}
    rows = loop.data if isinstance(loop.data, tuple) else (loop,)
    for row in rows:
        if isinstance(row.data, dict):
            for key in row.data:
                for name in split_variables(key):
                    keys.setdefault(name, row.key_span(key))
    return keys


def split_variables(key: str) -> list[str]:
    """Return the variables that a key of `for` names.

    >>> split_variables("filters, strides")
    ['filters', 'strides']
    """
    return [name.strip() for name in key.split(",")]
