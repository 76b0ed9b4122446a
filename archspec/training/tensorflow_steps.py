"""TensorFlow: many training steps in one call of a compiled function, on images in memory.

Keras's own `steps_per_execution` compiles for seconds longer, and takes its batches from threads of
tf.data, which on a CPU the model could use. The maths and their order are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import keras

from archspec.data.images import Array


def make_groups(
    arrays: Any, order: Callable[[], Array], count: int, batch_size: int, steps: int
) -> Any:
    """Return a dataset with an element for each call: the data of so many steps.

    arrays: (images, targets), structures of arrays (count, ...). order: returns the places of the
    examples (count,); it is called for each epoch.
    """
    import tensorflow as tf

    with tf.device("cpu"):  # a GPU's memory is for the model
        arrays = tf.nest.map_structure(tf.convert_to_tensor, arrays)
    size = batch_size * steps

    def epoch(_: Any) -> Any:
        places = tf.ensure_shape(tf.numpy_function(order, [], tf.int64), [count])
        return tf.data.Dataset.range(0, count, size).map(
            lambda start: {
                "arrays": arrays,
                "places": places[start : start + size],
                "batch_size": batch_size,
            }
        )

    # Keras counts steps, and takes one element for `steps` of them.
    length = tf.data.experimental.assert_cardinality(ceil(count / batch_size))
    return tf.data.Dataset.from_tensors(0).flat_map(epoch).apply(length)


class ManySteps(keras.Model):  # type: ignore[misc]
    """A model that trains on a dataset of `make_groups`, and on other data as any Keras model."""

    train_function: Any

    def make_train_function(self, force: bool = False) -> None:
        """Make the function of Keras that takes an iterator and trains on what it gives next."""
        if self.train_function is None or force:
            super().make_train_function(force)
            self.train_function = self._train_on_groups(self.train_function)

    def _train_on_groups(self, other: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a function that takes an iterator, does the steps and returns the logs so far.

        other: the function for data that is in no groups.
        """
        import tensorflow as tf

        step: Any = self.train_step
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, reduce_retracing=True)

        def steps(iterator: Any) -> Any:
            group = iterator.get_next()
            places, batch_size = group["places"], group["batch_size"]

            def one(start: Any) -> Any:
                at = places[start : start + batch_size]
                with tf.device("cpu"):
                    batch = tf.nest.map_structure(lambda each: tf.gather(each, at), group["arrays"])
                step(batch)
                return [start + batch_size]

            tf.while_loop(lambda start: start < tf.size(places), one, [0])
            return self.get_metrics_result()

        compiled = tf.function(steps, autograph=False, reduce_retracing=True)

        def function(iterator: Any) -> Any:
            spec = getattr(iterator, "element_spec", None)
            if not isinstance(spec, dict):
                return other(iterator)
            if compiled.experimental_get_tracing_count() == 0:
                self._make_variables(spec["arrays"][1])
            return compiled(iterator)

        return function

    def _make_variables(self, labels: Any) -> None:
        """Make the variables of optimizer, loss and metrics before the function is traced.

        Else it would make them, and be traced twice.
        """
        import tensorflow as tf

        def zeros(each: Any) -> Any:
            return tf.zeros([1 if n is None else n for n in (1, *each.shape[1:])], each.dtype)

        labels = tf.nest.map_structure(zeros, labels)
        outputs = keras.tree.map_structure(zeros, self.output)
        self.optimizer.build(self.trainable_variables)
        self.compute_loss(None, labels, outputs)
        self.compute_metrics(None, labels, outputs)
        self.reset_metrics()
