"""Graphviz's SVG, made for readers: facts as tooltips and for screen readers, and less of it.

Graphviz puts a tooltip into a link without a target, and the name of a line into its title. Here
each box and frame has its facts as title, which is tooltip and name, lines have none, and what all
texts share stands once.
"""

from __future__ import annotations

from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}title"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
FAMILY = "font-family"
FALLBACKS = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"


def accessible(text: str) -> str:
    """An SVG element without the declarations before it, so that it may stand in a page."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)
    root.set("role", "graphics-document")
    root.set(FAMILY, FALLBACKS)
    for group in root.iter(_svg("g")):
        title = group.find(_svg("title"))
        if title is None:
            continue
        facts = _unlinked(group)
        if facts:
            title.text = facts
            group.set("role", "group" if group.get("class") == "graph" else "graphics-symbol")
        else:
            group.remove(title)
            group.set("aria-hidden", "true")
    for words in root.iter(_svg("text")):
        for name in (FAMILY, SPACE):
            words.attrib.pop(name, None)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _unlinked(group: ElementTree.Element) -> str:
    """The tooltip of a group; what was in the link is then in the group itself."""
    for place, inner in enumerate(group):
        link = inner.find(_svg("a")) if inner.tag == _svg("g") else None
        if link is not None and LINK in link.attrib:
            group.remove(inner)
            for drawn in reversed(link):
                group.insert(place, drawn)
            return link.attrib[LINK]
    return ""


def _svg(tag: str) -> str:
    return f"{{{SVG}}}{tag}"
