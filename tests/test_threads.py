"""How many threads an operation is split into: chosen by the work of a step, recorded, resumed."""

from __future__ import annotations

import json
import os

import pytest
from forks import Archspec

import archspec

pytestmark = pytest.mark.keras

NET = """\
archspec: 1
name: net
input: [8, 8, 1]
layers:
  - branches: [[Conv2D: 4], [Conv2D: 4], [Conv2D: 4], [Conv2D: 4]]
    merge: Concatenate
  - Flatten
  - Dense: {units: 10, activation: softmax}
defaults: {Conv2D: {kernel_size: 3}}
train: {data: digits, epochs: 2}
"""
VARIABLE = "TF_NUM_INTRAOP_THREADS"


@pytest.fixture
def threads():
    from archspec.runs import threads

    return threads


@pytest.fixture
def free(monkeypatch, threads):
    """An environment that says no number of threads, on two cores."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(threads, "count_cores", lambda: 2)


@pytest.mark.parametrize(
    ("spec", "batch_size", "wanted"),
    [
        ("inception10", 32, 1),
        ("inception10", 512, None),  # large operations
        ("lenet5", 32, None),  # one after the other
        ("resnet18", 1, None),
        ("googlenet", 32, None),
    ],
)
def test_small_operations_side_by_side_are_not_split(free, spec, batch_size, wanted, threads):
    assert threads.choose_threads(archspec.load(spec), batch_size) == wanted


@pytest.mark.parametrize("cores", [1, 4, 64])
def test_on_other_machines_tensorflow_chooses(free, monkeypatch, cores, threads):
    monkeypatch.setattr(threads, "count_cores", lambda: cores)
    assert threads.choose_threads(archspec.load("inception10"), 32) is None


def test_the_environment_has_the_last_word(free, monkeypatch, threads):
    monkeypatch.setenv(VARIABLE, "2")
    assert threads.choose_threads(archspec.load("inception10"), 32) is None


def test_other_backends_choose_by_themselves(free, monkeypatch, threads):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    assert threads.choose_threads(archspec.load("inception10"), 32) is None


@pytest.mark.skipif(len(os.sched_getaffinity(0)) != 2, reason="the choice is for two cores")
def test_a_run_says_and_keeps_the_number(tmp_path):
    spec, run, log = tmp_path / "net.yaml", tmp_path / "run", tmp_path / "log.txt"
    spec.write_text(NET)
    assert Archspec(["train", str(spec), "--run-dir", str(run)], log, {VARIABLE: ""}).wait() == 0
    assert (
        f"threads for an operation: 1, since small ones stand side by side; {VARIABLE}=N"
        in log.read_text()
    )
    assert json.loads((run / "run.json").read_text())["threads"] == 1
    longer = tmp_path / "longer"
    words = ["train", "--resume", str(run), "--epochs", "3", "--run-dir", str(longer)]
    more = tmp_path / "more.txt"  # the environment is not what the run began with
    assert Archspec(words, more, {VARIABLE: "2"}).wait() == 0
    assert "warning" not in more.read_text()
    assert json.loads((longer / "run.json").read_text())["threads"] == 1
