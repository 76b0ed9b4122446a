"""Two layers that papers have and Keras lacks, for archspec: `--layers my_layers.py`.

GRN, Global Response Normalization: Woo et al., ConvNeXt V2, 2023, https://arxiv.org/abs/2301.00808
SwiGLU: Shazeer, GLU Variants Improve Transformer, 2020, https://arxiv.org/abs/2002.05202
"""

from typing import Annotated as A
from typing import Any

from archspec.own_layers import (
    INITIALIZER,
    NON_NEGATIVE,
    Facts,
    Refused,
    Shape,
    Traits,
    entry,
    require_channels,
    split_channels,
)


def grn(
    x: Shape,
    *,
    epsilon: A[
        float,
        NON_NEGATIVE,
        "Small number added to the sums of squares and to the mean of the norms, so that nothing "
        "is divided by 0.",
    ] = 1e-6,
    gamma_initializer: A[Any, INITIALIZER, "Values that the learnt scale starts from."] = "Zeros",
    beta_initializer: A[Any, INITIALIZER, "Values that the learnt shift starts from."] = "Zeros",
) -> Facts:
    """gamma * x * n + beta + x, where n is the norm of each channel over all positions, divided by
    the mean of these norms: channels that respond strongly come out stronger.

    Shape: that of the input.
    Params: 2 * channels
    """
    _, channels = split_channels(x, 2, "channels_last")
    size = (require_channels(channels),)
    return Facts(x, {"gamma": size, "beta": size}, window=None)  # it sees the whole image


def make_grn() -> Any:
    import keras
    from keras import ops

    class GRN(keras.layers.Layer):
        def __init__(self, epsilon, gamma_initializer, beta_initializer, **common):
            super().__init__(**common)
            self.epsilon = epsilon
            self.gamma_initializer = keras.initializers.get(gamma_initializer)
            self.beta_initializer = keras.initializers.get(beta_initializer)

        def build(self, shape):
            size = (shape[-1],)
            self.gamma = self.add_weight(size, self.gamma_initializer, name="gamma")
            self.beta = self.add_weight(size, self.beta_initializer, name="beta")

        def call(self, x):
            norms = ops.sqrt(ops.sum(ops.square(x), axis=(1, 2), keepdims=True) + self.epsilon)
            share = norms / (ops.mean(norms, axis=-1, keepdims=True) + self.epsilon)
            return self.gamma * x * share + self.beta + x

        def get_config(self):
            own = {
                "epsilon": self.epsilon,
                "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
                "beta_initializer": keras.initializers.serialize(self.beta_initializer),
            }
            return {**super().get_config(), **own}

    return GRN


def swiglu(x: Shape) -> Facts:
    """silu(a) * b, where a and b are the two halves of the channels: one half opens and closes
    the other. The layer before it has twice the channels.

    Shape: that of the input, with half the channels.
    """
    channels = require_channels(x[-1])
    if channels % 2:
        raise Refused(f"cannot halve {channels} channels")
    return Facts((*x[:-1], channels // 2))


def make_swiglu() -> Any:
    import keras
    from keras import ops

    class SwiGLU(keras.layers.Layer):
        def call(self, x):
            gate, value = ops.split(x, 2, axis=-1)
            return ops.silu(gate) * value

    return SwiGLU


FAMILY = (
    entry(
        "GRN",
        grn,
        Traits(kind="normalization"),
        "Scale channels by how strongly they respond, compared with the others.",
        "{epsilon: 1.0e-6}",
        (14, 14, 384),
        keras_class=make_grn,
    ),
    entry(
        "SwiGLU",
        swiglu,
        Traits(kind="activation"),
        "Multiply one half of the channels by silu of the other.",
        "",
        (197, 1024),
        keras_class=make_swiglu,
    ),
)
