"""Define the types of arguments, and read the arguments that a function's signature states.

A rule in `layers`, or an entry in `objects`, is a function whose keyword-only, annotated signature
states its arguments once: `filters: A[int, POSITIVE]`. A `Contract` reads that signature; the JSON
Schema, the check of a value, the default and the reference page all come from it.

A `Type` describes its values in words and as JSON Schema, and puts a valid value into the normal
form that rules see.

    >>> size = sizes(rank=2)
    >>> size.words
    'a positive integer or a list of 2'
    >>> size.read(3), size.read([3, 5])
    ((3, 3), (3, 5))
    >>> size.read(0)
    Traceback (most recent call last):
    archspec.errors.Unfit: must be a positive integer or a list of 2, got 0
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property
from math import isfinite
from typing import Any

from msgspec import Struct

from archspec.conforms import Check, make_check
from archspec.errors import AtArgument, Refused, Unfit, did_you_mean, listed

Sizes = tuple[int, ...]
MAX_INTEGER = 2**31 - 1  # what an int32 holds, in which Keras and its backends count
MAX_SEED = 2**32 - 1  # what a uint32 holds, of which their random numbers start
MAX_NUMBER = 3.4028234663852886e38  # what a float32 holds
REQUIRED: Any = inspect.Parameter.empty
OPTION = object()  # in an annotation: the command line has this argument as an option, too


class Type(Struct, frozen=True, eq=False):
    """A type of argument: what a value must be.

    words: "a positive integer": completes the sentence "X must be ...".
    schema: the same as JSON Schema, for a value without formulas.
    normal: valid value -> the form that rules and fingerprints see; may raise `Refused`, or `Unfit`
        with a message such as "must be ...".
    kind: for objects such as initializers, the table of `objects` that says what is valid.
    most: the largest integer, whatever the schema says; numbers end where those of Keras do.
    meant: what a refused word most likely means, as a hint.
    write: normal form -> the value as one writes it in full, with every default.
    """

    words: str
    schema: Mapping[str, Any]
    normal: Callable[[Any], Any] = lambda value: value
    kind: str | None = None
    most: int = MAX_INTEGER
    meant: Callable[[str], str | None] = lambda word: None
    write: Callable[[Any], Any] = lambda value: value

    def read(self, value: Any) -> Any:
        """Return the normal form of `value`. Raises `Refused` if the value is not of this type."""
        if not _check(self)(value):
            hint = self.meant(value) if isinstance(value, str) else None
            message = f"must be {self.words}, got {show(value)}"
            raise Unfit(message, code="argument-value", hint=hint)
        self._bound(value)
        normal = self.normal(value)
        self._bound(normal)  # 1e30 is an integer too
        return normal

    def _bound(self, value: Any) -> None:
        """Refuse a number that Keras could not hold; those in objects are read by themselves."""
        for each in value if isinstance(value, list | tuple) else ():
            self._bound(each)
        if isinstance(value, int) and abs(value) > self.most:
            limit = f"at most {self.most:,}" if value > 0 else f"at least {-self.most:,}"
        elif isinstance(value, float) and abs(value) > MAX_NUMBER:
            limit = "within ±3.4e38, all that a float32 holds"
        else:
            return
        raise Unfit(f"must be {limit}, got {show(value)}", code="argument-value")


@cache
def _check(type_: Type) -> Check:
    return make_check(type_.schema)


class Argument(Struct, frozen=True):
    """One argument of a layer or object, or one key of a record.

    default: REQUIRED where it has none. doc: a sentence about it. option: whether the command line
    has it as an option, too.
    """

    name: str
    type: Type
    default: Any
    doc: str = ""
    option: bool = False


class Contract(Mapping[str, Argument]):
    """The arguments of a layer, an object or a record, by name, as a signature states them.

    function: its keyword-only parameters are annotated `Annotated[int, POSITIVE, "A sentence."]`.
    common: the arguments that it has besides, with all of its kind.

    A spec uses a dozen of the hundreds of layers and objects, and reading a signature takes time,
    so it is read when an argument is first asked for.

    >>> from typing import Annotated
    >>> def dense(x, *, units: Annotated[int, POSITIVE, "Length of the output."]):
    ...     ...
    >>> contract = Contract(dense)
    >>> contract["units"].type.words, contract["units"].doc
    ('a positive integer', 'Length of the output.')
    """

    def __init__(self, function: Callable[..., Any], common: Contract | None = None) -> None:
        self.function = function
        self.common = common

    @cached_property
    def _arguments(self) -> Mapping[str, Argument]:
        return {**read_signature(self.function), **(self.common or {})}

    def __getitem__(self, name: str) -> Argument:
        return self._arguments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def __len__(self) -> int:
        return len(self._arguments)

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise `Refused` for values that do not go together, as the function's body does."""
        shared: Collection[str] = self.common or ()
        self.function(**{name: value for name, value in values.items() if name not in shared})
        if self.common:
            self.common.check({name: values[name] for name in shared})


class Included:
    """Arguments that several functions have and that are stated once.

    A function includes them as `**_: Annotated[Any, Included(...)]`.
    """

    def __init__(self, make: Callable[[], Iterable[Argument]], before: str | None = None) -> None:
        """Keep the function that makes the arguments.

        make: called when the arguments are first asked for. before: the function's own argument
        that Keras has after them; None if there is none.
        """
        self.make = make
        self.before = before


def read_signature(function: Callable[..., Any]) -> dict[str, Argument]:
    """Return the keyword-only arguments of an annotated function, in Keras's order.

    An argument's sentence is the last text of its annotation; `OPTION` marks an option.
    """
    hints = inspect.get_annotations(function, eval_str=True)
    own: list[Argument] = []
    included = Included(tuple)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            type_, *more = hints[name].__metadata__
            doc = next((each for each in reversed(more) if isinstance(each, str)), "")
            own.append(Argument(name, type_, parameter.default, doc, OPTION in more))
        elif parameter.kind is parameter.VAR_KEYWORD:
            (included,) = hints[name].__metadata__
    names = [each.name for each in own]
    place = names.index(included.before) if included.before else len(own)
    every = (*own[:place], *included.make(), *own[place:])
    return {each.name: each for each in every}


def bind(owner: str, arguments: Mapping[str, Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every argument of `owner` in normal form, with defaults filled in.

    owner: the name of the layer or object, for errors. arguments: those that it has. given: the
    values of some of them, as a spec has them.
    Raises `Refused` for an argument that is unknown, missing or of the wrong type.
    """
    for name in given:
        if name not in arguments:
            raise Refused(
                f"{owner} has no argument '{name}'",
                AtArgument(name),
                "unknown-argument",
                did_you_mean(name, arguments),
            )
    bound = {}
    for name, argument in arguments.items():
        if name in given:
            try:
                bound[name] = argument.type.read(given[name])
            except Refused as refused:
                message = refused.message
                if isinstance(refused, Unfit):
                    message = f"{owner} argument '{name}' {message}"
                inside = refused.at.path if isinstance(refused.at, AtArgument) else ()
                at = AtArgument(name, inside)
                raise Refused(message, at, refused.code, refused.hint, refused.notes) from None
        elif argument.default is REQUIRED:
            absent = [
                each.name
                for each in arguments.values()
                if each.default is REQUIRED and each.name not in given
            ]
            message = f"{owner} needs the {listed('argument', absent)}"
            raise Refused(message, None, "missing-argument")
        else:
            bound[name] = argument.default
    return bound


def leave_out_defaults(
    arguments: Mapping[str, Argument], bound: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values, in normal form, that are not the default of their argument."""
    return {name: value for name, value in bound.items() if value != arguments[name].default}


def show(value: Any) -> str:
    """Return a value as its reader would write it in YAML, cut to 60 characters.

    >>> show({"padding": "same", "strides": (2, 2), "use_bias": False})
    "{padding: 'same', strides: [2, 2], use_bias: false}"
    """
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = f"'{value}'"
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}: {show(each)}" for key, each in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(map(show, value)) + "]"
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


# --- scalars -----------------------------------------------------------------------------------


def integer(words: str, **bounds: int) -> Type:
    """Return the type of an integer. bounds: of JSON Schema, such as `minimum`."""
    return Type(words, {"type": "integer", **bounds}, int)


def number(words: str, **bounds: float) -> Type:
    """Return the type of a finite number. bounds: of JSON Schema, such as `minimum`."""

    def normal(value: Any) -> float:
        if not isfinite(value):
            raise Unfit(f"must be {words}, got {show(value)}", code="argument-value")
        return float(value)

    return Type(words, {"type": "number", **bounds}, normal)


def choice(*values: Any) -> Type:
    """Return the type of one of a few words (or null, true, false)."""
    words = " or ".join([", ".join(map(show, values[:-1])), show(values[-1])][len(values) < 2 :])
    return Type(words, {"enum": list(values)})


def optional(type_: Type) -> Type:
    """Return the type of a value of `type_`, or null."""

    def normal(value: Any) -> Any:
        return None if value is None else type_.normal(value)

    schema = {"anyOf": [type_.schema, {"type": "null"}]}
    words = f"{type_.words}{',' * (' or ' in type_.words)} or null"
    return Type(words, schema, normal, type_.kind, type_.most)


BOOLEAN = Type("true or false", {"type": "boolean"})
INTEGER = integer("an integer")
POSITIVE = integer("a positive integer", minimum=1)
COUNT = integer("an integer of at least 0", minimum=0)
NUMBER = number("a number")
POSITIVE_NUMBER = number("a number greater than 0", exclusiveMinimum=0)
NON_NEGATIVE = number("a number of at least 0", minimum=0)
UNIT_INTERVAL = number("a number from 0 to 1", minimum=0, maximum=1)
TEXT = Type("text", {"type": "string"})
RUN_SEED = Type(
    f"an integer from 0 to {MAX_SEED:,}",
    {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
    int,
    most=MAX_SEED,
)
SEED = optional(RUN_SEED)
DATA_FORMAT = Type(
    "'channels_last' or 'channels_first'",
    {"enum": ["channels_last", "channels_first", None]},
    lambda value: value or "channels_last",
)
DTYPE = choice(None, "float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")

# --- tuples ------------------------------------------------------------------------------------


def sizes(rank: int, minimum: int = 1) -> Type:
    """Return the type of one integer for all spatial axes, or a list with one for each."""
    bound = {"type": "integer", "minimum": minimum}
    what = "a positive integer" if minimum == 1 else f"an integer of at least {minimum}"

    def normal(value: Any) -> Sizes:
        return tuple(map(int, value)) if isinstance(value, list | tuple) else (int(value),) * rank

    items = {"type": "array", "items": bound, "minItems": rank, "maxItems": rank}
    words = what if rank == 1 else f"{what} or a list of {rank}"
    return Type(words, {"anyOf": [bound, items]}, normal)


def margins(rank: int) -> Type:
    """Return the type of rows to pad or crop.

    A value is one integer, a list with one for each axis, or [before, after] for each axis.
    """
    bound = {"type": "integer", "minimum": 0}
    pair = {"type": "array", "items": bound, "minItems": 2, "maxItems": 2}
    if rank == 1:
        schema: dict[str, Any] = {"anyOf": [bound, pair]}
        words = "an integer of at least 0 or [before, after]"
    else:
        axis = {"anyOf": [bound, pair]}
        axes = {"type": "array", "items": axis, "minItems": rank, "maxItems": rank}
        schema = {"anyOf": [bound, axes]}
        words = f"an integer of at least 0, or a list of {rank} of them or of [before, after]"

    def both(value: Any) -> tuple[int, int]:
        first, second = value if isinstance(value, list | tuple) else (value, value)
        return int(first), int(second)

    def normal(value: Any) -> Any:  # as Keras takes it: without the outer list when rank is 1
        if rank == 1:
            return both(value)
        return tuple(map(both, value if isinstance(value, list | tuple) else (value,) * rank))

    return Type(words, schema, normal)


def interval(words: str) -> Type:
    """Return the type of [low, high], where low must be below high."""

    def normal(value: Any) -> tuple[float, float]:
        low, high = map(NUMBER.normal, value)
        if not low < high:
            raise Unfit(f"must be {words}, got {show(value)}", code="argument-value")
        return low, high

    items = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    return Type(words, items, normal)


def listing(item: Type, words: str, minimum: int = 0) -> Type:
    """Return the type of a list whose items are all of one type."""
    schema = {"type": "array", "items": item.schema, "minItems": minimum}
    return Type(words, schema, lambda value: tuple(map(item.normal, value)))


AXES = Type(
    "an integer or a list of integers",
    {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
    lambda value: tuple(map(int, value)) if isinstance(value, list | tuple) else int(value),
)
NUMBERS = Type(
    "a number or a list of numbers",
    {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]},
    lambda value: (
        tuple(map(NUMBER.normal, value))
        if isinstance(value, list | tuple)
        else NUMBER.normal(value)
    ),
)
