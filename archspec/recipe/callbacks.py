"""Check callbacks and schedules against what a training measures, and how long it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archspec.errors import AtArgument, Refused, did_you_mean
from archspec.graph import Graph
from archspec.objects import TABLES, Object, named, snake_case
from archspec.recipe.record import Train

# Metrics that Keras numbers where there are several: `auc`, `auc_1`.
COUNTS = ("FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives")
NUMBERED = (*COUNTS, "AUC", "BinaryIoU", "MeanIoU", "OneHotMeanIoU", "Precision", "Recall")
CALLED = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score"}  # not as their class
COLUMNS = ("epoch", "learning_rate", "images_per_second", "seconds")  # of a history, besides

Measured = Mapping[str, Object | None]


def list_measured(graph: Graph, metrics: Mapping[str, tuple[Object, ...]]) -> Measured:
    """Return the metric of each name in Keras's logs of a training; None for a loss.

    Raises `Refused` where two have one name, as Keras then drops one of them in silence.
    """
    several = len(graph.outputs) > 1
    found: dict[str, Object | None] = {"loss": None}
    if several:
        found |= {f"{output}_loss": None for output in graph.outputs}
    for output in graph.outputs:
        for each in metrics.get(output, ()):
            name, given = named(each)
            own = given.get("name")
            called = own or CALLED.get(name) or snake_case(name)
            column = f"{output}_{called}" if several else called
            if name in NUMBERED and not own and column in found:
                continue
            if column in found or column in COLUMNS or column.startswith("val_"):
                message = f"train.metrics: '{column}' is the name of another measured value"
                raise Refused(
                    message, AtArgument("metrics"), "train", f"give {name} a `name` of its own"
                )
            found[column] = each
    return found


def check_callbacks(
    optimizer: Object, callbacks: tuple[Object, ...], measured: Measured, several: bool
) -> None:
    """Refuse callbacks that Keras refuses no earlier than at the end of an epoch.

    several: whether the graph has several outputs.
    """

    def refused(message: str, hint: str) -> Refused:
        return Refused(f"train.callbacks: {message}", AtArgument("callbacks"), "train", hint)

    rate = named(optimizer)[1].get("learning_rate")
    for name, given in map(named, callbacks):
        if name == "ReduceLROnPlateau" and isinstance(rate, str | dict):
            hint = f"remove {name}, or give the optimizer a number instead of {named(rate)[0]}"
            raise refused(f"{name} cannot change the learning rate, which a schedule sets", hint)
        if "monitor" not in TABLES["callback"][name]:
            continue
        monitor = given.get("monitor", "val_loss")
        column = monitor.removeprefix("val_")
        if re.fullmatch(r".*_\d+", column) and column not in measured:
            column = column.rpartition("_")[0]  # Keras's number of one of several
        if column not in measured:
            known = [*measured, *(f"val_{each}" for each in measured)]
            hint = did_you_mean(monitor, known) or f"its `monitor` takes {', '.join(known)}"
            raise refused(f"{name} watches '{monitor}', which is not measured", hint)
        metric = measured[column]
        settled = metric is not None and not several and named(metric)[0] not in COUNTS
        if given.get("mode", "auto") == "auto" and column != "loss" and not settled:
            message = f"{name} cannot know whether '{monitor}' is better when high or low"
            raise refused(message, "give it `mode: max` or `mode: min`")


def ended_early(recipe: Train, per_epoch: int) -> str | None:
    """Return a warning if a schedule ends before the first epoch does.

    per_epoch: steps in an epoch.
    """
    rate = named(recipe.optimizer)[1].get("learning_rate")
    if not isinstance(rate, str | dict):
        return None
    name, given = named(rate)
    if name == "CosineDecay":
        target = given.get("warmup_target")
        warmup = given.get("warmup_steps", 0) if target is not None else 0
        word, end = "decay_steps", warmup + given["decay_steps"]
        start = given["initial_learning_rate"] if target is None else target
        last = given.get("alpha", 0.0) * start
    elif name == "PolynomialDecay" and not given.get("cycle"):
        word, end = "decay_steps", given["decay_steps"]
        last = given.get("end_learning_rate", 0.0001)
    elif name == "PiecewiseConstantDecay":
        word, end, last = "boundaries", given["boundaries"][-1], given["values"][-1]
    else:
        return None
    whole = recipe.steps or (recipe.epochs or 1) * per_epoch
    if end >= min(per_epoch, whole):
        return None
    return (
        f"train.optimizer: {name} ends after {end:,} steps, and an epoch has {per_epoch:,}: from "
        f"then on, up to step {whole:,}, the learning rate is {last:g}; its {word} count steps, "
        "not epochs"
    )


def find_restoring(callbacks: tuple[Object, ...]) -> int | None:
    """Return the place of the EarlyStopping that decides which epoch's weights are kept, if any."""
    places = enumerate(map(named, callbacks))
    return next((at for at, (_, given) in places if given.get("restore_best_weights")), None)


def check_restoring(callbacks: tuple[Object, ...]) -> None:
    """Refuse callbacks that restore the weights of different epochs: a run has one best model."""
    keys = ("monitor", "mode", "min_delta", "start_from_epoch")
    several = [given for _, given in map(named, callbacks) if given.get("restore_best_weights")]
    for key in keys:
        if len({given.get(key) for given in several}) > 1:
            raise Refused(
                f"train.callbacks: two EarlyStopping restore the best weights, and differ in {key}",
                AtArgument("callbacks"),
                "train",
                "keep `restore_best_weights` in one of them: a run has one best model",
            )
