"""What a loss takes for its target, and that nothing else is trained on."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shrinking import slow_but_first

import archspec
from archspec.data import datasets as data
from archspec.errors import SpecError, UserError
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras

NET = """\
archspec: 1
name: net
input: [8, 8, 1]
layers:
  - Flatten
  - {head}
    name: head
train: {{epochs: 2, loss: {loss}}}
"""


def train(folder: Path, head: str, loss: str, name: str, **options: Any) -> Any:
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    graph = archspec.loads(NET.format(head=head, loss=loss))
    said: list[str] = []
    recipe = recipe_of(graph, data=name)
    run = train(graph, recipe, RunOptions(quiet=True, echo=said.append), run_dir=folder, **options)
    return run, said


@pytest.fixture
def two(tmp_path: Path) -> str:
    """Dark images and light ones."""
    for name, low in (("dark", 0), ("light", 155)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(20):
            image = np.random.default_rng(i).integers(low, low + 101, (8, 8), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "photos" / name / f"{i:02}.png")
    return str(tmp_path / "photos")


@pytest.mark.parametrize("loss", ["MeanSquaredError", "Poisson", "Dice"])
@pytest.mark.parametrize("units", [1, 10])
@pytest.mark.parametrize("name", ["digits", "photos"])
def test_a_loss_of_numbers_learns_no_classes(
    loss: str, units: int, name: str, two: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        train(tmp_path / "run", f"Dense: {units}", loss, two if name == "photos" else name)
    assert f"output 'head' has the loss {loss}" in str(caught.value)
    assert "takes numbers" in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("loss", slow_but_first([
    *("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "BinaryCrossentropy", "Hinge"),
    *("SparseCategoricalCrossentropy", "CategoricalHinge", "SquaredHinge", "KLDivergence"),
    *("BinaryFocalCrossentropy", "CategoricalGeneralizedCrossEntropy"),
], 3))  # fmt: skip
def test_losses_of_classes_are_trained(loss: str, tmp_path: Path) -> None:
    head = "Dense: {units: 10, activation: softmax}"
    run, _ = train(tmp_path / "run", head, loss, "digits", limit=40)
    assert len(run.history) == 2


def test_units_without_a_class_are_warned_of_before_the_training(tmp_path: Path) -> None:
    loss = "SparseCategoricalCrossentropy"
    _, said = train(
        tmp_path / "run", "Dense: {units: 12, activation: softmax}", loss, "digits", limit=20
    )
    warning = "warning: output 'head' has 12 units, but digits has 10 classes; give it 10 units"
    assert said[1] == warning


@pytest.mark.parametrize(
    "loss", ["SparseCategoricalCrossentropy", "CategoricalHinge", "KLDivergence"]
)
def test_one_unit_is_told_which_loss_it_wants(loss: str) -> None:
    with pytest.raises(SpecError, match=f"{loss} compares classes, and an output of one unit"):
        archspec.loads(NET.format(head="Dense: 1", loss=loss))


def test_one_unit_and_more_classes_are_told_how_many_units(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has 10 classes, but output 'head' has 1 unit"):
        train(tmp_path / "run", "Dense: {units: 1, activation: sigmoid}", "null", "digits")


@pytest.mark.parametrize("head", ["Dense: 1", "Dense: {units: 1, activation: sigmoid}"])
def test_accuracy_of_one_unit_is_the_share_of_its_right_guesses(
    head: str, two: str, tmp_path: Path
) -> None:
    from archspec.training.evaluating import evaluate

    train(tmp_path / "run", head, "null", two)
    found = evaluate(tmp_path / "run", part="train")
    assert found.values["accuracy"] == pytest.approx(found.report["accuracy"], abs=1e-6)
    assert "BinaryCrossentropy" in (tmp_path / "run/resolved.yaml").read_text()


def test_a_run_of_before_goes_on_as_it_was(two: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Runs were begun with such losses once."""
    from archspec.data import binding
    from archspec.training.evaluating import evaluate
    from archspec.training.resume import resume

    head = "Dense: {units: 2, activation: softmax}"
    with monkeypatch.context() as patch:
        patch.setattr(binding, "find_task", lambda *arguments: "classes")
        train(tmp_path / "run", head, "MeanSquaredError", two)
    facts = json.loads((tmp_path / "run/run.json").read_text())
    for key in ("found", "inputs", "outputs"):
        del facts["data"][key]
    (tmp_path / "run/run.json").write_text(json.dumps(facts))
    assert evaluate(tmp_path / "run").values["loss"] < 1
    resume(tmp_path / "run", epochs=3, run_dir=tmp_path / "longer")
    with (tmp_path / "longer/history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
    assert "MeanSquaredError" in (tmp_path / "longer/resolved.yaml").read_text()


@pytest.mark.slow
def test_the_data_are_found_where_they_were(tmp_path: Path, monkeypatch: Any) -> None:
    """In another shell ARCHSPEC_DATA is not set."""
    from archspec.training.evaluating import evaluate
    from archspec.training.resume import resume

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(data, "DEBIAN", Path("/nonexistent"))
    (tmp_path / "sets").mkdir()
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    labels = np.arange(40) % 10
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(tmp_path / "sets/mnist.npz", **arrays)
    monkeypatch.setenv("ARCHSPEC_DATA", str(tmp_path / "sets"))
    train(tmp_path / "run", "Dense: 10", "null", "mnist")
    monkeypatch.delenv("ARCHSPEC_DATA")
    monkeypatch.setattr(data, "_download", lambda name, data_dir: pytest.fail("not found"))
    assert evaluate(tmp_path / "run").part == "test"
    assert resume(tmp_path / "run", epochs=3, run_dir=tmp_path / "longer") is not None
    (tmp_path / "sets").rename(tmp_path / "moved")
    assert evaluate(tmp_path / "run", data_dir=tmp_path / "moved").part == "test"
    monkeypatch.setattr(data, "_download", lambda name, data_dir: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(tmp_path / "run")
