"""Define how pictures look: kinds of layers and their colours, on paper, on screens, by cost.

THEMES["dark"].fills["pooling"]  ->  "#0B5F43"
Heat("params", 2_000_000)        ->  a colour for each cost, from nothing to the largest
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from archspec.analysis.measures import LAYER_MEASURES
from archspec.differences.changes import ChangeKind
from archspec.graph import Node, sum_or_none
from archspec.layers import KINDS, Kind, traits_of

T = TypeVar("T")

FONT = "Helvetica"
SIGNS: Mapping[ChangeKind, str] = {
    "added": "+",
    "removed": "\u2212",
    "changed": "~",
    "moved": "@",
    "left": "@",
}
Face = Literal["", "Bold", "Oblique", "BoldOblique"]  # faces of the font
SMALL, NORMAL, LARGE = 9, 10, 15  # points of text: none is smaller

OTHER: Kind = "other"


def find_kind(op: str) -> Kind:
    """Return the kind of a layer that its colour shows: "convolution" for Conv2D."""
    return traits_of(op).kind


class Theme(Struct, frozen=True):
    """The colours of a picture, as #RRGGBB.

    page: the background. ink: text. quiet: lines and the text beside them. skip: skip connections.
    wrong, failed: the line and the fill of what failed. idle: the fill of what depends on it.
    plain: the fill of what is not a layer. frame_line, frames: frames, the fills by depth. fills:
    by kind of layer. blocks: the first, second, ... block that is drawn by itself; the kinds are
    light where these are dark, and the other way round. changes: what is done to a layer, the fill
    and the line.
    """

    page: str
    ink: str
    quiet: str
    skip: str
    wrong: str
    failed: str
    idle: str
    plain: str
    frame_line: str
    frames: tuple[str, ...]
    fills: Mapping[str, str]
    blocks: tuple[str, ...]
    changes: Mapping[ChangeKind, tuple[str, str]]


def _by_kind(*colours: str) -> dict[str, str]:
    """Return colours by the kinds of layers."""
    return dict(zip(KINDS, colours, strict=True))


def _by_change(
    added: str, removed: str, changed: str, moved: str
) -> dict[ChangeKind, tuple[str, str]]:
    """Return fills and lines by what is done to a layer."""
    texts: dict[ChangeKind, str] = {"added": added, "removed": removed, "changed": changed}
    texts |= {"moved": moved, "left": moved}
    return {kind: (text.split()[0], text.split()[1]) for kind, text in texts.items()}


# The colours of kinds, and those of blocks, differ for the colour-blind, too, as far as a search
# for such colours succeeded.
# fmt: off
THEMES = {
    "light": Theme(
        page="#FFFFFF", ink="#222222", quiet="#5E5E5E", skip="#0B5FA5", wrong="#C00000",
        failed="#FFD9D4", idle="#E6E6E6",
        plain="#FFFFFF", frame_line="#C4C4C4", frames=("#F6F6F6", "#EDEDED", "#E4E4E4"),
        fills=_by_kind("#EDE8A3", "#7BBDAE", "#A1BCD6", "#F4AE93", "#D0AAF3", "#FFD2BF", "#CBF37F",
                     "#D0CDD5", "#F7F7F7"),
        blocks=("#133587", "#75000B", "#9C6519", "#317B76", "#905CA5", "#677349", "#6B1F38",
                "#59275C"),
        changes=_by_change("#C6EFCE #116329", "#FFD9D4 #C00000", "#FFE699 #8A5A00",
                           "#D3E5FA #0B5FA5"),
    ),
    "dark": Theme(
        page="#16191D", ink="#F2F2F2", quiet="#AEB4BC", skip="#6CB6FF", wrong="#FF7B72",
        failed="#5E1914", idle="#30353B",
        plain="#22272D", frame_line="#4A515A", frames=("#1E2227", "#262B31", "#2E343B"),
        fills=_by_kind("#9A5D02", "#0B5F43", "#0C36AA", "#6D1309", "#653E95", "#6B306D", "#6C6430",
                     "#606C73", "#2F353C"),
        blocks=("#C8C8FF", "#D38452", "#4DF4DA", "#EED77A", "#23A0F0", "#98E1A3", "#AB8BB4",
                "#7AA188"),
        changes=_by_change("#0F4A22 #56D364", "#5E1914 #FF7B72", "#5A4300 #F0C040",
                           "#123A66 #6CB6FF"),
    ),
    # Greys: costly layers are darker, normalisation and activation white.
    "print": Theme(
        page="#FFFFFF", ink="#000000", quiet="#404040", skip="#000000", wrong="#000000",
        failed="#FFFFFF", idle="#E8E8E8",
        plain="#FFFFFF", frame_line="#808080", frames=("#FFFFFF", "#FFFFFF", "#FFFFFF"),
        fills=_by_kind("#FFFFFF", "#E8E8E8", "#C8C8C8", "#B0B0B0", "#B0B0B0", "#FFFFFF", "#D8D8D8",
                     "#FFFFFF", "#F4F4F4"),
        blocks=("#000000", "#5A5A5A", "#333333", "#707070"),
        changes=_by_change("#D0D0D0 #000000", "#FFFFFF #000000", "#E8E8E8 #000000",
                           "#F4F4F4 #000000"),
    ),
}
# fmt: on

HEAT = ("#FFFFE5", "#FEE391", "#FE9929", "#CC4C02", "#662506")  # ColorBrewer's YlOrBr, by lightness
BLACK, WHITE = "#000000", "#FFFFFF"
COSTS = {measure.heat: measure for measure in LAYER_MEASURES if measure.heat}  # what heat shows
DIRECTIONS = ("TB", "LR")  # Graphviz's words: from top to bottom, from left to right


class Style(Struct, frozen=True):
    """How a picture looks.

    theme: one of THEMES. direction: one of DIRECTIONS. heat: one of COSTS to shade boxes by,
    instead of by kind.
    """

    theme: str = "light"
    direction: str = "TB"
    heat: str | None = None

    @property
    def across(self) -> bool:
        return self.direction == "LR"

    def turn(self, across: bool) -> Style:
        """Return the style for a picture that runs across the page, or down."""
        return replace(self, direction=DIRECTIONS[across])

    def put_in_order(self, parts: Sequence[T]) -> Iterable[T]:
        """Return parts in Graphviz's order: it turns a picture across by a quarter to the left."""
        return reversed(parts) if self.across else parts


class Heat(Struct, frozen=True):
    """A scale of colours for one of COSTS, from nothing to the largest."""

    what: str
    largest: int

    def choose_colour(self, cost: int | None) -> str:
        """Return a colour, darker for more; white for an unknown cost."""
        if cost is None:
            return WHITE
        position = cost / max(self.largest, 1) * (len(HEAT) - 1)
        low = min(int(position), len(HEAT) - 2)
        ends = zip(read_rgb(HEAT[low]), read_rgb(HEAT[low + 1]), strict=True)
        return "#" + "".join(f"{round(a + (b - a) * (position - low)):02X}" for a, b in ends)


def sum_cost(what: str, nodes: Iterable[Node]) -> int | None:
    """Return the sum of a cost over nodes, None if one is unknown."""
    count = COSTS[what].of_layer
    assert count is not None
    return sum_or_none(map(count, nodes))


def read_rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of #RRGGBB, each up to 255."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def measure_luminance(colour: str) -> float:
    """Return the luminance of a colour, 0 to 1, as WCAG defines it."""
    parts = [value / 255 for value in read_rgb(colour)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def measure_contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21; text needs 4.5.

    >>> round(measure_contrast("#000000", "#FFFFFF"))
    21
    """
    darker, lighter = sorted((measure_luminance(one), measure_luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def choose_ink(fill: str) -> str:
    """Return black or white, whichever is easier to read on a colour.

    >>> choose_ink("#FFD9D4")
    '#000000'
    """
    return max(BLACK, WHITE, key=lambda ink: measure_contrast(ink, fill))
