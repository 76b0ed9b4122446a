"""What it gains to begin a variant with the weights of its base.

    python benchmarks/weights.py [--base SPEC] [--variant SPEC] [--data mnist] [--data-dir FOLDER]
        [--limit 6000] [--epochs 1] [--seeds 3]

The base is trained once. The variant is then trained, for each seed, with new weights and with
those of the base (`--init-from`), each in a process of its own. The table has what each is worth on
test images.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def train(spec: str, run: Path, given: argparse.Namespace, *more: str) -> tuple[float, float]:
    """Train a spec in a process of its own, and return its test loss and accuracy."""
    words = [sys.executable, "-m", "archspec", "train", spec, "--run-dir", str(run), "--quiet"]
    words += ["--data", given.data, "--limit", str(given.limit), "--epochs", str(given.epochs)]
    words += ["--data-dir", given.data_dir] if given.data_dir else []
    subprocess.run([*words, *more], check=True, stdout=subprocess.DEVNULL)
    test = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]
    return test["loss"], test["accuracy"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="resnet18")
    parser.add_argument("--variant", default="examples/ablations/gated.yaml")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-dir")
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base"
        loss, accuracy = train(given.base, base, given)
        print(f"{given.base}: test loss {loss:.4f}, accuracy {accuracy:.4f}\n")
        print("| seed | new weights: loss | accuracy | those of the base: loss | accuracy |")
        print("|---|---|---|---|---|")
        both: list[tuple[float, ...]] = []
        for seed in range(given.seeds):
            runs = [Path(scratch) / f"{way}{seed}" for way in ("new", "base")]
            new = train(given.variant, runs[0], given, "--seed", str(seed))
            old = train(
                given.variant, runs[1], given, "--seed", str(seed), "--init-from", str(base)
            )
            both.append((*new, *old))
            print(f"| {seed} | {' | '.join(f'{each:.4f}' for each in both[-1])} |", flush=True)
        means = [statistics.mean(column) for column in zip(*both, strict=True)]
        print(f"| mean | {' | '.join(f'{each:.4f}' for each in means)} |")


if __name__ == "__main__":
    main()
