# Written by archspec from mobilenet_v2.yaml: it needs Keras alone.

import keras
from keras import layers

SIZE = 224
CLASSES = 1000
WIDTH = 1
CLASSIFIER_ACTIVATION = "softmax"


def make_divisible(value, divisor=8):
    """Return the multiple of `divisor` nearest to `value`, and at least 0.9 of it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def bottleneck(inputs, filters, expansion=6, strides=1, *, name):
    channels = inputs.shape[-1]
    suffix = "_1" if expansion > 1 else ""
    x = inputs
    if expansion > 1:
        x = layers.Conv2D(
            channels * expansion, 1, padding="same", use_bias=False, name=f"{name}-conv2d"
        )(x)
        x = layers.BatchNormalization(momentum=0.999, name=f"{name}-batch_normalization")(x)
        x = layers.ReLU(max_value=6, name=f"{name}-re_lu")(x)
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, name=f"{name}-depthwise_conv2d"
    )(x)
    x = layers.BatchNormalization(momentum=0.999, name=f"{name}-batch_normalization{suffix}")(x)
    x = layers.ReLU(max_value=6, name=f"{name}-re_lu{suffix}")(x)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}-conv2d{suffix}")(x)
    x = layers.BatchNormalization(
        momentum=0.999, name=f"{name}-batch_normalization_{2 if expansion > 1 else 1}"
    )(x)
    if strides == 1 and channels == filters:
        x = layers.Add(name=f"{name}-add")([inputs, x])
    return x


def mobilenet_v2():
    """MobileNetV2 for 224x224 colour images."""
    inputs = keras.Input((SIZE, SIZE, 3), name="input")
    x = layers.Conv2D(
        make_divisible(32 * WIDTH), 3, strides=2, padding="same", use_bias=False, name="conv2d"
    )(inputs)
    x = layers.BatchNormalization(momentum=0.999, name="batch_normalization")(x)
    x = layers.ReLU(max_value=6, name="re_lu")(x)
    rows = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]
    for i, (expansion, filters, depth, strides) in enumerate(rows):
        for unit in range(depth):
            x = bottleneck(
                x,
                make_divisible(int(filters * WIDTH)),
                expansion=expansion,
                strides=1 if unit else strides,
                name=f"stage{i}-unit{unit}",
            )
    x = layers.Conv2D(
        make_divisible(1280 * max(WIDTH, 1)), 1, padding="same", use_bias=False, name="conv2d_1"
    )(x)
    x = layers.BatchNormalization(momentum=0.999, name="batch_normalization_1")(x)
    x = layers.ReLU(max_value=6, name="re_lu_1")(x)
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dense(CLASSES, activation=CLASSIFIER_ACTIVATION, name="head")(x)
    return keras.Model(inputs, x, name="mobilenet_v2")
