"""What training and evaluation return: values that are known without importing Keras."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import keras

WIDTH = 20  # of a class's name in the table of a terminal

Metrics = dict[str, dict[str, float] | None]


class Run(Struct, frozen=True, eq=False):
    """What a training came to.

    folder: where its files are. model: the Keras model, with the weights of the best epoch, or of
        the last step if the run was interrupted.
    history: one dict for each epoch, as in history.csv.
    metrics: "test" and "validation" to the values that Keras reports, by name; None for a part
        that the data lacks or that the run did not reach.
    interrupted: whether Ctrl-C ended it.
    """

    folder: Path
    model: keras.Model
    history: list[dict[str, Any]]
    metrics: Metrics
    interrupted: bool

    def __repr__(self) -> str:
        epochs = len(self.history)
        status = "interrupted" if self.interrupted else "finished"
        return f"<Run {self.folder}: {status}, {epochs} epoch{'s' * (epochs != 1)}>"


class Evaluation(Struct, frozen=True, eq=False):
    """How good the model of a run is on some images.

    part: "test", "validation" or "train". values: loss and metrics, as Keras names them.
    report: precision, recall, f1-score and support of each class, and their averages, as
        scikit-learn gives them.
    confusion: how many images of each class (rows) were taken for each class (columns).
    """

    part: str
    values: Mapping[str, float]
    report: Mapping[str, Any]
    confusion: Any

    def __str__(self) -> str:
        from tabulate import tabulate  # what only draws does without

        columns = ["precision", "recall", "f1-score", "support"]
        rows = [
            [name if len(name) <= WIDTH else name[: WIDTH - 3] + "...", *map(each.get, columns)]
            for name, each in self.report.items()
            if isinstance(each, dict)
        ]
        table = tabulate(rows, ["", *columns], floatfmt=("", ".4f", ".4f", ".4f", ".0f"))
        values = ", ".join(f"{name} {value:.4f}" for name, value in self.values.items())
        return f"{self.part}: {values}\n\n{table}"

    __repr__ = __str__
