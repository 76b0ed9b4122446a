"""Draw DOT text as SVG, PNG or PDF, with the Graphviz that pygraphviz's wheel contains."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from archspec.errors import UserError
from archspec.graph import Graph
from archspec.pictures.dot import to_dot
from archspec.pictures.style import FONT
from archspec.pictures.svg import make_accessible
from archspec.reading import suggest_path
from archspec.streams import held_back, show
from archspec.writing import writing

FORMATS = (".svg", ".png", ".pdf", ".dot")
PAGE = ".html"  # which archspec.page writes, not Graphviz
DPI = 144
COMPLAINTS = b"Fontconfig", b"Warning: no value for width"  # of Graphviz, about fonts
NOWHERE = "\uf7c3", "\U0010fffd"  # private characters, which no font has
PROBE = 100  # points of text that letters are measured in
NARROW = 0.6  # width of an n by the size: 0.56 in Helvetica and Arial, 0.63 in DejaVu Sans


def render(dot: str, path: Path, dpi: int | None = None) -> None:
    """Draw DOT text to a file, in the format of its suffix.

    The file is written as a whole or not at all. dpi: pixels per inch of a PNG, where a point of
    text is 1/72 inch; None for DPI. Raises `UserError` for another suffix, for a dpi of a format
    without pixels, and if no font of this machine has the letters, which an SVG leaves to the
    fonts of its readers.
    """
    suffix = path.suffix.lower()
    check_format(path, dpi)
    drawn = dot.encode() if suffix == ".dot" else _lay_out(dot, suffix[1:], dpi or DPI)
    with writing(path) as temporary:
        temporary.write_bytes(drawn)


def check_format(path: Path, dpi: int | None = None) -> None:
    """Raise `UserError` for a suffix that no picture has, and for a dpi of what has no pixels."""
    suffix = path.suffix.lower()
    if suffix not in (*FORMATS, PAGE):
        raise UserError(
            f"cannot draw '{path}': its suffix must be {', '.join(FORMATS)} or {PAGE}",
            hint=f"write '{suggest_path(path, FORMATS[0])}'",
        )
    if dpi is not None and suffix != ".png":
        hint = f"write '{suggest_path(path, '.png')}', or leave the resolution out"
        raise UserError(f"cannot draw '{path}' at {dpi} dpi: only a .png has pixels", hint)


def to_svg(graph: Graph) -> str:
    """Return the picture of a graph as an SVG element, for a page or a notebook."""
    return draw_svg(to_dot(graph))


def draw_svg(dot: str) -> str:
    """Return DOT text drawn as an SVG element."""
    with _hide_font_warnings():
        return _draw_svg(dot)


def _lay_out(dot: str, form: str, dpi: int) -> bytes:
    """Return a picture in a format, made in memory.

    Where Graphviz cannot write to a file, it would end the whole process.
    """
    import pygraphviz  # loads Graphviz's libraries: 30 ms

    with _hide_font_warnings():
        if form == "svg":
            return _draw_svg(dot).encode()
        _, missing = _measure_letters(dot)
        if missing:
            font = "Noto Sans CJK" if {*map(east_asian_width, missing)} & {*"WF"} else "Noto Sans"
            hint = f"install a font with them, such as {font}, or write a .svg file"
            raise UserError(f"no font here has {''.join(missing[:9])}", hint)
        resolution = f"-Gdpi={dpi}" if form == "png" else ""  # in PDF it would cut the page
        graph = pygraphviz.AGraph(string=dot)
        return bytes(graph.draw(format=form, prog="dot", args=resolution))


def _draw_svg(dot: str) -> str:
    """Return a picture as SVG, rendered twice: as SVG, and as data for the widths of texts.

    A letter that no font here has is as wide as an empty box, which of this size of text is about
    as wide as high: there is room for those of East Asia.
    """
    import pygraphviz
    from pygraphviz import graphviz

    letters, _ = _measure_letters(dot)
    narrow = letters["n"] < NARROW * PROBE
    graph = pygraphviz.AGraph(string=dot)
    context = graphviz.gvContextWithBuiltins()
    graphviz.gvLayout(context, graph.handle, b"dot")
    drawn, data = (
        graphviz.gvRenderData(context, graph.handle, form)[1].decode() for form in (b"svg", b"json")
    )
    graphviz.gvFreeLayout(context, graph.handle)
    graphviz.gvFreeContext(context)
    widths = {}

    def measure(step: dict[str, Any]) -> dict[str, Any]:
        if step.get("op") == "T":
            x, y = step["pt"]
            widths[x, -y] = step["width"]
        return step

    json.loads(data, object_hook=measure)
    return make_accessible(drawn, widths, hold=narrow)


def _measure_letters(text: str) -> tuple[dict[str, float], list[str]]:
    """Return the widths of the letters in a text, and of an n, in points at a size of PROBE, and
    those letters that would be drawn as empty boxes.

    These have one width, which a letter may have by chance, but hardly in two faces. A font has all
    of ASCII or none of it: raises `UserError` if there is none that has it.
    """
    letters = sorted({*text, "n"} - set(map(chr, range(33))))
    faces = [_measure_widths([*letters, *NOWHERE], face) for face in (FONT, f"{FONT}-Bold")]
    missing = [
        each
        for each in letters
        if all(widths[each] == widths[NOWHERE[ord(each) > 0xFFFF]] for widths in faces)
    ]
    if missing == letters:
        hint = "install one, such as DejaVu Sans, or write a .dot file"
        raise UserError("no font on this machine has any letters", hint)
    return faces[0], [each for each in missing if not each.isascii()]


def _measure_widths(letters: Iterable[str], face: str) -> dict[str, float]:
    """Return the widths of letters in a face, in points at a size of PROBE."""
    import pygraphviz

    nodes = "".join(f"{ord(each)} [label=<&#{ord(each)};>]" for each in letters)
    look = f'shape=plain, fontname="{face}", fontsize={PROBE}'
    probe = pygraphviz.AGraph(string=f"graph {{node [{look}] {nodes}}}")
    drawn = map(str.split, probe.draw(format="plain", prog="dot").decode().splitlines())
    return {chr(int(line[1])): 72 * float(line[4]) for line in drawn if line[0] == "node"}


@contextmanager
def _hide_font_warnings() -> Iterator[None]:
    """Pass on what Graphviz writes to standard error, without its complaints about fonts.

    These are about settings of the system that are newer than its library, and about letters whose
    widths it guesses: nobody can act on them.
    """
    lines: list[bytes] = []
    try:
        with held_back(lines):
            yield
    finally:
        show(line for line in lines if not line.startswith(COMPLAINTS))
