"""With their weights, the specs compute what keras.applications computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shipped import EXAMPLES, FILES, most_slow
from shrinking import slow_but_first

import archspec

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("forgotten")]

ROOT = Path(__file__).parent.parent

# spec -> (the function of keras.applications, its parameters)
TWINS = {
    "resnet50v2": ("ResNet50V2", 25_613_800),
    "families/resnet101v2": ("ResNet101V2", 44_675_560),
    "families/resnet152v2": ("ResNet152V2", 60_380_648),
    "families/resnet50_imagenet": ("ResNet50", 25_636_712),
    "families/resnet101_imagenet": ("ResNet101", 44_707_176),
    "families/resnet152_imagenet": ("ResNet152", 60_419_944),
    "families/vgg_d": ("VGG16", 138_357_544),
    "families/vgg_e": ("VGG19", 143_667_240),
}


def reference(name: str, **arguments: Any) -> Any:
    import keras

    return getattr(keras.applications, name)(weights=None, **arguments)


def build(spec: str, **params: Any) -> Any:
    return archspec.to_keras(archspec.load(ROOT / "specs" / f"{spec}.yaml", **params))


def layers(model: Any) -> list[Any]:
    """All that compute something when the model is not training."""
    return [layer for layer in model.layers if type(layer).__name__ != "Dropout"]


def weighted(model: Any) -> list[Any]:
    """All that have weights, those within a layer of layers too."""
    inside = [each for layer in model.layers for each in getattr(layer, "layers", [layer])]
    return [layer for layer in inside if layer.weights]


def described(model: Any) -> list[tuple[Any, ...]]:
    return [
        (
            type(layer).__name__,
            layer.output.shape[1:],
            [(weight.name, tuple(weight.shape)) for weight in layer.weights],
        )
        for layer in layers(model)
    ]


@pytest.mark.parametrize("spec", slow_but_first(TWINS, 3))
def test_every_layer_has_the_type_shape_and_weights_of_its_twin(spec: str) -> None:
    import keras

    name, parameters = TWINS[spec]
    with keras.StatelessScope(initialize_variables=False):  # the layers, but no memory for weights
        theirs, ours = reference(name), build(spec)
        assert described(ours) == described(theirs)
        assert ours.count_params() == theirs.count_params() == parameters


def randomise(model: Any) -> None:
    """Give every weight a value of its own, the statistics of batch normalization too."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            value = random.random(weight.shape, dtype="float32") + 0.5
        else:
            spread = 0.1 if len(weight.shape) == 1 else np.sqrt(2 / fan_in(*weight.shape))
            value = random.standard_normal(weight.shape, dtype="float32") * np.float32(spread)
        weight.assign(value)


def fan_in(*shape: int) -> float:
    """How many inputs each output of a kernel meets: of a depthwise one, those of its channel."""
    depthwise = len(shape) == 4 and shape[-1] == 1
    return float(np.prod(shape[:2] if depthwise else shape[:-1]))


def difference(theirs: Any, ours: Any) -> float:
    """How far two models of one structure are apart with the same weights, on two images of random
    pixels, relative to the spread of the outputs."""
    randomise(theirs)
    for source, target in zip(weighted(theirs), weighted(ours), strict=True):
        for to, given in zip(target.weights, source.weights, strict=True):
            to.assign(np.reshape(given, to.shape))  # a 1x1 convolution for a dense layer
    random = np.random.default_rng(1)
    images = [random.uniform(0, 255, size=(2, *each.shape[1:])) for each in theirs.inputs]
    images = [(each * [[[[1]]], [[[0.25]]]]).astype("float32") for each in images]  # one darker
    fed = images if len(images) > 1 else images[0]
    expected, given = (np.asarray(model(fed, training=False)) for model in (theirs, ours))
    assert np.ptp(expected, axis=0).max() > 0.01 * expected.std(), "the output ignores the input"
    return float(np.abs(expected - given).max() / expected.std())


@pytest.mark.parametrize(
    ("spec", "params", "name"),
    [
        ("resnet50v2", {"epsilon": 1.001e-5, "classifier_activation": None}, "ResNet50V2"),
        ("families/resnet50_imagenet", {"classifier_activation": None}, "ResNet50"),
        pytest.param("vgg16_imagenet", {"classes": 1000}, "VGG16", marks=pytest.mark.slow),
    ],
)
def test_the_outputs_are_those_of_the_twin_with_its_weights(
    spec: str, params: dict[str, Any], name: str
) -> None:
    theirs = reference(name, classifier_activation=None)
    assert difference(theirs, build(spec, **params)) < 1e-4


@pytest.mark.slow
def test_the_main_path_of_inception_v3_computes_what_its_twin_does() -> None:
    import keras

    spec = build("inception_v3")
    logits = keras.Model(spec.input, spec.get_layer("flatten").output)
    theirs = reference("InceptionV3", classifier_activation=None)
    assert difference(theirs, logits) < 1e-4


@pytest.mark.slow
def test_the_comparison_of_outputs_can_fail() -> None:
    """The tutorial has Keras's default epsilon, which is not that of keras.applications."""
    theirs = reference("ResNet50V2", classifier_activation=None)
    assert difference(theirs, build("resnet50v2", classifier_activation=None)) > 1e-3


@pytest.mark.parametrize("name", most_slow(FILES))
def test_keras_builds_the_shapes_and_weights_that_were_inferred(name: str) -> None:
    import keras

    params = {"depth": 20} if name in EXAMPLES else {}
    graph = archspec.load(FILES[name], **params)
    with keras.StatelessScope(initialize_variables=False):
        model = archspec.to_keras(graph)
        built = {
            layer.name: (
                type(layer).__name__,
                tuple(layer._inbound_nodes[0].outputs[0].shape),  # of its first call
                {weight.path.partition("/")[2]: tuple(weight.shape) for weight in layer.weights},
            )
            for layer in model.layers
        }
    inferred = {
        node.name.replace(".", "-"): (node.op, node.facts.shape, dict(node.facts.weights))
        for node in graph
        if node.reuses is None
    }
    assert built == inferred
    assert [tuple(output.shape) for output in model.outputs] == [
        graph.shape(name) for name in graph.outputs
    ]
