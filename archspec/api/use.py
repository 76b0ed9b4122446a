"""Use the model of a run: evaluate it, and predict with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archspec.api.arguments import (
    TrainedRun,
    check_choice,
    check_count,
    folder_of,
    needs_run_extra,
    path_or_none,
)
from archspec.backends import framework
from archspec.runs.outcome import Evaluation

PARTS = ("test", "validation", "train")


@needs_run_extra
def evaluate(
    run: TrainedRun,
    *,
    part: str | None = None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    device: str | None = None,
) -> Evaluation:
    """Evaluate the model of a run: its loss, its metrics and how well it knows each class.

    run: a `Run`, or its folder, in which `evaluation/` gets a report and pictures.
    part: the images to evaluate on, "test", "validation" or "train"; by default those for test, or
        those for validation where the data has none for test.
    data, data_dir: other images of the same classes, as `archspec.train` takes them; all of them
        are used where they are in one part.
    device: as `archspec.train` takes it.

    Raises `UserError` for a folder without a trained model, and for images that do not fit.

        >>> import archspec
        >>> print(archspec.evaluate("runs/lenet5-1", part="validation"))  # doctest: +SKIP
    """
    check_choice("part", part, PARTS)
    folder = folder_of(run, "evaluate")
    framework.start()
    from archspec.training.evaluating import evaluate as evaluate_run

    place = path_or_none("data_dir", data_dir)
    return evaluate_run(folder, part=part, data=data, data_dir=place, device=device)


@needs_run_extra
def predict(
    run: TrainedRun,
    *images: str | Path,
    top: int = 5,
    resize: bool = False,
    output: str | Path | None = None,
    device: str | None = None,
) -> list[dict[str, Any]]:
    """Run the model of a run on images, or on the rows of tables and arrays.

    run: a `Run`, or its folder.
    images: files of images, folders of such, tables (.csv) and arrays (.npz) with the columns of
        the training; all are prepared as in training.
    top: how many of the most probable classes are returned.
    resize: adapt the size and the channels of images to the spec's input.
    output: a folder in which the masks and images that the model makes are written as PNG.
    device: as `archspec.train` takes it.

    Returns a dict for each sample: its "file", and its "classes" as a dict from name to
    probability, the most probable first. A model with other outputs, or several, gives "outputs"
    instead: for each output "classes", "labels", "numbers", "mask" or "image".

    Raises `UserError` for a folder without a trained model, and for a file that cannot be read.

        >>> import archspec
        >>> (found,) = archspec.predict("runs/lenet5-1", "docs/digit.png")  # doctest: +SKIP
        >>> print(found["classes"])  # doctest: +SKIP
    """
    check_count("top", top)
    place = path_or_none("output", output)
    folder = folder_of(run, "predict")
    for each in images:
        if not isinstance(each, str | Path):
            raise TypeError(f"predict() takes files of images, not {type(each).__name__}")
    if not images:
        raise TypeError("predict() takes at least one image")
    framework.start()
    from archspec.training.predicting import predict as predict_run

    return predict_run(folder, [Path(each) for each in images], top, resize, device, place)
