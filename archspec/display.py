"""Show a graph as a picture or a table, by functions that are registered here.

A graph shows its picture in a notebook and prints its table. graph.py cannot import the modules
that make them, because they import graph.py: so `archspec/__init__.py` registers both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Show = Callable[..., str]

_VIEWS: dict[str, Show] = {}


def register(kind: Literal["picture", "table"]) -> Callable[[Show], Show]:
    """Return a decorator that registers a function as the view of that kind."""

    def keep(function: Show) -> Show:
        _VIEWS[kind] = function
        return function

    return keep


def show_as(kind: Literal["picture", "table"], *arguments: Any) -> str:
    """Return the text that the registered function makes of its arguments, the graph first."""
    return _VIEWS[kind](*arguments)


# What a table is written as: the name of the format, and the style of the tabulate library.
TABLE_STYLES = {"text": "simple", "markdown": "github"}
