"""The runner: what a run writes, learns and says, on small nets and the digits of scikit-learn."""

import csv
import errno
import json
import os
import resource
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from loaded import load_dataset, split
from msgspec.structs import replace
from PIL import Image
from shrinking import slow_but_first

import archspec
from archspec.errors import SpecError, UserError
from archspec.graph import Graph
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras

ROOT = Path(__file__).parent.parent
FILES = {
    "best.keras",
    "curves.png",
    "history.csv",
    "last",
    "metrics.json",
    "resolved.yaml",
    "run.json",
    "samples.png",
    "spec.yaml",
}

NET = """\
archspec: 1
name: tiny
params: {classes: 10, channels_in: 1}
input: [8, 8, =channels_in]
layers:
  - Conv2D: {filters: 6, kernel_size: 3, activation: relu}
  - Flatten
  - Dense: {units: =classes, activation: softmax}
    name: head
train: {data: digits, epochs: 2, optimizer: {Adam: 0.003}}
"""

HEADS = """\
archspec: 1
name: heads
input: [8, 8, 1]
outputs: [main, side]
blocks:
  aux:
    layers:
      - Dense: 10
layers:
  - Flatten
  - Dense: {units: 20, activation: relu}
    name: trunk
  - Dense: {units: 10, activation: softmax}
    name: main
  - aux:
    from: trunk
    name: side
train: {data: digits, epochs: 1, loss_weights: {side: 0.3}}
"""


def run(graph: Graph, folder: Path, said: list[str] | None = None, **options):
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    ours = {key: options.pop(key) for key in ("limit", "text") if key in options}
    echo = (said if said is not None else []).append
    run_options = RunOptions(quiet=True, echo=echo)
    return train(graph, recipe_of(graph, **options), run_options, run_dir=folder, **ours)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".lock"}


def refusal(*arguments, **options) -> str:
    with pytest.raises(UserError) as caught:
        run(*arguments, **options)
    return str(caught.value)


def train_net(train: str) -> Graph:
    return archspec.loads(NET[: NET.index("train:")] + f"train: {{data: digits, {train}}}\n")


def load(path: Path):
    import keras

    return keras.saving.load_model(path)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The test images of `digits` as the tiny net wants them, and their labels."""
    test = load_dataset("digits").test
    return test.images[..., None] / 16, test.labels


# --- what a run leaves ---------------------------------------------------------------------------


def test_a_doubt_about_the_loss_is_said_once(tmp_path: Path) -> None:
    loss = {"SparseCategoricalCrossentropy": {"from_logits": True}}
    doubtful = train_net("epochs: 1, loss: {SparseCategoricalCrossentropy: {from_logits: true}}")
    said: list[str] = []
    run(doubtful, tmp_path / "of_the_spec", said, limit=32)
    assert [each.code for each in doubtful.warnings] == ["train"]
    assert not any("expects logits" in each for each in said)
    run(train_net("epochs: 1"), tmp_path / "of_an_option", said, limit=32, loss=loss)
    assert any("expects logits" in each for each in said)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of the tiny net on digits with seed 3, and what it said."""
    said: list[str] = []
    folder = tmp_path_factory.mktemp("finished") / "run"
    return run(archspec.loads(NET), folder, said, text=NET, seed=3), said


def test_a_run_leaves_its_folder(finished):
    done, said = finished
    assert files(done.folder) == FILES
    assert (done.folder / "spec.yaml").read_text() == NET
    facts = json.loads((done.folder / "run.json").read_text())
    assert (facts["status"], facts["seed"], facts["name"]) == ("finished", 3, "tiny")
    assert facts["fingerprint"] == archspec.loads(NET).fingerprint
    assert facts["data"]["images"] == {"train": 1294, "validation": 144, "test": 359}
    assert facts["versions"]["keras"]
    assert facts["params"] == {"classes": 10, "channels_in": 1}
    assert said[0] == (
        "digits, 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"
        "images of 8x8x1: 1,294 train, 144 validation, 359 test"
    )
    with (done.folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["val_loss"]) < float(rows[0]["val_loss"])
    assert Image.open(done.folder / "curves.png").size == (1200, 456)


def test_the_metrics_are_those_of_the_best_model(finished):
    done, _ = finished
    metrics = json.loads((done.folder / "metrics.json").read_text())
    assert metrics == {**done.metrics, "best_epoch": 2, "monitor": "val_loss"}
    images, labels = digits()
    for model in (done.model, load(done.folder / "best.keras")):
        accuracy = (model.predict(images, verbose=0).argmax(1) == labels).mean()
        assert accuracy == pytest.approx(metrics["test"]["accuracy"], abs=1e-6)
    assert metrics["validation"]["loss"] == pytest.approx(done.history[1]["val_loss"], abs=1e-5)


def test_the_resolved_spec_trains_the_same(finished, tmp_path):
    done, _ = finished
    graph = archspec.load(done.folder / "resolved.yaml")
    assert graph.fingerprint == archspec.loads(NET).fingerprint
    again = run(graph, tmp_path)
    assert [row["loss"] for row in again.history] == [row["loss"] for row in done.history]


def test_steps_at_a_time_and_seeds(finished, tmp_path, monkeypatch):
    """Steps at a time do not change the maths, a seed does."""
    from archspec.training import compiling as trainer

    many, _ = finished
    monkeypatch.setattr(trainer, "choose_steps_per_execution", lambda *_: 1)
    one = run(archspec.loads(NET), tmp_path / "1", seed=3)
    assert many.metrics["test"]["loss"] == pytest.approx(one.metrics["test"]["loss"], rel=1e-4)
    other = run(archspec.loads(NET), tmp_path / "2", seed=4, epochs=1)
    assert other.history[0]["loss"] != pytest.approx(one.history[0]["loss"], rel=1e-3)


@pytest.mark.parametrize("text", [NET, HEADS], ids=["one output", "two"])
def test_many_steps_at_once_do_what_keras_does(text):
    """The same weights, loss and metrics as of Keras's own `fit` on the images in that order."""
    import keras

    from archspec.data.preparation import prepare
    from archspec.training.compiling import compile_trainer
    from archspec.training.feed import Feed

    graph = archspec.loads(text)
    recipe = recipe_of(graph)
    _, parts = prepare(graph, recipe, limit=300)
    part = parts["train"]
    ways = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = archspec.to_keras(graph, seed=0)
        ways.append(compile_trainer(model, graph, recipe, 10, "cpu:0"))

    ways[0].steps_per_execution = 4
    feed = Feed(part, recipe.batch_size, seed=1, steps=4)
    order = feed.draw_order()
    ours = ways[0].fit(feed.x, steps_per_epoch=feed.steps, verbose=0, shuffle=False).history
    images, y = part.make_batch(part.examples.take(order))
    theirs = ways[1].fit(images, y, recipe.batch_size, verbose=0, shuffle=False).history
    assert ours == {name: pytest.approx(value, rel=1e-5) for name, value in theirs.items()}
    for one, other in zip(ways[0].get_weights(), ways[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"]
)
def test_tensors_share_the_memory_of_what_is_fed(dtype):
    """Copies of it would be held beside it for the whole training."""
    from archspec.training.feed import allocate
    from archspec.training.tensorflow_steps import load_tensors

    arrays = tuple(allocate(shape, np.dtype(dtype)) for shape in [(3, 5), (7,), (2, 0)])
    for each in arrays:
        each[...] = 0
    tensors = load_tensors(arrays)
    for each in arrays:
        each[...] = 1
    for one, other in zip(tensors, arrays, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)
        assert one.dtype.name == dtype


def test_the_best_epoch_is_kept_and_not_the_last(tmp_path):
    import keras

    # So high a rate that the second epoch is worse than the first.
    graph = train_net("epochs: 4, optimizer: {SGD: {learning_rate: 0.1, momentum: 0.99}}")
    done = run(graph, tmp_path)
    losses = [row["val_loss"] for row in done.history]
    best = int(np.argmin(losses))
    assert best < 3
    assert done.metrics["validation"]["loss"] == pytest.approx(losses[best], rel=1e-4)
    written = keras.saving.load_model(tmp_path / "best.keras").get_weights()
    for one, other in zip(written, done.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_takes_the_next_free_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "tiny-1").mkdir(parents=True)
    done = run(archspec.loads(NET), None, limit=50, epochs=1)
    assert str(done.folder) == "runs/tiny-2"


# --- what trains ---------------------------------------------------------------------------------


def test_lenet5_reads_digits(tmp_path):
    graph = archspec.load("lenet5")
    done = run(graph, tmp_path, data="digits", resize=True, epochs=20)
    assert done.metrics["test"]["accuracy"] >= 0.9


def test_several_outputs_by_their_names(tmp_path):
    done = run(archspec.loads(HEADS), tmp_path)
    test = done.metrics["test"]
    assert {"loss", "main_loss", "main_accuracy", "side-dense_loss"} < set(test)
    assert test["loss"] == pytest.approx(
        test["main_loss"] + 0.3 * test["side-dense_loss"], rel=1e-3
    )
    assert len(load(tmp_path / "best.keras").outputs) == 2
    flat = recipe_of(archspec.load(tmp_path / "resolved.yaml"))
    assert flat.loss_weights == {"main": 1.0, "side-dense": 0.3}


def test_augmentation_is_in_the_training_step_alone(tmp_path):
    augment = "augment: [{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}]"
    plain = run(train_net("epochs: 1"), tmp_path / "1", limit=200)
    moved = run(train_net(f"epochs: 1, {augment}"), tmp_path / "2", limit=200)
    assert moved.history[0]["loss"] != plain.history[0]["loss"]
    saved = load(tmp_path / "2" / "best.keras")
    assert [layer.name for layer in saved.layers] == [layer.name for layer in plain.model.layers]
    images, _ = digits()
    assert np.allclose(saved.predict(images, verbose=0), moved.model.predict(images, verbose=0))


def test_a_crop_leaves_evaluation_alone(tmp_path):
    augment = "[{ZeroPadding2D: 2}, {RandomCrop: {height: 8, width: 8}}]"
    done = run(train_net(f"epochs: 1, augment: {augment}"), tmp_path, limit=100)
    model = load(tmp_path / "best.keras")
    model.compile(loss="sparse_categorical_crossentropy")
    validation = split(load_dataset("digits"), 0.1, 0, 100)["validation"]
    loss = model.evaluate(validation.images[..., None] / 16, validation.labels, verbose=0)
    assert loss == pytest.approx(done.history[0]["val_loss"], rel=1e-4)


@pytest.mark.slow
def test_the_best_epoch_is_the_one_that_the_recipe_asks_for(tmp_path):
    """With this rate the least loss and the highest accuracy are of different epochs."""
    kept = {}
    for best in ("val_accuracy", "{monitor: val_accuracy, mode: min}"):
        net = train_net(f"epochs: 5, optimizer: {{Adam: 0.05}}, best: {best}")
        done = run(net, tmp_path / best[:5], limit=200)
        values = [row["val_accuracy"] for row in done.history]
        wanted = min(values) if "min" in best else max(values)
        assert done.metrics["validation"]["accuracy"] == pytest.approx(wanted, abs=1e-6)
        facts = json.loads((tmp_path / best[:5] / "metrics.json").read_text())
        assert facts["monitor"] == "val_accuracy"
        assert facts["best_epoch"] == values.index(wanted) + 1
        kept[best] = wanted
    assert len(set(kept.values())) == 2


def test_a_schedule_in_epochs_has_its_steps_in_the_run(tmp_path):
    schedule = (
        "{PolynomialDecay: {initial_learning_rate: 0.01, end_learning_rate: 0, "
        "decay_steps: =2 * steps_per_epoch}}"
    )
    net = train_net(f"epochs: 3, optimizer: {{SGD: {{learning_rate: {schedule}}}}}")
    done = run(net, tmp_path, limit=96)
    assert "decay_steps: 6" in (tmp_path / "resolved.yaml").read_text()  # batches of 32
    assert [row["learning_rate"] for row in done.history] == pytest.approx([0.005, 0, 0])


@pytest.mark.slow
def test_tensorboard_writes_into_the_folder_of_the_run(tmp_path, monkeypatch):
    callbacks = "callbacks: [{TensorBoard: {histogram_freq: 1, write_steps_per_second: true}}]"
    run(train_net(f"epochs: 1, {callbacks}"), tmp_path / "run", limit=100)
    logs = {path.name for path in (tmp_path / "run" / "logs").iterdir()}
    assert logs == {"train", "validation"}
    from archspec.training import run as runs
    from archspec.training.resume import resume

    resume(tmp_path / "run", epochs=2, run_dir=tmp_path / "longer")
    assert (tmp_path / "longer" / "logs" / "train").is_dir()
    monkeypatch.setattr(runs, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="TensorBoard needs tensorflow, which is not installed"):
        run(train_net(f"epochs: 1, {callbacks}"), tmp_path / "without")
    assert not (tmp_path / "without").exists()


@pytest.mark.parametrize("log_dir", ["/tmp/logs", "../logs", ""])
def test_logs_stay_in_the_folder_of_the_run(log_dir):
    with pytest.raises(SpecError, match="a folder within that of the run"):
        train_net(f"callbacks: [{{TensorBoard: {{log_dir: '{log_dir}'}}}}]")


@pytest.mark.parametrize("steps", [7, 100])
def test_steps_are_counted_exactly(tmp_path, steps):
    done = run(
        train_net(f"steps: {steps}, optimizer: {{SGD: {{learning_rate: {SCHEDULE}}}}}"), tmp_path
    )
    assert len(done.history) == -(-steps // 41)
    assert done.history[-1]["learning_rate"] == pytest.approx(1 - steps / 1000, abs=1e-6)


SCHEDULE = (
    "{PolynomialDecay: {initial_learning_rate: 1.0, decay_steps: 1000, end_learning_rate: 0.0}}"
)


def test_one_hot_losses_get_one_hot_labels(tmp_path):
    loss = "loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}"
    metrics = "metrics: [accuracy, {TopKCategoricalAccuracy: 3}]"
    done = run(train_net(f"epochs: 2, {loss}, {metrics}"), tmp_path)
    assert (
        done.metrics["test"]["top_k_categorical_accuracy"] > done.metrics["test"]["accuracy"] > 0.5
    )


def test_callbacks_stop_early_and_it_is_said(tmp_path):
    said: list[str] = []
    stop = "callbacks: [{EarlyStopping: {min_delta: 100}}]"
    run(train_net(f"epochs: 9, {stop}"), tmp_path, said, limit=50)
    assert "stopped early, after 2 of 9 epochs" in said[-1]


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau"])
def test_a_callback_that_watches_what_the_data_lacks_is_said(tmp_path, name):
    graph = train_net(f"epochs: 3, callbacks: [{name}]")
    graph = replace(graph, train={**graph.train, "data": {"name": "digits", "validation": 0}})
    said = refusal(graph, tmp_path, limit=100)
    assert f"{name} watches 'val_loss', which is not measured" in said
    assert "its `monitor` takes accuracy, loss" in said


def test_precision_is_of_the_run_alone(tmp_path):
    import keras

    done = run(train_net("epochs: 1, precision: mixed_bfloat16"), tmp_path, limit=50)
    assert done.model.get_layer("head").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


# --- images from a folder ------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    """Dark and light photos, 30 of each."""
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 155)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            image = rng.integers(low, low + 101, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "photos" / name / f"{i:02}.png")
    return tmp_path / "photos"


def streamed(monkeypatch):
    from archspec.training import feed

    monkeypatch.setattr(feed, "BUDGET", 1000)


@pytest.mark.parametrize("stream", slow_but_first([False, True]))
def test_a_folder_trains_from_memory_or_streamed(photos, tmp_path, monkeypatch, stream):
    if stream:
        streamed(monkeypatch)
    graph = archspec.loads(NET, channels_in=3, classes=2)
    said: list[str] = []
    runs = [
        run(graph, tmp_path / name, said, data=str(photos), epochs=4, batch_size=8) for name in "ab"
    ]
    assert runs[0].history[3]["loss"] < runs[0].history[0]["loss"]
    assert runs[0].metrics["test"] is None
    assert "test: the data has no such samples" in said[-1]
    losses = [[row["loss"] for row in each.history] for each in runs]
    assert losses[0] == losses[1]
    assert json.loads((tmp_path / "a" / "run.json").read_text())["data"]["classes"] == [
        "dark",
        "light",
    ]


def test_the_time_that_steps_wait_for_streamed_data_is_said(photos, monkeypatch, tmp_path):
    graph = archspec.loads(NET.replace("channels_in: 1", "channels_in: 3"))
    for stream in (False, True):
        if stream:
            streamed(monkeypatch)
        said = []
        run(graph, tmp_path / str(stream), said, data=str(photos), epochs=1)
        waiting = json.loads((tmp_path / str(stream) / "run.json").read_text())["waiting"]
        assert (waiting is None) is not stream
        assert ("steps waited for data" in "\n".join(said)) is stream


def test_an_epoch_waits_for_no_thread_that_tunes_its_dataset(photos):
    from archspec.data.preparation import prepare
    from archspec.training.feed import Feed

    graph = archspec.loads(NET.replace("channels_in: 1", "channels_in: 3"))
    train = prepare(graph, recipe_of(graph, data=str(photos)))[1]["train"]
    shuffled, ordered = Feed(train, 16, seed=0, steps=3), Feed(train, 16)
    for feed in (shuffled, ordered):
        assert feed.x.options().autotune.enabled is False
    assert (shuffled.steps, ordered.steps) == (4, None)
    epochs = [each["places"].numpy() for each in shuffled.x.take(4)]  # two, by one iterator
    assert [len(each) for each in epochs] == [48, len(train) - 48] * 2
    labels = np.concatenate([each[1] for each in ordered.x])
    assert labels.tolist() == train.make_batch(train.examples)[1].tolist()


@pytest.mark.parametrize("stream", [False, True])
def test_images_are_shuffled_by_seed_and_epoch_alone(photos, monkeypatch, stream):
    from archspec.data.preparation import prepare
    from archspec.training.feed import Feed

    if stream:
        streamed(monkeypatch)
    graph = archspec.loads(NET.replace("channels_in: 1", "channels_in: 3"))
    train = prepare(graph, recipe_of(graph, data=str(photos)))[1]["train"]

    def labels(seed, epochs):
        feed = Feed(train, 16, seed, steps=3)
        for epoch in epochs:
            feed.epoch = epoch
            if hasattr(feed.x, "take"):  # a dataset of TensorFlow's
                batches = [each["arrays"][1].numpy()[each["places"]] for each in feed.x.take(2)]
                assert [len(each) for each in batches] == [48, len(train) - 48]
            else:
                batches = [feed.x[i][1] for i in range(4)]
            yield np.concatenate(batches).tolist()

    first, second = labels(0, range(2))
    assert sorted(first) == sorted(second) == sorted(next(iter(train.examples.targets.values())))
    assert first != second
    assert [second, first] == list(labels(0, [1, 0]))
    assert [first, second] != list(labels(1, range(2)))


def test_an_image_that_breaks_while_streamed_is_named(photos, tmp_path, monkeypatch):
    streamed(monkeypatch)
    broken = photos / "dark" / "07.png"
    broken.write_bytes(broken.read_bytes()[:-60])
    graph = archspec.loads(NET, channels_in=3, classes=2)
    said = refusal(graph, tmp_path / "run", data=str(photos), batch_size=2)
    assert f"cannot read the image {broken}" in said
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


# --- what goes wrong -----------------------------------------------------------------------------


def test_no_data_is_an_error_that_names_the_option(tmp_path):
    graph = archspec.loads(NET[: NET.index("train:")])
    assert "give --data" in refusal(graph, tmp_path)


def test_too_few_classes_name_the_param_to_set(tmp_path):
    said = refusal(archspec.loads(NET, classes=7), tmp_path / "run")
    assert "digits has 10 classes, but output 'head' has 7 units" in said
    assert "--set classes=10" in said
    assert not (tmp_path / "run").exists()


def test_images_that_do_not_fit_name_the_flag(tmp_path):
    assert "--resize" in refusal(archspec.loads(NET, channels_in=3), tmp_path)
    assert run(archspec.loads(NET, channels_in=3), tmp_path, resize=True, limit=20).history


def test_a_taken_folder_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert f"{tmp_path} is not empty" in refusal(archspec.loads(NET), tmp_path, limit=20)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    said = refusal(archspec.loads(NET), tmp_path / "file" / "run", limit=20)
    assert f"cannot make the run's folder {tmp_path / 'file' / 'run'}: not a directory" in said


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    """A limit on the size of files stands for a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        said = refusal(archspec.loads(NET), tmp_path, limit=20, epochs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"error: cannot write {tmp_path / 'samples.png'}: file too large" in said
    assert not list(tmp_path.glob(".[0-9]*"))


def test_a_best_model_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    """In the last epoch: nothing comes after it that would wait for the writer."""

    def save(model, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("keras.Model.save", save)
    said = refusal(archspec.loads(NET), tmp_path, limit=20, epochs=1)
    assert f"error: cannot write {tmp_path / 'best.keras'}: no space left on device" in said
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "failed"


def test_a_loss_that_is_no_number_is_said(tmp_path):
    graph = archspec.loads(
        "archspec: 1\nname: n\ninput: [8, 8, 1]\nlayers: [Flatten, Dense: 10, Dense: 10]\n"
        "train: {data: digits, optimizer: {SGD: 1e20}}\n"
    )
    said = refusal(graph, tmp_path, limit=200)
    assert "the loss became nan in epoch 1" in said
    assert "learning rate" in said
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "failed"


def test_ctrl_c_keeps_what_there_is(tmp_path):
    best = tmp_path / "best.keras"

    def press():
        deadline = time.monotonic() + 60
        while not best.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    said: list[str] = []
    threading.Thread(target=press, daemon=True).start()
    done = run(archspec.loads(NET), tmp_path, said, epochs=10_000)
    assert done.interrupted
    assert done.history
    assert f"archspec train --resume {tmp_path} continues it" in said[-1]
    assert files(tmp_path) == FILES - {"spec.yaml", "metrics.json"}
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "interrupted"
    assert load(best).count_params() == archspec.loads(NET).total_params


def test_the_seeds_of_lenet5_mnist(tmp_path, monkeypatch, capsys):
    """The script of the examples, on images of nothing."""
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 10
    images = rng.integers(0, 256, (100, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    options = ["--data-dir", str(tmp_path), "--seeds", "1", "--limit", "50"]
    monkeypatch.setattr(sys, "argv", ["lenet5_mnist_seeds.py", *options])
    runpy.run_path(str(ROOT / "examples" / "lenet5_mnist_seeds.py"), run_name="__main__")
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["seed", "0", "median"]
    assert len(said[1].split()) == 3


# --- what fails ----------------------------------------------------------------------------------


def test_what_keras_raises_is_a_sentence_and_its_traceback_is_in_the_folder(tmp_path, monkeypatch):
    def odd(*_):
        raise ValueError("Exception encountered when calling x\n\nthis is odd")

    monkeypatch.setattr("archspec.training.fitting.compile_trainer", odd)
    said = refusal(train_net("epochs: 1"), tmp_path / "run", limit=50)
    assert "the training failed: this is odd" in said
    assert "Traceback" in (tmp_path / "run" / "error.txt").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


def test_a_device_that_is_not_there_leaves_no_run_that_is_running(tmp_path):
    graph = train_net("epochs: 1")
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    with pytest.raises(UserError, match="there is no device"):
        train(graph, recipe_of(graph), RunOptions("gpu:99", True), run_dir=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(
    "taken",
    slow_but_first(
        [
            (1, "loss: BinaryCrossentropy, metrics: [BinaryCrossentropy, {F1Score: macro}, AUC]"),
            (2, "loss: CategoricalGeneralizedCrossEntropy"),
            (2, "loss: CategoricalCrossentropy, metrics: [{Precision: {thresholds: [0.5]}}]"),
            (2, "metrics: [{MeanIoU: {num_classes: 2, sparse_y_pred: false}}]"),
            (
                2,
                "optimizer: {Adam: {use_ema: true, clipnorm: 1.0, gradient_accumulation_steps: 2}}",
            ),
        ]
    ),
)
def test_what_check_takes_keras_takes(tmp_path, taken):
    units, recipe = taken
    np.savez(tmp_path / "two.npz", x_train=np.zeros((8, 4, 4, 1)), y_train=np.arange(8) % 2)
    activation = "sigmoid" if units == 1 else "softmax"
    graph = archspec.loads(
        "archspec: 1\ninput: [4, 4, 1]\nlayers:\n  - Flatten\n"
        f"  - Dense: {{units: {units}, activation: {activation}}}\n"
        f"train: {{data: {tmp_path / 'two.npz'}, epochs: 1, {recipe}}}\n"
    )
    assert run(graph, tmp_path / "run").history
