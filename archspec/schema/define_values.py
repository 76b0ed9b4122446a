"""Define values in the schema: formulas, arguments of layers and objects, objects by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from msgspec.structs import replace

from archspec.arguments import REQUIRED, Argument, Type, show
from archspec.errors import Refused
from archspec.layers import COMMON
from archspec.objects import KINDS, TABLES

NULL = {"type": "null"}
MAPPING = {"type": "object"}
ARRAY = {"type": "array"}
NOTHING = {"if": NULL, "else": False}  # null, which editors do not offer
FORMULA = {"$ref": "#/$defs/formula"}
A_FORMULA = {"title": "formula", "type": "string", "pattern": "^="}
UNOFFERED = {"doNotSuggest": True}
ROLE = "x-archspec"  # the key for the role of a part; validators and editors ignore it


def label(words: str, role: str = "", of: str = "") -> dict[str, Any]:
    """Return the parts of a schema that our own messages read.

    words: complete the sentence "... must be ...". role, of: what the part is, such as the
    "arguments" of "Conv2D", where its errors need more than that sentence.

    >>> label("an initializer", "object", of="initializer")
    {'$comment': 'an initializer', 'x-archspec': {'is': 'object', 'of': 'initializer'}}
    """
    owner = {"of": of} if of else {}
    return {"$comment": words, **({ROLE: {"is": role, **owner}} if role else {})}


def describe(
    words: str, schema: Mapping[str, Any], doc: str = "", role: str = ""
) -> dict[str, Any]:
    """Return a schema with the words for what it wants, and a sentence for editors."""
    described = {"description": doc} if doc else {}
    return {**label(words, role), **described, **schema}


def list_alternatives(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the alternatives of a schema, with a formula in place of any item of a list.

    >>> list_alternatives({"anyOf": [{"type": "integer"}, {"type": "null"}]})
    [{'type': 'integer'}, {'type': 'null'}]
    """
    if "anyOf" in schema:
        return [each for inner in schema["anyOf"] for each in list_alternatives(inner)]
    if "items" in schema:
        return [{**schema, "items": allow_formula(schema["items"])}]
    return [dict(schema)]


def allow_formula(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that also takes a formula wherever this one takes a value."""
    taken = list_alternatives(schema)
    if all(each.get("type") not in ("string", "object") for each in taken):
        taken.append(FORMULA)
    return taken[0] if len(taken) == 1 else {"anyOf": taken}


def allow_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that also takes null, which in a derived file removes what its base has."""
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], NOTHING]}
    return dict(schema)  # a reference to a schema that already takes null


@cache
def _define_argument(argument: Argument) -> dict[str, Any]:
    """Return the schema of an argument, with its sentence for editors."""
    described = f"{argument.doc} Takes {argument.type.words}".lstrip()
    stated: dict[str, Any] = {}
    if argument.default is not REQUIRED:
        default = _write_default(argument)
        described += f"; by default {show(default)}"
        stated = {} if default is None or isinstance(default, list) else {"default": default}
    return {**_define_type(argument.type), "description": f"{described}.", **stated}


def _write_default(argument: Argument) -> Any:
    """Return the default as one would write it: 1 and not [1, 1] where both are taken."""
    default = argument.default
    if not isinstance(default, tuple):
        return default
    if len(set(default)) == 1:
        with suppress(Refused, TypeError):
            if argument.type.read(default[0]) == default:
                return _write_default(replace(argument, default=default[0]))
    return json.loads(json.dumps(default))


def _define_type(type_: Type) -> dict[str, Any]:
    """Return the schema of the values that a type takes, formulas among them."""
    if type_.kind is None:
        return {**label(type_.words), **allow_formula(type_.schema)}
    if type_.kind == "schedule":
        numbers = list_alternatives(type_.schema["anyOf"][0])
        return {
            **label(type_.words, "object", type_.kind),
            "anyOf": [*numbers, FORMULA, MAPPING],
            "if": MAPPING,
            "then": {"$ref": "#/$defs/schedule"},
        }
    return {"$ref": f"#/$defs/{type_.kind}"}


def define_mapping(
    properties: Mapping[str, Any], words: str, role: str = "", of: str = "", **more: Any
) -> dict[str, Any]:
    """Return the schema of a mapping that takes only these keys.

    Required keys are in an `allOf` of their own, because editors would offer them twice.
    """
    return {
        "type": "object",
        **label(words, role, of),
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def define_arguments(owner: str, arguments: Mapping[str, Argument]) -> dict[str, Any]:
    """Return the schema of the mapping that holds the arguments of a layer or an object."""
    properties = {name: _define_argument(each) for name, each in arguments.items()}
    return {
        "title": owner,
        **define_mapping(properties, "a mapping of its arguments", "arguments", owner),
    }


def define_call(name: str, arguments: Mapping[str, Argument], definition: str) -> dict[str, Any]:
    """Return the schema of what stands after the name of a layer or an object.

    That is a mapping of its arguments, or the value of its first argument, or nothing: `Dense: 3`.
    definition: the name of the definition that holds the arguments.
    """
    first = next((each for each in arguments.values() if each.name not in COMMON), None)
    described, taken = label("its arguments as a mapping", "call"), []
    if first is not None:
        kind = first.type.kind
        described = label(first.type.words, "object" if kind else "", kind or "")
        value = _define_type(first.type)
        taken = [each for each in value.get("anyOf", [value]) if each != MAPPING]
        if kind and "$ref" in value:
            taken = list_names(kind)
    return {
        "title": name,
        **described,
        "anyOf": [*taken[:1], MAPPING, *taken[1:], NOTHING],  # editors report the first
        "if": MAPPING,
        "then": {"$ref": f"#/$defs/{definition}"},
    }


def define_objects() -> dict[str, Any]:
    """Return the definitions of initializers, optimizers and the other kinds of objects.

    Each is written as a name or as {Name: {arguments}}.
    """
    defs: dict[str, Any] = {}
    for kind, table in TABLES.items():
        for name, arguments in table.items():
            owner = f"{kind}.{name}"
            defs[owner] = define_call(name, arguments, f"{owner}.arguments")
            defs[f"{owner}.arguments"] = define_arguments(name, arguments)
        defs[kind] = {
            "title": kind,
            **label(KINDS[kind].words, "object", kind),
            "anyOf": [*list_names(kind), MAPPING],
            "if": MAPPING,
            "then": define_object(kind, minProperties=1, maxProperties=1),
        }
    return defs


def list_names(kind: str) -> list[dict[str, Any]]:
    """Return the schemas of an object's name and of a formula.

    Editors offer the names that Keras has, and take the other spellings.
    """
    others = [name for name in KINDS[kind].spellings if name not in TABLES[kind]]
    return [
        {"enum": list(TABLES[kind])},
        {"type": "string", "pattern": f"^(=|({'|'.join(others)})$)"} if others else FORMULA,
        NOTHING,
    ]


def define_object(kind: str, **more: Any) -> dict[str, Any]:
    """Return the schema of {Name: {arguments}}."""
    return define_mapping(_define_spellings(kind), KINDS[kind].words, "object", kind, **more)


def _define_spellings(kind: str) -> dict[str, Any]:
    """Return the schema of an object's arguments by each spelling of its name."""
    return {
        name: {
            "allOf": [{"$ref": f"#/$defs/{kind}.{entry}"}],
            **({} if name in TABLES[kind] else UNOFFERED),
        }
        for name, entry in KINDS[kind].spellings.items()
    }
