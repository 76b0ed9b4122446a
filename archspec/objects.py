"""Objects that arguments name: initializers, regularizers, constraints, activations, and the
recipe's optimizers, schedules, losses, metrics and callbacks.

In a spec an object is a name, or a name with arguments: `he_normal`, `{TruncatedNormal: {stddev:
0.1}}`. The tables here are closed, as that of layers is: a function without a body states the
arguments of one Keras class, and its names are Keras's, in CamelCase or snake_case.
The normal form is Keras's class name, or (class name, arguments that differ from the default).
"""

from collections.abc import Callable, Mapping
from typing import Any

from archspec.arguments import (
    A,
    NON_NEGATIVE,
    NUMBER,
    POSITIVE_NUMBER,
    SEED,
    Argument,
    Type,
    bind,
    contract,
)
from archspec.errors import Refused, did_you_mean

Table = Mapping[str, Mapping[str, Argument]]


# --- initializers --------------------------------------------------------------------------------


def seeded(*, seed: A[int | None, SEED] = None) -> None: ...


def normal(
    *,
    mean: A[float, NUMBER] = 0.0,
    stddev: A[float, NON_NEGATIVE] = 0.05,
    seed: A[int | None, SEED] = None,
) -> None: ...


def uniform(
    *,
    minval: A[float, NUMBER] = -0.05,
    maxval: A[float, NUMBER] = 0.05,
    seed: A[int | None, SEED] = None,
) -> None: ...


def constant(*, value: A[float, NUMBER] = 0.0) -> None: ...


def nothing() -> None: ...


INITIALIZERS = {
    "Constant": contract(constant),
    "GlorotNormal": contract(seeded),
    "GlorotUniform": contract(seeded),
    "HeNormal": contract(seeded),
    "HeUniform": contract(seeded),
    "LecunNormal": contract(seeded),
    "LecunUniform": contract(seeded),
    "Ones": contract(nothing),
    "RandomNormal": contract(normal),
    "RandomUniform": contract(uniform),
    "TruncatedNormal": contract(normal),
    "Zeros": contract(nothing),
}

# --- regularizers and constraints ----------------------------------------------------------------


def l1(*, l1: A[float, NON_NEGATIVE] = 0.01) -> None: ...


def l2(*, l2: A[float, NON_NEGATIVE] = 0.01) -> None: ...


REGULARIZERS = {"L1": contract(l1), "L2": contract(l2)}


def max_norm(*, max_value: A[float, POSITIVE_NUMBER] = 2.0) -> None: ...


CONSTRAINTS = {"MaxNorm": contract(max_norm), "NonNeg": contract(nothing)}

# --- activations ---------------------------------------------------------------------------------

ACTIVATIONS: Table = {
    "linear": contract(nothing),
    "relu": contract(nothing),
    "sigmoid": contract(nothing),
    "softmax": contract(nothing),
    "tanh": contract(nothing),
}

# --- kinds ---------------------------------------------------------------------------------------

TABLES: dict[str, Table] = {
    "initializer": INITIALIZERS,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
    "activation": ACTIVATIONS,
}


def canonical(kind: str, name: str) -> str | None:
    """The table's spelling of a name (`he_normal` is `HeNormal`), or None if it has no such entry."""
    return _spellings(kind).get(name.replace("_", "").casefold())


def _spellings(kind: str) -> dict[str, str]:
    return {name.replace("_", "").casefold(): name for name in TABLES[kind]}


def read(kind: str, value: Any) -> Any:
    """The normal form of an object: its name, or {name: the arguments that are not the default}.

    Raises `Refused` for a name or an argument that the table lacks.
    """
    if value is None:
        return None
    given: Mapping[str, Any] = {}
    if isinstance(value, Mapping) and len(value) == 1:
        ((value, given),) = value.items()
        if given is not None and not isinstance(given, Mapping):  # a scalar is the first argument
            first = next(iter(TABLES[kind].get(canonical(kind, str(value)) or "", ())), None)
            given = {first: given} if first else {"": given}
    name = canonical(kind, value) if isinstance(value, str) else None
    if name is None:
        hint = did_you_mean(value, TABLES[kind]) if isinstance(value, str) else None
        raise Refused(f"must be {WORDS[kind]}, got {value!r}", code="unknown-object", hint=hint)
    arguments = TABLES[kind][name]
    bound = bind(name, arguments, given or {})
    differing = {key: each for key, each in bound.items() if each != arguments[key].default}
    if name == "linear":
        return None
    return {name: differing} if differing else name


WORDS = {
    "initializer": "an initializer",
    "regularizer": "a regularizer",
    "constraint": "a constraint",
    "activation": "an activation",
}


def kind(name: str) -> Type:
    """The type of an argument that holds such an object, or null."""
    return Type(f"{WORDS[name]} or null", {}, lambda value: read(name, value), name)


ACTIVATION = kind("activation")
CONSTRAINT = kind("constraint")
INITIALIZER = kind("initializer")
REGULARIZER = kind("regularizer")
