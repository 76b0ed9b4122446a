"""What a value may be in the schema: formulas, the arguments of a contract, and objects by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from archspec.arguments import REQUIRED, Argument, Type, show
from archspec.errors import Refused
from archspec.layers import COMMON
from archspec.objects import ALIASES, TABLES, snake_case
from archspec.objects import WORDS as OBJECT_WORDS

NULL = {"type": "null"}
MAPPING = {"type": "object"}
ARRAY = {"type": "array"}
NOTHING = {"if": NULL, "else": False}  # null, which editors do not offer
FORMULA = {"$ref": "#/$defs/formula"}
A_FORMULA = {"title": "formula", "type": "string", "pattern": "^="}
UNOFFERED = {"doNotSuggest": True}
ROLE = "x-archspec"  # the key of what a part of the schema is; validators and editors ignore it


def wanted(words: str, role: str = "", of: str = "") -> dict[str, Any]:
    """Return what a part of the schema tells our own messages.

    words: complete the sentence "... must be ...". role, of: what the part is, such as the
    "arguments" of "Conv2D", where its errors say more than that sentence.

    >>> wanted("an initializer", "object", of="initializer")
    {'$comment': 'an initializer', 'x-archspec': {'is': 'object', 'of': 'initializer'}}
    """
    owner = {"of": of} if of else {}
    return {"$comment": words, **({ROLE: {"is": role, **owner}} if role else {})}


def leaf(words: str, schema: Mapping[str, Any], doc: str = "", role: str = "") -> dict[str, Any]:
    """Return a schema with the words of what it wants, and a sentence for editors."""
    described = {"description": doc} if doc else {}
    return {**wanted(words, role), **described, **schema}


def alternatives(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a schema takes, one alternative each, with formulas inside lists."""
    if "anyOf" in schema:
        return [each for inner in schema["anyOf"] for each in alternatives(inner)]
    if "items" in schema:
        return [{**schema, "items": or_formula(schema["items"])}]
    return [dict(schema)]


def or_formula(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that also takes a formula wherever it takes a value."""
    taken = alternatives(schema)
    if all(each.get("type") not in ("string", "object") for each in taken):
        taken.append(FORMULA)
    return taken[0] if len(taken) == 1 else {"anyOf": taken}


def or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A value, or null, which in a derived file takes away what its base has there."""
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], NOTHING]}
    return dict(schema)  # a reference to what takes null already


@cache
def _argument(argument: Argument, doc: str) -> dict[str, Any]:
    described = f"{doc} Takes {argument.type.words}".lstrip()
    stated: dict[str, Any] = {}
    if argument.default is not REQUIRED:
        default = _default(argument)
        described += f"; by default {show(default)}"
        stated = {} if default is None or isinstance(default, list) else {"default": default}
    return {**_of_type(argument.type), "description": f"{described}.", **stated}


def _default(argument: Argument) -> Any:
    """The default as one would write it: 1 and not [1, 1] where both are taken."""
    default = argument.default
    if not isinstance(default, tuple):
        return default
    if len(set(default)) == 1:
        with suppress(Refused, TypeError):
            if argument.type.read(default[0]) == default:
                return _default(replace(argument, default=default[0]))
    return json.loads(json.dumps(default))


def _of_type(type_: Type) -> dict[str, Any]:
    if type_.kind is None:
        return {**wanted(type_.words), **or_formula(type_.schema)}
    if type_.kind == "schedule":
        numbers = alternatives(type_.schema["anyOf"][0])
        return {
            **wanted(type_.words, "object", type_.kind),
            "anyOf": [*numbers, FORMULA, MAPPING],
            "if": MAPPING,
            "then": {"$ref": "#/$defs/schedule"},
        }
    return {"$ref": f"#/$defs/{type_.kind}"}


def closed(
    properties: Mapping[str, Any], words: str, role: str = "", of: str = "", **more: Any
) -> dict[str, Any]:
    """Return the schema of a mapping that takes these keys only.

    What is required stands in an `allOf` of its own, or editors offer it twice.
    """
    return {
        "type": "object",
        **wanted(words, role, of),
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def arguments_of(
    owner: str, arguments: Mapping[str, Argument], docs: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A mapping of arguments. docs: a sentence for "owner.argument", or else for "argument"; by
    default those of layers and objects."""
    if docs is None:
        from archspec.layers.docs import DOCS  # which a check of a sound spec does without

        docs = DOCS
    properties = {
        name: _argument(argument, docs.get(f"{owner}.{name}") or docs.get(name, ""))
        for name, argument in arguments.items()
    }
    return {"title": owner, **closed(properties, "a mapping of its arguments", "arguments", owner)}


def called(name: str, arguments: Mapping[str, Argument], definition: str) -> dict[str, Any]:
    """`Name: {arguments}`, or the value of its first argument, or nothing.

    definition: which definition holds the arguments.
    """
    first = next((each for each in arguments.values() if each.name not in COMMON), None)
    said, taken = wanted("its arguments as a mapping", "call"), []
    if first is not None:
        kind = first.type.kind
        said = wanted(first.type.words, "object" if kind else "", kind or "")
        value = _of_type(first.type)
        taken = [each for each in value.get("anyOf", [value]) if each != MAPPING]
        if kind and "$ref" in value:
            taken = names_of(kind)
    return {
        "title": name,
        **said,
        "anyOf": [*taken[:1], MAPPING, *taken[1:], NOTHING],  # editors report the first
        "if": MAPPING,
        "then": {"$ref": f"#/$defs/{definition}"},
    }


def of_kinds() -> dict[str, Any]:
    """The definitions of initializers, optimizers and the like: a name, or {Name: {arguments}}."""
    defs: dict[str, Any] = {}
    for kind, table in TABLES.items():
        for name, arguments in table.items():
            owner = f"{kind}.{name}"
            defs[owner] = called(name, arguments, f"{owner}.arguments")
            defs[f"{owner}.arguments"] = arguments_of(name, arguments)
        defs[kind] = {
            "title": kind,
            **wanted(OBJECT_WORDS[kind], "object", kind),
            "anyOf": [*names_of(kind), MAPPING],
            "if": MAPPING,
            "then": one_object(kind, minProperties=1, maxProperties=1),
        }
    return defs


def names_of(kind: str) -> list[dict[str, Any]]:
    """The names of objects, or a formula: editors offer Keras's own names and take the others."""
    others = [name for name in spellings(kind) if name not in TABLES[kind]]
    return [
        {"enum": list(TABLES[kind])},
        {"type": "string", "pattern": f"^(=|({'|'.join(others)})$)"} if others else FORMULA,
        NOTHING,
    ]


def one_object(kind: str, **more: Any) -> dict[str, Any]:
    """Return the schema of {Name: {arguments}}."""
    return closed(objects_of(kind), OBJECT_WORDS[kind], "object", kind, **more)


def objects_of(kind: str) -> dict[str, Any]:
    """Each spelling of an object's name, to its schema; editors offer Keras's own, bare."""
    return {
        name: {
            "allOf": [{"$ref": f"#/$defs/{kind}.{entry}"}],
            **({} if name in TABLES[kind] else UNOFFERED),
        }
        for name, entry in spellings(kind).items()
    }


@cache
def spellings(kind: str) -> dict[str, str]:
    """Each name of an object, in CamelCase, in snake_case or Keras's short one, to the table's."""
    names = {name: name for name in TABLES[kind]} | dict(ALIASES.get(kind, {}))
    return names | {snake_case(name): entry for name, entry in names.items()}
