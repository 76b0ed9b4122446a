"""Define the types of the recipe's keys: objects, one or several, for all outputs or for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from archspec import foreign
from archspec.arguments import (
    NUMBER,
    Type,
    bind,
    choice,
    interval,
    leave_out_defaults,
    optional,
    show,
)
from archspec.errors import Refused, Unfit
from archspec.infer import explain_lacking, suggest_nearest
from archspec.layers import LAYERS
from archspec.objects import KINDS, TABLES, Object, named
from archspec.syntax.edits import PATTERN

# --- reading -------------------------------------------------------------------------------------


def is_object(kind: str, value: Any) -> bool:
    """Return whether a value is one object, and not a mapping from outputs to objects.

    The name of an object is one of its kind, or begins with a capital letter.
    """
    if not isinstance(value, Mapping):
        return True
    return len(value) == 1 and all(
        KINDS[kind].canonical(str(key)) is not None or str(key)[:1].isupper() for key in value
    )


def _read_losses(value: Any) -> Any:
    read = KINDS["loss"].read
    if is_object("loss", value):
        return read(value)
    return {str(name): read(each) for name, each in value.items() if each is not None}


def _read_metrics(value: Any) -> Any:
    if is_object("metric", value):
        return _read_several("metric", value)
    return {str(name): _read_several("metric", several) for name, several in value.items()}


def _read_several(kind: str, value: Any) -> tuple[Object, ...]:
    """Read one object or several; null is none of them."""
    if value is None:
        return ()
    several = value if isinstance(value, list | tuple) else [value]
    if None in several:
        raise Unfit(f"must be {KINDS[kind].words}, got null", code="unknown-object")
    return tuple(map(KINDS[kind].read, several))


def _read_callbacks(value: Any) -> tuple[Object, ...]:
    return _read_several("callback", value)


def _read_layers(value: Any) -> tuple[Object, ...]:
    if not isinstance(value, list | tuple):
        raise Unfit(f"must be a list of layers, got {show(value)}", code="argument-value")
    return tuple(map(_read_layer, value))


def _read_layer(step: Any) -> Object:
    """Read a layer, written as a step, into the form of objects: name, or {name: {arguments}}."""
    if isinstance(step, str):
        step = {step: {}}
    if not isinstance(step, Mapping) or len(step) != 1:
        raise Unfit(f"must be a list of layers without modifiers, got {show(step)}")
    ((op, given),) = step.items()
    if op not in LAYERS:
        raise explain_lacking(op) or Refused(
            f"there is no layer '{op}'", None, "unknown-layer", suggest_nearest(op, LAYERS)
        )
    arguments = LAYERS[op].arguments
    if not isinstance(given, Mapping):  # a scalar or a list is the first argument
        given = {} if given is None else {next(iter(arguments)): given}
    bound = bind(op, arguments, given)
    differing = leave_out_defaults(arguments, bound)
    return {op: differing} if differing else op


# --- writing -------------------------------------------------------------------------------------


def _write_object(kind: str, value: Object) -> dict[str, dict[str, Any]]:
    """Write an object with all its arguments: a later change of a default then changes nothing."""
    name, differing = named(value)
    arguments = TABLES[kind][name].items()
    return {name: {key: each.default for key, each in arguments} | differing}


# --- types ---------------------------------------------------------------------------------------

SCALE = interval("[low, high] with low below high")
SHARE = Type(
    "a number of at least 0 and below 1",
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    float,
)
_SIZE = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1},
    "minItems": 2,
    "maxItems": 2,
}


def _read_resize(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {**value, "to": _read_resize(value.get("to", "input"))}
    return tuple(map(int, value)) if isinstance(value, list | tuple) else value


RESIZE = Type(
    "true, false, [height, width], or a mapping with keep_aspect",
    {
        "anyOf": [
            {"type": "boolean"},
            _SIZE,
            {
                "type": "object",
                "properties": {
                    "to": {"anyOf": [{"enum": ["input"]}, _SIZE]},
                    "keep_aspect": {"enum": ["pad", "crop"]},
                },
                "required": ["keep_aspect"],
                "additionalProperties": False,
            },
        ]
    },
    _read_resize,
)
AUGMENT = Type("a list of layers", {"type": "array"}, _read_layers, "augment")
OPTIMIZER = Type(
    "an optimizer",
    {},
    KINDS["optimizer"].read,
    "optimizer",
    write=lambda value: _write_object("optimizer", value),
)
LOSSES = Type(
    "a loss, or a loss for each output",
    {"type": ["string", "object"]},
    _read_losses,
    "losses",
    write=lambda value: _write_object("loss", value),
)
METRICS = Type(
    "a list of metrics, or such a list for each output",
    {"type": ["string", "array", "object"]},
    _read_metrics,
    "metrics",
)
WEIGHTS = Type(
    "a number for each output",
    {"type": "object", "additionalProperties": {"$comment": NUMBER.words, **NUMBER.schema}},
    lambda value: {str(name): NUMBER.read(each) for name, each in value.items()},
)
_COLUMN: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ]
}


def _read_columns(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _read_columns(each) for name, each in value.items()}
    return value if isinstance(value, str) else tuple(value)


COLUMNS = optional(
    Type(
        "a column, a list of columns, or one of these by name",
        {"anyOf": [*_COLUMN["anyOf"], {"type": "object", "additionalProperties": _COLUMN}]},
        _read_columns,
    )
)
CLASS_WEIGHT = optional(
    Type(
        "balanced, a number for each class, or one of these for each output",
        {
            "anyOf": [
                {"enum": ["balanced"]},
                {
                    "type": "object",
                    "additionalProperties": {
                        "anyOf": [
                            {"type": "number", "minimum": 0},
                            {"enum": ["balanced"]},
                            {
                                "type": "object",
                                "additionalProperties": {"type": "number", "minimum": 0},
                            },
                        ]
                    },
                },
            ]
        },
    )
)
CALLBACKS = Type(
    "a list of callbacks",
    {"type": ["string", "array", "object"]},
    _read_callbacks,
    "callbacks",
    write=lambda value: [_write_object("callback", each) for each in value],
)


def _read_best(value: Any) -> dict[str, str]:
    given = {"monitor": value} if isinstance(value, str) else value
    return {"mode": "auto", **given}


BEST = optional(
    Type(
        "a monitor, or {monitor: NAME, mode: max}",
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {
                        "monitor": {"type": "string"},
                        "mode": {"enum": ["auto", "min", "max"]},
                    },
                    "required": ["monitor"],
                    "additionalProperties": False,
                },
            ]
        },
        _read_best,
    )
)


SAVE_EVERY = optional(
    Type(
        "{steps: N} or {minutes: M}",
        {
            "type": "object",
            "properties": {
                "steps": {"type": "integer", "minimum": 1},
                "minutes": {"type": "number", "exclusiveMinimum": 0},
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
    )
)


PATTERNS = Type(
    "a name of layers, or a list of names; `*` and `**` stand in them as under `at` of an edit",
    {
        "anyOf": [
            {"type": "string", "pattern": PATTERN},
            {"type": "array", "items": {"type": "string", "pattern": PATTERN}},
        ]
    },
    lambda value: (value,) if isinstance(value, str) else tuple(value),
)
UNFREEZE = optional(
    Type(
        "{epoch: E, learning_rate: R}, E being 2 or more",
        {
            "type": "object",
            "properties": {
                "epoch": {"type": "integer", "minimum": 2},
                "learning_rate": {"type": "number", "exclusiveMinimum": 0},
            },
            "required": ["epoch", "learning_rate"],
            "additionalProperties": False,
        },
    )
)


def suggest_precision(word: str) -> str | None:
    """Return a hint for what others call a precision."""
    name = foreign.PRECISIONS.get(word.casefold())
    return f"write {name}" if name else None


PRECISION = replace(
    choice("float32", "mixed_bfloat16", "mixed_float16", "float64"), meant=suggest_precision
)
