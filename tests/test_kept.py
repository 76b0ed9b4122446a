"""What training memory counts is what TensorFlow's gradients read of Keras's layers."""

from __future__ import annotations

from typing import Any

import pytest

import archspec
from archspec.analysis.memory import estimate_peak_memory
from archspec.objects import TABLES

pytestmark = pytest.mark.keras
SHAPE = (6, 8)
SIZE = 6 * 8
ATTENDING = "    from: {query: previous, value: previous}"


def count_read(spec: str) -> float:
    """Return the values of one sample that the gradient of a network reads again, as float32, but
    for its input: those of the forward pass that an operation of the backward pass takes."""
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the graphs are TensorFlow's")
    import tensorflow as tf

    model = archspec.to_keras(archspec.loads(spec))

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=True)
        names.update(each.name for each in tf.compat.v1.get_default_graph().get_operations())
        return tape.gradient(y, [x, *model.trainable_variables])

    names: set[str] = set()
    batch = 3
    spec_of_input = tf.TensorSpec((batch, *SHAPE), "float32")
    operations = tf.function(step, autograph=False).get_concrete_function(spec_of_input).graph
    read: dict[str, float] = {}
    for operation in operations.get_operations():
        if operation.name in names or operation.type in ("Shape", "ShapeN", "Size", "Rank"):
            continue
        for tensor in operation.inputs:
            values = tensor.shape.num_elements() or 0
            forward = tensor.op.name in names and tensor.op.type != "Placeholder"
            if forward and values >= batch * SIZE and values % batch == 0:
                # A reshaped tensor is the same storage, and one of weights has no batch.
                read[_storage(tensor).name] = values / batch * tensor.dtype.size / 4
    return sum(size for name, size in read.items() if not name.startswith("x:"))


def _storage(tensor: Any) -> Any:
    while tensor.op.type in ("Reshape", "Identity", "Squeeze"):
        tensor = tensor.op.inputs[0]
    return tensor


def spec_of(step: str) -> str:
    dense = "  - Dense: {units: 8, use_bias: false}\n"
    return f"archspec: 1\ninput: [6, 8]\nlayers:\n{dense}  - {step}\n{dense}"


STEPS = [
    *(f"Activation: {name}" for name in TABLES["activation"]),
    *("LayerNormalization", "RMSNormalization", "BatchNormalization", "Dropout: 0.5", "LeakyReLU"),
    *("Dense: {units: 8, activation: gelu}", "Dense: {units: 8, activation: relu}"),
    "MaxPooling1D: {pool_size: 3, strides: 1, padding: same}",
    "SeparableConv1D: {filters: 8, kernel_size: 3, padding: same}",
    "MultiHeadAttention: {num_heads: 4, key_dim: 3}\n" + ATTENDING,
    "MultiHeadAttention: {num_heads: 4, key_dim: 3, value_dim: 5}\n" + ATTENDING,
    "GroupQueryAttention: {head_dim: 4, num_query_heads: 4, num_key_value_heads: 2}\n" + ATTENDING,
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.partition("\n")[0])
def test_what_is_counted_is_read(step: str) -> None:
    """A mask of true and false is a quarter of the values, and may be counted as all or nothing."""
    spec = spec_of(step)
    memory = estimate_peak_memory(archspec.loads(spec), batch_size=1)
    assert memory.activations is not None
    read = count_read(spec)
    counted = memory.activations / 4
    assert read - SIZE / 4 <= counted < read + SIZE, (read, counted)


def test_a_wrong_count_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archspec.analysis.memory.GRADIENTS", {})
    with pytest.raises(AssertionError):
        test_what_is_counted_is_read("Activation: gelu")
