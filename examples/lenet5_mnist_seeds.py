"""How far lenet5_mnist gets on MNIST's test set after 2 and after 4 epochs, over several seeds.

    python examples/lenet5_mnist_seeds.py --data-dir ~/datasets

Each number is from a run of its own: a run looks at the test set once, at its end.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

import archspec
from archspec.recipe import recipe_of
from archspec.runs.job import RunOptions
from archspec.training.run import train

EPOCHS = (2, 4)


def accuracy(epochs: int, seed: int, data_dir: Path | None, limit: int | None) -> float:
    """On the test set, of the epoch that does best on the validation images."""
    graph = archspec.load("lenet5_mnist")
    recipe = recipe_of(graph, epochs=epochs, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            graph,
            recipe,
            RunOptions(quiet=True, echo=lambda text: None),
            run_dir=Path(folder),
            data_dir=data_dir,
            limit=limit,
        )
    test = run.metrics["test"]
    assert test is not None
    return test["accuracy"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="where mnist.npz or MNIST's files are")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--limit", type=int, help="train on so many images only")
    given = parser.parse_args()
    print("seed    " + "".join(f"{epochs} epochs  " for epochs in EPOCHS))
    rows = []
    for seed in range(given.seeds):
        row = [accuracy(epochs, seed, given.data_dir, given.limit) for epochs in EPOCHS]
        print(f"{seed:<8}" + "".join(f"{each:<10.4f}" for each in row), flush=True)
        rows.append(row)
    print("median  " + "".join(f"{median(each):<10.4f}" for each in zip(*rows, strict=True)))


if __name__ == "__main__":
    main()
