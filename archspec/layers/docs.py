"""One sentence for each argument, for the schema, the reference page and editors.

A key of `DOCS` is an argument's name, or "Layer.argument" where that layer means something else by
it. The arguments of objects are all there as "Object.argument".
"""

from collections.abc import Iterator
from itertools import product

from archspec.objects import TABLES

_PARTS = {
    "kernel": "kernel",
    "bias": "bias",
    "depthwise": "depthwise kernel (of each channel alone)",
    "pointwise": "pointwise kernel (1x1, across the channels)",
    "embeddings": "table of vectors",
    "beta": "learnt shift (beta)",
    "gamma": "learnt scale (gamma)",
    "alpha": "slope below 0",
}
_WHAT = {
    "initializer": "Values that the {} starts from.",
    "regularizer": "Penalty on the {}, added to the loss: L2 keeps it small, L1 brings it to 0.",
    "constraint": "Rule that the {} is brought back to after each training step, such as NonNeg.",
}

DOCS: dict[str, str] = {
    **{
        f"{part}_{kind}": sentence.format(words)
        for (part, words), (kind, sentence) in product(_PARTS.items(), _WHAT.items())
    },
    "kernel_initializer": "Values that the kernel starts from: HeNormal suits relu, GlorotUniform "
    "tanh, sigmoid and softmax.",
    "activation": "Function applied to the output, such as relu; null leaves it as it is.",
    "activity_regularizer": "Penalty on the layer's output, added to the loss.",
    "Activation.activation": "Function applied to each value, such as relu.",
    "addition_factor": "Share of value_range that is added to an image, drawn from 0 to the number "
    "given; of [lower, upper] Keras takes lower / 255.",
    "all_ops": "Whether brightness, colour degeneration, contrast and sharpness are among the "
    "operations.",
    "alpha": "Limit that large negative inputs come to, as -alpha.",
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
    "max_value": "Largest output; null for no limit, 6 for ReLU6.",
    "mean": "Mean to subtract, one number or one for each position on axis; null to learn it from "
    "data beforehand.",
    "min_freq": "Lowest frequency of the bands, in hertz.",
    "min_power": "Power that all below it counts as, so that silence has a logarithm.",
    "mode": "Whether to mirror left to right, upside down, or each at random.",
    "STFTSpectrogram.mode": "What is given of each frequency: magnitude or its logarithm, psd "
    "(power), real or imaginary part, angle, or stft (both parts).",
    "momentum": "Share of the moving averages that each training step keeps; torch calls the "
    "rest momentum: 0.9 here is 0.1 there.",
    "moving_mean_initializer": "Values that the moving mean starts from.",
    "moving_variance_initializer": "Values that the moving variance starts from.",
    "n": "Times that the vector is repeated.",
    "negative_slope": "Slope for values below 0, or below the threshold where there is one.",
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
    "threshold": "Value above which the input is passed through.",
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

_SEED = "Seed of its random numbers; null takes one that follows from the run's."
_LOGITS = "Whether the network's outputs are raw scores, on which softmax or sigmoid is still due."
_SMOOTHING = "Share of each label, from 0 to 1, that is spread over all classes."
_CLASSES = "Axis of the classes; -1 is the last."
_MOMENTUM = "Share of the last step, from 0 to 1, that is added to the next."
_FIRST = "Share of the mean of gradients, from 0 to 1, kept at each step."
_SECOND = "Share of the mean of squared gradients, from 0 to 1, kept at each step."
_NEAR_ZERO = "Small number that keeps the step from being divided by 0."
_START = "Rate at step 0."

# Kind of object -> argument, or "Object.argument", -> sentence.
_OBJECTS: dict[str, dict[str, str]] = {
    "initializer": {
        "seed": _SEED,
        "value": "Value of every weight.",
        "mean": "Mean of the values.",
        "stddev": "Standard deviation of the values.",
        "minval": "Lowest value.",
        "maxval": "Value that all are below.",
        "scale": "Variance times the fan: 2 with fan_in is He's, 1 with fan_avg Glorot's.",
        "mode": "Fan that the variance is divided by: inputs, outputs, or their mean.",
        "distribution": "Shape of the distribution; the truncated one ends at 2 deviations.",
        "gain": "Factor that the matrix is multiplied by.",
    },
    "regularizer": {
        "l1": "Factor of the sum of absolute values in the loss.",
        "l2": "Factor of the sum of squares in the loss; torch's weight decay is twice it.",
        "factor": "Factor of the mean product of different rows in the loss.",
        "mode": "Whether rows or columns shall stand at right angles.",
    },
    "constraint": {
        "max_value": "Largest length of a weight vector.",
        "min_value": "Smallest length of a weight vector.",
        "rate": "Share of the way, from 0 to 1, to the allowed length taken at each step.",
        "axis": "Axis or axes along which lengths are measured: 0 for dense layers, [0, 1, 2] "
        "for 2D convolutions.",
    },
    "activation": {
        "alpha": DOCS["alpha"],
        "negative_slope": DOCS["negative_slope"],
        "max_value": DOCS["max_value"],
        "threshold": DOCS["threshold"],
        "axis": "Axis along which the outputs sum to 1; -1 is the last.",
    },
    "schedule": {
        "initial_learning_rate": _START,
        "decay_steps": "Training steps until the decay is complete, or has happened once.",
        "first_decay_steps": "Training steps of the first decay.",
        "alpha": "Share of the rate at which the decay ends.",
        "warmup_target": "Rate that is climbed to before the decay; null for no climb.",
        "warmup_steps": "Training steps of that climb.",
        "t_mul": "Factor by which each decay is longer than the last.",
        "m_mul": "Factor by which each decay starts lower than the last.",
        "decay_rate": "Factor of the rate in each decay_steps.",
        "InverseTimeDecay.decay_rate": "How fast the rate falls: rate / (1 + decay_rate * step / "
        "decay_steps).",
        "staircase": "Whether the rate falls once in decay_steps instead of at each step.",
        "boundaries": "Training steps after which the rate changes, in order.",
        "values": "Rates before, between and after the boundaries.",
        "end_learning_rate": "Rate at the end.",
        "power": "Power of the polynomial; 1 falls in a line.",
        "cycle": "Whether to start anew after decay_steps.",
    },
    "optimizer": {
        "learning_rate": "Size of the steps: a number or a schedule.",
        "weight_decay": "Share of each weight that is taken off at each step, times the learning "
        "rate; null for none.",
        "momentum": _MOMENTUM,
        "nesterov": "Whether the gradient is taken ahead, where the momentum leads.",
        "clipnorm": "Largest length of each weight's gradient; null for no limit.",
        "clipvalue": "Largest absolute value in a gradient; null for no limit.",
        "global_clipnorm": "Largest length of all gradients together; null for no limit.",
        "use_ema": "Whether to keep moving averages of the weights and end with them.",
        "ema_momentum": "Share of those averages, from 0 to 1, kept at each step.",
        "ema_overwrite_frequency": "Steps after which the averages become the weights; null at the "
        "end only.",
        "loss_scale_factor": "Number that the loss is multiplied by, and gradients divided by.",
        "gradient_accumulation_steps": "Steps whose gradients are averaged before weights change.",
        "rho": _SECOND,
        "epsilon": _NEAR_ZERO,
        "centered": "Whether to divide by the variance of the gradient instead of its mean square.",
        "beta_1": _FIRST,
        "beta_2": _SECOND,
        "Lion.beta_1": "Share of the mean of gradients, from 0 to 1, in each step's direction.",
        "Lion.beta_2": _FIRST,
        "amsgrad": "Whether to divide by the largest mean square so far.",
        "beta_2_decay": "Power of the step by which the memory of squared gradients grows.",
        "epsilon_1": "Small number added to squared gradients.",
        "epsilon_2": "Smallest size of a weight that steps are scaled by.",
        "clip_threshold": "Largest root mean square of a step.",
        "relative_step": "Whether the learning rate falls as 1 / sqrt(step) when it is larger.",
        "initial_accumulator_value": "Value that the sums of squared gradients start from.",
        "learning_rate_power": "Power of those sums in the step; 0 for none.",
        "l1_regularization_strength": "Factor of the sum of absolute weights.",
        "l2_regularization_strength": "Factor of the sum of squared weights.",
        "l2_shrinkage_regularization_strength": "Factor of a penalty on active weights only.",
        "beta": "Number added to the root of the sums in the paper.",
        "adam_beta_1": "beta_1 of Adam, which trains what Muon does not.",
        "adam_beta_2": "beta_2 of Adam, which trains what Muon does not.",
        "adam_weight_decay": "weight_decay of Adam, which trains what Muon does not.",
        "adam_lr_ratio": "Learning rate of Adam as a multiple of Muon's.",
        "exclude_embeddings": "Whether Adam trains embeddings and output layers.",
        "muon_a": "First coefficient of the Newton-Schulz iteration.",
        "muon_b": "Second coefficient of the Newton-Schulz iteration.",
        "muon_c": "Third coefficient of the Newton-Schulz iteration.",
        "ns_steps": "Newton-Schulz iterations in each step.",
        "rms_rate": "Size of Muon's steps as a multiple of Adam's.",
        "warmup_steps": "Steps in which the learning rate climbs from 0.",
    },
    "loss": {
        "from_logits": _LOGITS,
        "label_smoothing": _SMOOTHING,
        "axis": _CLASSES,
        "CosineSimilarity.axis": "Axis of the vectors that are compared; -1 is the last.",
        "Dice.axis": "Axes of one sample's sums; null for all.",
        "Tversky.axis": "Axes of one sample's sums; null for all.",
        "reduction": "How the losses of a batch become one: their mean, their sum, or none.",
        "ignore_class": "Label that counts nothing; null for none.",
        "apply_class_balancing": "Whether the two classes get the weights alpha and 1 - alpha.",
        "alpha": "Weight of the class, or of each class.",
        "Tversky.alpha": "Weight of false positives.",
        "Tversky.beta": "Weight of false negatives.",
        "gamma": "Power by which easy samples count less; 0 for the plain loss.",
        "Circle.gamma": "Factor of the similarities.",
        "margin": "How far similarities must be on the right side.",
        "remove_diagonal": "Whether a sample is not compared with itself.",
        "q": "0 comes to cross-entropy, 1 to the mean absolute error.",
        "delta": "Error from which on the loss is a line instead of a square.",
    },
    "metric": {
        "name": "What the metric is called in tables; null for Keras's name.",
        "from_logits": _LOGITS,
        "label_smoothing": _SMOOTHING,
        "axis": _CLASSES,
        "ConcordanceCorrelation.axis": "Axis along which values are compared; -1 is the last.",
        "CosineSimilarity.axis": "Axis of the vectors that are compared; -1 is the last.",
        "PearsonCorrelation.axis": "Axis along which values are compared; -1 is the last.",
        "ignore_class": "Label that counts nothing; null for none.",
        "num_thresholds": "Points of the curve.",
        "thresholds": "Probabilities, from 0 to 1, from which on a prediction counts as yes; null "
        "for 0.5.",
        "AUC.thresholds": "Probabilities at which the curve is taken; null for evenly spread ones.",
        "curve": "Receiver operating characteristic, or precision against recall.",
        "summation_method": "How the area between points is counted.",
        "multi_label": "Whether each label has a curve of its own.",
        "num_labels": "Labels, when multi_label is true.",
        "label_weights": "Weight of each label in the mean; null for equal ones.",
        "threshold": "Probability from which on a prediction counts as yes.",
        "F1Score.threshold": "Probability from which on a class counts as predicted; null for the "
        "largest alone.",
        "FBetaScore.threshold": "Probability from which on a class counts as predicted; null for "
        "the largest alone.",
        "target_class_ids": "Classes whose overlap is averaged.",
        "num_classes": "Classes to tell apart.",
        "sparse_y_true": "Whether labels are integers instead of one number for each class.",
        "sparse_y_pred": "Whether predictions are integers instead of one number for each class.",
        "average": "How the scores of classes become one; null for one score each.",
        "beta": "Weight of recall against precision.",
        "top_k": "How many of the likeliest classes count as predicted; null for thresholds.",
        "class_id": "Class to look at; null for all.",
        "class_aggregation": "How the scores of outputs become one; null for one score each.",
        "num_regressors": "Inputs of the model, for the adjusted score; 0 for the plain one.",
        "k": "How many of the likeliest classes count as a hit.",
        "from_sorted_ids": "Whether predictions are class numbers, the likeliest first.",
    },
    "callback": {
        "monitor": "Metric that is watched, such as val_loss.",
        "min_delta": "Smallest change that counts as an improvement.",
        "patience": "Epochs without improvement that are waited.",
        "verbose": "1 prints what happens.",
        "mode": "Whether smaller or larger is better; auto goes by the metric's name.",
        "baseline": "Value that must be beaten; null for none.",
        "restore_best_weights": "Whether to go back to the weights of the best epoch.",
        "start_from_epoch": "Epochs before watching begins.",
        "factor": "Factor that the learning rate is multiplied by.",
        "cooldown": "Epochs after a change in which nothing is watched.",
        "min_lr": "Rate that is not gone below.",
        "raise_error": "Whether to fail instead of stopping.",
    },
}


def _of_objects() -> Iterator[tuple[str, str]]:
    for kind, table in TABLES.items():
        docs = _OBJECTS[kind]
        for name, arguments in table.items():
            for argument in arguments:
                key = f"{name}.{argument}"
                yield key, docs[key] if key in docs else docs[argument]


DOCS.update(_of_objects())


def sentence(owner: str, argument: str) -> str:
    """What an argument of a layer or an object means."""
    return DOCS.get(f"{owner}.{argument}") or DOCS.get(argument, "")
