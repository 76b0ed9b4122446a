"""Where Graphviz puts what a picture says: boxes, lines and texts, in points.

layout = lay_out(to_dot(graph))
layout.width, layout.boxes["stem"], layout.texts[0].size
"""

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

import pygraphviz

Point = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """left < right, bottom < top."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: "Area", by: float = 0.5) -> bool:
        """Whether they share more than a line of that width."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > by
            and min(self.top, other.top) - max(self.bottom, other.bottom) > by
        )

    def contains(self, point: Point) -> bool:
        return _within(point, self)

    def holds(self, other: "Area", slack: float = 1) -> bool:
        return (
            self.left - slack <= other.left
            and self.bottom - slack <= other.bottom
            and other.right <= self.right + slack
            and other.top <= self.top + slack
        )


@dataclass(frozen=True)
class Text:
    said: str
    size: float
    area: Area
    owner: str  # the box, frame or mark that says it; "" for the heading


@dataclass(frozen=True)
class Line:
    ends: tuple[str, str]
    points: tuple[Point, ...]

    @cached_property
    def corners(self) -> tuple[Point, Point]:
        """Of the area that it needs."""
        xs, ys = zip(*self.points, strict=True)
        return (min(xs), min(ys)), (max(xs), max(ys))

    def through(self, area: Area) -> bool:
        """Whether it runs through an area."""
        return _may_meet(self.corners, area) and any(
            _within(point, area)
            for pair in pairwise(self.points)
            if _may_meet(pair, area)
            for point in _along(*pair)
        )


@dataclass(frozen=True)
class Layout:
    """boxes: boxes and marks by name. frames: by the name of their cluster."""

    width: float
    height: float
    boxes: dict[str, Area]
    frames: dict[str, Area]
    texts: list[Text]
    lines: list[Line]

    def faults(self) -> list[str]:
        """What a reader would stumble over."""
        found = [
            f"{a} and {b} overlap"
            for (a, here), (b, there) in combinations(self.boxes.items(), 2)
            if here.overlaps(there)
        ]
        found += [
            f"'{a.said}' and '{b.said}' overlap"
            for a, b in combinations(self.texts, 2)
            if a.area.overlaps(b.area)
        ]
        page = Area(0, 0, self.width, self.height)
        for text in self.texts:
            around = self.boxes.get(text.owner) or self.frames.get(text.owner) or page
            if not around.holds(text.area):
                found.append(f"'{text.said}' is cut off")
            found += [
                f"the line from {line.ends[0]} to {line.ends[1]} runs through '{text.said}'"
                for line in self.lines
                if text.owner not in line.ends and line.through(text.area)
            ]
        for line in self.lines:
            ends = [self.boxes[end] for end in line.ends]
            found += [
                f"the line from {line.ends[0]} to {line.ends[1]} leaves {name}"
                for name, frame in self.frames.items()
                if not name.startswith("cluster column")  # which is not seen
                and all(map(frame.holds, ends))
                and not all(map(frame.contains, line.points))
            ]
        return found


def lay_out(dot: str) -> Layout:
    data = json.loads(pygraphviz.AGraph(string=dot).draw(format="json", prog="dot"))
    _, _, width, height = map(float, data["bb"].split(","))
    objects = data.get("objects", [])
    frames = {each["name"]: each for each in objects if "bb" in each and "cluster" in each["name"]}
    nodes = {each["name"]: each for each in objects if "pos" in each}
    names = {each["_gvid"]: each["name"] for each in objects}
    texts = [
        text
        for owner, each in {"": data, **frames, **nodes}.items()
        for text in _texts(each, owner)
    ]
    lines = [
        Line((names[edge["tail"]], names[edge["head"]]), tuple(_curve(edge["pos"])))
        for edge in data.get("edges", [])
        if edge.get("style") != "invis"
    ]
    areas = {name: Area(*map(float, each["bb"].split(","))) for name, each in frames.items()}
    boxes = {name: _area(each) for name, each in nodes.items() if each.get("style") != "invis"}
    return Layout(width, height, boxes, areas, texts, lines)


def _area(node: dict[str, Any]) -> Area:
    x, y = map(float, node["pos"].split(","))
    width, height = float(node["width"]) * 36, float(node["height"]) * 36  # halves, of inches
    return Area(x - width, y - height, x + width, y + height)


def _texts(drawn: dict[str, Any], owner: str) -> list[Text]:
    found, size = [], 0.0
    for step in drawn.get("_ldraw_", []):
        if step["op"] == "F":
            size = step["size"]
        elif step["op"] == "T" and step["text"].strip():
            x, y = step["pt"]
            left = {"l": x, "c": x - step["width"] / 2, "r": x - step["width"]}[step["align"]]
            area = Area(left, y - 0.2 * size, left + step["width"], y + 0.7 * size)
            found.append(Text(step["text"], size, area, owner))
    return found


def _curve(text: str) -> list[Point]:
    """Points on an edge: a B-spline of cubic pieces, its arrow at the end."""
    tip, points = None, []
    for each in text.split():
        if each.startswith("e,"):
            tip = each[2:]
        elif not each.startswith("s,"):
            points.append(tuple(map(float, each.split(","))))
    curve = [
        _bezier(points[i : i + 4], step / 12)
        for i in range(0, len(points) - 1, 3)
        for step in range(13)
    ]
    return curve + ([tuple(map(float, tip.split(",")))] if tip else [])


def _bezier(p: list[Point], t: float) -> Point:
    s = 1 - t
    a, b, c, d = s**3, 3 * s * s * t, 3 * s * t * t, t**3
    return tuple(a * w + b * x + c * y + d * z for w, x, y, z in zip(*p, strict=True))


def _along(start: Point, end: Point) -> list[Point]:
    return [
        (start[0] + (end[0] - start[0]) * i / 8, start[1] + (end[1] - start[1]) * i / 8)
        for i in range(9)
    ]


def _may_meet(ends: tuple[Point, Point], area: Area) -> bool:
    """Whether the ends of a straight piece do not lie both on one side of an area."""
    (x, y), (u, v) = ends
    beside = max(x, u) <= area.left or min(x, u) >= area.right
    return not (beside or max(y, v) <= area.bottom or min(y, v) >= area.top)


def _within(point: Point, area: Area) -> bool:
    return area.left < point[0] < area.right and area.bottom < point[1] < area.top
