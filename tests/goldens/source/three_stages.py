# Written by archspec from resnet18.yaml, its edits worked in: it needs Keras alone.

import keras
from keras import layers


def residual(x, filters, strides, *, name):
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
            filters, 1, strides=2, padding="same", use_bias=False, name=f"{name}-shortcut-conv2d"
        )(shortcut)
        shortcut = layers.BatchNormalization(name=f"{name}-shortcut-batch_normalization")(shortcut)
    x = layers.Add(name=f"{name}-add")([main, shortcut])
    return layers.Activation("relu", name=f"{name}-activation")(x)


def resnet18():
    """ResNet-18 with a 3x3 stem, for 28x28 grey images."""
    inputs = keras.Input((28, 28, 1), name="input")
    x = layers.Conv2D(64, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="batch_normalization")(x)
    x = layers.Activation("relu", name="activation")(x)
    for stage in range(3):
        for unit in range(2):
            x = residual(
                x,
                64 * 2**stage,
                strides=2 if stage and not unit else 1,
                name=f"stage{stage}-unit{unit}",
            )
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dense(
        10, activation="softmax", kernel_regularizer=keras.regularizers.L2(), name="head"
    )(x)
    return keras.Model(inputs, x, name="resnet18")
