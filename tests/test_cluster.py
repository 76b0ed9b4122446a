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
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT, command
from shrinking import ALL
from test_devices import LIMIT, NET, ROUNDING, differ, history, train

pytestmark = pytest.mark.keras
KILLS = 20 if ALL else 5  # each takes a quarter of a minute
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

SMALL = """\
archspec: 1
name: small
input: [8, 8, 1]
layers:
  - Flatten
  - Dropout: 0.2
  - Dense: {units: 10, activation: softmax}
train: {data: digits, epochs: 3, batch_size: 32, optimizer: {Adam: 0.01}, save_every: {steps: 5}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Processes:
    """Processes of one training, started. environments: what is added to that of each."""

    def __init__(
        self, folder: Path, count: int, *words: str, devices: int = 1, absent: int = 0, **of: dict
    ) -> None:
        """of: what is added to the environment of a process, as `p1={...}`. absent: how many of
        the processes, the last ones, never come."""
        place = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", str(count)]
        self.logs = [folder / f"log.{rank}" for rank in range(count - absent)]
        self.all = []
        for rank, log in enumerate(self.logs):
            program = [sys.executable, str(ROOT / "tests" / "devices.py"), str(devices), "train"]
            which = ["--device", "cpu", "--distribute", *place, "--process", str(rank)]
            environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **of.get(f"p{rank}", {})}
            with log.open("w") as file:
                process = subprocess.Popen(
                    [*program, *words, *which],
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


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize(("count", "devices"), [(2, 1), (4, 1), (2, 2)])
def test_the_weights_are_those_of_one_process(tmp_path, count, devices):
    """With BatchNormalization, Dropout, augmentation, class weights and an uneven last batch.

    Of two processes they are, to the last digit, those of one process with two devices. Otherwise
    they are so but for the order in which the sums over a batch are added up: of one device, and of
    more processes, which add in a ring.
    """
    (tmp_path / "net.yaml").write_text(NET)
    words = ["net.yaml", "--limit", str(LIMIT)]
    processes = Processes(
        tmp_path, count, *words, "--run-dir", "several", "--weights", devices=devices
    )
    assert processes.wait() == [0] * count, processes.said(0) + processes.said(1)
    number = count * devices
    train(tmp_path, "jax", number, *words, "--run-dir", "devices", "--device", "gpus", "--weights")
    train(tmp_path, "jax", 1, *words, "--run-dir", "one", "--device", "cpu")
    run = tmp_path / "several"
    assert differ(run, tmp_path / "devices") <= (0 if number == 2 else ROUNDING)
    assert differ(run, tmp_path / "one") < ROUNDING
    if number == 2:
        for name in ("weights.txt", "metrics.json"):
            assert (run / name).read_bytes() == (tmp_path / "devices" / name).read_bytes()
        assert history(run) == history(tmp_path / "devices")
    facts = json.loads((run / "run.json").read_text())
    assert (facts["processes"], facts["device"]) == (count, f"cpus:{number}")
    assert "error" not in processes.said(1)


@needs_jax
@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    train(tmp_path, "jax", 1, "small.yaml", "--run-dir", "one", "--device", "cpu")
    first = Processes(tmp_path, 2, "small.yaml", "--run-dir", "run", p1={"KILLED_AT": "1 12"})
    assert first.wait() == [1, -signal.SIGKILL]
    assert status(tmp_path / "run") == "interrupted"
    then = Processes(tmp_path, 4, "--resume", "run")
    assert then.wait() == [0] * 4, then.said(0)
    assert "going on after step 10 of epoch 2" in then.said(0)
    assert "it began on 2 devices, and goes on on 4: the last digits will differ" in then.said(0)
    assert differ(tmp_path / "run", tmp_path / "one") < 1e-4  # Adam makes much of a rounding error


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("by", ["SIGKILL", "SIGSTOP"])
def test_a_peer_that_is_lost_ends_the_others(tmp_path, rank, by):
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["small.yaml", "--run-dir", "run"]
    short = {"SILENCE": "15"}
    of = {"p0": short, "p1": short}
    of[f"p{rank}"] = short | {"KILLED_AT": "1 7", "KILLED_BY": by}
    processes = Processes(tmp_path, 2, *words, **of)
    assert processes.wait()[1 - rank] == 1
    how = "has ended" if by == "SIGKILL" else "has not answered for 15 s"
    assert f"error: process {rank} of 2 {how}" in processes.said(1 - rank)
    assert "start all processes again" in processes.said(1 - rank)
    if rank == 1:
        assert status(tmp_path / "run") == "interrupted"
        assert "--resume run" in processes.said(0)


@needs_jax
@pytest.mark.slow
def test_signals_end_each_process_in_its_own_way(tmp_path):
    """All get one from a launcher; where one alone gets it, the others follow."""
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["small.yaml", "--run-dir"]
    term = {"KILLED_AT": "1 7", "KILLED_BY": "SIGTERM"}
    both = Processes(tmp_path, 2, *words, "both", p0=term, p1=term)
    assert both.wait() == [143, 143], both.said(0) + both.said(1)
    assert status(tmp_path / "both") == "interrupted"
    assert "archspec train --resume both goes on" in both.said(0)
    ctrl_c = {"KILLED_AT": "1 7", "KILLED_BY": "SIGINT"}
    one = Processes(tmp_path, 2, *words, "one", p0={"GRACE": "1"}, p1=ctrl_c)
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


@needs_jax
@pytest.mark.slow
def test_processes_with_different_specs_are_refused(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["small.yaml", "--run-dir", "run"]
    processes = Processes(tmp_path, 2, *words, p1={"WORDS": "--seed 3"})
    assert processes.wait() == [1, 1]
    for rank in range(2):
        assert "the network or its recipe of process 1 differs" in processes.said(rank)


@needs_jax
@pytest.mark.slow
def test_kills_one_after_the_other(tmp_path):
    """A process drawn at random, killed or stopped at a step drawn at random, KILLS times."""
    text = SMALL.replace("epochs: 3", "epochs: 16")
    (tmp_path / "small.yaml").write_text(text)
    whole = Processes(tmp_path, 2, "small.yaml", "--run-dir", "whole")
    assert whole.wait() == [0, 0], whole.said(0)
    draw = random.Random(7)
    words = ["small.yaml", "--run-dir", "run"]
    for kill in range(KILLS):
        rank, by = draw.randrange(2), "SIGSTOP" if kill % 5 == 4 else "SIGKILL"
        epoch, step = newest(tmp_path / "run") if kill else (0, 0)
        later = step + draw.randrange(1, 25)  # of 41 in an epoch
        at = f"{epoch + later // 41} {later % 41 + 1}"
        of = {f"p{each}": {"SILENCE": "15"} for each in range(2)}
        of[f"p{rank}"] |= {"KILLED_AT": at, "KILLED_BY": by}
        processes = Processes(tmp_path, 2, *words, **of)
        ended = processes.wait()
        assert ended[1 - rank] == 1, (kill, at, by, rank, processes.said(1 - rank))
        assert status(tmp_path / "run") == ("interrupted" if rank else "running")
        words = ["--resume", "run"]
    last = Processes(tmp_path, 2, *words)
    assert last.wait() == [0, 0], last.said(0)
    assert differ(tmp_path / "run", tmp_path / "whole") == 0
    assert history(tmp_path / "run") == history(tmp_path / "whole")


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
