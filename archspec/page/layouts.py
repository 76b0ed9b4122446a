"""Lay each group of a network out once, with the groups inside it closed.

Opened, a group stretches the rows and columns that it stands in (web/layout.js), so that nothing is
laid out in the page. Groups of one shape share a layout: resnet1001 has thousands of groups, and
two dozen layouts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

INCH = 72  # points
BAND = 6  # points between the border of a group and its first and last row
LINE_LETTER = 5.5  # points of a letter beside a line
# Of a label that only keeps a place for what is written beside a line, 12 points high.
BARE = "BORDER='0' CELLBORDER='0' CELLPADDING='0' CELLSPACING='0' FIXEDSIZE='TRUE' HEIGHT='12'"


class Shape(Struct, frozen=True):
    """The input of a layout.

    sizes: of the parts, in points. lines: tail, head, letters beside it, and whether it leads back;
    an end below the number of parts is a part, others are values that enter, and then those that
    leave.
    """

    sizes: tuple[tuple[int, int], ...]
    entering: int
    leaving: int
    lines: tuple[tuple[int, int, int, bool], ...]


class Layout(Struct, frozen=True):
    """The places of all things in a group, in points from its upper left corner.

    parts: centre and size of each. entering, leaving: where values cross its border. ends: of
    lines, as a `Shape` has them; lines: their points, a start and then three for each bend of a
    Bézier curve. texts: the middle of
    what is written beside each line, or none.
    """

    width: float
    height: float
    parts: list[tuple[float, float, int, int]]
    entering: list[float]
    leaving: list[float]
    ends: list[tuple[int, int]]
    lines: list[list[float]]
    texts: list[list[float]]


class Layouts:
    """The layouts of a page, each once."""

    def __init__(self) -> None:
        self.known: dict[Shape, int] = {}
        self.made: list[Layout] = []

    def find(self, shape: Shape) -> int:
        """Return the place of the layout of a shape, which is made if there is none yet."""
        place = self.known.setdefault(shape, len(self.made))
        if place == len(self.made):
            self.made.append(lay_out(shape))
        return place


def lay_out(shape: Shape) -> Layout:
    """Return the layout of a group, by Graphviz.

    >>> lay_out(Shape(((60, 40), (80, 40)), 0, 0, ((0, 1, 0, False),))).parts
    [(40.0, 20.0, 60, 40), (40.0, 82.0, 80, 40)]
    """
    if not shape.lines and len(shape.sizes) == 1:
        ((wide, high),) = shape.sizes
        return Layout(wide, high, [(wide / 2, high / 2, wide, high)], [], [], [], [], [])
    data = _run_graphviz(_write_dot(shape))
    _, _, width, height = map(float, data["bb"].split(","))
    places = {
        each["name"]: _read_points(each["pos"], height)
        for each in data["objects"]
        if "pos" in each  # a row has none
    }
    lines: list[list[float]] = [[] for _ in shape.lines]
    texts: list[list[float]] = [[] for _ in shape.lines]
    for edge in data.get("edges", []):
        if "id" not in edge:
            continue
        index = int(edge["id"])
        lines[index] = _read_points(edge["pos"], height)
        texts[index] = _read_points(edge.get("lp", ""), height)
    count = len(shape.sizes)
    first = count + shape.entering
    parts = [(*places[f"n{index}"], *size) for index, size in enumerate(shape.sizes)]
    squeeze = _make_squeeze(shape, parts, texts, height)
    for points in (*lines, *texts):
        points[1::2] = map(squeeze, points[1::2])
    return Layout(
        width,
        squeeze(height),
        [(x, squeeze(y), *size) for x, y, *size in parts],  # type: ignore[misc]
        [places[f"n{index}"][0] for index in range(count, first)],
        [places[f"n{index}"][0] for index in range(first, first + shape.leaving)],
        [(tail, head) for tail, head, *_ in shape.lines],
        lines,
        texts,
    )


def _make_squeeze(
    shape: Shape, parts: Sequence[Sequence[float]], texts: Sequence[Sequence[float]], height: float
) -> Callable[[float], float]:
    """Return a map of y that leaves less between the border of a group and its first and last row:
    there is nothing but lines from the border, and there may be texts beside these."""
    top = min(y - high / 2 for _, y, _, high in parts)
    bottom = max(y + high / 2 for _, y, _, high in parts)
    beside = [y for text in texts for y in text[1:2]]
    if not shape.entering or any(y < top for y in beside):
        top = 0.0
    if not shape.leaving or any(y > bottom for y in beside):
        bottom = height
    above, below = min(top, BAND), min(height - bottom, BAND)

    def squeeze(y: float) -> float:
        if 0 <= y < top:
            return round(y * above / top, 1)
        if bottom < y <= height:
            return round(bottom - top + above + (y - bottom) * below / (height - bottom), 1)
        return round(y - top + above, 1)

    return squeeze


def _write_dot(shape: Shape) -> str:
    """Return the DOT text of a shape."""
    count = len(shape.sizes)
    words = ['graph [nodesep=.25 ranksep=.3] node [shape=box fixedsize=true label=""]']
    words.append("edge [arrowhead=none]")
    for index, (width, height) in enumerate(shape.sizes):
        words.append(f"n{index} [width={width / INCH:.4f} height={height / INCH:.4f}]")
    for index in range(count, count + shape.entering + shape.leaving):
        rank = "source" if index < count + shape.entering else "sink"
        words.append(f"{{rank={rank}; n{index} [width=.01 height=.01]}}")
    for index, (tail, head, letters, back) in enumerate(shape.lines):
        look = f'id="{index}"'
        if letters:
            width = round(letters * LINE_LETTER)
            look += f" label=<<TABLE {BARE} WIDTH='{width}'><TR><TD></TD></TR></TABLE>>"
        look += " constraint=false" if back else ""
        words.append(f"n{tail} -> n{head} [{look}]")
    return "digraph {\n" + "\n".join(words) + "\n}"


def _run_graphviz(dot: str) -> Any:
    import pygraphviz
    from pygraphviz import graphviz

    graph = pygraphviz.AGraph(string=dot)
    context = graphviz.gvContextWithBuiltins()
    graphviz.gvLayout(context, graph.handle, b"dot")
    data = graphviz.gvRenderData(context, graph.handle, b"json")[1].decode()
    graphviz.gvFreeLayout(context, graph.handle)
    graphviz.gvFreeContext(context)
    return json.loads(data)


def _read_points(text: str, height: float) -> list[float]:
    """Return points of Graphviz, whose y goes upwards, as x, y, x, y, ... from the upper corner."""
    found: list[float] = []
    for point in text.split():
        if point[0] not in "es":
            x, y = map(float, point.split(","))
            found += [round(x, 1), round(height - y, 1)]
    return found
