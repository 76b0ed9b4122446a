"""How a graph shows itself: functions that are registered by a module above graph.py.

A graph has a picture in a notebook and prints its table, but the modules that draw and tabulate
import graph.py, so that it cannot import them. `archspec/__init__.py` registers both.
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
    """Return the text that the registered function makes of a graph, its first argument."""
    return _VIEWS[kind](*arguments)
