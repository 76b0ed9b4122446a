# Written by archspec from resnet18.yaml: it needs Keras alone.

import keras
from keras import layers

SIZE = 28
CLASSES = 10
WIDTH = 64
DEPTHS = [2, 2, 2, 2]
WEIGHT_DECAY = 0.01


def residual(x, filters, strides=1, *, name):
    main = layers.Conv2D(
        filters, 3, strides=strides, padding="same", use_bias=False, name=f"{name}-main-conv2d"
    )(x)
    main = layers.BatchNormalization(name=f"{name}-main-batch_normalization")(main)
    main = layers.Activation("relu", name=f"{name}-main-activation")(main)
    main = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}-main-conv2d_1")(
        main
    )
    main = layers.BatchNormalization(name=f"{name}-main-batch_normalization_1")(main)
    shortcut = x
    if strides > 1:
        shortcut = layers.Conv2D(
            filters,
            1,
            strides=strides,
            padding="same",
            use_bias=False,
            name=f"{name}-shortcut-conv2d",
        )(shortcut)
        shortcut = layers.BatchNormalization(name=f"{name}-shortcut-batch_normalization")(shortcut)
    x = layers.Add(name=f"{name}-add")([main, shortcut])
    return layers.Activation("relu", name=f"{name}-activation")(x)


def resnet18():
    """ResNet-18 with a 3x3 stem, for 28x28 grey images."""
    inputs = keras.Input((SIZE, SIZE, 1), name="input")
    x = layers.Conv2D(WIDTH, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="batch_normalization")(x)
    x = layers.Activation("relu", name="activation")(x)
    for stage, depth in enumerate(DEPTHS):
        for unit in range(depth):
            x = residual(
                x,
                WIDTH * 2**stage,
                strides=2 if stage and not unit else 1,
                name=f"stage{stage}-unit{unit}",
            )
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dense(
        CLASSES,
        activation="softmax",
        kernel_regularizer=keras.regularizers.L2(WEIGHT_DECAY),
        name="head",
    )(x)
    return keras.Model(inputs, x, name="resnet18")
