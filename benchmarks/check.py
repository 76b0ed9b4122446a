"""How long `archspec check` and `show` take, against a Python script that builds the same in Keras.

    python benchmarks/check.py [RUNS]
    python benchmarks/check.py [RUNS] --before CHECKOUT

Every figure is a whole process, from the shell's start to its end, so imports count on both sides.
The two are run in turn, and the ratio is taken pair by pair: a busy machine slows both. The second
table is the growth from 1,000 to 10,000 layers, written flat and written as a loop. The last row is
a network of 1,001 layers with an edit on each of its 333 units, against the same without it.

With --before, archspec is compared with another checkout of itself, such as `git worktree add`
makes: the processor's time of short commands, since that is what other work disturbs least.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
ARCHSPEC = [sys.executable, "-c", "import sys; from archspec.cli import run; sys.exit(run())"]

# What a user would run instead to learn shapes and parameters: build the model, print its summary.
SUMMARY = """
model.summary(print_fn=lambda line: None)
print(model.count_params())
"""
APPLICATIONS = """
import keras
model = keras.applications.ResNet50V2(weights=None)
"""
RESNET18 = """
import keras
from keras import layers

def block(x, filters, strides):
    y = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    y = layers.Activation("relu")(y)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if strides > 1:
        x = layers.Conv2D(filters, 1, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    return layers.Activation("relu")(layers.Add()([y, x]))

x = inputs = keras.Input((28, 28, 1))
x = layers.Conv2D(64, 3, padding="same", use_bias=False)(x)
x = layers.BatchNormalization()(x)
x = layers.Activation("relu")(x)
for stage in range(4):
    for unit in range(2):
        x = block(x, 64 * 2**stage, 2 if stage and not unit else 1)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
"""
SCRIPTS = {"resnet18": RESNET18, "resnet50v2": APPLICATIONS}


def seconds(command: list[str]) -> float:
    """Wall time of one process; the process must succeed."""
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return time.perf_counter() - start


def against_keras(runs: int) -> None:
    print(f"{'command':22} {'archspec':>9} {'Keras':>8} {'times faster':>13}   (min to max)")
    for spec, script in SCRIPTS.items():
        for verb in ("check", "show"):
            ours = [*ARCHSPEC, verb, f"specs/{spec}.yaml"]
            compare(f"{verb} {spec}", ours, [sys.executable, "-c", script + SUMMARY], runs)


def compare(name: str, ours: list[str], theirs: list[str], runs: int) -> None:
    """Run two processes in turn and print a row: the median of each, and of the pairs' ratios."""
    seconds(ours), seconds(theirs)  # warm the file cache
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    a, b = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    print(
        f"{name:22} {a:7.2f} s {b:6.2f} s {statistics.median(ratios):12.1f}   "
        f"({ratios[0]:.1f} to {ratios[-1]:.1f})"
    )


def flat(count: int) -> str:
    steps = "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n" * count
    return f"archspec: 1\ninput: [32, 32, 8]\nlayers:\n{steps}"


def loop(count: int) -> str:
    step = "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n    repeat: "
    return f"archspec: 1\ninput: [32, 32, 8]\nlayers:\n{step}{count}\n"


def growth(runs: int) -> None:
    print(
        f"\n{'written':10} {'1,000 layers':>13} {'10,000 layers':>14} {'growth':>8}   (min to max)"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("flat", flat), ("by a loop", loop)):
            files = []
            for count in (1_000, 10_000):
                path = Path(folder) / f"{count}.yaml"
                path.write_text(write(count), encoding="utf-8")
                files.append([*ARCHSPEC, "check", str(path)])
            pairs = [(seconds(files[0]), seconds(files[1])) for _ in range(runs)]
            small, large = (statistics.median(each) for each in zip(*pairs, strict=True))
            ratios = sorted(b / a for a, b in pairs)
            print(
                f"{name:10} {small:11.2f} s {large:12.2f} s {statistics.median(ratios):8.1f}   "
                f"({ratios[0]:.1f} to {ratios[-1]:.1f})"
            )


def cpu_seconds(checkout: Path, command: list[str]) -> float:
    """Processor time of one process that runs a checkout; the process must succeed.

    Modules are loaded as compiled before, whatever the environment says: so an installation has it.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        cwd=checkout,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**environment, "PYTHONPATH": str(checkout)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def edits(runs: int) -> None:
    plain = [*ARCHSPEC, "check", "examples/identity_mappings/resnet1001.yaml"]
    edited = [*plain, "--edit", 'at: "stage*.unit*.residual", insert_after: {Dropout: 0.1}']
    print(f"\n{'check, processor time':22} {'plain':>9} {'edited':>9} {'edited / plain':>15}")
    compare_cpu("resnet1001", (ROOT, plain), (ROOT, edited), runs)


def compare_cpu(
    name: str, first: tuple[Path, list[str]], second: tuple[Path, list[str]], runs: int
) -> None:
    """Run a command of one checkout and one of another in turn, and print a row as `compare`."""
    turns = [[cpu_seconds(*each) for each in (first, second)] for _ in range(runs + 1)]
    pairs = turns[1:]  # the first one compiles modules
    old, new = (statistics.median(each) * 1000 for each in zip(*pairs, strict=True))
    ratios = sorted(new / old for old, new in pairs)
    print(
        f"{name:22} {old:6.0f} ms {new:6.0f} ms {statistics.median(ratios):13.2f}   "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def against_checkout(before: Path, runs: int) -> None:
    print(f"{'command':22} {'before':>9} {'now':>9} {'now / before':>13}   (min to max)")
    with tempfile.TemporaryDirectory() as folder:
        rows = {line: line.split() for line in ("--help", "check resnet18", "show resnet18")}
        for count in (1_000, 10_000):
            path = Path(folder) / f"{count}.yaml"
            path.write_text(flat(count), encoding="utf-8")
            rows[f"check {count:,} layers"] = ["check", str(path)]
        for name, words in rows.items():
            command = [*ARCHSPEC, *words]
            compare_cpu(name, (before, command), (ROOT, command), runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="?", type=int, default=5)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    given = parser.parse_args()
    if given.before:
        against_checkout(given.before.resolve(), given.runs)
    else:
        against_keras(given.runs)
        growth(given.runs)
        edits(given.runs)
