"""What a finished run is used for: evaluate, predict; and what a run shows while it goes on."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import pty
import re
import statistics
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from loaded import load_dataset
from PIL import Image

import archspec
from archspec.cli import main
from archspec.errors import UserError
from archspec.recipe import recipe_of

pytestmark = pytest.mark.keras

NET = """\
archspec: 1
name: net
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 8, kernel_size: 3, activation: relu}
  - Flatten
  - Dense: 10
train: {data: digits, epochs: 6, optimizer: {Adam: 0.01}}
"""


def train(folder: Path, text: str = NET, **options):
    from archspec.runs.job import RunOptions
    from archspec.training.run import train

    run_options = RunOptions(
        quiet=True, echo=lambda said: None, weights=options.pop("weights", False),
        device=options.pop("device", None),
    )  # fmt: skip
    graph = archspec.loads(text)
    return train(graph, recipe_of(graph, **options), run_options, run_dir=folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "net"
    train(folder, weights=True)
    return folder


# --- evaluate ------------------------------------------------------------------------------------


def test_evaluate_says_what_the_run_said(run):
    from archspec.training.evaluating import evaluate

    found = evaluate(run)
    metrics = json.loads((run / "metrics.json").read_text())
    assert found.values == pytest.approx(metrics["test"], abs=1e-6)
    assert found.confusion.sum() == 359
    right = np.trace(found.confusion) / 359
    assert right == pytest.approx(metrics["test"]["accuracy"], abs=1e-6)
    row = found.confusion[3]
    assert found.report["3"]["recall"] == pytest.approx(row[3] / row.sum())
    place = run / "evaluation"
    assert sorted(path.name for path in place.iterdir()) == [
        "confusion.csv",
        "confusion.png",
        "mistakes.png",
        "report.json",
    ]
    lines = (place / "confusion.csv").read_text().splitlines()
    assert lines[4].split(",") == ["3", *map(str, row)]
    assert json.loads((place / "report.json").read_text())["part"] == "test"
    assert all(Image.open(place / name).size[0] > 400 for name in ("confusion.png", "mistakes.png"))


def test_evaluate_on_another_part(run):
    from archspec.training.evaluating import evaluate

    metrics = json.loads((run / "metrics.json").read_text())
    assert evaluate(run, part="validation").values == pytest.approx(metrics["validation"], abs=1e-6)


def test_other_data_of_one_part_is_judged_whole(run, tmp_path):
    from archspec.training.evaluating import evaluate

    test = load_dataset("digits").test
    np.savez(tmp_path / "other.npz", x=np.asarray(test.images), y=test.labels)
    found = evaluate(run, data=str(tmp_path / "other.npz"))
    assert (found.part, found.confusion.sum()) == ("train", len(test))
    metrics = json.loads((run / "metrics.json").read_text())
    assert found.values == pytest.approx(metrics["test"], abs=1e-6)
    found = evaluate(run, data=str(tmp_path / "other.npz"), part="validation")
    assert found.confusion.sum() == 36


def test_other_classes_are_refused(run, tmp_path):
    from archspec.training.evaluating import evaluate

    labels = np.arange(30) % 3
    images = np.zeros((30, 8, 8), np.uint8)
    np.savez(tmp_path / "three.npz", x_train=images, y_train=labels)
    with pytest.raises(UserError, match="three has the classes 0, 1, 2"):
        evaluate(run, data=str(tmp_path / "three.npz"))


# --- predict -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Twenty test images of digits as files, and one of another size."""
    folder = tmp_path_factory.mktemp("pictures")
    test = load_dataset("digits").test
    for i in range(20):
        pixels = (test.images[i] / 16 * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    Image.open(folder / "00.png").resize((20, 30)).save(folder / "large.png")
    return sorted(folder.iterdir())


def test_predict_is_the_models_word(run, pictures):
    from archspec.training.predicting import predict
    from archspec.training.trained import load_trained

    found = predict(run, pictures[:20], top=10)
    assert [each["file"] for each in found] == [str(path) for path in pictures[:20]]
    assert predict(run, [pictures[20], pictures[3].parent], top=10, resize=True)[1:21] == found
    model = load_trained(run).model
    test = load_dataset("digits").test
    logits = model.predict(test.images[:20, ..., None].astype(np.float32) / 16, verbose=0)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for each, share in zip(found, shares, strict=True):
        assert [each["classes"][str(i)] for i in range(10)] == pytest.approx(share, abs=0.02)
        assert list(each["classes"].values()) == sorted(each["classes"].values(), reverse=True)
    guesses = [int(next(iter(each["classes"]))) for each in found]
    assert np.mean(guesses == test.labels[:20]) > 0.7


def test_predict_names_what_it_cannot_read(run, pictures, tmp_path):
    from archspec.training.predicting import predict

    with pytest.raises(UserError, match=r"there is no image none\.png"):
        predict(run, [Path("none.png")])
    with pytest.raises(UserError, match=r"large\.png is 30x20, the spec's input 8x8x1"):
        predict(run, [pictures[20]])
    assert predict(run, [pictures[20]], resize=True)[0]["classes"]
    broken = tmp_path / "broken.png"
    broken.write_bytes(pictures[0].read_bytes()[:-30])
    with pytest.raises(UserError, match=f"cannot read the image {broken}") as caught:
        predict(run, [broken])
    assert caught.value.hint == "give images, such as PNG or JPEG files"


def test_predict_refuses_arrays_of_another_scale(run, pictures, tmp_path):
    from archspec.training.predicting import predict

    pixels = np.stack([np.asarray(Image.open(path)) for path in pictures[:20]])
    np.savez(tmp_path / "bytes.npz", x=pixels)
    with pytest.raises(UserError, match="is given uint8 from 0 to 255, and learnt from 0 to 16"):
        predict(run, [tmp_path / "bytes.npz"])
    np.savez(tmp_path / "same.npz", x=load_dataset("digits").test.images[:20])
    assert len(predict(run, [tmp_path / "same.npz"])) == 20


def test_predict_takes_the_array_of_the_file_that_it_is_given(run, tmp_path):
    """And not those beside it, which have the names of the training."""
    from archspec.training.predicting import predict

    images = load_dataset("digits").test.images[:20]
    np.save(tmp_path / "x_test.npy", images[:5])
    np.save(tmp_path / "mine.npy", images)
    np.savez(tmp_path / "mine.npz", images)
    found = [each["classes"] for each in predict(run, [tmp_path / "mine.npy"])]
    assert len(found) == 20
    assert [each["classes"] for each in predict(run, [tmp_path / "mine.npz"])] == found
    assert [each["classes"] for each in predict(run, [tmp_path])] == found[:5]
    np.savez(tmp_path / "both.npz", images[5:], x=images[:5])  # the name counts where there is one
    assert [each["classes"] for each in predict(run, [tmp_path / "both.npz"])] == found[:5]
    np.save(tmp_path / "none.npy", images[:0])
    with pytest.raises(UserError, match="none holds no samples"):
        predict(run, [tmp_path / "none.npy"])


def test_other_tables_may_lack_parts_weights_and_classes(tmp_path):
    from archspec.training.evaluating import evaluate
    from archspec.training.predicting import predict

    rows = [f"{i};{i % 3};{'xy'[i % 2]}" for i in range(20)]
    (tmp_path / "t.txt").write_text("\n".join(["a;b;kind", *rows]))
    whole = [f"{row};{i};{'train' if i < 15 else 'test'}" for i, row in enumerate(rows)]
    (tmp_path / "t.csv").write_text("\n".join(["a;b;kind;weight;part", *whole]))
    data = f"{{name: {tmp_path}/t.csv, inputs: [a, b], part: part, sample_weight: weight}}"
    text = f"archspec: 1\ninput: [2]\nlayers: [Dense: 2]\ntrain: {{epochs: 1, data: {data}}}\n"
    train(tmp_path / "run", text)
    assert len(predict(tmp_path / "run", [tmp_path / "t.txt"])) == 20
    assert evaluate(tmp_path / "run").confusion.sum() == 5
    assert evaluate(tmp_path / "run", data=str(tmp_path / "t.txt")).confusion.sum() == 20


@pytest.mark.slow
def test_a_single_unit_is_the_second_of_two_classes(tmp_path):
    from archspec.training.predicting import predict

    text = NET.replace("Dense: 10", "Dense: {units: 1, activation: sigmoid}")
    text = text.replace("data: digits,", "loss: BinaryCrossentropy,")
    for name, low in (("dark", 0), ("light", 155)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(20):
            image = np.random.default_rng(i).integers(low, low + 101, (8, 8), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "photos" / name / f"{i:02}.png")
    train(tmp_path / "run", text, data=str(tmp_path / "photos"), epochs=30)
    files = [tmp_path / "photos" / name / "00.png" for name in ("dark", "light")]
    found = predict(tmp_path / "run", files)
    assert [next(iter(each["classes"])) for each in found] == ["dark", "light"]
    assert all(sum(each["classes"].values()) == pytest.approx(1, abs=1e-5) for each in found)


def test_the_command_line(run, pictures, capsys):
    def call(*arguments: str) -> str:
        main(arguments, standalone_mode=False)
        return capsys.readouterr().out

    said = call("evaluate", str(run))
    assert re.search(r"^test: accuracy 0\.\d{4}, loss 0\.\d{4}$", said, re.M)
    assert re.search(r"^weighted avg +0\.\d{4} +0\.\d{4} +0\.\d{4} +359$", said, re.M)
    files = [str(path) for path in pictures[:2]]
    assert re.fullmatch(
        r"(\S+\.png: \d \d+\.\d%, \d \d+\.\d%\n){2}",
        call("predict", str(run), *files, "--top", "2"),
    )
    found = json.loads(call("predict", str(run), files[0], "--format", "json"))
    assert [found[0]["file"], len(found[0]["classes"])] == [files[0], 5]


# --- while it goes on ----------------------------------------------------------------------------


def test_every_weight_is_in_weights_txt(run):
    from archspec.training.trained import load_trained

    lines = (run / "weights.txt").read_text()
    for weight in load_trained(run).model.weights:
        start = lines.index(f"{weight.path}\n{tuple(weight.shape)}\n")
        numbers = re.findall(r"[-+.\de]+", lines[start:].split("\n", 2)[2])[: weight.numpy().size]
        assert np.array(numbers, np.float32) == pytest.approx(weight.numpy().ravel(), rel=1e-6)


def test_a_sheet_of_samples_and_the_balance_of_classes(run):
    assert Image.open(run / "samples.png").size == (1248, 1032)
    balance = json.loads((run / "run.json").read_text())["data"]["balance"]
    assert list(balance) == [str(digit) for digit in range(10)]
    assert sum(balance.values()) == 1294


def test_images_are_as_bright_beside_each_other_as_the_model_takes_them(tmp_path):
    from archspec.training.figures import draw_samples

    images = np.repeat([0.0, 0.25, 1.0], 64).reshape(3, 8, 8)
    draw_samples(images, "abc", {}, "title", tmp_path / "samples.png")
    seen = np.bincount(np.asarray(Image.open(tmp_path / "samples.png").convert("L")).ravel())
    assert min(seen[0], seen[64]) > 10_000  # the squares of the first and of the second


def test_a_device_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="there is no device 'gpu:9'") as caught:
        train(tmp_path / "run", device="gpu:9")
    assert "has cpu:0" in str(caught.value)
    train(tmp_path / "two", device="cpu", epochs=1)
    assert json.loads((tmp_path / "two" / "run.json").read_text())["device"] == "cpu:0"


def test_speed_and_memory_are_written_down(run):
    facts = json.loads((run / "run.json").read_text())
    with (run / "history.csv").open() as file:
        rates = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    assert facts["images_per_second"] == statistics.median(rates[1:])
    assert 100 * 2**20 < facts["peak_memory"] <= 2**40


def without_numbers(text: str) -> str:
    """What is said, with figures that the machine decides put aside."""
    text = re.sub(r"\d+:\d\d", "T", text)
    text = re.sub(r"\|[^|]*\|", "|BAR|", text)
    return re.sub(r"\d+(,\d{3})*(\.\d+)?(e-?\d+)?", "N", text)


def test_two_epochs_piped(tmp_path, golden, monkeypatch, capsys):
    command = [sys.executable, "-m", "archspec", "train", "net.yaml", "--epochs", "2"]
    (tmp_path / "net.yaml").write_text(NET)
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    golden("train.txt", without_numbers(said.stdout))
    assert said.stderr == ""
    monkeypatch.chdir(tmp_path)
    main([*command[3:], "--quiet", "--precision", "mixed_bfloat16"], standalone_mode=False)
    quiet = capsys.readouterr().out
    assert "epoch 1/2" not in quiet
    assert "on cpu:0 in mixed_bfloat16, writing to runs/net-2" in quiet


@pytest.mark.slow
def test_two_epochs_on_a_terminal(tmp_path, golden):
    (tmp_path / "net.yaml").write_text(NET)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 30, 160, 0, 0))
    command = [sys.executable, "-m", "archspec", "train", "net.yaml", "--epochs", "2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE, close_fds=True
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 10_000)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        said += piece
    assert process.wait() == 0
    lines = without_numbers(said.decode()).replace("\r\n", "\n").replace("\r", "\n").splitlines()
    seen = dict.fromkeys(line.rstrip() for line in lines if line.strip())
    golden("train_terminal.txt", "\n".join(seen) + "\n")
