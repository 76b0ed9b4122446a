"""Give the JSON Schema of a spec."""

from __future__ import annotations

import json
from typing import Any


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a spec, for editors and other tools.

    It includes the layers of one's own that are loaded. The function has another name than the
    verb `schema`, because `archspec.schema` is the package with the schema's code.

        >>> import archspec
        >>> archspec.json_schema()["title"]
        'archspec 1'
    """
    from archspec.schema import current_text

    schema: dict[str, Any] = json.loads(current_text())
    return schema
