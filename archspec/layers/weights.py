"""Define the arguments of a layer's weights: initializer, regularizer and constraint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from archspec.arguments import Argument, Included
from archspec.objects import CONSTRAINT, INITIALIZER, REGULARIZER

# A weight -> what sentences call it, and the initializer that Keras gives it.
WEIGHTS = {
    "kernel": ("kernel", "GlorotUniform"),
    "bias": ("bias", "Zeros"),
    "depthwise": ("depthwise kernel (of each channel alone)", "GlorotUniform"),
    "pointwise": ("pointwise kernel (1x1, across the channels)", "GlorotUniform"),
    "embeddings": ("table of vectors", "RandomUniform"),
    "beta": ("learnt shift (beta)", "Zeros"),
    "gamma": ("learnt scale (gamma)", "Ones"),
    "alpha": ("slope below 0", "Zeros"),
    "moving_mean": ("moving mean", "Zeros"),
    "moving_variance": ("moving variance", "Ones"),
}
START = "Values that the {} starts from."
KERNEL_START = (
    "Values that the kernel starts from: HeNormal suits relu, GlorotUniform tanh, sigmoid and "
    "softmax."
)
PENALTY = "Penalty on the {}, added to the loss: L2 keeps it small, L1 brings it to 0."
RULE = "Rule that the {} is brought back to after each training step, such as NonNeg."
ACTIVITY = "Penalty on the layer's output, added to the loss."


def weights(
    *names: str,
    moving: tuple[str, ...] = (),
    activity: bool = False,
    before: str | None = None,
) -> Included:
    """Return the arguments of weights, for the signature of a rule.

    moving: weights that training does not learn, which have an initializer alone. activity: whether
    the layer's output has a regularizer, too. before: the argument that stands after them.
    """
    return Included(partial(_list_arguments, names, moving, activity), before)


def _list_arguments(
    names: tuple[str, ...], moving: tuple[str, ...], activity: bool
) -> Iterator[Argument]:
    """Yield the arguments of weights, in Keras's order: initializers, regularizers, constraints."""
    for name in (*names, *moving):
        words, initializer = WEIGHTS[name]
        doc = KERNEL_START if name == "kernel" else START.format(words)
        yield Argument(f"{name}_initializer", INITIALIZER, initializer, doc)
    for name in names:
        doc = PENALTY.format(WEIGHTS[name][0])
        yield Argument(f"{name}_regularizer", REGULARIZER, None, doc)
    if activity:
        yield Argument("activity_regularizer", REGULARIZER, None, ACTIVITY)
    for name in names:
        yield Argument(f"{name}_constraint", CONSTRAINT, None, RULE.format(WEIGHTS[name][0]))
