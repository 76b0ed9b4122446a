"""Words of other libraries lead to what a Keras user would write, not to the nearest letters."""

import io
import pickle
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from texts import refused

import archspec
from archspec import foreign
from archspec.cli import main
from archspec.errors import Refused, SpecError, UserError, did_you_mean
from archspec.layers import LAYERS
from archspec.objects import KINDS, TABLES, read
from archspec.recipe import RECIPE, given_in, recipe_of, suggest_key
from archspec.runs.folder import RunFolder


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("GELU", "write `Activation: gelu`"),
        ("gelu", "write `Activation: gelu`"),
        ("Swish", "write `Activation: silu`"),
        ("Sigmoid", "write `Activation: sigmoid`"),
        ("ReLU6", "write `ReLU: 6`"),
        ("Linear", "write `Dense: 10`, of 10 units"),
        ("Upsample", "write `UpSampling2D: 2`"),
        ("BatchNorm2d", "write `BatchNormalization`"),
        ("GlobalPool", "write `GlobalAveragePooling2D` or `GlobalMaxPooling2D`"),
        (
            "DropPath",
            "write `import: [stochastic_depth]` at the top, and `stochastic_depth: 0.1` here",
        ),
        ("LayerScale", "write `import: [layer_scale]` at the top, and `layer_scale` here"),
        ("SEBlock", "write `import: [squeeze_excite]` at the top, and `squeeze_excite` here"),
        (
            "MBConv",
            "write `import: [inverted_residual]` at the top, and `inverted_residual: 64` here",
        ),
        (
            "Bottleneck",
            "write a block under `blocks`, in small letters as `residual`, with `merge: Add` "
            "beside `branches: [[...], []]`, where `[]` is the shortcut",
        ),
        ("Conv2d", "did you mean 'Conv2D'?"),
        ("relu", "did you mean 'ReLU'?"),
    ],
)
def test_a_layer_by_another_name(word: str, hint: str) -> None:
    found = refused(f"- {word}")
    assert (found.code, found.hint) == ("unknown-layer", hint)


def test_an_own_block_misspelt_comes_before_the_words_of_others() -> None:
    found = refused("- cnov", "input: [8, 8, 4]\nblocks: {conv: {layers: [Flatten]}}")
    assert found.hint == "did you mean 'conv'?"


@pytest.mark.parametrize("hint", sorted(set(foreign.LAYERS.values())))
def test_what_a_hint_writes_is_sound(hint: str) -> None:
    """Each layer between backticks, on an input that it can take."""
    for step in re.findall(r"`([^`]+)`", hint):
        layer = step.partition(":")[0]
        if layer not in LAYERS:
            continue  # a word of the language
        more = "\n    from: {query: input, value: input}" if "Attention" in layer else ""
        shape = {"Reshape": [7, 7, 64], "Permute": [8, 64]}.get(layer, [8, 8, 64])
        archspec.loads(f"archspec: 1\ninput: {shape}\nlayers:\n  - {step}{more}\n")


@pytest.mark.parametrize("block", sorted(path.stem for path in (ROOT / "specs/blocks").iterdir()))
@pytest.mark.thorough
def test_a_shipped_block_that_is_not_imported_is_named_by_the_hint(block: str) -> None:
    shape = [8, 64] if block in ("class_token", "position_embedding") else [8, 8, 64]
    for word in (block, "".join(part.title() for part in block.split("_"))):
        hint = refused(f"- {word}").hint or ""
        imported, call = re.findall(r"`([^`]+)`", hint)
        assert imported == f"import: [{block}]"
        graph = archspec.loads(f"archspec: 1\n{imported}\ninput: {shape}\nlayers:\n  - {call}\n")
        assert not graph.warnings


@pytest.mark.parametrize("kind", foreign.OBJECTS)
def test_what_a_hint_says_of_objects_is_there(kind: str) -> None:
    for word, hint in foreign.OBJECTS[kind].items():
        assert KINDS[kind].suggest(word) == hint
        for name in re.findall(r"^write \{?([A-Z]\w+)", hint):
            assert name in TABLES[kind]


def test_train_words_of_keras_and_others_are_none_of_ours() -> None:
    assert not {word for word in RECIPE if word.replace("_", "") in foreign.TRAIN}
    assert set(foreign.PRECISIONS.values()) <= set(RECIPE["precision"].type.schema["enum"])


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("class_weight", "write data: {class_weight: balanced}"),
        ("sample_weight", "write data: {sample_weight: COLUMN}"),
        ("trainable", "write freeze: [NAME]"),
        ("init_from", "give --init-from to the command"),
        ("shuffle", "leave it out: images are shuffled anew"),
        ("validation_split", "write data: {validation: 0.1}"),
        ("lr", "it is an argument of the optimizer"),
        ("learning_rate", "it is an argument of the optimizer"),
        ("optimiser", "did you mean 'optimizer'?"),
        ("verbose", "`archspec train --quiet`"),
        ("num_epochs", "write epochs"),
        ("batchsize", "did you mean 'batch_size'?"),
        ("jit_compile", "leave it out"),
    ],
)
def test_a_word_of_fit_and_compile(word: str, hint: str) -> None:
    assert hint in (suggest_key(word) or "")
    found = refused("- Dense: 3", f"input: [8]\ntrain: {{{word}: 1}}")
    assert found.message == f"train has no word '{word}'"
    assert hint in (found.hint or "")
    with pytest.raises(Refused) as caught:  # as in a file of --recipe
        recipe_of(archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dense: 3]"), {word: 1})
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("precision: bfloat16", "write mixed_bfloat16"),
        ("precision: float16", "write mixed_float16"),
        ("precision: fp32", "write float32"),
        ("callbacks: [ModelCheckpoint]", "leave it out"),
        ("callbacks: [{LearningRateScheduler: {schedule: x}}]", "CosineDecay"),
        ("loss: crossentropy", "say which"),
        ("metrics: [f1]", "write {F1Score: {average: macro}}"),
        ("optimizer: AdmaW", "did you mean 'AdamW'?"),
    ],
)
def test_values_of_others(given: str, hint: str) -> None:
    found = refused("- Dense: 3", f"input: [8]\ntrain: {{{given}}}")
    assert hint in (found.hint or "")


def test_a_part_counts_more_than_letters_that_are_alike() -> None:
    known = ["float32", "mixed_bfloat16", "mixed_float16", "float64"]
    assert did_you_mean("bfloat16", known) == "did you mean 'mixed_bfloat16'?"
    assert did_you_mean("BatchNorm", ["BatchNormalization", "Dense"]) == (
        "did you mean 'BatchNormalization'?"
    )


def test_objects_refused_by_name_have_the_same_hint() -> None:
    with pytest.raises(Refused) as caught:
        read("callback", "ModelCheckpoint")
    assert caught.value.hint == foreign.OBJECTS["callback"]["modelcheckpoint"]
    with pytest.raises(SpecError):
        archspec.loads("archspec: 1\ninput: [8]\nlayers: [GELU]")


# --- files ---------------------------------------------------------------------------------------


def zipped(*members: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for each in members:
            archive.writestr(each, "x")
    return held.getvalue()


def packed() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return held.getvalue()


FILES: dict[str, tuple[bytes | str, str]] = {
    "model.keras": (zipped("metadata.json", "config.json"), "a Keras model (.keras)"),
    "data.npz": (zipped("x_train.npy"), "arrays of NumPy (.npz)"),
    "model.pt": (zipped("archive/data.pkl"), "a model of PyTorch"),
    "photos.zip": (zipped("a/b.jpg"), "a zip file"),
    "model.h5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    "a.npy": (b"\x93NUMPY\x01\0", "a NumPy array"),
    "old.pt": (pickle.dumps({"a": 1}), "a pickle"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch", "a model of ONNX"),
    "model.tflite": (b"\x1c\0\0\0TFL3", "a model of TensorFlow Lite"),
    "a.safetensors": (b"\x10\0\0\0\0\0\0\0" + b'{"a": 1}', "weights of safetensors"),
    "a.png": (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    "a.jpg": (b"\xff\xd8\xff\xe0", "a picture (JPEG)"),
    "a.tar": (packed(), "an archive (tar)"),
    "a.gz": (b"\x1f\x8b\x08", "a compressed file (gzip)"),
    "big.keras": (zipped("metadata.json") + bytes(3 * 2**20), "a Keras model (.keras)"),
    "yolo.cfg": ("# YOLO\n[net]\nbatch=1\n", "a network of Darknet"),
    "lenet.prototxt": ('name: "LeNet"\nlayer {\n  name: "data"\n}\n', "a network of Caffe"),
    "net.py": ("import keras\nmodel = keras.Sequential()\n", "a Python program"),
    "a.dot": ("digraph G {\n a -> b;\n}\n", "a drawing for Graphviz"),
    "a.svg": ("<?xml version='1.0'?><svg/>", "an XML or HTML file"),
    "yolov8.yaml": ("nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead: []\n", "Ultralytics"),
    "coco8.yaml": ("path: coco8\ntrain: images\nval: images\nnames: {0: a}\n", "Ultralytics"),
    "ludwig.yaml": ("input_features:\n  - {name: a, type: image}\n", "a model of Ludwig"),
    "keras.json": ('{"class_name": "Sequential", "config": {}}', "a Keras model as JSON"),
    "a.ipynb": ('{"cells": [], "nbformat": 4}', "a Jupyter notebook"),
    "compose.yaml": ("services:\n  web: {image: nginx}\n", "a file of Docker Compose"),
    "ci.yml": ("name: CI\non: [push]\njobs: {a: {steps: []}}\n", "a workflow of GitHub Actions"),
    "narchi.json": ('{"blocks": [], "inputs": [], "outputs": [], "graph": []}', "narchi"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_tool_is_known_for_what_it_is(name: str, tmp_path: Path) -> None:
    content, what = FILES[name]
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for words in (
        ["check"],
        ["show"],
        ["draw", "-o", str(tmp_path / "x.svg")],
        ["build"],
        ["train"],
    ):
        done = CliRunner().invoke(main, [words[0], str(path), *words[1:]])
        said = done.output + str(done.exception)
        assert what in said
        assert ", not a spec" in said
        assert done.exit_code == 1
        assert "Traceback" not in said


def test_a_spec_is_none_of_them_whatever_else_it_has() -> None:
    graph = archspec.loads("# [net]\narchspec: 1\nname: services\ninput: [8]\nlayers: [Dense: 3]")
    assert graph.name == "services"
    found = refused("- Dense: 3", "input: [8]\nservices: 3")
    assert found.code == "unknown-word"


# --- runs ----------------------------------------------------------------------------------------


def test_a_run_where_a_spec_is_wanted_and_the_reverse(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a-1"
    run.mkdir(parents=True)
    text = "archspec: 1\ninput: [8]\nlayers: [Dense: 3]\n"
    (run / "resolved.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="the folder of a run, not a spec") as caught:
        archspec.find(run)
    assert str(run / "spec.yaml") in (caught.value.hint or "")
    for path, hint in (
        (run / "resolved.yaml", f"give its folder: {run}"),
        (tmp_path / "runs", f"it holds runs: give one, as {run}"),
        (run.parent.parent, "it has no resolved.yaml"),
    ):
        with pytest.raises(UserError, match="not the folder of a run") as caught:
            RunFolder.open(path)
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("archspec: 1\ninput: [8]\nlayers: [Dense: 3]\n", "this is a whole spec, not a recipe"),
        ("train: {epochs: 3}\n", "a recipe is what stands under `train:`"),
        ("- epochs: 3\n", "a recipe is a mapping"),
        ("services: {}\n", "this is a file of Docker Compose, not a recipe"),
    ],
)
def test_another_file_where_a_recipe_is_wanted(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        given_in(path)


# --- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "lenet5", "--precision", "bfloat16"], "write mixed_bfloat16"),
        (["check", "lenet5", "--set", "epochs=3"], "the recipe's epochs is set by train.epochs"),
        (["check", "lenet5", "--set", "description=x"], "write `description` in the file"),
        (["check", "  "], "the name of a spec is empty"),
    ],
)
def test_a_command_of_others_is_told_ours(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert said in done.output + str(done.exception)
