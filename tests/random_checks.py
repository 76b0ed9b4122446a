"""archspec's word on a network against Keras's.

    network = drawn(random.Random("seed"))
    judged(network).found    # [] if they agree; else each disagreement in a sentence

A sound network is built straight with Keras: layers, shapes, weights, what training moves and the
counts must be the same. One with a fault must be refused by both, by archspec once and at its step.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

import numpy as np
from random_drawing import draw_masked
from random_faults import SHARED, spoil
from random_graphs import Network, Walk, write

import archspec
from archspec.backends.spec_yaml import flat_name, to_spec
from archspec.errors import SpecError
from archspec.graph import Graph, Shape
from archspec.layers import FAMILIES, LAYERS
from archspec.objects import ACTIVATION_LAYERS
from archspec.syntax.writer import write_yaml

FAULTY = 0.3


def drawn(source: random.Random) -> Network:
    """A network; three in ten have a fault."""
    network = draw_masked(source)
    if source.random() < FAULTY:
        spoil(source, network)
    return network


@dataclass
class Record:
    """One call: the layer, its output's shape, its weights, and which of them training leaves."""

    op: str
    layer: Any
    shape: Shape
    weights: list[tuple[str, tuple[int, ...]]]
    fixed: set[str]


@dataclass
class Made:
    """A Keras layer, and what it was made of."""

    op: str
    arguments: dict[str, Any]
    layer: Any


class Straight:
    """The engine of a walk that is Keras. records: every call, in order."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.inputs: list[Any] = []

    def input(self, name: str, shape: tuple[int | None, ...], dtype: str) -> Any:
        import keras

        self.inputs.append(keras.Input(shape, dtype=dtype, name=name))
        return self.inputs[-1]

    def make(self, op: str, arguments: dict[str, Any]) -> Made:
        import keras

        given = {name: self.object(op, name, value) for name, value in arguments.items()}
        return Made(op, arguments, getattr(keras.layers, op)(**given))

    def object(self, op: str, name: str, value: Any) -> Any:
        """An initializer and the like, made of its name and arguments."""
        import keras

        argument = LAYERS[op].arguments.get(name) if op in LAYERS else None
        kind = argument.type.kind if argument else None
        if kind is None or not isinstance(value, dict):
            return value
        ((which, given),) = value.items()
        if kind == "activation":
            which, module = ACTIVATION_LAYERS.get(which, which), keras.layers
        else:
            module = getattr(keras, kind + "s")
        made = getattr(module, which)
        return made(**given) if isinstance(given, dict) else made(given)

    def apply(self, made: Made, inputs: Any, call: dict[str, bool]) -> Any:
        layer = made.layer
        if LAYERS[made.op].takes == "list" and not isinstance(inputs, list):
            inputs = [inputs]
        out = layer(**inputs, **call) if isinstance(inputs, dict) else layer(inputs, **call)
        for weight in () if layer.trainable else layer.weights:
            weight.trainable = False  # those of the layers within it, which Keras forgets

        def short(variable: Any) -> str:
            return variable.path.removeprefix(f"{layer.name}/")

        weights = [(short(each), tuple(each.shape)) for each in layer.weights]
        fixed = {short(each) for each in layer.non_trainable_weights}
        self.records.append(Record(made.op, layer, tuple(out.shape), weights, fixed))
        return out


def build(network: Network) -> tuple[list[Record], Any]:
    """Build a network with Keras alone: every call in order, and the model."""
    import keras

    engine = Straight()
    outputs = Walk(network, engine).outputs()
    return engine.records, keras.Model(engine.inputs, outputs)


def symbolic() -> Any:
    """Build without making any weight, which is ten times faster."""
    import keras

    return keras.StatelessScope(initialize_variables=False)


# --- comparing -----------------------------------------------------------------------------------


@cache
def read(text: str) -> Graph | SpecError:
    try:
        return archspec.loads(text, "drawn.yaml")
    except SpecError as error:
        return error


def count(weights: list[Any]) -> int:
    return sum(prod(each.shape) for each in weights)


def differences(graph: Graph, records: list[Record], model: Any) -> list[str]:
    """What archspec says of each call, and of the whole, that Keras does not."""
    nodes = [node for node in graph if node.op != "InputLayer"]
    if [node.op for node in nodes] != [record.op for record in records]:
        return ["the layers differ"]
    found = []
    for node, record in zip(nodes, records, strict=True):
        assert node.facts is not None
        pairs = {
            "shape": (node.facts.shape, record.shape),
            "weights": (list(node.facts.weights.items()), record.weights),
            "fixed weights": (set(node.facts.fixed), record.fixed),
        }
        found += [
            f"{node.name}: {what} {ours} and {theirs}"
            for what, (ours, theirs) in pairs.items()
            if ours != theirs
        ]
    totals = {
        "outputs": ([graph.shape(name) for name in graph.outputs],
                    [tuple(each.shape) for each in model.outputs]),
        "parameters": (graph.total_params, model.count_params()),
        "trainable parameters": (graph.trainable_params, count(model.trainable_weights)),
    }  # fmt: skip
    found += [f"{what}: {ours} and {theirs}" for what, (ours, theirs) in totals.items()
              if ours != theirs]  # fmt: skip
    return found


def refused(make: Callable[[], Any]) -> bool:
    """Whether Keras refuses a network, be it only once there are weights and a loss."""
    with symbolic():
        try:
            make()
        except Exception:
            return True
    try:
        _, model = make()
        # A mask that is laid over the samples fits as many samples as it has places.
        outputs = [run(model, batch_for(model, count), training=True) for count in (2, 5)]
        _ = model.losses
        for weight in model.trainable_weights:  # as an optimizer does after each step
            if weight.constraint is not None:
                weight.constraint(weight)
    except Exception:
        return True
    return any(isinstance(each, str) for each in outputs)


@dataclass
class Verdict:
    """found: where archspec and Keras part. ran: whether the two models ran and were compared."""

    found: list[str]
    ran: bool = False


def judged(network: Network, deep: bool = False) -> Verdict:
    """Compare what archspec and Keras say of a network; a fault must be reported at its step alone.

    deep: build what archspec makes of it too, compare outputs, and write and read the flat spec.
    """
    text, lines = write(network)
    graph = read(text)
    if network.fault is not None:
        return Verdict(misreported(network, graph, lines))
    if isinstance(graph, SpecError):
        errors = {each.code for each in graph.diagnostics if each.severity == "error"}
        if errors == {"mask"} and refused(lambda: build(network)):  # as Keras does when it runs
            return Verdict([])
        return Verdict([f"archspec refuses it: {graph}"])
    try:
        with symbolic():
            records, model = build(network)
    except Exception as error:
        return Verdict([f"Keras refuses it: {type(error).__name__}: {error}"])
    found = differences(graph, records, model)
    return Verdict(found) if found or not deep else ran_alike(network, graph)


IMAGES = "|".join(
    each.name for family in ("images", "values of pixels") for each in FAMILIES[family]
)
# What archspec refuses and Keras takes, on purpose.
STRICTER = {
    r"merges at least 2 inputs": "Keras hands the only input on; it is a slip of `from`",
    rf"({IMAGES}|MelSpectrogram) expects": "Keras takes one image alone, or any channels",
    r"(Adaptive\w+|CategoryEncoding|Discretization) expects": "Keras makes what it did not say",
    r" Normalization is tied": "likewise",
    r"aligns no others": "Keras says a shape and stops, or repeats what it should not",
    r"expects its boundaries": "Keras sorts into bins of no width",
    r"Adaptive\w+ (needs to know|cannot make)": "Keras manages at times, and seldom in `fit`",
    r"cannot join along axis": "Keras joins the samples of a batch",
    r"takes a noise_shape of": "Keras looks at it in training alone, and at no rate of 0",
    r"Rescaling expects \d+ numbers": "Keras says the input's shape and broadcasts to another",
    r"PReLU shares axes": "Keras takes -1 for the axis before the last",
    r"EinsumDense cannot reuse": "JAX repeats an axis of length 1",
    r"makes \d+ frames of \d+ samples where": "Keras counts others, and fails when the model runs",
    r"RMSNormalization cannot reuse": "Keras multiplies by a lone scale, whatever the length is",
    r"RMSNormalization works along the last axes": "Keras manages where the others have length 1",
    r"AdditiveAttention multiplies query and key": "Keras repeats a lone feature",
    r"ttention expects inputs of 3 axes": "Keras broadcasts the axes before the length, or fails",
}


def misreported(network: Network, graph: Graph | SpecError, lines: list[int]) -> list[str]:
    if isinstance(graph, Graph):
        return [f"archspec takes a fault of kind {network.kind}, lines {lines}"]
    found = []
    errors = [each for each in graph.diagnostics if each.severity == "error"]
    if any(each.code == "mask" for each in errors):
        return []  # the steps after it are not looked at, so that the fault may not be
    if network.kind == "loop":  # which is a fault of its own at a step with `from`
        others = [each for each in errors if each.code != "loop-from"]
        errors = others or errors
    there = [each.span.line in lines for each in errors]
    if not (True in there if network.kind == "ripple" else there == [True]):
        found.append(f"a fault of kind {network.kind}, lines {lines}, is reported so: {graph}")
    stricter = any(re.search(pattern, str(graph)) for pattern in STRICTER)
    if network.kind in SHARED and not stricter and not refused(lambda: build(network)):
        found.append(f"Keras takes what archspec refuses: {graph}")
    return found


def ran_alike(network: Network, graph: Graph) -> Verdict:
    """The model that archspec builds against the one built straight, on random numbers."""
    import keras

    flat = archspec.loads(write_yaml(to_spec(graph)), "flat.yaml")
    found = [] if flat.fingerprint == graph.fingerprint else ["the flat spec has another meaning"]
    known = {
        name: (tuple(n or TURNS_UP for n in shape), dtype)
        for name, (shape, dtype) in network.inputs.items()
    }
    turned_up = read(write(replace(network, inputs=known))[0])
    if isinstance(turned_up, SpecError) or any(None in turned_up.shape(n.name)[1:] for n in graph):
        return Verdict(found)  # a length that does not fit, beyond which TensorFlow may even read
    keras.utils.clear_session(free_memory=False)
    records, straight = build(network)
    model = archspec.to_keras(graph, seed=1)
    nodes = [node for node in graph if node.op != "InputLayer"]
    for node, record in zip(nodes, records, strict=True):
        ours = model.get_layer(flat_name(node.reuses or node.name))
        record.layer.set_weights(ours.get_weights())
    batch = batch_for(straight)
    results = [run(each, batch) for each in (straight, model)]
    stops = [each for each in results if isinstance(each, str)]
    if stops:
        limits = "|".join(LIMITS)
        if len(stops) < 2 or not all(re.search(limits, each) for each in stops):
            found += [f"of Keras straight and ours, so many stop: {len(stops)}", stops[0]]
        return Verdict(found)
    for name, theirs, ours in zip(graph.outputs, *results, strict=True):
        if not np.allclose(theirs, ours, rtol=1e-5, atol=1e-5, equal_nan=True):
            found.append(f"the outputs '{name}' differ by {np.abs(theirs - ours).max()}")
    return Verdict(found, ran=True)


# What a sound model may stop with when it runs -> why.
LIMITS = {
    r"is not in \[0, ": "an Embedding looks up what is no index",
    r"0 <= values < num_tokens": "likewise a CategoryEncoding",
    r"of int32 is not in the list": "Discretization gives integers, and TensorFlow no such op",
    r"cannot compute AddV2 as input": "nor does it add integers to other numbers",
    r"Input dims must be <= 5|is not supported yet": "TensorFlow's Softmax on a CPU",
    r"Could not find device for node": "TensorFlow on a CPU does some things in no 16 bits",
}


TURNS_UP = 9  # the length of an unknown axis in a batch


def batch_for(model: Any, count: int = 2) -> list[Any]:
    """Random numbers for so many samples."""
    numbers = np.random.default_rng(0)
    batch = []
    for each in model.inputs:
        shape = [count, *(n or TURNS_UP for n in each.shape[1:])]
        integers = str(each.dtype).startswith("int")
        batch.append(numbers.integers(0, 20, shape) if integers else numbers.random(shape))
    return batch


def run(model: Any, batch: list[Any], training: bool = False) -> list[Any] | str:
    """The outputs of a model, or the error that stops it."""
    import keras

    given = [keras.ops.convert_to_tensor(each, tensor.dtype)
             for each, tensor in zip(batch, model.inputs, strict=True)]  # fmt: skip
    try:
        outputs = model(given if len(given) > 1 else given[0], training=training)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(each, "float32")))
            for each in outputs]  # fmt: skip
