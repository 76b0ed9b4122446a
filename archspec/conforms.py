"""Decide whether a value conforms to a JSON Schema.

`jsonschema` finds out what is wrong and where, but importing it takes as long as all the rest of
`archspec check`. So this decides, and `jsonschema` is imported only where the answer is no. It
knows the words that our own schemas use, with the meaning of draft 2020-12, and no others: a word
that it does not know is a `LookupError`. A test compares the two on thousands of specs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from typing import Any

Check = Callable[[Any], bool]
Schema = Mapping[str, Any] | bool


def make_check(schema: Schema) -> Check:
    """Return a function that says whether a value conforms to a schema.

    Parts of the schema are compiled when a value first reaches them.

    >>> is_size = make_check({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "same"}]})
    >>> is_size(3), is_size(0), is_size("same")
    (True, False, True)
    """
    return _Compiler(schema).check(schema)


class _Compiler:
    """Makes the check of each part of a schema once, as `$ref` leads to some parts often."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.checks: dict[int, Check] = {}

    def check(self, schema: Schema) -> Check:
        """Return the check of a part of the schema."""
        if isinstance(schema, bool):
            return lambda value: schema
        found = self.checks.get(id(schema))
        if found is None:
            found = self.checks[id(schema)] = self._make_lazy(schema)
        return found

    def _make_lazy(self, schema: Mapping[str, Any]) -> Check:
        """Return a check that compiles its part when first called, since a part may hold itself."""
        parts: list[Check] | None = None

        def check(value: Any) -> bool:
            nonlocal parts
            if parts is None:
                parts = self._compile_words(schema)
            return all(part(value) for part in parts)

        return check

    def _compile_words(self, schema: Mapping[str, Any]) -> list[Check]:
        parts = [WORDS[word](schema, self) for word in schema if word not in SILENT]
        if not schema.keys().isdisjoint(MEMBERS):
            parts.append(_members(schema, self))
        return parts

    def resolve(self, pointer: str) -> Check:
        """Return the check of the part that a `$ref` names, such as `#/$defs/formula`."""
        found: Any = self.root
        for step in pointer.removeprefix("#/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            found = found[int(step) if isinstance(found, list) else step]
        return self.check(found)


# Words that forbid nothing by themselves. `then` and `else` belong to `if`. `propertyNames` is for
# editors: schema/yaml_traps.py checks the keys beside a layer, with better messages. `x-archspec`
# says what a part is, which chooses the words of its errors.
SILENT = frozenset(
    [
        *("$comment", "$defs", "$schema", "default", "defaultSnippets", "description"),
        *("doNotSuggest", "errorMessage", "examples", "markdownDescription"),
        *("patternErrorMessage", "propertyNames", "title", "x-archspec"),
        *("additionalProperties", "else", "patternProperties", "then"),
    ]
)
MEMBERS = frozenset(["additionalProperties", "patternProperties"])


# --- one function for each word of JSON Schema ---------------------------------------------------

Word = Callable[[Mapping[str, Any], _Compiler], Check]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:  # 2.0 is one
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


TYPES: dict[str, Check] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _type(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    wanted = schema["type"]
    if isinstance(wanted, str):
        return TYPES[wanted]
    tests = [TYPES[each] for each in wanted]
    return lambda value: any(test(value) for test in tests)


def _enum(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    known = [(each, isinstance(each, bool)) for each in schema["enum"]]
    if any(isinstance(each, list | dict) for each, _ in known):
        raise LookupError("enum of a list or a mapping")  # whose true and 1 would have to differ
    return lambda value: (value, isinstance(value, bool)) in known


def _const(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    return _enum({"enum": [schema["const"]]}, compiler)


def _if(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    test, yes, no = (compiler.check(schema.get(word, True)) for word in ("if", "then", "else"))
    return lambda value: (yes if test(value) else no)(value)


def _any_of(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    several = [compiler.check(each) for each in schema["anyOf"]]
    return lambda value: any(check(value) for check in several)


def _all_of(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    several = [compiler.check(each) for each in schema["allOf"]]
    return lambda value: all(check(value) for check in several)


def _not(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    check = compiler.check(schema["not"])
    return lambda value: not check(value)


def _properties(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    checks = {name: compiler.check(each) for name, each in schema["properties"].items()}
    return lambda value: (
        not isinstance(value, dict)
        or all(checks[name](each) for name, each in value.items() if name in checks)
    )


def _members(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    """Return the check of the members that `properties` does not name."""
    known = schema.get("properties", {})
    other = compiler.check(schema.get("additionalProperties", True))
    patterns = [
        (re.compile(pattern), compiler.check(each))
        for pattern, each in schema.get("patternProperties", {}).items()
    ]

    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        for name, each in value.items():
            checks = [check for pattern, check in patterns if pattern.search(name)]
            if not checks and name not in known:
                checks = [other]
            if not all(check(each) for check in checks):
                return False
        return True

    return check


def _items(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    check = compiler.check(schema["items"])
    return lambda value: not isinstance(value, list) or all(map(check, value))


def _required(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    names = schema["required"]
    return lambda value: not isinstance(value, dict) or all(name in value for name in names)


def _pattern(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
    search = re.compile(schema["pattern"]).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _bound(word: str, holds: Callable[[Any, Any], bool]) -> Word:
    """Return the function for a word that bounds numbers."""

    def make(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
        bound = schema[word]
        return lambda value: not _is_number(value) or holds(value, bound)

    return make


def _length(word: str, kind: type[Sized], holds: Callable[[int, int], bool]) -> Word:
    """Return the function for a word that bounds the length of lists, mappings or texts."""

    def make(schema: Mapping[str, Any], compiler: _Compiler) -> Check:
        bound = schema[word]
        return lambda value: not isinstance(value, kind) or holds(len(value), bound)

    return make


def _at_least(value: Any, bound: Any) -> bool:
    return bool(value >= bound)


def _at_most(value: Any, bound: Any) -> bool:
    return bool(value <= bound)


WORDS: dict[str, Word] = {
    "$ref": lambda schema, compiler: compiler.resolve(schema["$ref"]),
    "allOf": _all_of,
    "anyOf": _any_of,
    "const": _const,
    "enum": _enum,
    "exclusiveMaximum": _bound("exclusiveMaximum", lambda value, bound: bool(value < bound)),
    "exclusiveMinimum": _bound("exclusiveMinimum", lambda value, bound: bool(value > bound)),
    "if": _if,
    "items": _items,
    "maxItems": _length("maxItems", list, _at_most),
    "maxLength": _length("maxLength", str, _at_most),
    "maxProperties": _length("maxProperties", dict, _at_most),
    "maximum": _bound("maximum", _at_most),
    "minItems": _length("minItems", list, _at_least),
    "minLength": _length("minLength", str, _at_least),
    "minProperties": _length("minProperties", dict, _at_least),
    "minimum": _bound("minimum", _at_least),
    "multipleOf": _bound("multipleOf", lambda value, bound: bool(value % bound == 0)),
    "not": _not,
    "pattern": _pattern,
    "properties": _properties,
    "required": _required,
    "type": _type,
}
