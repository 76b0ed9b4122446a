"""Train what the tutorials train, and compare with what they reach.

    python examples/tutorials.py [--data-dir FOLDER] [--photos FOLDER] [--only NAME ...]

MNIST and Fashion-MNIST are read from --data-dir (or $ARCHSPEC_DATA, or downloaded); --photos is a
folder with train/ and test/, each with a folder of images per class. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import archspec
from archspec.backends import framework
from archspec.errors import UserError
from archspec.recipe import recipe_of
from archspec.training.run import train


@dataclass(frozen=True)
class Claim:
    """A run, and the test accuracy that is to be reached. data: None is the folder of photos."""

    spec: str
    data: str | None
    what: str
    least: float
    options: dict[str, Any]
    params: dict[str, Any] = field(default_factory=dict)


CLAIMS = {
    "cnn_mnist": Claim("cnn_mnist", "mnist", "3 epochs", 0.985, {"epochs": 3}),
    "lenet5": Claim("lenet5", "fashion_mnist", "5 epochs", 0.831 - 0.01, {"epochs": 5}),
    "inception10": Claim("inception10", "fashion_mnist", "5 epochs", 0.904 - 0.01, {"epochs": 5}),
    # Better than the 0.1 of a guess; a few steps at the tutorial's own size come first.
    "resnet50v2-224": Claim(
        "resnet50v2", None, "224 pixels, 4 steps", 0.0, {"steps": 4, "limit": 200, "batch_size": 8},
        {"classes": 10},
    ),
    "resnet50v2-64": Claim(
        "resnet50v2", None, "64 pixels, 3 epochs", 0.2, {"epochs": 3, "batch_size": 32},
        {"classes": 10, "size": 64},
    ),
}  # fmt: skip


def reached(claim: Claim, data: str, data_dir: Path | None) -> tuple[float, float]:
    """Test accuracy of the epoch that does best on the validation images, and seconds."""
    graph = archspec.load(claim.spec, **claim.params)
    options = dict(claim.options)
    limit = options.pop("limit", None)
    recipe = recipe_of(graph, data=data, resize=claim.data is None, **options)
    with tempfile.TemporaryDirectory() as folder:
        run = train(graph, recipe, run_dir=Path(folder), data_dir=data_dir, limit=limit)
    test = run.metrics["test"]
    assert test is not None
    return test["accuracy"], sum(row["seconds"] for row in run.history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="where mnist and fashion_mnist are")
    parser.add_argument("--photos", help="a folder with train/ and test/")
    parser.add_argument("--only", nargs="+", choices=CLAIMS, default=list(CLAIMS), metavar="NAME")
    given = parser.parse_args()
    framework.start()
    from archspec.runs.machine import find_commit

    started = f"{date.today()}, commit {find_commit()}"
    lines = [
        "| network | data | trained | test accuracy | wanted | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for name in given.only:
        claim = CLAIMS[name]
        data = claim.data or given.photos
        if data is None:
            raise UserError(f"{name} expects a folder of photos", "give --photos")
        accuracy, seconds = reached(claim, data, given.data_dir)
        wanted = f"{claim.least:.3f}" if claim.least else "that it runs"
        of = claim.data or "photos"
        lines.append(
            f"| {claim.spec} | {of} | {claim.what} | {accuracy:.4f} | {wanted} | {seconds:.0f} |"
        )
    print("\n".join([started, "", *lines]))


if __name__ == "__main__":
    main()
