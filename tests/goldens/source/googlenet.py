# Written by archspec from googlenet.yaml: it needs Keras alone.

from math import ceil

import keras
from keras import layers

SIZE = 224
CLASSES = 1000
DROPOUT = 0.4
AUXILIARY_DROPOUT = 0.7


def inception(x, c1, r3, c3, r5, c5, pool, *, name):
    branch_1x1 = layers.Conv2D(c1, 1, padding="same", activation="relu", name=f"{name}-1x1-conv2d")(
        x
    )
    branch_3x3 = layers.Conv2D(r3, 1, padding="same", activation="relu", name=f"{name}-3x3-conv2d")(
        x
    )
    branch_3x3 = layers.Conv2D(
        c3, 3, padding="same", activation="relu", name=f"{name}-3x3-conv2d_1"
    )(branch_3x3)
    branch_5x5 = layers.Conv2D(r5, 1, padding="same", activation="relu", name=f"{name}-5x5-conv2d")(
        x
    )
    branch_5x5 = layers.Conv2D(
        c5, 5, padding="same", activation="relu", name=f"{name}-5x5-conv2d_1"
    )(branch_5x5)
    pool_branch = layers.MaxPooling2D(
        3, strides=1, padding="same", name=f"{name}-pool-max_pooling2d"
    )(x)
    pool_branch = layers.Conv2D(
        pool, 1, padding="same", activation="relu", name=f"{name}-pool-conv2d"
    )(pool_branch)
    return layers.Concatenate(name=f"{name}-concatenate")(
        [branch_1x1, branch_3x3, branch_5x5, pool_branch]
    )


def auxiliary(x, *, name):
    x = layers.AveragePooling2D(
        min(5, ceil(SIZE / 16)), strides=3, name=f"{name}-average_pooling2d"
    )(x)
    x = layers.Conv2D(128, 1, padding="same", activation="relu", name=f"{name}-conv2d")(x)
    x = layers.Flatten(name=f"{name}-flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}-dense")(x)
    x = layers.Dropout(AUXILIARY_DROPOUT, name=f"{name}-dropout")(x)
    return layers.Dense(CLASSES, activation="softmax", name=f"{name}-head")(x)


def googlenet():
    """GoogLeNet (Inception v1) with both auxiliary classifiers."""
    inputs = keras.Input((SIZE, SIZE, 3), name="input")
    named = {}
    x = layers.Conv2D(64, 7, strides=2, padding="same", activation="relu", name="conv2d")(inputs)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pooling2d")(x)
    x = layers.Conv2D(64, 1, padding="same", activation="relu", name="conv2d_1")(x)
    x = layers.Conv2D(192, 3, padding="same", activation="relu", name="conv2d_2")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pooling2d_1")(x)
    for module, c1, r3, c3, r5, c5, pool in [
        ("3a", 64, 96, 128, 16, 32, 32),
        ("3b", 128, 128, 192, 32, 96, 64),
    ]:
        x = inception(x, c1, r3, c3, r5, c5, pool, name=f"inception{module}")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pooling2d_2")(x)
    for module, c1, r3, c3, r5, c5, pool in [
        ("4a", 192, 96, 208, 16, 48, 64),
        ("4b", 160, 112, 224, 24, 64, 64),
        ("4c", 128, 128, 256, 24, 64, 64),
        ("4d", 112, 144, 288, 32, 64, 64),
        ("4e", 256, 160, 320, 32, 128, 128),
    ]:
        x = inception(x, c1, r3, c3, r5, c5, pool, name=f"inception{module}")
        named[f"inception{module}"] = x
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pooling2d_3")(x)
    for module, c1, r3, c3, r5, c5, pool in [
        ("5a", 256, 160, 320, 32, 128, 128),
        ("5b", 384, 192, 384, 48, 128, 128),
    ]:
        x = inception(x, c1, r3, c3, r5, c5, pool, name=f"inception{module}")
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dropout(DROPOUT, name="dropout")(x)
    head = layers.Dense(CLASSES, activation="softmax", name="head")(x)
    auxiliary4a = auxiliary(named["inception4a"], name="auxiliary4a")
    auxiliary4d = auxiliary(named["inception4d"], name="auxiliary4d")
    return keras.Model(inputs, [head, auxiliary4a, auxiliary4d], name="googlenet")
