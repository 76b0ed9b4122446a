"""Make Graphviz's SVG readable: facts as tooltips and for screen readers, and less markup.

Graphviz puts a tooltip into a link without a target, and the name of a line into its title. Here
each box and frame has its facts as title, which is tooltip and name, lines have none, and what all
texts share is written once. Graphviz positions the letters of its own font; here each line of text
is centred on its middle, so that it fits its box with any other font, and a line in several fonts
on the point where the first ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}title"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
FAMILY = "font-family"
FALLBACKS = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"

Widths = Mapping[tuple[float, float], float]  # of texts, in points, by where they begin


def make_accessible(text: str, widths: Widths, hold: bool = False) -> str:
    """Return an SVG element made for readers, which can be put into a page.

    widths: those of texts in points, by the point where they begin. hold: whether a text keeps its
    width in any font, since a wider one would leave its box.
    """
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)
    root.set("role", "graphics-document")
    root.set(FAMILY, FALLBACKS)
    for group in root.iter(_name_tag("g")):
        title = group.find(_name_tag("title"))
        if title is None:
            continue
        facts = _unlink(group)
        if facts:
            title.text = facts
            group.set("role", "group" if group.get("class") == "graph" else "graphics-symbol")
        else:
            group.remove(title)
            group.set("aria-hidden", "true")
    for words in root.iter(_name_tag("text")):
        for name in (FAMILY, SPACE):
            words.attrib.pop(name, None)
    for group in root.iter(_name_tag("g")):
        if any(_find_start(words) not in widths for words in group.findall(_name_tag("text"))):
            continue  # Graphviz miscounts some letters, and gives no widths of later texts
        left = group.get("class") == "cluster" and group.get("id", "").startswith("frame-")
        for line in list(_find_lines(group, widths)):
            _place_line(group, line, widths, left, hold)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _unlink(group: ElementTree.Element) -> str:
    """Replace the link in a group by its contents, and return its tooltip."""
    for index, inner in enumerate(group):
        link = inner.find(_name_tag("a")) if inner.tag == _name_tag("g") else None
        if link is not None and LINK in link.attrib:
            group.remove(inner)
            for drawn in reversed(link):
                group.insert(index, drawn)
            return link.attrib[LINK]
    return ""


def _find_lines(group: ElementTree.Element, widths: Widths) -> Iterator[list[ElementTree.Element]]:
    """Yield the lines of a group: texts each of which begins where the one before ends."""
    line: list[ElementTree.Element] = []
    end = base = 0.0
    for words in group.findall(_name_tag("text")):
        x, y = _find_start(words)
        if line and (y != base or abs(x - end) > 1):
            yield line
            line = []
        line.append(words)
        end, base = x + widths[x, y], y
    if line:
        yield line


def _place_line(
    group: ElementTree.Element,
    line: Sequence[ElementTree.Element],
    widths: Widths,
    left: bool,
    hold: bool,
) -> None:
    """Fix a line where it begins, in its middle, or where its first text ends.

    What then follows is one text, so that no gaps come between its parts. left: whether it is fixed
    where it begins.
    """
    first, *others = line
    (x, y), own = _find_start(first), widths[_find_start(first)]
    if first.get("text-anchor") == "middle":  # in labels that are not tables
        x -= own / 2
    rest = sum(widths[_find_start(words)] for words in others)
    del first.attrib["text-anchor"]
    if others:
        for words in line:  # a space at an end would be lost
            words.text = (words.text or "").replace(" ", "\u00a0")
        first.set("text-anchor", "end")
        first.set("x", f"{x + own:.2f}")
        follows = ElementTree.Element(first.tag, {"x": f"{x + own:.2f}", "y": f"{y:g}"})
        follows.tail = others[-1].tail
        group.insert(list(group).index(first) + 1, follows)
        for words in others:
            group.remove(words)
            words.tag, words.tail = _name_tag("tspan"), None
            for name in ("x", "y", "text-anchor"):
                del words.attrib[name]
            follows.append(words)
        if hold:
            _hold_width(follows, rest)
    elif not left:
        first.set("text-anchor", "middle")
        first.set("x", f"{x + own / 2:.2f}")
    if hold:
        _hold_width(first, own)


def _hold_width(words: ElementTree.Element, width: float) -> None:
    """Make a text keep its width in any font."""
    words.set("textLength", f"{width:.2f}")
    words.set("lengthAdjust", "spacingAndGlyphs")


def _find_start(words: ElementTree.Element) -> tuple[float, float]:
    return float(words.get("x", 0)), float(words.get("y", 0))


def _name_tag(tag: str) -> str:
    return f"{{{SVG}}}{tag}"
