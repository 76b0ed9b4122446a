"""Check losses and metrics against the outputs of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.arguments import show
from archspec.errors import AtArgument, Refused, did_you_mean
from archspec.graph import Graph, Node, Shape
from archspec.layers import find_activation, traits_of
from archspec.objects import TABLES, Object, named
from archspec.recipe.types import is_object

# Losses whose target is a class. The others take numbers, masks or sequences.
OF_CLASSES = {
    *("SparseCategoricalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"),
    *("CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "KLDivergence"),
    *("BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", "SquaredHinge"),
}

OF_DATA = ("targets", "class_weight")  # keys of train.data that may have a value for each output
NEARLY_PROBABILITIES = ("hard_sigmoid", "sparse_sigmoid", "sparsemax")


def is_sparse(name: str) -> bool:
    """Return whether a loss or metric takes the number of a class; the others take one-hot rows."""
    return name.startswith("Sparse") or name == "CategoricalGeneralizedCrossEntropy"


def spread_over_outputs(graph: Graph, key: str, value: Any) -> dict[str, Any]:
    """Return a key's value for each output, by the output's dotted name.

    value: one value for all outputs, or a mapping from the names of some to theirs.
    """
    keyed = isinstance(value, Mapping) and (key != "loss" or not is_object("loss", value))
    if not keyed:
        return {} if value is None else dict.fromkeys(graph.outputs, value)
    named = {}
    where = f"train.data.{key}" if key in OF_DATA else f"train.{key}"
    for name, each in value.items():
        # A block named as an output is its last step: `aux` stands for `aux.dense`.
        inside = [out for out in graph.outputs if out.startswith(f"{name}.")]
        if name not in graph.outputs and len(inside) != 1:
            hint = did_you_mean(name, graph.outputs) or (
                f"outputs: {', '.join(graph.outputs)}; `train: {{{key}: null}}` takes away what a "
                "base gives"
            )
            at = AtArgument("data", (key,)) if key in OF_DATA else AtArgument(key)
            raise Refused(f"{where} names '{name}', which is no output", at, "train", hint)
        named[name if name in graph.outputs else inside[0]] = each
    return named


def check_own_input(losses: Mapping[str, Object], targets: Mapping[str, Any]) -> None:
    """Refuse a loss of class numbers for an output that learns its input."""
    for output, target in targets.items():
        if target == "input" and is_sparse(loss := named(losses[output])[0]):
            message = f"train.loss: output '{output}' learns its input, and {loss} takes classes"
            hint = "write `loss: MeanSquaredError`, or BinaryCrossentropy for values of 0 to 1"
            raise Refused(message, AtArgument("loss"), "train", hint)


def check_labels(losses: Mapping[str, Object], metrics: Mapping[str, Any]) -> None:
    """Refuse a metric that takes other labels than its loss: class numbers, or one-hot rows."""
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
            message = f"train.metrics: {name} expects {wants}, but {loss} is given {gets}"
            raise Refused(message, AtArgument("metrics"), "train", hint)


def check_values(metrics: Mapping[str, Any]) -> None:
    """Refuse a metric that is no single number: a history has no room for arrays."""
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


def check_shapes(
    graph: Graph,
    losses: Mapping[str, Object],
    metrics: Mapping[str, tuple[Object, ...]],
    chosen: bool,
) -> None:
    """Refuse a loss or a metric that cannot judge an output of its shape.

    chosen: whether the recipe names the losses; the default ones fit.
    """
    for output in graph.outputs:
        shape = graph.shape(output)
        judges = [("metrics", each) for each in metrics.get(output, ())]
        judges += [("loss", losses[output])] if chosen else []
        for key, each in judges:
            if found := _find_misfit(*named(each), shape):
                message, hint = found
                raise Refused(f"train.{key}: {message}", AtArgument(key), "train", hint)


def _find_misfit(name: str, given: Mapping[str, Any], shape: Shape) -> tuple[str, str] | None:
    """Return why a loss or metric cannot judge an output of a shape, with the remedy."""
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
    weights = next((key for key in ("alpha", "label_weights") if _is_several(given.get(key))), None)
    if weights and units is not None and len(given[weights]) != units:
        counts = f"{len(given[weights])} numbers for {units} units"
        return f"{name} argument '{weights}' has {counts}", "give one number for each unit"
    return None


def _is_several(value: Any) -> bool:
    """Return whether a value is a list of more than one item."""
    return isinstance(value, tuple) and len(value) > 1


def is_one_unit(graph: Graph, output: str) -> bool:
    """Return whether an output is one number that can tell two classes apart.

    A softmax of one unit cannot: it is always 1.
    """
    return graph.shape(output)[1:] == (1,) and last_activation(graph, output) != "softmax"


def gives_probabilities(graph: Graph, output: str) -> bool:
    """Return whether an output ends in a softmax or sigmoid; its shape may change after that."""
    return last_activation(graph, output) in ("softmax", "sigmoid")


def last_activation(graph: Graph, output: str) -> str | None:
    """Return the name of the activation that an output's values come from, if there is one."""
    node: Node = graph[output]
    while traits_of(node.op).passes_values and node.inputs:
        node = graph[node.inputs[0]]
    return find_activation(node)


def choose_loss(graph: Graph, output: str) -> Object:
    """Return the cross-entropy that fits an output: binary for one unit, sparse otherwise.

    One unit at each place, as of a mask or a grey image, is judged as one unit is.
    """
    single = graph.shape(output)[-1] == 1 and last_activation(graph, output) != "softmax"
    name = "BinaryCrossentropy" if single else "SparseCategoricalCrossentropy"
    return name if gives_probabilities(graph, output) else {name: {"from_logits": True}}


def find_rectified(graph: Graph, output: str, loss: Object) -> str | None:
    """Return the activation that cuts off the logits which a cross-entropy takes, if there is one:
    no class can have a negative one."""
    name, arguments = named(loss)
    last = last_activation(graph, output)
    logits = arguments.get("from_logits", False) and name in OF_CLASSES
    return last if logits and last in ("relu", "relu6") else None


def find_mismatch(graph: Graph, output: str, loss: Object) -> str | None:
    """Return a warning if a loss takes probabilities for logits, or the reverse."""
    name, arguments = named(loss)
    if "from_logits" not in TABLES["loss"].get(name, {}):
        return None
    from_logits = arguments.get("from_logits", False)
    if from_logits != gives_probabilities(graph, output):
        return None
    last = last_activation(graph, output)
    if last not in (None, "linear", "softmax", "sigmoid"):
        right = "a sigmoid" if name.startswith("Binary") else "a softmax"
        message = (
            f"train.loss: {name} expects probabilities, but output '{output}' ends in {last}, "
            f"which gives neither them nor logits; end it in {right}, or in no activation and "
            "leave the loss out"
        )
        return None if last in NEARLY_PROBABILITIES else message
    wants, gives = ("logits", "probabilities") if from_logits else ("probabilities", "logits")
    return (
        f"train.loss: {name} with from_logits: {show(from_logits)} expects {wants}, but output "
        f"'{output}' gives {gives}; leave the loss out, or say from_logits: {show(not from_logits)}"
    )
