"""Draw names in Matplotlib's pictures as they are written, or report missing letters."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import matplotlib

MISSING = re.compile(r"Glyph (\d+) .*missing from")
SHOWN = 9  # letters that a warning names

P = ParamSpec("P")


def as_written(draw: Callable[P, None]) -> Callable[P, None]:
    """Make a function that draws with Matplotlib draw names letter by letter.

    A `$` in the name of a class begins no formula, which could be a broken one. For letters that
    the font lacks there is one warning, which says what to do, instead of Matplotlib's for each.

        @as_written
        def draw_curves(rows, path): ...
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        with (
            matplotlib.rc_context({"text.parse_math": False}),
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            draw(*args, **kwargs)
        missing = []
        for each in caught:
            if found := MISSING.match(str(each.message)):
                missing.append(chr(int(found[1])))
            else:
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        if missing:
            letters = [letter for letter in dict.fromkeys(missing) if letter.isprintable()]
            which = f": {''.join(letters[:SHOWN])}" if letters else ""
            warnings.warn(
                "pictures have empty boxes for letters that Matplotlib's font lacks"
                f"{which}; name a font that has them as `font.family` in a matplotlibrc",
                stacklevel=2,
            )

    return drawn
