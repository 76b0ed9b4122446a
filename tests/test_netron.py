"""Models for other programs, opened in Netron, which shows their layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pages import BROWSER, start_browser

import archspec

pytestmark = [
    pytest.mark.keras,
    pytest.mark.browser,
    pytest.mark.export,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium, on PATH or in ARCHSPEC_CHROMIUM"),
]
# Netron takes `eval` away, by which Playwright asks a page what it shows.
KEEP_EVAL = (
    "const kept = window.eval; Object.defineProperty(window, 'eval', {get: () => kept, set() {}});"
)


def read_nodes(path: Path) -> list[str]:
    """Return the texts of the nodes that Netron shows of a model."""
    netron: Any = pytest.importorskip("netron")
    host, port = netron.start(str(path), address=("127.0.0.1", 0), browse=False)
    try:
        with start_browser() as browser:
            page = browser.new_page()
            page.add_init_script(KEEP_EVAL)
            page.goto(f"http://{host}:{port}")
            page.get_by_role("button", name="Accept").click()
            page.locator("g.node").first.wait_for(timeout=60_000)
            texts: list[str] = page.locator("g.node text").all_text_contents()
            return texts
    finally:
        netron.stop()


@pytest.mark.parametrize(
    ("suffix", "convolution", "pooling"),
    [
        (".onnx", "Conv", "MaxPool"),
        (".tflite", "Conv2D", "MaxPool2D"),
        (".keras", "Conv2D", "MaxPooling2D"),
        (".json", "Conv2D", "MaxPooling2D"),
    ],
)
def test_netron_shows_the_layers(suffix: str, convolution: str, pooling: str, tmp_path: Path):
    path = tmp_path / f"lenet5{suffix}"
    archspec.build("lenet5", path)
    shown = read_nodes(path)
    assert [shown.count(each) for each in (convolution, pooling)] == [2, 2]


def test_netron_shows_a_network_of_many_branches(tmp_path: Path):
    path = tmp_path / "inception10.onnx"
    archspec.build("inception10", path, verify=False)
    convolutions = [node for node in archspec.load("inception10") if node.op == "Conv2D"]
    assert read_nodes(path).count("Conv") == len(convolutions)
