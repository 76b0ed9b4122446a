"""The studio in Chromium: typing, saving, and what others do to the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
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


def test_a_conflict_ends_with_its_file_and_where_it_is_undone(opened: Any) -> None:
    page, path, _ = opened
    other = path.with_name("b.yaml")
    other.write_text(SPEC.replace("Dense: 2", "Dense: 9"))
    write(page, "# mine\n")
    path.write_text(SPEC + "# theirs\n")
    page.locator("#conflict").wait_for()
    path.write_text(SPEC)
    page.locator("#conflict").wait_for(state="hidden")
    wait(page, "# mine", "#editor")
    path.write_text(SPEC + "# theirs\n")
    page.locator("#conflict").wait_for()
    page.once("dialog", lambda dialog: dialog.accept())
    page.select_option("#files", label="b.yaml")
    wait(page, "Dense: 9", "#editor")
    assert not page.locator("#conflict").is_visible()
    page.keyboard.press("Control+s")
    assert other.read_text() == SPEC.replace("Dense: 2", "Dense: 9")


HOLD = """question => {
    const quick = window.fetch;
    const released = new Promise((done) => addEventListener("release" + question, done));
    window.fetch = async (place, given) => {
        if (place.endsWith(question)) {
            document.body.classList.add("asked" + question.slice(1));
            await released;
        }
        return quick(place, given);
    };
}"""


@contextmanager
def hold(page: Any, question: str) -> Iterator[Any]:
    """Hold what the page asks the studio, until the end. Yields where to wait for a question."""
    page.evaluate(HOLD, f"/{question}")
    yield page.locator(f"body.asked{question}")
    page.evaluate("question => dispatchEvent(new Event('release/' + question))", question)


def test_what_is_typed_while_a_file_is_read_is_kept(opened: Any) -> None:
    page, path, _ = opened
    with hold(page, "read") as asked:
        path.write_text(SPEC + "# theirs\n")
        asked.wait_for()
        write(page, "# mine\n")
    wait(page, "# mine", "#both")
    wait(page, "# theirs", "#both")


def test_saves_that_overlap_are_one_after_the_other(opened: Any) -> None:
    page, path, _ = opened
    with hold(page, "save") as asked:
        for text in ("# one\n", "# two\n"):
            write(page, text)
            page.keyboard.press("Control+s")
            asked.wait_for()
    page.locator("#save[disabled]").wait_for()
    assert not page.locator("#conflict").is_visible()
    assert path.read_text() == SPEC + "# one\n# two\n"


def test_a_save_that_is_begun_while_another_file_is_read_is_not_of_that(opened: Any) -> None:
    page, path, _ = opened
    path.with_name("b.yaml").write_text(SPEC.replace("Dense: 2", "Dense: 9"))
    page.locator("#files option", has_text="b.yaml").wait_for(state="attached")
    write(page, "# mine\n")
    with hold(page, "save") as asked_to_save:
        with hold(page, "read") as asked_to_read:
            page.select_option("#files", label="b.yaml")
            asked_to_read.wait_for()
            page.keyboard.press("Control+s")
            asked_to_save.wait_for()
        page.wait_for_timeout(100)  # the file is read, and waits for the save
    wait(page, "Dense: 9", "#editor")
    write(page, "# more\n")
    page.keyboard.press("Control+s")
    page.locator("#save[disabled]").wait_for()
    assert not page.locator("#conflict").is_visible()
    assert path.read_text() == SPEC + "# mine\n"
    assert path.with_name("b.yaml").read_text().endswith("Dense: 9\n# more\n")


def test_a_file_of_blocks_says_so_and_what_is_wrong_with_it(opened: Any) -> None:
    page, path, _ = opened
    blocks = "archspec: 1\nblocks:\n  b:\n    layers: [{}: 3]\n"
    path.with_name("b.yaml").write_text(blocks.format("Dense"))
    page.locator("#files option", has_text="b.yaml").wait_for(state="attached")
    page.select_option("#files", label="b.yaml")
    wait(page, "no network to draw", "#message")
    path.with_name("b.yaml").write_text(blocks.format("Danse"))
    wait(page, "Danse", "#message")


def test_why_a_file_was_not_saved_stays_said(opened: Any) -> None:
    page, path, _ = opened
    with page.expect_response("**/read"):  # the text on the screen stays the same
        path.write_bytes(SPEC.encode().replace(b"\n", b"\r\n", 1))
    write(page, "# mine\n")
    page.keyboard.press("Control+s")
    wait(page, "end in different ways", "#message")
    page.wait_for_timeout(500)  # the text is checked, and nothing is wrong with it
    assert "end in different ways" in page.inner_text("#message")
    assert page.title().startswith("•")


def test_a_file_that_is_no_text_is_not_written(opened: Any) -> None:
    page, path, _ = opened
    path.with_name("b.yaml").write_bytes(b"# gr\xfcn\n")
    page.locator("#files option", has_text="b.yaml").wait_for(state="attached")
    page.select_option("#files", label="b.yaml")
    wait(page, "0xfc", "#message")
    write(page, "x")
    page.wait_for_timeout(300)
    assert "0xfc" in page.inner_text("#message")
    assert page.locator("#save[disabled]").count() == 1
    path.with_name("b.yaml").write_text("# grün\n" + SPEC)
    wait(page, "grün", "#editor")
    write(page, "# more\n")
    wait(page, "# more", "#editor")


def test_ctrl_s_saves_wherever_the_reader_is(opened: Any) -> None:
    page, path, _ = opened
    write(page, "# mine\n")
    page.locator("#picture").focus()
    page.keyboard.press("Control+s")
    page.locator("#save[disabled]").wait_for()
    assert path.read_text() == SPEC + "# mine\n"


def test_another_file_is_shown_from_its_beginning(opened: Any) -> None:
    page, path, _ = opened
    assert page.title().startswith("a.yaml ")
    start = page.get_attribute("#picture svg > g", "transform")
    path.with_name("b.yaml").write_text(SPEC + "# the same\n")
    path.with_name("c.yaml").write_text(SPEC + "  - Danse: 7\n")
    page.locator("#files option", has_text="c.yaml").wait_for(state="attached")
    page.click("#in")
    page.click("#in")
    page.select_option("#files", label="b.yaml")
    wait(page, "# the same", "#editor")
    page.locator("#shown:not(.empty)").wait_for()
    assert page.get_attribute("#picture svg > g", "transform") == start
    page.select_option("#files", label="c.yaml")
    wait(page, "Danse", "#message")
    assert not page.locator("#picture").is_visible()  # nothing of the other file
    assert page.inner_text("#delta") == ""


def test_another_spec_stands_beside_while_one_writes(opened: Any) -> None:
    page, path, _ = opened
    path.with_name("b.yaml").write_text(SPEC.replace("Dense: 2", "Dense: 9"))
    page.locator("#beside option", has_text="b.yaml").wait_for(state="attached")
    page.select_option("#beside", label="b.yaml")
    wait(page, "Dense: 9", "#two")
    wait(page, "dense 9 → 2")
    page.click("#two .cm-merge-a .cm-content")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("  - Dropout: 0.5\n")
    wait(page, "dropout")
    path.with_name("b.yaml").write_text(SPEC.replace("Dense: 2", "Dense: 11"))  # it changes, too
    wait(page, "dense 11 → 2")
    wait(page, "Dense: 11", "#two")
    path.write_text(SPEC + "# theirs\n")  # a conflict takes the place, and gives it back
    page.locator("#conflict").wait_for()
    assert not page.locator("#two").is_visible()
    page.click("#keep")
    wait(page, "Dense: 11", "#two")
    assert path.read_text() == SPEC + "  - Dropout: 0.5\n"
    page.select_option("#files", label="b.yaml")  # which stays beside
    wait(page, "Right: b.yaml", "#two")
    page.select_option("#beside", label="none")
    wait(page, "Dense: 11", "#editor")
    path.with_name("c.yaml").write_text((ROOT / "specs" / "lenet5.yaml").read_text())
    page.locator("#beside option", has_text="c.yaml").wait_for(state="attached")
    page.select_option("#beside", label="c.yaml")  # which has little in common
    wait(page, "little in common", "#details")
    wait(page, "dense 11")


def test_a_file_that_comes_is_offered_and_one_that_goes_is_not(opened: Any) -> None:
    page, path, _ = opened
    other = path.with_name("b.yaml")
    option = page.locator("#files option", has_text="b.yaml")
    other.write_text(SPEC)
    option.wait_for(state="attached")
    other.unlink()
    option.wait_for(state="detached")
    assert page.input_value("#files") == "0"


def test_names_are_completed(opened: Any) -> None:
    page, _, _ = opened
    write(page, "  - Drop")
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete li", has_text="Dropout").first.wait_for()


def test_the_mouse_over_a_step_shows_a_table(opened: Any) -> None:
    page, _, _ = opened
    page.locator("#editor .cm-line", has_text="Dense: 4").locator("span").first.hover()
    table = page.locator(".cm-tooltip table")
    table.wait_for()
    assert table.locator("code").first.inner_text() == "dense"
    assert "36" in table.locator("td.number").first.inner_text()  # parameters


def test_what_the_mouse_shows_is_text(opened: Any) -> None:
    page, _, _ = opened
    told = "| `<img src=x>` | n |\n| --- | --: |\n| *<b>* | 1 |\n\nparam `a`: <script>"
    page.route("**/ask/hover", lambda route: route.fulfill(json={"hover": {"markdown": told}}))
    page.locator("#editor .cm-line", has_text="Dense: 4").locator("span").first.hover()
    page.locator(".cm-tooltip .told").wait_for()
    assert page.locator(".told code").all_inner_texts() == ["<img src=x>", "a"]
    assert page.locator(".told em").inner_text() == "<b>"
    assert page.locator(".told img, .told b, .told script").count() == 0


def test_a_pinned_base_stays_the_base(opened: Any) -> None:
    page, _, _ = opened
    page.click("#pin")
    wait(page, "since the pinned base", "#delta")
    for text in ("  - Dense: 7\n", "  - Dense: 3\n"):
        write(page, text)
        page.keyboard.press("Control+s")
        page.locator("#save[disabled]").wait_for()
    wait(page, "+45", "#delta")
    page.click("#pin")
    wait(page, "+24", "#delta")  # since the last save


@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_a_picture_is_exported(opened: Any, suffix: str) -> None:
    page, _, _ = opened
    with page.expect_download() as download:
        page.select_option("#export", f".{suffix}")
    assert download.value.suggested_filename == f"a.{suffix}"
    assert "dense" in Path(download.value.path()).read_text()


def test_open_blocks_and_the_place_stay_over_a_save(browser: Any, tmp_path: Path) -> None:
    text = (ROOT / "specs" / "resnet18.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text)
    served = Served(tmp_path)
    page = browser.new_page(viewport={"width": 1300, "height": 800})
    page.goto(served.server.address)
    page.wait_for_selector("#picture[aria-busy=false]", state="attached")
    block = page.locator("[role=treeitem][aria-label^='stage1']").first
    block.click()
    page.keyboard.press("ArrowRight")
    assert block.get_attribute("aria-expanded") == "true"
    page.click("#in")
    place = page.get_attribute("#picture svg > g", "transform")
    (tmp_path / "a.yaml").write_text(text.replace("classes: 10", "classes: 7", 1))
    wait(page, "dense 7", "#outline")
    assert block.get_attribute("aria-expanded") == "true"
    assert page.get_attribute("#picture svg > g", "transform") == place
    page.close()
    served.end()


def test_the_text_stays_where_the_file_is_gone(opened: Any) -> None:
    page, path, _ = opened
    path.unlink()
    wait(page, "no such file", "#message")
    wait(page, "Dense: 2", "#editor")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    path.with_name("b.yaml").write_text("archspec: 1\n")
    page.locator("#files option", has_text="b.yaml").wait_for(state="attached")
    page.select_option("#files", label="b.yaml")
    page.wait_for_timeout(300)
    assert "not saved is lost" in asked[0]
    assert page.input_value("#files") == "0"
    page.click("#save")
    page.click("#keep")
    page.locator("#save[disabled]").wait_for()
    assert path.read_text() == SPEC


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
