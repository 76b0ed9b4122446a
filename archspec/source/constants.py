"""Write the params of files as constants, each when something uses it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from archspec.expand.expansion import Expansion
from archspec.loading.files import Home
from archspec.objects import TABLES, snake_case
from archspec.source.flat import FreshNames, identifier
from archspec.source.formulas import translate
from archspec.source.statements import Assign, constant, name
from archspec.source.values import Unwritable, find_kind, is_random, object_of, plain
from archspec.syntax.formulas import NoValue, is_formula
from archspec.syntax.source import Value, to_plain


class Constants:
    """The constants of a text.

    written: their statements, by file and param, in the order in which they were asked for.
    """

    def __init__(self, out: Expansion, names: FreshNames) -> None:
        self.out = out
        self.names = names
        self.made: dict[tuple[Home, str], tuple[str, ast.expr]] = {}

    @property
    def taken(self) -> set[str]:
        """Return the names that constants have or may have."""
        params = (word for home in self.out.environments for word in self.env(home))
        return {identifier(word.upper()) for word in params}

    def env(self, home: Home) -> Mapping[str, ast.expr]:
        """Return the params of a file, by their names in formulas."""
        return _Params(self, home)

    def list_statements(self) -> list[Assign]:
        """Return the statements in the order of the files and of the params in them."""
        homes = list(dict.fromkeys(home for home, _ in self.made))
        found = []
        for home in homes:
            for param in home.params.data if home.params is not None else ():
                if (home, param) in self.made:
                    text, value = self.made[home, param]
                    found.append(Assign(name(text), value))
        return found

    def has(self, home: Home, param: str) -> bool:
        """Return whether a file has a param."""
        return home.params is not None and param in home.params.data

    def get(self, home: Home, param: str) -> ast.expr:
        """Return the constant of a param, which is written if it is not yet."""
        if (home, param) not in self.made:
            value = home.params.data[param] if home.params is not None else None
            assert value is not None
            written = self._write(value, home, param)
            self.made[home, param] = self._name(value, param), written
        return name(self.made[home, param][0])

    def _name(self, value: Value, param: str) -> str:
        """Return the name of a constant; the file's stem is in front of one that is taken."""
        text = identifier(param.upper())
        if text in self.names.taken:
            stem = PurePath(value.span.source.name).stem
            text = f"{identifier(stem).upper()}_{text}"
        return self.names.new(text)

    def _write(self, value: Value, home: Home, param: str) -> ast.expr:
        try:
            return write_value(value, self.env(home), param)
        except Unwritable:
            found = self.out.environments[home][param]
            if isinstance(found, NoValue):
                raise
            return write_data(found)


class _Params(Mapping[str, ast.expr]):
    """The params of a file, each of which becomes a constant when it is asked for."""

    def __init__(self, constants: Constants, home: Home) -> None:
        self.constants = constants
        self.home = home

    def __getitem__(self, param: str) -> ast.expr:
        if not self.constants.has(self.home, param):
            raise KeyError(param)
        return self.constants.get(self.home, param)

    def __contains__(self, param: object) -> bool:
        return isinstance(param, str) and self.constants.has(self.home, param)

    def __iter__(self) -> Any:
        return iter(self.home.params.data if self.home.params is not None else ())

    def __len__(self) -> int:
        return len(self.home.params.data) if self.home.params is not None else 0


def no_axis(step: str, axis: str) -> ast.expr:
    """Refuse the axis of a step where there are no steps."""
    raise Unwritable(f"the shape of {step} is not known there")


def write_value(value: Value, env: Mapping[str, ast.expr], key: str | None = None) -> ast.expr:
    """Return the value of a param: numbers, texts, lists, formulas, and objects of Keras.

    key: what `==` stands for.
    """
    data = value.data
    if is_formula(data):
        if data == "==":
            return translate(key or "", env, no_axis)
        return translate(data[1:], env, no_axis)
    if isinstance(data, tuple):
        return ast.List([write_value(each, env) for each in data])
    if isinstance(data, dict):
        found = find_kind({name: each.data for name, each in data.items()})
        if found is None:
            raise Unwritable("a mapping is no object of Keras")
        return write_object(value, env)
    if data in TABLES["initializer"]:
        return constant(snake_case(str(data)))
    return plain(data)


def write_new_object(value: Value, env: Mapping[str, ast.expr]) -> ast.expr:
    """Return the call that makes an object of a param, which is written where it is used."""
    found = find_kind(to_plain(value))
    if found is None:
        raise Unwritable("a mapping is no object of Keras")
    kind, name_, given = found
    ((_, under),) = value.items()
    if not isinstance(under.data, dict):
        if given is None:
            return object_of(kind, name_, {})
        first = next(iter(TABLES[kind][name_]), "")
        return object_of(kind, name_, {first: write_value(under, env)}, lone=True)
    arguments = {key: write_value(each, env, key) for key, each in under.items()}
    return object_of(kind, name_, arguments)


def write_object(value: Value, env: Mapping[str, ast.expr]) -> ast.expr:
    """Return an object that a param holds. What draws numbers is a mapping, of which Keras makes
    an object for each layer: one object would give all of them the same numbers."""
    found = find_kind(to_plain(value))
    assert found is not None
    kind, name_, _ = found
    ((_, under),) = value.items()
    if kind == "activation":
        raise Unwritable("a layer is an activation")
    if kind != "initializer" or not is_random(kind, name_) or not isinstance(under.data, dict):
        return write_new_object(value, env)
    keys: list[ast.expr | None] = [constant(key) for key in under.data]
    config = ast.Dict(keys, [write_value(each, env, key) for key, each in under.items()])
    return ast.Dict([constant("class_name"), constant("config")], [constant(name_), config])


def write_data(data: Any) -> ast.expr:
    """Return an evaluated value; its lists are lists."""
    if isinstance(data, list | tuple):
        return ast.List([write_data(each) for each in data])
    if isinstance(data, Mapping):
        raise Unwritable("a mapping is no object of Keras")
    return plain(data)
