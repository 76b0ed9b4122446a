"""The picture of a run: loss and metrics by epoch, on training and validation images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

ASIDE = {"epoch", "seconds", "learning_rate"}


def draw(rows: Sequence[dict[str, Any]], title: str, outputs: Sequence[str], path: Path) -> None:
    """Write the curves of a history (one dict an epoch, as in history.csv) as a picture.

    One panel for the loss and one for each metric; validation is dashed. Where a model has several
    outputs each is a colour of its own.
    """
    panels = _panels([key for key in rows[0] if key not in ASIDE], outputs)
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


def _panels(keys: Sequence[str], outputs: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Metric -> the history's keys for it, each with the output it is of ("" for the whole)."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        if key.startswith("val_"):
            continue
        of = max((out for out in outputs if key.startswith(f"{out}_")), key=len, default="")
        metric = key[len(of) + 1 :] if of else key
        panels.setdefault(metric, []).append((key, of))
    return dict(sorted(panels.items(), key=lambda item: item[0] == "loss"))
