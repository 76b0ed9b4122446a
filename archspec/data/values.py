"""Check the values of arrays: which can be an input, and which number classes."""

from __future__ import annotations

from math import prod

import numpy as np

from archspec.data.images import Array
from archspec.errors import UserError
from archspec.reading import readable

AT_ONCE = 2**24  # values that are looked at together: an array may be larger than the memory


def check_numbers(values: Array, where: str) -> Array:
    """Return an array that an input can take. Raises `UserError` for any other."""
    where = readable(where)
    if values.ndim < 2 or values.dtype.kind not in "buif" or not prod(values.shape[1:]):
        raise UserError(
            f"{where}: inputs must be numbers, (n, height, width) or more axes, got "
            f"{values.dtype} of shape {values.shape}"
        )
    check_finite(values, where)
    return values


def exceeds(values: Array, most: float) -> bool:
    """Return whether any value is larger; of an array that may be larger than the memory, too."""
    step = max(1, AT_ONCE // max(1, prod(values.shape[1:])))
    return any((values[at : at + step] > most).any() for at in range(0, len(values), step))


def check_finite(values: Array, where: str) -> None:
    """Raise `UserError` for a number that a float32 cannot hold, with its row."""
    if values.dtype.kind != "f":
        return
    most = np.finfo(np.float32).max  # training computes in float32, where larger ones are infinite
    step = max(1, AT_ONCE // max(1, prod(values.shape[1:])))
    for start in range(0, len(values), step):
        some = values[start : start + step]
        good = np.isfinite(some) & (some <= most) & (some >= -most)
        if not good.all():
            row = start + int(np.argwhere(~good)[0][0])
            bad = some[~good].flat[0]
            raise UserError(
                f"{readable(where)}: row {row} holds {bad}, which is not a finite number",
                "clean the data first",
            )


def read_class_numbers(labels: Array, where: str) -> Array:
    """Return labels as int64 (n,). Raises `UserError` if they are not numbers of classes."""
    where = readable(where)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    kind, hint = labels.dtype.kind, "number the classes from 0"
    found = f"{labels.dtype} of shape {labels.shape}"
    if kind in "buif" and labels.ndim == 1:
        whole = kind != "f" or (np.isfinite(labels) & (labels == np.floor(labels))).all()
        if whole and labels.size and labels.min() < 0:
            raise UserError(f"{where}: label {labels.min()} is out of range", hint)
        if whole and labels.size and int(labels.max()) >= 2**31:
            raise UserError(f"{where}: label {labels.max()} is out of range", hint)
        if whole:
            return labels.astype(np.int64)
        found = f"{labels.dtype}, not all of them whole"
        hint = f"{hint}; for a network that learns numbers write `loss: MeanSquaredError`"
    elif kind in "buif" and labels.ndim == 2 and ((labels == 0) | (labels == 1)).all():
        hint = "for several labels of a sample write `loss: BinaryCrossentropy`"
    elif kind == "f" and labels.ndim == 2 and np.allclose(labels.sum(axis=1), 1, atol=1e-3):
        hint = "for shares of classes write `loss: CategoricalCrossentropy`"
    raise UserError(f"{where}: labels must be one integer for each sample, got {found}", hint)


def is_one_hot(labels: Array) -> bool:
    """Return whether each row holds one 1, and else 0."""
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "buif":
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def find_range(values: Array) -> tuple[float, float]:
    """Return the lowest and the highest value of an array: of bytes the possible ones."""
    if values.dtype == np.uint8:
        return 0.0, 255.0
    return float(values.min()), float(values.max())
