"""`archspec check --fix`: what is certain is written, into the named file alone; all else stays."""

from __future__ import annotations

import json
import os
import pickle
import stat
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, command, runner

import archspec
from archspec.api import fix as fixing
from archspec.api.fix import fix_text
from archspec.cli import main
from archspec.errors import Suggestion, did_you_mean

HEAD = "archspec: 1\ninput: [28, 28, 1]\n"


def steps(*lines: str, more: str = "") -> str:
    return f"{HEAD}{more}layers:\n" + "".join(f"  {line}\n" for line in lines)


CASES: dict[str, tuple[str, str]] = {
    "an argument": (
        steps("- Conv2D: {filters: 8, kernal_size: 3}  # kernal_size"),
        steps("- Conv2D: {filters: 8, kernel_size: 3}  # kernal_size"),
    ),
    "a key in two kinds of quotes": (
        steps("- Dense: {\"unit\": 3, 'use_bais': false}"),
        steps("- Dense: {\"units\": 3, 'use_bias': false}"),
    ),
    "a spec in JSON": (
        '{"archspec": 1, "input": [3], "layers": [{"Dense": {"unit":3}}]}',
        '{"archspec": 1, "input": [3], "layers": [{"Dense": {"units":3}}]}',
    ),
    "letters of several columns and bytes before it": (
        steps("- Flatten", more="train: {data: größe大\N{GRINNING FACE}, los: Huber}\n"),
        steps("- Flatten", more="train: {data: größe大\N{GRINNING FACE}, loss: Huber}\n"),
    ),
    "a layer whose arguments are wrong as well": (
        steps("- Conv2d: {filtrs: 8, kernal_size: 3}"),
        steps("- Conv2D: {filters: 8, kernel_size: 3}"),
    ),
    "a value behind its anchor, used twice": (
        steps("- Dense: {units: 3, activation: &a sofmax}", "- Dense: {units: 3, activation: *a}"),
        steps("- Dense: {units: 3, activation: &a softmax}", "- Dense: {units: 3, activation: *a}"),
    ),
    "an argument in a mapping with an anchor, used twice": (
        steps("- Dense: &a {unit: 3}", "- Dense: *a"),
        steps("- Dense: &a {units: 3}", "- Dense: *a"),
    ),
    "steps without the space after their dash": (
        steps("-Flatten", "- Dense:10", "- Dens: 4", "- ReLU ( )"),
        steps("- Flatten", "- Dense: 10", "- Dense: 4", "- ReLU"),
    ),
    "the only step": (steps("-Flatten"), steps("- Flatten")),
    "all steps": (steps("-Flatten", "-ReLU"), steps("- Flatten", "- ReLU")),
    "all steps, with arguments": (
        steps("-Dense: 3", "-Dense: 4"),
        steps("- Dense: 3", "- Dense: 4"),
    ),
    "two names in one formula": (
        steps("- Dense: =widht * dpeth", more="params: {width: 3, depth: 2}\n"),
        steps("- Dense: =width * depth", more="params: {width: 3, depth: 2}\n"),
    ),
    "a step": (
        steps("- Flatten:", "  name: flat", "- Dense: 3", "  from: flatt"),
        steps("- Flatten:", "  name: flat", "- Dense: 3", "  from: flat"),
    ),
    "tabs between words": (
        steps("- Dense:\t{units:\t3,\tuse_bais:\tfalse}\t# x"),
        steps("- Dense:\t{units:\t3,\tuse_bias:\tfalse}\t# x"),
    ),
    "a space that lacks": (steps("-Flatten", "-Dense: 3"), steps("- Flatten", "- Dense: 3")),
    "the call of a function": (steps("- Flatten()"), steps("- Flatten")),
    "a formula without its sign": (
        steps("- Dense: 2 * width", more="params: {width: 3}\n"),
        steps("- Dense: =2 * width", more="params: {width: 3}\n"),
    ),
    "a formula of several lines": (
        steps("- Dense: =width +", "    widht", more="params: {width: 3}\n"),
        steps("- Dense: =width +", "    width", more="params: {width: 3}\n"),
    ),
    "the same name twice in a line": (
        steps("- Reshape: [=sise, =sise, 1]", more="params: {size: 28}\nrequire: {=size > 1: x}\n"),
        steps("- Reshape: [=size, =size, 1]", more="params: {size: 28}\nrequire: {=size > 1: x}\n"),
    ),
    "a word, of which an unknown name comes": (
        steps(
            "- Flatten:",
            "  name: mixed_a",
            "- Flatten:",
            "  nmae: mixed_e",
            "- Dense: 3",
            "  from: mixed_e",
        ),
        steps(
            "- Flatten:",
            "  name: mixed_a",
            "- Flatten:",
            "  name: mixed_e",
            "- Dense: 3",
            "  from: mixed_e",
        ),
    ),
    "a word of a group": (
        steps("- laers: [Flatten, Dense: 3]"),
        steps("- layers: [Flatten, Dense: 3]"),
    ),
    "true and false": (
        steps("- Dense: {units: 3, use_bias: flase}", "  when: treu"),
        steps("- Dense: {units: 3, use_bias: false}", "  when: true"),
    ),
    "a number in quotes": (steps("- Dense: '3'"), steps("- Dense: 3")),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_what_is_certain_is_written(before: str, after: str) -> None:
    found = fix_text(before, "net.yaml")
    assert found.text == after
    assert not [each for each in found.left if each.severity == "error"]
    assert found.fixed


KEPT: dict[str, str] = {
    "two near names": steps("- BatchNormalization: {beta: zeros}"),
    "a number that differs": steps("- Flatten:", "  name: a1", "- Dense: 3", "  from: a2"),
    "the key that is there already": steps("- Dense: {units: 3, unit: 4}"),
    "a word with escapes": steps(r'- Dense: {"un\u0069t": 3}'),
    "a value that the other argument cannot have": steps("- Dense: {units: 3, activatio: 7}"),
    "what is near and longer": steps("- Dense: {units: 3, dtype: bfloat}"),
    "a param that nobody names": steps("- Dense: =width", more="params: {width: 3, widht: 4}\n"),
    "a name that is written more often than the one declared": steps(
        "- Dense: =width", "- Dense: =width", more="params: {widht: 3}\n"
    ),
    "a name near one that is written more often than the one declared": steps(
        *["- Dense: =width"] * 2, "- Dense: =wiidht", more="params: {widht: 3}\n"
    ),
    "the call of a block whose name is not possible": steps(
        "- STEM: 3", "- stem: 3", more="blocks:\n  STEM: {params: {n: 1}, layers: [Dense: =n]}\n"
    ),
    "what no hint is sure of": steps("- Linear: 10"),
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_is_not_certain_is_kept(text: str) -> None:
    found = fix_text(text, "net.yaml")
    assert (found.text, found.fixed) == (text, ())
    assert found.left


def test_a_fix_that_brings_other_errors_is_none() -> None:
    """The values under an anchor are right in one place, and in the other the word is another."""
    text = steps("- Dense: &a {units: 3, use_bais: false}", "- BatchNormalization: *a")
    found = fix_text(text, "net.yaml")
    assert found.text == text


def test_it_is_said_why_a_fix_is_not_made() -> None:
    text = steps("- Flatten", "- Dense: 10", more="train: {optimiser: adm}\n")
    text += "defalts: {Dense: {use_bais: false}}\n"
    found = fix_text(text, "net.yaml")
    (left,) = found.left
    assert "use_bias" in found.text
    assert str(left.hint).startswith("did you mean 'optimizer'? (not fixed: it would uncover: ")
    assert str(left.hint).endswith("got 'adm')")
    assert left.fix is not None


def test_a_fix_that_two_errors_ask_for_is_told_once() -> None:
    text = steps(
        "- Conv2D: &a {filters: 4, kernel_siz: 3}", "- Conv2D: *a", "- SeparableConv2D: *a"
    )
    found = fix_text(text, "net.yaml")
    assert found.left == []
    assert len(found.fixed) == 1


def test_one_of_several_that_cannot_be_fixed_does_not_hinder_the_others() -> None:
    found = fix_text(steps("- Dense: {unit: 3}", "- Dense: {unit: -4}"), "net.yaml")
    assert found.text == steps("- Dense: {units: 3}", "- Dense: {unit: -4}")
    assert [each.span.line for each in found.fixed] == [4]


@pytest.mark.parametrize(
    ("word", "known", "sure"),
    [
        ("kernal_size", ["kernel_size", "strides"], True),
        ("form", ["for", "from"], True),
        ("lr", ["learning_rate", "beta_1"], True),
        ("std", ["mean", "stddev"], True),
        ("he-normal", ["HeNormal", "GlorotNormal"], True),
        ("kernel", ["kernel_size", "kernel_initializer"], False),
        ("slope", ["negative_slope", "max_value"], False),
        ("stage3", ["stage1", "stage2"], False),
        ("stage3", ["stage2"], False),
        ("beta3", ["beta_1", "beta_2"], False),
        ("beta1", ["beta_1", "beta_2"], True),
    ],
)
def test_a_hint_is_sure_of_a_single_near_word(word: str, known: list[str], sure: bool) -> None:
    hint = did_you_mean(word, known)
    assert hint is not None
    assert isinstance(hint, Suggestion) == sure


def test_a_suggestion_is_copied_whole() -> None:
    hint = did_you_mean("unit", ["units"])
    for copy in (deepcopy(hint), pickle.loads(pickle.dumps(hint))):
        assert (copy, copy.given, copy.meant) == (hint, "unit", "units")


# --- the file ------------------------------------------------------------------------------------

WRONG = steps("- Flatten", "- Dense: {unit: 3}  # why")
RIGHT = WRONG.replace("unit:", "units:")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "net.yaml"
    file.write_text(WRONG, encoding="utf-8")
    return file


LAYOUTS: dict[str, tuple[bytes, bytes]] = {
    "windows": (b"\n", b"\r\n"),
    "old": (b"\n", b"\r"),
    "a mark at the start": (b"archspec", b"\xef\xbb\xbfarchspec"),
    "no line end at the end": (b"  # why\n", b""),
    "other line ends": (b"# why\n", "# a\x85# b\u2028# c\n".encode()),
}


@pytest.mark.parametrize(("old", "new"), LAYOUTS.values(), ids=LAYOUTS)
def test_all_else_of_the_file_stays(old: bytes, new: bytes, path: Path) -> None:
    path.write_bytes(WRONG.encode().replace(old, new, -1 if old == b"\n" else 1))
    found = archspec.fix(path)
    assert found.left == []
    assert path.read_bytes() == RIGHT.encode().replace(old, new, -1 if old == b"\n" else 1)


def test_permissions_and_links_stay(path: Path) -> None:
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    archspec.fix(link)
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == RIGHT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert {each.name for each in path.parent.iterdir()} == {"net.yaml", "link.yaml"}


def test_a_sound_file_and_one_without_a_fix_are_not_written(path: Path) -> None:
    for text in (RIGHT, KEPT["what no hint is sure of"]):
        path.write_text(text, encoding="utf-8")
        before = path.stat()
        assert archspec.fix(path).fixed == ()
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_no_other_file_is_written(path: Path) -> None:
    base = "archspec: 1\nblocks:\n  a: {layers: [Dense: {unit: 3}]}\n"
    path.with_name("library.yaml").write_text(base, encoding="utf-8")
    text = steps("- a", "- Dens: 3", more="import: [library.yaml]\n")
    path.write_text(text, encoding="utf-8")
    found = archspec.fix(path)
    assert path.read_text(encoding="utf-8") == text.replace("Dens:", "Dense:")
    assert path.with_name("library.yaml").read_text(encoding="utf-8") == base
    assert [each.span.source.name for each in found.left] == [str(path.with_name("library.yaml"))]


def test_a_file_that_was_changed_meanwhile_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fix_while_edited(*given: Any) -> fixing.Fixed:
        path.write_text("archspec: 1  # edited\n", encoding="utf-8")
        return fix_text(*given)

    monkeypatch.setattr(fixing, "fix_text", fix_while_edited)
    with pytest.raises(archspec.UserError, match="has changed since it was read"):
        archspec.fix(path)
    assert path.read_text(encoding="utf-8") == "archspec: 1  # edited\n"
    assert [each.name for each in path.parent.iterdir()] == ["net.yaml"]


def test_a_file_that_is_read_only_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # of root, every file may be written
    done = command(path.parent, "check", "net.yaml", "--fix")
    assert (done.returncode, path.read_text(encoding="utf-8")) == (1, WRONG)
    assert "net.yaml: error: cannot write net.yaml: it is read-only" in done.stdout


# --- the command ---------------------------------------------------------------------------------


def test_it_says_what_it_fixed_and_what_remains(path: Path) -> None:
    done = command(path.parent, "check", "net.yaml", "--fix")
    assert done.returncode == 0
    fixed, summary = done.stdout.splitlines()
    assert fixed == "net.yaml:5:13: fixed: 'unit' is now 'units' [unknown-argument]"
    assert summary.startswith("net.yaml: sound: 2 layers")
    path.write_text(WRONG.replace("Flatten", "Linear: 3"), encoding="utf-8")
    done = command(path.parent, "check", "net.yaml", "--fix")
    assert done.returncode == 1
    assert done.stdout.startswith("net.yaml:5:13: fixed: ")
    assert "net.yaml:4:5: error: no layer is called 'Linear'" in done.stdout
    assert done.stdout.endswith("1 error; `archspec explain unknown-layer` explains it\n")


def test_standard_input_is_printed_fixed_and_messages_are_apart() -> None:
    done = runner().invoke(main, ["check", "--fix", "-"], input=WRONG)
    assert (done.exit_code, done.stdout) == (0, RIGHT)
    assert "stdin:5:13: fixed: 'unit' is now 'units'" in done.stderr
    done = runner().invoke(main, ["check", "--fix", "-"], input=steps("- Linear: 3"))
    assert (done.exit_code, done.stdout) == (1, steps("- Linear: 3"))
    marked = runner().invoke(main, ["check", "--fix", "-"], input=b"\xef\xbb\xbf" + b"archspec")
    assert marked.stdout.encode() == b"\xef\xbb\xbfarchspec"


@pytest.mark.parametrize("words", ["- net.yaml", "- --format json"])
def test_standard_input_is_fixed_alone(words: str, path: Path) -> None:
    done = command(path.parent, "check", "--fix", *words.split())
    assert done.returncode == 2
    assert "give it alone, without --format" in done.stderr


def test_other_formats_hold_what_remains(path: Path) -> None:
    path.write_text(WRONG.replace("Flatten", "Linear: 3"), encoding="utf-8")
    done = command(path.parent, "check", "net.yaml", "--fix", "--format", "json")
    assert [each["code"] for each in json.loads(done.stdout)] == ["unknown-layer"]
    assert done.stderr.startswith("net.yaml:5:13: fixed: ")


def test_without_fix_other_programs_are_given_the_fix(path: Path) -> None:
    done = command(path.parent, "check", "net.yaml", "--format", "json")
    (found,) = json.loads(done.stdout)
    place = {"line": 5, "column": 13, "end_line": 5, "end_column": 17}
    assert found["fix"] == {**place, "text": "units"}
    done = command(path.parent, "check", "net.yaml", "--format", "sarif")
    (fix,) = json.loads(done.stdout)["runs"][0]["results"][0]["fixes"]
    assert fix["description"] == {"text": "did you mean 'units'?"}
    region = {"startLine": 5, "startColumn": 13, "endLine": 5, "endColumn": 17}
    assert fix["artifactChanges"] == [
        {
            "artifactLocation": {"uri": "net.yaml"},
            "replacements": [{"deletedRegion": region, "insertedContent": {"text": "units"}}],
        }
    ]
    assert path.read_text(encoding="utf-8") == WRONG


def test_a_setting_has_no_fix() -> None:
    (found,) = archspec.check("lenet5", widht=3)
    assert found.fix is None


@pytest.mark.parametrize("name", ["objects", "words", "arguments", "hidden_formulas"])
@pytest.mark.thorough
def test_every_fix_of_a_broken_file_leaves_fewer_errors(name: str) -> None:
    path = ROOT / "tests" / "errors" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    found = fix_text(text, str(path), path)
    before = [each for each in fix_text(text, "x", path).left]
    assert len(found.fixed) >= 5
    assert len(before) <= len(archspec.check(path)) - len(found.fixed)
    assert fix_text(found.text, str(path), path).fixed == ()


TYPOS = [
    ("resnet18", "kernel_size", "kernal_size"),
    ("resnet18", "residual: {filters", "residul: {filters"),
    ("resnet18", "=width, kernel", "=widht, kernel"),
    ("vgg16", "MaxPooling2D", "MaxPoling2D"),
    ("googlenet", "outputs:", "ouputs:"),
    ("mobilenet_v2", "use_bias: false", "use_bias: flase"),
    (
        "inception_v3",
        "name: mixed{module}\n  - name: mixed7",
        "neme: mixed{module}\n  - name: mixed7",
    ),
    ("vit_b16", "params:", "parms:"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), TYPOS)
@pytest.mark.thorough
def test_a_typo_in_a_shipped_spec_is_mended(name: str, right: str, wrong: str) -> None:
    path = ROOT / "specs" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert right in text
    found = fix_text(text.replace(right, wrong, 1), str(path), path)
    assert found.text == text
    assert found.left == []
