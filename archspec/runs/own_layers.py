"""Record the files of own layers that a run needs in run.json, and ask for them later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archspec.errors import UserError
from archspec.graph import Graph
from archspec.layers import LAYERS, list_own
from archspec.layers.layer import LayerFile
from archspec.objects import named
from archspec.reading import readable
from archspec.recipe import Recipe


def find_files(graph: Graph, recipe: Recipe | None = None) -> dict[LayerFile, list[str]]:
    """Return the files whose layers a graph and its augmentation use, with the layers' names."""
    augment = recipe.augment if recipe else ()
    used = {*(node.op for node in graph), *(named(step)[0] for step in augment)}
    files: dict[LayerFile, list[str]] = {}
    for layer in list_own():
        if layer.file is not None and layer.name in used:
            files.setdefault(layer.file, []).append(layer.name)
    return files


def describe_files(graph: Graph, recipe: Recipe) -> dict[str, Any]:
    """Return the files' entry in run.json: nothing where the network has stock layers alone."""
    said = [
        {"file": file.path.name, "sha256": file.sha256, "layers": names}
        for file, names in find_files(graph, recipe).items()
    ]
    return {"own_layers": said} if said else {}


def require_files(run: Path, facts: Mapping[str, Any]) -> None:
    """Raise `UserError` unless the files that a run.json names are brought, with their content."""
    for said in facts.get("own_layers", ()):
        name, wanted = readable(said["file"]), readable(said["sha256"])
        for layer in map(readable, said["layers"]):
            file = LAYERS[layer].file if layer in LAYERS else None
            if file is None:
                raise UserError(
                    f"{run} was trained with {layer}, a layer of your own, from {name}",
                    f"name that file again: --layers {name} (its SHA-256 is {wanted})",
                )
            if file.sha256 != wanted:
                raise UserError(
                    f"{run} was trained with the {layer} of another file: the SHA-256 of {name} "
                    f"was {wanted}, that of {file.path.name} is {file.sha256}",
                    "name the file as it was then, or train the spec anew",
                )


def refuse_others(run: Path, facts: Mapping[str, Any], graph: Graph, recipe: Recipe) -> None:
    """Raise `UserError` if a network uses layers of one's own that its run.json does not name."""
    known = {layer for said in facts.get("own_layers", ()) for layer in said["layers"]}
    for names in find_files(graph, recipe).values():
        for layer in names:
            if layer not in known:
                raise UserError(
                    f"{run / 'run.json'} does not say which file {layer} is from",
                    "train the spec anew: a layer of another file may be another one",
                )
