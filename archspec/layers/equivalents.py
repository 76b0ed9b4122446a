"""Find layers of the table that do the same as other parts of a Keras model.

A model may hold functions of `keras.ops` besides layers, which `x + y` leaves there too, and the
layers that `keras.applications` keeps for itself. Each of them that is exactly one or two layers of
the table is found here, and so is what Keras adds to the arguments of a layer when it is built.

    >>> image = Tensor((None, 8, 8, 3), "float32")
    >>> steps, note = replace_operation("Subtract", [image, 3], {})
    >>> steps
    (Equivalent(op='Rescaling', arguments={'scale': 1.0, 'offset': -3.0}, inputs=(0,), suffix=''),)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import frexp, isfinite, prod
from typing import Any

from msgspec import Struct, field

from archspec.errors import Refused
from archspec.graph import Node, Shape
from archspec.layers import masks
from archspec.layers.table import FAMILIES, traits_of

BEFORE = -1  # in `inputs`: the output of the equivalent before this one
FLOATS = ("float16", "bfloat16", "float32", "float64")


class Tensor(Struct, frozen=True):
    """A tensor that an operation takes. shape: with the batch axis; None if it is unknown."""

    shape: Shape | None
    dtype: str | None


class Equivalent(Struct, frozen=True):
    """A layer that takes the place of something else.

    inputs: the places of its inputs among the tensors that the other takes. suffix: what is added
    to the name of the other, where it becomes several layers.
    """

    op: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[int, ...] = (0,)
    suffix: str = ""


Found = tuple[tuple[Equivalent, ...], str | None]

# --- operations ----------------------------------------------------------------------------------

MERGES = {name: name for name in ("Add", "Subtract", "Multiply", "Maximum", "Minimum")}

# Functions of one tensor -> the activation, and its settings that the activation has not.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "ReLU": ("relu", {}),
    "Relu": ("relu", {}),
    "Relu6": ("relu6", {}),
    "Sigmoid": ("sigmoid", {}),
    "SparseSigmoid": ("sparse_sigmoid", {}),
    "Softplus": ("softplus", {}),
    "Softsign": ("softsign", {}),
    "SoftShrink": ("soft_shrink", {"threshold": 0.5}),
    "SparsePlus": ("sparse_plus", {}),
    "Silu": ("silu", {}),
    "Squareplus": ("squareplus", {"b": 4}),
    "LogSigmoid": ("log_sigmoid", {}),
    "LeakyRelu": ("leaky_relu", {}),
    "HardSigmoid": ("hard_sigmoid", {}),
    "HardSilu": ("hard_silu", {}),
    "Elu": ("elu", {}),
    "Selu": ("selu", {}),
    "Gelu": ("gelu", {"approximate": False}),
    "Celu": ("celu", {"alpha": 1.0}),
    "TanhShrink": ("tanh_shrink", {}),
    "HardTanh": ("hard_tanh", {}),
    "HardShrink": ("hard_shrink", {"threshold": 0.5}),
    "Softmax": ("softmax", {}),
    "LogSoftmax": ("log_softmax", {"axis": -1}),
    "Sparsemax": ("sparsemax", {"axis": -1}),
    "Tanh": ("tanh", {}),
    "Exp": ("exponential", {}),
}

# What to write instead of operations that are no layer, as a hint.
INSTEAD = {
    **dict.fromkeys(("Mean", "Average"), "a GlobalAveragePooling layer, or Average of several"),
    **dict.fromkeys(("Max", "Amax"), "a GlobalMaxPooling layer"),
    **dict.fromkeys(("GetItem", "Slice"), "a Cropping layer"),
    **dict.fromkeys(("Matmul", "Dot", "Tensordot"), "Dot, Dense or EinsumDense"),
    "Einsum": "EinsumDense, or Dot",
    **dict.fromkeys(("Squeeze", "ExpandDims"), "Reshape"),
    "Cast": "Rescaling, which takes whole numbers, too",
    "Pad": "a ZeroPadding layer",
    "Resize": "Resizing or UpSampling2D",
    "OneHot": "CategoryEncoding with output_mode: one_hot",
    "Clip": "ReLU with max_value",
    "Stack": "Reshape and Concatenate",
    "Normalize": "UnitNormalization",
    "DotProductAttention": "Attention or MultiHeadAttention",
}


def replace_operation(name: str, operands: Sequence[Any], settings: Mapping[str, Any]) -> Found:
    """Return the layers that do what an operation does, and a remark where bits may differ.

    name: of its class in `keras.ops`. operands: what it takes: `Tensor`s, numbers, lists of
    tensors. settings: its other arguments.
    Raises `Refused` if no layer does the same.
    """
    kinds = [isinstance(each, Tensor) for each in operands]
    if name in MERGES and kinds == [True, True] and not settings:
        return (_merge(MERGES[name], *operands),), None
    if name in SCALES and sorted(kinds) == [False, True] and not settings:
        return _scale(name, operands)
    if name == "Negative" and kinds == [True] and not settings:
        dtype = _find_dtype(name, operands[0], whole=False)
        return (Equivalent("Rescaling", {"scale": -1.0, **dtype}),), None
    if name in ACTIVATIONS and kinds == [True]:
        return (_activate(name, operands[0], settings),), None
    if name in REARRANGING and kinds[:1] == [True]:
        return (REARRANGING[name](operands[0], operands[1:], settings),), None
    if name == "Concatenate" and len(operands) == 1 and isinstance(operands[0], list):
        return (_concatenate(operands[0], settings),), None
    hint = INSTEAD.get(name)
    raise Refused(
        f"no layer does what the operation {name} does here",
        code="import-operation",
        hint=f"build the model with {hint}" if hint else None,
    )


def _merge(op: str, a: Tensor, b: Tensor) -> Equivalent:
    """Return the merging layer of two tensors, where it aligns them as the operation does."""
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        raise _refuse(op, "of tensors with different numbers of axes")
    if {a.shape[0], b.shape[0]} != {None}:
        raise _refuse(op, "of a tensor that has no batch axis")
    if a.dtype != b.dtype or a.dtype == "bool":
        raise _refuse(op, f"of {a.dtype} and {b.dtype}")
    dtype = {} if a.dtype == "float32" or a.dtype not in FLOATS else {"dtype": a.dtype}
    return Equivalent(op, dtype, (0, 1))


# An operation of a tensor and a number -> (the number, whether it comes first) -> scale and offset.
SCALES: dict[str, Callable[[float, bool], tuple[float, float] | None]] = {
    "Add": lambda number, first: (1.0, number),
    "Subtract": lambda number, first: (-1.0, number) if first else (1.0, -number),
    "Multiply": lambda number, first: (number, 0.0),
    "TrueDivide": lambda number, first: None if first or not number else (1 / number, 0.0),
    "Divide": lambda number, first: None if first or not number else (1 / number, 0.0),
}


def _scale(name: str, operands: Sequence[Any]) -> Found:
    """Return the Rescaling that does what an operation of a tensor and a number does."""
    place = 0 if isinstance(operands[0], Tensor) else 1
    tensor, number = operands[place], operands[1 - place]
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
        raise _refuse(name, "of a tensor and what is no number")
    found = SCALES[name](float(number), place == 1)
    if found is None or not all(map(isfinite, found)):
        raise _refuse(name, "of a number by a tensor, or by 0")
    scale, offset = found
    divides = name in ("TrueDivide", "Divide")
    dtype = _find_dtype(name, tensor, whole=isinstance(number, float) or divides)
    arguments = {"scale": scale, **({"offset": offset} if offset else {}), **dtype}
    note = None
    if divides and abs(frexp(number)[0]) != 0.5:  # 1 / number is rounded, unless a power of two
        note = f"x / {number:g} is written as x * {scale!r}: the last bit may differ"
    return (Equivalent("Rescaling", arguments),), note


def _activate(name: str, tensor: Tensor, settings: Mapping[str, Any]) -> Equivalent:
    """Return the Activation of a function of one tensor."""
    function, fixed = ACTIVATIONS[name]
    for setting, value in fixed.items():
        if settings.get(setting, value) != value:
            raise _refuse(name, f"with {setting}={settings[setting]}")
    given = {key: value for key, value in settings.items() if key not in fixed}
    dtype = _find_dtype(name, tensor, whole=False)
    activation = {function: given} if given else function
    return Equivalent("Activation", {"activation": activation, **dtype})


def _reshape(tensor: Tensor, operands: Sequence[Any], settings: Mapping[str, Any]) -> Equivalent:
    target = settings.get("newshape", next(iter(operands), None))
    shape = tensor.shape
    numbers = isinstance(target, list | tuple) and all(type(each) is int for each in target)
    if not numbers or shape is None or None in shape[1:] or not target[1:]:
        raise _refuse("Reshape", "to a shape that is not known")
    batch, *rest = target
    if batch != -1 or prod(rest) != prod(axis or 0 for axis in shape[1:]) or min(rest) < 1:
        raise _refuse("Reshape", f"of {shape} to {tuple(target)}, which changes the batch axis")
    return Equivalent("Reshape", {"target_shape": rest, **_keep_dtype(tensor)})


def _transpose(tensor: Tensor, operands: Sequence[Any], settings: Mapping[str, Any]) -> Equivalent:
    axes = settings.get("axes", next(iter(operands), None))
    numbers = isinstance(axes, list | tuple) and all(type(each) is int for each in axes)
    if not numbers or tensor.shape is None or sorted(axes) != list(range(len(tensor.shape))):
        raise _refuse("Transpose", "along axes that are not known")
    if axes[0] != 0:
        raise _refuse("Transpose", "that moves the batch axis")
    return Equivalent("Permute", {"dims": list(axes[1:]), **_keep_dtype(tensor)})


REARRANGING = {"Reshape": _reshape, "Transpose": _transpose}


def _concatenate(tensors: Sequence[Any], settings: Mapping[str, Any]) -> Equivalent:
    if not tensors or not all(isinstance(each, Tensor) for each in tensors):
        raise _refuse("Concatenate", "of what is no tensor")
    if len({each.dtype for each in tensors}) > 1:
        raise _refuse("Concatenate", "of tensors of several types")
    axis = settings.get("axis", -1)
    arguments = {} if axis == -1 else {"axis": axis}
    return Equivalent(
        "Concatenate", {**arguments, **_keep_dtype(tensors[0])}, tuple(range(len(tensors)))
    )


def _find_dtype(name: str, tensor: Tensor, whole: bool) -> dict[str, str]:
    """Return the `dtype` of a layer that computes as an operation does; {} for float32.

    whole: whether the operation makes floats of whole numbers.
    """
    if tensor.dtype not in FLOATS and not (whole and tensor.dtype and "int" in tensor.dtype):
        raise _refuse(name, f"of {tensor.dtype}, and layers compute in floats")
    return _keep_dtype(tensor)


def _keep_dtype(tensor: Tensor) -> dict[str, str]:
    is_other = tensor.dtype in FLOATS and tensor.dtype != "float32"
    return {"dtype": str(tensor.dtype)} if is_other else {}


def _refuse(name: str, why: str) -> Refused:
    return Refused(f"no layer does what the operation {name} does {why}", code="import-operation")


# --- layers that keras.applications keeps for itself ---------------------------------------------


def _scale_channels(config: Mapping[str, Any], shapes: Sequence[Shape | None]) -> Found:
    """Return what the shipped block `layer_scale` is made of."""
    channels, start = _get(config, "projection_dim", int), _get(config, "init_values", float)
    initializer = {"Constant": {"value": start}}
    shape = shapes[0] if shapes else None
    if shape is None or len(shape) == 4:  # ConvNeXt, which has it, is of images
        arguments = {
            "kernel_size": 1,
            "use_bias": False,
            "depthwise_initializer": initializer,
        }
        return (Equivalent("DepthwiseConv2D", arguments),), None
    volume = len(shape) == 5
    arguments = {
        "equation": "bdhwc,c->bdhwc" if volume else "...c,c->...c",
        "output_shape": [*shape[1:-1], channels] if volume else channels,
        "kernel_initializer": initializer,
    }
    return (Equivalent("EinsumDense", arguments),), None


def _drop_paths(config: Mapping[str, Any], shapes: Sequence[Shape | None]) -> Found:
    shape = shapes[0] if shapes else None
    rank = 4 if shape is None else len(shape)  # ConvNeXt, which has it, is of images
    noise = [None] + [1] * (rank - 1)
    rate = _get(config, "drop_path_rate", float)
    return (Equivalent("Dropout", {"rate": rate, "noise_shape": noise}),), None


def _add_scaled(config: Mapping[str, Any], shapes: Sequence[Shape | None]) -> Found:
    scale = _get(config, "scale", float)
    scaled = Equivalent("Rescaling", {"scale": scale}, (1,), "_scaled")
    return (scaled, Equivalent("Add", {}, (0, BEFORE))), None


PRIVATE: dict[str, Callable[[Mapping[str, Any], Sequence[Shape | None]], Found]] = {
    "LayerScale": _scale_channels,
    "StochasticDepth": _drop_paths,
    "CustomScaleLayer": _add_scaled,
}


def replace_private(
    name: str, config: Mapping[str, Any], shapes: Sequence[Shape | None]
) -> Found | None:
    """Return the layers that do what a layer of `keras.applications` does; None for another.

    shapes: of its inputs, with the batch axis; None for one that is unknown.
    Raises `Refused` if its config lacks what it needs.
    """
    return PRIVATE[name](config, shapes) if name in PRIVATE else None


def _get(config: Mapping[str, Any], name: str, kind: type) -> Any:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"the config has no number '{name}'", code="import-argument")
    if kind is int and not isinstance(value, int):
        raise Refused(f"'{name}' must be an integer, got {value}", code="import-argument")
    return value


# --- what Keras adds to what it was given --------------------------------------------------------

# Arguments of which Keras makes one number a range -> what the range begins with: minus the number
# itself (None), 0 or 1.
RANGES: dict[str, dict[str, int | None]] = {
    **{
        name: {"factor": None}
        for name in (
            *("RandomRotation", "RandomSaturation", "RandomColorDegeneration"),
            "RandomBrightness",
        )
    },
    **{
        name: {"factor": 0}
        for name in (
            *("RandomContrast", "RandomPerspective", "RandomErasing", "RandomHue", "RandomInvert"),
            *("RandomSharpness", "RandAugment", "AugMix"),
        )
    },
    "RandomGaussianBlur": {"factor": 0, "sigma": 0},
    "Solarization": {"addition_factor": 0, "threshold_factor": 0},
    "RandomPosterization": {"factor": 1},
}
# The families whose layers act as in training unless a call says otherwise.
AUGMENTING = ("images", "values of pixels")


def forget_additions(op: str, config: Mapping[str, Any], rank: int | None) -> dict[str, Any]:
    """Return the arguments of a layer without those that Keras has filled in by itself.

    rank: the number of axes of its first input, with the batch axis; None if it is unknown.
    """
    config = dict(config)
    for name in ("axis", "attention_axes", "shared_axes"):
        axes = config.get(name)
        if isinstance(axes, list) and len(axes) == 1:
            config[name] = axes[0]
        elif axes == [] and op == "Normalization":
            config[name] = None
        if name == "attention_axes" and rank and axes == list(range(1, rank - 1)):
            config[name] = None
    for name, lowest in RANGES.get(op, {}).items():
        value: Any = config.get(name)
        is_pair = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
        if is_pair and value[0] == (-value[1] if lowest is None else lowest):
            config[name] = value[1]
    rate: Any = config.get("sampling_rate")
    if _is_number(rate) and config.get("max_freq") == rate / 2:
        config["max_freq"] = None
    if op == "Discretization":
        config.pop("epsilon", None)  # it is for `adapt` alone
    return config


def trains_by_default(op: str) -> bool:
    """Return whether a layer acts as in training where its call does not say `training`."""
    return any(layer.name == op for family in AUGMENTING for layer in FAMILIES[family])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- masks ---------------------------------------------------------------------------------------


def work_out_mask(
    node: Node,
    inputs: Sequence[int],
    given: Sequence[int | None],
    operate: Callable[..., int],
) -> int | None:
    """Return the mask that a layer makes or hands on, by the operations that Keras takes for it.

    inputs, given: the values that it takes and their masks, as numbers; None for no mask. operate:
    returns the number of what an operation makes: of its name, the values that it takes, its
    constants and its settings by name.
    """
    rule = traits_of(node.op).mask
    if rule is masks.make_of_zeros:
        return operate("NotEqual", inputs, 0)
    if rule is masks.make:
        differs = operate("NotEqual", inputs, node.arguments["mask_value"])
        return operate("Any", [differs], axis=-1, keepdims=False)
    if rule is masks.join:
        joined, *others = (each for each in given if each is not None)
        for each in others:
            joined = operate("LogicalOr", [joined, each])
        return joined
    if rule is not masks.concatenate:
        return given[0]
    parts = []
    for value, mask in zip(inputs, given, strict=True):
        if mask is None:  # what has no mask skips nothing
            parts.append(operate("OnesLike", [value]))
        else:
            wide = operate("ExpandDims", [mask], axis=-1)
            parts.append(operate("LogicalOr", [wide, operate("ZerosLike", [value])]))
    in_a_row = operate("Concatenate", parts, axis=node.arguments["axis"])
    return operate("Any", [in_a_row], axis=-1, keepdims=False)


# The operations of masks, by the names that Keras gives them.
MASK_NAME = re.compile(
    "(any|concatenate|convert_to_tensor|expand_dims|logical_or|not_equal|ones_like|squeeze"
    "|zeros_like)(?:_([0-9]{1,3}))?"
)


def find_taken_names(nodes: Iterable[Node]) -> dict[str, int]:
    """Return how often Keras must count the name of a mask's operation, so that none is called as
    a layer: Keras knows only the names that it gave itself."""
    nodes = list(nodes)
    rules = (masks.make, masks.make_of_zeros)
    makers = [node for node in nodes if traits_of(node.op).mask in rules]
    if not any(node.arguments.get("mask_zero", True) for node in makers):
        return {}
    found: dict[str, int] = {}
    for node in nodes:
        if taken := MASK_NAME.fullmatch(node.name):
            name, number = taken.groups()
            found[name] = max(found.get(name, 0), int(number or 0) + 1)
    return found
