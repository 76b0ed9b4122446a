"""Prediction: the classes that the model of a run sees in image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archspec.backends import framework
from archspec.data.fitting import make_fitting
from archspec.data.images import read_files
from archspec.training.trained import TrainedRun, load_trained


def predict(
    run: Path,
    files: Sequence[Path],
    top: int = 5,
    resize: bool = False,
    device: str | None = None,
) -> list[dict[str, Any]]:
    """Return what the model of a run sees in image files: a dict for each, in their order.

        >>> predict(Path("runs/lenet5-1"), [Path("seven.png")], top=2)  # doctest: +SKIP
        [{"file": "seven.png", "classes": {"7": 0.98, "9": 0.01}}]

    "classes" are name -> probability, the likeliest first. The images are prepared as in training.

    top: how many classes. resize: adapt size and channels, too, where training did not. device: as
    `framework.on` takes it.

    Raises `UserError` for a run without a model, and for an image that is missing, broken or of
    another size.
    """
    with framework.on(device):
        return _predict(load_trained(run), files, top, resize)


def _predict(
    trained: TrainedRun, files: Sequence[Path], top: int, resize: bool
) -> list[dict[str, Any]]:
    data, ours = trained.facts["data"], trained.recipe.data
    shape = trained.graph.shape(trained.graph.inputs[0])[1:]
    scale = ours.scale or tuple(data["range"])  # a file has its own range, whatever the data had
    found = []
    for path, photo in zip(files, read_files(files, data["grey"]), strict=True):
        adapt = resize or ours.resize, resize or ours.channels
        fit = make_fitting(photo, shape, photo.range, scale, *adapt)
        outputs = trained.model.predict(fit(photo), verbose=0)
        values = outputs[0] if isinstance(outputs, list | tuple) else outputs
        probabilities = trained.compute_probabilities(values)[0]
        order = np.argsort(-probabilities, kind="stable")[:top]
        classes = {trained.classes[i]: float(f"{probabilities[i]:.6g}") for i in order}
        found.append({"file": str(path), "classes": classes})
    return found
