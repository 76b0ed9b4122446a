"""The table: every layer that a spec may have, and those of Keras that it may not."""

from archspec.layers.attention import additive_attention, attention, multi_head_attention
from archspec.layers.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from archspec.layers.dense import dense, einsum_dense, embedding
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
from archspec.layers.layer import COMMON, Layer, entry
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

TRAINING = ("training",)
ATTENDING = ("training", "use_causal_mask")
DTYPE_ONLY = {"dtype": COMMON["dtype"]}  # Keras's SpatialDropout takes no `trainable`

# What the layers are for -> those layers, in the order of the reference page.
FAMILIES: dict[str, tuple[Layer, ...]] = {
    "convolution": (
        entry("Conv1D", conv(1), "Convolve along a sequence with learnt kernels."),
        entry("Conv2D", conv(2), "Convolve an image with learnt kernels."),
        entry("Conv3D", conv(3), "Convolve a volume with learnt kernels."),
        entry("Conv1DTranspose", conv_transpose(1), "Enlarge a sequence with learnt kernels."),
        entry("Conv2DTranspose", conv_transpose(2), "Enlarge an image with learnt kernels."),
        entry("Conv3DTranspose", conv_transpose(3), "Enlarge a volume with learnt kernels."),
        entry("DepthwiseConv1D", depthwise_conv(1), "Convolve each channel of a sequence alone."),
        entry("DepthwiseConv2D", depthwise_conv(2), "Convolve each channel of an image alone."),
        entry("SeparableConv1D", separable_conv(1), "Convolve each channel, then mix channels."),
        entry("SeparableConv2D", separable_conv(2), "Convolve each channel, then mix channels."),
    ),
    "dense layers": (
        entry("Dense", dense, "Multiply the last axis by a learnt matrix."),
        entry("EinsumDense", einsum_dense, "Multiply by a learnt tensor, as an equation says."),
        entry("Embedding", embedding, "Look up a learnt vector for each integer."),
    ),
    "pooling": (
        entry("MaxPooling1D", max_pool(1), "Largest value in a sliding window."),
        entry("MaxPooling2D", max_pool(2), "Largest value in a sliding window."),
        entry("MaxPooling3D", max_pool(3), "Largest value in a sliding window."),
        entry("AveragePooling1D", average_pool(1), "Mean over a sliding window."),
        entry("AveragePooling2D", average_pool(2), "Mean over a sliding window."),
        entry("AveragePooling3D", average_pool(3), "Mean over a sliding window."),
        entry("GlobalMaxPooling1D", global_pool(1), "Largest value over all steps."),
        entry("GlobalMaxPooling2D", global_pool(2), "Largest value over all spatial axes."),
        entry("GlobalMaxPooling3D", global_pool(3), "Largest value over all spatial axes."),
        entry("GlobalAveragePooling1D", global_pool(1), "Mean over all steps."),
        entry("GlobalAveragePooling2D", global_pool(2), "Mean over all spatial axes."),
        entry("GlobalAveragePooling3D", global_pool(3), "Mean over all spatial axes."),
        entry("AdaptiveMaxPooling1D", adaptive_pool(1), "Largest values, to a given length."),
        entry("AdaptiveMaxPooling2D", adaptive_pool(2), "Largest values, to a given size."),
        entry("AdaptiveMaxPooling3D", adaptive_pool(3), "Largest values, to a given size."),
        entry("AdaptiveAveragePooling1D", adaptive_pool(1), "Means, to a given length."),
        entry("AdaptiveAveragePooling2D", adaptive_pool(2), "Means, to a given size."),
        entry("AdaptiveAveragePooling3D", adaptive_pool(3), "Means, to a given size."),
    ),
    "normalisation": (
        entry(
            "BatchNormalization",
            batch_normalization,
            "Normalise each channel over the batch; at inference by averages kept in training.",
            TRAINING,
        ),
        entry("LayerNormalization", layer_normalization, "Normalise along axes of each sample."),
        entry("GroupNormalization", group_normalization, "Normalise over groups of channels."),
        entry("RMSNormalization", rms_normalization, "Divide by the root mean square."),
        entry("UnitNormalization", unit_normalization, "Scale to length 1."),
        entry("Normalization", normalization, "Subtract a mean and divide by a deviation."),
        entry("Rescaling", rescaling, "Multiply by a constant and add another."),
    ),
    "activation": (
        entry("Activation", activation, "Apply an activation function."),
        entry("ReLU", re_lu, "Rectified linear unit: 0 for negative values."),
        entry("LeakyReLU", leaky_re_lu, "Rectified linear unit with a slope below 0."),
        entry("PReLU", p_re_lu, "Rectified linear unit with a learnt slope below 0."),
        entry("ELU", elu, "Exponential linear unit."),
        entry("Softmax", softmax, "Turn values into probabilities."),
    ),
    "noise and penalties": (
        entry("Dropout", dropout, "Set a share of the values to 0 in training.", TRAINING),
        entry(
            "SpatialDropout1D",
            spatial_dropout_1d,
            "Set whole channels to 0 in training.",
            TRAINING,
            DTYPE_ONLY,
        ),
        entry(
            "SpatialDropout2D",
            spatial_dropout(2),
            "Set whole channels to 0 in training.",
            TRAINING,
            DTYPE_ONLY,
        ),
        entry(
            "SpatialDropout3D",
            spatial_dropout(3),
            "Set whole channels to 0 in training.",
            TRAINING,
            DTYPE_ONLY,
        ),
        entry("AlphaDropout", alpha_dropout, "Dropout that keeps mean and variance.", TRAINING),
        entry("GaussianDropout", gaussian_dropout, "Multiply by noise in training.", TRAINING),
        entry("GaussianNoise", gaussian_noise, "Add noise in training.", TRAINING),
        entry("ActivityRegularization", activity_regularization, "Add a penalty to the loss."),
    ),
    "shape": (
        entry("Flatten", flatten, "Lay all axes but the batch out in one."),
        entry("Reshape", reshape, "Lay the values out in another shape."),
        entry("Permute", permute, "Change the order of the axes."),
        entry("RepeatVector", repeat_vector, "Repeat a vector along a new axis."),
        entry("ZeroPadding1D", zero_padding(1), "Add steps of zeros."),
        entry("ZeroPadding2D", zero_padding(2), "Add rows and columns of zeros."),
        entry("ZeroPadding3D", zero_padding(3), "Add zeros around a volume."),
        entry("Cropping1D", cropping_1d, "Drop steps at the ends."),
        entry("Cropping2D", cropping(2, 0), "Drop rows and columns at the edges."),
        entry("Cropping3D", cropping(3, 1), "Drop the outer layers of a volume."),
        entry("UpSampling1D", up_sampling_1d, "Repeat each step."),
        entry("UpSampling2D", up_sampling_2d, "Enlarge an image."),
        entry("UpSampling3D", up_sampling_3d, "Enlarge a volume by repetition."),
    ),
    "merging": (
        entry("Add", merge, "Add the inputs, element by element."),
        entry("Subtract", subtract, "Subtract the second input from the first."),
        entry("Multiply", merge, "Multiply the inputs, element by element."),
        entry("Average", merge, "Mean of the inputs, element by element."),
        entry("Maximum", merge, "Largest of the inputs, element by element."),
        entry("Minimum", merge, "Smallest of the inputs, element by element."),
        entry("Concatenate", concatenate, "Join the inputs along an axis."),
        entry("Dot", dot, "Sum the products of two inputs along an axis of each."),
    ),
    "attention": (
        entry(
            "MultiHeadAttention",
            multi_head_attention,
            "Mix the values at other positions, by several learnt measures of likeness.",
            ATTENDING,
        ),
        entry("Attention", attention, "Mix values by the likeness of query and key.", ATTENDING),
        entry(
            "AdditiveAttention",
            additive_attention,
            "Mix values by a learnt sum over query and key.",
            ATTENDING,
        ),
    ),
    "others": (
        entry("Identity", identity, "Hand the input on."),
        entry("Masking", masking, "Have later layers skip steps that hold one value only."),
    ),
    "images": (
        entry("Resizing", resizing, "Resize images."),
        entry("CenterCrop", center_crop, "Cut the middle out of images."),
        entry("RandomCrop", random_crop, "Cut a random part out of images.", TRAINING),
        entry("RandomFlip", random_flip, "Mirror images at random in training.", TRAINING),
        entry("RandomRotation", random_rotation, "Turn images at random in training.", TRAINING),
        entry(
            "RandomTranslation", random_translation, "Shift images at random in training.", TRAINING
        ),
        entry("RandomZoom", random_zoom, "Zoom images at random in training.", TRAINING),
        entry(
            "RandomContrast", random_contrast, "Vary the contrast at random in training.", TRAINING
        ),
        entry(
            "RandomBrightness",
            random_brightness,
            "Vary the brightness at random in training.",
            TRAINING,
        ),
    ),
}

LAYERS: dict[str, Layer] = {each.name: each for family in FAMILIES.values() for each in family}

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
