"""The JSON Schema of a spec, generated from the tables.

One schema (draft 2020-12) covers the three kinds of file: a network, a derived network and a block
library. Dispatch is by key, never by trying alternatives, so an error names the one key that is
wrong. What a schema cannot say (names, shapes, formulas) the later stages say.

Two readers have it. Our own messages read `$comment`, which completes the sentence "... must be
..." for the value it stands at, and `x-archspec`, which says what the part is where its errors say
more than that: {is: arguments, of: Conv2D}. Editors show `description` and `title`, and offer as
values what stands at the surface of a property, its types, `enum` and `anyOf`, but not what is
under `if`: so the surface says what kinds of value there are, and `then` what is in a mapping. A
`default` is what an editor inserts; null and lists, which it would lay out badly, stand in the
description alone.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from archspec.schema.steps import define_steps
from archspec.schema.values import A_FORMULA, define_mapping, define_objects, label
from archspec.schema.words import define_recipe, define_words

__all__ = ["schema", "shipped", "text"]

SHIPPED = Path(__file__).parent.with_suffix(".json")
URL = "https://json-schema.org/draft/2020-12/schema"
NEITHER = {"errorMessage": "A network has layers, a derived one extends, a library has blocks."}


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of every file that archspec reads."""
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


def text() -> str:
    """Return the text for `archspec/schema.json`, which editors read, made from the tables."""
    return json.dumps(schema(), separators=(",", ":"), ensure_ascii=False) + "\n"


def shipped() -> str:
    """Return the text of the file: reading it is quicker than making it."""
    return SHIPPED.read_text(encoding="utf-8")
