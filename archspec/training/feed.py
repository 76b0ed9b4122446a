"""What Keras is fed: arrays where they fit in memory, else batches made as they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import keras
import numpy as np

from archspec.errors import UserError
from archspec.training.data import Examples
from archspec.training.images import Array, Fitting

BUDGET = 2 * 2**30  # bytes of prepared images that are kept in memory
CHUNK = 1024

Targets = Callable[[Array], Any]


@dataclass(frozen=True, slots=True)
class Feed:
    """The x and y of `fit` and `evaluate`; y is None where x gives both."""

    x: Any
    y: Any

    @property
    def pair(self) -> Any:
        """The same as `validation_data` takes it."""
        return self.x if self.y is None else (self.x, self.y)

    @property
    def failure(self) -> UserError | None:
        """What went wrong in reading a batch: a backend's own loader may hide it in an error."""
        return self.x.failure if isinstance(self.x, Batches) else None


def feed(
    examples: Examples,
    fit: Fitting,
    targets: Targets,
    batch_size: int,
    seed: int | None = None,
) -> Feed:
    """Examples as the model takes them: images (n, *fit.shape) float32, `targets` of the labels.

    seed: shuffle streamed batches anew each epoch; arrays are shuffled by `fit` itself.
    """
    if len(examples) * prod(fit.shape) * 4 > BUDGET:
        return Feed(Batches(examples, fit, targets, batch_size, seed), None)
    images = np.empty((len(examples), *fit.shape), np.float32)
    for start in range(0, len(examples), CHUNK):
        images[start : start + CHUNK] = fit(examples.images[start : start + CHUNK])
    return Feed(images, targets(examples.labels))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches that are read as they are asked for, in an order that seed and epoch alone decide.

    Keras's own workers are not used: what they read ahead of one epoch they give out in the next,
    whose order is another. `Fitting` reads the images of one batch in threads instead.
    """

    def __init__(
        self,
        examples: Examples,
        fit: Fitting,
        targets: Targets,
        batch_size: int,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.examples, self.fit, self.targets = examples, fit, targets
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self.failure: UserError | None = None
        self._shuffle()

    def _shuffle(self) -> None:
        self.order = np.arange(len(self.examples))
        if self.seed is not None:
            np.random.default_rng([self.seed, self.epoch]).shuffle(self.order)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    @property
    def num_batches(self) -> int:
        return ceil(len(self.examples) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Array, Any]:
        start = index * self.batch_size
        batch = self.examples.take(self.order[start : start + self.batch_size])
        try:
            return self.fit(batch.images), self.targets(batch.labels)
        except UserError as error:
            self.failure = error
            raise
