"""Steps: what a list under `layers` holds, each read once into the record of its kind.

    - Conv2D: {filters: 8}       LayerCall       - layers: [...]     Group
    - residual: 8                BlockCall       - branches: {...}   Branches
    - reuse: stem                Reuse           - from: stem        From

A record has the words of its step as typed fields. Where the language allows formulas a field is a
`Value`, not evaluated, since only the place that a step stands in knows the names. A step that the
schema refused is `Broken`, so that a mistake in it hides none in the others.

`writer` turns the records back into YAML.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archspec.errors import Note, Span
from archspec.syntax.source import Value

MODIFIERS = ("name", "from", "when", "for", "repeat", "call", "merge")
WORDS = ("branches", "layers", "reuse")  # the steps that are neither a layer nor a block call


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The steps that a step takes its inputs from, as `from` names them.

    names: as they are written, with `{...}` not filled in. slots: the call arguments that they are
    given to, for `from: {query: a, value: b}`. single: whether one name stands without a list.
    """

    span: Span
    names: tuple[Value, ...]
    slots: tuple[str, ...] = ()
    single: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class For:
    """`for`: lists by loop variable, a table of rows, or a formula that gives one of these."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """`repeat`: a number of turns."""

    count: Value


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """The arguments of a layer or a block: by name, or the first one's value alone."""

    span: Span
    first: Value | None = None
    named: Mapping[str, Value] = field(default_factory=dict)
    keys: Mapping[str, Span] = field(default_factory=dict)
    alias: Span | None = None

    def by_name(self, first: str) -> Mapping[str, Value]:
        """Return the arguments by name. first: the name of what can be given alone."""
        return self.named if self.first is None else {first: self.first}

    def place(self, name: str) -> Span:
        """Return where an argument's name is written."""
        return self.keys.get(name, self.span)

    def notes(self) -> tuple[Note, ...]:
        """Return how arguments by name came to stand here, if by an alias."""
        return _alias_notes(self.alias if self.first is None else None)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Step:
    """What every step can say.

    label: the layer, block or word that it is. span: where it is written. words: where each of its
    words is. alias: where `*alias` stands, if the step came by one.
    """

    label: str
    span: Span
    words: Mapping[str, Span] = field(default_factory=dict)
    alias: Span | None = None
    name: Value | None = None
    feed: Sources | None = None
    loop: For | Repeat | None = None
    condition: Value | None = None
    call: Value | None = None

    def place(self, word: str) -> Span:
        """Return where a word of the step is written; the whole step if it has no such word."""
        return self.words.get(word, self.span)

    @property
    def name_span(self) -> Span:
        """Where the name is written; the whole step if it has none."""
        return self.span if self.name is None else self.name.span

    def notes(self) -> tuple[Note, ...]:
        """Return how the step came to stand here, if by an alias."""
        return _alias_notes(self.alias)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayerCall(Step):
    """A layer of the table, `- Conv2D: {filters: 8}`, or a word that looks like one."""

    arguments: Arguments | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BlockCall(Step):
    """A block, `- residual: {filters: 8}`, or a word in lower case that no block is called by."""

    arguments: Arguments | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Group(Step):
    """Steps as one, `- layers: [...]`; body: None for an empty group."""

    body: Body | None

    label: str = "layers"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Branch(Step):
    """One path of `branches`.

    key: its name in a mapping of branches, which stands at key_span. body: None for the identity.
    is_list: whether it is written as a list alone. refused: the branch as written, if the schema
    refused it.
    """

    key: str | None
    key_span: Span
    body: Body | None
    is_list: bool = False
    refused: Value | None = None

    label: str = "layers"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Branches(Step):
    """Paths side by side, `- branches: {...}`, and the step that joins them, if there is one."""

    branches: tuple[Branch, ...]
    merge: Step | None

    label: str = "branches"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reuse(Step):
    """A layer or block called again with the same weights, `- reuse: stem`."""

    target: Value

    label: str = "reuse"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class From(Step):
    """A step that takes a value and hands it on, `- from: stem`."""

    label: str = "from"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Broken(Step):
    """A step that the schema refused. label: the word it begins with, as far as it has one."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The steps of a spec, block, group or branch, in their order."""

    steps: tuple[Step, ...]
    alias: Span | None = None

    def notes(self) -> tuple[Note, ...]:
        """Return how the steps came to stand here, if by an alias."""
        return _alias_notes(self.alias)

    def names(self) -> Iterator[Value]:
        """Yield the name of every step and branch, and what may be meant for one inside arguments.

        An outer one comes before those inside it.
        """
        for step in self.steps:
            yield from _names(step)


def _names(step: Step) -> Iterator[Value]:
    refused = step.value if isinstance(step, Broken) else None
    refused = step.refused if isinstance(step, Branch) else refused
    if refused is not None:
        yield from _written_names(refused)
        return
    if step.name is not None:
        yield step.name
    if isinstance(step, LayerCall | BlockCall) and step.arguments is not None:
        for name, value in step.arguments.by_name("").items():
            if name == "name":
                yield value
            yield from _written_names(value)
    elif isinstance(step, Group | Branch) and step.body is not None:
        yield from step.body.names()
    elif isinstance(step, Branches):
        for each in (*step.branches, step.merge):
            if each is not None:
                yield from _names(each)


def _written_names(value: Value) -> Iterator[Value]:
    """Yield what stands under `name` anywhere in a value."""
    if isinstance(value.data, dict):
        if "name" in value.data:
            yield value.data["name"]
        for each in value.data.values():
            yield from _written_names(each)
    elif isinstance(value.data, tuple):
        for each in value.data:
            yield from _written_names(each)


def _alias_notes(alias: Span | None) -> tuple[Note, ...]:
    return (Note("used here by its alias", alias),) if alias else ()


# --- reading -------------------------------------------------------------------------------------


def read_body(value: Value | None, broken: Collection[Span] = ()) -> Body | None:
    """Return the steps of a list, or None where there is no list.

    broken: the places of what the schema refused; the rest must be as the schema wants it.
    """
    if value is None or value.data is None:
        return None
    return Body(tuple(read_step(each, broken) for each in value.data), value.alias)


def read_step(value: Value, broken: Collection[Span] = ()) -> Step:
    """Return the record of one step, or of the step under `merge`."""
    beside = _beside(value)
    if value.span in broken:
        return Broken(**beside, label=_first_word(value), value=value)
    if not isinstance(value.data, dict):
        return _call(str(value.data), None, beside)
    word = next((key for key in value.data if key not in MODIFIERS), None)
    if word is None:
        return From(**beside)
    under = value.data[word]
    if word == "layers":
        return Group(**beside, body=read_body(under, broken))
    if word == "branches":
        merge = value.get("merge")
        joined = None if merge is None else read_step(merge, broken)
        return Branches(**beside, branches=_branches(under, broken), merge=joined)
    if word == "reuse":
        return Reuse(**beside, target=under)
    return _call(word, under, beside)


def _call(label: str, under: Value | None, beside: dict[str, Any]) -> Step:
    """The call of a block, which is called in lower case, or of a layer."""
    kind = BlockCall if label[:1].islower() else LayerCall
    return kind(**beside, label=label, arguments=_arguments(under))


def _beside(value: Value) -> dict[str, Any]:
    """The fields that every step has."""
    repeat, loop = value.get("repeat"), value.get("for")
    if isinstance(value.data, dict) and "repeat" in value.data:
        repeat = value.data["repeat"]  # numbers the names of a step even if it is refused
    return {
        "span": value.span,
        "words": value.keys,
        "alias": value.alias,
        "name": value.get("name"),
        "feed": _sources(value.get("from")),
        "loop": Repeat(repeat) if repeat is not None else None if loop is None else For(loop),
        "condition": value.get("when"),
        "call": value.get("call"),
    }


def _sources(value: Value | None) -> Sources | None:
    if value is None:
        return None
    if isinstance(value.data, dict):
        return Sources(value.span, tuple(value.data.values()), tuple(value.data))
    if isinstance(value.data, tuple):
        return Sources(value.span, value.data)
    return Sources(value.span, (value,), single=True)


def _arguments(value: Value | None) -> Arguments | None:
    if value is None or value.data is None or value.data == {}:
        return None
    if isinstance(value.data, dict):
        return Arguments(value.span, None, value.data, value.keys, value.alias)
    return Arguments(value.span, value)


def _branches(value: Value, broken: Collection[Span]) -> tuple[Branch, ...]:
    if isinstance(value.data, dict):
        return tuple(_branch(key, value.key(key), each, broken) for key, each in value.data.items())
    return tuple(_branch(None, value.span, each, broken) for each in value.data)


def _branch(key: str | None, span: Span, value: Value, broken: Collection[Span]) -> Branch:
    refused = value.span in broken
    in_group = isinstance(value.data, dict)
    body = None if refused else read_body(value.get("layers") if in_group else value, broken)
    return Branch(
        **_beside(value),
        label=_first_word(value) if refused else "layers",
        key=key,
        key_span=span,
        body=body,
        is_list=not in_group,
        refused=value if refused else None,
    )


def _first_word(value: Value) -> str:
    """What a refused step is, as far as it says: a layer, a block, or the word that it has."""
    said = value.data
    if isinstance(said, dict):
        words = (key for key in said if key not in MODIFIERS)
        said = next(words, next(iter(said), "?"))
    return said if isinstance(said, str) and said.strip() else "?"
