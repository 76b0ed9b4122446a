"""Measure how fast networks are: a batch forward, and a training step.

What is timed is Keras's own compiled step, as `predict` and `fit` call it, on a batch that is
already in the device's memory. A forward run ends when the outputs are in main memory, a training
run when loss and metrics are. A training step is forward pass, loss, gradients, optimizer and
metrics as the recipe has them, without augmentation, data pipeline and callbacks. `train_on_batch`
makes only the first call: it resets metrics, and on JAX takes all weights out of the model and
back, a quarter more time for LeNet-5 (TensorFlow 5.2 ms against 4.0, JAX 7.9 against 6.3).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from msgspec.structs import replace
from tqdm import tqdm

from archspec.backends.keras import to_keras
from archspec.comparing.timings import (
    FLOPS,
    FORWARD,
    TRAINING,
    Bench,
    BenchNetwork,
    Plan,
    Product,
    Timing,
    Unmeasured,
)
from archspec.data.targets import Target
from archspec.graph import Graph
from archspec.objects import named
from archspec.recipe import Recipe, is_sparse, settle_schedule
from archspec.recipe.tasks import CLASSES, MASK, find_task
from archspec.runs.failure import describe_cause, is_interrupt
from archspec.runs.interrupt import INTERRUPT
from archspec.runs.machine import describe_environment
from archspec.training.compiling import compile_trainer, use_precision

Step = Callable[[], Any]

# A matrix product takes at least LONG_ENOUGH seconds, and the best of PRODUCTS counts.
SMALLEST, LARGEST = 512, 16384
LONG_ENOUGH, PRODUCTS = 0.05, 10


def measure_networks(networks: Sequence[BenchNetwork], plan: Plan, device: str) -> Bench:
    """Measure networks one after another, and matrix products before and after them.

    device: its name. A network that fails has a row that says so, and the others are measured.
    Ctrl-C ends the bench with the results so far, and sets `interrupted`.
    """
    dtype = keras.DTypePolicy(plan.precision).compute_dtype
    side, before = _measure_product(dtype)
    after = None
    rows: list[Timing | Unmeasured] = []
    interrupted = False
    try:
        for each in networks:
            for row in _measure_network(each, plan, device):
                rows.append(row)  # at once, in case the next one is interrupted
            gc.collect()  # frees the memory of the model
        after = _measure_rate(side, dtype)[0]
    except KeyboardInterrupt:
        INTERRUPT.confirm()
        interrupted = True
    product = Product(side, before, after)
    return Bench(plan, device, product, tuple(rows), interrupted, describe_environment())


def _measure_network(
    network: BenchNetwork, plan: Plan, device: str
) -> Iterator[Timing | Unmeasured]:
    """Yield a row for each phase of a network; none after a phase that failed."""
    graph, recipe = network.graph, settle_schedule(network.recipe, 1000)  # of no data
    phase = FORWARD
    with tqdm(
        desc=f"{graph.name}: building",
        total=plan.burn_in + plan.runs,
        disable=None,  # no bar if standard error is no terminal
        leave=False,
        bar_format="{desc} |{bar:20}| {n_fmt}/{total_fmt} runs",
    ) as bar:
        try:
            with use_precision(recipe.precision):
                model = to_keras(graph, recipe.seed)
                if network.obstacle is None:
                    model = compile_trainer(model, graph, replace(recipe, augment=()), 1, device)
            images = _make_images(graph, recipe.batch_size)
            yield _time_phase(graph, phase, partial(_start_forward, model, images), plan, bar)
            phase = TRAINING
            if network.obstacle is not None:
                yield Unmeasured(graph.name, phase, network.obstacle, failed=False)
                return
            labels = _make_targets(graph, recipe)
            yield _time_phase(
                graph, phase, partial(_start_training, model, images, labels), plan, bar
            )
        except Exception as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from None
            yield Unmeasured(graph.name, phase, describe_cause(error), failed=True)


# --- batches -------------------------------------------------------------------------------------


def _make_images(graph: Graph, size: int) -> Any:
    """Return a batch for each input, in the device's memory.

    It has random numbers from 0 to 1, or zeros if an input takes integers, since any embedding has
    a row for zero.
    """
    random = np.random.default_rng(0)
    batches = []
    for name in graph.inputs:
        shape = [size, *(n for n in graph.shape(name)[1:] if n is not None)]
        dtype = graph[name].arguments["dtype"]
        values = random.random(shape) if "float" in dtype else np.zeros(shape)
        batches.append(keras.ops.convert_to_tensor(values, dtype))
    return batches if len(batches) > 1 else batches[0]


def _make_targets(graph: Graph, recipe: Recipe) -> Any:
    """Return random targets for a batch, as the losses take them."""
    random = np.random.default_rng(0)
    found = {}
    for output, loss in recipe.loss.items():
        task, shape = find_task(graph, output, loss), graph.shape(output)[1:]
        lengths = tuple(n or 1 for n in shape)
        target = Target(task, "", lengths, is_sparse(named(loss)[0]))
        if task in (CLASSES, MASK):  # of one unit: two classes
            size = (recipe.batch_size, *lengths[:-1])
            stored = random.integers(0, max(lengths[-1], 2), size)
        else:
            stored = random.integers(0, 2, (recipe.batch_size, *lengths))
        found[output] = keras.ops.convert_to_tensor(target(stored))
    return found if len(found) > 1 else next(iter(found.values()))


# --- Keras's steps -------------------------------------------------------------------------------


def _start_forward(model: keras.Model, inputs: Any) -> Step:
    """Predict a batch for the first time, and return a function that does it again."""
    model.make_predict_function()
    state = _collect_state(model.trainable_variables, model.non_trainable_variables)
    # A copy, because training changes the variables later.
    kept = keras.tree.map_structure(keras.ops.copy, state)
    step = _make_step(model.predict_function, kept, (inputs,))
    _wait_for(step())
    return step


def _start_training(trainer: keras.Model, inputs: Any, labels: Any) -> Step:
    """Train on a batch for the first time, and return a function that does it again.

    This also makes the variables of optimizer and metrics. On JAX the trainer is unusable
    afterwards.
    """
    trainer.train_on_batch(inputs, labels)
    state = _collect_state(
        trainer.trainable_variables,
        trainer.non_trainable_variables,
        trainer.optimizer.variables,
        trainer.metrics_variables,
    )
    return _make_step(trainer.train_function, state, (inputs, labels, None))


def _collect_state(*groups: Sequence[keras.Variable]) -> Any:
    """Return the values of variables for a step on JAX, which uses them up and returns new ones.

    Elsewhere a step changes variables in place, and the result is empty.
    """
    if keras.backend.backend() != "jax":
        return ()
    return tuple([each.value for each in group] for group in groups)


def _make_step(function: Callable[..., Any], state: Any, batch: Any) -> Step:
    """Return a function that calls a step function of Keras, always on the same batch."""
    if not state:
        return lambda: function([batch])

    def step() -> Any:
        nonlocal state
        outputs, state = function(state, iter([batch]))
        return outputs

    return step


def _wait_for(outputs: Any) -> None:
    """Wait until the outputs of a step are in main memory: a device works asynchronously."""
    keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


# --- clocks --------------------------------------------------------------------------------------


def _time_phase(
    graph: Graph, phase: str, start: Callable[[], Step], plan: Plan, bar: tqdm[Any]
) -> Timing:
    """Return the timing of a phase.

    start: makes the first call, and returns the function for the others.
    """
    bar.reset()
    bar.set_description_str(f"{graph.name}, {phase}: compiling")
    begun = time.perf_counter()
    step = start()
    first = time.perf_counter() - begun
    bar.set_description_str(f"{graph.name}, {phase}")
    share = plan.seconds * plan.burn_in / (plan.burn_in + plan.runs)
    warm = _time_runs(step, plan.burn_in, share, bar)
    times = _time_runs(step, plan.runs, plan.seconds - sum(warm), bar) or [_time_run(step)]
    flops = None if graph.macs is None else FLOPS[phase] * graph.macs * plan.batch_size
    name, size = graph.name, plan.batch_size
    return Timing(name, phase, size, flops, first, len(warm), tuple(times))


def _time_runs(step: Step, most: int, seconds: float, bar: tqdm[Any]) -> list[float]:
    """Return the times of at most `most` runs of a step, as many as probably fit in `seconds`."""
    times: list[float] = []
    while len(times) < most and sum(times) + (times[-1] if times else 0) < seconds:
        times.append(_time_run(step))
        bar.update()
        INTERRUPT.raise_if_lost()
    return times


def _time_run(step: Step) -> float:
    begun = time.perf_counter()
    _wait_for(step())
    return time.perf_counter() - begun


# --- the machine ---------------------------------------------------------------------------------


def _measure_product(dtype: str) -> tuple[int, float]:
    """Return the side of square matrices whose product takes long enough, and its FLOP/s."""
    side = SMALLEST
    while True:
        rate, seconds = _measure_rate(side, dtype)
        if seconds >= LONG_ENOUGH or side == LARGEST:
            return side, rate
        side *= 2


def _measure_rate(side: int, dtype: str) -> tuple[float, float]:
    """Return FLOP/s and seconds of a product of square matrices, the best of several."""
    random = np.random.default_rng(0)
    a, b = (
        keras.ops.convert_to_tensor(random.random((side, side), np.float32), dtype)
        for _ in range(2)
    )
    inputs = [keras.Input(batch_shape=(side, side), dtype=dtype) for _ in range(2)]
    model = keras.Model(inputs, keras.ops.matmul(*inputs))
    model.make_predict_function()
    step = _make_step(model.predict_function, _collect_state([], []), ([a, b],))

    def seconds() -> float:
        begun = time.perf_counter()
        _wait_for(step()[:1, :1])  # one value: the others need not leave the device
        return time.perf_counter() - begun

    seconds()  # which compiles
    best = min(seconds() for _ in range(PRODUCTS))
    return 2 * side**3 / best, best
