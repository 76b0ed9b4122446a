"""DOT text drawn as SVG, PNG or PDF, by the Graphviz that pygraphviz's wheel carries."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from archspec.backends.dot import to_dot
from archspec.backends.style import FONT
from archspec.backends.svg import accessible
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.writing import writing

FORMATS = (".svg", ".png", ".pdf", ".dot")
DPI = 144
NOWHERE = "\uf7c3", "\U0010fffd"  # for private use: no font has them


def render(dot: str, path: Path, dpi: int | None = None) -> None:
    """Draw DOT text to a file, in the format that its suffix names. The file appears whole.

    dpi: pixels of an inch of a PNG, where a point of text is 1/72 inch; None for DPI.
    Raises `UserError` for another suffix, for a dpi of what has no pixels, and where no font of
    this machine has the letters.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UserError(
            f"cannot draw '{path}': its suffix must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
            hint=f"write '{path.with_suffix(FORMATS[0])}'",
        )
    if dpi is not None and suffix != ".png":
        hint = f"write '{path.with_suffix('.png')}', or leave the resolution out"
        raise UserError(f"cannot draw '{path}' at {dpi} dpi: only a .png has pixels", hint)
    with writing(path) as temporary:
        if suffix == ".dot":
            temporary.write_text(dot, encoding="utf-8")
        else:
            _lay_out(dot, temporary, suffix[1:], dpi or DPI)


def to_svg(graph: Graph) -> str:
    """The picture as an SVG element, for a page or a notebook."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.svg"
        _lay_out(to_dot(graph), path, "svg")
        return path.read_text(encoding="utf-8")


def _lay_out(dot: str, path: Path, form: str, dpi: int = DPI) -> None:
    import pygraphviz  # loads Graphviz's libraries: 30 ms

    resolution = f"-Gdpi={dpi}" if form == "png" else ""  # in SVG and PDF it would cut the page
    with _without_font_warnings():
        _require_font(dot)
        pygraphviz.AGraph(string=dot).draw(str(path), format=form, prog="dot", args=resolution)
    if form == "svg":
        path.write_text(accessible(path.read_text(encoding="utf-8")), encoding="utf-8")


def _require_font(text: str) -> None:
    """Raise `UserError` where letters would come out as empty boxes: they all have one width, that
    of a letter that no font has."""
    import pygraphviz

    letters = sorted(set(text) - set(map(chr, range(33))))
    nodes = "".join(f"{ord(each)} [label=<&#{ord(each)};>]" for each in (*letters, *NOWHERE))
    look = f'shape=plain, fontname="{FONT}", fontsize=100'
    probe = pygraphviz.AGraph(string=f"graph {{node [{look}] {nodes}}}")
    drawn = probe.draw(format="plain", prog="dot").decode()
    widths = {line[1]: line[4] for line in map(str.split, drawn.splitlines()) if line[0] == "node"}

    def width(letter: str) -> str:
        return widths[str(ord(letter))]

    empty = [width(each) for each in NOWHERE]
    missing = [each for each in letters if width(each) == empty[ord(each) > 0xFFFF]]
    if missing:
        said = f"no font here has {''.join(missing[:9])}"
        if missing == letters:
            said = "no font on this machine has any letters"
        hint = "install a font with them, such as DejaVu Sans, or write a .dot file"
        raise UserError(said, hint)


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
