"""`archspec new`: what it writes, where copies say their schema is, what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT

import archspec
from archspec.errors import UserError
from archspec.loading.copying import FOR_EDITORS, SCHEMA, copy_spec
from archspec.schema import read_shipped

NET = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: 3\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


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
