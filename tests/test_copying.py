"""`archspec new`: files that extend a spec and copies of one, and what it leaves alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from conftest import ROOT, chdir
from shipped import SPECS, most_slow, network

import archspec
from archspec.errors import UserError
from archspec.loading.copying import FOR_EDITORS, SCHEMA, copy_spec, extend_spec
from archspec.schema import read_shipped

NET = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: 3\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.thorough
def test_every_copy_names_the_schema_beside_it(tmp_path: Path):
    derived = ROOT / "examples" / "identity_mappings"
    source = next(each for each in sorted(derived.glob("*.yaml")) if "\nextends" in text(each))
    written = copy_spec(source, tmp_path / "mine.yaml")
    assert written[-1] == tmp_path / SCHEMA
    assert text(tmp_path / SCHEMA) == read_shipped()
    specs = written[:-1]
    assert len(specs) > 1
    assert all(text(each).startswith(FOR_EDITORS) for each in specs)
    assert archspec.load(specs[0]).fingerprint == archspec.load(source).fingerprint


def test_a_copy_of_a_copy_has_the_line_once(tmp_path: Path):
    line = "# yaml-language-server: $schema=../elsewhere/archspec.schema.json\n"
    source = write(tmp_path / "a" / "net.yaml", f"# A net.\n{line}{NET}")
    copy_spec(source, tmp_path / "b" / "mine.yaml")
    assert text(tmp_path / "b" / "mine.yaml") == f"{FOR_EDITORS}# A net.\n{NET}"
    copy_spec(tmp_path / "b" / "mine.yaml", tmp_path / "b" / "again.yaml")
    assert text(tmp_path / "b" / "again.yaml") == text(tmp_path / "b" / "mine.yaml")


def test_the_line_is_no_part_of_the_meaning():
    with_line = archspec.loads(FOR_EDITORS + NET)
    assert with_line.fingerprint == archspec.loads(NET).fingerprint


def test_a_schema_of_another_version_is_refreshed_and_said_so(tmp_path: Path):
    write(tmp_path / SCHEMA, '{"title": "archspec 1", "type": "object"}')
    written = copy_spec(write(tmp_path / "net.yaml", NET), tmp_path / "mine.yaml")
    assert written == [tmp_path / "mine.yaml", tmp_path / SCHEMA]
    assert text(tmp_path / SCHEMA) == read_shipped()
    assert copy_spec(tmp_path / "net.yaml", tmp_path / "more.yaml") == [tmp_path / "more.yaml"]


@pytest.mark.parametrize("foreign", ['{"title": "another"}', "[1]", "not JSON", "\0\udcff"])
def test_a_file_that_is_not_archspecs_is_left_alone(tmp_path: Path, foreign: str):
    raw = foreign.encode("utf-8", "surrogateescape")
    (tmp_path / SCHEMA).write_bytes(raw)
    with pytest.raises(UserError, match="not archspec's"):
        copy_spec(write(tmp_path / "net.yaml", NET), tmp_path / "mine.yaml")
    assert (tmp_path / SCHEMA).read_bytes() == raw
    assert not (tmp_path / "mine.yaml").exists()


def test_a_base_that_is_there_already_is_left_alone_if_it_is_the_same(tmp_path: Path):
    write(tmp_path / "a" / "base.yaml", NET)
    source = write(tmp_path / "a" / "net.yaml", "archspec: 1\nextends: base.yaml\n")
    write(tmp_path / "b" / "base.yaml", NET)
    assert tmp_path / "b" / "base.yaml" not in copy_spec(source, tmp_path / "b" / "mine.yaml")
    assert text(tmp_path / "b" / "base.yaml") == NET
    write(tmp_path / "b" / "base.yaml", "mine")
    with pytest.raises(UserError, match="with other contents"):
        copy_spec(source, tmp_path / "b" / "more.yaml")
    assert not (tmp_path / "b" / "more.yaml").exists()


def test_two_files_of_one_name_cannot_stand_in_one_folder(tmp_path: Path):
    write(tmp_path / "a" / "net.yaml", NET)
    source = write(tmp_path / "b" / "net.yaml", "archspec: 1\nextends: ../a/net.yaml\n")
    assert len(copy_spec(source, tmp_path / "c" / "mine.yaml")) == 3
    with pytest.raises(UserError, match="two files"):
        copy_spec(source, tmp_path / "d" / "net.yaml")


def test_files_that_name_each_other_are_copied_once(tmp_path: Path):
    write(tmp_path / "a" / "one.yaml", "archspec: 1\nextends: two.yaml\n")
    source = write(tmp_path / "a" / "two.yaml", "archspec: 1\nextends: one.yaml\n")
    written = copy_spec(source, tmp_path / "b" / "two.yaml")
    assert [each.name for each in written] == ["two.yaml", "one.yaml", SCHEMA]


def uncomment(written: str) -> str:
    """Return a new spec with its params, as an editor would uncomment them."""
    head, _, params = written.partition("# params:\n")
    return head + re.sub("^# ", "", f"# params:\n{params}", flags=re.M)


@pytest.mark.parametrize("name", most_slow(SPECS))
def test_the_params_in_the_comment_are_those_of_the_base(tmp_path: Path, name: str):
    path = archspec.new(tmp_path / "mine.yaml", name)[0]
    written = text(path)
    assert written.startswith(f"{FOR_EDITORS}archspec: 1\nextends: {name}\n")
    assert [line for line in written.splitlines() if not line.startswith("#")][2:] in ([], [""])
    path.write_text(uncomment(written), encoding="utf-8")
    assert archspec.load(path).fingerprint == network(name).fingerprint


def test_uncommenting_a_param_changes_it(tmp_path: Path):
    path = archspec.new(tmp_path / "mine.yaml", "resnet18")[0]
    written = text(path).replace("# params:", "params:").replace("#   classes: 10", "  classes: 7")
    path.write_text(written, encoding="utf-8")
    assert archspec.load(path).fingerprint == archspec.load("resnet18", classes=7).fingerprint


def test_uncommenting_no_param_changes_nothing(tmp_path: Path):
    path = archspec.new(tmp_path / "mine.yaml", "resnet18")[0]
    path.write_text(text(path).replace("# params:", "params:"), encoding="utf-8")
    assert archspec.load(path).fingerprint == archspec.load("resnet18").fingerprint


def test_a_spec_without_params_is_extended_without_a_comment(tmp_path: Path):
    source = write(tmp_path / "net.yaml", NET)
    extend_spec(source, tmp_path / "mine.yaml")
    assert text(tmp_path / "mine.yaml") == f"{FOR_EDITORS}archspec: 1\nextends: net.yaml\n"


@pytest.mark.parametrize("name", ["net.yaml", "a #: b.yaml", "2.yaml", "- it's.yaml"])
def test_a_file_is_named_by_its_path_from_the_new_one(tmp_path: Path, name: str):
    source = write(tmp_path / "a" / name, NET)
    (target, schema) = extend_spec(source, tmp_path / "b" / "c" / "mine.yaml")
    assert schema == target.parent / SCHEMA
    assert archspec.load(target).fingerprint == archspec.load(source).fingerprint
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for each in ("a", "b"):
        (tmp_path / each).rename(moved / each)
    assert archspec.load(moved / "b" / "c" / "mine.yaml").total_params == 27


def test_a_link_to_a_folder_does_not_lead_astray(tmp_path: Path):
    write(tmp_path / "net.yaml", NET)
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "near").symlink_to(tmp_path / "far" / "away", target_is_directory=True)
    with chdir(tmp_path):
        archspec.new("near/mine.yaml", "net.yaml")
        assert archspec.load("near/mine.yaml").total_params == 27
    assert f"extends: {os.path.join('..', '..', 'net.yaml')}\n" in text(tmp_path / "near/mine.yaml")


def test_a_shipped_name_is_not_hidden_by_a_file_beside(tmp_path: Path):
    with pytest.raises(UserError, match="cannot extend the shipped lenet5"):
        archspec.new(tmp_path / "lenet5.yaml", "lenet5")
    write(tmp_path / "lenet5.yaml", NET)
    with pytest.raises(UserError, match="lies where"):
        archspec.new(tmp_path / "mine.yaml", "lenet5")
    assert not (tmp_path / "mine.yaml").exists()
    assert not (tmp_path / SCHEMA).exists()
    archspec.new(tmp_path / "mine.yaml", tmp_path / "lenet5.yaml")
    assert archspec.load(tmp_path / "mine.yaml").total_params == 27


def test_a_block_library_is_no_spec_to_extend(tmp_path: Path):
    with pytest.raises(archspec.SpecError, match="library"):
        archspec.new(tmp_path / "mine.yaml", "squeeze_excite")
    assert not any(tmp_path.iterdir())
    archspec.new(tmp_path / "mine.yaml", "squeeze_excite", copy=True)
    assert "blocks:" in text(tmp_path / "mine.yaml")


def test_a_copy_needs_no_shipped_file(tmp_path: Path):
    written = archspec.new(tmp_path / "mine.yaml", "se_resnet50", copy=True)
    assert {each.name for each in written} == {
        "mine.yaml", "resnet50_imagenet.yaml", "squeeze_excite.yaml", SCHEMA
    }  # fmt: skip
    assert "extends: resnet50_imagenet.yaml\nd" in text(tmp_path / "mine.yaml")
    assert "import: [squeeze_excite.yaml]" in text(tmp_path / "mine.yaml")


def test_a_param_is_uncommented_with_the_word_above_it(tmp_path: Path):
    path = archspec.new(tmp_path / "mine.yaml", "resnet18")[0]
    path.write_text(text(path).replace("#   classes", "  classes"), encoding="utf-8")
    with pytest.raises(archspec.SpecError) as error:
        archspec.load(path)
    assert error.value.diagnostics[0].hint == "uncomment `params:` above it as well"
