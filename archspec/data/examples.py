"""Define the samples of a part of the data: what a network is given, and what it learns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import numpy as np
from msgspec import Struct

from archspec.data.images import Array, Images, Photos
from archspec.data.masks import Masks
from archspec.reading import reading

Stored = Images | Masks


class Examples(Struct, frozen=True, eq=False):
    """The samples of a part, as they are stored.

    inputs: by the name of the input. targets: by the name of the output; an output that learns the
    input itself has none. weights: of each sample in the losses, float32 (n,); None for 1.
    """

    inputs: Mapping[str, Images]
    targets: Mapping[str, Stored]
    weights: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, places: Array) -> Examples:
        """Return the samples at some places."""
        return Examples(
            {name: each[places] for name, each in self.inputs.items()},
            {name: each[places] for name, each in self.targets.items()},
            None if self.weights is None else self.weights[places],
        )


def count_by_class(classes: Sequence[str], labels: Array) -> dict[str, int]:
    """Return how many samples each class has."""
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}


def hash_examples(parts: Mapping[str, Examples]) -> str:
    """Return a hash of the samples of some parts, in their order.

    For image files it is made of names and sizes, and of whether they are deep, because older
    versions read deep images with 8 bits.
    """
    hashed = sha256()
    for name, examples in parts.items():
        hashed.update(name.encode())
        for each in (*examples.targets.values(), *examples.inputs.values()):
            hashed.update(b"".join(_list_content(each)))
        if examples.weights is not None:
            hashed.update(np.ascontiguousarray(examples.weights).data)
    return hashed.hexdigest()[:16]


def _list_content(stored: Stored) -> Iterable[bytes]:
    if not isinstance(stored, Photos | Masks):
        yield np.ascontiguousarray(stored).tobytes()
        return
    if isinstance(stored, Photos) and stored.deep:
        yield b"deep"
    for path in stored.paths:
        with reading(path):
            size = path.stat().st_size
        yield os.fsencode(f"{path.parent.name}/{path.name} {size}\n")
