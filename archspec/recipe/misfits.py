"""Check that a graph can learn what a dataset with a known name holds, before it is read."""

from __future__ import annotations

import re

from archspec.errors import AtArgument, Refused
from archspec.graph import Graph
from archspec.objects import named
from archspec.recipe.datasets import CLASSES
from archspec.recipe.of_graph import Recipe
from archspec.recipe.outputs import is_one_unit
from archspec.recipe.tasks import IMAGE, MASK, NUMBERS, find_task

TAKES = {
    NUMBERS: "numbers",
    IMAGE: "an image for each sample",
    MASK: "a class for each place of the sample",
}


def find_misfit(graph: Graph, recipe: Recipe) -> Refused | None:
    """Return why a dataset with a known name cannot train a graph; None if it can.

    Of other data, nothing is known before it is read.
    """
    name = recipe.data.name
    if name not in CLASSES or name is None:
        return None
    at = AtArgument("data", ("name",))
    if len(graph.inputs) != 1:
        message = f"{name} has one image for each sample, and {graph.name} has "
        message += f"{len(graph.inputs)} inputs"
        return Refused(message, at, "data", "give arrays (.npz) or a table with a column for each")
    for output, loss in recipe.loss.items():
        target = recipe.data.targets.get(output)
        task = find_task(graph, output, loss, target)
        if target is not None:
            continue
        if task in TAKES:
            what = f"output '{output}' has the loss {named(loss)[0]} and the shape "
            what += f"{graph.shape(output)}: it takes {TAKES[task]}, and {name} has classes"
            hint = "leave the loss out for a network of classes"
            if len(graph.shape(output)) > 2:
                hint = (
                    "to classify, flatten or pool before the last Dense; an autoencoder has "
                    "`targets: input` under train.data"
                )
            return Refused(what, at, "data", hint)
        units, count = graph.shape(output)[-1], len(CLASSES[name])
        if units is not None and units < count:
            has = "1 unit" if units == 1 else f"{units} units"
            message = f"{name} has {count} classes, but output '{output}' has {has}"
            return Refused(message, at, "data", suggest_units(graph, recipe, output, count))
    return None


def suggest_units(graph: Graph, recipe: Recipe, output: str, num_classes: int) -> str:
    """Return the remedy for an output that has too few units, which depends on its loss."""
    units = graph.shape(output)[-1] or 1
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
