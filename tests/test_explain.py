"""`archspec explain`: a page for each error, with a spec that has it and a sound one."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, command

import archspec
from archspec.advice import RULES
from archspec.backends.explanations import Explanation, read_explanations, write_page
from archspec.error_formats import CODES

pytestmark = pytest.mark.thorough

PAGES = read_explanations()
WITH_SPECS = [pytest.param(page, id=code) for code, page in PAGES.items() if page.wrong]


def found_in(text: str, folder: Path, code: str) -> list[str]:
    """The codes of what is wrong with a spec, and with its use as a network; also what is advised,
    if the page is one of advice."""
    file = folder / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    found = archspec.check(file)
    if not found:  # a block library is sound in itself
        try:
            archspec.load(file)
        except archspec.SpecError as error:
            found = list(error.diagnostics)
    if code in RULES:
        found += archspec.advise(file)
    return [each.code for each in found]


def test_every_code_has_a_page():
    assert list(PAGES) == list(CODES)
    assert all(page.meaning for page in PAGES.values())


def test_every_page_has_a_wrong_and_a_right_spec_unless_it_would_be_too_long():
    # A Python file or a Keras model is wrong, or it would be too long.
    imports = [code for code in CODES if code.startswith("import-")]
    without = [*imports, "own-layers", "too-many-errors"]
    assert [code for code, page in PAGES.items() if not page.right] == without
    assert [code for code, page in PAGES.items() if not page.wrong] == without


@pytest.mark.parametrize("page", WITH_SPECS)
def test_a_wrong_spec_has_this_error_and_no_other(page: Explanation, tmp_path: Path):
    assert set(found_in(page.wrong, tmp_path, page.code)) == {page.code}


@pytest.mark.parametrize("page", WITH_SPECS)
def test_a_right_spec_is_sound(page: Explanation, tmp_path: Path):
    assert found_in(page.right, tmp_path, page.code) == []


def test_the_page_of_all_errors_is_current():
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert text == write_page(), "run python -m archspec.backends.explanations"


def test_a_page_says_what_is_wrong_and_shows_both_specs():
    page = PAGES["shape"]
    text = archspec.explain("shape").to_text()
    squeezed = " ".join(text.split())
    for part in (page.code, page.sentence, page.meaning, page.wrong, page.right):
        assert " ".join(part.split()) in squeezed


def test_a_page_in_a_terminal_has_no_links_and_fits_the_width():
    text = archspec.explain("formula", width=60).to_text()
    assert "](" in PAGES["formula"].meaning
    assert "](" not in text
    prose = [line for line in text.splitlines() if not line.startswith(" ")]
    assert max(map(len, prose)) <= 60


def test_without_a_code_all_are_listed():
    text = " ".join(archspec.explain().to_text().split())
    assert [code for code, line in CODES.items() if f"{code} {line}" not in text] == []
    listed = archspec.explain().to_text("markdown").splitlines()
    assert listed == [f"- `{code}`: {line}" for code, line in CODES.items()]


def test_data_has_the_specs():
    (data,) = archspec.explain("when").data
    assert (data["code"], data["wrong"]) == ("when", PAGES["when"].wrong)
    assert [each["code"] for each in archspec.explain().data] == list(CODES)


@pytest.mark.parametrize("codes", [(), ("shape",), ("shape", "yaml")])
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_command_prints_what_the_function_gives(
    codes: tuple[str, ...], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    done = command(tmp_path, "explain", *codes, "--format", form)
    assert (done.returncode, done.stdout) == (0, archspec.explain(*codes).to_text(form))


def test_the_command_ends_in_words(tmp_path: Path):
    unknown = command(tmp_path, "explain", "shap")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "error: no error has the code 'shap'\nhint: did you mean 'shape'?\n"
    assert command(tmp_path, "explain", "--long").returncode == 2


def test_a_code_that_no_error_has():
    with pytest.raises(archspec.UserError, match="no error has the code 'shap'") as error:
        archspec.explain("shape", "shap")
    assert error.value.hint == "did you mean 'shape'?"
    with pytest.raises(archspec.UserError) as error:
        archspec.explain("zzzzzz")
    assert error.value.hint == "`archspec explain` lists all codes"
