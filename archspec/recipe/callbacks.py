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

# Names of metrics of which more, and of which less, is better.
GAINS = re.compile("accuracy|auc|iou|score|precision|recall|correlation|similarity", re.I)
LOSSES = re.compile("error|loss|entropy|hinge|poisson|divergence|logcosh|mse|mae|huber", re.I)

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
        column = _find_column(monitor, measured)
        if column is None:
            hint = _suggest_monitor(monitor, measured)
            raise refused(f"{name} watches '{monitor}', which is not measured", hint)
        metric = measured[column]
        settled = metric is not None and not several and named(metric)[0] not in COUNTS
        if given.get("mode", "auto") == "auto" and column != "loss" and not settled:
            message = f"{name} cannot know whether '{monitor}' is better when high or low"
            raise refused(message, "give it `mode: max` or `mode: min`")


def _find_column(monitor: str, measured: Measured) -> str | None:
    """Return the measured value that a monitor is, of training or validation; None for none."""
    column = monitor.removeprefix("val_")
    if re.fullmatch(r".*_\d+", column) and column not in measured:
        column = column.rpartition("_")[0]  # Keras's number of one of several
    return column if column in measured else None


def _suggest_monitor(monitor: str, measured: Measured) -> str:
    known = [*measured, *(f"val_{each}" for each in measured)]
    return did_you_mean(monitor, known) or f"`monitor` takes {', '.join(known)}"


def read_best(train: Train, measured: Measured) -> dict[str, str] | None:
    """Return what the best epoch is judged by, with "min" or "max" for its mode; None if the recipe
    says nothing of it.

    Raises `Refused` for a monitor that is not measured, one whose mode is not known, and one that
    an EarlyStopping which restores the best weights contradicts.
    """
    if train.best is None:
        return None
    monitor, mode = train.best["monitor"], train.best["mode"]

    def refused(message: str, hint: str) -> Refused:
        return Refused(f"train.best: {message}", AtArgument("best"), "train", hint)

    column = _find_column(monitor, measured)
    if column is None:
        raise refused(f"'{monitor}' is not measured", _suggest_monitor(monitor, measured))
    metric = measured[column]
    if metric is None:
        known = "min"
    else:
        name = named(metric)[0]
        known = "max" if GAINS.search(name) else "min" if LOSSES.search(name) else "auto"
    if mode == "auto" and known == "auto":
        message = f"whether '{monitor}' is better when high or low is not known"
        raise refused(message, "write `mode: max` or `mode: min`")
    found = {"monitor": monitor, "mode": known if mode == "auto" else mode}
    place = find_restoring(train.callbacks)
    if place is not None:
        given = named(train.callbacks[place])[1]
        watched = given.get("monitor", "val_loss")
        asked = given.get("mode", "auto")
        if watched != monitor or asked not in ("auto", found["mode"]):
            raise refused(
                f"it is judged by {monitor}, and an EarlyStopping that restores the best weights "
                f"watches {watched}",
                "write the same monitor in both, or leave `restore_best_weights` out",
            )
    return found


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
