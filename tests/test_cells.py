"""What a box says is data before it is drawn, and one module writes Graphviz's labels."""

import ast
from xml.etree import ElementTree

import pygraphviz
import pytest
from conftest import ROOT
from layouts import lay_out

import archspec
from archspec.graph import Graph
from archspec.pictures.blocks import find_blocks
from archspec.pictures.boxes import View, build_full_scene, build_scene
from archspec.pictures.cells import (
    BoxCell,
    arrange_cells,
    count_layers,
    describe_params,
    describe_shapes,
    list_cells,
    measure_rows,
)
from archspec.pictures.dot import to_dot
from archspec.pictures.markup import Cell, Table, Text, write_label
from archspec.pictures.scene import join_title

SHARED = """
archspec: 1
inputs: {x: {shape: [8]}, y: {shape: [8]}}
layers:
  - Dense: {units: 4, activation: relu}
    name: a
    from: x
  - reuse: a
    name: b
    from: y
  - Add:
    from: [a, b]
"""


def cells(graph: Graph, name: str) -> list[BoxCell]:
    scene = build_scene(graph, View())
    (box,) = (box for box in scene.boxes if box.name == name)
    return list_cells(scene, box, {})


def test_a_box_has_a_cell_for_each_layer() -> None:
    conv, *others = cells(archspec.load("resnet18"), "stage1.unit0.main.conv2d")
    assert conv == BoxCell("Conv2D", "conv", ("3×3", "128", "/2"), "Bold")
    assert conv.text == "conv 3×3, 128, /2"
    assert [(cell.op, cell.text) for cell in others] == [
        ("BatchNormalization", "BN"),
        ("Activation", "ReLU"),
    ]


def test_a_box_says_how_often_it_repeats_and_is_called() -> None:
    texts = [cell.text for cell in cells(archspec.load("vgg16"), "stage0.conv0.conv2d")]
    assert texts == ["conv 3×3, 64", "BN", "ReLU", "×2"]
    texts = [cell.text for cell in cells(archspec.loads(SHARED), "a")]
    assert texts == ["dense 4", "ReLU", "shared, 2 calls"]


def test_a_folded_block_says_its_shapes_its_parameters_and_what_it_holds() -> None:
    scene = build_scene(archspec.load("resnet18"), View(2))
    (box,) = (box for box in scene.boxes if box.block == "stage1.unit0")
    assert describe_shapes(scene, box) == ["28×28×64 → 14×14×128"]
    assert describe_params(scene, box) == "230 K parameters"
    assert count_layers(scene, box) == {
        ("conv", "Conv2D"): 3,
        ("BN", "BatchNormalization"): 3,
        ("ReLU", "Activation"): 2,
        ("+", "Add"): 1,
    }


def test_a_symbol_stands_in_a_cell_for_what_differs() -> None:
    block, *_ = find_blocks(build_full_scene(archspec.load("resnet18")))
    conv, *_ = list_cells(block.scene, block.scene.boxes[0], block.symbols)
    assert conv.text == "conv 3×3, filters"


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["resnet18", "inception10", "vgg16"])
def test_one_measure_tells_how_wide_a_box_is(spec: str) -> None:
    """About: a font that this machine has may be narrower, or wider."""
    graph = archspec.load(spec)
    boxes = lay_out(to_dot(graph)).boxes
    rows = arrange_cells(build_scene(graph, View()), {}, across=False)
    for name, each in rows.items():
        width, height = measure_rows(each)
        if graph[name].op != "InputLayer":
            assert 0.6 < width / (boxes[name].right - boxes[name].left) < 1.6, name
            assert 0.6 < height / (boxes[name].top - boxes[name].bottom) < 1.6, name


def test_a_long_box_has_two_rows_and_so_has_one_beside_it() -> None:
    rows = arrange_cells(build_scene(archspec.load("inception10"), View()), {}, across=False)
    assert {len(each) for each in rows.values()} == {1, 2}
    assert len(rows["stage0.module0.3x3.conv_bn_relu.conv2d"]) == 2
    across = arrange_cells(build_scene(archspec.load("inception10"), View()), {}, across=True)
    assert all(len(row) == 1 for each in across.values() for row in each)


# --- labels --------------------------------------------------------------------------------------


def test_a_label_is_written_from_texts_and_tables() -> None:
    assert write_label([Text("a & b", "Bold"), Text("<c>\nd", size=9)]) == (
        '<<FONT FACE="Helvetica-Bold">a &amp; b</FONT><FONT POINT-SIZE="9">&lt;c&gt;<BR/>d</FONT>>'
    )
    table = Table([[Cell([Text("x")], fill="#FFFFFF", ink="#000000", span=2)], [Cell(fixed=2)]])
    assert write_label(table) == (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
        '<TR><TD COLSPAN="2" BGCOLOR="#FFFFFF"><FONT COLOR="#000000">x</FONT></TD></TR>'
        '<TR><TD FIXEDSIZE="TRUE" WIDTH="2" HEIGHT="2"></TD></TR></TABLE>>'
    )


@pytest.mark.parametrize("odd", ["<b>", "a & b", '"', "'", "&amp;", "\\n", "]]>", "{a|b}"])
def test_any_text_is_drawn_as_it_is(odd: str) -> None:
    label = write_label(Table([[Cell([Text(odd)])]]))
    graph = pygraphviz.AGraph(string=f"digraph {{a [shape=plain, label={label}]}}")
    root = ElementTree.fromstring(graph.draw(format="svg", prog="dot"))
    assert [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")] == [odd]


def test_one_module_writes_markup() -> None:
    tags = ("<TABLE", "<TD", "<FONT", "<BR")
    found = {
        path.name
        for path in (ROOT / "archspec" / "pictures").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if any(tag in node.value for tag in tags)
    }
    assert found == {"markup.py"}


UNITS = """
archspec: 1
input: [8, 8, 4]
blocks:
  unit:
    layers:
      - Conv2D: {filters: 4, kernel_size: 1}
      - Dropout: 0
      - ReLU: 6
      - MaxPooling2D
layers:
  - name: stage0
    layers: [unit: ]
  - name: stage1
    layers:
      - unit:
        name: unit0
"""


def test_what_does_nothing_is_left_out_and_relu6_has_its_name() -> None:
    graph = archspec.loads(UNITS)
    (conv,) = (box for box in build_scene(graph, View()).boxes if box.nodes[0].op == "Conv2D")
    assert [cell.text for cell in cells(graph, conv.name)] == ["conv 1×1, 4", "ReLU6"]
    other = archspec.loads("archspec: 1\ninput: [8]\nlayers: [ReLU: 2.5]\n")
    assert [cell.text for cell in cells(other, "re_lu")] == ["ReLU at most 2.5"]
    alone = archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dropout: 0]\n")
    assert [cell.text for cell in cells(alone, "dropout")] == ["dropout 0"]
    graph = archspec.loads(
        "archspec: 1\ninput: [8]\nlayers: [Dropout: 0, GaussianDropout: 0, Dropout: 0]\n"
    )
    texts = [
        [cell.text for cell in cells(graph, box.name)] for box in build_scene(graph, View()).boxes
    ]
    assert texts == [["input"], ["dropout 0"]]


def test_a_frame_has_the_name_of_the_group_around_it_alone() -> None:
    scene = build_scene(archspec.loads(UNITS), View(fold=False))
    paths = {path for box in scene.boxes for path in box.frames}
    assert {join_title(scene.list_title_lines(path)) for path in paths} == {
        "stage0: unit",
        "stage1.unit0",
    }
