"""Define Identity and Masking."""

from __future__ import annotations

from typing import Annotated as A

from archspec.arguments import NUMBER
from archspec.graph import Facts, Shape
from archspec.layers import masks
from archspec.layers.layer import entry
from archspec.layers.traits import Traits


def identity(x: Shape) -> Facts:
    """The layer gives a value a name, or takes the place of a layer that a variant of the network
    has.

    Shape: that of the input.
    """
    return Facts(x)


def masking(
    x: Shape,
    *,
    mask_value: A[float, NUMBER, "Value that all features of a skipped step have."] = 0.0,
) -> Facts:
    """The layer marks the steps whose features are all mask_value, and sets these features to 0.
    Attention, and other layers that know masks, skip such steps.

    Shape: that of the input.
    """
    return Facts(x)


# fmt: off
FAMILY = (
    entry("Identity", identity,
          Traits(gradient_needs="nothing", passes_values=True, mask=masks.carry),
          "Hand the input on.",
          "", (56, 56, 64)),
    entry("Masking", masking, Traits(gradient_needs="nothing", mask=masks.make),
          "Have later layers skip steps that hold one value only.",
          "{mask_value: 0}", (80, 16)),
)
# fmt: on
