"""Write weights to an HDF5 file, as Keras saves and loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archspec.graph import Graph


def write(model: Any, graph: Graph, path: Path) -> None:
    model.save_weights(path)
