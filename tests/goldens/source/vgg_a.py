# Written by archspec from vgg_a.yaml: it needs Keras alone.

import keras
from keras import layers

SIZE = 224
CLASSES = 1000
WIDTHS = [64, 128, 256, 512, 512]
KERNELS = [[3], [3], [3, 3], [3, 3], [3, 3]]
UNITS = 4096
DROPOUT = 0.5
CLASSIFIER_ACTIVATION = "softmax"


def vgg_a():
    """VGG-11 of the paper, configuration A."""
    inputs = keras.Input((SIZE, SIZE, 3), name="input")
    x = inputs
    for stage, (width, sizes) in enumerate(zip(WIDTHS, KERNELS, strict=True)):
        for unit, kernel in enumerate(sizes):
            x = layers.Conv2D(
                width, kernel, padding="same", activation="relu", name=f"stage{stage}-conv{unit}"
            )(x)
        x = layers.MaxPooling2D(2, name=f"stage{stage}-max_pooling2d")(x)
    x = layers.Flatten(name="flatten")(x)
    for i in range(2):
        suffix = f"_{i}" if i else ""
        x = layers.Dense(UNITS, activation="relu", name=f"dense{suffix}")(x)
        x = layers.Dropout(DROPOUT, name=f"dropout{suffix}")(x)
    x = layers.Dense(CLASSES, activation=CLASSIFIER_ACTIVATION, name="head")(x)
    return keras.Model(inputs, x, name="vgg_a")
