"""One sentence for each argument, for the schema, the reference page and editors.

A key is an argument's name, or "Layer.argument" where that layer means something else by it.
"""

from itertools import product

_PARTS = {
    "kernel": "kernel",
    "bias": "bias",
    "depthwise": "kernel that works on each channel alone",
    "pointwise": "1x1 kernel that mixes the channels",
    "embeddings": "table of vectors",
    "beta": "learnt shift (beta)",
    "gamma": "learnt scale (gamma)",
    "alpha": "slopes below 0",
}
_WHAT = {
    "initializer": "Values that the {} starts from.",
    "regularizer": "Penalty on the {}, added to the loss.",
    "constraint": "Rule that the {} is brought back to after each training step.",
}

DOCS: dict[str, str] = {
    **{
        f"{part}_{kind}": sentence.format(words)
        for (part, words), (kind, sentence) in product(_PARTS.items(), _WHAT.items())
    },
    "activation": "Function applied to the output, such as relu; null leaves it as it is.",
    "activity_regularizer": "Penalty on the layer's output, added to the loss.",
    "Activation.activation": "Function applied to each value, such as relu.",
    "alpha": "Limit that large negative inputs come to, as -alpha.",
    "antialias": "Blur before shrinking, so that fine patterns do not become coarse ones.",
    "attention_axes": "Axes that attention looks along, 1 being the first after the batch; "
    "null for all but the features.",
    "axes": "Axis to sum along, or [axis of the first input, axis of the second].",
    "axis": "Axis that holds the channels, or the features; -1 is the last, the batch is 0.",
    "LayerNormalization.axis": "Axis or axes to normalise along, each with its own scale and shift "
    "for every position; -1 is the last.",
    "RMSNormalization.axis": "Axis or axes to normalise along; -1 is the last.",
    "UnitNormalization.axis": "Axis or axes along which the length becomes 1; -1 is the last.",
    "Normalization.axis": "Axes with a mean and variance for each position; null for one of each.",
    "Softmax.axis": "Axis or axes along which the outputs sum to 1; -1 is the last.",
    "Concatenate.axis": "Axis to join along; -1 is the last, the batch is 0.",
    "bias_axes": "Letters of the output's axes that the bias has, such as 'd'; null for no bias.",
    "center": "Whether to add a learnt shift (beta).",
    "crop_to_aspect_ratio": "Whether to crop first, so that the picture is not distorted.",
    "cropping": "Rows to drop: one number, or one or [before, after] for each spatial axis.",
    "Cropping1D.cropping": "Steps to drop at both ends, or [before, after].",
    "data_format": "Whether the channels are the last axis or the first after the batch.",
    "depth_multiplier": "Outputs that each input channel gets.",
    "dilation_rate": "Distance between the inputs that neighbouring kernel values meet; 1 is next "
    "to each other.",
    "dims": "The input's axes in their new order; the first after the batch is 1.",
    "dropout": "Share of the attention weights, from 0 to 1, set to 0 in training.",
    "dtype": "Type that the layer computes in; null for the model's.",
    "epsilon": "Small number added to the variance, so that nothing is divided by 0.",
    "RMSNormalization.epsilon": "Small number added to the mean square, so that nothing is divided "
    "by 0.",
    "equation": "Axes of input, kernel and output, one letter each: 'abc,cd->abd'; `...` stands "
    "for axes left alone.",
    "factor": "How far to go, as a share: one number for both directions, or [lower, upper].",
    "RandomRotation.factor": "Angle as a share of a full turn: 0.1 is up to 36 degrees either way; "
    "or [lower, upper].",
    "RandomContrast.factor": "Contrast is multiplied by 1 - factor to 1 + factor; or "
    "[lower, upper].",
    "RandomBrightness.factor": "Shift of the pixels as a share of value_range; or [lower, upper].",
    "fill_mode": "What lies beyond the edges: reflect, wrap, constant (fill_value) or nearest.",
    "Resizing.fill_mode": "What the margins of pad_to_aspect_ratio hold: fill_value.",
    "fill_value": "Pixel value beyond the edges when fill_mode is constant.",
    "filters": "Channels of the output.",
    "groups": "Parts that channels and filters are split in, each convolved on its own.",
    "GroupNormalization.groups": "Parts that the channels are split in, each normalised on its "
    "own; -1 for one channel each.",
    "height": "Rows of the output, in pixels.",
    "height_factor": "Furthest shift up or down, as a share of the height; or [lower, upper], "
    "negative being up.",
    "RandomZoom.height_factor": "Zoom as a share of the height: positive shows more of the scene, "
    "negative less; or [lower, upper].",
    "input_dim": "Integers to tell apart: they are 0 to input_dim - 1.",
    "interpolation": "How values between pixels are found.",
    "invert": "Whether to undo the normalisation instead: multiply by the deviation, add the mean.",
    "keepdims": "Whether the pooled axes stay, with length 1.",
    "kernel_size": "Rows of the sliding window: one number, or one for each spatial axis.",
    "key_dim": "Features of each head's query and key.",
    "l1": "Factor of the sum of absolute outputs in the loss.",
    "l2": "Factor of the sum of squared outputs in the loss.",
    "mask_value": "Value that all features of a skipped step have.",
    "mask_zero": "Whether 0 means 'nothing here' and later layers skip it.",
    "max_value": "Largest output; null for no limit.",
    "mean": "Mean to subtract, one number or one for each position on axis; null to learn it from "
    "data beforehand.",
    "mode": "Whether to mirror left to right, upside down, or each at random.",
    "momentum": "Share of the moving averages kept at each training step; torch calls 1 minus it "
    "momentum.",
    "moving_mean_initializer": "Values that the moving mean starts from.",
    "moving_variance_initializer": "Values that the moving variance starts from.",
    "n": "Times that the vector is repeated.",
    "negative_slope": "Slope for values below 0, or below the threshold where there is one.",
    "noise_shape": "Shape of the pattern of zeros, the batch included: 1 drops along a whole axis, "
    "null takes the input's length.",
    "normalize": "Whether to scale both inputs to length 1 first, which gives the cosine.",
    "num_heads": "Attention heads, each with projections of its own.",
    "offset": "Number to add after multiplying, or one for each channel.",
    "output_dim": "Features of each vector.",
    "output_padding": "Rows added at the end of each spatial axis, fewer than its stride; null "
    "for what padding says.",
    "output_shape": "Lengths of the output's axes but the batch and those behind `...`; null for "
    "an unknown one.",
    "MultiHeadAttention.output_shape": "Features of the output; null for those of the query.",
    "output_size": "Rows of the output: one number, or one for each spatial axis.",
    "pad_to_aspect_ratio": "Whether to pad first, so that the picture is not distorted.",
    "padding": "valid keeps to the input; same adds zeros, so that stride 1 keeps the size.",
    "Conv1D.padding": "valid keeps to the input; same adds zeros, so that stride 1 keeps the "
    "length; causal adds them before the start only.",
    "ZeroPadding1D.padding": "Steps of zeros at both ends, or [before, after].",
    "ZeroPadding2D.padding": "Rows of zeros: one number, or one or [before, after] for each "
    "spatial axis.",
    "ZeroPadding3D.padding": "Rows of zeros: one number, or one or [before, after] for each "
    "spatial axis.",
    "pool_size": "Rows of the sliding window: one number, or one for each spatial axis.",
    "rate": "Share of the values, from 0 to 1, set to 0; the others grow to keep the sum.",
    "SpatialDropout1D.rate": "Share of the channels, from 0 to 1, set to 0.",
    "SpatialDropout2D.rate": "Share of the channels, from 0 to 1, set to 0.",
    "SpatialDropout3D.rate": "Share of the channels, from 0 to 1, set to 0.",
    "AlphaDropout.rate": "Share of the values, from 0 to 1, dropped; mean and variance stay.",
    "GaussianDropout.rate": "Strength of the noise, whose deviation is sqrt(rate / (1 - rate)).",
    "scale": "Whether to multiply by a learnt scale (gamma).",
    "Rescaling.scale": "Number to multiply by, or one for each channel: 1/255 is 0.00392156862745.",
    "score_mode": "dot compares by the product of query and key, concat by tanh of their sum.",
    "seed": "Seed of the layer's random numbers; null takes a new one in each run.",
    "shared_axes": "Axes along which one slope serves all positions, 1 being the first after the "
    "batch.",
    "size": "Times that each row is repeated: one number, or one for each spatial axis.",
    "sliding_window": "Attend to positions fewer than this many steps away; null for all.",
    "stddev": "Standard deviation of the noise, from 0 to 1.",
    "strides": "Rows the window moves at a time: one number, or one for each spatial axis.",
    "Conv1DTranspose.strides": "Times that the length grows.",
    "Conv2DTranspose.strides": "Times that each spatial axis grows: one number, or one for each.",
    "Conv3DTranspose.strides": "Times that each spatial axis grows: one number, or one for each.",
    "MaxPooling1D.strides": "Steps the window moves at a time; null for pool_size.",
    "MaxPooling2D.strides": "Rows the window moves at a time, one number or one for each spatial "
    "axis; null for pool_size.",
    "MaxPooling3D.strides": "Rows the window moves at a time, one number or one for each spatial "
    "axis; null for pool_size.",
    "AveragePooling1D.strides": "Steps the window moves at a time; null for pool_size.",
    "AveragePooling2D.strides": "Rows the window moves at a time, one number or one for each "
    "spatial axis; null for pool_size.",
    "AveragePooling3D.strides": "Rows the window moves at a time, one number or one for each "
    "spatial axis; null for pool_size.",
    "synchronized": "Whether the devices of a distributed run share their batch statistics.",
    "target_shape": "Lengths of the new axes but the batch; -1 for the one that follows from the "
    "others.",
    "threshold": "Value from which on the input is passed through.",
    "trainable": "Whether training changes the weights; false freezes them.",
    "units": "Features of the output.",
    "use_bias": "Whether to add a learnt number to each output channel.",
    "use_gate": "Whether each head's output is scaled by a learnt gate from the query.",
    "use_scale": "Whether to multiply the scores by learnt numbers.",
    "value_dim": "Features of each head's value; null for key_dim.",
    "value_range": "[lowest, highest] value that pixels can have.",
    "variance": "Variance to divide by, given together with mean.",
    "width": "Columns of the output, in pixels.",
    "width_factor": "Furthest shift left or right, as a share of the width; or [lower, upper], "
    "negative being left.",
    "RandomZoom.width_factor": "Zoom as a share of the width; null for the same as the height.",
}
