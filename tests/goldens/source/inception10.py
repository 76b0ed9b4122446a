# Written by archspec from inception10.yaml: it needs Keras alone.

import keras
from keras import layers

SIZE = 28
CLASSES = 10
WIDTH = 16
STAGES = 2


def conv_bn_relu(x, filters, kernel_size=3, strides=1, padding="same", *, name):
    x = layers.Conv2D(
        filters, kernel_size, strides=strides, padding=padding, name=f"{name}-conv2d"
    )(x)
    x = layers.BatchNormalization(name=f"{name}-batch_normalization")(x)
    return layers.Activation("relu", name=f"{name}-activation")(x)


def inception(x, filters, strides=1, *, name):
    branch_1x1 = conv_bn_relu(
        x, filters, kernel_size=1, strides=strides, name=f"{name}-1x1-conv_bn_relu"
    )
    branch_3x3 = conv_bn_relu(
        x, filters, kernel_size=1, strides=strides, name=f"{name}-3x3-conv_bn_relu"
    )
    branch_3x3 = conv_bn_relu(branch_3x3, filters, name=f"{name}-3x3-conv_bn_relu_1")
    branch_5x5 = conv_bn_relu(
        x, filters, kernel_size=1, strides=strides, name=f"{name}-5x5-conv_bn_relu"
    )
    branch_5x5 = conv_bn_relu(branch_5x5, filters, kernel_size=5, name=f"{name}-5x5-conv_bn_relu_1")
    pool = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}-pool-max_pooling2d")(x)
    pool = conv_bn_relu(
        pool, filters, kernel_size=1, strides=strides, name=f"{name}-pool-conv_bn_relu"
    )
    return layers.Concatenate(name=f"{name}-concatenate")(
        [branch_1x1, branch_3x3, branch_5x5, pool]
    )


def inception10():
    """Ten-layer Inception network for 28x28 grey images."""
    inputs = keras.Input((SIZE, SIZE, 1), name="input")
    x = conv_bn_relu(inputs, WIDTH, name="stem")
    for stage in range(STAGES):
        for module in [0, 1]:
            x = inception(
                x, WIDTH * 2**stage, strides=1 if module else 2, name=f"stage{stage}-module{module}"
            )
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dense(CLASSES, activation="softmax", name="head")(x)
    return keras.Model(inputs, x, name="inception10")
