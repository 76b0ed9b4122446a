"""Share batches on TensorFlow: a copy of each weight and a part of each batch on each device."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from math import ceil
from typing import Any

import keras

from archspec.errors import UserError
from archspec.graph import Graph
from archspec.objects import named
from archspec.recipe import Recipe
from archspec.training.sharing import ALL, Sharing


class Mirrored(Sharing):
    """TensorFlow's MirroredStrategy."""

    def __init__(self, devices: Iterable[str]) -> None:
        import tensorflow as tf

        self.strategy = tf.distribute.MirroredStrategy(list(devices))
        self.count = self.strategy.num_replicas_in_sync
        self.name, self.trainer = f"{ALL}:{self.count}", Replicated

    def scope(self) -> AbstractContextManager[Any]:
        scope: AbstractContextManager[Any] = self.strategy.scope()
        return scope

    def refuse(self, graph: Graph, recipe: Recipe, samples: int) -> None:
        if recipe.save_every is not None:
            raise UserError(
                f"--device {ALL}: on TensorFlow the state within an epoch lies on several devices, "
                "and save_every cannot save it",
                "leave `save_every` out of the recipe, or KERAS_BACKEND=jax, which can",
            )
        for name, given in map(named, recipe.loss.values()):
            is_mean = given.get("reduction", USUAL) == USUAL and given.get("ignore_class") is None
            if not is_mean or name in OF_BATCH:
                raise UserError(
                    f"--device {ALL}: on TensorFlow a loss must be a mean over the samples, of "
                    f"which each device has some, and this {name} is not",
                    "take --device gpu, or KERAS_BACKEND=jax in the environment, which can",
                )
        for size in {min(recipe.batch_size, samples), samples % recipe.batch_size} - {0}:
            if ceil(size / self.count) * (self.count - 1) >= size:
                raise UserError(
                    f"--device {ALL}: {samples} images in batches of {recipe.batch_size} make one "
                    f"of {size}, of which one of {self.count} GPUs would get nothing",
                    "give another --batch-size or --limit, or KERAS_BACKEND=jax, which can",
                )

    def find_unlike(self, graph: Graph, recipe: Recipe) -> list[str]:
        layers = [
            node.name
            for node in graph
            if "seed" in node.arguments or node.arguments.get("synchronized") is False
        ]
        return [*layers, *(named(each)[0] for each in recipe.augment)]


USUAL = "sum_over_batch_size"
OF_BATCH = ("Circle", "Dice", "Tversky")  # losses that compare samples, or add up all of a batch


class Replicated(keras.Model):  # type: ignore[misc]
    """A model whose replicas each count with their share of a batch, also where shares differ.

    Keras takes the mean of their losses, as if all had as many samples.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Do nothing, since `prepare` has made all variables: Keras's own adds the parts of a first
        batch, which it cannot where they have different sizes."""

    def train_step(self, data: Any) -> Any:
        """Take Keras's own step, but for the weight of the loss."""
        import tensorflow as tf

        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        context = tf.distribute.get_replica_context()
        samples = tf.shape(tf.nest.flatten(x)[0])[0]
        whole = context.all_reduce("SUM", samples)
        share = tf.cast(samples / whole, "float32") * context.num_replicas_in_sync
        with tf.GradientTape() as tape:
            outputs = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)
            self._loss_tracker.update_state(
                loss * context.num_replicas_in_sync, sample_weight=samples
            )
            loss = self.optimizer.scale_loss(loss * tf.cast(share, loss.dtype))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self.compute_metrics(x, y, outputs, sample_weight=weights)
