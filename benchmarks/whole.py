"""The whole of what a person waits for: `archspec train` against the script of a tutorial.

    python benchmarks/whole.py [--rounds 3] [--data-dir FOLDER] [CONTEST ...]

Both are started as processes, in turn, and train the same network on the same images for as many
epochs: from the start to the result on the test images. The script is what the tutorials do: it
reads the set by Keras, trains by `fit` with a ModelCheckpoint, loads the best weights and
evaluates them; it draws nothing and keeps no history. Its network comes from a `.keras` file,
compiled anew, but LeNet5 is written out in it. The table has the seconds of the whole, the images
per second of the median epoch without the first, and the most memory; a ratio above 1 is in favour
of archspec. An epoch lasts from the line that is printed at its end to that of the next, so
validation and what is saved count.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
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
import os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras, numpy as np

with np.load("images.npz") as file:
    arrays = {{name: file[name] for name in file.files}}
x, y = arrays["x"][..., None] / 255.0, arrays["y"]
held = len(x) // 10
{model}
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
kept = keras.callbacks.ModelCheckpoint(
    "best.weights.h5", save_weights_only=True, save_best_only=True)
model.fit(x[held:], y[held:], batch_size={batch}, epochs={epochs}, verbose=2,
          validation_data=(x[:held], y[:held]), callbacks=[kept])
model.load_weights("best.weights.h5")
print(model.evaluate(arrays["x_test"][..., None] / 255.0, arrays["y_test"], verbose=0))
"""


EPOCH_ENDS = re.compile(r"epoch \d+/\d+: |\d+/\d+ - ")  # archspec's line, and that of `fit`


class Result(NamedTuple):
    """seconds: of the process. epoch: seconds of the median one. memory: in MB, at the most."""

    seconds: float
    epoch: float
    memory: float


def run(words: list[str], folder: Path) -> Result:
    """Run a process in a folder."""
    started = time.perf_counter()
    lines, ends = [], []
    process = subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if EPOCH_ENDS.match(line):
            ends.append(time.perf_counter())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("".join(lines))
    epochs = [after - before for before, after in pairwise(ends)]
    whole = time.perf_counter() - started
    return Result(whole, statistics.median(epochs), usage.ru_maxrss / 1024)


def by_archspec(contest: Contest, folder: Path) -> Result:
    words = [sys.executable, "-m", "archspec", "train", contest.spec, "--run-dir", "run"]
    words += ["--data", "set.npz", "--epochs", str(contest.epochs)]
    words += ["--batch-size", str(contest.batch)]
    return run(words, folder)


def by_script(contest: Contest, folder: Path) -> Result:
    model = LENET5 if contest.spec == "lenet5" else LOADED
    text = SCRIPT.format(model=model, batch=contest.batch, epochs=contest.epochs)
    (folder / "script.py").write_text(text)
    return run([sys.executable, "script.py"], folder)


def write_data(contest: Contest, folder: Path, data_dir: str | None) -> int:
    """Write the images that both take, and the model that the script loads.

    Returns how many images are trained on in an epoch.
    """
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
        "print(len(x) - len(x) // 10)\n"
    )
    words = [contest.spec, str(contest.images), str(folder), data_dir or ""]
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(ran.stdout.split()[-1])


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
            images = write_data(contest, Path(scratch), said.data_dir)
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
            f" | {theirs.seconds / ours.seconds:.2f} | {images / ours.epoch:,.0f}"
            f" | {images / theirs.epoch:,.0f} | {theirs.epoch / ours.epoch:.2f}"
            f" | {ours.memory:,.0f} | {theirs.memory:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
