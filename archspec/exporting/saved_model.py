"""Write and run TensorFlow's SavedModel, a folder that TensorFlow Serving takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archspec.graph import Graph


def write(model: Any, graph: Graph, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False)


def run(path: Path, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs for some inputs, in the model's order."""
    import tensorflow as tf

    loaded = tf.saved_model.load(path)  # what it loads lives as long as this
    found = loaded.serve(inputs if len(inputs) > 1 else inputs[0])
    return list(found) if len(graph.outputs) > 1 else [found]
