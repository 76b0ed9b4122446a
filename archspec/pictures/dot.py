"""Pictures as DOT text, for `render` or any Graphviz.

`picture` says what is shown and `labels` what it says; here is where it stands. The same graph
gives the same text: ids are the nodes' names, and everything is in graph order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import graphviz  # type: ignore[import-untyped]

from archspec.graph import Graph
from archspec.pictures.blocks import Block
from archspec.pictures.boxes import View
from archspec.pictures.labels import MIDDLE, Labels
from archspec.pictures.routes import Picture, plan, plan_blocks, plan_whole
from archspec.pictures.scene import Box, Edge, Frame, Mark, Part
from archspec.pictures.style import FONT, NORMAL, SMALL, THEMES, Heat, Style, Theme, cost

STRAIGHT = "300"  # the weight of a line that has no reason to bend


def to_dot(graph: Graph, view: View | None = None, style: Style | None = None) -> str:
    """DOT text of a network."""
    style = style or Style()
    picture = plan(graph, view or View(), style.across)
    labels = Labels(picture, THEMES[style.theme], _scale([picture], style))
    out = _page(graph.name, labels.heading(), style, len(picture.columns))
    _Drawing(out, labels).draw()
    return str(out.source)


def side_by_side(
    graphs: Sequence[Graph], view: View | None = None, style: Style | None = None
) -> str:
    """DOT text of several networks in one picture. What is folded and the scale of heat are for all
    of them together."""
    view, style = view or View(), style or Style()
    view = replace(view, readable=view.readable // len(graphs))
    pictures = [plan_whole(graph, view, style.across) for graph in graphs]
    scale = _scale(pictures, style)
    out = _page(" and ".join(graph.name for graph in graphs), "", style, len(graphs))
    for place, picture in style.in_order([*enumerate(pictures, 1)]):
        labels = Labels(picture, THEMES[style.theme], scale)
        with out.subgraph(name=f"cluster {place}") as inner:
            inner.attr(
                id=f"network-{place}",
                label=labels.heading(),
                margin="8",
                peripheries="0",
                tooltip=graphviz.escape(picture.graph.name),
            )
            _Drawing(inner, labels, f"{place}/").draw()
    return str(out.source)


def to_blocks(graph: Graph, fold: bool = True, style: Style | None = None) -> str:
    """DOT text of a network as papers draw it: an overview, and beside it each distinct block once,
    in a colour of its own. fold: repeats stand once."""
    style = style or Style()
    theme = THEMES[style.theme]
    overview, inside, places = plan_blocks(graph, fold, style.across)
    below, *columns = places
    colours = [theme.blocks[place % len(theme.blocks)] for place in range(len(inside))]
    drawn = {
        path: (block, fill)
        for (block, _), fill in zip(inside, colours, strict=True)
        for path in block.uses
    }
    labels = Labels(overview, theme, _scale([overview], style), drawn)
    out = _page(graph.name, labels.heading(), style, len(overview.columns) + len(columns))
    drawings: list[Callable[[], None]] = [partial(_Drawing(out, labels).draw, alone=False)]
    for column in places:
        for place in column:
            block, picture = inside[place]
            labels = Labels(picture, theme, symbols=block.symbols)
            drawings.append(partial(_draw_block, out, labels, block, colours[place]))
    for draw in style.in_order(drawings):
        draw()
    for place in below[:1]:
        for part in overview.last():
            _put_below(out, part.name, inside[place])
    for column in places:
        for above, place in pairwise(column):
            block, picture = inside[above]
            *_, tail = _ends(picture)
            _put_below(out, f"{block.title}/{tail.name}", inside[place])
    return str(out.source)


def _draw_block(out: graphviz.Digraph, labels: Labels, block: Block, fill: str) -> None:
    title = block.title
    with out.subgraph(name=f"cluster {title}/") as inner:
        inner.attr(
            color=fill,
            id=_id(f"block {title}"),
            label=labels.block(block, fill),
            labeljust="l",
            margin="14",  # lines may leave the frames within it
            penwidth="2",
            style="rounded",
            tooltip=title,
        )
        _Drawing(inner, labels, f"{title}/").draw()


def _put_below(out: graphviz.Digraph, above: str, below: tuple[Block, Picture]) -> None:
    """A block below what has a name, without a line that is seen."""
    block, picture = below
    head, *_ = _ends(picture)
    out.edge(above, f"{block.title}/{head.name}", minlen="2", style="invis")


def _ends(picture: Picture) -> list[Mark]:
    """Where a block that is drawn by itself begins and ends."""
    parts = picture.columns[0].parts
    return [part for part in parts if isinstance(part, Mark) and part.kind == "end"]


def _page(name: str, heading: str, style: Style, columns: int) -> graphviz.Digraph:
    """An empty one. columns: how many will stand on it, side by side."""
    theme = THEMES[style.theme]
    text = {"fontname": FONT, "fontcolor": theme.ink}
    packed = "array_cu1" if style.across else f"array_ut{columns}"
    return graphviz.Digraph(
        name=graphviz.escape(name),
        graph_attr={
            "bgcolor": theme.page,
            "fontsize": str(NORMAL),
            "label": heading,
            "labelloc": "t",
            "nodesep": "0.16",
            "pad": "0.1",
            "rankdir": style.direction,
            "pack": "16",
            "packmode": packed,
            "ranksep": "0.12",
            "tooltip": graphviz.escape(name),
            **text,
        },
        node_attr={"shape": "plain", "fontsize": str(NORMAL), **text},
        edge_attr={"arrowsize": "0.5", "color": theme.quiet},
    )


THICK = 2  # of a skip connection, in points


class _Drawing:
    """One picture on a page. prefix: of its names, where it is not the only one."""

    def __init__(self, out: graphviz.Digraph, labels: Labels, prefix: str = "") -> None:
        self.out = out
        self.labels = labels
        self.picture = labels.picture
        self.theme = labels.theme
        self.prefix = prefix
        plain = [edge for edge in self.picture.edges if not (edge.skip or edge.back)]
        self.leaving = Counter(edge.tail for edge in plain)
        self.entering = Counter(edge.head for edge in plain)
        self.before = {edge.head: edge for edge in plain}
        self.right = set(_entered_from_left(plain, self.picture.sight.boxes))

    def draw(self, alone: bool = True) -> None:
        """alone: whether no frame stands on the page beside it. Graphviz puts what has a frame
        first, so that a column without any may need one that is not seen."""
        turned = reversed if self.picture.across else iter
        columns = self.picture.columns
        bare = [not any(isinstance(part, Frame) for part in column.parts) for column in columns]
        for place, column in turned([*enumerate(columns)]):
            if not bare[place] or (alone and all(bare)):
                self._parts(self.out, column.parts)
                continue
            with self.out.subgraph(name=f"cluster column {place}") as inner:
                inner.attr(label="", margin="0", peripheries="0")
                self._parts(inner, column.parts)
        for edge in turned(self.picture.edges):
            self._edge(edge)
            if isinstance(edge.head, Mark) and edge.head.beside:
                self._put_beside(edge.head)

    def _put_beside(self, bend: Mark) -> None:
        """Beside the widest box that is skipped: as far from what comes before that one."""
        before = self.before[max(bend.beside, key=self.labels.wide)]
        tail, length = self._end(before.tail, ""), self._length(before)
        self.out.edge(tail, self._end(bend, ""), minlen=length, style="invis", weight="2")

    def _parts(self, out: graphviz.Digraph, parts: Sequence[Part]) -> None:
        theme = self.theme
        for part in reversed(parts) if self.picture.across else parts:
            if isinstance(part, Box):
                self._box(out, part)
            elif isinstance(part, Mark):
                self._mark(out, part)
            else:
                again = f" from {part.boxes[0].name}" if part.continued else ""
                with out.subgraph(name=f"cluster {self.prefix}{part.path}{again}") as inner:
                    inner.attr(
                        color=theme.frame_line,
                        fillcolor=theme.frames[min(part.depth, len(theme.frames)) - 1],
                        fontcolor=theme.quiet,
                        id=_id(f"frame {self.prefix}{part.path}{again}"),
                        label=self.labels.frame(part),
                        labeljust="r" if part.path in self.right else "l",
                        margin="5",
                        penwidth="1",
                        peripheries="1",
                        style="rounded,filled",
                        tooltip=part.path,
                    )
                    self._parts(inner, part.parts)

    def _box(self, out: graphviz.Digraph, box: Box) -> None:
        first = box.nodes[0]
        name = self.prefix + box.name
        look = {"id": _id(name), "tooltip": _lines(self.labels.facts(box))}
        if first.op == "InputLayer" and first.state == "sound":
            label = self.labels.terminal(first)
            out.node(name, label, **look, **_terminal(self.theme))
        else:
            out.node(name, self.labels.box(box), **look)

    def _mark(self, out: graphviz.Digraph, mark: Mark) -> None:
        name = self.prefix + mark.name
        look = {"id": _id(name)}
        quiet = self.theme.quiet
        if mark.kind == "passage":
            forks, right = self._forks(mark), not self.right.isdisjoint(mark.frames)
            label = self.labels.passage(mark, forks or not right, forks or right)
            out.node(name, label, fontcolor=quiet, **look)
        elif mark.kind == "link":
            look |= {"color": quiet, "fontcolor": quiet, "fontsize": str(SMALL)}
            out.node(name, mark.text, shape="circle", fixedsize="true", width="0.2", **look)
        elif mark.kind == "bend":
            out.node(name, self.labels.bend(), **look)
        elif mark.kind == "end":
            out.node(name, self.labels.end(mark), fontcolor=quiet, **look)
        else:
            label = self.labels.terminal(self.picture.graph[mark.text])
            out.node(name, label, **look, **_terminal(self.theme))

    def _edge(self, edge: Edge) -> None:
        """Boxes beside others stand two ranks apart, so that what is said between two takes the one
        between, and those of parallel branches stay in rows. Lines leave below and enter above, but
        for those into a merge, which come from all sides."""
        tail, head = edge.tail, edge.head
        fork = self._forks(tail)
        attributes = {"minlen": self._length(edge)}
        if self.entering[head] == 1:  # what slack a branch has lies before the merge
            attributes["weight"] = STRAIGHT if self.leaving[tail] == 1 else "2"
        if _passes(head):
            attributes["arrowhead"] = "none"
        if edge.back:
            attributes |= {"constraint": "false", "style": "dashed"}
        below, above = ("e", "w") if self.picture.across else ("s", "n")
        plain = not edge.skip and not edge.back
        begin = below if plain and (self.picture.across or not fork) else ""
        end = above if plain and self.entering[head] == 1 and not _passes(head) else ""
        if edge.skip:
            begin, end = self._sides(edge)
            attributes |= {"color": self.theme.skip, "penwidth": str(THICK), "weight": "1"}
            if _bends(head):
                attributes["arrowhead"] = "none"
        self.out.edge(self._end(tail, begin), self._end(head, end), **attributes)

    def _sides(self, edge: Edge) -> tuple[str, str]:
        """Where a skip connection leaves and enters: points at their side, boxes wherever, as the
        line is beside them only where they are narrow; across the page at a corner, as it would
        rise before it falls on a side."""
        side, above, below = ("n", "w", "e") if self.picture.across else ("e", "n", "s")
        if _bends(edge.head):
            return side if isinstance(edge.tail, Mark) else "", above
        into = "nw" if self.picture.across else side
        return below, into if isinstance(edge.head, Box) and not edge.head.block else ""

    def _forks(self, part: Box | Mark) -> bool:
        return isinstance(part, Mark) and self.leaving[part] > 1

    def _length(self, edge: Edge) -> str:
        """In ranks."""
        through = (_passes(edge.tail) and not self._forks(edge.tail)) or _passes(edge.head)
        if through or not self._crowded(edge):
            return "1"
        wide = self._forks(edge.tail) and self.leaving[edge.tail] > 2
        return "4" if wide else "2"  # so that the outer lines are not flat

    def _crowded(self, edge: Edge) -> bool:
        beside = self.picture.beside
        return any(isinstance(end, Box) and beside[end.rank] > 1 for end in (edge.tail, edge.head))

    def _end(self, part: Box | Mark, side: str) -> str:
        """Where an edge is fixed."""
        at = [
            self.prefix + part.name,
            *([MIDDLE] if _passes(part) or _bends(part) else []),
            *([side] if side else []),
        ]
        return ":".join(at)


def _entered_from_left(edges: Iterable[Edge], boxes: Iterable[Box]) -> Iterator[str]:
    """Paths of the frames that a fork enters beside an earlier branch, and so from the left, where
    a title would be in the way."""
    order: dict[Box | Mark, int] = {box: place for place, box in enumerate(boxes)}
    leaving: dict[Box | Mark, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.tail].append(edge)

    def first(part: Box | Mark) -> int:
        """The place of the first box that it is, or leads to."""
        if part not in order:
            order[part] = min(
                (first(edge.head) for edge in leaving.get(part, ())), default=len(order)
            )
        return order[part]

    for tail, branches in leaving.items():
        _, *later = sorted(branches, key=lambda edge: first(edge.head))
        for edge in later:
            yield from (path for path in edge.head.frames if path not in tail.frames)


def _passes(part: Box | Mark) -> bool:
    return isinstance(part, Mark) and part.kind == "passage"


def _bends(part: Box | Mark) -> bool:
    return isinstance(part, Mark) and part.kind == "bend"


def _scale(pictures: Iterable[Picture], style: Style) -> Heat | None:
    """From nothing to the most costly box of all."""
    if style.heat is None:
        return None
    each = [cost(style.heat, box.stands) for picture in pictures for box in picture.sight.boxes]
    known = [value for value in each if value is not None]
    return Heat(style.heat, max(known, default=0))


def _terminal(theme: Theme) -> dict[str, str]:
    return {
        "color": theme.ink,
        "fillcolor": theme.plain,
        "height": "0.2",
        "margin": "0.08,0.03",
        "shape": "box",
        "style": "rounded,filled",
    }


def _id(name: str) -> str:
    """Of an element of the drawing, which holds no spaces."""
    return name.replace(" ", "-")


def _lines(lines: Iterable[str]) -> str:
    """Plain text of several lines, with Graphviz's escape between them."""
    return str(graphviz.nohtml(r"\n".join(map(graphviz.escape, lines))))
