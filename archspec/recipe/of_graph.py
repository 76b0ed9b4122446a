"""Make the recipe of a graph: a `train` mapping with its defaults, tied to the graph's outputs."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from archspec.arguments import bind
from archspec.errors import AtArgument, Refused, did_you_mean
from archspec.graph import Graph
from archspec.objects import Object, named
from archspec.recipe.augmentation import (
    check_augment,
    find_places_left_behind,
    find_wrong_ranges,
    list_followed,
)
from archspec.recipe.callbacks import check_callbacks, check_restoring, list_measured, read_best
from archspec.recipe.freezing import check_freezing, find_frozen
from archspec.recipe.outputs import (
    check_labels,
    check_own_input,
    check_shapes,
    check_values,
    choose_loss,
    find_mismatch,
    spread_over_outputs,
)
from archspec.recipe.record import RECIPE, Data, Train, suggest_key
from archspec.recipe.scaling import SCALED_TWICE, find_scaled_twice
from archspec.recipe.tasks import CLASSES, METRICS, find_task

BY_OUTPUT = ("loss", "metrics", "loss_weights")
BY_NAME = ("inputs", "targets", "class_weight")  # of data


class Recipe(Train, frozen=True, kw_only=True):
    """The recipe of a graph: a `train` mapping with all defaults filled in.

    epochs, steps: one of them is None. loss, metrics, loss_weights: by the dotted name of the
    output, one entry for every output in the graph's order. Objects are in normal form.
    data.inputs, data.targets, data.class_weight: by name, where the recipe says something.
    freeze: the names of the layers, not patterns.
    warnings: what the user should read before the first step.
    """

    data: Data
    loss: Mapping[str, Object]
    metrics: Mapping[str, tuple[Object, ...]]
    loss_weights: Mapping[str, float]
    warnings: tuple[str, ...] = ()

    @property
    def length(self) -> str:
        """How long it trains, such as `5 epochs`."""
        number, unit = (self.epochs, "epoch") if self.epochs else (self.steps, "step")
        return f"{number} {unit}{'s' * (number != 1)}"

    def mapping(self, call: Callable[[str], str] = str) -> dict[str, Any]:
        """Return the recipe as a `train` mapping of plain YAML values, with every default.

        `recipe_of` makes an equal recipe of it. call: gives the name to write for an output.
        """
        written = {}
        several = len(self.loss) > 1
        for name, argument in RECIPE.items():
            value, write = getattr(self, name), argument.type.write
            if name == "data":
                value = replace(value, **{
                    key: {call(each): given for each, given in getattr(value, key).items()} or None
                    for key in BY_NAME
                })  # fmt: skip
            if name in BY_OUTPUT:
                each = {call(output): write(value) for output, value in value.items()}
                written[name] = each if several else next(iter(each.values()))
            elif name == "freeze":
                written[name] = [call(each) for each in value]
            elif value is not None:
                written[name] = write(value)
        if not several:
            del written["loss_weights"]  # of one output, the weight changes nothing
        plain: dict[str, Any] = _to_plain(written)
        return plain


def _to_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _to_plain(each) for key, each in value.items()}
    return [_to_plain(each) for each in value] if isinstance(value, list | tuple) else value


def recipe_of(
    graph: Graph,
    given: Mapping[str, Any] | None = None,
    *,
    data: str | None = None,
    resize: bool = False,
    **overrides: Any,
) -> Recipe:
    """Return the recipe of a graph.

    given: a `train` mapping that stands in for the spec's own. data: replaces `data.name`.
    resize: adapt size and channels of images to the graph's input. overrides: further keys of
    `RECIPE` that replace those of the mapping, unless None; epochs replace steps, and steps epochs.

    Raises `Refused`, with the key that is wrong.
    """
    train = _read(graph.train if given is None else given, overrides)
    source = train.data or Data()
    if data is not None:
        source = replace(source, name=data)
    if resize:
        source = replace(source, resize=source.resize or True, channels=True)

    losses = spread_over_outputs(graph, "loss", train.loss)
    targets = spread_over_outputs(graph, "targets", source.targets)
    warnings = [*find_wrong_ranges(source.scale, train.augment)]
    scaled = find_scaled_twice(graph, source.scale, train.augment)
    if scaled is not None and not any(each.code == "scaled-twice" for each in graph.warnings):
        warnings.append(f"{scaled[1]}: {SCALED_TWICE}")
    for name in graph.outputs:
        if name not in losses:
            losses[name] = choose_loss(graph, name)
        elif mismatch := find_mismatch(graph, name, losses[name]):
            warnings.append(mismatch)
    tasks = {name: find_task(graph, name, losses[name], targets.get(name)) for name in losses}
    check_augment(graph, train.augment, tasks, targets)
    warnings += find_places_left_behind(train.augment, tasks, targets)
    source = replace(
        source,
        inputs=_name_inputs(graph, source.inputs),
        targets=targets,
        class_weight=_name_class_weights(graph, source.class_weight, tasks),
    )
    if train.metrics is None:
        metrics = {name: METRICS[task] for name, task in tasks.items()}
    else:
        metrics = spread_over_outputs(graph, "metrics", train.metrics)
    check_own_input(losses, targets)
    check_labels(losses, metrics)
    check_values(metrics)
    check_shapes(graph, losses, metrics, train.loss is not None)
    measured = list_measured(graph, metrics)
    _check_precision(train.optimizer, train.precision)
    check_callbacks(train.optimizer, train.callbacks, measured, len(graph.outputs) > 1)
    check_restoring(train.callbacks)
    frozen = find_frozen(graph, train.freeze)
    check_freezing(graph, frozen, train.unfreeze)
    if train.unfreeze and not train.steps and train.unfreeze["epoch"] > (train.epochs or 0):
        warnings.append(
            f"train.unfreeze: epoch {train.unfreeze['epoch']} is after the last, {train.epochs}: "
            "what is frozen stays so"
        )
    weights = spread_over_outputs(graph, "loss_weights", train.loss_weights or {})
    of_graph = {
        "data": source,
        "epochs": None if train.steps else train.epochs,
        "loss": {name: losses[name] for name in graph.outputs},
        "metrics": {name: metrics.get(name, ()) for name in graph.outputs},
        "loss_weights": {name: weights.get(name, 1.0) for name in graph.outputs},
        "freeze": frozen,
        "best": read_best(train, measured),
        "warnings": tuple(warnings),
    }
    return Recipe(**{**{name: getattr(train, name) for name in RECIPE}, **of_graph})


def _read(given: Mapping[str, Any], overrides: Mapping[str, Any]) -> Train:
    """Return a `train` mapping as a record, with some keys replaced."""
    said = {key: value for key, value in given.items() if value is not None}
    if "epochs" in said and "steps" in said:
        hint = "remove one; `--epochs` or `--steps` of a command replaces the other"
        raise Refused("train takes epochs or steps, not both", AtArgument("steps"), "train", hint)
    replacing = {key: value for key, value in overrides.items() if value is not None}
    for key, rival in (("epochs", "steps"), ("steps", "epochs")):
        if key in replacing:
            said.pop(rival, None)
    for word in said:
        if word not in RECIPE:
            message = f"train has no argument '{word}'"
            raise Refused(message, AtArgument(word), "unknown-argument", suggest_key(word))
    return Train(**bind("train", RECIPE, said | replacing))


def _name_inputs(graph: Graph, inputs: Any) -> dict[str, Any]:
    """Return the columns of a recipe by the names of the inputs that take them."""
    if inputs is None:
        return {}
    at, hint = AtArgument("data", ("inputs",)), f"inputs: {', '.join(graph.inputs)}"
    if not isinstance(inputs, Mapping):
        if len(graph.inputs) > 1:
            message = f"train.data.inputs must say which of {len(graph.inputs)} inputs takes what"
            raise Refused(message, at, "train", hint)
        return {graph.inputs[0]: inputs}
    for name in inputs:
        if name not in graph.inputs:
            message = f"train.data.inputs names '{name}', which is no input"
            raise Refused(message, at, "train", did_you_mean(name, graph.inputs) or hint)
    return dict(inputs)


def _name_class_weights(graph: Graph, given: Any, tasks: Mapping[str, str]) -> dict[str, Any]:
    """Return the weights of classes by the names of the outputs that learn them."""
    if given is None:
        return {}
    if given != "balanced" and any(isinstance(each, str | Mapping) for each in given.values()):
        return spread_over_outputs(graph, "class_weight", given)
    learning = [output for output, task in tasks.items() if task == CLASSES]
    if len(learning) != 1:
        raise Refused(
            f"train.data.class_weight is for an output of classes, and {graph.name} has "
            f"{len(learning)}",
            AtArgument("data", ("class_weight",)),
            "train",
            "write it for one output by name: `class_weight: {OUTPUT: balanced}`"
            if learning
            else "leave it out",
        )
    return {learning[0]: given}


def find_followed(graph: Graph, recipe: Recipe) -> list[str]:
    """Return the outputs whose targets must follow augmentation that moves pixels."""
    targets = recipe.data.targets
    tasks = {
        name: find_task(graph, name, recipe.loss[name], targets.get(name)) for name in graph.outputs
    }
    return list_followed(tasks, targets)


def _check_precision(optimizer: Object, precision: str) -> None:
    """Refuse Muon in float64: it computes with another type too, and Keras fails at a step."""
    if named(optimizer)[0] == "Muon" and precision == "float64":
        hint = "train in float32, or with AdamW"
        raise Refused(
            "train.optimizer: Muon cannot work in float64", AtArgument("optimizer"), "train", hint
        )
