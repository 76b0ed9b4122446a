"""What the files of a run may say: checked once, where each is read, so that the rest relies on it.

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
    """For JSON Schema 3.0 is an integer; for those who use it as one it is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_single(checker: Any, value: Any) -> bool:
    """Keras makes a tensor of such a number, and fails where it is too large."""
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


def bound(parameters: int) -> int:
    """Return how many bytes a file of weights may have: a state holds each with what the optimizer
    keeps of it, and older ones with those of the best epoch."""
    return MOST + 64 * parameters


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def listing(schema: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": schema, **more}


def mapping(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def record(required: str, **properties: Schema) -> Schema:
    """required: the keys that every version has written."""
    return {"type": "object", "required": required.split(), "properties": properties}


DATA = record(
    "name images fingerprint",
    name=TEXT,
    images=mapping(COUNT),
    fingerprint=TEXT,
    classes=listing({"type": ["string", "integer"]}),
    range=listing(NUMBER, minItems=2, maxItems=2),
    grey=BOOLEAN,
    data_dir=maybe(TEXT),
    found=maybe(TEXT),
    limit=maybe(COUNT),
)
RUN = record(
    "status data",
    status=TEXT,
    name=TEXT,
    params={"type": "object"},
    fingerprint=TEXT,
    spec=maybe(TEXT),
    data=DATA,
    device=maybe({"type": "string", "pattern": "^[a-z]+(:[0-9]{1,3})?$"}),
    threads=maybe({**COUNT, "minimum": 1, "maximum": 4096}),
    backend=maybe(TEXT),
    machine=maybe(record("cpu cores gpus", cpu=TEXT, cores=COUNT, gpus=listing(TEXT))),
    versions=mapping(TEXT),
    git_commit=maybe(TEXT),
    started=maybe(TEXT),
    seconds=maybe(AMOUNT),
    training_seconds=maybe(AMOUNT),
    images_per_second=maybe(AMOUNT),
    peak_memory=maybe(COUNT),
)
# Of a run whose model is used.
USED = record("data", data=record("name images fingerprint classes range grey data_dir limit"))
VALUES = maybe(mapping(NUMBER))
METRICS = record("", test=VALUES, validation=VALUES, best_epoch=COUNT, monitor=TEXT)
ROW: Schema = {**mapping(NUMBER), "required": ["epoch", "loss", "images_per_second", "seconds"]}

# What a callback remembers from one epoch to the next, beyond its arguments: nothing else is
# written into a state, and nothing else is taken from one.
MEMORY: dict[str, dict[str, Schema]] = {
    "Recorder": {
        "rows": listing(ROW),
        "best": NUMBER,
        "best_epoch": COUNT,
        "by_loss": BOOLEAN,
    },
    "EarlyStopping": {
        "wait": COUNT,
        "stopped_epoch": COUNT,
        "best": maybe(SINGLE),
        "best_epoch": COUNT,
    },
    "ReduceLROnPlateau": {"wait": COUNT, "cooldown_counter": COUNT, "best": maybe(SINGLE)},
    "TerminateOnNaN": {},
}
STATE = record(
    "epochs stopped whole resolved memories",
    epochs={**COUNT, "minimum": 1},
    stopped=BOOLEAN,
    whole=BOOLEAN,
    resolved=TEXT,
    memories=listing({"type": "object"}, minItems=1),
    kept=listing(COUNT),
    sums=mapping(COUNT),
)


def checked(value: Any, schema: Schema) -> Any:
    """Return the value. Raises `ValueError` with the key, what was expected and what is there."""
    error = next(VALIDATOR(schema).iter_errors(value), None)
    if error is None:
        return value
    at = ".".join(map(str, error.absolute_path)) or "it"
    if error.validator == "required":
        (missing, *_) = (key for key in error.validator_value if key not in error.instance)
        raise ValueError(f"{at} has no '{missing}'")
    raise ValueError(f"{at} must be {_expected(error.schema)}, got {show(error.instance)}")


def _expected(schema: Schema) -> str:
    """What a value must be, in words."""
    if "anyOf" in schema:
        return " or ".join(map(_expected, schema["anyOf"]))
    kinds = schema.get("type", "another")
    words = {
        **{"string": "a text", "integer": "an integer", "number": "a number", "null": "null"},
        **{"boolean": "true or false", "array": "a list", "object": "a mapping"},
        "single": "a number that a float32 holds",
    }
    said = " or ".join(words[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if "minimum" in schema:
        said += f" of at least {schema['minimum']}"
    if "maximum" in schema:
        said += f" and at most {schema['maximum']:g}"
    if "minItems" in schema:
        said += f" of at least {schema['minItems']}"
    return f"{said} like 'gpu:0'" if "pattern" in schema else said


def from_json(content: bytes, schema: Schema) -> Any:
    """Return what a JSON text says. Raises `ValueError` where it is not as the schema has it."""
    return checked(json.loads(content, parse_int=_integer, parse_float=_real), schema)


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) >= LARGEST:
        raise ValueError(f"{text[:20]}... is too large a number")
    return value


def _real(text: str) -> float:
    value = float(text)
    if HUGE < abs(value) < inf:
        raise ValueError(f"{text[:20]} is too large a number")
    return value


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Turn whatever is raised while the path is read into one `UserError`."""
    try:
        yield
    except Exception as error:
        raise UserError(f"{path} is missing or damaged: {reason(error)}", REMEDY) from None


def read_json(path: Path, schema: Schema) -> Any:
    """Return what a JSON file says. Raises `UserError` where it is not as the schema has it."""
    with sound(path):
        return from_json(read_bytes(path, MOST), schema)


def read_history(path: Path) -> Sequence[dict[str, float]]:
    """Return the rows of a history.csv. Raises `UserError` for a value that is no number, and where
    they are not of the epochs from 1 on."""
    rows = []
    with sound(path):
        text = read_bytes(path, MOST).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
        for line in reader:
            row = {}
            for key, value in line.items():
                try:
                    row[key] = _real(value)
                except (TypeError, ValueError):
                    where = f"line {reader.line_num}, column '{key}'"
                    raise ValueError(f"{where} must be a number, got {show(value)}") from None
            rows.append(row)
            if row.get("epoch") != len(rows):
                raise ValueError(f"line {reader.line_num} must be of epoch {len(rows)}")
        if not rows:
            raise ValueError("it has no epoch")
    return rows
