"""Write pictures of what differs between two networks as DOT text."""

from __future__ import annotations

from archspec.differences.difference import Difference
from archspec.differences.merged import mark_sides, merge_graphs
from archspec.pictures.boxes import View
from archspec.pictures.changes import DifferenceLabels, write_heading
from archspec.pictures.dot import (
    draw_picture,
    draw_side_by_side,
    plan_side_by_side,
    side_by_side,
)
from archspec.pictures.plan import plan_picture
from archspec.pictures.style import THEMES, Style

READABLE = 60  # boxes: more than of a network, since most of them are quiet


def draw_merged(
    difference: Difference, view: View | None = None, style: Style | None = None
) -> str:
    """Return the DOT text of the second of two networks with what the first alone has.

    What differs has signs, and blocks in which nothing does are folded. Networks with little in
    common are drawn side by side.
    """
    if not (difference.is_same or difference.is_alike):
        return draw_both(difference, view, style)
    style = style or Style()
    picture = plan_picture(merge_graphs(difference), view or View(readable=READABLE), style.across)
    style, theme = style.turn(picture.across), THEMES[style.theme]
    heading = write_heading(difference, [picture.scene], theme)
    return draw_picture(DifferenceLabels(picture, theme), heading, style)


def draw_both(difference: Difference, view: View | None = None, style: Style | None = None) -> str:
    """Return the DOT text of two networks side by side, with signs on what differs.

    Networks with little in common have no signs.
    """
    view, style = view or View(readable=2 * READABLE), style or Style()
    if not (difference.is_same or difference.is_alike):
        return side_by_side([difference.a, difference.b], view, style)
    pictures, style = plan_side_by_side(mark_sides(difference), view, style)
    theme = THEMES[style.theme]
    heading = write_heading(difference, [each.scene for each in pictures], theme)
    return draw_side_by_side([DifferenceLabels(each, theme) for each in pictures], style, heading)
