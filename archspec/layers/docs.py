"""One sentence for each argument of a layer, for the schema, the reference page and editors.

A key of `DOCS` is an argument's name, or "Layer.argument" where that layer means something else by
it. Some arguments have their sentence where they are stated, as those of objects have.
"""

from itertools import product

from archspec.arguments import Argument

DOCS: dict[str, str] = {
    "activation": "Function applied to the output, such as relu; null leaves it as it is.",
    "Activation.activation": "Function applied to each value, such as relu.",
    "addition_factor": "Share of value_range that is added to an image, drawn from 0 to the number "
    "given; of [lower, upper] Keras takes lower / 255.",
    "all_ops": "Whether brightness, colour degeneration, contrast and sharpness are among the "
    "operations.",
    "AugMix.alpha": "Shape of the distribution of the weights: 1 makes all mixtures as likely, "
    "less favours single chains.",
    "antialias": "Blur before shrinking, so that fine patterns do not become coarse ones.",
    "attention_axes": "Axes that attention looks along, 1 being the first after the batch; "
    "null for all but the features.",
    "axes": "Axis to sum along, or [axis of the first input, axis of the second].",
    "axis": "Axis of the channels, or the features: -1 is the last, 1 the one after the batch, "
    "as with channels_first.",
    "LayerNormalization.axis": "Axis or axes to normalise along, each position on them with a "
    "scale and a shift of its own; -1 is the last.",
    "RMSNormalization.axis": "Axis or axes to normalise along; -1 is the last.",
    "UnitNormalization.axis": "Axis or axes along which the length becomes 1; -1 is the last.",
    "Normalization.axis": "Axes with a mean and variance for each position; null for one of each.",
    "Softmax.axis": "Axis or axes along which the outputs sum to 1; -1 is the last.",
    "Concatenate.axis": "Axis to join along; -1 is the last, the batch is 0.",
    "bias_axes": "Letters of the output's axes that the bias has, such as 'd'; null for no bias.",
    "bin_boundaries": "Numbers at which one bin ends and the next begins, in increasing order.",
    "bins": "Levels that values are told apart by.",
    "brightness_factor": "Shift of the pixels as a share of value_range, or [lower, upper]; null "
    "for none.",
    "center": "Whether to add a learnt shift (beta).",
    "chain_depth": "Largest number of operations in a chain.",
    "clip_limit": "How much more frequent than the average a value may count; 0 for no limit.",
    "contrast_factor": "Contrast is multiplied by 1 - factor to 1 + factor, or [lower, upper]; "
    "null for no change.",
    "crop_to_aspect_ratio": "Whether to crop first, so that the picture is not distorted.",
    "cropping": "Rows to drop: one number, or one or [before, after] for each spatial axis.",
    "Cropping1D.cropping": "Steps to drop at both ends, or [before, after].",
    "data_format": "Whether the channels are the last axis or the first after the batch; "
    "TensorFlow on a CPU runs most layers with channels_last only.",
    "depth_multiplier": "Kernels, and so outputs, that each input channel gets.",
    "dilation_rate": "Distance between the inputs that neighbouring kernel values meet: 2 leaves "
    "one out, so that a kernel of 3 spans 5.",
    "dims": "The input's axes in their new order; the first after the batch is 1.",
    "dropout": "Share of the attention weights, from 0 to 1, set to 0 in training.",
    "dtype": "Type that the layer computes in; null for the model's; mixed_float16 computes in "
    "float16 and keeps weights in float32.",
    "epsilon": "Small number added to the variance, so that nothing is divided by 0.",
    "RMSNormalization.epsilon": "Small number added to the mean square, so that nothing is divided "
    "by 0.",
    "equation": "Axes of input, kernel and output, one letter each: 'abc,cd->abd'; `...` stands "
    "for axes left alone.",
    "expand_dims": "Whether frequencies and channels are two axes, as an image has; else they are "
    "one.",
    "factor": "How far to go, as a share: one number for both directions, or [lower, upper].",
    "RandomRotation.factor": "Angle as a share of a full turn: 0.1 is up to 36 degrees either way; "
    "or [lower, upper].",
    "RandomContrast.factor": "Contrast is multiplied by 1 - factor to 1 + factor; or "
    "[lower, upper].",
    "RandomBrightness.factor": "Shift of the pixels as a share of value_range; or [lower, upper].",
    "AugMix.factor": "Strength of the operations, as a share of the most that each can do; or "
    "[lower, upper].",
    "RandAugment.factor": "Strength of the operations, as a share of the most that each can do; "
    "or [lower, upper].",
    "RandomColorDegeneration.factor": "Share of the way to grey: [0, 1] fades only; one number f "
    "means [-f, f], and below 0 colours grow.",
    "RandomErasing.factor": "Chance of each image, itself drawn from 0 to factor; [p, p] for the "
    "chance p.",
    "RandomGaussianBlur.factor": "Chance of each image, itself drawn from 0 to factor; [p, p] for "
    "the chance p.",
    "RandomInvert.factor": "Chance of each image, itself drawn from 0 to factor; [p, p] for the "
    "chance p.",
    "RandomPerspective.factor": "Chance of each image, itself drawn from 0 to factor; [p, p] for "
    "the chance p.",
    "RandomGrayscale.factor": "Chance of each image to become grey.",
    "RandomHue.factor": "Share of half the colour circle, from 0 to the number given; or [lower, "
    "upper].",
    "RandomPosterization.factor": "Bits that values keep: from 1 up to but not including the "
    "number given, or [lower, upper], upper left out; [4, 4] for 4.",
    "RandomSaturation.factor": "0 is grey, 0.5 leaves images alone, 1 is full colour: [lower, "
    "upper]; one number f means [-f, f], and below 0 is grey too.",
    "RandomSharpness.factor": "0 is blurred, 0.5 leaves images alone, 1 is sharpest: from 0 to "
    "the number given, or [lower, upper].",
    "fft_length": "Samples of the transform, zeros beyond the frame; null for the power of 2 that "
    "holds a frame.",
    "MelSpectrogram.fft_length": "Samples of the transform, zeros beyond sequence_length.",
    "fill_mode": "What lies beyond the edges: reflect, wrap, constant (fill_value) or nearest.",
    "Resizing.fill_mode": "What the margins of pad_to_aspect_ratio hold: fill_value.",
    "fill_value": "Pixel value beyond the edges when fill_mode is constant.",
    "RandomErasing.fill_value": "Pixel value of the rectangles; null for noise.",
    "filters": "Channels of the output, each with a learnt kernel of its own.",
    "frame_length": "Samples in a frame.",
    "frame_step": "Samples from one frame to the next; null for half a frame.",
    "groups": "Parts that channels and filters are split in, each convolved on its own: it must "
    "divide both, and makes the kernel smaller by that factor.",
    "GroupNormalization.groups": "Parts that the channels are split in, each normalised on its "
    "own; it must divide them; -1 for one channel each.",
    "head_dim": "Features of each head.",
    "height": "Rows of the output, in pixels.",
    "height_factor": "Furthest shift up or down, as a share of the height; or [lower, upper], "
    "negative being up.",
    "RandomZoom.height_factor": "Zoom as a share of the height: positive shows more of the scene, "
    "negative less; or [lower, upper].",
    "hue_factor": "Share of half the colour circle that hues are turned by, or [lower, upper]; "
    "null for none.",
    "input_dim": "Integers to tell apart: they are 0 to input_dim - 1.",
    "interpolation": "How values between pixels are found: nearest takes the closest pixel, "
    "bilinear a mean of the four around, weighted by closeness.",
    "invert": "Whether to undo the normalisation instead: multiply by the deviation, add the mean.",
    "keepdims": "Whether the pooled axes stay, with length 1, so that the result can scale the "
    "input.",
    "kernel_size": "Rows and columns that the kernel covers: 3 is 3x3, [1, 7] one row of 7.",
    "Conv3D.kernel_size": "Length of the kernel along each spatial axis: 3 is 3x3x3.",
    "Conv3DTranspose.kernel_size": "Length of the kernel along each spatial axis: 3 is 3x3x3.",
    "RandomGaussianBlur.kernel_size": "Rows and columns that the blur reaches over: an odd "
    "number, or one for each.",
    "key_dim": "Features of each head's query and key, often the input's divided by num_heads.",
    "l1": "Factor of the sum of absolute outputs in the loss.",
    "l2": "Factor of the sum of squared outputs in the loss.",
    "logit_soft_cap": "Limit that scores are bent to stay below in reverse, as cap * tanh(score / "
    "cap); null for none.",
    "mag_exp": "Power of the magnitudes: 2 for power, 1 for the magnitudes themselves.",
    "mask_value": "Value that all features of a skipped step have.",
    "mask_zero": "Whether 0 means 'nothing here' and later layers skip it.",
    "max_freq": "Highest frequency of the bands, in hertz; null for half of sampling_rate.",
    "mean": "Mean to subtract, one number or one for each position on axis; null to learn it from "
    "data beforehand.",
    "min_freq": "Lowest frequency of the bands, in hertz.",
    "min_power": "Power that all below it counts as, so that silence has a logarithm.",
    "mode": "Whether to mirror left to right, upside down, or each at random.",
    "STFTSpectrogram.mode": "What is given of each frequency: magnitude or its logarithm, psd "
    "(power), real or imaginary part, angle, or stft (both parts).",
    "momentum": "Share of the moving averages that each training step keeps; torch calls the "
    "rest momentum: 0.9 here is 0.1 there.",
    "n": "Times that the vector is repeated.",
    "noise_shape": "Shape of the pattern of zeros, the batch included: 1 drops along a whole axis, "
    "null takes the input's length.",
    "normalize": "Whether to scale both inputs to length 1 first, which gives the cosine.",
    "num_chains": "Chains that are mixed.",
    "num_heads": "Attention heads, each with projections of its own.",
    "num_key_value_heads": "Heads of keys and values, each shared by as many query heads.",
    "num_mel_bins": "Bands of pitch.",
    "num_ops": "Operations applied to a batch, one after another.",
    "num_query_heads": "Heads of queries, a multiple of num_key_value_heads.",
    "num_tokens": "Integers to tell apart: they are 0 to num_tokens - 1.",
    "offset": "Number to add after multiplying, or one for each channel.",
    "output_dim": "Features of each vector.",
    "output_mode": "one_hot: a vector for each value; multi_hot: one for a sample, with 1 for "
    "whatever it holds; count: how often it holds it.",
    "Discretization.output_mode": "int: the number of the bin; one_hot, multi_hot, count: that "
    "number encoded, as by CategoryEncoding.",
    "output_padding": "Rows added at the end of each spatial axis, fewer than its stride; null "
    "for what padding says.",
    "output_shape": "Lengths of the output's axes but the batch and those behind `...`; null for "
    "an unknown one.",
    "MultiHeadAttention.output_shape": "Features of the output; null for those of the query.",
    "output_size": "Windows, and so outputs, along each spatial axis: one number, or one for each.",
    "pad_to_aspect_ratio": "Whether to pad first, so that the picture is not distorted.",
    "padding": "valid keeps the kernel inside the input, so that the output is smaller; same "
    "adds zeros around it, so that with strides 1 the size stays.",
    "Conv1D.padding": "valid keeps the kernel inside the input, so that the output is shorter; "
    "same adds zeros at both ends, so that with strides 1 the length stays; causal adds them "
    "before the start only, so that no output sees a later input.",
    "ZeroPadding1D.padding": "Steps of zeros at both ends, or [before, after].",
    "ZeroPadding2D.padding": "Rows of zeros: one number, or one or [before, after] for each "
    "spatial axis.",
    "ZeroPadding3D.padding": "Rows of zeros: one number, or one or [before, after] for each "
    "spatial axis.",
    **{
        f"{layer}.kernel_size": "Steps that the kernel covers."
        for layer in ("Conv1D", "Conv1DTranspose", "DepthwiseConv1D", "SeparableConv1D")
    },
    **{
        f"{layer}.strides": "Steps that the kernel moves from one output to the next: 2 halves the "
        "length."
        for layer in ("Conv1D", "DepthwiseConv1D", "SeparableConv1D")
    },
    **{
        f"Conv{rank}DTranspose.padding": "same makes the output strides times as long as the "
        "input; valid keeps all that the kernel reaches."
        for rank in (1, 2, 3)
    },
    **{
        f"{kind}Pooling{rank}D.padding": "valid keeps the window inside the input and drops what "
        "is left over at the end; same lets it reach over the edges, where nothing counts."
        for kind, rank in product(("Max", "Average"), (1, 2, 3))
    },
    **{
        f"{kind}Pooling{rank}D.strides": "How far the window moves from one output to the next; "
        "null for pool_size, so that each value is looked at once."
        for kind, rank in product(("Max", "Average"), (1, 2, 3))
    },
    **{
        f"{kind}Pooling1D.pool_size": "Steps that the window covers." for kind in ("Max", "Average")
    },
    "STFTSpectrogram.padding": "valid keeps to the input; same adds zeros at both ends, so that "
    "no sample is left over.",
    "periodic": "Whether the window is one period of an endless one, instead of symmetric.",
    **{
        f"{kind}Pooling3D.pool_size": "Length of the window along each spatial axis: 2 is 2x2x2."
        for kind in ("Max", "Average")
    },
    "pool_size": "Rows and columns that the window covers: 2 is 2x2, [1, 2] two in a row.",
    "power_to_db": "Whether powers are given in decibels.",
    "rate": "Share of the values, from 0 to 1, set to 0; the others grow to keep the sum.",
    "SpatialDropout1D.rate": "Share of the channels, from 0 to 1, set to 0; the others grow to "
    "keep the sum.",
    "SpatialDropout2D.rate": "Share of the channels, from 0 to 1, set to 0; the others grow to "
    "keep the sum.",
    "SpatialDropout3D.rate": "Share of the channels, from 0 to 1, set to 0; the others grow to "
    "keep the sum.",
    "AlphaDropout.rate": "Share of the values, from 0 to 1, dropped; mean and variance stay.",
    "GaussianDropout.rate": "Strength of the noise, whose deviation is sqrt(rate / (1 - rate)).",
    "ref_power": "Power of 0 decibels.",
    "reverse_dtype": "Type that scores are computed in; null for the layer's.",
    "sampling_rate": "Samples of a second.",
    "saturation_factor": "Saturation as in RandomSaturation, 0.5 leaving images alone: [lower, "
    "upper]; null for no change.",
    "scale": "Whether to multiply by a learnt scale (gamma); needless where the next layer "
    "multiplies by weights of its own.",
    "Rescaling.scale": "Number to multiply by, or one for each channel, such as =1 / 255.",
    "RandomErasing.scale": "Share of an image that a rectangle may cover, [lower, upper].",
    "RandomPerspective.scale": "Furthest that a corner moves, as a share of twice the side.",
    "scaling": "What powers are divided by: density gives power in each hertz, spectrum power of "
    "each frequency; null nothing.",
    "score_mode": "dot compares by the product of query and key, concat by tanh of their sum.",
    "seed": "Seed of the layer's random numbers; null takes one that follows from the run's.",
    "sequence_length": "Samples of a frame; null for fft_length.",
    "sequence_stride": "Samples from one frame to the next.",
    "shared_axes": "Axes along which one slope serves all positions, 1 being the first after the "
    "batch.",
    "sigma": "Deviation of the blur in pixels, drawn from 0 to the number given; or [lower, "
    "upper].",
    "UpSampling1D.size": "Times that each step is repeated.",
    "size": "Times that each row and column is repeated: one number, or one for each spatial axis.",
    "sliding_window": "Attend to positions fewer than this many steps away; null for all.",
    "stddev": "Standard deviation of the noise, from 0 to 1.",
    "strides": "How far the kernel moves from one output to the next: 2 halves every spatial "
    "axis; a list has one number for each.",
    "Conv1DTranspose.strides": "Times that the length grows.",
    "Conv2DTranspose.strides": "Times that each spatial axis grows: one number, or one for each.",
    "Conv3DTranspose.strides": "Times that each spatial axis grows: one number, or one for each.",
    "synchronized": "Whether the devices of a distributed run share their batch statistics; on "
    "TensorFlow only.",
    "target_shape": "Lengths of the new axes but the batch; -1 for the one that follows from the "
    "others.",
    "threshold_factor": "Share of value_range above which pixels are inverted, drawn from 0 to the "
    "number given; of [lower, upper] Keras takes lower / 255.",
    "tie_weights": "Whether the scores use the table of vectors itself; false gives them a table "
    "of their own.",
    "tile_grid_size": "Tiles in a column and in a row, [rows, columns].",
    "top_db": "Decibels below the loudest at which values end.",
    "trainable": "Whether training changes the weights; false freezes them, as of a pretrained "
    "part.",
    "units": "Features of the output: columns of the learnt matrix.",
    "use_bias": "Whether to add a learnt number to each output channel; needless before a "
    "BatchNormalization.",
    "use_gate": "Whether each head's output is scaled by a learnt gate from the query.",
    "use_scale": "Whether to multiply the scores by learnt numbers.",
    "value_dim": "Features of each head's value; null for key_dim; on JAX another number needs "
    "dropout.",
    "value_range": "[lowest, highest] value that pixels can have.",
    "RandomSaturation.value_range": "Bounds of the saturation, which is 0 to 1 whatever the "
    "pixels: [0, 1] keeps colours from overflowing.",
    "variance": "Variance to divide by, given together with mean.",
    "width": "Columns of the output, in pixels.",
    "width_factor": "Furthest shift left or right, as a share of the width; or [lower, upper], "
    "negative being left.",
    "RandomZoom.width_factor": "Zoom as a share of the width; null for the same as the height.",
    "window": "Weights of the samples in a frame, by their name in scipy.signal; null for equal "
    "ones.",
    "x_factor": "Furthest shift of the last row, as a share of the height; or [lower, upper].",
    "y_factor": "Furthest shift of the last column, as a share of the width; or [lower, upper].",
}

# Constant arguments of a layer's call.
CALL_DOCS = {
    "reverse": "Whether the layer takes vectors and scores all integers, instead of the reverse.",
    "training": "Whether the layer works as in training or as at inference; without it, as the "
    "model does. A BatchNormalization is frozen by `trainable: false`, not by this.",
    "use_causal_mask": "Whether each position sees itself and those before it only, as a language "
    "model must.",
}


def sentence(owner: str, argument: Argument) -> str:
    """Return what an argument of a layer or an object means."""
    name = argument.name
    return argument.doc or DOCS.get(f"{owner}.{name}") or DOCS.get(name, "")
