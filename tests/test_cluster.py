"""Processes that train together, on loopback: the weights of one process; and what one does that
loses another."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, command
from shrinking import ALL
from test_devices import LIMIT, NET, ROUNDING, assert_alike, differ, history, train

from archspec.errors import UserError
from archspec.runs.failure import record_failure
from archspec.runs.folder import Nowhere

pytestmark = pytest.mark.keras
KILLS = 20 if ALL else 4  # each takes a quarter of a minute
STEPS = 10  # in an epoch of SMALL
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

SMALL = """\
archspec: 1
name: small
input: [8, 8, 1]
layers:
  - Flatten
  - Dropout: 0.2
  - Dense: {units: 10, activation: softmax}
train: {data: digits, epochs: 2, batch_size: 32, optimizer: {Adam: 0.01}, save_every: {steps: 3}}
"""
FEW = ["--limit", "320"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Processes:
    """Processes of one training, started. environments: what is added to that of each."""

    def __init__(
        self,
        folder: Path,
        count: int,
        *words: str,
        devices: int = 1,
        absent: int = 0,
        program: str | None = None,
        **of: dict,
    ) -> None:
        """of: what is added to the environment of a process, as `p1={...}`. absent: how many of
        the processes, the last ones, never come. program: in Python, instead of the command; it
        gets its number and the coordinator."""
        coordinator = f"127.0.0.1:{free_port()}"
        place = ["--coordinator", coordinator, "--processes", str(count)]
        self.logs = [folder / f"log.{rank}" for rank in range(count - absent)]
        self.all = []
        for rank, log in enumerate(self.logs):
            command = [str(ROOT / "tests" / "devices.py"), str(devices), "train", *words]
            command += ["--device", "cpu", "--distribute", *place, "--process", str(rank)]
            if program is not None:
                command = ["-c", program, str(rank), coordinator]
            environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **of.get(f"p{rank}", {})}
            with log.open("w") as file:
                process = subprocess.Popen(
                    [sys.executable, *command],
                    cwd=folder,
                    env={**os.environ, **environment},
                    stdout=file,
                    stderr=file,
                )
            self.all.append(process)

    def wait(self, seconds: float = 300) -> list[int]:
        """Wait until all have ended, but for those that are stopped, which are killed then."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end and any(each.poll() is None for each in self.all):
                left = [each for each in self.all if each.poll() is None]
                if all(state(each.pid) == "T" for each in left):
                    break
                time.sleep(0.05)
        finally:
            for each in self.all:
                each.kill()
        return [each.wait() for each in self.all]

    def said(self, rank: int) -> str:
        return self.logs[rank].read_text()


def newest(run: Path) -> tuple[int, int]:
    """Return how many epochs and steps the newest state of a run is after."""
    names = [path.stem.split("-") for path in (run / "last").glob("*.npz")]
    return max((int(name[0]), int(name[1]) if len(name) > 1 else 0) for name in names)


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]


def status(run: Path) -> str:
    return str(json.loads((run / "run.json").read_text())["status"])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return the run of NET in one process with so many devices, trained once."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "net.yaml").write_text(NET)

    @cache
    def run(devices: int) -> Path:
        words = ["net.yaml", "--limit", str(LIMIT), "--run-dir", f"on{devices}", "--weights"]
        device = "gpus" if devices > 1 else "cpu"
        said = train(folder, "jax", devices, *words, "--device", device)
        assert "warning" not in said
        assert f"on {device}:{devices if devices > 1 else 0} in" in said
        return folder / f"on{devices}"

    return run


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("devices", [2, 4])
def test_the_weights_are_those_of_one_device(alone, devices):
    assert_alike(alone(devices), alone(1))
    facts = json.loads((alone(devices) / "run.json").read_text())
    assert facts["device"] == f"gpus:{devices}"


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize(("count", "devices"), [(2, 1), (4, 1), (2, 2)])
def test_the_weights_are_those_of_one_process(tmp_path, alone, count, devices):
    """With BatchNormalization, Dropout, augmentation, class weights and an uneven last batch.

    Of two processes they are, to the last digit, those of one process with two devices. Otherwise
    they are so but for the order in which the sums over a batch are added up: of one device, and of
    more processes, which add in a ring.
    """
    (tmp_path / "net.yaml").write_text(NET)
    words = ["net.yaml", "--limit", str(LIMIT), "--run-dir", "several", "--weights"]
    processes = Processes(tmp_path, count, *words, devices=devices)
    assert processes.wait() == [0] * count, processes.said(0) + processes.said(1)
    run, number = tmp_path / "several", count * devices
    assert_alike(run, alone(1))
    assert differ(run, alone(number)) <= (0 if number == 2 else ROUNDING)
    if number == 2:
        for name in ("weights.txt", "metrics.json"):
            assert (run / name).read_bytes() == (alone(2) / name).read_bytes()
        assert history(run) == history(alone(2))
    facts = json.loads((run / "run.json").read_text())
    assert (facts["processes"], facts["device"]) == (count, f"cpus:{number}")
    assert "error" not in processes.said(1)


MASKS = """\
archspec: 1
name: masks
input: [8, 8, 1]
outputs: [mask, kind]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu}
    name: trunk
  - Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: sigmoid}
    name: mask
  - GlobalAveragePooling2D:
    from: trunk
    name: mean
  - Dense: {units: 3, activation: softmax}
    name: kind
train:
  data: data.npz
  augment: [{RandomTranslation: {height_factor: 0.2, width_factor: 0.2}}]
  optimizer: {SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.1, decay_steps: 20}}}}
  metrics: {mask: [BinaryIoU, AUC], kind: [accuracy]}
  callbacks: [{EarlyStopping: {patience: 2, restore_best_weights: true}}]
  freeze: [trunk]
  unfreeze: {epoch: 2, learning_rate: 0.5}
  save_every: {steps: 2}
  epochs: 3
  batch_size: 8
"""


@needs_jax
@pytest.mark.slow
def test_a_run_goes_on_exactly_whatever_shares_it(tmp_path):
    """Streamed images with masks and classes, a layer that is frozen for an epoch: begun on two
    devices, gone on with in two processes, and again on two devices."""
    (tmp_path / "masks.yaml").write_text(MASKS)
    draw = np.random.default_rng(5)
    images = draw.random((44, 8, 8, 1), np.float32)
    np.savez(
        tmp_path / "data.npz",
        x_train=images,
        mask_train=(images > 0.7).astype(np.uint8),
        kind_train=draw.integers(0, 3, 44),
    )
    command(tmp_path, "build", "masks.yaml", "-o", "base.keras")
    words = ["masks.yaml", "--init-from", "base.keras", "--run-dir"]
    streamed = {"BUDGET": "0"}
    whole = Processes(tmp_path, 2, *words, "whole", p0=streamed, p1=streamed)
    assert whole.wait() == [0, 0], whole.said(0) + whole.said(1)
    on_two = ["--device", "gpus"]
    train(tmp_path, "jax", 2, *words, "run", *on_two, KILLED_AT="0 3", **streamed)
    of = {"p0": streamed, "p1": {**streamed, "KILLED_AT": "1 3"}}
    then = Processes(tmp_path, 2, "--resume", "run", **of)
    assert then.wait() == [1, -signal.SIGKILL]
    assert "resuming after step 2 of epoch 1" in then.said(0)
    said = train(tmp_path, "jax", 2, "--resume", "run", *on_two, **streamed)
    assert "resuming after step 2 of epoch 2" in said
    assert differ(tmp_path / "whole", tmp_path / "run") == 0
    assert history(tmp_path / "whole") == history(tmp_path / "run")
    measured = [(tmp_path / run / "metrics.json").read_text() for run in ("whole", "run")]
    assert measured[0] == measured[1]


@needs_jax
@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["small.yaml", *FEW, "--run-dir"]
    train(tmp_path, "jax", 1, *words, "one", "--device", "cpu")
    first = Processes(tmp_path, 2, *words, "run", p1={"KILLED_AT": "1 8"})
    assert first.wait() == [1, -signal.SIGKILL]
    assert status(tmp_path / "run") == "interrupted"
    said = train(tmp_path, "jax", 1, "--resume", "run", "--device", "cpu")
    assert "resuming after step 6 of epoch 2" in said
    assert "it began on 2 devices, and continues on 1: the last digits will differ" in said
    assert differ(tmp_path / "run", tmp_path / "one") < 1e-4  # Adam makes much of a rounding error


@needs_jax
@pytest.mark.slow
def test_signals_end_each_process_in_its_own_way(tmp_path):
    """All get one from a launcher; where one alone gets it, the others follow."""
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["small.yaml", *FEW, "--run-dir"]
    term = {"KILLED_AT": "1 7", "KILLED_BY": "SIGTERM"}
    both = Processes(tmp_path, 2, *words, "both", p0=term, p1=term)
    assert both.wait() == [143, 143], both.said(0) + both.said(1)
    assert status(tmp_path / "both") == "interrupted"
    assert "archspec train --resume both continues it" in both.said(0)
    ctrl_c = {"KILLED_AT": "1 7", "KILLED_BY": "SIGINT"}
    hasty = {"GRACE": "2", "TOGETHER": "0.5"}
    one = Processes(tmp_path, 2, *words, "one", p0=hasty, p1={**ctrl_c, **hasty})
    assert one.wait() == [1, 130], one.said(0) + one.said(1)
    assert "process 1 of 2 has" in one.said(0)
    assert status(tmp_path / "one") == "interrupted"


@needs_jax
@pytest.mark.slow
def test_a_failure_of_all_is_said_by_the_first(tmp_path):
    text = SMALL.replace("Adam: 0.01", "SGD: 1.0e+30").replace("Dropout: 0.2", "Dense: {units: 8}")
    text = text.replace(", activation: softmax", "")
    (tmp_path / "small.yaml").write_text(text)
    processes = Processes(tmp_path, 2, "small.yaml", "--run-dir", "run")
    assert processes.wait() == [1, 1], processes.said(0)
    assert "error: the loss became nan" in processes.said(0)
    assert status(tmp_path / "run") == "failed"


@needs_jax
@pytest.mark.slow
def test_a_peer_that_never_comes_is_not_waited_for(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["small.yaml", "--run-dir", "run"]
    processes = Processes(tmp_path, 2, *words, absent=1, p0={"JOIN": "5"})
    assert processes.wait() == [1]
    assert "error: not all processes have come within 5 s" in processes.said(0)
    assert not (tmp_path / "run").exists()


CALLER = """\
import sys

import archspec

rank, coordinator = int(sys.argv[1]), sys.argv[2]
place = {"distribute": True, "coordinator": coordinator, "processes": 2, "process": rank}
for seed in (rank, 0):
    try:
        archspec.train("small.yaml", device="cpu", run_dir="run", seed=seed, **place)
    except archspec.UserError as error:
        print(error)
print("goes on")
"""


@needs_jax
@pytest.mark.slow
def test_a_metric_that_several_processes_cannot_compute_is_refused(tmp_path):
    metric = "  metrics: [{MeanIoU: {num_classes: 10, sparse_y_pred: false}}]\n"
    (tmp_path / "net.yaml").write_text(NET + metric)
    processes = Processes(tmp_path, 2, "net.yaml", "--limit", str(LIMIT), "--run-dir", "run")
    assert processes.wait() == [1, 1]
    assert "several processes cannot measure MeanIoU" in processes.said(0)


@needs_jax
@pytest.mark.slow
def test_processes_with_different_specs_are_refused(tmp_path):
    """A program in Python then goes on, but with no other training of several processes."""
    (tmp_path / "small.yaml").write_text(SMALL)
    processes = Processes(tmp_path, 2, program=CALLER)
    assert processes.wait() == [0, 0], processes.said(0) + processes.said(1)
    for rank in range(2):
        said = processes.said(rank)
        assert "the network or its recipe of process 1 differs" in said
        assert "JAX has worked in this process already" in said
        assert said.endswith("goes on\n")


@needs_jax
@pytest.mark.slow
def test_kills_one_after_the_other(tmp_path):
    """A process is killed or stopped at a step drawn at random, KILLS times: first each in each
    way, then which one and how are drawn, too."""
    epochs = KILLS * 7 // STEPS + 2
    (tmp_path / "small.yaml").write_text(SMALL.replace("epochs: 2", f"epochs: {epochs}"))
    words = ["small.yaml", *FEW, "--run-dir"]
    whole = Processes(tmp_path, 2, *words, "whole")
    assert whole.wait() == [0, 0], whole.said(0)
    draw = random.Random(7)
    words += ["run"]
    run = tmp_path / "run"
    ways = [(rank, by) for by in ("SIGKILL", "SIGSTOP") for rank in range(2)]
    for kill in range(KILLS):
        rank, by = ways[kill] if kill < len(ways) else draw.choice([*ways[:2] * 4, *ways[2:]])
        epoch, step = newest(run) if kill else (0, 0)
        epoch, step = divmod(epoch * STEPS + step + draw.randrange(4, 8), STEPS)
        of = {f"p{each}": {"SILENCE": "15"} for each in range(2)}
        of[f"p{rank}"] |= {"KILLED_AT": f"{epoch} {step + 1}", "KILLED_BY": by}
        processes = Processes(tmp_path, 2, *words, **of)
        ended, said = processes.wait()[1 - rank], processes.said(1 - rank)
        how = "has ended" if by == "SIGKILL" else "has not answered for 15 s"
        assert (ended, f"error: process {rank} of 2 {how}" in said) == (1, True), (kill, said)
        assert "start all processes again" in said
        if rank == 1:
            assert "--resume run" in said
        assert status(run) == ("interrupted" if rank else "running")
        words = ["--resume", "run"]
    last = Processes(tmp_path, 2, *words)
    assert last.wait() == [0, 0], last.said(0)
    assert differ(run, tmp_path / "whole") == 0
    assert history(run) == history(tmp_path / "whole")


@needs_jax
@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({}, []),
        ({"SLURM_STEP_TASKS_PER_NODE": "2(x4)", "CUDA_VISIBLE_DEVICES": "0,1"}, None),
        ({"SLURM_STEP_TASKS_PER_NODE": "2", "CUDA_VISIBLE_DEVICES": "1"}, []),
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x4)", "CUDA_VISIBLE_DEVICES": "0,1"}, []),
        ({"SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_GPUS_PER_TASK": "2"}, []),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "1"}, []),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "1", "JAX_LOCAL_DEVICE_IDS": "1"}, None),
    ],
)
def test_a_process_takes_the_gpus_that_are_its_own(environment, chosen):
    from archspec.training.cluster import _choose_gpus

    assert _choose_gpus(environment) == chosen


@needs_jax
def test_a_process_that_ends_at_once_leaves_no_temporary_folder(monkeypatch):
    from archspec.training import cluster

    left = []
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr(cluster, "TEAM", [object()])
    for end in (lambda: cluster.end(1), lambda: cluster._end("a peer is lost")):
        folder = Nowhere()
        assert folder.path.is_dir()
        end()
        assert not folder.path.exists()
    assert left == [1, 1]


def test_no_process_names_a_traceback_that_another_one_writes():
    failed = pytest.raises(UserError, match="failed: no such thing")
    with failed as caught, record_failure(Nowhere()):
        raise ValueError("no such thing")
    assert caught.value.hint is None


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_another_backend_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    (tmp_path / "small.yaml").write_text(SMALL)
    done = command(tmp_path, "train", "small.yaml", "--distribute")
    assert "several processes train together on JAX only, and this is tensorflow" in done.stderr
    assert done.returncode == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--coordinator", "here:1", "--processes", "2", "--process", "0"],
        ["--distribute", "--coordinator", "here:1"],
        ["--distribute", "--processes", "2", "--process", "0"],
    ],
)
def test_options_that_say_not_who_the_others_are(tmp_path, words):
    done = command(tmp_path, "train", "lenet5", *words)
    assert done.returncode == 2
    assert "--coordinator, --processes and --process go together" in done.stderr


@pytest.mark.parametrize(
    ("coordinator", "process", "why"),
    [("here", 0, "is not HOST:PORT"), ("here:1", 2, "process must be from 0 to 1, and is 2")],
)
def test_a_coordinator_that_cannot_be(tmp_path, coordinator, process, why):
    place = ["--coordinator", coordinator, "--processes", "2", "--process", str(process)]
    done = command(tmp_path, "train", "lenet5_mnist", "--distribute", *place)
    assert done.returncode == 1
    assert why in done.stderr
