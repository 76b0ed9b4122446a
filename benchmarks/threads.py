"""Into how many threads TensorFlow best splits an operation, by the network and the batch.

    python benchmarks/threads.py [--rounds 3] [--data-dir FOLDER] [SPEC:IMAGES:BATCH ...]

Each network is trained for three epochs by `archspec train`, in a process of its own, in turn with
one thread for an operation and with as many as the machine has cores. The table has the images per
second of the fastest epoch of each, and the multiply-accumulates of a batch, by which, with the
layers side by side, the runner chooses: see `choose_threads` in archspec/runs/threads.py.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import archspec

NETWORKS = (
    "lenet5:20000:32",
    "lenet5:20000:256",
    "inception10:3000:32",
    "squeezenet_cifar10:2000:32",
    "mobilenet_v2_cifar10:640:32",
    "resnet18:640:8",
    "resnet18:640:32",
    "resnet50v2:320:32",
)


def measure(spec: str, images: int, batch: int, threads: int, data_dir: str | None) -> float:
    """Return the images per second of the fastest epoch of a training."""
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        words = [sys.executable, "-m", "archspec", "train", spec, "--run-dir", str(run)]
        words += ["--limit", str(images), "--batch-size", str(batch), "--epochs", "3"]
        words += ["--data-dir", data_dir] if data_dir else []
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": str(threads)}
        subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)
        with (run / "history.csv").open(encoding="utf-8") as file:
            return max(float(row["images_per_second"]) for row in csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data-dir")
    said = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"| network | batch | MACs of a batch | 1 thread | {cores} threads | ratio |")
    print("|---|---|---|---|---|---|")
    for network in said.networks:
        spec, images, batch = network.split(":")
        macs = (archspec.load(spec).macs or 0) * int(batch)
        rates: dict[int, list[float]] = {1: [], cores: []}
        for _ in range(said.rounds):
            for threads, found in rates.items():
                found.append(measure(spec, int(images), int(batch), threads, said.data_dir))
        one, all_ = (statistics.median(each) for each in rates.values())
        print(f"| {spec} | {batch} | {macs:.1e} | {one:,.0f} | {all_:,.0f} | {one / all_:.2f} |")


if __name__ == "__main__":
    main()
