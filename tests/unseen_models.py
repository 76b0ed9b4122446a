"""Models as their users write them in Keras, which folding has never seen.

Each function makes one, and imports Keras when it is called. Some give names to their layers, some
let Keras name them, and some write names in a loop, since folding goes by names where
there are any.
"""

from typing import Any

# --- convolutional classifiers -------------------------------------------------------------------


def vgg_like() -> Any:
    import keras
    from keras import layers

    model = keras.Sequential(name="vgg_like")
    model.add(keras.Input((64, 64, 3)))
    for i, (filters, convs) in enumerate([(32, 2), (64, 2), (128, 3), (256, 3)], 1):
        for j in range(1, convs + 1):
            model.add(layers.Conv2D(filters, 3, padding="same", name=f"conv{i}_{j}"))
            model.add(layers.BatchNormalization(name=f"bn{i}_{j}"))
            model.add(layers.Activation("relu", name=f"relu{i}_{j}"))
        model.add(layers.MaxPooling2D(2, name=f"pool{i}"))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def _basic_block(x: Any, filters: int, stride: int = 1) -> Any:
    from keras import layers

    shortcut = x
    x = layers.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    if stride != 1 or shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, stride, use_bias=False)(shortcut)
        shortcut = layers.BatchNormalization()(shortcut)
    x = layers.Add()([x, shortcut])
    return layers.ReLU()(x)


def _resnet(depths: list[int], name: str) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(3)(inputs)
    x = layers.Conv2D(64, 7, 2, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, depth in enumerate(depths):
        for unit in range(depth):
            x = _basic_block(x, 64 * 2**stage, 2 if stage and not unit else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(1000, activation="softmax")(x), name=name)


def resnet18_auto() -> Any:
    return _resnet([2, 2, 2, 2], "resnet18_auto")


def resnet34_auto() -> Any:
    return _resnet([3, 4, 6, 3], "resnet34_auto")


def resnet34_named() -> Any:
    """ResNet-34 with the names of PyTorch's checkpoints."""
    import keras
    from keras import layers

    def block(x: Any, filters: int, stride: int, name: str) -> Any:
        identity = x
        x = layers.Conv2D(
            filters, 3, strides=stride, padding="same", use_bias=False, name=name + ".conv1"
        )(x)
        x = layers.BatchNormalization(epsilon=1e-5, name=name + ".bn1")(x)
        x = layers.ReLU(name=name + ".relu1")(x)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name + ".conv2")(x)
        x = layers.BatchNormalization(epsilon=1e-5, name=name + ".bn2")(x)
        if stride > 1:
            identity = layers.Conv2D(
                filters, 1, strides=stride, use_bias=False, name=name + ".downsample.0"
            )(identity)
            identity = layers.BatchNormalization(epsilon=1e-5, name=name + ".downsample.1")(
                identity
            )
        x = layers.Add(name=name + ".add")([identity, x])
        return layers.ReLU(name=name + ".relu2")(x)

    inputs = keras.Input((224, 224, 3), name="image")
    x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False, name="conv1")(inputs)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn1")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="maxpool")(x)
    for i, (filters, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 1):
        for j in range(depth):
            x = block(x, filters, 2 if i > 1 and j == 0 else 1, f"layer{i}.{j}")
    x = layers.GlobalAveragePooling2D(name="avgpool")(x)
    return keras.Model(inputs, layers.Dense(1000, name="fc")(x), name="resnet34_named")


def wide_resnet() -> Any:
    """Wide ResNet 16-4: pre-activation, dropout between the convolutions."""
    import keras
    from keras import layers, regularizers

    decay = regularizers.L2(5e-4)

    def conv(filters: int, size: int, stride: int = 1) -> Any:
        return layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            kernel_regularizer=decay,
        )

    def unit(x: Any, filters: int, stride: int) -> Any:
        y = layers.BatchNormalization()(x)
        y = layers.Activation("relu")(y)
        if x.shape[-1] != filters:
            x = conv(filters, 1, stride)(y)
        y = conv(filters, 3, stride)(y)
        y = layers.BatchNormalization()(y)
        y = layers.Activation("relu")(y)
        y = layers.Dropout(0.3)(y)
        y = conv(filters, 3)(y)
        return layers.Add()([x, y])

    inputs = keras.Input((32, 32, 3))
    x = conv(16, 3)(inputs)
    for filters, stride in ((64, 1), (128, 2), (256, 2)):
        for i in range(2):
            x = unit(x, filters, stride if i == 0 else 1)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(100, activation="softmax", kernel_regularizer=decay)(x)
    return keras.Model(inputs, outputs, name="wide_resnet")


def resnext() -> Any:
    import keras
    from keras import layers

    def bottleneck(x: Any, width: int, filters: int, stride: int) -> Any:
        shortcut = x
        if shortcut.shape[-1] != filters:
            shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(shortcut)
            shortcut = layers.BatchNormalization()(shortcut)
        y = layers.Conv2D(width, 1, use_bias=False)(x)
        y = layers.BatchNormalization()(y)
        y = layers.Activation("relu")(y)
        y = layers.Conv2D(width, 3, strides=stride, padding="same", groups=32, use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.Activation("relu")(y)
        y = layers.Conv2D(filters, 1, use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.Add()([y, shortcut])
        return layers.Activation("relu")(y)

    inputs = keras.Input((224, 224, 3))
    x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for width, depth, stride in ((128, 3, 1), (256, 4, 2), (512, 6, 2), (1024, 3, 2)):
        for i in range(depth):
            x = bottleneck(x, width, 2 * width, stride if i == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(1000, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="resnext")


def se_resnet() -> Any:
    import keras
    from keras import layers

    def squeeze(x: Any, ratio: int = 16) -> Any:
        filters = x.shape[-1]
        y = layers.GlobalAveragePooling2D()(x)
        y = layers.Reshape((1, 1, filters))(y)
        y = layers.Dense(filters // ratio, activation="relu", use_bias=False)(y)
        y = layers.Dense(filters, activation="sigmoid", use_bias=False)(y)
        return layers.Multiply()([x, y])

    def block(x: Any, filters: int, stride: int) -> Any:
        y = layers.Conv2D(filters, 3, strides=stride, padding="same")(x)
        y = layers.BatchNormalization()(y)
        y = layers.ReLU()(y)
        y = layers.Conv2D(filters, 3, padding="same")(y)
        y = layers.BatchNormalization()(y)
        y = squeeze(y)
        if stride > 1 or x.shape[-1] != filters:
            x = layers.Conv2D(filters, 1, strides=stride)(x)
        return layers.ReLU()(layers.add([x, y]))

    inputs = keras.Input((64, 64, 3))
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(inputs)
    for filters, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        x = block(x, filters, stride)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(200, activation="softmax")(x), name="se_resnet")


def densenet() -> Any:
    import keras
    from keras import layers

    def conv_block(x: Any, growth: int) -> Any:
        y = layers.BatchNormalization()(x)
        y = layers.ReLU()(y)
        y = layers.Conv2D(4 * growth, 1, use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.ReLU()(y)
        y = layers.Conv2D(growth, 3, padding="same", use_bias=False)(y)
        return layers.Concatenate()([x, y])

    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(24, 3, padding="same", use_bias=False)(inputs)
    for i, depth in enumerate((6, 12, 8)):
        for _ in range(depth):
            x = conv_block(x, 12)
        if i < 2:
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
            x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False)(x)
            x = layers.AveragePooling2D(2)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="densenet")


def inception_like() -> Any:
    import keras
    from keras import layers

    def conv(x: Any, filters: int, size: int) -> Any:
        x = layers.Conv2D(filters, size, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(scale=False)(x)
        return layers.Activation("relu")(x)

    def module(x: Any, a: int, b: int, c: int, d: int, e: int, f: int) -> Any:
        one = conv(x, a, 1)
        three = conv(conv(x, b, 1), c, 3)
        five = conv(conv(x, d, 1), e, 5)
        pool = conv(layers.MaxPooling2D(3, strides=1, padding="same")(x), f, 1)
        return layers.concatenate([one, three, five, pool])

    inputs = keras.Input((96, 96, 3))
    x = conv(inputs, 32, 3)
    x = layers.MaxPooling2D(2)(x)
    x = module(x, 32, 48, 64, 8, 16, 16)
    x = module(x, 64, 64, 96, 16, 48, 32)
    x = layers.MaxPooling2D(2)(x)
    x = module(x, 96, 48, 104, 8, 24, 32)
    x = module(x, 80, 56, 112, 12, 32, 32)
    x = module(x, 64, 64, 128, 12, 32, 32)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(50, activation="softmax")(x), name="inception_like")


def mobilenet_v1() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((128, 128, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5
    for filters, stride in [*plan, (1024, 2), (1024, 1)]:
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(100, activation="softmax")(x), name="mobilenet_v1")


def mobilenet_v2() -> Any:
    import keras
    from keras import layers

    number = 0

    def bottleneck(x: Any, expansion: int, filters: int, stride: int) -> Any:
        nonlocal number
        number += 1
        prefix = f"bottleneck_{number}_"
        y = x
        if expansion != 1:
            y = layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False, name=prefix + "expand")(y)
            y = layers.BatchNormalization(name=prefix + "expand_bn")(y)
            y = layers.ReLU(max_value=6, name=prefix + "expand_relu")(y)
        y = layers.DepthwiseConv2D(
            3, strides=stride, padding="same", use_bias=False, name=prefix + "depthwise"
        )(y)
        y = layers.BatchNormalization(name=prefix + "depthwise_bn")(y)
        y = layers.ReLU(max_value=6, name=prefix + "depthwise_relu")(y)
        y = layers.Conv2D(filters, 1, use_bias=False, name=prefix + "project")(y)
        y = layers.BatchNormalization(name=prefix + "project_bn")(y)
        if stride == 1 and x.shape[-1] == filters:
            y = layers.Add(name=prefix + "add")([x, y])
        return y

    inputs = keras.Input((224, 224, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.ReLU(max_value=6, name="stem_relu")(x)
    for t, c, n, s in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for i in range(n):
            x = bottleneck(x, t, c, s if i == 0 else 1)
    x = layers.Conv2D(1280, 1, use_bias=False, name="head")(x)
    x = layers.BatchNormalization(name="head_bn")(x)
    x = layers.ReLU(max_value=6, name="head_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(1000, activation="softmax", name="classifier")(x)
    return keras.Model(inputs, outputs, name="mobilenet_v2_like")


def shufflenet_like() -> Any:
    import keras
    from keras import layers

    def shuffle(x: Any, groups: int) -> Any:
        _, height, width, channels = x.shape
        x = layers.Reshape((height, width, groups, channels // groups))(x)
        x = layers.Permute((1, 2, 4, 3))(x)
        return layers.Reshape((height, width, channels))(x)

    def unit(x: Any, filters: int, stride: int, groups: int = 4) -> Any:
        own = filters - x.shape[-1] if stride == 2 else filters
        y = layers.Conv2D(filters // 4, 1, groups=groups, use_bias=False)(x)
        y = layers.BatchNormalization()(y)
        y = layers.ReLU()(y)
        y = shuffle(y, groups)
        y = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.Conv2D(own, 1, groups=groups, use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        if stride == 2:
            x = layers.AveragePooling2D(3, strides=2, padding="same")(x)
            y = layers.Concatenate()([x, y])
        else:
            y = layers.Add()([x, y])
        return layers.ReLU()(y)

    inputs = keras.Input((64, 64, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    for filters, depth in ((128, 4), (256, 8), (512, 4)):
        for i in range(depth):
            x = unit(x, filters, 2 if i == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(100, activation="softmax")(x), name="shufflenet_like")


def ghostnet_like() -> Any:
    import keras
    from keras import layers

    def ghost(x: Any, filters: int, relu: bool = True) -> Any:
        x = layers.Conv2D(filters // 2, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        if relu:
            x = layers.ReLU()(x)
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        y = layers.BatchNormalization()(y)
        if relu:
            y = layers.ReLU()(y)
        return layers.Concatenate()([x, y])

    def bottleneck(x: Any, hidden: int, filters: int, stride: int) -> Any:
        y = ghost(x, hidden)
        if stride > 1:
            y = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(y)
            y = layers.BatchNormalization()(y)
        y = ghost(y, filters, relu=False)
        if stride > 1 or x.shape[-1] != filters:
            x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Conv2D(filters, 1, use_bias=False)(x)
            x = layers.BatchNormalization()(x)
        return layers.Add()([x, y])

    inputs = keras.Input((96, 96, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    for hidden, filters, stride in (
        (16, 16, 1),
        (48, 24, 2),
        (72, 24, 1),
        (72, 40, 2),
        (120, 40, 1),
        (240, 80, 2),
        (200, 80, 1),
        (184, 80, 1),
    ):
        x = bottleneck(x, hidden, filters, stride)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="ghostnet_like")


def convnext_like() -> Any:
    import keras
    from keras import layers

    def block(x: Any, name: str) -> Any:
        filters = x.shape[-1]
        y = layers.DepthwiseConv2D(7, padding="same", name=name + "_dwconv")(x)
        y = layers.LayerNormalization(epsilon=1e-6, name=name + "_norm")(y)
        y = layers.Dense(4 * filters, name=name + "_pwconv1")(y)
        y = layers.Activation("gelu", name=name + "_gelu")(y)
        y = layers.Dense(filters, name=name + "_pwconv2")(y)
        return layers.Add(name=name + "_add")([x, y])

    inputs = keras.Input((128, 128, 3))
    x = layers.Conv2D(48, 4, strides=4, name="stem_conv")(inputs)
    x = layers.LayerNormalization(epsilon=1e-6, name="stem_norm")(x)
    for stage, (filters, depth) in enumerate([(48, 2), (96, 2), (192, 6), (384, 2)]):
        if stage:
            x = layers.LayerNormalization(epsilon=1e-6, name=f"down{stage}_norm")(x)
            x = layers.Conv2D(filters, 2, strides=2, name=f"down{stage}_conv")(x)
        for i in range(depth):
            x = block(x, f"stage{stage}_block{i}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.LayerNormalization(epsilon=1e-6, name="head_norm")(x)
    return keras.Model(inputs, layers.Dense(100, name="head")(x), name="convnext_like")


def highway_net() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((784,))
    x = layers.Dense(64, activation="relu")(inputs)
    for _ in range(10):
        gate = layers.Dense(
            64, activation="sigmoid", bias_initializer=keras.initializers.Constant(-2)
        )(x)
        value = layers.Dense(64, activation="relu")(x)
        carry = layers.Rescaling(-1.0, offset=1.0)(gate)
        x = layers.Add()([layers.Multiply()([value, gate]), layers.Multiply()([x, carry])])
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="highway_net")


# --- dense prediction ----------------------------------------------------------------------------


def unet_transposed() -> Any:
    import keras
    from keras import layers

    def double_conv(x: Any, filters: int, name: str) -> Any:
        for i in (1, 2):
            x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv{i}")(x)
            x = layers.BatchNormalization(name=f"{name}_bn{i}")(x)
            x = layers.ReLU(name=f"{name}_relu{i}")(x)
        return x

    inputs = keras.Input((256, 256, 1), name="image")
    x, skips = inputs, []
    for i, filters in enumerate((32, 64, 128, 256), 1):
        x = double_conv(x, filters, f"down{i}")
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"down{i}_pool")(x)
    x = double_conv(x, 512, "bottom")
    for i, filters in zip((4, 3, 2, 1), (256, 128, 64, 32), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same", name=f"up{i}_conv_t")(x)
        x = layers.Concatenate(name=f"up{i}_concat")([x, skips.pop()])
        x = double_conv(x, filters, f"up{i}")
    outputs = layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x)
    return keras.Model(inputs, outputs, name="unet_transposed")


def unet_upsampling() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((128, 128, 3))
    x, skips = inputs, []
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
        x = layers.Dropout(0.1)(x)
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(128, 3, activation="relu", padding="same")(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Conv2D(128, 3, activation="relu", padding="same")(x)
    for filters in (64, 32, 16):
        x = layers.UpSampling2D()(x)
        x = layers.concatenate([x, skips.pop()])
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
        x = layers.Dropout(0.1)(x)
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
    outputs = layers.Conv2D(4, 1, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="unet_upsampling")


def attention_unet() -> Any:
    import keras
    from keras import layers

    def conv(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
        return x

    def gate(skip: Any, signal: Any, filters: int) -> Any:
        a = layers.Conv2D(filters, 1)(skip)
        b = layers.Conv2D(filters, 1)(signal)
        y = layers.Activation("relu")(layers.Add()([a, b]))
        y = layers.Conv2D(1, 1, activation="sigmoid")(y)
        return layers.Multiply()([skip, y])

    inputs = keras.Input((128, 128, 1))
    x, skips = inputs, []
    for filters in (16, 32, 64):
        x = conv(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = conv(x, 128)
    for filters in (64, 32, 16):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.Concatenate()([x, gate(skips.pop(), x, filters // 2)])
        x = conv(x, filters)
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs, name="attention_unet")


def fpn() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((256, 256, 3), name="image")
    x, levels = inputs, []
    for i, filters in enumerate((32, 64, 128, 256), 1):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=f"c{i}_a")(
            x
        )
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"c{i}")(x)
        levels.append(x)
    p = layers.Conv2D(64, 1, name="lateral4")(levels[3])
    outputs = {"p4": layers.Conv2D(64, 3, padding="same", name="p4")(p)}
    for i in (3, 2, 1):
        lateral = layers.Conv2D(64, 1, name=f"lateral{i}")(levels[i - 1])
        p = layers.Add(name=f"merge{i}")([layers.UpSampling2D(name=f"upsample{i}")(p), lateral])
        outputs[f"p{i}"] = layers.Conv2D(64, 3, padding="same", name=f"p{i}")(p)
    return keras.Model(inputs, [outputs[f"p{i}"] for i in (1, 2, 3, 4)], name="fpn")


def edsr() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = head = layers.Conv2D(64, 3, padding="same")(x)
    for _ in range(16):
        y = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
        y = layers.Conv2D(64, 3, padding="same")(y)
        y = layers.Rescaling(0.1)(y)
        x = layers.Add()([x, y])
    x = layers.Conv2D(64, 3, padding="same")(x)
    x = layers.Add()([x, head])
    x = layers.Conv2D(64, 3, padding="same")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(64, 3, padding="same")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(3, 3, padding="same")(x)
    return keras.Model(inputs, layers.Rescaling(255.0)(x), name="edsr")


def hrnet_like() -> Any:
    import keras
    from keras import layers

    def conv(x: Any, filters: int, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def basic(x: Any, filters: int) -> Any:
        y = layers.ReLU()(conv(x, filters))
        y = conv(y, filters)
        return layers.ReLU()(layers.Add()([x, y]))

    inputs = keras.Input((128, 128, 3))
    x = layers.ReLU()(conv(inputs, 32, 2))
    high = layers.ReLU()(conv(x, 32))
    low = layers.ReLU()(conv(x, 64, 2))
    for _ in range(3):
        for _ in range(2):
            high = basic(high, 32)
            low = basic(low, 64)
        up = layers.Conv2D(32, 1, use_bias=False)(low)
        up = layers.BatchNormalization()(up)
        up = layers.UpSampling2D(2)(up)
        down = conv(high, 64, 2)
        high, low = (
            layers.ReLU()(layers.Add()([high, up])),
            layers.ReLU()(layers.Add()([low, down])),
        )
    x = layers.Concatenate()([high, layers.UpSampling2D(2)(low)])
    outputs = layers.Conv2D(17, 1)(x)
    return keras.Model(inputs, outputs, name="hrnet_like")


def autoencoder() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((28, 28, 1), name="digit")
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="enc1")(inputs)
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="enc2")(x)
    x = layers.Flatten(name="flatten")(x)
    code = layers.Dense(16, name="code")(x)
    x = layers.Dense(7 * 7 * 32, activation="relu", name="expand")(code)
    x = layers.Reshape((7, 7, 32), name="reshape")(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu", name="dec2")(x)
    x = layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu", name="dec1")(x)
    outputs = layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="decoded")(x)
    return keras.Model(inputs, outputs, name="autoencoder")


def vae_encoder() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((64, 64, 3))
    x = inputs
    for filters in (32, 64, 128, 256):
        x = layers.Conv2D(filters, 4, strides=2, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    mean = layers.Dense(32, name="z_mean")(x)
    log_var = layers.Dense(32, name="z_log_var")(x)
    return keras.Model(inputs, [mean, log_var], name="vae_encoder")


def gan_generator() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(8 * 8 * 512, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Reshape((8, 8, 512)),
            layers.Conv2DTranspose(256, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(64, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(3, 5, padding="same", activation="tanh"),
        ],
        name="gan_generator",
    )


def gan_discriminator() -> Any:
    import keras
    from keras import layers

    model = keras.Sequential(name="gan_discriminator")
    model.add(keras.Input((64, 64, 3)))
    for i, filters in enumerate((64, 128, 256, 512)):
        model.add(layers.Conv2D(filters, 4, strides=2, padding="same"))
        if i:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU(0.2))
        model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model


# --- sequences and tokens ------------------------------------------------------------------------


def vit_small() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(192, 4, strides=4, name="patches")(inputs)
    x = layers.Reshape((64, 192))(x)
    for _ in range(8):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.MultiHeadAttention(num_heads=3, key_dim=64, dropout=0.1)(y, y)
        x = layers.Add()([x, y])
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.Dense(768, activation="gelu")(y)
        y = layers.Dropout(0.1)(y)
        y = layers.Dense(192)(y)
        y = layers.Dropout(0.1)(y)
        x = layers.Add()([x, y])
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(10)(x), name="vit_small")


def text_classifier() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((200,), dtype="int32", name="tokens")
    x = layers.Embedding(20000, 64, name="embedding")(inputs)
    for i in range(2):
        y = layers.MultiHeadAttention(4, 16, name=f"attention_{i}")(x, x)
        y = layers.Dropout(0.1, name=f"attention_dropout_{i}")(y)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"attention_norm_{i}")(x + y)
        y = layers.Dense(128, activation="relu", name=f"ffn_{i}_1")(x)
        y = layers.Dense(64, name=f"ffn_{i}_2")(y)
        y = layers.Dropout(0.1, name=f"ffn_dropout_{i}")(y)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"ffn_norm_{i}")(x + y)
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    x = layers.Dense(20, activation="relu", name="dense")(x)
    outputs = layers.Dense(2, activation="softmax", name="label")(x)
    return keras.Model(inputs, outputs, name="text_classifier")


def translator() -> Any:
    """A transformer with an encoder and a decoder, which attends to it."""
    import keras
    from keras import layers

    def feed_forward(x: Any) -> Any:
        y = layers.Dense(512, activation="relu")(x)
        y = layers.Dense(128)(y)
        return layers.LayerNormalization()(layers.Add()([x, y]))

    source = keras.Input((40,), dtype="int32", name="source")
    target = keras.Input((40,), dtype="int32", name="target")
    x = layers.Embedding(8000, 128)(source)
    for _ in range(3):
        y = layers.MultiHeadAttention(8, 16)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, y]))
        x = feed_forward(x)
    memory = x
    x = layers.Embedding(8000, 128)(target)
    for _ in range(3):
        y = layers.MultiHeadAttention(8, 16)(x, x, use_causal_mask=True)
        x = layers.LayerNormalization()(layers.Add()([x, y]))
        y = layers.MultiHeadAttention(8, 16)(x, memory)
        x = layers.LayerNormalization()(layers.Add()([x, y]))
        x = feed_forward(x)
    outputs = layers.Dense(8000, activation="softmax")(x)
    return keras.Model([source, target], outputs, name="translator")


def tcn() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((None, 8))
    x = inputs
    for i in range(6):
        shortcut = x if x.shape[-1] == 32 else layers.Conv1D(32, 1)(x)
        y = layers.Conv1D(32, 3, padding="causal", dilation_rate=2**i, activation="relu")(x)
        y = layers.SpatialDropout1D(0.2)(y)
        y = layers.Conv1D(32, 3, padding="causal", dilation_rate=2**i, activation="relu")(y)
        y = layers.SpatialDropout1D(0.2)(y)
        x = layers.Add()([shortcut, y])
    return keras.Model(inputs, layers.Dense(1)(x), name="tcn")


def wavenet() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((None, 1), name="audio")
    x = layers.Conv1D(32, 2, padding="causal", name="causal")(inputs)
    skips = []
    for i in range(2):
        for j in range(5):
            name = f"block{i}_{j}"
            t = layers.Conv1D(
                32, 2, padding="causal", dilation_rate=2**j, activation="tanh", name=name + "_tanh"
            )(x)
            s = layers.Conv1D(
                32,
                2,
                padding="causal",
                dilation_rate=2**j,
                activation="sigmoid",
                name=name + "_sigmoid",
            )(x)
            z = layers.Multiply(name=name + "_gated")([t, s])
            skips.append(layers.Conv1D(64, 1, name=name + "_skip")(z))
            z = layers.Conv1D(32, 1, name=name + "_residual")(z)
            x = layers.Add(name=name + "_add")([x, z])
    x = layers.Add(name="skips")(skips)
    x = layers.ReLU(name="relu1")(x)
    x = layers.Conv1D(64, 1, activation="relu", name="post1")(x)
    x = layers.Conv1D(256, 1, activation="softmax", name="post2")(x)
    return keras.Model(inputs, x, name="wavenet")


def ecg_resnet() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((4096, 12), name="ecg")
    x = layers.Conv1D(64, 17, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    for filters in (128, 196, 256, 320):
        skip = layers.MaxPooling1D(4, padding="same")(x)
        skip = layers.Conv1D(filters, 1, use_bias=False)(skip)
        x = layers.Conv1D(filters, 17, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.Dropout(0.2)(x)
        x = layers.Conv1D(filters, 17, strides=4, padding="same", use_bias=False)(x)
        x = layers.Add()([x, skip])
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.Dropout(0.2)(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(6, activation="sigmoid")(x), name="ecg_resnet")


def mlp_mixer() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((64, 64, 3))
    x = layers.Conv2D(128, 8, strides=8)(inputs)
    x = layers.Reshape((64, 128))(x)
    for _ in range(6):
        y = layers.LayerNormalization()(x)
        y = layers.Permute((2, 1))(y)
        y = layers.Dense(64, activation="gelu")(y)
        y = layers.Dense(64)(y)
        y = layers.Permute((2, 1))(y)
        x = layers.Add()([x, y])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(512, activation="gelu")(y)
        y = layers.Dense(128)(y)
        x = layers.Add()([x, y])
    x = layers.LayerNormalization()(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(10)(x), name="mlp_mixer")


def gmlp() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((64, 128), name="patches")
    x = inputs
    for _ in range(4):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        u = layers.Dense(256, activation="gelu")(y)
        v = layers.Dense(256, activation="gelu")(y)
        v = layers.LayerNormalization(epsilon=1e-6)(v)
        v = layers.Permute((2, 1))(v)
        v = layers.Dense(64, bias_initializer="ones")(v)
        v = layers.Permute((2, 1))(v)
        y = layers.Dense(128)(layers.Multiply()([u, v]))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(100)(x), name="gmlp")


def volume_net() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((64, 64, 32, 1), name="scan")
    x = inputs
    for filters in (64, 64, 128, 256):
        x = layers.Conv3D(filters, 3, activation="relu", padding="same")(x)
        x = layers.MaxPooling3D(2)(x)
        x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling3D()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x), name="volume_net")


# --- several inputs and outputs ------------------------------------------------------------------


def siamese() -> Any:
    """One encoder, called twice."""
    import keras
    from keras import layers

    encoder = keras.Sequential(name="encoder")
    encoder.add(keras.Input((105, 105, 1)))
    for filters, size in ((64, 10), (128, 7), (128, 4)):
        encoder.add(layers.Conv2D(filters, size, activation="relu"))
        encoder.add(layers.MaxPooling2D())
    encoder.add(layers.Flatten())
    encoder.add(layers.Dense(256, activation="sigmoid"))
    left, right = keras.Input((105, 105, 1), name="left"), keras.Input((105, 105, 1), name="right")
    x = layers.Subtract()([encoder(left), encoder(right)])
    outputs = layers.Dense(1, activation="sigmoid")(x)
    return keras.Model([left, right], outputs, name="siamese")


def two_towers() -> Any:
    """Two towers of the same layers, with weights of their own."""
    import keras
    from keras import layers

    def tower(name: str) -> tuple[Any, Any]:
        inputs = x = keras.Input((100,), name=name)
        for i, units in enumerate((256, 128, 64)):
            x = layers.Dense(units, name=f"{name}_dense{i}")(x)
            x = layers.BatchNormalization(name=f"{name}_bn{i}")(x)
            x = layers.ReLU(name=f"{name}_relu{i}")(x)
            x = layers.Dropout(0.1, name=f"{name}_dropout{i}")(x)
        return inputs, layers.UnitNormalization(name=f"{name}_norm")(x)

    user, a = tower("user")
    item, b = tower("item")
    return keras.Model([user, item], layers.Dot(1, name="score")([a, b]), name="two_towers")


def fusion() -> Any:
    """A picture and a table of numbers."""
    import keras
    from keras import layers

    image = keras.Input((64, 64, 3), name="image")
    x = image
    for i, filters in enumerate((16, 32, 64), 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"image_conv{i}")(x)
        x = layers.MaxPooling2D(name=f"image_pool{i}")(x)
    x = layers.GlobalAveragePooling2D(name="image_features")(x)
    table = keras.Input((12,), name="table")
    y = layers.Dense(32, activation="relu", name="table_dense1")(table)
    y = layers.Dense(32, activation="relu", name="table_dense2")(y)
    z = layers.Concatenate(name="fusion")([x, y])
    z = layers.Dense(64, activation="relu", name="joint")(z)
    return keras.Model([image, table], layers.Dense(1, name="price")(z), name="fusion")


def multi_task() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((128, 128, 3), name="face")
    x = inputs
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D()(x)
    features = layers.GlobalAveragePooling2D(name="features")(x)
    heads = []
    for name, units, activation in (
        ("age", 1, "relu"),
        ("gender", 2, "softmax"),
        ("emotion", 7, "softmax"),
    ):
        y = layers.Dense(128, activation="relu", name=f"{name}_hidden")(features)
        y = layers.Dropout(0.3, name=f"{name}_dropout")(y)
        heads.append(layers.Dense(units, activation=activation, name=name)(y))
    return keras.Model(inputs, heads, name="multi_task")


# --- very small and very large -------------------------------------------------------------------


def one_layer() -> Any:
    import keras
    from keras import layers

    return keras.Sequential([keras.Input((784,)), layers.Dense(10)], name="one_layer")


def deep_plain() -> Any:
    """Five hundred layers in a row."""
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 32))
    x = inputs
    for _ in range(250):
        x = layers.Conv2D(32, 3, padding="same")(x)
        x = layers.ReLU()(x)
    return keras.Model(inputs, x, name="deep_plain")


MODELS = [
    value
    for name, value in list(globals().items())
    if callable(value) and not name.startswith("_") and name != "Any"
]
