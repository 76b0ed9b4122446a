"""Several devices of one machine share each batch: the weights are those of one device."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, command

import archspec
from archspec.errors import UserError
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras

NET = """\
archspec: 1
name: net
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 6, kernel_size: 3, kernel_regularizer: {L2: 0.01}}
  - BatchNormalization: {synchronized: SYNCHRONIZED}
  - Activation: relu
  - Dropout: 0.3
  - Flatten
  - Dense: {units: 10, activation: softmax}
train:
  data: {name: digits, class_weight: {0: 2}}
  epochs: 2
  batch_size: 32
  optimizer: {SGD: 0.05}
  augment: [{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}]
"""
# What is the same on TensorFlow, too.
PLAIN = NET.replace("  - Dropout: 0.3\n", "").replace("SYNCHRONIZED", "true").partition("  aug")[0]
FROZEN = (
    PLAIN.replace("epochs: 2", "epochs: 3")
    + """\
  metrics: [accuracy, {MeanIoU: {num_classes: 10, sparse_y_pred: false}}]
  freeze: [conv2d]
  unfreeze: {epoch: 3, learning_rate: 0.02}
"""
)
NET = NET.replace("SYNCHRONIZED", "false")
LIMIT = 77  # of which the last batch has 13: fewer for some devices, or for none
ROUNDING = 1e-6  # what sums differ by that are added up in another order


def train(folder: Path, backend: str, devices: int, *words: str, **environment: str) -> str:
    """Train in a process of its own on so many devices; return what it prints."""
    program = (
        [str(ROOT / "tests" / "devices.py"), str(devices)] if devices > 1 else ["-m", "archspec"]
    )
    done = subprocess.run(
        [sys.executable, *program, "train", *words, "--quiet"],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (-signal.SIGKILL if "KILLED_AT" in environment else 0), done.stderr
    return done.stdout


def differ(one: Path, other: Path) -> float:
    """Return by how much the variables of the newest states differ at the most."""
    a, b = (np.load(max((run / "last").glob("*.npz"))) for run in (one, other))
    assert a.files == b.files
    numbers = [name for name in a.files if name.startswith("variable")]
    return max(float(np.abs(a[name] - b[name].astype(float)).max()) for name in numbers)


def history(run: Path) -> list[dict[str, float]]:
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [
        {name: float(value) for name, value in row.items() if "second" not in name} for row in rows
    ]


def assert_alike(run: Path, other: Path) -> None:
    """Compare all numbers of two runs of NET, but for rounding."""
    assert differ(run, other) < ROUNDING
    for row, same in zip(history(run), history(other), strict=True):
        assert row == pytest.approx(same, abs=1e-5)
    test, as_well = (
        json.loads((each / "metrics.json").read_text())["test"] for each in (run, other)
    )
    assert test == pytest.approx(as_well, abs=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_on_tensorflow_the_weights_are_those_of_one_device(tmp_path):
    """Also while a layer is frozen, and after, where one of the runs goes on."""
    (tmp_path / "net.yaml").write_text(FROZEN)
    words = ["net.yaml", "--limit", str(LIMIT), "--run-dir"]
    train(tmp_path, "tensorflow", 1, *words, "one", "--device", "cpu")
    for devices in (2, 3):
        name, on_all = f"on{devices}", ["--device", "gpus"]
        again = [*words, name]
        if devices == 2:
            train(tmp_path, "tensorflow", 2, *again, *on_all, KILLED_AT="2 2")
            again = ["--resume", name]
        said = train(tmp_path, "tensorflow", devices, *again, *on_all)
        assert f"on gpus:{devices} in" in said
        assert "warning" not in said
        assert_alike(tmp_path / "one", tmp_path / name)
        assert json.loads((tmp_path / name / "run.json").read_text())["device"] == f"gpus:{devices}"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_tensorflow_warns_of_what_it_computes_otherwise(tmp_path):
    (tmp_path / "net.yaml").write_text(NET)
    said = train(tmp_path, "tensorflow", 2, "net.yaml", "--limit", "64", "--device", "gpus")
    assert "computes batch_normalization, dropout, RandomTranslation from its own part" in said


def test_one_device_is_not_several(tmp_path, monkeypatch):
    from archspec.backends import framework

    (tmp_path / "net.yaml").write_text(PLAIN)
    words = ["train", "net.yaml", "--device", "gpus"]
    assert "sees no GPU\nhint: --device cpu does without" in command(tmp_path, *words).stderr
    monkeypatch.setattr(framework, "list_gpus", lambda: ["gpu:0"])
    assert "sees one GPU\nhint: --device gpu takes one" in command(tmp_path, *words).stderr


def test_only_train_shares_its_work(tmp_path):
    done = command(tmp_path, "bench", "lenet5", "--device", "gpus")
    assert "only `train` shares its work among all GPUs" in done.stderr


def refusal(sharing, samples: int, **options: object) -> str:
    graph = archspec.loads(PLAIN)
    with pytest.raises(UserError) as caught:
        sharing.refuse(graph, recipe_of(graph, {"data": "digits", **options}), samples)
    return str(caught.value)


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_tensorflow_refuses_what_it_would_compute_wrongly():
    from archspec.training.tensorflow_sharing import Mirrored

    sharing = Mirrored(["CPU:0"])
    sharing.count = 4
    assert "make one of 5, of which one of 4 GPUs" in refusal(sharing, 37, batch_size=32)
    assert "make one of 3, of which" in refusal(sharing, 3, batch_size=32)
    for loss in ({"SparseCategoricalCrossentropy": {"reduction": "sum"}}, "Dice"):
        assert "a loss must be a mean over the samples" in refusal(sharing, 32, loss=loss)
    assert "save_every cannot save it" in refusal(sharing, 32, save_every={"steps": 3})
    graph = archspec.loads(PLAIN)
    sharing.refuse(graph, recipe_of(graph, {"data": "digits", "batch_size": 32}), 39)


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_jax_refuses_batches_that_no_device_could_share():
    from archspec.training.jax_sharing import Sharded

    sharing = Sharded.__new__(Sharded)
    sharing.count = 3
    assert "cannot share a batch of 32 evenly" in refusal(sharing, 99, batch_size=32)
