"""Steps in the schema: layers, blocks, branches, groups, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archspec.arguments import REQUIRED
from archspec.layers import FAMILIES, LAYERS
from archspec.layers.layer import Layer
from archspec.schema.values import (
    ARRAY,
    FORMULA,
    MAPPING,
    NULL,
    UNOFFERED,
    arguments_of,
    called,
    closed,
    leaf,
    or_null,
    wanted,
)
from archspec.syntax.steps import MODIFIERS, WORDS

STEP = "a layer, a block or a mapping that holds one"
BRANCH = "a list of steps, or a group of `layers`"
BLOCK = "^[a-z][a-z0-9_]*$"
NAME = leaf(
    "a name of letters, digits, '_' and '-'; `{...}` may hold a formula",
    {
        "type": "string",
        "pattern": r"^([A-Za-z0-9_-]|\{[^{}]*\})+$",
        "patternErrorMessage": "A name has letters, digits, '_', '-' and formulas in {...}.",
        "maxLength": 200,
    },
    "What this step is called; in a loop it holds the loop variable, `unit{unit}`.",
)
REFERENCE = leaf("the name of a step", {"type": "string", "minLength": 1})
CONDITION = leaf("true, false or a formula", {"anyOf": [{"type": "boolean"}, FORMULA]})
LOOP = leaf(
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
FROM = leaf(
    "the name of a step, a list of names, or call arguments to names",
    {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        ],
        "examples": ["previous", "input"],
    },
    "What the step takes, instead of the value of the step before it.",
)


def of_steps() -> dict[str, Any]:
    """The definitions of a step, of what joins branches, and of every layer and its arguments."""
    calls = {name: {"$ref": f"#/$defs/{name}"} for name in LAYERS}
    group = {
        "layers": {"$ref": "#/$defs/steps", "description": "A group of steps."},
        "from": FROM,
        "when": {**CONDITION, "description": "Whether the step is there at all."},
    }
    call = leaf("a mapping of its arguments", {"type": "object"}, "Constant call arguments.")
    reuse = {**REFERENCE, "description": "Call that layer or block again, with its weights."}
    step = {
        **calls,
        **group,
        "branches": {
            **wanted("a list or a mapping of branches"),
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
        "repeat": leaf(
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
    return {
        "steps": {
            **wanted("a list of steps"),
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
        "step": {
            "title": "step",
            "if": MAPPING,
            "then": {
                **closed(step, STEP, "step", patternProperties={BLOCK: True}, minProperties=1),
                **_next(MODIFIERS),
            },
            "else": {"$ref": "#/$defs/bare"},
        },
        "merge": {
            **wanted(STEP, "step"),
            "anyOf": [
                {"$ref": "#/$defs/bare"},
                *({"const": layer.name, "description": layer.doc} for layer in FAMILIES["merging"]),
                MAPPING,
            ],
            "if": MAPPING,
            "then": {
                **closed(
                    merge,
                    STEP,
                    "merge",
                    patternProperties={f"^(?!({not_merge})$){BLOCK[1:]}": True},
                ),
                **_next(("name", "call")),
            },
        },
        "bare": {
            **wanted(STEP, "step"),
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
                **called(name, layer.arguments, f"{name}.arguments"),
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
        definition = or_null(arguments_of(name, layer.arguments))
        properties = definition["properties"]
        for argument in layer.arguments.values():
            place = f"#/$defs/{name}.arguments/properties/{argument.name}"
            first = places.setdefault(id(properties[argument.name]), place)
            if first != place and argument.default is not REQUIRED:
                properties[argument.name] = {"$ref": first}
        definitions[f"{name}.arguments"] = definition
    return definitions


def _next(modifiers: Iterable[str]) -> dict[str, Any]:
    """What an editor offers in a step, and underlines: beside a layer stand modifiers alone.

    Layers are offered as long as none has a value.
    """
    said = f"^({'|'.join((*LAYERS, *WORDS))})$"
    beside = {
        "pattern": f"^([A-Z]|({'|'.join((*modifiers, *WORDS))})$)",
        "patternErrorMessage": f"Beside a layer stand {', '.join(modifiers)}.",
    }
    return {
        "if": {"patternProperties": {f"^([A-Z]|({'|'.join(WORDS)})$)": NULL}},
        "then": {"$ref": "#/$defs/call"},
        "allOf": [
            {
                "if": {"propertyNames": {"not": {"pattern": said}}},
                "else": {"propertyNames": beside},
            }
        ],
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
        "else": closed(group, BRANCH, "branch", errorMessage=f"A branch is {BRANCH}."),
    }
