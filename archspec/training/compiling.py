"""Compile by a recipe: the Keras model that is trained, around the one that is saved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from math import ceil
from typing import Any

import keras
from msgspec.structs import replace

from archspec.backends.keras import make_layer
from archspec.backends.spec_yaml import flat_name
from archspec.graph import Graph
from archspec.objects import Object, named
from archspec.recipe import (
    Recipe,
    find_followed,
    gives_probabilities,
    is_one_unit,
    split_augment,
)
from archspec.training.sharing import Sharing
from archspec.training.tensorflow_steps import ManySteps


@contextmanager
def use_precision(policy: str) -> Iterator[None]:
    """Make layers inside the context compute in a dtype policy, such as `mixed_float16`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class _Augment(keras.layers.Layer):  # type: ignore[misc]
    """Apply layers in the training step alone: some (RandomCrop) change images elsewhere, too."""

    def __init__(self, layers: list[keras.layers.Layer]) -> None:
        super().__init__(dtype="float32")
        self.layers = layers

    def build(self, shape: Any) -> None:
        """Build nothing: the layers have no weights. Keras warns without this method."""

    def call(self, images: Any, training: bool = False) -> Any:
        for layer in self.layers if training else ():
            images = layer(images, training=True)
        return images


def compile_trainer(
    model: keras.Model,
    graph: Graph,
    recipe: Recipe,
    per_epoch: int,
    device: str,
    sharing: Sharing | None = None,
) -> keras.Model:
    """Return a compiled model that shares the weights of `model`: the trainer.

    It has the augmentation in front, and its outputs are keyed by their names in the spec. `model`
    itself is never compiled, so that it is saved without any of that. What the recipe freezes is
    frozen.

    per_epoch: steps in an epoch. device: the one in use, such as `gpu:0`. sharing: of each batch
    among several devices, which take one step in a call.
    """
    _freeze(model, recipe)
    trainer = _make_trainer(model, graph, recipe, sharing)
    compile_by(recipe, trainer, graph, per_epoch, device, sharing)
    return trainer


def _make_trainer(
    model: keras.Model, graph: Graph, recipe: Recipe, sharing: Sharing | None
) -> keras.Model:
    outputs = model.outputs
    inputs: Any = dict(zip(graph.inputs, model.inputs, strict=True))
    if len(inputs) == 1:
        (inputs,) = inputs.values()
    inside = recipe.augment
    if find_followed(graph, recipe):  # what moves pixels is applied to batches, with their targets
        inside = split_augment(inside)[1]
    if inside:  # of one input: `check_augment` refuses it for several
        inputs = keras.Input(batch_shape=inputs.shape, dtype=inputs.dtype)
        layers = [make_layer(*named(step)) for step in inside]
        outputs = model(_Augment(layers)(inputs))
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    usual = ManySteps if keras.backend.backend() == "tensorflow" else keras.Model
    kind = sharing.trainer if sharing else usual
    if len(outputs) == 1:
        return kind(inputs, outputs[0])
    return kind(inputs, dict(zip(graph.outputs, outputs, strict=True)))


def compile_by(
    recipe: Recipe,
    trainer: keras.Model,
    graph: Graph,
    per_epoch: int,
    device: str,
    sharing: Sharing | None = None,
) -> None:
    """Compile a trainer by a recipe, with a new optimizer. The others: as for `compile_trainer`."""
    losses = {name: build_object(keras.losses, each) for name, each in recipe.loss.items()}
    names: Counter[str] = Counter()
    metrics = {
        name: [_build_metric(graph, name, each, names) for each in several]
        for name, several in recipe.metrics.items()
    }
    single = len(graph.outputs) == 1
    (first, *_) = graph.outputs
    trainer.compile(
        optimizer=build_object(keras.optimizers, recipe.optimizer),
        loss=losses[first] if single else losses,
        metrics=metrics[first] if single else metrics,
        loss_weights=None if single else dict(recipe.loss_weights),
        steps_per_execution=1 if sharing else choose_steps_per_execution(graph, recipe, per_epoch),
        jit_compile=_choose_jit(device, sharing),
    )
    if sharing is not None:
        sharing.refuse_metrics(chain(*metrics.values()), trainer.jit_compile)


def _freeze(model: keras.Model, recipe: Recipe) -> None:
    """Keep the weights of the layers that a recipe freezes as they are.

    A BatchNormalization then runs on its moving statistics, as Keras has it.
    """
    for name in recipe.freeze:
        model.get_layer(flat_name(name)).trainable = False


def unfreeze(model: keras.Model, graph: Graph, recipe: Recipe) -> Recipe:
    """Let the layers that a recipe freezes learn, but those that the spec itself freezes.

    Returns the recipe from then on, with the learning rate under `unfreeze`.
    """
    for name in recipe.freeze:
        if graph[name].arguments.get("trainable", True):
            model.get_layer(flat_name(name)).trainable = True
    optimizer, given = named(recipe.optimizer)
    rate = (recipe.unfreeze or {})["learning_rate"]
    return replace(recipe, optimizer={optimizer: {**given, "learning_rate": rate}})


def _build_metric(graph: Graph, output: str, value: Object, names: Counter[str]) -> Any:
    """Return a metric, or its short name, from which Keras makes one by the output's shape.

    For one unit without a sigmoid "accuracy" is built here: its threshold is a logit of 0, and
    Keras's own is a probability of 0.5.
    """
    if (
        value == "accuracy"
        and is_one_unit(graph, output)
        and not gives_probabilities(graph, output)
    ):
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    kind, arguments = named(value)
    if kind.islower():
        return value
    metric = build_object(keras.metrics, value)
    if "name" in arguments:
        return metric
    # Keras numbers all AUCs of a process: one that is made anew would get another column.
    plain = re.sub(r"_\d+$", "", metric.name)
    number = names[plain]
    names[plain] += 1
    name = f"{plain}_{number}" if number else plain
    return build_object(keras.metrics, {kind: {**arguments, "name": name}})


def build_object(module: Any, value: Object) -> Any:
    """Build the Keras object that a recipe names. module: `keras.optimizers`, `keras.losses`, ...

    build_object(keras.optimizers, {"Adam": {"learning_rate": 0.01}})
    """
    name, arguments = named(value)
    rate = arguments.get("learning_rate")
    if isinstance(rate, str | dict):
        arguments = {**arguments, "learning_rate": build_object(keras.optimizers.schedules, rate)}
    if module is keras.metrics:  # Keras takes a list of thresholds, and no tuple
        arguments = {k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()}
    return getattr(module, name)(**arguments)


def choose_steps_per_execution(graph: Graph, recipe: Recipe, per_epoch: int) -> int:
    """Return how many steps TensorFlow takes in one call: 1 on other backends.

    The maths are the same, and small networks train 1.5 times as fast. A call takes about half a
    second at the most, so that the progress is seen and Ctrl-C heard; and no more steps than the
    state is saved after.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    seconds = 1e-3 + 6 * (graph.macs or 1e9) * recipe.batch_size / 5e10  # forward, backward twice
    most = int((recipe.save_every or {}).get("steps", per_epoch))
    steps = 1
    while 2 * steps <= min(most, 128) and 2 * steps <= per_epoch and 2 * steps * seconds <= 0.5:
        steps *= 2
    if recipe.steps is None:
        length = min(most, per_epoch) if recipe.save_every else per_epoch
        return ceil(length / ceil(length / steps))  # calls of about the same length
    while recipe.steps % per_epoch % steps:  # such a run ends with a call
        steps //= 2
    return steps


def _choose_jit(device: str, sharing: Sharing | None) -> bool | str:
    """Return whether to compile with XLA: "auto" lets Keras choose.

    On the CPU of a machine with a GPU Keras would, and TensorFlow's small steps take twice as long.
    """
    if keras.backend.backend() == "tensorflow" and ("cpu" in device or sharing):
        return False  # XLA cannot compile what TensorFlow's devices tell each other
    return "auto"
