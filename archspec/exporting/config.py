"""Write the architecture as JSON, as `keras.models.model_from_json` reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archspec.graph import Graph


def write(model: Any, graph: Graph, path: Path) -> None:
    path.write_text(model.to_json(indent=2) + "\n", "utf-8")
