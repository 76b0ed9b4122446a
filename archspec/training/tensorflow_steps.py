"""Take many training steps on TensorFlow in one call of a compiled function, on images in memory.

Keras's own `steps_per_execution` compiles for seconds longer, and takes its batches from threads of
tf.data, which on a CPU the model could use. The maths and their order are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from archspec.data.images import Array
from archspec.training.metrics import build_metrics

ALIGNMENT = 64  # bytes: the addresses of TensorFlow's tensors are multiples of it


def load_tensors(arrays: Any) -> Any:
    """Return a structure of arrays as tensors that share their memory, which is the CPU's.

    The addresses of the arrays are multiples of `ALIGNMENT`. A GPU's memory is for the model.
    """
    import tensorflow as tf

    # `convert_to_tensor` would hold an array three times for a while, and Keras a second time.
    return tf.nest.map_structure(
        lambda each: tf.experimental.dlpack.from_dlpack(each.__dlpack__()), arrays
    )


def make_groups(
    arrays: Any, order: Callable[[], Array], count: int, batch_size: int, steps: int
) -> Any:
    """Return a dataset with an element for each call: the data of so many steps.

    It does not end: to begin it anew for each epoch takes Keras longer than ten steps of a small
    network.

    arrays: (images, targets), structures of tensors (n, ...). order: returns the places of the
    examples of an epoch (count,); it is called for each, when its first step needs them.
    """
    import tensorflow as tf

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

    return _turn_tuning_off(tf.data.Dataset.from_tensors(0).repeat().flat_map(epoch))


def make_batches(arrays: Any, count: int, batch_size: int) -> Any:
    """Return a dataset of batches, in the order of the examples.

    arrays: (images, targets) or with weights, structures of tensors (n, ...). count: the examples.
    """
    import tensorflow as tf

    def take(start: Any) -> Any:
        return tf.nest.map_structure(lambda each: each[start : start + batch_size], arrays)

    starts = tf.data.Dataset.range(0, count, batch_size)
    return _turn_tuning_off(starts.map(take).prefetch(1))


def _turn_tuning_off(dataset: Any) -> Any:
    """Return the dataset without the thread that tunes it while it is read.

    The end of an epoch waits until that thread wakes, which may be for half a second, and nothing
    in these datasets can be tuned.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


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
            if compiled.experimental_get_tracing_count() == 0:  # it would be traced twice, else
                self.optimizer.build(self.trainable_variables)
                build_metrics(self, spec["arrays"][1])
            return compiled(iterator)

        return function
