"""Turn the arguments of a layer from Keras's config into the normal form of the table."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from archspec.arguments import show
from archspec.errors import AtArgument, Refused
from archspec.importing.findings import Findings
from archspec.infer import bind_arguments
from archspec.layers import LAYERS
from archspec.layers.equivalents import forget_additions

ANY = object()
# What a config says besides the arguments of the table -> the only value that means nothing.
UNREAD: dict[str, Any] = {
    **dict.fromkeys(("name", "autocast", "build_config", "renorm_momentum"), ANY),
    **dict.fromkeys(("batch_input_shape", "batch_shape", "shared_object_id"), ANY),
    **dict.fromkeys(("query_shape", "key_shape", "value_shape"), ANY),  # of attention, in Keras 2
    **dict.fromkeys(("renorm", "rms_scaling", "synchronized", "sparse", "ragged"), False),
    "groups": 1,
    "data_format": "channels_last",
}
OLD = {"alpha": "negative_slope"}  # Keras 2's names of arguments
FLOAT32 = "float32"


def read_arguments(
    op: str, config: Mapping[str, Any], rank: int | None, path: str, findings: Findings
) -> dict[str, Any] | None:
    """Return the arguments of a layer in normal form; None after noting what is wrong with them.

    config: as Keras writes it. rank: the number of axes of the first input, if it is known.
    """
    table = LAYERS[op].arguments
    if config.get("quantization_config") is not None:
        hint = "take the model with the weights that it had before `quantize`"
        refused = Refused(f"this {op} was quantized, and a spec has no such weights", hint=hint)
        findings.refuse(refused, f"{path}.config.quantization_config", "import-argument")
        return None
    given: dict[str, Any] = {}
    before = len(findings.found)
    for name, value in forget_additions(op, config, rank).items():
        if name in OLD and name not in table and OLD[name] in table:
            name = OLD[name]
        try:
            if name == "dtype":
                given |= read_dtype(value, "dtype" in table)
            elif name == "seed":
                pass  # it follows from the seed of the run
            elif name in table:
                given[name] = read_value(table[name].type.kind, value)
            elif value is not None and UNREAD.get(name, value) not in (ANY, value):
                hint = f"it can be {show(UNREAD[name])} alone"
                raise Refused(f"{op} cannot have the {name} {show(value)}", hint=hint)
            elif value is not None and name not in UNREAD:
                raise Refused(f"{op} has no argument '{name}' here, got {show(value)}")
        except Refused as refused:
            findings.refuse(refused, f"{path}.config.{name}", "import-argument")
    return None if len(findings.found) > before else bind(op, given, path, findings)


def bind(op: str, given: Mapping[str, Any], path: str, findings: Findings) -> dict[str, Any] | None:
    """Return the arguments of a layer in normal form; None after noting what is wrong with them.

    given: as a spec has them. path: that of the layer.
    """
    try:
        return bind_arguments(op, given)
    except Refused as refused:
        at = f".config.{refused.at.name}" if isinstance(refused.at, AtArgument) else ""
        findings.refuse(refused, f"{path}{at}", "import-argument")
        return None


def count_seeds(config: Mapping[str, Any]) -> int:
    """Return how many seeds of random numbers a layer's config gives."""
    inside = (each.get("config") for each in config.values() if isinstance(each, dict))
    seeds = [each.get("seed") for each in inside if isinstance(each, dict)]
    return sum(isinstance(each, int) for each in (config.get("seed"), *seeds))


def read_dtype(value: Any, is_known: bool) -> dict[str, Any]:
    """Return the `dtype` of a layer; {} for float32. Raises `Refused` for other policies."""
    name = value
    if isinstance(value, dict):
        inside = value.get("config")
        name = inside.get("name") if isinstance(inside, dict) else None
        if value.get("class_name") not in ("DTypePolicy", "FloatDTypePolicy", "Policy"):
            name = value.get("class_name")
    if name is None or name == FLOAT32:
        return {}
    if not is_known:
        raise Refused(f"the dtype {show(name)} cannot be written for this layer")
    return {"dtype": name}


def read_value(kind: str | None, value: Any) -> Any:
    """Return the value of an argument as a spec has it. Raises `Refused` for a custom object.

    kind: of an argument that holds an object, such as "initializer".
    """
    if kind is None or not isinstance(value, dict):
        return value
    name, registered = value.get("class_name"), value.get("registered_name")
    module = value.get("module")
    if name in ("function", "__lambda__") or not isinstance(name, str):
        called = value.get("config") if name == "function" else None
        what = f"the function {show(called)}" if isinstance(called, str) else "a lambda"
        raise Refused(f"it is {what}, which is Python code", hint=f"name an {kind} of Keras")
    if not _is_of_keras(module, name, registered):
        raise Refused(f"{name} is no {kind} of Keras", hint=f"name an {kind} of Keras")
    config = value.get("config")
    if not isinstance(config, dict):
        raise Refused(f"the config of {name} must be a mapping, got {show(config)}")
    unread = ("name", "dtype", "trainable", "seed")
    given = {
        key: shorten(each) if kind == "regularizer" else each
        for key, each in config.items()
        if key not in unread and each is not None
    }
    return {name: given} if given else name


def _is_of_keras(module: Any, name: str, registered: Any) -> bool:
    if registered not in (None, name):
        return False
    return module is None or (isinstance(module, str) and module.split(".")[0] == "keras")


def shorten(value: Any) -> Any:
    """Return a number that Keras has made a float32 as it was written: 0.01 for 0.00999999977..."""
    if not isinstance(value, float):
        return value
    try:
        if struct.unpack("f", struct.pack("f", value))[0] != value:
            return value
    except OverflowError:
        return value
    short = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next(each for each in short if struct.unpack("f", struct.pack("f", each))[0] == value)
