"""Define schemas of the files of a run: each file is checked once, where it is read.

Files of older runs lack the newer keys, so few keys are required.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import jsonschema

from archspec.arguments import show
from archspec.errors import UserError
from archspec.reading import read_bytes, reason

MOST = 64 * 2**20  # bytes of a text
LARGEST = 2**63  # of integers: what none of ours reaches, and every library takes
HUGE = 1e300  # of other finite numbers: beyond, the sum of a few overflows
REMEDY = "put back a sound copy of it, or train the spec anew"

Schema = Mapping[str, Any]
FLOAT32 = 3.4e38  # the largest finite number that it holds


def _is_integer(checker: Any, value: Any) -> bool:
    """Return whether a value is an `int`: for JSON Schema 3.0 is one, for `range` it is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_single(checker: Any, value: Any) -> bool:
    """Return whether a float32 holds a number: Keras makes a tensor of it, and fails elsewhere."""
    return checker.is_type(value, "number") and not FLOAT32 < abs(value) < inf


_extend: Any = jsonschema.validators.extend
VALIDATOR = _extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "single": _is_single}
    ),
)

BOOLEAN: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
AMOUNT: Schema = {"type": "number", "minimum": 0, "maximum": 1e15}  # of seconds, or in one
SINGLE: Schema = {"type": "single"}


def limit_size(parameters: int) -> int:
    """Return the most bytes that a file of so many weights may have.

    A state holds each weight with what the optimizer keeps of it, and states of older versions hold
    those of the best epoch, too.
    """
    return MOST + 64 * parameters


def maybe(schema: Schema) -> Schema:
    """Return the schema of null or a value."""
    return {"anyOf": [schema, {"type": "null"}]}


def listing(schema: Schema, **more: Any) -> Schema:
    """Return the schema of a list of values. more: other keywords of JSON Schema, as minItems."""
    return {"type": "array", "items": schema, **more}


def mapping(schema: Schema) -> Schema:
    """Return the schema of a mapping from any keys to values."""
    return {"type": "object", "additionalProperties": schema}


def record(required: str, **properties: Schema) -> Schema:
    """Return the schema of a mapping with known keys.

    required: the keys that every version has written, as words of one text. Other keys than those
    of `properties` are allowed: newer versions may write them.
    """
    return {"type": "object", "required": required.split(), "properties": properties}


RANGE = listing(NUMBER, minItems=2, maxItems=2)
DATA = record(
    "name images fingerprint",
    name=TEXT,
    images=mapping(COUNT),
    fingerprint=TEXT,
    classes=listing({"type": ["string", "integer"]}),
    range=RANGE,
    grey=BOOLEAN,
    inputs=mapping(
        record("column range grey scaled", column=TEXT, range=RANGE, grey=BOOLEAN, scaled=BOOLEAN)
    ),
    outputs=mapping(record("task column classes", task=TEXT, column=TEXT, classes=listing(TEXT))),
    data_dir=maybe(TEXT),
    found=maybe(TEXT),
    limit=maybe(COUNT),
)
OWN_LAYERS = record("file sha256 layers", file=TEXT, sha256=TEXT, layers=listing(TEXT))
INIT = record(
    "from fingerprint partial parameters",
    **{"from": TEXT},
    fingerprint=TEXT,
    sha256=TEXT,
    partial=listing(TEXT),
    parameters=mapping(COUNT),
)
RUN = record(
    "status data",
    status=TEXT,
    name=TEXT,
    params={"type": "object"},
    fingerprint=TEXT,
    spec=maybe(TEXT),
    own_layers=listing(OWN_LAYERS),
    init=INIT,
    data=DATA,
    device=maybe({"type": "string", "pattern": "^[a-z]+(:[0-9]{1,3})?$"}),
    threads=maybe({**COUNT, "minimum": 1, "maximum": 4096}),
    processes={**COUNT, "minimum": 1},
    backend=maybe(TEXT),
    machine=maybe(record("cpu cores gpus", cpu=TEXT, cores=COUNT, gpus=listing(TEXT))),
    versions=mapping(TEXT),
    git_commit=maybe(TEXT),
    started=maybe(TEXT),
    seconds=maybe(AMOUNT),
    training_seconds=maybe(AMOUNT),
    images_per_second=maybe(AMOUNT),
    waiting=maybe(AMOUNT),
    peak_memory=maybe(COUNT),
)
# What `evaluate` and `predict` need in addition.
USED = record("data", data=record("name images fingerprint classes range grey data_dir limit"))
VALUES = maybe(mapping(NUMBER))
METRICS = record("", test=VALUES, validation=VALUES, best_epoch=COUNT, monitor=TEXT)
ROW: Schema = {**mapping(NUMBER), "required": ["epoch", "loss", "images_per_second", "seconds"]}

# The number that a state has from this version on. States of older versions have none, and the same
# keys but for `kept`, `sums` and `by_loss`, which came later; those of newer versions are refused.
# `step` and `seconds` are in a state within an epoch alone.
STATE_VERSION = 1
STATE = record(
    "epochs stopped whole resolved memories",
    version={**COUNT, "minimum": 1},
    epochs=COUNT,
    step={**COUNT, "minimum": 1},
    seconds=AMOUNT,
    stopped=BOOLEAN,
    whole=BOOLEAN,
    resolved=TEXT,
    memories=listing({"type": "object"}, minItems=1),
    kept=listing(COUNT),
    sums=mapping(COUNT),
)
# The first of the memories of a state: what `Recorder.memory` returns.
RECORDER_MEMORY = record(
    "rows best best_epoch by_loss",
    rows=listing(ROW),
    best=NUMBER,
    best_epoch=COUNT,
    by_loss=BOOLEAN,
)
# The others, by the class of Keras's callback: the attributes in which it remembers something from
# one epoch to the next, beyond its arguments. No other attribute is read or set.
CALLBACK_MEMORY: dict[str, dict[str, Schema]] = {
    "EarlyStopping": {
        "wait": COUNT,
        "stopped_epoch": COUNT,
        "best": maybe(SINGLE),
        "best_epoch": COUNT,
    },
    "ReduceLROnPlateau": {"wait": COUNT, "cooldown_counter": COUNT, "best": maybe(SINGLE)},
    "TensorBoard": {"_global_train_batch": COUNT},  # the step that it logs batches at
    "TerminateOnNaN": {},
}


def check(value: Any, schema: Schema) -> Any:
    """Return a value that is as the schema has it.

    Raises `ValueError` for any other, with the key, what was expected and what is there:
    `data.limit must be an integer of at least 0 or null, got 'x'`.
    """
    error = next(VALIDATOR(schema).iter_errors(value), None)
    if error is None:
        return value
    at = ".".join(map(str, error.absolute_path)) or "it"
    if error.validator == "required":
        (missing, *_) = (key for key in error.validator_value if key not in error.instance)
        raise ValueError(f"{at} has no '{missing}'")
    raise ValueError(f"{at} must be {_describe(error.schema)}, got {show(error.instance)}")


def _describe(schema: Schema) -> str:
    """Return in words what a value must be, such as `a list of at least 2`."""
    if "anyOf" in schema:
        return " or ".join(map(_describe, schema["anyOf"]))
    kinds = schema.get("type", "another")
    words = {
        **{"string": "a text", "integer": "an integer", "number": "a number", "null": "null"},
        **{"boolean": "true or false", "array": "a list", "object": "a mapping"},
        "single": "a number that a float32 holds",
    }
    text = " or ".join(words[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if "minimum" in schema:
        text += f" of at least {schema['minimum']}"
    if "maximum" in schema:
        text += f" and at most {schema['maximum']:g}"
    if "minItems" in schema:
        text += f" of at least {schema['minItems']}"
    return f"{text} like 'gpu:0'" if "pattern" in schema else text


def parse_json(content: bytes, schema: Schema) -> Any:
    """Return the value of a JSON text.

    Raises `ValueError` for a text that is no JSON, for numbers that are too large to work with, and
    as `check` does; `RecursionError` for one that is nested too deeply.
    """
    return check(json.loads(content, parse_int=_parse_integer, parse_float=_parse_float), schema)


def _parse_integer(text: str) -> int:
    value = int(text)
    if abs(value) >= LARGEST:
        raise ValueError(f"{text[:20]}... is too large a number")
    return value


def _parse_float(text: str) -> float:
    value = float(text)
    if HUGE < abs(value) < inf:
        raise ValueError(f"{text[:20]} is too large a number")
    return value


@contextmanager
def report_damage(path: Path) -> Iterator[None]:
    """Turn any exception while a file is read into a `UserError`: it is missing or damaged."""
    try:
        yield
    except Exception as error:
        raise UserError(f"{path} is missing or damaged: {reason(error)}", REMEDY) from None


def read_json(path: Path, schema: Schema) -> Any:
    """Return the value of a JSON file.

    Raises `UserError` where it cannot be read, or is not as the schema has it.
    """
    with report_damage(path):
        return parse_json(read_bytes(path, MOST), schema)


def read_history(path: Path) -> Sequence[dict[str, float]]:
    """Return the rows of a history.csv, one for each epoch: column -> value.

    Raises `UserError` where the file cannot be read, for a value that is no number, and where the
    rows are not of the epochs from 1 on.
    """
    rows = []
    with report_damage(path):
        text = read_bytes(path, MOST).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
        for line in reader:
            row = {}
            for key, value in line.items():
                try:
                    row[key] = _parse_float(value)
                except (TypeError, ValueError):
                    where = f"line {reader.line_num}, column '{key}'"
                    raise ValueError(f"{where} must be a number, got {show(value)}") from None
            rows.append(row)
            if row.get("epoch") != len(rows):
                raise ValueError(f"line {reader.line_num} must be of epoch {len(rows)}")
        if not rows:
            raise ValueError("it has no epoch")
    return rows
