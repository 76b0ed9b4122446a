"""Find pixels that are scaled twice: by the recipe, and by a layer at the input."""

from __future__ import annotations

from archspec.graph import Graph, Node
from archspec.layers import traits_of
from archspec.objects import Object, named

TINY = 1 / 20  # a range of pixels in which a network sees next to nothing
SCALED_TWICE = "write `data: {scale: [0, 255]}` under `train`, or leave this layer out"


def find_scaled_twice(
    graph: Graph, scale: tuple[float, float] | None, augment: tuple[Object, ...]
) -> tuple[Node, str] | None:
    """Return the layer that scales pixels which the recipe has scaled before, and what is wrong.

    So it seems if the layers of constants at the input bring the range of `train.data.scale` to
    next to nothing.
    """
    changed = any(traits_of(named(each)[0]).changes_range for each in augment)
    if scale is None or changed or len(graph.inputs) != 1:
        return None
    name, size = graph.inputs[0], scale[1] - scale[0]
    first: Node | None = None
    while True:
        after = [node for node in graph if name in node.inputs]
        traits = traits_of(after[0].op)
        if len(after) > 1 or not (traits.factor or traits.passes_values):
            break
        name = after[0].name
        if traits.factor is not None:
            size *= traits.factor(after[0].arguments)
            first = first or after[0]
        if name in graph.outputs:
            break
    if first is None or not 0 < size < TINY:
        return None
    low, high = (f"{each:g}" for each in scale)
    return first, (
        f"'{first.name}' scales pixels that `train.data.scale` has brought to {low} to {high} "
        f"already: what is left is a range of {size:.2g}"
    )
