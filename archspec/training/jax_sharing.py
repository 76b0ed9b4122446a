"""Share batches on JAX: arrays whose rows lie on several devices, of one process or of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from math import ceil
from typing import Any

import jax
import keras
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from archspec.data.images import Array
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.recipe import Recipe
from archspec.training.sharing import Sharing


class Sharded(Sharing):
    """Keras's DataParallel for what a model is made of; the batches are placed here.

    Keras would place the last batch of an epoch, too, as it places the first one, which needs as
    many rows on each device. Here a batch of another size lies on all devices as a whole.
    """

    def __init__(self, name: str, devices: Sequence[Any]) -> None:
        """name: as run.json has it. devices: of all processes, the first process's first."""
        self.name, self.count = name, len(devices)
        self.parallel = keras.distribution.DataParallel(
            devices=list(devices), auto_shard_dataset=False
        )
        self.rank, self.processes = jax.process_index(), jax.process_count()
        scope = self.scope

        class Trainer(keras.Model):  # type: ignore[misc]
            """A model whose steps are compiled for the devices, and fed as any."""

            def make_train_function(self, force: bool = False) -> None:
                with scope():
                    super().make_train_function(force)

            def make_test_function(self, force: bool = False) -> None:
                with scope():
                    super().make_test_function(force)

        self.trainer = Trainer

    def scope(self) -> AbstractContextManager[Any]:
        scope: AbstractContextManager[Any] = self.parallel.scope()
        return scope

    def refuse(self, graph: Graph, recipe: Recipe, samples: int) -> None:
        if recipe.batch_size % self.count:
            least = self.count * ceil(recipe.batch_size / self.count)
            raise UserError(
                f"{self.count} devices cannot share a batch of {recipe.batch_size} evenly",
                f"give a --batch-size that is a multiple of {self.count}, such as {least}",
            )

    def refuse_metrics(self, metrics: Iterable[Any], is_compiled: bool) -> None:
        # Step by step, the confusion matrix of these would iterate over what other processes have.
        refused = [type(each).__name__ for each in metrics if isinstance(each, keras.metrics.IoU)]
        if refused and self.processes > 1 and not is_compiled:
            raise UserError(
                f"--distribute: several processes cannot measure {refused[0]} where JAX does not "
                "compile the steps, as with layers that move pixels",
                "leave it out of `metrics`, or out of `augment` what moves pixels",
            )

    def take(self, places: Array) -> Array:
        if len(places) % self.count:
            return places
        each = len(places) // self.processes
        return places[self.rank * each : (self.rank + 1) * each]

    def place(self, batch: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        even = count % self.count == 0
        rows = self._by_rows if even else self._whole

        def put(values: Array) -> Any:
            if even and len(values) == count:
                values = self.take(values)
            shape = (count, *values.shape[1:])
            return jax.make_array_from_process_local_data(rows, np.asarray(values), shape)

        placed: tuple[Any, ...] = keras.tree.map_structure(put, batch)
        return placed

    @cached_property
    def _by_rows(self) -> NamedSharding:
        mesh = self.parallel.device_mesh
        return NamedSharding(mesh.backend_mesh, PartitionSpec(mesh.axis_names[0]))

    @cached_property
    def _whole(self) -> NamedSharding:
        return NamedSharding(self.parallel.device_mesh.backend_mesh, PartitionSpec())
