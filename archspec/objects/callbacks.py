"""Define callbacks: objects that watch over a training, and may change or end it."""

from __future__ import annotations

from pathlib import PurePath, PureWindowsPath
from typing import Annotated as A

from archspec.arguments import (
    BOOLEAN,
    COUNT,
    NON_NEGATIVE,
    NUMBER,
    TEXT,
    Type,
    choice,
    number,
    optional,
)
from archspec.errors import Unfit
from archspec.objects.kinds import Kind, entries

SMALLEST = "Smallest change that counts as an improvement."
Monitor = A[str, TEXT, "Metric that is watched, such as val_loss."]
Patience = A[int, COUNT, "Epochs without improvement that are waited."]
Verbose = A[int, COUNT, "1 prints what happens."]
Mode = A[
    str,
    choice("auto", "min", "max"),
    "Whether smaller or larger is better; auto goes by the metric's name.",
]


def early_stopping(
    *,
    monitor: Monitor = "val_loss",
    min_delta: A[float, NUMBER, SMALLEST] = 0.0,
    patience: Patience = 0,
    verbose: Verbose = 0,
    mode: Mode = "auto",
    baseline: A[float | None, optional(NUMBER), "Value that must be beaten; null for none."] = None,
    restore_best_weights: A[
        bool, BOOLEAN, "Whether to go back to the weights of the best epoch."
    ] = False,
    start_from_epoch: A[int, COUNT, "Epochs before watching begins."] = 0,
) -> None: ...


def reduce_lr_on_plateau(
    *,
    monitor: Monitor = "val_loss",
    factor: A[
        float,
        number("a number of at least 0 and below 1", minimum=0, exclusiveMaximum=1),
        "Factor that the learning rate is multiplied by.",
    ] = 0.1,
    patience: Patience = 10,
    verbose: Verbose = 0,
    mode: Mode = "auto",
    min_delta: A[float, NON_NEGATIVE, SMALLEST] = 0.0001,
    cooldown: A[int, COUNT, "Epochs after a change in which nothing is watched."] = 0,
    min_lr: A[float, NON_NEGATIVE, "Rate that is not gone below."] = 0.0,
) -> None: ...


def terminate_on_nan(
    *, raise_error: A[bool, BOOLEAN, "Whether to fail instead of stopping."] = False
) -> None: ...


def _check_log_dir(value: str) -> str:
    parts = PurePath(value).parts
    if not parts or ".." in parts or PurePath(value).is_absolute() or PureWindowsPath(value).drive:
        raise Unfit(f"must be a folder within that of the run, got '{value}'")
    return value


LOG_DIR = Type("a folder within that of the run", {"type": "string"}, _check_log_dir)
UPDATES = Type(
    "epoch, batch, or a positive integer",
    {"anyOf": [{"enum": ["epoch", "batch"]}, {"type": "integer", "minimum": 1}]},
)


def tensor_board(
    *,
    log_dir: A[str, LOG_DIR, "Folder of the logs, within that of the run."] = "logs",
    histogram_freq: A[int, COUNT, "Epochs between histograms of the weights; 0 for none."] = 0,
    write_graph: A[bool, BOOLEAN, "Whether to write the graph of the network."] = True,
    write_images: A[bool, BOOLEAN, "Whether to write weights as images."] = False,
    write_steps_per_second: A[bool, BOOLEAN, "Whether to write the speed of training."] = False,
    update_freq: A[str | int, UPDATES, "When losses and metrics are written."] = "epoch",
) -> None: ...


CALLBACKS = Kind(
    "callback",
    "a callback",
    {
        **entries(early_stopping, "EarlyStopping"),
        **entries(reduce_lr_on_plateau, "ReduceLROnPlateau"),
        **entries(tensor_board, "TensorBoard"),
        **entries(terminate_on_nan, "TerminateOnNaN"),
    },
)
