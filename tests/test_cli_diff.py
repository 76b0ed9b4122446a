"""`archspec diff` on the command line: what it prints and its exit status; and in git."""

import io
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, command

import archspec
from archspec.backends.spec_yaml import to_spec
from archspec.cli.git_diff import NOTHING
from archspec.recipe import recipe_of
from archspec.runs.job import format_resolved
from archspec.syntax.writer import write_yaml

NET = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: 4\n  - ReLU\n  - {Dense: 3, name: head}\n"
WIDER = NET.replace("Dense: 4", "Dense: 5")


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with a.yaml, the same written otherwise, a wider one, and a broken one."""
    same = "# the same\narchspec: 1\nparams: {n: 4}\n" + NET.removeprefix("archspec: 1\n")
    texts = {"a": NET, "same": same.replace("Dense: 4", "Dense: {units: =n, use_bias: true}")}
    texts |= {"wider": WIDER, "broken": NET.replace("ReLU", "ReLUU")}
    texts |= {"longer": f"{NET}train: {{data: digits, epochs: 9}}\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("a.yaml a.yaml", 0, "a -> a: the same network\n"),
        ("a.yaml same.yaml", 0, "a -> same: the same network\n"),
        ("a.yaml wider.yaml", 1, "wider: none of 3 layers are the same, 1 differs, 2 only in "),
        ("a.yaml --set dense.units=5", 1, "a -> a --set dense.units=5: none of 3 layers"),
        ("a.yaml same.yaml --set dense.units=5", 1, "units 4 -> 5"),
        ("a.yaml same.yaml --set dense.units=5", 1, "a -> same --set dense.units=5: none of"),
        ("a.yaml --edit {at:\\ re_lu,remove:\\ true}", 1, "  - re_lu  ReLU\n"),
        ("a.yaml longer.yaml", 0, "recipe: data.name none -> digits, epochs 5 -> 9"),
        ("a.yaml longer.yaml --recipe", 1, "a -> longer: the same network\n"),
        ("a.yaml broken.yaml", 2, "broken.yaml:5:5: error: no layer is called 'ReLUU'"),
        ("a.yaml missing.yaml", 2, "missing.yaml: there is no such file"),
        ("a.yaml wider.yaml --set nosuch=3", 2, "the spec has no param 'nosuch'"),
        ("a.yaml", 2, "give two specs, or one with --set or --edit"),
        ("- -", 2, "'-' is standard input, which can be read once"),
        ("- --set x=3", 2, "standard input can be read once"),
        ("a.yaml wider.yaml --depth 1 --full", 2, "give --depth or --full, not both"),
        ("a.yaml wider.yaml --git --recipe", 2, "--git goes with --depth, --full and --layers"),
        ("a.yaml wider.yaml --depth 0", 2, "0 is not in the range"),
        ("a.yaml wider.yaml --git", 2, "--git takes the 7 arguments that git gives"),
    ],
)
def test_the_exit_status_is_that_of_diff(specs: Path, words: str, status: int, said: str) -> None:
    done = command(specs, "diff", *shlex.split(words))
    assert done.returncode == status, done
    assert said in done.stdout + done.stderr
    if status == 2:
        assert not done.stdout


def test_an_error_of_any_other_verb_is_still_1(specs: Path) -> None:
    assert command(specs, "diff", "missing.yaml", "a.yaml").returncode == 2
    assert command(specs, "show", "missing.yaml").returncode == 1


def test_standard_input_is_one_of_the_specs(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(WIDER.encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    done = command(specs, "diff", "a.yaml", "-")
    assert done.returncode == 1
    assert done.stdout.startswith("a -> stdin: ")


def test_a_run_is_its_network_as_it_was_trained(specs: Path) -> None:
    run = specs / "runs" / "net-1"
    run.mkdir(parents=True)
    graph = archspec.load("resnet18", depths=[2, 2, 2, 3])
    (run / "resolved.yaml").write_text(write_yaml(to_spec(graph)), encoding="utf-8")
    done = command(specs, "diff", "resnet18", "runs/net-1")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "resnet18 -> runs/net-1: 67 of 67 layers are the same, 7 are added\n"
    )
    assert "+ stage3.unit2  7 layers, after unit1.activation  +4.72 M" in done.stdout


TWO_HEADS = """\
archspec: 1
name: two
input: [8]
outputs: [left.head, right.head]
layers:
  - {name: body, layers: [Dense: 6, Dense: 5]}
  - {name: left, from: body, layers: [{Dense: {units: 3, activation: softmax}, name: head}]}
  - {name: right, from: body, layers: [{Dense: {units: 1, activation: sigmoid}, name: head}]}
train:
  data: {name: table.csv, targets: {left.head: kind, right.head: sign}}
  loss_weights: {left.head: 2}
  metrics: {left.head: [accuracy]}
  freeze: body
"""


def test_the_recipe_of_a_run_is_that_of_its_spec(specs: Path) -> None:
    """Though names of outputs and frozen layers are those of Keras there."""
    (specs / "two.yaml").write_text(TWO_HEADS)
    run = specs / "runs" / "two-1"
    run.mkdir(parents=True)
    graph = archspec.load(specs / "two.yaml")
    (run / "resolved.yaml").write_text(format_resolved(graph, recipe_of(graph)), encoding="utf-8")
    assert "right-head" in (run / "resolved.yaml").read_text()
    done = command(specs, "diff", "--recipe", "two.yaml", "runs/two-1")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    (specs / "two.yaml").write_text(TWO_HEADS.replace("freeze: body", "freeze: body.dense"))
    done = command(specs, "diff", "--recipe", "two.yaml", "runs/two-1")
    assert done.returncode == 1
    assert "freeze" in done.stdout
    assert "metrics" not in done.stdout


def test_a_terminal_has_colours_and_a_pipe_none(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    plain = command(specs, "diff", "a.yaml", "wider.yaml").stdout
    terminal = Terminal()
    command(specs, "diff", "a.yaml", "wider.yaml", terminal=terminal)
    assert "\x1b[33m~" in terminal.getvalue()
    assert "\x1b" not in plain
    terminal = Terminal()
    command(specs, "diff", "a.yaml", "wider.yaml", terminal=terminal, NO_COLOR="1")
    assert terminal.getvalue() == plain


def test_files_of_one_name_are_told_apart(specs: Path) -> None:
    (specs / "old").mkdir()
    shutil.copy(specs / "wider.yaml", specs / "old" / "a.yaml")
    assert command(specs, "diff", "old/a.yaml", "a.yaml").stdout.startswith("old/a.yaml -> a.yaml")


def test_the_formats_say_the_same(specs: Path) -> None:
    done = command(specs, "diff", "a.yaml", "wider.yaml", "--format", "json")
    data = json.loads(done.stdout)
    assert done.returncode == 1
    same = archspec.diff(specs / "a.yaml", specs / "wider.yaml").data
    assert data["groups"] == same["groups"]
    assert data.keys() == same.keys()
    assert data["schema"] == "archspec.diff/1"
    assert data["b"]["file"] == "wider.yaml"
    (edit,) = data["edits"]
    assert edit["arguments"] == {"units": [4, 5]}
    assert edit["spans"][1] == {"file": "wider.yaml", "line": 4, "column": 5}
    assert edit["params"] + data["follow"]["params"] == data["totals"]["params"]
    github = command(specs, "diff", "a.yaml", "wider.yaml", "--format", "github").stdout
    assert (
        "::notice file=wider.yaml,line=4,endLine=5,title=changed::wider.yaml:4:5: dense: " in github
    )
    markdown = command(specs, "diff", "a.yaml", "wider.yaml", "--format", "markdown").stdout
    assert "| `~` | `dense` | units 4 -> 5 | +9 | +8 |  |" in markdown


def test_three_specs_are_a_table_with_a_column_each(golden) -> None:
    done = command(ROOT, "diff", "vgg_a", "vgg_b", "vgg_d", "vgg_a")
    assert done.returncode == 1
    golden("diff/vggs.table", done.stdout)


def test_the_page_shows_what_is_printed() -> None:
    page = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    assert command(ROOT, "diff", "resnet18", "resnet18_cifar100").stdout in page


def test_a_function_refuses_what_it_cannot_compare() -> None:
    graph = archspec.load("lenet5")
    with pytest.raises(TypeError, match="two specs or more"):
        archspec.diff("lenet5")
    with pytest.raises(TypeError, match="settings and edits change files and names"):
        archspec.diff(graph, settings=["classes=3"])
    with pytest.raises(TypeError, match="settings must be a list"):
        archspec.diff("lenet5", settings="classes=3")
    assert archspec.diff(graph, "lenet5").is_same


# --- git -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 2, 6, 8, 10])
def test_only_what_git_gives_is_taken(specs: Path, count: int) -> None:
    done = command(specs, "diff", "--git", *["a.yaml"] * count)
    assert done.returncode == 2


def git_words(path: str, old: object, new: object, *more: str) -> list[str]:
    return ["diff", "--git", path, str(old), "abc", "100644", str(new), "def", "100644", *more]


def test_a_version_that_is_missing_or_no_spec_is_told_and_git_goes_on(specs: Path) -> None:
    new = command(specs, *git_words("net.yaml", NOTHING, "a.yaml"))
    assert new.stdout == "b/net.yaml: a new network: 3 layers, 51 parameters\n"
    gone = command(specs, *git_words("net.yaml", "a.yaml", NOTHING))
    assert gone.stdout == "a/net.yaml: this network is gone: 3 layers, 51 parameters\n"
    broken = command(specs, *git_words("net.yaml", "a.yaml", "broken.yaml"))
    assert "b/net.yaml:5:5: error: no layer is called 'ReLUU'" in broken.stdout
    assert "-  - ReLU\n+  - ReLUU\n" in broken.stdout
    renamed = command(specs, *git_words("net.yaml", "a.yaml", "wider.yaml", "new.yaml", "similar"))
    assert renamed.stdout.startswith("a/net.yaml -> b/new.yaml: none of 3 layers")
    (specs / "blocks.yaml").write_text("archspec: 1\nblocks: {b: {layers: [ReLU]}}\n")
    (specs / "more.yaml").write_text("archspec: 1\nblocks: {b: {layers: [ELU]}}\n")
    library = command(specs, *git_words("net.yaml", "blocks.yaml", "more.yaml"))
    assert library.stdout.startswith("--- a/net.yaml\n+++ b/net.yaml\n")
    assert "\n+blocks: {b: {layers: [ELU]}}\n" in library.stdout
    unmerged = command(specs, "diff", "--git", "net.yaml")
    assert unmerged.stdout == "net.yaml: not merged yet\n"
    assert {each.returncode for each in (new, gone, broken, renamed, library, unmerged)} == {0}


def test_git_goes_on_whatever_fails(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("invalid width 0")

    monkeypatch.setattr("archspec.differences.text.write_text", fail)
    done = command(specs, *git_words("net.yaml", "a.yaml", "wider.yaml"))
    assert done.returncode == 0
    assert "the networks cannot be compared: ValueError: invalid width 0" in done.stdout
    assert "-  - Dense: 4\n+  - Dense: 5\n" in done.stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
@pytest.mark.thorough
def test_git_diff_and_difftool_compare_networks(tmp_path: Path) -> None:
    """With the lines of docs/diff.md, in a repository whose specs extend another, from a folder."""
    page = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    archspec_ = f"env PYTHONPATH={ROOT} {sys.executable} -m archspec"
    lines = [line for line in page.splitlines() if line.startswith("git config ")]
    assert len(lines) == 2
    specs = tmp_path / "specs"
    specs.mkdir()
    (tmp_path / ".gitattributes").write_text("specs/**/*.yaml diff=archspec\n")
    assert "specs/**/*.yaml diff=archspec\n" in page
    (specs / "base.yaml").write_text(NET.replace("archspec: 1\n", "archspec: 1\nparams: {n: 4}\n")
                                     .replace("Dense: 4", "Dense: =n"))  # fmt: skip
    variant = specs / "v.yaml"
    variant.write_text("archspec: 1\nextends: base.yaml\nparams: {n: 6}\n")

    def run(text: str) -> str:
        home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(text, shell=True, cwd=specs, capture_output=True, text=True, env=home)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    run("git init -q .. && git config user.email a@b && git config user.name a")
    for line in lines:
        run(line.replace("archspec diff", f"{archspec_} diff"))
    run("git add .. && git commit -qm one")
    variant.write_text("archspec: 1\nextends: base.yaml\nparams: {n: 7}\n")
    said = run("git --no-pager diff")
    assert said.startswith("a/specs/v.yaml -> b/specs/v.yaml: none of 3 layers are the same")
    assert "\n    params: n 6 -> 7\n" in said
    assert "dense  units 6 -> 7" in said
    assert "extends" not in said
    run("git add -A && git commit -qm two && git mv v.yaml w.yaml")
    (specs / "w.yaml").write_text("archspec: 1\nextends: base.yaml\nparams: {n: 8}\n")
    run("git rm -q --cached base.yaml && git add w.yaml")
    said = run("git --no-pager diff -M10% --cached")
    assert "a/specs/v.yaml -> b/specs/w.yaml: none of 3 layers are the same" in said
    assert "\n    params: n 7 -> 8\n" in said
    assert "a/specs/base.yaml: this network is gone: 3 layers, 51 parameters\n" in said
    assert "units 6 -> 7" in run("git difftool -y -t archspec HEAD~1 HEAD")
