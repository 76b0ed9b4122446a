"""A picture shows the whole network, in an order that can be read."""

from collections import Counter
from xml.etree import ElementTree

import pygraphviz
import pytest
from layouts import lay_out
from shipped import SPECS, most_slow, network

import archspec
from archspec.errors import UserError
from archspec.pictures.boxes import View
from archspec.pictures.dot import to_blocks, to_dot
from archspec.pictures.plan import Picture, plan_picture
from archspec.pictures.render import render
from archspec.pictures.scene import Box, Mark
from archspec.pictures.style import THEMES, Style

DEEP = "resnet152_imagenet"

SIAMESE = r"""
archspec: 1
name: siamese
description: Twins & <odd> "text" \n.
inputs: {left: {shape: [28, 28, 1]}, right: {shape: [28, 28, 1]}}
layers:
  - Conv2D: {filters: 8, kernel_size: 3, activation: relu}
    name: conv
    from: left
  - Flatten:
    name: a
  - reuse: conv
    name: again
    from: right
  - Flatten:
    name: b
  - Subtract:
    from: [b, a]
  - Dense: {units: 1, activation: sigmoid}
    name: same
"""

ATTENTION = """
archspec: 1
input: [16, 8]
layers:
  - LayerNormalization:
    name: norm
  - MultiHeadAttention: {num_heads: 2, key_dim: 4}
    from: {query: previous, value: previous}
  - Add:
    from: [previous, norm]
"""


WHOLE = View(depth=99, fold=False)
SKIP = THEMES["light"].skip


@pytest.mark.parametrize("name", ["lenet5", "inception10", "resnet18"])
def test_the_text_is_the_golden_one(name, golden):
    golden(f"dot/{name}.dot", to_dot(network(name)))


@pytest.mark.parametrize("spec", most_slow(SPECS))
def test_no_node_and_no_edge_is_lost(spec):
    graph = network(spec)
    picture = plan_picture(graph, WHOLE)
    boxes = [box for column in picture.columns for box in column.boxes]
    drawn = [node.name for box in boxes for node in box.represented]
    assert sorted(drawn) == sorted(node.name for node in graph)
    holder = {node.name: box.name for box in boxes for node in box.represented}
    wanted = Counter(
        (holder[name], box.name)
        for box in boxes
        for node in box.represented
        for name in node.inputs
        if holder[name] != box.name
    ) + Counter((holder[name], f"{name} output") for name in graph.outputs)
    lines = Counter(_without_marks(picture))
    # One line may be for two: the query and value of attention, the calls of a shared layer.
    assert lines.keys() == wanted.keys()
    assert lines <= wanted
    if not any(node.reuses or len(set(node.inputs)) < len(node.inputs) for node in graph):
        assert lines == wanted


def _without_marks(picture: Picture) -> list[tuple[str, str]]:
    """Each edge from box to box or output, through passages and from link to link."""
    parts, edges = picture.parts, picture.edges
    origin = {edge.head: edge.tail for edge in edges if _is_between(parts[edge.head])}
    away = {parts[edge.head].text: edge.tail for edge in edges if _is_link(parts[edge.head])}
    origin |= {
        edge.tail: away[parts[edge.tail].text]
        for edge in edges
        if _is_link(parts[edge.tail]) and edge.tail not in origin
    }
    found = []
    for edge in edges:
        if not _is_between(parts[edge.head]):
            tail = edge.tail
            while tail in origin:
                tail = origin[tail]
            found.append((tail, edge.head))
    return found


def _is_between(part: Box | Mark) -> bool:
    return isinstance(part, Mark) and part.kind != "output"


def _is_link(part: Box | Mark) -> bool:
    return isinstance(part, Mark) and part.kind == "link"


def test_every_node_says_its_facts_and_its_place():
    graph = network("resnet18")
    drawn = pygraphviz.AGraph(string=to_dot(graph, WHOLE))
    tips = [line for node in drawn.nodes() for line in (node.attr["tooltip"] or "").split(r"\n")]
    for node in graph:
        assert sum(tip.startswith(f"{node.name}, {node.op}, ") for tip in tips) == 1
    stem = "stem, Conv2D, 28×28×64, 576 parameters, 451,584 MACs, takes input, resnet18.yaml:31"
    assert stem in tips


def test_identity_skips_stand_out_and_nothing_else_does():
    picture = plan_picture(network("resnet18"), WHOLE)
    heads = [picture.parts[edge.head] for edge in picture.edges if edge.skip]
    skips = [head.name for head in heads if isinstance(head, Box)]
    identities = ["stage0.unit0", "stage0.unit1", "stage1.unit1", "stage2.unit1", "stage3.unit1"]
    assert skips == [f"{unit}.add" for unit in identities]
    assert to_dot(network("resnet18"), WHOLE).count(SKIP) == 3 * len(skips)  # each bends once
    assert not any(edge.skip for edge in plan_picture(network("inception10"), WHOLE).edges)


@pytest.mark.parametrize("spec", ["inception10", "googlenet"])
@pytest.mark.thorough
def test_branches_stand_in_the_order_of_concatenation(spec):
    graph = network(spec)
    across = {
        name: box.left + box.right for name, box in lay_out(to_dot(graph, WHOLE)).boxes.items()
    }
    boxes = [box for column in plan_picture(graph, WHOLE).columns for box in column.boxes]
    holder = {node.name: box.name for box in boxes for node in box.nodes}
    merges = [node for node in graph if node.op == "Concatenate"]
    assert merges
    for merge in merges:
        places = [across[holder[name]] for name in merge.inputs]
        assert places == sorted(places), merge.name


def test_a_chain_of_layers_shares_a_box_only_while_nobody_else_reads_it():
    assert _boxes("Conv2D: 8", "BatchNormalization", "ReLU") == [
        ["conv2d", "batch_normalization", "re_lu"]
    ]
    assert _boxes("Conv2D: 8", "MaxPooling2D", "ReLU") == [["conv2d"], ["max_pooling2d", "re_lu"]]
    assert _boxes("Conv2D: 8", "ReLU", "Add: {}\n    from: [previous, conv2d]") == [
        ["conv2d"],
        ["re_lu"],
        ["add"],
    ]


def _boxes(*steps: str) -> list[list[str]]:
    layers = "".join(f"  - {step}\n" for step in steps)
    defaults = "defaults: {Conv2D: {kernel_size: 3}}\n"
    graph = archspec.loads(f"archspec: 1\ninput: [8, 8, 1]\n{defaults}layers:\n{layers}")
    boxes = [box for column in plan_picture(graph, View()).columns for box in column.boxes]
    return [[node.name for node in box.nodes] for box in boxes[1:]]


def test_a_branch_has_no_frame_and_a_block_has_its_title():
    text = to_dot(network("resnet18"))
    assert 'subgraph "cluster stage1.unit0"' in text
    assert 'subgraph "cluster stage1.unit0.main"' not in text
    assert "unit0: residual" in text


@pytest.mark.thorough
def test_a_deep_network_is_cut_into_columns_joined_by_links():
    picture = plan_picture(network("resnet18"), View())
    assert [column.boxes[0].name for column in picture.columns] == [
        "input",
        "stage2.unit0.main.conv2d",
    ]
    heads = [(edge.tail, picture.parts[edge.head]) for edge in picture.edges]
    assert [(tail, head.text) for tail, head in heads if _is_link(head)] == [
        ("stage1.unit1.add", "1")
    ]
    assert len(plan_picture(network("lenet5"), View()).columns) == 1
    columns = len(plan_picture(network(DEEP), WHOLE).columns)
    assert to_dot(network(DEEP), WHOLE).count("(continued)") == columns - 1


def test_shared_layers_are_marked_and_any_text_is_quoted(tmp_path):
    text = to_dot(archspec.loads(SIAMESE))
    assert text.count("shared, 2 calls") == 1
    assert 'STYLE="dashed"' in text
    render(text, tmp_path / "siamese.svg")
    words = "".join(ElementTree.parse(tmp_path / "siamese.svg").getroot().itertext())
    assert r'Twins & <odd> "text" \n.' in words
    assert "left" in words
    assert "call 2" in words


def test_arguments_that_take_a_tensor_are_named_once_for_each_tensor():
    columns = plan_picture(archspec.loads(ATTENTION), View()).columns
    said = [part.text for part in columns[0].parts if isinstance(part, Mark)]
    assert "query, value" in said


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".svg", b"<svg"), (".png", b"\x89PNG"), (".pdf", b"%PDF"), (".DOT", b"dig")],
)
def test_a_picture_is_written_whole_in_the_format_of_its_suffix(tmp_path, capfd, suffix, start):
    path = tmp_path / "new" / f"net.x{suffix}"
    render(to_dot(network("lenet5")), path)
    assert path.read_bytes().startswith(start)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["net.jpg", "net", "net.svg.gz"])
def test_another_suffix_is_refused_with_the_ones_there_are(tmp_path, name):
    with pytest.raises(UserError, match=r"\.svg, \.png, \.pdf, \.dot or \.html") as caught:
        render("digraph {}", tmp_path / name)
    assert ".svg'" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["resnet18", "resnet50v2", "resnet152_imagenet"])
@pytest.mark.thorough
def test_a_skip_connection_runs_beside_what_it_skips(name):
    layout = lay_out(to_blocks(archspec.load(name)))
    bends = [box for box in layout.boxes if " past " in box]
    assert bends
    for bend in bends:
        (into,) = (line for line in layout.lines if line.ends[1] == bend)
        (out,) = (line for line in layout.lines if line.ends[0] == bend)
        points = into.points + out.points
        assert points[1][1] > points[0][1] - 1  # it leaves to the side, and enters from there
        assert points[-1][1] > points[-2][1] - 1
        middle = layout.boxes[bend].left
        low, high = points[-1][1], points[0][1]
        panel = next(area for area in layout.frames.values() if area.holds(layout.boxes[bend]))
        for said, box in layout.boxes.items():
            if panel.holds(box) and low < box.bottom and box.top < high and said != bend:
                assert box.right < middle


HEADS = """
archspec: 1
inputs: {a: {shape: [8]}, b: {shape: [8]}, c: {shape: [8]}}
outputs: [one, two, three]
layers:
  - Add:
    from: [c, a, b]
    name: sum
  - for: {name: [three, one, two]}
    layers:
      - Dense: 3
        from: sum
        name: "{name}"
"""


# A way to an output may be longer than those beside it.
LONG = HEADS.replace(
    """  - for: {name: [three, one, two]}
    layers:
      - Dense: 3
        from: sum
        name: "{name}"
""",
    """  - Dense: 3
    name: three
  - from: sum
  - Dense: 4
  - Dense: 3
    name: two
  - Dense: 3
    from: sum
    name: one
""",
)


@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("text", [HEADS, LONG], ids=["alike", "of other lengths"])
def test_inputs_and_outputs_stand_in_the_order_declared(text: str, direction: str) -> None:
    boxes = lay_out(to_dot(archspec.loads(text), style=Style(direction=direction))).boxes

    def place(name: str) -> float:
        return boxes[name].left if direction == "TB" else -boxes[name].top

    for row in (["a", "b", "c"], [f"{name} output" for name in ("one", "two", "three")]):
        assert sorted(row, key=place) == row
