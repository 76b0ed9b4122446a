"""Validate a document by the schema: quickly, and with one `Fault` for each error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.arguments import Argument
from archspec.conforms import Check, make_check
from archspec.layers import LAYERS, Layer, list_own
from archspec.objects import TABLES
from archspec.schema import make_schema, read_shipped
from archspec.schema.check_result import Notes, Path
from archspec.schema.define_values import ROLE
from archspec.syntax.source import Value


def quick_check() -> Check:
    """Return a function that says whether a file is valid, and nothing more."""
    return _quick_check(list_own())


@cache
def _quick_check(own: tuple[Layer, ...]) -> Check:
    return make_check(make_schema() if own else json.loads(read_shipped()))


def validator() -> Any:
    """Return the validator of jsonschema, which also finds out what is wrong."""
    return _validator(list_own())


@cache
def _validator(own: tuple[Layer, ...]) -> Any:
    import jsonschema  # slow to import, so only if something is wrong

    # `propertyNames` is for editors: yaml_traps reports the keys beside a layer, in words.
    extend: Any = jsonschema.validators.extend
    return extend(jsonschema.Draft202012Validator, {"propertyNames": lambda *_: ()})(make_schema())


def editor_validator() -> Any:
    """Return a validator of jsonschema that takes all of the schema, as one in an editor does."""
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(read_shipped()))


class Fault(Struct, frozen=True):
    """One error of the validator, and the value that it refuses.

    notes: where the value came in by aliases. root: the whole file.
    """

    error: Any
    path: Path
    value: Value
    notes: Notes
    root: Value

    @property
    def keyword(self) -> str:
        """The word of JSON Schema that the value breaks, such as `required`."""
        return str(self.error.validator)

    @property
    def wanted(self) -> Mapping[str, Any]:
        """The part of the schema that the value does not fit."""
        return self.error.schema  # type: ignore[no-any-return]

    @property
    def words(self) -> str:
        """The words for what the value must be, such as "a positive integer"."""
        return str(self.wanted["$comment"])

    @property
    def role(self) -> str:
        """The role of this part of the schema, such as "arguments"; "" if it has none."""
        return str(self.wanted.get(ROLE, {}).get("is", ""))

    @property
    def owner(self) -> str:
        """The layer whose arguments these are, or the kind of object: "Conv2D", "optimizer"."""
        return str(self.wanted[ROLE]["of"])

    @property
    def known_keys(self) -> list[str]:
        """The keys that the mapping may have."""
        return list(self.wanted.get("properties", {}))

    @property
    def text(self) -> str:
        """The value without space around it if it is a text; "" otherwise."""
        return self.value.data.strip() if isinstance(self.value.data, str) else ""

    @property
    def is_of(self) -> bool:
        """Whether the value is what an edit names under `of`."""
        return self.path[0] == "edit" and self.path[2:] == ["of"]

    def unknown_keys(self) -> Iterator[str]:
        """Yield the keys that the mapping may not have."""
        patterns = [re.compile(each) for each in self.wanted.get("patternProperties", {})]
        known = self.known_keys
        for key in self.value.data:
            if key not in known and not any(each.search(key) for each in patterns):
                yield key

    def takes(self, value: Any) -> bool:
        """Return whether another value would be valid here."""
        return bool(validator().evolve(schema=self.wanted).is_valid(value))

    def item(self) -> Fault | None:
        """Return the fault of the one item that is to blame in a list, or None."""
        if not isinstance(self.value.data, tuple):
            return None
        inner = {each.relative_path[0]: each for each in self.error.context if each.relative_path}
        if len(inner) != 1:
            return None
        ((number, error),) = inner.items()
        return replace(self, error=error, value=self.value.data[number])


# --- what messages call a value ------------------------------------------------------------------


def name_subject(path: Path) -> str:
    """Return the name of the value at a path, for messages.

    >>> name_subject(["layers", 0, "Dense", "units"])
    "Dense argument 'units'"
    >>> name_subject(["train", "epochs"])
    '`train.epochs`'
    """
    if argument := name_argument(path):
        return argument
    words = [part for part in path if isinstance(part, str)]
    return f"`{'.'.join(words)}`" if words[0] in ("train", "require") else f"`{words[-1]}`"


def name_argument(path: Path) -> str | None:
    """Return the name of an argument of a layer or an object, for messages; None for other values.

    `Dense: wide` gives the first argument of `Dense`.
    """
    words = [part for part in path if isinstance(part, str)]
    # A block or an output may have the name of an object.
    if len(words) < 4 and (
        path[0] == "blocks" or path[:2] in (["train", "loss"], ["train", "metrics"])
    ):
        return None
    last, owner = words[-1], words[-2] if len(words) > 1 else ""
    if isinstance(path[-1], str) and (arguments := list_arguments(last)):
        return f"{last} argument '{arguments[0]}'"
    return f"{owner} argument '{last}'" if owner and last in list_arguments(owner) else None


def list_arguments(owner: str) -> list[str]:
    """Return the names of the arguments of a layer or an object; none for other words."""
    return list(find_arguments(owner))


def find_arguments(owner: str) -> Mapping[str, Argument]:
    """Return the arguments of a layer or an object; none for other words."""
    if owner in LAYERS:
        return LAYERS[owner].arguments
    return next((table[owner] for table in TABLES.values() if owner in table), {})
