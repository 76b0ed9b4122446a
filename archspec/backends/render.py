"""DOT text drawn as SVG, PNG or PDF, by the Graphviz that pygraphviz's wheel carries."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from archspec.backends.dot import to_dot
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.writing import writing

FORMATS = (".svg", ".png", ".pdf", ".dot")


def render(dot: str, path: Path) -> None:
    """Draw DOT text to a file, in the format that its suffix names. The file appears whole."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UserError(
            f"cannot draw '{path}': its suffix must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
            hint=f"write '{path.with_suffix(FORMATS[0])}'",
        )
    with writing(path) as temporary:
        if suffix == ".dot":
            temporary.write_text(dot, encoding="utf-8")
        else:
            _lay_out(dot, temporary, suffix[1:])


def to_svg(graph: Graph) -> str:
    """The picture as an SVG element, for a page or a notebook."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.svg"
        _lay_out(to_dot(graph), path, "svg")
        text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def _lay_out(dot: str, path: Path, form: str) -> None:
    import pygraphviz  # loads Graphviz's libraries: 30 ms

    resolution = "-Gdpi=150" if form == "png" else ""  # in SVG and PDF it would cut the page
    with _without_font_warnings():
        pygraphviz.AGraph(string=dot).draw(str(path), format=form, prog="dot", args=resolution)


@contextmanager
def _without_font_warnings() -> Iterator[None]:
    """Pass on what Graphviz writes to standard error, but for its font library's complaints about
    settings of the system that are newer than itself: nobody can act on them."""
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "wb") as stderr, TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr.fileno(), 2)
            caught.seek(0)
            stderr.writelines(line for line in caught if not line.startswith(b"Fontconfig"))
