"""How well a GPU is used: what a person with one runs, and pastes into docs/benchmarks.md.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --device cpu --networks lenet5 --images 512 --epochs 2  # that it works

Each row is a network on a backend in a precision, trained on random images in three processes, one
after the other:

    runner    archspec's, with all it does beside: history, best model, state after every epoch
    fit       the same model in a plain `model.fit`, compiled as Keras does by itself
    product   square matrices multiplied, as `archspec bench` does: the chip's rate

"images/s" is that of the median epoch without the first, which compiles; "rate" the share of the
chip's matrix rate that the runner has, with 6 operations for each multiply-accumulate of a sample;
"held" the peak memory of the runner's process on the GPU (of all of the process on a CPU), and
"computed" the training memory that `archspec show` computes, without the framework. Backends that
are not installed are left out, and said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from msgspec.structs import replace
from tabulate import tabulate

import archspec
from archspec.analysis.memory import estimate_peak_memory
from archspec.recipe import recipe_of

GIB = 2**30
BATCHES = {"resnet18": 256, "resnet50v2": 32}  # of others 32
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def make_recipe(graph: Any, options: argparse.Namespace) -> Any:
    found = recipe_of(
        graph,
        {"data": {"name": str(options.data), "scale": None, "validation": 0}},
        batch_size=options.batch_size,
        epochs=options.epochs,
        precision=PRECISIONS[options.precision],
    )
    return replace(found, callbacks=(), augment=())


def run_runner(graph: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Train by archspec in this process; return images per second and peak memory."""
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    with tempfile.TemporaryDirectory() as place:
        quiet = RunOptions(options.device, quiet=True, echo=lambda said: None)
        run = train(graph, make_recipe(graph, options), quiet, run_dir=Path(place))
        facts = json.loads((Path(place) / "run.json").read_text(encoding="utf-8"))
        devices = facts["machine"]["gpus"] or [facts["machine"]["cpu"]]
    rates = [row["images_per_second"] for row in run.history]
    return {
        "images_per_second": median(rates[1:] or rates),
        "memory": facts["peak_memory"],
        "device": devices[0] if facts["device"].startswith("gpu") else facts["machine"]["cpu"],
        "versions": facts["versions"],
    }


def run_fit(graph: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Train by `model.fit` in this process; return images per second."""
    import keras

    from archspec.backends import framework
    from archspec.backends.keras import to_keras
    from archspec.training.compiling import build_object

    recipe = make_recipe(graph, options)
    keras.config.set_dtype_policy(recipe.precision)
    times: list[float] = []
    with framework.on(options.device), np.load(options.data) as data:
        model = to_keras(graph, seed=recipe.seed)
        (loss,) = recipe.loss.values()
        model.compile(
            optimizer=build_object(keras.optimizers, recipe.optimizer),
            loss=build_object(keras.losses, loss),
            metrics=["accuracy"],
        )

        class Clock(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.begun = time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                times.append(time.perf_counter() - self.begun)

        x, y = data["x_train"], data["y_train"]
        model.fit(
            x, y, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0, callbacks=[Clock()]
        )
    return {"images_per_second": len(x) / median(times[1:] or times)}


def run_product(graph: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Return the FLOP/s at which the device multiplies matrices."""
    from archspec.backends import framework
    from archspec.comparing.bench import _measure_product

    with framework.on(options.device):
        side, rate = _measure_product(options.precision)
    return {"side": side, "rate": rate}


WAYS = {"runner": run_runner, "fit": run_fit, "product": run_product}


def run_child(way: str, options: argparse.Namespace, **of: Any) -> dict[str, Any]:
    """Run one way in a process of its own, and return what it prints last."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in of.items()]
    words += [f"--epochs={options.epochs}"]
    words += [f"--device={options.device}"] if options.device else []
    done = subprocess.run(
        [sys.executable, __file__, "--way", way, *words],
        env={**os.environ, "KERAS_BACKEND": of["backend"]},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"failed": f"{way} on {of['backend']} ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_images(graph: Any, images: int, path: Path) -> None:
    """Write random images and classes as the network takes them."""
    (name,), (output,) = graph.inputs, graph.outputs
    random = np.random.default_rng(0)
    x = random.random((images, *graph.shape(name)[1:]), np.float32)
    y = random.integers(0, graph.shape(output)[-1], images)
    few = slice(0, min(images, 64))  # the runner measures its best model on them in the end
    np.savez(path, x_train=x, y_train=y, x_test=x[few], y_test=y[few])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["resnet18", "resnet50v2"])
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS))
    parser.add_argument("--images", type=int, help="by default 40 batches")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--device")
    for name in ("way", "network", "backend", "precision", "data"):  # of one process
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    parser.add_argument("--batch-size", type=int, help="by default 256, of resnet50v2 32")
    options = parser.parse_args()
    if options.way:
        found = WAYS[options.way](archspec.load(options.network), options)
        print(json.dumps(found), flush=True)
        return
    rows, rates, facts = [], {}, {}
    for backend in options.backends:
        if find_spec(backend) is None:
            print(f"left out: {backend} is not installed", file=sys.stderr)
            continue
        for network in options.networks:
            graph = archspec.load(network)
            size = options.batch_size or BATCHES.get(network, 32)
            with tempfile.TemporaryDirectory() as place:
                data = Path(place, "images.npz")
                write_images(graph, options.images or 40 * size, data)
                for precision in options.precisions:
                    print(f"{network}, {backend}, {precision}", file=sys.stderr)
                    of = {"backend": backend, "network": network, "precision": precision}
                    of |= {"data": data, "batch_size": size}
                    if (backend, precision) not in rates:
                        rates[backend, precision] = run_child("product", options, **of)
                    runner, fit = (run_child(way, options, **of) for way in ("runner", "fit"))
                    facts |= {key: runner[key] for key in ("device", "versions") if key in runner}
                    rows.append(make_row(of, graph, runner, fit, rates[backend, precision]))
    versions = ", ".join(f"{name} {each}" for name, each in facts.get("versions", {}).items())
    print(f"\n{facts.get('device', platform.processor())}; {versions}\n")
    print(tabulate(rows, headers="keys", tablefmt="github"))


def make_row(of: Any, graph: Any, runner: Any, fit: Any, product: Any) -> dict[str, str]:
    """Return a row of the table; what failed is a dash, and said."""
    for each in (runner, fit, product):
        if "failed" in each:
            print(each["failed"], file=sys.stderr)
    ours, theirs = runner.get("images_per_second"), fit.get("images_per_second")
    memory = runner.get("memory")
    computed = estimate_peak_memory(
        graph, batch_size=of["batch_size"], precision=PRECISIONS[of["precision"]]
    ).total
    share = 6 * graph.macs * ours / product["rate"] if ours and "rate" in product else None
    return {
        "network": of["network"],
        "batch": str(of["batch_size"]),
        "backend": of["backend"],
        "precision": of["precision"],
        "runner, images/s": f"{ours:,.0f}" if ours else "-",
        "fit, images/s": f"{theirs:,.0f}" if theirs else "-",
        "ratio": f"{ours / theirs:.2f}" if ours and theirs else "-",
        "rate": f"{share:.0%}" if share else "-",
        "held": f"{memory / GIB:.2f} GiB" if memory else "-",
        "computed": f"{computed / GIB:.2f} GiB",
    }


if __name__ == "__main__":
    main()
