"""The variants of `examples/identity_mappings` are the units of the paper's figures 2 and 4."""

from functools import cache
from itertools import groupby
from typing import Any

import pytest
from shipped import EXAMPLES, ROOT, network
from shrinking import slow_but_first

import archspec
from archspec.analysis.measures import measure_depth
from archspec.graph import Graph, count_params
from archspec.recipe import recipe_of

FOLDER = ROOT / "examples" / "identity_mappings"

# file -> (parameters in millions, the operations of a unit that keeps its shape)
CONVOLUTIONS = ["Conv2D", "BatchNormalization", "Activation", "Conv2D"]
RESIDUAL = [*CONVOLUTIONS, "BatchNormalization"]
BOTTLENECK = ["Conv2D", "BatchNormalization", "Activation"] * 2 + ["Conv2D"]
VARIANTS = {
    "resnet110": (1.7, [*RESIDUAL, "Add", "Activation"]),
    "constant_scaling": (1.7, [*RESIDUAL, "Rescaling", "Rescaling", "Add", "Activation"]),
    "exclusive_gating": (
        1.8,
        [*RESIDUAL, "Conv2D", "Rescaling", "Multiply", "Multiply", "Add", "Activation"],
    ),
    "shortcut_only_gating": (
        1.8,
        [*RESIDUAL, "Conv2D", "Rescaling", "Multiply", "Add", "Activation"],
    ),
    "conv_shortcut": (1.8, [*RESIDUAL, "Conv2D", "BatchNormalization", "Add", "Activation"]),
    "dropout_shortcut": (1.7, [*RESIDUAL, "Dropout", "Add", "Activation"]),
    "bn_after_addition": (1.7, [*CONVOLUTIONS, "Add", "BatchNormalization", "Activation"]),
    "relu_before_addition": (1.7, [*RESIDUAL, "Activation", "Add"]),
    "relu_only_preactivation": (1.7, ["Activation", *RESIDUAL, "Add"]),
    "full_preactivation": (1.7, ["BatchNormalization", "Activation", *CONVOLUTIONS, "Add"]),
    "resnet164": (1.7, ["BatchNormalization", "Activation", *BOTTLENECK, "Add"]),
    "resnet1001": (10.2, ["BatchNormalization", "Activation", *BOTTLENECK, "Add"]),
}
# Of those whose change is an `edit`: the same networks with the hook blocks replaced.
FINGERPRINTS = {
    "constant_scaling": "cc1d58cf619b691d",
    "conv_shortcut": "dc7e10a4e87cd7d6",
    "dropout_shortcut": "e79203b4670ff6f5",
    "shortcut_only_gating": "543eafe0a1b79262",
}
DEPTHS = {"resnet164": 164, "resnet1001": 1001}
# A change of the shortcut, of the order, and of the units' kind stand for all in a quick run.
FEW = ("resnet110", "exclusive_gating", "full_preactivation", "resnet164")
EACH = [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS]
SHALLOW = 20


@cache
def variant(name: str, **params: Any) -> Graph:
    return archspec.load(EXAMPLES[name], **params) if params else network(name)


def unit(graph: Graph, name: str = "stage0.unit1") -> list[str]:
    return [node.op for node in graph if node.name.startswith(f"{name}.")]


def test_every_file_is_in_the_table_and_in_the_readme() -> None:
    assert set(EXAMPLES) == set(VARIANTS)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in VARIANTS)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "resnet110"])
def test_a_variant_is_a_small_file(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert "extends: " in text
    assert len(text.splitlines()) <= 32


@pytest.mark.parametrize("name", slow_but_first(FINGERPRINTS))
@pytest.mark.thorough
def test_an_edit_makes_the_network_that_hook_blocks_made(name: str) -> None:
    assert variant(name).fingerprint == FINGERPRINTS[name]


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.thorough
def test_a_unit_has_the_operations_of_the_figure(name: str) -> None:
    assert unit(variant(name, depth=SHALLOW)) == VARIANTS[name][1]


@pytest.mark.parametrize("name", EACH)
@pytest.mark.thorough
def test_the_size_is_the_paper_s(name: str) -> None:
    """The paper leaves the scales and shifts of batch normalization out: 10.2 M are kernels."""
    graph = variant(name)
    kernels = sum(count_params(node) for node in graph if node.op in ("Conv2D", "Dense"))
    assert round(kernels / 1e6, 1) == VARIANTS[name][0]
    assert graph.shape(*graph.inputs) == (None, 32, 32, 3)
    assert graph.shape(*graph.outputs) == (None, 10)
    assert measure_depth(graph) == DEPTHS.get(name, 110)


@pytest.mark.parametrize("name", EACH)
def test_the_features_shrink_to_8_by_8(name: str) -> None:
    graph = variant(name)
    added = [graph.shape(node.name) for node in graph if node.op == "Add"]
    width = 64 if name in DEPTHS else 16
    shapes = [(None, 32 // scale, 32 // scale, width * scale) for scale in (1, 2, 4)]
    assert [shape for shape, _ in groupby(added)] == shapes
    assert [len(list(same)) for _, same in groupby(added)] == [len(added) // 3] * 3


def test_the_original_shortcuts_have_no_parameters() -> None:
    graph = variant("resnet110")
    on_shortcuts = [node for node in graph if ".shortcut." in node.name]
    assert [node.op for node in on_shortcuts] == ["MaxPooling2D", "Rescaling", "Concatenate"] * 2
    assert sum(map(count_params, on_shortcuts)) == 0
    plain = graph["stage0.unit1.join.add"]
    assert plain.inputs[1] == "stage0.unit0.output.activation"


def test_a_preactivated_network_activates_after_the_stem_and_once_more_at_the_end() -> None:
    graph = variant("full_preactivation")
    assert unit(graph, "stage0.unit0") == [*CONVOLUTIONS, "Add"]
    assert [node.op for node in graph][:4] == [
        "InputLayer",
        "Conv2D",
        "BatchNormalization",
        "Activation",
    ]
    assert [node.op for node in graph][-5:] == [
        "Add",
        "BatchNormalization",
        "Activation",
        "GlobalAveragePooling2D",
        "Dense",
    ]
    assert [node.op for node in variant("relu_only_preactivation")][-4:-2] == ["Add", "Activation"]
    assert [node.op for node in variant("resnet110")][-4:-2] == ["Add", "Activation"]


def test_a_bottleneck_projects_the_activated_signal_where_the_shape_changes() -> None:
    graph = variant("resnet164")
    projections = [node for node in graph if ".shortcut." in node.name]
    assert [node.arguments["filters"] for node in projections] == [64, 128, 256]
    assert [graph[node.inputs[0]].op for node in projections] == ["Activation"] * 3
    assert projections[1].inputs == ("stage1.unit0.enter.activation",)


@pytest.mark.parametrize(
    "name",
    [
        "relu_only_preactivation",
        pytest.param("bn_after_addition", marks=pytest.mark.slow),
        pytest.param("relu_before_addition", marks=pytest.mark.slow),
    ],
)
def test_the_second_column_of_table_2_is_two_settings(name: str) -> None:
    graph = variant(name, depth=164, bottleneck=True)
    assert measure_depth(graph) == 164
    assert round(graph.total_params / 1e6, 1) == 1.7


@pytest.mark.thorough
def test_gates_start_at_the_bias_of_the_paper() -> None:
    for name in ("exclusive_gating", "shortcut_only_gating"):
        graph = variant(name)
        gates = [node for node in graph if node.arguments.get("activation") == "sigmoid"]
        assert len(gates) == 54
        assert gates[0].arguments["bias_initializer"] == {"Constant": {"value": -6.0}}
        assert gates[0].arguments["kernel_size"] == (1, 1)


def test_the_recipe_is_the_paper_s() -> None:
    for name in VARIANTS:
        recipe = recipe_of(variant(name, depth=SHALLOW))
        assert (recipe.data.name, recipe.batch_size, recipe.steps) == ("cifar10", 128, 64_000)
        assert [step if isinstance(step, str) else next(iter(step)) for step in recipe.augment] == [
            "RandomFlip",
            "RandomTranslation",
        ]
        (settings,) = recipe.optimizer.values()  # type: ignore[union-attr]
        assert settings["momentum"] == 0.9
        assert settings["learning_rate"]["PiecewiseConstantDecay"] == {
            "boundaries": (400, 32_000, 48_000),
            "values": (0.01, 0.1, 0.01, 0.001),
        }


# --- what they compute ---------------------------------------------------------------------------


def outputs(name: str, weights_of: Any = None, **params: Any) -> Any:
    """A shallow variant and its outputs on two images, with the weights of another by name."""
    import numpy as np

    model = archspec.to_keras(variant(name, depth=8, **params))
    if weights_of is not None:
        theirs = {layer.name: layer for layer in weights_of.layers}
        for layer in model.layers:
            if layer.weights and layer.name in theirs:
                layer.set_weights(theirs[layer.name].get_weights())
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    return model, np.asarray(model(images, training=False))


@pytest.mark.keras
def test_an_open_gate_is_the_original_and_a_shut_one_has_no_shortcut() -> None:
    import numpy as np

    original, expected = outputs("resnet110")
    _, gated = outputs("shortcut_only_gating", original, gate_bias=-100)
    np.testing.assert_allclose(gated, expected, atol=1e-5)
    _, plain = outputs("constant_scaling", original, on_shortcut=0, on_residual=1)
    _, shut = outputs("exclusive_gating", original, gate_bias=100)
    np.testing.assert_allclose(shut, plain, atol=1e-5)
    assert np.abs(plain - expected).max() > 1e-3


@pytest.mark.keras
def test_new_channels_of_a_shortcut_are_zero() -> None:
    import keras
    import numpy as np

    model, _ = outputs("resnet110")
    taken = [
        layer
        for layer in model.layers
        if "shortcut" in layer.name and type(layer).__name__ in ("MaxPooling2D", "Concatenate")
    ]
    pool, joined = taken[:2]
    images = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    before, after = keras.Model(model.input, [pool.input, joined.output])(images)
    before, after = np.asarray(before), np.asarray(after)
    np.testing.assert_array_equal(after[..., :16], before[:, ::2, ::2])
    np.testing.assert_array_equal(after[..., 16:], 0)
