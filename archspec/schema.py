"""The JSON Schema of a spec, generated from the tables.

One schema (draft 2020-12) covers the three kinds of file: a network, a derived network and a block
library. Dispatch is by key, never by trying alternatives, so an error names the one key that is
wrong. What a schema cannot say (names, shapes, formulas) the later stages say.

In the schema, `$comment` completes the sentence "... must be ..." for the value it stands at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from archspec.arguments import REQUIRED, Argument, Type
from archspec.contracts import BOUND
from archspec.layers import COMMON, DOCS, LAYERS
from archspec.objects import ALIASES, TABLES
from archspec.objects import WORDS as OBJECT_WORDS
from archspec.recipe import DATA, RECIPE

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


FORMULA = {"type": "string", "pattern": "^="}
NAME = _leaf(
    "a name of letters, digits, '_' and '-'; `{...}` may hold a formula",
    {"type": "string", "pattern": r"^([A-Za-z0-9_-]|\{[^{}]*\})+$", "maxLength": 200},
    "What this step is called; in a loop it holds the loop variable, `unit{unit}`.",
)
REFERENCE = _leaf("the name of a step", {"type": "string", "minLength": 1})


def _or_formula(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that also takes a formula wherever it takes a value."""
    inner: dict[str, Any] = dict(schema)
    if "items" in inner:
        inner["items"] = _or_formula(inner["items"])
    if "anyOf" in inner:
        return {"anyOf": [*(_or_formula(each) for each in inner["anyOf"]), FORMULA]}
    if inner == FORMULA or inner.get("type") in ("string", "object"):
        return inner
    return {"anyOf": [inner, FORMULA]}


def _argument(argument: Argument, doc: str) -> dict[str, Any]:
    words = argument.type.words
    default = {} if argument.default is REQUIRED else {"default": _json(argument.default)}
    return {**_leaf(words, _of_type(argument.type), doc), **default}


def _of_type(type_: Type) -> dict[str, Any]:
    if type_.kind is None:
        return _or_formula(type_.schema)
    if type_.kind == "schedule":
        number = type_.schema["anyOf"][0]
        return {
            "if": {"type": "object"},
            "then": {"$ref": "#/$defs/schedule"},
            "else": _or_formula(number),
        }
    return {"$ref": f"#/$defs/{type_.kind}"}


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _object(properties: Mapping[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    """A mapping that takes these keys only. kind: what messages call a key."""
    return {
        "type": "object",
        "$comment": kind,
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def _arguments(owner: str, arguments: Mapping[str, Argument]) -> dict[str, Any]:
    properties = {
        name: _argument(argument, DOCS.get(f"{owner}.{name}") or DOCS.get(name, ""))
        for name, argument in arguments.items()
    }
    return _object(properties, f"{owner} arguments")


def _called(owner: str, arguments: Mapping[str, Argument], doc: str = "") -> dict[str, Any]:
    """`Owner: {arguments}`, or the value of its first argument, or nothing.

    owner: also the name of the definition that holds its arguments.
    """
    described = {"description": doc} if doc else {}
    first = next((name for name in arguments if name not in COMMON), None)
    scalar: dict[str, Any] = {"type": "null", "$comment": "its arguments as a mapping"}
    if first is not None:
        value = {"$ref": f"#/$defs/{owner}.arguments/properties/{first}"}
        scalar = {"if": {"type": "null"}, "else": value}
    return {
        **described,
        "if": {"type": "object"},
        "then": {"$ref": f"#/$defs/{owner}.arguments"},
        "else": scalar,
    }


def _kinds() -> dict[str, Any]:
    """Initializers, optimizers and the like: a name, or {Name: {arguments}}."""
    defs: dict[str, Any] = {}
    for kind, table in TABLES.items():
        for name, arguments in table.items():
            defs[f"{kind}.{name}"] = _called(f"{kind}.{name}", arguments)
            defs[f"{kind}.{name}.arguments"] = _arguments(name, arguments)
        words = OBJECT_WORDS[kind]
        defs[kind] = {
            "$comment": words,
            "if": {"type": "object"},
            "then": _object(_objects(kind), f"{kind} names", minProperties=1, maxProperties=1),
            "else": {
                "$comment": words,
                "anyOf": [{"enum": [*_objects(kind), None]}, FORMULA],
            },
        }
    return defs


def _objects(kind: str) -> dict[str, Any]:
    """Each name of an object, in CamelCase, in snake_case or Keras's short one, to its schema."""
    names = {name: name for name in TABLES[kind]} | dict(ALIASES.get(kind, {}))
    spelled = names | {_snake(name): entry for name, entry in names.items()}
    return {name: {"$ref": f"#/$defs/{kind}.{entry}"} for name, entry in spelled.items()}


def _snake(name: str) -> str:
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


def _several(kind: str) -> dict[str, Any]:
    """One object or a list of them."""
    one = {"$ref": f"#/$defs/{kind}"}
    return {"if": {"type": "array"}, "then": {"type": "array", "items": one}, "else": one}


def _by_output(kind: str, one: dict[str, Any], words: str) -> dict[str, Any]:
    """What is said for all outputs, or for each by its name.

    A mapping with one key is an object if the key is one's name or begins with a capital.
    """
    objects = _objects(kind)
    outputs = f"^(?!({'|'.join(name for name in objects if name[0].islower())})$)[^A-Z]"
    return {
        "$comment": words,
        "if": {"type": "object", "maxProperties": 1},
        "then": _object(objects, f"{kind} names", patternProperties={outputs: one}),
        "else": {"if": {"type": "object"}, "then": {"additionalProperties": one}, "else": one},
    }


def _removable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A value, or null, which in a derived file takes away what its base has there."""
    shown = {key: schema[key] for key in ("description", "default") if key in schema}
    return {**shown, "if": {"type": "null"}, "else": dict(schema)}


def _recipe() -> dict[str, Any]:
    words = _arguments("train", RECIPE)["properties"]
    train = {name: _removable(each) for name, each in words.items()}
    return {
        "data": {
            "if": {"type": "object"},
            "then": _arguments("data", DATA),
            "else": _leaf(
                "the name of a dataset, a folder, an .npz file, or a mapping", {"type": "string"}
            ),
        },
        "augment": {
            "$comment": "a list of layers",
            "type": "array",
            "items": {"$ref": "#/$defs/step"},
        },
        "losses": _by_output("loss", {"$ref": "#/$defs/loss"}, "a loss, or one for each output"),
        "metrics": _by_output("metric", _several("metric"), "a list of metrics, or of each output"),
        "callbacks": {"$comment": "a list of callbacks", **_several("callback")},
        "train": _object(train, "train arguments"),
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
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": f"^{BOUND}$"},
        ]
    },
)


def _words() -> dict[str, Any]:
    """Every word above the steps."""
    steps = {"$ref": "#/$defs/steps"}
    shape = {
        "if": {"type": "object"},
        "then": _object(
            {"shape": SHAPE, "dtype": _leaf(f"one of {', '.join(DTYPES)}", {"enum": list(DTYPES)})},
            "words",
            required=["shape"],
        ),
        "else": SHAPE,
    }
    layer_defaults = {name: {"$ref": f"#/$defs/{name}.arguments"} for name in LAYERS}
    nulls = {name: {"if": {"type": "null"}, "else": each} for name, each in layer_defaults.items()}
    defaults = {
        **_object(nulls, "layer names"),
        "description": "Arguments that every layer of a name starts from.",
    }
    params = {
        "$comment": "names with default values",
        "type": "object",
        "description": "Names for formulas, with their default values.",
    }
    names = _leaf("a list of names", {"type": "array", "items": NAME, "minItems": 1})
    in_block = {
        "description": _leaf("text", {"type": "string"}),
        "params": params,
        "inputs": names,
        "defaults": defaults,
        "layers": steps,
    }
    block = {
        "if": {"type": "null"},
        "else": {
            **_object({name: _removable(each) for name, each in in_block.items()}, "words"),
        },
    }
    numbers = ("params", "trainable_params", "macs", "receptive_field")
    contracts = _object(
        {
            **{name: COMPARISON for name in numbers},
            "output": {"type": "array", "$comment": "a shape"},
        },
        "contracts",
        patternProperties={"^memory@[0-9]+$": COMPARISON},
    )
    files = {"type": "array", "items": {"type": "string"}, "$comment": "a list of files"}
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
            "additionalProperties": _removable(shape),
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
    nullable = {"name", "archspec"}
    return {
        key: value if key in nullable else {"if": {"type": "null"}, "else": value}
        for key, value in described.items()
    }


def _steps() -> dict[str, Any]:
    calls = {name: _called(name, layer.arguments, layer.doc) for name, layer in LAYERS.items()}
    group = {
        "layers": {
            "if": {"type": "null"},
            "else": {"$ref": "#/$defs/steps"},
            "description": "A group of steps.",
        },
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
            "type": ["array", "object"],
            "minItems": 1,
            "minProperties": 1,
            "items": _branch({**group, "name": NAME}),
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
    bare = {"type": "string", "anyOf": [{"enum": list(LAYERS)}, {"pattern": block}]}
    return {
        "steps": {
            "$comment": "a list of steps",
            "type": "array",
            "items": {"$ref": "#/$defs/step"},
        },
        "step": {
            "if": {"type": "object"},
            "then": _object(step, "step", patternProperties={BLOCK: True}, minProperties=1),
            "else": {"$comment": "a layer, a block or a mapping that holds one", **bare},
        },
        "merge": {
            "if": {"type": "object"},
            "then": _object(
                merge, "merge", patternProperties={f"^(?!({not_merge})$){BLOCK[1:]}": True}
            ),
            "else": {"$comment": "a layer, a block or a mapping that holds one", **bare},
        },
        **{
            f"{name}.arguments": _arguments(name, layer.arguments) for name, layer in LAYERS.items()
        },
    }


def _branch(group: Mapping[str, Any]) -> dict[str, Any]:
    """A list of steps, nothing, or a group; under a key it has no other name."""
    return {
        "if": {"type": ["array", "null"]},
        "then": {"if": {"type": "array"}, "then": {"$ref": "#/$defs/steps"}},
        "else": _object(group, BRANCH),
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
            required=["archspec"],
            anyOf=[{"required": [word]} for word in ("layers", "extends", "blocks")],
        ),
        "$defs": {"formula": FORMULA, **_recipe(), **_steps(), **_kinds()},
    }


def shipped() -> str:
    """The text of `archspec/schema.json`, which editors read."""
    return json.dumps(schema(), separators=(",", ":"), ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name("schema.json").write_text(shipped(), encoding="utf-8")
