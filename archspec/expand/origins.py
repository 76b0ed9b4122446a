"""Keep where each name that formulas use got its value, for the notes of errors."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from archspec.arguments import show
from archspec.errors import Note, Span
from archspec.syntax import formulas
from archspec.syntax.source import Value, iter_keyed_texts, iter_texts

EDITED = "edited here"  # the note on an edit, by which the edits of a node are found
SAME = "=="  # as a value: the value of the name that it stands at


class Origin(Struct, frozen=True, eq=False):
    """The place where a name in formulas was given its value.

    span: None where another note names the place, as of a loop over a formula. sources: the origins
    of the names in the formula that was given.
    """

    name: str
    value: Any
    span: Span | None
    sources: tuple[Origin, ...] = ()


class Env(dict[str, Any]):
    """The value of each name in formulas, and where it was given.

    origins: by name; what the language gives, `index` and `channels`, has none.
    """

    __slots__ = ("origins",)

    def __init__(
        self, values: Mapping[str, Any] | None = None, origins: Mapping[str, Origin] | None = None
    ) -> None:
        super().__init__(values or {})
        self.origins = dict(origins or {})

    def bind(self, name: str, value: Any, origin: Origin | None) -> None:
        """Give a name its value."""
        self[name] = value
        if origin is None:
            self.origins.pop(name, None)
        else:
            self.origins[name] = origin

    def extended(
        self, values: Mapping[str, Any], origins: Mapping[str, Origin] | None = None
    ) -> Env:
        """Return a copy with further names, which hide those that are called the same."""
        env = Env(self, self.origins)
        for name, value in values.items():
            env.bind(name, value, (origins or {}).get(name))
        return env


class Written(Struct, frozen=True, eq=False):
    """The place where an argument is written, the names that its formulas see, and notes on it.

    key: the name that `==` in it stands for; None for a lone value. in_defaults: whether it stands
    under `defaults`.
    """

    value: Value
    env: Env
    find_axes: formulas.FindAxes | None
    key: str | None
    notes: tuple[Note, ...]
    in_defaults: bool = False


class Account(Struct, frozen=True, eq=False):
    """How the arguments of a layer came to their values.

    written: where each of those is written that the layer does not have by default. imported:
    whether the step is in a file that is imported. frozen: the edit that freezes the layer, if one
    does.
    """

    written: Mapping[str, Written]
    imported: bool
    frozen: Span | None = None

    def __eq__(self, other: object) -> bool:
        """Return whether both are accounts: the nodes that have them are equal by their arguments,
        however these came to their values."""
        return isinstance(other, Account)

    def __repr__(self) -> str:
        return "Account(...)"


def find_sources(
    value: Value, env: Mapping[str, Any], key: str | None = None
) -> tuple[Origin, ...]:
    """Return the origins of the names in the formulas of a value.

    key: the key that the value stands at, for `==`.
    """
    names = (
        name
        for at, text in iter_keyed_texts(value, key)
        for name in ((at or "",) if text == SAME else formulas.names_in(text))
    )
    return find_origins(names, env)


def names_of_formulas(value: Value) -> Iterator[str]:
    """Yield the words of every formula in a value, and the keys that `==` stands at."""
    for text in iter_texts(value):
        yield from formulas.words_in(text)
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each.data, dict):
            yield from (str(key) for key, inner in each.data.items() if inner.data == SAME)
            stack += each.data.values()
        elif isinstance(each.data, tuple):
            stack += each.data


def find_origins(names: Iterable[str], env: Mapping[str, Any]) -> tuple[Origin, ...]:
    """Return the origins of those names that have one, each once."""
    known = env.origins if isinstance(env, Env) else {}
    return tuple(known[name] for name in dict.fromkeys(names) if name in known)


def find_place(value: Value) -> Span:
    """Return where a value was given; of a list, where an item that a setting replaced was."""
    stack = [value]
    while stack:
        each = stack.pop()
        if each.span.source is not value.span.source:
            return each.span
        if isinstance(each.data, dict | tuple):
            stack += each.data.values() if isinstance(each.data, dict) else each.data
    return value.span


def list_notes(origins: Iterable[Origin]) -> Iterator[Note]:
    """Yield a note on each place where a name was given its value, the nearest first."""
    places: set[Span] = set()
    queue = deque(dict.fromkeys(origins))
    seen = set(queue)
    while queue:
        each = queue.popleft()
        if each.span is not None and each.span not in places:
            places.add(each.span)
            yield Note(f"`{each.name}` is {show(each.value)} here", each.span)
        for source in each.sources:
            if source not in seen:
                seen.add(source)
                queue.append(source)
