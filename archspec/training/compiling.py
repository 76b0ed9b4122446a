"""A graph and its recipe -> the Keras model that is trained, and the one inside it that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

import keras

from archspec.graph import Graph
from archspec.objects import Object, named
from archspec.recipe import Recipe, gives_probabilities, is_one_unit
from archspec.training.tensorflow_steps import ManySteps


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Layers made inside compute in this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class _Augment(keras.layers.Layer):  # type: ignore[misc]
    """Layers that act in the training step alone: some (RandomCrop) change images elsewhere too."""

    def __init__(self, layers: list[keras.layers.Layer]) -> None:
        super().__init__(dtype="float32")
        self.layers = layers

    def build(self, shape: Any) -> None:
        """Its layers have no weights; Keras wants to see that said."""

    def call(self, images: Any, training: bool = False) -> Any:
        for layer in self.layers if training else ():
            images = layer(images, training=True)
        return images


def trainer_of(
    model: keras.Model, graph: Graph, recipe: Recipe, per_epoch: int, device: str
) -> keras.Model:
    """A compiled model that shares the weights of `model`, with augmentation in front and outputs
    keyed by their names in the spec: what is compiled is never what is saved.

    per_epoch: steps in an epoch. device: that it works on.
    """
    (images,), outputs = model.inputs, model.outputs
    if recipe.augment:
        images = keras.Input(batch_shape=images.shape, dtype=images.dtype)
        layers = [built(keras.layers, step) for step in recipe.augment]
        outputs = model(_Augment(layers)(images))
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    losses = {name: built(keras.losses, each) for name, each in recipe.loss.items()}
    metrics = {
        name: [_metric(graph, name, each) for each in several]
        for name, several in recipe.metrics.items()
    }
    single = len(outputs) == 1
    (first, *_) = graph.outputs
    kind = ManySteps if keras.backend.backend() == "tensorflow" else keras.Model
    trainer = kind(images, outputs[0] if single else dict(zip(graph.outputs, outputs, strict=True)))
    trainer.compile(
        optimizer=built(keras.optimizers, recipe.optimizer),
        loss=losses[first] if single else losses,
        metrics=metrics[first] if single else metrics,
        loss_weights=None if single else dict(recipe.loss_weights),
        steps_per_execution=steps_per_execution(graph, recipe, per_epoch),
        jit_compile=_jit(device),
    )
    return trainer


def _metric(graph: Graph, output: str, value: Object) -> Any:
    """A metric, or its short name, of which Keras makes one by the shape of the output: that one
    takes more than 0.5 for the second of two classes, which of a logit is more than 0."""
    if (
        value == "accuracy"
        and is_one_unit(graph, output)
        and not gives_probabilities(graph, output)
    ):
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    return value if named(value)[0].islower() else built(keras.metrics, value)


def built(module: Any, value: Object) -> Any:
    """The Keras object that a recipe names, from `keras.optimizers`, `keras.losses`, ..."""
    name, arguments = named(value)
    rate = arguments.get("learning_rate")
    if isinstance(rate, str | dict):
        arguments = {**arguments, "learning_rate": built(keras.optimizers.schedules, rate)}
    if module is keras.metrics:  # whose thresholds may be a list, and no tuple
        arguments = {k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()}
    return getattr(module, name)(**arguments)


def steps_per_execution(graph: Graph, recipe: Recipe, per_epoch: int) -> int:
    """How many steps TensorFlow takes at a time: the maths are the same, small nets train 1.5 times
    as fast. About half a second's worth, so that progress is seen and Ctrl-C heard."""
    if keras.backend.backend() != "tensorflow":
        return 1
    seconds = 1e-3 + 6 * (graph.macs or 1e9) * recipe.batch_size / 5e10  # forward, backward twice
    steps = 1
    while steps < 128 and 2 * steps <= per_epoch and 2 * steps * seconds <= 0.5:
        steps *= 2
    if recipe.steps is None:
        return ceil(per_epoch / ceil(per_epoch / steps))  # about evenly shared out
    while recipe.steps % per_epoch % steps:  # such a run ends at that very step
        steps //= 2
    return steps


def _jit(device: str) -> bool | str:
    """Keras compiles with XLA where that helps; on the CPU of a machine with a GPU it would too,
    and TensorFlow's small steps take twice as long with it."""
    return False if keras.backend.backend() == "tensorflow" and "cpu" in device else "auto"
