"""What a picture shows: shared layers and repeats once, deep blocks as a box, and nothing lost."""

from pathlib import Path

import pytest
from layouts import lay_out
from random_drawing import draw
from random_graphs import Network, write
from shipped import SPECS, most_slow, network
from shrinking import few_or_many, try_out

import archspec
from archspec.graph import count_params
from archspec.pictures.boxes import (
    READABLE,
    View,
    build_full_scene,
    build_scene,
    collapse_frames,
)
from archspec.pictures.dot import to_dot
from archspec.pictures.plan import plan_picture
from archspec.pictures.scene import Box, Scene

VIEWS = [View(), View(fold=False), View(depth=1), View(depth=2), View(depth=99)]


def sums_up(scene: Scene) -> None:
    """Each node is in one box, so that what boxes cost is what the network costs."""
    stands = [node for box in scene.boxes for node in box.represented]
    graph = scene.graph
    assert sorted(node.name for node in stands) == sorted(node.name for node in graph)
    assert sum(map(count_params, stands)) == graph.total_params
    macs = [node.facts.macs for node in stands if node.facts]
    assert None in macs or sum(macs) == graph.macs


@pytest.mark.parametrize("name", most_slow(SPECS))
def test_boxes_cost_what_the_network_costs(name: str) -> None:
    for view in VIEWS:
        sums_up(build_scene(network(name), view))


@pytest.mark.parametrize("count", few_or_many(8, 300))
@pytest.mark.thorough
def test_boxes_of_drawn_networks_cost_what_the_networks_cost(count: int) -> None:
    def check(drawn: Network) -> None:
        graph = archspec.loads(write(drawn)[0])
        for view in VIEWS:
            sums_up(build_scene(graph, view))

    try_out(check, draw, count)


# --- repeats -------------------------------------------------------------------------------------


def runs(spec: str, **params: object) -> dict[str, tuple[int, str]]:
    graph = archspec.load(spec, **params)
    return {
        name: (run.times, run.last) for name, run in build_scene(graph, View(99)).repeats.items()
    }


def test_neighbours_of_one_structure_stand_once() -> None:
    assert runs("resnet18") == {"stage0.unit0": (2, "stage0.unit1")}
    assert runs("resnet152_imagenet") == {
        "stage0.unit1": (2, "stage0.unit2"),
        "stage1.unit1": (7, "stage1.unit7"),
        "stage2.unit1": (35, "stage2.unit35"),
        "stage3.unit1": (2, "stage3.unit2"),
    }


def test_other_strides_stay_apart() -> None:
    assert runs("resnet50v2")["stage2.unit1"] == (4, "stage2.unit4")  # unit5 strides


def test_plain_layers_stand_once_too_and_shapes_may_change() -> None:
    found = build_scene(network("vgg16_imagenet"), View())
    assert found.repeats["stage0.conv0"].times == 2
    assert found.list_frame_lines("stage3") == [
        "stage3-4 ×2",
        "first out 14×14×512",
        "last out 7×7×512",
    ]


TURNS = """
archspec: 1
input: [8, 8, 4]
blocks:
  unit:
    layers: [Conv2D: {filters: 4, kernel_size: 1}, Flatten: , Reshape: [8, 8, 4]]
layers:
  - unit:
    for: {i: =range(3)}
"""


@pytest.mark.parametrize(
    ("name", "title"),
    [("", "unit ×3"), ("    name: u{i}x\n", "u0x-2x ×3"), ("    name: a1b{i}\n", "a1b0-2 ×3")],
)
def test_turns_are_called_by_the_name_that_they_share(name: str, title: str) -> None:
    scene = build_scene(archspec.loads(TURNS + name), View())
    assert [scene.list_frame_lines(path)[0] for path in scene.repeats] == [title]


def test_without_folding_all_stand() -> None:
    scene = build_scene(network("resnet18"), View(depth=99, fold=False))
    assert not scene.repeats
    assert all(len(box.nodes) == len(box.represented) for box in scene.boxes)


CHAIN = """
archspec: 1
input: [8, 8, 4]
{outputs}
defaults: {{Conv2D: {{kernel_size: 3, padding: same}}}}
blocks:
  unit:
    layers:
      - Conv2D: 4
        name: first
      - MaxPooling2D: {{pool_size: 3, strides: 1, padding: same}}
layers:
  - unit:
    for: {{i: =range(4)}}
    name: unit{{i}}
{more}
"""


END = "  - ReLU:\n    name: end\n  - Add:\n    from: [end, {}]"


def chain(more: str = "", outputs: str = "") -> dict[str, int]:
    graph = archspec.loads(CHAIN.format(more=more, outputs=outputs))
    return {name: run.times for name, run in build_scene(graph, View()).repeats.items()}


def test_a_turn_that_others_read_ends_the_run() -> None:
    assert chain() == {"unit0": 4}
    assert chain(END.format("unit1")) == {"unit0": 2, "unit2": 2}
    assert chain(END.format("unit1.first")) == {"unit2": 2}
    assert chain(outputs="outputs: [unit2, unit3]") == {"unit0": 3}


RATES = """
archspec: 1
params: {rates: null}
input: [8, 8, 4]
blocks:
  unit:
    params: {drop_path: 0}
    layers: [SpatialDropout2D: =drop_path, Conv2D: {filters: 4, kernel_size: 1}]
layers:
  - unit: =rate
    for: {rate: =rates}
    name: unit{index}
"""


@pytest.mark.parametrize(
    ("rates", "repeats"),
    [
        ([0.0, 0.1, 0.2], ["0 to 0.2"]),
        ([0.3, 0.2, 0.1, 0.1, 0.1], ["0.3 to 0.1", "0.1"]),
        ([0.1, 0.1, 0.1], ["0.1"]),
        ([0.1, 0.2, 0.4], ["0.1 to 0.2"]),
    ],
)
def test_turns_that_differ_in_one_fraction_by_equal_steps_say_its_range(
    rates: list[float], repeats: list[str]
) -> None:
    graph = archspec.loads(RATES, rates=rates)
    for depth, words in ((99, ">"), (1, ">drop_path ")):
        scene = build_scene(graph, View(depth))
        said = to_dot(graph, View(depth))
        sums_up(scene)
        for each in repeats:
            hidden = depth == 1 and " to " not in each
            assert hidden or f"{words}{each}<" in said or f">spatial dropout {each}<" in said
        assert len(scene.repeats) == len(repeats)


def test_turns_that_differ_in_a_whole_number_stand_apart() -> None:
    text = RATES.replace(
        "SpatialDropout2D: =drop_path", "Conv2D: {filters: =drop_path, kernel_size: 1}"
    )
    graph = archspec.loads(text, rates=[8, 16, 24])
    assert not build_scene(graph, View()).repeats


MEMORY = """
archspec: 1
inputs: {x: {shape: [8, 4]}, memory: {shape: [6, 4]}}
blocks:
  attend:
    inputs: [x, memory]
    layers:
      - MultiHeadAttention: {num_heads: 2, key_dim: 2}
        from: {query: x, value: memory}
      - Add:
        from: [previous, x]
layers:
  - Dense: 4
    from: x
    name: start
  - attend:
    from: [start, memory]
    name: layer0
  - attend:
    from: [layer0, memory]
    name: layer1
  - attend:
    from: [layer1, OTHER]
    name: layer2
"""


@pytest.mark.parametrize(("other", "times"), [("memory", 3), ("start", 2)])
def test_turns_may_share_what_they_take_from_elsewhere(other: str, times: int) -> None:
    scene = build_scene(archspec.loads(MEMORY.replace("OTHER", other)), View())
    assert {name: run.times for name, run in scene.repeats.items()} == {"layer0": times}


def test_branches_side_by_side_are_no_run() -> None:
    scene = build_scene(network("googlenet"), View(99))
    assert not scene.repeats


# --- shared layers -------------------------------------------------------------------------------

TWINS = """
archspec: 1
inputs: {left: {shape: [8]}, right: {shape: [8]}}
blocks:
  tower: {layers: [Dense: {units: 4}, Activation: relu, Dense: {units: 2}]}
layers:
  - tower:
    from: left
    name: one
  - reuse: one
    from: right
    name: other
  - Subtract:
    from: [one, other]
"""


def edges(scene: Scene) -> set[tuple[str, str, str]]:
    return {(edge.tail, edge.head, edge.label) for edge in scene.edges}


def test_a_shared_block_stands_once_with_all_its_callers() -> None:
    scene = build_scene(archspec.loads(TWINS), View())
    assert [box.name for box in scene.boxes] == [
        "left", "right", "one.dense", "one.dense_1", "subtract"
    ]  # fmt: skip
    assert [box.calls for box in scene.boxes] == [1, 1, 2, 2, 1]
    assert edges(scene) == {
        ("left", "one.dense", "call 1"),
        ("right", "one.dense", "call 2"),
        ("one.dense", "one.dense_1", ""),
        ("one.dense_1", "subtract", "call 1"),
        ("one.dense_1", "subtract", "call 2"),
        ("subtract", "subtract output", ""),
    }


def test_a_layer_that_follows_itself_has_a_line_back() -> None:
    spec = "archspec: 1\ninput: [4]\nlayers:\n  - Dense: 4\n    name: a\n  - ReLU\n  - reuse: a\n"
    scene = build_scene(archspec.loads(spec), View())
    assert [edge.label for edge in scene.edges if edge.back] == ["call 2"]


# --- depth ---------------------------------------------------------------------------------------


def folded(scene: Scene) -> list[Box]:
    return [box for box in scene.boxes if box.block]


def is_from_a_library(box: Box) -> bool:
    """Whether the box is a block of a file of its name, which is folded at any depth."""
    node = box.nodes[0]
    return Path(node.span.source.name).stem == node.regions[len(box.frames)].title


def test_a_depth_folds_the_frames_that_lie_so_deep() -> None:
    graph = network("resnet18")
    assert [box.block for box in folded(build_scene(graph, View(1)))] == [
        f"stage{i}" for i in range(4)
    ]
    two = build_scene(graph, View(2))
    assert [box.block for box in folded(two)][:2] == ["stage0.unit0", "stage1.unit0"]
    assert len(two.first_repetition(folded(two)[0])) == 2 * 7
    assert not folded(build_scene(graph, View(3)))


NESTED = """
archspec: 1
input: [4]
layers:
  - for: {n: =range(3)}
    name: outer{n}
    layers:
      - for: {i: [0, 1]}
        name: inner{i}
        layers: [Dense: 4, Flatten]
      - Reshape: [4]
"""


def test_what_a_folded_block_holds_is_of_one_turn_of_the_runs_around_it() -> None:
    scene = build_scene(archspec.loads(NESTED), View(2))
    (box,) = folded(scene)
    assert box.frames == ("outer0",)
    assert [node.name for node in scene.first_repetition(box)] == [
        f"outer0.inner{i}.{layer}" for i in range(2) for layer in ("dense", "flatten")
    ]
    assert len(box.represented) == 3 * 2 * 2


def test_a_value_enters_a_folded_block_once() -> None:
    scene = build_scene(network("inception10"), View(1))
    into = [edge.tail for edge in scene.edges if edge.head == "stage0"]
    assert into == ["stem.conv2d"]


@pytest.mark.parametrize("name", most_slow(SPECS))
def test_the_default_depth_is_the_greatest_that_is_readable(name: str) -> None:
    scene = build_scene(network(name), View())
    assert len(scene.boxes) <= READABLE
    collapsed = [box for box in folded(scene) if not is_from_a_library(box)]
    if collapsed:
        deeper = 2 + max(len(box.frames) for box in collapsed)
        assert len(build_scene(network(name), View(deeper)).boxes) > READABLE


# --- nothing is written to -----------------------------------------------------------------------


def test_a_scene_does_not_change_when_another_is_made_of_it() -> None:
    whole = build_full_scene(network("googlenet"))
    before = [(box.name, box.rank, box.frames, box.represented) for box in whole.boxes]
    paths = {box.frames[0] for box in whole.boxes if box.frames}
    collapsed = collapse_frames(whole, paths)
    assert max(box.rank for box in collapsed.boxes) < max(box.rank for box in whole.boxes)
    assert [(box.name, box.rank, box.frames, box.represented) for box in whole.boxes] == before
    for record, name in [(whole, "boxes"), (whole.boxes[0], "rank"), (whole.edges[0], "skip")]:
        with pytest.raises(AttributeError):
            setattr(record, name, None)


TWICE = """
archspec: 1
input: [4]
layers:
  - Dense: 4
    name: a
  - ReLU
  - reuse: a
    name: b
  - Add:
    from: [b, b]
"""


def test_a_layer_that_takes_a_value_twice_has_two_lines() -> None:
    picture = plan_picture(archspec.loads(TWICE), View())
    into = [edge.tail for edge in picture.edges if edge.head == "add"]
    assert into == ["b to add", "b to add 2"]
    assert [picture.parts[name].text for name in into] == ["call 2", "call 2"]
    assert lay_out(to_dot(archspec.loads(TWICE))).faults() == []


def test_a_block_of_a_file_of_its_name_is_one_box_where_it_is_used_once() -> None:
    graph = network("vit_b16")
    folded = {box.block for box in build_scene(graph, View()).boxes if box.block}
    assert folded == {"class_token", "position_embedding"}
    assert not any(box.block for box in build_scene(graph, View(depth=99)).boxes)


@pytest.mark.parametrize(("name", "said"), [("", "output"), ("\n    name: last", "last")])
def test_an_output_that_nobody_named_is_called_output(name: str, said: str) -> None:
    graph = archspec.loads(f"archspec: 1\ninput: [8]\nlayers:\n  - Dense: 3{name}\n")
    assert f">{said}</FONT>  3" in to_dot(graph)
