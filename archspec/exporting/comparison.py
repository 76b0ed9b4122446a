"""Draw two random samples, and compare the outputs of two programs for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from archspec.errors import UserError
from archspec.graph import Graph
from archspec.layers import traits_of

LENGTH = 64  # of an axis that may have any
MOST = 1e-4


def make_inputs(graph: Graph) -> list[Any]:
    """Return an array of two random samples for each input of a graph.

    Integers are words that every Embedding has; an axis that may have any length has 64.
    """
    random = np.random.default_rng(0)
    words = [node.arguments["input_dim"] for node in graph if traits_of(node.op).looks_up]
    found = []
    for name in graph.inputs:
        arguments = graph[name].arguments
        shape = (2, *(LENGTH if n is None else n for n in arguments["shape"]))
        dtype = arguments["dtype"]
        if "float" in dtype:
            found.append(random.random(shape).astype(dtype))
        else:
            found.append(random.integers(0, min([2, *words]), shape).astype(dtype))
    return found


def measure_difference(path: str, wanted: Any, found: Sequence[Any]) -> float:
    """Return the largest difference between Keras's outputs and others, in the same order.

    Raises `UserError` if it is more than 1e-4, or if the outputs have other shapes.
    """
    import keras

    outputs = [keras.ops.convert_to_numpy(each) for each in keras.tree.flatten(wanted)]
    largest = 0.0
    for one, other in zip(outputs, found, strict=True):
        if one.shape != tuple(other.shape):
            raise UserError(
                f"{path}: an output has the shape {tuple(other.shape)}, in Keras {one.shape}",
                "the file is written, and is another network: do not use it",
            )
        difference = np.abs(one.astype(np.float64) - np.asarray(other, np.float64)).max()
        largest = float(np.maximum(largest, difference))  # which keeps NaN
    if not largest <= MOST:
        raise UserError(
            f"{path}: its outputs differ from Keras's by up to {largest:.2g}, more than {MOST:g}",
            "the file is written; look at what its runtime computes in another way",
        )
    return largest
