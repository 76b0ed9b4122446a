"""The command line: what each verb writes, says and returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import archspec
from archspec.schema import schema

SHIPPED = sorted(path.stem for path in ROOT.glob("specs/**/*.yaml") if path.parent.name != "blocks")


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archspec", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def test_show_prints_a_table_of_one_and_columns_of_several(tmp_path: Path):
    one = run(tmp_path, "show", "lenet5")
    assert one.returncode == 0
    assert "44,426" in one.stdout
    several = run(tmp_path, "show", "lenet5", "resnet18", "--format", "markdown")
    assert several.stdout.count("| lenet5") == several.stdout.count("| resnet18") == 1


def test_show_gives_data(tmp_path: Path):
    data = json.loads(run(tmp_path, "show", "lenet5", "--format", "json").stdout)
    assert data["totals"]["params"] == data["totals"]["trainable_params"] == 44_426
    assert data["totals"]["macs"] == sum(layer["macs"] for layer in data["layers"]) == 281_640
    first = data["layers"][1]
    wanted = {"name": "conv2d", "op": "Conv2D", "shape": [24, 24, 6], "params": 156}
    assert wanted.items() <= {**first, "shape": first["shape"][-3:]}.items()
    several = run(tmp_path, "show", "lenet5", "vgg16", "--format", "json").stdout
    assert [each["name"] for each in json.loads(several)] == ["lenet5", "vgg16"]


def test_show_takes_a_batch_size_and_precision(tmp_path: Path):
    sizes = [
        json.loads(run(tmp_path, "show", "lenet5", "--format", "json", *more).stdout)["totals"]
        for more in ([], ["--batch-size", "64"], ["--precision", "mixed_bfloat16"])
    ]
    plain, large, mixed = (each["training_bytes"] for each in sizes)
    assert large > plain > 0
    assert mixed != plain
    refused = run(tmp_path, "show", "lenet5", "--precision", "float7")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_draw_writes_the_format_that_the_suffix_names(tmp_path: Path, suffix: str):
    assert run(tmp_path, "draw", "lenet5", "-o", f"out/net.{suffix}").returncode == 0
    begins = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[suffix]
    assert (tmp_path / "out" / f"net.{suffix}").read_bytes().lstrip()[:10].startswith(begins)


def test_draw_goes_to_build_by_default_and_refuses_other_suffixes(tmp_path: Path):
    assert run(tmp_path, "draw", "lenet5").returncode == 0
    assert (tmp_path / "build" / "lenet5.svg").exists()
    refused = run(tmp_path, "draw", "lenet5", "-o", "net.jpg")
    assert refused.returncode == 1
    assert ".svg" in refused.stderr


def test_schema_prints_the_schema(tmp_path: Path):
    assert json.loads(run(tmp_path, "schema").stdout) == schema()


@pytest.mark.parametrize("name", SHIPPED)
def test_new_starts_a_file_that_means_the_same(tmp_path: Path, name: str):
    from archspec.copying import copy

    written = copy(archspec.find(name), tmp_path / "mine.yaml")
    assert written[0] == tmp_path / "mine.yaml"
    assert archspec.load(written[0]).fingerprint == archspec.load(name).fingerprint
    assert archspec.load(written[0]).name == "mine"


def test_new_never_overwrites(tmp_path: Path):
    assert run(tmp_path, "new", "mine.yaml").returncode == 0
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    assert first == "# yaml-language-server: $schema=archspec.schema.json"
    assert rest == (ROOT / "specs" / "lenet5.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("mine")
    again = run(tmp_path, "new", "mine.yaml", "--from", "resnet18")
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert run(tmp_path, "new", "mine.txt").returncode == 1


def test_wrong_usage_is_status_2(tmp_path: Path):
    for words in (
        ["shew"],
        ["show"],
        ["draw", "lenet5", "--depht", "3"],
        ["train"],
        ["show", "x", "--depth", "0"],
        ["train", "lenet5", "--epochs", "2", "--steps", "1"],
        ["train", "--resume", "run", "--epochs", "2", "--steps", "1"],
        ["compare", "lenet5", "--epochs", "2", "--steps", "1"],
        ["train", "lenet5", "--set", "train.epochs=2", "--steps", "1"],
        ["train", "lenet5", "--set", "train.data.name=digits", "--data", "mnist"],
        ["train", "lenet5", "--set", "train.seed=2", "--recipe", "mine.yaml"],
        ["show", "lenet5", "--set", "train.batch_size=2", "--batch-size", "1"],
        ["train", "lenet5", "--seed", str(2**32)],
        ["build", "lenet5", "--seed", str(2**32)],
        ["bench", "lenet5", "--batch-size", str(10**20)],
    ):
        done = run(tmp_path, *words)
        assert done.returncode == 2, words
        assert "Traceback" not in done.stderr


def test_a_missing_spec_names_the_closest(tmp_path: Path):
    done = run(tmp_path, "show", "lenet6")
    assert done.returncode == 1
    assert "did you mean 'lenet5'" in done.stderr
    done = run(tmp_path, "show", "nowhere/lenet5.yaml")
    assert done.returncode == 1
    assert "nowhere" in done.stderr


def test_a_folder_that_cannot_be_written_is_a_message(tmp_path: Path):
    (tmp_path / "build").write_text("a file, not a folder")
    done = run(tmp_path, "draw", "lenet5")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot")
    assert "Traceback" not in done.stderr


def test_without_keras_build_says_what_installs_it(tmp_path: Path):
    """A backend that is not installed stands in for a bare environment, which CI has."""
    done = run(tmp_path, "build", "lenet5", KERAS_BACKEND="no_such_backend")
    assert done.returncode == 1
    assert "pip install 'archspec-keras[tensorflow]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_contract_fails_check_and_warns_elsewhere(tmp_path: Path):
    text = "archspec: 1\ninput: [4]\nlayers: [Dense: 3]\nrequire: {params: <= 10}\n"
    (tmp_path / "net.yaml").write_text(text)
    checked, shown = run(tmp_path, "check", "net.yaml"), run(tmp_path, "show", "net.yaml")
    assert checked.returncode == 1
    assert "net.yaml:4:19: error:" in checked.stdout
    assert shown.returncode == 0
    assert "net.yaml:4:19: warning:" in shown.stderr
