"""Define a kind of object: a closed table, spellings of its names, and how objects are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from archspec import foreign
from archspec.arguments import Contract, Type, bind, leave_out_defaults, show
from archspec.errors import Refused, Unfit, did_you_mean

Object = str | dict[str, dict[str, Any]]  # in normal form


class Kind:
    """A kind of object, such as initializers."""

    def __init__(
        self,
        name: str,
        words: str,
        table: Mapping[str, Contract],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Make a kind of the table of its objects.

        name: "initializer". words: "an initializer", to complete the sentence "X must be ...".
        table: the arguments of each object, by the name of its class in Keras. aliases: other names
        that Keras has for entries of the table.
        """
        self.name = name
        self.words = words
        self.table = table
        self.aliases = aliases or {}

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Return the table's name of each object by each of its spellings.

        `he_normal` is `HeNormal`. Spellings are CamelCase, snake_case and Keras's short names.
        """
        names = {name: name for name in self.table} | dict(self.aliases)
        return names | {snake_case(name): entry for name, entry in names.items()}

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {_fold(name): entry for name, entry in self.spellings.items()}

    def canonical(self, name: str) -> str | None:
        """Return the table's name of an object, or None if the table lacks it."""
        return self._folded.get(_fold(name))

    def suggest(self, word: str) -> str | None:
        """Return a hint for a name that the table lacks: what others mean by it, or one like it."""
        other = foreign.OBJECTS.get(self.name, {}).get(_fold(word))
        return other or did_you_mean(word, [*self.table, *self.aliases])

    def read(self, value: Any) -> Any:
        """Return the normal form of an object: its name, or {name: the arguments it changes}.

        None and `linear` are None. Raises `Refused` for a name or an argument that the table lacks.
        """
        if value is None:
            return None
        given: Any = None
        word = value
        if isinstance(value, Mapping):
            if len(value) != 1:
                raise Unfit(
                    f"must be {self.words}, written as a name or as {{Name: {{arguments}}}}, "
                    f"got {len(value)} keys: {show(value)}",
                    code="unknown-object",
                )
            ((word, given),) = value.items()
        name = self.canonical(word) if isinstance(word, str) else None
        if name is None:
            hint = self.suggest(word) if isinstance(word, str) else None
            raise Unfit(
                f"must be {self.words}, got {show(word)}",
                code="unknown-object",
                hint=hint or f"{self.words} is one of {', '.join(self.table)}",
            )
        arguments = self.table[name]
        if given is None:
            given = {}
        elif not isinstance(given, Mapping):  # the value of the first argument
            if not arguments:
                message = f"{name} takes no arguments, got {show(given)}"
                raise Refused(message, code="unknown-argument")
            given = {next(iter(arguments)): given}
        bound = bind(name, arguments, given)
        try:
            arguments.check(bound)
        except Refused as refused:
            refused.message = f"{name} {refused.message}"
            raise
        differing = leave_out_defaults(arguments, bound)
        if name == "linear":
            return None
        return {name: differing} if differing else name


def entries(function: Callable[..., None], *names: str) -> dict[str, Contract]:
    """Return the table's entries of several objects with the same arguments."""
    return dict.fromkeys(names, Contract(function))


def nothing() -> None:
    """State that an object has no arguments."""


def named(value: Object) -> tuple[str, dict[str, Any]]:
    """Return the name of an object in normal form, and the arguments that are not the default.

    >>> named("Adam"), named({"SGD": {"momentum": 0.9}})
    (('Adam', {}), ('SGD', {'momentum': 0.9}))
    """
    return (value, {}) if isinstance(value, str) else next(iter(value.items()))


def type_of(kind: Kind) -> Type:
    """Return the type of an argument that holds an object of the kind, or null."""
    return Type(f"{kind.words} or null", {}, kind.read, kind.name)


def snake_case(name: str) -> str:
    """Return a name as Keras writes it in snake_case: `HeNormal` is `he_normal`."""
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()
