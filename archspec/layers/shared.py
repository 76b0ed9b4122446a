"""Define arguments that layers of several families have."""

from typing import Annotated as A
from typing import Any

from archspec.arguments import BOOLEAN, DATA_FORMAT, SEED
from archspec.objects import ACTIVATION

UseBias = A[
    bool,
    BOOLEAN,
    "Whether to add a learnt number to each output channel; needless before a BatchNormalization.",
]
Seed = A[
    int | None,
    SEED,
    "Seed of the layer's random numbers; null takes one that follows from the run's.",
]
DataFormat = A[
    str,
    DATA_FORMAT,
    "Whether the channels are the last axis or the first after the batch; TensorFlow on a CPU "
    "runs most layers with channels_last only.",
]
OutputActivation = A[
    Any, ACTIVATION, "Function applied to the output, such as relu; null leaves it as it is."
]
BETWEEN_PIXELS = (
    "How values between pixels are found: nearest takes the closest pixel, bilinear a mean "
    "of the four around, weighted by closeness."
)
