"""Networks trained one after the other: what is refused before, what happens when one is stopped.

What the tables make of it is in tests/test_comparison.py.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Done, command
from forks import Archspec

import archspec
from archspec.cli.options import CHANGES
from archspec.cli.train import train
from archspec.comparing.members import Terms, plan_members
from archspec.errors import SpecError
from archspec.runs.job import format_resolved

NET = """\
archspec: 1
input: [8, 8, 1]
layers:
  - Flatten
  - Dense: {units: 10, activation: softmax}
train: {data: digits, epochs: 1, seed: 4}
"""


@pytest.fixture
def specs(tmp_path):
    """Write specs, by name; returns the folder."""

    def write(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def plan(folder: Path, *specs: str, seeds: int = 1, **terms: object):
    return plan_members(
        [str(folder / each) for each in specs], Terms(**terms), seeds, folder / "out"
    )


def refusal(folder: Path, *specs: str, **options) -> str:
    with pytest.raises(SpecError) as error:
        plan(folder, *specs, **options)
    assert not (folder / "out").exists() or not list((folder / "out").glob("*.log"))
    return str(error.value)


def run(folder: Path, *words: str) -> Done:
    """A comparison in a process of its own, and each of its members too."""
    with tempfile.TemporaryDirectory() as place:
        said = {name: Path(place, name) for name in ("out", "err")}
        process = Archspec(["compare", *words], said["err"], out=said["out"], folder=folder)
        return Done(process.wait(), *(path.read_text() for path in said.values()))


# --- before anything is trained ------------------------------------------------------------------


def test_each_seed_and_network_is_a_member(specs):
    folder = specs(a=NET, b=NET.replace("seed: 4", "seed: 7"))
    members = plan(folder, "a.yaml", "b.yaml", seeds=2)
    assert [each.folder.name for each in members] == ["a-s4", "b-s7", "a-s5", "b-s8"]
    assert [each.recipe.seed for each in members] == [4, 7, 5, 8]
    assert len(plan(folder, "a.yaml", "../" + folder.name + "/a.yaml")) == 1


def test_specs_of_one_name_have_folders_of_their_own(specs):
    named = f"{NET}name: net\n"
    folder = specs(a=named, b=named, c=NET)
    (folder / "deep").mkdir()
    shutil.copy(folder / "a.yaml", folder / "deep" / "a.yaml")
    labels = [each.label for each in plan(folder, "a.yaml", "b.yaml", "c.yaml", "deep/a.yaml")]
    assert labels == ["a", "b", "c", "deep-a"]


def test_everything_wrong_is_said_before_anything_is_trained(specs):
    folder = specs(
        sound=NET,
        misspelt=NET.replace("units", "unit"),
        nowhere=NET.replace("data: digits, ", ""),
        both=NET.replace("epochs: 1", "epochs: 1, steps: 2"),
    )
    said = refusal(folder, "sound.yaml", "misspelt.yaml", "nowhere.yaml", "both.yaml", "none.yaml")
    for each in (
        "Dense has no argument 'unit'",
        "nowhere.yaml: error: nothing to train on",
        "train takes epochs or steps, not both",
        "none.yaml: error: there is no such file",
    ):
        assert said.count(each) == 1, said
    assert "sound.yaml" not in said


def test_what_is_wrong_with_an_option_is_said_once(specs):
    folder = specs(a=NET, b=NET, recipe="epoch: 3\n")
    said = refusal(folder, "a.yaml", "b.yaml", settings=("train.epoch=3",))
    assert said.count("train has no word 'epoch'") == 1
    said = refusal(folder, "a.yaml", recipe=folder / "recipe.yaml")
    assert f"{folder / 'recipe.yaml'}: train has no" in said


def test_a_recipe_stands_in_for_each_ones_own(specs):
    folder = specs(a=NET, b=NET, recipe="data: mnist\nepochs: 7\n")
    members = plan(folder, "a.yaml", "b.yaml", recipe=folder / "recipe.yaml", batch_size=9)
    assert {(each.recipe.data.name, each.recipe.epochs) for each in members} == {("mnist", 7)}
    assert {each.recipe.batch_size for each in members} == {9}


def test_the_terms_are_what_train_takes():
    terms = Terms(
        settings=("width=3", "train.batch_size=8"),
        recipe=Path("recipe.yaml"),
        data="digits",
        data_dir=Path("data"),
        epochs=2,
        batch_size=7,
        limit=300,
        resize=True,
        device="cpu",
        precision="float64",
    )
    taken = train.make_context("train", ["spec", *terms.options]).params
    back = Terms(**{name: taken[name] for name in (*vars(terms), *CHANGES) if name in taken})
    assert sorted(back.options) == sorted(terms.options)
    assert {name for name in CHANGES if taken[name] is not None} == set(terms.changes)
    assert Terms().options == []
    assert Terms(steps=3).options == ["--steps", "3"]


def occupy(
    folder: Path, limit: int | None = None, status: str = "finished", more: int = 0, **facts: str
) -> Path:
    """A run of a.yaml as it would have been left. more: the place of its seed."""
    member = plan(folder, "a.yaml", seeds=more + 1, limit=limit)[more]
    member.folder.mkdir(parents=True)
    images = {"train": 9, "test": 9}
    data = {"name": "digits", "images": images, "fingerprint": "f", "limit": limit}
    (member.folder / "run.json").write_text(json.dumps({"data": data, "status": status, **facts}))
    (member.folder / "resolved.yaml").write_text(format_resolved(member.graph, member.recipe))
    (member.folder / "metrics.json").write_text('{"test": {"accuracy": 0.5}}')
    return member.folder


@pytest.mark.parametrize(
    ("terms", "differs"),
    [
        ({"epochs": 3}, "epochs 1 instead of 3"),
        ({"limit": 100}, "limit None instead of 100"),
        ({"data": "mnist"}, "data differs"),
        ({"data_dir": ROOT}, f"data_dir None instead of {ROOT}"),
        ({"device": "GPU"}, "device cpu:0 instead of gpu:0"),
    ],
)
def test_a_folder_of_something_else_is_refused(specs, terms, differs):
    folder = specs(a=NET)
    taken = occupy(folder, device="cpu:0")
    said = refusal(folder, "a.yaml", **terms)
    assert f"{taken}: error: this run was made with other options: {differs}" in said
    assert "hint: give another --dir" in said


def test_a_run_that_the_same_spec_made_in_its_former_meaning_is_refused_with_the_place(specs):
    """The `from` of a loop fed the first iteration alone, which `from: flat` still does."""
    text = (
        "archspec: 1\ninput: [8, 8, 1]\ntrain: {data: digits}\nlayers:\n  - Flatten:\n"
        "    name: flat\n  - Dense: 8\n    repeat: 2\n    name: head\n    from: FROM\n"
        "  - Add:\n    from: [head0, head1]\n  - Dense: {units: 10, activation: softmax}\n"
    )
    folder = specs(a=text.replace("FROM", "flat"))
    taken = occupy(folder)
    (folder / "a.yaml").write_text(text.replace("FROM", "[flat]"))
    said = refusal(folder, "a.yaml")
    assert f"{taken}: error: this run was made of another network" in said
    assert f"the spec has changed its meaning: {folder / 'a.yaml'}:10:11" in said
    assert "archspec explain changed-meaning" in said


def test_a_folder_of_another_network_is_refused(specs):
    occupy(specs(a=NET))
    said = refusal(specs(a=NET.replace("softmax", "sigmoid")), "a.yaml")
    assert "network differs" in said
    assert "softmax -> sigmoid" in said


def test_a_folder_of_the_same_is_taken(specs):
    occupy(specs(a=NET), device="cpu:0")
    folder = specs(a=f"# said otherwise\n{NET}description: The same.\n")
    assert plan(folder, "a.yaml", device="cpu")


def test_what_is_no_run_is_left_alone(specs):
    folder = specs(a=NET)
    (member,) = plan(folder, "a.yaml")
    member.folder.mkdir(parents=True)
    for name in ("run.json", "spec.yaml", ".lock", ".4711.resolved.yaml"):
        (member.folder / name).touch()
    assert plan(folder, "a.yaml")  # it was killed before it began
    (member.folder / "notes.txt").touch()
    assert "this is no run, but in the way of one" in refusal(folder, "a.yaml")


@pytest.mark.parametrize("name", ["run.json", "resolved.yaml", "metrics.json"])
def test_a_damaged_run_is_refused(specs, name):
    folder = specs(a=NET)
    (occupy(folder) / name).write_text("{")
    said = refusal(folder, "a.yaml")
    assert "damaged" in said
    assert str(folder / "out" / "a-s4") in said


def test_a_folder_that_cannot_be_made_is_said(specs):
    folder = specs(a=NET)
    done = command(folder, "compare", "a.yaml", "--dir", "a.yaml/out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: cannot write a.yaml/out/a-s4.log: not a directory" in done.stderr


def test_a_log_that_is_a_pipe_is_not_waited_for(specs):
    folder = specs(a=NET)
    (folder / "out").mkdir()
    os.mkfifo(folder / "out" / "a-s4.log")
    done = command(folder, "compare", "a.yaml", "--dir", "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: cannot write out/a-s4.log: it is no file" in done.stderr


# --- training ------------------------------------------------------------------------------------

WIDE = NET.replace("  - Dense", "  - Dense: {units: 32, activation: relu}\n  - Dense", 1)
SMALL = ("--limit", "300", "--dir", "out")


def facts(member: Path) -> dict[str, object]:
    return json.loads((member / "run.json").read_text())


@pytest.mark.keras
def test_networks_and_seeds_are_trained_once_and_compared(specs):
    folder = specs(narrow=NET, wide=WIDE)
    words = ("narrow.yaml", "wide.yaml", "--seeds", "2", *SMALL)
    first = run(folder, *words)
    assert first.returncode == 0, first.stderr
    members = {name: folder / "out" / name for name in ("narrow-s4", "narrow-s5", "wide-s4")}
    for member in members.values():
        assert facts(member)["status"] == "finished"
        assert facts(member)["data"]["limit"] == 300
        assert "epoch 1/1" in member.with_name(f"{member.name}.log").read_text()
    assert "wide, seed 5 (4 of 4)" in first.stderr
    assert facts(members["narrow-s5"])["seed"] == 5
    accuracies = [
        json.loads((members[name] / "metrics.json").read_text())["test"]["accuracy"]
        for name in ("narrow-s4", "narrow-s5")
    ]
    rows = {row["network"]: row for row in csv.DictReader((folder / "out/comparison.csv").open())}
    assert float(rows["narrow"]["mean"]) == pytest.approx(np.mean(accuracies), rel=1e-6)
    assert float(rows["narrow"]["deviation"]) == pytest.approx(np.std(accuracies, ddof=1), rel=1e-5)
    assert int(rows["narrow"]["peak_memory"]) > 10**8
    assert (folder / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")

    again = run(folder, *words, "--format", "markdown")
    assert again.returncode == 0
    assert again.stderr.count("trained already") == 4
    assert again.stdout == (folder / "out" / "comparison.md").read_text()
    mixed = run(folder, "wide.yaml", "out/narrow-s4", *SMALL, "--quiet")
    assert "trained already" not in mixed.stderr
    assert "narrow" in mixed.stdout


@pytest.mark.keras
def test_a_member_that_fails_stops_no_other_and_is_tried_again(specs):
    astray = WIDE.replace("seed: 4", "optimizer: {SGD: 1.0e+30}")
    folder = specs(large=NET.replace("8, 8", "9, 9"), astray=astray, sound=NET)
    words = ("large.yaml", "astray.yaml", "sound.yaml", *SMALL)
    done = run(folder, *words)
    assert done.returncode == 1
    failures = [line for line in done.stdout.splitlines() if line.startswith("failed: ")]
    assert failures[0].startswith("failed: large, seed 4: ")
    assert "(8, 8)" in failures[0] or "8x8" in failures[0]
    assert failures[0].endswith("(out/large-s4.log)")
    assert failures[1].startswith("failed: astray, seed 0: the loss became ")
    assert facts(folder / "out" / "sound-s4")["status"] == "finished"
    assert facts(folder / "out" / "astray-s0")["status"] == "failed"
    rows = {row["network"]: row for row in csv.DictReader((folder / "out/comparison.csv").open())}
    assert rows["large"]["mean"] == ""
    assert rows["sound"]["mean"] != ""

    again = run(specs(large=NET), *words)
    assert again.returncode == 1
    assert "sound, seed 4 (3 of 3): trained already" in again.stderr
    assert [line for line in again.stdout.splitlines() if line.startswith("failed")] == failures[1:]
    assert facts(folder / "out" / "large-s4")["status"] == "finished"


def child_of(process: subprocess.Popen[str]) -> int:
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def wait(reached: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail("it was never reached")
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether it runs: what has ended and nobody asked for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


LONG = WIDE.replace("epochs: 1", "epochs: 30")  # it is stopped long before
linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks into /proc")


@pytest.fixture
def begun(specs):
    """A comparison whose first member has ended an epoch: the folder, and the process."""
    folder = specs(long=LONG, sound=NET)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "archspec", "compare", "long.yaml", "sound.yaml", *SMALL],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait(lambda: list((folder / "out").glob("long-s4/last/[0-9]*.npz")))
    yield folder, process
    process.kill()
    process.communicate()


def goes_on(folder: Path) -> None:
    """The member that was stopped ends, from where it was."""
    done = run(folder, "long.yaml", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "resuming after epoch " in done.stderr
    rows = list(csv.DictReader((folder / "out" / "long-s4" / "history.csv").open()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 31))


@pytest.mark.slow
@linux
@pytest.mark.keras
def test_ctrl_c_ends_the_member_in_its_own_way_and_the_same_command_goes_on(begun):
    folder, process = begun
    process.send_signal(signal.SIGINT)
    table, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted: long, seed 4 (out/long-s4.log)" in table
    assert "not trained: sound, seed 4\n" in table
    assert said.endswith("interrupted: the same command continues\n")
    assert facts(folder / "out" / "long-s4")["status"] == "interrupted"
    goes_on(folder)


@pytest.mark.slow
@linux
@pytest.mark.keras
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_killed_it_leaves_no_training_behind_and_goes_on(begun, ending):
    folder, process = begun
    member = child_of(process)
    process.send_signal(ending)
    process.communicate(timeout=120)
    assert process.returncode == (143 if ending == signal.SIGTERM else -9)
    wait(lambda: not alive(member))
    goes_on(folder)


@pytest.mark.slow
@linux
@pytest.mark.keras
def test_a_member_that_is_killed_is_told_and_the_next_one_trained(begun):
    folder, process = begun
    os.kill(child_of(process), signal.SIGKILL)
    table, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "failed: long, seed 4: ended by SIGKILL, perhaps because memory ran out" in table
    assert facts(folder / "out" / "sound-s4")["status"] == "finished"
    goes_on(folder)


# --- the tutorials' ------------------------------------------------------------------------------


@pytest.mark.keras
def test_the_comparison_of_the_tutorials(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (100, 28, 28), dtype=np.uint8), np.arange(100) % 10
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(tmp_path / "fashion_mnist.npz", **arrays)
    spec = importlib.util.spec_from_file_location("five", ROOT / "examples" / "fashion_five.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options = ["--limit", "60", "--epochs", "1", "--only", "lenet5"]
    places = ["--data-dir", str(tmp_path), "--dir", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["fashion_five.py", *options, *places])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert module.main() == 0
    said = capsys.readouterr().out
    assert said.startswith("| network ")
    assert "| lenet5 " in said
    assert "- machine: " in said
    assert (tmp_path / "out" / "comparison.png").exists()


# --- on a cluster --------------------------------------------------------------------------------


def test_jobs_are_the_commands_that_are_left_to_do(specs):
    folder = specs(a=NET)
    words = ["compare", "a.yaml", "--seeds", "3", "--dir", "out", "--limit", "9"]
    occupy(folder, limit=9)
    occupy(folder, limit=9, status="interrupted", more=1)
    done = command(folder, *words, "--jobs")
    here = f"cd {folder} && archspec train"
    assert done.stdout.splitlines() == [
        f"{here} --resume out/a-s5",
        f"{here} a.yaml --limit 9 --seed 6 --run-dir out/a-s6",
    ]
    assert done.stderr == "out/a-s4: trained already\n"


def test_a_job_that_has_just_begun_is_left_alone(specs):
    folder = specs(a=NET)
    begun = folder / "out" / "a-s4"
    begun.mkdir(parents=True)
    (begun / ".lock").touch()
    done = command(folder, "compare", "a.yaml", "--dir", "out", "--jobs")
    assert done.stdout == ""
    assert "a training has just begun in out/a-s4" in done.stderr
    assert begun.exists()


def test_jobs_are_for_specs(specs):
    folder = specs(a=NET)
    run = occupy(folder)
    for words in (["--jobs"], ["a.yaml", "--jobs", "-o", "x.png"], [str(run), "--jobs"]):
        assert command(folder, "compare", *words).returncode in (1, 2)
    with pytest.raises(TypeError):
        archspec.list_jobs(folder / "a.yaml", bach_size=3)


@pytest.mark.parametrize(
    "queue",
    [
        pytest.param("shells", marks=pytest.mark.slow),
        pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.keras]),
    ],
)
def test_the_runs_of_jobs_are_compared(specs, queue):
    folder = specs(a=NET)
    words = ["a.yaml", "--seeds", "2", "--limit", "40", "--dir", "out"]
    program = [sys.executable, "-m", "archspec"]
    script = folder / "archspec"
    script.write_text(f'#!/bin/sh\nexec {" ".join(program)} "$@"\n')
    script.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    lines = command(folder, "compare", *words, "--jobs").stdout.splitlines()
    environment = {**os.environ, "PATH": path}
    if queue == "ray":
        environment |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_memory_monitor_refresh_ms": "0"}
        program = [sys.executable, str(ROOT / "examples" / "ray_jobs.py")]
        jobs = "".join(f"{line}\n" for line in lines)
        assert subprocess.run(program, input=jobs, text=True, env=environment).returncode == 0
    else:  # as GNU parallel, or a job of an array of SLURM
        started = [subprocess.Popen(line, shell=True, cwd="/", env=environment) for line in lines]
        assert [each.wait() for each in started] == [0, 0]
    assert command(folder, "compare", *words, "--jobs").stdout == ""
    done = command(folder, "compare", *words)
    assert done.returncode == 0
    assert "trained already" in done.stderr
    assert "training" not in done.stderr.replace("trained already", "")
