"""The words of a file in the schema: those at the top of it, those of a block, the recipe."""

from __future__ import annotations

from typing import Any

from archspec.contracts import BOUND
from archspec.layers import LAYERS
from archspec.objects import WORDS as OBJECT_WORDS
from archspec.recipe import DATA, DOCS, RECIPE
from archspec.schema.steps import BLOCK, NAME
from archspec.schema.values import (
    ARRAY,
    FORMULA,
    MAPPING,
    NOTHING,
    arguments_of,
    closed,
    leaf,
    names_of,
    one_object,
    or_null,
    spellings,
    wanted,
)

DTYPES = (
    *("float32", "float16", "float64", "bfloat16", "bool"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
FILE_NAME = (
    r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,79}$"  # files and folders are called after networks
)
TEXT = leaf("text", {"type": "string"})
AXIS = leaf(
    "a positive integer or null", {"anyOf": [{"type": ["integer", "null"], "minimum": 1}, FORMULA]}
)
SHAPE = leaf(
    "a list of axes without the batch, such as [28, 28, 1]",
    {"anyOf": [{"type": "array", "items": AXIS, "minItems": 1}, FORMULA]},
)
COMPARISON = leaf(
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
CONTRACTS = {
    "params": "Numbers in all weights.",
    "trainable_params": "Numbers in the weights that training changes.",
    "macs": "Multiply-accumulates of one sample.",
    "receptive_field": "Input rows that one value of the output depends on.",
}


def of_words() -> dict[str, Any]:
    """Every word above the steps."""
    steps = {"$ref": "#/$defs/steps"}
    inner_shape = closed(
        {"shape": SHAPE, "dtype": leaf(f"one of {', '.join(DTYPES)}", {"enum": list(DTYPES)})},
        "a mapping",
        "input",
        allOf=[{"required": ["shape"], **wanted("a mapping with a shape", "input")}],
    )
    shape = {
        **leaf(SHAPE["$comment"], {"anyOf": [*SHAPE["anyOf"], MAPPING, NOTHING]}),
        "if": MAPPING,
        "then": inner_shape,
    }
    layer_defaults = {
        name: {"description": layer.doc, "$ref": f"#/$defs/{name}.arguments"}
        for name, layer in LAYERS.items()
    }
    defaults = {
        **closed(layer_defaults, "a mapping from layers to their arguments", "defaults"),
        "description": "Arguments that every layer of a name starts from.",
    }
    params = {
        **wanted("a mapping from names to default values"),
        "type": "object",
        "description": "Names for formulas, with their default values.",
    }
    names = leaf("a list of names", {"type": "array", "items": NAME, "minItems": 1})
    in_block = {
        "description": leaf("text", {"type": "string"}, "One line on what this block is."),
        "params": params,
        "inputs": {**names, "description": "Names of its inputs, if it has several."},
        "defaults": defaults,
        "layers": {**steps, "description": "The steps, each taking the one before it."},
    }
    block = {name: or_null(each) for name, each in in_block.items()}
    contracts = closed(
        {
            **{name: {**COMPARISON, "description": doc} for name, doc in CONTRACTS.items()},
            "output": {
                "type": "array",
                **wanted("a shape"),
                "description": "Shape of the output without the batch axis.",
            },
        },
        "a mapping of contracts",
        "contracts",
        patternProperties={"^memory@[0-9]+$": COMPARISON},
    )
    files = leaf("a list of files", {"type": "array", "items": TEXT})
    described = {
        "archspec": leaf("1", {"const": 1}, "Version of the language.", role="version"),
        "name": leaf(
            "up to 80 letters and signs, not '/' or '\\', and no '.' first",
            {"type": "string", "pattern": FILE_NAME},
            "By default the file's stem.",
        ),
        "description": leaf("text", {"type": "string"}, "One line on what this network is."),
        "extends": leaf(
            "the name of a file", {"type": "string"}, "The spec that this one changes."
        ),
        "import": {**files, "description": "Block libraries whose blocks are brought in."},
        "params": params,
        "input": {**shape, "description": "Shape of the input without the batch axis."},
        "inputs": {
            **wanted("a mapping from names to shapes"),
            "type": "object",
            "additionalProperties": shape,
            "description": "Several inputs, by name.",
        },
        "defaults": defaults,
        "blocks": {
            **wanted("a mapping from names to blocks", "blocks"),
            "type": "object",
            "patternProperties": {BLOCK: or_null(closed(block, "a mapping"))},
            "additionalProperties": False,
            "description": "Reusable sub-graphs, called like a layer.",
        },
        "layers": {**steps, "description": "The steps, each taking the one before it."},
        "outputs": leaf(
            "a list of step names",
            {"type": "array", "items": TEXT, "minItems": 1},
            "The model's outputs; by default the last step.",
        ),
        "require": {
            **contracts,
            "description": "Contracts that `archspec check` holds the spec to.",
        },
        "train": {"$ref": "#/$defs/train", "description": "The recipe of `archspec train`."},
    }
    never_null = ("name", "archspec")
    return {key: value if key in never_null else or_null(value) for key, value in described.items()}


def _by_output(kind: str, one: dict[str, Any], *more: Any) -> dict[str, Any]:
    """What is said for all outputs, or for each by its name.

    A mapping with one key is an object if the key is one's name or begins with a capital.
    one: what is said for an output. more: what may stand for all of them besides an object.
    """
    objects = "|".join(name for name in spellings(kind) if name[0].islower())
    outputs = f"^(?!({objects})$)[^A-Z]"
    return {
        **wanted(OBJECT_WORDS[kind], "object", kind),
        "anyOf": [*names_of(kind), *more, MAPPING],
        "if": {"type": "object", "maxProperties": 1},
        "then": one_object(kind, patternProperties={outputs: one}),
        "else": {"additionalProperties": one},
    }


def _several(kind: str) -> dict[str, Any]:
    """One object or a list of them."""
    return {
        **wanted(OBJECT_WORDS[kind], "object", kind),
        "anyOf": [*names_of(kind), ARRAY, MAPPING],
        "items": {"$ref": f"#/$defs/{kind}"},
        "if": MAPPING,
        "then": {"$ref": f"#/$defs/{kind}"},
    }


def of_recipe() -> dict[str, Any]:
    """The definitions of `train` and of what stands in it."""
    words = arguments_of("train", RECIPE, DOCS)["properties"]
    return {
        "data": {
            **leaf(
                "the name of a dataset, a folder, an .npz file, or a mapping",
                {"anyOf": [{"type": "string"}, MAPPING, NOTHING]},
            ),
            "if": MAPPING,
            "then": arguments_of("data", DATA, DOCS),
        },
        "augment": {
            **wanted("a list of layers"),
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
        "losses": _by_output("loss", {"$ref": "#/$defs/loss"}),
        "metrics": {
            **_by_output("metric", _several("metric"), ARRAY),
            "items": {"$ref": "#/$defs/metric"},
        },
        "callbacks": _several("callback"),
        "train": or_null(
            closed(
                {name: or_null(each) for name, each in words.items()},
                "a mapping of its arguments",
                "arguments",
                "train",
            )
        ),
    }
