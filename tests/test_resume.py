"""A run that is stopped goes on as if it had not been: killed, damaged, out of disk, changed."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from forks import Archspec

import archspec
from archspec.errors import UserError
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras

# All that a state must hold: moving averages, seeds of dropout and augmentation, two heads, a
# learning rate that falls, and a callback with weights of its own.
NET = """\
archspec: 1
name: net
input: [8, 8, 1]
outputs: [main, side]
layers:
  - Conv2D: {filters: 6, kernel_size: 3}
  - BatchNormalization
  - Activation: relu
  - Dropout: 0.3
  - Flatten:
    name: trunk
  - Dense: {units: 10, activation: softmax}
    name: main
  - Dropout: 0.2
    from: trunk
  - Dense: {units: 10}
    name: side
train:
  data: digits
  epochs: 5
  augment: [{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}, {RandomRotation: 0.05}]
  optimizer: {Adam: 0.01}
  callbacks:
    - ReduceLROnPlateau: {patience: 1, factor: 0.5, monitor: loss, min_delta: 0.5}
    - EarlyStopping: {patience: 4, restore_best_weights: true}
"""

# For what does not depend on the network: it is traced in a third of the time.
PLAIN = """\
archspec: 1
name: net
input: [8, 8, 1]
layers: [Flatten, Dense: {units: 10, activation: softmax}]
train:
  data: digits
  epochs: 5
"""


# The first epoch is the best: after its ten steps the learning rate is far too high.
WORSENING = (
    PLAIN
    + """\
  optimizer:
    SGD:
      learning_rate: {PiecewiseConstantDecay: {boundaries: [10], values: [0.01, 30.0]}}
"""
)


def benchmark():
    spec = importlib.util.spec_from_file_location("resume", ROOT / "benchmarks" / "resume.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def train(folder: Path, text: str = NET, **options):
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    ours = {key: options.pop(key) for key in ("limit", "data_dir") if key in options}
    graph = archspec.loads(text)
    run_options = RunOptions(quiet=True, echo=lambda said: None)
    return train(graph, recipe_of(graph, **options), run_options, run_dir=folder, **ours)


def resume(folder: Path, said: list[str] | None = None, **options):
    from archspec.runs.job import RunOptions
    from archspec.training.resume import resume

    echo = (said if said is not None else []).append
    return resume(
        folder, options.pop("settings", None), RunOptions(quiet=True, echo=echo), **options
    )


def refusal(folder: Path, **options) -> str:
    with pytest.raises(UserError) as caught:
        resume(folder, **options)
    return str(caught.value)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of five epochs that nobody stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(folder)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def cut(run: Path, epochs: int) -> None:
    """Bring a folder back to where it was killed in the epoch after so many."""
    for path in (run / "last").iterdir():
        if int(path.stem) > epochs:
            path.unlink()
    facts = (run / "run.json").read_text().replace('"finished"', '"running"')
    (run / "run.json").write_text(facts)


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_the_same(finished, tmp_path):
    """Twenty times, real processes; each run is killed until it has ended, and then compared."""

    def start(words):
        return Archspec(["train", *words])

    bench = benchmark()
    (tmp_path / "net.yaml").write_text(NET)
    draw, hits = random.Random(5), 0
    took = json.loads((finished / "run.json").read_text())["seconds"]  # a quick machine, less
    for number in range(60):
        run = tmp_path / f"killed{number}"
        hits += bench.killed(str(tmp_path / "net.yaml"), [], run, 20 - hits, took, draw, start)
        assert bench.differences(finished, run) == []
        if hits == 20:
            break
    assert hits == 20


def test_a_difference_is_seen(finished, copy):
    bench = benchmark()
    newest = max((copy / "last").iterdir())
    with np.load(newest) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["variable.0"] = np.nextafter(arrays["variable.0"], 1)
    np.savez(newest, **arrays)
    (copy / "metrics.json").write_text("{}")
    assert bench.differences(finished, copy) == [
        f"last/{newest.name}: variable.0 differs",
        "metrics.json differs",
    ]


def test_nothing_saved_starts_again(finished, copy):
    said: list[str] = []
    cut(copy, 0)
    resume(copy, said)
    assert any("starting from the beginning" in line for line in said)
    assert benchmark().differences(finished, copy) == []


def test_a_finished_run_says_so(copy):
    said: list[str] = []
    before = contents(copy)
    assert resume(copy, said) is None
    assert f"{copy} is finished, after 5 epochs" in said[0]
    assert contents(copy) == before


def test_ctrl_c_is_gone_on_from(finished, tmp_path):
    def press():
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("run/last/[0-9]*.npz")) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    assert train(tmp_path / "run").interrupted
    assert not resume(tmp_path / "run").interrupted
    assert benchmark().differences(finished, tmp_path / "run") == []


def test_ctrl_c_after_the_last_epoch_waits_for_its_state(tmp_path, monkeypatch):
    """It is being written beside the training, and the folder is held meanwhile."""
    from archspec.training import recorder, writer

    write, wait, waited_for = recorder.write_state, writer.wait, threading.Event()

    def late(folder, state):
        if state.epochs == 2:
            # Where Python passes over errors, such as in a destructor, Ctrl-C would be lost here.
            assert waited_for.wait(60)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)
        write(folder, state)

    def waiting(works):
        waited_for.set()
        return wait(works)

    monkeypatch.setattr(recorder, "write_state", late)
    monkeypatch.setattr(writer, "wait", waiting)
    assert train(tmp_path / "run", PLAIN, epochs=2).interrupted
    assert (tmp_path / "run" / "last" / "0002.npz").exists()


def test_two_processes_do_not_train_in_one_folder(copy):
    from archspec.runs.folder import RunFolder

    cut(copy, 4)
    with RunFolder.open(copy).lock():
        assert f"{copy} is in use by another process" in refusal(copy)


# --- damaged -------------------------------------------------------------------------------------


def test_a_damaged_state_is_told_and_the_older_one_taken(finished, copy):
    said: list[str] = []
    cut(copy, 5)
    newest = copy / "last" / "0005.npz"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    resume(copy, said)
    assert f"warning: {newest} is damaged" in said[0]
    assert any("resuming after epoch 4" in line for line in said)
    assert benchmark().differences(finished, copy) == []


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_passes_unseen(copy, seed):
    """Bytes changed, cut off or overwritten: the state is the same, or the older one is taken."""
    from archspec.training.state import load_state

    draw = random.Random(seed)
    path = copy / "last" / "0005.npz"
    good, sound = path.read_bytes(), load_state(copy, lambda said: None)
    for _ in range(60):
        content = bytearray(good)
        match draw.randrange(3):
            case 0:
                content[draw.randrange(len(content))] ^= draw.randint(1, 255)
            case 1:
                del content[draw.randrange(len(content)) :]
            case 2:
                at = draw.randrange(len(content))
                content[at : at + 500] = bytes(500)
        path.write_bytes(content)
        state = load_state(copy, lambda said: None)
        if state.epochs == 5:
            assert state.memories == sound.memories
            assert state.arrays.keys() == sound.arrays.keys()
            assert all(np.array_equal(state.arrays[k], sound.arrays[k]) for k in sound.arrays)
        else:
            assert state.epochs == 4


def test_what_is_no_run_is_said(tmp_path, copy):
    assert f"there is no folder {tmp_path / 'none'}" in refusal(tmp_path / "none")
    assert f"{tmp_path} is not the folder of a run" in refusal(tmp_path)
    (copy / "run.json").write_text('{"data": ')
    assert f"{copy / 'run.json'} is missing or damaged" in refusal(copy)


def test_a_damaged_best_model_is_written_again_from_the_state(finished, copy):
    cut(copy, 4)
    (copy / "best.keras").write_bytes(b"no model")
    resume(copy)
    assert benchmark().differences(finished, copy) == []


@pytest.mark.slow
def test_a_best_model_that_is_lost_is_named_and_an_older_state_taken(tmp_path):
    """Neither best.keras nor the state of its epoch has its weights any more."""
    run, said = tmp_path / "run", []
    train(run, WORSENING, limit=320, epochs=3)
    assert {path.name for path in (run / "last").iterdir()} == {"0001.npz", "0002.npz", "0003.npz"}
    cut(run, 3)
    (run / "last" / "0001.npz").unlink()
    (run / "best.keras").write_bytes(b"no model")
    resume(run, said)
    damaged = f"{run / 'last' / '0003.npz'} is damaged (the model of its best epoch, 1, is lost"
    assert damaged in "\n".join(said)
    assert any("starting from the beginning" in line for line in said)
    train(tmp_path / "whole", WORSENING, limit=320, epochs=3)
    assert benchmark().differences(tmp_path / "whole", run) == []


@pytest.mark.slow
def test_what_a_partial_epoch_found_best_is_forgotten_with_it(tmp_path):
    """Its state is dropped when the run goes on for longer, and so must be its best model."""
    text = WORSENING.replace("epochs: 5", "steps: 15").replace("[10]", "[15]")
    train(tmp_path / "short", text, limit=320)
    resume(tmp_path / "short", steps=30, run_dir=tmp_path / "longer")
    train(tmp_path / "whole", text.replace("steps: 15", "steps: 30"), limit=320)
    assert benchmark().differences(tmp_path / "whole", tmp_path / "longer") == []


@pytest.mark.slow
def test_the_best_model_is_the_one_that_early_stopping_restores(tmp_path):
    early = "EarlyStopping: {monitor: accuracy, patience: 9, restore_best_weights: true}"
    done = train(tmp_path / "run", WORSENING + f"  callbacks: [{early}]\n", limit=320, epochs=3)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    best = max(done.history, key=lambda row: row["accuracy"])
    least = min(done.history, key=lambda row: row["val_loss"])
    assert (metrics["monitor"], metrics["best_epoch"]) == ("accuracy", best["epoch"])
    assert best["epoch"] != least["epoch"], "else this shows nothing"


# --- changed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"settings": {"train.optimizer.Adam.learning_rate": 0.1}}, "optimizer"),
        ({"settings": {"train.seed": 7}}, "seed"),
        ({"settings": {"train.augment": []}}, "augment"),
        ({"settings": {"train.data.validation": 0.3}, "epochs": 9}, "data"),
    ],
)
def test_a_change_of_more_than_length_is_refused_and_shown(copy, options, changed):
    before = contents(copy)
    said = refusal(copy, **options)
    words = "a run can be resumed with another length, batch size, patience or save_every only"
    assert f"{words}, but {changed}" in said
    assert f"as it was -> as it is: the same network\n    recipe: {changed}" in said
    assert contents(copy) == before


def test_an_edited_network_is_refused_and_shown(copy):
    resolved = copy / "resolved.yaml"
    resolved.write_text(resolved.read_text().replace("rate: 0.3", "rate: 0.4"))
    said = refusal(copy)
    assert "but the network changed" in said
    assert "rate 0.3 -> 0.4" in said


def test_an_edited_spec_is_not_passed_over(tmp_path):
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    graph = archspec.loads(PLAIN)
    run_options = RunOptions(quiet=True, echo=lambda said: None)
    recipe = recipe_of(graph, epochs=1)
    train(graph, recipe, run_options, run_dir=tmp_path / "run", text=PLAIN, limit=100)
    assert resume(tmp_path / "run", epochs=2, run_dir=tmp_path / "longer").history
    assert resume(tmp_path / "longer") is None
    spec = tmp_path / "run" / "spec.yaml"
    spec.write_text(PLAIN.replace("units: 10", "units: 11"))
    said = refusal(tmp_path / "run", epochs=3)
    assert f"{spec} was edited, but a run is resumed from its resolved.yaml" in said


@pytest.mark.slow
def test_a_longer_run_goes_on_in_a_folder_of_its_own(copy, tmp_path):
    before = contents(copy)
    assert f"{copy} has done 5 epochs already" in refusal(copy, epochs=4)
    done = resume(copy, epochs=7, run_dir=tmp_path / "longer")
    train(tmp_path / "at once", epochs=7)
    assert benchmark().differences(tmp_path / "at once", tmp_path / "longer") == []
    assert [row["epoch"] for row in done.history] == list(range(1, 8))
    pictures = [tmp_path / run / "samples.png" for run in ("at once", "longer")]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert contents(copy) == before
    resume(copy, batch_size=64, epochs=6, run_dir=tmp_path / "larger")
    assert contents(copy) == before


@pytest.mark.slow
def test_steps_can_be_added(tmp_path):
    text = NET.replace("epochs: 5", "steps: 60")
    train(tmp_path / "short", text)
    resume(tmp_path / "short", steps=100, run_dir=tmp_path / "long")
    train(tmp_path / "at once", NET.replace("epochs: 5", "steps: 100"))
    assert benchmark().differences(tmp_path / "at once", tmp_path / "long") == []


def test_more_patience_goes_on_after_an_early_stop(tmp_path):
    stop = "{EarlyStopping: {patience: 1, min_delta: 9, restore_best_weights: true}}"
    done = train(tmp_path / "stopped", f"{PLAIN}  callbacks: [{stop}]\n")
    assert len(done.history) < 5
    said: list[str] = []
    assert resume(tmp_path / "stopped", said) is None
    edited = tmp_path / "stopped" / "resolved.yaml"
    edited.write_text(
        edited.read_text().replace(
            "patience: 1, verbose: 0, mode: auto, baseline",
            "patience: 9, verbose: 0, mode: auto, baseline",
        )
    )
    more = resume(tmp_path / "stopped", run_dir=tmp_path / "patient")
    assert len(more.history) == 5


def test_another_number_of_threads_is_told_where_it_cannot_be_had(copy):
    """Here TensorFlow is at work. A process of its own takes the run's: tests/test_kills.py."""
    facts = json.loads((copy / "run.json").read_text())
    more, said = facts["threads"] + 1, []
    (copy / "run.json").write_text(json.dumps({**facts, "threads": more, "status": "running"}))
    resume(copy, said)
    warning = f"warning: the run began with {more} threads and continues with {more - 1} thread"
    assert any(line.startswith(warning) for line in said)
    said.clear()
    resume(copy, said, epochs=6, run_dir=copy.parent / "longer")
    assert not any(line.startswith("warning: ") for line in said)


@pytest.mark.slow
def test_images_that_changed_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    images = {
        name: rng.integers(0, 255, (40, 8, 8), dtype=np.uint8) for name in ("x_train", "x_test")
    }
    labels = {name: np.arange(40) % 10 for name in ("y_train", "y_test")}
    np.savez(tmp_path / "small.npz", **images, **labels)
    train(tmp_path / "run", PLAIN, data=str(tmp_path / "small.npz"), epochs=2)
    cut(tmp_path / "run", 1)
    kept = (tmp_path / "small.npz").read_bytes()
    images["x_train"][3, 3, 3] ^= 1
    np.savez(tmp_path / "small.npz", **images, **labels)
    assert "the images of small are not those" in refusal(tmp_path / "run")
    (tmp_path / "moved.npz").write_bytes(kept)
    (tmp_path / "small.npz").unlink()
    lost = f"there is no {tmp_path / 'small.npz'}\nhint: --data says where the images are now"
    assert lost in refusal(tmp_path / "run")
    assert resume(tmp_path / "run", data=str(tmp_path / "moved.npz")).history


@pytest.mark.parametrize(
    "path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_resolved_spec_resolves_to_itself(path):
    """Else a run that nobody changed would look changed."""
    from archspec.runs.job import format_resolved

    graph = archspec.load(path)
    text = format_resolved(graph, recipe_of(graph, data="digits"))
    again = archspec.loads(text)
    assert format_resolved(again, recipe_of(again)) == text


# --- the disk ------------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path, size: str):
    """A file system of that size, or a skip where this user may not make one."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_loses_nothing(finished, tmp_path):
    with small_disk(tmp_path / "disk", "600k"):
        ballast = tmp_path / "disk" / "ballast"
        run = tmp_path / "disk" / "run"

        def fill():
            deadline = time.monotonic() + 60
            while not list(run.glob("last/0002.npz")) and time.monotonic() < deadline:
                time.sleep(0.005)
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1000))

        thread = threading.Thread(target=fill, daemon=True)
        thread.start()
        with pytest.raises(UserError, match=f"cannot write {run}.*no space left on device"):
            train(run)
        thread.join()
        ballast.unlink()
        resume(run)
        assert benchmark().differences(finished, run) == []


def test_a_disk_that_may_not_be_written_is_said(finished, tmp_path):
    with small_disk(tmp_path / "disk", "2m"):
        run = tmp_path / "disk" / "run"
        shutil.copytree(finished, run)
        cut(run, 4)
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        assert f"cannot write in {run}: read-only file system" in refusal(run)
        subprocess.run(["mount", "-o", "remount,rw", str(tmp_path / "disk")], check=True)
        resume(run)
        assert benchmark().differences(finished, run) == []


@pytest.mark.slow
def test_a_loss_that_is_no_number_can_be_gone_back_from(tmp_path):
    """The rate jumps in the third epoch; the state of the second is what is gone on from."""
    text = """\
archspec: 1
name: net
input: [8, 8, 1]
layers: [Flatten, Dense: 10, Dense: 10]
train:
  data: digits
  epochs: 5
  optimizer:
    SGD:
      learning_rate: {PiecewiseConstantDecay: {boundaries: [100], values: [0.001, 1.0e+20]}}
"""
    with pytest.raises(UserError, match="the loss became nan in epoch 3"):
        train(tmp_path / "run", text)
    assert "the loss became nan in epoch 3" in refusal(tmp_path / "run")
    done = resume(tmp_path / "run", batch_size=1294, run_dir=tmp_path / "larger")
    assert len(done.history) == 5
