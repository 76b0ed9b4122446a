"""Draw pictures of a run: curves, samples of images, confusion of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from archspec.data.images import Array
from archspec.training.lettering import as_written

NO_CURVES = {"epoch", "seconds", "images_per_second", "learning_rate"}


@as_written
def draw_curves(
    rows: Sequence[dict[str, Any]], title: str, outputs: Sequence[str], path: Path
) -> None:
    """Draw the curves of a history into a PNG file.

    Each metric has a panel, and the loss has the last one; validation is dashed. The outputs of a
    model with several have a colour each.

    rows: one dict for each epoch, as in history.csv. outputs: the names of the model's outputs.
    """
    panels = _group_keys([key for key in rows[0] if key not in NO_CURVES], outputs)
    figure = Figure(figsize=(5 * len(panels), 3.8), layout="constrained")
    figure.suptitle(title)
    epochs = [row["epoch"] for row in rows]
    marker = "o" if len(rows) < 25 else None
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (name, keys) in zip(row, panels.items(), strict=True):
        for place, (key, of) in enumerate(keys):
            for second, prefix in enumerate(("", "val_")):
                if prefix + key in rows[0]:
                    label = "validation" if prefix else "training"
                    axes.plot(
                        epochs,
                        [row[prefix + key] for row in rows],
                        "--" if second else "-",
                        color=f"C{place if len(keys) > 1 else second}",
                        marker=marker,
                        markersize=3,
                        label=f"{of or 'all'}, {label}" if len(keys) > 1 else label,
                    )
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=120, format="png")


def _group_keys(keys: Sequence[str], outputs: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Return metric -> the keys of the history for it, each with its output ("" for the whole).

    The loss comes last.
    """
    panels: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        if key.startswith("val_"):
            continue
        of = max((out for out in outputs if key.startswith(f"{out}_")), key=len, default="")
        metric = key[len(of) + 1 :] if of else key
        panels.setdefault(metric, []).append((key, of))
    return dict(sorted(panels.items(), key=lambda item: item[0] == "loss"))


# --- images --------------------------------------------------------------------------------------

WIDE, HIGH, IMAGE = 1.3, 1.55, 1.15  # inches: width and height of a cell, and the image in it
MANY = 50  # classes: with more of them, a picture has no names and counts


def are_images(values: Array) -> bool:
    """Return whether an array has the shape of a batch of images that `draw_samples` can draw."""
    return values.ndim == 3 or (values.ndim == 4 and values.shape[-1] in (1, 3))


@as_written
def draw_samples(
    images: Array, captions: Sequence[str], counts: Mapping[str, int], title: str, path: Path
) -> None:
    """Draw a sheet of images into a PNG file, each under its caption, above a bar chart of counts.

    images: (n, height, width) or (n, height, width, 1 or 3), in any range of values. captions: n
    texts. counts: class -> number of images; an empty mapping leaves the chart out.
    """
    across = min(8, len(images))
    down = ceil(len(images) / across)
    size = (WIDE * across, HIGH * down + 2.4 * bool(counts))
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title)
    heights = [HIGH * down, 2.4][: 1 + bool(counts)]
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    sheet, *balance = (part.subplots() for part in parts)
    _draw_sheet(sheet, images, captions, across)
    for axes in balance:
        axes.bar(range(len(counts)), list(counts.values()))
        axes.set(ylabel="training images", title="class balance")
        if len(counts) <= MANY:
            slanted = max(map(len, counts)) * len(counts) > 80
            axes.set_xticks(range(len(counts)), list(counts), rotation=60 if slanted else 0)
    figure.savefig(path, dpi=120, format="png")


def _draw_sheet(sheet: Axes, images: Array, captions: Sequence[str], across: int) -> None:
    """Draw images and captions, `across` in a row, into one system of axes, whose unit is an inch.

    Matplotlib takes a second to make axes for each image.
    """
    low, high = float(images.min()), float(images.max())
    tall, broad = images.shape[1:3]
    inch = IMAGE / max(tall, broad)  # of a pixel
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        middle, foot = WIDE * (place % across + 0.5), -HIGH * (place // across + 1)
        left, top = middle - inch * broad / 2, foot + inch * tall
        flat = image.squeeze(-1) if image.ndim == 3 and image.shape[-1] == 1 else image
        sheet.imshow(
            (flat - low) / ((high - low) or 1),
            cmap="gray",
            vmin=0,
            vmax=1,  # the same scale of brightness for all images
            extent=(left, left + inch * broad, foot, top),
        )
        sheet.text(middle, top + 0.05, caption, ha="center", va="bottom", fontsize="small")
    sheet.set(xlim=(0, WIDE * across), ylim=(-HIGH * ceil(len(images) / across), 0))
    sheet.set_axis_off()


@as_written
def draw_confusion(matrix: Array, classes: Sequence[str], title: str, path: Path) -> None:
    """Draw a confusion matrix into a PNG file: rows are the true classes, columns the predicted.

    matrix: counts of images, (classes, classes). The colour is the share of the true class.
    """
    count = len(classes)
    side = min(3 + 0.45 * count, 14)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(drawn, label="share of the true class")
    axes.set(xlabel="taken for", ylabel="true class", title=title)
    if count <= MANY:
        axes.set_xticks(range(count), classes, rotation=60, ha="right")
        axes.set_yticks(range(count), classes)
    if count <= 20:
        for row, column in np.argwhere(matrix):
            dark = shares[row, column] > 0.5
            axes.text(
                column,
                row,
                str(matrix[row, column]),
                ha="center",
                va="center",
                fontsize="small",
                color="white" if dark else "black",
            )
    figure.savefig(path, dpi=120, format="png")


@as_written
def draw_predicted(
    truth: Array, predicted: Array, names: Sequence[str], title: str, path: Path
) -> None:
    """Draw numbers as predicted against the true ones into a PNG file, a panel for each column.

    truth, predicted: (n, columns). names: of the columns; of more than six the first six are drawn.
    """
    names = names[:6]
    figure = Figure(figsize=(4.2 * len(names), 4.2), layout="constrained")
    figure.suptitle(title)
    row = figure.subplots(1, len(names), squeeze=False)[0]
    for place, (axes, name) in enumerate(zip(row, names, strict=True)):
        true, guess = truth[:, place], predicted[:, place]
        both = np.concatenate([true, guess])
        both = both[np.isfinite(both)]
        low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
        axes.plot([low, high], [low, high], color="grey", linewidth=1)
        axes.scatter(true, guess, s=9, alpha=0.5)
        axes.set(xlabel="true", ylabel="predicted", title=name)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120, format="png")


@as_written
def draw_rows(columns: Sequence[Array], names: Sequence[str], title: str, path: Path) -> None:
    """Draw samples into a PNG file, a row for each: input, target and output side by side.

    columns: as many arrays of images as there are names, (n, height, width) or (n, height, width, 1
    or 3), each in its own range of values.
    """
    down, across = len(columns[0]), len(columns)
    figure = Figure(figsize=(1.6 * across, 1.6 * down + 0.6), layout="constrained")
    figure.suptitle(title, fontsize="small", wrap=True)
    grid = figure.subplots(down, across, squeeze=False)
    for place, (images, name) in enumerate(zip(columns, names, strict=True)):
        low, high = float(images.min()), float(images.max())
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        for row, image in enumerate(images):
            flat = image.squeeze(-1) if image.ndim == 3 and image.shape[-1] == 1 else image
            axes = grid[row][place]
            axes.imshow((flat - low) / ((high - low) or 1), cmap="gray", vmin=0, vmax=1)
            axes.set_axis_off()
            if row == 0:
                axes.set_title(name, fontsize="small")
    figure.savefig(path, dpi=120, format="png")
