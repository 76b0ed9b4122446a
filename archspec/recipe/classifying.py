"""Check that a graph can be trained to tell the classes of a dataset apart, before it is read."""

from __future__ import annotations

import re

from archspec.errors import AtArgument, Refused
from archspec.graph import Graph
from archspec.objects import named
from archspec.recipe.datasets import CLASSES
from archspec.recipe.of_graph import Recipe
from archspec.recipe.outputs import OF_CLASSES, is_one_unit, is_sparse

WITH_KERAS = "build the model with `archspec build` and train it with Keras"


def check_targets(recipe: Recipe) -> None:
    """Refuse a loss whose target is not a class: datasets have only classes."""
    for output, loss in recipe.loss.items():
        name = named(loss)[0]
        if name not in OF_CLASSES:
            raise Refused(
                f"output '{output}' has the loss {name}, whose target is no class: the runner "
                "trains classifiers so far",
                AtArgument("loss"),
                "data",
                f"leave the loss out for one of classes, or {WITH_KERAS}",
            )


def check_outputs(graph: Graph, recipe: Recipe, dataset: str, num_classes: int | None) -> None:
    """Refuse a graph unless it has one input, and outputs with a unit for each class.

    dataset: what messages call it. num_classes: None where its classes are not known.
    """
    at = AtArgument("data", ("name",))
    if len(graph.inputs) != 1:
        raise Refused(
            f"the runner trains specs with one input, {graph.name} has {len(graph.inputs)}",
            at,
            "data",
            WITH_KERAS,
        )
    for output in graph.outputs:
        shape = graph.shape(output)
        if len(shape) != 2 or shape[1] is None:
            raise Refused(
                f"output '{output}' has shape {shape}, but a classifier's is (None, classes)",
                at,
                "data",
                "to classify, flatten or pool before the last Dense; for targets that are masks, "
                f"images or sequences, {WITH_KERAS}",
            )
        if num_classes is None:
            continue
        sparse = is_sparse(named(recipe.loss[output])[0])
        if shape[1] < num_classes and not (shape[1] == 1 and num_classes == 2 and not sparse):
            units = "1 unit" if shape[1] == 1 else f"{shape[1]} units"
            message = f"{dataset} has {num_classes} classes, but output '{output}' has {units}"
            hint = _suggest_units(graph, recipe, output, shape[1], num_classes)
            raise Refused(message, at, "data", hint)


def find_misfit(graph: Graph, recipe: Recipe) -> Refused | None:
    """Return why the dataset that a recipe names cannot train a graph, as far as that is known
    before the dataset is read; None if it can, or if none is named."""
    name = recipe.data.name
    if name is None:
        return None
    classes = CLASSES.get(name)
    try:
        check_targets(recipe)
        check_outputs(graph, recipe, name, None if classes is None else len(classes))
    except Refused as refused:
        return refused
    return None


def _suggest_units(graph: Graph, recipe: Recipe, output: str, units: int, num_classes: int) -> str:
    """Return the remedy for an output that has too few units, which depends on its loss."""
    param = _find_param_behind(graph, output, units)
    enough = f"--set {param}={num_classes}" if param else f"give it {num_classes} units"
    if units > 1:
        return enough
    if not is_one_unit(graph, output):
        one = " or `activation: sigmoid`" if num_classes == 2 else ""
        return f"{enough}{one}: a softmax of one unit is always 1"
    loss = named(recipe.loss[output])[0]
    return f"{enough} and a softmax: {loss} of one unit tells two classes apart"


def _find_param_behind(graph: Graph, output: str, units: int) -> str | None:
    """Return the param that sets the number of units of an output, or None.

    It has that value, and the last layer with weights names it, or it is called after classes.
    """
    node = graph[output]
    while node.inputs and not (node.facts and node.facts.weights):
        node = graph[node.inputs[0]]
    span = node.span
    written = "\n".join(span.source.lines[span.line - 1 : span.end_line])
    having = [name for name, value in graph.params.items() if type(value) is int and value == units]
    behind = [name for name in having if re.search(rf"=\s*{name}\b|\b{name}: ==", written)]
    return next(iter(behind or [name for name in having if "class" in name]), None)
