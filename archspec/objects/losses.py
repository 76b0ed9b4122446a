"""Define losses: functions that training minimizes."""

from __future__ import annotations

from typing import Annotated as A
from typing import Any

from archspec.arguments import (
    AXES,
    BOOLEAN,
    INTEGER,
    NON_NEGATIVE,
    NUMBER,
    NUMBERS,
    POSITIVE_NUMBER,
    UNIT_INTERVAL,
    choice,
    number,
    optional,
)
from archspec.objects.kinds import Kind, entries

Reduction = A[
    str | None,
    choice("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None),
    "How the losses of a batch become one: their mean, their sum, or none.",
]
# Metrics have these arguments, too.
FromLogits = A[
    bool,
    BOOLEAN,
    "Whether the network's outputs are raw scores, on which softmax or sigmoid is still due.",
]
LabelSmoothing = A[
    float, UNIT_INTERVAL, "Share of each label, from 0 to 1, that is spread over all classes."
]
ClassAxis = A[int, INTEGER, "Axis of the classes; -1 is the last."]
VectorAxis = A[int, INTEGER, "Axis of the vectors that are compared; -1 is the last."]
IgnoreClass = A[int | None, optional(INTEGER), "Label that counts nothing; null for none."]

SumAxes = A[Any, optional(AXES), "Axes of one sample's sums; null for all."]
Gamma = A[float, NON_NEGATIVE, "Power by which easy samples count less; 0 for the plain loss."]
CLASS_WEIGHT = "Weight of the class, or of each class."


def loss(*, reduction: Reduction = "sum_over_batch_size") -> None: ...


def crossentropy(
    *,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    axis: ClassAxis = -1,
    reduction: Reduction = "sum_over_batch_size",
) -> None: ...


def binary_focal_crossentropy(
    *,
    apply_class_balancing: A[
        bool, BOOLEAN, "Whether the two classes get the weights alpha and 1 - alpha."
    ] = False,
    alpha: A[float, NUMBER, CLASS_WEIGHT] = 0.25,
    gamma: Gamma = 2.0,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    axis: ClassAxis = -1,
    reduction: Reduction = "sum_over_batch_size",
) -> None: ...


def categorical_focal_crossentropy(
    *,
    alpha: A[Any, NUMBERS, CLASS_WEIGHT] = 0.25,
    gamma: Gamma = 2.0,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    axis: ClassAxis = -1,
    reduction: Reduction = "sum_over_batch_size",
) -> None: ...


def sparse_categorical_crossentropy(
    *,
    from_logits: FromLogits = False,
    ignore_class: IgnoreClass = None,
    reduction: Reduction = "sum_over_batch_size",
    axis: ClassAxis = -1,
) -> None: ...


INSIDE = number("a number between 0 and 1, both left out", exclusiveMinimum=0, exclusiveMaximum=1)


def generalized_cross_entropy(
    *,
    q: A[float, INSIDE, "0 comes to cross-entropy, 1 to the mean absolute error."] = 0.5,
    reduction: Reduction = "sum_over_batch_size",
) -> None: ...


def circle(
    *,
    gamma: A[float, NUMBER, "Factor of the similarities."] = 80.0,
    margin: A[float, NUMBER, "How far similarities must be on the right side."] = 0.4,
    remove_diagonal: A[bool, BOOLEAN, "Whether a sample is not compared with itself."] = True,
    reduction: Reduction = "sum_over_batch_size",
) -> None: ...


def cosine_similarity(
    *, axis: VectorAxis = -1, reduction: Reduction = "sum_over_batch_size"
) -> None: ...


def dice(*, reduction: Reduction = "sum_over_batch_size", axis: SumAxes = None) -> None: ...


def huber(
    *,
    delta: A[
        float, POSITIVE_NUMBER, "Error from which on the loss is a line instead of a square."
    ] = 1.0,
    reduction: Reduction = "sum_over_batch_size",
) -> None: ...


def tversky(
    *,
    alpha: A[float, NUMBER, "Weight of false positives."] = 0.5,
    beta: A[float, NUMBER, "Weight of false negatives."] = 0.5,
    reduction: Reduction = "sum_over_batch_size",
    axis: SumAxes = None,
) -> None: ...


# Short names that Keras has for losses and for the metrics of the same classes.
SHORT_NAMES = {
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "mse": "MeanSquaredError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
}

LOSSES = Kind(
    "loss",
    "a loss",
    {
        **entries(crossentropy, "BinaryCrossentropy", "CategoricalCrossentropy"),
        **entries(sparse_categorical_crossentropy, "SparseCategoricalCrossentropy"),
        **entries(binary_focal_crossentropy, "BinaryFocalCrossentropy"),
        **entries(categorical_focal_crossentropy, "CategoricalFocalCrossentropy"),
        **entries(generalized_cross_entropy, "CategoricalGeneralizedCrossEntropy"),
        **entries(circle, "Circle"),
        **entries(cosine_similarity, "CosineSimilarity"),
        **entries(dice, "Dice"),
        **entries(huber, "Huber"),
        **entries(tversky, "Tversky"),
        **entries(loss, "CategoricalHinge", "Hinge", "SquaredHinge", "KLDivergence", "LogCosh"),
        **entries(loss, "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError"),
        **entries(loss, "MeanSquaredLogarithmicError", "Poisson", "CTC"),
    },
    {**SHORT_NAMES, "kld": "KLDivergence"},
)
