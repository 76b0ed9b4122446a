"""Define attention. Its MACs are those of the projections and of the two products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated as A
from typing import Any

from msgspec.structs import replace

from archspec.arguments import (
    AXES,
    BOOLEAN,
    POSITIVE,
    UNIT_INTERVAL,
    Sizes,
    Type,
    choice,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import TRAINING, entry
from archspec.layers.shapes import list_shapes, multiply, require_channels
from archspec.layers.shared import Seed, UseBias
from archspec.layers.traits import Traits
from archspec.layers.weights import weights

POSITIVES = Type(
    "a positive integer or a list of them",
    {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        ]
    },
    lambda value: tuple(map(int, value)) if isinstance(value, list | tuple) else (int(value),),
)


DropoutRate = A[
    float, UNIT_INTERVAL, "Share of the attention weights, from 0 to 1, set to 0 in training."
]
SlidingWindow = A[
    int | None,
    optional(POSITIVE),
    "Attend to positions fewer than this many steps away; null for all.",
]
UseGate = A[bool, BOOLEAN, "Whether each head's output is scaled by a learnt gate from the query."]


def multi_head_attention(
    query: Shape,
    value: Shape,
    key: Shape | None = None,
    use_causal_mask: bool = False,
    *,
    num_heads: A[int, POSITIVE, "Attention heads, each with projections of its own."],
    key_dim: A[
        int,
        POSITIVE,
        "Features of each head's query and key, often the input's divided by num_heads.",
    ],
    value_dim: A[
        int | None,
        optional(POSITIVE),
        "Features of each head's value; null for key_dim; on JAX another number needs dropout.",
    ] = None,
    dropout: DropoutRate = 0.0,
    use_bias: UseBias = True,
    output_shape: A[
        Sizes | None, optional(POSITIVES), "Features of the output; null for those of the query."
    ] = None,
    attention_axes: A[
        Any,
        optional(AXES),
        "Axes that attention looks along, 1 being the first after the batch; null for all but the "
        "features.",
    ] = None,
    sliding_window: SlidingWindow = None,
    use_gate: UseGate = False,
    seed: Seed = None,
    **_: A[Any, weights("kernel", "bias", activity=True, before="use_gate")],
) -> Facts:
    """Each head projects query, key and value, weighs the positions of value by softmax(query @
    key / sqrt(key_dim)), and sums; a last projection mixes the heads. Self-attention takes one
    tensor for all: `from: {query: previous, value: previous}`. Without a key, value is the key.

    Shape: that of the query with output_shape for its last axis, the query's own if null.
    Params: num_heads * (key_dim * (query[-1] + keys[-1]) + size * (value[-1] + out))
        + (num_heads * (2 * key_dim + size) + out if use_bias else 0)
        + (num_heads * size * (query[-1] + use_bias) if use_gate else 0);
        where keys = key or value; size = value_dim or key_dim;
        out = prod(output_shape or [query[-1]])
    MACs: prod(query[:-1]) * num_heads * (key_dim * query[-1] + size * out)
        + prod(value[:-1]) * num_heads * (key_dim * keys[-1] + size * value[-1])
        + prod(query[:-1]) * num_heads * seen * (key_dim + size)
        + (prod(query[:-1]) * num_heads * size * query[-1] if use_gate else 0);
        where keys = key or value; size = value_dim or key_dim;
        out = prod(output_shape or [query[-1]]);
        seen = prod(value[axis - 1] for axis in attention_axes or range(1, len(value)))
    """
    key = value if key is None else key
    shapes = list_shapes((query, value, key))
    if len({len(query), len(value), len(key)}) > 1 or len(query) < 3:
        raise Refused(
            "expects query, value and key of the same number of axes, at least 3 "
            f"(batch, ..., features), got {shapes}"
        )
    if value[1:-1] != key[1:-1]:
        raise Refused(
            f"expects a value and a key of the same length, got {value} and {key}: "
            f"{value[1:-1]} is not {key[1:-1]}"
        )
    if use_causal_mask and len(query) != 3:
        raise Refused(
            f"takes use_causal_mask on 3 axes (batch, length, features), got {query}", code="call"
        )
    if sliding_window is not None and len(query) != 3:
        raise Refused(
            f"takes a sliding_window on 3 axes (batch, length, features), got {query}",
            AtArgument("sliding_window"),
        )
    rank = len(query) - 1
    if attention_axes is None:
        axes = tuple(range(1, rank))
    else:
        given = attention_axes if isinstance(attention_axes, tuple) else (attention_axes,)
        axes = tuple(axis + rank + 1 if axis < 0 else axis for axis in given)
    if not all(1 <= axis < rank for axis in axes) or len(set(axes)) < len(axes):
        raise Refused(
            f"attends along axes from 1 to {rank - 1} of {query}, got {list(axes)}",
            AtArgument("attention_axes"),
        )
    for axis in range(1, rank):
        a, b = query[axis], value[axis]
        if axis not in axes and None not in (a, b) and a != b:
            raise Refused(
                f"attends along axes {list(axes)} only, so axis {axis} must agree in {query} and "
                f"{value}: {a} is not {b}",
                AtArgument("attention_axes"),
            )
    value_dim = value_dim or key_dim
    out = output_shape or (require_channels(query[-1]),)
    kernels = {
        "query": (require_channels(query[-1]), num_heads, key_dim),
        "key": (require_channels(key[-1]), num_heads, key_dim),
        "gate": (require_channels(query[-1]), num_heads, value_dim),
        "value": (require_channels(value[-1]), num_heads, value_dim),
        "attention_output": (num_heads, value_dim, *out),
    }
    if not use_gate:
        del kernels["gate"]
    weights: dict[str, Sizes] = {}
    for name, kernel in kernels.items():
        weights[f"{name}/kernel"] = kernel
        if use_bias:
            weights[f"{name}/bias"] = out if name == "attention_output" else kernel[1:]
    seen = [value[axis] for axis in axes]
    macs = [
        multiply(
            *(query if name in ("query", "gate", "attention_output") else value)[1:-1], *kernel
        )
        for name, kernel in kernels.items()
    ]
    macs.append(multiply(*query[1:-1], *seen, num_heads, key_dim + value_dim))
    return Facts(
        shape=(*query[:-1], *out),
        weights=weights,
        macs=None if None in macs else sum(each for each in macs if each is not None),
        window=None,
    )


def group_query_attention(
    query: Shape,
    value: Shape,
    key: Shape | None = None,
    *,
    head_dim: A[int, POSITIVE, "Features of each head."],
    num_query_heads: A[int, POSITIVE, "Heads of queries, a multiple of num_key_value_heads."],
    num_key_value_heads: A[
        int, POSITIVE, "Heads of keys and values, each shared by as many query heads."
    ],
    dropout: DropoutRate = 0.0,
    use_bias: UseBias = True,
    sliding_window: SlidingWindow = None,
    use_gate: UseGate = False,
    seed: Seed = None,
    **_: A[Any, weights("kernel", "bias", activity=True, before="use_gate")],
) -> Facts:
    """MultiHeadAttention in which num_query_heads / num_key_value_heads query heads share one head
    of keys and values: 1 shared head is multi-query attention. Self-attention takes one tensor for
    all: `from: {query: previous, value: previous}`. Without a key, value is the key.

    Shape: that of the query.
    Params: head_dim * (2 * num_query_heads * query[-1] + num_key_value_heads * (keys[-1]
        + value[-1])) + (head_dim * (num_query_heads + 2 * num_key_value_heads) + query[-1]
        if use_bias else 0)
        + (num_query_heads * head_dim * (query[-1] + use_bias) if use_gate else 0);
        where keys = key or value
    MACs: query[0] * (3 if use_gate else 2) * num_query_heads * head_dim * query[-1]
        + value[0] * num_key_value_heads * head_dim * (keys[-1] + value[-1])
        + query[0] * value[0] * num_query_heads * 2 * head_dim; where keys = key or value
    """
    key = value if key is None else key
    if not len(query) == len(value) == len(key) == 3:
        raise Refused(
            "expects query, value and key of 3 axes (batch, length, features), "
            f"got {list_shapes((query, value, key))}"
        )
    if query[-1] != value[-1]:
        raise Refused(
            f"expects a query and a value with the same number of features, got {query} and {value}"
        )
    if value[1] != key[1]:
        raise Refused(f"expects a value and a key of the same length, got {value} and {key}")
    if num_query_heads % num_key_value_heads:
        raise Refused(
            f"cannot share {num_key_value_heads} key and value heads evenly among "
            f"{num_query_heads} query heads",
            AtArgument("num_key_value_heads"),
        )
    features = require_channels(query[-1])
    kernels = {
        "query": (features, num_query_heads, head_dim),
        "key": (require_channels(key[-1]), num_key_value_heads, head_dim),
        "gate": (features, num_query_heads, head_dim),
        "value": (require_channels(value[-1]), num_key_value_heads, head_dim),
        "attention_output": (num_query_heads, head_dim, features),
    }
    if not use_gate:
        del kernels["gate"]
    weights: dict[str, Sizes] = {}
    for name, kernel in kernels.items():
        weights[f"{name}/kernel"] = kernel
        if use_bias:
            weights[f"{name}/bias"] = (features,) if name == "attention_output" else kernel[1:]
    macs = [
        multiply((value if name in ("key", "value") else query)[1], *kernel)
        for name, kernel in kernels.items()
    ]
    macs.append(multiply(query[1], value[1], num_query_heads, 2 * head_dim))
    total = None if None in macs else sum(each for each in macs if each is not None)
    return Facts(query, weights, macs=total, window=None)


def _split_inputs(xs: list[Shape]) -> tuple[Shape, Shape, Shape]:
    """Return query, value and key of a layer that takes them as a list.

    Raises `Refused` where they do not fit.
    """
    if len(xs) not in (2, 3):
        raise Refused(
            f"takes a query, a value and perhaps a key, got {len(xs)} inputs: "
            "write `from: [query, value]`"
        )
    query, value, key = (*xs, xs[1])[:3]
    if len({len(x) for x in xs}) > 1 or len(query) < 3 or len({x[1:-2] for x in xs}) > 1:
        raise Refused(
            "expects inputs of 3 axes (batch, length, features), or more that agree up to the "
            f"length, got {list_shapes(xs)}"
        )
    if None not in (query[-1], key[-1]) and query[-1] != key[-1]:
        raise Refused(
            f"multiplies query and key, so their features must agree, got {query} and {key}: "
            f"{query[-1]} is not {key[-1]}"
        )
    if None not in (value[-2], key[-2]) and value[-2] != key[-2]:
        raise Refused(
            f"expects a value and a key of the same length, got {value} and {key}: "
            f"{value[-2]} is not {key[-2]}"
        )
    return query, value, key


UseScale = A[bool, BOOLEAN, "Whether to multiply the scores by learnt numbers."]


def attention(
    xs: list[Shape],
    *,
    use_scale: UseScale = False,
    score_mode: A[
        str,
        choice("dot", "concat"),
        "dot compares by the product of query and key, concat by tanh of their sum.",
    ] = "dot",
    dropout: DropoutRate = 0.0,
    seed: Seed = None,
) -> Facts:
    """softmax(scores) @ value, where scores = query @ key (dot) or the sum of tanh(query + key)
    (concat). It has no projections: put Dense layers before it, or take MultiHeadAttention. The
    inputs are `from: [query, value]` or `[query, value, key]`; without a key, value is the key.

    Shape: that of the query with the value's last axis.
    Params: (1 if use_scale else 0) + (1 if score_mode == "concat" else 0)
    MACs: prod(query[:-1]) * value[-2] * ((key[-1] if score_mode == "dot" else 0) + value[-1]);
        where query = inputs[0]; value = inputs[1]; key = inputs[-1]
    """
    query, value, key = _split_inputs(xs)
    weights: dict[str, Sizes] = {"scale": ()} if use_scale else {}
    if score_mode == "concat":
        weights["concat_score_weight"] = ()
        macs = multiply(*query[1:-1], value[-2], value[-1])  # its scores are sums, not products
    else:
        both = None if None in (key[-1], value[-1]) else (key[-1] or 0) + (value[-1] or 0)
        macs = multiply(*query[1:-1], value[-2], both)
    return Facts((*query[:-1], value[-1]), weights, macs=macs, window=None)


def additive_attention(
    xs: list[Shape],
    *,
    use_scale: UseScale = True,
    dropout: DropoutRate = 0.0,
) -> Facts:
    """softmax(scores) @ value, where scores = the sum of scale * tanh(query + key) over the
    features: Bahdanau's attention. The inputs are `from: [query, value]` or `[query, value,
    key]`; without a key, value is the key.

    Shape: that of the query with the value's last axis.
    Params: query[-1] if use_scale else 0; where query = inputs[0]
    MACs: prod(query[:-1]) * value[-2] * ((key[-1] if use_scale else 0) + value[-1]); where query =
        inputs[0]; value = inputs[1]; key = inputs[-1]
    """
    query, value, key = _split_inputs(xs)
    weights: dict[str, Sizes] = {"scale": (require_channels(query[-1]),)} if use_scale else {}
    scored = key[-1] if use_scale else 0  # without a scale its scores are sums, not products
    both = None if None in (scored, value[-1]) else (scored or 0) + (value[-1] or 0)
    return Facts(
        (*query[:-1], value[-1]), weights, macs=multiply(*query[1:-1], value[-2], both), window=None
    )


ATTENDING = {
    **TRAINING,
    "use_causal_mask": "Whether each position sees itself and those before it only, as a language "
    "model must.",
}


def _sum_or_none(*counts: int | None) -> int | None:
    return None if None in counts else sum(count for count in counts if count is not None)


def _keep_heads(arguments: Mapping[str, Any], inputs: Sequence[Shape], output: Shape) -> int | None:
    """Keep the projections of query, key and value, the scores, and what the heads give.

    A dropout keeps the scores that it has left besides.
    """
    query, value = inputs[0], inputs[1]
    heads = arguments.get("num_heads") or arguments["num_query_heads"]
    key_dim = arguments.get("key_dim") or arguments["head_dim"]
    value_dim = arguments.get("value_dim") or key_dim
    axes = arguments.get("attention_axes")
    axes = tuple(range(1, len(value) - 1)) if axes is None else axes
    seen = [value[axis] for axis in (axes if isinstance(axes, tuple) else (axes,))]
    gated = 2 * value_dim if arguments["use_gate"] else 0
    return _sum_or_none(
        multiply(*query[1:-1], heads, key_dim + value_dim + gated),
        multiply(*value[1:-1], heads, key_dim + value_dim),
        multiply(*query[1:-1], *seen, heads, 2 if arguments["dropout"] else 1),
    )


def _keep_scores(
    arguments: Mapping[str, Any], inputs: Sequence[Shape], output: Shape
) -> int | None:
    """Keep the scores, and what they are the sums of where they are sums of tanh."""
    query, value, key = (*inputs, inputs[1])[:3]
    summed = arguments.get("score_mode") != "dot"  # which AdditiveAttention does not have
    scores = 2 if arguments["dropout"] else 1
    return multiply(*query[1:-1], value[-2], scores if not summed else (key[-1] or 0) + scores)


ATTENTION = Traits(kind="attention", mask=masks.carry_to_scores, keeps=_keep_scores)
PROJECTING = replace(
    ATTENTION, title="attention", fixed_rank=True, mask=masks.carry_to_heads, keeps=_keep_heads
)

# fmt: off
FAMILY = (
    entry("MultiHeadAttention", multi_head_attention,
          replace(PROJECTING, follows={"value_dim": "key_dim"}),
          "Mix the values at other positions, by several learnt measures of likeness.",
          "{num_heads: 12, key_dim: 64}", {"query": (197, 768), "value": (197, 768)}, ATTENDING),
    entry("GroupQueryAttention", group_query_attention, PROJECTING,
          "Mix the values at other positions, several measures of likeness sharing keys.",
          "{head_dim: 64, num_query_heads: 12, num_key_value_heads: 4}",
          {"query": (196, 768), "value": (196, 768)}, ATTENDING),
    entry("Attention", attention, ATTENTION, "Mix the values at other positions, by likeness.",
          "", [(20, 256), (40, 256)], ATTENDING),
    entry("AdditiveAttention", additive_attention, ATTENTION,
          "Mix the values at other positions, by a learnt sum over query and key.",
          "", [(20, 256), (40, 256)], ATTENDING),
)
# fmt: on
