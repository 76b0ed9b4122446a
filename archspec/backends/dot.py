"""A graph as a picture: DOT text, and that text drawn as SVG, PNG or PDF.

`picture` says what is shown; here is how it looks. A box reads like a line of the paper's table:
`conv 3×3, 64, /2 | BN | ReLU | 14×14×64`, with the shape where it changes.

The same graph gives the same text: ids are the nodes' names, and everything is in graph order.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import graphviz  # type: ignore[import-untyped]

from archspec.backends import words
from archspec.backends.picture import Box, Edge, Frame, Mark, Part, Picture, plan
from archspec.errors import UserError
from archspec.graph import Graph, Node, Shape, params
from archspec.writing import writing

FORMATS = (".svg", ".png", ".pdf", ".dot")
FONT = "Helvetica"
INK, GREY, SKIP, WRONG = "#222222", "#666666", "#0B5FA5", "#C00000"
FRAMES = ("#F6F6F6", "#EDEDED", "#E4E4E4")  # by depth
FRAME_LINE = "#C4C4C4"

# Kind of layer -> fill, after Paul Tol's light scheme: apart for every common colour blindness, and
# light enough for black text. The first pattern that is found in the op decides.
FILLS = (
    (r"Normalization", "#F3E7AE"),
    (r"Pool", "#8FD3BF"),
    (r"Conv", "#9CC3E6"),
    (r"Dense|Embedding", "#F4AE93"),
    (r"LSTM|GRU|RNN|Attention", "#D9BFE0"),
    (r"ReLU|Activation|Softmax|ELU", "#FFC9D3"),
    (r"^(Add|Multiply|Concatenate|Subtract|Average|Maximum|Minimum|Dot)$", "#DCE38C"),
    (r"Dropout|Noise|Random", "#DDDDDD"),
)
PLAIN = "#F7F7F7"
NARROW = 2  # boxes side by side in a frame
ONE_LINE = 16  # letters that a box of a compact picture says in one line

TERMINAL = {
    "shape": "box",
    "style": "rounded,filled",
    "fillcolor": "white",
    "color": INK,
    "margin": "0.08,0.03",
    "height": "0.2",
}
FORK = {"shape": "point", "width": "0.03", "color": GREY, "label": ""}
LINK = {
    "shape": "circle",
    "fixedsize": "true",
    "width": "0.2",
    "fontsize": "8",
    "color": GREY,
    "fontcolor": GREY,
}


def to_dot(graph: Graph) -> str:
    """DOT text of the whole network, for `render` or any Graphviz."""
    picture = plan(graph)
    out = graphviz.Digraph(
        name=graph.name,
        graph_attr={
            "label": _heading(graph),
            "labelloc": "t",
            "fontname": FONT,
            "fontcolor": INK,
            "nodesep": "0.16",
            "ranksep": "0.16",
            "pad": "0.1",
            "pack": "24",
            "packmode": f"array_ut{len(picture.columns)}",
            "tooltip": graph.name,
        },
        node_attr={"shape": "plain", "fontname": FONT, "fontsize": "10", "fontcolor": INK},
        edge_attr={"arrowsize": "0.5", "color": GREY, "fontname": FONT, "fontsize": "8"},
    )
    for column in picture.columns:
        _draw_parts(out, column.parts, picture)
    for edge in picture.edges:
        _draw_edge(out, edge)
    return str(out.source)


def _heading(graph: Graph) -> str:
    lines = [f'<FONT POINT-SIZE="14">{_bold(graph.name)}</FONT>']
    lines += [escape(line) for line in textwrap.wrap(graph.description, 76)]
    totals = f"{words.count(graph.total_params)} parameters, {words.count(graph.macs)} MACs"
    lines.append(f'<FONT COLOR="{GREY}">{totals}</FONT>')
    rows = "".join(f"<TR><TD>{line}</TD></TR>" for line in lines)
    table = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>'
    return f'<<FONT POINT-SIZE="10">{table}</FONT>>'


# --- frames and boxes ----------------------------------------------------------------------------


def _draw_parts(out: graphviz.Digraph, parts: Sequence[Part], picture: Picture) -> None:
    for part in parts:
        if isinstance(part, Box):
            _draw_box(out, part, picture)
        elif isinstance(part, Mark):
            _draw_mark(out, part, picture.graph)
        else:
            again = f" from {part.boxes[0].name}" if part.continued else ""
            with out.subgraph(name=f"cluster {part.path}{again}") as inner:
                inner.attr(
                    label=_frame_title(part),
                    labeljust="l",
                    fontsize="8",
                    fontcolor=GREY,
                    color=FRAME_LINE,
                    style="rounded,filled",
                    fillcolor=FRAMES[min(part.depth, len(FRAMES)) - 1],
                    margin="5",
                    tooltip=part.path,
                )
                _draw_parts(inner, part.parts, picture)


def _frame_title(frame: Frame) -> str:
    """`unit0: residual`; in a narrow frame on two lines, as the line that enters it in the middle
    would run through a long title."""
    name = frame.path.rpartition(".")[2]
    titles = [name] if not frame.title or name.startswith(frame.title) else [name, frame.title]
    if frame.continued:
        titles.append("(continued)")
    lines = titles if frame.breadth <= NARROW else [": ".join(titles)]
    return _lines([*lines, ""], r"\l")


def _draw_mark(out: graphviz.Digraph, mark: Mark, graph: Graph) -> None:
    if mark.kind == "fork":
        out.node(mark.name, **FORK)
    elif mark.kind == "link":
        out.node(mark.name, mark.text, **LINK)
    else:
        out.node(mark.name, _terminal(graph[mark.text]), **TERMINAL)


def _terminal(node: Node) -> str:
    return str(graphviz.escape(f"{node.name}  {words.shape(_shape(node))}"))


def _draw_box(out: graphviz.Digraph, box: Box, picture: Picture) -> None:
    first, last = box.nodes[0], box.nodes[-1]
    tooltip = _lines(map(_tooltip, box.nodes), r"\n")
    if first.op == "InputLayer":
        out.node(box.name, _terminal(first), tooltip=tooltip, **TERMINAL)
        return
    strips = list(_strips(box, picture.graph))
    cells = [f'<TD BGCOLOR="{fill}">{markup}</TD>' for fill, _, markup in strips]
    rows = [cells]
    if picture.compact and sum(len(text) for _, text, _ in strips) > ONE_LINE and len(cells) > 1:
        rows = [[cells[0].replace("<TD", f'<TD COLSPAN="{len(cells) - 1}"', 1)], cells[1:]]
    table = {
        "BORDER": "1",
        "CELLBORDER": "0",
        "CELLSPACING": "0",
        "CELLPADDING": "3",
        "COLOR": GREY if last.facts else WRONG,
    }
    if first.reuses:
        table["STYLE"] = "dashed"
    head = " ".join(f'{key}="{value}"' for key, value in table.items())
    body = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    out.node(box.name, f"<<TABLE {head}>{body}</TABLE>>", tooltip=tooltip)


def _strips(box: Box, graph: Graph) -> Iterator[tuple[str, str, str]]:
    """Fill, text and that text as markup of each cell of a box: its layers, then what is new of
    the shape."""
    first, last = box.nodes[0], box.nodes[-1]
    for node in box.nodes:
        text = f"{words.title(node)} {', '.join(words.details(node))}".strip()
        yield _fill(node.op), text, _bold(text) if node is first else escape(text)
        activation = words.activation(node)
        if activation and node.op != "Activation":
            yield _fill("Activation"), activation, escape(activation)
    if first.reuses:
        yield "white", first.reuses, f"<I>shared: {escape(first.reuses)}</I>"
    text = words.shape(_shape(last))
    if _shape(last) != _shape(graph[first.inputs[0]]) and text not in words.details(first):
        yield "white", text, f'<FONT COLOR="{GREY}">{text}</FONT>'


def _lines(lines: Iterable[str], end: str) -> str:
    """Plain text of several lines. end: Graphviz's escape between them, which also aligns them."""
    return str(graphviz.nohtml(end.join(map(graphviz.escape, lines))))


def _bold(text: str) -> str:
    """Markup by the face's name: Graphviz raises what is in <B> above the rest of its line."""
    return f'<FONT FACE="{FONT}-Bold">{escape(text)}</FONT>'


def _fill(op: str) -> str:
    return next((fill for pattern, fill in FILLS if re.search(pattern, op)), PLAIN)


def _tooltip(node: Node) -> str:
    """The facts of one layer, and where it is written."""
    facts = [node.name, node.op, words.shape(_shape(node))]
    if params(node):
        facts.append(f"{params(node):,} parameters")
    if node.facts and node.facts.macs:
        facts.append(f"{node.facts.macs:,} MACs")
    facts.append(f"{Path(node.span.source.name).name}:{node.span.line}")
    return ", ".join(facts)


def _shape(node: Node) -> Shape:
    return node.facts.shape if node.facts else (None, None)


# --- edges ---------------------------------------------------------------------------------------


def _draw_edge(out: graphviz.Digraph, edge: Edge) -> None:
    attributes: dict[str, str] = {}
    if isinstance(edge.head, Mark) and edge.head.kind == "fork":
        attributes |= {"arrowhead": "none", "weight": "4"}
    elif not (isinstance(edge.head, Box) and len(edge.head.nodes[0].inputs) > 1):
        attributes |= {"weight": "2"}  # what slack a branch has lies before the merge
    if edge.skip:
        attributes |= {"color": SKIP, "penwidth": "1.6", "weight": "0"}
    if edge.label:
        attributes |= {"label": graphviz.escape(edge.label)}
    out.edge(edge.tail.name, edge.head.name, **attributes)


# --- drawing -------------------------------------------------------------------------------------


def render(dot: str, path: Path) -> None:
    """Draw DOT text to a file, in the format that its suffix names. The file appears whole."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UserError(
            f"cannot draw '{path}': its suffix must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
            hint=f"write '{path.with_suffix(FORMATS[0])}'",
        )
    with writing(path) as temporary:
        if suffix == ".dot":
            temporary.write_text(dot, encoding="utf-8")
        else:
            _lay_out(dot, temporary, suffix[1:])


def to_svg(graph: Graph) -> str:
    """The picture as an SVG element, for a page or a notebook."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.svg"
        _lay_out(to_dot(graph), path, "svg")
        text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def _lay_out(dot: str, path: Path, form: str) -> None:
    import pygraphviz  # loads Graphviz's libraries: 30 ms

    resolution = "-Gdpi=150" if form == "png" else ""  # in SVG and PDF it would cut the page
    with _without_font_warnings():
        pygraphviz.AGraph(string=dot).draw(str(path), format=form, prog="dot", args=resolution)


@contextmanager
def _without_font_warnings() -> Iterator[None]:
    """Pass on what Graphviz writes to standard error, but for its font library's complaints about
    settings of the system that are newer than itself: nobody can act on them."""
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "wb") as stderr, TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr.fileno(), 2)
            caught.seek(0)
            stderr.writelines(line for line in caught if not line.startswith(b"Fontconfig"))
