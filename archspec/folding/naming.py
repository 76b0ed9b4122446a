"""Name params, blocks, stages and branches as a person would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archspec.folding.items import Branches, Call, Item, Layer, walk_sequences
from archspec.objects.kinds import snake_case

if TYPE_CHECKING:
    from archspec.folding.alignment import Slot
    from archspec.folding.unify import Hole

WIDTHS = ("filters", "units")


def name_hole(holes: Sequence[Hole], slots: Sequence[Slot]) -> None:
    """Give each hole of a block the name that its param would have."""
    widths = [hole for hole in holes if hole.argument in WIDTHS]
    for hole in holes:
        hole.name = name_condition(hole, slots) if hole.argument == "" else _name_argument(hole)
    if len({id(hole.slot) for hole in widths}) > 1:
        for hole in widths:
            hole.name = _name_width(hole, slots, widths)


def _name_argument(hole: Hole) -> str:
    if hole.argument in ("target_shape", "output_shape"):
        return "filters"
    if hole.argument == "rate" and hole.slot is not None and "noise_shape" in _arguments(hole.slot):
        return "drop_path"
    return {"rate": "dropout"}.get(hole.argument, hole.argument)


def _arguments(slot: Slot) -> Any:
    return getattr(slot.item, "arguments", {})


def _find_path(slot: Slot, slots: Sequence[Slot]) -> tuple[list[Slot], int] | None:
    """Return the path that a step stands in, and how many paths there are side by side."""
    for each in slots:
        for path in each.paths:
            if any(slot is inner for inner in path):
                return path, len(each.paths)
            if found := _find_path(slot, path):
                return found
    return None


def _name_width(hole: Hole, slots: Sequence[Slot], widths: Sequence[Hole]) -> str:
    """Name one of several widths, by the kernel and the branch that it is of."""
    assert hole.slot is not None
    found = _find_path(hole.slot, slots)
    if found is None or found[1] < 3:
        last = widths[-1].slot
        if hole.slot is last or len(widths) == 1:
            return hole.argument
        kernel = _write_kernel(_arguments(hole.slot).get("kernel_size"))
        return f"{hole.argument}_{kernel}" if kernel else hole.argument
    path, _ = found
    place = next(i for i, each in enumerate(path) if each is hole.slot)
    later = [_write_kernel(_arguments(each).get("kernel_size")) for each in path[place + 1 :]]
    largest = max((each for each in later if each), default="")
    if any("Pooling" in getattr(each.item, "op", "") for each in path):
        return f"{hole.argument}_pool"
    own = _write_kernel(_arguments(hole.slot).get("kernel_size"))
    if own in ("1x1", "") and largest:
        return f"reduce_{largest}"
    return f"{hole.argument}_{own}" if own else hole.argument


def _write_kernel(value: Any) -> str:
    if isinstance(value, int):
        return f"{value}x{value}"
    if isinstance(value, list) and all(isinstance(each, int) for each in value):
        return "x".join(map(str, value))
    return ""


def name_condition(hole: Hole, slots: Sequence[Slot]) -> str:
    """Name the param that says whether a step is there."""
    if hole.slot is None:
        return "residual"
    item = hole.slot.item
    if isinstance(item, Call):
        return "squeeze" if item.block == "squeeze_excite" else f"with_{item.block}"
    if isinstance(item, Branches):
        return "residual" if item.merge.op == "Add" else f"with_{snake_case(item.merge.op)}"
    if not isinstance(item, Layer):
        return "residual"
    if "Conv" in item.op or item.op == "Dense":
        found = _find_path(hole.slot, slots)
        return "project" if found is not None and _is_projection(hole.slot, found[0]) else "expand"
    for part, word in (("Pooling", "pool"), ("Padding", "pad"), ("Dropout", "drop")):
        if part in item.op:
            return word
    return f"with_{snake_case(item.op)}"


def _is_projection(slot: Slot, path: Sequence[Slot]) -> bool:
    """Return whether a step begins a short branch that is empty elsewhere."""
    return path[0] is slot and any(None in each.found for each in path) and len(path) < 4


ACRONYMS = {
    "Conv2D": "conv",
    "BatchNormalization": "bn",
    "LayerNormalization": "ln",
    "ZeroPadding2D": "pad",
    "DepthwiseConv2D": "depthwise",
    "SeparableConv2D": "separable",
    "MaxPooling2D": "pool",
    "AveragePooling2D": "pool",
    "Conv2DTranspose": "upconv",
    "ReLU": "relu",
}


def name_block(items: Sequence[Item], taken: Sequence[str]) -> str:
    """Return a name for a block, by what it is made of."""
    base = _name_by_content(tuple(items))
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _name_by_content(items: tuple[Item, ...]) -> str:
    layers: list[str] = []
    merges: list[str] = []
    blocks: list[str] = []
    widest = 0
    for sequence in walk_sequences(items):
        for item in sequence:
            if isinstance(item, Layer):
                layers.append(item.op)
            elif isinstance(item, Branches):
                merges.append(item.merge.op)
                widest = max(widest, len(item.paths))
            elif isinstance(item, Call) or hasattr(item, "block"):
                blocks.append(item.block)
    is_gate = "Multiply" in merges and "GlobalAveragePooling2D" in layers and "Add" not in merges
    if is_gate and len(layers) < 9:
        return "squeeze_excite"
    if not merges and len(layers) == len(items) <= 4:
        return "_".join(_abbreviate(item) for item in items if isinstance(item, Layer))
    if "MultiHeadAttention" in layers:
        return "transformer_encoder" if "Dense" in layers else "attention"
    if any("DepthwiseConv" in op for op in layers):
        return "inverted_residual" if layers.count("Conv2D") > 1 or merges else "separable"
    outer = next((item for item in items if isinstance(item, Branches)), None)
    if outer is not None and outer.merge.op == "Add" and len(outer.paths) == 2:
        return "inception_residual" if widest > 2 or "Concatenate" in merges else "residual"
    if outer is not None and outer.merge.op == "Concatenate":
        if any(not path.items for path in outer.paths):
            return "dense_layer"
        return "inception" if widest > 2 else "reduction" if _shrinks(outer) else "parallel"
    if merges:
        return "cell"
    if any("Pooling" in op for op in layers):
        return "downsample"
    if any("UpSampling" in op or "Transpose" in op for op in layers):
        return "upsample"
    if blocks and not layers:
        return f"{blocks[0]}s"
    return (
        "convolutions"
        if layers
        and all("Conv" in op or op in ACRONYMS or op in ("Activation", "ReLU") for op in layers)
        else "block"
    )


def _shrinks(branches: Branches) -> bool:
    """Return whether every branch strides."""
    return all(
        any(
            isinstance(item, Layer) and item.arguments.get("strides", 1) != 1 for item in path.items
        )
        for path in branches.paths
    )


def _abbreviate(layer: Layer) -> str:
    if layer.op == "Activation":
        activation = layer.arguments.get("activation")
        return (
            activation if isinstance(activation, str) and not activation.startswith("=") else "act"
        )
    return ACRONYMS.get(layer.op, snake_case(layer.op))
