"""Define the words of a file in the schema: those at its top, those of a block, and the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.analysis.measures import CONTRACTS
from archspec.analysis.require import BOUND
from archspec.layers import LAYERS
from archspec.objects import KINDS
from archspec.recipe import DATA, RECIPE
from archspec.schema.define_steps import BLOCK_NAME, NAME
from archspec.schema.define_values import (
    ARRAY,
    FORMULA,
    MAPPING,
    NOTHING,
    allow_null,
    define_arguments,
    define_mapping,
    define_object,
    describe,
    label,
    list_names,
)

DTYPES = (
    *("float32", "float16", "float64", "bfloat16", "bool"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
FILE_NAME = (
    r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,79}$"  # because files and folders are named after networks
)
TEXT = describe("text", {"type": "string"})
AXIS = describe(
    "a positive integer or null", {"anyOf": [{"type": ["integer", "null"], "minimum": 1}, FORMULA]}
)
SHAPE = describe(
    "a list of axes without the batch, such as [28, 28, 1]",
    {"anyOf": [{"type": "array", "items": AXIS, "minItems": 1}, FORMULA]},
)
COMPARISON = describe(
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
    role="comparison",
)


PARAMS = {
    **label("a mapping from names to default values"),
    "type": "object",
    "description": "Names for formulas, with their default values.",
}


def define_words() -> dict[str, Any]:
    """Return the schema of each word at the top of a file, by the word."""
    steps = {"$ref": "#/$defs/steps"}
    shape, defaults = _define_shape(), _define_defaults()
    block = {name: allow_null(each) for name, each in _define_block(steps, defaults).items()}
    files = describe("a list of files", {"type": "array", "items": TEXT})
    described = {
        "archspec": describe("1", {"const": 1}, "Version of the language.", role="version"),
        "name": describe(
            "up to 80 letters and signs, not '/' or '\\', and no '.' first",
            {"type": "string", "pattern": FILE_NAME},
            "By default the file's stem.",
        ),
        "description": describe("text", {"type": "string"}, "One line on what this network is."),
        "extends": describe(
            "the name of a file", {"type": "string"}, "The spec that this one changes."
        ),
        "import": {**files, "description": "Block libraries whose blocks are brought in."},
        "params": PARAMS,
        "input": {**shape, "description": "Shape of the input without the batch axis."},
        "inputs": {
            **label("a mapping from names to shapes"),
            "type": "object",
            "additionalProperties": shape,
            "description": "Several inputs, by name.",
        },
        "defaults": defaults,
        "blocks": {
            **label("a mapping from names to blocks", "blocks"),
            "type": "object",
            "patternProperties": {BLOCK_NAME: allow_null(define_mapping(block, "a mapping"))},
            "additionalProperties": False,
            "description": "Reusable sub-graphs, called like a layer.",
        },
        "layers": {**steps, "description": "The steps, each taking the one before it."},
        "edit": {
            **label("a list of edits"),
            "type": "array",
            "items": {"$ref": "#/$defs/edit"},
            "description": "Changes of single steps, by their names.",
        },
        "outputs": describe(
            "a list of step names",
            {"type": "array", "items": TEXT, "minItems": 1},
            "The model's outputs; by default the last step.",
        ),
        "require": {
            **_define_contracts(),
            "description": "Contracts that `archspec check` holds the spec to.",
        },
        "train": {"$ref": "#/$defs/train", "description": "The recipe of `archspec train`."},
    }
    never_null = ("name", "archspec")
    return {
        key: value if key in never_null else allow_null(value) for key, value in described.items()
    }


def _define_shape() -> dict[str, Any]:
    """Return the schema of an input: a shape, or a mapping with a shape and a type."""
    mapping = define_mapping(
        {"shape": SHAPE, "dtype": describe(f"one of {', '.join(DTYPES)}", {"enum": list(DTYPES)})},
        "a mapping",
        "input",
        allOf=[{"required": ["shape"], **label("a mapping with a shape", "input")}],
    )
    return {
        **describe(SHAPE["$comment"], {"anyOf": [*SHAPE["anyOf"], MAPPING, NOTHING]}),
        "if": MAPPING,
        "then": mapping,
    }


def _define_defaults() -> dict[str, Any]:
    """Return the schema of the default arguments of layers."""
    layer_defaults = {
        name: {"description": layer.doc, "$ref": f"#/$defs/{name}.arguments"}
        for name, layer in LAYERS.items()
    }
    return {
        **define_mapping(layer_defaults, "a mapping from layers to their arguments", "defaults"),
        "description": "Arguments that every layer of a name starts from.",
    }


def _define_block(steps: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of each word in a block, by the word."""
    names = describe("a list of names", {"type": "array", "items": NAME, "minItems": 1})
    return {
        "description": describe("text", {"type": "string"}, "One line on what this block is."),
        "params": PARAMS,
        "inputs": {**names, "description": "Names of its inputs, if it has several."},
        "defaults": defaults,
        "layers": {**steps, "description": "The steps, each taking the one before it."},
    }


def _define_contracts() -> dict[str, Any]:
    """Return the schema of what a spec requires of its network."""
    return define_mapping(
        {
            **{
                name: {**COMPARISON, "description": measure.sentence}
                for name, measure in CONTRACTS.items()
                if not measure.per_batch
            },
            "output": {
                "type": "array",
                **label("a shape"),
                "description": "Shape of the output without the batch axis.",
            },
        },
        "a mapping of contracts",
        "contracts",
        patternProperties={
            **{
                f"^{name}@[0-9]+$": {**COMPARISON, "description": measure.sentence}
                for name, measure in CONTRACTS.items()
                if measure.per_batch
            },
            "^=": describe(
                "the words of its error",
                {"type": "string"},
                "What the formula demands of the params, in words: its error.",
            ),
        },
    )


def _define_by_output(kind: str, one: dict[str, Any], *more: Any) -> dict[str, Any]:
    """Return the schema of one object for all outputs, or of a mapping from outputs to objects.

    A mapping with one key is an object if the key is the name of one or begins with a capital.
    one: the schema of what stands under an output's name. more: schemas of what may stand for all
    outputs besides an object.
    """
    objects = "|".join(name for name in KINDS[kind].spellings if name[0].islower())
    outputs = f"^(?!({objects})$)[^A-Z]"
    return {
        **label(KINDS[kind].words, "object", kind),
        "anyOf": [*list_names(kind), *more, MAPPING],
        "if": {"type": "object", "maxProperties": 1},
        "then": define_object(kind, patternProperties={outputs: one}),
        "else": {"additionalProperties": one},
    }


def _define_several(kind: str) -> dict[str, Any]:
    """Return the schema of one object or a list of them."""
    return {
        **label(KINDS[kind].words, "object", kind),
        "anyOf": [*list_names(kind), ARRAY, MAPPING],
        "items": {"$ref": f"#/$defs/{kind}"},
        "if": MAPPING,
        "then": {"$ref": f"#/$defs/{kind}"},
    }


def define_recipe() -> dict[str, Any]:
    """Return the definitions of `train` and of what stands in it."""
    words = define_arguments("train", RECIPE)["properties"]
    words["freeze"] |= label(words["freeze"]["$comment"], "pattern")
    return {
        "data": {
            **describe(
                "the name of a dataset, a folder, an .npz file, or a mapping",
                {"anyOf": [{"type": "string"}, MAPPING, NOTHING]},
            ),
            "if": MAPPING,
            "then": define_arguments("data", DATA),
        },
        "augment": {
            **label("a list of layers"),
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
        "losses": _define_by_output("loss", {"$ref": "#/$defs/loss"}),
        "metrics": {
            **_define_by_output("metric", _define_several("metric"), ARRAY),
            "items": {"$ref": "#/$defs/metric"},
        },
        "callbacks": _define_several("callback"),
        "train": allow_null(
            define_mapping(
                {name: allow_null(each) for name, each in words.items()},
                "a mapping of its arguments",
                "arguments",
                "train",
            )
        ),
    }
