"""Share each batch among several devices: data parallelism, on the engines that Keras has for it.

On JAX a batch is one array whose rows lie on all devices, and a step computes what it computes on
one device. On TensorFlow each device takes the step with its own rows, and the gradients are added:
what sees the whole batch, or draws at random, then differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import keras

from archspec.data.images import Array
from archspec.graph import Graph
from archspec.recipe import Recipe
from archspec.training.metrics import build_metrics

ALL = "gpus"  # as `--device` has it


class Sharing:
    """The devices that share each batch, and how they do.

    name: of the devices, as run.json has it, such as `gpus:4`. count: how many there are. trainer:
    the class of the model that is trained.
    """

    name: str
    count: int
    trainer: type[keras.Model]

    def scope(self) -> AbstractContextManager[Any]:
        """Return a context in which a model and its optimizer are made for all the devices."""
        raise NotImplementedError

    def refuse(self, graph: Graph, recipe: Recipe, samples: int) -> None:
        """Raise `UserError` where the batches of so many samples cannot be shared exactly."""

    def find_unlike(self, graph: Graph, recipe: Recipe) -> list[str]:
        """Return what computes something else than on one device: layers, and steps of `augment`,
        by name."""
        return []

    def refuse_metrics(self, metrics: Iterable[Any], is_compiled: bool) -> None:
        """Raise `UserError` for what cannot be computed. is_compiled: whether steps are."""

    def prepare(self, trainer: keras.Model, targets: Any) -> None:
        """Make all variables of a compiled model before it is trained. targets: of one sample."""
        with self.scope():
            trainer.optimizer.build(trainer.trainable_variables)
            build_metrics(trainer, targets)

    def take(self, places: Array) -> Array:
        """Return which samples of a batch this process reads."""
        return places

    def place(self, batch: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        """Return a batch of so many samples as the devices take it.

        batch: all of it, or the samples that `take` says.
        """
        return batch
