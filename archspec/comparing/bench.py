"""How fast networks are: a batch forward, and a training step.

What is timed is Keras's own compiled step, as `predict` and `fit` call it, on a batch that is in
the device's memory already. A run forward ends when the outputs are in main memory, one of training
when loss and metrics are. A training step is forward pass, loss, gradients, optimizer and metrics
as the recipe has them, without augmentation, data pipeline and callbacks. `train_on_batch` makes
the first call alone: it resets metrics, and on JAX takes all weights out of the model and back, a
quarter more time for LeNet-5 (TensorFlow 5.2 ms against 4.0, JAX 7.9 against 6.3).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from archspec.backends.keras import to_keras
from archspec.comparing.timings import (
    FLOPS,
    FORWARD,
    TRAINING,
    Bench,
    Member,
    Plan,
    Product,
    Timing,
    Unmeasured,
)
from archspec.data.preparation import make_targets
from archspec.graph import Graph
from archspec.recipe import Recipe
from archspec.runs.failure import cause, is_interrupt
from archspec.runs.machine import surroundings
from archspec.training.compiling import precision, trainer_of

Step = Callable[[], Any]

# A product of matrices is large enough when it takes so many seconds, and is the best of so many.
SMALLEST, LARGEST = 512, 16384
LONG_ENOUGH, PRODUCTS = 0.05, 10


def bench(members: Sequence[Member], plan: Plan, device: str) -> Bench:
    """Measure networks one after another, and matrix products before and after them.

    device: that is worked on. A network that fails is a row of its own, the others go on. Ctrl-C
    ends the bench with what it has, and it says `interrupted`.
    """
    dtype = keras.DTypePolicy(plan.precision).compute_dtype
    side, before = _product(dtype)
    after = None
    rows: list[Timing | Unmeasured] = []
    interrupted = False
    try:
        for each in members:
            for row in _rows(each, plan, device):
                rows.append(row)  # at once, whatever becomes of the next
            gc.collect()  # the memory of the model is for the next one
        after = _rate(side, dtype)[0]
    except KeyboardInterrupt:
        interrupted = True
    product = Product(side, before, after)
    return Bench(plan, device, product, tuple(rows), interrupted, surroundings())


def _rows(member: Member, plan: Plan, device: str) -> Iterator[Timing | Unmeasured]:
    """A row for each phase of a network; none after one that failed."""
    graph, recipe = member.graph, member.recipe
    phase = FORWARD
    with tqdm(
        desc=f"{graph.name}: building",
        total=plan.burn_in + plan.runs,
        disable=None,  # where standard error is no terminal
        leave=False,
        bar_format="{desc} |{bar:20}| {n_fmt}/{total_fmt} runs",
    ) as bar:
        try:
            with precision(recipe.precision):
                model = to_keras(graph, recipe.seed)
                if member.obstacle is None:
                    model = trainer_of(model, graph, replace(recipe, augment=()), 1, device)
            images = _images(graph, recipe.batch_size)
            yield _timed(graph, phase, partial(_forward, model, images), plan, bar)
            phase = TRAINING
            if member.obstacle is not None:
                yield Unmeasured(graph.name, phase, member.obstacle, failed=False)
                return
            labels = _labels(graph, recipe)
            yield _timed(graph, phase, partial(_training, model, images, labels), plan, bar)
        except Exception as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from None
            yield Unmeasured(graph.name, phase, cause(error), failed=True)


# --- batches -------------------------------------------------------------------------------------


def _images(graph: Graph, size: int) -> Any:
    """A batch for each input, in the device's memory: of numbers from 0 to 1, or of zeros where an
    input takes no fractions, which any embedding has a row for."""
    random = np.random.default_rng(0)
    batches = []
    for name in graph.inputs:
        shape = [size, *(n for n in graph.shape(name)[1:] if n is not None)]
        dtype = graph[name].arguments["dtype"]
        values = random.random(shape) if "float" in dtype else np.zeros(shape)
        batches.append(keras.ops.convert_to_tensor(values, dtype))
    return batches if len(batches) > 1 else batches[0]


def _labels(graph: Graph, recipe: Recipe) -> Any:
    """The classes of a batch, at random, as the losses take them."""
    fewest = min(graph.shape(name)[1] or 1 for name in graph.outputs)
    random = np.random.default_rng(0)
    labels = random.integers(0, max(fewest, 2), recipe.batch_size)  # a single unit tells two apart
    return keras.tree.map_structure(
        keras.ops.convert_to_tensor, make_targets(graph, recipe, labels)
    )


# --- Keras's steps -------------------------------------------------------------------------------


def _forward(model: keras.Model, inputs: Any) -> Step:
    """Predict a batch for the first time; gives what does it again."""
    model.make_predict_function()
    state = _state(model.trainable_variables, model.non_trainable_variables)
    kept = keras.tree.map_structure(keras.ops.copy, state)  # training comes after
    step = _step(model.predict_function, kept, (inputs,))
    _land(step())
    return step


def _training(trainer: keras.Model, inputs: Any, labels: Any) -> Step:
    """Train on a batch for the first time, which also makes the variables of optimizer and metrics;
    gives what does it again. On JAX the trainer is of no use afterwards."""
    trainer.train_on_batch(inputs, labels)
    state = _state(
        trainer.trainable_variables,
        trainer.non_trainable_variables,
        trainer.optimizer.variables,
        trainer.metrics_variables,
    )
    return _step(trainer.train_function, state, (inputs, labels, None))


def _state(*groups: Sequence[keras.Variable]) -> Any:
    """What a step on JAX is given, uses up and returns anew; elsewhere variables change in place,
    and it is empty."""
    if keras.backend.backend() != "jax":
        return ()
    return tuple([each.value for each in group] for group in groups)


def _step(function: Callable[..., Any], state: Any, batch: Any) -> Step:
    """A step function of Keras, always on the same batch."""
    if not state:
        return lambda: function([batch])

    def step() -> Any:
        nonlocal state
        outputs, state = function(state, iter([batch]))
        return outputs

    return step


def _land(outputs: Any) -> None:
    """Wait until the outputs of a step are in main memory: a device works behind one's back."""
    keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


# --- clocks --------------------------------------------------------------------------------------


def _timed(
    graph: Graph, phase: str, start: Callable[[], Step], plan: Plan, bar: tqdm[Any]
) -> Timing:
    """Time a phase. start: makes the first call, and gives the function that makes the others."""
    bar.reset()
    bar.set_description_str(f"{graph.name}, {phase}: compiling")
    begun = time.perf_counter()
    step = start()
    first = time.perf_counter() - begun
    bar.set_description_str(f"{graph.name}, {phase}")
    share = plan.seconds * plan.burn_in / (plan.burn_in + plan.runs)
    warm = _times(step, plan.burn_in, share, bar)
    times = _times(step, plan.runs, plan.seconds - sum(warm), bar) or [_time(step)]
    flops = None if graph.macs is None else FLOPS[phase] * graph.macs * plan.batch_size
    name, size = graph.name, plan.batch_size
    return Timing(name, phase, size, flops, first, len(warm), tuple(times))


def _times(step: Step, most: int, seconds: float, bar: tqdm[Any]) -> list[float]:
    """Run a step that often, or as often as is likely to end in so many seconds."""
    times: list[float] = []
    while len(times) < most and sum(times) + (times[-1] if times else 0) < seconds:
        times.append(_time(step))
        bar.update()
    return times


def _time(step: Step) -> float:
    begun = time.perf_counter()
    _land(step())
    return time.perf_counter() - begun


# --- the machine ---------------------------------------------------------------------------------


def _product(dtype: str) -> tuple[int, float]:
    """The side of square matrices whose product takes a while, and FLOP/s of that."""
    side = SMALLEST
    while True:
        rate, seconds = _rate(side, dtype)
        if seconds >= LONG_ENOUGH or side == LARGEST:
            return side, rate
        side *= 2


def _rate(side: int, dtype: str) -> tuple[float, float]:
    """FLOP/s of a product of square matrices, and the seconds it takes: the best of several."""
    random = np.random.default_rng(0)
    a, b = (
        keras.ops.convert_to_tensor(random.random((side, side), np.float32), dtype)
        for _ in range(2)
    )
    inputs = [keras.Input(batch_shape=(side, side), dtype=dtype) for _ in range(2)]
    model = keras.Model(inputs, keras.ops.matmul(*inputs))
    model.make_predict_function()
    step = _step(model.predict_function, _state([], []), ([a, b],))

    def seconds() -> float:
        begun = time.perf_counter()
        _land(step()[:1, :1])  # one value: the others need not leave the device
        return time.perf_counter() - begun

    seconds()  # which compiles
    best = min(seconds() for _ in range(PRODUCTS))
    return 2 * side**3 / best, best
