"""Keras models read into specs, from configs that are written here: no Keras is needed."""

from __future__ import annotations

import builtins
import copy
import json
import os
import pickle
import random
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from configs import (
    Config,
    call,
    dense,
    functional,
    inside,
    layer,
    operation,
    save,
    sequential,
    start,
    tensor,
)
from conftest import command
from shrinking import few_or_many, try_out

import archspec
from archspec.errors import ArchspecError, Diagnostic, Refused, SpecError, UserError
from archspec.importing.applications import APPLICATIONS
from archspec.importing.specs import Imported

pytestmark = pytest.mark.thorough

MODULE = "archspec.importing"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Import a config, each layer as a step of its own."""
    return lambda config: archspec.from_keras(save(tmp_path, config), flat=True)


def body(imported: Imported) -> str:
    """The layers of a spec, and what follows."""
    return imported.text.partition("layers:\n")[2]


def faults(tmp_path: Path, config: Any) -> list[Diagnostic]:
    """What is said of a config that cannot be read."""
    with pytest.raises(SpecError) as raised:
        archspec.from_keras(save(tmp_path, config))
    return list(raised.value.diagnostics)


# --- what is read --------------------------------------------------------------------------------


CNN = sequential(
    start("input_layer", (28, 28, 1)),
    layer(
        "Conv2D",
        "conv2d",
        {
            "filters": 8,
            "kernel_size": [3, 3],
            "strides": [1, 1],
            "padding": "same",
            "activation": "relu",
            "kernel_regularizer": {
                "module": "keras.regularizers",
                "class_name": "L2",
                "config": {"l2": 0.009999999776482582},
                "registered_name": None,
            },
            "quantization_config": None,
        },
    ),
    layer("MaxPooling2D", "max_pooling2d", {"pool_size": [2, 2]}),
    layer("Flatten", "flatten", {"data_format": "channels_last"}),
    layer("Dropout", "dropout", {"rate": 0.5, "seed": 7}),
    layer("Dense", "head", {"units": 10, "activation": "softmax"}),
)
CNN_SPEC = """\
# Imported from model.keras.
# 1 seed of random numbers is left out: random numbers follow from the run's seed
archspec: 1
name: model
input: [28, 28, 1]

layers:
  - Conv2D: {filters: 8, kernel_size: 3, padding: same, activation: relu, kernel_regularizer: L2}
  - MaxPooling2D
  - Flatten
  - Dropout: 0.5
  - Dense: {units: 10, activation: softmax}
    name: head
"""


@pytest.mark.parametrize("name", ["model.keras", "model.json"])
def test_a_config_becomes_a_spec(name: str, tmp_path: Path) -> None:
    imported = archspec.from_keras(save(tmp_path, CNN, name), flat=True)
    assert imported.text == CNN_SPEC.replace("model.keras", name)
    assert imported.graph.fingerprint == archspec.loads(CNN_SPEC).fingerprint
    assert imported.names["head"] == "head"
    assert imported.renamed == {"input_layer": "input"}
    assert len(imported.notes) == 1


def test_a_folder_of_a_keras_file_that_is_unpacked_gives_its_name(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    imported = archspec.from_keras(save(tmp_path / "digits", CNN, "config.json"))
    assert imported.graph.name == "digits"


SHARED = layer("Dense", "shared", {"units": 4}, call(tensor("a")), call(tensor("b")))


def test_a_layer_that_is_called_twice_keeps_its_weights(read: Any) -> None:
    both = call([tensor("shared"), tensor("shared", (None, 4), 1)])
    model = functional(start("a"), start("b"), SHARED, layer("Add", "add", {}, both))
    imported = read(model)
    assert body(imported) == (
        "  - Dense: 4\n    name: shared\n    from: a\n"
        "  - reuse: shared\n    name: shared_1\n    from: b\n"
        "  - Add:\n    from: [shared, shared_1]\n"
    )
    assert imported.graph.total_params == 20
    assert imported.names == {"a": "a", "b": "b", "shared": "shared", "add": "add"}


def test_models_within_models_are_laid_open(read: Any) -> None:
    encoder = sequential(start(), dense(), name="encoder")
    calls = (call(tensor("a"), mask=None), call(tensor("b"), training=False))
    pair = layer("Subtract", "subtract", {}, call([tensor("encoder"), tensor("encoder", (), 1)]))
    outer = functional(start("a"), start("b"), inside(encoder, *calls), pair)
    imported = read(outer)
    assert "  - reuse: encoder-dense\n" in body(imported)
    assert imported.names["encoder/dense"] == "encoder-dense"
    assert imported.graph.total_params == 15


def test_the_calls_of_a_functional_model_are_counted_from_1_at_the_ends(read: Any) -> None:
    decoder = functional(start("code"), dense("up", 2, "code"), name="decoder")
    outer = functional(start(), inside(decoder, call(tensor("input_layer"))), name="whole")
    outer["config"]["output_layers"] = ["decoder", 1, 0]
    assert body(read(outer)) == "  - Dense: 2\n    name: decoder-up\n"


def test_a_frozen_model_freezes_its_layers(read: Any) -> None:
    encoder = sequential(start(), dense(), name="encoder")
    encoder["config"]["trainable"] = False
    outer = functional(
        start(), inside(encoder, call(tensor("input_layer"))), dense("out", 2, "encoder")
    )
    graph = read(outer).graph
    assert (graph.total_params, graph.trainable_params) == (23, 8)


def test_inputs_and_outputs_in_mappings_are_in_keras_order(read: Any) -> None:
    inputs = {"z": ["z", 0, 0], "a": ["a", 0, 0]}
    outputs = {"sum": ["add", 0, 0], "left": ["dense", 0, 0]}
    added = layer("Add", "add", {}, call([tensor("dense"), tensor("a")]))
    model = functional(start("z"), start("a"), dense("dense", 4, "z"), added)
    model["config"] |= {"input_layers": inputs, "output_layers": outputs}
    imported = read(model)
    assert imported.graph.inputs == ("a", "z")
    assert imported.graph.outputs == ("left", "sum")
    assert imported.names == {"a": "a", "z": "z", "dense": "left", "add": "sum"}


def test_names_that_no_spec_can_have_are_changed(read: Any) -> None:
    model = sequential(start("my input"), dense("1x1 / a"), dense("1x1 . a"), dense("previous"))
    imported = read(model)
    assert imported.renamed == {
        "my input": "my_input",
        "1x1 / a": "1x1_a",
        "1x1 . a": "1x1_a_1",
        "previous": "previous_1",
    }


def test_a_name_with_line_breaks_ends_no_comment(read: Any) -> None:
    entry = operation("TrueDivide", "x\ninput: [9]", tensor("input_layer"), 3)
    imported = read(functional(start(), entry))
    assert imported.text.count("\ninput: ") == 1
    assert imported.graph.shape("input") == (None, 4)


def test_parallel_branches_stand_in_one_piece_each(read: Any) -> None:
    model = functional(
        start(),
        dense("a0"),
        dense("b0"),
        dense("a1", taken="a0"),
        dense("b1", taken="b0"),
        layer("Concatenate", "both", {}, call([tensor("a1"), tensor("b1")])),
    )
    assert [node.name for node in read(model).graph][1:] == ["a0", "a1", "b0", "b1", "both"]


def test_what_repeats_becomes_a_block_or_a_loop(tmp_path: Path) -> None:
    layers = [start("input_layer", (8, 8, 4))]
    for i in range(6):
        before = f"add_{i - 1}" if i else "input_layer"
        conv = {"filters": 4, "kernel_size": 3, "padding": "same"}
        layers += [
            layer("Conv2D", f"conv2d_{i}", conv, call(tensor(before))),
            layer("BatchNormalization", f"norm_{i}", {}, call(tensor(f"conv2d_{i}"))),
            layer("Add", f"add_{i}", {}, call([tensor(before), tensor(f"norm_{i}")])),
        ]
    path = save(tmp_path, functional(*layers))
    flat, folded = archspec.from_keras(path, flat=True), archspec.from_keras(path)
    assert folded.text.startswith("# Imported from model.keras.\n")
    assert folded.graph.fingerprint == flat.graph.fingerprint
    assert folded.text.count("\n") < flat.text.count("\n") / 2
    assert folded.names.keys() == flat.names.keys()
    for old, name in folded.names.items():
        theirs, ours = flat.graph[flat.names[old]], folded.graph[name]
        assert (ours.op, ours.facts) == (theirs.op, theirs.facts)
    assert len({*folded.names.values()}) == len(folded.names)


@pytest.mark.parametrize(
    ("class_name", "args", "written", "notes"),
    [
        ("Add", (2,), "Rescaling: {scale: 1.0, offset: 2.0}", 0),
        ("Subtract", (2,), "Rescaling: {scale: 1.0, offset: -2.0}", 0),
        ("Multiply", (2.5,), "Rescaling: 2.5", 0),
        ("TrueDivide", (8,), "Rescaling: 0.125", 0),
        ("TrueDivide", (255,), "Rescaling: 0.00392156862745098", 1),
        ("Negative", (), "Rescaling: -1.0", 0),
        ("Tanh", (), "Activation: tanh", 0),
        ("Exp", (), "Activation: exponential", 0),
        ("Maximum", (tensor("dense"),), "Maximum:\n    name: of\n    from: [dense, dense]", 0),
        ("Reshape", ((-1, 2, 2),), "Reshape: {target_shape: [2, 2]}", 0),
    ],
)
def test_operations_become_layers(
    class_name: str, args: tuple[Any, ...], written: str, notes: int, read: Any
) -> None:
    entry = operation(class_name, "of", tensor("dense"), *args)
    imported = read(functional(start(), dense(units=4), entry))
    assert written in body(imported)
    assert len(imported.notes) == notes


def test_a_number_can_come_first(read: Any) -> None:
    entry = operation("Subtract", "of", 3, tensor("dense"))
    assert "Rescaling: {scale: -1.0, offset: 3.0}" in body(
        read(functional(start(), dense(), entry))
    )


def test_integers_that_are_divided_become_floats(read: Any) -> None:
    image = start("image", (4,), dtype="uint8")
    entry = operation("TrueDivide", "of", tensor("image", dtype="uint8"), 255.0)
    assert (
        read(functional(image, entry)).graph.fingerprint
        == archspec.loads(
            "archspec: 1\ninput: {shape: [4], dtype: uint8}\nlayers: [Rescaling: =1 / 255]"
        ).fingerprint
    )


@pytest.mark.parametrize("shape", [(6, 6, 4), (6, 5, 4), (4,), (7, 4), (2, 6, 5, 4)])
def test_layer_scale_of_convnext_is_the_shipped_block(shape: tuple[int, ...], read: Any) -> None:
    config = {"init_values": 0.1, "projection_dim": 4}
    entry = layer("LayerScale", "scale", config, call(tensor("input_layer", (None, *shape))))
    entry["module"] = "keras.src.applications.convnext"
    graph = read(functional(start("input_layer", shape), entry)).graph
    block = f"archspec: 1\nimport: [layer_scale]\ninput: {list(shape)}\nlayers: [layer_scale: 0.1]"
    assert graph.fingerprint == archspec.loads(block).fingerprint
    assert graph.shape("scale") == (None, *shape)
    assert graph.total_params == 4


def test_stochastic_depth_and_scaled_sums_of_applications(read: Any) -> None:
    drop = layer("StochasticDepth", "drop", {"drop_path_rate": 0.1}, call(tensor("dense")))
    scale = layer(
        "CustomScaleLayer", "sum", {"scale": 0.5}, call([tensor("dense"), tensor("drop")])
    )
    for entry in (drop, scale):
        entry["module"] = "keras.src.applications.some"
    assert body(read(functional(start(), dense(), drop, scale))) == (
        "  - Dense: 3\n    name: dense\n"
        "  - Dropout: {rate: 0.1, noise_shape: [null, 1]}\n    name: drop\n"
        "  - Rescaling: 0.5\n    name: sum_scaled\n"
        "  - Add:\n    name: sum\n    from: [dense, sum_scaled]\n"
    )


def test_tensors_by_name_and_constants_of_a_call(read: Any) -> None:
    q, v = tensor("q", (None, 5, 8)), tensor("v", (None, 7, 8))
    calls = call(q, value=v, training=False, use_causal_mask=True, return_attention_scores=False)
    config = {"num_heads": 2, "key_dim": 4, "value_dim": 4, "attention_axes": [1]}
    attention = layer("MultiHeadAttention", "attention", config, calls)
    model = functional(start("q", (5, 8)), start("v", (7, 8)), attention)
    assert body(read(model)) == (
        "  - MultiHeadAttention: {num_heads: 2, key_dim: 4}\n    name: attention\n"
        "    from: {query: q, value: v}\n    call: {use_causal_mask: true}\n"
    )


# --- masks ---------------------------------------------------------------------------------------


def masked(mask_value: int = 0) -> list[Config]:
    """A mean of an embedding with the mask that Keras hands it, or with another one."""
    ids = tensor("ids", (None, 5), dtype="int32")
    config = {"input_dim": 10, "output_dim": 4, "mask_zero": True}
    x = tensor("embedding", (None, 5, 4))
    mask = tensor("not_equal", (None, 5), dtype="bool")
    return [
        start("ids", (5,), dtype="int32"),
        layer("Embedding", "embedding", config, call(ids)),
        operation("NotEqual", "not_equal", ids, mask_value),
        layer("GlobalAveragePooling1D", "mean", {}, call(x, mask=mask)),
    ]


def test_a_mask_that_goes_on_by_itself_is_left_out(read: Any) -> None:
    assert body(read(functional(*masked()))) == (
        "  - Embedding: {input_dim: 10, output_dim: 4, mask_zero: true}\n"
        "  - GlobalAveragePooling1D:\n    name: mean\n"
    )


def test_attention_hands_on_the_mask_of_its_query(read: Any) -> None:
    """Keras writes that mask anew, by an operation that changes nothing."""
    first, embedding, not_equal, mean = masked()
    x = tensor("embedding", (None, 5, 4))
    again = operation("ConvertToTensor", "again", tensor("not_equal", (None, 5), dtype="bool"))
    again["config"].update(dtype=None, sparse=None, ragged=None)
    attention = layer("Attention", "attention", {}, call([x, x]))
    mask = tensor("again", (None, 5), dtype="bool")
    mean["inbound_nodes"] = [call(tensor("attention", (None, 5, 4)), mask=mask)]
    text = body(read(functional(first, embedding, not_equal, attention, again, mean)))
    assert text.endswith("  - GlobalAveragePooling1D:\n    name: mean\n")


def test_a_mask_of_ones_own_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, functional(*masked(mask_value=1)))
    assert fault.code == "import-argument"
    assert "a mask that Keras does not propagate by itself" in fault.message


def test_an_input_that_is_a_mask_is_refused_as_one(tmp_path: Path) -> None:
    mask = tensor("mask", (None, 5), dtype="bool")
    mean = layer("GlobalAveragePooling1D", "mean", {}, call(tensor("x", (None, 5, 4)), mask=mask))
    (fault,) = faults(
        tmp_path, functional(start("x", (5, 4)), start("mask", (5,), dtype="bool"), mean)
    )
    assert "called with mask=a tensor, which a spec cannot express" in fault.message
    assert fault.hint == "a spec has only the masks that Keras propagates by itself"


def test_the_first_operation_that_no_layer_does_is_refused_once(tmp_path: Path) -> None:
    """And none that takes its value, however many do."""
    whole = tensor("whole", (None, 5), dtype="int32")
    cast = operation("Cast", "cast", whole)
    x = tensor("cast", (None, 5))
    halves = [operation("TrueDivide", name, x, 255) for name in "ab"]
    add = layer("Add", "add", {}, call([tensor("a", (None, 5)), tensor("b", (None, 5)), x]))
    model = functional(start("whole", (5,), dtype="int32"), cast, *halves, add)
    (fault,) = faults(tmp_path, model)
    assert "no layer does what the operation Cast does" in fault.message
    assert fault.hint == "build the model with Rescaling, which takes whole numbers, too"


def test_an_operation_that_ends_a_mask_is_refused(tmp_path: Path) -> None:
    x = tensor("embedding", (None, 5, 4))
    double = operation("Multiply", "multiply", x, 2)
    (fault,) = faults(tmp_path, functional(*masked()[:2], double))
    assert fault.code == "import-operation"
    assert "ends a mask" in fault.message


# --- Keras 2 -------------------------------------------------------------------------------------


def old(class_name: str, name: str, nodes: list[Any], **config: Any) -> Config:
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "inbound_nodes": nodes,
    }


def test_the_json_of_keras_2_is_read(read: Any) -> None:
    inner = {
        "name": "inner",
        "layers": [
            old("InputLayer", "x", [], batch_input_shape=[None, 6]),
            old("LeakyReLU", "leaky", [[["x", 0, 0, {}]]], alpha=0.1),
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["leaky", 0, 0]],
    }
    layers = [
        old("InputLayer", "in", [], batch_input_shape=[None, 6], sparse=False, ragged=False),
        {"class_name": "Functional", "name": "inner", "config": inner},
        old("BatchNormalization", "bn", [[["inner", 1, 0, {}]]], axis=[1], renorm=False),
        old("Add", "sum", [[["in", 0, 0, {}], ["bn", 0, 0, {}]]]),
    ]
    layers[1]["inbound_nodes"] = [[["in", 0, 0, {}]]]
    config = {"name": "net", "layers": layers, "input_layers": [["in", 0, 0]]}
    config["output_layers"] = [["sum", 0, 0]]
    model = {"class_name": "Functional", "config": config, "keras_version": "2.15.0"}
    imported = read(model)
    assert body(imported) == (
        "  - LeakyReLU: 0.1\n    name: inner-leaky\n    from: in\n"
        "  - BatchNormalization: 1\n    name: bn\n"
        "  - Add:\n    name: sum\n    from: [in, bn]\n"
    ).replace("    from: in\n", "")


def test_a_sequential_model_of_keras_2_says_its_input_at_its_first_layer(read: Any) -> None:
    model = {
        "class_name": "Sequential",
        "config": {"name": "net", "layers": [old("Dense", "d", [], units=3)]},
    }
    model["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 4]
    assert read(model).graph.total_params == 15


# --- what is refused -----------------------------------------------------------------------------


def of(*layers: Config) -> Config:
    return functional(start(), *layers)


def with_argument(**config: Any) -> Config:
    entry = dense()
    entry["config"] |= config
    return of(entry)


def custom(class_name: str, **config: Any) -> Config:
    return {"module": "mine", "class_name": class_name, "config": config, "registered_name": "x"}


REFUSED: dict[str, tuple[Any, str, str, str]] = {
    "a Lambda": (
        of(layer("Lambda", "f", {"function": {}}, call(tensor("input_layer")))),
        "import-class",
        "config.layers[1].inbound_nodes[0]",
        "it carries Python code",
    ),
    "a class of one's own": (
        of(layer("Scale", "s", {}, call(tensor("input_layer")), module="mine")),
        "import-class",
        "config.layers[1].inbound_nodes[0]",
        "Scale 's' of mine is no layer of Keras",
    ),
    "a class of one's own, called as Keras's": (
        of(
            layer(
                "Dense", "s", {"units": 3}, call(tensor("input_layer")), registered_name="a>Dense"
            )
        ),
        "import-class",
        "config.layers[1].inbound_nodes[0]",
        "is no layer of Keras",
    ),
    "a layer that the table lacks": (
        sequential(start("x", (5, 4)), layer("LSTM", "lstm", {"units": 3})),
        "import-class",
        "config.layers[1]",
        "recurrent layers are not described yet",
    ),
    "a wrapper that the table lacks": (
        sequential(start("x", (5, 4)), layer("TimeDistributed", "t", {"layer": dense()})),
        "import-class",
        "config.layers[1]",
        "Dense and EinsumDense work at each step by themselves",
    ),
    "a subclassed model": (
        {"module": "mine", "class_name": "Net", "config": {}, "registered_name": "Net"},
        "import-class",
        "config",
        "only Functional and Sequential models store how their layers are connected",
    ),
    "a model that was never built": (
        sequential(dense()),
        "import-file",
        "config",
        "nothing says the shape of its input",
    ),
    "an operation without a layer": (
        of(operation("Mean", "mean", tensor("input_layer"), axis=1)),
        "import-operation",
        "config.layers[1].inbound_nodes[0]",
        "no layer does what the operation Mean does",
    ),
    "a number divided by a tensor": (
        of(operation("TrueDivide", "d", 1, tensor("input_layer"))),
        "import-operation",
        "config.layers[1].inbound_nodes[0]",
        "of a number by a tensor",
    ),
    "a sum of other axes": (
        functional(
            start("a"),
            start("b", (2, 4)),
            operation("Add", "add", tensor("a"), tensor("b", (None, 2, 4))),
        ),
        "import-operation",
        "config.layers[2].inbound_nodes[0]",
        "different numbers of axes",
    ),
    "an argument that the table lacks": (
        with_argument(lora_rank=4),
        "import-argument",
        "config.layers[1].config.lora_rank",
        "Dense has no argument 'lora_rank' here, got 4",
    ),
    "a float for an integer": (
        of(
            layer(
                "Conv1D",
                "c",
                {"filters": 2, "kernel_size": 3, "strides": [1.5]},
                call(tensor("input_layer")),
            )
        ),
        "import-argument",
        "config.layers[1].config.strides",
        "must be a positive integer",
    ),
    "a function of one's own": (
        with_argument(
            activation={"module": "builtins", "class_name": "function", "config": "mine"}
        ),
        "import-argument",
        "config.layers[1].config.activation",
        "it is the function 'mine', which is Python code",
    ),
    "a lambda as activation": (
        with_argument(activation={"value": ["4wEA", None, None]}),
        "import-argument",
        "config.layers[1].config.activation",
        "it is a lambda",
    ),
    "an initializer of one's own": (
        with_argument(kernel_initializer=custom("Mine")),
        "import-argument",
        "config.layers[1].config.kernel_initializer",
        "Mine is no initializer of Keras",
    ),
    "a map of dtypes": (
        with_argument(dtype={"class_name": "DTypePolicyMap", "config": {"name": "float32"}}),
        "import-argument",
        "config.layers[1].config.dtype",
        "DTypePolicyMap",
    ),
    "a sparse input": (
        functional(start("input_layer", (4,), sparse=True), dense()),
        "import-argument",
        "config.layers[0].config.sparse",
        "is sparse",
    ),
    "scores of attention as an output": (
        sequential(start("x", (5, 4)), layer("Dense", "d", {"units": 2}), layer("Add", "a", {})),
        "shape",
        "config.layers[2]",
        "merges at least 2 inputs",
    ),
    "a circle": (
        of(dense("a", taken="b"), dense("b", taken="a")),
        "import-file",
        "config.layers[1].inbound_nodes[0]",
        "takes its own output",
    ),
    "a layer that is not there": (
        of(dense("a", taken="nobody")),
        "import-file",
        "config.layers[1].inbound_nodes[0]",
        "takes the output of a layer 'nobody', which is not there",
    ),
    "an output that is not there": (
        functional(start(), dense(), outputs=[["other", 0, 0]]),
        "import-file",
        "config.output_layers[0]",
        "there is no call 0 of a layer 'other'",
    ),
    "a second output of a layer": (
        functional(start(), dense(), outputs=[["dense", 0, 1]]),
        "import-file",
        "config",
        "'dense' has no output 1",
    ),
    "no layers": (
        {"class_name": "Sequential", "config": {"name": "x"}},
        "import-file",
        "config",
        "'layers' is missing",
    ),
    "a text for a list": (
        {"class_name": "Sequential", "config": {"layers": "x"}},
        "import-file",
        "config.layers",
        "this must be a list, got 'x'",
    ),
    "two layers of one name": (
        of(dense("a"), dense("a")),
        "import-file",
        "config.layers[1]",
        "two layers are called 'a'",
    ),
    "a shape that does not fit": (
        sequential(start("x", (4,)), layer("Conv2D", "c", {"filters": 2, "kernel_size": 3})),
        "shape",
        "config.layers[1]",
        "Conv2D",
    ),
    "a list of layers": ([1, 2], "import-file", "", "is not the config of a Keras model"),
    "a mapping without a config": (
        {"a": 1},
        "import-file",
        "",
        "is not the config of a Keras model",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_spec_can_say_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    config, code, path, said = REFUSED[name]
    fault = faults(tmp_path, config)[0]
    place = f"{tmp_path / 'model.keras'}{':' * bool(path)}{path}"
    assert (fault.code, str(fault.span)) == (code, place)
    assert said in fault.message


def test_all_faults_are_said_in_the_order_of_the_layers(tmp_path: Path) -> None:
    layers = [layer("Lambda", f"f{i}", {}) for i in range(12)]
    found = faults(tmp_path, sequential(start(), *layers))
    places = [str(each.span).rpartition(":")[2] for each in found]
    assert places == [f"config.layers[{i}]" for i in range(1, 13)]


def test_models_that_double_within_models_come_to_an_end(tmp_path: Path) -> None:
    model = functional(start(), dense(units=4))
    for i in range(30):
        name = model["config"]["name"]
        second = call(tensor(name))
        model = functional(
            start(), inside(model, call(tensor("input_layer")), second), name=f"m{i}"
        )
        model["config"]["output_layers"] = [[name, 2, 0]]
    (fault,) = faults(tmp_path, model)
    assert fault.code == "too-large"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "import-file", "the file is no sound zip"),
        (b"PK\x03\x04 and nothing", "import-file", "the file is no sound zip"),
        (b"\x89HDF\r\n\x1a\n...", "import-file", "this is an HDF5 file"),
        (b"{", "import-file", "the file is no sound zip"),
    ],
)
def test_files_that_are_no_keras_file(content: bytes, code: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.keras"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=said) as raised:
        archspec.from_keras(path)
    assert raised.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import-file"),
        (b"\xff\xfe", "import-file"),
        (b'{"config": ' + b"1" * 5000 + b"}", "import-file"),
        (b'{"config": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}", "too-deep"),
        (b'{"config": {"layers": ' + b"[" * 250 + b"]" * 250 + b"}}", "too-deep"),
        (b"[" * 100_000, "too-deep"),
    ],
)
def test_json_that_is_no_config(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(SpecError) as raised:
        archspec.from_keras(path)
    assert raised.value.diagnostics[0].code == code


def test_a_zip_without_a_config(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as packed:
        packed.writestr("metadata.json", "{}")
    with pytest.raises(SpecError, match=r"the file holds no config\.json"):
        archspec.from_keras(tmp_path / "x.keras")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.files.MOST", 2**20)
    with zipfile.ZipFile(tmp_path / "x.keras", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("config.json", b" " * 2**24)
    assert (tmp_path / "x.keras").stat().st_size < 2**16
    with pytest.raises(SpecError, match="over the limit of 1 MiB"):
        archspec.from_keras(tmp_path / "x.keras")


def test_a_saved_model_and_other_folders(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="this is a folder, not the file of a model"):
        archspec.from_keras(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(SpecError, match=r"SavedModel(.|\n)*model\.save\('model\.keras'\)"):
        archspec.from_keras(tmp_path)


def test_a_file_that_is_not_there_and_values_that_are_no_model(tmp_path: Path) -> None:
    save(tmp_path, CNN)
    with pytest.raises(UserError, match=r"did you mean 'model\.keras'"):
        archspec.from_keras(tmp_path / "modell.keras")
    with pytest.raises(UserError, match=r"did you mean 'keras\.applications\.ResNet50'"):
        archspec.from_keras("ResNet50")
    with pytest.raises(UserError, match="did you mean 'ResNet50'"):
        archspec.from_keras("keras.applications.ResNet5")
    with pytest.raises(TypeError, match=r"not int"):
        archspec.from_keras(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("ResNet50(include_top=False)", "the command takes no arguments of a model; in Python"),
        ("https://x.org/m.keras", "download it first"),
        ("lenet5", "lenet5 is a spec already"),
        ("link.keras", "this link leads to no file"),
        ("net.yaml", "this is a spec already, or no model"),
        ("net.pt", "this is a file of PyTorch"),
        ("net.onnx", "only models of Keras are read"),
        ("old.keras", "rename it to old.h5, then in Python: keras.models.load_model('old.h5')"),
    ],
)
def test_what_is_no_model_of_keras_gets_the_remedy(
    word: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.keras").symlink_to("nowhere")
    for name in ("net.yaml", "net.pt", "net.onnx"):
        (tmp_path / name).write_bytes(b"some bytes")
    (tmp_path / "old.keras").write_bytes(b"\x89HDF\r\n\x1a\n and so on")
    with pytest.raises(ArchspecError) as raised:
        archspec.from_keras(word)
    assert said in str(raised.value)


def test_a_model_without_layers_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, functional(start("a")))
    assert fault.message == "the model has no layers: its outputs are its inputs"


def test_there_are_40_models_of_applications() -> None:
    assert len(set(APPLICATIONS)) == 40


# --- layers of one's own -------------------------------------------------------------------------


def test_a_layer_of_ones_own_is_read_when_its_file_is_named(tmp_path: Path) -> None:
    config = {"epsilon": 0.001}
    entry = layer("GRN", "grn", config, module="my_layers", registered_name="mine>GRN")
    path = save(tmp_path, sequential(start("input_layer", (8, 8, 4)), entry))
    refused = command(tmp_path, "import", str(path))
    assert refused.returncode == 1
    assert "--layers FILE" in refused.stderr
    file = Path(__file__).parent.parent / "examples" / "own_layers" / "my_layers.py"
    done = command(tmp_path, "import", str(path), "--flat", "--layers", str(file))
    assert "- GRN: 0.001" in done.stdout


# --- nothing is run ------------------------------------------------------------------------------


def test_nothing_is_run_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path, CNN)
    archspec.from_keras(path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing of a file is run")

    patched = [(builtins, "exec"), (builtins, "eval"), (os, "system"), (pickle, "loads")]
    with monkeypatch.context() as patch:
        for module, name in (*patched, (subprocess, "Popen"), (socket, "socket")):
            patch.setattr(module, name, refuse)
        imported = archspec.from_keras(path, flat=True)
    assert imported.text == CNN_SPEC


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_a_file_and_says_what_is_in_it(tmp_path: Path) -> None:
    path = save(tmp_path, CNN)
    done = command(tmp_path, "import", str(path), "-o", "x.yaml", "--flat")
    graph = archspec.load(tmp_path / "x.yaml")
    assert done.returncode == 0
    assert done.stdout == (
        "wrote x.yaml: 5 layers in 13 lines, 15,770 parameters, "
        f"fingerprint {graph.fingerprint}\n"
        "1 name of layers changed; --names FILE writes old -> new as JSON\n"
    )
    assert done.stderr.startswith("note: 1 seed ")


def test_the_command_prints_a_spec_and_writes_names(tmp_path: Path) -> None:
    done = command(tmp_path, "import", str(save(tmp_path, CNN)), "--flat", "--names", "names.json")
    assert done.stdout == CNN_SPEC
    names = json.loads((tmp_path / "names.json").read_text(encoding="utf-8"))
    assert names["conv2d"] == "conv2d"
    assert names["input_layer"] == "input"


@pytest.mark.parametrize("option", ["-o", "--names"])
def test_the_command_writes_over_no_file(option: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("mine", encoding="utf-8")
    done = command(tmp_path, "import", str(save(tmp_path, CNN)), option, "x.yaml")
    assert done.returncode == 1
    assert "the file exists" in done.stderr
    assert (tmp_path / "x.yaml").read_text(encoding="utf-8") == "mine"


def test_names_are_not_written_over_the_spec(tmp_path: Path) -> None:
    path = str(save(tmp_path, CNN))
    for names in ("x.yaml", "./x.yaml"):
        done = command(tmp_path, "import", path, "-o", "x.yaml", "--names", names)
        assert done.returncode == 2
        assert "-o and --names name the same file" in done.stderr
    assert command(tmp_path, "import", path, "--names", "-").returncode == 2
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def test_the_command_writes_nothing_of_what_it_refuses(tmp_path: Path) -> None:
    path = save(tmp_path, REFUSED["a Lambda"][0])
    done = command(tmp_path, "import", str(path), "-o", "x.yaml", "--names", "n.json")
    assert done.returncode == 1
    assert f"{path}:config.layers[1].inbound_nodes[0]: error:" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


# --- damage --------------------------------------------------------------------------------------

JUNK: list[Any] = [None, True, 0, -1, 2, 3.5, 10**30, "", "x", "dense", "=1", "é\n", [], {}, [[]]]
JUNK += [[None], {"a": 1}, ["dense", 0, 0], ["dense", 1, 0], float("nan"), float("inf")]
SOUND = [
    CNN,
    functional(*masked()),
    of(dense("a"), dense("b", 3, "a"), layer("Add", "c", {}, call([tensor("a"), tensor("b")]))),
    functional(start("a"), start("b"), SHARED, operation("Add", "o", tensor("shared"), 2)),
    of(inside(functional(start(), dense(), name="inner"), call(tensor("input_layer")))),
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a config: a mapping or list, and a key or an index."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield value, key
        yield from places(value[key])


def damaged(source: random.Random) -> Config:
    config = copy.deepcopy(source.choice(SOUND))
    for _ in range(source.choice([1, 1, 2, 4])):
        held, key = source.choice(list(places(config)))
        match source.randrange(4):
            case 0:
                del held[key]
            case 1 | 2:
                held[key] = copy.deepcopy(source.choice(JUNK))
            case 3:
                other, at = source.choice(list(places(config)))
                held[key] = copy.deepcopy(other[at])
        if not any(True for _ in places(config)):
            break
    return config


@pytest.mark.parametrize("count", few_or_many(60, 5000))
def test_damaged_configs_are_read_or_refused(count: int, tmp_path: Path) -> None:
    outcomes = {"read": 0, "refused": 0}

    def check(config: Config) -> None:
        try:
            imported = archspec.from_keras(save(tmp_path, config))
        except ArchspecError:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            again = archspec.loads(imported.text)
            assert again.fingerprint == imported.graph.fingerprint

    try_out(check, damaged, count)
    assert min(outcomes.values()) > count // 20


def test_a_quantized_layer_is_told_to_be_one() -> None:
    from archspec.importing.arguments import read_arguments

    said: list[Refused] = []
    findings: Any = SimpleNamespace(found=[], refuse=lambda refused, *_: said.append(refused))
    config = {"units": 3, "quantization_config": {"class_name": "Int8QuantizationConfig"}}
    assert read_arguments("Dense", config, 2, "layers[0]", findings) is None
    assert "this Dense was quantized" in said[0].message
    assert said[0].hint == "take the model with the weights that it had before `quantize`"
