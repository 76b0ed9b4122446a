"""Export the one table of layers: under Keras's name, a layer's arguments and the rule of its
facts.

A rule takes the shapes of its inputs (batch axis first, as None) and the layer's arguments in
normal form, and returns `Facts` or raises `Refused` for what Keras refuses too. Its keyword-only
signature is the layer's contract: each argument with its type, a sentence and Keras's default. Its
docstring says how the layer works: a paragraph, and the fields of `Formulas`. Rules of several
ranks are made by functions of rank. The `Traits` of its entry say
what a layer is like, for memory, pictures and recipes.

A family of layers is a file. To add a layer, write its rule there, or take one that fits, add an
entry to the `FAMILY` at the end of the file, and a case to tests/layer_cases.py. Nothing outside
the table is known; `archspec.own_layers` adds the layers of a file that the user names.

    >>> from archspec.arguments import bind
    >>> conv = LAYERS["Conv2D"]
    >>> arguments = bind("Conv2D", conv.arguments, {"filters": 8, "kernel_size": 3})
    >>> conv.facts([(None, 28, 28, 1)], arguments).shape
    (None, 26, 26, 8)

MACs are counted in convolutions, dense layers, EinsumDense and attention products; other layers
count 0. A weight is named as Keras names its variable, `query/kernel` inside a sublayer.
"""

from archspec.layers.layer import COMMON, Layer
from archspec.layers.table import (
    ALIASES,
    FAMILIES,
    LACKING,
    LAYERS,
    REFUSED,
    find_activation,
    list_own,
    name_activation,
    traits_of,
)
from archspec.layers.traits import KINDS, Kind, Traits

__all__ = [
    "ALIASES",
    "COMMON",
    "FAMILIES",
    "KINDS",
    "LACKING",
    "LAYERS",
    "REFUSED",
    "Kind",
    "Layer",
    "Traits",
    "find_activation",
    "list_own",
    "name_activation",
    "traits_of",
]
