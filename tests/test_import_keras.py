"""Keras models read into specs: the spec, built again, is the model that was read."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import command
from keras_models import MODELS
from layer_cases import CASES, Case
from random_checks import drawn, read
from random_graphs import write
from shipped import FILES, ORIGINALS, most_slow
from shrinking import ALL, few_or_many, slow_but_first, try_out

import archspec
from archspec.backends.spec_yaml import flat_name, to_spec
from archspec.errors import SpecError
from archspec.graph import Graph, canonical_order
from archspec.importing.applications import APPLICATIONS
from archspec.importing.files import Model
from archspec.importing.specs import Imported, to_imported
from archspec.layers import LAYERS
from archspec.layers.equivalents import (
    ACTIVATIONS,
    RANGES,
    forget_additions,
    replace_operation,
    trains_by_default,
)
from archspec.layers.equivalents import Tensor as Taken
from archspec.syntax.writer import write_yaml

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("forgotten"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def import_again(graph: Graph) -> Imported:
    """Build a graph without memory for weights, and import the config of the model."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        return import_config(archspec.to_keras(graph))


def import_config(model: Any) -> Imported:
    return to_imported(Model(json.loads(model.to_json()), "model", "model", "a test"))


# --- models as people write them -----------------------------------------------------------------


def find_layer(model: Any, path: str) -> Any:
    """The layer of a name; None for an operation, which is no layer."""
    for name in path.split("/"):
        model = next((each for each in model.layers if each.name == name), None)
        if model is None:
            return None
    return model


def copy_weights(model: Any, built: Any, names: dict[str, str]) -> int:
    """Give each weight a value, the same one in both models; return how many numbers there are."""
    source = np.random.default_rng(0)
    count = 0
    for old, new in names.items():
        if new in {each.name for each in built.inputs}:
            continue
        theirs = getattr(find_layer(model, old), "weights", [])
        ours = built.get_layer(flat_name(new)).weights
        # The weight of a LayerScale is a vector, and that of `layer_scale` the same as a kernel.
        sizes = [np.prod(each.shape) for each in theirs]
        assert sizes == [np.prod(each.shape) for each in ours], old
        for a, b in zip(theirs, ours, strict=True):
            if np.issubdtype(a.numpy().dtype, np.floating):
                value = source.random(a.shape).astype("float32") * 0.2 + 0.05
                a.assign(value)
                b.assign(value.reshape(b.shape))
                count += value.size
    return count


def outputs(model: Any) -> list[np.ndarray]:
    """What a model makes of eight samples, a number that all of them take."""
    import keras

    source = np.random.default_rng(1)

    def sample(each: Any) -> np.ndarray:
        shape = (8, *(axis or 32 for axis in each.shape[1:]))
        return (source.random(shape) * 9).astype(each.dtype)

    fed: Any = [sample(each) for each in model.inputs]
    struct = getattr(model, "_inputs_struct", None)
    if isinstance(struct, dict):
        fed = dict(zip(sorted(struct), fed, strict=True))
    elif len(fed) == 1:
        (fed,) = fed
    return [np.asarray(each) for each in keras.tree.flatten(model(fed, training=False))]


@pytest.mark.parametrize("name", slow_but_first(MODELS, 4))
def test_a_model_computes_the_same_when_it_is_built_again(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    imported = archspec.from_keras(model)
    model.save(tmp_path / "model.keras")
    of_file = archspec.from_keras(tmp_path / "model.keras")
    assert of_file.graph.fingerprint == imported.graph.fingerprint
    assert of_file.names == imported.names
    built = archspec.to_keras(imported.graph)
    assert built.count_params() == model.count_params()
    assert len(built.trainable_weights) == len(model.trainable_weights)
    copy_weights(model, built, dict(imported.names))
    tolerance = 1e-6 if any("last bit" in note for note in imported.notes) else 0
    for theirs, ours in zip(outputs(model), outputs(built), strict=True):
        assert theirs.dtype == ours.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def test_the_text_of_one_of_them(golden: Any) -> None:
    golden("imported_transformer.yaml", archspec.from_keras(MODELS["transformer"]()).text)


def test_what_keras_does_not_save_of_a_model_is_noted() -> None:
    import keras
    from keras import layers

    x = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    outer = keras.Sequential([keras.Input((4,)), inner])
    inner_alone = keras.Model(x, layers.Dense(2)(inner(x)))
    shared = keras.Model(x, inner(outer(x)))
    (note,) = archspec.from_keras(shared).notes
    assert note.startswith("the model trains 20 parameters, and this spec 40")
    assert not archspec.from_keras(inner_alone).notes


def test_a_model_without_a_config_is_refused() -> None:
    import keras

    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(SpecError, match="import-class"):
        archspec.from_keras(Own())


def test_means_in_weights_become_arguments(tmp_path: Path) -> None:
    import keras
    from keras import layers

    one, few, new, many = (layers.Normalization(axis=axis) for axis in (None, -1, -1, -1))
    source = np.random.default_rng(0)
    one.adapt(source.random((9, 3)))
    few.adapt(source.random((9, 3)))
    many.adapt(source.random((9, 70)))
    inner = keras.Sequential([keras.Input((3,)), few, new], name="inner")
    model = keras.Sequential([keras.Input((3,)), one, inner])
    model.save(tmp_path / "x.keras")
    given = archspec.from_keras(tmp_path / "x.keras").graph
    assert given.fingerprint == archspec.from_keras(model).graph.fingerprint
    built = archspec.to_keras(given)
    x = source.random((4, 3)).astype("float32")
    np.testing.assert_array_equal(built(x), model(x))
    means = [node.arguments.get("mean") for node in given][1:]
    assert np.ndim(means[0]) == 0
    assert np.shape(means[1]) == (3,)
    assert means[2] is None
    wide = keras.Sequential([keras.Input((70,)), many])
    wide.save(tmp_path / "wide.keras")
    for each in (wide, tmp_path / "wide.keras"):
        with pytest.raises(SpecError, match="has 70 means in its weights"):
            archspec.from_keras(each)


# --- what keras.ops leaves -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_computes_what_its_operation_does(name: str) -> None:
    import keras
    from keras.src.activations.activations import ReLU

    places = [keras.src.ops.nn, keras.src.ops.numpy]
    cls = ReLU if name == "ReLU" else next(getattr(p, name) for p in places if hasattr(p, name))
    parameters = inspect.signature(cls.__init__).parameters
    function, fixed = ACTIVATIONS[name]
    settings = {key: value for key, value in fixed.items() if key in parameters}
    x = np.linspace(-5, 5, 400, dtype="float32").reshape(2, 200)
    (found,), note = replace_operation(name, [Taken((None, 200), "float32")], settings)
    assert found.arguments == {"activation": function}
    assert note is None
    layer = keras.layers.Activation(function)
    np.testing.assert_array_equal(cls(**settings)(x), layer(x))


@pytest.mark.parametrize("number", slow_but_first([0.1, 3, 7.0, 127.5, 255, -2.5, 1e-3, 1e5], 2))
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "TrueDivide"])
def test_a_rescaling_computes_what_its_operation_does(
    name: str, number: float, first: bool
) -> None:
    import keras

    if first and name == "TrueDivide":
        return  # which is refused
    x = np.random.default_rng(0).normal(0, 100, (50, 100)).astype("float32")
    taken = Taken((None, 100), "float32")
    (found,), note = replace_operation(name, [number, taken] if first else [taken, number], {})
    operation = getattr(keras.src.ops.numpy, name)()
    expected = np.asarray(operation(number, x) if first else operation(x, number))
    given = np.asarray(keras.layers.Rescaling(**found.arguments)(x))
    if note is None:
        np.testing.assert_array_equal(given, expected)
    else:
        np.testing.assert_allclose(given, expected, rtol=2e-7)


def test_keras_says_in_which_layers_training_is_the_default() -> None:
    import keras

    for name in LAYERS:
        parameter = inspect.signature(getattr(keras.layers, name).call).parameters.get("training")
        assert (parameter is not None and parameter.default is True) == trains_by_default(name), (
            name
        )


# --- every layer, every spec, random networks ----------------------------------------------------


def plain(graph: Graph) -> Graph:
    """A graph without what a model does not keep: seeds, numbers that are written in another way,
    and a `training` that is the default."""
    spec = to_spec(graph)
    ops = {flat_name(node.name): node.op for node in graph}
    for step in spec["layers"]:
        op = ops[step["name"]]
        given = step.get(op)
        if isinstance(given, dict):
            given = without_seeds(given)
            for name in RANGES.get(op, ()):
                if isinstance(given.get(name), list):
                    given[name] = sorted(given[name])
            if given.get("dtype") == "float32":
                del given["dtype"]
            step[op] = forget_additions(op, given, None) or None
        training = step.get("call", {}).get("training")
        if training is trains_by_default(op):
            del step["call"]["training"]
            step.pop("call") if not step["call"] else None
    return archspec.loads(write_yaml(spec))


def without_seeds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_seeds(each) for key, each in value.items() if key != "seed"}
    return [without_seeds(each) for each in value] if isinstance(value, list) else value


LOST = {
    "GroupNormalization(groups=-1,axis=1)<-(6,4,4)": "Keras makes a number of groups of -1",
}
GOOD = [
    each
    for each in CASES
    if not each.refusal and not each.backends and not LAYERS[each.layer].traits.augments_only
    if not any(shape == () for shape in ([each.inputs] if isinstance(each.inputs, tuple) else []))
]


def spec_of(case: Case) -> Graph:
    given = case.inputs
    if isinstance(given, dict):
        inputs, taken = {f"of_{key}": shape for key, shape in given.items()}, {}
        taken = {key: f"of_{key}" for key in given}
    elif isinstance(given, list):
        inputs = {f"i{place}": shape for place, shape in enumerate(given)}
        taken = list(inputs)
    else:
        inputs, taken = {"i": given}, "i"
    step = {case.layer: case.arguments or None, "from": taken}
    if case.call:
        step["call"] = case.call
    spec = {"archspec": 1, "name": "case", "layers": [step]}
    spec["inputs"] = {name: list(shape) for name, shape in inputs.items()}
    return archspec.loads(write_yaml(spec))


def test_every_layer_is_imported_as_it_was() -> None:
    seen = set()
    for case in GOOD:
        if str(case) in LOST:
            continue
        graph = spec_of(case)
        assert import_again(graph).graph.fingerprint == plain(graph).fingerprint, str(case)
        seen.add(case.layer)
    assert len(seen) > 90


# Keras builds a model by calls within calls, more than Python allows for 1,001 layers.
BUILT = [name for name in (FILES if ALL else ORIGINALS) if name != "resnet1001"]


@pytest.mark.parametrize("name", most_slow(BUILT))
def test_a_shipped_network_is_imported_as_it_was(name: str) -> None:
    graph = archspec.load(FILES[name])
    assert import_again(graph).graph.fingerprint == plain(graph).fingerprint


def without_losses(graph: Graph) -> Iterator[Any]:
    """Whether Keras keeps each part of a graph: not the gain of an Identity, nor an order."""
    for node in graph:
        text = json.dumps(dict(node.arguments), default=str)
        yield "Identity" not in text or "gain" not in text
        axis = node.arguments.get("axis")
        yield not isinstance(axis, tuple) or len(axis) < 2
        yield node.op != "RandomErasing"


@pytest.mark.parametrize("count", few_or_many(30, 300))
def test_random_networks_are_imported_as_they_were(count: int) -> None:
    compared = 0

    def check(network: Any) -> None:
        nonlocal compared
        graph = read(write(network)[0]) if not network.kind else None
        if not isinstance(graph, Graph) or not all(without_losses(graph)):
            return
        imported, original = import_again(graph).graph, plain(graph)
        for ours, theirs in zip(canonical_order(imported), canonical_order(original), strict=True):
            node, other = imported[ours], original[theirs]
            assert imported.normal_arguments(node) == original.normal_arguments(other)
            assert node.call == other.call
        assert imported.fingerprint == original.fingerprint
        compared += 1

    try_out(check, drawn, count)
    assert compared > count // 3


# --- keras.applications --------------------------------------------------------------------------

SMALL = ["MobileNet", "MobileNetV3Small", "DenseNet121", "ConvNeXtTiny"]
# The first of each family; the others have more of the same layers.
FIRST = ["MobileNetV2", "MobileNetV3Large", "VGG16", "ResNet50", "ResNet50V2", "InceptionV3"]
FIRST += ["InceptionResNetV2", "Xception", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0"]
REST = [name for name in (APPLICATIONS if ALL else FIRST) if name not in SMALL]


@pytest.mark.parametrize("name", slow_but_first([*SMALL, *REST], 2))
def test_a_model_of_applications_has_the_same_layers(name: str) -> None:
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
        imported = import_config(model)
        trained = sum(int(np.prod(each.shape)) for each in model.trainable_weights)
        shapes = {
            old: tuple(find_layer(model, old).output.shape)
            for old in imported.names
            if find_layer(model, old) is not None
        }
    graph = imported.graph
    assert (graph.total_params, graph.trainable_params) == (model.count_params(), trained)
    assert {old: graph.shape(imported.names[old]) for old in shapes} == shapes


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMALL, "EfficientNetB0", "NASNetMobile"])
def test_a_model_of_applications_computes_the_same(name: str) -> None:
    import keras

    model = getattr(keras.applications, name)(weights=None)
    imported = archspec.from_keras(model)
    built = archspec.to_keras(imported.graph)
    assert copy_weights(model, built, dict(imported.names)) > 10**6
    size = (1, *(axis or 224 for axis in model.input_shape[1:]))
    x = (np.random.default_rng(2).random(size) * 255).astype("float32")
    theirs, ours = (np.asarray(each(x, training=False)) for each in (model, built))
    np.testing.assert_array_equal(ours, theirs)


def test_the_command_imports_one_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = command(tmp_path, "import", "keras.applications.VGG16", "-o", "vgg16.yaml")
    assert done.returncode == 0, done.stderr
    assert archspec.load(tmp_path / "vgg16.yaml").total_params == 138_357_544
