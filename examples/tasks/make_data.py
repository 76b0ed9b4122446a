"""Make the data of the specs beside this file: python examples/tasks/make_data.py FOLDER

All of it comes from the digits of scikit-learn, or is computed: nothing is downloaded.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

RANDOM = np.random.default_rng(0)
SIZE = 16  # pixels of an image, each way


def enlarge(image, size=SIZE, angle=0.0):
    """Return a digit (8, 8) of 0 to 16 as bytes (size, size), turned by an angle in degrees."""
    whole = Image.fromarray((image * 255 / 16).astype(np.uint8))
    return whole.resize((size, size), Image.Resampling.BICUBIC).rotate(
        angle, Image.Resampling.BILINEAR
    )


def write_masks(folder, digits):
    """Images of digits on a noisy ground, and masks of where the digit is."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for place, image in enumerate(digits.images[:400]):
        seen = np.asarray(enlarge(image), float)
        noisy = np.clip(0.6 * seen + RANDOM.normal(60, 40, seen.shape), 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / f"images/{place:03}.png")
        Image.fromarray((seen > 96).astype(np.uint8) * 255).save(folder / f"masks/{place:03}.png")


def write_turned(folder, digits):
    """A table of turned digits: the file, the digit, the angle, and attributes of the digit."""
    (folder / "images").mkdir(parents=True)
    with (folder / "turned.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "digit", "angle", "attributes", "part"])
        for place, (image, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
            angle = RANDOM.uniform(-60, 60)
            name = f"images/{place:04}.png"
            enlarge(image, angle=angle).save(folder / name)
            sets = {"even": (0, 2, 4, 6, 8), "loop": (0, 6, 8, 9), "prime": (2, 3, 5, 7)}
            attributes = [name for name, several in sets.items() if digit in several]
            part = "train" if place % 5 else "test"
            writer.writerow([name, digit, f"{angle:.1f}", ";".join(attributes), part])


def write_pairs(path, digits):
    """Pairs of digits, and whether both show the same one."""
    left = RANDOM.integers(0, len(digits.images), 4000)
    right = RANDOM.integers(0, len(digits.images), 4000)
    for place in range(0, 4000, 2):  # every second pair shows the same digit
        alike = np.flatnonzero(digits.target == digits.target[left[place]])
        right[place] = RANDOM.choice(alike)
    same = (digits.target[left] == digits.target[right]).astype(int)
    arrays = {"left": digits.images[left], "right": digits.images[right], "same": same}
    parts = {"train": slice(0, 3200), "test": slice(3200, 4000)}
    np.savez(path, **{f"{name}_{part}": each[at] for name, each in arrays.items()
                      for part, at in parts.items()})  # fmt: skip


def write_sounds(path):
    """Tones of four kinds of waves at any pitch, with noise: 256 numbers each."""
    time = np.arange(256)
    kinds = np.array(["sine", "square", "saw", "noise"])[RANDOM.integers(0, 4, 1200)]
    sounds = []
    for kind in kinds:
        turn = (time * RANDOM.uniform(0.01, 0.08) + RANDOM.random()) % 1
        wave = {
            "sine": np.sin(2 * np.pi * turn),
            "square": np.sign(turn - 0.5),
            "saw": 2 * turn - 1,
            "noise": RANDOM.normal(0, 0.6, 256),
        }[kind]
        sounds.append(wave + RANDOM.normal(0, 0.2, 256))
    x = np.array(sounds, np.float32)
    np.savez(path, x_train=x[:1000], y_train=kinds[:1000], x_test=x[1000:], y_test=kinds[1000:])


def write_volumes(path):
    """Volumes of 12 voxels each way that hold a ball, a cube or a rod, with noise."""
    axes = np.stack(np.meshgrid(*[np.arange(12)] * 3, indexing="ij"))
    shapes = np.array(["ball", "cube", "rod"])[RANDOM.integers(0, 3, 600)]
    volumes = []
    for shape in shapes:
        away = axes - RANDOM.uniform(4.5, 6.5, (3, 1, 1, 1))
        size = RANDOM.uniform(2, 3.5)
        inside = {
            "ball": (away**2).sum(axis=0) < (1.24 * size) ** 2,  # of about the cube's volume
            "cube": (np.abs(away) < size).all(axis=0),
            "rod": (away[RANDOM.permutation(3)[:2]] ** 2).sum(axis=0) < (0.7 * size) ** 2,
        }[shape]
        volumes.append(inside + RANDOM.normal(0, 0.3, inside.shape))
    x = np.array(volumes, np.float32)
    np.savez(path, x_train=x[:500], y_train=shapes[:500], x_test=x[500:], y_test=shapes[500:])


def main(folder):
    digits = load_digits()
    folder.mkdir(parents=True)
    write_masks(folder / "masks", digits)
    write_turned(folder / "turned", digits)
    write_pairs(folder / "pairs.npz", digits)
    write_sounds(folder / "sounds.npz")
    write_volumes(folder / "volumes.npz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
