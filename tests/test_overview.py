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
from archspec.pictures.dot import side_by_side, to_blocks
from archspec.pictures.plan import plan_overview
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
