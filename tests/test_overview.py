"""Papers' pictures: an overview with each distinct block beside it; and networks side by side."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from layouts import lay_out
from shipped import ROOT, SPECS, most_slow, network

import archspec
from archspec.cli import main
from archspec.graph import count_params
from archspec.pictures.blocks import DistinctBlock, find_blocks
from archspec.pictures.boxes import View, build_full_scene
from archspec.pictures.differences import mark_differences
from archspec.pictures.dot import side_by_side, to_blocks, to_dot
from archspec.pictures.labels import Labels
from archspec.pictures.plan import plan_in_one_column, plan_overview
from archspec.pictures.style import THEMES, Style, read_rgb


def found(name: str) -> list[DistinctBlock]:
    return find_blocks(build_full_scene(network(name)))


def test_blocks_are_distinct_by_layers_and_wiring_and_not_by_arguments() -> None:
    assert [(block.title, [*block.uses]) for block in found("resnet18")] == [
        ("residual A", ["stage0.unit0", "stage1.unit1", "stage2.unit1", "stage3.unit1"]),
        ("residual B", ["stage1.unit0", "stage2.unit0", "stage3.unit0"]),
    ]
    assert [(block.title, len(block.uses)) for block in found("googlenet")] == [
        ("inception", 9),
        ("auxiliary", 2),
    ]
    assert found("lenet5") == []
    assert [block.title for block in found("vgg16")] == ["stage A", "stage B"]
    assert [*found("vgg16")[1].uses] == ["stage2", "stage3"]


ONCE = """
archspec: 1
input: [16, 16, 8]
blocks:
  unit:
    params: {filters: 8}
    layers:
      - Conv2D: {filters: ==, kernel_size: 1}
      - ReLU
      - Conv2D: {filters: ==, kernel_size: 1}
  whole:
    layers:
      - unit:
      - MaxPooling2D: 2
      - unit: 16
layers:
  - whole:
  - Flatten
"""


def test_a_block_that_is_used_once_is_opened_and_its_blocks_are_drawn() -> None:
    (unit,) = find_blocks(build_full_scene(archspec.loads(ONCE)))
    assert (unit.title, [*unit.uses]) == ("unit", ["whole.unit", "whole.unit_1"])


def test_where_no_block_is_used_twice_the_overview_is_the_usual_picture() -> None:
    assert to_blocks(network("autoencoder")) == to_dot(network("autoencoder"))


def test_a_block_of_several_uses_says_no_shape_of_one_of_them() -> None:
    (block,) = found("unet")
    assert [repeat.describe_changes() for repeat in block.scene.repeats.values()]
    assert not any(repeat.describe_changes() for repeat in block.scene.repeats.values())


CELLS = """
archspec: 1
input: [16, 16, 8]
blocks:
  cell:
    inputs: [here, before]
    layers:
      - Conv2D: {filters: 8, kernel_size: 1}
        from: here
        name: one
      - Conv2D: {filters: 8, kernel_size: 1}
        from: before
        name: other
      - Add:
        from: [one, other]
layers:
  - cell:
    from: [input, input]
    name: cell0
  - cell:
    from: [cell0, input]
    name: cell1
  - cell:
    for: {i: "=range(2, 18)"}
    from: ["cell{i - 1}", "cell{i - 2}"]
    name: cell{i}
outputs: [cell17]
"""


def test_a_block_is_drawn_from_a_use_with_all_of_its_inputs() -> None:
    (cell,) = find_blocks(build_full_scene(archspec.loads(CELLS)))
    assert [mark.text.split()[0] for mark in cell.scene.marks].count("input") == 2


def test_cells_that_take_the_two_before_them_are_no_strip_of_paper() -> None:
    layout = lay_out(to_dot(archspec.loads(CELLS), View(depth=1)))
    assert layout.height / layout.width < 2
    assert layout.faults() == []


EXCHANGE = """
archspec: 1
input: [16, 16, 8]
defaults: {Conv2D: {kernel_size: 3, padding: same}}
layers:
  - Conv2D: 8
    name: top
  - Conv2D: {filters: 16, strides: 2}
    from: input
    name: bottom
  - name: stage
    layers:
      - branches:
          high: {from: top, layers: [Conv2D: 8, ReLU, Conv2D: 8]}
          low: {from: bottom, layers: [Conv2D: 16, ReLU, Conv2D: 16]}
      - branches:
          - {from: high, layers: []}
          - {from: low, layers: [Conv2D: 8, UpSampling2D: 2]}
        merge: Add
        name: out0
      - branches:
          - {from: low, layers: []}
          - {from: high, layers: [Conv2D: {filters: 16, strides: 2}]}
        merge: Add
        name: out1
outputs: [stage.out0, stage.out1]
"""


def test_groups_that_exchange_values_stand_in_rows() -> None:
    layout = lay_out(to_dot(archspec.loads(EXCHANGE), View(depth=9)))
    high, low = layout.frames["cluster stage.high"], layout.frames["cluster stage.low"]
    assert abs(high.top - low.top) < 1
    assert layout.faults() == []


def test_a_block_that_failed_is_drawn_beside_the_sound_ones() -> None:
    text = (ROOT / "specs" / "resnet18.yaml").read_text(encoding="utf-8")
    broken = text.replace("=width * 2**stage", "=0 if stage == 2 and unit else width * 2**stage")
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(broken)
    graph = caught.value.graph
    assert graph is not None
    titles = [block.title for block in find_blocks(build_full_scene(graph))]
    assert titles == [f"residual {letter}" for letter in "ABCDE"]  # one failed, two follow
    assert THEMES["light"].wrong in to_blocks(graph)
    assert lay_out(to_blocks(graph)).faults() == []


@pytest.mark.parametrize("name", most_slow(SPECS))
@pytest.mark.thorough
def test_an_overview_and_its_blocks_lose_nothing_and_can_be_read(name: str) -> None:
    graph = network(name)
    overview, inside, _ = plan_overview(graph, fold=True)
    stands = [node for box in overview.scene.boxes for node in box.represented]
    assert sorted(node.name for node in stands) == sorted(node.name for node in graph)
    assert sum(map(count_params, stands)) == graph.total_params
    folded = {box.block for box in overview.scene.boxes if box.block}
    assert folded == {path for block, _ in inside for path in block.uses}
    layout = lay_out(to_blocks(graph))
    assert layout.faults() == []


def test_a_fold_tells_each_turn_from_all() -> None:
    said = texts("inception_v3")
    assert {"mixed6c-6d ×2" in text for text in said["mixed6c"]} >= {True}
    for line in ("each 17×17×768 → 17×17×768", "3.38 M parameters, 1.69 M each", "middle=160"):
        assert line in said["mixed6c"]
    for line in (
        "first in 35×35×256",
        "last out 35×35×288",
        "562 K parameters, 277 K to 285 K each",
    ):
        assert line in said["mixed5c"]
    graph = network("inception_v3")
    turns = [count_params(node) for node in graph if node.name.startswith("mixed6c.")]
    assert f"{sum(turns) / 1e6:.2f} M each" in " ".join(said["mixed6c"])


def texts(spec: str) -> dict[str, list[str]]:
    """What each box, frame or mark says."""
    said: dict[str, list[str]] = {}
    for text in lay_out(to_blocks(network(spec))).texts:
        said.setdefault(text.owner, []).append(text.said)
    return said


def test_the_overview_stands_left_of_its_blocks_which_have_their_colours() -> None:
    for spec in ("resnet18", "googlenet"):  # with frames in the overview, and without
        text = to_blocks(network(spec))
        layout = lay_out(text)
        blocks = [layout.frames[f"cluster {block.title}/"] for block in found(spec)]
        assert layout.boxes["input"].right < min(area.left for area in blocks)
        colours = THEMES["light"].blocks[: len(blocks)]
        assert all(text.count(colour) > 1 for colour in colours)
        assert len(set(map(read_rgb, colours))) == len(colours)


def test_networks_side_by_side_keep_their_order_and_all_their_layers() -> None:
    graphs = [network(name) for name in ("resnet50v2", "lenet5")]
    layout = lay_out(side_by_side(graphs))
    assert layout.faults() == []
    left, right = (layout.frames[f"cluster {place}"] for place in (1, 2))
    assert left.right < right.left
    assert {"1/input", "2/input", "1/head", "2/head"} <= layout.boxes.keys()


BESIDE = """
archspec: 1
params: {units: 8}
input: [8]
layers:
  - Dense: 4
    name: first
  - Dense: =units
    name: second
  - BatchNormalization
  - Flatten
    name: last
"""


def test_side_by_side_a_thick_frame_marks_what_differs() -> None:
    text = BESIDE.replace("Flatten", "Flatten:")
    one, other = archspec.loads(text), archspec.loads(text, units=16)
    pictures = [Labels(plan_in_one_column(each, View()), THEMES["light"]) for each in (one, other)]
    assert [labels.differing for labels in mark_differences(pictures)] == [{"second"}, {"second"}]
    assert [labels.differing for labels in mark_differences(pictures[:1] * 2)] == [set(), set()]
    assert side_by_side([one, other]).count("thick frame: differs") == 2
    assert "thick frame" not in side_by_side([one, one])


def test_networks_with_little_in_common_have_no_marks() -> None:
    assert "thick frame" not in side_by_side([network("lenet5"), network("vit_b16")])


def test_heat_has_one_scale_for_networks_side_by_side() -> None:
    graphs = [network(name) for name in ("lenet5", "alexnet")]
    text = side_by_side(graphs, View(), Style(heat="params"))
    assert text.count("params of a box") == 2
    assert text.count(">54.5 M<") == 2  # alexnet's two large layers


def test_the_command_draws_blocks_and_several_networks(tmp_path: Path) -> None:
    def draw(*words: str) -> int:
        return CliRunner().invoke(main, ["draw", *words]).exit_code

    assert draw("resnet18", "--blocks", "-o", str(tmp_path / "blocks.svg")) == 0
    assert "residual B" in (tmp_path / "blocks.svg").read_text()
    assert draw("lenet5", "vgg16", "-o", str(tmp_path / "both.svg")) == 0
    assert "network-2" in (tmp_path / "both.svg").read_text()
    assert draw("lenet5", "vgg16", "--blocks", "-o", str(tmp_path / "no.svg")) == 2
    assert draw("resnet18", "--depth", "1", "--blocks", "-o", str(tmp_path / "no.svg")) == 2
    assert not (tmp_path / "no.svg").exists()
