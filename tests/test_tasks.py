"""Networks of every task are trained, evaluated and asked: the examples, and one of all at once."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

import archspec

pytestmark = pytest.mark.keras
EXAMPLES = ROOT / "examples" / "tasks"

EVERYTHING = """
archspec: 1
name: everything
inputs: {image: [8, 8, 3], body: [2]}
outputs: [kind, age, tags, mask, again]
layers:
  - {Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu}, from: image, name: map}
  - {GlobalAveragePooling2D: , name: flat}
  - {Concatenate: , from: [flat, body], name: trunk}
  - {Dense: {units: 2, activation: softmax}, from: trunk, name: kind}
  - {Dense: 1, from: trunk, name: age}
  - {Dense: {units: 3, activation: sigmoid}, from: trunk, name: tags}
  - {Conv2D: {filters: 2, kernel_size: 1, activation: softmax}, from: map, name: mask}
  - {Conv2D: {filters: 3, kernel_size: 1}, from: map, name: again}
train:
  data:
    name: all.csv
    inputs: {image: path, body: [height, weight]}
    targets: {mask: where, again: path}
    part: split
  loss: {age: Huber, tags: BinaryCrossentropy, again: MeanSquaredError}
  batch_size: 8
  epochs: 1
"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of everything, and a run that was trained on it."""
    folder = tmp_path_factory.mktemp("everything")
    random = np.random.default_rng(0)
    rows = ["path,where,height,weight,kind,age,tags,split"]
    for i in range(24):
        image = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(image).save(folder / f"{i}.png")
        Image.fromarray((image[..., 0] > 127).astype(np.uint8)).save(folder / f"{i}-m.png")
        part = "train" if i < 14 else "val" if i < 18 else "test"
        tags = ";".join(tag for tag, n in zip("abc", (2, 3, 5), strict=True) if i % n == 0)
        rows.append(f"{i}.png,{i}-m.png,{i},{2 * i},{'xy'[i % 2]},{i + 20},{tags},{part}")
    (folder / "all.csv").write_text("\n".join(rows) + "\n")
    graph = archspec.loads(EVERYTHING.replace("all.csv", str(folder / "all.csv")))
    archspec.train(graph, run_dir=folder / "run", quiet=True, echo=lambda line: None)
    return folder


def test_each_output_is_evaluated_by_its_task(everything: Path) -> None:
    found = archspec.evaluate(everything / "run")
    assert {name: each.task for name, each in found.outputs.items()} == {
        "kind": "classes", "age": "numbers", "tags": "labels", "mask": "mask", "again": "image"
    }  # fmt: skip
    assert found.part == "test"
    assert found.outputs["kind"].confusion.sum() == 6
    assert found.outputs["mask"].confusion.sum() == 6 * 64
    ages = found.outputs["age"].report["age"]
    assert ages["MAE of the mean"] == pytest.approx(1.5)  # of 38 to 43
    assert ages["MAE"] == pytest.approx(found.values["age_mean_absolute_error"], rel=1e-3)
    assert list(found.outputs["tags"].report) == ["a", "b", "c", "micro avg", "macro avg"]
    assert "age: numbers" in str(found)
    written = sorted(path.name for path in (everything / "run/evaluation").iterdir())
    assert written == [
        "again.images.png", "age.predicted.png", "kind.confusion.csv", "kind.confusion.png",
        "kind.mistakes.png", "mask.confusion.csv", "mask.confusion.png", "mask.masks.png",
        "report.json",
    ]  # fmt: skip
    report = json.loads((everything / "run/evaluation/report.json").read_text())
    assert report["outputs"]["mask"]["report"]["mean"]["places"] == 6 * 64


def test_a_table_is_predicted_on_in_words_and_as_data(everything: Path, capsys: Any) -> None:
    from archspec.cli import main

    words = ["predict", str(everything / "run"), str(everything / "all.csv"), "--format"]
    main([*words, "json", "-o", str(everything / "pictures")], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert [Path(each["file"]).name for each in found] == [f"{i}.png" for i in range(24)]
    outputs = found[3]["outputs"]
    assert set(outputs["kind"]["classes"]) == {"x", "y"}
    assert set(outputs["tags"]["labels"]) == {"a", "b", "c"}
    assert set(outputs["age"]["numbers"]) == {"age"}
    assert sum(outputs["mask"]["mask"].values()) == pytest.approx(1)
    assert np.asarray(Image.open(outputs["mask"]["file"])).shape == (8, 8)
    assert np.asarray(Image.open(outputs["again"]["file"])).shape == (8, 8, 3)
    main([*words, "csv"], standalone_mode=False)
    (_, first, *others) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert len(others) == 22
    assert float(first["age.age"]) == pytest.approx(found[1]["outputs"]["age"]["numbers"]["age"])
    main(words[:-1], standalone_mode=False)
    line = capsys.readouterr().out.splitlines()[0]
    assert "; age age " in line
    assert "; tags a " in line
    with pytest.raises(archspec.UserError, match=r"0\.mask\.png is there already|0.* is there"):
        archspec.predict(everything / "run", everything / "all.csv", output=everything / "pictures")


def test_predictions_of_a_table_are_those_of_the_model(everything: Path) -> None:
    from archspec.training.trained import load_trained

    model = load_trained(everything / "run").model
    images = [np.asarray(Image.open(everything / f"{i}.png"), np.float32) / 255 for i in range(3)]
    body = np.array([[i, 2 * i] for i in range(3)], np.float32)
    outputs = model.predict([np.stack(images), body], verbose=0)
    found = archspec.predict(everything / "run", everything / "all.csv")
    ages = [each["outputs"]["age"]["numbers"]["age"] for each in found[:3]]
    assert ages == pytest.approx([float(each[0]) for each in outputs[1]], rel=1e-3)


def test_a_run_of_everything_goes_on(everything: Path) -> None:
    longer = archspec.resume(
        everything / "run", epochs=2, run_dir=everything / "longer", quiet=True,
        echo=lambda line: None,
    )  # fmt: skip
    assert longer is not None
    assert len(longer.history) == 2


# --- the examples --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    command = [sys.executable, str(EXAMPLES / "make_data.py"), "build/tasks"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def _measure(name: str, found: Any) -> tuple[float, float]:
    """What the network reaches on samples that it has not seen, and what it must be above."""
    report = found.report
    if name == "unet":  # to mark every pixel has the digit's share of places for its IoU
        share = report["1"]["places"] / report["mean"]["places"]
        return report["1"]["IoU"], (1 + share) / 2
    if name in ("angle", "digit_and_angle"):
        angles = found.outputs["angle"].report["angle"]
        return -angles["MAE"], -angles["MAE of the mean"] / 3
    if name == "attributes":
        return report["macro avg"]["average precision"], 0.9
    if name == "denoising":  # less than half of the noise is left, and of the digit little is lost
        return -report["all"]["MSE"], -(0.2**2) / 2
    return report["accuracy"], 0.85


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.yaml")))
def test_an_example_learns_its_task(
    name: str, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(examples)
    said: list[str] = []
    run = archspec.train(EXAMPLES / f"{name}.yaml", quiet=True, echo=said.append)
    found = archspec.evaluate(run)
    reached, baseline = _measure(name, found)
    assert reached > baseline, f"{name}: {reached} is not above {baseline}\n{found}"
    if name == "digit_and_angle":
        assert found.outputs["digit"].report["accuracy"] > 0.8
    if name == "denoising":
        noisy = _add_noise()
        cleaned = run.model.predict(noisy[0], verbose=0)
        assert np.mean((cleaned - noisy[1]) ** 2) < np.mean((noisy[0] - noisy[1]) ** 2) / 2


def _add_noise() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    clean = load_digits().images[:200, ..., None] / 16
    return clean + np.random.default_rng(0).normal(0, 0.2, clean.shape), clean
