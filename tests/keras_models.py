"""Models as people write them in Keras, for the tests of `archspec import`.

Each function makes one, and imports Keras when it is called.
"""

from typing import Any


def small_cnn() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_normal"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu", kernel_regularizer="l2"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def unet() -> Any:
    import keras
    from keras import layers

    def double(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.LeakyReLU(negative_slope=0.1)(x)
        return x

    image = keras.Input((32, 32, 3), name="image")
    x, skips = image, []
    for filters in (8, 16):
        x = double(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = double(x, 32)
    for filters in (16, 8):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.concatenate([x, skips.pop()])
        x = double(x, filters)
    return keras.Model(
        image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x), name="unet"
    )


def siamese() -> Any:
    import keras
    from keras import layers, ops

    encoder = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ],
        name="encoder",
    )
    left, right = keras.Input((16, 16, 1), name="left"), keras.Input((16, 16, 1), name="right")
    a, b = encoder(left), encoder(right)
    apart = ops.subtract(a, b)
    both = layers.Concatenate()([apart, ops.multiply(a, b), ops.maximum(a, b)])
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid", name="same")(both))


def table_and_image() -> Any:
    import keras
    from keras import layers

    image = keras.Input((16, 16, 3), name="photo", dtype="uint8")
    numbers = keras.Input((5,), name="numbers")
    category = keras.Input((1,), dtype="int32", name="category")
    x = image / 255.0
    x = layers.SeparableConv2D(8, 3, activation="swish")(x)
    x = layers.GlobalMaxPooling2D()(x)
    y = layers.Dense(8, "relu", kernel_constraint=keras.constraints.MaxNorm(3))(numbers)
    z = layers.Flatten()(layers.Embedding(10, 4)(category))
    h = layers.Dense(16, activation="relu")(layers.Concatenate(name="features")([x, y, z]))
    price = layers.Dense(1, name="p")(h)
    sold = layers.Dense(1, activation="sigmoid", name="s")(h)
    inputs = {"photo": image, "numbers": numbers, "category": category}
    return keras.Model(inputs, {"price": price, "sold": sold}, name="homes")


def transformer() -> Any:
    import keras
    from keras import layers

    words = keras.Input((12,), dtype="int32", name="words")
    places = keras.Input((12,), dtype="int32", name="places")
    x = layers.Embedding(100, 16, mask_zero=True)(words) + layers.Embedding(12, 16)(places)
    for _ in range(2):
        h = layers.MultiHeadAttention(2, 8, dropout=0.1)(x, x, use_causal_mask=True)
        x = layers.LayerNormalization(epsilon=1e-6)(x + h)
        h = layers.Dense(32, activation="gelu")(x)
        h = layers.Dropout(0.1)(layers.Dense(16)(h))
        x = layers.LayerNormalization(epsilon=1e-6)(layers.add([x, h]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model([words, places], layers.Dense(3)(x))


def sound() -> Any:
    import keras
    from keras import layers

    wave = keras.Input((1024, 1), name="wave")
    x = wave
    for i in range(3):
        x = layers.Conv1D(8, 9, strides=4, padding="causal", name=f"conv {i}")(x)
        x = keras.activations.relu(x)
    return keras.Model(wave, layers.Dense(4)(layers.GlobalMaxPooling1D()(x)), name="sound net")


def volumes() -> Any:
    import keras
    from keras import layers

    scan = keras.Input((16, 16, 16, 1))
    x = layers.Conv3D(4, 3, padding="same", groups=1)(scan)
    x = layers.GroupNormalization(2)(x)
    x = keras.ops.silu(x)
    x = layers.MaxPooling3D()(x)
    x = layers.SpatialDropout3D(0.2)(x)
    return keras.Model(scan, layers.Dense(2, dtype="float32")(layers.Flatten()(x)))


def autoencoder() -> Any:
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Flatten()(x)
    encoder = keras.Model(image, layers.Dense(6, name="code")(x), name="encoder")
    code = keras.Input((6,), name="latent")
    y = layers.Dense(14 * 14 * 8, activation="relu")(code)
    y = layers.Reshape((14, 14, 8))(y)
    y = layers.Conv2DTranspose(1, 3, 2, padding="same", activation="sigmoid")(y)
    decoder = keras.Model(code, y, name="decoder")
    whole = keras.Input((28, 28, 1), name="whole")
    encoder.trainable = False
    return keras.Model(whole, decoder(encoder(whole, training=False)), name="autoencoder")


def discriminator() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((32, 32, 3), batch_size=8),
            layers.GaussianNoise(0.1, seed=3),
            layers.Conv2D(16, 4, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.Conv2D(32, 4, strides=2, padding="same", activation=layers.LeakyReLU(0.2)),
            layers.Dropout(0.3, seed=1),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02)),
        ],
        name="discriminator",
    )


def preprocessing() -> Any:
    import keras
    from keras import layers

    augment = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.2)],
        name="augment",
    )
    image = keras.Input((40, 40, 3))
    x = layers.Resizing(32, 32)(augment(image))
    x = layers.Normalization(mean=[1, 2, 3], variance=[1, 4, 9])(x)
    x = layers.Conv2D(8, 3, dtype="mixed_float16")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.ops.reshape(x, (-1, 8))
    return keras.Model(image, layers.Activation("softmax", dtype="float32")(x))


def scaled() -> Any:
    import keras
    from keras import layers

    x = given = keras.Input((6,))
    x = 2 * x - 1
    x = 3.5 - x
    x = -x / 4
    x = layers.Dense(6, activation="tanh")(x)
    x = keras.ops.minimum(x, given) + 0.25
    return keras.Model(given, [x, keras.ops.softmax(x)])


MODELS = {
    each.__name__: each
    for each in (
        small_cnn,
        unet,
        siamese,
        table_and_image,
        transformer,
        sound,
        volumes,
        autoencoder,
        discriminator,
        preprocessing,
        scaled,
    )
}
