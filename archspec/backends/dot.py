"""A graph as a picture: DOT text, and that text drawn as SVG, PNG or PDF.

`picture` says what is shown; here is how it looks. A box reads like a line of the paper's table:
`conv 3×3, 64, /2 | BN | ReLU | 14×14×64`, with the shape where it changes.

The same graph gives the same text: ids are the nodes' names, and everything is in graph order.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path

import graphviz  # type: ignore[import-untyped]

from archspec.backends import words
from archspec.backends.picture import Box, Edge, Frame, Mark, plan
from archspec.errors import UserError
from archspec.graph import Graph, Node, Shape, params

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
            "packmode": "array_ut",
            "tooltip": graph.name,
        },
        node_attr={"shape": "plain", "fontname": FONT, "fontsize": "10", "fontcolor": INK},
        edge_attr={"arrowsize": "0.5", "color": GREY, "fontname": FONT, "fontsize": "8"},
    )
    for column in picture.columns:
        _draw_parts(out, column, graph, picture.compact)
    for edge in picture.edges:
        _draw_edge(out, edge)
    return str(out.source)


def _heading(graph: Graph) -> str:
    lines = [f'<FONT POINT-SIZE="14">{_bold(graph.name)}</FONT>']
    lines += [escape(line) for line in textwrap.wrap(graph.description, 60)]
    totals = f"{words.count(graph.total_params)} parameters, {words.count(graph.macs)} MACs"
    lines.append(f'<FONT COLOR="{GREY}">{totals}</FONT>')
    rows = "".join(f"<TR><TD>{line}</TD></TR>" for line in lines)
    return f'<<FONT POINT-SIZE="10"><TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE></FONT>>'


# --- frames and boxes ----------------------------------------------------------------------------


def _draw_parts(
    out: graphviz.Digraph, frame: Frame, graph: Graph, compact: bool, depth: int = 0
) -> None:
    for part in frame.parts:
        if isinstance(part, Box):
            _draw_box(out, part, graph, compact)
        elif isinstance(part, Mark):
            _draw_mark(out, part, graph)
        else:
            titles = [part.path.rpartition(".")[2], part.title]
            # In a narrow frame the line that enters it would run through a long title.
            lines = titles if part.breadth <= 2 else [": ".join(filter(None, titles))]
            with out.subgraph(name=f"cluster {part.path}") as inner:
                inner.attr(
                    label=graphviz.nohtml(
                        "".join(graphviz.escape(line) + r"\l" for line in lines if line)
                    ),
                    labeljust="l",
                    fontsize="8",
                    fontcolor=GREY,
                    color=FRAME_LINE,
                    style="rounded,filled",
                    fillcolor=FRAMES[min(depth, len(FRAMES) - 1)],
                    margin="5",
                    tooltip=part.path,
                )
                _draw_parts(inner, part, graph, compact, depth + 1)


def _draw_mark(out: graphviz.Digraph, mark: Mark, graph: Graph) -> None:
    if mark.kind == "fork":
        out.node(_id(mark), **FORK)
    elif mark.kind == "link":
        out.node(_id(mark), mark.text, **LINK)
    else:
        out.node(_id(mark), _terminal(graph[mark.text]), **TERMINAL)


def _terminal(node: Node) -> str:
    return str(graphviz.escape(f"{node.name}  {words.shape(_shape(node))}"))


def _draw_box(out: graphviz.Digraph, box: Box, graph: Graph, compact: bool) -> None:
    first, last = box.nodes[0], box.nodes[-1]
    tooltip = graphviz.escape("\n".join(map(_tooltip, box.nodes)))
    if first.op == "InputLayer":
        out.node(_id(box), _terminal(first), tooltip=tooltip, **TERMINAL)
        return
    strips = list(_strips(box, graph))
    cells = [f'<TD BGCOLOR="{fill}">{markup}</TD>' for fill, _, markup in strips]
    rows = [cells]
    if compact and sum(len(text) for _, text, _ in strips) > ONE_LINE and len(cells) > 1:
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
    out.node(_id(box), f"<<TABLE {head}>{body}</TABLE>>", tooltip=tooltip)


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
    if edge.skip:
        attributes |= {"color": SKIP, "penwidth": "1.6", "weight": "0"}
    if edge.label:
        attributes |= {"label": graphviz.escape(edge.label)}
    out.edge(_id(edge.tail), _id(edge.head), **attributes)


def _id(part: Box | Mark) -> str:
    return part.name.replace(":", "%3A")  # a colon would name a port


# --- drawing -------------------------------------------------------------------------------------


def render(dot: str, path: Path) -> None:
    """Draw DOT text to a file, in the format that its suffix names. The file appears whole."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UserError(
            f"cannot draw to '{path}': the suffix must be one of {', '.join(FORMATS)}",
            hint=f"did you mean '{path.with_suffix('.svg')}'?",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if suffix == ".dot":
            scratch.write_text(dot, encoding="utf-8")
        else:
            import pygraphviz  # type: ignore[import-untyped]

            args = "-Gdpi=150" if suffix == ".png" else ""
            pygraphviz.AGraph(string=dot).draw(
                str(scratch), format=suffix[1:], prog="dot", args=args
            )
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
