"""Weights that were trained before: read from runs, files and models, given to a network, trained
on with and without frozen layers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from shrinking import ALL, slow_but_first
from test_resume import benchmark, resume
from test_save_every import list_states, stop_within

import archspec
from archspec import cli
from archspec.errors import UserError
from archspec.importing.weights import list_named
from archspec.weights.planning import plan_weights

pytestmark = pytest.mark.keras

NET = """\
archspec: 1
name: net
input: [8, 8, {channels}]
params: {{width: 4, classes: 10}}
layers:
  - name: base
    layers: [Conv2D: {{filters: =width, kernel_size: 3}}, {norm}, ReLU, Dropout: 0.2]
  - GlobalAveragePooling2D
  - {{name: head, Dense: {{units: =classes, activation: softmax}}}}
train:
  data: digits
  epochs: 4
  optimizer: {{Adam: {{learning_rate: 0.01, use_ema: true}}}}
"""


def text_of(recipe: str = "", channels: int = 1, norm: str = "BatchNormalization") -> str:
    return NET.format(channels=channels, norm=norm) + recipe


def net(recipe: str = "", channels: int = 1, norm: str = "BatchNormalization", **params):
    return archspec.loads(text_of(recipe, channels, norm), **params)


def said_by(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli.main, list(map(str, words)), catch_exceptions=False)
    return result.exit_code, result.output


def train(graph, folder: Path, **options):
    options = {"limit": 300, "quiet": True, "echo": lambda said: None, **options}
    return archspec.train(graph, run_dir=folder, **options)


def values(model, layer: str) -> list[np.ndarray]:
    return model.get_layer(layer).get_weights()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of one epoch."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(net(), folder, epochs=1)
    return folder


@pytest.fixture
def model(trained):
    import keras

    return keras.models.load_model(trained / "best.keras")


def assert_same(a, b) -> None:
    assert len(a.get_weights()) == len(b.get_weights()) > 0
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


# --- where weights come from ---------------------------------------------------------------------


def test_a_run_gives_its_best_weights(trained, model) -> None:
    assert_same(archspec.build(net(), init_from=trained, echo=lambda said: None), model)


def test_a_file_of_keras_gives_its_weights(trained, model, tmp_path) -> None:
    model.save(tmp_path / "x.keras")
    said: list[str] = []
    assert_same(archspec.build(net(), init_from=tmp_path / "x.keras", echo=said.append), model)
    assert "106 of 106 parameters (100.00%) copied" in said[0]


def test_a_file_of_weights_alone_must_be_of_the_spec(model, tmp_path) -> None:
    path = tmp_path / "x.weights.h5"
    model.save_weights(path)
    assert_same(archspec.build(net(), init_from=path, echo=str), model)
    wide = net(width=6)
    with pytest.raises(UserError, match=r"has the shape .* in place of") as caught:
        archspec.build(wide, init_from=path, echo=str)
    assert "--init-spec" in str(caught.value.hint)
    built = archspec.build(wide, init_from=path, init_spec=net(), init_partial=["slice"], echo=str)
    np.testing.assert_array_equal(
        values(built, "base-conv2d")[0][..., :4], values(model, "base-conv2d")[0]
    )
    fewer = archspec.loads(text_of().replace("BatchNormalization, ", ""))
    with pytest.raises(UserError, match="it has 8 of them in place of 4"):
        archspec.build(fewer, init_from=path, echo=str)


def test_a_model_of_keras_applications_gives_its_weights(monkeypatch) -> None:
    """Here with random ones, since nothing can be downloaded."""
    import keras

    make = keras.applications.MobileNetV2
    known = make(weights=None, classes=7, input_shape=(32, 32, 3), alpha=0.35)
    monkeypatch.setattr(keras.applications, "MobileNetV2", lambda: known)
    graph = archspec.from_keras(known).graph
    built = archspec.build(graph, init_from="keras.applications.MobileNetV2", echo=str)
    assert_same(built, known)


@pytest.mark.slow
def test_a_model_of_keras_applications_is_fine_tuned(tmp_path, monkeypatch) -> None:
    """At first with a frozen base, then as a whole; its weights are random ones here."""
    import keras
    from PIL import Image

    random = np.random.default_rng(0)
    for at, name in enumerate(["red", "green", "blue"]):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 120, (30, 40, 3), "uint8")
            pixels[..., at] += 120
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    known = keras.applications.MobileNetV2(weights=None)
    monkeypatch.setattr(keras.applications, "MobileNetV2", lambda: known)
    graph = archspec.load(ROOT / "examples" / "fine_tuning" / "photos.yaml", classes=3)
    given = {"data": str(tmp_path / "photos"), "quiet": True, "batch_size": 16}
    said: list[str] = []
    source = "keras.applications.MobileNetV2"
    run = archspec.train(
        graph, init_from=source, epochs=3, run_dir=tmp_path / "a", echo=said.append, **given
    )
    assert "2,257,984 of 2,261,827 parameters (99.83%) copied" in "".join(said)
    base = [each.tobytes() for each in known.get_weights()[:-2]]
    assert [each.tobytes() for each in run.model.get_weights()[:-2]] == base
    more = archspec.resume(run.folder, epochs=4, run_dir=tmp_path / "b", quiet=True, echo=str)
    with np.load(more.folder / "last" / "0004.npz") as state:
        learnt = {state[name].tobytes() for name in state.files}
    assert len(set(base) - learnt) > 50  # every kernel, at least
    assert [row["learning_rate"] for row in more.history] == pytest.approx([1e-3] * 3 + [1e-5])


def test_what_keras_cannot_download_is_said(monkeypatch) -> None:
    import keras

    def fail():
        raise OSError("URL fetch failure\nand more")

    monkeypatch.setattr(keras.applications, "MobileNetV2", fail)
    with pytest.raises(
        UserError, match="its weights cannot be loaded: URL fetch failure"
    ) as caught:
        archspec.build("mobilenet_v2", init_from="keras.applications.MobileNetV2", echo=str)
    assert "downloads them" in str(caught.value.hint)
    with pytest.raises(UserError, match="no model 'MobileNet2'"):
        archspec.build("mobilenet_v2", init_from="keras.applications.MobileNet2", echo=str)


def test_models_within_models_and_attention_are_read(tmp_path) -> None:
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((4, 6)), layers.Dense(6), layers.Dense(6)], name="inner")
    x = keras.Input((4, 6))
    y = inner(layers.Dense(6)(x)) + x  # an operation, which has no weights
    y = layers.MultiHeadAttention(2, 3)(y, y)
    y = layers.GroupQueryAttention(3, 2, 1)(y, y)
    made = keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.BatchNormalization()(y))))
    for variable in made.weights:
        variable.assign(np.random.default_rng(0).random(variable.shape))
    made.save(tmp_path / "x.keras")
    graph = archspec.from_keras(tmp_path / "x.keras").graph
    built = archspec.build(graph, init_from=tmp_path / "x.keras", echo=str)
    sample = np.random.default_rng(1).random((3, 4, 6), dtype="float32")
    np.testing.assert_allclose(built(sample), made(sample), rtol=1e-6)


TWINS = """\
archspec: 1
name: twins
input: [8, 8, 2]
layers:
  - {name: stem, Conv2D: {filters: 3, kernel_size: 1}}
  - {name: p, Conv2D: {filters: 4, kernel_size: 3}}
  - {name: q, from: stem, Conv2D: {filters: 4, kernel_size: 3}}
  - name: group
    layers: [{name: r, from: stem, Conv2D: {filters: 4, kernel_size: 3}}]
  - {name: cat, from: [p, q, group], Concatenate: }
"""


@pytest.mark.parametrize("edit", ["set: {activation: relu}", "set: {use_bias: false}"])
def test_layers_that_are_alike_are_told_by_their_names(edit, tmp_path) -> None:
    """In a file of Keras, too, which has no groups."""
    made = archspec.build(archspec.loads(TWINS), tmp_path / "x.keras")
    made.save_weights(tmp_path / "x.weights.h5")
    variant = archspec.loads(TWINS, edits=[f"at: p, {edit}"])
    for name in ("x.keras", "x.weights.h5"):
        spec = archspec.loads(TWINS) if name.endswith("h5") else None
        built = archspec.build(variant, init_from=tmp_path / name, init_spec=spec, echo=str)
        for layer in ("p", "q", "group-r"):
            np.testing.assert_array_equal(values(built, layer)[0], values(made, layer)[0])


def test_a_file_of_weights_with_other_names_is_read_by_its_numbers(tmp_path) -> None:
    """And by its names where these are all there, in whatever order."""
    first = "archspec: 1\ninput: [6]\nlayers:\n  - {name: a, Dense: 6}\n  - {name: b, Dense: 6}\n"
    made = archspec.build(archspec.loads(first))
    made.save_weights(tmp_path / "x.weights.h5")
    for names, found in (("cd", "ab"), ("ba", "ba")):
        text = first.replace("name: a", "name: 0").replace("name: b", f"name: {names[1]}")
        graph = archspec.loads(text.replace("name: 0", f"name: {names[0]}"))
        built = archspec.build(graph, init_from=tmp_path / "x.weights.h5", echo=str)
        for name, old in zip(names, found, strict=True):
            np.testing.assert_array_equal(values(built, name)[0], values(made, old)[0])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere", "there is no such file"),
        ("net.pt", "weights are not read from such a file"),
        ("folder", "is not the folder of a run"),
        ("bad.keras", "bad.keras"),
        ("bad.weights.h5", "its weights cannot be read"),
    ],
)
def test_what_has_no_weights_is_said(given, said, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("net.pt", "bad.keras", "bad.weights.h5"):
        (tmp_path / name).write_bytes(b"no weights" * 100)
    with pytest.raises(archspec.ArchspecError, match=said):
        archspec.build(net(), init_from=tmp_path / given, echo=str)


def test_a_spec_is_for_weights_without_names_alone(trained) -> None:
    with pytest.raises(UserError, match="says by itself"):
        archspec.build(net(), init_from=trained, init_spec=net(), echo=str)
    with pytest.raises(UserError, match="init_spec is for the weights of init_from"):
        archspec.build(net(), init_spec=net(), echo=str)
    with pytest.raises(UserError, match="init_partial must be slice, mean or classes"):
        archspec.build(net(), init_from=trained, init_partial=["all"], echo=str)


def test_weights_of_which_none_fits_are_refused(trained) -> None:
    other = archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dense: 3, Dense: 4]")
    with pytest.raises(UserError, match=r"no weight of .* fits model\n"):
        archspec.build(other, init_from=trained, echo=str)
    head = "archspec: 1\ninput: [8]\nlayers: [Dense: 3, {Dense: 10, name: head}]"
    with pytest.raises(UserError, match=r"fits model, but for 1 without a kernel"):
        archspec.build(archspec.loads(head), init_from=trained, echo=str)


# --- files of strangers --------------------------------------------------------------------------


def put(weights: h5py.File, place: str, kind: str, folder: Path) -> None:
    """Put something else in the place of an array."""
    shape = weights[place].shape
    del weights[place]
    full = np.ones(shape, "float32")
    if kind == "soft link":
        weights[place] = h5py.SoftLink("/layers/dense/vars/0")
    elif kind == "external link":
        with h5py.File(folder / "other.h5", "w") as other:
            other["x"] = full
        weights[place] = h5py.ExternalLink(str(folder / "other.h5"), "x")
    elif kind == "external storage":
        (folder / "raw").write_bytes(full.tobytes())
        weights.create_dataset(place, shape, "f4", external=[(str(folder / "raw"), 0, full.nbytes)])
    elif kind == "virtual":
        with h5py.File(folder / "other.h5", "w") as other:
            other["x"] = full
        layout = h5py.VirtualLayout(shape, "f4")
        layout[...] = h5py.VirtualSource(str(folder / "other.h5"), "x", shape)
        weights.create_virtual_dataset(place, layout)
    elif kind == "group":
        weights.create_group(place)
    elif kind == "integers":
        weights[place] = full.astype("int32")
    elif kind == "another shape":
        weights[place] = np.ones((1, *shape), "float32")
    elif kind == "another filter":
        weights.create_dataset(place, data=full, compression="lzf")
    elif kind == "a large chunk":
        weights.create_dataset(
            place, shape, "f4", chunks=(2**20, *shape[1:]), maxshape=(None, *shape[1:])
        )
    elif kind == "a bomb":
        weights.create_dataset(place, shape, "f4", chunks=True, compression="gzip")
    elif kind == "not finite":
        full.flat[0] = np.nan
        weights[place] = full
    elif kind == "too large":
        weights[place] = full.astype("float64") * 1e300
    elif kind == "bfloat16":
        weights.create_dataset(place, shape, np.dtype("V2"))
    elif kind == "gzip":
        weights.create_dataset(place, data=full, compression="gzip", shuffle=True)


@pytest.mark.parametrize(
    "kind",
    [
        *("missing", "soft link", "external link", "external storage", "virtual", "group"),
        *("integers", "another shape", "another filter", "a large chunk", "not finite", "gzip"),
        *("too large", "bfloat16", "a bomb"),
    ],
)
def test_of_a_file_only_plain_arrays_are_read(kind, trained, tmp_path, monkeypatch) -> None:
    if kind == "a bomb":
        monkeypatch.setattr("archspec.importing.weights.FREE", 100)
    with zipfile.ZipFile(trained / "best.keras") as archive:
        archive.extractall(tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as weights:
        put(weights, "layers/conv2d/vars/0", kind, tmp_path)
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.write(tmp_path / name, name)
    if kind == "gzip":
        built = archspec.build(net(), init_from=tmp_path / "x.keras", echo=str)
        assert set(values(built, "base-conv2d")[0].flat) == {1.0}
        return
    with pytest.raises(UserError, match=r"x\.keras: the kernel of conv2d|x\.keras: the kernel of"):
        archspec.build(net(), init_from=tmp_path / "x.keras", echo=str)


def test_a_file_of_weights_alone_says_what_is_not_read_of_it(model, tmp_path) -> None:
    """Another spec, as for a shape that does not fit, would not help."""
    model.save_weights(tmp_path / "x.weights.h5")
    with h5py.File(tmp_path / "x.weights.h5", "r+") as weights:
        put(weights, "layers/conv2d/vars/0", "bfloat16", tmp_path)
    with pytest.raises(UserError, match="is stored as bfloat16") as caught:
        archspec.build(net(), init_from=tmp_path / "x.weights.h5", echo=str)
    assert caught.value.hint is None


def test_no_name_is_read_of_another_file(model, tmp_path) -> None:
    model.save_weights(tmp_path / "x.weights.h5")
    model.save_weights(tmp_path / "other.weights.h5")
    with h5py.File(tmp_path / "x.weights.h5", "r+") as weights:
        del weights["layers/dense"]
        place = str(tmp_path / "other.weights.h5")
        weights["layers/dense"] = h5py.ExternalLink(place, "layers/dense")
        assert "head" not in list_named(weights)
        assert weights["layers/dense/vars"].attrs["name"] == "head"  # which HDF5 itself reads
    with pytest.raises(UserError, match="is a link in the file"):
        archspec.build(net(), init_from=tmp_path / "x.weights.h5", echo=str)


# --- what becomes of them ------------------------------------------------------------------------


def test_a_slice_keeps_the_rest_as_it_is_initialised(trained, model) -> None:
    wide = net(width=6)
    built = archspec.build(wide, init_from=trained, init_partial=["slice"], seed=3, echo=str)
    fresh = archspec.build(wide, seed=3)
    for layer in ("base-conv2d", "base-batch_normalization", "head"):
        for found, old, new in zip(
            values(built, layer), values(model, layer), values(fresh, layer), strict=True
        ):
            both = tuple(slice(0, min(pair)) for pair in zip(old.shape, new.shape, strict=True))
            np.testing.assert_array_equal(found[both], old[both])
            rest = np.ones(found.shape, bool)
            rest[both] = False
            np.testing.assert_array_equal(found[rest], new[rest])


def test_the_mean_over_channels_sums_to_the_same(trained, model) -> None:
    colour = net(channels=3)
    built = archspec.build(colour, init_from=trained, init_partial=["mean"], echo=str)
    found, old = values(built, "base-conv2d")[0], values(model, "base-conv2d")[0]
    assert found.shape == (3, 3, 3, 4)
    np.testing.assert_allclose(found.sum(axis=2), old.sum(axis=2), rtol=1e-6)
    grey = np.random.default_rng(0).random((2, 8, 8, 1), dtype="float32")
    np.testing.assert_allclose(built(np.repeat(grey, 3, -1)), model(grey), rtol=1e-4)


def test_a_transposed_convolution_has_its_axes_the_other_way_round() -> None:
    text = "archspec: 1\ninput: [4, 4, {}]\nlayers:\n"
    text += "  - Conv2DTranspose: {{filters: {}, kernel_size: 2}}\n  - Flatten\n  - Dense: 2\n"
    from archspec.weights.assigning import _fit

    old = archspec.build(archspec.loads(text.format(3, 3)))
    for channels, filters in ((1, 3), (3, 1)):
        graph = archspec.loads(text.format(channels, filters))
        plan = plan_weights(archspec.loads(text.format(3, 3)), graph, ["mean"])
        (kernel,) = [each for each in plan.parts if each.shape == (2, 2, filters, channels)]
        assert kernel.how == ("averaged" if channels == 1 else "new")
        if channels == 1:
            found = _fit(kernel, values(old, "conv2d_transpose")[0], None)
            kernels = values(old, "conv2d_transpose")[0]
            np.testing.assert_allclose(found.sum(axis=3), kernels.sum(axis=3), rtol=1e-6)


def test_another_normalization_takes_scale_and_shift(trained, model) -> None:
    graph = net(norm="{GroupNormalization: {groups: 2}}")
    built = archspec.build(graph, init_from=trained, echo=str)
    for found, old in zip(
        values(built, "base-group_normalization"),
        values(model, "base-batch_normalization")[:2],
        strict=True,
    ):
        np.testing.assert_array_equal(found, old)


def test_the_command_says_what_becomes_of_each_weight(trained, tmp_path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(text_of())
    words = ["build", spec, "--set", "classes=3", "--init-from", trained]
    status, said = said_by(*words, "-o", tmp_path / "x.keras")
    assert status == 0, said
    assert "3 classes in place of 10" in said
    assert "56 of 71 parameters (78.87%) copied, 0 sliced, 0 averaged, 15 new, 50 unused" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--resume", "RUN", "--init-from", "RUN"], "--init-from belongs to the run"),
        (["train", "SPEC", "--init-from", "RUN", "--init-from", "RUN"], "is given 2 times"),
        (["train", "SPEC", "--init-partial", "slice"], "--init-from names them"),
        (["build", "SPEC", "--init-from", "RUN", "-o", "x.json"], "is for weights"),
        (["build", "SPEC", "--init-from", "RUN", "-o", "x.py"], "has no weights"),
        (["build", "SPEC", "--init-from", "RUN", "-o", "x.yaml"], "has no weights"),
    ],
)
def test_wrong_use_is_refused(words, said, trained, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(text_of())
    places = {"RUN": trained, "SPEC": "net.yaml"}
    status, printed = said_by(*(places.get(word, word) for word in words))
    assert status == 2
    assert said in printed


# --- a training that begins with them ------------------------------------------------------------


def test_a_run_remembers_what_it_began_with(trained, tmp_path) -> None:
    said: list[str] = []
    run = train(net(), tmp_path / "run", init_from=trained, epochs=1, echo=said.append)
    assert "106 of 106 parameters (100.00%) copied" in "".join(said)
    facts = json.loads((run.folder / "run.json").read_text())["init"]
    assert facts["from"] == str(trained)
    assert len(facts["sha256"]) == 64
    assert facts["parameters"]["copied"] == 106
    data = json.loads((run.folder / "init.json").read_text())
    assert [each["how"] for each in data["weights"]] == ["copied"] * 8
    assert list_states(run.folder) == ["0001.npz"]


def test_a_run_remembers_what_was_given_beside_the_spec(tmp_path) -> None:
    edits = ["at: head, set: {use_bias: false}"]
    run = train(archspec.loads(text_of(), edits=edits, width=5), tmp_path / "run", epochs=1)
    given = json.loads((run.folder / "run.json").read_text())["given"]
    assert given == ["width=5", "--edit 'at: head, set: {use_bias: false}'"]
    again = archspec.resume(run.folder, epochs=2, run_dir=tmp_path / "longer", quiet=True, echo=str)
    assert json.loads((again.folder / "run.json").read_text())["given"] == given


def test_weights_that_cannot_be_taken_leave_no_folder(trained, tmp_path) -> None:
    with zipfile.ZipFile(trained / "best.keras") as archive:
        archive.extractall(tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as weights:
        put(weights, "layers/conv2d/vars/0", "not finite", tmp_path)
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.write(tmp_path / name, name)
    with pytest.raises(UserError, match="not finite"):
        train(net(), tmp_path / "run", init_from=tmp_path / "x.keras")
    assert not (tmp_path / "run").exists()


def test_the_recipe_that_is_trained_is_warned_of(tmp_path, monkeypatch) -> None:
    text = text_of("  freeze: base\n  unfreeze: {epoch: 5, learning_rate: 0.1}\n")
    (tmp_path / "net.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("archspec.cli.train.train_spec", lambda *_, **__: Done())
    for words, is_warned in (((), True), (("--epochs", "8"), False)):
        assert ("epoch 5 is after" in said_by("train", "net.yaml", *words)[1]) is is_warned


class Done:
    interrupted = False


def test_it_learns_from_there(trained, tmp_path) -> None:
    """The first loss is what the weights that it began with have, not that of new ones."""
    longer = train(net(), tmp_path / "longer", epochs=20)
    run = train(net(), tmp_path / "run", init_from=longer, epochs=1)
    assert run.history[0]["loss"] < longer.history[0]["loss"] - 0.3


@pytest.mark.parametrize("epochs", slow_but_first([0, 2]))
def test_it_goes_on_without_reading_them_again(epochs, trained, tmp_path, monkeypatch) -> None:
    source = Path(shutil.copytree(trained, tmp_path / "source"))
    train(net(), tmp_path / "whole", init_from=source)
    from archspec.training import fitting, recorder

    def stop(*arguments) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        if epochs:
            stop_within(patch, epochs, 0)
        else:  # after the state that it begins with, before the first epoch
            write = recorder.write_state
            patch.setattr(recorder, "write_state", lambda *given: (write(*given), stop()))
        assert train(net(), tmp_path / "run", init_from=source).interrupted
    shutil.rmtree(source)
    said: list[str] = []
    monkeypatch.setattr(fitting, "assign", None)  # nothing is given again
    resume(tmp_path / "run", said)
    assert benchmark().differences(tmp_path / "whole", tmp_path / "run") == []
    if not epochs:
        assert "resuming before the first epoch" in said


def test_a_run_that_never_had_them_is_not_begun_without(trained, tmp_path) -> None:
    run = train(net(), tmp_path / "run", init_from=trained, epochs=1).folder
    shutil.rmtree(run / "last")
    (run / "best.keras").unlink()
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | {"status": "running"}))
    with pytest.raises(UserError, match="stopped before it had the weights") as caught:
        resume(run)
    assert f"--init-from {trained}" in str(caught.value.hint)


# --- frozen layers -------------------------------------------------------------------------------

FROZEN = "  freeze: base\n"
UNFROZEN = FROZEN + "  unfreeze: {epoch: 3, learning_rate: 0.003}\n"


def test_frozen_weights_keep_their_bytes(trained, model, tmp_path) -> None:
    said: list[str] = []
    run = train(net(FROZEN), tmp_path / "run", init_from=trained, epochs=2, echo=said.append)
    for layer in ("base-conv2d", "base-batch_normalization"):
        for found, old in zip(values(run.model, layer), values(model, layer), strict=True):
            assert found.tobytes() == old.tobytes()
    assert (values(run.model, "head")[0] != values(model, "head")[0]).any()
    assert "50 of 98 parameters are trained; frozen: base.conv2d, base.batch_normalization" in said


def test_frozen_layers_learn_from_the_epoch_on(tmp_path, monkeypatch) -> None:
    from archspec.training.recorder import Recorder

    means: list[bytes] = []
    kernels: list[bytes] = []
    end = Recorder.on_epoch_end

    def watch(self, epoch, logs=None) -> None:
        means.append(values(self.model, "base-batch_normalization")[2].tobytes())
        kernels.append(values(self.model, "base-conv2d")[0].tobytes())
        end(self, epoch, logs)

    monkeypatch.setattr(Recorder, "on_epoch_end", watch)
    metric = "  metrics: [{MeanIoU: {num_classes: 10, sparse_y_pred: false}}]\n"  # without a name
    run = train(net(UNFROZEN + metric), tmp_path / "run")
    assert all(row.keys() == run.history[0].keys() for row in run.history)
    assert "mean_io_u" in run.history[0]
    for each in (means, kernels):
        assert each[0] == each[1]
        assert len({*each[1:]}) == 3
    rates = [row["learning_rate"] for row in run.history]
    assert rates == [0.01, 0.01, 0.003, 0.003]


@pytest.mark.parametrize("epochs", [1, 2, 3])
@pytest.mark.slow
def test_a_run_that_unfreezes_goes_on_in_either_part(epochs, tmp_path) -> None:
    train(net(UNFROZEN), tmp_path / "whole")
    train(net(UNFROZEN), tmp_path / "run", epochs=epochs)
    resume(tmp_path / "run", epochs=4, run_dir=tmp_path / "longer")
    assert benchmark().differences(tmp_path / "whole", tmp_path / "longer") == []


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [0, 1, 2, 3] if ALL else [1, 3])
def test_it_goes_on_within_an_epoch_of_either_part(epochs, tmp_path, monkeypatch) -> None:
    recipe = UNFROZEN + "  save_every: {steps: 3}\n"
    train(net(recipe), tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_within(patch, epochs)
        assert train(net(recipe), tmp_path / "run").interrupted
    resume(tmp_path / "run")
    assert benchmark().differences(tmp_path / "whole", tmp_path / "run") == []


@pytest.mark.slow
def test_the_best_epoch_may_be_of_the_other_part(tmp_path) -> None:
    recipe = UNFROZEN.replace("0.003", "30.0")
    whole = train(net(recipe), tmp_path / "whole")
    assert json.loads((whole.folder / "metrics.json").read_text())["best_epoch"] <= 2
    train(net(recipe), tmp_path / "run", epochs=3)
    resume(tmp_path / "run", epochs=4, run_dir=tmp_path / "longer")
    assert benchmark().differences(tmp_path / "whole", tmp_path / "longer") == []
