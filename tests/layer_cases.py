"""One table of cases for every layer: run against the numbers here, and against the real layer.

    good(layer, arguments, input, output, params, macs)
    bad(layer, arguments, input, what the refusal says)

Shapes leave the batch axis out. An input is one shape, a list of them, or call arguments to shapes.
The numbers were worked out by hand from the definitions, not copied from a run.
"""

from dataclasses import dataclass, field
from typing import Any

Inputs = Any


@dataclass(frozen=True)
class Case:
    """A call of a layer, and what must come of it.

    window, weights: what the facts must say of them, where a case is about that.
    refusal: a part of the message, for a call that must be refused.
    beyond: why we refuse a call that Keras takes (and then fails at, or means something else by).
    call: its constant call arguments.
    backends: those on which Keras can do it, where that is not all.
    """

    layer: str
    arguments: dict[str, Any]
    inputs: Inputs
    shape: tuple[int | None, ...] = ()
    params: int = 0
    macs: int | None = 0
    window: Any = "unchecked"
    refusal: str = ""
    beyond: str = ""
    weights: dict[str, tuple[int, ...]] | None = None
    call: dict[str, bool] = field(default_factory=dict)
    backends: tuple[str, ...] = ()

    def __str__(self) -> str:
        given = {**self.arguments, **self.call}
        arguments = ",".join(f"{name}={value}" for name, value in given.items())
        return f"{self.layer}({arguments})<-{self.inputs}".replace(" ", "")


CASES: list[Case] = []


def good(
    layer: str,
    arguments: dict[str, Any],
    inputs: Inputs,
    shape: tuple[int | None, ...],
    params: int = 0,
    macs: int | None = 0,
    **more: Any,
) -> None:
    CASES.append(Case(layer, arguments, inputs, shape, params, macs, **more))


def bad(
    layer: str,
    arguments: dict[str, Any],
    inputs: Inputs,
    refusal: str,
    beyond: str = "",
    **more: Any,
) -> None:
    CASES.append(Case(layer, arguments, inputs, refusal=refusal, beyond=beyond, **more))


# fmt: off
FIRST = {"data_format": "channels_first"}

# --- convolution ---------------------------------------------------------------------------------

# valid: (28 - 5)/1 + 1 = 24; weights 5*5*1*6 + 6; each of 24*24 places does 5*5*1*6 products.
good("Conv2D", {"filters": 6, "kernel_size": 5}, (28, 28, 1), (24, 24, 6), 156, 86_400,
     window=((5, 1), (5, 1)), weights={"kernel": (5, 5, 1, 6), "bias": (6,)})
# ceil(7 / 2) = 4; weights 3*3*8*4 without a bias.
good("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same",
                "use_bias": False}, (7, 8, 8), (4, 4, 4), 288, 4_608)
# rows (9 - 3)//2 + 1 = 4, columns (9 - 1)//1 + 1 = 9.
good("Conv2D", {"filters": 2, "kernel_size": [3, 1], "strides": [2, 1]}, (9, 9, 3), (4, 9, 2),
     3 * 3 * 2 + 2, 4 * 9 * 18, window=((3, 2), (1, 1)))
good("Conv2D", {"filters": 2, "kernel_size": 3, **FIRST}, (3, 9, 8), (2, 7, 6), 56, 7 * 6 * 54)
# dilated: the window reaches over (3 - 1)*2 + 1 = 5 rows.
good("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, (9, 9, 3), (5, 5, 2), 56,
     25 * 54, window=((5, 1), (5, 1)))
# grouped: each of 2 groups sees 4 / 2 channels.
good("Conv2D", {"filters": 6, "kernel_size": 1, "groups": 2}, (5, 5, 4), (5, 5, 6), 2 * 6 + 6,
     25 * 12)
good("Conv2D", {"filters": 6, "kernel_size": 3}, (None, None, 1), (None, None, 6), 60, None)
good("Conv2D", {"filters": 6, "kernel_size": 3, "activation": "relu", "trainable": False,
                "kernel_initializer": "he_normal", "kernel_regularizer": {"L2": 0.01},
                "kernel_constraint": "max_norm"}, (8, 8, 1), (6, 6, 6), 60, 36 * 54)
good("Conv2D", {"filters": 2, "kernel_size": 1, "activation": {"relu": {"max_value": 6}},
                "kernel_initializer": {"VarianceScaling": {"scale": 2.0, "mode": "fan_out"}}},
     (2, 2, 1), (2, 2, 2), 4, 8)
bad("Conv2D", {"filters": 96, "kernel_size": 11, "strides": 4}, (5, 5, 1),
    "a window of 11 on 5 rows with padding 'valid' leaves nothing: (5 - 11)/4 + 1 < 1")
bad("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 4}, (8, 8, 1),
    "a window of 9 (= (3 - 1) * 4 + 1) on 8 rows")
bad("Conv2D", {"filters": 6, "kernel_size": 1}, (28, 28),
    "expects an input of 4 axes (batch, height, width, channels), got (None, 28, 28)")
bad("Conv2D", {"filters": 6, "kernel_size": 1, **FIRST}, (28, 28),
    "expects an input of 4 axes (batch, channels, height, width), got (None, 28, 28)")
bad("Conv2D", {"filters": 6, "kernel_size": 1}, (4, 4, None), "needs to know the channels")
bad("Conv2D", {"filters": 6, "kernel_size": 1, "groups": 4}, (4, 4, 4),
    "cannot share 6 filters evenly among 4 groups")
bad("Conv2D", {"filters": 6, "kernel_size": 1, "groups": 3}, (4, 4, 4),
    "cannot share 4 input channels evenly among 3 groups")
bad("Conv2D", {"filters": 6, "kernel_size": 1, "strides": 2, "dilation_rate": 2}, (4, 4, 4),
    "takes strides or dilation_rate over 1, not both")
bad("Conv2D", {"filters": 6, "kernel_size": 3, "kernel_initializer": "identity"}, (4, 4, 4),
    "cannot use Identity for its kernel, which has shape (3, 3, 4, 6)")
bad("Conv2D", {"filters": 6, "kernel_size": 3, "bias_initializer": "orthogonal"}, (4, 4, 4),
    "cannot use Orthogonal for its bias, which has shape (6,)")
bad("Conv2D", {"filters": 6, "kernel_size": 3, "kernel_regularizer": "orthogonal_regularizer"},
    (4, 4, 4), "cannot use OrthogonalRegularizer for its kernel")
bad("Conv2D", {"filters": 6, "kernel_size": 3, "activity_regularizer": "orthogonal_regularizer"},
    (4, 4, 4), "cannot use OrthogonalRegularizer for its output")
bad("Conv2D", {"filters": 0, "kernel_size": 1}, (4, 4, 4), "must be a positive integer, got 0")
bad("Conv2D", {"filters": 6, "kernel_size": [1, 1, 1]}, (4, 4, 4),
    "must be a positive integer or a list of 2, got [1, 1, 1]")
bad("Conv2D", {"filters": 6, "kernel_size": 1, "padding": "causal"}, (4, 4, 4),
    "must be 'valid' or 'same', got 'causal'")
bad("Conv2D", {"filters": 6, "kernel_size": 1, "activation": "rellu"}, (4, 4, 4),
    "must be an activation, got 'rellu'")
bad("Conv2D", {"filters": 6}, (4, 4, 4), "needs the argument 'kernel_size'")

good("Conv1D", {"filters": 8, "kernel_size": 3}, (10, 4), (8, 8), 104, 8 * 96)
good("Conv1D", {"filters": 8, "kernel_size": 3, "padding": "causal", "dilation_rate": 4}, (10, 4),
     (10, 8), 104, 960)
good("Conv1D", {"filters": 8, "kernel_size": [3], **FIRST}, (4, 10), (8, 8), 104, 8 * 96)
bad("Conv1D", {"filters": 8, "kernel_size": 3}, (2, 4), "(2 - 3)/1 + 1 < 1")
good("Conv3D", {"filters": 2, "kernel_size": [1, 2, 3]}, (4, 4, 4, 1), (4, 3, 2, 2), 14, 24 * 12)
good("Conv3D", {"filters": 2, "kernel_size": 2, **FIRST}, (1, 4, 4, 4), (2, 3, 3, 3), 18, 27 * 16)
bad("Conv3D", {"filters": 2, "kernel_size": 2}, (4, 4, 1),
    "expects an input of 5 axes (batch, depth, height, width, channels)")

# valid: (4 - 1)*2 + max(3, 2) = 9; the kernel is (rows, columns, out, in); each of the 16 inputs
# meets the whole kernel.
good("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2}, (4, 4, 3), (9, 9, 2),
     3 * 3 * 2 * 3 + 2, 16 * 54, weights={"kernel": (3, 3, 2, 3), "bias": (2,)})
good("Conv2DTranspose", {"filters": 2, "kernel_size": 1, "strides": 3}, (4, 4, 3), (12, 12, 2), 8,
     16 * 6)
good("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"},
     (4, None, 3), (8, None, 2), 26, None)
# same with output_padding: (4 - 1)*2 + 3 % 2 + 0 = 7.
good("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same",
                         "output_padding": 0}, (4, 4, 3), (7, 7, 2), 56, 16 * 54)
good("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": [0, 1],
                         **FIRST}, (3, 4, 4), (2, 9, 10), 56, 16 * 54)
good("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, (4, 4, 3), (8, 8, 2),
     56, 16 * 54)
bad("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 2},
    (4, 4, 3), "takes an output_padding below its strides, got 2 with strides 2")
bad("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2},
    (4, 4, 3), "takes strides or dilation_rate over 1, not both")
bad("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same",
                        "output_padding": 0}, (4, 4, 3),
    "takes an output_padding of at least 1 for an even kernel",
    beyond="Keras builds it and TensorFlow fails to run it")
bad("Conv2DTranspose", {"filters": 2, "kernel_size": 3}, (4, 3), "expects an input of 4 axes")
good("Conv1DTranspose", {"filters": 2, "kernel_size": 4, "strides": 2}, (5, 3), (12, 2), 26,
     5 * 24)
good("Conv1DTranspose", {"filters": 2, "kernel_size": 4, **FIRST}, (3, 5), (2, 8), 26, 120)
bad("Conv1DTranspose", {"filters": 2, "kernel_size": 4}, (5, None), "needs to know the channels")
good("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"},
     (2, 3, 4, 1), (4, 6, 8, 2), 18, 24 * 16)
good("Conv3DTranspose", {"filters": 2, "kernel_size": 2, **FIRST}, (1, 2, 3, 4), (2, 3, 4, 5), 18,
     24 * 16)
bad("Conv3DTranspose", {"filters": 2, "kernel_size": 2}, (4, 4, 1), "expects an input of 5 axes")

# each channel gets depth_multiplier outputs.
good("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, (6, 6, 4),
     (6, 6, 8), 3 * 3 * 4 * 2 + 8, 36 * 72, weights={"kernel": (3, 3, 4, 2), "bias": (8,)})
good("DepthwiseConv2D", {"kernel_size": 3, "strides": [1, 2], "use_bias": False}, (6, 7, 4),
     (4, 3, 4), 36, 12 * 36)
good("DepthwiseConv2D", {"kernel_size": 3, **FIRST}, (4, 6, 6), (4, 4, 4), 40, 16 * 36)
good("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "dilation_rate": 2}, (7, 7, 2), (3, 3, 2),
     10, 9 * 8)
bad("DepthwiseConv2D", {"kernel_size": 7}, (6, 8, 4), "(6 - 7)/1 + 1 < 1")
bad("DepthwiseConv2D", {"kernel_size": 3, "depthwise_initializer": "identity"}, (6, 6, 4),
    "cannot use Identity for its kernel")
good("DepthwiseConv1D", {"kernel_size": 3}, (8, 4), (6, 4), 16, 6 * 12)
good("DepthwiseConv1D", {"kernel_size": 3, "strides": 2, **FIRST}, (4, 8), (4, 3), 16, 36)
bad("DepthwiseConv1D", {"kernel_size": 3}, (8, None), "needs to know the channels")
# depthwise 3*3*4*1, pointwise 1*1*4*5, bias 5.
good("SeparableConv2D", {"filters": 5, "kernel_size": 3}, (6, 6, 4), (4, 4, 5), 36 + 20 + 5,
     16 * 36 + 16 * 20,
     weights={"depthwise_kernel": (3, 3, 4, 1), "pointwise_kernel": (1, 1, 4, 5), "bias": (5,)})
good("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2, **FIRST},
     (4, 6, 6), (5, 4, 4), 72 + 40 + 5, 16 * 72 + 16 * 40)
bad("SeparableConv2D", {"filters": 5, "kernel_size": 7}, (6, 6, 4), "(6 - 7)/1 + 1 < 1")
good("SeparableConv1D", {"filters": 5, "kernel_size": 3, "padding": "same"}, (6, 4), (6, 5),
     12 + 20 + 5, 6 * 12 + 6 * 20)
good("SeparableConv1D", {"filters": 5, "kernel_size": 3, **FIRST}, (4, 6), (5, 4), 37,
     4 * 12 + 4 * 20)
bad("SeparableConv1D", {"filters": 5, "kernel_size": 3}, (6, 6, 4), "expects an input of 3 axes")

# --- dense ---------------------------------------------------------------------------------------

good("Dense", {"units": 10}, (84,), (10,), 850, 840, weights={"kernel": (84, 10), "bias": (10,)})
good("Dense", {"units": 3, "use_bias": False, "activation": "softmax"}, (7, 7, 4), (7, 7, 3), 12,
     49 * 12, window=())
good("Dense", {"units": 3, "kernel_initializer": "identity"}, (None, 3), (None, 3), 12, None)
bad("Dense", {"units": 3}, (), "expects an input of at least 2 axes (batch, features), got (None,)")
bad("Dense", {"units": 3}, (None,), "needs to know the channels of its input")
bad("Dense", {"units": 2.5}, (4,), "must be a positive integer, got 2.5")

good("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [None, 6], "bias_axes": "d"},
     (5, 4), (None, 6), 24 + 6, 5 * 24)
good("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [5, 2, 3], "bias_axes": "de"},
     (5, 4), (5, 2, 3), 24 + 6, 5 * 24)
good("EinsumDense", {"equation": "...c,cd->...d", "output_shape": 6}, (5, 4), (5, 6), 24, 5 * 24)
good("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 6, "bias_axes": "c"},
     (4, 5, 2), (6, 5, 2), 24 + 6, 24 * 10)
bad("EinsumDense", {"equation": "abc,cd", "output_shape": 6}, (5, 4), "expects an equation such as")
bad("EinsumDense", {"equation": "abcd,de->abce", "output_shape": [5, 4, 6]}, (5, 4),
    "has 4 input axes in 'abcd,de->abce', got (None, 5, 4)")
bad("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [6, 6]}, (5, 4),
    "keeps axis 'b' in 'abc,cd->abd', which is 5 in the input (None, 5, 4) and 6 in output_shape")
bad("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [5, 2, None]}, (5, 4),
    "needs to know the length of axis 'e'")
bad("EinsumDense", {"equation": "abc,cd->abe", "output_shape": [5, 2]}, (5, 4),
    "has an axis 'e' that stands alone")
bad("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [5, 2], "bias_axes": "z"}, (5, 4),
    "has no output axes 'z'")
bad("EinsumDense", {"equation": "abc,cd->abd", "output_shape": 2}, (5, 4),
    "has 3 output axes in 'abc,cd->abd', of which output_shape gives 2, got [2]")
bad("EinsumDense", {"equation": "...c,cd->...d", "output_shape": 6}, (5, 7, 4),
    "mixes up the axes (5, 7)", beyond="Keras's shape turns the axes round and the result does not")

good("Embedding", {"input_dim": 100, "output_dim": 8}, (12,), (12, 8), 800)
good("Embedding", {"input_dim": 10, "output_dim": 8, "mask_zero": True}, (None, 3), (None, 3, 8),
     80)
bad("Embedding", {"input_dim": 0, "output_dim": 8}, (12,), "must be a positive integer, got 0")

good("ReversibleEmbedding", {"input_dim": 10, "output_dim": 4}, (7,), (7, 4), 40, 0,
     weights={"embeddings": (10, 4)})
# in reverse each of 7 vectors of 4 meets each of 10 columns.
good("ReversibleEmbedding", {"input_dim": 10, "output_dim": 4, "logit_soft_cap": 30}, (7, 4),
     (7, 10), 40, 7 * 4 * 10, call={"reverse": True})
good("ReversibleEmbedding", {"input_dim": 10, "output_dim": 4, "tie_weights": False,
                             "reverse_dtype": "float32"}, (4,), (10,), 80, 40,
     call={"reverse": True}, weights={"embeddings": (10, 4), "reverse_embeddings": (4, 10)})
bad("ReversibleEmbedding", {"input_dim": 10, "output_dim": 4}, (7, 5),
    "takes vectors of 4 numbers (output_dim) in reverse", call={"reverse": True})
bad("ReversibleEmbedding", {"input_dim": 10, "output_dim": 4, "logit_soft_cap": 0}, (7,),
    "must be a number greater than 0", beyond="Keras divides by it in reverse")

# --- pooling -------------------------------------------------------------------------------------

good("MaxPooling2D", {}, (7, 7, 3), (3, 3, 3), window=((2, 2), (2, 2)))
good("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (7, 8, 3), (4, 4, 3))
good("MaxPooling2D", {"pool_size": [1, 2], **FIRST}, (3, 7, 7), (3, 7, 3))
good("MaxPooling2D", {}, (None, 7, None), (None, 3, None))
bad("MaxPooling2D", {"pool_size": 3, "strides": 2}, (2, 7, 3), "(2 - 3)/2 + 1 < 1")
bad("MaxPooling2D", {}, (7, 7), "expects an input of 4 axes")
good("MaxPooling1D", {}, (7, 3), (3, 3))
good("MaxPooling1D", {"pool_size": 3, "strides": 1, **FIRST}, (3, 7), (3, 5))
bad("MaxPooling1D", {"pool_size": 8}, (7, 3), "(7 - 8)/8 + 1 < 1")
good("MaxPooling3D", {}, (4, 6, 9, 1), (2, 3, 4, 1))
good("MaxPooling3D", {"pool_size": [1, 2, 3], **FIRST}, (1, 4, 6, 9), (1, 4, 3, 3))
bad("MaxPooling3D", {}, (4, 1, 4, 1), "(1 - 2)/2 + 1 < 1")
good("AveragePooling2D", {"pool_size": 5, "strides": 3}, (14, 14, 8), (4, 4, 8))
good("AveragePooling2D", {"pool_size": 3, "strides": 1, "padding": "same", **FIRST}, (8, 5, 6),
     (8, 5, 6))
bad("AveragePooling2D", {}, (14, 14, 8), "needs the argument 'pool_size'")
bad("AveragePooling2D", {"pool_size": 0}, (14, 14, 8), "must be a positive integer or a list of 2")
good("AveragePooling1D", {"pool_size": 2}, (7, 3), (3, 3))
good("AveragePooling1D", {"pool_size": 2, **FIRST}, (3, 7), (3, 3))
bad("AveragePooling1D", {"pool_size": 2}, (7,), "expects an input of 3 axes")
good("AveragePooling3D", {"pool_size": 2}, (4, 6, 9, 1), (2, 3, 4, 1))
good("AveragePooling3D", {"pool_size": 2, **FIRST}, (1, 4, 6, 9), (1, 2, 3, 4))
bad("AveragePooling3D", {"pool_size": 5}, (4, 6, 9, 1), "(4 - 5)/5 + 1 < 1")
for kind in ("Max", "Average"):
    good(f"Global{kind}Pooling2D", {}, (7, 7, 512), (512,), window=None)
    good(f"Global{kind}Pooling2D", {"keepdims": True}, (7, None, 512), (1, 1, 512))
    good(f"Global{kind}Pooling2D", FIRST, (512, 7, 7), (512,))
    bad(f"Global{kind}Pooling2D", {}, (512,), "expects an input of 4 axes")
    good(f"Global{kind}Pooling1D", {}, (7, 5), (5,))
    good(f"Global{kind}Pooling1D", {"keepdims": True, **FIRST}, (5, 7), (5, 1))
    bad(f"Global{kind}Pooling1D", {}, (7, 7, 5), "expects an input of 3 axes")
    good(f"Global{kind}Pooling3D", {}, (7, 7, 7, 5), (5,))
    good(f"Global{kind}Pooling3D", {"keepdims": True, **FIRST}, (5, 7, 7, 7), (5, 1, 1, 1))
    bad(f"Global{kind}Pooling3D", {}, (7, 7, 5), "expects an input of 5 axes")
    for rank, x in ((1, (9, 2)), (2, (9, 8, 2)), (3, (9, 8, 7, 2))):
        out = (3,) * rank
        good(f"Adaptive{kind}Pooling{rank}D", {"output_size": 3}, x, (*out, 2))
        good(f"Adaptive{kind}Pooling{rank}D", {"output_size": [3] * rank, **FIRST},
             (2, *x[:-1]), (2, *out))
        good(f"Adaptive{kind}Pooling{rank}D", {"output_size": 10}, x, ((10,) * rank + (2,)))
        bad(f"Adaptive{kind}Pooling{rank}D", {"output_size": 1}, x, "cannot make 1 of 9 rows",
            beyond="TensorFlow fails in a model, and at some sizes divides by 0, which kills it")
        bad(f"Adaptive{kind}Pooling{rank}D", {"output_size": 2}, (*x[:-2], 1, 2),
            "cannot make 2 of 1 rows", beyond="TensorFlow fails when it runs")
    bad(f"Adaptive{kind}Pooling2D", {"output_size": 3}, (None, 8, 2), "needs to know the spatial",
        beyond="TensorFlow refuses it when it runs")

# --- normalisation -------------------------------------------------------------------------------

good("BatchNormalization", {}, (7, 7, 3), (7, 7, 3), 12, window=(), weights={
    "gamma": (3,), "beta": (3,), "moving_mean": (3,), "moving_variance": (3,)})
good("BatchNormalization", {"scale": False, "momentum": 0.9997}, (7, 7, 3), (7, 7, 3), 9)
good("BatchNormalization", {"center": False, "axis": 1}, (3, None, None), (3, None, None), 9)
good("BatchNormalization", {"synchronized": True}, (3,), (3,), 12, backends=("tensorflow",))
good("BatchNormalization", {"trainable": False}, (3,), (3,), 12)
bad("BatchNormalization", {"axis": 4}, (7, 7, 3), "has no axis 4 in an input of 4 axes")
bad("BatchNormalization", {"axis": 1}, (None, 7, 3), "needs to know the length of axis 1")
bad("BatchNormalization", {"axis": 0}, (7, 7, 3), "which is the batch axis")
bad("BatchNormalization", {"axis": [1, 2]}, (7, 7, 3), "must be an integer, got [1, 2]")
good("LayerNormalization", {}, (10, 8), (10, 8), 16, window=())
good("LayerNormalization", {"axis": [1, 2, 3], "center": False}, (4, 4, 2), (4, 4, 2), 32,
     window=None)
good("LayerNormalization", {"axis": 1, "scale": False, "center": False}, (None, 8), (None, 8))
bad("LayerNormalization", {"axis": 3}, (10, 8), "has no axis 3")
bad("LayerNormalization", {"axis": 1}, (None, 8), "needs to know the length of axis 1")
bad("LayerNormalization", {"axis": [1, -2]}, (10, 8), "names an axis of (None, 10, 8) twice",
    beyond="Keras counts the axis twice")
good("GroupNormalization", {}, (4, 4, 64), (4, 4, 64), 128, window=None)
good("GroupNormalization", {"groups": -1, "axis": 1}, (6, 4, 4), (6, 4, 4), 12)
bad("GroupNormalization", {"groups": 3}, (4, 4, 4), "cannot share 4 channels evenly among 3 groups")
bad("GroupNormalization", {}, (4, 4, 16), "cannot share 16 channels evenly among 32 groups")
bad("GroupNormalization", {"groups": 0}, (4, 4, 16), "expects a positive number of groups")
bad("GroupNormalization", {}, (4, 4, None), "needs to know the length of axis -1")
good("RMSNormalization", {}, (10, 8), (10, 8), 8, weights={"scale": (8,)})
good("RMSNormalization", {"axis": [1, 2]}, (10, 8), (10, 8), 80)
bad("RMSNormalization", {"axis": 5}, (10, 8), "has no axis 5")
bad("RMSNormalization", {"axis": 1}, (10, 8), "works along the last axes only, [2] of",
    beyond="Keras builds it and cannot run it")
good("UnitNormalization", {}, (10, None), (10, None))
good("UnitNormalization", {"axis": [1, 2]}, (10, 8), (10, 8), window=None)
bad("UnitNormalization", {"axis": 3}, (10, 8), "has no axis 3")
good("Normalization", {}, (10, 3), (10, 3), 7,
     weights={"mean": (3,), "variance": (3,), "count": ()})
good("Normalization", {"axis": None}, (10, 3), (10, 3), 3)
good("Normalization", {"axis": [1, 2]}, (10, 3), (10, 3), 61)
good("Normalization", {"mean": [0.5, 0.5, 0.5], "variance": [0.1, 0.1, 0.1]}, (10, 3), (10, 3))
good("Normalization", {"mean": 0.5, "variance": 0.1, "invert": True}, (10, 3), (10, 3))
bad("Normalization", {"mean": 0.5}, (10, 3), "takes mean and variance together")
bad("Normalization", {"mean": [0.5, 0.5], "variance": [0.1, 0.1]}, (10, 3),
    "expects 3 numbers for its input, got 2")
bad("Normalization", {"mean": [0.5, 0.5, 0.5], "variance": 0.1}, (10, 3), "of the same length")
bad("Normalization", {}, (10, None), "needs to know the length of axis 2")
bad("Normalization", {"axis": 3}, (10, 3), "has no axis 3")
good("Rescaling", {"scale": 0.00392}, (4, 4, 3), (4, 4, 3))
good("Rescaling", {"scale": [1.0, 2.0, 3.0], "offset": -1}, (4, 4, 3), (4, 4, 3))
bad("Rescaling", {"scale": [1.0, 2.0]}, (4, 4, 3), "expects 3 numbers for its input, got 2",
    beyond="Keras builds it and cannot run it")
bad("Rescaling", {"scale": "1/255"}, (4, 4, 3), "must be a number or a list of numbers")

# --- activations and noise -----------------------------------------------------------------------

good("Activation", {"activation": "relu"}, (4, 4), (4, 4))
good("Activation", {"activation": {"leaky_relu": {"negative_slope": 0.1}}}, (4,), (4,))
good("Activation", {"activation": "swish"}, (None,), (None,))
bad("Activation", {"activation": "rellu"}, (4,), "must be an activation, got 'rellu'")
bad("Activation", {"activation": {"softmax": {"axis": 2}}}, (4,), "has no axis 2",
    beyond="Keras fails when it runs")
bad("Activation", {}, (4,), "needs the argument 'activation'")
good("ReLU", {"max_value": 6, "negative_slope": 0.1, "threshold": 1}, (4, 4), (4, 4))
bad("ReLU", {"max_value": -1}, (4,), "must be a number of at least 0 or null, got -1")
good("LeakyReLU", {"negative_slope": 0.1}, (4, 4), (4, 4))
bad("LeakyReLU", {"negative_slope": -1}, (4,), "must be a number of at least 0, got -1")
good("ELU", {"alpha": 0.5}, (4, 4), (4, 4))
bad("ELU", {"alpha": "a"}, (4,), "must be a number, got 'a'", beyond="Keras fails when it runs")
good("PReLU", {}, (4, 5), (4, 5), 20, weights={"alpha": (4, 5)})
good("PReLU", {"shared_axes": [1, 2]}, (None, None, 8), (None, None, 8), 8)
bad("PReLU", {}, (None, 8), "needs to know the length of axis 1")
bad("PReLU", {"shared_axes": 3}, (4, 8), "shares axes from 1 to 2 of (None, 4, 8), got [3]")
good("Softmax", {}, (4, 5), (4, 5), window=())
good("Softmax", {"axis": [1, 2]}, (4, 5), (4, 5), window=None)
bad("Softmax", {"axis": 3}, (4, 5), "has no axis 3", beyond="Keras fails when it runs")
bad("Softmax", {"axis": []}, (4, 5), "at least one axis", beyond="Keras fails when it runs")
good("Dropout", {"rate": 0.5}, (4, None), (4, None))
good("Dropout", {"rate": 1, "noise_shape": [None, 1, 5], "seed": 3}, (4, 5), (4, 5))
bad("Dropout", {"rate": 1.5}, (4,), "must be a number from 0 to 1, got 1.5")
bad("Dropout", {"rate": 0.5, "noise_shape": [None, 2, 5]}, (4, 5),
    "takes a noise_shape of 3 numbers", beyond="Keras fails in training")
bad("Dropout", {"rate": 0.5, "noise_shape": [0, 1, 5]}, (4, 5), "must be a list with a positive")
bad("Dropout", {"rate": 0.5, "noise_shape": [8, 1, 5]}, (4, 5),
    "takes a noise_shape of 3 numbers", beyond="Keras fails on batches of another length")
good("AlphaDropout", {"rate": 0.5, "noise_shape": [None, 4, 1]}, (4, 5), (4, 5))
bad("AlphaDropout", {"rate": -0.1}, (4,), "must be a number from 0 to 1, 1 left out, got -0.1")
bad("AlphaDropout", {"rate": 1}, (4,), "1 left out, got 1", beyond="Keras divides by 0 in training")
good("GaussianDropout", {"rate": 0.5}, (4, 5), (4, 5))
bad("GaussianDropout", {"rate": 2}, (4,), "must be a number from 0 to 1")
bad("GaussianDropout", {"rate": 1}, (4,), "1 left out", beyond="Keras divides by 0 in training")
good("GaussianNoise", {"stddev": 0.1}, (4, 5), (4, 5))
bad("GaussianNoise", {"stddev": 2}, (4,), "must be a number from 0 to 1, got 2")
good("SpatialDropout1D", {"rate": 0.2}, (4, 5), (4, 5))
bad("SpatialDropout1D", {"rate": 0.2}, (4,), "expects an input of 3 axes")
bad("SpatialDropout1D", {"rate": 0.2, "trainable": False}, (4, 5), "has no argument 'trainable'")
good("SpatialDropout2D", {"rate": 0.2}, (4, 5, 6), (4, 5, 6))
good("SpatialDropout2D", {"rate": 0.2, **FIRST}, (4, 5, 6), (4, 5, 6))
bad("SpatialDropout2D", {"rate": 0.2}, (4, 5), "expects an input of 4 axes")
good("SpatialDropout3D", {"rate": 0.2}, (4, 5, 6, 7), (4, 5, 6, 7))
good("SpatialDropout3D", {"rate": 0.2, **FIRST}, (4, 5, 6, 7), (4, 5, 6, 7))
bad("SpatialDropout3D", {"rate": 0.2}, (4, 5, 6), "expects an input of 5 axes")
good("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, (4, 5), (4, 5))
bad("ActivityRegularization", {"l1": -1}, (4,), "must be a number of at least 0, got -1")
good("Identity", {}, (None, 5), (None, 5))
good("Masking", {"mask_value": -1}, (4, 5), (4, 5))
bad("Masking", {"mask_value": "x"}, (4, 5), "must be a number", beyond="Keras fails when it runs")

# --- shape ---------------------------------------------------------------------------------------

good("Flatten", {}, (4, 5, 6), (120,), window=None)
good("Flatten", {}, (), (1,))
good("Flatten", FIRST, (4, 5, 6), (120,))
good("Flatten", {}, (None, 6), (None,))
good("Reshape", {"target_shape": [3, -1]}, (4, 6), (3, 8), window=None)
good("Reshape", {"target_shape": [1, 1, 8]}, (8,), (1, 1, 8))
good("Reshape", {"target_shape": []}, (1, 1), ())
good("Reshape", {"target_shape": [-1, 6]}, (None, 6), (None, 6))
bad("Reshape", {"target_shape": [5, 5]}, (4, 6),
    "cannot lay 24 values (4 * 6) out as [5, 5]: 24 is not 25 (5 * 5)")
bad("Reshape", {"target_shape": [5, -1]}, (4, 6), "24 is not a multiple of 5 (5)")
bad("Reshape", {"target_shape": [-1, -1]}, (4, 6), "can work out one -1, got [-1, -1]")
bad("Reshape", {"target_shape": [-2, 4]}, (4, 6), "must be a list of positive integers")
bad("Reshape", {"target_shape": [0]}, (4, 6), "must be a list of positive integers")
good("Permute", {"dims": [2, 1]}, (4, 6), (6, 4), window=None)
good("Permute", {"dims": [3, 1, 2]}, (4, 6, None), (None, 4, 6))
bad("Permute", {"dims": [2, 1]}, (4, 6, 8), "expects the axes [1, 2, 3] of (None, 4, 6, 8)")
bad("Permute", {"dims": [0, 1]}, (4, 6), "must be a list of the axes 1, 2, ...")
bad("Permute", {"dims": [1, 1]}, (4, 6), "in a new order, got [1, 1]")
good("RepeatVector", {"n": 3}, (5,), (3, 5))
bad("RepeatVector", {"n": 3}, (4, 5), "expects an input of 2 axes (batch, features)")
good("ZeroPadding2D", {}, (4, 5, 1), (6, 7, 1), window=())
good("ZeroPadding2D", {"padding": [[0, 1], [2, 2]]}, (4, None, 1), (5, None, 1))
good("ZeroPadding2D", {"padding": [1, 3], **FIRST}, (1, 4, 5), (1, 6, 11))
bad("ZeroPadding2D", {"padding": -1}, (4, 5, 1), "must be an integer of at least 0")
bad("ZeroPadding2D", {}, (4, 5), "expects an input of 4 axes")
good("ZeroPadding1D", {"padding": [0, 3]}, (4, 5), (7, 5))
good("ZeroPadding1D", FIRST, (5, 4), (5, 6))
bad("ZeroPadding1D", {"padding": [1, 2, 3]}, (4, 5), "must be an integer of at least 0 or [before")
good("ZeroPadding3D", {"padding": [1, 2, 0]}, (4, 5, 6, 1), (6, 9, 6, 1))
good("ZeroPadding3D", FIRST, (1, 4, 5, 6), (1, 6, 7, 8))
bad("ZeroPadding3D", {}, (4, 5, 6), "expects an input of 5 axes")
good("Cropping2D", {"cropping": 1}, (4, 5, 1), (2, 3, 1))
good("Cropping2D", {}, (4, 5, 1), (4, 5, 1))
good("Cropping2D", {"cropping": [[0, 1], [2, 0]], **FIRST}, (1, 4, 5), (1, 3, 3))
bad("Cropping2D", {"cropping": 2}, (4, 5, 1), "leaves nothing: 4 - 2 - 2 < 1")
bad("Cropping2D", {}, (4, 5), "expects an input of 4 axes")
good("Cropping1D", {}, (4, 5), (2, 5))
good("Cropping1D", {"cropping": [0, 3]}, (None, 5), (None, 5))
bad("Cropping1D", {"cropping": 2}, (4, 5), "leaves nothing: 4 - 2 - 2 < 1")
good("Cropping3D", {}, (4, 5, 6, 1), (2, 3, 4, 1))
good("Cropping3D", {"cropping": [0, 1, 2], **FIRST}, (1, 4, 5, 6), (1, 4, 3, 2))
bad("Cropping3D", {}, (4, 2, 6, 1), "leaves nothing: 2 - 1 - 1 < 1")
good("UpSampling2D", {}, (4, 5, 1), (8, 10, 1))
good("UpSampling2D", {"size": [1, 3], "interpolation": "bilinear"}, (4, None, 1), (4, None, 1))
good("UpSampling2D", FIRST, (1, 4, 5), (1, 8, 10))
bad("UpSampling2D", {"interpolation": "cubic"}, (4, 5, 1), "must be 'nearest', 'bilinear'",
    beyond="Keras fails when it runs")
bad("UpSampling2D", {"size": 0}, (4, 5, 1), "must be a positive integer or a list of 2")
good("UpSampling1D", {"size": 3}, (4, 5), (12, 5))
bad("UpSampling1D", {}, (4,), "expects an input of 3 axes")
good("UpSampling3D", {"size": [1, 2, 3]}, (4, 5, 6, 1), (4, 10, 18, 1))
good("UpSampling3D", FIRST, (1, 4, 5, 6), (1, 8, 10, 12))
bad("UpSampling3D", {}, (4, 5, 6), "expects an input of 5 axes")

# --- merging -------------------------------------------------------------------------------------

for layer in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    good(layer, {}, [(4, 5), (4, 5)], (4, 5))
    good(layer, {}, [(4, 5), (1, 5)], (4, 5))
    good(layer, {}, [(5,), (4, 1)], (4, 5))
    good(layer, {}, [(None, 5), (4, 1)], (None, 5))
    bad(layer, {}, [(4, 5), (4, 6)],
        "cannot merge inputs of shapes (None, 4, 5) and (None, 4, 6): 5 is not 6")
good("Add", {}, [(4, 5), (4, 5), (1, 1)], (4, 5))
bad("Add", {}, [(4, 5)], "merges at least 2 inputs, got 1: write `from: [a, b]`",
    beyond="Keras hands a single input on, which is a forgotten `from`")
bad("Subtract", {}, [(4, 5), (4, 5), (4, 5)], "takes 2 inputs, got 3")
good("Concatenate", {}, [(4, 5), (4, 6), (4, 1)], (4, 12))
good("Concatenate", {"axis": 1}, [(2, 4, 4), (3, 4, None)], (5, 4, 4))
good("Concatenate", {}, [(None, 5), (4, None)], (None, None))
bad("Concatenate", {}, [(4, 5), (3, 6)], "axis 1 is 4 and 3 in (None, 4, 5) and (None, 3, 6)")
bad("Concatenate", {}, [(4, 5), (4,)], "joins inputs with the same number of axes")
bad("Concatenate", {"axis": 3}, [(4, 5), (4, 5)], "has no axis 3")
bad("Concatenate", {"axis": 0}, [(4, 5), (4, 5)], "which is the batch axis",
    beyond="Keras joins the batches")
good("Dot", {"axes": 1}, [(5,), (5,)], (1,))
good("Dot", {"axes": [2, 1]}, [(3, 5), (5, 7)], (3, 7))
good("Dot", {"axes": -1, "normalize": True}, [(3, 5), (4, 5)], (3, 4))
bad("Dot", {"axes": 1}, [(5,), (6,)], "5 is not 6")
bad("Dot", {"axes": 1}, [(5,), (5,), (5,)], "takes 2 inputs, got 3")
bad("Dot", {"axes": 2}, [(5,), (5,)], "has no axis 2")
bad("Dot", {"axes": 0}, [(5,), (5,)], "cannot work along the batch axis",
    beyond="Keras builds it and cannot run it")
bad("Dot", {"axes": [1, 2, 3]}, [(5,), (5,)], "must be an integer, or a list of 2")

# --- attention -----------------------------------------------------------------------------------

# query, key, value: 6*(2*3) + 6 each; output 2*3*6 + 6. Products: projections 4*36, 5*36, 5*36,
# 4*36; scores and mix 4*5*2*(3 + 3).
good("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, {"query": (4, 6), "value": (5, 6)},
     (4, 6), 3 * 42 + 42, 18 * 36 + 240, window=None, weights={
         "query/kernel": (6, 2, 3), "query/bias": (2, 3), "key/kernel": (6, 2, 3),
         "key/bias": (2, 3), "value/kernel": (6, 2, 3), "value/bias": (2, 3),
         "attention_output/kernel": (2, 3, 6), "attention_output/bias": (6,)})
good("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "value_dim": 3, "use_bias": False,
                            "output_shape": [7, 2]},
     {"query": (4, 6), "value": (5, 8), "key": (5, 9)}, (4, 7, 2), 12 + 18 + 24 + 42,
     4 * 12 + 5 * 18 + 5 * 24 + 4 * 42 + 4 * 5 * 5, backends=("tensorflow", "torch"))
good("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "use_gate": True},
     {"query": (4, 6), "value": (4, 6)}, (4, 6), 4 * 14 + 18, 5 * 48 + 4 * 4 * 4)
good("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "attention_axes": 2},
     {"query": (3, 4, 6), "value": (3, 5, 6)}, (3, 4, 6), 3 * 14 + 18,
     12 * 12 + 15 * 12 + 15 * 12 + 12 * 12 + 3 * 4 * 5 * 4)
good("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "sliding_window": 2, "dropout": 0.1},
     {"query": (None, 6), "value": (None, 6)}, (None, 6), 60, None)
bad("MultiHeadAttention", {"num_heads": 0, "key_dim": 3}, {"query": (4, 6), "value": (5, 6)},
    "must be a positive integer, got 0")
bad("MultiHeadAttention", {"num_heads": 2, "key_dim": 3},
    {"query": (4, 6), "value": (5, 6), "key": (4, 6)}, "a value and a key of the same length")
bad("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, {"query": (4, None), "value": (5, 6)},
    "needs to know the channels")
bad("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, {"query": (2, 4, 6), "value": (5, 6)},
    "expects query, value and key of the same number of axes", beyond="Keras fails when it runs")
bad("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "attention_axes": 2},
    {"query": (2, 4, 6), "value": (3, 4, 6)}, "so axis 1 must agree",
    beyond="Keras fails when it runs")
bad("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "attention_axes": 3},
    {"query": (2, 4, 6), "value": (2, 4, 6)}, "attends along axes from 1 to 2",
    beyond="Keras attends along the heads")
bad("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "sliding_window": 3},
    {"query": (2, 4, 6), "value": (2, 4, 6)}, "takes a sliding_window on 3 axes",
    beyond="Keras fails when it runs")
# query and output 4 heads of 2, key and value 2 heads of 2: 6*8 + 8, 6*4 + 4 twice, 8*6 + 6.
# Products: 4*48, 5*24, 5*24, 4*48; scores and mix 4*5*4*(2 + 2).
good("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
     {"query": (4, 6), "value": (5, 6)}, (4, 6), 56 + 28 + 28 + 54, 192 + 120 + 120 + 192 + 320,
     window=None, weights={
         "query/kernel": (6, 4, 2), "query/bias": (4, 2), "key/kernel": (6, 2, 2),
         "key/bias": (2, 2), "value/kernel": (6, 2, 2), "value/bias": (2, 2),
         "attention_output/kernel": (4, 2, 6), "attention_output/bias": (6,)})
good("GroupQueryAttention", {"head_dim": 3, "num_query_heads": 2, "num_key_value_heads": 1,
                             "use_bias": False, "use_gate": True, "dropout": 0.1},
     {"query": (4, 6), "value": (5, 6), "key": (5, 9)}, (4, 6), 36 + 27 + 36 + 18 + 36,
     4 * 36 + 5 * 27 + 4 * 36 + 5 * 18 + 4 * 36 + 4 * 5 * 2 * 6)
good("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 4,
                             "sliding_window": 2}, {"query": (None, 6), "value": (None, 6)},
     (None, 6), 4 * 48 + 24 + 6, None)
bad("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 3},
    {"query": (4, 6), "value": (5, 6)},
    "cannot share 3 key and value heads evenly among 4 query heads")
bad("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
    {"query": (4, 6), "value": (5, 7)}, "a query and a value with the same number")
bad("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
    {"query": (4, 6), "value": (5, 6), "key": (4, 6)}, "a value and a key of the same length")
bad("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
    {"query": (2, 4, 6), "value": (2, 5, 6)}, "expects query, value and key of 3 axes")
bad("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
    {"query": (4, None), "value": (5, None)}, "needs to know the channels")
good("Attention", {}, [(4, 6), (5, 8), (5, 6)], (4, 8), 0, 4 * 5 * (6 + 8))
good("Attention", {"use_scale": True, "score_mode": "concat"}, [(4, 6), (5, 6)], (4, 6), 2,
     4 * 5 * 6, weights={"scale": (), "concat_score_weight": ()})
good("Attention", {"dropout": 0.1}, [(2, 4, 6), (2, 5, 6)], (2, 4, 6), 0, 2 * 4 * 5 * 12)
bad("Attention", {}, [(4, 6)], "takes a query, a value and perhaps a key, got 1 inputs")
bad("Attention", {}, [(4, 6), (5, 8)], "6 is not 8", beyond="Keras fails when it runs")
bad("Attention", {}, [(4, 6), (3, 8), (5, 6)], "3 is not 5", beyond="Keras fails when it runs")
bad("Attention", {}, [(6,), (6,)], "expects inputs of 3 axes", beyond="Keras fails when it runs")
good("AdditiveAttention", {}, [(4, 6), (5, 6)], (4, 6), 6, 4 * 5 * 12)
good("AdditiveAttention", {"use_scale": False}, [(4, 6), (5, 6)], (4, 6), 0, 4 * 5 * 6)
bad("AdditiveAttention", {}, [(4, 6)], "takes a query, a value and perhaps a key, got 1 inputs")
bad("AdditiveAttention", {}, [(4, None), (5, 6)], "needs to know the channels")

# --- images --------------------------------------------------------------------------------------

good("Resizing", {"height": 8, "width": 6}, (4, 9, 3), (8, 6, 3))
good("Resizing", {"height": 8, "width": 6, "interpolation": "nearest", **FIRST}, (3, None, 9),
     (3, 8, 6))
bad("Resizing", {"height": 8, "width": 6, "crop_to_aspect_ratio": True,
                 "pad_to_aspect_ratio": True}, (4, 9, 3), "not both",
    beyond="Keras fails when it runs")
bad("Resizing", {"height": 8, "width": 6, "interpolation": "cubic"}, (4, 9, 3),
    "must be 'bilinear'", beyond="Keras fails when it runs")
bad("Resizing", {"height": 8, "width": 6}, (9, 3), "expects an input of 4 axes",
    beyond="Keras takes the batch for the height of one image")
good("CenterCrop", {"height": 4, "width": 6}, (8, 9, 3), (4, 6, 3), window=())
good("CenterCrop", {"height": 4, "width": 6, **FIRST}, (3, 2, 9), (3, 4, 6))
bad("CenterCrop", {"height": 4, "width": 6}, (4, 4, 9, 3), "expects an input of 4 axes")
good("RandomCrop", {"height": 4, "width": 6, "seed": 1}, (8, 9, 3), (4, 6, 3))
good("RandomCrop", {"height": 4, "width": 6, **FIRST}, (3, 8, 9), (3, 4, 6))
bad("RandomCrop", {"height": 0, "width": 6}, (8, 9, 3), "must be a positive integer",
    beyond="Keras fails when it runs")
good("RandomFlip", {"mode": "horizontal"}, (8, 9, 3), (8, 9, 3))
good("RandomFlip", FIRST, (3, 8, 9), (3, 8, 9))
bad("RandomFlip", {"mode": "sideways"}, (8, 9, 3), "must be 'horizontal', 'vertical' or",
    beyond="Keras flips nothing")
good("RandomRotation", {"factor": 0.1}, (8, 9, 3), (8, 9, 3))
good("RandomRotation", {"factor": [-0.1, 0.2], "fill_mode": "constant", **FIRST}, (3, 8, 9),
     (3, 8, 9))
bad("RandomRotation", {"factor": 2}, (8, 9, 3), "must be a number from -1 to 1, or [lower, upper]")
bad("RandomRotation", {"factor": 0.1, "fill_mode": "mirror"}, (8, 9, 3), "must be 'reflect'")
good("RandomTranslation", {"height_factor": 0.1, "width_factor": [-0.2, 0.3]}, (8, 9, 3), (8, 9, 3))
good("RandomTranslation", {"height_factor": 0, "width_factor": 0.1, **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomTranslation", {"height_factor": 0.1, "width_factor": 1.5}, (8, 9, 3),
    "must be a number from -1 to 1")
good("RandomZoom", {"height_factor": 0.2}, (8, 9, 3), (8, 9, 3))
good("RandomZoom", {"height_factor": [-0.2, 0.1], "width_factor": 0.1, **FIRST}, (3, 8, 9),
     (3, 8, 9))
bad("RandomZoom", {"height_factor": -1}, (8, 9, 3), "must be a number above -1 and up to 1")
good("RandomContrast", {"factor": 0.2}, (8, 9, 3), (8, 9, 3))
bad("RandomContrast", {"factor": -0.2}, (8, 9, 3), "must be a number from 0 to 1")
good("RandomBrightness", {"factor": [-0.2, 0.1], "value_range": [0, 1]}, (8, 9, 3), (8, 9, 3))
bad("RandomBrightness", {"factor": 0.1, "value_range": [0, 1, 2]}, (8, 9, 3),
    "must be a list [lowest, highest]")
bad("RandomContrast", {"factor": 0.2, "value_range": [1, 0]}, (8, 9, 3),
    "must be a list [lowest, highest] of the pixels, the lowest being below the highest",
    beyond="Keras makes all pixels one")
good("RandomShear", {"x_factor": 0.2, "y_factor": [0, 0.3]}, (8, 9, 3), (8, 9, 3))
good("RandomShear", {"fill_mode": "constant", "fill_value": 1, **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomShear", {"x_factor": -0.2}, (8, 9, 3), "must be a number from 0 to 1, or [lower, upper]")
bad("RandomShear", {"x_factor": 0.2}, (9, 3), "expects an input of 4 axes",
    beyond="Keras takes the batch for the height of one image")
good("RandomPerspective", {"factor": 0.5, "scale": 0.2}, (8, 9, 3), (8, 9, 3))
good("RandomPerspective", {"factor": [1, 1], "interpolation": "nearest", **FIRST}, (3, 8, 9),
     (3, 8, 9))
bad("RandomPerspective", {"scale": 2}, (8, 9, 3), "must be a number from 0 to 1, got 2")
good("RandomErasing", {"scale": [0.1, 0.2], "fill_value": 0.5}, (8, 9, 3), (8, 9, 3))
good("RandomErasing", {"factor": 0.5, "fill_value": 0, **FIRST}, (1, 8, 9), (1, 8, 9))
bad("RandomErasing", {"scale": 1.5}, (8, 9, 3), "must be a number from 0 to 1, or [lower, upper]")
bad("RandomErasing", {"fill_value": [0, 1, 0]}, (8, 9, 3), "must be a number or null",
    beyond="JAX fails when it runs")

# --- values of pixels ----------------------------------------------------------------------------

UNIT = {"value_range": [0, 1]}
good("RandomSaturation", {"factor": [0.4, 0.6], **UNIT}, (8, 9, 3), (8, 9, 3))
good("RandomSaturation", {"factor": 0.5, **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomSaturation", {"factor": 1.5}, (8, 9, 3), "must be a number from -1 to 1")
bad("RandomSaturation", {"factor": 0.5}, (8, 9, 1), "expects images of 3 channels (RGB)")
good("RandomHue", {"factor": 0.2, **UNIT}, (None, 9, 3), (None, 9, 3))
good("RandomHue", {"factor": [0.1, 0.2], **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomHue", {"factor": -0.2}, (8, 9, 3), "must be a number from 0 to 1")
bad("RandomHue", {"factor": 0.2, **FIRST}, (1, 8, 9), "expects images of 3 channels (RGB)")
bad("RandomHue", {"factor": 0.2}, (8, 9, None), "needs to know the channels")
good("RandomColorJitter", {"brightness_factor": 0.1, "contrast_factor": 0.2, **UNIT}, (8, 9, 1),
     (8, 9, 1))
good("RandomColorJitter", {"saturation_factor": [0.4, 0.6], "hue_factor": 0.1,
                           "data_format": "channels_last", **UNIT}, (8, 9, 3), (8, 9, 3))
bad("RandomColorJitter", {"hue_factor": 0.1}, (8, 9, 1), "expects images of 3 channels (RGB)")
bad("RandomColorJitter", {"contrast_factor": 2}, (8, 9, 3), "must be a number from 0 to 1")
bad("RandomColorJitter", {"contrast_factor": 0.1, **FIRST}, (3, 8, 9), "channels_last alone",
    beyond="Keras takes the mean along the wrong axes")
good("RandomColorDegeneration", {"factor": [0, 1], **UNIT}, (8, 9, 3), (8, 9, 3))
good("RandomColorDegeneration", {"factor": 0.5, **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomColorDegeneration", {"factor": 0.5}, (8, 9, 1), "expects images of 3 channels (RGB)")
good("RandomGrayscale", {"factor": 0.2}, (8, 9, 3), (8, 9, 3))
good("RandomGrayscale", FIRST, (1, 8, 9), (1, 8, 9))
bad("RandomGrayscale", {"factor": 2}, (8, 9, 3), "must be a number from 0 to 1, got 2")
bad("RandomGrayscale", {}, (8, 9, 4), "expects images of 1 channel (grey) or 3 (RGB)")
good("RandomInvert", {"factor": [0.5, 0.5], **UNIT}, (8, 9, 2), (8, 9, 2))
good("RandomInvert", FIRST, (3, 8, 9), (3, 8, 9))
bad("RandomInvert", {"factor": 2}, (8, 9, 3), "must be a number from 0 to 1")
good("RandomPosterization", {"factor": 3, **UNIT}, (8, 9, 3), (8, 9, 3))
good("RandomPosterization", {"factor": [4, 4], **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomPosterization", {"factor": 9}, (8, 9, 3), "must be an integer from 1 to 8")
good("Solarization", {"addition_factor": [0, 0.1], "threshold_factor": 0.5, **UNIT}, (8, 9, 3),
     (8, 9, 3))
bad("Solarization", {"addition_factor": -0.1}, (8, 9, 3), "must be a number from 0 to 1")
good("RandomSharpness", {"factor": 0.5, **UNIT}, (8, 9, 5), (8, 9, 5))
good("RandomSharpness", {"factor": [0, 1], **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomSharpness", {"factor": 2}, (8, 9, 3), "must be a number from 0 to 1")
good("RandomGaussianBlur", {"kernel_size": [3, 5], "sigma": [0.5, 1], **UNIT}, (8, 9, 3), (8, 9, 3))
good("RandomGaussianBlur", {"factor": 0.5, **FIRST}, (3, 8, 9), (3, 8, 9))
bad("RandomGaussianBlur", {"kernel_size": 4}, (8, 9, 3), "must be an odd integer from 1 to 999")
bad("RandomGaussianBlur", {"sigma": 2}, (8, 9, 3), "must be a number from 0 to 1")
good("AutoContrast", UNIT, (8, 9, 3), (8, 9, 3), window=None)
bad("AutoContrast", {"value_range": [0, 1, 2]}, (8, 9, 3), "must be a list [lowest, highest]")
good("Equalization", {"bins": 16, **UNIT}, (8, 9, 3), (8, 9, 3))
good("Equalization", {"bins": 16, **FIRST}, (1, 8, 9), (1, 8, 9))
bad("Equalization", {"bins": 0}, (8, 9, 3), "must be a positive integer",
    beyond="Keras counts nothing")
# 9 columns in 4 tiles of 3: the last 3 of 12 are mirrored.
good("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 4], **UNIT}, (8, 9, 3),
     (8, 9, 3), window=None)
good("ContrastLimitedAdaptiveHistogramEqualization", {"clip_limit": 0, **FIRST}, (1, 8, 9),
     (1, 8, 9))
bad("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": 4}, (8, 9, 3),
    "must be a list of 2 positive integers")
bad("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [8, 8]}, (8, 3, 3),
    "cannot cut 3 rows in 8 tiles", beyond="TensorFlow fails when it runs")
good("RandAugment", {"num_ops": 1, **UNIT}, (8, 9, 3), (8, 9, 3))
good("RandAugment", {"factor": [0.1, 0.2], "num_ops": 1, **FIRST}, (1, 8, 9), (1, 8, 9))
bad("RandAugment", {"num_ops": 0}, (8, 9, 3), "must be an integer from 1 to 100",
    beyond="Keras does nothing")
bad("RandAugment", {"interpolation": "bicubic"}, (8, 9, 3), "must be 'nearest' or 'bilinear'")
bad("RandAugment", {}, (8, 9, 2), "expects images of 1 channel (grey) or 3 (RGB)")
good("AugMix", {"num_chains": 2, "chain_depth": 1, **UNIT}, (8, 9, 3), (8, 9, 3))
good("AugMix", {"num_chains": 1, "chain_depth": 1, "all_ops": False, **FIRST}, (2, 8, 9), (2, 8, 9))
bad("AugMix", {"factor": 2}, (8, 9, 3), "must be a number from 0 to 1, or [lower, upper]")
bad("AugMix", {}, (8, 9, 2), "expects images of 1 channel (grey) or 3 (RGB)",
    beyond="Keras fails when it draws colour degeneration")

# --- encoding ------------------------------------------------------------------------------------

good("CategoryEncoding", {"num_tokens": 5}, (4,), (5,), window=None)
good("CategoryEncoding", {"num_tokens": 5, "output_mode": "count"}, (1,), (5,))
good("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, (3, 4), (3, 4, 5), window=())
good("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, (3, 1), (3, 5))
bad("CategoryEncoding", {}, (4,), "needs the argument 'num_tokens'")
bad("CategoryEncoding", {"num_tokens": 5, "output_mode": "hot"}, (4,), "must be 'multi_hot'")
bad("CategoryEncoding", {"num_tokens": 5}, (3, 4), "expects an input of 2 axes (batch, values)",
    beyond="Keras says (3, 5) and makes (4, 5)")
bad("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, (3, None),
    "needs to know whether the last axis has length 1", beyond="Keras drops it if it has")
good("Discretization", {"bin_boundaries": [0, 0.5]}, (3, 4), (3, 4), window=())
# 2 boundaries make 3 bins.
good("Discretization", {"bin_boundaries": [0, 0.5], "output_mode": "one_hot"}, (3, 1), (3, 3))
good("Discretization", {"bin_boundaries": [0, 0.5], "output_mode": "one_hot"}, (3, 4), (3, 4, 3))
good("Discretization", {"bin_boundaries": [0], "output_mode": "multi_hot"}, (4,), (2,), window=None)
good("Discretization", {"bin_boundaries": [0], "output_mode": "count"}, (3, 4), (4, 2))
bad("Discretization", {}, (4,), "needs the argument 'bin_boundaries'")
bad("Discretization", {"bin_boundaries": [1, 0]}, (4,), "expects its boundaries in increasing",
    beyond="TensorFlow fails when it runs")
bad("Discretization", {"bin_boundaries": [1], "output_mode": "count"}, (),
    "expects an input of at least 2 axes", beyond="Keras loses the batch")

# --- sound ---------------------------------------------------------------------------------------

# frames (50 - 16)//8 + 1 = 5 of 16/2 + 1 = 9 frequencies for each of 2 channels; two kernels.
good("STFTSpectrogram", {"frame_length": 16}, (50, 2), (5, 18), 2 * 16 * 9, 2 * 5 * 2 * 16 * 9,
     window=((16, 8),), weights={"real_kernel": (16, 1, 9), "imag_kernel": (16, 1, 9)})
# ceil(50 / 10) = 5 frames, real and imaginary part of 17 frequencies.
good("STFTSpectrogram", {"frame_length": 20, "frame_step": 10, "fft_length": 32, "mode": "stft",
                         "padding": "same", "expand_dims": True}, (50, 2), (5, 34, 2),
     2 * 20 * 17, 2 * 5 * 2 * 20 * 17, window=None)
good("STFTSpectrogram", {"mode": "imag", "frame_length": 16, "window": None, "scaling": None,
                         "periodic": True, **FIRST}, (2, 50), (18, 5), 144, 2 * 5 * 144,
     weights={"imag_kernel": (16, 1, 9)})
good("STFTSpectrogram", {"mode": "real", "frame_length": 4, "expand_dims": True, **FIRST},
     (2, None), (2, None, 3), 12, None)
bad("STFTSpectrogram", {"frame_length": 64}, (50, 2), "a window of 64 on 50 rows")
bad("STFTSpectrogram", {"frame_length": 16, "frame_step": 17}, (50, 2),
    "takes a frame_step of at most 16")
bad("STFTSpectrogram", {"frame_length": 16, "fft_length": 15}, (50, 2),
    "takes an fft_length of at least 16")
bad("STFTSpectrogram", {"window": "kaiser"}, (500, 2), "must be 'hann', 'hamming'")
bad("STFTSpectrogram", {"frame_length": 1}, (50, 2), "must be an integer of at least 2")
bad("STFTSpectrogram", {"frame_length": 16}, (50,), "expects an input of 3 axes")
bad("STFTSpectrogram", {"frame_length": 16}, (50, None), "needs to know the channels")
bad("STFTSpectrogram", {"frame_length": 16, "dtype": "bfloat16"}, (50, 2),
    "must be null, 'float32'")
good("MelSpectrogram", {"fft_length": 64, "sequence_stride": 32, "num_mel_bins": 8}, (100,), (8, 4),
     window=None)
# 1 + (506 - 1)//7 frames, 63 being odd.
good("MelSpectrogram", {"fft_length": 63, "sequence_length": 40, "sequence_stride": 7,
                        "window": "hamming", "power_to_db": False, "max_freq": 4000}, (506,),
     (128, 73))
good("MelSpectrogram", {"fft_length": 4, "sequence_stride": 3}, (None,), (128, None))
bad("MelSpectrogram", {"fft_length": 64, "sequence_length": 65}, (100,),
    "takes a sequence_length of at most 64")
bad("MelSpectrogram", {"fft_length": 64, "window": "boxcar"}, (100,), "must be 'hann', 'hamming'")
bad("MelSpectrogram", {"fft_length": 64}, (100, 1), "expects an input of 2 axes (batch, samples)",
    beyond="Keras counts the frames of one axis and makes those of another")
bad("MelSpectrogram", {"fft_length": 64, "min_freq": 9000}, (100,), "expects a min_freq below 8000",
    beyond="Keras makes bands without frequencies")
bad("MelSpectrogram", {"fft_length": 256}, (128,), "mirrors 128 samples at both ends",
    beyond="TensorFlow fails when it runs")
bad("MelSpectrogram", {"fft_length": 64, "sequence_stride": 32}, (127,),
    "makes 4 frames of 127 samples where Keras counts 5", beyond="Keras says one and makes another")
