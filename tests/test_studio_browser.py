"""The studio in Chromium: typing, saving, and what others do to the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import BROWSER, start_browser
from test_studio import SPEC, Served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium, on PATH or in ARCHSPEC_CHROMIUM"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright")
    with start_browser() as started:
        yield started


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[tuple[Any, Path, Served]]:
    (tmp_path / "a.yaml").write_text(SPEC)
    served = Served(tmp_path)
    page = browser.new_page(viewport={"width": 1300, "height": 800})
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto(served.server.address)
    page.wait_for_selector("#picture[aria-busy=false]", state="attached")
    yield page, tmp_path / "a.yaml", served
    page.close()
    served.end()
    assert [text for text in said if "Content Security" in text or "Error:" in text] == []


def wait(page: Any, words: str, where: str = "#picture") -> None:
    page.locator(where, has_text=words).wait_for()


def write(page: Any, text: str) -> None:
    page.click("#editor .cm-content")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(text)


def test_what_is_typed_is_drawn_and_written_on_ctrl_s(opened: Any) -> None:
    page, path, _ = opened
    write(page, "  - Dense: 7\n")
    wait(page, "dense 7")
    assert path.read_text() == SPEC
    page.keyboard.press("Control+s")
    wait(page, "+21", "#delta")
    page.locator("#save[disabled]").wait_for()
    assert path.read_text() == SPEC + "  - Dense: 7\n"


def test_a_save_of_another_editor_is_drawn_where_the_reader_is(opened: Any) -> None:
    page, path, _ = opened
    page.click("#in")
    place = page.get_attribute("#picture svg > g", "transform")
    path.write_text(SPEC.replace("Dense: 2", "Dense: 9"))
    wait(page, "dense 9")
    assert page.get_attribute("#picture svg > g", "transform") == place


def test_an_error_is_underlined_and_the_last_picture_greyed(opened: Any) -> None:
    page, _, _ = opened
    write(page, "  - Danse: 7\n")
    page.locator("#shown.stale").wait_for()
    page.locator(".cm-lintRange-error").first.wait_for()
    wait(page, "dense 2")


def test_both_are_shown_where_another_was_quicker(opened: Any) -> None:
    page, path, _ = opened
    write(page, "# mine\n")
    path.write_text(SPEC + "# theirs\n")
    page.locator("#conflict").wait_for()
    wait(page, "# mine", "#both")
    wait(page, "# theirs", "#both")
    assert path.read_text() == SPEC + "# theirs\n"
    page.click("#keep")
    page.locator("#save[disabled]").wait_for()
    assert path.read_text() == SPEC + "# mine\n"


def test_the_text_stays_where_the_file_is_gone(opened: Any) -> None:
    page, path, _ = opened
    path.unlink()
    wait(page, "no such file", "#message")
    wait(page, "Dense: 2", "#editor")


def test_the_text_stays_where_the_studio_is_killed(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC)
    command = [sys.executable, "-m", "archspec", "studio", "--no-browser", str(tmp_path)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    address = started.stdout.readline().split()[-1]
    page = browser.new_page()
    try:
        page.goto(address)
        page.wait_for_selector("#picture[aria-busy=false]", state="attached")
    finally:
        started.kill()
        started.communicate()
    write(page, "# more\n")
    wait(page, "copy it", "#message")
    wait(page, "# more", "#editor")
    page.close()
    assert (tmp_path / "a.yaml").read_text() == SPEC
