"""Name params, blocks, stages and branches as a person would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Item,
    LayerItem,
    MarkedRun,
    is_concatenation,
    is_sum,
)
from archspec.folding.values import make_unique
from archspec.layers.table import traits_of
from archspec.objects.kinds import snake_case

if TYPE_CHECKING:
    from archspec.folding.alignment import Slot
    from archspec.folding.holes import Hole

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
        shape = _arguments(hole.slot).get(hole.argument) if hole.slot is not None else None
        last = isinstance(shape, list) and hole.index == (len(shape) - 1,)
        return "filters" if last else "size"
    if hole.argument == "rate" and hole.slot is not None:
        samples = getattr(hole.slot.item, "block", "") == "stochastic_depth"
        return "drop_path" if samples or "noise_shape" in _arguments(hole.slot) else "dropout"
    return hole.argument


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
        pairs = zip(hole.values, widths[-1].values, strict=True)
        if all(_is_larger(one, other) for one, other in pairs):
            return "expanded"
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


def _is_larger(one: Any, other: Any) -> bool:
    known = isinstance(one, int) and isinstance(other, int)
    return not known or one > other


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
    if isinstance(item, CallItem):
        return "squeeze" if item.block == "squeeze_excite" else f"with_{item.block}"
    if isinstance(item, BranchesItem):
        return "residual" if is_sum(item.merge.op) else f"with_{snake_case(item.merge.op)}"
    if not isinstance(item, LayerItem):
        return "residual"
    if traits_of(item.op).kind in ("convolution", "dense"):
        found = _find_path(hole.slot, slots)
        return "project" if found is not None and _is_projection(hole.slot, found[0]) else "expand"
    for part, word in (("Pooling", "pool"), ("Padding", "pad"), ("Drop", "drop")):
        if part in item.op:
            return word
    return f"with_{abbreviate(item)}"


def _is_projection(slot: Slot, path: Sequence[Slot]) -> bool:
    """Return whether a step begins a short branch that is empty elsewhere."""
    return path[0] is slot and any(None in each.found for each in path) and len(path) < 4


SHORTER = {"max_pooling": "pool", "average_pooling": "pool", "zero_padding": "pad"}


def name_block(items: Sequence[Item], taken: Sequence[str], inputs: int = 1) -> str:
    """Return a name for a block, by what it is made of. inputs: how many it has."""
    base = _name_by_content(tuple(items)) if inputs == 1 else _name_cell(tuple(items))
    return make_unique(base, taken)


def _name_cell(items: tuple[Item, ...]) -> str:
    """Return a name for a block of several inputs."""
    layers = [item for item in _walk(items) if isinstance(item, LayerItem)]
    if any(traits_of(layer.op).kind == "attention" for layer in layers):
        return "transformer_decoder"
    strides = any(layer.arguments.get("strides", 1) != 1 for layer in layers)
    return "reduction_cell" if strides else "cell"


def _name_by_content(items: tuple[Item, ...]) -> str:
    layers = [item for item in _walk(items) if isinstance(item, LayerItem)]
    branches = [item for item in _walk(items) if isinstance(item, BranchesItem)]
    blocks = [item.block for item in _walk(items) if isinstance(item, CallItem | MarkedRun)]
    kinds = [traits_of(layer.op).kind for layer in layers]
    merges = [item.merge.op for item in branches]
    gates = any(traits_of(op).scales for op in merges)
    if gates and "pooling" in kinds and len(layers) < 9 and not any(map(is_sum, merges)):
        return "squeeze_excite"
    if not branches and len(layers) == len(items) <= 4:
        return "_".join(map(abbreviate, layers))
    if "attention" in kinds:
        return "transformer_encoder" if "dense" in kinds else "attention"
    adds = not branches or any(map(is_sum, merges))
    if any("Depthwise" in layer.op for layer in layers) and adds:
        return "inverted_residual" if kinds.count("convolution") > 2 or branches else "separable"
    if branches:
        return _name_by_branches(items, branches)
    if "pooling" in kinds:
        return "downsample"
    if any("UpSampling" in layer.op or "Transpose" in layer.op for layer in layers):
        return "upsample"
    if blocks and not layers:
        return f"{blocks[0]}s"
    return "convolutions" if "convolution" in kinds else "block"


def _name_by_branches(items: tuple[Item, ...], branches: Sequence[BranchesItem]) -> str:
    outer = branches[0]
    widest = max(len(item.paths) for item in branches)
    if is_sum(outer.merge.op) and len(outer.paths) == 2:
        kinds = {traits_of(item.op).kind for item in _walk(items) if isinstance(item, LayerItem)}
        if "dense" in kinds and "convolution" not in kinds:
            return "feed_forward"
        joined = any(is_concatenation(item.merge.op) for item in branches)
        return "inception_residual" if widest > 2 or joined else "residual"
    if is_concatenation(outer.merge.op):
        if any(not path.items for path in outer.paths):
            return "dense_layer"
        return "inception" if widest > 2 else "reduction" if _shrinks(outer) else "parallel"
    return "cell"


def _walk(items: tuple[Item, ...]) -> Iterator[Item]:
    """Yield items and those in their branches, but not those of other blocks."""
    for item in items:
        yield item
        if isinstance(item, BranchesItem):
            for path in item.paths:
                yield from _walk(path.items)


def _shrinks(branches: BranchesItem) -> bool:
    """Return whether every branch strides."""
    return all(
        any(getattr(item, "arguments", {}).get("strides", 1) != 1 for item in path.items)
        for path in branches.paths
    )


def abbreviate(layer: LayerItem) -> str:
    """Return what a block's name calls a layer: `conv`, `bn`, or an activation by its own name."""
    given = layer.arguments.get("activation")
    traits = traits_of(layer.op)
    if traits.kind == "activation" and list(layer.arguments) == ["activation"]:
        return given if isinstance(given, str) and not given.startswith("=") else "act"
    if traits.title is not None and traits.title.isalpha() and traits.title.isascii():
        return traits.title.lower()
    name = re.sub("_?[123]_?d", "", snake_case(layer.op))
    return SHORTER.get(name, name)
