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

# What the layers are for -> those layers, in the order of the reference page. An entry: name, rule,
# what it does, the arguments of an example and the input that they are for, the batch left out.
# fmt: off
FAMILIES: dict[str, tuple[Layer, ...]] = {
    "convolution": (
        entry("Conv1D", conv(1), "Convolve a sequence with learnt kernels.",
              "{filters: 64, kernel_size: 5, padding: causal, activation: relu}", (128, 32)),
        entry("Conv2D", conv(2), "Convolve an image with learnt kernels.",
              "{filters: 6, kernel_size: 5, activation: sigmoid}", (28, 28, 1)),
        entry("Conv3D", conv(3), "Convolve a volume or a video with learnt kernels.",
              "{filters: 32, kernel_size: 3, padding: same}", (16, 112, 112, 3)),
        entry("Conv1DTranspose", conv_transpose(1), "Enlarge a sequence with learnt kernels.",
              "{filters: 32, kernel_size: 4, strides: 2, padding: same}", (64, 64)),
        entry("Conv2DTranspose", conv_transpose(2), "Enlarge an image with learnt kernels.",
              "{filters: 512, kernel_size: 2, strides: 2}", (28, 28, 1024)),
        entry("Conv3DTranspose", conv_transpose(3), "Enlarge a volume with learnt kernels.",
              "{filters: 64, kernel_size: 2, strides: 2}", (8, 16, 16, 128)),
        entry("DepthwiseConv1D", depthwise_conv(1), "Convolve each channel of a sequence alone.",
              "{kernel_size: 7, padding: same}", (128, 64)),
        entry("DepthwiseConv2D", depthwise_conv(2), "Convolve each channel of an image alone.",
              "{kernel_size: 3, strides: 2, padding: same, use_bias: false}", (112, 112, 96)),
        entry("SeparableConv1D", separable_conv(1),
              "Convolve each channel of a sequence alone, then mix the channels.",
              "{filters: 64, kernel_size: 3, padding: same}", (128, 32)),
        entry("SeparableConv2D", separable_conv(2),
              "Convolve each channel of an image alone, then mix the channels.",
              "{filters: 728, kernel_size: 3, padding: same, use_bias: false}", (19, 19, 728)),
    ),
    "dense layers": (
        entry("Dense", dense, "Multiply the last axis by a learnt matrix.",
              "{units: 10, activation: softmax}", (84,)),
        entry("EinsumDense", einsum_dense, "Multiply by a learnt tensor, as an equation says.",
              "{equation: 'abc,cde->abde', output_shape: [null, 12, 64], bias_axes: de}",
              (197, 768)),
        entry("Embedding", embedding, "Look up a learnt vector for each integer.",
              "{input_dim: 10000, output_dim: 128, mask_zero: true}", (80,)),
    ),
    "pooling": (
        entry("MaxPooling1D", max_pool(1), "Take the largest value in a sliding window of steps.",
              "{pool_size: 2}", (128, 64)),
        entry("MaxPooling2D", max_pool(2), "Take the largest value in a sliding window.",
              "{pool_size: 3, strides: 2, padding: same}", (112, 112, 64)),
        entry("MaxPooling3D", max_pool(3), "Take the largest value in a sliding window.",
              "{pool_size: [1, 2, 2]}", (16, 112, 112, 64)),
        entry("AveragePooling1D", average_pool(1), "Take the mean of a sliding window of steps.",
              "{pool_size: 4}", (128, 64)),
        entry("AveragePooling2D", average_pool(2), "Take the mean of a sliding window.",
              "{pool_size: 2, strides: 2}", (28, 28, 6)),
        entry("AveragePooling3D", average_pool(3), "Take the mean of a sliding window.",
              "{pool_size: 2}", (16, 56, 56, 64)),
        entry("GlobalMaxPooling1D", global_pool(1), "Take each channel's largest value.",
              "", (128, 64)),
        entry("GlobalMaxPooling2D", global_pool(2), "Take each channel's largest value.",
              "", (7, 7, 512)),
        entry("GlobalMaxPooling3D", global_pool(3), "Take each channel's largest value.",
              "", (2, 7, 7, 512)),
        entry("GlobalAveragePooling1D", global_pool(1), "Take each channel's mean.",
              "", (128, 64)),
        entry("GlobalAveragePooling2D", global_pool(2), "Take each channel's mean.",
              "", (7, 7, 512)),
        entry("GlobalAveragePooling3D", global_pool(3), "Take each channel's mean.",
              "", (2, 7, 7, 512)),
        entry("AdaptiveMaxPooling1D", adaptive_pool(1), "Take maxima, to a given length.",
              "{output_size: 16}", (100, 64)),
        entry("AdaptiveMaxPooling2D", adaptive_pool(2), "Take maxima, to a given size.",
              "{output_size: 7}", (10, 13, 512)),
        entry("AdaptiveMaxPooling3D", adaptive_pool(3), "Take maxima, to a given size.",
              "{output_size: [1, 7, 7]}", (4, 10, 10, 512)),
        entry("AdaptiveAveragePooling1D", adaptive_pool(1), "Take means, to a given length.",
              "{output_size: 16}", (100, 64)),
        entry("AdaptiveAveragePooling2D", adaptive_pool(2), "Take means, to a given size.",
              "{output_size: 6}", (13, 13, 256)),
        entry("AdaptiveAveragePooling3D", adaptive_pool(3), "Take means, to a given size.",
              "{output_size: [1, 7, 7]}", (4, 10, 10, 512)),
    ),
    "normalisation": (
        entry("BatchNormalization", batch_normalization,
              "Normalise each channel over the batch; at inference by averages kept in training.",
              "{momentum: 0.9, epsilon: 1.001e-5}", (56, 56, 64), TRAINING),
        entry("LayerNormalization", layer_normalization,
              "Normalise the features of each sample and position.",
              "{epsilon: 1.0e-6}", (197, 768)),
        entry("GroupNormalization", group_normalization,
              "Normalise groups of channels of each sample.",
              "{groups: 32}", (56, 56, 256)),
        entry("RMSNormalization", rms_normalization,
              "Divide the features of each sample and position by their root mean square.",
              "{epsilon: 1.0e-5}", (128, 2048)),
        entry("UnitNormalization", unit_normalization, "Scale vectors to length 1.",
              "", (128,)),
        entry("Normalization", normalization,
              "Subtract a constant mean and divide by a constant deviation.",
              "{mean: [0.485, 0.456, 0.406], variance: [0.0524, 0.0502, 0.0506]}", (224, 224, 3)),
        entry("Rescaling", rescaling, "Multiply by a constant and add another.",
              "{scale: =1 / 127.5, offset: -1}", (224, 224, 3)),
    ),
    "activation layers": (
        entry("Activation", activation, "Apply an activation function to each value.",
              "relu", (56, 56, 64)),
        entry("ReLU", re_lu, "Set negative values to 0: the rectified linear unit.",
              "{max_value: 6}", (112, 112, 32)),
        entry("LeakyReLU", leaky_re_lu, "Scale negative values down instead of dropping them.",
              "{negative_slope: 0.2}", (32, 32, 64)),
        entry("PReLU", p_re_lu, "Scale negative values by a learnt factor.",
              "{shared_axes: [1, 2]}", (56, 56, 64)),
        entry("ELU", elu, "Bend negative values to a limit: the exponential linear unit.",
              "{alpha: 1.0}", (32, 32, 64)),
        entry("Softmax", softmax, "Turn values into probabilities.",
              "", (10,)),
    ),
    "noise and penalties": (
        entry("Dropout", dropout, "Set a random share of the values to 0 in training.",
              "0.5", (4096,), TRAINING),
        entry("SpatialDropout1D", spatial_dropout_1d,
              "Set a random share of the channels to 0 in training.",
              "0.2", (128, 64), TRAINING, DTYPE_ONLY),
        entry("SpatialDropout2D", spatial_dropout(2),
              "Set a random share of the channels to 0 in training.",
              "0.2", (28, 28, 128), TRAINING, DTYPE_ONLY),
        entry("SpatialDropout3D", spatial_dropout(3),
              "Set a random share of the channels to 0 in training.",
              "0.2", (8, 28, 28, 128), TRAINING, DTYPE_ONLY),
        entry("AlphaDropout", alpha_dropout,
              "Drop a random share of the values, keeping mean and variance.",
              "0.1", (256,), TRAINING),
        entry("GaussianDropout", gaussian_dropout,
              "Multiply each value by random noise in training.",
              "0.3", (256,), TRAINING),
        entry("GaussianNoise", gaussian_noise, "Add random noise to each value in training.",
              "0.1", (28, 28, 1), TRAINING),
        entry("ActivityRegularization", activity_regularization,
              "Add a penalty on the values to the loss.",
              "{l1: 1.0e-5}", (32,)),
    ),
    "shape": (
        entry("Flatten", flatten, "Lay all axes but the batch out in one.",
              "", (5, 5, 16)),
        entry("Reshape", reshape, "Lay the values out in another shape.",
              "[-1, 768]", (14, 14, 768)),
        entry("Permute", permute, "Change the order of the axes.",
              "[2, 1]", (196, 512)),
        entry("RepeatVector", repeat_vector, "Repeat a vector along a new axis.",
              "20", (128,)),
        entry("ZeroPadding1D", zero_padding(1), "Add steps of zeros at the ends.",
              "[2, 0]", (128, 64)),
        entry("ZeroPadding2D", zero_padding(2), "Add rows and columns of zeros at the edges.",
              "3", (224, 224, 3)),
        entry("ZeroPadding3D", zero_padding(3), "Add zeros around a volume.",
              "1", (16, 56, 56, 3)),
        entry("Cropping1D", cropping_1d, "Drop steps at the ends.",
              "[1, 1]", (128, 64)),
        entry("Cropping2D", cropping(2, 0), "Drop rows and columns at the edges.",
              "4", (64, 64, 512)),
        entry("Cropping3D", cropping(3, 1), "Drop the outer layers of a volume.",
              "2", (16, 56, 56, 64)),
        entry("UpSampling1D", up_sampling_1d, "Repeat each step.",
              "2", (64, 128)),
        entry("UpSampling2D", up_sampling_2d, "Enlarge an image by repetition or interpolation.",
              "{size: 2, interpolation: bilinear}", (28, 28, 1024)),
        entry("UpSampling3D", up_sampling_3d, "Enlarge a volume by repetition.",
              "2", (8, 16, 16, 128)),
    ),
    "merging": (
        entry("Add", merge, "Add the inputs, element by element.",
              "", [(56, 56, 64), (56, 56, 64)]),
        entry("Subtract", subtract, "Subtract the second input from the first.",
              "", [(128,), (128,)]),
        entry("Multiply", merge, "Multiply the inputs, element by element.",
              "", [(28, 28, 256), (1, 1, 256)]),
        entry("Average", merge, "Take the mean of the inputs, element by element.",
              "", [(10,), (10,), (10,)]),
        entry("Maximum", merge, "Take the largest of the inputs, element by element.",
              "", [(32, 32, 48), (32, 32, 48)]),
        entry("Minimum", merge, "Take the smallest of the inputs, element by element.",
              "", [(32, 32, 48), (32, 32, 48)]),
        entry("Concatenate", concatenate, "Join the inputs along an axis.",
              "", [(28, 28, 64), (28, 28, 128), (28, 28, 32)]),
        entry("Dot", dot, "Sum the products of two inputs along an axis of each.",
              "{axes: 1, normalize: true}", [(64,), (64,)]),
    ),
    "attention layers": (
        entry("MultiHeadAttention", multi_head_attention,
              "Mix the values at other positions, by several learnt measures of likeness.",
              "{num_heads: 12, key_dim: 64}", {"query": (197, 768), "value": (197, 768)},
              ATTENDING),
        entry("Attention", attention, "Mix the values at other positions, by likeness.",
              "", [(20, 256), (40, 256)], ATTENDING),
        entry("AdditiveAttention", additive_attention,
              "Mix the values at other positions, by a learnt sum over query and key.",
              "", [(20, 256), (40, 256)], ATTENDING),
    ),
    "others": (
        entry("Identity", identity, "Hand the input on.",
              "", (56, 56, 64)),
        entry("Masking", masking, "Have later layers skip steps that hold one value only.",
              "{mask_value: 0}", (80, 16)),
    ),
    "images": (
        entry("Resizing", resizing, "Bring images to a given size.",
              "{height: 224, width: 224}", (480, 640, 3)),
        entry("CenterCrop", center_crop, "Cut the middle out of images.",
              "{height: 224, width: 224}", (256, 256, 3)),
        entry("RandomCrop", random_crop, "Cut a random part out of images in training.",
              "{height: 32, width: 32}", (40, 40, 3), TRAINING),
        entry("RandomFlip", random_flip, "Mirror images at random in training.",
              "horizontal", (32, 32, 3), TRAINING),
        entry("RandomRotation", random_rotation, "Turn images at random in training.",
              "0.05", (32, 32, 3), TRAINING),
        entry("RandomTranslation", random_translation, "Shift images at random in training.",
              "{height_factor: 0.1, width_factor: 0.1, fill_mode: constant}", (28, 28, 1),
              TRAINING),
        entry("RandomZoom", random_zoom, "Zoom images at random in training.",
              "{height_factor: [-0.2, 0.2]}", (32, 32, 3), TRAINING),
        entry("RandomContrast", random_contrast, "Vary the contrast at random in training.",
              "0.2", (32, 32, 3), TRAINING),
        entry("RandomBrightness", random_brightness, "Vary the brightness at random in training.",
              "{factor: 0.2, value_range: [0, 1]}", (32, 32, 3), TRAINING),
    ),
}
# fmt: on

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
# Keras's other names for layers -> the names that a spec has.
ALIASES: dict[str, str] = {
    name.replace("Pooling", "Pool").replace("Average", "Avg").replace("Conv", "Convolution"): name
    for name in LAYERS
    if name.startswith(("MaxP", "AverageP", "GlobalM", "GlobalA", "Conv", "SeparableConv"))
}

