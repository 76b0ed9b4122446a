"""Each network of `specs/` is the one that its source describes; its params do what they say."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest
from shipped import EXAMPLES, FILES, ROOT, SPECS, most_slow
from shipped import network as as_written

import archspec
from archspec.analysis.summary import MAX_ROWS, find_fitting_depth, summarize
from archspec.backends.tables import to_text
from archspec.graph import Graph, Node, count_params
from archspec.recipe import recipe_of

pytestmark = pytest.mark.thorough

SOFTMAX, LOGITS = "softmax", None

# spec -> (input, [(what an output is, its width)], parameters)
NETWORKS: dict[str, tuple[tuple[int, ...], list[tuple[str | None, int]], int]] = {
    "lenet5": ((28, 28, 1), [(SOFTMAX, 10)], 44_426),
    "alexnet8": ((28, 28, 1), [(SOFTMAX, 10)], 8_064_586),
    "vgg16": ((28, 28, 1), [(SOFTMAX, 10)], 15_260_874),
    "inception10": ((28, 28, 1), [(SOFTMAX, 10)], 121_130),
    "resnet18": ((28, 28, 1), [(SOFTMAX, 10)], 11_182_410),
    "alexnet": ((227, 227, 1), [(SOFTMAX, 10)], 58_299_082),
    "vgg11": ((28, 28, 1), [(LOGITS, 10)], 16_230_346),
    "googlenet": ((224, 224, 3), [(SOFTMAX, 1000)] * 3, 13_378_280),
    "inception_v3": ((299, 299, 3), [(SOFTMAX, 1000), (LOGITS, 1000)], 27_179_376),
    "resnet18_cifar100": ((32, 32, 3), [(LOGITS, 100)], 11_230_948),
    "resnet50v2": ((224, 224, 3), [(SOFTMAX, 1000)], 25_613_800),
    "lenet5_mnist": ((28, 28, 1), [(LOGITS, 10)], 56_930),
    "lenet5_padded": ((28, 28, 1), [(LOGITS, 10)], 61_610),
    "alexnet_owt": ((224, 224, 3), [(LOGITS, 10)], 45_510_474),
    "vgg16_imagenet": ((224, 224, 3), [(LOGITS, 10)], 134_301_514),
    "cnn_mnist": ((28, 28, 1), [(LOGITS, 10)], 2_328_778),
    "mobilenet_v2": ((224, 224, 3), [(SOFTMAX, 1000)], 3_538_984),
    "mobilenet_v3": ((224, 224, 3), [(SOFTMAX, 1000)], 5_507_432),
    "densenet121": ((224, 224, 3), [(SOFTMAX, 1000)], 8_062_504),
    "xception": ((299, 299, 3), [(SOFTMAX, 1000)], 22_910_480),
    "efficientnet_b0": ((224, 224, 3), [(SOFTMAX, 1000)], 5_330_564),
    "convnext_tiny": ((224, 224, 3), [(SOFTMAX, 1000)], 28_589_128),
    "resnext50": ((224, 224, 3), [(SOFTMAX, 1000)], 25_097_128),
    "se_resnet50": ((224, 224, 3), [(SOFTMAX, 1000)], 28_141_144),
    "vit_b16": ((224, 224, 3), [(SOFTMAX, 1000)], 86_567_656),
}

# What names no class of an image: spec -> (inputs, outputs, parameters)
OTHERS: dict[str, tuple[list[tuple[int, ...]], list[tuple[int, ...]], int]] = {
    "unet": ([(572, 572, 1)], [(388, 388, 2)], 31_030_658),
    "siamese": ([(105, 105, 1)] * 2, [(1,)], 38_951_745),
    "autoencoder": ([(28, 28, 1)], [(28, 28, 1)], 2_837_314),
}

# The papers give millions (VGG), Keras the number (ResNet from 50 on); the rest is worked out:
# ResNet-18 and 34 of torchvision have 11,689,512 and 21,797,672 trainable parameters.
FAMILIES = {
    "vgg_a": 132_863_336,
    "vgg_b": 133_047_848,
    "vgg_c": 133_638_952,
    "vgg_d": 138_357_544,
    "vgg_e": 143_667_240,
    "resnet18_imagenet": 11_699_112,
    "resnet34_imagenet": 21_814_696,
    "resnet50_imagenet": 25_636_712,
    "resnet101_imagenet": 44_707_176,
    "resnet152_imagenet": 60_419_944,
    "resnet101v2": 44_675_560,
    "resnet152v2": 60_380_648,
    "mobilenet_v3_small": 2_554_968,
    "densenet169": 14_307_880,
    "densenet201": 20_242_984,
    "efficientnet_b1": 7_856_232,
    "efficientnet_b2": 9_177_562,
    "efficientnet_b3": 12_320_528,
    "efficientnet_b4": 19_466_816,
    "efficientnet_b5": 30_562_520,
    "efficientnet_b6": 43_265_136,
    "efficientnet_b7": 66_658_680,
    "convnext_small": 50_223_688,
    "convnext_base": 88_591_464,
    "vit_b32": 88_224_232,
    "vit_l16": 304_326_632,
}

# The height and width of a family member's images, where they are not 224.
SIZES = {
    "efficientnet_b1": 240,
    "efficientnet_b2": 260,
    "efficientnet_b3": 300,
    "efficientnet_b4": 380,
    "efficientnet_b5": 456,
    "efficientnet_b6": 528,
    "efficientnet_b7": 600,
}


def network(name: str, **params: Any) -> Graph:
    return archspec.load(FILES[name], **params) if params else as_written(name)


def layers(graph: Graph, *ops: str) -> list[Node]:
    return [node for node in graph if node.op in ops]


def argument(graph: Graph, name: str, *ops: str) -> list[Any]:
    """The values of one argument over all layers that have it, in order; `ops` narrows them."""
    return [
        node.arguments[name]
        for node in graph
        if name in node.arguments and (not ops or node.op in ops)
    ]


def sizes(graph: Graph, until: str | None = None) -> list[int]:
    """Heights of the feature maps from the input on, each run of equal ones once."""
    heights = []
    for node in graph:
        if len(graph.shape(node.name)) == 4:
            heights.append(graph.shape(node.name)[1])
        if node.name == until:
            break
    return [height for height, _ in groupby(heights)]


def ends(graph: Graph) -> list[tuple[str | None, int]]:
    """What each output is: its activation, and how many values."""

    def activation(node: Node) -> str | None:
        if node.op == "Flatten":
            return activation(graph[node.inputs[0]])
        return node.arguments["activation"]

    return [(activation(graph[name]), graph.shape(name)[-1]) for name in graph.outputs]


# --- the table -----------------------------------------------------------------------------------


def test_every_spec_is_in_a_table() -> None:
    assert {path.stem for path in (ROOT / "specs").glob("*.yaml")} == {*NETWORKS, *OTHERS}
    assert {path.stem for path in (ROOT / "specs/families").glob("*.yaml")} == set(FAMILIES)


@pytest.mark.slow
def test_no_two_are_the_same_network() -> None:
    assert len({network(name).fingerprint for name in SPECS}) == len(SPECS) > 25


@pytest.mark.parametrize("name", NETWORKS)
def test_the_input_outputs_and_parameters_are_those_of_the_table(name: str) -> None:
    shape, outputs, total = NETWORKS[name]
    graph = network(name)
    assert graph.name == name
    assert graph.description.endswith(".")
    assert graph.shape(*graph.inputs) == (None, *shape)
    assert ends(graph) == outputs
    assert graph.total_params == total
    assert graph.warnings == ()


@pytest.mark.parametrize("name", OTHERS)
def test_the_inputs_and_outputs_of_the_others_are_those_of_the_table(name: str) -> None:
    inputs, outputs, total = OTHERS[name]
    graph = network(name)
    assert graph.name == name
    assert graph.description.endswith(".")
    assert [graph.shape(each)[1:] for each in graph.inputs] == inputs
    assert [graph.shape(each)[1:] for each in graph.outputs] == outputs
    assert graph.total_params == total
    assert graph.warnings == ()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_family_members_have_the_parameters_of_their_papers(name: str) -> None:
    graph = network(name)
    assert graph.name == name
    size = SIZES.get(name, 224)
    assert graph.shape(*graph.inputs) == (None, size, size, 3)
    assert ends(graph) == [(SOFTMAX, 1000)]
    assert graph.total_params == FAMILIES[name]
    assert graph.warnings == ()


OTHER_SIZES = {
    "alexnet": 128,
    "alexnet_owt": 128,
    "inception_v3": 75,
    "vgg16_imagenet": 32,
} | dict.fromkeys(FAMILIES, 96)


@pytest.mark.parametrize("name", most_slow([*NETWORKS, *FAMILIES]))
def test_classes_and_size_are_params(name: str) -> None:
    small, large = OTHER_SIZES.get(name, 64), 2 * NETWORKS.get(name, [[224]])[0][0]
    graph = network(name, size=small, classes=7)
    assert graph.shape(*graph.inputs)[1:3] == (small, small)
    assert ends(graph) == [(activation, 7) for activation, _ in ends(network(name))]
    graph = network(name, size=large)
    assert graph.shape(*graph.inputs)[1:3] == (large, large)
    assert ends(graph) == ends(network(name))


DROPOUTS = {
    "alexnet8": [0.5] * 2,
    "vgg16": [0.2] * 7,
    "alexnet": [0.5] * 2,
    "vgg11": [0.5] * 2,
    "googlenet": [0.4, 0.7, 0.7],
    "inception_v3": [0.2],
    "alexnet_owt": [0.5] * 2,
    "vgg16_imagenet": [0.5] * 2,
    "mobilenet_v3": [0.2],
    "vit_b16": [0.1] * 37,
    "efficientnet_b0": [0.2],
}


def rates(graph: Graph) -> list[float]:
    """The rates of dropout, in order, but of the one that leaves whole paths out."""
    return [
        node.arguments["rate"]
        for node in layers(graph, "Dropout")
        if node.arguments["noise_shape"] is None
    ]


def path_rates(graph: Graph) -> list[float]:
    """The rates at which a sample goes round a residual path in training, in order."""
    dropped = [node for node in layers(graph, "Dropout") if node.arguments["noise_shape"]]
    assert {node.arguments["noise_shape"] for node in dropped} <= {(None, 1, 1, 1)}
    return [node.arguments["rate"] for node in dropped]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_dropout_rates_are_those_of_the_source_and_a_param(name: str) -> None:
    assert rates(network(name)) == DROPOUTS.get(name, [])
    if name in DROPOUTS:
        given = rates(network(name, dropout=0.25))
        assert given == ([0.25, 0.7, 0.7] if name == "googlenet" else [0.25] * len(given))


@pytest.mark.parametrize(
    ("name", "activations"),
    [
        ("lenet5", {"sigmoid": 4}),
        ("alexnet8", {"relu": 7}),
        ("vgg16", {"relu": 15}),
        ("inception10", {"relu": 25}),
        ("resnet18", {"relu": 17}),
        ("alexnet", {"relu": 7}),
        ("vgg11", {"relu": 10}),
        ("googlenet", {"relu": 61}),
        ("inception_v3", {"relu": 96}),
        ("resnet18_cifar100", {"relu": 17}),
        ("resnet50v2", {"relu": 49}),
        ("lenet5_mnist", {"relu": 4}),
        ("lenet5_padded", {}),
        ("alexnet_owt", {"relu": 7}),
        ("vgg16_imagenet", {"relu": 15}),
        ("cnn_mnist", {"relu": 5}),
    ],
)
def test_the_hidden_layers_are_activated_as_in_the_source(
    name: str, activations: dict[str, int]
) -> None:
    graph = network(name)
    used = Counter(filter(None, argument(graph, "activation")))
    used["relu"] += len(layers(graph, "ReLU"))
    used["softmax"] -= sum(what == SOFTMAX for what, _ in ends(graph))
    assert +used == activations


# --- tutorial 000 --------------------------------------------------------------------------------


def test_lenet5_has_valid_5x5_convolutions() -> None:
    graph = network("lenet5")
    assert sizes(graph) == [28, 24, 12, 8, 4]
    assert argument(graph, "filters") == [6, 16]
    assert argument(graph, "units") == [120, 84, 10]


def test_alexnet8_shrinks_to_256_values_and_normalises_only_its_first_two_convolutions() -> None:
    graph = network("alexnet8")
    assert sizes(graph) == [28, 26, 12, 10, 4, 1]
    assert argument(graph, "filters") == [96, 256, 384, 384, 256]
    assert argument(graph, "units") == [2048, 2048, 10]
    assert [graph.shape(node.name)[-1] for node in layers(graph, "BatchNormalization")] == [96, 256]
    assert [graph.shape(node.name) for node in layers(graph, "Flatten")] == [(None, 256)]


def test_vgg16_pools_with_same_padding_down_to_one_pixel() -> None:
    graph = network("vgg16")
    assert sizes(graph) == [28, 14, 7, 4, 2, 1]
    assert Counter(argument(graph, "filters")) == {64: 2, 128: 2, 256: 3, 512: 6}
    assert argument(graph, "use_bias", "Conv2D") == [True] * 13
    assert argument(graph, "units") == [512, 512, 10]
    assert len(layers(graph, "BatchNormalization")) == 13


def test_inception10_strides_in_the_first_module_of_a_stage_but_its_pools_never_do() -> None:
    graph = network("inception10")
    merged = [graph.shape(node.name) for node in layers(graph, "Concatenate")]
    assert merged == [(None, 14, 14, 64)] * 2 + [(None, 7, 7, 128)] * 2
    assert argument(graph, "strides", "MaxPooling2D") == [(1, 1)] * 4
    kernels = [node.arguments["kernel_size"][0] for node in layers(graph, "Conv2D")]
    assert kernels == [3, *[1, 1, 3, 1, 5, 1] * 4]
    assert all(argument(graph, "use_bias", "Conv2D"))
    assert "training" not in {key for node in graph for key in node.call}


def test_inception10_joins_its_branches_in_the_order_of_the_listing() -> None:
    graph = network("inception10")
    ahead = layers(graph, "Concatenate")[0].inputs
    branches = [name.removeprefix("stage0.module0.").split(".")[0] for name in ahead]
    assert branches == ["1x1", "3x3", "5x5", "pool"]


def test_inception10_takes_the_listing_s_arguments() -> None:
    merged = layers(network("inception10", stages=3, width=8), "Concatenate")
    assert [node.facts.shape for node in merged[::2]] == [
        (None, 14, 14, 32),
        (None, 7, 7, 64),
        (None, 4, 4, 128),
    ]


def test_resnet18_projects_only_where_it_strides() -> None:
    graph = network("resnet18")
    assert sizes(graph) == [28, 14, 7, 4]
    projections = [
        node for node in layers(graph, "Conv2D") if node.arguments["kernel_size"] == (1, 1)
    ]
    assert [node.arguments["filters"] for node in projections] == [128, 256, 512]
    assert [node.arguments["strides"] for node in projections] == [(2, 2)] * 3
    assert argument(graph, "use_bias", "Conv2D") == [False] * 20
    assert len(layers(graph, "BatchNormalization")) == 20
    assert layers(graph, "MaxPooling2D") == []


def test_resnet18_regularises_the_kernel_of_its_head_only() -> None:
    graph = network("resnet18")
    regularised = {
        (node.name, name): value
        for node in graph
        for name, value in node.arguments.items()
        if name.endswith("_regularizer") and value is not None
    }
    assert regularised == {("head", "kernel_regularizer"): "L2"}  # of 0.01, Keras's default


def test_resnet18_takes_the_listing_s_arguments() -> None:
    graph = network("resnet18", depths=[3, 4, 6, 3], width=16)
    assert len(layers(graph, "Add")) == 16
    assert graph.shape(layers(graph, "Add")[-1].name) == (None, 4, 4, 128)


TUTORIAL_000 = ["lenet5", "alexnet8", "vgg16", "inception10", "resnet18"]


def test_the_five_networks_of_tutorial_000_share_one_recipe() -> None:
    recipes = [recipe_of(network(name)) for name in TUTORIAL_000]
    first = recipes[0]
    assert (first.data.name, first.data.scale, first.data.resize) == ("fashion_mnist", (0, 1), True)
    assert (first.optimizer, first.batch_size, first.epochs) == ("Adam", 32, 5)
    assert first.loss == {"head": "SparseCategoricalCrossentropy"}
    assert first.metrics == {"head": ("accuracy",)}
    assert all(recipe == first for recipe in recipes)


# --- tutorial 001 --------------------------------------------------------------------------------


def test_alexnet_is_the_listing_with_one_tower() -> None:
    graph = network("alexnet")
    assert sizes(graph) == [227, 55, 27, 13, 6]
    assert argument(graph, "filters") == [96, 256, 384, 384, 256]
    assert argument(graph, "units") == [4096, 4096, 10]


def test_vgg11_keeps_7x7_and_initialises_everything_alike() -> None:
    graph = network("vgg11")
    assert sizes(graph) == [28, 14, 7]
    assert argument(graph, "filters") == [64, 64, 128, 128, 256, 256, 256, 256]
    assert argument(graph, "strides", "MaxPooling2D") == [
        None,
        None,
        (1, 1),
    ]  # None: the window
    assert [graph.shape(node.name) for node in layers(graph, "Flatten")] == [(None, 12_544)]
    assert argument(graph, "units") == [1024, 1024, 10]
    kernel, bias = {"TruncatedNormal": {"stddev": 0.1}}, {"Constant": {"value": 0.1}}
    assert argument(graph, "kernel_initializer") == [kernel] * 11
    assert argument(graph, "bias_initializer") == [bias] * 11


def test_vgg11_trains_for_20000_steps_of_10_images() -> None:
    recipe = recipe_of(network("vgg11"))
    assert (recipe.data.name, recipe.data.scale) == ("mnist", (0, 1))
    assert (recipe.batch_size, recipe.steps, recipe.epochs) == (10, 20_000, None)
    assert recipe.loss == {"head": {"SparseCategoricalCrossentropy": {"from_logits": True}}}


def test_googlenet_has_the_widths_of_its_table() -> None:
    graph = network("googlenet")
    assert sizes(graph, "inception5b.concatenate") == [224, 112, 56, 28, 14, 7]
    merged = {
        node.name.split(".")[0]: node.facts.shape[1:] for node in layers(graph, "Concatenate")
    }
    assert merged == {
        "inception3a": (28, 28, 256),
        "inception3b": (28, 28, 480),
        "inception4a": (14, 14, 512),
        "inception4b": (14, 14, 512),
        "inception4c": (14, 14, 512),
        "inception4d": (14, 14, 528),
        "inception4e": (14, 14, 832),
        "inception5a": (7, 7, 832),
        "inception5b": (7, 7, 1024),
    }
    ahead = graph["inception3a.concatenate"].inputs
    assert [name.split(".")[1] for name in ahead] == ["1x1", "3x3", "5x5", "pool"]
    assert set(argument(graph, "padding", "Conv2D", "MaxPooling2D")) == {"same"}
    assert len(layers(graph, "Conv2D")) == 3 + 9 * 6 + 2


def test_googlenet_gives_its_main_output_first_then_those_on_4a_and_4d() -> None:
    graph = network("googlenet")
    assert [name.split(".")[0] for name in graph.outputs] == ["head", "auxiliary4a", "auxiliary4d"]
    assert graph["auxiliary4a.average_pooling2d"].inputs == ("inception4a.concatenate",)
    assert graph["auxiliary4d.average_pooling2d"].inputs == ("inception4d.concatenate",)
    assert graph.shape("auxiliary4a.average_pooling2d") == (None, 4, 4, 512)
    weights = recipe_of(graph).loss_weights
    assert list(weights.values()) == [1, 0.3, 0.3]


def test_inception_v3_has_the_sizes_and_widths_of_the_listing() -> None:
    graph = network("inception_v3")
    stem = [graph.shape(node.name)[1] for node in layers(graph, "Conv2D", "MaxPooling2D")[:7]]
    assert stem == [149, 147, 147, 73, 73, 71, 35]
    merged = {
        node.name.split(".")[0]: node.facts.shape[1:]
        for node in layers(graph, "Concatenate")
        if node.name.count(".") < 2
    }
    assert merged == {
        "mixed5b": (35, 35, 256),
        "mixed5c": (35, 35, 288),
        "mixed5d": (35, 35, 288),
        "mixed6a": (17, 17, 768),
        "mixed6b": (17, 17, 768),
        "mixed6c": (17, 17, 768),
        "mixed6d": (17, 17, 768),
        "mixed6e": (17, 17, 768),
        "mixed7a": (8, 8, 1280),
        "mixed7b": (8, 8, 2048),
        "mixed7c": (8, 8, 2048),
    }


def test_inception_v3_alternates_1x7_and_7x1_as_the_listing_does() -> None:
    graph = network("inception_v3")

    def kernels(branch: str) -> list[tuple[int, ...]]:
        return [
            node.arguments["kernel_size"]
            for node in layers(graph, "Conv2D")
            if node.name.startswith(f"{branch}.")
        ]

    assert kernels("mixed6b.7x7") == [(1, 1), (1, 7), (7, 1)]
    assert kernels("mixed6b.7x7_twice") == [(1, 1), (7, 1), (1, 7), (7, 1), (1, 7)]
    assert kernels("mixed7a.7x7") == [(1, 1), (1, 7), (7, 1), (3, 3)]
    assert kernels("mixed7b.3x3") == [(1, 1), (1, 3), (3, 1)]
    assert kernels("mixed7b.3x3_twice") == [(1, 1), (3, 3), (1, 3), (3, 1)]
    middles = [graph[f"mixed6{letter}.7x7.conv.conv2d"].arguments["filters"] for letter in "bcde"]
    assert middles == [128, 160, 160, 192]


def test_inception_v3_s_auxiliary_head_comes_from_the_last_17x17_module() -> None:
    graph = network("inception_v3")
    assert [name.split(".")[0] for name in graph.outputs] == ["head", "auxiliary"]
    pool, small, large, last = [
        node
        for node in layers(graph, "AveragePooling2D", "Conv2D")
        if node.name.startswith("auxiliary.")
    ]
    assert pool.inputs == ("mixed6e.concatenate",)
    assert pool.facts.shape == (None, 5, 5, 768)
    assert (small.arguments["filters"], small.arguments["kernel_size"]) == (128, (1, 1))
    assert (large.arguments["filters"], large.arguments["kernel_size"]) == (768, (5, 5))
    assert large.facts.shape == (None, 1, 1, 768)
    assert last.arguments["use_bias"]
    assert not large.arguments["use_bias"]
    main = layers(graph, "AveragePooling2D")[-2]
    assert (main.arguments["pool_size"], main.facts.shape) == ((8, 8), (None, 1, 1, 2048))


def test_inception_v3_initialises_and_regularises_every_kernel() -> None:
    graph = network("inception_v3")
    initializers = Counter(
        initializer["TruncatedNormal"]["stddev"]
        for initializer in argument(graph, "kernel_initializer")
    )
    assert initializers == {0.1: 96 - 1 + 1, 0.01: 1, 0.001: 1}
    assert argument(graph, "kernel_regularizer") == [{"L2": {"l2": 2e-5}}] * 98
    norms = layers(graph, "BatchNormalization")
    assert len(norms) == 96
    assert {(n.arguments["momentum"], n.arguments["epsilon"]) for n in norms} == {(0.9997, 0.001)}
    assert all(node.arguments["center"] and not node.arguments["scale"] for node in norms)


@pytest.mark.slow
def test_inception_v3_without_batch_norm_is_the_literal_listing() -> None:
    graph = network("inception_v3", batch_norm=False)
    assert layers(graph, "BatchNormalization") == []
    assert all(argument(graph, "use_bias"))
    assert graph.total_params == 27_143_152


def test_resnet18_cifar100_has_bare_biased_shortcuts() -> None:
    graph = network("resnet18_cifar100")
    assert sizes(graph) == [32, 30, 15, 8, 4]
    assert all(argument(graph, "use_bias", "Conv2D"))
    assert len(layers(graph, "BatchNormalization")) == 17
    (pool,) = layers(graph, "MaxPooling2D")
    assert (pool.arguments["strides"], pool.arguments["padding"]) == ((1, 1), "same")
    shortcuts = [graph[node.inputs[1]].op for node in layers(graph, "Add")]
    assert [place for place, op in enumerate(shortcuts) if op == "Conv2D"] == [2, 4, 6]


# --- tutorial 002 --------------------------------------------------------------------------------


def test_resnet50v2_strides_in_the_last_unit_of_a_stage() -> None:
    graph = network("resnet50v2")
    assert sizes(graph)[:4] == [224, 230, 112, 114]
    added = [graph.shape(node.name)[1:] for node in layers(graph, "Add")]
    assert added == [
        *[(56, 56, 256)] * 2,
        *[(28, 28, 256)],
        *[(28, 28, 512)] * 3,
        *[(14, 14, 512)],
        *[(14, 14, 1024)] * 5,
        *[(7, 7, 1024)],
        *[(7, 7, 2048)] * 3,
    ]
    shortcuts = [graph[node.inputs[0]].op for node in layers(graph, "Add")]
    assert [place for place, op in enumerate(shortcuts) if op == "Conv2D"] == [0, 3, 7, 13]
    assert [place for place, op in enumerate(shortcuts) if op == "MaxPooling2D"] == [2, 6, 12]


def test_resnet50v2_biases_all_but_the_first_two_convolutions_of_a_unit() -> None:
    graph = network("resnet50v2")
    biased = [
        node.arguments["filters"] for node in layers(graph, "Conv2D") if node.arguments["use_bias"]
    ]
    assert Counter(biased) == {64: 1, 256: 4, 512: 5, 1024: 7, 2048: 4}
    assert set(argument(graph, "padding", "Conv2D", "MaxPooling2D")) == {"valid"}


def test_resnet50v2_takes_the_listing_s_arguments() -> None:
    assert set(argument(network("resnet50v2"), "epsilon")) == {0.001}
    assert set(argument(network("resnet50v2", epsilon=1.001e-5), "epsilon")) == {1.001e-5}

    def end(**params: Any) -> tuple[str, tuple[int | None, ...]]:
        graph = network("resnet50v2", **params)
        return graph[graph.outputs[0]].op, graph.shape(graph.outputs[0])

    assert end() == ("Dense", (None, 1000))
    assert end(include_top=False) == ("Activation", (None, 7, 7, 2048))
    assert end(include_top=False, pooling="avg") == ("GlobalAveragePooling2D", (None, 2048))
    assert end(include_top=False, pooling="max") == ("GlobalMaxPooling2D", (None, 2048))
    assert ends(network("resnet50v2", classifier_activation=None)) == [(LOGITS, 1000)]

    plain = network("resnet50v2", preact=False, use_bias=False)
    assert [node.op for node in plain][:5] == [
        "InputLayer",
        "ZeroPadding2D",
        "Conv2D",
        "BatchNormalization",
        "Activation",
    ]
    assert not layers(plain, "Conv2D")[0].arguments["use_bias"]
    assert [node.op for node in plain][-3:] == ["Add", "GlobalAveragePooling2D", "Dense"]


def test_resnet50v2_trains_on_a_folder_of_photos() -> None:
    recipe = recipe_of(network("resnet50v2"))
    assert (recipe.data.name, recipe.data.scale, recipe.data.resize) == (None, (0, 255), True)
    assert (recipe.data.validation, recipe.data.split_seed) == (0.2, 123)
    assert (recipe.optimizer, recipe.batch_size, recipe.epochs) == ("Adam", 8, 10)


# --- tutorials 003 and 004 -----------------------------------------------------------------------


def test_lenet5_mnist_pools_before_relu() -> None:
    graph = network("lenet5_mnist")
    assert [node.op for node in graph][1:8] == [*["Conv2D", "MaxPooling2D", "ReLU"] * 2, "Flatten"]
    assert sizes(graph) == [28, 26, 13, 11, 5]
    assert argument(graph, "units") == [120, 60, 10]
    recipe = recipe_of(graph)
    assert (recipe.data.name, recipe.data.scale) == ("mnist", (-1, 1))
    assert (recipe.batch_size, recipe.epochs) == (128, 4)


def test_lenet5_padded_has_one_padded_convolution() -> None:
    graph = network("lenet5_padded")
    assert sizes(graph) == [28, 14, 10, 5]
    assert argument(graph, "padding", "Conv2D") == ["same", "valid"]
    assert argument(graph, "kernel_size") == [(3, 3), (5, 5)]
    assert argument(graph, "units") == [120, 84, 10]


def test_alexnet_owt_starts_valid_and_drops_out_before_each_dense_layer() -> None:
    graph = network("alexnet_owt")
    assert sizes(graph) == [224, 54, 26, 12, 5]
    assert argument(graph, "filters") == [64, 192, 384, 256, 256]
    assert [graph.shape(node.name) for node in layers(graph, "Flatten")] == [(None, 6400)]
    assert [node.op for node in graph][-6:] == ["Flatten", *["Dropout", "Dense"] * 2, "Dense"]


def test_vgg16_imagenet_is_configuration_d() -> None:
    graph = network("vgg16_imagenet")
    assert sizes(graph) == [224, 112, 56, 28, 14, 7]
    assert Counter(argument(graph, "filters")) == {64: 2, 128: 2, 256: 3, 512: 6}
    assert [node.op for node in graph][-6:] == ["Flatten", *["Dense", "Dropout"] * 2, "Dense"]
    assert argument(graph, "units") == [4096, 4096, 10]
    assert network("vgg16_imagenet", classes=1000).total_params == 138_357_544


def test_cnn_mnist_has_pytorch_s_batch_normalization() -> None:
    graph = network("cnn_mnist")
    assert sizes(graph) == [28, 26, 24, 12, 10, 8, 4]
    assert argument(graph, "filters") == [16, 32, 64, 128]
    assert argument(graph, "units") == [1024, 128, 10]
    norms = layers(graph, "BatchNormalization")
    assert {(n.arguments["momentum"], n.arguments["epsilon"]) for n in norms} == {(0.9, 1e-5)}
    recipe = recipe_of(graph)
    assert (recipe.data.name, recipe.data.scale) == ("mnist", (-1, 1))
    assert (recipe.batch_size, recipe.epochs) == (100, 3)


# --- families ------------------------------------------------------------------------------------


def test_vgg_c_differs_from_d_by_three_1x1_convolutions() -> None:
    kernels = {name: argument(network(name), "kernel_size") for name in FAMILIES if "vgg" in name}
    assert {name: len(each) for name, each in kernels.items()} == {
        "vgg_a": 8,
        "vgg_b": 10,
        "vgg_c": 13,
        "vgg_d": 13,
        "vgg_e": 16,
    }
    assert [place for place, size in enumerate(kernels["vgg_c"]) if size == (1, 1)] == [6, 9, 12]
    assert set(kernels["vgg_d"]) == {(3, 3)}


@pytest.mark.parametrize(("name", "units"), [("resnet18_imagenet", 8), ("resnet34_imagenet", 16)])
def test_the_small_resnets_project_where_they_stride_and_have_no_biases(
    name: str, units: int
) -> None:
    graph = network(name)
    assert len(layers(graph, "Add")) == units
    assert not any(argument(graph, "use_bias", "Conv2D"))
    ones = [node for node in layers(graph, "Conv2D") if node.arguments["kernel_size"] == (1, 1)]
    assert [node.arguments["filters"] for node in ones] == [128, 256, 512]
    assert graph.shape(layers(graph, "Add")[-1].name) == (None, 7, 7, 512)
    assert graph.trainable_params == {8: 11_689_512, 16: 21_797_672}[units]


# --- known networks ------------------------------------------------------------------------------


def test_efficientnet_leaves_out_deeper_paths_more_often() -> None:
    assert path_rates(network("efficientnet_b0")) == pytest.approx(
        [0.2 * unit / 16 for unit in (2, 4, 6, 7, 9, 10, 12, 13, 14)]
    )
    deep = path_rates(network("efficientnet_b7"))
    assert len(deep) == 55 - 7
    assert deep == sorted(deep)
    assert deep[-1] == pytest.approx(0.2 * 54 / 55)
    assert path_rates(network("efficientnet_b0", drop_path=0)) == [0] * 9


@pytest.mark.parametrize(
    ("name", "units", "last"),
    [("convnext_tiny", 18, 0.1), ("convnext_small", 36, 0.4), ("convnext_base", 36, 0.5)],
)
def test_convnext_leaves_out_deeper_paths_more_often(name: str, units: int, last: float) -> None:
    graph = network(name)
    assert len(layers(graph, "Add")) == units
    assert path_rates(graph) == pytest.approx(
        [last * unit / (units - 1) for unit in range(1, units)]
    )


def test_resnext_and_se_resnet_train_the_parameters_that_are_published() -> None:
    # torchvision's resnext50_32x4d and timm's legacy_seresnet50; both leave the statistics out.
    assert network("resnext50").trainable_params == 25_028_904
    assert network("se_resnet50").trainable_params == 28_088_024


def test_unet_crops_what_the_paper_crops_and_nothing_when_it_is_padded() -> None:
    graph = network("unet")
    assert argument(graph, "cropping") == [((edge, edge), (edge, edge)) for edge in (4, 16, 40, 88)]
    for size in (188, 588):
        (output,) = network("unet", size=size).outputs
        assert network("unet", size=size).shape(output) == (None, size - 184, size - 184, 2)
    padded = network("unet", size=256, padding="same", classes=5, channels_in=3)
    assert padded.shape(*padded.inputs) == (None, 256, 256, 3)
    assert padded.shape(*padded.outputs) == (None, 256, 256, 5)
    assert layers(padded, "Cropping2D") == []


def test_the_towers_of_the_siamese_network_share_their_weights() -> None:
    graph = network("siamese")
    first, second = (
        [node for node in graph if node.name.startswith(f"{name}.")] for name in ("one", "two")
    )
    assert [node.name[3:] for node in first] == [node.name[3:] for node in second]
    assert graph.total_params == sum(map(count_params, first)) + 4097


def test_the_autoencoder_s_decoder_is_its_encoder_backwards() -> None:
    assert argument(network("autoencoder"), "units") == [1000, 500, 250, 30, 250, 500, 1000, 784]
    small = network("autoencoder", widths=[64, 8], code=2, size=8)
    assert argument(small, "units") == [64, 8, 2, 8, 64, 64]
    assert small.shape(*small.outputs) == (None, 8, 8, 1)


# --- summaries -----------------------------------------------------------------------------------

UNITS = {"K": 1e3, "M": 1e6, "G": 1e9, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@pytest.mark.parametrize("name", most_slow([*SPECS, *EXAMPLES]))
def test_the_summary_is_as_it_was_and_adds_up(
    name: str, golden: Callable[[str, str], None]
) -> None:
    """The table of one network is folded until a page holds it."""
    graph = network(name)
    text, depth = to_text([graph]), find_fitting_depth(graph)
    golden(f"summaries/{name}.txt", text)
    assert depth in (None, 1) or len(summarize(graph, depth).rows) <= MAX_ROWS
    for heading in ("params", "fixed", "MACs", "activation"):
        *cells, total = column(text, heading)
        if total or any(cells):
            assert abs(sum(map(number, cells)) - number(total)) <= sum(
                map(rounding, [*cells, total])
            )


def test_the_sum_of_a_summary_can_be_wrong() -> None:
    text = to_text([network("lenet5")])
    assert column(text, "params")[1] == "156"
    *cells, total = column(text.replace("   156 ", "   556 "), "params")
    assert abs(sum(map(number, cells)) - number(total)) > sum(map(rounding, [*cells, total]))


def column(text: str, heading: str) -> list[str]:
    """The cells of a column of a printed table, its total last; no cells if it is not there."""
    lines = text.splitlines()
    rule = next(place for place, line in enumerate(lines) if line.startswith("---"))
    places = [match.span() for match in re.finditer("-+", lines[rule])]
    headings = [lines[rule - 1][start:end].strip() for start, end in places]
    if heading not in headings:
        return [""]
    start, end = places[headings.index(heading)]
    last = next(place for place, line in enumerate(lines) if line.startswith("total"))
    rows = [line for line in lines[rule + 1 : last + 1] if not line.startswith("---")]
    return [row[start:end].strip() for row in rows]


def number(cell: str) -> float:
    """`2.42 K` -> 2420.0"""
    digits, _, unit = cell.replace(",", "").partition(" ")
    return float(digits or 0) * UNITS.get(unit, 1)


def rounding(cell: str) -> float:
    """What a printed number may be off: half of its last digit; nothing for a whole number."""
    digits, _, unit = cell.replace(",", "").partition(" ")
    if unit in ("", "B"):
        return 0
    return UNITS[unit] * 10.0 ** -len(digits.partition(".")[2]) / 2
