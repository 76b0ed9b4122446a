"""Write the recipe of a network at the end of its spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.syntax.layout import lay_out


def add_recipe(text: str, recipe: Mapping[str, Any]) -> str:
    """Return a spec with a recipe at its end; as it is if there is none."""
    return f"{text}\n{lay_out({'train': _to_plain(recipe)})}" if recipe else text


def _to_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _to_plain(each) for key, each in value.items()}
    return [_to_plain(each) for each in value] if isinstance(value, list | tuple) else value
