"""Define the options of pictures, which several verbs have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from archspec.cli.options import WholeNumber

# Those of archspec.pictures.style, which a verb loads only when it draws.
THEMES = ("light", "dark", "print")
DIRECTIONS = ("TB", "LR")
Verb = TypeVar("Verb", bound=Callable[..., Any])

OPTIONS: Sequence[Callable[[Any], Any]] = [
    click.option("--no-fold", is_flag=True, help="Draw every repetition of a block."),
    click.option("--theme", type=click.Choice(THEMES), default="light", show_default=True),
    click.option(
        "--direction",
        type=click.Choice(DIRECTIONS),
        default="TB",
        help="Top to bottom (the default), or left to right.",
    ),
    click.option("--dpi", type=WholeNumber(36, 1200), help="Pixels of an inch of a .png."),
]


def picture_options(verb: Verb) -> Verb:
    """Add the options of a picture to a verb."""
    for option in reversed(OPTIONS):
        verb = option(verb)
    return verb
