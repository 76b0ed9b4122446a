"""Kill a training run again and again, resume it, and compare it with one that nobody killed.

    python benchmarks/resume.py SPEC [--kills 20] [--seed 0] [-- options of `archspec train`]

Everything must agree bit for bit: every variable, the history (but for its seconds), the callbacks'
memory, the metrics. Exit status 1 if something does not.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np

TRAIN = [sys.executable, "-m", "archspec", "train"]


def differences(one: Path, two: Path, moved: bool = False) -> list[str]:
    """What two runs that should be the same do not share.

    moved: whether the images of one are in another place, so that its resolved.yaml says another.
    """
    found = []
    for name in sorted({path.name for run in (one, two) for path in (run / "last").glob("*.npz")}):
        states = [run / "last" / name for run in (one, two)]
        if not all(path.exists() for path in states):
            found.append(f"last/{name} is in one of them only")
            continue
        with np.load(states[0]) as a, np.load(states[1]) as b:
            keys = sorted(set(a.files) | set(b.files))
            for key in keys:
                if key not in a.files or key not in b.files:
                    found.append(f"last/{name}: {key} is in one of them only")
                elif key == "facts":
                    if _facts(a[key], moved) != _facts(b[key], moved):
                        found.append(f"last/{name}: the history or a callback's memory differs")
                elif not np.array_equal(a[key], b[key], equal_nan=True):
                    found.append(f"last/{name}: {key} differs")
    best = [_weights(run / "best.keras") for run in (one, two)]
    if best[0].keys() != best[1].keys() or not all(
        np.array_equal(best[0][name], best[1][name], equal_nan=True) for name in best[0]
    ):
        found.append("best.keras has other weights")
    for name in ("metrics.json", *([] if moved else ["resolved.yaml"])):
        if (one / name).read_bytes() != (two / name).read_bytes():
            found.append(f"{name} differs")
    histories = [
        [line.rsplit(",", 2)[0] for line in (run / "history.csv").read_text().splitlines()]
        for run in (one, two)
    ]
    return found if histories[0] == histories[1] else [*found, "history.csv differs"]


def _weights(path: Path) -> dict[str, np.ndarray]:
    """Every array in a .keras file, by its place."""
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    found = {}

    def take(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[...]

    with h5py.File(content) as file:
        file.visititems(take)
    return found


# What no two runs have in common: the last columns of a history, and what the recorder remembers.
TIMES = ("images_per_second", "seconds", "started", "trained")


def _facts(array: np.ndarray, moved: bool) -> object:
    """What a state says in words, without how long it took."""
    passed_over = (*TIMES, "resolved") if moved else TIMES

    def timeless(value: object) -> object:
        if isinstance(value, dict):
            return {k: timeless(v) for k, v in value.items() if k not in passed_over}
        return [timeless(each) for each in value] if isinstance(value, list) else value

    return timeless(json.loads(array.tobytes()))


class Process(Protocol):
    """What `subprocess.Popen` has of one."""

    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def wait(self) -> int: ...


def train(words: Sequence[str]) -> Process:
    """Start `archspec train` with these words."""
    return subprocess.Popen([*TRAIN, *words], stdout=subprocess.DEVNULL)


def killed(
    spec: str,
    options: Sequence[str],
    run: Path,
    kills: int,
    seconds: float,
    draw: random.Random,
    start: Callable[[Sequence[str]], Process] = train,
) -> int:
    """Train into `run`, killed up to so many times, and resumed until it is finished.

    seconds: that the training takes, once the folder is there. start: as `train` does. Returns how
    many kills hit.
    """
    done = 0
    words = [spec, "--run-dir", str(run), *options]
    while True:
        process = start(words)
        begun = run / "run.json"
        before = begun.stat().st_mtime_ns if begun.exists() else 0
        while process.poll() is None and not (
            begun.exists() and begun.stat().st_mtime_ns != before
        ):
            time.sleep(0.01)
        if done < kills:
            moment = time.monotonic() + draw.uniform(0, seconds)
            writing = draw.random() < 0.4  # in the middle of writing, if it comes to that
            while process.poll() is None and time.monotonic() < moment + 5 * writing:
                if writing and time.monotonic() > moment and list((run / "last").glob(".*")):
                    break
                time.sleep(0.0005)
            if process.poll() is None:
                process.kill()
                process.wait()
                done += 1
                words = ["--resume", str(run)]
                continue
        if status := process.wait():
            raise RuntimeError(f"archspec train {' '.join(words)} ended with status {status}")
        return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spec")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("options", nargs="*", help="of `archspec train`, after --")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        subprocess.run([*TRAIN, said.spec, "--run-dir", str(whole), *said.options], check=True)
        seconds = json.loads((whole / "run.json").read_text())["seconds"]
        print(f"uninterrupted: {seconds} s")
        draw, done, wrong = random.Random(said.seed), 0, False
        while done < said.kills:
            run = Path(scratch) / "killed"
            hit = killed(said.spec, said.options, run, said.kills - done, seconds, draw)
            done += hit
            found = differences(whole, run)
            wrong |= bool(found)
            print(f"killed {hit} times: {'; '.join(found) or 'the same, bit for bit'}", flush=True)
            shutil.rmtree(run)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
