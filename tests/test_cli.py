"""The command line: what each verb writes, says and returns."""

from __future__ import annotations

import gc
import inspect
import io
import json
import os
import pty
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from conftest import ROOT, Done
from conftest import command as run
from shipped import SPECS, most_slow, network

import archspec
from archspec import cli

COLOURLESS = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM")}


def process(folder: Path, *words: str, **how: Any) -> Done:
    """Run a command in a process of its own. how: as of `subprocess.run`."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    how["env"] = {**COLOURLESS, "PYTHONPATH": str(ROOT), **how.get("env", {})}
    done = subprocess.run([sys.executable, "-m", "archspec", *words], cwd=folder, text=True, **how)
    return Done(done.returncode, done.stdout, done.stderr)


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


def test_draw_goes_to_build_by_default_and_refuses_other_suffixes(tmp_path: Path):
    assert run(tmp_path, "draw", "lenet5").returncode == 0
    assert (tmp_path / "build" / "lenet5.svg").exists()
    refused = run(tmp_path, "draw", "lenet5", "-o", "net.jpg")
    assert refused.returncode == 1
    assert ".svg" in refused.stderr


@pytest.mark.parametrize("name", most_slow(SPECS))
@pytest.mark.thorough
def test_new_starts_a_file_that_means_the_same(tmp_path: Path, name: str):
    for copy in (False, True):
        written = archspec.new(tmp_path / f"mine_{copy}.yaml", name, copy=copy)
        assert written[0] == tmp_path / f"mine_{copy}.yaml"
        assert archspec.load(written[0]).fingerprint == network(name).fingerprint
        assert archspec.load(written[0]).name == f"mine_{copy}"


def test_new_never_overwrites(tmp_path: Path):
    assert run(tmp_path, "new", "mine.yaml", "--copy").returncode == 0
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


# --- verbs ---------------------------------------------------------------------------------------


def test_a_verb_is_a_file() -> None:
    """Its help is read in its file, and is that which the verb has once it is loaded."""
    files = {path.stem for path in (ROOT / "archspec" / "cli").glob("*.py")} - {"__init__"}
    found = {name: vars(import_module(f"archspec.cli.{name}")).get(name) for name in files}
    loaded = {name.removesuffix("_"): each for name, each in found.items()}  # import_ is `import`
    assert cli.verbs().keys() == {
        name for name, found in loaded.items() if isinstance(found, click.Command)
    }
    for name, text in cli.verbs().items():
        assert loaded[name].name == name
        first, theirs = (each.split("\n\n")[0] for each in (text, loaded[name].help))
        assert inspect.cleandoc(first) == theirs


def test_help_is_a_line_for_each_verb(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for name in cli.verbs():
        assert f"\n  {name} " in done.stdout
        assert run(tmp_path, name, "--help").stdout.startswith(f"Usage: archspec {name} ")


# --- called by another program -------------------------------------------------------------------


def test_a_command_called_from_python_leaves_the_process_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = sys.stdout, sys.stderr, warnings.showwarning, gc.get_threshold(), gc.get_freeze_count()
    statuses = [
        run(tmp_path, *words).returncode
        for words in (["check", "lenet5"], ["check", "lenet6"], ["show", "lenet6"], ["shew"])
    ]
    assert statuses == [0, 1, 1, 2]
    assert state == (
        *(sys.stdout, sys.stderr, warnings.showwarning),
        *(gc.get_threshold(), gc.get_freeze_count()),
    )
    assert capsys.readouterr() == ("", "")
    assert cli.run(["check", "lenet5"]) == 0  # to where the process writes
    assert capsys.readouterr().out.startswith("lenet5: sound: ")
    monkeypatch.setattr(sys, "argv", ["archspec", "check", "vgg11"])
    assert cli.run(out=(out := io.StringIO())) == 0
    assert out.getvalue().startswith("vgg11: sound: ")


def test_a_fault_of_archspec_is_status_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("archspec.cli.check.load", faulty)
    done = run(tmp_path, "check", "lenet5")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("internal error: ZeroDivisionError: by zero\nhint: please report")


# --- colours -------------------------------------------------------------------------------------

COLOURED = """\
archspec: 1
params: {spare: 3}
input: [3]
layers: [Dense: {unit: 3}]
"""


def on_terminal(folder: Path, *words: str, own: bool = False, **environment: str) -> str:
    """What a command prints on a terminal, both of its streams. own: in a process of its own."""
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8", buffering=1) as terminal:
        if own:
            process(folder, *words, stdout=terminal, stderr=terminal, env=environment)
        else:
            run(folder, *words, terminal=terminal, **environment)
    printed = b""
    while part := read(ours):
        printed += part
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's word for its end
        return b""


@pytest.mark.parametrize(
    ("words", "coloured"),
    [
        (["check", "net.yaml"], [("red", "error"), ("red", "^^^^")]),
        (["show", "net.yaml"], [("red", "error"), ("red", "^^^^")]),
        (["show", "warned.yaml"], [("yellow", "warning"), ("yellow", "^^^^^")]),
        (["show", "nowhere.yaml"], [("red", "error")]),
    ],
)
def test_errors_are_coloured_on_a_terminal_alone(
    words: list[str],
    coloured: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / "net.yaml").write_text(COLOURED, encoding="utf-8")
    (tmp_path / "warned.yaml").write_text(COLOURED.replace("unit:", "units:"), encoding="utf-8")
    piped = run(tmp_path, *words)
    plain = piped.stdout + piped.stderr if words[0] == "check" else piped.stderr + piped.stdout
    assert "\x1b" not in plain
    shown = on_terminal(tmp_path, *words)
    assert click.unstyle(shown) == plain
    painted = [click.style(text, fg=colour, bold=True) for colour, text in coloured]
    assert all(each in shown for each in painted)
    assert shown.count("\x1b[1m") == len(coloured)
    assert on_terminal(tmp_path, *words, NO_COLOR="1") == plain
    assert on_terminal(tmp_path, *words, TERM="dumb") == plain


@pytest.mark.thorough
def test_a_process_colours_what_it_prints_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(COLOURED, encoding="utf-8")
    plain = process(tmp_path, "check", "net.yaml", env={"TERM": "xterm"}).stdout
    assert "\x1b" not in plain
    shown = on_terminal(tmp_path, "check", "net.yaml", own=True, TERM="xterm")
    assert click.unstyle(shown) == plain
    assert click.style("error", fg="red", bold=True) in shown


@pytest.mark.parametrize("verb", ["build", "draw", "new"])
@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_folder_is_no_file_to_write(verb: str, path: str, tmp_path: Path):
    words = [path, "--from", "lenet5"] if verb == "new" else ["lenet5", "-o", path]
    done = run(tmp_path, verb, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr
