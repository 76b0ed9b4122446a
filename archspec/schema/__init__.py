"""Make the JSON Schema of a spec from the tables of layers and objects, and write its errors.

    define_steps, define_values, define_words       what is legal
    validation    every error of a document         validator      its check by JSON Schema
    yaml_traps    what YAML reads differently       unknown_words, wrong_values, remedies

One schema (draft 2020-12) covers the three kinds of file: a network, a derived network and a block
library. Which part of it applies is decided by a key, never by trying alternatives, so an error
names the one key that is wrong. What a schema cannot express (names, shapes, formulas) is checked
later.

It has two readers. Our own messages read `$comment`, which completes the sentence "... must be ..."
for a value, and `x-archspec`, which says what the part is where its errors need more than that:
{is: arguments, of: Conv2D}. Editors show `description` and `title`, and offer as values the types,
`enum` and `anyOf` of a property itself, but not what is under `if`: so the property itself lists
the kinds of value, and `then` describes what is in a mapping. Editors insert a `default`; null and
lists, which they would lay out badly, are only in the description.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from archspec.layers import Layer, list_own
from archspec.schema.define_steps import define_steps
from archspec.schema.define_values import A_FORMULA, define_mapping, define_objects, label
from archspec.schema.define_words import define_recipe, define_words

__all__ = ["current_text", "make_schema", "make_text", "read_shipped"]

SHIPPED = Path(__file__).parent.with_suffix(".json")
URL = "https://json-schema.org/draft/2020-12/schema"
NEITHER = {"errorMessage": "A network has layers, a derived one extends, a library has blocks."}


def make_schema() -> dict[str, Any]:
    """Return the JSON Schema of every file that archspec reads, with the layers of one's own."""
    return _make_schema(list_own())


@cache
def _make_schema(own: tuple[Layer, ...]) -> dict[str, Any]:
    """Return the schema as long as the table of layers has these of one's own."""
    return {
        "$schema": URL,
        "title": "archspec 1",
        "description": "A network as a graph of layers: the spec language of archspec.",
        **define_mapping(
            define_words(),
            "a mapping",
            "file",
            allOf=[{"required": ["archspec"], **label("a mapping with a version", "version")}],
            anyOf=[{"required": [word], **NEITHER} for word in ("layers", "extends", "blocks")],
        ),
        "$defs": {"formula": A_FORMULA, **define_recipe(), **define_steps(), **define_objects()},
    }


def make_text() -> str:
    """Return the schema as text, which editors read, made from the tables."""
    return json.dumps(make_schema(), separators=(",", ":"), ensure_ascii=False) + "\n"


def current_text() -> str:
    """Return the schema as text: the shipped one, unless there are layers of one's own."""
    return make_text() if list_own() else read_shipped()


def read_shipped() -> str:
    """Return the text of `archspec/schema.json`; reading it is quicker than making it."""
    return SHIPPED.read_text(encoding="utf-8")
