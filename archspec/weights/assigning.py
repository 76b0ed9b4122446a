"""Give a Keras model the weights that a plan says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from archspec.backends.spec_yaml import flat_name
from archspec.weights.planning import PlannedWeight, WeightsPlan
from archspec.weights.sources import WeightSource, reading_weights


def assign(model: keras.Model, plan: WeightsPlan, source: WeightSource) -> None:
    """Give a model, which was built of the plan's network, its weights. What is new stays as it is.

    Nothing is changed before all is read. Raises `UserError` for weights that cannot be read.
    """
    variables = _list_variables(model, plan)
    values: dict[tuple[str, str], Any] = {}
    with reading_weights(source) as read:
        for part in plan.parts:
            if part.source is not None:
                node = plan.source[part.source]
                values[part.layer, part.weight] = _fit(
                    part, read(node, part.weight), variables[part.layer, part.weight]
                )
    for key, value in values.items():
        variables[key].assign(value)


def _list_variables(
    model: keras.Model, plan: WeightsPlan
) -> Mapping[tuple[str, str], keras.Variable]:
    """Return the variable of each weight of the network: both are in Keras's order."""
    return {
        (node.name, weight): variable
        for node in plan.network
        if node.reuses is None and node.facts and node.facts.weights
        for weight, variable in zip(
            node.facts.weights, model.get_layer(flat_name(node.name)).weights, strict=True
        )
    }


def _fit(part: PlannedWeight, values: Any, variable: keras.Variable) -> Any:
    """Return the values of a variable that takes those of a weight as its part says."""
    if part.how == "copied":
        return values
    if part.how == "averaged":
        sizes = enumerate(zip(values.shape, part.shape, strict=True))
        ((axis, (old, new)),) = (each for each in sizes if each[1][0] != each[1][1])
        mean = values.mean(axis=axis, keepdims=True) * (old / new)
        return np.repeat(mean, new, axis=axis)
    held = np.array(keras.ops.convert_to_numpy(variable))
    both = tuple(slice(0, min(sizes)) for sizes in zip(part.shape, values.shape, strict=True))
    held[both] = values[both]
    return held
