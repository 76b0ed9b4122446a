"""Feed data to Keras: arrays if they fit in memory, else batches that are made when needed.

The order of the images is a function of the seed and the epoch alone: a run that is resumed in its
fifth epoch sees the same images in the same order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from math import ceil, prod
from typing import Any

import keras
import numpy as np

from archspec.data.images import Array, Photos
from archspec.data.preparation import Part
from archspec.errors import UserError
from archspec.training.augmenting import JointAugmentation
from archspec.training.sharing import Sharing
from archspec.training.tensorflow_steps import ALIGNMENT, load_tensors, make_batches, make_groups

BUDGET = 2 * 2**30  # bytes of prepared images that are kept in memory
CHUNK = 1024
AHEAD = 2  # batches that are made while the model trains on one

Batch = tuple[Any, ...]


class Feed:
    """The x and y for Keras's `fit` and `evaluate`; y and weights are None where x gives them, too.

    weights: of the samples, where they differ. steps: of an epoch, where x does not end with it.
    epoch: the number of the epoch, from 0; set it before the epoch begins.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        seed: int | None = None,
        steps: int = 1,
        augment: JointAugmentation | None = None,
        needed: int | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        """Feed the samples of a part as the model takes them.

        seed: shuffle by it, anew each epoch; None keeps the order. steps: the trainer's
        `steps_per_execution`. augment: changes each batch, with its targets.
        needed: how many samples are taken at the most; of files, no more are read. sharing: of each
        batch among several devices.
        """
        self.part, examples = part, part.examples
        self.count, self.seed, self.epoch = len(examples), seed, 0
        self.augment, self.sharing = augment, sharing
        self.waited = 0.0  # seconds that training waited for batches, where they are streamed
        self.failure: UserError | None = None  # of a batch: Keras hides it in an error of its own
        self.x: Any = None
        self.y: Any = None
        self.weights: Any = None
        self.steps: int | None = None
        self._make: Callable[[int], Any]
        in_files = any(isinstance(each, Photos) for each in examples.inputs.values())
        few = in_files and needed is not None and needed < self.count
        if few or self.count * part.count_bytes() > BUDGET:

            def read(places: Array) -> Batch:
                try:
                    return part.make_batch(examples.take(places))
                except UserError as error:
                    self.failure = error
                    raise

            self._make = partial(Batches, self, read, batch_size)
            self.x = self.skip(0)
            return
        arrays = _make_arrays(part)
        backend = keras.backend.backend()
        in_tensors = backend == "tensorflow" and augment is None and sharing is None
        if in_tensors:
            arrays = load_tensors(arrays)
        if seed is None and sharing is None:
            if in_tensors:
                self.x = make_batches(arrays, self.count, batch_size)
            else:
                self.x, self.y, self.weights = (*arrays, None)[:3]
            return
        if in_tensors:

            def make(first: int) -> Any:
                def order() -> Array:
                    return self.draw_order()[first * batch_size :]

                count = self.count - first * batch_size
                return make_groups(arrays, order, count, batch_size, steps)

            self._make, self.steps = make, ceil(self.count / batch_size)
        else:

            def take(places: Array) -> Batch:
                batch: Batch = keras.tree.map_structure(lambda each: each[places], arrays)
                return batch

            self._make = partial(Batches, self, take, batch_size)
        self.x = self.skip(0)

    def skip(self, steps: int) -> Any:
        """Return an `x` for the rest of an epoch after so many steps, of samples in random order.

        It is for Keras's `fit`, of one epoch.
        """
        return self._make(steps)

    def read_targets(self) -> Any:
        """Return the targets of one sample, as the model takes them."""
        return self.part.make_batch(self.part.examples.take(np.arange(1)))[1]

    @property
    def is_streamed(self) -> bool:
        """Whether batches are made when they are needed."""
        return isinstance(self.x, Batches)

    @property
    def pair(self) -> Any:
        """The x, y and weights as `validation_data` of Keras's `fit`."""
        if self.y is None:
            return self.x
        return (self.x, self.y) if self.weights is None else (self.x, self.y, self.weights)

    def draw_order(self) -> Array:
        """Return the places of the examples (n,) in the order of this epoch."""
        if self.seed is None:
            return np.arange(self.count)
        return np.random.default_rng([self.seed, self.epoch]).permutation(self.count)


def _make_arrays(part: Part) -> Batch:
    """Return all samples of a part as one batch."""
    whole: Batch = ()
    for start in range(0, len(part), CHUNK):
        places = np.arange(start, min(start + CHUNK, len(part)))
        batch = part.make_batch(part.examples.take(places))
        if not whole:
            whole = keras.tree.map_structure(
                lambda each: allocate((len(part), *each.shape[1:]), each.dtype), batch
            )
        for target, values in zip(
            keras.tree.flatten(whole), keras.tree.flatten(batch), strict=True
        ):
            target[places] = values
    return whole


def allocate(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Return an array at an address that TensorFlow takes as it is; others it copies."""
    size = dtype.itemsize * prod(shape)
    raw = np.empty(size + ALIGNMENT, np.uint8)
    first = -raw.ctypes.data % ALIGNMENT
    return raw[first : first + size].view(dtype).reshape(shape)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches that a thread reads before Keras needs them.

    Keras's own workers are not used: what they read too far in one epoch they return in the next,
    which has another order.
    """

    def __init__(
        self, feed: Feed, read: Callable[[Array], Batch], batch_size: int, first: int = 0
    ) -> None:
        """Make the batches of a feed. first: the step that an epoch begins with, from 0."""
        super().__init__()
        self.feed, self.read, self.batch_size, self.first = feed, read, batch_size, first
        self.pool = ThreadPoolExecutor(1, "batches")
        self.epoch, self.order = -1, np.arange(0)
        self.ahead: dict[int, Future[Batch]] = {}

    @property
    def num_batches(self) -> int:
        return ceil(self.feed.count / self.batch_size) - self.first

    def __getitem__(self, index: int) -> Batch:
        index += self.first
        if self.epoch != self.feed.epoch or index not in self.ahead:
            self.epoch, self.order, self.ahead = self.feed.epoch, self.feed.draw_order(), {}
        end = self.first + self.num_batches
        for place in range(index, min(index + 1 + AHEAD, end)):
            if place not in self.ahead:
                at = self.order[place * self.batch_size : (place + 1) * self.batch_size]
                self.ahead[place] = self.pool.submit(self._make, place, at)
        started = time.perf_counter()
        batch = self.ahead.pop(index).result()
        self.feed.waited += time.perf_counter() - started
        return batch

    def _make(self, place: int, at: Array) -> Batch:
        augment, sharing = self.feed.augment, self.feed.sharing
        if augment is not None:  # what is drawn at random is drawn for the whole batch
            batch = augment(self.read(at), self.epoch, place)
        else:
            batch = self.read(sharing.take(at) if sharing else at)
        return sharing.place(batch, len(at)) if sharing else batch
