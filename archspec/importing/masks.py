"""Compare the masks that a config says with those that Keras propagates itself.

A config names the mask of a pooling or a normalization as a tensor, worked out by operations. A
spec has no such tensors: a mask goes where `layers/masks.py` says. Both must be the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.errors import Refused
from archspec.graph import Graph, Node
from archspec.importing.findings import Findings
from archspec.importing.steps import ImportedSteps
from archspec.importing.wiring import make_key
from archspec.layers import traits_of
from archspec.layers.equivalents import work_out_mask


def check_masks(graph: Graph, wiring: ImportedSteps, findings: Findings) -> None:
    """Note each mask that the spec would not hand on as the model does."""
    found = _find_masks(graph, wiring)
    for given in wiring.masks:
        if found[given.step] != given.key:
            message = f"{given.layer} is given a mask that Keras does not propagate by itself"
            hint = "a spec can only have the masks of Embedding and Masking, which Keras propagates"
            findings.add("import-argument", message, given.path, hint)
    for place, step in enumerate(wiring.steps):
        if step.of_operation and found[place] is not None:
            message = f"the operation {step.old[-1]} ends a mask, and {step.op} would propagate it"
            hint = f"build the model with keras.layers.{step.op}, or end the mask before"
            findings.add("import-operation", message, step.path, hint)


def _find_masks(graph: Graph, wiring: ImportedSteps) -> list[int | None]:
    """Return the number of the mask that each step's output has; None for no mask.

    A mask that no operation of the config works out has a number of its own.
    """
    keys: dict[Any, int] = dict(wiring.keys)

    def work_out(name: str, values: Sequence[int], *constants: Any, **settings: Any) -> int:
        return keys.setdefault(make_key(name, values, constants, settings), -1 - len(keys))

    ranks: list[int | None] = []
    found: list[int | None] = []
    places = {node.name: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        inputs = [places[name] for name in node.inputs]
        rank = _find_rank(graph, node, [ranks[each] for each in inputs])
        ranks.append(rank)
        given = [found[each] for each in inputs]
        made = rank is not None
        found.append(work_out_mask(node, inputs, given, work_out) if made else None)
    return found


def _find_rank(graph: Graph, node: Node, ranks: Sequence[int | None]) -> int | None:
    if not node.inputs:
        return None
    shapes = [graph.shape(name) for name in node.inputs]
    try:
        return traits_of(node.op).mask({**node.arguments, **node.call}, shapes, ranks)
    except Refused:
        return None
