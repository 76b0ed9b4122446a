"""List what the schema allows at a place: words of the language, layers, arguments, values.

The studio offers them beside the names of `completion`. In other editors the YAML language server
does, which reads the same schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, reduce
from operator import getitem
from typing import Any

from archspec.arguments import REQUIRED
from archspec.editing.completion import Completion
from archspec.editing.text import Position, Range
from archspec.editing.way import find_way
from archspec.editing.workspace import SpecView
from archspec.layers import LAYERS
from archspec.schema import make_schema

Part = dict[str, Any]  # of a JSON Schema
ALTERNATIVES = ("allOf", "anyOf", "oneOf")
MAX_DETAIL = 60


def list_words(view: SpecView, position: Position) -> list[Completion]:
    """Return the keys and values that the schema has for a position, none twice."""
    row, column = view.text.place(position)
    way = find_way("\n".join(view.text.lines), row - 1, column - 1)
    if way.value.lstrip("\"'").startswith("="):
        return []
    schema = make_schema()
    parts = [schema]
    for key in way.keys:
        parts = [inner for part in parts for inner in _enter(part, key, schema)]
    start = view.text.position(view.text.offset(position) - len(way.word))
    at = Range(start, position)
    found: dict[str, Completion] = {}
    for part in parts:
        for each in _unfold(part, schema):
            if way.is_key:
                for name, inner in each.get("properties", {}).items():
                    written = name if name in _list_bare() else f"{name}: "
                    told = _describe(inner, schema)
                    found.setdefault(written, Completion(name, "word", at, told, written))
            values = [*each.get("enum", []), *([each["const"]] if "const" in each else [])]
            values += [False, True] if "boolean" in each.get("type", ()) else []
            for value in values:
                text = value if isinstance(value, str) else json.dumps(value)
                found.setdefault(text, Completion(text, "word", at))
    return list(found.values())


@cache
def _list_bare() -> set[str]:
    """Return the layers that may be written without arguments."""
    return {
        name
        for name, layer in LAYERS.items()
        if all(each.default is not REQUIRED for each in layer.arguments.values())
    }


def _unfold(part: Any, schema: Part) -> Iterator[Part]:
    """Yield what a value may be: a part, what it refers to, its alternatives, and the items of a
    list, which a way does not count."""
    waiting, seen = [part], set[int]()
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, dict) or id(each) in seen:
            continue
        seen.add(id(each))
        if "$ref" in each:
            waiting.append(reduce(getitem, each["$ref"].split("/")[1:], schema))
        for word in ALTERNATIVES:
            waiting += each.get(word, [])
        waiting += [each[word] for word in ("then", "else", "items") if word in each]
        yield each


def _enter(part: Part, key: str, schema: Part) -> Iterator[Any]:
    """Yield what may stand under a key."""
    for each in _unfold(part, schema):
        patterns = each.get("patternProperties", {})
        if key in each.get("properties", {}):
            yield each["properties"][key]
        elif matching := [pattern for pattern in patterns if re.search(pattern, key)]:
            yield from (patterns[pattern] for pattern in matching)
        else:
            yield each.get("additionalProperties")


def _describe(part: Any, schema: Part) -> str:
    """Return the first sentence on a value, if there is one."""
    for each in _unfold(part, schema):
        text = str(each.get("description", ""))
        if text:
            first = text.split(". ")[0].split("\n")[0].rstrip(".")
            return first if len(first) <= MAX_DETAIL else f"{first[: MAX_DETAIL - 1]}…"
    return ""
