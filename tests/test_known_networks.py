"""The networks that people ask for first compute what their papers and keras.applications say.

Both models get the same random weights and images, and compute in float64, so that what is
left between their outputs is rounding and nothing else.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import pytest
from shrinking import ALL
from test_reference_models import build, difference, reference, weighted

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("forgotten")]


def slow(*values: Any) -> Any:
    """Return the values of a case under `slow`: of each kind of network one is tried in any run."""
    return pytest.param(*values, marks=pytest.mark.slow)


def large(*values: Any) -> list[Any]:
    """Return the values of a case that is tried where all is asked for."""
    return [slow(*values)] if ALL else []


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


@pytest.mark.parametrize("spec", [slow(each) if "/" in each else each for each in TWINS])
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
        slow("mobilenet_v2", {"width": 0.35, "size": 97}, {"alpha": 0.35}),
        slow("mobilenet_v2", {"width": 1.4, "size": 96}, {"alpha": 1.4}),
        slow("mobilenet_v3", {}, {}),
        ("mobilenet_v3", {"width": 0.75, "size": 97}, {"alpha": 0.75}),
        slow(
            "families/mobilenet_v3_small",
            {"include_preprocessing": False},
            {"include_preprocessing": False},
        ),
        slow("densenet121", {}, {}),
        *large("families/densenet169", {"size": 64}, {}),
        slow("xception", {"size": 128}, {}),
        slow("efficientnet_b0", {}, {}),
        *large("families/efficientnet_b3", {"size": 97}, {}),
        slow("convnext_tiny", {"size": 64}, {}),
        *large(
            "families/convnext_base",
            {"size": 32, "include_preprocessing": False},
            {"include_preprocessing": False},
        ),
        *large("families/efficientnet_b7", {"size": 160}, {}),
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


# --- plain Keras, written from the papers --------------------------------------------------------


def conv_norm(
    x: Any, filters: int, kernel: int, activation: str | None = "relu", **how: Any
) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, kernel, use_bias=False, **how)(x)
    x = layers.BatchNormalization(epsilon=1e-5)(x)
    return layers.Activation(activation)(x) if activation else x


def residual_network(size: int, unit: Callable[[Any, int, int], Any]) -> Any:
    """ResNet of He et al., table 1, with 50 layers. unit: the path beside the shortcut."""
    import keras
    from keras import layers

    image = keras.Input((size, size, 3))
    x = conv_norm(layers.ZeroPadding2D(3)(image), 64, 7, strides=2)
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, depth in enumerate([3, 4, 6, 3]):
        for number in range(depth):
            filters, strides = 64 * 2**stage, 2 if stage and not number else 1
            y = unit(x, filters, strides)
            if not number:
                x = conv_norm(x, 4 * filters, 1, None, strides=strides)
            x = layers.Activation("relu")(layers.add([x, y]))
    return keras.Model(image, layers.Dense(1000)(layers.GlobalAveragePooling2D()(x)))


def resnext50(size: int) -> Any:
    """Xie et al., figure 3(c): 32 groups, twice as wide as a unit of ResNet."""
    from keras import layers

    def unit(x: Any, filters: int, strides: int) -> Any:
        x = layers.ZeroPadding2D(1)(conv_norm(x, 2 * filters, 1))
        x = conv_norm(x, 2 * filters, 3, strides=strides, groups=32)
        return conv_norm(x, 4 * filters, 1, None)

    return residual_network(size, unit)


def se_resnet50(size: int) -> Any:
    """Hu et al., figure 3: the gate is of two dense layers, the first 16 times narrower."""
    from keras import layers

    def unit(x: Any, filters: int, strides: int) -> Any:
        x = conv_norm(x, filters, 1, strides=strides)
        x = conv_norm(x, filters, 3, padding="same")
        x = conv_norm(x, 4 * filters, 1, None)
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Dense(filters // 4, activation="relu")(gate)
        return layers.multiply([x, layers.Dense(4 * filters, activation="sigmoid")(gate)])

    return residual_network(size, unit)


def vit_b16(size: int) -> Any:
    """Dosovitskiy et al., equations 1 to 4."""
    import keras
    from keras import layers, ops

    class Learnt(layers.Layer):
        """A learnt vector for each of some positions, put before a sequence or added to it."""

        def __init__(self, length: int, added: bool) -> None:
            super().__init__()
            self.length, self.added = length, added

        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=(self.length, shape[-1]), name="table")

        def call(self, x: Any) -> Any:
            if self.added:
                return x + self.table
            return ops.concatenate([ops.tile(self.table[None], [ops.shape(x)[0], 1, 1]), x], axis=1)

    image = keras.Input((size, size, 3))
    x = layers.Reshape((-1, 768))(layers.Conv2D(768, 16, 16)(image))
    x = Learnt(1, added=False)(x)
    x = Learnt(x.shape[1], added=True)(x)
    for _ in range(12):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.add([x, layers.MultiHeadAttention(12, 64)(y, y)])
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.Dense(768)(layers.Activation("gelu")(layers.Dense(3072)(y)))
        x = layers.add([x, y])
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    return keras.Model(image, layers.Dense(1000)(x[:, 0]))


def unet(size: int) -> Any:
    """Ronneberger et al., figure 1."""
    import keras
    from keras import layers

    def convolutions(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, activation="relu")(x)
        return x

    x = image = keras.Input((size, size, 1))
    skips = []
    for filters in (64, 128, 256, 512):
        skips.append(convolutions(x, filters))
        x = layers.MaxPooling2D(2)(skips[-1])
    x = convolutions(x, 1024)
    for filters, skip in zip((512, 256, 128, 64), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        edge = (skip.shape[1] - x.shape[1]) // 2
        x = layers.concatenate([skip[:, edge:-edge, edge:-edge], x])
        x = convolutions(x, filters)
    return keras.Model(image, layers.Conv2D(2, 1, activation="softmax")(x))


def siamese(size: int) -> Any:
    """Koch et al., figure 4."""
    import keras
    from keras import layers, ops

    tower = keras.Sequential(
        [
            keras.Input((size, size, 1)),
            layers.Conv2D(64, 10, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(128, 7, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(128, 4, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(256, 4, activation="relu"),
            layers.Flatten(),
            layers.Dense(4096, activation="sigmoid"),
        ]
    )
    pair = [keras.Input((size, size, 1)) for _ in range(2)]
    distance = ops.abs(tower(pair[0]) - tower(pair[1]))
    return keras.Model(pair, layers.Dense(1, activation="sigmoid")(distance))


def autoencoder(size: int) -> Any:
    """Hinton & Salakhutdinov, 784-1000-500-250-30-250-500-1000-784."""
    import keras
    from keras import layers

    image = keras.Input((size, size, 1))
    x = layers.Flatten()(image)
    for width in (1000, 500, 250, 30, 250, 500, 1000, size**2):
        x = layers.Dense(width, activation="linear" if width == 30 else "sigmoid")(x)
    return keras.Model(image, layers.Reshape((size, size, 1))(x))


@pytest.mark.parametrize(
    ("plain", "size", "params"),
    [
        slow(resnext50, 64, {"classifier_activation": None}),
        slow(se_resnet50, 97, {"classifier_activation": None}),
        slow(vit_b16, 224, {"classifier_activation": None}),
        slow(unet, 188, {}),
        slow(siamese, 105, {}),
        (autoencoder, 28, {}),
    ],
)
def test_the_outputs_are_those_of_the_paper_in_plain_keras(
    plain: Callable[[int], Any], size: int, params: dict[str, Any]
) -> None:
    theirs, ours = plain(size), build(plain.__name__, size=size, **params)
    assert ours.count_params() == theirs.count_params()
    assert difference(theirs, ours) < ROUNDING
