"""The one table of layers: Keras's name -> its arguments and the rule of its facts.

A rule takes the shapes of its inputs (batch axis first, as None) and the layer's arguments in
normal form, and returns `Facts` or raises `Refused` for what Keras refuses too. Its keyword-only
signature is the layer's contract; families are functions of rank. To add a layer: write its rule,
or take one that fits, add one line to the table here and its arguments to `DOCS`, and a case to
tests/layer_cases.py. Nothing outside the table is known.

    >>> conv = LAYERS["Conv2D"]
    >>> arguments = bind("Conv2D", conv.arguments, {"filters": 8, "kernel_size": 3})
    >>> conv.facts([(None, 28, 28, 1)], arguments).shape
    (None, 26, 26, 8)

MACs are counted in convolutions, dense layers, EinsumDense and attention products; other layers
count 0. A weight is named as Keras names its variable, `query/kernel` inside a sublayer.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated as A
from typing import Any

from archspec.arguments import BOOLEAN, DTYPE, Argument, contract
from archspec.errors import Refused
from archspec.graph import Facts, Shape
from archspec.layers.attention import additive_attention, attention, multi_head_attention
from archspec.layers.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from archspec.layers.dense import dense, einsum_dense, embedding
from archspec.layers.docs import DOCS
from archspec.layers.elementwise import (
    activation,
    activity_regularization,
    alpha_dropout,
    dropout,
    elu,
    gaussian_dropout,
    gaussian_noise,
    identity,
    leaky_re_lu,
    masking,
    p_re_lu,
    re_lu,
    softmax,
    spatial_dropout,
    spatial_dropout_1d,
)
from archspec.layers.images import (
    center_crop,
    random_brightness,
    random_contrast,
    random_crop,
    random_flip,
    random_rotation,
    random_translation,
    random_zoom,
    resizing,
)
from archspec.layers.merging import concatenate, dot, merge, subtract
from archspec.layers.normalization import (
    batch_normalization,
    group_normalization,
    layer_normalization,
    normalization,
    rescaling,
    rms_normalization,
    unit_normalization,
)
from archspec.layers.pooling import adaptive_pool, average_pool, global_pool, max_pool
from archspec.layers.reshaping import (
    cropping,
    cropping_1d,
    flatten,
    permute,
    repeat_vector,
    reshape,
    up_sampling_1d,
    up_sampling_2d,
    up_sampling_3d,
    zero_padding,
)
from archspec.layers.shapes import Rule

__all__ = ["COMMON", "DOCS", "FOLLOWS", "LACKING", "LAYERS", "REFUSED", "Layer"]


def trainable(*, trainable: A[bool, BOOLEAN] = True, dtype: A[Any, DTYPE] = None) -> None:
    """What every Keras layer takes besides its own arguments."""


COMMON = contract(trainable)

# An argument that, left out, is what another one is: said or not, the layer is the same.
FOLLOWS = {"strides": "pool_size", "value_dim": "key_dim"}


@dataclass(frozen=True, eq=False)
class Layer:
    """An entry of the table.

    takes: "one" tensor, a "list" of them, or the names of its call arguments ("query", "value").
    optional: those of the named call arguments that may be left out.
    arguments: its own and those common to every layer, in Keras's order.
    call: the constant call arguments that a spec may give.
    """

    name: str
    rule: Rule
    doc: str
    takes: str | tuple[str, ...]
    optional: tuple[str, ...]
    arguments: Mapping[str, Argument]
    call: tuple[str, ...]

    def facts(self, inputs: list[Shape] | dict[str, Shape], arguments: Mapping[str, Any]) -> Facts:
        """The facts of one call; `inputs` is a dict where the layer takes named arguments."""
        own = {name: value for name, value in arguments.items() if name not in COMMON}
        if isinstance(inputs, dict):
            facts = self.rule(**inputs, **own)
        else:
            facts = self.rule(inputs if self.takes == "list" else inputs[0], **own)
        _check_matrices(facts, own)
        return (
            facts if arguments.get("trainable", True) else replace(facts, fixed=(*facts.weights,))
        )


def _check_matrices(facts: Facts, arguments: Mapping[str, Any]) -> None:
    """Refuse an initializer or a regularizer of matrices for a weight that is none."""
    for argument, value in arguments.items():
        name = next(iter(value)) if isinstance(value, dict) else value
        if name not in MATRIX_ONLY:
            continue
        stem = argument.rpartition("_")[0]
        if stem == "activity" and len(facts.shape) != 2:
            raise Refused(
                f"cannot use {name} for its output, which has shape {facts.shape}: "
                f"{name} wants 2 axes",
                argument,
            )
        exact = MATRIX_ONLY[name]
        for weight, shape in facts.weights.items():
            last = weight.rpartition("/")[2]
            mine = last in (stem, f"{stem}_kernel") or (stem == "depthwise" and last == "kernel")
            if mine and (len(shape) < 2 or (exact and len(shape) > 2)):
                wants = "2 axes" if exact else "at least 2 axes"
                raise Refused(
                    f"cannot use {name} for its {weight}, which has shape {shape}: "
                    f"{name} wants {wants}",
                    argument,
                )


# Objects that work on matrices -> whether on those of exactly 2 axes.
MATRIX_ONLY = {"Identity": True, "Orthogonal": False, "OrthogonalRegularizer": True}


def _entry(
    name: str,
    rule: Rule,
    doc: str,
    call: tuple[str, ...] = (),
    common: Mapping[str, Argument] = COMMON,
) -> Layer:
    inputs = [
        parameter
        for parameter in inspect.signature(rule).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    takes: str | tuple[str, ...] = {"x": "one", "xs": "list"}.get(inputs[0].name, "")
    takes = takes or tuple(each.name for each in inputs)
    spare = tuple(each.name for each in inputs if each.default is None)
    return Layer(name, rule, doc, takes, spare, {**contract(rule), **common}, call)


# --- the table -----------------------------------------------------------------------------------

TRAINING = ("training",)
ATTENDING = ("training", "use_causal_mask")
DTYPE_ONLY = {"dtype": COMMON["dtype"]}  # Keras's SpatialDropout takes no `trainable`

LAYERS: dict[str, Layer] = {
    entry.name: entry
    for entry in (
        # convolutions
        _entry("Conv1D", conv(1), "Convolve along a sequence with learnt kernels."),
        _entry("Conv2D", conv(2), "Convolve an image with learnt kernels."),
        _entry("Conv3D", conv(3), "Convolve a volume with learnt kernels."),
        _entry("Conv1DTranspose", conv_transpose(1), "Enlarge a sequence with learnt kernels."),
        _entry("Conv2DTranspose", conv_transpose(2), "Enlarge an image with learnt kernels."),
        _entry("Conv3DTranspose", conv_transpose(3), "Enlarge a volume with learnt kernels."),
        _entry("DepthwiseConv1D", depthwise_conv(1), "Convolve each channel of a sequence alone."),
        _entry("DepthwiseConv2D", depthwise_conv(2), "Convolve each channel of an image alone."),
        _entry("SeparableConv1D", separable_conv(1), "Convolve each channel, then mix channels."),
        _entry("SeparableConv2D", separable_conv(2), "Convolve each channel, then mix channels."),
        # dense layers
        _entry("Dense", dense, "Multiply the last axis by a learnt matrix."),
        _entry("EinsumDense", einsum_dense, "Multiply by a learnt tensor, as an equation says."),
        _entry("Embedding", embedding, "Look up a learnt vector for each integer."),
        # pooling
        _entry("MaxPooling1D", max_pool(1), "Largest value in a sliding window."),
        _entry("MaxPooling2D", max_pool(2), "Largest value in a sliding window."),
        _entry("MaxPooling3D", max_pool(3), "Largest value in a sliding window."),
        _entry("AveragePooling1D", average_pool(1), "Mean over a sliding window."),
        _entry("AveragePooling2D", average_pool(2), "Mean over a sliding window."),
        _entry("AveragePooling3D", average_pool(3), "Mean over a sliding window."),
        _entry("GlobalMaxPooling1D", global_pool(1), "Largest value over all steps."),
        _entry("GlobalMaxPooling2D", global_pool(2), "Largest value over all spatial axes."),
        _entry("GlobalMaxPooling3D", global_pool(3), "Largest value over all spatial axes."),
        _entry("GlobalAveragePooling1D", global_pool(1), "Mean over all steps."),
        _entry("GlobalAveragePooling2D", global_pool(2), "Mean over all spatial axes."),
        _entry("GlobalAveragePooling3D", global_pool(3), "Mean over all spatial axes."),
        _entry("AdaptiveMaxPooling1D", adaptive_pool(1), "Largest values, to a given length."),
        _entry("AdaptiveMaxPooling2D", adaptive_pool(2), "Largest values, to a given size."),
        _entry("AdaptiveMaxPooling3D", adaptive_pool(3), "Largest values, to a given size."),
        _entry("AdaptiveAveragePooling1D", adaptive_pool(1), "Means, to a given length."),
        _entry("AdaptiveAveragePooling2D", adaptive_pool(2), "Means, to a given size."),
        _entry("AdaptiveAveragePooling3D", adaptive_pool(3), "Means, to a given size."),
        # normalisation
        _entry(
            "BatchNormalization",
            batch_normalization,
            "Normalise each channel over the batch; at inference by averages kept in training.",
            TRAINING,
        ),
        _entry("LayerNormalization", layer_normalization, "Normalise along axes of each sample."),
        _entry("GroupNormalization", group_normalization, "Normalise over groups of channels."),
        _entry("RMSNormalization", rms_normalization, "Divide by the root mean square."),
        _entry("UnitNormalization", unit_normalization, "Scale to length 1."),
        _entry("Normalization", normalization, "Subtract a mean and divide by a deviation."),
        _entry("Rescaling", rescaling, "Multiply by a constant and add another."),
        # activations
        _entry("Activation", activation, "Apply an activation function."),
        _entry("ReLU", re_lu, "Rectified linear unit: 0 for negative values."),
        _entry("LeakyReLU", leaky_re_lu, "Rectified linear unit with a slope below 0."),
        _entry("PReLU", p_re_lu, "Rectified linear unit with a learnt slope below 0."),
        _entry("ELU", elu, "Exponential linear unit."),
        _entry("Softmax", softmax, "Turn values into probabilities."),
        # noise and penalties
        _entry("Dropout", dropout, "Set a share of the values to 0 in training.", TRAINING),
        _entry(
            "SpatialDropout1D",
            spatial_dropout_1d,
            "Set whole channels to 0 in training.",
            TRAINING,
            DTYPE_ONLY,
        ),
        _entry(
            "SpatialDropout2D",
            spatial_dropout(2),
            "Set whole channels to 0 in training.",
            TRAINING,
            DTYPE_ONLY,
        ),
        _entry(
            "SpatialDropout3D",
            spatial_dropout(3),
            "Set whole channels to 0 in training.",
            TRAINING,
            DTYPE_ONLY,
        ),
        _entry("AlphaDropout", alpha_dropout, "Dropout that keeps mean and variance.", TRAINING),
        _entry("GaussianDropout", gaussian_dropout, "Multiply by noise in training.", TRAINING),
        _entry("GaussianNoise", gaussian_noise, "Add noise in training.", TRAINING),
        _entry("ActivityRegularization", activity_regularization, "Add a penalty to the loss."),
        # shape
        _entry("Flatten", flatten, "Lay all axes but the batch out in one."),
        _entry("Reshape", reshape, "Lay the values out in another shape."),
        _entry("Permute", permute, "Change the order of the axes."),
        _entry("RepeatVector", repeat_vector, "Repeat a vector along a new axis."),
        _entry("ZeroPadding1D", zero_padding(1), "Add steps of zeros."),
        _entry("ZeroPadding2D", zero_padding(2), "Add rows and columns of zeros."),
        _entry("ZeroPadding3D", zero_padding(3), "Add zeros around a volume."),
        _entry("Cropping1D", cropping_1d, "Drop steps at the ends."),
        _entry("Cropping2D", cropping(2, 0), "Drop rows and columns at the edges."),
        _entry("Cropping3D", cropping(3, 1), "Drop the outer layers of a volume."),
        _entry("UpSampling1D", up_sampling_1d, "Repeat each step."),
        _entry("UpSampling2D", up_sampling_2d, "Enlarge an image."),
        _entry("UpSampling3D", up_sampling_3d, "Enlarge a volume by repetition."),
        # merging
        _entry("Add", merge, "Add the inputs, element by element."),
        _entry("Subtract", subtract, "Subtract the second input from the first."),
        _entry("Multiply", merge, "Multiply the inputs, element by element."),
        _entry("Average", merge, "Mean of the inputs, element by element."),
        _entry("Maximum", merge, "Largest of the inputs, element by element."),
        _entry("Minimum", merge, "Smallest of the inputs, element by element."),
        _entry("Concatenate", concatenate, "Join the inputs along an axis."),
        _entry("Dot", dot, "Sum the products of two inputs along an axis of each."),
        # attention
        _entry(
            "MultiHeadAttention",
            multi_head_attention,
            "Mix the values at other positions, by several learnt measures of likeness.",
            ATTENDING,
        ),
        _entry("Attention", attention, "Mix values by the likeness of query and key.", ATTENDING),
        _entry(
            "AdditiveAttention",
            additive_attention,
            "Mix values by a learnt sum over query and key.",
            ATTENDING,
        ),
        # others
        _entry("Identity", identity, "Hand the input on."),
        _entry("Masking", masking, "Have later layers skip steps that hold one value only."),
        # images
        _entry("Resizing", resizing, "Resize images."),
        _entry("CenterCrop", center_crop, "Cut the middle out of images."),
        _entry("RandomCrop", random_crop, "Cut a random part out of images.", TRAINING),
        _entry("RandomFlip", random_flip, "Mirror images at random in training.", TRAINING),
        _entry("RandomRotation", random_rotation, "Turn images at random in training.", TRAINING),
        _entry(
            "RandomTranslation", random_translation, "Shift images at random in training.", TRAINING
        ),
        _entry("RandomZoom", random_zoom, "Zoom images at random in training.", TRAINING),
        _entry(
            "RandomContrast", random_contrast, "Vary the contrast at random in training.", TRAINING
        ),
        _entry(
            "RandomBrightness",
            random_brightness,
            "Vary the brightness at random in training.",
            TRAINING,
        ),
    )
}

# Layers that Keras has and a spec cannot have, whatever is added to the table.
REFUSED: dict[str, str] = {
    "Lambda": "it carries Python code; write the steps with layers",
    "TorchModuleWrapper": "it carries a PyTorch module, which is code",
    "JaxLayer": "it carries JAX functions, which are code",
    "FlaxLayer": "it carries a Flax module, which is code",
    "TFSMLayer": "it runs a saved TensorFlow graph, whose layers nothing here can see",
    "InputLayer": "inputs are declared under `input` or `inputs`",
    "Layer": "it is the base of all layers and does nothing",
    "Wrapper": "it is the base of the layers that wrap another",
}

# Layers that Keras has and the table does not, yet.
LACKING = frozenset(
    """
    AugMix AutoContrast Bidirectional CategoryEncoding ContrastLimitedAdaptiveHistogramEqualization
    ConvLSTM1D ConvLSTM2D ConvLSTM3D CutMix Discretization Equalization GRU GRUCell
    GroupQueryAttention HashedCrossing Hashing IntegerLookup LSTM LSTMCell MaxNumBoundingBoxes
    MelSpectrogram MixUp Pipeline RNN RandAugment RandomColorDegeneration RandomColorJitter
    RandomElasticTransform RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
    RandomPerspective RandomPosterization RandomSaturation RandomSharpness RandomShear
    ReversibleEmbedding STFTSpectrogram SimpleRNN SimpleRNNCell Solarization SpectralNormalization
    StackedRNNCells StringLookup TextVectorization TimeDistributed
    """.split()  # noqa: SIM905 (a literal would take 48 lines)
)
