"""Define objects that arguments name: initializers, regularizers, constraints, activations, and the
recipe's optimizers, schedules, losses, metrics and callbacks.

In a spec an object is a name, or a name with arguments: `he_normal`, `{TruncatedNormal: {stddev:
0.1}}`. The tables are closed, as that of layers is: a function states the arguments of one Keras
class, each with its type, its sentence and its default, and its body refuses values that do not go
together. Names are Keras's, in CamelCase or snake_case, or one of Keras's short ones (`mse`). The
normal form is the table's name, or {name: {the arguments that differ from the default}}.

    >>> read("initializer", "he_normal")
    'HeNormal'
    >>> read("initializer", {"TruncatedNormal": {"mean": 0, "stddev": 0.1}})
    {'TruncatedNormal': {'stddev': 0.1}}

To add an object, write its function in the file of its kind, and its entry in the table there.
"""

from collections.abc import Mapping
from typing import Any

from archspec.arguments import Contract
from archspec.objects.activations import ACTIVATION_LAYERS, ACTIVATIONS
from archspec.objects.callbacks import CALLBACKS
from archspec.objects.kinds import Kind, Object, named, snake_case, type_of
from archspec.objects.losses import LOSSES
from archspec.objects.metrics import METRICS
from archspec.objects.optimizers import OPTIMIZERS, SCHEDULES
from archspec.objects.weights import CONSTRAINTS, INITIALIZERS, REGULARIZERS

__all__ = [
    "ACTIVATION",
    "ACTIVATION_LAYERS",
    "CONSTRAINT",
    "INITIALIZER",
    "KINDS",
    "REGULARIZER",
    "TABLES",
    "Kind",
    "Object",
    "named",
    "read",
    "snake_case",
]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        INITIALIZERS,
        REGULARIZERS,
        CONSTRAINTS,
        ACTIVATIONS,
        OPTIMIZERS,
        SCHEDULES,
        LOSSES,
        METRICS,
        CALLBACKS,
    )
}
TABLES: dict[str, Mapping[str, Contract]] = {name: kind.table for name, kind in KINDS.items()}

# The types of arguments that hold such an object, or null.
ACTIVATION = type_of(ACTIVATIONS)
CONSTRAINT = type_of(CONSTRAINTS)
INITIALIZER = type_of(INITIALIZERS)
REGULARIZER = type_of(REGULARIZERS)


def read(kind: str, value: Any) -> Any:
    """Return the normal form of an object of a kind. Raises `Refused`; see `Kind.read`."""
    return KINDS[kind].read(value)
