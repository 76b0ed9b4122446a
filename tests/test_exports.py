"""Models in the formats of other programs, compared with Keras in the program that runs them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import command

import archspec
from archspec.errors import UserError
from archspec.exporting import FORMATS, export, find_format
from archspec.exporting import formats as module
from archspec.exporting.comparison import make_inputs, measure_difference

pytestmark = pytest.mark.keras
export_only = pytest.mark.export

TWO = """\
archspec: 1
name: two
inputs: {image: [8, 8, 1], body: [3]}
outputs: [age, kind]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, activation: gelu}
    from: image
  - BatchNormalization
  - Activation: celu
  - Flatten:
    name: flat
  - Concatenate:
    from: [flat, body]
    name: trunk
  - {Dense: {units: 3, activation: softmax}, from: trunk, name: kind}
  - {Dense: 1, from: trunk, name: age}
"""
WORDS = """\
archspec: 1
name: words
inputs: {words: {shape: [null], dtype: int32}}
layers:
  - Embedding: {input_dim: 50, output_dim: 8}
    name: e
  - MultiHeadAttention: {num_heads: 2, key_dim: 4}
    from: {query: e, value: e}
  - LayerNormalization
  - GlobalAveragePooling1D
  - Dense: 3
"""
GROUPED = """\
archspec: 1
name: grouped
input: [8, 8, 3]
layers:
  - name: stem
    layers:
      - Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: silu}
      - GroupNormalization: {groups: 2}
  - UpSampling2D: {size: 2, interpolation: bilinear}
  - name: head
    layers:
      - Conv2DTranspose: {filters: 2, kernel_size: 2, strides: 2}
"""
AUGMENTED = """\
archspec: 1
name: augmented
input: [8, 8, 3]
layers:
  - RandomFlip: horizontal
  - RandomBrightness: 0.5
  - Normalization: {mean: [0.4, 0.5, 0.6], variance: [0.1, 0.2, 0.3]}
  - Conv2D: {filters: 2, kernel_size: 3}
  - Flatten
  - Dense: 3
"""
SPECS = {"two": TWO, "words": WORDS, "grouped": GROUPED, "augmented": AUGMENTED}
COMPARED = [end for end, form in FORMATS.items() if form.packages]


def write(text: str, path: str) -> float | None:
    graph = archspec.loads(text)
    return export(archspec.to_keras(graph), graph, path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.onnx", "an ONNX model"),
        ("A.TFLITE", "a LiteRT model"),
        ("a.weights.h5", "the weights alone"),
        ("a.json", "the architecture as Keras writes it"),
        ("build/", "a TensorFlow SavedModel"),
    ],
)
def test_the_end_of_a_path_names_a_format(path, words):
    form = find_format(path)
    assert form is not None
    assert form.words == words


@pytest.mark.parametrize("path", ["a.keras", "a.h5", "a.py", "a", "onnx"])
def test_another_end_names_none(path):
    assert find_format(path) is None


def test_the_weights_are_those_of_the_model(tmp_path):
    graph = archspec.loads(TWO)
    model, other = archspec.to_keras(graph), archspec.to_keras(graph, seed=1)
    assert export(model, graph, str(tmp_path / "two.weights.h5")) is None
    other.load_weights(tmp_path / "two.weights.h5")
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(one, two)


def test_the_architecture_is_read_by_keras(tmp_path):
    import keras

    write(TWO, str(tmp_path / "two.json"))
    model = keras.models.model_from_json((tmp_path / "two.json").read_text())
    assert [each.name for each in model.layers] == [
        each.name for each in archspec.to_keras(archspec.loads(TWO)).layers
    ]
    assert json.loads((tmp_path / "two.json").read_text())["class_name"] == "Functional"


@pytest.mark.parametrize("name", SPECS)
def test_a_folder_does_what_keras_does(name, tmp_path):
    (tmp_path / name).mkdir()  # an empty one may be there
    difference = write(SPECS[name], f"{tmp_path}/{name}/")
    assert difference is not None
    assert difference < 1e-5
    assert (tmp_path / name / "saved_model.pb").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@export_only
@pytest.mark.parametrize("end", [".onnx", ".tflite"])
@pytest.mark.parametrize("name", [*SPECS, "lenet5", "inception10", "googlenet"])
def test_another_program_computes_the_same(name, end, tmp_path):
    graph = archspec.loads(SPECS[name]) if name in SPECS else archspec.load(name)
    difference = export(archspec.to_keras(graph), graph, f"{tmp_path}/net{end}")
    assert difference is not None
    assert 0 < difference < 1e-5


@export_only
def test_the_outputs_of_an_onnx_model_have_their_names_in_order(tmp_path):
    import onnxruntime

    for name in ("two", "grouped"):
        write(SPECS[name], f"{tmp_path}/{name}.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "two.onnx"))
    assert [(each.name, each.shape[1:]) for each in session.get_outputs()] == [
        ("age", [1]),
        ("kind", [3]),
    ]
    session = onnxruntime.InferenceSession(str(tmp_path / "grouped.onnx"))
    assert [each.name for each in session.get_outputs()] == ["head-conv2d_transpose"]


@export_only
def test_an_operation_that_onnx_lacks_is_refused(tmp_path, monkeypatch):
    from archspec.exporting import onnx_model

    monkeypatch.setattr(onnx_model, "_translate", lambda graph: None)
    with pytest.raises(UserError) as caught:
        write(TWO, str(tmp_path / "two.onnx"))
    assert "ONNX has no operation Erfc" in str(caught.value)
    assert not list(tmp_path.iterdir())


@export_only
def test_a_file_that_computes_something_else_is_reported(tmp_path, monkeypatch):
    from archspec.exporting import onnx_model

    run = onnx_model.run
    monkeypatch.setattr(onnx_model, "run", lambda *given: [each + 0.5 for each in run(*given)])
    with pytest.raises(UserError) as caught:
        write(TWO, str(tmp_path / "two.onnx"))
    assert "differ from Keras's by up to 0.5" in str(caught.value)
    assert (tmp_path / "two.onnx").exists()


@pytest.mark.parametrize("end", COMPARED)
def test_what_a_format_needs_is_named(end, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        write(TWO, f"{tmp_path}/net{end}")
    assert "needs what is not installed: tensorflow" in str(caught.value)
    extras = ",".join(dict.fromkeys(["tensorflow", FORMATS[end].extra]))
    assert f"pip install 'archspec-keras[{extras}]'" in str(caught.value)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "net.json").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("mine")
    for path, said in ((f"{tmp_path}/net.json", "the file exists"), (f"{tmp_path}/full/", "empty")):
        with pytest.raises(UserError) as caught:
            write(TWO, path)
        assert said in str(caught.value)
    assert (tmp_path / "net.json").read_text() == (tmp_path / "full" / "a").read_text() == "mine"


def test_what_keras_cannot_write_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    from archspec.exporting import saved_model

    def fail(model, graph, path: Path) -> None:
        path.mkdir()
        raise RuntimeError("no such \x1b[1mop")

    monkeypatch.setattr(saved_model, "write", fail)
    with pytest.raises(UserError) as caught:
        write(TWO, f"{tmp_path}/net/")
    assert "cannot be written: no such op" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_another_backend_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(UserError) as caught:
        write(TWO, f"{tmp_path}/net/")
    assert "is written on TensorFlow, and Keras runs on jax" in str(caught.value)


def test_words_are_those_that_an_embedding_has():
    (words,) = make_inputs(archspec.loads(WORDS))
    assert words.dtype == np.int32
    assert words.shape == (2, 64)
    assert 0 <= words.min() <= words.max() < 50


def test_other_shapes_and_values_are_no_numbers_that_pass():
    one = np.zeros((2, 3), np.float32)
    assert measure_difference("net", one, [one]) == 0
    for other in (np.zeros((2, 4)), one + 1e-3, one + np.nan):
        with pytest.raises(UserError):
            measure_difference("net", one, [other])


def test_the_packages_of_the_extras_are_the_ones_that_are_asked_for():
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    for form in FORMATS.values():
        assert not form.extra or f"\n{form.extra} = [" in text
    assert find_spec("tensorflow") is not None


def test_the_command_writes_what_the_end_of_its_path_names(tmp_path):
    (tmp_path / "two.yaml").write_text(TWO)
    for end, said in ((".json", "parameters"), ("/", "max difference")):
        done = command(tmp_path, "build", "two.yaml", "-o", f"net{end}")
        assert done.returncode == 0, done.stderr
        assert f"wrote net{end}, {FORMATS[end].words}: " in done.stdout
        assert said in done.stdout
    done = command(tmp_path, "build", "two.yaml", "-o", "net/")
    assert (done.returncode, done.stderr.partition("\n")[0]) == (
        1,
        "error: net/: the folder is not empty",
    )


def test_options_that_a_format_has_no_use_for_are_wrong_usage(tmp_path):
    for words in (("-o", "net.json", "--flat"), ("-o", "net.keras", "--no-verify")):
        assert command(tmp_path, "build", "lenet5", *words).returncode == 2


def test_the_function_writes_them_too(tmp_path):
    (tmp_path / "two.yaml").write_text(TWO)
    model = archspec.build(tmp_path / "two.yaml", f"{tmp_path}/net/", verify=False)
    assert (tmp_path / "net" / "saved_model.pb").exists()
    assert model.name == "two"
