"""Augment images and targets alike: an image and its mask are turned by the same angle.

Elsewhere augmentation is a part of the model that is trained, in front of the network. What moves
pixels of an image must move those of its mask, too, and is applied to batches before they are fed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from archspec.backends import framework
from archspec.backends.keras import make_layer
from archspec.objects import Object, named
from archspec.recipe.tasks import MASK


class JointAugmentation:
    """Moves the pixels of images and those of their targets alike.

    What is drawn at random is a function of the seed, the epoch and the batch alone, so that a run
    which is resumed ends exactly alike.
    """

    def __init__(self, steps: tuple[Object, ...], tasks: Mapping[str, str], seed: int) -> None:
        """steps: of `train.augment`. tasks: of the outputs whose targets are masks or images."""
        self.layers = [make_layer(*named(step)) for step in steps]
        self.tasks, self.seed = tasks, seed

    def __call__(self, batch: tuple[Any, ...], epoch: int, place: int) -> tuple[Any, ...]:
        """Return a batch (x, y) or (x, y, weights) as numpy arrays, with other pixels."""
        x, y, *weights = batch
        targets = y if isinstance(y, dict) else {name: y for name in self.tasks}
        with framework.on_host():
            for at, layer in enumerate(self.layers):
                start = np.random.SeedSequence([self.seed, epoch, place, at]).generate_state(1)[0]
                generator = keras.random.SeedGenerator(int(start))
                images = keras.ops.convert_to_tensor(x)
                drawn = layer.get_random_transformation(
                    {"images": images}, training=True, seed=generator
                )
                x = _to_numpy(layer.transform_images(images, drawn, training=True))
                targets = {
                    name: _move(layer, each, drawn, self.tasks[name])
                    if name in self.tasks
                    else each
                    for name, each in targets.items()
                }
        moved = targets if isinstance(y, dict) else next(iter(targets.values()))
        return (x, moved, *weights)


def _move(layer: Any, target: Any, drawn: Any, task: str) -> Any:
    """Return a target whose pixels are moved as was drawn for its image."""
    dtype, flat = target.dtype, target.ndim == 3  # class numbers have no axis of channels
    values = keras.ops.convert_to_tensor(target[..., None] if flat else target, "float32")
    if task == MASK:
        moved = layer.transform_segmentation_masks(values, drawn, training=True)
    else:
        moved = layer.transform_images(values, drawn, training=True)
    found = _to_numpy(moved)
    found = (found[..., 0] if flat else found).round() if task == MASK else found
    return found.astype(dtype)


def _to_numpy(values: Any) -> Any:
    return keras.ops.convert_to_numpy(values)
