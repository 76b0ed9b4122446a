"""Define steps in the schema: layers, blocks, branches, groups, and the words beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archspec.arguments import REQUIRED
from archspec.layers import LAYERS
from archspec.layers.layer import Layer
from archspec.schema.define_values import (
    ARRAY,
    FORMULA,
    MAPPING,
    NULL,
    UNOFFERED,
    allow_null,
    define_arguments,
    define_call,
    define_mapping,
    describe,
    label,
)
from archspec.syntax.edits import PATTERN, VERBS
from archspec.syntax.words import BESIDE, MODIFIERS, RESERVED, WORDS

STEP = "a layer, a block or a mapping that holds one"
BRANCH = "a list of steps, or a group of `layers`"
BLOCK = "^[a-z][a-z0-9_]*$"
# What no block may be called: a step that calls it would say something else.
TAKEN = (*BESIDE, *WORDS, *RESERVED)
BLOCK_NAME = f"^(?!({'|'.join(TAKEN)})$){BLOCK[1:]}"
NAME = describe(
    "a name of letters, digits, '_' and '-'; `{...}` may hold a formula",
    {
        "type": "string",
        "pattern": r"^([A-Za-z0-9_-]|\{[^{}]*\})+$",
        "patternErrorMessage": "A name has letters, digits, '_', '-' and formulas in {...}.",
        "maxLength": 200,
    },
    "What this step is called; in a loop it holds the loop variable, `unit{unit}`.",
)
REFERENCE = describe("the name of a step", {"type": "string", "minLength": 1})
CONDITION = describe("true, false or a formula", {"anyOf": [{"type": "boolean"}, FORMULA]})
NOT_NULL = {**label("a list"), "if": NULL, "then": False}
LOOP = describe(
    "lists by variable, {i: =range(3)}, or a list of mappings",
    {
        "anyOf": [
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": NOT_NULL,
            },
            {"type": "array", "items": {"type": "object"}},
            FORMULA,
        ]
    },
    "Walk lists together, or rows under `filters, strides`; the step is there once for each.",
)
BRANCH_LOOP = {
    **LOOP,
    "description": "One branch for each iteration; its key, `path{i}`, tells them apart.",
}
FROM = describe(
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


CALL = describe("a mapping of its arguments", {"type": "object"}, "Constant call arguments.")
REUSE = {**REFERENCE, "description": "Call that layer or block again, with its weights."}


def define_steps() -> dict[str, Any]:
    """Return the definitions of a step, of `merge`, and of every layer and its arguments."""
    calls = {name: {"$ref": f"#/$defs/{name}"} for name in LAYERS}
    group = {
        "layers": {"$ref": "#/$defs/steps", "description": "A group of steps."},
        "from": FROM,
        "when": {**CONDITION, "description": "Whether the step is there at all."},
        "else": {
            "$ref": "#/$defs/steps",
            "description": "The steps in place of `layers` where `when` is false.",
        },
    }
    step = {
        **calls,
        **group,
        "branches": {
            **label("a list or a mapping of branches"),
            "type": ["object", "array"],
            "minItems": 1,
            "minProperties": 1,
            "if": ARRAY,
            "then": {"items": _define_branch({**group, "name": NAME, "for": BRANCH_LOOP})},
            "additionalProperties": _define_branch({**group, "for": BRANCH_LOOP}),
            "description": "Branches that all take the same value, joined by `merge`.",
        },
        "merge": {"$ref": "#/$defs/merge", "description": "The step that joins the branches."},
        "reuse": REUSE,
        "name": NAME,
        "for": LOOP,
        "repeat": describe(
            "an integer, at least 0",
            {"anyOf": [{"type": "integer", "minimum": 0}, FORMULA]},
            "How many times the step is repeated; its name gets the number of each iteration.",
        ),
        "call": CALL,
    }
    merge = {**calls, "reuse": REUSE, "name": NAME, "call": CALL}
    not_merge = "|".join(word for word in step if word not in merge)
    words = "|".join((*BESIDE, *WORDS))  # a word of the language is no block
    block = f"^(?!({words})$){BLOCK[1:]}"
    return {
        "steps": {
            **label("a list of steps"),
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
        "step": {
            "title": "step",
            "if": MAPPING,
            "then": {
                **define_mapping(
                    step, STEP, "step", patternProperties={BLOCK: True}, minProperties=1
                ),
                **_offer_next(MODIFIERS),
            },
            "else": {"$ref": "#/$defs/bare"},
        },
        "merge": _define_merge(merge, not_merge),
        "bare": _define_bare(block),
        "edit": _define_edit(),
        "called": _define_called(),
        "call": {"properties": {name: _define_snippet(layer) for name, layer in LAYERS.items()}},
        **{
            name: {
                **define_call(name, layer.arguments, f"{name}.arguments"),
                **_describe_layer(layer),
                **UNOFFERED,
            }
            for name, layer in LAYERS.items()
        },
        **_define_layer_arguments(),
    }


def _define_edit() -> dict[str, Any]:
    """Return the schema of one edit: which steps, and one of the verbs."""
    called = {"$ref": "#/$defs/called"}
    one = {"if": MAPPING, "then": {"$ref": "#/$defs/step"}}
    one_or_more = {
        **label(STEP, "step"),
        "anyOf": [called, MAPPING, ARRAY],
        "if": ARRAY,
        "then": {"$ref": "#/$defs/steps"},
        "else": one,
    }
    true = describe("true", {"const": True})
    pattern = describe(
        "the name of a step, or a pattern such as stage3.**",
        {"type": "string", "pattern": PATTERN},
    )
    steps = {
        "at": {
            **label("a pattern of names, or a list of them", "pattern"),
            "anyOf": [pattern, {"type": "array", "items": pattern, "minItems": 1}],
            "description": "Names of steps; `*` is any letters of a part, `**` any parts.",
        },
        "of": {
            **label(STEP, "step"),
            "anyOf": [called, MAPPING],
            **one,
            "description": "The layer or block that they are.",
        },
    }
    verbs = {
        "set": {
            **label("a mapping of arguments"),
            "type": "object",
            "minProperties": 1,
            "description": "Other values for arguments of a layer, or params of a block.",
        },
        "replace": {**one_or_more, "description": "Other steps in place of each."},
        "remove": {**true, "description": "Leave the steps out."},
        "insert_before": {**one_or_more, "description": "Steps to put before each."},
        "insert_after": {**one_or_more, "description": "Steps to put after each."},
        "rename": {**NAME, "description": "Another name for the step."},
        "freeze": {
            **describe("true or false", {"type": "boolean"}),
            "description": "Do not train the weights in the steps; false trains them again.",
        },
    }
    assert tuple(verbs) == VERBS
    return define_mapping({**steps, **verbs}, "an edit: `at` or `of`, and a verb", "edit")


def _define_merge(words: Mapping[str, Any], not_merge: str) -> dict[str, Any]:
    """Return the schema of the step under `merge`.

    words: those that it can have. not_merge: a pattern of words that only other steps have.
    """
    return {
        **label(STEP, "step"),
        "anyOf": [
            {"$ref": "#/$defs/bare"},
            *(
                {"const": layer.name, "description": layer.doc}
                for layer in LAYERS.values()
                if layer.traits.kind == "merge"
            ),
            MAPPING,
        ],
        "if": MAPPING,
        "then": {
            **define_mapping(
                words,
                STEP,
                "merge",
                patternProperties={f"^(?!({not_merge})$){BLOCK[1:]}": True},
            ),
            **_offer_next(("name", "call")),
        },
    }


def _define_bare(block: str) -> dict[str, Any]:
    """Return the schema of a step without arguments; block: a pattern of names of blocks."""
    return {
        **label(STEP, "step"),
        "type": "string",
        "anyOf": [
            {
                "pattern": f"^({'|'.join(LAYERS)})$|{block}",
                "patternErrorMessage": "There is no such layer.",
            },
            *(  # so that editors show the layer's description
                {"pattern": f"^{name}$", "allOf": [{"$ref": f"#/$defs/call/properties/{name}"}]}
                for name in LAYERS
            ),
        ],
    }


def _define_called() -> dict[str, Any]:
    """Return the schema of a step without arguments, where editors offer each layer as a value."""
    each = [{"const": layer.name, "description": layer.doc} for layer in LAYERS.values()]
    return {**label(STEP, "step"), "anyOf": [{"$ref": "#/$defs/bare"}, *each]}


def _define_layer_arguments() -> dict[str, Any]:
    """Return the definitions of each layer's arguments.

    An optional argument that several layers share is defined at the first of them; the others refer
    to it.
    """
    definitions: dict[str, Any] = {}
    definition_by_id: dict[int, str] = {}
    for name, layer in LAYERS.items():
        definition = allow_null(define_arguments(name, layer.arguments))
        properties = definition["properties"]
        for argument in layer.arguments.values():
            reference = f"#/$defs/{name}.arguments/properties/{argument.name}"
            first = definition_by_id.setdefault(id(properties[argument.name]), reference)
            if first != reference and argument.default is not REQUIRED:
                properties[argument.name] = {"$ref": first}
        definitions[f"{name}.arguments"] = definition
    return definitions


def _offer_next(modifiers: Iterable[str]) -> dict[str, Any]:
    """Return what an editor offers in a step, and what it underlines.

    Layers are offered as long as none has a value. Beside a layer only `modifiers` may stand.
    """
    words = f"^({'|'.join((*LAYERS, *WORDS))})$"
    beside = {
        # `else` stands beside `layers`, which the look for YAML's traps holds it to.
        "pattern": f"^([A-Z]|({'|'.join((*modifiers, 'else', *WORDS))})$)",
        "patternErrorMessage": f"Beside a layer stand {', '.join(modifiers)}.",
    }
    return {
        "if": {"patternProperties": {f"^([A-Z]|({'|'.join(WORDS)})$)": NULL}},
        "then": {"$ref": "#/$defs/call"},
        "allOf": [
            {
                "if": {"propertyNames": {"not": {"pattern": words}}},
                "else": {"propertyNames": beside},
            }
        ],
    }


def _describe_layer(layer: Layer) -> dict[str, Any]:
    """Return what an editor shows of a layer, in plain text and in Markdown."""
    return {"description": layer.doc, "markdownDescription": layer.hover}


def _define_snippet(layer: Layer) -> dict[str, Any]:
    """Return what an editor inserts for a layer: a place for each argument that it needs.

    `Conv2D` is inserted as `Conv2D: {filters: $1, kernel_size: $2}`.
    """
    needed = [name for name, each in layer.arguments.items() if each.default is REQUIRED]
    described = _describe_layer(layer)
    if needed and needed == list(layer.arguments)[:1]:
        return {**described, "anyOf": [True]}  # inserted as `Dense: `, for the value
    if needed:
        slots = ", ".join(f"{name}: ${number}" for number, name in enumerate(needed, 1))
        snippet = {"label": f"{{{', '.join(needed)}}}", "body": f"{{{slots}}}"}
        return {**described, "defaultSnippets": [snippet]}
    return described


def _define_branch(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a branch: a list of steps, nothing, or a mapping with `group`'s keys."""
    return {
        "if": {"type": ["array", "null"]},
        "then": {"$ref": "#/$defs/steps"},
        "else": define_mapping(group, BRANCH, "branch", errorMessage=f"A branch is {BRANCH}."),
    }
