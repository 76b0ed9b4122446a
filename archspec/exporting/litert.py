"""Write and run LiteRT's file, once TensorFlow Lite's, for telephones and small devices.

Its outputs are in the model's order in the signature `serving_default` alone, as output_0,
output_1, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archspec.graph import Graph
from archspec.streams import held_back

SIGNATURE = "serving_default"


def write(model: Any, graph: Graph, path: Path) -> None:
    with held_back([]):
        model.export(path, format="litert", verbose=False)


def run(path: Path, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs for some inputs, in the model's order."""
    from ai_edge_litert.interpreter import Interpreter

    with held_back([]):
        signature = Interpreter(str(path)).get_signature_runner(SIGNATURE)
        given = dict(zip(graph.inputs, inputs, strict=True))
        found = signature(**given)
    return [found[f"output_{number}"] for number in range(len(graph.outputs))]
