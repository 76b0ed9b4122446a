"""How far the training memory that `show` computes is from what real trainings hold.

    python benchmarks/memory.py [--batches 4 16] [--precision float32] [NETWORK ...]

Without --batches, those for which about 0.5 and 2 GiB of activations are computed.

Each training is a process of its own: it starts the framework, trains a network of a few weights,
and from then on counts its memory (Linux's VmHWM, above what it held at that moment) while it
builds the network, compiles it by the recipe and takes three steps on random images.

The table has a row for each network: at the largest batch the computed and the measured bytes; from
the smallest batch to the largest the bytes of one more image and their ratio, in which the
framework has no part; and what is held besides, whatever the batch, which is not computed: the
framework's compiled functions above all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from math import log2
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import archspec
from archspec.analysis.memory import estimate_peak_memory

NETWORKS = (
    *("resnet18", "vgg11", "mobilenet_v2", "densenet121", "resnet50v2"),
    *("convnext_tiny", "vit_b16"),
)
STEPS = 3
GIB = 2**30


def train(network: str, batch_size: int, precision: str) -> dict[str, Any]:
    """Train a network in this process, and return the bytes that it held more than before."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import numpy as np

    from archspec.backends.keras import to_keras
    from archspec.recipe import recipe_of
    from archspec.training.compiling import compile_trainer, use_precision

    def fit(graph: archspec.Graph, size: int) -> None:
        recipe = replace(recipe_of(graph), precision=precision, augment=(), batch_size=size)
        shape = (size, *graph.shape(graph.inputs[0])[1:])
        images = np.random.default_rng(0).random(shape, dtype="float32")
        targets = {name: np.zeros(size, "int32") for name in graph.outputs}
        with use_precision(precision):
            trainer = compile_trainer(to_keras(graph, 1), graph, recipe, STEPS, "cpu")
        given = targets if len(targets) > 1 else targets[graph.outputs[0]]
        for _ in range(STEPS):
            trainer.train_on_batch(images, given)

    keras.utils.set_random_seed(1)
    small = "input: [8, 8, 3]\nlayers: [{Conv2D: {filters: 4, kernel_size: 3}}, Flatten, Dense: 10]"
    fit(archspec.loads(f"archspec: 1\n{small}\n"), 4)
    graph = archspec.load(network)
    estimate = estimate_peak_memory(graph, batch_size, precision, recipe_of(graph).optimizer)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = read_status("VmRSS")
    fit(graph, batch_size)
    return {"computed": estimate.total, "measured": read_status("VmHWM") - before}


def read_status(name: str) -> int:
    """Return a number of bytes that Linux knows of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])


def measure(network: str, batch_size: int, precision: str) -> dict[str, Any]:
    """Train a network in a process of its own."""
    words = [sys.executable, __file__, network, "--child", str(batch_size)]
    done = subprocess.run(
        [*words, "--precision", precision], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{network} at batch {batch_size}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def choose_batches(network: str) -> list[int]:
    """Return the batch sizes, powers of 2, at which activations take about 0.5 and 2 GiB."""
    one = estimate_peak_memory(archspec.load(network), 1).activations
    assert one is not None
    middle = max(2, 2 ** round(log2(GIB / one)))
    return [middle // 2, 2 * middle]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--batches", nargs="+", type=int)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(train(given.networks[0], given.child, given.precision)))
        return
    print(HEADING)
    for network in given.networks:
        batches = sorted(given.batches or choose_batches(network))
        rows = [measure(network, batch_size, given.precision) for batch_size in batches]
        print(write_row(network, batches, rows), flush=True)


COLUMNS = "network", "batch", "computed", "measured", "an image, computed", "measured", "ratio"
HEADING = f"| {' | '.join(COLUMNS)} | besides |\n{'|---' * (len(COLUMNS) + 1)}|"


def write_row(network: str, batches: list[int], rows: list[dict[str, Any]]) -> str:
    """Return a row of the table, of the smallest and the largest batch. rows: by batch size."""
    (least, most), (first, last) = (batches[0], batches[-1]), (rows[0], rows[-1])
    each = {key: (last[key] - first[key]) / (most - least) for key in ("computed", "measured")}
    fixed = {key: first[key] - least * each[key] for key in each}
    cells = [
        f"`{network}`",
        f"{most}",
        *(f"{last[key] / GIB:.2f} GiB" for key in each),
        *(f"{size / 2**20:.2f} MiB" for size in each.values()),
        f"{each['measured'] / each['computed']:.2f}",
        f"{(fixed['measured'] - fixed['computed']) / GIB:.2f} GiB",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
