"""The page of a comparison: curves, Pareto fronts, a table that is sorted, and each network."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from conftest import command
from pages import BROWSER, Opened, read_data, start_browser
from test_comparison import net, write_run

from archspec.comparing.table import Comparison, Missing, build_comparison
from archspec.page.comparison import write_comparison_page
from archspec.runs.results import read_result


def compare(folder: Path) -> Comparison:
    """Two runs of one network, a larger and a slower one, one on other images."""
    runs = [
        ("a", net("small", 10), 0.6, {"seed": 0}),
        ("b", net("small", 10), 0.7, {"seed": 1}),
        ("c", net("large", 90), 0.9, {"training_seconds": 9.0}),
        ("d", net("worse", 99), 0.8, {"training_seconds": 20.0}),
        ("e", net("other", 20), 0.99, {"images": {"train": 9, "validation": 9, "test": 9}}),
    ]
    results = [
        read_result(write_run(folder / name, text, accuracy, **more))
        for name, text, accuracy, more in runs
    ]
    missing = Missing("gone", 0, results[0].graph, "failed", "no memory")
    return build_comparison(results, [missing])


def test_a_page_has_curves_fronts_and_networks(tmp_path: Path) -> None:
    data = read_data(write_comparison_page(compare(tmp_path)))
    rows = {row["name"]: row for row in data["comparison"]["rows"]}
    assert [*rows] == ["other", "large", "worse", "small", "gone"]
    assert [each["name"] for each in data["networks"]] == [*rows]
    assert rows["small"]["value"] == pytest.approx(0.65)
    assert rows["small"]["curve"] == [
        pytest.approx([0.325, 0.0353553], rel=1e-4),
        pytest.approx([0.65, 0.0707107], rel=1e-4),
    ]
    assert rows["large"]["front"] == [True, True]
    assert rows["small"]["front"] == [True, True]
    assert rows["worse"]["front"] == [False, False]
    assert rows["other"]["front"] == [False, False]  # it is on other images
    assert not rows["other"]["alike"]
    assert rows["gone"]["value"] is None
    assert any("no memory" in note for note in data["comparison"]["notes"])


def test_of_an_error_less_is_better(tmp_path: Path) -> None:
    text = net(train="loss: MeanSquaredError").replace("softmax", "linear")
    runs = [
        write_run(tmp_path / name, text.replace("net", name), test={"mean_absolute_error": error})
        for name, error in (("worse", 2.0), ("better", 1.0))
    ]
    data = read_data(write_comparison_page(build_comparison([*map(read_result, runs)])))
    assert data["comparison"]["less"] is True
    rows = {row["name"]: row["front"] for row in data["comparison"]["rows"]}
    assert rows == {"better": [True, True], "worse": [False, False]}


def test_the_command_writes_a_page_beside_its_tables(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", net("small", 10), 0.6)
    second = write_run(tmp_path / "b", net("large", 30), 0.7)
    page = tmp_path / "both.html"
    words = "compare", str(first), str(second), "--dir", str(tmp_path / "c"), "-o", str(page)
    done = command(tmp_path, *words)
    assert f"{page}" in done.stderr + done.stdout
    assert {each.name for each in (tmp_path / "c").iterdir()} == {
        "comparison.md",
        "comparison.csv",
        "comparison.png",
    }
    assert len(read_data(page.read_text(encoding="utf-8"))["networks"]) == 2


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, on PATH or in ARCHSPEC_CHROMIUM")
def test_the_page_is_sorted_and_leads_to_each_network(tmp_path: Path) -> None:
    pytest.importorskip("playwright")
    path = tmp_path / "comparison.html"
    path.write_text(write_comparison_page(compare(tmp_path)), encoding="utf-8")
    with start_browser() as browser:
        shown = Opened(browser.new_page(viewport={"width": 1300, "height": 800}), path)
        page = shown.page
        shown.go()

        def listed() -> list[str]:
            return page.locator(".runs tbody th").all_inner_texts()

        assert listed() == ["other *", "large", "worse", "small", "gone"]
        assert page.locator(".charts svg").count() == 3
        assert page.locator(".on-front").count() == 4
        page.click(".runs thead button >> text=training time")
        assert listed()[0] in {"other *", "small"}
        assert listed()[-2:] == ["worse", "gone"]  # what has no number is last
        page.click(".runs thead button >> text=training time")
        assert listed()[0] == "worse"
        assert listed()[-1] == "gone"
        page.focus(".runs tbody a >> nth=1")
        page.keyboard.press("Enter")
        page.wait_for_selector("#details h2")
        assert page.inner_text("#details h2") == "large"
        assert "dense 90" in " ".join(shown.boxes())
        assert ">large</text>" in unquote(page.get_attribute("#print", "src"))
        page.emulate_media(media="print")
        assert page.locator("#print").bounding_box()["height"] > 100
        page.emulate_media(media="screen")
        page.evaluate("location.hash = '#2/dense'")
        page.wait_for_function(
            "() => document.querySelector('#details h2').textContent === 'dense'"
        )
        page.select_option("#networks", label="Comparison")
        page.wait_for_selector(".runs", state="visible")
        assert len(page.pdf()) > 10_000
        assert shown.said == []
        assert shown.asked == [path.as_uri()] or all(
            url.startswith(("data:", path.as_uri())) for url in shown.asked
        )
