"""Define metrics: values that a training computes besides its loss."""

from __future__ import annotations

from typing import Annotated as A
from typing import Any

from archspec.arguments import (
    BOOLEAN,
    COUNT,
    INTEGER,
    NUMBER,
    NUMBERS,
    POSITIVE,
    POSITIVE_NUMBER,
    UNIT_INTERVAL,
    Sizes,
    Type,
    choice,
    integer,
    listing,
    number,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.objects.kinds import Kind, entries, nothing
from archspec.objects.losses import (
    SHORT_NAMES,
    ClassAxis,
    FromLogits,
    IgnoreClass,
    LabelSmoothing,
    VectorAxis,
)

Name = A[
    str | None,
    optional(Type("a name", {"type": "string", "minLength": 1})),
    "What the metric is called in tables; null for Keras's name.",
]


def named_metric(*, name: Name = None) -> None: ...


SHARES = listing(UNIT_INTERVAL, "a list of numbers from 0 to 1", minimum=1)


def auc(
    *,
    num_thresholds: A[
        int,
        integer("an integer from 2 to 10,000", minimum=2, maximum=10_000),
        "Points of the curve.",
    ] = 200,
    curve: A[
        str,
        choice("ROC", "PR"),
        "Receiver operating characteristic, or precision against recall.",
    ] = "ROC",
    summation_method: A[
        str,
        choice("interpolation", "minoring", "majoring"),
        "How the area between points is counted.",
    ] = "interpolation",
    name: Name = None,
    thresholds: A[
        Any,
        optional(SHARES),
        "Probabilities at which the curve is taken; null for evenly spread ones.",
    ] = None,
    multi_label: A[bool, BOOLEAN, "Whether each label has a curve of its own."] = False,
    num_labels: A[int | None, optional(POSITIVE), "Labels, when multi_label is true."] = None,
    label_weights: A[
        Any, optional(NUMBERS), "Weight of each label in the mean; null for equal ones."
    ] = None,
    from_logits: FromLogits = False,
) -> None:
    if num_labels and not multi_label:
        raise Refused("takes num_labels with multi_label: true only", AtArgument("num_labels"))


YES = "Probability from which on a prediction counts as yes."


def binary_accuracy(
    *, name: Name = None, threshold: A[float, UNIT_INTERVAL, YES] = 0.5
) -> None: ...


def crossentropy(
    *, name: Name = None, from_logits: FromLogits = False, label_smoothing: LabelSmoothing = 0.0
) -> None: ...


def categorical_crossentropy(
    *,
    name: Name = None,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    axis: ClassAxis = -1,
) -> None: ...


def sparse_categorical_crossentropy(
    *,
    name: Name = None,
    from_logits: FromLogits = False,
    ignore_class: IgnoreClass = None,
    axis: ClassAxis = -1,
) -> None: ...


def correlation(
    *,
    name: Name = None,
    axis: A[int, INTEGER, "Axis along which values are compared; -1 is the last."] = -1,
) -> None: ...


def cosine_similarity(*, name: Name = None, axis: VectorAxis = -1) -> None: ...


BIT = integer("0 or 1", minimum=0, maximum=1)


def binary_iou(
    *,
    target_class_ids: A[
        Sizes, listing(BIT, "a list of 0 and 1", minimum=1), "Classes whose overlap is averaged."
    ] = (0, 1),
    threshold: A[float, NUMBER, YES] = 0.5,
    name: Name = None,
) -> None: ...


Average = A[
    str | None,
    choice(None, "micro", "macro", "weighted"),
    "How the scores of classes become one; null for one score each.",
]
Cut = A[
    float | None,
    optional(number("a number above 0 and up to 1", exclusiveMinimum=0, maximum=1)),
    "Probability from which on a class counts as predicted; null for the largest alone.",
]


def f1_score(*, average: Average = None, threshold: Cut = None, name: Name = None) -> None: ...


def fbeta_score(
    *,
    average: Average = None,
    beta: A[float, POSITIVE_NUMBER, "Weight of recall against precision."] = 1.0,
    threshold: Cut = None,
    name: Name = None,
) -> None: ...


THRESHOLDS = Type(
    "a number from 0 to 1 or a list of them",
    {
        "anyOf": [
            UNIT_INTERVAL.schema,
            {"type": "array", "items": UNIT_INTERVAL.schema, "minItems": 1},
        ]
    },
    NUMBERS.normal,
)
Thresholds = A[
    Any,
    optional(THRESHOLDS),
    "Probabilities, from 0 to 1, from which on a prediction counts as yes; null for 0.5.",
]


def counted(*, thresholds: Thresholds = None, name: Name = None) -> None: ...


def precision_or_recall(
    *,
    thresholds: Thresholds = None,
    top_k: A[
        int | None,
        optional(POSITIVE),
        "How many of the likeliest classes count as predicted; null for thresholds.",
    ] = None,
    class_id: A[int | None, optional(COUNT), "Class to look at; null for all."] = None,
    name: Name = None,
) -> None: ...


NumClasses = A[int, POSITIVE, "Classes to tell apart."]
SparsePredictions = A[
    bool, BOOLEAN, "Whether predictions are integers instead of one number for each class."
]


def mean_iou(
    *,
    num_classes: NumClasses,
    name: Name = None,
    ignore_class: IgnoreClass = None,
    sparse_y_true: A[
        bool, BOOLEAN, "Whether labels are integers instead of one number for each class."
    ] = True,
    sparse_y_pred: SparsePredictions = True,
    axis: ClassAxis = -1,
) -> None: ...


def one_hot_mean_iou(
    *,
    num_classes: NumClasses,
    name: Name = None,
    ignore_class: IgnoreClass = None,
    sparse_y_pred: SparsePredictions = False,
    axis: ClassAxis = -1,
) -> None: ...


def r2_score(
    *,
    class_aggregation: A[
        str | None,
        choice("uniform_average", "variance_weighted_average", None),
        "How the scores of outputs become one; null for one score each.",
    ] = "uniform_average",
    num_regressors: A[
        int, COUNT, "Inputs of the model, for the adjusted score; 0 for the plain one."
    ] = 0,
    name: Name = None,
) -> None: ...


Hits = A[int, POSITIVE, "How many of the likeliest classes count as a hit."]


def top_k(*, k: Hits = 5, name: Name = None) -> None: ...


def sparse_top_k(
    *,
    k: Hits = 5,
    name: Name = None,
    from_sorted_ids: A[
        bool, BOOLEAN, "Whether predictions are class numbers, the likeliest first."
    ] = False,
) -> None: ...


METRICS = Kind(
    "metric",
    "a metric",
    {
        # Keras's own short name, for which it takes the kind that fits the loss and the labels.
        **entries(nothing, "accuracy"),
        **entries(auc, "AUC"),
        **entries(binary_accuracy, "BinaryAccuracy"),
        **entries(crossentropy, "BinaryCrossentropy"),
        **entries(categorical_crossentropy, "CategoricalCrossentropy"),
        **entries(sparse_categorical_crossentropy, "SparseCategoricalCrossentropy"),
        **entries(named_metric, "CategoricalAccuracy", "SparseCategoricalAccuracy"),
        **entries(named_metric, "CategoricalHinge", "Hinge", "SquaredHinge", "KLDivergence"),
        **entries(named_metric, "LogCoshError", "Poisson", "MeanAbsoluteError"),
        **entries(named_metric, "MeanAbsolutePercentageError", "MeanSquaredError"),
        **entries(named_metric, "MeanSquaredLogarithmicError", "RootMeanSquaredError"),
        **entries(correlation, "ConcordanceCorrelation"),
        **entries(cosine_similarity, "CosineSimilarity"),
        **entries(correlation, "PearsonCorrelation"),
        **entries(binary_iou, "BinaryIoU"),
        **entries(mean_iou, "MeanIoU"),
        **entries(one_hot_mean_iou, "OneHotMeanIoU"),
        **entries(f1_score, "F1Score"),
        **entries(fbeta_score, "FBetaScore"),
        **entries(counted, "FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"),
        **entries(precision_or_recall, "Precision", "Recall"),
        **entries(r2_score, "R2Score"),
        **entries(top_k, "TopKCategoricalAccuracy"),
        **entries(sparse_top_k, "SparseTopKCategoricalAccuracy"),
    },
    {**SHORT_NAMES, "acc": "accuracy"},
)
