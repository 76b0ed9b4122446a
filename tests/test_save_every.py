"""A run that saves its state within an epoch goes on in the middle of it as if it had not ended."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from shrinking import ALL, slow_but_first
from test_resume import NET, PLAIN, benchmark, refusal, resume, train

import archspec
from archspec.errors import Refused
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras

AVERAGED = PLAIN.replace("epochs: 5", "epochs: 5\n  optimizer: {Adam: {use_ema: true}}")
WAYS = {
    "augmented": (NET, {}),
    "plain": (PLAIN, {}),
    "averaged": (AVERAGED, {}),
    "by steps": (PLAIN, {"epochs": None, "steps": 122}),
}
# Streamed or not. What is averaged is so after each step, wherever it comes from.
CASES = [("plain", False), ("augmented", False), ("averaged", False), ("by steps", False)]
CASES += [("augmented", True), ("by steps", True)]
CASES += [("plain", True), ("averaged", True)] if ALL else []


def list_states(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "last").iterdir() if path.name[0] != ".")


def stop_within(monkeypatch: pytest.MonkeyPatch, epochs: int, least: int = 1) -> None:
    """Press Ctrl-C when a state is written after so many epochs and at least so many steps."""
    from archspec.training import recorder

    write = recorder.write_state

    def written(folder, state):
        write(folder, state)
        if state.epochs == epochs and state.step >= least:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)  # the next state waits for this one, and Ctrl-C comes before it

    monkeypatch.setattr(recorder, "write_state", written)


@pytest.mark.parametrize("case", slow_but_first(CASES), ids=str)
def test_it_goes_on_within_an_epoch(case, tmp_path, monkeypatch):
    way, streamed = case
    text, options = WAYS[way]
    text += "  save_every: {steps: 9}\n"
    if streamed:
        from archspec.training import feed

        monkeypatch.setattr(feed, "BUDGET", 0)
    train(tmp_path / "whole", text, **options)
    with monkeypatch.context() as patch:
        stop_within(patch, 2)
        assert train(tmp_path / "run", text, **options).interrupted
    left = list_states(tmp_path / "run")
    assert [name for name in left if name.startswith("0002-")], left
    said: list[str] = []
    with monkeypatch.context() as patch:  # and once more, in the same epoch and in another one
        stop_within(patch, 2, 20)
        assert resume(tmp_path / "run", said).interrupted
        stop_within(patch, 1 if way == "by steps" else 3)
    assert any("resuming after step " in line and "of epoch 3" in line for line in said)
    assert not resume(tmp_path / "run", said).interrupted
    assert benchmark().differences(tmp_path / "whole", tmp_path / "run") == []
    assert not [name for name in list_states(tmp_path / "run") if "-" in name]


@pytest.mark.slow
def test_in_the_first_epoch_too(tmp_path, monkeypatch):
    text = NET + "  save_every: {minutes: 0.00001}\n"
    train(tmp_path / "whole", text)
    with monkeypatch.context() as patch:
        stop_within(patch, 0)
        assert train(tmp_path / "run", text).interrupted
    said: list[str] = []
    assert not resume(tmp_path / "run", said, run_dir=tmp_path / "new").interrupted
    assert any("of epoch 1" in line for line in said)
    assert benchmark().differences(tmp_path / "whole", tmp_path / "new") == []


@pytest.fixture(scope="module")
def within(tmp_path_factory):
    """A run that was stopped within its third epoch."""
    folder = tmp_path_factory.mktemp("within") / "run"
    with pytest.MonkeyPatch.context() as patch:
        stop_within(patch, 2)
        assert train(folder, PLAIN + "  save_every: {steps: 5}\n").interrupted
    return folder


@pytest.mark.slow
def test_a_changed_run_goes_on_from_the_whole_epoch_before(within, tmp_path):
    said: list[str] = []
    resume(within, said, epochs=6, run_dir=tmp_path / "longer")
    assert "resuming after epoch 2" in said
    train(tmp_path / "whole", PLAIN + "  save_every: {steps: 5}\n", epochs=6)
    assert benchmark().differences(tmp_path / "whole", tmp_path / "longer") == []


@pytest.mark.slow
def test_how_often_it_is_saved_may_change(within, tmp_path):
    settings = {"train.save_every": None}
    resume(within, settings=settings, run_dir=tmp_path / "run")
    train(tmp_path / "whole", PLAIN)
    assert benchmark().differences(tmp_path / "whole", tmp_path / "run") == []


def test_a_damaged_state_within_an_epoch_is_passed_over(within, tmp_path):
    run = Path(shutil.copytree(within, tmp_path / "run"))
    (state,) = (run / "last").glob("0002-*.npz")
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    said: list[str] = []
    resume(run, said)
    assert any(f"{state} is damaged" in line for line in said)
    assert "resuming after epoch 2" in said


def test_a_state_under_another_step_is_passed_over(within, tmp_path):
    run = Path(shutil.copytree(within, tmp_path / "run"))
    (state,) = (run / "last").glob("0002-*.npz")
    state.rename(state.with_name("0002-41.npz"))
    said: list[str] = []
    resume(run, said)
    assert any("it is of epoch 2 and step" in line for line in said)


def test_a_state_without_metrics_is_refused(within, tmp_path):
    from archspec.runs.folder import RunFolder
    from archspec.training import state

    run = Path(shutil.copytree(within, tmp_path / "run"))
    found = state.load_state(run, print)
    assert found is not None
    assert found.step
    arrays = {name: each for name, each in found.arrays.items() if not name.startswith("metric")}
    state.write_state(RunFolder.open(run), replace(found, arrays=arrays))
    assert "the saved state is of another network" in refusal(run)


@pytest.mark.parametrize(
    "given",
    [{}, {"steps": 0}, {"minutes": 0}, {"steps": 5, "minutes": 1}, {"hours": 1}, 5, {"steps": 1.5}],
)
def test_another_interval_is_refused(given):
    with pytest.raises(Refused) as caught:
        recipe_of(archspec.loads(PLAIN), {"save_every": given})
    assert "save_every" in str(caught.value)


@pytest.mark.slow
def test_it_is_saved_as_often_as_it_says(tmp_path, monkeypatch):
    from archspec.training import recorder

    write, steps = recorder.write_state, []

    def written(folder, state):
        write(folder, state)
        steps.append((state.epochs, state.step))

    monkeypatch.setattr(recorder, "write_state", written)
    train(tmp_path / "run", PLAIN + "  save_every: {steps: 8}\n", epochs=2)
    per_epoch = int(np.ceil(1294 / 32))
    within = [(0, step) for step in range(8, per_epoch, 8)]
    assert steps == [*within, (1, 0), *((1, step) for _, step in within), (2, 0)]
