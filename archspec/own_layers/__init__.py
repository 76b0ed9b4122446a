"""Export what a file of the user's own layers needs; docs/own_layers.md shows one.

The file is written as those of `archspec/layers`: a rule for each layer, whose annotated signature
is the layer's contract, and a `FAMILY` of entries. An entry has a function besides, that makes the
layer's Keras class and imports Keras itself: so the file needs no Keras until a model is built.

`files` reads such a file and puts its layers into the table.
"""

from archspec.arguments import (
    AXES,
    BOOLEAN,
    COUNT,
    INTEGER,
    NON_NEGATIVE,
    NUMBER,
    NUMBERS,
    POSITIVE,
    POSITIVE_NUMBER,
    TEXT,
    UNIT_INTERVAL,
    Sizes,
    choice,
    integer,
    listing,
    number,
    optional,
    sizes,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import TRAINING, entry
from archspec.layers.shapes import (
    Axes,
    find_axes,
    find_axis,
    join_channels,
    multiply,
    require_channels,
    require_length_on,
    slide,
    split_channels,
)
from archspec.layers.shared import DataFormat, Seed, UseBias
from archspec.layers.traits import Traits
from archspec.layers.weights import weights
from archspec.objects import ACTIVATION, CONSTRAINT, INITIALIZER, REGULARIZER

__all__ = [
    "ACTIVATION",
    "AXES",
    "BOOLEAN",
    "CONSTRAINT",
    "COUNT",
    "INITIALIZER",
    "INTEGER",
    "NON_NEGATIVE",
    "NUMBER",
    "NUMBERS",
    "POSITIVE",
    "POSITIVE_NUMBER",
    "REGULARIZER",
    "TEXT",
    "TRAINING",
    "UNIT_INTERVAL",
    "AtArgument",
    "Axes",
    "DataFormat",
    "Facts",
    "Refused",
    "Seed",
    "Shape",
    "Sizes",
    "Traits",
    "UseBias",
    "choice",
    "entry",
    "find_axes",
    "find_axis",
    "integer",
    "join_channels",
    "listing",
    "multiply",
    "number",
    "optional",
    "require_channels",
    "require_length_on",
    "sizes",
    "slide",
    "split_channels",
    "weights",
]
