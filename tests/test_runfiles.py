"""The files of a run that somebody or something damaged: each is told, by name, and nothing hangs.

Many more are read in tests/test_fuzzing.py; these are the ones that have happened.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from fuzzing import SPEC
from PIL import Image

import archspec
from archspec.comparing.compare import compare
from archspec.errors import ArchspecError, UserError
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras


def train(folder: Path, epochs: int = 3, text: str = SPEC) -> None:
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    graph = archspec.loads(text)
    run_options = RunOptions(quiet=True, echo=lambda said: None)
    train(graph, recipe_of(graph, epochs=epochs), run_options, run_dir=folder, limit=60, text=text)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A finished run of three epochs, the first of which is the best; an image is beside it."""
    place = tmp_path_factory.mktemp("runs")
    train(place / "sound")
    Image.new("L", (8, 8)).save(place / "0.png")
    return place / "sound"


@pytest.fixture
def run(sound, tmp_path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "run"))


def resume(run: Path, **options: Any) -> list[str]:
    """Go on with a run; what it said."""
    from archspec.runs.job import RunOptions
    from archspec.training.resume import resume

    said: list[str] = []
    resume(run, None, RunOptions(quiet=True, echo=said.append), **options)
    return said


def differences(one: Path, two: Path) -> list[str]:
    """What two runs that should be the same do not share, as benchmarks/resume.py has it."""
    spec = importlib.util.spec_from_file_location("resume", ROOT / "benchmarks" / "resume.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.differences(one, two))


def rewritten(path: Path, **changes: Any) -> None:
    """Write a state again, with other facts."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    facts = json.loads(arrays["facts"].tobytes()) | changes
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(path, **arrays)


# --- states --------------------------------------------------------------------------------------


def deflated_and_broken(path: Path) -> None:
    with np.load(path) as file:
        np.savez_compressed(path, **{name: file[name] for name in file.files})
    content = bytearray(path.read_bytes())
    content[45:70] = bytes(each ^ 255 for each in content[45:70])
    path.write_bytes(content)


def encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)


def deeply_nested(path: Path) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **arrays | {"facts": np.frombuffer(b"[" * 100_000, np.uint8)})


def with_other_columns(path: Path) -> None:
    with np.load(path) as file:
        memories = json.loads(file["facts"].tobytes())["memories"]
    memories[0]["rows"][1]["acc"] = memories[0]["rows"][1].pop("accuracy")
    rewritten(path, memories=memories)


def with_a_best_beyond_float32(path: Path) -> None:
    with np.load(path) as file:
        memories = json.loads(file["facts"].tobytes())["memories"]
    memories[1]["best"] = 1e200
    rewritten(path, memories=memories)


def without_a_callback(path: Path) -> None:
    with np.load(path) as file:
        memories = json.loads(file["facts"].tobytes())["memories"]
    rewritten(path, memories=memories[:1])


def of_objects(path: Path) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **arrays | {"variable.0": np.array([{}], object)})


def of_another_epoch(path: Path) -> None:
    shutil.copy(path.with_name("0002.npz"), path)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (deflated_and_broken, "it cannot be unpacked"),
        (encrypted, "it cannot be unpacked"),
        (deeply_nested, "it is nested too deeply"),
        (with_other_columns, "do not have the same columns"),
        (with_a_best_beyond_float32, "best must be a number that a float32 holds or null"),
        (without_a_callback, "it lacks what a callback remembers"),
        (of_objects, "an array in it cannot be read"),
        (of_another_epoch, "it is of epoch 2"),
        (lambda path: rewritten(path, epochs="x"), "epochs must be an integer of at least 0"),
        (lambda path: rewritten(path, memories=[]), "memories must be a list of at least 1"),
        (lambda path: rewritten(path, resolved=None), "resolved must be a text"),
        (lambda path: rewritten(path, stopped=1), "stopped must be true or false"),
        (lambda path: rewritten(path, sums={"variable.0.npy": 7}), "not those that it was written"),
        (lambda path: path.write_bytes(b""), "it cannot be unpacked"),
    ],
)
def test_a_damaged_state_is_named_and_the_one_before_it_taken(run, damage, why):
    from archspec.training.state import load_state

    path, said = run / "last" / "0003.npz", []
    damage(path)
    state = load_state(run, said.append)
    assert state is not None
    assert state.epochs == 2
    assert len(said) == 1
    assert said[0].startswith(f"warning: {path} is damaged (")
    assert why in said[0]


def test_a_file_that_only_looks_like_a_state_is_named_and_passed_over(run):
    from archspec.training.state import load_state

    said: list[str] = []
    stray = shutil.copy(run / "last" / "0003.npz", run / "last" / "5x.npz")
    state = load_state(run, said.append)
    assert state is not None
    assert state.epochs == 3
    assert said == [f"warning: {stray} is no state of this run: passing it over"]


def test_a_damaged_state_of_the_best_epoch_is_told_and_best_keras_taken(run):
    path = run / "last" / "0001.npz"
    path.write_bytes(b"x")
    said = resume(run)
    assert said[0].startswith(f"warning: {path} is damaged")
    assert said[0].endswith("taking best.keras for it")
    assert "is finished" in said[1]


def test_other_columns_than_before_are_told(run, tmp_path):
    """As a version of Keras might have it that calls a metric otherwise."""
    path = run / "last" / "0003.npz"
    with np.load(path) as file:
        memories = json.loads(file["facts"].tobytes())["memories"]
    for row in memories[0]["rows"]:
        row["acc"] = row.pop("accuracy")
    rewritten(path, memories=memories)
    with pytest.raises(
        UserError, match=r"the epochs before have the columns epoch, loss, .* acc, "
    ):
        resume(run, epochs=4, run_dir=tmp_path / "longer")


# --- states of other versions --------------------------------------------------------------------


def write_as_before(path: Path) -> None:
    """Write a state again as the first versions did.

    It has no version, no check sums and no list of the states that are kept with it. The recorder
    follows the loss and does not say so; callbacks of ours have a memory, too; and the weights of
    the best epoch are among the arrays.
    """
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    facts = json.loads(arrays["facts"].tobytes())
    for name in ("version", "kept", "sums"):
        del facts[name]
    del facts["memories"][0]["by_loss"]
    facts["memories"][0] |= {"started": 17.5, "trained": None, "seen": 60}
    facts["memories"] += [{}, {"left": 3}]
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(path, **arrays, **{"0.best_weights.0": arrays["variable.0"]})


@pytest.mark.slow
def test_a_state_without_a_version_is_gone_on_from(tmp_path):
    run = tmp_path / "run"
    train(run, text=SPEC.replace("monitor: loss, mode: max, ", "").replace("true", "false"))
    states = sorted((run / "last").iterdir())
    with np.load(states[-1]) as file:
        assert json.loads(file["facts"].tobytes())["version"] == 1, "else this shows nothing"
    resume(run, epochs=5, run_dir=tmp_path / "new")
    for path in states:
        write_as_before(path)
    said = resume(run, epochs=5, run_dir=tmp_path / "old")
    assert "resuming after epoch 3" in said
    assert not any("warning" in line for line in said)
    assert differences(tmp_path / "new", tmp_path / "old") == []


def test_what_the_recorder_followed_before_is_the_loss(run):
    from archspec.training.state import load_state

    write_as_before(run / "last" / "0003.npz")
    state = load_state(run, print)
    assert state is not None
    assert [set(each) for each in state.memories] == [
        {"rows", "best", "best_epoch", "by_loss"},
        {"wait", "stopped_epoch", "best", "best_epoch"},
        {"wait", "cooldown_counter", "best"},
    ]
    assert state.memories[0]["by_loss"] is True
    assert list(state.kept) == [1, 2, 3]


def test_a_state_of_a_newer_version_is_refused(run, tmp_path):
    """Else the run would go on from an older one, or from the beginning."""
    path = run / "last" / "0003.npz"
    rewritten(path, version=2, memories="in another way")
    held = {each: each.read_bytes() for each in run.rglob("*") if each.is_file()}
    for options in ({}, {"epochs": 5, "run_dir": tmp_path / "longer"}):
        with pytest.raises(UserError) as refused:
            resume(run, **options)
        assert f"{path} was written by a newer version of archspec" in str(refused.value)
        assert "update archspec" in (refused.value.hint or "")
    assert not (tmp_path / "longer").exists()
    assert {each: each.read_bytes() for each in run.rglob("*") if each.is_file()} == held


@pytest.mark.parametrize(
    ("version", "why"), [("2", "an integer"), (0, "at least 1"), (None, "an integer")]
)
def test_a_version_that_is_none_is_damage(run, version, why):
    from archspec.training.state import load_state

    said: list[str] = []
    rewritten(run / "last" / "0003.npz", version=version)
    state = load_state(run, said.append)
    assert state is not None
    assert state.epochs == 2
    assert "version must be an integer of at least 1, got" in said[0]
    assert why in said[0]


# --- what a state may set ------------------------------------------------------------------------


def changes(callback: Any, losses: list[float]) -> set[str]:
    """The attributes of one of Keras's callbacks that change between epochs."""
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    callback.set_model(model)
    callback.on_train_begin()
    seen = [dict(vars(callback))]
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_begin(0)
        callback.on_train_batch_end(0, {"loss": loss})
        callback.on_epoch_end(epoch, {"loss": loss})
        seen.append(dict(vars(callback)))
    return {
        name
        for each in seen
        for name in each.keys() | seen[0].keys()
        if each.get(name, seen) != seen[0].get(name, seen)
    }


WATCHED = {
    "EarlyStopping": {
        **{"monitor": "loss", "patience": 2, "min_delta": 0.1, "restore_best_weights": True}
    },
    "ReduceLROnPlateau": {"monitor": "loss", "patience": 2, "cooldown": 2},
    "TerminateOnNaN": {},
}
FOLLOWS = {"monitor_op", "min_delta"}  # from the arguments, when the first epoch ends


def test_a_state_holds_all_that_a_callback_remembers(tmp_path):
    """Neither more, which a damaged file could set, nor less, which would be forgotten."""
    from archspec.objects import CALLBACKS
    from archspec.runs.contents import CALLBACK_MEMORY
    from archspec.training.callbacks import build_callback

    # What a TensorBoard remembers is of batches, and none are trained here.
    assert {*WATCHED, "TensorBoard"} == set(CALLBACKS.table) == set(CALLBACK_MEMORY)
    for name, arguments in WATCHED.items():
        losses = [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, float("nan")]
        changed = changes(build_callback({name: arguments}, tmp_path), losses)
        assert changed - FOLLOWS == set(CALLBACK_MEMORY[name]), name


def test_a_state_holds_all_that_the_recorder_remembers(tmp_path, monkeypatch):
    from archspec.runs.contents import RECORDER_MEMORY
    from archspec.training import fitting
    from archspec.training.recorder import Recorder

    seen: list[dict[str, str]] = []
    memories: list[dict[str, Any]] = []

    class Seen(Recorder):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            super().on_epoch_begin(epoch, logs)
            seen.append({name: repr(value) for name, value in vars(self).items()})

        def memory(self) -> dict[str, Any]:
            memories.append(super().memory())
            return memories[-1]

    monkeypatch.setattr(fitting, "Recorder", Seen)
    train(tmp_path / "run")
    changed = {name for each in seen for name in each if each[name] != seen[0].get(name)}
    of_the_epoch = {"started", "trained", "seen"}
    # What it follows is settled before the first epoch, but for a run of an older version.
    assert changed - of_the_epoch == set(memories[0]) - {"by_loss"}
    assert set(memories[0]) == set(RECORDER_MEMORY["properties"])
    other = Recorder(*[None] * 7)
    for memory in memories:
        other.remember(memory)
        assert other.memory() == memory


# --- what is no file -----------------------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as it:
        os.chdir(path.parent)  # the name of a socket is short
        it.bind(path.name)


def instead(path: Path, put: Callable[[Path], None]) -> None:
    """Put something else where a file or folder is."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    put(path)


def evaluated(run: Path, sound: Path) -> object:
    from archspec.training.evaluating import evaluate

    return evaluate(run)


def predicted(run: Path, sound: Path) -> object:
    from archspec.training.predicting import predict

    return predict(run, [sound.parent / "0.png"])


def gone_on(run: Path, sound: Path) -> object:
    return resume(run, epochs=4, run_dir=run.with_name("longer"))


def compared(run: Path, sound: Path) -> object:
    found = compare([str(sound), str(run)], echo=lambda said: None)
    if found.left_out:
        raise UserError(*found.left_out)
    return found


READ = [
    *(("run.json", verb) for verb in (evaluated, predicted, gone_on, compared)),
    *(("resolved.yaml", verb) for verb in (evaluated, predicted, gone_on, compared)),
    *(("best.keras", verb) for verb in (evaluated, predicted)),
    *(("metrics.json", compared), ("history.csv", compared)),
    *(("spec.yaml", gone_on), ("last", gone_on)),
]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch, tmp_path):
    """End what waits for a pipe; and go back from where a socket was made."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError("it hangs")

    monkeypatch.chdir(tmp_path)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("name", "verb", "put"),
    [
        (name, verb, put)
        for name, verb in READ
        for put in (pipe, device, folder, listening)
        if (name, put) != ("last", folder)
    ],
)
def test_what_is_no_file_is_named_and_not_waited_for(run, sound, name, verb, put):
    instead(run / name, put)
    with pytest.raises(ArchspecError) as told:
        verb(run, sound)
    assert str(run / name) in str(told.value)


@pytest.mark.parametrize("put", [pipe, device, folder, listening])
def test_a_state_that_is_no_file_is_passed_over(run, put):
    from archspec.training.state import load_state

    said: list[str] = []
    instead(run / "last" / "0003.npz", put)
    state = load_state(run, said.append)
    assert state is not None
    assert state.epochs == 2
    assert f"{run / 'last' / '0003.npz'} is damaged (it is a" in said[0]


@pytest.mark.parametrize("verb", [evaluated, predicted, gone_on, compared])
def test_what_a_verb_does_not_need_may_be_anything(run, sound, verb):
    names = {path.name for path in run.iterdir()}
    for name in names - {name for name, reader in READ if reader == verb}:
        instead(run / name, pipe)
    assert verb(run, sound)


def test_a_lock_that_is_no_file_is_named(run):
    facts = (run / "run.json").read_text().replace('"finished"', '"running"')
    (run / "run.json").write_text(facts)
    instead(run / ".lock", pipe)
    with pytest.raises(UserError, match=r"run/\.lock is not the empty file"):
        resume(run)


# --- the model -----------------------------------------------------------------------------------


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_flipped_byte_in_the_model_is_told_and_the_model_written_again(run, sound):
    from archspec.training.trained import load_trained

    flip(run / "best.keras")
    with pytest.raises(UserError, match=r"cannot read .*best\.keras: the check sum of") as told:
        evaluated(run, sound)
    assert f"archspec train --resume {run} writes it again" in (told.value.hint or "")
    assert "best.keras: the check sum" in resume(run)[0]
    same = [load_trained(each).model.get_weights() for each in (run, sound)]
    assert all(np.array_equal(one, other) for one, other in zip(*same, strict=True))


def test_a_lost_model_is_no_model_that_is_to_come(run, sound):
    (run / "best.keras").unlink()
    with pytest.raises(UserError, match=r"cannot read .*best\.keras: no such file"):
        evaluated(run, sound)
    shutil.rmtree(run / "last")
    with pytest.raises(UserError, match="no such file") as told:
        resume(run)
    assert "train the spec anew" in (told.value.hint or "")


def test_weights_that_the_model_lacks_are_told(run, sound):
    """Keras warns only, of some, that they are as they were before training."""
    import h5py

    path = run / "best.keras"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    (run / "weights.h5").write_bytes(members["model.weights.h5"])
    with h5py.File(run / "weights.h5", "a") as file:
        del file["layers/dense"]
    members["model.weights.h5"] = (run / "weights.h5").read_bytes()
    with zipfile.ZipFile(path, "w") as new:
        for name, held in members.items():
            new.writestr(name, held)
    with pytest.raises(UserError, match=r"cannot read .*best\.keras: "):
        predicted(run, sound)


@pytest.mark.parametrize("verb", [evaluated, gone_on])
def test_a_place_of_the_images_that_is_no_text_is_told(run, sound, verb):
    facts = json.loads((run / "run.json").read_text())
    facts["data"]["found"] = 3
    (run / "run.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"run\.json .* data\.found must be a text or null, got 3"):
        verb(run, sound)


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [predicted, compared])
def test_an_edited_network_is_not_taken_for_the_one_that_was_trained(run, sound, verb):
    path = run / "resolved.yaml"
    path.write_text(path.read_text().replace("softmax", "sigmoid"))
    with pytest.warns(UserWarning, match="is not the network that run.json tells of"):
        verb(run, sound)


def test_a_run_with_a_fingerprint_of_the_older_form_has_the_same_network(run):
    from archspec.runs.folder import RunFolder

    graph = archspec.loads(
        "archspec: 1\ninput: [4, 4, 3]\nlayers: [BatchNormalization: 3, Flatten, Dense: 2]\n"
    )
    assert graph.older_fingerprint != graph.fingerprint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = {"fingerprint": graph.older_fingerprint}
        RunFolder.open(run).warn_of_other_network(graph, facts)
