"""Define optimizers, and the schedules that their learning rate may follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated as A
from typing import Any

from archspec.arguments import (
    BOOLEAN,
    COUNT,
    NON_NEGATIVE,
    NUMBER,
    POSITIVE,
    POSITIVE_NUMBER,
    UNIT_INTERVAL,
    Contract,
    Sizes,
    Type,
    integer,
    listing,
    number,
    optional,
    show,
)
from archspec.errors import AtArgument, Refused, Unfit
from archspec.objects.kinds import Kind, Object, entries, named
from archspec.syntax import formulas
from archspec.syntax.formulas import COUNTED

# --- schedules -----------------------------------------------------------------------------------


def _steps(words: str, minimum: int) -> Type:
    """Return the type of a number of steps, or of a formula that counts them in epochs."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return int(value)
        count_steps(value, 7, 1000)  # whatever these are, it must be a formula of them
        return value

    counted = {"type": "string", "pattern": "^="}
    schema = {"anyOf": [{"type": "integer", "minimum": minimum}, counted]}
    return Type(f"{words}, or a formula with {' and '.join(COUNTED)}", schema, read)


def count_steps(steps: int | str, epochs: int, per_epoch: int) -> int:
    """Return a number of steps, of which a formula may count the epochs.

    >>> count_steps("=epochs * steps_per_epoch // 2", 10, 300)
    1500
    """
    if not isinstance(steps, str):
        return steps
    found = formulas.evaluate(steps[1:], dict(zip(COUNTED, (epochs, per_epoch), strict=True)))
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        raise Unfit(
            f"must be a number of steps, got {show(found)} by {steps}", code="argument-value"
        )
    return round(found)


STEPS = _steps("a positive integer", 1)
STEPS_OR_NONE = _steps("an integer of at least 0", 0)

Start = A[float, NON_NEGATIVE, "Rate at step 0."]
DecaySteps = A[int, STEPS, "Training steps until the decay is complete, or has happened once."]
LastShare = A[float, NUMBER, "Share of the rate at which the decay ends."]
Staircase = A[bool, BOOLEAN, "Whether the rate falls once in decay_steps instead of at each step."]


def cosine_decay(
    *,
    initial_learning_rate: Start,
    decay_steps: DecaySteps,
    alpha: LastShare = 0.0,
    warmup_target: A[
        float | None,
        optional(NON_NEGATIVE),
        "Rate that is climbed to before the decay; null for no climb.",
    ] = None,
    warmup_steps: A[int, STEPS_OR_NONE, "Training steps of that climb."] = 0,
) -> None: ...


def cosine_decay_restarts(
    *,
    initial_learning_rate: Start,
    first_decay_steps: A[int, STEPS, "Training steps of the first decay."],
    t_mul: A[
        float,
        number("a number of at least 1", minimum=1),
        "Factor by which each decay is longer than the last.",
    ] = 2.0,
    m_mul: A[float, NON_NEGATIVE, "Factor by which each decay starts lower than the last."] = 1.0,
    alpha: LastShare = 0.0,
) -> None: ...


def exponential_decay(
    *,
    initial_learning_rate: Start,
    decay_steps: DecaySteps,
    decay_rate: A[float, NON_NEGATIVE, "Factor of the rate in each decay_steps."],
    staircase: Staircase = False,
) -> None: ...


def inverse_time_decay(
    *,
    initial_learning_rate: Start,
    decay_steps: DecaySteps,
    decay_rate: A[
        float,
        NON_NEGATIVE,
        "How fast the rate falls: rate / (1 + decay_rate * step / decay_steps).",
    ],
    staircase: Staircase = False,
) -> None: ...


def piecewise_constant_decay(
    *,
    boundaries: A[
        Sizes,
        listing(STEPS_OR_NONE, "a list of steps", minimum=1),
        "Training steps after which the rate changes, in order.",
    ],
    values: A[
        Any,
        listing(NON_NEGATIVE, "a list of learning rates", minimum=2),
        "Rates before, between and after the boundaries.",
    ],
) -> None:
    if len(values) != len(boundaries) + 1:
        counts = f"{len(values)} and {len(boundaries)}"
        raise Refused(f"expects one value more than boundaries, got {counts}", AtArgument("values"))
    known = [each for each in boundaries if not isinstance(each, str)]
    if known != sorted(set(known)):
        message = f"expects ascending boundaries, got {show(boundaries)}"
        raise Refused(message, AtArgument("boundaries"))


def polynomial_decay(
    *,
    initial_learning_rate: Start,
    decay_steps: DecaySteps,
    end_learning_rate: A[float, NON_NEGATIVE, "Rate at the end."] = 0.0001,
    power: A[float, NON_NEGATIVE, "Power of the polynomial; 1 falls in a line."] = 1.0,
    cycle: A[bool, BOOLEAN, "Whether to start anew after decay_steps."] = False,
) -> None: ...


SCHEDULES = Kind(
    "schedule",
    "a schedule",
    {
        **entries(cosine_decay, "CosineDecay"),
        **entries(cosine_decay_restarts, "CosineDecayRestarts"),
        **entries(exponential_decay, "ExponentialDecay"),
        **entries(inverse_time_decay, "InverseTimeDecay"),
        **entries(piecewise_constant_decay, "PiecewiseConstantDecay"),
        **entries(polynomial_decay, "PolynomialDecay"),
    },
)

# --- optimizers ----------------------------------------------------------------------------------

RATE = number("a number of at least 0", minimum=0)
LEARNING_RATE = Type(
    "a number of at least 0 or a schedule",
    {"anyOf": [RATE.schema, {"type": ["string", "object"]}]},
    lambda value: SCHEDULES.read(value) if isinstance(value, str | dict) else RATE.normal(value),
    "schedule",
)
CLIP = optional(POSITIVE_NUMBER)
NEGATIVE = number("a number of at most 0", maximum=0)
INSIDE = number("a number between 0 and 1", exclusiveMinimum=0, exclusiveMaximum=1)
DECAY = number("a number of at least 0 and below 1", minimum=0, exclusiveMaximum=1)

FIRST = "Share of the mean of gradients, from 0 to 1, kept at each step."
SECOND = "Share of the mean of squared gradients, from 0 to 1, kept at each step."
WEIGHT_DECAY = (
    "Share of each weight that is taken off at each step, times the learning rate; null for none."
)

LearningRate = A[Any, LEARNING_RATE, "Size of the steps: a number or a schedule."]
WeightDecay = A[float | None, optional(NON_NEGATIVE), WEIGHT_DECAY]
Momentum = A[
    float, UNIT_INTERVAL, "Share of the last step, from 0 to 1, that is added to the next."
]
Nesterov = A[bool, BOOLEAN, "Whether the gradient is taken ahead, where the momentum leads."]
Rho = A[float, UNIT_INTERVAL, SECOND]
Epsilon = A[float, NON_NEGATIVE, "Small number that keeps the step from being divided by 0."]
Amsgrad = A[bool, BOOLEAN, "Whether to divide by the largest mean square so far."]
Accumulator = A[float, NON_NEGATIVE, "Value that the sums of squared gradients start from."]


def common(
    *,
    clipnorm: A[
        float | None, CLIP, "Largest length of each weight's gradient; null for no limit."
    ] = None,
    clipvalue: A[
        float | None, CLIP, "Largest absolute value in a gradient; null for no limit."
    ] = None,
    global_clipnorm: A[
        float | None, CLIP, "Largest length of all gradients together; null for no limit."
    ] = None,
    use_ema: A[
        bool, BOOLEAN, "Whether to keep moving averages of the weights and end with them."
    ] = False,
    ema_momentum: A[
        float, UNIT_INTERVAL, "Share of those averages, from 0 to 1, kept at each step."
    ] = 0.99,
    ema_overwrite_frequency: A[
        int | None,
        optional(POSITIVE),
        "Steps after which the averages become the weights; null at the end only.",
    ] = None,
    loss_scale_factor: A[
        float | None,
        optional(POSITIVE_NUMBER),
        "Number that the loss is multiplied by, and gradients divided by.",
    ] = None,
    gradient_accumulation_steps: A[
        int | None,
        optional(integer("an integer of at least 2", minimum=2)),
        "Steps whose gradients are averaged before weights change.",
    ] = None,
) -> None:
    """State the arguments that every optimizer has."""
    limits = {
        "clipnorm": clipnorm,
        "clipvalue": clipvalue,
        "global_clipnorm": global_clipnorm,
    }
    given = [name for name, limit in limits.items() if limit]
    if len(given) > 1:
        raise Refused(f"clips in one way, got {' and '.join(given)}", AtArgument(given[1]))


def sgd(
    *,
    learning_rate: LearningRate = 0.01,
    weight_decay: WeightDecay = None,
    momentum: Momentum = 0.0,
    nesterov: Nesterov = False,
) -> None: ...


def rmsprop(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    rho: Rho = 0.9,
    momentum: Momentum = 0.0,
    epsilon: Epsilon = 1e-07,
    centered: A[
        bool,
        BOOLEAN,
        "Whether to divide by the variance of the gradient instead of its mean square.",
    ] = False,
) -> None: ...


def adam(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    beta_1: A[float, DECAY, FIRST] = 0.9,
    beta_2: A[float, DECAY, SECOND] = 0.999,
    epsilon: Epsilon = 1e-07,
    amsgrad: Amsgrad = False,
) -> None: ...


def adamw(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: A[float, NON_NEGATIVE, WEIGHT_DECAY] = 0.004,
    beta_1: A[float, DECAY, FIRST] = 0.9,
    beta_2: A[float, DECAY, SECOND] = 0.999,
    epsilon: Epsilon = 1e-07,
    amsgrad: Amsgrad = False,
) -> None: ...


def adamax(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    beta_1: A[float, DECAY, FIRST] = 0.9,
    beta_2: A[float, DECAY, SECOND] = 0.999,
    epsilon: Epsilon = 1e-07,
) -> None: ...


def adadelta(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    rho: Rho = 0.95,
    epsilon: Epsilon = 1e-07,
) -> None: ...


def adafactor(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    beta_2_decay: A[
        float, NEGATIVE, "Power of the step by which the memory of squared gradients grows."
    ] = -0.8,
    epsilon_1: A[float, NON_NEGATIVE, "Small number added to squared gradients."] = 1e-30,
    epsilon_2: A[
        float, NON_NEGATIVE, "Smallest size of a weight that steps are scaled by."
    ] = 0.001,
    clip_threshold: A[float, POSITIVE_NUMBER, "Largest root mean square of a step."] = 1.0,
    relative_step: A[
        bool, BOOLEAN, "Whether the learning rate falls as 1 / sqrt(step) when it is larger."
    ] = True,
) -> None: ...


def adagrad(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    initial_accumulator_value: Accumulator = 0.1,
    epsilon: Epsilon = 1e-07,
) -> None: ...


def ftrl(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    learning_rate_power: A[float, NEGATIVE, "Power of those sums in the step; 0 for none."] = -0.5,
    initial_accumulator_value: Accumulator = 0.1,
    l1_regularization_strength: A[
        float, NON_NEGATIVE, "Factor of the sum of absolute weights."
    ] = 0.0,
    l2_regularization_strength: A[
        float, NON_NEGATIVE, "Factor of the sum of squared weights."
    ] = 0.0,
    l2_shrinkage_regularization_strength: A[
        float, NON_NEGATIVE, "Factor of a penalty on active weights only."
    ] = 0.0,
    beta: A[float, NUMBER, "Number added to the root of the sums in the paper."] = 0.0,
) -> None: ...


def lion(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: WeightDecay = None,
    beta_1: A[
        float,
        number("a number above 0 and up to 1", exclusiveMinimum=0, maximum=1),
        "Share of the mean of gradients, from 0 to 1, in each step's direction.",
    ] = 0.9,
    beta_2: A[float, DECAY, FIRST] = 0.99,
) -> None: ...


def muon(
    *,
    learning_rate: LearningRate = 0.001,
    weight_decay: A[float, NON_NEGATIVE, WEIGHT_DECAY] = 0.004,
    adam_beta_1: A[float, DECAY, "beta_1 of Adam, which trains what Muon does not."] = 0.9,
    adam_beta_2: A[float, DECAY, "beta_2 of Adam, which trains what Muon does not."] = 0.999,
    adam_weight_decay: A[
        float, NON_NEGATIVE, "weight_decay of Adam, which trains what Muon does not."
    ] = 0.004,
    epsilon: Epsilon = 1e-07,
    exclude_embeddings: A[
        bool, BOOLEAN, "Whether Adam trains embeddings and output layers."
    ] = True,
    muon_a: A[float, NUMBER, "First coefficient of the Newton-Schulz iteration."] = 3.4445,
    muon_b: A[float, NUMBER, "Second coefficient of the Newton-Schulz iteration."] = -4.775,
    muon_c: A[float, NUMBER, "Third coefficient of the Newton-Schulz iteration."] = 2.0315,
    adam_lr_ratio: A[float, NON_NEGATIVE, "Learning rate of Adam as a multiple of Muon's."] = 1.0,
    momentum: Momentum = 0.95,
    ns_steps: A[
        int,
        integer("an integer from 1 to 100", minimum=1, maximum=100),
        "Newton-Schulz iterations in each step.",
    ] = 5,
    nesterov: Nesterov = True,
    rms_rate: A[float, NON_NEGATIVE, "Size of Muon's steps as a multiple of Adam's."] = 0.2,
) -> None: ...


def schedule_free_adamw(
    *,
    learning_rate: LearningRate = 0.0025,
    weight_decay: WeightDecay = None,
    beta_1: A[float, INSIDE, FIRST] = 0.9,
    beta_2: A[float, DECAY, SECOND] = 0.999,
    epsilon: Epsilon = 1e-08,
    warmup_steps: A[int, COUNT, "Steps in which the learning rate climbs from 0."] = 0,
) -> None: ...


COMMON = Contract(common)


class Optimizer(Contract):
    """The arguments of an optimizer.

    slots: how many values it keeps for each trainable weight; where that differs, for each of a
        kernel.
    """

    def __init__(self, function: Callable[..., None], slots: int) -> None:
        super().__init__(function, COMMON)
        self.slots = slots


TABLE = {
    "SGD": Optimizer(sgd, slots=0),
    "RMSprop": Optimizer(rmsprop, slots=1),
    "Adam": Optimizer(adam, slots=2),
    "AdamW": Optimizer(adamw, slots=2),
    "Adamax": Optimizer(adamax, slots=2),
    "Lamb": Optimizer(adamax, slots=2),
    "Nadam": Optimizer(adamax, slots=2),
    "Adadelta": Optimizer(adadelta, slots=2),
    "Adafactor": Optimizer(adafactor, slots=1),
    "Adagrad": Optimizer(adagrad, slots=1),
    "Ftrl": Optimizer(ftrl, slots=2),
    "Lion": Optimizer(lion, slots=1),
    "Muon": Optimizer(muon, slots=1),
    "ScheduleFreeAdamW": Optimizer(schedule_free_adamw, slots=2),
}
OPTIMIZERS = Kind("optimizer", "an optimizer", TABLE)

# Arguments that each add one slot.
ADDING = frozenset(("amsgrad", "centered", "use_ema", "gradient_accumulation_steps"))


def count_slots(optimizer: Object) -> int:
    """Return how many values an optimizer, in normal form, keeps for each trainable weight.

    >>> count_slots("Adam"), count_slots({"SGD": {"momentum": 0.9}})
    (2, 1)
    """
    name, arguments = named(optimizer)
    added = {key for key, value in arguments.items() if value} & ADDING
    momentum = name in ("SGD", "RMSprop") and arguments.get("momentum", 0) > 0
    return TABLE[name].slots + len(added) + momentum
