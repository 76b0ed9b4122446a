"""The networks that people ask for first compute what their papers and keras.applications say.

Both models get the same random weights and images, and compute in float64, so that what is
left between their outputs is rounding and nothing else.
"""

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any

import pytest
from test_reference_models import build, difference, reference, weighted

pytestmark = pytest.mark.keras

ROUNDING = 1e-9


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    import keras

    floats, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(floats)
    keras.config.set_dtype_policy(policy)


# spec -> (the function of keras.applications, its arguments, its parameters)
TWINS: dict[str, tuple[str, dict[str, Any], int]] = {
    "mobilenet_v2": ("MobileNetV2", {}, 3_538_984),
    "mobilenet_v3": ("MobileNetV3Large", {"input_shape": (224, 224, 3)}, 5_507_432),
    "families/mobilenet_v3_small": (
        "MobileNetV3Small",
        {"input_shape": (224, 224, 3)},
        2_554_968,
    ),
    "densenet121": ("DenseNet121", {}, 8_062_504),
    "families/densenet169": ("DenseNet169", {}, 14_307_880),
    "families/densenet201": ("DenseNet201", {}, 20_242_984),
    "xception": ("Xception", {}, 22_910_480),
    "efficientnet_b0": ("EfficientNetB0", {}, 5_330_564),
    "families/efficientnet_b1": ("EfficientNetB1", {}, 7_856_232),
    "families/efficientnet_b2": ("EfficientNetB2", {}, 9_177_562),
    "families/efficientnet_b3": ("EfficientNetB3", {}, 12_320_528),
    "families/efficientnet_b4": ("EfficientNetB4", {}, 19_466_816),
    "families/efficientnet_b5": ("EfficientNetB5", {}, 30_562_520),
    "families/efficientnet_b6": ("EfficientNetB6", {}, 43_265_136),
    "families/efficientnet_b7": ("EfficientNetB7", {}, 66_658_680),
    "convnext_tiny": ("ConvNeXtTiny", {}, 28_589_128),
    "families/convnext_small": ("ConvNeXtSmall", {}, 50_223_688),
    "families/convnext_base": ("ConvNeXtBase", {}, 88_591_464),
}


@pytest.fixture(autouse=True)
def imagenet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give EfficientNet's normalization the mean and variance that its pretrained weights hold."""
    import keras
    from keras.src.applications import efficientnet

    mean, variance = [0.485, 0.456, 0.406], [0.229**2, 0.224**2, 0.225**2]
    given = partial(keras.layers.Normalization, mean=mean, variance=variance)
    monkeypatch.setattr(efficientnet.layers, "Normalization", given)


def sizes(model: Any) -> list[tuple[Any, ...]]:
    """How many channels and how many values of each weight a layer has, where it has weights."""
    return [
        (layer.output.shape[-1], *(prod(weight.shape) for weight in layer.weights))
        for layer in weighted(model)
    ]


@pytest.mark.parametrize("spec", TWINS)
def test_the_weights_are_those_of_the_twin(spec: str) -> None:
    import keras

    name, arguments, parameters = TWINS[spec]
    with keras.StatelessScope(initialize_variables=False):  # the layers, but no memory for weights
        theirs, ours = reference(name, **arguments), build(spec)
        assert ours.input_shape == theirs.input_shape
        assert sizes(ours) == sizes(theirs)
        assert ours.count_params() == theirs.count_params() == parameters


@pytest.mark.parametrize(
    ("spec", "params", "theirs"),
    [
        ("mobilenet_v2", {}, {}),
        ("mobilenet_v2", {"width": 0.35, "size": 97}, {"alpha": 0.35}),
        ("mobilenet_v2", {"width": 1.4, "size": 96}, {"alpha": 1.4}),
        ("mobilenet_v3", {}, {}),
        ("mobilenet_v3", {"width": 0.75, "size": 97}, {"alpha": 0.75}),
        (
            "families/mobilenet_v3_small",
            {"include_preprocessing": False},
            {"include_preprocessing": False},
        ),
        ("densenet121", {}, {}),
        ("families/densenet169", {"size": 64}, {}),
        ("xception", {"size": 128}, {}),
        ("efficientnet_b0", {}, {}),
        ("families/efficientnet_b3", {"size": 97}, {}),
        ("convnext_tiny", {"size": 64}, {}),
        (
            "families/convnext_base",
            {"size": 32, "include_preprocessing": False},
            {"include_preprocessing": False},
        ),
        pytest.param("families/efficientnet_b7", {"size": 160}, {}, marks=pytest.mark.slow),
    ],
)
def test_the_outputs_are_those_of_the_twin(
    spec: str, params: dict[str, Any], theirs: dict[str, Any]
) -> None:
    name, arguments, _ = TWINS[spec]
    ours = build(spec, classifier_activation=None, **params)
    given = {**arguments, "input_shape": ours.input_shape[1:], **theirs}
    twin = reference(name, classifier_activation=None, **given)
    assert difference(twin, ours) < ROUNDING
