"""Building: the Keras model is what the graph says, on whatever backend Keras runs."""

from __future__ import annotations

import subprocess
import sys
from math import prod
from pathlib import Path

import pytest
from msgspec.structs import replace

import archspec
from archspec.backends.spec_yaml import to_spec
from archspec.syntax.writer import write_yaml

pytestmark = pytest.mark.keras

HEAD = "archspec: 1\n"
SHARED = (
    HEAD
    + """
inputs: {left: [8, 8, 3], right: [8, 8, 3]}
layers:
  - Conv2D: {filters: 4, kernel_size: 3}
    name: eye
    from: left
  - reuse: eye
    from: right
  - Concatenate:
    from: [eye, previous]
"""
)
SMALL = (
    HEAD
    + """
params: {width: 4}
input: [8, 8, 3]
layers:
  - Conv2D: {filters: =width, kernel_size: 3, kernel_initializer: he_normal}
    name: stem
  - BatchNormalization
  - Dropout: 0.5
  - branches:
      a: [Conv2D: {filters: 4, kernel_size: 1}]
      b: []
    merge: Add
  - GlobalAveragePooling2D
  - Dense: {units: 3, bias_initializer: {RandomNormal: {stddev: 0.1}}}
"""
)


def same(one, other):
    import numpy as np

    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return [np.array_equal(a, b) for a, b in pairs]


@pytest.mark.parametrize(
    "name", ["lenet5", "inception10", "resnet18", "googlenet", "cnn_mnist", "resnet18_cifar100"]
)
def test_a_shipped_network_is_the_model_that_its_spec_says(name):
    graph = archspec.load(name)
    model = archspec.to_keras(graph)
    assert model.count_params() == graph.total_params
    assert sum(prod(each.shape) for each in model.trainable_variables) == graph.trainable_params
    assert {layer.name for layer in model.layers if layer.weights} == {
        node.name.replace(".", "-") for node in graph if node.facts.weights
    }
    outputs = model.outputs if isinstance(model.outputs, list) else [model.outputs]
    assert [tuple(each.shape) for each in outputs] == [graph.shape(n) for n in graph.outputs]


def test_a_frozen_layer_that_is_made_of_layers_is_not_trained():
    import numpy as np

    text = "archspec: 1\ninput: [3, 4]\nlayers:\n"
    text += "- Dense: 4\n"
    text += "- MultiHeadAttention: {num_heads: 1, key_dim: 2, trainable: false}\n"
    text += "  from: {query: previous, value: previous}\n"
    graph = archspec.loads(text)
    model = archspec.to_keras(graph)
    assert sum(prod(each.shape) for each in model.trainable_variables) == graph.trainable_params
    before = {each.path: np.array(each) for each in model.variables}
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3, 4)), np.zeros((4, 3, 4)), verbose=0)
    moved = {each.path for each in model.trainable_variables}
    still = [each for each in model.weights if each.path not in moved]
    assert len(moved) == 2
    assert all(np.array_equal(np.array(each), before[each.path]) for each in still)


def test_the_same_spec_and_seed_give_the_same_weights():
    first, second = (archspec.to_keras(archspec.loads(SMALL), seed=7) for _ in range(2))
    assert all(same(first, second))
    other = archspec.to_keras(archspec.loads(SMALL), seed=8)
    assert not all(same(first, other))


def test_a_weight_for_which_keras_takes_no_seed_follows_from_that_of_the_model():
    text = HEAD + "inputs: {a: [3, 4], b: [3, 4]}\nlayers:\n"
    text += "- AdditiveAttention:\n  from: [a, b]\n"
    assert all(same(*(archspec.to_keras(archspec.loads(text), seed=7) for _ in range(2))))


def test_no_operation_of_a_mask_is_called_as_a_layer():
    """Keras numbers its operations past the names that it gave itself, not past those of a spec."""
    import keras

    text = HEAD + "inputs: {a: [3, 4], b: [3, 4]}\nlayers:\n- {Masking: , from: a}\n"
    text += "- {Concatenate: {axis: 1}, from: [previous, b], name: not_equal}\n"
    text += "- {BatchNormalization: , name: any_1}\n"
    graph = archspec.loads(text)
    keras.backend.clear_session()
    model = archspec.to_keras(graph)
    keras.backend.clear_session()
    space: dict = {}
    exec(archspec.to_source(graph), space)
    names = [layer.name for layer in model.layers]
    assert [layer.name for layer in space[graph.name]().layers] == names
    assert "any_1" in names
    text = HEAD + "input: {shape: [3], dtype: int32}\nlayers:\n"
    text += "- Embedding: {input_dim: 4, output_dim: 2}\n- {Flatten: , name: concatenate}\n"
    text += "- Dense: 2"
    assert "get_uid" not in archspec.to_source(archspec.loads(text))


def test_blocks_or_a_flat_list_give_the_same_weights():
    graph = archspec.loads(SMALL)
    flat = archspec.loads(write_yaml(to_spec(graph)))
    assert flat.fingerprint == graph.fingerprint
    assert all(same(archspec.to_keras(graph, 3), archspec.to_keras(flat, 3)))


def test_two_layers_of_one_shape_start_from_different_weights():
    text = HEAD + "input: [4]\nlayers:\n  - Dense: 4\n  - Dense: 4\n"
    kernels = archspec.to_keras(archspec.loads(text)).get_weights()[::2]
    assert (kernels[0] != kernels[1]).any()


def test_a_seed_in_the_spec_is_kept():
    text = HEAD + (
        "input: [4]\nlayers:\n  - Dense: {units: 4, kernel_initializer: {HeNormal: {seed: 5}}}\n"
    )
    one, other = (archspec.to_keras(archspec.loads(text), seed) for seed in (1, 2))
    assert all(same(one, other))


def test_a_reused_layer_is_one_layer_called_twice():
    graph = archspec.loads(SHARED)
    model = archspec.to_keras(graph)
    assert model.count_params() == graph.total_params == 4 * 27 + 4
    assert len([layer for layer in model.layers if layer.weights]) == 1
    assert len(model.inputs) == 2


def test_activations_constraints_and_policies_survive_saving(tmp_path: Path):
    import keras
    import numpy as np

    text = HEAD + (
        "input: [6, 6, 2]\nlayers:\n"
        "  - Conv2D: {filters: 3, kernel_size: 3, activation: {leaky_relu: 0.1}}\n"
        "  - Conv2D:\n      filters: 3\n      kernel_size: 1\n"
        "      kernel_constraint: {MaxNorm: 2}\n      dtype: bfloat16\n"
        "  - Activation: {activation: gelu}\n  - Flatten\n"
        "  - Dense: {units: 2, kernel_regularizer: {L1L2: {l1: 0.1, l2: 0.2}}}\n"
    )
    model = archspec.to_keras(archspec.loads(text))
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 2)).astype("float32")
    assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    assert again.get_layer("conv2d_1").dtype_policy.name == "bfloat16"
    assert again.get_layer("conv2d_1").kernel_constraint.max_value == 2
    assert again.get_layer("dense").kernel_regularizer.l2 == pytest.approx(0.2)
    assert again.get_layer("conv2d").activation.negative_slope == pytest.approx(0.1)


def test_call_arguments_reach_the_layer():
    import numpy as np

    text = HEAD + "input: [100]\nlayers:\n  - Dropout: 0.5\n    call: {training: true}\n"
    model = archspec.to_keras(archspec.loads(text))
    assert (np.array(model(np.ones((1, 100)))) == 0).any()
    assert (model.predict(np.ones((1, 100)), verbose=0) == 1).all()  # Keras says training=False


def test_a_disagreement_with_keras_names_the_layer():
    from archspec.backends.keras import InternalError

    graph = archspec.loads(SMALL)
    wrong = tuple(
        replace(node, facts=replace(node.facts, shape=(None, 6, 6, 5)))
        if node.name == "stem"
        else node
        for node in graph.nodes
    )
    with pytest.raises(InternalError, match="'stem' the shape"):
        archspec.to_keras(replace(graph, nodes=wrong))
    miscounted = tuple(
        replace(node, facts=replace(node.facts, weights={"kernel": (1, 1)}))
        if node.name == "stem"
        else node
        for node in graph.nodes
    )
    with pytest.raises(InternalError, match="'stem' weights"):
        archspec.to_keras(replace(graph, nodes=miscounted))


def test_build_writes_a_model_that_plain_keras_loads(tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "archspec", "build", "lenet5", "--set", "classes=7"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "build/lenet5.keras" in run.stdout
    import keras

    model = keras.saving.load_model(tmp_path / "build" / "lenet5.keras")
    assert model.output_shape == (None, 7)
    assert [each.name for each in (tmp_path / "build").iterdir()] == ["lenet5.keras"]
