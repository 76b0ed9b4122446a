"""Write pictures as DOT text, for `render` or any Graphviz.

`plan` decides what is shown and `labels` what is written; here it becomes Graphviz's nodes,
clusters and edges. The same graph gives the same text: ids are the nodes' names, and everything is
in graph order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import graphviz  # type: ignore[import-untyped]
from msgspec.structs import replace

from archspec.differences.changes import ChangedGraph
from archspec.graph import Graph
from archspec.pictures.blocks import DistinctBlock
from archspec.pictures.boxes import View
from archspec.pictures.cells import describe_box
from archspec.pictures.differences import mark_differences
from archspec.pictures.labels import MIDDLE, Labels
from archspec.pictures.plan import Picture, plan_in_one_column, plan_overview, plan_picture
from archspec.pictures.scene import Box, Edge, Frame, Mark
from archspec.pictures.style import FONT, NORMAL, SMALL, THEMES, Heat, Style, Theme, sum_cost
from archspec.pictures.ways import find_rows, has_exchange

STRAIGHT = "600"  # the weight of a line that has no reason to bend
STRAIGHTER = "601"  # of one that is also to be short, where others leave it space


def to_dot(graph: Graph, view: View | None = None, style: Style | None = None) -> str:
    """Return the DOT text of a network."""
    style = style or Style()
    picture = plan_picture(graph, view or View(), style.across)
    style = style.turn(picture.across)
    labels = Labels(picture, THEMES[style.theme], _make_scale([picture], style))
    return draw_picture(labels, labels.write_heading(), style)


def draw_picture(labels: Labels, heading: str, style: Style) -> str:
    """Return the DOT text of a picture under its heading."""
    picture = labels.picture
    out = _make_page(picture.graph.name, heading, style, [picture], len(picture.columns))
    _Drawing(out, labels).draw()
    return str(out.source)


def side_by_side(
    graphs: Sequence[Graph], view: View | None = None, style: Style | None = None
) -> str:
    """Return the DOT text of several networks in one picture.

    The depth of folding and the scale of heat are the same for all of them. What differs from the
    first is marked.
    """
    pictures, style = plan_side_by_side(graphs, view or View(), style or Style())
    scale = _make_scale(pictures, style)
    labels = [Labels(each, THEMES[style.theme], scale) for each in pictures]
    return draw_side_by_side(mark_differences(labels), style)


def plan_side_by_side(
    graphs: Sequence[Graph | ChangedGraph], view: View, style: Style
) -> tuple[list[Picture], Style]:
    """Return the pictures of networks side by side, and their style: down if one cannot run across
    the page."""
    view = replace(view, readable=view.readable // len(graphs))
    pictures = [plan_in_one_column(graph, view, style.across) for graph in graphs]
    if style.across and any(picture.scene.has_ways_up for picture in pictures):
        style = style.turn(False)
        pictures = [plan_in_one_column(graph, view) for graph in graphs]
    return pictures, style


def draw_side_by_side(drawn: Sequence[Labels], style: Style, heading: str = "") -> str:
    """Return the DOT text of pictures side by side, each under its own heading."""
    pictures = [labels.picture for labels in drawn]
    names = " and ".join(picture.graph.name for picture in pictures)
    out = _make_page(names, heading, style, pictures, len(pictures))
    for index, labels in style.put_in_order([*enumerate(drawn, 1)]):
        with out.subgraph(name=f"cluster {index}") as inner:
            inner.attr(
                id=f"network-{index}",
                label=labels.write_heading(),
                margin="8",
                peripheries="0",
                tooltip=graphviz.escape(labels.picture.graph.name),
            )
            _Drawing(inner, labels, f"{index}/").draw()
    return str(out.source)


def to_blocks(graph: Graph, fold: bool = True, style: Style | None = None) -> str:
    """Return the DOT text of a network as papers draw it: an overview with its blocks beside it.

    Each distinct block is drawn once, in a colour of its own. fold: whether repeats are drawn once.
    """
    style = style or Style()
    theme = THEMES[style.theme]
    overview, inside, arrangement = plan_overview(graph, fold, style.across)
    style = style.turn(overview.across)
    below, *columns = arrangement
    colours = [theme.blocks[index % len(theme.blocks)] for index in range(len(inside))]
    drawn = {
        path: (block, fill)
        for (block, _), fill in zip(inside, colours, strict=True)
        for path in block.uses
    }
    labels = Labels(overview, theme, _make_scale([overview], style), drawn)
    width = len(overview.columns) + len(columns)
    out = _make_page(graph.name, labels.write_heading(), style, [overview], width)
    drawings: list[Callable[[], None]] = [partial(_Drawing(out, labels).draw, alone=False)]
    for column in arrangement:
        for index in column:
            block, picture = inside[index]
            labels = Labels(picture, theme, symbols=block.symbols)
            drawings.append(partial(_draw_block, out, labels, block, colours[index]))
    for draw in style.put_in_order(drawings):
        draw()
    for index in below[:1]:
        for part in overview.last_parts():
            _put_below(out, part.name, inside[index])
    for column in arrangement:
        for above, index in pairwise(column):
            block, picture = inside[above]
            *_, tail = _list_ends(picture)
            _put_below(out, f"{block.title}/{tail.name}", inside[index])
    return str(out.source)


def _draw_block(out: graphviz.Digraph, labels: Labels, block: DistinctBlock, fill: str) -> None:
    """Draw a block by itself, in a frame of its colour."""
    title = block.title
    with out.subgraph(name=f"cluster {title}/") as inner:
        inner.attr(
            color=fill,
            id=_make_id(f"block {title}"),
            label=labels.write_block_title(block, fill),
            labeljust="l",
            margin="14",  # lines may leave the frames inside
            penwidth="2",
            style="rounded",
            tooltip=title,
        )
        _Drawing(inner, labels, f"{title}/").draw()


def _put_below(out: graphviz.Digraph, above: str, below: tuple[DistinctBlock, Picture]) -> None:
    """Put a block below a node, by an invisible line."""
    block, picture = below
    head, *_ = _list_ends(picture)
    out.edge(above, f"{block.title}/{head.name}", minlen="2", style="invis")


def _list_ends(picture: Picture) -> list[Mark]:
    """Return the marks where a block that is drawn by itself begins and ends."""
    parts = picture.columns[0].parts
    return [part for part in parts if isinstance(part, Mark) and part.kind == "end"]


def _make_page(
    name: str, heading: str, style: Style, pictures: Iterable[Picture], columns: int
) -> graphviz.Digraph:
    """Return a DOT page without nodes, for pictures in `columns` columns side by side."""
    theme = THEMES[style.theme]
    text = {"fontname": FONT, "fontcolor": theme.ink}
    packed = "array_cu1" if style.across else f"array_ut{columns}"
    # With newrank rows go through frames that stand side by side; it cannot be packed.
    scenes = [picture.scene for picture in pictures]
    rows = any(scene.has_ways_up or has_exchange(scene) for scene in scenes)
    packing = {"newrank": "true"} if rows else {"pack": "16", "packmode": packed}
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
            "ranksep": "0.12",
            "tooltip": graphviz.escape(name),
            **packing,
            **text,
        },
        node_attr={"shape": "plain", "fontsize": str(NORMAL), **text},
        edge_attr={"arrowsize": "0.5", "color": theme.quiet},
    )


class _Drawing:
    """Draws one picture on a page; prefix: that of its names, if there are others on the page."""

    def __init__(self, out: graphviz.Digraph, labels: Labels, prefix: str = "") -> None:
        self.out = out
        self.labels = labels
        self.picture = labels.picture
        self.theme = labels.theme
        self.prefix = prefix
        plain = [
            edge
            for edge in self.picture.edges
            if not (edge.skip or edge.back or edge.way == "level")
        ]
        self.leaving = Counter(edge.tail for edge in plain)
        self.entering = Counter(edge.head for edge in plain)
        self.before = {edge.head: edge for edge in plain}
        self.bent = {edge.head: edge for edge in self.picture.edges if edge.skip}
        self.right = set(_find_entered_from_left(plain, self.picture))
        edges = self.picture.edges
        self.row = {(edges[i].tail, edges[i].head) for i in find_rows(edges, self.picture.parts)}
        self.rising, self.sinking = (
            {end for edge in edges if edge.way == way for end in (edge.tail, edge.head)}
            for way in ("up", "down")
        )

    def draw(self, alone: bool = True) -> None:
        """Draw columns and lines.

        alone: whether the page has no frame beside the picture. Graphviz puts what has a frame
        first, so a column without frames may need an invisible one; and it turns what has none in
        a picture across the page.
        """
        turned = reversed if self.picture.across else iter
        columns = self.picture.columns
        bare = [not any(isinstance(part, Frame) for part in column.parts) for column in columns]
        for index, column in turned([*enumerate(columns)]):
            if not self.picture.across and (not bare[index] or (alone and all(bare))):
                self._draw_parts(self.out, column)
                self._put_in_order(self.out, column)
                continue
            with self.out.subgraph(name=f"cluster column {self.prefix}{index}") as inner:
                inner.attr(label="", margin="0", peripheries="0")
                self._draw_parts(inner, column)
                self._put_in_order(inner, column)
        for edge in turned(self.picture.edges):
            self._draw_edge(edge)
            head = self.picture.parts[edge.head]
            if isinstance(head, Mark) and head.skipped:
                self._put_beside(head)

    def _put_in_order(self, out: graphviz.Digraph, column: Frame) -> None:
        """Put inputs that lead to the same rank, and outputs that leave one, in the order declared.

        Others are not beside each other, and stay where their lines are short.
        """
        scene = self.picture.scene
        rank = {box.name: box.rank for box in scene.boxes}
        rows: dict[tuple[str, int], list[str]] = defaultdict(list)
        for part in column.parts:
            name = part.name
            heads = [
                rank[edge.head]
                for edge in scene.edges
                if edge.tail == name in rank and edge.head in rank
            ]
            tails = [
                rank[edge.tail] for edge in scene.edges if edge.head == name and edge.tail in rank
            ]
            if isinstance(part, Box) and part.nodes[0].op == "InputLayer" and heads:
                rows["inputs", min(heads)].append(self.prefix + name)
            elif isinstance(part, Mark) and part.kind == "output" and tails:
                rows["outputs", max(tails)].append(self.prefix + name)
        for names in rows.values():
            if self.picture.across:
                names.reverse()
            if len(names) > 1:
                with out.subgraph() as row:
                    row.attr(rank="same")
                    for one, other in pairwise(names):
                        row.edge(one, other, style="invis")

    def _put_beside(self, bend: Mark) -> None:
        """Put a bend beside the widest box that is skipped.

        It is at the same distance from the part before that box.
        """
        skipped = [
            part for name in bend.skipped if isinstance(part := self.picture.parts[name], Box)
        ]
        before = self.before[max(skipped, key=self.labels.measure_beside).name]
        tail, length = self._write_end(before.tail), self._choose_length(before)
        ends = [tail, self._write_end(bend.name)]
        if before.way == "up":
            ends.reverse()
        self.out.edge(*ends, minlen=length, style="invis", weight="2")

    def _draw_parts(self, out: graphviz.Digraph, frame: Frame) -> None:
        """Draw what is in a frame or column."""
        for part in reversed(frame.parts) if self.picture.across else frame.parts:
            if isinstance(part, Box):
                self._draw_box(out, part)
            elif isinstance(part, Mark):
                self._draw_mark(out, part)
            else:
                self._draw_frame(out, part)

    def _draw_frame(self, out: graphviz.Digraph, frame: Frame) -> None:
        theme = self.theme
        again = f" from {frame.boxes[0].name}" if frame.continued else ""
        name = f"{self.prefix}{frame.path}{again}"
        with out.subgraph(name=f"cluster {name}") as inner:
            inner.attr(
                color=theme.frame_line,
                fillcolor=theme.frames[min(frame.depth, len(theme.frames)) - 1],
                fontcolor=theme.quiet,
                id=_make_id(f"frame {name}"),
                label=self.labels.write_frame(frame),
                labeljust="r" if frame.path in self.right else "l",
                **self._place_title(frame),
                margin="5",
                penwidth="1",
                peripheries="1",
                style="rounded,filled",
                tooltip=frame.path,
            )
            inner.attr(**self.labels.style_frame(frame))
            self._draw_parts(inner, frame)

    def _draw_box(self, out: graphviz.Digraph, box: Box) -> None:
        first = box.nodes[0]
        name = self.prefix + box.name
        facts = describe_box(self.picture.scene, box)
        look = {"id": _make_id(name), "tooltip": _join_lines(facts)}
        if first.op == "InputLayer" and first.state == "sound":
            label = self.labels.write_terminal(first, box.name)
            look |= _style_terminal(self.theme) | self.labels.style_terminal(box.name)
            out.node(name, label, **look)
        else:
            out.node(name, self.labels.write_box(box), **look)

    def _draw_mark(self, out: graphviz.Digraph, mark: Mark) -> None:
        name = self.prefix + mark.name
        look = {"id": _make_id(name)}
        quiet = self.theme.quiet
        if mark.kind == "passage":
            forks = self._forks(mark.name)
            right = bool(mark.frames) and mark.frames[-1] in self.right
            label = self.labels.write_passage(mark, forks or not right, forks or right)
            out.node(name, label, fontcolor=quiet, **look)
        elif mark.kind == "link":
            look |= {"color": quiet, "fontcolor": quiet, "fontsize": str(SMALL)}
            out.node(name, mark.text, shape="circle", fixedsize="true", width="0.2", **look)
        elif mark.kind == "bend":
            colour = self.labels.style_edge(self.bent[mark.name])["color"]
            out.node(name, self.labels.write_bend(colour), **look)
        elif mark.kind == "end":
            out.node(name, self.labels.write_end(mark), fontcolor=quiet, **look)
        else:
            label = self.labels.write_terminal(self.picture.graph[mark.text], mark.name)
            look |= _style_terminal(self.theme) | self.labels.style_terminal(mark.name)
            out.node(name, label, **look)

    def _draw_edge(self, edge: Edge) -> None:
        """Draw an edge.

        Boxes beside others are two ranks apart, so that a label between two takes the rank between,
        and boxes of parallel branches stay in rows. Lines leave below and enter above, except those
        into a merge, which come from all sides.
        """
        if edge.way == "level":
            self._draw_level(edge)
            return
        tail, head = edge.tail, edge.head
        fork = self._forks(tail)
        attributes = {"minlen": self._choose_length(edge)}
        if self.entering[head] == 1:  # so a short branch has its gap before the merge
            attributes["weight"] = STRAIGHT if self.leaving[tail] == 1 else "2"
            if self.rising and self._is(tail, "passage") and not fork:
                attributes["weight"] = STRAIGHTER
        if self._is(head, "passage"):
            attributes["arrowhead"] = "none"
        if edge.back:
            attributes |= {"constraint": "false", "style": "dashed"}
        below, above = self._name_sides(edge)
        plain = not edge.skip and not edge.back
        begin = below if plain and (self.picture.across or not fork) else ""
        enters = plain and self.entering[head] == 1 and not self._is(head, "passage")
        end = above if enters else ""
        if edge.skip:
            begin, end = self._choose_sides(edge)
            attributes["weight"] = "1"
            if self._is(head, "bend"):
                attributes["arrowhead"] = "none"
        attributes |= self.labels.style_edge(edge)
        self._write_edge(
            self._write_end(tail, begin), self._write_end(head, end), edge.way == "up", attributes
        )

    def _draw_level(self, edge: Edge) -> None:
        """Draw an edge from one way to another, straight to the side if its ends are in a row."""
        attributes = self.labels.style_edge(edge)
        if self._is(edge.head, "passage"):
            attributes["arrowhead"] = "none"
        if (edge.tail, edge.head) not in self.row:
            attributes["constraint"] = "false"
            self.out.edge(self._write_end(edge.tail), self._write_end(edge.head), **attributes)
            return
        begin, end = ("s", "n") if self.picture.across else ("e", "w")
        tail, head = self._write_end(edge.tail, begin), self._write_end(edge.head, end)
        with self.out.subgraph() as row:
            row.attr(rank="same")
            row.node(self.prefix + edge.tail)
            row.node(self.prefix + edge.head)
        self._write_edge(tail, head, self.picture.across, attributes)

    def _write_edge(self, tail: str, head: str, turned: bool, attributes: dict[str, str]) -> None:
        """Write an edge; turned: as one from its head to its tail, so that the head comes first."""
        if turned:
            arrow = attributes.pop("arrowhead", "normal")
            attributes |= {"arrowtail": arrow, "dir": "back"}
            tail, head = head, tail
        self.out.edge(tail, head, **attributes)

    def _name_sides(self, edge: Edge) -> tuple[str, str]:
        """Return the sides where an edge leaves a part and where it enters one."""
        sides = ("e", "w") if self.picture.across else ("s", "n")
        return (sides[1], sides[0]) if edge.way == "up" else sides

    def _place_title(self, frame: Frame) -> dict[str, str]:
        """Return where a title is: below what goes up, so that lines enter beside it."""
        inside = {box.name for box in frame.boxes}
        return {"labelloc": "b"} if inside & self.rising and not inside & self.sinking else {}

    def _choose_sides(self, edge: Edge) -> tuple[str, str]:
        """Return the sides where a skip connection leaves and enters.

        Points have it at their side; boxes anywhere, as the line is beside them only where they are
        narrow. In a picture across the page it enters a corner, because it would rise before it
        falls on a side.
        """
        side = "n" if self.picture.across else "e"
        below, above = self._name_sides(edge)
        tail, head = self.picture.parts[edge.tail], self.picture.parts[edge.head]
        if self._is(edge.head, "bend"):
            return side if isinstance(tail, Mark) else "", above
        into = f"n{above}" if self.picture.across else side
        return below, into if isinstance(head, Box) and not head.block else ""

    def _is(self, name: str, kind: str) -> bool:
        """Return whether a part is a mark of a kind."""
        part = self.picture.parts[name]
        return isinstance(part, Mark) and part.kind == kind

    def _forks(self, name: str) -> bool:
        """Return whether several lines leave a mark."""
        return isinstance(self.picture.parts[name], Mark) and self.leaving[name] > 1

    def _choose_length(self, edge: Edge) -> str:
        """Return the length of an edge in ranks."""
        forks = self._forks(edge.tail)
        through = (self._is(edge.tail, "passage") and not forks) or self._is(edge.head, "passage")
        if through or not self._is_crowded(edge):
            return "1"
        # With less than 4 the outer lines of a wide fork would be flat.
        return "4" if forks and self.leaving[edge.tail] > 2 else "2"

    def _is_crowded(self, edge: Edge) -> bool:
        """Return whether an end of an edge has boxes beside it."""
        ends = [self.picture.parts[name] for name in (edge.tail, edge.head)]
        return any(isinstance(end, Box) and self.picture.breadths[end.rank] > 1 for end in ends)

    def _write_end(self, name: str, side: str = "") -> str:
        """Return an end of an edge as DOT has it: node, port and side."""
        pointed = self._is(name, "passage") or self._is(name, "bend")
        at = [self.prefix + name, *([MIDDLE] if pointed else []), *([side] if side else [])]
        return ":".join(at)


def _find_entered_from_left(edges: Iterable[Edge], picture: Picture) -> Iterator[str]:
    """Yield the paths of the frames that a fork enters from the left, where a title would be.

    These are frames beside an earlier branch of the fork.
    """
    order = {box.name: index for index, box in enumerate(picture.scene.boxes)}
    leaving: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.tail].append(edge)

    def find_index(name: str) -> int:
        """Return the index of a box, or of the first box that a mark leads to."""
        if name not in order:
            heads = [edge.head for edge in leaving.get(name, ())]
            order[name] = min(map(find_index, heads), default=len(order))
        return order[name]

    for tail, branches in leaving.items():
        around = picture.parts[tail].frames
        _, *later = sorted(branches, key=lambda edge: find_index(edge.head))
        for edge in later:
            yield from (path for path in picture.parts[edge.head].frames if path not in around)


def _make_scale(pictures: Iterable[Picture], style: Style) -> Heat | None:
    """Return the scale from nothing to the most costly box of all pictures, if there is heat."""
    if style.heat is None:
        return None
    each = [
        sum_cost(style.heat, box.represented) for picture in pictures for box in picture.scene.boxes
    ]
    known = [value for value in each if value is not None]
    return Heat(style.heat, max(known, default=0))


def _style_terminal(theme: Theme) -> dict[str, str]:
    """Return the look of an input or output of the network."""
    return {
        "color": theme.ink,
        "fillcolor": theme.plain,
        "height": "0.2",
        "margin": "0.08,0.03",
        "shape": "box",
        "style": "rounded,filled",
    }


def _make_id(name: str) -> str:
    """Return the id of an element of the drawing, which has no spaces."""
    return name.replace(" ", "-")


def _join_lines(lines: Iterable[str]) -> str:
    """Return several lines of plain text, with Graphviz's escape between them."""
    return str(graphviz.nohtml(r"\n".join(map(graphviz.escape, lines))))
