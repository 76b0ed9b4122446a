"""Draw specs: a picture of one, or of several side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from archspec.api.arguments import Spec, check_choice, check_count, graphs_of, path_or_none
from archspec.errors import UserError

if TYPE_CHECKING:
    from archspec.pictures.style import Style


class Drawing(Struct, frozen=True, eq=False):
    """A picture of networks, which a notebook shows, and `save` writes to a file.

    dot: the picture in Graphviz's DOT language. make_page: returns the page of the networks.
    """

    dot: str
    make_page: Callable[[], str]

    @property
    def svg(self) -> str:
        """The picture as the text of an SVG element."""
        from archspec.pictures.render import draw_svg

        return draw_svg(self.dot)

    @property
    def html(self) -> str:
        """The networks as a page of HTML, in which blocks open and close (docs/page.md).

        Raises `UserError` for a drawing from left to right, and for one with `blocks`.
        """
        return self.make_page()

    def save(self, path: str | Path, *, dpi: int | None = None) -> Path:
        """Write the picture to a file, and return its path.

        path: its suffix is the format: .svg, .png, .pdf, .dot, or .html for a page. Folders above
            it are made.
        dpi: pixels of an inch of a .png, from 36 to 1200; by default 144.

        Raises `UserError` for another suffix, for a dpi of what has no pixels, and for a file that
        cannot be written.
        """
        from archspec.pictures.render import PAGE, check_format, render
        from archspec.writing import writing

        check_count("dpi", dpi, 36)
        if dpi is not None and dpi > 1200:
            raise UserError(f"dpi must be 1200 at most, not {dpi}")
        target = path_or_none("path", path)
        if target is None:
            raise TypeError("path must be a path, not None")
        if target.suffix.lower() == PAGE:
            check_format(target, dpi)
            text = self.html
            with writing(target) as temporary:
                temporary.write_text(text, encoding="utf-8")
        else:
            render(self.dot, target, dpi)
        return target

    def __repr__(self) -> str:
        return f"<Drawing: {len(self.dot):,} characters of DOT>"

    def _repr_svg_(self) -> str:
        return self.svg


def draw(
    *specs: Spec,
    depth: int | None = None,
    fold: bool = True,
    blocks: bool = False,
    heat: str | None = None,
    theme: str = "light",
    direction: str = "TB",
) -> Drawing:
    """Draw a spec, or several side by side in one picture.

    specs: files, bare names of specs that come with archspec, or graphs. The `graph` of a
        `SpecError`, which is what is left of a broken spec, is drawn with what failed in red and
        what follows from it in grey.
    depth: blocks nested so deep are folded into a box each; by default those that do not fit a
        page.
    fold: whether repeated blocks are drawn once; False draws each repetition.
    blocks: draw an overview, and each block once beside it; for one spec, without depth.
    heat: shade boxes by their cost, "params", "macs" or "memory", instead of by their kind.
    theme: "light", "dark" or "print".
    direction: "TB", from top to bottom, or "LR", from left to right.

    Raises `SpecError` for a broken spec, `UserError` for a file that is not there and for a value
    that an argument cannot have.

        >>> import archspec
        >>> drawing = archspec.draw("lenet5", theme="dark")
        >>> drawing.svg.startswith("<svg")
        True
        >>> drawing.save("build/lenet5.png", dpi=300)  # doctest: +SKIP
    """
    from archspec.pictures.boxes import View
    from archspec.pictures.dot import side_by_side, to_blocks, to_dot
    from archspec.pictures.style import COSTS, DIRECTIONS, THEMES, Style

    check_count("depth", depth)
    check_choice("heat", heat, COSTS)
    check_choice("theme", theme, THEMES)
    check_choice("direction", direction, DIRECTIONS)
    if blocks and (len(specs) > 1 or depth):
        raise UserError("blocks=True is for one spec, and chooses the depth itself")
    graphs = graphs_of(specs, "draw", broken=True)
    view, style = View(depth, fold), Style(theme, direction, heat)

    def draw_with(style: Style) -> str:
        if blocks:
            return to_blocks(graphs[0], fold, style)
        if len(graphs) > 1:
            return side_by_side(graphs, view, style)
        return to_dot(graphs[0], view, style)

    dot = draw_with(style)

    def make_page() -> str:
        from archspec.page.drawing import write_page
        from archspec.pictures.render import draw_svg

        check_page(style, "blocks" if blocks else "", "its blocks open and close")
        paper = on_paper(style)
        picture = draw_svg(dot if paper == style else draw_with(paper))
        return write_page(graphs, view, picture, theme, heat or "")

    return Drawing(dot, make_page)


def on_paper(style: Style) -> Style:
    """Return the style of the picture that a page prints: paper is light."""
    return replace(style, theme="light") if style.theme == "dark" else style


def check_page(style: Style, given: str, why: str) -> None:
    """Raise `UserError` for what a page does not have. given: the name of such an option, or "".
    why: the reason."""
    if style.across:
        message = "a page runs from top to bottom, not from left to right"
        raise UserError(message, "leave the direction out, or write a .svg")
    if given:
        raise UserError(f"a page has no '{given}': {why}", "leave it out, or write a .svg")
