"""A picture as DOT text, for `render` or any Graphviz.

`picture` says what is shown and `labels` what it says; here is where it stands. The same graph
gives the same text: ids are the nodes' names, and everything is in graph order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import graphviz  # type: ignore[import-untyped]

from archspec.backends.labels import MIDDLE, Labels
from archspec.backends.parts import Box, Edge, Mark, Part
from archspec.backends.picture import Picture, plan
from archspec.backends.style import FONT, NORMAL, SMALL, THEMES, Heat, Style, Theme, cost
from archspec.backends.view import View
from archspec.graph import Graph


def to_dot(graph: Graph, view: View | None = None, style: Style | None = None) -> str:
    """DOT text of a network, for `render` or any Graphviz."""
    style = style or Style()
    return _Drawing(plan(graph, view or View(), style.direction == "LR"), style).text()


class _Drawing:
    """A picture in a style, as one DOT text."""

    def __init__(self, picture: Picture, style: Style) -> None:
        self.picture = picture
        self.theme = THEMES[style.theme]
        heat = _scale(picture, style.heat) if style.heat else None
        self.labels = Labels(picture, self.theme, heat)

    def text(self) -> str:
        graph, theme, columns = self.picture.graph, self.theme, self.picture.columns
        across = self.picture.across
        text = {"fontname": FONT, "fontcolor": theme.ink}
        out = graphviz.Digraph(
            name=graph.name,
            graph_attr={
                "bgcolor": theme.page,
                "fontsize": str(NORMAL),
                "label": self.labels.heading(),
                "labelloc": "t",
                "nodesep": "0.16",
                **({} if across else {"pack": "16", "packmode": f"array_ut{len(columns)}"}),
                "pad": "0.1",
                "rankdir": "LR" if across else "TB",
                "ranksep": "0.16",
                "tooltip": graph.name,
                **text,
            },
            node_attr={"shape": "plain", "fontsize": str(NORMAL), **text},
            edge_attr={
                "arrowsize": "0.5",
                "color": theme.quiet,
            },
        )
        turned = reversed if across else iter  # Graphviz turns a picture by a quarter to the left
        for column in turned(columns):
            self._parts(out, column.parts)
        for edge in turned(self.picture.edges):
            self._edge(out, edge)
        return str(out.source)

    def _parts(self, out: graphviz.Digraph, parts: Sequence[Part]) -> None:
        theme = self.theme
        for part in reversed(parts) if self.picture.across else parts:
            if isinstance(part, Box):
                self._box(out, part)
            elif isinstance(part, Mark):
                self._mark(out, part)
            else:
                again = f" from {part.boxes[0].name}" if part.continued else ""
                with out.subgraph(name=f"cluster {part.path}{again}") as inner:
                    inner.attr(
                        color=theme.frame_line,
                        fillcolor=theme.frames[min(part.depth, len(theme.frames)) - 1],
                        fontcolor=theme.quiet,
                        id=_id(f"frame {part.path}{again}"),
                        label=self.labels.frame(part),
                        labeljust="l",
                        margin="5",
                        style="rounded,filled",
                        tooltip=part.path,
                    )
                    self._parts(inner, part.parts)

    def _box(self, out: graphviz.Digraph, box: Box) -> None:
        first = box.nodes[0]
        tips = _lines(self.labels.facts(box))
        if first.op == "InputLayer" and first.state == "sound":
            label = self.labels.terminal(first)
            out.node(box.name, label, id=_id(box.name), tooltip=tips, **_terminal(self.theme))
        else:
            out.node(box.name, self.labels.box(box), id=_id(box.name), tooltip=tips)

    def _mark(self, out: graphviz.Digraph, mark: Mark) -> None:
        look = {"id": _id(mark.name)}
        quiet = self.theme.quiet
        if mark.kind == "passage":
            out.node(mark.name, self.labels.passage(mark), fontcolor=quiet, **look)
        elif mark.kind == "link":
            look |= {"color": quiet, "fontcolor": quiet, "fontsize": str(SMALL)}
            out.node(mark.name, mark.text, shape="circle", fixedsize="true", width="0.2", **look)
        else:
            label = self.labels.terminal(self.picture.graph[mark.text])
            out.node(mark.name, label, **look, **_terminal(self.theme))

    def _edge(self, out: graphviz.Digraph, edge: Edge) -> None:
        attributes: dict[str, str] = {}
        if isinstance(edge.head, Mark) and edge.head.kind == "passage":
            attributes |= {"arrowhead": "none", "weight": "4"}
        elif not (isinstance(edge.head, Box) and len(edge.head.nodes[0].inputs) > 1):
            attributes |= {"weight": "2"}  # what slack a branch has lies before the merge
        if edge.skip:
            attributes |= {"color": self.theme.skip, "penwidth": "1.6", "weight": "0"}
        if edge.back:
            attributes |= {"constraint": "false", "style": "dashed"}
        out.edge(_end(edge.tail), _end(edge.head), **attributes)


def _scale(picture: Picture, what: str) -> Heat:
    each = [cost(what, box.stands) for box in picture.sight.boxes]
    known = [value for value in each if value is not None]
    return Heat(what, max(known, default=0), sum(known))


def _terminal(theme: Theme) -> dict[str, str]:
    return {
        "color": theme.ink,
        "fillcolor": theme.plain,
        "height": "0.2",
        "margin": "0.08,0.03",
        "shape": "box",
        "style": "rounded,filled",
    }


def _end(part: Box | Mark) -> str:
    """Where an edge is fixed."""
    passage = isinstance(part, Mark) and part.kind == "passage"
    return f"{part.name}:{MIDDLE}" if passage else part.name


def _id(name: str) -> str:
    """Of an element of the drawing, which holds no spaces."""
    return name.replace(" ", "-")


def _lines(lines: Iterable[str]) -> str:
    """Plain text of several lines, with Graphviz's escape between them."""
    return str(graphviz.nohtml(r"\n".join(map(graphviz.escape, lines))))
