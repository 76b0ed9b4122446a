"""Define the results of training and evaluation, without importing Keras."""

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
    """The result of a training.

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


class OutputReport(Struct, frozen=True, eq=False):
    """How good the predictions of one output are.

    task: what it learns: "classes", "labels", "numbers", "mask" or "image". columns: of the table.
    report: the rows of the table, and single numbers, by name; None for what cannot be known.
    confusion: how many samples, or places of a mask, of each class (rows) were taken for each class
        (columns); None for other tasks.
    """

    task: str
    columns: tuple[str, ...]
    report: Mapping[str, Any]
    confusion: Any = None

    def __str__(self) -> str:
        from tabulate import tabulate  # what only draws does without

        rows = [
            [_shorten(name), *(_write(column, each.get(column)) for column in self.columns)]
            for name, each in self.report.items()
            if isinstance(each, dict)
        ]
        aligned = ("left", *["right"] * len(self.columns))
        table = tabulate(rows, ["", *self.columns], colalign=aligned, disable_numparse=True)
        single = [f"{name} {each:.4f}" for name, each in self.report.items()
                  if isinstance(each, float) and self.task == "mask"]  # fmt: skip
        return "\n".join([table, *single])


def _shorten(name: str) -> str:
    return name if len(name) <= WIDTH else name[: WIDTH - 3] + "..."


def _write(column: str, value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if column in ("support", "places") else f"{value:.4f}"


class Evaluation(Struct, frozen=True, eq=False):
    """How good the model of a run is on some samples.

    part: "test", "validation" or "train". values: loss and metrics, as Keras names them.
    outputs: a report on each output, by its name.
    """

    part: str
    values: Mapping[str, float]
    outputs: Mapping[str, OutputReport]

    @property
    def report(self) -> Mapping[str, Any]:
        """The rows of the first output's report: of classes, each with its precision, recall,
        f1-score and support, and their averages, as scikit-learn gives them."""
        return next(iter(self.outputs.values())).report

    @property
    def confusion(self) -> Any:
        """The confusion matrix of the first output; None where that learns no classes."""
        return next(iter(self.outputs.values())).confusion

    def __str__(self) -> str:
        values = ", ".join(f"{name} {value:.4f}" for name, value in self.values.items())
        tables = [
            f"{name}: {each.task}\n{each}" if len(self.outputs) > 1 else str(each)
            for name, each in self.outputs.items()
        ]
        return "\n\n".join([f"{self.part}: {values}", *tables])

    __repr__ = __str__
