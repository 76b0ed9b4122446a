"""The whole of what a person waits for: `archspec train` against the script of a tutorial.

    python benchmarks/whole.py [--rounds 3] [--data-dir FOLDER] [CONTEST ...]

Both are started as processes, in turn, and train the same network on the same images for as many
epochs: from the start to the result on the test images. The script is what the tutorials do: it
reads the set by Keras, trains by `fit` with a ModelCheckpoint, loads the best weights and
evaluates them; it draws nothing and keeps no history. Its network comes from a `.keras` file,
compiled anew, but LeNet5 is written out in it. The table has the seconds of the whole, the images
per second of the median epoch without the first, and the most memory; a ratio above 1 is in favour
of archspec.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Contest(NamedTuple):
    spec: str
    images: int
    epochs: int
    batch: int = 32


CONTESTS = {
    "lenet5": Contest("lenet5", 10_000, 5),
    "lenet5 at 128": Contest("lenet5", 10_000, 5, 128),
    "inception10": Contest("inception10", 3_000, 4),
    "resnet18": Contest("resnet18", 640, 3),
}

LENET5 = """\
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(6, 5, activation="sigmoid"),
    keras.layers.MaxPooling2D(2, 2),
    keras.layers.Conv2D(16, 5, activation="sigmoid"),
    keras.layers.MaxPooling2D(2, 2),
    keras.layers.Flatten(),
    keras.layers.Dense(120, activation="sigmoid"),
    keras.layers.Dense(84, activation="sigmoid"),
    keras.layers.Dense(10, activation="softmax"),
])
"""
LOADED = 'model = keras.saving.load_model("net.keras", compile=False)\n'
SCRIPT = """\
import json, os, time
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras, numpy as np

with np.load("images.npz") as file:
    arrays = {{name: file[name] for name in file.files}}
x, y = arrays["x"][..., None] / 255.0, arrays["y"]
held = len(x) // 10
{model}
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
seconds = []
class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter()
    def on_test_begin(self, logs=None):
        seconds.append(time.perf_counter() - self.begun)
kept = keras.callbacks.ModelCheckpoint(
    "best.weights.h5", save_weights_only=True, save_best_only=True)
model.fit(x[held:], y[held:], batch_size={batch}, epochs={epochs}, verbose=2,
          validation_data=(x[:held], y[:held]), callbacks=[Clock(), kept])
model.load_weights("best.weights.h5")
print(model.evaluate(arrays["x_test"][..., None] / 255.0, arrays["y_test"], verbose=0))
json.dump([(len(x) - held) / each for each in seconds], open("rates.json", "w"))
"""


class Result(NamedTuple):
    """seconds: of the process. rate: images per second. memory: in MB, at the most."""

    seconds: float
    rate: float
    memory: float


def run(words: list[str], folder: Path) -> tuple[float, float]:
    """Run a process in a folder; return its seconds, and its memory in MB at the most."""
    started = time.perf_counter()
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(words, cwd=folder, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / "output.txt").read_text())
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def by_archspec(contest: Contest, folder: Path) -> Result:
    words = [sys.executable, "-m", "archspec", "train", contest.spec, "--run-dir", "run"]
    words += ["--data", "set.npz", "--epochs", str(contest.epochs)]
    words += ["--batch-size", str(contest.batch)]
    seconds, memory = run(words, folder)
    with (folder / "run" / "history.csv").open(encoding="utf-8") as file:
        rates = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    return Result(seconds, statistics.median(rates[1:]), memory)


def by_script(contest: Contest, folder: Path) -> Result:
    model = LENET5 if contest.spec == "lenet5" else LOADED
    text = SCRIPT.format(model=model, batch=contest.batch, epochs=contest.epochs)
    (folder / "script.py").write_text(text)
    seconds, memory = run([sys.executable, "script.py"], folder)
    return Result(
        seconds,
        statistics.median(json.loads((folder / "rates.json").read_text())[1:]),
        memory,
    )


def write_data(contest: Contest, folder: Path, data_dir: str | None) -> None:
    """Write the images that both take, and the model that the script loads."""
    code = (
        "import sys, archspec, numpy as np\n"
        "from pathlib import Path\n"
        "from archspec.data.preparation import prepare\n"
        "from archspec.recipe import recipe_of\n"
        "spec, images, folder, place = sys.argv[1:]\n"
        "graph = archspec.load(spec)\n"
        "recipe = recipe_of(graph, data='fashion_mnist')\n"
        "_, parts = prepare(graph, recipe, Path(place) if place else None, int(images))\n"
        "held = {}\n"
        "for name in ('train', 'validation', 'test'):\n"
        "    batch = parts[name].make_batch(parts[name].examples)\n"
        "    held[name] = [np.rint(batch[0][..., 0] * 255).astype('uint8'), batch[1].ravel()]\n"
        "x, y = (np.concatenate([held['validation'][n], held['train'][n]]) for n in (0, 1))\n"
        "np.savez(f'{folder}/images.npz', x=x, y=y, x_test=held['test'][0],"
        " y_test=held['test'][1])\n"
        "np.savez(f'{folder}/set.npz', x_train=x, y_train=y, x_test=held['test'][0],"
        " y_test=held['test'][1])\n"
        "archspec.build(graph, f'{folder}/net.keras')\n"
    )
    words = [contest.spec, str(contest.images), str(folder), data_dir or ""]
    subprocess.run([sys.executable, "-c", code, *words], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("contests", nargs="*", metavar="CONTEST", help=", ".join(CONTESTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data-dir")
    said = parser.parse_args()
    if wrong := set(said.contests) - set(CONTESTS):
        parser.error(f"there is no contest {', '.join(sorted(wrong))}: {', '.join(CONTESTS)}")
    print("| network | whole | script's | ratio | images/s | script's | ratio | MB | script's |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in said.contests or CONTESTS:
        contest = CONTESTS[name]
        results: dict[str, list[Result]] = {"ours": [], "theirs": []}
        with tempfile.TemporaryDirectory() as scratch:
            write_data(contest, Path(scratch), said.data_dir)
            for turn in range(said.rounds):
                for who, way in (("ours", by_archspec), ("theirs", by_script)):
                    folder = Path(scratch) / f"{who}{turn}"
                    folder.mkdir()
                    for file in ("images.npz", "set.npz", "net.keras"):
                        os.link(Path(scratch) / file, folder / file)
                    results[who].append(way(contest, folder))
        ours, theirs = (
            Result(*(statistics.median(values) for values in zip(*each, strict=True)))
            for each in results.values()
        )
        print(
            f"| {name} | {ours.seconds:.1f} s | {theirs.seconds:.1f} s"
            f" | {theirs.seconds / ours.seconds:.2f} | {ours.rate:,.0f} | {theirs.rate:,.0f}"
            f" | {ours.rate / theirs.rate:.2f} | {ours.memory:,.0f} | {theirs.memory:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
