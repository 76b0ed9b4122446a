"""The files of `examples/ablations` change what they say of ResNet-18, and nothing else."""

from __future__ import annotations

import runpy
from collections import Counter
from functools import cache

import pytest
from conftest import ROOT

import archspec
from archspec.analysis.measures import measure_depth
from archspec.graph import Graph, Node, count_params
from archspec.recipe import recipe_of

FOLDER = ROOT / "examples" / "ablations"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
WIDTHS = [64, 128, 256, 512]
POSITIONS = [28 * 28, 14 * 14, 7 * 7, 4 * 4]
# Of the same networks written out, each block and list as a whole.
FINGERPRINTS = {
    "anti_aliased": "153ad2b0f498909c",
    "cosine": "56c85384130ad981",
    "deep_stem": "7cbdafac5f622051",
    "dilated": "a96a00130bb01f69",
    "dropout": "054a2ac0066177cc",
    "gated": "fe558d8648dca07f",
    "gelu": "a1df9705d8616cc1",
    "group_norm": "f9dd7f10678b75fd",
    "resnet_d": "b9f6ae4a46065534",
    "three_stages": "ecbd009f2a7db1d9",
    "two_heads": "e2d45aae70e4e018",
    "two_million": "7150f580828e8e30",
}


@cache
def variant(name: str) -> Graph:
    return archspec.load(FILES[name])


@cache
def base() -> Graph:
    return archspec.load("resnet18")


def find_new_ops(name: str) -> Counter[str]:
    """Return how many layers of each kind a variant has more than the base, or fewer."""
    change = Counter(node.op for node in variant(name))
    change.subtract(node.op for node in base())
    return Counter({op: count for op, count in change.items() if count})


def find_nodes(name: str, *ops: str) -> list[Node]:
    return [node for node in variant(name) if node.op in ops]


def cost(name: str) -> tuple[int, int]:
    """Return what a variant has more of parameters and MACs."""
    graph = variant(name)
    return graph.total_params - base().total_params, graph.macs - base().macs


@pytest.mark.parametrize("name", FILES)
@pytest.mark.thorough
def test_a_variant_is_sound_without_a_warning(name: str) -> None:
    assert archspec.check(FILES[name]) == []


@pytest.mark.parametrize("name", FILES)
def test_a_variant_begins_with_a_comment_and_extends_the_base(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "\nextends: resnet18\ndescription: " in text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.thorough
def test_a_variant_is_the_network_that_was_written_out(name: str) -> None:
    assert variant(name).fingerprint == FINGERPRINTS[name]


@pytest.mark.parametrize("name", FILES)
def test_a_variant_copies_no_step_of_the_base(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert "\nlayers:" not in text
    assert "residual:" not in text


@pytest.mark.thorough
def test_the_table_is_what_its_command_makes() -> None:
    script = runpy.run_path(str(ROOT / "examples" / "costs.py"))
    table = script["make_table"](FOLDER)
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert script["replace_table"](page, table) == page
    assert table.count("](") == len(FILES) == 12


def test_a_gate_has_two_narrow_convolutions_with_biases() -> None:
    in_a_gate = [2 * width * (width // 16) + width // 16 + width for width in WIDTHS]
    macs = [2 * width * (width // 16) for width in WIDTHS]
    assert cost("gated") == (2 * sum(in_a_gate), 2 * sum(macs))
    assert find_new_ops("gated") == {"GlobalAveragePooling2D": 8, "Conv2D": 16, "Multiply": 8}
    for node in variant("gated"):
        if node.op == "Add":
            main, shortcut = (variant("gated")[each] for each in node.inputs)
            assert main.op == "Multiply"
            assert shortcut.op != "Multiply"


def test_a_deep_stem_has_three_convolutions() -> None:
    kernels = 9 * (1 * 32 + 32 * 32 + 32 * 64) - 9 * 1 * 64
    normalization = 4 * (32 + 32)
    assert cost("deep_stem") == (kernels + normalization, 28 * 28 * kernels)
    assert measure_depth(variant("deep_stem")) == measure_depth(base()) + 2


def test_a_shortcut_of_resnet_d_averages_before_it_convolves() -> None:
    graph = variant("resnet_d")
    assert find_new_ops("resnet_d") == {"AveragePooling2D": 3}
    for pool in find_nodes("resnet_d", "AveragePooling2D"):
        (after,) = [node for node in graph if pool.name in node.inputs]
        assert (after.op, after.arguments["kernel_size"], after.arguments["strides"]) == (
            ("Conv2D", (1, 1), (1, 1))
        )
    assert cost("resnet_d") == (0, 0)


def test_gelu_is_at_every_place_of_relu() -> None:
    activations = {node.arguments["activation"] for node in find_nodes("gelu", "Activation")}
    assert activations == {"gelu"}
    assert not find_new_ops("gelu")
    assert cost("gelu") == (0, 0)


def test_group_normalization_keeps_no_running_statistics() -> None:
    normalized = 64 + sum(4 * width for width in WIDTHS) + sum(WIDTHS[1:])
    assert find_new_ops("group_norm") == {"BatchNormalization": -20, "GroupNormalization": 20}
    assert cost("group_norm") == (-2 * normalized, 0)
    assert {
        node.arguments["groups"] for node in find_nodes("group_norm", "GroupNormalization")
    } == {32}


def test_three_stages_lack_the_last_one_and_most_of_the_head() -> None:
    convolutions = 9 * (256 * 512 + 3 * 512 * 512) + 256 * 512
    normalization = 4 * 5 * 512
    head = 10 * (512 - 256)
    assert cost("three_stages") == (
        -(convolutions + normalization + head),
        -(POSITIONS[3] * convolutions + head),
    )


def test_dropout_stands_before_the_head() -> None:
    graph = variant("dropout")
    assert find_new_ops("dropout") == {"Dropout": 1}
    (dropout,) = find_nodes("dropout", "Dropout")
    assert graph["head"].inputs == (dropout.name,)
    assert dropout.arguments["rate"] == 0.5
    assert cost("dropout") == (0, 0)


def test_two_million_is_the_widest_that_the_budget_allows() -> None:
    assert variant("two_million").total_params <= 2_000_000
    (broken,) = archspec.check(FILES["two_million"], width=28)
    assert (broken.code, broken.severity) == ("contract", "error")


def test_the_dilated_stage_keeps_the_size_of_its_maps() -> None:
    graph = variant("dilated")
    assert graph.shape("stage3.unit1.activation") == (None, 7, 7, 512)
    rates = {
        node.name.split(".")[0]: node.arguments["dilation_rate"]
        for node in find_nodes("dilated", "Conv2D")
        if node.arguments["kernel_size"] == (3, 3)
    }
    assert rates["stage3"] == (2, 2)
    assert {rate for stage, rate in rates.items() if stage != "stage3"} == {(1, 1)}
    kernels = 9 * (256 * 512 + 3 * 512 * 512) + 256 * 512
    assert cost("dilated") == (0, kernels * (POSITIONS[2] - POSITIONS[3]))
    assert not find_new_ops("dilated")


def test_nothing_but_a_blur_shrinks_a_map_of_the_anti_aliased_network() -> None:
    convolutions = find_nodes("anti_aliased", "Conv2D")
    assert {node.arguments["strides"] for node in convolutions} == {(1, 1)}
    assert find_new_ops("anti_aliased") == {"AveragePooling2D": 12}
    kernels = [9 * 64 * 128, 9 * 128 * 256, 9 * 256 * 512]
    before, after = POSITIONS[:3], POSITIONS[1:]
    more = sum(k * (b - a) for k, b, a in zip(kernels, before, after, strict=True))
    assert cost("anti_aliased") == (0, more)


@pytest.mark.keras
def test_two_averages_are_the_triangle_filter() -> None:
    import keras
    import numpy as np

    first, second = find_nodes("anti_aliased", "AveragePooling2D")[:2]
    model = archspec.build(variant("anti_aliased"))
    layers = [model.get_layer(node.name.replace(".", "-")) for node in (first, second)]
    blur = keras.Model(layers[0].input, layers[1].output)
    maps = np.random.default_rng(0).normal(size=blur.input_shape[1:]).astype("float32")
    got = np.asarray(blur(maps[None]))[0]
    weights = np.array([1, 2, 1], "float32") / 4
    for row, column in ((0, 0), (3, 5), (12, 12)):
        window = maps[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
        expected = np.einsum("i,j,ijc->c", weights, weights, window)
        np.testing.assert_allclose(got[row, column], expected, atol=1e-6)


def test_only_the_recipe_of_cosine_differs() -> None:
    graph = variant("cosine")
    assert graph.fingerprint == base().fingerprint
    recipe, before = recipe_of(graph), recipe_of(base())
    assert recipe.epochs * 60_000 // recipe.batch_size == 56_250
    assert "CosineDecay" in str(recipe.optimizer)
    assert recipe.data == before.data
    assert recipe.loss == before.loss


def test_the_early_head_reads_the_third_stage() -> None:
    graph = variant("two_heads")
    assert graph.outputs == ("head", "early.dense")
    weights = "train.loss_weights={head: 1, early: 0.3}"  # as the file's comment has it
    assert weights in FILES["two_heads"].read_text(encoding="utf-8")
    weighted = recipe_of(graph, {**graph.train, "loss_weights": {"head": 1, "early": 0.3}})
    assert weighted.loss_weights == {"head": 1, "early.dense": 0.3}
    assert find_new_ops("two_heads") == {"GlobalAveragePooling2D": 1, "Dense": 1}
    assert cost("two_heads") == (256 * 10 + 10, 256 * 10)
    (pool,) = [
        node for node in find_nodes("two_heads", "GlobalAveragePooling2D") if "early" in node.name
    ]
    assert pool.inputs == (base()["stage2.unit1.activation"].name,)


@pytest.mark.parametrize("name", sorted({*FILES} - {"three_stages", "two_million"}))
def test_what_is_not_changed_is_the_base(name: str) -> None:
    """The base's convolutions and its head, all but the stem, are in each variant."""
    kernels = Counter(count_params(node) for node in find_nodes(name, "Conv2D", "Dense"))
    assert kernels >= Counter(
        count_params(node)
        for node in base()
        if node.op in ("Conv2D", "Dense") and node.name != "stem"
    )
