"""How fast photos are fed, against what others feed them with.

    python benchmarks/feed.py [--rounds 3] [--folder FOLDER]

Two sets of JPEG files in two classes, which are made unless a folder of classes is given: photos of
500x400 that are resized to 128, and to 32; and 4,000 small ones of 32x32. The ways take turns, and
each reads all files in batches of 32:

    archspec     the runner's own feed, streamed: decoded and resized by Pillow, antialiased
    fast         the same with `data: {decode: fast}`: JPEG files are decoded at a part of their
                 size
    loop         Pillow in a plain loop, as by hand
    tf.data      `image_dataset_from_directory`, decoded and resized by TensorFlow, not antialiased
    DataLoader   torch's, with two workers and Pillow, where torch is installed
    grain        where it is installed, with Pillow

A line says images per second of the fastest round of each, from the first batch that is asked for
to the last, and what archspec reaches of it; "start" is what the runner takes before, to list the
files and look at their headers. Timings of single rounds differ on a machine that others use; turns
and the fastest make up for it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

import archspec
from archspec.data.preparation import prepare
from archspec.recipe import recipe_of
from archspec.training import feed

BATCH = 32
START = object()  # from here on a way is timed
NET = """
archspec: 1
input: [{size}, {size}, 3]
layers: [GlobalAveragePooling2D, Dense: {{units: 2, activation: softmax}}]
train: {{data: {{name: {folder}, resize: true, validation: 0, decode: {decode}}}}}
"""


def make_photos(folder: Path, count: int, height: int, width: int) -> Path:
    """Write photos of two classes: smooth colours with some noise, as cameras see them."""
    random = np.random.default_rng(0)
    for place in range(count):
        path = folder / "ab"[place % 2] / f"{place:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((width, height)), np.int16)
        noisy = smooth + random.integers(-12, 13, smooth.shape)
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path, quality=90)
    return folder


def of_archspec(folder: Path, size: int, decode: str = "exact") -> Iterator[Any]:
    graph = archspec.loads(NET.format(size=size, folder=folder, decode=decode))
    recipe = recipe_of(graph)
    part = prepare(graph, recipe)[1]["train"]
    feed.BUDGET = 0  # as of photos that do not fit in memory
    batches = feed.Feed(part, BATCH, seed=0).x
    yield START
    for place in range(batches.num_batches):
        yield batches[place]


def by_hand(folder: Path, size: int) -> Iterator[Any]:
    files = sorted(folder.rglob("*.jpg"))
    for start in range(0, len(files), BATCH):
        images = [
            np.asarray(
                Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
            )
            for path in files[start : start + BATCH]
        ]
        yield np.stack(images).astype(np.float32) / 255


def of_tensorflow(folder: Path, size: int) -> Iterator[Any]:
    import keras

    data = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=BATCH, verbose=False
    )
    yield from data.prefetch(2)


class _Files:
    """The images of a folder by place, for torch and for Grain."""

    def __init__(self, folder: Path, size: int) -> None:
        self.files, self.size = sorted(folder.rglob("*.jpg")), size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> Any:
        with Image.open(self.files[place]) as image:
            small = image.convert("RGB").resize((self.size,) * 2, Image.Resampling.BILINEAR)
            return np.asarray(small, np.float32) / 255


def of_torch(folder: Path, size: int) -> Iterator[Any]:
    from torch.utils.data import DataLoader

    yield from DataLoader(_Files(folder, size), batch_size=BATCH, num_workers=2)  # type: ignore


def of_grain(folder: Path, size: int) -> Iterator[Any]:
    import grain

    data = grain.MapDataset.source(_Files(folder, size)).batch(BATCH)
    yield from data.to_iter_dataset()


def list_ways() -> dict[str, Callable[[Path, int], Iterator[Any]]]:
    ways: dict[str, Callable[[Path, int], Iterator[Any]]] = {
        "archspec": of_archspec,
        "fast": lambda folder, size: of_archspec(folder, size, "fast"),
        "loop": by_hand,
    }
    others = {"tensorflow": ("tf.data", of_tensorflow), "torch": ("DataLoader", of_torch)}
    others["grain"] = ("grain", of_grain)
    return ways | {name: way for package, (name, way) in others.items() if find_spec(package)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="photos in a folder for each class")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        large = options.folder or make_photos(Path(scratch) / "large", 400, 400, 500)
        small = make_photos(Path(scratch) / "small", 4000, 32, 32)
        for name, folder, size in (
            ("photos to 128", large, 128),
            ("photos to 32", large, 32),
            ("32x32 as they are", small, 32),
        ):
            compare(name, folder, size, options.rounds)


def compare(name: str, folder: Path, size: int, rounds: int) -> None:
    """Time all ways in turn, and print the fastest round of each."""
    count, ways = len([*folder.rglob("*.jpg")]), list_ways()
    rates, start = dict.fromkeys(ways, 0.0), 0.0
    for _ in range(rounds + 1):  # the first warms up
        for way, read in ways.items():
            began = started = time.perf_counter()
            for batch in read(folder, size):
                if batch is START:
                    started = time.perf_counter()
                    start = started - began
            rates[way] = max(rates[way], count / (time.perf_counter() - started))
    print(f"{name}: {count:,} files, start {start:.1f} s")
    ours = ("archspec", "fast")
    for way, rate in rates.items():
        shares = "" if way in ours else ", ".join(f"{our} {rates[our] / rate:.2f}" for our in ours)
        print(f"  {way:12}{rate:8,.0f} images/s  {shares and f'of which {shares}'}")


if __name__ == "__main__":
    main()
