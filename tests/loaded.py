"""Data as a classifier of images takes it: for tests of where it is found, and how it is read."""

from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

import archspec
from archspec.data.binding import Dataset, take_columns
from archspec.data.datasets import load_source
from archspec.data.examples import Examples
from archspec.data.preparation import split_dataset
from archspec.recipe import recipe_of

GRAPH = archspec.loads(
    "archspec: 1\ninput: [2]\nlayers:\n  - Dense: {units: 100000, activation: softmax}\n"
)


class Loaded(Struct, frozen=True):
    """The only input and output of a part."""

    images: Any
    labels: Any

    def __len__(self) -> int:
        return len(self.labels)


class LoadedDataset(Struct, frozen=True):
    """A dataset, and its parts; None for those that it has not."""

    whole: Dataset
    name: str
    classes: tuple[str, ...]
    range: tuple[float, float]
    train: Loaded
    validation: Loaded | None
    test: Loaded | None
    skipped: tuple[Path, ...]
    notes: tuple[str, ...]


def view(examples: Examples) -> Loaded:
    (images,), (labels,) = examples.inputs.values(), examples.targets.values()
    return Loaded(images, np.asarray(labels))


def load_dataset(
    name: str,
    data_dir: Path | None = None,
    split_seed: int = 0,
    skip_broken: bool = False,
    found: Path | None = None,
) -> LoadedDataset:
    source = load_source(name, data_dir, split_seed, skip_broken, found)
    dataset = take_columns(GRAPH, recipe_of(GRAPH), source)
    parts = {part: view(each) for part, each in dataset.parts.items()}
    (taken,) = dataset.inputs.values()
    others = parts.get("validation"), parts.get("test")
    return LoadedDataset(
        dataset, dataset.name, dataset.classes, taken.range, parts["train"], *others,
        dataset.skipped, dataset.notes,
    )  # fmt: skip


def split(
    dataset: LoadedDataset, share: float, seed: int, limit: int | None = None
) -> dict[str, Loaded]:
    return {
        part: view(each) for part, each in split_dataset(dataset.whole, share, seed, limit).items()
    }
