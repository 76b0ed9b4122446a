"""Report how good the predictions of an output are, from truth and prediction.

The numbers are scikit-learn's where it has them. What a part does not tell (the average precision
of a label that no sample has, R² of a constant) is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archspec.data.images import Array
from archspec.runs.outcome import OutputReport

CLASS_COLUMNS = ("precision", "recall", "f1-score", "support")
LABEL_COLUMNS = ("precision", "recall", "f1-score", "average precision", "support")
NUMBER_COLUMNS = ("MAE", "RMSE", "R²", "MAE of the mean")
PLACE_COLUMNS = ("IoU", "Dice", "precision", "recall", "places")


def report_classes(truth: Array, probabilities: Array, classes: Sequence[str]) -> OutputReport:
    """Report on classes: truth (n,), probabilities (n, classes)."""
    from sklearn.metrics import classification_report, confusion_matrix

    guess, labels = probabilities.argmax(axis=1), range(len(classes))
    report = classification_report(
        truth, guess, labels=labels, target_names=classes, output_dict=True, zero_division=0
    )
    matrix = confusion_matrix(truth, guess, labels=labels)
    return OutputReport("classes", CLASS_COLUMNS, report, matrix)


def report_labels(truth: Array, probabilities: Array, names: Sequence[str]) -> OutputReport:
    """Report on several labels: truth and probabilities (n, labels); a half and more is a guess."""
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support

    guess = probabilities >= 0.5
    truth = truth.astype(bool)
    each = precision_recall_fscore_support(truth, guess, average=None, zero_division=0)
    report: dict[str, Any] = {}
    for place, name in enumerate(names):
        precise = None
        if truth[:, place].any():
            precise = float(average_precision_score(truth[:, place], probabilities[:, place]))
        values = (*(float(column[place]) for column in each[:3]), precise, int(each[3][place]))
        report[name] = dict(zip(LABEL_COLUMNS, values, strict=True))
    precise = _average([row["average precision"] for row in report.values()])
    for average, mean in (("micro", None), ("macro", precise)):
        several = precision_recall_fscore_support(truth, guess, average=average, zero_division=0)
        values = (*map(float, several[:3]), mean, int(truth.sum()))
        report[f"{average} avg"] = dict(zip(LABEL_COLUMNS, values, strict=True))
    return OutputReport("labels", LABEL_COLUMNS, report)


def report_numbers(truth: Array, predicted: Array, names: Sequence[str]) -> OutputReport:
    """Report on numbers: truth and predicted (n, columns); the whole as a row of its own."""
    truth, predicted = truth.astype(np.float64), predicted.astype(np.float64)
    report = {
        name: _measure_numbers(truth[:, at : at + 1], predicted[:, at : at + 1])
        for at, name in enumerate(names)
    }
    if len(names) > 1:
        report["all"] = _measure_numbers(truth, predicted)
    return OutputReport("numbers", NUMBER_COLUMNS, report)


def _measure_numbers(truth: Array, predicted: Array) -> dict[str, float | None]:
    error, spread = predicted - truth, truth - truth.mean(axis=0)
    total = (spread**2).sum(axis=0)
    explained = 1 - (error**2).sum(axis=0) / np.where(total > 0, total, 1)
    known = bool((total > 0).all())
    values = (
        float(np.abs(error).mean()),
        float(np.sqrt((error**2).mean())),
        float(explained.mean()) if known else None,
        float(np.abs(spread).mean()),
    )
    return dict(zip(NUMBER_COLUMNS, values, strict=True))


def count_places(truth: Array, guess: Array, count: int, ignored: int | None = None) -> Array:
    """Return how many places of each class (rows) were taken for each class (columns)."""
    truth, guess = truth.reshape(-1), guess.reshape(-1)
    if ignored is not None:
        kept = truth != ignored
        truth, guess = truth[kept], guess[kept]
    pairs = np.bincount(truth.astype(np.int64) * count + guess, minlength=count**2)
    return pairs.reshape(count, count)


def report_places(matrix: Array, classes: Sequence[str]) -> OutputReport:
    """Report on a class for each place. matrix: as `count_places` returns it, of all samples."""
    right = np.diag(matrix).astype(float)
    true, taken = matrix.sum(axis=1), matrix.sum(axis=0)
    report: dict[str, Any] = {}
    for at, name in enumerate(classes):
        values = (
            _divide(right[at], true[at] + taken[at] - right[at]),
            _divide(2 * right[at], true[at] + taken[at]),
            _divide(right[at], taken[at]),
            _divide(right[at], true[at]),
        )
        report[name] = dict(zip(PLACE_COLUMNS, (*values, int(true[at])), strict=True))
    report["mean"] = {
        column: _average([row[column] for row in report.values()]) for column in PLACE_COLUMNS[:-1]
    }
    report["mean"]["places"] = int(matrix.sum())
    report["pixel accuracy"] = _divide(right.sum(), matrix.sum())
    return OutputReport("mask", PLACE_COLUMNS, report, matrix)


def _divide(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _average(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def report_images(squared: float, absolute: float, width: float | None) -> OutputReport:
    """Report on images. squared, absolute: the mean errors of all values. width: of their range."""
    values: dict[str, float | None] = {"MSE": squared, "MAE": absolute}
    columns: tuple[str, ...] = ("MSE", "MAE")
    if width is not None and squared > 0:
        values["PSNR"] = float(10 * np.log10(width**2 / squared))
        columns = (*columns, "PSNR")
    report: Mapping[str, Any] = {"all": values}
    return OutputReport("image", columns, report)
