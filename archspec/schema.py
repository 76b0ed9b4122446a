"""The JSON Schema of a spec, generated from the tables.

One schema (draft 2020-12) covers the three kinds of file: a network, a derived network and a block
library. Dispatch is by key, never by trying alternatives, so an error names the one key that is
wrong. What a schema cannot say (names, shapes, formulas) the later stages say.

Two readers have it. Our own messages read `$comment`, which completes the sentence "... must be
..." for the value it stands at. Editors show `description` and `title`, and offer as values what
stands at the surface of a property, its types, `enum` and `anyOf`, but not what is under `if`: so
the surface says what kinds of value there are, and `then` what is in a mapping. A `default` is what
an editor inserts; null and lists, which it would lay out badly, stand in the description alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from archspec.arguments import REQUIRED, Argument, Type, show
from archspec.contracts import BOUND
from archspec.errors import Refused
from archspec.layers import COMMON, DOCS, FAMILIES, LAYERS
from archspec.layers.layer import Layer
from archspec.objects import ALIASES, TABLES
from archspec.objects import WORDS as OBJECT_WORDS
from archspec.recipe import DATA, RECIPE
from archspec.recipe import DOCS as RECIPE_DOCS

URL = "https://json-schema.org/draft/2020-12/schema"
MODIFIERS = ("name", "from", "when", "for", "repeat", "call", "merge")
BRANCH = "a list of steps, or a group of `layers`"
WORDS = ("branches", "layers", "reuse")  # the steps that are neither a layer nor a block call
BLOCK = "^[a-z][a-z0-9_]*$"
DTYPES = (
    *("float32", "float16", "float64", "bfloat16", "bool"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)

# --- the schema ----------------------------------------------------------------------------------


def _leaf(words: str, schema: Mapping[str, Any], doc: str = "") -> dict[str, Any]:
    described = {"description": doc} if doc else {}
    return {"$comment": words, **described, **schema}


NULL = {"type": "null"}
MAPPING = {"type": "object"}
ARRAY = {"type": "array"}
NOTHING = {"if": NULL, "else": False}  # null, which editors do not offer
FORMULA = {"$ref": "#/$defs/formula"}
NAME = _leaf(
    "a name of letters, digits, '_' and '-'; `{...}` may hold a formula",
    {
        "type": "string",
        "pattern": r"^([A-Za-z0-9_-]|\{[^{}]*\})+$",
        "patternErrorMessage": "A name has letters, digits, '_', '-' and formulas in {...}.",
        "maxLength": 200,
    },
    "What this step is called; in a loop it holds the loop variable, `unit{unit}`.",
)
A_FORMULA = {"title": "formula", "type": "string", "pattern": "^="}
NEITHER = {"errorMessage": "A network has layers, a derived one extends, a library has blocks."}
UNOFFERED = {"doNotSuggest": True}
REFERENCE = _leaf("the name of a step", {"type": "string", "minLength": 1})


def _alternatives(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a schema takes, one alternative each, with formulas inside lists."""
    if "anyOf" in schema:
        return [each for inner in schema["anyOf"] for each in _alternatives(inner)]
    if "items" in schema:
        return [{**schema, "items": _or_formula(schema["items"])}]
    return [dict(schema)]


def _or_formula(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that also takes a formula wherever it takes a value."""
    taken = _alternatives(schema)
    if all(each.get("type") not in ("string", "object") for each in taken):
        taken.append(FORMULA)
    return taken[0] if len(taken) == 1 else {"anyOf": taken}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
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
        return {"$comment": type_.words, **_or_formula(type_.schema)}
    if type_.kind == "schedule":
        numbers = _alternatives(type_.schema["anyOf"][0])
        return {
            "$comment": type_.words,
            "anyOf": [*numbers, FORMULA, MAPPING],
            "if": MAPPING,
            "then": {"$ref": "#/$defs/schedule"},
        }
    return {"$ref": f"#/$defs/{type_.kind}"}


def _object(properties: Mapping[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    """A mapping that takes these keys only. kind: what messages call a key.

    What is required stands in an `allOf` of its own, or editors offer it twice.
    """
    return {
        "type": "object",
        "$comment": kind,
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def _arguments(
    owner: str, arguments: Mapping[str, Argument], docs: Mapping[str, str] = DOCS
) -> dict[str, Any]:
    properties = {
        name: _argument(argument, docs.get(f"{owner}.{name}") or docs.get(name, ""))
        for name, argument in arguments.items()
    }
    return {"title": owner, **_object(properties, f"{owner} arguments")}


def _called(name: str, arguments: Mapping[str, Argument], definition: str) -> dict[str, Any]:
    """`Name: {arguments}`, or the value of its first argument, or nothing.

    definition: which definition holds the arguments.
    """
    first = next((each for each in arguments.values() if each.name not in COMMON), None)
    words, taken = "its arguments as a mapping", []
    if first is not None:
        words = first.type.words
        value = _of_type(first.type)
        taken = [each for each in value.get("anyOf", [value]) if each != MAPPING]
        if first.type.kind and "$ref" in value:
            taken = _names(first.type.kind)
    return {
        "title": name,
        "$comment": words,
        "anyOf": [*taken[:1], MAPPING, *taken[1:], NOTHING],  # editors report the first
        "if": MAPPING,
        "then": {"$ref": f"#/$defs/{definition}"},
    }


def _kinds() -> dict[str, Any]:
    """Initializers, optimizers and the like: a name, or {Name: {arguments}}."""
    defs: dict[str, Any] = {}
    for kind, table in TABLES.items():
        for name, arguments in table.items():
            owner = f"{kind}.{name}"
            defs[owner] = _called(name, arguments, f"{owner}.arguments")
            defs[f"{owner}.arguments"] = _arguments(name, arguments)
        defs[kind] = {
            "title": kind,
            "$comment": OBJECT_WORDS[kind],
            "anyOf": [*_names(kind), MAPPING],
            "if": MAPPING,
            "then": _object(_objects(kind), f"{kind} names", minProperties=1, maxProperties=1),
        }
    return defs


def _names(kind: str) -> list[dict[str, Any]]:
    """The names of objects, or a formula: editors offer Keras's own names and take the others."""
    others = [name for name in spellings(kind) if name not in TABLES[kind]]
    return [
        {"enum": list(TABLES[kind])},
        {"type": "string", "pattern": f"^(=|({'|'.join(others)})$)"} if others else FORMULA,
        NOTHING,
    ]


def _objects(kind: str) -> dict[str, Any]:
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
    return names | {_snake(name): entry for name, entry in names.items()}


def _snake(name: str) -> str:
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


def _by_output(kind: str, one: dict[str, Any], *more: Any) -> dict[str, Any]:
    """What is said for all outputs, or for each by its name.

    A mapping with one key is an object if the key is one's name or begins with a capital.
    one: what is said for an output. more: what may stand for all of them besides an object.
    """
    objects = _objects(kind)
    outputs = f"^(?!({'|'.join(name for name in objects if name[0].islower())})$)[^A-Z]"
    return {
        "$comment": OBJECT_WORDS[kind],
        "anyOf": [*_names(kind), *more, MAPPING],
        "if": {"type": "object", "maxProperties": 1},
        "then": _object(objects, f"{kind} names", patternProperties={outputs: one}),
        "else": {"additionalProperties": one},
    }


def _several(kind: str) -> dict[str, Any]:
    """One object or a list of them."""
    return {
        "$comment": OBJECT_WORDS[kind],
        "anyOf": [*_names(kind), ARRAY, MAPPING],
        "items": {"$ref": f"#/$defs/{kind}"},
        "if": MAPPING,
        "then": {"$ref": f"#/$defs/{kind}"},
    }


def _recipe() -> dict[str, Any]:
    words = _arguments("train", RECIPE, RECIPE_DOCS)["properties"]
    return {
        "data": {
            **_leaf(
                "the name of a dataset, a folder, an .npz file, or a mapping",
                {"anyOf": [{"type": "string"}, MAPPING, NOTHING]},
            ),
            "if": MAPPING,
            "then": _arguments("data", DATA, RECIPE_DOCS),
        },
        "augment": {
            "$comment": "a list of layers",
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
        "losses": _by_output("loss", {"$ref": "#/$defs/loss"}),
        "metrics": {
            **_by_output("metric", _several("metric"), ARRAY),
            "items": {"$ref": "#/$defs/metric"},
        },
        "callbacks": _several("callback"),
        "train": _or_null(
            _object({name: _or_null(each) for name, each in words.items()}, "train arguments")
        ),
    }


CONDITION = _leaf("true, false or a formula", {"anyOf": [{"type": "boolean"}, FORMULA]})
LOOP = _leaf(
    "lists by variable, {i: =range(3)}, or a list of mappings",
    {
        "anyOf": [
            {"type": "object", "minProperties": 1},
            {"type": "array", "items": {"type": "object"}},
            FORMULA,
        ]
    },
    "Walk lists together, or the rows of a table; the step is written once for each.",
)
FROM = _leaf(
    "the name of a step, a list of names, or call arguments to names",
    {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        ]
    },
    "What the step takes, instead of the value of the step before it.",
)
AXIS = _leaf(
    "a positive integer or null", {"anyOf": [{"type": ["integer", "null"], "minimum": 1}, FORMULA]}
)
SHAPE = _leaf(
    "a list of axes without the batch, such as [28, 28, 1]",
    {"anyOf": [{"type": "array", "items": AXIS, "minItems": 1}, FORMULA]},
)
COMPARISON = _leaf(
    "a comparison such as '<= 12M', or a number",
    {
        "anyOf": [
            {
                "type": "string",
                "pattern": f"^{BOUND}$",
                "patternErrorMessage": "Write a comparison such as <= 12M, >= 3 or 100.",
            },
            {"type": "number", "minimum": 0},
        ]
    },
)
CONTRACTS = {
    "params": "Numbers in all weights.",
    "trainable_params": "Numbers in the weights that training changes.",
    "macs": "Multiply-accumulates of one sample.",
    "receptive_field": "Input rows that one value of the output depends on.",
}


def _words() -> dict[str, Any]:
    """Every word above the steps."""
    steps = {"$ref": "#/$defs/steps"}
    inner_shape = _object(
        {"shape": SHAPE, "dtype": _leaf(f"one of {', '.join(DTYPES)}", {"enum": list(DTYPES)})},
        "words",
        allOf=[{"required": ["shape"]}],
    )
    shape = {
        **_leaf(SHAPE["$comment"], {"anyOf": [*SHAPE["anyOf"], MAPPING, NOTHING]}),
        "if": MAPPING,
        "then": inner_shape,
    }
    layer_defaults = {
        name: {"description": layer.doc, "$ref": f"#/$defs/{name}.arguments"}
        for name, layer in LAYERS.items()
    }
    defaults = {
        **_object(layer_defaults, "layer names"),
        "description": "Arguments that every layer of a name starts from.",
    }
    params = {
        "$comment": "names with default values",
        "type": "object",
        "description": "Names for formulas, with their default values.",
    }
    names = _leaf("a list of names", {"type": "array", "items": NAME, "minItems": 1})
    in_block = {
        "description": _leaf("text", {"type": "string"}, "One line on what this block is."),
        "params": params,
        "inputs": {**names, "description": "Names of its inputs, if it has several."},
        "defaults": defaults,
        "layers": {**steps, "description": "The steps, each taking the one before it."},
    }
    block = _or_null(_object({name: _or_null(each) for name, each in in_block.items()}, "words"))
    contracts = _object(
        {
            **{name: {**COMPARISON, "description": doc} for name, doc in CONTRACTS.items()},
            "output": {
                "type": "array",
                "$comment": "a shape",
                "description": "Shape of the output without the batch axis.",
            },
        },
        "contracts",
        patternProperties={"^memory@[0-9]+$": COMPARISON},
    )
    files = _leaf("a list of files", {"type": "array", "items": {"type": "string"}})
    described = {
        "archspec": _leaf("1", {"const": 1}, "Version of the language."),
        "name": _leaf("text", {"type": "string"}, "By default the file's stem."),
        "description": _leaf("text", {"type": "string"}, "One line on what this network is."),
        "extends": _leaf(
            "the name of a file", {"type": "string"}, "The spec that this one changes."
        ),
        "import": {**files, "description": "Block libraries whose blocks are brought in."},
        "params": params,
        "input": {**shape, "description": "Shape of the input without the batch axis."},
        "inputs": {
            "$comment": "names with their shapes",
            "type": "object",
            "additionalProperties": shape,
            "description": "Several inputs, by name.",
        },
        "defaults": defaults,
        "blocks": {
            "$comment": "block names",
            "type": "object",
            "patternProperties": {BLOCK: block},
            "additionalProperties": False,
            "description": "Reusable sub-graphs, called like a layer.",
        },
        "layers": {**steps, "description": "The steps, each taking the one before it."},
        "outputs": _leaf(
            "a list of step names",
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "The model's outputs; by default the last step.",
        ),
        "require": {
            **contracts,
            "description": "Contracts that `archspec check` holds the spec to.",
        },
        "train": {"$ref": "#/$defs/train", "description": "The recipe of `archspec train`."},
    }
    never_null = ("name", "archspec")
    return {
        key: value if key in never_null else _or_null(value) for key, value in described.items()
    }


def _steps() -> dict[str, Any]:
    calls = {name: {"$ref": f"#/$defs/{name}"} for name in LAYERS}
    group = {
        "layers": {"$ref": "#/$defs/steps", "description": "A group of steps."},
        "from": FROM,
        "when": {**CONDITION, "description": "Whether the step is there at all."},
    }
    call = _leaf("call arguments", {"type": "object"}, "Constant call arguments.")
    reuse = {**REFERENCE, "description": "Call that layer or block again, with its weights."}
    step = {
        **calls,
        **group,
        "branches": {
            "$comment": "a list or a mapping of branches",
            "type": ["object", "array"],
            "minItems": 1,
            "minProperties": 1,
            "if": ARRAY,
            "then": {"items": _branch({**group, "name": NAME})},
            "additionalProperties": _branch(group),
            "description": "Branches that all take the same value, joined by `merge`.",
        },
        "merge": {"$ref": "#/$defs/merge", "description": "The step that joins the branches."},
        "reuse": reuse,
        "name": NAME,
        "for": LOOP,
        "repeat": _leaf(
            "a number of turns, at least 0",
            {"anyOf": [{"type": "integer", "minimum": 0}, FORMULA]},
            "How many times in a row; names get the turn's number.",
        ),
        "call": call,
    }
    merge = {**calls, "reuse": reuse, "name": NAME, "call": call}
    not_merge = "|".join(word for word in step if word not in merge)
    words = "|".join((*MODIFIERS, *WORDS))  # which need a value
    block = f"^(?!({words})$){BLOCK[1:]}"
    taken = "a layer, a block or a mapping that holds one"
    return {
        "steps": {
            "$comment": "a list of steps",
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
        "step": {
            "title": "step",
            "if": MAPPING,
            "then": {
                **_object(step, "step", patternProperties={BLOCK: True}, minProperties=1),
                **_next(MODIFIERS),
            },
            "else": {"$comment": taken, "$ref": "#/$defs/bare"},
        },
        "merge": {
            "$comment": taken,
            "anyOf": [
                {"$ref": "#/$defs/bare"},
                *({"const": layer.name, "description": layer.doc} for layer in FAMILIES["merging"]),
                MAPPING,
            ],
            "if": MAPPING,
            "then": {
                **_object(
                    merge, "merge", patternProperties={f"^(?!({not_merge})$){BLOCK[1:]}": True}
                ),
                **_next(("name", "call")),
            },
        },
        "bare": {
            "$comment": taken,
            "type": "string",
            "anyOf": [
                {
                    "pattern": f"^({'|'.join(LAYERS)})$|{block}",
                    "patternErrorMessage": "There is no such layer.",
                },
                *(  # for what editors show
                    {"pattern": f"^{name}$", "allOf": [{"$ref": f"#/$defs/call/properties/{name}"}]}
                    for name in LAYERS
                ),
            ],
        },
        "call": {"properties": {name: _inserted(layer) for name, layer in LAYERS.items()}},
        **{
            name: {
                **_called(name, layer.arguments, f"{name}.arguments"),
                **_described(layer),
                **UNOFFERED,
            }
            for name, layer in LAYERS.items()
        },
        **_layer_arguments(),
    }


def _layer_arguments() -> dict[str, Any]:
    """The arguments of each layer; one that may be left out refers to the first layer with it."""
    definitions: dict[str, Any] = {}
    places: dict[int, str] = {}
    for name, layer in LAYERS.items():
        definition = _or_null(_arguments(name, layer.arguments))
        properties = definition["properties"]
        for argument in layer.arguments.values():
            place = f"#/$defs/{name}.arguments/properties/{argument.name}"
            first = places.setdefault(id(properties[argument.name]), place)
            if first != place and argument.default is not REQUIRED:
                properties[argument.name] = {"$ref": first}
        definitions[f"{name}.arguments"] = definition
    return definitions


def _next(modifiers: Iterable[str]) -> dict[str, Any]:
    """What an editor offers in a step: layers while it has none, and then modifiers alone."""
    return {
        "if": {"patternProperties": {f"^([A-Z]|({'|'.join(WORDS)})$)": NULL}},
        "then": {"$ref": "#/$defs/call"},
        "else": {
            "propertyNames": {
                "pattern": f"^([A-Z]|({'|'.join((*modifiers, *WORDS))})$)",
                "patternErrorMessage": f"Beside a layer stand {', '.join(modifiers)}.",
            }
        },
    }


def _described(layer: Layer) -> dict[str, Any]:
    """What an editor shows of a layer: the second, where it knows Markdown."""
    return {"description": layer.doc, "markdownDescription": layer.hover}


def _inserted(layer: Layer) -> dict[str, Any]:
    """A layer as an editor inserts it: its name, with a place for each argument that it needs."""
    needed = [name for name, each in layer.arguments.items() if each.default is REQUIRED]
    described = _described(layer)
    if needed and needed == list(layer.arguments)[:1]:
        return {**described, "anyOf": [True]}  # inserted as `Dense: `, for the value
    if needed:
        places = ", ".join(f"{name}: ${number}" for number, name in enumerate(needed, 1))
        snippet = {"label": f"{{{', '.join(needed)}}}", "body": f"{{{places}}}"}
        return {**described, "defaultSnippets": [snippet]}
    return described


def _branch(group: Mapping[str, Any]) -> dict[str, Any]:
    """A list of steps, nothing, or a group; under a key it has no other name."""
    return {
        "if": {"type": ["array", "null"]},
        "then": {"$ref": "#/$defs/steps"},
        "else": _object(group, BRANCH, errorMessage=f"A branch is {BRANCH}."),
    }


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of every file that archspec reads."""
    return {
        "$schema": URL,
        "title": "archspec 1",
        "description": "A network as a graph of layers: the spec language of archspec.",
        **_object(
            _words(),
            "words",
            allOf=[{"required": ["archspec"]}],
            anyOf=[{"required": [word], **NEITHER} for word in ("layers", "extends", "blocks")],
        ),
        "$defs": {"formula": A_FORMULA, **_recipe(), **_steps(), **_kinds()},
    }


def shipped() -> str:
    """The text of `archspec/schema.json`, which editors read."""
    return json.dumps(schema(), separators=(",", ":"), ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name("schema.json").write_text(shipped(), encoding="utf-8")
