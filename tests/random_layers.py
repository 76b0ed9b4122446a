"""Layers drawn from the table: any that has an entry, with arguments that its types allow.

    op, arguments = layer(draw, ["Dense", "ReLU"], [(None, 8, 8, 3)])

The types say what is legal alone (`Type.schema` is JSON Schema); what is legal together only the
rule knows, so whoever draws asks `infer` and draws again. HINTS is for the arguments that a value
drawn blindly would never fit.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from archspec.arguments import REQUIRED, Argument
from archspec.graph import Shape
from archspec.layers import LAYERS
from archspec.objects import TABLES

Draw = random.Random

INTEGERS = [1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8, 0, -1, -1, -2]
NUMBERS = [0.1, 0.5, 0.25, 0, 1, -0.5, 2, 3.5]


def value(draw: Draw, schema: Mapping[str, Any]) -> Any:
    """A value that a schema of `arguments` allows."""
    if "anyOf" in schema:
        return value(draw, draw.choice(schema["anyOf"]))
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    match schema["type"]:
        case "boolean":
            return draw.choice([True, False])
        case "null":
            return None
        case "integer":
            return draw.choice([n for n in INTEGERS if _within(n, schema)] or [schema["minimum"]])
        case "number":
            return draw.choice([n for n in NUMBERS if _within(n, schema)])
        case "string":
            return draw.choice(["a", "b c", "x1"])
        case "array":
            low = schema.get("minItems", 0)
            length = draw.randint(low, min(schema.get("maxItems", low + 3), low + 3))
            return [value(draw, schema["items"]) for _ in range(length)]
        case "object":
            known = schema.get("properties", {})
            needed = schema.get("required", ())
            given = [name for name in known if name in needed or draw.random() < 0.5]
            return {name: value(draw, known[name]) for name in given}
    raise NotImplementedError(f"no value is drawn for the schema {schema}")


def _within(n: float, schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("minimum", n) <= n <= schema.get("maximum", n)
        and not n <= schema.get("exclusiveMinimum", n - 1)
        and not n >= schema.get("exclusiveMaximum", n + 1)
    )


def named_object(draw: Draw, kind: str) -> Any:
    """An initializer, a regularizer, a constraint or an activation, often with arguments."""
    name = draw.choice(sorted(TABLES[kind]))
    table = TABLES[kind][name]
    given = {
        key: value(draw, each.type.schema)
        for key, each in table.items()
        if each.default is REQUIRED or draw.random() < 0.5 or name == "Constant"
    }  # Keras cannot make Constant of its name
    if given:
        first = next(iter(table))
        return {name: given[first] if list(given) == [first] and draw.random() < 0.3 else given}
    spelt = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    return name if "L1" in name or "L2" in name else draw.choice([name, spelt])


# --- what a value must know of the input ---------------------------------------------------------


def _target(draw: Draw, xs: Sequence[Shape]) -> list[int]:
    lengths = [n for n in xs[0][1:] if n is not None]
    whole = prod(lengths)
    if draw.random() < 0.2 or None in xs[0][1:]:
        return [draw.choice([-1, 2, 3, 5]) for _ in range(draw.randint(0, 3))]
    factor = draw.choice([n for n in (1, 2, 3, 4, 6, 8) if whole % n == 0])
    shapes = [[-1, factor], [factor, whole // factor], [1, -1, factor], [-1], [*lengths, 1]]
    return draw.choice(shapes)


def _dims(draw: Draw, xs: Sequence[Shape]) -> list[int]:
    axes = list(range(1, len(xs[0]) + (draw.random() < 0.1)))
    draw.shuffle(axes)
    return axes or [1]


def _axes(draw: Draw, xs: Sequence[Shape]) -> Any:
    """One axis of the first input, or some of them."""
    rank = len(xs[0])
    some = draw.sample(range(1, rank), draw.randint(1, rank - 1)) if rank > 1 else [1]
    signed = [axis - rank if draw.random() < 0.3 else axis for axis in some]
    return draw.choice([-1, -1, signed[0], signed, draw.randint(-5, 5)])


def _axis(draw: Draw, xs: Sequence[Shape]) -> int:
    rank = len(xs[0])
    return draw.choice([-1, -1, rank - 1, draw.randint(-rank, rank), draw.randint(-5, 5)])


def _pair(draw: Draw, xs: Sequence[Shape]) -> Any:
    pair = [draw.randint(-1, len(x) - 1) for x in (*xs, *xs)[:2]]
    return draw.choice([pair, pair[0], -1, 1])


def _noise_shape(draw: Draw, xs: Sequence[Shape]) -> Any:
    return [None, *(draw.choice([1, None, n]) for n in xs[0][1:])]


def _numbers(draw: Draw, xs: Sequence[Shape]) -> Any:
    """One number, or one for each channel."""
    many = [value(draw, {"type": "number"}) for _ in range(xs[0][-1] or 1)]
    return draw.choice([2, 0.5, many])


def _variances(draw: Draw, xs: Sequence[Shape]) -> Any:
    return draw.choice([1, [draw.choice([0.5, 1, 2]) for _ in range(xs[0][-1] or 1)]])


def _groups(draw: Draw, xs: Sequence[Shape]) -> int:
    return draw.choice([1, 2, 2, 3, xs[0][-1] or 1])


def _range(draw: Draw, xs: Sequence[Shape]) -> list[float]:
    return draw.choice([[0, 1], [0, 255], [-1, 1]])


def _output_size(draw: Draw, xs: Sequence[Shape]) -> Any:
    """Not 1, at which Keras's adaptive pooling takes TensorFlow's whole process down."""
    return draw.choice([2, 3, [draw.choice([2, 3, 4]) for _ in xs[0][2:]]])


def _samples(draw: Draw, xs: Sequence[Shape]) -> int:
    return draw.choice([2, 3, 4, 8])


def _letters(draw: Draw, xs: Sequence[Shape]) -> dict[str, Any]:
    """An equation of EinsumDense, with the output shape that it asks for."""
    x = xs[0]
    letters = "abcdef"[: len(x)]
    units = draw.randint(1, 4)
    kept = draw.choice([list(x[1:-1]), [None] * (len(x) - 2)])
    form = draw.randrange(4)
    if form == 0:
        source, kernel, target, out = letters, f"{letters[-1]}z", f"{letters[:-1]}z", [*kept, units]
    elif form == 1:
        source, kernel, target, out = "...x", "xy", "...y", [units]
    elif form == 2:
        source, kernel, target = letters, f"{letters[-1]}yz", f"{letters[:-1]}yz"
        out = [*kept, units, draw.randint(1, 3)]
    else:
        source, kernel, target, out = "ab...", "bc", "ac...", [units]
    given = {"equation": f"{source},{kernel}->{target}", "output_shape": out}
    if draw.random() < 0.5:
        given["bias_axes"] = target.replace("...", "")[-draw.randint(1, 2) :]
    return given


Hint = Callable[[Draw, Sequence[Shape]], Any]

# (layer, or "" for any; argument) -> a value that has a chance to fit inputs of such shapes.
HINTS: dict[tuple[str, str], Hint] = {
    ("", "target_shape"): _target,
    ("", "dims"): _dims,
    ("", "axis"): _axes,
    ("BatchNormalization", "axis"): _axis,
    ("GroupNormalization", "axis"): _axis,
    ("Concatenate", "axis"): _axis,
    ("", "shared_axes"): _axes,
    ("", "attention_axes"): _axes,
    ("", "axes"): _pair,
    ("", "noise_shape"): _noise_shape,
    ("Rescaling", "scale"): _numbers,
    ("Rescaling", "offset"): _numbers,
    ("", "mean"): _numbers,
    ("", "variance"): _variances,
    ("", "groups"): _groups,
    ("", "value_range"): _range,
    ("", "output_size"): _output_size,
    ("", "fft_length"): _samples,
    ("", "frame_length"): _samples,
    ("", "sequence_stride"): _samples,
}
# Arguments that only fit together.
TOGETHER: dict[str, Hint] = {"EinsumDense": _letters}

# How often an argument that may be left out is given: the rest 0.12.
OFTEN = {
    "strides": 0.3,
    "padding": 0.4,
    "axis": 0.5,
    "activation": 0.25,
    "use_bias": 0.25,
    "groups": 0.2,
    "keepdims": 0.4,
    "trainable": 0.06,
    "dtype": 0.03,
    "data_format": 0.03,
    "shared_axes": 0.5,
    "mean": 0.3,
    "synchronized": 0,  # TensorFlow alone has it
}
# Given though they may be left out: without them the layer seldom fits, or never.
ALWAYS = {
    ("GroupNormalization", "groups"),
    ("MelSpectrogram", "fft_length"),
    ("MelSpectrogram", "num_mel_bins"),
    ("MelSpectrogram", "sequence_stride"),
    ("STFTSpectrogram", "frame_length"),
    ("CategoryEncoding", "num_tokens"),
    ("Discretization", "bin_boundaries"),
}


def own_value(draw: Draw, op: str, argument: Argument, xs: Sequence[Shape]) -> Any:
    """A value for one argument of a layer on inputs of such shapes."""
    hint = HINTS.get((op, argument.name)) or HINTS.get(("", argument.name))
    if hint and (draw.random() < 0.9 or hint is _output_size):
        return hint(draw, xs)
    if argument.type.kind:
        return named_object(draw, argument.type.kind)
    return value(draw, argument.type.schema)


def layer(draw: Draw, ops: Sequence[str], xs: Sequence[Shape]) -> tuple[str, dict[str, Any]]:
    """One of those layers and its arguments, which may or may not fit inputs of such shapes."""
    op = draw.choice(ops)
    given = TOGETHER[op](draw, xs) if op in TOGETHER else {}
    bare = draw.random() < 0.25
    for name, argument in LAYERS[op].arguments.items():
        if name in given:
            continue
        needed = argument.default is REQUIRED or (op, name) in ALWAYS
        if needed or (not bare and draw.random() < OFTEN.get(name, 0.12)):
            given[name] = own_value(draw, op, argument, xs)
    if "mean" in given and "variance" in LAYERS[op].arguments:
        given["variance"] = _variances(draw, xs)
        if not isinstance(given["mean"], list):
            given["variance"] = 2
    return op, given
