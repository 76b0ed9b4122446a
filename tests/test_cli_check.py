"""`archspec check`: what it prints, in words and as data, and the status that it ends with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

import archspec
from archspec.cli import main

SOUND = "archspec: 1\ninput: [3]\nlayers:\n  - Dense: 3\n    name: head\n"
WRONG = "archspec: 1\ninput: [3]\nlayers:\n  - Dense: {unit: 3}\n"
WARNED = "archspec: 1\nparams: {spare: 3}\ninput: [3]\nlayers: [{Dense: 3}]\n"
BROKEN_CONTRACT = SOUND + "require: {params: <= 3}\n"
KEYS = {
    "code",
    "severity",
    "message",
    "file",
    "line",
    "column",
    "end_line",
    "end_column",
    "hint",
    "notes",
    "fix",
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "sound": SOUND,
        "wrong": WRONG,
        "warned": WARNED,
        "contract": BROKEN_CONTRACT,
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def check(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def data(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(check("--format", "json", *words).stdout)
    return found


def test_a_sound_spec_is_status_0_with_a_line_on_it() -> None:
    result = check("sound.yaml")
    assert result.exit_code == 0
    assert result.output.startswith("sound.yaml: sound: 1 layer, 12 parameters, 9 MACs, ")
    assert data("sound.yaml") == []


def test_an_error_is_status_1_with_its_place_and_a_count() -> None:
    result = check("wrong.yaml")
    assert result.exit_code == 1
    assert result.output == (
        "wrong.yaml:4:13: error: Dense has no argument 'unit' [unknown-argument]\n"
        "    4 |   - Dense: {unit: 3}\n"
        "      |             ^^^^\n"
        "hint: did you mean 'units'?\n"
        "1 error; `archspec explain unknown-argument` explains it\n"
    )


def test_json_says_the_same_as_data() -> None:
    (found,) = data("wrong.yaml")
    assert found == {
        "code": "unknown-argument",
        "severity": "error",
        "message": "Dense has no argument 'unit'",
        "file": "wrong.yaml",
        "line": 4,
        "column": 13,
        "end_line": 4,
        "end_column": 17,
        "hint": "did you mean 'units'?",
        "notes": [],
        "fix": {"line": 4, "column": 13, "end_line": 4, "end_column": 17, "text": "units"},
    }


def test_notes_have_places_of_their_own(files: Path) -> None:
    text = (
        "archspec: 1\ninput: [3]\nblocks:\n"
        "  unit: {params: {n: null}, layers: [Dense: =n]}\nlayers: [unit]\n"
    )
    (files / "net.yaml").write_text(text, encoding="utf-8")
    (found,) = data("net.yaml")
    assert found["hint"] is None
    assert found["notes"] == [
        {
            "message": "'n' is declared here, without a default",
            "file": "net.yaml",
            "line": 4,
            "column": 19,
        }
    ]


def test_a_warning_is_said_and_is_no_failure() -> None:
    result = check("warned.yaml")
    assert result.exit_code == 0
    assert "warned.yaml:2:10: warning: no formula names the param 'spare'" in result.output
    assert "warned.yaml: sound" in result.output
    assert [each["severity"] for each in data("warned.yaml")] == ["warning"]


def test_every_spec_is_checked_whatever_is_wrong_with_the_others() -> None:
    result = check("nowhere.yaml", "wrong.yaml", "sound.yaml", "contract.yaml")
    assert result.exit_code == 1
    assert "sound.yaml: sound" in result.output
    assert result.output.endswith("3 errors; `archspec explain file` explains it\n")
    found = data("nowhere.yaml", "wrong.yaml", "sound.yaml", "contract.yaml")
    assert [each["file"] for each in found] == ["nowhere.yaml", "wrong.yaml", "contract.yaml"]


def test_what_is_wrong_with_a_shared_library_is_said_once(files: Path) -> None:
    library = "archspec: 1\nblocks:\n  unit: {layers: [Dens: 3]}\n"
    (files / "library.yaml").write_text(library, encoding="utf-8")
    for name in ("one", "two"):
        text = "archspec: 1\nimport: [library.yaml]\ninput: [3]\nlayers: [unit]\n"
        (files / f"{name}.yaml").write_text(text, encoding="utf-8")
    for specs in (["one.yaml"], ["one.yaml", "two.yaml"], ["one.yaml", "library.yaml"]):
        assert [each["file"] for each in data(*specs)] == ["library.yaml"]
        assert check(*specs).exit_code == 1


@pytest.mark.parametrize("name", ["sound.yaml", "wrong.yaml", "nowhere.yaml", ".", "bytes.yaml"])
def test_data_is_a_list_of_mappings_with_the_same_keys(name: str, files: Path) -> None:
    (files / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    for each in data(name):
        assert set(each) == KEYS
        assert each["line"] >= 1
        assert each["column"] >= 1
        assert (each["end_line"], each["end_column"]) >= (each["line"], each["column"])
        assert each["severity"] in ("error", "warning")


@pytest.mark.parametrize(
    ("spec", "words", "hint"),
    [
        ("nowhere.yaml", "there is no such file", None),
        ("sounds.yaml", "there is no such file", "did you mean 'sound.yaml'?"),
        ("nowhere/sound.yaml", "there is no such file", None),
        ("sound", "no shipped spec is called 'sound'", "write sound.yaml"),
        ("resnet18.yaml", "there is no such file", "comes with archspec is called resnet18"),
        ("resnet50", "no shipped spec", "did you mean 'resnet50_imagenet' or 'resnet50v2'?"),
        ("lenet6", "no shipped spec is called 'lenet6'", "did you mean 'lenet5'?"),
        (".", "this is a folder, not a spec", "name a file in it"),
    ],
)
def test_a_file_that_is_not_there(spec: str, words: str, hint: str | None) -> None:
    (found,) = data(spec)
    assert (found["code"], found["file"]) == ("file", spec)
    assert found["hint"] == hint or hint in found["hint"]
    assert words in found["message"]
    result = check(spec)
    assert result.exit_code == 1
    assert result.output.startswith(f"{spec}: error: {words}")  # no line of it to point at


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(files: Path) -> None:
    (files / "sound.yaml").chmod(0)
    (found,) = data("sound.yaml")
    assert found["message"] == "cannot read the file: permission denied"


def test_a_device_without_end_is_not_read() -> None:
    (found,) = data("/dev/zero")
    assert "a pipe or device, not a file" in found["message"]


def test_a_shipped_spec_is_named_without_its_folder() -> None:
    result = check("lenet5", "resnet18")
    assert result.exit_code == 0
    assert result.output.startswith("lenet5: sound")


def test_what_only_the_schema_has_seen_is_said(files: Path) -> None:
    text = "archspec: 1\ninput: [3]\nlayers:\n  - Dense: 3\n    when: false\n  - ReLU\n"
    (files / "net.yaml").write_text(text, encoding="utf-8")
    assert "checked against the schema only: line 4" in check("net.yaml").output


def test_what_a_shipped_block_leaves_out_is_not_said(files: Path) -> None:
    text = "archspec: 1\nimport: [inverted_residual]\ninput: [8, 8, 4]\n"
    text += "layers: [inverted_residual: 4]\n"
    (files / "net.yaml").write_text(text, encoding="utf-8")
    assert archspec.load(files / "net.yaml").unchecked
    assert "schema" not in check("net.yaml").output


@pytest.mark.parametrize(
    ("setting", "place", "words"),
    [
        ("widht=3", "net.yaml", "the spec has no param 'widht'"),
        ("train.epoch=3", "--set train.epoch=3", "train has no word 'epoch'"),
        ("train.epochs=many", "--set train.epochs=many", "must be a positive integer"),
        ("trian.epochs=3", "--set trian.epochs=3", "'trian' is neither a step of net.yaml nor"),
        ("layers.7.Dense=3", "net.yaml", "the list has no item '7', which 'layers.7.Dense' names"),
        ("layers.x=3", "net.yaml", "the list has no item 'x'"),
        ("layers.0.Dense=-3", "--set layers.0.Dense=-3", "must be a positive integer, got -3"),
        ("layers.0=Flaten", "--set layers.0=Flaten", "no layer is called 'Flaten'"),
        ("layers=3", "net.yaml", "the spec has no param 'layers'"),
        ("width=[1", "--set width=[1", "this '[' is never closed"),
        ("width={a: 1, a: 2}", "--set width={a: 1, a: 2}", "the key 'a' is given twice"),
        ("width==oops", "--set width==oops", "no param or loop variable is called 'oops'"),
        ("width=0", "--set width=0", "must be a positive integer, got 0"),
        ("width=", "--set width=", "must be a positive integer, got null"),
        ("width=wide", "--set width=wide", "must be a positive integer, got 'wide'"),
        ("width=!!python/name:os 3", "--set width=!!python/name:os 3", "is not allowed"),
    ],
)
def test_a_setting_that_cannot_be(setting: str, place: str, words: str, files: Path) -> None:
    text = "archspec: 1\nparams: {width: 3}\ninput: [3]\nlayers: [{Dense: =width}]\n"
    (files / "net.yaml").write_text(text, encoding="utf-8")
    (found,) = data("net.yaml", "--set", setting)
    assert words in found["message"]
    assert found["file"] == place
    if place != "net.yaml":
        assert f"    1 | {setting}\n" in check("net.yaml", "--set", setting).output


def test_the_carets_of_a_setting_stand_under_its_part() -> None:
    found = [
        data("sound.yaml", "--set", setting)[0]
        for setting in ("train.epoch=3", "layers.0.Dense=-3")
    ]
    assert [(each["column"], each["end_column"]) for each in found] == [(7, 12), (16, 18)]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["sound.yaml", "--set", "width"],
        ["sound.yaml", "--set", "=3"],
        ["sound.yaml", "--format", "xml"],
        ["sound.yaml", "--frmat", "json"],
    ],
)
def test_wrong_usage_is_status_2(words: list[str]) -> None:
    result = check(*words)
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert "Traceback" not in result.output


@pytest.mark.thorough
def test_the_command_itself_ends_with_these_statuses(files: Path) -> None:
    """Through the process, as a shell sees it; the verbs other than check print to stderr."""
    outcomes = {
        ("check", "sound.yaml"): (0, "sound", ""),
        ("check", "wrong.yaml"): (1, "did you mean 'units'?", ""),
        ("show", "wrong.yaml"): (1, "", "did you mean 'units'?"),
        ("chekc",): (2, "", "No such command"),
    }
    for words, (status, out, err) in outcomes.items():
        done = subprocess.run(
            [sys.executable, "-m", "archspec", *words],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=files,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == status, done
        assert out in done.stdout
        assert err in done.stderr
        assert "Traceback" not in done.stdout + done.stderr


# --- for other programs --------------------------------------------------------------------------

# In a file whose name and texts have whatever GitHub and URIs escape; columns count characters.
SEVERAL = """\
archspec: 1
params: {spare: 3}
input: [3]
blocks:
  unit: {params: {n: null}, layers: [Dense: =n]}
layers:
  - {"Dense": {"größe 😀": 3, unit: 100%, "a:b,c": 1}}
  - unit
  - Dense:
      units: 3
      kernel_initializer:
        Zeros:
        Ones:
"""
ODD = "odd/a b,c%0A:größe.yaml"
GitHub = tuple[str, dict[str, str], str]


@pytest.fixture
def odd(files: Path) -> str:
    (files / "odd").mkdir()
    (files / ODD).write_text(SEVERAL, encoding="utf-8")
    return ODD


def commands(*words: str) -> list[GitHub]:
    """The commands as GitHub's runner reads them: what kind, properties, message."""
    return [command(line) for line in check("--format", "github", *words).stdout.splitlines()]


def command(line: str) -> GitHub:
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert match, f"no workflow command: {line}"
    kind, given, message = match.groups()

    def unescaped(text: str, pairs: str) -> str:
        for pair in pairs.split():
            text = text.replace(f"%{pair}", bytes.fromhex(pair).decode())
        return text.replace("%25", "%")

    properties = dict(each.split("=", 1) for each in given.split(","))
    return (
        kind,
        {key: unescaped(value, "0D 0A 3A 2C") for key, value in properties.items()},
        unescaped(message, "0D 0A"),
    )


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_the_report_is_the_golden_one(form: str, odd: str, golden: Callable[..., None]) -> None:
    report = check("--format", form, "warned.yaml", odd, "nowhere.yaml", "sound.yaml").stdout
    golden(f"check/report.{form}", report.replace(f'"{version("archspec-keras")}"', '"VERSION"'))


def test_annotations_have_the_places_and_words_of_the_text(odd: str) -> None:
    found = data("warned.yaml", odd)
    assert len(found) == 6
    for (kind, properties, message), each in zip(commands("warned.yaml", odd), found, strict=True):
        assert kind == each["severity"]
        assert (properties["file"], properties["title"]) == (each["file"], each["code"])
        assert int(properties["line"]) == each["line"]
        assert int(properties["endLine"]) == each["end_line"] - (each["end_column"] == 1)
        first, *more = message.split("\n")
        assert first == f"{each['file']}:{each['line']}:{each['column']}: {each['message']}"
        assert [line.partition(": note: ")[2] for line in more if ": note: " in line] == [
            note["message"] for note in each["notes"]
        ]
        assert (f"hint: {each['hint']}" in more) == (each["hint"] is not None)


def test_annotations_have_columns_within_a_line_only(odd: str) -> None:
    for (_, properties, _), each in zip(commands(odd), data(odd), strict=True):
        if each["line"] == each["end_line"]:
            assert int(properties["col"]) == each["column"]
            assert int(properties["endColumn"]) == each["end_column"] - 1, "the last one included"
        else:
            assert "col" not in properties
    assert any(each["line"] < each["end_line"] for each in data(odd))


def test_an_annotation_of_what_is_no_file_names_none() -> None:
    ((kind, properties, message),) = commands("sound.yaml", "--set", "layers.0.Dense=-3")
    assert (kind, properties) == ("error", {"title": "argument-value"})
    assert message.startswith("--set layers.0.Dense=-3:1:16: ")


def test_an_annotation_of_a_missing_file_has_no_line() -> None:
    ((_, properties, message),) = commands("nowhere.yaml")
    assert properties == {"file": "nowhere.yaml", "title": "file"}
    assert message == "nowhere.yaml: there is no such file"


def test_a_sound_spec_has_no_annotations_and_no_results() -> None:
    assert check("--format", "github", "sound.yaml").stdout == ""
    assert sarif("sound.yaml")["results"] == []
    assert sarif("sound.yaml")["tool"]["driver"]["rules"] == []


def sarif(*words: str) -> dict[str, Any]:
    log = json.loads(check("--format", "sarif", *words).stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    return dict(run)


def test_sarif_has_the_places_and_words_of_the_text(odd: str, files: Path) -> None:
    specs = ("warned.yaml", odd, "nowhere.yaml")
    run, found = sarif(*specs), data(*specs)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({each["code"] for each in found})
    for result, each in zip(run["results"], found, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == each["code"]
        assert result["level"] == each["severity"]
        assert result["message"]["text"].partition("\nhint: ")[::2] == (
            each["message"],
            each["hint"] or "",
        )
        (location,) = result["locations"]
        assert unquote(location["physicalLocation"]["artifactLocation"]["uri"]) == each["file"]
        assert location["physicalLocation"]["region"] == {
            "startLine": each["line"],
            "startColumn": each["column"],
            "endLine": each["end_line"],
            "endColumn": each["end_column"],
        }
        related = result.get("relatedLocations", [])
        assert [note["message"]["text"] for note in related] == [
            note["message"] for note in each["notes"]
        ]
        for other, note in zip(related, each["notes"], strict=True):
            assert other["physicalLocation"]["region"]["startLine"] == note["line"]


def test_an_address_in_sarif_is_escaped_and_relative_if_it_can_be(odd: str, files: Path) -> None:
    def uri(spec: str) -> str:
        location = sarif(spec)["results"][0]["locations"][0]["physicalLocation"]
        return str(location["artifactLocation"]["uri"])

    assert uri(odd) == "odd/a%20b%2Cc%250A%3Agr%C3%B6%C3%9Fe.yaml"
    assert uri("./odd/../wrong.yaml") == uri(str(files / "wrong.yaml")) == "wrong.yaml"
    assert uri("../wrong.yaml") == (files.parent / "wrong.yaml").as_uri()


def test_a_result_of_what_is_no_file_has_no_location() -> None:
    (result,) = sarif("sound.yaml", "--set", "layers.0.Dense=-3")["results"]
    assert "locations" not in result
    assert result["message"]["text"].startswith("--set layers.0.Dense=-3: ")


@pytest.mark.parametrize("form", ["github", "sarif"])
@pytest.mark.parametrize(
    ("spec", "status"),
    [("sound.yaml", 0), ("warned.yaml", 0), ("wrong.yaml", 1), ("nowhere.yaml", 1), (".", 1)],
)
def test_the_status_is_that_of_the_text(form: str, spec: str, status: int) -> None:
    assert check("--format", form, spec).exit_code == check(spec).exit_code == status


def test_bytes_that_are_no_text_are_reported_in_every_form(files: Path) -> None:
    (files / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    ((_, properties, _),) = commands("bytes.yaml")
    (result,) = sarif("bytes.yaml")["results"]
    assert (properties["title"], result["ruleId"]) == ("file", "file")


def test_data_that_does_not_fit_is_found_without_training(files: Path) -> None:
    np = pytest.importorskip("numpy")
    (files / "numbers.yaml").write_text(
        "archspec: 1\ninput: [4]\nlayers: [Dense: 1]\ntrain: {loss: MeanSquaredError}\n"
    )
    np.savez(files / "d.npz", x=np.zeros((8, 4)), y=np.arange(8))
    np.savez(files / "bad.npz", x=np.zeros((8, 4)), y=np.zeros((8, 2)))
    done = check("numbers.yaml", "--data", "d.npz")
    assert (done.exit_code, "output dense: y, numbers from 0 to 7" in done.output) == (0, True)
    done = check("numbers.yaml", "--data", "bad.npz")
    assert done.exit_code == 1
    assert "y gives 2 for each sample, but output 'dense' is 1 [data]" in done.output
    assert check("numbers.yaml", "--resize").exit_code == 2
    (files / "classes.yaml").write_text(
        "archspec: 1\nparams: {n: 99}\ninput: [8, 8]\nlayers: [Flatten, Dense: =n]\n"
    )
    np.savez(files / "ten.npz", x=np.zeros((20, 8, 8)), y=np.arange(20) % 10)
    done = check("classes.yaml", "--data", "ten.npz")
    words = "classes.yaml:4:19: warning: output 'dense' has 99 units, but ten has 10 classes"
    assert (done.exit_code, words in done.output) == (0, True)
    assert "hint: --set n=10" in done.output
    fits = archspec.check(files / "numbers.yaml", data="d.npz")
    assert (fits, len(archspec.check("lenet5", data="bad.npz"))) == ([], 1)
