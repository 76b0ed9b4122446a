"""Objects that arguments name: initializers, regularizers, constraints, activations, and the
recipe's optimizers, schedules, losses, metrics and callbacks.

In a spec an object is a name, or a name with arguments: `he_normal`, `{TruncatedNormal: {stddev:
0.1}}`. The tables here are closed, as that of layers is: a function without a body states the
arguments of one Keras class, and its names are Keras's, in CamelCase or snake_case, or one of
Keras's short ones (`mse`). The normal form is the table's name, or {name: {the arguments that
differ from the default}}.

    >>> read("initializer", "he_normal")
    'HeNormal'
    >>> read("initializer", {"TruncatedNormal": {"mean": 0, "stddev": 0.1}})
    {'TruncatedNormal': {'stddev': 0.1}}
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated as A
from typing import Any

from archspec import foreign
from archspec.arguments import (
    AXES,
    BOOLEAN,
    COUNT,
    INTEGER,
    NON_NEGATIVE,
    NUMBER,
    NUMBERS,
    POSITIVE,
    POSITIVE_NUMBER,
    SEED,
    TEXT,
    UNIT_INTERVAL,
    Argument,
    Contract,
    Sizes,
    Type,
    bind,
    choice,
    contract,
    integer,
    listing,
    number,
    optional,
    show,
)
from archspec.errors import AtArgument, Refused, Unfit, did_you_mean

Table = Mapping[str, Mapping[str, Argument]]


def nothing() -> None: ...


def _table(function: Callable[..., None], *names: str) -> dict[str, Mapping[str, Argument]]:
    """The entries of several objects with the same arguments."""
    return dict.fromkeys(names, contract(function))


# --- initializers --------------------------------------------------------------------------------


def seeded(*, seed: A[int | None, SEED] = None) -> None: ...


def normal(
    *,
    mean: A[float, NUMBER] = 0.0,
    stddev: A[float, NON_NEGATIVE] = 0.05,
    seed: A[int | None, SEED] = None,
) -> None: ...


def uniform(
    *,
    minval: A[float, NUMBER] = -0.05,
    maxval: A[float, NUMBER] = 0.05,
    seed: A[int | None, SEED] = None,
) -> None: ...


def variance_scaling(
    *,
    scale: A[float, POSITIVE_NUMBER] = 1.0,
    mode: A[str, choice("fan_in", "fan_out", "fan_avg")] = "fan_in",
    distribution: A[
        str, choice("truncated_normal", "untruncated_normal", "uniform")
    ] = "truncated_normal",
    seed: A[int | None, SEED] = None,
) -> None: ...


def orthogonal(*, gain: A[float, NUMBER] = 1.0, seed: A[int | None, SEED] = None) -> None: ...


def identity(*, gain: A[float, NUMBER] = 1.0) -> None: ...


def constant(*, value: A[float, NUMBER] = 0.0) -> None: ...


INITIALIZERS: Table = {
    **_table(constant, "Constant"),
    **_table(nothing, "Ones", "Zeros"),
    **_table(seeded, "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform"),
    **_table(seeded, "LecunNormal", "LecunUniform"),
    **_table(normal, "RandomNormal", "TruncatedNormal"),
    **_table(uniform, "RandomUniform"),
    **_table(variance_scaling, "VarianceScaling"),
    **_table(orthogonal, "Orthogonal"),
    **_table(identity, "Identity"),
}

# --- regularizers and constraints ----------------------------------------------------------------


def l1(*, l1: A[float, NON_NEGATIVE] = 0.01) -> None: ...


def l2(*, l2: A[float, NON_NEGATIVE] = 0.01) -> None: ...


def l1_l2(*, l1: A[float, NON_NEGATIVE] = 0.0, l2: A[float, NON_NEGATIVE] = 0.0) -> None: ...


def orthogonal_regularizer(
    *,
    factor: A[float, NON_NEGATIVE] = 0.01,
    mode: A[str, choice("rows", "columns")] = "rows",
) -> None: ...


REGULARIZERS: Table = {
    **_table(l1, "L1"),
    **_table(l2, "L2"),
    **_table(l1_l2, "L1L2"),
    **_table(orthogonal_regularizer, "OrthogonalRegularizer"),
}


def max_norm(
    *, max_value: A[float, POSITIVE_NUMBER] = 2.0, axis: A[int | Sizes, AXES] = 0
) -> None: ...


def min_max_norm(
    *,
    min_value: A[float, NON_NEGATIVE] = 0.0,
    max_value: A[float, NON_NEGATIVE] = 1.0,
    rate: A[float, UNIT_INTERVAL] = 1.0,
    axis: A[int | Sizes, AXES] = 0,
) -> None: ...


def unit_norm(*, axis: A[int | Sizes, AXES] = 0) -> None: ...


CONSTRAINTS: Table = {
    **_table(max_norm, "MaxNorm"),
    **_table(min_max_norm, "MinMaxNorm"),
    **_table(nothing, "NonNeg"),
    **_table(unit_norm, "UnitNorm"),
}

# --- activations ---------------------------------------------------------------------------------


def relu(
    *,
    negative_slope: A[float, NON_NEGATIVE] = 0.0,
    max_value: A[float | None, optional(NON_NEGATIVE)] = None,
    threshold: A[float, NON_NEGATIVE] = 0.0,
) -> None: ...


def leaky_relu(*, negative_slope: A[float, NON_NEGATIVE] = 0.2) -> None: ...


def elu(*, alpha: A[float, NUMBER] = 1.0) -> None: ...


def softmax(*, axis: A[int, INTEGER] = -1) -> None: ...


ACTIVATIONS: Table = {
    **_table(elu, "elu"),
    **_table(leaky_relu, "leaky_relu"),
    **_table(relu, "relu"),
    **_table(softmax, "softmax"),
    **_table(nothing, "celu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    **_table(nothing, "hard_tanh", "linear", "log_sigmoid", "log_softmax", "mish", "relu6"),
    **_table(nothing, "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign"),
    **_table(nothing, "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh"),
    **_table(nothing, "tanh_shrink"),
}

# An activation with arguments is this layer in Keras, which it takes as an activation and saves.
ACTIVATION_LAYERS = {"elu": "ELU", "leaky_relu": "LeakyReLU", "relu": "ReLU", "softmax": "Softmax"}

# --- schedules -----------------------------------------------------------------------------------


def cosine_decay(
    *,
    initial_learning_rate: A[float, NON_NEGATIVE],
    decay_steps: A[int, POSITIVE],
    alpha: A[float, NUMBER] = 0.0,
    warmup_target: A[float | None, optional(NON_NEGATIVE)] = None,
    warmup_steps: A[int, COUNT] = 0,
) -> None: ...


def cosine_decay_restarts(
    *,
    initial_learning_rate: A[float, NON_NEGATIVE],
    first_decay_steps: A[int, POSITIVE],
    t_mul: A[float, number("a number of at least 1", minimum=1)] = 2.0,
    m_mul: A[float, NON_NEGATIVE] = 1.0,
    alpha: A[float, NUMBER] = 0.0,
) -> None: ...


def rate_decay(
    *,
    initial_learning_rate: A[float, NON_NEGATIVE],
    decay_steps: A[int, POSITIVE],
    decay_rate: A[float, NON_NEGATIVE],
    staircase: A[bool, BOOLEAN] = False,
) -> None: ...


def piecewise_constant_decay(
    *,
    boundaries: A[Sizes, listing(COUNT, "a list of steps", minimum=1)],
    values: A[Any, listing(NON_NEGATIVE, "a list of learning rates", minimum=2)],
) -> None: ...


def polynomial_decay(
    *,
    initial_learning_rate: A[float, NON_NEGATIVE],
    decay_steps: A[int, POSITIVE],
    end_learning_rate: A[float, NON_NEGATIVE] = 0.0001,
    power: A[float, NON_NEGATIVE] = 1.0,
    cycle: A[bool, BOOLEAN] = False,
) -> None: ...


SCHEDULES: Table = {
    **_table(cosine_decay, "CosineDecay"),
    **_table(cosine_decay_restarts, "CosineDecayRestarts"),
    **_table(rate_decay, "ExponentialDecay", "InverseTimeDecay"),
    **_table(piecewise_constant_decay, "PiecewiseConstantDecay"),
    **_table(polynomial_decay, "PolynomialDecay"),
}

# --- optimizers ----------------------------------------------------------------------------------

RATE = number("a number of at least 0", minimum=0)
LEARNING_RATE = Type(
    "a number of at least 0 or a schedule",
    {"anyOf": [RATE.schema, {"type": ["string", "object"]}]},
    lambda value: read("schedule", value) if isinstance(value, str | dict) else RATE.normal(value),
    "schedule",
)
CLIP = optional(POSITIVE_NUMBER)
OVERWRITE = optional(POSITIVE)
ACCUMULATION = optional(integer("an integer of at least 2", minimum=2))
NEGATIVE = number("a number of at most 0", maximum=0)
INSIDE = number("a number between 0 and 1", exclusiveMinimum=0, exclusiveMaximum=1)
DECAY = number("a number of at least 0 and below 1", minimum=0, exclusiveMaximum=1)


def common(
    *,
    clipnorm: A[float | None, CLIP] = None,
    clipvalue: A[float | None, CLIP] = None,
    global_clipnorm: A[float | None, CLIP] = None,
    use_ema: A[bool, BOOLEAN] = False,
    ema_momentum: A[float, UNIT_INTERVAL] = 0.99,
    ema_overwrite_frequency: A[int | None, OVERWRITE] = None,
    loss_scale_factor: A[float | None, optional(POSITIVE_NUMBER)] = None,
    gradient_accumulation_steps: A[int | None, ACCUMULATION] = None,
) -> None: ...


def decayed(*, weight_decay: A[float | None, optional(NON_NEGATIVE)] = None) -> None: ...


def sgd(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.01,
    momentum: A[float, UNIT_INTERVAL] = 0.0,
    nesterov: A[bool, BOOLEAN] = False,
) -> None: ...


def rmsprop(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    rho: A[float, UNIT_INTERVAL] = 0.9,
    momentum: A[float, UNIT_INTERVAL] = 0.0,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
    centered: A[bool, BOOLEAN] = False,
) -> None: ...


def adam(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    beta_1: A[float, DECAY] = 0.9,
    beta_2: A[float, DECAY] = 0.999,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
    amsgrad: A[bool, BOOLEAN] = False,
) -> None: ...


def adamw(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    weight_decay: A[float, NON_NEGATIVE] = 0.004,
    beta_1: A[float, DECAY] = 0.9,
    beta_2: A[float, DECAY] = 0.999,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
    amsgrad: A[bool, BOOLEAN] = False,
) -> None: ...


def adamax(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    beta_1: A[float, DECAY] = 0.9,
    beta_2: A[float, DECAY] = 0.999,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
) -> None: ...


def adadelta(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    rho: A[float, UNIT_INTERVAL] = 0.95,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
) -> None: ...


def adafactor(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    beta_2_decay: A[float, NEGATIVE] = -0.8,
    epsilon_1: A[float, NON_NEGATIVE] = 1e-30,
    epsilon_2: A[float, NON_NEGATIVE] = 0.001,
    clip_threshold: A[float, POSITIVE_NUMBER] = 1.0,
    relative_step: A[bool, BOOLEAN] = True,
) -> None: ...


def adagrad(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    initial_accumulator_value: A[float, NON_NEGATIVE] = 0.1,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
) -> None: ...


def ftrl(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    learning_rate_power: A[float, NEGATIVE] = -0.5,
    initial_accumulator_value: A[float, NON_NEGATIVE] = 0.1,
    l1_regularization_strength: A[float, NON_NEGATIVE] = 0.0,
    l2_regularization_strength: A[float, NON_NEGATIVE] = 0.0,
    l2_shrinkage_regularization_strength: A[float, NON_NEGATIVE] = 0.0,
    beta: A[float, NUMBER] = 0.0,
) -> None: ...


def lion(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    beta_1: A[float, number("a number above 0 and up to 1", exclusiveMinimum=0, maximum=1)] = 0.9,
    beta_2: A[float, DECAY] = 0.99,
) -> None: ...


def muon(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.001,
    adam_beta_1: A[float, DECAY] = 0.9,
    adam_beta_2: A[float, DECAY] = 0.999,
    adam_weight_decay: A[float, NON_NEGATIVE] = 0.004,
    epsilon: A[float, NON_NEGATIVE] = 1e-07,
    weight_decay: A[float, NON_NEGATIVE] = 0.004,
    exclude_embeddings: A[bool, BOOLEAN] = True,
    muon_a: A[float, NUMBER] = 3.4445,
    muon_b: A[float, NUMBER] = -4.775,
    muon_c: A[float, NUMBER] = 2.0315,
    adam_lr_ratio: A[float, NON_NEGATIVE] = 1.0,
    momentum: A[float, UNIT_INTERVAL] = 0.95,
    ns_steps: A[int, integer("an integer from 1 to 100", minimum=1, maximum=100)] = 5,
    nesterov: A[bool, BOOLEAN] = True,
    rms_rate: A[float, NON_NEGATIVE] = 0.2,
) -> None: ...


def schedule_free_adamw(
    *,
    learning_rate: A[Any, LEARNING_RATE] = 0.0025,
    beta_1: A[float, INSIDE] = 0.9,
    beta_2: A[float, DECAY] = 0.999,
    epsilon: A[float, NON_NEGATIVE] = 1e-08,
    warmup_steps: A[int, COUNT] = 0,
) -> None: ...


def _optimizer(function: Callable[..., None], *names: str) -> dict[str, Mapping[str, Argument]]:
    def make() -> dict[str, Argument]:
        own = contract(function)
        every = {**contract(decayed), **own, **contract(common)} | dict(own)
        return dict(sorted(every.items(), key=lambda item: item[0] != "learning_rate"))

    return dict.fromkeys(names, Contract(make))


OPTIMIZERS: Table = {
    **_optimizer(sgd, "SGD"),
    **_optimizer(rmsprop, "RMSprop"),
    **_optimizer(adam, "Adam"),
    **_optimizer(adamw, "AdamW"),
    **_optimizer(adamax, "Adamax", "Lamb", "Nadam"),
    **_optimizer(adadelta, "Adadelta"),
    **_optimizer(adafactor, "Adafactor"),
    **_optimizer(adagrad, "Adagrad"),
    **_optimizer(ftrl, "Ftrl"),
    **_optimizer(lion, "Lion"),
    **_optimizer(muon, "Muon"),
    **_optimizer(schedule_free_adamw, "ScheduleFreeAdamW"),
}

# --- losses --------------------------------------------------------------------------------------

REDUCTION = choice("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def loss(*, reduction: A[str | None, REDUCTION] = "sum_over_batch_size") -> None: ...


def crossentropy(
    *,
    from_logits: A[bool, BOOLEAN] = False,
    label_smoothing: A[float, UNIT_INTERVAL] = 0.0,
    axis: A[int, INTEGER] = -1,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def binary_focal_crossentropy(
    *,
    apply_class_balancing: A[bool, BOOLEAN] = False,
    alpha: A[float, NUMBER] = 0.25,
    gamma: A[float, NON_NEGATIVE] = 2.0,
    from_logits: A[bool, BOOLEAN] = False,
    label_smoothing: A[float, UNIT_INTERVAL] = 0.0,
    axis: A[int, INTEGER] = -1,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def categorical_focal_crossentropy(
    *,
    alpha: A[Any, NUMBERS] = 0.25,
    gamma: A[float, NON_NEGATIVE] = 2.0,
    from_logits: A[bool, BOOLEAN] = False,
    label_smoothing: A[float, UNIT_INTERVAL] = 0.0,
    axis: A[int, INTEGER] = -1,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def sparse_categorical_crossentropy(
    *,
    from_logits: A[bool, BOOLEAN] = False,
    ignore_class: A[int | None, optional(INTEGER)] = None,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
    axis: A[int, INTEGER] = -1,
) -> None: ...


def generalized_cross_entropy(
    *,
    q: A[
        float,
        number("a number between 0 and 1, both left out", exclusiveMinimum=0, exclusiveMaximum=1),
    ] = 0.5,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def circle(
    *,
    gamma: A[float, NUMBER] = 80.0,
    margin: A[float, NUMBER] = 0.4,
    remove_diagonal: A[bool, BOOLEAN] = True,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def cosine_similarity(
    *,
    axis: A[int, INTEGER] = -1,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def dice(
    *,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
    axis: A[Any, optional(AXES)] = None,
) -> None: ...


def huber(
    *,
    delta: A[float, POSITIVE_NUMBER] = 1.0,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
) -> None: ...


def tversky(
    *,
    alpha: A[float, NUMBER] = 0.5,
    beta: A[float, NUMBER] = 0.5,
    reduction: A[str | None, REDUCTION] = "sum_over_batch_size",
    axis: A[Any, optional(AXES)] = None,
) -> None: ...


LOSSES: Table = {
    **_table(crossentropy, "BinaryCrossentropy", "CategoricalCrossentropy"),
    **_table(sparse_categorical_crossentropy, "SparseCategoricalCrossentropy"),
    **_table(binary_focal_crossentropy, "BinaryFocalCrossentropy"),
    **_table(categorical_focal_crossentropy, "CategoricalFocalCrossentropy"),
    **_table(generalized_cross_entropy, "CategoricalGeneralizedCrossEntropy"),
    **_table(circle, "Circle"),
    **_table(cosine_similarity, "CosineSimilarity"),
    **_table(dice, "Dice"),
    **_table(huber, "Huber"),
    **_table(tversky, "Tversky"),
    **_table(loss, "CategoricalHinge", "Hinge", "SquaredHinge", "KLDivergence", "LogCosh"),
    **_table(loss, "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError"),
    **_table(loss, "MeanSquaredLogarithmicError", "Poisson", "CTC"),
}

# --- metrics -------------------------------------------------------------------------------------

NAME = optional(Type("a name", {"type": "string", "minLength": 1}))
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


SHARES = listing(UNIT_INTERVAL, "a list of numbers from 0 to 1", minimum=1)


def named(*, name: A[str | None, NAME] = None) -> None: ...


def auc(
    *,
    num_thresholds: A[int, integer("an integer from 2 to 10,000", minimum=2, maximum=10_000)] = 200,
    curve: A[str, choice("ROC", "PR")] = "ROC",
    summation_method: A[str, choice("interpolation", "minoring", "majoring")] = "interpolation",
    name: A[str | None, NAME] = None,
    thresholds: A[Any, optional(SHARES)] = None,
    multi_label: A[bool, BOOLEAN] = False,
    num_labels: A[int | None, optional(POSITIVE)] = None,
    label_weights: A[Any, optional(NUMBERS)] = None,
    from_logits: A[bool, BOOLEAN] = False,
) -> None: ...


def binary_accuracy(
    *, name: A[str | None, NAME] = None, threshold: A[float, UNIT_INTERVAL] = 0.5
) -> None: ...


def crossentropy_metric(
    *,
    name: A[str | None, NAME] = None,
    from_logits: A[bool, BOOLEAN] = False,
    label_smoothing: A[float, UNIT_INTERVAL] = 0.0,
) -> None: ...


def categorical_crossentropy_metric(
    *,
    name: A[str | None, NAME] = None,
    from_logits: A[bool, BOOLEAN] = False,
    label_smoothing: A[float, UNIT_INTERVAL] = 0.0,
    axis: A[int, INTEGER] = -1,
) -> None: ...


def sparse_crossentropy_metric(
    *,
    name: A[str | None, NAME] = None,
    from_logits: A[bool, BOOLEAN] = False,
    ignore_class: A[int | None, optional(INTEGER)] = None,
    axis: A[int, INTEGER] = -1,
) -> None: ...


def along_axis(*, name: A[str | None, NAME] = None, axis: A[int, INTEGER] = -1) -> None: ...


BIT = integer("0 or 1", minimum=0, maximum=1)


def binary_iou(
    *,
    target_class_ids: A[Sizes, listing(BIT, "a list of 0 and 1", minimum=1)] = (0, 1),
    threshold: A[float, NUMBER] = 0.5,
    name: A[str | None, NAME] = None,
) -> None: ...


AVERAGE = choice(None, "micro", "macro", "weighted")
CUT = optional(number("a number above 0 and up to 1", exclusiveMinimum=0, maximum=1))


def f1_score(
    *,
    average: A[str | None, AVERAGE] = None,
    threshold: A[float | None, CUT] = None,
    name: A[str | None, NAME] = None,
) -> None: ...


def fbeta_score(
    *,
    average: A[str | None, AVERAGE] = None,
    beta: A[float, POSITIVE_NUMBER] = 1.0,
    threshold: A[float | None, CUT] = None,
    name: A[str | None, NAME] = None,
) -> None: ...


def counted(
    *, thresholds: A[Any, optional(THRESHOLDS)] = None, name: A[str | None, NAME] = None
) -> None: ...


def precision_or_recall(
    *,
    thresholds: A[Any, optional(THRESHOLDS)] = None,
    top_k: A[int | None, optional(POSITIVE)] = None,
    class_id: A[int | None, optional(COUNT)] = None,
    name: A[str | None, NAME] = None,
) -> None: ...


def mean_iou(
    *,
    num_classes: A[int, POSITIVE],
    name: A[str | None, NAME] = None,
    ignore_class: A[int | None, optional(INTEGER)] = None,
    sparse_y_true: A[bool, BOOLEAN] = True,
    sparse_y_pred: A[bool, BOOLEAN] = True,
    axis: A[int, INTEGER] = -1,
) -> None: ...


def one_hot_mean_iou(
    *,
    num_classes: A[int, POSITIVE],
    name: A[str | None, NAME] = None,
    ignore_class: A[int | None, optional(INTEGER)] = None,
    sparse_y_pred: A[bool, BOOLEAN] = False,
    axis: A[int, INTEGER] = -1,
) -> None: ...


def r2_score(
    *,
    class_aggregation: A[
        str | None, choice("uniform_average", "variance_weighted_average", None)
    ] = "uniform_average",
    num_regressors: A[int, COUNT] = 0,
    name: A[str | None, NAME] = None,
) -> None: ...


def top_k(*, k: A[int, POSITIVE] = 5, name: A[str | None, NAME] = None) -> None: ...


def sparse_top_k(
    *,
    k: A[int, POSITIVE] = 5,
    name: A[str | None, NAME] = None,
    from_sorted_ids: A[bool, BOOLEAN] = False,
) -> None: ...


METRICS: Table = {
    # Keras's own short name, for which it takes the kind that fits the loss and the labels.
    **_table(nothing, "accuracy"),
    **_table(auc, "AUC"),
    **_table(binary_accuracy, "BinaryAccuracy"),
    **_table(crossentropy_metric, "BinaryCrossentropy"),
    **_table(categorical_crossentropy_metric, "CategoricalCrossentropy"),
    **_table(sparse_crossentropy_metric, "SparseCategoricalCrossentropy"),
    **_table(named, "CategoricalAccuracy", "SparseCategoricalAccuracy", "CategoricalHinge"),
    **_table(named, "Hinge", "SquaredHinge", "KLDivergence", "LogCoshError", "Poisson"),
    **_table(named, "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError"),
    **_table(named, "MeanSquaredLogarithmicError", "RootMeanSquaredError"),
    **_table(along_axis, "ConcordanceCorrelation", "CosineSimilarity", "PearsonCorrelation"),
    **_table(binary_iou, "BinaryIoU"),
    **_table(mean_iou, "MeanIoU"),
    **_table(one_hot_mean_iou, "OneHotMeanIoU"),
    **_table(f1_score, "F1Score"),
    **_table(fbeta_score, "FBetaScore"),
    **_table(counted, "FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"),
    **_table(precision_or_recall, "Precision", "Recall"),
    **_table(r2_score, "R2Score"),
    **_table(top_k, "TopKCategoricalAccuracy"),
    **_table(sparse_top_k, "SparseTopKCategoricalAccuracy"),
}

# --- callbacks -----------------------------------------------------------------------------------

MODE = choice("auto", "min", "max")


def early_stopping(
    *,
    monitor: A[str, TEXT] = "val_loss",
    min_delta: A[float, NUMBER] = 0.0,
    patience: A[int, COUNT] = 0,
    verbose: A[int, COUNT] = 0,
    mode: A[str, MODE] = "auto",
    baseline: A[float | None, optional(NUMBER)] = None,
    restore_best_weights: A[bool, BOOLEAN] = False,
    start_from_epoch: A[int, COUNT] = 0,
) -> None: ...


def reduce_lr_on_plateau(
    *,
    monitor: A[str, TEXT] = "val_loss",
    factor: A[
        float, number("a number of at least 0 and below 1", minimum=0, exclusiveMaximum=1)
    ] = 0.1,
    patience: A[int, COUNT] = 10,
    verbose: A[int, COUNT] = 0,
    mode: A[str, MODE] = "auto",
    min_delta: A[float, NON_NEGATIVE] = 0.0001,
    cooldown: A[int, COUNT] = 0,
    min_lr: A[float, NON_NEGATIVE] = 0.0,
) -> None: ...


def terminate_on_nan(*, raise_error: A[bool, BOOLEAN] = False) -> None: ...


CALLBACKS: Table = {
    **_table(early_stopping, "EarlyStopping"),
    **_table(reduce_lr_on_plateau, "ReduceLROnPlateau"),
    **_table(terminate_on_nan, "TerminateOnNaN"),
}

# --- kinds ---------------------------------------------------------------------------------------

TABLES: dict[str, Table] = {
    "initializer": INITIALIZERS,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
    "activation": ACTIVATIONS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "metric": METRICS,
    "callback": CALLBACKS,
}

ERRORS = {
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "mse": "MeanSquaredError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
}
# Keras's other names for entries of the tables.
ALIASES: dict[str, Mapping[str, str]] = {
    "initializer": {
        "normal": "RandomNormal",
        "uniform": "RandomUniform",
        "one": "Ones",
        "zero": "Zeros",
        "identity_initializer": "Identity",
        "orthogonal_initializer": "Orthogonal",
    },
    "activation": {"swish": "silu", "hard_swish": "hard_silu"},
    "loss": {**ERRORS, "kld": "KLDivergence"},
    "metric": {**ERRORS, "acc": "accuracy"},
}

WORDS = {
    "initializer": "an initializer",
    "regularizer": "a regularizer",
    "constraint": "a constraint",
    "activation": "an activation",
    "optimizer": "an optimizer",
    "schedule": "a schedule",
    "loss": "a loss",
    "metric": "a metric",
    "callback": "a callback",
}


def meant(kind: str, word: str) -> str | None:
    """A hint for a name that the table of a kind lacks: what others mean by it, or one like it."""
    other = foreign.OBJECTS.get(kind, {}).get(_folded(word))
    return other or did_you_mean(word, [*TABLES[kind], *ALIASES.get(kind, ())])


def canonical(kind: str, name: str) -> str | None:
    """The table's spelling of a name (`he_normal` is `HeNormal`), or None if it has none such."""
    return _spellings(kind).get(_folded(name))


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


def snake_case(name: str) -> str:
    """A name as Keras writes it in snake_case: `HeNormal` is `he_normal`."""
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


@cache
def _spellings(kind: str) -> dict[str, str]:
    names = {name: name for name in TABLES[kind]} | dict(ALIASES.get(kind, {}))
    return {_folded(other): name for other, name in names.items()}


def read(kind: str, value: Any) -> Any:
    """The normal form of an object: its name, or {name: the arguments that are not the default}.

    None and `linear` are None. Raises `Refused` for a name or an argument that the table lacks.
    """
    if value is None:
        return None
    given: Any = None
    word = value
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise Unfit(
                f"must be {WORDS[kind]}, written as a name or as {{Name: {{arguments}}}}, "
                f"got {len(value)} keys: {show(value)}",
                code="unknown-object",
            )
        ((word, given),) = value.items()
    name = canonical(kind, word) if isinstance(word, str) else None
    if name is None:
        hint = meant(kind, word) if isinstance(word, str) else None
        raise Unfit(
            f"must be {WORDS[kind]}, got {show(word)}",
            code="unknown-object",
            hint=hint or f"{WORDS[kind]} is one of {', '.join(TABLES[kind])}",
        )
    arguments = TABLES[kind][name]
    if given is None:
        given = {}
    elif not isinstance(given, Mapping):  # the value of the first argument
        if not arguments:
            raise Refused(f"{name} takes no arguments, got {show(given)}", code="unknown-argument")
        given = {next(iter(arguments)): given}
    bound = bind(name, arguments, given)
    _check(name, bound)
    differing = {key: each for key, each in bound.items() if each != arguments[key].default}
    if name == "linear":
        return None
    return {name: differing} if differing else name


def _check(name: str, bound: Mapping[str, Any]) -> None:
    """Refuse values that are valid alone and not together."""
    clips = [key for key in ("clipnorm", "clipvalue", "global_clipnorm") if bound.get(key)]
    if len(clips) > 1:
        raise Refused(f"{name} clips in one way, got {' and '.join(clips)}", AtArgument(clips[1]))
    if name == "PiecewiseConstantDecay" and len(bound["values"]) != len(bound["boundaries"]) + 1:
        raise Refused(
            f"{name} wants one value more than boundaries, got {len(bound['values'])} and "
            f"{len(bound['boundaries'])}",
            AtArgument("values"),
        )
    if name == "MinMaxNorm" and bound["min_value"] > bound["max_value"]:
        low, high = bound["min_value"], bound["max_value"]
        raise Refused(f"{name} wants min_value up to max_value, got {low:g} and {high:g}")
    if name == "PiecewiseConstantDecay":
        steps = bound["boundaries"]
        if list(steps) != sorted(set(steps)):
            raise Refused(
                f"{name} wants boundaries that ascend, got {show(steps)}", AtArgument("boundaries")
            )
    if name == "AUC" and bound["num_labels"] and not bound["multi_label"]:
        raise Refused(
            f"{name} takes num_labels with multi_label: true only", AtArgument("num_labels")
        )


def kind(name: str) -> Type:
    """The type of an argument that holds such an object, or null."""
    return Type(f"{WORDS[name]} or null", {}, lambda value: read(name, value), name)


ACTIVATION = kind("activation")
CONSTRAINT = kind("constraint")
INITIALIZER = kind("initializer")
REGULARIZER = kind("regularizer")
