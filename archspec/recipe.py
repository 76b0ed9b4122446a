"""The `train` mapping of a spec: what it may say, and the recipe that it means.

`RECIPE` and `DATA` are contracts as those of layers are, so the JSON Schema comes from them.
`recipe_of` lays what a user said on the command line over what the spec says, fills in defaults and
ties losses, weights and metrics to the graph's outputs. Nothing here imports Keras: a recipe that
cannot be is found before anything slow begins.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated as A
from typing import Any

from archspec import foreign
from archspec.arguments import (
    BOOLEAN,
    NUMBER,
    POSITIVE,
    RUN_SEED,
    TEXT,
    Contract,
    Sizes,
    Type,
    bind,
    choice,
    optional,
    show,
)
from archspec.errors import AtArgument, Refused, Unfit, UserError, did_you_mean
from archspec.graph import Graph, Node, Shape
from archspec.infer import known_to_keras
from archspec.layers import LAYERS
from archspec.objects import KINDS, TABLES, Object, named, read, snake_case
from archspec.syntax.source import plain, read_file

# --- types ---------------------------------------------------------------------------------------


def _object(kind: str, words: str) -> Type:
    return Type(words, {}, lambda value: read(kind, value), kind)


def _is_object(kind: str, value: Any) -> bool:
    """Whether `value` is one object, not a mapping from outputs: objects begin with a capital."""
    if not isinstance(value, Mapping):
        return True
    return len(value) == 1 and all(
        KINDS[kind].canonical(str(key)) is not None or str(key)[:1].isupper() for key in value
    )


def _losses(value: Any) -> Any:
    if _is_object("loss", value):
        return read("loss", value)
    return {str(name): read("loss", each) for name, each in value.items() if each is not None}


def _metrics(value: Any) -> Any:
    if _is_object("metric", value):
        return _each("metric", value)
    return {str(name): _each("metric", several) for name, several in value.items()}


def _each(kind: str, value: Any) -> tuple[Object, ...]:
    """One object or several; null is none of them."""
    if value is None:
        return ()
    several = value if isinstance(value, list | tuple) else [value]
    if None in several:
        raise Unfit(f"must be {KINDS[kind].words}, got null", code="unknown-object")
    return tuple(read(kind, each) for each in several)


def _callbacks(value: Any) -> Any:
    return _each("callback", value)


def _augment(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise Unfit(f"must be a list of layers, got {show(value)}", code="argument-value")
    return tuple(map(_layer, value))


def _layer(step: Any) -> Any:
    """A layer in step notation, as objects are written: its name, or {name: {arguments}}."""
    if isinstance(step, str):
        step = {step: {}}
    if not isinstance(step, Mapping) or len(step) != 1:
        raise Unfit(f"must be a list of layers without modifiers, got {show(step)}")
    ((op, given),) = step.items()
    if op not in LAYERS:
        raise known_to_keras(op) or Refused(
            f"there is no layer '{op}'", None, "unknown-layer", did_you_mean(op, LAYERS)
        )
    arguments = LAYERS[op].arguments
    if not isinstance(given, Mapping):  # a scalar or a list is the first argument
        given = {} if given is None else {next(iter(arguments)): given}
    bound = bind(op, arguments, given)
    differing = {name: each for name, each in bound.items() if each != arguments[name].default}
    return {op: differing} if differing else op


def _range(value: Any) -> tuple[float, float]:
    low, high = map(float, value)
    if not low < high:
        raise Unfit(f"must be [low, high] with low below high, got {show(value)}")
    return low, high


def _data(value: Any) -> Any:
    return bind("train.data", DATA, {"name": value} if isinstance(value, str) else value)


PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
SCALE = Type("[low, high]", PAIR, _range)
SHARE = Type(
    "a number of at least 0 and below 1",
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    float,
)
RESIZE = Type(
    "true, false or [height, width]",
    {
        "anyOf": [
            {"type": "boolean"},
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 1},
                "minItems": 2,
                "maxItems": 2,
            },
        ]
    },
    lambda value: value if isinstance(value, bool) else tuple(map(int, value)),
)
DATASET = Type(
    "the name of a dataset, a folder, an .npz file, or a mapping",
    {"type": ["string", "object"]},
    _data,
    "data",
)
AUGMENT = Type("a list of layers", {"type": "array"}, _augment, "augment")
OPTIMIZER = _object("optimizer", "an optimizer")
LOSSES = Type(
    "a loss, or a loss for each output", {"type": ["string", "object"]}, _losses, "losses"
)
METRICS = Type(
    "a list of metrics, or such a list for each output",
    {"type": ["string", "array", "object"]},
    _metrics,
    "metrics",
)


def precision_meant(word: str) -> str | None:
    """A hint for what others call a precision."""
    name = foreign.PRECISIONS.get(word.casefold())
    return f"write {name}" if name else None


PRECISION = replace(
    choice("float32", "mixed_bfloat16", "mixed_float16", "float64"), meant=precision_meant
)
WEIGHTS = Type(
    "a number for each output",
    {"type": "object", "additionalProperties": {"$comment": NUMBER.words, **NUMBER.schema}},
    lambda value: {str(name): NUMBER.read(each) for name, each in value.items()},
)
CALLBACKS = Type(
    "a list of callbacks", {"type": ["string", "array", "object"]}, _callbacks, "callbacks"
)


# --- contracts -----------------------------------------------------------------------------------


def data(
    *,
    name: A[str | None, optional(TEXT)] = None,
    scale: A[tuple[float, float] | None, optional(SCALE)] = (0.0, 1.0),
    resize: A[bool | Sizes, RESIZE] = False,
    channels: A[bool, BOOLEAN] = False,
    validation: A[float, SHARE] = 0.1,
    split_seed: A[int, RUN_SEED] = 0,
    skip_broken: A[bool, BOOLEAN] = False,
) -> None:
    """What to train on.

    name: a dataset, a folder or an .npz file (from where the run starts).
    scale: the range that the data's own is mapped to; null leaves pixels as they are stored.
    resize, channels: true adapts images to the spec's input; [height, width] to that size.
    validation: share of the training set held out. split_seed: which images that is.
    skip_broken: leave out image files that cannot be read, instead of refusing them."""


def train(
    *,
    data: A[Any, DATASET] = None,
    augment: A[tuple[Object, ...], AUGMENT] = (),
    batch_size: A[int, POSITIVE] = 32,
    epochs: A[int, POSITIVE] = 5,
    steps: A[int | None, optional(POSITIVE)] = None,
    optimizer: A[Object, OPTIMIZER] = "Adam",
    loss: A[Any, LOSSES] = None,
    metrics: A[Any, METRICS] = ("accuracy",),
    loss_weights: A[Mapping[str, float] | None, WEIGHTS] = None,
    callbacks: A[tuple[Object, ...], CALLBACKS] = (),
    precision: A[str, PRECISION] = "float32",
    seed: A[int, RUN_SEED] = 0,
) -> None:
    """How to train. epochs or steps, not both; loss: by default sparse categorical cross-entropy,
    of one unit binary cross-entropy, from probabilities or logits as the output gives; the rest as
    in Keras's compile and fit."""


DATA = Contract(data)
RECIPE = Contract(train)

# One sentence for each word, for the schema and editors.
DOCS: dict[str, str] = {
    "train.data": "What to train on.",
    "train.augment": "Layers that change each training image at random.",
    "train.batch_size": "Samples in one training step.",
    "train.epochs": "Passes over the training set.",
    "train.steps": "Training steps, instead of epochs.",
    "train.optimizer": "How the weights follow the gradients.",
    "train.loss": "What training makes small; null is sparse categorical cross-entropy, of "
    "one unit binary cross-entropy, from probabilities or logits as the output gives.",
    "train.metrics": "What is measured besides the loss.",
    "train.loss_weights": "How much the loss of each output counts.",
    "train.callbacks": "What watches over the training, such as EarlyStopping.",
    "train.precision": "Type that layers compute in.",
    "train.seed": "Start of all random numbers: weights, order of the data, dropout.",
    "data.name": "A dataset, a folder of images per class, or an .npz file.",
    "data.scale": "Range that the data's own is mapped to; null leaves pixels as they are stored.",
    "data.resize": "true: to the size of the spec's input; [height, width]: to that size.",
    "data.channels": "Whether images are made grey or RGB, as the spec's input is.",
    "data.validation": "Share of the training set that is held out.",
    "data.split_seed": "Which images are held out.",
    "data.skip_broken": "Whether to leave out image files that cannot be read, instead of refusing "
    "them.",
}


def meant(word: str) -> str | None:
    """A hint for a word that `train` does not have: what others mean by it, or one like it."""
    return foreign.TRAIN.get(word.replace("_", "").casefold()) or did_you_mean(word, RECIPE)


# --- the recipe ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Data:
    """What `train.data` says, every key with its value; see `data` for what they mean."""

    name: str | None
    scale: tuple[float, float] | None
    resize: bool | Sizes
    channels: bool
    validation: float
    split_seed: int
    skip_broken: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a graph is trained, all defaults filled in.

    epochs, steps: one of them is None. losses, loss_weights, metrics: by the dotted name of the
    output, one entry for every output in the graph's order. Objects are in the normal form of
    `objects.read`. warnings: what the user should read before the first step.
    """

    data: Data
    augment: tuple[Object, ...]
    batch_size: int
    epochs: int | None
    steps: int | None
    optimizer: Object
    losses: Mapping[str, Object]
    metrics: Mapping[str, tuple[Object, ...]]
    loss_weights: Mapping[str, float]
    callbacks: tuple[Object, ...]
    precision: str
    seed: int
    warnings: tuple[str, ...] = ()

    def mapping(self, call: Callable[[str], str] = str) -> dict[str, Any]:
        """The same as a `train` mapping with every default spelled out, of plain YAML values.

        `recipe_of` makes an equal recipe of it. call: what it calls an output.
        """
        losses = {call(name): _spelled("loss", each) for name, each in self.losses.items()}
        metrics = {call(name): each for name, each in self.metrics.items()}
        weights = {call(name): each for name, each in self.loss_weights.items()}
        several = len(losses) > 1
        only = next(iter(losses))
        spelled = {
            "data": {field.name: getattr(self.data, field.name) for field in fields(Data)},
            "augment": self.augment,
            "batch_size": self.batch_size,
            **({"epochs": self.epochs} if self.epochs is not None else {"steps": self.steps}),
            "optimizer": _spelled("optimizer", self.optimizer),
            "loss": losses if several else losses[only],
            "metrics": metrics if several else metrics[only],
            **({"loss_weights": weights} if several else {}),
            "callbacks": [_spelled("callback", each) for each in self.callbacks],
            "precision": self.precision,
            "seed": self.seed,
        }
        plain: dict[str, Any] = _plain(spelled)
        return plain


def _spelled(kind: str, value: Object) -> dict[str, dict[str, Any]]:
    """An object with all its arguments, so that it means the same where defaults have changed."""
    name, differing = named(value)
    arguments = TABLES[kind][name].items()
    return {name: {key: each.default for key, each in arguments} | differing}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def given_in(file: Path) -> dict[str, Any]:
    """The `train` mapping that a file holds alone. Raises `UserError` for another thing."""
    given = plain(read_file(file).root)
    if not isinstance(given, dict):
        raise UserError(f"{file}: a recipe is a mapping, as under `train:` in a spec")
    if "archspec" in given or "layers" in given:
        hint = "a recipe's file holds what stands under `train:`, without that word"
        raise UserError(f"{file}: this is a whole spec, not a recipe", hint)
    if list(given) == ["train"] and isinstance(given["train"], dict):
        raise UserError(f"{file}: a recipe is what stands under `train:`", "leave that word out")
    if other := foreign.mapping_of(given):
        raise UserError(f"{file}: this is {other[0]}, not a recipe", other[1])
    return given


def recipe_of(
    graph: Graph,
    given: Mapping[str, Any] | None = None,
    *,
    data: str | None = None,
    resize: bool = False,
    **overrides: Any,
) -> Recipe:
    """The recipe of a graph.

    given: a `train` mapping that stands in for the spec's own. data: replaces `data.name`.
    resize: adapt size and channels of images to the graph's input. overrides: further keys of
    `RECIPE` that replace what the mapping says, unless None; epochs displace steps and conversely.

    Raises `Refused`, at the key to blame.
    """
    said = {k: v for k, v in (graph.train if given is None else given).items() if v is not None}
    if "epochs" in said and "steps" in said:
        hint = "remove one; `--epochs` or `--steps` of a command replaces the other"
        raise Refused("train takes epochs or steps, not both", AtArgument("steps"), "train", hint)
    named = {key: value for key, value in overrides.items() if value is not None}
    for key, rival in (("epochs", "steps"), ("steps", "epochs")):
        if key in named:
            said.pop(rival, None)
    for word in said:
        if word not in RECIPE:
            message = f"train has no argument '{word}'"
            raise Refused(message, AtArgument(word), "unknown-argument", meant(word))
    bound = bind("train", RECIPE, said | named)
    source = bound["data"] or _data({})
    if data is not None:
        source |= {"name": data}
    if resize:
        source |= {"resize": source["resize"] or True, "channels": True}
    _check_augment(graph, bound["augment"])

    losses = _by_output(graph, "loss", bound["loss"])
    warnings = [*_ranges(source["scale"], bound["augment"])]
    for name in graph.outputs:
        if name not in losses:
            losses[name] = _default_loss(graph, name)
        elif mismatch := _mismatch(graph, name, losses[name]):
            warnings.append(mismatch)
    metrics = _by_output(graph, "metrics", bound["metrics"])
    _check_metrics(losses, metrics)
    _check_values(metrics)
    _check_shapes(graph, losses, metrics, bound["loss"] is not None)
    measured = _measured(graph, metrics)
    several = len(graph.outputs) > 1
    _check_precision(bound["optimizer"], bound["precision"])
    _check_callbacks(bound["optimizer"], bound["callbacks"], measured, several)
    _check_restoring(bound["callbacks"])
    weights = _by_output(graph, "loss_weights", bound["loss_weights"] or {})
    return Recipe(
        data=Data(**source),
        augment=bound["augment"],
        batch_size=bound["batch_size"],
        epochs=None if bound["steps"] else bound["epochs"],
        steps=bound["steps"],
        optimizer=bound["optimizer"],
        losses={name: losses[name] for name in graph.outputs},
        metrics={name: metrics.get(name, ()) for name in graph.outputs},
        loss_weights={name: weights.get(name, 1.0) for name in graph.outputs},
        callbacks=bound["callbacks"],
        precision=bound["precision"],
        seed=bound["seed"],
        warnings=tuple(warnings),
    )


def _by_output(graph: Graph, key: str, value: Any) -> dict[str, Any]:
    """What is said for all outputs, or for some by name, by the outputs' dotted names."""
    keyed = isinstance(value, Mapping) and (key != "loss" or not _is_object("loss", value))
    if not keyed:
        return {} if value is None else dict.fromkeys(graph.outputs, value)
    named = {}
    for name, each in value.items():
        # A block named as an output is its last step: `aux` stands for `aux.dense`.
        inside = [out for out in graph.outputs if out.startswith(f"{name}.")]
        if name not in graph.outputs and len(inside) != 1:
            hint = did_you_mean(name, graph.outputs) or f"outputs: {', '.join(graph.outputs)}"
            raise Refused(
                f"train.{key} names '{name}', which is no output", AtArgument(key), "train", hint
            )
        named[name if name in graph.outputs else inside[0]] = each
    return named


def _check_metrics(losses: Mapping[str, Object], metrics: Mapping[str, Any]) -> None:
    """A loss and its metrics see the same labels: class numbers, or one-hot rows."""
    for output, several in metrics.items():
        loss = named(losses[output])[0]
        for name, given in map(named, several):
            sparse = given.get("sparse_y_true", True) if name == "MeanIoU" else is_sparse(name)
            if name[0].islower() or sparse == is_sparse(loss):  # Keras's short names adapt
                continue
            wants, gets = "one-hot labels", "class numbers"
            hint = "train with CategoricalCrossentropy, which takes one-hot labels"
            if name == "MeanIoU":
                hint = f"give it `sparse_y_true: {show(not sparse)}`"
            elif sparse:
                hint = f"use {name.removeprefix('Sparse')}"
            elif f"Sparse{name}" in TABLES["metric"]:
                hint = f"use Sparse{name}"
            if sparse:
                wants, gets = gets, wants
            message = f"train.metrics: {name} wants {wants}, but {loss} is given {gets}"
            raise Refused(message, AtArgument("metrics"), "train", hint)


def _check_values(metrics: Mapping[str, Any]) -> None:
    """A metric is one number: a history has no room for arrays."""
    for name, arguments in (named(each) for several in metrics.values() for each in several):
        thresholds = arguments.get("thresholds")
        if name in ("F1Score", "FBetaScore") and arguments.get("average") is None:
            hint = "give it `average: macro`, micro or weighted"
        elif name == "R2Score" and arguments.get("class_aggregation", "") is None:
            hint = "give it `class_aggregation: uniform_average`"
        elif isinstance(thresholds, list | tuple) and len(thresholds) > 1:
            hint = "give it one threshold, and others of the same by another `name`"
        else:
            continue
        message = f"train.metrics: {name} gives an array so, and must give one number"
        raise Refused(message, AtArgument("metrics"), "train", hint)


def _check_shapes(
    graph: Graph,
    losses: Mapping[str, Object],
    metrics: Mapping[str, tuple[Object, ...]],
    chosen: bool,
) -> None:
    """Losses and metrics fit their outputs. chosen: whether the losses were said, not found."""
    for output in graph.outputs:
        shape = graph.shape(output)
        judges = [("metrics", each) for each in metrics.get(output, ())]
        judges += [("loss", losses[output])] if chosen else []
        for key, each in judges:
            if found := _misfit(*named(each), shape):
                message, hint = found
                raise Refused(f"train.{key}: {message}", AtArgument(key), "train", hint)


def _misfit(name: str, given: Mapping[str, Any], shape: Shape) -> tuple[str, str] | None:
    """Why a loss or metric cannot judge an output of this shape, and the remedy."""
    units = shape[-1]
    if name == "CTC" and len(shape) != 3:
        return f"CTC judges sequences (None, length, classes), not {shape}", "use another loss"
    if units == 1 and ("Categorical" in name or name == "KLDivergence"):
        other = f"Binary{name.rpartition('Categorical')[2]}"
        known = other in TABLES["loss"] or other in TABLES["metric"]
        hint = f"use {other if known else 'BinaryCrossentropy'}, or give the output more units"
        return f"{name} compares classes, and an output of one unit has no two", hint
    if name == "R2Score" and given.get("num_regressors"):
        return "R2Score with num_regressors fails within Keras", "leave num_regressors out"
    axis = given.get("axis", -1)
    if name.endswith("IoU") and axis != -1:
        return f"{name} works along the last axis alone, whatever Keras says", "leave `axis` out"
    for place in axis if isinstance(axis, tuple) else (axis,):
        last = place in (-1, len(shape) - 1)
        inside = -len(shape) < place < len(shape) and place != 0
        if not last and (is_sparse(name) or not inside):
            hint = "leave `axis` out: the last axis is that of the classes"
            return f"{name} cannot work along axis {place} of {shape}", hint
    if name in ("MeanIoU", "OneHotMeanIoU"):
        if units == 1:
            return f"{name} compares classes, and an output of one unit has no two", "use BinaryIoU"
        if given.get("sparse_y_pred", name == "MeanIoU"):
            return f"{name} takes the output for class numbers", "give it `sparse_y_pred: false`"
    most = {"num_classes": "at least", "k": "at most", "top_k": "at most", "class_id": "below"}
    for key, bound in most.items():
        value = given.get(key)
        if value is None or units is None:
            continue
        wrong = {"at least": value < units, "at most": value > units, "below": value >= units}
        if wrong[bound]:
            message = f"{name} argument '{key}' is {value}, and the output has {units} units"
            return message, f"give it a number {bound} {units}"
    weights = next((key for key in ("alpha", "label_weights") if _several(given.get(key))), None)
    if weights and units is not None and len(given[weights]) != units:
        counts = f"{len(given[weights])} numbers for {units} units"
        return f"{name} argument '{weights}' has {counts}", "give one number for each unit"
    return None


def _several(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 1


def _check_precision(optimizer: Object, precision: str) -> None:
    """Muon mixes numbers of another type into float64, which Keras finds at the first step."""
    if named(optimizer)[0] == "Muon" and precision == "float64":
        hint = "train in float32, or with AdamW"
        raise Refused(
            "train.optimizer: Muon cannot work in float64", AtArgument("optimizer"), "train", hint
        )


# --- callbacks -----------------------------------------------------------------------------------

# Metrics that Keras numbers where there are several: `auc`, `auc_1`.
COUNTS = ("FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives")
NUMBERED = (*COUNTS, "AUC", "BinaryIoU", "MeanIoU", "OneHotMeanIoU", "Precision", "Recall")
CALLED = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score"}  # not as their class
COLUMNS = ("epoch", "learning_rate", "images_per_second", "seconds")  # of a history, besides

Measured = Mapping[str, Object | None]


def _measured(graph: Graph, metrics: Mapping[str, tuple[Object, ...]]) -> Measured:
    """What a training measures: by the names in Keras's logs the metrics, and None for a loss.

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


def _check_callbacks(
    optimizer: Object, callbacks: tuple[Object, ...], measured: Measured, several: bool
) -> None:
    """Refuse what Keras refuses at the end of an epoch only. several: whether outputs are."""

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


def ended_early(recipe: Recipe, per_epoch: int) -> str | None:
    """A warning, where a schedule has come to its end before the first epoch has.

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


def restoring(callbacks: tuple[Object, ...]) -> int | None:
    """The place of the EarlyStopping that says which epoch's weights are kept, if one does."""
    places = enumerate(map(named, callbacks))
    return next((at for at, (_, given) in places if given.get("restore_best_weights")), None)


def _check_restoring(callbacks: tuple[Object, ...]) -> None:
    """A run has one best model: all that restore weights mean the same by it."""
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


def is_sparse(name: str) -> bool:
    """Whether a loss or metric takes the number of a class; the others take one-hot rows."""
    return name.startswith("Sparse") or name == "CategoricalGeneralizedCrossEntropy"


def _check_augment(graph: Graph, augment: tuple[Object, ...]) -> None:
    """Augmentation gives images of the shape it takes, and learns nothing."""
    if not augment:
        return
    if len(graph.inputs) > 1:
        raise Refused("train.augment wants a spec with one input", AtArgument("augment"), "train")
    given = shape = graph.shape(graph.inputs[0])
    for step in augment:
        op, differing = named(step)
        layer = LAYERS[op]
        defaults = {name: argument.default for name, argument in layer.arguments.items()}
        if layer.takes != "one":
            raise Refused(
                f"train.augment cannot use {op}, which merges", AtArgument("augment"), "train"
            )
        try:
            facts = layer.facts([shape], defaults | differing)
        except Refused as refused:
            raise Refused(
                f"train.augment: {op} {refused}", AtArgument("augment"), "train"
            ) from None
        if facts.weights:
            raise Refused(
                f"train.augment cannot use {op}, which learns", AtArgument("augment"), "train"
            )
        shape = facts.shape
    if shape != given:
        raise Refused(
            f"train.augment makes {shape} of images of {given}", AtArgument("augment"), "train"
        )


def _ranges(scale: tuple[float, float] | None, augment: tuple[Object, ...]) -> Iterator[str]:
    """Warnings, where a layer takes the pixels for others than `train.data` makes them."""
    for step in augment:
        op, given = named(step)
        if scale is None or op in ("Rescaling", "Normalization"):
            return  # what the pixels are from here on is not known
        argument = LAYERS[op].arguments.get("value_range")
        if argument is None:
            continue
        taken = given.get("value_range", argument.default)
        if taken != scale and (op, taken) != ("RandomSaturation", (0.0, 1.0)):
            is_, said = ([f"{each:g}" for each in pair] for pair in (scale, taken))
            yield (
                f"train.augment: {op} has the value_range [{', '.join(said)}], but "
                f"train.data.scale makes pixels of {' to '.join(is_)}: "
                f"say value_range: [{', '.join(is_)}]"
            )


# --- losses --------------------------------------------------------------------------------------


# Losses whose target is a class. The others take numbers, masks or sequences.
OF_CLASSES = {
    *("SparseCategoricalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"),
    *("CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "KLDivergence"),
    *("BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", "SquaredHinge"),
}


def is_one_unit(graph: Graph, output: str) -> bool:
    """Whether an output is one number, which tells two classes apart: a softmax of one is 1."""
    return graph.shape(output)[1:] == (1,) and _last_activation(graph, output) != "softmax"


def _default_loss(graph: Graph, output: str) -> Object:
    single = is_one_unit(graph, output)
    name = "BinaryCrossentropy" if single else "SparseCategoricalCrossentropy"
    return name if gives_probabilities(graph, output) else {name: {"from_logits": True}}


def _mismatch(graph: Graph, output: str, loss: Object) -> str | None:
    """A warning, where a loss takes for logits what are probabilities, or the reverse."""
    name, arguments = named(loss)
    if "from_logits" not in TABLES["loss"].get(name, {}):
        return None
    from_logits = arguments.get("from_logits", False)
    if from_logits != gives_probabilities(graph, output):
        return None
    wants, gives = ("logits", "probabilities") if from_logits else ("probabilities", "logits")
    return (
        f"train.loss: {name} with from_logits: {show(from_logits)} wants {wants}, but output "
        f"'{output}' gives {gives}; leave the loss out, or say from_logits: {show(not from_logits)}"
    )


def gives_probabilities(graph: Graph, output: str) -> bool:
    """Whether an output ends in a softmax or sigmoid, followed at most by a change of shape."""
    return _last_activation(graph, output) in ("softmax", "sigmoid")


def _last_activation(graph: Graph, output: str) -> str | None:
    node: Node = graph[output]
    while node.op in ("Flatten", "Reshape", "Identity") and node.inputs:
        node = graph[node.inputs[0]]
    activation = node.arguments.get("activation")
    if node.op == "Softmax":
        return "softmax"
    return None if activation is None else named(activation)[0]
